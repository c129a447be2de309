//! Whole runs of the built program on trees with many accounts, each with a home that is to be closed
//! and a password that is to age.
//!
//! `cargo bench --bench accounts`, as root: the figures for 25,000 and 100,000 accounts stand beside
//! each other, and so does the largest memory of each run (MiB), which the last lines give. The
//! trees lie below `target/`.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

const NUMBERS: [u32; 2] = [25_000, 100_000];

fn main() {
    if !is_root() {
        eprintln!("SKIPPED: homes that belong to their accounts are made as root");
        return;
    }
    divan::main();
    for accounts in NUMBERS {
        for verb in ["audit", "plan", "apply"] {
            let tree = Tree::new(accounts);
            eprintln!("{verb}, {accounts} accounts: {} MiB", tree.run(verb));
        }
    }
    drop(fs::remove_dir_all(work()));
}

fn is_root() -> bool {
    let out = Command::new("id").arg("-u").output().expect("id of coreutils");
    out.stdout == b"0\n"
}

fn work() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-accounts")
}

/// A tree with so many accounts, gone when dropped.
struct Tree(PathBuf);

impl Tree {
    fn new(accounts: u32) -> Tree {
        let root = work().join(accounts.to_string());
        drop(fs::remove_dir_all(&root));
        fs::create_dir_all(root.join("etc")).expect("a directory below target/");
        let mut passwd = "root:x:0:0:root:/root:/bin/bash\n".to_owned();
        let mut shadow = "root:*:18000:0:99999:7:::\n".to_owned();
        let mut group = "root:x:0:\nshadow:x:42:\n".to_owned();
        for n in 0..accounts {
            let (name, id) = (format!("u{n:06}"), 1_000 + n);
            let home = format!("/home/{:02}/{name}", n % 97);
            passwd += &format!("{name}:x:{id}:{id}::{home}:/bin/bash\n");
            shadow += &format!("{name}:$6$salt$0123456789012345678901:18000:0:99999:7:::\n");
            group += &format!("{name}:x:{id}:\n");
            let home = root.join(&home[1..]);
            let mut make = fs::DirBuilder::new();
            make.recursive(true).mode(0o755).create(&home).expect("a home");
            chown(&home, Some(id), Some(id)).expect("an owner");
        }
        for (name, text) in [
            ("os-release", "ID=ubuntu\nVERSION_ID=18.04\n"),
            ("passwd", &passwd),
            ("shadow", &shadow),
            ("group", &group),
        ] {
            fs::write(root.join("etc").join(name), text).expect("a file");
        }
        Tree(root)
    }

    /// Runs the program; the largest memory that it had (MiB).
    fn run(&self, verb: &str) -> u64 {
        let mut command = Command::new("sh");
        // The kernel keeps the peak; a program that has ended has none any more.
        let script = r#""$@" >/dev/null 2>&1 & pid=$!; peak=0
            while now=$(awk '/VmHWM/ {print $2}' /proc/$pid/status 2>/dev/null) && [ "$now" ]; do
                peak=$now
                sleep 0.02
            done
            echo $peak"#;
        command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_gokaku"), verb, "--root"]);
        command.arg(&self.0);
        if verb == "apply" {
            command.arg("--state-dir").arg(self.0.with_extension("state"));
        }
        let out = command.output().expect("a shell");
        let peak = String::from_utf8_lossy(&out.stdout).trim().parse::<u64>().unwrap_or(0);
        assert!(peak > 0, "{verb}: {}", String::from_utf8_lossy(&out.stderr));
        peak >> 10
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
        drop(fs::remove_dir_all(self.0.with_extension("state")));
    }
}

#[divan::bench(args = NUMBERS, sample_count = 1, sample_size = 1)]
fn audit(bencher: divan::Bencher, accounts: u32) {
    let tree = Tree::new(accounts);
    bencher.bench_local(|| tree.run("audit"));
}

#[divan::bench(args = NUMBERS, sample_count = 1, sample_size = 1)]
fn plan(bencher: divan::Bencher, accounts: u32) {
    let tree = Tree::new(accounts);
    bencher.bench_local(|| tree.run("plan"));
}

#[divan::bench(args = NUMBERS, sample_count = 1, sample_size = 1)]
fn apply(bencher: divan::Bencher, accounts: u32) {
    let tree = Tree::new(accounts);
    bencher.bench_local(|| tree.run("apply"));
}
