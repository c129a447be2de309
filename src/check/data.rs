//! The data of wants: what can be wrong with it, and types of fields that several primitives have.
//!
//! A primitive is a struct with `#[serde(deny_unknown_fields)]`, whose fields are public and
//! documented. There is one way to refuse data: a field whose type says what is right refuses the
//! rest when it is parsed; what only several fields together can say is left to
//! [`Primitive::check_data`](super::Primitive::check_data). Both give an error at the place of the
//! field in the profile: file, line, column.
//!
//! `#[schemars(extend("x-unit" = "…"))]` gives the unit of a number.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::error::Error;

/// What is wrong with the data of a want, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadData {
    /// The field; one inside another with a dot, as `number.write`. Empty: the want as a whole.
    pub field: String,
    /// What was found and what is wanted.
    pub message: String,
}

impl BadData {
    /// A fault of one field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> BadData {
        BadData { field: field.into(), message: message.into() }
    }

    /// A fault of the want as a whole.
    pub fn whole(message: impl Into<String>) -> BadData {
        BadData::field("", message)
    }

    /// The same as the cause of an audit that cannot judge.
    pub(in crate::check) fn into_error(self) -> Error {
        Error::Profile(self.to_string())
    }
}

impl fmt::Display for BadData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => f.write_str(&self.message),
            field => write!(f, "`{field}`: {}", self.message),
        }
    }
}

/// A number that is written must be one of those that are right.
///
/// # Errors
/// `field` is named when `write` lies below `min` or above `max`.
pub(in crate::check) fn within(
    field: &str,
    write: i64,
    min: i64,
    max: Option<i64>,
) -> Result<(), BadData> {
    let bounds = match max {
        Some(max) if write < min || write > max => format!("`min` to `max`, {min} to {max}"),
        None if write < min => format!("`min` or more, {min}"),
        _ => return Ok(()),
    };
    Err(BadData::field(field, format!("found {write}, want {bounds}")))
}

/// The bits that a umask must at least take away.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String", extend("x-type" = "umask: octal digits with a leading 0, as \"027\""))]
pub struct Umask {
    /// As it stands in the profile.
    pub text: String,
    /// The bits, `0o777` at most.
    pub bits: u32,
}

impl<'de> Deserialize<'de> for Umask {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Umask, D::Error> {
        let text = String::deserialize(deserializer)?;
        let octal = text.starts_with('0') && text.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let bits =
            octal.then(|| u32::from_str_radix(&text, 8).ok()).flatten().filter(|b| *b <= 0o777);
        let Some(bits) = bits else {
            return Err(de::Error::custom(format!(
                "`{text}` is not a umask; want octal digits with a leading 0, as \"027\""
            )));
        };
        Ok(Umask { text, bits })
    }
}
