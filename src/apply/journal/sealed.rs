//! A journal as a file: with its digest, so that damage shows, and the version that wrote it.

use std::io::{BufWriter, Write};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::{Journal, digest};
use crate::apply::entry::hex;
use crate::apply::messages;
use crate::message::{Arg, Message};

const SCHEMA: &str = "gokaku.journal/2";
const OURS: &str = "gokaku.journal/";
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `J` is the journal to write, or the text that was read.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed<J> {
    schema: String,
    /// The version of gokaku that wrote it; the first ones did not say.
    #[serde(default)]
    version: Option<String>,
    /// Of the journal's own text.
    sha256: String,
    journal: J,
}

/// What a file of any version begins with.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    schema: String,
    #[serde(default)]
    version: Option<String>,
}

/// Why a file is not read.
pub(super) enum Fault {
    /// It is whole, and of another version.
    OfAnotherVersion { schema: String, version: Option<String> },
    /// It is damaged, or no journal.
    Broken(Message),
}

impl From<serde_json::Error> for Fault {
    fn from(e: serde_json::Error) -> Fault {
        Fault::Broken(messages::not_understood(Arg::cause(e)))
    }
}

impl Sealed<Box<RawValue>> {
    /// The digest of the journal, as it was sealed: of its text, or, by the first versions, of its
    /// text without blanks and with sorted keys.
    fn digest(&self) -> String {
        let text = self.journal.get();
        let own = digest(text.as_bytes());
        if own == self.sha256 {
            return own;
        }
        let sorted = serde_json::from_str(text).map(|value: serde_json::Value| value.to_string());
        sorted.map_or(own, |sorted| digest(sorted.as_bytes()))
    }
}

/// What is written to it is only counted into a digest.
struct Hashing(Sha256);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a journal.
///
/// # Errors
/// The kernel's refusal.
pub(super) fn write(journal: &Journal, out: &mut impl Write) -> std::io::Result<()> {
    // Written twice, so that no text as large as the journal is held.
    let mut sum = BufWriter::new(Hashing(Sha256::new()));
    serde_json::to_writer(&mut sum, journal)?;
    let Hashing(sum) = sum.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    let sha256 = hex(&sum.finalize());
    let (schema, version) = (SCHEMA.to_owned(), Some(VERSION.to_owned()));
    serde_json::to_writer(&mut *out, &Sealed { schema, version, sha256, journal })?;
    out.write_all(b"\n")
}

/// Reads a journal.
///
/// # Errors
/// Why it is none that this version reads.
pub(super) fn read(text: Vec<u8>) -> Result<Journal, Fault> {
    let Head { schema, version } = serde_json::from_slice(&text)?;
    if schema != SCHEMA {
        return Err(match schema.starts_with(OURS) {
            true => Fault::OfAnotherVersion { schema, version },
            false => Fault::Broken(messages::other_schema(schema, SCHEMA)),
        });
    }
    let sealed: Sealed<Box<RawValue>> = serde_json::from_slice(&text)?;
    drop(text);
    let (found, want) = (sealed.digest(), &sealed.sha256);
    if found != *want {
        let (found, want) = (format!("{found:.16}"), format!("{want:.16}"));
        return Err(Fault::Broken(messages::other_digest(found, want)));
    }
    serde_json::from_str(sealed.journal.get()).map_err(|e| match version.as_deref() {
        Some(VERSION) => e.into(),
        // It is whole, so it is a field that a later version has added.
        _ => Fault::OfAnotherVersion { schema, version },
    })
}
