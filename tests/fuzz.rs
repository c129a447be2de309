//! The fuzz targets of `fuzz/` on a stable toolchain: every committed seed, and some thousand
//! inputs made from them in disorder, the same in every run. `fuzz/run.sh` does more.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;
use std::panic;
use std::path::{Path, PathBuf};

use targets::disorder::Disorder;
use targets::{TARGETS, Target};

/// Inputs made for a target of texts, and for one of rules, which takes longer.
const TEXTS: usize = 2000;
const TREES: usize = 100;
/// No input is longer (bytes).
const LONGEST: usize = 2048;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let dir = fuzz().join("seeds").join(name);
    let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
    let mut files: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    files.sort();
    let seeds: Vec<Vec<u8>> = files.iter().map(|f| std::fs::read(f).unwrap()).collect();
    assert!(!seeds.is_empty(), "no seed in {}", dir.display());
    seeds
}

fn try_one(name: &str, target: Target, input: &[u8]) {
    if let Err(cause) = panic::catch_unwind(|| target(input)) {
        eprintln!("target {name}, input b\"{}\"", input.escape_ascii());
        panic::resume_unwind(cause);
    }
}

fn try_all(wanted: impl Fn(&str) -> bool, runs: usize) {
    for (name, target) in TARGETS.iter().filter(|(name, _)| wanted(name)) {
        let seeds = seeds(name);
        seeds.iter().for_each(|seed| try_one(name, *target, seed));
        try_one(name, *target, b"");
        let mut disorder = Disorder::new(0);
        (0..runs).for_each(|_| try_one(name, *target, &disorder.input(&seeds, LONGEST)));
    }
}

#[test]
fn parsers_and_editors_keep_their_promises_on_any_text() {
    try_all(|name| !name.starts_with("rules_"), TEXTS);
}

#[test]
fn rules_keep_their_promises_on_trees_of_any_texts() {
    try_all(|name| name.starts_with("rules_"), TREES);
}

#[test]
fn every_target_is_built_and_seeded() {
    let names: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names.len(), TARGETS.len(), "two targets of one name");
    let manifest = std::fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let bins = manifest.lines().filter_map(|l| l.strip_prefix("path = \"fuzz_targets/"));
    let bins: BTreeSet<String> = bins.map(|l| l.trim_end_matches(".rs\"").to_owned()).collect();
    assert_eq!(bins, names, "fuzz/Cargo.toml");
    for (what, suffix) in [("fuzz_targets", ".rs"), ("seeds", "")] {
        let found = std::fs::read_dir(fuzz().join(what)).unwrap();
        let found = found.map(|e| e.unwrap().file_name().into_string().unwrap());
        let found: BTreeSet<String> =
            found.map(|n| n.trim_end_matches(suffix).to_owned()).collect();
        assert_eq!(found, names, "fuzz/{what}");
    }
    for (name, _) in TARGETS {
        let text = std::fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("::{name}")), "{name}: {text}");
    }
}
