//! ntpd's and postfix' configuration.

use gokaku::text::ntp::{add_flags, default_restricts, push, words};
use gokaku::text::postfix::{Main, listeners, set};

use super::support::{chosen, kept, kept_around};

/// What is set is got; other lines and parameters stay.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    if pick % 2 == 0 { ntpd(&text, pick / 2) } else { postfix(&text) }
}

fn ntpd(text: &str, pick: usize) {
    let found = default_restricts(text);
    if !found.is_empty() {
        let entry = &found[pick % found.len()];
        let once = add_flags(text, entry.line, &["noquery"]);
        let after = default_restricts(&once);
        assert_eq!(after.len(), found.len(), "{once:?}");
        for (old, new) in found.iter().zip(&after) {
            let mut want = old.clone();
            if old.line == entry.line {
                want.flags.push("noquery".to_owned());
            }
            assert_eq!(*new, want, "{text:?}\n{once:?}");
        }
        kept_around(text, &once, entry.line, entry.line);
    }
    let more = push(text, "restrict default kod");
    assert_eq!(default_restricts(&more).len(), found.len() + 1, "{more:?}");
    text.lines().for_each(|line| drop(words(line)));
}

fn postfix(text: &str) {
    listeners(text);
    let key = "inet_interfaces";
    let once = set(text, key, "loopback-only");
    let (before, after) = (Main::parse(text), Main::parse(&once));
    assert_eq!(after.expanded(key).as_deref(), Some("loopback-only"), "{once:?}");
    assert_eq!(set(&once, key, "loopback-only"), once, "twice is once");
    for other in ["mydestination", "inet_protocols"] {
        let value = |main: &Main| main.get(other).map(|p| p.value.clone());
        assert_eq!(value(&before), value(&after), "{other}: {text:?}\n{once:?}");
        before.expanded(other);
    }
    if !text.contains(key) {
        kept(text, &once, |_| true);
    }
}
