//! A disk image file, read in small pieces.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::OFlag;

use super::messages;
use crate::error::{Error, Result, cannot};

/// No structure that is looked at is larger (bytes).
const LARGEST_READ: usize = 1 << 20;

/// An image file, open for reading. Its times do not change by that.
pub struct Disk {
    path: PathBuf,
    file: File,
    size: u64,
    id: (u64, u64),
}

impl Disk {
    /// Opens a regular file, or a block device, which is an image inside a virtual machine.
    ///
    /// # Errors
    /// The kernel's refusal; [`Error::Guard`] for anything else.
    #[allow(clippy::disallowed_methods)] // an image is a file of the host, named by the user
    pub fn open(path: &Path) -> Result<Disk> {
        let fail = |e| Error::host(cannot::open_the_image, path, e);
        // Neither waits for the other end of a named pipe nor takes a terminal.
        let calm = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let open = |flags: OFlag| {
            std::fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open(path)
        };
        // Only the owner and root may read without a trace.
        let mut file = open(calm | OFlag::O_NOATIME).or_else(|_| open(calm)).map_err(fail)?;
        let meta = file.metadata().map_err(fail)?;
        if !meta.is_file() && !meta.file_type().is_block_device() {
            return Err(Error::Guard(messages::not_a_file(path.display().to_string())));
        }
        let size = file.seek(SeekFrom::End(0)).map_err(fail)?;
        Ok(Disk { path: path.to_owned(), file, size, id: (meta.dev(), meta.ino()) })
    }

    /// A file of one byte, made for a test.
    #[cfg(test)]
    #[allow(clippy::disallowed_methods)]
    pub(super) fn made(dir: &Path, name: &str) -> Disk {
        std::fs::write(dir.join(name), b"x").expect("a test writes to its own directory");
        Disk::open(&dir.join(name)).expect("and reads there")
    }

    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Device and inode of the file.
    pub(super) fn id(&self) -> (u64, u64) {
        self.id
    }

    /// The descriptor, for locks.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// `len` bytes from `at` on; `None` when the file ends before.
    pub(super) fn read(&self, at: u64, len: usize) -> Result<Option<Vec<u8>>> {
        let end = at.checked_add(len as u64);
        if len > LARGEST_READ || end.is_none_or(|end| end > self.size) {
            return Ok(None);
        }
        let mut bytes = vec![0; len];
        self.file
            .read_exact_at(&mut bytes, at)
            .map_err(|e| Error::host(cannot::read_the_image, &self.path, e))?;
        Ok(Some(bytes))
    }

    /// Bytes on disk that the file's holes would need, and whether a write may need room even
    /// where there is no hole (the filesystem copies what is written).
    pub(super) fn holes(&self) -> Result<(u64, bool)> {
        const COPYING: [i64; 4] = [0x9123_683e, 0x5846_5342, 0x2fc1_2fc1, 0xca45_1a4e];
        let fail = |e| Error::host(cannot::look_at_the_image, &self.path, e);
        let blocks = self.file.metadata().map_err(fail)?.blocks();
        let holes = self.size.saturating_sub(blocks.saturating_mul(512));
        let kind = rustix::fs::fstatfs(&self.file)
            .map_err(|e| Error::host(cannot::look_at_the_filesystem_of_the_image, &self.path, e))?;
        #[allow(clippy::unnecessary_cast)] // 32 bits on some architectures
        Ok((holes, COPYING.contains(&(kind.f_type as i64))))
    }
}

/// A little- or big-endian number at `at`; 0 where `bytes` ends before.
pub(super) fn le16(bytes: &[u8], at: usize) -> u16 {
    piece(bytes, at).map_or(0, u16::from_le_bytes)
}
pub(super) fn le32(bytes: &[u8], at: usize) -> u32 {
    piece(bytes, at).map_or(0, u32::from_le_bytes)
}
pub(super) fn le64(bytes: &[u8], at: usize) -> u64 {
    piece(bytes, at).map_or(0, u64::from_le_bytes)
}
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    piece(bytes, at).map_or(0, u32::from_be_bytes)
}
pub(super) fn be64(bytes: &[u8], at: usize) -> u64 {
    piece(bytes, at).map_or(0, u64::from_be_bytes)
}

fn piece<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

/// A name of at most `bytes.len()` bytes, up to its first NUL; blanks at its end do not count.
pub(super) fn name(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim_end().to_owned()
}

/// A UUID in its usual form, its bytes in the order of the text.
pub(super) fn uuid(bytes: &[u8]) -> String {
    let hex: String = bytes.iter().take(16).map(|b| format!("{b:02x}")).collect();
    match hex.len() {
        32 => [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"),
        _ => hex,
    }
}
