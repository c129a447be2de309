//! An image that is a directory on disk.

mod read;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, readlinkat};
use nix::sys::stat::{FileStat, SFlag};

use self::read::Probe;
use super::absent::Absent;
use super::contents::Contents;
use super::resolve::{Links, Resolver, reopen, stat_of};
use super::{
    Acl, FileKind, ImagePath, Memo, Rootfs, Stat, Survey, TreeId, acl, locate, pseudo, walk,
};
use crate::error::{self, Error, Op, Result, cannot};

/// A directory that is the root of an image. It is opened once; every look-up stays below it.
///
/// What was read is kept, so that all rules judge the same bytes.
pub struct DiskRootfs {
    dir: OwnedFd,
    host_path: PathBuf,
    resolver: Resolver,
    live: bool,
    stats: RefCell<HashMap<ImagePath, Stat>>,
    /// Where nothing stands.
    absent: RefCell<Absent>,
    links: RefCell<HashMap<ImagePath, Option<Vec<u8>>>>,
    contents: RefCell<HashMap<ImagePath, Option<Rc<[u8]>>>>,
    /// The same by filesystem and inode.
    read: Contents,
    lists: RefCell<HashMap<ImagePath, Option<Rc<[OsString]>>>>,
    survey: RefCell<Option<Rc<Survey>>>,
    memo: Memo,
    /// The regular file that was looked at last: mostly it is read next.
    last_file: RefCell<Option<Probe>>,
    /// The filesystem of the root directory.
    device: Option<u64>,
}

impl DiskRootfs {
    /// Opens the directory `path` of this machine as a root.
    ///
    /// # Errors
    /// [`Error::Host`] when it is missing, is no directory, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<DiskRootfs> {
        DiskRootfs::open_resolving(path.as_ref(), Resolver::detect())
    }

    /// As [`DiskRootfs::open`], with a given way to resolve.
    ///
    /// # Errors
    /// As [`DiskRootfs::open`].
    #[cfg(feature = "internals")]
    pub fn open_with(path: &Path, resolver: Resolver) -> Result<DiskRootfs> {
        DiskRootfs::open_resolving(path, resolver)
    }

    fn open_resolving(path: &Path, resolver: Resolver) -> Result<DiskRootfs> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
        #[allow(clippy::disallowed_methods)] // the root itself is a path of the host
        let (dir, host_path) = {
            let dir = nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty())
                .map_err(|e| Error::host(cannot::open_the_root_directory, path, e))?;
            let host_path = std::fs::canonicalize(path)
                .map_err(|e| Error::host(cannot::resolve_the_root_directory, path, e))?;
            (dir, host_path)
        };
        let live = is_live(&dir);
        Ok(DiskRootfs::with(dir, host_path, resolver, live))
    }

    /// The same root with nothing remembered: what is on disk now.
    ///
    /// # Errors
    /// The kernel's refusal to duplicate a descriptor.
    pub fn reopen(&self) -> Result<DiskRootfs> {
        let dir = self
            .dir
            .try_clone()
            .map_err(|e| Error::host(cannot::open_the_root_directory_again, &self.host_path, e))?;
        Ok(DiskRootfs::with(dir, self.host_path.clone(), self.resolver, self.live))
    }

    fn with(dir: OwnedFd, host_path: PathBuf, resolver: Resolver, live: bool) -> DiskRootfs {
        DiskRootfs {
            device: id_of(&dir).map(|(device, _)| device),
            last_file: RefCell::default(),
            dir,
            host_path,
            resolver,
            live,
            stats: RefCell::default(),
            absent: RefCell::default(),
            links: RefCell::default(),
            contents: RefCell::default(),
            read: Contents::default(),
            lists: RefCell::default(),
            survey: RefCell::default(),
            memo: Memo::default(),
        }
    }

    /// Where the root lies on the machine that runs the tool, links resolved.
    pub fn host_path(&self) -> &Path {
        &self.host_path
    }

    /// Which tree this is. A path may stand for another tree tomorrow.
    pub(crate) fn tree(&self) -> Result<TreeId> {
        tree_of(&self.dir)
            .map_err(|e| Error::host(cannot::look_at_the_root_directory, &self.host_path, e))
    }

    /// Which tree a directory inside the root is the top of, if it were one.
    pub(crate) fn tree_at(&self, dir: &ImagePath) -> nix::Result<TreeId> {
        tree_of(&self.open_at(dir, OFlag::O_PATH | OFlag::O_DIRECTORY, Links::Refuse)?)
    }

    /// The filesystem that holds `path`, by the topmost directory of it; a path that is missing is
    /// where the closest directory above it is. (A file of an overlay may have the number of a layer.)
    pub(crate) fn filesystem_of(&self, path: &ImagePath) -> nix::Result<ImagePath> {
        let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
        let device = |path: &ImagePath| {
            stat_of(self.open_at(path, flags, Links::Refuse)?.as_fd()).map(|s| s.st_dev)
        };
        let mut found: Option<(ImagePath, _)> = None;
        for at in std::iter::successors(Some(path.clone()), ImagePath::parent) {
            match (device(&at), &found) {
                (Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ELOOP), None) => {}
                (Err(e), _) => return Err(e),
                (Ok(here), Some((_, known))) if here != *known => break,
                (Ok(here), _) => found = Some((at, here)),
            }
        }
        Ok(found.map_or_else(ImagePath::root, |(top, _)| top))
    }

    /// Whether this is the root of the running system, seen from a place that has another one: from
    /// a container or chroot that shares the system's processes.
    pub(crate) fn is_running_elsewhere(&self) -> bool {
        let id = id_of(&self.dir);
        id.is_some() && id == id_on_host("/proc/1/root/") && id != id_on_host("/")
    }

    /// Whether this is the root that this process itself has, be it a running system's, a
    /// container's or a chroot's.
    pub(crate) fn is_own(&self) -> bool {
        self.identity().is_some() && self.identity() == id_on_host("/")
    }

    /// Device and number of the root directory.
    pub(crate) fn identity(&self) -> Option<(u64, u64)> {
        id_of(&self.dir)
    }

    /// Opens a path inside the root; for `apply/`, which writes through descriptors.
    pub(crate) fn open_at(
        &self,
        path: &ImagePath,
        flags: OFlag,
        links: Links,
    ) -> nix::Result<OwnedFd> {
        self.resolver.open(self.dir.as_fd(), path, flags, links)
    }

    fn error(op: Op, path: &ImagePath, errno: Errno) -> Error {
        match errno {
            Errno::ELOOP => Error::LinkLoop { path: path.clone() },
            errno => Error::target(op, path, errno),
        }
    }

    /// Opens, with "not there" as a normal answer.
    fn open_optional(
        &self,
        path: &ImagePath,
        flags: OFlag,
        links: Links,
        op: Op,
    ) -> Result<Option<OwnedFd>> {
        if self.lies_below_nothing(path) {
            return Ok(None);
        }
        match self.open_at(path, flags, links) {
            Ok(fd) => Ok(Some(fd)),
            // A name that is too long for the kernel names nothing.
            Err(Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG) => Ok(None),
            Err(errno) => Err(DiskRootfs::error(op, path, errno)),
        }
    }

    /// Whether a directory on the way was looked for before, and was not there.
    fn lies_below_nothing(&self, path: &ImagePath) -> bool {
        let (stats, absent) = (self.stats.borrow(), self.absent.borrow());
        // Above what is there, everything is.
        let mut known = std::iter::successors(path.parent(), ImagePath::parent).filter_map(|dir| {
            match stats.contains_key(&dir) {
                true => Some(true),
                false => absent.holds(&dir).then_some(false),
            }
        });
        known.next() == Some(false)
    }

    /// What the kernel makes up is not the image's, save on the system that runs: a link from /etc
    /// to `/proc/self/mounts` in a chroot would pass this machine off as the image.
    fn refuse_made_up(&self, path: &ImagePath, probe: &OwnedFd, stat: &FileStat) -> Result<()> {
        // The root itself is on no such filesystem.
        if self.live || self.device == Some(stat.st_dev) {
            return Ok(());
        }
        match pseudo::name_of(probe) {
            Ok(None) => Ok(()),
            Ok(Some(name)) => {
                let why = error::messages::shows_the_machine(name);
                Err(Error::CannotTell { path: path.clone(), why })
            }
            Err(errno) => Err(DiskRootfs::error(cannot::stat_the_filesystem_of, path, errno)),
        }
    }

    fn read_link_uncached(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        let flags = OFlag::O_PATH;
        let Some(fd) =
            self.open_optional(path, flags, Links::FollowParents, cannot::read_the_link)?
        else {
            return Ok(None);
        };
        match readlinkat(&fd, "") {
            Ok(target) => Ok(Some(target.into_vec())),
            // Not a link: the kernel says ENOENT or EINVAL for an empty name on other kinds.
            Err(Errno::EINVAL | Errno::ENOENT) => Ok(None),
            Err(errno) => Err(DiskRootfs::error(cannot::read_the_link, path, errno)),
        }
    }

    fn list_uncached(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        let Some(probe) = self.open_optional(path, OFlag::O_PATH, Links::Follow, cannot::list)?
        else {
            return Ok(None);
        };
        let wrap = |errno| DiskRootfs::error(cannot::list, path, errno);
        let stat = stat_of(probe.as_fd()).map_err(wrap)?;
        let kind = kind_of(&stat);
        if kind != FileKind::Dir {
            return Err(Error::WrongKind { path: path.clone(), found: kind, want: FileKind::Dir });
        }
        self.refuse_made_up(path, &probe, &stat)?;
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NONBLOCK;
        let fd = match reopen(probe.as_fd(), flags) {
            Some(answer) => answer,
            None => self.open_at(path, flags, Links::Follow),
        }
        .map_err(wrap)?;
        let mut names = Vec::new();
        for entry in Dir::from_fd(fd).map_err(wrap)?.iter() {
            let entry = entry.map_err(wrap)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsString::from_vec(name.to_vec()));
            }
        }
        names.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
        Ok(Some(names.into()))
    }
}

/// Recording what an answer of the memo looks at.
impl DiskRootfs {
    /// Records every step of the way to `path`; the kernel walks it unseen. Returns where it leads.
    fn record(&self, path: &ImagePath, follow_last: bool) -> Option<ImagePath> {
        if !self.memo.records() {
            return None;
        }
        // Of a directory whose way was recorded before, only the last step is new.
        if let (Some(parent), Some(name)) = (path.parent(), path.file_name())
            && let Some(at) = self.memo.known_way(&parent).and_then(|dir| dir.join(name).ok())
        {
            self.memo.look(&at);
            let found = self.stat_known(&at).ok()?;
            if !follow_last || found.is_none_or(|stat| stat.kind != FileKind::Symlink) {
                return Some(at);
            }
        }
        let stat = |at: &ImagePath| {
            self.memo.look(at);
            self.stat_known(at)
        };
        let read_link = |at: &ImagePath| Ok(self.link_known(at)?.unwrap_or_default());
        // What cannot be walked is an error of the look itself, too.
        let at = locate::locate(path, follow_last, stat, read_link).ok()?;
        if at.stat.is_some_and(|stat| stat.kind == FileKind::Dir) {
            self.memo.keep_way(path, &at.path);
        }
        Some(at.path)
    }

    fn stat_known(&self, path: &ImagePath) -> Result<Option<Stat>> {
        if let Some(known) = self.stats.borrow().get(path) {
            return Ok(Some(*known));
        }
        if self.absent.borrow().holds(path) {
            return Ok(None);
        }
        let found =
            match self.open_optional(path, OFlag::O_PATH, Links::FollowParents, cannot::stat)? {
                None => None,
                Some(fd) => {
                    let stat = stat_of(fd.as_fd())
                        .map_err(|e| DiskRootfs::error(cannot::stat, path, e))?;
                    if kind_of(&stat) == FileKind::File {
                        *self.last_file.borrow_mut() = Some(Probe { path: path.clone(), fd, stat });
                    }
                    Some(Stat::of(&stat))
                }
            };
        match found {
            Some(stat) => drop(self.stats.borrow_mut().insert(path.clone(), stat)),
            None => self.absent.borrow_mut().add(path),
        }
        Ok(found)
    }

    fn link_known(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        if let Some(known) = self.links.borrow().get(path) {
            return Ok(known.clone());
        }
        let found = self.read_link_uncached(path)?;
        self.links.borrow_mut().insert(path.clone(), found.clone());
        Ok(found)
    }
}

impl Rootfs for DiskRootfs {
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
        self.record(path, false);
        self.stat_known(path)
    }

    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        self.record(path, false);
        self.link_known(path)
    }

    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
        self.record(path, false);
        let op = cannot::read_the_attributes_of;
        let Some(probe) = self.open_optional(path, OFlag::O_PATH, Links::FollowParents, op)? else {
            return Ok(None);
        };
        let wrap = |errno| DiskRootfs::error(op, path, errno);
        let stat = stat_of(probe.as_fd()).map_err(wrap)?;
        if !matches!(kind_of(&stat), FileKind::File | FileKind::Dir) {
            return Ok(None);
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let open = || self.open_at(path, flags, Links::FollowParents);
        acl::of(probe.as_fd(), open).map_err(|e| Error::target(op, path, e))
    }

    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        self.record(path, true);
        if let Some(known) = self.contents.borrow().get(path) {
            return Ok(known.clone());
        }
        let found = self.read_uncached(path, limit)?;
        self.contents.borrow_mut().insert(path.clone(), found.clone());
        Ok(found)
    }

    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        if let Some(dir) = self.record(path, true) {
            self.memo.list(&dir);
        }
        if let Some(known) = self.lists.borrow().get(path) {
            return Ok(known.clone());
        }
        let found = self.list_uncached(path)?;
        self.lists.borrow_mut().insert(path.clone(), found.clone());
        Ok(found)
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn is_live(&self) -> bool {
        self.live
    }

    fn name(&self) -> String {
        self.host_path.display().to_string()
    }

    fn on_disk(&self) -> Option<&DiskRootfs> {
        Some(self)
    }

    fn survey(&self) -> Result<Rc<Survey>> {
        if let Some(known) = &*self.survey.borrow() {
            return Ok(Rc::clone(known));
        }
        let top = ImagePath::root();
        let fd = self
            .open_at(&top, OFlag::O_RDONLY | OFlag::O_DIRECTORY, Links::Refuse)
            .map_err(|e| DiskRootfs::error(cannot::list, &top, e))?;
        let found = Rc::new(walk::survey(fd, self.resolver)?);
        *self.survey.borrow_mut() = Some(Rc::clone(&found));
        Ok(found)
    }
}

impl Stat {
    /// As the kernel has it.
    pub(crate) fn of(stat: &FileStat) -> Stat {
        Stat {
            kind: kind_of(stat),
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            #[allow(clippy::unnecessary_cast)] // 32 bits on some architectures
            links: stat.st_nlink as u64,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            device: stat.st_dev,
            #[allow(clippy::useless_conversion)] // 32 bits on some architectures
            inode: stat.st_ino.into(),
            #[allow(clippy::useless_conversion)] // 32 bits on some architectures
            mtime: stat.st_mtime.into(),
        }
    }
}

fn kind_of(stat: &FileStat) -> FileKind {
    match SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits()) {
        SFlag::S_IFDIR => FileKind::Dir,
        SFlag::S_IFLNK => FileKind::Symlink,
        SFlag::S_IFIFO => FileKind::Fifo,
        SFlag::S_IFSOCK => FileKind::Socket,
        SFlag::S_IFBLK => FileKind::BlockDevice,
        SFlag::S_IFCHR => FileKind::CharDevice,
        _ => FileKind::File,
    }
}

/// What a file or directory is, whatever its name: filesystem and inode.
type FileId = (u64, u64);

fn id_of(dir: &OwnedFd) -> Option<FileId> {
    stat_of(dir.as_fd()).ok().map(|s| (s.st_dev, s.st_ino))
}

fn tree_of(dir: &OwnedFd) -> nix::Result<TreeId> {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    let filesystem = nix::sys::statvfs::fstatvfs(dir)?;
    let top = stat_of(dir.as_fd())?;
    // An old kernel, a filter or a filesystem may not report it.
    let born = statx(dir, "", AtFlags::EMPTY_PATH, StatxFlags::BTIME)
        .ok()
        .filter(|s| StatxFlags::from_bits_retain(s.stx_mask).contains(StatxFlags::BTIME))
        .map(|s| (s.stx_btime.tv_sec, s.stx_btime.tv_nsec));
    #[allow(clippy::useless_conversion)] // 32 bits on some architectures
    Ok(TreeId { filesystem: filesystem.filesystem_id().into(), top: top.st_ino.into(), born })
}

fn id_on_host(path: &str) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    #[allow(clippy::disallowed_methods)] // asks about the running system, which is the question
    std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()))
}

/// The root is this process's own `/`, and that `/` belongs to a machine, not to a container.
fn is_live(dir: &OwnedFd) -> bool {
    let own = id_on_host("/");
    #[allow(clippy::disallowed_methods)]
    let in_container = ["/run/systemd/container", "/.dockerenv", "/run/.containerenv"]
        .into_iter()
        .any(|mark| id_on_host(mark).is_some())
        // A chroot: process 1 has another root.
        || std::fs::read_link("/proc/1/root").is_ok_and(|p| p != Path::new("/"))
        || id_on_host("/proc/1/root/") != own;
    own.is_some() && own == id_of(dir) && !in_container
}
