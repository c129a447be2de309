//! The file contents that were read from an image: their total limit, and which names belong to
//! one file.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use nix::sys::stat::FileStat;

use super::ImagePath;
use crate::error::{Error, Result};

/// A file that may be larger than this (bytes) is none of configuration, but a list of packages or
/// the like.
pub(super) const SMALL: u64 = 16 << 20;
/// All files together that are read as configuration may be this large (bytes), each counted as
/// often as it has names that are read. Real ones are a few megabytes.
const SMALL_TOGETHER: u64 = 192 << 20;
/// And all others.
const LARGE_TOGETHER: u64 = 512 << 20;

/// How much is read of an image: the contents are kept, and rules keep what they make of them.
struct Budget {
    limit: u64,
    used: Cell<u64>,
}

impl Budget {
    fn of(limit: u64) -> Budget {
        Budget { limit, used: Cell::new(0) }
    }

    fn check(&self, path: &ImagePath, size: u64) -> Result<()> {
        if self.used.get().saturating_add(size) > self.limit {
            return Err(Error::TooMuch { path: path.clone(), size, limit: self.limit });
        }
        Ok(())
    }

    fn spend(&self, size: u64) {
        self.used.set(self.used.get().saturating_add(size));
    }
}

/// The contents of a file that may have more names, as long as the kernel says the same of it.
struct Seen {
    content: Rc<[u8]>,
    stamp: Stamp,
}

/// Which file it is, by filesystem and inode, and its stamp.
pub(super) struct Which {
    id: (u64, u64),
    stamp: Stamp,
}

impl Which {
    /// A file of so many bytes that nothing can change.
    pub fn fixed(id: (u64, u64), size: u64) -> Which {
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        Which { id, stamp: Stamp { size, modified: (0, 0), changed: (0, 0) } }
    }
}

impl From<&FileStat> for Which {
    fn from(stat: &FileStat) -> Which {
        Which { id: (stat.st_dev, stat.st_ino), stamp: stat.into() }
    }
}

/// Size and times of a file: what changes with its content.
#[derive(PartialEq, Eq)]
struct Stamp {
    size: i64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&FileStat> for Stamp {
    #[allow(clippy::useless_conversion)] // 32 bits on some architectures
    fn from(stat: &FileStat) -> Stamp {
        Stamp {
            size: stat.st_size.into(),
            modified: (stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed: (stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        }
    }
}

/// Contents by filesystem and inode, and what was spent on them.
pub(super) struct Contents {
    files: RefCell<HashMap<(u64, u64), Seen>>,
    small: Budget,
    large: Budget,
}

impl Default for Contents {
    fn default() -> Contents {
        Contents {
            files: RefCell::default(),
            small: Budget::of(SMALL_TOGETHER),
            large: Budget::of(LARGE_TOGETHER),
        }
    }
}

impl Contents {
    fn budget(&self, limit: u64) -> &Budget {
        if limit > SMALL { &self.large } else { &self.small }
    }

    /// What is known of the file `which`, read under `limit` (bytes) as `path`.
    ///
    /// # Errors
    /// With it, all files together would be more than they may.
    pub fn known(&self, path: &ImagePath, which: &Which, limit: u64) -> Result<Option<Rc<[u8]>>> {
        let budget = self.budget(limit);
        let size = u64::try_from(which.stamp.size).unwrap_or(0);
        budget.check(path, size)?;
        let files = self.files.borrow();
        let known = files.get(&which.id).filter(|known| known.stamp == which.stamp);
        if known.is_some() {
            budget.spend(size);
        }
        Ok(known.map(|known| Rc::clone(&known.content)))
    }

    /// Keeps what was read of a file under `limit` (bytes); `which` was asked before.
    pub fn keep(&self, which: Which, bytes: Vec<u8>, limit: u64) -> Rc<[u8]> {
        self.budget(limit).spend(bytes.len() as u64);
        let Which { id, stamp } = which;
        let is_whole = i64::try_from(bytes.len()).is_ok_and(|len| len == stamp.size);
        let content: Rc<[u8]> = bytes.into();
        if is_whole {
            let seen = Seen { content: Rc::clone(&content), stamp };
            self.files.borrow_mut().insert(id, seen);
        }
        content
    }

    /// None, with room for so many bytes of configuration, and of all others.
    #[cfg(test)]
    pub fn with_room(small: u64, large: u64) -> Contents {
        Contents { small: Budget::of(small), large: Budget::of(large), ..Contents::default() }
    }
}
