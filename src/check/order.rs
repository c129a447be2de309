//! What is tighter than what.
//!
//! A primitive compares two states of a tree ([`Primitive::looser`]): the effective values that the
//! consumer would use, each in its own order of tightness. `tests/laws_never_looser.rs` has the law
//! that no plan makes one looser.

use std::collections::{BTreeMap, BTreeSet};

use super::{Audit, Finding, Primitive, Subject};
use crate::error::Result;

/// An effective value that is looser in the later state of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looser {
    /// What the value is of.
    pub subject: Subject,
    /// Which of the subject's values it is; empty where it has one.
    pub aspect: String,
    /// The value in the earlier state.
    pub before: String,
    /// The value in the later state.
    pub after: String,
}

/// An effective value, by what of it is tighter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) enum Level {
    /// A limit, of which less is tighter; `None` is no limit.
    AtMost(Option<i64>),
    /// A demand, of which more is tighter; `None` is no demand.
    AtLeast(Option<i64>),
    /// What it lets in or gives away; none more may come.
    Lets(BTreeSet<String>),
    /// What it asks for or keeps; none may go.
    Asks(BTreeSet<String>),
    /// Permission bits that are granted; none more may come.
    Grants(u32),
    /// One of several right values, which are as good as each other and stay; `None` is wrong.
    Right(Option<String>),
}

impl Level {
    /// What it asks for or keeps, by words.
    pub fn asks<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Level {
        Level::Asks(words.into_iter().map(Into::into).collect())
    }

    /// What it lets in or gives away, by words.
    pub fn lets<S: Into<String>>(words: impl IntoIterator<Item = S>) -> Level {
        Level::Lets(words.into_iter().map(Into::into).collect())
    }

    /// Whether this is looser than `before`. Values of different kinds do not compare: a primitive
    /// never has them of one subject.
    fn is_looser_than(&self, before: &Level) -> bool {
        match (before, self) {
            (Level::AtMost(before), Level::AtMost(after)) => {
                before.is_some_and(|b| after.is_none_or(|a| a > b))
            }
            (Level::AtLeast(before), Level::AtLeast(after)) => {
                before.is_some_and(|b| after.is_none_or(|a| a < b))
            }
            (Level::Lets(before), Level::Lets(after)) => !after.is_subset(before),
            (Level::Asks(before), Level::Asks(after)) => !before.is_subset(after),
            (Level::Grants(before), Level::Grants(after)) => after & !before != 0,
            (Level::Right(before), Level::Right(after)) => before.is_some() && before != after,
            _ => false,
        }
    }
}

/// The effective values of one state.
#[derive(Debug, Default)]
pub(in crate::check) struct Levels(BTreeMap<(Subject, String), Level>);

impl Levels {
    /// Adds a value of a subject.
    pub fn add(&mut self, subject: Subject, aspect: impl Into<String>, level: Level) {
        self.0.insert((subject, aspect.into()), level);
    }

    /// Adds a subject's only value.
    pub fn only(&mut self, subject: Subject, level: Level) {
        self.add(subject, "", level);
    }
}

/// The order of what is only right or wrong: a subject that was not open is not open.
pub(in crate::check) fn right_or_wrong(
    primitive: &dyn Primitive,
    before: &Audit<'_>,
    after: &Audit<'_>,
) -> Result<Vec<Looser>> {
    by_levels(primitive, before, after, |_| Ok(Levels::default()))
}

/// The order of values that are more or less tight, in addition to [`right_or_wrong`]. A value of one
/// state alone compares to nothing.
pub(in crate::check) fn by_levels(
    primitive: &dyn Primitive,
    before: &Audit<'_>,
    after: &Audit<'_>,
    levels: impl Fn(&Audit<'_>) -> Result<Levels>,
) -> Result<Vec<Looser>> {
    let open = |audit: &Audit<'_>| -> Result<BTreeSet<Subject>> {
        Ok(match primitive.find(audit)? {
            Finding::NotMet { gaps, .. } => gaps.into_iter().map(|gap| gap.subject).collect(),
            _ => BTreeSet::new(),
        })
    };
    let (was_open, is_open) = (open(before)?, open(after)?);
    let mut looser: Vec<Looser> = is_open
        .difference(&was_open)
        .map(|subject| Looser {
            subject: subject.clone(),
            aspect: String::new(),
            before: "right".to_owned(),
            after: "wrong".to_owned(),
        })
        .collect();
    let (old, new) = (levels(before)?, levels(after)?);
    for ((subject, aspect), level) in &new.0 {
        let Some(was) = old.0.get(&(subject.clone(), aspect.clone())) else { continue };
        if level.is_looser_than(was) {
            looser.push(Looser {
                subject: subject.clone(),
                aspect: aspect.clone(),
                before: format!("{was:?}"),
                after: format!("{level:?}"),
            });
        }
    }
    Ok(looser)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_value_has_its_order() {
        let right = |value: &str| Level::Right(Some(value.to_owned()));
        // Tighter first.
        for (tight, loose) in [
            (Level::AtMost(Some(3)), Level::AtMost(Some(4))),
            (Level::AtMost(Some(3)), Level::AtMost(None)),
            (Level::AtLeast(Some(14)), Level::AtLeast(Some(8))),
            (Level::AtLeast(Some(-1)), Level::AtLeast(None)),
            (Level::lets(["a"]), Level::lets(["a", "b"])),
            (Level::asks(["a", "b"]), Level::asks(["a"])),
            (Level::Grants(0o640), Level::Grants(0o644)),
            (right("a"), Level::Right(None)),
        ] {
            assert!(loose.is_looser_than(&tight), "{loose:?}");
            assert!(!tight.is_looser_than(&loose), "{tight:?}");
            assert!(!tight.is_looser_than(&tight) && !loose.is_looser_than(&loose));
        }
        // Neither is tighter, and neither may become the other.
        for (left, right) in [
            (Level::lets(["a"]), Level::lets(["b"])),
            (Level::Grants(0o604), Level::Grants(0o640)),
            (right("a"), right("b")),
        ] {
            assert!(left.is_looser_than(&right) && right.is_looser_than(&left));
        }
        assert!(!Level::Grants(0o7777).is_looser_than(&Level::AtMost(None)));
    }
}
