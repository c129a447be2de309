//! The fuzz targets of `fuzz/` on a stable toolchain: every committed seed, and some thousand
//! inputs made from them in disorder, the same in every run. `fuzz/run.sh` does more.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::collections::BTreeSet;
use std::panic;
use std::path::{Path, PathBuf};

use targets::{TARGETS, Target};

/// Inputs made for a target of texts, and for one of rules, which takes longer.
const TEXTS: usize = 2000;
const TREES: usize = 100;
/// No input is longer (bytes).
const LONGEST: usize = 2048;
/// What means something to one parser or another.
const WORDS: &[&[u8]] = &[
    b"\n",
    b"\r\n",
    b"\\\n",
    b"\r",
    b"\0",
    b" ",
    b"\t",
    b"#",
    b"=",
    b":",
    b"\"",
    b"'",
    b"[",
    b"]",
    b"{",
    b"}",
    b"(",
    b")",
    b"*",
    b"?",
    b"!",
    b"-",
    b"+",
    b"0",
    b"-1",
    b"99999999999999999999",
    b"%%\n",
    b"\xff",
    b"\xc3\xa9",
    b"# gokaku: ",
    b"../",
    b"/etc/",
    b"$",
    b"|",
    b"&&",
    b";",
    b"<<E",
];

/// Reproducible disorder.
struct Disorder(u64);

impl Disorder {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// A stretch of `len` bytes at most.
    fn stretch(&mut self, all: &[u8], len: usize) -> std::ops::Range<usize> {
        let start = self.below(all.len() + 1);
        start..(start + self.below(len) + 1).min(all.len())
    }

    /// Changes the input in one place.
    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        match self.below(7) {
            0 => input.extend([u8::try_from(self.below(256)).unwrap()]),
            1 => {
                if let Some(byte) = input.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            2 => {
                let gone = self.stretch(input, 40);
                input.drain(gone);
            }
            3 | 4 => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.iter().copied());
            }
            5 => {
                let copied = self.stretch(input, 80);
                let copied = input[copied].to_vec();
                input.splice(at..at, copied);
            }
            _ => {
                let other = &seeds[self.below(seeds.len())];
                let taken = self.stretch(other, 80);
                input.splice(at..at, other[taken].iter().copied());
            }
        }
        input.truncate(LONGEST);
    }
}

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
        let mut disorder = Disorder(0x9e37_79b9_7f4a_7c15);
        for _ in 0..runs {
            let mut input = seeds[disorder.below(seeds.len())].clone();
            for _ in 0..=disorder.below(6) {
                disorder.change(&mut input, &seeds);
            }
            try_one(name, *target, &input);
        }
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
