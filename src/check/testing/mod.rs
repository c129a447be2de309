//! For the tests of the primitives.

pub(in crate::check) mod rounds;
pub(in crate::check) mod settled;
pub(in crate::check) mod words;

use std::collections::BTreeSet;

use crate::check::foreign::settled;
use crate::check::{Finding, Fix, Outcome, Primitive};
use crate::profile::RuleId;
use crate::rootfs::{ImagePath, MemoryRootfs, Rootfs, StagedRootfs};

/// A path that a test knows to be good.
pub(in crate::check) fn path(text: &str) -> ImagePath {
    ImagePath::parse(text).unwrap()
}

/// Reads one primitive from the value of its TOML key.
pub(in crate::check) fn parse<T: serde::de::DeserializeOwned>(value: &str) -> Result<T, String> {
    #[derive(serde::Deserialize)]
    struct Holder<T> {
        want: T,
    }
    let holder: Result<Holder<T>, _> = toml::from_str(&format!("want = {value}"));
    holder.map(|h| h.want).map_err(|e| e.to_string())
}

/// The outcome of a look at the image, as a row would have it; `Unknown` for an error.
pub(crate) fn outcome(want: &dyn Primitive, root: &dyn Rootfs) -> Outcome {
    want.audit(root).and_then(settled).map_or(Outcome::Unknown, |finding| finding.outcome())
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

/// As [`stage`], for wants that can be closed: in the end they hold. Gives the text or the kind of
/// change of every changed path, as `path: text`.
pub(in crate::check) fn settle(want: &dyn Primitive, root: &MemoryRootfs) -> Vec<String> {
    let staged = stage(want, root);
    let finding = want.audit(&staged).unwrap();
    assert!(
        matches!(finding.outcome(), Outcome::Met | Outcome::MetVacuously),
        "still open: {finding:?}"
    );
    changed(&staged)
}

/// Every changed path, with the text it would hold, or its mode and owner.
pub(in crate::check) fn changed(staged: &StagedRootfs<'_>) -> Vec<String> {
    let changes = staged.changes().unwrap();
    let shown = changes.iter().filter_map(|change| {
        let path = &change.path;
        let after = change.after.as_ref()?.stat;
        let same_text =
            change.before.as_ref().map(|n| &n.body) == Some(&change.after.as_ref()?.body);
        Some(match staged.read(path) {
            Ok(Some(text)) if !same_text => format!("{path}: {text}"),
            _ => format!("{path}: {:04o} {}:{}", after.mode, after.uid, after.gid),
        })
    });
    shown.collect()
}
