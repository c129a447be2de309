//! The other kinds: what is mounted, and what stands in the way of a mount.

use super::Filesystem;
use crate::error::Result;
use crate::image::disk::{be32, be64, le16, le32, le64, name, uuid};
use crate::image::messages;

type At<'a> = dyn Fn(u64, usize) -> Result<Option<Vec<u8>>> + 'a;

/// LUKS, LVM and RAID, by the marks that cryptsetup, lvm and mdadm look for.
pub(super) fn container(head: &[u8], size: u64, at: &At<'_>) -> Result<Option<Filesystem>> {
    const RAID: u32 = 0xa92b_4efc;
    if head.starts_with(b"LUKS\xba\xbe") || head.starts_with(b"SKUL\xba\xbe") {
        return Ok(Some(Filesystem::refused("crypto_LUKS", messages::luks())));
    }
    let label = |at: usize| {
        head.get(at..at + 8) == Some(b"LABELONE") && head[at + 24..].starts_with(b"LVM2 001")
    };
    if [0, 512, 1024, 1536].into_iter().any(label) {
        return Ok(Some(Filesystem::refused("LVM2_member", messages::lvm())));
    }
    // Format 1.1 and 1.2 at the beginning; 1.0 and 0.90 at the end.
    let ends = [size.checked_sub(8192).map(|end| end & !4095), (size & !65535).checked_sub(65536)];
    let mut marks = vec![le32(head, 0), le32(head, 4096)];
    for end in ends.into_iter().flatten() {
        marks.push(at(end, 4)?.map_or(0, |mark| le32(&mark, 0)));
    }
    Ok(marks
        .contains(&RAID)
        .then(|| Filesystem::refused("linux_raid_member", messages::part_of_raid())))
}

/// From the first block.
pub(super) fn xfs(head: &[u8]) -> Option<Filesystem> {
    if !head.starts_with(b"XFSB") || head.len() < 512 {
        return None;
    }
    let block = u64::from(be32(head, 4));
    let refused = if be64(head, 48) == 0 {
        Some(messages::log_elsewhere())
    } else if be64(head, 16) != 0 {
        Some(messages::realtime_elsewhere())
    } else {
        None
    };
    Some(Filesystem {
        uuid: Some(uuid(&head[32..48])),
        label: Some(name(&head[108..120])).filter(|l| !l.is_empty()),
        journal: u64::from(be32(head, 96)).saturating_mul(block).min(1 << 31),
        refused,
        ..Filesystem::new("xfs")
    })
}

/// From the block at 64 KiB.
pub(super) fn btrfs(block: &[u8]) -> Option<Filesystem> {
    if block.get(0x40..0x48) != Some(b"_BHRfS_M") {
        return None;
    }
    let devices = le64(block, 0x88);
    let refused = (devices != 1).then(|| messages::several_devices(devices));
    Some(Filesystem {
        uuid: Some(uuid(&block[0x20..0x30])),
        label: Some(name(&block[0x12b..0x22b])).filter(|l| !l.is_empty()),
        // What a transaction of it rewrites.
        journal: 32 << 20,
        // Its log is empty.
        clean: le64(block, 0x60) == 0,
        refused,
        ..Filesystem::new("btrfs")
    })
}

/// From the first page, whatever its size was there.
pub(super) fn swap(head: &[u8]) -> Option<Filesystem> {
    let mark = head.get(4086..4096)?;
    (mark == b"SWAPSPACE2" || mark == b"SWAP-SPACE").then(|| Filesystem {
        uuid: Some(uuid(&head[1036..1052])),
        label: Some(name(&head[1052..1068])).filter(|l| !l.is_empty()),
        ..Filesystem::refused("swap", messages::swap())
    })
}

/// From the boot sector.
pub(super) fn vfat(head: &[u8]) -> Option<Filesystem> {
    let big = head.get(82..87) == Some(b"FAT32");
    let small = head.get(54..59).is_some_and(|m| m == b"FAT16" || m == b"FAT12");
    if le16(head, 510) != 0xaa55 || !(big || small) {
        return None;
    }
    let (state, serial, label) = if big { (0x41, 0x43, 0x47) } else { (0x25, 0x27, 0x2b) };
    let serial = le32(head, serial);
    let label = name(&head[label..label + 11]);
    Some(Filesystem {
        uuid: Some(format!("{:04X}-{:04X}", serial >> 16, serial & 0xffff)),
        label: Some(label).filter(|l| !l.is_empty() && l != "NO NAME"),
        clean: head[state] & 1 == 0,
        ..Filesystem::new("vfat")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(places: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; 8192];
        for (at, what) in places {
            bytes[*at..*at + what.len()].copy_from_slice(what);
        }
        bytes
    }

    #[test]
    fn what_stands_in_the_way_of_a_mount_is_known() {
        let kind = |head: &[u8], end: &[u8]| {
            let at = |offset: u64, len: usize| {
                let bytes = if offset == 65536 { end } else { &[0; 8] };
                Ok(bytes.get(..len).map(<[u8]>::to_vec))
            };
            container(head, 3 * 65536 - 512, &at).unwrap().map(|f| f.kind)
        };
        let none = [0; 8];
        let raid = 0xa92b_4efc_u32.to_le_bytes();
        assert_eq!(kind(&with(&[(0, b"LUKS\xba\xbe")]), &none), Some("crypto_LUKS"));
        let lvm = with(&[(512, b"LABELONE"), (536, b"LVM2 001")]);
        assert_eq!(kind(&lvm, &none), Some("LVM2_member"));
        assert_eq!(kind(&with(&[(0, &raid)]), &none), Some("linux_raid_member"));
        assert_eq!(kind(&with(&[(4096, &raid)]), &none), Some("linux_raid_member"));
        assert_eq!(kind(&with(&[]), &raid), Some("linux_raid_member"));
        assert_eq!(kind(&with(&[]), &none), None);
    }

    #[test]
    fn names_are_those_that_fstab_uses() {
        let fat = with(&[
            (510, &[0x55, 0xaa]),
            (82, b"FAT32"),
            (0x43, &[4, 3, 2, 1]),
            (0x47, b"UEFI       "),
        ]);
        let found = vfat(&fat).unwrap();
        assert_eq!(found.uuid.as_deref(), Some("0102-0304"));
        assert_eq!((found.label.as_deref(), found.clean), (Some("UEFI"), true));
        let log = with(&[(0, b"XFSB"), (6, &[16, 0]), (48, &[1]), (98, &[2, 0]), (108, b"data")]);
        let found = xfs(&log).unwrap();
        assert_eq!((found.journal, found.refused), (512 * 4096, None));
        assert_eq!(found.label.as_deref(), Some("data"));
        assert!(xfs(&with(&[(0, b"XFSB")])).unwrap().refused.unwrap().to_string().contains("log"));
        let many = with(&[(0x40, b"_BHRfS_M"), (0x88, &[2])]);
        assert!(btrfs(&many).unwrap().refused.unwrap().to_string().contains("2 devices"));
        assert_eq!(swap(&with(&[(4086, b"SWAPSPACE2")])).unwrap().kind, "swap");
    }
}
