//! The commands of a shell script, as far as they can be determined without running it, and how sure it
//! is that they run.
//!
//! For settings that any part of a script may make: nothing is left out because it is hard to
//! follow, but only what certainly runs is called sure. What stands in `$(…)`, `` `…` ``
//! and texts for commands (here-documents) is passed over: it cannot set anything.

mod cursor;
mod scanner;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

pub use scanner::{commands, read};

/// A script, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its commands, in the order of the text.
    pub commands: Vec<Command>,
    /// The names of its functions.
    pub functions: BTreeSet<String>,
    /// Its calculations, `((…))`, which may set variables: line and text.
    pub calculations: Vec<(usize, String)>,
    /// The line of something that has no end (a quote, a bracket, an `if`), or of a function whose
    /// body is no block: what follows is perhaps not what it seems.
    pub broken: Option<usize>,
}

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
    /// The text.
    text: Rc<str>,
    /// What it is made of, quotes taken away; `None` where that is what stands in the text.
    parts: Option<Box<[Part]>>,
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

impl Command {
    /// The name and the arguments, without assignments for this command alone and without words
    /// that only pass on what follows them.
    pub fn call(&self) -> Option<(&Word, &[Word])> {
        let passed = |w: &Word| {
            w.assignment().is_some()
                || w.literal().is_some_and(|w| matches!(w.as_str(), "command" | "builtin"))
        };
        let first = self.words.iter().position(|w| !passed(w))?;
        Some((self.words.get(first)?, self.words.get(first + 1..)?))
    }

    /// The words that may be assignments which outlive the command: it is nothing else, or it
    /// declares variables.
    pub fn declarations(&self) -> &[Word] {
        if self.words.iter().all(|w| w.assignment().is_some()) {
            return &self.words;
        }
        let declares = ["export", "readonly", "declare", "typeset", "local"];
        match self.call() {
            Some((name, rest)) if name.literal().is_some_and(|n| declares.contains(&&*n)) => rest,
            _ => &[],
        }
    }
}

impl Word {
    /// The word as it stands in the text.
    pub fn raw(&self) -> &str {
        self.text.get(self.at.clone()).unwrap_or_default()
    }

    /// The word if it is the same whatever the circumstances.
    pub fn literal(&self) -> Option<String> {
        let text = |part: &Part| match part {
            Part::Text(text) => Some(text.clone()),
            _ => None,
        };
        match &self.parts {
            None => Some(self.raw().to_owned()),
            Some(parts) => parts.iter().map(text).collect(),
        }
    }

    /// The name of the variable it assigns to, whether it appends, and the value's parts.
    pub fn assignment(&self) -> Option<(&str, bool, Vec<Part>)> {
        let eq = self.raw().find('=')?;
        let name = self.raw().get(..eq)?;
        let (name, append) = match name.strip_suffix('+') {
            Some(name) => (name, true),
            None => (name, false),
        };
        let first = name.chars().next()?;
        let good = (first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let (first, rest) = match self.parts.as_deref().map(<[Part]>::split_first) {
            _ if !good => return None,
            None => (self.raw(), [].as_slice()),
            Some(Some((Part::Text(text), rest))) => (text.as_str(), rest),
            Some(_) => return None,
        };
        let mut parts = vec![Part::Text(first.get(eq + 1..)?.to_owned())];
        parts.extend_from_slice(rest);
        Some((name, append, parts))
    }
}
