//! A rule, as plain data.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::check::Check;
use crate::error::{Error, Result};

/// The number of a recommendation, as `5.3.10`. Ordered by its parts: 5.3.9 before 5.3.10.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RuleId(Vec<u16>);

impl FromStr for RuleId {
    type Err = Error;
    fn from_str(text: &str) -> Result<RuleId> {
        let parts: std::result::Result<Vec<u16>, _> = text.split('.').map(str::parse).collect();
        match parts {
            // The text must be the canonical spelling: no `+1`, no leading zeros.
            Ok(parts) if RuleId(parts.clone()).to_string() == text => Ok(RuleId(parts)),
            _ => Err(Error::Profile(format!(
                "`{text}` is not a rule id; want numbers with dots, as 5.3.10"
            ))),
        }
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write!(f, "{part}")?;
        }
        Ok(())
    }
}

impl RuleId {
    /// The chapter of the benchmark, 1 to 6.
    pub fn chapter(&self) -> u16 {
        self.0.first().copied().unwrap_or(0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Ord for RuleId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for RuleId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RuleId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<RuleId, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The language of text for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

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

/// What the published table says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// 合格: the row holds, and is made to hold.
    Pass,
    /// 失敗: the row does not hold, and is left alone.
    Fail,
    /// 適用しない: the row does not apply, and is left alone.
    NotApplicable,
    /// The table gives no status; left alone.
    Unspecified,
}

impl Status {
    /// The word of the published table (English or Japanese).
    pub fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Status::Pass, Lang::En) => "pass",
            (Status::Fail, Lang::En) => "fail",
            (Status::NotApplicable, Lang::En) => "not applicable",
            (Status::Unspecified, Lang::En) => "unspecified",
            (Status::Pass, Lang::Ja) => "合格",
            (Status::Fail, Lang::Ja) => "失敗",
            (Status::NotApplicable, Lang::Ja) => "適用しない",
            (Status::Unspecified, Lang::Ja) => "指定なし",
        }
    }
}

/// Why the published table does not have a row pass, by its last column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It would harm the service.
    OperationalImpact,
    /// Another control of the platform covers it.
    CoveredElsewhere,
    /// The reason column itself says that it does not apply.
    NotApplicable,
    /// The table says that another program (ntpd) does the job.
    UsesNtpd,
    /// The table gives no reason.
    NoneGiven,
}

impl Reason {
    /// The reason in words.
    pub fn word(self, lang: Lang) -> &'static str {
        match (self, lang) {
            (Reason::OperationalImpact, Lang::En) => "potential operational impact",
            (Reason::CoveredElsewhere, Lang::En) => "covered elsewhere",
            (Reason::NotApplicable, Lang::En) => "not applicable",
            (Reason::UsesNtpd, Lang::En) => "the platform keeps time with ntpd",
            (Reason::NoneGiven, Lang::En) => "none given",
            (Reason::OperationalImpact, Lang::Ja) => "運用上の潜在的な影響",
            (Reason::CoveredElsewhere, Lang::Ja) => "その他でカバー",
            (Reason::NotApplicable, Lang::Ja) => "適用しない",
            (Reason::UsesNtpd, Lang::Ja) => "時刻同期には ntpd を使う",
            (Reason::NoneGiven, Lang::Ja) => "理由の記載なし",
        }
    }
}

/// When a left-alone row differs from what the table leaves. Only a definite contrary state does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drift {
    /// Somebody has turned it on: any of what the recommendation wants is there.
    WhenMet,
}

/// What is to become of a row. Only [`Disposition::Enforce`] can ever be planned.
#[derive(Debug, Clone)]
pub enum Disposition {
    /// 合格: all of these must hold. Empty: the primitive does not exist yet.
    Enforce(Vec<Check>),
    /// Every other row: at most looked at.
    LeaveAlone {
        /// Fail, not applicable or unspecified.
        status: Status,
        /// What must not be touched, and why.
        note: Option<Bilingual>,
        /// What the recommendation would want; measured, never planned.
        observe: Vec<Check>,
        /// What counts as a difference from what the table leaves.
        drift: Option<Drift>,
    },
}

/// One recommendation of the benchmark: what the table declares of it, and what that means here.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its number in the benchmark.
    pub id: RuleId,
    /// Our own short title.
    pub title: Bilingual,
    /// The benchmark's level, 1 or 2.
    pub level: u8,
    /// The published table's reason, where it gives one.
    pub reason: Option<Reason>,
    /// Why, in our own words.
    pub rationale: Bilingual,
    /// Where the wanted state comes from, and what AKS's own image does about it.
    pub origin: Option<Bilingual>,
    /// What it wants, as written in the profile; for people.
    pub wants: Vec<String>,
    /// Made to hold, or left alone.
    pub disposition: Disposition,
}

impl Rule {
    /// What the table declares.
    pub fn status(&self) -> Status {
        match &self.disposition {
            Disposition::Enforce(_) => Status::Pass,
            Disposition::LeaveAlone { status, .. } => *status,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_number_and_are_spelled_one_way() {
        let id = |s: &str| s.parse::<RuleId>();
        assert!(id("5.3.9").unwrap() < id("5.3.10").unwrap());
        assert!(id("1.1.1").unwrap() < id("1.1.1.1").unwrap());
        for bad in ["", "1.", ".1", "1..2", "01.1", "+1.2", "a", "1.99999"] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }
}
