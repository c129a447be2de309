//! Reading a root filesystem. Nothing in this module writes.
//!
//! Every path is resolved *inside* the root: an absolute link means the root's own tree, `..`
//! stops at the root, a loop is an error. Four images share one interface: [`DiskRootfs`] (a
//! directory), [`ArchiveRootfs`] (a tar, or a container image), `StagedRootfs` (an image plus changes
//! not yet written) and [`MemoryRootfs`] (a map, for tests and examples). Invariant: no other module except `apply/` opens a path of a
//! target, and nothing here queries the host.

#[cfg(feature = "internals")]
pub mod absent;
#[cfg(not(feature = "internals"))]
mod absent;
// Only hidden methods of `Rootfs` lead to these types.
#[cfg_attr(not(feature = "internals"), allow(unnameable_types))]
mod accounts;
#[cfg_attr(not(feature = "internals"), allow(unnameable_types))]
pub(crate) mod acl;
pub(crate) mod archive;
mod change;
mod contents;
mod disk;
mod locate;
#[cfg_attr(not(feature = "internals"), allow(unnameable_types))]
mod memo;
mod memory;
mod path;
mod pseudo;
#[cfg_attr(not(feature = "internals"), allow(unnameable_types))]
mod resolve;
mod staged;
#[cfg_attr(not(feature = "internals"), allow(unnameable_types))]
mod survey;
mod tree_id;
pub(crate) mod visitor;
mod walk;

use std::ffi::OsString;
use std::fmt;
use std::rc::Rc;

pub use archive::{ArchiveRootfs, Limits, Source};
pub use disk::DiskRootfs;
pub use memory::MemoryRootfs;
pub use path::ImagePath;

pub(crate) use accounts::{ACCOUNT_LIMIT, show_name};
pub(crate) use path::{escape, escape_text, is_control, quote};
pub(crate) use resolve::reopen;
pub(crate) use staged::CONTENT_LIMIT;
pub(crate) use tree_id::TreeId;

/// What else is here, public for gokaku's own tests.
macro_rules! internals {
    ($($name:path,)+) => { $(
        #[cfg(feature = "internals")]
        pub use $name;
        #[cfg(not(feature = "internals"))]
        #[allow(unused_imports)]
        pub(crate) use $name;
    )+ };
}
internals! {
    accounts::AccountDb,
    acl::Acl,
    acl::EntryAcl,
    acl::Named,
    change::Change,
    change::Difference,
    change::NewFile,
    change::Node,
    change::NodeBody,
    change::Tag,
    memo::Memo,
    resolve::Links,
    resolve::Resolver,
    staged::Checkpoint,
    staged::StagedRootfs,
    survey::Found,
    survey::Survey,
}

use crate::error::Result;
use crate::text::lossless;

/// No configuration file a rule reads is larger than this (bytes).
pub(crate) const CONFIG_LIMIT: u64 = 4 << 20;

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
    /// Which file of its filesystem it is; of two names with equal numbers, one file. 0 where it is
    /// not known.
    pub inode: u64,
    /// When its content was last changed, in seconds since the epoch. 0 where it is not known.
    pub mtime: i64,
}

impl Stat {
    /// A regular file of root's with this mode: what a new configuration file has.
    pub(crate) fn file(mode: u32) -> Stat {
        Stat {
            kind: FileKind::File,
            mode,
            uid: 0,
            gid: 0,
            links: 1,
            size: 0,
            device: 0,
            inode: 0,
            mtime: 0,
        }
    }

    /// A directory of root's with this mode.
    pub(crate) fn dir(mode: u32) -> Stat {
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

/// An image that can be read. Nothing here can write, and only gokaku implements it.
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
    #[doc(hidden)]
    fn stat_unlinked(&self, at: &ImagePath) -> Result<Option<Stat>> {
        self.stat(at)
    }

    /// The text of the link at `path`; `None` when nothing or something else stands there.
    ///
    /// # Errors
    /// A loop of links in its parents, or the kernel's refusal.
    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>>;

    /// The access ACL of the file or directory at `path`, as [`Rootfs::stat`] finds it; `None` where
    /// the mode says everything.
    ///
    /// # Errors
    /// A loop of links in its parents, or the kernel's refusal.
    #[doc(hidden)]
    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>>;

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
    #[doc(hidden)]
    fn memo(&self) -> &Memo;

    /// Whether this is the running system's own `/` and not a container's.
    fn is_live(&self) -> bool {
        false
    }

    /// How reports name the image: its path on this machine, where it has one.
    fn name(&self) -> String {
        String::new()
    }

    /// The directory that this image is, if it is one: only there can something be running, or be
    /// written.
    fn on_disk(&self) -> Option<&DiskRootfs> {
        None
    }

    /// One walk over the whole image, made when it is first asked for. Links are not followed,
    /// other filesystems and container stores are not entered. A walk costs more than everything
    /// else together.
    ///
    /// # Errors
    /// The root itself cannot be listed.
    #[doc(hidden)]
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
    /// UTF-8. `None` when it is not there.
    ///
    /// # Errors
    /// As [`Rootfs::read_bytes`]; a file of more than 4 MiB is too large.
    fn read(&self, path: &ImagePath) -> Result<Option<String>> {
        let bytes = self.read_bytes(path, CONFIG_LIMIT)?;
        Ok(bytes.map(|bytes| lossless::decode(&bytes)))
    }
}
