//! Whether a root is the system that the profile is for.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::{Target, messages};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{CONFIG_LIMIT, FileKind, ImagePath, Rootfs};
use crate::text::lossless;
use crate::text::os_release;

/// The system that a root identifies itself as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `ID=` of its `os-release`; empty when it has none.
    pub os: String,
    /// `VERSION_ID=` of its `os-release`; empty when it has none.
    pub version: String,
}

impl Identity {
    /// Reads `/etc/os-release`, or `/usr/lib/os-release` where that is missing.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read(root: &dyn Rootfs) -> Result<Identity> {
        for path in ["/etc/os-release", "/usr/lib/os-release"] {
            if let Some(text) = root.read_bytes(&ImagePath::parse(path)?, CONFIG_LIMIT)? {
                let get = |key| os_release::value(&text, key).unwrap_or_default();
                return Ok(Identity { os: get("ID"), version: get("VERSION_ID") });
            }
        }
        Ok(Identity::default())
    }
}

/// The packages whose versions the readers of their configuration need.
const KNOWN: [&str; 5] = ["kmod", "libpwquality1", "openssh-server", "procps", "systemd"];

/// Reads `[target.versions]`: `kmod = "24"`.
pub(super) fn versions<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<String, Vec<u32>>, D::Error> {
    #[derive(PartialEq, Eq, PartialOrd, Ord)]
    struct Package(String);
    impl<'de> Deserialize<'de> for Package {
        fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Package, D::Error> {
            let name = String::deserialize(d)?;
            if KNOWN.contains(&name.as_str()) {
                return Ok(Package(name));
            }
            let known = KNOWN.join(", ");
            Err(de::Error::custom(format!("nothing asks for `{name}`; want one of: {known}")))
        }
    }
    struct Version(Vec<u32>);
    impl<'de> Deserialize<'de> for Version {
        fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Version, D::Error> {
            let text = String::deserialize(d)?;
            let numbers: std::result::Result<_, _> = text.split('.').map(str::parse).collect();
            numbers.map(Version).map_err(|_| {
                de::Error::custom(format!(
                    "`{text}` is not an upstream version; want numbers with dots, as \"3.3.12\""
                ))
            })
        }
    }
    let all = BTreeMap::<Package, Version>::deserialize(deserializer)?;
    Ok(all.into_iter().map(|(package, version)| (package.0, version.0)).collect())
}

impl Target {
    /// Checks that a root that is accepted in spite of its os-release is a root filesystem at all, so
    /// that nothing is written to a directory like `/home` or an empty one.
    ///
    /// # Errors
    /// [`Error::OtherSystem`] when it is not.
    pub(crate) fn guard_shape(&self, root: &dyn Rootfs) -> Result<()> {
        for dir in ["/etc", "/usr"] {
            let at = root.locate(&ImagePath::parse(dir)?)?;
            if at.stat.is_some_and(|s| s.kind == FileKind::Dir) {
                return Ok(());
            }
        }
        Err(Error::OtherSystem(messages::no_root_filesystem()))
    }

    /// Checks that a root is the system that the profile is for.
    ///
    /// # Errors
    /// [`Error::OtherSystem`] when it is not, with the system that it is.
    pub(crate) fn guard(&self, found: &Identity) -> Result<()> {
        if (found.os.as_str(), found.version.as_str()) == (&self.os, &self.version) {
            return Ok(());
        }
        let os = lossless::shown(&found.os);
        let what = match (found.os.as_str(), found.version.as_str()) {
            ("", "") => messages::no_os_release(),
            (_, "") => messages::without_version(os),
            (_, version) => Message::value(format!("{os} {}", lossless::shown(version))),
        };
        let want = format!("{} {}", self.os, self.version);
        Err(Error::OtherSystem(messages::other_system(what, want)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn identity(text: &str) -> Identity {
        let root = MemoryRootfs::new()
            .link("/etc/os-release", "../usr/lib/os-release")
            .file("/usr/lib/os-release", text);
        Identity::read(&root).unwrap()
    }

    #[test]
    fn the_root_must_be_the_right_one() {
        let want =
            Target { os: "ubuntu".into(), version: "18.04".into(), versions: BTreeMap::new() };
        assert!(want.guard(&identity("NAME=x\nID=ubuntu\nVERSION_ID=\"18.04\"\n")).is_ok());
        let bad = [
            ("ID=debian\nVERSION_ID=11\n", "found debian 11, want ubuntu 18.04"),
            ("ID=ubuntu\nVERSION_ID='22.04'\n", "found ubuntu 22.04"),
            ("ID_LIKE=ubuntu\n", "found no os-release"),
        ];
        for (text, message) in bad {
            let e = want.guard(&identity(text)).unwrap_err().to_string();
            assert!(e.contains(message), "{e}");
        }
        assert_eq!(Identity::read(&MemoryRootfs::new()).unwrap(), Identity::default());
        assert!(want.guard_shape(&MemoryRootfs::new().dir("/etc", 0o755, 0, 0)).is_ok());
        for none in [
            MemoryRootfs::new(),
            MemoryRootfs::new().file("/bob/etc/x", ""),
            MemoryRootfs::new().file("/etc", ""),
        ] {
            assert!(want.guard_shape(&none).is_err());
        }
    }
}
