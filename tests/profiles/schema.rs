//! The JSON Schema of profiles says of them what the loader says.

use std::fs;

use serde_json::Value;

use crate::program::Tree;
use crate::support::repository;

const FILE: &str = "docs/schema/profile-1.schema.json";

fn schema() -> String {
    let (status, out, err) = Tree::new(&[]).run("profile schema");
    assert_eq!(status, 0, "{err}");
    out
}

#[test]
fn the_shipped_one_is_current() {
    let want = schema();
    if std::env::var_os("BLESS").is_some() {
        fs::write(repository(FILE), &want).unwrap();
    }
    let found = fs::read_to_string(repository(FILE)).unwrap_or_default();
    assert!(found == want, "{FILE}: BLESS=1 cargo test --test profiles schema");
}

/// TOML as JSON; a date is a text.
fn json(text: &str) -> Value {
    fn plain(value: toml::Value) -> Value {
        match value {
            toml::Value::Datetime(date) => Value::String(date.to_string()),
            toml::Value::Array(items) => items.into_iter().map(plain).collect(),
            toml::Value::Table(fields) => {
                Value::Object(fields.into_iter().map(|(k, v)| (k, plain(v))).collect())
            }
            other => serde_json::to_value(other).unwrap(),
        }
    }
    plain(toml::Value::Table(text.parse().unwrap()))
}

fn is_valid(text: &str) -> Result<(), String> {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    compiler.add_resource("profile.json", serde_json::from_str(&schema()).unwrap()).unwrap();
    let id = compiler.compile("profile.json", &mut schemas).unwrap();
    schemas.validate(&json(text), id).map_err(|e| format!("{e:#}"))
}

#[test]
fn what_ships_is_valid_and_names_it() {
    let mut files = vec![repository("profiles/aks-node.toml")];
    for entry in fs::read_dir(repository("profiles/aks-ubuntu-18.04")).unwrap() {
        files.push(entry.unwrap().path());
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        is_valid(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let named =
            text.lines().next().unwrap().strip_prefix("#:schema ").expect("it names the schema");
        let there = fs::canonicalize(file.parent().unwrap().join(named)).unwrap();
        assert_eq!(there, fs::canonicalize(repository(FILE)).unwrap(), "{}", file.display());
    }
}

#[test]
fn mistakes_that_an_editor_can_see_are_seen() {
    let good = "extends = \"auto\"\n[[waive]]\nrule = \"5.3.4\"\nonly = [\"account:solr\"]\nreason = \"r\"\n\
                by = \"b\"\nuntil = 2999-01-01\n";
    is_valid(good).unwrap();
    for (old, new) in [
        ("reason", "reson"),
        ("2999-01-01", "\"soon\""),
        ("account:solr", "user:solr"),
        ("[\"account:solr\"]", "[]"),
        ("extends = \"auto\"", "extends = 1"),
        ("extends = \"auto\"", "format = \"gokaku.profile/2\""),
    ] {
        assert!(is_valid(&good.replace(old, new)).is_err(), "{new}");
    }
}
