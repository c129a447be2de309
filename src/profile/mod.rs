//! Profiles: the declared table as data, read from TOML and checked whole before a target is
//! touched. The embedded profile lives in `profiles/aks-ubuntu-18.04/`.

mod load;
mod rule;
mod target;

pub use load::Source;
pub use rule::{Bilingual, Disposition, Drift, Lang, Reason, Rule, RuleId, Status};
pub use target::Identity;

use serde::Deserialize;

/// The system a profile is for, as in the target's `os-release`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `ID=`, as `ubuntu`.
    pub os: String,
    /// `VERSION_ID=`, as `18.04`.
    pub version: String,
}

/// The benchmark a profile is a result table of.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benchmark {
    /// Its name.
    pub name: String,
    /// Its edition; rule numbers mean nothing without it.
    pub version: String,
}

/// A result table: what each row of a benchmark is to be on a target.
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
    /// The rows, ordered by id.
    pub rules: Vec<Rule>,
}

impl Profile {
    /// The rule with this id.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == *id)
    }
}
