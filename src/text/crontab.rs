//! A system table of cron's, as Debian's cron reads it. It ignores a whole table for one line that it
//! cannot read.

/// A line that runs something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line, from 1.
    pub line: usize,
    /// As whom.
    pub account: String,
    /// What the shell is given, each run of blanks as one.
    pub command: String,
}

/// Why cron ignores a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It cannot read this line, from 1.
    Line(usize),
    /// The last line, from 1, has no end.
    NoEnd(usize),
}

/// A field of times: its smallest and largest number, and the names of the first ones.
struct Field {
    low: u64,
    high: u64,
    names: &'static [&'static str],
}

const FIELDS: [Field; 5] = [
    Field { low: 0, high: 59, names: &[] },
    Field { low: 0, high: 23, names: &[] },
    Field { low: 1, high: 31, names: &[] },
    Field {
        low: 1,
        high: 12,
        names: &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    },
    Field { low: 0, high: 7, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"] },
];

const WORDS: [&str; 8] =
    ["reboot", "yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"];

const BLANKS: [char; 2] = [' ', '\t'];

/// The entries of a table, or why cron ignores it. Whose accounts there are, the caller knows.
///
/// # Errors
/// The first line that cron cannot read.
pub fn entries(text: &str) -> Result<Vec<Entry>, Refusal> {
    let mut entries = Vec::new();
    let ended = text.matches('\n').count();
    for (i, line) in text.split('\n').enumerate() {
        let said = line.trim_start_matches(BLANKS);
        if said.is_empty() || said.starts_with('#') {
            continue;
        }
        if i == ended {
            return Err(Refusal::NoEnd(i + 1));
        }
        if is_variable(said) {
            continue;
        }
        let (account, command) = entry(said).ok_or(Refusal::Line(i + 1))?;
        entries.push(Entry { line: i + 1, account, command });
    }
    Ok(entries)
}

/// Whether a line sets a variable: a name, `=` and a value, each perhaps in quotes.
fn is_variable(line: &str) -> bool {
    let quote = |text: &str| text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let space = |c: char| c.is_ascii_whitespace() || c == '\x0b';
    let after = match quote(line) {
        Some(open) => match line[1..].split_once(open) {
            Some((name, after)) if !name.contains('=') => after,
            _ => return false,
        },
        None => line.trim_start_matches(|c| c != '=' && !space(c)),
    };
    let Some(value) = after.trim_start_matches(space).strip_prefix('=') else { return false };
    let value = value.trim_start_matches(space);
    match quote(value) {
        Some(open) => value[1..].split_once(open).is_some_and(|(_, rest)| rest.trim().is_empty()),
        None => !value.is_empty(),
    }
}

/// Account and command of an entry.
fn entry(line: &str) -> Option<(String, String)> {
    let rest = match line.strip_prefix('@') {
        Some(word) => {
            let (word, rest) = word.split_at(word.find(BLANKS).unwrap_or(word.len()));
            WORDS.contains(&word).then_some(rest)?
        }
        None => FIELDS.iter().try_fold(line, |rest, field| field.take(rest))?,
    };
    // The account ends with a blank, even where no command stands behind it.
    let (account, command) = rest.trim_start_matches(BLANKS).split_once(BLANKS)?;
    let command: Vec<&str> = command.split_whitespace().collect();
    Some((account.to_owned(), command.join(" ")))
}

impl Field {
    /// What stands behind the field; `None` where cron does not take it. What stands behind its
    /// numbers up to the next blank does not matter.
    fn take<'a>(&self, text: &'a str) -> Option<&'a str> {
        let mut rest = self.range(text)?;
        while let Some(more) = rest.strip_prefix(',') {
            rest = self.range(more)?;
        }
        Some(rest.trim_start_matches(|c| !BLANKS.contains(&c)).trim_start_matches(BLANKS))
    }

    fn range<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (first, last, rest) = match text.strip_prefix('*') {
            Some(rest) => (self.low, self.high, rest),
            None => {
                let (first, rest) = self.number(text)?;
                match rest.strip_prefix('-') {
                    Some(rest) => {
                        let (last, rest) = self.number(rest)?;
                        (first, last, rest)
                    }
                    // A single number takes no step.
                    None if rest.starts_with('/') => return None,
                    None => (first, first, rest),
                }
            }
        };
        let (step, rest) = match rest.strip_prefix('/') {
            Some(rest) => plain_number(rest)?,
            None => (1, rest),
        };
        let fits = match last.checked_sub(first) {
            // From a later to an earlier number there is nothing to refuse.
            None => step > 0,
            Some(span) => {
                let reached = last - span.checked_rem(step)?;
                first >= self.low && reached <= self.high
            }
        };
        fits.then_some(rest)
    }

    fn number<'a>(&self, text: &'a str) -> Option<(u64, &'a str)> {
        let (word, rest) = alphanumeric(text);
        match self.names.iter().zip(self.low..).find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            Some((_, number)) => Some((number, rest)),
            None => plain_number(text),
        }
    }
}

fn alphanumeric(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len()))
}

fn plain_number(text: &str) -> Option<(u64, &str)> {
    let (word, rest) = alphanumeric(text);
    Some((word.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GOOD: &str = "* * * * * root true\n";

    /// What Debian's cron (3.0pl1-137) said of each.
    #[test]
    fn tables_that_cron_takes() {
        for text in [
            "",
            "MAILTO=\"\"\n",
            "\"A B\" = \"c\"\n",
            "=b\n",
            "* = * * * *\n",
            "* * * * * root \n",
            "* * * * * root true\n# no end",
            "* * * * * root true\n  ",
            "5;x * * * * root true\n",
            "*/99 * * * * root true\n",
            "5-1 * * * * root true\n",
            "1-5/2,7 0-23 1,2 jan-Mar mon-sun root true\n",
            "* * * * 7 root true\n",
            "@daily root true\n",
            "@midnight\troot true\n",
            "* * * * * root true\r\n",
            "  \t* * * * * root true\n",
            "** * * * * root true\n",
        ] {
            assert!(entries(text).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn tables_that_cron_ignores() {
        for line in [
            "MAILTO=",
            "A =",
            "A= ",
            "A B=c",
            "A='b",
            "A=\"b\" c",
            "hello",
            "hello world",
            "* * *",
            "* * * * * root",
            "5x * * * * root true",
            "60 * * * * root true",
            "*/0 * * * * root true",
            "*/ * * * * root true",
            "5/2 * * * * root true",
            "-5 * * * * root true",
            "1, * * * * root true",
            "* * * * 8 root true",
            "* * * 0 * root true",
            "* * * january * root true",
            "*/5 * * * root /usr/local/bin/report",
            "@Daily root true",
            "@fortnightly root true",
            "@every_minute root true",
            "\r",
            "\u{c}* * * * * root true",
        ] {
            assert_eq!(
                entries(&format!("{GOOD}{line}\n{GOOD}")),
                Err(Refusal::Line(2)),
                "{line:?}"
            );
        }
        for line in ["* * * * * root true", "A=b"] {
            assert_eq!(entries(&format!("{GOOD}{line}")), Err(Refusal::NoEnd(2)), "{line:?}");
        }
    }

    #[test]
    fn what_is_run() {
        let text = "# x\nA=b\n25 6\t* * *\troot\ttest  -x /a || b\n@daily daemon c\n";
        let run: Vec<String> = entries(text)
            .unwrap()
            .into_iter()
            .map(|e| format!("{} {}: {}", e.line, e.account, e.command))
            .collect();
        assert_eq!(run, ["3 root: test -x /a || b", "4 daemon: c"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([*0-9a-z@=/, \t'\"\r-]|.|\n){0,60}") {
            if let Ok(entries) = entries(&text) {
                let lines = text.split('\n').count();
                prop_assert!(entries.iter().all(|entry| entry.line <= lines));
            }
        }

        #[test]
        fn one_bad_line_is_enough(before in 0usize..4, after in 0usize..4) {
            let text = GOOD.repeat(before) + "no table\n" + &GOOD.repeat(after);
            prop_assert_eq!(entries(&text), Err(Refusal::Line(before + 1)));
        }
    }
}
