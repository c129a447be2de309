//! The readers: packages of Python and of Node, each in a directory of its own, installed once.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use crate::support;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A Python that has these packages (`name==version`); `None`, said loudly, where they cannot be had.
pub fn python(test: &str, packages: &[&str]) -> Option<PathBuf> {
    let dir = place("python", packages);
    let python = dir.join("bin/python");
    install(test, &dir, || {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&dir).output();
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
        [made, pip.output()].into_iter().collect()
    })
    .then_some(python)
}

/// The `node_modules` with these packages (`name@version`); `None`, said loudly, where they cannot
/// be had.
pub fn node(test: &str, packages: &[&str]) -> Option<PathBuf> {
    let dir = place("node", packages);
    install(test, &dir, || {
        fs::create_dir_all(&dir)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&dir);
        Ok(vec![npm.args(packages).output()?])
    })
    .then(|| dir.join("node_modules"))
}

fn place(kind: &str, packages: &[&str]) -> PathBuf {
    let name: String = packages.join("+").chars().map(|c| if c == '/' { '-' } else { c }).collect();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("interop").join(kind).join(name)
}

/// Whether what `steps` install into `dir` is there. An installation that was cut off is begun anew.
fn install(
    test: &str,
    dir: &Path,
    steps: impl FnOnce() -> std::io::Result<Vec<std::process::Output>>,
) -> bool {
    let _lock = ONE_AT_A_TIME.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let done = dir.join("installed");
    if done.exists() {
        return true;
    }
    let _ = fs::remove_dir_all(dir);
    fs::create_dir_all(dir).unwrap();
    let why = match steps() {
        Err(e) => e.to_string(),
        Ok(outputs) => match outputs.iter().find(|output| !output.status.success()) {
            None => {
                fs::write(done, "").unwrap();
                return true;
            }
            Some(failed) => String::from_utf8_lossy(&failed.stderr).into_owned(),
        },
    };
    support::skip(test, &format!("{}: {why}", dir.display()));
    false
}
