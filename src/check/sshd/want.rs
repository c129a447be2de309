//! What a row wants of a directive, as a profile says it.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::keyword::{Keyword, Takes};
use super::keywords;
use crate::check::data::{self, BadData};
use crate::rootfs::ImagePath;

/// A directive of sshd's, by its name.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String")]
pub struct Directive(pub(super) &'static Keyword);

impl<'de> Deserialize<'de> for Directive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Directive, D::Error> {
        let name = String::deserialize(deserializer)?;
        keywords::find(&name).map(Directive).ok_or_else(|| {
            de::Error::custom(format!("`{name}` is no directive of sshd, as PermitRootLogin"))
        })
    }
}

/// Which values are right, and which one is written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// One of these words; the first is written.
    OneOf(Vec<String>),
    /// A number in a range.
    Number(Range),
    /// A time in a range, in seconds.
    Seconds(Range),
    /// Algorithms out of these, in any order.
    Algorithms(Vec<String>),
    /// This path, and a file is there.
    ExistingFile(ImagePath),
    /// Any of `AllowUsers`, `AllowGroups`, `DenyUsers` and `DenyGroups` with at least one name;
    /// these names of the directive are written.
    Access(Vec<String>),
}

/// The numbers that are right.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value that is right.
    #[schemars(extend("x-unit" = "seconds, or a count"))]
    pub min: u32,
    /// The largest value that is right.
    #[schemars(extend("x-unit" = "seconds, or a count"))]
    pub max: u32,
    /// What is written where the value is not right.
    #[schemars(extend("x-unit" = "seconds, or a count"))]
    pub write: u32,
}

impl Value {
    /// Its key, as in a profile.
    fn key(&self) -> &'static str {
        match self {
            Value::OneOf(_) => "one_of",
            Value::Number(_) => "number",
            Value::Seconds(_) => "seconds",
            Value::Algorithms(_) => "algorithms",
            Value::ExistingFile(_) => "existing_file",
            Value::Access(_) => "access",
        }
    }

    /// Whether the directive takes it.
    ///
    /// # Errors
    /// What is wrong, for the author of the profile.
    pub(super) fn check(&self, keyword: &Keyword) -> Result<(), BadData> {
        let key = self.key();
        let wrong = |what: String| Err(BadData::field(format!("value.{key}"), what));
        let does_not_go = |what: &str| wrong(format!("{} does not take {what}", keyword.name));
        match (self, keyword.takes) {
            (Value::OneOf(words), takes) => match words.iter().find(|w| !takes.is_word(w)) {
                Some(word) => does_not_go(&format!("`{word}`")),
                None if words.is_empty() => wrong("want at least one value".to_owned()),
                None => Ok(()),
            },
            (Value::Number(Range { min, max, write }), Takes::Number)
            | (Value::Seconds(Range { min, max, write }), Takes::Time) => {
                let field = format!("value.{key}.write");
                data::within(&field, (*write).into(), (*min).into(), Some((*max).into()))
            }
            (Value::Algorithms(names), Takes::Algorithms(kind)) => {
                match names.iter().find(|n| !kind.is_name(n)) {
                    Some(name) => does_not_go(&format!("`{name}`")),
                    None if names.is_empty() => wrong("want at least one name".to_owned()),
                    None => Ok(()),
                }
            }
            (Value::ExistingFile(path), Takes::One) if !is_plain(&path.to_string()) => {
                wrong(format!("`{path}` cannot be written without quotes"))
            }
            (Value::Access(names), Takes::Names)
                if names.is_empty() || !names.iter().all(|n| is_plain(n)) =>
            {
                wrong("want at least one name, without blanks and quotes".to_owned())
            }
            (Value::ExistingFile(_), Takes::One) | (Value::Access(_), Takes::Names) => Ok(()),
            _ => does_not_go("this kind of value"),
        }
    }
}

/// Whether a word can stand in the file as it is.
fn is_plain(word: &str) -> bool {
    let special =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | '#' | '=');
    !word.is_empty() && !word.contains(special)
}
