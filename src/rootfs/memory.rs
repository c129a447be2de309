//! An image that is a map in memory: for unit tests, examples and generated trees.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::rc::Rc;

use super::{
    Acl, EntryAcl, FileKind, ImagePath, Location, Memo, Node, NodeBody, Rootfs, Stat, locate,
};
use crate::error::{Error, Result};

/// A root filesystem in memory. Built by chaining; parents are made as needed, 0755 of root's.
///
/// ```
/// use gokaku::rootfs::{ImagePath, MemoryRootfs, Rootfs};
/// let root = MemoryRootfs::new().file("/etc/issue", "Ubuntu\n").link("/etc/motd", "issue");
/// let motd = ImagePath::parse("/etc/motd")?;
/// assert_eq!(root.read(&motd)?.as_deref(), Some("Ubuntu\n"));
/// # Ok::<(), gokaku::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryRootfs {
    nodes: BTreeMap<ImagePath, Node>,
    memo: Memo,
    live: bool,
}

impl MemoryRootfs {
    /// An empty root.
    pub fn new() -> MemoryRootfs {
        MemoryRootfs::default()
    }

    /// Adds a regular file of root's, mode 0644.
    ///
    /// # Panics
    /// When `path` is not an [`ImagePath`]; this is a builder for tests.
    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> MemoryRootfs {
        self.file_with(path, content, 0o644, 0, 0)
    }

    /// Adds a regular file with mode and owner.
    ///
    /// # Panics
    /// As [`MemoryRootfs::file`].
    #[must_use]
    pub fn file_with(
        self,
        path: &str,
        content: impl AsRef<[u8]>,
        mode: u32,
        uid: u32,
        gid: u32,
    ) -> MemoryRootfs {
        let content: Rc<[u8]> = content.as_ref().into();
        let stat = Stat { uid, gid, size: content.len() as u64, ..Stat::file(mode) };
        self.node(path, Node::new(stat, NodeBody::File(Some(content))))
    }

    /// Adds a directory with mode and owner.
    ///
    /// # Panics
    /// As [`MemoryRootfs::file`].
    #[must_use]
    pub fn dir(self, path: &str, mode: u32, uid: u32, gid: u32) -> MemoryRootfs {
        let stat = Stat { uid, gid, ..Stat::dir(mode) };
        self.node(path, Node::new(stat, NodeBody::Dir))
    }

    /// Adds a symbolic link.
    ///
    /// # Panics
    /// As [`MemoryRootfs::file`].
    #[must_use]
    pub fn link(self, path: &str, target: &str) -> MemoryRootfs {
        let size = target.len() as u64;
        let stat = Stat { kind: FileKind::Symlink, size, ..Stat::file(0o777) };
        self.node(path, Node::new(stat, NodeBody::Symlink(target.into())))
    }

    /// Adds something that is neither file, directory nor link.
    ///
    /// # Panics
    /// As [`MemoryRootfs::file`].
    #[must_use]
    pub fn special(self, path: &str, kind: FileKind) -> MemoryRootfs {
        self.node(path, Node::new(Stat { kind, ..Stat::file(0o644) }, NodeBody::Other))
    }

    /// Makes the image say that it is the running system's own `/`.
    #[must_use]
    pub fn live(mut self) -> MemoryRootfs {
        self.memo.forget();
        self.live = true;
        self
    }

    /// Has nothing derived from the image remembered. For tests: no answer may depend on that.
    #[must_use]
    #[cfg(feature = "internals")]
    pub fn forgetful(self) -> MemoryRootfs {
        self.memo.off();
        self
    }

    /// Changes the metadata of an entry: link count, device and so on.
    ///
    /// # Panics
    /// When `path` is not an [`ImagePath`] or nothing stands there.
    #[must_use]
    pub fn restat(mut self, path: &str, change: impl FnOnce(&mut Stat)) -> MemoryRootfs {
        let path = ImagePath::parse(path).expect("a test names a good path");
        self.memo.forget();
        change(&mut self.nodes.get_mut(&path).expect("a test names an entry").stat);
        self
    }

    /// Gives an entry an access ACL.
    ///
    /// # Panics
    /// As [`MemoryRootfs::restat`].
    #[must_use]
    #[cfg(feature = "internals")]
    pub fn with_acl(mut self, path: &str, acl: Acl) -> MemoryRootfs {
        let path = ImagePath::parse(path).expect("a test names a good path");
        self.memo.forget();
        self.nodes.get_mut(&path).expect("a test names an entry").acl = EntryAcl::Is(acl);
        self
    }

    /// Takes an entry away.
    ///
    /// # Panics
    /// As [`MemoryRootfs::file`].
    #[must_use]
    pub fn without(mut self, path: &str) -> MemoryRootfs {
        let path = ImagePath::parse(path).expect("a test names a good path");
        self.memo.forget();
        self.nodes.retain(|at, _| !at.starts_with(&path));
        self
    }

    /// The image with these nodes in place of its own, as if they had been written to disk.
    #[must_use]
    #[cfg(feature = "internals")]
    pub fn changed(
        mut self,
        nodes: impl IntoIterator<Item = (ImagePath, Option<Node>)>,
    ) -> MemoryRootfs {
        self.memo.forget();
        for (path, node) in nodes {
            match node {
                None => {
                    self.nodes.remove(&path);
                }
                Some(mut node) => {
                    // `None`: the content that is there already.
                    if node.body == NodeBody::File(None)
                        && let Some(old) = self.nodes.get(&path)
                    {
                        node.body = old.body.clone();
                    }
                    if node.acl == EntryAcl::Below
                        && let Some(old) = self.nodes.get(&path)
                    {
                        node.acl = old.acl.clone();
                    }
                    self.nodes.insert(path, node);
                }
            }
        }
        self
    }

    pub(crate) fn node(mut self, path: &str, node: Node) -> MemoryRootfs {
        let path = ImagePath::parse(path).expect("a test names a good path");
        self.memo.forget();
        let mut up = path.parent();
        while let Some(dir) = up {
            up = dir.parent();
            let missing = Node::new(Stat::dir(0o755), NodeBody::Dir);
            self.nodes.entry(dir).or_insert(missing);
        }
        self.nodes.insert(path, node);
        self
    }

    fn find(&self, path: &ImagePath, follow_last: bool) -> Result<Location> {
        self.memo.place(path, follow_last, || {
            locate::locate(
                path,
                follow_last,
                |at| self.stat_unlinked(at),
                |at| match self.nodes.get(at).map(|n| &n.body) {
                    Some(NodeBody::Symlink(target)) => Ok(target.clone()),
                    _ => Ok(Vec::new()),
                },
            )
        })
    }
}

impl Rootfs for MemoryRootfs {
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
        Ok(self.find(path, false)?.stat)
    }

    fn stat_unlinked(&self, at: &ImagePath) -> Result<Option<Stat>> {
        self.memo.look(at);
        let root = || at.is_root().then(|| Stat::dir(0o755));
        Ok(self.nodes.get(at).map(|n| n.stat).or_else(root))
    }

    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        let at = self.find(path, false)?.path;
        Ok(match self.nodes.get(&at).map(|n| &n.body) {
            Some(NodeBody::Symlink(target)) => Some(target.clone()),
            _ => None,
        })
    }

    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
        let at = self.find(path, false)?.path;
        self.memo.look(&at);
        Ok(match self.nodes.get(&at).map(|n| &n.acl) {
            Some(EntryAcl::Is(acl)) => Some(acl.clone()),
            _ => None,
        })
    }

    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        let at = self.find(path, true)?;
        let Some(stat) = at.stat else { return Ok(None) };
        let body = self.nodes.get(&at.path).map(|n| &n.body);
        let Some(NodeBody::File(Some(content))) = body else {
            let want = FileKind::File;
            return Err(Error::WrongKind { path: path.clone(), found: stat.kind, want });
        };
        if stat.size > limit {
            return Err(Error::TooLarge { path: path.clone(), size: stat.size, limit });
        }
        Ok(Some(Rc::clone(content)))
    }

    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        let at = self.find(path, true)?;
        let Some(stat) = at.stat else { return Ok(None) };
        if stat.kind != FileKind::Dir {
            let want = FileKind::Dir;
            return Err(Error::WrongKind { path: path.clone(), found: stat.kind, want });
        }
        self.memo.list(&at.path);
        // What lies below sorts right behind the path and a slash.
        let first = if at.path.is_root() { at.path.clone() } else { at.path.join("\u{1}")? };
        let below = self.nodes.range(first..).map(|(p, _)| p);
        let below = below.take_while(|p| p.starts_with(&at.path));
        let inside = |p: &&ImagePath| p.parent().as_ref() == Some(&at.path);
        Ok(Some(below.filter(inside).filter_map(|p| p.file_name().map(OsString::from)).collect()))
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn is_live(&self) -> bool {
        self.live
    }
}
