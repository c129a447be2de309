//! Leftovers of a package step that was killed together with gokaku and its keeper: `policy-rc.d` in the
//! root, which would prevent every service from starting, and fetched packages outside.

use std::path::Path;

use super::container::{self, POLICY_PATH, Policy};
use crate::error::{Error, Result, cannot};
use crate::rootfs::DiskRootfs;

/// Takes it away. Under the root's lock no other run is at work that it could belong to.
///
/// # Errors
/// What the kernel refuses.
pub(super) fn sweep(root: &DiskRootfs, scratch: &Path) -> Result<()> {
    container::sweep_groups();
    if Policy::sweep(root)? {
        log::warn!("{POLICY_PATH}: left by a run that was killed; taken away");
    }
    #[allow(clippy::disallowed_methods)] // it lies on the machine that runs the tool
    match std::fs::remove_dir_all(scratch) {
        Ok(()) => log::warn!("{}: left by a run that was killed; taken away", scratch.display()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(Error::host(cannot::remove_what_a_killed_run_left, scratch, e)),
    }
    Ok(())
}

/// What a killed run has left in the root, in words; `None`: nothing.
pub fn left_behind(root: &DiskRootfs) -> Option<String> {
    Policy::is_there(root).ok()?.then(|| {
        format!(
            "{POLICY_PATH}: left by a run that was killed (unless one is at work just now): no service \
             of this root is started or restarted; the next apply, revert or forget takes it away"
        )
    })
}
