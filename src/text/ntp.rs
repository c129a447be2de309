//! ntpd's configuration: one command a line, words apart by blanks, `#` begins a comment.

use super::Lines;

/// A `restrict` line for the default entry: what applies to everybody not named elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DefaultRestrict {
    /// The line, from 1.
    pub line: usize,
    /// Whether it is about IPv4.
    pub v4: bool,
    /// Whether it is about IPv6.
    pub v6: bool,
    /// The flags it adds to the entry.
    pub flags: Vec<String>,
}

/// The words of a line, its comment left out.
pub fn words(line: &str) -> Vec<&str> {
    code(line).split_whitespace().collect()
}

/// The line up to its comment. A `#` in a quoted word begins none.
fn code(line: &str) -> &str {
    let mut quoted = false;
    let end = line.find(|c| {
        quoted ^= c == '"';
        c == '#' && !quoted
    });
    end.and_then(|end| line.get(..end)).unwrap_or(line)
}

/// The `restrict` lines for the default entries. A family's flags add up over its lines.
pub fn default_restricts(text: &str) -> Vec<DefaultRestrict> {
    let read = |(line, text): (usize, &str)| {
        let words = words(text);
        let mut rest = words.split_first().filter(|(first, _)| **first == "restrict")?.1;
        let mut family = None;
        if let Some((first, after)) = rest.split_first().filter(|(f, _)| ["-4", "-6"].contains(f)) {
            family = Some(*first);
            rest = after;
        }
        let (address, mut rest) = rest.split_first()?;
        let mut mask = None;
        match rest {
            // Whatever is added would become the mask.
            ["mask"] => return None,
            ["mask", at, after @ ..] => {
                mask = Some(*at);
                rest = after;
            }
            _ => {}
        }
        let family = match (*address, mask) {
            ("default", None) => family,
            ("0.0.0.0", Some("0.0.0.0")) => Some("-4"),
            ("::", Some("::")) => Some("-6"),
            _ => return None,
        };
        let flags = rest.iter().map(|w| (*w).to_owned()).collect();
        Some(DefaultRestrict { line, v4: family != Some("-6"), v6: family != Some("-4"), flags })
    };
    Lines::new(text).iter().filter_map(read).collect()
}

/// Adds flags to the end of a line, before its comment.
pub fn add_flags(text: &str, line: usize, flags: &[&str]) -> String {
    let mut lines = Lines::new(text);
    if let Some(old) = lines.get(line) {
        let code = code(old).trim_end();
        let rest = old.get(code.len()..).unwrap_or_default();
        let new = format!("{code} {}{rest}", flags.join(" "));
        lines.set(line, &new);
    }
    lines.to_string()
}

/// Appends a command.
pub fn push(text: &str, command: &str) -> String {
    let mut lines = Lines::new(text);
    lines.push(command);
    lines.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn which_lines_are_the_default_entry() {
        for (line, v4, v6) in [
            ("restrict default kod", true, true),
            ("restrict -4 default kod", true, false),
            ("  restrict\t-6  default kod # x", false, true),
            ("restrict 0.0.0.0 mask 0.0.0.0 kod", true, false),
            ("restrict :: mask :: kod", false, true),
        ] {
            let found = default_restricts(line);
            assert_eq!((found[0].v4, found[0].v6), (v4, v6), "{line}");
            assert_eq!(found[0].flags, ["kod"], "{line}");
        }
        for line in [
            "# restrict default kod",
            "restrict source kod",
            "restrict 127.0.0.1",
            "restrict 0.0.0.0 kod",
            "restrict",
            "restrict -4",
            "restrict default mask # x",
            "restricted default kod",
            "Restrict default kod",
            "server default",
        ] {
            assert_eq!(default_restricts(line), [], "{line}");
        }
    }

    #[test]
    fn flags_go_before_the_comment() {
        let text = "a\r\nrestrict default kod  # note\r\nb";
        let new = add_flags(text, 2, &["noquery", "nopeer"]);
        assert_eq!(new, "a\r\nrestrict default kod noquery nopeer  # note\r\nb");
        assert_eq!(add_flags("restrict default", 1, &["kod"]), "restrict default kod");
        assert_eq!(add_flags(text, 9, &["kod"]), text);
        assert_eq!(words("server \"a#b\" # c"), ["server", "\"a#b\""]);
    }

    proptest! {
        #[test]
        fn what_was_added_is_there_and_nothing_else_changed(
            text in "((restrict (default|-4 default|x)[ a-z#\"]{0,8}|\\PC{0,8})\r?\n){0,6}",
            flag in "[a-z]{1,8}",
        ) {
            for entry in default_restricts(&text) {
                let new = add_flags(&text, entry.line, &[&flag]);
                let read = default_restricts(&new);
                let now = read.iter().find(|e| e.line == entry.line).unwrap();
                prop_assert_eq!(now.flags.last(), Some(&flag));
                let (old, new) = (Lines::new(&text), Lines::new(&new));
                for (number, line) in old.iter().filter(|(n, _)| *n != entry.line) {
                    prop_assert_eq!(new.get(number), Some(line));
                }
            }
        }

        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            default_restricts(&text);
        }
    }
}
