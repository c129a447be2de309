//! Whether what a layer wants would make a row drift that the table leaves alone.

use std::collections::BTreeSet;

use super::{Plan, audit};
use crate::check::Audit;
use crate::profile::{Disposition, Drift, Place, Rule, RuleId};
use crate::rootfs::{ImagePath, StagedRootfs};

/// A row that a plan would make drift, on behalf of layers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drifts {
    /// The row that is left alone.
    pub row: RuleId,
    /// A path that changes.
    pub path: ImagePath,
    /// The rows of layers that change it, each with its place.
    pub by: Vec<(RuleId, Place)>,
}

/// The rows among `all` that are left alone, do not drift on the tree of `image`, and would with the
/// plan, where changes for rows of layers are in it.
pub(crate) fn drifts(all: &[Rule], image: &Audit<'_>, plan: &Plan) -> Vec<Drifts> {
    let of_layers: Vec<&Rule> = all.iter().filter(|rule| rule.site.wants()).collect();
    let theirs = |id: &RuleId| of_layers.iter().find(|rule| rule.id == *id);
    let changes: Vec<_> =
        plan.changes().iter().filter(|c| c.rules().any(|id| theirs(id).is_some())).collect();
    if changes.is_empty() {
        return Vec::new();
    }
    let can_drift = |rule: &&Rule| {
        matches!(&rule.disposition, Disposition::LeaveAlone { drift: Some(Drift::WhenMet), .. })
    };
    let left: Vec<&Rule> = all.iter().filter(can_drift).collect();
    let staged = StagedRootfs::with(image.root(), plan.nodes());
    let (before, after) = (audit(&left, *image), audit(&left, image.on(&staged)));
    let mut found = Vec::new();
    for (was, is) in before.iter().zip(&after).filter(|(was, is)| !was.any_met && is.any_met) {
        let seen: BTreeSet<&ImagePath> = is.seen().filter_map(|e| e.path.as_ref()).collect();
        let change = changes.iter().find(|c| seen.contains(&c.path));
        // A row may see other paths than those that change, as where a link leads elsewhere.
        let Some(change) = change.or(changes.first()) else { continue };
        let by = change.rules().filter_map(theirs);
        found.push(Drifts {
            row: was.id.clone(),
            path: change.path.clone(),
            by: by.map(|rule| (rule.id.clone(), rule.wanted_at().clone())).collect(),
        });
    }
    found
}
