//! `[defaults.<primitive>]` of `profile.toml`: default fields for every want of a primitive that does
//! not give them itself.

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue, Error, ValueDeserializer};

use crate::check::Check;

/// The defaults of a head: by primitive, as written there.
pub(super) struct Defaults<'h> {
    /// The text of the head.
    head: &'h str,
    by_primitive: Vec<(Spanned<DeString<'h>>, Spanned<DeTable<'h>>)>,
}

impl<'h> Defaults<'h> {
    /// Those of a head's text.
    ///
    /// # Errors
    /// A word that is no primitive, no field of it, or no value of that field.
    pub fn of(head: &'h str) -> Result<Defaults<'h>, Error> {
        let mut all = Vec::new();
        let table = DeTable::parse(head)?.into_inner();
        for (_, value) in table.into_iter().filter(|(key, _)| key.get_ref() == "defaults") {
            let DeValue::Table(primitives) = value.into_inner() else { continue };
            for (key, value) in primitives {
                let span = value.span();
                if let DeValue::Table(fields) = value.into_inner() {
                    check(&key, &fields, &span)?;
                    all.push((key, Spanned::new(span, fields)));
                }
            }
        }
        Ok(Defaults { head, by_primitive: all })
    }

    /// Gives every want of a chapter what it lacks. The places of what is given are those in the
    /// head, moved behind `end`, the end of the chapter's text.
    pub fn fill(&self, chapter: &mut DeTable<'h>, end: usize) {
        for rule in tables(chapter, &["rule"]) {
            for want in tables(rule, &["want", "observe"]) {
                self.fill_want(want, end);
            }
        }
    }

    /// As [`Defaults::fill`], for one want: a table whose only key is the primitive's.
    pub fn fill_want(&self, want: &mut DeTable<'h>, end: usize) {
        for (key, value) in want.iter_mut() {
            let DeValue::Table(fields) = value.get_mut() else { continue };
            let known =
                self.by_primitive.iter().filter(|(name, _)| name.get_ref() == key.get_ref());
            for (field, default) in known.flat_map(|(_, defaults)| defaults.get_ref()) {
                if !fields.keys().any(|there| there.get_ref() == field.get_ref()) {
                    fields.insert(moved_key(field, end), moved(default, end));
                }
            }
        }
    }

    /// The text of a want, `primitive = { ... }`, with the fields that it takes from the head.
    pub fn shown(&self, want: String) -> String {
        let Ok(table) = DeTable::parse(&want) else { return want };
        let Some((key, DeValue::Table(fields))) =
            table.get_ref().iter().next().map(|(key, value)| (key, value.get_ref()))
        else {
            return want;
        };
        let known = self.by_primitive.iter().filter(|(name, _)| name.get_ref() == key.get_ref());
        let added: Vec<String> = known
            .flat_map(|(_, defaults)| defaults.get_ref())
            .filter(|(field, _)| !fields.keys().any(|there| there.get_ref() == field.get_ref()))
            .map(|(field, value)| {
                let value = self.head.get(value.span()).unwrap_or_default();
                format!("{} = {}", field.get_ref(), one_line(value))
            })
            .collect();
        let Some(open) = want.strip_suffix('}').filter(|_| !added.is_empty()) else {
            return want;
        };
        let comma = if fields.is_empty() { "" } else { "," };
        format!("{}{comma} {} }}", open.trim_end(), added.join(", "))
    }
}

/// The text of a value in one line, without comments that have a line of their own.
fn one_line(text: &str) -> String {
    let code = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let words: Vec<&str> = code.flat_map(str::split_whitespace).collect();
    // A list over several lines ends in a comma.
    let line = words.join(" ");
    match line.strip_suffix(", ]") {
        Some(list) => format!("{list} ]"),
        None => line,
    }
}

/// Reads the defaults as if they were a whole want. That something else is missing is no mistake here:
/// such an error is about the table, not about a word in it.
fn check(
    key: &Spanned<DeString<'_>>,
    fields: &DeTable<'_>,
    span: &std::ops::Range<usize>,
) -> Result<(), Error> {
    let mut want = DeTable::new();
    want.insert(key.clone(), Spanned::new(span.clone(), DeValue::Table(fields.clone())));
    let whole = ValueDeserializer::from(Spanned::new(span.clone(), DeValue::Table(want)));
    match Check::deserialize(whole) {
        Err(e) if e.span().as_ref() != Some(span) => Err(e),
        _ => Ok(()),
    }
}

/// The tables in the arrays under these keys.
fn tables<'a, 'h>(
    of: &'a mut DeTable<'h>,
    keys: &'a [&str],
) -> impl Iterator<Item = &'a mut DeTable<'h>> {
    let arrays = of.iter_mut().filter(|(key, _)| keys.contains(&key.get_ref().as_ref()));
    let items = arrays.filter_map(|(_, value)| match value.get_mut() {
        DeValue::Array(items) => Some(items.iter_mut()),
        _ => None,
    });
    items.flatten().filter_map(|item| match item.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    })
}

fn moved_key<T: Clone>(key: &Spanned<T>, by: usize) -> Spanned<T> {
    Spanned::new(key.span().start + by..key.span().end + by, key.get_ref().clone())
}

/// The value with all of its places moved.
fn moved<'h>(value: &Spanned<DeValue<'h>>, by: usize) -> Spanned<DeValue<'h>> {
    let inner = match value.get_ref() {
        DeValue::Array(items) => {
            DeValue::Array(items.iter().map(|item| moved(item, by)).collect::<DeArray<'h>>())
        }
        DeValue::Table(fields) => {
            let fields = fields.iter().map(|(k, v)| (moved_key(k, by), moved(v, by)));
            DeValue::Table(fields.collect())
        }
        plain => plain.clone(),
    };
    Spanned::new(value.span().start + by..value.span().end + by, inner)
}
