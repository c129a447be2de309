//! What a plan would end: logins, ways to become root, what services use, what servers serve.
//!
//! Two states of a tree are compared, as it is and as planned. Invariants: everything is read through
//! `&dyn Rootfs`; who uses what is looked up only where a change is pending that could end it.

mod accounts;
mod directories;
mod logins;
mod look;
pub(crate) mod messages;
mod others;
#[cfg(test)]
mod tests;
mod withhold;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::check::{Audit, Subject};
use crate::message::Message;
use crate::plan::{PathChange, Serves};
use crate::profile::Rule;

use look::Look;
pub(crate) use withhold::without_harm;

/// What a change can end, the worst first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Effect {
    /// No account that can become root can log in over SSH any more.
    LastAdmin,
    /// An account can no longer log in over SSH.
    SshLogin,
    /// An account can no longer log in without a password.
    EmptyPassword,
    /// An account that logs in can no longer become root.
    Superuser,
    /// Users can no longer change their passwords.
    PasswordChange,
    /// An account that something uses loses its shell or its password.
    ServiceAccount,
    /// An account can no longer enter its home.
    Home,
    /// A directory is closed to the server that serves it.
    Served,
    /// Mail from other hosts no longer comes in.
    IncomingMail,
    /// A member leaves its group.
    GroupMember,
    /// A program lies on a filesystem from which nothing is started any more.
    Program,
    /// A filesystem can no longer be mounted.
    Filesystem,
    /// Something cannot be known from the tree.
    NotKnown,
}

/// Something that a plan would end.
#[derive(Debug, Clone, PartialEq)]
pub struct Consequence {
    /// What kind of thing.
    pub effect: Effect,
    /// Whom or what it is about.
    pub subject: Subject,
    /// For people: who, what, and why.
    pub says: Message,
    /// The changes that bring it about, sorted.
    pub by: Vec<Serves>,
    /// The row ends exactly this by its own words (`ends` in the profile), so it is done.
    pub named: bool,
}

impl Consequence {
    /// Whether it is harm: something ends that no row names.
    pub fn is_harm(&self) -> bool {
        !self.named && self.effect != Effect::NotKnown
    }
}

/// What `changes`, which lead from the state of `before` to that of `after`, end: the worst first,
/// what rows name before the rest of its kind. What cannot be determined is among it.
pub fn foresee(
    before: &Audit<'_>,
    after: &Audit<'_>,
    rules: &[&Rule],
    changes: &[PathChange],
) -> Vec<Consequence> {
    let look = Look::new(before, after, rules, changes);
    let parts = [
        logins::ended(&look),
        accounts::ended(&look),
        directories::ended(&look),
        others::ended(&look),
    ];
    let mut all = Vec::new();
    for part in parts {
        match part {
            Ok(found) => all.extend(found),
            Err(e) => all.push(Consequence {
                effect: Effect::NotKnown,
                subject: Subject::path(&crate::rootfs::ImagePath::root()),
                says: messages::not_determined(Message::from(&e)),
                by: Vec::new(),
                named: false,
            }),
        }
    }
    all.sort_by(|a, b| (a.effect, &a.subject).cmp(&(b.effect, &b.subject)));
    all
}
