//! Partition tables: GPT and MBR with logical partitions.
//!
//! Every number in them is untrusted: what lies outside the disk is refused, and the amount that is
//! read is bounded.

use serde::Serialize;

use super::disk::{Disk, le16, le32, le64, uuid};
use super::messages;
use super::superblock::{self, Filesystem};
use crate::error::{Error, Result};
use crate::message::Message;

/// More partitions than any image has.
const MOST: usize = 256;
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];

/// The kind of table on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// One filesystem from the first byte on.
    None,
    /// GUID partition table.
    Gpt,
    /// Master boot record.
    Dos,
}

impl Table {
    /// As the JSON form has it.
    pub fn word(self) -> &'static str {
        match self {
            Table::None => "none",
            Table::Gpt => "gpt",
            Table::Dos => "dos",
        }
    }
}

/// A partition, or the whole disk as number 0.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Partition {
    /// As the kernel numbers it.
    pub number: u32,
    /// Its first byte on the disk.
    pub start: u64,
    /// Its size in bytes.
    pub size: u64,
    /// What `PARTUUID=` names, in lower case.
    pub uuid: Option<String>,
    /// What `PARTLABEL=` names.
    pub name: Option<String>,
    /// What lies in it, as far as it is known.
    pub filesystem: Option<Filesystem>,
}

/// The table of the first `size` bytes of a disk, and what lies in each partition.
///
/// # Errors
/// [`Error::Guard`] for a table that contradicts itself or the disk.
pub(super) fn read(disk: &Disk, size: u64) -> Result<(Table, Vec<Partition>)> {
    let (table, mut found) = match (gpt(disk, size)?, mbr(disk, size)?) {
        (Some(partitions), _) => (Table::Gpt, partitions),
        (None, Some(partitions)) => (Table::Dos, partitions),
        (None, None) => (Table::None, vec![Partition::new(0, 0, size)]),
    };
    for partition in &mut found {
        if partition.start.checked_add(partition.size).is_none_or(|end| end > size) {
            return Err(broken(disk, messages::behind_disk(partition.number)));
        }
        partition.filesystem = superblock::read(disk, partition.start, partition.size)?;
    }
    let mut places: Vec<(u64, u64, u32)> =
        found.iter().map(|p| (p.start, p.start + p.size, p.number)).collect();
    places.sort_unstable();
    for pair in places.windows(2) {
        if pair[0].1 > pair[1].0 {
            return Err(broken(disk, messages::overlap(pair[0].2, pair[1].2)));
        }
    }
    Ok((table, found))
}

impl Partition {
    fn new(number: u32, start: u64, size: u64) -> Partition {
        Partition { number, start, size, uuid: None, name: None, filesystem: None }
    }
}

fn broken(disk: &Disk, why: Message) -> Error {
    Error::Guard(messages::table_damaged(disk.path().display().to_string(), why))
}

fn gpt(disk: &Disk, size: u64) -> Result<Option<Vec<Partition>>> {
    for sector in [512, 4096] {
        let Some(header) = disk.read(sector, 512)?.filter(|h| h.starts_with(b"EFI PART")) else {
            continue;
        };
        let length = le32(&header, 12) as usize;
        let (count, each) = (le32(&header, 80) as usize, le32(&header, 84) as usize);
        let place = le64(&header, 72).checked_mul(sector);
        let sane = (92..=512).contains(&length) && (128..=4096).contains(&each) && count <= MOST;
        let Some(place) = place.filter(|_| sane && each.is_power_of_two()) else {
            return Err(broken(disk, messages::odd_entries(count, each)));
        };
        let mut summed = header[..length].to_vec();
        summed[16..20].fill(0);
        if crc32(&summed) != le32(&header, 16) {
            return Err(broken(disk, messages::header_checksum()));
        }
        let entries = disk
            .read(place, count * each)?
            .ok_or_else(|| broken(disk, messages::entries_behind_disk()))?;
        if crc32(&entries) != le32(&header, 88) {
            return Err(broken(disk, messages::entries_checksum()));
        }
        let mut found = Vec::new();
        for (entry, number) in entries.chunks_exact(each).zip(1..) {
            if entry[..16].iter().all(|b| *b == 0) {
                continue;
            }
            let (first, last) = (le64(entry, 32), le64(entry, 40));
            let sectors = last.checked_sub(first).and_then(|n| n.checked_add(1));
            let bytes = sectors.and_then(|n| n.checked_mul(sector)).filter(|n| *n <= size);
            let (Some(start), Some(bytes)) = (first.checked_mul(sector), bytes) else {
                return Err(broken(disk, messages::behind_disk(number)));
            };
            let name: Vec<u16> = (0..36).map(|i| le16(entry, 56 + 2 * i)).collect();
            let end = name.iter().position(|c| *c == 0).unwrap_or(name.len());
            found.push(Partition {
                uuid: Some(guid(&entry[16..32])),
                name: Some(String::from_utf16_lossy(&name[..end])).filter(|n| !n.is_empty()),
                ..Partition::new(number, start, bytes)
            });
        }
        return Ok(Some(found));
    }
    Ok(None)
}

/// The first three groups of a GUID stand in little endian.
fn guid(bytes: &[u8]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    uuid(&order.map(|i| bytes[i]))
}

fn mbr(disk: &Disk, size: u64) -> Result<Option<Vec<Partition>>> {
    const SECTOR: u64 = 512;
    let Some(sector) = disk.read(0, 512)?.filter(|s| is_table(s)) else { return Ok(None) };
    let id = le32(&sector, 440);
    let mut found = Vec::new();
    let mut extended = None;
    for (slot, number) in slots(&sector).zip(1..) {
        if slot.kind == 0 || slot.sectors == 0 {
            continue;
        }
        let start = u64::from(slot.first) * SECTOR;
        if EXTENDED.contains(&slot.kind) {
            extended = extended.or(Some(start));
            continue;
        }
        found.push(Partition::new(number, start, u64::from(slot.sectors) * SECTOR));
    }
    // A chain of tables, each with a partition and the way to the next.
    let mut next = extended;
    let mut number = 5;
    while let (Some(at), Some(base)) = (next, extended) {
        if found.len() >= MOST {
            return Err(broken(disk, messages::logical_without_end()));
        }
        let Some(sector) = disk.read(at, 512)?.filter(|s| s[510..] == [0x55, 0xaa]) else {
            return Err(broken(disk, messages::logical_behind_disk()));
        };
        let mut slots = slots(&sector);
        if let Some(slot) = slots.next().filter(|s| s.kind != 0 && s.sectors != 0) {
            let start = at + u64::from(slot.first) * SECTOR;
            found.push(Partition::new(number, start, u64::from(slot.sectors) * SECTOR));
            number += 1;
        }
        let link = slots.next().filter(|s| EXTENDED.contains(&s.kind) && s.first != 0);
        next = link.map(|s| base + u64::from(s.first) * SECTOR);
        if next.is_some_and(|next| next <= at || next >= size) {
            return Err(broken(disk, messages::logical_without_end()));
        }
    }
    for partition in &mut found {
        partition.uuid = Some(format!("{id:08x}-{:02x}", partition.number));
    }
    Ok(Some(found))
}

/// Whether a first sector is a table: it has the mark, every entry makes sense, one is in use, and
/// it is no filesystem's own.
fn is_table(sector: &[u8]) -> bool {
    let fat = sector.get(54..57) == Some(b"FAT") || sector.get(82..85) == Some(b"FAT");
    let makes_sense =
        |slot: &Slot| matches!(slot.status, 0 | 0x80) && (slot.kind == 0 || slot.first > 0);
    sector[510..] == [0x55, 0xaa]
        && !fat
        && slots(sector).all(|slot| makes_sense(&slot))
        && slots(sector).any(|slot| slot.kind != 0 && slot.sectors > 0)
}

struct Slot {
    status: u8,
    kind: u8,
    first: u32,
    sectors: u32,
}

fn slots(sector: &[u8]) -> impl Iterator<Item = Slot> {
    sector[446..510].chunks_exact(16).map(|slot| Slot {
        status: slot[0],
        kind: slot[4],
        first: le32(slot, 8),
        sectors: le32(slot, 12),
    })
}

/// The checksum of zlib and of UEFI.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc: u32, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn disk(bytes: &[u8]) -> Disk {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Disk::open(file.path()).unwrap()
    }

    fn slot(table: &mut [u8], at: usize, kind: u8, first: u32, sectors: u32) {
        let slot = &mut table[446 + 16 * at..][..16];
        slot[4] = kind;
        slot[8..12].copy_from_slice(&first.to_le_bytes());
        slot[12..].copy_from_slice(&sectors.to_le_bytes());
    }

    fn with_mark(size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        bytes[510..512].copy_from_slice(&[0x55, 0xaa]);
        bytes[440..444].copy_from_slice(&0x1234_abcd_u32.to_le_bytes());
        bytes
    }

    /// A GPT of two partitions, as a tool writes it.
    fn gpt_disk(change: impl Fn(&mut [u8], &mut [u8])) -> Vec<u8> {
        let mut bytes = with_mark(64 * 512);
        slot(&mut bytes, 0, 0xee, 1, 63);
        let mut entries = vec![0; 128 * 128];
        for (at, first, last, name) in [(0, 40, 47, "EFI"), (2, 48, 60, "root")] {
            let entry = &mut entries[128 * at..][..128];
            entry[..16].fill(0x11);
            for (byte, n) in entry[16..32].iter_mut().zip(0..) {
                *byte = n;
            }
            entry[32..40].copy_from_slice(&u64::to_le_bytes(first));
            entry[40..48].copy_from_slice(&u64::to_le_bytes(last));
            for (place, c) in entry[56..].chunks_exact_mut(2).zip(name.encode_utf16()) {
                place.copy_from_slice(&c.to_le_bytes());
            }
        }
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(b"EFI PART");
        header[12..16].copy_from_slice(&92_u32.to_le_bytes());
        header[72..80].copy_from_slice(&2_u64.to_le_bytes());
        header[80..84].copy_from_slice(&128_u32.to_le_bytes());
        header[84..88].copy_from_slice(&128_u32.to_le_bytes());
        change(&mut header, &mut entries);
        let sum = crc32(&entries);
        header[88..92].copy_from_slice(&sum.to_le_bytes());
        let sum = crc32(&header[..92]);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        bytes[512..1024].copy_from_slice(&header);
        bytes[1024..1024 + entries.len()].copy_from_slice(&entries);
        bytes
    }

    /// The table, and number, start and size of each partition.
    type Found = (Table, Vec<(u32, u64, u64)>);

    fn found(bytes: &[u8]) -> std::result::Result<Found, String> {
        let (table, found) = read(&disk(bytes), bytes.len() as u64).map_err(|e| e.to_string())?;
        Ok((table, found.iter().map(|p| (p.number, p.start, p.size)).collect()))
    }

    #[test]
    fn the_checksum_is_the_usual_one() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn a_gpt_gives_numbers_places_and_names() {
        let bytes = gpt_disk(|_, _| {});
        let (table, parts) = read(&disk(&bytes), bytes.len() as u64).unwrap();
        assert_eq!(table, Table::Gpt);
        let told: Vec<_> = parts.iter().map(|p| (p.number, p.start, p.size)).collect();
        assert_eq!(told, [(1, 40 * 512, 8 * 512), (3, 48 * 512, 13 * 512)]);
        assert_eq!(parts[1].name.as_deref(), Some("root"));
        assert_eq!(parts[0].uuid.as_deref(), Some("03020100-0504-0706-0809-0a0b0c0d0e0f"));
    }

    #[test]
    fn a_gpt_that_lies_is_refused() {
        let told = |change: &dyn Fn(&mut [u8], &mut [u8])| found(&gpt_disk(change)).unwrap_err();
        let put = |at: usize, n: u32| {
            move |h: &mut [u8], _: &mut [u8]| {
                h[at..at + 4].copy_from_slice(&n.to_le_bytes());
            }
        };
        for (change, what) in [
            (&put(80, u32::MAX) as &dyn Fn(&mut [u8], &mut [u8]), "found 4294967295 entries"),
            (&put(84, u32::MAX), "entries of 4294967295 bytes"),
            (&put(84, 129), "entries of 129 bytes"),
            (&put(76, u32::MAX), "partition table is damaged"),
            (&|_: &mut [u8], e: &mut [u8]| e[46] = 1, "partition 1 ends behind the disk"),
            (&|_: &mut [u8], e: &mut [u8]| e[40] = 50, "partitions 1 and 3 overlap"),
            (&|_: &mut [u8], e: &mut [u8]| e[32] = 63, "partition 1 ends behind the disk"),
        ] {
            let error = told(change);
            assert!(error.contains(what), "{what}: {error}");
        }
        let mut bytes = gpt_disk(|_, _| {});
        bytes[1024 + 60] ^= 1;
        assert!(found(&bytes).unwrap_err().contains("checksum of its entries"));
        bytes[512 + 60] ^= 1;
        assert!(found(&bytes).unwrap_err().contains("checksum of its header"));
    }

    #[test]
    fn an_mbr_gives_logical_partitions_from_five_on() {
        let mut bytes = with_mark(200 * 512);
        slot(&mut bytes, 0, 0x83, 10, 5);
        slot(&mut bytes, 2, 0x05, 50, 100);
        let (first, second) = (50 * 512, 80 * 512);
        for at in [first, second] {
            bytes[at + 510..at + 512].copy_from_slice(&[0x55, 0xaa]);
            slot(&mut bytes[at..], 0, 0x83, 2, 10);
        }
        slot(&mut bytes[first..], 1, 0x05, 30, 20);
        let expected = [(1, 5120, 2560), (5, 52 * 512, 5120), (6, 82 * 512, 5120)];
        assert_eq!(found(&bytes).unwrap(), (Table::Dos, expected.to_vec()));
        let (_, parts) = read(&disk(&bytes), bytes.len() as u64).unwrap();
        assert_eq!(parts[2].uuid.as_deref(), Some("1234abcd-06"));

        // A chain that leads back, and one that leads out.
        for (to, what) in [(0, None), (30_000, Some("do not end"))] {
            slot(&mut bytes[second..], 1, 0x05, to, 20);
            match what {
                None => drop(found(&bytes).unwrap()),
                Some(what) => assert!(found(&bytes).unwrap_err().contains(what)),
            }
        }
        slot(&mut bytes[second..], 1, 0x05, 10, 20);
        assert!(found(&bytes).unwrap_err().contains("do not end"));
    }

    #[test]
    fn what_is_no_table_is_one_filesystem() {
        let size = 64 * 512;
        let whole = (Table::None, vec![(0, 0, size as u64)]);
        assert_eq!(found(&vec![0; size]).unwrap(), whole);
        assert_eq!(found(&with_mark(size)).unwrap(), whole, "the mark, and no entry");
        let mut fat = with_mark(size);
        slot(&mut fat, 0, 0x83, 10, 5);
        fat[82..87].copy_from_slice(b"FAT32");
        assert_eq!(found(&fat).unwrap().0, Table::None);
        let mut odd = with_mark(size);
        slot(&mut odd, 0, 0x83, 10, 5);
        odd[446] = 7;
        assert_eq!(found(&odd).unwrap(), whole, "an entry that makes no sense");
    }
}
