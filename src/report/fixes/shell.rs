//! Steps as text for `sh`.

use std::fmt::Write;

use super::Step;
use super::steps::Word;

/// The beginning of every script.
const HEAD: &str = "(\nset -eu\nroot=\"${ROOT:-/}\"\n";
/// Its end.
const TAIL: &str = ")\n";

/// A word for `sh` that means exactly this text.
pub(super) fn quoted(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+:,=@%".contains(&b);
    match !text.is_empty() && text.bytes().all(plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// A command; `root` is what stands before paths, and `whole` the root itself.
fn command(words: &[Word], root: &str, whole: &str) -> String {
    let word = |word: &Word| match word {
        Word::Plain(text) => (*text).to_owned(),
        Word::Text(text) => quoted(text),
        Word::Path(relative) => format!("{root}{}", quoted(relative)),
        Word::Root => whole.to_owned(),
    };
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A command for somebody who is in the root.
pub(in crate::report) fn in_the_root(words: &[Word]) -> String {
    command(words, "./", "\"$PWD\"")
}

/// The parts as a script for the root that `$ROOT` names; of each the new directories, the contents of
/// files, and the rest.
pub(super) fn script(parts: &[Vec<Step>]) -> String {
    let mut out = HEAD.to_owned();
    for steps in parts {
        body(&mut out, steps);
    }
    out + TAIL
}

fn body(out: &mut String, steps: &[Step]) {
    let run = |out: &mut String, is_wanted: &dyn Fn(bool) -> bool| {
        for step in steps {
            if let Step::Run { first, words } = step
                && is_wanted(*first)
            {
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{}", command(words, "\"$root\"/", "\"$root\""));
            }
        }
    };
    run(out, &|first| first);
    let diffs: String = steps.iter().filter_map(Step::diff).collect();
    if !diffs.is_empty() {
        let end = delimiter(&diffs);
        let _ = writeln!(
            out,
            "patch --batch --forward --fuzz=0 --no-backup-if-mismatch --reject-file=- -p1 \
             -d \"$root\" <<'{end}'\n{diffs}{end}"
        );
    }
    run(out, &|first| !first);
}

/// A line that the text does not have.
fn delimiter(text: &str) -> String {
    let mut end = "END_OF_PATCH".to_owned();
    while text.lines().any(|line| line == end) {
        end.push('_');
    }
    end
}

/// A script that begins with another command.
pub(super) fn before(script: Option<&str>, command: &str) -> String {
    let rest = script.and_then(|script| script.strip_prefix(HEAD)).unwrap_or(TAIL);
    format!("{HEAD}{command}{rest}")
}
