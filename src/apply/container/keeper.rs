//! The keeper of one step: this program, started again.
//!
//! It ensures that nothing is left when the step ends, however it ends: in a container the
//! step is the first process of a process namespace of its own, so that the kernel ends all the
//! others with it; and when the run that started the keeper dies, even by `kill -9`, the keeper ends
//! the step and removes `policy-rc.d`.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::Pid;
use rustix::fs::{MemfdFlags, SealFlags};

use super::confine::close_inherited;
use super::group::Group;
use super::init;
use super::job::{
    Job, KEEPER, NOT_STARTED, REFUSED, Refusal, RunsIn, STEP, Task, another_root, die_with_parent,
};
use super::policy::Policy;
use super::{messages, words};
use crate::message::Message;
use crate::rootfs::DiskRootfs;

/// How long a step on the program's own root may take to end itself (tenths of a second).
const GRACE: u32 = 100;

/// Does what a keeper is started for, if these arguments of the process (the first is the program's
/// name) are a keeper's; then the exit status. A program that hands its own path to
/// [`Runner`](crate::apply::packages::Runner) or [`validate`](crate::apply::validate()) calls this
/// before anything else, while it has no descriptor of its own and no other thread.
pub fn serve(args: &[OsString]) -> Option<u8> {
    let [_, verb, rest @ ..] = args else { return None };
    let work: fn(Job) -> Result<u8, Refusal> = match verb.to_str()? {
        KEEPER => keep,
        STEP => |job| init::run(&job),
        _ => return None,
    };
    let done = match Job::parse(rest) {
        Some(job) => work(job),
        None => Err("wrong arguments".into()),
    };
    Some(done.unwrap_or_else(|refusal| match refusal {
        Refusal::Here(why) => {
            eprintln!("{why}");
            NOT_STARTED
        }
        Refusal::Explained(why) => {
            words::say(&why);
            REFUSED
        }
    }))
}

fn keep(job: Job) -> Result<u8, Refusal> {
    close_inherited()?;
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
        return Err(another_root(&job.root));
    }
    let starts_services =
        job.kind == Task::Scripts && job.place != RunsIn::Live && !job.command.is_empty();
    let policy = match starts_services {
        true => Policy::place(&root).map_err(|e| Refusal::Explained(Message::from(&e)))?,
        false => None,
    };
    let is_container = job.place == RunsIn::Container;
    let number = own_number();
    let mut program = PathBuf::from("/proc/self/exe");
    let mut copy = None;
    let mut group = None;
    if is_container {
        unshare(CloneFlags::CLONE_NEWPID).map_err(|e| {
            format!("a process namespace: {e} (CAP_SYS_ADMIN is needed, and a kernel with it)")
        })?;
        group = Some(Group::make(number));
        let sealed = sealed_copy()?;
        program = format!("/proc/self/fd/{}", sealed.as_raw_fd()).into();
        copy = Some(sealed);
    }
    let stdin = if job.kind == Task::View { Stdio::inherit() } else { Stdio::null() };
    let place = job.place;
    let inner = Job { parent: if is_container { number } else { std::process::id() }, ..job };
    #[allow(clippy::disallowed_methods)] // this program itself
    let mut command = Command::new(program);
    command.args(inner.step_args()).stdin(stdin);
    if !is_container {
        // The group is what a signal ends; in a container it is the namespace.
        command.process_group(0);
    }
    let mut child = command.spawn().map_err(|e| format!("cannot start the step: {e}"))?;
    drop(copy);
    let status = wait(&mut child, &signals, place);
    drop(policy);
    let word = group.as_ref().and_then(Group::last_word);
    drop(group);
    if let Some(word) = &word {
        words::say(word);
    }
    let status = status.map_err(|e| format!("cannot wait for the step: {e}"))?;
    let mut code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    if code == 0 && word.is_some() {
        // In version 1 the kernel ends one program, and the others may not have noticed.
        code = 128 + Signal::SIGKILL as i32;
    }
    Ok(u8::try_from(code).unwrap_or(NOT_STARTED))
}

/// The number of this process in the `/proc` that is mounted here.
fn own_number() -> u32 {
    #[allow(clippy::disallowed_methods)] // a question to the running kernel
    let own = std::fs::read_link("/proc/self").ok();
    let own = own.and_then(|name| name.to_str()?.parse().ok());
    own.unwrap_or_else(std::process::id)
}

/// This program, in memory that nobody can write: `/proc/PID/exe` of a process inside leads to it,
/// and would otherwise lead to the file on this machine.
fn sealed_copy() -> Result<OwnedFd, Refusal> {
    let fail = |what: &str, e: std::io::Error| {
        Refusal::Here(format!("a sealed copy of this program: {what}: {e}"))
    };
    #[allow(clippy::disallowed_methods)] // this program itself
    let mut own = std::fs::File::open("/proc/self/exe").map_err(|e| fail("/proc/self/exe", e))?;
    let base = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = rustix::fs::memfd_create("gokaku", base | MemfdFlags::EXEC).or_else(|e| match e {
        // Before Linux 6.3 there is no such flag, and no need for it.
        rustix::io::Errno::INVAL => rustix::fs::memfd_create("gokaku", base),
        e => Err(e),
    });
    let fd = made.map_err(|e| match e {
        rustix::io::Errno::ACCESS => Refusal::Explained(messages::memory_not_executable()),
        e => fail("memfd", e.into()),
    })?;
    let mut file = std::fs::File::from(fd);
    std::io::copy(&mut own, &mut file).map_err(|e| fail("copy", e))?;
    let fd = OwnedFd::from(file);
    let all = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&fd, all).map_err(|e| fail("seal", e.into()))?;
    Ok(fd)
}

/// Waits for the step; a signal to the keeper ends it.
fn wait(child: &mut Child, signals: &SigSet, place: RunsIn) -> std::io::Result<ExitStatus> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        let signal = signals.wait().map_err(std::io::Error::from)?;
        if signal == Signal::SIGCHLD {
            continue;
        }
        if place == RunsIn::Container {
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
        assert_eq!(serve(&args(&["gokaku", KEEPER, "container"])), Some(NOT_STARTED));
    }
}
