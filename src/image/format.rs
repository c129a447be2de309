//! The format of an image, determined by its own bytes alone.

use serde::Serialize;

use super::disk::{Disk, be32, be64};
use super::{messages, qcow2};
use crate::error::{Error, Result};
use crate::message::Message;

const MIB: u64 = 1 << 20;
const FOOTER: u64 = 512;

/// The formats that can be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// The disk's bytes, and nothing else.
    Raw,
    /// QEMU's format.
    Qcow2,
    /// The disk's bytes and a footer of 512 bytes.
    Vhd,
}

impl Format {
    /// As the JSON form has it.
    pub fn word(self) -> &'static str {
        match self {
            Format::Raw => "raw",
            Format::Qcow2 => "qcow2",
            Format::Vhd => "vhd",
        }
    }
}

/// What a file is that is none of these.
#[derive(Clone, Copy)]
enum Other {
    Compressed,
    Archive,
    GrowingVhd,
    Image(&'static str),
}

/// Files that are none of these, by what they begin with, and how qemu-img calls them; those
/// without a name are no disk image at all.
const OTHERS: [(u64, &[u8], Other, &str); 16] = [
    (0, b"conectix", Other::GrowingVhd, "vpc"),
    (0, b"vhdxfile", Other::Image("VHDX"), "vhdx"),
    (0, b"KDMV", Other::Image("VMDK"), "vmdk"),
    (0, b"COWD", Other::Image("VMDK"), "vmdk"),
    (0, b"# Disk DescriptorFile", Other::Image("VMDK"), "vmdk"),
    (0x40, &[0x7f, 0x10, 0xda, 0xbe], Other::Image("VDI"), "vdi"),
    (0, b"QED\0", Other::Image("QED"), "qed"),
    (0, b"QFI\xfb\0\0\0\x01", Other::Image("qcow"), "qcow"),
    (0, b"WithoutFreeSpace", Other::Image("Parallels"), "parallels"),
    (0, b"WithouFreSpacExt", Other::Image("Parallels"), "parallels"),
    (0, &[0x1f, 0x8b], Other::Compressed, ""),
    (0, &[0xfd, b'7', b'z', b'X', b'Z', 0], Other::Compressed, ""),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], Other::Compressed, ""),
    (0, b"BZh", Other::Compressed, ""),
    (0, b"PK\x03\x04", Other::Archive, ""),
    (257, b"ustar", Other::Archive, ""),
];

/// The format, and how many bytes of a raw or VHD file are the disk's.
///
/// # Errors
/// [`Error::Guard`] for other formats, with the commands that convert them, and for what reaches
/// beyond the file.
pub(super) fn of(disk: &Disk) -> Result<(Format, u64)> {
    let shown = disk.path().display().to_string();
    for (at, mark, what, driver) in OTHERS {
        if disk.read(at, mark.len())?.is_none_or(|found| found != mark) {
            continue;
        }
        let found = match what {
            Other::Compressed => messages::compressed_file(),
            Other::Archive => messages::archive(),
            Other::GrowingVhd => messages::growing_vhd(),
            Other::Image(name) => messages::image_of(name),
        };
        let why = match driver {
            "" => messages::packed(shown, found),
            driver => messages::other_format(shown, found, driver),
        };
        return Err(Error::Guard(why));
    }
    if disk.read(0, 4)?.is_some_and(|mark| mark == b"QFI\xfb") {
        qcow2::check_header(disk)?;
        return Ok((Format::Qcow2, disk.size()));
    }
    let footer = disk.size().checked_sub(FOOTER).map(|at| disk.read(at, 512));
    match footer.transpose()?.flatten() {
        Some(footer) if footer.starts_with(b"conectix") => vhd(disk, &footer),
        _ => Ok((Format::Raw, disk.size())),
    }
}

/// A fixed VHD as Azure takes it: its footer is in order, and the disk ends on a MiB.
fn vhd(disk: &Disk, footer: &[u8]) -> Result<(Format, u64)> {
    let refuse = |why: Message| Err(Error::Guard(why));
    let path = disk.path().display().to_string();
    let kind = be32(footer, 60);
    if kind != 2 {
        return refuse(messages::vhd_kind(path, kind));
    }
    let sum = footer.iter().enumerate().filter(|(at, _)| !(64..68).contains(at));
    let sum = !sum.fold(0_u32, |sum, (_, byte)| sum.wrapping_add((*byte).into()));
    if sum != be32(footer, 64) {
        return refuse(messages::vhd_checksum(path));
    }
    let (told, size) = (be64(footer, 48), disk.size() - FOOTER);
    if told != size {
        return refuse(messages::vhd_size(path, told, size));
    }
    if size % MIB != 0 {
        return refuse(messages::vhd_not_whole(path, size));
    }
    Ok((Format::Vhd, size))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn told(bytes: &[u8]) -> std::result::Result<(Format, u64), String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        of(&Disk::open(file.path()).unwrap()).map_err(|e| e.to_string())
    }

    fn fixed(size: usize, change: fn(&mut [u8])) -> Vec<u8> {
        let mut bytes = vec![0; size];
        let mut footer = vec![0; 512];
        footer[..8].copy_from_slice(b"conectix");
        footer[48..56].copy_from_slice(&(size as u64).to_be_bytes());
        footer[63] = 2;
        let sum = !footer.iter().fold(0_u32, |sum, byte| sum + u32::from(*byte));
        footer[64..68].copy_from_slice(&sum.to_be_bytes());
        change(&mut footer);
        bytes.extend(footer);
        bytes
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        assert_eq!(told(&[0; 4096]).unwrap(), (Format::Raw, 4096));
        assert_eq!(told(b"").unwrap(), (Format::Raw, 0));
        assert_eq!(told(&fixed(1 << 20, |_| {})).unwrap(), (Format::Vhd, 1 << 20));
        for (change, what) in [
            ((|f| f[63] = 3) as fn(&mut [u8]), "kind 3"),
            (|f| f[100] = 1, "checksum"),
            (|f| (f[55], f[67]) = (1, f[67].wrapping_sub(1)), "footer says"),
        ] {
            let why = told(&fixed(1 << 20, change)).unwrap_err();
            assert!(why.contains(what), "{what}: {why}");
        }
        assert!(told(&fixed(1 << 19, |_| {})).unwrap_err().contains("multiple of 1 MiB"));
    }

    #[test]
    fn other_formats_are_refused_with_what_converts_them() {
        for (mark, what, driver) in [
            (&b"KDMV"[..], "a VMDK image", "vmdk"),
            (b"vhdxfile", "a VHDX image", "vhdx"),
            (b"conectix", "a VHD that grows", "vpc"),
        ] {
            let why = told(&[mark, &[0; 600]].concat()).unwrap_err();
            assert!(
                why.contains(what) && why.contains(&format!("convert -f {driver} -O raw")),
                "{why}"
            );
            assert!(why.contains(&format!("convert -f raw -O {driver}")), "{why}");
        }
        assert!(told(&[0x1f, 0x8b, 0, 0]).unwrap_err().contains("unpack it"));
    }
}
