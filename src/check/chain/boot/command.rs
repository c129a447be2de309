//! Command lines of services, as systemd takes them apart and puts variables in.

use std::collections::BTreeMap;

use super::load::BootUnit;
use crate::check::chain::Place;
use crate::check::common::glob;
use crate::check::common::includes::{Budget, Limits};
use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::pattern::Wildcards;

/// One command of a unit, as it is written.
#[derive(Debug, Clone)]
pub(in crate::check) struct CommandLine {
    /// Where.
    pub at: Place,
    /// The signs before the program: `-`, `@`, `:`, `+`, `!`.
    prefix: String,
    /// Program and arguments, quotes taken away.
    words: Vec<String>,
}

/// A word of a command line, and where it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Word {
    /// The word.
    pub text: String,
    /// In the unit, or in the file of variables that it comes from.
    pub at: Place,
}

/// A command with its variables put in.
#[derive(Debug, Clone)]
pub(in crate::check) struct Command {
    /// The program's path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<Word>,
    /// Where it is said.
    pub at: Place,
}

impl CommandLine {
    /// The program's path, as it is written.
    pub fn program(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Whether a failure of it is ignored.
    pub fn ignored(&self) -> bool {
        self.prefix.contains('-')
    }
}

/// The commands of a key; an empty assignment forgets those before it.
pub(in crate::check) fn lines(unit: &BootUnit, key: &str) -> Vec<CommandLine> {
    let mut all = Vec::new();
    for (path, said) in unit.said.iter().filter(|(_, a)| a.is("Service", key)) {
        if said.value.is_empty() {
            all.clear();
        }
        let words = words(&said.value);
        for command in words.split(|word| word == ";") {
            let Some(first) = command.first() else { continue };
            let program = first.trim_start_matches(['-', '@', ':', '+', '!', '|']);
            let prefix = first[..first.len() - program.len()].to_owned();
            let mut words = vec![program.to_owned()];
            // The second word is only the name that the program sees.
            let skip = 1 + usize::from(prefix.contains('@'));
            words.extend(command.iter().skip(skip).cloned());
            let words = words.iter().map(|w| super::specifiers(w, &unit.id)).collect();
            all.push(CommandLine { at: Place::line(path, said.line), prefix, words });
        }
    }
    all
}

/// What a service runs, its variables put in; `Err` in the answer: it does not start at all,
/// because this file of variables is missing.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn commands(
    root: &dyn Rootfs,
    unit: &BootUnit,
) -> Result<std::result::Result<Vec<Command>, (Place, ImagePath)>> {
    let variables = match variables(root, unit)? {
        Ok(variables) => variables,
        Err(missing) => return Ok(Err(missing)),
    };
    let mut all = Vec::new();
    for line in lines(unit, "ExecStart") {
        let plain = line.prefix.contains(':');
        let mut args = Vec::new();
        for word in line.words.iter().skip(1) {
            match plain {
                true => args.push(Word { text: word.clone(), at: line.at.clone() }),
                false => expand(word, &line.at, &variables, &mut args),
            }
        }
        all.push(Command { program: line.program().to_owned(), args, at: line.at.clone() });
    }
    Ok(Ok(all))
}

type Variables = BTreeMap<String, (String, Place)>;

fn variables(
    root: &dyn Rootfs,
    unit: &BootUnit,
) -> Result<std::result::Result<Variables, (Place, ImagePath)>> {
    let mut set = Variables::new();
    for (path, said) in unit.said.iter().filter(|(_, a)| a.is("Service", "Environment")) {
        if said.value.is_empty() {
            set.clear();
        }
        for word in words(&said.value) {
            if let Some((name, value)) = word.split_once('=') {
                set.insert(name.to_owned(), (value.to_owned(), Place::line(path, said.line)));
            }
        }
    }
    let mut files: Vec<(Place, &str)> = Vec::new();
    for (path, said) in unit.said.iter().filter(|(_, a)| a.is("Service", "EnvironmentFile")) {
        if said.value.is_empty() {
            files.clear();
        } else {
            files.push((Place::line(path, said.line), &said.value));
        }
    }
    for (at, file) in files {
        let (optional, pattern) = match file.strip_prefix('-') {
            Some(file) => (true, file),
            None => (false, file),
        };
        let pattern = super::specifiers(pattern, &unit.id);
        let Ok(named) = ImagePath::parse(&pattern) else { continue };
        // What is made while the system runs cannot be known; its own unit makes it.
        if pattern.starts_with("/run/") && !root.is_live() {
            continue;
        }
        let mut budget = Budget::new(Limits::NO_FILES, &named);
        let found = match pattern.contains(['*', '?', '[']) {
            true => glob::expand(root, Wildcards::Bsd, &pattern, &mut budget)?,
            false => vec![named.clone()],
        };
        let mut read = 0;
        for file in found {
            let Some(text) = readable(root, &file)? else { continue };
            read += 1;
            for (line, name, value) in assignments(&text) {
                set.insert(name, (value, Place::line(&file, line)));
            }
        }
        if read == 0 && !optional {
            return Ok(Err((at, named)));
        }
    }
    Ok(Ok(set))
}

fn readable(root: &dyn Rootfs, file: &ImagePath) -> Result<Option<String>> {
    match root.read(file) {
        Err(Error::WrongKind { .. } | Error::LinkLoop { .. }) => Ok(None),
        read => read,
    }
}

/// The assignments of a file of variables, as `EnvironmentFile=` reads it: line, name, value.
pub(in crate::check) fn assignments(text: &str) -> Vec<(usize, String, String)> {
    let mut all = Vec::new();
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while chars.peek().is_some() {
        let (first, mut statement) = (line, String::new());
        // A quoted value and one with a backslash at its end go on in the next line.
        let (mut quote, mut escaped) = (None, false);
        let mut comment = false;
        for c in chars.by_ref() {
            line += usize::from(c == '\n');
            if c == '\n' && !escaped && quote.is_none() {
                break;
            }
            if statement.trim_start().is_empty() && (c == '#' || c == ';') {
                comment = true;
            }
            if !comment {
                match (c, quote) {
                    _ if escaped => {}
                    ('"' | '\'', None) => quote = Some(c),
                    (c, Some(open)) if c == open => quote = None,
                    _ => {}
                }
            }
            escaped = c == '\\' && !escaped && quote != Some('\'');
            statement.push(c);
        }
        if comment {
            continue;
        }
        let Some((name, value)) = statement.split_once('=') else { continue };
        let name = name.trim();
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.is_empty() && name.chars().all(valid) {
            all.push((first, name.to_owned(), unquoted(value.trim())));
        }
    }
    all
}

fn unquoted(value: &str) -> String {
    let (mut out, mut quote) = (String::new(), None);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', Some('"') | None) => match chars.next() {
                Some('\n') | None => {}
                Some(next) => out.push(next),
            },
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => out.push(c),
        }
    }
    out
}

/// Words of a value, with quotes and backslashes as systemd reads them.
pub(in crate::check) fn words(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('\\', Some('"') | None) => {
                let next = chars.next().unwrap_or('\\');
                let next = match next {
                    'n' => '\n',
                    't' => '\t',
                    's' => ' ',
                    other => other,
                };
                word.get_or_insert_default().push(next);
            }
            ('"' | '\'', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, Some(open)) if c == open => quote = None,
            (c, None) if c.is_whitespace() => all.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// `$X` as a word of its own becomes the words of its value; `${X}` becomes the value.
fn expand(word: &str, at: &Place, variables: &Variables, args: &mut Vec<Word>) {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    if let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) {
        if let Some((value, at)) = variables.get(name) {
            args.extend(words(value).into_iter().map(|text| Word { text, at: at.clone() }));
        }
        return;
    }
    let (mut text, mut rest, mut from) = (String::new(), word, at.clone());
    while let Some(start) = rest.find('$') {
        text.push_str(&rest[..start]);
        let after = &rest[start + 1..];
        if let Some(braced) = after.strip_prefix('{')
            && let Some((name, tail)) = braced.split_once('}')
            && is_name(name)
        {
            if let Some((value, at)) = variables.get(name) {
                text.push_str(value);
                from = at.clone();
            }
            rest = tail;
        } else {
            text.push('$');
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    text.push_str(rest);
    args.push(Word { text, at: from });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::path;
    use proptest::prelude::*;

    #[test]
    fn files_of_variables() {
        let read = |text: &str| -> Vec<String> {
            assignments(text).into_iter().map(|(l, n, v)| format!("{l} {n}={v}")).collect()
        };
        assert_eq!(read("# A=1\nA=1\n ;B=2\nB = x y \n"), ["2 A=1", "4 B=x y"]);
        assert_eq!(
            read("A=\"-f /etc/x\"\nB='a\nb'\nC=a\\\nb\nD=1"),
            ["1 A=-f /etc/x", "2 B=a\nb", "4 C=ab", "6 D=1",]
        );
        assert_eq!(read("no\nexport A=1\nA-B=2\n=3\n"), [""; 0], "no shell reads it");
    }

    #[test]
    fn variables_become_words() {
        let at = Place::file(&path("/u"));
        let mut variables = Variables::new();
        variables.insert("A".into(), ("-f '/etc/x y'".into(), at.clone()));
        let of = |word: &str| -> Vec<String> {
            let mut args = Vec::new();
            expand(word, &at, &variables, &mut args);
            args.into_iter().map(|w| w.text).collect()
        };
        assert_eq!(of("$A"), ["-f", "/etc/x y"]);
        assert_eq!(of("${A}"), ["-f '/etc/x y'"]);
        assert_eq!(of("$B"), [""; 0]);
        assert_eq!(of("x${B}y$$z"), ["xy$z"]);
        assert_eq!(words("a \"b c\" 'd' e\\ f"), ["a", "b c", "d", "e f"]);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "([A-Z=\"'\\\\ \n#;$\\{\\}]|.){0,40}") {
            let (_, _) = (assignments(&text), words(&text));
            let at = Place::file(&path("/u"));
            expand(&text, &at, &Variables::new(), &mut Vec::new());
        }
    }
}
