//! Where reports go: each `--format` to the `-o` at the same place, those without one to stdout.
//!
//! Files are opened before anything is done to a root, so that a name that will not do is reported
//! while nothing has changed.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::args::Wanted;
use super::report_file::ReportFile;
use super::root::{Root, identity};
use super::{Failure, emit, messages};
use crate::error::{Error, cannot};
use crate::report::formats::Format;

/// The reports that are wanted, and where each goes.
pub(super) struct Outputs(Vec<(Format, Option<Output>)>);

/// A file to write a report into. What was made for it and never written goes again.
struct Output {
    path: PathBuf,
    place: ReportFile,
}

impl Outputs {
    /// Opens the files that are named for the formats.
    ///
    /// # Errors
    /// More `-o` than `--format`, one file for two, or one of `inputs`; [`Error::Guard`] for a place inside the root,
    /// where the report would stay in the image, for the archive that is the root, and for a link of somebody else on the way; a file
    /// that cannot be opened.
    pub fn open(
        wanted: &Wanted,
        root: Option<&Root>,
        inputs: &[&Path],
    ) -> Result<Outputs, Failure> {
        if wanted.output.len() > wanted.format.len().max(1) {
            return Err(Failure::Usage("more -o than --format; each -o belongs to one".into()));
        }
        let formats = if wanted.format.is_empty() { &[Format::Text][..] } else { &wanted.format };
        let mut all = Vec::new();
        for (at, format) in formats.iter().enumerate() {
            let path = wanted.output.get(at).filter(|path| path.as_os_str() != "-");
            let output = path.map(|path| Output::open(path, root)).transpose()?;
            let same = |(_, other): &(Format, Option<Output>)| match (other, &output) {
                (Some(a), Some(b)) => {
                    a.place.identity().is_some_and(|id| Some(id) == b.place.identity())
                }
                _ => false,
            };
            if let Some(output) = &output
                && let Some(input) = inputs.iter().find(|input| {
                    output.place.identity().is_some_and(|id| Some(id) == identity(input))
                })
            {
                let (output, input) = (output.path.display(), input.display());
                return Err(Failure::Usage(format!(
                    "{output}: is {input}, which is read; name another file for the report"
                )));
            }
            if let (Some(output), true) = (&output, all.iter().any(same)) {
                return Err(Failure::Usage(format!(
                    "{}: the same file for two formats; name one for each",
                    output.path.display()
                )));
            }
            all.push((*format, output));
        }
        Ok(Outputs(all))
    }

    /// Writes each report; `text` makes one, given whether it goes to a file. `answer`: it tells what
    /// was done, so that a reader of stdout who has gone away is a failure, too.
    ///
    /// # Errors
    /// Those of `text`; a place that takes no more.
    pub fn write(
        self,
        answer: bool,
        mut text: impl FnMut(Format, bool) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        for (format, output) in self.0 {
            let text = text(format, output.is_some())?;
            match output {
                None => emit(&text, answer)?,
                Some(output) => output.write(&text)?,
            }
        }
        Ok(())
    }
}

impl Output {
    fn open(path: &Path, root: Option<&Root>) -> Result<Output, Error> {
        let place = ReportFile::open(path, root.and_then(Root::directory))?;
        let archive = root.and_then(|root| root.file);
        if archive.is_some() && place.identity() == archive {
            return Err(Error::Guard(messages::over_the_archive(path.display().to_string())));
        }
        Ok(Output { path: path.to_owned(), place })
    }

    fn write(mut self, text: &str) -> Result<(), Error> {
        self.place.keep();
        let file = &mut self.place.file;
        let done = match file.metadata() {
            Ok(meta) if meta.is_file() => file.set_len(0),
            _ => Ok(()),
        };
        done.and_then(|()| file.write_all(text.as_bytes()))
            .map_err(|e| Error::host(cannot::write_the_report, &self.path, e))
    }
}
