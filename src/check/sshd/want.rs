//! What a row wants of a directive, as a profile says it.

use serde::Deserialize;

use super::keyword::{Keyword, Takes};
use super::keywords;
use crate::rootfs::ImagePath;

/// The directive and its value, as in a profile.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    directive: String,
    value: Value,
}

/// Which values are right, and which one is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Value {
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
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Range {
    /// The least, inclusive.
    pub min: u32,
    /// The greatest, inclusive.
    pub max: u32,
    /// The one that is written.
    pub write: u32,
}

impl Spec {
    /// The directive, and a value that it takes.
    ///
    /// # Errors
    /// What is wrong, for the author of the profile.
    pub fn checked(self) -> Result<(&'static Keyword, Value), String> {
        let name = &self.directive;
        let keyword = keywords::find(name)
            .ok_or_else(|| format!("`{name}` is no directive of sshd, as PermitRootLogin"))?;
        let does_not_go = |what: &str| Err(format!("{} does not take {what}", keyword.name));
        match (&self.value, keyword.takes) {
            (Value::OneOf(words), takes) => match words.iter().find(|w| !takes.is_word(w)) {
                Some(word) => return does_not_go(&format!("`{word}`")),
                None if words.is_empty() => return Err("want at least one value".to_owned()),
                None => {}
            },
            (Value::Number(range), Takes::Number) | (Value::Seconds(range), Takes::Time) => {
                if !(range.min..=range.max).contains(&range.write) {
                    return Err("want min <= write <= max".to_owned());
                }
            }
            (Value::Algorithms(names), Takes::Algorithms(kind)) => {
                if let Some(name) = names.iter().find(|n| !kind.is_name(n)) {
                    return does_not_go(&format!("`{name}`"));
                }
                if names.is_empty() {
                    return Err("want at least one name".to_owned());
                }
            }
            (Value::ExistingFile(path), Takes::One) => {
                if !is_plain(&path.to_string()) {
                    return Err(format!("`{path}` cannot be written without quotes"));
                }
            }
            (Value::Access(names), Takes::Names) => {
                if names.is_empty() || !names.iter().all(|n| is_plain(n)) {
                    return Err("want at least one name, without blanks and quotes".to_owned());
                }
            }
            _ => return does_not_go("this kind of value"),
        }
        Ok((keyword, self.value))
    }
}

/// Whether a word can stand in the file as it is.
fn is_plain(word: &str) -> bool {
    let special =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | '#' | '=');
    !word.is_empty() && !word.contains(special)
}
