//! `[defaults.<primitive>]` of a table: default fields for every want of a primitive that does not give
//! them itself.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, ValueDeserializer};

use super::mistakes::Mistakes;
use crate::check::Check;

/// The lists of wants in a row or in a site's decision about one.
const WANTS: [&str; 2] = ["want", "observe"];

/// The defaults of a table: by primitive, as written there.
pub(super) struct Defaults<'t> {
    by_primitive: Vec<(Spanned<DeString<'t>>, DeTable<'t>)>,
    /// Where the names of their fields stand.
    places: BTreeSet<usize>,
}

impl<'t> Defaults<'t> {
    /// Those of a table's head. A word that is no primitive, no field of it, or no value of that field
    /// is a mistake.
    pub fn of(head: &DeTable<'t>, mistakes: &mut Mistakes) -> Defaults<'t> {
        let mut all = Defaults { by_primitive: Vec::new(), places: BTreeSet::new() };
        for (_, value) in head.iter().filter(|(key, _)| key.get_ref() == "defaults") {
            let DeValue::Table(primitives) = value.get_ref() else { continue };
            for (key, value) in primitives {
                if let DeValue::Table(fields) = value.get_ref()
                    && check(key, fields, &value.span(), mistakes)
                {
                    all.places.extend(fields.keys().map(|field| field.span().start));
                    all.by_primitive.push((key.clone(), fields.clone()));
                }
            }
        }
        all
    }

    /// Gives every want of a row what it lacks.
    pub fn fill(&self, row: &mut DeTable<'t>) {
        for want in lists(row) {
            self.fill_want(want);
        }
    }

    /// As [`Defaults::fill`], for one want: a table whose only key is the primitive's.
    pub fn fill_want(&self, want: &mut DeTable<'t>) {
        for (key, value) in want.iter_mut() {
            let DeValue::Table(fields) = value.get_mut() else { continue };
            let known =
                self.by_primitive.iter().filter(|(name, _)| name.get_ref() == key.get_ref());
            for (field, default) in known.flat_map(|(_, defaults)| defaults) {
                if !fields.keys().any(|there| there.get_ref() == field.get_ref()) {
                    fields.insert(field.clone(), default.clone());
                }
            }
        }
    }

    /// Whether the name of a field stands among the defaults.
    pub fn gives(&self, field: &Range<usize>) -> bool {
        self.places.contains(&field.start)
    }
}

/// Reads the defaults as if they were a whole want. That something else is missing is no mistake here:
/// such an error is about the table, not about a word in it.
fn check(
    key: &Spanned<DeString<'_>>,
    fields: &DeTable<'_>,
    span: &Range<usize>,
    mistakes: &mut Mistakes,
) -> bool {
    let mut want = DeTable::new();
    want.insert(key.clone(), Spanned::new(span.clone(), DeValue::Table(fields.clone())));
    let whole = ValueDeserializer::from(Spanned::new(span.clone(), DeValue::Table(want)));
    match Check::deserialize(whole) {
        Err(e) if e.span().as_ref() != Some(span) => {
            mistakes.of_toml(&e, span);
            false
        }
        _ => true,
    }
}

/// The wants of a row, as tables.
fn lists<'a, 't>(row: &'a mut DeTable<'t>) -> impl Iterator<Item = &'a mut DeTable<'t>> {
    let arrays = row.iter_mut().filter(|(key, _)| WANTS.contains(&key.get_ref().as_ref()));
    let items = arrays.filter_map(|(_, value)| match value.get_mut() {
        DeValue::Array(items) => Some(items.iter_mut()),
        _ => None,
    });
    items.flatten().filter_map(|item| match item.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    })
}
