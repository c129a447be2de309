//! What the tests of the primitives share: wants from a profile's words, one look, a stage, and
//! what is left open. [`changes`] shows what a stage changes.

mod changes;
mod parse;

use std::collections::BTreeSet;

pub(in crate::check) use changes::{
    changed, changed_by_path, changed_entries, settle_entries, settled, settled_text,
};
pub(in crate::check) use parse::{check, parse, parse_field, parse_fields, try_check};

use crate::check::{Finding, Fix, Gap, Outcome, Primitive, foreign};
use crate::profile::RuleId;
use crate::rootfs::{Change, ImagePath, Rootfs, StagedRootfs};

/// A path that a test knows to be good.
pub(in crate::check) fn path(text: &str) -> ImagePath {
    ImagePath::parse(text).unwrap()
}

/// The outcome of a look at the image, as a row would have it; `Unknown` for an error. No password may show.
pub(crate) fn outcome(want: &dyn Primitive, root: &dyn Rootfs) -> Outcome {
    let Ok(finding) = want.audit(root).and_then(foreign::settled) else { return Outcome::Unknown };
    let hidden = |text: &str| assert!(!text.contains("$6$"), "a password is shown: {text}");
    match &finding {
        Finding::NotMet { gaps, holding } => {
            for gap in gaps {
                hidden(&format!("{:?}", gap.evidence));
                if let Fix::None(reason) = &gap.fix {
                    hidden(reason);
                }
            }
            hidden(&format!("{holding:?}"));
        }
        Finding::Met(evidence)
        | Finding::MetVacuously(evidence)
        | Finding::Manual(evidence)
        | Finding::Unmeasured(evidence) => {
            assert!(!evidence.is_empty(), "a verdict shows why");
            hidden(&format!("{evidence:?}"));
        }
    }
    finding.outcome()
}

/// Stages what closes the gaps, one change per path and look as a plan does it, until nothing
/// changes; then only gaps without remedy may be left.
pub(crate) fn stage<'a>(want: &dyn Primitive, root: &'a dyn Rootfs) -> StagedRootfs<'a> {
    let mut staged = StagedRootfs::new(root);
    stage_on(want, &mut staged);
    staged
}

/// As [`stage`], on a stage that others may have changed before.
pub(crate) fn stage_on(want: &dyn Primitive, staged: &mut StagedRootfs<'_>) {
    let rule: RuleId = "9.9.9".parse().unwrap();
    for _ in 0..64 {
        outcome(want, staged);
        let Ok(Finding::NotMet { gaps, .. }) = want.audit(staged) else { return };
        let (mut moved, mut touched) = (false, BTreeSet::new());
        let closable = gaps.iter().any(|gap| matches!(gap.fix, Fix::Changes(_)));
        for gap in gaps {
            let Fix::Changes(changes) = gap.fix else { continue };
            if changes.iter().any(|c| touched.contains(c.path())) {
                continue;
            }
            for change in &changes {
                touched.insert(change.path().clone());
                moved |= staged.stage(change, &rule).unwrap();
            }
        }
        if !moved {
            assert!(!closable, "the changes do not close the gaps: {:?}", want.audit(staged));
            return;
        }
    }
    panic!("asks for change after change: {:?}", want.audit(staged));
}

/// The gaps of one look; none when it is met or cannot be judged.
pub(in crate::check) fn gaps(want: &dyn Primitive, root: &dyn Rootfs) -> Vec<Gap> {
    match want.audit(root) {
        Ok(Finding::NotMet { gaps, .. }) => gaps,
        _ => Vec::new(),
    }
}

/// The changes of a finding's gaps, without the gaps that have none.
pub(in crate::check) fn fixes(finding: &Finding) -> Vec<&Change> {
    let Finding::NotMet { gaps, .. } = finding else { return Vec::new() };
    let some = gaps.iter().filter_map(|gap| match &gap.fix {
        Fix::Changes(changes) => Some(changes),
        Fix::None(_) | Fix::Package { .. } => None,
    });
    some.flatten().collect()
}

/// Why no change to a file closes a gap, of all such gaps of a finding.
pub(in crate::check) fn reasons(finding: &Finding) -> Vec<String> {
    let Finding::NotMet { gaps, .. } = finding else { return Vec::new() };
    gaps.iter().filter_map(|gap| gap.fix.reason()).collect()
}

/// [`reasons`] of one look, after which nothing would be changed.
pub(in crate::check) fn stuck(want: &dyn Primitive, root: &dyn Rootfs) -> String {
    let finding = want.audit(root).unwrap();
    assert!(fixes(&finding).is_empty(), "{finding:?}");
    reasons(&finding).join("; ")
}

/// As [`reasons`], of one look.
pub(in crate::check) fn reasons_on(want: &dyn Primitive, root: &dyn Rootfs) -> Vec<String> {
    reasons(&want.audit(root).unwrap())
}
