//! What systemd's unit files and drop-ins say; their lines are read by `ini`.
//!
//! A key may stand many times: what that means (the last counts, or all together) is the key's
//! business, so the reader keeps every assignment in order. Versions of systemd differ about a few
//! odd lines; the reader takes 18.04's side and lists such lines as [`Fault`]s.

use std::rc::Rc;

use super::ini::{Dialect, Item, Piece, extensible, is_open, pieces};

/// One `Key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The section it stands in, without brackets.
    pub section: Rc<str>,
    /// The key; upper and lower case differ.
    pub key: String,
    /// The value without blanks around it; continued lines are joined by a blank.
    pub value: String,
    /// Its first line, from 1.
    pub line: usize,
    /// Its last line; greater than `line` when it is continued.
    pub end: usize,
}

impl Assignment {
    /// Whether it is about this key.
    pub fn is(&self, section: &str, key: &str) -> bool {
        *self.section == *section && self.key == key
    }
}

/// A line that not every version of systemd reads alike, or that stops it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1.
    pub line: usize,
    /// What it is.
    pub kind: FaultKind,
}

/// What is odd about a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// `[` without `]`: the file is not loaded.
    OpenHeader,
    /// Neither section, comment nor assignment: older versions stop here, newer ones go on.
    NoEquals,
    /// `.include FILE`: older versions read that file here, newer ones do not.
    Include,
    /// A comment within, or at the head of, a continued line, or a backslash before a carriage
    /// return, by which the versions read different statements.
    Disputed,
}

impl FaultKind {
    /// The fault in words, as in "found ...".
    pub fn word(self) -> &'static str {
        match self {
            FaultKind::OpenHeader => "a section header without `]`",
            FaultKind::NoEquals => "a line without `=`",
            FaultKind::Include => "`.include`",
            FaultKind::Disputed => "a statement that a comment or carriage return may continue",
        }
    }
}

/// `.include FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// The file, as it is written; systemd looks for it beside the including one.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// How many of the assignments stand before it.
    pub before: usize,
}

/// A unit file or drop-in, read.
#[derive(Debug, Clone, Default)]
pub struct Unit {
    /// Every assignment inside a section, in order.
    pub assignments: Vec<Assignment>,
    /// The files it includes.
    pub includes: Vec<Include>,
    /// Lines that are refused, with their sections.
    refused: Vec<(Option<Rc<str>>, Fault)>,
    /// The first statement that versions read differently: its section and its line.
    disputed: Option<(Option<Rc<str>>, usize)>,
    /// Section headers: name and last line of each.
    headers: Vec<(Rc<str>, usize)>,
}

impl Unit {
    /// Reads a text. Every text can be read; what is odd is reported by [`Unit::faults`].
    pub fn parse(text: &str) -> Unit {
        let mut unit = Unit::of(&pieces(text, Dialect::OldSystemd));
        if text.contains('\\') {
            let newer = Unit::of(&pieces(text, Dialect::Systemd));
            unit.disputed = unit.disputed(&newer);
        }
        unit
    }

    fn of(pieces: &[Piece]) -> Unit {
        let mut unit = Unit::default();
        for Piece { first, last, item } in pieces {
            let (line, end) = (*first, *last);
            let section = unit.headers.last().map(|(name, _)| Rc::clone(name));
            match (item, section) {
                (Item::Section(name), _) => unit.headers.push((name.as_str().into(), end)),
                (Item::Assignment { key, value }, Some(section)) => {
                    let (key, value) = (key.clone(), value.clone());
                    unit.assignments.push(Assignment { section, key, value, line, end });
                }
                (Item::Include(file), _) => {
                    let (file, before) = (file.clone(), unit.assignments.len());
                    unit.includes.push(Include { file, line, before });
                }
                (Item::Refused { header: true, .. }, section) => {
                    unit.refused.push((section, Fault { line, kind: FaultKind::OpenHeader }));
                }
                (Item::Refused { .. }, Some(section)) => {
                    unit.refused.push((Some(section), Fault { line, kind: FaultKind::NoEquals }));
                }
                // What stands before the first section is ignored, by every version.
                _ => {}
            }
        }
        unit
    }

    /// The first statement, with its section, that a newer version reads differently.
    fn disputed(&self, newer: &Unit) -> Option<(Option<Rc<str>>, usize)> {
        let same = |(a, b): &(&Assignment, &Assignment)| {
            (&a.section, &a.key, &a.value) == (&b.section, &b.key, &b.value)
        };
        let alike = self.assignments.iter().zip(&newer.assignments).take_while(same).count();
        let differing = [self, newer].into_iter().filter_map(|unit| unit.assignments.get(alike));
        let refused = newer.refused.iter().filter(|fault| !self.refused.contains(fault));
        differing
            .map(|a| (Some(Rc::clone(&a.section)), a.line))
            .chain(refused.map(|(section, fault)| (section.clone(), fault.line)))
            .min_by_key(|(_, line)| *line)
    }

    /// The odd lines that matter to a program that knows these sections, in order.
    pub fn faults(&self, sections: &[&str]) -> Vec<Fault> {
        let known =
            |section: &Option<Rc<str>>| section.as_ref().is_none_or(|s| sections.contains(&&**s));
        let refused = self
            .refused
            .iter()
            .filter(|(section, fault)| fault.kind == FaultKind::OpenHeader || known(section));
        let includes =
            self.includes.iter().map(|i| Fault { line: i.line, kind: FaultKind::Include });
        let disputed = self.disputed.iter().filter(|(section, _)| known(section));
        let mut all: Vec<Fault> = refused.map(|(_, fault)| *fault).chain(includes).collect();
        all.extend(disputed.map(|(_, line)| Fault { line: *line, kind: FaultKind::Disputed }));
        all.sort_by_key(|fault| fault.line);
        all
    }

    /// The assignments of a key, in order.
    #[cfg(feature = "internals")]
    pub fn all<'a>(
        &'a self,
        section: &'a str,
        key: &'a str,
    ) -> impl Iterator<Item = &'a Assignment> {
        self.assignments.iter().filter(move |a| a.is(section, key))
    }

    /// The last assignment of a key: the one that counts where a value is replaced as a whole.
    pub fn last(&self, section: &str, key: &str) -> Option<&Assignment> {
        self.assignments.iter().rfind(|a| a.is(section, key))
    }

    /// The words of a key that collects, as `WantedBy=`: every assignment adds its words, an empty
    /// one forgets those before it.
    #[cfg(feature = "internals")]
    pub fn words<'a>(&'a self, section: &'a str, key: &'a str) -> Vec<&'a str> {
        let mut out = Vec::new();
        for assignment in self.all(section, key) {
            if assignment.value.is_empty() {
                out.clear();
            }
            out.extend(assignment.value.split_ascii_whitespace());
        }
        out
    }
}

/// Makes `value` the last value of a key: its last assignment is rewritten in one line, or one is
/// added at the end of the section, or section and assignment at the end of the file.
///
/// `value` is one line without blanks around it, and does not end in a backslash.
pub fn set(text: &str, section: &str, key: &str, value: &str) -> String {
    let unit = Unit::parse(text);
    if let Some(last) = unit.last(section, key) {
        return if last.value == value { text.to_owned() } else { replace(text, last, value) };
    }
    let mut lines = extensible(text);
    let whole = lines.len();
    // Behind a last line that asks for more, the first new line would become part of it.
    if is_open(text) {
        lines.push("");
    }
    let assignment = format!("{key}={value}");
    // The end of the section's last run: the next header, or the end of what is read.
    let run = unit.headers.iter().rposition(|(name, _)| **name == *section);
    let Some(run) = run else {
        if !lines.is_empty() {
            lines.push("");
        }
        lines.push(&format!("[{section}]"));
        lines.push(&assignment);
        return lines.to_string();
    };
    let (header, next) = (unit.headers[run].1, unit.headers.get(run + 1).map(|h| h.1));
    let inside = |a: &&Assignment| a.line > header && next.is_none_or(|n| a.line < n);
    let end = unit.assignments.iter().rev().find(inside).map_or(header, |a| a.end);
    if end >= whole {
        lines.push(&assignment);
    } else {
        lines.insert(end + 1, &assignment);
    }
    lines.to_string()
}

/// Puts one line in the place of an assignment; what stands before its value stays.
fn replace(text: &str, old: &Assignment, value: &str) -> String {
    let mut out = String::with_capacity(text.len() + value.len());
    for (i, raw) in text.split_inclusive('\n').enumerate() {
        let number = i + 1;
        if number == old.line {
            let blank = |c| c == ' ' || c == '\t';
            match raw.split_once('=') {
                Some((key, rest)) => {
                    let gap = rest.len() - rest.trim_start_matches(blank).len();
                    out.push_str(&format!("{key}={}{value}", &rest[..gap]));
                }
                None => out.push_str(&format!("{}={value}", old.key)),
            }
        }
        if number == old.end {
            let bare = raw.trim_end_matches(['\r', '\n']);
            out.push_str(&raw[bare.len()..]);
        } else if number < old.line || number > old.end {
            out.push_str(raw);
        }
    }
    out
}

/// The name, without its suffix, of the unit for a path: `/var/tmp` gives `var-tmp`.
pub fn escape_path(path: &[u8]) -> String {
    let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(|p| !p.is_empty()).collect();
    if parts.is_empty() {
        return "-".to_owned();
    }
    let mut out = String::new();
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.push('-');
        }
        for byte in *part {
            let plain = byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'.');
            if plain && !(*byte == b'.' && out.is_empty()) {
                out.push(char::from(*byte));
            } else {
                out.push_str(&format!("\\x{byte:02x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "# a mount\n\
        Stray=1\n\
        [Unit]\n\
        Description=Temp \\\n   \\\ndir\n\
        ; note\n\
        [Mount]\n\
        What=tmpfs\n\
        Options = mode=1777\n\
        options=lower\n\
        Options=nosuid\n\
        \n\
        [Install]\n\
        WantedBy=a.target b.target\n\
        WantedBy=\n\
        WantedBy=c.target\n\
        WantedBy=d.target";

    #[test]
    fn sections_continuations_and_repeated_keys() {
        let unit = Unit::parse(TEXT);
        assert_eq!(unit.last("Unit", "Description").unwrap().value, "Temp      dir");
        assert_eq!(unit.last("Mount", "Options").unwrap().value, "nosuid");
        assert_eq!(unit.all("Mount", "Options").count(), 2);
        assert_eq!(unit.words("Install", "WantedBy"), ["c.target", "d.target"]);
        assert_eq!(unit.last("Mount", "Stray"), None);
        assert_eq!(unit.last("Unit", "Options"), None);
        assert!(unit.faults(&["Unit", "Mount"]).is_empty());
        let bom = Unit::parse("\u{feff}[Mount]\r\nOptions=a\r\n");
        assert_eq!(bom.last("Mount", "Options").unwrap().value, "a");
    }

    #[test]
    fn odd_lines_are_reported_by_kind() {
        use FaultKind::*;
        let table: [(&str, &[(usize, FaultKind)]); 14] = [
            ("[Mount\nA=1\n", &[(1, OpenHeader)]),
            ("[Mount]\nA\n", &[(2, NoEquals)]),
            ("A\n[X-Ours]\nA\n[Other]\nA\n", &[]),
            ("[Mount]\n.include /x\n.includes=1\n", &[(2, Include)]),
            ("[Mount]\n.include\n", &[(2, NoEquals)]),
            ("[Mount]\n.include\t/x=y\n", &[]),
            ("[Mount]\n=1\n", &[]),
            ("[Mount]\nA=1\\\n# c\n2\n", &[(2, Disputed), (4, NoEquals)]),
            ("[Other]\nA=1\\\n# c\n2\n", &[]),
            ("[Mount]\n# c\\\nA=1\n", &[(3, Disputed)]),
            ("[Mount]\n# c\\\n# d\nA=1\n", &[]),
            ("[Mount]\n# c\\\n[Unit\n", &[(3, Disputed)]),
            ("[Mount]\nA=1\\\r\n2\r\n", &[(2, Disputed), (3, NoEquals)]),
            ("[Mount]\nA=1\\\\\nB=2\n", &[]),
        ];
        for (text, want) in table {
            let faults = Unit::parse(text).faults(&["Unit", "Mount"]);
            let found: Vec<_> = faults.iter().map(|f| (f.line, f.kind)).collect();
            assert_eq!(found, want, "{text:?}");
        }
    }

    #[test]
    fn what_ini_and_unit_read_is_one_answer() {
        let carriage = Unit::parse("[M]\r\nA=1\\\r\nB=2\r\n");
        let values: Vec<&str> = carriage.assignments.iter().map(|a| a.value.as_str()).collect();
        assert_eq!(values, ["1\\", "2"], "237 joins nothing over a carriage return");
        let nameless = Unit::parse("[M]\n=1\nA=\n");
        assert_eq!(nameless.assignments.len(), 1, "no key, no assignment");
        assert_eq!(nameless.last("M", "A").unwrap().value, "");
        let include = Unit::parse("[M]\nA=1\n.include  b c \nB=2\n").includes;
        assert_eq!(include, [super::Include { file: "b c".into(), line: 3, before: 1 }]);
    }

    #[test]
    fn setting_touches_one_assignment() {
        let table = [
            ("", "[M]\nO=x\n"),
            ("[U]\nA=1", "[U]\nA=1\n\n[M]\nO=x\n"),
            ("[M]\nA=1\n\n[I]\nB=2\n", "[M]\nA=1\nO=x\n\n[I]\nB=2\n"),
            ("[M]\n[I]\nB=2\n", "[M]\nO=x\n[I]\nB=2\n"),
            ("[M]\nO=a\nO=b\nC=1\n", "[M]\nO=a\nO=x\nC=1\n"),
            ("[M]\n O = a,\\\n  b\nC=1\n", "[M]\n O = x\nC=1\n"),
            ("[M]\r\nO=a\r\n", "[M]\r\nO=x\r\n"),
            ("[M]\r\nC=a\r\n", "[M]\r\nC=a\r\nO=x\r\n"),
            ("[M]\nO=a", "[M]\nO=x"),
            ("[M]\nC=a", "[M]\nC=a\nO=x\n"),
            ("[M]\nC=a\\", "[M]\nC=a\\\n\nO=x\n"),
            ("[M]\r\nC=a\\", "[M]\r\nC=a\\\n\r\nO=x\r\n"),
            ("[M]\nO=a\\", "[M]\nO=x"),
            ("[M]\nO\\\n=a\n", "[M]\nO=x\n"),
            ("[M]\n# O=a\n", "[M]\nO=x\n# O=a\n"),
            ("[M]\nO=\n", "[M]\nO=x\n"),
            ("[M]\nO=x\\\n\n", "[M]\nO=x\\\n\n"),
        ];
        for (before, after) in table {
            assert_eq!(set(before, "M", "O", "x"), after, "{before:?}");
        }
    }

    #[test]
    fn paths_become_names_as_systemd_does_it() {
        let table = [
            ("/var/tmp", "var-tmp"),
            ("/dev/shm/", "dev-shm"),
            ("/", "-"),
            ("/a-b/.c", "a\\x2db-.c"),
            ("/x y/é", "x\\x20y-\\xc3\\xa9"),
            ("/.a:_b\\c//", "\\x2ea:_b\\x5cc"),
        ];
        for (path, name) in table {
            assert_eq!(escape_path(path.as_bytes()), name);
        }
    }

    proptest! {
        #[test]
        fn what_is_set_is_got(
            lines in proptest::collection::vec(proptest::sample::select(vec![
                "[M]", "[U]", "[M", "O=a", "O=", " O = q \\", "C=b", "C=c\\", "# n", "; n\\", "x\\", "",
                "\\", "\\\\", ".include a",
            ]), 0..12),
            end in proptest::sample::select(vec!["\n", "\r\n"]),
            closed in any::<bool>(),
            value in "[a-z=,]{1,8}",
        ) {
            let text = format!("{}{}", lines.join(end), if closed { end } else { "" });
            let once = set(&text, "M", "O", &value);
            let unit = Unit::parse(&once);
            prop_assert_eq!(unit.last("M", "O").map(|a| a.value.as_str()), Some(value.as_str()));
            prop_assert_eq!(set(&once, "M", "O", &value), once.clone());
            let before = Unit::parse(&text);
            let others = |unit: &Unit, skip: Option<usize>| -> Vec<(Rc<str>, String, String)> {
                let all = unit.assignments.iter().enumerate().filter(|(i, _)| Some(*i) != skip);
                all.map(|(_, a)| (a.section.clone(), a.key.clone(), a.value.clone())).collect()
            };
            let at = |unit: &Unit| unit.assignments.iter().rposition(|a| &*a.section == "M" && a.key == "O");
            prop_assert_eq!(others(&before, at(&before)), others(&unit, at(&unit)));
        }

        #[test]
        fn any_text_can_be_read_and_set(text in any::<String>()) {
            let _ = (Unit::parse(&text), set(&text, "Mount", "Options", "nodev"));
        }
    }
}
