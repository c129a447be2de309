//! A report in the formats that people and other programs read; each file here writes one.
//!
//! All are made from the report alone, so a saved report gives the same bytes. No format turns a row
//! into a plain pass that is vacuous, manual, unknown, waived or left alone.

mod hdf;
mod intoto;
pub(crate) mod messages;
mod patch;
mod row;
mod xccdf;

use super::{Mode, Report, screen, text};
use crate::error::{Error, cannot};

pub use text::Style;

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// For people, on a terminal.
    Text,
    /// `gokaku.report/1`.
    Json,
    /// XCCDF 1.2: a Benchmark with its TestResult, for SCAP tools.
    Xccdf,
    /// HDF, for MITRE Heimdall.
    Hdf,
    /// An in-toto Statement about the files that the report is about.
    Intoto,
    /// A plan for `patch -p1`.
    Patch,
}

impl Format {
    /// All of them, as help lists them.
    pub const ALL: [Format; 6] =
        [Format::Text, Format::Json, Format::Xccdf, Format::Hdf, Format::Intoto, Format::Patch];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Xccdf => "xccdf",
            Format::Hdf => "hdf",
            Format::Intoto => "intoto",
            Format::Patch => "patch",
        }
    }

    /// Whether it is made of what a run keeps only with
    /// [`Options::fixes`](crate::run::Options::fixes).
    pub fn needs_fixes(self) -> bool {
        matches!(self, Format::Xccdf | Format::Patch)
    }

    /// The format with this word.
    pub fn of(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// The text of a report in a format. Same report, same style: same bytes. Of `style`, formats for
/// programs take the language only, for the texts that they hold in one.
///
/// # Errors
/// Those of the writers of a format; [`Error::Guard`] for a patch of anything but a plan that was made
/// with [`Options::fixes`](crate::run::Options::fixes), and for a statement about nothing.
pub fn write(report: &Report, format: Format, style: Style) -> Result<String, Error> {
    let failed = |e: std::io::Error| Error::host(cannot::write_the_report, "-", e);
    Ok(match (format, report.mode) {
        (Format::Text, Mode::Plan) => screen::render(report, style),
        (Format::Text, Mode::Audit | Mode::Apply) => text::render(report, style),
        (Format::Json, _) => {
            format!("{}\n", super::to_json(report).map_err(|e| failed(e.into()))?)
        }
        (Format::Xccdf, _) => xccdf::render(report, style.lang).map_err(failed)?,
        (Format::Hdf, _) => {
            format!(
                "{}\n",
                super::to_json(&hdf::of(report, style.lang)).map_err(|e| failed(e.into()))?
            )
        }
        (Format::Intoto, _) => {
            if report.attached.subjects.is_empty() {
                return Err(Error::Guard(messages::intoto_about_nothing()));
            }
            format!("{}\n", super::to_json(&intoto::of(report)).map_err(|e| failed(e.into()))?)
        }
        (Format::Patch, _) => match &report.attached.patch {
            Some(patch) => patch::render(patch, style.lang),
            None => return Err(Error::Guard(messages::no_patch())),
        },
    })
}
