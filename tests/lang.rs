//! With `--lang ja`, what a person reads is Japanese: report and log, of every verb that judges.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use support::rich;
use support::{gokaku, gokaku_as_root, in_overlay, root};

/// So many words in a row are a sentence.
const SENTENCE: usize = 3;

/// Words of configuration languages and accounts that the table names, which stand in a row as
/// values: a run of these alone is none of English.
const CONFIGURATION: [&str; 25] = [
    "account",
    "auth",
    "default",
    "installed",
    "kod",
    "limited",
    "lock",
    "module",
    "nomodify",
    "nopeer",
    "noquery",
    "notrap",
    "nxautomation",
    "omsagent",
    "optional",
    "password",
    "requisite",
    "required",
    "restrict",
    "session",
    "server",
    "sufficient",
    "use",
    "root",
    "rotate",
];

/// The English sentences in a text: runs of three or more words of lower-case letters, outside of
/// quotations (「」, backquotes), of diffs, and of data of the profile (`key = { … }`).
fn english(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_diff = false;
    for line in text.lines() {
        // A diff begins with its path as a remark, and every line of it with one of these.
        in_diff = match line.chars().next() {
            Some('#') => in_diff || line.starts_with("# /"),
            Some(' ' | '+' | '-' | '@' | '\\') => in_diff,
            // A context line that is empty.
            None => in_diff,
            _ => false,
        };
        let is_data = line.starts_with("  ") && line.contains(" = {");
        if in_diff || is_data {
            continue;
        }
        let mut run: Vec<&str> = Vec::new();
        let bare = outside_of_quotations(line);
        for token in bare.split(' ').chain([""]) {
            let (word, goes_on) = word(token);
            if let Some(word) = word {
                run.push(word);
            }
            if word.is_none() || !goes_on {
                if is_sentence(&run) {
                    found.push(format!("{}: {line}", run.join(" ")));
                }
                run.clear();
            }
        }
    }
    found
}

fn is_sentence(run: &[&str]) -> bool {
    run.len() >= SENTENCE && !run.iter().all(|word| CONFIGURATION.contains(word))
}

/// The word of a token, without its punctuation, and whether a sentence goes on behind it.
fn word(token: &str) -> (Option<&str>, bool) {
    let word = token.trim_matches(|c| "(),.;:!?…。、".contains(c));
    let letters = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let is_word = word.split(['-', '\'']).all(letters);
    (is_word.then_some(word), !token.ends_with(['。', '、']))
}

/// A line without what stands in 「」 or between backquotes. A quotation that does not end goes as far
/// as the line.
fn outside_of_quotations(line: &str) -> String {
    let (mut out, mut depth, mut code) = (String::new(), 0_usize, false);
    for c in line.chars() {
        match c {
            '`' if depth == 0 => code = !code,
            '「' if !code => depth += 1,
            '」' if !code => depth = depth.saturating_sub(1),
            _ if depth == 0 && !code => {
                out.push(c);
                continue;
            }
            _ => continue,
        }
        // What stands before it and what stands behind it are no neighbours.
        out.push_str(" \u{3000} ");
    }
    out
}

#[test]
fn the_detector_finds_sentences_and_nothing_else() {
    for sentence in [
        "1.1.1 不適合: the file is missing",
        "gokaku: 警告: /etc/x:3: left as it is",
        "           /etc/x: 検出値 0644。it can be written to by others",
        "ルート /x: a left-alone row",
        "「quoted」 but the rest is not",
        "# a remark that is no diff",
    ] {
        assert_eq!(english(sentence).len(), 1, "{sentence}");
    }
    for fine in [
        "1.1.1 不適合: 検出値 install usb-storage /bin/true、期待値 なし",
        "変更できない: 「no such file or directory」",
        "変更できない: 「the path 「/etc/x」 is not there」。中止",
        "`apt-get install some package here` を実行すること",
        "検出値 restrict default kod nomodify notrap",
        "キー net.ipv4.conf.all.log_martians と /etc/one two /etc/three four",
        "値 one two、three four。five six",
        "# /etc/x (1.1.1)\n--- a/etc/x\n+++ b/etc/x\n@@ -1 +1 @@\n the file is there\n+now it is changed\n",
        "  banner = { text = \"be good to all\" }",
        "one two",
        "CIS Ubuntu Linux 18.04 LTS Benchmark",
    ] {
        assert_eq!(english(fine), [""; 0], "{fine}");
    }
    let after =
        "# /etc/x (1.1.1)\n-gone is the line\n1.1.1 合格 不適合\n           the gap is told here\n";
    assert_eq!(english(after).len(), 1, "a diff ends where the rows begin");
}

/// What the verbs print and log of a tree, in Japanese.
const VERBS: [&[&str]; 5] = [
    &["audit", "-v", "--survey"],
    &["plan", "-v", "--survey"],
    &["explain", "5.3.10"],
    &["explain", "5.4.1.1"],
    &["apply", "-vv", "--allow-lockout", "--protect", "eve", "--state-dir", "STATE"],
];

fn said_about(tree: &Path, state: &Path, verb: &[&str]) -> Option<String> {
    let mut command = gokaku_as_root("what_is_said_of_a_tree_is_japanese")?;
    let state = state.to_str().unwrap();
    command.args(verb.iter().map(|arg| if *arg == "STATE" { state } else { arg }));
    let out = command.args(["--lang", "ja", "--root"]).arg(tree).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Some(format!("{}\n{}", text(out.stdout), text(out.stderr)))
}

/// Everything that is not Japanese, each sentence once.
fn report(all: Vec<(String, String)>) {
    let mut seen = BTreeSet::new();
    let mut left = Vec::new();
    for (what, text) in all {
        for sentence in english(&text) {
            if seen.insert(sentence.clone()) {
                left.push(format!("{what}: {sentence}"));
            }
        }
    }
    assert!(left.is_empty(), "{} English sentences:\n{}", left.len(), left.join("\n"));
}

/// Sources whose sentences are no messages, with the reason.
const NO_MESSAGES: [(&str, &str); 7] = [
    ("src/cli/args.rs", "help and usage errors stay English"),
    ("src/cli/args", "usage errors stay English"),
    ("src/cli/environment.rs", "usage errors stay English"),
    ("src/cli/status.rs", "it has both languages itself, for help and documents"),
    ("src/apply/container", "what the kernel refuses is quoted"),
    ("src/profile", "what the parser of profiles says is quoted"),
    ("src/text", "what a parser expected is quoted"),
];

/// Calls and structures whose sentences are no messages: what a parser found and expected, and what
/// is wrong with a profile, are quoted; usage errors stay English; a panic is for developers.
const QUOTED: [&str; 15] = [
    "Syntax", "syntax", "refused", "endless", "error", "BadPath", "bad", "custom", "wrong",
    "field", "whole", "Usage", "expect", "assert", "Here",
];

/// The beginnings of texts that are written into files, and of parts of quoted ones.
const VALUES: [&str; 13] = [
    // Written into a file.
    "# Log files beside",
    "# Log files of",
    "restrict source",
    "Package: openssh-server",
    // What a parser, or the check of a profile, expected.
    "a UID_MIN of",
    "want exactly one",
    "want one without",
    "want some text",
    "want a script",
    "want words",
    "`{name}` is not the name of a package",
    "`{}` is not the name of a unit",
    // A usage error.
    "SOURCE_DATE_EPOCH: found",
];

/// The string literals of a source that hold a sentence, outside of comments, attributes and tests,
/// each with the calls that it is an argument of.
fn literals(stream: TokenStream, within: &[String], found: &mut Vec<String>) {
    let mut last = String::new();
    let mut tokens = stream.into_iter();
    // A doc comment is an attribute here.
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '#' => {
                let mut attribute = tokens.next().map(|t| t.to_string()).unwrap_or_default();
                if attribute == "!" {
                    attribute = tokens.next().map(|t| t.to_string()).unwrap_or_default();
                }
                if ["[test]", "[cfg(test)]"].contains(&attribute.replace(' ', "").as_str()) {
                    // The item that it stands before: up to its body, or its semicolon.
                    tokens.by_ref().find(|t| match t {
                        TokenTree::Group(g) => g.delimiter() == proc_macro2::Delimiter::Brace,
                        TokenTree::Punct(p) => p.as_char() == ';',
                        _ => false,
                    });
                }
            }
            TokenTree::Ident(name) => {
                last = name.to_string();
                continue;
            }
            TokenTree::Punct(p) if p.as_char() == '!' => continue,
            TokenTree::Group(g) => {
                let mut inside = within.to_vec();
                inside.push(std::mem::take(&mut last));
                literals(g.stream(), &inside, found);
            }
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                let is_quoted = within.iter().any(|name| QUOTED.contains(&name.as_str()))
                    || VALUES.iter().any(|known| text.trim_matches('"').starts_with(known));
                if text.starts_with(['"', 'r'])
                    && !is_quoted
                    && !english(&text.replace("\\n", "\n")).is_empty()
                {
                    found.push(format!("{}: {text}", within.join(" ")));
                }
            }
            _ => {}
        }
        last.clear();
    }
}

/// A sentence that a person reads is a message: none stands in a literal elsewhere.
#[test]
fn no_sentence_goes_around_the_messages() {
    let mut left = Vec::new();
    let mut todo = vec![std::path::PathBuf::from("src")];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
            continue;
        }
        let is_of_tests = path.components().any(|c| {
            ["tests", "testing", "tests.rs", "laws.rs", "messages.rs", "cannot.rs"]
                .contains(&c.as_os_str().to_str().unwrap())
        });
        let is_none = NO_MESSAGES.iter().any(|(known, _)| path.starts_with(known));
        if is_of_tests || is_none || path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let mut found = Vec::new();
        literals(std::fs::read_to_string(&path).unwrap().parse().unwrap(), &[], &mut found);
        left.extend(found.into_iter().map(|text| format!("{}: {text}", path.display())));
    }
    left.sort();
    assert!(left.is_empty(), "{} sentences are no messages:\n{}", left.len(), left.join("\n"));
}

#[test]
fn list_is_japanese() {
    let out = gokaku().args(["list", "--lang", "ja"]).output().unwrap();
    report(vec![("list".to_owned(), String::from_utf8(out.stdout).unwrap())]);
    let by_locale = gokaku().arg("list").env("LC_ALL", "ja_JP.UTF-8").output().unwrap();
    assert!(String::from_utf8(by_locale.stdout).unwrap().contains("合格"));
}

/// `--lang` counts for the log of verbs that print no table, too.
#[test]
fn a_refusal_is_japanese() {
    let dir = tempfile::tempdir().unwrap();
    for verb in [&["forget", "--root"][..], &["audit", "--root"], &["image", "inspect"]] {
        let none = dir.path().join("none");
        let out = gokaku().args(verb).arg(none).args(["--lang", "ja"]).output().unwrap();
        let log = String::from_utf8(out.stderr).unwrap();
        assert!(log.starts_with("gokaku: エラー: "), "{verb:?}: {log}");
    }
}

#[test]
fn what_is_said_of_a_tree_is_japanese() {
    let dir = tempfile::tempdir().unwrap();
    let (tree, state) = (dir.path().join("root"), dir.path().join("state"));
    std::fs::create_dir(&tree).unwrap();
    rich::plant(&tree);
    let mut all = Vec::new();
    for verb in VERBS {
        let Some(said) = said_about(&tree, &state, verb) else { return };
        all.push((verb.join(" "), said));
    }
    report(all);
}

#[test]
fn what_is_said_of_a_real_root_is_japanese() {
    let test = "what_is_said_of_a_real_root_is_japanese";
    let Some(root) = root(test) else { return };
    let script = r#"
export GOKAKU_LANG=ja
gokaku audit -v --survey --root "$GOKAKU_ROOT" >"$OUT/audit" 2>&1 || true
gokaku plan --root "$GOKAKU_ROOT" >"$OUT/plan" 2>&1 || true
for id in 3.2.1 4.2.1.3 5.2.4 5.3.10 5.4.1 6.2.8; do
    gokaku explain "$id" --root "$GOKAKU_ROOT" >>"$OUT/explain" 2>&1 || true
done
gokaku apply -vv --root "$GOKAKU_ROOT" --state-dir "$STATE" >"$OUT/apply" 2>&1 || true
gokaku revert -v --root "$GOKAKU_ROOT" --state-dir "$STATE" >"$OUT/revert" 2>&1 || true
"#;
    let Some(ran) = in_overlay(test, &root, script) else { return };
    let of = |name: &str| (name.to_owned(), ran.file(name));
    report(["audit", "plan", "explain", "apply", "revert"].map(of).into());
}
