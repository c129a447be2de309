//! Kernel parameter files (`sysctl.d`): who reads which line as what, and editing.
//!
//! Two programs read these files and do not agree on every line; a [`Dialect`] is one of them at
//! one version. Globs never count here: they set nothing for a key that has a line of its own, and
//! a key that is wanted gets such a line.

use std::borrow::Cow;

use super::Lines;
use super::lossless::{self, Raw};

/// A parameter's name in one spelling, whatever the file's (`a.b`, `a/b`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    path: String,
}

impl Key {
    /// Reads a name. The first separator decides: after a dot, dots part and slashes are dots
    /// (`net.ipv4.conf.eth0/100.x`); after a slash, the other way round.
    pub fn new(name: &str) -> Key {
        let path: String = swapped(name).collect();
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Key { path: parts.join("/") }
    }

    /// Whether `name` is a spelling of this key.
    fn is_named(&self, name: &str) -> bool {
        // Most names are plain, and nothing need be built to compare them.
        swapped(name).eq(self.path.chars()) || has_detour(name) && Key::new(name) == *self
    }

    /// The last part; every spelling of the key holds it.
    fn leaf(&self) -> &str {
        let leaf = self.path.rsplit('/').next().unwrap_or("");
        // A dot in a part may be spelled as a slash.
        leaf.split('.').next().unwrap_or("")
    }
}

/// The name below `/proc/sys`, as both programs make it.
fn swapped(name: &str) -> impl Iterator<Item = char> {
    let dotted = name.find(['.', '/']).is_some_and(|at| name[at..].starts_with('.'));
    name.chars().map(move |c| match c {
        '.' if dotted => '/',
        '/' if dotted => '.',
        c => c,
    })
}

/// Whether a name may say less than it holds: two separators in a row, or one at an end.
fn has_detour(name: &str) -> bool {
    let is_separator = |c: char| c == '.' || c == '/';
    name.starts_with(is_separator)
        || name.ends_with(is_separator)
        || name.as_bytes().windows(2).any(|w| w.iter().all(|b| is_separator(char::from(*b))))
}

/// A program that reads these files, as far as it reads lines differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// systemd-sysctl before 243: no prefixes; cuts lines at 2047 bytes.
    SystemdPlain,
    /// systemd-sysctl from 243: a leading `-` means "ignore failure", and a carriage return or NUL
    /// ends a line too.
    Systemd {
        /// `-key` without `=` takes the key back (from 245).
        negative: bool,
    },
    /// `sysctl --system` before 3.3.16: no prefixes; cuts lines at 255 bytes.
    ProcpsPlain,
    /// `sysctl --system` from 3.3.16: a leading `-` means "ignore failure".
    ProcpsLines,
    /// `sysctl --system` from 4.0, which collects all lines before it sets anything.
    ProcpsList,
}

impl Dialect {
    /// systemd-sysctl of this version.
    pub fn systemd(version: u32) -> Dialect {
        if version < 243 {
            Dialect::SystemdPlain
        } else {
            Dialect::Systemd { negative: version >= 245 }
        }
    }

    /// procps' `sysctl --system` of this version, as numbers (`[3, 3, 12]`).
    pub fn procps(version: &[u32]) -> Dialect {
        if version < [3, 3, 16].as_slice() {
            Dialect::ProcpsPlain
        } else if version < [4].as_slice() {
            Dialect::ProcpsLines
        } else {
            Dialect::ProcpsList
        }
    }

    /// Whether it collects the lines before it sets anything, one for each spelling, in the place of
    /// the first of equal ones.
    pub fn keeps_first_place(self) -> bool {
        matches!(self, Dialect::SystemdPlain | Dialect::Systemd { .. })
    }

    /// What the reader takes for lines in one line of the file: that line, or pieces of it.
    fn pieces(self, raw: &str) -> Vec<Cow<'_, str>> {
        let most = match self {
            Dialect::SystemdPlain => 2047,
            Dialect::ProcpsPlain => 255,
            Dialect::Systemd { .. } => {
                return raw
                    .trim_end_matches(['\r', '\n'])
                    .split(['\r', '\0'])
                    .map(Cow::from)
                    .collect();
            }
            Dialect::ProcpsLines | Dialect::ProcpsList => usize::MAX,
        };
        if lossless::byte_len(raw) <= most {
            return vec![Cow::Borrowed(raw)];
        }
        raw.raw().chunks(most).map(|piece| Cow::Owned(lossless::decode(piece))).collect()
    }

    /// What one piece of a file sets: key and value; no value where the key is taken back.
    fn read(self, piece: &str) -> Option<(&str, Option<&str>)> {
        let piece = piece.split('\0').next().unwrap_or("");
        match self {
            Dialect::SystemdPlain | Dialect::Systemd { .. } => {
                let line = piece.trim_matches(BLANK);
                if line.is_empty() || line.starts_with(['#', ';']) {
                    return None;
                }
                let Some((key, value)) = line.split_once('=') else {
                    let takes_back = self == Dialect::Systemd { negative: true };
                    let key = line.strip_prefix('-').filter(|_| takes_back)?;
                    return Some((key.trim_matches(BLANK), None));
                };
                let plain = self == Dialect::SystemdPlain;
                let key = key.strip_prefix('-').filter(|_| !plain).unwrap_or(key);
                Some((key.trim_matches(BLANK), Some(value.trim_matches(BLANK))))
            }
            Dialect::ProcpsPlain | Dialect::ProcpsLines => {
                let line = piece.trim_end_matches(BLANK).trim_start_matches([' ', '\t']);
                if line.len() < 2 || line.starts_with(['#', ';']) {
                    return None;
                }
                // strtok: separators in a row count as one, also in front.
                let (key, value) = line.trim_start_matches('=').split_once('=')?;
                let value = value.trim_start_matches('\r').split('\r').next().unwrap_or("");
                let value = value.trim_start_matches([' ', '\t']);
                if key.is_empty() || value.is_empty() {
                    return None;
                }
                let plain = self == Dialect::ProcpsPlain;
                let key = key.strip_prefix('-').filter(|_| !plain).unwrap_or(key);
                Some((key.trim_end_matches(BLANK), Some(value)))
            }
            Dialect::ProcpsList => {
                let line = piece.trim_start_matches(SPACE);
                if line.len() < 2 || line.starts_with(['#', ';']) {
                    return None;
                }
                // A line without `=` only exempts from globs here.
                let (key, value) = line.split_once('=')?;
                let key = key.strip_prefix('-').unwrap_or(key);
                Some((key.trim_end_matches(SPACE), Some(value.trim_matches(SPACE))))
            }
        }
    }
}

const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
const SPACE: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];

/// A line that sets the key, for one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The line, from 1.
    pub line: usize,
    /// The value; `None` where the key is taken back.
    pub value: Option<String>,
    /// Whether the reader takes the line as one. A piece of a line cannot be edited.
    pub whole: bool,
    /// The key's name below `/proc/sys` as the line spells it, detours (`a//b`) and all. A reader
    /// that collects lines tells them apart by it.
    pub spelled: String,
    /// Whether the key is spelled without detours. Only such a line keeps globs away.
    pub plain: bool,
}

impl Assignment {
    /// Whether it gives exactly this value.
    pub fn is(&self, value: &str) -> bool {
        self.value.as_deref() == Some(value)
    }

    /// Whether the kernel takes it for this value: that reads the first word only.
    pub fn begins_with(&self, value: &str) -> bool {
        self.value.as_deref().and_then(|v| v.split_ascii_whitespace().next()) == Some(value)
    }

    /// Whether it is an ordinary line that gives exactly this value.
    pub fn states(&self, value: &str) -> bool {
        self.whole && self.plain && self.is(value)
    }
}

/// Every line that sets `key`, in order. The last one counts.
pub fn assignments(text: &str, key: &Key, dialect: Dialect) -> Vec<Assignment> {
    let mut out = Vec::new();
    for (line, raw) in lines_with(text, key.leaf()) {
        let pieces = dialect.pieces(raw);
        let whole = pieces.len() == 1;
        for piece in pieces {
            let found = |piece: &str| {
                let (name, value) = dialect.read(piece).filter(|(k, _)| key.is_named(k))?;
                Some((value.map(str::to_owned), swapped(name).collect::<String>()))
            };
            if let Some((value, spelled)) = found(&piece) {
                let plain = spelled == key.path;
                out.push(Assignment { line, value, whole, spelled, plain });
            }
        }
    }
    out
}

/// The lines that hold `needle`, numbered from 1, with their terminators; linear in the text.
fn lines_with<'t>(text: &'t str, needle: &str) -> Vec<(usize, &'t str)> {
    let mut out = Vec::new();
    let (mut line, mut done) = (1, 0);
    while let Some(found) = text[done..].find(needle) {
        let before = &text[done..done + found];
        line += before.bytes().filter(|b| *b == b'\n').count();
        let start = done + before.rfind('\n').map_or(0, |at| at + 1);
        let end = text[done + found..].find('\n').map_or(text.len(), |at| done + found + at + 1);
        out.push((line, &text[start..end]));
        if end >= text.len() {
            break;
        }
        (done, line) = (end, line + 1);
    }
    out
}

/// Makes the file give `key` the value, for every reader: wrong values are replaced where they
/// stand, a missing line is added as `name = value`.
///
/// Lines are added in the order of their keys, to the last block of the file if that is sorted and
/// stands alone, else to a new block at the end: the result does not depend on the order in which
/// keys are set.
pub fn set(text: &str, name: &str, value: &str, dialects: &[Dialect]) -> String {
    let key = Key::new(name);
    let text = replace(text, name, value, dialects);
    // A later piece of a cut line, which cannot be edited, may say otherwise.
    let holds = |text: &str| {
        dialects.iter().all(|d| {
            let all = assignments(text, &key, *d);
            all.iter().any(|a| a.states(value)) && all.last().is_some_and(|a| a.is(value))
        })
    };
    if holds(&text) {
        return text;
    }
    let line = format!("{name} = {value}");
    if let Some(number) = place(&Lines::new(&text), &key) {
        let mut lines = Lines::new(&text);
        lines.insert(number, &line);
        let sorted = lines.to_string();
        if holds(&sorted) {
            return sorted;
        }
    }
    let mut lines = Lines::new(&text);
    lines.push("");
    lines.push(&line);
    lines.to_string()
}

/// The line before which a new key belongs, if the file ends in a sorted block of its own.
fn place(lines: &Lines, key: &Key) -> Option<usize> {
    let mut number = lines.len() + 1;
    let mut place = number;
    let mut below: Option<Key> = None;
    while let Some(line) = number.checked_sub(1).and_then(|above| lines.get(above)) {
        let Some(found) = simple_key(line) else {
            return line.trim().is_empty().then_some(place);
        };
        if below.is_some_and(|below| found > below) {
            return None;
        }
        number -= 1;
        if found > *key {
            place = number;
        }
        below = Some(found);
    }
    Some(place)
}

fn simple_key(line: &str) -> Option<Key> {
    let line = line.trim();
    if line.starts_with(['#', ';']) {
        return None;
    }
    let (key, _) = line.split_once('=')?;
    Some(Key::new(key.trim()))
}

/// Replaces wrong values of `key` where they stand; adds nothing. A line that takes the key back
/// is switched off, and so is one in which some reader finds more lines behind the value.
pub fn replace(text: &str, name: &str, value: &str, dialects: &[Dialect]) -> String {
    edit(text, &Key::new(name), value, dialects, |lines, number| {
        let Some(line) = lines.get(number) else { return };
        let front = line.len() - line.trim_start_matches([' ', '\t', '=']).len();
        match line[front..].find('=').filter(|_| !line.contains(['\r', '\0'])) {
            Some(eq) => {
                let (head, old) = line.split_at(front + eq + 1);
                let blanks = &old[..old.len() - old.trim_start_matches([' ', '\t']).len()];
                let blanks =
                    if old.len() == blanks.len() && !blanks.is_empty() { " " } else { blanks };
                lines.set(number, &format!("{head}{blanks}{value}"));
            }
            None => lines.disable(number),
        }
    })
}

/// Switches off every line that gives `key` another value than this.
pub fn disable(text: &str, name: &str, value: &str, dialects: &[Dialect]) -> String {
    edit(text, &Key::new(name), value, dialects, Lines::disable)
}

fn edit(
    text: &str,
    key: &Key,
    value: &str,
    dialects: &[Dialect],
    mut change: impl FnMut(&mut Lines, usize),
) -> String {
    let mut numbers: Vec<usize> = dialects
        .iter()
        .flat_map(|d| assignments(text, key, *d))
        .filter(|a| a.whole && !a.is(value))
        .map(|a| a.line)
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    if numbers.is_empty() {
        return text.to_owned();
    }
    let mut lines = Lines::new(text);
    numbers.into_iter().for_each(|number| change(&mut lines, number));
    lines.to_string()
}

#[cfg(test)]
mod tests;
