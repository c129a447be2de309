//! What a want comes to when its changes are made; for tests.

use super::stage;
use crate::check::{Finding, Fix, Primitive};
use crate::rootfs::{Change, ImagePath, Rootfs, StagedRootfs};

/// The paths that [`stage`] changed, with their new text.
pub(crate) fn changed(staged: &StagedRootfs<'_>) -> Vec<(String, String)> {
    let text = |path: &ImagePath| staged.read(path).unwrap_or_default().unwrap_or_default();
    let changes = staged.changes().unwrap();
    changes.iter().map(|c| (c.path.to_string(), text(&c.path))).collect()
}

/// The file's text after [`stage`], which must end in [`Finding::Met`].
pub(crate) fn settled_text(want: &dyn Primitive, root: &dyn Rootfs, path: &str) -> String {
    let staged = stage(want, root);
    let finding = want.audit(&staged).unwrap();
    assert!(matches!(finding, Finding::Met(_)), "{finding:?}");
    staged.read(&ImagePath::parse(path).unwrap()).unwrap().unwrap_or_default()
}

/// The changes of a finding's gaps, without the gaps that have none.
pub(crate) fn fixes(finding: &Finding) -> Vec<&Change> {
    let Finding::NotMet { gaps, .. } = finding else { return Vec::new() };
    let some = gaps.iter().filter_map(|gap| match &gap.fix {
        Fix::Changes(changes) => Some(changes),
        Fix::None(_) | Fix::Package { .. } => None,
    });
    some.flatten().collect()
}

/// The reasons of the gaps without remedy.
pub(crate) fn reasons(finding: &Finding) -> Vec<&str> {
    let Finding::NotMet { gaps, .. } = finding else { return Vec::new() };
    let some = gaps.iter().filter_map(|gap| match &gap.fix {
        Fix::Changes(_) | Fix::Package { .. } => None,
        Fix::None(reason) => Some(reason.as_str()),
    });
    some.collect()
}
