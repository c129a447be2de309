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

    proptest! {
        #[test]
        fn any_bytes_can_be_judged(text in any::<Vec<u8>>(), name in any::<String>()) {
            let _ = leaks(&text, Some(&name));
        }

        #[test]
        fn what_is_there_is_found(before in "[a-t\n ]{0,20}", at in 0..4usize) {
            let text = format!("{before}{}", ESCAPES[at].to_uppercase());
            let line = 1 + before.matches('\n').count();
            prop_assert_eq!(tokens(text.as_bytes()).pop(), Some((line, ESCAPES[at].to_uppercase())));
        }
    }
}
