//! Errors with their facts: the path, what was found, what was expected, what to do.
//!
//! A finding about a target (a rule that does not hold) is not an error; see [`crate::report`].

// Some are the command line's alone.
#[cfg_attr(not(feature = "cli"), allow(dead_code))]
pub(crate) mod cannot;
pub(crate) mod messages;

use std::{fmt, io};

use crate::message::{Arg, Message};
use crate::profile::RuleId;
use crate::rootfs::{FileKind, ImagePath};

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything the library can fail with. `Message::from` says it to people, in one line; `Display` is
/// its English text.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused an operation on a path of the target.
    Target {
        /// What was tried.
        op: Operation,
        /// The path inside the root.
        path: ImagePath,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel refused an operation on a path of the machine that runs the tool.
    Host {
        /// What was tried.
        op: Operation,
        /// The path on the machine that runs the tool.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Something other than a regular file (or directory) stands where one is wanted.
    WrongKind {
        /// The path inside the root.
        path: ImagePath,
        /// What stands there.
        found: FileKind,
        /// What was expected.
        want: FileKind,
    },
    /// A file is larger than any such file can sensibly be.
    TooLarge {
        /// The path inside the root.
        path: ImagePath,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// All files of a run together are larger than they can sensibly be.
    TooMuch {
        /// The path inside the root.
        path: ImagePath,
        /// The file's size in bytes.
        size: u64,
        /// The limit in bytes for all of them.
        limit: u64,
    },
    /// A statement that a rule judges holds bytes that are not UTF-8.
    NotUtf8 {
        /// The path inside the root.
        path: ImagePath,
        /// The line it stands in, from 1, where the statement has one.
        line: Option<usize>,
        /// The byte, as `\xE9`; nothing else of the statement, which may be a secret.
        found: String,
    },
    /// More symbolic links than any sane tree has; a loop.
    LinkLoop {
        /// The path that was being resolved.
        path: ImagePath,
    },
    /// A path that cannot name a place in a root.
    BadPath {
        /// The text, escaped.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file of the target cannot be understood, so the rule cannot be judged.
    Syntax {
        /// The path inside the root.
        path: ImagePath,
        /// The line, from 1.
        line: usize,
        /// What stands there.
        found: String,
        /// What was expected.
        want: &'static str,
    },
    /// What would have to be looked at is not in the image, so the rule cannot be judged.
    CannotTell {
        /// The path inside the root.
        path: ImagePath,
        /// What is missing, and how to provide it.
        why: Message,
    },
    /// A profile is malformed. The text names file, line, column and the word.
    Profile(String),
    /// A guard refused; nothing was changed. The text says what to do.
    Guard(Message),
    /// The guard refused a root that is not the system that the profile is for.
    OtherSystem(Message),
    /// The guard refused the running system's own root under another name.
    RunningElsewhere(Message),
    /// The guard refused a plan that ends the next SSH login of a protected account.
    Lockout(Message),
    /// A row that the profile does not have.
    NoSuchRow {
        /// What was asked for: the id of a row or a section.
        id: RuleId,
        /// The profile's id.
        profile: String,
        /// A row whose id begins like it.
        nearest: Option<RuleId>,
    },
    /// A program of the target refuses what was to be written; nothing was.
    Invalid {
        /// The program and its argument.
        program: &'static str,
        /// The planned files it reads.
        paths: String,
        /// What it said.
        words: String,
    },
    /// The changes of these rules do not settle: they undo each other.
    Unsettled {
        /// Their ids, each with the place in the profile.
        rules: String,
        /// The paths that more than one of them changes.
        paths: String,
    },
    /// The target changed between planning and writing.
    Raced {
        /// The path inside the root.
        path: ImagePath,
    },
    /// A text is no report, or one that this version does not read; or a report cannot be written in a
    /// format.
    Report(Message),
    /// The journal cannot be used.
    Journal {
        /// The journal's path on the machine that runs the tool.
        path: String,
        /// What is wrong and what to do.
        why: Message,
    },
    /// An archive of a root is damaged, or hostile, or beyond a bound: nothing of it is judged.
    Archive {
        /// The archive, as it was named.
        archive: String,
        /// The entry, layer or manifest that it is about, escaped.
        entry: Option<String>,
        /// What is wrong with it.
        why: Message,
    },
    /// There is no room for what a run would write, or is to take back.
    NoSpace {
        /// The directory on the machine that runs the tool.
        path: String,
        /// How much is missing, or what to do.
        why: Message,
    },
    /// A signal asked the run to end.
    Stopped {
        /// Its number.
        signal: usize,
    },
    /// Writing failed half-way; what had been written was undone.
    RolledBack {
        /// The first failure.
        cause: Box<Error>,
    },
    /// Writing failed half-way, and so did the undoing; the journal holds what is needed.
    Stuck {
        /// The first failure.
        cause: Box<Error>,
        /// Why undoing failed.
        undo: Box<Error>,
    },
}

/// As much of a line of the target is quoted (bytes).
pub(crate) const QUOTED: usize = 200;

/// What is quoted, at most about `most` bytes of it, with how long it is where that is more.
pub(crate) fn cut(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    if text.len() <= most {
        return text.into();
    }
    let fits = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    format!("{}... ({} bytes)", &text[..fits], text.len()).into()
}

/// The message of an operation that the kernel refused: of its path and the cause.
pub(crate) type Op = fn(Arg, Arg) -> Message;

/// What was tried when the kernel refused.
#[derive(Clone, Copy)]
pub struct Operation(Op);

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0("".into(), "".into()).id())
    }
}

fn signal_name(signal: usize) -> &'static str {
    match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        15 => "SIGTERM",
        _ => "unknown",
    }
}

impl From<&Error> for Message {
    fn from(error: &Error) -> Message {
        match error {
            Error::Target { op, path, source } => op.0(path.into(), Arg::cause(source)),
            Error::Host { op, path, source } => op.0(path.into(), Arg::cause(source)),
            Error::WrongKind { path, found, want } => {
                messages::wrong_kind(path, kind(*found), kind(*want))
            }
            Error::TooLarge { path, size, limit } => messages::too_large(path, *size, *limit),
            Error::TooMuch { path, size, limit } => messages::too_much(path, *size, *limit),
            Error::NotUtf8 { path, line, found } => {
                let line = line.map_or_else(String::new, |line| format!(":{line}"));
                messages::not_utf8(format!("{path}{line}"), found)
            }
            Error::LinkLoop { path } => messages::link_loop(path),
            Error::BadPath { path, why } => messages::bad_path(path, Arg::cause(why)),
            Error::Syntax { path, line, found, want } => {
                messages::syntax(path, *line, Arg::cause(cut(found, QUOTED)), Arg::cause(want))
            }
            Error::CannotTell { path, why } => messages::cannot_tell(path, why),
            Error::Profile(said) => messages::profile(Arg::cause(said)),
            Error::Guard(message)
            | Error::OtherSystem(message)
            | Error::RunningElsewhere(message)
            | Error::Lockout(message) => message.clone(),
            Error::NoSuchRow { id, profile, nearest: None } => messages::no_such_row(id, profile),
            Error::NoSuchRow { id, profile, nearest: Some(nearest) } => {
                messages::no_such_row_but(id, profile, nearest)
            }
            Error::Invalid { program, paths, words } => {
                messages::invalid(paths, *program, Arg::cause(words))
            }
            Error::Unsettled { rules, paths } => messages::unsettled(rules, paths),
            Error::Raced { path } => messages::raced(path),
            Error::Journal { path, why } => messages::journal(path, why),
            Error::Report(message) => message.clone(),
            Error::Archive { archive, entry: None, why } => messages::archive(archive, why),
            Error::Archive { archive, entry: Some(entry), why } => {
                messages::archive_entry(archive, entry, why)
            }
            Error::NoSpace { path, why } => messages::no_space(path, why),
            Error::Stopped { signal } => messages::stopped(*signal, signal_name(*signal)),
            Error::RolledBack { cause } => messages::rolled_back(Message::from(&**cause)),
            Error::Stuck { cause, undo } => {
                messages::stuck(Message::from(&**cause), Message::from(&**undo))
            }
        }
    }
}

/// In English.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Message::from(self).fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Target { source, .. } | Error::Host { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// What an entry is called.
pub(crate) fn kind(kind: FileKind) -> Message {
    match kind {
        FileKind::File => messages::file(),
        FileKind::Dir => messages::dir(),
        FileKind::Symlink => messages::symlink(),
        FileKind::Fifo => messages::fifo(),
        FileKind::Socket => messages::socket(),
        FileKind::BlockDevice => messages::block_device(),
        FileKind::CharDevice => messages::char_device(),
    }
}

impl Error {
    /// The signal that ended the run, if that is what ended it.
    pub fn signal(&self) -> Option<usize> {
        match self {
            Error::Stopped { signal } => Some(*signal),
            Error::RolledBack { cause } => cause.signal(),
            _ => None,
        }
    }

    /// Whether a guard refused. Nothing was changed then.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Error::Guard(_)
                | Error::OtherSystem(_)
                | Error::RunningElsewhere(_)
                | Error::Lockout(_)
        )
    }

    /// The same once more, where it follows from what the image holds and nothing else.
    pub(crate) fn again(&self) -> Option<Error> {
        Some(match self {
            Error::WrongKind { path, found, want } => {
                Error::WrongKind { path: path.clone(), found: *found, want: *want }
            }
            Error::TooLarge { path, size, limit } => {
                Error::TooLarge { path: path.clone(), size: *size, limit: *limit }
            }
            Error::NotUtf8 { path, line, found } => {
                Error::NotUtf8 { path: path.clone(), line: *line, found: found.clone() }
            }
            Error::Syntax { path, line, found, want } => {
                Error::Syntax { path: path.clone(), line: *line, found: found.clone(), want }
            }
            Error::CannotTell { path, why } => {
                Error::CannotTell { path: path.clone(), why: why.clone() }
            }
            _ => return None,
        })
    }

    /// An error of the kernel about a path of the target.
    pub(crate) fn target(op: Op, path: &ImagePath, source: impl Into<io::Error>) -> Error {
        Error::Target { op: Operation(op), path: path.clone(), source: source.into() }
    }

    /// An error of the kernel about a path of the machine that runs the tool.
    pub(crate) fn host(
        op: Op,
        path: impl AsRef<std::path::Path>,
        source: impl Into<io::Error>,
    ) -> Error {
        Error::Host {
            op: Operation(op),
            path: path.as_ref().display().to_string(),
            source: source.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Lang;

    #[test]
    fn a_refusal_reads_in_both_languages() {
        let path = ImagePath::parse("/etc/x").unwrap();
        let refusal = Error::target(cannot::read, &path, io::Error::other("no"));
        assert_eq!(refusal.to_string(), "/etc/x: cannot read: no");
        let message = Message::from(&refusal);
        assert_eq!(message.text(Lang::Ja), "/etc/x を読み取れない: 「no」");
        assert!(format!("{refusal:?}").contains("cannot.read"), "{refusal:?}");
        assert!(std::error::Error::source(&refusal).is_some());
        let undone = Error::RolledBack { cause: refusal.into() };
        assert_eq!(
            Message::from(&undone).text(Lang::Ja),
            "/etc/x を読み取れない: 「no」。この実行による変更はすべて元に戻した"
        );
    }

    #[test]
    fn a_reason_quotes_a_piece_of_a_line() {
        let e = |found: String| {
            let path = ImagePath::root();
            Error::Syntax { path, line: 7, found, want: "less" }.to_string()
        };
        assert_eq!(e("`x`".into()), "/:7: found `x`, want less");
        assert_eq!(e("x".repeat(QUOTED)), format!("/:7: found {}, want less", "x".repeat(200)));
        let long = e("\u{5408}".repeat(100_000));
        assert!(long.len() < 300 && long.ends_with("... (300000 bytes), want less"), "{long}");
    }
}
