//! `fstab`: one mount per line, its fields separated by blanks.
//!
//! A line has six fields; those after the second may be missing and have defaults then. Only the
//! fourth field of one line is ever changed.

use std::ops::Range;

use super::Lines;

/// One mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FstabLine {
    /// The line, from 1.
    pub line: usize,
    /// Field 1, with its escapes decoded.
    pub source: String,
    /// Field 2, with its escapes decoded.
    pub target: String,
    /// Field 3, the type; `None` when it is missing.
    pub kind: Option<String>,
    /// Field 4 as it stands; `None` when it is missing.
    pub options: Option<String>,
}

impl FstabLine {
    /// Whether this is a swap area, whose target means nothing.
    pub fn is_swap(&self) -> bool {
        self.kind.as_deref() == Some("swap")
    }

    /// Whether systemd, which compares texts there, remounts what it has mounted itself on `path`
    /// because of this line: doubled slashes and one at the end make no difference, `.` and links
    /// do, and the type does not matter.
    pub fn remounts(&self, path: &str) -> bool {
        let parts = |path: &'_ str| -> Vec<String> {
            path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        self.target.starts_with('/') && parts(&self.target) == parts(path)
    }

    /// The target as a plain absolute path: single slashes, none at the end, no `.` or `..`.
    /// `None` when it is no path, as for `none`: for systemd a word with a slash anywhere is one, and
    /// begins at the root.
    pub fn target_path(&self) -> Option<String> {
        if !self.target.contains('/') {
            return None;
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in self.target.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        Some(format!("/{}", parts.join("/")))
    }
}

/// All mounts, in the order of the file. Lines that name no target are no mounts.
pub fn entries(text: &str) -> Vec<FstabLine> {
    Lines::new(text).iter().filter_map(|(line, text)| entry(line, text)).collect()
}

/// What a line says of a mount: its first four fields.
pub fn statement(line: &str) -> &str {
    line.get(..fields(line).last().map_or(0, |last| last.end)).unwrap_or_default()
}

/// Whether `mount` takes a line: it has a type, and the fifth and sixth fields, where there are any,
/// are numbers. A comment behind the options makes it pass the line over.
pub fn is_taken_by_mount(line: &str) -> bool {
    let line = line.strip_suffix('\r').unwrap_or(line);
    let blank = |c: char| c.is_ascii_whitespace() || c == '\x0b';
    let fields: Vec<&str> = line.split(blank).filter(|field| !field.is_empty()).take(6).collect();
    let is_number = |field: &&str| field.parse::<i32>().is_ok();
    fields.len() >= 3 && fields.iter().skip(4).all(is_number)
}

/// The options as `mount` reads them in the table: `\054` and the like are decoded. Escaped blanks
/// and backslashes, which are part of a word, stay as they are written.
pub fn decoded_options(options: &str) -> String {
    let mut out = String::with_capacity(options.len());
    let mut rest = options;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(1..4).filter(|code| code.bytes().all(|b| (b'0'..=b'7').contains(&b)));
        let decoded = code.and_then(|code| u8::from_str_radix(code, 8).ok()).map(char::from);
        match decoded.filter(|c| c.is_ascii_graphic() && *c != '\\') {
            Some(c) => {
                out.push(c);
                rest = &rest[4..];
            }
            None => {
                out.push('\\');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn entry(line: usize, text: &str) -> Option<FstabLine> {
    let fields = fields(text);
    let field = |n: usize| fields.get(n).map(|at| &text[at.clone()]);
    if field(0)?.starts_with('#') {
        return None;
    }
    Some(FstabLine {
        line,
        source: decode(field(0)?),
        target: decode(field(1)?),
        kind: field(2).map(decode),
        options: field(3).map(str::to_owned),
    })
}

/// Writes `options` into field 4 of line `number`. Missing fields before it are filled with what
/// they mean by default. A line that names no target stays as it is.
pub fn set_options(lines: &mut Lines, number: usize, options: &str) {
    let Some(old) = lines.get(number) else { return };
    if entry(number, old).is_none() {
        return;
    }
    let fields = fields(old);
    let new = match (fields.get(3), fields.last()) {
        (Some(at), _) => format!("{}{options}{}", &old[..at.start], &old[at.end..]),
        (None, Some(last)) => {
            let kind = if fields.len() < 3 { " auto" } else { "" };
            format!("{}{kind} {options}{}", &old[..last.end], &old[last.end..])
        }
        (None, None) => return,
    };
    lines.set(number, &new);
}

/// Where the first four fields stand.
fn fields(line: &str) -> Vec<Range<usize>> {
    let mut out = Vec::with_capacity(4);
    let mut at = 0;
    let blank = |c| c == ' ' || c == '\t';
    while out.len() < 4 {
        let Some(rest) = line.get(at..) else { break };
        let Some(skip) = rest.find(|c| !blank(c)) else { break };
        let start = at + skip;
        let end = line[start..].find(blank).map_or(line.len(), |n| start + n);
        out.push(start..end);
        at = end;
    }
    out
}

/// The four escapes that every reader knows: blank, tab, line feed, backslash.
fn decode(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut rest = field;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = [("\\040", ' '), ("\\011", '\t'), ("\\012", '\n'), ("\\134", '\\')];
        match code.iter().find_map(|(code, c)| Some((*c, rest.strip_prefix(code)?))) {
            Some((c, after)) => {
                out.push(c);
                rest = after;
            }
            None => {
                out.push('\\');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_read_as_the_readers_do() {
        let text = "# tmpfs /tmp tmpfs nodev\n\
                    \t LABEL=x\t/\text4 defaults 0 0\r\n\
                    \n\
                    lonely\n\
                    tmpfs /tmp/\n\
                    a /home\\040b/./c//../d none bind # c\n\
                    /dev/sdb1 none swap sw 0 0\n\
                    x \\057tmp auto";
        let found: Vec<_> = entries(text)
            .iter()
            .map(|e| (e.line, e.target_path(), e.kind.clone(), e.options.clone()))
            .collect();
        let some = |s: &str| Some(s.to_owned());
        assert_eq!(
            found,
            [
                (2, some("/"), some("ext4"), some("defaults")),
                (5, some("/tmp"), None, None),
                (6, some("/home b/d"), some("none"), some("bind")),
                (7, None, some("swap"), some("sw")),
                (8, None, some("auto"), None),
            ]
        );
        assert!(entries(text)[3].is_swap());
    }

    #[test]
    fn a_word_with_a_slash_is_a_path() {
        let of = |target: &str| entries(&format!("a {target} b c"))[0].target_path();
        for (target, path) in
            [("tmp", None), ("var/tmp", Some("/var/tmp")), ("./tmp", Some("/tmp"))]
        {
            assert_eq!(of(target).as_deref(), path);
        }
    }

    /// As systemd-remount-fs 237 and mount 2.31 do.
    #[test]
    fn what_is_remounted_and_with_what() {
        let of = |target: &str| entries(&format!("a {target} swap"))[0].remounts("/dev/shm");
        assert!(of("/dev/shm") && of("//dev/shm/"));
        assert!(!of("/./dev/shm") && !of("dev/shm") && !of("/dev/shm2") && !of("/dev/\\163hm"));
        for taken in ["a /b c", "a /b c d", "a /b c d 0", "\ta /b c d -1 2 # x", "a /b c d 0 0\r"] {
            assert!(is_taken_by_mount(taken), "{taken:?}");
        }
        for not in ["a /b", "a /b c d # x", "a /b c d 0x", "a /b c d 0 x", "a /b c d 0 0\\"] {
            assert!(!is_taken_by_mount(not), "{not:?}");
        }
        for (options, want) in [
            ("nosuid\\054exec", "nosuid,exec"),
            ("no\\163uid", "nosuid"),
            ("x=a\\040b,c\\134054d\\9", "x=a\\040b,c\\134054d\\9"),
            ("a\\0\\377é", "a\\0\\377é"),
        ] {
            assert_eq!(decoded_options(options), want);
        }
    }

    #[test]
    fn only_the_fourth_field_changes() {
        let table = [
            ("a /tmp b c 0 0\n", "a /tmp b X 0 0\n"),
            (" a\t/tmp  b\tc\t# why \r\n", " a\t/tmp  b\tX\t# why \r\n"),
            ("a /tmp b", "a /tmp b X"),
            ("a /tmp \n", "a /tmp auto X \n"),
            ("# a /tmp b c\n", "# a /tmp b c\n"),
            ("a\n", "a\n"),
            ("", ""),
        ];
        for (before, after) in table {
            let mut lines = Lines::new(before);
            set_options(&mut lines, 1, "X");
            assert_eq!(lines.to_string(), after, "{before:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_set_is_got(text in "([a# /\\\\0-9é\t\r\n]|none|/tmp){0,60}", options in "[a-z,=\"]{1,12}") {
            for entry in entries(&text) {
                let mut lines = Lines::new(&text);
                set_options(&mut lines, entry.line, &options);
                let once = lines.to_string();
                let want: Vec<FstabLine> = entries(&text)
                    .into_iter()
                    .map(|mut e| {
                        if e.line == entry.line {
                            e.kind = e.kind.or(Some("auto".to_owned()));
                            e.options = Some(options.clone());
                        }
                        e
                    })
                    .collect();
                prop_assert_eq!(entries(&once), want);
                set_options(&mut lines, entry.line, &options);
                prop_assert_eq!(lines.to_string(), once.clone());
                let (before, after) = (Lines::new(&text), Lines::new(&once));
                for (number, line) in before.iter().filter(|l| l.0 != entry.line) {
                    prop_assert_eq!(after.get(number), Some(line));
                }
            }
        }

        #[test]
        fn any_text_can_be_read(text in any::<String>()) {
            for entry in entries(&text) {
                let _ = entry.target_path();
            }
        }
    }
}
