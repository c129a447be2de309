//! The values of options: what they may be, and what is said of those that may not.

use std::ffi::OsStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command};

use crate::check::{Outcome, Subject};
use crate::message::Lang;
use crate::profile::{Part, Profile, RuleId, Severity, Until};
use crate::report::formats::Format;

/// `en` and `ja`, offered by completions.
pub(super) fn languages() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(["en", "ja"])
        .map(|word| if word == "ja" { Lang::Ja } else { Lang::En })
}

/// The outcomes, as reports spell them.
pub(super) fn outcomes() -> impl TypedValueParser<Value = Outcome> {
    PossibleValuesParser::new(Outcome::ALL.map(Outcome::word)).map(|word| {
        Outcome::ALL.into_iter().find(|known| known.word() == word).unwrap_or(Outcome::Unknown)
    })
}

/// The formats of a report.
pub(super) fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::word))
        .map(|word| Format::of(&word).unwrap_or(Format::Text))
}

pub(super) fn severities() -> impl TypedValueParser<Value = Severity> {
    PossibleValuesParser::new(Severity::ALL.map(Severity::word)).map(|word| {
        Severity::ALL.into_iter().find(|known| known.word() == word).unwrap_or(Severity::High)
    })
}

pub(super) fn chapter(text: &str) -> Result<Part, String> {
    let want = "want the first component of ids, as 5 or site; `--rule` selects sections";
    text.parse().map_err(|_| format!("`{text}` is not a chapter; {want}"))
}

/// 1, true, yes, on and 0, false, no, off, as variables hold them.
pub(super) fn switch() -> BoolishValueParser {
    BoolishValueParser::new()
}

/// The id of a row or section. Completions offer those of the embedded profile.
#[derive(Clone)]
pub(in crate::cli) struct RowIds;

impl TypedValueParser for RowIds {
    type Value = RuleId;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<RuleId, clap::Error> {
        let parser = |text: &str| text.parse::<RuleId>();
        TypedValueParser::parse_ref(&parser, command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        static IDS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let rules = Profile::embedded().map(|profile| profile.rules).unwrap_or_default();
            rules.iter().map(|rule| rule.id.to_string()).collect()
        });
        let ids = OFFERS_ROWS.load(Ordering::Relaxed).then(|| IDS.iter())?;
        Some(Box::new(ids.map(|id| PossibleValue::new(id.as_str()))))
    }
}

/// Whether the definition lists every row's id: completions do, help would be too long with them.
pub(super) static OFFERS_ROWS: AtomicBool = AtomicBool::new(false);

/// The last day of a waiver.
pub(in crate::cli) fn until(text: &str) -> Result<Until, String> {
    let day = || Until::of_date(&text.parse().ok()?);
    match text {
        "never" => Ok(Until::Never),
        _ => day().ok_or_else(|| "want a day, as 2027-03-31, or never".to_owned()),
    }
}

/// What of a row is waived.
pub(in crate::cli) fn subject(text: &str) -> Result<Subject, String> {
    Subject::parse(text).ok_or_else(|| "want a kind and what it is, as account:solr".to_owned())
}

pub(super) fn pair(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, _)) if !name.trim().is_empty() => Ok(text.to_owned()),
        _ => Err("want VAR=VALUE, as password_max_days=90".to_owned()),
    }
}

pub(super) fn seconds(text: &str) -> Result<u32, String> {
    // clap names the option and the value, but not the variable that may have held it.
    text.parse()
        .map_err(|_| format!("want whole seconds from 0 to {} (--wait, or GOKAKU_WAIT)", u32::MAX))
}
