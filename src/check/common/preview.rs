//! What an image would be like with a change: to see that a remedy helps before offering it.

use crate::error::Result;
use crate::rootfs::{Change, Rootfs, StagedRootfs};

/// The image with these changes made.
///
/// # Errors
/// A change does not fit what stands there.
pub(in crate::check) fn with<'a>(
    root: &'a dyn Rootfs,
    changes: &[Change],
) -> Result<StagedRootfs<'a>> {
    let mut staged = StagedRootfs::new(root);
    for change in changes {
        // For nothing in particular: nothing of this reaches a plan.
        staged.stage(change, &[])?;
    }
    Ok(staged)
}
