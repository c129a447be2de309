//! The shell of `docs/ci.md`, taken out of it and run as it stands; the agents' own commands are
//! stand-ins that note what they are asked.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use crate::support::{bare_command, repository, rich::plant};

/// The shell of each block with a mark, in its order.
fn shell() -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(repository("docs/ci.md")).unwrap();
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut mark = None;
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(named) = line.strip_prefix("<!-- ").and_then(|l| l.strip_suffix(" -->")) {
            mark = named.split_once(": ");
        } else if line.starts_with("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|l| *l != "```").collect();
            let (kind, name) = mark.take().expect("each block of docs/ci.md has a mark");
            let shell = match kind {
                "recipe" => vec![block.join("\n")],
                _ => scalars(&block),
            };
            assert!(!shell.is_empty(), "{name} has no shell");
            all.insert(name.to_owned(), shell);
        }
    }
    all
}

/// The texts behind `run: |`, `bash: |` and `- |` of YAML.
fn scalars(block: &[&str]) -> Vec<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut all = Vec::new();
    let mut at = 0;
    while at < block.len() {
        let head = block[at];
        at += 1;
        if !head.ends_with("run: |") && !head.ends_with("bash: |") && !head.ends_with("- |") {
            continue;
        }
        let depth = indent(block[at]);
        let body: Vec<&str> =
            block[at..].iter().take_while(|line| indent(line) >= depth).copied().collect();
        at += body.len();
        all.push(body.iter().map(|line| format!("{}\n", &line[depth..])).collect());
    }
    all
}

/// A checkout with an image, as the page says.
struct Checkout(tempfile::TempDir);

impl Checkout {
    fn new() -> Checkout {
        let checkout = Checkout(tempfile::tempdir().unwrap());
        fs::create_dir(checkout.at("root")).unwrap();
        plant(&checkout.at("root"));
        fs::write(checkout.at("image.vhd"), "an image").unwrap();
        fs::create_dir(checkout.at("bin")).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gokaku"), checkout.at("bin/gokaku"))
            .unwrap();
        for agent in ["gh", "curl"] {
            let path = checkout.at("bin").join(agent);
            fs::write(&path, "#!/bin/sh\necho \"$0 $*\" >>asked\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        checkout
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn run(&self, shell: &str) -> Output {
        let path = std::env::var("PATH").unwrap_or_default();
        bare_command("bash")
            .args(["-euo", "pipefail", "-c", shell])
            .current_dir(self.0.path())
            .env("PATH", format!("{}:{path}", self.at("bin").display()))
            .envs([("NUMBER", "7"), ("CI_MERGE_REQUEST_IID", "7"), ("CI_PROJECT_ID", "1")])
            .envs([("CI_API_V4_URL", "u"), ("GOKAKU_NOTE_TOKEN", "t"), ("SYSTEM_ACCESSTOKEN", "t")])
            .envs([("SYSTEM_COLLECTIONURI", "u/"), ("SYSTEM_TEAMPROJECT", "p")])
            .envs([("BUILD_REPOSITORY_ID", "r"), ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7")])
            .output()
            .unwrap()
    }

    fn passes(&self, shell: &str) {
        let out = self.run(shell);
        assert!(out.status.success(), "{shell}\n{}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn each_pipeline_passes_an_image_that_is_as_it_was_and_stops_one_that_is_worse() {
    let all = shell();
    for name in ["github", "gitlab", "azure"] {
        let checkout = Checkout::new();
        checkout.passes(&all["baseline"][0]);
        assert!(
            fs::read_to_string(checkout.at("gokaku-baseline.txt")).unwrap().contains("\nfail: ")
        );
        let [gate, comment] = &all[name][..] else { panic!("{name}: a gate and a comment") };
        checkout.passes(gate);
        checkout.passes(comment);
        let asked = fs::read_to_string(checkout.at("asked")).unwrap();
        assert!(asked.contains("gokaku.md") || asked.contains("thread.json"), "{asked}");
        for report in ["gokaku.md", "gokaku.html"] {
            assert!(fs::metadata(checkout.at(report)).unwrap().len() > 1_000, "{name}: {report}");
        }
        let passwd = checkout.at("root/etc/passwd");
        let text = fs::read_to_string(&passwd).unwrap();
        fs::write(passwd, text + "twin:x:1000:1000::/home/eve:/bin/bash\n").unwrap();
        let stopped = checkout.run(gate);
        let said = String::from_utf8_lossy(&stopped.stderr);
        assert_eq!(stopped.status.code(), Some(2), "{name}: {said}");
        assert!(said.contains("worse than the baseline"), "{said}");
        assert!(fs::read_to_string(checkout.at("gokaku.md")).unwrap().contains("6.2.13"), "{name}");
    }
}

#[test]
fn the_statement_is_about_the_image() {
    let checkout = Checkout::new();
    checkout.passes(&shell()["attest"][0]);
    let statement = fs::read_to_string(checkout.at("gokaku.intoto.json")).unwrap();
    assert!(statement.contains("\"image.vhd\""), "{statement}");
}
