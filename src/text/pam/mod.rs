//! Files of `/etc/pam.d`: rules, their control and their arguments.
//!
//! [`entries`] keeps where everything stands, so that [`Rule`] can say what to replace in the text
//! to change one argument and nothing else. Which module runs after which is for the caller, who
//! has the included files.

mod control;
pub mod saved;

use std::ops::Range;

pub use control::{Action, Control};

use super::joined::Joined;
use super::splice::Edit;

/// A line, or several that a backslash joins, that is neither blank nor comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PamLine {
    /// A module and how its answer is taken.
    Rule(Rule),
    /// `@include file`.
    Include {
        /// The line, from 1.
        line: usize,
        /// The file; relative to `/etc/pam.d`.
        file: String,
    },
    /// Something that PAM cannot read; it makes the whole service fail.
    Malformed {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        text: String,
    },
}

/// A module and how its answer is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The line it begins in, from 1.
    pub line: usize,
    /// `auth`, `account`, `password` or `session`.
    pub kind: String,
    /// Whether a missing module is passed over (`-password …`).
    pub quiet: bool,
    /// How the answer is taken.
    pub control: Control,
    /// The module's name or path; of `include` and `substack` the file.
    pub module: String,
    /// The arguments of the module.
    pub arguments: Vec<Argument>,
    /// Its lines in the text, with the line feed of the last one.
    pub span: Range<usize>,
    /// Where its control stands in the text, brackets included; `None` when it is in pieces.
    control_at: Option<Range<usize>>,
    /// Whether the module follows the control's bracket without a blank.
    control_glued: bool,
    /// Where its last word ends in the text.
    end: usize,
    /// Where the jumps' numbers stand in the text.
    jumps: Vec<(u32, Range<usize>)>,
}

/// One argument of a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The word; brackets that held blanks together are taken away.
    pub text: String,
    /// Where it stands in the text; `None` when it stands in pieces.
    span: Option<Range<usize>>,
    /// Where what goes away with it begins: the blanks before it, joins of lines included. `None`
    /// below a comment: a line that is left blank would not end the rule. Nor where the word
    /// before ends in a backslash or form feed.
    begin: Option<usize>,
    /// Whether a further word follows its bracket without a blank.
    glued: bool,
}

impl Rule {
    /// Whether the module is `name` (with `.so`), by whatever path.
    pub fn is(&self, name: &str) -> bool {
        self.module.rsplit('/').next() == Some(name)
    }

    /// Whether one of the arguments is exactly `word`.
    pub fn has(&self, word: &str) -> bool {
        self.arguments.iter().any(|a| a.text == word)
    }

    /// The value of the last argument `name=value`, and which argument it is. Case matters.
    pub fn value(&self, name: &str) -> Option<(usize, &str)> {
        let value = |a: &'_ Argument| -> Option<Range<usize>> {
            let rest = a.text.strip_prefix(name)?.strip_prefix('=')?;
            Some(a.text.len() - rest.len()..a.text.len())
        };
        let found = |(i, a): (usize, &'_ Argument)| value(a).map(|r| (i, r));
        let (i, range) = self.arguments.iter().enumerate().rev().find_map(found)?;
        Some((i, self.arguments.get(i)?.text.get(range)?))
    }

    /// What replaces the control by `word`; `None` when it stands in pieces.
    pub fn set_control(&self, word: &str) -> Option<Edit> {
        Some(Edit::replace(self.control_at.clone()?, apart(word, self.control_glued)))
    }

    /// What replaces argument `index`; `None` when it stands in pieces.
    pub fn set_argument(&self, index: usize, word: &str) -> Option<Edit> {
        let argument = self.arguments.get(index)?;
        Some(Edit::replace(argument.span.clone()?, apart(word, argument.glued)))
    }

    /// What takes argument `index` away, with the blanks before it. `None` when it stands in
    /// pieces, is the first below a comment, or follows a backslash or form feed.
    pub fn remove_argument(&self, index: usize) -> Option<Edit> {
        let argument = self.arguments.get(index)?;
        let all = argument.begin?..argument.span.as_ref()?.end;
        Some(Edit::replace(all, apart("", argument.glued)))
    }

    /// What adds an argument before argument `index`, or after all others.
    pub fn insert_argument(&self, index: usize, word: &str) -> Option<Edit> {
        match self.arguments.get(index) {
            Some(argument) => Some(Edit::insert(argument.span.as_ref()?.start, format!("{word} "))),
            None => Some(Edit::insert(self.end, format!(" {word}"))),
        }
    }

    /// What changes the jumps that `reaches` picks, by their number of modules to skip, by one up
    /// or down. A jump over one module is not made smaller.
    pub fn shift_jumps(&self, reaches: impl Fn(u32) -> i32) -> Vec<Edit> {
        let shifted = |(n, at): &(u32, Range<usize>)| {
            let new = n.checked_add_signed(reaches(*n)).filter(|new| *new > 0)?;
            (new != *n).then(|| Edit::replace(at.clone(), new.to_string()))
        };
        self.jumps.iter().filter_map(shifted).collect()
    }
}

/// Everything in a file that is neither blank nor comment, in order.
pub fn entries(text: &str) -> Vec<PamLine> {
    let mut out = Vec::new();
    let mut offset = 0;
    let mut pending: Option<Logical> = None;
    for (index, physical) in text.split_inclusive('\n').enumerate() {
        let start = offset;
        offset += physical.len();
        let (content, commented) = match physical.split_once('#') {
            Some((before, _)) => (before, true),
            None => (physical, false),
        };
        let content = content.trim_end();
        // Blank lines and comments are passed over even between joined lines.
        if content.trim_start().is_empty() {
            continue;
        }
        let continued = !commented && content.ends_with('\\');
        let piece = start..start + content.len() - usize::from(continued);
        let mut logical =
            pending.take().unwrap_or(Logical { line: index + 1, start, pieces: Vec::new() });
        logical.pieces.push((piece, continued));
        if continued {
            pending = Some(logical);
        } else {
            out.push(entry(text, &logical, offset));
        }
    }
    if let Some(Logical { line, start, .. }) = pending {
        let text = text.get(start..).unwrap_or_default().trim().to_owned();
        out.push(PamLine::Malformed { line, text });
    }
    out
}

/// Lines that a backslash joins.
struct Logical {
    /// The first one, from 1, and where it begins.
    line: usize,
    start: usize,
    /// What counts of each line, and whether another one follows.
    pieces: Vec<(Range<usize>, bool)>,
}

/// A word, where it begins and ends in the joined text, and whether it stood in brackets.
struct Word {
    text: String,
    at: Range<usize>,
    bracketed: bool,
}

fn entry(text: &str, logical: &Logical, end_of_lines: usize) -> PamLine {
    let line = logical.line;
    let mut joined = Joined::default();
    for (piece, continued) in &logical.pieces {
        joined.push(text.get(piece.clone()).unwrap_or_default(), piece.start);
        if *continued {
            joined.push(" ", piece.end);
        }
    }
    let malformed = || PamLine::Malformed { line, text: joined.text().trim().to_owned() };
    let words = words(joined.text());
    let mut rest = words.iter();
    let Some(kind) = rest.next() else { return malformed() };
    if kind.text.eq_ignore_ascii_case("@include") {
        return match rest.next() {
            Some(file) => PamLine::Include { line, file: file.text.clone() },
            None => malformed(),
        };
    }
    let (quiet, name) = match kind.text.strip_prefix('-') {
        Some(name) => (true, name),
        None => (false, kind.text.as_str()),
    };
    let name = name.to_ascii_lowercase();
    if !["auth", "account", "password", "session"].contains(&name.as_str()) {
        return malformed();
    }
    let (Some(control), Some(module)) = (rest.next(), rest.next()) else { return malformed() };
    let Some((taken, numbers)) = Control::parse(&control.text, control.bracketed) else {
        return malformed();
    };
    // Past the opening bracket; escapes within it would shift the rest, so they must be absent.
    let exact = joined.text().get(control.at.start + 1..control.at.end.saturating_sub(1))
        == Some(control.text.as_str());
    let jumps = numbers.into_iter().filter(|_| exact).filter_map(|(n, at)| {
        let start = control.at.start + 1;
        Some((n, joined.origin_of(start + at.start..start + at.end)?))
    });
    let glued = |end: usize| {
        let next = text.get(end..).and_then(|rest| rest.chars().next());
        next.is_some_and(|c| !BLANKS.contains(&c) && c != '#')
    };
    let control_end = joined.origin(control.at.end.saturating_sub(1)) + 1;
    let mut end = joined.origin(module.at.end.saturating_sub(1)) + 1;
    let mut before = end;
    let mut arguments = Vec::new();
    for word in rest {
        let span = joined.origin_of(word.at.clone());
        end = joined.origin(word.at.end.saturating_sub(1)) + 1;
        let begin = span.as_ref().and_then(|at| {
            // Came it to end its own line, a word that ends in a backslash would join the next one,
            // and one that ends in a form feed would be blank there.
            let open = text.get(..before)?.ends_with(|c: char| c == '\\' || c.is_whitespace());
            let only = |c: char| c.is_ascii_whitespace() || c == '\\';
            let blank = text.get(before..at.start)?.chars().all(only);
            (blank && !open).then_some(before)
        });
        arguments.push(Argument { text: word.text.clone(), span, begin, glued: glued(end) });
        before = end;
    }
    PamLine::Rule(Rule {
        line,
        kind: name,
        quiet,
        control: taken,
        module: module.text.clone(),
        arguments,
        jumps: jumps.collect(),
        control_at: joined.origin_of(control.at.clone()),
        control_glued: glued(control_end),
        span: logical.start..end_of_lines,
        end,
    })
}

/// The word, with a blank behind it if another word follows without one.
fn apart(word: &str, glued: bool) -> String {
    if glued { format!("{word} ") } else { word.to_owned() }
}

/// What parts words.
const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Words between blanks; one that begins with a bracket ends at the closing one, where `\]` is a
/// bracket of its own.
fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let blanks = rest.len() - rest.trim_start_matches(BLANKS).len();
        at += blanks;
        let rest = rest.get(blanks..).unwrap_or_default();
        if rest.is_empty() {
            break;
        }
        let word = match bracketed(rest) {
            Some((text, len)) => Word { text, at: at..at + len, bracketed: true },
            None => {
                let len = rest.find(BLANKS).unwrap_or(rest.len());
                let text = rest.get(..len).unwrap_or_default().to_owned();
                Word { text, at: at..at + len, bracketed: false }
            }
        };
        at = word.at.end;
        words.push(word);
    }
    words
}

fn bracketed(rest: &str) -> Option<(String, usize)> {
    let inner = rest.strip_prefix('[')?;
    let mut text = String::new();
    let mut chars = inner.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            ']' => return Some((text, i + 2)),
            '\\' if chars.peek().is_some_and(|(_, c)| *c == ']') => {
                chars.next();
                text.push(']');
            }
            c => text.push(c),
        }
    }
    // Without an end it is a word like any other.
    None
}

#[cfg(test)]
mod tests;
