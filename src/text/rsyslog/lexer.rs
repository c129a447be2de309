//! From text to tokens, with rsyslog's own rules: which characters begin what, and that the
//! longest reading wins.

use super::super::joined::Joined;
use super::continued::join;
use super::filter::{property_len, selector_len};
use super::{Directive, Malformed, Token, TokenKind, is_space};

/// What may stand before an opening parenthesis.
const OBJECTS: [&str; 14] = [
    "action",
    "constant",
    "dyn_stats",
    "global",
    "include",
    "input",
    "lookup_table",
    "main_queue",
    "module",
    "parser",
    "property",
    "ruleset",
    "template",
    "timezone",
];

/// The tokens of a file, in order.
///
/// # Errors
/// An object, a string, a comment or a condition that does not end, or an object whose words are in
/// no order: rsyslogd refuses all of it.
pub fn tokens(text: &str) -> Result<Vec<Token>, Malformed> {
    let joined = join(text);
    let mut lexer = Lexer { text: joined.text(), at: 0, joined: &joined, out: Vec::new() };
    lexer.run()?;
    Ok(lexer.out)
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) joined: &'a Joined,
    out: Vec<Token>,
}

impl<'a> Lexer<'a> {
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn push(&mut self, start: usize, kind: TokenKind) {
        self.out.push(Token { line: self.joined.line(start), kind });
    }

    pub(super) fn malformed(&self, start: usize, want: &'static str) -> Malformed {
        let found: String = self.text.get(start..).unwrap_or_default().chars().take(40).collect();
        let found = found.lines().next().unwrap_or_default();
        Malformed { line: self.joined.line(start), found: format!("`{found}`"), want }
    }

    /// Takes `len` bytes.
    pub(super) fn take(&mut self, len: usize) -> &'a str {
        let taken = self.text.get(self.at..self.at + len).unwrap_or_default();
        self.at += len;
        taken
    }

    /// Takes the rest of the line, its end excepted.
    pub(super) fn take_line(&mut self) -> &'a str {
        let rest = self.rest();
        self.take(rest.find('\n').unwrap_or(rest.len()))
    }

    fn run(&mut self) -> Result<(), Malformed> {
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            let line_begins = start == 0 || self.text.as_bytes().get(start - 1) == Some(&b'\n');
            if line_begins && self.filter() {
                continue;
            }
            match c {
                ' ' | '\t' | '\n' => self.at += 1,
                '#' => {
                    self.take_line();
                }
                '/' if self.rest().starts_with("/*") => self.comment()?,
                '$' if self.rest()[1..].starts_with(|c: char| c.is_ascii_alphabetic()) => {
                    self.directive();
                }
                '{' | '}' | '&' => {
                    self.at += 1;
                    let kind = match c {
                        '{' => TokenKind::Open,
                        '}' => TokenKind::Close,
                        _ => TokenKind::And,
                    };
                    self.push(start, kind);
                }
                c if c.is_ascii_alphanumeric() || c == '_' => self.word()?,
                '*' => {
                    self.at += 1;
                    self.push(start, TokenKind::Action("*".to_owned()));
                }
                '/' | ':' | '|' | '.' | '-' | '@' | '^' | '?' | '~' | '>' => {
                    let line = self.take_line().to_owned();
                    self.push(start, TokenKind::Action(line));
                }
                // Blocks by tag and host in BSD's manner, which rsyslog no longer knows.
                '!' | '+' => {
                    self.take_line();
                }
                // rsyslog complains about any other character and goes on after it.
                c => self.at += c.len_utf8(),
            }
        }
        Ok(())
    }

    /// A selector or a property filter, which stand at the beginning of a line only.
    fn filter(&mut self) -> bool {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let Some(rest) = rest.get(blanks..) else { return false };
        let (len, kind) = if let Some(len) = selector_len(rest) {
            (len, TokenKind::Selector(rest.get(..len).unwrap_or_default().to_owned()))
        } else if let Some(len) = property_len(rest) {
            (len, TokenKind::Property)
        } else {
            return false;
        };
        let start = self.at + blanks;
        self.at = start + len;
        self.push(start, kind);
        true
    }

    pub(super) fn comment(&mut self) -> Result<(), Malformed> {
        let Some(len) = self.rest().get(2..).and_then(|rest| rest.find("*/")) else {
            return Err(self.malformed(self.at, "a comment that ends with `*/`"));
        };
        self.at += len + 4;
        Ok(())
    }

    fn directive(&mut self) {
        let start = self.at;
        let line = self.take_line();
        let body = line.get(1..).unwrap_or_default();
        let name_len = body.find(is_space).unwrap_or(body.len());
        let (name, rest) = body.split_at(name_len);
        let value = rest.trim_matches(is_space);
        let word_len = value.find(is_space).unwrap_or(value.len());
        let at = start + 1 + name_len + (rest.len() - rest.trim_start_matches(is_space).len());
        let word = if word_len == 0 { None } else { self.joined.origin_of(at..at + word_len) };
        let name = name.to_ascii_lowercase();
        let kind = if let Some(glued) = name.strip_prefix("includeconfig") {
            // The name need not even be followed by a blank.
            let glued = body.get(name.len() - glued.len()..name.len()).unwrap_or_default();
            let pattern = if glued.is_empty() { value } else { glued };
            let pattern = pattern.split(is_space).next().unwrap_or_default().to_owned();
            TokenKind::Include { pattern, object: false }
        } else {
            TokenKind::Directive(Box::new(Directive { name, value: value.to_owned(), word }))
        };
        self.push(start, kind);
    }

    fn word(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        let rest = self.rest();
        let in_word =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '+' | ',' | ';');
        let len = rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
        let word = self.take(len);
        let name = word.to_ascii_lowercase();
        let after = self.rest();
        let blanks = after.len() - after.trim_start_matches([' ', '\t', '\n']).len();
        if OBJECTS.contains(&name.as_str())
            && after.get(blanks..).is_some_and(|r| r.starts_with('('))
        {
            self.at += blanks + 1;
            return self.object(start, name);
        }
        let kind = match name.as_str() {
            "if" => TokenKind::If(self.expression(start, "then")?),
            "foreach" => {
                self.expression(start, "do")?;
                TokenKind::Foreach
            }
            "set" | "unset" | "reset" | "call_indirect" => {
                self.expression(start, ";")?;
                TokenKind::Statement
            }
            "reload_lookup_table" => {
                self.expression(start, ")")?;
                TokenKind::Statement
            }
            "call" => {
                let rest = self.rest();
                // rsyslogd complains of what is no name, and passes over it.
                self.at += rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
                let rest = self.rest();
                let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
                self.at += rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
                TokenKind::Statement
            }
            "continue" => TokenKind::Statement,
            "stop" => TokenKind::Stop,
            "else" => TokenKind::Else,
            _ => TokenKind::Action(word.to_owned()),
        };
        self.push(start, kind);
        Ok(())
    }

    /// An expression up to and with the word or character that ends it.
    fn expression(&mut self, start: usize, end: &'static str) -> Result<String, Malformed> {
        let begin = self.at;
        while let Some(c) = self.rest().chars().next() {
            let here = self.at;
            match c {
                '"' | '\'' | '`' => {
                    self.string(c)?;
                }
                '/' if self.rest().starts_with("/*") => self.comment()?,
                '$' => {
                    let rest = self.rest().get(1..).unwrap_or_default();
                    let in_name = |c: char| c.is_ascii_alphanumeric() || "$!./@_-[]".contains(c);
                    self.at += 1 + rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
                }
                c if c.is_ascii_alphanumeric() || c == '_' => {
                    let rest = self.rest();
                    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
                    let len = rest.find(|c: char| !in_word(c)).unwrap_or(rest.len());
                    if self.take(len).eq_ignore_ascii_case(end) {
                        return Ok(self
                            .text
                            .get(begin..here)
                            .unwrap_or_default()
                            .trim()
                            .to_owned());
                    }
                }
                c => {
                    self.at += c.len_utf8();
                    if end.starts_with(c) {
                        return Ok(self
                            .text
                            .get(begin..here)
                            .unwrap_or_default()
                            .trim()
                            .to_owned());
                    }
                }
            }
        }
        let want = match end {
            "then" => "a condition that ends with `then`",
            "do" => "a loop's head that ends with `do`",
            _ => "a statement that ends",
        };
        Err(self.malformed(start, want))
    }

    /// A quoted string: its value, and where its content stands.
    pub(super) fn string(
        &mut self,
        quote: char,
    ) -> Result<(String, std::ops::Range<usize>), Malformed> {
        let start = self.at;
        self.at += 1;
        let mut value = String::new();
        let mut escaped = false;
        for (i, c) in self.rest().char_indices() {
            if escaped {
                value.push(match c {
                    'n' => '\n',
                    't' => '\t',
                    c => c,
                });
                escaped = false;
            } else if c == '\\' {
                escaped = true;
            } else if c == quote {
                let content = self.at..self.at + i;
                self.at += i + 1;
                return Ok((value, content));
            } else {
                value.push(c);
            }
        }
        Err(self.malformed(start, "a string that ends"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |t: Token| {
            let what = match t.kind {
                TokenKind::Directive(d) => format!("${} {}", d.name, d.value),
                TokenKind::Include { pattern, .. } => format!("include {pattern}"),
                TokenKind::Selector(s) => format!("selector {s}"),
                TokenKind::Action(a) => format!("action {a}"),
                TokenKind::Object(o) => {
                    let parameters = o.parameters.iter().map(|p| format!("{}={}", p.name, p.value));
                    format!("{}({})", o.name, parameters.collect::<Vec<_>>().join(" "))
                }
                TokenKind::If(c) => format!("if {c}"),
                kind => format!("{kind:?}").to_lowercase(),
            };
            format!("{}:{what}", t.line)
        };
        tokens(text).unwrap().into_iter().map(show).collect()
    }

    #[test]
    fn the_old_form() {
        assert_eq!(
            shown(
                "# comment\n\nauth,authpriv.*\t\t\t/var/log/auth.log\n\
                 *.*;auth,authpriv.none\t\t-/var/log/syslog\n#cron.* /var/log/cron.log\n\
                 *.=debug;\\\n\tauth,authpriv.none;\\\n\tmail.none\t-/var/log/debug\n\
                 *.emerg\t\t\t:omusrmsg:*\n$FileCreateMode 0640\n\
                 $IncludeConfig /etc/rsyslog.d/*.conf\n"
            ),
            [
                "3:selector auth,authpriv.*",
                "3:action /var/log/auth.log",
                "4:selector *.*;auth,authpriv.none",
                "4:action -/var/log/syslog",
                "6:selector *.=debug;auth,authpriv.none;mail.none",
                "8:action -/var/log/debug",
                "9:selector *.emerg",
                "9:action :omusrmsg:*",
                "10:$filecreatemode 0640",
                "11:include /etc/rsyslog.d/*.conf",
            ]
        );
        assert_eq!(
            shown(":msg,contains,\"[UFW \" /var/log/ufw.log\n& stop\n& ~\n"),
            ["1:property", "1:action /var/log/ufw.log", "2:and", "2:stop", "3:and", "3:action ~"]
        );
        assert_eq!(shown(":msg, !regex, \"a\\\"b\" /x"), ["1:property", "1:action /x"]);
        assert_eq!(shown("*.* root,operator\n"), ["1:selector *.*", "1:action root,operator"]);
        assert_eq!(
            shown("mail.* @@loghost:514\r\n*.emerg *\r\n"),
            ["1:selector mail.*", "1:action @@loghost:514", "2:selector *.emerg", "2:action *"]
        );
        assert_eq!(shown("*.* -/x"), ["1:selector *.*", "1:action -/x"], "no final newline");
    }

    #[test]
    fn the_new_form() {
        assert_eq!(
            shown(
                "module(load=\"imuxsock\") # local\n/* *.* /no\n */\nmodule (\n load=\"builtin:omfile\"\n\
                 fileCreateMode=\"0640\" # tight\n)\ninclude(file=\"/etc/x.conf\" mode=\"optional\")\n\
                 if $msg contains 'then' and ($a == \"do\") then {\n  action(type=\"omfile\" file=\"/x\")\n  stop\n}\
                 else action(type=\"omusrmsg\" users=\"*\")\n\
                 ruleset(name=\"r\") { kern.* /y }\nset $.x = \"a;b\"; call r\n"
            ),
            [
                "1:module(load=imuxsock)",
                "4:module(load=builtin:omfile filecreatemode=0640)",
                "8:include /etc/x.conf",
                "9:if $msg contains 'then' and ($a == \"do\")",
                "9:open",
                "10:action(type=omfile file=/x)",
                "11:stop",
                "12:close",
                "12:else",
                "12:action(type=omusrmsg users=*)",
                "13:ruleset(name=r)",
                "13:open",
                "13:action kern",
                "13:action .* /y }",
                "14:statement",
                "14:statement",
            ]
        );
        assert_eq!(
            shown("action( type = \"a\\\"b\" list=[\"x\", \"y\"] )"),
            ["1:action(type=a\"b list=[\"x\", \"y\"])"]
        );
        assert_eq!(
            shown("action(type=`a` /* b */ file = # c\n\"/x\" 9mode=\"0640\"; x=\"1\n# 2\n\" )"),
            ["1:action(type=a file=/x mode=0640 x=1\n# 2\n)"],
            "what rsyslogd only complains of"
        );
    }

    #[test]
    fn comments_and_continuations() {
        assert_eq!(shown("# a \\\n*.* /x\nkern.* /y\n"), ["3:selector kern.*", "3:action /y"]);
        assert_eq!(shown("$A b\\  \n   c\n"), ["1:$a bc"]);
        assert_eq!(shown("$IncludeConfig\t/a b"), ["1:include /a"]);
        assert_eq!(shown("*.* /x\\"), ["1:selector *.*", "1:action /x"]);
    }

    #[test]
    fn what_does_not_end_is_malformed() {
        for (text, line, want) in [
            ("\naction(type=\"omfile\"\n", 2, "an object that ends with `)`"),
            ("action(type=\"omfile)\n", 1, "a string that ends"),
            ("if $msg\n", 1, "a condition that ends with `then`"),
            ("/* x", 1, "a comment that ends with `*/`"),
        ] {
            let e = tokens(text).unwrap_err();
            assert_eq!((e.line, e.want), (line, want), "{text}");
        }
    }

    #[test]
    fn long_texts_take_linear_time() {
        for piece in ["*.* /x\n", "a,", "\\\n", ":a,b,\"", "/", "$x", "action(", "{", "if "] {
            let _ = tokens(&piece.repeat(100_000));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            let _ = tokens(&text);
        }

        #[test]
        fn nothing_panics_on_familiar_pieces(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "*.*", "mail.none", ";", " ", "\t", "\n", "\\\n", "/x", "-/x", "action(", ")",
                    "type=", "\"", "'", "#", "/*", "*/", "if ", " then ", "{", "}", "&", "$A ", ":",
                    ",", "é", "stop", "~", "[", "]",
                ]),
                0..30,
            ),
        ) {
            let text = pieces.concat();
            if let Ok(tokens) = tokens(&text) {
                let lines = text.split_inclusive('\n').count().max(1);
                prop_assert!(tokens.iter().all(|t| (1..=lines).contains(&t.line)));
            }
        }
    }
}
