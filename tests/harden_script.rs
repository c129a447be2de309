//! `provision/harden.sh` on a root of its own: where its report goes, what reaches gokaku, and that
//! nothing of it is left, however it ends.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{gokaku, is_root, repository};

struct Bench(tempfile::TempDir);

impl Bench {
    fn new(test: &str) -> Option<Bench> {
        if !is_root(test, "run the script without sudo") {
            return None;
        }
        let bench = Bench(tempfile::tempdir().unwrap());
        fs::create_dir_all(bench.at("root/etc")).unwrap();
        fs::write(bench.at("root/etc/os-release"), "ID=ubuntu\nVERSION_ID=18.04\n").unwrap();
        Some(bench)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The script as Packer runs it, with an upload of its own.
    fn command(&self) -> Command {
        fs::copy(gokaku().get_program(), self.at("gokaku")).unwrap();
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("GOKAKU_")) {
            command.env_remove(name);
        }
        command.arg(repository("provision/harden.sh")).env("LC_ALL", "C.UTF-8");
        command.env_remove("RUST_LOG").env_remove("SSH_CONNECTION");
        command.env("GOKAKU_BINARY", self.at("gokaku")).env("GOKAKU_ROOT", self.at("root"));
        command.env("GOKAKU_STATE_DIR", self.at("state/gokaku"));
        command.env("GOKAKU_REPORT", self.at("report.json")).env("GOKAKU_RULE", "3.2.1");
        command
    }

    fn is_hardened(&self) -> bool {
        self.at("root/etc/sysctl.d/60-CIS.conf").exists()
    }

    /// State, copies of the binary, and the upload.
    fn is_clean(&self, what: &str) {
        assert!(!self.at("state/gokaku").exists(), "{what}: the state is left");
        assert!(!self.at("gokaku").exists(), "{what}: the upload is left");
    }
}

fn text(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

#[test]
fn the_place_of_the_report_is_tried_before_anything_is_done() {
    let test = "the_place_of_the_report_is_tried_before_anything_is_done";
    let Some(bench) = Bench::new(test) else { return };
    std::os::unix::fs::symlink("root/etc", bench.at("link")).unwrap();
    fs::create_dir(bench.at("directory")).unwrap();
    fs::write(bench.at("file"), "").unwrap();
    for (place, status, says) in [
        ("typo/report.json", 64, "want a file in a directory that is there"),
        ("file/report.json", 64, "want a file in a directory that is there"),
        ("directory", 64, "found the directory"),
        ("directory/", 64, "found the directory"),
        ("root/report.json", 3, "lies inside the root"),
        ("link/report.json", 3, "lies inside the root"),
    ] {
        let out = bench.command().env("GOKAKU_REPORT", bench.at(place)).output().unwrap();
        assert_eq!(out.status.code(), Some(status), "{place}: {}", text(&out));
        let last = text(&out).lines().last().unwrap_or_default().to_owned();
        assert!(last.contains("GOKAKU_REPORT: ") && last.contains(says), "{place}: {last}");
        assert!(!bench.is_hardened() && !bench.at("state/gokaku").exists(), "{place}");
    }
    assert_eq!(fs::read_dir(bench.at("directory")).unwrap().count(), 0);
}

#[test]
fn a_report_that_fails_later_ends_in_the_verdict_and_leaves_nothing() {
    let test = "a_report_that_fails_later_ends_in_the_verdict_and_leaves_nothing";
    // A place that is lost meanwhile, and a full disk.
    let lost = "rm -rf \"$PLACE\"; exec \"$@\"";
    let full = "mount -t tmpfs -o size=8k none \"$PLACE\"; exec \"$@\"";
    for (what, before) in [("lost", lost), ("full", full)] {
        let Some(bench) = Bench::new(test) else { return };
        let place = bench.at("place");
        fs::create_dir(&place).unwrap();
        // The place goes when gokaku applies.
        let real = bench.at("real");
        fs::copy(gokaku().get_program(), &real).unwrap();
        let script = match what {
            "lost" => {
                "#!/bin/sh\ncase $1 in apply) rm -rf \"$PLACE\" ;; esac\nexec \"$REAL\" \"$@\"\n"
            }
            _ => "#!/bin/sh\nexec \"$REAL\" \"$@\"\n",
        };
        let with: &[&str] = match what {
            "lost" => &[],
            _ => &["unshare", "-m", "sh", "-ec", before, "sh"],
        };
        let command = bench.command();
        fs::write(bench.at("gokaku"), script).unwrap();
        fs::set_permissions(bench.at("gokaku"), fs::Permissions::from_mode(0o755)).unwrap();
        let mut started = match with {
            [] => Command::new(command.get_program()),
            [first, rest @ ..] => {
                let mut started = Command::new(first);
                started.args(rest).arg(command.get_program());
                started
            }
        };
        started.args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => started.env(name, value),
                None => started.env_remove(name),
            };
        }
        // A report of one row fits into 8 KiB; one of all does not.
        started
            .env_remove("GOKAKU_RULE")
            .env("GOKAKU_RULE", if what == "full" { "3" } else { "3.2.1" });
        started.env("GOKAKU_REPORT", place.join("report.json"));
        let out = started.env("PLACE", &place).env("REAL", &real).output().unwrap();
        assert_eq!(out.status.code(), Some(1), "{what}: {}", text(&out));
        let told = text(&out);
        assert!(told.contains("the report could not be written: "), "{what}: {told}");
        assert!(told.contains("gokaku: done all the same"), "{what}: {told}");
        let verdict = String::from_utf8_lossy(&out.stdout).trim_end().to_owned();
        assert!(verdict.ends_with("gokaku: FAILED with exit status 1"), "{what}: {told}");
        assert!(bench.is_hardened(), "{what}");
        bench.is_clean(what);
    }
}

#[test]
fn second_reports_stay_in_their_directory() {
    let test = "second_reports_stay_in_their_directory";
    let Some(bench) = Bench::new(test) else { return };
    fs::create_dir(bench.at("a.b")).unwrap();
    for (name, second) in [("report", "report.text"), ("r.json", "r.text")] {
        let mut command = bench.command();
        command.env("GOKAKU_FORMAT", "json,text").env("GOKAKU_REPORT", bench.at("a.b").join(name));
        let out = command.output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{}", text(&out));
        assert!(bench.at("a.b").join(second).exists(), "{name}");
        assert!(bench.at("a.b").join(name).exists() && !bench.at("a.text").exists(), "{name}");
        bench.is_clean(name);
    }
}

#[test]
fn empty_variables_are_not_set_and_switches_are_checked() {
    let test = "empty_variables_are_not_set_and_switches_are_checked";
    let Some(bench) = Bench::new(test) else { return };
    let mut command = bench.command();
    for name in ["STEP", "FORMAT", "EXEC_DIR", "RELOAD_SSHD", "SKIP", "STRICT", "PROTECT", "LANG"] {
        command.env(format!("GOKAKU_{name}"), "");
    }
    let out = command.env("SOURCE_DATE_EPOCH", "").output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(bench.at("report.json").exists());
    bench.is_clean("empty");
    for (name, value, says) in [
        ("GOKAKU_RELOAD_SSHD", "maybe", "GOKAKU_RELOAD_SSHD: found maybe"),
        ("GOKAKU_STRICT", "maybe", "GOKAKU_STRICT: found \"maybe\""),
    ] {
        let out = bench.command().env(name, value).output().unwrap();
        assert_eq!(out.status.code(), Some(64), "{name}: {}", text(&out));
        let last = text(&out).lines().last().unwrap_or_default().to_owned();
        assert!(last.contains(says), "{name}: {last}");
    }
    for yes in ["1", "true", "yes"] {
        let out = bench.command().env("GOKAKU_RELOAD_SSHD", yes).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{yes}: {}", text(&out));
    }
    // A place with a blank in its name is one place.
    fs::create_dir(bench.at("two words")).unwrap();
    let out = bench.command().env("GOKAKU_EXEC_DIR", bench.at("two words")).output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", text(&out));
    assert!(text(&out).contains("/two words/gokaku."), "{}", text(&out));
    assert_eq!(fs::read_dir(bench.at("two words")).unwrap().count(), 0);
}

/// The script with a gokaku that is at work: it waits for the lock that the test holds.
fn at_work(bench: &Bench, step: &str) -> (Child, Flock<File>) {
    let root = File::open(bench.at("root")).unwrap();
    let held = Flock::lock(root, FlockArg::LockExclusiveNonblock).unwrap();
    let mut command = bench.command();
    let log = File::create(bench.at("log")).unwrap();
    command.env("GOKAKU_WAIT", "600").env("GOKAKU_STEP", step).stdin(Stdio::null());
    command.stdout(log.try_clone().unwrap()).stderr(log);
    let child = command.spawn().unwrap();
    let err = bench.at("state/gokaku/.harden/err");
    // What the apply says while it waits.
    while !fs::read_to_string(&err).unwrap_or_default().contains("waiting for it") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    (child, held)
}

#[test]
fn a_signal_reaches_gokaku_and_its_status_is_taken() {
    let test = "a_signal_reaches_gokaku_and_its_status_is_taken";
    for (signal, status) in [(Signal::SIGTERM, 143), (Signal::SIGINT, 130)] {
        for step in ["all", "harden"] {
            let Some(bench) = Bench::new(test) else { return };
            let (mut child, held) = at_work(&bench, step);
            kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
            let code = child.wait().unwrap().code();
            let log = fs::read_to_string(bench.at("log")).unwrap();
            assert_eq!(code, Some(status), "{signal} {step}: {log}");
            let last = format!("gokaku: FAILED with exit status {status}");
            assert!(log.trim_end().ends_with(&last), "{signal} {step}: {log}");
            assert!(log.contains("every change was undone"), "{signal} {step}: {log}");
            assert!(!bench.is_hardened() && !bench.at("report.json").exists());
            bench.is_clean(&format!("{signal} {step}"));
            drop(held);
        }
    }
}

#[test]
fn a_dropped_connection_undoes_nothing() {
    let test = "a_dropped_connection_undoes_nothing";
    let Some(bench) = Bench::new(test) else { return };
    let (mut child, held) = at_work(&bench, "all");
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGHUP).unwrap();
    drop(held);
    let code = child.wait().unwrap().code();
    assert_eq!(code, Some(0), "{}", fs::read_to_string(bench.at("log")).unwrap());
    assert!(bench.is_hardened() && bench.at("report.json").exists());
    bench.is_clean("HUP");
}
