//! Values of a profile as TOML, in one spelling.

use std::fmt::Write;

use toml::de::{DeTable, DeValue};

use super::defaults::Defaults;

/// A value in one line. With `defaults`, the fields of a table stand as their file has them, and those
/// that the defaults give behind them; without, by their names.
pub(super) fn value(value: &DeValue<'_>, defaults: Option<&Defaults<'_>>) -> String {
    let mut out = String::new();
    write_value(&mut out, value, defaults);
    out
}

/// The fields of a table as `key = value`, with commas between them.
pub(super) fn fields(fields: &DeTable<'_>, defaults: Option<&Defaults<'_>>) -> String {
    let mut out = String::new();
    write_fields(&mut out, fields, defaults);
    out
}

/// `key = value` in one line.
pub(super) fn field(name: &str, value: &DeValue<'_>) -> String {
    let mut out = String::new();
    write_key(&mut out, name);
    out.push_str(" = ");
    write_value(&mut out, value, None);
    out
}

// A profile has thousands of values: each is written into the text that it is a part of.
fn write_value(out: &mut String, value: &DeValue<'_>, defaults: Option<&Defaults<'_>>) {
    // Writing to a String cannot fail.
    match value {
        DeValue::String(text) => write_string(out, text),
        DeValue::Integer(number) => drop(write!(out, "{number}")),
        DeValue::Float(number) => out.push_str(number.as_str()),
        DeValue::Boolean(yes) => drop(write!(out, "{yes}")),
        DeValue::Datetime(date) => drop(write!(out, "{date}")),
        DeValue::Array(items) => {
            out.push('[');
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                write_value(out, item.get_ref(), defaults);
            }
            out.push(']');
        }
        DeValue::Table(fields) if fields.is_empty() => out.push_str("{}"),
        DeValue::Table(fields) => {
            out.push_str("{ ");
            write_fields(out, fields, defaults);
            out.push_str(" }");
        }
    }
}

fn write_fields(out: &mut String, fields: &DeTable<'_>, defaults: Option<&Defaults<'_>>) {
    let mut all: Vec<_> = fields.iter().collect();
    if let Some(defaults) = defaults {
        all.sort_by_key(|(name, _)| (defaults.gives(&name.span()), name.span().start));
    }
    for (number, (name, field)) in all.into_iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        write_key(out, name.get_ref());
        out.push_str(" = ");
        write_value(out, field.get_ref(), defaults);
    }
}

/// A key, in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    let mut out = String::new();
    write_key(&mut out, name);
    out
}

fn write_key(out: &mut String, name: &str) {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    match !name.is_empty() && name.bytes().all(bare) {
        true => out.push_str(name),
        false => write_string(out, name),
    }
}

/// A text. One with backslashes, as patterns have them, is literal where that is possible.
pub(super) fn string(text: &str) -> String {
    let mut out = String::new();
    write_string(&mut out, text);
    out
}

fn write_string(out: &mut String, text: &str) {
    let needs_escapes = |b: u8| b < b' ' || matches!(b, b'"' | b'\\' | 0x7f);
    if !text.bytes().any(needs_escapes) {
        out.push('"');
        out.push_str(text);
        out.push('"');
        return;
    }
    // Writing to a String cannot fail.
    if text.contains('\\') && !text.chars().any(char::is_control) {
        if !text.contains('\'') {
            let _ = write!(out, "'{text}'");
            return;
        }
        if !text.contains("'''") && !text.ends_with('\'') {
            let _ = write!(out, "'''{text}'''");
            return;
        }
    }
    // JSON's escapes are a subset of TOML's; DEL is one of TOML's alone.
    let json = serde_json::Value::String(text.to_owned()).to_string();
    out.push_str(&json.replace('\u{7f}', "\\u007f"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        for text in ["a", "a'b\\c", "\\'", "\\'''", "\\d+", "a\nb\t\"c\"", "\u{7f}\u{1b}é", ""] {
            let written = format!("x = {}", string(text));
            let table = DeTable::parse(&written).unwrap();
            assert_eq!(table.get_ref().iter().next().unwrap().1.get_ref().as_str(), Some(text));
        }
        let table = DeTable::parse("b = { x = 0o17, \"y z\" = [1.5, true] }\na = []").unwrap();
        assert_eq!(
            fields(table.get_ref(), None),
            "a = [], b = { x = 0o17, \"y z\" = [1.5, true] }"
        );
    }
}
