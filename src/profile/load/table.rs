//! The table: the head, and rows.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::defaults::Defaults;
use super::fill;
use super::mistakes::Mistakes;
use super::render;
use super::source::Sources;
use super::vars::Vars;
use crate::check::Check;
use crate::consequences::Effect;
use crate::profile::vocabulary::{RawReason, RawStatus, Vocabulary};
use crate::profile::{
    Benchmark, Bilingual, Disposition, Drift, Part, Place, RatedBy, ReferenceSource, References,
    Rule, RuleId, Severity, Site, Target,
};

/// What stands before the rows of a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    #[serde(rename = "format")]
    _format: Option<String>,
    pub id: String,
    pub title: Bilingual,
    pub benchmark: Benchmark,
    pub target: Target,
    pub source: String,
    pub references: Option<ReferenceSource>,
    #[serde(default)]
    pub status: Vec<RawStatus>,
    #[serde(default)]
    pub reason: Vec<RawReason>,
    #[serde(default)]
    pub chapters: BTreeMap<Part, Bilingual>,
    pub packages: Option<Packages>,
    /// Read by [`Defaults`], with the places.
    #[serde(default, rename = "defaults")]
    _defaults: BTreeMap<String, toml::Table>,
}

/// What the package runner is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packages {
    pub protected: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: Spanned<RuleId>,
    title: Bilingual,
    level: Spanned<u8>,
    severity: Option<Severity>,
    rated_by: Option<Spanned<RatedBy>>,
    #[serde(default)]
    references: References,
    status: Spanned<String>,
    reason: Option<Spanned<String>>,
    note: Option<Bilingual>,
    rationale: Bilingual,
    origin: Option<Bilingual>,
    #[serde(default)]
    want: Vec<Spanned<Check>>,
    #[serde(default)]
    observe: Vec<Spanned<Check>>,
    drift: Option<Drift>,
    #[serde(default)]
    ends: Vec<Effect>,
}

/// An entry of a list of tables, as `[[rule]]`.
#[derive(Debug, Clone)]
pub(super) struct Entry<'t> {
    /// Its header.
    pub span: Range<usize>,
    pub fields: DeTable<'t>,
}

impl<'t> Entry<'t> {
    /// Makes texts that are one plain string texts of both languages.
    pub fn in_both_languages(&mut self, names: &[&str]) {
        for (key, value) in self.fields.iter_mut() {
            let plain = value.get_ref().is_str() && names.contains(&key.get_ref().as_ref());
            if plain {
                let one =
                    |lang: &'static str| (Spanned::new(value.span(), lang.into()), value.clone());
                let both: DeTable<'t> = [one("en"), one("ja")].into_iter().collect();
                *value = Spanned::new(value.span(), DeValue::Table(both));
            }
        }
    }

    /// Whether it has a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.fields.keys().any(|key| key.get_ref() == name)
    }

    /// Adds a field, as if it stood at the header.
    pub fn give(&mut self, name: &'static str, value: DeValue<'t>) {
        let at = self.span.clone();
        self.fields.insert(Spanned::new(at.clone(), name.into()), Spanned::new(at, value));
    }
}

/// What rows are read with.
pub(super) struct Reader<'a, 't> {
    pub sources: &'t Sources,
    pub vars: &'a Vars<'t>,
    pub defaults: &'a Defaults<'t>,
    pub words: &'a Vocabulary,
    /// The variables that were used.
    pub used: Vec<String>,
}

/// Wants as they were read.
pub(super) struct Wants {
    pub checks: Vec<Check>,
    /// As written, for display.
    pub shown: Vec<String>,
    pub places: Vec<Place>,
}

impl<'t> Reader<'_, 't> {
    /// An entry with variables and defaults filled in.
    pub fn filled(&mut self, entry: &Entry<'t>, mistakes: &mut Mistakes) -> DeTable<'t> {
        let mut fields = entry.fields.clone();
        fill::fill(&mut fields, self.vars, &mut self.used, mistakes);
        self.defaults.fill(&mut fields);
        fields
    }

    /// Reads a row.
    pub fn rule(
        &mut self,
        entry: &Entry<'t>,
        mistakes: &mut Mistakes,
    ) -> Option<(Range<usize>, Rule)> {
        let before = mistakes.len();
        let fields = self.filled(entry, mistakes);
        let mut raw: RawRule = mistakes.entry(entry.span.clone(), &fields)?;
        let id = raw.id.get_ref().clone();
        let want = self.wants(&id, "want", std::mem::take(&mut raw.want), &fields, mistakes);
        let observe =
            self.wants(&id, "observe", std::mem::take(&mut raw.observe), &fields, mistakes);
        let at = raw.id.span();
        let rule = check(raw, (want, observe), self.words, self.sources.place(at.start), mistakes)?;
        (mistakes.len() == before).then_some((at, rule))
    }

    /// The wants of the list `list` of a row or decision.
    pub fn wants(
        &self,
        rule: &RuleId,
        list: &str,
        raw: Vec<Spanned<Check>>,
        fields: &DeTable<'t>,
        mistakes: &mut Mistakes,
    ) -> Wants {
        let items = fields.get(list).and_then(|value| value.get_ref().as_array());
        let mut wants = Wants { checks: Vec::new(), shown: Vec::new(), places: Vec::new() };
        for (number, check) in raw.into_iter().enumerate() {
            let item = items.and_then(|items| items.get(number));
            if let Err(bad) = check.get_ref().primitive().check_data() {
                let at = item.and_then(|item| field_place(item, &bad.field));
                mistakes.add(at.unwrap_or(check.span()), format!("rule {rule}: {bad}"));
            }
            if let Some(DeValue::Table(table)) = item.map(Spanned::get_ref) {
                wants.shown.push(render::fields(table, Some(self.defaults)));
                let key = table.keys().next().map_or(check.span(), Spanned::span);
                wants.places.push(self.sources.place(key.start));
            }
            wants.checks.push(check.into_inner());
        }
        wants
    }
}

/// Where the value of a field of a want stands. `field`: names with dots; empty for the whole.
fn field_place(want: &Spanned<DeValue<'_>>, field: &str) -> Option<Range<usize>> {
    let (_, mut value) = want.get_ref().as_table()?.iter().next()?;
    for part in field.split('.').filter(|part| !part.is_empty()) {
        // A field that is not given has no place of its own; what it would stand in has.
        match value.get_ref().get(part) {
            Some(inner) => value = inner,
            None => break,
        }
    }
    Some(value.span())
}

/// What the types cannot say: which fields belong to which status.
fn check(
    raw: RawRule,
    (want, observe): (Wants, Wants),
    words: &Vocabulary,
    place: Place,
    mistakes: &mut Mistakes,
) -> Option<Rule> {
    let id = raw.id.get_ref().clone();
    let status_at = raw.status.span();
    let before = mistakes.len();
    let mut wrong = |at: &Range<usize>, what: &str| {
        mistakes.add(at.clone(), format!("rule {id} {what}"));
    };
    let level = *raw.level.get_ref();
    if !(1..=2).contains(&level) {
        wrong(&raw.level.span(), &format!("has level {level}; want 1 or 2"));
    }
    let named = raw.rated_by.as_ref().map(|named| *named.get_ref());
    let rated_by = match RatedBy::of(named, raw.severity, &raw.references) {
        Ok(rated_by) => rated_by,
        Err(what) => {
            wrong(&raw.rated_by.as_ref().map_or(status_at.clone(), Spanned::span), what);
            None
        }
    };
    let texts = [("title", &raw.title), ("rationale", &raw.rationale)];
    let optional = [("note", &raw.note), ("origin", &raw.origin)];
    let given = optional.into_iter().filter_map(|(what, text)| Some((what, text.as_ref()?)));
    for (what, text) in texts.into_iter().chain(given) {
        if text.is_empty() {
            wrong(&status_at, &format!("has an empty {what}; want both languages"));
        }
    }
    let status = match words.status(raw.status.get_ref()) {
        Ok(status) => Some(status),
        Err(what) => {
            mistakes.add(status_at.clone(), format!("rule {id}: {what}"));
            None
        }
    };
    let mut reason = None;
    if let Some(key) = &raw.reason {
        match words.reason(key.get_ref()) {
            Ok(known) => reason = Some(known),
            Err(what) => mistakes.add(key.span(), format!("rule {id}: {what}")),
        }
    }
    let status = status?;
    let mut wrong = |what: &str| mistakes.add(status_at.clone(), format!("rule {id} {what}"));
    let wants = [want.shown, observe.shown].concat();
    let want_places = [want.places, observe.places].concat();
    let disposition = if status.is_enforced() {
        if !observe.checks.is_empty() || raw.note.is_some() || raw.drift.is_some() {
            wrong(&format!(
                "is `{}` and has `observe`, `drift` or `note`; want `want`",
                status.key()
            ));
        }
        Disposition::Enforce(want.checks)
    } else {
        if !want.checks.is_empty() {
            let what = "but has `want`; such a row is never enforced, use `observe`";
            wrong(&format!("is not enforced (`{}`) {what}", status.key()));
        }
        if raw.reason.is_none() {
            let what = "and has no `reason`; say why it is left alone";
            wrong(&format!("is not enforced (`{}`) {what}", status.key()));
        }
        Disposition::LeaveAlone { note: raw.note, observe: observe.checks, drift: raw.drift }
    };
    (mistakes.len() == before).then(|| Rule {
        id,
        title: raw.title,
        level,
        severity: raw.severity,
        rated_by,
        references: raw.references,
        status,
        reason,
        rationale: raw.rationale,
        origin: raw.origin,
        wants,
        ends: raw.ends,
        want_places,
        disposition,
        place,
        site: Site::default(),
    })
}

/// The patterns of packages that are never removed.
pub(super) fn protected(patterns: Vec<Spanned<String>>, mistakes: &mut Mistakes) -> Vec<String> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.*?[]".contains(&b);
    let mut all = Vec::new();
    for pattern in patterns {
        let (at, text) = (pattern.span(), pattern.into_inner());
        if text.is_empty() || !text.bytes().all(good) {
            let want = "want a package's name, in which `*` stands for any characters";
            mistakes.add(at, format!("`{text}` is not a pattern; {want}"));
        }
        all.push(text);
    }
    all
}

/// The entries of a list of tables, taken out of a file.
pub(super) fn take_entries<'t>(
    file: &mut DeTable<'t>,
    name: &str,
    mistakes: &mut Mistakes,
) -> Vec<Entry<'t>> {
    let Some(key) = file.keys().find(|key| key.get_ref() == name).cloned() else {
        return Vec::new();
    };
    let Some(value) = file.remove(&key) else { return Vec::new() };
    let whole = value.span();
    let DeValue::Array(items) = value.into_inner() else {
        let says = format!("`{name}` is a list of tables; write [[{name}]] before each");
        mistakes.add(key.span(), says);
        return Vec::new();
    };
    let mut all = Vec::new();
    for item in items {
        // An empty table in a list has no header of its own.
        let span = if item.span().is_empty() { whole.clone() } else { item.span() };
        match item.into_inner() {
            DeValue::Table(fields) => all.push(Entry { span, fields }),
            _ => mistakes.add(span, format!("`{name}` is a list of tables; write [[{name}]]")),
        }
    }
    all
}
