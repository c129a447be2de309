//! Each file of `tests/cases/` tells how one row judges and mends small trees.
//!
//! `tests/cases/<row>.case` holds any number of cases:
//!
//! ```text
//! == a looser value is rewritten where it stands
//! # A remark, before the first header.
//! -- /etc/ssh/sshd_config 0644 0:0        a file, its text below; without mode: 0644 0:0
//! MaxAuthTries 6
//! -- edit /etc/passwd                     changed lines of a file that is there already
//! -games:x:5:60:games:/usr/games:/usr/sbin/nologin
//! +games:x:5:60:games:/usr/games:/bin/sh
//! -- /etc/cron.d/ 0755 0:0                a directory
//! -- /etc/motd -> issue                   a link
//! -- gone /etc/fstab                      taken out of the base tree, with all below it
//! -- protect azureuser                    the account that runs the build
//! -- outcome not_met -> met               how it is judged, and how after the plan
//! -- after /etc/ssh/sshd_config 0600 0:0  what the plan makes of it; mode and owner if they matter
//! MaxAuthTries 4
//! -- after edit /etc/passwd               the same, as changed lines
//! -games:x:5:60:games:/usr/games:/bin/sh
//! +games:x:5:60:games:/usr/games:/usr/sbin/nologin
//! -- after gone /etc/rc2.d/S01autofs
//! ```
//!
//! In an edit `-line` takes a line out, ` line` finds one, `+line` puts one in where the last was
//! taken out or found, else at the end. The word `crlf` after a path ends its lines that way, the
//! word `unterminated` leaves out the last line feed. Explanations may stand below an `outcome`.
//! One empty line may part two cases.
//!
//! Cases of the layer `aks-node` are in `tests/cases/aks-node/`.
//!
//! Every case starts from `tests/cases/base.tree`, whose `== ` only part groups. What a case does not name must not change: every
//! path the plan touches has an `after` (`-- after any /path` where the text is given elsewhere), and
//! what has an `after` must change. Planning again on the result must find nothing to do.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/aks_node.rs"]
mod aks_node;
#[path = "support/cases.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use gokaku::check::Audit;
use gokaku::plan;
use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::{FileKind, ImagePath, MemoryRootfs, Rootfs};
use support::{Case, FileSpec, edit, path, text_at, words};

fn run(id: &str, rule: &Rule, base: &MemoryRootfs, case: &Case) {
    let at = format!("{id}.case: {}", case.name);
    let root = case.tree(base);
    let options = case.options();
    let audit = Audit::new(&root, &options);
    let plan = plan::plan(&[rule], audit).unwrap_or_else(|e| panic!("{at}: {e}"));
    let (before, after) = (&plan.before[0], &plan.after[0]);
    let outcome = match before.outcome == after.outcome {
        true => before.outcome.word().to_owned(),
        false => format!("{} -> {}", before.outcome.word(), after.outcome.word()),
    };
    assert_eq!(outcome, case.outcome(), "{at}\nbefore: {before:#?}\nafter: {after:#?}");
    let result = root.clone().changed(plan.nodes());
    let mut expected_paths = BTreeSet::new();
    for part in &case.parts {
        let words = words(part);
        let Some((&"after", told)) = words.split_first() else { continue };
        let (p, text, spec) = match *told {
            ["any", p] => (p, None, None),
            ["gone", p] => {
                assert_eq!(result.stat(&path(p)).unwrap(), None, "{at}: {p}");
                (p, None, None)
            }
            [p, "->", target] => {
                let found = result.read_link(&path(p)).unwrap();
                assert_eq!(found.as_deref(), Some(target.as_bytes()), "{at}: {p}");
                (p, None, None)
            }
            ["edit", p, ref rest @ ..] => {
                let spec = FileSpec::parse(rest, &at);
                let text = spec.text(&edit(&text_at(&root, p), &part.body, &at));
                (p, Some(text), Some(spec))
            }
            [p, ref rest @ ..] => {
                let spec = FileSpec::parse(rest, &at);
                // Mode alone: the text does not change.
                let told = spec.stat.is_none() || !part.body.is_empty();
                let text = if told && !p.ends_with('/') {
                    Some(spec.text(&part.body))
                } else if root
                    .locate(&path(p))
                    .unwrap()
                    .stat
                    .is_some_and(|s| s.kind == FileKind::File)
                {
                    Some(text_at(&root, p))
                } else {
                    None
                };
                (p, text, Some(spec))
            }
            [] => panic!("{at}: `after` what?"),
        };
        if let Some(spec) = spec {
            let found = result.stat(&path(p)).unwrap();
            let found = found.unwrap_or_else(|| panic!("{at}: {p} is not there"));
            if let Some(want) = spec.stat {
                assert_eq!((found.mode, found.uid, found.gid), want, "{at}: {p}");
            }
        }
        if let Some(text) = text {
            assert_eq!(text_at(&result, p), text, "{at}: {p}");
        }
        expected_paths.insert(path(p));
    }
    let changed: BTreeSet<ImagePath> = plan.changes().iter().map(|c| c.path.clone()).collect();
    // Directories that only hold a named file need no line of their own.
    let implied = |p: &ImagePath| expected_paths.iter().any(|e| e != p && e.starts_with(p));
    let unnamed: Vec<_> =
        changed.iter().filter(|p| !expected_paths.contains(*p) && !implied(p)).collect();
    assert!(unnamed.is_empty(), "{at}: changes what the case does not name: {unnamed:?}");
    let idle: Vec<_> = expected_paths.difference(&changed).collect();
    assert!(idle.is_empty(), "{at}: does not change {idle:?}");
    let again = plan::plan(&[rule], audit.on(&result)).unwrap();
    assert!(again.changes().is_empty(), "{at}: a second run would change {:?}", again.changes());
}

#[test]
fn every_case_has_the_outcome_it_names() {
    check(&Profile::embedded().unwrap(), support::all(), |_| true);
}

#[test]
fn every_case_of_a_row_of_aks_node_has_the_outcome_it_names() {
    let own = |rule: &Rule| rule.id.to_string().starts_with("aks.");
    check(&aks_node::merged(), support::all_below("aks-node"), own);
}

/// Runs the cases. Those rows of the profile that are `meant` have some of both kinds.
fn check(profile: &Profile, all: Vec<(String, Vec<Case>)>, meant: impl Fn(&Rule) -> bool) {
    let base = support::base();
    let mut outcomes_of: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut count, mut failed) = (0, Vec::new());
    for (id, cases) in all {
        let rule = profile.rule(&id.parse().unwrap()).unwrap_or_else(|| panic!("no row {id}"));
        for case in &cases {
            count += 1;
            // All that is wrong, not only the first.
            let checked = std::panic::AssertUnwindSafe(|| run(&id, rule, &base, case));
            if std::panic::catch_unwind(checked).is_err() {
                failed.push(format!("{id}: {}", case.name));
            }
            outcomes_of.entry(id.clone()).or_default().push(case.outcome());
        }
    }
    assert!(failed.is_empty(), "{} of {count} cases failed:\n{}", failed.len(), failed.join("\n"));
    // At least one wrong and one right tree for every row that is made to hold.
    let mut lacking = Vec::new();
    for rule in profile.rules.iter().filter(|r| r.is_enforced() && meant(r)) {
        let outcomes = outcomes_of.get(&rule.id.to_string()).cloned().unwrap_or_default();
        // The three rows that a person judges have one outcome only.
        let manual = outcomes.iter().any(|o| o == "manual");
        let right = outcomes.iter().any(|o| o == "met" || o == "met_vacuously");
        let wrong = outcomes.iter().any(|o| o.starts_with("not_met"));
        if !(manual || (right && wrong)) {
            lacking.push(rule.id.to_string());
        }
    }
    println!("{count} cases for {} rows", outcomes_of.len());
    assert!(lacking.is_empty(), "rows without a right and a wrong case: {lacking:?}");
}
