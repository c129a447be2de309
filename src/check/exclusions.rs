//! What no change may touch, and why.

use std::collections::BTreeMap;

use super::Subject;
use crate::message::Message;
use crate::profile::RuleId;

/// Why a subject is excluded.
#[derive(Debug, Clone, PartialEq)]
pub struct Exclusion {
    /// The cause, for the row's reason.
    pub cause: Message,
}

/// Subjects that no change may touch: of one row, or of all of them.
///
/// There is one set for all sources of exclusions: protected accounts, remedies that are held back,
/// and waivers for single subjects. A primitive asks it, through
/// [`Audit::excluded`](super::Audit::excluded), for each subject before it builds a text; a filter
/// over finished gaps would be wrong, since one text serves many subjects.
#[derive(Debug, Clone, Default)]
pub struct Exclusions {
    all_rows: BTreeMap<Subject, Exclusion>,
    rows: BTreeMap<RuleId, BTreeMap<Subject, Exclusion>>,
}

impl Exclusions {
    /// Nothing is excluded.
    pub const fn none() -> Exclusions {
        Exclusions { all_rows: BTreeMap::new(), rows: BTreeMap::new() }
    }

    /// No row may touch the subject. The first cause given for it stays.
    pub fn exclude(&mut self, subject: Subject, cause: Message) {
        self.all_rows.entry(subject).or_insert(Exclusion { cause });
    }

    /// This row may not touch the subject. The first cause given for it stays.
    #[cfg_attr(not(feature = "internals"), allow(dead_code))]
    pub fn exclude_of(&mut self, rule: &RuleId, subject: Subject, cause: Message) {
        let of_row = self.rows.entry(rule.clone()).or_default();
        of_row.entry(subject).or_insert(Exclusion { cause });
    }

    /// Why `rule` may not touch the subject; an exclusion of all rows first.
    pub fn of(&self, rule: Option<&RuleId>, subject: &Subject) -> Option<&Exclusion> {
        let of_row = || self.rows.get(rule?)?.get(subject);
        self.all_rows.get(subject).or_else(of_row)
    }

    /// All that `rule` may not touch, each once, and why: first what no row may touch.
    pub fn all_of(&self, rule: Option<&RuleId>) -> impl Iterator<Item = (&Subject, &Exclusion)> {
        let of_row = rule.and_then(|rule| self.rows.get(rule)).into_iter().flatten();
        self.all_rows.iter().chain(of_row.filter(|(s, _)| !self.all_rows.contains_key(s)))
    }

    /// The subjects that no row may touch.
    #[cfg_attr(not(feature = "internals"), allow(dead_code))]
    pub fn of_all_rows(&self) -> impl Iterator<Item = &Subject> {
        self.all_rows.keys()
    }
}
