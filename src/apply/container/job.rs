//! The description of a step, as one process passes it to the next: the run to its keeper, the keeper to the
//! step's first process.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

use super::messages;
use crate::message::Message;

/// The words that begin a keeper's command line, and a step's.
pub(super) const KEEPER: &str = "--container-keeper";
pub(super) const STEP: &str = "--container-step";
/// The exit status of a keeper whose step could not be started.
pub(in super::super) const NOT_STARTED: u8 = 125;
/// The exit status of a keeper whose step was refused, with words that say what to do.
pub(in super::super) const REFUSED: u8 = 123;
/// The exit status of a step whose program is not there, or is not for this machine.
pub(in super::super) const MISSING: u8 = 124;
/// Where the scratch directory lies for programs that run in a container.
pub(in super::super) const SCRATCH_INSIDE: &str = "/run/gokaku";

/// Where a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum RunsIn {
    /// On the running system.
    Live,
    /// In the root that this program itself has, which is no running system's: a container, a
    /// chroot.
    Own,
    /// In a container of a directory that holds a root.
    Container,
}

/// What a step does, and so what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Task {
    /// Package management that changes nothing.
    Ask,
    /// It fetches: the machine's network, and no script.
    Fetch,
    /// Scripts of packages run: no network, and services must not start.
    Scripts,
    /// A validator, in a view of the root: what it writes is gone with it.
    View,
}

const PLACES: [(RunsIn, &str); 3] =
    [(RunsIn::Live, "live"), (RunsIn::Own, "own"), (RunsIn::Container, "container")];
const KINDS: [(Task, &str); 4] =
    [(Task::Ask, "ask"), (Task::Fetch, "fetch"), (Task::Scripts, "scripts"), (Task::View, "view")];

/// The word of a value, in a table of all.
fn word<T: PartialEq + Copy>(table: &[(T, &'static str)], value: T) -> &'static str {
    table.iter().find(|(known, _)| *known == value).map_or("", |(_, word)| word)
}

fn value<T: Copy>(table: &[(T, &'static str)], word: &OsString) -> Option<T> {
    table.iter().find(|(_, known)| word == *known).map(|(value, _)| *value)
}

/// One step.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Job {
    pub place: RunsIn,
    pub kind: Task,
    /// The process whose death ends the step.
    pub parent: u32,
    /// Where the root is.
    pub root: PathBuf,
    /// Device and number of the root, so that no other directory is mistaken for it.
    pub identity: (u64, u64),
    /// Where the scratch directory is; empty: none.
    pub scratch: PathBuf,
    /// Program and arguments. Empty: only test whether a container is available.
    pub command: Vec<OsString>,
}

impl Job {
    /// The command line of a keeper.
    pub fn to_args(&self) -> Vec<OsString> {
        self.args(KEEPER)
    }

    /// The command line of the step itself.
    pub(super) fn step_args(&self) -> Vec<OsString> {
        self.args(STEP)
    }

    fn args(&self, verb: &str) -> Vec<OsString> {
        let mut args = vec![
            verb.into(),
            word(&PLACES, self.place).into(),
            word(&KINDS, self.kind).into(),
            self.parent.to_string().into(),
            self.root.clone().into(),
            format!("{}:{}", self.identity.0, self.identity.1).into(),
            self.scratch.clone().into(),
        ];
        args.extend(self.command.iter().cloned());
        args
    }

    /// Reads what follows the verb.
    pub(super) fn parse(args: &[OsString]) -> Option<Job> {
        let [place, kind, parent, root, identity, scratch, command @ ..] = args else {
            return None;
        };
        let (device, number) = identity.to_str()?.split_once(':')?;
        Some(Job {
            place: value(&PLACES, place)?,
            kind: value(&KINDS, kind)?,
            parent: parent.to_str()?.parse().ok()?,
            root: root.into(),
            identity: (device.parse().ok()?, number.parse().ok()?),
            scratch: scratch.into(),
            command: command.to_vec(),
        })
    }
}

/// Why a step is not started.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No container can be made here; elsewhere it can.
    Here(String),
    /// For another reason; the message says what to do.
    Explained(Message),
}

impl From<String> for Refusal {
    fn from(why: String) -> Refusal {
        Refusal::Here(why)
    }
}

impl From<&str> for Refusal {
    fn from(why: &str) -> Refusal {
        Refusal::Here(why.to_owned())
    }
}

/// The root is not the directory that it was when the run began.
pub(super) fn another_root(root: &Path) -> Refusal {
    Refusal::Explained(messages::another_root(root.display().to_string()))
}

/// Dies when the parent does; at once, if it has already.
pub(super) fn die_with_parent(signal: Signal, parent: u32) -> Result<(), String> {
    set_pdeathsig(signal).map_err(|e| format!("cannot be tied to the run: {e}"))?;
    if i32::try_from(parent).is_ok_and(|p| getppid() == Pid::from_raw(p)) {
        return Ok(());
    }
    Err("the run has ended".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_keeper_is_told_is_what_it_reads() {
        let job = Job {
            place: RunsIn::Own,
            kind: Task::Scripts,
            parent: 7,
            root: "/mnt/image".into(),
            identity: (64768, 2),
            scratch: "/var/lib/gokaku/x/packages".into(),
            command: vec!["apt-get".into(), "-q".into()],
        };
        let args = job.to_args();
        assert_eq!(args[0], KEEPER);
        assert_eq!(Job::parse(&args[1..]), Some(job));
        assert_eq!(Job::parse(&args[1..7]).unwrap().command, [""; 0]);
        assert_eq!(Job::parse(&args[1..6]), None, "no scratch directory");
        assert_eq!(Job::parse(&[]), None);
    }
}
