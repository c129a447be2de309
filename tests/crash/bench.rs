//! A root with a journal beside it, runs on it, and what a disturbed run may leave.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::gokaku;
use crate::support::rich::{Seen, difference, picture, plant};

pub type Picture = BTreeMap<PathBuf, Seen>;

/// One of everything: new directory and file, link made and removed, text, mode, owner.
pub const RULES: &str = "1.1.1.1,1.1.23,1.6.1.2,1.7.5,5.1.2,5.1.7,5.3.7,6.1.6,6.2.6";
/// Signals that ask a run to end, and the exit status that says so.
pub const STOPS: [(&str, i32); 3] = [("HUP", 129), ("INT", 130), ("TERM", 143)];

/// The root and its journals, in a directory of their own.
pub struct Bench {
    top: tempfile::TempDir,
}

/// What is disturbed: the verb, where it starts, and where it must end.
pub struct Scenario {
    pub name: &'static str,
    pub verb: &'static str,
    /// A copy of root and state.
    pub start: PathBuf,
    pub from: Picture,
    /// What it was before the run that was killed first, if there was one; else as `from`.
    pub origin: Picture,
    pub to: Picture,
    /// The exit status of a run that is not disturbed.
    pub status: i32,
    pub calls: Vec<Call>,
}

/// One call of the traced run.
#[derive(Debug, Clone)]
pub struct Call {
    pub name: String,
    /// The how-manieth of that name.
    pub nth: usize,
    /// Whether anything had been written by then, in the target or the journal.
    pub writing: bool,
}

impl Bench {
    pub fn new() -> Bench {
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

    pub fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    pub fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    pub fn command(&self, verb: &str) -> Command {
        let mut command = gokaku();
        command.arg(verb).arg("--root").arg(self.root()).arg("--state-dir").arg(self.state());
        if verb == "apply" {
            command.args(["--rule", RULES]);
        }
        // New files and directories get this time: two runs can be compared to the nanosecond.
        command.env("SOURCE_DATE_EPOCH", "1600000000");
        command
    }

    pub fn run(&self, verb: &str) -> Output {
        self.command(verb).output().unwrap()
    }

    /// The same command under strace.
    pub fn traced(&self, verb: &str, options: &[&str]) -> Output {
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
    pub fn keep(&self, name: &str) -> PathBuf {
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
    pub fn restore(&self, copy: &Path) {
        for entry in fs::read_dir(self.root()).unwrap() {
            fs::remove_dir_all(entry.unwrap().path()).unwrap();
        }
        let _ = fs::remove_dir_all(self.state());
        cp(&copy.join("root/."), &self.root());
        if copy.join("state").exists() {
            cp(&copy.join("state"), &self.state());
        }
    }

    /// What strace says of a run, with the paths of descriptors.
    pub fn trace(&self, verb: &str) -> String {
        self.traced(verb, &["-y", "-s", "512"]);
        let text = fs::read(self.top.path().join("trace")).unwrap();
        String::from_utf8_lossy(&text).into_owned()
    }

    /// The calls of a run that touch the target or the journal.
    pub fn calls(&self, verb: &str) -> Vec<Call> {
        let text = self.trace(verb);
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

    pub fn scenario(&self, name: &'static str, verb: &'static str) -> Scenario {
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
    pub fn disturb(&self, scenario: &Scenario, call: &Call, fault: &str) -> Result<(), String> {
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

    pub fn after_fault(
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
    pub fn ends_well(&self, scenario: &Scenario) -> Result<(), String> {
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

pub fn cp(from: &Path, to: &Path) {
    let out = Command::new("cp").arg("-a").arg(from).arg(to).output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

/// Paths that are neither as in the one nor as in the other picture. Times of directories are put
/// back last. A directory on its way is empty and closed; owner and mode are two calls, and between
/// them the mode allows no more than both.
pub fn torn(hurt: &Picture, scenario: &Scenario) -> Vec<String> {
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
pub fn leftovers(state: &Path) -> Vec<PathBuf> {
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
