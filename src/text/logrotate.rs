//! logrotate's configuration: directives that hold from where they stand on, and stanzas of log
//! files with their own.

use super::lossless::is_stand_in;

/// One thing in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A directive outside of every stanza.
    Global(Directive),
    /// Log files and what holds for them.
    Stanza(Stanza),
}

impl Item {
    /// The line it begins in, from 1.
    pub fn line(&self) -> usize {
        match self {
            Item::Global(directive) => directive.line,
            Item::Stanza(stanza) => stanza.line,
        }
    }
}

/// A directive and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The line it stands in, from 1.
    pub line: usize,
    /// The word. Case matters.
    pub name: String,
    /// The rest of the line, for directives that have a value.
    pub value: String,
}

impl Directive {
    /// Whether it says how often logs are rotated.
    pub fn is_period(&self) -> bool {
        matches!(self.name.as_str(), "hourly" | "daily" | "weekly" | "monthly" | "yearly")
    }

    /// Whether logrotate refuses it as it stands. It then drops the stanza and keeps the rest of the
    /// file; outside of a stanza it gives up the file.
    pub fn is_refused(&self, in_stanza: bool) -> bool {
        match self.name.as_str() {
            NAME_OF_A_LOG => true,
            "tabooext" => in_stanza,
            "su" if self.value.is_empty() => true,
            // Without a value it is only complained about.
            _ if self.value.is_empty() => false,
            "rotate" | "start" | "maxage" | "minage" | "shredcycles" => !is_count(&self.value),
            "size" | "minsize" | "maxsize" => !is_size(&self.value),
            _ => self.owners().is_some_and(|owners| owners.more),
        }
    }

    /// The accounts that it names; `None` where it is no directive that names any.
    pub fn owners(&self) -> Option<Owners<'_>> {
        let mut words = self.value.split_ascii_whitespace().peekable();
        let mut user = None;
        match self.name.as_str() {
            "su" => {}
            "create" | "createolddir" => {
                // The mode may be missing; what is glued to it is the owner.
                let octal = |word: &&str| word.starts_with(|c| ('0'..='7').contains(&c));
                if let Some(first) = words.next_if(octal) {
                    let rest = first.trim_start_matches(|c| ('0'..='7').contains(&c));
                    user = Some(rest).filter(|rest| !rest.is_empty());
                }
            }
            _ => return None,
        }
        let user = user.or_else(|| words.next());
        let group = words.next();
        Some(Owners { user, group, more: words.next().is_some() })
    }
}

/// The accounts of a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owners<'d> {
    /// A user's name.
    pub user: Option<&'d str>,
    /// A group's name.
    pub group: Option<&'d str>,
    /// Whether more words follow, which is refused.
    pub more: bool,
}

/// Stands for the name of a log inside of a stanza, which is refused there.
const NAME_OF_A_LOG: &str = "";

/// A whole number that is not negative, as `strtoul` reads it in any base.
fn is_count(value: &str) -> bool {
    let value = value.strip_prefix('+').unwrap_or(value);
    let (digits, base) = match value.strip_prefix("0x").or_else(|| value.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if value.starts_with('0') => (value, 8),
        None => (value, 10),
    };
    !digits.is_empty() && digits.chars().all(|c| c.is_digit(base))
}

/// A number with `k`, `M`, `G` or nothing behind it.
fn is_size(value: &str) -> bool {
    match value.strip_suffix(['k', 'M', 'G']) {
        Some(number) => number.is_empty() || is_count(number),
        None => is_count(value),
    }
}

/// Log files and what holds for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stanza {
    /// The line its first name stands in, from 1.
    pub line: usize,
    /// Paths and patterns of paths.
    pub patterns: Vec<String>,
    /// The directives in its braces, scripts left out.
    pub directives: Vec<Directive>,
}

/// A text that logrotate passes over as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line it shows in, from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
    /// What was expected.
    pub want: &'static str,
}

/// Endings of names that are passed over in an included directory, until `tabooext` says more.
pub const TABOO: [&str; 17] = [
    ",v",
    ".cfsaved",
    ".disabled",
    ".dpkg-bak",
    ".dpkg-del",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-old",
    ".rhn-cfg-tmp-*",
    ".rpmnew",
    ".rpmorig",
    ".rpmsave",
    ".swp",
    ".ucf-dist",
    ".ucf-new",
    ".ucf-old",
    "~",
];

const WITH_VALUE: [&str; 23] = [
    "addextension",
    "compresscmd",
    "compressext",
    "compressoptions",
    "create",
    "createolddir",
    "dateformat",
    "extension",
    "include",
    "mail",
    "maxage",
    "maxsize",
    "minage",
    "minsize",
    "olddir",
    "rotate",
    "shredcycles",
    "size",
    "start",
    "su",
    "tabooext",
    "taboopat",
    "uncompresscmd",
];

const FLAGS: [&str; 42] = [
    "allowhardlink",
    "compress",
    "copy",
    "copytruncate",
    "daily",
    "dateext",
    "datehourago",
    "dateyesterday",
    "delaycompress",
    "errors",
    "hourly",
    "ifempty",
    "ignoreduplicates",
    "mailfirst",
    "maillast",
    "missingok",
    "monthly",
    "noallowhardlink",
    "nocompress",
    "nocopy",
    "nocopytruncate",
    "nocreate",
    "nocreateolddir",
    "nodateext",
    "nodatehourago",
    "nodateyesterday",
    "nodelaycompress",
    "nohourly",
    "noignoreduplicates",
    "nomail",
    "nomissingok",
    "noolddir",
    "norenamecopy",
    "nosharedscripts",
    "noshred",
    "nosu",
    "notifempty",
    "renamecopy",
    "sharedscripts",
    "shred",
    "weekly",
    "yearly",
];

const SCRIPTS: [&str; 5] = ["firstaction", "lastaction", "postrotate", "preremove", "prerotate"];

/// Reads a configuration file.
///
/// A stanza that does not end counts with what it has.
///
/// # Errors
/// A script that does not end, or a brace that nothing opened.
pub fn parse(text: &str) -> Result<Vec<Item>, Malformed> {
    let mut reader = Parser { text, at: 0, line: 1, items: Vec::new(), open: None };
    reader.run()?;
    Ok(reader.items)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    items: Vec<Item>,
    /// The stanza whose braces are being read.
    open: Option<Stanza>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, len: usize) -> &'a str {
        let taken = self.rest().get(..len).unwrap_or_default();
        self.at += taken.len();
        self.line += taken.bytes().filter(|b| *b == b'\n').count();
        taken
    }

    fn take_line(&mut self) -> &'a str {
        let rest = self.rest();
        self.take(rest.find('\n').unwrap_or(rest.len()))
    }

    fn malformed(&self, line: usize, found: &str, want: &'static str) -> Malformed {
        let found: String = found.chars().take(40).collect();
        Malformed { line, found: format!("`{found}`"), want }
    }

    fn run(&mut self) -> Result<(), Malformed> {
        while let Some(c) = self.rest().chars().next() {
            match c {
                c if c.is_ascii_whitespace() => {
                    self.take(1);
                }
                '#' => {
                    self.take_line();
                }
                c if c.is_ascii_alphabetic() => self.directive()?,
                '/' | '"' | '\'' => match &self.open {
                    None => self.names()?,
                    Some(_) => {
                        let (line, value) = (self.line, self.take_line().trim_end().to_owned());
                        let name = Directive { line, name: NAME_OF_A_LOG.to_owned(), value };
                        self.open.iter_mut().for_each(|open| open.directives.push(name.clone()));
                    }
                },
                '}' => {
                    let Some(stanza) = self.open.take() else {
                        return Err(self.malformed(self.line, "}", "no `}` outside of a stanza"));
                    };
                    self.items.push(Item::Stanza(stanza));
                    // Anything after it is passed over, with a complaint.
                    self.take_line();
                }
                _ => {
                    self.take_line();
                }
            }
        }
        self.items.extend(self.open.take().map(Item::Stanza));
        Ok(())
    }

    fn directive(&mut self) -> Result<(), Malformed> {
        let line = self.line;
        let rest = self.rest();
        let len = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let name = self.take(len).to_owned();
        if SCRIPTS.contains(&name.as_str()) {
            return self.script(line, &name);
        }
        let mut value = String::new();
        if WITH_VALUE.contains(&name.as_str()) {
            let rest = self.take_line().trim();
            value = rest.strip_prefix('=').unwrap_or(rest).trim_start().to_owned();
        } else if !FLAGS.contains(&name.as_str()) {
            // An unknown word takes its line with it.
            self.take_line();
            return Ok(());
        } else {
            // A foreign byte right behind the word.
            let glued = self.rest().split_ascii_whitespace().next().unwrap_or_default();
            if self.rest().starts_with(is_stand_in) {
                glued.clone_into(&mut value);
            }
        }
        let directive = Directive { line, name, value };
        match &mut self.open {
            Some(stanza) => stanza.directives.push(directive),
            None => self.items.push(Item::Global(directive)),
        }
        Ok(())
    }

    /// Passes over a script, up to the line that begins with `endscript`.
    fn script(&mut self, line: usize, name: &str) -> Result<(), Malformed> {
        self.take_line();
        while !self.rest().is_empty() {
            self.take(1);
            let word = self.take_line().trim_start_matches([' ', '\t']);
            let len = word.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(word.len());
            if word.get(..len) == Some("endscript") {
                return Ok(());
            }
        }
        Err(self.malformed(line, name, "a script that ends with `endscript`"))
    }

    /// The names before a brace; they may fill several lines.
    fn names(&mut self) -> Result<(), Malformed> {
        let line = self.line;
        let rest = self.rest();
        let Some(len) = rest.find('{') else {
            let found = rest.lines().next().unwrap_or_default();
            return Err(self.malformed(line, found, "`{` after the names of log files"));
        };
        let patterns = words(self.take(len));
        self.take(1);
        self.open = Some(Stanza { line, patterns, directives: Vec::new() });
        Ok(())
    }
}

/// Words between blanks; quotes hold blanks together, a backslash keeps the next character.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(q), c) if q == c => quote = None,
            (Some(q), '\\') => {
                // Within quotes only the quote itself can be escaped.
                let word = word.get_or_insert_default();
                match chars.next_if_eq(&q) {
                    Some(q) => word.push(q),
                    None => word.push('\\'),
                }
            }
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, c) if c.is_ascii_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests;
