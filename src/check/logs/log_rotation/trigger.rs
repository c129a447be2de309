//! What starts logrotate in a root that has no init; else the chain says it (`check/chain`).

use crate::check::chain::{has_init, jobs};
use crate::check::common::remedy;
use crate::check::logs::messages;
use crate::check::{Audit, Evidence, Gap, Subject, SubjectKind};
use crate::error::Result;

/// What starts logrotate, or the gap; `None` where the tree boots.
pub(super) fn trigger(audit: &Audit<'_>) -> Result<Option<Result<Evidence, Gap>>> {
    let root = audit.root();
    if has_init(root)? {
        return Ok(None);
    }
    let notes = match jobs::by_files(root)? {
        Ok(evidence) => return Ok(Some(Ok(evidence))),
        Err(notes) => notes,
    };
    let evidence = Evidence::at(&jobs::usual_job()?).want(messages::wants_trigger());
    let evidence = match notes.is_empty() {
        true => evidence,
        false => evidence.found(messages::idle_triggers(notes)),
    };
    let subject = Subject::new(SubjectKind::Unit, "logrotate.timer");
    let why = messages::nothing_starts_logrotate();
    Ok(Some(Err(remedy::none(audit, subject, evidence, why))))
}
