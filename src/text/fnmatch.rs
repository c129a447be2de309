//! Shell patterns as the C library's `fnmatch` reads them, without flags.
//!
//! Bytes are compared, as in a program that sets no locale. A pattern of any length against a
//! short name is cheap: only the last `*` is ever tried again.

use super::lossless::Raw;

/// Whether `name` as a whole matches `pattern` (`*`, `?`, `[a-z]`, `[!x]`, `\` before a character).
///
/// ```
/// use gokaku::text::fnmatch::fnmatch;
/// assert!(fnmatch("hfs*", "hfsplus"));
/// assert!(!fnmatch("hfs", "hfsplus"));
/// ```
pub fn fnmatch(pattern: &str, name: &str) -> bool {
    matches(Dialect::Libc, &pattern.raw(), &name.raw())
}

/// Whose patterns they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The C library's: `[!x]` and `[^x]` are the same.
    Libc,
    /// BSD's, which OpenSSH brings along: only `[!x]` turns a class around.
    Bsd,
}

/// As [`fnmatch`], for names of any bytes.
pub fn matches(dialect: Dialect, pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, n));
        } else if let Some(after) = one(dialect, pattern, p, name[n]) {
            p = after;
            n += 1;
        } else if let Some((after, from)) = star {
            p = after;
            n = from + 1;
            star = Some((after, n));
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|b| *b == b'*')
}

/// Whether the element at `p` matches `byte`; the place after it if so.
fn one(dialect: Dialect, pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' => (*pattern.get(p + 1)? == byte).then_some(p + 2),
        b'[' => match bracket(dialect, pattern, p + 1, byte) {
            Some((hit, after)) => hit.then_some(after),
            // Without its closing bracket it is an ordinary character.
            None => (byte == b'[').then_some(p + 1),
        },
        literal => (literal == byte).then_some(p + 1),
    }
}

/// A bracket expression from behind its `[`: whether it holds `byte`, and the place after `]`.
fn bracket(dialect: Dialect, pattern: &[u8], mut p: usize, byte: u8) -> Option<(bool, usize)> {
    let negated = match pattern.get(p) {
        Some(b'!') => true,
        Some(b'^') => dialect == Dialect::Libc,
        _ => false,
    };
    p += usize::from(negated);
    let first = p;
    let mut hit = false;
    loop {
        match *pattern.get(p)? {
            b']' if p > first => return Some((hit != negated, p + 1)),
            b'[' if pattern.get(p + 1) == Some(&b':') => {
                let rest = &pattern[p + 2..];
                let end = rest.windows(2).take(16).position(|w| w == b":]");
                match end.and_then(|end| class(&rest[..end], byte).map(|c| (c, end))) {
                    Some((inside, end)) => {
                        hit |= inside;
                        p += end + 4;
                    }
                    None => {
                        hit |= byte == b'[';
                        p += 1;
                    }
                }
            }
            _ => {
                let (low, after) = member(pattern, p)?;
                p = after;
                let range =
                    pattern.get(p) == Some(&b'-') && pattern.get(p + 1).is_some_and(|b| *b != b']');
                if range {
                    let (high, after) = member(pattern, p + 1)?;
                    p = after;
                    hit |= (low..=high).contains(&byte);
                } else {
                    hit |= low == byte;
                }
            }
        }
    }
}

fn member(pattern: &[u8], p: usize) -> Option<(u8, usize)> {
    match *pattern.get(p)? {
        b'\\' => Some((*pattern.get(p + 1)?, p + 2)),
        byte => Some((byte, p + 1)),
    }
}

fn class(name: &[u8], byte: u8) -> Option<bool> {
    Some(match name {
        b"alnum" => byte.is_ascii_alphanumeric(),
        b"alpha" => byte.is_ascii_alphabetic(),
        b"blank" => matches!(byte, b' ' | b'\t'),
        b"cntrl" => byte.is_ascii_control(),
        b"digit" => byte.is_ascii_digit(),
        b"graph" => byte.is_ascii_graphic(),
        b"lower" => byte.is_ascii_lowercase(),
        b"print" => byte.is_ascii_graphic() || byte == b' ',
        b"punct" => byte.is_ascii_punctuation(),
        b"space" => byte.is_ascii_whitespace() || byte == 0x0b,
        b"upper" => byte.is_ascii_uppercase(),
        b"xdigit" => byte.is_ascii_hexdigit(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (pattern, name, want) in [
            ("hfs", "hfs", true),
            ("hfs", "hfsplus", false),
            ("hfs*", "hfsplus", true),
            ("hfs*", "hfs", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("?fs", "hfs", true),
            ("?", "", false),
            ("*fs*p*s", "hfsplus", true),
            ("*fs*x*s", "hfsplus", false),
            ("[gh]fs", "hfs", true),
            ("[!gh]fs", "hfs", false),
            ("[^gh]fs", "xfs", true),
            ("[a-m]fs", "hfs", true),
            ("[]h]fs", "hfs", true),
            ("[[:lower:]]fs", "hfs", true),
            ("[[:digit:]]fs", "hfs", false),
            ("[[:nonsense:]]fs", "hfs", false),
            ("[hfs", "hfs", false),
            ("[hfs", "[hfs", true),
            ("\\hfs", "hfs", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("hfs\\", "hfs", false),
        ] {
            assert_eq!(fnmatch(pattern, name), want, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn a_caret_is_a_character_to_bsd() {
        let fits = |name| matches(Dialect::Bsd, b"[^a]x", name);
        assert!(fits(b"ax") && fits(b"^x") && !fits(b"bx"));
        assert!(matches(Dialect::Bsd, b"[!a]x", b"bx"));
    }

    #[test]
    fn a_long_pattern_is_cheap() {
        let name = "usb_storage";
        assert!(!fnmatch(&"*a".repeat(200_000), name));
        assert!(!fnmatch(&format!("*[{}]*!", "b".repeat(200_000)), name));
        assert!(fnmatch(&"*".repeat(200_000), name));
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_a_star(name in "[a-z0-9_]{0,12}") {
            prop_assert!(fnmatch(&name, &name));
            let open = format!("{name}*");
            prop_assert!(fnmatch(&open, &name));
            let starred = format!("*{}", name.get(1..).unwrap_or(""));
            prop_assert!(fnmatch(&starred, &name));
        }

        #[test]
        fn nothing_panics(pattern in any::<String>(), name in any::<String>()) {
            fnmatch(&pattern, &name);
        }

        #[test]
        fn brackets_do_not_panic(pattern in r"[\[\]\\:a-c!^*?-]{0,16}", name in "[abc]{0,6}") {
            fnmatch(&pattern, &name);
        }
    }
}
