//! One directory entry of a target: inspecting it, and replacing it atomically.
//!
//! Everything goes through a descriptor of the directory that holds the entry, opened below the
//! root without following links; names are never followed. At any instant an
//! entry is old or new, never half.

mod opened;

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, RenameFlags, readlinkat};
use nix::sys::stat::{FileStat, Mode, UtimensatFlags, fstatat, futimens, mkdirat, utimensat};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchownat, fsync, symlinkat, unlinkat};
use rustix::fs::{AtFlags as StatFlags, StatxAttributes, StatxFlags};
use sha2::{Digest, Sha256};

use self::opened::{Opened, again};
use super::shape::Shape;
use crate::apply::messages;
use crate::error::{Error, Result, cannot};
use crate::message::{Message, say};
use crate::rootfs::{DiskRootfs, FileKind, ImagePath, Links, Stat, reopen};

/// A directory of the target, open, and the path it stands for.
pub(super) struct OpenDir {
    fd: OwnedFd,
    path: ImagePath,
}

impl OpenDir {
    /// Opens a directory; no link on the way is followed, the planner has resolved them all.
    pub fn of(root: &DiskRootfs, dir: ImagePath) -> Result<OpenDir> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NONBLOCK;
        let fd = root
            .open_at(&dir, flags, Links::Refuse)
            .map_err(|e| Error::target(cannot::open_the_directory, &dir, e))?;
        Ok(OpenDir { fd, path: dir })
    }

    /// Where it lies in the root.
    pub fn path(&self) -> &ImagePath {
        &self.path
    }

    /// Which directory it is (device and inode), and its modification time, to be put back after its
    /// entries have been replaced.
    pub fn seen(&self) -> Result<((u64, u64), (i64, i64))> {
        let stat = again(|| nix::sys::stat::fstat(&self.fd))
            .map_err(|e| Error::target(cannot::stat_the_directory, &self.path, e))?;
        #[allow(clippy::useless_conversion)] // 32 bits on some architectures
        let id = (stat.st_dev.into(), stat.st_ino.into());
        Ok((id, (stat.st_mtime, stat.st_mtime_nsec)))
    }

    /// Sets the directory's modification time.
    pub fn set_mtime(&self, (seconds, nanos): (i64, i64)) -> Result<()> {
        let mtime = TimeSpec::new(seconds, nanos);
        again(|| futimens(&self.fd, &TimeSpec::UTIME_OMIT, &mtime))
            .map_err(|e| Error::target(cannot::set_the_time_of, &self.path, e))
    }

    /// Sets the directory's modification time, unless it is this one.
    pub fn keep_mtime(&self, mtime: (i64, i64)) -> Result<()> {
        if self.seen()?.1 == mtime { Ok(()) } else { self.set_mtime(mtime) }
    }

    /// Waits until the directory's entries are on disk.
    pub fn sync(&self) -> Result<()> {
        match again(|| fsync(&self.fd)) {
            // Filesystems without the notion answer EINVAL; there is nothing to wait for.
            Ok(()) | Err(Errno::EINVAL | Errno::EROFS) => Ok(()),
            Err(e) => Err(Error::target(cannot::sync_the_directory, &self.path, e)),
        }
    }

    /// Looks at an entry. The content of a file is read only when asked for.
    pub fn look(&self, name: &OsStr, with_content: bool) -> Result<Option<Shape>> {
        let path = self.path.join(name)?;
        let stat = match again(|| fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => return Ok(None),
            Err(e) => return Err(Error::target(cannot::stat, &path, e)),
        };
        let seen = Stat::of(&stat);
        let mut shape = Shape::of(&stat);
        match seen.kind {
            FileKind::Symlink => {
                let target = again(|| readlinkat(&self.fd, name))
                    .map_err(|e| Error::target(cannot::read_the_link, &path, e))?;
                shape.content = Some(target.into_vec());
            }
            FileKind::File | FileKind::Dir => {
                let mut opened = self.open(name, &path, &stat)?;
                shape.xattrs = opened.xattrs()?;
                if with_content && seen.kind == FileKind::File {
                    shape.content = opened.content(seen.size)?;
                }
            }
            _ => {}
        }
        Ok(Some(shape))
    }

    /// Opens an entry that `fstatat` has just described, and makes sure that it still is that one.
    fn open<'a>(&self, name: &OsStr, path: &'a ImagePath, seen: &FileStat) -> Result<Opened<'a>> {
        let flags = OFlag::O_RDONLY
            | OFlag::O_NOFOLLOW
            | OFlag::O_NONBLOCK
            | OFlag::O_NOCTTY
            | OFlag::O_CLOEXEC;
        let is_seen = |fd: &OwnedFd| -> Result<()> {
            let now = again(|| nix::sys::stat::fstat(fd))
                .map_err(|e| Error::target(cannot::stat, path, e))?;
            if (now.st_dev, now.st_ino) != (seen.st_dev, seen.st_ino) {
                return Err(Error::Raced { path: path.clone() });
            }
            Ok(())
        };
        let wrap = |e| Error::target(cannot::open, path, e);
        // Looked at before it is opened: what took its place may act when it is.
        let probe_flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let probe = self.openat(name, probe_flags).map_err(wrap)?;
        is_seen(&probe)?;
        let fd = reopen(probe.as_fd(), flags & !OFlag::O_NOFOLLOW)
            .unwrap_or_else(|| self.openat(name, flags))
            .map_err(wrap)?;
        is_seen(&fd)?;
        Ok(Opened { file: std::fs::File::from(fd), path })
    }

    #[allow(clippy::disallowed_methods)] // a name in a directory that was opened inside the root
    fn openat(&self, name: &OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
        let mode = Mode::from_bits_truncate(0o600);
        again(|| nix::fcntl::openat(&self.fd, name, flags, mode))
    }

    /// The names in the directory.
    pub fn names(&self) -> Result<Vec<OsString>> {
        let fail = |e| Error::target(cannot::list, &self.path, e);
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        let fd = self.openat(OsStr::new("."), flags).map_err(fail)?;
        let mut names = Vec::new();
        for entry in nix::dir::Dir::from_fd(fd).map_err(fail)?.iter() {
            let name = entry.map_err(fail)?.file_name().to_bytes().to_vec();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name));
            }
        }
        Ok(names)
    }

    /// Takes the lock that `passwd`, `useradd` and their like hold while they edit the account
    /// files (`lckpwdf`: a write lock on `.pwd.lock`). Held until the value is dropped.
    pub fn lock_accounts(&self) -> Result<OwnedFd> {
        let name = OsStr::new(".pwd.lock");
        let path = self.path.join(name)?;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = self.openat(name, flags).map_err(|e| Error::target(cannot::open, &path, e))?;
        let whole = nix::libc::flock {
            l_type: nix::libc::F_WRLCK as _,
            l_whence: nix::libc::SEEK_SET as _,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        match nix::fcntl::fcntl(&fd, nix::fcntl::FcntlArg::F_SETLK(&whole)) {
            Ok(_) => Ok(fd),
            Err(Errno::EACCES | Errno::EAGAIN) => {
                Err(Error::Guard(messages::accounts_locked(&path)))
            }
            Err(e) => Err(Error::target(cannot::lock, &path, e)),
        }
    }

    /// Makes `temp` beside the entry `name`, which errors are about: content, owner, attributes,
    /// mode and time of `shape`, all on disk before this returns. A file that cannot be finished is
    /// taken away again. Returns what was made: a filesystem may have a mind of its own.
    pub fn prepare(&self, temp: &OsStr, name: &OsStr, shape: &Shape) -> Result<Shape> {
        let path = self.path.join(name)?;
        self.refuse_fixed_directory()?;
        self.refuse_fixed(name)?;
        let made = match shape.kind {
            FileKind::Symlink => {
                let target = shape.content.clone().unwrap_or_default();
                let target = OsString::from_vec(target);
                again(|| symlinkat(target.as_os_str(), &self.fd, temp))
                    .map_err(|e| Error::target(cannot::make_the_link, &path, e))
                    .and_then(|()| self.finish_link(temp, &path, shape))
            }
            _ => self.prepare_file(temp, &path, shape),
        };
        if made.is_err()
            && let Err(left) = self.discard(temp)
        {
            say!(warn, Message::from(&left));
        }
        made
    }

    /// An append-only directory takes new entries and never lets go of them: what was begun there
    /// could not be taken away again. Of an immutable one the kernel says only that it is not
    /// permitted.
    fn refuse_fixed_directory(&self) -> Result<()> {
        let op = match self.attributes(OsStr::new(""), StatFlags::EMPTY_PATH) {
            is if is.contains(StatxAttributes::APPEND) => cannot::replace_in_append_only,
            is if is.contains(StatxAttributes::IMMUTABLE) => cannot::change_in_immutable,
            _ => return Ok(()),
        };
        Err(Error::target(op, &self.path, Errno::EPERM))
    }

    /// As for directories, of one entry.
    fn refuse_fixed(&self, name: &OsStr) -> Result<()> {
        let op = match self.attributes(name, StatFlags::SYMLINK_NOFOLLOW) {
            is if is.contains(StatxAttributes::IMMUTABLE) => cannot::change_immutable,
            is if is.contains(StatxAttributes::APPEND) => cannot::change_append_only,
            _ => return Ok(()),
        };
        Err(Error::target(op, &self.path.join(name)?, Errno::EPERM))
    }

    /// What `chattr` gave to an entry. None where an old kernel or a filter does not report it; the run
    /// then fails later.
    fn attributes(&self, name: &OsStr, flags: StatFlags) -> StatxAttributes {
        let seen = rustix::fs::statx(&self.fd, name, flags, StatxFlags::empty());
        seen.map_or(StatxAttributes::empty(), |seen| seen.stx_attributes)
    }

    fn finish_link(&self, temp: &OsStr, path: &ImagePath, shape: &Shape) -> Result<Shape> {
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
        let (uid, gid) = (Some(Uid::from_raw(shape.uid)), Some(Gid::from_raw(shape.gid)));
        #[allow(clippy::disallowed_methods)] // this is apply/
        again(|| fchownat(&self.fd, temp, uid, gid, flags))
            .map_err(|e| Error::target(cannot::set_the_owner_of, path, e))?;
        if shape.mtime != NOW {
            let mtime = TimeSpec::new(shape.mtime.0, shape.mtime.1);
            let flags = UtimensatFlags::NoFollowSymlink;
            again(|| utimensat(&self.fd, temp, &TimeSpec::UTIME_OMIT, &mtime, flags))
                .map_err(|e| Error::target(cannot::set_the_time_of, path, e))?;
        }
        let stat = again(|| fstatat(&self.fd, temp, flags))
            .map_err(|e| Error::target(cannot::stat, path, e))?;
        let mtime = (stat.st_mtime, stat.st_mtime_nsec);
        Ok(Shape { mode: stat.st_mode & 0o7777, mtime, ..shape.clone() })
    }

    fn prepare_file(&self, temp: &OsStr, path: &ImagePath, shape: &Shape) -> Result<Shape> {
        let flags =
            OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let fd = self.openat(temp, flags).map_err(|e| Error::target(cannot::create, path, e))?;
        let mut opened = Opened { file: std::fs::File::from(fd), path };
        opened
            .file
            .write_all(shape.content.as_deref().unwrap_or_default())
            .map_err(|e| Error::target(cannot::write, path, e))?;
        opened.dress(shape)?;
        opened.file.sync_all().map_err(|e| Error::target(cannot::sync, path, e))?;
        Ok(Shape { content: shape.content.clone(), ..opened.shape()? })
    }

    /// Puts the prepared `temp` in the entry's place. `fresh`: nothing may stand there yet.
    pub fn commit(&self, temp: &OsStr, name: &OsStr, fresh: bool) -> Result<()> {
        let path = self.path.join(name)?;
        let flags = if fresh { RenameFlags::RENAME_NOREPLACE } else { RenameFlags::empty() };
        let answer = again(|| nix::fcntl::renameat2(&self.fd, temp, &self.fd, name, flags));
        let answer = match answer {
            // A filesystem that cannot promise it: look, then replace.
            Err(Errno::EINVAL | Errno::ENOSYS) if fresh => {
                match again(|| fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW)) {
                    Err(Errno::ENOENT) => self.rename(temp, name),
                    _ => Err(Errno::EEXIST),
                }
            }
            Err(Errno::ENOSYS) => self.rename(temp, name),
            answer => answer,
        };
        answer.map_err(|e| match e {
            Errno::EEXIST => Error::Raced { path: path.clone() },
            e => Error::target(cannot::replace, &path, e),
        })
    }

    #[allow(clippy::disallowed_methods)] // this is apply/
    fn rename(&self, from: &OsStr, to: &OsStr) -> nix::Result<()> {
        again(|| nix::fcntl::renameat(&self.fd, from, &self.fd, to))
    }

    /// Makes a directory; returns what was made.
    pub fn make_dir(&self, name: &OsStr, shape: &Shape) -> Result<Shape> {
        let path = self.path.join(name)?;
        self.refuse_fixed_directory()?;
        again(|| mkdirat(&self.fd, name, Mode::from_bits_truncate(0o700)))
            .map_err(|e| Error::target(cannot::make_the_directory, &path, e))?;
        self.set_stat(name, shape)
    }

    /// Gives what stands there the mode, owner and attributes of `shape`; returns what came of it.
    pub fn set_stat(&self, name: &OsStr, shape: &Shape) -> Result<Shape> {
        let path = self.path.join(name)?;
        let seen = again(|| fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW))
            .map_err(|e| Error::target(cannot::stat, &path, e))?;
        let stat = Stat::of(&seen);
        if !matches!(stat.kind, FileKind::File | FileKind::Dir) {
            let want = FileKind::File;
            return Err(Error::WrongKind { path, found: stat.kind, want });
        }
        self.refuse_fixed(name)?;
        self.open(name, &path, &seen)?.restat(shape)
    }

    /// The file of this name, open, if it has others.
    pub fn with_other_names(&self, name: &OsStr) -> Result<Option<std::fs::File>> {
        let path = self.path.join(name)?;
        let seen = again(|| fstatat(&self.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW))
            .map_err(|e| Error::target(cannot::stat, &path, e))?;
        let stat = Stat::of(&seen);
        match stat.kind == FileKind::File && stat.links > 1 {
            true => Ok(Some(self.open(name, &path, &seen)?.file)),
            false => Ok(None),
        }
    }

    /// Takes an entry away; a directory must be empty.
    pub fn remove(&self, name: &OsStr, kind: FileKind) -> Result<()> {
        let path = self.path.join(name)?;
        let flag = match kind {
            FileKind::Dir => UnlinkatFlags::RemoveDir,
            _ => UnlinkatFlags::NoRemoveDir,
        };
        #[allow(clippy::disallowed_methods)] // this is apply/
        again(|| unlinkat(&self.fd, name, flag))
            .map_err(|e| Error::target(cannot::remove, &path, e))
    }

    /// Takes a temporary file away, if it is there.
    pub fn discard(&self, temp: &OsStr) -> Result<()> {
        // A read-only filesystem refuses before it looks.
        if again(|| fstatat(&self.fd, temp, AtFlags::AT_SYMLINK_NOFOLLOW)) == Err(Errno::ENOENT) {
            return Ok(());
        }
        #[allow(clippy::disallowed_methods)] // this is apply/
        match again(|| unlinkat(&self.fd, temp, UnlinkatFlags::NoRemoveDir)) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(e) => Err(Error::target(cannot::remove, &self.path.join(temp)?, e)),
        }
    }
}

/// In [`Shape::mtime`]: leave the time at which the file was written.
pub(super) const NOW: (i64, i64) = (i64::MIN, 0);

/// Whether something could not be opened because nothing of that name is there. A link or a file
/// where a directory is wanted is something else.
pub(super) fn is_not_there(e: &Error) -> bool {
    matches!(e, Error::Target { source, .. } if source.kind() == std::io::ErrorKind::NotFound)
}

/// Whether something else stands where a directory was wanted: links are not followed.
pub(super) fn is_no_directory(e: &Error) -> bool {
    use std::io::ErrorKind::NotADirectory;
    let is = |e: &std::io::Error| {
        e.kind() == NotADirectory || e.raw_os_error() == Some(Errno::ELOOP as i32)
    };
    match e {
        Error::Target { source, .. } => is(source),
        Error::LinkLoop { .. } => true,
        _ => false,
    }
}

/// Whether a directory could not be removed because something stands in it.
pub(super) fn is_not_empty(e: &Error) -> bool {
    use std::io::ErrorKind::DirectoryNotEmpty;
    matches!(e, Error::Target { source, .. } if source.kind() == DirectoryNotEmpty)
}

/// SHA-256, in hexadecimal.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Sets owner, attributes and mode of an open file.
pub(super) fn set_in_place(file: &std::fs::File, path: &ImagePath, shape: &Shape) -> Result<()> {
    let file = file.try_clone().map_err(|e| Error::target(cannot::open, path, e))?;
    Opened { file, path }.restat(shape).map(drop)
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[cfg(test)]
mod tests;
