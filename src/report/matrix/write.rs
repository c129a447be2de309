//! The table in the formats that tables have.

use serde::Serialize;

use super::{Image, Matrix, MatrixRow, text};
use crate::error::{Error, cannot};
use crate::message::Lang;
use crate::profile::RuleId;
use crate::report::Tool;
use crate::report::formats::{self, Format, Style, csv, junit, markdown};

/// The schema of a table as JSON.
const SCHEMA: &str = "gokaku.matrix/1";

/// The formats of tables.
const FORMATS: [Format; 6] =
    [Format::Text, Format::Json, Format::Junit, Format::Markdown, Format::Csv, Format::Html];

#[derive(Serialize)]
struct Json<'a> {
    schema: &'static str,
    tool: Tool,
    profile: Option<&'a str>,
    images: &'a [Image],
    rows: Vec<JsonRow<'a>>,
}

#[derive(Serialize)]
struct JsonRow<'a> {
    #[serde(flatten)]
    row: &'a MatrixRow,
    /// In how many images it is to hold and does not, or cannot be told.
    open: usize,
    drifted: usize,
    differs: bool,
}

impl Matrix {
    /// The table in a format.
    ///
    /// # Errors
    /// [`Error::Report`] for a format that tables do not have.
    pub fn write(&self, format: Format, style: Style) -> Result<String, Error> {
        let failed = |e: std::io::Error| Error::host(cannot::write_the_report, "-", e);
        let Style { lang, .. } = style;
        match format {
            Format::Text => Ok(text::render(self, style)),
            Format::Html => Ok(formats::matrix::render(self, style)),
            Format::Json => formats::json(&self.as_json()),
            Format::Csv => csv::table(&self.cells(lang)).map_err(failed),
            Format::Markdown => Ok(markdown::matrix(self, lang)),
            Format::Junit => junit::matrix(self, lang).map_err(failed),
            other => Err(formats::no_such(other, &FORMATS)),
        }
    }

    fn as_json(&self) -> Json<'_> {
        let row =
            |row| JsonRow { row, open: row.open(), drifted: row.drifted(), differs: row.differs() };
        Json {
            schema: SCHEMA,
            tool: Tool::this(),
            profile: self.profile.as_ref().map(|profile| profile.id.as_str()),
            images: &self.images,
            rows: self.worst_first().into_iter().map(row).collect(),
        }
    }

    /// A head, and a line for each row.
    fn cells(&self, lang: Lang) -> Vec<Vec<String>> {
        let head = ["row", "severity", "status", "title", "open", "drifted", "differs"];
        let head = head.iter().map(|name| (*name).to_owned());
        let names = self.images.iter().map(|image| image.name.clone());
        let mut all = vec![head.chain(names).collect::<Vec<String>>()];
        for row in self.worst_first() {
            let MatrixRow { id, title, status, severity, .. } = row;
            let id: &RuleId = id;
            let mut line = vec![
                id.to_string(),
                severity.map_or("", |severity| severity.word()).to_owned(),
                status.clone(),
                title.get(lang).to_owned(),
                row.open().to_string(),
                row.drifted().to_string(),
                if row.differs() { "yes" } else { "no" }.to_owned(),
            ];
            let outcome = |cell: &Option<super::MatrixCell>| {
                cell.map_or(String::new(), |cell| cell.outcome.word().to_owned())
            };
            line.extend(row.cells.iter().map(outcome));
            all.push(line);
        }
        all
    }
}
