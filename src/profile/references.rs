//! How grave it is that a row does not hold, and where public catalogues have the same: facts, with
//! their sources.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Bilingual, messages};
use crate::message::{Lang, Message};

/// How grave it is that a row does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Harmful only together with another fault.
    Low,
    /// A protection, or a record of an attack, is missing.
    Medium,
    /// By itself enough to get in, or to become root.
    High,
}

impl Severity {
    /// All of them, the lowest first.
    pub const ALL: [Severity; 3] = [Severity::Low, Severity::Medium, Severity::High];

    /// The spelling in profiles and reports.
    pub fn word(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
        }
    }

    /// The word for people.
    pub fn text(self, lang: Lang) -> String {
        Message::from(self).text(lang)
    }
}

impl From<Severity> for Message {
    fn from(severity: Severity) -> Message {
        match severity {
            Severity::Low => messages::low(),
            Severity::Medium => messages::medium(),
            Severity::High => messages::high(),
        }
    }
}

/// Who rates a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RatedBy {
    /// The SCAP content: the highest severity of the rules that the row names.
    Scap,
    /// The profile itself, because the content has no such rule, or gives it no severity.
    Own,
}

impl RatedBy {
    /// Who rates a row: the SCAP content where the row names rules of it and nobody else is named.
    ///
    /// # Errors
    /// What is wrong with `named`.
    pub(super) fn of(
        named: Option<RatedBy>,
        severity: Option<Severity>,
        references: &References,
    ) -> Result<Option<RatedBy>, &'static str> {
        match (named, severity, references.scap.is_empty()) {
            (Some(_), None, _) => Err("has `rated_by` and no `severity`; add it"),
            (Some(RatedBy::Scap), _, true) => {
                Err("is rated by the SCAP content and names no rule of it; add `references.scap`")
            }
            (None, Some(_), false) => Ok(Some(RatedBy::Scap)),
            (named, ..) => Ok(named),
        }
    }
}

/// What public catalogues call the subject of a row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct References {
    /// The rules of the SCAP content that check the same, by the last part of their ids.
    #[serde(default)]
    pub scap: Vec<ScapRule>,
    /// Controls of NIST SP 800-53, as `AC-6(1)`.
    #[serde(default)]
    pub nist: Vec<NistControl>,
    /// Numbers of CIS Controls.
    #[serde(default)]
    pub cis_controls: Vec<CisControl>,
}

/// Where severities and references of a profile's rows are from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReferenceSource {
    /// The name of the SCAP content.
    pub content: String,
    /// Its version.
    pub version: String,
    /// The distribution's packages that have it.
    pub packages: Vec<String>,
    /// The edition of NIST SP 800-53 that the content refers to.
    pub nist: String,
    /// The edition of the CIS Controls that the content refers to.
    pub cis_controls: Bilingual,
}

/// The last part of the id of a rule of SCAP content, as `sshd_disable_root_login`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct ScapRule(String);

/// The id of a control, or of its enhancement or part, as `AC-6(1)` or `CM-6(a)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct NistControl(String);

/// The number of a CIS Control, from 1 to 20 (from version 8 on, to 18).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u8")]
pub struct CisControl(u8);

impl TryFrom<String> for ScapRule {
    type Error = String;

    fn try_from(text: String) -> Result<ScapRule, String> {
        let good = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        match !text.is_empty() && text.bytes().all(good) {
            true => Ok(ScapRule(text)),
            false => Err(format!(
                "`{text}` is not the name of a SCAP rule; want the last part of its id, as \
                 sshd_disable_root_login"
            )),
        }
    }
}

impl TryFrom<String> for NistControl {
    type Error = String;

    fn try_from(text: String) -> Result<NistControl, String> {
        match is_control(&text) {
            true => Ok(NistControl(text)),
            false => Err(format!(
                "`{text}` is not a control of NIST SP 800-53; want AC-6, AC-6(1) or CM-6(a)"
            )),
        }
    }
}

impl TryFrom<u8> for CisControl {
    type Error = String;

    fn try_from(number: u8) -> Result<CisControl, String> {
        match (1..=20).contains(&number) {
            true => Ok(CisControl(number)),
            false => Err(format!("{number} is not the number of a CIS Control; want 1 to 20")),
        }
    }
}

/// Two capital letters, a hyphen, a number, then parts in parentheses.
fn is_control(text: &str) -> bool {
    let Some((family, rest)) = text.split_once('-') else { return false };
    let (number, parts) = rest.split_at(rest.find('(').unwrap_or(rest.len()));
    let part = |part: &str| {
        let inside = part.strip_suffix(')').unwrap_or_default();
        !inside.is_empty() && inside.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    family.len() == 2
        && family.bytes().all(|b| b.is_ascii_uppercase())
        && number.parse::<u8>().is_ok_and(|n| n > 0 && n.to_string() == number)
        && (parts.is_empty() || parts[1..].split('(').all(part))
}

impl fmt::Display for ScapRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for NistControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CisControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_spelled_one_way() {
        for good in ["AC-6", "AC-6(1)", "IA-5(1)(d)", "SC-45"] {
            assert!(is_control(good), "{good}");
        }
        // The last two are steps of an assessment, not controls.
        let bad = [
            "",
            "AC",
            "AC-",
            "AC-06",
            "AC-0",
            "ac-6",
            "AC-6 (1)",
            "AC-6()",
            "AC-6(1",
            "AC-6(1)x",
            "ACC-6",
            "A-6",
            "AC-6(",
            "AC-6)",
            "CM-6.1(iv)",
            "IA-7.1",
        ];
        for bad in bad {
            assert!(!is_control(bad), "{bad}");
        }
    }
}
