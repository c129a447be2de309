//! The library as another crate uses it: few lines harden a root, the guards are in the way, and the
//! command line stays out.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

mod support;

// The example is a program: its `main` is not run here.
#[allow(dead_code)]
#[path = "../examples/harden.rs"]
mod example;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use gokaku::report::Outcome;
use gokaku::rootfs::DiskRootfs;
use gokaku::run::{self, Hardening, Options};
use gokaku::{Error, Profile, testing};

/// A small tree with a login that some rows would end, and one that is wrong.
fn tree(os: &str) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("etc/os-release", os),
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\n"),
        ("etc/group", "root:x:0:\n"),
        ("etc/shadow", "root:$6$salt$hash:19000:0:99999:7:::\n"),
        ("etc/ssh/sshd_config", "PermitRootLogin yes\n"),
        ("bin/sh", ""),
        ("usr/sbin/sshd", ""),
        ("root/.ssh/authorized_keys", "ssh-ed25519 AAAA root\n"),
    ] {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    for (path, mode) in [
        ("", 0o755),
        ("bin/sh", 0o755),
        ("usr/sbin/sshd", 0o755),
        ("root/.ssh/authorized_keys", 0o600),
    ] {
        fs::set_permissions(tree.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
    }
    tree
}

const BIONIC: &str = "ID=ubuntu\nVERSION_ID=\"18.04\"\n";

/// Every file below a directory, with its content.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => out.extend(files(&path)),
            false => out.push((path.display().to_string(), fs::read(&path).unwrap())),
        }
    }
    out.sort();
    out
}

#[test]
fn the_example_hardens_a_root_in_fewer_than_20_lines() {
    if !support::as_root("the_example_hardens_a_root_in_fewer_than_20_lines") {
        return;
    }
    let (tree, state) = (tree(BIONIC), tempfile::tempdir().unwrap());
    let report = example::harden(tree.path(), state.path()).unwrap();
    testing::assert_rows_hold(&report, &["5.3.10", "1.1.1.1"]);
    let sshd = fs::read_to_string(tree.path().join("etc/ssh/sshd_config")).unwrap();
    assert!(sshd.contains("PermitRootLogin no"), "{sshd}");
    let again = example::harden(tree.path(), state.path()).unwrap();
    assert!(again.changes.is_empty(), "{:?}", again.changes);
    // And back.
    let root = DiskRootfs::open(tree.path()).unwrap();
    let options = Options::new().state_dir(state.path());
    let reverted = run::revert(&root, &options).unwrap();
    assert!(reverted.paths.len() == report.changes.len(), "{:?}", reverted.paths);
    let sshd = fs::read_to_string(tree.path().join("etc/ssh/sshd_config")).unwrap();
    assert_eq!(sshd, "PermitRootLogin yes\n");
    assert_eq!(run::forget(&root, &options).unwrap(), 0, "the only run was taken back");
    let text = fs::read_to_string(support::repository("examples/harden.rs")).unwrap();
    let body = text.split("pub fn harden").nth(1).unwrap().split("\n}\n").next().unwrap();
    assert!(body.lines().count() < 20, "{body}");
}

#[test]
fn every_guard_is_in_the_way_and_says_which() {
    if !support::as_root("every_guard_is_in_the_way_and_says_which") {
        return;
    }
    let profile = Profile::embedded().unwrap();
    let state = tempfile::tempdir().unwrap();
    let options = || Options::new().state_dir(state.path()).wait(Duration::ZERO);
    let refused = |tree: &tempfile::TempDir, options: &Options| {
        let before = files(tree.path());
        let root = DiskRootfs::open(tree.path()).unwrap();
        let why = run::harden(&profile, &root, options).unwrap_err();
        assert_eq!(files(tree.path()), before, "{why}");
        why
    };

    let other = tree("ID=debian\nVERSION_ID=11\n");
    let why = refused(&other, &options());
    assert!(matches!(why, Error::OtherSystem(_)) && why.is_refusal(), "{why}");
    let root = DiskRootfs::open(other.path()).unwrap();
    for answer in [run::audit(&profile, &root, &options()), run::plan(&profile, &root, &options())]
    {
        assert!(matches!(answer.unwrap_err(), Error::OtherSystem(_)), "a report around the guard");
    }
    assert!(run::audit(&profile, &root, &options().force_target(true)).is_ok());

    let right = tree(BIONIC);
    let only = |options: Options| options.only(["5.3.10".parse().unwrap()]);
    let protected = || only(options()).protect("root");
    let why = refused(&right, &protected());
    assert!(matches!(why, Error::Lockout(_)) && why.to_string().contains("5.3.10"), "{why}");
    let root = DiskRootfs::open(right.path()).unwrap();
    let plan = run::plan(&profile, &root, &protected()).unwrap();
    assert_eq!(plan.changes.len(), 1, "a plan may be looked at");

    let none = only(Options::new()).only(["5.33".parse().unwrap()]);
    let why = run::audit(&profile, &root, &none).unwrap_err();
    assert!(
        matches!(&why, Error::NoSuchRow { nearest: Some(_), .. }) && !why.is_refusal(),
        "{why}"
    );

    // What is planned is held until it is applied or dropped.
    let allowed = protected().allow_lockout(true);
    let hardening = Hardening::begin(&profile, &root, &allowed).unwrap();
    let second = DiskRootfs::open(right.path()).unwrap();
    let why = run::harden(&profile, &second, &allowed).unwrap_err();
    assert!(matches!(why, Error::Guard(_)), "{why}");
    let planned = hardening.plan();
    let done = hardening.apply().unwrap();
    let paths = |report: &gokaku::Report| -> Vec<String> {
        report.changes.iter().map(|change| change.path.to_string()).collect()
    };
    assert_eq!(paths(&done.report), paths(&planned));
    let row = done.report.row(&"5.3.10".parse().unwrap()).unwrap();
    assert_eq!((row.outcome, row.before), (Outcome::Met, Some(Outcome::NotMet)));
    assert!(done.journal.unwrap().starts_with(state.path()));
}

#[test]
fn a_plan_that_is_dropped_leaves_nothing() {
    if !support::as_root("a_plan_that_is_dropped_leaves_nothing") {
        return;
    }
    let (profile, tree) = (Profile::embedded().unwrap(), tree(BIONIC));
    let state = tempfile::tempdir().unwrap();
    let options = Options::new().state_dir(state.path());
    let before = files(tree.path());
    let root = DiskRootfs::open(tree.path()).unwrap();
    let hardening = Hardening::begin(&profile, &root, &options).unwrap();
    assert!(!hardening.plan().changes.is_empty());
    drop(hardening);
    assert_eq!(files(tree.path()), before);
    assert!(files(state.path()).is_empty());
}

/// The crates that a build of the library links, with these features.
fn linked(features: &[&str]) -> Vec<String> {
    let out = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(features)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn without_the_command_line_its_crates_are_not_linked() {
    let (all, library) = (linked(&[]), linked(&["--no-default-features"]));
    for name in ["clap", "env_logger", "signal-hook"] {
        assert!(all.iter().any(|n| n == name), "{name}: {all:?}");
        assert!(!library.iter().any(|n| n == name), "{name}: {library:?}");
    }
    assert!(library.iter().any(|n| n == "serde"), "{library:?}");
}
