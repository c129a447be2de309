//! The primitives as one Markdown page, from the schema of their data and the embedded profile.
//!
//! `docs/primitives.md` is this page, and a test keeps it current. It is in English alone: the
//! meanings are the doc comments of the structs.

use std::fmt::Write;

use gokaku::check::{Check, PRIMITIVES};
use gokaku::profile::{Profile, Rule};
use regex::Regex;
use serde_json::Value;

const HEAD: &str = "\
# Primitives

A want of a rule is one primitive with data. This page has every primitive by family: its key in
TOML, what holds when the want is met, its fields, an example, and the rows of the embedded profile
that use it. [rules.md](rules.md) has the rows.

- A field without default that is not required may be left out; nothing stands for it then.
- A field inside another is written with a dot: `number.min` is `number = { min = … }`.
- A path is one of the target: absolute, without `..`.
- An unknown field, a missing one and a wrong value are errors that name file, line and column.

This page is generated from the structs of the primitives, whose comments are in English, and from
the profile; do not edit it. `BLESS=1 cargo test --test docs` writes it anew.
";

/// The whole page.
pub fn render(profile: &Profile) -> String {
    let root = schema();
    let arms = root["oneOf"].as_array().unwrap();
    assert_eq!(arms.len(), PRIMITIVES.len());
    let mut out = HEAD.to_owned();
    let mut body = String::new();
    let mut last = String::new();
    // Writing to a String cannot fail.
    for (arm, (_, module)) in arms.iter().zip(PRIMITIVES) {
        let (key, want) = arm["properties"].as_object().unwrap().iter().next().unwrap();
        let module = module.replace(' ', "");
        let family = module.split("::").next().unwrap();
        if family != last {
            let _ = write!(out, "\n- **{family}**:");
            let _ = write!(body, "\n## {family}\n");
            last = family.to_owned();
        }
        let _ = write!(out, " [`{key}`](#{key})");
        primitive(&mut body, key, target(&root, want), &root, profile);
    }
    out + "\n" + &body
}

/// The schema of all wants.
fn schema() -> Value {
    schemars::schema_for!(Check).to_value()
}

fn primitive(out: &mut String, key: &str, data: &Value, root: &Value, profile: &Profile) {
    let meaning = data["description"].as_str().unwrap_or_default();
    assert!(!meaning.is_empty(), "{key} has no comment");
    let _ = write!(out, "\n### <a id=\"{key}\"></a>`{key}`\n\n{}\n", plain(meaning));
    let mut rows = Vec::new();
    fields(data, "", root, &mut rows);
    if rows.is_empty() {
        let _ = write!(out, "\nNo fields: `{key} = {{}}`.\n");
    } else {
        let _ =
            write!(out, "\n| field | type | unit | default | meaning |\n|---|---|---|---|---|\n");
        for row in rows {
            assert!(!row.meaning.is_empty(), "{key}: `{}` has no comment", row.name);
            let counted = row.kind.contains("integer");
            assert_eq!(counted, !row.unit.is_empty(), "{key}: the unit of `{}`", row.name);
            let Row { name, kind, unit, default, meaning } = row;
            let _ = writeln!(out, "| `{name}` | {kind} | {unit} | {default} | {meaning} |");
        }
    }
    let users: Vec<(&Rule, &String)> = profile
        .rules
        .iter()
        .flat_map(|rule| rule.wants().iter().map(move |want| (rule, want)))
        .filter(|(_, want)| want.strip_prefix(key).is_some_and(|w| w.trim_start().starts_with('=')))
        .collect();
    assert!(!users.is_empty(), "no row uses `{key}`; remove it, or say here what it is for");
    let _ = write!(out, "\n```toml\n{}\n```\n", users[0].1);
    for (held, label) in [(true, "Wanted by"), (false, "Observed by, never changed for")] {
        let mut ids: Vec<String> = users
            .iter()
            .filter(|(rule, _)| rule.is_enforced() == held)
            .map(|(rule, _)| format!("[{0}](rules.md#{0})", rule.id))
            .collect();
        ids.dedup();
        if !ids.is_empty() {
            let _ = write!(out, "\n{label}: {}.\n", ids.join(", "));
        }
    }
}

/// A line of a table of fields, as Markdown.
struct Row {
    name: String,
    kind: String,
    unit: String,
    default: String,
    meaning: String,
}

/// The fields of a table: those that are required in their order, then the others by name.
fn fields(table: &Value, prefix: &str, root: &Value, out: &mut Vec<Row>) {
    let Some(all) = table["properties"].as_object() else { return };
    let required: Vec<&str> =
        table["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let others = all.keys().map(String::as_str).filter(|name| !required.contains(name));
    for name in required.iter().copied().chain(others) {
        let default = match all[name].get("default") {
            _ if required.contains(&name) => "required".to_owned(),
            Some(Value::Null) | None => String::new(),
            Some(default) => format!("`{default}`"),
        };
        field(&all[name], &format!("{prefix}{name}"), default, root, out);
    }
}

/// A field, and what is inside it.
fn field(said: &Value, name: &str, default: String, root: &Value, out: &mut Vec<Row>) {
    let of = target(root, said);
    let either = of["oneOf"].as_array().map_or(&[][..], Vec::as_slice);
    let (words, tables): (Vec<&Value>, Vec<&Value>) =
        either.iter().partition(|one| one["const"].is_string());
    let mut meaning = cell(said["description"].as_str().unwrap_or_default());
    for word in &words {
        let about = cell(word["description"].as_str().unwrap_or_default());
        let _ = write!(meaning, "<br>`{}`: {about}", word["const"].as_str().unwrap());
    }
    let unit = said["x-unit"].as_str().unwrap_or_default().to_owned();
    let kind = if !tables.is_empty() {
        "table with one of the keys below".to_owned()
    } else if !words.is_empty() {
        "one of the words".to_owned()
    } else {
        kind(of, root)
    };
    out.push(Row { name: name.to_owned(), kind, unit, default, meaning });
    for table in tables {
        let (key, inner) = table["properties"].as_object().unwrap().iter().next().unwrap();
        let mut inner = inner.clone();
        inner["description"] = table["description"].clone();
        field(&inner, &format!("{name}.{key}"), "one of them".to_owned(), root, out);
    }
    let inside = if of["type"] == "array" { target(root, &of["items"]) } else { of };
    fields(inside, &format!("{name}."), root, out);
}

/// The type of a value, in words.
fn kind(of: &Value, root: &Value) -> String {
    if let Some(kind) = of["x-type"].as_str() {
        return cell(kind);
    }
    let kind = match &of["type"] {
        Value::Array(kinds) => kinds.iter().find(|kind| *kind != "null").and_then(Value::as_str),
        kind => kind.as_str(),
    };
    match kind.unwrap_or_else(|| panic!("a type without a name: {of}")) {
        "array" => format!("list of: {}", kind_of_item(&of["items"], root)),
        "object" => "table".to_owned(),
        "integer" if of["minimum"] == 0 => "integer, 0 or more".to_owned(),
        kind => kind.to_owned(),
    }
}

fn kind_of_item(item: &Value, root: &Value) -> String {
    kind(target(root, item), root)
}

/// The schema that a value really has: behind a reference, or beside `null`.
fn target<'a>(root: &'a Value, of: &'a Value) -> &'a Value {
    if let Some(name) = of["$ref"].as_str().and_then(|to| to.strip_prefix("#/$defs/")) {
        return target(root, &root["$defs"][name]);
    }
    match of["anyOf"].as_array() {
        Some(either) => target(root, either.iter().find(|one| one["type"] != "null").unwrap()),
        None => of,
    }
}

/// A doc comment without the links of rustdoc.
fn plain(text: &str) -> String {
    Regex::new(r"\[(`[^`]+`)\](?:\([^)]*\)|\[[^\]]*\])?").unwrap().replace_all(text, "$1").into()
}

/// A doc comment in a cell of a table.
fn cell(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shown(table: Value) -> Vec<String> {
        let mut rows = Vec::new();
        fields(&table, "", &table, &mut rows);
        let line =
            |r: &Row| format!("{}|{}|{}|{}|{}", r.name, r.kind, r.unit, r.default, r.meaning);
        rows.iter().map(line).collect()
    }

    #[test]
    fn a_field_says_type_unit_default_and_meaning() {
        let table = json!({
            "required": ["b", "a"],
            "properties": {
                "a": { "type": "integer", "minimum": 0, "x-unit": "days", "description": "A\nday." },
                "b": { "description": "See [`B`](x).", "$ref": "#/$defs/B" },
                "c": { "type": ["array", "null"], "items": { "type": "string" }, "default": ["x"] },
            },
            "$defs": { "B": { "type": "string", "x-type": "text | word" } },
        });
        let want = [
            "b|text \\| word||required|See `B`.",
            "a|integer, 0 or more|days|required|A day.",
            "c|list of: string||`[\"x\"]`|",
        ];
        assert_eq!(shown(table), want);
    }

    #[test]
    fn words_and_tables_inside_a_field_are_listed() {
        let table = json!({
            "properties": {
                "how": { "description": "How.", "anyOf": [{ "$ref": "#/$defs/How" }, { "type": "null" }] },
                "what": { "description": "What.", "$ref": "#/$defs/What" },
            },
            "$defs": {
                "How": { "oneOf": [{ "type": "string", "const": "so", "description": "Like this." }] },
                "What": { "oneOf": [{
                    "description": "One.",
                    "required": ["one"],
                    "properties": { "one": {
                        "type": "object",
                        "properties": { "n": { "type": "integer", "description": "N." } },
                    } },
                }] },
            },
        });
        let want = [
            "how|one of the words|||How.<br>`so`: Like this.",
            "what|table with one of the keys below|||What.",
            "what.one|table||one of them|One.",
            "what.one.n|integer|||N.",
        ];
        assert_eq!(shown(table), want);
    }
}
