//! The pages for people say what the program does.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod field_page;
mod primitives_page;
mod rules_page;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;
use std::fs;

use gokaku::message::Lang;
use gokaku::profile::Profile;
use regex::Regex;
use support::repository;

const READMES: [&str; 2] = ["README.md", "README.ja.md"];

fn read(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// The first group of every match.
fn all(pattern: &str, text: &str) -> BTreeSet<String> {
    Regex::new(pattern).unwrap().captures_iter(text).map(|c| c[1].to_owned()).collect()
}

/// A page in `docs/` is `want`; with `BLESS` in the environment it is written.
fn assert_current(path: &str, want: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(repository(path), want).unwrap();
        return;
    }
    let found = fs::read_to_string(repository(path)).unwrap_or_default();
    if found == want {
        return;
    }
    let line = 1 + found.lines().zip(want.lines()).take_while(|(a, b)| a == b).count();
    let at = |text: &str| text.lines().nth(line - 1).unwrap_or("(the end)").to_owned();
    panic!(
        "{path}:{line}: found {:?}, want {:?}\nThe page is not what it is made from. \
         Write it anew: BLESS=1 cargo test --test docs",
        at(&found),
        at(want)
    );
}

#[test]
fn the_pages_of_rules_are_current() {
    let profile = Profile::embedded().unwrap();
    for (path, lang) in [("docs/rules.md", Lang::En), ("docs/rules.ja.md", Lang::Ja)] {
        assert_current(path, &rules_page::render(&profile, lang));
    }
}

#[test]
fn the_page_of_primitives_is_current() {
    let profile = Profile::embedded().unwrap();
    assert_current("docs/primitives.md", &primitives_page::render(&profile));
}

#[test]
fn the_page_of_consumers_is_current() {
    let profile = Profile::embedded().unwrap();
    assert_current("docs/field.md", &field_page::render(&profile));
    assert_current("docs/field.ja.md", &field_page::render_ja(&profile));
}

#[test]
fn the_readmes_name_every_verb() {
    let command = gokaku::cli::command();
    let verbs: BTreeSet<String> =
        command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    assert!(verbs.contains("apply"), "{verbs:?}");
    for path in READMES {
        // As they are typed: `gokaku list`. Prose has the name in front of other words, too.
        let shown = all(r"(?m)(?:^\$ |`)gokaku ([a-z]+)", &read(path));
        let known = |v: &String| verbs.contains(v) || v == "help";
        let missing: Vec<_> = verbs.difference(&shown).collect();
        let wrong: Vec<_> = shown.iter().filter(|v| !known(v)).collect();
        assert!(missing.is_empty(), "{path}: not named: {missing:?}");
        assert!(wrong.is_empty(), "{path}: there is no such verb: {wrong:?}");
    }
}

#[test]
fn the_readmes_list_the_exit_statuses_of_the_help() {
    let help = gokaku::cli::command().get_after_help().unwrap().to_string();
    let (_, statuses) = help.split_once("Exit status:").expect("the help lists exit statuses");
    let want = all(r"(?:^|·)\s*([0-9]+) ", statuses);
    assert!(want.contains("0") && want.len() > 2, "{help}");
    for path in READMES {
        assert_eq!(all(r"(?m)^\| ([0-9]+) \|", &read(path)), want, "{path}: the rows of statuses");
    }
}

#[test]
fn one_table_of_exit_statuses_stands_everywhere() {
    use gokaku::cli::status;
    for (path, japanese) in [("README.md", false), ("README.ja.md", true)] {
        let (page, want) = (read(path), status::markdown(japanese));
        let rows: String = page
            .lines()
            .skip_while(|l| !l.starts_with("| exit status |") && !l.starts_with("| 終了コード |"))
            .skip(2)
            .take_while(|l| l.starts_with('|'))
            .map(|l| format!("{l}\n"))
            .collect();
        assert!(!rows.is_empty(), "{path}: no table of exit statuses");
        if std::env::var_os("BLESS").is_some() {
            fs::write(repository(path), page.replace(&rows, &want)).unwrap();
            continue;
        }
        assert_eq!(rows, want, "{path}; BLESS=1 cargo test --test docs writes it anew");
    }
    let schema: serde_json::Value =
        serde_json::from_str(&read("docs/schema/report-1.schema.json")).unwrap();
    let rows: Vec<serde_json::Value> = status::TABLE
        .iter()
        .map(|row| serde_json::json!({"status": row.status, "meaning": row.en}))
        .collect();
    assert_eq!(schema["x-exit-status"], serde_json::Value::Array(rows), "the schema");
    let help = gokaku::cli::command().get_after_help().unwrap().to_string();
    for row in &status::TABLE {
        assert!(help.contains(&format!("{} {}", row.status, row.short)), "{help}");
    }
}

#[test]
fn the_readmes_name_no_environment_variable_that_nothing_reads() {
    let mut known = BTreeSet::new();
    let mut commands = vec![gokaku::cli::command()];
    while let Some(command) = commands.pop() {
        let variables = command.get_arguments().filter_map(|a| a.get_env());
        known.extend(variables.map(|name| name.to_str().unwrap().to_owned()));
        commands.extend(command.get_subcommands().cloned());
    }
    assert!(known.contains("GOKAKU_ROOT"), "{known:?}");
    for dir in ["tests", "provision"] {
        for entry in fs::read_dir(repository(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "sh") {
                // A script reads what it expands; what it only sets is no word of its own.
                let script = fs::read_to_string(&path).unwrap();
                known.extend(all(r"\$\{?(GOKAKU_[A-Z0-9_]+)", &script));
            }
        }
    }
    for path in READMES {
        let named = all(r"\b(GOKAKU_[A-Z0-9_]+)", &read(path));
        let wrong: Vec<_> = named.difference(&known).collect();
        assert!(wrong.is_empty(), "{path}: nothing reads {wrong:?}");
    }
}

/// `fn` names below `#[test]` in the sources of the program and its tests.
fn tests_in(dir: &std::path::Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_in(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.extend(all(r"#\[test\]\s+(?:#\[[^\]]*\]\s+)*fn (\w+)\(", &text));
        }
    }
}

#[test]
fn every_promise_of_the_security_page_names_tests_that_exist() {
    let mut known = BTreeSet::new();
    for dir in ["src", "tests"] {
        tests_in(&repository(dir), &mut known);
    }
    let page = read("SECURITY.md");
    let (_, promises) = page.split_once("## What is promised").unwrap();
    let (promises, _) = promises.split_once("\n## ").unwrap();
    let rows: Vec<&str> =
        promises.lines().filter(|l| l.starts_with("| ") && !l.starts_with("| promise")).collect();
    assert!(rows.len() > 10, "{rows:#?}");
    for row in rows {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let named = all(r"`(\w+)`", tests);
        assert!(!named.is_empty(), "no test holds it: {row}");
        let wrong: Vec<_> = named.difference(&known).collect();
        assert!(wrong.is_empty(), "SECURITY.md names tests that do not exist: {wrong:?}");
    }
    // And the variables with which the long runs are asked for are read somewhere.
    let mut sources = String::new();
    let mut todo = vec![repository("tests")];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            match entry.extension() {
                _ if entry.is_dir() => todo.push(entry),
                Some(end) if end == "rs" => sources.push_str(&fs::read_to_string(entry).unwrap()),
                _ => {}
            }
        }
    }
    for variable in all(r"\b(GOKAKU_TEST_[A-Z_]+)=", &page) {
        assert!(sources.contains(&format!("\"{variable}\"")), "nothing reads {variable}");
    }
}
