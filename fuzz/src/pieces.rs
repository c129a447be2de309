//! What the editors are made of: lines, splices, patterns, banners.

use gokaku::text::Lines;
use gokaku::text::banner::{is_blank, leaks};
use gokaku::text::crontab;
use gokaku::text::lossless;
use gokaku::text::pattern::{Wildcards, is_pattern, matches, name_matches, path_matches};
use gokaku::text::services::has_service;
use gokaku::text::splice::{Edit, splice};

use super::support::chosen;

/// Lines keep their ends; patterns match what they spell.
pub fn run(data: &[u8]) {
    let decoded = lossless::decode(data);
    assert_eq!(lossless::encode(&*decoded), data);
    assert!(!lossless::holds(&lossless::shown(&decoded)));
    let (pick, text) = chosen(data);
    let lines = Lines::new(&text);
    assert_eq!(lines.to_string(), text);
    let at = 1 + pick % (lines.len() + 1);
    let mut more = lines.clone();
    more.insert(at, "x");
    assert_eq!(more.get(at), Some("x"));
    more.remove(at);
    assert!(more.to_string().starts_with(text.as_ref()));
    let mut set = lines.clone();
    set.set(at, "x");
    for (number, line) in lines.iter().filter(|(n, _)| *n != at) {
        assert_eq!(set.get(number), Some(line));
    }
    let mut off = lines.clone();
    off.disable(at);
    assert_eq!(off.len(), lines.len());

    let cut: Vec<usize> = text.char_indices().map(|(i, _)| i).collect();
    if let Some(from) = cut.get(pick % cut.len().max(1)) {
        let edits = vec![Edit::insert(*from, "ab"), Edit::replace(*from..text.len(), "c")];
        assert_eq!(splice(&text, edits), format!("{}abc", &text[..*from]));
    }

    for leak in leaks(data, Some("Ubuntu")) {
        assert!((1..=text.split('\n').count()).contains(&leak.line));
    }
    is_blank(data);

    // One line that cron cannot read is enough, wherever it stands.
    if let Ok(entries) = crontab::entries(&text) {
        assert!(entries.iter().all(|entry| entry.line <= text.split('\n').count()));
        let spoilt = format!("no table\n{text}");
        assert_eq!(crontab::entries(&spoilt), Err(crontab::Refusal::Line(1)));
    }
    assert!(has_service(&format!("{text}\nssh 22/tcp\n"), "ssh", "tcp"));

    let (pattern, name) = text.split_once('\n').unwrap_or((&text, "/var/log/syslog"));
    for wildcards in [Wildcards::Stars, Wildcards::Libc, Wildcards::Bsd] {
        let fits = matches(wildcards, pattern.as_bytes(), name.as_bytes());
        assert!(fits || !name_matches(wildcards, pattern.as_bytes(), name.as_bytes()));
        path_matches(wildcards, pattern, name);
        assert!(matches(wildcards, b"*", name.as_bytes()), "{name:?}");
        if !is_pattern(wildcards, name) {
            assert!(path_matches(wildcards, name, name), "{name:?}");
            assert!(matches(wildcards, name.as_bytes(), name.as_bytes()), "{name:?}");
        }
    }
    let escaped: String = name.chars().flat_map(|c| ['\\', c]).collect();
    assert!(matches(Wildcards::Libc, escaped.as_bytes(), name.as_bytes()), "{name:?}");
}
