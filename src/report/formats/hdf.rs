//! HDF, the JSON of InSpec's reports, as MITRE Heimdall reads it: one profile, a control for each row.
//!
//! Heimdall takes `passed` as passed and `failed` as failed; `skipped` is "Not Reviewed"; an impact of
//! 0, or a waiver, is "Not Applicable", whatever the results say.

use serde_json::{Map, Value, json};

use super::{messages, row, text};
use crate::check::Outcome;
use crate::message::Lang;
use crate::plan::WaiverState;
use crate::profile::Severity;
use crate::report::{Report, RuleReport};

/// The document.
pub(super) fn of(report: &Report, lang: Lang) -> Value {
    let profile = &report.profile;
    let controls: Vec<Value> = report.rules.iter().map(|row| control(report, row, lang)).collect();
    let groups: Vec<Value> = report
        .chapters
        .iter()
        .filter_map(|(chapter, title)| {
            let rows = report.rules.iter().filter(|row| row.id.chapter() == chapter);
            let ids: Vec<String> = rows.map(|row| row.id.to_string()).collect();
            let group = || {
                json!({
                    "id": chapter.to_string(),
                    "title": title.get(lang),
                    "controls": ids,
                })
            };
            (!ids.is_empty()).then(group)
        })
        .collect();
    let mut described = object(json!({
        "name": profile.id,
        "title": profile.benchmark,
        "version": profile.version,
        "supports": [],
        "attributes": [],
        "groups": groups,
        "controls": controls,
        "status": "loaded",
    }));
    // The reader wants one; a report of an old version has none.
    let digest = profile.sha256.as_deref().unwrap_or_default();
    described.insert("sha256".to_owned(), json!(digest));
    let mut out = object(json!({
        "platform": { "name": report.target.os, "release": report.target.version },
        "version": report.tool.version,
        "statistics": {},
        "profiles": [described],
    }));
    let tool = json!({ "name": report.tool.name, "version": report.tool.version });
    let mut aside = object(json!({ "tool": tool, "mode": report.mode }));
    if report.stamp.is_none() {
        let said = messages::no_time(row::NO_TIME).text(lang);
        aside.insert("start_time".to_owned(), json!(said));
    }
    out.insert("passthrough".to_owned(), Value::Object(aside));
    Value::Object(out)
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// How Heimdall ranks: from .7 on high, from .4 on medium, from .1 on low. A row that no one has rated
/// counts as medium there; its tags say nothing of that.
fn impact(row: &RuleReport, outcome: Outcome) -> f64 {
    match (outcome, row.severity) {
        (Outcome::MetVacuously, _) if row.disposition.is_enforced() => 0.0,
        (_, Some(Severity::Low)) => 0.3,
        (_, Some(Severity::Medium) | None) => 0.5,
        (_, Some(Severity::High)) => 0.7,
    }
}

fn control(report: &Report, row: &RuleReport, lang: Lang) -> Value {
    let now = row::outcome(report, row);
    let id = row.id.to_string();
    let title = row.title.get(lang);
    let chapter = report.chapters.get(row.id.chapter()).map(|title| title.get(lang));
    let rationale = row.rationale.as_ref().map(|rationale| rationale.get(lang));
    let check = row::description(row, lang).join("\n");
    let said = row::said(report, row, lang);
    let texts = [("rationale", rationale.unwrap_or_default()), ("check", &check)];
    let mut descriptions: Vec<Value> = texts
        .iter()
        .filter(|(_, data)| !data.is_empty())
        .map(|(label, data)| json!({ "label": label, "data": data }))
        .collect();
    descriptions.push(json!({ "label": "evidence", "data": said.join("\n") }));
    let mut out = object(json!({
        "id": id,
        "title": format!("{id} {title}"),
        "desc": rationale.unwrap_or(title),
        "descriptions": descriptions,
        "impact": impact(row, now),
        "refs": [],
        "tags": tags(report, row, chapter),
        "code": wants(row),
        "results": [result(report, row, &said, lang)],
    }));
    let place = row
        .place
        .as_ref()
        .map_or_else(|| json!({}), |place| json!({ "ref": place.file, "line": place.line }));
    out.insert("source_location".to_owned(), place);
    // Of a row of which a part is waived, the verdict is about the rest.
    let waiver = row.waivers.iter().find(|waiver| waiver.state == WaiverState::InUse);
    if let Some(waiver) = waiver.filter(|_| now == Outcome::Waived) {
        let mut data = object(json!({
            "justification": text::line_of(&waiver.reason.text(lang)),
            "message": text::line_of(&row::waiver(waiver).text(lang)),
            "run": false,
            "skipped_due_to_waiver": true,
        }));
        if waiver.until != "never" {
            data.insert("expiration_date".to_owned(), json!(waiver.until));
        }
        out.insert("waiver_data".to_owned(), Value::Object(data));
    }
    Value::Object(out)
}

/// What Heimdall finds a control by.
fn tags(report: &Report, row: &RuleReport, chapter: Option<&str>) -> Value {
    let mut tags = object(json!({
        "gid": row.id.to_string(),
        "level": row.level,
        "table_status": row.status,
        "disposition": row.disposition,
        "outcome": row::outcome(report, row),
    }));
    if let Some(chapter) = chapter {
        tags.insert("gtitle".to_owned(), json!(chapter));
    }
    if let Some(severity) = row.severity {
        tags.insert("severity".to_owned(), json!(severity));
    }
    if let Some(references) = &row.references {
        let text = |ids: &[String]| json!(ids);
        let mut add = |name: &str, ids: Vec<String>| {
            if !ids.is_empty() {
                tags.insert(name.to_owned(), text(&ids));
            }
        };
        add("nist", references.nist.iter().map(ToString::to_string).collect());
        add("scap", references.scap.iter().map(ToString::to_string).collect());
        add("cis_controls", references.cis_controls.iter().map(ToString::to_string).collect());
    }
    Value::Object(tags)
}

/// What the row wants, as TOML.
fn wants(row: &RuleReport) -> String {
    row.wants.iter().map(|want| want.want.trim()).collect::<Vec<_>>().join("\n")
}

fn result(report: &Report, row: &RuleReport, said: &[String], lang: Lang) -> Value {
    let now = row::outcome(report, row);
    let status = match now {
        _ if !row.disposition.is_enforced() => "skipped",
        Outcome::Met => "passed",
        Outcome::NotMet => "failed",
        _ => "skipped",
    };
    let wants = wants(row);
    let code = if wants.is_empty() { row.title.get(lang) } else { &wants };
    let mut out = object(json!({
        "status": status,
        "code_desc": code,
        "run_time": 0.0,
        "start_time": row::time(report),
    }));
    let said = json!(said.join("\n"));
    match status {
        "skipped" => out.insert("skip_message".to_owned(), said),
        _ => out.insert("message".to_owned(), said),
    };
    Value::Object(out)
}
