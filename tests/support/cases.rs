//! Reads the case files of `tests/cases/`; `tests/cases.rs` tells their format.
#![allow(dead_code, clippy::disallowed_methods)]

use std::fs;
use std::path::PathBuf;

use gokaku::check::{Options, Subject};
use gokaku::message::Message;
use gokaku::rootfs::{ImagePath, MemoryRootfs, Rootfs};

/// What stands below a header `-- head`.
#[derive(Debug, Clone)]
pub struct Part {
    /// The words of the header.
    pub head: Vec<String>,
    /// The lines below it.
    pub body: String,
}

/// One small tree and what is told of it.
pub struct Case {
    /// The words after `== `.
    pub name: String,
    /// What differs from the base tree, and what is expected.
    pub parts: Vec<Part>,
}

impl Case {
    /// The words after `outcome`.
    pub fn outcome(&self) -> String {
        let told = self.parts.iter().filter(|p| p.head[0] == "outcome");
        let told: Vec<String> = told.map(|p| p.head[1..].join(" ")).collect();
        assert_eq!(told.len(), 1, "{}: want one `-- outcome`", self.name);
        told.concat()
    }

    /// The options of the audit: which accounts are protected.
    pub fn options(&self) -> Options {
        let mut options = Options::default();
        for part in &self.parts {
            if let ["protect", account] = words(part)[..] {
                let cause = Message::from("the account is protected in this run");
                options.exclusions.exclude(Subject::account(account.as_bytes()), cause);
            }
        }
        options
    }

    /// The base tree with what the case changes in it.
    pub fn tree(&self, base: &MemoryRootfs) -> MemoryRootfs {
        build(base.clone(), &self.parts, &self.name)
    }
}

fn dir() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "cases"].iter().collect()
}

fn read(name: &str) -> String {
    let text = fs::read_to_string(dir().join(name.trim_start_matches('/')))
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    // In shadow, day 30000 stands for today: a later one would speak against the clock.
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    text.replace(":30000:", &format!(":{}:", now.as_secs() / 86_400))
}

/// `base.tree`: where every case starts.
pub fn base() -> MemoryRootfs {
    build(MemoryRootfs::new(), &base_parts(), "base.tree")
}

/// The parts of `base.tree`.
pub fn base_parts() -> Vec<Part> {
    cases(&read("base.tree")).into_iter().flat_map(|group| group.parts).collect()
}

/// Every case file of the table: the row's number and its cases.
pub fn all() -> Vec<(String, Vec<Case>)> {
    all_below("")
}

/// The case files in a folder below `tests/cases`: those of a layer's own rows.
pub fn all_below(folder: &str) -> Vec<(String, Vec<Case>)> {
    let dir = dir().join(folder);
    let names = fs::read_dir(&dir).expect("tests/cases").map(|e| e.expect("an entry").file_name());
    let mut files: Vec<String> = names.filter_map(|n| n.into_string().ok()).collect();
    files.sort();
    let ids = files.iter().filter_map(|f| f.strip_suffix(".case"));
    ids.map(|id| (id.to_owned(), cases(&read(&format!("{folder}/{id}.case"))))).collect()
}

fn parts(text: &str) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(head) = line.strip_prefix("-- ") {
            let head: Vec<String> = head.split_whitespace().map(str::to_owned).collect();
            assert!(!head.is_empty(), "an empty header");
            out.push(Part { head, body: String::new() });
        } else if let Some(part) = out.last_mut() {
            part.body.push_str(line);
        } else if !line.trim().is_empty() && !line.starts_with('#') {
            panic!("text before the first `-- `: {line}");
        }
    }
    out
}

fn cases(text: &str) -> Vec<Case> {
    let mut out = Vec::new();
    for chunk in format!("\n{text}").split("\n== ").skip(1) {
        let (name, body) = chunk.split_once('\n').unwrap_or((chunk, ""));
        // The line feed that ends the last line was taken by the split or is the file's own; one
        // empty line may part two cases.
        let body = body.strip_suffix('\n').unwrap_or(body);
        out.push(Case { name: name.trim().to_owned(), parts: parts(&format!("{body}\n")) });
    }
    out
}

/// `0644 0:0` as mode, owner and group.
fn mode_and_owner(words: &[&str], at: &str) -> Option<(u32, u32, u32)> {
    let [mode, owner] = words else {
        assert!(words.is_empty(), "{at}: want `path mode uid:gid`: {words:?}");
        return None;
    };
    let (uid, gid) = owner.split_once(':').unwrap_or_else(|| panic!("{at}: owner {owner}"));
    let number = |s: &str| s.parse().unwrap_or_else(|_| panic!("{at}: owner {owner}"));
    let mode = u32::from_str_radix(mode, 8).unwrap_or_else(|_| panic!("{at}: mode {mode}"));
    Some((mode, number(uid), number(gid)))
}

/// What a header says of a file beside its path.
pub struct FileSpec {
    /// Mode, owner and group, if told.
    pub stat: Option<(u32, u32, u32)>,
    crlf: bool,
    unterminated: bool,
}

impl FileSpec {
    /// Reads the words after a path.
    pub fn parse(words: &[&str], at: &str) -> FileSpec {
        let flag = |f: &str| words.contains(&f);
        let rest: Vec<&str> =
            words.iter().copied().filter(|w| !["crlf", "unterminated"].contains(w)).collect();
        FileSpec {
            stat: mode_and_owner(&rest, at),
            crlf: flag("crlf"),
            unterminated: flag("unterminated"),
        }
    }

    /// The text that the lines of a body stand for.
    pub fn text(&self, body: &str) -> String {
        let mut text = if self.crlf { body.replace('\n', "\r\n") } else { body.to_owned() };
        if self.unterminated {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        text
    }
}

/// A part's header as words.
pub fn words(part: &Part) -> Vec<&str> {
    part.head.iter().map(String::as_str).collect()
}

/// A path of a case.
pub fn path(text: &str) -> ImagePath {
    ImagePath::parse(text.trim_end_matches('/')).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The text of the file at `at`.
pub fn text_at(root: &dyn Rootfs, at: &str) -> String {
    let text = root.read(&path(at)).unwrap_or_else(|e| panic!("{at}: {e}"));
    text.unwrap_or_else(|| panic!("{at}: nothing there to edit"))
}

fn build(mut root: MemoryRootfs, parts: &[Part], at: &str) -> MemoryRootfs {
    for part in parts {
        let body = &part.body;
        root = match words(part)[..] {
            ["outcome", ..] | ["after", ..] | ["protect", _] => root,
            ["gone", p] => root.without(p),
            ["edit", p, ref rest @ ..] => {
                let spec = FileSpec::parse(rest, at);
                let text = spec.text(&edit(&text_at(&root, p), body, at));
                let old = root.stat(&path(p)).unwrap().unwrap();
                let (mode, uid, gid) = spec.stat.unwrap_or((old.mode, old.uid, old.gid));
                root.file_with(p, text, mode, uid, gid)
            }
            [p, "->", target] => root.without(p).link(p, target),
            [p, ref rest @ ..] => {
                let spec = FileSpec::parse(rest, at);
                match p.strip_suffix('/') {
                    Some(dir) => {
                        let (mode, uid, gid) = spec.stat.unwrap_or((0o755, 0, 0));
                        root.dir(dir, mode, uid, gid)
                    }
                    None => {
                        let (mode, uid, gid) = spec.stat.unwrap_or((0o644, 0, 0));
                        root.without(p).file_with(p, spec.text(body), mode, uid, gid)
                    }
                }
            }
            [] => unreachable!("a header has a word"),
        };
    }
    root
}

/// Carries out `-line`, `+line` and ` line`: the line is taken out, put in, or looked for. A line
/// put in stands where the last one was taken out or found, else at the end.
pub fn edit(text: &str, script: &str, at: &str) -> String {
    let mut lines: Vec<(String, String)> = text
        .split_inclusive('\n')
        .map(|line| {
            let bare = line.trim_end_matches(['\r', '\n']);
            (bare.to_owned(), line[bare.len()..].to_owned())
        })
        .collect();
    let own_end = lines.first().map_or("\n", |(_, end)| if end == "\r\n" { end } else { "\n" });
    let own_end = own_end.to_owned();
    let mut cursor: Option<usize> = None;
    let mut taken: Option<String> = None;
    for line in script.lines() {
        let (sign, told) = line.split_at_checked(1).unwrap_or((" ", ""));
        match sign {
            "+" => {
                let here = cursor.unwrap_or(lines.len());
                if let Some((_, end)) = here.checked_sub(1).and_then(|i| lines.get_mut(i))
                    && end.is_empty()
                {
                    *end = own_end.clone();
                }
                let end = taken.take().unwrap_or_else(|| own_end.clone());
                lines.insert(here, (told.to_owned(), end));
                cursor = Some(here + 1);
            }
            "-" | " " => {
                let from = cursor.unwrap_or(0);
                let found = lines[from..].iter().position(|(l, _)| l == told);
                let here = from + found.unwrap_or_else(|| panic!("{at}: no line `{told}`"));
                taken = (sign == "-").then(|| lines.remove(here).1);
                cursor = Some(if sign == "-" { here } else { here + 1 });
            }
            _ => panic!("{at}: want `-line`, `+line` or ` line`: {line}"),
        }
    }
    lines.into_iter().map(|(line, end)| line + &end).collect()
}
