//! The values of sshd's configuration: numbers, times, lists of algorithms, patterns.

use std::net::IpAddr;

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

/// Whether sshd takes the hosts of a pattern of users, separated by commas: an address with a mask
/// must have one of its length, and no bits behind it. What is no such address is a pattern.
pub fn hosts_fit(hosts: &str) -> bool {
    hosts.split(',').all(|host| {
        let host = host.strip_prefix('!').unwrap_or(host);
        let Some((address, mask)) = host.split_once('/') else { return true };
        let (Ok(address), Ok(mask)) = (address.parse::<IpAddr>(), mask.parse::<u32>()) else {
            return true;
        };
        let (bits, width) = match address {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        // Longer than any mask, it is no mask at all.
        let behind = |mask: u32| bits & !(u128::MAX.checked_shl(width - mask).unwrap_or(0));
        mask > 128 || mask <= width && behind(mask) == 0
    })
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

/// A port: the inner `None` where it is a number that is none (0 is one here); the outer `None` where
/// it is the name of a service, if anything.
pub fn port(text: &str) -> Option<Option<u16>> {
    match leading(text) {
        Some((number, "")) => Some(u16::try_from(number).ok()),
        // `strtonum` takes no text behind the digits, and no service has such a name.
        Some(_) => Some(None),
        None if text.bytes().any(|b| b.is_ascii_alphabetic()) => None,
        None => Some(None),
    }
}

/// Takes a host from its port at the first `:` or `/` outside brackets. `None` where a bracket is not
/// closed or something else stands behind it; the inner `None` where there is no port.
pub fn permits(text: &str) -> Option<Option<&str>> {
    let at = match text.starts_with('[') {
        true => text.find(']')? + 1,
        false => text.find([':', '/']).unwrap_or(text.len()),
    };
    match text[at..].chars().next() {
        None => Some(None),
        Some(':' | '/') => Some(Some(&text[at + 1..])),
        Some(_) => None,
    }
}

/// Whether an address to listen on can be taken apart: a bare IPv6 address, or a host with a port.
/// The host is not looked into.
pub fn listen_fits(text: &str) -> bool {
    if !text.contains('[') && text.matches(':').count() > 1 {
        return true;
    }
    match permits(text) {
        None => false,
        Some(None) => true,
        Some(Some(number)) => port(number).is_none_or(|n| n.is_some_and(|n| n > 0)),
    }
}

/// The octal number at the front of a text; `None` where there is none.
pub fn octal(text: &str) -> Option<i64> {
    let text = text.trim_start_matches(WHITE);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let rest = digits.trim_start_matches(|c| matches!(c, '0'..='7'));
    let digits = &digits[..digits.len() - rest.len()];
    let nearest = if digits.is_empty() { None } else { Some(i64::MAX) };
    i64::from_str_radix(digits, 8).ok().or(nearest).map(|n| sign * n)
}

/// A whole number as C writes it: decimal, octal behind `0`, hexadecimal behind `0x`.
pub fn c_number(text: &str) -> Option<i64> {
    let trimmed = text.trim_start_matches(WHITE);
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_alphanumeric());
    let number = i64::from_str_radix(digits, radix).ok().filter(|_| plain)?;
    Some(sign * number)
}

/// A number with a unit: B, K, M, G, T, P or E, in either case; fractions are cut off.
pub fn scaled(text: &str) -> Option<i64> {
    let trimmed = text.trim_start_matches(WHITE);
    let (sign, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (-1i64, digits),
        None => (1, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &digits[..digits.len() - rest.len()];
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || whole.len() > 20 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut behind = rest.chars();
    let Some(unit) = behind.next() else { return Some(sign * whole) };
    let power = "BKMGTPE".find(unit.to_ascii_uppercase())?;
    if behind.next().is_some_and(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let scale = 1i64 << (10 * power);
    let part = |(i, c): (usize, char)| {
        let digit = i128::from(c.to_digit(10).unwrap_or(0));
        digit * i128::from(scale) / 10i128.pow(u32::try_from(i + 1).unwrap_or(u32::MAX))
    };
    let part: i128 = fraction.chars().take(18).enumerate().map(part).sum();
    whole.checked_mul(scale)?.checked_add(i64::try_from(part).ok()?).map(|n| sign * n)
}

/// Whether sshd takes a limit of connections that have not logged in yet: a number, or three with
/// colons between, the first not above the last and the second a percentage that is not 0.
pub fn startups_fit(text: &str) -> bool {
    let (mut numbers, mut rest) = (Vec::new(), text);
    while let Some((number, after)) = leading(rest) {
        numbers.push(number as i32);
        match after.strip_prefix(':').filter(|_| numbers.len() < 3) {
            Some(more) => rest = more,
            None => break,
        }
    }
    match numbers[..] {
        [_] => true,
        [begin, rate, full] => begin <= full && (1..=100).contains(&rate),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_of_users() {
        for good in [
            "*.example",
            "10.0.0.0/8",
            "10.0.0.1",
            "10.0.0.1/32",
            "::/0",
            "a/33",
            "!x",
            "1.2.3.4/129",
        ] {
            assert!(super::hosts_fit(good), "{good}");
        }
        for bad in ["10.0.0.0/33", "10.0.0.1/8", "x,10.0.0.1/31", "fe80::1/10", "1.2.3.4/0"] {
            assert!(!super::hosts_fit(bad), "{bad}");
        }
    }

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

    #[test]
    fn amounts() {
        for (text, want) in [
            ("0", Some(0)),
            ("1.5k", Some(1536)),
            (".5G", Some(1 << 29)),
            ("-1M", Some(-(1 << 20))),
            ("K", Some(0)),
            ("16.9", Some(16)),
            ("1GB", None),
            ("1..5", None),
            ("9E", None),
            ("1x", None),
        ] {
            assert_eq!(scaled(text), want, "{text}");
        }
    }

    #[test]
    fn numbers_of_other_bases() {
        for (text, c, eight) in [
            ("0x1f", Some(31), Some(0)),
            ("010", Some(8), Some(8)),
            ("08", None, Some(0)),
            ("-1", Some(-1), Some(-1)),
            ("9", Some(9), None),
            ("", None, None),
        ] {
            assert_eq!((c_number(text), octal(text)), (c, eight), "{text}");
        }
    }

    #[test]
    fn ports() {
        for (text, want) in [
            ("22", Some(Some(22))),
            ("0", Some(Some(0))),
            ("65536", Some(None)),
            ("-1", Some(None)),
            ("22x", Some(None)),
            ("", Some(None)),
            ("ssh", None),
        ] {
            assert_eq!(port(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), sticky in any::<bool>()) {
            seconds(&text, sticky);
            port(&text);
            permits(&text);
            listen_fits(&text);
            scaled(&text);
            c_number(&text);
            octal(&text);
            startups_fit(&text);
            loose_number(&text);
            strict_number(&text);
            algorithms(&text, &["a", "b"]);
            prop_assert!(pattern_fits("*", &text));
        }
    }
}
