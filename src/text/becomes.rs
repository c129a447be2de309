//! Which words of a script name an account that it becomes: `su - app`, `start-stop-daemon -c app`.
//!
//! Meant for "is this account used": a word that may be a name counts, whatever it is to the program.

use std::collections::{BTreeMap, BTreeSet};

use super::joined::joined_lines;

/// Programs that run others as somebody else.
const PROGRAMS: [&str; 14] = [
    "su",
    "runuser",
    "sudo",
    "doas",
    "setpriv",
    "start-stop-daemon",
    "daemon",
    "chroot",
    "gosu",
    "su-exec",
    "setuidgid",
    "chpst",
    "s6-setuidgid",
    "machinectl",
];

/// What stands behind such a program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// This word.
    Word(String),
    /// The value of a variable that the text does not set.
    Variable(String),
}

/// What may name an account: the line (from 1) and the word, each once, in the order of the text.
/// `given` are variables that other files set.
pub fn named(text: &str, given: &BTreeMap<String, Vec<String>>) -> Vec<(usize, Named)> {
    let mut set = variables(text);
    for (name, values) in given {
        set.entry(name.clone()).or_default().extend(values.iter().cloned());
    }
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, line) in lines(text) {
        let words = words(&line);
        let is_program = |word: &String| PROGRAMS.contains(&base(word));
        let Some(at) = words.iter().position(is_program) else { continue };
        for word in words.into_iter().skip(at + 1) {
            let found = match word.strip_prefix('$') {
                None => vec![Named::Word(word)],
                Some(name) => match set.get(name) {
                    Some(values) => values.iter().cloned().map(Named::Word).collect(),
                    None if name.is_empty() => continue,
                    None => vec![Named::Variable(name.to_owned())],
                },
            };
            let new = found.into_iter().filter(|f| seen.insert(f.clone()));
            all.extend(new.map(|found| (number, found)));
        }
    }
    all
}

/// The variables that a text sets, and the words of their values.
pub fn variables(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut set: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, line) in lines(text) {
        for (name, values) in assignments(&line) {
            set.entry(name).or_default().extend(values);
        }
    }
    set
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or_default()
}

/// The lines without comments, each with its number.
fn lines(text: &str) -> Vec<(usize, String)> {
    joined_lines(text, |line| line.trim_start().starts_with('#'))
}

/// The words of a line; quotes, brackets and signs of the shell part them.
fn words(line: &str) -> Vec<String> {
    let parts = |c: char| c.is_whitespace() || "\"'`()[]{}|;&<>=:,".contains(c);
    let mut words = Vec::new();
    for word in line.split(parts).filter(|word| !word.is_empty()) {
        words.push(word.to_owned());
        // `-cuser`
        if let Some(glued) =
            word.strip_prefix('-').and_then(|w| w.get(1..)).filter(|w| !w.is_empty())
        {
            words.push(glued.to_owned());
        }
    }
    // `${NAME}` comes as `$` and `NAME`.
    let mut joined: Vec<String> = Vec::new();
    for word in words {
        match joined.last_mut().filter(|last| *last == "$") {
            Some(last) => last.push_str(&word),
            None => joined.push(word),
        }
    }
    joined
}

fn assignments(line: &str) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for piece in line.split([';', '&']) {
        let piece = piece.trim_start();
        let piece = piece.strip_prefix("export ").unwrap_or(piece).trim_start();
        let Some((name, value)) = piece.split_once('=') else { continue };
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.is_empty() && name.chars().all(good) {
            // `${NAME:-value}` has its value behind a colon.
            let words = words(value).into_iter().map(|w| w.trim_start_matches('-').to_owned());
            all.push((name.to_owned(), words.filter(|w| !w.is_empty()).collect()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        let found = named(text, &BTreeMap::new()).into_iter().map(|(_, n)| match n {
            Named::Word(word) => word,
            Named::Variable(name) => format!("${name}"),
        });
        found.collect()
    }

    #[test]
    fn names_stand_behind_programs_that_become_somebody() {
        for (text, name) in [
            ("su - app -c /opt/run", "app"),
            ("/bin/su app", "app"),
            ("exec setpriv --reuid=app --clear-groups x", "app"),
            ("start-stop-daemon --start -c app:app --exec /x", "app"),
            ("start-stop-daemon --chuid app", "app"),
            ("x; runuser -u app -- y", "app"),
            ("sudo -uapp y", "app"),
            ("su -c \"x\" - \"app\"", "app"),
            ("RUNAS=app\nsu \"$RUNAS\" -c x", "app"),
            ("RUNAS=${RUNAS:-app}\nsu ${RUNAS} -c x", "app"),
            ("if true; then su \\\n  app; fi", "app"),
        ] {
            assert!(of(text).iter().any(|word| word == name), "{text}: {:?}", of(text));
        }
        for text in ["# su app", "echo app", "issue app", "app su"] {
            assert!(!of(text).iter().any(|word| word == "app"), "{text}: {:?}", of(text));
        }
    }

    #[test]
    fn what_a_variable_hides_is_named() {
        assert!(of("su - $WHO -c x").contains(&"$WHO".to_owned()));
        let given = variables("WHO=app\n");
        let found = named("su - $WHO", &given);
        assert!(found.contains(&(1, Named::Word("app".to_owned()))), "{found:?}");
    }
}
