//! `modprobe.d` files as kmod reads them, and editing.
//!
//! A backslash before the line end joins lines before anything else is looked at, so a comment that
//! ends in one swallows the next line. A carriage return is part of the command. The first matching
//! `install` line counts. What is written here therefore ends in a bare line feed and never follows
//! an open line.

pub mod softdep;

use std::borrow::Cow;

use super::DISABLED;
use super::pattern::{self, Wildcards};

/// Commands that do nothing: a module with one of them cannot be loaded by name or alias.
const NOTHING: [&str; 4] = ["/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false"];

/// An `install` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Install {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Which modules, as it is spelled.
    pub spelled: String,
    /// Which modules, as kmod compares them: a shell pattern with `_` for `-`.
    pub pattern: String,
    /// What is run instead of loading, blanks around it taken away.
    pub command: String,
}

impl Install {
    /// Whether it names exactly this module ([`normal`] form).
    pub fn names(&self, module: &str) -> bool {
        self.pattern == module
    }

    /// Whether it is about this module, by name or by pattern.
    pub fn matches(&self, module: &str) -> bool {
        let fits = pattern::matches(Wildcards::Libc, self.pattern.as_bytes(), module.as_bytes());
        self.names(module) || fits
    }

    /// Whether the command does nothing, so that the module stays out.
    pub fn blocks(&self) -> bool {
        NOTHING.contains(&self.command.as_str())
    }
}

/// A module's name as kmod compares it: `-` is `_`, except inside brackets.
pub fn normal(name: &str) -> String {
    let mut inside = false;
    let one = |c| {
        inside = match c {
            '[' => true,
            ']' => false,
            _ => inside,
        };
        if c == '-' && !inside { '_' } else { c }
    };
    name.chars().map(one).collect()
}

/// Every `install` line, in order.
pub fn installs(text: &str) -> Vec<Install> {
    logical(text).filter_map(|l| l.install()).collect()
}

/// One line after joining.
struct Logical<'t> {
    /// The first physical line, from 1.
    line: usize,
    /// How many physical lines it covers.
    span: usize,
    /// The first physical line as it stands.
    first: &'t str,
    text: Cow<'t, str>,
}

impl Logical<'_> {
    fn words(&self) -> Option<(&str, &str, &str)> {
        const BLANK: [char; 2] = [' ', '\t'];
        if self.text.starts_with('#') {
            return None;
        }
        let text = self.text.split('\0').next()?.trim_start_matches(BLANK);
        let (verb, rest) = text.split_once(BLANK)?;
        let rest = rest.trim_start_matches(BLANK);
        let (module, rest) = rest.split_once(BLANK).unwrap_or((rest, ""));
        (!module.is_empty()).then_some((verb, module, rest))
    }

    fn install(&self) -> Option<Install> {
        let (verb, module, command) = self.words()?;
        // Without a command kmod rejects the line; with blanks only it runs an empty one.
        (verb == "install" && !command.is_empty()).then(|| Install {
            line: self.line,
            spelled: module.to_owned(),
            pattern: normal(module),
            command: command.trim_matches([' ', '\t']).to_owned(),
        })
    }

    fn blacklists(&self, module: &str) -> bool {
        self.words().is_some_and(|(verb, m, _)| verb == "blacklist" && normal(m) == module)
    }

    /// The sort key of the line in a block of ours. A pattern ends a block: lines for single modules
    /// may have to go right above it.
    fn key(&self) -> Option<(String, ModuleCommand)> {
        let (verb, module, _) = self.words()?;
        let kind = match verb {
            "install" => ModuleCommand::Install,
            "blacklist" => ModuleCommand::Blacklist,
            _ => return None,
        };
        (!is_pattern(module)).then(|| (normal(module), kind))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum ModuleCommand {
    Install,
    Blacklist,
}

/// The lines after joining.
fn logical(text: &str) -> impl Iterator<Item = Logical<'_>> {
    let mut physical = text.split_inclusive('\n');
    let mut next = 1;
    std::iter::from_fn(move || {
        let first = physical.next()?;
        let line = next;
        next += 1;
        if !first.contains('\\') {
            let text = Cow::Borrowed(first.strip_suffix('\n').unwrap_or(first));
            return Some(Logical { line, span: 1, first, text });
        }
        let mut joined = String::with_capacity(first.len());
        let mut open = unescape(first, &mut joined);
        while open {
            let Some(more) = physical.next() else { break };
            next += 1;
            open = unescape(more, &mut joined);
        }
        Some(Logical { line, span: next - line, first, text: Cow::Owned(joined) })
    })
}

/// Appends a physical line; says whether it is to be continued. A backslash before any other
/// character is dropped.
fn unescape(physical: &str, out: &mut String) -> bool {
    let mut chars = physical.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => return false,
            '\\' => match chars.next() {
                Some('\n') => return true,
                Some(c) => out.push(c),
                // The end of the file: kmod takes the end mark for a character.
                None => out.push(char::REPLACEMENT_CHARACTER),
            },
            c => out.push(c),
        }
    }
    false
}

/// What happens to a physical line.
#[derive(Default, Clone)]
struct Edit {
    before: Vec<String>,
    replace: Option<String>,
    drop: bool,
}

fn apply(text: &str, edits: &std::collections::BTreeMap<usize, Edit>) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for (i, physical) in text.split_inclusive('\n').enumerate() {
        let Some(edit) = edits.get(&(i + 1)) else {
            out.push_str(physical);
            continue;
        };
        edit.before.iter().for_each(|line| push_line(&mut out, line));
        match &edit.replace {
            Some(line) => push_line(&mut out, line),
            None if edit.drop => {}
            None => out.push_str(physical),
        }
    }
    out
}

fn push_line(out: &mut String, line: &str) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str(line);
    out.push('\n');
}

/// Makes the file itself keep `name` from loading: its first line about the module runs
/// `/bin/true`. A contrary line is replaced, a contrary pattern is preceded; else the line and a
/// `blacklist` line are added.
///
/// Lines are added in the order of their modules, to the last block of the file if that is sorted
/// and stands alone, else to a new block at the end: the result does not depend on the order in
/// which modules are blocked.
pub fn block(text: &str, name: &str) -> String {
    let module = normal(name);
    let install = format!("install {name} /bin/true");
    let mut edits = std::collections::BTreeMap::new();
    let mut earlier: Vec<(usize, String)> = Vec::new();
    let mut lines = logical(text).peekable();
    let mut closed = false;
    while let Some(line) = lines.next() {
        let Some(found) = line.install() else {
            earlier.clear();
            continue;
        };
        if found.names(&module) {
            if found.blocks() {
                return text.to_owned();
            }
            let edit = Edit { replace: Some(install.clone()), ..Edit::default() };
            edits.insert(line.line, edit);
            for more in 1..line.span {
                edits.insert(line.line + more, Edit { drop: true, ..Edit::default() });
            }
            closed = lines.peek().is_none() && ends_open(text);
            break;
        }
        if found.matches(&module) && !found.blocks() {
            precede(&mut edits, &earlier, line.line, &module, &install);
            break;
        }
        remember(&mut earlier, line.line, found, true);
    }
    let stated = !edits.is_empty();
    let mut text = apply(text, &edits);
    if closed {
        // As if another module had been added first.
        push_line(&mut text, "");
    }
    if !stated {
        text = add(&text, (module.clone(), ModuleCommand::Install), &install);
    }
    if !logical(&text).any(|l| l.blacklists(&module)) {
        text = add(&text, (module, ModuleCommand::Blacklist), &format!("blacklist {name}"));
    }
    text
}

/// Takes away what another file has against keeping `name` from loading: contrary lines become
/// comments. With `patterns`, a contrary pattern, which may be about other modules too, stays and
/// is preceded by an `install` line for this one.
pub fn repair(text: &str, name: &str, patterns: bool) -> String {
    let module = normal(name);
    let mut edits = std::collections::BTreeMap::new();
    let mut earlier: Vec<(usize, String)> = Vec::new();
    for line in logical(text) {
        let Some(found) = line.install() else {
            earlier.clear();
            continue;
        };
        if found.names(&module) {
            if found.blocks() {
                break;
            }
            // The comment swallows the lines that were joined to this one.
            let first = line.first.strip_suffix('\n').unwrap_or(line.first);
            let edit = Edit { replace: Some(format!("{DISABLED}{first}")), ..Edit::default() };
            edits.insert(line.line, edit);
            earlier.clear();
            continue;
        }
        if patterns && found.matches(&module) && !found.blocks() {
            let install = format!("install {name} /bin/true");
            precede(&mut edits, &earlier, line.line, &module, &install);
            break;
        }
        let kept = found.blocks();
        remember(&mut earlier, line.line, found, kept);
    }
    apply(text, &edits)
}

/// Remembers lines for single modules directly above, among which a further one is sorted in.
/// `kept`: whether the line stays a line for that module whatever else is done to the file.
fn remember(earlier: &mut Vec<(usize, String)>, line: usize, found: Install, kept: bool) {
    let single = kept && !is_pattern(&found.pattern);
    if !single || earlier.last().is_some_and(|(_, module)| *module >= found.pattern) {
        earlier.clear();
    }
    if single {
        earlier.push((line, found.pattern));
    }
}

fn is_pattern(module: &str) -> bool {
    module.contains(['*', '?', '[', '\\'])
}

fn precede(
    edits: &mut std::collections::BTreeMap<usize, Edit>,
    earlier: &[(usize, String)],
    line: usize,
    module: &str,
    install: &str,
) {
    let at = earlier.iter().find(|(_, m)| m.as_str() > module).map_or(line, |(at, _)| *at);
    edits.entry(at).or_default().before.push(install.to_owned());
}

/// Adds a line to the sorted block at the end, or to a new one.
fn add(text: &str, key: (String, ModuleCommand), line: &str) -> String {
    let lines: Vec<Logical<'_>> = logical(text).collect();
    let total: usize = lines.iter().map(|l| l.span).sum();
    let open = ends_open(text);
    let mut place = total + 1;
    let mut below: Option<(String, ModuleCommand)> = None;
    let mut alone = true;
    for found in lines.iter().rev() {
        let Some(found_key) = found.key() else {
            alone = found.text.trim().is_empty() && found.span == 1;
            break;
        };
        if below.is_some_and(|below| found_key > below) {
            alone = false;
            break;
        }
        if found_key > key {
            place = found.line;
        }
        below = Some(found_key);
    }
    if alone && !open {
        if place > total {
            let mut out = text.to_owned();
            push_line(&mut out, line);
            return out;
        }
        let edit = Edit { before: vec![line.to_owned()], ..Edit::default() };
        return apply(text, &std::collections::BTreeMap::from([(place, edit)]));
    }
    let mut out = text.to_owned();
    if open {
        // An empty line ends a line that is still open; it belongs to that.
        push_line(&mut out, "");
    }
    push_line(&mut out, "");
    push_line(&mut out, line);
    out
}

/// Whether a line appended now would be joined to the last one.
fn ends_open(text: &str) -> bool {
    let tail = text.strip_suffix('\n').unwrap_or(text);
    let last = tail.rsplit('\n').next().unwrap_or("");
    let mut sink = String::new();
    last.contains('\\') && unescape(&format!("{last}\n"), &mut sink)
}

#[cfg(test)]
mod tests;
