//! `passwd`, `shadow`, `group` and `gshadow`: lines of fields with colons between them.
//!
//! These files are bytes, not text: a full name in an old encoding is as good as any other, and
//! stays as it is. Their readers disagree about valid lines, so a line that any of them might
//! read differently is recorded as a [`Fault`]. Invariant: an edit changes the named fields of the
//! named lines, and no other byte.

use std::collections::BTreeMap;

/// Which of the four files a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Name, password, uid, gid, full name, home, shell.
    Passwd,
    /// Name, password, day of the last change, min, max, warn, inactive, expire, reserved.
    Shadow,
    /// Name, password, gid, members.
    Group,
    /// Name, password, administrators, members.
    Gshadow,
}

/// The password, in all four files.
pub const PASSWORD: usize = 1;
/// The user's number in `passwd`.
pub const UID: usize = 2;
/// The number of the user's primary group in `passwd`.
pub const PRIMARY_GID: usize = 3;
/// The home directory in `passwd`.
pub const HOME: usize = 5;
/// The login shell in `passwd`.
pub const SHELL: usize = 6;
/// The day of the last change in `shadow`, counted from 1970-01-01.
pub const CHANGED: usize = 2;
/// The minimum age of a password in `shadow`, in days.
pub const MIN: usize = 3;
/// The maximum age of a password in `shadow`, in days.
pub const MAX: usize = 4;
/// The days of warning before a password expires, in `shadow`.
pub const WARN: usize = 5;
/// The days from a password's expiry to the account's lock, in `shadow`.
pub const INACTIVE: usize = 6;
/// The group's number in `group`.
pub const GID: usize = 2;
/// The administrators in `gshadow`.
pub const ADMINISTRATORS: usize = 2;
/// The members in `group` and `gshadow`.
pub const MEMBERS: usize = 3;

impl Layout {
    /// How many fields a line has.
    pub fn fields(self) -> usize {
        match self {
            Layout::Passwd => 7,
            Layout::Shadow => 9,
            Layout::Group | Layout::Gshadow => 4,
        }
    }

    /// The fields that must be account numbers, with whose they are.
    fn numbers(self) -> &'static [(usize, NumberOf)] {
        match self {
            Layout::Passwd => &[(UID, NumberOf::User), (PRIMARY_GID, NumberOf::Group)],
            Layout::Group => &[(GID, NumberOf::Group)],
            Layout::Shadow | Layout::Gshadow => &[],
        }
    }
}

/// A line that names an account or group of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLine<'a> {
    /// Which line, from 1.
    pub line: usize,
    bytes: &'a [u8],
}

impl<'a> AccountLine<'a> {
    /// Field `index`, from 0; empty where there is none.
    pub fn field(&self, index: usize) -> &'a [u8] {
        self.bytes.split(|b| *b == b':').nth(index).unwrap_or_default()
    }

    /// The account's or group's name.
    pub fn name(&self) -> &'a [u8] {
        self.field(0)
    }

    /// Field `index` as an account number. [`parse`] lets no entry through whose numbers are bad.
    pub fn number(&self, index: usize) -> u32 {
        number(self.field(index)).unwrap_or(u32::MAX)
    }
}

/// A line that its readers may understand in different ways, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault<'a> {
    /// Which line, from 1.
    pub line: usize,
    /// Its first field without blanks around it. Not for display: what slipped into the first
    /// field may be anything.
    pub name: &'a [u8],
    /// What is wrong with it.
    pub what: What,
}

/// Whose number a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberOf {
    /// A user's.
    User,
    /// A group's.
    Group,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// It has this many fields, and should have that many.
    Fields(usize, usize),
    /// The name is empty.
    NoName,
    /// Blanks stand before the name; the C library skips them, the account tools do not.
    BlankBeforeName,
    /// The number of a user or group is not an account number.
    NotANumber(NumberOf),
    /// A NUL byte ends the line early for some readers.
    Nul,
    /// A carriage return belongs to the last field. The line is still an [`AccountLine`].
    CarriageReturn,
}

/// One of the four files, line by line. Blank lines and comments are in none of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table<'a> {
    /// The accounts or groups, in the order of their lines.
    pub entries: Vec<AccountLine<'a>>,
    /// The lines that are not (only) what they should be.
    pub faults: Vec<Fault<'a>>,
    /// The lines (from 1) that include or exclude accounts of a network directory (`+`, `-`).
    pub remote: Vec<usize>,
}

enum LineKind {
    Nothing,
    Remote,
    Line,
}

fn kind(line: &[u8]) -> LineKind {
    match line.trim_ascii().first() {
        None | Some(b'#') => LineKind::Nothing,
        Some(_) if matches!(line.first(), Some(b'+' | b'-')) => LineKind::Remote,
        Some(_) => LineKind::Line,
    }
}

/// Takes a text apart. Any bytes are accepted; what is not a good line is a fault.
pub fn parse(text: &[u8], layout: Layout) -> Table<'_> {
    let mut table = Table::default();
    for (index, bytes) in text.split(|b| *b == b'\n').enumerate() {
        let line = index + 1;
        match kind(bytes) {
            LineKind::Nothing => continue,
            LineKind::Remote => {
                table.remote.push(line);
                continue;
            }
            LineKind::Line => {}
        }
        let entry = AccountLine { line, bytes };
        let what = judge(entry, layout);
        if what.is_none_or(|w| w == What::CarriageReturn) {
            table.entries.push(entry);
        }
        if let Some(what) = what {
            table.faults.push(Fault { line, name: entry.name().trim_ascii(), what });
        }
    }
    table
}

/// The lines in which the C library finds a name and a number, whatever their other fields are: more
/// than [`parse`] accepts, which reports what the account tools would not.
pub fn lookup(text: &[u8]) -> impl Iterator<Item = (AccountLine<'_>, u32)> {
    let lines = text.split(|b| *b == b'\n').enumerate();
    lines.filter_map(|(index, bytes)| {
        let entry = AccountLine { line: index + 1, bytes };
        let is_line = matches!(kind(bytes), LineKind::Line) && !entry.name().is_empty();
        Some((entry, number(entry.field(UID)).filter(|_| is_line)?))
    })
}

fn judge(entry: AccountLine<'_>, layout: Layout) -> Option<What> {
    let bytes = entry.bytes;
    let fields = 1 + bytes.iter().filter(|b| **b == b':').count();
    let name = entry.name();
    if fields != layout.fields() {
        Some(What::Fields(fields, layout.fields()))
    } else if name.is_empty() {
        Some(What::NoName)
    } else if name.first().is_some_and(u8::is_ascii_whitespace) {
        Some(What::BlankBeforeName)
    } else if bytes.contains(&0) {
        Some(What::Nul)
    } else if let Some((_, field)) =
        layout.numbers().iter().find(|(index, _)| number(entry.field(*index)).is_none())
    {
        Some(What::NotANumber(*field))
    } else if bytes.ends_with(b"\r") {
        Some(What::CarriageReturn)
    } else {
        None
    }
}

/// An account number: decimal digits alone. The largest one means "no account" to the kernel.
pub fn number(field: &[u8]) -> Option<u32> {
    if field.is_empty() || !field.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(field).ok()?.parse().ok().filter(|n| *n != u32::MAX)
}

/// The content of a field of `shadow` that counts days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Empty or -1: the limit does not exist. That is the C library's reading, and so PAM's, which
    /// enforces the limits; `chage` and its kin pass over a whole line with a negative number.
    Unset,
    /// So many days.
    Set(i64),
    /// Anything else.
    Invalid,
}

/// Reads a field of `shadow` that counts days.
pub fn days(field: &[u8]) -> Days {
    match field {
        b"" | b"-1" => Days::Unset,
        digits if digits.len() <= 9 && digits.iter().all(u8::is_ascii_digit) => {
            let value = digits.iter().fold(0, |sum, b| sum * 10 + i64::from(b - b'0'));
            Days::Set(value)
        }
        _ => Days::Invalid,
    }
}

/// The names in a list of members or administrators.
pub fn members(field: &[u8]) -> impl Iterator<Item = &[u8]> {
    field.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
}

/// Changes to one of the four files: fields with new content, and lines to add.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edits {
    fields: BTreeMap<usize, BTreeMap<usize, Vec<u8>>>,
    added: Vec<u8>,
}

impl Edits {
    /// Nothing to change.
    pub fn new() -> Edits {
        Edits::default()
    }

    /// Whether there is nothing to change.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.added.is_empty()
    }

    /// Gives field `index` (from 0) of `line` (from 1) a new content. Content that would begin
    /// another field or line is left out, and so is a field that the line does not have.
    pub fn set(&mut self, line: usize, index: usize, content: impl Into<Vec<u8>>) {
        let content = content.into();
        if fits(&content) {
            self.fields.entry(line).or_default().insert(index, content);
        }
    }

    /// Adds a line. It goes before lines of a network directory, whose accounts would otherwise
    /// come first. A line with content that does not fit a field is left out.
    pub fn add(&mut self, fields: &[&[u8]]) {
        if fields.iter().all(|f| fits(f)) && !fields.is_empty() {
            self.added.extend(fields.join(&b':'));
            self.added.push(b'\n');
        }
    }

    /// The text with the changes made.
    pub fn apply(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + self.added.len() + 64 * self.fields.len());
        let mut to_add = self.added.as_slice();
        for (index, line) in text.split_inclusive(|b| *b == b'\n').enumerate() {
            let bare = line.strip_suffix(b"\n").unwrap_or(line);
            if matches!(kind(bare), LineKind::Remote) {
                out.extend(std::mem::take(&mut to_add));
            }
            match self.fields.get(&(index + 1)) {
                None => out.extend(line),
                Some(new) => {
                    for (i, old) in bare.split(|b| *b == b':').enumerate() {
                        if i > 0 {
                            out.push(b':');
                        }
                        out.extend(new.get(&i).map_or(old, Vec::as_slice));
                    }
                    out.extend(&line[bare.len()..]);
                }
            }
        }
        if !to_add.is_empty() {
            if out.last().is_some_and(|b| *b != b'\n') {
                out.push(b'\n');
            }
            out.extend(to_add);
        }
        out
    }
}

fn fits(content: &[u8]) -> bool {
    !content.iter().any(|b| matches!(b, b':' | b'\n' | 0))
}

#[cfg(test)]
mod tests;
