//! The walk over a directory on disk: by descriptors, never following a link, on one filesystem,
//! with as many threads as there are processors (a root has some ten thousand entries, and nearly
//! all the time goes into asking the kernel about each).

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fstatat};
use rustix::fs::RawDir;

use super::survey::{is_log, is_walked};
use super::{FileKind, ImagePath, Stat, Survey};
use crate::error::{Error, Result};

/// A directory to go into: the open one that holds it, its name there, and its path. It is opened
/// when its turn comes, so that a million of them do not need a million descriptors.
struct Pending {
    parent: Arc<OwnedFd>,
    name: CString,
    path: ImagePath,
}

/// What the workers share: directories for whoever has none, and how many are waiting for one.
struct Shared {
    todo: Mutex<Vec<Pending>>,
    news: Condvar,
    idle: AtomicUsize,
    workers: usize,
}

/// Walks everything below the open directory `root`, on its filesystem.
pub(super) fn survey(root: OwnedFd) -> Result<Survey> {
    let top = ImagePath::root();
    let stat = super::resolve::stat_of(root.as_fd()).map_err(|e| Error::target("stat", &top, e))?;
    let start = Pending { parent: Arc::new(root), name: c".".to_owned(), path: top };
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let shared = Shared {
        todo: Mutex::new(vec![start]),
        news: Condvar::new(),
        idle: AtomicUsize::new(0),
        workers,
    };
    let mut total = Survey::default();
    std::thread::scope(|scope| {
        let others: Vec<_> =
            (1..workers).map(|_| scope.spawn(|| work(&shared, stat.st_dev))).collect();
        total.merge(work(&shared, stat.st_dev));
        for worker in others {
            if let Ok(part) = worker.join() {
                total.merge(part);
            }
        }
    });
    Ok(total)
}

fn work(shared: &Shared, device: u64) -> Survey {
    let mut found = Survey::default();
    let mut buffer = Vec::with_capacity(32 << 10);
    // Depth first, by itself; only when another worker has nothing does it give some away.
    let mut own: Vec<Pending> = Vec::new();
    loop {
        while let Some(next) = own.pop() {
            read_dir(&next, device, &mut found, &mut own, &mut buffer);
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
    at: &Pending,
    device: u64,
    found: &mut Survey,
    below: &mut Vec<Pending>,
    buffer: &mut Vec<u8>,
) {
    let flags = OFlag::O_RDONLY
        | OFlag::O_DIRECTORY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    #[allow(clippy::disallowed_methods)] // a name in a directory opened below the root
    let opened = nix::fcntl::openat(&*at.parent, at.name.as_c_str(), flags, Mode::empty());
    let Ok(fd) = opened.map(Arc::new) else {
        found.add_unread(&at.path);
        return;
    };
    let in_log = is_log(&at.path);
    let mut entries = RawDir::new(&*fd, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let Ok(entry) = entry else {
            found.add_unread(&at.path);
            break;
        };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let Ok(stat) = fstatat(&*fd, name, AtFlags::AT_SYMLINK_NOFOLLOW) else { continue };
        if stat.st_dev != device {
            continue;
        }
        let seen = Stat::from(&stat);
        let name_os = OsStr::from_bytes(name.to_bytes());
        let path = || at.path.join(name_os).unwrap_or_else(|_| at.path.clone());
        found.add(path, &seen, in_log);
        if seen.kind == FileKind::Dir {
            let path = path();
            if is_walked(&path) {
                below.push(Pending { parent: Arc::clone(&fd), name: name.to_owned(), path });
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::Path;

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
        let found = DiskRootfs::open(&root).unwrap().surveyed(true).survey().unwrap().unwrap();
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
}
