//! The keeper of one step: this program, started again.
//!
//! It sees to it that nothing is left when the step ends, whichever way it ends: on an offline root
//! the step is the first process of a process namespace of its own, so that the kernel ends all the
//! others with it; and when the run that started the keeper dies, even by `kill -9`, the keeper ends
//! the step and takes `policy-rc.d` away again.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Pid, getppid};

use super::inside;
use super::policy::Policy;
use crate::rootfs::DiskRootfs;

const KEEPER: &str = "--package-keeper";
const INSIDE: &str = "--package-step";
/// The exit status of a keeper whose step could not be started.
pub(super) const NOT_STARTED: u8 = 125;
/// How long a step on the program's own root may take to end itself (tenths of a second).
const GRACE: u32 = 100;

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

    fn parse(args: &[OsString]) -> Option<Job> {
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

/// Does what a keeper is started for, if these arguments of the process (the first is the program's
/// name) are a keeper's; then the exit status. A program that hands [`super::Runner`] its own path
/// calls this before anything else.
pub fn serve(args: &[OsString]) -> Option<u8> {
    let [_, verb, rest @ ..] = args else { return None };
    let work: fn(Job) -> Result<u8, String> = match verb.to_str()? {
        KEEPER => keep,
        INSIDE => |job| inside::run(&job),
        _ => return None,
    };
    let done = match Job::parse(rest) {
        Some(job) => work(job),
        None => Err("wrong arguments".to_owned()),
    };
    Some(done.unwrap_or_else(|why| {
        eprintln!("{why}");
        NOT_STARTED
    }))
}

/// Dies when the parent does; at once, if it has already.
pub(super) fn die_with_parent(signal: Signal, parent: u32) -> Result<(), String> {
    set_pdeathsig(signal).map_err(|e| format!("cannot be tied to the run: {e}"))?;
    if i32::try_from(parent).is_ok_and(|p| getppid() == Pid::from_raw(p)) {
        return Ok(());
    }
    Err("the run has ended".to_owned())
}

fn keep(job: Job) -> Result<u8, String> {
    let ends = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
    let mut signals = SigSet::empty();
    for signal in ends.into_iter().chain([Signal::SIGCHLD]) {
        signals.add(signal);
    }
    signals.thread_block().map_err(|e| format!("cannot block signals: {e}"))?;
    die_with_parent(Signal::SIGTERM, job.parent)?;
    umask(Mode::S_IWGRP | Mode::S_IWOTH);
    let root = DiskRootfs::open(&job.root).map_err(|e| e.to_string())?;
    if root.identity() != Some(job.identity) {
        return Err(format!("{}: another directory than at the beginning", job.root.display()));
    }
    let policy = match job.scripts && job.place != Place::Live {
        true => Policy::place(&root).map_err(|e| e.to_string())?,
        false => None,
    };
    if job.place == Place::Chroot {
        unshare(CloneFlags::CLONE_NEWPID).map_err(|e| {
            format!(
                "cannot keep the root's programs apart (a process namespace): {e}; in a container \
                 this needs CAP_SYS_ADMIN (--privileged)"
            )
        })?;
    }
    let place = job.place;
    let inner = Job { parent: std::process::id(), ..job };
    #[allow(clippy::disallowed_methods)] // this program itself
    let mut command = Command::new("/proc/self/exe");
    command.args(inner.args(INSIDE)).stdin(Stdio::null()).process_group(0);
    let mut child = command.spawn().map_err(|e| format!("cannot start the step: {e}"))?;
    let status = wait(&mut child, &signals, place);
    drop(policy);
    let status = status.map_err(|e| format!("cannot wait for the step: {e}"))?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(u8::try_from(code).unwrap_or(NOT_STARTED))
}

/// Waits for the step; a signal to the keeper ends it.
fn wait(child: &mut Child, signals: &SigSet, place: Place) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let signal = signals.wait().map_err(std::io::Error::from)?;
        if signal == Signal::SIGCHLD {
            continue;
        }
        if place == Place::Chroot {
            // The first process of a namespace takes all others with it.
            child.kill()?;
            return child.wait();
        }
        let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let _ = killpg(group, Signal::SIGTERM);
        for _ in 0..GRACE {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = killpg(group, Signal::SIGKILL);
        return child.wait();
    }
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

    #[test]
    fn an_ordinary_command_line_is_not_a_keepers() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(serve(&args(&["gokaku"])), None);
        assert_eq!(serve(&args(&["gokaku", "audit", KEEPER])), None);
        assert_eq!(serve(&args(&["gokaku", KEEPER, "chroot"])), Some(NOT_STARTED));
    }
}
