//! Running one step after the other, each under a keeper of its own, and reading what it says.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, PipeReader};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::super::{Stop, journal};
use super::job::{Job, NOT_STARTED, Place, SCRATCH_INSIDE};
use crate::error::{Error, Result};
use crate::rootfs::{DiskRootfs, ImagePath, escape};

/// How many lines of a step that failed are shown.
const TAIL: usize = 8;
/// A daemon may hold on to a step's output; what comes this long after its end is not waited for.
const LINGER: Duration = Duration::from_secs(2);

/// One program to run in the root.
pub(super) struct Step {
    pub program: String,
    pub args: Vec<String>,
    /// The command as people type it.
    shown: String,
    /// Scripts of packages may run: services must not start.
    pub scripts: bool,
    /// It fetches something: without the network it cannot work.
    pub online: bool,
}

impl Step {
    fn new(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        let args: Vec<String> = args.into_iter().collect();
        let shown = format!("{program} {}", args.join(" "));
        Step { program: program.to_owned(), args, shown, scripts: false, online: false }
    }

    /// A step that changes nothing.
    pub fn asking(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        Step::new(program, args)
    }

    /// A step that fetches.
    pub fn fetching(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        Step { online: true, ..Step::new(program, args) }
    }

    /// A step that changes packages.
    pub fn changing(program: &str, args: impl IntoIterator<Item = String>) -> Step {
        Step { scripts: true, ..Step::new(program, args) }
    }

    /// Names the command in fewer words.
    pub fn shown(self, shown: &str) -> Step {
        Step { shown: shown.to_owned(), ..self }
    }
}

/// What a step came to.
pub(super) struct Ran {
    /// Its exit status; above 128 the signal that ended it.
    pub status: i32,
    /// Its standard output, by lines.
    pub stdout: Vec<String>,
    /// The last lines of all its output.
    tail: VecDeque<String>,
    /// The lines in which apt complains.
    complaints: Vec<String>,
}

impl Ran {
    /// Why it failed: the command and its last lines.
    pub fn failure(&self, step: &Step) -> String {
        if !self.is_started() {
            let why: Vec<&str> = self.tail.iter().map(String::as_str).collect();
            return format!("`{}` could not be started: {}", step.shown, why.join("; "));
        }
        let how = match self.status {
            s if s > 128 => format!("was ended by signal {}", s - 128),
            s => format!("ended with status {s}"),
        };
        let lines: String = self.tail.iter().map(|l| format!("\n    {l}")).collect();
        format!("`{}` {how}{}{lines}", step.shown, if lines.is_empty() { "" } else { "; it said:" })
    }

    /// Whether there was a program that ended, well or not.
    pub fn is_started(&self) -> bool {
        self.status != i32::from(NOT_STARTED)
    }

    /// The complaints, to be added to a later failure.
    pub fn complaints(&self) -> String {
        let shown = self.complaints.iter().take(TAIL);
        shown.map(|l| format!("\n    {l}")).collect()
    }
}

/// The way to run steps in one root.
pub(super) struct Session<'a> {
    root: &'a DiskRootfs,
    program: &'a Path,
    place: Place,
    scratch: Scratch,
    epoch: Option<i64>,
    stop: &'a Stop,
}

impl<'a> Session<'a> {
    pub fn new(
        root: &'a DiskRootfs,
        program: &'a Path,
        scratch: &Path,
        epoch: Option<i64>,
        stop: &'a Stop,
    ) -> Result<Session<'a>> {
        use crate::rootfs::Rootfs;
        let place = match (root.is_live(), root.is_own()) {
            (true, _) => Place::Live,
            (false, true) => Place::Own,
            (false, false) => Place::Chroot,
        };
        Ok(Session { root, program, place, scratch: Scratch::make(scratch)?, epoch, stop })
    }

    pub fn is_chroot(&self) -> bool {
        self.place == Place::Chroot
    }

    /// The scratch directory as the programs see it.
    pub fn scratch_inside(&self) -> String {
        match self.place {
            Place::Chroot => SCRATCH_INSIDE.to_owned(),
            Place::Live | Place::Own => self.scratch.dir.display().to_string(),
        }
    }

    /// Runs a step to its end.
    pub fn run(&self, step: &Step) -> Result<Ran> {
        self.stop.check()?;
        let raced = || Error::Raced { path: ImagePath::root() };
        let job = Job {
            place: self.place,
            parent: std::process::id(),
            root: self.root.host_path().to_owned(),
            identity: self.root.identity().ok_or_else(raced)?,
            scratch: self.scratch.dir.clone(),
            scripts: step.scripts,
            online: step.online,
            command: [step.program.clone()].iter().chain(&step.args).map(OsString::from).collect(),
        };
        log::debug!("running {} {}", step.program, step.args.join(" "));
        let fail = |e| Error::host("start", self.program, e);
        let (out, out_writer) = std::io::pipe().map_err(fail)?;
        let (err, err_writer) = std::io::pipe().map_err(fail)?;
        #[allow(clippy::disallowed_methods)] // this program itself, as the keeper of a step
        let mut command = Command::new(self.program);
        command
            .args(job.to_args())
            .env_clear()
            .envs(environment(self.epoch))
            .stdin(Stdio::null())
            .stdout(out_writer)
            .stderr(err_writer);
        let mut keeper = command.spawn().map_err(fail)?;
        // Its copies of the pipes' ends would keep them open.
        drop(command);
        collect(&mut keeper, out, err, self.stop).map_err(fail)
    }
}

/// All that the programs of the root get of an environment: nothing of this machine's.
fn environment(epoch: Option<i64>) -> Vec<(&'static str, String)> {
    let mut all = [
        ("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LC_ALL", "C"),
        ("TERM", "dumb"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBIAN_PRIORITY", "critical"),
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("NEEDRESTART_MODE", "l"),
        ("UCF_FORCE_CONFFOLD", "1"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .to_vec();
    all.extend(epoch.map(|seconds| ("SOURCE_DATE_EPOCH", seconds.to_string())));
    all
}

/// Reads both outputs until the keeper has ended. When the run is to end, so is the keeper, which
/// sees to its step.
fn collect(
    keeper: &mut Child,
    out: PipeReader,
    err: PipeReader,
    stop: &Stop,
) -> std::io::Result<Ran> {
    let (sender, lines) = mpsc::channel();
    for (is_out, pipe) in [(true, out), (false, err)] {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
                // Progress is shown by returning to the beginning of the line; the last part counts.
                let text = line.trim_ascii_end().rsplit(|b| *b == b'\r').next().unwrap_or(&line);
                if sender.send((is_out, escape(text))).is_err() {
                    return;
                }
                line.clear();
            }
        });
    }
    drop(sender);
    let mut ran =
        Ran { status: 0, stdout: Vec::new(), tail: VecDeque::new(), complaints: Vec::new() };
    let (mut ended, mut asked) = (None, false);
    loop {
        if ended.is_none() && !asked && stop.check().is_err() {
            asked = true;
            let pid = i32::try_from(keeper.id()).map_err(std::io::Error::other)?;
            kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        }
        let patience = if ended.is_some() { LINGER } else { Duration::from_millis(100) };
        match lines.recv_timeout(patience) {
            Ok((is_out, line)) => ran.take(is_out, line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if ended.is_some() => break,
            Err(RecvTimeoutError::Timeout) => ended = keeper.try_wait()?,
        }
    }
    let status = match ended {
        Some(status) => status,
        None => keeper.wait()?,
    };
    use std::os::unix::process::ExitStatusExt;
    ran.status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(ran)
}

impl Ran {
    fn take(&mut self, is_out: bool, line: String) {
        if line.is_empty() {
            return;
        }
        log::info!("  {line}");
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.clone());
        if ["E: ", "W: ", "Err:"].iter().any(|p| line.starts_with(p)) {
            self.complaints.push(line.clone());
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
        let fail = |e| Error::host("make the directory for packages", dir, e);
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
        scratch.dir = std::fs::canonicalize(dir).map_err(fail)?;
        Ok(scratch)
    }
}

#[allow(clippy::disallowed_methods)] // as above
impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = std::fs::remove_dir_all(&self.dir) {
            log::warn!("{}: cannot remove: {e}; remove it by hand", self.dir.display());
        }
        // They stay where a journal lies in them.
        for dir in &self.made {
            if std::fs::remove_dir(dir).is_err() {
                break;
            }
        }
    }
}
