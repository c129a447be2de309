//! From a verdict to the row of a report, without secrets.

use std::rc::Rc;

use super::{ChangeReport, Disposition, GapReport, LeftAlone, RuleReport, Serves, secret};
use crate::check::{Evidence, Subject};
use crate::message::Message;
use crate::plan::{Judged, JudgedGap, PathChange, Remedy};
use crate::profile::{self, Drift, Rule};

pub(super) fn row(
    rule: &Rule,
    judged: &Judged,
    before: Option<&Judged>,
    changes: &[ChangeReport],
) -> RuleReport {
    let (disposition, left_alone, drift) = match &rule.disposition {
        profile::Disposition::Enforce(_) => (Disposition::Enforced, None, false),
        profile::Disposition::LeaveAlone { note, drift, .. } => {
            let drift = match drift {
                None => false,
                Some(Drift::WhenMet) => judged.any_met,
            };
            // A profile is refused in which such a row has no reason.
            let left = |reason: &profile::Reason| LeftAlone {
                reason: reason.key().to_owned(),
                reason_words: Some(reason.words().clone()),
                note: note.clone(),
            };
            (Disposition::LeftAlone, rule.reason.as_ref().map(left), drift)
        }
    };
    RuleReport {
        id: rule.id.clone(),
        status: rule.status.key().to_owned(),
        status_words: Some(rule.status.words().clone()),
        disposition,
        level: rule.level,
        outcome: judged.outcome,
        remedy: judged.remedy,
        drift,
        title: rule.title.clone(),
        before: before.map(|b| b.outcome),
        changed: changes.iter().any(|c| c.rules.contains(&rule.id)),
        gaps: judged.gaps.iter().map(|gap| gap_of(gap, judged.remedy)).collect(),
        evidence: judged.evidence.iter().map(veiled).collect(),
        reason: judged.reason.as_ref().map(veil),
        left_alone,
    }
}

/// The remedy of a gap: nothing where the row's own is not given.
fn gap_of(gap: &JudgedGap, row: Option<Remedy>) -> GapReport {
    let remedy = match gap.reason {
        None => Remedy::Available,
        Some(_) => Remedy::None,
    };
    GapReport {
        subject: without_secrets(&gap.subject),
        evidence: veiled(&gap.evidence),
        remedy: row.map(|_| remedy),
        reason: gap.reason.as_ref().map(veil),
    }
}

pub(super) fn serves(change: &PathChange) -> Vec<Serves> {
    let one = |p: &Rc<crate::plan::Purpose>| Serves {
        rule: p.rule.clone(),
        subject: without_secrets(&p.subject),
    };
    change.serves.iter().take(MOST).map(one).collect()
}

/// The limit of gaps that a change names.
const MOST: usize = 2_000;

/// A keyword of a file in which a key or a hash stands may be a piece of that.
fn without_secrets(subject: &Subject) -> Subject {
    Subject { kind: subject.kind, value: secret::veil(&subject.value).into_owned() }
}

fn veiled(evidence: &Evidence) -> Evidence {
    Evidence {
        found: evidence.found.as_ref().map(veil),
        want: evidence.want.as_ref().map(veil),
        note: evidence.note.as_ref().map(veil),
        ..evidence.clone()
    }
}

fn veil(message: &Message) -> Message {
    message.clone().with_texts(&mut |text| match secret::veil(text) {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(veiled) => Some(veiled),
    })
}
