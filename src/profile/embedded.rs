//! The profiles that are part of the program.

use super::{Identity, Profile, ProfileFiles, Target};
use crate::error::Result;

/// The files of a table: the path below the repository, and the text. `profile.toml` is first.
type Files = &'static [(&'static str, &'static str)];

/// A profile that is part of the program.
#[derive(Debug, Clone, Copy)]
pub(super) enum Embedded {
    /// A table.
    Table(Files),
    /// A layer: its path below the repository, and its text.
    Layer(&'static str, &'static str),
}

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

/// The tables, the oldest system first.
const TABLES: &[(&str, Files)] = embedded! {
    "aks-ubuntu-18.04":
        "profile.toml",
        "1-initial-setup.toml",
        "2-services.toml",
        "3-network.toml",
        "4-logging.toml",
        "5-access.toml",
        "6-maintenance.toml";
};

/// The layers: name, path below the repository, text.
const LAYERS: &[(&str, &str, &str)] =
    &[("aks-node", "profiles/aks-node.toml", include_str!("../../profiles/aks-node.toml"))];

/// The name of the newest table: the one that is taken where no root says which.
pub(crate) const NEWEST: &str = TABLES[TABLES.len() - 1].0;

impl Profile {
    /// The newest embedded table.
    ///
    /// # Errors
    /// A mistake in the embedded files; a test proves that there is none.
    pub fn embedded() -> Result<Profile> {
        source(TABLES[TABLES.len() - 1].1).parse()
    }

    /// The embedded table of this name; `None` when there is none.
    ///
    /// # Errors
    /// As [`Profile::embedded`].
    pub fn named(name: &str) -> Option<Result<Profile>> {
        let (_, files) = TABLES.iter().find(|(known, _)| *known == name)?;
        Some(source(files).parse())
    }
}

/// The embedded profile of this name.
pub(super) fn find(name: &str) -> Option<(&'static str, Embedded)> {
    let table = TABLES.iter().find(|(known, _)| *known == name);
    let table = table.map(|(known, files)| (*known, Embedded::Table(files)));
    let layer = LAYERS.iter().find(|(known, ..)| *known == name);
    table.or(layer.map(|(known, file, text)| (*known, Embedded::Layer(file, text))))
}

/// The names of all embedded profiles: the tables, then the layers.
pub fn names() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|(name, _)| *name).chain(LAYERS.iter().map(|(name, ..)| *name))
}

/// The table whose target is the system that a root says it is; else the newest, whose guard then says
/// what is wrong.
pub(super) fn for_root(root: Option<&Identity>) -> &'static str {
    #[derive(serde::Deserialize)]
    struct Head {
        target: Target,
    }
    let is_for = |files: &Files, root: &Identity| {
        let head: Option<Head> = files.first().and_then(|(_, text)| toml::from_str(text).ok());
        head.is_some_and(|head| head.target.guard(root).is_ok())
    };
    let known = root.and_then(|root| TABLES.iter().rev().find(|(_, files)| is_for(files, root)));
    known.map_or(NEWEST, |(name, _)| name)
}

fn source(files: Files) -> ProfileFiles {
    ProfileFiles::from_files(files.iter().copied())
}

/// One want, with the defaults of the newest table.
#[cfg(test)]
pub(crate) fn want(text: &str) -> std::result::Result<crate::check::Check, String> {
    super::load::want(TABLES[TABLES.len() - 1].1[0].1, text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Request;

    #[test]
    fn the_embedded_profiles_are_well_formed_and_known_by_their_own_names() {
        for (name, _) in TABLES {
            assert_eq!(Profile::named(name).unwrap().unwrap().id, *name);
        }
        for name in names() {
            let request = Request { profiles: vec![name.into()], ..Request::default() };
            let loaded = request.load().unwrap();
            assert_eq!(loaded.profile.warnings, [""; 0], "{name}");
        }
        assert_eq!(Profile::embedded().unwrap().id, NEWEST);
        assert!(Profile::named("no-such").is_none());
    }

    #[test]
    fn a_root_has_the_table_that_is_for_it() {
        for (name, _) in TABLES {
            let target = Profile::named(name).unwrap().unwrap().target;
            let root = Identity { os: target.os, version: target.version };
            assert_eq!(for_root(Some(&root)), *name);
        }
        assert_eq!(for_root(Some(&Identity::default())), NEWEST);
        assert_eq!(for_root(None), NEWEST);
    }
}
