//! The audit against the recorded answers of Ubuntu 18.04's own programs.
//!
//! `tests/oracle/README.md` explains the data. Each input becomes a tree in memory; the rows that
//! its `holds` names are audited there and compared with what the program says:
//!
//! - the audit says that the row holds and it does not: **wrong**. Every such answer stands in
//!   `tests/oracle/known-wrong.txt`.
//! - the audit does not say that the row holds and it does: **stricter**. That is allowed; every
//!   such answer stands in `tests/oracle/stricter.txt`.
//!
//! Both lists are exact: an answer that is missing from them fails the test, and so does one that is
//! in them and should not be any more.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "oracle/inputs.rs"]
mod inputs;
#[path = "oracle/lists.rs"]
mod lists;
#[path = "oracle/record.rs"]
mod record;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gokaku::check::Outcome;
use gokaku::plan::{self, Judged};
use gokaku::profile::{Profile, Rule, RuleId};
use inputs::{Area, Input};

/// A file of `tests/oracle/`.
fn place(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle").join(name)
}

/// A row and an input: the number behind `AREA-`, four digits.
type At = (RuleId, String);

/// What the audit's answer is worth beside the program's.
enum Verdict {
    /// They say the same: the row holds, or it does not.
    Agrees(bool),
    /// The row holds; the audit does not say so, and says why.
    Stricter(String),
    /// The row does not hold; the audit says that it does, and why.
    Wrong(String),
}

/// All answers of one area.
struct Compared {
    area: String,
    inputs: usize,
    verdicts: BTreeMap<At, Verdict>,
}

impl Verdict {
    fn of(holds: bool, judged: &Judged, input: &Input) -> Verdict {
        let met = match judged.outcome {
            Outcome::Met | Outcome::MetVacuously => true,
            Outcome::NotMet | Outcome::Unknown | Outcome::Manual => false,
            Outcome::Waived | Outcome::Unmeasured => {
                panic!("{} {}: the profile does not want this row", input.id, judged.id)
            }
        };
        if met == holds {
            return Verdict::Agrees(holds);
        }
        let (outcome, from) = (judged.outcome.word(), &input.from);
        let mut why = format!("{outcome}; input: {from}");
        for evidence in judged.seen().take(2) {
            why.push_str(&format!("\n      {evidence:?}"));
        }
        if let Some(reason) = &judged.reason {
            why.push_str(&format!("\n      {reason}"));
        }
        match holds {
            true => Verdict::Stricter(why),
            false => Verdict::Wrong(why),
        }
    }
}

impl Compared {
    fn new(area: &Area, profile: &Profile) -> Compared {
        let mut verdicts = BTreeMap::new();
        for input in &area.inputs {
            // `None`: the program gives no verdict.
            let (mut rules, mut answers): (Vec<&Rule>, Vec<bool>) = (Vec::new(), Vec::new());
            for (row, holds) in input.holds.iter().filter_map(|(row, h)| Some((row, (*h)?))) {
                let rule = profile.rule(row);
                rules.push(rule.unwrap_or_else(|| panic!("{}: no row {row}", input.id)));
                answers.push(holds);
            }
            let judged = plan::audit(&rules, &area.tree(input));
            assert_eq!(judged.len(), answers.len(), "{}", input.id);
            for (judged, holds) in judged.iter().zip(answers) {
                let at = (judged.id.clone(), area.number(input).to_owned());
                verdicts.insert(at, Verdict::of(holds, judged, input));
            }
        }
        Compared { area: area.name.clone(), inputs: area.inputs.len(), verdicts }
    }

    fn wrong(&self) -> BTreeSet<At> {
        self.which(|v| matches!(v, Verdict::Wrong(_)))
    }

    fn stricter(&self) -> BTreeSet<At> {
        self.which(|v| matches!(v, Verdict::Stricter(_)))
    }

    /// Where the program says that the row holds.
    fn holding(&self) -> BTreeSet<At> {
        self.which(|v| matches!(v, Verdict::Agrees(true) | Verdict::Stricter(_)))
    }

    fn which(&self, is: impl Fn(&Verdict) -> bool) -> BTreeSet<At> {
        self.verdicts.iter().filter(|(_, v)| is(v)).map(|(at, _)| at.clone()).collect()
    }

    /// Why the audit says what it says; empty where it agrees.
    fn why(&self, at: &At) -> &str {
        match self.verdicts.get(at) {
            Some(Verdict::Stricter(why) | Verdict::Wrong(why)) => why,
            _ => "",
        }
    }
}

fn replay(area: &str) {
    let profile = Profile::embedded().unwrap();
    let compared = Compared::new(&Area::load(area), &profile);
    println!("{}", lists::summary(&compared));
    if let Err(why) = record::check(&compared) {
        panic!("{why}");
    }
}

/// One test for each area, so that they run at the same time.
macro_rules! areas {
    ($($area:ident)*) => {
        const AREAS: &[&str] = &[$(stringify!($area)),*];
        $(#[test]
        fn $area() {
            replay(stringify!($area));
        })*
    };
}

areas! { fstab logrotate modprobe pam rsyslog shadow sshd sysctl units }

#[test]
fn every_file_of_answers_has_its_test() {
    let names = std::fs::read_dir(place("")).unwrap().map(|e| e.unwrap().file_name());
    let names = names.map(|n| n.into_string().unwrap());
    let found: BTreeSet<String> =
        names.filter_map(|n| Some(n.strip_suffix(".jsonl.gz")?.to_owned())).collect();
    assert_eq!(found, AREAS.iter().map(|a| (*a).to_owned()).collect());
}
