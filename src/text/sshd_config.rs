//! The lines of sshd's configuration: parsed as sshd parses them, and edited one by one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Lines;

/// How a release of sshd takes a line apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Before 8.7: `#` ends the line wherever it stands, inside quotes too. Blanks, double quotes
    /// and single `=` separate, everywhere in the line.
    Delimited,
    /// From 8.7: the arguments are quoted as in a shell, and `#` ends the line only where an
    /// argument could begin.
    Quoted,
}

/// A line that is neither blank nor a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The keyword, as written.
    pub keyword: String,
    /// What follows, without quotes; empty arguments (`""`) included.
    pub args: Vec<String>,
    /// Whether every quote is closed. [`Style::Delimited`] does not mind: an open quote ends the
    /// arguments.
    pub closed: bool,
    /// The comment at the end of the line, from its `#`.
    pub comment: Option<String>,
}

const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// What a line (without its terminator) says; `None` for nothing.
pub fn statement(line: &str, style: Style) -> Option<Statement> {
    let cut = match style {
        Style::Delimited => line.find('#').unwrap_or(line.len()),
        Style::Quoted => line.len(),
    };
    let (said, comment) = line.split_at(cut);
    let mut said = Delimited { rest: Some(trimmed(said)) };
    // An empty first word stands for blanks (or one `=`) before the keyword.
    let keyword = said.next().and_then(|w| if w.is_empty() { said.next() } else { Some(w) })?;
    if keyword.is_empty() || keyword.starts_with('#') {
        return None;
    }
    let mut statement = Statement {
        keyword: keyword.into_owned(),
        args: Vec::new(),
        closed: true,
        comment: (!comment.is_empty()).then(|| comment.trim_end().to_owned()),
    };
    match style {
        Style::Delimited => {
            while let Some(word) = said.next() {
                statement.args.push(word.into_owned());
            }
        }
        Style::Quoted => split_quoted(said.rest.unwrap_or_default(), &mut statement),
    }
    // Most lines have one argument; a vector that grew has room for four.
    statement.args.shrink_to_fit();
    Some(statement)
}

/// What stands behind the keyword of a line, as written, to 8.6: `None` for nothing.
pub fn remainder(line: &str) -> Option<&str> {
    let (said, _) = line.split_at(line.find('#').unwrap_or(line.len()));
    let mut said = Delimited { rest: Some(trimmed(said)) };
    if said.next()?.is_empty() {
        said.next()?;
    }
    said.rest
}

/// Without blanks at both ends, and form feeds at the end. The first character always stays.
fn trimmed(line: &str) -> &str {
    let line = line.trim_start_matches([' ', '\t', '\r']);
    let kept = line.trim_end_matches(|c| BLANKS.contains(&c) || c == '\x0c');
    match line.chars().next() {
        Some(first) if kept.is_empty() => &line[..first.len_utf8()],
        _ => kept,
    }
}

/// Words between blanks, with at most one `=` between two of them.
struct Delimited<'a> {
    rest: Option<&'a str>,
}

impl<'a> Delimited<'a> {
    fn next(&mut self) -> Option<Cow<'a, str>> {
        let text = self.rest.take()?;
        let end = |c: char| BLANKS.contains(&c) || c == '"' || c == '=';
        let Some(at) = text.find(end) else { return Some(text.into()) };
        // Every separator is one byte long.
        let (word, separator, after) = (&text[..at], &text[at..=at], &text[at + 1..]);
        if separator == "\"" {
            // The quotes go away; what stands before them belongs to the same word.
            let close = after.find('"')?;
            let quoted = &after[..close];
            self.rest = Some(after[close + 1..].trim_start_matches(BLANKS));
            return Some(if word.is_empty() {
                quoted.into()
            } else {
                format!("{word}{quoted}").into()
            });
        }
        let mut after = after.trim_start_matches(BLANKS);
        if separator != "="
            && let Some(rest) = after.strip_prefix('=')
        {
            after = rest.trim_start_matches(BLANKS);
        }
        self.rest = Some(after);
        Some(word.into())
    }
}

/// Splits as a shell would: both kinds of quotes, and a backslash before a quote, a backslash or
/// (outside quotes) a space.
fn split_quoted(text: &str, into: &mut Statement) {
    let mut chars = text.char_indices().peekable();
    while let Some(&(at, c)) = chars.peek() {
        if c == ' ' || c == '\t' {
            chars.next();
            continue;
        }
        if c == '#' {
            into.comment = Some(text[at..].to_owned());
            return;
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some((_, c)) = chars.next() {
            match (c, quote) {
                ('\\', _) => {
                    let next = chars.peek().map(|&(_, n)| n);
                    let escaped = next.filter(|n| {
                        matches!(n, '\'' | '"' | '\\') || (*n == ' ' && quote.is_none())
                    });
                    if escaped.is_some() {
                        chars.next();
                    }
                    word.push(escaped.unwrap_or('\\'));
                }
                (' ' | '\t', None) => break,
                ('"' | '\'', None) => quote = Some(c),
                (_, Some(open)) if c == open => quote = None,
                _ => word.push(c),
            }
        }
        into.args.push(word);
        if quote.is_some() {
            into.closed = false;
            return;
        }
    }
}

/// What becomes of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// It says this instead. Its indentation stays; a comment at its end moves to a line above.
    Set(String),
    /// It becomes a comment.
    Disable,
}

/// The text with `edits` done (by line, from 1), and then a new line before line `insert.0` of the
/// old text (one more than there are: at the end).
pub fn edited(
    text: &str,
    style: Style,
    edits: &BTreeMap<usize, Edit>,
    insert: Option<(usize, &str)>,
) -> String {
    let mut lines = Lines::new(text);
    let end = match text.split_once('\n') {
        Some((first, _)) if first.ends_with('\r') => "\r\n",
        _ => "\n",
    };
    for (&number, edit) in edits {
        let Some(old) = lines.get(number) else { continue };
        match edit {
            Edit::Disable => lines.disable(number),
            Edit::Set(new) => {
                let indent = &old[..old.len() - old.trim_start_matches([' ', '\t']).len()];
                let above = match statement(old, style).and_then(|s| s.comment) {
                    Some(comment) => format!("{indent}{comment}{end}"),
                    None => String::new(),
                };
                let line = format!("{above}{indent}{new}");
                lines.set(number, &line);
            }
        }
    }
    if let Some((number, new)) = insert {
        lines.insert(number, new);
    }
    lines.to_string()
}

/// The first line before line `before` that shows `keyword` as a sample: `#Keyword value`, without
/// a blank after the `#`, which prose has.
pub fn sample(text: &str, keyword: &str, before: usize) -> Option<usize> {
    let numbered = text.split('\n').zip(1..before);
    let shows = |line: &str| {
        let Some(rest) = line.trim().strip_prefix('#') else { return false };
        let (Some(word), Some(after)) = (rest.get(..keyword.len()), rest.get(keyword.len()..))
        else {
            return false;
        };
        word.eq_ignore_ascii_case(keyword) && after.starts_with([' ', '\t', '='])
    };
    numbered.into_iter().find(|(line, _)| shows(line)).map(|(_, number)| number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(line: &str, style: Style) -> Option<String> {
        statement(line, style).map(|s| {
            let open = if s.closed { "" } else { " (open)" };
            format!("{}{:?}{open}", s.keyword, s.args)
        })
    }

    #[test]
    fn what_stands_behind_a_keyword() {
        for (line, want) in [
            ("ForceCommand  \"a b\" c # d", Some("\"a b\" c")),
            ("=ForceCommand = /x = y", Some("/x = y")),
            ("ForceCommand", None),
            ("# x", None),
            ("", None),
        ] {
            assert_eq!(remainder(line), want, "{line}");
        }
    }

    #[test]
    fn lines_before_8_7() {
        for (line, want) in [
            ("", None),
            ("   \t\r", None),
            ("# PermitRootLogin no", None),
            ("PermitRootLogin no", Some(r#"PermitRootLogin["no"]"#)),
            ("\t permitrootlogin\t\tno \r", Some(r#"permitrootlogin["no"]"#)),
            ("PermitRootLogin=no", Some(r#"PermitRootLogin["no"]"#)),
            ("PermitRootLogin = no", Some(r#"PermitRootLogin["no"]"#)),
            ("PermitRootLogin == no", Some(r#"PermitRootLogin["", "no"]"#)),
            ("=PermitRootLogin no", Some(r#"PermitRootLogin["no"]"#)),
            ("MaxAuthTries 4 # note", Some(r#"MaxAuthTries["4"]"#)),
            ("Banner /etc/a#b", Some(r#"Banner["/etc/a"]"#)),
            ("Banner \"/etc/a#b\"", Some("Banner[]")),
            ("Banner \"/etc/a b\" c", Some(r#"Banner["/etc/a b", "c"]"#)),
            ("Banner /etc/\"a b\"c", Some(r#"Banner["/etc/a b", "c"]"#)),
            ("DenyUsers \"\"", Some(r#"DenyUsers["", ""]"#)),
            ("DenyUsers a=b", Some(r#"DenyUsers["a", "b"]"#)),
            ("DenyUsers", Some("DenyUsers[]")),
            ("\"Port 22", None),
            ("\u{feff}# a byte order mark", Some("\u{feff}[]")),
            ("Port 22\x0c", Some(r#"Port["22"]"#)),
            ("\x0c", Some("\x0c[]")),
        ] {
            // A closing quote at the end leaves an empty rest, as in sshd.
            assert_eq!(shown(line, Style::Delimited).as_deref(), want, "{line:?}");
        }
    }

    #[test]
    fn lines_from_8_7() {
        for (line, want) in [
            ("# PermitRootLogin no", None),
            ("PermitRootLogin no", Some(r#"PermitRootLogin["no"]"#)),
            ("PermitRootLogin = no", Some(r#"PermitRootLogin["no"]"#)),
            ("PermitRootLogin = a=b", Some(r#"PermitRootLogin["a=b"]"#)),
            ("MaxAuthTries 4 # note", Some(r#"MaxAuthTries["4"]"#)),
            ("Banner /etc/a#b", Some(r#"Banner["/etc/a#b"]"#)),
            ("Banner \"/etc/a #b\"", Some(r#"Banner["/etc/a #b"]"#)),
            ("Banner '/etc/a b'c d\\ e", Some(r#"Banner["/etc/a bc", "d e"]"#)),
            ("Banner \"a\\\"b\" \\n", Some(r#"Banner["a\"b", "\\n"]"#)),
            ("Banner \"a", Some(r#"Banner["a"] (open)"#)),
            ("DenyUsers \"\"", Some(r#"DenyUsers[""]"#)),
            ("Port", Some("Port[]")),
        ] {
            assert_eq!(shown(line, Style::Quoted).as_deref(), want, "{line:?}");
        }
    }

    fn edits(list: &[(usize, Edit)]) -> BTreeMap<usize, Edit> {
        list.iter().cloned().collect()
    }

    #[test]
    fn a_line_changes_and_the_others_stay() {
        let text = "a 1\n  b 2 # why\nc 3";
        let set = edits(&[(2, Edit::Set("b 5".into())), (3, Edit::Disable)]);
        let new = edited(text, Style::Delimited, &set, Some((2, "new")));
        assert_eq!(new, "a 1\nnew\n  # why\n  b 5\n# gokaku: c 3");
        let crlf =
            edited("a 1 #x\r\n", Style::Quoted, &edits(&[(1, Edit::Set("a 2".into()))]), None);
        assert_eq!(crlf, "#x\r\na 2\r\n");
        assert_eq!(edited("a", Style::Quoted, &edits(&[]), Some((2, "b"))), "a\nb\n");
        assert_eq!(edited("", Style::Quoted, &edits(&[]), Some((1, "b"))), "b\n");
        assert_eq!(edited("a", Style::Quoted, &edits(&[(7, Edit::Disable)]), None), "a");
    }

    #[test]
    fn a_sample_is_no_prose() {
        let text = "# Ciphers and keying\n#RekeyLimit 1\n#ciphers x\n#CiphersX\n#Ciphers\nMatch all\n#MACs x\n";
        assert_eq!(sample(text, "Ciphers", 6), Some(3));
        assert_eq!(sample(text, "Ciphers", 3), None);
        assert_eq!(sample(text, "MACs", 6), None);
        assert_eq!(sample("#Ünix x\n", "MA", 9), None);
        assert_eq!(sample("", "MACs", 1), None);
    }

    fn style() -> impl Strategy<Value = Style> {
        prop_oneof![Just(Style::Delimited), Just(Style::Quoted)]
    }

    /// Text that is likely to mean something.
    fn text() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("Port"),
            Just(" "),
            Just("\t"),
            Just("="),
            Just("\""),
            Just("'"),
            Just("\\"),
            Just("#"),
            Just("\n"),
            Just("\r\n"),
            Just("no"),
            Just("\x0c"),
            Just("é"),
        ];
        let pieces = proptest::collection::vec(piece, 0..40).prop_map(|p| p.concat());
        prop_oneof![pieces, any::<String>()]
    }

    proptest! {
        #[test]
        fn what_was_set_is_what_is_read(text in text(), style in style(), at in 1usize..6) {
            let set = edits(&[(at, Edit::Set("Port 7".into()))]);
            let once = edited(&text, style, &set, None);
            let before = Lines::new(&text);
            if at > before.len() {
                prop_assert_eq!(&once, &text);
            } else {
                let after = Lines::new(&once);
                let moved = after.len() - before.len();
                let line = after.get(at + moved).unwrap_or_default();
                let said = statement(line, style);
                let port = said.filter(|s| s.keyword == "Port" && s.args == ["7"]);
                prop_assert!(port.is_some(), "{:?}", line);
                let again = edits(&[(at + moved, Edit::Set("Port 7".into()))]);
                prop_assert_eq!(edited(&once, style, &again, None), once);
                for (n, line) in before.iter().filter(|(n, _)| *n != at) {
                    let n = if n > at { n + moved } else { n };
                    prop_assert_eq!(after.get(n), Some(line));
                }
            }
        }

        #[test]
        fn a_disabled_line_says_nothing(text in text(), style in style(), at in 1usize..6) {
            let once = edited(&text, style, &edits(&[(at, Edit::Disable)]), None);
            let line = Lines::new(&once);
            if at <= line.len() {
                prop_assert_eq!(statement(line.get(at).unwrap_or_default(), style), None);
            }
        }

        #[test]
        fn an_inserted_line_is_the_only_difference(text in text(), at in 1usize..6) {
            let at = at.min(Lines::new(&text).len() + 1);
            let new = edited(&text, Style::Quoted, &BTreeMap::new(), Some((at, "Port 7")));
            let mut lines = Lines::new(&new);
            prop_assert_eq!(lines.get(at), Some("Port 7"));
            lines.remove(at);
            prop_assert!(lines.to_string().starts_with(&text));
        }

        #[test]
        fn samples_are_looked_for_in_any_text(text in text(), before in 0usize..9) {
            let at = sample(&text, "Port", before);
            prop_assert!(at.is_none_or(|n| n < before));
        }
    }
}
