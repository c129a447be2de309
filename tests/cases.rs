//! Each file of `tests/cases/` tells how one row judges and mends small trees.
//!
//! `tests/cases/<row>.case` holds any number of cases:
//!
//! ```text
//! == a looser value is rewritten where it stands
//! -- /etc/ssh/sshd_config 0644 0:0        a file, its text below
//! MaxAuthTries 6
//! -- /etc/cron.d/ 0755 0:0                a directory
//! -- /etc/motd -> issue                   a link
//! -- gone /etc/fstab                      taken out of the base tree
//! -- outcome not_met -> met               how it is judged, and how after the plan
//! -- after /etc/ssh/sshd_config 0600 0:0  what the plan makes of it; mode and owner if they matter
//! MaxAuthTries 4
//! -- after gone /etc/rc2.d/S01autofs
//! ```
//!
//! Every case starts from `tests/cases/base.tree`. What a case does not name must not change: every
//! path the plan touches has an `after` (`-- after any /path` where the text is told elsewhere).
//! Planning again on the result must find nothing to do.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use gokaku::plan;
use gokaku::profile::{Profile, Rule, Status};
use gokaku::rootfs::{FileKind, ImagePath, MemoryRootfs, Rootfs};

/// A header line (without `-- `) and the text below it.
type Part = (String, String);

struct Case {
    name: String,
    parts: Vec<Part>,
}

fn read(name: &str) -> String {
    let path = format!("{}/tests/cases/{name}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn parts(text: &str) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::new();
    for line in text.split_inclusive('\n') {
        if let Some(head) = line.strip_prefix("-- ") {
            out.push((head.trim_end().to_owned(), String::new()));
        } else if let Some((_, body)) = out.last_mut() {
            body.push_str(line);
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
        // The split took the line feed that ends the last line.
        out.push(Case { name: name.trim().to_owned(), parts: parts(&format!("{body}\n")) });
    }
    // The file's own last line feed came on top.
    if let Some((_, body)) = out.last_mut().and_then(|c| c.parts.last_mut()) {
        body.truncate(body.trim_end_matches('\n').len());
        if !body.is_empty() {
            body.push('\n');
        }
    }
    out
}

fn mode_and_owner(words: &[&str]) -> Option<(u32, u32, u32)> {
    let [mode, owner] = words else { return None };
    let (uid, gid) = owner.split_once(':')?;
    Some((u32::from_str_radix(mode, 8).ok()?, uid.parse().ok()?, gid.parse().ok()?))
}

fn build(mut root: MemoryRootfs, parts: &[Part]) -> MemoryRootfs {
    for (head, body) in parts {
        let words: Vec<&str> = head.split_whitespace().collect();
        root = match words[..] {
            ["outcome", ..] | ["after", ..] => root,
            ["gone", path] => root.without(path),
            [path, "->", target] => root.link(path, target),
            [path] => root.without(path).file(path, body),
            [path, ..] => {
                let (mode, uid, gid) = mode_and_owner(&words[1..])
                    .unwrap_or_else(|| panic!("want `path mode uid:gid`: {head}"));
                match path.strip_suffix('/') {
                    Some(dir) => root.dir(dir, mode, uid, gid),
                    None => root.without(path).file_with(path, body, mode, uid, gid),
                }
            }
            [] => panic!("an empty header"),
        };
    }
    root
}

fn run(file: &str, rule: &Rule, base: &[Part], case: &Case) {
    let at = format!("{file}: {}", case.name);
    let root = build(build(MemoryRootfs::new(), base), &case.parts);
    let plan = plan::plan(&[rule], &root).unwrap_or_else(|e| panic!("{at}: {e}"));
    let (before, after) = (&plan.before[0], &plan.after[0]);
    let outcome = match before.outcome == after.outcome {
        true => before.outcome.word().to_owned(),
        false => format!("{} -> {}", before.outcome.word(), after.outcome.word()),
    };
    let result = root.changed(plan.changes());
    let mut expected_paths = BTreeSet::new();
    let mut judged = false;
    for (head, body) in &case.parts {
        let words: Vec<&str> = head.split_whitespace().collect();
        let path = |p: &str| ImagePath::parse(p).unwrap();
        match words[..] {
            ["outcome", ref rest @ ..] => {
                judged = true;
                assert_eq!(outcome, rest.join(" "), "{at}\nbefore: {before:#?}\nafter: {after:#?}");
            }
            ["after", "any", p] => {
                expected_paths.insert(path(p));
            }
            ["after", "gone", p] => {
                assert_eq!(result.stat(&path(p)).unwrap(), None, "{at}: {p}");
                expected_paths.insert(path(p));
            }
            ["after", p, "->", target] => {
                let found = result.read_link(&path(p)).unwrap();
                assert_eq!(found.as_deref(), Some(target.as_bytes()), "{at}: {p}");
                expected_paths.insert(path(p));
            }
            ["after", p, ref stat @ ..] => {
                let found = result.stat(&path(p.trim_end_matches('/'))).unwrap();
                let found = found.unwrap_or_else(|| panic!("{at}: {p} is not there"));
                if let Some(want) = mode_and_owner(stat) {
                    assert_eq!((found.mode, found.uid, found.gid), want, "{at}: {p}");
                }
                // Mode alone: the text does not change.
                if found.kind == FileKind::File && (stat.is_empty() || !body.is_empty()) {
                    assert_eq!(result.read(&path(p)).unwrap().unwrap(), *body, "{at}: {p}");
                }
                expected_paths.insert(path(p.trim_end_matches('/')));
            }
            _ => {}
        }
    }
    assert!(judged, "{at}: no `-- outcome`");
    let changed: BTreeSet<ImagePath> = plan.changes().iter().map(|c| c.path.clone()).collect();
    // Directories that only hold a named file need no line of their own.
    let implied = |p: &ImagePath| expected_paths.iter().any(|e| e != p && e.starts_with(p));
    let unnamed: Vec<_> =
        changed.iter().filter(|p| !expected_paths.contains(*p) && !implied(p)).collect();
    assert!(unnamed.is_empty(), "{at}: changes what the case does not name: {unnamed:?}");
    let again = plan::plan(&[rule], &result).unwrap();
    assert!(again.changes().is_empty(), "{at}: a second run would change {:?}", again.changes());
}

#[test]
fn every_case_comes_out_as_told() {
    let profile = Profile::embedded().unwrap();
    let base = parts(&read("base.tree"));
    let dir = format!("{}/tests/cases", env!("CARGO_MANIFEST_DIR"));
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for entry in fs::read_dir(dir).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(id) = file.strip_suffix(".case") else { continue };
        let rule = profile.rule(&id.parse().unwrap()).unwrap_or_else(|| panic!("no row {id}"));
        for case in cases(&read(&file)) {
            run(&file, rule, &base, &case);
            count += 1;
            let outcome = case.parts.iter().find_map(|(h, _)| h.strip_prefix("outcome "));
            told.entry(id.to_owned()).or_default().push(outcome.unwrap_or("").to_owned());
        }
    }
    // At least one wrong and one right tree for every row that is to pass.
    let mut lacking = Vec::new();
    for rule in profile.rules.iter().filter(|r| r.status() == Status::Pass) {
        let outcomes = told.get(&rule.id.to_string()).cloned().unwrap_or_default();
        // The three rows that a person judges have one outcome only.
        let manual = outcomes.iter().any(|o| o == "manual");
        let right = outcomes.iter().any(|o| o == "met" || o == "met_vacuously");
        let wrong = outcomes.iter().any(|o| o.starts_with("not_met"));
        if !(manual || (right && wrong)) {
            lacking.push(rule.id.to_string());
        }
    }
    println!("{count} cases for {} rows", told.len());
    assert!(lacking.is_empty(), "rows without a right and a wrong case: {lacking:?}");
}
