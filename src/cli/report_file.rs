//! The place of a report, opened by a walk along its path, so that what was looked at is what is
//! opened: no directory of the tree, no link of the tree or of another user on the way.
#![allow(clippy::disallowed_methods)] // a report is a file of the host, named by the user

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path};

use nix::errno::Errno;
use nix::fcntl::{AtFlags, FcntlArg, OFlag, fcntl, open, openat, readlinkat};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, fstatat};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::messages;
use crate::error::{Error, cannot};
use crate::rootfs::DiskRootfs;

/// As many links as Linux follows in one look-up.
const MAX_LINKS: usize = 40;

/// An open place, and how to take away what was made for it.
pub(super) struct ReportFile {
    pub file: File,
    /// The directory and name of a file that was made here.
    made: Option<(OwnedFd, OsString)>,
}

impl ReportFile {
    /// Opens `path` for writing; what stands there is kept. Does not wait for the reader of a pipe.
    ///
    /// # Errors
    /// [`Error::Guard`] for a place inside `root`, and for a link of somebody who is neither root
    /// nor the caller; the kernel's refusal.
    pub fn open(path: &Path, root: Option<&DiskRootfs>) -> Result<ReportFile, Error> {
        let fail = |e: Errno| match e {
            // What the kernel says of a pipe that nobody reads.
            Errno::ENXIO => Error::host(cannot::write_to_unread_pipe, path, e),
            e => Error::host(cannot::write_the_report, path, e),
        };
        let mut walk = Walk { path, root, todo: VecDeque::new(), links: 0 };
        let start = if path.is_absolute() { "/" } else { "." };
        let mut dir = open(start, DIRECTORY, Mode::empty()).map_err(fail)?;
        walk.refuse_inside(&dir)?;
        walk.push(path);
        if walk.todo.is_empty() {
            return Err(fail(Errno::EISDIR));
        }
        while let Some(name) = walk.todo.pop_front() {
            let last = walk.todo.is_empty();
            if last && let Some(place) = make(&dir, &name).map_err(fail)? {
                return Ok(place);
            }
            let flags = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            let next = openat(&dir, name.as_os_str(), flags, Mode::empty()).map_err(fail)?;
            let stat = fstat(&next).map_err(fail)?;
            let next = match kind(&stat) {
                SFlag::S_IFLNK => match walk.follow(&dir, &name, &next, &stat).map_err(fail)?? {
                    LinkTarget::Text(from_top) => {
                        if from_top {
                            dir = open("/", DIRECTORY, Mode::empty()).map_err(fail)?;
                            walk.refuse_inside(&dir)?;
                        }
                        continue;
                    }
                    LinkTarget::At(target) => target,
                },
                _ => next,
            };
            let stat = fstat(&next).map_err(fail)?;
            if kind(&stat) == SFlag::S_IFDIR {
                walk.refuse_inside(&next)?;
                dir = next;
            } else if last {
                return existing(&next).map_err(fail);
            } else {
                return Err(fail(Errno::ENOTDIR));
            }
        }
        Err(fail(Errno::EISDIR))
    }

    /// What was written counts; the file stays.
    pub fn keep(&mut self) {
        self.made = None;
    }

    /// Device and number of a regular file, which two reports cannot share.
    pub fn identity(&self) -> Option<(u64, u64)> {
        let stat = fstat(&self.file).ok().filter(|stat| kind(stat) == SFlag::S_IFREG)?;
        Some((stat.st_dev, stat.st_ino))
    }
}

impl Drop for ReportFile {
    fn drop(&mut self) {
        let Some((dir, name)) = self.made.take() else { return };
        let named = fstatat(&dir, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW).ok();
        if named.map(|stat| (stat.st_dev, stat.st_ino)) == self.identity() {
            // An empty file is no report; that it stays is no failure.
            let _ = unlinkat(&dir, name.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
    }
}

const DIRECTORY: OFlag = OFlag::O_PATH.union(OFlag::O_DIRECTORY).union(OFlag::O_CLOEXEC);
const WRITE: OFlag =
    OFlag::O_WRONLY.union(OFlag::O_NOCTTY).union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

/// A new file; `None`: something stands there.
fn make(dir: &OwnedFd, name: &OsStr) -> nix::Result<Option<ReportFile>> {
    let flags = WRITE | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    let mode = Mode::from_bits_truncate(0o666);
    match openat(dir, name, flags, mode) {
        Ok(fd) => {
            let dir = dir.try_clone().map_err(|_| Errno::EMFILE)?;
            Ok(Some(ReportFile { file: File::from(fd), made: Some((dir, name.to_owned())) }))
        }
        Err(Errno::EEXIST) => Ok(None),
        // `..`, `/`: no names of files.
        Err(Errno::EISDIR) => Ok(None),
        Err(e) => Err(e),
    }
}

/// What stands there, by the descriptor that was looked at.
fn existing(seen: &OwnedFd) -> nix::Result<ReportFile> {
    let again = format!("/proc/self/fd/{}", seen.as_raw_fd());
    let fd = open(again.as_str(), WRITE, Mode::empty())?;
    // From here on, a slow reader is waited for.
    let flags = OFlag::from_bits_retain(fcntl(&fd, FcntlArg::F_GETFL)?);
    fcntl(&fd, FcntlArg::F_SETFL(flags & !OFlag::O_NONBLOCK))?;
    Ok(ReportFile { file: File::from(fd), made: None })
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

/// What a link leads to.
enum LinkTarget {
    /// Names that are put before those to come; from `/` on.
    Text(bool),
    /// What the kernel itself says (`/proc/self/fd/1`).
    At(OwnedFd),
}

struct Walk<'a> {
    path: &'a Path,
    root: Option<&'a DiskRootfs>,
    todo: VecDeque<OsString>,
    links: usize,
}

impl Walk<'_> {
    /// Puts the names of `path` before those to come.
    fn push(&mut self, path: &Path) {
        let plain = |c: Component<'_>| match c {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        };
        for name in path.components().rev().filter_map(plain) {
            self.todo.push_front(name);
        }
    }

    fn follow(
        &mut self,
        dir: &OwnedFd,
        name: &OsStr,
        link: &OwnedFd,
        stat: &FileStat,
    ) -> nix::Result<Result<LinkTarget, Error>> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::ELOOP);
        }
        let caller = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse::<u32>().ok());
        let uid = stat.st_uid;
        if uid != 0 && uid != users::get_effective_uid() && Some(uid) != caller {
            let (path, name) = (self.path.display().to_string(), name.display().to_string());
            return Ok(Err(Error::Guard(messages::link_of_another(path, name, uid))));
        }
        let is_proc = nix::sys::statfs::fstatfs(link)
            .is_ok_and(|fs| fs.filesystem_type() == nix::sys::statfs::PROC_SUPER_MAGIC);
        if is_proc {
            let flags = OFlag::O_PATH | OFlag::O_CLOEXEC;
            return openat(dir, name, flags, Mode::empty()).map(|fd| Ok(LinkTarget::At(fd)));
        }
        let target = readlinkat(link, OsStr::new(""))?.into_vec();
        let target = Path::new(OsStr::from_bytes(&target));
        self.push(target);
        Ok(Ok(LinkTarget::Text(target.is_absolute())))
    }

    /// Refuses a directory in the tree: a finished image holds no report. The process's own `/` has
    /// no other place.
    fn refuse_inside(&self, dir: &OwnedFd) -> Result<(), Error> {
        let Some(root) = self.root.filter(|root| !root.is_own()) else { return Ok(()) };
        let id = |stat: FileStat| (stat.st_dev, stat.st_ino);
        let fail = |e: Errno| Error::host(cannot::look_at_the_place_of_the_report, self.path, e);
        let mut at = dir.as_fd().try_clone_to_owned().map_err(|_| fail(Errno::EMFILE))?;
        let mut here = id(fstat(&at).map_err(fail)?);
        loop {
            if Some(here) == root.identity() {
                let path = self.path.display().to_string();
                let root = root.host_path().display().to_string();
                return Err(Error::Guard(messages::inside_root(path, root)));
            }
            at = openat(&at, "..", DIRECTORY, Mode::empty()).map_err(fail)?;
            let above = id(fstat(&at).map_err(fail)?);
            if above == here {
                return Ok(());
            }
            here = above;
        }
    }
}
