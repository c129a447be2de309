//! For tests: a want in a profile's own words, tried on an image.

pub(in crate::check) use super::outcome;
use super::stage;
use crate::check::{Check, Finding, Primitive};
use crate::rootfs::{NodeBody, PathChange, Rootfs};

/// A check from the words of a profile, as `service = { … }`.
pub(in crate::check) fn check(want: &str) -> Check {
    try_check(want).unwrap_or_else(|e| panic!("{want}: {e}"))
}

/// A check from the words of a profile, with what the embedded one's head adds, or what is wrong with
/// them.
pub(in crate::check) fn try_check(want: &str) -> Result<Check, String> {
    crate::profile::want(want)
}

/// Why nothing can be done, of all gaps; empty when there is none, or all can be closed.
pub(in crate::check) fn reasons(check: &dyn Primitive, root: &dyn Rootfs) -> Vec<String> {
    match check.audit(root).unwrap() {
        Finding::NotMet { gaps, .. } => gaps.iter().filter_map(|g| g.fix.reason()).collect(),
        _ => Vec::new(),
    }
}

/// Stages what closes the gaps; in the end the want must hold, and show why. Gives what becomes of
/// each changed entry: `-path`, `path -> target`, `path: content` or `path/`.
pub(in crate::check) fn settle_entries(check: &dyn Primitive, root: &dyn Rootfs) -> Vec<String> {
    let staged = stage(check, root);
    match check.audit(&staged).unwrap() {
        Finding::Met(evidence) | Finding::MetVacuously(evidence) => {
            assert!(!evidence.is_empty(), "what is met shows why");
        }
        finding => panic!("not settled: {finding:?}"),
    }
    staged.changes().unwrap().iter().map(entry).collect()
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
