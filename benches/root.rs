//! Whole runs of the built program on a copy of a real root filesystem, warm.
//!
//! `cargo bench` takes the root that `tests/standin-root.sh` has ready (or `GOKAKU_STANDIN`); as
//! root, or inside `unshare -Ur --map-auto`. `apply` starts from a fresh /etc each time; the copy
//! lies below `target/`, on the disk, so the times include every fsync.
#![allow(clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use gokaku::plan;
use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::DiskRootfs;

fn main() {
    let Some(root) = ROOT.as_deref() else {
        eprintln!("SKIPPED: no test root is ready; `tests/standin-root.sh` makes one");
        return;
    };
    eprintln!("on a copy of {}", root.display());
    divan::main();
    drop(std::fs::remove_dir_all(work()));
}

static ROOT: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    if let Some(path) = std::env::var_os("GOKAKU_STANDIN") {
        return Some(path.into());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/standin-root.sh");
    let out = Command::new(script).arg("--ready").output().ok()?;
    let path = String::from_utf8(out.stdout).ok()?;
    out.status.success().then(|| path.trim_end().into())
});

/// The copy that is worked on.
static COPY: LazyLock<PathBuf> = LazyLock::new(|| {
    let copy = work().join("root");
    drop(std::fs::remove_dir_all(work()));
    std::fs::create_dir_all(work()).expect("a directory below target/");
    run(Command::new("cp").arg("-a").arg(original()).arg(&copy));
    copy
});

fn original() -> &'static Path {
    ROOT.as_deref().expect("main has looked")
}

fn work() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-root")
}

fn run(command: &mut Command) {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.code().is_some_and(|c| c <= 2), "{command:?}: {status}");
}

/// As before any apply. Everything an apply changes on the stand-in lies in these two.
fn reset() {
    for dir in ["etc", "var/lib/pam"] {
        let (from, to) = (original().join(dir), COPY.join(dir));
        run(Command::new("rm").arg("-rf").arg(&to));
        run(Command::new("cp").arg("-a").arg(from).arg(to));
    }
}

fn gokaku(verb: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gokaku"));
    command.arg(verb).arg("--root").arg(&*COPY);
    if verb == "apply" {
        command.arg("--state-dir").arg(work().join("state"));
    }
    command
}

#[divan::bench]
fn process_audit(bencher: divan::Bencher) {
    reset();
    bencher.bench(|| run(&mut gokaku("audit")));
}

#[divan::bench]
fn process_plan(bencher: divan::Bencher) {
    reset();
    bencher.bench(|| run(&mut gokaku("plan")));
}

#[divan::bench(sample_count = 20)]
fn process_first_apply(bencher: divan::Bencher) {
    bencher.with_inputs(reset).bench_values(|()| run(&mut gokaku("apply")));
}

#[divan::bench]
fn process_second_apply(bencher: divan::Bencher) {
    reset();
    run(&mut gokaku("apply"));
    bencher.bench(|| run(&mut gokaku("apply")));
}

#[divan::bench]
fn library_profile() -> Profile {
    Profile::embedded().expect("the embedded profile is good")
}

#[divan::bench]
fn library_audit(bencher: divan::Bencher) {
    reset();
    let profile = Profile::embedded().expect("the embedded profile is good");
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    bencher.bench(|| {
        let root = DiskRootfs::open(&*COPY).expect("the copy");
        plan::audit(&rules, &root)
    });
}
