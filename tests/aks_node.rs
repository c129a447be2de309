//! The layer `aks-node`: every value has a source, and it leaves what the table leaves. Its own rows have
//! their cases in `tests/cases/aks-node/`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/aks_node.rs"]
mod aks_node;
#[path = "support/cases.rs"]
mod support;

use std::collections::BTreeMap;

use gokaku::check::{Audit, Options, Outcome};
use gokaku::plan;
use gokaku::profile::{Disposition, Drift, Profile, Rule};
use gokaku::rootfs::MemoryRootfs;
use regex::Regex;
use support::text_at;

fn is_own(rule: &Rule) -> bool {
    rule.id.to_string().starts_with("aks.")
}

/// The tree with what a plan of all rows makes of it.
fn hardened(profile: &Profile, root: &MemoryRootfs) -> MemoryRootfs {
    let options = Options::default();
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let plan = plan::plan(&rules, Audit::new(root, &options)).unwrap();
    root.clone().changed(plan.nodes())
}

/// Of each row: its outcome, and whether it has drifted.
fn judged(profile: &Profile, root: &MemoryRootfs) -> BTreeMap<String, (Outcome, bool)> {
    let options = Options::default();
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let judged = plan::audit(&rules, Audit::new(root, &options));
    let drifts = |rule: &Rule| match rule.disposition() {
        Disposition::LeaveAlone { drift: Some(Drift::WhenMet), .. } => true,
        Disposition::LeaveAlone { .. } | Disposition::Enforce(_) => false,
    };
    let rows = rules.iter().zip(&judged);
    rows.map(|(rule, j)| (rule.id.to_string(), (j.outcome, drifts(rule) && j.any_met))).collect()
}

#[test]
fn every_row_names_its_source_and_a_date() {
    let profile = aks_node::merged();
    let table = Profile::embedded().unwrap();
    let own: Vec<&Rule> = profile.rules.iter().filter(|rule| is_own(rule)).collect();
    assert_eq!(own.len() + table.rules.len(), profile.rules.len());
    let source = Regex::new(r"AgentBaker.*\b20[0-9]{2}-[0-9]{2}.*\b[0-9a-f]{10}\b").unwrap();
    for rule in own {
        let origin = rule.origin.as_ref().unwrap_or_else(|| panic!("{}: no origin", rule.id));
        for text in [&origin.en, &origin.ja] {
            assert!(source.is_match(text), "{}: {text}", rule.id);
        }
        assert!(rule.is_enforced() && rule.severity.is_some(), "{}", rule.id);
    }
    // The values have theirs in the comment above them.
    let layer = std::fs::read_to_string(
        [env!("CARGO_MANIFEST_DIR"), "profiles/aks-node.toml"]
            .iter()
            .collect::<std::path::PathBuf>(),
    );
    let layer = layer.unwrap();
    let (head, _) = layer.split_once("\n[[rule]]").unwrap();
    let (_, vars) = head.split_once("[vars]\n").unwrap();
    assert!(vars.starts_with("# cis.sh, setPWExpiration, both states"), "{vars}");
    assert!(source.is_match(&head.replace('\n', " ")), "the states have a date");
}

#[test]
fn passwords_last_as_long_as_on_an_aks_node() {
    let profile = aks_node::merged();
    let base = support::base();
    let after = hardened(&profile, &base);
    let text = text_at(&after, "/etc/login.defs");
    let value = |text: &str, key: &str| {
        let line = text.lines().find(|line| line.starts_with(key)).unwrap().to_owned();
        line.split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(value(&text, "PASS_MAX_DAYS"), "90");
    assert_eq!(value(&text, "PASS_MIN_DAYS"), "7");
    assert_eq!(value(&text, "PASS_WARN_AGE"), "7");
    assert!(text_at(&after, "/etc/default/useradd").contains("\nINACTIVE=30\n"));
    // A stricter value is kept.
    let stock = text_at(&base, "/etc/login.defs");
    let strict = stock.replace("PASS_MAX_DAYS\t99999", "PASS_MAX_DAYS\t30");
    assert_ne!(strict, stock);
    let after = hardened(&profile, &base.file("/etc/login.defs", &strict));
    assert_eq!(value(&text_at(&after, "/etc/login.defs"), "PASS_MAX_DAYS"), "30");
}

#[test]
fn the_layer_leaves_what_the_table_leaves_and_keeps_what_it_wants() {
    let (table, merged, base) = (Profile::embedded().unwrap(), aks_node::merged(), support::base());
    let by_table = hardened(&table, &base);
    let by_layer = hardened(&merged, &base);
    assert_eq!(judged(&table, &by_layer), judged(&table, &by_table), "judged by the table");
    let own = judged(&merged, &by_layer);
    let own: Vec<_> = own.iter().filter(|(id, _)| id.starts_with("aks.")).collect();
    assert!(own.len() > 5);
    for (id, (outcome, _)) in own {
        assert!(matches!(outcome, Outcome::Met | Outcome::MetVacuously), "{id}: {outcome:?}");
    }
    // Nothing is left to do, for either.
    for profile in [&table, &merged] {
        let rules: Vec<&Rule> = profile.rules.iter().collect();
        let again = plan::plan(&rules, Audit::new(&by_layer, &Options::default())).unwrap();
        assert!(again.changes().is_empty(), "{:?}", again.changes());
    }
}

#[test]
fn the_log_files_of_the_layer_are_rotated() {
    let after = hardened(&aks_node::merged(), &support::base());
    let routes = text_at(&after, "/etc/rsyslog.d/60-CIS.conf");
    let stanza = text_at(&after, "/etc/logrotate.d/60-CIS");
    // Those that the package's own file rotates already are not listed again.
    let all = text_at(&after, "/etc/logrotate.d/rsyslog") + &stanza;
    let mut files = 0;
    for line in routes.lines().filter(|line| !line.starts_with('#')) {
        let target = line.split_whitespace().nth(1).unwrap().trim_start_matches('-');
        if target.starts_with("/var/log/") {
            let listed = all.lines().filter(|line| line.trim() == target).count();
            assert_eq!(listed, 1, "{target}: {all}");
            files += 1;
        }
    }
    assert!(files > 8, "{routes}");
    assert!(stanza.contains("maxsize 50M") && stanza.contains("rotate 7"), "{stanza}");
}
