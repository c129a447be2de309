//! For tests: a want in a profile's own words, tried on an image.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::check::{Check, Finding, Fix, Outcome, Primitive};
use crate::profile::RuleId;
use crate::rootfs::{NodeBody, PathChange, Rootfs, StagedRootfs};

/// A check from the words of a profile, as `service = { … }`.
pub(in crate::check) fn check(want: &str) -> Check {
    try_check(want).unwrap_or_else(|e| panic!("{want}: {e}"))
}

/// A check from the words of a profile, or what is wrong with them.
pub(in crate::check) fn try_check(want: &str) -> Result<Check, String> {
    #[derive(Deserialize)]
    struct Rule {
        want: Check,
    }
    let rule: Result<Rule, _> = toml::from_str(&format!("want = {{ {want} }}"));
    rule.map(|rule| rule.want).map_err(|e| e.to_string())
}

/// The outcome of a look at the image; `Unknown` for an error.
pub(in crate::check) fn outcome(check: &dyn Primitive, root: &dyn Rootfs) -> Outcome {
    check.audit(root).map_or(Outcome::Unknown, |finding| finding.outcome())
}

/// Why nothing can be done, of all gaps; empty when there is none, or all can be closed.
pub(in crate::check) fn reasons(check: &dyn Primitive, root: &dyn Rootfs) -> Vec<String> {
    match check.audit(root).unwrap() {
        Finding::NotMet { gaps, .. } => gaps.iter().filter_map(|g| g.fix.reason()).collect(),
        _ => Vec::new(),
    }
}

/// Stages what closes the gaps, one change per path and look as a plan does it, until the want
/// holds. Every gap must have a change, and what holds must show why. Gives what becomes of each
/// changed entry: `-path`, `path -> target`, `path: content` or `path/`.
pub(in crate::check) fn settle_entries(check: &dyn Primitive, root: &dyn Rootfs) -> Vec<String> {
    let mut staged = StagedRootfs::new(root);
    let rule: RuleId = "9.9.9".parse().unwrap();
    for _ in 0..8 {
        let mut moved = false;
        let mut touched = BTreeSet::new();
        match check.audit(&staged).unwrap() {
            Finding::Met(evidence) | Finding::MetVacuously(evidence) => {
                assert!(!evidence.is_empty(), "what is met shows why");
                return staged.changes().unwrap().iter().map(entry).collect();
            }
            Finding::NotMet { gaps, .. } => {
                for gap in gaps {
                    let Fix::Changes(changes) = gap.fix else { panic!("no remedy: {gap:?}") };
                    // One change per path and look, as a plan does it.
                    if changes.iter().any(|c| touched.contains(c.path())) {
                        continue;
                    }
                    for change in changes {
                        touched.insert(change.path().clone());
                        moved |= staged.stage(&change, &rule).unwrap();
                    }
                }
            }
            finding => panic!("nothing to settle: {finding:?}"),
        }
        assert!(moved, "a gap stays, and its change changes nothing");
    }
    panic!("does not settle");
}

fn entry(change: &PathChange) -> String {
    match change.after.as_ref().map(|n| &n.body) {
        None => format!("-{}", change.path),
        Some(NodeBody::Symlink(to)) => {
            format!("{} -> {}", change.path, String::from_utf8_lossy(to))
        }
        Some(NodeBody::File(Some(text))) => {
            format!("{}: {}", change.path, String::from_utf8_lossy(text))
        }
        Some(NodeBody::Dir) => format!("{}/", change.path),
        Some(_) => change.path.to_string(),
    }
}
