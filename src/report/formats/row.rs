//! What formats for programs say of a row, in the order in which it explains the result.

use super::messages;
use super::text;
use crate::check::Outcome;
use crate::message::{Lang, Message};
use crate::plan::WaiverState;
use crate::report::messages as words;
use crate::report::{Mode, Report, RuleReport, WaiverReport};

/// The time of a report that has none.
pub(super) const NO_TIME: &str = "1970-01-01T00:00:00Z";

/// The time of a report, as formats that must have one are given it.
pub(super) fn time(report: &Report) -> String {
    report.stamp.as_ref().map_or(NO_TIME.to_owned(), |stamp| stamp.text())
}

/// The outcome on the tree as it is: a plan has changed nothing yet.
pub(super) fn outcome(report: &Report, row: &RuleReport) -> Outcome {
    match (report.mode, row.before) {
        (Mode::Plan, Some(before)) => before,
        _ => row.outcome,
    }
}

/// All that is to be said of a row, one line each.
pub(super) fn said(report: &Report, row: &RuleReport, lang: Lang) -> Vec<String> {
    let mut out = Vec::new();
    let word = |outcome| text::outcome(outcome);
    let mut say = |message: Message| out.push(text::line_of(&message.text(lang)));
    let now = outcome(report, row);
    match &row.left_alone {
        Some(left) => {
            let words = left.reason_words.as_ref();
            say(messages::left_alone(words.map_or(left.reason.as_str(), |w| w.get(lang))));
            if let Some(note) = &left.note {
                say(note.into());
            }
            say(messages::observed(word(now)));
        }
        None => say(messages::outcome(word(now))),
    }
    if row.drift {
        say(match row.drift_accepted {
            true => crate::report::messages::drift_accepted(),
            false => crate::report::messages::drifted(),
        });
    }
    for waiver in &row.waivers {
        say(self::waiver(waiver));
    }
    if let Some(beneath) = &row.beneath {
        say(messages::beneath(word(beneath.outcome)));
    }
    match (report.mode, row.before) {
        (Mode::Plan, Some(before)) if before != row.outcome => {
            say(messages::would_be(word(row.outcome)));
        }
        (Mode::Apply, Some(before)) if before != row.outcome => say(messages::was(word(before))),
        _ => {}
    }
    let closed = row.closed.iter().filter(|_| report.mode == Mode::Plan);
    let closed = closed.map(|closed| &closed.evidence);
    let gaps = row.gaps.iter().map(|gap| &gap.evidence);
    let beneath = row
        .beneath
        .iter()
        .flat_map(|beneath| beneath.gaps.iter().map(|gap| &gap.evidence).chain(&beneath.evidence));
    let seen = closed.chain(gaps).chain(&row.evidence).chain(beneath);
    let seen: Vec<String> = seen.map(|evidence| text::evidence(evidence, lang)).collect();
    let reason = row.reason.iter().map(|why| text::line_of(&why.text(lang)));
    out.extend(seen);
    out.extend(reason);
    out
}

/// A waiver in a sentence.
pub(super) fn waiver(waiver: &WaiverReport) -> Message {
    let WaiverReport { until, by, ticket, reason, .. } = waiver;
    let said = match ticket {
        Some(ticket) => words::waiver_ticket(until, by, ticket, reason),
        None => words::waiver(until, by, reason),
    };
    match waiver.state {
        WaiverState::InUse => said,
        WaiverState::Over => words::waiver_over(said),
        WaiverState::NotNeeded => words::waiver_not_needed(said),
    }
}

/// What the row asks for, and where that comes from.
pub(super) fn description(row: &RuleReport, lang: Lang) -> Vec<String> {
    let mut out: Vec<String> = row.wants.iter().map(|want| want.want.trim().to_owned()).collect();
    let mut more = |text: &str| out.push(text.to_owned());
    if let Some(origin) = &row.origin {
        more(origin.get(lang));
    }
    if let Some(reason) = row.decision.as_ref().and_then(|decision| decision.reason.as_ref()) {
        more(reason.get(lang));
    }
    out
}
