//! What an entry is: everything that a rewrite keeps or an undo brings back, and how it compares with
//! a plan and a journal.

use std::ffi::OsString;
use std::rc::Rc;

use nix::sys::stat::FileStat;

use super::entry::NOW;
use super::journal::{Entry, Saved};
use crate::plan::PathChange;
use crate::rootfs::acl::ATTRIBUTE as ACCESS_ACL;
use crate::rootfs::{EntryAcl, FileKind, Node, NodeBody, Stat};

/// Everything about an entry that a rewrite must keep or an undo must bring back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shape {
    pub kind: FileKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Seconds and nanoseconds since the epoch.
    pub mtime: (i64, i64),
    /// The bytes of a file, or the text of a link; `None` when it was not read or is too large to be.
    pub content: Option<Vec<u8>>,
    pub xattrs: Vec<(OsString, Vec<u8>)>,
}

impl Shape {
    /// What `stat` says of an entry: without content and attributes.
    pub fn of(stat: &FileStat) -> Shape {
        let seen = Stat::of(stat);
        Shape {
            kind: seen.kind,
            mode: seen.mode,
            uid: seen.uid,
            gid: seen.gid,
            mtime: (stat.st_mtime, stat.st_mtime_nsec),
            content: None,
            xattrs: Vec::new(),
        }
    }
}

pub(super) fn shape_of(node: &Node, before: Option<&Shape>) -> Shape {
    let content = match &node.body {
        NodeBody::File(Some(bytes)) => Some(Rc::as_ref(bytes).to_vec()),
        NodeBody::Symlink(target) => Some(target.clone()),
        _ => None,
    };
    Shape {
        kind: node.stat.kind,
        mode: node.stat.mode,
        uid: node.stat.uid,
        gid: node.stat.gid,
        mtime: before.map_or(NOW, |b| b.mtime),
        content,
        xattrs: xattrs_of(node, before),
    }
}

/// Those that are there, with the access ACL that is planned.
fn xattrs_of(node: &Node, before: Option<&Shape>) -> Vec<(OsString, Vec<u8>)> {
    let mut xattrs = before.map(|b| b.xattrs.clone()).unwrap_or_default();
    if node.acl != EntryAcl::Below {
        xattrs.retain(|(name, _)| name != ACCESS_ACL);
    }
    if let EntryAcl::Is(acl) = &node.acl {
        xattrs.push((ACCESS_ACL.into(), acl.bytes().to_vec()));
        xattrs.sort();
    }
    xattrs
}

impl Shape {
    fn acl(&self) -> Option<&[u8]> {
        let acl = self.xattrs.iter().find(|(name, _)| name == ACCESS_ACL);
        acl.map(|(_, bytes)| bytes.as_slice())
    }

    /// Whether another access ACL stands here than there.
    pub fn has_another_acl(&self, than: &Shape) -> bool {
        self.acl() != than.acl()
    }
}

pub(super) fn matches_plan(now: &Shape, planned: &Node, content: bool) -> bool {
    let stat = &planned.stat;
    (now.kind, now.mode, now.uid, now.gid) == (stat.kind, stat.mode, stat.uid, stat.gid)
        && match &planned.body {
            NodeBody::File(Some(bytes)) if content => now.content.as_deref() == Some(bytes),
            NodeBody::Symlink(target) => now.content.as_ref() == Some(target),
            _ => true,
        }
        && match &planned.acl {
            EntryAcl::Below => true,
            EntryAcl::Gone => now.acl().is_none(),
            EntryAcl::Is(acl) => now.acl() == Some(acl.bytes()),
        }
}

/// Whether what stands there now is what the journal holds. Under another name of the same file
/// (hard link), this very run may have set owner and mode already.
pub(super) fn may_be_replaced(now: &Shape, before: &Shape, after: Option<&Shape>) -> bool {
    let as_in = |known: &Shape| {
        let told = |s: &Shape| (s.mode, s.uid, s.gid, s.xattrs.clone());
        told(now) == told(known)
    };
    (now.kind, &now.content) == (before.kind, &before.content)
        && (as_in(before) || after.is_some_and(as_in))
}

/// Owner and mode are set in several steps, none of which allows what neither old nor new allow, and
/// a directory is made with neither; in between, an entry is neither old nor new, but ours.
pub(super) fn half_made(entry: &Entry, now: &Shape) -> bool {
    const SET_ID: u32 = 0o6000;
    let known: Vec<&Saved> = [&entry.before, &entry.after]
        .into_iter()
        .flatten()
        .filter(|s| s.kind() == now.kind)
        .collect();
    let made = now.kind == FileKind::Dir
        && (entry.before.is_none() || entry.after.is_none())
        && now.uid == users::get_effective_uid();
    let owner = made || known.iter().any(|s| s.owner() == (now.uid, now.gid));
    // A new owner takes set-id bits away.
    let bare = |mode: u32| mode & !SET_ID;
    let bits: Vec<u32> = known.iter().filter_map(|s| s.mode()).map(bare).collect();
    let mode = (made && bare(now.mode) & 0o777 == 0o700)
        || bits.contains(&bare(now.mode))
        || bits.iter().copied().reduce(|a, b| a & b) == Some(bare(now.mode));
    !entry.content && !known.is_empty() && owner && mode
}

pub(super) fn replaces_content(change: &PathChange) -> bool {
    match (&change.before, &change.after) {
        (_, Some(Node { body: NodeBody::File(Some(_)) | NodeBody::Symlink(_), .. })) => {
            change.before.as_ref().map(|n| &n.body) != change.after.as_ref().map(|n| &n.body)
                || matches!(change.after, Some(Node { body: NodeBody::Symlink(_), .. }))
        }
        // A removed file must be kept whole for the undo.
        (Some(Node { body: NodeBody::File(_) | NodeBody::Symlink(_), .. }), None) => true,
        _ => false,
    }
}
