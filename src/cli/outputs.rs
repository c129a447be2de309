//! Where reports go: each `--format` to the `-o` at the same place, those without one to stdout.
//!
//! Files are opened before anything is done to a root, so that a name that will not do is told
//! while nothing has changed.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::args::{Format, Judge};
use super::{Failure, emit};
use crate::error::Error;
use crate::rootfs::DiskRootfs;

/// The reports that are wanted, and where each goes.
pub(super) struct Outputs(Vec<(Format, Option<Output>)>);

/// A file to write a report into. What was made for it and never written goes again.
struct Output {
    path: PathBuf,
    file: File,
    unused: bool,
}

impl Outputs {
    /// Opens the files that `judge` names.
    ///
    /// # Errors
    /// More `-o` than `--format`; [`Error::Guard`] for a place inside the root, where the report
    /// would stay in the image, and for a link that somebody else has put there; a file that cannot
    /// be opened.
    pub fn open(judge: &Judge, root: &DiskRootfs) -> Result<Outputs, Failure> {
        if judge.output.len() > judge.format.len().max(1) {
            return Err(Failure::Usage("more -o than --format; each -o belongs to one".into()));
        }
        let formats = if judge.format.is_empty() { &[Format::Text][..] } else { &judge.format };
        let mut all = Vec::new();
        for (at, format) in formats.iter().enumerate() {
            let path = judge.output.get(at).filter(|path| path.as_os_str() != "-");
            let output = path.map(|path| Output::open(path, root)).transpose()?;
            all.push((*format, output));
        }
        Ok(Outputs(all))
    }

    /// Writes each report; `text` makes one, given whether it goes to a file.
    ///
    /// # Errors
    /// Those of `text`; a place that takes no more.
    pub fn write(
        self,
        mut text: impl FnMut(Format, bool) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        for (format, output) in self.0 {
            let text = text(format, output.is_some())?;
            match output {
                None => emit(&text)?,
                Some(output) => output.write(&text)?,
            }
        }
        Ok(())
    }
}

#[allow(clippy::disallowed_methods)] // a report is a file of the host, named by the user
impl Output {
    fn open(path: &Path, root: &DiskRootfs) -> Result<Output, Error> {
        refuse_foreign_link(path)?;
        refuse_inside(path, root)?;
        let fail = |e| Error::host("write the report", path, e);
        let mut options = OpenOptions::new();
        // What stands there is kept until there is something to write.
        options.write(true);
        let (file, unused) = match options.clone().create_new(true).open(path) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {
                (options.create(true).truncate(false).open(path).map_err(fail)?, false)
            }
            answer => (answer.map_err(fail)?, true),
        };
        Ok(Output { path: path.to_owned(), file, unused })
    }

    fn write(mut self, text: &str) -> Result<(), Error> {
        self.unused = false;
        let done = match self.file.metadata() {
            Ok(meta) if meta.is_file() => self.file.set_len(0),
            _ => Ok(()),
        };
        done.and_then(|()| self.file.write_all(text.as_bytes()))
            .map_err(|e| Error::host("write the report", &self.path, e))
    }
}

impl Drop for Output {
    #[allow(clippy::disallowed_methods)] // as above
    fn drop(&mut self) {
        if self.unused {
            // An empty file is no report; that it stays is no failure.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// In a directory for everybody, somebody else may have put a link where a report is to go.
#[allow(clippy::disallowed_methods)] // as above
fn refuse_foreign_link(path: &Path) -> Result<(), Error> {
    let caller = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse::<u32>().ok());
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_symlink() => {
            let uid = meta.uid();
            if uid == 0 || uid == users::get_effective_uid() || Some(uid) == caller {
                return Ok(());
            }
            Err(Error::Guard(format!(
                "{}: a link of uid {uid}'s, which may lead anywhere; want a report's place to be \
                 your own; remove the link or name another file with -o",
                path.display()
            )))
        }
        _ => Ok(()),
    }
}

/// A finished image holds no report, and its links lead nowhere outside. The process's own `/` has
/// no other place.
#[allow(clippy::disallowed_methods)] // as above
fn refuse_inside(path: &Path, root: &DiskRootfs) -> Result<(), Error> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let same = |dir: &Path| {
        std::fs::metadata(dir).is_ok_and(|meta| Some((meta.dev(), meta.ino())) == root.identity())
    };
    // What leads there counts, too: a link of the tree's may lead out of it again.
    let whole = std::path::absolute(dir).ok();
    let real = std::fs::canonicalize(dir).ok();
    let mut above = [&whole, &real].into_iter().flatten().flat_map(|dir| dir.ancestors());
    if root.is_own() || !above.any(same) {
        return Ok(());
    }
    Err(Error::Guard(format!(
        "{}: lies inside the root {}, where the report would stay in the image; name a file \
         outside with -o",
        path.display(),
        root.host_path().display()
    )))
}
