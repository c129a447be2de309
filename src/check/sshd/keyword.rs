//! The words of `sshd_config`: since when, where and with what values they are taken.
//!
//! Only what makes sshd refuse a whole file is here. Where it is not sure that a value is refused,
//! it is let pass: a false refusal would stop every rule about sshd.

use super::algorithms::AlgorithmList;
use super::forms::Form;
use super::messages;
use super::release::{ALWAYS, NEWEST, Release, Version};
use crate::message::Message;
use crate::text::sshd_config::{Statement, Style};
use crate::text::sshd_value::{hosts_fit, loose_number, port, seconds, strict_number};

/// A keyword of sshd's configuration.
#[derive(Debug)]
pub(super) struct Keyword {
    /// The usual spelling; case does not count.
    pub name: &'static str,
    /// What follows it.
    pub takes: Takes,
    /// The first release that has it.
    pub since: Version,
    /// The first release that takes it inside a `Match` block.
    pub in_match: Option<Version>,
    /// Where a line that rules write stands among the others; `None`: no rule writes it.
    pub rank: Option<u8>,
}

/// What follows a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    /// `yes` or `no`.
    Flag,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// `yes`, `no`, and from 8.3 `shosts-only`.
    IgnoreRhosts,
    /// `yes`, `no`, and from 7.8 patterns of names.
    UserEnvironment,
    /// A whole number.
    Number,
    /// A time.
    Time,
    /// A list of algorithms.
    Algorithms(AlgorithmList),
    /// One value, which is not looked into.
    One,
    /// Names or patterns; further lines add to them.
    Names,
    /// The name of a subsystem and a command.
    Subsystem,
    /// The conditions of a block.
    Match,
    /// Other files.
    Include,
    /// Something in a form of its own.
    Checked(Form),
    /// Anything.
    Anything,
}

impl Takes {
    /// Whether a word is among the values that some release takes.
    pub fn is_word(self, word: &str) -> bool {
        match self {
            Takes::Flag | Takes::IgnoreRhosts | Takes::UserEnvironment => {
                matches!(word, "yes" | "no")
            }
            Takes::Choice(words) => words.contains(&word),
            _ => false,
        }
    }
}

impl Keyword {
    /// Whether it has a rule of its own, which repairs a bad value.
    pub fn is_repaired(&self) -> bool {
        self.rank.is_some() && self.takes != Takes::Names
    }

    /// Whether the release has it.
    pub fn exists_in(&self, release: &Release) -> bool {
        self.since <= release.version
    }

    /// Whether the release takes it inside a `Match` block.
    pub fn goes_in_match(&self, release: &Release) -> bool {
        self.in_match.is_some_and(|since| since <= release.version)
    }

    /// Why the release refuses what follows the keyword; nothing if it takes it.
    pub fn refusal(&self, said: &Statement, release: &Release) -> Option<Message> {
        if release.style() == Style::Quoted {
            if !said.closed {
                return Some(messages::quote_open());
            }
            if said.args.is_empty() && said.comment.is_none() {
                return Some(messages::no_value());
            }
        }
        match self.takes {
            Takes::Anything => None,
            Takes::Checked(form) => form.refusal(said, self.name, release),
            Takes::Include => words(said, release)
                .map_or_else(Some, |files| files.is_empty().then(messages::no_file_named)),
            Takes::Names => words(said, release).map_or_else(Some, |names| {
                let hosts = release.version >= (7, 4) && self.name.ends_with("Users");
                let bad = |name: &&&str| name.split_once('@').is_some_and(|(_, h)| !hosts_fit(h));
                match names.iter().find(bad).filter(|_| hosts) {
                    Some(name) => Some(messages::not_a_value(shorten(name), self.name)),
                    None => {
                        (names.is_empty() && release.version >= (9, 7)).then(messages::no_value)
                    }
                }
            }),
            Takes::Match => match_refusal(&conditions(said, release), release),
            Takes::Subsystem => {
                let named = said.args.iter().take(2).filter(|a| !a.is_empty()).count();
                (named < 2).then(messages::half_a_subsystem)
            }
            _ => match single(said, release) {
                Ok(value) => self.value_refusal(value, release),
                Err(why) => Some(why),
            },
        }
    }

    fn value_refusal(&self, value: &str, release: &Release) -> Option<Message> {
        let taken = match self.takes {
            Takes::Flag => flag(value, release),
            Takes::Choice(words) => words.iter().any(|w| w.eq_ignore_ascii_case(value)),
            Takes::IgnoreRhosts => {
                flag(value, release)
                    || (release.version >= (8, 3) && value.eq_ignore_ascii_case("shosts-only"))
            }
            Takes::UserEnvironment => matches!(value, "yes" | "no") || release.version >= (7, 8),
            Takes::Number => release.loose_numbers() || strict_number(value).is_some(),
            Takes::Time => self.number(value, release).is_some(),
            Takes::Algorithms(kind) => return algorithms_refusal(kind, value, release),
            _ => true,
        };
        (!taken).then(|| messages::not_a_value(shorten(value), self.name))
    }

    /// The number that a value stands for.
    pub fn number(&self, value: &str, release: &Release) -> Option<i64> {
        match self.takes {
            // Later releases want digits and units alone, without a sign.
            Takes::Time
                if release.version >= (9, 8)
                    && !value.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                None
            }
            Takes::Time => seconds(value, release.sticky_times()),
            _ if release.loose_numbers() => Some(loose_number(value)),
            _ => strict_number(value),
        }
    }
}

fn flag(value: &str, release: &Release) -> bool {
    let is = |word: &str| {
        value == word || (release.flags_in_any_case() && value.eq_ignore_ascii_case(word))
    };
    is("yes") || is("no")
}

/// One unknown name is enough for a refusal, except in a list of names to take away.
fn algorithms_refusal(kind: AlgorithmList, value: &str, release: &Release) -> Option<Message> {
    if value.starts_with('-') {
        return None;
    }
    let list = match value.as_bytes().first() {
        Some(b'+') => &value[1..],
        Some(b'^') if release.version >= (8, 1) => &value[1..],
        _ => value,
    };
    let mut names = list.split(',').filter(|name| !name.is_empty()).peekable();
    if names.peek().is_none() {
        return Some(messages::empty_list());
    }
    let unknown = names.find(|name| !kind.knows(release, name))?;
    Some(messages::unknown_algorithm(shorten(unknown)))
}

/// The one value of a statement that takes one.
pub(super) fn single<'a>(said: &'a Statement, release: &Release) -> Result<&'a str, Message> {
    let mut args = said.args.iter();
    let value = args.next().filter(|v| !v.is_empty()).ok_or_else(messages::no_value)?;
    let more = args.next().is_some_and(|v| !v.is_empty() || release.style() == Style::Quoted);
    if more { Err(messages::several_values()) } else { Ok(value) }
}

/// The values of a statement that takes several.
pub(super) fn words<'a>(said: &'a Statement, release: &Release) -> Result<Vec<&'a str>, Message> {
    let given: Vec<&str> = said.args.iter().map(String::as_str).collect();
    let Some(empty) = given.iter().position(|v| v.is_empty()) else { return Ok(given) };
    match release.style() {
        // An empty word ends the list, and nothing may follow it.
        Style::Delimited if given.get(empty + 1).is_some_and(|v| !v.is_empty()) => {
            Err(messages::words_after_empty())
        }
        Style::Delimited => Ok(given[..empty].to_vec()),
        Style::Quoted => Err(messages::empty_word()),
    }
}

/// The words of a `Match` line. Some releases split them at `=`, whatever they do elsewhere.
pub(super) fn conditions<'a>(said: &'a Statement, release: &Release) -> Vec<&'a str> {
    let split = |arg: &'a String| match arg.split_once('=') {
        Some((left, right)) if release.style() == Style::Quoted => vec![left, right],
        _ => vec![arg.as_str()],
    };
    said.args.iter().flat_map(split).filter(|w| !w.is_empty()).collect()
}

fn match_refusal(conditions: &[&str], release: &Release) -> Option<Message> {
    const WITH_VALUE: [(&str, Version); 8] = [
        ("user", ALWAYS),
        ("group", ALWAYS),
        ("host", ALWAYS),
        ("address", ALWAYS),
        ("localaddress", ALWAYS),
        ("localport", ALWAYS),
        ("rdomain", (7, 7)),
        ("version", (10, 0)),
    ];
    if release.version > NEWEST {
        return None;
    }
    if conditions.is_empty() {
        return Some(messages::no_condition());
    }
    let is = |condition: &str, name: &str| condition.eq_ignore_ascii_case(name);
    let mut left = conditions.iter();
    while let Some(name) = left.next() {
        if is(name, "all") {
            let alone = conditions.len() == 1;
            return (!alone).then(messages::all_with_others);
        }
        if is(name, "invalid-user") && release.version >= (9, 9) {
            continue;
        }
        if !WITH_VALUE.iter().any(|(known, since)| is(name, known) && *since <= release.version) {
            return Some(messages::not_a_condition(shorten(name)));
        }
        let Some(value) = left.next() else {
            return Some(messages::condition_without_value(shorten(name)));
        };
        if is(name, "localport") && port(value).is_some_and(|n| n.is_none()) {
            return Some(messages::not_a_value(shorten(value), "LocalPort"));
        }
    }
    None
}

/// A text short enough for a report.
pub(super) fn shorten(text: &str) -> String {
    const LONGEST: usize = 160;
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keywords::find;
    use super::*;
    use crate::text::sshd_config::statement;

    fn release(version: Version) -> Release {
        Release { version, fips: false, known: true }
    }

    fn refusal(version: Version, line: &str) -> Option<Message> {
        let release = release(version);
        let said = statement(line, release.style()).expect("a statement");
        find(&said.keyword).expect("a keyword").refusal(&said, &release)
    }

    #[test]
    fn values() {
        for (line, v76, v84, v92) in [
            ("UsePAM yes", true, true, true),
            ("UsePAM YES", false, true, true),
            ("UsePAM true", false, false, false),
            ("UsePAM", false, false, false),
            ("UsePAM \"\"", false, false, false),
            ("UsePAM yes no", false, false, false),
            ("UsePAM yes # note", true, true, true),
            ("UsePAM \"yes", false, false, false),
            ("UsePAM yes \"\"", true, true, false),
            ("UsePAM == yes", false, false, false),
            ("PermitRootLogin NO", true, true, true),
            ("PermitRootLogin maybe", false, false, false),
            ("PermitUserEnvironment LANG", false, true, true),
            ("PermitUserEnvironment NO", false, true, true),
            ("IgnoreRhosts shosts-only", false, true, true),
            ("LogLevel silent", true, true, true),
            ("LogLevel loud", false, false, false),
            ("MaxAuthTries 10x", true, false, false),
            ("MaxAuthTries -1", true, false, false),
            ("LoginGraceTime 1m30s", true, true, true),
            ("LoginGraceTime none", false, false, false),
            ("DenyUsers", true, true, false),
            ("DenyUsers \"\"", true, true, false),
            ("DenyUsers a \"\" b", false, false, false),
            ("Ciphers aes256-ctr,aes128-ctr", true, true, true),
            ("Ciphers aes256-ctr, aes128-ctr", false, false, false),
            ("Ciphers aes256-ctr,", true, true, true),
            ("Ciphers ,", false, false, false),
            ("Ciphers +arcfour", false, false, false),
            ("Ciphers -arcfour", true, true, true),
            ("Ciphers ^aes256-ctr", false, true, true),
            ("Match all", true, true, true),
            ("Match User a", true, true, true),
            ("Match User=a", true, true, true),
            ("Match User a Address 10.0.0.0/8", true, true, true),
            ("Match all User a", false, false, false),
            ("Match User", false, false, false),
            ("Match Colour red", false, false, false),
            ("Subsystem sftp", false, false, false),
            ("Subsystem sftp /usr/lib/openssh/sftp-server -f x", true, true, true),
            ("AcceptEnv", true, true, false),
        ] {
            for (version, want) in [((7, 6), v76), ((8, 4), v84), ((9, 2), v92)] {
                let got = refusal(version, line);
                assert_eq!(got.is_none(), want, "{line} with {version:?}: {got:?}");
            }
        }
    }
}
