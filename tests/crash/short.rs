//! Makes writes short for real: the count in the traced program's register is made smaller before
//! the kernel looks at it. (An injected return value would only pretend.)

use std::io::Write;
use std::process::{Command, Stdio};

use nix::sys::ptrace;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;

/// Runs the program with every write to a regular file halved, or only the `nth`. Returns the
/// exit status and how many were.
#[allow(clippy::zombie_processes)] // its end is waited for below, by number
pub fn run(plain: &Command, nth: Option<usize>) -> Option<(i32, usize)> {
    // The shell waits until it is traced, then becomes the program.
    let mut command = Command::new("sh");
    command.args(["-c", "read go; exec \"$@\"", "sh"]).arg(plain.get_program());
    command.args(plain.get_args()).env("SOURCE_DATE_EPOCH", "1600000000");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    #[allow(clippy::zombie_processes)] // waitpid sees its end
    let mut child = command.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    if ptrace::attach(pid).is_err() {
        child.kill().unwrap();
        child.wait().unwrap();
        return None;
    }
    waitpid(pid, None).unwrap();
    ptrace::setoptions(pid, ptrace::Options::PTRACE_O_TRACESYSGOOD).unwrap();
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    ptrace::syscall(pid, None).unwrap();
    let (mut entering, mut seen, mut shortened) = (true, 0, 0);
    loop {
        match waitpid(pid, None).unwrap() {
            WaitStatus::PtraceSyscall(_) => {
                if entering {
                    let mut registers = ptrace::getregs(pid).unwrap();
                    let whole = registers.rdx;
                    if registers.orig_rax == 1 && whole > 1 && is_file(pid, registers.rdi) {
                        seen += 1;
                        if nth.is_none_or(|n| n == seen) {
                            registers.rdx = whole / 2;
                            ptrace::setregs(pid, registers).unwrap();
                            shortened += 1;
                        }
                    }
                }
                entering = !entering;
                ptrace::syscall(pid, None).unwrap();
            }
            WaitStatus::Stopped(_, nix::sys::signal::Signal::SIGTRAP) => {
                // The program has been loaded; its first call begins next.
                ptrace::syscall(pid, None).unwrap();
            }
            WaitStatus::Stopped(_, signal) => ptrace::syscall(pid, signal).unwrap(),
            WaitStatus::Exited(_, status) => return Some((status, shortened)),
            other => panic!("{other:?}"),
        }
    }
}

fn is_file(pid: Pid, fd: u64) -> bool {
    std::fs::metadata(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|m| m.is_file())
}
