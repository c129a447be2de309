//! What a run says of itself on the way, and its verdict as the last lines of the log.

use super::messages;
use crate::check::Outcome;
use crate::message::{Lang, Message, say};
use crate::plan::WaiverState;
use crate::profile::{Profile, Rule};
use crate::report::compare::{self, Change, Comparison, RowChange};
use crate::report::text::{evidence, outcome};
use crate::report::{Mode, Report, RuleReport, TargetRef};

/// So many rows are named at the end; more would push the others out of sight.
const NAMED: usize = 20;
/// So many subjects of a row are named.
const SUBJECTS: usize = 5;
/// A reason may be this long in the log (bytes, in each language): that of a row about accounts can name thousands.
const REASON: usize = 600;

/// The profile was read and the root opened.
pub fn opened(target: &TargetRef, profile: &Profile, rules: &[&Rule]) {
    let hold = rules.iter().filter(|r| r.is_enforced()).count();
    let left = rules.len() - hold;
    say!(
        info, phase = "profile", rows = rules.len(), hold = hold, left_alone = left;
        messages::read_profile(&profile.id, &profile.benchmark.version, hold, left)
    );
    let system = format!("{} {}", target.os, target.version);
    let system = match system.trim() {
        "" => messages::unknown_system(),
        known => Message::value(known),
    };
    let line = match target.live {
        true => messages::root_running(&target.root, system),
        false => messages::root_offline(&target.root, system),
    };
    say!(info, phase = "root", live = target.live; line);
}

/// The end: every row that is not as declared, named with the reason, then the verdict.
///
/// A plan has reported everything else; only what could not be determined is news there.
pub fn ended(report: &Report, strict: bool) {
    let pass = &report.summary.pass;
    let bad = |row: &&RuleReport| match row.outcome {
        _ if !row.disposition.is_enforced() => strict && row.drift && !row.drift_accepted,
        _ if row.waiver_is_over() => true,
        Outcome::Unknown => true,
        Outcome::NotMet => report.mode != Mode::Plan,
        _ => false,
    };
    waivers(report);
    let rows: Vec<(String, Outcome, Message)> = match &report.comparison {
        Some(comparison) => worse(comparison),
        None => {
            let said = |row: &RuleReport| (row.id.to_string(), row.outcome, named(row));
            report.rules.iter().filter(bad).map(said).collect()
        }
    };
    for (id, outcome, line) in rows.iter().take(NAMED) {
        say!(error, phase = "end", row = id.as_str(), outcome = outcome.word(); line.clone());
    }
    if rows.len() > NAMED {
        say!(error, phase = "end"; messages::more_rows(rows.len() - NAMED));
    }
    let hold = pass.met + pass.met_vacuously;
    let changed = report.summary.changed_files;
    let mut counts = vec![messages::rows_hold(hold, pass.total)];
    let drifted = report.summary.left_alone.drifted;
    let parts = [
        (pass.not_met, messages::rows_open(pass.not_met)),
        (pass.unknown, messages::rows_unknown(pass.unknown)),
        (pass.manual, messages::rows_manual(pass.manual)),
        (pass.waived, messages::rows_waived(pass.waived)),
        (drifted, messages::rows_drifted(drifted)),
    ];
    counts.extend(parts.into_iter().filter(|(count, _)| *count > 0).map(|(_, part)| part));
    match report.mode {
        Mode::Audit => {}
        Mode::Plan => counts.push(messages::after_planned(changed)),
        Mode::Apply => counts.push(messages::changed(changed)),
    }
    let (total, good) = (pass.total, rows.is_empty());
    if good {
        say!(
            info, phase = "end", hold = hold, rows = total, changed = changed;
            messages::done(counts)
        );
    } else {
        say!(
            error, phase = "end", hold = hold, rows = total, changed = changed;
            messages::not_as_declared(counts)
        );
    }
}

/// What of the site's waivers needs somebody's attention although it fails no run.
fn waivers(report: &Report) {
    for row in &report.rules {
        let (id, title) = (&row.id, Message::from(&row.title));
        if row.beneath.as_ref().is_some_and(|beneath| beneath.outcome == Outcome::Unknown) {
            let beneath = row.beneath.as_ref().and_then(|beneath| beneath.reason.clone());
            let why = beneath.unwrap_or_else(|| Message::value(""));
            say!(warn, messages::unknown_beneath(id, title.clone(), shortened(why)));
        }
        for waiver in row.waivers.iter().filter(|waiver| waiver.state == WaiverState::InUse) {
            let Some(days) = waiver.ends_in else { continue };
            let (until, place) = (&waiver.until, waiver.place.to_string());
            say!(warn, messages::waiver_ends(id, title.clone(), until, days, &waiver.by, place));
        }
    }
}

/// Says what a saved report has that is worse than the baseline.
pub fn compared(report: &Report) {
    for (id, outcome, line) in report.comparison.iter().flat_map(worse).take(NAMED) {
        say!(error, phase = "end", row = id.as_str(), outcome = outcome.word(); line);
    }
}

/// What a gate stops a run for, the regressions first. What the comparison cannot tell is a warning.
fn worse(comparison: &Comparison) -> Vec<(String, Outcome, Message)> {
    for note in &comparison.notes {
        say!(warn, note.clone());
    }
    let line = |row: &RowChange| {
        let title = row.title.as_ref().map_or_else(|| Message::value(""), Message::from);
        let what = |lang| compare::text::what(row, lang, SUBJECTS);
        let what = Message::both("report.change", what(Lang::En), what(Lang::Ja));
        let line = match row.change {
            Change::Unknown => messages::row_not_told(&row.id, title, what),
            _ => messages::row_worse(&row.id, title, what),
        };
        (row.id.to_string(), row.is.unwrap_or(Outcome::Unknown), line)
    };
    [Change::Worse, Change::Unknown].into_iter().flat_map(|c| comparison.of(c)).map(line).collect()
}

/// A row on one line: id, outcome, title, and the reason or the first thing found.
fn named(row: &RuleReport) -> Message {
    let outcome = match row.drift {
        true => messages::row_drifted(),
        false => outcome(row.outcome),
    };
    let gaps = row.gaps.iter().map(|gap| &gap.evidence);
    let first = || {
        let first = gaps.chain(&row.evidence).next()?;
        let (en, ja) = (evidence(first, Lang::En), evidence(first, Lang::Ja));
        Some(Message::both("report.evidence", en, ja))
    };
    let why = row.reason.clone().or_else(first).unwrap_or_else(|| Message::value(""));
    messages::row(&row.id, outcome, Message::from(&row.title), shortened(why))
}

/// A reason as far as it fits, in whole parts if there are any.
fn shortened(why: Message) -> Message {
    let (en, ja) = (why.text(Lang::En), why.text(Lang::Ja));
    if en.len() <= REASON && ja.len() <= REASON {
        return why;
    }
    let cut = |text: &str, between: &str| {
        let fits = (0..=REASON).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
        let start = text.get(..fits).unwrap_or(text);
        start[..start.rfind(between).unwrap_or(start.len())].to_owned()
    };
    let start = Message::both("report.reason", cut(&en, "; "), cut(&ja, "。"));
    messages::rest_of_reason(start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_in_the_log_is_not_endless() {
        let short = Message::value("/home/a is not made: it is a link; /home/b is not made");
        assert_eq!(shortened(short.clone()), short);
        let many: Vec<Message> =
            (0..100_000).map(|n| messages::no_partition(format!("/home/u{n}"))).collect();
        let said = shortened(messages::done(many));
        for (lang, between, end) in [
            (Lang::En, "; ", " ... and more; the report has all of it"),
            (Lang::Ja, "。", " … (以下略。全文はレポートに記載)"),
        ] {
            let said = said.text(lang);
            assert!(said.len() < 700 && said.contains("/home/u1"), "{said}");
            let parts: Vec<&str> = said.strip_suffix(end).expect(&said).split(between).collect();
            let whole = messages::no_partition("/home/u5").text(lang);
            assert_eq!(parts[5], whole, "{said}");
            assert!(parts.last().expect("a part").len() >= whole.len(), "whole: {said}");
        }
        let one = shortened(Message::value("\u{5408}\u{683c}".repeat(10_000))).to_string();
        assert!(one.starts_with('\u{5408}') && one.len() < 700, "cut between characters: {one}");
    }
}
