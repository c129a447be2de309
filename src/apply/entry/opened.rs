//! An entry that is open: reading and setting what it is.

use std::ffi::OsString;
use std::io::Read;
use std::os::fd::AsFd;

use nix::errno::Errno;
use nix::sys::stat::{FileStat, Mode, fchmod, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{Gid, Uid, fchown};
use xattr::FileExt;

use super::NOW;
use crate::apply::shape::Shape;
use crate::error::{Error, Op, Result, cannot};
use crate::rootfs::{CONTENT_LIMIT, ImagePath, Stat};

/// What a default ACL of the directory gives to a new entry.
const INHERITED: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];

/// The file descriptor of one entry, with the path for messages.
pub(super) struct Opened<'a> {
    pub file: std::fs::File,
    pub path: &'a ImagePath,
}

impl Opened<'_> {
    fn error(&self, op: Op, e: impl Into<std::io::Error>) -> Error {
        Error::target(op, self.path, e)
    }

    pub fn xattrs(&self) -> Result<Vec<(OsString, Vec<u8>)>> {
        let names = match retry(|| self.file.list_xattr()) {
            Ok(names) => names,
            Err(e) if unsupported(&e) => return Ok(Vec::new()),
            Err(e) => return Err(self.error(cannot::list_the_attributes_of, e)),
        };
        let mut out = Vec::new();
        for name in names {
            let value = retry(|| self.file.get_xattr(&name))
                .map_err(|e| self.error(cannot::read_the_attributes_of, e))?;
            out.extend(value.map(|v| (name, v)));
        }
        out.sort();
        Ok(out)
    }

    /// All of a file of this size (bytes); `None` when that is more than a plan ever replaces.
    pub fn content(&mut self, size: u64) -> Result<Option<Vec<u8>>> {
        if size > CONTENT_LIMIT {
            return Ok(None);
        }
        let mut content = Vec::new();
        // It may grow while it is read.
        let read = (&self.file).take(CONTENT_LIMIT + 1).read_to_end(&mut content);
        read.map_err(|e| self.error(cannot::read, e))?;
        Ok(Some(content).filter(|c| c.len() as u64 <= CONTENT_LIMIT))
    }

    /// What stands there, without the content.
    pub fn shape(&self) -> Result<Shape> {
        Ok(Shape { xattrs: self.xattrs()?, ..Shape::of(&self.stat()?) })
    }

    pub fn stat(&self) -> Result<FileStat> {
        again(|| nix::sys::stat::fstat(&self.file)).map_err(|e| self.error(cannot::stat, e))
    }

    /// Sets owner, attributes and mode; returns what was made of it.
    pub fn restat(&self, shape: &Shape) -> Result<Shape> {
        let now = self.shape()?;
        let moves = (now.uid, now.gid) != (shape.uid, shape.gid) || now.has_another_acl(shape);
        if moves && now.mode & shape.mode != now.mode {
            // Between owner, ACL and mode, nobody may do what both old and new forbid.
            self.set_mode(now.mode & shape.mode)?;
        }
        self.set_owner(&Stat::of(&self.stat()?), shape)?;
        self.set_xattrs(shape)?;
        self.set_mode(shape.mode)?;
        self.file.sync_all().map_err(|e| self.error(cannot::sync, e))?;
        self.shape()
    }

    /// Owner, attributes, mode, time. In this order: a new owner takes set-id bits and
    /// capabilities away, and an ACL's mask is the mode's group part.
    pub fn dress(&mut self, shape: &Shape) -> Result<()> {
        self.set_owner(&Stat::of(&self.stat()?), shape)?;
        self.set_xattrs(shape)?;
        self.set_mode(shape.mode)?;
        if shape.mtime != NOW {
            let mtime = TimeSpec::new(shape.mtime.0, shape.mtime.1);
            again(|| futimens(&self.file, &TimeSpec::UTIME_OMIT, &mtime))
                .map_err(|e| self.error(cannot::set_the_time_of, e))?;
        }
        Ok(())
    }

    /// Attributes and ACLs as in `shape`; those that are right already are not touched. Of what is
    /// there beyond them, ACLs, capabilities and the users' own go; the rest is the system's (labels).
    pub fn set_xattrs(&self, shape: &Shape) -> Result<()> {
        let now = self.xattrs()?;
        for (name, _) in &now {
            let ours = INHERITED.iter().any(|i| name == i)
                || name == "security.capability"
                || name.as_encoded_bytes().starts_with(b"user.");
            if ours && !shape.xattrs.iter().any(|(wanted, _)| wanted == name) {
                retry(|| self.file.remove_xattr(name))
                    .map_err(|e| self.error(cannot::remove_an_attribute_or_acl_of, e))?;
            }
        }
        for wanted in shape.xattrs.iter().filter(|wanted| !now.contains(wanted)) {
            retry(|| self.file.set_xattr(&wanted.0, &wanted.1))
                .map_err(|e| self.error(cannot::set_an_attribute_of, e))?;
        }
        Ok(())
    }

    pub fn set_owner(&self, now: &Stat, shape: &Shape) -> Result<()> {
        if (now.uid, now.gid) == (shape.uid, shape.gid) {
            return Ok(());
        }
        #[allow(clippy::disallowed_methods)] // this is apply/
        again(|| {
            let (uid, gid) = (Uid::from_raw(shape.uid), Gid::from_raw(shape.gid));
            fchown(self.file.as_fd(), Some(uid), Some(gid))
        })
        .map_err(|e| self.error(cannot::set_the_owner_of, e))
    }

    pub fn set_mode(&self, mode: u32) -> Result<()> {
        #[allow(clippy::disallowed_methods)] // this is apply/
        again(|| fchmod(self.file.as_fd(), Mode::from_bits_truncate(mode)))
            .map_err(|e| self.error(cannot::set_the_mode_of, e))
    }
}

/// A call that a signal interrupted is made again.
pub(super) fn again<T>(mut call: impl FnMut() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}

/// As [`again`], for calls of the standard library's kind.
pub(super) fn retry<T>(mut call: impl FnMut() -> std::io::Result<T>) -> std::io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}

pub(super) fn unsupported(e: &std::io::Error) -> bool {
    matches!(e.raw_os_error().map(Errno::from_raw), Some(Errno::EOPNOTSUPP | Errno::ENOSYS))
}
