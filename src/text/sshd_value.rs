//! The values of sshd's configuration: numbers, times, lists of algorithms, patterns.

use super::lossless::Raw;
use super::pattern::{Wildcards, matches};

const WHITE: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];

/// The number at the front of a text, as the C library's `strtol` reads it (the nearest one if it
/// does not fit), and what follows it. `None` when there is no number.
fn leading(text: &str) -> Option<(i64, &str)> {
    let trimmed = text.trim_start_matches(WHITE);
    let digits = trimmed.strip_prefix(['+', '-']).unwrap_or(trimmed);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == digits.len() {
        return None;
    }
    let number = &trimmed[..trimmed.len() - rest.len()];
    let nearest = if number.starts_with('-') { i64::MIN } else { i64::MAX };
    Some((number.parse().unwrap_or(nearest), rest))
}

/// A time in seconds: numbers with the units s, m, h, d and w, added up.
///
/// `sticky` is how releases before 8.4 read it: a unit goes on to apply to what follows without a
/// larger one, so that `1m30s` is 1860 seconds. `None` when it is no time.
pub fn seconds(text: &str, sticky: bool) -> Option<i64> {
    let (mut rest, mut total, mut unit) = (text, 0i64, 1);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = leading(rest)?;
        if !(0..i64::MAX).contains(&number) {
            return None;
        }
        if !sticky {
            unit = 1;
        }
        let mut chars = after.chars();
        match chars.next() {
            None | Some('s' | 'S') => {}
            Some('m' | 'M') => unit = 60,
            Some('h' | 'H') => unit = 60 * 60,
            Some('d' | 'D') => unit = 24 * 60 * 60,
            Some('w' | 'W') => unit = 7 * 24 * 60 * 60,
            Some(_) => return None,
        }
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = chars.as_str();
    }
    Some(total)
}

/// A whole number as C's `atoi` reads it: what follows the digits does not count, no digits are
/// 0, and too much is cut off.
pub fn loose_number(text: &str) -> i64 {
    match leading(text) {
        // The value is put into 32 bits.
        Some((number, _)) => i64::from(number as i32),
        None => 0,
    }
}

/// A whole number from 0 to 2147483647 and nothing else.
pub fn strict_number(text: &str) -> Option<i64> {
    let (number, rest) = leading(text)?;
    (rest.is_empty() && (0..=i64::from(i32::MAX)).contains(&number)).then_some(number)
}

/// The names that a list of algorithms stands for: `+` appends to the defaults, `^` puts in front
/// of them, `-` takes what its patterns match away; otherwise the list itself.
pub fn algorithms<'a>(list: &'a str, defaults: &[&'a str]) -> Vec<&'a str> {
    let names = |list: &'a str| list.split(',').filter(|n| !n.is_empty());
    let mut out: Vec<&str> = Vec::new();
    if let Some(more) = list.strip_prefix('+') {
        out.extend(defaults);
        out.extend(names(more));
    } else if let Some(first) = list.strip_prefix('^') {
        out.extend(names(first));
        out.extend(defaults);
    } else if let Some(without) = list.strip_prefix('-') {
        let gone = |name: &str| names(without).any(|p| pattern_fits(p, name));
        out.extend(defaults.iter().filter(|name| !gone(name)));
    } else {
        out.extend(names(list));
    }
    let mut seen = std::collections::BTreeSet::new();
    out.retain(|name| seen.insert(*name));
    out
}

/// Whether all of `text` fits a pattern of sshd's: `*` and `?`, and nothing else is special.
pub fn pattern_fits(pattern: &str, text: &str) -> bool {
    matches(Wildcards::Stars, &pattern.raw(), &text.raw())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times() {
        for (text, old, new) in [
            ("60", Some(60), Some(60)),
            ("60s", Some(60), Some(60)),
            ("1m", Some(60), Some(60)),
            ("1M", Some(60), Some(60)),
            ("1m30s", Some(1860), Some(90)),
            ("1m30", Some(1860), Some(90)),
            ("30s1m", Some(90), Some(90)),
            ("1h1m", Some(3660), Some(3660)),
            ("1w", Some(604_800), Some(604_800)),
            ("+5", Some(5), Some(5)),
            ("0", Some(0), Some(0)),
            ("-1", None, None),
            ("", None, None),
            ("none", None, None),
            ("1x", None, None),
            ("m", None, None),
            ("1 m", None, None),
            ("99999999999999999999", None, None),
            ("9223372036854775807w", None, None),
        ] {
            assert_eq!(seconds(text, true), old, "{text} before 8.4");
            assert_eq!(seconds(text, false), new, "{text} from 8.4");
        }
    }

    #[test]
    fn numbers() {
        for (text, loose, strict) in [
            ("4", 4, Some(4)),
            ("10x", 10, None),
            ("abc", 0, None),
            ("", 0, None),
            ("-1", -1, None),
            ("+3", 3, Some(3)),
            ("4294967300", 4, None),
            ("99999999999999999999", -1, None),
        ] {
            assert_eq!(loose_number(text), loose, "{text}");
            assert_eq!(strict_number(text), strict, "{text}");
        }
    }

    #[test]
    fn lists() {
        let defaults = ["a", "b", "c-x"];
        let list = |text| algorithms(text, &defaults).join(",");
        assert_eq!(list("z,a"), "z,a");
        assert_eq!(list("z,,z,"), "z");
        assert_eq!(list("+z,a"), "a,b,c-x,z");
        assert_eq!(list("^z,b"), "z,b,a,c-x");
        assert_eq!(list("-b,q"), "a,c-x");
        assert_eq!(list("-c*"), "a,b");
        assert_eq!(list("-*"), "");
    }

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("root", "root", true),
            ("root", "roots", false),
            ("*", "", true),
            ("?*", "", false),
            ("r?*t", "root", true),
            ("*a*b", "xaxbxab", true),
            ("*a*b", "xaxbxabc", false),
        ] {
            assert_eq!(pattern_fits(pattern, text), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), sticky in any::<bool>()) {
            seconds(&text, sticky);
            loose_number(&text);
            strict_number(&text);
            algorithms(&text, &["a", "b"]);
            prop_assert!(pattern_fits("*", &text));
        }
    }
}
