//! HDF, loaded by Heimdall Lite in a browser.

use std::process::Command;

use serde_json::Value;

use crate::bench::Bench;
use crate::support::{have, repository};
use crate::tools;

/// The version that works: later ones have been published broken.
const PACKAGES: [&str; 2] = ["@mitre/heimdall-lite@2.11.3", "playwright-core@1.49.1"];

/// How many rows of a report fulfil something.
fn count(report: &Value, is: impl Fn(&Value) -> bool) -> u64 {
    report["rules"].as_array().unwrap().iter().filter(|row| is(row)).count() as u64
}

fn is_enforced(row: &Value) -> bool {
    row["disposition"] != "left_alone"
}

#[test]
fn heimdall_counts_what_the_report_counts() {
    let test = "heimdall_counts_what_the_report_counts";
    if !have(test, &["chromium:chromium", "node:nodejs", "npm:npm"]) {
        return;
    }
    let Some(modules) = tools::node(test, &PACKAGES) else { return };
    let bench = Bench::new();
    let file = bench.dir().join("hdf.json");
    bench.run("audit", &["--format", "hdf", "-o", file.to_str().unwrap()]);
    let report: Value = serde_json::from_str(&bench.report("audit", "json")).unwrap();
    let out = Command::new("node")
        .arg(repository("tests/interop/hdf.mjs"))
        .arg(modules)
        .args(["/usr/bin/chromium".as_ref(), file.as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let shown: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));

    let of = |outcome: &'static str| {
        count(&report, move |row| is_enforced(row) && row["outcome"] == outcome)
    };
    assert_eq!(shown["passed"], of("met"), "{shown}");
    assert_eq!(shown["failed"], of("not_met"), "{shown}");
    assert_eq!(shown["not_applicable"], of("met_vacuously") + of("waived"), "{shown}");
    let left_alone = count(&report, |row| !is_enforced(row));
    assert_eq!(shown["not_reviewed"], of("manual") + of("unknown") + left_alone, "{shown}");
    assert_eq!(shown["errors"], 0, "{shown}");
    assert_eq!(shown["waived"], of("waived"), "{shown}");
    assert_eq!(shown["dialogs"], serde_json::json!([]), "what a tree says runs nothing: {shown}");
    assert!(of("waived") > 0 && of("met_vacuously") > 0 && of("manual") > 0);
}

/// What a plan would do is not done yet, and nothing but the run's kind is another.
#[test]
fn a_plan_is_judged_as_the_tree_is() {
    let bench = Bench::new();
    let results = |verb: &str| -> Vec<(String, String, f64)> {
        let hdf: Value = serde_json::from_str(&bench.report(verb, "hdf")).unwrap();
        let controls = hdf["profiles"][0]["controls"].as_array().unwrap();
        controls
            .iter()
            .map(|control| {
                let text = |value: &Value| value.as_str().unwrap().to_owned();
                let status = text(&control["results"][0]["status"]);
                (text(&control["id"]), status, control["impact"].as_f64().unwrap())
            })
            .collect()
    };
    assert_eq!(results("audit"), results("plan"));
}
