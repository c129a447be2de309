//! The files of an archive that holds an image: indexes, manifests and layers.

use std::collections::HashMap;

use nix::errno::Errno;
use nix::fcntl::OFlag;

use super::blob::{Blob, Input, Packing};
use super::entries::{Entries, Kind};
use super::fault::Fault;
use super::limits::Limits;
use super::messages;
use super::store::Store;
use super::tree::components;
use crate::rootfs::{DiskRootfs, ImagePath, Links};

/// So many links lead from the name of a layer to the layer: one, in what old versions of docker saved.
const LINKS: usize = 4;

/// Where the files of an image are looked for, and nowhere else.
pub(super) enum Files {
    /// In a directory, never through a symbolic link.
    Dir(Box<DiskRootfs>),
    /// In an archive.
    Members(HashMap<Vec<u8>, Member>),
}

/// A file in an archive, or another name of one.
pub(super) enum Member {
    File(Blob),
    /// By the normalised name of the other.
    Link(Vec<u8>),
    /// Neither.
    Other,
}

impl Files {
    /// Those of an archive. A compressed one is unpacked to an unlinked file first.
    ///
    /// # Errors
    /// What it is refused for.
    pub fn of_archive(blob: &Blob, store: &Store, limits: &Limits) -> Result<Files, Fault> {
        let packing = blob.packing()?;
        let unpacked = match packing {
            Packing::None => blob.clone(),
            packing => store.unpack(blob, packing)?,
        };
        let mut entries = Entries::new(Input::new(&unpacked, Packing::None, &store.budget));
        let mut found = HashMap::new();
        let mut cost = 0_usize;
        while let Some(entry) = entries.next()? {
            cost = cost.saturating_add(entry.name.len() + entry.link.len() + 128);
            if cost > limits.metadata {
                return Err(messages::too_much_metadata(limits.metadata as u64).into());
            }
            let at = |fault: Fault| fault.at(&entry.name);
            let way = components(&entry.name).map_err(|why| at(why.into()))?;
            let member = match entry.kind {
                Kind::File if entry.sparse.is_none() => {
                    Member::File(unpacked.piece(entries.input.at, entry.stored).map_err(at)?)
                }
                Kind::HardLink => link(&[], &entry.link),
                Kind::Symlink => link(way.split_last().map_or(&[], |(_, dir)| dir), &entry.link),
                _ => Member::Other,
            };
            found.insert(way.join(&b'/'), member);
        }
        Ok(Files::Members(found))
    }

    /// The file of this name, relative to the top.
    ///
    /// # Errors
    /// It is missing, no regular file, or a link leads to it.
    pub fn get(&self, name: &str) -> Result<Blob, Fault> {
        self.find(name).map_err(|fault| fault.at(name.as_bytes()))
    }

    fn find(&self, name: &str) -> Result<Blob, Fault> {
        let way = components(name.as_bytes()).ok().filter(|_| !name.starts_with('/'));
        let way = way.ok_or_else(messages::name_outside)?;
        match self {
            Files::Dir(dir) => {
                let path = ImagePath::parse([b"/", &*way.join(&b'/')].concat())
                    .map_err(|_| messages::name_outside())?;
                let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
                match dir.open_at(&path, flags, Links::Refuse) {
                    Ok(fd) => Blob::whole(std::fs::File::from(fd)),
                    Err(Errno::ENOENT | Errno::ENOTDIR) => Err(messages::missing().into()),
                    Err(Errno::ELOOP) => Err(messages::link_in_layout().into()),
                    Err(e) => Err(std::io::Error::from(e).into()),
                }
            }
            Files::Members(members) => {
                let mut name = way.join(&b'/');
                for _ in 0..=LINKS {
                    match members.get(&name) {
                        Some(Member::File(blob)) => return Ok(blob.clone()),
                        Some(Member::Link(other)) => name.clone_from(other),
                        Some(Member::Other) => return Err(messages::no_file().into()),
                        None => return Err(messages::missing().into()),
                    }
                }
                Err(messages::link_loop().into())
            }
        }
    }
}

/// Another name of a file, from the directory `dir` of the archive on.
fn link(dir: &[&[u8]], target: &[u8]) -> Member {
    let mut way: Vec<&[u8]> = dir.to_vec();
    for part in target.split(|b| *b == b'/') {
        match part {
            b"" | b"." => {}
            // Out of the archive there is nothing.
            b".." if way.pop().is_none() => return Member::Other,
            b".." => {}
            name => way.push(name),
        }
    }
    match target.starts_with(b"/") {
        true => Member::Other,
        false => Member::Link(way.join(&b'/')),
    }
}
