//! A report as text, in English or Japanese. Ids, paths and keys are not translated.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::{Mode, PassCounts, Report, RuleReport, compare, messages, summarize};
use crate::apply::packages::Action;
use crate::check::{Evidence, Outcome};
use crate::consequences::Effect;
use crate::message::{Arg, Lang, Message};

/// How to render.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// The language.
    pub lang: Lang,
    /// ANSI colours.
    pub colour: bool,
    /// Every row, not only those that need attention.
    pub all: bool,
}

/// The outcome in words.
pub(crate) fn outcome(outcome: Outcome) -> Message {
    match outcome {
        Outcome::Met => messages::met(),
        Outcome::MetVacuously => messages::met_vacuously(),
        Outcome::NotMet => messages::not_met(),
        Outcome::Manual => messages::manual(),
        Outcome::Unknown => messages::unknown(),
        Outcome::Waived => messages::waived(),
        Outcome::Unmeasured => messages::unmeasured(),
    }
}

/// The rows alone.
pub(crate) fn rows(report: &Report, style: Style) -> String {
    let mut out = String::new();
    for row in &report.rules {
        if style.all || is_shown(row) || row.changed {
            rule(&mut out, row, style, usize::MAX);
        }
    }
    out
}

/// What the changes end, one line each, the worst first.
pub(crate) fn consequences(report: &Report, style: Style) -> String {
    let mut out = String::new();
    if report.consequences.is_empty() {
        return out;
    }
    let _ = writeln!(out, "{}:", messages::consequences().text(style.lang));
    for one in &report.consequences {
        let text = line_of(&one.says.text(style.lang));
        let colour = if one.effect == Effect::NotKnown { "33" } else { "31" };
        let _ = writeln!(out, "  {}", paint(&text, colour, style.colour));
    }
    out.push('\n');
    out
}

/// The whole report: what the changes end, the rows that need attention, then one screen of counts
/// by chapter.
pub fn render(report: &Report, style: Style) -> String {
    let mut out = consequences(report, style);
    let rows = rows(report, style);
    if !rows.is_empty() {
        out.push_str(&rows);
        out.push('\n');
    }
    summary(&mut out, report, style);
    out
}

/// What became of the packages, one screen of counts by chapter, and what has changed since a
/// baseline.
pub(super) fn summary(out: &mut String, report: &Report, style: Style) {
    packages(out, report, style.lang);
    counts(out, report, style);
    if let Some(comparison) = &report.comparison {
        out.push('\n');
        out.push_str(&compare::text::render(comparison, style));
    }
}

/// What became of the packages, one line per kind of change.
fn packages(out: &mut String, report: &Report, lang: Lang) {
    let kinds = [
        Action::Purged,
        Action::Removed,
        Action::Installed,
        Action::Upgraded,
        Action::Configured,
        Action::Unfinished,
    ];
    let start = out.len();
    for action in kinds {
        let of_kind = report.changes.iter().filter_map(|c| c.package.as_ref());
        let names: Vec<String> = of_kind
            .filter(|p| p.action == action)
            .map(|p| {
                let version = p.to.as_ref().or(p.from.as_ref());
                version.map_or(p.name.clone(), |v| format!("{} {v}", p.name))
            })
            .collect();
        if names.is_empty() {
            continue;
        }
        let names = Arg::names(names);
        let line = match action {
            Action::Purged => messages::packages_purged(names),
            Action::Removed => messages::packages_removed(names),
            Action::Installed => messages::packages_installed(names),
            Action::Upgraded => messages::packages_upgraded(names),
            Action::Configured => messages::packages_configured(names),
            Action::Unfinished => messages::packages_unfinished(names),
        };
        let _ = writeln!(out, "{}", line.text(lang));
    }
    if let Some(said) = &report.packages {
        for note in said.notes.iter().chain(&said.failure) {
            let _ = writeln!(out, "{}", messages::packages(note).text(lang));
        }
    }
    if out.len() > start {
        out.push('\n');
    }
}

/// Whether a row is printed without `-v`: it is open, or a decision about it stands.
pub(super) fn is_shown(row: &RuleReport) -> bool {
    row.drift
        || (row.disposition.is_enforced()
            && matches!(
                row.outcome,
                Outcome::NotMet | Outcome::Unknown | Outcome::Manual | Outcome::Waived
            ))
}

/// A row; of one that stays open, what was seen, `most` of it, and why.
pub(super) fn rule(out: &mut String, row: &RuleReport, style: Style, most: usize) {
    let in_words = |of| outcome(of).text(style.lang);
    let word = match row.before.filter(|b| *b != row.outcome) {
        Some(before) => format!("{} → {}", in_words(before), in_words(row.outcome)),
        None => in_words(row.outcome),
    };
    let word = match &row.beneath {
        Some(beneath) => messages::beneath(word, outcome(beneath.outcome)).text(style.lang),
        None => word,
    };
    let word = paint(&word, colour_of(row), style.colour);
    let drift = match row.drift {
        true if row.drift_accepted => {
            format!(" ({})", messages::drift_accepted().text(style.lang))
        }
        true => format!(" ({})", messages::drifted().text(style.lang)),
        false => String::new(),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{:<10} {} {word}{drift}  {}",
        row.id.to_string(),
        pad(row.status_words.as_ref().map_or(row.status.as_str(), |w| w.get(style.lang)), 8),
        row.title.get(style.lang),
    );
    if style.all || is_shown(row) {
        let gaps = row.gaps.iter().map(|gap| &gap.evidence);
        let beneath = row.beneath.iter().flat_map(|beneath| {
            beneath.gaps.iter().map(|gap| &gap.evidence).chain(&beneath.evidence)
        });
        let mut seen = gaps.chain(&row.evidence).chain(beneath);
        for evidence in seen.by_ref().take(most) {
            let _ = writeln!(out, "           {}", self::evidence(evidence, style.lang));
        }
        match seen.count() {
            0 => {}
            more => {
                let more = messages::and_more(more).text(style.lang);
                let _ = writeln!(out, "           {more}");
            }
        }
        if let Some(reason) = &row.reason {
            let reason = line_of(&reason.text(style.lang));
            let _ = writeln!(out, "           {}", messages::why(reason).text(style.lang));
        }
    }
}

/// One observation on one line.
pub fn evidence(e: &Evidence, lang: Lang) -> String {
    let mut out = String::new();
    if let Some(path) = &e.path {
        out.push_str(&path.to_string());
        if let Some(line) = e.line {
            let _ = write!(out, ":{line}");
        }
        out.push_str(": ");
    }
    let mut parts = Vec::new();
    let line = |message: &Message| line_of(&message.text(lang));
    match (e.found.as_ref().map(line), e.want.as_ref().map(line)) {
        (Some(found), Some(want)) => {
            parts.push(messages::found_and_want(found, want).text(lang));
        }
        (Some(found), None) => parts.push(found),
        (None, Some(want)) => {
            parts.push(messages::found_and_want(messages::nothing(), want).text(lang));
        }
        (None, None) => {}
    }
    parts.extend(e.note.as_ref().map(line));
    out.push_str(&parts.join(match lang {
        Lang::En => "; ",
        Lang::Ja => "。",
    }));
    out
}

/// Control characters of a hostile file must not reach the terminal.
pub(super) fn line_of(text: &str) -> String {
    let shown = crate::rootfs::escape(text.as_bytes());
    match shown.char_indices().nth(300) {
        Some((cut, _)) => format!("{}…", &shown[..cut]),
        None => shown,
    }
}

fn counts(out: &mut String, report: &Report, style: Style) {
    let lang = style.lang;
    let mut head = pad(&messages::chapter().text(lang), 32);
    let names = [
        messages::rows(),
        messages::met(),
        messages::vacuous(),
        messages::not_met(),
        messages::manual(),
        messages::unknown(),
        messages::waived(),
    ];
    for name in names {
        head.push_str(&pad_left(&name.text(lang), 10));
    }
    let left = messages::left_alone(messages::drifted()).text(lang);
    let _ = writeln!(out, "{head}{}", pad_left(&left, 24));
    let mut line = |name: &str, rows: &[&RuleReport]| {
        let sum = summarize(rows.iter().copied());
        let mut text = pad(name, 32);
        for n in columns(&sum.pass) {
            text.push_str(&format!("{n:>10}"));
        }
        let left = format!("{} ({})", sum.left_alone.total, sum.left_alone.drifted);
        let _ = writeln!(out, "{text}{left:>24}");
    };
    for (chapter, rows) in &report.by_chapter() {
        line(&report.chapter(chapter, lang), rows);
    }
    let all: Vec<&RuleReport> = report.rules.iter().collect();
    line(&messages::all().text(lang), &all);
    let last = match (report.mode, report.summary.changed_files) {
        (Mode::Audit, _) if report.own_status(false) == 0 => messages::as_declared(),
        (Mode::Audit, _) => return,
        (Mode::Plan, 0) => messages::nothing_would_change(),
        (Mode::Plan, paths) => messages::would_change(paths),
        (Mode::Apply, 0) => messages::nothing_changed(),
        (Mode::Apply, paths) => messages::changed(paths),
    };
    let _ = writeln!(out, "{}", last.text(lang));
}

fn columns(pass: &PassCounts) -> [usize; 7] {
    [pass.total, pass.met, pass.met_vacuously, pass.not_met, pass.manual, pass.unknown, pass.waived]
}

fn colour_of(row: &RuleReport) -> &'static str {
    match row.outcome {
        Outcome::NotMet if row.disposition.is_enforced() => "31",
        Outcome::Unknown => "35",
        Outcome::Manual => "33",
        _ if row.drift => "33",
        Outcome::Met | Outcome::MetVacuously => "32",
        _ => "2",
    }
}

pub(super) fn paint(text: &str, code: &str, on: bool) -> String {
    if on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Cells that a text takes on a terminal: most of East Asia's characters take two.
fn width(text: &str) -> usize {
    text.width()
}

pub(super) fn pad(text: &str, cells: usize) -> String {
    format!("{text}{}", " ".repeat(cells.saturating_sub(width(text))))
}

fn pad_left(text: &str, cells: usize) -> String {
    format!("{}{text}", " ".repeat(cells.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_one_line_whatever_the_file_holds() {
        let path = crate::rootfs::ImagePath::parse("/etc/x").unwrap();
        let e = Evidence::at(&path).line(3).found("a\n\x1b[31mb").want("c").note("d");
        assert_eq!(evidence(&e, Lang::En), "/etc/x:3: found a\\x0a\\x1b[31mb, want c; d");
        let e = Evidence::at(&path).want("c");
        assert_eq!(evidence(&e, Lang::Ja), "/etc/x: 検出値 なし、期待値 c");
    }

    #[test]
    fn columns_line_up_in_both_scripts() {
        for (text, cells) in
            [("初期", 4), ("met", 3), ("ｶﾅ", 2), ("が", 2), ("a…→é", 4), ("①〜", 3)]
        {
            assert_eq!(width(text), cells, "{text}");
            assert_eq!(pad(text, 10), format!("{text}{}", " ".repeat(10 - cells)));
            assert_eq!(pad_left(text, 10), format!("{}{text}", " ".repeat(10 - cells)));
        }
    }
}
