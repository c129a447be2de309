//! Trees whose reports have one of everything: rows of each outcome, a waiver, texts that mean
//! something to the formats.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::support::{gokaku, rich::plant};

/// What a tree says that a page, a document or a table must show and not run.
pub const HOSTILE: &str = "<script>alert(1)</script>\"]]>&amp;=cmd|'/c'!A0,`$(x)`|";

/// A tree, and a site's layer that waives a row of it.
pub struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    pub fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.root()).unwrap();
        plant(&bench.root());
        let banner = bench.root().join("etc/ssh/sshd_config");
        let text = fs::read_to_string(&banner).unwrap();
        fs::write(banner, format!("{text}MaxAuthTries {HOSTILE}\nLogLevel DEBUG\n")).unwrap();
        fs::write(bench.root().join("etc/motd"), format!("\\m {HOSTILE}\n")).unwrap();
        fs::write(
            bench.layer(),
            format!(
                "extends = \"aks-ubuntu-18.04\"\n[[waive]]\nrule = \"5.3.5\"\nby = \"platform\"\n\
                 until = \"never\"\nreason = {HOSTILE:?}\nticket = \"SEC-1\"\n"
            ),
        )
        .unwrap();
        bench
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn root(&self) -> PathBuf {
        self.dir().join("root")
    }

    pub fn layer(&self) -> PathBuf {
        self.dir().join("site.toml")
    }

    /// The program on the tree, with the layer; it must be able to judge.
    pub fn run(&self, verb: &str, args: &[&str]) -> Output {
        let out = gokaku()
            .arg(verb)
            .args(["--quiet", "--root"])
            .arg(self.root())
            .arg("--profile")
            .arg(self.layer())
            .args(args)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        let told = !out.stdout.is_empty() || args.contains(&"-o");
        assert!(told && matches!(out.status.code(), Some(0..=2)), "{:?} {said}", out.status);
        out
    }

    /// The report in a format.
    pub fn report(&self, verb: &str, format: &str) -> String {
        String::from_utf8(self.run(verb, &["--format", format]).stdout).unwrap()
    }
}

#[test]
fn the_tree_has_rows_of_each_outcome() {
    let json: serde_json::Value =
        serde_json::from_str(&Bench::new().report("audit", "json")).unwrap();
    let rows = json["rules"].as_array().unwrap();
    for want in ["met", "met_vacuously", "not_met", "manual", "waived", "unmeasured"] {
        assert!(rows.iter().any(|row| row["outcome"] == want), "{want}");
    }
    assert!(json.to_string().contains("<script>"));
}
