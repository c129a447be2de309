//! Killed, refused or interrupted at every call that touches the target or the journal.
//!
//! A run is traced once; then, for each of its calls, it is run again with a fault at just that
//! call. After the fault every file is old or new; the next run recovers and ends in the same bytes,
//! modes, owners, attributes and times as a run that was not disturbed.
//!
//! By default an even sample of `GOKAKU_CRASH=40` seconds; `GOKAKU_CRASH=full` tries every point
//! (see CONTRIBUTING.md), `GOKAKU_CRASH_SEED` repeats a sample.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bench;
#[cfg(target_arch = "x86_64")]
mod short;
mod synced;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bench::{Bench, STOPS, Scenario, leftovers};
use support::rich::{difference, picture, timeless};
use support::skip;

const FAULTS: [&str; 7] = ["KILL", "EIO", "ENOSPC", "EROFS", "EPERM", "EINTR", "TERM"];
/// After so many seconds a sample begins no further points, once it has tried some.
const SAMPLE: u64 = 40;

/// An honest generator; which one matters little.
fn shuffle<T>(items: &mut [T], mut seed: u64) {
    for i in (1..items.len()).rev() {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(i, usize::try_from(seed >> 33).unwrap() % (i + 1));
    }
}

/// `None`: not possible here, said loudly.
fn able(test: &str) -> Option<()> {
    if users::get_effective_uid() != 0 {
        skip(test, "run as root: faults are injected into a run that sets owners");
        return None;
    }
    match Command::new("env").args(["--default-signal=HUP", "strace", "-V"]).output() {
        Ok(out) if out.status.success() => {}
        _ => {
            skip(
                test,
                "no strace, or an env without --default-signal (packages strace, coreutils 8.31)",
            );
            return None;
        }
    }
    let bench = Bench::new();
    let out = bench.traced("apply", &["-e", "trace=flock", "-e", "inject=flock:error=EIO:when=1"]);
    if !String::from_utf8_lossy(&out.stderr).contains("Input/output error") {
        skip(test, "strace cannot inject faults here (5.3 or later, and ptrace must be allowed)");
        return None;
    }
    Some(())
}

/// The scenarios on one bench: apply; revert; and apply and revert after a run that was killed when
/// half of it was done.
fn scenarios(bench: &Bench) -> Vec<Scenario> {
    let base = bench.keep("base");
    let apply = bench.scenario("apply", "apply");
    let revert = bench.scenario("revert", "revert");
    assert_eq!(revert.to, apply.from, "{:#?}", difference(&revert.to, &apply.from));
    let mut out = vec![apply, revert];
    // The first replaces the journal, and so does the last.
    let renames = out[0].calls.iter().filter(|c| c.name == "renameat").count();
    assert!(renames > 2, "{renames}");
    let middle = format!("inject=renameat:signal=KILL:when={}", renames - 1);
    for (name, verb) in [("apply after a kill", "apply"), ("revert after a kill", "revert")] {
        bench.restore(&base);
        let killed = bench.traced("apply", &["-e", "trace=renameat", "-e", &middle]);
        assert_eq!(killed.status.code(), None, "{killed:?}");
        let half = timeless(&picture(&bench.root()));
        assert!(half != timeless(&out[0].from) && half != timeless(&out[0].to), "half of it");
        let mut scenario = bench.scenario(name, verb);
        // What undoes a killed run restores it before anything else.
        if verb == "revert" {
            assert_eq!(scenario.to, out[0].from);
        } else {
            assert_eq!(scenario.to, out[0].to);
        }
        scenario.origin = out[0].from.clone();
        out.push(scenario);
    }
    out
}

#[test]
fn a_fault_at_any_call_leaves_every_file_old_or_new_and_the_next_run_recovers() {
    let test = "a_fault_at_any_call_leaves_every_file_old_or_new_and_the_next_run_recovers";
    let Some(()) = able(test) else { return };
    let wanted = std::env::var("GOKAKU_CRASH").ok();
    let full = wanted.as_deref() == Some("full");
    let seconds = wanted.filter(|_| !full).map_or(SAMPLE, |v| v.parse().expect("full or seconds"));
    let seed = match std::env::var("GOKAKU_CRASH_SEED") {
        Ok(text) => text.parse().expect("GOKAKU_CRASH_SEED is a number"),
        Err(_) => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs(),
    };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get()).min(8);
    let (next, tried) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let failures = std::sync::Mutex::new(Vec::new());
    let counts = std::sync::Mutex::new(BTreeMap::<String, usize>::new());
    let (total, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let bench = Bench::new();
                let scenarios = scenarios(&bench);
                let mut points = Vec::new();
                for (s, scenario) in scenarios.iter().enumerate() {
                    for (c, _) in scenario.calls.iter().enumerate() {
                        points.extend(FAULTS.iter().map(|fault| (s, c, *fault)));
                    }
                }
                shuffle(&mut points, seed);
                if full {
                    // What is worth most comes first.
                    points.sort_by_key(|(s, c, _)| !scenarios[*s].calls[*c].writing);
                }
                total.store(points.len(), Ordering::Relaxed);
                let writing = points.iter().filter(|(s, c, _)| scenarios[*s].calls[*c].writing);
                written.store(writing.count(), Ordering::Relaxed);
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some((s, c, fault)) = points.get(i).copied() else { break };
                    if !full && start.elapsed() > Duration::from_secs(seconds) && i >= 40 {
                        break;
                    }
                    let (scenario, call) = (&scenarios[s], &scenarios[s].calls[c]);
                    if let Err(why) = bench.disturb(scenario, call, fault) {
                        let at =
                            format!("{}: {fault} at {} {}", scenario.name, call.name, call.nth);
                        let mut failures = failures.lock().unwrap();
                        failures.push(format!("{at}: {why}"));
                        if let Ok(file) = std::env::var("GOKAKU_CRASH_LOG") {
                            fs::write(file, failures.join("\n\n")).unwrap();
                        }
                    }
                    if tried.fetch_add(1, Ordering::Relaxed) % 500 == 499 {
                        let (so_far, failed) = (i + 1, failures.lock().unwrap().len());
                        let _ =
                            writeln!(std::io::stderr(), "crash sweep: {so_far}, {failed} failed");
                    }
                    *counts
                        .lock()
                        .unwrap()
                        .entry(format!("{} {fault}", scenario.name))
                        .or_default() += 1;
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    let _ = writeln!(
        std::io::stderr(),
        "crash sweep: {} of {} points ({} from the first write on) tried in {} s, seed {seed}, \
         {} failed; {:?}",
        tried.into_inner(),
        total.into_inner(),
        written.into_inner(),
        start.elapsed().as_secs(),
        failures.len(),
        counts.into_inner().unwrap(),
    );
    let shown: Vec<&String> = failures.iter().take(5).collect();
    assert!(failures.is_empty(), "{} failures, seed {seed}: {shown:#?}", failures.len());
}

/// Power may fail at any instant: what a step relies on has been synced before it.
#[test]
fn everything_is_on_disk_before_it_counts() {
    let test = "everything_is_on_disk_before_it_counts";
    let Some(()) = able(test) else { return };
    let bench = Bench::new();
    for verb in ["apply", "revert"] {
        let text = bench.trace(verb);
        let seen = synced::check(&text, &bench.root()).unwrap_or_else(|e| panic!("{verb}: {e}"));
        assert!(seen.changes > 20 && seen.syncs > 20, "{verb}: {seen:?}");
    }
}

/// The three signals in the middle of apply and revert: undone, told, and the exit status of a
/// program that was stopped so.
#[test]
fn signals_stop_a_run_between_two_steps_and_undo_it() {
    let test = "signals_stop_a_run_between_two_steps_and_undo_it";
    let Some(()) = able(test) else { return };
    let bench = Bench::new();
    bench.keep("base");
    for (name, verb) in [("apply", "apply"), ("revert", "revert")] {
        let scenario = bench.scenario(name, verb);
        for (signal, status) in STOPS {
            for nth in 1..=2 {
                bench.restore(&scenario.start);
                let what = format!("inject=renameat:signal={signal}:when={nth}");
                let out = bench.traced(verb, &["-e", "trace=renameat", "-e", &what]);
                let stderr = String::from_utf8_lossy(&out.stderr);
                assert_eq!(out.status.code(), Some(status), "{verb} {signal} {nth}: {stderr}");
                let wanted = format!("(SIG{signal}); every change of this run was undone");
                assert!(stderr.contains(&wanted), "{verb} {signal} {nth}: {stderr}");
                let now = picture(&bench.root());
                assert_eq!(now, scenario.from, "{:#?}", difference(&now, &scenario.from));
                assert!(leftovers(&bench.state()).is_empty(), "{verb} {signal}");
            }
            // Told to ignore it, as by nohup: it goes on.
            bench.restore(&scenario.start);
            let plain = bench.command(verb);
            let mut ignoring = Command::new("sh");
            ignoring.arg("-c").arg(format!("trap '' {signal}; exec \"$@\"")).arg("sh");
            ignoring.args(["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat"]);
            ignoring.args(["-e", &format!("inject=renameat:signal={signal}:when=1")]);
            ignoring.arg(plain.get_program()).args(plain.get_args());
            ignoring.env("SOURCE_DATE_EPOCH", "1600000000");
            let out = ignoring.output().unwrap();
            assert_eq!(out.status.code(), Some(scenario.status), "{verb} {signal}: {out:?}");
            assert_eq!(picture(&bench.root()), scenario.to);
        }
        bench.restore(&scenario.start);
        bench.run(verb);
    }
}

/// A limit on the size of files: real short writes, and then a refusal.
#[test]
fn a_file_size_limit_is_told_and_undone() {
    let test = "a_file_size_limit_is_told_and_undone";
    let Some(()) = able(test) else { return };
    if !Command::new("prlimit").arg("--version").output().is_ok_and(|o| o.status.success()) {
        skip(test, "no prlimit; install the package util-linux");
        return;
    }
    let bench = Bench::new();
    bench.keep("base");
    for (name, verb) in [("apply", "apply"), ("revert", "revert")] {
        let scenario = bench.scenario(name, verb);
        let (mut refused, mut done) = (0, 0);
        for limit in [0, 1, 10, 33, 64, 100, 150, 250, 500, 1000, 2000, 4000, 8000, 16_000, 64_000]
        {
            bench.restore(&scenario.start);
            let plain = bench.command(verb);
            let mut limited = Command::new("prlimit");
            limited.arg(format!("--fsize={limit}:{limit}")).arg("--").arg(plain.get_program());
            limited.args(plain.get_args()).env("SOURCE_DATE_EPOCH", "1600000000");
            let out = limited.output().unwrap();
            let stderr = String::from_utf8_lossy(&out.stderr);
            let now = picture(&bench.root());
            match out.status.code() {
                Some(1) => {
                    assert!(stderr.contains("File too large"), "{verb} {limit}: {stderr}");
                    assert_eq!(now, scenario.from, "{:#?}", difference(&now, &scenario.from));
                    refused += 1;
                }
                status => {
                    assert_eq!(status, Some(scenario.status), "{verb} {limit}: {stderr}");
                    assert_eq!(now, scenario.to, "{:#?}", difference(&now, &scenario.to));
                    done += 1;
                }
            }
            assert!(leftovers(&bench.state()).is_empty(), "{verb} {limit}");
            bench.ends_well(&scenario).unwrap_or_else(|why| panic!("{verb} {limit}: {why}"));
        }
        assert!(refused > 5 && done > 0, "{verb}: {refused} refused, {done} done");
        bench.restore(&scenario.start);
        bench.run(verb);
    }
}

/// Writes that the kernel carries out only in part: each of them, and each one alone.
#[cfg(target_arch = "x86_64")]
#[test]
fn short_writes_are_continued() {
    let test = "short_writes_are_continued";
    let Some(()) = able(test) else { return };
    let bench = Bench::new();
    bench.keep("base");
    let mut tried = 0;
    for (name, verb) in [("apply", "apply"), ("revert", "revert")] {
        let scenario = bench.scenario(name, verb);
        let mut nth = None;
        loop {
            bench.restore(&scenario.start);
            let Some((status, shortened)) = short::run(&bench.command(verb), nth) else {
                skip(test, "processes cannot be traced here (ptrace)");
                return;
            };
            if shortened == 0 {
                break;
            }
            tried += shortened;
            assert_eq!(status, scenario.status, "{verb} {nth:?}");
            let now = picture(&bench.root());
            assert_eq!(now, scenario.to, "{nth:?} {:#?}", difference(&now, &scenario.to));
            bench.ends_well(&scenario).unwrap_or_else(|why| panic!("{verb} {nth:?}: {why}"));
            nth = Some(nth.map_or(1, |n: usize| n + 1));
        }
        bench.restore(&scenario.start);
        bench.run(verb);
    }
    let _ = writeln!(std::io::stderr(), "short writes: {tried} tried");
    assert!(tried > 20, "{tried}");
}
