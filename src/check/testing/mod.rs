//! For the tests of the primitives.

pub(in crate::check) mod rounds;
pub(in crate::check) mod settled;
pub(in crate::check) mod words;

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

/// Stages what closes the gaps until nothing is left to stage.
pub(in crate::check) fn stage<'a>(
    want: &dyn Primitive,
    root: &'a MemoryRootfs,
) -> StagedRootfs<'a> {
    let rule: RuleId = "9.9.9".parse().unwrap();
    let mut staged = StagedRootfs::new(root);
    for _ in 0..8 {
        let mut moved = false;
        if let Ok(Finding::NotMet { gaps, .. }) = want.audit(&staged) {
            let mut touched = Vec::new();
            for gap in gaps {
                let Fix::Changes(changes) = gap.fix else { continue };
                for change in changes.iter().filter(|c| !touched.contains(c.path())) {
                    moved |= staged.stage(change, &rule).unwrap();
                }
                touched.extend(changes.iter().map(|c| c.path().clone()));
            }
        }
        if !moved {
            return staged;
        }
    }
    panic!("the changes do not settle");
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
