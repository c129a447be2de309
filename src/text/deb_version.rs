//! The order of Debian versions.

use std::cmp::Ordering;

/// Compares two versions, `[epoch:]upstream[-revision]`, as dpkg does.
pub fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (split(a), split(b));
    let by_epoch = compare_numbers(a.0, b.0);
    by_epoch.then_with(|| compare_parts(a.1, b.1)).then_with(|| compare_parts(a.2, b.2))
}

/// Epoch, upstream version and revision.
fn split(version: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (epoch, rest) = match version.iter().position(|b| *b == b':') {
        Some(colon) => (&version[..colon], &version[colon + 1..]),
        None => (&version[..0], version),
    };
    match rest.iter().rposition(|b| *b == b'-') {
        Some(hyphen) => (epoch, &rest[..hyphen], &rest[hyphen + 1..]),
        None => (epoch, rest, &rest[rest.len()..]),
    }
}

/// Text and numbers in turn; in text `~` comes before the end, and letters before the rest.
fn compare_parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !(a.is_empty() && b.is_empty()) {
        let (a_text, b_text);
        (a_text, a) = a.split_at(length(a, |b| !b.is_ascii_digit()));
        (b_text, b) = b.split_at(length(b, |b| !b.is_ascii_digit()));
        for i in 0..a_text.len().max(b_text.len()) {
            match rank(a_text.get(i)).cmp(&rank(b_text.get(i))) {
                Ordering::Equal => {}
                unequal => return unequal,
            }
        }
        let (a_number, b_number);
        (a_number, a) = a.split_at(length(a, u8::is_ascii_digit));
        (b_number, b) = b.split_at(length(b, u8::is_ascii_digit));
        match compare_numbers(a_number, b_number) {
            Ordering::Equal => {}
            unequal => return unequal,
        }
    }
    Ordering::Equal
}

fn length(text: &[u8], good: impl Fn(&u8) -> bool) -> usize {
    text.iter().take_while(|b| good(b)).count()
}

fn rank(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

/// Digits of any length, as numbers.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let strip = |n: &[u8]| length(n, |b| *b == b'0');
    let (a, b) = (&a[strip(a)..], &b[strip(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (a, b, order) in [
            ("1.0", "1.0", Ordering::Equal),
            ("1.0", "1.1", Ordering::Less),
            ("1.9", "1.10", Ordering::Less),
            ("1.0-1", "1.0-2", Ordering::Less),
            ("1.0", "1.0-1", Ordering::Less),
            ("1.0-0", "1.0", Ordering::Equal),
            ("0:1.0", "1.0", Ordering::Equal),
            ("1:0.1", "2.0", Ordering::Greater),
            ("1.0~rc1", "1.0", Ordering::Less),
            ("1.0~~", "1.0~", Ordering::Less),
            ("1.0a", "1.0+", Ordering::Less),
            ("1.0", "1.0a", Ordering::Less),
            ("1.01", "1.1", Ordering::Equal),
            ("237-3ubuntu10", "237-3ubuntu10.44", Ordering::Less),
            ("1.1.8-3.6ubuntu2", "1.1.8-3.6ubuntu2.18.04.3", Ordering::Less),
            ("2.27-3ubuntu1.6", "2.27-3ubuntu1.10", Ordering::Less),
            ("7.6p1-4ubuntu0.3", "7.6p1-4", Ordering::Greater),
            ("99999999999999999999999", "99999999999999999999998", Ordering::Greater),
            ("", "", Ordering::Equal),
        ] {
            assert_eq!(compare(a.as_bytes(), b.as_bytes()), order, "{a} {b}");
            assert_eq!(compare(b.as_bytes(), a.as_bytes()), order.reverse(), "{b} {a}");
        }
    }

    proptest! {
        #[test]
        fn it_is_an_order(
            a in "[0-9]{0,2}:?[0-9a.~+-]{0,6}",
            b in "[0-9]{0,2}:?[0-9a.~+-]{0,6}",
            c in "[0-9]{0,2}:?[0-9a.~+-]{0,6}",
        ) {
            let order = |x: &str, y: &str| compare(x.as_bytes(), y.as_bytes());
            prop_assert_eq!(order(&a, &b), order(&b, &a).reverse());
            if order(&a, &b) != Ordering::Greater && order(&b, &c) != Ordering::Greater {
                prop_assert_ne!(order(&a, &c), Ordering::Greater);
            }
        }
    }
}
