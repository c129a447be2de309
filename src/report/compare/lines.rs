//! A state as lines, a row each: `pass: 1.1.1.1 [L1] title`, as CIS-CAT's text report has them and
//! image builds keep them in their repositories to compare with.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::baseline::Known;
use crate::check::Outcome;
use crate::message::{Lang, Message};
use crate::profile::RuleId;
use crate::report::{ProfileRef, Report, messages};
use crate::rootfs::escape;

/// What stands behind a title where a word alone would say too much or too little.
const VACUOUS: &str = " (vacuous)";
const UNKNOWN: &str = " (unknown)";
const UNMEASURED: &str = " (unmeasured)";
const WAIVED: &str = " (waived: ";

/// The rows of a report as lines, below the name of the benchmark.
pub(crate) fn write(report: &Report, lang: Lang) -> String {
    let ProfileRef { benchmark, version, .. } = &report.profile;
    let mut out = format!("{benchmark} Benchmark v{version}\n\n");
    for row in &report.rules {
        let (word, behind) = match row.outcome {
            Outcome::Met => ("pass", String::new()),
            Outcome::MetVacuously => ("pass", VACUOUS.to_owned()),
            Outcome::NotMet => ("fail", String::new()),
            Outcome::Manual => ("manual", String::new()),
            Outcome::Unknown => ("manual", UNKNOWN.to_owned()),
            Outcome::Unmeasured => ("manual", UNMEASURED.to_owned()),
            Outcome::Waived => {
                let why = row.waivers.first().map(|waiver| waiver.reason.text(lang));
                let why = why.unwrap_or_default();
                ("fail", format!("{WAIVED}{})", escape(why.as_bytes())))
            }
        };
        let title = escape(row.title.get(lang).as_bytes());
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{word}: {} [L{}] {title}{behind}", row.id, row.level);
    }
    out
}

/// The rows of lines.
///
/// # Errors
/// What is wrong with a line; a benchmark that is not that of `profile`; no row at all.
pub(super) fn read(text: &str, profile: &ProfileRef) -> Result<BTreeMap<RuleId, Known>, Message> {
    let mut rows: BTreeMap<RuleId, Known> = BTreeMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (at, line) in text.lines().enumerate() {
        let (number, line) = (at + 1, line.trim());
        if line.is_empty() {
            continue;
        }
        let Some((id, outcome)) = row(line) else {
            if rows.is_empty() {
                head(line, at == 0, profile)?;
                continue;
            }
            return Err(messages::not_a_row(number, shown(line)));
        };
        let known = Known { outcome, drift: None, failing: None };
        if rows.insert(id.clone(), known).is_some() {
            return Err(messages::row_twice(number, &id));
        }
    }
    if rows.is_empty() { Err(messages::no_rows()) } else { Ok(rows) }
}

/// A line of a row: its id and outcome.
fn row(line: &str) -> Option<(RuleId, Outcome)> {
    let (word, rest) = line.split_once(':')?;
    let rest = rest.trim();
    let id = rest.split_whitespace().next()?.parse().ok()?;
    let outcome = match word.trim() {
        "pass" if rest.ends_with(VACUOUS) => Outcome::MetVacuously,
        "pass" => Outcome::Met,
        "fail" if rest.ends_with(')') && rest.contains(WAIVED) => Outcome::Waived,
        "fail" => Outcome::NotMet,
        "manual" if rest.ends_with(UNKNOWN) => Outcome::Unknown,
        "manual" if rest.ends_with(UNMEASURED) => Outcome::Unmeasured,
        "manual" => Outcome::Manual,
        _ => return None,
    };
    Some((id, outcome))
}

/// A line before the rows. The first may name the benchmark; then it must be that of the profile.
fn head(line: &str, first: bool, profile: &ProfileRef) -> Result<(), Message> {
    const WORD: &str = "benchmark";
    let lower = line.to_lowercase();
    let Some(at) = lower.find(WORD).filter(|_| first) else { return Ok(()) };
    let want = || format!("{} Benchmark v{}", profile.benchmark, profile.version);
    let another = || messages::baseline_of_another_benchmark(shown(line), want());
    // Lower case can have another length outside of ASCII.
    let (Some(name), Some(behind)) = (lower.get(..at), lower.get(at + WORD.len()..)) else {
        return Err(another());
    };
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    if words(name) != words(&profile.benchmark) {
        return Err(another());
    }
    let edition = behind.split_whitespace().find_map(edition);
    match edition {
        Some(edition) if edition != profile.version => Err(another()),
        _ => Ok(()),
    }
}

/// The number in `v2.1.0`, `2.1.0` or `(v2.1.0)`.
fn edition(word: &str) -> Option<&str> {
    let number = word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).trim_start_matches('v');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    (number.contains('.') && number.split('.').all(is_number)).then_some(number)
}

/// As much of a line as a message shows.
fn shown(line: &str) -> String {
    escape(crate::error::cut(line, 200).as_bytes())
}
