//! Account files that point everywhere: no home that is not one person's own is changed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::PathBuf;
use std::process::Command;

use gokaku::rootfs::{DiskRootfs, Resolver};

use crate::trap::{self, Trap, Watch, as_root, assert_blind, walk};

/// What stands in the field for the home.
const HOMES: &[&str] = &[
    "/",
    "//",
    "/.",
    "",
    "../..",
    "/..",
    "/../../../../",
    "/etc",
    "/etc/",
    "/etc/ssh",
    "/usr",
    "/bin",
    "/root",
    "/root/.ssh",
    "/home",
    "/home/ubuntu",
    "/home/ubuntu/",
    "/home/ubuntu/sub",
    "/home/./ubuntu",
    "/home/eve/../ubuntu",
    "/home/link-to-etc",
    "/home/link-to-host",
    "/home/link-to-ubuntu",
    "/home/loop",
    "/home/loop/x",
    "/home/pipe",
    "/home/zero",
    "/home/zero/x",
    "/home/file",
    "/dev",
    "/dev/null",
    "/proc/self/root",
    "/proc/1/cwd",
    "/tmp",
    "/tmp/evil",
    "/var/tmp",
    "/var/lib/dpkg",
    "/run/evil",
    "/home/missing/deep/er",
    "/srv/shared",
    "/srv/open/evil",
    "/home/a\u{301}\u{202e}b",
    "~root",
    "$HOME",
];

type Owners = BTreeMap<PathBuf, (u32, u32, u32)>;

fn owners(trap: &Trap) -> Owners {
    let all = walk(&trap.root()).into_iter().map(|(p, _)| p).chain([trap.root()]);
    all.map(|p| {
        let meta = fs::symlink_metadata(&p).unwrap();
        (p, (meta.mode(), meta.uid(), meta.gid()))
    })
    .collect()
}

fn tree() -> Trap {
    let trap = Trap::new();
    let root = trap.root();
    for dir in ["home/eve", "home/ubuntu/sub", "srv/shared", "srv/open", "root/.ssh", "proc"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    fs::set_permissions(root.join("srv/open"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::set_permissions(root.join("srv/shared"), fs::Permissions::from_mode(0o777)).unwrap();
    symlink("/etc", root.join("home/link-to-etc")).unwrap();
    symlink(trap.host().join("home"), root.join("home/link-to-host")).unwrap();
    symlink("ubuntu", root.join("home/link-to-ubuntu")).unwrap();
    symlink("loop", root.join("home/loop")).unwrap();
    fs::write(root.join("home/file"), "").unwrap();
    for (name, kind) in [("home/pipe", &["p"][..]), ("home/zero", &["c", "1", "5"])] {
        // Where a device cannot be made, something else that is no directory will do.
        let made = Command::new("mknod").arg(root.join(name)).args(kind).output().unwrap();
        if !made.status.success() {
            fs::write(root.join(name), "").unwrap();
        }
    }
    trap
}

fn harden(trap: &Trap, at: &str) {
    for resolver in [Resolver::detect(), Resolver::Walk] {
        let watch = Watch::tree(&trap.host());
        let root = DiskRootfs::open_with(&trap.root(), resolver).unwrap();
        match trap::harden(&root, &trap.state()) {
            Ok(done) => assert_blind(&done.report.rules, at),
            Err(e) => panic!("{at}: {e}"),
        }
        assert!(watch.heard().is_empty(), "{at}");
    }
}

/// Nobody owns what was somebody else's, and no mode became looser.
fn assert_nobody_gained(before: &Owners, trap: &Trap, at: &str) {
    for (path, (mode, uid, gid)) in owners(trap) {
        let Some((old_mode, old_uid, old_gid)) = before.get(&path) else {
            // New: root's, or a home below /home that was missing.
            let below_home = path.strip_prefix(trap.root()).unwrap().starts_with("home");
            assert!(uid == 0 || below_home, "{at}: {} is new and of {uid}", path.display());
            continue;
        };
        // What was root's may become the home of the one person who names it.
        let is_home = *old_uid == 0 && path.parent() == Some(&trap.root().join("home"));
        assert!(
            uid == *old_uid || uid == 0 || is_home,
            "{at}: {} {old_uid} -> {uid}",
            path.display()
        );
        assert!(
            gid == *old_gid || gid == 0 || gid == 42,
            "{at}: {} {old_gid} -> {gid}",
            path.display()
        );
        if mode & 0o170_000 != 0o120_000 {
            assert_eq!(
                mode & !old_mode & 0o022,
                0,
                "{at}: {} {old_mode:o} -> {mode:o}",
                path.display()
            );
        }
    }
}

#[test]
fn homes_that_are_somebody_elses_or_the_systems_are_left() {
    if !as_root("accounts::homes_that_are_somebody_elses_or_the_systems_are_left") {
        return;
    }
    // One at a time, and all of them at once.
    let all: Vec<&str> = HOMES.to_vec();
    let sets = HOMES.iter().map(|h| vec![*h]).chain([all]);
    let mut count = 0;
    for homes in sets {
        let trap = tree();
        let passwd = trap.root().join("etc/passwd");
        let mut text = fs::read_to_string(&passwd).unwrap();
        for (number, home) in homes.iter().enumerate() {
            let uid = 31_000 + number;
            text.push_str(&format!("evil{number}:x:{uid}:{uid}::{home}:/bin/bash\n"));
        }
        fs::write(&passwd, text).unwrap();
        // What is in a home of one's own may be anybody's.
        lchown(trap.root().join("home/eve"), Some(1_001), Some(1_001)).unwrap();
        let before = owners(&trap);
        let at = format!("{homes:?}");
        harden(&trap, &at);
        assert_nobody_gained(&before, &trap, &at);
        for evil in 31_000..31_100 {
            for (path, (_, uid, _)) in owners(&trap) {
                let own = before.contains_key(&path) || !path.starts_with(trap.root().join("home"));
                assert!(!(own && uid == evil), "{at}: {} was given away", path.display());
            }
        }
        count += 1;
    }
    println!("{count} account files with {} kinds of homes: nothing was given away", HOMES.len());
}

#[test]
fn a_persons_home_is_not_given_to_who_names_it_too() {
    if !as_root("accounts::a_persons_home_is_not_given_to_who_names_it_too") {
        return;
    }
    // Where bob says that he lives, and how eve names what is his.
    let bobs = ["/home/bob", "/home/b", "/home/a/../bob", "/home/elsewhere", "/home/gone", ""];
    let eves = ["/home/bob", "/home/bob/", "/home//./bob", "/home/b", "/home/a/../bob"];
    for (bob, eve) in bobs.iter().flat_map(|bob| eves.map(|eve| (bob, eve))) {
        for eves_first in [false, true] {
            let trap = tree();
            let home = trap.root().join("home");
            for (name, uid) in [("bob", 1_501), ("elsewhere", 1_501), ("a", 0)] {
                fs::create_dir(home.join(name)).unwrap();
                lchown(home.join(name), Some(uid), Some(uid)).unwrap();
            }
            symlink("bob", home.join("b")).unwrap();
            let passwd = trap.root().join("etc/passwd");
            let text = fs::read_to_string(&passwd).unwrap();
            let bob = format!("bob:x:1501:1501::{bob}:/bin/bash\n");
            let eve = format!("eve:x:1502:1502::{eve}:/bin/bash\n");
            let both = if eves_first { eve + &bob } else { bob + &eve };
            fs::write(&passwd, format!("{text}{both}")).unwrap();
            let before = owners(&trap);
            harden(&trap, &both);
            assert_nobody_gained(&before, &trap, &both);
            assert_eq!(fs::symlink_metadata(home.join("bob")).unwrap().uid(), 1_501, "{both}");
        }
    }
}

#[test]
fn a_border_above_all_numbers_locks_nobody_out() {
    if !as_root("accounts::a_border_above_all_numbers_locks_nobody_out") {
        return;
    }
    for defs in [
        "UID_MIN 4294967295",
        "UID_MIN 65000",
        "UID_MIN 0xffffff00",
        "UID_MAX 10",
        "UID_MIN 65000\nUID_MAX 99999",
    ] {
        let trap = tree();
        let add = |path: &str, text: &str| {
            let old = fs::read_to_string(trap.root().join(path)).unwrap();
            trap.file(path, format!("{old}{text}\n"));
        };
        add("etc/login.defs", defs);
        add("etc/passwd", "bob:x:1501:1501::/srv/people/bob:/bin/bash");
        add("etc/shadow", "bob:$6$a$b:1:0:99999:7:::");
        harden(&trap, defs);
        for (file, line) in [
            ("etc/passwd", "bob:x:1501:1501::/srv/people/bob:/bin/bash\n"),
            ("etc/shadow", "bob:$6$a$b:1:0:99999:7:::\n"),
        ] {
            let text = fs::read_to_string(trap.root().join(file)).unwrap();
            assert!(text.ends_with(line), "{defs}: {text}");
        }
    }
}

#[test]
fn a_group_with_the_number_of_nobody_owns_nothing() {
    if !as_root("accounts::a_group_with_the_number_of_nobody_owns_nothing") {
        return;
    }
    for number in ["4294967295", "+42", " 42", "-1"] {
        let trap = tree();
        let group = trap.root().join("etc/group");
        let text = fs::read_to_string(&group).unwrap();
        let line = text.lines().find(|l| l.starts_with("shadow:")).unwrap();
        fs::write(&group, text.replace(line, &format!("shadow:x:{number}:"))).unwrap();
        lchown(trap.root().join("etc/shadow"), Some(0), Some(7)).unwrap();
        harden(&trap, number);
        let done = trap::snapshot(&trap.root());
        let root = DiskRootfs::open(trap.root()).unwrap();
        let again = trap::harden(&root, &trap.state()).unwrap();
        assert!(again.report.changes.is_empty(), "{number}: {:?}", again.report.changes);
        assert_eq!(done, trap::snapshot(&trap.root()), "{number}");
    }
}

#[test]
fn enormous_and_broken_account_lines_end_in_bounded_time() {
    if !as_root("accounts::enormous_and_broken_account_lines_end_in_bounded_time") {
        return;
    }
    let long = "x".repeat(1 << 20);
    let deep = "/d".repeat(100_000);
    let cases: Vec<(&str, String)> = vec![
        ("a name of a megabyte", format!("{long}:x:2000:2000::/home/x:/bin/sh\n")),
        ("a home of a megabyte", format!("evil:x:2000:2000::/home/{long}:/bin/sh\n")),
        ("a home a hundred thousand deep", format!("evil:x:2000:2000::{deep}:/bin/sh\n")),
        ("a shell of a megabyte", format!("evil:x:2000:2000::/home/e:/{long}\n")),
        ("a million colons", format!("evil{}\n", ":".repeat(1_000_000))),
        ("a million empty lines", "\n".repeat(1_000_000)),
        ("numbers beyond every range", "a:x:4294967295:1::/:/bin/sh\nb:x:99999999999999999999:1::/:/bin/sh\nc:x:-1:-1::/:/bin/sh\n".into()),
        ("no line feed at the end", "evil:x:0:0::/root:/bin/bash".into()),
        ("bytes of zero", "ev\0il:x:2000:2000::/ho\0me:/bin/sh\n".into()),
        ("thousands of accounts with one home", (0..5_000).map(|n| format!("u{n}:x:{}:1::/home/one:/bin/sh\n", 2_000 + n)).collect()),
        ("thousands of accounts with one number", (0..5_000).map(|n| format!("u{n}:x:2000:1::/home/u{n}:/bin/sh\n")).collect()),
    ];
    for (name, lines) in &cases {
        for file in ["etc/passwd", "etc/shadow", "etc/group", "etc/gshadow"] {
            let trap = tree();
            let at = trap.root().join(file);
            let text = fs::read_to_string(&at).unwrap_or_default();
            trap.file(file, text + lines);
            let before = owners(&trap);
            let watch = Watch::tree(&trap.host());
            let root = DiskRootfs::open_with(&trap.root(), Resolver::detect()).unwrap();
            match trap::harden(&root, &trap.state()) {
                Ok(done) => assert_blind(&done.report.rules, name),
                Err(e) => assert!(e.to_string().len() < 10_000, "{name}: an enormous message"),
            }
            assert!(watch.heard().is_empty(), "{name}");
            assert_nobody_gained(&before, &trap, name);
        }
    }
    println!(
        "{} account files, each broken in 4 ways: none hung, nothing was given away",
        cases.len()
    );
}
