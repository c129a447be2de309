//! The directories that a run works in.

use std::collections::BTreeMap;

use crate::error::Result;
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

use super::entry::Folder;
use super::journal::FolderTime;

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

    /// Puts the directories' times back (a finished image shows no trace beyond the hardening; on
    /// the running system the times are news to daemons and stay) and waits for the disk.
    pub(super) fn close(self) -> Result<()> {
        for (path, folder) in self.open.iter().rev() {
            if let Some(mtime) = self.mtimes.get(path)
                && !self.root.is_live()
                && folder.mtime()? != *mtime
            {
                folder.set_mtime(*mtime)?;
            }
            folder.sync()?;
        }
        Ok(())
    }
}
