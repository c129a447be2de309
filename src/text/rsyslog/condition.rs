//! Conditions of RainerScript, as far as facility and severity alone decide them.

use super::selector::{self, Mask};

/// Brackets and `not` within each other; nobody writes more.
const MAX_DEPTH: usize = 16;
/// As `$syslogfacility-text` shows them, by number.
const FACILITIES: [&str; 12] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
    "ftp",
];
/// As `$syslogseverity-text` shows them, by number.
const SEVERITIES: [&str; 8] =
    ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// The messages for which the condition holds; `None` if something else decides as well.
pub(super) fn mask(condition: &str) -> Option<Mask> {
    let tokens = tokens(condition)?;
    let mut reader = Parser { tokens: &tokens, depth: 0 };
    let mask = reader.all()?;
    reader.tokens.is_empty().then_some(mask)
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// `$name`, without the dollar.
    Variable(String),
    Text(String),
    Word(String),
    Mark(&'static str),
}

const MARKS: [&str; 12] = ["==", "!=", "<>", "<=", ">=", "<", ">", "(", ")", "[", "]", ","];

fn tokens(condition: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut rest = condition.trim_start();
    while let Some(c) = rest.chars().next() {
        let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let len = if let Some(mark) = MARKS.iter().find(|m| rest.starts_with(**m)) {
            out.push(Token::Mark(mark));
            mark.len()
        } else if c == '"' || c == '\'' {
            let text = rest.get(1..)?.split_once(c)?.0;
            out.push(Token::Text(text.to_owned()));
            text.len() + 2
        } else if let Some(name) = rest.strip_prefix('$') {
            let len = name.find(|c| !in_word(c)).unwrap_or(name.len());
            out.push(Token::Variable(name.get(..len)?.to_ascii_lowercase()));
            len + 1
        } else {
            let len = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            if len == 0 {
                return None;
            }
            out.push(Token::Word(rest.get(..len)?.to_ascii_lowercase()));
            len
        };
        rest = rest.get(len..)?.trim_start();
    }
    Some(out)
}

struct Parser<'t> {
    tokens: &'t [Token],
    depth: usize,
}

impl Parser<'_> {
    fn take(&mut self) -> Option<Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first.clone())
    }

    fn take_if(&mut self, token: &Token) -> bool {
        let is = self.tokens.first() == Some(token);
        if is {
            self.take();
        }
        is
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.take_if(&Token::Word(word.to_owned()))
    }

    /// Parts that `and` or `or` joins. rsyslogd reads a mixture of both in its own way, so that
    /// wants brackets.
    fn all(&mut self) -> Option<Mask> {
        let mut mask = self.one()?;
        let (mut any_and, mut any_or) = (false, false);
        loop {
            if self.take_word("and") {
                any_and = true;
                mask = mask.and(self.one()?);
            } else if self.take_word("or") {
                any_or = true;
                mask = mask.or(self.one()?);
            } else {
                return (!any_and || !any_or).then_some(mask);
            }
        }
    }

    fn one(&mut self) -> Option<Mask> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let mask = match self.take()? {
            // Before a comparison it would turn its first value around, not the comparison.
            Token::Word(word) if word == "not" => match self.tokens.first()? {
                Token::Variable(_) => return None,
                _ => Mask::ALL.without(self.one()?),
            },
            Token::Word(word) if word == "prifilt" => {
                let Token::Mark("(") = self.take()? else { return None };
                let Token::Text(selector) = self.take()? else { return None };
                let Token::Mark(")") = self.take()? else { return None };
                selector::mask(&selector)?
            }
            Token::Mark("(") => {
                let mask = self.all()?;
                let Token::Mark(")") = self.take()? else { return None };
                mask
            }
            Token::Variable(name) => self.comparison(&name)?,
            _ => return None,
        };
        self.depth -= 1;
        Some(mask)
    }

    fn comparison(&mut self, name: &str) -> Option<Mask> {
        let Token::Mark(mark) = self.take()? else { return None };
        let values = self.values()?;
        let wanted = match mark {
            "==" => Some(true),
            "!=" | "<>" => Some(false),
            _ => None,
        };
        match name {
            "syslogfacility-text" => {
                let (chosen, wanted) = (facilities(&values), wanted?);
                Some(Mask::of(|facility, _| chosen.contains(&facility) == wanted))
            }
            "syslogseverity-text" | "syslogpriority-text" => {
                let (chosen, wanted) = (severities(&values), wanted?);
                Some(Mask::of(|_, severity| chosen.contains(&severity) == wanted))
            }
            "syslogfacility" | "syslogseverity" | "syslogpriority" => {
                let Values::One(value) = values else { return None };
                let by_facility = name == "syslogfacility";
                // rsyslogd takes a comparison with another number for false.
                let most = if by_facility { Mask::FACILITIES } else { SEVERITIES.len() };
                let number: usize = value.parse().ok().filter(|n| *n < most)?;
                let holds = |n: usize| match mark {
                    "==" => n == number,
                    "!=" | "<>" => n != number,
                    "<" => n < number,
                    ">" => n > number,
                    "<=" => n <= number,
                    _ => n >= number,
                };
                Some(Mask::of(|facility, severity| {
                    holds(if by_facility { facility } else { severity })
                }))
            }
            _ => None,
        }
    }

    /// One value, or a list of alternatives.
    fn values(&mut self) -> Option<Values> {
        match self.take()? {
            Token::Text(text) | Token::Word(text) => Some(Values::One(text)),
            Token::Mark("[") => {
                let mut all = Vec::new();
                loop {
                    let Token::Text(text) = self.take()? else { return None };
                    all.push(text);
                    match self.take()? {
                        Token::Mark(",") => {}
                        Token::Mark("]") => return Some(Values::List(all)),
                        _ => return None,
                    }
                }
            }
            _ => None,
        }
    }
}

/// What a variable is compared with.
enum Values {
    One(String),
    List(Vec<String>),
}

/// The numbers of the facilities that are meant. One name is taken as in a selector, one of a list
/// only as it is shown.
fn facilities(values: &Values) -> Vec<usize> {
    // What has no name of its own is a local facility.
    let shown = |n: usize| match (FACILITIES.get(n), n.checked_sub(16)) {
        (Some(name), _) => (*name).to_owned(),
        (None, local) => local.map(|n| format!("local{n}")).unwrap_or_default(),
    };
    match values {
        Values::One(name) => selector::named_facility(name).into_iter().collect(),
        Values::List(names) => {
            (0..Mask::FACILITIES).filter(|n| names.contains(&shown(*n))).collect()
        }
    }
}

/// As [`facilities`].
fn severities(values: &Values) -> Vec<usize> {
    match values {
        Values::One(name) => selector::named_severity(name).into_iter().collect(),
        Values::List(names) => {
            let listed = |(_, name): &(usize, &&str)| names.iter().any(|l| l == **name);
            SEVERITIES.iter().enumerate().filter(listed).map(|(n, _)| n).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        let of = |text: &str| mask(text);
        let selector = |text: &str| Some(selector::mask(text).unwrap());
        for (condition, same) in [
            ("$syslogfacility-text == 'kern'", "kern.*"),
            ("$syslogfacility-text == \"local7\"", "local7.*"),
            ("$syslogfacility-text == ['auth', \"authpriv\"]", "auth,authpriv.*"),
            ("$syslogfacility-text != 'mail'", "*.*;mail.none"),
            ("not ($syslogfacility-text == 'mail')", "*.*;mail.none"),
            ("$syslogfacility == 10", "authpriv.*"),
            ("$syslogseverity <= 3", "*.err"),
            ("$syslogseverity<'4'", "*.err"),
            ("$syslogseverity-text == 'warning'", "*.=warning"),
            ("$syslogfacility-text == 'kern' and $syslogseverity <= 4", "kern.warning"),
            ("prifilt('kern.err') or prifilt(\"cron.*\")", "kern.err;cron.*"),
            ("$syslogseverity-text == 'warn'", "*.=warning"),
            ("$syslogfacility-text == 'Security'", "auth.*"),
            ("$syslogfacility-text == ['Security', 'mail']", "mail.*"),
            ("not (prifilt('*.*') and not prifilt('kern.*'))", "kern.*"),
        ] {
            assert_eq!(of(condition), selector(same), "{condition}");
        }
        for other in [
            "",
            "$msg contains 'x'",
            "$syslogfacility-text == 'kern' and $msg contains 'x'",
            "$syslogfacility-text startswith 'k'",
            "$syslogfacility-text > 'kern'",
            "$syslogfacility == kern",
            "not $syslogfacility-text == 'kern'",
            "$syslogfacility == 0 or $syslogfacility == 2 and $syslogseverity > 3",
            "$syslogseverity < 9",
            "$programname == 'sudo'",
            "($syslogfacility == 0",
            "$syslogfacility == 0)",
            "$syslogfacility-text == ['kern'",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(of("$syslogseverity-text == ['warn']"), Some(Mask::NONE), "not shown so");
        assert_eq!(of("$syslogfacility-text == 'nope'"), Some(Mask::NONE));
        assert_eq!(of(&"not ".repeat(100_000)), None);
        assert_eq!(of(&"(".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in r#"[$a-z()='"<>!,\[\] 0-9-]{0,60}"#) {
            mask(&text);
        }
    }
}
