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
/// # Errors
/// A stanza or script that does not end, or a brace that nothing opened.
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
                '/' | '"' | '\'' if self.open.is_none() => self.names()?,
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
        match &self.open {
            Some(open) => {
                let found = open.patterns.first().map_or("{", String::as_str);
                Err(self.malformed(open.line, found, "a stanza that ends with `}`"))
            }
            None => Ok(()),
        }
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let directive = |d: &Directive| format!("{}:{} {}", d.line, d.name, d.value);
        let show = |item: Item| match item {
            Item::Global(d) => directive(&d),
            Item::Stanza(s) => {
                let inner: Vec<String> = s.directives.iter().map(directive).collect();
                format!("{}:[{}] {}", s.line, s.patterns.join("|"), inner.join(", "))
            }
        };
        parse(text).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn stock_files() {
        assert_eq!(
            shown(
                "# see man\nweekly\n\nsu root syslog\nrotate 4\n#dateext\ninclude /etc/logrotate.d\n"
            ),
            ["2:weekly ", "4:su root syslog", "5:rotate 4", "7:include /etc/logrotate.d"]
        );
        assert_eq!(
            shown(
                "/var/log/syslog\n{\n\trotate 7\n\tdaily\n\tpostrotate\n\t\t/usr/lib/x }\n\tendscript\n}\n\n\
                 /var/log/mail.info\n/var/log/mail.warn\n{\n\trotate 4\n}\n"
            ),
            [
                "1:[/var/log/syslog] 3:rotate 7, 4:daily ",
                "10:[/var/log/mail.info|/var/log/mail.warn] 13:rotate 4",
            ]
        );
    }

    #[test]
    fn odd_spellings() {
        assert_eq!(shown("/a { daily }\n"), ["1:[/a] 1:daily "]);
        assert_eq!(
            shown("\"/a b\" '/c' /d\\ e{\nsize=10k\r\n}\r\n"),
            ["1:[/a b|/c|/d e] 2:size 10k"]
        );
        assert_eq!(shown("dailyx\nDaily\n%x\nfoo 3 daily\n"), Vec::<String>::new());
        assert_eq!(
            shown("missingok compress\n  rotate 2"),
            ["1:missingok ", "1:compress ", "2:rotate 2"]
        );
        assert_eq!(shown("/a {\nprerotate\nendscripts\n endscript x\n}"), ["1:[/a] "]);
        assert_eq!(shown(""), Vec::<String>::new());
    }

    #[test]
    fn what_is_passed_over_as_a_whole() {
        for (text, line, want) in [
            ("weekly\n}\n", 2, "no `}` outside of a stanza"),
            ("\n/a {\ndaily\n", 2, "a stanza that ends with `}`"),
            ("/a {\npostrotate\nx\n}\n", 2, "a script that ends with `endscript`"),
            ("/a\ndaily\n", 1, "`{` after the names of log files"),
        ] {
            let e = parse(text).unwrap_err();
            assert_eq!((e.line, e.want), (line, want), "{text:?}");
        }
    }

    #[test]
    fn long_texts_take_linear_time() {
        for piece in ["/a {\ndaily\n}\n", "/a ", "daily ", "\"", "postrotate\n", "#", "{"] {
            let _ = parse(&piece.repeat(100_000));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn nothing_panics_on_familiar_pieces(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "/a", " ", "\n", "{", "}", "daily", "rotate 3", "postrotate\n", "endscript", "\"",
                    "'", "\\", "#", "include /x", "é",
                ]),
                0..25,
            ),
        ) {
            let _ = parse(&pieces.concat());
        }
    }
}
