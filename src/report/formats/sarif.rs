//! SARIF 2.1.0: findings for code scanning. A fingerprint is made of the row and the subject alone, so
//! that a finding stays the same when lines, texts or other findings change.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::row::{outcome, waiver};
use super::verdict::Verdict;
use crate::check::{Evidence, Subject, SubjectKind};
use crate::message::{Lang, Message};
use crate::plan::WaiverState;
use crate::profile::Severity;
use crate::report::text::{evidence, line_of};
use crate::report::{DPKG_STATUS, GapReport, Report, RuleReport};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";
/// The name of the base of all paths: the root that was audited.
const ROOTFS: &str = "ROOTFS";

/// The report as SARIF. Of a plan, what it leaves.
pub(super) fn of(report: &Report, lang: Lang) -> Value {
    let rules: Vec<Value> = report.rules.iter().map(|row| rule(row, lang)).collect();
    let rows = report.rules.iter().enumerate();
    let results: Vec<Value> = rows.flat_map(|(at, row)| results(report, at, row, lang)).collect();
    let mut invocation = json!({
        "executionSuccessful": report.packages.as_ref().is_none_or(|said| said.failure.is_none()),
    });
    if let Some(stamp) = &report.stamp {
        invocation["endTimeUtc"] = stamp.text().into();
        if let Some(host) = &stamp.host {
            invocation["machine"] = host.as_str().into();
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": report.tool.name,
                "version": report.tool.version,
                "semanticVersion": report.tool.version,
                "rules": rules,
            }},
            "automationDetails": { "id": format!("gokaku/{}/", report.profile.id) },
            "originalUriBaseIds": {
                ROOTFS: { "description": { "text": plain(&report.target.root) } },
            },
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// A row as a rule.
fn rule(row: &RuleReport, lang: Lang) -> Value {
    let mut tags = vec!["security".to_owned(), format!("CIS-L{}", row.level)];
    if let Some(named) = &row.references {
        tags.extend(named.nist.iter().map(|control| format!("NIST-800-53-{control}")));
        tags.extend(named.cis_controls.iter().map(|number| format!("CIS-Controls-{number}")));
    }
    let title = plain(row.title.get(lang));
    let mut rule = json!({
        "id": row.id,
        "name": row.id,
        "shortDescription": { "text": title },
        "defaultConfiguration": { "level": level(row.severity) },
        "properties": { "tags": tags },
    });
    if let Some(rationale) = &row.rationale {
        rule["fullDescription"] = json!({ "text": plain(rationale.get(lang)) });
    }
    let wants: Vec<&str> = row.wants.iter().map(|want| want.want.as_str()).collect();
    // Code scanning asks for it.
    let help = if wants.is_empty() { row.title.get(lang).to_owned() } else { wants.join("\n") };
    rule["help"] = json!({ "text": plain(&help) });
    if let Some(severity) = row.severity {
        rule["properties"]["security-severity"] = score(severity).into();
    }
    rule
}

fn level(severity: Option<Severity>) -> &'static str {
    match severity {
        Some(Severity::High) => "error",
        Some(Severity::Medium) | None => "warning",
        Some(Severity::Low) => "note",
    }
}

/// In the bands in which code scanning sorts scores: low to 3.9, medium to 6.9, high to 8.9.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "3.0",
    }
}

/// What is found of a row; nothing of one that holds or is left alone as it should be.
fn results(report: &Report, at: usize, row: &RuleReport, lang: Lang) -> Vec<Value> {
    let verdict = Verdict::of(row);
    let kind = match verdict {
        Verdict::NotMet | Verdict::Waived => "fail",
        Verdict::Unknown => "open",
        Verdict::Manual => "review",
        Verdict::Drifted => "informational",
        Verdict::Met | Verdict::Vacuous | Verdict::LeftAlone => return Vec::new(),
    };
    let level = if kind == "fail" { level(row.severity) } else { "none" };
    let new =
        |fingerprint: String, text: String, seen: Option<&Evidence>, about: Option<&Subject>| {
            let mut result = json!({
                "ruleId": row.id,
                "ruleIndex": at,
                "kind": kind,
                "level": level,
                "message": { "text": plain(&text) },
                "locations": [location(report, row, seen, about)],
                "partialFingerprints": { "gokaku/v1": fingerprint },
            });
            let accepted = row.waivers.iter().filter(|waiver| waiver.state == WaiverState::InUse);
            let accepted: Vec<Value> = accepted
                .filter(|waiver| waiver.subject.is_none() || waiver.subject.as_ref() == about)
                .map(|waiver| {
                    json!({
                        "kind": "external",
                        "status": "accepted",
                        "justification": plain(&self::waiver(waiver).text(lang)),
                    })
                })
                .collect();
            let is_accepted = verdict == Verdict::Waived
                || about.is_some_and(|about| {
                    row.gaps.iter().any(|gap| gap.waived && gap.subject == *about)
                });
            if is_accepted && !row.waiver_is_over() {
                // Some readers count levels, whatever is suppressed.
                result["level"] = if kind == "fail" { "note" } else { "none" }.into();
                result["suppressions"] = match accepted.is_empty() {
                    true => json!([{ "kind": "external", "status": "accepted" }]),
                    false => accepted.into(),
                };
            }
            result
        };
    let beneath = row.beneath.iter().flat_map(|beneath| &beneath.gaps);
    let gaps: Vec<&GapReport> = match verdict {
        Verdict::Drifted => Vec::new(),
        _ => row.gaps.iter().chain(beneath).collect(),
    };
    let title = row.title.get(lang);
    if gaps.is_empty() {
        let seen = row.evidence.first();
        let why = row.reason.as_ref().map(|why| line_of(&why.text(lang)));
        let word = match verdict {
            Verdict::Drifted => verdict.words(),
            _ => crate::report::text::outcome(outcome(report, row)),
        };
        let seen_text = seen.map(|seen| evidence(seen, lang));
        let parts: Vec<String> =
            [Some(word.text(lang)), seen_text, why].into_iter().flatten().collect();
        let text = format!("{title}: {}", parts.join("; "));
        return vec![new(fingerprint(row, None, 0), text, seen, None)];
    }
    let mut known: BTreeMap<&Subject, usize> = BTreeMap::new();
    gaps.into_iter()
        .map(|gap| {
            let number = known.entry(&gap.subject).or_default();
            let fingerprint = fingerprint(row, Some(&gap.subject), *number);
            *number += 1;
            let why: Option<String> =
                gap.reason.as_ref().map(|why: &Message| line_of(&why.text(lang)));
            let seen = evidence(&gap.evidence, lang);
            let text = match why {
                Some(why) => format!("{title}: {seen}; {why}"),
                None => format!("{title}: {seen}"),
            };
            new(fingerprint, text, Some(&gap.evidence), Some(&gap.subject))
        })
        .collect()
}

/// The row and the subject, and which one it is of those with the same.
fn fingerprint(row: &RuleReport, subject: Option<&Subject>, number: usize) -> String {
    let mut digest = Sha256::new();
    let (kind, value) = subject.map_or(("", ""), |s| (s.kind.word(), s.value.as_str()));
    for part in [row.id.to_string().as_str(), kind, value, number.to_string().as_str()] {
        digest.update(part);
        digest.update([0]);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn location(
    report: &Report,
    row: &RuleReport,
    seen: Option<&Evidence>,
    about: Option<&Subject>,
) -> Value {
    let mut location = json!({
        "logicalLocations": [{
            "name": row.id,
            "fullyQualifiedName": format!("{}/{}", report.profile.id, row.id),
            "kind": "rule",
        }],
    });
    let path = seen.and_then(|seen| seen.path.as_ref()).map(|path| path.as_bytes().to_vec());
    // A finding without a place is not shown; what is known of packages stands in dpkg's record.
    let of_package = about.is_some_and(|about| about.kind == SubjectKind::Package);
    let path = path.or_else(|| of_package.then(|| DPKG_STATUS.as_bytes().to_vec()));
    let uri = path.map_or_else(|| "./".to_owned(), |path| uri(&path));
    location["physicalLocation"] =
        json!({ "artifactLocation": { "uri": uri, "uriBaseId": ROOTFS } });
    if let Some(line) = seen.and_then(|seen| seen.line).filter(|line| *line > 0) {
        location["physicalLocation"]["region"] = json!({ "startLine": line });
    }
    location
}

/// A path below the root as a relative URI.
fn uri(path: &[u8]) -> String {
    let mut out = String::new();
    for byte in path.iter().skip_while(|byte| **byte == b'/') {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(*byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    if out.is_empty() { ".".to_owned() } else { out }
}

/// A text that is no link and no placeholder: in a message, `[text](target)` and `{0}` are.
fn plain(text: &str) -> String {
    let text: Vec<String> =
        text.split('\n').map(|line| crate::rootfs::escape(line.as_bytes())).collect();
    text.join("\n").replace("](", "] (").replace('{', "{{").replace('}', "}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::from_json;

    const REPORT: &str = include_str!("../../../tests/data/formats/report-1.json");

    fn gap(value: &str, found: &str, line: usize) -> GapReport {
        let path = crate::rootfs::ImagePath::parse("/etc/a b").expect("a path");
        GapReport {
            subject: Subject::account(value.as_bytes()),
            evidence: Evidence::at(&path).line(line).found(found),
            remedy: None,
            reason: None,
            waived: false,
        }
    }

    fn report(gaps: Vec<GapReport>) -> Report {
        let mut report = from_json(REPORT).expect("the sample is a report");
        report.rules.retain(|row| row.id.to_string() == "5.5.1.1");
        report.rules[0].outcome = crate::check::Outcome::NotMet;
        report.rules[0].gaps = gaps;
        report
    }

    fn fingerprints(report: &Report) -> BTreeMap<String, String> {
        let sarif = of(report, Lang::En);
        let results = sarif["runs"][0]["results"].as_array().expect("results");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let one =
            |r: &Value| (text(&r["partialFingerprints"]["gokaku/v1"]), text(&r["message"]["text"]));
        results.iter().map(one).collect()
    }

    #[test]
    fn a_finding_keeps_its_fingerprint_when_everything_around_it_changes() {
        let before = fingerprints(&report(vec![gap("eve", "0", 1), gap("bob", "0", 2)]));
        let after =
            fingerprints(&report(vec![gap("new", "3", 1), gap("bob", "7", 9), gap("eve", "5", 4)]));
        assert_eq!((before.len(), after.len()), (2, 3));
        assert!(before.keys().all(|known| after.contains_key(known)), "{before:?}\n{after:?}");
        let twice = fingerprints(&report(vec![gap("eve", "0", 1), gap("eve", "0", 2)]));
        assert_eq!(twice.len(), 2, "two of one subject are two");
        let mut ja = report(vec![gap("eve", "0", 1), gap("bob", "0", 2)]);
        ja.rules[0].title.en = "another title".to_owned();
        assert!(fingerprints(&ja).keys().eq(before.keys()));
    }

    #[test]
    fn a_path_is_a_uri_below_the_root() {
        assert_eq!(uri(b"/etc/a b#%?"), "etc/a%20b%23%25%3F");
        assert_eq!(uri("/合".as_bytes()), "%E5%90%88");
        assert_eq!(uri(b"/"), ".");
        let sarif = of(&report(vec![gap("eve", "0", 7)]), Lang::En);
        let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "etc/a%20b");
        assert_eq!(place["region"]["startLine"], 7);
    }

    #[test]
    fn no_text_of_a_tree_is_a_link_or_a_placeholder() {
        assert_eq!(plain("[x](http://a) {0} \u{1b}"), "[x] (http://a) {{0}} \\x1b");
    }
}
