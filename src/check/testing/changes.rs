//! What a stage changes, and stages on which a want holds in the end.

use std::collections::BTreeMap;

use super::{path, stage};
use crate::check::{Audit, Finding, Primitive};
use crate::rootfs::{Difference, NodeBody, Rootfs, StagedRootfs};

/// As [`stage`], for what can be closed: in the end the want holds, and shows why.
pub(in crate::check) fn settled<'a>(
    want: &dyn Primitive,
    audit: impl Into<Audit<'a>>,
) -> StagedRootfs<'a> {
    let audit = audit.into();
    let staged = stage(want, audit);
    match want.find(&audit.on(&staged)).unwrap() {
        Finding::Met(evidence) | Finding::MetVacuously(evidence) => {
            assert!(!evidence.is_empty(), "what is met shows why");
        }
        finding => panic!("still open: {finding:?}"),
    }
    staged
}

/// The text of a file on the stage of [`settled`], on which the want must not hold vacuously.
pub(in crate::check) fn settled_text<'a>(
    want: &dyn Primitive,
    audit: impl Into<Audit<'a>>,
    file: &str,
) -> String {
    let audit = audit.into();
    let staged = settled(want, audit);
    let finding = want.find(&audit.on(&staged)).unwrap();
    assert!(matches!(finding, Finding::Met(_)), "{finding:?}");
    staged.read(&path(file)).unwrap().unwrap_or_default()
}

/// The changed paths, with the new text; empty for what is no regular file.
pub(in crate::check) fn changed(staged: &StagedRootfs<'_>) -> Vec<(String, String)> {
    let changes = staged.changes().unwrap();
    let shown = |c: &Difference| (c.path.to_string(), new_text(c).unwrap_or_default());
    changes.iter().map(shown).collect()
}

/// The changed regular files with their new text, to be looked up by path.
pub(in crate::check) fn changed_by_path(staged: &StagedRootfs<'_>) -> BTreeMap<String, String> {
    let changes = staged.changes().unwrap();
    changes.iter().filter_map(|c| Some((c.path.to_string(), new_text(c)?))).collect()
}

fn new_text(change: &Difference) -> Option<String> {
    match &change.after.as_ref()?.body {
        NodeBody::File(Some(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

/// What becomes of each changed entry on the stage of [`settled`], as [`changed_entries`] has it.
pub(in crate::check) fn settle_entries<'a>(
    want: &dyn Primitive,
    audit: impl Into<Audit<'a>>,
) -> Vec<String> {
    changed_entries(&settled(want, audit))
}

/// What becomes of each changed entry: `-path`, `path -> target` or `path: text`; of a directory,
/// and where only mode and owner change, `path: 0750 0:0`.
pub(in crate::check) fn changed_entries(staged: &StagedRootfs<'_>) -> Vec<String> {
    staged.changes().unwrap().iter().map(entry).collect()
}

fn entry(change: &Difference) -> String {
    let path = &change.path;
    let Some(after) = &change.after else { return format!("-{path}") };
    let same_body = change.before.as_ref().is_some_and(|before| before.body == after.body);
    match &after.body {
        NodeBody::Symlink(to) => format!("{path} -> {}", String::from_utf8_lossy(to)),
        NodeBody::File(Some(text)) if !same_body => {
            format!("{path}: {}", String::from_utf8_lossy(text))
        }
        _ => {
            let stat = after.stat;
            format!("{path}: {:04o} {}:{}", stat.mode, stat.uid, stat.gid)
        }
    }
}
