//! The filesystems below the root that a run writes to.
//!
//! A machine of several filesystems is one tree while they are all mounted. If one is not mounted
//! when a run is undone or reverted, its entries would be looked up in the mount point instead.

use serde::{Deserialize, Serialize};

use crate::apply::entry::hex;
use crate::error::{Error, Result, cannot};
use crate::rootfs::{DiskRootfs, ImagePath, TreeId};

use super::entry::unhex;

/// A filesystem that is mounted below the root: where, and which one it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::apply) struct Below {
    /// The path as people read it.
    shown: String,
    /// Its bytes, in hexadecimal.
    path: String,
    tree: (u64, u64),
    born: Option<(i64, u32)>,
}

impl Below {
    /// Those that hold any of the paths, but for the root's own.
    ///
    /// # Errors
    /// The kernel's refusal to look at one.
    pub fn holding(root: &DiskRootfs, paths: &[ImagePath]) -> Result<Vec<Below>> {
        let mut tops: Vec<ImagePath> = Vec::new();
        for path in paths {
            let fail = |e| Error::target(cannot::find_the_filesystem_of, path, e);
            let top = root.filesystem_of(path).map_err(fail)?;
            if !top.is_root() && !tops.contains(&top) {
                tops.push(top);
            }
        }
        tops.sort();
        let below = |top: &ImagePath| {
            let fail = |e| Error::target(cannot::look_at_the_filesystem_at, top, e);
            let TreeId { filesystem, top: inode, born } = root.tree_at(top).map_err(fail)?;
            let tree = (filesystem, inode);
            Ok(Below { shown: top.to_string(), path: hex(top.as_bytes()), tree, born })
        };
        tops.iter().map(below).collect()
    }

    /// The path for people, if this filesystem is not where it was.
    pub fn is_missing(&self, root: &DiskRootfs) -> Option<&str> {
        let path = ImagePath::parse(unhex(&self.path).unwrap_or_default());
        let now = path.ok().and_then(|path| root.tree_at(&path).ok());
        let (filesystem, top) = self.tree;
        let then = TreeId { filesystem, top, born: self.born };
        (!now.is_some_and(|now| now.is(&then))).then_some(&self.shown)
    }
}
