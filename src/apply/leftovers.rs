//! Leftovers of a package step that was killed together with gokaku and its keeper: `policy-rc.d` in the
//! root, which would prevent every service from starting, and fetched packages outside.

use std::path::Path;

use super::container::{self, POLICY_PATH, Policy};
use crate::apply::messages;
use crate::error::{Error, Result, cannot};
use crate::message::{Message, say};
use crate::rootfs::DiskRootfs;

/// Takes it away. Under the root's lock no other run is at work that it could belong to.
///
/// # Errors
/// What the kernel refuses.
pub(super) fn sweep(root: &DiskRootfs, scratch: &Path) -> Result<()> {
    container::sweep_groups();
    if Policy::sweep(root)? {
        say!(warn, messages::left_and_removed(POLICY_PATH));
    }
    #[allow(clippy::disallowed_methods)] // it lies on the machine that runs the tool
    match std::fs::remove_dir_all(scratch) {
        Ok(()) => say!(warn, messages::left_and_removed(scratch.display().to_string())),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(Error::host(cannot::remove_what_a_killed_run_left, scratch, e)),
    }
    Ok(())
}

/// What a killed run has left in the root, in words; `None`: nothing.
pub fn left_behind(root: &DiskRootfs) -> Option<Message> {
    Policy::is_there(root).ok()?.then(|| messages::policy_left_behind(POLICY_PATH))
}
