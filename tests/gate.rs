//! A gate against regressions: an image that was never perfect may stay as it is, and may not become
//! worse. And what `report` makes of saved reports.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use gokaku::report::formats::Format;
use serde_json::Value;
use support::{gokaku, gokaku_as_root, rich::plant};

/// What a statement is about.
const ABOUT: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        fs::create_dir(bench.at("root")).unwrap();
        plant(&bench.at("root"));
        bench
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Saves a report of the tree as it is.
    fn save(&self, verb: &str, format: &str, name: &str) -> PathBuf {
        let file = self.at(name);
        self.run(verb, &["--format", format, "-o", file.to_str().unwrap()]);
        assert!(fs::metadata(&file).unwrap().len() > 0);
        file
    }

    fn run(&self, verb: &str, args: &[&str]) -> Output {
        let mut command = gokaku();
        command.arg(verb).arg("--root").arg(self.at("root")).args(args).output().unwrap()
    }

    fn gate(&self, verb: &str, baseline: &Path, args: &[&str]) -> (Option<i32>, String) {
        let out = self.run(verb, &[&["--baseline", baseline.to_str().unwrap()], args].concat());
        (out.status.code(), text(&out.stdout) + &text(&out.stderr))
    }

    fn append(&self, file: &str, line: &str) {
        let file = self.at("root").join(file);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(file, text + line).unwrap();
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A document that follows the schema that ships.
fn follows(schema: &str, text: &str) -> Value {
    let document: Value = serde_json::from_str(text).unwrap();
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path = support::repository("docs/schema").join(schema);
    let schema = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(&document, schema).unwrap_or_else(|e| panic!("{e:#}"));
    document
}

fn report(args: &[&str]) -> (Option<i32>, String, String) {
    let out = gokaku().arg("report").args(args).output().unwrap();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

#[test]
fn a_bad_image_that_changes_nothing_passes() {
    let bench = Bench::new();
    assert_eq!(bench.run("audit", &[]).status.code(), Some(2), "it is bad");
    for format in ["json", "baseline"] {
        let baseline = bench.save("audit", format, format);
        let (status, said) = bench.gate("audit", &baseline, &[]);
        assert_eq!(status, Some(0), "{format}: {said}");
        assert!(said.contains("0 worse, 0 unknown, 0 better, 0 other"), "{format}: {said}");
        assert!(!said.contains("gokaku: error"), "{format}: {said}");
        // What a plan would leave is better than what there was.
        let (status, said) = bench.gate("plan", &baseline, &[]);
        assert_eq!(status, Some(0), "{format}: {said}");
        assert!(said.contains("0 worse, 0 unknown") && !said.contains(" 0 better"), "{said}");
    }
}

#[test]
fn one_more_account_in_a_row_that_fails_already_is_stopped() {
    let bench = Bench::new();
    let (known, lines) = (bench.save("audit", "json", "a"), bench.save("audit", "baseline", "b"));
    bench.append("etc/passwd", "mallory:x:1001:1001::/home/eve:/bin/bash\n");
    bench.append("etc/group", "mallory:x:1001:\n");
    bench.append("etc/shadow", "mallory:$6$a$b:17000:0:99999:7:::\n");
    let (status, said) = bench.gate("audit", &known, &["--rule", "5.5.1.1"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("5.5.1.1 worse than the baseline") && said.contains("+account mallory"));
    // Of a row that the lines know as failing they cannot tell; that is said, too.
    let (status, said) = bench.gate("audit", &lines, &["--rule", "5.5.1.1"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("the baseline has no subjects"), "{said}");
    // Nothing of the other rows counts, and none of them has vanished.
    let (status, said) = bench.gate("audit", &known, &["--rule", "1.1.1"]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("0 other"), "{said}");
}

#[test]
fn a_row_that_held_and_does_not_is_stopped_with_either_form() {
    let bench = Bench::new();
    let crontab = bench.at("root/etc/crontab");
    fs::set_permissions(&crontab, fs::Permissions::from_mode(0o600)).unwrap();
    let owned = |bench: &Bench| text(&bench.run("audit", &["--rule", "5.1.2"]).stdout);
    if !owned(&bench).contains(" 1         1  ") {
        return support::skip("a_row_that_held_and_does_not", "the tree needs root's own files");
    }
    for format in ["json", "baseline"] {
        let baseline = bench.save("audit", format, format);
        fs::set_permissions(&crontab, fs::Permissions::from_mode(0o666)).unwrap();
        let (status, said) = bench.gate("audit", &baseline, &[]);
        assert_eq!(status, Some(2), "{said}");
        assert!(said.contains("5.1.2") && said.contains("1 worse"), "{said}");
        // What apply would make good again is no regression of a plan.
        let (status, said) = bench.gate("plan", &baseline, &["--detailed-exitcode"]);
        assert_eq!(status, Some(0), "{said}");
        fs::set_permissions(&crontab, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

#[test]
fn apply_is_gated_by_what_it_leaves() {
    let bench = Bench::new();
    let Some(mut apply) = gokaku_as_root("apply_is_gated_by_what_it_leaves") else { return };
    let before = bench.save("audit", "json", "before.json");
    let state = bench.at("state");
    let out = apply
        .args(["apply", "--root"])
        .arg(bench.at("root"))
        .arg("--state-dir")
        .arg(&state)
        .arg("--baseline")
        .arg(&before)
        .args(["--format", "json", "-o"])
        .arg(bench.at("after.json"))
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    let text = fs::read_to_string(bench.at("after.json")).unwrap();
    let after = follows("report-1.schema.json", &text);
    assert!(after["summary"]["pass"]["not_met"].as_u64().unwrap() > 0, "it is still not perfect");
    let rows = after["comparison"]["rows"].as_array().unwrap();
    assert!(rows.iter().any(|row| row["change"] == "better"), "{rows:?}");
    // And back: everything that was gained is lost.
    let (before, after) = (before.to_str().unwrap(), bench.at("after.json"));
    let (status, said, _) = report(&[before, "--baseline", after.to_str().unwrap()]);
    assert_eq!(status, Some(2), "{said}");
    let (status, said, _) = report(&["--compare", after.to_str().unwrap(), before]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("worse  ") && said.contains("met → not met"), "{said}");
    let args = ["--compare", before, after.to_str().unwrap(), "--format", "json"];
    let compared = follows("comparison-1.schema.json", &report(&args).1);
    assert_eq!(compared["schema"], "gokaku.comparison/1");
    let gained = compared["rows"].as_array().unwrap().iter().find(|row| row["id"] == "6.1.6");
    assert!(gained.is_some_and(|row| row["fewer"][0]["value"] == "/etc/shadow"), "{gained:?}");
}

#[test]
fn what_is_no_baseline_is_refused_before_anything_is_done() {
    let bench = Bench::new();
    let file = bench.at("baseline");
    for (content, want) in [
        ("", "has no rows"),
        ("CIS Ubuntu Linux 24.04 LTS Benchmark\npass: 1.1.1.1 [L1] x\n", "line 1 of the baseline"),
        ("pass: 1.1.1.1 [L1] x\noops\n", "line 2 of the baseline: found `oops`"),
        ("{\"schema\":\"gokaku.list/1\"}", "gokaku.report/1"),
    ] {
        fs::write(&file, content).unwrap();
        for verb in ["audit", "apply"] {
            let state = bench.at("state");
            let state = ["--state-dir", state.to_str().unwrap()];
            let (status, said) =
                bench.gate(verb, &file, if verb == "apply" { &state } else { &[] });
            assert!(status == Some(1) && said.contains(want), "{verb}: {said}");
            assert!(said.contains(file.to_str().unwrap()), "it names the file: {said}");
        }
    }
    assert!(!bench.at("state").exists());
    let (status, said) = bench.gate("audit", &bench.at("nowhere"), &[]);
    assert!(status == Some(1) && said.contains("nowhere: cannot read"), "{said}");
}

#[test]
fn many_reports_make_one_table() {
    let bench = Bench::new();
    let first = bench.save("audit", "json", "first.json");
    bench.append("etc/passwd", "twin:x:1000:1000::/home/eve:/bin/bash\n");
    let second = bench.save("audit", "json", "second.json");
    let files = [first.to_str().unwrap(), second.to_str().unwrap()];
    let (status, said, _) = report(&files);
    assert_eq!(status, Some(0));
    assert!(said.starts_with("first: ") && said.contains("\nsecond: "), "{said}");
    let row = said.lines().find(|line| line.starts_with("6.2.13 ")).unwrap();
    assert!(row.contains("not met 1 (second)"), "{row}");
    let json = report(&[&files[..], &["--format", "json"]].concat()).1;
    let matrix = follows("matrix-1.schema.json", &json);
    assert_eq!(matrix["images"].as_array().unwrap().len(), 2);
    let (status, _, said) = report(&[&files[..], &["--baseline", files[0]]].concat());
    assert!(status == Some(2) && said.contains("6.2.13 worse than the baseline"), "{said}");
    // One report is the report itself.
    let again = report(&[files[0], "--format", "json"]).1;
    assert_eq!(again, fs::read_to_string(&first).unwrap());
    // No report is written over what is read.
    let before = fs::read_to_string(&first).unwrap();
    let (status, _, said) = report(&[files[0], "-o", files[0]]);
    assert!(status == Some(64) && said.contains("is read"), "{said}");
    assert_eq!(fs::read_to_string(&first).unwrap(), before);
}

#[test]
fn same_tree_same_day_same_bytes() {
    let bench = Bench::new();
    for format in Format::ALL {
        let (verb, more): (_, &[&str]) = match format {
            Format::Patch => ("plan", &[]),
            Format::Intoto => ("audit", &["--subject", ABOUT]),
            _ => ("audit", &[]),
        };
        let made = || bench.run(verb, &[&["--format", format.word()], more].concat()).stdout;
        let first = made();
        assert!(first.len() > 100, "{}", format.word());
        assert_eq!(first, made(), "{}", format.word());
    }
    let stamped = bench.run("audit", &["--format", "json", "--stamp"]).stdout;
    let stamp = &follows("report-1.schema.json", &text(&stamped))["stamp"];
    assert!(stamp["time"].as_i64().unwrap() > 1_700_000_000 && stamp["host"].is_string());
    let out = gokaku()
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .args(["audit", "--stamp", "--format", "json", "--root"])
        .arg(bench.at("root"))
        .output()
        .unwrap();
    let stamp = &serde_json::from_slice::<Value>(&out.stdout).unwrap()["stamp"];
    assert_eq!(*stamp, serde_json::json!({"time": 1_700_000_000}));
}
