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
pub enum Entry {
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
pub fn entries(text: &str) -> Vec<Entry> {
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
        out.push(Entry::Malformed { line, text });
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

fn entry(text: &str, logical: &Logical, end_of_lines: usize) -> Entry {
    let line = logical.line;
    let mut joined = Joined::default();
    for (piece, continued) in &logical.pieces {
        joined.push(text.get(piece.clone()).unwrap_or_default(), piece.start);
        if *continued {
            joined.push(" ", piece.end);
        }
    }
    let malformed = || Entry::Malformed { line, text: joined.text().trim().to_owned() };
    let words = words(joined.text());
    let mut rest = words.iter();
    let Some(kind) = rest.next() else { return malformed() };
    if kind.text.eq_ignore_ascii_case("@include") {
        return match rest.next() {
            Some(file) => Entry::Include { line, file: file.text.clone() },
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
    Entry::Rule(Rule {
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
mod tests {
    use super::super::splice::splice;
    use super::*;
    use proptest::prelude::*;

    fn rules(text: &str) -> Vec<Rule> {
        let rule = |entry| match entry {
            Entry::Rule(rule) => Some(rule),
            _ => None,
        };
        entries(text).into_iter().filter_map(rule).collect()
    }

    fn shown(text: &str) -> Vec<String> {
        let show = |entry| match entry {
            Entry::Rule(r) => {
                let arguments: Vec<&str> = r.arguments.iter().map(|a| &*a.text).collect();
                let dash = if r.quiet { "-" } else { "" };
                format!("{}:{dash}{} {} [{}]", r.line, r.kind, r.module, arguments.join("|"))
            }
            Entry::Include { line, file } => format!("{line}:@{file}"),
            Entry::Malformed { line, text } => format!("{line}:?{text}"),
        };
        entries(text).into_iter().map(show).collect()
    }

    #[test]
    fn lines() {
        assert_eq!(
            shown(
                "# password\n\npassword\trequisite\t\t\tpam_pwquality.so retry=3\n\
                 PASSWORD [success=1 default=ignore] /lib/security/pam_unix.so obscure sha512 # x\n\
                 -session optional pam_systemd.so\n@include common-account\n@Include other\n"
            ),
            [
                "3:password pam_pwquality.so [retry=3]",
                "4:password /lib/security/pam_unix.so [obscure|sha512]",
                "5:-session pam_systemd.so []",
                "6:@common-account",
                "7:@other",
            ]
        );
        assert_eq!(
            shown("password required \\\n# between\n\n pam_unix.so \\  \n\tsha512\r\nauth x y\n"),
            ["1:password pam_unix.so [sha512]", "6:?auth x y"]
        );
        assert_eq!(
            shown("session optional pam_x.so [a b\\]c] [d\n"),
            ["1:session pam_x.so [a b]c|[d]"]
        );
        assert_eq!(
            shown("passwort required x.so\npassword required\n@include\npassword required x \\"),
            [
                "1:?passwort required x.so",
                "2:?password required",
                "3:?@include",
                "4:?password required x \\"
            ]
        );
    }

    #[test]
    fn one_argument_at_a_time() {
        let text = "a\npassword [success=2 default=ignore]\tpam_unix.so  obscure\tmd5 # c\nb";
        let rule = &rules(text)[0];
        let after = |edit: Option<Edit>| splice(text, vec![edit.unwrap()]);
        assert_eq!(after(rule.set_argument(1, "sha512")), text.replace("md5", "sha512"));
        assert_eq!(after(rule.remove_argument(1)), text.replace("\tmd5", ""));
        assert_eq!(
            after(rule.insert_argument(1, "use_authtok")),
            text.replace("md5", "use_authtok md5")
        );
        assert_eq!(after(rule.insert_argument(9, "x=1")), text.replace("md5", "md5 x=1"));
        let up = rule.shift_jumps(|n| i32::from(n > 1));
        assert_eq!(splice(text, up), text.replace("success=2", "success=3"));
        assert!(rule.shift_jumps(|_| 0).is_empty());
        assert!(rules("auth [success=1] x.so")[0].shift_jumps(|_| -1).is_empty());
        assert_eq!(rule.set_argument(2, "x"), None);
        let control = after(rule.set_control("requisite"));
        assert_eq!(control, text.replace("[success=2 default=ignore]", "requisite"));
        assert_eq!(rule.value("md5"), None);
        assert_eq!(rules("auth required x.so a=1 a=2 ab=3")[0].value("a"), Some((1, "2")));
        assert!(rule.is("pam_unix.so") && !rule.is("unix.so"));

        let joined = "password required pam_unix.so \\\n  md5 \\\n  obscure";
        let rule = &rules(joined)[0];
        assert_eq!(rule.span, 0..joined.len());
        let edit = rule.remove_argument(0).unwrap();
        assert_eq!(splice(joined, vec![edit]), joined.replace(" \\\n  md5", ""));
        let next = "password required pam_unix.so \\\n  md5\nauth required x.so";
        let edit = rules(next)[0].remove_argument(0).unwrap();
        assert_eq!(splice(next, vec![edit]), next.replace(" \\\n  md5", ""));
        let below = "password required pam_unix.so \\\n# c\n  md5 sha512\n";
        let commented = &rules(below)[0];
        assert_eq!(commented.remove_argument(0), None, "its line may end up blank");
        let edit = commented.remove_argument(1).unwrap();
        assert_eq!(splice(below, vec![edit]), below.replace(" sha512", ""));

        let glued = "auth [success=1]x.so [a b]c d";
        let rule = &rules(glued)[0];
        let after = |edit: Option<Edit>| shown(&splice(glued, vec![edit.unwrap()]));
        assert_eq!(after(rule.set_control("required")), ["1:auth x.so [a b|c|d]"]);
        assert_eq!(after(rule.set_argument(0, "e")), ["1:auth x.so [e|c|d]"]);
        assert_eq!(after(rule.remove_argument(0)), ["1:auth x.so [c|d]"]);

        assert_eq!(rules("auth required a\\ b\nauth required c")[0].remove_argument(0), None);
        // A form feed alone is a word that only something behind it keeps from being a blank line.
        let fed = rules("auth required x.so a\\\n\x0c b\x0c\nauth required c");
        assert_eq!(fed[0].remove_argument(2), None);

        let rule = &rules(joined)[0];
        let edit = rule.insert_argument(9, "sha512").unwrap();
        assert_eq!(splice(joined, vec![edit]), format!("{joined} sha512"));
    }

    #[test]
    fn long_texts_take_linear_time() {
        for piece in
            ["auth required x.so a\n", "a ", "[", "\\\n", "# \n", "auth required x.so \\\n"]
        {
            entries(&piece.repeat(100_000));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            entries(&text);
        }

        #[test]
        fn arguments_come_back(
            before in "(# [a-z]{0,4}\n|auth required x.so\n){0,2}",
            arguments in proptest::collection::vec("[a-z]{1,4}(=[0-9])?", 0..4),
            blanks in "[ \t]{1,3}",
            end in "(\n|\r\n| # c\n|)",
            word in "[a-z]{1,5}",
            at in 0usize..5,
        ) {
            let text = format!("{before}password{blanks}required{blanks}x.so{}{end}",
                arguments.iter().map(|a| format!("{blanks}{a}")).collect::<String>());
            let last = |text: &str| rules(text).pop().unwrap();
            let words = |rule: &Rule| rule.arguments.iter().map(|a| a.text.clone()).collect::<Vec<_>>();
            let rule = last(&text);
            prop_assert_eq!(words(&rule), arguments.clone());
            let added = splice(&text, vec![rule.insert_argument(at, &word).unwrap()]);
            let mut want = arguments.clone();
            let place = at.min(want.len());
            want.insert(place, word.clone());
            prop_assert_eq!(words(&last(&added)), want);
            prop_assert!(added.starts_with(&before) && added.ends_with(&end));
            let again = last(&added);
            let removed = splice(&added, vec![again.remove_argument(place).unwrap()]);
            prop_assert_eq!(words(&last(&removed)), arguments);
            let same = splice(&added, vec![again.set_argument(place, &word).unwrap()]);
            prop_assert_eq!(same, added);
        }

        #[test]
        fn nothing_panics_on_familiar_pieces(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "password", " ", "\t", "\n", "\\\n", "[", "]", "success=1", "default=ignore", "#",
                    "pam_unix.so", "@include", "-", "=", "\\]", "é",
                ]),
                0..25,
            ),
        ) {
            let text = pieces.concat();
            for entry in entries(&text) {
                if let Entry::Rule(rule) = entry {
                    for i in 0..rule.arguments.len() {
                        rule.remove_argument(i).map(|e| splice(&text, vec![e]));
                    }
                    splice(&text, rule.shift_jumps(|_| 1));
                }
            }
        }
    }
}
