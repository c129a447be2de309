//! Staging round by round, as a plan does, also on a stage that others have changed; for tests.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{Finding, Fix, Gap, Outcome, Primitive};
use crate::profile::RuleId;
use crate::rootfs::{NodeBody, Rootfs, StagedRootfs};

/// Stages what closes the gaps of `check`, round by round as a plan does, until nothing changes.
pub(crate) fn stage<'a>(check: &dyn Primitive, root: &'a dyn Rootfs) -> StagedRootfs<'a> {
    let mut staged = StagedRootfs::new(root);
    stage_on(check, &mut staged);
    staged
}

/// As [`stage`], on a stage that others may have changed before.
pub(crate) fn stage_on(check: &dyn Primitive, staged: &mut StagedRootfs<'_>) {
    let rule: RuleId = "1.1".parse().unwrap();
    for _ in 0..16 {
        let mut moved = false;
        let mut touched = BTreeSet::new();
        let Ok(Finding::NotMet { gaps, .. }) = check.audit(staged) else { return };
        for Gap { fix, .. } in gaps {
            let Fix::Changes(changes) = fix else { continue };
            if changes.iter().any(|c| touched.contains(c.path())) {
                continue;
            }
            for change in &changes {
                touched.insert(change.path().clone());
                moved |= staged.stage(change, &rule).unwrap();
            }
        }
        if !moved {
            return;
        }
    }
    panic!("asks for change after change");
}

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

/// The outcome of one look.
pub(crate) fn outcome(check: &dyn Primitive, root: &dyn Rootfs) -> Outcome {
    check.audit(root).map_or(Outcome::Unknown, |f| f.outcome())
}

/// The gaps of one look; none when it is met or cannot be told.
pub(crate) fn gaps(check: &dyn Primitive, root: &dyn Rootfs) -> Vec<Gap> {
    match check.audit(root) {
        Ok(Finding::NotMet { gaps, .. }) => gaps,
        _ => Vec::new(),
    }
}
