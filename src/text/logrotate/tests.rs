use super::*;
use proptest::prelude::*;

fn shown(text: &str) -> Vec<String> {
    let directive = |d: &Directive| format!("{}:{} {}", d.line, d.name, d.value);
    let show = |item: Item| match item {
        Item::Global(d) => directive(&d),
        Item::Stanza(s) => {
            let inner: Vec<String> = s.directives.iter().map(directive).collect();
            format!("{}:[{}] {}", s.line, s.patterns.join("|"), inner.join(", "))
        }
    };
    parse(text).unwrap().into_iter().map(show).collect()
}

#[test]
fn stock_files() {
    assert_eq!(
        shown(
            "# see man\nweekly\n\nsu root syslog\nrotate 4\n#dateext\ninclude /etc/logrotate.d\n"
        ),
        ["2:weekly ", "4:su root syslog", "5:rotate 4", "7:include /etc/logrotate.d"]
    );
    assert_eq!(
        shown(
            "/var/log/syslog\n{\n\trotate 7\n\tdaily\n\tpostrotate\n\t\t/usr/lib/x }\n\tendscript\n}\n\n\
             /var/log/mail.info\n/var/log/mail.warn\n{\n\trotate 4\n}\n"
        ),
        [
            "1:[/var/log/syslog] 3:rotate 7, 4:daily ",
            "10:[/var/log/mail.info|/var/log/mail.warn] 13:rotate 4",
        ]
    );
}

#[test]
fn odd_spellings() {
    assert_eq!(shown("/a { daily }\n"), ["1:[/a] 1:daily "]);
    assert_eq!(shown("\"/a b\" '/c' /d\\ e{\nsize=10k\r\n}\r\n"), ["1:[/a b|/c|/d e] 2:size 10k"]);
    assert_eq!(shown("dailyx\nDaily\n%x\nfoo 3 daily\n"), Vec::<String>::new());
    assert_eq!(
        shown("missingok compress\n  rotate 2"),
        ["1:missingok ", "1:compress ", "2:rotate 2"]
    );
    assert_eq!(shown("/a {\nprerotate\nendscripts\n endscript x\n}"), ["1:[/a] "]);
    assert_eq!(shown(""), Vec::<String>::new());
    assert_eq!(shown("\n/a {\ndaily\n"), ["2:[/a] 3:daily "], "it does not end");
    assert_eq!(shown("/a {\n/b\n}\n/c {\n}"), ["1:[/a] 2: /b", "4:[/c] "]);
}

/// As logrotate 3.11.0 says of each in a stanza.
#[test]
fn what_is_refused() {
    let of = |line: &str, in_stanza: bool| {
        let items = parse(&format!("{line}\n")).unwrap();
        let Item::Global(directive) = &items[0] else { panic!("{line}") };
        directive.is_refused(in_stanza)
    };
    for bad in [
        "rotate -1",
        "rotate x",
        "rotate 4 5",
        "rotate 09",
        "size 10X",
        "size 10K",
        "size 1 M",
        "maxage x",
        "start one",
        "su a b c",
        "su",
        "create 0640 a b c",
        "minsize 1.5M",
    ] {
        assert!(of(bad, true) && of(bad, false), "{bad}");
    }
    for good in [
        "rotate 0",
        "rotate 0x10",
        "rotate",
        "size 10k",
        "size=10",
        "size G",
        "maxage 30",
        "su a b",
        "create",
        "create 0640 a b",
        "create a b",
        "create 0640",
        "mail x y",
    ] {
        assert!(!of(good, true) && !of(good, false), "{good}");
    }
    assert!(of("tabooext + .x", true) && !of("tabooext + .x", false));
}

#[test]
fn accounts() {
    let of = |line: &str| {
        let items = parse(&format!("{line}\n")).unwrap();
        let Item::Global(directive) = &items[0] else { panic!("{line}") };
        let show = |owners: Owners<'_>| format!("{:?} {:?}", owners.user, owners.group);
        directive.owners().map(show)
    };
    for (line, want) in [
        ("su root syslog", r#"Some("root") Some("syslog")"#),
        ("create 0640 syslog adm", r#"Some("syslog") Some("adm")"#),
        ("create syslog", r#"Some("syslog") None"#),
        ("create 0640x adm", r#"Some("x") Some("adm")"#),
        ("create 640", "None None"),
    ] {
        assert_eq!(of(line).as_deref(), Some(want), "{line}");
    }
    assert_eq!(of("rotate 4"), None);
}

#[test]
fn what_is_passed_over_as_a_whole() {
    for (text, line, want) in [
        ("weekly\n}\n", 2, "no `}` outside of a stanza"),
        ("/a {\npostrotate\nx\n}\n", 2, "a script that ends with `endscript`"),
        ("/a\ndaily\n", 1, "`{` after the names of log files"),
    ] {
        let e = parse(text).unwrap_err();
        assert_eq!((e.line, e.want), (line, want), "{text:?}");
    }
}

#[test]
fn long_texts_take_linear_time() {
    for piece in ["/a {\ndaily\n}\n", "/a ", "daily ", "\"", "postrotate\n", "#", "{"] {
        let _ = parse(&piece.repeat(100_000));
    }
}

proptest! {
    #[test]
    fn nothing_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn nothing_panics_on_familiar_pieces(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "/a", " ", "\n", "{", "}", "daily", "rotate 3", "postrotate\n", "endscript", "\"",
                "'", "\\", "#", "include /x", "é",
            ]),
            0..25,
        ),
    ) {
        let _ = parse(&pieces.concat());
    }
}
