//! The JSON Schema of profiles, for editors: what can be written where, with a text for each field.

use serde_json::{Map, Value, json};

use super::{FORMAT, Profile};
use crate::check::{Check, SubjectKind};
use crate::message::Lang;

/// The schema of a layer and of a table in one file; its variables, rows and words are those of `profile`.
pub fn schema(profile: &Profile) -> Value {
    let mut check = schemars::schema_for!(Check).to_value();
    let mut definitions = match check.as_object_mut().and_then(|check| check.remove("$defs")) {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    };
    if let Some(check) = check.as_object_mut() {
        check.remove("$schema");
        check.remove("title");
    }
    // A variable may stand where a value does; the loader knows which.
    definitions.insert("want".to_owned(), check);
    definitions.insert(
        "both".to_owned(),
        json!({
            "description": "A text in both languages, or one text for both.",
            "anyOf": [
                { "type": "string" },
                {
                    "type": "object",
                    "properties": { "en": { "type": "string" }, "ja": { "type": "string" } },
                    "required": ["en", "ja"],
                    "additionalProperties": false
                }
            ]
        }),
    );
    definitions.insert("wants".to_owned(), json!({
        "description": "What must hold: one primitive each, with its data. \"${name}\" is a variable.",
        "type": "array",
        "items": { "type": "object", "minProperties": 1, "maxProperties": 1 }
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": FORMAT,
        "description": "A profile of gokaku: a layer over a table, or a table in one file.",
        "type": "object",
        "properties": properties(profile),
        "$defs": definitions,
    })
}

fn properties(profile: &Profile) -> Value {
    let rows = |of: &dyn Fn(&&super::Rule) -> bool| -> Value {
        profile
            .rules
            .iter()
            .filter(of)
            .map(|rule| {
                json!({
                    "const": rule.id.to_string(),
                    "description": rule.title.get(Lang::En),
                })
            })
            .collect()
    };
    let enforced = |rule: &&super::Rule| rule.is_enforced();
    let row = |of: &dyn Fn(&&super::Rule) -> bool| {
        json!({
            "description": "The id of a row; `gokaku list` shows them all.",
            "anyOf": [{ "oneOf": rows(of) }, { "type": "string" }]
        })
    };
    let reasons: Vec<&str> = profile.reasons.iter().map(super::Reason::key).collect();
    let kinds = SubjectKind::ALL.map(SubjectKind::word).join("|");
    let text = |description: &str| json!({ "type": "string", "description": description });
    let until = json!({
        "description": "The last day (UTC), as 2027-03-31; \"never\" has no end, \"withdrawn\" takes an \
                        inherited waiver back.",
        "anyOf": [
            { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
            { "enum": ["never", "withdrawn"] }
        ]
    });
    let vars: Map<String, Value> = profile
        .vars
        .iter()
        .map(|var| {
            let meaning = var.meaning.as_ref().map_or("", |meaning| meaning.get(Lang::En));
            let says = format!("{meaning} Want {}; it is {}.", var.range, var.value);
            (var.name.clone(), json!({ "description": says.trim() }))
        })
        .collect();
    let both = |description: &str| json!({ "$ref": "#/$defs/both", "description": description });
    let wants = json!({ "$ref": "#/$defs/wants" });
    let list = |description: &str, properties: Value, required: &[&str]| {
        json!({
            "description": description,
            "type": "array",
            "items": {
                "type": "object",
                "properties": properties,
                "required": required,
                "additionalProperties": false
            }
        })
    };
    json!({
        "format": { "const": FORMAT, "description": "The format of this file." },
        "extends": {
            "description": "What this file is a layer over, read from left to right: \"auto\", a name, or a \
                            file (with a slash or .toml; relative to this one).",
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }]
        },
        "title": both("What this file is for."),
        "source": text("Where its values are from."),
        "vars": {
            "description": "Values of the table's variables, and variables of this file's own.",
            "type": "object",
            "properties": vars
        },
        "waive": list("A row, or subjects of it, that is judged and shown, never fails a run, and is never \
                       changed.", json!({
            "rule": row(&|_| true),
            "only": {
                "description": "What of the row, as kind:value; without it, all of it.",
                "type": "array",
                "minItems": 1,
                "items": { "type": "string", "pattern": format!("^({kinds}):.+") }
            },
            "reason": both("Why."),
            "by": text("Who has decided it."),
            "until": until,
            "ticket": text("Where it was discussed."),
            "accept_drift": {
                "type": "boolean",
                "description": "Of a left-alone row: --strict passes over its drift."
            }
        }), &["rule", "reason", "until"]),
        "set": list("Other wants for a row of the table. Without `by` and `until`, the table's must hold, too.",
            json!({
                "rule": row(&enforced),
                "reason": both("Why."),
                "origin": both("Where the values are from."),
                "by": text("Who answers for it that the table's wants need not hold."),
                "until": until,
                "ticket": text("Where it was discussed."),
                "want": wants
            }), &["rule", "reason", "want"]),
        "enforce": list("A row that the table leaves alone, and that is enforced here.", json!({
            "rule": row(&|rule| !rule.is_enforced()),
            "accept": {
                "enum": reasons,
                "description": "The reason for which the table leaves the row alone: it is known, and accepted."
            },
            "reason": both("Why it is enforced all the same."),
            "origin": both("Where the values are from."),
            "ticket": text("Where it was discussed."),
            "want": wants
        }), &["rule", "accept", "reason", "want"]),
        "rule": {
            "description": "A row of this file's own, or of the table that this file is.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": text("Its id, as site.1."),
                    "title": both("What holds when it is met."),
                    "rationale": both("Why it is wanted."),
                    "origin": both("Where the required state is from."),
                    "level": { "enum": [1, 2], "description": "The level; 1 if it is not given." },
                    "severity": { "enum": ["low", "medium", "high"] },
                    "status": text("A status of the table; by default one that is enforced."),
                    "want": wants,
                    "observe": wants
                },
                "required": ["id", "title", "rationale"]
            }
        }
    })
}
