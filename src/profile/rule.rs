//! A rule, as plain data.

use serde::{Deserialize, Serialize};

use super::{Reason, RuleId, Status};
use crate::check::Check;
use crate::message::{Lang, Message};

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// Japanese.
    pub ja: String,
}

impl Bilingual {
    /// The text in `lang`.
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }
}

impl From<&Bilingual> for Message {
    fn from(text: &Bilingual) -> Message {
        Message::both("profile.text", &text.en, &text.ja)
    }
}

/// When a left-alone row counts as drifted. Only a definite contrary state does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// The row was enabled: anything that the recommendation requires is present.
    WhenMet,
}

/// What is done about a row. Only [`Disposition::Enforce`] can ever be planned.
#[derive(Debug, Clone)]
pub enum Disposition {
    /// All of these must hold. Empty: the primitive does not exist yet.
    Enforce(Vec<Check>),
    /// Every other row: at most observed.
    LeaveAlone {
        /// What must not be touched, and why.
        note: Option<Bilingual>,
        /// What the recommendation would require; observed, never planned.
        observe: Vec<Check>,
        /// What counts as drift.
        drift: Option<Drift>,
    },
}

/// One row: what the table declares, and what that means here.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number in the benchmark, or the site's own id.
    pub id: RuleId,
    /// Our own short title.
    pub title: Bilingual,
    /// The benchmark's level, 1 or 2.
    pub level: u8,
    /// What the table declares.
    pub status: Status,
    /// Why the row is left alone, or the table's remark on one that is not.
    pub reason: Option<Reason>,
    /// Why, in our own words.
    pub rationale: Bilingual,
    /// Where the required state comes from, and what the published image does about it.
    pub origin: Option<Bilingual>,
    /// What it requires, as written in the profile and with the fields that `[defaults]` add; for
    /// display.
    pub wants: Vec<String>,
    /// Enforced, or left alone.
    pub disposition: Disposition,
}

impl Rule {
    /// Whether it is enforced.
    pub fn is_enforced(&self) -> bool {
        matches!(self.disposition, Disposition::Enforce(_))
    }

    /// Whether it may require the package runner to remove something.
    pub(super) fn purges(&self) -> bool {
        let Disposition::Enforce(wants) = &self.disposition else { return false };
        wants.iter().any(|want| matches!(want, Check::Package(p) if !p.absent.is_empty()))
    }
}
