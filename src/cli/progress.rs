//! What a run says of itself on the way, and its verdict as the last lines of the log.

use crate::check::Outcome;
use crate::message::Lang;
use crate::profile::{Profile, Rule};
use crate::report::text::{evidence, outcome_word};
use crate::report::{Mode, Report, RuleReport, TargetRef};

/// So many rows are named at the end; more would push the others out of sight.
const NAMED: usize = 20;
/// A reason may be this long in the log (bytes): that of a row about accounts can name thousands.
const REASON: usize = 600;

/// The profile was read and the root opened.
pub fn opened(target: &TargetRef, profile: &Profile, rules: &[&Rule]) {
    let hold = rules.iter().filter(|r| r.is_enforced()).count();
    let left = rules.len() - hold;
    log::info!(
        phase = "profile", rows = rules.len(), hold = hold, left_alone = left;
        "profile {} {}: {hold} rows are to hold, {left} are left alone",
        profile.id, profile.benchmark.version
    );
    let state = if target.live { "the running system" } else { "not running" };
    let os = if target.os.is_empty() { "unknown" } else { &target.os };
    log::info!(
        phase = "root", live = target.live;
        "root {}: {os} {}, {state}", target.root, target.version
    );
}

/// The end: every row that is not as declared, named with the reason, then the verdict.
///
/// A plan has reported everything else; only what could not be determined is news there.
pub fn ended(report: &Report, strict: bool) {
    let pass = &report.summary.pass;
    let bad = |row: &&RuleReport| match row.outcome {
        _ if !row.disposition.is_enforced() => strict && row.drift,
        Outcome::Unknown => true,
        Outcome::NotMet => report.mode != Mode::Plan,
        _ => false,
    };
    let rows: Vec<&RuleReport> = report.rules.iter().filter(bad).collect();
    for row in rows.iter().take(NAMED) {
        let id = row.id.to_string();
        log::error!(phase = "end", row = id, outcome = row.outcome.word(); "{}", named(row));
    }
    if rows.len() > NAMED {
        log::error!(phase = "end"; "and {} rows more; the report names them", rows.len() - NAMED);
    }
    let hold = pass.met + pass.met_vacuously;
    let mut told = format!("{hold} of {} rows hold", pass.total);
    let parts = [
        (pass.not_met, "do not"),
        (pass.unknown, "could not be told"),
        (pass.manual, "need a person"),
        (pass.waived, "are waived"),
        (report.summary.left_alone.drifted, "that are left alone have drifted"),
    ];
    for (count, word) in parts.into_iter().filter(|(count, _)| *count > 0) {
        told.push_str(&format!(", {count} {word}"));
    }
    let changed = report.summary.changed_files;
    match report.mode {
        Mode::Audit => {}
        Mode::Plan => told.push_str(&format!(", after {changed} changes that are only planned")),
        Mode::Apply => told.push_str(&format!(", {changed} paths changed")),
    }
    if rows.is_empty() {
        log::info!(phase = "end", hold = hold, rows = pass.total, changed = changed; "done: {told}");
    } else {
        log::error!(
            phase = "end", hold = hold, rows = pass.total, changed = changed;
            "not as declared: {told}"
        );
    }
}

/// A row on one line: id, outcome, title, and the reason or the first thing found.
fn named(row: &RuleReport) -> String {
    let outcome = match row.drift {
        true => "drifted",
        false => outcome_word(row.outcome, Lang::En),
    };
    let gaps = row.gaps.iter().map(|gap| &gap.evidence);
    let first = || gaps.chain(&row.evidence).next().map(|e| evidence(e, Lang::En));
    let why = row.reason.as_ref().map(|r| r.text(Lang::En)).or_else(first).unwrap_or_default();
    format!("{} {outcome}: {}: {}", row.id, row.title.get(Lang::En), shortened(why))
}

/// A reason as far as it fits, in whole parts if there are any.
fn shortened(mut why: String) -> String {
    if why.len() <= REASON {
        return why;
    }
    let fits = (0..=REASON).rev().find(|at| why.is_char_boundary(*at)).unwrap_or_default();
    let parts = why[..fits].rfind("; ");
    why.truncate(parts.unwrap_or(fits));
    why.push_str(" ... and more; the report has all of it");
    why
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_in_the_log_is_not_endless() {
        let short = "/home/a is not made: it is a link; /home/b is not made".to_owned();
        assert_eq!(shortened(short.clone()), short);
        let many = (0..100_000).map(|n| format!("/home/u{n}")).collect::<Vec<_>>().join("; ");
        let told = shortened(many);
        assert!(told.len() < 700, "{told}");
        assert!(told.starts_with("/home/u0; /home/u1; "), "{told}");
        let last = told.strip_suffix(" ... and more; the report has all of it").expect(&told);
        let last = last.rsplit("; ").next().expect("a part");
        assert!(last.starts_with("/home/u") && last.len() >= "/home/u50".len(), "whole: {last}");
        let one = shortened("\u{5408}\u{683c}".repeat(10_000));
        assert!(one.starts_with('\u{5408}') && one.len() < 700, "cut between characters: {one}");
    }
}
