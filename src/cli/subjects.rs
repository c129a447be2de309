//! The files that an in-toto statement is about. They are files of this machine, not of the root.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::Failure;
use super::args::Wanted;
use crate::error::{Error, cannot};
use crate::report::Artifact;
use crate::report::formats::Format;

/// What a statement is about, as it is typed.
#[derive(Debug, Clone)]
pub struct StatedSubject(Stated);

#[derive(Debug, Clone)]
enum Stated {
    File(PathBuf),
    /// 64 digits.
    Digest(String),
}

impl FromStr for StatedSubject {
    type Err = String;

    fn from_str(text: &str) -> Result<StatedSubject, String> {
        let wrong = |why: &str| Err(why.to_owned());
        match text.strip_prefix("sha256:") {
            Some(hex) if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
                Ok(StatedSubject(Stated::Digest(hex.to_ascii_lowercase())))
            }
            Some(_) => wrong("want 64 hexadecimal digits behind sha256:"),
            None => Ok(StatedSubject(Stated::File(text.into()))),
        }
    }
}

/// Refuses what the formats that are wanted cannot be made of.
///
/// # Errors
/// A patch of anything but a plan; a statement without a subject, or a subject without a statement.
pub(super) fn fit(wanted: &Wanted, is_plan: bool) -> Result<(), Failure> {
    let wants = |format| wanted.format.contains(&format);
    if wants(Format::Patch) && !is_plan {
        return Err(Failure::Usage(
            "--format patch: only a plan is a patch; want `gokaku plan --format patch`".to_owned(),
        ));
    }
    match (wants(Format::Intoto), wanted.subject.is_empty()) {
        (true, true) => Err(Failure::Usage(
            "--format intoto: a statement is about files; add --subject FILE or --subject sha256:HEX"
                .to_owned(),
        )),
        (false, false) => Err(Failure::Usage(
            "--subject: there is no --format intoto; add it, or leave --subject out".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Subjects that are there, each file open.
pub(super) struct Subjects(Vec<Open>);

enum Open {
    File { path: PathBuf, file: File },
    Digest(String),
}

impl Subjects {
    /// Opens the files, so that a wrong name is said while nothing has changed.
    ///
    /// # Errors
    /// A file that cannot be opened, or is none.
    pub fn open(wanted: &Wanted) -> Result<Subjects, Failure> {
        let open = |subject: &StatedSubject| match &subject.0 {
            Stated::Digest(hex) => Ok(Open::Digest(hex.clone())),
            Stated::File(path) => Ok(Open::File { path: path.clone(), file: regular(path)? }),
        };
        wanted.subject.iter().map(open).collect::<Result<_, _>>().map(Subjects)
    }

    /// Their digests, as the files are now: a run may have changed what is in them.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn digested(self) -> Result<Vec<Artifact>, Error> {
        let digest = |subject| match subject {
            Open::Digest(sha256) => Ok(Artifact { name: None, sha256 }),
            Open::File { path, file } => {
                let sha256 = digest(file).map_err(|e| Error::host(cannot::read, &path, e))?;
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
                Ok(Artifact { name, sha256 })
            }
        };
        self.0.into_iter().map(digest).collect()
    }
}

fn regular(path: &Path) -> Result<File, Failure> {
    let failed = |e| Error::host(cannot::open, path, e);
    #[allow(clippy::disallowed_methods)] // a path of this machine
    let meta = std::fs::metadata(path).map_err(failed)?;
    if !meta.is_file() {
        let path = path.display();
        return Err(Failure::Usage(format!(
            "--subject {path}: no regular file; name one, or a digest"
        )));
    }
    #[allow(clippy::disallowed_methods)] // a path of this machine
    let file = File::open(path).map_err(failed)?;
    Ok(file)
}

/// In pieces: an image may be larger than the memory.
fn digest(file: File) -> std::io::Result<String> {
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut sum = Sha256::new();
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return Ok(sum.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        sum.update(piece);
        let read = piece.len();
        reader.consume(read);
    }
}
