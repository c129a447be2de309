//! Any bytes as text, and back without a loss.
//!
//! Configuration files are bytes to the programs that read them; a comment in Latin-1 disturbs none
//! of them. [`decode`] gives parsers a `str` in which each byte that is no part of valid UTF-8 is one
//! *stand-in* character, U+10FF00 plus the byte: never blank, letter, digit or separator, as a high
//! byte in the C locale. [`encode`] restores the exact bytes. A file may hold these characters
//! themselves; their bytes count as invalid, so both directions stay unambiguous.
//!
//! Stand-ins are for parsers and editors only. Output uses [`shown`].

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The stand-in of byte 0x80; the others follow in order.
const FIRST: char = '\u{10ff80}';
/// All stand-ins begin with this byte in UTF-8, and hardly anything else does.
const LEAD: u8 = 0xf4;

/// The byte that a character stands for, if it is a stand-in.
fn byte(c: char) -> Option<u8> {
    // The range ends with the last character there is.
    (c >= FIRST).then_some((u32::from(c) & 0xff) as u8)
}

fn stand_in(byte: u8) -> char {
    char::from_u32(0x10_ff00 + u32::from(byte)).unwrap_or(FIRST)
}

/// The bytes as text, a stand-in for each that is no part of valid UTF-8.
pub fn decode(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes)
        && !holds(text)
    {
        return text.to_owned();
    }
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_stand_in(c) {
                let mut buffer = [0; 4];
                out.extend(c.encode_utf8(&mut buffer).bytes().map(stand_in));
            } else {
                out.push(c);
            }
        }
        out.extend(chunk.invalid().iter().copied().map(stand_in));
    }
    out
}

/// The bytes that [`decode`] made the text from.
pub fn encode(text: impl Into<String>) -> Vec<u8> {
    let text = text.into();
    if !holds(&text) {
        return text.into_bytes();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        match byte(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    out
}

/// The bytes that a value stands for: text is encoded, bytes stay as they are.
#[allow(unnameable_types)] // only gokaku implements it
pub trait Raw {
    /// These bytes.
    fn raw(&self) -> Cow<'_, [u8]>;
}

impl Raw for str {
    fn raw(&self) -> Cow<'_, [u8]> {
        if holds(self) { Cow::Owned(encode(self)) } else { Cow::Borrowed(self.as_bytes()) }
    }
}

impl Raw for String {
    fn raw(&self) -> Cow<'_, [u8]> {
        self.as_str().raw()
    }
}

impl Raw for [u8] {
    fn raw(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl<const N: usize> Raw for [u8; N] {
    fn raw(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl Raw for Vec<u8> {
    fn raw(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self)
    }
}

impl Raw for OsStr {
    fn raw(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl Raw for OsString {
    fn raw(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.as_bytes())
    }
}

impl<T: Raw + ?Sized> Raw for &T {
    fn raw(&self) -> Cow<'_, [u8]> {
        (**self).raw()
    }
}

/// How many bytes the text was made from.
pub fn byte_len(text: &str) -> usize {
    if holds(text) { text.raw().len() } else { text.len() }
}

/// The bytes in the text that are no part of valid UTF-8, each once, as `\xE9`.
pub fn foreign(text: &str) -> String {
    let mut bytes: Vec<u8> = text.chars().filter_map(byte).collect();
    bytes.sort_unstable();
    bytes.dedup();
    let shown: Vec<String> = bytes.iter().map(|byte| format!("\\x{byte:02X}")).collect();
    shown.join(" ")
}

/// Whether a character stands for a byte.
pub fn is_stand_in(c: char) -> bool {
    byte(c).is_some()
}

/// Whether a byte that is no part of valid UTF-8 stands in what the text was made from.
pub fn holds(text: &str) -> bool {
    text.as_bytes().contains(&LEAD) && text.contains(is_stand_in)
}

/// The text for people: `\xE9` for each stand-in.
pub fn shown(text: &str) -> Cow<'_, str> {
    if !holds(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => out.push_str(&format!("\\x{byte:02X}")),
            None => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_foreign_byte_is_one_character() {
        let text = decode(b"caf\xe9 \xc3\xa9\xff");
        assert_eq!(text, "caf\u{10ffe9} é\u{10ffff}");
        assert_eq!(shown(&text), "caf\\xE9 é\\xFF");
        assert!(holds(&text) && !holds("café \u{10ff7f} \u{10abcd}"));
        assert_eq!(decode("café \u{10ff7f}".as_bytes()), "café \u{10ff7f}");
    }

    #[test]
    fn a_stand_in_of_a_file_is_four_foreign_bytes() {
        let text = decode("a\u{10ff80}b".as_bytes());
        assert_eq!(text, "a\u{10fff4}\u{10ff8f}\u{10ffbe}\u{10ff80}b");
        assert_eq!(shown(&text), "a\\xF4\\x8F\\xBE\\x80b");
        assert_eq!(encode(text), "a\u{10ff80}b".as_bytes());
    }

    #[test]
    fn a_stand_in_is_as_a_high_byte_in_the_c_locale() {
        for byte in 0x80..=0xff_u8 {
            let text = decode(&[b'a', byte, b' ', byte]);
            let c = stand_in(byte);
            assert_eq!(text, format!("a{c} {c}"), "{byte:x}");
            assert!(!c.is_whitespace() && !c.is_alphanumeric() && !c.is_control(), "{byte:x}");
            assert_eq!((c.to_lowercase().to_string(), c.to_uppercase().to_string()), {
                let same = c.to_string();
                (same.clone(), same)
            });
            assert_eq!(text.split_whitespace().count(), 2, "{byte:x}");
            assert_eq!(format!(" {c} ").trim(), c.to_string(), "{byte:x}");
        }
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_encoded(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(encode(decode(&bytes)), bytes);
        }

        #[test]
        fn lines_stay(bytes in prop::collection::vec(
            prop_oneof![Just(b'\n'), Just(0xe9_u8), Just(0xf4), Just(0x8f), Just(0xbf), any::<u8>()],
            0..64,
        )) {
            let text = decode(&bytes);
            let lines: Vec<Vec<u8>> = text.split('\n').map(encode).collect();
            let want: Vec<Vec<u8>> = bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
            prop_assert_eq!(lines, want);
            prop_assert_eq!(holds(&text), String::from_utf8(bytes).map_or(true, |t| holds(&t)));
        }

        #[test]
        fn valid_text_stays(text in "[^\u{10ff80}-\u{10ffff}]*") {
            prop_assert_eq!(decode(text.as_bytes()), text.clone());
            prop_assert_eq!(shown(&text), text.as_str());
            prop_assert_eq!(encode(&*text), text.into_bytes());
        }

        #[test]
        fn people_see_no_stand_in(bytes in any::<Vec<u8>>()) {
            prop_assert!(!holds(&shown(&decode(&bytes))));
        }
    }
}
