//! `/etc/default/useradd`: `KEY=value` from the first column on, the rest of the line is the value.

use super::login_defs;

/// The last line of `key`, which counts: its number from 1, and the value as it stands there,
/// carriage return included.
pub fn last<'a>(text: &'a str, key: &str) -> Option<(usize, &'a str)> {
    lines(text).filter_map(|(number, line)| Some((number, value(line, key)?))).last()
}

/// The number that `useradd` takes a value for; a blank behind it spoils it.
pub fn number(value: &str) -> Option<i64> {
    login_defs::number(value)
}

/// Gives `key` a value: in place of its last line, else below a commented sample, else at the end.
pub fn set(text: &str, key: &str, new: &str) -> String {
    let setting = format!("{key}={new}");
    let active = last(text, key).map(|(number, _)| number);
    let sample = || lines(text).find(|(_, line)| is_sample(line, key)).map(|(number, _)| number);
    let below = if active.is_none() { sample() } else { None };
    let mut out = String::with_capacity(text.len() + setting.len() + 2);
    for (i, line) in text.split_inclusive('\n').enumerate() {
        if Some(i + 1) == active {
            // A carriage return would be a part of the value, so it goes.
            let end = if line.ends_with('\n') { "\n" } else { "" };
            out.push_str(&format!("{setting}{end}"));
            continue;
        }
        out.push_str(line);
        if Some(i + 1) == below {
            let end = if line.ends_with('\n') { "" } else { "\n" };
            out.push_str(&format!("{end}{setting}\n"));
        }
    }
    if active.or(below).is_none() {
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{setting}\n"));
    }
    out
}

fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bare = text.split_inclusive('\n').map(|l| l.strip_suffix('\n').unwrap_or(l));
    bare.enumerate().map(|(i, line)| (i + 1, line))
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix('=')
}

/// Whether a comment is nothing but `KEY=number`.
fn is_sample(line: &str, key: &str) -> bool {
    let sample = line.strip_prefix('#').map(|l| l.trim_start_matches([' ', '\t']));
    sample.and_then(|l| value(l, key)).is_some_and(|v| number(v.trim_ascii_end()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_last_line_from_the_first_column_counts() {
        let text = "INACTIVE=1\n INACTIVE=2\n#INACTIVE=3\nINACTIVEX=4\nINACTIVE =5\nINACTIVE=6\r\n";
        assert_eq!(last(text, "INACTIVE"), Some((6, "6\r")));
        assert_eq!(number("6\r"), None);
        assert_eq!(number(" 30"), Some(30));
    }

    #[test]
    fn set_keeps_everything_else() {
        for (before, after) in [
            ("", "K=30\n"),
            ("A=1", "A=1\nK=30\n"),
            ("# days\n# K=-1\n#\nA=1\n", "# days\n# K=-1\nK=30\n#\nA=1\n"),
            ("#K=-1\r\nA=1\r\n", "#K=-1\r\nK=30\nA=1\r\n"),
            ("#K=-1", "#K=-1\nK=30\n"),
            ("# K=1 is a day\n# gokaku: K=1\n", "# K=1 is a day\n# gokaku: K=1\nK=30\n"),
            ("# K=1\nK=1\nK=2", "# K=1\nK=1\nK=30"),
        ] {
            assert_eq!(set(before, "K", "30"), after, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn set_then_get(text in "(#? ?K=-?[0-9]?\r?\n|J=[0-9]\n|\\PC{0,5}\n?){0,6}") {
            let once = set(&text, "K", "30");
            prop_assert_eq!(last(&once, "K").unwrap().1, "30");
            prop_assert_eq!(set(&once, "K", "30"), once.clone());
            prop_assert_eq!(last(&once, "J").map(|j| j.1), last(&text, "J").map(|j| j.1));
        }
    }
}
