//! The step itself: the first process of its namespace, which makes the container, runs the root's
//! own program in it, and ends it.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};

use super::confine::{self, close_inherited};
use super::enter;
use super::group::{self, Bounded};
use super::job::{Job, MISSING, NOT_STARTED, Refusal, RunsIn, Task, die_with_parent};
use super::view::View;
use super::{messages, words};
use crate::message::{Arg, Message};

/// More processes than any package script needs; above, the step is ended.
pub(super) const MAX_PROCESSES: usize = 4096;
/// More memory than any package script needs (bytes), where the machine has so much.
const MAX_MEMORY: u64 = 4 << 30;
/// How often the end of the program, and what the step uses, are looked at.
const TICK: Duration = Duration::from_millis(40);

/// Runs the step's program and returns its exit status; on the program's own root, becomes it.
///
/// # Errors
/// Why it could not be started.
pub(super) fn run(job: &Job) -> Result<u8, Refusal> {
    close_inherited()?;
    if job.place != RunsIn::Container {
        die_with_parent(Signal::SIGTERM, job.parent)?;
        unblock()?;
        let (program, args) = job.command.split_first().ok_or("wrong arguments")?;
        #[allow(clippy::disallowed_methods)] // the root is this program's own
        let e = Command::new(program).args(args).exec();
        return Err(cannot_be_run(program, &e));
    }
    // The keeper cannot be seen from inside the new namespace.
    set_pdeathsig(Signal::SIGKILL).map_err(|e| format!("cannot be tied to its keeper: {e}"))?;
    if !has_keeper(job.parent) {
        return Err("its keeper has ended".into());
    }
    // No terminal of this machine: there is none to type into.
    setsid().map_err(|e| format!("a session of its own: {e}"))?;
    set_name(c"gokaku").map_err(|e| format!("a name: {e}"))?;
    unblock()?;
    let view = match job.kind {
        Task::View => Some(View::read(std::io::stdin().lock())?),
        _ => None,
    };
    let mut bounded = group::enter(job.parent);
    bounded.processes |= enter::enter(job, view.as_ref())?;
    confine::confine(job.kind, bounded)?;
    if let Some(view) = &view
        && let Some(key) = &view.host_key
        && !make_key(key, bounded)?
    {
        words::say(&messages::no_host_key());
        return Ok(MISSING);
    }
    let Some((program, args)) = job.command.split_first() else { return Ok(0) };
    #[allow(clippy::disallowed_methods)] // the root's own program, confined
    let mut command = Command::new(program);
    command.args(args).stdin(Stdio::null());
    if view.as_ref().is_some_and(|v| v.quiet) {
        command.stdout(Stdio::null());
    }
    if view.is_some() && !is_there(program.as_ref()) {
        words::say(&messages::not_there(program.display().to_string()));
        return Ok(MISSING);
    }
    match attend(&mut command, bounded) {
        Ok(status) => Ok(code(status)),
        // ENOEXEC: for another kind of machine. ENOENT: so is its loader.
        Err(e) if view.is_some() => {
            let other = e.kind() == ErrorKind::NotFound || e.raw_os_error() == Some(8);
            let (program, cause) = (program.display().to_string(), Arg::cause(&e));
            words::say(&match other {
                true => messages::does_not_run_here(program, cause),
                false => messages::cannot_be_run(program, cause),
            });
            Ok(MISSING)
        }
        Err(e) => Err(cannot_be_run(program, &e)),
    }
}

fn cannot_be_run(program: &OsStr, e: &std::io::Error) -> Refusal {
    Refusal::Explained(messages::cannot_be_run(program.display().to_string(), Arg::cause(e)))
}

fn unblock() -> Result<(), String> {
    SigSet::all().thread_unblock().map_err(|e| format!("cannot unblock signals: {e}"))
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(NOT_STARTED)
}

#[allow(clippy::disallowed_methods)] // the root's own path: the root has been entered
fn is_there(program: &Path) -> bool {
    std::fs::metadata(program).is_ok()
}

/// sshd refuses to judge without a host key; this one never leaves memory.
fn make_key(path: &str, bounded: Bounded) -> Result<bool, String> {
    #[allow(clippy::disallowed_methods)] // the root's own program, confined
    let mut command = Command::new("/usr/bin/ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f", path]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(attend(&mut command, bounded).is_ok_and(|status| status.success()))
}

/// Runs a program to its end, and buries whatever else ends meanwhile: orphans are given to the
/// first process.
fn attend(command: &mut Command, bounded: Bounded) -> std::io::Result<ExitStatus> {
    let child = command.spawn()?;
    let main = i32::try_from(child.id()).map_err(std::io::Error::other)?;
    let mut pause = Duration::from_millis(1);
    loop {
        match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG))? {
            WaitStatus::Exited(pid, status) if pid.as_raw() == main => {
                return Ok(ExitStatus::from_raw(status << 8));
            }
            WaitStatus::Signaled(pid, signal, _) if pid.as_raw() == main => {
                return Ok(ExitStatus::from_raw(signal as i32));
            }
            WaitStatus::StillAlive => {
                if let Some(why) = too_much(bounded) {
                    words::say(&why);
                    return Ok(ExitStatus::from_raw(Signal::SIGKILL as i32));
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(TICK);
            }
            _ => {}
        }
    }
}

/// Why the step is to end, of what the kernel does not bound itself.
fn too_much(bounded: Bounded) -> Option<Message> {
    if bounded.memory && bounded.processes {
        return None;
    }
    let all = processes();
    if !bounded.processes && all.len() > MAX_PROCESSES {
        return Some(messages::too_many_processes(MAX_PROCESSES));
    }
    let used = || all.iter().map(|process| memory(process)).sum::<u64>();
    (!bounded.memory && used() > max_memory()).then(group::too_much_memory)
}

#[allow(clippy::disallowed_methods)] // the container's own /proc
fn processes() -> Vec<PathBuf> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_process = |name: &std::ffi::OsStr| name.as_encoded_bytes()[0].is_ascii_digit();
    all.filter(|e| is_process(&e.file_name())).map(|e| e.path()).collect()
}

/// The memory of a process that is in no file (bytes); what it shares with others counts for each.
#[allow(clippy::disallowed_methods)] // as above
fn memory(process: &Path) -> u64 {
    let text = std::fs::read_to_string(process.join("status")).unwrap_or_default();
    ["RssAnon", "RssShmem", "VmSwap"].iter().filter_map(|name| kib(&text, name)).sum::<u64>() << 10
}

/// A line `NAME: N kB` of one of the kernel's tables.
fn kib(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    lines.next()?.split_ascii_whitespace().next()?.parse().ok()
}

/// So much memory all programs of a step may need together (bytes): on a small machine, three
/// quarters of what it has.
#[allow(clippy::disallowed_methods)] // a question to the running kernel
pub(super) fn max_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let has = kib(&text, "MemTotal").map_or(u64::MAX, |kib| kib << 10);
    MAX_MEMORY.min(has / 4 * 3)
}

/// Whether the keeper lives. This machine's `/proc` is still there and knows it; a process that had
/// lost it by now would never be ended with it.
#[allow(clippy::disallowed_methods)] // a question to the running kernel
fn has_keeper(keeper: u32) -> bool {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let parent = text.lines().find_map(|line| line.strip_prefix("PPid:"));
    parent.and_then(|n| n.trim().parse().ok()) == Some(keeper)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_the_kernels_table() {
        let text = "Name:\tx\nRssAnon:\t    1024 kB\nRssAnonX: 9 kB\nVmSwap: x kB\n";
        assert_eq!(kib(text, "RssAnon"), Some(1024));
        assert_eq!((kib(text, "RssShmem"), kib(text, "VmSwap")), (None, None));
        assert!(memory(Path::new("/proc/self")) > 0);
        assert!((1..=MAX_MEMORY).contains(&max_memory()));
    }
}
