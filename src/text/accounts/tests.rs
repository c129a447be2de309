//! Tests of the readers and editors of account files.

use super::*;
use proptest::prelude::*;

fn passwd(text: &[u8]) -> Table<'_> {
    parse(text, Layout::Passwd)
}

#[test]
fn lines_are_told_apart() {
    let text = b"root:x:0:0:root:/root:/bin/bash\n\n# note\n+nis:::::: \n-@no\n \t\n\
        b\xfcro:x:1000:1000:B\xfc:/home/b:/bin/sh";
    let table = passwd(text);
    let lines: Vec<_> = table.entries.iter().map(|e| (e.line, e.name())).collect();
    assert_eq!(lines, [(1, &b"root"[..]), (7, b"b\xfcro")]);
    assert_eq!(table.remote, [4, 5]);
    assert!(table.faults.is_empty());
    assert_eq!(table.entries[1].field(SHELL), b"/bin/sh");
    assert_eq!(table.entries[1].field(99), b"");
    assert_eq!(table.entries[1].number(UID), 1000);
}

#[test]
fn what_readers_take_differently_is_a_fault() {
    let cases: &[(&[u8], What, bool)] = &[
        (b"toor::0:0", What::Fields(4, 7), false),
        (b"a:x:0:0::/:/bin/sh:x", What::Fields(8, 7), false),
        (b":x:0:0::/:/bin/sh", What::NoName, false),
        (b" toor:x:0:0::/:/bin/sh", What::BlankBeforeName, false),
        (b"a:x:+0:0::/:/bin/sh", What::NotANumber(NumberOf::User), false),
        (b"a:x:0: 0::/:/bin/sh", What::NotANumber(NumberOf::Group), false),
        (b"a:x::0::/:/bin/sh", What::NotANumber(NumberOf::User), false),
        (b"a:x:4294967295:0::/:/bin/sh", What::NotANumber(NumberOf::User), false),
        (b"a:x:99999999999:0::/:/bin/sh", What::NotANumber(NumberOf::User), false),
        (b"a:x:1:0:\0:/:/bin/sh", What::Nul, false),
        (b"a:x:1:0::/:/bin/sh\r", What::CarriageReturn, true),
    ];
    for (text, want, is_entry) in cases {
        let table = passwd(text);
        assert_eq!(table.faults.iter().map(|f| f.what).collect::<Vec<_>>(), [*want]);
        assert_eq!(!table.entries.is_empty(), *is_entry, "{}", text.escape_ascii());
    }
    assert_eq!(passwd(b" toor::0").faults[0].name, b"toor");
    assert!(parse(b"a:!::", Layout::Gshadow).faults.is_empty());
    assert!(parse(b"a:!:1:2:3:4:5::", Layout::Shadow).faults.is_empty());
}

#[test]
fn numbers_and_days() {
    assert_eq!(number(b"000"), Some(0));
    assert_eq!(number(b"4294967294"), Some(4_294_967_294));
    for (field, want) in [
        (&b""[..], Days::Unset),
        (b"-1", Days::Unset),
        (b"0", Days::Set(0)),
        (b"99999", Days::Set(99999)),
        (b"0007", Days::Set(7)),
        (b"-2", Days::Invalid),
        (b"7 ", Days::Invalid),
        (b"9999999999999999999999", Days::Invalid),
    ] {
        assert_eq!(days(field), want, "{}", field.escape_ascii());
    }
    assert_eq!(members(b",a, b ,,c").collect::<Vec<_>>(), [b"a", b"b", b"c"]);
    assert_eq!(members(b"").count(), 0);
}

#[test]
fn edits_touch_the_named_fields_alone() {
    let text = b"# keep\r\na:x:1:1:\xff:/:/bin/sh\r\nb:x:2:2::/:/bin/sh";
    let mut edits = Edits::new();
    assert!(edits.is_empty());
    edits.set(2, PASSWORD, "!");
    edits.set(3, SHELL, "/usr/sbin/nologin");
    edits.set(3, 40, "no such field");
    edits.set(3, HOME, "/a:b");
    edits.set(99, HOME, "no such line");
    assert_eq!(
        edits.apply(text),
        b"# keep\r\na:!:1:1:\xff:/:/bin/sh\r\nb:x:2:2::/:/usr/sbin/nologin"
    );
}

#[test]
fn added_lines_come_before_those_of_the_network() {
    let mut edits = Edits::new();
    edits.add(&[b"b", b"!", b""]);
    edits.add(&[b"c", b"a\nb"]);
    assert_eq!(edits.apply(b"a:!:"), b"a:!:\nb:!:\n");
    assert_eq!(edits.apply(b"a:!:\n+::\n+x::\n"), b"a:!:\nb:!:\n+::\n+x::\n");
    assert_eq!(edits.apply(b""), b"b:!:\n");
}

/// Bytes that meet the parser's every branch.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::sample::select(vec![
        &b"a"[..],
        b"root",
        b":",
        b":x:0:0::/:/bin/sh",
        b":!:::::::",
        b"\n",
        b"\r",
        b"+",
        b"-",
        b"#",
        b" ",
        b"\0",
        b"\xff",
        b"1000",
    ]);
    proptest::collection::vec(pieces, 0..40).prop_map(|p| p.concat())
}

fn any_layout() -> impl Strategy<Value = Layout> {
    proptest::sample::select(vec![Layout::Passwd, Layout::Shadow, Layout::Group, Layout::Gshadow])
}

proptest! {
    #[test]
    fn any_bytes_are_parsed(text in any::<Vec<u8>>(), layout in any_layout()) {
        parse(&text, layout);
        prop_assert_eq!(Edits::new().apply(&text), text);
    }

    #[test]
    fn what_was_set_is_got_and_nothing_else_changes(
        before in texts(), after in texts(), layout in any_layout(),
        pick in any::<proptest::sample::Index>(), index in 0usize..8,
        content in "[a-z!*/]{0,8}",
    ) {
        let good = vec![&b"7"[..]; layout.fields()].join(&b':');
        let text = [before, good, after].join(&b'\n');
        let table = parse(&text, layout);
        let entry = table.entries[pick.index(table.entries.len())];
        let index = 1 + index % (layout.fields() - 1);
        let mut edits = Edits::new();
        edits.set(entry.line, index, content.as_bytes());
        let new = edits.apply(&text);
        prop_assert_eq!(&edits.apply(&new), &new, "twice is once");
        let old: Vec<_> = text.split(|b| *b == b'\n').collect();
        let got: Vec<_> = new.split(|b| *b == b'\n').collect();
        prop_assert_eq!(old.len(), got.len());
        for (i, (old, got)) in old.iter().zip(&got).enumerate() {
            if i + 1 == entry.line {
                let edited = AccountLine { line: entry.line, bytes: got };
                for f in 0..layout.fields() {
                    let want = if f == index { content.as_bytes() } else { entry.field(f) };
                    prop_assert_eq!(edited.field(f), want);
                }
            } else {
                prop_assert_eq!(old, got);
            }
        }
    }

    #[test]
    fn an_added_line_is_found_and_the_others_stay(text in texts(), layout in any_layout()) {
        let mut edits = Edits::new();
        let mut fields = vec![&b"7"[..]; layout.fields()];
        fields[0] = b"added";
        edits.add(&fields);
        let new = edits.apply(&text);
        let names = |text| {
            parse(text, layout).entries.iter().map(|e| e.name().to_vec()).collect::<Vec<_>>()
        };
        let mut others = names(&new);
        let at = others.iter().position(|n| n == b"added");
        prop_assert!(at.is_some());
        others.remove(at.unwrap_or_default());
        prop_assert_eq!(others, names(&text));
    }
}
