//! Layers, one upon another: what their entries make of the tree.

use super::blob::Blob;
use super::entries::{Entries, Entry, Kind};
use super::fault::Fault;
use super::limits::PATH;
use super::messages;
use super::pax::AclRecord;
use super::store::Store;
use super::tree::{Attributes, Body, Dir, Tree, components};
use crate::rootfs::FileKind;

/// What stands before the name of something that a layer takes away.
const WHITEOUT: &[u8] = b".wh.";
/// A directory of which nothing from below is left.
const OPAQUE: &[u8] = b".wh..wh..opq";
/// What an old storage driver kept for itself.
const PRIVATE: &[u8] = b".wh..wh.";

/// Puts a layer upon the tree. `whiteouts`: names with `.wh.` take away; in an archive of a tree they are
/// names like others.
///
/// # Errors
/// What the archive is refused for.
pub(super) fn apply(
    tree: &mut Tree,
    store: &mut Store,
    blob: &Blob,
    whiteouts: bool,
) -> Result<(), Fault> {
    tree.next_layer();
    let mut entries = store.begin(blob)?;
    while let Some(mut entry) = entries.next()? {
        let name = std::mem::take(&mut entry.name);
        put(tree, store, &mut entries, entry, &name, whiteouts).map_err(|fault| fault.at(&name))?;
    }
    entries.finish()
}

fn put(
    tree: &mut Tree,
    store: &mut Store,
    entries: &mut Entries,
    mut entry: Entry,
    name: &[u8],
    whiteouts: bool,
) -> Result<(), Fault> {
    tree.count()?;
    let way = components(name)?;
    if let Some((last, parents)) = way.split_last().filter(|_| whiteouts) {
        let is_private = |part: &&[u8]| part.starts_with(PRIVATE);
        if parents.iter().any(is_private) || is_private(last) && *last != OPAQUE {
            return Ok(());
        }
        match last.strip_prefix(WHITEOUT) {
            Some(_) if *last == OPAQUE => return tree.make_opaque(parents),
            Some(gone) => return tree.white_out(parents, gone),
            None => {}
        }
    }
    let body = match entry.kind {
        Kind::HardLink => return tree.link(&way, &entry.link),
        Kind::File => Body::File(store.place(&mut entry, entries)?),
        Kind::Dir => Body::Dir(Dir::default()),
        Kind::Symlink => {
            let target = std::mem::take(&mut entry.link);
            if target.is_empty() || target.len() >= PATH || target.contains(&0) {
                return Err(messages::empty_link().into());
            }
            Body::Symlink(target.into())
        }
        Kind::Fifo => Body::Other(FileKind::Fifo),
        Kind::BlockDevice => Body::Other(FileKind::BlockDevice),
        Kind::CharDevice => Body::Other(FileKind::CharDevice),
    };
    tree.put(&way, attributes(entry), body)
}

/// What the entry has once it is unpacked.
fn attributes(entry: Entry) -> Attributes {
    let (mut mode, mut acl) = (entry.mode, entry.acl);
    match entry.kind {
        Kind::Symlink => (mode, acl) = (0o777, None),
        Kind::File | Kind::Dir => {
            let bare = match &acl {
                Some(AclRecord::Kernel(acl)) => Some(acl.clone()),
                Some(AclRecord::Text(acl)) => Some(acl.nameless()),
                None => None,
            };
            mode = bare.as_ref().map_or(mode, |acl| acl.mode_with(mode));
            acl = acl.filter(|_| bare.is_some_and(|acl| !acl.is_a_mode()));
        }
        _ => acl = None,
    }
    Attributes { mode, uid: entry.uid, gid: entry.gid, mtime: entry.mtime, acl }
}
