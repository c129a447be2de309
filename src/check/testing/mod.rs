//! What the tests of the primitives share: wants from a profile's words, one look, a stage, and
//! what is left open. [`changes`] shows what a stage changes.

mod changes;
mod parse;
mod scene;

use std::collections::BTreeSet;

pub(in crate::check) use changes::{
    changed, changed_by_path, changed_entries, settle_entries, settled, settled_text,
};
pub(in crate::check) use parse::{check, parse, parse_field, parse_fields, try_check};
pub(crate) use scene::{Run, Scene};

use crate::check::{Audit, Finding, Fix, Gap, Outcome, Primitive, foreign};
use crate::message::Message;
use crate::rootfs::{Change, ImagePath, StagedRootfs};

/// A path that a test knows to be good.
pub(in crate::check) fn path(text: &str) -> ImagePath {
    ImagePath::parse(text).unwrap()
}

/// The outcome of a look at the image, as a row would have it; `Unknown` for an error. No password may show.
pub(crate) fn outcome<'a>(want: &dyn Primitive, audit: impl Into<Audit<'a>>) -> Outcome {
    let found = want.find(&audit.into()).and_then(foreign::settled);
    let Ok(finding) = found else { return Outcome::Unknown };
    let hidden = |text: &str| assert!(!text.contains("$6$"), "a password is shown: {text}");
    match &finding {
        Finding::NotMet { gaps, holding } => {
            for gap in gaps {
                hidden(&format!("{:?}", gap.evidence));
                if let Fix::None(reason) = &gap.fix {
                    hidden(&reason.to_string());
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
pub(crate) fn stage<'a>(want: &dyn Primitive, audit: impl Into<Audit<'a>>) -> StagedRootfs<'a> {
    let audit = audit.into();
    let mut staged = StagedRootfs::new(audit.root());
    stage_more(want, &audit, &mut staged);
    staged
}

/// As [`stage`], on a stage that others may have changed before.
pub(crate) fn stage_on(want: &dyn Primitive, staged: &mut StagedRootfs<'_>) {
    let none = crate::rootfs::MemoryRootfs::new();
    stage_more(want, &Audit::plain(&none), staged);
}

/// `audit` says how; what is judged is the stage.
fn stage_more(want: &dyn Primitive, audit: &Audit<'_>, staged: &mut StagedRootfs<'_>) {
    for _ in 0..64 {
        outcome(want, audit.on(staged));
        let Ok(Finding::NotMet { gaps, .. }) = want.find(&audit.on(staged)) else { return };
        let (mut moved, mut touched) = (false, BTreeSet::new());
        let closable = gaps.iter().any(|gap| matches!(gap.fix, Fix::Changes(_)));
        for gap in gaps {
            let Fix::Changes(changes) = gap.fix else { continue };
            if changes.iter().any(|c| touched.contains(c.path())) {
                continue;
            }
            for change in &*changes {
                touched.insert(change.path().clone());
                moved |= staged.stage(change, &[]).unwrap();
            }
        }
        if !moved {
            assert!(
                !closable,
                "the changes do not close the gaps: {:?}",
                want.find(&audit.on(staged))
            );
            return;
        }
    }
    panic!("asks for change after change: {:?}", want.find(&audit.on(staged)));
}

/// The gaps of one look; none when it is met or cannot be judged.
pub(in crate::check) fn gaps<'a>(want: &dyn Primitive, audit: impl Into<Audit<'a>>) -> Vec<Gap> {
    match want.find(&audit.into()) {
        Ok(Finding::NotMet { gaps, .. }) => gaps,
        _ => Vec::new(),
    }
}

/// The changes of a finding's gaps, without the gaps that have none.
pub(in crate::check) fn fixes(finding: &Finding) -> Vec<&Change> {
    let Finding::NotMet { gaps, .. } = finding else { return Vec::new() };
    let mut known = BTreeSet::new();
    let some = gaps.iter().filter_map(|gap| match &gap.fix {
        // Gaps that are closed together share their changes.
        Fix::Changes(changes) => known.insert(changes.as_ptr()).then_some(changes),
        Fix::None(_) | Fix::Package { .. } => None,
    });
    some.flat_map(|changes| changes.iter()).collect()
}

/// Why no change to a file closes a gap, of all such gaps of a finding.
pub(in crate::check) fn reasons(finding: &Finding) -> Vec<String> {
    let Finding::NotMet { gaps, .. } = finding else { return Vec::new() };
    gaps.iter().filter_map(|gap| gap.fix.reason().as_ref().map(Message::to_string)).collect()
}

/// [`reasons`] of one look, after which nothing would be changed.
pub(in crate::check) fn stuck<'a>(want: &dyn Primitive, audit: impl Into<Audit<'a>>) -> String {
    let finding = want.find(&audit.into()).unwrap();
    assert!(fixes(&finding).is_empty(), "{finding:?}");
    reasons(&finding).join("; ")
}

/// As [`reasons`], of one look.
pub(in crate::check) fn reasons_on<'a>(
    want: &dyn Primitive,
    audit: impl Into<Audit<'a>>,
) -> Vec<String> {
    reasons(&want.find(&audit.into()).unwrap())
}

/// How many gaps of one look stay open because of exclusions; none may stay open otherwise.
pub(in crate::check) fn held<'a>(want: &dyn Primitive, audit: impl Into<Audit<'a>>) -> usize {
    let reasons = reasons_on(want, audit);
    let other: Vec<_> = reasons.iter().filter(|why| !why.contains("is protected in")).collect();
    assert!(other.is_empty(), "{other:?}");
    reasons.len()
}
