//! Secrets that must not appear in output although a rule had to read their file.
//!
//! Rules do not quote secrets. This is the second barrier: all text of a target that goes into a
//! report, a diff or a log passes through here, so that a hash or a key in an unexpected place (a
//! link to `shadow` in a drop-in directory, a shifted field) does not appear either.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// A crypt(3) hash with its salt, or a long run of base64 as the body of a private key has it.
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)
        \$ (?: 1 | 2[abxy]? | 3 | 5 | 6 | 7 | y | gy | md5 | sha1 | scrypt | argon2(?:i|d|id) )
            [$,] [./0-9A-Za-z$=,+-]{12,}
        | (?P<bare> [0-9A-Za-z+/]{56,}={0,2} )",
    )
    .ok()
});

/// What is shorter (bytes) is no key for [`SECRET`].
const SHORTEST_KEY: usize = 56;

/// The text without password hashes and bodies of keys.
pub(crate) fn veil(text: &str) -> Cow<'_, str> {
    // Most texts can hold neither, and the pattern is slow.
    if !text.contains('$') && longest_base64(text) < SHORTEST_KEY {
        return Cow::Borrowed(text);
    }
    // The pattern is a constant and a test builds it; without it, nothing at all is shown.
    let Some(pattern) = &*SECRET else { return Cow::Borrowed("(not shown)") };
    pattern.replace_all(text, |found: &Captures<'_>| match found.name("bare") {
        Some(bare) if is_path(bare.as_str()) => bare.as_str().to_owned(),
        Some(bare) => format!("({} characters not shown)", bare.len()),
        None => "(hash)".to_owned(),
    })
}

/// The length in bytes of the longest run of what base64 is made of, as [`SECRET`] counts it.
fn longest_base64(text: &str) -> usize {
    let base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let runs = text.as_bytes().split(|b| !base64(b));
    runs.map(<[u8]>::len).max().unwrap_or(0)
}

/// Whether it is a path or a piece of one, and no key: base64 of that length has capitals, and
/// seldom a slash.
fn is_path(bare: &str) -> bool {
    let lower = !bare.contains(|c: char| c.is_ascii_uppercase());
    let names = |longest: usize| bare.split('/').all(|name| name.len() <= longest);
    bare.contains('/') && (lower || bare.starts_with('/') && names(20))
}

/// [`veil`], with control characters escaped, except line feeds and tabs: text of a target for a
/// terminal.
pub(crate) fn for_terminal(text: &str) -> String {
    let veiled = veil(text);
    let mut out = String::with_capacity(veiled.len());
    for piece in veiled.split_inclusive(['\n', '\t']) {
        let bare = piece.trim_end_matches(['\n', '\t']);
        out.push_str(&crate::rootfs::escape(bare.as_bytes()));
        out.push_str(piece.get(bare.len()..).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hashes_and_keys_do_not_show() {
        for secret in [
            "$6$rounds=5000$abcdefgh$PLANTED0123456789abcdefghij./",
            "$1$salt$PLANTED012345678901234",
            "$y$j9T$abcdef$PLANTED0123456789",
            "$2b$12$PLANTEDabcdefghijklmnopqrstuv",
            "$5$PLANTEDsalt$0123456789abcdef",
            "/PLANTEDvbmUAAAAEbm9uZQAAAAAAAAABAAABlwAAAAdzc2gtcnNhAAAAAwEAAQAAAYE",
            "PLANTEDvbmUAAAAEbm9uZQAAAAAAAAABAAABlwAAAAdzc2gtcnNhAAAAAwEAAQAAAYEAr9==",
        ] {
            let text = format!("bob:{secret}:1::: at /etc/x");
            let shown = veil(&text);
            assert!(!shown.contains("PLANTED"), "{shown}");
            assert!(shown.starts_with("bob:(") && shown.ends_with("/etc/x"), "{shown}");
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let deep = format!("/{}", "directory/".repeat(12));
        for text in [
            "PATH=$1/bin:$2b",
            "aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr",
            "if [ \"$1$suffix\" = x ]; then",
            "a\tb\nc\n",
            &deep,
            &format!("/srv/unit.d{deep}"),
            &format!("/srv/unit.d/x-{}", &deep[1..]),
            &format!("/srv/.{}", &deep[1..]),
            &format!("/Srv/Unit{deep}"),
        ] {
            assert_eq!(for_terminal(text), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_passed_over_the_pattern_would_not_have_changed(
            text in "[a-z$/ .]{0,20}([0-9A-Za-z+/]{50,60}={0,2}|\\$[156y]\\$[a-z]{10,14}|é){0,3}[ :/]{0,3}",
        ) {
            let pattern = SECRET.as_ref().unwrap();
            let is_passed_over = !text.contains('$') && longest_base64(&text) < SHORTEST_KEY;
            prop_assert!(!is_passed_over || !pattern.is_match(&text), "{text}");
        }
    }

    #[test]
    fn a_terminal_gets_no_orders() {
        assert_eq!(for_terminal("a\x1b[2J\r\u{9b}b\n\tc"), "a\\x1b[2J\\x0d\\xc2\\x9bb\n\tc");
        assert_eq!(for_terminal("\u{202e}gpj.exe"), "\\xe2\\x80\\xaegpj.exe");
    }
}
