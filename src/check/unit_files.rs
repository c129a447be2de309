//! Where systemd finds the files of a unit: one fragment, and drop-ins on top of it.
//!
//! The first directory that has the unit's file wins; drop-ins of all directories are read, sorted
//! by their names, and of two with the same name the one in the higher directory hides the other.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Rootfs};

/// The directories that win over what generators make at boot, highest first.
const BEFORE_GENERATORS: [(&str, bool); 5] = [
    ("/etc/systemd/system.control", false),
    ("/run/systemd/system.control", true),
    ("/run/systemd/transient", true),
    ("/etc/systemd/system", false),
    ("/run/systemd/system", true),
];
/// The directories below the generators, highest first.
const AFTER_GENERATORS: [&str; 3] =
    ["/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];

/// What stands for a unit in the search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fragment {
    /// No directory has it.
    Missing,
    /// A link to `/dev/null` or an empty file: it can never be started.
    Masked(ImagePath),
    /// It is made by a generator at boot.
    Generated,
    /// This file.
    File(ImagePath),
}

/// The fragment of the unit `name`. `generated` says whether a generator makes one.
///
/// `/run` is looked at on a running system only; it is empty at boot.
///
/// # Errors
/// A loop of links, [`Error::WrongKind`] for a directory or the like, or the kernel's refusal.
pub(super) fn fragment(root: &dyn Rootfs, name: &str, generated: bool) -> Result<Fragment> {
    for dir in before_generators(root) {
        if let Some(found) = entry(root, dir, name)? {
            return Ok(found);
        }
    }
    if generated {
        return Ok(Fragment::Generated);
    }
    for dir in AFTER_GENERATORS {
        if let Some(found) = entry(root, dir, name)? {
            return Ok(found);
        }
    }
    Ok(Fragment::Missing)
}

fn before_generators(root: &dyn Rootfs) -> impl Iterator<Item = &'static str> {
    let live = root.is_live();
    BEFORE_GENERATORS.into_iter().filter(move |(_, run)| live || !run).map(|(dir, _)| dir)
}

fn entry(root: &dyn Rootfs, dir: &str, name: &str) -> Result<Option<Fragment>> {
    let path = ImagePath::parse(dir)?.join(name)?;
    if root.stat(&path)?.is_none() {
        return Ok(None);
    }
    let at = root.locate(&path)?;
    // An image has no devices: the link's target tells.
    if at.path == ImagePath::parse("/dev/null")? {
        return Ok(Some(Fragment::Masked(path)));
    }
    Ok(match at.stat.map(|s| (s.kind, s.size)) {
        // A link to nothing is passed over.
        None => None,
        Some((FileKind::File, 0) | (FileKind::CharDevice | FileKind::BlockDevice, _)) => {
            Some(Fragment::Masked(path))
        }
        Some((FileKind::File, _)) => Some(Fragment::File(path)),
        Some((found, _)) => return Err(Error::WrongKind { path, found, want: FileKind::File }),
    })
}

/// The drop-ins of the unit `name` that are read, in the order they are read.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(super) fn drop_ins(root: &dyn Rootfs, name: &str) -> Result<Vec<ImagePath>> {
    let mut found: BTreeMap<OsString, ImagePath> = BTreeMap::new();
    for dir in before_generators(root).chain(AFTER_GENERATORS) {
        let dir = ImagePath::parse(dir)?.join(format!("{name}.d"))?;
        if root.locate(&dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
            continue;
        }
        for file in root.list(&dir)?.unwrap_or_default() {
            if !file.as_bytes().ends_with(b".conf") || file.as_bytes().starts_with(b".") {
                continue;
            }
            let path = dir.join(&file)?;
            let kind = root.stat(&path)?.map(|s| s.kind);
            if matches!(kind, Some(FileKind::File | FileKind::Symlink)) {
                found.entry(file).or_insert(path);
            }
        }
    }
    // What hides without saying anything: a link to nothing or to a device.
    let mut out = Vec::new();
    for path in found.into_values() {
        if root.locate(&path)?.stat.is_some_and(|s| s.kind == FileKind::File) {
            out.push(path);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::path;
    use crate::rootfs::MemoryRootfs;

    const ETC: &str = "/etc/systemd/system/t.mount";

    #[test]
    fn the_first_directory_that_has_it_wins() {
        let base = MemoryRootfs::new().file("/lib/systemd/system/t.mount", "[Mount]\n");
        let of = |root: &MemoryRootfs, generated| fragment(root, "t.mount", generated).unwrap();
        let vendor = Fragment::File(path("/lib/systemd/system/t.mount"));
        assert_eq!(of(&MemoryRootfs::new(), false), Fragment::Missing);
        assert_eq!(of(&base, false), vendor);
        assert_eq!(of(&base, true), Fragment::Generated);
        assert_eq!(of(&base.clone().file(ETC, "x"), true), Fragment::File(path(ETC)));
        for masked in [base.clone().file(ETC, ""), base.clone().link(ETC, "/dev/null")] {
            assert_eq!(of(&masked, true), Fragment::Masked(path(ETC)));
        }
        assert_eq!(of(&base.clone().link(ETC, "nowhere"), false), vendor);
        let run = base.file("/run/systemd/system/t.mount", "x");
        assert_eq!(of(&run, false), vendor, "an image's /run is not there at boot");
        assert_eq!(of(&run.live(), false), Fragment::File(path("/run/systemd/system/t.mount")));
        let odd = MemoryRootfs::new().dir(ETC, 0o755, 0, 0);
        assert!(fragment(&odd, "t.mount", false).is_err());
        let odd = MemoryRootfs::new().link(ETC, "t.mount");
        assert!(fragment(&odd, "t.mount", false).is_err());
    }

    #[test]
    fn drop_ins_are_sorted_by_name_and_hide_each_other() {
        let root = MemoryRootfs::new()
            .file("/lib/systemd/system/t.mount.d/20-b.conf", "")
            .file("/lib/systemd/system/t.mount.d/10-a.conf", "")
            .file("/lib/systemd/system/t.mount.d/30-c.conf", "")
            .file("/etc/systemd/system/t.mount.d/20-b.conf", "")
            .link("/etc/systemd/system/t.mount.d/30-c.conf", "/dev/null")
            .file("/etc/systemd/system/t.mount.d/.hidden.conf", "")
            .file("/etc/systemd/system/t.mount.d/readme", "")
            .dir("/etc/systemd/system/t.mount.d/40.conf", 0o755, 0, 0)
            .file("/usr/local/lib/systemd/system/t.mount.d", "a file");
        let found: Vec<String> =
            drop_ins(&root, "t.mount").unwrap().iter().map(ToString::to_string).collect();
        let etc = "/etc/systemd/system/t.mount.d/20-b.conf";
        assert_eq!(found, ["/lib/systemd/system/t.mount.d/10-a.conf", etc]);
    }
}
