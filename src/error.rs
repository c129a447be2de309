//! Errors with their facts: the path, what was found, what was expected, what to do.
//!
//! A finding about a target (a rule that does not hold) is not an error; see [`crate::check::Finding`].

use std::io;

use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath};

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything the library can fail with. `Display` is one line, lower case, for people.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The kernel refused an operation on a path of the target.
    #[error("{path}: cannot {op}: {source}")]
    Target {
        /// The verb, as in "cannot {op}".
        op: &'static str,
        /// The path inside the root.
        path: ImagePath,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel refused an operation on a path of the machine that runs the tool.
    #[error("{path}: cannot {op}: {source}")]
    Host {
        /// The verb, as in "cannot {op}".
        op: &'static str,
        /// The path on the machine that runs the tool.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// Something other than a regular file (or directory) stands where one is wanted.
    #[error("{path}: found a {found}, want a {want}; move it away and run again")]
    WrongKind {
        /// The path inside the root.
        path: ImagePath,
        /// What stands there.
        found: FileKind,
        /// What was expected.
        want: FileKind,
    },
    /// A file is larger than any such file can sensibly be.
    #[error("{path}: found {size} bytes, want at most {limit}; not read")]
    TooLarge {
        /// The path inside the root.
        path: ImagePath,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// All files of a run together are larger than they can sensibly be.
    #[error(
        "{path}: {size} bytes, and with what was read before more than {limit} together; not read"
    )]
    TooMuch {
        /// The path inside the root.
        path: ImagePath,
        /// The file's size in bytes.
        size: u64,
        /// The limit in bytes for all of them.
        limit: u64,
    },
    /// A statement that a rule judges holds bytes that are not UTF-8.
    #[error(
        "{path}{}: found the byte {found}, which is not UTF-8, in a statement that is judged; want \
         UTF-8 there; correct it by hand",
        at_line(*.line)
    )]
    NotUtf8 {
        /// The path inside the root.
        path: ImagePath,
        /// The line it stands in, from 1, where the statement has one.
        line: Option<usize>,
        /// The byte, as `\xE9`; nothing else of the statement, which may be a secret.
        found: String,
    },
    /// More symbolic links than any sane tree has; a loop.
    #[error("{path}: too many symbolic links; a loop of links, or a hostile tree")]
    LinkLoop {
        /// The path that was being resolved.
        path: ImagePath,
    },
    /// A path that cannot name a place in a root.
    #[error("`{path}` is not a path inside a root: {why}")]
    BadPath {
        /// The text, escaped.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file of the target cannot be understood, so the rule cannot be judged.
    #[error("{path}:{line}: found {}, want {want}", cut(found, QUOTED))]
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
    #[error("{path}: cannot be judged: {why}")]
    CannotTell {
        /// The path inside the root.
        path: ImagePath,
        /// What is missing, and how to provide it.
        why: String,
    },
    /// A profile is malformed. The text names file, line, column and the word.
    #[error("{0}")]
    Profile(String),
    /// A guard refused; nothing was changed. The text says what to do.
    #[error("{0}")]
    Guard(String),
    /// A program of the target refuses what was to be written; nothing was.
    #[error(
        "{paths}: {program} of this root refuses what is planned: {words}; nothing was written"
    )]
    Invalid {
        /// The program and its argument.
        program: &'static str,
        /// The planned files it reads.
        paths: String,
        /// What it said.
        words: String,
    },
    /// The changes of the rules do not settle: they undo each other.
    #[error("the rules do not settle: {0}; this is a fault of the profile, nothing was written")]
    Unsettled(String),
    /// The target changed between planning and writing.
    #[error("{path}: changed while the run was going on; nothing lost, run again")]
    Raced {
        /// The path inside the root.
        path: ImagePath,
    },
    /// The journal cannot be used.
    #[error("{path}: {why}")]
    Journal {
        /// The journal's path on the machine that runs the tool.
        path: String,
        /// What is wrong and what to do.
        why: String,
    },
    /// A signal asked the run to end.
    #[error("stopped by signal {signal} ({})", signal_name(*.signal))]
    Stopped {
        /// Its number.
        signal: usize,
    },
    /// Writing failed half-way; what had been written was undone.
    #[error("{cause}; every change of this run was undone")]
    RolledBack {
        /// The first failure.
        cause: Box<Error>,
    },
    /// Writing failed half-way, and so did the undoing; the journal holds what is needed.
    #[error("{cause}; undoing failed too: {undo}; run `gokaku apply` again to recover")]
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

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
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
        Message::value(error.to_string())
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
    pub fn target(op: &'static str, path: &ImagePath, source: impl Into<io::Error>) -> Error {
        Error::Target { op, path: path.clone(), source: source.into() }
    }

    /// An error of the kernel about a path of the machine that runs the tool.
    pub fn host(
        op: &'static str,
        path: impl AsRef<std::path::Path>,
        source: impl Into<io::Error>,
    ) -> Error {
        Error::Host { op, path: path.as_ref().display().to_string(), source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
