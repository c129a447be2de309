//! Variables of a file that a shell sources, as those in `/etc/default`.
//!
//! Such a file is a program. What it certainly sets is distinguished from what it may set: an assignment in an
//! `if`, behind `&&`, or after a command that could change anything is uncertain.

use std::ops::Range;

use super::script::{Command, Word, read};

/// The value of a variable after the file was sourced, as far as the text alone determines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// The file does not touch it.
    Unset,
    /// It surely has this value.
    Known {
        /// The value, quotes removed.
        value: String,
        /// The line that sets it, from 1.
        line: usize,
    },
    /// It depends; on what, begins at this line.
    Unclear {
        /// The line, from 1.
        line: usize,
    },
}

/// What `key` is after `text` was sourced.
pub fn value(text: &str, key: &str) -> Value {
    judge(text, key).value
}

/// Sets `key`: in place of the assignment that counts, else by a line at the end. `None` when the
/// text is a program after which nothing is certain.
pub fn set(text: &str, key: &str, new: &str) -> Option<String> {
    let verdict = judge(text, key);
    let mut out = text.to_owned();
    if let Some(place) = verdict.place.filter(|_| matches!(verdict.value, Value::Known { .. })) {
        out.replace_range(place, &quote(new));
    } else {
        // Never `\r\n`: the shell would take the `\r` for a part of the value.
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        out.push_str(&format!("{key}={}\n", quote(new)));
    }
    matches!(value(&out, key), Value::Known { value, .. } if value == new).then_some(out)
}

fn quote(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@%+".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', "'\\''"))
    }
}

struct Verdict {
    value: Value,
    /// Where the text of the value stands.
    place: Option<Range<usize>>,
}

fn judge(text: &str, key: &str) -> Verdict {
    let script = read(text);
    let unclear = |line| Verdict { value: Value::Unclear { line }, place: None };
    let calculated = script.calculations.iter().find(|(_, raw)| mentions(raw, key));
    if let Some(line) = script.broken.or(calculated.map(|(line, _)| *line)) {
        return unclear(line);
    }
    let effects: Vec<(&Command, Effect)> =
        script.commands.iter().map(|c| (c, effect(&c.words, key))).collect();
    let leaves_perhaps = effects.iter().any(|(c, e)| !c.sure && matches!(e, Effect::Leaves));
    let mut verdict = Verdict { value: Value::Unset, place: None };
    // Whether anything may have happened before.
    let mut left = false;
    for (command, effect) in effects {
        let line = command.line;
        let name = command.words.first().and_then(Word::literal);
        if name.is_some_and(|name| script.functions.contains(&name)) {
            left |= leaves_perhaps;
            verdict = unclear(line);
            continue;
        }
        let certain = command.sure && !command.aside && !left;
        match effect {
            Effect::Leaves if certain => break,
            Effect::Nothing | Effect::Leaves => {}
            Effect::Anything => {
                left = true;
                verdict = unclear(line);
            }
            Effect::Unclear => verdict = unclear(line),
            Effect::Sets(value, place) if certain => {
                let line = line + line_breaks(text, &command.words[0].at, &place);
                verdict = Verdict { value: Value::Known { value, line }, place: Some(place) };
            }
            Effect::Sets(value, _) => {
                let same = matches!(&verdict.value, Value::Known { value: v, .. } if *v == value);
                if !same {
                    verdict = unclear(line);
                }
            }
        }
    }
    verdict
}

/// How many lines further on `place` begins than the command's first word.
fn line_breaks(text: &str, first: &Range<usize>, place: &Range<usize>) -> usize {
    text.get(first.start..place.start).map_or(0, |t| t.matches('\n').count())
}

/// The commands before which an assignment outlives the command.
const SPECIAL: [&str; 13] = [
    ":", ".", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
    "trap", "unset",
];

enum Effect {
    Nothing,
    /// The variable gets a value, whose text stands there.
    Sets(String, Range<usize>),
    /// It may get one.
    Unclear,
    /// The rest of the file is not read.
    Leaves,
    /// The command's name is not known.
    Anything,
}

fn effect(words: &[Word], key: &str) -> Effect {
    let mentions = || words.iter().any(|w| mentions(w.raw(), key));
    let assigns = ["=", ":="].map(|op| format!("${{{key}{op}"));
    if words.iter().any(|w| assigns.iter().any(|a| w.raw().contains(a.as_str()))) {
        return Effect::Unclear;
    }
    let Some(command) = words.iter().position(|w| name_of(w.raw()).is_none()) else {
        return last_assignment(words, key);
    };
    let Some(name) = words.get(command).and_then(Word::literal) else {
        return Effect::Anything;
    };
    let name = name.as_str();
    let prefix = last_assignment(&words[..command], key);
    if SPECIAL.contains(&name) && !matches!(prefix, Effect::Nothing) {
        return Effect::Anything;
    }
    match name {
        "export" | "readonly" => last_assignment(&words[command + 1..], key),
        "exit" | "return" | "exec" => Effect::Leaves,
        "." | "source" | "eval" => Effect::Unclear,
        // From here on a failing command may end it, or any word may mean anything.
        "set" | "trap" | "alias" => Effect::Anything,
        "for" | "select" | "unset" | "read" | "getopts" | "printf" | "let" | "local"
        | "declare" | "typeset" | "mapfile" | "readarray"
            if mentions() =>
        {
            Effect::Unclear
        }
        _ => Effect::Nothing,
    }
}

fn last_assignment(words: &[Word], key: &str) -> Effect {
    let mut effect = Effect::Nothing;
    for word in words {
        let Some(name) = name_of(word.raw()).filter(|name| name.trim_end_matches('+') == key)
        else {
            continue;
        };
        let literal = word.literal();
        let value = literal.as_deref().and_then(|l| l.strip_prefix(key)?.strip_prefix('='));
        effect = match value {
            Some(value) => {
                Effect::Sets(value.to_owned(), word.at.start + name.len() + 1..word.at.end)
            }
            None => Effect::Unclear,
        };
    }
    effect
}

/// The part before the `=` of an assignment, a `+` included.
fn name_of(word: &str) -> Option<&str> {
    let (name, _) = word.split_once('=')?;
    let bare = name.strip_suffix('+').unwrap_or(name);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = bare.chars().all(is_name) && !bare.starts_with(|c: char| c.is_ascii_digit());
    (good && !bare.is_empty()).then_some(name)
}

/// Whether the name `key` occurs as a whole name.
fn mentions(word: &str, key: &str) -> bool {
    word.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|name| name == key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn known(text: &str) -> Option<(String, usize)> {
        match value(text, "K") {
            Value::Known { value, line } => Some((value, line)),
            _ => None,
        }
    }

    #[test]
    fn what_is_certain() {
        for (text, wanted, line) in [
            ("K=0", "0", 1),
            ("# K=1\nK=0\n#K=2", "0", 2),
            ("  export K=0 # why\n", "0", 1),
            ("K=0;\n", "0", 1),
            ("K=1; K=0", "0", 1),
            ("A=1 K=0 B=2\n", "0", 1),
            ("K=1\nK=0\n", "0", 2),
            ("K=\"0\"\n", "0", 1),
            ("K='a b'\"c\"\\ d\n", "a bc d", 1),
            ("K=\n", "", 1),
            ("K=0\r\n", "0\r", 1),
            ("KK=1\nK=0\nk=2\nX_K=3\n", "0", 2),
            ("K=1 prog\nK=0\n", "0", 2),
            ("K=0\nK=1 prog\n", "0", 1),
            ("K=a*[b]?\n", "a*[b]?", 1),
            ("K=0\n[ \"$K\" = 1 ] && echo $K\n", "0", 1),
            ("A=`x`\nB=$(y)\nC=${K:-1}\nK=0\n", "0", 4),
            ("if x; then\n A=1\nfi\nK=0\n", "0", 4),
            ("K=0\nif x; then\n K=0\nfi\n", "0", 1),
            ("for K2 in 1 2; do A=$K2; done\nK=0\n", "0", 2),
            ("case $x in\n a) A=1 ;;\n *) A=2 ;;\nesac\nK=0\n", "0", 5),
            ("f() {\n A=1\n}\nK=0\n", "0", 4),
            ("(A=1; B=2)\nK=0\n", "0", 2),
            (". /etc/other\nK=0\n", "0", 2),
            ("K=\\\n0\n", "0", 1),
            ("A=1 \\\n K=0\n", "0", 2),
            ("true && A=1\nK=0\n", "0", 2),
            ("K=0 && true\n", "0", 1),
            ("K=0\nexit 0\nK=1\n", "0", 1),
            ("K=0 # don't\n", "0", 1),
            ("K=0 2>/dev/null\n", "0", 1),
            ("x &\nK=0\n", "0", 2),
            ("cat <<E\nK=1 '\nE\nK=0\n", "0", 4),
            ("A=$(echo \")\")\nK=0\n", "0", 2),
            ("{ K=0; A=1; }\n", "0", 1),
            ("f() { return; }\nK=0\n", "0", 2),
            ("(exit)\nK=0\n", "0", 2),
            ("((A = 1))\nK=0\n", "0", 2),
            ("x && >y\nK=0\n", "0", 2),
            ("K=a~b\n", "a~b", 1),
        ] {
            assert_eq!(known(text), Some((wanted.to_owned(), line)), "{text:?}");
        }
    }

    #[test]
    fn what_is_not() {
        for text in [
            "K=$X",
            "K=`x`",
            "K=~",
            "K+=0",
            "if x; then\nK=0\nfi\n",
            "x && K=0\n",
            "x ||\n\n K=0\n",
            "K=0 | x",
            "K=0 &",
            "(K=0)",
            "f() { K=0; }",
            "K=0\n. /etc/x\n",
            "K=0\neval x\n",
            "K=0\nunset K\n",
            "read K\n",
            "K=0\n: ${K:=1}\n",
            "K=0\nx='\n",
            "cat <<E\nK=0\n",
            "K=0\nif x; then\n",
            "x || exit\nK=0\n",
            "K=0\n$x\n",
            "while x; do K=0; done\n",
            "case x in a) K=0;; esac",
            "K=\"0",
            "K=0\\",
            "function f {\nK=0\n}\n",
            "A=$(echo \")\"\nK=0\n",
            "f() K=0\n",
            "f() { K=1; }\nK=0\nf\n",
            "K=0 export A\n",
            "return$(x)\nK=0\n",
            "x |\nK=0\n",
            "set -e\nK=0\n",
            "x && { A=1; K=0; }\n",
            "{ K=0; } | x\n",
            "{ K=0; } >y &\n",
            "x |\n{ A=1; K=0; }\n",
            "f() { exit; }\nf\nK=0\n",
            "f()\nK=0\n",
            "K=0\nfor K in 1 2; do x; done\n",
            "K=0\n((K = 1))\n",
            "K=0\ncase x in\n",
        ] {
            assert!(matches!(value(text, "K"), Value::Unclear { .. }), "{text:?}");
        }
        for text in [
            "cat <<E\nK=0\nE\n",
            "",
            "#K=0\n",
            "KK=0\n",
            "K =0\n",
            "K=0 prog\n",
            "echo K=0\n",
            "exit\nK=0\n",
        ] {
            assert_eq!(value(text, "K"), Value::Unset, "{text:?}");
        }
    }

    #[test]
    fn set_keeps_everything_else() {
        for (before, after) in [
            ("", "K=v\n"),
            ("# set K=0 to stop it\nK=1", "# set K=0 to stop it\nK=v"),
            ("A=1", "A=1\nK=v\n"),
            ("export A=1 K=\"1 2\"; B=3 # x\n", "export A=1 K=v; B=3 # x\n"),
            ("K=0\nx && K=1\n", "K=0\nx && K=1\nK=v\n"),
            ("K=1\r\nA=2\r\n", "K=v\nA=2\r\n"),
            ("K=\n", "K=v\n"),
        ] {
            assert_eq!(set(before, "K", "v").as_deref(), Some(after), "{before:?}");
        }
        for hopeless in ["exit\n", "x='", "cat <<E\n", "if x; then\n", "x || return\n"] {
            assert_eq!(set(hopeless, "K", "v"), None, "{hopeless:?}");
        }
        assert_eq!(set("", "K", "it's").as_deref(), Some("K='it'\\''s'\n"));
    }

    #[test]
    fn enormous_texts_are_no_matter() {
        for text in ["K=0\n", "(", "${", "K=$(", "if x; then\n", "\\\n", "'", "`"] {
            value(&text.repeat(100_000), "K");
        }
    }

    fn shellish() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("K=1"),
            Just("A=2"),
            Just("\n"),
            Just(";"),
            Just(" "),
            Just("if x; then"),
            Just("fi"),
            Just("&&"),
            Just("#"),
            Just("'"),
            Just("\""),
            Just("$("),
            Just(")"),
            Just("{"),
            Just("}"),
            Just("export "),
            Just("exit"),
            Just("\\"),
            Just("\r\n"),
            Just("é"),
            Just("<<"),
            Just("`"),
        ];
        proptest::collection::vec(piece, 0..14).prop_map(|p| p.concat())
    }

    proptest! {
        #[test]
        fn set_then_get(text in shellish(), v in "[ -~]{0,6}") {
            if let Some(once) = set(&text, "K", &v) {
                let is_v = matches!(value(&once, "K"), Value::Known { value, .. } if value == v);
                prop_assert!(is_v, "{:?}", once);
                prop_assert_eq!(set(&once, "K", &v), Some(once.clone()));
                let other = value(&text, "A");
                let certain = !matches!(other, Value::Unclear { .. });
                prop_assert!(!certain || value(&once, "A") == other, "{:?}", once);
            }
        }

        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            value(&text, "K");
        }
    }
}
