//! A gap about a subject, with its remedy where there is one.

use super::rewrite;
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath};

/// A change that closes a gap, or why there is none and what a person can do.
pub(in crate::check) type Remedy = std::result::Result<Change, Message>;

/// The gap about `subject` with its remedy. Where the subject is excluded, `remedy` is not asked
/// and the cause of the exclusion is the reason.
///
/// # Errors
/// Those of `remedy`.
pub(in crate::check) fn gap(
    audit: &Audit<'_>,
    subject: Subject,
    evidence: Evidence,
    remedy: impl FnOnce() -> Result<Remedy>,
) -> Result<Gap> {
    let remedy = match audit.excluded(&subject) {
        Some(exclusion) => Err(exclusion.cause.clone()),
        None => remedy()?,
    };
    let gap = match remedy {
        Ok(change) => Gap::fixed_by(evidence, change),
        Err(why) => Gap::no_remedy(evidence, why),
    };
    Ok(gap.about(subject))
}

/// The gap about `subject` that no change closes, for this reason, or for the cause of an
/// exclusion.
pub(in crate::check) fn none(
    audit: &Audit<'_>,
    subject: Subject,
    evidence: Evidence,
    reason: impl Into<Message>,
) -> Gap {
    let why = match audit.excluded(&subject) {
        Some(exclusion) => exclusion.cause.clone(),
        None => reason.into(),
    };
    Gap::no_remedy(evidence, why).about(subject)
}

/// The gap that one change closes, unless its subject or the changed file is excluded.
pub(in crate::check) fn change(
    audit: &Audit<'_>,
    subject: Subject,
    evidence: Evidence,
    change: Change,
) -> Gap {
    let gap = match audit.excluded_in(&subject, change.path()) {
        Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
        None => Gap::fixed_by(evidence, change),
    };
    gap.about(subject)
}

/// As [`rewrite::gap`], where the new text serves this subject alone: unless the subject or the file
/// is excluded.
///
/// # Errors
/// As [`rewrite::gap`].
pub(in crate::check) fn rewrite(
    audit: &Audit<'_>,
    subject: Subject,
    evidence: Evidence,
    path: &ImagePath,
    text: String,
    mode: u32,
) -> Result<Gap> {
    let gap = match audit.excluded_in(&subject, path) {
        Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
        None => rewrite::gap(audit.root(), evidence, path, text, mode)?,
    };
    Ok(gap.about(subject))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Fix;
    use crate::check::testing::{Run, path};
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn an_exclusion_comes_before_the_remedy() {
        let subject = Subject::key("a");
        let change = || Change::write(&path("/etc/a"), "x");
        let free = MemoryRootfs::new().scene();
        let gap = |audit: &Audit<'_>, remedy: Remedy| {
            super::gap(audit, subject.clone(), Evidence::default(), || Ok(remedy)).unwrap()
        };
        let audit = Audit::from(&free);
        assert!(matches!(gap(&audit, Ok(change())).fix, Fix::Changes(_)));
        let why = Message::value("why");
        assert_eq!(gap(&audit, Err(why.clone())).fix, Fix::None(why.clone()));
        let excluded = free.clone().excluding(subject.clone());
        let audit = Audit::from(&excluded);
        let asked = super::gap(&audit, subject.clone(), Evidence::default(), || {
            panic!("an excluded subject has no remedy")
        });
        let cause = audit.excluded(&subject).unwrap().cause.clone();
        for gap in [asked.unwrap(), none(&audit, subject.clone(), Evidence::default(), why)] {
            assert_eq!((gap.fix, gap.subject), (Fix::None(cause.clone()), subject.clone()));
        }
    }
}
