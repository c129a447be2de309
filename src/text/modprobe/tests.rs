//! Tests of modprobe.d.

use super::*;
use proptest::prelude::*;

fn shown(text: &str) -> Vec<String> {
    let show = |i: Install| format!("{}:{}={}", i.line, i.pattern, i.command);
    installs(text).into_iter().map(show).collect()
}

/// What kmod would run: with the module on disk, and without.
fn runs(text: &str, module: &str) -> (Option<String>, Option<String>) {
    let all = installs(text);
    let on = all.iter().find(|i| i.matches(module)).map(|i| i.command.clone());
    let off = all.iter().find(|i| i.names(module)).map(|i| i.command.clone());
    (on, off)
}

#[test]
fn reading() {
    for (text, want) in [
        ("", vec![]),
        ("install a /bin/true", vec!["1:a=/bin/true"]),
        (" \tinstall\ta  /bin/true \n", vec!["1:a=/bin/true"]),
        ("install usb-storage /bin/true\n", vec!["1:usb_storage=/bin/true"]),
        ("install [a-z]-x y\n", vec!["1:[a-z]_x=y"]),
        ("install a /bin/true # note\n", vec!["1:a=/bin/true # note"]),
        ("install a /bin/true\r\n", vec!["1:a=/bin/true\r"]),
        ("#install a /bin/true\n", vec![]),
        (" #install a /bin/true\n", vec![]),
        ("# install a \\\n/bin/true\ninstall b x\n", vec!["3:b=x"]),
        ("# why \\\ninstall a /bin/true\n", vec![]),
        ("install a \\\n  /bin/true\n", vec!["1:a=/bin/true"]),
        ("ins\\\ntall a x\n", vec!["1:a=x"]),
        ("i\\nstall a x\\\\\ninstall b y\n", vec!["1:a=x\\", "2:b=y"]),
        ("install a\n", vec![]),
        ("install\n", vec![]),
        ("Install a x\n", vec![]),
        ("blacklist a\nalias a b\noptions a b\nremove a b\n", vec![]),
        ("install a x\\", vec!["1:a=x\u{fffd}"]),
        ("\\\n\\\ninstall a x", vec!["1:a=x"]),
    ] {
        assert_eq!(shown(text), want, "{text:?}");
    }
}

#[test]
fn whole_commands_only() {
    let blocks = |command: &str| {
        installs(&format!("install a {command}\n")).first().is_some_and(Install::blocks)
    };
    for good in ["/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false", "/bin/true "] {
        assert!(blocks(good), "{good}");
    }
    for bad in ["true", "/bin/true #x", "/bin/true; x", "/bin/truex", "/sbin/true", "/bin/TRUE"] {
        assert!(!blocks(bad), "{bad}");
    }
}

#[test]
fn blocking() {
    let both = "install hfs /bin/true\nblacklist hfs\n";
    for (text, want) in [
        ("", both.to_owned()),
        (both, both.to_owned()),
        ("install hfs /bin/false\n", "install hfs /bin/false\n".into()),
        ("blacklist hfs\n", format!("{}blacklist hfs\n", "install hfs /bin/true\n")),
        ("install hfsplus /bin/true", format!("{both}install hfsplus /bin/true")),
        ("install cramfs /bin/true", format!("install cramfs /bin/true\n{both}")),
        ("# x", format!("# x\n\n{both}")),
        ("# x \\", format!("# x \\\n\n\n{both}")),
        ("# x \\\n", format!("# x \\\n\n\n{both}")),
        ("install z x \\\n", format!("install z x \\\n\n\n{both}")),
        ("install hfs /sbin/x\n", both.into()),
        (
            "install hfs \\\n/sbin/x\nalias q r\n",
            "install hfs /bin/true\nalias q r\n\nblacklist hfs\n".into(),
        ),
        ("install hfs /bin/true\r\n", both.into()),
        (
            "install hfs* /sbin/x\n",
            "install hfs /bin/true\ninstall hfs* /sbin/x\n\nblacklist hfs\n".into(),
        ),
        ("install hfs* /bin/true\n", format!("install hfs* /bin/true\n\n{both}")),
    ] {
        let got = block(text, "hfs");
        let want: String = want;
        assert_eq!(got, want, "{text:?}");
    }
}

#[test]
fn repairing() {
    for (text, want) in [
        ("", ""),
        ("install hfs /sbin/x\ninstall b y", "# gokaku: install hfs /sbin/x\ninstall b y"),
        ("install hfs \\\n/sbin/x\n", "# gokaku: install hfs \\\n/sbin/x\n"),
        ("install hfs /bin/true\r\n", "# gokaku: install hfs /bin/true\r\n"),
        ("install hfs /bin/true\ninstall hfs x\n", "install hfs /bin/true\ninstall hfs x\n"),
        ("install hfsplus x\n", "install hfsplus x\n"),
        ("install hfs* x\n", "install hfs /bin/true\ninstall hfs* x\n"),
    ] {
        assert_eq!(repair(text, "hfs", true), want, "{text:?}");
    }
    assert_eq!(repair("install hfs* x\n", "hfs", false), "install hfs* x\n");
}

#[test]
fn a_huge_file_is_read_in_one_go() {
    let text = "install hfs /sbin/x\n".repeat(100_000) + "# \\\n".repeat(100_000).as_str();
    let text = repair(&text, "hfs", true);
    assert!(installs(&text).is_empty());
    assert_eq!(runs(&block(&text, "hfs"), "hfs").0.as_deref(), Some("/bin/true"));
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "install [ab]-?[ab]?\\*? /(bin/true|sbin/x)\r?",
        "blacklist [ab]_?[ab]?",
        "# [a-z ]{0,4}\\\\?",
        "install [ab] \\\\",
        "[ -~]{0,16}",
        Just(String::new()),
    ]
}

fn file() -> impl Strategy<Value = String> {
    (proptest::collection::vec(line(), 0..7), any::<bool>()).prop_map(|(lines, end)| {
        let text = lines.join("\n");
        // A backslash at the very end of a file is a character of its own to kmod, until
        // something is appended.
        if (end || text.ends_with('\\')) && !text.is_empty() { text + "\n" } else { text }
    })
}

proptest! {
    #[test]
    fn what_is_blocked_stays_out(text in file()) {
        let once = block(&text, "a-b");
        let (on, off) = runs(&once, "a_b");
        prop_assert!(on.is_some_and(|c| NOTHING.contains(&c.as_str())), "{:?}", once);
        prop_assert!(off.is_some_and(|c| NOTHING.contains(&c.as_str())), "{:?}", once);
        prop_assert_eq!(&block(&once, "a-b"), &once);
        for other in ["a", "b", "b_a", "ab"] {
            prop_assert_eq!(runs(&once, other), runs(&text, other), "{} {:?}", other, once);
        }
    }

    #[test]
    fn repaired_files_have_nothing_against_it(text in file()) {
        let once = repair(&text, "a-b", true);
        let (on, off) = runs(&once, "a_b");
        prop_assert!(on.is_none_or(|c| NOTHING.contains(&c.as_str())), "{:?}", once);
        prop_assert!(off.is_none_or(|c| NOTHING.contains(&c.as_str())), "{:?}", once);
        prop_assert_eq!(&repair(&once, "a-b", true), &once);
        for other in ["a", "b", "b_a", "ab"] {
            prop_assert_eq!(runs(&once, other), runs(&text, other), "{} {:?}", other, once);
        }
    }

    #[test]
    fn the_order_of_blocking_does_not_matter(
        text in file(),
        names in Just(vec!["a-b", "a", "b", "ab", "b_a"]).prop_shuffle(),
    ) {
        let by = |names: &[&str]| names.iter().fold(text.clone(), |t, n| block(&t, n));
        let mut sorted = names.clone();
        sorted.sort_unstable();
        prop_assert_eq!(by(&names), by(&sorted));
        let by = |names: &[&str]| names.iter().fold(text.clone(), |t, n| repair(&t, n, true));
        prop_assert_eq!(by(&names), by(&sorted));
    }

    #[test]
    fn nothing_panics(text in any::<String>(), name in any::<String>()) {
        installs(&text);
        repair(&block(&text, &name), &name, true);
    }
}
