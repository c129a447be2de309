//! What is wrong with an archive, before it is known which archive it is.

use std::io;

use super::messages;
use crate::error::Error;
use crate::message::{Arg, Message};
use crate::rootfs::escape;

/// What is wrong, and with which of its entries.
#[derive(Debug)]
pub(super) struct Fault {
    pub entry: Option<String>,
    pub why: Message,
}

impl Fault {
    /// As an error about the archive of this name.
    pub fn of(self, archive: &str) -> Error {
        Error::Archive { archive: archive.to_owned(), entry: self.entry, why: self.why }
    }

    /// The same about the entry of this name, unless it names one already.
    pub fn at(self, entry: &[u8]) -> Fault {
        Fault { entry: self.entry.or_else(|| Some(shown(entry))), ..self }
    }
}

/// A name as it is shown: a hostile one may be a megabyte.
pub(super) fn shown(name: &[u8]) -> String {
    crate::rootfs::quote(name)
}

impl From<Message> for Fault {
    fn from(why: Message) -> Fault {
        Fault { entry: None, why }
    }
}

impl From<io::Error> for Fault {
    fn from(e: io::Error) -> Fault {
        // A fault that went through a reader.
        match e.downcast::<Carried>() {
            Ok(Carried(why)) => why.into(),
            Err(e) => messages::unreadable(Arg::cause(escape(e.to_string().as_bytes()))).into(),
        }
    }
}

/// A message on its way through `io::Read`.
#[derive(Debug)]
struct Carried(Message);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Carried {}

/// A message as an error of a reader.
pub(super) fn carried(why: Message) -> io::Error {
    io::Error::other(Carried(why))
}
