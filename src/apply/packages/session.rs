//! Running one step after the other, each in a container of its own, and reading what it says.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::super::container::{
    self, ENVIRONMENT, Job, NOT_STARTED, REFUSED, Request, RunsIn, SCRATCH_INSIDE, Task, ways_out,
};
use super::super::{Stop, journal};
use super::simulation::Simulation;
use super::{apt, messages};
use crate::error::{Error, Result, cannot};
use crate::message::{Arg, Message, say};
use crate::rootfs::{DiskRootfs, ImagePath};

/// How many lines of a step that failed are shown.
const TAIL: usize = 8;
/// Package lists and fetched packages together (bytes): the machine's disk is not the tree's to fill.
const SCRATCH_LIMIT: u64 = 2 << 30;

/// One program to run in the root.
pub(super) struct Step {
    pub program: String,
    pub args: Vec<String>,
    /// The command as people type it.
    shown: String,
    /// What it does, and so what it needs.
    kind: Task,
}

impl Step {
    fn new(kind: Task, program: &str, args: impl IntoIterator<Item = String>) -> Step {
        let args: Vec<String> = args.into_iter().collect();
        let shown = format!("{program} {}", args.join(" "));
        Step { program: program.to_owned(), args, shown, kind }
    }

    /// A step that changes nothing.
    pub fn asking(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        Step::new(Task::Ask, program, args)
    }

    /// A step that fetches.
    pub fn fetching(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        Step::new(Task::Fetch, program, args)
    }

    /// A step that changes packages.
    pub fn changing(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        Step::new(Task::Scripts, program, args)
    }

    /// Names the command in fewer words.
    pub fn shown(self, shown: &str) -> Step {
        Step { shown: shown.to_owned(), ..self }
    }
}

/// What a step came to.
#[derive(Default)]
pub(super) struct Ran {
    /// Its exit status; above 128 the signal that ended it.
    pub status: i32,
    /// Its standard output, by lines.
    pub stdout: Vec<String>,
    /// Why it was ended before it was done.
    why: Option<Message>,
    /// It printed more than was kept.
    is_cut: bool,
    /// The last lines of all its output.
    tail: VecDeque<Arg>,
    /// The lines in which apt complains.
    complaints: Vec<Arg>,
}

impl Ran {
    /// Why it failed: the command and its last lines.
    pub fn failure(&self, step: &Step) -> Message {
        let command = &step.shown;
        if !self.is_started() {
            return messages::not_started(command, container::words(&self.tail));
        }
        let failure = match (&self.why, self.status) {
            (Some(why), _) => messages::did_not_end(command, why),
            (None, s) if s > 128 => messages::by_signal(command, s - 128),
            (None, s) => messages::with_status(command, s),
        };
        match self.tail.is_empty() {
            true => failure,
            false => self.tail.iter().cloned().fold(messages::it_said(failure), messages::below),
        }
    }

    /// Whether there was a program that ended, well or not.
    pub fn is_started(&self) -> bool {
        ![NOT_STARTED, REFUSED].map(i32::from).contains(&self.status)
    }

    /// What a simulation says would be done.
    pub fn simulation(&self) -> Result<Simulation, Message> {
        match self.is_cut {
            true => Err(messages::simulation_too_long()),
            false => Simulation::parse(&self.stdout),
        }
    }

    /// The complaints, to be added to a later failure.
    pub fn complaints(self) -> Vec<Arg> {
        self.complaints.into_iter().take(TAIL).collect()
    }
}

/// The way to run steps in one root.
pub(super) struct Session<'a> {
    root: &'a DiskRootfs,
    runner: &'a super::Runner,
    place: RunsIn,
    scratch: Scratch,
    epoch: Option<i64>,
    stop: &'a Stop,
}

impl<'a> Session<'a> {
    /// Refuses where the programs of the root cannot be shut in.
    pub fn new(
        root: &'a DiskRootfs,
        runner: &'a super::Runner,
        scratch: &Path,
        epoch: Option<i64>,
        stop: &'a Stop,
    ) -> Result<Session<'a>> {
        use crate::rootfs::Rootfs;
        let place = match (root.is_live(), root.is_own()) {
            (true, _) => RunsIn::Live,
            (false, true) => RunsIn::Own,
            (false, false) => RunsIn::Container,
        };
        let scratch = Scratch::make(scratch)?;
        let session = Session { root, runner, place, scratch, epoch, stop };
        session.probe()?;
        Ok(session)
    }

    pub fn is_container(&self) -> bool {
        self.place == RunsIn::Container
    }

    /// The scratch directory as the programs see it.
    pub fn scratch_inside(&self) -> String {
        match self.place {
            RunsIn::Container => SCRATCH_INSIDE.to_owned(),
            RunsIn::Live | RunsIn::Own => self.scratch.dir.display().to_string(),
        }
    }

    /// Makes a container and runs nothing in it.
    fn probe(&self) -> Result<()> {
        if !self.is_container() {
            return Ok(());
        }
        let ran = self.start(Task::Scripts, Vec::new())?;
        if ran.status == 0 {
            return Ok(());
        }
        let why = container::words(&ran.tail);
        let root = self.root.host_path().display().to_string();
        Err(Error::Guard(match ran.status == i32::from(REFUSED) {
            true => messages::scripts_not_run(root, why),
            false => messages::cannot_shut_in(root, why, ways_out()),
        }))
    }

    /// Runs a step to its end.
    pub fn run(&self, step: &Step) -> Result<Ran> {
        self.stop.check()?;
        say!(debug, messages::running(format!("{} {}", step.program, step.args.join(" "))));
        let words = std::iter::once(&step.program).chain(&step.args);
        self.start(step.kind, words.map(OsString::from).collect())
    }

    fn start(&self, kind: Task, command: Vec<OsString>) -> Result<Ran> {
        let raced = || Error::Raced { path: ImagePath::root() };
        let job = Job {
            place: self.place,
            kind,
            parent: std::process::id(),
            root: self.root.host_path().to_owned(),
            identity: self.root.identity().ok_or_else(raced)?,
            scratch: self.scratch.dir.clone(),
            command,
        };
        let request = Request {
            job,
            input: None,
            environment: environment(self.epoch),
            limit: self.runner.time_limit,
            stop: self.stop,
            watch: &|| self.scratch.too_large(),
        };
        let mut ran = Ran::default();
        let program = &self.runner.program;
        let ended = container::run(program, request, &mut |is_out, line| ran.take(is_out, line))
            .map_err(|e| Error::host(cannot::start, program, e))?;
        (ran.status, ran.why, ran.is_cut) = (ended.status, ended.why, ended.is_cut);
        Ok(ran)
    }
}

/// All that the programs of the root get of an environment: nothing of this machine's.
fn environment(epoch: Option<i64>) -> Vec<(&'static str, String)> {
    let more = [
        ("HOME", "/root"),
        ("TERM", "dumb"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBIAN_PRIORITY", "critical"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("NEEDRESTART_MODE", "l"),
        ("UCF_FORCE_CONFFOLD", "1"),
    ];
    let all = ENVIRONMENT.into_iter().chain(more);
    let mut all: Vec<_> = all.map(|(name, value)| (name, value.to_owned())).collect();
    all.extend(epoch.map(|seconds| ("SOURCE_DATE_EPOCH", seconds.to_string())));
    all
}

impl Ran {
    fn take(&mut self, is_out: bool, line: String) {
        let shown = container::line(&line);
        say!(info, messages::output(shown.clone()));
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(shown.clone());
        if ["E: ", "W: ", "Err:"].iter().any(|p| line.starts_with(p)) {
            self.complaints.push(shown);
        }
        if is_out {
            self.stdout.push(line);
        }
    }
}

/// A directory of this machine for package lists and fetched packages; gone when dropped.
struct Scratch {
    dir: PathBuf,
    /// Directories above it that were not there before, innermost first.
    made: Vec<PathBuf>,
}

#[allow(clippy::disallowed_methods)] // it lies on the machine that runs the tool
impl Scratch {
    fn make(dir: &Path) -> Result<Scratch> {
        let fail = |e| Error::host(cannot::make_the_directory_for_packages, dir, e);
        match std::fs::remove_dir_all(dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(fail(e)),
            _ => {}
        }
        let above = dir.ancestors().skip(1);
        let made = above.take_while(|d| !d.exists()).map(Path::to_owned).collect();
        if let Some(parent) = dir.parent() {
            journal::make_dir(parent)?;
        }
        let mut scratch = Scratch { dir: dir.to_owned(), made };
        let mut open = std::fs::DirBuilder::new();
        for below in ["", "lists", "lists/partial", "cache", "cache/archives/partial"] {
            open.recursive(true).mode(0o755).create(dir.join(below)).map_err(fail)?;
        }
        std::fs::write(dir.join(apt::FETCH_CONF), apt::NO_COMMANDS).map_err(fail)?;
        scratch.dir = std::fs::canonicalize(dir).map_err(fail)?;
        Ok(scratch)
    }

    /// Words, if more lies in it than may.
    fn too_large(&self) -> Option<Message> {
        let size = size_of(&self.dir, SCRATCH_LIMIT);
        (size > SCRATCH_LIMIT).then(|| {
            messages::scratch_too_large(SCRATCH_LIMIT >> 20, self.dir.display().to_string())
        })
    }
}

/// The size of all files below a directory (bytes), holes included; beyond `enough` it is not looked
/// further.
#[allow(clippy::disallowed_methods)] // as above
fn size_of(dir: &Path, enough: u64) -> u64 {
    let mut sum = 0;
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        sum += match entry.metadata() {
            Ok(found) if found.is_dir() => size_of(&entry.path(), enough),
            // An entry has its price, too.
            Ok(found) => found.len() + 1024,
            // It has gone.
            Err(_) => 0,
        };
        if sum > enough {
            break;
        }
    }
    sum
}

#[allow(clippy::disallowed_methods)] // as above
impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.dir) {
            let dir = self.dir.display().to_string();
            say!(warn, messages::scratch_stays(dir, Arg::cause(e)));
        }
        // They stay where a journal lies in them.
        for dir in &self.made {
            if std::fs::remove_dir(dir).is_err() {
                break;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_the_scratch_directory_is_counted() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("a/b")).unwrap();
        std::fs::write(top.path().join("a/b/c"), [0; 5000]).unwrap();
        std::os::unix::fs::symlink("/", top.path().join("a/root")).unwrap();
        let size = size_of(top.path(), SCRATCH_LIMIT);
        assert!((5000..20_000).contains(&size), "{size}");
        let large = std::fs::File::create(top.path().join("a/large")).unwrap();
        large.set_len(SCRATCH_LIMIT).unwrap();
        assert!(size_of(top.path(), SCRATCH_LIMIT) > SCRATCH_LIMIT);
        let scratch = Scratch { dir: top.path().to_owned(), made: Vec::new() };
        assert!(scratch.too_large().unwrap().to_string().contains("more than 2048 MiB"));
    }
}
