//! From text to commands: operators, blocks and reserved words.

use std::collections::BTreeSet;

use super::cursor::{Cursor, Heredoc};
use super::{Command, Script, Word};

/// The commands of a script, in the order of the text.
pub fn commands(text: &str) -> Vec<Command> {
    read(text).commands
}

/// A script, taken apart.
pub fn read(text: &str) -> Script {
    let mut scanner = Scanner {
        source: Cursor::new(text),
        start_line: 1,
        words: Vec::new(),
        blocks: Vec::new(),
        count: Count::default(),
        heredocs: Vec::new(),
        perhaps: false,
        piped: false,
        redirected: false,
        function: false,
        ended: false,
        closed: None,
        broken: None,
        functions: BTreeSet::new(),
        calculations: Vec::new(),
        out: Vec::new(),
    };
    scanner.run();
    let open = !scanner.blocks.is_empty() || scanner.function || !scanner.heredocs.is_empty();
    let broken = [scanner.source.unclosed, scanner.broken, open.then_some(scanner.source.line)];
    Script {
        commands: scanner.out,
        functions: scanner.functions,
        calculations: scanner.calculations,
        broken: broken.into_iter().flatten().min(),
    }
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

/// A block that has no end yet.
struct Open {
    block: Block,
    /// How many commands stand before it.
    from: usize,
    /// It comes after `&&` or `||`.
    perhaps: bool,
    /// It comes after `|`.
    piped: bool,
}

/// How many blocks of a kind are open.
#[derive(Default)]
struct Count {
    /// All but subshells and groups, those that come after `&&` or `||` excepted.
    conditional: usize,
    /// Blocks in a shell of their own.
    subshells: usize,
    functions: usize,
    /// Conditions whose present branch is for others than root.
    not_root: usize,
}

impl Count {
    /// Counts a block in, or out.
    fn block(&mut self, open: &Open, step: fn(usize, usize) -> usize) {
        let on = |counter: &mut usize, is: bool| *counter = step(*counter, usize::from(is));
        let block = &open.block;
        let sure = matches!(block, Block::Group | Block::Subshell) && !open.perhaps;
        on(&mut self.conditional, !sure);
        on(&mut self.subshells, matches!(block, Block::Subshell) || open.piped);
        on(&mut self.functions, matches!(block, Block::Function { .. }));
        on(&mut self.not_root, matches!(block, Block::If { not_root: true, .. }));
    }
}

struct Scanner<'a> {
    source: Cursor<'a>,
    /// The line in which the command begins that is being read.
    start_line: usize,
    words: Vec<Word>,
    blocks: Vec<Open>,
    count: Count,
    heredocs: Vec<Heredoc>,
    /// The command comes after `&&` or `||`.
    perhaps: bool,
    /// The command comes after `|`.
    piped: bool,
    /// The command has a redirection.
    redirected: bool,
    /// The next bracket opens a function's body.
    function: bool,
    /// Something may have ended the script.
    ended: bool,
    /// Where the commands begin of the block that was closed just now.
    closed: Option<usize>,
    /// The line of a function whose body is no block.
    broken: Option<usize>,
    functions: BTreeSet<String>,
    calculations: Vec<(usize, String)>,
    out: Vec<Command>,
}

impl<'a> Scanner<'a> {
    fn run(&mut self) {
        while let Some(c) = self.source.peek() {
            match c {
                ' ' | '\t' => {
                    self.source.take();
                }
                '\\' if self.source.rest().starts_with("\\\n") => {
                    self.source.take_if("\\\n");
                }
                '#' => {
                    while self.source.peek().is_some_and(|c| c != '\n') {
                        self.source.take();
                    }
                }
                '\n' => {
                    self.finish(false);
                    self.source.take();
                    self.source.skip_heredocs(std::mem::take(&mut self.heredocs));
                }
                ';' => {
                    self.finish(false);
                    self.source.take();
                    if matches!(self.source.peek(), Some(';' | '&'))
                        && let Some(Block::Case { pattern }) = self.block()
                    {
                        *pattern = true;
                        self.source.take();
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
        if self.source.rest().starts_with("&>") {
            self.source.take();
            return self.redirection();
        }
        let (and, or) =
            (self.source.rest().starts_with("&&"), self.source.rest().starts_with("||"));
        let pipe = !or && self.source.peek() == Some('|');
        let background = !and && self.source.peek() == Some('&');
        if pipe || background {
            let block = self.closed.and_then(|from| self.out.get_mut(from..));
            block.into_iter().flatten().for_each(|command| command.aside = true);
        }
        self.finish(pipe || background);
        self.source.take();
        if and || or || self.source.rest().starts_with('&') {
            self.source.take();
        }
        self.perhaps |= and || or;
        self.piped = pipe;
    }

    /// Ends the command that was being read.
    fn finish(&mut self, aside: bool) {
        let mut words = std::mem::take(&mut self.words);
        words.shrink_to_fit();
        self.closed = None;
        // After `&&`, `||` and `|` the command may stand on a later line.
        if words.is_empty() && !self.redirected {
            return;
        }
        let in_pattern = matches!(self.block(), Some(Block::Case { pattern: true }));
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
        self.redirected = false;
    }

    fn open(&mut self) {
        // `name()` begins a function.
        let after = self.source.rest().get(1..).unwrap_or_default().trim_start_matches([' ', '\t']);
        if self.words.len() == 1 && after.starts_with(')') {
            self.functions.extend(self.words.pop().and_then(|name| name.literal()));
            self.function = true;
            while self.source.take().is_some_and(|c| c != ')') {}
            return;
        }
        if matches!(self.block(), Some(Block::Case { pattern: true })) {
            self.source.take();
            return;
        }
        if self.words.is_empty() && self.source.rest().starts_with("((") {
            let (from, line) = (self.source.at, self.source.line);
            self.source.take();
            self.source.skip_brackets('(', ')');
            let raw = self.source.text.get(from..self.source.at).unwrap_or_default();
            return self.calculations.push((line, raw.to_owned()));
        }
        self.finish(false);
        self.source.take();
        let block = if self.function { Block::Function { paren: true } } else { Block::Subshell };
        self.function = false;
        self.push(block);
    }

    fn close(&mut self) {
        self.finish(false);
        self.source.take();
        match self.block() {
            Some(Block::Case { pattern }) => *pattern = false,
            _ => self.pop(|b| matches!(b, Block::Subshell | Block::Function { paren: true })),
        }
    }

    fn redirection(&mut self) {
        self.redirected = true;
        // A number right before it is a descriptor, not a word.
        if let Some(last) = self.words.last()
            && last.at.end == self.source.at
            && last.raw().bytes().all(|b| b.is_ascii_digit())
        {
            self.words.pop();
        }
        let here = self.source.rest().starts_with("<<") && !self.source.rest().starts_with("<<<");
        if here && self.source.take_if("<<") {
            let heredoc = self.source.heredoc();
            return self.heredocs.push(heredoc);
        }
        while matches!(self.source.peek(), Some('<' | '>' | '&' | '|')) {
            self.source.take();
        }
        if self.source.peek() == Some('(') {
            return self.source.skip_brackets('(', ')');
        }
        while matches!(self.source.peek(), Some(' ' | '\t')) {
            self.source.take();
        }
        if matches!(self.source.peek(), None | Some('\n' | ';' | '(' | ')' | '&' | '|' | '#')) {
            return;
        }
        self.source.word();
    }

    fn word_or_keyword(&mut self) {
        if self.words.is_empty() {
            self.start_line = self.source.line;
        }
        let start = self.source.at;
        let word = self.source.word();
        if self.source.at == start {
            // Never without progress.
            self.source.take();
            return;
        }
        let first = self.words.is_empty();
        if self.function && word.raw() != "{" {
            self.function = false;
            self.broken.get_or_insert(self.start_line);
        }
        if word.raw() == "in"
            && self.words.len() == 2
            && self.words.first().is_some_and(|w| w.raw() == "case")
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
        let in_pattern = matches!(self.block(), Some(Block::Case { pattern: true }));
        if in_pattern && word.raw() != "esac" {
            return false;
        }
        match word.raw() {
            "if" => {
                let condition = self.source.at;
                self.push(Block::If { condition, not_root: false, later: false });
            }
            "then" => {
                let (text, end) = (self.source.text, word.at.start);
                if let Some(Open { block: Block::If { condition, not_root, later }, .. }) =
                    self.blocks.last_mut()
                    && !*later
                {
                    let test = text.get(*condition..end).unwrap_or_default();
                    *condition = self.source.at;
                    let was = *not_root;
                    (*not_root, *later) = root_test(test);
                    self.count.not_root += usize::from(*not_root);
                    self.count.not_root -= usize::from(was);
                }
            }
            "elif" | "else" => {
                if let Some(Open { block: Block::If { not_root, later, condition }, .. }) =
                    self.blocks.last_mut()
                {
                    self.count.not_root += usize::from(*later);
                    self.count.not_root -= usize::from(*not_root);
                    *not_root = *later;
                    *condition = self.source.at;
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
                let is_body = std::mem::take(&mut self.function);
                self.push(if is_body { Block::Function { paren: false } } else { Block::Group });
            }
            "}" => self.pop(|b| matches!(b, Block::Group | Block::Function { paren: false })),
            "function" => {
                while matches!(self.source.peek(), Some(' ' | '\t')) {
                    self.source.take();
                }
                self.functions.extend(self.source.word().literal());
                self.function = true;
                let rest = self.source.rest().trim_start_matches([' ', '\t']);
                if rest.starts_with("()") {
                    while self.source.take().is_some_and(|c| c != ')') {}
                }
            }
            _ => return false,
        }
        true
    }

    fn block(&mut self) -> Option<&mut Block> {
        self.blocks.last_mut().map(|open| &mut open.block)
    }

    /// Opens a block; what stands before it is about all of it.
    fn push(&mut self, block: Block) {
        let (perhaps, piped) = (self.perhaps, self.piped);
        (self.perhaps, self.piped) = (false, false);
        let open = Open { block, from: self.out.len(), perhaps, piped };
        self.count.block(&open, usize::saturating_add);
        self.blocks.push(open);
    }

    fn pop(&mut self, is: fn(&Block) -> bool) {
        if let Some(open) = self.blocks.pop_if(|open| is(&open.block)) {
            self.count.block(&open, usize::saturating_sub);
            self.closed = Some(open.from);
        }
    }
}

/// Whether what follows a condition is for others than root, and whether what follows its `else`
/// is. Only a comparison of the UID, and nothing else, decides it.
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
