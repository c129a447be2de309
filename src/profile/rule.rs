//! A rule, as plain data.

use serde::{Deserialize, Serialize};

use super::{Place, RatedBy, Reason, References, RuleId, Severity, Site, Status};
use crate::check::Check;
use crate::consequences::Effect;
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
    /// Whether one of the languages says nothing.
    pub fn is_empty(&self) -> bool {
        self.en.trim().is_empty() || self.ja.trim().is_empty()
    }

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
    /// How grave it is that the row does not hold.
    pub severity: Option<Severity>,
    /// Who says so; `None` where the profile does not say.
    pub rated_by: Option<RatedBy>,
    /// What public catalogues call its subject.
    pub references: References,
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
    pub(crate) wants: Vec<String>,
    /// What the row ends by its own words, so that it is done and said by name.
    pub(crate) ends: Vec<Effect>,
    /// Where each of `wants` stands.
    pub want_places: Vec<Place>,
    /// Enforced, or left alone.
    pub(crate) disposition: Disposition,
    /// Where the row stands.
    pub place: Place,
    /// What the files beside the table say about it.
    pub site: Site,
}

impl Rule {
    /// Whether it is enforced.
    pub fn is_enforced(&self) -> bool {
        matches!(self.disposition, Disposition::Enforce(_))
    }

    /// Where the decision about its wants stands: the row itself, or what a layer says of it.
    pub fn wanted_at(&self) -> &Place {
        let replaced = self.site.replaced.as_ref().map(|replaced| &replaced.place);
        let enforced = self.site.enforced.as_ref().map(|enforced| &enforced.place);
        replaced.or(enforced).unwrap_or(&self.place)
    }

    /// What is done about it.
    #[cfg(feature = "internals")]
    pub fn disposition(&self) -> &Disposition {
        &self.disposition
    }

    /// What it requires, as written in the profile.
    #[cfg(feature = "internals")]
    pub fn wants(&self) -> &[String] {
        &self.wants
    }

    /// Whether it may require the package runner to remove something.
    pub(super) fn purges(&self) -> bool {
        let Disposition::Enforce(wants) = &self.disposition else { return false };
        wants.iter().any(|want| matches!(want, Check::Package(p) if !p.absent.is_empty()))
    }
}
