//! The ageing of the passwords of accounts that exist.
//!
//! Only people's accounts that have a password are changed, and never root's or a protected one.
//! It must stay true that a change neither expires a password nor locks an account on the day of
//! the run or in the week after it: an image that nobody can log in to helps nobody.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::clock::{self, Today};
use super::people::{is_person, no_person};
use super::{AccountFile, ByName, Ledger, Lock, UidRange, messages};
use crate::check::data::{self, BadData};
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::show_name;
use crate::text::accounts::{
    AccountLine, CHANGED, Days, Edits, INACTIVE, Layout, MAX, MIN, PASSWORD, WARN, days,
};

/// So many days after the run an account must still work.
const GRACE: i64 = 7;

/// Every account with a password has an ageing limit within bounds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountAgeing {
    /// The limit that is judged.
    pub field: Limit,
    /// The smallest value that is right.
    #[schemars(extend("x-unit" = "days"))]
    pub min: u32,
    /// The largest value that is right; without it there is no upper bound.
    #[schemars(extend("x-unit" = "days"))]
    pub max: Option<u32>,
    /// What is written where the value is not right.
    #[schemars(extend("x-unit" = "days"))]
    pub write: u32,
}

/// A limit on the age of a password, in `shadow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Days before a password may be changed again. One above `max` is never right.
    Min,
    /// Days after which a password must be changed. One below `min` is never right.
    Max,
    /// Days of warning before the password ends.
    Warn,
    /// Days from the end of the password to the lock of the account.
    Inactive,
}

impl Limit {
    fn index(self) -> usize {
        match self {
            Limit::Min => MIN,
            Limit::Max => MAX,
            Limit::Warn => WARN,
            Limit::Inactive => INACTIVE,
        }
    }

    fn word(self) -> Message {
        match self {
            Limit::Min => messages::minimum_age(),
            Limit::Max => messages::maximum_age(),
            Limit::Warn => messages::warning_period(),
            Limit::Inactive => messages::inactivity_period(),
        }
    }
}

impl Primitive for AccountAgeing {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        data::within("write", self.write.into(), self.min.into(), self.max.map(i64::from))
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        let mut looser = order::by_levels(self, before, after, |audit| self.levels(audit))?;
        // A password that another row moves into shadow had no limits before, either.
        let shadow = AccountFile::require(before.root(), Layout::Shadow)?;
        let table = shadow.table();
        let known: HashSet<Subject> =
            table.entries.iter().map(|secret| Subject::account(secret.name())).collect();
        looser.retain(|one| known.contains(&one.subject));
        Ok(looser)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        self.audit_on(audit, clock::today())
    }
}

/// A difference in one line, and the edit that would close it.
struct Wrong {
    field: Limit,
    found: Message,
    /// `None`: no value would be right.
    write: Option<u32>,
}

impl AccountAgeing {
    /// The limit of each account with a password; one that is no right one is none.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let shadow = AccountFile::require(audit.root(), Layout::Shadow)?;
        for secret in shadow.table().entries {
            let number = |field: usize| match days(secret.field(field)) {
                Days::Set(days) => Some(days),
                Days::Unset | Days::Invalid => None,
            };
            let value = number(self.field.index());
            let level = match self.field {
                // A password that may never be changed is no tighter.
                Limit::Min => {
                    let max = number(MAX).filter(|max| *max >= 1);
                    Level::AtLeast(value.filter(|min| max.is_none_or(|max| *min <= max)))
                }
                Limit::Warn => Level::AtLeast(value),
                Limit::Max | Limit::Inactive => {
                    Level::AtMost(value.filter(|days| *days >= i64::from(self.min)))
                }
            };
            levels.only(Subject::account(secret.name()), level);
        }
        Ok(levels)
    }

    fn audit_on(&self, audit: &Audit<'_>, today: Today) -> Result<Finding> {
        let root = audit.root();
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let shadow = AccountFile::require(root, Layout::Shadow)?;
        let (users, secrets) = (passwd.table(), shadow.table());
        let (names, secret_names) = (ByName::new(&users), ByName::new(&secrets));
        let range = UidRange::read(root)?;
        let border = range.require().map_err(|e| no_person(&e));
        let doubt = clock::doubt(root, today);
        let mut ledger = Ledger::default();
        let mut edits = Edits::new();
        let mut judged = 0;
        // A lock in passwd itself makes what stands in shadow no password.
        let closed = |name: &[u8]| {
            let of_user = names.first(name).map(|user| user.field(PASSWORD));
            of_user.is_some_and(|field| field != b"x" && Lock::of(field) == Lock::Locked)
        };
        let with_password = secrets
            .entries
            .iter()
            .filter(|s| Lock::of(s.field(PASSWORD)) == Lock::Password && !closed(s.name()));
        for secret in with_password {
            let name = secret.name();
            let wrong = self.wrong(secret);
            let shown = show_name(name);
            let evidence = |found: Message| shadow.at(secret.line).found(found).want(self.want());
            if name == b"root" {
                let found = wrong.map_or_else(|| self.show(secret), |w| w.found);
                ledger.note(evidence(found).note(messages::root_is_not_aged()));
                continue;
            }
            judged += 1;
            let Some(wrong) = wrong else {
                ledger.holds(|| evidence(self.show(secret)));
                continue;
            };
            let user = names.first(name);
            let subject = Subject::account(name);
            let edit = if let Some(exclusion) = audit.excluded(&subject) {
                Err(exclusion.cause.clone())
            } else if names.is_ambiguous(name) || secret_names.is_ambiguous(name) {
                Err(messages::ambiguous(&shown))
            } else if let Err(why) = &border {
                Err(why.clone())
            } else if !user.is_some_and(|u| is_person(&u, &range)) {
                Err(messages::not_aged(&shown))
            } else if let Some(why) = &doubt {
                Err(why.clone())
            } else {
                match wrong.write {
                    None => Err(messages::no_room(&shown)),
                    Some(write) => {
                        wrong.would_lock_out(secret, write, today).map_or(Ok(write), Err)
                    }
                }
            };
            match edit {
                Err(why) => ledger.open(subject, evidence(wrong.found), why),
                Ok(write) => {
                    edits.set(secret.line, wrong.field.index(), write.to_string());
                    ledger.closable(subject, evidence(wrong.found));
                }
            }
        }
        ledger.lines(&shadow, &secrets, |_| true);
        ledger.lines(&passwd, &users, |_| true);
        if judged == 0 && !ledger.has_gaps() {
            let mut evidence = vec![shadow.whole().note(messages::no_password_but_roots())];
            if let Finding::Met(notes) = ledger.finish(&[]) {
                evidence.extend(notes);
            }
            return Ok(Finding::MetVacuously(evidence));
        }
        Ok(ledger.finish(&[(&shadow, edits)]))
    }

    fn want(&self) -> Message {
        match self.max {
            Some(max) => messages::want_days_between(self.field.word(), self.min, max),
            None => messages::want_days_at_least(self.field.word(), self.min),
        }
    }

    fn show(&self, secret: &AccountLine<'_>) -> Message {
        let (word, account) = (self.field.word(), show_name(secret.name()));
        match days(secret.field(self.field.index())) {
            Days::Unset => messages::limit_unset(word, account),
            Days::Set(days) => messages::limit_set(word, days, account),
            // What is there may have slipped in from the password field: not shown.
            Days::Invalid => messages::limit_invalid(word, account),
        }
    }

    /// What is wrong in a line.
    fn wrong(&self, secret: &AccountLine<'_>) -> Option<Wrong> {
        let is_right = |value: i64| {
            value >= i64::from(self.min) && self.max.is_none_or(|max| value <= i64::from(max))
        };
        let own_max = match days(secret.field(MAX)) {
            Days::Set(max) if max >= 1 => max,
            _ => i64::MAX,
        };
        let value = days(secret.field(self.field.index()));
        if !matches!(value, Days::Set(value) if is_right(value)) {
            let write = match self.field {
                Limit::Min => [self.write, self.min].into_iter().find(|w| i64::from(*w) <= own_max),
                Limit::Max | Limit::Warn | Limit::Inactive => Some(self.write),
            };
            return Some(Wrong { field: self.field, found: self.show(secret), write });
        }
        // A password that may be changed only after it had to be can never be changed.
        let least = match self.field {
            Limit::Min => self.min.max(1),
            Limit::Max => 1,
            Limit::Warn | Limit::Inactive => return None,
        };
        match days(secret.field(MIN)) {
            Days::Set(min) if min > own_max => Some(Wrong {
                field: Limit::Min,
                found: messages::minimum_above_maximum(min, own_max, show_name(secret.name())),
                write: Some(least).filter(|w| i64::from(*w) <= own_max),
            }),
            _ => None,
        }
    }
}

impl Wrong {
    /// Why the edit would keep somebody out, now or within days.
    fn would_lock_out(
        &self,
        secret: &AccountLine<'_>,
        write: u32,
        today: Today,
    ) -> Option<Message> {
        let account = || show_name(secret.name());
        let day = |index| match days(secret.field(index)) {
            Days::Set(days) => Some(days),
            Days::Unset | Days::Invalid => None,
        };
        let write = i64::from(write);
        // Without a date, readers count from before the first day there is.
        let changed = day(CHANGED).unwrap_or(-1);
        let last_good_day = match self.field {
            Limit::Min | Limit::Warn => return None,
            Limit::Max if changed <= 0 => {
                return Some(messages::would_expire_at_once(account()));
            }
            Limit::Max => changed + write,
            // Without a maximum age nothing ever becomes inactive.
            Limit::Inactive => changed + day(MAX)? + write,
        };
        (last_good_day < today.latest + GRACE).then(|| messages::would_lock_out(account()))
    }
}

#[cfg(test)]
mod tests;
