//! Which files belong to a package: those it unpacked, and its configuration files.
//!
//! A foreign line in a package's file is that package's (or its administrator's) decision; one in
//! a file of nobody's may be switched off.

use super::dpkg::Packages;
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};

const INFO: &str = "/var/lib/dpkg/info";
/// A package's list of files may be this large (bytes); kernels and documentation need a few
/// megabytes.
const LIST_LIMIT: u64 = 64 << 20;

/// Whether a package, be it only its leftover configuration, knows the file at `path`: under this
/// name or, where links lead to it, under its real one.
///
/// # Errors
/// There is no dpkg database (then it cannot be determined), or it cannot be read.
pub(in crate::check) fn owned_by_package(root: &dyn Rootfs, path: &ImagePath) -> Result<bool> {
    let real = root.locate(path)?.path;
    let is_it = |line: &[u8]| line == path.as_bytes() || line == real.as_bytes();
    if Packages::read(root)?.conffiles().any(is_it) {
        return Ok(true);
    }
    let info = ImagePath::parse(INFO)?;
    for name in root.list(&info)?.unwrap_or_default().iter() {
        if !name.as_encoded_bytes().ends_with(b".list") {
            continue;
        }
        let list = root.read_bytes(&info.join(name)?, LIST_LIMIT)?.unwrap_or_default();
        if list.split(|b| *b == b'\n').any(is_it) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn unpacked_files_and_conffiles_are_owned() {
        let root = MemoryRootfs::new()
            .file(
                "/var/lib/dpkg/status",
                "Package: a\nStatus: deinstall ok config-files\nConffiles:\n /etc/left 0123\n",
            )
            .file("/var/lib/dpkg/info/b.list", "/.\n/etc\n/etc/b.conf\n")
            .file("/var/lib/dpkg/info/b.md5sums", "0 /etc/c.conf\n")
            .link("/etc/link", "b.conf");
        let owned = |path: &str| owned_by_package(&root, &ImagePath::parse(path).unwrap()).unwrap();
        assert!(owned("/etc/left") && owned("/etc/b.conf") && owned("/etc/link"));
        assert!(!owned("/etc/b.con") && !owned("/etc/b.conf.d/x") && !owned("/etc/c.conf"));
        let none = MemoryRootfs::new();
        assert!(owned_by_package(&none, &ImagePath::parse("/etc/x").unwrap()).is_err());
    }
}
