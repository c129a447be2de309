//! What a site's decisions make of a verdict: waivers, and wants in place of the table's.
//!
//! A waived subject is an exclusion, so that no primitive builds a text for it; a row that is waived
//! as a whole is not planned at all. Neither depends on the day: the end of a waiver changes what is
//! said, and never what is written.

use serde::{Deserialize, Serialize};

use super::judged::{Judged, JudgedGap, Remedy, combine};
use super::messages;
use crate::check::accounts::clock;
use crate::check::{
    Audit, Check, Evidence, Exclusions, Finding, Fix, Gap, Options, Outcome, Subject,
};
use crate::error::Result;
use crate::message::Message;
use crate::profile::{Place, Rule, RuleId, Until, Waiver};

/// Whether a waiver has an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverState {
    /// What it is for does not hold, and it is accepted.
    InUse,
    /// What it is for holds.
    NotNeeded,
    /// What it is for does not hold, and it is over.
    Over,
}

/// A decision of the site about a row, on this root and day.
#[derive(Debug, Clone, PartialEq)]
pub struct WaiverUse {
    /// What of the row; `None` is all of it.
    pub subject: Option<Subject>,
    /// Why.
    pub reason: Message,
    /// Who has decided it.
    pub by: String,
    /// Its last day.
    pub until: Until,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// Whether it has an effect.
    pub state: WaiverState,
    /// The days that are left, where they are few.
    pub ends_in: Option<i64>,
}

impl WaiverUse {
    fn of(waiver: &Waiver, needed: bool, today: i64) -> WaiverUse {
        WaiverUse {
            subject: waiver.subject.clone(),
            reason: Message::from(&waiver.reason),
            by: waiver.by.clone(),
            until: waiver.until,
            ticket: waiver.ticket.clone(),
            place: waiver.place.clone(),
            state: match (needed, waiver.until.is_over(today)) {
                (false, _) => WaiverState::NotNeeded,
                (true, true) => WaiverState::Over,
                (true, false) => WaiverState::InUse,
            },
            ends_in: waiver.until.ends_soon(today),
        }
    }
}

/// The options of a run with what waivers of these rows exclude.
pub(super) fn options(rules: &[&Rule], options: &Options) -> Options {
    let mut options = options.clone();
    for rule in rules {
        exclude(&rule.id, &rule.site.waivers, &mut options.exclusions);
    }
    options
}

fn exclude(rule: &RuleId, waivers: &[Waiver], exclusions: &mut Exclusions) {
    for waiver in waivers {
        if let Some(subject) = &waiver.subject {
            exclusions.exclude_of(rule, subject.clone(), cause(waiver, subject));
        }
    }
}

/// Why nothing is changed on behalf of a waiver.
fn cause(waiver: &Waiver, subject: &Subject) -> Message {
    let (subject, place) = (subject.to_string(), waiver.place.to_string());
    messages::is_waived(subject, &waiver.by, place, Message::from(&waiver.reason))
}

/// The verdict on an enforced rule, from what its wants find.
pub(super) fn verdict(rule: &Rule, audit: &Audit<'_>, findings: Vec<Result<Finding>>) -> Judged {
    let site = &rule.site;
    let accepted = site.replaced.as_ref().and_then(|r| Some((r, r.accepted.as_ref()?)));
    if site.waivers.is_empty() && accepted.is_none() {
        return combine(&rule.id, findings.into_iter());
    }
    let today = clock::today().latest;
    let of_table = || -> Vec<Result<Finding>> {
        let table: &[Check] = accepted.map_or(&[], |(replaced, _)| &replaced.table);
        table.iter().map(|check| check.find(audit)).collect()
    };
    if let Some(waiver) = site.whole() {
        let all = findings.into_iter().chain(of_table());
        return whole(combine(&rule.id, all), waiver, today);
    }
    let judged = subjects(rule, findings, today);
    let Some((replaced, (by, until))) = accepted else { return judged };
    if !holds(judged.outcome) {
        return judged;
    }
    let table = combine(&rule.id, of_table().into_iter());
    let waiver = Waiver {
        subject: None,
        reason: replaced.reason.clone(),
        by: by.clone(),
        until: *until,
        ticket: replaced.ticket.clone(),
        place: replaced.place.clone(),
    };
    if holds(table.outcome) {
        let mut judged = judged;
        judged.waivers.push(WaiverUse::of(&waiver, false, today));
        return judged;
    }
    Judged { any_met: judged.any_met, ..whole(table, &waiver, today) }
}

/// What a waiver of drift makes of the verdict on a row that is left alone.
pub(super) fn drift(rule: &Rule, judged: Judged) -> Judged {
    let today = || clock::today().latest;
    let uses =
        rule.site.waivers.iter().map(|waiver| WaiverUse::of(waiver, judged.any_met, today()));
    Judged { waivers: uses.collect(), ..judged }
}

fn holds(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Met | Outcome::MetVacuously)
}

/// A verdict under a waiver for all of it.
fn whole(judged: Judged, waiver: &Waiver, today: i64) -> Judged {
    let used = WaiverUse::of(waiver, !holds(judged.outcome), today);
    let mut judged = judged.left_as_it_is();
    match used.state {
        WaiverState::NotNeeded => {
            judged.evidence.push(not_needed(&used));
            judged.waivers.push(used);
            judged
        }
        WaiverState::Over => over(judged, vec![used]),
        WaiverState::InUse => waived(judged, vec![used]),
    }
}

fn not_needed(used: &WaiverUse) -> Evidence {
    let place = used.place.to_string();
    Evidence::note_only(match &used.subject {
        None => messages::waiver_not_needed(place),
        Some(subject) => messages::waiver_of_subject_not_needed(subject.to_string(), place),
    })
    .aside()
}

fn over(mut judged: Judged, uses: Vec<WaiverUse>) -> Judged {
    let ended = uses.iter().find(|used| used.state == WaiverState::Over);
    judged.reason = ended.map(|used| {
        let (place, until) = (used.place.to_string(), used.until.to_string());
        match &used.subject {
            None => messages::waiver_over(until, &used.by, place),
            Some(subject) => {
                messages::waiver_of_subject_over(subject.to_string(), until, &used.by, place)
            }
        }
    });
    judged.waivers.extend(uses);
    judged
}

fn waived(beneath: Judged, uses: Vec<WaiverUse>) -> Judged {
    let reason = uses
        .first()
        .map(|used| messages::waived(used.reason.clone(), &used.by, used.until.to_string()));
    Judged {
        any_met: beneath.any_met,
        reason,
        waivers: uses,
        beneath: Some(Box::new(beneath.clone())),
        ..Judged::nothing(&beneath.id, Outcome::Waived)
    }
}

/// The verdict on a rule of which single subjects are waived: the others decide.
fn subjects(rule: &Rule, findings: Vec<Result<Finding>>, today: i64) -> Judged {
    let waivers = &rule.site.waivers;
    if waivers.is_empty() {
        return combine(&rule.id, findings.into_iter());
    }
    let mut needed = vec![false; waivers.len()];
    let (mut rest, mut covered) = (Vec::new(), Vec::new());
    for finding in findings {
        let Ok(Finding::NotMet { gaps, holding }) = finding else {
            rest.push(finding);
            continue;
        };
        let (mut open, mut spared) = (Vec::new(), Vec::new());
        for gap in gaps {
            match waivers.iter().position(|waiver| covers(waiver, &gap)) {
                None => open.push(gap),
                Some(number) => {
                    needed[number] = true;
                    spared.push(gap);
                }
            }
        }
        rest.push(Ok(Finding::from_gaps(open, holding)));
        if !spared.is_empty() {
            covered.push(Ok(Finding::NotMet { gaps: spared, holding: Vec::new() }));
        }
    }
    let uses: Vec<WaiverUse> =
        waivers.iter().zip(needed).map(|(w, needed)| WaiverUse::of(w, needed, today)).collect();
    let mut judged = combine(&rule.id, rest.into_iter());
    let unneeded = uses.iter().filter(|used| used.state == WaiverState::NotNeeded);
    judged.evidence.extend(unneeded.map(not_needed));
    if covered.is_empty() {
        judged.waivers = uses;
        return judged;
    }
    let spared = combine(&rule.id, covered.into_iter()).left_as_it_is();
    let any_over = uses.iter().any(|used| used.state == WaiverState::Over);
    if holds(judged.outcome) && !any_over {
        let evidence = judged.evidence;
        let beneath = Judged { any_met: judged.any_met, evidence, ..spared };
        let (mut uses, unneeded): (Vec<_>, Vec<_>) =
            uses.into_iter().partition(|used| used.state == WaiverState::InUse);
        uses.extend(unneeded);
        return waived(beneath, uses);
    }
    let gaps = spared.gaps.into_iter().map(|gap| JudgedGap { waived: true, ..gap });
    judged.gaps.extend(gaps);
    if holds(judged.outcome) {
        judged.outcome = Outcome::NotMet;
        judged.remedy = Some(Remedy::None);
        return over(judged, uses);
    }
    judged.waivers = uses;
    judged
}

/// Whether a gap is what a waiver is for: its subject, the file that it is in, or what the waiver has
/// kept from being changed.
fn covers(waiver: &Waiver, gap: &Gap) -> bool {
    let Some(subject) = &waiver.subject else { return false };
    let in_file = || gap.evidence.path.as_ref().is_some_and(|path| Subject::path(path) == *subject);
    gap.subject == *subject
        || in_file()
        || matches!(&gap.fix, Fix::None(why) if *why == cause(waiver, subject))
}
