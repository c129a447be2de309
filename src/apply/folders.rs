//! The directories that a run works in.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

use super::entry::Folder;
use super::journal::{FolderTime, is_left_over};

/// The directories a run works in, each opened once, and the times to put back.
pub(super) struct Folders<'a> {
    root: &'a DiskRootfs,
    open: BTreeMap<ImagePath, Folder>,
    mtimes: BTreeMap<ImagePath, (i64, i64)>,
}

impl<'a> Folders<'a> {
    pub(super) fn new(root: &'a DiskRootfs) -> Folders<'a> {
        Folders { root, open: BTreeMap::new(), mtimes: BTreeMap::new() }
    }

    /// The time a directory is to have in the end, where it is not the one found on opening it.
    pub(super) fn expect(&mut self, dir: &ImagePath, mtime: (i64, i64)) {
        self.mtimes.insert(dir.clone(), mtime);
    }

    /// The directory that holds `path`.
    pub(super) fn holding(&mut self, path: &ImagePath) -> Result<&Folder> {
        self.at(&path.parent().unwrap_or_else(ImagePath::root))
    }

    /// The directory `dir`.
    pub(super) fn at(&mut self, dir: &ImagePath) -> Result<&Folder> {
        let folder = match self.open.entry(dir.clone()) {
            std::collections::btree_map::Entry::Occupied(o) => o.into_mut(),
            std::collections::btree_map::Entry::Vacant(v) => {
                let folder = Folder::open_dir(self.root, dir.clone())?;
                let found = folder.mtime()?;
                self.mtimes.entry(v.key().clone()).or_insert(found);
                v.insert(folder)
            }
        };
        Ok(folder)
    }

    /// What stood at `path` was taken away; if it was a directory, there is nothing to see to.
    pub(super) fn gone(&mut self, path: &ImagePath) {
        self.open.remove(path);
    }

    /// The directories opened so far, for the journal.
    pub(super) fn times(&self) -> Vec<FolderTime> {
        self.mtimes.iter().map(|(path, mtime)| FolderTime::new(path, *mtime)).collect()
    }

    /// Takes away what runs that were cut off had begun here, where no journal is found that says
    /// so: the tree stood at another path then. The caller holds the root's lock and has begun
    /// nothing yet.
    pub(super) fn sweep(&self) {
        for folder in self.open.values() {
            for name in folder.names().unwrap_or_default().iter().filter(|n| is_left_over(n)) {
                match folder.discard(name) {
                    Ok(()) => log::warn!(
                        "{}: removed {}, left over from a run that was cut off",
                        folder.path(),
                        name.display()
                    ),
                    Err(e) => log::warn!("{e}"),
                }
            }
        }
    }

    /// Puts the directories' times back (a finished image shows no trace beyond the hardening; on
    /// the running system the times are news to daemons and stay) and waits for the disk. One that
    /// fails does not keep the others from it.
    pub(super) fn close(self) -> Result<()> {
        let mut failed = Ok(());
        for (path, folder) in self.open.iter().rev() {
            let time = self.mtimes.get(path).filter(|_| !self.root.is_live());
            let done = [time.map_or(Ok(()), |time| folder.keep_mtime(*time)), folder.sync()];
            for answer in done {
                failed = failed.and(answer);
            }
        }
        failed
    }
}
