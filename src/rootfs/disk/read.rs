//! Reading files of an image on disk: looked at first, and only a regular one opened.

use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::fcntl::OFlag;
use nix::sys::stat::FileStat;

use super::super::contents::Which;
use super::super::resolve::{Links, reopen, stat_of};
use super::super::{FileKind, ImagePath};
use super::{DiskRootfs, kind_of};
use crate::error::{Error, Result, cannot};

/// A file that was looked at, and how it was found.
pub(super) struct Probe {
    pub path: ImagePath,
    pub fd: OwnedFd,
    pub stat: FileStat,
}

impl DiskRootfs {
    /// What stands at a path, links followed; `None` when nothing does. O_PATH: opening a FIFO could
    /// block, opening a device can act.
    fn probe(&self, path: &ImagePath) -> Result<Option<Probe>> {
        if let Some(last) = self.last_file.borrow_mut().take()
            && last.path == *path
        {
            return Ok(Some(last));
        }
        let Some(fd) = self.open_optional(path, OFlag::O_PATH, Links::Follow, cannot::open)? else {
            return Ok(None);
        };
        let stat =
            stat_of(fd.as_fd()).map_err(|errno| DiskRootfs::error(cannot::stat, path, errno))?;
        Ok(Some(Probe { path: path.clone(), fd, stat }))
    }

    pub(super) fn read_uncached(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        let wrap = |op| move |errno| DiskRootfs::error(op, path, errno);
        let Some(Probe { fd: probe, stat: expected, .. }) = self.probe(path)? else {
            return Ok(None);
        };
        let kind = kind_of(&expected);
        if kind != FileKind::File {
            return Err(Error::WrongKind { path: path.clone(), found: kind, want: FileKind::File });
        }
        self.refuse_made_up(path, &probe, &expected)?;
        let too_large = |size| Error::TooLarge { path: path.clone(), size, limit };
        let size = u64::try_from(expected.st_size).unwrap_or(0);
        if size > limit {
            return Err(too_large(size));
        }
        if let Some(known) = self.read.known(path, &Which::from(&expected), limit)? {
            return Ok(Some(known));
        }
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let (fd, opened) = match reopen(probe.as_fd(), flags) {
            // What was looked at, whatever stands under its name by now.
            Some(answer) => (answer.map_err(wrap(cannot::read))?, expected),
            None => {
                let fd = self.open_at(path, flags, Links::Follow).map_err(wrap(cannot::read))?;
                let opened = stat_of(fd.as_fd()).map_err(wrap(cannot::stat))?;
                if (opened.st_dev, opened.st_ino) != (expected.st_dev, expected.st_ino) {
                    return Err(Error::Raced { path: path.clone() });
                }
                (fd, opened)
            }
        };
        let bytes = read_whole(fd, size, limit.saturating_add(1))
            .map_err(|e| Error::target(cannot::read, path, e))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(Some(self.read.keep(Which::from(&opened), bytes, limit)))
    }
}

/// The bytes of a file of so many bytes, at most `limit`.
fn read_whole(fd: OwnedFd, size: u64, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::from(fd);
    let (size, room) = (usize::try_from(size).unwrap_or(0), size.saturating_add(1).min(limit));
    let mut bytes = vec![0; usize::try_from(room).unwrap_or(0)];
    let first = match file.read(&mut bytes) {
        Err(e) if e.kind() == std::io::ErrorKind::Interrupted => 0,
        read => read?,
    };
    bytes.truncate(first);
    // As large as it was said to be, and there was room for more. What the kernel makes up says 0.
    if first != size || size == 0 {
        file.take(limit.saturating_sub(first as u64)).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}
