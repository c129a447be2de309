//! The directories that a run works in.

use std::collections::{BTreeMap, VecDeque};

use crate::apply::messages;
use crate::error::{Error, Result};
use crate::message::{Message, say};
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

use super::entry::OpenDir;
use super::journal::{FolderTime, is_left_over};

/// As many are open at once. A run may work in thousands, and a process may have 256 descriptors.
const OPEN: usize = 64;

/// The directories a run works in, and the times to put back. Those that have not been used for the
/// longest are closed; opened again, a directory must be the same one.
pub(super) struct OpenDirs<'a> {
    root: &'a DiskRootfs,
    open: BTreeMap<ImagePath, OpenDir>,
    /// The open ones in the order in which they were opened.
    order: VecDeque<ImagePath>,
    /// Which directory each was that was ever opened.
    known: BTreeMap<ImagePath, (u64, u64)>,
    mtimes: BTreeMap<ImagePath, (i64, i64)>,
}

impl<'a> OpenDirs<'a> {
    pub(super) fn new(root: &'a DiskRootfs) -> OpenDirs<'a> {
        OpenDirs {
            root,
            open: BTreeMap::new(),
            order: VecDeque::new(),
            known: BTreeMap::new(),
            mtimes: BTreeMap::new(),
        }
    }

    /// The time a directory is to have in the end, where it is not the one found on opening it.
    pub(super) fn expect(&mut self, dir: &ImagePath, mtime: (i64, i64)) {
        self.mtimes.insert(dir.clone(), mtime);
    }

    /// The directory that holds `path`.
    pub(super) fn holding(&mut self, path: &ImagePath) -> Result<&OpenDir> {
        self.at(&path.parent().unwrap_or_else(ImagePath::root))
    }

    /// The directory `dir`.
    pub(super) fn at(&mut self, dir: &ImagePath) -> Result<&OpenDir> {
        if !self.open.contains_key(dir) {
            self.open(dir)?;
        }
        self.open.get(dir).ok_or_else(|| Error::Raced { path: dir.clone() })
    }

    fn open(&mut self, dir: &ImagePath) -> Result<()> {
        while self.order.len() >= OPEN {
            let Some(oldest) = self.order.pop_front() else { break };
            self.open.remove(&oldest);
        }
        let opened = OpenDir::of(self.root, dir.clone())?;
        let (id, found) = opened.seen()?;
        if *self.known.entry(dir.clone()).or_insert(id) != id {
            return Err(Error::Raced { path: dir.clone() });
        }
        self.mtimes.entry(dir.clone()).or_insert(found);
        self.order.push_back(dir.clone());
        self.open.insert(dir.clone(), opened);
        Ok(())
    }

    /// What stood at `path` was taken away; if it was a directory, there is nothing to see to.
    pub(super) fn gone(&mut self, path: &ImagePath) {
        self.open.remove(path);
        self.known.remove(path);
        self.order.retain(|open| open != path);
    }

    /// The directories opened so far, for the journal.
    pub(super) fn times(&self) -> Vec<FolderTime> {
        self.mtimes.iter().map(|(path, mtime)| FolderTime::new(path, *mtime)).collect()
    }

    /// Takes away what runs that were cut off had begun here, where no journal is found that says
    /// so: the tree stood at another path then. The caller holds the root's lock and has begun
    /// nothing yet.
    ///
    /// # Errors
    /// A directory that is another one by now.
    pub(super) fn sweep(&mut self) -> Result<()> {
        let dirs: Vec<ImagePath> = self.known.keys().cloned().collect();
        for dir in dirs {
            let opened = self.at(&dir)?;
            for name in opened.names().unwrap_or_default().iter().filter(|n| is_left_over(n)) {
                match opened.discard(name) {
                    Ok(()) => {
                        say!(warn, messages::left_over(opened.path(), name.display().to_string()))
                    }
                    Err(e) => say!(warn, Message::from(&e)),
                }
            }
        }
        Ok(())
    }

    /// Puts the directories' times back (a finished image shows no trace beyond the hardening; on
    /// the running system the times are news to daemons and stay) and waits for the disk. One that
    /// fails does not keep the others from it.
    pub(super) fn close(mut self) -> Result<()> {
        let mut failed = Ok(());
        let live = self.root.is_live();
        // Those that are open first: to open the others, they are closed.
        let (mut dirs, closed): (Vec<ImagePath>, Vec<ImagePath>) =
            self.known.keys().rev().cloned().partition(|dir| self.open.contains_key(dir));
        dirs.extend(closed);
        for dir in dirs {
            let time = self.mtimes.get(&dir).copied().filter(|_| !live);
            let done = match self.at(&dir) {
                Ok(opened) => [time.map_or(Ok(()), |time| opened.keep_mtime(time)), opened.sync()],
                Err(e) => [Err(e), Ok(())],
            };
            for answer in done {
                failed = failed.and(answer);
            }
        }
        failed
    }
}
