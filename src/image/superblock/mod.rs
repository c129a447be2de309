//! What lies in a partition, from the first blocks of it.

mod ext;
mod others;

use serde::Serialize;

use super::disk::Disk;
use super::messages;
use crate::error::Result;
use crate::message::Message;

/// A filesystem, or what stands in the place of one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Filesystem {
    /// As `mount -t` takes it; of what cannot be mounted, as blkid calls it.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What `UUID=` names.
    pub uuid: Option<String>,
    /// What `LABEL=` names.
    pub label: Option<String>,
    /// The size of its journal in bytes.
    pub journal: u64,
    /// Whether its journal is empty and it was unmounted.
    pub clean: bool,
    /// Why it is not mounted, if it is not.
    #[serde(serialize_with = "messages::if_any_in_english")]
    pub refused: Option<Message>,
}

impl Filesystem {
    fn new(kind: &'static str) -> Filesystem {
        Filesystem { kind, uuid: None, label: None, journal: 0, clean: true, refused: None }
    }

    fn refused(kind: &'static str, why: Message) -> Filesystem {
        Filesystem { refused: Some(why), ..Filesystem::new(kind) }
    }

    /// Whether it is of the kind that a root filesystem is.
    pub fn may_be_root(&self) -> bool {
        matches!(self.kind, "ext2" | "ext3" | "ext4" | "xfs" | "btrfs")
    }
}

/// Looks at the places where each kind has its mark. What stands in the way of a mount (a volume
/// group, encryption, RAID) is looked for first: a filesystem may lie in it.
pub(super) fn read(disk: &Disk, start: u64, size: u64) -> Result<Option<Filesystem>> {
    let at = |offset: u64, len: usize| -> Result<Option<Vec<u8>>> {
        match offset.checked_add(len as u64) {
            Some(end) if end <= size => disk.read(start + offset, len),
            _ => Ok(None),
        }
    };
    let head = at(0, 8192)?.or(at(0, 4096)?).unwrap_or_default();
    if let Some(found) = others::container(&head, size, &at)? {
        return Ok(Some(found));
    }
    if let Some(found) = at(1024, 1024)?.and_then(|block| ext::read(&block, size)) {
        return Ok(Some(found));
    }
    if let Some(found) = at(65536, 4096)?.and_then(|block| others::btrfs(&block)) {
        return Ok(Some(found));
    }
    Ok(others::xfs(&head).or_else(|| others::swap(&head)).or_else(|| others::vfat(&head)))
}
