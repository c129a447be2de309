//! From verdicts and changes to a report, without secrets.

use std::collections::HashSet;
use std::rc::Rc;

use super::{
    Area, Attached, Beneath, ChangeKind, ChangeReport, ClosedGap, ConsequenceReport, DPKG_STATUS,
    Decision, Disposition, GapReport, LeftAlone, Mode, PackageReport, PackagesReport, ProfileRef,
    Report, RuleReport, SCHEMA, Summary, TargetRef, Tool, VarReport, WaiverReport, WantReport,
    diff, secret, summarize,
};
use crate::apply::packages::{self, Operation};
use crate::check::{Check, Evidence, Subject};
use crate::consequences::Consequence;
use crate::message::Message;
use crate::plan::{Judged, JudgedGap, PathChange, Remedy, Serves, WaiverState, WaiverUse};
use crate::profile::{self, Drift, Profile, References, Rule};
use crate::rootfs::{AccountDb, ImagePath};

/// What a report is made of.
pub struct Facts<'a> {
    /// What the run was for.
    pub mode: Mode,
    /// The declared table.
    pub profile: &'a Profile,
    /// The root.
    pub target: TargetRef,
    /// The rows that the run is about.
    pub rules: &'a [&'a Rule],
    /// The earlier verdicts, of a plan or an apply.
    pub before: Option<&'a [Judged]>,
    /// The final verdicts, in the order of the rules.
    pub judged: &'a [Judged],
    /// What changes.
    pub changes: &'a [PathChange],
    /// What the changes end, the worst first.
    pub consequences: &'a [Consequence],
    /// The accounts of the tree, for the diffs of the changes.
    pub names: &'a AccountDb,
}

impl Report {
    /// Puts a report together.
    #[cfg(feature = "internals")]
    pub fn of(facts: Facts<'_>) -> Report {
        Report::made_of(facts)
    }

    /// Puts a report together.
    pub(crate) fn made_of(facts: Facts<'_>) -> Report {
        let Facts { mode, profile, target, rules, before, judged, changes, consequences, names } =
            facts;
        let changed = |(c, diff): (&PathChange, String)| ChangeReport {
            path: c.path.clone(),
            kind: ChangeKind::of(c),
            rules: c.rules().cloned().collect(),
            serves: serves(c),
            diff: Some(diff),
            package: None,
        };
        let changes: Vec<ChangeReport> = diff::each(changes, names).map(changed).collect();
        let rows: Vec<RuleReport> = rules
            .iter()
            .zip(judged)
            .enumerate()
            .map(|(i, (rule, judged))| row(rule, judged, before.and_then(|b| b.get(i)), &changes))
            .collect();
        let summary = Summary { changed_files: changes.len(), ..summarize(rows.iter()) };
        Report {
            schema: SCHEMA.to_owned(),
            tool: Tool::this(),
            profile: ProfileRef::from(profile),
            target,
            mode,
            stamp: None,
            summary,
            consequences: consequences.iter().map(consequence).collect(),
            rules: rows,
            changes,
            packages: None,
            chapters: profile.chapters.clone(),
            comparison: None,
            attached: Attached::default(),
        }
    }

    /// Adds what became of the packages; they were changed before the files.
    #[must_use]
    pub(crate) fn with_packages(mut self, outcome: &packages::Outcome) -> Report {
        let mut notes = outcome.notes.clone();
        let (asked, other): (Vec<&Operation>, Vec<&Operation>) =
            outcome.operations.iter().partition(|o| !o.rules.is_empty());
        // What no row asks for was recovered on the way.
        notes.extend(other.iter().map(|o| o.message()));
        let Ok(path) = ImagePath::parse(DPKG_STATUS) else { return self };
        let changes = asked.iter().map(|o| ChangeReport {
            path: path.clone(),
            kind: ChangeKind::Package,
            rules: o.rules.clone(),
            serves: Vec::new(),
            diff: None,
            package: Some(PackageReport::of(o)),
        });
        self.changes.splice(0..0, changes);
        self.summary.changed_packages = asked.len();
        for row in &mut self.rules {
            row.changed |= asked.iter().any(|o| o.rules.contains(&row.id));
        }
        if !notes.is_empty() || outcome.failure.is_some() {
            self.packages = Some(PackagesReport { notes, failure: outcome.failure.clone() });
        }
        self
    }
}

impl Tool {
    /// This program.
    pub(super) fn this() -> Tool {
        Tool {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl From<&Profile> for ProfileRef {
    fn from(profile: &Profile) -> ProfileRef {
        ProfileRef {
            id: profile.id.clone(),
            benchmark: profile.benchmark.name.clone(),
            version: profile.benchmark.version.clone(),
            format: Some(profile::FORMAT.to_owned()),
            sha256: Some(profile.sha256()),
            layers: profile.layers.clone(),
            vars: profile.vars.iter().map(var).collect(),
            references: profile.references.clone(),
        }
    }
}

fn var(var: &profile::Value) -> VarReport {
    VarReport {
        name: var.name.clone(),
        value: secret::veil(&var.value).into_owned(),
        place: var.place.clone(),
    }
}

fn row(
    rule: &Rule,
    judged: &Judged,
    before: Option<&Judged>,
    changes: &[ChangeReport],
) -> RuleReport {
    let (disposition, left_alone, drift) = match &rule.disposition {
        profile::Disposition::Enforce(_) if rule.site.enforced.is_some() => {
            (Disposition::EnforcedBySite, None, false)
        }
        profile::Disposition::Enforce(_) => (Disposition::Enforced, None, false),
        profile::Disposition::LeaveAlone { note, drift, .. } => {
            let drift = match drift {
                None => false,
                Some(Drift::WhenMet) => judged.any_met,
            };
            // A profile is refused in which such a row has no reason.
            let left = |reason: &profile::Reason| LeftAlone {
                reason: reason.key().to_owned(),
                reason_words: Some(reason.words().clone()),
                note: note.clone(),
            };
            (Disposition::LeftAlone, rule.reason.as_ref().map(left), drift)
        }
    };
    let (closed, more_closed) = closed(before, judged);
    RuleReport {
        id: rule.id.clone(),
        status: rule.status.key().to_owned(),
        status_words: Some(rule.status.words().clone()),
        disposition,
        level: rule.level,
        severity: rule.severity,
        outcome: judged.outcome,
        remedy: judged.remedy,
        drift,
        title: rule.title.clone(),
        rationale: Some(rule.rationale.clone()),
        origin: rule.origin.clone(),
        references: Some(rule.references.clone()).filter(|named| *named != References::default()),
        before: before.map(|b| b.outcome),
        changed: changes.iter().any(|c| c.rules.contains(&rule.id)),
        gaps: judged.gaps.iter().map(|gap| gap_of(gap, judged.remedy)).collect(),
        more_gaps: judged.more_gaps,
        closed,
        more_closed,
        area: area(rule),
        evidence: judged.evidence.iter().map(veiled).collect(),
        reason: judged.reason.as_ref().map(veil),
        left_alone,
        beneath: judged.beneath.as_deref().map(beneath),
        waivers: judged.waivers.iter().map(waiver).collect(),
        drift_accepted: drift && judged.waivers.iter().any(|used| used.state == WaiverState::InUse),
        decision: Decision::of(rule),
        place: Some(rule.place.clone()),
        wants: rule.wants.iter().zip(&rule.want_places).map(want).collect(),
    }
}

fn want((want, place): (&String, &profile::Place)) -> WantReport {
    WantReport { want: secret::veil(want).into_owned(), place: place.clone() }
}

fn beneath(judged: &Judged) -> Beneath {
    Beneath {
        outcome: judged.outcome,
        gaps: judged.gaps.iter().map(|gap| gap_of(gap, judged.remedy)).collect(),
        evidence: judged.evidence.iter().map(veiled).collect(),
        reason: judged.reason.as_ref().map(veil),
    }
}

fn waiver(used: &WaiverUse) -> WaiverReport {
    WaiverReport { subject: used.subject.as_ref().map(without_secrets), ..WaiverReport::of(used) }
}

/// So many closed gaps of a row are shown.
const CLOSED: usize = 20;

/// What was wrong before and is not any more, and how much more of it there is.
fn closed(before: Option<&Judged>, judged: &Judged) -> (Vec<ClosedGap>, usize) {
    let Some(before) = before else { return (Vec::new(), 0) };
    let key = |gap: &JudgedGap| (gap.subject.clone(), gap.evidence.want.clone());
    let left: HashSet<_> = judged.gaps.iter().map(key).collect();
    let gone: Vec<_> = before.gaps.iter().filter(|gap| !left.contains(&key(gap))).collect();
    // Of one gap and one new observation, the one tells what became of the other.
    let known: HashSet<_> = before.evidence.iter().collect();
    let mut new = judged.evidence.iter().filter(|e| e.found.is_some() && !known.contains(e));
    let after = match (&gone[..], new.next(), new.next()) {
        ([gap], Some(new), None) if new.path == gap.evidence.path => new.found.as_ref().map(veil),
        _ => None,
    };
    let one = |gap: &&JudgedGap| ClosedGap {
        subject: without_secrets(&gap.subject),
        evidence: veiled(&gap.evidence),
        after: after.clone(),
    };
    let shown = gone.iter().take(CLOSED).map(one).collect();
    (shown, gone.len().saturating_sub(CLOSED))
}

/// What a row is about, by the family of what it wants.
fn area(rule: &Rule) -> Area {
    let checks = match &rule.disposition {
        profile::Disposition::Enforce(wants) => wants,
        profile::Disposition::LeaveAlone { observe, .. } => observe,
    };
    match checks.first() {
        Some(Check::LocalMta(_)) => Area::Mail,
        Some(check) => match check.family() {
            "accounts" | "pam" | "sshd" => Area::Logins,
            "homes" => Area::Homes,
            "systemd" | "daemons" | "packages" | "logs" => Area::Services,
            _ => Area::Files,
        },
        None => Area::Files,
    }
}

/// The remedy of a gap: nothing where the row's own is not given.
fn gap_of(gap: &JudgedGap, row: Option<Remedy>) -> GapReport {
    let remedy = match gap.reason {
        None => Remedy::Available,
        Some(_) => Remedy::None,
    };
    GapReport {
        subject: without_secrets(&gap.subject),
        evidence: veiled(&gap.evidence),
        remedy: row.map(|_| remedy),
        reason: gap.reason.as_ref().map(veil),
        waived: gap.waived,
    }
}

fn serves(change: &PathChange) -> Vec<Serves> {
    let one =
        |s: &Rc<Serves>| Serves { rule: s.rule.clone(), subject: without_secrets(&s.subject) };
    change.serves.iter().take(MOST).map(one).collect()
}

fn consequence(one: &Consequence) -> ConsequenceReport {
    ConsequenceReport {
        effect: one.effect,
        subject: without_secrets(&one.subject),
        says: veil(&one.says),
        rules: one.by.iter().map(|serves| serves.rule.clone()).collect(),
        named: one.named,
    }
}

/// The limit of gaps that a change names.
const MOST: usize = 2_000;

/// A keyword of a file in which a key or a hash stands may be a piece of that.
fn without_secrets(subject: &Subject) -> Subject {
    Subject { kind: subject.kind, value: secret::veil(&subject.value).into_owned() }
}

fn veiled(evidence: &Evidence) -> Evidence {
    Evidence {
        found: evidence.found.as_ref().map(veil),
        want: evidence.want.as_ref().map(veil),
        note: evidence.note.as_ref().map(veil),
        ..evidence.clone()
    }
}

pub(super) fn veil(message: &Message) -> Message {
    message.clone().with_texts(&mut |text| match secret::veil(text) {
        std::borrow::Cow::Borrowed(_) => None,
        std::borrow::Cow::Owned(veiled) => Some(veiled),
    })
}
