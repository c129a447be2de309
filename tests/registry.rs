//! The embedded profile against the published table, row by row, and what the registry must have.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use gokaku::message::Lang;
use gokaku::profile::{Disposition, Profile, Reason, Rule};

/// id → (status, reason), from the published table's own words.
fn published() -> BTreeMap<String, (&'static str, Option<&'static str>)> {
    include_str!("data/published-table.tsv")
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            let [id, status, reason] = fields[..] else { panic!("three columns: {line}") };
            let status = match status {
                "合格" => "pass",
                "失敗" => "fail",
                "適用しない" => "not-applicable",
                "" => "unspecified",
                other => panic!("{id}: status {other}"),
            };
            let reason = match reason {
                // The table spells it two ways.
                "運用上の潜在的な影響" | "潜在的な運用への影響" => {
                    Some("operational-impact")
                }
                "その他でカバー" => Some("covered-elsewhere"),
                "適用しない" => Some("not-applicable"),
                "AKS は timesync に ntpd を使用します" => Some("uses-ntpd"),
                "" if status == "pass" => None,
                "" => Some("none-given"),
                other => panic!("{id}: reason {other}"),
            };
            (id.to_owned(), (status, reason))
        })
        .collect()
}

#[test]
fn the_profile_is_the_published_table() {
    let profile = Profile::embedded().unwrap();
    fn reason(rule: &Rule) -> Option<&str> {
        rule.reason.as_ref().map(Reason::key)
    }
    let ours: BTreeMap<_, _> =
        profile.rules.iter().map(|r| (r.id.to_string(), (r.status.key(), reason(r)))).collect();
    let theirs = published();
    assert_eq!(theirs.len(), 206);
    for (id, row) in &theirs {
        assert_eq!(ours.get(id), Some(row), "row {id}");
    }
    assert_eq!(ours.len(), theirs.len(), "no row of our own");
    let count = |s| profile.rules.iter().filter(|r| r.status.key() == s).count();
    let counts = ["pass", "fail", "not-applicable", "unspecified"].map(count);
    assert_eq!(counts, [135, 54, 16, 1]);
}

#[test]
fn rows_are_sorted_and_every_text_is_there_in_both_languages() {
    let profile = Profile::embedded().unwrap();
    assert!(profile.rules.is_sorted_by(|a, b| a.id < b.id));
    let mut titles = BTreeSet::new();
    for rule in &profile.rules {
        for lang in [Lang::En, Lang::Ja] {
            let (title, rationale) = (rule.title.get(lang), rule.rationale.get(lang));
            assert!(titles.insert(title.to_owned()), "{}: title twice: {title}", rule.id);
            assert!(!rationale.is_empty(), "{}", rule.id);
            assert!(!title.starts_with("Ensure") && !title.contains("確認する"), "{title}");
        }
        let japanese = |s: &str| s.chars().any(|c| c >= '\u{3040}');
        assert!(japanese(&rule.rationale.ja), "{}: Japanese rationale", rule.id);
        assert!(!japanese(&rule.title.en), "{}: English title", rule.id);
        if let Disposition::LeaveAlone { note, .. } = rule.disposition() {
            assert!(note.is_some(), "{}: say what is not touched", rule.id);
        }
    }
}

#[test]
fn every_row_that_passes_says_where_its_value_comes_from() {
    let profile = Profile::embedded().unwrap();
    let japanese = |s: &str| s.chars().any(|c| ('\u{3040}'..'\u{ff00}').contains(&c));
    for rule in &profile.rules {
        if let Some(origin) = &rule.origin {
            assert!(japanese(&origin.ja) && !japanese(&origin.en), "{}: languages", rule.id);
        }
    }
    let pass = || profile.rules.iter().filter(|r| r.is_enforced());
    // One without says nothing until the first one has it.
    if pass().any(|r| r.origin.is_some()) {
        let missing: Vec<_> = pass().filter(|r| r.origin.is_none()).map(|r| &r.id).collect();
        assert!(missing.is_empty(), "no origin: {missing:?}");
    }
}

#[test]
fn rows_without_a_primitive_only_become_fewer() {
    let profile = Profile::embedded().unwrap();
    let missing: Vec<String> = profile
        .rules
        .iter()
        .filter(|r| matches!(r.disposition(), Disposition::Enforce(want) if want.is_empty()))
        .map(|r| r.id.to_string())
        .collect();
    assert!(missing.is_empty(), "not implemented: {}", missing.join(" "));
}
