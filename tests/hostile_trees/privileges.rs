//! With less than root's rights: nothing half done, and a word about what could not be.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::{gokaku, skip};
use crate::trap::{Trap, snapshot, walk};

const SOMEBODY: u32 = 54_321;

/// The program, run by an account without any rights.
fn as_somebody(args: &[&str]) -> Command {
    let gokaku = gokaku();
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={SOMEBODY}")).arg(format!("--regid={SOMEBODY}"));
    command.args(["--clear-groups", "--inh-caps=-all", "--"]).args(args).arg(gokaku.get_program());
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null());
    command
}

fn can_become_somebody(test: &str) -> bool {
    if users::get_effective_uid() != 0 {
        skip(test, "run as root (to become an ordinary user)");
        return false;
    }
    // Everybody must be able to reach the program itself.
    let ran = as_somebody(&[]).arg("--version").output();
    if !ran.is_ok_and(|out| out.status.success()) {
        skip(test, "setpriv (util-linux) is missing, or others cannot run the built program");
        return false;
    }
    true
}

/// A tree that belongs to an ordinary user, all of it.
fn own_tree() -> Trap {
    let trap = Trap::new();
    for dir in [trap.root().parent().unwrap().to_owned(), trap.root()] {
        lchown(&dir, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
    for (path, _) in walk(&trap.root()) {
        lchown(&path, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    }
    trap
}

fn told(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

#[test]
fn without_root_nothing_is_begun() {
    if !can_become_somebody("without_root_nothing_is_begun") {
        return;
    }
    let trap = own_tree();
    let before = snapshot(&trap.root());
    let mut command = as_somebody(&[]);
    let out = command
        .args(["apply", "--state-dir"])
        .arg(trap.state())
        .arg("--root")
        .arg(trap.root())
        .output();
    let out = out.unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", told(&out));
    for word in ["want root, found uid 54321", "sudo", "unshare -Ur --map-auto"] {
        assert!(told(&out).contains(word), "{word}: {}", told(&out));
    }
    assert_eq!(snapshot(&trap.root()), before);
    assert!(!trap.state().exists());
}

#[test]
fn root_without_its_capabilities_does_not_begin() {
    let test = "root_without_its_capabilities_does_not_begin";
    if !can_become_somebody(test) {
        return;
    }
    let trap = own_tree();
    let before = snapshot(&trap.root());
    for lost in ["chown", "fowner", "dac_override", "fsetid"] {
        let gokaku = gokaku();
        let out = Command::new("setpriv")
            .args([format!("--bounding-set=-{lost}"), format!("--inh-caps=-{lost}")])
            .arg(gokaku.get_program())
            .args(["apply", "--state-dir"])
            .arg(trap.state())
            .arg("--root")
            .arg(trap.root())
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(3), "{lost}: {}", told(&out));
        let says = format!("found root without CAP_{}", lost.to_uppercase());
        assert!(told(&out).contains(&says), "{says}: {}", told(&out));
        assert_eq!(snapshot(&trap.root()), before, "{lost}");
        assert!(!trap.state().exists(), "{lost}");
    }
}

#[test]
fn what_an_ordinary_user_cannot_read_is_unknown_and_never_met() {
    if !can_become_somebody("what_an_ordinary_user_cannot_read_is_unknown_and_never_met") {
        return;
    }
    let trap = Trap::new();
    // The test's own directory is root's alone.
    fs::set_permissions(trap.root().parent().unwrap(), fs::Permissions::from_mode(0o755)).unwrap();
    for dir in ["etc/ssh", "etc/modprobe.d", "var/lib/dpkg", "etc/pam.d"] {
        fs::set_permissions(trap.root().join(dir), fs::Permissions::from_mode(0o000)).unwrap();
    }
    fs::set_permissions(trap.root().join("etc/shadow"), fs::Permissions::from_mode(0o000)).unwrap();
    let before = snapshot(&trap.root());
    let report = |mut command: Command| {
        let out = command
            .args(["audit", "--survey", "--format", "json", "--root"])
            .arg(trap.root())
            .output()
            .unwrap();
        let report: serde_json::Value =
            serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", told(&out)));
        (out.status.code(), report)
    };
    let (status, theirs) = report(as_somebody(&[]));
    let (_, ours) = report(gokaku());
    assert_eq!(status, Some(1));
    let (theirs, ours) = (crate::support::rows(&theirs), crate::support::rows(&ours));
    let mut unknown = 0;
    for (id, row) in &theirs {
        if row["outcome"] == "unknown" {
            unknown += 1;
            let why = row["reason"].to_string();
            let says = why.contains("ermission denied") || why.contains("could not be read");
            assert!(says, "{row:#}");
        } else {
            assert_eq!(row["outcome"], ours[id]["outcome"], "{id}: {row:#}\n{:#}", ours[id]);
        }
    }
    assert!(unknown > 20, "{unknown}");
    assert_eq!(theirs["6.1.10"]["outcome"], "unknown", "the walk over all files saw not all");
    assert_eq!(snapshot(&trap.root()), before);
}

/// A user namespace with a range of numbers from `/etc/subuid`, or with the caller's alone.
fn namespace(trap: &Trap, test: &str, mapping: &[&str]) -> Option<Output> {
    let mut args = vec!["unshare"];
    args.extend(mapping);
    args.push("--");
    let works = as_somebody(&[&args[..], &["true"]].concat()).output();
    if !works.is_ok_and(|out| out.status.success()) {
        skip(
            test,
            &format!("an ordinary user cannot have a user namespace here ({})", mapping.join(" ")),
        );
        return None;
    }
    let mut command = as_somebody(&args);
    command.args(["apply", "--state-dir"]).arg(trap.state()).arg("--root").arg(trap.root());
    Some(command.output().unwrap())
}

/// Gives a file an ACL in which another account may read; whether that can be done here.
fn names_somebody(file: &Path) -> bool {
    // user::rw-, user 4242 r--, group::r--, mask r--, other r--
    let entries = [(1, 6, u32::MAX), (2, 4, 4_242), (4, 4, u32::MAX), (16, 4, u32::MAX)];
    let mut acl = 2_u32.to_le_bytes().to_vec();
    for (tag, permission, id) in entries.into_iter().chain([(32, 4, u32::MAX)]) {
        acl.extend([tag, 0, permission, 0]);
        acl.extend(id.to_le_bytes());
    }
    xattr::set(file, "system.posix_acl_access", &acl).is_ok()
}

#[test]
fn in_a_namespace_of_one_number_it_says_what_it_cannot_set() {
    let test = "in_a_namespace_of_one_number_it_says_what_it_cannot_set";
    if !can_become_somebody(test) {
        return;
    }
    let trap = own_tree();
    lchown(trap.root().join("etc/ssh/sshd_config"), None, Some(4_242)).unwrap();
    let acl = names_somebody(&trap.root().join("etc/crontab"));
    let before = snapshot(&trap.root());
    let Some(out) = namespace(&trap, test, &["-Ur"]) else { return };
    assert_eq!(out.status.code(), Some(3), "{}", told(&out));
    // A home that should be its user's, and nobody but root is known there.
    for word in ["/home/ubuntu (1000:0)", "--map-auto", "--skip 5.", "6.2.6", "trusted.*"] {
        assert!(told(&out).contains(word), "{word}: {}", told(&out));
    }
    // A group, and a number in an ACL, that are not known there.
    assert!(told(&out).contains("/etc/ssh/sshd_config (0:65534)"), "{}", told(&out));
    assert!(!acl || told(&out).contains("/etc/crontab (in an ACL)"), "{}", told(&out));
    assert_eq!(snapshot(&trap.root()), before);
    // As it says: without those rows it does what it can.
    let message = told(&out);
    let rows =
        message.split("--skip ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    let mut command = as_somebody(&["unshare", "-Ur", "--"]);
    command.args(["apply", "--skip", &rows, "--state-dir"]).arg(trap.state());
    let out = command.arg("--root").arg(trap.root()).output().unwrap();
    assert!(matches!(out.status.code(), Some(0..=2)), "{}", told(&out));
    assert!(trap.root().join("etc/sysctl.d/60-CIS.conf").exists(), "{}", told(&out));
}

#[test]
fn in_a_namespace_a_place_that_anybody_may_have_made_is_refused() {
    let test = "in_a_namespace_a_place_that_anybody_may_have_made_is_refused";
    if !can_become_somebody(test) {
        return;
    }
    let trap = own_tree();
    let shared = trap.host().join("shared");
    let theirs = shared.join("theirs");
    fs::create_dir_all(&theirs).unwrap();
    // There, its number is that of the machine's root: of nobody who is known.
    lchown(&theirs, Some(4_242), Some(4_242)).unwrap();
    fs::set_permissions(&shared, fs::Permissions::from_mode(0o1777)).unwrap();
    if namespace(&trap, test, &["-Ur"]).is_none() {
        return;
    }
    let before = snapshot(&trap.root());
    let mut command = as_somebody(&["unshare", "-Ur", "--"]);
    command.args(["apply", "--state-dir"]).arg(theirs.join("state"));
    let out = command.arg("--root").arg(trap.root()).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", told(&out));
    assert!(told(&out).contains("/theirs: belongs to uid 65534"), "{}", told(&out));
    assert_eq!(snapshot(&trap.root()), before);
}

/// The owner of a tree that was made in a namespace hardens it there without root. The test stands
/// in for `newuidmap` and gives the namespace the numbers that a line in `/etc/subuid` would.
#[test]
fn in_a_namespace_with_a_range_a_tree_of_ones_own_is_hardened() {
    let test = "in_a_namespace_with_a_range_a_tree_of_ones_own_is_hardened";
    if !can_become_somebody(test) {
        return;
    }
    let trap = Trap::new();
    // Inside, 0 is SOMEBODY, and 1 to 65535 are numbers far above it.
    let outside = |id: u32| if id == 0 { SOMEBODY } else { 200_000 + id };
    let all = walk(&trap.root()).into_iter().map(|(p, _)| p);
    let top = [trap.root(), trap.root().parent().unwrap().to_owned()];
    for path in all.chain(top) {
        let meta = fs::symlink_metadata(&path).unwrap();
        lchown(&path, Some(outside(meta.uid())), Some(outside(meta.gid()))).unwrap();
        if !meta.is_symlink() {
            fs::set_permissions(&path, fs::Permissions::from_mode(meta.mode() & 0o7777)).unwrap();
        }
    }
    let run = || in_namespace_with_range(&trap);
    let Some(out) = run() else {
        skip(test, "user namespaces, or writing their maps, are forbidden here");
        return;
    };
    assert!(matches!(out.status.code(), Some(0 | 2)), "{}", told(&out));
    assert!(told(&out).contains("trusted.*"), "{}", told(&out));
    let meta = fs::metadata(trap.root().join("etc/shadow")).unwrap();
    assert_eq!((meta.uid(), meta.gid()), (SOMEBODY, 200_042), "root and shadow of the namespace");
    let changed = |out: &Output| String::from_utf8_lossy(&out.stdout).contains("nothing changed");
    let again = run().unwrap();
    assert!(changed(&again), "{}", told(&again));
    // One file of the machine's own root among them, or a directory that a new one is to be in:
    // named, and nothing is begun.
    let config = trap.root().join("etc/ssh/sshd_config");
    fs::write(&config, "UsePAM yes\n").unwrap();
    lchown(&config, Some(0), Some(0)).unwrap();
    fs::remove_file(trap.root().join("etc/sysctl.d/60-CIS.conf")).unwrap();
    lchown(trap.root().join("etc/sysctl.d"), Some(0), Some(0)).unwrap();
    let before = snapshot(&trap.root());
    let out = run().unwrap();
    assert_eq!(out.status.code(), Some(3), "{}", told(&out));
    for path in ["/etc/ssh/sshd_config", "/etc/sysctl.d/60-CIS.conf"] {
        let says = format!("{path} (65534:65534)");
        assert!(told(&out).contains(&says), "{says}: {}", told(&out));
    }
    assert_eq!(snapshot(&trap.root()), before);
}

fn in_namespace_with_range(trap: &Trap) -> Option<Output> {
    let wait = "echo ready && read -r _ && exec \"$@\"";
    let mut command = as_somebody(&["unshare", "-U", "--", "sh", "-c", wait, "sh"]);
    command.args(["apply", "--state-dir"]).arg(trap.state()).arg("--root").arg(trap.root());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mapped = map_and_go(&mut child);
    let out = child.wait_with_output().ok();
    mapped.and(out)
}

/// Gives a waiting child its range of ids; an end of its input ends it where that fails.
fn map_and_go(child: &mut std::process::Child) -> Option<()> {
    let mut stdin = child.stdin.take()?;
    let mut ready = [0; 6];
    child.stdout.as_mut()?.read_exact(&mut ready).ok()?;
    for map in ["uid_map", "gid_map"] {
        let text = format!("0 {SOMEBODY} 1\n1 200001 65535\n");
        fs::write(format!("/proc/{}/{map}", child.id()), text).ok()?;
    }
    stdin.write_all(b"go\n").ok()
}
