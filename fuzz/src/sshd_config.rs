//! sshd's configuration, line by line, and its values.

use std::collections::BTreeMap;

use gokaku::text::Lines;
use gokaku::text::sshd_config::{Edit, Style, edited, remainder, sample, statement};
use gokaku::text::sshd_value::{
    algorithms, c_number, listen_fits, loose_number, octal, pattern_fits, permits, port, scaled,
    seconds, startups_fit, strict_number,
};

use super::support::{chosen, one_of};

/// What a line is made to say is what is read; other lines stay.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let (style, pick) = one_of(pick, &[Style::Delimited, Style::Quoted]);
    values(&text, pick);
    let before = Lines::new(&text);
    for (_, line) in before.iter() {
        if let Some(said) = statement(line, style) {
            assert!(!said.keyword.is_empty() && !said.keyword.starts_with('#'));
        }
    }
    for (_, line) in before.iter() {
        assert!(remainder(line).is_none_or(|rest| line.contains(rest)));
        port(line);
        permits(line);
        octal(line);
        c_number(line);
        scaled(line);
        listen_fits(line);
        startups_fit(line);
    }
    let found = sample(&text, "Port", before.len());
    assert!(found.is_none_or(|n| n < before.len()));
    if before.is_empty() {
        return;
    }
    let at = 1 + pick % before.len();

    let set = |at| BTreeMap::from([(at, Edit::Set("Port 7".to_owned()))]);
    let once = edited(&text, style, &set(at), None);
    let after = Lines::new(&once);
    let moved = after.len() - before.len();
    let said = after.get(at + moved).and_then(|line| statement(line, style));
    assert!(said.is_some_and(|s| s.keyword == "Port" && s.args == ["7"]), "{text:?}\n{once:?}");
    assert_eq!(edited(&once, style, &set(at + moved), None), once, "twice is once");
    for (number, line) in before.iter().filter(|(n, _)| *n != at) {
        let number = if number > at { number + moved } else { number };
        assert_eq!(after.get(number), Some(line));
    }

    let off = edited(&text, style, &BTreeMap::from([(at, Edit::Disable)]), None);
    let off = Lines::new(&off);
    assert_eq!(off.get(at).and_then(|line| statement(line, style)), None);
    let more = edited(&text, style, &BTreeMap::new(), Some((at, "Port 7")));
    let mut more = Lines::new(&more);
    assert_eq!(more.get(at), Some("Port 7"));
    more.remove(at);
    assert_eq!(more.to_string(), text);
}

fn values(text: &str, pick: usize) {
    for sticky in [false, true] {
        assert!(seconds(text, sticky).is_none_or(|s| s >= 0));
    }
    if let Some(number) = strict_number(text) {
        assert_eq!(loose_number(text), number);
    }
    let (pattern, word) = text.split_once('\n').unwrap_or((text, "aes256-ctr"));
    pattern_fits(pattern, word);
    assert!(pattern_fits("*", word) && pattern_fits(&format!("*{word}"), word));
    let defaults = ["aes128-ctr", "aes256-ctr"];
    let (sign, _) = one_of(pick, &["", "+", "-", "^"]);
    let list = format!("{sign}{pattern}");
    let mut names = algorithms(&list, &defaults);
    let all = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all, "{list:?}");
}
