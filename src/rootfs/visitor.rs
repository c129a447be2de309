//! What the kernel lets an account do with a file or directory.

use std::collections::BTreeSet;

use super::{ImagePath, Rootfs, Stat};
use crate::error::Result;

/// Search a directory, or execute a file.
pub(crate) const SEARCH: u32 = 1;
/// Read.
pub(crate) const READ: u32 = 4;

/// An account as the kernel knows it.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    /// Its number.
    pub uid: u32,
    /// The numbers of its groups.
    pub gids: BTreeSet<u32>,
}

impl Visitor {
    /// Somebody whom no owner, group or ACL names.
    pub fn nobody() -> Visitor {
        Visitor { uid: u32::MAX - 1, gids: BTreeSet::new() }
    }

    /// Whether they may do all of `want` ([`READ`], 2 to write, [`SEARCH`]) with what stands at
    /// `path`.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn may(&self, root: &dyn Rootfs, path: &ImagePath, stat: &Stat, want: u32) -> Result<bool> {
        if self.uid == 0 {
            return Ok(true);
        }
        if let Some(acl) = root.acl(path)? {
            return Ok(acl.allows(stat, self.uid, &self.gids, want));
        }
        let shift = if self.uid == stat.uid {
            6
        } else if self.gids.contains(&stat.gid) {
            3
        } else {
            0
        };
        Ok(stat.mode >> shift & want == want)
    }

    /// The first directory on the way to `path` that they may not search, or `path` itself where
    /// they may not do `last` with it.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn stopped_at(
        &self,
        root: &dyn Rootfs,
        path: &ImagePath,
        last: u32,
    ) -> Result<Option<ImagePath>> {
        let mut way: Vec<ImagePath> =
            std::iter::successors(Some(path.clone()), ImagePath::parent).collect();
        way.reverse();
        for dir in way {
            let Some(stat) = root.stat(&dir)? else { return Ok(None) };
            let want = if dir == *path { last } else { SEARCH };
            if !self.may(root, &dir, &stat, want)? {
                return Ok(Some(dir));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::acl::testing::acl;
    use crate::rootfs::{MemoryRootfs, Named};

    #[test]
    fn the_kernels_order() {
        let root = MemoryRootfs::new()
            .dir("/a", 0o750, 1000, 50)
            .dir("/b", 0o750, 0, 0)
            .with_acl("/b", acl(0o750, 5, &[(Named::User(33), 5), (Named::User(34), 0)]))
            .dir("/b/c", 0o705, 0, 50);
        let may = |uid, gid, path: &str, want| {
            let visitor = Visitor { uid, gids: [gid].into() };
            let path = ImagePath::parse(path).unwrap();
            let stat = root.stat(&path).unwrap().unwrap();
            visitor.may(&root, &path, &stat, want).unwrap()
        };
        assert!(may(1000, 7, "/a", 7) && may(7, 50, "/a", 5) && !may(7, 50, "/a", 2));
        assert!(!may(7, 7, "/a", 1) && may(0, 7, "/a", 7));
        assert!(may(33, 7, "/b", 5) && !may(34, 0, "/b", 1) && !may(35, 7, "/b", 1));
        // Whose group is named is not one of the others.
        assert!(!may(7, 50, "/b/c", 1) && may(7, 7, "/b/c", 5));
        let stopped = |uid, gid| {
            let visitor = Visitor { uid, gids: [gid].into() };
            let at = visitor.stopped_at(&root, &ImagePath::parse("/b/c").unwrap(), SEARCH | READ);
            at.unwrap().map(|path| path.to_string())
        };
        assert_eq!(stopped(33, 7), None);
        assert_eq!(stopped(33, 50).unwrap(), "/b/c");
        assert_eq!(stopped(35, 7).unwrap(), "/b");
    }
}
