//! `limits.conf` and `pwquality.conf`.

use gokaku::text::limits;
use gokaku::text::pwquality::{self, Edition};

use super::support::{chosen, kept, one_of};

/// What is set is got; other lines stay.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    if pick % 2 == 0 { rlimits(&text) } else { quality(&text, pick / 2) }
}

fn rlimits(text: &str) {
    let before = limits::limits(text);
    let once = limits::set(text, None, "core", 0);
    let after = limits::limits(&once);
    assert_eq!(after[..before.len()], before[..], "{once:?}");
    assert_eq!(after.len(), before.len() + 1, "{once:?}");
    assert!(once.starts_with(text));
    let line = after[before.len()].line;
    assert_eq!(limits::set(&once, Some(line), "core", 0), once, "twice is once");
    assert_eq!(limits::limits(&limits::disable(&once, [line])), before);
}

fn quality(text: &str, pick: usize) {
    let (edition, pick) = one_of(pick, &[Edition::Old, Edition::New]);
    let (key, pick) = one_of(pick, &["minlen", "dcredit"]);
    let (value, _) = one_of(pick, &[14, -1, 0]);
    let set = |text: &str| pwquality::set(text, edition, key, value);
    let once = set(text);
    let (before, after) = (pwquality::read(text, edition), pwquality::read(&once, edition));
    assert_eq!(after.last(key).map(|s| s.value), Some(value), "{once:?}");
    assert_eq!(set(&once), once, "twice is once");
    for other in ["difok", "minclass"] {
        let same = before.last(other).map(|s| s.value) == after.last(other).map(|s| s.value);
        assert!(same, "{other}: {text:?}\n{once:?}");
    }
    kept(text, &once, |line| !line.to_ascii_lowercase().contains(key));
    let bare = pwquality::disable(text, before.stops.iter().map(|s| s.0));
    assert_eq!(pwquality::read(&bare, edition).stops, [], "{bare:?}");
}
