//! An image plus changes that are not written yet.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::rc::Rc;

use super::{
    Acl, Change, Difference, EntryAcl, FileKind, ImagePath, Location, Memo, Node, NodeBody, Rootfs,
    Stat, Survey, Tag, locate,
};
use crate::error::{Error, Result, cannot};
use crate::text::lossless::Raw;

/// A file that is replaced or taken away is kept whole for the diff and the undo; larger ones
/// (bytes) are refused.
pub(crate) const CONTENT_LIMIT: u64 = 64 << 20;

#[derive(Clone)]
struct Staged {
    node: Option<Node>,
    tags: BTreeSet<Tag>,
}

/// What was staged at some moment.
pub struct Checkpoint(Rc<BTreeMap<ImagePath, Staged>>);

/// An image with pending changes on top. Reads see the changes; nothing is written.
pub struct StagedRootfs<'a> {
    base: &'a dyn Rootfs,
    /// Shared with the checkpoints until the next change.
    over: Rc<BTreeMap<ImagePath, Staged>>,
    /// Goes up with every change.
    revision: u64,
    memo: Memo,
}

impl<'a> StagedRootfs<'a> {
    /// The image as it is, with nothing pending.
    pub fn new(base: &'a dyn Rootfs) -> StagedRootfs<'a> {
        StagedRootfs { base, over: Rc::default(), revision: 0, memo: base.memo().for_stage() }
    }

    /// The image with these nodes in place of its own.
    pub fn with(
        base: &'a dyn Rootfs,
        nodes: impl IntoIterator<Item = (ImagePath, Option<Node>)>,
    ) -> StagedRootfs<'a> {
        let staged = |node| Staged { node, tags: BTreeSet::new() };
        let over = nodes.into_iter().map(|(path, node)| (path, staged(node))).collect();
        StagedRootfs { base, over: Rc::new(over), revision: 0, memo: base.memo().empty() }
    }

    /// Adds a change, which serves what the tags stand for.
    ///
    /// Returns whether it makes a difference to what was staged before.
    ///
    /// # Errors
    /// When the change does not fit what stands there (a file to be written is a directory, …).
    pub fn stage(&mut self, change: &Change, tags: &[Tag]) -> Result<bool> {
        match change {
            Change::Write { path, content, create } => {
                let at = self.locate(path)?;
                self.refuse_detour(path, &at)?;
                let stat = match at.stat {
                    None => Stat { uid: create.uid, gid: create.gid, ..Stat::file(create.mode) },
                    Some(stat) if stat.kind == FileKind::File => stat,
                    Some(stat) => return Err(wrong_kind(&at.path, stat.kind, FileKind::File)),
                };
                if at.stat.is_some()
                    && self.read_bytes(&at.path, CONTENT_LIMIT)?.as_deref()
                        == Some(content.as_slice())
                {
                    return Ok(false);
                }
                self.make_parents(&at.path, tags)?;
                let stat = Stat { size: content.len() as u64, links: 1, ..stat };
                let body = NodeBody::File(Some(content.as_slice().into()));
                let acl = self.staged_acl(&at.path);
                Ok(self.put(at.path, Some(Node { stat, body, acl }), tags))
            }
            Change::SetStat { path, mode, uid, gid, acl } => {
                let at = self.find(path, false)?;
                let Some(old) = at.stat else {
                    return Err(Error::target(
                        cannot::change_mode_or_owner,
                        path,
                        nix::Error::ENOENT,
                    ));
                };
                let stat = Stat {
                    mode: mode.unwrap_or(old.mode),
                    uid: uid.unwrap_or(old.uid),
                    gid: gid.unwrap_or(old.gid),
                    ..old
                };
                let body = self.body(&at.path, old.kind)?;
                let acl = match acl {
                    EntryAcl::Below => self.staged_acl(&at.path),
                    new => new.clone(),
                };
                Ok(self.put(at.path, Some(Node { stat, body, acl }), tags))
            }
            Change::Symlink { path, target } => {
                let at = self.find(path, false)?;
                if let Some(old) = at.stat.filter(|s| s.kind != FileKind::Symlink) {
                    return Err(wrong_kind(&at.path, old.kind, FileKind::Symlink));
                }
                self.refuse_detour(path, &at)?;
                self.make_parents(&at.path, tags)?;
                let stat = Stat { kind: FileKind::Symlink, ..Stat::file(0o777) };
                let target = target.raw().into_owned();
                let stat = Stat { size: target.len() as u64, ..stat };
                let body = NodeBody::Symlink(target);
                Ok(self.put(at.path, Some(Node::new(stat, body)), tags))
            }
            Change::MakeDir { path, create } => {
                let at = self.locate(path)?;
                match at.stat {
                    Some(old) if old.kind == FileKind::Dir => return Ok(false),
                    Some(old) => return Err(wrong_kind(&at.path, old.kind, FileKind::Dir)),
                    None => self.refuse_detour(path, &at)?,
                }
                self.make_parents(&at.path, tags)?;
                let stat = Stat { uid: create.uid, gid: create.gid, ..Stat::dir(create.mode) };
                Ok(self.put(at.path, Some(Node::new(stat, NodeBody::Dir)), tags))
            }
            Change::Remove { path } => {
                let at = self.find(path, false)?;
                match at.stat {
                    None => Ok(false),
                    Some(old) => match old.kind {
                        FileKind::File | FileKind::Symlink => Ok(self.put(at.path, None, tags)),
                        // Nothing would bring a device or a socket back.
                        kind => Err(wrong_kind(&at.path, kind, FileKind::File)),
                    },
                }
            }
            Change::Rename { path, to } => {
                let from = self.find(path, false)?;
                let Some(stat) = from.stat else {
                    return Err(Error::target(cannot::rename, path, nix::Error::ENOENT));
                };
                if !matches!(stat.kind, FileKind::File | FileKind::Symlink) {
                    return Err(wrong_kind(&from.path, stat.kind, FileKind::File));
                }
                let to = self.find(to, false)?;
                if to.stat.is_some() {
                    return Err(Error::target(cannot::rename_to, &to.path, nix::Error::EEXIST));
                }
                self.refuse_detour(path, &to)?;
                let body = match self.body(&from.path, stat.kind)? {
                    NodeBody::File(None) => {
                        NodeBody::File(self.read_bytes(&from.path, CONTENT_LIMIT)?)
                    }
                    body => body,
                };
                let acl = self.staged_acl(&from.path);
                self.put(to.path, Some(Node { stat, body, acl }), tags);
                Ok(self.put(from.path, None, tags))
            }
        }
    }

    /// A number that is another one after every change: while it is the same, so is every answer.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is staged so far, to go back to with [`StagedRootfs::restore`].
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(Rc::clone(&self.over))
    }

    /// Forgets everything staged since the checkpoint.
    pub fn restore(&mut self, checkpoint: Checkpoint) {
        self.revision += 1;
        self.memo.forget();
        self.over = checkpoint.0;
    }

    /// Everything that differs from the image, by path. Detours that ended where they began are
    /// not in it.
    ///
    /// # Errors
    /// The image cannot be read (any more).
    pub fn changes(&self) -> Result<Vec<Difference>> {
        let mut out = Vec::new();
        for (path, staged) in &*self.over {
            let before = self.below(path, staged.node.as_ref())?;
            out.extend(difference(path, before, staged));
        }
        Ok(out)
    }

    /// Everything that was staged since the checkpoint, by path, with what stood there then.
    ///
    /// # Errors
    /// The image cannot be read (any more).
    pub fn since(&self, checkpoint: &Checkpoint) -> Result<Vec<Difference>> {
        let mut out = Vec::new();
        if Rc::ptr_eq(&self.over, &checkpoint.0) {
            return Ok(out);
        }
        for (path, staged) in &*self.over {
            let before = match checkpoint.0.get(path) {
                Some(was) if same(was.node.as_ref(), staged.node.as_ref()) => continue,
                None => self.below(path, staged.node.as_ref())?,
                Some(was) => match &was.node {
                    None => None,
                    Some(was) => Some(self.filled(path, was, staged.node.as_ref())?),
                },
            };
            out.extend(difference(path, before, staged));
        }
        Ok(out)
    }

    /// What the image has at a path without links, as far as it counts where `after` is staged.
    fn below(&self, path: &ImagePath, after: Option<&Node>) -> Result<Option<Node>> {
        let Some(stat) = self.base.stat(path)? else { return Ok(None) };
        let body = match stat.kind {
            FileKind::File => NodeBody::File(None),
            FileKind::Dir => NodeBody::Dir,
            FileKind::Symlink => NodeBody::Symlink(self.base.read_link(path)?.unwrap_or_default()),
            _ => NodeBody::Other,
        };
        self.filled(path, &Node::new(stat, body), after).map(Some)
    }

    /// A node with what the image holds there: content and ACL count only where the stage replaces
    /// them.
    fn filled(&self, path: &ImagePath, node: &Node, after: Option<&Node>) -> Result<Node> {
        let mut node = node.clone();
        let is_kept = matches!(after.map(|n| &n.body), Some(NodeBody::File(None)));
        if node.body == NodeBody::File(None) && !is_kept {
            node.body = NodeBody::File(self.base.read_bytes(path, CONTENT_LIMIT)?);
        }
        match after.map(|n| &n.acl) {
            None | Some(EntryAcl::Below) => {}
            Some(_) if node.acl == EntryAcl::Below => node.acl = self.base.acl(path)?.into(),
            Some(_) => {}
        }
        Ok(node)
    }

    fn put(&mut self, path: ImagePath, node: Option<Node>, tags: &[Tag]) -> bool {
        let over = Rc::make_mut(&mut self.over);
        let old = match over.get(&path) {
            Some(staged) if same(staged.node.as_ref(), node.as_ref()) => return false,
            Some(staged) => Ok(staged.node.as_ref().map(|n| n.stat.kind)),
            None => self.base.stat_unlinked(&path).map(|stat| stat.map(|s| s.kind)),
        };
        let new = node.as_ref().map(|n| n.stat.kind);
        // What could not be looked at may be anything.
        let is_alike = old.is_ok_and(|old| old == new && old != Some(FileKind::Symlink));
        self.revision += 1;
        self.memo.changed(&path, !is_alike);
        let staged =
            over.entry(path).or_insert_with(|| Staged { node: None, tags: BTreeSet::new() });
        staged.node = node;
        staged.tags.extend(tags);
        true
    }

    /// A link to `missing/../x` leads nowhere, although `x` may exist: nothing is made there.
    fn refuse_detour(&self, path: &ImagePath, at: &Location) -> Result<()> {
        if at.stat.is_none() && self.find(&at.path, false)?.stat.is_some() {
            let op = cannot::follow_through_nothing;
            return Err(Error::target(op, path, nix::Error::ENOENT));
        }
        Ok(())
    }

    fn make_parents(&mut self, path: &ImagePath, tags: &[Tag]) -> Result<()> {
        let mut missing = Vec::new();
        let mut up = path.parent();
        while let Some(dir) = up.filter(|d| !d.is_root()) {
            match self.node_stat(&dir)? {
                Some(stat) if stat.kind == FileKind::Dir => break,
                Some(stat) => return Err(wrong_kind(&dir, stat.kind, FileKind::Dir)),
                None => {
                    up = dir.parent();
                    missing.push(dir);
                }
            }
        }
        for dir in missing {
            self.put(dir, Some(Node::new(Stat::dir(0o755), NodeBody::Dir)), tags);
        }
        Ok(())
    }

    /// Kind and owner at a path without links.
    fn node_stat(&self, at: &ImagePath) -> Result<Option<Stat>> {
        self.memo.look(at);
        match self.over.get(at) {
            Some(staged) => Ok(staged.node.as_ref().map(|n| n.stat)),
            None => self.base.stat_unlinked(at),
        }
    }

    /// What the entry at a path without links holds.
    fn body(&self, at: &ImagePath, kind: FileKind) -> Result<NodeBody> {
        self.memo.look(at);
        if let Some(node) = self.over.get(at).and_then(|s| s.node.as_ref()) {
            return Ok(node.body.clone());
        }
        Ok(match kind {
            FileKind::File => NodeBody::File(None),
            FileKind::Dir => NodeBody::Dir,
            FileKind::Symlink => NodeBody::Symlink(self.base.read_link(at)?.unwrap_or_default()),
            _ => NodeBody::Other,
        })
    }

    /// The ACL of what is staged at a path without links.
    fn staged_acl(&self, at: &ImagePath) -> EntryAcl {
        let node = self.over.get(at).and_then(|s| s.node.as_ref());
        node.map(|n| n.acl.clone()).unwrap_or_default()
    }

    fn find(&self, path: &ImagePath, follow_last: bool) -> Result<Location> {
        let mut at = self.memo.place(path, follow_last, || {
            locate::locate(
                path,
                follow_last,
                |at| self.node_stat(at),
                |at| match self.over.get(at).and_then(|s| s.node.as_ref()).map(|n| &n.body) {
                    Some(NodeBody::Symlink(target)) => Ok(target.clone()),
                    _ => Ok(self.base.read_link(at)?.unwrap_or_default()),
                },
            )
        })?;
        // Mode, owner and content may be others since the way there was found.
        if at.stat.is_some() {
            at.stat = self.node_stat(&at.path)?;
        }
        Ok(at)
    }
}

/// What is staged at a path, if it differs from what stood there.
fn difference(path: &ImagePath, before: Option<Node>, staged: &Staged) -> Option<Difference> {
    (!same(before.as_ref(), staged.node.as_ref())).then(|| Difference {
        path: path.clone(),
        before,
        after: staged.node.clone(),
        tags: staged.tags.clone(),
    })
}

/// Equal for the purpose of writing: kind, mode, owner, ACL and content. Link counts do not matter.
fn same(a: Option<&Node>, b: Option<&Node>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => {
            (a.stat.kind, a.stat.mode, a.stat.uid, a.stat.gid)
                == (b.stat.kind, b.stat.mode, b.stat.uid, b.stat.gid)
                && a.body == b.body
                && a.acl == b.acl
        }
        _ => false,
    }
}

fn wrong_kind(path: &ImagePath, found: FileKind, want: FileKind) -> Error {
    Error::WrongKind { path: path.clone(), found, want }
}

impl Rootfs for StagedRootfs<'_> {
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
        Ok(self.find(path, false)?.stat)
    }

    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        let at = self.find(path, false)?;
        if at.stat.is_none_or(|s| s.kind != FileKind::Symlink) {
            return Ok(None);
        }
        match self.body(&at.path, FileKind::Symlink)? {
            NodeBody::Symlink(target) => Ok(Some(target)),
            _ => Ok(None),
        }
    }

    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
        let at = self.find(path, false)?;
        self.memo.look(&at.path);
        match (at.stat, self.staged_acl(&at.path)) {
            (None, _) | (_, EntryAcl::Gone) => Ok(None),
            (_, EntryAcl::Is(acl)) => Ok(Some(acl)),
            (_, EntryAcl::Below) => self.base.acl(&at.path),
        }
    }

    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        let at = self.find(path, true)?;
        let Some(stat) = at.stat else { return Ok(None) };
        if stat.kind != FileKind::File {
            return Err(wrong_kind(path, stat.kind, FileKind::File));
        }
        match self.body(&at.path, FileKind::File)? {
            NodeBody::File(Some(content)) => Ok(Some(content)),
            _ => self.base.read_bytes(&at.path, limit),
        }
    }

    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        let at = self.find(path, true)?;
        let Some(stat) = at.stat else { return Ok(None) };
        if stat.kind != FileKind::Dir {
            return Err(wrong_kind(path, stat.kind, FileKind::Dir));
        }
        self.memo.list(&at.path);
        let listed = match self.base.stat(&at.path)? {
            Some(s) if s.kind == FileKind::Dir => self.base.list(&at.path)?.unwrap_or_default(),
            _ => Rc::default(),
        };
        // Only what lies below: with thousands of homes there are thousands of directories to list.
        let below = self.over.range(at.path.first_below()..);
        let mut below = below.take_while(|(p, _)| p.starts_with(&at.path)).peekable();
        if below.peek().is_none() {
            return Ok(Some(listed));
        }
        let mut names: BTreeSet<OsString> = listed.iter().cloned().collect();
        for (p, staged) in below {
            if p.parent().as_ref() != Some(&at.path) {
                continue;
            }
            let Some(name) = p.file_name() else { continue };
            if staged.node.is_some() {
                names.insert(name.to_owned());
            } else {
                names.remove(name);
            }
        }
        Ok(Some(names.into_iter().collect()))
    }

    /// That of the image below: what is staged is a handful of the files that it counts.
    fn survey(&self) -> Result<Rc<Survey>> {
        self.base.survey()
    }

    fn locate(&self, path: &ImagePath) -> Result<Location> {
        self.find(path, true)
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn is_live(&self) -> bool {
        self.base.is_live()
    }
}

#[cfg(test)]
mod tests;
