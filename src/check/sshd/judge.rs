//! Whether the value of a directive is the wanted one, and the words that say so.

use super::config::{Config, DirectiveLine, MatchScope};
use super::keyword::{Keyword, Takes, shorten, single};
use super::lines::at;
use super::want::Value;
use crate::check::Evidence;
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
            Value::ExistingFile(path) => ImagePath::parse(found).is_ok_and(|p| p == *path),
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
            (Some(why), _) => evidence.note(format!("{sshd} does not start: {why}")),
            (None, MatchScope::Match { .. }) => {
                evidence.note("in a Match block: overrides the value for its connections")
            }
            (None, MatchScope::MatchAll { .. }) => {
                evidence.note("in a block for all connections: overrides the value")
            }
            (None, MatchScope::Global) => match self.reading(wrong) {
                Some(reading) => evidence.note(reading),
                None => evidence,
            },
        }
    }

    /// How sshd reads a value that is not what it seems.
    pub fn reading(&self, setting: &DirectiveLine) -> Option<String> {
        let found = setting.said.args.first()?;
        match self.value {
            Value::Number(_) | Value::Seconds(_) => {
                let number = self.keyword.number(found, &self.config.release)?;
                (number.to_string() != *found).then(|| format!("sshd reads {number}"))
            }
            Value::Algorithms(_) if found.starts_with(['+', '-', '^']) => {
                let names = self.names(found).join(",");
                let names = if names.is_empty() { "nothing".to_owned() } else { names };
                Some(format!("stands for {}", shorten(&names)))
            }
            _ => None,
        }
    }

    /// Said where no line states the directive.
    pub fn unstated(&self) -> String {
        let defaults;
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
                    defaults = kind.defaults(&self.config.release).join(",");
                    &defaults
                }
                _ => return "not stated outside Match blocks".to_owned(),
            },
        };
        let right = if self.is_right_value(default) { "complies" } else { "does not comply" };
        let default = shorten(default);
        format!("not stated outside Match blocks; the default, {default}, {right}")
    }

    /// The wanted value in words.
    pub fn wanted(&self) -> String {
        match self.value {
            Value::OneOf(words) => words.join(" or "),
            Value::Number(range) => format!("{} to {}", range.min, range.max),
            Value::Seconds(range) => format!("{} to {} s", range.min, range.max),
            Value::Algorithms(names) => format!("only {}", names.join(",")),
            Value::ExistingFile(path) => path.to_string(),
            Value::Access(names) => names.join(" "),
        }
    }

    /// What a reader should know of a value that is right.
    pub fn remarks(&self, stated: &DirectiveLine) -> Option<Evidence> {
        let found = stated.said.args.first()?;
        let remark = match (self.value, self.keyword.takes) {
            (Value::Algorithms(_), Takes::Algorithms(kind)) => {
                let names = self.names(found);
                let none = !names.iter().any(|n| kind.packer().contains(n));
                none.then(|| {
                    let known = kind.packer().join(", ");
                    format!("Packer cannot connect: its SSH client (1.6.6) wants one of {known}")
                })
            }
            (Value::Number(_), _) if self.keyword.name == "MaxSessions" => {
                let number = self.keyword.number(found, &self.config.release)?;
                let remark = match number {
                    0 => "0 allows no shell and no file transfer, only forwarding",
                    1 => "1 hinders clients that share a connection, such as Ansible",
                    _ => return None,
                };
                Some(remark.to_owned())
            }
            _ => None,
        };
        remark.map(|remark| at(self.config, stated).note(remark))
    }
}
