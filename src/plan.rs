//! From rules and an image to verdicts, and from verdicts to a plan.
//!
//! `audit` judges; `plan` stages the changes of the gaps, audits again on the stage, and repeats
//! until nothing is left to change. Nothing is written here. Invariant: no second logic decides
//! what to do.

mod change;
mod drift;
mod judged;
pub(crate) mod messages;
mod waived;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use crate::check::{Audit, Check, Finding, Fix, Gap, Options, Outcome, Presence, Subject};
use crate::consequences::{Consequence, without_harm};
use crate::error::{Error, Result};
use crate::message::{Arg, Message, say};
use crate::profile::{Disposition, Rule, RuleId};
use crate::rootfs::{Change, ImagePath, Node, Rootfs, StagedRootfs, Tag};

pub use change::{PathChange, Serves};
pub(crate) use drift::drifts;
use judged::combine;
pub use judged::{Judged, JudgedGap, Remedy};
pub use waived::{WaiverState, WaiverUse};

/// The limit of rounds of staging and auditing per rule; real rules need one to four.
const MAX_ROUNDS: usize = 64;
/// The limit of passes over all rules; real profiles settle in two.
const MAX_PASSES: usize = 8;

/// Audits every rule on the image. Never fails as a whole: a rule that cannot be judged is
/// [`Outcome::Unknown`] with its cause, and the others continue.
pub fn audit<'a>(rules: &[&Rule], audit: impl Into<Audit<'a>>) -> Vec<Judged> {
    let audit = audit.into();
    let options = waived::options(rules, audit.options());
    let audit = Audit::new(audit.root(), &options);
    rules.iter().map(|rule| judge(rule, &audit)).collect()
}

/// One line of the log about what was just judged, `again` after a run has written; `judged` in the
/// order of `rules`.
pub fn log_judged(rules: &[&Rule], judged: &[Judged], again: bool) {
    let enforced = |rule: &Rule| matches!(rule.disposition, Disposition::Enforce(_));
    let outcomes: Vec<Outcome> =
        rules.iter().zip(judged).filter(|(r, _)| enforced(r)).map(|(_, j)| j.outcome).collect();
    let count = |outcome| outcomes.iter().filter(|o| **o == outcome).count();
    let (rows, of) = (judged.len(), outcomes.len());
    let hold = count(Outcome::Met) + count(Outcome::MetVacuously);
    let (open, manual) = (count(Outcome::NotMet), count(Outcome::Manual));
    let unknown = count(Outcome::Unknown);
    let line = match again {
        true => messages::judged_again,
        false => messages::judged,
    };
    say!(
        info, phase = "judge", rows = rows, hold = hold, not_met = open, manual = manual,
        unknown = unknown; line(rows, of, hold, open, manual, unknown)
    );
}

fn judge(rule: &Rule, audit: &Audit<'_>) -> Judged {
    let (checks, nothing) = match &rule.disposition {
        Disposition::Enforce(want) => (want, Outcome::Unknown),
        Disposition::LeaveAlone { observe, .. } => (observe, Outcome::Unmeasured),
    };
    if checks.is_empty() {
        let reason = (nothing == Outcome::Unknown).then(messages::not_implemented);
        return Judged { reason, ..Judged::nothing(&rule.id, nothing) };
    }
    let audit = audit.of_rule(&rule.id);
    let findings = checks.iter().map(|c| c.find(&audit));
    match rule.disposition {
        // Advice how to close a gap would be advice to touch what is left alone.
        Disposition::LeaveAlone { .. } => {
            waived::drift(rule, combine(&rule.id, findings).without_advice())
        }
        Disposition::Enforce(_) => waived::verdict(rule, &audit, findings.collect()),
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
    /// What the changes end, the worst first: what rows name, and what cannot be known.
    pub consequences: Vec<Consequence>,
    /// The options of the run with what was left alone because it would have done harm; `None` where
    /// nothing was.
    pub(crate) options: Option<Options>,
    /// What each row has staged, in the order in which it was; empty unless [`plan_in_parts`] made it.
    pub(crate) parts: Vec<Part>,
}

/// What one row has staged, on top of all parts before it.
#[derive(Debug)]
pub(crate) struct Part {
    /// Which row.
    pub rule: RuleId,
    /// The difference, by path.
    pub changes: Vec<PathChange>,
}

impl Plan {
    /// Every path that would change, sorted.
    pub fn changes(&self) -> &[PathChange] {
        &self.changes
    }

    /// What stands at each path that would change, when the plan has been carried out.
    pub fn nodes(&self) -> impl Iterator<Item = (ImagePath, Option<Node>)> {
        self.changes.iter().map(|change| (change.path.clone(), change.after.clone()))
    }
}

impl Plan {
    /// A plan that changes nothing, for a run that must not continue.
    pub(crate) fn unchanged(before: Vec<Judged>, after: Vec<Judged>) -> Plan {
        Plan::of(before, after, Vec::new())
    }

    fn of(before: Vec<Judged>, after: Vec<Judged>, changes: Vec<PathChange>) -> Plan {
        Plan { before, after, changes, consequences: Vec::new(), options: None, parts: Vec::new() }
    }

    /// The options with which the tree is judged once the plan is carried out: those of the run, and
    /// what was left alone because it would have done harm.
    pub fn options<'a>(&'a self, of_run: &'a Options) -> &'a Options {
        self.options.as_ref().unwrap_or(of_run)
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
pub fn package_changes<'a>(rules: &[&Rule], audit: impl Into<Audit<'a>>) -> Vec<PackageChange> {
    let audit = audit.into();
    let options = waived::options(rules, audit.options());
    let audit = Audit::new(audit.root(), &options);
    let mut sorted: Vec<&Rule> = rules.to_vec();
    sorted.sort_by(|a, b| a.id.cmp(&b.id));
    let mut all: Vec<PackageChange> = Vec::new();
    for rule in sorted {
        for check in planned(rule) {
            let audit = audit.of_rule(&rule.id);
            let Ok(Finding::NotMet { gaps, .. }) = check.find(&audit) else { continue };
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
        let served = [Serves::of_test().into()];
        // All changes of a test are for one serves, whatever the tags.
        let changes = changes.into_iter().map(|c| PathChange::new(c, &served)).collect();
        Plan::of(Vec::new(), Vec::new(), changes)
    }
}

/// Plans the changes that make every enforced rule among `rules` hold; the others are only audited.
/// What would do harm that no row names is left alone: the plan is made anew without it.
///
/// The rules are taken in the order of their ids, whatever the order given, so that the result
/// depends only on the set. A rule whose changes cannot be staged, or never settle, is left as it
/// is, with the reason; the others continue.
///
/// # Errors
/// [`Error::Unsettled`] when rules undo each other; an image that cannot be read any more.
pub fn plan<'a>(rules: &[&Rule], audit: impl Into<Audit<'a>>) -> Result<Plan> {
    without_harm(rules, audit.into(), |rules, audit| plan_once(rules, audit, false))
}

/// As [`plan`], with each row's part of it.
///
/// # Errors
/// As [`plan`].
pub(crate) fn plan_in_parts<'a>(rules: &[&Rule], audit: impl Into<Audit<'a>>) -> Result<Plan> {
    without_harm(rules, audit.into(), |rules, audit| plan_once(rules, audit, true))
}

/// A plan of everything that is wrong, whatever it ends.
fn plan_once<'r>(rules: &[&'r Rule], image: Audit<'_>, in_parts: bool) -> Result<Plan> {
    let options = waived::options(rules, image.options());
    let image = Audit::new(image.root(), &options);
    let before = self::audit(rules, image);
    log_judged(rules, &before, false);
    let mut staged = StagedRootfs::new(image.root());
    let mut served = Served::default();
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
    let mut parts: Vec<Part> = Vec::new();
    loop {
        let mut restless: Vec<(&Rule, BTreeSet<ImagePath>)> = Vec::new();
        for row in &order {
            let row = &mut rows[*row];
            let want = planned(row.rule);
            // A row without wants must not come to hold.
            if row.seen.holds_for(&staged) || want.is_empty() || row.stuck.is_some() {
                continue;
            }
            let id = &row.rule.id;
            let checkpoint = staged.checkpoint();
            match settle(&image.of_rule(id), row.rule, want, &mut staged, &mut served) {
                Ok((moved, seen)) => {
                    row.seen = seen;
                    if in_parts && !moved.is_empty() {
                        let since = staged.since(&checkpoint)?.into_iter();
                        let changes = since.map(|d| PathChange::new(d, &[])).collect();
                        parts.push(Part { rule: id.clone(), changes });
                    }
                    if !moved.is_empty() {
                        restless.push((row.rule, moved));
                    }
                }
                Err(why) => {
                    say!(warn, messages::left_as_it_is(id, &why));
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
            return Err(unsettled(&restless));
        }
    }
    let differences = staged.changes()?.into_iter();
    let changes: Vec<_> = differences.map(|d| PathChange::new(d, &served.list)).collect();
    let last_look = |(row, before): (Row<'_>, &Judged)| {
        let mut judged = match row.seen.holds_for(&staged) {
            _ if changes.is_empty() => before.clone(),
            true => row.seen.judged,
            false => judge(row.rule, &image.on(&staged)),
        };
        if let Some(why) = row.stuck {
            judged.remedy = judged.remedy.map(|_| Remedy::None);
            judged.reason = Some(why);
        }
        judged
    };
    let after: Vec<Judged> = rows.into_iter().zip(&before).map(last_look).collect();
    let for_rules: BTreeSet<&RuleId> = changes.iter().flat_map(PathChange::rules).collect();
    let files = changes.iter().filter(|c| c.has_new_content()).count();
    let (all, rows) = (changes.len(), for_rules.len());
    say!(
        info, phase = "plan", changes = all, files = files, rows = rows;
        match all {
            0 => messages::no_changes(),
            _ => messages::planned(all, rows, files, all - files),
        }
    );
    Ok(Plan { parts, ..Plan::of(before, after, changes) })
}

/// A rule while it is planned. Two may have one id, where they come from no profile.
struct Row<'r> {
    rule: &'r Rule,
    seen: Seen,
    /// Why it is left as it is.
    stuck: Option<Message>,
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

/// The served of everything staged; their places are the tags.
#[derive(Default)]
struct Served {
    list: Vec<Rc<Serves>>,
    tags: HashMap<Rc<Serves>, Tag>,
}

impl Served {
    fn tag(&mut self, rule: &RuleId, subject: &Subject) -> Tag {
        let serves = Rc::new(Serves { rule: rule.clone(), subject: subject.clone() });
        if let Some(known) = self.tags.get(&serves) {
            return *known;
        }
        // A tree has far fewer accounts, files and settings than fit.
        let tag = Tag::try_from(self.list.len()).unwrap_or(Tag::MAX);
        self.list.push(serves.clone());
        self.tags.insert(serves, tag);
        tag
    }
}

/// What of a rule is planned: nothing of one that is left alone, or waived as a whole.
fn planned(rule: &Rule) -> &[Check] {
    match &rule.disposition {
        Disposition::Enforce(want) if rule.site.whole().is_none() => want,
        _ => &[],
    }
}

/// The rules that undo each other, each with its place, and the paths that more than one of them changes.
fn unsettled(restless: &[(&Rule, BTreeSet<ImagePath>)]) -> Error {
    let rules: Vec<String> =
        restless.iter().map(|(rule, _)| format!("{} ({})", rule.id, rule.wanted_at())).collect();
    let all: Vec<&ImagePath> = restless.iter().flat_map(|(_, paths)| paths).collect();
    let several = |path: &&ImagePath| all.iter().filter(|other| *other == path).count() > 1;
    let mut paths: BTreeSet<&ImagePath> = all.iter().copied().filter(several).collect();
    if paths.is_empty() {
        paths.extend(&all);
    }
    let paths: Vec<String> = paths.into_iter().map(ToString::to_string).collect();
    Error::Unsettled { rules: rules.join(", "), paths: paths.join(", ") }
}

/// Stages what closes a rule's gaps until there is nothing more to stage. Returns the paths that were
/// changed and the final outcome, or why the rule has to be left.
fn settle(
    audit: &Audit<'_>,
    rule: &Rule,
    want: &[Check],
    staged: &mut StagedRootfs<'_>,
    served: &mut Served,
) -> Result<(BTreeSet<ImagePath>, Seen), Message> {
    let id = &rule.id;
    let mut all = BTreeSet::new();
    for _ in 0..MAX_ROUNDS {
        let mut moved = false;
        let mut findings = Vec::with_capacity(want.len());
        for check in want {
            let mut touched: BTreeSet<ImagePath> = BTreeSet::new();
            let finding = check.find(&audit.on(staged));
            // A want that cannot be judged has nothing to stage; the verdict says so.
            if let Ok(Finding::NotMet { gaps, .. }) = &finding {
                for (changes, subjects) in together(gaps) {
                    // A whole-file change was made from the file as it was when the audit read it:
                    // one change per path and look, the next look sees its result.
                    let places: Vec<ImagePath> = changes.iter().map(|c| place(c, staged)).collect();
                    if places.iter().any(|p| touched.contains(p)) {
                        continue;
                    }
                    let tags: Vec<Tag> = subjects.iter().map(|s| served.tag(id, s)).collect();
                    for (change, place) in changes.iter().zip(&places) {
                        let staged = staged
                            .stage(change, &tags)
                            .map_err(|e| messages::not_possible(Arg::cause(e)))?;
                        if staged {
                            moved = true;
                            all.insert(place.clone());
                        }
                    }
                    touched.extend(places);
                }
            }
            findings.push(finding);
        }
        if !moved {
            let settled = findings.iter().all(Result::is_ok);
            let judged = waived::verdict(rule, &audit.on(staged), findings);
            return Ok((all, Seen { judged, revision: staged.revision(), settled }));
        }
    }
    Err(messages::never_ends())
}

/// The changes of gaps in their order, each set once, with the subjects of all gaps that share it.
fn together(gaps: &[Gap]) -> Vec<(&[Change], Vec<&Subject>)> {
    let mut known: HashMap<*const Change, usize> = HashMap::new();
    // Gaps of one file are often closed by one text, which each of them holds.
    let mut first_at: HashMap<&ImagePath, usize> = HashMap::new();
    let mut sets: Vec<(&[Change], Vec<&Subject>)> = Vec::new();
    for gap in gaps {
        let Fix::Changes(changes) = &gap.fix else { continue };
        let Some(first) = changes.first() else { continue };
        let at = *known.entry(changes.as_ptr()).or_insert_with(|| {
            let same = *first_at.entry(first.path()).or_insert(sets.len());
            let is_same = sets.get(same).is_some_and(|(known, _)| *known == &**changes);
            if is_same { same } else { sets.len() }
        });
        match sets.get_mut(at) {
            Some((_, subjects)) => subjects.push(&gap.subject),
            None => sets.push((&**changes, vec![&gap.subject])),
        }
    }
    sets
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
