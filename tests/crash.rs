//! Killed, refused or interrupted at every call that touches the target or the journal.
//!
//! A run is traced once; then, for each of its calls, it is run again with a fault at just that
//! call. After the fault every file is old or new; the next run recovers and ends in the same bytes,
//! modes, owners, attributes and times as a run that was not disturbed.
//!
//! By default an even sample of `GOKAKU_CRASH=40` seconds; `GOKAKU_CRASH=full` tries every point
//! (see CONTRIBUTING.md), `GOKAKU_CRASH_SEED` repeats a sample.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use support::rich::{Seen, difference, picture, plant, timeless};
use support::{gokaku, skip};

type Picture = BTreeMap<PathBuf, Seen>;

/// One of everything: new directory and file, link made and removed, text, mode, owner.
const RULES: &str = "1.1.1.1,1.1.23,1.6.1.2,1.7.5,5.1.2,5.1.7,5.3.7,6.1.6,6.2.6";
const FAULTS: [&str; 7] = ["KILL", "EIO", "ENOSPC", "EROFS", "EPERM", "EINTR", "TERM"];
/// Signals that ask a run to end, and the exit status that says so.
const STOPS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];
/// After so many seconds a sample begins no further points, once it has tried some.
const SAMPLE: u64 = 40;

struct Bench {
    top: tempfile::TempDir,
}

/// What is disturbed: the verb, where it starts, and where it must end.
struct Scenario {
    name: &'static str,
    verb: &'static str,
    /// A copy of root and state.
    start: PathBuf,
    from: Picture,
    /// What it was before the run that was killed first, if there was one; else as `from`.
    origin: Picture,
    to: Picture,
    /// The exit status of a run that is not disturbed.
    status: i32,
    calls: Vec<Call>,
}

/// One call of the traced run.
#[derive(Debug, Clone)]
struct Call {
    name: String,
    /// The how-manieth of that name.
    nth: usize,
    /// Whether anything had been written by then, in the target or the journal.
    writing: bool,
}

impl Bench {
    fn new() -> Bench {
        // In memory, where attributes can be had there: what is tried is the order of calls, and
        // thousands of runs would wait for a disk.
        for memory in [true, false] {
            let top = match memory {
                true => tempfile::tempdir_in("/dev/shm"),
                false => tempfile::tempdir(),
            };
            let Ok(top) = top else { continue };
            let bench = Bench { top };
            fs::create_dir(bench.root()).unwrap();
            if plant(&bench.root()).attributes || !memory {
                return bench;
            }
        }
        unreachable!("a temporary directory")
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = gokaku();
        command.arg(verb).arg("--root").arg(self.root()).arg("--state-dir").arg(self.state());
        if verb == "apply" {
            command.args(["--rule", RULES]);
        }
        // New files and directories get this time: two runs can be compared to the nanosecond.
        command.env("SOURCE_DATE_EPOCH", "1600000000");
        command
    }

    fn run(&self, verb: &str) -> Output {
        self.command(verb).output().unwrap()
    }

    /// The same command under strace.
    fn traced(&self, verb: &str, options: &[&str]) -> Output {
        let plain = self.command(verb);
        // Whatever the caller of the tests ignores (nohup does) is not ignored here. Not with
        // --seccomp-bpf: strace 6.1 injects no signals then, and says nothing.
        let mut traced = Command::new("env");
        traced.args(["--default-signal=HUP,INT,TERM", "strace", "-f", "-qq"]).args(options);
        traced.arg("-o").arg(self.top.path().join("trace")).arg(plain.get_program());
        traced.args(plain.get_args());
        for (name, value) in plain.get_envs() {
            match value {
                Some(value) => traced.env(name, value),
                None => traced.env_remove(name),
            };
        }
        traced.output().unwrap()
    }

    /// Keeps a copy of root and state.
    fn keep(&self, name: &str) -> PathBuf {
        let copy = self.top.path().join(name);
        fs::create_dir(&copy).unwrap();
        for dir in [self.root(), self.state()] {
            if dir.exists() {
                cp(&dir, &copy.join(dir.file_name().unwrap()));
            }
        }
        copy
    }

    /// Brings root and state back. The top directory of the root stays the same one.
    fn restore(&self, copy: &Path) {
        for entry in fs::read_dir(self.root()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        let _ = fs::remove_dir_all(self.state());
        cp(&copy.join("root/."), &self.root());
        if copy.join("state").exists() {
            cp(&copy.join("state"), &self.state());
        }
    }

    /// The calls of a run that touch the target or the journal.
    fn calls(&self, verb: &str) -> Vec<Call> {
        self.traced(verb, &["-y", "-s", "512"]);
        let text = fs::read(self.top.path().join("trace")).unwrap();
        let text = String::from_utf8_lossy(&text);
        let (root, state) = (self.root(), self.state());
        let (root, state) = (root.to_str().unwrap(), state.to_str().unwrap());
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let (mut writing, mut calls) = (false, Vec::new());
        for line in text.lines() {
            let Some((_, call)) = line.split_once(' ') else { continue };
            let Some((name, _)) = call.trim_start().split_once('(') else { continue };
            let nth = counts.entry(name.to_owned()).or_default();
            *nth += 1;
            let writes =
                ["mkdir", "rename", "unlink", "symlink", "write", "fsync", "fch", "utimens"];
            // What is told on stdout and stderr names the root, too.
            let told = call.contains("write(1<") || call.contains("write(2<");
            let ours = !told && (call.contains(root) || call.contains(state));
            writing |= ours && writes.iter().any(|w| name.starts_with(w));
            if name != "execve" && ours {
                calls.push(Call { name: name.to_owned(), nth: *nth, writing });
            }
        }
        assert!(!calls.is_empty(), "{verb}: {text}");
        calls
    }

    fn scenario(&self, name: &'static str, verb: &'static str) -> Scenario {
        let start = self.keep(name);
        let from = picture(&self.root());
        let calls = self.calls(verb);
        self.restore(&start);
        let out = self.run(verb);
        let status = out.status.code().unwrap();
        assert!(!String::from_utf8_lossy(&out.stderr).contains("undone"), "{name}: {out:?}");
        let origin = from.clone();
        Scenario { name, verb, start, from, origin, to: picture(&self.root()), status, calls }
    }

    /// Disturbs one call; `Err` tells what was wrong afterwards.
    fn disturb(&self, scenario: &Scenario, call: &Call, fault: &str) -> Result<(), String> {
        self.restore(&scenario.start);
        let Call { name, nth, .. } = call;
        let what = match fault {
            "KILL" | "HUP" | "INT" | "TERM" => format!("inject={name}:signal={fault}:when={nth}"),
            errno => format!("inject={name}:error={errno}:when={nth}"),
        };
        let out = self.traced(scenario.verb, &["-e", &format!("trace={name}"), "-e", &what]);
        let trace = fs::read(self.top.path().join("trace")).unwrap();
        let trace = String::from_utf8_lossy(&trace);
        let happened = match fault {
            "KILL" => out.status.code().is_none(),
            "HUP" | "INT" | "TERM" => trace.contains(&format!("--- SIG{fault}")),
            _ => trace.contains("(INJECTED)"),
        };
        if !happened {
            return Err(format!("the fault did not happen: {out:?}"));
        }
        let hurt = picture(&self.root());
        self.after_fault(scenario, call, fault, &out, &hurt)?;
        self.ends_well(scenario)
    }

    fn after_fault(
        &self,
        scenario: &Scenario,
        call: &Call,
        fault: &str,
        out: &Output,
        hurt: &Picture,
    ) -> Result<(), String> {
        let stderr = String::from_utf8_lossy(&out.stderr);
        if stderr.contains("panicked") {
            return Err(format!("panicked: {stderr}"));
        }
        let is = |wanted: &Picture| hurt == wanted;
        let stop = STOPS.iter().find(|(name, _)| *name == fault).map(|(_, status)| *status);
        match out.status.code() {
            _ if fault == "KILL" => match torn(hurt, scenario) {
                torn if torn.is_empty() => Ok(()),
                torn => Err(format!("neither old nor new: {torn:#?}")),
            },
            // Asked to end before or while something was written; afterwards there is no need.
            None if stop.is_some() && is(&scenario.from) => Ok(()),
            Some(status) if Some(status) == stop && is(&scenario.from) => match scenario.from {
                _ if stderr.contains("stopped by signal") => Ok(()),
                _ => Err(format!("does not say that it was stopped: {stderr}")),
            },
            Some(status) if Some(status) == stop && is(&scenario.origin) => Ok(()),
            // Undone, and said so; or refused.
            Some(1 | 3) if is(&scenario.from) || is(&scenario.origin) => Ok(()),
            // A recovery that fails on the way says so and is done again by the next run.
            Some(1) if scenario.name == "revert after a kill" => match torn(hurt, scenario) {
                torn if torn.is_empty() && !stderr.contains("undone") => Ok(()),
                torn => Err(format!("neither old nor new: {stderr}{torn:#?}")),
            },
            // What could not be read is unknown; the rest was done. The next run does what is left.
            Some(1) if scenario.verb == "apply" && !stderr.contains("undone") => {
                match call.writing && scenario.name == "apply" && !is(&scenario.to) {
                    false => Ok(()),
                    true => Err(format!("half done: {:#?}", difference(hurt, &scenario.to))),
                }
            }
            Some(status) if status == scenario.status && is(&scenario.to) => Ok(()),
            status => {
                Err(format!("exit {status:?}: {stderr}{:#?}", difference(hurt, &scenario.to)))
            }
        }
    }

    /// The next run ends where a run that was not disturbed ends, and leaves nothing behind.
    fn ends_well(&self, scenario: &Scenario) -> Result<(), String> {
        let out = self.run(scenario.verb);
        let stderr = String::from_utf8_lossy(&out.stderr);
        let status = out.status.code();
        // A revert that had been complete has nothing left to do.
        let done = status == Some(scenario.status)
            || (scenario.verb == "revert" && status == Some(3) && stderr.contains("nothing to"));
        let now = picture(&self.root());
        if !done || now != scenario.to {
            let how = difference(&now, &scenario.to);
            return Err(format!("the next run: exit {status:?}: {stderr}{how:#?}"));
        }
        let left = leftovers(&self.state());
        if !left.is_empty() {
            return Err(format!("left in the state directory: {left:?}"));
        }
        if scenario.verb == "revert" {
            return Ok(());
        }
        // The journals that are left take everything back.
        for _ in 0..3 {
            let out = self.run("revert");
            if out.status.code() == Some(3) {
                break;
            }
            if !out.status.success() {
                return Err(format!("revert: {}", String::from_utf8_lossy(&out.stderr)));
            }
        }
        let (now, from) = (picture(&self.root()), picture(&scenario.start.join("../base/root")));
        if now != from {
            return Err(format!("after revert: {:#?}", difference(&now, &from)));
        }
        Ok(())
    }
}

fn cp(from: &Path, to: &Path) {
    let out = Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

/// Paths that are neither as in the one nor as in the other picture. Times of directories are put
/// back last. A directory on its way is empty and closed; owner and mode are two calls, and between
/// them the mode allows no more than both.
fn torn(hurt: &Picture, scenario: &Scenario) -> Vec<String> {
    let paths: std::collections::BTreeSet<&PathBuf> =
        [hurt, &scenario.from, &scenario.origin, &scenario.to]
            .into_iter()
            .flat_map(|p| p.keys())
            .collect();
    let mut out = Vec::new();
    for path in paths {
        let (old, new, now) = (scenario.from.get(path), scenario.to.get(path), hurt.get(path));
        let oldest = scenario.origin.get(path);
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let temporary = name.starts_with(".gokaku-") && name.ends_with(".dpkg-new");
        if now == old
            || now == new
            || now == oldest
            || (temporary && old.is_none() && new.is_none())
        {
            continue;
        }
        if let Some(now) = now {
            const DIR: u32 = 0o040_000;
            let known = [old, new, oldest].into_iter().flatten();
            let is_dir = now.kind_and_mode & 0o170_000 == DIR;
            let mode = now.kind_and_mode & 0o1777;
            let both = known.clone().map(|s| s.kind_and_mode & 0o1777).reduce(|a, b| a & b);
            let same = |s: &Seen| {
                s.content == now.content
                    && (is_dir || s.mtime == now.mtime)
                    && s.kind_and_mode & 0o170_000 == now.kind_and_mode & 0o170_000
            };
            let mode_known = known.clone().any(|s| s.kind_and_mode & 0o1777 == mode);
            let owner_known = known.clone().any(|s| s.owner == now.owner);
            let fresh = is_dir && [old, new, oldest].iter().any(Option::is_none);
            if known.clone().any(same)
                && (mode_known || both == Some(mode) || (fresh && mode == 0o700))
                && (owner_known || fresh)
            {
                continue;
            }
        }
        out.push(format!("{}: old {old:?} new {new:?} now {now:?}", path.display()));
    }
    out
}

/// What a state directory holds beyond whole journals.
fn leftovers(state: &Path) -> Vec<PathBuf> {
    let list = |dir: &Path| -> Vec<PathBuf> {
        fs::read_dir(dir).into_iter().flatten().map(|e| e.unwrap().path()).collect()
    };
    let mut out = Vec::new();
    for key in list(state) {
        for run in list(&key) {
            let name = run.file_name().unwrap().to_string_lossy().into_owned();
            if name.len() != 6 || !name.bytes().all(|b| b.is_ascii_digit()) {
                out.push(run);
                continue;
            }
            let files = list(&run);
            out.extend(
                files
                    .into_iter()
                    .filter(|f| !f.ends_with("journal.json") && !f.ends_with("before")),
            );
        }
    }
    out
}

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

/// Makes writes short for real: the count in the traced program's register is made smaller before
/// the kernel looks at it. (An injected return value would only pretend.)
#[cfg(target_arch = "x86_64")]
mod short {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use nix::sys::ptrace;
    use nix::sys::wait::{WaitStatus, waitpid};
    use nix::unistd::Pid;

    /// Runs the program with every write to a regular file halved, or only the `nth`. Returns the
    /// exit status and how many were.
    #[allow(clippy::zombie_processes)] // its end is waited for below, by number
    pub fn run(plain: &Command, nth: Option<usize>) -> Option<(i32, usize)> {
        // The shell waits until it is traced, then becomes the program.
        let mut command = Command::new("sh");
        command.args(["-c", "read go; exec \"$@\"", "sh"]).arg(plain.get_program());
        command.args(plain.get_args()).env("SOURCE_DATE_EPOCH", "1600000000");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        #[allow(clippy::zombie_processes)] // waitpid sees its end
        let mut child = command.spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        if ptrace::attach(pid).is_err() {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        waitpid(pid, None).unwrap();
        ptrace::setoptions(pid, ptrace::Options::PTRACE_O_TRACESYSGOOD).unwrap();
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        ptrace::syscall(pid, None).unwrap();
        let (mut entering, mut seen, mut shortened) = (true, 0, 0);
        loop {
            match waitpid(pid, None).unwrap() {
                WaitStatus::PtraceSyscall(_) => {
                    if entering {
                        let mut registers = ptrace::getregs(pid).unwrap();
                        let whole = registers.rdx;
                        if registers.orig_rax == 1 && whole > 1 && is_file(pid, registers.rdi) {
                            seen += 1;
                            if nth.is_none_or(|n| n == seen) {
                                registers.rdx = whole / 2;
                                ptrace::setregs(pid, registers).unwrap();
                                shortened += 1;
                            }
                        }
                    }
                    entering = !entering;
                    ptrace::syscall(pid, None).unwrap();
                }
                WaitStatus::Stopped(_, nix::sys::signal::Signal::SIGTRAP) => {
                    // The program has been loaded; its first call begins next.
                    ptrace::syscall(pid, None).unwrap();
                }
                WaitStatus::Stopped(_, signal) => ptrace::syscall(pid, signal).unwrap(),
                WaitStatus::Exited(_, status) => return Some((status, shortened)),
                other => panic!("{other:?}"),
            }
        }
    }

    fn is_file(pid: Pid, fd: u64) -> bool {
        std::fs::metadata(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|m| m.is_file())
    }
}
