//! Two runs on one root, with the built program: the second waits, for as long as it was allowed to.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Stdio};

use nix::fcntl::{Flock, FlockArg};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use support::{gokaku, gokaku_as_root};

const VERBS: [&str; 3] = ["apply", "revert", "forget"];
const WAITING: &str = "another run is at work on this root; waiting for it, at most ";
const REFUSED: &str = "another run is at work on this root; wait until it has ended";

struct Bench {
    top: tempfile::TempDir,
    test: &'static str,
}

impl Bench {
    /// `None` where nobody may give files to root.
    fn new(test: &'static str) -> Option<Bench> {
        gokaku_as_root(test)?;
        let bench = Bench { top: tempfile::tempdir().unwrap(), test };
        let etc = bench.root().join("etc");
        fs::create_dir_all(&etc).unwrap();
        fs::write(etc.join("os-release"), "ID=ubuntu\nVERSION_ID=18.04\n").unwrap();
        Some(bench)
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    /// As a run that is at work on the root.
    fn hold(&self) -> Flock<File> {
        let root = File::open(self.root()).unwrap();
        Flock::lock(root, FlockArg::LockExclusiveNonblock).unwrap()
    }

    fn command(&self, verb: &str, args: &[&str]) -> Command {
        let mut command = gokaku_as_root(self.test).unwrap();
        command.env_remove("RUST_LOG").arg(verb);
        if verb == "apply" {
            command.args(["--rule", "3.2.1"]);
        }
        command.arg("--root").arg(self.root()).arg("--state-dir").arg(self.state()).args(args);
        command
    }

    /// Starts a run while somebody holds the lock, and returns it once it says that it waits.
    fn waiting(&self, verb: &str) -> Waiting {
        let mut child = self
            .command(verb, &["--wait", "600"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut log = String::new();
        while !log.contains(&format!("{WAITING}600s\n")) {
            let read = stderr.read_line(&mut log).unwrap();
            assert_ne!(read, 0, "{verb} ended without a wait: {log}");
        }
        Waiting { child, stderr, log }
    }
}

struct Waiting {
    child: Child,
    stderr: BufReader<ChildStderr>,
    log: String,
}

impl Waiting {
    /// The exit status, and the whole log.
    fn end(mut self) -> (Option<i32>, String) {
        self.stderr.read_to_string(&mut self.log).unwrap();
        (self.child.wait().unwrap().code(), self.log)
    }
}

#[test]
fn a_run_waits_for_the_one_at_work_and_then_does_its_own() {
    let test = "a_run_waits_for_the_one_at_work_and_then_does_its_own";
    let Some(bench) = Bench::new(test) else { return };
    let written = bench.root().join("etc/sysctl.d/60-CIS.conf");
    let after_a_wait = |verb: &str| {
        let held = bench.hold();
        let waiting = bench.waiting(verb);
        drop(held);
        let (status, log) = waiting.end();
        assert_eq!(status, Some(0), "{verb}: {log}");
        assert_eq!(log.matches(WAITING).count(), 1, "{verb}: {log}");
    };
    after_a_wait("apply");
    assert!(written.exists());
    after_a_wait("revert");
    assert!(!written.exists());
    assert!(bench.command("apply", &[]).output().unwrap().status.success());
    assert!(bench.state().exists());
    after_a_wait("forget");
    assert!(written.exists() && !bench.state().exists());
}

#[test]
fn a_run_is_refused_when_the_other_does_not_end_in_time() {
    let test = "a_run_is_refused_when_the_other_does_not_end_in_time";
    let Some(bench) = Bench::new(test) else { return };
    let _held = bench.hold();
    let refused = |verb: &str, args: &[&str], variable: Option<&str>| {
        let mut command = bench.command(verb, args);
        command.envs(variable.map(|value| ("GOKAKU_WAIT", value)));
        let out = command.output().unwrap();
        let log = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(3), "{verb} {args:?} {variable:?}: {log}");
        assert!(log.contains(REFUSED), "{verb} {args:?} {variable:?}: {log}");
        log
    };
    for verb in VERBS {
        for (args, variable) in [(&["--wait", "1"][..], None), (&[], Some("1"))] {
            let log = refused(verb, args, variable);
            assert!(log.contains("(waited 1s)"), "{verb} {args:?} {variable:?}: {log}");
            assert_eq!(log.matches(WAITING).count(), 1, "{verb}: {log}");
        }
        // The option wins over the variable.
        let at_once =
            [(&["--wait", "0"][..], None), (&[], Some("0")), (&["--wait=0"], Some("600"))];
        for (args, variable) in at_once {
            let log = refused(verb, args, variable);
            assert!(!log.contains(WAITING), "{verb} {args:?} {variable:?}: {log}");
            assert!(!log.contains("waited"), "{verb} {args:?} {variable:?}: {log}");
        }
    }
    assert!(!bench.state().exists() && !bench.root().join("etc/sysctl.d").exists());
}

/// Whether this process, and what it starts, takes no notice of a signal.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() >> (signal as i32 - 1) & 1 == 1
}

#[test]
fn a_signal_ends_the_wait() {
    let Some(bench) = Bench::new("a_signal_ends_the_wait") else { return };
    let _held = bench.hold();
    for (verb, signal) in VERBS.into_iter().zip([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]) {
        // Started under nohup or in a shell's background, a program leaves these as they are.
        if is_ignored(signal) {
            support::skip("a_signal_ends_the_wait", &format!("{signal} is ignored here"));
            continue;
        }
        let waiting = bench.waiting(verb);
        kill(Pid::from_raw(waiting.child.id().try_into().unwrap()), signal).unwrap();
        let (status, log) = waiting.end();
        assert_eq!(status, Some(128 + signal as i32), "{verb} {signal}: {log}");
        assert!(log.contains(&format!("stopped by signal {}", signal as i32)), "{verb}: {log}");
    }
    assert!(!bench.state().exists() && !bench.root().join("etc/sysctl.d").exists());
}

#[test]
fn a_wait_that_is_no_number_of_seconds_is_wrong_usage() {
    for verb in VERBS {
        for wrong in ["1.5", "-1", "", "soon", "5s", "4294967296"] {
            let base = || {
                let mut command = gokaku();
                command.args([verb, "--root", "/nonexistent"]);
                command
            };
            let by_option = base().args(["--wait", wrong]).output().unwrap();
            // An empty variable is one that is not set.
            let by_variable =
                (!wrong.is_empty()).then(|| base().env("GOKAKU_WAIT", wrong).output().unwrap());
            for out in [Some(by_option), by_variable].into_iter().flatten() {
                let text = String::from_utf8(out.stderr).unwrap();
                assert_eq!(out.status.code(), Some(64), "{verb} {wrong:?}: {text}");
                assert!(text.contains("--wait") && text.contains("GOKAKU_WAIT"), "{text}");
                assert!(text.contains(wrong), "{text}");
            }
        }
    }
}

#[test]
fn every_verb_with_a_journal_waits_five_seconds_by_default() {
    let command = gokaku::cli::command();
    let mut verbs = Vec::new();
    for verb in command.get_subcommands() {
        let argument = |id: &str| verb.get_arguments().find(|a| a.get_id() == id);
        let Some(wait) = argument("wait") else {
            assert!(argument("state_dir").is_none(), "{} has no --wait", verb.get_name());
            continue;
        };
        assert_eq!(wait.get_default_values(), ["5"], "{}", verb.get_name());
        assert_eq!(wait.get_env(), Some("GOKAKU_WAIT".as_ref()), "{}", verb.get_name());
        verbs.push(verb.get_name().to_owned());
    }
    assert_eq!(verbs, VERBS);
}
