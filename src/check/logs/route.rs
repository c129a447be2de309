//! What a profile says of the routing of log messages: which must arrive where, and by which rule.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::messages;
use crate::check::data::BadData;
use crate::message::Message;
use crate::rootfs::ImagePath;
use crate::text::rsyslog::{Mask, mask};

/// Messages that must reach a kind of place, and the rule that makes them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// What is wanted, in words of the profile's own. Without them, it is said in the report's
    /// language.
    pub want: Option<String>,
    /// All messages of this selector of rsyslog, as `auth,authpriv.info`: info, and what is worse.
    pub messages: Selected,
    /// Where they must arrive.
    pub to: Receiver,
    /// The file in which they must arrive, where not any file will do.
    pub in_file: Option<ImagePath>,
    /// The rule that is written where they do not.
    pub rule: Route,
}

/// Messages, by a selector of rsyslog that names some.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Selected {
    /// The selector.
    pub selector: String,
    /// What it selects.
    pub mask: Mask,
}

/// A kind of place for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Receiver {
    /// A file, whichever.
    File,
    /// Everybody who is logged in.
    Everybody,
}

/// A rule of rsyslog in the old form, `SELECTOR TARGET`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Route {
    /// Which messages, as `kern.*`.
    pub selector: String,
    /// Where to: a path, with `-` before it where a line need not be on the disk at once, or
    /// `:omusrmsg:*`, everybody.
    pub target: String,
}

impl<'de> Deserialize<'de> for Route {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Route, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words: Vec<&str> = text.split_whitespace().collect();
        let file = |target: &str| {
            let path = target.strip_prefix('-').unwrap_or(target);
            ImagePath::parse(path).is_ok_and(|at| at.file_name().is_some())
        };
        match words[..] {
            [selector, target]
                if reach(selector).is_some() && (target == EVERYBODY || file(target)) =>
            {
                Ok(Route { selector: selector.to_owned(), target: target.to_owned() })
            }
            _ => Err(de::Error::custom(format!(
                "`{text}` is not a rule; want a selector and a file, as `kern.* -/var/log/kern.log`, \
                 or `{EVERYBODY}`"
            ))),
        }
    }
}

/// rsyslog's word for everybody who is logged in.
const EVERYBODY: &str = ":omusrmsg:*";

/// The messages of a selector that has some.
fn reach(selector: &str) -> Option<Mask> {
    mask(selector).filter(|mask| *mask != Mask::NONE)
}

impl<'de> Deserialize<'de> for Selected {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Selected, D::Error> {
        let selector = String::deserialize(deserializer)?;
        match reach(&selector) {
            Some(mask) => Ok(Selected { selector, mask }),
            None => Err(de::Error::custom(format!(
                "`{selector}` is not a selector; want one as `auth,authpriv.info`"
            ))),
        }
    }
}

impl Criterion {
    /// What is wanted, for people.
    pub(super) fn wanted(&self) -> Message {
        let selector = &self.messages.selector;
        match (&self.want, self.to, &self.in_file) {
            (Some(words), ..) => Message::value(words),
            (None, Receiver::File, None) => messages::to_file(selector),
            (None, Receiver::File, Some(file)) => messages::to_this_file(selector, file),
            (None, Receiver::Everybody, _) => messages::to_everybody(selector),
        }
    }

    /// Checks that `in_file` and the rule are about one file.
    pub(super) fn check_data(&self) -> Result<(), BadData> {
        let Some(file) = &self.in_file else { return Ok(()) };
        let target = self.rule.target.trim_start_matches('-');
        if self.to != Receiver::File {
            return Err(BadData::field("criteria", "`to`: `in_file` is there; want `file`"));
        }
        if file.to_string() != target {
            return Err(BadData::field(
                "criteria",
                format!("`rule`: found the target {target}, want {file}, as `in_file` has it"),
            ));
        }
        Ok(())
    }

    pub(super) fn holds(&self, reached: &Mask) -> bool {
        self.messages.mask.without(*reached) == Mask::NONE
    }

    pub(super) fn helped_by(&self, reach: &Mask) -> bool {
        self.messages.mask.and(*reach) != Mask::NONE
    }
}
