//! Profiles: the declared table as data, read from TOML and checked completely before a target is
//! touched. A site's own files are layers over one table. The embedded profiles live in `profiles/`;
//! `embedded` lists them.

#[cfg(feature = "cli")]
pub(crate) mod edit;
mod embedded;
mod id;
mod load;
pub(crate) mod messages;
mod references;
mod rule;
mod schema;
mod target;
mod vocabulary;
pub mod waiver;

pub use embedded::names;
#[cfg(test)]
pub(crate) use embedded::want;
pub use id::{Part, RuleId};
pub use load::{FORMAT, Line, Loaded, Place, ProfileFiles, Request};
pub use references::{
    CisControl, NistControl, RatedBy, ReferenceSource, References, ScapRule, Severity,
};
pub use rule::{Bilingual, Rule};
#[cfg(feature = "internals")]
pub use rule::{Disposition, Drift};
#[cfg(not(feature = "internals"))]
pub(crate) use rule::{Disposition, Drift};
pub use schema::schema;
pub use target::Identity;
pub use vocabulary::{Reason, Status};
pub use waiver::{Enforced, Replaced, Site, Until, Waiver};

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
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
    /// Where severities and references of the rows are from.
    pub references: Option<ReferenceSource>,
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
    /// The variables, ordered by name.
    pub vars: Vec<Value>,
    /// The layers over the table, in the order in which they count.
    pub layers: Vec<String>,
    /// What should be changed in the files although they can be read.
    pub warnings: Vec<String>,
    /// The whole as one table in one file, which parses back to the same.
    pub merged: Vec<Line>,
}

/// A variable of a profile.
#[derive(Debug, Clone)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its value, as TOML.
    pub value: String,
    /// The values that it can have, in words.
    pub range: String,
    /// What it is for.
    pub meaning: Option<Bilingual>,
    /// Where the value stands.
    pub place: Place,
}

impl Profile {
    /// The title of a chapter; empty where the profile gives none.
    pub fn chapter_title(&self, chapter: &Part, lang: Lang) -> &str {
        self.chapters.get(chapter).map_or("", |title| title.get(lang))
    }

    /// The merged profile as text: a table in one file, without the places.
    pub fn text(&self) -> String {
        self.merged.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect()
    }

    /// The digest (SHA-256, in hexadecimal digits) of [`Profile::text`].
    pub fn sha256(&self) -> String {
        let digest = Sha256::digest(self.text());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The rule with this id.
    pub fn rule(&self, id: &RuleId) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == *id)
    }

    /// The rows of `only` (all, if it is empty) without those of `skip`. The id of a section stands
    /// for the rows below it.
    ///
    /// # Errors
    /// [`Error::NoSuchRow`] for an id that stands for none.
    pub fn select(&self, only: &[RuleId], skip: &[RuleId]) -> Result<Vec<&Rule>> {
        for wanted in only.iter().chain(skip) {
            if !self.rules.iter().any(|rule| rule.id.is_within(wanted)) {
                return Err(self.no_such_row(wanted));
            }
        }
        let any = |ids: &[RuleId], rule: &Rule| ids.iter().any(|id| rule.id.is_within(id));
        let kept = |r: &&Rule| (only.is_empty() || any(only, r)) && !any(skip, r);
        Ok(self.rules.iter().filter(kept).collect())
    }

    /// That there is no such row, with one whose id begins like it.
    pub(crate) fn no_such_row(&self, wrong: &RuleId) -> Error {
        let (id, profile) = (wrong.clone(), self.id.clone());
        let wrong = wrong.to_string();
        let common = |id: &RuleId| {
            id.to_string().bytes().zip(wrong.bytes()).take_while(|(a, b)| a == b).count()
        };
        let best = self.rules.iter().map(|rule| &rule.id).max_by_key(|id| common(id));
        Error::NoSuchRow { id, profile, nearest: best.filter(|id| common(id) > 1).cloned() }
    }
}
