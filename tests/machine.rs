//! The machine that gokaku runs on: its environment, where reports go, its clock and limits, and what
//! the last words of a run are. With the built program.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use support::{gokaku, gokaku_as_root, have, is_root};

struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        fs::set_permissions(bench.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for dir in ["root/etc", "root/home", "root/var"] {
            fs::create_dir_all(bench.at(dir)).unwrap();
        }
        bench.file("etc/os-release", "ID=ubuntu\nVERSION_ID=18.04\n");
        bench.file(
            "etc/passwd",
            "root:x:0:0::/root:/bin/bash\nops:x:1500:1500::/home/ops:/bin/bash\n",
        );
        bench.file("etc/group", "root:x:0:\nops:x:1500:\n");
        bench.file("etc/shadow", "root:*:18000:0:99999:7:::\nops::18000:0:99999:7:::\n");
        bench.file("etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\n");
        bench
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.at("root")
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.root().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.root().join(name)).unwrap()
    }

    /// An audit of one row with these arguments, in the bench's directory.
    fn audit(&self, args: &[&str]) -> Output {
        self.audit_command(args).output().unwrap()
    }

    fn audit_command(&self, args: &[&str]) -> Command {
        let mut command = gokaku();
        command.args(["audit", "--rule", "3.2.1", "--root"]).arg(self.root()).args(args);
        command.current_dir(self.0.path());
        command
    }

    /// A verb that writes, as root.
    fn command(&self, test: &str, verb: &str, args: &[&str]) -> Option<Command> {
        let mut command = gokaku_as_root(test)?;
        command.env_remove("RUST_LOG").arg(verb).arg("--root").arg(self.root());
        command.arg("--state-dir").arg(self.at("state")).args(args);
        Some(command)
    }
}

fn log(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn a_report_follows_no_way_into_the_tree() {
    let bench = Bench::new();
    fs::write(bench.at("precious"), "of the machine").unwrap();
    symlink(bench.at("precious"), bench.root().join("var/to-machine")).unwrap();
    symlink(bench.at("out"), bench.root().join("var/out")).unwrap();
    fs::create_dir(bench.at("out")).unwrap();
    symlink(bench.root().join("var/report"), bench.at("own")).unwrap();
    symlink("own", bench.at("chain")).unwrap();
    symlink(bench.root().join("var/to-machine"), bench.at("twice")).unwrap();
    symlink("root/var", bench.at("dir")).unwrap();
    let inside = [
        "root/report",
        "root/var/report",
        "./root/etc/../var/report",
        "own",
        "chain",
        "twice",
        "dir/report",
        "dir/to-machine",
        "root/var/out/report",
        "out/../root/report",
    ];
    for name in inside {
        let whole = bench.at(name);
        for name in [name, whole.to_str().unwrap()] {
            let out = bench.audit(&["-o", name]);
            assert_eq!(out.status.code(), Some(3), "{name}: {}", log(&out));
            assert!(log(&out).contains("lies inside the root"), "{name}: {}", log(&out));
        }
    }
    let mut within = bench.audit_command(&["-o", "report"]);
    let out = within.current_dir(bench.root().join("var")).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "by the working directory: {}", log(&out));
    assert_eq!(fs::read_to_string(bench.at("precious")).unwrap(), "of the machine");
    assert!(!bench.root().join("var/report").exists() && !bench.root().join("report").exists());
    assert_eq!(fs::read_dir(bench.at("out")).unwrap().count(), 0);
    // Links of one's own outside of the tree are followed.
    symlink("out/report", bench.at("good")).unwrap();
    fs::write(bench.at("out/report"), "x".repeat(100_000)).unwrap();
    let out = bench.audit(&["--format", "json", "-o", "good"]);
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    let report = fs::read(bench.at("out/report")).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&report).is_ok(), "whole, and no more");
    symlink("loop", bench.at("loop")).unwrap();
    for (name, status) in [("loop", 1), ("missing/report", 1), ("out", 1), (".", 1)] {
        assert_eq!(bench.audit(&["-o", name]).status.code(), Some(status), "{name}");
    }
}

#[test]
fn a_report_follows_no_link_of_another_user() {
    let test = "a_report_follows_no_link_of_another_user";
    if !is_root(test, "make links of others") {
        return;
    }
    let bench = Bench::new();
    for dir in ["theirs", "elsewhere", "theirs/real"] {
        fs::create_dir(bench.at(dir)).unwrap();
    }
    for (link, to) in [("theirs/dir", "../elsewhere"), ("theirs/file", "../elsewhere/report")] {
        symlink(to, bench.at(link)).unwrap();
        std::os::unix::fs::lchown(bench.at(link), Some(1000), Some(1000)).unwrap();
    }
    chown(bench.at("theirs"), Some(1000), Some(1000)).unwrap();
    symlink("theirs/dir/report", bench.at("own")).unwrap();
    for name in ["theirs/dir/report", "theirs/file", "own", "theirs/dir/../elsewhere/report"] {
        let out = bench.audit(&["-o", name]);
        assert_eq!(out.status.code(), Some(3), "{name}: {}", log(&out));
        assert!(log(&out).contains("is a link of uid 1000's"), "{name}: {}", log(&out));
    }
    assert_eq!(fs::read_dir(bench.at("elsewhere")).unwrap().count(), 0);
    let mut called = bench.audit_command(&["-o", "theirs/file"]);
    let out = called.env("SUDO_UID", "1000").output().unwrap();
    assert_eq!(out.status.code(), Some(2), "whoever called sudo is the operator: {}", log(&out));
}

#[test]
fn a_report_goes_to_what_is_no_file_without_waiting_for_ever() {
    let test = "a_report_goes_to_what_is_no_file_without_waiting_for_ever";
    let bench = Bench::new();
    for name in ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let out = bench.audit(&["-o", name]);
        assert_eq!(out.status.code(), Some(2), "{name}: {}", log(&out));
        assert_eq!(out.stdout.is_empty(), name == "/dev/null", "{name}");
    }
    if !have(test, &["mkfifo:coreutils"]) {
        return;
    }
    assert!(Command::new("mkfifo").arg(bench.at("pipe")).status().unwrap().success());
    let out = bench.audit(&["-o", "pipe"]);
    assert_eq!(out.status.code(), Some(1), "{}", log(&out));
    assert!(
        log(&out).contains("pipe: cannot write the report: a pipe without a reader"),
        "{out:?}"
    );
    let script =
        r#"cat pipe >got & exec 3>pipe; "$@" -o pipe; status=$?; exec 3>&-; wait; exit $status"#;
    let command = bench.audit_command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    let out = shell.current_dir(bench.0.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    assert!(fs::read_to_string(bench.at("got")).unwrap().contains("3.2.1"));
}

#[test]
fn one_file_is_not_for_two_reports() {
    let bench = Bench::new();
    symlink("new", bench.at("link")).unwrap();
    fs::write(bench.at("old"), "old").unwrap();
    fs::hard_link(bench.at("old"), bench.at("also-old")).unwrap();
    for (one, two) in [("new", "new"), ("new", "./new"), ("new", "link"), ("old", "also-old")] {
        let out = bench.audit(&["--format", "json", "-o", one, "--format", "text", "-o", two]);
        assert_eq!(out.status.code(), Some(64), "{one} {two}: {}", log(&out));
        assert!(log(&out).contains("the same file for two formats"), "{}", log(&out));
        assert!(!bench.at("new").exists(), "{one} {two}: nothing stays");
        assert_eq!(fs::read_to_string(bench.at("old")).unwrap(), "old");
    }
    let out = bench.audit(&[
        "--format",
        "json",
        "-o",
        "/dev/null",
        "--format",
        "text",
        "-o",
        "/dev/null",
    ]);
    assert_eq!(out.status.code(), Some(2), "no file: {}", log(&out));
}

#[test]
fn a_comma_separates_in_variables_and_is_a_part_of_a_name_on_the_command_line() {
    let test = "a_comma_separates_in_variables_and_is_a_part_of_a_name_on_the_command_line";
    let bench = Bench::new();
    let out = bench.audit(&["-o", "a,b.txt"]);
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    assert!(bench.at("a,b.txt").exists() && !bench.at("b.txt").exists());
    let mut command = bench.audit_command(&[]);
    command.env("GOKAKU_FORMAT", "json,text").env("GOKAKU_OUTPUT", "one.json,two,txt");
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(64), "three files for two formats: {}", log(&out));
    let mut command = bench.audit_command(&[]);
    command.env("GOKAKU_FORMAT", "json,text").env("GOKAKU_OUTPUT", "one.json,two.txt");
    let out = command.output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    assert!(bench.at("one.json").exists() && bench.at("two.txt").exists());
    let Some(mut apply) = bench.command(test, "apply", &["--rule", "3.2.1"]) else { return };
    assert!(apply.output().unwrap().status.success());
    let out = bench.command(test, "revert", &["--force", "/etc/a,b"]).unwrap().output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", log(&out));
    assert!(log(&out).contains("--force /etc/a,b: the run"), "{}", log(&out));
}

#[test]
fn an_empty_variable_is_one_that_is_not_set() {
    let bench = Bench::new();
    let mut names: Vec<String> = Vec::new();
    for verb in gokaku::cli::command().get_subcommands() {
        names.extend(verb.get_arguments().filter_map(|a| a.get_env()?.to_str().map(str::to_owned)));
    }
    names.extend(["GOKAKU_LOG_FORMAT".to_owned(), "SOURCE_DATE_EPOCH".to_owned()]);
    assert!(
        names.contains(&"GOKAKU_SKIP".to_owned()) && names.contains(&"GOKAKU_STRICT".to_owned())
    );
    let without = bench.audit(&[]);
    for name in &names {
        let out = bench.audit_command(&[]).env(name, "").output().unwrap();
        assert_eq!(out.status.code(), without.status.code(), "{name}: {}", log(&out));
        assert_eq!(out.stdout, without.stdout, "{name}");
    }
    for verb in ["plan", "apply", "revert", "forget", "explain", "list"] {
        let mut command = gokaku();
        command.arg(verb).args((verb == "explain").then_some("3.2.1"));
        for name in names.iter().filter(|name| *name != "GOKAKU_ROOT") {
            command.env(name, "");
        }
        let root = !matches!(verb, "explain" | "list");
        command.args(root.then_some(["--root", "/nonexistent"]).into_iter().flatten());
        let out = command.output().unwrap();
        let want = if root { 1 } else { 0 };
        assert_eq!(out.status.code(), Some(want), "{verb}: {}", log(&out));
    }
    // A root that is not set is one that is missing.
    let out = gokaku().arg("audit").env("GOKAKU_ROOT", "").output().unwrap();
    assert_eq!(out.status.code(), Some(64));
    assert!(log(&out).contains("--root"), "{}", log(&out));
}

#[test]
fn a_switch_takes_the_words_of_pipelines() {
    let bench = Bench::new();
    // A left-alone row that has drifted shows whether --strict counts.
    bench.file("etc/fstab", "tmpfs /dev/shm tmpfs noexec,nodev,nosuid 0 0\n");
    let run = |value: &str, args: &[&str]| {
        let mut command = gokaku();
        command.args(["audit", "--rule", "1.1.9", "--root"]).arg(bench.root()).args(args);
        command.env("GOKAKU_STRICT", value).output().unwrap()
    };
    for yes in ["1", "true", "yes", "TRUE", "Yes", "on"] {
        assert_eq!(run(yes, &[]).status.code(), Some(2), "{yes}");
    }
    for no in ["0", "false", "no", "No", "off", ""] {
        assert_eq!(run(no, &[]).status.code(), Some(0), "{no}: {}", log(&run(no, &[])));
        assert_eq!(run(no, &["--strict"]).status.code(), Some(2), "{no}: the option wins");
    }
}

#[test]
fn a_wrong_value_names_the_variable_that_holds_it() {
    let bench = Bench::new();
    let switches = ["STRICT", "SURVEY", "VALIDATE", "QUARANTINE", "FORCE_TARGET", "ALLOW_LOCKOUT"];
    let mut wrong: Vec<(String, &str, &str)> = vec![
        ("GOKAKU_RULE".into(), "1..1", "1..1"),
        ("GOKAKU_SKIP".into(), "1.1.1.1,1..1", "1..1"),
        ("GOKAKU_FORMAT".into(), "yaml", "want text or json"),
        ("GOKAKU_LANG".into(), "fr", "want en or ja"),
        ("GOKAKU_LOG_FORMAT".into(), "xml", "want text or json"),
        ("SOURCE_DATE_EPOCH".into(), "tomorrow", "want seconds since 1970"),
    ];
    wrong.extend(switches.map(|name| (format!("GOKAKU_{name}"), "maybe", "want 1, true or yes")));
    for (name, value, says) in wrong {
        let out = bench.audit_command(&[]).env(&name, value).output().unwrap();
        // The command line of the bench has a --rule of its own, which wins.
        let out = match name.as_str() {
            "GOKAKU_RULE" => {
                let mut command = gokaku();
                command.arg("audit").arg("--root").arg(bench.root()).env(&name, value);
                command.output().unwrap()
            }
            _ => out,
        };
        let text = log(&out);
        assert_eq!(out.status.code(), Some(64), "{name}={value}: {text}");
        assert!(text.starts_with(&format!("gokaku: error: {name}: found ")), "{name}: {text}");
        assert!(text.contains(says) && !text.contains("--help"), "{name}: {text}");
    }
    let mut command = gokaku();
    command.args(["apply", "--root"]).arg(bench.root()).env("GOKAKU_PACKAGES", "all");
    let text = log(&command.output().unwrap());
    assert!(text.contains("GOKAKU_PACKAGES: found \"all\", want plan or apply"), "{text}");
    // A mistake on the command line is told as before, whatever the environment says.
    let out = bench.audit_command(&["--format", "yaml"]).env("GOKAKU_LANG", "ja").output().unwrap();
    assert!(
        log(&out).contains("--format <FORMAT>") && !log(&out).contains("GOKAKU_"),
        "{}",
        log(&out)
    );
}

#[test]
fn a_bad_source_date_is_one_error_in_all_verbs() {
    for verb in ["audit", "plan", "apply", "revert", "forget", "explain", "list"] {
        let mut command = gokaku();
        command.arg(verb).args((verb == "explain").then_some("3.2.1"));
        command.env("SOURCE_DATE_EPOCH", " 5");
        if verb != "list" {
            command.args(["--root", "/nonexistent"]);
        }
        let out = command.output().unwrap();
        assert_eq!(out.status.code(), Some(64), "{verb}: {}", log(&out));
        let want = "gokaku: error: SOURCE_DATE_EPOCH: found \" 5\", want seconds since 1970\n";
        assert_eq!(log(&out), want, "{verb}");
    }
}

#[test]
fn no_colour_where_none_is_wanted() {
    let bench = Bench::new();
    let colour = |pairs: &[(&str, &str)]| {
        let mut command = bench.audit_command(&[]);
        command.env_remove("NO_COLOR").env("TERM", "xterm").env("CLICOLOR_FORCE", "1");
        let out = command.envs(pairs.iter().copied()).output().unwrap();
        let [report, log] = [&out.stdout, &out.stderr].map(|text| text.contains(&0x1b));
        assert_eq!(report, log, "the report and the log agree: {pairs:?}");
        report
    };
    assert!(colour(&[]));
    for value in ["1", "0", "no", "false"] {
        assert!(!colour(&[("NO_COLOR", value)]), "NO_COLOR={value}");
    }
    assert!(!colour(&[("TERM", "dumb")]));
    assert!(colour(&[("NO_COLOR", "")]), "an empty one is not set");
    assert!(!colour(&[("CLICOLOR_FORCE", "0")]), "no terminal here");
}

#[test]
fn a_revert_whose_answer_is_lost_says_what_it_did_and_can_be_tried_again() {
    let test = "a_revert_whose_answer_is_lost_says_what_it_did_and_can_be_tried_again";
    let bench = Bench::new();
    let apply = |rule: &str| {
        let mut command = bench.command(test, "apply", &["--rule", rule])?;
        assert!(command.output().unwrap().status.success());
        Some(())
    };
    if apply("3.2.1").is_none() {
        return;
    }
    apply("1.1.1.1").unwrap();
    let revert = |args: &[&str]| bench.command(test, "revert", args).unwrap();
    let module = bench.root().join("etc/modprobe.d/CIS.conf");
    let parameter = bench.root().join("etc/sysctl.d/60-CIS.conf");
    assert!(module.exists() && parameter.exists());
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let not_last = revert(&["--run", "1"]).output().unwrap();
    assert_eq!(not_last.status.code(), Some(3), "{}", log(&not_last));
    let want = "run 000001 is not the last one, which is run 000002; nothing was reverted";
    assert!(log(&not_last).contains(want) && module.exists(), "{}", log(&not_last));
    let out = revert(&["--run", "2"]).stdout(full()).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", log(&out));
    assert!(log(&out).contains("run 000002 was reverted all the same"), "{}", log(&out));
    assert!(!module.exists() && parameter.exists());
    // Tried again, it does not take back the run before.
    let again = revert(&["--run", "2"]).output().unwrap();
    assert_eq!(again.status.code(), Some(3), "{}", log(&again));
    assert!(log(&again).contains("which is run 000001") && parameter.exists(), "{}", log(&again));
    // As JSON, and to a reader that is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let out = revert(&["--json"]).stdout(writer).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", log(&out));
    assert!(log(&out).contains("run 000001 was reverted all the same"), "{}", log(&out));
    assert!(!parameter.exists());
    let none = revert(&["--run", "1"]).output().unwrap();
    assert_eq!(none.status.code(), Some(3), "{}", log(&none));
}

#[test]
fn an_apply_whose_answer_is_lost_says_what_it_did() {
    let test = "an_apply_whose_answer_is_lost_says_what_it_did";
    let bench = Bench::new();
    let Some(mut command) = bench.command(test, "apply", &["--rule", "3.2.1"]) else { return };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let out = command.stdout(writer).output().unwrap();
    assert_eq!(out.status.code(), Some(1), "{}", log(&out));
    assert!(log(&out).contains("run 000001: hardened all the same"), "{}", log(&out));
    assert!(bench.root().join("etc/sysctl.d/60-CIS.conf").exists());
    let back = bench.command(test, "revert", &["--run", "1"]).unwrap().output().unwrap();
    assert_eq!(back.status.code(), Some(0), "{}", log(&back));
}

#[test]
fn explain_shows_what_plan_would_do_with_the_same_options() {
    let bench = Bench::new();
    fs::create_dir(bench.root().join("home/ops")).unwrap();
    bench.file("home/ops/.netrc", "machine x\n");
    let run = |verb: &[&str], more: &[&str], protect: Option<&str>| {
        let mut command = gokaku();
        command.args(verb).arg("--root").arg(bench.root()).args(more);
        let out = command.envs(protect.map(|name| ("GOKAKU_PROTECT", name))).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{verb:?}: {}", log(&out));
        String::from_utf8(out.stdout).unwrap()
    };
    // What would change is shown by lines with `->`, and by those of a diff.
    let diff = |text: &str| -> Vec<String> {
        let lines =
            text.lines().filter(|l| l.contains(" -> ") || l.starts_with(['+', '-', '@', '#']));
        lines.map(str::to_owned).collect()
    };
    let mut differ = 0;
    for (id, more) in [("6.2.2", &[][..]), ("6.2.8", &[]), ("6.2.8", &["--quarantine"])] {
        for protect in [None, Some("ops")] {
            let plan = run(&["plan", "--rule", id], more, protect);
            let explained = run(&["explain", id], more, protect);
            assert_eq!(diff(&explained), diff(&plan), "{id} {more:?} {protect:?}");
            differ += usize::from(!diff(&plan).is_empty());
        }
    }
    assert!(differ >= 2, "{differ}");
    let protected = run(&["explain", "6.2.2"], &[], Some("ops"));
    assert!(diff(&protected).is_empty() && protected.contains("protected"), "{protected}");
    for option in [["--skip", "6.2.2"], ["--rule", "6.2.2"]] {
        let out = gokaku().args(["explain", "6.2.2"]).args(option).output().unwrap();
        assert_eq!(out.status.code(), Some(64), "{option:?}");
    }
    bench.file("etc/os-release", "ID=debian\nVERSION_ID=12\n");
    let mut command = gokaku();
    command.args(["explain", "6.2.2", "--root"]).arg(bench.root());
    assert_eq!(command.output().unwrap().status.code(), Some(3));
    run(&["explain", "6.2.2"], &["--force-target"], None);
}

#[test]
fn a_clock_that_is_behind_the_tree_ages_nobody() {
    let test = "a_clock_that_is_behind_the_tree_ages_nobody";
    let year = Duration::from_secs(366 * 86_400);
    let now = SystemTime::now();
    let today = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() / 86_400;
    let shadow = |root_changed: u64| {
        let ops = today - 10;
        format!("root:*:{root_changed}:0:99999:7:::\nops:$6$aaaaaaaa$bbbb:{ops}:0:99999:0:::\n")
    };
    let written = |bench: &Bench, name: &str, time: SystemTime| {
        let path = bench.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::options().append(true).create(true).open(path).unwrap().set_modified(time).unwrap();
    };
    for (what, changed, late) in [
        ("/etc/shadow, line 1, has a change", today + 400, None),
        ("/etc/shadow was written", 18_000, Some("etc/shadow")),
        ("/var/lib/dpkg/status was written", 18_000, Some("var/lib/dpkg/status")),
    ] {
        let bench = Bench::new();
        bench.file("etc/shadow", &shadow(changed));
        if let Some(name) = late {
            written(&bench, name, now + year);
        }
        let before = bench.read("etc/shadow");
        let Some(mut command) = bench.command(test, "apply", &["--rule", "5.5.1"]) else { return };
        let out = command.output().unwrap();
        assert_eq!(out.status.code(), Some(2), "{what}: {}", log(&out));
        assert_eq!(bench.read("etc/shadow"), before, "{what}");
        assert!(log(&out).contains("gokaku: warning: the clock says "), "{what}: {}", log(&out));
        assert!(log(&out).contains(what), "{}", log(&out));
        let named = |id: &str| log(&out).contains(&format!("error: {id} not met"));
        assert!(named("5.5.1.1") && named("5.5.1.4"), "{what}: {}", log(&out));
    }
    let bench = Bench::new();
    bench.file("etc/shadow", &shadow(today));
    let out = bench.command(test, "apply", &["--rule", "5.5.1"]).unwrap().output().unwrap();
    assert!(bench.read("etc/shadow").contains(":1:365:7:30::"), "{}", log(&out));
    assert!(!log(&out).contains("the clock says"), "{}", log(&out));
}

#[test]
fn thousands_of_homes_need_few_descriptors() {
    let test = "thousands_of_homes_need_few_descriptors";
    const HOMES: u32 = 3_000;
    if !is_root(test, "own homes of others") || !have(test, &["prlimit:util-linux"]) {
        return;
    }
    let bench = Bench::new();
    let (mut passwd, mut shadow) = (bench.read("etc/passwd"), bench.read("etc/shadow"));
    for n in 0..HOMES {
        let (uid, home) = (2000 + n, bench.root().join(format!("home/u{n}")));
        passwd += &format!("u{n}:x:{uid}:{uid}::/home/u{n}:/bin/bash\n");
        shadow += &format!("u{n}:!:18000:0:99999:7:::\n");
        fs::create_dir(&home).unwrap();
        fs::write(home.join(".bashrc"), "").unwrap();
        fs::set_permissions(home.join(".bashrc"), fs::Permissions::from_mode(0o664)).unwrap();
        for path in [home.join(".bashrc"), home] {
            chown(path, Some(uid), Some(uid)).unwrap();
        }
    }
    bench.file("etc/passwd", &passwd);
    bench.file("etc/shadow", &shadow);
    let limited = |verb: &str, args: &[&str]| {
        let command = bench.command(test, verb, args).unwrap();
        let mut prlimit = Command::new("prlimit");
        prlimit.arg("--nofile=256:256").arg(command.get_program()).args(command.get_args());
        let out = prlimit.env("LC_ALL", "C.UTF-8").output().unwrap();
        assert_eq!(out.status.code(), Some(0), "{verb}: {}", log(&out));
    };
    let modes = |want: u32| {
        let mode = |n: u32| fs::metadata(bench.root().join(format!("home/u{n}/.bashrc"))).unwrap();
        let other = (0..HOMES).find(|n| mode(*n).mode() & 0o777 != want);
        assert_eq!(other, None, "want {want:o}");
    };
    let time = |n: u32| fs::metadata(bench.root().join(format!("home/u{n}"))).unwrap().mtime_nsec();
    let times: Vec<i64> = (0..HOMES).map(time).collect();
    limited("apply", &["--rule", "6.2.7"]);
    modes(0o644);
    limited("revert", &[]);
    modes(0o664);
    assert!((0..HOMES).map(time).eq(times), "the directories' times stay");
}
