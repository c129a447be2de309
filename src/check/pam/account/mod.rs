//! What PAM's account stack of a service says about somebody: not a rule's question, but that of
//! whoever has to know whose logins a plan ends.
//!
//! Where the connection or the hour would have to be known, the answer is the one that keeps quiet:
//! who may come from some hosts may come. A module whose answer is nowhere in the tree is named.

mod modules;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::modules::{Answer, Module};
use super::pam_stack::{Next, Stack};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::pam::Action;

/// So many modules whose answers are not known are followed in every way.
const MOST_UNKNOWN: u32 = 6;
/// The service for what others do not say.
const OTHER: &str = "/etc/pam.d/other";

/// Somebody whom PAM judges.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// The account's name, a stand-in for each byte that is not UTF-8.
    pub name: String,
    /// Its number.
    pub uid: u32,
    /// The number of its own group.
    pub gid: u32,
    /// Its groups' names.
    pub groups: BTreeSet<String>,
    /// Its home.
    pub home: String,
    /// Its shell.
    pub shell: String,
}

/// What the stack says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Verdict {
    /// It lets the account in.
    Lets,
    /// It does not: what says so, and where.
    Refuses(Said),
    /// It depends on something that is not in the tree.
    CannotTell(Said),
}

/// What a module says, and where that stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    /// For people.
    pub says: Message,
    /// The file that decides.
    pub path: ImagePath,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
}

/// The account stack of a service.
pub(crate) struct AccountStack {
    stack: Stack,
}

impl AccountStack {
    /// Reads the stack of the service; `None` where PAM has no file for it at all.
    ///
    /// # Errors
    /// A file that PAM cannot read either, or one that is too large to be judged.
    pub fn read(root: &dyn Rootfs, service: &str) -> Result<Option<AccountStack>> {
        let own = ImagePath::parse("/etc/pam.d")?.join(service)?;
        for path in [own, ImagePath::parse(OTHER)?] {
            match Stack::read(root, "account", &path)? {
                // Without a line of this type PAM asks the service `other`.
                Some(stack) if !stack.modules.is_empty() => {
                    return Ok(Some(AccountStack { stack }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// What it says about somebody, whose dates and shell are judged elsewhere.
    pub fn verdict(&self, root: &dyn Rootfs, who: &Who) -> Verdict {
        let mut answers = Vec::with_capacity(self.stack.modules.len());
        let mut unknown = 0_u32;
        for (index, module) in self.stack.modules.iter().enumerate() {
            let Some((path, line)) = self.stack.place(index) else { continue };
            let here = Module { rule: &module.rule, path, line };
            let answer = match here.answer(root, who) {
                Err(e) => Answer::CannotTell(here.said(Message::from(&e))),
                Ok(answer) => answer,
            };
            unknown += u32::from(matches!(answer, Answer::CannotTell(_)));
            answers.push(answer);
        }
        let doubt = answers.iter().find_map(|answer| match answer {
            Answer::CannotTell(said) => Some(said.clone()),
            _ => None,
        });
        if let Some(said) = doubt.clone().filter(|_| unknown > MOST_UNKNOWN) {
            return Verdict::CannotTell(said);
        }
        let (mut lets, mut refuses) = (false, None);
        for ways in 0..1_u32 << unknown {
            match self.walk(&answers, ways) {
                Ok(()) => lets = true,
                Err(index) => refuses = refuses.or(Some(index)),
            }
        }
        match (refuses, lets, doubt) {
            (None, _, _) => Verdict::Lets,
            (Some(_), true, Some(said)) => Verdict::CannotTell(said),
            (Some(index), _, _) => match answers.into_iter().nth(index) {
                Some(Answer::Refuses(said) | Answer::CannotTell(said)) => Verdict::Refuses(said),
                _ => Verdict::Lets,
            },
        }
    }

    /// Goes through the stack once; `ways` has a bit for the answer of each module that cannot be
    /// known. The error is the module that refuses.
    fn walk(&self, answers: &[Answer], mut ways: u32) -> std::result::Result<(), usize> {
        let mut failed = None;
        let mut good = false;
        let mut index = 0;
        let mut told = Vec::with_capacity(answers.len());
        for answer in answers {
            told.push(match answer {
                Answer::Lets => "success",
                Answer::Ignores => "ignore",
                Answer::Refuses(_) => "perm_denied",
                Answer::CannotTell(_) => {
                    let lets = ways & 1 == 0;
                    ways >>= 1;
                    if lets { "success" } else { "perm_denied" }
                }
            });
        }
        while let (Some(module), Some(told)) = (self.stack.modules.get(index), told.get(index)) {
            let action = module.rule.control.action(told);
            match action {
                Action::Ok => good = true,
                Action::Done if failed.is_none() => good = true,
                Action::Bad => failed = failed.or(Some(index)),
                Action::Die => {
                    failed = failed.or(Some(index));
                    return Err(failed.unwrap_or(index));
                }
                Action::Reset => (failed, good) = (None, false),
                Action::Done | Action::Ignore | Action::Jump(_) => {}
            }
            if action == Action::Done && failed.is_some() {
                // A failure before it stays, and the stack ends.
                break;
            }
            match self.stack.next(index, action) {
                Next::At(next) => index = next,
                Next::Nowhere => return Err(failed.unwrap_or(index)),
            }
        }
        match failed {
            Some(index) => Err(index),
            None if good => Ok(()),
            // Nobody said anything, which PAM takes for a refusal.
            None => Err(self.stack.modules.len()),
        }
    }
}
