//! ext2, ext3 and ext4: the layout is that of the kernel's `Documentation/filesystems/ext4`.

use super::Filesystem;
use crate::image::disk::{le16, le32, name, uuid};
use crate::image::messages;

const HAS_JOURNAL: u32 = 0x4;
const JOURNAL_DEVICE: u32 = 0x8;
const NEEDS_RECOVERY: u32 = 0x4;
/// `ext2` and `ext3` know these and no others.
const OLD_INCOMPATIBLE: u32 = 0x2 | 0x4 | 0x10;
const OLD_READ_ONLY: u32 = 0x7;
/// A default mount option that no other one takes back.
const NO_UID32: u32 = 0x10;
const VALID: u16 = 0x1;
const ERRORS: u16 = 0x2;

/// From the block at byte 1024.
pub(super) fn read(block: &[u8], size: u64) -> Option<Filesystem> {
    if le16(block, 0x38) != 0xef53 {
        return None;
    }
    let (compatible, incompatible, read_only) =
        (le32(block, 0x5c), le32(block, 0x60), le32(block, 0x64));
    if incompatible & JOURNAL_DEVICE != 0 {
        return Some(Filesystem::refused("jbd", messages::journal_only()));
    }
    let has_journal = compatible & HAS_JOURNAL != 0;
    let kind = match has_journal {
        _ if incompatible & !OLD_INCOMPATIBLE != 0 || read_only & !OLD_READ_ONLY != 0 => "ext4",
        true => "ext3",
        false => "ext2",
    };
    let state = le16(block, 0x3a);
    // A copy of the journal's inode: its size stands behind its fifteen blocks.
    let journal = u64::from(le32(block, 0x14c)) | u64::from(le32(block, 0x148)) << 32;
    let options = name(&block[0x200..0x240]);
    let refused = if has_journal && le32(block, 0xe0) == 0 {
        // The kernel would open whatever device of this machine has the number that stands here.
        Some(messages::journal_elsewhere())
    } else if !options.is_empty() {
        // Some of these options name devices and files of the machine that mounts it.
        Some(messages::own_mount_options(options.escape_default().to_string()))
    } else if le32(block, 0x100) & NO_UID32 != 0 {
        Some(messages::short_owners())
    } else {
        None
    };
    Some(Filesystem {
        uuid: Some(uuid(&block[0x68..0x78])),
        label: Some(name(&block[0x78..0x88])).filter(|l| !l.is_empty()),
        journal: if has_journal { journal.min(size) } else { 0 },
        clean: incompatible & NEEDS_RECOVERY == 0 && state & (VALID | ERRORS) == VALID,
        refused,
        ..Filesystem::new(kind)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(change: impl Fn(&mut [u8])) -> Vec<u8> {
        let mut block = vec![0; 1024];
        block[0x38..0x3a].copy_from_slice(&[0x53, 0xef]);
        block[0x3a] = 1;
        block[0x4c] = 1;
        block[0x5c] = 4;
        block[0x60] = 0x42;
        block[0xe0] = 8;
        block[0x14c + 2] = 0x40;
        block[0x78..0x7c].copy_from_slice(b"root");
        change(&mut block);
        block
    }

    #[test]
    fn kind_name_journal_and_state_are_read() {
        let found = read(&block(|_| {}), 1 << 30).unwrap();
        assert_eq!((found.kind, found.label.as_deref()), ("ext4", Some("root")));
        assert_eq!((found.journal, found.clean, found.refused), (4 << 20, true, None));
        let kind = |change: fn(&mut [u8])| read(&block(change), 1).unwrap().kind;
        assert_eq!(kind(|b| b[0x60] = 2), "ext3");
        assert_eq!(kind(|b| (b[0x60], b[0x5c]) = (2, 0)), "ext2");
        for dirty in
            [(|b: &mut [u8]| b[0x60] |= 4) as fn(&mut [u8]), |b| b[0x3a] = 3, |b| b[0x3a] = 0]
        {
            assert!(!read(&block(dirty), 1).unwrap().clean);
        }
        assert!(read(&[0; 1024], 1).is_none());
    }

    #[test]
    fn what_reaches_for_another_device_is_refused() {
        let why =
            |change: fn(&mut [u8])| read(&block(change), 1).unwrap().refused.unwrap().to_string();
        assert!(why(|b| b[0xe0] = 0).contains("another device"));
        assert!(why(|b| b[0x60] |= 8).contains("journal for another"));
        let told = why(|b| b[0x200..0x20e].copy_from_slice(b"journal_dev=\x1b1"));
        assert!(told.contains("(journal_dev=\\u{1b}1)"), "{told}");
    }
}
