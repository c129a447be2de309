//! What an audit works with: the tree, the options of the run, and what no change may touch.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Subject;
use super::exclusions::{Exclusion, Exclusions};
use crate::error::Result;
use crate::profile::RuleId;
use crate::rootfs::{ImagePath, Rootfs, Survey};

/// The options of a run that findings depend on.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Whether rows that need a walk over the whole tree are measured. A walk costs more than
    /// everything else together.
    pub survey: bool,
    /// Whether files of people that give away passwords or trust are put out of use.
    pub quarantine: bool,
    /// Upstream versions of packages, as their numbers, that are assumed where the tree has no
    /// record of them.
    pub versions: BTreeMap<String, Vec<u32>>,
    /// What no change may touch.
    pub exclusions: Exclusions,
    /// The accounts whose logins the guard against lockouts looks after: a plan that would end one is
    /// refused as a whole, and not made to spare it.
    pub guarded: BTreeSet<String>,
}

static PLAIN: Options = Options {
    survey: false,
    quarantine: false,
    versions: BTreeMap::new(),
    exclusions: Exclusions::none(),
    guarded: BTreeSet::new(),
};

/// One look at one state of a tree, on behalf of a row.
#[derive(Clone, Copy)]
pub struct Audit<'a> {
    root: &'a dyn Rootfs,
    options: &'a Options,
    rule: Option<&'a RuleId>,
}

impl<'a> Audit<'a> {
    /// An audit of `root` with these options.
    pub fn new(root: &'a dyn Rootfs, options: &'a Options) -> Audit<'a> {
        Audit { root, options, rule: None }
    }

    /// An audit of `root` without options: nothing excluded, no survey.
    pub fn plain(root: &'a dyn Rootfs) -> Audit<'a> {
        Audit::new(root, &PLAIN)
    }

    /// The same audit on behalf of `rule`: exclusions of this row count, too.
    #[must_use]
    pub fn of_rule(self, rule: &'a RuleId) -> Audit<'a> {
        Audit { rule: Some(rule), ..self }
    }

    /// The same audit of another state of the tree.
    #[must_use]
    pub fn on<'b>(&self, root: &'b dyn Rootfs) -> Audit<'b>
    where
        'a: 'b,
    {
        Audit { root, options: self.options, rule: self.rule }
    }

    /// The tree as it is judged.
    pub fn root(&self) -> &'a dyn Rootfs {
        self.root
    }

    /// The options of the run.
    pub fn options(&self) -> &'a Options {
        self.options
    }

    /// Why no change of this row may touch the subject; `None` when one may. A primitive asks
    /// before it builds a text, for each subject.
    pub fn excluded(&self, subject: &Subject) -> Option<&'a Exclusion> {
        self.options.exclusions.of(self.rule, subject)
    }

    /// As [`Audit::excluded`], for a change of the file at `path` on behalf of the subject: the file
    /// itself may be excluded, too, under this name or where links lead.
    pub fn excluded_in(&self, subject: &Subject, path: &ImagePath) -> Option<&'a Exclusion> {
        let real = || self.excluded(&Subject::path(&self.root.locate(path).ok()?.path));
        self.excluded(subject).or_else(|| self.excluded(&Subject::path(path))).or_else(real)
    }

    /// All that no change of this row may touch, and why: for what touches more than its own
    /// subject, as a pattern of names does.
    pub fn exclusions(&self) -> impl Iterator<Item = (&'a Subject, &'a Exclusion)> {
        self.options.exclusions.all_of(self.rule)
    }

    /// The walk over the whole tree; `None` when the run does without.
    ///
    /// # Errors
    /// The root itself cannot be listed.
    pub fn survey(&self) -> Result<Option<Rc<Survey>>> {
        if self.options.survey { self.root.survey().map(Some) } else { Ok(None) }
    }

    /// The upstream version of a package that is assumed where the tree has no record of it.
    pub fn supposed_version(&self, package: &str) -> Option<&'a [u32]> {
        self.options.versions.get(package).map(Vec::as_slice)
    }
}

impl<'a, R: Rootfs> From<&'a R> for Audit<'a> {
    fn from(root: &'a R) -> Audit<'a> {
        Audit::plain(root)
    }
}

impl<'a> From<&'a dyn Rootfs> for Audit<'a> {
    fn from(root: &'a dyn Rootfs) -> Audit<'a> {
        Audit::plain(root)
    }
}
