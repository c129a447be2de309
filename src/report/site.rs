//! What a site's files say about a row, in a report.

use serde::{Deserialize, Serialize};

use super::GapReport;
use crate::check::{Evidence, Outcome, Subject};
use crate::message::Message;
use crate::plan::{WaiverState, WaiverUse};
use crate::profile::{Bilingual, Place, Rule};

/// What is waived.
#[derive(Debug, Serialize, Deserialize)]
pub struct Beneath {
    /// The outcome without the waiver.
    pub outcome: Outcome,
    /// What does not hold.
    pub gaps: Vec<GapReport>,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Why it is unknown, or has no remedy.
    pub reason: Option<Message>,
}

/// A waiver of a row, on this root and day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WaiverReport {
    /// What of the row; `null` is all of it.
    pub subject: Option<Subject>,
    /// Why.
    pub reason: Message,
    /// Who has decided it.
    pub by: String,
    /// Its last day, as `2027-03-31`, or `never`.
    pub until: String,
    /// Where it was discussed.
    #[serde(default)]
    pub ticket: Option<String>,
    /// Whether it has an effect.
    pub state: WaiverState,
    /// The days that are left, where they are few.
    #[serde(default)]
    pub ends_in: Option<i64>,
    /// Where it stands.
    pub place: Place,
}

impl WaiverReport {
    /// What a verdict says of a waiver.
    pub(super) fn of(used: &WaiverUse) -> WaiverReport {
        WaiverReport {
            subject: used.subject.clone(),
            reason: used.reason.clone(),
            by: used.by.clone(),
            until: used.until.to_string(),
            ticket: used.ticket.clone(),
            state: used.state,
            ends_in: used.ends_in,
            place: used.place.clone(),
        }
    }
}

/// What a layer has made of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionKind {
    /// Other wants for a row of the table.
    Set,
    /// A left-alone row is enforced.
    Enforce,
    /// The row is the site's own.
    Own,
}

/// A layer's decision about what a row wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decision {
    /// What it is.
    pub kind: DecisionKind,
    /// Why.
    pub reason: Option<Bilingual>,
    /// Where it stands.
    pub place: Place,
}

impl Decision {
    /// The decision about a rule, if a layer has one.
    pub(super) fn of(rule: &Rule) -> Option<Decision> {
        let site = &rule.site;
        if let Some(set) = &site.replaced {
            let (reason, place) = (Some(set.reason.clone()), set.place.clone());
            return Some(Decision { kind: DecisionKind::Set, reason, place });
        }
        if let Some(enforced) = &site.enforced {
            let (reason, place) = (Some(enforced.reason.clone()), enforced.place.clone());
            return Some(Decision { kind: DecisionKind::Enforce, reason, place });
        }
        let own = Decision { kind: DecisionKind::Own, reason: None, place: rule.place.clone() };
        site.own.then_some(own)
    }
}

/// Something that a row wants.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WantReport {
    /// As TOML.
    pub want: String,
    /// Where it stands.
    pub place: Place,
}

/// A variable of the profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VarReport {
    /// Its name.
    pub name: String,
    /// Its value, as TOML.
    pub value: String,
    /// Where the value stands.
    pub place: Place,
}
