//! Many images in one table: a row of the benchmark across, an image down. It holds outcomes only, so
//! that hundreds of reports fit.

mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use super::formats::{self, Format, Style};
use super::{Disposition, Report, RuleReport, Summary, TargetRef, Tool, messages};
use crate::check::Outcome;
use crate::error::Error;
use crate::profile::{Bilingual, RuleId, Severity};

/// The schema of [`Matrix`] as JSON.
pub const SCHEMA: &str = "gokaku.matrix/1";

/// Many images in one table.
#[derive(Debug, Serialize)]
pub struct Matrix {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The program that wrote it.
    pub tool: Tool,
    /// The table of all; `null` while there is no image.
    pub profile: Option<String>,
    /// The images, in the order in which they were added.
    pub images: Vec<Image>,
    /// The rows, the worst first; see [`Matrix::sorted`].
    pub rows: Vec<MatrixRow>,
    /// Where each row is, while images are added.
    #[serde(skip)]
    known: BTreeMap<RuleId, usize>,
}

/// One image.
#[derive(Debug, Serialize)]
pub struct Image {
    /// What it is called.
    pub name: String,
    /// The root that was audited.
    pub target: TargetRef,
    /// The edition of the benchmark.
    pub version: String,
    /// The layers over the table.
    pub layers: Vec<String>,
    /// Counts over its rows.
    pub summary: Summary,
}

/// A row, with its outcome on each image.
#[derive(Debug, Serialize)]
pub struct MatrixRow {
    /// Its id.
    pub id: RuleId,
    /// Our title.
    pub title: Bilingual,
    /// What the table declares, by the profile's key.
    pub status: String,
    /// What is done about it, on the last image that has it.
    pub disposition: Disposition,
    /// How grave it is that it does not hold.
    pub severity: Option<Severity>,
    /// Its outcome on each image, in their order; `null` where a report does not have it.
    pub outcomes: Vec<Option<Outcome>>,
    /// On how many images it is to hold and does not, or cannot be told.
    pub failing: usize,
    /// On how many images it is left alone and has drifted.
    pub drifted: usize,
    /// Whether the images differ.
    pub differs: bool,
}

impl Default for Matrix {
    fn default() -> Matrix {
        Matrix::new()
    }
}

impl Matrix {
    /// A table without images.
    pub fn new() -> Matrix {
        Matrix {
            schema: SCHEMA,
            tool: Tool::this(),
            profile: None,
            images: Vec::new(),
            rows: Vec::new(),
            known: BTreeMap::new(),
        }
    }

    /// Adds an image.
    ///
    /// # Errors
    /// [`Error::Report`] for a report of another table than the images before.
    pub fn add(&mut self, name: impl Into<String>, report: &Report) -> Result<(), Error> {
        match &self.profile {
            Some(profile) if *profile != report.profile.id => {
                let (found, want) = (&report.profile.id, profile);
                return Err(Error::Report(messages::baseline_of_another_profile(found, want)));
            }
            _ => self.profile = Some(report.profile.id.clone()),
        }
        let before = self.images.len();
        for row in &report.rules {
            let at = *self.known.entry(row.id.clone()).or_insert_with(|| {
                self.rows.push(MatrixRow::new(row, before));
                self.rows.len() - 1
            });
            if let Some(known) = self.rows.get_mut(at) {
                known.add(row, before);
            }
        }
        self.images.push(Image {
            name: name.into(),
            target: report.target.clone(),
            version: report.profile.version.clone(),
            layers: report.profile.layers.clone(),
            summary: report.summary.clone(),
        });
        Ok(())
    }

    /// The table with its rows in order: those first that fail on most images, the graver first among
    /// them; then those that have drifted, those that differ, and the rest, by their ids.
    #[must_use]
    pub fn sorted(mut self) -> Matrix {
        let images = self.images.len();
        for row in &mut self.rows {
            row.outcomes.resize(images, None);
            row.differs = row.outcomes.windows(2).any(|pair| pair[0] != pair[1]);
        }
        let key = |row: &MatrixRow| {
            (row.failing, row.severity.filter(|_| row.failing > 0), row.drifted, row.differs)
        };
        self.rows.sort_by(|a, b| key(b).cmp(&key(a)).then_with(|| a.id.cmp(&b.id)));
        self.known.clear();
        self
    }

    /// The table in a format.
    ///
    /// # Errors
    /// [`Error::Report`] for a format that tables do not have.
    pub fn write(&self, format: Format, style: Style) -> Result<String, Error> {
        match format {
            Format::Text => Ok(text::render(self, style)),
            Format::Json => formats::json(self),
            other => Err(Error::Report(messages::no_such_format(other.word(), "text, json"))),
        }
    }
}

impl MatrixRow {
    /// A row that no image before had.
    fn new(row: &RuleReport, before: usize) -> MatrixRow {
        MatrixRow {
            id: row.id.clone(),
            title: row.title.clone(),
            status: row.status.clone(),
            disposition: row.disposition,
            severity: row.severity,
            outcomes: vec![None; before],
            failing: 0,
            drifted: 0,
            differs: false,
        }
    }

    fn add(&mut self, row: &RuleReport, before: usize) {
        self.outcomes.resize(before, None);
        self.outcomes.push(Some(row.outcome));
        self.disposition = row.disposition;
        self.failing += usize::from(fails(row));
        self.drifted += usize::from(row.drift && !row.drift_accepted);
    }
}

/// Whether a row is to hold and does not, or cannot be told.
fn fails(row: &RuleReport) -> bool {
    let open = matches!(row.outcome, Outcome::NotMet | Outcome::Unknown | Outcome::Unmeasured);
    row.disposition.is_enforced() && (open || row.waiver_is_over())
}

#[cfg(test)]
mod tests;
