//! The commands and words of a shell program, as far as they can be told without running it.
//!
//! It follows quotes, comments, joined lines, expansions and redirections. What it does not follow
//! (texts for commands, quotes inside `$(…)`) makes it give up, and say where.

use std::ops::Range;

/// One word of a command.
pub(super) struct Word {
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// What it means to the shell; `None` when that depends on something.
    pub(super) literal: Option<String>,
    /// Whether any of it was quoted, so that it is no reserved word.
    pub(super) quoted: bool,
}

/// What separates two commands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Separator {
    /// A new line, `;` and the like: the next command runs in any case.
    Next,
    /// `&&` or `||`: the next command runs perhaps.
    Perhaps,
    /// `|`: both commands run in shells of their own.
    Pipe,
    /// `&`: the command runs in a shell of its own.
    Aside,
    /// `(`.
    Open,
    /// `)`.
    Close,
}

/// Takes a text apart, command by command.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Something that this reader does not follow; nothing after it is certain.
    lost: Option<usize>,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, at: 0, line: 1, lost: None }
    }

    /// The line the next command begins in, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// The line from which on the text was not understood.
    pub(super) fn lost(&self) -> Option<usize> {
        self.lost
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let is = self.peek() == Some(wanted);
        if is {
            self.take();
        }
        is
    }

    /// Reads no further.
    pub(super) fn give_up(&mut self) {
        self.lost = self.lost.or(Some(self.line));
        self.at = self.text.len();
    }

    /// The words up to the next separator, and that separator; `None` at the end.
    pub(super) fn command(&mut self) -> Option<(Vec<Word>, Separator)> {
        self.peek()?;
        let mut words: Vec<Word> = Vec::new();
        loop {
            let separator = match self.peek() {
                None => Separator::Next,
                Some(' ' | '\t') => {
                    self.take();
                    continue;
                }
                Some('#') => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.take();
                    }
                    continue;
                }
                Some('\\') if self.text[self.at..].starts_with("\\\n") => {
                    self.take();
                    self.take();
                    continue;
                }
                Some('<' | '>') => {
                    self.redirection(&mut words);
                    continue;
                }
                Some('\n' | ';') => {
                    self.take();
                    Separator::Next
                }
                Some('&') => {
                    self.take();
                    if self.take_if('&') { Separator::Perhaps } else { Separator::Aside }
                }
                Some('|') => {
                    self.take();
                    if self.take_if('|') { Separator::Perhaps } else { Separator::Pipe }
                }
                Some('(') => {
                    self.take();
                    Separator::Open
                }
                Some(')') => {
                    self.take();
                    Separator::Close
                }
                Some(_) => {
                    words.push(self.word());
                    continue;
                }
            };
            return Some((words, separator));
        }
    }

    /// Passes over a redirection, which changes no variable, with its descriptor and its file.
    fn redirection(&mut self, words: &mut Vec<Word>) {
        let descriptor = |w: &mut Word| {
            let raw = self.text.get(w.at.clone()).unwrap_or_default();
            w.at.end == self.at && raw.bytes().all(|b| b.is_ascii_digit())
        };
        words.pop_if(descriptor);
        if self.text[self.at..].starts_with("<<") {
            // The text that follows could look like anything.
            return self.give_up();
        }
        self.take();
        while matches!(self.peek(), Some('<' | '>' | '&' | '|')) {
            self.take();
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.take();
        }
        if !matches!(self.peek(), None | Some('\n' | ';' | '(' | ')' | '#')) {
            self.word();
        }
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let (mut literal, mut quoted) = (Some(String::new()), false);
        let put = |c: Option<char>, literal: &mut Option<String>| match (c, literal) {
            (Some(c), Some(text)) => text.push(c),
            (None, literal) => *literal = None,
            (_, None) => {}
        };
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => break,
                '\\' => {
                    self.take();
                    quoted = true;
                    match self.take() {
                        Some('\n') => {}
                        Some(c) => put(Some(c), &mut literal),
                        None => self.give_up(),
                    }
                }
                '\'' => {
                    self.take();
                    quoted = true;
                    loop {
                        match self.take() {
                            Some('\'') => break,
                            Some(c) => put(Some(c), &mut literal),
                            None => {
                                self.give_up();
                                break;
                            }
                        }
                    }
                }
                '"' => {
                    self.take();
                    quoted = true;
                    loop {
                        match self.peek() {
                            Some('"') => {
                                self.take();
                                break;
                            }
                            Some('\\') => {
                                self.take();
                                match self.take() {
                                    Some('\n') => {}
                                    Some(c @ ('"' | '\\' | '$' | '`')) => {
                                        put(Some(c), &mut literal)
                                    }
                                    Some(c) => {
                                        put(Some('\\'), &mut literal);
                                        put(Some(c), &mut literal);
                                    }
                                    None => self.give_up(),
                                }
                            }
                            Some('$' | '`') => {
                                self.expansion();
                                put(None, &mut literal);
                            }
                            Some(_) => put(self.take(), &mut literal),
                            None => {
                                self.give_up();
                                break;
                            }
                        }
                    }
                }
                '$' | '`' => {
                    self.expansion();
                    put(None, &mut literal);
                }
                // Whose home that is depends on the system. (Globs mean nothing in assignments.)
                '~' => {
                    self.take();
                    put(None, &mut literal);
                }
                _ => put(self.take(), &mut literal),
            }
        }
        Word { at: start..self.at, literal, quoted }
    }

    /// Passes over `$name`, `${…}`, `$(…)` or `` `…` ``.
    fn expansion(&mut self) {
        let close = match self.take() {
            Some('`') => '`',
            _ => match self.peek() {
                Some('{') => '}',
                Some('(') => ')',
                _ => return,
            },
        };
        let open = if close == '`' { None } else { self.take() };
        let mut depth = 1;
        loop {
            match self.take() {
                None => return self.give_up(),
                Some('\\') => {
                    self.take();
                }
                Some(c) if c == close => depth -= 1,
                Some(c) if Some(c) == open => depth += 1,
                // Quotes could hide the end.
                Some('\'' | '"' | '#') if close == ')' => return self.give_up(),
                Some(_) => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}
