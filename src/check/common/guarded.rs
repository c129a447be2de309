//! Gaps of one subject each, which ask for exclusions before they offer a change.

use super::rewrite;
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath};

/// A gap without a safe remedy: an exclusion of its subject is the reason, else `why`.
pub(in crate::check) fn open(
    audit: &Audit<'_>,
    subject: Subject,
    evidence: Evidence,
    why: impl Into<Message>,
) -> Gap {
    let gap = match audit.excluded(&subject) {
        Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
        None => Gap::no_remedy(evidence, why),
    };
    gap.about(subject)
}

/// The gap that one change closes, unless its subject or the changed file is excluded.
pub(in crate::check) fn closed(
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
pub(in crate::check) fn rewritten(
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
