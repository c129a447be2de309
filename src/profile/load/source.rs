//! The texts that a profile is made from, in one numbering: every place in any of them is one offset.

use std::borrow::Cow;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::mistakes::Mistakes;

/// Where a value of a profile stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file, as it was named; `--set` and `GOKAKU_SET` for values from there.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One text.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Its name, for people.
    pub name: String,
    pub text: Cow<'static, str>,
    /// The offset of its first byte.
    base: usize,
    /// Where its lines end; hundreds of places are looked up.
    ends: Vec<usize>,
}

/// All texts of a profile.
#[derive(Debug, Default)]
pub(super) struct Sources {
    list: Vec<Source>,
}

impl Sources {
    /// Adds a text and returns its number.
    pub fn add(&mut self, name: &str, text: Cow<'static, str>) -> usize {
        // One more, so that the end of a text is not the start of the next.
        let base = self.list.last().map_or(0, |last| last.base + last.text.len() + 1);
        let ends = text.match_indices('\n').map(|(end, _)| end).collect();
        self.list.push(Source { name: name.to_owned(), text, base, ends });
        self.list.len() - 1
    }

    /// The text with this number.
    pub fn get(&self, number: usize) -> &Source {
        &self.list[number]
    }

    /// The text that an offset lies in, and the offset there.
    pub fn locate(&self, offset: usize) -> (&Source, usize) {
        let number = self.list.partition_point(|source| source.base <= offset);
        let source = &self.list[number.saturating_sub(1)];
        (source, (offset - source.base).min(source.text.len()))
    }

    /// The line of a place, from its first character that is no blank.
    pub fn line(&self, place: &Place) -> Range<usize> {
        let Some(source) = self.list.iter().find(|source| source.name == place.file) else {
            return 0..0;
        };
        let lines = source.text.split_inclusive('\n').take(place.line - 1);
        let start = source.base + lines.map(str::len).sum::<usize>();
        let line = source.text[start - source.base..].lines().next().unwrap_or_default();
        let blanks = line.len() - line.trim_start().len();
        start + blanks..start + line.trim_end().len()
    }

    /// Where an offset is.
    pub fn place(&self, offset: usize) -> Place {
        let (source, at) = self.locate(offset);
        let line = 1 + source.ends.partition_point(|end| *end < at);
        Place { file: source.name.clone(), line }
    }

    /// An offset as `file:line:column`.
    pub fn shown(&self, offset: usize) -> String {
        let (source, at) = self.locate(offset);
        let (line, column) = line_and_column(&source.text, at);
        format!("{}:{line}:{column}", source.name)
    }

    /// The top table of a text; what cannot be read is a mistake, and the rest is there.
    pub fn parse(&self, number: usize, mistakes: &mut Mistakes) -> DeTable<'_> {
        let source = self.get(number);
        let (table, errors) = DeTable::parse_recoverable(&source.text);
        if !errors.is_empty() {
            mistakes.broken(source.base..source.base + source.text.len() + 1);
        }
        for e in errors {
            match e.span() {
                Some(span) => {
                    let span = span.start + source.base..span.end + source.base;
                    mistakes.add(span, e.message());
                }
                None => {
                    mistakes.add_to_file(source.base, &without_place(&source.text, e.message()))
                }
            }
        }
        match source.base {
            0 => table.into_inner(),
            by => moved_table(table.into_inner(), by),
        }
    }

    /// The offset of the first byte of a text.
    pub fn start(&self, number: usize) -> usize {
        self.get(number).base
    }
}

/// What to say of a mistake whose place the parser does not give: a key that is too deep for it.
fn without_place(text: &str, message: &str) -> String {
    if message != "recursion limit" {
        return message.to_owned();
    }
    let line = most_dots(text);
    format!("{message}: a key has too many parts, as perhaps the one in line {line}; shorten it")
}

/// The line, from 1, with the most dots in it.
fn most_dots(text: &str) -> usize {
    let dots = |line: &str| line.matches('.').count();
    text.lines().zip(1..).max_by_key(|(line, _)| dots(line)).map_or(1, |(_, number)| number)
}

/// Line and column, both from 1, of an offset; a column is a character.
pub(super) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let mut offset = offset.min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let before = &text[..offset];
    let column = 1 + before.rsplit('\n').next().unwrap_or("").chars().count();
    (1 + before.matches('\n').count(), column)
}

fn moved_span(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

fn moved_table(table: DeTable<'_>, by: usize) -> DeTable<'_> {
    let fields = table.into_iter().map(|(key, value)| {
        (Spanned::new(moved_span(key.span(), by), key.into_inner()), moved(value, by))
    });
    fields.collect()
}

/// The value with all of its places moved.
fn moved(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = moved_span(value.span(), by);
    let inner = match value.into_inner() {
        DeValue::Array(items) => {
            DeValue::Array(items.into_iter().map(|item| moved(item, by)).collect::<DeArray<'_>>())
        }
        DeValue::Table(fields) => DeValue::Table(moved_table(fields, by)),
        plain => plain,
    };
    Spanned::new(span, inner)
}
