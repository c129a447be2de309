//! Findings and changes as data. The renderers in this folder turn them into text.
//!
//! The JSON form is a contract (`gokaku.report/1`, `docs/schema/report-1.schema.json`): fields are
//! added, never renamed or dropped, within a version.

mod attached;
mod build;
mod changes;
pub mod compare;
#[cfg(feature = "internals")]
pub mod diff;
#[cfg(not(feature = "internals"))]
pub(crate) mod diff;
pub(crate) mod fixes;
pub mod formats;
mod json;
pub mod matrix;
// Some are the command line's alone.
#[cfg_attr(not(feature = "cli"), allow(dead_code))]
pub(crate) mod messages;
#[cfg(feature = "cli")]
pub(crate) mod reverted;
pub mod screen;
pub(crate) mod secret;
mod site;
mod stamp;
pub mod table;
pub mod text;

pub use crate::apply::packages::Action;
pub use crate::check::{ChainLine, Evidence, Outcome, Subject, SubjectKind};
pub use crate::consequences::Effect;
pub use crate::plan::{Remedy, Serves, WaiverState};
#[cfg(feature = "internals")]
pub use build::Facts;
#[cfg(not(feature = "internals"))]
pub(crate) use build::Facts;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub use attached::{Artifact, Attached};
pub use changes::{ChangeKind, ChangeReport, PackageReport, PackagesReport};
pub use compare::{Baseline, Comparison};
pub use fixes::{Fixes, Patch, RowFix};
pub use json::{from_json, to_json};
pub use site::{Beneath, Decision, DecisionKind, VarReport, WaiverReport, WantReport};
pub use stamp::Stamp;

use crate::message::{Lang, Message};
use crate::profile::{Bilingual, Part, Place, ReferenceSource, References, RuleId, Severity};

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
    /// When and where it was made, if that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stamp: Option<Stamp>,
    /// Counts.
    pub summary: Summary,
    /// What the changes end: logins, access, mail … The worst first; empty when nothing does.
    #[serde(default)]
    pub consequences: Vec<ConsequenceReport>,
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
    /// What has changed since a baseline, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// What the run knows besides; in no saved report.
    #[serde(skip)]
    pub attached: Attached,
}

/// Something that the changes end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConsequenceReport {
    /// What kind of thing.
    pub effect: Effect,
    /// Whom or what it is about.
    pub subject: Subject,
    /// Who, what, and why, in a sentence.
    pub says: Message,
    /// The rows that bring it about.
    pub rules: BTreeSet<RuleId>,
    /// Whether a row ends exactly this by its own words.
    pub named: bool,
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileRef {
    /// The profile's id.
    pub id: String,
    /// The benchmark's name.
    pub benchmark: String,
    /// The benchmark's edition.
    pub version: String,
    /// The format of the profile's files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The digest of the merged profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The layers over the table, in the order in which they count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<String>,
    /// The values of the variables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vars: Vec<VarReport>,
    /// Where severities and references of the rows are from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<ReferenceSource>,
}

/// The root that was audited.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
pub struct PassCounts {
    /// All of them.
    pub total: usize,
    /// [`Outcome::Met`].
    pub met: usize,
    /// [`Outcome::MetVacuously`].
    pub met_vacuously: usize,
    /// [`Outcome::NotMet`].
    pub not_met: usize,
    /// [`Outcome::Manual`].
    pub manual: usize,
    /// [`Outcome::Unknown`].
    pub unknown: usize,
    /// [`Outcome::Waived`].
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
    /// How grave it is that it does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Its outcome (of an apply or a plan: after the changes).
    pub outcome: Outcome,
    /// Whether `apply` can close it, for a row that does not hold.
    pub remedy: Option<Remedy>,
    /// Whether a left-alone row has drifted.
    pub drift: bool,
    /// Our title.
    pub title: Bilingual,
    /// Why the row is good for something, in our own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<Bilingual>,
    /// Where the required state comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Bilingual>,
    /// What public catalogues call its subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub references: Option<References>,
    /// Its outcome before the changes; `null` for an audit.
    pub before: Option<Outcome>,
    /// Whether this run changed (or, of a plan, would change) anything for it.
    pub changed: bool,
    /// What does not hold, each with its subject.
    #[serde(default)]
    pub gaps: Vec<GapReport>,
    /// How many more do not, where there are too many to list.
    #[serde(default, skip_serializing_if = "compare::is_zero")]
    pub more_gaps: usize,
    /// What the changes close: what was found, and what will be; the first of many.
    #[serde(default)]
    pub closed: Vec<ClosedGap>,
    /// How many more they close.
    #[serde(default)]
    pub more_closed: usize,
    /// What it is about.
    #[serde(default)]
    pub area: Area,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Why it is unknown, or has no remedy.
    pub reason: Option<Message>,
    /// Why it is left alone; `null` for a row that is to pass.
    pub left_alone: Option<LeftAlone>,
    /// What is waived, of a row whose outcome is `waived`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beneath: Option<Beneath>,
    /// The site's waivers of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverReport>,
    /// Whether its drift is accepted.
    #[serde(default, skip_serializing_if = "is_false")]
    pub drift_accepted: bool,
    /// What a layer has made of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Where it stands in the profile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// What it wants, each with its place in the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wants: Vec<WantReport>,
}

impl RuleReport {
    /// Whether a waiver of it is over, and what it was for does not hold.
    pub fn waiver_is_over(&self) -> bool {
        self.waivers.iter().any(|waiver| waiver.state == WaiverState::Over)
    }
}

/// For fields that are left out where they say nothing.
fn is_false(flag: &bool) -> bool {
    !flag
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

/// What a row is about, as people who run machines sort it.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Area {
    /// Who gets in, and how: accounts, passwords, sshd.
    Logins,
    /// Homes and what lies in them.
    Homes,
    /// Mail.
    Mail,
    /// What runs: services, packages, time, logs.
    Services,
    /// Anything else.
    #[default]
    Files,
}

impl Area {
    /// All of them, in the order in which a plan shows them.
    pub const ALL: [Area; 5] = [Area::Logins, Area::Homes, Area::Mail, Area::Services, Area::Files];
}

/// One thing that the changes close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClosedGap {
    /// What it is about; the same in every run on the same tree.
    pub subject: Subject,
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// What will be there, where the row closes this alone; else the evidence says what is
    /// asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Message>,
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
    /// Whether a waiver accepts it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub waived: bool,
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

impl Report {
    /// The row with this id; `None` where the report is about other rows.
    pub fn row(&self, id: &RuleId) -> Option<&RuleReport> {
        self.rules.iter().find(|row| row.id == *id)
    }

    /// The rows by chapter, in their order.
    pub fn by_chapter(&self) -> BTreeMap<&Part, Vec<&RuleReport>> {
        let mut chapters: BTreeMap<&Part, Vec<&RuleReport>> = BTreeMap::new();
        for row in &self.rules {
            chapters.entry(row.id.chapter()).or_default().push(row);
        }
        chapters
    }

    /// A chapter's number and title; the number alone where the profile has no title.
    pub(crate) fn chapter(&self, chapter: &Part, lang: Lang) -> String {
        match self.chapters.get(chapter) {
            Some(title) => format!("{chapter} {}", title.get(lang)),
            None => chapter.to_string(),
        }
    }

    /// The exit status of the verbs that judge: beside a baseline, only what that says counts
    /// ([`Comparison::exit_status`]), and that packages could not be changed; else that of the report
    /// itself ([`Report::own_status`]).
    pub fn exit_status(&self, strict: bool) -> u8 {
        match &self.comparison {
            Some(_) if self.packages_failed() => 1,
            Some(comparison) => comparison.exit_status(),
            None => self.own_status(strict),
        }
    }

    fn packages_failed(&self) -> bool {
        self.packages.as_ref().is_some_and(|p| p.failure.is_some())
    }

    /// 1 when something could not be determined, else 2 when something is not as declared or a waiver
    /// that is needed is over (with `strict`, drift too), else 0. A row whose waiver is over counts as
    /// that alone.
    pub fn own_status(&self, strict: bool) -> u8 {
        let any = |is: &dyn Fn(&RuleReport) -> bool| self.rules.iter().any(is);
        let enforced = |row: &RuleReport| row.disposition.is_enforced();
        let unknown = |row: &RuleReport| {
            let unknown = matches!(row.outcome, Outcome::Unknown | Outcome::Unmeasured);
            enforced(row) && unknown && !row.waiver_is_over()
        };
        let open = |row: &RuleReport| {
            enforced(row) && (row.outcome == Outcome::NotMet || row.waiver_is_over())
        };
        let drifted = |row: &RuleReport| row.drift && !row.drift_accepted;
        if self.packages_failed() || any(&unknown) {
            1
        } else if any(&open) || (strict && any(&drifted)) {
            2
        } else {
            0
        }
    }
}

/// Counts rows.
pub(crate) fn summarize<'a>(rows: impl Iterator<Item = &'a RuleReport>) -> Summary {
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
