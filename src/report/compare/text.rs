//! A comparison as text.

use std::fmt::Write;

use super::{Change, Comparison, RowChange};
use crate::check::Subject;
use crate::message::{Lang, Message};
use crate::report::messages;
use crate::report::text::{Style, line_of, outcome, paint};

/// So many subjects of a row are named without `all`.
const NAMED: usize = 5;

/// What became of a row, in a word.
pub(crate) fn word(change: Change) -> Message {
    match change {
        Change::Worse => messages::worse(),
        Change::Unknown => messages::not_told_any_more(),
        Change::Better => messages::better(),
        Change::Waived => messages::waived(),
        Change::MetVacuously => messages::met_vacuously(),
        Change::Manual => messages::manual(),
        Change::NotMeasured => messages::not_measured(),
        Change::New => messages::new_row(),
        Change::Gone => messages::gone(),
    }
}

/// What a row was and is, with the subjects that make the difference.
pub(crate) fn what(row: &RowChange, lang: Lang, most: usize) -> String {
    let mut parts = Vec::new();
    match (row.was, row.is) {
        (Some(was), Some(is)) if was != is => {
            parts.push(format!("{} → {}", outcome(was).text(lang), outcome(is).text(lang)));
        }
        (Some(known), None) | (None, Some(known)) => parts.push(outcome(known).text(lang)),
        _ => {}
    }
    if row.drifted {
        parts.push(messages::drifted().text(lang));
    }
    for (sign, subjects) in [('+', &row.more), ('-', &row.fewer)] {
        parts.extend(subjects.iter().take(most).map(|subject| format!("{sign}{}", name(subject))));
        if let Some(left) = subjects.len().checked_sub(most).filter(|left| *left > 0) {
            parts.push(format!("{sign}{}", messages::and_more(left).text(lang)));
        }
    }
    if row.more_unlisted > 0 {
        parts.push(messages::more_fail(row.more_unlisted).text(lang));
    }
    parts.join(", ")
}

fn name(subject: &Subject) -> String {
    line_of(&subject.to_string())
}

/// The comparison, the worst first.
pub fn render(comparison: &Comparison, style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}", summary(comparison).text(lang));
    for note in &comparison.notes {
        let _ = writeln!(out, "  {}", line_of(&note.text(lang)));
    }
    let most = if style.all { usize::MAX } else { NAMED };
    for change in Change::ALL {
        let colour = match change {
            Change::Worse => "31",
            Change::Unknown => "35",
            Change::Better => "32",
            _ => "33",
        };
        for row in comparison.of(change) {
            let title = row.title.as_ref().map_or("", |title| title.get(lang));
            let word = paint(&word(change).text(lang), colour, style.colour);
            let line = format!("  {word}  {:<10} {title}", row.id.to_string());
            let _ = writeln!(out, "{}: {}", line.trim_end(), what(row, lang, most));
        }
    }
    out
}

/// The counts in a sentence.
pub(crate) fn summary(comparison: &Comparison) -> Message {
    let count = |change| comparison.of(change).count();
    let (worse, unknown) = (count(Change::Worse), count(Change::Unknown));
    let better = count(Change::Better);
    let other = comparison.rows.len() - worse - unknown - better;
    messages::compared(worse, unknown, better, other, comparison.held)
}
