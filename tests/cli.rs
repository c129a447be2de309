//! The built program: output and exit status, on bad input above all.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use support::{gokaku, gokaku_as_root};

struct Tree(tempfile::TempDir);

impl Tree {
    fn ubuntu() -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        tree.file("etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n");
        tree
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, path: &str, text: impl AsRef<[u8]>) -> &Tree {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }
}

fn run(args: &[&str], root: &Path) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        gokaku().args(args).arg("--root").arg(root).output().unwrap();
    (
        status.code().unwrap_or(-1),
        String::from_utf8(stdout).unwrap(),
        String::from_utf8(stderr).unwrap(),
    )
}

#[test]
fn help_and_version_are_answers_and_mistakes_are_64() {
    let status = |args: &[&str]| gokaku().args(args).output().unwrap();
    for args in [&["--help"][..], &["--version"], &["apply", "--help"]] {
        let out = status(args);
        assert_eq!(out.status.code(), Some(0), "{args:?}");
        assert!(!out.stdout.is_empty());
    }
    let wrong = [
        &[][..],
        &["frobnicate"],
        &["audit"],
        &["audit", "--root", "/x", "--format", "yaml"],
        &["audit", "--root", "/x", "--rule", "a.b"],
        &["list", "--rule", "9.9.9"],
        &["explain", "1.1.99"],
        &["list", "--lang", "fr"],
    ];
    for args in wrong {
        assert_eq!(status(args).status.code(), Some(64), "{args:?}");
    }
    let out = status(&["explain", "5.3.99"]);
    assert!(String::from_utf8_lossy(&out.stderr).contains("nearest: 5.3."), "{out:?}");
}

#[test]
fn a_root_that_is_none() {
    let tree = Tree::ubuntu();
    tree.file("plain", "");
    let (status, _, stderr) = run(&["audit"], &tree.path().join("missing"));
    assert_eq!(status, 1);
    assert!(stderr.contains("missing: cannot open the root directory: No such file"), "{stderr}");
    let (status, _, stderr) = run(&["audit"], &tree.path().join("plain"));
    assert_eq!(status, 1);
    assert!(stderr.contains("plain: this is no tar archive"), "{stderr}");
    let (status, _, stderr) = run(&["apply"], &tree.path().join("plain"));
    assert_eq!(status, 3);
    assert!(stderr.contains("plain is no directory but an archive"), "{stderr}");
}

#[test]
fn another_system_is_refused_with_3_and_untouched() {
    let tree = Tree::ubuntu();
    tree.file("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n");
    for verb in ["audit", "plan", "apply"] {
        let (status, stdout, stderr) = run(&[verb], tree.path());
        assert_eq!((status, stdout.as_str()), (3, ""), "{verb}");
        assert!(stderr.contains("found debian 12, want ubuntu 18.04"), "{stderr}");
    }
    let (status, ..) = run(&["audit", "--force-target"], tree.path());
    assert_ne!(status, 3);
    let empty = tempfile::tempdir().unwrap();
    let (status, _, stderr) = run(&["apply"], empty.path());
    assert_eq!(status, 3);
    assert!(stderr.contains("found no os-release"), "{stderr}");
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[test]
fn list_and_explain_speak_both_languages() {
    let out =
        |args: &[&str]| String::from_utf8(gokaku().args(args).output().unwrap().stdout).unwrap();
    let list = out(&["list"]);
    assert_eq!(list.lines().count(), 206);
    assert!(list.contains("[potential operational impact]"));
    let japanese = out(&["list", "--lang", "ja"]);
    assert_eq!(japanese.lines().filter(|l| l.contains("合格")).count(), 135);
    assert_eq!(out(&["list", "--rule", "5.3"]).lines().count(), 20);
    assert_eq!(out(&["list", "--rule", "5.3,6.1", "--skip", "5.3.1"]).lines().count(), 32);
    let explain = out(&["explain", "3.2.1", "--lang", "en"]);
    assert!(explain.contains("net.ipv4.conf.all.send_redirects"), "{explain}");
    assert!(out(&["explain", "1.1.1.6", "--lang", "ja"]).contains("運用上の潜在的な影響"));
}

#[test]
fn the_environment_says_the_same_as_the_flags() {
    let tree = Tree::ubuntu();
    let out = gokaku()
        .args(["audit"])
        .env("GOKAKU_ROOT", tree.path())
        .env("GOKAKU_RULE", "3.2.1,3.3.1")
        .env("GOKAKU_FORMAT", "json")
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["rules"].as_array().unwrap().len(), 2);
    assert_eq!(report["target"]["root"], tree.path().to_str().unwrap());
    assert_eq!(out.status.code(), Some(2), "told, and not as declared");
}

#[test]
fn each_format_goes_to_its_own_file() {
    let tree = Tree::ubuntu();
    let reports = tempfile::tempdir().unwrap();
    let json = reports.path().join("report.json");
    let out = gokaku()
        .args(["audit", "--rule", "3.2.1", "--format", "json", "-o"])
        .arg(&json)
        .args(["--format", "text", "--root"])
        .arg(tree.path())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&out.stdout).contains("3.2.1"));
    let saved: serde_json::Value = serde_json::from_slice(&fs::read(&json).unwrap()).unwrap();
    assert_eq!(saved["schema"], "gokaku.report/1");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_done() {
    let test = "a_report_that_cannot_be_written_is_told_before_anything_is_done";
    if gokaku_as_root(test).is_none() {
        return;
    }
    let (tree, place) = (Tree::ubuntu(), tempfile::tempdir().unwrap());
    let at = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    let state = at("state");
    // A link of the tree that leads out again, and one of somebody else's.
    std::os::unix::fs::symlink(place.path(), tree.path().join("out")).unwrap();
    std::os::unix::fs::symlink(at("victim"), at("planted")).unwrap();
    let nobody = std::os::unix::fs::lchown(at("planted"), Some(65_534), Some(65_534));
    // A link of the operator's own that leads into the tree.
    std::os::unix::fs::symlink(tree.path().join("etc"), at("in")).unwrap();
    let inside = |name: &str| tree.path().join(name).to_str().unwrap().to_owned();
    for (outputs, status, says) in [
        (vec![at("a"), at("b")], 64, "more -o than --format"),
        (vec![at("missing/a")], 1, "cannot write the report"),
        (vec![inside("report")], 3, "lies inside the root"),
        (vec![inside("out/report")], 3, "lies inside the root"),
        (vec![at("in/report")], 3, "lies inside the root"),
        (vec![at("planted")], 3, "a link of uid 65534's"),
    ] {
        if nobody.is_err() && outputs[0] == at("planted") {
            continue;
        }
        let mut command = gokaku_as_root(test).unwrap();
        command.args(["apply", "--rule", "3.2.1", "--state-dir", &state, "--root"]);
        command.arg(tree.path());
        for output in &outputs {
            command.args(["-o", output]);
        }
        let out = command.output().unwrap();
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(status), "{outputs:?}: {stderr}");
        assert!(stderr.contains(says), "{outputs:?}: {stderr}");
        assert!(!tree.path().join("etc/sysctl.d").exists(), "{outputs:?}");
    }
    for name in ["a", "b", "victim", "state"] {
        assert!(!Path::new(&at(name)).exists(), "{name}");
    }
    // A run that fails leaves no empty report, and an old one stays.
    fs::write(at("old"), "old").unwrap();
    for (name, left) in [("new", None), ("old", Some("old"))] {
        let mut command = gokaku_as_root(test).unwrap();
        command.env("SOURCE_DATE_EPOCH", "soon").args(["apply", "-o", &at(name), "--root"]);
        let out = command.arg(tree.path()).args(["--state-dir", &state]).output().unwrap();
        assert_eq!(out.status.code(), Some(64));
        assert_eq!(fs::read_to_string(at(name)).ok().as_deref(), left, "{name}");
    }
}

#[test]
fn a_full_disk_under_the_report_does_not_hide_what_was_done() {
    let test = "a_full_disk_under_the_report_does_not_hide_what_was_done";
    let Some(mut command) = gokaku_as_root(test) else { return };
    let (tree, place) = (Tree::ubuntu(), tempfile::tempdir().unwrap());
    command.args(["apply", "--rule", "3.2.1", "-o", "/dev/full", "--state-dir"]);
    let out = command.arg(place.path()).arg("--root").arg(tree.path()).output().unwrap();
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("hardened all the same; gokaku revert takes it back"), "{stderr}");
    assert!(tree.path().join("etc/sysctl.d/60-CIS.conf").exists());
}

#[test]
fn plan_shows_the_difference_and_writes_nothing() {
    let tree = Tree::ubuntu();
    let (status, stdout, _) = run(&["plan", "--rule", "3.2.1"], tree.path());
    assert_eq!(status, 0, "a plan that was told is a success");
    assert!(stdout.contains("+++ b/etc/sysctl.d/60-CIS.conf"), "{stdout}");
    assert!(stdout.contains("+net.ipv4.conf.all.send_redirects = 0"), "{stdout}");
    assert!(!tree.path().join("etc/sysctl.d").exists());
    let (status, ..) = run(&["plan", "--rule", "3.2.1", "--detailed-exitcode"], tree.path());
    assert_eq!(status, 2);
}

#[test]
fn a_profile_with_a_mistake_is_told_with_file_and_line_before_the_root_is_touched() {
    let tree = Tree::ubuntu();
    let profile = tempfile::tempdir().unwrap();
    let head = fs::read(support::repository("profiles/aks-ubuntu-18.04/profile.toml")).unwrap();
    fs::write(profile.path().join("profile.toml"), head).unwrap();
    fs::write(profile.path().join("1.toml"), "[[rule]]\nid = \"1\"\nstatsu = \"pass\"\n").unwrap();
    let out = gokaku()
        .args(["apply", "--profile"])
        .arg(profile.path())
        .arg("--root")
        .arg(tree.path())
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&out.stderr);
    assert!(stderr.contains("1.toml:3:1") && stderr.contains("statsu"), "{stderr}");
}

#[test]
fn an_image_is_told_in_lines_and_as_data_and_held_while_a_command_runs() {
    let dir = tempfile::tempdir().unwrap();
    let disk = dir.path().join("disk.raw");
    fs::write(&disk, vec![0; 1 << 20]).unwrap();
    let image = |args: &[&str]| gokaku().arg("image").args(args).output().unwrap();
    let path = disk.to_str().unwrap();
    let lines = image(&["inspect", path]);
    assert_eq!(lines.status.code(), Some(0));
    let text = String::from_utf8(lines.stdout).unwrap();
    assert!(
        text.starts_with("format\traw\ntable\tnone\npartition\t0\t0\t1048576\tunknown\t"),
        "{text}"
    );
    let data = image(&["inspect", path, "--format", "json"]).stdout;
    let data: serde_json::Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(data["schema"], "gokaku.image/1");
    assert_eq!(data["partitions"][0]["size"], 1 << 20);

    let held = image(&["lock", path, "--", "sh", "-c", "flock -n \"$0\" true; echo $?", path]);
    assert_eq!(String::from_utf8(held.stdout).unwrap(), "1\n", "nobody else gets it");
    let open = fs::OpenOptions::new().write(true).open(&disk).unwrap();
    let refused = image(&["lock", path, "--", "echo", "run"]);
    assert_eq!((refused.status.code(), refused.stdout.as_slice()), (Some(3), &b""[..]));
    drop(open);
    assert_eq!(image(&["room", path]).status.code(), Some(0), "any space at all");
    let room = image(&["room", path, "--plan", "plan.json"]);
    assert_eq!(room.status.code(), Some(64), "where it is mounted is missing");
    assert_eq!(image(&["inspect", "/dev/null"]).status.code(), Some(3));
}
