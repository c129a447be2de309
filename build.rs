//! Tells the program which commit it is made of, without a network and without need of git.
//!
//! `GOKAKU_COMMIT` names it (empty: none); else a release build in a checkout asks git. A debug
//! build does not ask: every commit would have it and all tests built anew. The text depends on the
//! commit alone, so that two builds of one commit are the same bytes.
#![allow(clippy::disallowed_methods)] // a build has no target; these are its own files

use std::path::Path;
use std::process::Command;

/// What the binary is made of; a change elsewhere does not make it another one.
const SOURCES: [&str; 6] =
    ["build.rs", "Cargo.toml", "Cargo.lock", "src", "profiles", ".cargo/config.toml"];

fn main() {
    println!("cargo::rerun-if-env-changed=GOKAKU_COMMIT");
    // Without any such line cargo would look at every file of the package.
    println!("cargo::rerun-if-changed=build.rs");
    let commit = match std::env::var("GOKAKU_COMMIT") {
        Ok(given) => Some(given.trim().to_owned()).filter(|c| !c.is_empty()),
        Err(_) if std::env::var("PROFILE").is_ok_and(|p| p == "release") => ask_git(),
        Err(_) => None,
    };
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let shown = commit.map_or_else(|| version.clone(), |commit| format!("{version} ({commit})"));
    println!("cargo::rustc-env=GOKAKU_VERSION={shown}");
}

/// The commit checked out here, marked where the sources are not those of it. `None`: no git, no
/// checkout, or a checkout of something else that this source happens to lie in.
fn ask_git() -> Option<String> {
    let here = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if std::fs::canonicalize(top).ok()? != std::fs::canonicalize(here).ok()? {
        return None;
    }
    let branch = git(&["symbolic-ref", "-q", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        watch(&git(&["rev-parse", "--git-path", name])?);
    }
    SOURCES.into_iter().for_each(watch);
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changed = git(&[&["status", "--porcelain", "--"][..], &SOURCES].concat())?;
    Some(if changed.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// A path that is not there would make cargo build anew each time.
fn watch(path: &str) {
    if Path::new(path).exists() {
        println!("cargo::rerun-if-changed={path}");
    }
}

fn git(args: &[&str]) -> Option<String> {
    let out = Command::new("git").arg("--no-optional-locks").args(args).output().ok()?;
    let text = String::from_utf8(out.stdout).ok()?;
    out.status.success().then(|| text.trim().to_owned())
}
