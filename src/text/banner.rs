//! Login texts: what in them reveals the operating system.
//!
//! The terminal's greeter expands a backslash and a letter; four of them name the system. The name
//! itself may stand there too. Upper and lower case are the same, and any bytes may occur.

/// Something in a login text that names the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The line, from 1.
    pub line: usize,
    /// What stands there: the escape, or the name.
    pub token: String,
}

/// The escapes that give machine, release, system or version away, in lower case.
const ESCAPES: [&str; 4] = ["\\m", "\\r", "\\s", "\\v"];

/// The first leak of each kind: the four escapes, and `name` anywhere. An empty `name` is not
/// looked for.
pub fn leaks(text: &[u8], name: Option<&str>) -> Vec<Leak> {
    // One character per byte: any text can be searched, and offsets stay those of the bytes.
    let latin = |bytes: &[u8]| -> String {
        bytes.iter().map(|b| char::from(b.to_ascii_lowercase())).collect()
    };
    let haystack = latin(text);
    let name = name.filter(|n| !n.is_empty()).map(|n| latin(n.as_bytes()));
    let tokens = ESCAPES.iter().copied().chain(name.as_deref());
    let mut out: Vec<Leak> = tokens
        .filter_map(|token| {
            let at = haystack.find(token)?;
            let offset = haystack[..at].chars().count();
            let found = text.get(offset..offset + token.chars().count())?;
            let line = 1 + text[..offset].iter().filter(|b| **b == b'\n').count();
            Some(Leak { line, token: String::from_utf8_lossy(found).into_owned() })
        })
        .collect();
    out.sort_by_key(|leak| leak.line);
    out
}

/// The text without the lines that hold a leak.
pub fn without_leaks(text: &[u8], name: Option<&str>) -> Vec<u8> {
    let lines = text.split_inclusive(|b| *b == b'\n');
    lines.filter(|line| leaks(line, name).is_empty()).flatten().copied().collect()
}

/// Whether a text has a word of its own: a letter or digit that is no part of an escape of the
/// greeter (`\n`, `\4{eth0}`). A byte beyond ASCII counts as a letter.
pub fn has_words(text: &[u8]) -> bool {
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first == b'\\' {
            rest = rest.split_first().map_or(rest, |(_, after)| after);
            let argument = rest.strip_prefix(b"{").and_then(|inner| {
                let end = inner.iter().position(|b| *b == b'}' || *b == b'\n')?;
                inner.get(end..)?.strip_prefix(b"}")
            });
            rest = argument.unwrap_or(rest);
        } else if first.is_ascii_alphanumeric() || !first.is_ascii() {
            return true;
        }
    }
    false
}

/// Whether nobody would see anything: no byte but blanks.
pub fn is_blank(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tokens(text: &[u8]) -> Vec<(usize, String)> {
        leaks(text, Some("ubuntu")).into_iter().map(|l| (l.line, l.token)).collect()
    }

    #[test]
    fn escapes_and_the_name_are_found_in_any_case() {
        let found = |line, token: &str| vec![(line, token.to_owned())];
        assert_eq!(tokens(b"hello \\n \\l\n"), []);
        assert_eq!(tokens(b"a\n\\S{NAME}\n"), found(2, "\\S"));
        assert_eq!(tokens(b"\xff\xfe\nMyUBUNTUbox"), found(2, "UBUNTU"));
        assert_eq!(
            tokens(b"\\M\n\\r\n\\v\\v"),
            [(1, "\\M".to_owned()), (2, "\\r".to_owned()), (3, "\\v".to_owned())]
        );
        // Two backslashes: agetty prints one, the benchmark's test still objects.
        assert_eq!(tokens(b"\\\\s"), found(1, "\\s"));
        assert_eq!(leaks(b"ubuntu", None), []);
        assert_eq!(leaks(b"ubuntu", Some("")), []);
        assert_eq!(leaks("büro".as_bytes(), Some("büro")).len(), 1);
    }

    #[test]
    fn blank_texts() {
        assert!(is_blank(b"") && is_blank(b" \r\n\t") && !is_blank(b"\0") && !is_blank(b"a"));
    }

    #[test]
    fn lines_that_leak_go_and_the_rest_stays() {
        let without = |text: &[u8]| without_leaks(text, Some("ubuntu"));
        assert_eq!(without(b"Hello Ubuntu\r\n\r\nours\r\n"), b"\r\nours\r\n");
        assert_eq!(without(b"\xff ours\n\\n \\l\nkernel \\r"), b"\xff ours\n\\n \\l\n");
        assert_eq!(without(b"UBUNTU"), b"");
        assert_eq!(without(b""), b"");
    }

    #[test]
    fn words_of_ones_own() {
        let none: [&[u8]; 6] = [b"", b" \n", b"\\n \\l\n", b"== \\4{eth0} \\d", b"\\", b"\\\\ *"];
        for text in none {
            assert!(!has_words(text), "{text:?}");
        }
        let some: [&[u8]; 5] = [b"a", b"\\n x", b"\\\\n", b"\\4{eth0\n}", b"\xc3\xbc"];
        for text in some {
            assert!(has_words(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_judged(text in any::<Vec<u8>>(), name in any::<String>()) {
            let _ = leaks(&text, Some(&name));
            let rest = without_leaks(&text, Some(&name));
            prop_assert!(leaks(&rest, None).is_empty());
            prop_assert_eq!(without_leaks(&rest, Some(&name)), rest);
            has_words(&text);
        }

        #[test]
        fn what_is_there_is_found(before in "[a-t\n ]{0,20}", at in 0..4usize) {
            let text = format!("{before}{}", ESCAPES[at].to_uppercase());
            let line = 1 + before.matches('\n').count();
            prop_assert_eq!(tokens(text.as_bytes()).pop(), Some((line, ESCAPES[at].to_uppercase())));
        }
    }
}
