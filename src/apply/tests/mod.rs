//! The executor on small trees of the caller's own files; no rights are needed.
#![allow(clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::*;
use crate::rootfs::{Change, NewFile, StagedRootfs};

mod copied;
mod lock;
mod recovery;

struct Bench {
    top: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let top = tempfile::tempdir().unwrap();
        let bench = Bench { top };
        fs::create_dir_all(bench.root().join("etc/ssh")).unwrap();
        fs::write(bench.root().join("etc/ssh/sshd_config"), "UsePAM yes\n").unwrap();
        fs::set_permissions(
            bench.root().join("etc/ssh/sshd_config"),
            fs::Permissions::from_mode(0o640),
        )
        .unwrap();
        fs::write(bench.root().join("etc/crontab"), "# cron\n").unwrap();
        fs::write(bench.root().join("etc/gone"), "old\n").unwrap();
        symlink("/lib/a", bench.root().join("etc/alias")).unwrap();
        bench
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    fn disk(&self) -> DiskRootfs {
        DiskRootfs::open(self.root()).unwrap()
    }

    /// A plan that does one of everything.
    fn plan(&self, disk: &DiskRootfs) -> Plan {
        let me = NewFile {
            mode: 0o644,
            uid: users::get_effective_uid(),
            gid: users::get_effective_gid(),
        };
        let write =
            |p: &str, text: &str| Change::Write { path: path(p), content: text.into(), create: me };
        let changes = [
            write("/etc/ssh/sshd_config", "UsePAM yes\nMaxAuthTries 4\n"),
            Change::MakeDir { path: path("/etc/new.d"), create: NewFile { mode: 0o750, ..me } },
            write("/etc/new.d/60-CIS.conf", "a = 1\n"),
            Change::set_stat(&path("/etc/crontab"), Some(0o600), None, None),
            Change::Remove { path: path("/etc/gone") },
            Change::Symlink { path: path("/etc/alias"), target: "/lib/b".into() },
        ];
        let mut staged = StagedRootfs::new(disk);
        for change in &changes {
            staged.stage(change, &[0]).unwrap();
        }
        Plan::of_stage(&staged)
    }
}

fn path(p: &str) -> ImagePath {
    ImagePath::parse(p).unwrap()
}

/// Every path with mode, size, modification time and content: what must be the same.
fn picture(dir: &Path) -> BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)> {
    let mut out = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let meta = fs::symlink_metadata(&path).unwrap();
            let content = if meta.is_dir() {
                todo.push(path.clone());
                Vec::new()
            } else if meta.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else {
                fs::read(&path).unwrap()
            };
            out.insert(path, (meta.mode(), meta.mtime(), meta.mtime_nsec(), content));
        }
    }
    out
}

#[test]
fn a_plan_is_carried_out_and_leaves_nothing_beside_it() {
    let bench = Bench::new();
    let etc_time = fs::metadata(bench.root().join("etc")).unwrap().mtime_nsec();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let applied = executor.apply(&bench.plan(&disk)).unwrap();
    assert_eq!(applied.changed, 6);
    let read = |p: &str| fs::read_to_string(bench.root().join(p)).unwrap();
    let mode = |p: &str| fs::metadata(bench.root().join(p)).unwrap().mode() & 0o7777;
    assert_eq!(read("etc/ssh/sshd_config"), "UsePAM yes\nMaxAuthTries 4\n");
    assert_eq!(mode("etc/ssh/sshd_config"), 0o640, "an existing file keeps its mode");
    assert_eq!(read("etc/new.d/60-CIS.conf"), "a = 1\n");
    assert_eq!((mode("etc/new.d"), mode("etc/new.d/60-CIS.conf")), (0o750, 0o644));
    assert_eq!(mode("etc/crontab"), 0o600);
    assert!(!bench.root().join("etc/gone").exists());
    assert_eq!(fs::read_link(bench.root().join("etc/alias")).unwrap(), Path::new("/lib/b"));
    let names: Vec<_> = picture(&bench.root()).into_keys().collect();
    assert!(!names.iter().any(|n| n.to_string_lossy().contains("gokaku-")), "{names:?}");
    assert_eq!(fs::metadata(bench.root().join("etc")).unwrap().mtime_nsec(), etc_time);
}

#[test]
fn attributes_and_a_second_name_survive() {
    let bench = Bench::new();
    let file = bench.root().join("etc/ssh/sshd_config");
    let other = bench.root().join("etc/other-name");
    fs::hard_link(&file, &other).unwrap();
    let supported = xattr::set(&file, "user.note", b"kept").is_ok();
    let disk = bench.disk();
    Executor::lock(&disk, &bench.state()).unwrap().apply(&bench.plan(&disk)).unwrap();
    if supported {
        assert_eq!(xattr::get(&file, "user.note").unwrap().as_deref(), Some(&b"kept"[..]));
    }
    let old = fs::read_to_string(&other).unwrap();
    assert_eq!(old, "UsePAM yes\n", "a hard link elsewhere is not written through");
}

#[test]
fn an_empty_plan_touches_nothing_not_even_the_state_directory() {
    let bench = Bench::new();
    let before = picture(bench.top.path());
    let disk = bench.disk();
    let empty = Plan::of_stage(&StagedRootfs::new(&disk));
    let applied = Executor::lock(&disk, &bench.state()).unwrap().apply(&empty).unwrap();
    assert_eq!((applied.changed, applied.journal), (0, None));
    assert_eq!(picture(bench.top.path()), before);
}

/// A name, and what somebody does to what has it.
type Meddling<'e> = (&'e str, &'e dyn Fn(&Path));

#[test]
fn what_changed_after_planning_is_refused() {
    let mode = |at: &Path| fs::set_permissions(at, fs::Permissions::from_mode(0o604)).unwrap();
    let link = |at: &Path| {
        fs::remove_file(at).unwrap();
        symlink("/lib/c", at).unwrap();
    };
    let edits: [Meddling<'_>; 6] = [
        ("ssh/sshd_config", &|at| fs::write(at, "UsePAM no\n").unwrap()),
        ("ssh/sshd_config", &mode),
        ("crontab", &mode),
        ("gone", &|at| fs::remove_file(at).unwrap()),
        ("gone", &link),
        ("alias", &link),
    ];
    for (number, (name, edit)) in edits.into_iter().enumerate() {
        let bench = Bench::new();
        let disk = bench.disk();
        let plan = bench.plan(&disk);
        edit(&bench.root().join("etc").join(name));
        let before = picture(&bench.root());
        let e = Executor::lock(&disk, &bench.state()).unwrap().apply(&plan).unwrap_err();
        assert!(matches!(e, Error::Raced { .. }), "{number}, {name}: {e}");
        assert_eq!(picture(&bench.root()), before, "{number}, {name}");
    }
}

#[test]
fn a_failure_on_the_way_undoes_everything() {
    let bench = Bench::new();
    let disk = bench.disk();
    let plan = bench.plan(&disk);
    // Something appears where the plan has a new directory.
    fs::write(bench.root().join("etc/new.d"), "in the way").unwrap();
    let before = picture(&bench.root());
    let e = Executor::lock(&disk, &bench.state()).unwrap().apply(&plan).unwrap_err();
    assert!(matches!(&e, Error::RolledBack { .. }), "{e}");
    assert!(e.to_string().contains("/etc/new.d"), "{e}");
    assert_eq!(picture(&bench.root()), before);
}

#[test]
fn a_revert_tells_what_the_run_did_beyond_its_journal() {
    let bench = Bench::new();
    let before = picture(&bench.root());
    let disk = bench.disk();
    let mut executor = Executor::lock(&disk, &bench.state()).unwrap();
    executor.beyond_undo([Message::value("removed the package telnet")]);
    executor.apply(&bench.plan(&disk)).unwrap();
    drop(executor);
    let done = revert(&disk, &bench.state(), &[], Duration::ZERO, &Stop::default()).unwrap();
    assert_eq!((done.run, done.paths.len(), done.remaining), (Some(1), 6, 0));
    assert_eq!(picture(&bench.root()), before);
    let text = crate::report::reverted::render(&done, false, crate::message::Lang::En);
    assert!(text.contains("not undone: removed the package telnet\n"), "{text}");
}

#[test]
fn a_state_directory_others_can_read_is_refused() {
    let bench = Bench::new();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    executor.apply(&bench.plan(&disk)).unwrap();
    let key = fs::read_dir(bench.state()).unwrap().next().unwrap().unwrap().path();
    assert_eq!(fs::metadata(&key).unwrap().mode() & 0o777, 0o700);
    fs::set_permissions(&key, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(bench.root().join("etc/gone"), "again").unwrap();
    let disk = bench.disk();
    let mut staged = StagedRootfs::new(&disk);
    staged.stage(&Change::Remove { path: path("/etc/gone") }, &[0]).unwrap();
    let plan = Plan::of_stage(&staged);
    drop(executor);
    let e = Executor::lock(&disk, &bench.state()).unwrap().apply(&plan).unwrap_err();
    assert!(e.to_string().contains("0755"), "{e}");
    assert!(bench.root().join("etc/gone").exists());
}

#[test]
fn the_account_lock_is_the_one_the_account_tools_take() {
    let bench = Bench::new();
    let disk = bench.disk();
    let etc = OpenDir::of(&disk, path("/etc")).unwrap();
    // Locks of one process do not meet: a second process must hold it.
    let script = "import fcntl, sys, time\nf = open(sys.argv[1], 'w')\n\
                  fcntl.lockf(f, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()\n";
    let child = std::process::Command::new("python3")
        .args(["-c", script])
        .arg(bench.root().join("etc/.pwd.lock"))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), "SKIPPED: no python3 to hold the account lock");
        return;
    };
    let mut line = String::new();
    use std::io::BufRead;
    std::io::BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "held\n");
    let e = etc.lock_accounts().err().unwrap();
    assert!(matches!(e, Error::Guard(_)), "{e}");
    drop(child.stdin.take());
    child.wait().unwrap();
    assert!(etc.lock_accounts().is_ok());
}

/// A picture without times.
fn contents(picture: BTreeMap<PathBuf, (u32, i64, i64, Vec<u8>)>) -> Vec<(PathBuf, u32, Vec<u8>)> {
    picture.into_iter().map(|(path, (mode, .., content))| (path, mode, content)).collect()
}

#[test]
fn two_names_of_one_file_are_no_interference() {
    let bench = Bench::new();
    let etc = bench.root().join("etc");
    fs::hard_link(etc.join("crontab"), etc.join("crontab2")).unwrap();
    let disk = bench.disk();
    let mut staged = StagedRootfs::new(&disk);
    for name in ["/etc/crontab", "/etc/crontab2"] {
        let mode = Some(0o600);
        staged.stage(&Change::set_stat(&path(name), mode, None, None), &[0]).unwrap();
    }
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    assert_eq!(executor.apply(&Plan::of_stage(&staged)).unwrap().changed, 2);
}
