//! Lines of `limits.conf`, as pam_limits reads them: four words, a `#` cuts the line anywhere.

use super::Lines;
use super::lossless::holds;

/// Whom a line is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Domain {
    /// `*`: everybody that no other line names. Not root.
    Everybody,
    /// `%…`: counts logins only, never another item.
    LoginCount,
    /// One user by name.
    User(String),
    /// A group (`@name`) or a range of numbers (`1000:`, `@100:200`).
    Many(String),
}

impl Domain {
    fn parse(word: &str) -> Domain {
        match word.chars().next() {
            Some('*') if word == "*" => Domain::Everybody,
            Some('%') => Domain::LoginCount,
            Some('@') => Domain::Many(word.to_owned()),
            _ if word.contains(':') => Domain::Many(word.to_owned()),
            _ => Domain::User(word.to_owned()),
        }
    }
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// A hard limit of an item; `None` is no limit at all.
    Hard {
        /// The item, in lower case.
        item: String,
        /// The number as written; its unit depends on the item.
        value: Option<i64>,
        /// Whether it is the soft limit too (`-`). pam_limits then passes over the whole line for
        /// those whose soft limit an earlier line of a higher rank has set.
        soft_too: bool,
    },
    /// A soft limit of an item.
    Soft {
        /// The item, in lower case.
        item: String,
    },
    /// `name -`: no limit of any line holds for these.
    Exempt,
}

/// One active line that pam_limits understands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Where, from 1.
    pub line: usize,
    /// For whom.
    pub domain: Domain,
    /// What.
    pub rule: Rule,
    /// The line as it stands there, without the blanks around it.
    pub text: String,
}

/// The active lines, in the order of the text.
pub fn limits(text: &str) -> Vec<Limit> {
    Lines::new(text).iter().filter_map(|(line, text)| parse(line, text)).collect()
}

fn parse(line: usize, text: &str) -> Option<Limit> {
    let active = text.split('#').next().unwrap_or_default();
    let mut words = active.split_ascii_whitespace();
    let domain = Domain::parse(words.next()?);
    let kind = words.next()?.to_ascii_lowercase();
    let rule = match (kind.as_str(), words.next(), words.next()) {
        ("-", None, None) => Rule::Exempt,
        ("hard" | "-", Some(item), Some(value)) => Rule::Hard {
            item: item.to_ascii_lowercase(),
            // Of a value with foreign bytes the worst is supposed: whoever judges it has to see it.
            value: number(value).or(holds(value).then_some(None))?,
            soft_too: kind == "-",
        },
        ("soft", Some(item), Some(value)) => {
            number(value)?;
            Rule::Soft { item: item.to_ascii_lowercase() }
        }
        _ => return None,
    };
    Some(Limit { line, domain, rule, text: text.trim().to_owned() })
}

/// The leading number, as `strtol` finds it; without one the line is void.
fn number(word: &str) -> Option<Option<i64>> {
    if ["-1", "-", "unlimited", "infinity"].iter().any(|w| w.eq_ignore_ascii_case(word)) {
        return Some(None);
    }
    let (sign, rest) = match word.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, word.strip_prefix('+').unwrap_or(word)),
    };
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let digits = rest.get(..digits).filter(|d| !d.is_empty())?;
    Some(Some(sign * digits.parse::<i64>().unwrap_or(i64::MAX)))
}

/// Puts `* hard item value` in place of line `line`, or at the end.
pub fn set(text: &str, line: Option<usize>, item: &str, value: u32) -> String {
    let mut lines = Lines::new(text);
    let new = format!("* hard {item} {value}");
    match line {
        Some(line) => lines.set(line, &new),
        None => lines.push(&new),
    }
    lines.to_string()
}

/// Makes lines comments.
pub fn disable(text: &str, numbers: impl IntoIterator<Item = usize>) -> String {
    let mut lines = Lines::new(text);
    numbers.into_iter().for_each(|line| lines.disable(line));
    lines.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_what_pam_limits_reads() {
        let text = "# * hard core 1\n* hard core 0\n*\tHARD  Core 0 # x\r\n* - core 0x\n* soft core 1\n\
            *  hard core\n* hard core x\n@adm hard core unlimited extra\nmary - \n1000: - core -1\n\
            % hard maxlogins 4\n*hard core 0\n* hard core -5\n#\n\n* - \n";
        let core = |value| Rule::Hard { item: "core".into(), value, soft_too: false };
        let both = |value| Rule::Hard { item: "core".into(), value, soft_too: true };
        let many = |name: &str| Domain::Many(name.into());
        let wanted = [
            (2, Domain::Everybody, core(Some(0))),
            (3, Domain::Everybody, core(Some(0))),
            (4, Domain::Everybody, both(Some(0))),
            (5, Domain::Everybody, Rule::Soft { item: "core".into() }),
            (8, many("@adm"), core(None)),
            (9, Domain::User("mary".into()), Rule::Exempt),
            (10, many("1000:"), both(None)),
            (
                11,
                Domain::LoginCount,
                Rule::Hard { item: "maxlogins".into(), value: Some(4), soft_too: false },
            ),
            (13, Domain::Everybody, core(Some(-5))),
            (16, Domain::Everybody, Rule::Exempt),
        ];
        let found: Vec<_> = limits(text).into_iter().map(|l| (l.line, l.domain, l.rule)).collect();
        assert_eq!(found, wanted);
        assert_eq!(limits(text)[1].text, "*\tHARD  Core 0 # x");
    }

    proptest! {
        #[test]
        fn set_then_get(text in "([*a@] (hard|-|soft) (core|cpu) ?[0-9]?\r?\n|[ -~]{0,12}\n?){0,8}") {
            let before = limits(&text);
            let once = set(&text, None, "core", 0);
            let after = limits(&once);
            prop_assert_eq!(&after[..before.len()], &before[..]);
            prop_assert!(once.starts_with(&text));
            let last = after.last().unwrap();
            let in_place = set(&once, Some(last.line), "core", 0);
            prop_assert_eq!(&in_place, &once);
            prop_assert_eq!(limits(&disable(&once, [last.line])), before);
        }

        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            limits(&text);
        }
    }
}
