//! What a layer's decisions make of a row.

use std::collections::BTreeSet;
use std::ops::Range;

use super::layer::{Decision, Waive};
use super::mistakes::Mistakes;
use super::source::Sources;
use crate::check::{Check, Subject, SubjectKind};
use crate::profile::waiver::{Enforced, Replaced};
use crate::profile::{Disposition, Rule};

/// Makes a decision true of its row.
pub(super) fn apply(
    decision: Decision,
    rule: &mut Rule,
    sources: &Sources,
    mistakes: &mut Mistakes,
) {
    let place = sources.place(decision.rule.span().start);
    let (id, at) = (&rule.id, decision.rule.span());
    match (&rule.disposition, decision.accept) {
        (Disposition::Enforce(_), Some(accept)) => {
            let says = format!("row {id} is enforced by the table; use [[set]] for other wants");
            mistakes.add(accept.span(), says);
        }
        (Disposition::LeaveAlone { .. }, None) => {
            let reason = rule.reason.as_ref().map_or("", |reason| reason.key());
            let says = format!(
                "the table leaves row {id} alone; to enforce it, use [[enforce]] with accept = \
                 \"{reason}\""
            );
            mistakes.add(at, says);
        }
        (Disposition::LeaveAlone { .. }, Some(accept)) => {
            let reason = rule.reason.as_ref().map_or("", |reason| reason.key());
            if accept.get_ref() != reason {
                let says = format!(
                    "`accept`: found `{}`, want `{reason}`, for which the table leaves row {id} alone",
                    accept.get_ref()
                );
                mistakes.add(accept.span(), says);
                return;
            }
            rule.disposition = Disposition::Enforce(decision.want.checks);
            rule.wants = decision.want.shown;
            rule.want_places = decision.want.places;
            rule.site.enforced = Some(Enforced { reason: decision.reason, place });
            rule.origin = decision.origin.or(rule.origin.take());
        }
        (Disposition::Enforce(table), None) => {
            let table = table.clone();
            let mut want = decision.want;
            if decision.accepted.is_none() {
                want.checks.extend(table.iter().cloned());
                want.shown.append(&mut rule.wants);
                want.places.append(&mut rule.want_places);
            }
            rule.disposition = Disposition::Enforce(want.checks);
            rule.wants = want.shown;
            rule.want_places = want.places;
            rule.site.replaced = Some(Replaced {
                reason: decision.reason,
                accepted: decision.accepted,
                ticket: decision.ticket,
                table,
                place,
            });
            rule.origin = decision.origin.or(rule.origin.take());
        }
    }
}

/// Whether a waiver can be one of its row.
pub(super) fn fits(
    rule: &Rule,
    raw: &Waive,
    subject: Option<&Subject>,
    at: &Range<usize>,
    mistakes: &mut Mistakes,
) -> bool {
    let id = &rule.id;
    let checks: &[Check] = match &rule.disposition {
        Disposition::Enforce(wants) => {
            if let Some(at) = &raw.accept_drift {
                let says = format!(
                    "`accept_drift` is for rows that are left alone; row {id} is \
                                    enforced: remove it"
                );
                mistakes.add(at.clone(), says);
                return false;
            }
            wants
        }
        Disposition::LeaveAlone { .. } if raw.accept_drift.is_none() => {
            let says = format!(
                "row {id} is left alone, so that there is nothing to waive; `accept_drift = true` \
                 takes it out of --strict"
            );
            mistakes.add(at.clone(), says);
            return false;
        }
        Disposition::LeaveAlone { observe, .. } => {
            if subject.is_some() {
                mistakes.add(at.clone(), "drift is the row's own: leave `only` out");
                return false;
            }
            observe
        }
    };
    let Some(subject) = subject else { return true };
    let kinds: BTreeSet<SubjectKind> =
        checks.iter().flat_map(|check| check.subject_kinds()).collect();
    if kinds.contains(&subject.kind) {
        return true;
    }
    let kinds: Vec<&str> = kinds.into_iter().map(SubjectKind::word).collect();
    let found = subject.kind.word();
    let says = match kinds.is_empty() {
        true => format!("row {id} has no subjects; leave `only` out"),
        false => format!("row {id} has no subject of kind `{found}`; it has: {}", kinds.join(", ")),
    };
    mistakes.add(at.clone(), says);
    false
}
