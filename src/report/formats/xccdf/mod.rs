//! XCCDF 1.2: the table as a Benchmark, and in the same file what was found as a TestResult of it.
//!
//! No `override` stands for a waiver: the schematron that is shipped with the standard then asks for one
//! in every result. `fix` is a script for `sh`, made of the row's part of the plan.

use std::io;

use super::{messages, row, text};
use crate::check::Outcome;
use crate::message::Lang;
use crate::profile::Severity;
use crate::report::{Mode, Report, RuleReport};

use super::xml::Xml;

/// What all ids begin with. `.invalid` is nobody's domain, so that no other content has them.
const PREFIX: &str = "xccdf_invalid.gokaku";
const NAMESPACE: &str = "http://checklists.nist.gov/xccdf/1.2";
/// By this name programs find scripts for `sh`.
const FIX: &str = "urn:xccdf:fix:script:sh";
/// Where NIST has the catalogue that its controls are in.
const NIST: &str = "https://csrc.nist.gov/projects/risk-management/sp800-53-controls";
/// Whose names the numbers of rows are: those of the table, as this program writes them.
const ROWS: &str = "https://gokaku.invalid/row";
/// Whose names the rules of SCAP content are.
const SCAP: &str = "https://gokaku.invalid/scap-rule";
/// What names of facts begin with.
const FACTS: &str = "https://gokaku.invalid/fact/";
/// What has judged the rows: this program, and no language of checks.
const CHECKS: &str = "https://gokaku.invalid/check";

/// The document. Same report, same fixes: same bytes.
pub(super) fn render(report: &Report, lang: Lang) -> io::Result<String> {
    let mut xml = Xml::new()?;
    let id = id("benchmark", &report.profile.id);
    let attributes =
        [("xmlns", NAMESPACE), ("id", &id), ("resolved", "1"), ("xml:lang", language(lang))];
    xml.element("Benchmark", &attributes, |xml| {
        benchmark(xml, report, lang)?;
        test_result(xml, report, lang, &id)
    })?;
    Ok(xml.finish())
}

/// An id of a kind, from letters, digits and `.-_`.
fn id(kind: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || ".-_".contains(c) { c } else { '-' };
    let name: String = name.chars().map(plain).collect();
    format!("{PREFIX}_{kind}_{name}")
}

fn language(lang: Lang) -> &'static str {
    match lang {
        Lang::En => "en",
        Lang::Ja => "ja",
    }
}

fn severity(row: &RuleReport) -> &'static str {
    row.severity.map_or("unknown", Severity::word)
}

fn benchmark(xml: &mut Xml, report: &Report, lang: Lang) -> io::Result<()> {
    xml.text("status", &[], "accepted")?;
    xml.text("title", &[], &report.profile.benchmark)?;
    let layers = report.profile.layers.iter().map(String::as_str);
    let made_of: Vec<&str> = [report.profile.id.as_str()].into_iter().chain(layers).collect();
    xml.text("description", &[], &made_of.join(", "))?;
    if report.stamp.is_none() {
        let said = messages::no_time(row::NO_TIME).text(lang);
        xml.text("notice", &[("id", "no-time")], &said)?;
    }
    xml.text("version", &[], &report.profile.version)?;
    for (chapter, rows) in report.by_chapter() {
        let number = chapter.to_string();
        xml.element("Group", &[("id", &id("group", &number))], |xml| {
            xml.text("title", &[], &report.chapter(chapter, lang))?;
            rows.into_iter().try_for_each(|row| rule(xml, report, row, lang))
        })?;
    }
    Ok(())
}

fn rule(xml: &mut Xml, report: &Report, row: &RuleReport, lang: Lang) -> io::Result<()> {
    let number = row.id.to_string();
    let is_selected = if row.disposition.is_enforced() { "1" } else { "0" };
    let attributes =
        [("id", &*id("rule", &number)), ("severity", severity(row)), ("selected", is_selected)];
    let fix = report.attached.fixes.row(&row.id);
    xml.element("Rule", &attributes, |xml| {
        xml.text("title", &[], &format!("{number} {}", row.title.get(lang)))?;
        let description = row::description(row, lang);
        if !description.is_empty() {
            xml.text("description", &[], &description.join("\n"))?;
        }
        for note in fix.iter().flat_map(|fix| &fix.notes) {
            let said = match fix.is_some_and(|fix| fix.script.is_some()) {
                true => note.clone(),
                false => messages::no_fix(note),
            };
            xml.text("warning", &[("category", "general")], &text::line_of(&said.text(lang)))?;
        }
        for end in fix.iter().flat_map(|fix| &fix.ends) {
            let said = text::line_of(&end.text(lang));
            xml.text("warning", &[("category", "functionality")], &said)?;
        }
        let source = report.profile.references.as_ref();
        if let Some(references) = &row.references {
            for control in &references.nist {
                let control = control.to_string();
                xml.text("reference", &[("href", NIST)], &control)?;
            }
            for control in &references.cis_controls {
                let source = source.map_or("CIS Controls", |source| source.cis_controls.get(lang));
                xml.text("reference", &[], &format!("{source}: {control}"))?;
            }
        }
        if let Some(rationale) = &row.rationale {
            xml.text("rationale", &[], rationale.get(lang))?;
        }
        idents(xml, row)?;
        if let Some(script) = fix.and_then(|fix| fix.script.as_ref()) {
            let said = messages::a_fix(number.as_str()).text(lang);
            xml.text("fixtext", &[], &said)?;
            // A reader may take blanks off the ends; a line feed there is none of the script.
            xml.text("fix", &[("system", FIX)], &format!("\n{script}"))?;
        }
        xml.empty("check", &[("system", CHECKS)])
    })
}

fn idents(xml: &mut Xml, row: &RuleReport) -> io::Result<()> {
    xml.text("ident", &[("system", ROWS)], &row.id.to_string())?;
    for rule in row.references.iter().flat_map(|references| &references.scap) {
        xml.text("ident", &[("system", SCAP)], &rule.to_string())?;
    }
    Ok(())
}

fn test_result(xml: &mut Xml, report: &Report, lang: Lang, benchmark: &str) -> io::Result<()> {
    let mode = match report.mode {
        Mode::Audit => "audit",
        Mode::Plan => "plan",
        Mode::Apply => "apply",
    };
    let end = row::time(report);
    let tool = format!("{} {}", report.tool.name, report.tool.version);
    let attributes = [
        ("id", &*id("testresult", mode)),
        ("end-time", &*end),
        ("test-system", &*tool),
        ("version", &*report.profile.version),
    ];
    xml.element("TestResult", &attributes, |xml| {
        xml.empty("benchmark", &[("href", &format!("#{benchmark}")), ("id", benchmark)])?;
        xml.text("title", &[], &format!("{} ({mode})", report.profile.benchmark))?;
        let target = &report.target;
        let root = match target.root.as_str() {
            "" => "-",
            root => root,
        };
        xml.text("target", &[], root)?;
        xml.element("target-facts", &[], |xml| {
            let mut facts = vec![("os", &target.os), ("version", &target.version)];
            facts.extend(report.profile.sha256.as_ref().map(|digest| ("profile-sha256", digest)));
            let host = report.stamp.as_ref().and_then(|stamp| stamp.host.as_ref());
            facts.extend(host.map(|host| ("host", host)));
            facts.into_iter().try_for_each(|(name, value)| {
                let name = format!("{FACTS}{name}");
                xml.text("fact", &[("name", &name), ("type", "string")], value)
            })
        })?;
        report.rules.iter().try_for_each(|row| rule_result(xml, report, row, lang))?;
        let results: Vec<&str> = report.rules.iter().map(|row| result(report, row)).collect();
        let count = |of: &[&str]| results.iter().filter(|result| of.contains(result)).count();
        let most = count(&["pass", "fail", "error", "unknown"]).to_string();
        let system = ("system", "urn:xccdf:scoring:flat-unweighted");
        xml.text("score", &[system, ("maximum", &most)], &count(&["pass"]).to_string())
    })
}

/// The result of a row on the tree as it is: only what holds passes.
fn result(report: &Report, row: &RuleReport) -> &'static str {
    if !row.disposition.is_enforced() {
        return "notselected";
    }
    match row::outcome(report, row) {
        Outcome::Met => "pass",
        Outcome::MetVacuously => "notapplicable",
        Outcome::NotMet => "fail",
        Outcome::Manual => "notchecked",
        Outcome::Unknown => "unknown",
        Outcome::Waived => "informational",
        Outcome::Unmeasured => "notselected",
    }
}

fn rule_result(xml: &mut Xml, report: &Report, row: &RuleReport, lang: Lang) -> io::Result<()> {
    let rule = id("rule", &row.id.to_string());
    let time = report.stamp.as_ref().map(|stamp| stamp.text());
    // The same is the default; some readers want to see it.
    let weight = ("weight", "1.0");
    let mut attributes = vec![("idref", &*rule), ("severity", severity(row)), weight];
    attributes.extend(time.as_ref().map(|time| ("time", &**time)));
    let result = result(report, row);
    let level = match result {
        "fail" => "error",
        "unknown" | "notchecked" | "informational" => "warning",
        _ => "info",
    };
    xml.element("rule-result", &attributes, |xml| {
        xml.text("result", &[], result)?;
        idents(xml, row)?;
        let said = row::said(report, row, lang);
        said.iter().try_for_each(|line| xml.text("message", &[("severity", level)], line))?;
        xml.empty("check", &[("system", CHECKS)])
    })
}
