//! Values of a profile as TOML, in one spelling.

use toml::de::{DeTable, DeValue};

use super::defaults::Defaults;

/// A value in one line. With `defaults`, the fields of a table stand as their file has them, and those
/// that the defaults give behind them; without, by their names.
pub(super) fn value(value: &DeValue<'_>, defaults: Option<&Defaults<'_>>) -> String {
    match value {
        DeValue::String(text) => string(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(yes) => yes.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Array(items) => {
            let items: Vec<String> =
                items.iter().map(|item| self::value(item.get_ref(), defaults)).collect();
            format!("[{}]", items.join(", "))
        }
        DeValue::Table(fields) if fields.is_empty() => "{}".to_owned(),
        DeValue::Table(fields) => format!("{{ {} }}", self::fields(fields, defaults).join(", ")),
    }
}

/// The fields of a table, each as `key = value`.
pub(super) fn fields(fields: &DeTable<'_>, defaults: Option<&Defaults<'_>>) -> Vec<String> {
    let mut all: Vec<_> = fields.iter().collect();
    if let Some(defaults) = defaults {
        all.sort_by_key(|(name, _)| (defaults.gives(&name.span()), name.span().start));
    }
    all.into_iter()
        .map(|(name, field)| {
            format!("{} = {}", key(name.get_ref()), value(field.get_ref(), defaults))
        })
        .collect()
}

/// A key, in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
    match !name.is_empty() && name.bytes().all(bare) {
        true => name.to_owned(),
        false => string(name),
    }
}

/// A text. One with backslashes, as patterns have them, is literal where that is possible.
pub(super) fn string(text: &str) -> String {
    if text.contains('\\') && !text.chars().any(char::is_control) {
        if !text.contains('\'') {
            return format!("'{text}'");
        }
        if !text.contains("'''") && !text.ends_with('\'') {
            return format!("'''{text}'''");
        }
    }
    // JSON's escapes are a subset of TOML's; DEL is one of TOML's alone.
    serde_json::Value::String(text.to_owned()).to_string().replace('\u{7f}', "\\u007f")
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
            ["a = []", "b = { x = 0o17, \"y z\" = [1.5, true] }"]
        );
    }
}
