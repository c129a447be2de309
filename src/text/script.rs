//! The commands of a shell script, as far as they can be told without running it, and how sure it
//! is that they run.
//!
//! For settings that any part of a start-up script may make: nothing is left out because it is
//! hard to follow, but only what certainly runs is called sure. What stands in `$(…)`, `` `…` ``
//! and texts for commands (here-documents) is passed over: it cannot set anything.

use std::ops::Range;

/// A simple command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Its words: assignments, name, arguments. Redirections are left out.
    pub words: Vec<Word>,
    /// Whether it runs whenever the script does: outside of every condition, loop and function,
    /// and before anything that may end the script.
    pub sure: bool,
    /// Whether nothing before it may end the script.
    pub reached: bool,
    /// Whether it runs in a shell of its own, so that what it sets is gone afterwards.
    pub aside: bool,
    /// Whether it runs only for users other than root.
    pub not_root: bool,
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Where it stands in the text.
    pub at: Range<usize>,
    /// As it stands there.
    pub raw: String,
    /// What it is made of, quotes taken away.
    pub parts: Vec<Part>,
}

/// A piece of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// These characters.
    Text(String),
    /// The value of this variable.
    Variable(String),
    /// Anything else that the shell would put in: as it stands there.
    Other(String),
}

impl Word {
    /// The word if it is the same whatever the circumstances.
    pub fn literal(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            _ => None,
        };
        self.parts.iter().map(text).collect()
    }

    /// The name of the variable it assigns to, whether it appends, and the value's parts.
    pub fn assignment(&self) -> Option<(&str, bool, Vec<Part>)> {
        let eq = self.raw.find('=')?;
        let name = self.raw.get(..eq)?;
        let (name, append) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let first = name.chars().next()?;
        let good = (first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let Some(Part::Text(text)) = self.parts.first().filter(|_| good) else { return None };
        let mut parts = vec![Part::Text(text.get(eq + 1..)?.to_owned())];
        parts.extend(self.parts.get(1..)?.iter().cloned());
        Some((name, append, parts))
    }
}

/// The commands of a script, in the order of the text.
pub fn commands(text: &str) -> Vec<Command> {
    let mut scanner = Scanner {
        text,
        at: 0,
        line: 1,
        start_line: 1,
        words: Vec::new(),
        blocks: Vec::new(),
        count: Count::default(),
        heredocs: Vec::new(),
        perhaps: false,
        piped: false,
        function: false,
        ended: false,
        out: Vec::new(),
    };
    scanner.run();
    scanner.out
}

/// What commands stand in.
enum Block {
    /// `if`: where its condition begins; whether the present branch, and the later ones, are for
    /// users other than root.
    If { condition: usize, not_root: bool, later: bool },
    /// `for`, `while`, `until`, `select`.
    Loop,
    /// `case`; whether a pattern comes next.
    Case { pattern: bool },
    /// `{`.
    Group,
    /// The body of a function, in either bracket.
    Function { paren: bool },
    /// `(`.
    Subshell,
}

/// How many blocks of a kind are open.
#[derive(Default)]
struct Count {
    /// All but groups and subshells.
    conditional: usize,
    subshells: usize,
    functions: usize,
    /// Conditions whose present branch is for others than root.
    not_root: usize,
}

impl Count {
    /// Counts a block in, or out.
    fn block(&mut self, block: &Block, step: fn(usize, usize) -> usize) {
        let on = |counter: &mut usize, is: bool| *counter = step(*counter, usize::from(is));
        on(&mut self.conditional, !matches!(block, Block::Group | Block::Subshell));
        on(&mut self.subshells, matches!(block, Block::Subshell));
        on(&mut self.functions, matches!(block, Block::Function { .. }));
        on(&mut self.not_root, matches!(block, Block::If { not_root: true, .. }));
    }
}

/// A text for a command: its last line, and whether tabs before that do not count.
struct Heredoc {
    end: String,
    tabs: bool,
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    start_line: usize,
    words: Vec<Word>,
    blocks: Vec<Block>,
    count: Count,
    heredocs: Vec<Heredoc>,
    /// The command comes after `&&` or `||`.
    perhaps: bool,
    /// The command comes after `|`.
    piped: bool,
    /// The next bracket opens a function's body.
    function: bool,
    /// Something may have ended the script.
    ended: bool,
    out: Vec<Command>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        self.line += usize::from(c == '\n');
        Some(c)
    }

    fn take_if(&mut self, text: &str) -> bool {
        let is = self.rest().starts_with(text);
        if is {
            text.chars().for_each(|_| {
                self.take();
            });
        }
        is
    }

    fn run(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' => {
                    self.take();
                }
                '\\' if self.rest().starts_with("\\\n") => {
                    self.take_if("\\\n");
                }
                '#' => {
                    while self.peek().is_some_and(|c| c != '\n') {
                        self.take();
                    }
                }
                '\n' => {
                    self.finish(false);
                    self.take();
                    self.skip_heredocs();
                }
                ';' => {
                    self.finish(false);
                    self.take();
                    if matches!(self.peek(), Some(';' | '&'))
                        && let Some(Block::Case { pattern }) = self.blocks.last_mut()
                    {
                        *pattern = true;
                        self.take();
                    }
                }
                '&' | '|' => self.operator(),
                '(' => self.open(),
                ')' => self.close(),
                '<' | '>' => self.redirection(),
                _ => self.word_or_keyword(),
            }
        }
        self.finish(false);
    }

    fn operator(&mut self) {
        if self.rest().starts_with("&>") {
            self.take();
            return self.redirection();
        }
        let (and, or) = (self.rest().starts_with("&&"), self.rest().starts_with("||"));
        let pipe = !or && self.peek() == Some('|');
        let background = !and && self.peek() == Some('&');
        self.finish(pipe || background);
        self.take();
        if and || or || self.rest().starts_with('&') {
            self.take();
        }
        self.perhaps |= and || or;
        self.piped = pipe;
    }

    /// Ends the command that was being read.
    fn finish(&mut self, aside: bool) {
        let words = std::mem::take(&mut self.words);
        let in_pattern = matches!(self.blocks.last(), Some(Block::Case { pattern: true }));
        if !words.is_empty() && !in_pattern {
            let aside = aside || self.piped || self.count.subshells > 0;
            let command = Command {
                line: self.start_line,
                sure: self.count.conditional == 0 && !self.perhaps && !self.ended,
                reached: !self.ended,
                aside,
                not_root: self.count.not_root > 0,
                words,
            };
            let name = command.words.first().and_then(Word::literal);
            let ends = matches!(name.as_deref(), Some("return" | "exit" | "exec"));
            self.ended |= ends && !aside && self.count.functions == 0;
            self.out.push(command);
        }
        self.perhaps = false;
        self.piped = false;
    }

    fn skip_heredocs(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            while !self.rest().is_empty() {
                let rest = self.rest();
                let len = rest.find('\n').map_or(rest.len(), |i| i + 1);
                let line = rest.get(..len).unwrap_or_default();
                self.at += len;
                self.line += usize::from(line.ends_with('\n'));
                let line = line.strip_suffix('\n').unwrap_or(line);
                let line = if heredoc.tabs { line.trim_start_matches('\t') } else { line };
                if line == heredoc.end {
                    break;
                }
            }
        }
    }

    fn open(&mut self) {
        // `name()` begins a function.
        let after = self.rest().get(1..).unwrap_or_default().trim_start_matches([' ', '\t']);
        if self.words.len() == 1 && after.starts_with(')') {
            self.words.clear();
            self.function = true;
            while self.take().is_some_and(|c| c != ')') {}
            return;
        }
        if matches!(self.blocks.last(), Some(Block::Case { pattern: true })) {
            self.take();
            return;
        }
        if self.words.is_empty() && self.rest().starts_with("((") {
            self.take();
            return self.skip_brackets('(', ')');
        }
        self.finish(false);
        self.take();
        let block = if self.function { Block::Function { paren: true } } else { Block::Subshell };
        self.function = false;
        self.push(block);
    }

    fn close(&mut self) {
        self.finish(false);
        self.take();
        match self.blocks.last_mut() {
            Some(Block::Case { pattern }) => *pattern = false,
            _ => self.pop(|b| matches!(b, Block::Subshell | Block::Function { paren: true })),
        }
    }

    fn redirection(&mut self) {
        // A number right before it is a descriptor, not a word.
        if let Some(last) = self.words.last()
            && last.at.end == self.at
            && last.raw.bytes().all(|b| b.is_ascii_digit())
        {
            self.words.pop();
        }
        let here = self.rest().starts_with("<<") && !self.rest().starts_with("<<<");
        let tabs = self.rest().starts_with("<<-");
        while matches!(self.peek(), Some('<' | '>' | '&' | '|')) {
            self.take();
        }
        if tabs {
            self.take();
        }
        if self.peek() == Some('(') {
            return self.skip_brackets('(', ')');
        }
        while matches!(self.peek(), Some(' ' | '\t')) {
            self.take();
        }
        if matches!(self.peek(), None | Some('\n' | ';' | '(' | ')' | '&' | '|' | '#')) {
            return;
        }
        let word = self.word();
        if here {
            let end = word.parts.iter().map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Variable(name) => format!("${name}"),
                Part::Other(raw) => raw.clone(),
            });
            self.heredocs.push(Heredoc { end: end.collect(), tabs });
        }
    }

    fn word_or_keyword(&mut self) {
        if self.words.is_empty() {
            self.start_line = self.line;
        }
        let start = self.at;
        let word = self.word();
        if self.at == start {
            // Never without progress.
            self.take();
            return;
        }
        let first = self.words.is_empty();
        if word.raw == "in"
            && self.words.len() == 2
            && self.words.first().is_some_and(|w| w.raw == "case")
        {
            self.words.clear();
            self.push(Block::Case { pattern: true });
            return;
        }
        if !first || !self.keyword(&word) {
            self.words.push(word);
        }
    }

    /// Acts on a reserved word; whether it was one that leaves no command behind.
    fn keyword(&mut self, word: &Word) -> bool {
        let in_pattern = matches!(self.blocks.last(), Some(Block::Case { pattern: true }));
        if in_pattern && word.raw != "esac" {
            return false;
        }
        match word.raw.as_str() {
            "if" => {
                let condition = self.at;
                self.push(Block::If { condition, not_root: false, later: false });
            }
            "then" => {
                let (text, end) = (self.text, word.at.start);
                if let Some(Block::If { condition, not_root, later }) = self.blocks.last_mut()
                    && !*later
                {
                    let test = text.get(*condition..end).unwrap_or_default();
                    *condition = self.at;
                    let was = *not_root;
                    (*not_root, *later) = root_test(test);
                    self.count.not_root += usize::from(*not_root);
                    self.count.not_root -= usize::from(was);
                }
            }
            "elif" | "else" => {
                if let Some(Block::If { not_root, later, condition }) = self.blocks.last_mut() {
                    self.count.not_root += usize::from(*later);
                    self.count.not_root -= usize::from(*not_root);
                    *not_root = *later;
                    *condition = self.at;
                }
            }
            "fi" => self.pop(|b| matches!(b, Block::If { .. })),
            "for" | "select" => {
                self.push(Block::Loop);
                return false;
            }
            "while" | "until" => self.push(Block::Loop),
            "do" | "!" | "time" => {}
            "done" => self.pop(|b| matches!(b, Block::Loop)),
            "esac" => self.pop(|b| matches!(b, Block::Case { .. })),
            "{" => {
                let group =
                    if self.function { Block::Function { paren: false } } else { Block::Group };
                self.push(group);
                self.function = false;
            }
            "}" => self.pop(|b| matches!(b, Block::Group | Block::Function { paren: false })),
            "function" => {
                while matches!(self.peek(), Some(' ' | '\t')) {
                    self.take();
                }
                self.word();
                self.function = true;
                let rest = self.rest().trim_start_matches([' ', '\t']);
                if rest.starts_with("()") {
                    while self.take().is_some_and(|c| c != ')') {}
                }
            }
            _ => return false,
        }
        true
    }

    fn push(&mut self, block: Block) {
        self.count.block(&block, usize::saturating_add);
        self.blocks.push(block);
    }

    fn pop(&mut self, is: fn(&Block) -> bool) {
        if let Some(block) = self.blocks.pop_if(|b| is(b)) {
            self.count.block(&block, usize::saturating_sub);
        }
    }

    fn word(&mut self) -> Word {
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
                        Some('\n') | None => {}
                        Some(c) => parts.push(c),
                    }
                }
                '\'' => {
                    self.take();
                    parts.text("");
                    while let Some(c) = self.take().filter(|c| *c != '\'') {
                        parts.push(c);
                    }
                }
                '"' => {
                    self.take();
                    parts.text("");
                    self.double_quoted(&mut parts);
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
        let raw = self.text.get(start..self.at).unwrap_or_default().to_owned();
        Word { at: start..self.at, raw, parts: parts.all }
    }

    fn double_quoted(&mut self, parts: &mut Parts) {
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
    }

    /// `$name`, `${…}`, `$(…)`, `` `…` ``, or a lone dollar.
    fn expansion(&mut self, parts: &mut Parts) {
        let start = self.at;
        if self.take() == Some('`') {
            while let Some(c) = self.take().filter(|c| *c != '`') {
                if c == '\\' {
                    self.take();
                }
            }
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
    fn skip_brackets(&mut self, open: char, close: char) {
        // What is open, the innermost last: a bracket or a quote; and how many of them are round.
        let mut inside: Vec<char> = Vec::new();
        let mut round = 0_usize;
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
                }
                (Some('('), ')') | (Some('{'), '}') => {
                    inside.pop();
                    round = round.saturating_sub(usize::from(c == ')'));
                }
                (None, _) if c == close => return,
                _ => {}
            }
            if inside.is_empty() {
                return;
            }
        }
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

/// Whether what follows a condition is for others than root, and whether what follows its `else`
/// is. Only a comparison of the user's number, and nothing beside it, tells.
fn root_test(condition: &str) -> (bool, bool) {
    let bare: String =
        condition.chars().filter(|c| !c.is_ascii_whitespace() && !"\"';".contains(*c)).collect();
    let bare = bare.strip_prefix("test").unwrap_or(&bare);
    let bare = bare.trim_start_matches(['[', '(']).trim_end_matches([']', ')']);
    let users = [
        "$(id-u)",
        "`id-u`",
        "$(/usr/bin/id-u)",
        "${UID}",
        "${EUID}",
        "$UID",
        "$EUID",
        "UID",
        "EUID",
    ];
    // The closing bracket of a substitution at the end is not one of the test's.
    let Some(rest) = users.iter().find_map(|user| bare.strip_prefix(user)) else {
        return (false, false);
    };
    let number = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
    let operator = rest.strip_suffix(number).unwrap_or_default();
    match (operator, number.parse::<u32>()) {
        ("-eq" | "=" | "==", Ok(0)) => (false, true),
        ("-ne" | "!=", Ok(0)) => (true, false),
        ("-gt" | ">", Ok(_)) => (true, false),
        ("-ge" | ">=", Ok(n)) if n > 0 => (true, false),
        _ => (false, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `line:words`, with `?` if not sure, `&` if aside, `u` if not for root.
    fn shown(text: &str) -> Vec<String> {
        let show = |c: Command| {
            let words: Vec<String> = c
                .words
                .iter()
                .map(|w| w.literal().unwrap_or_else(|| format!("<{}>", w.raw)))
                .collect();
            let flag = |on, mark| if on { mark } else { "" };
            format!(
                "{}:{}{}{}{}",
                c.line,
                words.join(" "),
                flag(!c.sure, "?"),
                flag(c.aside, "&"),
                flag(c.not_root, "u")
            )
        };
        commands(text).into_iter().map(show).collect()
    }

    #[test]
    fn words_and_quotes() {
        assert_eq!(
            shown("a 'b c' \"d $e\" f\\ g # h\ni\\\n j;k\n"),
            ["1:a b c <\"d $e\"> f g", "2:i j", "3:k"]
        );
        assert_eq!(shown("a#b #c\n#d\n"), ["1:a#b"]);
        assert_eq!(shown("a >b 2>&1 <c &>d e 2 >f"), ["1:a e 2"]);
        assert_eq!(shown("a <<X b\nc\nX\nd <<-'Y Z'\n\te\n\tY Z\nf\n"), ["1:a b", "4:d", "7:f"]);
        assert_eq!(shown("a <<<x\nb\n"), ["1:a", "2:b"]);
        assert_eq!(
            shown("a \"$(b \"c)\" ')' # d )\n)\" e\nf"),
            ["1:a <\"$(b \"c)\" ')' # d )\n)\"> e", "3:f"]
        );
        assert_eq!(
            shown("a ${b:-c d} `e f` $(g (h) i)j"),
            ["1:a <${b:-c d}> <`e f`> <$(g (h) i)j>"]
        );
        assert_eq!(shown("a=(b c) d"), ["1:<a=(b c)> d"]);
        assert_eq!(shown("a <(b; c) d"), ["1:a d"]);
        assert_eq!(shown("(( a << 2 ))\nb"), ["2:b"]);
        assert_eq!(shown("a 'unfinished"), ["1:a unfinished"]);
    }

    #[test]
    fn what_surely_runs() {
        for (text, want) in [
            ("a; b & c | d && e || f", vec!["1:a", "1:b&", "1:c&", "1:d&", "1:e?", "1:f?"]),
            (
                "if a; then\nb\nelif c\nthen d\nelse e; fi\nf",
                vec!["1:a?", "2:b?", "3:c?", "4:d?", "5:e?", "6:f"],
            ),
            ("for i in x/*.d; do a; done; b", vec!["1:for i in x/*.d?", "1:a?", "1:b"]),
            ("while a; do b; done <c\nd", vec!["1:a?", "1:b?", "2:d"]),
            (
                "case $x in\n a|b) c;;\n (d) e ;;\n*)\nf\nesac\ng",
                vec!["2:c?", "3:e?", "5:f?", "7:g"],
            ),
            ("case x in a) b; esac; c", vec!["1:b?", "1:c"]),
            ("{ a; b; }; c", vec!["1:a", "1:b", "1:c"]),
            ("( a; (b) ); c", vec!["1:a&", "1:b&", "1:c"]),
            (
                "f() { a; }\nfunction g () {\nb\n}\nh() ( c )\nd",
                vec!["1:a?", "3:b?", "5:c?", "6:d"],
            ),
            ("[ -z \"$PS1\" ] && return\na", vec!["1:[ -z <\"$PS1\"> ]", "1:return?", "2:a?"]),
            ("f() { return; }\na", vec!["1:return?", "2:a"]),
            ("(exit)\na", vec!["1:exit&", "2:a"]),
            ("! a\n! b && c", vec!["1:a", "2:b", "2:c?"]),
            ("fi; done; }; )\na", vec!["2:a"]),
        ] {
            assert_eq!(shown(text), want, "{text}");
        }
    }

    #[test]
    fn branches_for_others_than_root() {
        let stock = "if [ \"$(id -u)\" -eq 0 ]; then\n a\nelse\n b\nfi\nc";
        assert_eq!(shown(stock)[1..], ["2:a?", "4:b?u", "6:c"]);
        let last = |test: &str| {
            shown(&format!("if {test}; then a; else b; fi"))
                .iter()
                .rev()
                .take(2)
                .map(|s| s.ends_with('u'))
                .collect::<Vec<_>>()
        };
        for test in
            ["[ `id -u` = 0 ]", "[ $UID -eq 0 ]", "[[ ${EUID} == 0 ]]", "test $(id -u) -eq 0"]
        {
            assert_eq!(last(test), [true, false], "{test}");
        }
        for test in ["[ $UID -gt 199 ]", "[ `id -u` -ge 1000 ]", "[ \"$(id -u)\" != 0 ]"] {
            assert_eq!(last(test), [false, true], "{test}");
        }
        for test in
            ["[ $UID -gt 199 ] && x", "[ $USER = root ]", "[ $UID -eq 1 ]", "[ $UID -ge 0 ]", "x"]
        {
            assert_eq!(last(test), [false, false], "{test}");
        }
        assert!(shown("if [ $UID = 0 ]; then a; elif x; then b; fi")[3].ends_with("b?u"));
    }

    #[test]
    fn assignments() {
        let of = |text: &str| {
            let command = commands(text).remove(0);
            let word = command.words[0].clone();
            word.assignment().map(|(name, append, parts)| (name.to_owned(), append, parts))
        };
        let text = |t: &str| Part::Text(t.to_owned());
        assert_eq!(of("A=b").unwrap(), ("A".into(), false, vec![text("b")]));
        assert_eq!(
            of("PATH+=\":$HOME/x:~\"").unwrap(),
            ("PATH".into(), true, vec![text(":"), Part::Variable("HOME".into()), text("/x:~")])
        );
        let parts = of("P=~/x:~/y:${P}$(z)").unwrap().2;
        let tilde = || Part::Other("~".into());
        let end = [text(":"), Part::Variable("P".into()), Part::Other("$(z)".into())];
        assert_eq!(parts[..4], [text(""), tilde(), text("/x:"), tilde()]);
        assert_eq!(parts[4], text("/y:"));
        assert_eq!(parts[5..], end[1..]);
        for none in ["a", "9a=b", "\"A\"=b", "=b", "a-b=c", "$a=b"] {
            assert_eq!(of(none), None, "{none}");
        }
    }

    #[test]
    fn long_texts_take_linear_time() {
        for piece in [
            "a b\n",
            "if a; then ",
            "$(",
            "\"",
            "'",
            "<<X\n",
            "{ ",
            "( ",
            "case x in ",
            "a;",
            "\\\n",
            "${",
            "f() ",
        ] {
            commands(&piece.repeat(50_000));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            commands(&text);
        }

        #[test]
        fn words_stand_where_they_say(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "a", " ", "\n", ";", ";;", "&&", "|", "&", "(", ")", "{ ", "} ", "if ", "then ", "else ",
                    "fi", "case x in ", "esac", "$(", "`", "\"", "'", "\\", "<<X", "\nX\n", "#", "A=", "~",
                    "${b}", "$c", "()", "for i in ", "do ", "done", ">", "2>", "é",
                ]),
                0..30,
            ),
        ) {
            let text = pieces.concat();
            let lines = text.split_inclusive('\n').count().max(1);
            for command in commands(&text) {
                prop_assert!((1..=lines).contains(&command.line));
                for word in command.words {
                    prop_assert_eq!(text.get(word.at.clone()), Some(word.raw.as_str()));
                }
            }
        }
    }
}
