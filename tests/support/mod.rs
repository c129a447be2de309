//! What the tests on real root filesystems share.
//!
//! The roots are Debian 11 under the name of Ubuntu 18.04 (`tests/standin-root.sh`), or a real one
//! named by `GOKAKU_TEST_ROOTFS`. Each test works on a cheap overlay of it (`tests/overlay.sh`): a
//! shell script runs with `GOKAKU_ROOT`, and leaves what the test looks at in `OUT`.
#![allow(dead_code, clippy::disallowed_methods)]

pub mod rich;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A program that sees none of the environment variables with which gokaku is set up.
pub fn bare_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("GOKAKU_")) {
        command.env_remove(name);
    }
    command
}

/// The built program.
pub fn gokaku() -> Command {
    let mut command = bare_command(env!("CARGO_BIN_EXE_gokaku"));
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// The built program with the right to give files to root: as root, or in a user namespace in which
/// the caller's own files are root's. `None`: neither is possible here, said loudly.
pub fn gokaku_as_root(test: &str) -> Option<Command> {
    let direct = gokaku();
    if users::get_effective_uid() == 0 {
        return Some(direct);
    }
    let unshare = |program: &std::ffi::OsStr| {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "--map-auto", "--"]).arg(program).env("LC_ALL", "C.UTF-8");
        command
    };
    match unshare("true".as_ref()).output() {
        Ok(out) if out.status.success() => Some(unshare(direct.get_program())),
        _ => {
            skip(test, "run as root, or allow user namespaces (unshare -Ur --map-auto)");
            None
        }
    }
}

/// Whether this process may make root's files. Where it may not, it runs the test again in a user
/// namespace, and the answer is no.
pub fn as_root(test: &str) -> bool {
    if users::get_effective_uid() == 0 {
        return true;
    }
    let unshare = |program: &Path, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-Ur", "--map-auto", "--"]).arg(program).args(args);
        command
    };
    if unshare(Path::new("true"), &[])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
    {
        let own = std::env::current_exe().unwrap();
        let status = unshare(&own, &[test, "--exact", "--nocapture"]).status().unwrap();
        assert!(status.success(), "{test} in a user namespace");
    } else {
        skip(test, "run as root, or allow user namespaces (unshare -Ur --map-auto)");
    }
    false
}

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A row of a profile that is to pass, as TOML.
pub fn row(id: &str, title: &str, want: &str) -> String {
    format!(
        r#"
[[rule]]
id = "{id}"
title = {{ en = "{title}", ja = "a" }}
level = 1
status = "pass"
rationale = {{ en = "a", ja = "a" }}
[[rule.want]]
{want}
"#
    )
}

/// Says on the real stderr (not the one the harness keeps) that something was not tested.
pub fn skip(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Whether every one of these programs is here; the first that is not is said loudly, with the
/// Debian package that has it. Pairs as `packer:packer`, as for `provision/need.sh`.
pub fn have(test: &str, programs: &[&str]) -> bool {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    for pair in programs {
        let (program, package) = pair.split_once(':').unwrap_or((pair, pair));
        if !std::env::split_paths(&path).any(|dir| dir.join(program).is_file()) {
            skip(test, &format!("no {program} here (Debian package {package})"));
            return false;
        }
    }
    true
}

/// The static binary that `tests/run.sh` builds: the only one that runs inside a test root. One
/// that happens to lie around may be an old one; only the one that was named counts.
pub fn static_binary(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("GOKAKU_STATIC").map(PathBuf::from);
    if named.is_none() {
        skip(test, "GOKAKU_STATIC names no binary; tests/run.sh builds one and does");
    }
    named
}

/// Whether this is root, for what an ordinary user cannot even do in a user namespace.
pub fn is_root(test: &str, what: &str) -> bool {
    let root = users::get_effective_uid() == 0;
    if !root {
        skip(test, &format!("only root can {what}"));
    }
    root
}

/// The root to test on, if this machine has one ready. `tests/run.sh` makes it.
pub fn root(test: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GOKAKU_STANDIN") {
        return Some(path.into());
    }
    let script = repository("tests/standin-root.sh");
    let out = Command::new(script).arg("--ready").output().expect("run tests/standin-root.sh");
    if !out.status.success() {
        skip(test, "no test root is ready; `tests/standin-root.sh` makes one");
        return None;
    }
    Some(String::from_utf8(out.stdout).expect("a path in UTF-8").trim_end().into())
}

/// What a script in an overlay left behind.
pub struct Ran {
    /// The script's exit status, stdout and stderr.
    pub output: Output,
    dir: tempfile::TempDir,
}

impl Ran {
    /// A file the script left in `$OUT`.
    pub fn file(&self, name: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| {
            panic!("{name}: {e}\n{}", String::from_utf8_lossy(&self.output.stderr))
        })
    }

    /// A file the script left in `$OUT`, as JSON.
    pub fn json(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.file(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// A listing the script left in `$OUT`; see [`LISTING`].
    pub fn listing(&self, name: &str) -> BTreeMap<String, String> {
        self.file(name)
            .lines()
            .filter_map(|l| l.split_once('\t'))
            .map(|(path, rest)| (path.to_owned(), rest.to_owned()))
            .collect()
    }
}

/// Shell function `listing NAME`: every path of the root with kind, mode, owner, size, modification
/// time, link target and digest, into `$OUT/NAME`.
pub const LISTING: &str = r#"
listing() {
    (cd "$GOKAKU_ROOT" && {
        # A directory's size is the filesystem's business.
        find . -xdev ! -type f -printf '/%P\t%y %m %U:%G %T@ %l\n'
        find . -xdev -type f -printf '/%P\t%y %m %U:%G %s %T@\n' | sort >"$OUT/files"
        find . -xdev -type f -print0 | xargs -0 sha256sum | sed 's,^\([^ ]*\)  \./\(.*\),/\2\t\1,' |
            sort >"$OUT/sums"
        join -t "$(printf '\t')" "$OUT/files" "$OUT/sums"
    }) | sort >"$OUT/$1"
}
"#;

/// Runs a POSIX shell script on a throw-away overlay of `root`, with `GOKAKU_ROOT`, `GOKAKU_UPPER`,
/// `OUT`, `STATE` (a state directory outside) and `gokaku` on the path. `None`: not possible here,
/// said loudly.
pub fn in_overlay(test: &str, root: &Path, script: &str) -> Option<Ran> {
    in_overlay_within(test, root, &[], script)
}

/// As [`in_overlay`], with the shell started by these words, as `unshare -n`.
pub fn in_overlay_within(test: &str, root: &Path, with: &[&str], script: &str) -> Option<Ran> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let bin = Path::new(env!("CARGO_BIN_EXE_gokaku")).parent().expect("a directory");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(repository("tests/overlay.sh"))
        .arg(root)
        .arg("--")
        .args(with)
        .args(["sh", "-euc", &format!("{LISTING}\n{script}")])
        .env("OUT", dir.path())
        .env("STATE", dir.path().join("state"))
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("run tests/overlay.sh");
    if output.status.code() == Some(77) {
        skip(test, String::from_utf8_lossy(&output.stderr).trim());
        return None;
    }
    Some(Ran { output, dir })
}

/// The rows of a JSON report, by id.
pub fn rows(report: &serde_json::Value) -> BTreeMap<String, &serde_json::Value> {
    report["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|r| (r["id"].as_str().expect("id").to_owned(), r))
        .collect()
}
