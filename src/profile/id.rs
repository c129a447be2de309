//! The id of a row, as `5.3.10` or `site.1`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Result};

/// One component of an id. Numbers sort before words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// Digits, without leading zeros; at most 65535.
    Number(u16),
    /// A letter, then letters, digits, `_` and `-`. Upper and lower case differ.
    Word(String),
}

/// The id of a row: components with dots between them. Those of a benchmark are numbers; a site's
/// own rows begin with a word, as `site.1`, and sort after them. Ordered by components: 5.3.9 before
/// 5.3.10.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RuleId(Arc<[Part]>);

impl Ord for RuleId {
    // Sorted in many places: one copy of this serves them all.
    #[inline(never)]
    fn cmp(&self, other: &RuleId) -> Ordering {
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for RuleId {
    fn partial_cmp(&self, other: &RuleId) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether `text` is a word as ids, statuses and reasons have it: a letter, then letters, digits, `_`
/// and `-`.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

impl FromStr for Part {
    type Err = Error;
    fn from_str(text: &str) -> Result<Part> {
        if is_word(text) {
            return Ok(Part::Word(text.to_owned()));
        }
        match text.parse() {
            // The text must be the canonical spelling: no `+1`, no leading zeros.
            Ok(number) if Part::Number(number).to_string() == text => Ok(Part::Number(number)),
            _ => Err(Error::Profile(format!(
                "`{text}` is not a component of a rule id; want a number or a word, as 5 or site"
            ))),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Part::Number(number) => write!(f, "{number}"),
            Part::Word(word) => f.write_str(word),
        }
    }
}

impl FromStr for RuleId {
    type Err = Error;
    fn from_str(text: &str) -> Result<RuleId> {
        let parts: Result<Vec<Part>> = text.split('.').map(str::parse).collect();
        parts.map(|parts| RuleId(parts.into())).map_err(|_| {
            Error::Profile(format!(
                "`{text}` is not a rule id; want numbers or words with dots, as 5.3.10 or site.1"
            ))
        })
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
    /// The first component: the chapter of the benchmark, or a site's own word.
    pub fn chapter(&self) -> &Part {
        // An id has at least one component: it is made by `from_str` only.
        &self.0[0]
    }

    /// Whether this is `section` or below it, as 5.3.10 is below 5.3.
    pub fn is_within(&self, section: &RuleId) -> bool {
        self.0.starts_with(&section.0)
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
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

impl Serialize for Part {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Part, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RuleId {
        text.parse().unwrap()
    }

    #[test]
    fn ids_sort_by_number_and_are_spelled_one_way() {
        let order = ["1.1.1", "1.1.1.1", "5.3.9", "5.3.10", "5.x", "10", "a.2", "a.10", "site.1"];
        assert!(order.iter().map(|text| id(text)).is_sorted(), "{order:?}");
        for good in order.into_iter().chain(["0.1", "Site_2-x.1", "65535"]) {
            assert_eq!(id(good).to_string(), good);
        }
        let long = "1.99999";
        let bad =
            ["", "1.", ".1", "1..2", "01.1", "+1.2", "1a", "-a", "_a", "a b", "é", "a.", long];
        for bad in bad {
            let e = bad.parse::<RuleId>().unwrap_err().to_string();
            assert!(e.contains(&format!("`{bad}` is not a rule id")), "{e}");
        }
    }

    #[test]
    fn a_section_holds_what_is_below_it() {
        for (row, section, within) in [
            ("5.3.10", "5.3", true),
            ("5.3.10", "5.3.1", false),
            ("5.3", "5.3", true),
            ("5.3", "5.3.1", false),
            ("site.1", "site", true),
            ("site2.1", "site", false),
            ("Site.1", "site", false),
        ] {
            assert_eq!(id(row).is_within(&id(section)), within, "{row} in {section}");
        }
        assert_eq!(*id("site.1").chapter(), Part::Word("site".into()));
    }
}
