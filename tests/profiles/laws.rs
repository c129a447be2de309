//! What is true of waivers and subjects on every wrong tree of `tests/cases/`.

use std::collections::{BTreeMap, BTreeSet};

use gokaku::check::{Audit, Exclusions, Options, Outcome, Subject, SubjectKind};
use gokaku::message::Message;
use gokaku::plan::{self, Plan, WaiverState};
use gokaku::profile::{Disposition, Profile, Rule, RuleId};
use gokaku::rootfs::{ImagePath, MemoryRootfs, Node};

use crate::{cases, table};

/// Every so many of the trees that some row does not hold on.
fn wrong_trees(step: usize) -> Vec<(String, String, MemoryRootfs)> {
    let base = cases::base();
    let mut all = Vec::new();
    for (id, of_row) in cases::all() {
        for case in of_row.iter().filter(|case| case.outcome().starts_with("not_met")) {
            all.push((id.clone(), format!("{id}: {}", case.name), case.tree(&base)));
        }
    }
    assert!(all.len() > 300, "only {} wrong trees", all.len());
    all.into_iter().step_by(step).collect()
}

fn nodes(plan: &Plan) -> BTreeMap<ImagePath, Option<Node>> {
    plan.nodes().collect()
}

fn enforced(profile: &Profile) -> Vec<&Rule> {
    profile.rules.iter().filter(|rule| rule.is_enforced()).collect()
}

fn waive(rule: &RuleId, subject: Option<&Subject>) -> String {
    let only = subject.map_or(String::new(), |subject| {
        let text = format!("{}:{}", subject.kind.word(), subject.value);
        format!("only = [{}]\n", serde_json::Value::String(text))
    });
    format!("[[waive]]\nrule = \"{rule}\"\n{only}reason = \"r\"\nby = \"b\"\nuntil = \"never\"\n")
}

/// The tree is the one planned from the profile in which the waived rows want nothing of what is
/// waived.
#[test]
fn a_waiver_takes_its_subjects_out_of_the_plan_and_nothing_else() {
    let plain = table().parse().unwrap();
    let mut tried = [0_usize; 2];
    for (number, (_, name, root)) in wrong_trees(29).into_iter().enumerate() {
        let rules = enforced(&plain);
        let Ok(without) = plan::plan(&rules, &root) else { continue };
        // Some of what does not hold, by row and subject.
        let gaps: BTreeSet<(RuleId, Subject)> = without
            .before
            .iter()
            .flat_map(|row| row.gaps.iter().map(|gap| (row.id.clone(), gap.subject.clone())))
            .collect();
        let chosen: Vec<(RuleId, Option<Subject>)> = gaps
            .into_iter()
            .enumerate()
            .filter(|(n, _)| n % 3 == number % 3)
            .map(|(n, (row, subject))| (row, (n % 2 == 0).then_some(subject)))
            .collect();
        let mut seen = BTreeSet::new();
        let layer: String = chosen
            .iter()
            .filter(|one| seen.insert((*one).clone()))
            .map(|(row, subject)| waive(row, subject.as_ref()))
            .collect();
        let profile = table().with_layer("site.toml", layer).parse().unwrap();
        let waived = plan::plan(&enforced(&profile), &root).unwrap();

        let whole: BTreeSet<&RuleId> =
            chosen.iter().filter(|(_, subject)| subject.is_none()).map(|(row, _)| row).collect();
        let mut exclusions = Exclusions::none();
        for (row, subject) in &chosen {
            if let Some(subject) = subject {
                exclusions.exclude_of(row, subject.clone(), Message::from(&plain.title));
            }
        }
        let options = Options { exclusions, ..Options::default() };
        let rest: Vec<&Rule> =
            rules.iter().copied().filter(|rule| !whole.contains(&rule.id)).collect();
        let want = plan::plan(&rest, Audit::new(&root, &options)).unwrap();
        assert_eq!(nodes(&waived), nodes(&want), "{name}: {chosen:?}");

        for change in waived.changes() {
            for serves in &change.serves {
                let pair = (serves.rule.clone(), Some(serves.subject.clone()));
                assert!(!chosen.contains(&pair), "{name}: {serves:?}");
                assert!(!whole.contains(&serves.rule), "{name}: {serves:?}");
            }
        }
        for (row, subject) in &chosen {
            let judged = waived.before.iter().find(|judged| judged.id == *row).unwrap();
            // A waiver of the whole row is all that is said of it.
            if subject.is_none() || !whole.contains(row) {
                let used = judged.waivers.iter().find(|used| used.subject == *subject).unwrap();
                assert_eq!(used.state, WaiverState::InUse, "{name}: {row} {subject:?}");
            }
            tried[usize::from(subject.is_some())] += 1;
            let met = matches!(judged.outcome, Outcome::Met | Outcome::MetVacuously);
            assert!(!met, "{name}: {row} {subject:?}: waived is never met");
        }
    }
    assert!(tried.iter().all(|count| *count > 10), "{tried:?}");
}

/// Whoever names a subject of a row is told its kinds; gaps have no others.
#[test]
fn gaps_have_the_kinds_that_their_wants_declare() {
    let profile = table().parse().unwrap();
    let mut faults = BTreeSet::new();
    for (id, name, root) in wrong_trees(1) {
        let rule = crate::row(&profile, &id);
        let Disposition::Enforce(wants) = rule.disposition() else { continue };
        let kinds: BTreeSet<SubjectKind> = wants.iter().flat_map(|w| w.subject_kinds()).collect();
        for judged in plan::audit(&[rule], &root) {
            for gap in judged.gaps.iter().filter(|gap| !kinds.contains(&gap.subject.kind)) {
                faults.insert(format!("{name}: {}", gap.subject));
            }
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}
