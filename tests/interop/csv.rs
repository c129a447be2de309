//! CSV, read by Python's own module.

use std::process::Command;

use serde_json::Value;

use crate::bench::Bench;

const READ: &str = "import csv, json, sys\n\
    json.dump(list(csv.DictReader(open(sys.argv[1], newline='', encoding='utf-8'), strict=True)), sys.stdout)";

#[test]
fn each_finding_is_a_line_and_no_cell_a_formula() {
    let bench = Bench::new();
    let root = bench.root();
    let passwd = std::fs::read_to_string(root.join("etc/passwd")).unwrap();
    std::fs::write(root.join("etc/passwd"), passwd + "=cmd:x:1001:1000::/home/eve:/bin/sh\n")
        .unwrap();
    let file = bench.dir().join("r.csv");
    std::fs::write(&file, bench.report("audit", "csv")).unwrap();
    let out = Command::new("python3").args(["-c", READ]).arg(&file).output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let lines: Vec<Value> = serde_json::from_slice(&out.stdout).unwrap();
    let json: Value = serde_json::from_str(&bench.report("audit", "json")).unwrap();
    let size = |list: &Value| list.as_array().map_or(0, Vec::len);
    let rows = json["rules"].as_array().unwrap();
    let want = |row: &Value| (size(&row["gaps"]) + size(&row["beneath"]["gaps"])).max(1);
    assert_eq!(lines.len(), rows.iter().map(want).sum::<usize>());
    for line in &lines {
        for (name, cell) in line.as_object().unwrap() {
            assert!(
                !cell.as_str().unwrap().starts_with(['=', '+', '-', '@', '\t']),
                "{name}: {cell}"
            );
        }
    }
    let waived: Vec<&Value> = lines.iter().filter(|line| line["row"] == "5.3.5").collect();
    assert_eq!(
        (waived[0]["outcome"].as_str(), waived[0]["waived_by"].as_str()),
        (Some("waived"), Some("platform"))
    );
    assert!(lines.iter().any(|line| line["waiver_reason"].as_str().unwrap().contains("<script>")));
}
