//! Mounts inside the root through which a change would be written outside the image.
//!
//! A partition of the image that is mounted below its root is part of it. A bind mount of a
//! directory or file of the machine that runs gokaku is not, whoever left it there.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};

use nix::fcntl::OFlag;
use nix::sys::stat::fstat;

use crate::apply::messages;
use crate::error::{Error, Result};
use crate::message::Arg;
use crate::plan::PathChange;
use crate::rootfs::{DiskRootfs, ImagePath, Links};

/// Where something lies: its mount, and its filesystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MountAndDevice {
    mount: u64,
    device: u64,
    is_dir: bool,
}

/// Refuses changes that would go through a bind mount: a mount on the filesystem of the root or of
/// the running system's `/`, or a single file that is a mount of its own.
///
/// # Errors
/// [`Error::Guard`], naming the path.
pub(super) fn refuse_foreign(root: &DiskRootfs, changes: &[PathChange]) -> Result<()> {
    // Without /proc mounts cannot be distinguished.
    let Some(top) = place(root, &ImagePath::root()) else { return Ok(()) };
    #[allow(clippy::disallowed_methods)] // asks about the running system, which is the question
    let system = std::fs::metadata("/").ok().map(|m| {
        use std::os::unix::fs::MetadataExt;
        (m.dev(), m.ino())
    });
    let own = root.open_at(&ImagePath::root(), OFlag::O_PATH, Links::Refuse).ok();
    let own = own.and_then(|fd| fstat(&fd).ok()).map(|s| (s.st_dev, s.st_ino));
    if own.is_some() && own == system {
        // The process's own `/`: what is mounted there is the system.
        return Ok(());
    }
    let mut known = BTreeMap::new();
    for change in changes {
        let holder = change.path.parent().unwrap_or_else(ImagePath::root);
        let above = *known.entry(holder.clone()).or_insert_with(|| nearest(root, &holder));
        let Some(above) = above else { continue };
        let here = place(root, &change.path).unwrap_or(above);
        for found in [above, here] {
            let foreign = found.mount != top.mount
                && (found.device == top.device
                    || system.is_some_and(|(device, _)| device == found.device));
            let lone_file = !found.is_dir && found.mount != above.mount;
            if foreign || lone_file {
                return Err(Error::Guard(messages::foreign_mount(
                    &change.path,
                    Arg::names(change.rules()),
                )));
            }
        }
    }
    Ok(())
}

/// Where `path` lies, or the closest directory above it that exists.
fn nearest(root: &DiskRootfs, path: &ImagePath) -> Option<MountAndDevice> {
    std::iter::successors(Some(path.clone()), ImagePath::parent).find_map(|p| place(root, &p))
}

fn place(root: &DiskRootfs, path: &ImagePath) -> Option<MountAndDevice> {
    let fd = root.open_at(path, OFlag::O_PATH, Links::Refuse).ok()?;
    let stat = fstat(&fd).ok()?;
    #[allow(clippy::disallowed_methods)] // a question to the running kernel
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd.as_fd().as_raw_fd()));
    let mount = info.ok()?.lines().find_map(|l| l.strip_prefix("mnt_id:")?.trim().parse().ok())?;
    let is_dir = stat.st_mode & nix::libc::S_IFMT == nix::libc::S_IFDIR;
    Some(MountAndDevice { mount, device: stat.st_dev, is_dir })
}
