//! Laws of the model, tried on wrong trees of `tests/cases/`: what is remembered changes no plan, and
//! what is excluded is not touched, and nothing else stays open for it.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod support;

use std::collections::BTreeSet;

use gokaku::check::{Audit, Options, Subject};
use gokaku::message::Message;
use gokaku::plan::{self, Judged, Plan};
use gokaku::profile::{Profile, Rule, RuleId};
use gokaku::rootfs::{ImagePath, MemoryRootfs, Node};

/// Every tree on which a row does not hold; each `step`th.
fn wrong_trees(step: usize) -> Vec<(String, MemoryRootfs)> {
    let base = support::base();
    let all = support::all();
    let cases = all.iter().flat_map(|(id, cases)| cases.iter().map(move |c| (id, c)));
    let wrong = cases.filter(|(_, c)| c.outcome() == "not_met -> met");
    let trees = wrong.step_by(step);
    trees.map(|(id, c)| (format!("{id}: {}", c.name), c.tree(&base))).collect()
}

fn enforced(profile: &Profile) -> Vec<&Rule> {
    profile.rules.iter().filter(|r| r.is_enforced()).collect()
}

fn planned(rules: &[&Rule], root: &MemoryRootfs, options: &Options, at: &str) -> Plan {
    plan::plan(rules, Audit::new(root, options)).unwrap_or_else(|e| panic!("{at}: {e}"))
}

fn nodes(plan: &Plan) -> Vec<(ImagePath, Option<Node>)> {
    plan.nodes().collect()
}

type Pairs = BTreeSet<(RuleId, Subject)>;

/// What the changes are for.
fn served(plan: &Plan) -> Pairs {
    let all = plan.changes().iter().flat_map(|change| &change.serves);
    all.map(|p| (p.rule.clone(), p.subject.clone())).collect()
}

/// What stays open.
fn open(judged: &[Judged]) -> Pairs {
    let all = judged.iter().flat_map(|j| j.gaps.iter().map(|gap| (j.id.clone(), gap)));
    all.map(|(id, gap)| (id, gap.subject.clone())).collect()
}

/// Reproducible choices.
struct Picker(u64);

impl Picker {
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        &from[usize::try_from(self.0 >> 33).unwrap() % from.len()]
    }
}

fn cause() -> Message {
    Message::value("excluded by the test")
}

#[test]
fn a_plan_does_not_depend_on_what_is_remembered() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    for (at, root) in wrong_trees(25) {
        let options = Options::default();
        let with = planned(&rules, &root, &options, &at);
        let without = planned(&rules, &root.clone().forgetful(), &options, &at);
        assert_eq!(nodes(&with), nodes(&without), "{at}");
        let outcomes = |list: &[Judged]| list.iter().map(|j| j.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes(&with.after), outcomes(&without.after), "{at}");
    }
}

#[test]
fn what_all_rows_leave_alone_is_as_before() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let mut picker = Picker(14);
    for (at, root) in wrong_trees(12) {
        let plain = planned(&rules, &root, &Options::default(), &at);
        let pairs: Vec<_> = served(&plain).into_iter().collect();
        let mut options = Options::default();
        let mut chosen = BTreeSet::new();
        for _ in 0..3 {
            let (_, subject) = picker.pick(&pairs);
            options.exclusions.exclude(subject.clone(), cause());
            chosen.insert(subject.clone());
        }
        let plan = planned(&rules, &root, &options, &at);
        let touched: Vec<_> =
            served(&plan).into_iter().filter(|(_, s)| chosen.contains(s)).collect();
        assert!(touched.is_empty(), "{at}: {touched:?}");
        let before: Pairs =
            open(&plain.before).into_iter().filter(|p| chosen.contains(&p.1)).collect();
        let left = open(&plan.after);
        let gone: Vec<_> = before.difference(&left).collect();
        assert!(gone.is_empty(), "{at}: closed all the same: {gone:?}");
        let new: Vec<_> = left
            .difference(&open(&plain.after))
            .filter(|p| !chosen.contains(&p.1))
            .cloned()
            .collect();
        assert!(new.is_empty(), "{at}: excluded {chosen:?}, left open, too: {new:?}");
    }
}

#[test]
fn what_one_row_leaves_alone_others_still_change() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let mut picker = Picker(15);
    let mut compared = 0;
    for (at, root) in wrong_trees(12) {
        let plain = planned(&rules, &root, &Options::default(), &at);
        let all = served(&plain);
        let pairs: Vec<_> = all.iter().cloned().collect();
        let (rule, subject) = picker.pick(&pairs).clone();
        let at = format!("{at}: {rule} without {subject}");
        let mut options = Options::default();
        options.exclusions.exclude_of(&rule, subject.clone(), cause());
        let plan = planned(&rules, &root, &options, &at);
        let pair = (rule.clone(), subject.clone());
        assert!(!served(&plan).contains(&pair), "{at}");
        let mut expected = open(&plain.after);
        expected.insert(pair.clone());
        let new: Vec<_> = open(&plan.after).difference(&expected).cloned().collect();
        assert!(new.is_empty(), "{at}: left open, too: {new:?}");
        // A row that wants nothing but this: the plan is that of the profile without the row.
        let own = all.iter().filter(|p| p.0 == rule).count();
        if own == 1 {
            compared += 1;
            let others: Vec<&Rule> = rules.iter().copied().filter(|r| r.id != rule).collect();
            let without = planned(&others, &root, &Options::default(), &at);
            assert_eq!(nodes(&plan), nodes(&without), "{at}");
        }
    }
    assert!(compared > 5, "only {compared} rows with one subject");
}
