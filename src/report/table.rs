//! The table of a profile, and one row of it, without or with what a root holds of it.

use std::fmt::Write;

use serde::Serialize;

use super::text::{Style, line_of, outcome, pad};
use super::{ProfileRef, TargetRef, Tool, messages};
use crate::check::Outcome;
use crate::message::{Arg, Lang, Message};
use crate::profile::{
    Bilingual, Disposition, Profile, RatedBy, ReferenceSource, References, Rule, RuleId, Severity,
};

/// The schema's name and version.
pub const SCHEMA: &str = "gokaku.list/1";

/// Rows of a table as data.
#[derive(Debug, Serialize)]
pub struct Table<'a> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The program that wrote it.
    pub tool: Tool,
    /// The declared table.
    pub profile: ProfileRef,
    /// Where severities and references are from; `null` where the profile does not say.
    pub references: Option<&'a ReferenceSource>,
    /// The root that was audited, if one was.
    pub target: Option<TargetRef>,
    /// The rows, in the order of their ids.
    pub rules: Vec<Row<'a>>,
}

/// One row of a table.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    /// Its id.
    pub id: &'a RuleId,
    /// Our title.
    pub title: &'a Bilingual,
    /// The benchmark's level.
    pub level: u8,
    /// What the table declares, by the profile's key.
    pub status: &'a str,
    /// Whether it is made to hold; otherwise it is left alone.
    pub enforced: bool,
    /// The table's reason or remark, by the profile's key.
    pub reason: Option<&'a str>,
    /// How grave it is that the row does not hold.
    pub severity: Option<Severity>,
    /// Who says so.
    pub rated_by: Option<RatedBy>,
    /// What public catalogues call its subject.
    pub references: &'a References,
    /// Its outcome on the root.
    pub outcome: Option<Outcome>,
}

impl<'a> Table<'a> {
    /// These rows of a profile, each with its outcome if a root was audited.
    pub fn new(
        profile: &'a Profile,
        target: Option<TargetRef>,
        rows: &[(&'a Rule, Option<Outcome>)],
    ) -> Table<'a> {
        let row = |(rule, outcome): &(&'a Rule, Option<Outcome>)| Row {
            id: &rule.id,
            title: &rule.title,
            level: rule.level,
            status: rule.status.key(),
            enforced: rule.is_enforced(),
            reason: rule.reason.as_ref().map(crate::profile::Reason::key),
            severity: rule.severity,
            rated_by: rule.rated_by,
            references: &rule.references,
            outcome: *outcome,
        };
        Table {
            schema: SCHEMA,
            tool: Tool::this(),
            // They stand beside it.
            profile: ProfileRef { references: None, ..ProfileRef::from(profile) },
            references: profile.references.as_ref(),
            target,
            rules: rows.iter().map(row).collect(),
        }
    }
}

/// Rows of a table as text, a line each.
pub fn list(rows: &[(&Rule, Option<Outcome>)], style: Style) -> String {
    let lang = style.lang;
    let mut out = String::new();
    for (rule, found) in rows {
        let reason = rule.reason.as_ref();
        let reason = reason.map(|r| format!("  [{}]", r.word(lang))).unwrap_or_default();
        let severity = rule.severity.map(|s| s.text(lang)).unwrap_or_default();
        let found = found.map(|o| pad(&outcome(o).text(lang), 16)).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{:<10} {} L{} {}  {found}{}{reason}",
            rule.id.to_string(),
            pad(rule.status.word(lang), 14),
            rule.level,
            pad(&severity, 6),
            rule.title.get(lang),
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
    if let Disposition::LeaveAlone { note: Some(note), .. } = &rule.disposition {
        let _ = writeln!(out, "{}", note.get(lang));
    }
    if !wants.is_empty() {
        let _ = writeln!(out, "\n{}:", messages::wanted().text(lang));
        for want in wants {
            let _ = writeln!(out, "  {want}");
        }
    }
    if let Some(origin) = &rule.origin {
        let _ = writeln!(out, "\n{}:\n  {}", messages::origin().text(lang), origin.get(lang));
    }
    let catalogues = catalogues(profile, rule, lang);
    if !catalogues.is_empty() {
        out.push('\n');
    }
    for line in catalogues {
        let _ = writeln!(out, "{}", line.text(lang));
    }
    for waiver in &rule.site.waivers {
        let reason = Message::from(&waiver.reason);
        let said = messages::waiver(waiver.until.to_string(), &waiver.by, reason);
        let place = waiver.place.to_string();
        let of = waiver.subject.as_ref().map(|subject| format!(" [{subject}]"));
        let of = of.unwrap_or_default();
        let _ = writeln!(out, "\n{}{of} ({place})", line_of(&said.text(lang)));
    }
    let source = messages::source_of(Arg::cause(&profile.source));
    let _ = writeln!(out, "\n{}", source.text(lang));
    out
}

/// Severity and references of a row, a line each. Where the profile names their source, what it does
/// not have is said, too.
fn catalogues(profile: &Profile, rule: &Rule, lang: Lang) -> Vec<Message> {
    let mut lines = Vec::new();
    let source = profile.references.as_ref();
    let content = source.map(|s| format!("{} {}", s.content, s.version));
    if let Some(severity) = rule.severity {
        let severity = Message::from(severity);
        lines.push(match (rule.rated_by, content.clone()) {
            (Some(RatedBy::Scap), Some(content)) => messages::rated_by_content(severity, content),
            (Some(RatedBy::Own), Some(content)) if rule.references.scap.is_empty() => {
                messages::rated_without_content(severity, content)
            }
            (Some(RatedBy::Own), Some(content)) => messages::rated_anew(severity, content),
            _ => messages::rated(severity),
        });
    }
    let References { scap, nist, cis_controls } = &rule.references;
    let (nist_name, cis_name) = match source {
        Some(source) => (source.nist.as_str(), source.cis_controls.get(lang)),
        None => ("NIST SP 800-53", "CIS Controls"),
    };
    if !scap.is_empty() {
        lines.push(messages::reference(content.as_deref().unwrap_or("SCAP"), Arg::names(scap)));
    }
    let nist: Vec<String> = nist.iter().map(ToString::to_string).collect();
    let numbers = cis_controls.iter().map(ToString::to_string).collect();
    for (name, ids) in [(nist_name, nist), (cis_name, numbers)] {
        match (ids.is_empty(), source) {
            (false, _) => lines.push(messages::reference(name, Arg::names(ids))),
            (true, Some(_)) => lines.push(messages::reference(name, messages::none_named())),
            (true, None) => {}
        }
    }
    lines
}
