//! `login.defs`, which two readers read differently.
//!
//! The shadow tools take `KEY blanks VALUE`, a `#` only at the start of a line, the key exactly,
//! and the last duplicate. pam_umask takes `=` too, cuts at any `#`, takes the key in any case and
//! the first duplicate. One active line that both read alike is the only safe state.

use super::{DISABLED, Lines};

/// A line that sets a key for at least one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginDef {
    /// Where, from 1.
    pub line: usize,
    /// The value as the shadow tools read it.
    pub shadow: Option<String>,
    /// The value as pam_umask reads it.
    pub pam: Option<String>,
}

/// The lines that set `key`, in the order of the text.
pub fn settings(text: &str, key: &str) -> Vec<LoginDef> {
    let found = Lines::new(text);
    let found = found.iter().map(|(line, text)| {
        let (shadow, pam) = (shadow(text, key), pam(text, key));
        LoginDef { line, shadow, pam }
    });
    found.filter(|s| s.shadow.is_some() || s.pam.is_some()).collect()
}

/// The value of `key` for the shadow tools: the last line counts.
pub fn last(text: &str, key: &str) -> Option<String> {
    text.lines().rev().find_map(|line| shadow(line, key))
}

/// The number that `key` is for the shadow tools. `None` when it is not set, and when its last
/// line is no number: the tools then use a default of their own.
pub fn last_number(text: &str, key: &str) -> Option<i64> {
    number(&last(text, key)?)
}

const BLANKS: [char; 2] = [' ', '\t'];

fn shadow(line: &str, key: &str) -> Option<String> {
    let line = line.trim_ascii_end().trim_start_matches(BLANKS);
    let rest = line.strip_prefix(key)?;
    if line.starts_with('#') || !rest.starts_with(BLANKS) {
        return None;
    }
    let value = rest.trim_start_matches([' ', '\t', '"']);
    value.split('"').next().map(str::to_owned)
}

fn pam(line: &str, key: &str) -> Option<String> {
    let line = line.split('#').next()?.trim_ascii_start();
    let end = line.find([' ', '\t', '=']).unwrap_or(line.len());
    let (name, rest) = (line.get(..end)?, line.get(end..)?);
    let value = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '=');
    name.trim_ascii_end().eq_ignore_ascii_case(key).then(|| value.trim_ascii_end().to_owned())
}

/// A whole number in C's notation (`0x` hexadecimal, `0` octal), as the shadow tools read it.
pub fn number(text: &str) -> Option<i64> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (base, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(rest) => (16, rest),
        None if digits.len() > 1 && digits.starts_with('0') => (8, digits),
        None => (10, digits),
    };
    // A second sign is none of C's.
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i64::from_str_radix(digits, base).ok()?;
    Some(if negative { -value } else { value })
}

/// The leading octal digits, as pam_umask reads them, as a mask.
pub fn octal(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_digit(8)).unwrap_or(text.len());
    u32::from_str_radix(text.get(..end)?, 8).ok().map(|mask| mask & 0o777)
}

/// Makes `key` have one active line, in place of its first (else below a commented sample, else at
/// the end), with this value. A
/// first line for which `keep` says yes stays as it is.
pub fn set(text: &str, key: &str, value: &str, keep: impl Fn(&LoginDef) -> bool) -> String {
    let mut lines = Lines::new(text);
    let settings = settings(text, key);
    let Some((first, others)) = settings.split_first() else {
        let setting = format!("{key}\t{value}");
        let sample = lines.iter().find(|(_, line)| is_sample(line, key)).map(|(number, _)| number);
        match sample {
            Some(number) => lines.insert(number + 1, &setting),
            None => lines.push(&setting),
        }
        return lines.to_string();
    };
    others.iter().for_each(|other| lines.disable(other.line));
    if !keep(first) {
        let old = lines.get(first.line).unwrap_or_default().to_owned();
        lines.set(first.line, &format!("{}{value}", head(&old, key)));
        // Behind the value it would be a part of it.
        if let Some(comment) = old.find('#').and_then(|at| old.get(at..)) {
            lines.insert(first.line, comment);
        }
    }
    lines.to_string()
}

/// Whether a comment is nothing but the key and one word.
fn is_sample(line: &str, key: &str) -> bool {
    let bare = line.trim_start_matches(BLANKS);
    let Some(rest) = bare.strip_prefix('#').filter(|_| !bare.starts_with(DISABLED)) else {
        return false;
    };
    let mut words = rest.split_ascii_whitespace();
    (words.next(), words.next().is_some(), words.next()) == (Some(key), true, None)
}

/// What stands before the value, in the form that both readers take.
fn head(line: &str, key: &str) -> String {
    let indent = line.len() - line.trim_start_matches(BLANKS).len();
    let rest = line.get(indent..).and_then(|l| l.strip_prefix(key)).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches(BLANKS).len();
    match line.get(..indent + key.len() + blanks) {
        Some(head) if blanks > 0 => head.to_owned(),
        _ => format!("{key}\t"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn both(line: &str) -> (Option<&'static str>, Option<&'static str>) {
        let leak = |v: Option<String>| v.map(|v| &*v.leak());
        (leak(shadow(line, "UMASK")), leak(pam(line, "UMASK")))
    }

    #[test]
    fn the_two_readers() {
        for (line, shadow, pam) in [
            ("UMASK 027", Some("027"), Some("027")),
            ("\t UMASK\t\t027  \r", Some("027"), Some("027")),
            ("UMASK \"027\"", Some("027"), Some("\"027\"")),
            ("UMASK 027 # x", Some("027 # x"), Some("027")),
            ("UMASK=027", None, Some("027")),
            ("umask = 027", None, Some("027")),
            ("UMASK = 027", Some("= 027"), Some("027")),
            ("UMASK", None, Some("")),
            ("# UMASK 027", None, None),
            ("UMASKS 027", None, None),
            ("SYS_UMASK 027", None, None),
            ("", None, None),
        ] {
            assert_eq!(both(line), (shadow, pam), "{line:?}");
        }
    }

    #[test]
    fn the_last_line_counts_for_the_tools() {
        let text = "SYS_UID_MIN 100\nUID_MIN\t500\n#UID_MIN 1\nUID_MIN 1000 \nUID_MIN=3\n";
        assert_eq!(last(text, "UID_MIN").as_deref(), Some("1000"));
        assert_eq!(last_number(text, "UID_MIN"), Some(1000));
        assert_eq!(last_number("UID_MIN 1000 # x\n", "UID_MIN"), None);
        assert_eq!(last_number(text, "UID_MAX"), None);
    }

    #[test]
    fn numbers_are_c_numbers() {
        for (text, wanted) in [
            ("365", Some(365)),
            (" 7", Some(7)),
            ("-1", Some(-1)),
            ("+5", Some(5)),
            ("010", Some(8)),
            ("0x1F", Some(31)),
            ("0", Some(0)),
            ("00", Some(0)),
            ("090", None),
            ("0x", None),
            ("", None),
            ("7 ", None),
            ("7d", None),
            ("--7", None),
            ("0x-7", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(number(text), wanted, "{text:?}");
        }
        assert_eq!(
            (octal("027"), octal("27x"), octal("8"), octal("")),
            (Some(0o27), Some(0o27), None, None)
        );
    }

    #[test]
    fn set_leaves_one_line() {
        let set = |text: &str| set(text, "UMASK", "027", |s| s.shadow.as_deref() == Some("077"));
        for (before, after) in [
            ("", "UMASK\t027\n"),
            ("# UMASK is nice", "# UMASK is nice\nUMASK\t027\n"),
            ("# UMASK 022\nUID_MIN 1\n", "# UMASK 022\nUMASK\t027\nUID_MIN 1\n"),
            ("# gokaku: UMASK 022\nA 1\n", "# gokaku: UMASK 022\nA 1\nUMASK\t027\n"),
            ("UMASK\t\t022\nUID_MIN 1\n", "UMASK\t\t027\nUID_MIN 1\n"),
            (" UMASK  \"022\"\r\n", " UMASK  027\r\n"),
            ("UMASK 022 # loose\n", "# loose\nUMASK 027\n"),
            ("umask=022\nUMASK 027\n", "UMASK\t027\n# gokaku: UMASK 027\n"),
            ("UMASK 077\nUMASK 022\n", "UMASK 077\n# gokaku: UMASK 022\n"),
        ] {
            assert_eq!(set(before), after, "{before:?}");
            assert_eq!(set(&set(before)), set(before), "{before:?}");
        }
    }

    fn lineish() -> impl Strategy<Value = String> {
        let line = "([ \t]{0,2}(K|k|#K|KK|J)[ \t=]{0,2}[0-9]{0,3}( #x)?\r?|[ -~]{0,9}|\\PC{0,4})";
        proptest::collection::vec(line, 0..8).prop_map(|l| l.join("\n"))
    }

    proptest! {
        #[test]
        fn set_then_get(text in lineish()) {
            let once = set(&text, "K", "27", |_| false);
            prop_assert_eq!(last(&once, "K"), Some("27".to_owned()));
            let all = settings(&once, "K");
            prop_assert_eq!(all.len(), 1);
            prop_assert_eq!(&all[0].pam, &Some("27".to_owned()));
            prop_assert_eq!(set(&once, "K", "27", |_| false), once.clone());
            prop_assert_eq!(settings(&once, "J").len(), settings(&text, "J").len());
        }

        #[test]
        fn anything_can_be_read(text in any::<String>(), word in any::<String>()) {
            settings(&text, "K");
            number(&word);
            octal(&word);
        }
    }
}
