//! Sections of `key = value` lines, as systemd and GLib read them. systemd's unit files are read
//! here, too; `unit` says what they mean.
//!
//! In both the last assignment of a key in a section counts, and a section may come more than
//! once. They differ in what a comment is, in joined lines, and in what makes them give up.

use super::{DISABLED, Lines};

/// Whose reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// systemd before 239: a comment that ends in a backslash goes on in the next line, a backslash
    /// before a carriage return joins nothing, and a line without `=` may end the reading.
    OldSystemd,
    /// systemd from 241: comments are taken out before lines are joined, and a carriage return
    /// before the line feed is a part of the line's end.
    Systemd,
    /// GLib's key files: lines are not joined, only `#` begins a comment, and a line that is
    /// neither comment, section nor assignment makes the whole file void.
    KeyFile,
}

/// One active assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The value, without the blanks around it.
    pub value: String,
    /// The line it begins in, from 1.
    pub line: usize,
    /// The line it ends in; another one only where lines are joined.
    pub last_line: usize,
}

/// A line that may end the reading of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The line it begins in, from 1.
    pub line: usize,
    /// The line it ends in.
    pub last_line: usize,
    /// What stands there, lines joined.
    pub found: String,
}

pub(super) enum Item {
    Section(String),
    Assignment {
        key: String,
        value: String,
    },
    /// The file that `.include` names. systemd up to 241 reads it in this place of a unit's own
    /// file; in drop-ins and `*.conf`, and later everywhere, the line says nothing.
    Include(String),
    Comment,
    Nothing,
    /// Neither; `header` if it would have been a section.
    Refused {
        found: String,
        header: bool,
    },
}

/// One line, or several that are joined.
pub(super) struct Piece {
    /// The first line, from 1.
    pub first: usize,
    /// The last line.
    pub last: usize,
    /// What stands there.
    pub item: Item,
}

const BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Whether the line that follows is a part of this one, for systemd.
pub(super) fn goes_on(line: &str) -> bool {
    line.bytes().rev().take_while(|b| *b == b'\\').count() % 2 == 1
}

/// Whether the last line of a text asks for a further one.
pub(super) fn is_open(text: &str) -> bool {
    text.split_inclusive('\n').next_back().is_some_and(|l| goes_on(l.trim_end_matches('\n')))
}

/// The lines of a text that is added to. A last line that asks for more gets a bare line feed:
/// before a carriage return its backslash would join nothing.
pub(super) fn extensible(text: &str) -> Lines {
    if is_open(text) && !text.ends_with('\n') {
        Lines::new(&format!("{text}\n"))
    } else {
        Lines::new(text)
    }
}

/// A key file as it is read: lines joined and classified.
pub(super) fn pieces(text: &str, dialect: Dialect) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let lines = text.split_inclusive('\n').map(|l| l.strip_suffix('\n').unwrap_or(l)).enumerate();
    if dialect == Dialect::KeyFile {
        let mut in_section = false;
        for (i, line) in lines {
            let item = key_file_line(line, in_section);
            in_section |= matches!(item, Item::Section(_));
            pieces.push(Piece { first: i + 1, last: i + 1, item });
        }
        return pieces;
    }
    let mut open: Option<(usize, String)> = None;
    let mut end = 0;
    for (i, line) in lines {
        end = i + 1;
        let line = if i == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let line = match dialect {
            Dialect::Systemd => line.strip_suffix('\r').unwrap_or(line),
            _ => line,
        };
        if dialect == Dialect::Systemd && line.trim_start_matches(BLANKS).starts_with(['#', ';']) {
            if open.is_none() {
                pieces.push(Piece { first: end, last: end, item: Item::Comment });
            }
            continue;
        }
        let (first, mut joined) = open.take().unwrap_or((end, String::new()));
        joined.push_str(line);
        if goes_on(line) {
            joined.pop();
            joined.push(' ');
            open = Some((first, joined));
        } else {
            pieces.push(Piece { first, last: end, item: systemd_line(&joined) });
        }
    }
    if let Some((first, joined)) = open {
        pieces.push(Piece { first, last: end, item: systemd_line(&joined) });
    }
    pieces
}

fn systemd_line(line: &str) -> Item {
    let line = line.trim_matches(BLANKS);
    if line.is_empty() {
        return Item::Nothing;
    }
    if line.starts_with(['#', ';']) {
        return Item::Comment;
    }
    if let Some(file) = line.strip_prefix(".include ") {
        return Item::Include(file.trim_matches(BLANKS).to_owned());
    }
    if let Some(rest) = line.strip_prefix('[') {
        return match rest.strip_suffix(']') {
            Some(name) => Item::Section(name.to_owned()),
            None => Item::Refused { found: line.to_owned(), header: true },
        };
    }
    match line.split_once('=') {
        Some(("", _)) => Item::Nothing,
        Some((key, value)) => Item::Assignment {
            key: key.trim_matches(BLANKS).to_owned(),
            value: value.trim_matches(BLANKS).to_owned(),
        },
        None => Item::Refused { found: line.to_owned(), header: false },
    }
}

fn key_file_line(line: &str, in_section: bool) -> Item {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Item::Nothing;
    }
    if line.starts_with('#') {
        return Item::Comment;
    }
    if let Some((name, rest)) = line.strip_prefix('[').and_then(|l| l.split_once(']'))
        && rest.is_empty()
    {
        return Item::Section(name.to_owned());
    }
    match line.split_once('=') {
        Some((key, value)) if in_section && !key.is_empty() => Item::Assignment {
            key: key.trim_ascii_end().to_owned(),
            value: value.trim_ascii_start().to_owned(),
        },
        _ => Item::Refused { found: line.to_owned(), header: false },
    }
}

/// Calls `each` with every piece and whether it stands in `section`.
fn walk(pieces: &[Piece], section: &str, mut each: impl FnMut(&Piece, bool)) {
    let mut inside = false;
    for piece in pieces {
        if let Item::Section(name) = &piece.item {
            inside = name == section;
        }
        each(piece, inside);
    }
}

/// The active assignments of `key` in `section`, in the order of the text. The last one counts.
pub fn assignments(text: &str, dialect: Dialect, section: &str, key: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    walk(&pieces(text, dialect), section, |piece, inside| {
        if let Item::Assignment { key: k, value } = &piece.item
            && inside
            && k == key
        {
            let value = value.clone();
            found.push(Assignment { value, line: piece.first, last_line: piece.last });
        }
    });
    found
}

/// The lines that may keep a reader of `section` from the rest of the file.
pub fn refused(text: &str, dialect: Dialect, section: &str) -> Vec<Refused> {
    let mut all = Vec::new();
    walk(&pieces(text, dialect), section, |piece, inside| {
        if let Item::Refused { found, header } = &piece.item
            && (inside || *header || dialect == Dialect::KeyFile)
        {
            let found = found.clone();
            all.push(Refused { line: piece.first, last_line: piece.last, found });
        }
    });
    all
}

/// Gives `key` in `section` the value: in place of its last assignment, else below a commented
/// sample of it, else under the section's first header, else in a new section at the end.
///
/// New lines under a header stand in the order of their keys: the result does not depend on the
/// order in which keys are set.
pub fn set(text: &str, dialect: Dialect, section: &str, key: &str, value: &str) -> String {
    let pieces = pieces(text, dialect);
    let mut lines = Lines::new(text);
    let (mut header, mut active, mut sample) = (None, None, None);
    walk(&pieces, section, |piece, inside| match &piece.item {
        Item::Section(_) if inside => header = header.or(Some(piece.last)),
        Item::Assignment { key: k, .. } if inside && k == key => {
            active = Some((piece.first, piece.last));
        }
        Item::Comment if inside && sample.is_none() && piece.first == piece.last => {
            let head = lines.get(piece.first).and_then(|line| sample_head(line, key));
            sample = head.map(|head| (piece.first, head.to_owned()));
        }
        _ => {}
    });
    if let Some((first, last)) = active {
        let head = lines.get(first).and_then(|line| head(line)).map(str::to_owned);
        lines.set(first, &format!("{}{value}", head.unwrap_or_else(|| format!("{key}="))));
        for extra in (first + 1..=last).rev() {
            lines.remove(extra);
        }
    } else if let Some(shown) = sample.and_then(|(line, head)| {
        let mut below = lines.clone();
        below.insert(line + 1, &format!("{head}{value}"));
        let below = below.to_string();
        // A comment in which the text breaks off may go on in the next line.
        let counts = |found: &Assignment| found.value == value;
        assignments(&below, dialect, section, key).last().is_some_and(counts).then_some(below)
    }) {
        return shown;
    } else {
        let assignment = format!("{key}={value}");
        let open_end = dialect != Dialect::KeyFile && is_open(text);
        if let Some(header) = header {
            let smaller = pieces.iter().filter(|piece| piece.first > header).take_while(
                |piece| matches!(&piece.item, Item::Assignment { key: k, .. } if k.as_str() < key),
            );
            let above = smaller.last().map_or(header, |piece| piece.last);
            let mut below = lines.clone();
            below.insert(above + 1, &assignment);
            let below = below.to_string();
            let found = assignments(&below, dialect, section, key);
            // A line that the text breaks off in would take this one in.
            let taken_in = open_end && above >= lines.len();
            if !taken_in && found.last().is_some_and(|a| a.value == value) {
                return below;
            }
        }
        if open_end {
            lines = extensible(text);
        }
        // An empty line also ends a joined line that the text breaks off in.
        let whole = lines.len();
        if lines.get(whole).is_some_and(|last| !last.is_empty()) {
            lines.push("");
        }
        if header.is_none_or(|header| header < whole) {
            lines.push(&format!("[{section}]"));
        }
        lines.push(&assignment);
    }
    lines.to_string()
}

/// Makes lines comments, each range from its first to its last line.
pub fn disable(text: &str, ranges: impl IntoIterator<Item = (usize, usize)>) -> String {
    let mut lines = Lines::new(text);
    for (first, last) in ranges {
        (first..=last).for_each(|line| lines.disable(line));
    }
    lines.to_string()
}

/// The part of an assignment's line before its value.
fn head(line: &str) -> Option<&str> {
    let after = line.split_once('=')?.1;
    let value = after.trim_start_matches([' ', '\t']);
    line.get(..line.len() - value.len())
}

/// For a commented sample of `key` (as `#Storage=auto`), its part from the key to the value. Prose
/// about the key is no sample.
fn sample_head<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    if line.starts_with(DISABLED) {
        return None;
    }
    let sample = line.strip_prefix(['#', ';'])?.trim_start_matches([' ', '\t']);
    let (name, value) = sample.split_once('=')?;
    let value = value.trim_matches(BLANKS);
    let quoted = |q| value.len() > 1 && value.starts_with(q) && value.ends_with(q);
    let plain = !value.contains([' ', '\t']) || quoted('\'') || quoted('"');
    (name.trim_end_matches([' ', '\t']) == key && plain).then(|| head(sample)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: [Dialect; 3] = [Dialect::OldSystemd, Dialect::Systemd, Dialect::KeyFile];

    fn values(text: &str, dialect: Dialect) -> Vec<(String, usize)> {
        let all = assignments(text, dialect, "S", "K").into_iter();
        all.map(|a| (a.value, a.line)).collect()
    }

    #[test]
    fn what_counts_is_active_and_in_the_section() {
        let text =
            "K=0\n[T]\nK=1\n[S]\n#K=2\n ; K=3\n K = 4 \nKK=5\nk=6\nK.K=7\n[T]\nK=8\n[S]\nK=\r\n";
        for dialect in [Dialect::OldSystemd, Dialect::Systemd] {
            assert_eq!(values(text, dialect), [("4".into(), 7), (String::new(), 14)]);
            assert_eq!(refused(text, dialect, "S"), []);
        }
        let text = text.replace(" ; K=3\n", "");
        assert_eq!(values(&text, Dialect::KeyFile), [("4".into(), 6), (String::new(), 13)]);
        assert_eq!(refused(&text, Dialect::KeyFile, "S")[0].line, 1, "outside any section");
    }

    #[test]
    fn systemd_joins_lines() {
        let text = "\u{feff}[S]\n# a \\\nK=1\nK=2 \\\n 3 \\\n# 4\n 5\nK=6\\\\\nK=7\\";
        let shown = |d| values(text, d).into_iter().map(|(v, _)| v).collect::<Vec<_>>();
        assert_eq!(shown(Dialect::OldSystemd), ["2   3  # 4", "6\\\\", "7"]);
        assert_eq!(shown(Dialect::Systemd), ["1", "2   3   5", "6\\\\", "7"]);
        assert_eq!(refused(text, Dialect::OldSystemd, "S")[0].found, "5");
    }

    #[test]
    fn a_backslash_before_a_carriage_return_joins_for_newer_versions_alone() {
        let text = "[S]\r\nK=1\\\r\n2\r\n";
        assert_eq!(values(text, Dialect::OldSystemd), [("1\\".into(), 2)]);
        assert_eq!(refused(text, Dialect::OldSystemd, "S")[0].line, 3);
        assert_eq!(values(text, Dialect::Systemd), [("1 2".into(), 2)]);
        assert_eq!(set(text, Dialect::Systemd, "S", "K", "v"), "[S]\r\nK=v\r\n");
    }

    #[test]
    fn what_readers_refuse() {
        let line = |text, dialect| refused(text, dialect, "S").first().map(|r| r.line);
        assert_eq!(line("junk\n[T]\njunk\n[S]\nK=1\n", Dialect::Systemd), None);
        assert_eq!(line("[S]\nK=1\njunk\n", Dialect::OldSystemd), Some(3));
        assert_eq!(line("[T]\n[S] # no\n", Dialect::Systemd), Some(2));
        assert_eq!(line("[S]\n.include /x\n=3\n", Dialect::Systemd), None);
        assert_eq!(line("[T]\njunk\n", Dialect::KeyFile), Some(2));
        assert_eq!(line("[S]\n;x\n", Dialect::KeyFile), Some(2));
        assert_eq!(line("[S]  \t\n\n# x\nK = 1\r\n", Dialect::KeyFile), None);
    }

    #[test]
    fn set_keeps_everything_else() {
        let d = Dialect::Systemd;
        let cases = [
            ("", "[S]\nK=v\n"),
            ("[T]\nK=1", "[T]\nK=1\n\n[S]\nK=v\n"),
            ("[S]\n#K=auto\n#L=1\n", "[S]\n#K=auto\nK=v\n#L=1\n"),
            ("[S]\r\n# K = auto \r\n", "[S]\r\n# K = auto \r\nK = v\r\n"),
            ("[S]\n#K='a b'\n", "[S]\n#K='a b'\nK=v\n"),
            ("[S]\n# K=1 is nice\nL=1", "[S]\nK=v\n# K=1 is nice\nL=1"),
            ("[S]\n# gokaku: K=1\n", "[S]\nK=v\n# gokaku: K=1\n"),
            ("[T]\n#K=1\n[S]", "[T]\n#K=1\n[S]\nK=v\n"),
            ("[S]\nK=1\n  K =  2  \nK2=3", "[S]\nK=1\n  K =  v\nK2=3"),
            ("[S]\nK=1\\\n2\nL=3\n", "[S]\nK=v\nL=3\n"),
            ("[S]\nK\\\n=1\nL=3\n", "[S]\nK=v\nL=3\n"),
            ("A=b\\", "A=b\\\n\n[S]\nK=v\n"),
            ("[T]\r\nA=b\\", "[T]\r\nA=b\\\n\r\n[S]\r\nK=v\r\n"),
            ("[S] \\\n#x", "[S] \\\n#x\n\nK=v\n"),
            ("[S]\nJ=1\\\n2\nL=3\n", "[S]\nJ=1\\\n2\nK=v\nL=3\n"),
            ("[S]\n\nJ=1\n", "[S]\nK=v\n\nJ=1\n"),
        ];
        for (before, after) in cases {
            assert_eq!(set(before, d, "S", "K", "v"), after, "{before:?}");
        }
    }

    #[test]
    fn disabled_lines_stay_visible() {
        assert_eq!(disable("a\nb\nc\n", [(2, 3)]), "a\n# gokaku: b\n# gokaku: c\n");
        assert_eq!(disable("a", [(2, 9)]), "a");
    }

    fn lineish() -> impl Strategy<Value = String> {
        let line = prop_oneof![
            Just("[S]".to_owned()),
            Just("[T]".to_owned()),
            Just("#K=x".to_owned()),
            "[ ]?K[ ]?=[ a-z]{0,3}\\\\?",
            "L=[a-z]{0,3}\\\\?\r?",
            "[#;][ -~]{0,6}\\\\?",
            any::<String>().prop_map(|s| s.replace('\n', "")),
        ];
        proptest::collection::vec(line, 0..12).prop_map(|l| l.join("\n"))
    }

    proptest! {
        #[test]
        fn set_then_get(text in lineish(), end in prop_oneof![Just(""), Just("\n")], i in 0..3usize) {
            let (text, dialect) = (format!("{text}{end}"), ALL[i]);
            let once = set(&text, dialect, "S", "K", "v");
            prop_assert_eq!(&assignments(&once, dialect, "S", "K").pop().unwrap().value, "v");
            prop_assert_eq!(set(&once, dialect, "S", "K", "v"), once.clone());
            let others = |t: &str| assignments(t, dialect, "S", "L").into_iter().map(|a| a.value).collect::<Vec<_>>();
            prop_assert_eq!(others(&once), others(&text), "other keys");
        }

        #[test]
        fn the_order_of_what_is_set_says_nothing(text in lineish(), i in 0..3usize) {
            let set = |text: &str, key: &str| set(text, ALL[i], "S", key, "v");
            prop_assert_eq!(set(&set(&text, "K"), "J"), set(&set(&text, "J"), "K"));
        }

        #[test]
        fn disabling_what_is_refused_is_enough(text in lineish(), i in 0..3usize) {
            let dialect = ALL[i];
            let ranges = |t: &str| refused(t, dialect, "S").into_iter().map(|r| (r.line, r.last_line)).collect::<Vec<_>>();
            let once = disable(&text, ranges(&text));
            prop_assert_eq!(ranges(&once), [], "{:?}", once);
            prop_assert_eq!(values(&once, dialect), values(&text, dialect));
        }
    }
}
