//! What a row would change, as a script for `sh` that a person can read before it runs; and a whole
//! plan as a patch.
//!
//! A script consists of the programs that every system has: `patch`, `chmod`, `chown`, `ln`, `chage`,
//! `apt-get`. Invariants: a secret is in no script; a script that would leave a part of its row out is
//! none.

pub(crate) mod messages;
mod shadow;
mod shell;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use super::build::veil;
use crate::check::{Outcome, Presence};
use crate::message::Message;
use crate::plan::{PackageChange, Part, PathChange, Plan};
use crate::profile::RuleId;
use crate::rootfs::ImagePath;

pub(super) use shell::in_the_root;
pub(super) use steps::Step;

/// The scripts of rows: what each would change on top of the rows before it, in the order of ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fixes(BTreeMap<RuleId, RowFix>);

/// The script of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowFix {
    /// For `sh`, in the tree that `$ROOT` names (or `/`); `None`: there is none.
    pub script: Option<String>,
    /// Why there is none, or what it leaves open.
    pub notes: Vec<Message>,
    /// What it ends: logins, access, mail …
    pub ends: Vec<Message>,
}

/// What a patch would make of a tree, and what no patch can.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patch {
    /// In the order of paths.
    pub(super) entries: Vec<Entry>,
}

/// What changes at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub path: ImagePath,
    pub rules: Vec<RuleId>,
    pub steps: Vec<Step>,
}

impl Patch {
    /// All that a plan changes.
    pub(crate) fn of(plan: &Plan) -> Patch {
        let entry = |(change, steps): (&PathChange, Vec<Step>)| Entry {
            path: change.path.clone(),
            rules: change.rules().cloned().collect(),
            steps,
        };
        Patch { entries: steps::of_each(plan.changes()).into_iter().map(entry).collect() }
    }
}

impl Fixes {
    /// The script of a row; `None` where it changes nothing.
    pub fn row(&self, id: &RuleId) -> Option<&RowFix> {
        self.0.get(id)
    }

    /// Those of a plan that was made in parts. The parts are one sequence, and scripts run in the order
    /// of rows: what a row stages out of this order, or although it held before, is in the script of
    /// the last row before it that stages something.
    pub(crate) fn of(plan: &Plan, packages: &[PackageChange]) -> Fixes {
        let mut rows: BTreeMap<RuleId, Vec<Vec<Step>>> = BTreeMap::new();
        for Part { rule, changes } in &plan.parts {
            let last = rows.last_key_value().map(|(last, _)| last.clone());
            let failed = |id: &RuleId| {
                plan.before.iter().any(|row| row.id == *id && row.outcome == Outcome::NotMet)
            };
            let at = match last {
                Some(last) if last > *rule || !failed(rule) => last,
                _ => rule.clone(),
            };
            rows.entry(at).or_default().push(steps::of(changes));
        }
        let mut fixes: BTreeMap<RuleId, RowFix> =
            rows.into_iter().map(|(id, parts)| (id, RowFix::of(&parts))).collect();
        for change in packages {
            for id in &change.rules {
                fixes.entry(id.clone()).or_default().add_packages(change);
            }
        }
        let is_open = |outcome| !matches!(outcome, Outcome::Met | Outcome::MetVacuously);
        for row in plan.after.iter().filter(|row| is_open(row.outcome)) {
            let has_packages = packages.iter().any(|change| change.rules.contains(&row.id));
            let Some(fix) = fixes.get_mut(&row.id) else { continue };
            if fix.script.is_some() && !has_packages {
                fix.notes.push(messages::leaves_open());
            }
        }
        for one in &plan.consequences {
            let rules: BTreeSet<&RuleId> = one.by.iter().map(|serves| &serves.rule).collect();
            for rule in rules {
                let fix = fixes.get_mut(rule).filter(|fix| fix.script.is_some());
                if let Some(fix) = fix {
                    fix.ends.push(veil(&one.says));
                }
            }
        }
        Fixes(fixes)
    }
}

impl RowFix {
    fn of(parts: &[Vec<Step>]) -> RowFix {
        let left: Vec<Message> = parts.iter().flatten().filter_map(Step::left).collect();
        match left.is_empty() {
            true => RowFix { script: Some(shell::script(parts)), ..RowFix::default() },
            false => RowFix { notes: left, ..RowFix::default() },
        }
    }

    /// The command that purges or installs goes before the files.
    fn add_packages(&mut self, change: &PackageChange) {
        let quoted = |names: &[String]| -> Vec<String> {
            names.iter().map(|name| shell::quoted(name)).collect()
        };
        let mut command = String::new();
        if !change.before.is_empty() {
            command = format!("chroot \"$root\" {}\n", quoted(&change.before).join(" "));
        }
        let verb = match change.want {
            Presence::Absent => "purge",
            Presence::Present => "install",
        };
        command += &format!(
            "chroot \"$root\" env DEBIAN_FRONTEND=noninteractive apt-get --yes {verb} {}\n",
            quoted(&change.names).join(" ")
        );
        match &mut self.script {
            None if !self.notes.is_empty() => {}
            script => *script = Some(shell::before(script.as_deref(), &command)),
        }
    }
}

#[cfg(test)]
mod tests;
