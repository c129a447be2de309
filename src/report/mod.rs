//! Findings and changes as data. The renderers in this folder turn them into text.
//!
//! The JSON form is a contract (`gokaku.report/1`, `docs/schema/report-1.schema.json`): fields are
//! added, never renamed or dropped, within a version.

pub mod diff;
pub(crate) mod messages;
pub mod reverted;
mod row;
pub(crate) mod secret;
pub mod text;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::apply::packages::{self, Action, Operation};
use crate::check::{Evidence, Outcome, Subject};
use crate::error::Error;
use crate::message::{Arg, Message};
use crate::plan::{Judged, PathChange, Remedy};
use crate::profile::{Bilingual, Part, Profile, Rule, RuleId};
use crate::rootfs::{AccountDb, ImagePath, NodeBody};

/// The schema's name and version.
pub const SCHEMA: &str = "gokaku.report/1";

/// dpkg's database.
const DPKG_STATUS: &str = "/var/lib/dpkg/status";

/// What the run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Audited only.
    Audit,
    /// Audited, with the pending changes.
    Plan,
    /// Changed, and audited again.
    Apply,
}

/// The whole report.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`], of a report that this program wrote.
    pub schema: String,
    /// The program that wrote it.
    pub tool: Tool,
    /// The declared table.
    pub profile: ProfileRef,
    /// The root that was audited.
    pub target: TargetRef,
    /// What the run was for.
    pub mode: Mode,
    /// Counts.
    pub summary: Summary,
    /// One entry per row, in the order of their ids.
    pub rules: Vec<RuleReport>,
    /// Every package and every path that changed (or, of a plan, every path that would change).
    pub changes: Vec<ChangeReport>,
    /// The result of the package runner, if it had anything to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<PackagesReport>,
    /// The profile's chapter titles.
    #[serde(default)]
    pub chapters: BTreeMap<Part, Bilingual>,
}

/// The result of the package runner.
#[derive(Debug, Serialize, Deserialize)]
pub struct PackagesReport {
    /// What was recovered first.
    pub notes: Vec<String>,
    /// Why it could not complete; `null` if it did.
    pub failure: Option<String>,
}

/// The program that wrote a report.
#[derive(Debug, Serialize, Deserialize)]
pub struct Tool {
    /// `gokaku`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Which table was declared.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProfileRef {
    /// The profile's id.
    pub id: String,
    /// The benchmark's name.
    pub benchmark: String,
    /// The benchmark's edition.
    pub version: String,
}

/// The root that was audited.
#[derive(Debug, Serialize, Deserialize)]
pub struct TargetRef {
    /// Its path on the machine that ran gokaku.
    pub root: String,
    /// `ID=` of its `os-release`.
    pub os: String,
    /// `VERSION_ID=` of its `os-release`.
    pub version: String,
    /// Whether it is the running system's own `/`.
    pub live: bool,
}

/// Counts over the rows of a report.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub struct Summary {
    /// Rows that are to pass.
    pub pass: PassCounts,
    /// Rows that are left alone.
    pub left_alone: LeftCounts,
    /// Paths changed (or, of a plan, that would change).
    pub changed_files: usize,
    /// Packages purged, installed or otherwise changed.
    pub changed_packages: usize,
}

/// Counts of the rows that are to pass, by outcome.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
#[allow(missing_docs)] // the fields are the outcomes
pub struct PassCounts {
    pub total: usize,
    pub met: usize,
    pub met_vacuously: usize,
    pub not_met: usize,
    pub manual: usize,
    pub unknown: usize,
    pub waived: usize,
}

/// Counts of the rows that are left alone.
#[derive(Debug, Default, Clone, Copy, Serialize, Deserialize)]
pub struct LeftCounts {
    /// All of them.
    pub total: usize,
    /// Those that have drifted.
    pub drifted: usize,
    /// Those whose state is not observed.
    pub unmeasured: usize,
}

/// One row.
#[derive(Debug, Serialize, Deserialize)]
pub struct RuleReport {
    /// Its id: its number in the benchmark, or the site's own.
    pub id: RuleId,
    /// What the table declares, by the profile's key; `pass` for a site's own row.
    pub status: String,
    /// The same in words.
    #[serde(default)]
    pub status_words: Option<Bilingual>,
    /// What is done about it.
    #[serde(default)]
    pub disposition: Disposition,
    /// The benchmark's level.
    pub level: u8,
    /// Its outcome (of an apply or a plan: after the changes).
    pub outcome: Outcome,
    /// Whether `apply` can close it, for a row that does not hold.
    pub remedy: Option<Remedy>,
    /// Whether a left-alone row has drifted.
    pub drift: bool,
    /// Our title.
    pub title: Bilingual,
    /// Its outcome before the changes; `null` for an audit.
    pub before: Option<Outcome>,
    /// Whether this run changed (or, of a plan, would change) anything for it.
    pub changed: bool,
    /// What does not hold, each with its subject.
    #[serde(default)]
    pub gaps: Vec<GapReport>,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Why it is unknown, or has no remedy.
    pub reason: Option<Message>,
    /// Why it is left alone; `null` for a row that is to pass.
    pub left_alone: Option<LeftAlone>,
}

/// What is done about a row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// The table says that it passes, and it is made to.
    #[default]
    Enforced,
    /// It is left as it is.
    LeftAlone,
    /// The site's own profile has it enforced.
    EnforcedBySite,
}

impl Disposition {
    /// Whether the row is made to hold.
    pub fn is_enforced(self) -> bool {
        self != Disposition::LeftAlone
    }
}

/// One thing that does not hold.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GapReport {
    /// What it is about; the same in every run on the same tree.
    pub subject: Subject,
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// Whether `apply` can close it; `null` in a row that is left alone.
    pub remedy: Option<Remedy>,
    /// Why it cannot.
    pub reason: Option<Message>,
}

/// Why a row is left alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct LeftAlone {
    /// The table's reason, by the profile's key.
    pub reason: String,
    /// The same in words.
    #[serde(default)]
    pub reason_words: Option<Bilingual>,
    /// What is not touched.
    pub note: Option<Bilingual>,
}

/// One changed path.
#[derive(Debug, Serialize, Deserialize)]
pub struct ChangeReport {
    /// Inside the root, links resolved.
    pub path: ImagePath,
    /// What is done to it.
    pub kind: ChangeKind,
    /// For which rows.
    pub rules: BTreeSet<RuleId>,
    /// For which gaps of these rows.
    #[serde(default)]
    pub serves: Vec<Serves>,
    /// What changes, as `plan` shows it, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
    /// Which package, of a change of kind [`ChangeKind::Package`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageReport>,
}

/// A gap that a change closes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serves {
    /// The row.
    pub rule: RuleId,
    /// What the gap is about.
    pub subject: Subject,
}

/// One changed package.
#[derive(Debug, Serialize, Deserialize)]
pub struct PackageReport {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// What happened to it.
    pub action: Action,
    /// The version that was there.
    pub from: Option<String>,
    /// The version that is there now.
    pub to: Option<String>,
    /// Whether a row names it; otherwise it was changed as a dependency.
    pub asked: bool,
}

impl From<&Operation> for PackageReport {
    fn from(o: &Operation) -> PackageReport {
        PackageReport {
            name: o.name.clone(),
            architecture: o.architecture.clone(),
            action: o.action,
            from: o.from.clone(),
            to: o.to.clone(),
            asked: o.asked,
        }
    }
}

/// What is done to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// New content (and perhaps a new mode or owner).
    Write,
    /// Mode or owner only.
    Stat,
    /// A symbolic link.
    Symlink,
    /// A new directory.
    Mkdir,
    /// Taken away.
    Remove,
    /// A package, by the package manager; the path is that of dpkg's record.
    Package,
}

impl ChangeKind {
    /// The kind of a planned change.
    pub fn of(change: &PathChange) -> ChangeKind {
        match (&change.before, change.after.as_ref().map(|n| &n.body)) {
            (_, None) => ChangeKind::Remove,
            (_, Some(NodeBody::Symlink(_))) => ChangeKind::Symlink,
            (_, Some(NodeBody::File(Some(_)))) => ChangeKind::Write,
            (None, Some(NodeBody::Dir)) => ChangeKind::Mkdir,
            _ => ChangeKind::Stat,
        }
    }
}

impl Report {
    /// Puts a report together. `judged` are the final verdicts, in the order of `rules`; `before`
    /// the earlier ones, of a plan or an apply. `names` are the accounts of the tree, for the diffs
    /// of the changes.
    pub fn new(
        mode: Mode,
        profile: &Profile,
        target: TargetRef,
        rules: &[&Rule],
        before: Option<&[Judged]>,
        judged: &[Judged],
        (changes, names): (&[PathChange], &AccountDb),
    ) -> Report {
        let changed = |(c, diff): (&PathChange, String)| ChangeReport {
            path: c.path.clone(),
            kind: ChangeKind::of(c),
            rules: c.rules().cloned().collect(),
            serves: row::serves(c),
            diff: Some(diff),
            package: None,
        };
        let changes: Vec<ChangeReport> = diff::each(changes, names).map(changed).collect();
        let rows: Vec<RuleReport> = rules
            .iter()
            .zip(judged)
            .enumerate()
            .map(|(i, (rule, judged))| {
                row::row(rule, judged, before.and_then(|b| b.get(i)), &changes)
            })
            .collect();
        let summary = Summary { changed_files: changes.len(), ..summarize(rows.iter()) };
        Report {
            schema: SCHEMA.to_owned(),
            tool: Tool {
                name: env!("CARGO_PKG_NAME").to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            profile: ProfileRef {
                id: profile.id.clone(),
                benchmark: profile.benchmark.name.clone(),
                version: profile.benchmark.version.clone(),
            },
            target,
            mode,
            summary,
            rules: rows,
            changes,
            packages: None,
            chapters: profile.chapters.clone(),
        }
    }

    /// Adds what became of the packages; they were changed before the files.
    #[must_use]
    pub fn with_packages(mut self, outcome: &packages::Outcome) -> Report {
        let mut notes: Vec<String> = outcome.notes.iter().map(ToString::to_string).collect();
        let (asked, other): (Vec<&Operation>, Vec<&Operation>) =
            outcome.operations.iter().partition(|o| !o.rules.is_empty());
        // What no row asks for was recovered on the way.
        notes.extend(other.iter().map(ToString::to_string));
        let Ok(path) = ImagePath::parse(DPKG_STATUS) else { return self };
        let changes = asked.iter().map(|o| ChangeReport {
            path: path.clone(),
            kind: ChangeKind::Package,
            rules: o.rules.clone(),
            serves: Vec::new(),
            diff: None,
            package: Some(PackageReport::from(*o)),
        });
        self.changes.splice(0..0, changes);
        self.summary.changed_packages = asked.len();
        for row in &mut self.rules {
            row.changed |= asked.iter().any(|o| o.rules.contains(&row.id));
        }
        if !notes.is_empty() || outcome.failure.is_some() {
            self.packages = Some(PackagesReport {
                notes,
                failure: outcome.failure.as_ref().map(ToString::to_string),
            });
        }
        self
    }

    /// The exit status of the verbs that judge: 1 when something could not be determined, else 2 when
    /// something is not as declared (with `strict`, drift too), else 0.
    pub fn exit_status(&self, strict: bool) -> u8 {
        let pass = &self.summary.pass;
        let failed = self.packages.as_ref().is_some_and(|p| p.failure.is_some());
        if pass.unknown > 0 || failed {
            1
        } else if pass.not_met > 0 || (strict && self.summary.left_alone.drifted > 0) {
            2
        } else {
            0
        }
    }
}

/// A report that this or an earlier version wrote as JSON. What a later one added is passed over.
///
/// # Errors
/// [`Error::Report`] for a text that is no report, and for one of another schema.
pub fn from_json(text: &str) -> Result<Report, Error> {
    let not_read = |e: serde_json::Error| Error::Report(messages::no_report(Arg::cause(e)));
    let value: serde_json::Value = serde_json::from_str(text).map_err(not_read)?;
    match value["schema"].as_str() {
        Some(SCHEMA) => serde_json::from_value(value).map_err(not_read),
        Some(found) => Err(Error::Report(messages::report_of_another_schema(found, SCHEMA))),
        None => Err(Error::Report(messages::no_schema(SCHEMA))),
    }
}

/// A report as JSON. Control characters are written as escapes, also those that JSON would
/// let through: the report may be looked at in a terminal.
///
/// # Errors
/// Those of the serializer.
pub fn to_json(data: &impl Serialize) -> serde_json::Result<String> {
    let plain = serde_json::to_string_pretty(data)?;
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        // Outside of strings JSON is ASCII, and its layout knows the line feed alone.
        if c != '\n' && crate::rootfs::is_control(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    Ok(out)
}

/// Counts rows.
pub fn summarize<'a>(rows: impl Iterator<Item = &'a RuleReport>) -> Summary {
    let mut sum = Summary::default();
    for row in rows {
        if row.disposition.is_enforced() {
            let pass = &mut sum.pass;
            pass.total += 1;
            match row.outcome {
                Outcome::Met => pass.met += 1,
                Outcome::MetVacuously => pass.met_vacuously += 1,
                Outcome::NotMet => pass.not_met += 1,
                Outcome::Manual => pass.manual += 1,
                Outcome::Unknown | Outcome::Unmeasured => pass.unknown += 1,
                Outcome::Waived => pass.waived += 1,
            }
        } else {
            sum.left_alone.total += 1;
            sum.left_alone.drifted += usize::from(row.drift);
            sum.left_alone.unmeasured += usize::from(row.outcome == Outcome::Unmeasured);
        }
    }
    sum
}

#[cfg(test)]
mod tests;
