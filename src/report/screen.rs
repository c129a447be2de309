//! A plan on one screen: what it ends, then what was found and what will be, row by row, then the
//! diff and the counts.

use std::fmt::Write;

use super::text::{Style, consequences, evidence, is_shown, line_of, paint};
use super::{Area, ClosedGap, Report, RuleReport, messages, text};
use crate::message::Message;

/// So many rows of an area are shown without `all`.
const SHOWN: usize = 12;

/// So many observations of a row that stays open are shown without `all`.
const SEEN: usize = 1;

/// The whole plan as text.
pub fn render(report: &Report, style: Style) -> String {
    let mut out = consequences(report, style);
    for area in Area::ALL {
        let of_area = |row: &&RuleReport| row.area == area && row.changed;
        let rows: Vec<&RuleReport> = report.rules.iter().filter(of_area).collect();
        if rows.is_empty() {
            continue;
        }
        let head = messages::area_rows(name(area), rows.len()).text(style.lang);
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{head}");
        let most = if style.all { rows.len() } else { SHOWN };
        for row in rows.iter().take(most) {
            changed_row(&mut out, row, style);
        }
        if rows.len() > most {
            let more = messages::more_rows(rows.len() - most).text(style.lang);
            let _ = writeln!(out, "  {more}");
        }
        out.push('\n');
    }
    let mut open = false;
    for row in report.rules.iter().filter(|row| is_shown(row)) {
        text::rule(&mut out, row, style, if style.all { usize::MAX } else { SEEN });
        open = true;
    }
    if open {
        out.push('\n');
    }
    for change in &report.changes {
        out.push_str(change.diff.as_deref().unwrap_or_default());
    }
    if !report.changes.is_empty() {
        out.push('\n');
    }
    text::summary(&mut out, report, style);
    out
}

fn name(area: Area) -> Message {
    match area {
        Area::Logins => messages::logins(),
        Area::Homes => messages::homes(),
        Area::Mail => messages::mail(),
        Area::Services => messages::services(),
        Area::Files => messages::files(),
    }
}

/// A row: what was found, and what will be.
fn changed_row(out: &mut String, row: &RuleReport, style: Style) {
    let id = row.id.to_string();
    let title = row.title.get(style.lang);
    let more = row.closed.len().saturating_sub(1) + row.more_closed;
    match row.closed.split_first() {
        // One reason is enough for one line.
        Some((first, _)) if !style.all => {
            let mut line = format!("  {id:<10} {title}: {}", found_and_will_be(first, style));
            if more > 0 {
                let _ = write!(line, " {}", messages::and_more(more).text(style.lang));
            }
            let _ = writeln!(out, "{line}");
        }
        Some(_) => {
            let _ = writeln!(out, "  {id:<10} {title}");
            for gap in &row.closed {
                let _ = writeln!(out, "             {}", evidence(&gap.evidence, style.lang));
            }
            if row.more_closed > 0 {
                let more = messages::and_more(row.more_closed).text(style.lang);
                let _ = writeln!(out, "             {more}");
            }
        }
        None => {
            let _ = writeln!(out, "  {id:<10} {title}");
        }
    }
}

/// `found → will be`, with the place.
fn found_and_will_be(gap: &ClosedGap, style: Style) -> String {
    let text = |message: &Message| line_of(&message.text(style.lang));
    let found = gap.evidence.found.as_ref().map(text);
    let found = found.unwrap_or_else(|| messages::nothing().text(style.lang));
    let want = gap.after.as_ref().or(gap.evidence.want.as_ref()).map(text).unwrap_or_default();
    let place = match (&gap.evidence.path, gap.evidence.line) {
        (Some(path), Some(line)) => format!(" ({path}:{line})"),
        (Some(path), None) => format!(" ({path})"),
        (None, _) => String::new(),
    };
    format!("{} → {}{place}", paint(&found, "31", style.colour), paint(&want, "32", style.colour))
}
