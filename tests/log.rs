//! The log of the built program: what a pipeline shows of a run.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use support::{gokaku, gokaku_as_root, skip};

struct Tree(tempfile::TempDir);

const RULES: [(&str, &str, &str); 2] = [
    (
        "1.1.1.1",
        "a text",
        r#"banner = { path = "/etc/issue", missing = "not-met", text = "be good\n" }"#,
    ),
    ("3.2.1", "a value", r#"sysctl = { key = "net.ipv4.conf.all.send_redirects", value = "0" }"#),
];

impl Tree {
    /// One row that can be closed, and one that can not: its file would lie below a file.
    fn new() -> Tree {
        let tree = Tree(tempfile::tempdir().unwrap());
        let (etc, profile) = (tree.0.path().join("root/etc"), tree.0.path().join("profile"));
        fs::create_dir_all(&etc).unwrap();
        fs::write(etc.join("os-release"), "ID=ubuntu\nVERSION_ID=18.04\n").unwrap();
        fs::write(etc.join("crontab"), "").unwrap();
        std::os::unix::fs::symlink("/etc/crontab/x", etc.join("issue")).unwrap();
        fs::create_dir(&profile).unwrap();
        let head = support::repository("profiles/aks-ubuntu-18.04/profile.toml");
        fs::copy(head, profile.join("profile.toml")).unwrap();
        let rules: String = RULES.map(|(id, title, want)| support::row(id, title, want)).concat();
        fs::write(profile.join("rules.toml"), rules).unwrap();
        tree
    }

    fn apply(&self, mut command: Command, args: &[&str]) -> Output {
        let at = self.0.path();
        command.args(["apply", "--root"]).arg(at.join("root"));
        command.arg("--profile").arg(at.join("profile"));
        command.arg("--state-dir").arg(at.join("state")).args(args);
        command.output().unwrap()
    }
}

fn lines(out: &Output) -> Vec<String> {
    String::from_utf8(out.stderr.clone()).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn each_phase_is_a_line_and_the_verdict_is_the_last() {
    let Some(command) = gokaku_as_root("each_phase_is_a_line_and_the_verdict_is_the_last") else {
        return;
    };
    let tree = Tree::new();
    let out = tree.apply(command, &[]);
    let log = lines(&out);
    let begins = |text: &str| {
        log.iter().position(|l| l.starts_with(text)).unwrap_or_else(|| panic!("{text}: {log:#?}"))
    };
    let order = [
        "gokaku: info: profile aks-ubuntu-18.04 2.1.0: 2 rows are to hold, 0 are left alone",
        "gokaku: info: root /",
        "gokaku: info: judged: 2 rows; of the 2 that are to hold, 0 do, ",
        "gokaku: warning: rule 1.1.1.1: left as it is: ",
        "gokaku: info: planned ",
        "gokaku: info: wrote ",
        "gokaku: info: judged again from the disk: 2 rows; of the 2 that are to hold, 1 does, ",
        "gokaku: warning, again: rule 1.1.1.1: left as it is: ",
        "gokaku: error: 1.1.1.1 ",
        "gokaku: error: not as declared: 1 of 2 rows hold; 1 ",
    ];
    let places: Vec<usize> = order.iter().map(|text| begins(text)).collect();
    assert!(places.is_sorted(), "{places:?} {log:#?}");
    assert_eq!(places.last(), Some(&(log.len() - 1)), "{log:#?}");
    assert_eq!(log.iter().filter(|l| l.contains("again: rule 1.1.1.1")).count(), 1);
    assert_ne!(out.status.code(), Some(0));
    assert!(!out.stderr.contains(&0x1b) && !out.stdout.contains(&0x1b), "no colour without a tty");
    assert!(!out.stderr.contains(&b'\r'), "nothing is drawn over");
}

#[test]
fn json_is_one_object_a_line_and_says_the_same() {
    let test = "json_is_one_object_a_line_and_says_the_same";
    let (Some(one), Some(two)) = (gokaku_as_root(test), gokaku_as_root(test)) else { return };
    let text = lines(&Tree::new().apply(one, &[]));
    let tree = Tree::new();
    let json: Vec<Value> = lines(&tree.apply(two, &["--log-format", "json"]))
        .iter()
        .map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{l}: {e}")))
        .collect();
    assert_eq!(text.len(), json.len());
    let phases: Vec<&str> = json.iter().filter_map(|l| l["phase"].as_str()).collect();
    assert_eq!(phases, ["profile", "root", "judge", "plan", "write", "judge", "end", "end"]);
    let at = |i: usize| json.iter().filter(|l| l["phase"].is_string()).nth(i).unwrap();
    assert_eq!((&at(0)["hold"], &at(0)["left_alone"]), (&2.into(), &0.into()));
    assert_eq!((&at(2)["rows"], &at(2)["hold"]), (&2.into(), &0.into()));
    assert_eq!(at(3)["files"], at(4)["changed"]);
    assert_eq!((&at(6)["row"], &at(6)["level"]), (&"1.1.1.1".into(), &"error".into()));
    assert_eq!((&at(7)["hold"], &at(7)["rows"]), (&1.into(), &2.into()));
    assert!(json.iter().all(|l| l["message"].is_string() && l["time"].is_null()));
    assert_eq!(json.iter().filter(|l| l["again"] == true).count(), 1);
    // Ids, arguments and English, whatever the language.
    let tree = Tree::new();
    let ja = lines(&tree.apply(gokaku_as_root(test).unwrap(), &["--log-format=json", "--lang=ja"]));
    let ja: Vec<Value> = ja.iter().map(|l| serde_json::from_str(l).unwrap()).collect();
    let ids = |log: &[Value]| log.iter().map(|l| l["id"].to_string()).collect::<Vec<_>>();
    assert_eq!(ids(&ja), ids(&json));
    assert_eq!((&at(0)["id"], &at(0)["args"]["hold"]), (&"cli.read_profile".into(), &2.into()));
    assert_eq!((&ja[0]["message"], &ja[0]["args"]), (&json[0]["message"], &json[0]["args"]));
    // The environment says the same as the flag; mistakes are told in the same form.
    let out = gokaku()
        .args(["audit", "--rule", "9.9", "--root", "/"])
        .env("GOKAKU_LOG_FORMAT", "json")
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&out.stderr).unwrap();
    assert_eq!((out.status.code(), &told["level"]), (Some(64), &"error".into()));
}

#[test]
fn quiet_verbose_and_rust_log() {
    let test = "quiet_verbose_and_rust_log";
    if gokaku_as_root(test).is_none() {
        return;
    }
    let log = |args: &[&str], rust_log: Option<&str>| {
        let mut command = gokaku_as_root(test).unwrap();
        command.env_remove("RUST_LOG").envs(rust_log.map(|r| ("RUST_LOG", r)));
        lines(&Tree::new().apply(command, args))
    };
    let normal = log(&[], None);
    let quiet = log(&["-q"], None);
    assert!(quiet.iter().all(|l| l.starts_with("gokaku: error: ")), "{quiet:#?}");
    assert!(quiet.last().unwrap().contains("not as declared"), "the reason is told all the same");
    assert!(log(&["-vv"], None).len() >= normal.len());
    assert_eq!(log(&[], Some("off")), [""; 0]);
    assert_eq!(log(&["-q"], Some("info")).len(), normal.len(), "RUST_LOG decides");
    let out = gokaku().args(["list", "--rule", "5"]).output().unwrap();
    assert_eq!(lines(&out), [""; 0], "a page has no phases");
}

#[test]
fn colour_needs_a_terminal_and_no_word_against_it() {
    let test = "colour_needs_a_terminal_and_no_word_against_it";
    if Command::new("script").arg("--version").output().is_err() {
        return skip(test, "no script (bsdutils) to make a terminal");
    }
    let on_tty = |no_colour: bool| {
        let tree = Tree::new();
        let mut command = Command::new("script");
        let program = env!("CARGO_BIN_EXE_gokaku");
        let line = format!(
            "{program} audit --rule 3.2.1 --root '{}'",
            tree.0.path().join("root").display()
        );
        command.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env_remove("NO_COLOR");
        if no_colour {
            command.env("NO_COLOR", "1");
        }
        command.output().unwrap().stdout
    };
    assert!(on_tty(false).contains(&0x1b));
    assert!(!on_tty(true).contains(&0x1b));
}
