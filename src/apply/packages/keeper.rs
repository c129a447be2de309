//! The keeper of one step: this program, started again.
//!
//! It sees to it that nothing is left when the step ends, whichever way it ends: on an offline root
//! the step is the first process of a process namespace of its own, so that the kernel ends all the
//! others with it; and when the run that started the keeper dies, even by `kill -9`, the keeper ends
//! the step and takes `policy-rc.d` away again.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Pid;

use super::inside;
use super::job::{Job, KEEPER, NOT_STARTED, Place, STEP, die_with_parent};
use super::policy::Policy;
use crate::rootfs::DiskRootfs;

/// How long a step on the program's own root may take to end itself (tenths of a second).
const GRACE: u32 = 100;

/// Does what a keeper is started for, if these arguments of the process (the first is the program's
/// name) are a keeper's; then the exit status. A program that hands [`super::Runner`] its own path
/// calls this before anything else.
pub fn serve(args: &[OsString]) -> Option<u8> {
    let [_, verb, rest @ ..] = args else { return None };
    let work: fn(Job) -> Result<u8, String> = match verb.to_str()? {
        KEEPER => keep,
        STEP => |job| inside::run(&job),
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
    command.args(inner.step_args()).stdin(Stdio::null()).process_group(0);
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
    fn an_ordinary_command_line_is_not_a_keepers() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(serve(&args(&["gokaku"])), None);
        assert_eq!(serve(&args(&["gokaku", "audit", KEEPER])), None);
        assert_eq!(serve(&args(&["gokaku", KEEPER, "chroot"])), Some(NOT_STARTED));
    }
}
