//! A report in the formats that people and other programs read; each file here writes one.
//!
//! All are made from the report alone, so a saved report gives the same bytes. No format turns a row
//! into a plain pass that is vacuous, manual, unknown, waived or left alone.

pub(crate) mod html;
pub(crate) mod matrix;

use super::matrix::Matrix;
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
    /// For people, in a browser: one page that needs nothing else.
    Html,
}

impl Format {
    /// All of them, as help lists them.
    pub const ALL: [Format; 3] = [Format::Text, Format::Json, Format::Html];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Html => "html",
        }
    }

    /// The format with this word.
    pub fn of(word: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.word() == word)
    }
}

/// The page of many images: rows by image, the worst first.
pub fn matrix_page(matrix: &Matrix, style: Style) -> String {
    matrix::render(matrix, style)
}

/// The text of a report in a format. Same report, same style: same bytes. Of `style`, formats for
/// programs take the language only, for the texts that they hold in one.
///
/// # Errors
/// Those of the writers of a format.
pub fn write(report: &Report, format: Format, style: Style) -> Result<String, Error> {
    let failed = |e: std::io::Error| Error::host(cannot::write_the_report, "-", e);
    Ok(match (format, report.mode) {
        (Format::Text, Mode::Plan) => screen::render(report, style),
        (Format::Text, Mode::Audit | Mode::Apply) => text::render(report, style),
        (Format::Json, _) => {
            format!("{}\n", super::to_json(report).map_err(|e| failed(e.into()))?)
        }
        (Format::Html, _) => html::render(report, style),
    })
}
