//! Where a change may land.
//!
//! Configuration is changed under `/etc`. What packages bring elsewhere is theirs, also when a link
//! in `/etc` leads there: that is somebody's decision (a mask, a vendor's file), and writing through
//! it would change what is not ours, so a person must look.

use super::messages;
use crate::error::Result;
use crate::error::kind;
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs, escape};

/// Places whose files belong to packages.
const VENDOR: [&str; 5] = ["/lib", "/usr/lib", "/usr/local/lib", "/usr/share", "/usr/local/share"];

/// Where a file may be written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::check) enum Destination {
    /// Here; links are resolved.
    At(ImagePath),
    /// Nowhere; why, and what a person can do.
    Refused(Message),
}

/// Where the file that `path` leads to may be written, whether or not it is there.
///
/// # Errors
/// As [`refusal`].
pub(in crate::check) fn file(root: &dyn Rootfs, path: &ImagePath) -> Result<Destination> {
    let at = root.locate(path)?;
    if let Some(why) = refusal_between(path, &at.path)? {
        return Ok(Destination::Refused(why));
    }
    Ok(match at.stat {
        Some(stat) if stat.kind != FileKind::File => {
            Destination::Refused(messages::not_a_file(path, kind(stat.kind)))
        }
        _ => Destination::At(at.path),
    })
}

/// Why a change of what `path` leads to (links followed) would land in the wrong place; `None` when
/// it may be made.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(in crate::check) fn refusal(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Message>> {
    let real = root.locate(path)?.path;
    refusal_between(path, &real)
}

/// As [`refusal`] for the entry itself: links are followed in its parents only.
///
/// # Errors
/// As [`refusal`].
pub(in crate::check) fn entry_refusal(
    root: &dyn Rootfs,
    path: &ImagePath,
) -> Result<Option<Message>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let real = root.locate(&parent)?.path.join(name)?;
    refusal_between(path, &real)
}

fn refusal_between(path: &ImagePath, real: &ImagePath) -> Result<Option<Message>> {
    let top = path.components().next();
    if real.components().next() != top {
        let top = top.map(|name| escape(name.as_encoded_bytes())).unwrap_or_default();
        return Ok(Some(messages::leads_out(path, real, top)));
    }
    for dir in VENDOR {
        if real.starts_with(&ImagePath::parse(dir)?) {
            return Ok(Some(messages::of_a_package(real)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::path;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn links_out_of_etc_and_vendor_places_are_refused() {
        let root = MemoryRootfs::new()
            .file("/etc/a", "")
            .file("/etc/d/b", "")
            .link("/etc/inside", "d/b")
            .link("/etc/null", "/dev/null")
            .link("/etc/out", "../usr/lib/x")
            .link("/etc/outdir", "/srv")
            .file("/srv/f", "")
            .file("/lib/x", "")
            .link("/etc/loop", "loop");
        let refused = |p: &str| refusal(&root, &path(p)).unwrap().is_some();
        assert!(!refused("/etc/a") && !refused("/etc/inside") && !refused("/etc/new/deep"));
        assert!(!refused("/srv/f") && !refused("/etcetera"));
        assert!(refused("/etc/null") && refused("/etc/out") && refused("/etc/outdir/f"));
        assert!(refused("/lib/x") && refused("/usr/lib/y"));
        assert!(refusal(&root, &path("/etc/loop")).is_err());
        let entry = |p: &str| entry_refusal(&root, &path(p)).unwrap().is_some();
        assert!(!entry("/etc/null") && !entry("/etc/loop") && entry("/etc/outdir/f"));
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
        let here = |path: &str| Destination::At(ImagePath::parse(path).unwrap());
        assert_eq!(file_at(&root, "/etc/a.conf"), here("/etc/real/a.conf"));
        assert_eq!(file_at(&root, "/etc/new.conf"), here("/etc/real/new.conf"));
        assert_eq!(file_at(&root, "/etc/none/at/all"), here("/etc/none/at/all"));
        for refused in ["/etc/vendor.conf", "/etc/masked.conf", "/etc/pipe"] {
            assert!(matches!(file_at(&root, refused), Destination::Refused(_)), "{refused}");
        }
    }

    fn file_at(root: &MemoryRootfs, path: &str) -> Destination {
        file(root, &ImagePath::parse(path).unwrap()).unwrap()
    }
}
