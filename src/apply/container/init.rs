//! The step itself: the first process of its namespace, which makes the container, runs the root's
//! own program in it, and ends it.

use std::io::ErrorKind;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::prctl::{set_name, set_pdeathsig};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, setsid};

use super::confine::{self, close_inherited};
use super::enter;
use super::job::{Job, MISSING, NOT_STARTED, RunsIn, Task, die_with_parent};
use super::view::View;

/// More processes than any package script needs; above, the step is ended.
pub(super) const MAX_PROCESSES: usize = 4096;
/// How often the end of the program, and the number of processes, are looked at.
const TICK: Duration = Duration::from_millis(40);

/// Runs the step's program and returns its exit status; on the program's own root, becomes it.
///
/// # Errors
/// Why it could not be started.
pub(super) fn run(job: &Job) -> Result<u8, String> {
    close_inherited()?;
    if job.place != RunsIn::Container {
        die_with_parent(Signal::SIGTERM, job.parent)?;
        unblock()?;
        let (program, args) = job.command.split_first().ok_or("wrong arguments")?;
        #[allow(clippy::disallowed_methods)] // the root is this program's own
        let e = Command::new(program).args(args).exec();
        return Err(format!("{}: cannot be run: {e}", program.display()));
    }
    // The keeper cannot be seen from inside the new namespace.
    set_pdeathsig(Signal::SIGKILL).map_err(|e| format!("cannot be tied to its keeper: {e}"))?;
    // No terminal of this machine: there is none to type into.
    setsid().map_err(|e| format!("a session of its own: {e}"))?;
    set_name(c"gokaku").map_err(|e| format!("a name: {e}"))?;
    unblock()?;
    let view = match job.kind {
        Task::View => Some(View::read(std::io::stdin().lock())?),
        _ => None,
    };
    let counts = !enter::enter(job, view.as_ref())?;
    confine::confine(job.kind)?;
    if let Some(view) = &view
        && let Some(key) = &view.host_key
        && !make_key(key, counts)?
    {
        eprintln!("no host key is there, and none can be made");
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
        eprintln!("{} is not there", program.display());
        return Ok(MISSING);
    }
    match attend(&mut command, counts) {
        Ok(status) => Ok(code(status)),
        // ENOEXEC: for another kind of machine. ENOENT: so is its loader.
        Err(e) if view.is_some() => {
            let other = e.kind() == ErrorKind::NotFound || e.raw_os_error() == Some(8);
            let how = if other { " does not run here" } else { "" };
            eprintln!("{}{how}: {e}", program.display());
            Ok(MISSING)
        }
        Err(e) => Err(format!("{}: cannot be run: {e}", program.display())),
    }
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
fn make_key(path: &str, counts: bool) -> Result<bool, String> {
    #[allow(clippy::disallowed_methods)] // the root's own program, confined
    let mut command = Command::new("/usr/bin/ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-f", path]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(attend(&mut command, counts).is_ok_and(|status| status.success()))
}

/// Runs a program to its end, and buries whatever else ends meanwhile: orphans are given to the
/// first process.
fn attend(command: &mut Command, counts: bool) -> std::io::Result<ExitStatus> {
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
                if counts && processes() > MAX_PROCESSES {
                    eprintln!("more than {MAX_PROCESSES} processes; ended");
                    return Ok(ExitStatus::from_raw(Signal::SIGKILL as i32));
                }
                std::thread::sleep(pause);
                pause = (pause * 2).min(TICK);
            }
            _ => {}
        }
    }
}

#[allow(clippy::disallowed_methods)] // the container's own /proc
fn processes() -> usize {
    let Ok(all) = std::fs::read_dir("/proc") else { return 0 };
    all.flatten().filter(|e| e.file_name().as_encoded_bytes()[0].is_ascii_digit()).count()
}
