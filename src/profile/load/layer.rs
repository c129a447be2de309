//! What a layer says about rows: `[[waive]]`, `[[set]]`, `[[enforce]]`.

use std::ops::Range;

use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;
use toml::de::DeValue;

use super::mistakes::Mistakes;
use super::table::{Entry, Reader, Wants};
use crate::check::{Check, Subject, SubjectKind};
use crate::profile::waiver::Until;
use crate::profile::{Bilingual, RuleId};

/// A `[[waive]]`.
#[derive(Clone)]
pub(super) struct Waive {
    pub rule: Spanned<RuleId>,
    pub reason: Bilingual,
    pub by: String,
    /// `None`: an inherited one is taken back.
    pub until: Option<Until>,
    pub until_at: Range<usize>,
    pub ticket: Option<String>,
    /// What of the row, each with its place; `None` is all of it.
    pub only: Option<Vec<(Range<usize>, Subject)>>,
    /// The place of `accept_drift = true`.
    pub accept_drift: Option<Range<usize>>,
}

/// A `[[set]]` or an `[[enforce]]`.
pub(super) struct Decision {
    pub rule: Spanned<RuleId>,
    pub reason: Bilingual,
    pub origin: Option<Bilingual>,
    /// Who has decided that the table's wants need not hold, and until when.
    pub accepted: Option<(String, Until)>,
    pub ticket: Option<String>,
    /// Of an `[[enforce]]`: the reason that is accepted.
    pub accept: Option<Spanned<String>>,
    pub want: Wants,
    pub at: Range<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWaive {
    rule: Spanned<RuleId>,
    reason: Spanned<Bilingual>,
    by: Option<Spanned<String>>,
    #[serde(rename = "until")]
    _until: Option<IgnoredAny>,
    ticket: Option<String>,
    only: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    accept_drift: Option<Spanned<bool>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSet {
    rule: Spanned<RuleId>,
    reason: Spanned<Bilingual>,
    origin: Option<Bilingual>,
    by: Option<Spanned<String>>,
    #[serde(rename = "until")]
    _until: Option<IgnoredAny>,
    ticket: Option<String>,
    want: Spanned<Vec<Spanned<Check>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnforce {
    rule: Spanned<RuleId>,
    accept: Spanned<String>,
    reason: Spanned<Bilingual>,
    origin: Option<Bilingual>,
    ticket: Option<String>,
    want: Spanned<Vec<Spanned<Check>>>,
}

/// The end of a decision as it is written.
enum End {
    At(Until),
    Withdrawn,
}

/// The field `until`, if it is there and good.
fn end_of(entry: &Entry<'_>, mistakes: &mut Mistakes) -> Option<(Range<usize>, End)> {
    const WANT: &str = "want a day, as 2027-03-31, \"never\" or \"withdrawn\"";
    let (_, value) = entry.fields.iter().find(|(key, _)| key.get_ref() == "until")?;
    let at = value.span();
    let end = match value.get_ref() {
        DeValue::Datetime(date) => match Until::of_date(date) {
            Some(until) => End::At(until),
            None => {
                mistakes.add(at, format!("`until`: found {date}, {WANT}, without a time"));
                return None;
            }
        },
        DeValue::String(word) if word == "never" => End::At(Until::Never),
        DeValue::String(word) if word == "withdrawn" => End::Withdrawn,
        DeValue::String(word) => {
            let quoted = word.parse::<toml::value::Datetime>().is_ok();
            let what = if quoted { "; write the day without quotes" } else { "" };
            mistakes.add(at, format!("`until`: found `{word}`, {WANT}{what}"));
            return None;
        }
        other => {
            mistakes
                .add(at, format!("`until`: found a value of type {}, {WANT}", other.type_str()));
            return None;
        }
    };
    Some((at, end))
}

/// A text that says nothing is a mistake.
fn said(name: &str, text: &str, at: Range<usize>, mistakes: &mut Mistakes) {
    if text.trim().is_empty() {
        mistakes.add(at, format!("`{name}` is empty; say it in words"));
    }
}

/// Reads a `[[waive]]`.
pub(super) fn waive(mut entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Waive> {
    let before = mistakes.len();
    entry.in_both_languages(&["reason"]);
    let end = end_of(&entry, mistakes);
    if !entry.has("until") {
        let says = "a waiver has an end: add `until`, as 2027-03-31, or \"never\"";
        mistakes.add(entry.span.clone(), says);
    }
    let at = entry.span.clone();
    let raw: RawWaive = mistakes.entry(at.clone(), &entry.fields)?;
    if raw.reason.get_ref().is_empty() {
        said("reason", "", raw.reason.span(), mistakes);
    }
    let withdrawn = matches!(end, Some((_, End::Withdrawn)));
    match &raw.by {
        Some(by) => said("by", by.get_ref(), by.span(), mistakes),
        None if withdrawn => {}
        None => mistakes.add(at.clone(), "missing field `by`: who has decided it"),
    }
    let mut only = None;
    if let Some(list) = &raw.only {
        let mut subjects: Vec<(Range<usize>, Subject)> = Vec::new();
        if list.get_ref().is_empty() {
            mistakes.add(list.span(), "`only` is empty; name what is waived, or leave `only` out");
        }
        for item in list.get_ref() {
            match subject(item.get_ref()) {
                Ok(subject) if subjects.iter().any(|(_, known)| *known == subject) => {
                    mistakes.add(item.span(), format!("`{}` stands twice", item.get_ref()));
                }
                Ok(subject) => subjects.push((item.span(), subject)),
                Err(says) => mistakes.add(item.span(), says),
            }
        }
        only = Some(subjects);
    }
    let accept_drift = raw.accept_drift.filter(|yes| *yes.get_ref()).map(|yes| yes.span());
    let (until_at, until) = match end {
        Some((at, End::At(until))) => (at, Some(until)),
        Some((at, End::Withdrawn)) => (at, None),
        None => return None,
    };
    (mistakes.len() == before).then(|| Waive {
        rule: raw.rule,
        reason: raw.reason.into_inner(),
        by: raw.by.map(Spanned::into_inner).unwrap_or_default(),
        until,
        until_at,
        ticket: raw.ticket,
        only,
        accept_drift,
    })
}

/// Reads `kind:value`, as reports show a subject.
fn subject(text: &str) -> Result<Subject, String> {
    let kinds = || SubjectKind::ALL.map(SubjectKind::word).join(", ");
    let Some((kind, value)) = text.split_once(':').filter(|(_, value)| !value.is_empty()) else {
        return Err(format!(
            "`{text}`: want a kind and what it is, as account:solr; kinds: {}",
            kinds()
        ));
    };
    match SubjectKind::ALL.into_iter().find(|known| known.word() == kind) {
        Some(kind) => Ok(Subject::new(kind, value)),
        None => Err(format!("`{kind}` is no kind of subject; want one of: {}", kinds())),
    }
}

/// Reads a `[[set]]`.
pub(super) fn set<'t>(
    mut entry: Entry<'t>,
    reader: &mut Reader<'_, 't>,
    mistakes: &mut Mistakes,
) -> Option<Decision> {
    let before = mistakes.len();
    entry.in_both_languages(&["reason", "origin"]);
    let end = end_of(&entry, mistakes);
    let fields = reader.filled(&entry, mistakes);
    let at = entry.span.clone();
    let raw: RawSet = mistakes.entry(at.clone(), &fields)?;
    if raw.reason.get_ref().is_empty() {
        said("reason", "", raw.reason.span(), mistakes);
    }
    if let Some(by) = &raw.by {
        said("by", by.get_ref(), by.span(), mistakes);
    }
    if raw.by.is_some() != entry.has("until") {
        let says = "`by` and `until` belong together: with both, the table's wants need not hold; \
                    without, both must hold";
        mistakes.add(at.clone(), says);
    }
    let until = match end {
        Some((_, End::At(until))) => Some(until),
        Some((at, End::Withdrawn)) => {
            mistakes.add(
                at,
                "\"withdrawn\" is for [[waive]]; set the table's wants to take a row back",
            );
            None
        }
        None => None,
    };
    if raw.want.get_ref().is_empty() {
        mistakes.add(
            raw.want.span(),
            "`want` is empty; to accept that a row does not hold, use [[waive]]",
        );
    }
    let want = reader.wants(raw.rule.get_ref(), "want", raw.want.into_inner(), &fields, mistakes);
    (mistakes.len() == before).then(|| Decision {
        rule: raw.rule,
        reason: raw.reason.into_inner(),
        origin: raw.origin,
        accepted: raw.by.map(Spanned::into_inner).zip(until),
        ticket: raw.ticket,
        accept: None,
        want,
        at,
    })
}

/// Reads an `[[enforce]]`.
pub(super) fn enforce<'t>(
    mut entry: Entry<'t>,
    reader: &mut Reader<'_, 't>,
    mistakes: &mut Mistakes,
) -> Option<Decision> {
    let before = mistakes.len();
    entry.in_both_languages(&["reason", "origin"]);
    let fields = reader.filled(&entry, mistakes);
    let at = entry.span.clone();
    let raw: RawEnforce = mistakes.entry(at.clone(), &fields)?;
    if raw.reason.get_ref().is_empty() {
        said("reason", "", raw.reason.span(), mistakes);
    }
    if raw.want.get_ref().is_empty() {
        mistakes.add(raw.want.span(), "`want` is empty; say what is enforced");
    }
    let want = reader.wants(raw.rule.get_ref(), "want", raw.want.into_inner(), &fields, mistakes);
    (mistakes.len() == before).then(|| Decision {
        rule: raw.rule,
        reason: raw.reason.into_inner(),
        origin: raw.origin,
        accepted: None,
        ticket: raw.ticket,
        accept: Some(raw.accept),
        want,
        at,
    })
}
