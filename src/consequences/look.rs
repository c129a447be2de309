//! Both states of a tree, the changes between them, and whose changes they are.

use std::collections::{BTreeSet, HashMap};

use super::{Consequence, Effect, messages};
use crate::check::{Audit, Check, Subject, SubjectKind};
use crate::message::{Arg, Message};
use crate::plan::{PathChange, Serves};
use crate::profile::{Disposition, Rule, RuleId};
use crate::rootfs::{FileKind, ImagePath, Node};

/// Two states of a tree.
pub(super) struct Look<'a> {
    pub before: Audit<'a>,
    pub after: Audit<'a>,
    pub rules: &'a [&'a Rule],
    pub changes: &'a [PathChange],
    /// Whose changes are about a subject; a plan may be about a hundred thousand.
    about: HashMap<&'a Subject, BTreeSet<&'a Serves>>,
    /// The changes by their paths.
    at: HashMap<&'a ImagePath, &'a PathChange>,
}

impl<'a> Look<'a> {
    pub fn new(
        before: &Audit<'a>,
        after: &Audit<'a>,
        rules: &'a [&'a Rule],
        changes: &'a [PathChange],
    ) -> Look<'a> {
        let mut about: HashMap<&Subject, BTreeSet<&Serves>> = HashMap::new();
        for serves in changes.iter().flat_map(|change| change.serves.iter()) {
            about.entry(&serves.subject).or_default().insert(serves);
        }
        let at = changes.iter().map(|change| (&change.path, change)).collect();
        Look { before: *before, after: *after, rules, changes, about, at }
    }

    /// Whether something changes at one of the paths, or below it.
    pub fn touches(&self, paths: &[&str]) -> bool {
        self.changes.iter().any(|change| {
            let path = change.path.as_bytes();
            paths.iter().any(|dir| {
                path.strip_prefix(dir.as_bytes())
                    .is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
            })
        })
    }

    /// The directories whose mode, owner or ACL changes.
    pub fn closed_dirs(&self) -> impl Iterator<Item = &PathChange> {
        let is_dir =
            |node: &Option<Node>| node.as_ref().is_some_and(|n| n.stat.kind == FileKind::Dir);
        self.changes.iter().filter(move |c| is_dir(&c.before) && is_dir(&c.after))
    }

    /// Whose changes at `path` are about the subject; else all that change the path.
    pub fn by(&self, path: &ImagePath, subject: &Subject) -> Vec<Serves> {
        let Some(change) = self.at.get(path) else { return Vec::new() };
        let all = || change.serves.iter().map(|serves| &**serves);
        let about: BTreeSet<&Serves> = all().filter(|s| s.subject == *subject).collect();
        let some = if about.is_empty() { all().collect() } else { about };
        some.into_iter().cloned().collect()
    }

    /// Whose changes are about a subject, wherever they are.
    pub fn by_subject(&self, subject: &Subject) -> Vec<Serves> {
        self.about.get(subject).into_iter().flatten().map(|serves| (*serves).clone()).collect()
    }

    /// Whose changes are about subjects that fit, wherever they are.
    pub fn by_subjects(&self, fits: impl Fn(&Subject) -> bool) -> Vec<Serves> {
        let fitting = self.about.iter().filter(|(subject, _)| fits(subject));
        let some: BTreeSet<&Serves> = fitting.flat_map(|(_, all)| all.iter().copied()).collect();
        some.into_iter().cloned().collect()
    }

    /// Whose changes are about a directive of sshd's.
    pub fn by_directive(&self, name: &str) -> Vec<Serves> {
        self.by_subjects(|s| s.kind == SubjectKind::Directive && s.value.eq_ignore_ascii_case(name))
    }

    /// Those of rows that want something of this kind, if there are any; else all.
    pub fn of_kind(&self, by: Vec<Serves>, is: impl Fn(&Check) -> bool) -> Vec<Serves> {
        let wants = |id: &RuleId| self.wants(id).any(&is);
        let some: Vec<Serves> = by.iter().filter(|serves| wants(&serves.rule)).cloned().collect();
        if some.is_empty() { by } else { some }
    }

    /// What a row wants.
    pub fn wants<'s>(&'s self, id: &'s RuleId) -> impl Iterator<Item = &'s Check> {
        let rows = self.rules.iter().filter(move |rule| rule.id == *id);
        rows.flat_map(|rule| match &rule.disposition {
            Disposition::Enforce(wants) => wants.as_slice(),
            Disposition::LeaveAlone { .. } => &[],
        })
    }

    /// Whether a row ends this by its own words.
    pub fn names(&self, id: &RuleId, effect: Effect) -> bool {
        self.rules.iter().any(|rule| rule.id == *id && rule.ends.contains(&effect))
    }

    /// A consequence of these changes; `says` gets the rows that bring it about.
    pub fn consequence(
        &self,
        effect: Effect,
        subject: Subject,
        by: Vec<Serves>,
        says: impl FnOnce(Arg) -> Message,
    ) -> Consequence {
        let rows: BTreeSet<&RuleId> = by.iter().map(|serves| &serves.rule).collect();
        let named = !by.is_empty() && rows.iter().all(|id| self.names(id, effect));
        let rows = match rows.is_empty() {
            true => messages::several_rows().into(),
            false => Arg::names(rows),
        };
        Consequence { effect, subject, says: says(rows), by, named }
    }
}
