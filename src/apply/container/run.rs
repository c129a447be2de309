//! Starting a step under its keeper, and reading its output until it has ended.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::group;
use super::job::Job;
use super::messages;
use super::output::{self, Said};
use crate::apply::Stop;
use crate::message::{Message, say};

/// A daemon may hold on to a step's output; what comes this long after its end is not waited for.
const LINGER: Duration = Duration::from_secs(2);
/// How often it is looked whether the step is to end.
const TICK: Duration = Duration::from_millis(100);

/// A step, and what ends it.
pub(in super::super) struct Request<'a> {
    pub job: Job,
    /// What is written to its standard input; `None`: nothing is there to read.
    pub input: Option<Vec<u8>>,
    /// All of its environment.
    pub environment: Vec<(&'static str, String)>,
    /// So long it may take.
    pub limit: Duration,
    pub stop: &'a Stop,
    /// Looked at about once a second; words end the step.
    pub watch: &'a dyn Fn() -> Option<Message>,
}

/// How a step ended.
#[derive(Debug)]
pub(in super::super) struct Ended {
    /// Its exit status; above 128 the signal that ended it.
    pub status: i32,
    /// Why it was ended before it was done.
    pub why: Option<Message>,
    /// It printed more than was kept.
    pub is_cut: bool,
}

/// What ends a step early.
struct Ending<'a> {
    begun: Instant,
    looked: Instant,
    limit: Duration,
    stop: &'a Stop,
    watch: &'a dyn Fn() -> Option<Message>,
    /// The keeper has been asked to end it.
    asked: bool,
    why: Option<Message>,
}

impl Ending<'_> {
    /// Asks the keeper to end the step, once, when it is to end. The keeper takes away what was put
    /// into the root for it.
    fn look(&mut self, keeper: &Child) -> std::io::Result<()> {
        if self.asked {
            return Ok(());
        }
        if self.begun.elapsed() > self.limit {
            self.why = Some(messages::no_end(self.limit.as_secs()));
        } else if self.looked.elapsed() > Duration::from_secs(1) {
            self.looked = Instant::now();
            self.why = (self.watch)();
        }
        if self.why.is_some() || self.stop.check().is_err() {
            self.asked = true;
            let pid = i32::try_from(keeper.id()).map_err(std::io::Error::other)?;
            kill(Pid::from_raw(pid), Signal::SIGTERM)?;
        }
        Ok(())
    }
}

/// Runs a step to its end; `line` is given each line, and whether it came on standard output.
pub(in super::super) fn run(
    program: &Path,
    request: Request<'_>,
    line: &mut dyn FnMut(bool, String),
) -> std::io::Result<Ended> {
    let Request { job, input, environment, limit, stop, watch } = request;
    let (out, out_writer) = std::io::pipe()?;
    let (err, err_writer) = std::io::pipe()?;
    #[allow(clippy::disallowed_methods)] // this program itself, as the keeper of a step
    let mut command = Command::new(program);
    command
        .args(job.to_args())
        .env_clear()
        .envs(environment)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(out_writer)
        .stderr(err_writer);
    let mut keeper = command.spawn()?;
    // Its copies of the pipes' ends would keep them open.
    drop(command);
    if let (Some(input), Some(mut pipe)) = (input, keeper.stdin.take()) {
        // Who does not read to the end has failed, and says so itself.
        std::thread::spawn(move || drop(pipe.write_all(&input)));
    }
    let (sender, lines) = mpsc::sync_channel(output::WAITING);
    for (is_out, pipe) in [(true, out), (false, err)] {
        let sender = sender.clone();
        std::thread::spawn(move || output::read(pipe, is_out, &sender));
    }
    drop(sender);

    let now = Instant::now();
    let mut ending =
        Ending { begun: now, looked: now, limit, stop, watch, asked: false, why: None };
    let (mut ended, mut is_cut) = (None, false);
    loop {
        if ended.is_none() {
            ending.look(&keeper)?;
        }
        match lines.recv_timeout(if ended.is_some() { LINGER } else { TICK }) {
            Ok((is_out, Said::Line(text))) => line(is_out, text),
            Ok((_, Said::Cut)) => {
                is_cut = true;
                let cut = messages::output_cut();
                say!(info, cut);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if ended.is_some() => break,
            Err(RecvTimeoutError::Timeout) => ended = keeper.try_wait()?,
        }
    }
    let mut pause = Duration::from_millis(1);
    let status = loop {
        // It has closed its output, and may still be running.
        match ended.map_or_else(|| keeper.try_wait(), |status| Ok(Some(status)))? {
            Some(status) => break status,
            None => ending.look(&keeper)?,
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(TICK);
    };
    use std::os::unix::process::ExitStatusExt;
    if status.signal().is_some() {
        // A keeper that was killed has not taken them away.
        group::sweep();
    }
    let status = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(Ended { status, why: ending.why, is_cut })
}
