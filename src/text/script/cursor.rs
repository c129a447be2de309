//! The text of a script as far as it has been read, and its words: quotes, expansions, brackets.

use std::rc::Rc;

use super::{Part, Word};

/// A text for a command: its last line, and whether tabs before that do not count.
pub(super) struct Heredoc {
    end: String,
    tabs: bool,
}

/// A text, and the place up to which it has been read.
pub(super) struct Cursor<'a> {
    /// The whole text.
    pub text: &'a str,
    /// The same, for the words.
    source: Rc<str>,
    /// The offset of what comes next.
    pub at: usize,
    /// Its line, from 1.
    pub line: usize,
    /// The line of the first quote, bracket or text for a command that has no end.
    pub unclosed: Option<usize>,
}

impl<'a> Cursor<'a> {
    /// At the beginning of a text.
    pub fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, source: text.into(), at: 0, line: 1, unclosed: None }
    }

    /// What comes next.
    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character, which stays.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The next character.
    pub fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    /// Takes `text` if it comes next; whether it did.
    pub fn take_if(&mut self, text: &str) -> bool {
        let is = self.rest().starts_with(text);
        if is {
            text.chars().for_each(|_| {
                self.take();
            });
        }
        is
    }

    /// What began in this line has no end.
    pub fn unclosed(&mut self, line: usize) {
        self.unclosed.get_or_insert(line);
    }

    /// Takes everything up to `end`, too; the text before it.
    fn until(&mut self, end: char) -> &'a str {
        let (from, line) = (self.at, self.line);
        while let Some(c) = self.take() {
            if c == end {
                return self.text.get(from..self.at - end.len_utf8()).unwrap_or_default();
            }
        }
        self.unclosed(line);
        self.text.get(from..).unwrap_or_default()
    }

    /// The line that ends a text for a command, and whether tabs before its lines do not count.
    /// To be asked behind `<<`.
    pub fn heredoc(&mut self) -> Heredoc {
        let tabs = self.take_if("-");
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.take();
        }
        // Nothing is expanded in it; quotes are taken away.
        let (mut end, mut quote) = (String::new(), None);
        while let Some(c) = self.peek() {
            match (quote, c) {
                (None, ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')') => break,
                (Some(q), c) if q == c => quote = None,
                (None, '\'' | '"') => quote = Some(c),
                (None | Some('"'), '\\') => {
                    self.take();
                    end.extend(self.peek().filter(|c| *c != '\n'));
                }
                (_, c) => end.push(c),
            }
            self.take();
        }
        Heredoc { end, tabs }
    }

    /// Passes over the texts for the commands of the line that has just been taken.
    pub fn skip_heredocs(&mut self, heredocs: Vec<Heredoc>) {
        for heredoc in heredocs {
            let (from, mut ends) = (self.line, false);
            while !ends && !self.rest().is_empty() {
                let rest = self.rest();
                let len = rest.find('\n').map_or(rest.len(), |i| i + 1);
                let line = rest.get(..len).unwrap_or_default();
                self.at += len;
                self.line += usize::from(line.ends_with('\n'));
                let line = line.strip_suffix('\n').unwrap_or(line);
                let line = if heredoc.tabs { line.trim_start_matches('\t') } else { line };
                ends = line == heredoc.end;
            }
            if !ends {
                self.unclosed(from);
            }
        }
    }

    /// The word that begins here; without any characters when none does.
    pub fn word(&mut self) -> Word {
        let start = self.at;
        let mut parts = Parts::default();
        // Tildes mean something at the start, and behind `=` and `:` in assignments.
        let mut fresh = true;
        while let Some(c) = self.peek() {
            let was_fresh = std::mem::replace(&mut fresh, false);
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | ')' | '<' | '>' => break,
                '(' => {
                    // An array's values; otherwise the word ends here.
                    if !self.text.get(start..self.at).is_some_and(|raw| raw.ends_with('=')) {
                        break;
                    }
                    let from = self.at;
                    self.skip_brackets('(', ')');
                    parts.other(self.text.get(from..self.at).unwrap_or_default());
                }
                '\\' => {
                    self.take();
                    match self.take() {
                        Some('\n') => {}
                        Some(c) => parts.push(c),
                        None => self.unclosed(self.line),
                    }
                }
                '\'' => {
                    self.take();
                    parts.text(self.until('\''));
                }
                '"' => {
                    self.take();
                    parts.text("");
                    self.double_quoted(&mut parts);
                }
                '$' if self.rest().starts_with("$'") => {
                    let from = self.at;
                    self.skip_ansi_quoted();
                    parts.other(self.text.get(from..self.at).unwrap_or_default());
                }
                // A text that is translated.
                '$' if self.rest().starts_with("$\"") => {
                    self.take();
                }
                '$' | '`' => self.expansion(&mut parts),
                '~' if was_fresh => {
                    self.take();
                    parts.other("~");
                }
                c => {
                    self.take();
                    parts.push(c);
                    fresh = matches!(c, '=' | ':');
                }
            }
        }
        let at = start..self.at;
        // Most words are one text without quotes, of which there may be a million.
        let is_plain = match parts.all.as_slice() {
            [] => at.is_empty(),
            [Part::Text(text)] => self.text.get(at.clone()) == Some(text),
            _ => false,
        };
        let parts = (!is_plain).then(|| parts.all.into_boxed_slice());
        Word { at, text: Rc::clone(&self.source), parts }
    }

    fn double_quoted(&mut self, parts: &mut Parts) {
        let line = self.line;
        while let Some(c) = self.peek() {
            match c {
                '"' => {
                    self.take();
                    return;
                }
                '\\' => {
                    self.take();
                    match self.take() {
                        Some('\n') | None => {}
                        Some(c @ ('"' | '\\' | '$' | '`')) => parts.push(c),
                        Some(c) => {
                            parts.push('\\');
                            parts.push(c);
                        }
                    }
                }
                '$' | '`' => self.expansion(parts),
                c => {
                    self.take();
                    parts.push(c);
                }
            }
        }
        self.unclosed(line);
    }

    /// `$'…'`, where a backslash keeps a quote.
    fn skip_ansi_quoted(&mut self) {
        self.take_if("$'");
        self.until_plain('\'');
    }

    /// Takes everything up to `end`, too, unless a backslash stands before that.
    fn until_plain(&mut self, end: char) {
        let line = self.line;
        while let Some(c) = self.take() {
            if c == end {
                return;
            }
            if c == '\\' {
                self.take();
            }
        }
        self.unclosed(line);
    }

    /// `$name`, `${…}`, `$(…)`, `` `…` ``, or a lone dollar.
    fn expansion(&mut self, parts: &mut Parts) {
        let start = self.at;
        if self.take() == Some('`') {
            self.until_plain('`');
            return parts.other(self.text.get(start..self.at).unwrap_or_default());
        }
        match self.peek() {
            Some('{') => self.skip_brackets('{', '}'),
            Some('(') => self.skip_brackets('(', ')'),
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let rest = self.rest();
                let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                let len = rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
                self.at += len;
                return parts
                    .all
                    .push(Part::Variable(rest.get(..len).unwrap_or_default().to_owned()));
            }
            Some(c) if c.is_ascii_digit() || "@*#?$!-".contains(c) => {
                self.take();
            }
            _ => return parts.push('$'),
        }
        let raw = self.text.get(start..self.at).unwrap_or_default();
        let name = raw.strip_prefix("${").and_then(|r| r.strip_suffix('}'));
        match name {
            Some(name)
                if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
            {
                parts.all.push(Part::Variable(name.to_owned()));
            }
            _ => parts.other(raw),
        }
    }

    /// Passes over a bracket and everything in it; brackets in quotes do not count.
    pub fn skip_brackets(&mut self, open: char, close: char) {
        // What is open, the innermost last: a bracket or a quote; and how many of them are round.
        let mut inside: Vec<char> = Vec::new();
        let mut round = 0_usize;
        // How much is open where a calculation begins: `<<` shifts in it.
        let mut calculation: Option<usize> = None;
        let mut heredocs = Vec::new();
        let line = self.line;
        while let Some(c) = self.take() {
            match (inside.last().copied(), c) {
                (Some('\''), '\'') => {
                    inside.pop();
                }
                (Some('\''), _) => {}
                (_, '\\') => {
                    self.take();
                }
                (Some('"'), '"') => {
                    inside.pop();
                }
                // Within double quotes an expansion may have quotes and brackets of its own.
                (Some('"'), '$') if self.peek() == Some('(') => {
                    self.take();
                    inside.push('(');
                    round += 1;
                }
                (Some('"'), '$') if self.peek() == Some('{') => {
                    self.take();
                    inside.push('{');
                }
                (Some('"'), _) => {}
                (_, '\n') if !heredocs.is_empty() => {
                    self.skip_heredocs(std::mem::take(&mut heredocs));
                }
                (Some('('), '<') if calculation.is_none() && self.take_if("<") => {
                    let is_one_word = self.take_if("<");
                    if !is_one_word {
                        heredocs.push(self.heredoc());
                    }
                }
                (Some('('), '$') if self.peek() == Some('\'') => {
                    self.at -= 1;
                    self.skip_ansi_quoted();
                }
                (_, '"') => inside.push('"'),
                (_, '\'') if round > 0 => inside.push('\''),
                (_, '#') if inside.last() == Some(&'(') && self.after_blank() => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.take();
                    }
                }
                (_, '(' | '{') if c == open || inside.len() > 1 => {
                    inside.push(c);
                    round += usize::from(c == '(');
                    if c == '(' && self.peek() == Some('(') {
                        calculation.get_or_insert(inside.len());
                    }
                }
                (Some('('), ')') | (Some('{'), '}') => {
                    inside.pop();
                    round = round.saturating_sub(usize::from(c == ')'));
                    calculation = calculation.filter(|open| *open <= inside.len());
                }
                (None, _) if c == close => return,
                _ => {}
            }
            if inside.is_empty() {
                return;
            }
        }
        self.unclosed(line);
    }

    fn after_blank(&self) -> bool {
        let before = self.text.get(..self.at - 1).and_then(|t| t.chars().next_back());
        before.is_none_or(|c| c.is_ascii_whitespace() || c == '(' || c == ';')
    }
}

#[derive(Default)]
struct Parts {
    all: Vec<Part>,
}

impl Parts {
    fn text(&mut self, more: &str) {
        match self.all.last_mut() {
            Some(Part::Text(text)) => text.push_str(more),
            _ => self.all.push(Part::Text(more.to_owned())),
        }
    }

    fn push(&mut self, c: char) {
        self.text(c.encode_utf8(&mut [0; 4]));
    }

    fn other(&mut self, raw: &str) {
        self.all.push(Part::Other(raw.to_owned()));
    }
}
