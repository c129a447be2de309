//! `pwquality.conf`, as libpwquality reads it.
//!
//! `key = value` or `key value`, keys in any case, a `#` cuts the line anywhere, the last line of
//! a key counts. At a line it does not know or understand it stops, and with it every later file.

use super::lossless::byte_len;
use super::{DISABLED, Lines};

/// Which keys the library knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// Up to 1.4.0, as in Ubuntu 18.04.
    Old,
    /// From 1.4.1, where options of the PAM line may stand in the file.
    New,
}

/// Longest line (bytes, line feed included) the library takes.
const LINE_LIMIT: usize = 1023;
/// A longer line (bytes) is switched off in pieces.
const PIECE: usize = 1000;

const NUMBERS: [&str; 14] = [
    "difok",
    "minlen",
    "dcredit",
    "ucredit",
    "lcredit",
    "ocredit",
    "minclass",
    "maxrepeat",
    "maxclassrepeat",
    "maxsequence",
    "gecoscheck",
    "dictcheck",
    "usercheck",
    "enforcing",
];
const NEW_NUMBERS: [&str; 2] = ["retry", "usersubstr"];
const TEXTS: [&str; 2] = ["badwords", "dictpath"];
const NEW_SWITCHES: [&str; 2] = ["enforce_for_root", "local_users_only"];

/// One number that the file sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Where, from 1.
    pub line: usize,
    /// The key, in lower case.
    pub key: String,
    /// Its number.
    pub value: i64,
}

/// What is read of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The numbers, in the order of the text, up to where the library stops.
    pub settings: Vec<Setting>,
    /// All lines that would stop it, with what stands there.
    pub stops: Vec<(usize, String)>,
}

impl Reading {
    /// The number that counts for `key`.
    pub fn last(&self, key: &str) -> Option<&Setting> {
        self.settings.iter().rev().find(|s| s.key == key)
    }
}

enum Line<'a> {
    Nothing,
    Number { key: &'a str, value: i64 },
    Other,
    Stop,
}

/// Reads a text.
pub fn read(text: &str, edition: Edition) -> Reading {
    let mut reading = Reading::default();
    for (i, raw) in text.split_inclusive('\n').enumerate() {
        match parse(raw, edition) {
            Line::Number { key, value } if reading.stops.is_empty() => {
                let key = key.to_ascii_lowercase();
                reading.settings.push(Setting { line: i + 1, key, value });
            }
            Line::Stop => reading.stops.push((i + 1, raw.trim().to_owned())),
            _ => {}
        }
    }
    reading
}

fn parse(raw: &str, edition: Edition) -> Line<'_> {
    let length = byte_len(raw);
    if length > LINE_LIMIT || (length == LINE_LIMIT && !raw.ends_with('\n')) {
        return Line::Stop;
    }
    if raw.split('#').next().unwrap_or_default().trim_matches(SPACE).is_empty() {
        return Line::Nothing;
    }
    let (key, value) = split(raw);
    let is_in = |keys: &[&str]| keys.iter().any(|k| k.eq_ignore_ascii_case(key));
    let new = edition == Edition::New;
    if is_in(&NUMBERS) || (new && is_in(&NEW_NUMBERS)) {
        let number = value.parse::<i64>().ok().filter(|n| i64::from(i32::MIN) < *n);
        match number.filter(|n| *n < i64::from(i32::MAX)) {
            Some(value) => Line::Number { key, value },
            None => Line::Stop,
        }
    } else if is_in(&TEXTS) || (new && is_in(&NEW_SWITCHES)) {
        Line::Other
    } else {
        Line::Stop
    }
}

/// The key and the value of a line, comment taken off.
fn split(raw: &str) -> (&str, &str) {
    let line = raw.split('#').next().unwrap_or_default().trim_matches(SPACE);
    let end = line.find(|c| SPACE.contains(&c) || c == '=').unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = rest.trim_start_matches(SPACE);
    // One `=`, no more.
    let value = rest.strip_prefix('=').unwrap_or(rest).trim_start_matches(SPACE);
    (key, value)
}

/// What C's `isspace` takes for a blank.
const SPACE: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// Gives `key` a number: in place of its last line, else below a commented sample, else before
/// the line at which the reading stops, or at the end.
pub fn set(text: &str, edition: Edition, key: &str, value: i64) -> String {
    let mut lines = Lines::new(text);
    let reading = read(text, edition);
    let end = reading.stops.first().map_or(lines.len() + 1, |(line, _)| *line);
    let sample = || {
        let mut before = lines.iter().take_while(|(number, _)| *number < end);
        before.find(|(_, line)| is_sample(line, key)).map(|(number, _)| number)
    };
    if let Some(old) = reading.last(key) {
        let line = lines.get(old.line).unwrap_or_default().to_owned();
        let value_at = split(&line).1.as_ptr() as usize - line.as_ptr() as usize;
        let after = value_at + split(&line).1.len();
        let (head, tail) = (line.get(..value_at), line.get(after..));
        let new = format!("{}{value}{}", head.unwrap_or_default(), tail.unwrap_or_default());
        lines.set(old.line, &new);
    } else if let Some(number) = sample() {
        lines.insert(number + 1, &format!("{key} = {value}"));
    } else {
        lines.insert(end, &format!("{key} = {value}"));
    }
    lines.to_string()
}

/// Makes lines comments. One that is too long even for a comment becomes several.
pub fn disable(text: &str, numbers: impl IntoIterator<Item = usize>) -> String {
    let mut lines = Lines::new(text);
    for number in numbers {
        let Some(old) = lines.get(number) else { continue };
        let mut pieces: Vec<String> = Vec::new();
        let mut rest = old;
        loop {
            let whole = |end: &usize| rest.is_char_boundary(*end);
            let end = (0..=PIECE.min(rest.len())).rev().find(whole).unwrap_or_default();
            let (piece, more) = rest.split_at(end);
            pieces.push(format!("{DISABLED}{piece}"));
            if more.is_empty() {
                break;
            }
            rest = more;
        }
        lines.set(number, &pieces.join("\n"));
    }
    lines.to_string()
}

/// Whether a comment is nothing but `key = number`.
fn is_sample(line: &str, key: &str) -> bool {
    let Some(rest) = line.strip_prefix('#').filter(|_| !line.starts_with(DISABLED)) else {
        return false;
    };
    let (name, value) = split(rest);
    name.eq_ignore_ascii_case(key) && !rest.contains('#') && value.parse::<i64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str, edition: Edition) -> (Vec<String>, Vec<usize>) {
        let reading = read(text, edition);
        let settings = reading.settings.iter().map(|s| format!("{}:{}={}", s.line, s.key, s.value));
        (settings.collect(), reading.stops.iter().map(|s| s.0).collect())
    }

    #[test]
    fn reads_what_the_library_reads() {
        let text = "# minlen = 8\n\n minlen=14\nMinLen 15 # x\r\ndcredit\t=\t-1\nucredit -2\nbadwords = a b\n\
                    dictpath =\nocredit = +1";
        assert_eq!(
            shown(text, Edition::Old),
            (
                ["3:minlen=14", "4:minlen=15", "5:dcredit=-1", "6:ucredit=-2", "9:ocredit=1"]
                    .map(String::from)
                    .to_vec(),
                vec![]
            )
        );
    }

    #[test]
    fn it_stops_at_what_it_does_not_know() {
        for bad in [
            "retry = 3",
            "enforce_for_root",
            "junk",
            "minlen = 14x",
            "minlen",
            "minlen = ",
            "=3",
            "=",
            "minlen == 3",
            "minlen = 2147483647",
            "minlen = 1 4",
            "min len = 4",
        ] {
            let text = format!("minclass = 3\n{bad}\nminclass = 4\n{bad}\n");
            assert_eq!(
                shown(&text, Edition::Old),
                (vec!["1:minclass=3".into()], vec![2, 4]),
                "{bad}"
            );
        }
        for fine in ["retry = 3", "enforce_for_root", "local_users_only", "usersubstr = 1"] {
            assert_eq!(shown(fine, Edition::New).1, [0; 0], "{fine}");
        }
        let long = format!("#{}\nminlen = 14\n", "x".repeat(LINE_LIMIT));
        assert_eq!(shown(&long, Edition::Old), (vec![], vec![1]), "even a comment");
        let short = disable(&long, [1]);
        assert_eq!(shown(&short, Edition::Old).1, [0; 0], "it becomes two");
        assert!(short.ends_with("x\nminlen = 14\n") && short.matches('x').count() == LINE_LIMIT);
    }

    #[test]
    fn set_keeps_everything_else() {
        for (before, after) in [
            ("", "minlen = 14\n"),
            ("difok = 1", "difok = 1\nminlen = 14\n"),
            ("# Minimum\n# minlen = 8\n#\n", "# Minimum\n# minlen = 8\nminlen = 14\n#\n"),
            ("#minlen = 8\r\n", "#minlen = 8\r\nminlen = 14\r\n"),
            ("# minlen = 8 is few\n", "# minlen = 8 is few\nminlen = 14\n"),
            ("# gokaku: minlen = 8\n", "# gokaku: minlen = 8\nminlen = 14\n"),
            ("minlen = 9\n MinLen=8 # few\n", "minlen = 9\n MinLen=14 # few\n"),
            ("minlen 8", "minlen 14"),
            ("retry = 3\n# minlen = 8\n", "minlen = 14\nretry = 3\n# minlen = 8\n"),
        ] {
            assert_eq!(set(before, Edition::Old, "minlen", 14), after, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn set_then_get(
            text in "([ ]?#?[ ]?(minlen|MINLEN|difok|junk)[ =]{0,2}-?[0-9]{0,2}( #x)?\r?\n|\\PC{0,5}\n?){0,8}",
            v in -3i64..30,
        ) {
            let set = |text: &str| set(text, Edition::Old, "minlen", v);
            let once = set(&text);
            let (before, after) = (read(&text, Edition::Old), read(&once, Edition::Old));
            prop_assert_eq!(after.last("minlen").unwrap().value, v);
            prop_assert_eq!(set(&once), once.clone());
            prop_assert_eq!(before.last("difok").map(|s| s.value), after.last("difok").map(|s| s.value));
            let bare = disable(&text, before.stops.iter().map(|s| s.0));
            prop_assert_eq!(read(&bare, Edition::Old).stops, []);
        }

        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            read(&text, Edition::New);
            set(&text, Edition::New, "minlen", 14);
        }
    }
}
