//! A report in the formats that people and other programs read; each file here writes one.
//!
//! All are made from the report alone, so a saved report gives the same bytes. No format turns a row
//! into a plain pass that is vacuous, manual, unknown, waived or left alone.

pub(super) mod csv;
mod hdf;
pub(crate) mod html;
mod intoto;
pub(super) mod junit;
pub(super) mod markdown;
pub(crate) mod matrix;
pub(crate) mod messages;
mod patch;
mod row;
mod sarif;
mod verdict;
mod xccdf;
mod xml;

pub use super::text::Style;

use serde::Serialize;

use super::{Mode, Report, compare, screen, text};
use crate::error::{Error, cannot};
use crate::message::Arg;

/// A format of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// For people, on a terminal.
    Text,
    /// `gokaku.report/1`.
    Json,
    /// Lines as `pass: 1.1.1.1 [L1] …`, to keep in a repository and compare with.
    Baseline,
    /// For people, in a browser: one page that needs nothing else.
    Html,
    /// JUnit XML: rows as tests, for CI.
    Junit,
    /// SARIF 2.1.0: findings, for code scanning.
    Sarif,
    /// XCCDF 1.2: a Benchmark with its TestResult, for SCAP tools.
    Xccdf,
    /// HDF, for MITRE Heimdall.
    Hdf,
    /// A comment on a pull request.
    Markdown,
    /// A line for each row and finding, for spreadsheets.
    Csv,
    /// An in-toto Statement about the files that the report is about.
    Intoto,
    /// A plan for `patch -p1`.
    Patch,
}

impl Format {
    /// All of them, as help lists them.
    pub const ALL: [Format; 12] = [
        Format::Text,
        Format::Json,
        Format::Junit,
        Format::Sarif,
        Format::Xccdf,
        Format::Hdf,
        Format::Markdown,
        Format::Csv,
        Format::Html,
        Format::Intoto,
        Format::Baseline,
        Format::Patch,
    ];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Baseline => "baseline",
            Format::Html => "html",
            Format::Junit => "junit",
            Format::Sarif => "sarif",
            Format::Markdown => "markdown",
            Format::Csv => "csv",
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
/// Those of the writers of a format; [`Error::Report`] for a patch of anything but a plan that was made
/// with [`Options::fixes`](crate::run::Options::fixes), and for a statement about nothing.
pub fn write(report: &Report, format: Format, style: Style) -> Result<String, Error> {
    let failed = |e: std::io::Error| Error::host(cannot::write_the_report, "-", e);
    Ok(match (format, report.mode) {
        (Format::Text, Mode::Plan) => screen::render(report, style),
        (Format::Text, Mode::Audit | Mode::Apply) => text::render(report, style),
        (Format::Baseline, _) => compare::write(report, style.lang),
        (Format::Json, _) => json(report)?,
        (Format::Html, _) => html::render(report, style),
        (Format::Junit, _) => junit::render(report, style.lang).map_err(failed)?,
        (Format::Sarif, _) => json(&sarif::of(report, style.lang))?,
        (Format::Markdown, _) => markdown::render(report, style.lang),
        (Format::Csv, _) => csv::render(report, style.lang).map_err(failed)?,
        (Format::Xccdf, _) => xccdf::render(report, style.lang).map_err(failed)?,
        (Format::Hdf, _) => json(&hdf::of(report, style.lang))?,
        (Format::Intoto, _) if report.attached.subjects.is_empty() => {
            return Err(Error::Report(messages::intoto_about_nothing()));
        }
        (Format::Intoto, _) => json(&intoto::of(report))?,
        (Format::Patch, _) => match &report.attached.patch {
            Some(patch) => patch::render(patch, style.lang),
            None => return Err(Error::Report(messages::no_patch())),
        },
    })
}

/// The error for a format in which something cannot be written.
pub(super) fn no_such(format: Format, known: &[Format]) -> Error {
    let known = Arg::names(known.iter().map(|format| format.word()));
    Error::Report(super::messages::no_such_format(format.word(), known))
}

/// Data as JSON, with a line feed behind it.
pub(crate) fn json(data: &impl Serialize) -> Result<String, Error> {
    let text = super::to_json(data)
        .map_err(|e| Error::host(cannot::write_the_report, "-", std::io::Error::from(e)))?;
    Ok(text + "\n")
}
