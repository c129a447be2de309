//! What a want comes to when its changes are made; for tests.

use crate::check::{Finding, Fix, Primitive};
use crate::profile::RuleId;
use crate::rootfs::{Change, ImagePath, Rootfs, StagedRootfs};

/// Stages what closes the gaps, one change per path and look, until nothing more changes; then
/// the want must hold, or have only gaps without remedy. A second time must change nothing.
pub(crate) fn settle<'a>(want: &dyn Primitive, root: &'a dyn Rootfs) -> StagedRootfs<'a> {
    let rule: RuleId = "1.1".parse().unwrap();
    let mut staged = StagedRootfs::new(root);
    for _ in 0..64 {
        let Finding::NotMet { gaps, .. } = want.audit(&staged).unwrap() else { return staged };
        let (mut moved, mut touched) = (false, Vec::new());
        let fixable = gaps.iter().any(|gap| matches!(gap.fix, Fix::Changes(_)));
        for gap in gaps {
            let Fix::Changes(changes) = gap.fix else { continue };
            if changes.iter().any(|c| touched.contains(c.path())) {
                continue;
            }
            for change in &changes {
                touched.push(change.path().clone());
                moved |= staged.stage(change, &rule).unwrap();
            }
        }
        if !moved {
            assert!(!fixable, "the changes do not close the gaps: {:?}", want.audit(&staged));
            return staged;
        }
    }
    panic!("asks for change after change: {:?}", want.audit(&staged));
}

/// The paths that [`settle`] changed, with their new text.
pub(crate) fn changed(staged: &StagedRootfs<'_>) -> Vec<(String, String)> {
    let text = |path: &ImagePath| staged.read(path).unwrap_or_default().unwrap_or_default();
    let changes = staged.changes().unwrap();
    changes.iter().map(|c| (c.path.to_string(), text(&c.path))).collect()
}

/// The file's text after [`settle`], which must end in [`Finding::Met`].
pub(crate) fn settled_text(want: &dyn Primitive, root: &dyn Rootfs, path: &str) -> String {
    let staged = settle(want, root);
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
