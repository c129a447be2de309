//! From rules and an image to verdicts, and from verdicts to a plan.
//!
//! `audit` judges; `plan` stages the changes of the gaps, audits again on the stage, and repeats
//! until nothing is left to change. Nothing is written here. Invariant: no second logic decides
//! what to do.

use std::collections::BTreeSet;

use crate::check::{Check, Evidence, Finding, Fix, Gap, Outcome, Presence};
use crate::error::{Error, Result, cut};
use crate::profile::{Disposition, Rule, RuleId};
use crate::rootfs::{Change, ImagePath, Node, PathChange, Rootfs, StagedRootfs};
use crate::text::lossless;

/// The limit of rounds of staging and auditing per rule; real rules need one to four.
const MAX_ROUNDS: usize = 64;
/// The limit of passes over all rules; real profiles settle in two.
const MAX_PASSES: usize = 8;

/// Whether `apply` can close the gaps of a rule that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Every gap has a change that closes it.
    Available,
    /// At least one gap has none; the reason says why.
    None,
}

/// The verdict on one rule.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Which rule.
    pub id: RuleId,
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether any single want holds by itself (and not vacuously).
    pub any_met: bool,
    /// Whether `apply` can close it, for a rule that does not hold.
    pub remedy: Option<Remedy>,
    /// What was found, gaps first.
    pub evidence: Vec<Evidence>,
    /// Why it is `unknown`, or why there is no remedy.
    pub reason: Option<String>,
}

/// Audits every rule on the image. Never fails as a whole: a rule that cannot be judged is
/// [`Outcome::Unknown`] with its cause, and the others continue.
pub fn audit(rules: &[&Rule], root: &dyn Rootfs) -> Vec<Judged> {
    rules.iter().map(|rule| judge(rule, root)).collect()
}

/// One line of the log about what was just judged; `judged` in the order of `rules`.
pub fn say(what: &str, rules: &[&Rule], judged: &[Judged]) {
    let enforced = |rule: &Rule| matches!(rule.disposition, Disposition::Enforce(_));
    let outcomes: Vec<Outcome> =
        rules.iter().zip(judged).filter(|(r, _)| enforced(r)).map(|(_, j)| j.outcome).collect();
    let count = |outcome| outcomes.iter().filter(|o| **o == outcome).count();
    let (of, hold) = (outcomes.len(), count(Outcome::Met) + count(Outcome::MetVacuously));
    let (open, manual) = (count(Outcome::NotMet), count(Outcome::Manual));
    let unknown = count(Outcome::Unknown);
    log::info!(
        phase = "judge", rows = judged.len(), hold = hold, not_met = open, manual = manual,
        unknown = unknown;
        "{what}: {} rows; of the {of} that are to hold, {hold} do, {open} do not, {manual} need a \
         person, {unknown} cannot be told", judged.len()
    );
}

fn judge(rule: &Rule, root: &dyn Rootfs) -> Judged {
    let (checks, nothing) = match &rule.disposition {
        Disposition::Enforce(want) => (want, Outcome::Unknown),
        Disposition::LeaveAlone { observe, .. } => (observe, Outcome::Unmeasured),
    };
    if checks.is_empty() {
        let reason = (nothing == Outcome::Unknown).then(|| "not implemented".to_owned());
        let evidence = Vec::new();
        return Judged {
            id: rule.id.clone(),
            outcome: nothing,
            any_met: false,
            remedy: None,
            evidence,
            reason,
        };
    }
    let judged = combine(&rule.id, checks.iter().map(|c| c.audit(root)));
    match rule.disposition {
        // Advice how to close a gap would be advice to touch what is left alone.
        Disposition::LeaveAlone { .. } if judged.outcome == Outcome::NotMet => {
            Judged { remedy: None, reason: None, ..judged }
        }
        _ => judged,
    }
}

/// The limit of observations, and of reasons, per row.
const MOST: usize = 2_000;

/// The limit of one reason, in bytes: a line of megabytes in a file must not end up in a row.
fn bounded(reason: String) -> String {
    const LONG: usize = 2_000;
    if reason.len() <= LONG { reason } else { cut(&reason, LONG).into_owned() }
}

/// All wants must hold. What definitely fails, fails; else what cannot be determined is unknown.
fn combine(id: &RuleId, findings: impl Iterator<Item = Result<Finding>>) -> Judged {
    let (mut gaps, mut evidence) = (Vec::new(), Vec::new());
    let (mut causes, mut reasons) = (Vec::new(), Vec::new());
    let mut outcomes = BTreeSet::new();
    for finding in findings {
        match finding {
            Err(e) => {
                outcomes.insert(Outcome::Unknown);
                causes.push(bounded(lossless::shown(&e.to_string()).into_owned()));
            }
            Ok(finding) => {
                outcomes.insert(finding.outcome());
                match finding {
                    Finding::Met(e)
                    | Finding::MetVacuously(e)
                    | Finding::Manual(e)
                    | Finding::Unmeasured(e) => {
                        evidence.extend(e);
                    }
                    Finding::NotMet { gaps: found, holding } => {
                        for Gap { evidence, fix } in found {
                            gaps.push(evidence);
                            reasons.extend(fix.reason().map(bounded));
                        }
                        evidence.extend(holding);
                    }
                }
            }
        }
    }
    let has = |o| outcomes.contains(&o);
    let outcome = if has(Outcome::NotMet) {
        Outcome::NotMet
    } else if has(Outcome::Unknown) {
        Outcome::Unknown
    } else if has(Outcome::Manual) {
        Outcome::Manual
    } else if has(Outcome::Unmeasured) {
        Outcome::Unmeasured
    } else if has(Outcome::Met) {
        Outcome::Met
    } else {
        Outcome::MetVacuously
    };
    let remedy =
        (outcome == Outcome::NotMet).then_some(if reasons.is_empty() && causes.is_empty() {
            Remedy::Available
        } else {
            Remedy::None
        });
    reasons.extend(causes);
    reasons.dedup();
    gaps.extend(evidence);
    // A file of a million lines is not a report of a million lines.
    if let Some(more) = gaps.len().checked_sub(MOST).filter(|more| *more > 0) {
        gaps.truncate(MOST);
        gaps.push(Evidence::note_only(format!("and {more} more, which are not shown")));
    }
    if let Some(more) = reasons.len().checked_sub(MOST).filter(|more| *more > 0) {
        reasons.truncate(MOST);
        reasons.push(format!("and {more} more reasons"));
    }
    Judged {
        id: id.clone(),
        outcome,
        any_met: has(Outcome::Met),
        remedy,
        evidence: gaps,
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

/// What a run would do: the verdicts before, the verdicts on the stage, and every path that would
/// change. Made only by [`plan`].
#[derive(Debug)]
pub struct Plan {
    /// The verdicts on the image as it is, in the order of the rules given.
    pub before: Vec<Judged>,
    /// The verdicts on the image with all changes.
    pub after: Vec<Judged>,
    /// The changes, by path; disjoint, final.
    changes: Vec<PathChange>,
}

impl Plan {
    /// Every path that would change, sorted.
    pub fn changes(&self) -> &[PathChange] {
        &self.changes
    }
}

impl Plan {
    /// A plan that changes nothing, for a run that must not continue.
    pub(crate) fn unchanged(before: Vec<Judged>, after: Vec<Judged>) -> Plan {
        Plan { before, after, changes: Vec::new() }
    }
}

/// One operation of the package manager that rules require.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// The packages to purge, or to install.
    pub names: Vec<String>,
    /// Which of the two.
    pub want: Presence,
    /// A program (with its arguments) to run in the root before the packages change.
    pub before: Vec<String>,
    /// The rules that require it.
    pub rules: BTreeSet<RuleId>,
}

/// The package operations that would close gaps of the enforced rules among `rules`, each once, in
/// the order of the rules' ids. A want that cannot be judged requires none.
pub fn package_changes(rules: &[&Rule], root: &dyn Rootfs) -> Vec<PackageChange> {
    let mut sorted: Vec<&Rule> = rules.to_vec();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut all: Vec<PackageChange> = Vec::new();
    for rule in sorted {
        let Disposition::Enforce(want) = &rule.disposition else { continue };
        for check in want {
            let Ok(Finding::NotMet { gaps, .. }) = check.audit(root) else { continue };
            for gap in gaps {
                let Fix::Package { names, want, before } = gap.fix else { continue };
                let same = |c: &&mut PackageChange| {
                    (&c.names, c.want, &c.before) == (&names, want, &before)
                };
                match all.iter_mut().find(same) {
                    Some(known) => drop(known.rules.insert(rule.id.clone())),
                    None => {
                        let rules = BTreeSet::from([rule.id.clone()]);
                        all.push(PackageChange { names, want, before, rules });
                    }
                }
            }
        }
    }
    all
}

#[cfg(test)]
impl Plan {
    /// A plan of these changes, for tests of the executor.
    pub(crate) fn of_stage(staged: &StagedRootfs<'_>) -> Plan {
        let changes = staged.changes().expect("an image for tests can be read");
        Plan { before: Vec::new(), after: Vec::new(), changes }
    }
}

/// Plans the changes that make every enforced rule among `rules` hold; the others are only audited.
///
/// The rules are taken in the order of their ids, whatever the order given, so that the result
/// depends only on the set. A rule whose changes cannot be staged, or never settle, is left as it
/// is, with the reason; the others continue.
///
/// # Errors
/// [`Error::Unsettled`] when rules undo each other; an image that cannot be read any more.
pub fn plan<'r>(rules: &[&'r Rule], root: &dyn Rootfs) -> Result<Plan> {
    let before = audit(rules, root);
    say("judged", rules, &before);
    let mut staged = StagedRootfs::new(root);
    // The stage begins as the image, and `before` has judged that already.
    let first = |(rule, judged): (&&'r Rule, &Judged)| Row {
        rule,
        seen: Seen::first(judged, &staged),
        stuck: None,
    };
    let mut rows: Vec<Row<'_>> = rules.iter().zip(&before).map(first).collect();
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|at| &rules[*at].id);
    let mut passes = 0;
    loop {
        let mut restless = Vec::new();
        for row in &order {
            let row = &mut rows[*row];
            let Disposition::Enforce(want) = &row.rule.disposition else { continue };
            // A row without wants must not come to hold.
            if row.seen.holds_for(&staged) || want.is_empty() || row.stuck.is_some() {
                continue;
            }
            let id = &row.rule.id;
            let checkpoint = staged.checkpoint();
            match settle(id, want, &mut staged) {
                Ok((moved, seen)) => {
                    row.seen = seen;
                    if moved {
                        restless.push(id.to_string());
                    }
                }
                Err(why) => {
                    log::warn!("rule {id}: left as it is: {why}");
                    staged.restore(checkpoint);
                    row.stuck = Some(why);
                }
            }
        }
        if restless.is_empty() {
            break;
        }
        passes += 1;
        if passes > MAX_PASSES {
            return Err(Error::Unsettled(format!("rules {} undo each other", restless.join(", "))));
        }
    }
    let changes = staged.changes()?;
    let last_look = |(row, before): (Row<'_>, &Judged)| {
        let mut judged = match row.seen.holds_for(&staged) {
            _ if changes.is_empty() => before.clone(),
            true => row.seen.judged,
            false => judge(row.rule, &staged),
        };
        if let Some(why) = row.stuck {
            judged.remedy = judged.remedy.map(|_| Remedy::None);
            judged.reason = Some(why);
        }
        judged
    };
    let after: Vec<Judged> = rows.into_iter().zip(&before).map(last_look).collect();
    let for_rules: BTreeSet<&RuleId> = changes.iter().flat_map(|c| &c.rules).collect();
    let files = changes.iter().filter(|c| has_new_content(c)).count();
    let told = match changes.len() {
        0 => "planned no changes".to_owned(),
        n => format!(
            "planned {n} changes for {} rows: new content for {files} paths, mode or owner of {}",
            for_rules.len(),
            n - files
        ),
    };
    log::info!(
        phase = "plan", changes = changes.len(), files = files, rows = for_rules.len(); "{told}"
    );
    Ok(Plan { before, after, changes })
}

fn has_new_content(change: &PathChange) -> bool {
    let body = |node: &Option<Node>| node.as_ref().map(|n| n.body.clone());
    body(&change.before) != body(&change.after)
}

/// A rule while it is planned. Two may have one id, where they come from no profile.
struct Row<'r> {
    rule: &'r Rule,
    seen: Seen,
    /// Why it is left as it is.
    stuck: Option<String>,
}

/// The outcome of a rule on the stage at a revision.
struct Seen {
    judged: Judged,
    revision: u64,
    /// Whether everything could be determined, and nothing is left to stage. A failed audit is
    /// repeated.
    settled: bool,
}

impl Seen {
    fn first(judged: &Judged, staged: &StagedRootfs<'_>) -> Seen {
        let settled = !matches!(judged.outcome, Outcome::NotMet | Outcome::Unknown);
        Seen { judged: judged.clone(), revision: staged.revision(), settled }
    }

    /// Whether the result is still current: nothing was staged since.
    fn holds_for(&self, staged: &StagedRootfs<'_>) -> bool {
        self.settled && self.revision == staged.revision()
    }
}

/// Stages what closes a rule's gaps until there is nothing more to stage. Returns whether
/// anything was staged and the final outcome, or why the rule has to be left.
fn settle(
    id: &RuleId,
    want: &[Check],
    staged: &mut StagedRootfs<'_>,
) -> Result<(bool, Seen), String> {
    let mut any = false;
    for _ in 0..MAX_ROUNDS {
        let mut moved = false;
        let mut findings = Vec::with_capacity(want.len());
        for check in want {
            let mut touched: BTreeSet<ImagePath> = BTreeSet::new();
            let finding = check.audit(staged);
            // A want that cannot be judged has nothing to stage; the verdict says so.
            if let Ok(Finding::NotMet { gaps, .. }) = &finding {
                for gap in gaps {
                    let Fix::Changes(changes) = &gap.fix else { continue };
                    // A whole-file change was made from the file as it was when the audit read it:
                    // one change per path and look, the next look sees its result.
                    let places: Vec<ImagePath> = changes.iter().map(|c| place(c, staged)).collect();
                    if places.iter().any(|p| touched.contains(p)) {
                        continue;
                    }
                    touched.extend(places);
                    for change in changes {
                        moved |= staged
                            .stage(change, id)
                            .map_err(|e| format!("the change is not possible: {e}"))?;
                    }
                }
            }
            findings.push(finding);
        }
        if !moved {
            let settled = findings.iter().all(Result::is_ok);
            let judged = combine(id, findings.into_iter());
            return Ok((any, Seen { judged, revision: staged.revision(), settled }));
        }
        any = true;
    }
    Err("its changes never end; this is a fault of the program".to_owned())
}

/// Where a change lands: two paths may lead to one file.
fn place(change: &Change, staged: &StagedRootfs<'_>) -> ImagePath {
    let path = change.path();
    match change {
        Change::Write { .. } => staged.locate(path).map_or_else(|_| path.clone(), |at| at.path),
        _ => path.clone(),
    }
}

#[cfg(test)]
mod tests;
