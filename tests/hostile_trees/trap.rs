//! A tree beside a second one that plays the host: same paths, and a word in every file that must
//! never be seen. The kernel tells of whoever opens, reads or changes anything there.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::{DiskRootfs, FileKind, ImagePath, MemoryRootfs, Rootfs};
use gokaku::run::{self, Hardened, Options};
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::cases;
pub use crate::support::as_root;

/// What the host's files hold.
pub const CANARY: &str = "canary-of-the-host";

/// A temporary directory in memory, where there is one: the cases are many.
pub fn scratch() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The embedded profile, for ever.
pub fn profile() -> &'static Profile {
    static PROFILE: std::sync::LazyLock<Profile> =
        std::sync::LazyLock::new(|| Profile::embedded().unwrap());
    &PROFILE
}

/// All of its rows.
pub fn rules() -> Vec<&'static Rule> {
    profile().rules.iter().collect()
}

/// The tree and its host.
pub struct Trap {
    top: tempfile::TempDir,
}

impl Trap {
    /// The stock tree, and a host of the same shape.
    pub fn new() -> Trap {
        Trap::of(&cases::base())
    }

    /// The tree `image`, and a host of the same shape.
    pub fn of(image: &MemoryRootfs) -> Trap {
        let trap = Trap { top: scratch() };
        // Only its owner may look: the trees hold devices and open directories.
        lay(image, &trap.root());
        lay(image, &trap.host());
        for (path, is_file) in walk(&trap.host()) {
            if is_file {
                let mut text = fs::read(&path).unwrap();
                text.extend(format!("# {CANARY}\n{CANARY}:x:0:0:::\n").as_bytes());
                fs::write(&path, text).unwrap();
            }
        }
        trap
    }

    pub fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    pub fn host(&self) -> PathBuf {
        self.top.path().join("host")
    }

    pub fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    /// A file of the tree.
    pub fn file(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    /// Makes room for something else at `path`, with the directories above it.
    pub fn instead(&self, path: &str) -> PathBuf {
        let path = self.root().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        remove(&path);
        path
    }
}

/// Takes away whatever stands at a path.
pub fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}

/// Writes an image to disk.
fn lay(image: &MemoryRootfs, at: &Path) {
    fs::create_dir(at).unwrap();
    let mut todo = vec![ImagePath::root()];
    while let Some(dir) = todo.pop() {
        for name in image.list(&dir).unwrap().unwrap().iter() {
            let path = dir.join(name).unwrap();
            let on_disk = at.join(std::ffi::OsStr::from_bytes(&path.as_bytes()[1..]));
            let stat = image.stat(&path).unwrap().unwrap();
            match stat.kind {
                FileKind::Dir => fs::create_dir(&on_disk).unwrap(),
                FileKind::Symlink => {
                    let target = image.read_link(&path).unwrap().unwrap();
                    symlink(std::ffi::OsStr::from_bytes(&target), &on_disk).unwrap();
                }
                FileKind::File => {
                    let bytes = image.read_bytes(&path, u64::MAX).unwrap().unwrap();
                    fs::write(&on_disk, &*bytes).unwrap();
                }
                other => panic!("{path}: {other}"),
            }
            lchown(&on_disk, Some(stat.uid), Some(stat.gid)).unwrap();
            if stat.kind != FileKind::Symlink {
                fs::set_permissions(&on_disk, fs::Permissions::from_mode(stat.mode)).unwrap();
            }
            if stat.kind == FileKind::Dir {
                todo.push(path);
            }
        }
    }
}

/// Every path below a directory, and whether it is a regular file. Links are not followed.
pub fn walk(dir: &Path) -> Vec<(PathBuf, bool)> {
    let mut out = Vec::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                todo.push(entry.path());
            }
            out.push((entry.path(), kind.is_file()));
        }
    }
    out
}

/// Kind, mode, owner, time and content of everything below a directory. Large files by size.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, String> {
    let mut out = BTreeMap::new();
    for (path, is_file) in walk(dir) {
        let meta = fs::symlink_metadata(&path).unwrap();
        let mut told = format!("{:o} {}:{} {}", meta.mode(), meta.uid(), meta.gid(), meta.rdev());
        if is_file && meta.len() < 1 << 20 {
            told.push_str(&format!(" {} {:?}", meta.mtime_nsec(), fs::read(&path).unwrap()));
        } else if meta.is_symlink() {
            told.push_str(&format!(" {:?}", fs::read_link(&path).unwrap()));
        }
        out.insert(path, told);
    }
    out
}

/// Hears of everybody who opens, reads or changes what it watches. `O_PATH`, which neither reads
/// nor acts, is not heard.
pub struct Watch(OwnedFd);

impl Watch {
    /// Of nothing yet.
    pub fn none() -> Watch {
        Watch(inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap())
    }

    /// Of every directory below `dir`, and itself.
    pub fn tree(dir: &Path) -> Watch {
        let watch = Watch::none();
        watch.add(dir);
        for (path, _) in walk(dir) {
            if path.is_dir() && !path.is_symlink() {
                watch.add(&path);
            }
        }
        watch.heard();
        watch
    }

    /// Of one entry too, links not followed.
    pub fn add(&self, path: &Path) {
        // Not closing: a child of another test may hold the listing's descriptor for a moment.
        let what = WatchFlags::OPEN
            | WatchFlags::ACCESS
            | WatchFlags::MODIFY
            | WatchFlags::ATTRIB
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVE;
        inotify::add_watch(&self.0, path, what | WatchFlags::DONT_FOLLOW).unwrap();
    }

    /// What happened since it was asked last.
    pub fn heard(&self) -> Vec<String> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.0, &mut buffer);
        let mut out = Vec::new();
        while let Ok(event) = reader.next() {
            out.push(format!("{:?} {:?}", event.events(), event.file_name()));
        }
        out
    }
}

#[test]
fn the_watch_hears_a_read_and_a_look() {
    let top = scratch();
    fs::write(top.path().join("f"), "x").unwrap();
    let watch = Watch::tree(top.path());
    assert!(watch.heard().is_empty());
    fs::read(top.path().join("f")).unwrap();
    assert!(watch.heard().iter().any(|e| e.contains("OPEN")), "reading is heard");
    fs::read_dir(top.path()).unwrap().count();
    assert!(!watch.heard().is_empty(), "listing is heard");
}

/// No verdict knows the host.
pub fn assert_blind(judged: &[impl Debug], at: &str) {
    for row in judged {
        let told = format!("{row:?}");
        assert!(!told.contains(CANARY), "{at}: {told}");
    }
}

/// A number from the environment: how much of a long test is done.
pub fn amount(name: &str, otherwise: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")),
        Err(_) => otherwise,
    }
}

/// All rows on this root, with the journal in `state`.
pub fn harden(root: &DiskRootfs, state: &Path) -> gokaku::Result<Hardened> {
    let options = Options::new().force_target(true).state_dir(state).wait(Duration::ZERO);
    run::harden(&Profile::embedded()?, root, &options)
}
