//! For tests: what one look finds, and the new texts of files.

use std::collections::BTreeMap;

pub(crate) use super::{outcome, stage, stage_on};
use crate::check::{Finding, Gap, Outcome, Primitive};
use crate::rootfs::{NodeBody, Rootfs, StagedRootfs};

/// As [`stage`]; the second look must be met, so that there is nothing more to stage.
pub(crate) fn settle<'a>(check: &dyn Primitive, root: &'a dyn Rootfs) -> StagedRootfs<'a> {
    let staged = stage(check, root);
    let again = check.audit(&staged).unwrap();
    assert_eq!(again.outcome(), Outcome::Met, "{again:?}");
    staged
}

/// The files that the stage changes, with their new text.
pub(crate) fn changed(staged: &StagedRootfs<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for change in staged.changes().unwrap() {
        if let Some(NodeBody::File(Some(bytes))) = change.after.map(|n| n.body) {
            out.insert(change.path.to_string(), String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    out
}

/// The gaps of one look; none when it is met or cannot be told.
pub(crate) fn gaps(check: &dyn Primitive, root: &dyn Rootfs) -> Vec<Gap> {
    match check.audit(root) {
        Ok(Finding::NotMet { gaps, .. }) => gaps,
        _ => Vec::new(),
    }
}
