//! `login.defs` and the defaults of `useradd`.

use gokaku::text::login_defs::{last, last_number, number, octal, set, settings};
use gokaku::text::useradd;

use super::support::{chosen, kept, one_of};

const KEYS: [&str; 3] = ["PASS_MAX_DAYS", "UMASK", "INACTIVE"];

/// What is set is got by both readers, once; other keys and lines stay.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let (key, pick) = one_of(pick, &KEYS);
    let foreign = |line: &str| !line.to_ascii_uppercase().contains(key);
    if pick % 2 == 1 {
        return defaults(&text, key, foreign);
    }
    number(&text);
    octal(&text);
    last_number(&text, key);

    let once = set(&text, key, "027", |_| false);
    assert_eq!(last(&once, key).as_deref(), Some("027"), "{once:?}");
    let all = settings(&once, key);
    assert_eq!(all.len(), 1, "{once:?}");
    assert_eq!(all[0].pam.as_deref(), Some("027"), "{once:?}");
    assert_eq!(set(&once, key, "027", |_| false), once, "twice is once");
    kept(&text, &once, foreign);
    for other in KEYS.into_iter().filter(|k| *k != key) {
        let read = |text| settings(text, other).into_iter().map(|s| (s.shadow, s.pam));
        assert!(read(&text).eq(read(&once)), "{other}: {once:?}");
    }
}

fn defaults(text: &str, key: &str, foreign: impl Fn(&str) -> bool) {
    let once = useradd::set(text, key, "30");
    assert_eq!(useradd::last(&once, key).map(|l| l.1), Some("30"), "{once:?}");
    assert_eq!(useradd::set(&once, key, "30"), once, "twice is once");
    kept(text, &once, foreign);
}
