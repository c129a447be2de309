//! Roots that are archives: every verdict is that of the unpacked tree, byte for byte in the report, and
//! an archive is only read.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/mod.rs"]
mod support;

mod cases_alike;
mod command_line;
mod pack;
mod real;
mod trees;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// The whole report of a verb on a root, but for the name of the root.
fn report(verb: &str, root: &str) -> Value {
    let mut command = support::gokaku();
    command.args([verb, "--survey", "--format", "json", "-q", "--root", root]);
    let out = command.output().unwrap();
    let status = out.status.code();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(matches!(status, Some(0..=2)) && !out.stdout.is_empty(), "{root}: {stderr}");
    let mut report: Value = serde_json::from_slice(&out.stdout).unwrap();
    report["target"]["root"] = Value::Null;
    report["status"] = status.into();
    report
}

/// Panics unless two reports say the same; names the first rows that differ.
fn alike(what: &str, found: &Value, want: &Value) {
    if found == want {
        return;
    }
    let rows = |report: &Value| report["rules"].as_array().cloned().unwrap_or_default();
    let pairs = rows(found).into_iter().zip(rows(want)).filter(|(a, b)| a != b);
    let pairs: Vec<_> = pairs.take(3).map(|(a, b)| format!("{a:#}\nand not\n{b:#}")).collect();
    panic!("{what}: {} rows differ, as\n{}", pairs.len(), pairs.join("\n"));
}

/// Runs a script of POSIX shell in a directory, with the built program on the path.
fn shell(dir: &Path, script: &str) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_gokaku")).parent().unwrap().display();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command.args(["-euc", script]).current_dir(dir).env("LC_ALL", "C.UTF-8");
    command.env("PATH", format!("{bin}:{path}")).output().unwrap()
}

fn succeeded(out: &Output) {
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
}
