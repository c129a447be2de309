//! A report as text, in English or Japanese. Ids, paths and keys are not translated.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::apply::packages::Action;

use super::{Mode, PassCounts, Report, RuleReport, summarize};
use crate::check::{Evidence, Outcome};
use crate::message::{Lang, Message};
use crate::profile::{Part, Profile, Rule};

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

/// Words that are not data, in both languages.
struct Words {
    chapter: &'static str,
    total: &'static str,
    columns: [&'static str; 7],
    left: &'static str,
    drifted: &'static str,
    want: &'static str,
    found: &'static str,
    nothing_found: &'static str,
    why: &'static str,
    origin: &'static str,
    changed: [&'static str; 3],
    unchanged: [&'static str; 3],
    compliant: &'static str,
    packages: &'static str,
    package_actions: [&'static str; 6],
}

const EN: Words = Words {
    chapter: "chapter",
    total: "all",
    columns: ["rows", "met", "vacuous", "not met", "manual", "unknown", "waived"],
    left: "left alone",
    drifted: "drifted",
    want: "want",
    found: "found",
    nothing_found: "nothing",
    why: "why",
    origin: "origin",
    changed: ["", "path(s) would change", "path(s) changed"],
    unchanged: ["", "nothing would change", "nothing changed"],
    compliant: "as declared",
    packages: "packages",
    package_actions: ["purged", "removed", "installed", "upgraded", "configured", "unfinished"],
};

const JA: Words = Words {
    chapter: "章",
    total: "合計",
    columns: ["行", "適合", "対象なし", "不適合", "要確認", "不明", "免除"],
    left: "対象外",
    drifted: "相違",
    want: "期待値",
    found: "検出値",
    nothing_found: "なし",
    why: "理由",
    origin: "由来",
    changed: ["", "件のパスを変更する予定", "件のパスを変更した"],
    unchanged: ["", "変更の予定なし", "変更なし"],
    compliant: "宣言どおり",
    packages: "パッケージ",
    package_actions: ["完全削除", "削除", "導入", "更新", "設定完了", "未完了"],
};

fn words(lang: Lang) -> &'static Words {
    match lang {
        Lang::En => &EN,
        Lang::Ja => &JA,
    }
}

/// The outcome as a word for people.
pub fn outcome_word(outcome: Outcome, lang: Lang) -> &'static str {
    match (outcome, lang) {
        (Outcome::Met, Lang::Ja) => "適合",
        (Outcome::MetVacuously, Lang::Ja) => "適合 (対象なし)",
        (Outcome::NotMet, Lang::Ja) => "不適合",
        (Outcome::Manual, Lang::Ja) => "要確認",
        (Outcome::Unknown, Lang::Ja) => "不明",
        (Outcome::Waived, Lang::Ja) => "免除",
        (Outcome::Unmeasured, Lang::Ja) => "未測定",
        (Outcome::MetVacuously, Lang::En) => "met, vacuously",
        (Outcome::NotMet, Lang::En) => "not met",
        (other, Lang::En) => other.word(),
    }
}

/// The rows alone.
pub fn rows(report: &Report, style: Style) -> String {
    let mut out = String::new();
    for row in &report.rules {
        if style.all || needs_attention(row) || row.changed {
            rule(&mut out, row, style);
        }
    }
    out
}

/// The whole report: the rows that need attention, then one screen of counts by chapter.
pub fn render(report: &Report, style: Style) -> String {
    let mut out = rows(report, style);
    if !out.is_empty() {
        out.push('\n');
    }
    packages(&mut out, report, style.lang);
    counts(&mut out, report, style);
    out
}

/// What became of the packages, one line per kind of change.
fn packages(out: &mut String, report: &Report, lang: Lang) {
    use Action::{Configured, Installed, Purged, Removed, Unfinished, Upgraded};
    let w = words(lang);
    let kinds = [Purged, Removed, Installed, Upgraded, Configured, Unfinished];
    let start = out.len();
    for (action, word) in kinds.into_iter().zip(w.package_actions) {
        let of_kind = report.changes.iter().filter_map(|c| c.package.as_ref());
        let names: Vec<String> = of_kind
            .filter(|p| p.action == action)
            .map(|p| {
                let version = p.to.as_ref().or(p.from.as_ref());
                version.map_or(p.name.clone(), |v| format!("{} {v}", p.name))
            })
            .collect();
        if !names.is_empty() {
            let _ = writeln!(out, "{}: {word}: {}", w.packages, names.join(", "));
        }
    }
    if let Some(said) = &report.packages {
        for note in said.notes.iter().chain(&said.failure) {
            let _ = writeln!(out, "{}: {note}", w.packages);
        }
    }
    if out.len() > start {
        out.push('\n');
    }
}

fn needs_attention(row: &RuleReport) -> bool {
    row.drift
        || (row.disposition.is_enforced()
            && matches!(row.outcome, Outcome::NotMet | Outcome::Unknown | Outcome::Manual))
}

fn rule(out: &mut String, row: &RuleReport, style: Style) {
    let w = words(style.lang);
    let word = outcome_word(row.outcome, style.lang);
    let word = match row.before.filter(|b| *b != row.outcome) {
        Some(before) => format!("{} → {word}", outcome_word(before, style.lang)),
        None => word.to_owned(),
    };
    let word = paint(&word, colour_of(row), style.colour);
    let drift = if row.drift { format!(" ({})", w.drifted) } else { String::new() };
    // Writing to a String cannot fail.
    let _ = writeln!(
        out,
        "{:<10} {} {word}{drift}  {}",
        row.id.to_string(),
        pad(row.status_words.as_ref().map_or(row.status.as_str(), |w| w.get(style.lang)), 8),
        row.title.get(style.lang),
    );
    if style.all || needs_attention(row) {
        let gaps = row.gaps.iter().map(|gap| &gap.evidence);
        for evidence in gaps.chain(&row.evidence) {
            let _ = writeln!(out, "           {}", self::evidence(evidence, style.lang));
        }
        if let Some(reason) = &row.reason {
            let _ = writeln!(out, "           {}: {}", w.why, line_of(&reason.text(style.lang)));
        }
    }
}

/// One observation on one line.
pub fn evidence(e: &Evidence, lang: Lang) -> String {
    let w = words(lang);
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
            parts.push(format!("{} {found}, {} {want}", w.found, w.want));
        }
        (Some(found), None) => parts.push(found),
        (None, Some(want)) => {
            parts.push(format!("{} {}, {} {want}", w.found, w.nothing_found, w.want));
        }
        (None, None) => {}
    }
    parts.extend(e.note.as_ref().map(line));
    out.push_str(&parts.join("; "));
    out
}

/// Control characters of a hostile file must not reach the terminal.
fn line_of(text: &str) -> String {
    let shown = crate::rootfs::escape(text.as_bytes());
    match shown.char_indices().nth(300) {
        Some((cut, _)) => format!("{}…", &shown[..cut]),
        None => shown,
    }
}

fn counts(out: &mut String, report: &Report, style: Style) {
    let w = words(style.lang);
    let mut chapters: BTreeMap<&Part, Vec<&RuleReport>> = BTreeMap::new();
    for row in &report.rules {
        chapters.entry(row.id.chapter()).or_default().push(row);
    }
    let mut head = pad(w.chapter, 32);
    for column in w.columns {
        head.push_str(&pad_left(column, 10));
    }
    let _ = writeln!(out, "{head}{}", pad_left(&format!("{} ({})", w.left, w.drifted), 24));
    let mut line = |name: &str, rows: &[&RuleReport]| {
        let sum = summarize(rows.iter().copied());
        let mut text = pad(name, 32);
        for n in columns(&sum.pass) {
            text.push_str(&format!("{n:>10}"));
        }
        let left = format!("{} ({})", sum.left_alone.total, sum.left_alone.drifted);
        let _ = writeln!(out, "{text}{left:>24}");
    };
    for (chapter, rows) in &chapters {
        let title = report.chapters.get(chapter).map_or("", |title| title.get(style.lang));
        line(format!("{chapter} {title}").trim_end(), rows);
    }
    let all: Vec<&RuleReport> = report.rules.iter().collect();
    line(w.total, &all);
    let mode = match report.mode {
        Mode::Audit => 0,
        Mode::Plan => 1,
        Mode::Apply => 2,
    };
    let n = report.summary.changed_files;
    if mode > 0 {
        let _ = match n {
            0 => writeln!(out, "{}", w.unchanged[mode]),
            n => writeln!(out, "{n} {}", w.changed[mode]),
        };
    } else if report.exit_status(false) == 0 {
        let _ = writeln!(out, "{}", w.compliant);
    }
}

fn columns(pass: &PassCounts) -> [usize; 7] {
    [pass.total, pass.met, pass.met_vacuously, pass.not_met, pass.manual, pass.unknown, pass.waived]
}

/// The table of a profile, one row a line.
pub fn list(rules: &[&Rule], style: Style) -> String {
    let mut out = String::new();
    for rule in rules {
        let reason = rule.reason.as_ref();
        let reason = reason.map(|r| format!("  [{}]", r.word(style.lang))).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:<10} {} L{}  {}{reason}",
            rule.id.to_string(),
            pad(rule.status.word(style.lang), 14),
            rule.level,
            rule.title.get(style.lang),
        );
    }
    out
}

/// What a rule means: the head of `explain`.
pub fn explain(profile: &Profile, rule: &Rule, wants: &[String], style: Style) -> String {
    let mut out = String::new();
    let lang = style.lang;
    let _ = writeln!(out, "{}  {}", rule.id, rule.title.get(lang));
    let status = rule.status.word(lang);
    let reason = rule.reason.as_ref().map(|r| format!(" ({})", r.word(lang))).unwrap_or_default();
    let _ = writeln!(
        out,
        "{} {}, L{}: {status}{reason}",
        profile.benchmark.name, profile.benchmark.version, rule.level
    );
    let _ = writeln!(out, "\n{}", rule.rationale.get(lang));
    if let crate::profile::Disposition::LeaveAlone { note: Some(note), .. } = &rule.disposition {
        let _ = writeln!(out, "{}", note.get(lang));
    }
    if !wants.is_empty() {
        let _ = writeln!(out, "\n{}:", words(lang).want);
        for want in wants {
            let _ = writeln!(out, "  {want}");
        }
    }
    if let Some(origin) = &rule.origin {
        let _ = writeln!(out, "\n{}:\n  {}", words(lang).origin, origin.get(lang));
    }
    let _ = writeln!(out, "\n{}", profile.source);
    out
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

fn paint(text: &str, code: &str, on: bool) -> String {
    if on { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// Cells a text takes on a terminal: CJK characters take two.
fn width(text: &str) -> usize {
    text.chars().map(|c| if c >= '\u{1100}' && c != '→' { 2 } else { 1 }).sum()
}

fn pad(text: &str, cells: usize) -> String {
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
        assert_eq!(evidence(&e, Lang::Ja), "/etc/x: 検出値 なし, 期待値 c");
    }

    #[test]
    fn columns_line_up_in_both_scripts() {
        assert_eq!(width(&pad("初期", 10)), 10);
        assert_eq!(width(&pad_left("met", 10)), 10);
    }
}
