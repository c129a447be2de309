//! What a step is, as one process hands it to the next: the run to its keeper, the keeper to the
//! step.

use std::ffi::OsString;
use std::path::PathBuf;

use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};

/// The words that begin a keeper's command line, and a step's.
pub(super) const KEEPER: &str = "--package-keeper";
pub(super) const STEP: &str = "--package-step";
/// The exit status of a keeper whose step could not be started.
pub(super) const NOT_STARTED: u8 = 125;
/// Where the scratch directory lies for programs that run in an offline root.
pub(super) const SCRATCH_INSIDE: &str = "/run/gokaku";

/// Where a step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// On the running system.
    Live,
    /// In the root that this program itself has, which is no running system's: a container, a
    /// chroot.
    Own,
    /// In a directory that holds a root.
    Chroot,
}

impl Place {
    const ALL: [(Place, &'static str); 3] =
        [(Place::Live, "live"), (Place::Own, "own"), (Place::Chroot, "chroot")];

    fn word(self) -> &'static str {
        Place::ALL.iter().find(|(place, _)| *place == self).map_or("", |(_, word)| word)
    }
}

/// What a keeper is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub place: Place,
    /// The process whose death ends the step.
    pub parent: u32,
    /// Where the root is.
    pub root: PathBuf,
    /// Device and number of the root, so that nothing else is taken for it.
    pub identity: (u64, u64),
    /// Where the scratch directory is.
    pub scratch: PathBuf,
    /// Scripts of packages may run.
    pub scripts: bool,
    /// The network is needed.
    pub online: bool,
    /// Program and arguments.
    pub command: Vec<OsString>,
}

impl Job {
    /// The command line of a keeper.
    pub fn to_args(&self) -> Vec<OsString> {
        self.args(KEEPER)
    }

    /// The command line of the step itself.
    pub fn step_args(&self) -> Vec<OsString> {
        self.args(STEP)
    }

    fn args(&self, verb: &str) -> Vec<OsString> {
        let word = |is, word: &'static str| OsString::from(if is { word } else { "no" });
        let mut args = vec![
            verb.into(),
            self.place.word().into(),
            self.parent.to_string().into(),
            self.root.clone().into(),
            format!("{}:{}", self.identity.0, self.identity.1).into(),
            self.scratch.clone().into(),
            word(self.scripts, "scripts"),
            word(self.online, "online"),
        ];
        args.extend(self.command.iter().cloned());
        args
    }

    /// Reads what follows the verb.
    pub fn parse(args: &[OsString]) -> Option<Job> {
        let [place, parent, root, identity, scratch, scripts, online, command @ ..] = args else {
            return None;
        };
        let (device, number) = identity.to_str()?.split_once(':')?;
        Some(Job {
            place: Place::ALL.iter().find(|(_, word)| *place == **word)?.0,
            parent: parent.to_str()?.parse().ok()?,
            root: root.into(),
            identity: (device.parse().ok()?, number.parse().ok()?),
            scratch: scratch.into(),
            scripts: scripts == "scripts",
            online: online == "online",
            command: Some(command).filter(|c| !c.is_empty())?.to_vec(),
        })
    }
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
            place: Place::Own,
            parent: 7,
            root: "/mnt/image".into(),
            identity: (64768, 2),
            scratch: "/var/lib/gokaku/x/packages".into(),
            scripts: true,
            online: false,
            command: vec!["apt-get".into(), "-q".into()],
        };
        let args = job.to_args();
        assert_eq!(args[0], KEEPER);
        assert_eq!(Job::parse(&args[1..]), Some(job));
        assert_eq!(Job::parse(&args[1..8]), None, "no command");
        assert_eq!(Job::parse(&[]), None);
    }
}
