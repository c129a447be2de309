//! Two states of one image, row by row and, inside a row, subject by subject: what became worse,
//! better, or another thing. A gate needs no image that is perfect, only one that is not worse.

mod baseline;
mod lines;
pub mod text;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::formats::{self, Format, Style};
use super::{ProfileRef, Report, RuleReport, TargetRef, messages};
use crate::check::{Outcome, Subject};
use crate::error::Error;
use crate::message::Message;
use crate::profile::{Bilingual, RuleId};

pub use baseline::Baseline;
use baseline::Known;
pub(super) use baseline::same_table;
pub(super) use lines::write;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// It does not hold any more, one more subject of it does not, or it has drifted: a regression.
    Worse,
    /// It cannot be told any more.
    Unknown,
    /// It holds, or fewer subjects of it do not.
    Better,
    /// The site has waived it.
    Waived,
    /// Its subject is not there any more.
    MetVacuously,
    /// A person must judge it now.
    Manual,
    /// This run did not look, or its report does not have the row.
    NotMeasured,
    /// The earlier state does not have the row.
    New,
    /// The table does not have the row any more.
    Gone,
}

impl Change {
    /// All of them, the worst first.
    pub const ALL: [Change; 9] = [
        Change::Worse,
        Change::Unknown,
        Change::Better,
        Change::Waived,
        Change::MetVacuously,
        Change::Manual,
        Change::NotMeasured,
        Change::New,
        Change::Gone,
    ];
}

/// A row that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowChange {
    /// Which row.
    pub id: RuleId,
    /// Its title, where the report has the row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Bilingual>,
    /// What became of it.
    pub change: Change,
    /// Its earlier outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Outcome>,
    /// Its outcome.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Outcome>,
    /// Whether it is left alone and has drifted since.
    #[serde(default, skip_serializing_if = "super::is_false")]
    pub drifted: bool,
    /// What fails now and did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<Subject>,
    /// What failed and does not any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fewer: Vec<Subject>,
    /// How many more fail that are not listed, where a row has too many to list all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_unlisted: usize,
}

/// A report beside an earlier state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What the two are, and what they cannot tell.
    pub notes: Vec<Message>,
    /// How many rows are as they were.
    pub held: usize,
    /// The others, in the order of their ids.
    pub rows: Vec<RowChange>,
}

impl Comparison {
    /// The rows of which this became.
    pub fn of(&self, change: Change) -> impl Iterator<Item = &RowChange> {
        self.rows.iter().filter(move |row| row.change == change)
    }

    /// The exit status of a gate: 1 for a row that cannot be told any more, else 2 for a regression,
    /// else 0, whatever else does not hold.
    pub fn exit_status(&self) -> u8 {
        match (self.of(Change::Unknown).next(), self.of(Change::Worse).next()) {
            (Some(_), _) => 1,
            (None, Some(_)) => 2,
            (None, None) => 0,
        }
    }
}

/// The schema of [`Compared`] as JSON.
pub const SCHEMA: &str = "gokaku.comparison/1";

/// Two states of one image, to be written.
#[derive(Debug, Serialize)]
pub struct Compared<'a> {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// The table of the later one.
    pub profile: &'a ProfileRef,
    /// The earlier root.
    pub old: &'a TargetRef,
    /// The later one.
    pub new: &'a TargetRef,
    /// What became of the rows.
    #[serde(flatten)]
    pub comparison: Comparison,
}

impl<'a> Compared<'a> {
    /// What became of `old` in `new`.
    pub fn of(old: &'a Report, new: &'a Report) -> Compared<'a> {
        let comparison = new.compare(&Baseline::of(old), None);
        let (old, profile, new) = (&old.target, &new.profile, &new.target);
        Compared { schema: SCHEMA, profile, old, new, comparison }
    }

    /// The comparison as `text` or `json`.
    ///
    /// # Errors
    /// [`Error::Report`] for another format.
    pub fn write(&self, format: Format, style: Style) -> Result<String, Error> {
        match format {
            Format::Text => Ok(text::render(&self.comparison, style)),
            Format::Json => formats::json(self),
            other => Err(formats::no_such(other, &[Format::Text, Format::Json])),
        }
    }
}

// serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
pub(super) fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Report {
    /// Compares this report with an earlier state. `table`: the rows of the profile, where they are
    /// known; a row that this run did not select has not vanished.
    pub fn compare(&self, earlier: &Baseline, table: Option<&BTreeSet<RuleId>>) -> Comparison {
        let mut comparison = Comparison { notes: earlier.notes(self), held: 0, rows: Vec::new() };
        for row in &self.rules {
            match earlier.rows.get(&row.id).map_or_else(|| Some(new(row)), |was| changed(was, row))
            {
                Some(change) => comparison.rows.push(change),
                None => comparison.held += 1,
            }
        }
        let known: BTreeSet<&RuleId> = self.rules.iter().map(|row| &row.id).collect();
        let same_table = earlier.is_of_the_same_table(self);
        // Without the table, nobody can say whether a row is gone or was not selected.
        let missing = |id: &RuleId| match table {
            Some(table) => (!table.contains(id)).then_some(Change::Gone),
            None => (!same_table).then_some(Change::NotMeasured),
        };
        for (id, was) in &earlier.rows {
            if let Some(change) = missing(id).filter(|_| !known.contains(id)) {
                comparison
                    .rows
                    .push(RowChange { was: Some(was.outcome), ..row_change(id, change) });
            }
        }
        comparison.rows.sort_by(|a, b| a.id.cmp(&b.id));
        if !earlier.has_subjects && comparison.compares_failing_rows(self) {
            comparison.notes.push(messages::no_subjects_to_compare());
        }
        comparison
    }
}

impl Comparison {
    /// Whether some row did not hold before and does not now.
    fn compares_failing_rows(&self, report: &Report) -> bool {
        let changed: BTreeSet<&RuleId> = self.rows.iter().map(|row| &row.id).collect();
        let failing = |row: &&RuleReport| row.outcome == Outcome::NotMet;
        report.rules.iter().filter(failing).any(|row| !changed.contains(&row.id))
    }
}

fn row_change(id: &RuleId, change: Change) -> RowChange {
    RowChange {
        id: id.clone(),
        title: None,
        change,
        was: None,
        is: None,
        drifted: false,
        more: Vec::new(),
        fewer: Vec::new(),
        more_unlisted: 0,
    }
}

/// A row that the earlier state does not have. What cannot be told, it had not, either.
fn new(row: &RuleReport) -> RowChange {
    let change = if is_unknown(row) { Change::Unknown } else { Change::New };
    RowChange {
        title: Some(row.title.clone()),
        is: Some(row.outcome),
        ..row_change(&row.id, change)
    }
}

/// Whether a row should have been judged and could not be.
fn is_unknown(row: &RuleReport) -> bool {
    match row.outcome {
        Outcome::Unknown => true,
        Outcome::Unmeasured => row.disposition.is_enforced(),
        _ => false,
    }
}

/// What became of a row; `None`: it is as it was.
fn changed(was: &Known, row: &RuleReport) -> Option<RowChange> {
    let mut change = RowChange {
        title: Some(row.title.clone()),
        was: Some(was.outcome),
        is: Some(row.outcome),
        ..row_change(&row.id, Change::Worse)
    };
    // Of text, only a row that did not hold and now does can be seen to have drifted.
    let had_drifted = was.drift.unwrap_or(was.outcome != Outcome::NotMet);
    let may_drift = was.drift.is_some() || row.outcome == Outcome::Met;
    if row.drift && !had_drifted && may_drift {
        change.change = if row.drift_accepted { Change::Waived } else { Change::Worse };
        change.drifted = true;
        return Some(change);
    }
    if let Some(known) = &was.failing {
        let now = baseline::Failing::of(row);
        change.more = now.listed.difference(&known.listed).cloned().collect();
        change.fewer = known.listed.difference(&now.listed).cloned().collect();
    }
    let to = |what: Change| (row.outcome != was.outcome).then_some(what);
    change.change = match row.outcome {
        _ if is_unknown(row) => to(Change::Unknown)?,
        Outcome::NotMet if was.outcome == Outcome::NotMet => subjects(was, row, &mut change)?,
        // It was not looked at before.
        Outcome::NotMet if was.outcome == Outcome::Unmeasured => Change::New,
        // What a left-alone row had too much is gone again.
        Outcome::NotMet if was.drift == Some(true) && !row.drift => Change::Better,
        Outcome::NotMet => Change::Worse,
        Outcome::Met => to(Change::Better)?,
        Outcome::MetVacuously => to(Change::MetVacuously)?,
        Outcome::Manual => to(Change::Manual)?,
        Outcome::Waived => to(Change::Waived)?,
        Outcome::Unknown | Outcome::Unmeasured => to(Change::NotMeasured)?,
    };
    Some(change)
}

/// Compares what fails in a row that did not hold and does not now.
fn subjects(was: &Known, row: &RuleReport, change: &mut RowChange) -> Option<Change> {
    let known = was.failing.as_ref()?;
    let now = baseline::Failing::of(row);
    // Where lists are cut, only their lengths tell the rest.
    let unlisted = now.unlisted > 0 || known.unlisted > 0;
    if unlisted {
        let (now, before) = (now.all(), known.all());
        change.more_unlisted = now.saturating_sub(before);
        (change.more, change.fewer) = (Vec::new(), Vec::new());
        return match now.cmp(&before) {
            std::cmp::Ordering::Greater => Some(Change::Worse),
            std::cmp::Ordering::Less => Some(Change::Better),
            std::cmp::Ordering::Equal => None,
        };
    }
    match (change.more.is_empty(), change.fewer.is_empty()) {
        (false, _) => Some(Change::Worse),
        (true, false) => Some(Change::Better),
        (true, true) => None,
    }
}

#[cfg(test)]
mod tests;
