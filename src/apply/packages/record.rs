//! What became of the packages, by dpkg's record before and after.

use std::collections::{BTreeMap, BTreeSet};

use super::messages;
use crate::check::Presence;
use crate::check::packages::dpkg::Packages;
use crate::message::Message;
use crate::plan::PackageChange;
use crate::profile::RuleId;
use crate::rootfs::escape;
use crate::text::dpkg::State;

/// What happened to a package.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is gone, configuration and all.
    Purged,
    /// It is gone; its configuration is left.
    Removed,
    /// It is there, whole.
    Installed,
    /// It is there, whole, in another version.
    Upgraded,
    /// It was there half, and is whole now.
    Configured,
    /// It is there half; the run did not come to its end.
    Unfinished,
}

impl Action {
    /// The spelling in reports.
    pub fn word(self) -> &'static str {
        match self {
            Action::Purged => "purged",
            Action::Removed => "removed",
            Action::Installed => "installed",
            Action::Upgraded => "upgraded",
            Action::Configured => "configured",
            Action::Unfinished => "unfinished",
        }
    }
}

/// One package whose state changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// Its architecture.
    pub architecture: String,
    /// What happened.
    pub action: Action,
    /// The version that was there.
    pub from: Option<String>,
    /// The version that is there now.
    pub to: Option<String>,
    /// Whether a rule named it; if not, it came or went along with one that a rule named.
    pub asked: bool,
    /// The rules it happened for.
    pub rules: BTreeSet<RuleId>,
}

impl Operation {
    /// In words.
    pub fn message(&self) -> Message {
        let name = &self.name;
        let package = match (&self.from, &self.to) {
            (Some(from), Some(to)) if from != to => format!("{name} {from} -> {to}"),
            (Some(version), _) | (None, Some(version)) => format!("{name} {version}"),
            (None, None) => name.clone(),
        };
        match self.action {
            Action::Purged => messages::purged(package),
            Action::Removed => messages::removed(package),
            Action::Installed => messages::installed(package),
            Action::Upgraded => messages::upgraded(package),
            Action::Configured => messages::configured(package),
            Action::Unfinished => messages::unfinished(package),
        }
    }
}

/// In English.
impl std::fmt::Display for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.message().fmt(f)
    }
}

type Key = (String, String);

fn snapshot(packages: &Packages) -> BTreeMap<Key, (State, String)> {
    packages
        .all()
        .map(|(names, record)| {
            let key = (escape(names.name), escape(names.architecture));
            (key, (record.state, escape(names.version)))
        })
        .collect()
}

/// Every package whose state or version is not what it was, by name.
pub(super) fn difference(
    before: &Packages,
    after: &Packages,
    wanted: &[PackageChange],
) -> Vec<Operation> {
    let (before, after) = (snapshot(before), snapshot(after));
    let keys: BTreeSet<&Key> = before.keys().chain(after.keys()).collect();
    let absent = (State::NotInstalled, String::new());
    let mut operations = Vec::new();
    for key in keys {
        let (was, old) = before.get(key).unwrap_or(&absent);
        let (is, new) = after.get(key).unwrap_or(&absent);
        let Some(action) = action((*was, old), (*is, new)) else { continue };
        let version = |state: &State, version: &String| {
            Some(version.clone()).filter(|v| state.is_there() && !v.is_empty())
        };
        let named: BTreeSet<RuleId> = wanted
            .iter()
            .filter(|c| c.names.contains(&key.0))
            .flat_map(|c| c.rules.iter().cloned())
            .collect();
        let asked = !named.is_empty();
        let along = match action {
            Action::Purged | Action::Removed => Some(Presence::Absent),
            Action::Installed | Action::Upgraded => Some(Presence::Present),
            Action::Configured | Action::Unfinished => None,
        };
        let rules = if asked {
            named
        } else {
            let same = wanted.iter().filter(|c| along.is_none_or(|along| c.want == along));
            same.flat_map(|c| c.rules.iter().cloned()).collect()
        };
        operations.push(Operation {
            name: key.0.clone(),
            architecture: key.1.clone(),
            action,
            from: version(was, old),
            to: version(is, new),
            asked,
            rules,
        });
    }
    operations
}

fn action((was, old): (State, &str), (is, new): (State, &str)) -> Option<Action> {
    if (was, old) == (is, new) {
        return None;
    }
    match (was.is_there(), is) {
        (true, State::NotInstalled) => Some(Action::Purged),
        (true, State::ConfigFiles) => Some(Action::Removed),
        (false, State::NotInstalled) if was == State::ConfigFiles => Some(Action::Purged),
        (false, State::NotInstalled | State::ConfigFiles) => None,
        (false, State::Installed) => Some(Action::Installed),
        (true, State::Installed) if old != new => Some(Action::Upgraded),
        (true, State::Installed) => Some(Action::Configured),
        (_, _) => Some(Action::Unfinished),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn states_before_and_after_tell_what_happened() {
        use State::*;
        for (was, is, want) in [
            ((Installed, "1"), (NotInstalled, ""), Some(Action::Purged)),
            ((HalfInstalled, "1"), (NotInstalled, ""), Some(Action::Purged)),
            ((ConfigFiles, "1"), (NotInstalled, ""), Some(Action::Purged)),
            ((Installed, "1"), (ConfigFiles, "1"), Some(Action::Removed)),
            ((NotInstalled, ""), (Installed, "1"), Some(Action::Installed)),
            ((ConfigFiles, "1"), (Installed, "2"), Some(Action::Installed)),
            ((Installed, "1"), (Installed, "2"), Some(Action::Upgraded)),
            ((Unpacked, "1"), (Installed, "1"), Some(Action::Configured)),
            ((Installed, "1"), (HalfConfigured, "1"), Some(Action::Unfinished)),
            ((NotInstalled, ""), (Unpacked, "1"), Some(Action::Unfinished)),
            ((Installed, "1"), (Installed, "1"), None),
            ((NotInstalled, ""), (NotInstalled, "1"), None),
        ] {
            assert_eq!(action(was, is), want, "{was:?} {is:?}");
        }
    }

    #[test]
    fn what_came_along_is_told_with_the_rules_of_what_was_asked_for() {
        let read = |text: &str| {
            Packages::read(&MemoryRootfs::new().file("/var/lib/dpkg/status", text)).unwrap()
        };
        let stanza = |name: &str, version: &str| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: all\n\
                 Version: {version}\n\n"
            )
        };
        let before = read(&[stanza("nis", "4"), stanza("lib", "1"), stanza("yp", "2")].concat());
        let after = read(&[stanza("lib", "2"), stanza("ufw", "0.36")].concat());
        let change = |name: &str, want, rule: &str| PackageChange {
            names: vec![name.to_owned()],
            want,
            before: Vec::new(),
            rules: BTreeSet::from([rule.parse().unwrap()]),
        };
        let wanted = [
            change("nis", Presence::Absent, "2.1.17"),
            change("ufw", Presence::Present, "3.5.1.1"),
        ];
        let shown: Vec<String> = difference(&before, &after, &wanted)
            .iter()
            .map(|o| {
                let rules: Vec<String> = o.rules.iter().map(ToString::to_string).collect();
                format!("{o} {} {}", o.asked, rules.join(","))
            })
            .collect();
        let want = [
            "upgraded lib 1 -> 2 false 3.5.1.1",
            "purged nis 4 true 2.1.17",
            "installed ufw 0.36 true 3.5.1.1",
            "purged yp 2 false 2.1.17",
        ];
        assert_eq!(shown, want);
    }
}
