//! The walk over a directory on disk: by descriptors, never following a link, on one filesystem,
//! with as many threads as there are processors (a root has some ten thousand entries, and nearly
//! all the time goes into asking the kernel about each).

use std::ffi::{CString, OsStr};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::sync::{Arc, Condvar, Mutex};

use nix::dir::Dir;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fstatat};

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

/// Directories that wait to be read, last first, and how many are being read.
struct Queue {
    todo: Vec<Pending>,
    busy: usize,
}

/// Walks everything below the open directory `root`, on its filesystem.
pub(super) fn survey(root: OwnedFd) -> Result<Survey> {
    let top = ImagePath::root();
    let stat = super::resolve::stat_of(root.as_fd()).map_err(|e| Error::target("stat", &top, e))?;
    let start = Pending { parent: Arc::new(root), name: c".".to_owned(), path: top };
    let queue = Mutex::new(Queue { todo: vec![start], busy: 0 });
    let news = Condvar::new();
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(8));
    let mut total = Survey::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads).map(|_| scope.spawn(|| work(&queue, &news, stat.st_dev))).collect();
        for worker in workers {
            if let Ok(part) = worker.join() {
                total.merge(part);
            }
        }
    });
    Ok(total)
}

fn work(queue: &Mutex<Queue>, news: &Condvar, device: u64) -> Survey {
    let mut found = Survey::default();
    let Ok(mut q) = queue.lock() else { return found };
    loop {
        let Some(next) = q.todo.pop() else {
            // Whoever is still reading may find more.
            if q.busy == 0 {
                news.notify_all();
                return found;
            }
            match news.wait(q) {
                Ok(again) => q = again,
                Err(_) => return found,
            }
            continue;
        };
        q.busy += 1;
        drop(q);
        let below = read_dir(&next, device, &mut found);
        match queue.lock() {
            Ok(again) => q = again,
            Err(_) => return found,
        }
        q.busy -= 1;
        q.todo.extend(below);
        news.notify_all();
    }
}

/// Notes every entry of a directory; returns the directories to go into.
fn read_dir(at: &Pending, device: u64, found: &mut Survey) -> Vec<Pending> {
    let flags = OFlag::O_RDONLY
        | OFlag::O_DIRECTORY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_CLOEXEC;
    #[allow(clippy::disallowed_methods)] // a name in a directory opened below the root
    let opened = nix::fcntl::openat(&*at.parent, at.name.as_c_str(), flags, Mode::empty());
    let listed = opened
        .ok()
        .and_then(|fd| Some((fd.try_clone().ok()?, fd)))
        .and_then(|(copy, fd)| Some((Dir::from_fd(copy).ok()?, Arc::new(fd))));
    let Some((mut dir, fd)) = listed else {
        found.add_unread(&at.path);
        return Vec::new();
    };
    let in_log = is_log(&at.path);
    let mut below = Vec::new();
    for entry in dir.iter() {
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
    below
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
}
