//! Many images at once: each row of their reports, by image.
//!
//! Reports are taken one after another, so that not all of them are in memory.

mod text;
mod write;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::Serialize;

use super::compare::same_table;
use super::{Disposition, ProfileRef, Report, RuleReport, Summary, TargetRef};
use crate::check::Outcome;
use crate::error::Error;
use crate::profile::{Bilingual, RuleId, Severity};

/// The rows of many reports.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// The images, in the order in which they were added.
    pub images: Vec<Image>,
    /// The profile of the first; the others have the same table.
    profile: Option<ProfileRef>,
    /// Every row that a report has, in the order of their ids.
    pub rows: BTreeMap<RuleId, MatrixRow>,
    /// The benchmarks of the reports, with their editions, each once.
    pub benchmarks: Vec<String>,
}

/// One image.
#[derive(Debug, Clone, Serialize)]
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

/// One row, by image.
#[derive(Debug, Clone, Serialize)]
pub struct MatrixRow {
    /// Its id.
    pub id: RuleId,
    /// Our title, as the first report with the row has it; so are the next ones.
    pub title: Bilingual,
    /// What the table declares, by the profile's key.
    pub status: String,
    /// The same in words.
    pub status_words: Option<Bilingual>,
    /// How grave it is that it does not hold.
    pub severity: Option<Severity>,
    /// What became of it in each image; `None` where the report does not have the row.
    pub cells: Vec<Option<MatrixCell>>,
}

/// A row in an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MatrixCell {
    /// Its outcome; of a row that is left alone what was observed.
    pub outcome: Outcome,
    /// What is done about it.
    pub disposition: Disposition,
    /// Whether it has drifted, and nobody accepts that.
    pub drift: bool,
    /// Whether a waiver that it needs is over.
    pub waiver_is_over: bool,
}

impl MatrixCell {
    fn of(row: &RuleReport) -> MatrixCell {
        MatrixCell {
            outcome: row.outcome,
            disposition: row.disposition,
            drift: row.drift && !row.drift_accepted,
            waiver_is_over: row.waiver_is_over(),
        }
    }

    /// Whether it is to hold, and does not, or cannot be told, or its waiver is over.
    pub fn is_open(&self) -> bool {
        let open = matches!(self.outcome, Outcome::NotMet | Outcome::Unknown | Outcome::Unmeasured);
        self.disposition.is_enforced() && (open || self.waiver_is_over)
    }
}

impl MatrixRow {
    /// In how many images it is open.
    pub fn open(&self) -> usize {
        self.cells.iter().flatten().filter(|cell| cell.is_open()).count()
    }

    /// In how many images it has drifted, and nobody accepts that.
    pub fn drifted(&self) -> usize {
        self.cells.iter().flatten().filter(|cell| cell.drift).count()
    }

    /// Whether there is something to look at.
    pub fn is_of_interest(&self) -> bool {
        self.open() > 0 || self.drifted() > 0 || self.differs()
    }

    /// Whether images differ in it.
    pub fn differs(&self) -> bool {
        self.cells.windows(2).any(|pair| pair[0] != pair[1])
    }
}

impl Matrix {
    /// A matrix without an image.
    pub fn new() -> Matrix {
        Matrix::default()
    }

    /// Adds an image by its report.
    ///
    /// # Errors
    /// [`Error::Report`] for a report of another table than the images before.
    pub fn add(&mut self, name: impl Into<String>, report: &Report) -> Result<(), Error> {
        match &self.profile {
            Some(profile) => same_table(&report.profile, profile)?,
            None => self.profile = Some(report.profile.clone()),
        }
        let before = self.images.len();
        self.images.push(Image {
            name: name.into(),
            target: report.target.clone(),
            version: report.profile.version.clone(),
            layers: report.profile.layers.clone(),
            summary: report.summary.clone(),
        });
        let benchmark = format!("{} {}", report.profile.benchmark, report.profile.version);
        if !self.benchmarks.contains(&benchmark) {
            self.benchmarks.push(benchmark);
        }
        for row in &report.rules {
            let entry = self.rows.entry(row.id.clone()).or_insert_with(|| MatrixRow {
                id: row.id.clone(),
                title: row.title.clone(),
                status: row.status.clone(),
                status_words: row.status_words.clone(),
                severity: row.severity,
                cells: vec![None; before],
            });
            entry.cells.push(Some(MatrixCell::of(row)));
        }
        for row in self.rows.values_mut() {
            row.cells.resize(before + 1, None);
        }
        Ok(())
    }

    /// The rows, the worst first: by the number of images in which it is open, then by severity, then
    /// by the number of images that have drifted, then by id.
    pub fn worst_first(&self) -> Vec<&MatrixRow> {
        let mut rows: Vec<&MatrixRow> = self.rows.values().collect();
        let drifted =
            |row: &MatrixRow| row.cells.iter().flatten().filter(|cell| cell.drift).count();
        rows.sort_by_key(|row| {
            (Reverse(row.open()), Reverse(row.severity), Reverse(drifted(row)), &row.id)
        });
        rows
    }

    /// How many rows are open in an image, by its place.
    pub fn open_in(&self, image: usize) -> usize {
        let cells = self.rows.values().filter_map(|row| row.cells.get(image).copied().flatten());
        cells.filter(MatrixCell::is_open).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[Option<Outcome>], severity: Option<Severity>, id: &str) -> MatrixRow {
        let cell = |outcome| MatrixCell {
            outcome,
            disposition: Disposition::Enforced,
            drift: false,
            waiver_is_over: false,
        };
        MatrixRow {
            id: id.parse().unwrap(),
            title: Bilingual { en: "a".into(), ja: "a".into() },
            status: "pass".into(),
            status_words: None,
            severity,
            cells: cells.iter().map(|outcome| outcome.map(cell)).collect(),
        }
    }

    #[test]
    fn the_worst_is_what_most_images_have_then_the_gravest() {
        use Outcome::{Met, NotMet, Unknown, Waived};
        let rows = [
            row(&[Some(Met), Some(Met)], Some(Severity::High), "1.1"),
            row(&[Some(NotMet), Some(Met)], Some(Severity::Low), "1.2"),
            row(&[Some(Unknown), Some(Met)], Some(Severity::High), "1.3"),
            row(&[Some(NotMet), Some(NotMet)], None, "1.4"),
            row(&[Some(Waived), None], Some(Severity::High), "1.10"),
            row(&[Some(Met), Some(Met)], Some(Severity::High), "1.9"),
        ];
        let matrix = Matrix {
            rows: rows.into_iter().map(|row| (row.id.clone(), row)).collect(),
            ..Matrix::new()
        };
        let order: Vec<String> =
            matrix.worst_first().iter().map(|row| row.id.to_string()).collect();
        assert_eq!(order, ["1.4", "1.3", "1.2", "1.1", "1.9", "1.10"]);
        let differ: Vec<&str> = order
            .iter()
            .filter(|id| matrix.rows[&id.parse::<RuleId>().unwrap()].differs())
            .map(String::as_str)
            .collect();
        assert_eq!(differ, ["1.3", "1.2", "1.10"]);
        assert_eq!([matrix.open_in(0), matrix.open_in(1), matrix.open_in(2)], [3, 1, 0]);
    }

    #[test]
    fn a_left_alone_row_is_never_open() {
        let mut one = row(&[Some(Outcome::NotMet)], None, "1.1");
        one.cells[0].as_mut().unwrap().disposition = Disposition::LeftAlone;
        assert_eq!(one.open(), 0);
    }

    const REPORT: &str = include_str!("../../tests/data/formats/report-1.json");

    fn report(change: impl FnOnce(&mut Report)) -> Report {
        let mut report = crate::report::from_json(REPORT).expect("the sample is a report");
        change(&mut report);
        report
    }

    fn many(reports: &[(&str, Report)]) -> Matrix {
        let mut matrix = Matrix::new();
        for (name, report) in reports {
            matrix.add(*name, report).expect("one table");
        }
        matrix
    }

    #[test]
    fn a_row_names_the_images_that_are_not_as_the_others() {
        use crate::report::formats::{Format, Style};
        let worse = report(|report| {
            let row = report.rules.iter_mut().find(|row| row.id.to_string() == "1.7.2");
            row.expect("1.7.2").outcome = Outcome::NotMet;
        });
        let matrix = many(&[("a", report(|_| ())), ("=b", worse), ("c", report(|_| ()))]);
        let write = |format| matrix.write(format, Style::default()).expect("a table");
        assert!(write(Format::Text).contains("not met 1 (=b), met 2"), "{}", write(Format::Text));
        assert!(write(Format::Markdown).contains("not met 1 (` =b `), met 2"));
        let csv = write(Format::Csv);
        assert!(
            csv.starts_with("row,severity,status,title,open,drifted,differs,a,'=b,c\r\n"),
            "{csv}"
        );
        assert!(csv.contains(",1,0,yes,met,not_met,met\r\n"), "{csv}");
        let json: serde_json::Value = serde_json::from_str(&write(Format::Json)).expect("JSON");
        assert_eq!(
            (json["rows"][0]["id"].as_str(), &json["rows"][0]["open"]),
            (Some("1.7.2"), &1.into())
        );
        let e = matrix.write(Format::Sarif, Style::default()).expect_err("no such table");
        assert!(e.to_string().contains("want text, json, junit, markdown, csv, html"), "{e}");
    }

    #[test]
    fn a_row_that_a_report_does_not_have_is_empty_there() {
        let one = || report(|report| report.rules.retain(|row| row.id.to_string() == "5.3.10"));
        let matrix = many(&[("one", one()), ("all", report(|_| ())), ("again", one())]);
        assert!(matrix.rows.values().all(|row| row.cells.len() == 3));
        let other = matrix.rows.values().find(|row| row.id.to_string() != "5.3.10").expect("more");
        assert!(other.cells[0].is_none() && other.cells[1].is_some(), "{other:?}");
    }

    #[test]
    fn reports_of_different_tables_make_no_table() {
        let mut matrix = many(&[("a", report(|_| ()))]);
        let other = report(|report| "site-x".clone_into(&mut report.profile.id));
        let e = matrix.add("b", &other).expect_err("another table").to_string();
        assert!(e.contains("site-x"), "{e}");
    }
}
