//! The version of a program in the tree, by dpkg's own record: readers of configuration change
//! their precedence from version to version, and a tree need not be what its os-release says.

use super::dpkg::{self, Packages};
use crate::check::Audit;
use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs};

/// The upstream version of a package that is there, as its numbers (`[3, 3, 12]`); `None` when it is
/// not, or when there is no record that can be understood.
///
/// # Errors
/// As [`recorded`].
pub(in crate::check) fn installed(root: &dyn Rootfs, package: &str) -> Result<Option<Vec<u32>>> {
    Ok(recorded(root, package)?.as_deref().and_then(upstream))
}

/// The version of a package that is there (half-installed ones are), in dpkg's words; `None` when
/// it is not, or when there is no record that can be understood.
///
/// # Errors
/// The record cannot be read.
pub(in crate::check) fn recorded(root: &dyn Rootfs, package: &str) -> Result<Option<String>> {
    if root.locate(&ImagePath::parse(dpkg::STATUS)?)?.stat.is_none() {
        return Ok(None);
    }
    match Packages::read(root) {
        Ok(packages) => {
            Ok(packages.version(package).map(|v| String::from_utf8_lossy(v).into_owned()))
        }
        // The rules about packages say so; a version is only a hint here.
        Err(Error::Syntax { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

/// As [`installed`]; where the tree does not say, what is assumed for this run.
///
/// # Errors
/// The record cannot be read.
pub(in crate::check) fn installed_or_supposed(
    audit: &Audit<'_>,
    package: &str,
) -> Result<Option<Vec<u32>>> {
    let installed = installed(audit.root(), package)?;
    Ok(installed.or_else(|| audit.supposed_version(package).map(<[u32]>::to_vec)))
}

/// `2:3.3.12-3ubuntu1` is `[3, 3, 12]`.
pub(in crate::check) fn upstream(version: &str) -> Option<Vec<u32>> {
    let version = version.split_once(':').map_or(version, |(_, v)| v);
    let numbers = version.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let numbers: Vec<u32> = numbers.split('.').map_while(|n| n.parse().ok()).collect();
    (!numbers.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::Run;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn versions() {
        let status = "Package: kmod\nStatus: install ok installed\nVersion: 24-1ubuntu3\n\n\
                      Package: procps\nStatus: hold ok half-installed\nVersion: 2:3.3.12-3ubuntu1\n\n\
                      Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                      Package: systemd\nDescription: x\n Package: odd\nStatus: install ok installed\n\
                      Version: 247.3-7+deb11u5\n";
        for (package, want) in [
            ("kmod", Some(vec![24])),
            ("procps", Some(vec![3, 3, 12])),
            ("systemd", Some(vec![247, 3])),
            ("gone", None),
            ("odd", None),
            ("mod", None),
        ] {
            let root = MemoryRootfs::new().file(dpkg::STATUS, status);
            assert_eq!(installed(&root, package).unwrap(), want, "{package}");
        }
        let root = MemoryRootfs::new().file(dpkg::STATUS, status).supposing("kmod", &[30]);
        let root = root.supposing("gone", &[2, 1]);
        for (package, want) in [("kmod", Some(vec![24])), ("gone", Some(vec![2, 1])), ("mod", None)]
        {
            assert_eq!(installed_or_supposed(&(&root).into(), package).unwrap(), want, "{package}");
        }
        assert_eq!(upstream("30+20221128-1"), Some(vec![30]));
        assert_eq!(upstream("4.0.2~rc1"), Some(vec![4, 0, 2]));
        assert_eq!(upstream("x"), None);
        assert_eq!(installed(&MemoryRootfs::new(), "kmod").unwrap(), None);
    }

    #[test]
    fn releases() {
        let later = |v: &str| upstream(v).is_some_and(|v| v.as_slice() >= &[1, 4, 1][..]);
        for v in ["1.4.1", "1.4.4-1", "1:1.4.1-2", "1.10", "2", "1.4.1+dfsg-1"] {
            assert!(later(v), "{v}");
        }
        for v in ["1.4.0-2", "1.4", "", "1:1.3.9", "0.9-1.4.1", "x"] {
            assert!(!later(v), "{v}");
        }
    }
}
