//! `list` and `--level`: what is selected, what is printed, what is refused.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use support::{gokaku, repository};

fn output(args: &[&str]) -> Output {
    gokaku().args(args).output().unwrap()
}

fn stdout(args: &[&str]) -> String {
    let out = output(args);
    assert_eq!(out.status.code(), Some(0), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    assert!(out.stderr.is_empty(), "{args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// The message of a usage error; nothing is printed.
fn refused(args: &[&str]) -> String {
    let out = output(args);
    assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(64), &b""[..]), "{args:?}");
    String::from_utf8(out.stderr).unwrap()
}

fn ids(args: &[&str]) -> Vec<String> {
    let text = stdout(&[&["list"], args].concat());
    text.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
}

/// The JSON of `list`, which follows its schema.
fn json(args: &[&str]) -> Value {
    let text = stdout(&[&["list", "--format", "json"], args].concat());
    let table: Value = serde_json::from_str(&text).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path = repository("docs/schema/list-1.schema.json");
    let schema = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(&table, schema).unwrap_or_else(|e| panic!("{e:#}"));
    table
}

fn json_ids(table: &Value) -> Vec<String> {
    let rows = table["rules"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// A root with next to nothing in it.
fn root(os: &str, version: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("etc")).unwrap();
    let text = format!("ID={os}\nVERSION_ID=\"{version}\"\n");
    fs::write(dir.path().join("etc/os-release"), text).unwrap();
    dir
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn every_filter_leaves_the_rows_that_have_its_value() {
    let table = json(&[]);
    let rows = table["rules"].as_array().unwrap();
    assert_eq!(rows.len(), 206);
    let of = |has: &dyn Fn(&Value) -> bool| -> Vec<String> {
        let rows = rows.iter().filter(|row| has(row));
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let is = |field: &'static str, value: &'static str| move |row: &Value| row[field] == value;
    let cases: [(&[&str], Vec<String>); 9] = [
        (&["--status", "fail"], of(&is("status", "fail"))),
        (
            &["--status", "fail,unspecified"],
            of(&|row| row["status"] == "fail" || row["status"] == "unspecified"),
        ),
        (&["--severity", "high"], of(&is("severity", "high"))),
        (&["--severity", "low", "--severity", "high"], of(&|row| row["severity"] != "medium")),
        (&["--level", "2"], of(&|row| row["level"] == 2)),
        (&["--level", "1,2"], of(&|_| true)),
        (&["--chapter", "3"], of(&|row| row["id"].as_str().unwrap().starts_with("3."))),
        (
            &["--chapter", "5,6", "--status", "fail", "--severity", "medium"],
            of(&|row| {
                row["id"].as_str().unwrap().starts_with(['5', '6'])
                    && row["status"] == "fail"
                    && row["severity"] == "medium"
            }),
        ),
        (&["--rule", "5.3", "--skip", "5.3.1", "--severity", "high"], vec!["5.3.11".to_owned()]),
    ];
    let mut sizes = BTreeSet::new();
    for (args, want) in cases {
        assert!(!want.is_empty(), "{args:?}");
        assert_eq!(ids(args), want, "{args:?}");
        assert_eq!(json_ids(&json(args)), want, "{args:?}");
        sizes.insert(want.len());
    }
    assert!(sizes.len() > 6, "the filters are not all alike: {sizes:?}");
}

#[test]
fn a_row_says_how_grave_it_is_and_who_says_so() {
    let table = json(&["--rule", "1.2.1,5.3.4,5.3.10"]);
    let row = |id: &str| {
        let rows = table["rules"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == id).unwrap().clone()
    };
    let root_login = row("5.3.10");
    assert_eq!(
        (&root_login["severity"], &root_login["rated_by"]),
        (&"medium".into(), &"scap".into())
    );
    assert_eq!(root_login["references"]["scap"], serde_json::json!(["sshd_disable_root_login"]));
    let nist = root_login["references"]["nist"].as_array().unwrap();
    assert!(nist.contains(&"AC-6(2)".into()), "{nist:?}");
    assert_eq!(row("1.2.1")["rated_by"], "own");
    assert_eq!(row("1.2.1")["references"]["scap"], serde_json::json!([]));
    assert_eq!(table["references"]["version"], "0.1.65");
    assert_eq!(table["target"], Value::Null);

    let explain = |id: &str, lang: &str| stdout(&["explain", id, "--lang", lang]);
    let known = explain("5.3.10", "en");
    for line in [
        "Severity: medium (as rated by SCAP Security Guide 0.1.65)",
        "SCAP Security Guide 0.1.65: sshd_disable_root_login",
        "NIST SP 800-53 Rev. 4: AC-6(2), AC-17(a)",
        "CIS Controls before version 8: 1, 3, 5,",
    ] {
        assert!(known.contains(line), "{line}: {known}");
    }
    let own = explain("1.2.1", "en");
    assert!(
        own.contains("(the profile's own rating; SCAP Security Guide 0.1.65 has no such rule)")
    );
    assert!(own.contains("NIST SP 800-53 Rev. 4: none named"), "{own}");
    assert!(explain("5.3.4", "en").contains("SCAP Security Guide 0.1.65 gives none"));
    assert!(explain("5.3.10", "ja").contains("重大度: 中 (SCAP Security Guide 0.1.65 による)"));
    assert!(explain("1.2.1", "ja").contains("NIST SP 800-53 Rev. 4: 記載なし"));
    // The table has the severity of every row, in both languages.
    assert!(stdout(&["list", "--lang", "en"]).lines().all(|line| {
        ["L1 low ", "L1 medium ", "L1 high ", "L2 medium "].iter().any(|word| line.contains(word))
    }));
    assert!(stdout(&["list", "--lang", "ja", "--rule", "5.3.10"]).contains("L1 中"));
}

#[test]
fn a_value_that_no_row_can_have_is_a_usage_error_that_lists_those_there_are() {
    let known = "it has: pass, fail, not-applicable, unspecified";
    for (args, want) in [
        (&["--status", "failed"][..], known),
        (&["--status", "Pass"], known),
        (&["--status", ""], known),
        (&["--status", "pass,"], known),
        (&["--chapter", "7"], "no chapter `7` in aks-ubuntu-18.04; it has: 1, 2, 3, 4, 5, 6"),
        (&["--chapter", "site"], "no chapter `site`"),
        (&["--chapter", "5.3"], "`--rule` selects sections"),
        (&["--chapter", "05"], "is not a chapter"),
        (&["--chapter", "-1"], "unexpected argument"),
        (&["--severity", "critical"], "low, medium, high"),
        (&["--outcome", "NOT_MET"], "met_vacuously, not_met"),
        (&["--level", "3"], "1..=2"),
        (&["--level", "0"], "1..=2"),
        (&["--level", "one"], "invalid"),
        (&["--format", "yaml"], "text, json"),
        (&["--rule", "7"], "no rule 7"),
    ] {
        let said = refused(&[&["list"], args].concat());
        assert!(said.contains(want), "{args:?}: {said}");
    }
}

#[test]
fn a_selection_that_leaves_no_row_is_a_usage_error_of_every_verb() {
    let dir = root("ubuntu", "18.04");
    let state = tempfile::tempdir().unwrap();
    for verb in ["audit", "plan", "apply"] {
        for (args, want) in [
            (&["--rule", "5.3.10", "--skip", "5.3"][..], "--rule 5.3.10 --skip 5.3: no row"),
            (&["--rule", "5.3", "--level", "2"], "--rule 5.3 --level 2: no row"),
        ] {
            let of_root = [verb, "--root", text(dir.path())];
            let mut all = [&of_root[..], args].concat();
            if verb == "apply" {
                all.extend(["--state-dir", text(state.path())]);
            }
            let said = refused(&all);
            assert!(said.contains(want), "{all:?}: {said}");
        }
    }
    for (args, want) in [
        (&["--rule", "5.3.10", "--skip", "5.3"][..], "--rule 5.3.10 --skip 5.3: no row"),
        (&["--level", "2", "--status", "pass"], "--level 2 --status pass: no row"),
        (&["--chapter", "3", "--severity", "high"], "--chapter 3 --severity high: no row"),
    ] {
        let said = refused(&[&["list"], args].concat());
        assert!(said.contains(want) && said.contains("aks-ubuntu-18.04"), "{args:?}: {said}");
        refused(&[&["list", "--format", "json"], args].concat());
    }
    let out = gokaku().args(["list", "--level", "2"]).env("GOKAKU_SKIP", "4").output().unwrap();
    assert_eq!(out.status.code(), Some(64), "a variable counts as the option does");
}

#[test]
fn the_rows_of_a_layer_are_a_chapter_of_their_own() {
    let own = ids(&["--profile", "aks-node", "--chapter", "aks"]);
    assert_eq!(own, ids(&["--profile", "aks-node", "--rule", "aks"]));
    assert!(own.len() > 5 && own.iter().all(|id| id.starts_with("aks.")), "{own:?}");
    assert_eq!(ids(&["--profile", "aks-node"]).len(), 206 + own.len());
    let table = json(&["--profile", "aks-node", "--rule", "aks"]);
    assert_eq!(json_ids(&table), own);
    for row in table["rules"].as_array().unwrap() {
        assert!(row["severity"].is_string() && row["enforced"] == true, "{row}");
    }
    let protocols = ["--profile", "aks-node", "--rule", "aks", "--level", "2"];
    assert_eq!(ids(&protocols).len(), 5);
    assert!(refused(&["list", "--chapter", "aks"]).contains("no chapter `aks`"));
    let explained = stdout(&["explain", "aks.3.4.1", "--profile", "aks-node", "--lang", "en"]);
    assert!(explained.contains("AgentBaker, modprobe-CIS.conf, 2023-01 (71873106e9)"));
    assert!(explained.contains("SCAP Security Guide 0.1.65: kernel_module_dccp_disabled"));
}

#[test]
fn a_level_selects_rows_of_every_verb() {
    let dir = root("ubuntu", "18.04");
    for verb in ["audit", "plan"] {
        let judged = |more: &[&str]| -> Vec<String> {
            let all = [
                &[verb, "--root", text(dir.path()), "--format", "json", "--rule", "4.1,5.7"],
                more,
            ]
            .concat();
            let out = output(&all);
            json_ids(&serde_json::from_slice(&out.stdout).unwrap())
        };
        assert_eq!(judged(&[]), ["4.1.1.2", "5.7"]);
        assert_eq!(judged(&["--level", "1"]), ["5.7"]);
        assert_eq!(judged(&["--level", "2"]), ["4.1.1.2"]);
    }
    let out = gokaku().arg("list").env("GOKAKU_LEVEL", "2").output().unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap().lines().count(), 1);
}

#[test]
fn outcomes_are_those_of_an_audit_of_the_root() {
    let dir = root("ubuntu", "18.04");
    let at = text(dir.path());
    // What the audit says of the same rows.
    let audit = output(&["audit", "--root", at, "--format", "json"]);
    let audit: Value = serde_json::from_slice(&audit.stdout).unwrap();
    let with = |outcome: &str| -> Vec<String> {
        let rows = audit["rules"].as_array().unwrap().iter();
        let rows = rows.filter(|row| row["outcome"] == outcome);
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let run = |args: &[&str]| -> Vec<String> {
        let out = output(&[&["list", "--root", at], args].concat());
        assert_eq!(out.status.code(), Some(0), "{args:?}");
        let text = String::from_utf8(out.stdout).unwrap();
        text.lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect()
    };
    let mut seen = 0;
    for outcome in ["met", "met_vacuously", "not_met", "manual", "unknown", "waived", "unmeasured"]
    {
        let want = with(outcome);
        assert_eq!(run(&["--outcome", outcome]), want, "{outcome}");
        seen += want.len();
    }
    assert_eq!(seen, 206);
    assert!(with("waived").is_empty(), "no row has it, and that is an answer, not a mistake");
    let both: BTreeSet<String> = with("met").into_iter().chain(with("not_met")).collect();
    assert_eq!(run(&["--outcome", "met,not_met"]).into_iter().collect::<BTreeSet<_>>(), both);
    assert_eq!(run(&[]).len(), 206);
    let shown = output(&["list", "--root", at, "--rule", "3.2.1", "--lang", "en"]);
    assert!(String::from_utf8(shown.stdout).unwrap().contains("  not met  "));

    let out = output(&["list", "--root", at, "--format", "json", "--outcome", "waived"]);
    let table: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(
        (&table["rules"], &table["target"]["os"]),
        (&Value::Array(vec![]), &"ubuntu".into())
    );
    let table = json(&["--root", at, "--rule", "3.2.1"]);
    assert_eq!(table["rules"][0]["outcome"], "not_met");
}

#[test]
fn an_outcome_needs_a_root_and_the_right_one() {
    assert!(refused(&["list", "--outcome", "not_met"]).contains("want --root DIR, or GOKAKU_ROOT"));
    let dir = root("ubuntu", "18.04");
    let with = |root: &str, args: &[&str]| {
        gokaku().arg("list").args(args).env("GOKAKU_ROOT", root).output().unwrap()
    };
    let out = with(text(dir.path()), &["--outcome", "not_met", "--rule", "3.2.1"]);
    assert!(out.status.success() && out.stdout.starts_with(b"3.2.1 "), "{out:?}");
    assert_eq!(with("", &["--outcome", "not_met"]).status.code(), Some(64), "unset, as for all");
    // A pipeline's variable makes no audit of a list that asks for none.
    let out = with("/no/such/root", &["--rule", "3.2.1"]);
    assert!(out.status.success() && out.stderr.is_empty(), "{out:?}");
    assert_eq!(with("/no/such/root", &["--outcome", "met"]).status.code(), Some(1));
    let other = root("debian", "12");
    let out = with(text(other.path()), &["--outcome", "met"]);
    assert_eq!((out.status.code(), out.stdout.as_slice()), (Some(3), &b""[..]));
    let out = with(text(other.path()), &["--outcome", "met", "--force-target"]);
    assert_eq!(out.status.code(), Some(0));
    // An audit: not a byte is written.
    let names = fs::read_dir(other.path().join("etc")).unwrap().count();
    assert_eq!((names, fs::read_dir(other.path()).unwrap().count()), (1, 1));
}
