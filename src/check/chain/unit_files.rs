//! Where systemd finds the files of a unit: one fragment, and drop-ins on top of it.
//!
//! The first directory that has the unit's file wins; drop-ins of all directories are read, sorted
//! by their names, and of two with the same name the one in the higher directory hides the other.

use std::rc::Rc;

use super::index::Index;
use crate::check::common::conf_dirs;
use crate::check::common::includes::{Budget, Limits};
use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Location, Rootfs};
use crate::text::lossless::byte_len;
use crate::text::unit::{Assignment, Unit};
use crate::text::unit_install::template_of;

/// The directories systemd looks for units in, the strongest first, as Debian and Ubuntu build it:
/// `/lib` stands before `/usr/lib`. `/run` of an image is nothing: it is empty at boot.
const SEARCH_PATH: [&str; 10] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
];
/// systemd itself knows no limit.
const LIMITS: Limits = Limits { levels: 16, files: 256 };
/// What generators make at boot stands before these.
pub(super) const BELOW_GENERATORS: [&str; 3] =
    ["/usr/local/lib/systemd/system", "/lib/systemd/system", "/usr/lib/systemd/system"];

/// The directories systemd looks for units in, the strongest first.
///
/// # Errors
/// None for these paths.
pub(super) fn search_path(root: &dyn Rootfs) -> Result<Vec<ImagePath>> {
    let dirs = SEARCH_PATH.into_iter().filter(|d| root.is_live() || !d.starts_with("/run/"));
    dirs.map(ImagePath::parse).collect()
}

/// What stands under a unit's name in one directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) enum UnitEntry {
    /// `/dev/null`, an empty file or a device: the unit is off, whatever weaker directories say.
    Mask,
    /// A unit file; the path is where links lead to in the end.
    File(ImagePath),
    /// A link to nothing.
    Dangling,
    /// No file at all.
    Other(FileKind),
}

/// What an entry of a unit directory is; `None` when nothing stands there.
pub(in crate::check) fn entry(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<UnitEntry>> {
    if root.stat(path)?.is_none() {
        return Ok(None);
    }
    // Links in the parents count too: of a merged /usr, /lib and /usr/lib are one place.
    let Location { path: at, stat } = root.locate(path)?;
    // An image may lack /dev/null; a link to it is still a mask.
    if at.as_bytes() == b"/dev/null" {
        return Ok(Some(UnitEntry::Mask));
    }
    Ok(Some(match stat {
        None => UnitEntry::Dangling,
        Some(stat) => match stat.kind {
            FileKind::File if stat.size == 0 => UnitEntry::Mask,
            FileKind::File => UnitEntry::File(at),
            FileKind::CharDevice | FileKind::BlockDevice => UnitEntry::Mask,
            other => UnitEntry::Other(other),
        },
    }))
}

/// What stands for a unit in the search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) enum Fragment {
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
pub(in crate::check) fn fragment(
    root: &dyn Rootfs,
    name: &str,
    generated: bool,
) -> Result<Fragment> {
    for path in Index::of(root)?.paths(name, generated)? {
        match entry(root, &path)? {
            // systemd passes over a link to nothing.
            None | Some(UnitEntry::Dangling) => {}
            Some(UnitEntry::Mask) => return Ok(Fragment::Masked(path)),
            Some(UnitEntry::File(_)) => return Ok(Fragment::File(path)),
            Some(UnitEntry::Other(found)) => {
                return Err(Error::WrongKind { path, found, want: FileKind::File });
            }
        }
    }
    Ok(if generated { Fragment::Generated } else { Fragment::Missing })
}

/// The drop-ins of the unit `name` that are read, in the order they are read.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(in crate::check) fn drop_ins(root: &dyn Rootfs, name: &str) -> Result<Vec<ImagePath>> {
    conf_dirs::systemd(root, Index::of(root)?.drop_ins(name))
}

/// What the unit `name` says, in the order in which systemd reads it: its fragment, and what that
/// includes; the drop-ins of its template; its own.
///
/// # Errors
/// A file that cannot be read, or an endless chain of includes.
pub(in crate::check) fn statements(
    root: &dyn Rootfs,
    name: &str,
    fragment: Option<&ImagePath>,
) -> Result<Vec<Assignment>> {
    let all = placed_statements(root, name, fragment)?;
    Ok(all.into_iter().map(|(_, said)| said).collect())
}

/// As [`statements`], each with the file it stands in.
///
/// # Errors
/// As [`statements`].
pub(in crate::check) fn placed_statements(
    root: &dyn Rootfs,
    name: &str,
    fragment: Option<&ImagePath>,
) -> Result<Vec<(Rc<ImagePath>, Assignment)>> {
    let mut all = match fragment {
        Some(fragment) => fragment_statements(root, fragment)?,
        None => Vec::new(),
    };
    for name in [template_of(name), Some(name.to_owned())].into_iter().flatten() {
        all.extend(drop_in_statements(root, &name)?);
    }
    Ok(all)
}

/// What the file of a unit says, and what it includes.
///
/// # Errors
/// As [`statements`].
pub(in crate::check) fn fragment_statements(
    root: &dyn Rootfs,
    fragment: &ImagePath,
) -> Result<Vec<(Rc<ImagePath>, Assignment)>> {
    let mut all = Vec::new();
    included(root, fragment, &mut Budget::new(LIMITS, fragment), &mut all)?;
    Ok(all)
}

/// What the drop-ins under one name say.
///
/// # Errors
/// As [`statements`].
pub(in crate::check) fn drop_in_statements(
    root: &dyn Rootfs,
    name: &str,
) -> Result<Vec<(Rc<ImagePath>, Assignment)>> {
    statements_of(root, drop_ins(root, name)?)
}

/// What the drop-ins in these directories say, the strongest directory first.
///
/// # Errors
/// As [`statements`].
pub(in crate::check) fn statements_of_dirs(
    root: &dyn Rootfs,
    dirs: &[ImagePath],
) -> Result<Vec<(Rc<ImagePath>, Assignment)>> {
    statements_of(root, conf_dirs::systemd(root, dirs)?)
}

fn statements_of(
    root: &dyn Rootfs,
    drop_ins: Vec<ImagePath>,
) -> Result<Vec<(Rc<ImagePath>, Assignment)>> {
    let mut all = Vec::new();
    for path in drop_ins {
        // `.include` says nothing in a drop-in.
        let unit = read(root, &path)?.1;
        let path = Rc::new(path);
        all.extend(unit.assignments.into_iter().map(|said| (Rc::clone(&path), said)));
    }
    Ok(all)
}

fn read(root: &dyn Rootfs, path: &ImagePath) -> Result<(usize, Unit)> {
    let text = root.read(path)?.unwrap_or_default();
    Ok((byte_len(&text), Unit::parse(&text)))
}

fn included(
    root: &dyn Rootfs,
    path: &ImagePath,
    budget: &mut Budget,
    all: &mut Vec<(Rc<ImagePath>, Assignment)>,
) -> Result<()> {
    let Location { path: real, stat } = root.locate(path)?;
    // What is not there says nothing.
    if stat.is_none_or(|s| s.kind != FileKind::File) {
        return Ok(());
    }
    let (bytes, unit) = read(root, path)?;
    budget.enter(&real, bytes)?;
    let here = Rc::new(path.clone());
    let mut rest = unit.assignments.into_iter().map(|said| (Rc::clone(&here), said));
    let mut done = 0;
    for include in unit.includes {
        all.extend(rest.by_ref().take(include.before - done));
        done = include.before;
        let file = match include.file.strip_prefix('/') {
            Some(_) => ImagePath::parse(&include.file),
            None => {
                let dir = real.parent().unwrap_or_else(ImagePath::root);
                ImagePath::parse(format!("{dir}/{}", include.file))
            }
        };
        if let Ok(file) = file {
            included(root, &file, budget.at(&real, include.line), all)?;
        }
    }
    all.extend(rest);
    budget.leave();
    Ok(())
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

    #[test]
    fn what_a_unit_says_is_read_in_systemds_order() {
        let root = MemoryRootfs::new()
            .file("/lib/systemd/system/t@.service", "[S]\nA=1\n.include more\nA=4\n# caf\u{e9}\n")
            .file("/lib/systemd/system/more", "[S]\nA=2\n.include /etc/x\nA=3\n")
            .file("/lib/systemd/system/t@.service.d/a.conf", "[S]\n.include /etc/x\nA=5\n")
            .file("/lib/systemd/system/t@b.service.d/a.conf", "[S]\nA=6\n")
            .file("/etc/latin", b"# caf\xe9\n[S]\nA=7\n");
        let fragment = path("/lib/systemd/system/t@.service");
        let told = |root: &MemoryRootfs| -> Vec<String> {
            let all = statements(root, "t@b.service", Some(&fragment)).unwrap();
            all.into_iter().map(|a| a.value).collect()
        };
        assert_eq!(told(&root), ["1", "2", "3", "4", "5", "6"], "/etc/x is not there");
        let latin = root.clone().link("/etc/x", "latin");
        assert_eq!(told(&latin), ["1", "2", "7", "3", "4", "5", "6"]);
        let looping = root.file("/etc/x", ".include /lib/systemd/system/more\n");
        let e = statements(&looping, "t@b.service", Some(&fragment)).unwrap_err().to_string();
        assert!(e.starts_with("/etc/x:1: found /lib/systemd/system/more, which is being"), "{e}");
    }
}
