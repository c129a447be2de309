//! Every template: both languages, the same placeholders.

use std::collections::BTreeSet;

use super::render::{Piece, pieces};
use super::*;

messages! { "test";
    lines(path, lines) {
        en: "{path}: {lines} {lines:line|lines}",
        ja: "{path}: {lines} 行",
    }
    kept(path, why) {
        en: "{path} is kept: {why}",
        ja: "{path} は変更しない: {why}",
    }
}

/// Every family's templates.
fn all() -> Vec<&'static Template> {
    super::FAMILIES.iter().flat_map(|family| family.iter()).chain(TEMPLATES).collect()
}

fn places(text: &'static str) -> BTreeSet<&'static str> {
    let name = |piece| match piece {
        Piece::Place { name, .. } => Some(name),
        Piece::Words(_) => None,
    };
    pieces(text).filter_map(name).collect()
}

#[test]
fn a_message_reads_in_both_languages() {
    let one = kept("/etc/x", lines("/etc/y", 1usize));
    assert_eq!(one.text(Lang::En), "/etc/x is kept: /etc/y: 1 line");
    assert_eq!(one.text(Lang::Ja), "/etc/x は変更しない: /etc/y: 1 行");
    let causes = vec![lines("/a", 2usize), kept("/b", Arg::cause("no such file"))];
    let list = kept("/c", causes);
    assert_eq!(list.to_string(), "/c is kept: /a: 2 lines; /b is kept: no such file");
    assert!(list.text(Lang::Ja).ends_with("/a: 2 行。/b は変更しない: 「no such file」"));
}

#[test]
fn a_report_reads_back() {
    let message = kept("/etc/x", vec![lines("/etc/y", 1usize), Message::value("0644")]);
    let json = serde_json::to_string(&message).unwrap();
    let read: Message = serde_json::from_str(&json).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), json);
    assert_eq!((read.id(), read.text(Lang::Ja)), ("test.kept", message.text(Lang::Ja)));
    let value = serde_json::to_string(&Message::value("0644")).unwrap();
    assert_eq!(value, "\"0644\"");
    assert_eq!(serde_json::from_str::<Message>(&value).unwrap(), Message::value("0644"));
}

#[test]
fn texts_can_be_changed_at_any_depth() {
    let message = kept("/etc/x", vec![lines("secret", 1usize), Message::value("secret")]);
    assert!(message.any_text(&mut |text| text == "secret"));
    let veiled = message.with_texts(&mut |text| (text == "secret").then(|| "-".to_owned()));
    assert_eq!(veiled.to_string(), "/etc/x is kept: -: 1 line; -");
}

#[test]
fn every_template_has_its_arguments_in_both_languages() {
    let mut ids = BTreeSet::new();
    for template in all() {
        let args: BTreeSet<&str> = template.args.iter().copied().collect();
        assert_eq!(places(template.en), args, "{}: English", template.id);
        assert_eq!(places(template.ja), args, "{}: Japanese", template.id);
        assert!(ids.insert(template.id), "{} stands twice", template.id);
        let japanese = |c: char| {
            ('\u{3040}'..'\u{30ff}').contains(&c) || ('\u{4e00}'..'\u{9fff}').contains(&c)
        };
        let words = |piece: Piece<'_>| matches!(piece, Piece::Words(words) if words.contains(char::is_alphabetic));
        // Some only put their arguments beside each other.
        if !pieces(template.en).any(words) {
            continue;
        }
        assert!(template.ja.contains(japanese), "{}: no Japanese: {}", template.id, template.ja);
        assert!(!template.en.contains(japanese), "{}: no English: {}", template.id, template.en);
    }
}

/// A family's file that the list does not name would not be checked.
#[allow(clippy::disallowed_methods)] // the sources of the program, on the machine that tests it
#[test]
fn every_family_is_in_the_list() {
    let mut found = 0;
    let mut todo = vec![std::path::PathBuf::from("src")];
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else if std::fs::read_to_string(&path).unwrap_or_default().contains("\nmessages! {")
                && !path.ends_with("message/tests.rs")
            {
                found += 1;
            }
        }
    }
    assert_eq!(found, super::FAMILIES.len(), "declare the family in FAMILIES");
}
