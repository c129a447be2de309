//! Accounts that a log's configuration names and the root does not have.

use crate::error::Result;
use crate::rootfs::{AccountDb, ImagePath, Rootfs};

/// The first of a user and a group that the root does not have. A root without a list of accounts is
/// a part of one.
///
/// # Errors
/// The account files cannot be read.
pub(super) fn nobody(
    root: &dyn Rootfs,
    user: Option<&str>,
    group: Option<&str>,
) -> Result<Option<String>> {
    let there = |path: &str| Ok(root.stat(&ImagePath::parse(path)?)?.is_some());
    let accounts = AccountDb::read(root)?;
    if let Some(user) = user
        && accounts.uid(user).is_none()
        && there("/etc/passwd")?
    {
        return Ok(Some(user.to_owned()));
    }
    match group {
        Some(group) if accounts.gid(group).is_none() && there("/etc/group")? => {
            Ok(Some(group.to_owned()))
        }
        _ => Ok(None),
    }
}
