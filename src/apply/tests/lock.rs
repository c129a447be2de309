//! The lock: who has it, who waits for it, and when it is free again.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use super::*;

const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn two_runs_on_one_root_do_not_meet() {
    let bench = Bench::new();
    let (one, two) = (bench.disk(), bench.disk());
    let held = Executor::lock(&one, &bench.state()).unwrap();
    let e = Executor::lock(&two, &bench.state()).err().unwrap();
    assert!(matches!(e, Error::Guard(_)), "{e}");
    drop(held);
    assert!(Executor::lock(&two, &bench.state()).is_ok());
}

/// As between fork and exec of a child that another thread starts: two processes have the lock's
/// open file, and one of them is done with it.
#[test]
fn a_child_with_a_copy_of_the_descriptor_does_not_keep_the_lock() {
    let bench = Bench::new();
    let (one, two) = (bench.disk(), bench.disk());
    let held = Executor::lock(&one, &bench.state()).unwrap();
    let copy = held._lock.descriptor().try_clone().unwrap();
    let mut child = Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(copy))
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"started\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "started\n");
    assert!(Executor::lock(&two, &bench.state()).is_err(), "the lock is held");
    drop(held);
    let kept = fs::metadata(format!("/proc/{}/fd/2", child.id())).unwrap();
    let root = fs::metadata(bench.root()).unwrap();
    assert_eq!((kept.dev(), kept.ino()), (root.dev(), root.ino()), "the child has it open");
    let again = Executor::lock(&two, &bench.state()).map(drop);
    drop(stdin);
    child.wait().unwrap();
    again.unwrap();
}

#[test]
fn a_run_that_waited_in_vain_says_so() {
    let bench = Bench::new();
    let (one, two) = (bench.disk(), bench.disk());
    let _held = Executor::lock(&one, &bench.state()).unwrap();
    let wait = Duration::from_millis(10);
    let e = Executor::lock_within(&two, &bench.state(), wait, &Stop::default()).err().unwrap();
    assert!(matches!(&e, Error::Guard(why) if why.to_string().ends_with("(waited 10ms)")), "{e}");
}

#[test]
fn a_run_that_is_asked_to_end_waits_no_longer() {
    let bench = Bench::new();
    let (one, two) = (bench.disk(), bench.disk());
    let _held = Executor::lock(&one, &bench.state()).unwrap();
    let stop = Stop::default();
    stop.flag().store(15, Ordering::Relaxed);
    let profile = crate::Profile::embedded().unwrap();
    let options = crate::run::Options::new().state_dir(bench.state()).wait(HOUR);
    let options = options.force_target(true).stop(stop.clone());
    // With the flag ignored, these would be hours.
    let state = bench.state();
    let errors = [
        Executor::lock_within(&two, &state, HOUR, &stop).err().unwrap(),
        revert(&two, &state, &[], HOUR, &stop).unwrap_err(),
        forget(&two, &state, HOUR, &stop).unwrap_err(),
        crate::run::harden(&profile, &two, &options).unwrap_err(),
    ];
    for e in errors {
        assert!(matches!(e, Error::Stopped { signal: 15 }), "{e}");
    }
}

#[test]
fn forget_stops_before_the_next_journal() {
    let bench = Bench::new();
    let disk = bench.disk();
    Executor::lock(&disk, &bench.state()).unwrap().apply(&bench.plan(&disk)).unwrap();
    let stop = Stop::default();
    stop.flag().store(2, Ordering::Relaxed);
    let e = forget(&disk, &bench.state(), Duration::ZERO, &stop).unwrap_err();
    assert_eq!(e.signal(), Some(2), "{e}");
    assert_eq!(forget(&disk, &bench.state(), Duration::ZERO, &Stop::default()).unwrap(), 1);
}
