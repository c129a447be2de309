//! Patterns with `*` and `?`, for names and paths, as the programs that read them match them.
//!
//! Bytes are compared, as in a program that sets no locale. Time is at worst proportional to the product of
//! the two lengths: only the last `*` is ever tried again.

use super::lossless::Raw;

/// Whose patterns they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wildcards {
    /// Nothing but `*` (any bytes) and `?` (one) is special: a profile's, and sshd's lists.
    Stars,
    /// The C library's `fnmatch` without flags: `[a-z]`, `[!x]` or `[^x]`, and `\` before a
    /// character, too.
    Libc,
    /// BSD's, which OpenSSH brings along: as the C library's, but only `[!x]` turns a class around.
    Bsd,
}

/// Whether all of `text` fits `pattern`.
///
/// ```
/// use gokaku::text::pattern::{Wildcards, matches};
/// assert!(matches(Wildcards::Libc, b"hfs*", b"hfsplus"));
/// assert!(!matches(Wildcards::Libc, b"hfs", b"hfsplus"));
/// ```
pub fn matches(wildcards: Wildcards, pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // Where to go on when the text does not fit: after the last star, one byte further on.
    let mut star = None;
    while n < text.len() {
        if pattern.get(p) == Some(&b'*') {
            p += 1;
            star = Some((p, n));
        } else if let Some(after) = one(wildcards, pattern, p, text[n]) {
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

/// Whether the pattern of one component of a path yields `name`: a dot at its front is matched by
/// a dot only, for the C library by an escaped one, too.
pub fn name_matches(wildcards: Wildcards, pattern: &[u8], name: &[u8]) -> bool {
    let dot =
        pattern.starts_with(b".") || (wildcards == Wildcards::Libc && pattern.starts_with(b"\\."));
    (dot || !name.starts_with(b".")) && matches(wildcards, pattern, name)
}

/// Whether the pattern, if it were expanded, could yield `path`: `*` and `?` stay within one
/// component. Doubled slashes count as one.
///
/// ```
/// use gokaku::text::pattern::{Wildcards, path_matches};
/// assert!(path_matches(Wildcards::Libc, "/var/log/*.log", "/var/log/auth.log"));
/// assert!(!path_matches(Wildcards::Libc, "/var/log/*", "/var/log/news/news.err"));
/// ```
pub fn path_matches(wildcards: Wildcards, pattern: &str, path: &str) -> bool {
    let (mut patterns, mut names) = (components(pattern), components(path));
    let mut both = || match (patterns.next(), names.next()) {
        (None, None) => None,
        (Some(p), Some(n)) => Some(name_matches(wildcards, &p.raw(), &n.raw())),
        _ => Some(false),
    };
    pattern.starts_with('/') == path.starts_with('/')
        && std::iter::from_fn(&mut both).all(|fits| fits)
}

/// Whether a component stands for other names than its own text.
pub fn is_pattern(wildcards: Wildcards, component: &str) -> bool {
    component.contains(['*', '?'])
        || (wildcards != Wildcards::Stars && component.contains(['[', '\\']))
}

/// The components of a path or pattern.
pub fn components(text: &str) -> impl Iterator<Item = &str> {
    text.split('/').filter(|p| !p.is_empty())
}

/// Whether the element at `p` matches `byte`; the place after it if so.
fn one(wildcards: Wildcards, pattern: &[u8], p: usize, byte: u8) -> Option<usize> {
    let special = wildcards != Wildcards::Stars;
    match *pattern.get(p)? {
        b'?' => Some(p + 1),
        b'\\' if special => (*pattern.get(p + 1)? == byte).then_some(p + 2),
        b'[' if special => match bracket(wildcards, pattern, p + 1, byte) {
            Some((hit, after)) => hit.then_some(after),
            // Without its closing bracket it is an ordinary character.
            None => (byte == b'[').then_some(p + 1),
        },
        literal => (literal == byte).then_some(p + 1),
    }
}

/// A bracket expression from behind its `[`: whether it holds `byte`, and the place after `]`.
fn bracket(wildcards: Wildcards, pattern: &[u8], mut p: usize, byte: u8) -> Option<(bool, usize)> {
    let negated = match pattern.get(p) {
        Some(b'!') => true,
        Some(b'^') => wildcards == Wildcards::Libc,
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

    fn libc(pattern: &str, name: &str) -> bool {
        matches(Wildcards::Libc, pattern.as_bytes(), name.as_bytes())
    }

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
            assert_eq!(libc(pattern, name), want, "{pattern:?} {name:?}");
        }
    }

    #[test]
    fn a_caret_is_a_character_to_bsd() {
        let fits = |name| matches(Wildcards::Bsd, b"[^a]x", name);
        assert!(fits(b"ax") && fits(b"^x") && !fits(b"bx"));
        assert!(matches(Wildcards::Bsd, b"[!a]x", b"bx"));
    }

    #[test]
    fn a_long_pattern_is_cheap() {
        let name = "usb_storage";
        assert!(!libc(&"*a".repeat(200_000), name));
        assert!(!libc(&format!("*[{}]*!", "b".repeat(200_000)), name));
        assert!(libc(&"*".repeat(200_000), name));
    }

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "aba", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "x", true),
            ("?", "x", true),
            ("?", "", false),
            ("a?c*", "abcd", true),
            ("*?", "", false),
            ("ssh_host_*_key", "ssh_host_rsa_key.pub", false),
            ("ssh_host_*_key", "ssh_host_ed25519_key", true),
            ("ssh_host_*_key", "ssh_host_key", false),
            ("[ab]", "a", false),
            ("[ab]", "[ab]", true),
            ("\\*", "\\x", true),
        ] {
            assert_eq!(
                matches(Wildcards::Stars, pattern.as_bytes(), text.as_bytes()),
                fits,
                "{pattern} {text}"
            );
        }
    }

    #[test]
    fn names_as_openssh_takes_them() {
        for (pattern, name, want) in [
            ("*.conf", "10-a.conf", true),
            ("*.conf", ".conf", false),
            (".*", ".conf", true),
            ("*", "a", true),
            ("?", "ab", false),
            ("[0-9]*.conf", "10.conf", true),
            ("[!0-9]*.conf", "10.conf", false),
            ("[]a]", "]", true),
            ("[[:alpha:]]*.conf", "b.conf", true),
            ("[[:nope:]]*.conf", "b.conf", false),
            ("[^a]*.conf", "b.conf", false),
            ("[^a]*.conf", "a.conf", true),
            ("[\\b]*.conf", "b.conf", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("\\.*", ".conf", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
        ] {
            assert_eq!(
                name_matches(Wildcards::Bsd, pattern.as_bytes(), name.as_bytes()),
                want,
                "{pattern} {name}"
            );
        }
    }

    #[test]
    fn paths() {
        for (pattern, path, want) in [
            ("/var/log/syslog", "/var/log/syslog", true),
            ("/var/log//syslog", "/var/log/syslog", true),
            ("/var/log/syslog", "/var/log/syslog.1", false),
            ("/var/log/*.log", "/var/log/a.log", true),
            ("/var/log/*", "/var/log/.hidden", false),
            ("/var/log/.*", "/var/log/.hidden", true),
            ("/var/log/*", "/var/log/news/err", false),
            ("/var/log/*/*", "/var/log/news/err", true),
            ("/var/log/mail.[ei]*", "/var/log/mail.info", true),
            ("/var/log/mail.[ei]*", "/var/log/mail.warn", false),
            ("var/log/*", "/var/log/a", false),
            ("/var/log/a\\*", "/var/log/a*", true),
        ] {
            assert_eq!(path_matches(Wildcards::Libc, pattern, path), want, "{pattern} {path}");
        }
    }

    proptest! {
        #[test]
        fn a_name_matches_itself_and_a_star(name in "[a-z0-9_]{0,12}") {
            prop_assert!(libc(&name, &name));
            let open = format!("{name}*");
            prop_assert!(libc(&open, &name));
            let starred = format!("*{}", name.get(1..).unwrap_or(""));
            prop_assert!(libc(&starred, &name));
        }

        #[test]
        fn nothing_panics(pattern in any::<String>(), name in any::<String>()) {
            libc(&pattern, &name);
            matches(Wildcards::Bsd, pattern.as_bytes(), name.as_bytes());
        }

        #[test]
        fn brackets_do_not_panic(pattern in r"[\[\]\\:a-c!^*?-]{0,16}", name in "[abc]{0,6}") {
            libc(&pattern, &name);
            matches(Wildcards::Bsd, pattern.as_bytes(), name.as_bytes());
        }

        #[test]
        fn a_pattern_made_from_a_text_fits_it(
            parts in proptest::collection::vec("[ab]{0,3}", 1..5),
            between in "[ab]{0,3}",
        ) {
            let pattern = parts.join("*");
            let text = parts.join(&between);
            prop_assert!(matches(Wildcards::Stars, pattern.as_bytes(), text.as_bytes()));
        }

        #[test]
        fn no_path_panics(pattern in any::<String>(), path in any::<String>()) {
            for wildcards in [Wildcards::Stars, Wildcards::Libc, Wildcards::Bsd] {
                path_matches(wildcards, &pattern, &path);
            }
        }

        #[test]
        fn a_plain_path_matches_itself_alone(a in "(/[a-z.]{1,3}){1,3}", b in "(/[a-z.]{1,3}){1,3}") {
            prop_assert!(path_matches(Wildcards::Libc, &a, &a));
            prop_assert_eq!(path_matches(Wildcards::Libc, &a, &b), a == b);
        }
    }
}
