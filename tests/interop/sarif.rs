//! SARIF, validated by Microsoft's own tool and read by sarif-tools.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use serde_json::Value;

use crate::bench::Bench;
use crate::tools;

fn results(sarif: &Value) -> &[Value] {
    sarif["runs"][0]["results"].as_array().unwrap()
}

#[test]
fn the_validator_finds_no_fault() {
    let test = "the_validator_finds_no_fault";
    let Some(modules) = tools::node(test, &["@microsoft/sarif-multitool@5.7.0"]) else { return };
    let tool = modules.join("@microsoft/sarif-multitool-linux/Sarif.Multitool");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let bench = Bench::new();
    for lang in ["en", "ja"] {
        let file = bench.dir().join("r.sarif");
        let out = bench.run("audit", &["--format", "sarif", "--lang", lang]);
        fs::write(&file, out.stdout).unwrap();
        let found = bench.dir().join("v.sarif");
        let out = Command::new(&tool)
            .env("DOTNET_SYSTEM_GLOBALIZATION_INVARIANT", "1")
            .arg("validate")
            .arg(&file)
            .args([
                "--level",
                "Error;Warning",
                "--kind",
                "Fail",
                "--rule-kind",
                "Sarif;Ghas",
                "--log",
                "ForceOverwrite",
                "--output",
            ])
            .arg(&found)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stdout).into_owned();
        let text = fs::read_to_string(&found).unwrap_or_else(|e| panic!("{e}: {said}"));
        let found: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap();
        let errors: Vec<&Value> =
            results(&found).iter().filter(|result| result["level"] == "error").collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn each_open_finding_is_a_result_and_nothing_else_fails() {
    let bench = Bench::new();
    let sarif: Value = serde_json::from_str(&bench.report("audit", "sarif")).unwrap();
    let json: Value = serde_json::from_str(&bench.report("audit", "json")).unwrap();
    let rows = json["rules"].as_array().unwrap();
    let of = |outcome: &str, enforced: bool| -> BTreeSet<&str> {
        let wanted = |row: &&Value| {
            row["outcome"] == outcome && (row["disposition"] != "left_alone") == enforced
        };
        rows.iter().filter(wanted).map(|row| row["id"].as_str().unwrap()).collect()
    };
    let failing: BTreeSet<&str> = results(&sarif)
        .iter()
        .filter(|result| result["kind"] == "fail" && result.get("suppressions").is_none())
        .map(|result| result["ruleId"].as_str().unwrap())
        .collect();
    assert_eq!(failing, of("not_met", true));
    let suppressed: BTreeSet<&str> = results(&sarif)
        .iter()
        .filter(|result| result.get("suppressions").is_some())
        .map(|result| result["ruleId"].as_str().unwrap())
        .collect();
    assert_eq!(suppressed, of("waived", true));
    let named: BTreeSet<&str> =
        results(&sarif).iter().map(|result| result["ruleId"].as_str().unwrap()).collect();
    assert!(of("met", true).is_disjoint(&named) && of("met_vacuously", true).is_disjoint(&named));
    let gaps: usize = rows
        .iter()
        .filter(|row| row["outcome"] == "not_met" && row["disposition"] != "left_alone")
        .map(|row| row["gaps"].as_array().unwrap().len())
        .sum();
    let fails = results(&sarif)
        .iter()
        .filter(|result| result["kind"] == "fail" && result.get("suppressions").is_none())
        .count();
    assert_eq!(fails, gaps, "a result for each gap");
    let prints: BTreeSet<&str> = results(&sarif)
        .iter()
        .map(|result| result["partialFingerprints"]["gokaku/v1"].as_str().unwrap())
        .collect();
    assert_eq!(prints.len(), results(&sarif).len(), "each has a fingerprint of its own");
}

#[test]
fn sarif_tools_read_it() {
    let Some(python) = tools::python("sarif_tools_read_it", &["sarif-tools==3.0.5"]) else {
        return;
    };
    let bench = Bench::new();
    let file = bench.dir().join("r.sarif");
    fs::write(&file, bench.report("audit", "sarif")).unwrap();
    let out = Command::new(python)
        .args(["-m", "sarif", "summary"])
        .arg(&file)
        .env("HOME", bench.dir())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(
        said.contains("\nerror: ") && said.contains("5.3.11 sshd refuses"),
        "{said} {:?}",
        out.stderr
    );
}
