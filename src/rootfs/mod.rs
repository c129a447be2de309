//! Reading a root filesystem. Nothing in this module writes.
//!
//! Every path is resolved *inside* the root: an absolute link means the root's own tree, `..`
//! stops at the root, a loop is an error. Three images share one interface: [`DiskRootfs`] (a
//! directory), [`StagedRootfs`] (an image plus changes not yet written) and [`MemoryRootfs`]
//! (a map, for tests and examples). Invariant: no other module except `apply/` opens a path of a
//! target, and nothing here queries the host.

pub mod accounts;
mod change;
mod contents;
mod disk;
mod locate;
mod memo;
mod memory;
mod path;
mod pseudo;
mod resolve;
mod staged;
mod survey;
mod tree_id;
mod walk;

use std::ffi::OsString;
use std::fmt;
use std::rc::Rc;

pub use accounts::AccountDb;
pub(crate) use accounts::{ACCOUNT_LIMIT, show_name};
pub use change::{Change, Difference, NewFile, Node, NodeBody, Tag};
pub use disk::DiskRootfs;
pub use memo::Memo;
pub use memory::MemoryRootfs;
pub use path::ImagePath;
pub(crate) use path::{escape, escape_text, is_control, quote};
pub(crate) use resolve::reopen;
pub use resolve::{Links, Resolver};
pub(crate) use staged::CONTENT_LIMIT;
pub use staged::{Checkpoint, StagedRootfs};
pub(crate) use tree_id::TreeId;

pub use survey::{Found, Survey};

use crate::error::Result;
use crate::text::lossless;

/// No configuration file a rule reads is larger than this (bytes).
pub const CONFIG_LIMIT: u64 = 4 << 20;

/// What stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Dir,
    /// A symbolic link.
    Symlink,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device.
    BlockDevice,
    /// A character device.
    CharDevice,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FileKind::File => "regular file",
            FileKind::Dir => "directory",
            FileKind::Symlink => "symbolic link",
            FileKind::Fifo => "named pipe",
            FileKind::Socket => "socket",
            FileKind::BlockDevice => "block device",
            FileKind::CharDevice => "character device",
        })
    }
}

/// Kind, owner and mode of what stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// What it is.
    pub kind: FileKind,
    /// Permission bits, `0o7777` at most.
    pub mode: u32,
    /// Owner, by number.
    pub uid: u32,
    /// Group, by number.
    pub gid: u32,
    /// Number of hard links.
    pub links: u64,
    /// Size in bytes.
    pub size: u64,
    /// The filesystem it lies on; equal numbers, same filesystem. 0 where it is not known.
    pub device: u64,
    /// When its content was last changed, in seconds since the epoch. 0 where it is not known.
    pub mtime: i64,
}

impl Stat {
    /// A regular file of root's with this mode: what a new configuration file has.
    pub fn file(mode: u32) -> Stat {
        Stat { kind: FileKind::File, mode, uid: 0, gid: 0, links: 1, size: 0, device: 0, mtime: 0 }
    }

    /// A directory of root's with this mode.
    pub fn dir(mode: u32) -> Stat {
        Stat { kind: FileKind::Dir, links: 2, ..Stat::file(mode) }
    }
}

/// Where a path leads after every link has been followed inside the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The path without links. If `stat` is `None`, the place where it would be created.
    pub path: ImagePath,
    /// What stands there; `None` when nothing does.
    pub stat: Option<Stat>,
}

/// An image that can be read. Nothing here can write.
///
/// "Not there" is a normal answer (`None`), also when a parent is missing or is no directory.
/// Within one value the answers do not change: a run judges one state of the tree.
pub trait Rootfs {
    /// What stands at `path`. Links in its parents are followed, the last component is not.
    ///
    /// # Errors
    /// A loop of links, or the kernel's refusal.
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>>;

    /// As [`Rootfs::stat`], for a path that leads through no links.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn stat_unlinked(&self, at: &ImagePath) -> Result<Option<Stat>> {
        self.stat(at)
    }

    /// The text of the link at `path`; `None` when nothing or something else stands there.
    ///
    /// # Errors
    /// A loop of links in its parents, or the kernel's refusal.
    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>>;

    /// The bytes of the regular file that `path` leads to, links followed.
    ///
    /// # Errors
    /// [`Error::WrongKind`](crate::error::Error::WrongKind) for anything but a regular file (which is never opened),
    /// [`Error::TooLarge`](crate::error::Error::TooLarge) above `limit` bytes, [`Error::TooMuch`](crate::error::Error::TooMuch) when all files are too large
    /// together, [`Error::CannotTell`](crate::error::Error::CannotTell) for what the kernel makes up (`/proc` in a chroot), a loop of
    /// links, or the kernel's refusal.
    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>>;

    /// The names in the directory that `path` leads to, sorted by bytes, without `.` and `..`.
    ///
    /// # Errors
    /// [`Error::WrongKind`](crate::error::Error::WrongKind) for anything but a directory, [`Error::CannotTell`](crate::error::Error::CannotTell) as for
    /// [`Rootfs::read_bytes`], a loop of links, or the kernel's refusal.
    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>>;

    /// What was found out about the image as it is now.
    fn memo(&self) -> &Memo;

    /// Whether this is the running system's own `/` and not a container's.
    fn is_live(&self) -> bool {
        false
    }

    /// One walk over the whole image, made when it is first asked for. Links are not followed,
    /// other filesystems and container stores are not entered. A walk costs more than everything
    /// else together.
    ///
    /// # Errors
    /// The root itself cannot be listed.
    fn survey(&self) -> Result<Rc<Survey>> {
        let mut survey = Survey::default();
        let mut todo = vec![ImagePath::root()];
        while let Some(dir) = todo.pop() {
            let Ok(Some(names)) = self.list(&dir) else {
                survey.add_unread(&dir);
                continue;
            };
            for name in names.iter() {
                let path = dir.join(name)?;
                let Some(stat) = self.stat(&path)? else { continue };
                survey.add(|| path.clone(), &stat, survey::is_log(&dir));
                if stat.kind == FileKind::Dir && survey::is_walked(&path) {
                    todo.push(path);
                }
            }
        }
        Ok(Rc::new(survey))
    }

    /// Where `path` leads, all links followed.
    ///
    /// # Errors
    /// A loop of links, or the kernel's refusal.
    fn locate(&self, path: &ImagePath) -> Result<Location> {
        self.memo().place(path, true, || {
            locate::locate(
                path,
                true,
                |at| self.stat_unlinked(at),
                |at| Ok(self.read_link(at)?.unwrap_or_default()),
            )
        })
    }

    /// The text of a configuration file, links followed, with a stand-in for each byte that is not
    /// UTF-8 ([`lossless::decode`]). `None` when it is not there.
    ///
    /// # Errors
    /// As [`Rootfs::read_bytes`] with [`CONFIG_LIMIT`].
    fn read(&self, path: &ImagePath) -> Result<Option<String>> {
        let bytes = self.read_bytes(path, CONFIG_LIMIT)?;
        Ok(bytes.map(|bytes| lossless::decode(&bytes)))
    }
}
