//! Profiles: the declared table as data, read from TOML and checked completely before a target is
//! touched. The embedded profile lives in `profiles/aks-ubuntu-18.04/`; `embedded` lists them.

mod embedded;
mod id;
mod load;
pub(crate) mod messages;
mod rule;
mod target;
mod vocabulary;

pub(crate) use embedded::DEFAULT;
#[cfg(test)]
pub(crate) use embedded::want;
pub use id::{Part, RuleId};
pub use load::ProfileFiles;
pub use rule::{Bilingual, Disposition, Drift, Rule};
pub use target::Identity;
pub use vocabulary::{Reason, Status};

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::message::Lang;

/// The system a profile is for, as in the target's `os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `ID=`, as `ubuntu`.
    pub os: String,
    /// `VERSION_ID=`, as `18.04`.
    pub version: String,
    /// Upstream versions of packages, as their numbers: assumed where the tree's dpkg database has none.
    #[serde(default, deserialize_with = "target::versions")]
    pub versions: BTreeMap<String, Vec<u32>>,
}

/// The benchmark whose results a profile declares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// Its name.
    pub name: String,
    /// Its version; rule numbers mean nothing without it.
    pub version: String,
}

/// A result table: the declared result of each row of a benchmark on a target.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name, as `aks-ubuntu-18.04`.
    pub id: String,
    /// Its title.
    pub title: Bilingual,
    /// The benchmark.
    pub benchmark: Benchmark,
    /// The system it is for.
    pub target: Target,
    /// Where the table was published.
    pub source: String,
    /// The statuses of rows, in the table's order.
    pub statuses: Vec<Status>,
    /// The reasons for leaving rows alone, in the table's order.
    pub reasons: Vec<Reason>,
    /// Titles of chapters, by the first component of the rows' ids.
    pub chapters: BTreeMap<Part, Bilingual>,
    /// Packages that are never removed; `*` stands for any characters.
    pub protected_packages: Vec<String>,
    /// The rows, ordered by id.
    pub rules: Vec<Rule>,
}

impl Profile {
    /// The title of a chapter; empty where the profile gives none.
    pub fn chapter_title(&self, chapter: &Part, lang: Lang) -> &str {
        self.chapters.get(chapter).map_or("", |title| title.get(lang))
    }

    /// The rule with this id.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == *id)
    }
}
