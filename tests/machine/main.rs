//! The machine that gokaku runs on: its environment, where reports go, its clock and limits, and what
//! the last words of a run are. With the built program.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod reports;
mod variables;

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
