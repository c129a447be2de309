//! The locks and other users of the machine: whose lock stops a run, who is named, and that two runs
//! on one tree exclude each other whatever another user does. With the built program.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use gokaku::apply::Executor;
use gokaku::rootfs::DiskRootfs;
use support::{gokaku, is_root};

const REFUSED: &str = "another run is at work on this root; wait until it has ended";
const NOBODY: &str = "65534";

struct Bench {
    top: tempfile::TempDir,
}

impl Bench {
    fn new(test: &str) -> Option<Bench> {
        if !is_root(test, "start processes of other users") {
            return None;
        }
        let bench = Bench { top: tempfile::tempdir().unwrap() };
        let etc = bench.root().join("etc");
        fs::create_dir_all(&etc).unwrap();
        fs::write(etc.join("os-release"), "ID=ubuntu\nVERSION_ID=18.04\n").unwrap();
        fs::set_permissions(bench.top.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Some(bench)
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    /// Where the second lock lies while it is held.
    fn second(&self) -> PathBuf {
        let root = fs::metadata(self.root()).unwrap();
        Path::new("/run/gokaku").join(format!("{:x}-{:x}", root.dev(), root.ino()))
    }

    /// `apply --wait 0`, started by these words, on the root by this path.
    fn apply(&self, with: &[&str], root: &Path) -> (Option<i32>, String) {
        let program = gokaku().get_program().to_owned();
        let mut command = match with {
            [] => gokaku(),
            [first, rest @ ..] => {
                let mut command = Command::new(first);
                command.args(rest).arg(&program);
                command
            }
        };
        command.env_remove("RUST_LOG").args(["apply", "--rule", "3.2.1", "--wait", "0"]);
        // Neither depends on the state directory.
        let state = tempfile::tempdir_in(self.top.path()).unwrap();
        command.arg("--root").arg(root).arg("--state-dir").arg(state.path().join("state"));
        let out = command.output().unwrap();
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    }
}

/// A process of another user that has done `what` with descriptor 9, which is the root.
struct Other(Child);

impl Other {
    fn start(bench: &Bench, uid: &str, what: &str) -> Other {
        let script = format!("exec 9<\"$1\"; {what}; echo held; exec sleep 600");
        let mut child = Command::new("setpriv")
            .args(["--reuid", uid, "--regid", uid, "--clear-groups", "sh", "-ec", &script, "sh"])
            .arg(bench.root())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n", "{what}");
        Other(child)
    }

    fn named(&self, uid: &str) -> String {
        format!("process {} of uid {uid} (", self.0.id())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_lock_of_somebody_who_may_not_write_there_stops_nobody() {
    let test = "a_lock_of_somebody_who_may_not_write_there_stops_nobody";
    let Some(bench) = Bench::new(test) else { return };
    let ways = [
        // flock(1) has ended by then; the descriptor is what holds it.
        "flock -s 9",
        "flock -x 9",
        "(flock -s 9; exec setpriv --pdeathsig KILL sleep 600) >/dev/null 2>&1 & flock -s 9",
    ];
    for way in ways {
        let other = Other::start(&bench, NOBODY, way);
        let (status, log) = bench.apply(&[], &bench.root());
        assert_eq!(status, Some(0), "{way}: {log}");
        assert!(log.contains(&other.named(NOBODY)), "{way}: {log}");
        assert!(log.contains("which may not write there: passed over"), "{way}: {log}");
        assert!(!bench.second().exists(), "nothing stays");
    }
    let (status, log) = bench.apply(&[], &bench.root());
    assert!(status == Some(0) && !log.contains("passed over"), "{log}");
}

#[test]
fn somebody_elses_namespace_does_not_make_them_root_of_the_tree() {
    let test = "somebody_elses_namespace_does_not_make_them_root_of_the_tree";
    let Some(bench) = Bench::new(test) else { return };
    let able = Command::new("setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "unshare", "-Ur", "true"])
        .output();
    if !able.is_ok_and(|out| out.status.success()) {
        return support::skip(test, "no user namespaces for ordinary users");
    }
    let other = Other::start(
        &bench,
        NOBODY,
        "flock -x 9; exec unshare -Ur sh -c 'echo held; exec sleep 600'",
    );
    let (status, log) = bench.apply(&[], &bench.root());
    assert_eq!(status, Some(0), "{log}");
    assert!(log.contains(&other.named(NOBODY)), "{log}");
}

#[test]
fn a_lock_of_somebody_who_may_write_there_counts_and_is_named() {
    let test = "a_lock_of_somebody_who_may_write_there_counts_and_is_named";
    let Some(bench) = Bench::new(test) else { return };
    let refused = |uid: &str, what: &str| {
        let other = Other::start(&bench, uid, "flock -x 9");
        let (status, log) = bench.apply(&[], &bench.root());
        assert_eq!(status, Some(3), "{what}: {log}");
        let named = format!("{}sleep 600): {REFUSED}", other.named(uid));
        assert!(log.contains(&named), "{what}: {log}");
    };
    refused("0", "root");
    chown(bench.root(), Some(1234), Some(0)).unwrap();
    refused("1234", "the owner of the root directory");
    chown(bench.root(), Some(0), Some(1234)).unwrap();
    fs::set_permissions(bench.root(), fs::Permissions::from_mode(0o775)).unwrap();
    refused("1234", "a group that may write to it");
    chown(bench.root(), Some(0), Some(0)).unwrap();
    fs::set_permissions(bench.root(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(bench.root().join("etc"), Some(1234), Some(0)).unwrap();
    refused("1234", "the owner of /etc");
    // One of two is enough.
    let _nobody = Other::start(&bench, NOBODY, "flock -s 9");
    let root = Other::start(&bench, "0", "flock -s 9");
    let (status, log) = bench.apply(&[], &bench.root());
    assert_eq!(status, Some(3), "{log}");
    assert!(log.contains(&root.named("0")), "{log}");
}

/// A run at work, and the ways by which another one may come to the same tree.
fn nobody_else_gets_in(bench: &Bench, what: &str) {
    let root = DiskRootfs::open(bench.root()).unwrap();
    let state = bench.top.path().join("first");
    let at_work = Executor::lock(&root, &state).unwrap();
    let named = format!("process {} of uid 0 (", std::process::id());
    let link = bench.top.path().join("link");
    let _ = std::os::unix::fs::symlink("root", &link);
    let bound = bench.top.path().join("bound");
    fs::create_dir_all(&bound).unwrap();
    let bind = "mount --bind \"$1\" \"$2\"; shift 2; exec \"$@\"";
    let own_run = "mount -t tmpfs none /run; mount --bind \"$1\" \"$2\"; shift 2; exec \"$@\"";
    let (from, to) = (bench.root(), bound.clone());
    let (from, to) = (from.to_str().unwrap(), to.to_str().unwrap());
    let container = ["unshare", "-mpf", "--mount-proc", "sh", "-ec", own_run, "sh", from, to];
    let namespace = ["unshare", "-m", "sh", "-ec", own_run, "sh", from, to];
    let bound_by = ["unshare", "-m", "sh", "-ec", bind, "sh", from, to];
    let ways: [(&str, &[&str], &Path, bool); 5] = [
        ("the same path", &[], &bench.root(), true),
        ("a link", &[], &link, true),
        ("a bind mount", &bound_by, &bound, true),
        ("a container with its own /run", &namespace, &bound, true),
        ("a container with its own processes, too", &container, &bound, false),
    ];
    for (way, with, path, seen) in ways {
        let (status, log) = bench.apply(with, path);
        assert_eq!(status, Some(3), "{what}, {way}: {log}");
        assert!(log.contains(REFUSED), "{what}, {way}: {log}");
        assert!(!seen || log.contains(&named), "{what}, {way}: {log}");
        assert!(seen || log.contains("cannot be seen from here"), "{what}, {way}: {log}");
    }
    drop(at_work);
}

#[test]
fn two_runs_on_one_tree_exclude_each_other_by_every_way() {
    let test = "two_runs_on_one_tree_exclude_each_other_by_every_way";
    let Some(bench) = Bench::new(test) else { return };
    nobody_else_gets_in(&bench, "alone");
    for way in ["flock -s 9", "flock -x 9"] {
        let other = Other::start(&bench, NOBODY, way);
        nobody_else_gets_in(&bench, way);
        drop(other);
    }
    let (status, log) = bench.apply(&[], &bench.root());
    assert_eq!(status, Some(0), "free again: {log}");
    assert!(!bench.second().exists());
}

/// The other user lets go while a run is at work that had passed it over.
#[test]
fn a_run_that_passed_a_lock_over_keeps_others_out_after_it_is_gone() {
    let test = "a_run_that_passed_a_lock_over_keeps_others_out_after_it_is_gone";
    let Some(bench) = Bench::new(test) else { return };
    let other = Other::start(&bench, NOBODY, "flock -x 9");
    let root = DiskRootfs::open(bench.root()).unwrap();
    let at_work = Executor::lock(&root, &bench.top.path().join("first")).unwrap();
    assert!(bench.second().exists());
    drop(other);
    let own_run = "mount -t tmpfs none /run; exec \"$@\"";
    let ways: [&[&str]; 3] = [
        &[],
        &["unshare", "-m", "sh", "-ec", own_run, "sh"],
        &["unshare", "-mpf", "--mount-proc", "sh", "-ec", own_run, "sh"],
    ];
    for with in ways {
        let (status, log) = bench.apply(with, &bench.root());
        assert_eq!(status, Some(3), "{with:?}: {log}");
    }
    drop(at_work);
    for with in ways {
        let (status, log) = bench.apply(with, &bench.root());
        assert_eq!(status, Some(0), "{with:?}: {log}");
    }
}

/// Where the second lock cannot be, the first is not passed over.
#[test]
fn without_the_second_lock_every_lock_counts() {
    let test = "without_the_second_lock_every_lock_counts";
    let Some(bench) = Bench::new(test) else { return };
    let planted =
        "mount -t tmpfs none /run; mkdir /run/gokaku; chown 1234 /run/gokaku; exec \"$@\"";
    let file = "mount -t tmpfs none /run; : >/run/gokaku; exec \"$@\"";
    for script in [planted, file] {
        let with = ["unshare", "-m", "sh", "-ec", script, "sh"];
        let (status, log) = bench.apply(&with, &bench.root());
        assert_eq!(status, Some(0), "the first is free: {log}");
        let other = Other::start(&bench, NOBODY, "flock -s 9");
        let (status, log) = bench.apply(&with, &bench.root());
        assert_eq!(status, Some(3), "{log}");
        assert!(log.contains(&other.named(NOBODY)), "{log}");
    }
}

/// A mark is no way to stop others, either.
#[test]
fn record_locks_of_another_user_stop_nobody() {
    let test = "record_locks_of_another_user_stop_nobody";
    let Some(bench) = Bench::new(test) else { return };
    if !support::have(test, &["perl:perl-base"]) {
        return;
    }
    // F_SETLK and F_OFD_SETLK: F_RDLCK on all of the directory.
    for command in ["6", "37"] {
        let script = "sysopen(my $f, $ARGV[0], 0) or die; \
                      my $l = pack('ssx4qqlx4', 0, 0, 0, 0, 0); \
                      fcntl($f, $ARGV[1], $l) or die $!; \
                      $| = 1; print \"held\\n\"; sleep 600";
        let mut child = Command::new("setpriv")
            .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "perl", "-e", script])
            .arg(bench.root())
            .arg(command)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let _other = Other(child);
        assert_eq!(line, "held\n");
        let (status, log) = bench.apply(&[], &bench.root());
        assert_eq!(status, Some(0), "{command}: {log}");
    }
}
