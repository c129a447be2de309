//! Checks with the root's own programs whether they accept what is about to be written.
//!
//! They run in a container of the root as it will be (`container/`): a view of it with the changes of
//! the plan on top, in memory. The tree is not touched, nothing is left behind, there is no network,
//! and every process that they start ends with them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Stop;
use super::container::{
    self, ENVIRONMENT, Job, MISSING, NOT_STARTED, Put, REFUSED, Request, RunsIn, SCRATCH_INSIDE,
    Task, View,
};
use crate::apply::messages;
use crate::error::{Error, Result, cannot};
use crate::message::{Arg, say};
use crate::plan::PathChange;
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

/// A program that has not ended by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// So much of what a program says is kept (bytes), and so many of its lines are shown.
const OUTPUT_LIMIT: usize = 64 << 10;
const SHOWN: usize = 6;

/// A program that can judge files before a daemon reads them.
struct Judge {
    /// What it is called in reports.
    name: &'static str,
    program: &'static str,
    args: &'static [&'static str],
    /// The beginnings of the paths it is asked about.
    paths: &'static [&'static str],
    /// It exits with 0 anyway, and prints this about a line that it rejects.
    complaint: Option<&'static str>,
}

const JUDGES: [Judge; 4] = [
    Judge {
        name: "sshd -t",
        program: "/usr/sbin/sshd",
        args: &["-t"],
        paths: &["/etc/ssh/sshd_config"],
        complaint: None,
    },
    Judge {
        name: "visudo -c",
        program: "/usr/sbin/visudo",
        args: &["-c"],
        paths: &["/etc/sudoers"],
        complaint: None,
    },
    Judge {
        name: "rsyslogd -N1",
        program: "/usr/sbin/rsyslogd",
        args: &["-N1"],
        paths: &["/etc/rsyslog.conf", "/etc/rsyslog.d/"],
        complaint: None,
    },
    Judge {
        name: "modprobe -c",
        program: "/sbin/modprobe",
        args: &["-c"],
        paths: &["/etc/modprobe.d/"],
        complaint: Some("ignoring bad line"),
    },
];

/// What a program said of the files.
enum Said {
    /// It takes them.
    Fine,
    /// It does not; its words.
    No(Vec<String>),
    /// It is not there, or not for this machine; why.
    CannotAsk(Arg),
}

/// Asks about the files that `changes` write. What a program refuses already as it is, is a
/// warning: the plan is not at fault.
///
/// `program` is gokaku, which hands its arguments to [`serve`](super::serve).
///
/// # Errors
/// [`Error::Invalid`] for the first file that is refused; [`Error::Guard`] when nothing can be asked
/// here, because the programs cannot be shut in.
pub fn validate(root: &DiskRootfs, changes: &[PathChange], program: &Path) -> Result<()> {
    for judge in &JUDGES {
        let about: Vec<&ImagePath> =
            changes.iter().map(|c| &c.path).filter(|p| judge.is_about(p)).collect();
        if about.is_empty() {
            continue;
        }
        let name = judge.name;
        match ask(root, changes, judge, program)? {
            Said::Fine => {
                say!(info, phase = "validate", files = about.len(); messages::judge_takes(name));
            }
            Said::CannotAsk(why) => say!(warn, messages::judge_not_asked(name, why)),
            Said::No(words) => {
                let before = match ask(root, &[], judge, program)? {
                    Said::No(words) => words,
                    Said::Fine | Said::CannotAsk(_) => Vec::new(),
                };
                let new: Vec<&String> = words.iter().filter(|w| !before.contains(w)).collect();
                if new.is_empty() {
                    say!(warn, messages::judge_refuses_already(name, Arg::cause(words.join("; "))));
                    continue;
                }
                let join = |all: Vec<String>, by| all.join(by);
                return Err(Error::Invalid {
                    program: name,
                    paths: join(about.iter().map(|p| p.to_string()).collect(), ", "),
                    words: join(new.into_iter().take(SHOWN).cloned().collect(), "; "),
                });
            }
        }
    }
    Ok(())
}

impl Judge {
    fn is_about(&self, path: &ImagePath) -> bool {
        let path = path.as_bytes();
        self.paths.iter().any(|p| path.starts_with(p.as_bytes()))
    }

    /// What its status and its lines say.
    fn said(&self, status: i32, lines: Vec<String>) -> Said {
        let bad: Vec<String> = match self.complaint {
            None if status == 0 => return Said::Fine,
            None => lines,
            Some(word) => lines.into_iter().filter(|l| l.contains(word)).collect(),
        };
        match (bad.is_empty(), status) {
            (true, 0) => Said::Fine,
            (true, s) if s > 128 => Said::No(vec![format!("ended by signal {}", s - 128)]),
            (true, s) => Said::No(vec![format!("exit status {s}, without a word")]),
            (false, _) => Said::No(bad),
        }
    }
}

/// Runs a judge in a container of the root as it will be.
fn ask(root: &DiskRootfs, changes: &[PathChange], judge: &Judge, program: &Path) -> Result<Said> {
    let has_host_key = root.list(&ImagePath::parse("/etc/ssh")?).is_ok_and(|names| {
        let is_key = |n: &OsString| {
            n.as_bytes().starts_with(b"ssh_host_") && n.as_bytes().ends_with(b"_key")
        };
        names.unwrap_or_default().iter().any(is_key)
    });
    let key = format!("{SCRATCH_INSIDE}/key");
    let host_key = (judge.program.ends_with("sshd") && !has_host_key).then_some(key);
    let mut command: Vec<OsString> = vec![judge.program.into()];
    command.extend(judge.args.iter().map(OsString::from));
    if let Some(key) = &host_key {
        command.extend(["-h".into(), key.into()]);
    }
    let view = View {
        puts: changes.iter().map(Put::of).collect(),
        host_key,
        // It prints all that it has read there, and that may be long.
        quiet: judge.complaint.is_some(),
    };
    let fail = |e| Error::host(cannot::ask_its_programs, root.host_path(), e);
    let request = Request {
        job: Job {
            place: RunsIn::Container,
            kind: Task::View,
            parent: std::process::id(),
            root: root.host_path().to_owned(),
            identity: root.identity().ok_or_else(|| Error::Raced { path: ImagePath::root() })?,
            scratch: PathBuf::new(),
            command,
        },
        input: Some(view.to_bytes().map_err(fail)?),
        environment: ENVIRONMENT.map(|(name, value)| (name, value.to_owned())).to_vec(),
        limit: PATIENCE,
        stop: &Stop::default(),
        watch: &|| None,
    };
    let (mut lines, mut size) = (Vec::new(), 0);
    let ended = container::run(program, request, &mut |_, line| {
        size += line.len();
        if size <= OUTPUT_LIMIT {
            lines.push(line);
        }
    })
    .map_err(fail)?;
    let said: Vec<Arg> = lines.iter().map(|text| container::line(text)).collect();
    if ended.why.is_some() {
        return Ok(Said::CannotAsk(messages::no_answer(PATIENCE.as_secs()).into()));
    }
    if ended.status == i32::from(NOT_STARTED) {
        return Err(Error::Guard(messages::cannot_shut_in_judges(
            root.host_path().display().to_string(),
            container::words(&said),
            container::ways_out(),
        )));
    }
    if ended.status == i32::from(REFUSED) {
        return Err(Error::Guard(messages::judges_refused(
            root.host_path().display().to_string(),
            container::words(&said),
        )));
    }
    if ended.status == i32::from(MISSING) {
        return Ok(Said::CannotAsk(container::words(&said)));
    }
    Ok(judge.said(ended.status, lines))
}
