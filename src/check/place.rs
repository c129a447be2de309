//! Where a change may land.
//!
//! Configuration is changed under `/etc`. What packages bring elsewhere is theirs, also when a link
//! in `/etc` leads there.

use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};

/// Places whose files belong to packages.
const VENDOR: [&str; 5] = ["/lib", "/usr/lib", "/usr/local/lib", "/usr/share", "/usr/local/share"];

/// Why a change of what `path` leads to (links followed) would land in the wrong place; `None` when
/// it may be made.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(super) fn refusal(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<String>> {
    let real = root.locate(path)?.path;
    refusal_between(path, &real)
}

/// As [`refusal`] for the entry itself: links are followed in its parents only.
///
/// # Errors
/// As [`refusal`].
pub(super) fn entry_refusal(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<String>> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    let real = root.locate(&parent)?.path.join(name)?;
    refusal_between(path, &real)
}

fn refusal_between(path: &ImagePath, real: &ImagePath) -> Result<Option<String>> {
    let etc = ImagePath::parse("/etc")?;
    if path.starts_with(&etc) && !real.starts_with(&etc) {
        return Ok(Some(format!(
            "{path} leads to {real}, outside of /etc, and is not changed through a link; put a file \
             in its place"
        )));
    }
    for dir in VENDOR {
        if real.starts_with(&ImagePath::parse(dir)?) {
            return Ok(Some(format!("{real} belongs to a package; change it there")));
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
}
