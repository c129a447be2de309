//! An image that is an archive: a tar of a root, an OCI layout, or what `docker save` writes.
//!
//! It is read once from end to end. Names and attributes are kept in memory; contents stay where they are,
//! or are put into an unlinked file where they come out of compressed data. Nothing is written elsewhere,
//! and nothing of it is left behind. What an archive may take of the machine is bounded ([`Limits`]).

mod acl_text;
mod blob;
mod docker;
mod entries;
mod fault;
mod layers;
mod limits;
mod members;
pub(crate) mod messages;
mod oci;
mod pax;
mod source;
mod sparse;
mod store;
#[cfg(test)]
mod tests;
mod tree;
mod zstd;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::rc::Rc;

pub use self::limits::Limits;
pub use self::source::Source;

use self::blob::Blob;
use self::fault::Fault;
use self::limits::{NAME, PATH};
use self::members::Files;
use self::pax::AclRecord;
use self::store::Store;
use self::tree::{Body, Id, ROOT, Tree};
use super::contents::{Contents, Which};
use super::{
    AccountDb, Acl, DiskRootfs, FileKind, ImagePath, Location, Memo, Rootfs, Stat, Survey, locate,
    survey,
};
use crate::error::{Error, Result, cannot};

/// All of an archive is one filesystem.
const DEVICE: u64 = 1;

/// A root that is an archive. It is read as an ordinary user may read the file, owners and modes as they
/// are in it, and it never changes.
pub struct ArchiveRootfs {
    /// As it is named in reports.
    name: String,
    tree: Tree,
    store: Store,
    contents: RefCell<HashMap<ImagePath, Option<Rc<[u8]>>>>,
    /// The same by inode.
    read: Contents,
    survey: RefCell<Option<Rc<Survey>>>,
    memo: Memo,
}

impl ArchiveRootfs {
    /// Reads an archive within the bounds that are usual.
    ///
    /// # Errors
    /// [`Error::Archive`] for one that is damaged, hostile or beyond a bound; [`Error::Host`] when it
    /// cannot be opened.
    pub fn open(source: &Source) -> Result<ArchiveRootfs> {
        ArchiveRootfs::open_within(source, Limits::default())
    }

    /// As [`ArchiveRootfs::open`], within other bounds.
    ///
    /// # Errors
    /// As [`ArchiveRootfs::open`].
    pub fn open_within(source: &Source, limits: Limits) -> Result<ArchiveRootfs> {
        let fail = |e| Error::host(cannot::open_the_archive, source.path(), e);
        #[allow(clippy::disallowed_methods)] // the archive itself is a path of the host
        let path = std::fs::canonicalize(source.path()).map_err(fail)?;
        let name = source.named(&path);
        let (mut tree, mut store) = (Tree::new(limits), Store::new(limits));
        let refuse = |fault: Fault| fault.of(&name);
        match source {
            Source::Tar(_) => {
                let blob = open(&path).map_err(fail)?;
                let blob = Blob::whole(blob).map_err(refuse)?;
                layers::apply(&mut tree, &mut store, &blob, false).map_err(refuse)?;
                not_an_image(&tree, &path).map_err(refuse)?;
            }
            Source::Oci(..) | Source::Docker(..) => {
                #[allow(clippy::disallowed_methods)] // as above
                let files = match path.is_dir() {
                    true => Files::Dir(Box::new(DiskRootfs::open(&path)?)),
                    false => Blob::whole(open(&path).map_err(fail)?)
                        .and_then(|blob| Files::of_archive(&blob, &store, &limits))
                        .map_err(refuse)?,
                };
                let found = match source {
                    Source::Oci(_, tag) => oci::layers(&files, tag.as_deref()),
                    Source::Docker(_, tag) => docker::layers(&files, tag.as_deref()),
                    Source::Tar(_) => Ok(Vec::new()),
                };
                for blob in found.map_err(refuse)? {
                    layers::apply(&mut tree, &mut store, &blob, true).map_err(refuse)?;
                }
            }
        }
        store.end().map_err(refuse)?;
        Ok(ArchiveRootfs {
            name,
            tree,
            store,
            contents: RefCell::default(),
            read: Contents::default(),
            survey: RefCell::default(),
            memo: Memo::default(),
        })
    }

    /// What stands at a path without links.
    fn node_at(&self, at: &ImagePath) -> Option<Id> {
        // As the kernel, which takes no longer ones.
        if at.as_bytes().len() > PATH || at.components().any(|name| name.len() > NAME) {
            return None;
        }
        at.components().try_fold(ROOT, |dir, name| self.tree.child(dir, name.as_bytes()))
    }

    fn stat_of(&self, id: Id) -> Option<Stat> {
        let node = self.tree.node(id)?;
        let size = match &node.body {
            Body::File(content) => content.size,
            Body::Symlink(target) => target.len() as u64,
            _ => 0,
        };
        Some(Stat {
            kind: node.kind(),
            mode: node.attributes.mode,
            uid: node.attributes.uid,
            gid: node.attributes.gid,
            links: node.links,
            size,
            device: DEVICE,
            inode: u64::from(id) + 1,
            mtime: node.attributes.mtime,
        })
    }

    fn target_of(&self, id: Id) -> Option<&[u8]> {
        match &self.tree.node(id)?.body {
            Body::Symlink(target) => Some(target),
            _ => None,
        }
    }

    fn find(&self, path: &ImagePath, follow_last: bool) -> Result<Location> {
        self.memo.place(path, follow_last, || {
            let target = |at: &ImagePath| self.node_at(at).and_then(|id| self.target_of(id));
            locate::locate(
                path,
                follow_last,
                |at| self.stat_unlinked(at),
                |at| Ok(target(at).unwrap_or_default().to_vec()),
            )
        })
    }

    fn wrong_kind(path: &ImagePath, found: FileKind, want: FileKind) -> Error {
        Error::WrongKind { path: path.clone(), found, want }
    }

    fn read_uncached(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        let at = self.find(path, true)?;
        let Some(stat) = at.stat else { return Ok(None) };
        let body = self.node_at(&at.path).and_then(|id| self.tree.node(id)).map(|node| &node.body);
        let Some(Body::File(content)) = body else {
            return Err(ArchiveRootfs::wrong_kind(path, stat.kind, FileKind::File));
        };
        if stat.size > limit {
            return Err(Error::TooLarge { path: path.clone(), size: stat.size, limit });
        }
        let which = Which::fixed((stat.device, stat.inode), stat.size);
        if let Some(known) = self.read.known(path, &which, limit)? {
            return Ok(Some(known));
        }
        let bytes = self.store.read(content);
        let bytes = bytes.map_err(|fault| fault.at(path.as_bytes()).of(&self.name))?;
        Ok(Some(self.read.keep(which, bytes, limit)))
    }
}

impl Rootfs for ArchiveRootfs {
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
        Ok(self.find(path, false)?.stat)
    }

    fn stat_unlinked(&self, at: &ImagePath) -> Result<Option<Stat>> {
        self.memo.look(at);
        Ok(self.node_at(at).and_then(|id| self.stat_of(id)))
    }

    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        let at = self.find(path, false)?.path;
        Ok(self.node_at(&at).and_then(|id| self.target_of(id)).map(<[u8]>::to_vec))
    }

    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
        let at = self.find(path, false)?.path;
        self.memo.look(&at);
        let node = self.node_at(&at).and_then(|id| self.tree.node(id));
        match node.and_then(|node| node.attributes.acl.as_ref()) {
            None => Ok(None),
            Some(AclRecord::Kernel(acl)) => Ok(Some(acl.clone())),
            Some(AclRecord::Text(text)) => match text.with(&*AccountDb::read(self)?) {
                Ok(acl) => Ok(Some(acl)),
                Err(name) => {
                    let why = messages::unknown_name(name);
                    Err(Error::CannotTell { path: path.clone(), why })
                }
            },
        }
    }

    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        // Noted also where the content is known already.
        self.find(path, true)?;
        if let Some(known) = self.contents.borrow().get(path) {
            return Ok(known.clone());
        }
        let found = self.read_uncached(path, limit)?;
        self.contents.borrow_mut().insert(path.clone(), found.clone());
        Ok(found)
    }

    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        let at = self.find(path, true)?;
        let Some(stat) = at.stat else { return Ok(None) };
        let Some(dir) = self.node_at(&at.path).and_then(|id| self.tree.dir(id)) else {
            return Err(ArchiveRootfs::wrong_kind(path, stat.kind, FileKind::Dir));
        };
        self.memo.list(&at.path);
        Ok(Some(dir.names.keys().map(|name| OsString::from_vec(name.to_vec())).collect()))
    }

    /// With its absolute path, links resolved.
    fn name(&self) -> String {
        self.name.clone()
    }

    fn memo(&self) -> &Memo {
        &self.memo
    }

    fn survey(&self) -> Result<Rc<Survey>> {
        if let Some(known) = &*self.survey.borrow() {
            return Ok(Rc::clone(known));
        }
        let mut found = Survey::default();
        let mut todo = vec![(ImagePath::root(), ROOT)];
        while let Some((path, id)) = todo.pop() {
            let Some(dir) = self.tree.dir(id) else { continue };
            if path.as_bytes().len() >= PATH {
                found.add_unread(&path);
                continue;
            }
            let in_log = survey::is_log(&path);
            for (name, slot) in &dir.names {
                let Some(stat) = self.stat_of(slot.id) else { continue };
                let name = || path.join(&**name).unwrap_or_else(|_| path.clone());
                found.add(name, &stat, in_log);
                if stat.kind == FileKind::Dir && survey::is_walked(&name()) {
                    todo.push((name(), slot.id));
                }
            }
        }
        let found = Rc::new(found);
        *self.survey.borrow_mut() = Some(Rc::clone(&found));
        Ok(found)
    }
}

/// Opens a file for reading, without waiting for whoever writes to a pipe.
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    use nix::fcntl::OFlag;
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    #[allow(clippy::disallowed_methods)] // the archive itself is a path of the host
    let fd = nix::fcntl::open(path, flags, nix::sys::stat::Mode::empty())?;
    Ok(fd.into())
}

/// An image that is named as if it were a root says what to write instead.
fn not_an_image(tree: &Tree, path: &Path) -> Result<(), Fault> {
    let is = |name: &[u8]| tree.child(ROOT, name).is_some();
    if is(b"etc") || is(b"usr") {
        return Ok(());
    }
    let prefix = match (is(b"index.json") && is(b"oci-layout"), is(b"manifest.json")) {
        (_, true) => "docker-archive:",
        (true, false) => "oci:",
        _ => return Ok(()),
    };
    Err(messages::image_as_tar(format!("{prefix}{}", path.display())).into())
}
