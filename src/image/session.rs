//! A command that works on an image, in mount and process namespaces of its own: the signals that reach
//! it, and what is left of it, however it ends.
//!
//! The namespaces are made by `unshare`, and end with this process. A second process, in a group of its own, waits
//! for the end of this one, and then frees loop devices and removes copies, even when all others are killed.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::messages;
use super::places::Copies;
use crate::apply;
use crate::error::{Error, Result, cannot};
use crate::message::say;

/// How often is looked whether something has changed.
const PAUSE: Duration = Duration::from_millis(50);
/// For how long the kernel may still be taking apart what a killed run had mounted.
const FREEING: Duration = Duration::from_secs(10);
/// A program that only asks, or tidies up, has at most so many seconds.
const BRIEF: u64 = 60;
/// Runs what follows without the signals of a terminal.
const DEAF: [&str; 3] = ["-c", "trap '' INT HUP; exec \"$@\"", "sh"];
/// In the directory that the command finds in `talk`: its process id, written by itself …
const PID: &str = "pid";
/// … whether it is to end …
const STOP: &str = "stop";
/// … and the state directory with the journal of what it writes.
const JOURNAL: &str = "journal";

/// What a run on an image can leave.
#[derive(Debug, Clone)]
pub struct Leftovers {
    /// The image.
    pub image: PathBuf,
    /// Its copies.
    pub copies: Copies,
    /// The directory with the journals of all images.
    pub state: PathBuf,
    /// Seconds that a program may take.
    pub time_limit: u64,
}

impl Leftovers {
    /// Frees the loop devices that runs have left, and removes the copies. Nobody else is at work on the image, see
    /// [`super::hold`].
    ///
    /// # Errors
    /// `losetup` does not answer; a copy cannot be removed.
    #[allow(clippy::disallowed_methods)] // files of the host, next to the image
    pub fn remove(&self) -> Result<()> {
        let end = Instant::now() + FREEING;
        for file in [&self.image, &self.copies.raw] {
            // The namespace is gone when its first process is; the kernel is still at it for a moment. A device that
            // was attached in the very moment of a kill is never freed by itself.
            loop {
                let all = self.devices(file)?;
                let ours: Vec<&String> = all
                    .iter()
                    .filter(|(_, back)| self.is_ours(back))
                    .map(|(name, _)| name)
                    .collect();
                if ours.is_empty() || Instant::now() > end {
                    break;
                }
                for device in ours {
                    // It may have been freed by now.
                    let _ = self.losetup(&["-d".as_ref(), device.as_ref()]);
                }
                std::thread::sleep(PAUSE);
            }
        }
        for copy in [&self.copies.raw, &self.copies.new] {
            match std::fs::remove_file(copy) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::host(cannot::remove, copy, e));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a device of this image was attached by a run: the kernel names its file as the namespace saw it, which
    /// may be gone.
    fn is_ours(&self, back: &[u8]) -> bool {
        let mounted = self.state.join("mount/image");
        back == b"/"
            || back == mounted.as_os_str().as_bytes()
            || back.starts_with(self.copies.raw.as_os_str().as_bytes())
    }

    /// The loop devices on a file, each with the name that the kernel has for the file.
    fn devices(&self, file: &Path) -> Result<Vec<(String, Vec<u8>)>> {
        let asked = ["-n", "-O", "NAME,BACK-FILE", "-j"].map(OsStr::new);
        let told = self.losetup(&[&asked[..], &[file.as_os_str()]].concat());
        Ok(parse(&told.map_err(|e| Error::host(cannot::run, Path::new("losetup"), e))?))
    }

    #[allow(clippy::disallowed_methods)] // a program of this machine
    fn losetup(&self, arguments: &[&OsStr]) -> io::Result<Vec<u8>> {
        loop {
            let out = Command::new("timeout")
                .args(["--foreground", "-k", "5", &self.time_limit.min(BRIEF).to_string()])
                .arg("losetup")
                .args(arguments)
                .stdin(Stdio::null())
                // A signal to this process's whole group is for this process to answer.
                .process_group(0)
                .output()?;
            match out.status.code() {
                Some(0) => return Ok(out.stdout),
                Some(124) => return Err(io::ErrorKind::TimedOut.into()),
                // One that came before the new process had left the group: it only asks, or is not
                // harmed by being done twice.
                None if out.status.signal().is_some_and(asks_to_end) => {}
                _ => {
                    let said = String::from_utf8_lossy(&out.stderr);
                    return Err(io::Error::other(format!("{}: {}", out.status, said.trim())));
                }
            }
        }
    }
}

fn asks_to_end(signal: i32) -> bool {
    [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].map(|known| known as i32).contains(&signal)
}

fn parse(told: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines = told.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let pair = |line: &[u8]| {
        let end = line.iter().position(u8::is_ascii_whitespace)?;
        let name = String::from_utf8(line[..end].to_vec()).ok()?;
        Some((name, line[end..].trim_ascii().to_vec()))
    };
    lines.filter_map(pair).collect()
}

/// Runs a command on an image that is held, and returns its exit status. Once `asked` is not 0, it gets one TERM and
/// has `patience` to undo what it did; its 143 becomes the status in `asked`.
///
/// # Errors
/// [`Error::Guard`] when the image is attached to a loop device that is not of a run; a program cannot be
/// started.
pub fn run(
    mut command: Command,
    leftovers: &Leftovers,
    patience: Duration,
    asked: &AtomicUsize,
) -> Result<u8> {
    leftovers.remove()?;
    let image = leftovers.image.display().to_string();
    if let Some((device, _)) = leftovers.devices(&leftovers.image)?.first() {
        let device = device.trim_start_matches("/dev/").to_owned();
        return Err(Error::Guard(messages::attached(image, device)));
    }
    let talk = tempfile::Builder::new().prefix("gokaku-image.").tempdir();
    let talk = talk.map_err(|e| Error::host(cannot::make, std::env::temp_dir(), e))?;
    let mut janitor = janitor(leftovers, talk.path())?;
    command.env("talk", talk.path()).stdin(Stdio::null());
    let mut child = spawn(&mut command)?;
    let mut told: Option<Instant> = None;
    let status = loop {
        if asked.load(Ordering::SeqCst) != 0 && told.is_none() {
            told = Some(Instant::now());
            stop(talk.path());
        }
        if told.is_some_and(|told| told.elapsed() > patience) {
            // It may have ended just now.
            let _ = child.kill();
        }
        match child.try_wait() {
            Ok(None) => std::thread::sleep(PAUSE),
            Ok(Some(status)) => break status,
            Err(e) => return Err(Error::host(cannot::run, Path::new("unshare"), e)),
        }
    };
    if is_half_done(talk.path())? {
        say!(error, messages::half_done(image));
    }
    drop(janitor.stdin.take());
    // A signal may have met it before it had left this process's group.
    if !janitor.wait().is_ok_and(|status| status.success()) {
        leftovers.remove()?;
    }
    Ok(code(status, asked.load(Ordering::SeqCst)))
}

/// The exit status of a run whose command ended so, after a signal that has this exit status (0: none).
fn code(status: ExitStatus, asked: usize) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    match (code.and_then(|code| u8::try_from(code).ok()), u8::try_from(asked)) {
        (Some(143), Ok(asked)) if asked != 0 => asked,
        (code, _) => code.unwrap_or(1),
    }
}

/// A command in namespaces and a session of its own, which the kernel ends with this process. A signal
/// of a terminal, or to this process's whole group, reaches none of its programs: this process alone
/// passes one on. (To ignore it would not do: `timeout` gives its command the default action again.)
#[allow(clippy::disallowed_methods)] // programs of this machine
pub fn apart(program: &OsStr, arguments: &[impl AsRef<OsStr>]) -> Command {
    let mut command = Command::new("setpriv");
    let namespaces = ["-m", "-p", "-f", "--kill-child", "--propagation", "private"];
    // A child that leads no group stays the same process in a new session, which ends with this one.
    command.args(["--pdeathsig", "KILL", "setsid", "unshare"]).args(namespaces);
    command.arg(program).args(arguments);
    command
}

#[allow(clippy::disallowed_methods)] // this program once more
fn janitor(leftovers: &Leftovers, talk: &Path) -> Result<Child> {
    let own = std::env::current_exe()
        .map_err(|e| Error::host(cannot::run, Path::new("/proc/self/exe"), e))?;
    let mut command = Command::new("sh");
    // From its first moment on: it tidies up after what a signal to the whole group ends.
    command.process_group(0).args(DEAF).arg(own).args(["-q", "image", "janitor"]);
    command.arg(&leftovers.image).arg("--raw").arg(&leftovers.copies.raw);
    command.arg("--new").arg(&leftovers.copies.new).arg("--talk").arg(talk);
    command.arg("--state-dir").arg(&leftovers.state);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    spawn(&mut command)
}

fn spawn(command: &mut Command) -> Result<Child> {
    let program = PathBuf::from(command.get_program());
    command.spawn().map_err(|e| Error::host(cannot::run, &program, e))
}

/// Waits for the end of the process that has the other end of the standard input, and tidies up after it.
///
/// # Errors
/// As [`Leftovers::remove`].
#[allow(clippy::disallowed_methods)] // a directory of this program on the host
pub fn wait_and_tidy(leftovers: &Leftovers, talk: &Path) -> Result<()> {
    // Nothing is ever written to it, and an error is an end, too.
    let _ = io::stdin().lock().read_to_end(&mut Vec::new());
    let _ = std::fs::remove_dir_all(talk);
    leftovers.remove()
}

/// Asks the command to end: one that has not begun sees the file.
#[allow(clippy::disallowed_methods)] // files of this program on the host
fn stop(talk: &Path) {
    let _ = std::fs::write(talk.join(STOP), "");
    let pid = std::fs::read_to_string(talk.join(PID)).ok();
    if let Some(pid) = pid.and_then(|pid| pid.trim().parse::<i32>().ok()).filter(|pid| *pid > 1) {
        // It may have ended just now.
        let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

#[allow(clippy::disallowed_methods)] // files of this program on the host
fn is_half_done(talk: &Path) -> Result<bool> {
    let journal = std::fs::read(talk.join(JOURNAL)).unwrap_or_default();
    let journal = journal.strip_suffix(b"\n").unwrap_or(&journal);
    Ok(!journal.is_empty() && apply::is_unfinished(Path::new(OsStr::from_bytes(journal)))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leftovers(dir: &Path) -> Leftovers {
        let copies = Copies { raw: dir.join(".a b.gokaku-raw"), new: dir.join(".a b.gokaku-new") };
        let state = PathBuf::from("/var/lib/gokaku");
        Leftovers { image: dir.join("a b"), copies, state, time_limit: 60 }
    }

    #[test]
    fn the_devices_of_runs_are_known_by_the_name_of_their_file() {
        let told =
            b"/dev/loop0 /\n/dev/loop7   /x/.a b.gokaku-raw (deleted)\n\n/dev/loop9 /x/a b\n";
        let devices = parse(told);
        let names: Vec<&str> = devices.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["/dev/loop0", "/dev/loop7", "/dev/loop9"]);
        let run = leftovers(Path::new("/x"));
        let ours: Vec<bool> = devices.iter().map(|(_, back)| run.is_ours(back)).collect();
        assert_eq!(ours, [true, true, false], "what somebody else attached stays");
        assert!(run.is_ours(b"/var/lib/gokaku/mount/image"));
        assert!(!run.is_ours(b"/var/lib/gokaku/mount/image2"));
    }

    #[test]
    fn the_status_of_a_signal_is_that_of_the_one_that_came() {
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        assert_eq!(code(exit(2), 0), 2);
        assert_eq!(code(exit(143), 130), 130);
        assert_eq!(code(exit(143), 0), 143);
        assert_eq!(code(exit(0), 129), 0, "it was done before");
        assert_eq!(code(ExitStatus::from_raw(9), 143), 137);
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn who_is_asked_to_end_has_perhaps_not_begun() {
        let dir = tempfile::tempdir().unwrap();
        stop(dir.path());
        assert!(dir.path().join(STOP).exists());
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        std::fs::write(dir.path().join(PID), format!("{}\n", child.id())).unwrap();
        stop(dir.path());
        assert_eq!(child.wait().unwrap().signal(), Some(15));
        // Neither every process nor a group.
        for pid in ["-1", "0", "1", "x", ""] {
            std::fs::write(dir.path().join(PID), pid).unwrap();
            stop(dir.path());
        }
        assert!(!is_half_done(dir.path()).unwrap());
    }
}
