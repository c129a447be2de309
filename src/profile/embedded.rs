//! The profiles that are part of the program.

use super::{Profile, ProfileFiles};
use crate::error::Result;

/// A profile's name, and its files: the path below the repository, and the text. `profile.toml` is first.
type Embedded = (&'static str, &'static [(&'static str, &'static str)]);

macro_rules! embedded {
    ($($name:literal: $($file:literal),+;)+) => {
        &[$((
            $name,
            &[$((
                concat!("profiles/", $name, "/", $file),
                include_str!(concat!("../../profiles/", $name, "/", $file)),
            )),+],
        )),+]
    };
}

const ALL: &[Embedded] = embedded! {
    "aks-ubuntu-18.04":
        "profile.toml",
        "1-initial-setup.toml",
        "2-services.toml",
        "3-network.toml",
        "4-logging.toml",
        "5-access.toml",
        "6-maintenance.toml";
};

/// The name of the default profile.
pub(crate) const DEFAULT: &str = ALL[0].0;

impl Profile {
    /// The default profile: `aks-ubuntu-18.04`.
    ///
    /// # Errors
    /// A mistake in the embedded files; a test proves that there is none.
    pub fn embedded() -> Result<Profile> {
        source(ALL[0].1).parse()
    }

    /// The embedded profile of this name; `None` when there is none.
    ///
    /// # Errors
    /// As [`Profile::embedded`].
    pub fn named(name: &str) -> Option<Result<Profile>> {
        let (_, files) = ALL.iter().find(|(known, _)| *known == name)?;
        Some(source(files).parse())
    }
}

fn source(files: &[(&str, &str)]) -> ProfileFiles {
    ProfileFiles::from_files(files.iter().copied())
}

/// One want, with the defaults of the default profile.
#[cfg(test)]
pub(crate) fn want(text: &str) -> std::result::Result<crate::check::Check, String> {
    super::load::want(ALL[0].1[0].1, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_profiles_are_well_formed_and_known_by_their_own_names() {
        for (name, _) in ALL {
            assert_eq!(Profile::named(name).unwrap().unwrap().id, *name);
        }
        assert_eq!(Profile::embedded().unwrap().id, DEFAULT);
        assert!(Profile::named("no-such").is_none());
    }
}
