//! The in-toto statement, read by in-toto's own library.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::bench::Bench;
use crate::patch::fed;
use crate::support::gokaku;
use crate::tools;

const PACKAGE: &str = "in-toto-attestation==0.9.3";

/// Reads the statement into the library's type, which refuses fields that it does not know, and
/// validates it.
const READ: &str = "import json, sys
import google.protobuf.json_format as form
import in_toto_attestation.v1.statement_pb2 as pb
from in_toto_attestation.v1.statement import Statement
read = form.Parse(sys.stdin.read(), pb.Statement())
Statement.copy_from_pb(read).validate()
print(json.dumps([[s.name, dict(s.digest)] for s in read.subject]))
print(read.predicate_type, read.type)
";

#[test]
fn the_library_reads_and_validates_it() {
    let bench = Bench::new();
    let image = bench.dir().join("disk image.raw");
    fs::write(&image, "abc").unwrap();
    // The digest of `abc` is in the standard.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let other = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
    let digest = format!("sha256:{other}");
    let file = bench.dir().join("statement.json");
    let subjects = ["--subject", image.to_str().unwrap(), "--subject", &digest];
    let args = [&["--format", "intoto", "-o", file.to_str().unwrap()], &subjects[..]].concat();
    bench.run("audit", &args);
    let text = fs::read_to_string(&file).unwrap();
    let statement: Value = serde_json::from_str(&text).unwrap();
    let report: Value = serde_json::from_str(&bench.report("audit", "json")).unwrap();
    let predicate = &statement["predicate"];
    for key in ["tool", "profile", "summary", "target", "mode"] {
        assert_eq!(predicate[key], report[key], "{key}");
    }
    assert_eq!(predicate["status"], 2);
    assert_eq!(predicate["profile"]["sha256"].as_str().unwrap().len(), 64);
    assert!(predicate.get("stamp").is_none());
    bench.run("audit", &args);
    assert_eq!(fs::read_to_string(&file).unwrap(), text, "same tree, same bytes");

    let Some(python) = tools::python("the_library_reads_and_validates_it", &[PACKAGE]) else {
        return;
    };
    let said = fed(Command::new(python).args(["-c", READ]), text.as_bytes());
    let (read, types) = said.split_once('\n').unwrap();
    let read: Value = serde_json::from_str(read).unwrap();
    let want = serde_json::json!([
        ["disk image.raw", { "sha256": abc }],
        ["", { "sha256": other.to_lowercase() }],
    ]);
    assert_eq!(read, want);
    let types: Vec<&str> = types.split_whitespace().collect();
    let want =
        ["https://gokaku.invalid/attestation/hardening/v1", "https://in-toto.io/Statement/v1"];
    assert_eq!(types, want);
}

#[test]
fn a_statement_is_about_something() {
    let bench = Bench::new();
    let dir = bench.dir().to_str().unwrap().to_owned();
    for (args, status, want) in [
        (&["--format", "intoto"][..], 64, "--subject FILE or --subject sha256:HEX"),
        (&["--subject", "sha256:00"], 64, "64 hexadecimal digits"),
        (&["--subject", &format!("sha256:{:064}", 0)], 64, "no --format intoto"),
        (&["--format", "intoto", "--subject", "/none/at/all"], 1, "/none/at/all"),
        (&["--format", "intoto", "--subject", &dir], 64, "no regular file"),
    ] {
        let mut program = gokaku();
        program.args(["audit", "--root"]).arg(bench.root()).args(args);
        let out = program.output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(status), "{args:?}: {said}");
        assert!(said.contains(want) && out.stdout.is_empty(), "{args:?}: {said}");
    }
}
