//! The walk over a directory on disk: by descriptors, never following a link, on one filesystem,
//! with as many threads as processors (a root has some ten thousand entries, and nearly all the
//! time is spent in system calls).
//!
//! What cannot be read is recorded as unread: a row makes no statement about it.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fstatat};
use rustix::fs::RawDir;

use super::resolve::{Links, Resolver, stat_of};
use super::survey::{is_log, is_walked};
use super::{FileKind, ImagePath, Stat, Survey};
use crate::error::{Error, Result, cannot};

/// So many directories are kept open for those below them. The others are opened again by their
/// paths, so that a deep tree does not take all descriptors that the process may have.
const KEPT: usize = 128;

/// The longest path that the kernel takes (bytes, with a NUL at its end). What lies deeper is not
/// gone into: it could not be named in one piece, and a path is kept for each level.
const LONGEST: usize = 4096;

/// A directory whose entries were noted, for those below it.
struct Dir {
    path: ImagePath,
    handle: Handle,
}

/// The way back to a directory.
enum Handle {
    /// It is open, and has one of the tickets for that.
    Open(OwnedFd, #[allow(dead_code)] Arc<()>),
    /// It was closed; this is its filesystem and inode.
    Closed(u64, u64),
}

/// A directory to go into: the one that holds it, and its name there. It is opened when its turn
/// comes, so that a million of them do not need a million descriptors.
struct Pending {
    parent: Arc<Dir>,
    name: CString,
}

impl Pending {
    fn path(&self) -> ImagePath {
        if self.name.as_c_str() == c"." {
            return self.parent.path.clone();
        }
        join(&self.parent.path, OsStr::from_bytes(self.name.as_bytes()))
    }
}

/// What the workers share: directories for whoever has none, and how many are waiting for one.
struct Shared {
    root: OwnedFd,
    resolver: Resolver,
    device: u64,
    /// An overlay: its files may have the number of the layer that holds them, its directories have
    /// its own.
    layered: bool,
    /// A copy of it is with every directory that is kept open.
    ticket: Arc<()>,
    todo: Mutex<Vec<Pending>>,
    news: Condvar,
    idle: AtomicUsize,
    workers: usize,
}

impl Shared {
    /// Opens a directory for listing.
    fn open(&self, at: &Pending) -> nix::Result<OwnedFd> {
        let parent = &at.parent;
        match &parent.handle {
            Handle::Open(fd, _) => open_below(fd.as_fd(), &at.name),
            Handle::Closed(device, inode) => {
                let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
                let root = self.root.as_fd();
                let fd = self.resolver.open(root, &parent.path, flags, Links::Refuse)?;
                let stat = stat_of(fd.as_fd())?;
                if (stat.st_dev, stat.st_ino) != (*device, *inode) {
                    return Err(Errno::ESTALE);
                }
                open_below(fd.as_fd(), &at.name)
            }
        }
    }

    /// The way back to a directory that was listed: open, while there are not many.
    fn handle(&self, fd: OwnedFd) -> nix::Result<Handle> {
        if Arc::strong_count(&self.ticket) <= KEPT {
            return Ok(Handle::Open(fd, Arc::clone(&self.ticket)));
        }
        let stat = stat_of(fd.as_fd())?;
        Ok(Handle::Closed(stat.st_dev, stat.st_ino))
    }
}

fn open_below(dir: BorrowedFd<'_>, name: &CStr) -> nix::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY
        | OFlag::O_DIRECTORY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    #[allow(clippy::disallowed_methods)] // a name in a directory opened below the root
    nix::fcntl::openat(dir, name, flags, Mode::empty())
}

/// An entry of a directory; the kernel gives no name that is none.
fn join(dir: &ImagePath, name: &OsStr) -> ImagePath {
    dir.join(name).unwrap_or_else(|_| dir.clone())
}

/// Walks everything below the open directory `root`, on its filesystem.
pub(super) fn survey(root: OwnedFd, resolver: Resolver) -> Result<Survey> {
    let top = ImagePath::root();
    let fail = |e| Error::target(cannot::stat, &top, e);
    let stat = stat_of(root.as_fd()).map_err(fail)?;
    let handle = Handle::Closed(stat.st_dev, stat.st_ino);
    let start = Dir { path: top.clone(), handle };
    let start = Pending { parent: Arc::new(start), name: c".".to_owned() };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let filesystem = nix::sys::statfs::fstatfs(&root).map_err(fail)?.filesystem_type();
    let shared = Shared {
        layered: filesystem == nix::sys::statfs::OVERLAYFS_SUPER_MAGIC,
        root,
        resolver,
        device: stat.st_dev,
        ticket: Arc::default(),
        todo: Mutex::new(vec![start]),
        news: Condvar::new(),
        idle: AtomicUsize::new(0),
        workers,
    };
    let mut total = Survey::default();
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(|| work(&shared))).collect();
        total.merge(work(&shared));
        for worker in others {
            match worker.join() {
                Ok(part) => total.merge(part),
                // What it had seen is lost.
                Err(_) => total.add_unread(&top),
            }
        }
    });
    Ok(total)
}

fn work(shared: &Shared) -> Survey {
    let mut found = Survey::default();
    let mut buffer = Vec::with_capacity(32 << 10);
    // Depth first, by itself; only when another worker has nothing does it give some away.
    let mut own: Vec<Pending> = Vec::new();
    loop {
        while let Some(next) = own.pop() {
            read_dir(shared, &next, &mut found, &mut own, &mut buffer);
            if shared.idle.load(Ordering::Relaxed) > 0
                && own.len() > 1
                && let Ok(mut todo) = shared.todo.lock()
            {
                let half = own.len() / 2;
                todo.extend(own.drain(..half));
                shared.news.notify_all();
            }
        }
        let Ok(mut todo) = shared.todo.lock() else { return found };
        shared.idle.fetch_add(1, Ordering::Relaxed);
        loop {
            if let Some(next) = todo.pop() {
                shared.idle.fetch_sub(1, Ordering::Relaxed);
                own.push(next);
                break;
            }
            if shared.idle.load(Ordering::Relaxed) == shared.workers {
                // Nobody has anything, so nothing can come.
                shared.news.notify_all();
                return found;
            }
            match shared.news.wait(todo) {
                Ok(again) => todo = again,
                Err(_) => return found,
            }
        }
    }
}

/// Notes every entry of a directory, and the directories to go into.
fn read_dir(
    shared: &Shared,
    at: &Pending,
    found: &mut Survey,
    below: &mut Vec<Pending>,
    buffer: &mut Vec<u8>,
) {
    let at_path = at.path();
    if at_path.as_bytes().len() >= LONGEST {
        found.add_unread(&at_path);
        return;
    }
    let Ok(fd) = shared.open(at) else {
        found.add_unread(&at_path);
        return;
    };
    let in_log = is_log(&at_path);
    let mut dirs: Vec<CString> = Vec::new();
    let mut entries = RawDir::new(&fd, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else {
            found.add_unread(&at_path);
            break;
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let path = || join(&at_path, OsStr::from_bytes(name.to_bytes()));
        let stat = match fstatat(&fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            // It was taken away meanwhile.
            Err(Errno::ENOENT) => continue,
            Err(_) => {
                found.add_unread(&path());
                continue;
            }
        };
        let seen = Stat::of(&stat);
        if stat.st_dev != shared.device && (seen.kind == FileKind::Dir || !shared.layered) {
            continue;
        }
        found.add(path, &seen, in_log);
        if seen.kind == FileKind::Dir && is_walked(&path()) {
            dirs.push(name.to_owned());
        }
    }
    if dirs.is_empty() {
        return;
    }
    match shared.handle(fd) {
        Ok(handle) => {
            let parent = Arc::new(Dir { path: at_path, handle });
            below
                .extend(dirs.into_iter().map(|name| Pending { parent: Arc::clone(&parent), name }));
        }
        Err(_) => found.add_unread(&at_path),
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    use std::path::Path;

    use nix::sys::stat::mkdirat;

    use super::*;
    use crate::rootfs::{DiskRootfs, Rootfs};

    #[test]
    fn everything_is_seen_once_and_links_are_not_followed() {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        let outside = top.path().join("outside");
        fs::create_dir_all(outside.join("d")).unwrap();
        fs::write(outside.join("d/open"), "").unwrap();
        fs::set_permissions(outside.join("d/open"), fs::Permissions::from_mode(0o666)).unwrap();
        for i in 0..300 {
            fs::create_dir_all(root.join(format!("usr/d{i}"))).unwrap();
            fs::write(root.join(format!("usr/d{i}/f")), "").unwrap();
        }
        fs::create_dir_all(root.join("var/log")).unwrap();
        fs::create_dir_all(root.join("proc/1")).unwrap();
        let mode = |p: &Path, mode| {
            fs::set_permissions(p, fs::Permissions::from_mode(mode)).unwrap();
        };
        fs::write(root.join("usr/open"), "").unwrap();
        mode(&root.join("usr/open"), 0o666);
        mode(&root.join("usr/d7"), 0o777);
        mode(&root.join("usr/d8"), 0o1777);
        mode(&root.join("usr/d9/f"), 0o4755);
        fs::write(root.join("var/log/x"), "").unwrap();
        mode(&root.join("var/log/x"), 0o664);
        symlink(&outside, root.join("usr/away")).unwrap();
        let found = DiskRootfs::open(&root).unwrap().survey().unwrap();
        let shown = |f: &crate::rootfs::Found| {
            f.examples.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(shown(&found.world_writable_files), ["/usr/open"]);
        assert_eq!(shown(&found.open_dirs), ["/usr/d7"]);
        assert_eq!(shown(&found.setuid), ["/usr/d9/f"]);
        assert_eq!(shown(&found.loose_logs), ["/var/log/x"]);
        // usr, var, proc, log, x, open, away, and 300 directories with a file each.
        assert_eq!(found.entries, 7 + 600);
    }

    /// In memory, where there is one: a disk takes seconds for a thousand directories.
    fn scratch() -> tempfile::TempDir {
        tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
    }

    /// A nest of `depth` levels, each with a directory before and behind the way down, and a file
    /// that anybody can write to at its end.
    fn nest(top: &Path, depth: usize) {
        let dir = OFlag::O_PATH | OFlag::O_DIRECTORY;
        let mut at = nix::fcntl::open(top, dir, Mode::empty()).unwrap();
        for _ in 0..depth {
            for name in ["a", "m", "z"] {
                mkdirat(&at, name, Mode::from_bits_truncate(0o755)).unwrap();
            }
            at = nix::fcntl::openat(&at, "m", dir, Mode::empty()).unwrap();
        }
        let create = OFlag::O_CREAT | OFlag::O_WRONLY;
        let file = nix::fcntl::openat(&at, "open", create, Mode::empty()).unwrap();
        fs::File::from(file).set_permissions(fs::Permissions::from_mode(0o666)).unwrap();
    }

    /// The standard library takes a descriptor a level to remove a tree.
    fn remove(top: &Path) {
        assert!(std::process::Command::new("rm").arg("-rf").arg(top).status().unwrap().success());
    }

    #[test]
    fn a_deep_nest_is_walked_with_few_directories_open() {
        for resolver in [Resolver::detect(), Resolver::Walk] {
            let top = scratch();
            nest(top.path(), 3 * KEPT);
            let root = DiskRootfs::open_with(top.path(), resolver).unwrap();
            let found = root.survey().unwrap();
            assert_eq!((found.unread.count, found.world_writable_files.count), (0, 1));
            assert_eq!(found.entries, 3 * KEPT * 3 + 1);
        }
    }

    #[test]
    fn what_lies_deeper_than_a_path_reaches_is_noted_as_unread() {
        let top = scratch();
        nest(top.path(), LONGEST / 2 + 50);
        let root = DiskRootfs::open(top.path()).unwrap();
        let found = root.survey().unwrap();
        remove(top.path());
        assert_eq!(found.world_writable_files.count, 0);
        // All three of the level that is one too many.
        assert_eq!(found.unread.count, 3);
        assert!(found.unread.examples[0].as_bytes().len() >= LONGEST);
    }

    #[test]
    fn a_link_that_takes_a_directorys_place_is_not_followed() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("d")).unwrap();
        symlink("d", top.path().join("l")).unwrap();
        let root = fs::File::open(top.path()).unwrap();
        assert!(open_below(root.as_fd(), c"d").is_ok());
        assert_eq!(open_below(root.as_fd(), c"l").err(), Some(Errno::ENOTDIR));
    }

    #[test]
    fn a_directory_that_is_another_one_by_now_is_not_gone_into() {
        let top = tempfile::tempdir().unwrap();
        fs::create_dir_all(top.path().join("d/e")).unwrap();
        let root = fs::File::open(top.path()).unwrap();
        let stat = stat_of(root.as_fd()).unwrap();
        let shared = Shared {
            layered: false,
            root: root.into(),
            resolver: Resolver::detect(),
            device: stat.st_dev,
            ticket: Arc::default(),
            todo: Mutex::default(),
            news: Condvar::new(),
            idle: AtomicUsize::new(0),
            workers: 1,
        };
        let inode = fs::metadata(top.path().join("d")).unwrap().ino();
        for (inode, want) in [(inode, None), (inode + 1, Some(Errno::ESTALE))] {
            let handle = Handle::Closed(stat.st_dev, inode);
            let parent = Arc::new(Dir { path: ImagePath::parse("/d").unwrap(), handle });
            let pending = Pending { parent, name: c"e".to_owned() };
            assert_eq!(shared.open(&pending).err(), want);
        }
    }
}
