//! Profiles on the command line of the built program.

use std::fs;
use std::process::Command;

use crate::support::gokaku;

/// A root with little in it.
pub struct Tree(pub tempfile::TempDir);

impl Tree {
    pub fn new(files: &[(&str, &str)]) -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.file("root/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n");
        tree.file("root/usr/lib/x", "");
        for (path, text) in files {
            tree.file(path, text);
        }
        tree
    }

    pub fn file(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join(path)).unwrap()
    }

    /// The program in the directory that holds `root`.
    pub fn gokaku(&self, args: &str) -> Command {
        let mut command = gokaku();
        command.current_dir(self.0.path()).args(args.split(' '));
        command
    }

    /// Exit status, stdout, stderr.
    pub fn run(&self, args: &str) -> (i32, String, String) {
        answer(&mut self.gokaku(args))
    }
}

pub fn answer(command: &mut Command) -> (i32, String, String) {
    let out = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code().unwrap_or(-1), text(out.stdout), text(out.stderr))
}

#[test]
fn a_selection_that_leaves_nothing_is_a_usage_error() {
    let tree = Tree::new(&[]);
    for args in ["audit --root root --rule 5.3.10 --skip 5.3", "list --rule 5.3.10 --skip 5.3.10"] {
        let (status, out, err) = tree.run(args);
        assert_eq!((status, out.as_str()), (64, ""), "{err}");
        assert!(err.contains("no row of aks-ubuntu-18.04 is left"), "{err}");
    }
}

#[test]
fn values_are_set_from_outside() {
    let tree = Tree::new(&[("root/etc/motd", "")]);
    let plan = "plan --root root --rule 1.7.6";
    let (status, out, err) = tree.run(&format!("{plan} --set banner=Keep-out."));
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("+Keep-out."), "{out}");
    assert!(err.contains("profile auto: aks-ubuntu-18.04"), "{err}");
    let (_, out, _) = answer(tree.gokaku(plan).env("GOKAKU_SET", "banner=Stay, please"));
    assert!(out.contains("+Stay, please"), "{out}");
    let both = format!("{plan} --set banner=Keep-out.");
    let (_, out, _) = answer(tree.gokaku(&both).env("GOKAKU_SET", "banner=Stay"));
    assert!(out.contains("+Keep-out."), "{out}");
    for (args, says) in [
        ("--set baner=x", "--set:1:1: no var `baner`; did you mean `banner`?"),
        ("--set password_max_days=900", "want a number from 1 to 365"),
        ("--set banner", "want VAR=VALUE"),
    ] {
        let (status, _, err) = tree.run(&format!("{plan} {args}"));
        assert_eq!(status, 64, "{err}");
        assert!(err.contains(says), "{err}");
    }
}

#[test]
fn several_files_and_names() {
    let tree = Tree::new(&[
        ("root/etc/motd", ""),
        ("a.toml", "[vars]\nbanner = \"from a\\n\"\n"),
        ("b.toml", "[vars]\nbanner = \"from b\\n\"\n"),
    ]);
    let plan = "plan --root root --rule 1.7.6";
    let (status, out, err) = tree.run(&format!("{plan} --profile a.toml --profile b.toml"));
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("+from b"), "{out}");
    let mut listed = tree.gokaku(plan);
    let (_, out, _) = answer(listed.env("GOKAKU_PROFILE", "b.toml,a.toml,aks-ubuntu-18.04"));
    assert!(out.contains("+from a"), "{out}");
    let (status, _, err) = tree.run("list --profile aks-ubuntu-1804");
    assert_eq!(status, 1);
    assert!(err.contains("known are: auto, aks-ubuntu-18.04"), "{err}");
    let (status, _, err) = tree.run("list --profile aks-ubuntu-18.04 --profile ./t.toml");
    assert_eq!(status, 1);
    assert!(err.contains("t.toml"), "{err}");
}
