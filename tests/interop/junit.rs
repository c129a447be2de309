//! JUnit XML, read by junitparser.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::bench::{Bench, HOSTILE};
use crate::tools;

const COUNT: &str = r#"
import json, sys
from junitparser import JUnitXml
xml = JUnitXml.fromfile(sys.argv[1])
cases = [case for suite in xml for case in suite]
kinds = [case.result[0].__class__.__name__ if case.result else "pass" for case in cases]
json.dump({
    "told": [xml.tests, xml.failures, xml.errors, xml.skipped],
    "suites": [[s.tests, s.failures, s.errors, s.skipped, len(list(s))] for s in xml],
    "counts": {kind: kinds.count(kind) for kind in set(kinds)},
    "cases": {case.name.split()[0]: [kind, case.result[0].message or "" if case.result else "",
        case.result[0].text or "" if case.result else ""] for case, kind in zip(cases, kinds)},
}, sys.stdout)
"#;

fn read(python: &std::path::Path, file: &std::path::Path) -> Value {
    let out = Command::new(python).args(["-c", COUNT]).arg(file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn junitparser_counts_what_the_report_counts() {
    let test = "junitparser_counts_what_the_report_counts";
    let Some(python) = tools::python(test, &["junitparser==5.0.3"]) else { return };
    let bench = Bench::new();
    let file = bench.dir().join("r.xml");
    fs::write(&file, bench.report("audit", "junit")).unwrap();
    let json: Value = serde_json::from_str(&bench.report("audit", "json")).unwrap();
    let (pass, rows) = (&json["summary"]["pass"], json["rules"].as_array().unwrap().len() as u64);
    let count = |name: &str| pass[name].as_u64().unwrap();
    let seen = read(&python, &file);
    let (failed, met, unknown) = (count("not_met"), count("met"), count("unknown"));
    let skipped = rows - failed - met - unknown;
    assert_eq!(seen["told"], serde_json::json!([rows, failed, unknown, skipped]));
    assert_eq!(seen["counts"]["pass"], met, "only what is met passes");
    assert_eq!(seen["counts"]["Failure"], failed);
    assert_eq!(seen["counts"]["Skipped"], skipped);
    for suite in seen["suites"].as_array().unwrap() {
        assert_eq!(suite[0], suite[4], "{suite}");
    }
    let waived = &seen["cases"]["5.3.5"];
    assert_eq!(waived[0], "Skipped");
    let why = waived[1].as_str().unwrap();
    assert!(why.contains("Waived until never by platform") && why.contains(HOSTILE), "{why}");
    let text = seen["cases"]["5.3.7"][2].as_str().unwrap();
    assert!(text.contains("\n/etc/ssh/sshd_config:4: found "), "{text}");

    let saved = bench.dir().join("r.json");
    let saved = saved.to_str().unwrap();
    bench.run("audit", &["--format", "json", "-o", saved]);
    let copy = bench.dir().join("s.json");
    fs::copy(saved, &copy).unwrap();
    let out = crate::support::gokaku()
        .args(["report", saved, copy.to_str().unwrap(), "--format", "junit"])
        .output()
        .unwrap();
    fs::write(&file, out.stdout).unwrap();
    let two = read(&python, &file);
    assert_eq!(two["told"], serde_json::json!([2 * rows, 2 * failed, 2 * unknown, 2 * skipped]));
}
