//! New text for a configuration file, if it may be written at all.
//!
//! A link inside `/etc` is followed. A link that leads out of it is somebody's decision (a mask, a
//! vendor's file): writing through it would change what is not ours, so a person must look.

use super::{Evidence, Gap};
use crate::error::Result;
use crate::rootfs::{Change, FileKind, ImagePath, NewFile, Rootfs};

/// Where a configuration file may be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Here; links are resolved.
    At(ImagePath),
    /// Nowhere; why, and what a person can do.
    Refused(String),
}

/// Where the file that `path` leads to may be written.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(super) fn place(root: &dyn Rootfs, path: &ImagePath) -> Result<Place> {
    let at = root.locate(path)?;
    let top = path.components().next();
    if at.path.components().next() != top {
        return Ok(Place::Refused(format!(
            "{path} leads to {}; nothing is written there, put a file of its own in its place",
            at.path
        )));
    }
    match at.stat {
        Some(stat) if stat.kind != FileKind::File => {
            Ok(Place::Refused(format!("{path} is a {}; move it away", stat.kind)))
        }
        _ => Ok(Place::At(at.path)),
    }
}

/// The gap that is closed by giving the file at `path` a new text, root's with `mode` if it is new.
///
/// # Errors
/// As [`place`].
pub(super) fn gap(
    root: &dyn Rootfs,
    evidence: Evidence,
    path: &ImagePath,
    text: String,
    mode: u32,
) -> Result<Gap> {
    Ok(match place(root, path)? {
        Place::At(path) => {
            let create = NewFile { mode, ..NewFile::CONFIG };
            Gap::fixed_by(evidence, Change::Write { path, content: text.into_bytes(), create })
        }
        Place::Refused(why) => Gap::no_remedy(evidence, why),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Fix;
    use crate::rootfs::MemoryRootfs;

    fn at(root: &MemoryRootfs, path: &str) -> Place {
        place(root, &ImagePath::parse(path).unwrap()).unwrap()
    }

    #[test]
    fn links_are_followed_inside_etc_only() {
        let root = MemoryRootfs::new()
            .file("/etc/real/a.conf", "")
            .link("/etc/a.conf", "real/a.conf")
            .link("/etc/new.conf", "/etc/real/new.conf")
            .link("/etc/vendor.conf", "/usr/share/a.conf")
            .link("/etc/masked.conf", "/dev/null")
            .special("/etc/pipe", FileKind::Fifo);
        let here = |path: &str| Place::At(ImagePath::parse(path).unwrap());
        assert_eq!(at(&root, "/etc/a.conf"), here("/etc/real/a.conf"));
        assert_eq!(at(&root, "/etc/new.conf"), here("/etc/real/new.conf"));
        assert_eq!(at(&root, "/etc/none/at/all"), here("/etc/none/at/all"));
        for refused in ["/etc/vendor.conf", "/etc/masked.conf", "/etc/pipe"] {
            assert!(matches!(at(&root, refused), Place::Refused(_)), "{refused}");
        }
        let masked = ImagePath::parse("/etc/masked.conf").unwrap();
        let gap = gap(&root, Evidence::at(&masked), &masked, String::new(), 0o644).unwrap();
        let Fix::None(why) = gap.fix else { panic!("{gap:?}") };
        assert!(why.starts_with("/etc/masked.conf leads to /dev/null; "), "{why}");
    }
}
