//! An earlier state to compare with: a report, or the lines that image builds keep in their
//! repositories.

use std::collections::{BTreeMap, BTreeSet};

use super::lines;
use crate::check::{Outcome, Subject};
use crate::error::Error;
use crate::message::Message;
use crate::profile::RuleId;
use crate::report::{ProfileRef, Report, RuleReport, from_json, messages};

/// What is known of the rows of an earlier state.
#[derive(Debug, Clone)]
pub struct Baseline {
    pub(super) rows: BTreeMap<RuleId, Known>,
    /// The profile of a report; lines name none.
    profile: Option<ProfileRef>,
    /// Whether it has the subjects of rows that do not hold.
    pub(super) has_subjects: bool,
}

/// What is known of a row.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub outcome: Outcome,
    /// Whether it had drifted; `None`: lines do not say.
    pub drift: Option<bool>,
    /// What of it did not hold; `None`: lines do not say.
    pub failing: Option<Failing>,
}

/// What of a row does not hold.
#[derive(Debug, Clone)]
pub(super) struct Failing {
    pub listed: BTreeSet<Subject>,
    pub unlisted: usize,
}

impl Failing {
    pub fn of(row: &RuleReport) -> Failing {
        // A waiver that is over accepts nothing any more.
        let open = row.gaps.iter().filter(|gap| !gap.waived || row.waiver_is_over());
        let listed = open.map(|gap| gap.subject.clone()).collect();
        Failing { listed, unlisted: row.more_gaps }
    }

    /// How many there are. A subject can have several gaps; of those that are not listed, each counts.
    pub fn all(&self) -> usize {
        self.listed.len() + self.unlisted
    }
}

/// Refuses to compare rows of different tables: one id means different things there.
pub(in crate::report) fn same_table(was: &ProfileRef, is: &ProfileRef) -> Result<(), Error> {
    if was.id == is.id {
        return Ok(());
    }
    Err(Error::Report(messages::baseline_of_another_profile(&was.id, &is.id)))
}

impl Report {
    /// Whether this report and an earlier one are about the same table.
    ///
    /// # Errors
    /// [`Error::Report`] with the two profiles, where they are not.
    pub fn is_of_the_table_of(&self, earlier: &Report) -> Result<(), Error> {
        same_table(&earlier.profile, &self.profile)
    }
}

impl Baseline {
    /// Reads a saved report, or lines as `pass: 1.1.1.1 [L1] …`, for a report of `profile`. Of the
    /// lines, those before the first row are passed over, except for a first one that names a
    /// benchmark, and titles are.
    ///
    /// # Errors
    /// [`Error::Report`] for a text that is neither, with the line; for another profile, another
    /// benchmark or another edition of it.
    pub fn read(text: &str, profile: &ProfileRef) -> Result<Baseline, Error> {
        if text.trim_start().starts_with('{') {
            let report = from_json(text)?;
            same_table(&report.profile, profile)?;
            return Ok(Baseline::of(&report));
        }
        let rows = lines::read(text, profile).map_err(Error::Report)?;
        Ok(Baseline { rows, profile: None, has_subjects: false })
    }

    /// The state that a report tells of.
    pub fn of(report: &Report) -> Baseline {
        let known = |row: &RuleReport| {
            let known = Known {
                outcome: row.outcome,
                drift: Some(row.drift),
                failing: Some(Failing::of(row)),
            };
            (row.id.clone(), known)
        };
        Baseline {
            rows: report.rules.iter().map(known).collect(),
            profile: Some(report.profile.clone()),
            has_subjects: true,
        }
    }

    /// Whether rows that are missing from `report` are only not selected.
    pub(super) fn is_of_the_same_table(&self, report: &Report) -> bool {
        let sha256 = self.profile.as_ref().and_then(|profile| profile.sha256.as_ref());
        sha256.is_some() && sha256 == report.profile.sha256.as_ref()
    }

    /// What is to be said of the two tables.
    pub(super) fn notes(&self, report: &Report) -> Vec<Message> {
        let Some(was) = &self.profile else { return Vec::new() };
        let is = &report.profile;
        let mut notes = Vec::new();
        if was.version != is.version {
            notes.push(messages::baseline_of_another_edition(&was.version, &is.version));
        } else if was.layers != is.layers {
            let layers = |layers: &[String]| match layers {
                [] => messages::no_layers(),
                layers => Message::value(layers.join(", ")),
            };
            notes.push(messages::baseline_of_other_layers(layers(&was.layers), layers(&is.layers)));
        } else if was.sha256 != is.sha256 {
            notes.push(messages::baseline_of_another_text(&is.id));
        }
        notes
    }
}
