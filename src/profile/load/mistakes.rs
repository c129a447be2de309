//! Mistakes in profiles: all of them, each with its place, its line, and what is meant.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Error as TomlError, ValueDeserializer};

use super::source::{Sources, line_and_column};
use crate::error::{Error, Result};

/// So many characters of a line are shown.
const SHOWN: usize = 100;
/// So many mistakes are shown; a file of another kind has one in every line.
const MOST: usize = 200;

#[derive(Debug, Clone)]
struct Mistake {
    span: Range<usize>,
    /// Whether the place is the file as a whole.
    whole_file: bool,
    message: String,
}

/// What is wrong with a profile, collected.
#[derive(Debug, Default)]
pub(super) struct Mistakes {
    list: Vec<Mistake>,
    warnings: Vec<Mistake>,
    /// The files that are no TOML throughout: what is missing there may be what could not be read.
    broken: Vec<Range<usize>>,
}

impl Mistakes {
    /// Says that the file at these offsets is no TOML throughout.
    pub fn broken(&mut self, file: Range<usize>) {
        self.broken.push(file);
    }

    /// Adds one at a place.
    pub fn add(&mut self, span: Range<usize>, message: impl AsRef<str>) {
        let message = plain(message.as_ref());
        self.list.push(Mistake { span, whole_file: false, message });
    }

    /// Adds one that has no place in the file that begins at `start`.
    pub fn add_to_file(&mut self, start: usize, message: &str) {
        let message = message.to_owned();
        self.list.push(Mistake { span: start..start, whole_file: true, message });
    }

    /// Adds what should be changed, though it does no harm.
    pub fn warn(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.warnings.push(Mistake { span, whole_file: false, message: message.into() });
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Reads a table into its type. Every field that is wrong is a mistake of its own; with any,
    /// there is no value.
    pub fn entry<'t, T: Deserialize<'t>>(
        &mut self,
        span: Range<usize>,
        table: &DeTable<'t>,
    ) -> Option<T> {
        let read = |table: DeTable<'t>| {
            let whole = Spanned::new(span.clone(), DeValue::Table(table));
            T::deserialize(ValueDeserializer::from(whole))
        };
        let mut e = match read(table.clone()) {
            Ok(value) => return Some(value),
            Err(e) => e,
        };
        let (mut table, mut removed) = (table.clone(), Vec::new());
        loop {
            let lacks = e.message().strip_prefix("missing field `");
            let lacks = lacks.and_then(|rest| rest.split('`').next());
            if lacks.is_some_and(|name| removed.iter().any(|gone| gone == name)) {
                return None;
            }
            if lacks.is_some() && self.broken.iter().any(|file| file.contains(&span.start)) {
                return None;
            }
            self.of_toml(&e, &span);
            // A misspelt field is not missing, too.
            removed.extend(meant(e.message()).map(str::to_owned));
            let at = e.span().map_or(span.start, |span| span.start);
            // Each round takes something away, so that there is an end.
            if !without(&mut table, at, &mut removed) {
                return None;
            }
            e = read(table.clone()).err()?;
        }
    }

    /// Adds one that the deserializer found in what stands at `span`.
    pub fn of_toml(&mut self, e: &TomlError, span: &Range<usize>) {
        self.add(e.span().unwrap_or_else(|| span.clone()), e.message());
    }

    /// All as an error; `Ok` with what should be changed when there is none.
    ///
    /// # Errors
    /// [`Error::Profile`] with all mistakes in the order of files and lines.
    pub fn finish(self, sources: &Sources) -> Result<Vec<String>> {
        if self.list.is_empty() {
            return Ok(shown(self.warnings, sources));
        }
        let all = shown(self.list, sources);
        let more = all.len().saturating_sub(MOST);
        let mut text = all.into_iter().take(MOST).collect::<Vec<_>>().join("\n");
        if more > 0 {
            text.push_str(&format!("\nand {more} more mistakes"));
        }
        Err(Error::Profile(text))
    }
}

fn shown(mut list: Vec<Mistake>, sources: &Sources) -> Vec<String> {
    list.sort_by_key(|mistake| (mistake.span.start, !mistake.whole_file));
    let mut all: Vec<String> = list.iter().map(|mistake| mistake.shown(sources)).collect();
    all.dedup();
    all
}

impl Mistake {
    /// `file:line:column: message`, then the line, and a caret below the word.
    fn shown(&self, sources: &Sources) -> String {
        let (source, at) = sources.locate(self.span.start);
        if self.whole_file {
            return format!("{}: {}", source.name, self.message);
        }
        let (number, column) = line_and_column(&source.text, at);
        let line = source.text.lines().nth(number - 1).unwrap_or("");
        let width = self.span.end.saturating_sub(self.span.start);
        let word: usize = source.text[at..].chars().take_while(|c| *c != '\n').count();
        let word =
            source.text.get(at..at + width).map_or(1, |w| w.chars().count()).min(word).max(1);
        // A long line is shown from some way before the word.
        let skipped = if column > SHOWN - 20 { column - 21 } else { 0 };
        let part: String = line
            .chars()
            .skip(skipped)
            .take(SHOWN)
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let gutter = " ".repeat(number.to_string().len());
        // Wide characters take two cells.
        let before: String = part.chars().take(column - 1 - skipped).collect();
        let cells = unicode_width::UnicodeWidthStr::width(before.as_str());
        let carets = "^".repeat(word.min(SHOWN.saturating_sub(column - 1 - skipped)).max(1));
        format!(
            "{}:{number}:{column}: {}\n{gutter} |\n{number} | {}\n{gutter} | {}{carets}",
            source.name,
            self.message,
            part.trim_end(),
            " ".repeat(cells),
        )
    }
}

/// Takes what holds the offset out of a table: an element of a list, else a field, whose name is then
/// `removed`. Returns whether there was any.
fn without(table: &mut DeTable<'_>, at: usize, removed: &mut Vec<String>) -> bool {
    let key = table.iter().find(|(key, value)| key.span().contains(&at) || holds(value, at));
    let Some(name) = key.map(|(key, _)| key.get_ref().to_string()) else { return false };
    let lists = table.iter_mut().filter(|(key, _)| key.get_ref() == name.as_str());
    for (_, value) in lists {
        // The start of a list itself is no element's.
        if value.span().start == at {
            continue;
        }
        if let DeValue::Array(items) = value.get_mut()
            && let Some(bad) = items.iter().position(|item| holds(item, at))
        {
            let rest = items.iter().enumerate().filter(|(n, _)| *n != bad);
            *items = rest.map(|(_, item)| item.clone()).collect();
            return true;
        }
    }
    let kept = table.iter().filter(|(key, _)| key.get_ref() != name.as_str());
    *table = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    removed.push(name);
    true
}

/// Whether an offset lies in a value, or in anything that belongs to it.
fn holds(value: &Spanned<DeValue<'_>>, at: usize) -> bool {
    let span = value.span();
    if span.contains(&at) || span.start == at {
        return true;
    }
    match value.get_ref() {
        DeValue::Array(items) => items.iter().any(|item| holds(item, at)),
        DeValue::Table(fields) => {
            fields.iter().any(|(key, value)| key.span().contains(&at) || holds(value, at))
        }
        _ => false,
    }
}

/// The parser's words, with what is probably meant.
fn plain(message: &str) -> String {
    let message = message.trim_end();
    if let Some(meant) = meant(message) {
        return format!("{message}; did you mean `{meant}`?");
    }
    if let Some(rest) = message.strip_prefix("invalid type: ") {
        let number = rest.contains("expected u") || rest.contains("expected i");
        if rest.starts_with("string") && (number || rest.ends_with("a boolean")) {
            return format!("{message}; write it without quotes");
        }
        if !rest.starts_with("string") && rest.ends_with("expected a string") {
            return format!("{message}; write it in quotes");
        }
    }
    message.to_owned()
}

/// What is meant by an unknown word, as the parser's message names it and the known ones.
fn meant(message: &str) -> Option<&str> {
    let unknown = ["unknown field `", "unknown variant `"];
    let rest = unknown.iter().find_map(|start| message.strip_prefix(start))?;
    let (wrong, rest) = rest.split_once('`')?;
    nearest(wrong, rest.split('`').skip(1).step_by(2))
}

/// The known word that is nearest to a wrong one, if one is near.
pub(super) fn nearest<'k>(wrong: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let most = 1 + wrong.chars().count() / 4;
    let near = known.map(|word| (distance(wrong, word), word));
    near.filter(|(far, _)| *far <= most).min().map(|(_, word)| word)
}

/// How many characters have to be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = before + usize::from(x != *y);
            before = row[j + 1];
            row[j + 1] = replaced.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_named() {
        for (said, meant) in [
            ("unknown field `reson`, expected one of `rule`, `reason`", "; did you mean `reason`?"),
            ("unknown field `zzz`, expected `rule` or `reason`", "`reason`"),
            ("invalid type: string \"3\", expected i64", "; write it without quotes"),
            ("invalid type: integer `3`, expected a string", "; write it in quotes"),
        ] {
            assert!(plain(said).ends_with(meant), "{}", plain(said));
        }
        assert_eq!(distance("until", "untill"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
