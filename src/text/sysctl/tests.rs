//! Tests of sysctl.d.

use super::*;
use proptest::prelude::*;

const BIONIC: [Dialect; 2] = [Dialect::SystemdPlain, Dialect::ProcpsPlain];
const BULLSEYE: [Dialect; 2] = [Dialect::Systemd { negative: true }, Dialect::ProcpsLines];
const MODERN: [Dialect; 2] = [Dialect::Systemd { negative: true }, Dialect::ProcpsList];

fn values(text: &str, dialect: Dialect) -> Vec<Option<String>> {
    let found = assignments(text, &Key::new("net.ipv4.rp"), dialect);
    found.into_iter().map(|a| a.value).collect()
}

#[test]
fn dialects_of_versions() {
    assert_eq!(Dialect::systemd(237), BIONIC[0]);
    assert_eq!(Dialect::systemd(247), MODERN[0]);
    assert_eq!(Dialect::procps(&[3, 3, 12]), BIONIC[1]);
    assert_eq!(Dialect::systemd(243), Dialect::Systemd { negative: false });
    assert_eq!(Dialect::procps(&[3, 3, 17]), BULLSEYE[1]);
    assert_eq!(Dialect::procps(&[4, 0]), MODERN[1]);
}

#[test]
fn keys_have_one_spelling() {
    let same = |a, b| Key::new(a) == Key::new(b);
    assert!(same("net.ipv4.conf.all.rp_filter", "net/ipv4/conf/all/rp_filter"));
    assert!(same("net.ipv4.conf.eth0/100.x", "net/ipv4/conf/eth0.100/x"));
    assert!(same("/net/ipv4//rp", "net.ipv4.rp"));
    assert!(same("net/./ipv4/x/../rp", "net.ipv4.rp"));
    assert!(!same("net.ipv4/rp", "net.ipv4.rp"), "mixed: the slash stands for a dot");
    assert!(!same("net.ipv4.rp", "net.ipv4.rp2"));
}

#[test]
fn lines_all_readers_agree_on() {
    let v = |v: &str| vec![Some(v.to_owned())];
    for (text, want) in [
        ("net.ipv4.rp = 1\n", v("1")),
        ("net.ipv4.rp=1", v("1")),
        ("\tnet/ipv4/rp =\t1  \r\n", v("1")),
        ("net.ipv4.rp = 1 # why\n", v("1 # why")),
        ("net.ipv4.rp = a = b\n", v("a = b")),
        ("#net.ipv4.rp = 1\n", vec![]),
        ("  ; net.ipv4.rp = 1\n", vec![]),
        ("net.ipv4.rp2 = 1\nnet.ipv4.r = 1\nxnet.ipv4.rp=1\n", vec![]),
        ("NET.ipv4.rp = 1\n", vec![]),
        ("net.ipv4.rp\n", vec![]),
        ("net.ipv4.* = 1\nnet.ipv4.r? = 1\n", vec![]),
        ("", vec![]),
    ] {
        for dialect in BIONIC.into_iter().chain(BULLSEYE).chain(MODERN) {
            assert_eq!(values(text, dialect), want, "{dialect:?} {text:?}");
        }
    }
}

#[test]
fn lines_they_do_not_agree_on() {
    let one = || vec![Some("1".to_owned())];
    let empty = || vec![Some(String::new())];
    let table: [(&str, [Vec<Option<String>>; 5]); 8] = [
        // systemd 237, 247; procps 3.3.12, 3.3.17, 4.0
        ("-net.ipv4.rp = 1", [vec![], one(), vec![], one(), one()]),
        ("- net.ipv4.rp = 1", [vec![], one(), vec![], vec![], vec![]]),
        ("-net.ipv4.rp", [vec![], vec![None], vec![], vec![], vec![]]),
        ("net.ipv4.rp =", [empty(), empty(), vec![], vec![], empty()]),
        ("=net.ipv4.rp=1", [vec![], vec![], one(), one(), vec![]]),
        ("\x0bnet.ipv4.rp=1", [vec![], vec![], vec![], vec![], one()]),
        ("net.ipv4.rp=1\0 x", [one(), one(), one(), one(), one()]),
        ("# x\rnet.ipv4.rp=1", [vec![], one(), vec![], vec![], vec![]]),
    ];
    let dialects = [BIONIC[0], BULLSEYE[0], BIONIC[1], BULLSEYE[1], MODERN[1]];
    for (text, want) in table {
        for (dialect, want) in dialects.into_iter().zip(want) {
            assert_eq!(values(text, dialect), want, "{dialect:?} {text:?}");
        }
    }
    let torn = assignments("# x\rnet.ipv4.rp=1\n", &Key::new("net.ipv4.rp"), BULLSEYE[0]);
    assert!(!torn[0].whole);
}

#[test]
fn overlong_lines_fall_into_pieces() {
    let mut text = "#".repeat(255);
    text.push_str("net.ipv4.rp = 2\n");
    let key = Key::new("net.ipv4.rp");
    let found = assignments(&text, &key, Dialect::ProcpsPlain);
    assert_eq!(found.len(), 1);
    assert!(!found[0].whole && found[0].is("2"));
    assert!(assignments(&text, &key, BIONIC[0]).is_empty());
    assert_eq!(disable(&text, "net.ipv4.rp", "1", &BIONIC), text, "cannot be edited");
}

#[test]
fn set_replaces_in_place_and_keeps_the_rest() {
    for (text, want) in [
        ("", "net.ipv4.rp = 1\n"),
        ("net.ipv4.rp = 1\n", "net.ipv4.rp = 1\n"),
        ("net.ipv4.rp = 0\n", "net.ipv4.rp = 1\n"),
        (" net/ipv4/rp=0 # x\r\nb=2", " net/ipv4/rp=1\r\nb=2"),
        ("net.ipv4.rp = 0\nnet.ipv4.rp = 2\n", "net.ipv4.rp = 1\nnet.ipv4.rp = 1\n"),
        ("net.ipv4.rp =", "net.ipv4.rp =1"),
        ("# net.ipv4.rp = 1\n", "# net.ipv4.rp = 1\n\nnet.ipv4.rp = 1\n"),
        ("# a\nz = 1\ny = 2", "# a\nz = 1\ny = 2\n\nnet.ipv4.rp = 1\n"),
        ("a = 1\nz = 1\n", "a = 1\nnet.ipv4.rp = 1\nz = 1\n"),
        ("# a\n\nz = 1\n", "# a\n\nnet.ipv4.rp = 1\nz = 1\n"),
        ("x = 1\n\n", "x = 1\n\nnet.ipv4.rp = 1\n"),
        ("-net.ipv4.rp = 1\n", "-net.ipv4.rp = 1\nnet.ipv4.rp = 1\n"),
    ] {
        assert_eq!(set(text, "net.ipv4.rp", "1", &BIONIC), want, "{text:?}");
    }
}

#[test]
fn disable_switches_off_wrong_values_only() {
    let text = "net.ipv4.rp = 2\r\nnet.ipv4.rp = 1\nnet/ipv4/rp=0\n-net.ipv4.rp\nnet.ipv4.x=0";
    assert_eq!(
        disable(text, "net.ipv4.rp", "1", &BIONIC),
        "# gokaku: net.ipv4.rp = 2\r\nnet.ipv4.rp = 1\n# gokaku: net/ipv4/rp=0\n-net.ipv4.rp\nnet.ipv4.x=0"
    );
    assert_eq!(disable("-net.ipv4.rp", "net.ipv4.rp", "1", &MODERN), "# gokaku: -net.ipv4.rp");
}

#[test]
fn a_huge_file_is_read_in_one_go() {
    let mut text = "net.ipv4.rp = 2\n".repeat(100_000);
    text.push_str(&"#net.ipv4.rp ".repeat(100_000));
    let text = set(&text, "net.ipv4.rp", "1", &BIONIC);
    assert!(assignments(&text, &Key::new("net.ipv4.rp"), BIONIC[0]).iter().all(|a| a.is("1")));
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ab]\\.[ab] ?= ?[0-2]\r?",
        "-?[ab][./][ab][./]?[ab]? ?=? ?[0-2]?",
        "[#;] ?a\\.b ?= ?[0-2]",
        "[ -~]{0,20}",
        Just(String::new()),
    ]
}

fn file() -> impl Strategy<Value = String> {
    (proptest::collection::vec(line(), 0..8), any::<bool>()).prop_map(|(lines, end)| {
        let text = lines.join("\n");
        if end && !text.is_empty() { text + "\n" } else { text }
    })
}

fn last(text: &str, name: &str, dialect: Dialect) -> Option<String> {
    assignments(text, &Key::new(name), dialect).pop()?.value
}

#[test]
fn a_piece_of_a_line_does_not_outrank_what_is_set() {
    // The carriage return parts the second line for one reader only.
    let text = "net.ipv4.rp = 1\nx\rnet.ipv4.rp = 0\n";
    let once = set(text, "net.ipv4.rp", "1", &BULLSEYE);
    assert_eq!(values(&once, BULLSEYE[0]).pop(), Some(Some("1".to_owned())));
    assert_eq!(set(&once, "net.ipv4.rp", "1", &BULLSEYE), once);
    // Here the place by name would be before it.
    let text = "\nnet.ipv4.q = 1\nnet.ipv4.z = 1\rnet.ipv4.rp = 0\n";
    let once = set(text, "net.ipv4.rp", "1", &BULLSEYE);
    assert_eq!(once, format!("{text}\nnet.ipv4.rp = 1\n"));
}

#[test]
fn what_follows_in_the_same_line_is_kept() {
    let text = "net.ipv4.rp = 0\rnet.ipv4.q = 1\n";
    let once = set(text, "net.ipv4.rp", "1", &MODERN);
    let other = assignments(&once, &Key::new("net.ipv4.q"), MODERN[0]);
    assert_eq!(other.len(), 1, "{once:?}");
    for dialect in MODERN {
        assert_eq!(values(&once, dialect).pop(), Some(Some("1".to_owned())), "{dialect:?}");
    }
}

proptest! {
    #[test]
    fn a_spelling_is_one_of_the_same_key(key in "[ab./]{0,7}", name in "[ab./]{0,7}") {
        let key = Key::new(&key);
        prop_assert_eq!(key.is_named(&name), Key::new(&name) == key, "{:?} {}", key, name);
    }

    #[test]
    fn what_was_set_is_got(text in file()) {
        for dialects in [BIONIC, BULLSEYE, MODERN] {
            let once = set(&text, "a.b", "1", &dialects);
            for d in dialects {
                prop_assert_eq!(last(&once, "a.b", d), Some("1".to_owned()));
                let other = assignments(&text, &Key::new("b.a"), d);
                let others = assignments(&once, &Key::new("b.a"), d);
                let strip = |v: Vec<Assignment>| -> Vec<_> {
                    v.into_iter().map(|a| a.value).collect()
                };
                prop_assert_eq!(strip(other), strip(others));
            }
            prop_assert_eq!(&set(&once, "a.b", "1", &dialects), &once);
        }
    }

    #[test]
    fn the_order_of_setting_does_not_matter(
        text in file(),
        keys in Just(vec!["a.b", "a.a", "b.b", "c", "a.b.a", "b.a"]).prop_shuffle(),
    ) {
        let by = |keys: &[&str]| {
            keys.iter().fold(text.clone(), |t, k| set(&t, k, "1", &BIONIC))
        };
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        prop_assert_eq!(by(&keys), by(&sorted));
    }

    #[test]
    fn disabling_leaves_no_wrong_value(text in file()) {
        let off = disable(&text, "a.b", "1", &MODERN);
        for d in MODERN {
            prop_assert!(assignments(&off, &Key::new("a.b"), d).iter().all(|a| a.is("1")));
        }
        prop_assert_eq!(Lines::new(&off).len(), Lines::new(&text).len());
        prop_assert_eq!(&disable(&off, "a.b", "1", &MODERN), &off);
    }

    #[test]
    fn nothing_panics(text in any::<String>(), name in any::<String>()) {
        for dialects in [BIONIC, BULLSEYE, MODERN] {
            set(&text, &name, "1", &dialects);
            disable(&text, &name, "1", &dialects);
        }
    }
}
