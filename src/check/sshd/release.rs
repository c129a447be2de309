//! Which release of OpenSSH's server the tree has, and what that means for its configuration.

use super::messages;
use crate::check::packages::versions;
use crate::check::{Audit, Evidence};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::Rootfs;
use crate::text::sshd_config::Style;

/// Major and minor number of a release of OpenSSH, as in "7.6p1".
pub(super) type Version = (u16, u16);

/// Before every release.
pub(super) const ALWAYS: Version = (0, 0);

/// The newest release whose keywords and algorithms are known here. What a later one would make of
/// an unknown word is not guessed.
pub(super) const NEWEST: Version = (10, 0);

/// The oldest release whose dialect is known here: supposed where neither the tree nor the profile says
/// which it has.
const OLDEST: Version = (7, 6);

/// The dialect of a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Release {
    /// Its version; for an unknown one what is supposed.
    pub version: Version,
    /// Whether it is the build that refuses all but the FIPS-approved algorithms.
    pub fips: bool,
    /// Whether the tree says so, or it is only assumed.
    pub known: bool,
}

impl Release {
    /// The release that dpkg's record in the tree names.
    ///
    /// Where `openssh-server` is not installed by that record, that of the profile's release is
    /// supposed, unless it is older than 8.4 and `main`, the text of the main file, has an `Include`
    /// line: such a file was made for a later release, and the first that settled how it is read (8.4)
    /// is supposed.
    ///
    /// # Errors
    /// dpkg's record cannot be read.
    pub fn of(audit: &Audit<'_>, main: &str) -> Result<Release> {
        if let Some((version, fips)) = openssh_version(audit.root())? {
            return Ok(Release { version, fips, known: true });
        }
        let includes = main.lines().any(|line| {
            crate::text::sshd_config::statement(line, Style::Delimited)
                .is_some_and(|s| s.keyword.eq_ignore_ascii_case("include"))
        });
        let usual = match audit.supposed_version("openssh-server") {
            Some([major, minor, ..]) => {
                let number = |n: &u32| u16::try_from(*n).unwrap_or(u16::MAX);
                (number(major), number(minor))
            }
            _ => OLDEST,
        };
        let version = if includes { usual.max((8, 4)) } else { usual };
        Ok(Release { version, fips: false, known: false })
    }

    /// How it takes lines apart.
    pub fn style(&self) -> Style {
        if self.version < (8, 7) { Style::Delimited } else { Style::Quoted }
    }

    /// The length in bytes, with its end, from which a line is too long.
    pub fn line_limit(&self) -> usize {
        if self.version < (7, 8) { 4095 } else { usize::MAX }
    }

    /// Whether the unit of a time goes on to apply to what follows.
    pub fn sticky_times(&self) -> bool {
        self.version < (8, 4)
    }

    /// Whether whole numbers are read as `atoi` reads them.
    pub fn loose_numbers(&self) -> bool {
        self.version < (7, 7)
    }

    /// Whether `YES` is as good as `yes`.
    pub fn flags_in_any_case(&self) -> bool {
        self.version >= (7, 9)
    }

    /// `sshd 7.6`, for people.
    pub fn name(&self) -> Message {
        let (major, minor) = self.version;
        let fips = if self.fips { " (FIPS)" } else { "" };
        let name = Message::value(format!("sshd {major}.{minor}{fips}"));
        if self.known { name } else { messages::assumed(name) }
    }

    /// Says that the release is only assumed, where it is.
    pub fn evidence(&self) -> Option<Evidence> {
        (!self.known).then(|| Evidence::note_only(messages::judged_as(self.name())))
    }
}

/// Version and FIPS mark of the package `openssh-server`, if it is installed.
fn openssh_version(root: &dyn Rootfs) -> Result<Option<(Version, bool)>> {
    Ok(versions::recorded(root, "openssh-server")?.and_then(|version| parse(&version)))
}

/// `1:7.6p1-4ubuntu0.7` is 7.6.
fn parse(version: &str) -> Option<(Version, bool)> {
    let numbers = versions::upstream(version)?;
    let [major, minor, ..] = numbers[..] else { return None };
    let release = (major.try_into().ok()?, minor.try_into().ok()?);
    Some((release, version.to_ascii_lowercase().contains("fips")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::Run;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn versions() {
        assert_eq!(parse("1:7.6p1-4ubuntu0.7"), Some(((7, 6), false)));
        assert_eq!(parse("1:7.9p1-10~ubuntu18.04.fips.0.2"), Some(((7, 9), true)));
        assert_eq!(parse("10.0p1"), Some(((10, 0), false)));
        assert_eq!(parse("1:8.4"), Some(((8, 4), false)));
        for bad in ["", "1:", "7", "x.y", "1:99999.1", "1:8."] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_record_of_the_package_itself_counts() {
        let status = "Package: openssh-server-hmac\nVersion: 1:1.0p1\n\n\
                      Package: openssh-server\nStatus: install ok installed\nVersion: 1:8.4p1-5\n\n\
                      Package: openssh-client\nVersion: 1:9.9p1\n";
        let root = MemoryRootfs::new().file("/var/lib/dpkg/status", status);
        let release = Release::of(&(&root).into(), "").unwrap();
        assert_eq!((release.version, release.known), ((8, 4), true));
        assert!(release.evidence().is_none());
    }

    #[test]
    fn only_a_server_that_is_installed_counts() {
        let of = |status: &str, update: &str| {
            let stanza = |status: &str, version: &str| {
                format!("Package: openssh-server\nStatus: {status}\nVersion: {version}\n")
            };
            let mut root =
                MemoryRootfs::new().file("/var/lib/dpkg/status", stanza(status, "1:8.4p1-5"));
            if !update.is_empty() {
                root = root.file("/var/lib/dpkg/updates/0001", stanza(update, "1:9.2p1-2"));
            }
            let release = Release::of(&(&root).into(), "").unwrap();
            (release.version, release.known)
        };
        let supposed = (OLDEST, false);
        assert_eq!(of("install ok installed", ""), ((8, 4), true));
        assert_eq!(of("deinstall ok config-files", ""), supposed, "removed");
        assert_eq!(of("purge ok not-installed", ""), supposed);
        assert_eq!(of("install ok unpacked", ""), ((8, 4), true), "its program is there");
        assert_eq!(of("install reinstreq half-installed", ""), ((8, 4), true));
        // What an interrupted dpkg has not merged yet is newer than the status file.
        assert_eq!(of("install ok installed", "install ok installed"), ((9, 2), true));
        assert_eq!(of("deinstall ok config-files", "install ok half-configured"), ((9, 2), true));
        assert_eq!(of("install ok installed", "deinstall ok config-files"), supposed);
    }

    #[test]
    fn without_a_record_the_file_itself_tells() {
        let root = MemoryRootfs::new().file("/var/lib/dpkg/status", "Package: x\nVersion: 1\n");
        let of = |text| Release::of(&(&root).into(), text).unwrap();
        assert_eq!(of("#Include x\nPort 22\n").version, (7, 6));
        assert_eq!(of("Port 22\n include x\n").version, (8, 4));
        assert!(of("").evidence().is_some());
        let root = root.supposing("openssh-server", &[9, 2]);
        assert_eq!(Release::of(&(&root).into(), "Include x\n").unwrap().version, (9, 2));
        let root = root.supposing("openssh-server", &[8, 2]);
        assert_eq!(Release::of(&(&root).into(), "").unwrap().version, (8, 2));
        assert_eq!(Release::of(&(&root).into(), "Include x\n").unwrap().version, (8, 4));
    }
}
