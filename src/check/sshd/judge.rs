//! Whether the value of a directive is the wanted one, and the words that say so.

use std::borrow::Cow;

use super::config::{Config, DirectiveLine, MatchScope};
use super::keyword::{Keyword, Takes, shorten, single};
use super::lines::at;
use super::messages;
use super::want::Value;
use crate::check::Evidence;
use crate::check::order::Level;
use crate::message::{Arg, Message};
use crate::rootfs::ImagePath;
use crate::text::sshd_value::algorithms;

/// Judges the lines about one directive.
pub(super) struct Judge<'a> {
    /// All that sshd reads.
    pub config: &'a Config,
    /// The directive.
    pub keyword: &'static Keyword,
    /// What is wanted of it.
    pub value: &'a Value,
}

impl Judge<'_> {
    /// Whether a line says what is wanted.
    pub fn is_right(&self, setting: &DirectiveLine) -> bool {
        setting.refusal.is_none()
            && single(&setting.said, &self.config.release).is_ok_and(|v| self.is_right_value(v))
    }

    /// Whether a value that sshd takes is one that is wanted.
    pub fn is_right_value(&self, found: &str) -> bool {
        let number = self.keyword.number(found, &self.config.release);
        match self.value {
            // Where case counts, sshd reads other cases as something else.
            Value::OneOf(words) if self.keyword.takes == Takes::UserEnvironment => {
                words.iter().any(|w| w == found)
            }
            Value::OneOf(words) => words.iter().any(|w| w.eq_ignore_ascii_case(found)),
            Value::Number(range) | Value::Seconds(range) => {
                number.is_some_and(|n| (i64::from(range.min)..=i64::from(range.max)).contains(&n))
            }
            Value::Algorithms(allowed) => {
                let names = self.names(found);
                !names.is_empty() && names.iter().all(|n| allowed.iter().any(|a| a == n))
            }
            // With a slash behind its name, a file cannot be opened.
            Value::ExistingFile(path) => {
                !found.ends_with('/') && ImagePath::parse(found).is_ok_and(|p| p == *path)
            }
            Value::Access(_) => false,
        }
    }

    /// The algorithms that a list stands for.
    fn names<'v>(&self, list: &'v str) -> Vec<&'v str> {
        let Takes::Algorithms(kind) = self.keyword.takes else { return Vec::new() };
        let release = &self.config.release;
        let defaults: Vec<&str> =
            kind.defaults(release).iter().copied().filter(|n| kind.knows(release, n)).collect();
        algorithms(list, &defaults)
    }

    /// How tight a value is that sshd takes. `None`: nobody gets a connection with it.
    pub fn level(&self, found: &str) -> Option<Level> {
        Some(match self.value {
            Value::Number(range) | Value::Seconds(range) => {
                let number = self.keyword.number(found, &self.config.release);
                // A smaller one stands for no limit.
                Level::AtMost(number.filter(|n| *n >= i64::from(range.min)))
            }
            Value::Algorithms(allowed) => {
                let names = self.names(found);
                if names.is_empty() {
                    return None;
                }
                // Weak ones alone are weaker than any of those that are allowed.
                let is_allowed = |name: &&str| allowed.iter().any(|a| a == name);
                let weak = !names.iter().any(is_allowed);
                let implied = allowed.iter().map(String::as_str).filter(|_| weak);
                Level::lets(names.iter().copied().chain(implied))
            }
            Value::OneOf(_) | Value::ExistingFile(_) | Value::Access(_) => {
                Level::Right(self.is_right_value(found).then(|| found.to_ascii_lowercase()))
            }
        })
    }

    /// The value to write in place of `old`: of algorithms those that are allowed, in their order,
    /// else all that are allowed. `None` if sshd takes none of them.
    pub fn to_write(&self, old: Option<&DirectiveLine>) -> Option<String> {
        match self.value {
            Value::OneOf(words) => words.first().cloned(),
            Value::Number(range) | Value::Seconds(range) => Some(range.write.to_string()),
            Value::ExistingFile(path) => Some(path.to_string()),
            Value::Access(_) => None,
            Value::Algorithms(allowed) => {
                let Takes::Algorithms(kind) = self.keyword.takes else { return None };
                let release = &self.config.release;
                let usable: Vec<&str> = allowed
                    .iter()
                    .map(String::as_str)
                    .filter(|name| kind.knows(release, name))
                    .collect();
                let found = old.and_then(|s| s.said.args.first()).map_or("", String::as_str);
                let mut kept = self.names(found);
                kept.retain(|name| usable.contains(name));
                let names = if kept.is_empty() { usable } else { kept };
                (!names.is_empty()).then(|| names.join(","))
            }
        }
    }

    /// The line that states a value.
    pub fn line(&self, value: &str) -> String {
        format!("{} {value}", self.keyword.name)
    }

    /// A wrong line.
    pub fn evidence(&self, wrong: &DirectiveLine) -> Evidence {
        let evidence = at(self.config, wrong).found(wrong.shown()).want(self.wanted());
        let sshd = self.config.release.name();
        match (&wrong.refusal, wrong.place) {
            (Some(why), _) => evidence.note(messages::does_not_start(sshd, why)),
            (None, MatchScope::Match { .. }) => evidence.note(messages::in_match()),
            (None, MatchScope::MatchAll { .. }) => evidence.note(messages::in_match_all()),
            (None, MatchScope::Global) => match self.reading(wrong) {
                Some(reading) => evidence.note(reading),
                None => evidence,
            },
        }
    }

    /// How sshd reads a value that is not what it seems.
    pub fn reading(&self, setting: &DirectiveLine) -> Option<Message> {
        let found = setting.said.args.first()?;
        match self.value {
            Value::Number(_) | Value::Seconds(_) => {
                let number = self.keyword.number(found, &self.config.release)?;
                (number.to_string() != *found).then(|| messages::reads_number(number))
            }
            Value::Algorithms(_) if found.starts_with(['+', '-', '^']) => {
                let names = self.names(found).join(",");
                Some(match names.as_str() {
                    "" => messages::stands_for_nothing(),
                    names => messages::stands_for(shorten(names)),
                })
            }
            _ => None,
        }
    }

    /// sshd's own value where no line states the directive, if it is known here.
    pub fn default(&self) -> Option<Cow<'static, str>> {
        let default = match self.keyword.name {
            "LogLevel" => "INFO",
            "MaxAuthTries" => "6",
            "MaxSessions" => "10",
            "IgnoreRhosts" => "yes",
            "PermitRootLogin" => "prohibit-password",
            "LoginGraceTime" => "120",
            "Banner" => "none",
            "HostbasedAuthentication"
            | "PermitEmptyPasswords"
            | "PermitUserEnvironment"
            | "UsePAM" => "no",
            _ => match self.keyword.takes {
                Takes::Algorithms(kind) => {
                    return Some(kind.defaults(&self.config.release).join(",").into());
                }
                _ => return None,
            },
        };
        Some(default.into())
    }

    /// Said where no line states the directive.
    pub fn unstated(&self) -> Message {
        let Some(default) = self.default() else { return messages::not_stated() };
        if self.is_right_value(&default) {
            messages::default_complies(shorten(&default))
        } else {
            messages::default_does_not_comply(shorten(&default))
        }
    }

    /// The wanted value in words.
    pub fn wanted(&self) -> Message {
        match self.value {
            Value::OneOf(words) => match words.as_slice() {
                [only] => Message::value(only),
                words => messages::one_of(Arg::names(words)),
            },
            Value::Number(range) => messages::range(range.min, range.max),
            Value::Seconds(range) => messages::range_of_seconds(range.min, range.max),
            Value::Algorithms(names) => messages::only(names.join(",")),
            Value::ExistingFile(path) => Message::value(path.to_string()),
            Value::Access(names) => Message::value(names.join(" ")),
        }
    }

    /// What a reader should know of a value that is right.
    pub fn remarks(&self, stated: &DirectiveLine) -> Option<Evidence> {
        let found = stated.said.args.first()?;
        let remark = match (self.value, self.keyword.takes) {
            (Value::Algorithms(_), Takes::Algorithms(kind)) => {
                let names = self.names(found);
                let none = !names.iter().any(|n| kind.packer().contains(n));
                none.then(|| messages::packer_fails(Arg::names(kind.packer())))
            }
            (Value::Number(_), _) if self.keyword.name == "MaxSessions" => {
                let number = self.keyword.number(found, &self.config.release)?;
                match number {
                    0 => Some(messages::no_sessions()),
                    1 => Some(messages::one_session()),
                    _ => None,
                }
            }
            _ => None,
        };
        remark.map(|remark| at(self.config, stated).note(remark))
    }
}
