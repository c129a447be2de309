//! What a plan changes, and for what.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::check::Subject;
use crate::profile::RuleId;
use crate::rootfs::{Difference, ImagePath, Node};

/// What a change serves: a row, and what the row found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Serves {
    /// Which row.
    pub rule: RuleId,
    /// What its gap is about.
    pub subject: Subject,
}

#[cfg(test)]
impl Serves {
    /// For tests of the executor.
    pub(super) fn of_test() -> Serves {
        let rule = "9.9.9".parse().expect("a test names a good id");
        Serves { rule, subject: Subject::key("test") }
    }
}

/// What a run would make of one path: the difference between the image and the stage.
#[derive(Debug, Clone)]
pub struct PathChange {
    /// Where, links resolved.
    pub path: ImagePath,
    /// What stands there now. File content is filled in when it is needed for a diff or an undo.
    pub before: Option<Node>,
    /// What will stand there.
    pub after: Option<Node>,
    /// All that it is for, sorted; each once. Changes for one serves share it.
    pub serves: Vec<Rc<Serves>>,
}

#[cfg(test)]
impl PathChange {
    /// For nothing, for tests of what is made of changes.
    pub(crate) fn of_test(difference: Difference) -> PathChange {
        PathChange::new(difference, &[])
    }
}

impl PathChange {
    /// `served` are those of the stage; the difference names them by their places.
    pub(super) fn new(difference: Difference, served: &[Rc<Serves>]) -> PathChange {
        let Difference { path, before, after, tags } = difference;
        let serves = |tag: &u32| served.get(*tag as usize).cloned();
        let mut serves: Vec<Rc<Serves>> = tags.iter().filter_map(serves).collect();
        serves.sort_unstable();
        serves.dedup();
        PathChange { path, before, after, serves }
    }

    /// The rows that it is for, sorted; each once.
    pub fn rules(&self) -> impl Iterator<Item = &RuleId> {
        let mut last = None;
        let rules = self.serves.iter().map(|serves| &serves.rule);
        rules.filter(move |rule| last.replace(*rule) != Some(*rule))
    }

    /// Whether content changes, and not only mode or owner.
    pub fn has_new_content(&self) -> bool {
        let body = |node: &Option<Node>| node.as_ref().map(|n| n.body.clone());
        body(&self.before) != body(&self.after)
    }
}
