//! Every file and every command of docs/profiles.md.

use std::fs;
use std::process::Command;

use crate::program::{Tree, answer};
use crate::support::{gokaku, repository};

/// The fenced blocks of a page: language and text.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(language) = line.strip_prefix("```").filter(|name| !name.is_empty()) else {
            continue;
        };
        let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        all.push((language.to_owned(), text.join("\n") + "\n"));
    }
    all
}

fn page(name: &str) -> String {
    fs::read_to_string(repository(name)).unwrap()
}

/// A command as a person types it; what is in quotes is one word.
fn command(tree: &Tree, line: &str) -> Command {
    let mut command = gokaku();
    command.current_dir(tree.0.path()).args(line.split_whitespace().skip(1));
    command
}

#[test]
fn all_of_it_is_as_the_page_says() {
    let tree = Tree::new(&[
        ("image/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n"),
        ("image/usr/lib/x", ""),
        ("image/etc/crontab", ""),
        ("image/etc/motd", "Hello.\n"),
        ("image/etc/passwd", "root:x:0:0::/root:/bin/bash\nsolr:x:1001:1001::/srv:/bin/bash\n"),
        ("image/etc/group", "root:x:0:\nsolr:x:1001:\n"),
        ("image/etc/shadow", "root:*:18000:0:365:7:30::\nsolr:$6$a$b:18000:0:365:7:30::\n"),
    ]);
    let mut ran = 0;
    for (language, text) in blocks(&page("docs/profiles.md")) {
        match language.as_str() {
            "toml" => {
                let name =
                    text.lines().next().and_then(|line| line.strip_prefix("# ")).expect(&text);
                tree.file(name, &text);
                let (status, _, err) = tree.run(&format!("profile check {name}"));
                assert_eq!(status, 0, "{name}: {err}\n{text}");
            }
            "console" => {
                let mut said = String::new();
                for line in text.lines() {
                    let Some(typed) = line.strip_prefix("$ ") else {
                        assert!(said.contains(line), "want {line} in\n{said}");
                        continue;
                    };
                    let (typed, note) = typed.split_once("    # ").unwrap_or((typed, "exit 0"));
                    let want: i32 = note.strip_prefix("exit ").unwrap().parse().unwrap();
                    let (status, out, err) = answer(&mut command(&tree, typed));
                    assert_eq!(status, want, "{typed}: {out}{err}");
                    said = out + &err;
                    ran += 1;
                }
            }
            other => panic!("{other}"),
        }
    }
    assert!(ran > 15, "{ran}");
}

#[test]
fn both_languages_have_the_same_examples() {
    assert_eq!(blocks(&page("docs/profiles.md")), blocks(&page("docs/profiles.ja.md")));
}
