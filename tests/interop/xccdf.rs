//! XCCDF, read by `xmllint` with the schema and by `oscap`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

use crate::bench::{Bench, HOSTILE};
use crate::patch::{copy, fed};
use crate::support::{gokaku, have, in_overlay, is_root, root, rows};
use crate::tools;

const SCHEMA: &str = "/usr/share/openscap/schemas/xccdf/1.2/xccdf_1.2.xsd";
const RESULT: &str = "xccdf_invalid.gokaku_testresult_audit";

/// What the document has of each row: texts by the names of elements.
type Rows = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The texts in the elements `of` (`Rule` or `rule-result`), by the row of each.
fn read(xml: &str, of: &str) -> Rows {
    let mut reader = Reader::from_str(xml);
    let mut rows = Rows::new();
    let (mut row, mut name, mut text) = (None, String::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => return rows,
            Event::Start(start) => {
                name = start.name().0.to_owned();
                text.clear();
                if name == of {
                    let key = if of == "Rule" { "id" } else { "idref" };
                    let attribute = start.attributes().flatten().find(|a| a.key.0 == key).unwrap();
                    let id = attribute.value.rsplit('_').next().unwrap().to_owned();
                    rows.insert(id.clone(), BTreeMap::new());
                    row = Some(id);
                }
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::GeneralRef(reference) => {
                text.push_str(&quick_xml::escape::unescape(&format!("&{};", &*reference)).unwrap());
            }
            Event::End(end) if end.name().0 == of => row = None,
            Event::End(end) if end.name().0 == name => {
                if let Some(row) = &row {
                    let of_row = rows.get_mut(row).unwrap();
                    of_row.entry(name.clone()).or_default().push(std::mem::take(&mut text));
                }
            }
            _ => {}
        }
    }
}

fn results(xml: &str) -> BTreeMap<String, String> {
    let rows = read(xml, "rule-result").into_iter();
    rows.map(|(id, mut texts)| (id, texts.remove("result").unwrap().remove(0))).collect()
}

fn oscap(args: &[&str], file: &Path) -> Output {
    Command::new("oscap").arg("xccdf").args(args).arg(file).output().unwrap()
}

fn written(bench: &Bench, verb: &str) -> (PathBuf, String) {
    let file = bench.dir().join(format!("{verb}.xml"));
    bench.run(verb, &["--format", "xccdf", "-o", file.to_str().unwrap()]);
    let text = fs::read_to_string(&file).unwrap();
    (file, text)
}

#[test]
fn the_schema_and_oscap_take_it() {
    let test = "the_schema_and_oscap_take_it";
    let schema = format!("{SCHEMA}:openscap-common");
    if !have(test, &["oscap:openscap-scanner", "xmllint:libxml2-utils", &schema]) {
        return;
    }
    let bench = Bench::new();
    for verb in ["audit", "plan"] {
        let (file, text) = written(&bench, verb);
        let mut lint = Command::new("xmllint");
        let lint =
            lint.args(["--noout", "--nonet", "--schema", SCHEMA]).arg(&file).output().unwrap();
        assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stderr));
        let valid = oscap(&["validate"], &file);
        let said = String::from_utf8_lossy(&[valid.stdout, valid.stderr].concat()).into_owned();
        assert!(valid.status.success() && !said.contains("Error"), "{said}");
        // One remark for each row would hide what matters.
        assert!(said.lines().filter(|line| line.starts_with("Warning")).count() < 5, "{said}");
        let page = oscap(&["generate", "report"], &file);
        assert!(page.status.success(), "{}", String::from_utf8_lossy(&page.stderr));
        assert_eq!(String::from_utf8_lossy(&page.stderr), "", "oscap knows all elements");
        let page = String::from_utf8(page.stdout).unwrap();
        assert!(page.contains("1.1.1.1 cramfs cannot be loaded"));
        assert!(!page.contains("<script>alert(1)"), "what a tree says runs nothing");
        assert!(text.contains("&lt;script&gt;") && !text.contains("<script"));
    }
}

#[test]
fn only_what_holds_passes() {
    let bench = Bench::new();
    let (_, text) = written(&bench, "audit");
    let report: Value = serde_json::from_str(&bench.report("audit", "json")).unwrap();
    let found = results(&text);
    for row in report["rules"].as_array().unwrap() {
        let want = match (row["disposition"].as_str().unwrap(), row["outcome"].as_str().unwrap()) {
            ("left_alone", _) => "notselected",
            (_, "met") => "pass",
            (_, "met_vacuously") => "notapplicable",
            (_, "not_met") => "fail",
            (_, "manual") => "notchecked",
            (_, "waived") => "informational",
            (_, outcome) => outcome,
        };
        assert_eq!(found[row["id"].as_str().unwrap()], want, "{}", row["id"]);
    }
    let messages = read(&text, "rule-result");
    let waived = messages["5.3.5"]["message"].join("\n");
    assert!(waived.contains("Waived until never by platform (SEC-1)"), "{waived}");
    assert!(waived.contains(HOSTILE), "{waived}");
    assert!(!text.contains("<override"));
    // What a plan would do is not done yet.
    let (_, planned) = written(&bench, "plan");
    assert_eq!(results(&planned), found);
    // Both are made of one plan.
    let fixes = |text: &str| -> BTreeMap<String, Option<Vec<String>>> {
        read(text, "Rule").into_iter().map(|(id, mut row)| (id, row.remove("fix"))).collect()
    };
    assert_eq!(fixes(&planned), fixes(&text));
}

#[test]
fn the_script_that_oscap_makes_closes_the_rows_that_have_a_fix() {
    let test = "the_script_that_oscap_makes_closes_the_rows_that_have_a_fix";
    let programs = ["oscap:openscap-scanner", "patch:patch", "setfacl:acl", "chage:passwd"];
    if !have(test, &programs) || !is_root(test, "owners of files") {
        return;
    }
    let bench = Bench::new();
    let (file, text) = written(&bench, "audit");
    let made = oscap(&["generate", "fix", "--fix-type", "bash", "--result-id", RESULT], &file);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let script = String::from_utf8(made.stdout).unwrap();
    assert!(!script.contains("$6$a$b"), "a hash is in the script");
    // In ids and in what is written into files, the name may stand; nothing calls the program.
    for line in script.lines().filter(|line| line.contains("gokaku")) {
        let is_remark = line.starts_with(['#', '+', '-', ' ']);
        assert!(is_remark || line.contains("xccdf_invalid.gokaku_"), "{line}");
    }

    let tree = bench.dir().join("fixed");
    copy(&bench.root(), &tree);
    let path = bench.dir().join("fix.sh");
    fs::write(&path, script).unwrap();
    let ran = Command::new("bash").arg(&path).env("ROOT", &tree).output().unwrap();
    let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
    assert!(!said.contains("FAILED") && !said.contains("fuzz"), "{said}");

    let after = gokaku()
        .args(["audit", "--quiet", "--format", "json", "--root"])
        .arg(&tree)
        .arg("--profile")
        .arg(bench.layer())
        .output()
        .unwrap();
    let after: Value = serde_json::from_slice(&after.stdout).unwrap();
    let results = results(&text);
    let mut closed = 0;
    for (id, row) in read(&text, "Rule") {
        let Some(fix) = row.get("fix") else { continue };
        // The tree has no package manager, and no shell to run one.
        let leaves_open = |said: &String| said.starts_with("The script closes a part");
        if fix[0].contains("apt-get")
            || row.get("warning").is_some_and(|w| w.iter().any(leaves_open))
        {
            continue;
        }
        let rows = after["rules"].as_array().unwrap();
        let now = rows.iter().find(|row| row["id"] == *id).unwrap();
        assert_eq!(results[&id], "fail", "{id} has a fix and holds");
        assert!(
            ["met", "met_vacuously"].contains(&now["outcome"].as_str().unwrap()),
            "{id}: {said}"
        );
        closed += 1;
    }
    assert!(closed > 40, "{closed}");
    // What held still holds: no program of the script leaves something open behind.
    for row in after["rules"].as_array().unwrap() {
        let (id, now) = (row["id"].as_str().unwrap(), row["outcome"].as_str().unwrap());
        let held = ["pass", "notapplicable"].contains(&results[id].as_str());
        assert!(!held || ["met", "met_vacuously"].contains(&now), "{id} held before: {now}");
    }
}

/// On a root as it is built, the script comes to what `apply` comes to.
#[test]
fn the_script_does_what_apply_does() {
    let test = "the_script_does_what_apply_does";
    if !have(test, &["oscap:openscap-scanner", "patch:patch"]) {
        return;
    }
    let Some(root) = root(test) else { return };
    let by_script = r#"
gokaku audit -q --root "$GOKAKU_ROOT" --format xccdf -o "$OUT/r.xml" || true
oscap xccdf generate fix --fix-type bash --result-id xccdf_invalid.gokaku_testresult_audit \
    "$OUT/r.xml" >"$OUT/fix.sh"
ROOT=$GOKAKU_ROOT bash "$OUT/fix.sh" >"$OUT/said" 2>&1 || true
gokaku audit -q --root "$GOKAKU_ROOT" --format json -o "$OUT/after.json" || true
"#;
    let by_apply = r#"
gokaku apply -q --root "$GOKAKU_ROOT" --state-dir "$STATE" >/dev/null || true
gokaku audit -q --root "$GOKAKU_ROOT" --format json -o "$OUT/after.json" || true
"#;
    let after = |script: &str| -> Option<BTreeMap<String, Value>> {
        let ran = in_overlay(test, &root, script)?;
        let report = ran.json("after.json");
        let rows = rows(&report).into_iter();
        Some(rows.map(|(id, row)| (id, row["outcome"].clone())).collect())
    };
    let (Some(by_script), Some(by_apply)) = (after(by_script), after(by_apply)) else { return };
    assert!(by_apply.values().filter(|outcome| *outcome == "met").count() > 90);
    assert_eq!(by_script, by_apply);
}

/// The other reader of results.
#[test]
fn oscap_report_takes_it() {
    let package = ["openscap-report==1.0.0"];
    let Some(python) = tools::python("oscap_report_takes_it", &package) else { return };
    let bench = Bench::new();
    let (_, text) = written(&bench, "audit");
    let page = fed(&mut Command::new(python.with_file_name("oscap-report")), text.as_bytes());
    assert!(page.contains("1.1.1.1 cramfs cannot be loaded"));
    assert!(!page.contains("<script>alert(1)"), "what a tree says runs nothing");
}

/// Whatever the day; a time only where it is asked for.
#[test]
fn same_tree_same_bytes() {
    let bench = Bench::new();
    assert_eq!(written(&bench, "audit").1, written(&bench, "audit").1);
    let stamped = |time: &str| {
        let mut program = gokaku();
        program.args(["audit", "--quiet", "--stamp", "--format", "xccdf", "--root"]);
        let out = program.arg(bench.root()).env("SOURCE_DATE_EPOCH", time).output().unwrap();
        String::from_utf8(out.stdout).unwrap()
    };
    assert!(stamped("1796083200").contains("end-time=\"2026-12-01T00:00:00Z\""));
    assert!(!stamped("1796083200").contains("1970-01-01"));
    assert!(written(&bench, "audit").1.contains("1970-01-01T00:00:00Z stands for no time"));
}
