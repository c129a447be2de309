//! Archives that somebody else wrote: they are refused, or hold a tree that can be looked at, the same
//! however they are compressed.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use gokaku::Error;
use gokaku::rootfs::{ArchiveRootfs, FileKind, ImagePath, Limits, Rootfs, Source};

use super::support::{chosen_bytes, one_of};

/// Small ones, so that what goes beyond them is seen.
const LIMITS: Limits = Limits {
    entries: 300,
    metadata: 200_000,
    unpacked: 4 << 20,
    spooled: 4096,
    spooled_file: 700,
    steps: 20_000,
};
/// What is read of a file (bytes).
const LIMIT: u64 = 64 << 10;

thread_local! {
    static FILE: RefCell<File> = RefCell::new(tempfile::tempfile().expect("a file"));
}

/// What a run may know of an archive: every path with what it is and holds, or that it is refused.
fn seen(bytes: &[u8], source: fn(PathBuf) -> Source) -> Option<Vec<String>> {
    FILE.with_borrow_mut(|file| {
        file.rewind().and_then(|()| file.set_len(0)).expect("a file");
        file.write_all(bytes).expect("a file");
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        match ArchiveRootfs::open_within(&source(path.into()), LIMITS) {
            Ok(root) => Some(listing(&root)),
            Err(Error::Archive { .. }) => None,
            Err(Error::Host { .. }) => None,
            Err(other) => panic!("{other}"),
        }
    })
}

fn listing(root: &ArchiveRootfs) -> Vec<String> {
    root.survey().expect("the top can be listed");
    let (mut todo, mut seen) = (vec![ImagePath::root()], Vec::new());
    while let Some(at) = todo.pop() {
        let stat = root.stat(&at).expect("no link leads here");
        let stat = stat.expect("it was listed, or is the root");
        let link = root.read_link(&at).expect("no link leads here");
        assert_eq!(link.is_some(), stat.kind == FileKind::Symlink, "{at}");
        let acl = root.acl(&at).is_ok_and(|acl| acl.is_some());
        let read = match stat.kind {
            FileKind::File => root.read_bytes(&at, LIMIT).ok().flatten(),
            _ => None,
        };
        if let Some(read) = &read {
            assert_eq!(read.len() as u64, stat.size, "{at}");
        }
        // Wherever a link leads, it is found there without a link, or nothing is.
        if let Ok(place) = root.locate(&at) {
            let stands = root.stat(&place.path).ok().flatten();
            assert!(place.stat.is_none() || place.stat == stands, "{at}: {place:?}");
        }
        if stat.kind == FileKind::Dir {
            let names = root.list(&at).expect("it is a directory").expect("it is there");
            let below = names.iter().map(|name| at.join(name).expect("a name"));
            // The kernel names nothing that is longer.
            todo.extend(below.filter(|path| path.as_bytes().len() < 4096));
        }
        seen.push(format!("{at} {stat:?} {link:?} {acl} {read:?}"));
    }
    seen
}

/// Gives every header the checksum that it lacks, as far as headers can be told from contents.
fn repaired(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + 512) {
        if header.iter().all(|b| *b == 0) {
            break;
        }
        header[148..156].copy_from_slice(b"        ");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = |b: &u8| (b'0'..=b'7').contains(b);
        let size = header[124..136].iter().filter(|b| digits(b));
        let size =
            size.fold(0_usize, |size, b| size.wrapping_mul(8).wrapping_add(usize::from(b - b'0')));
        at = at.saturating_add(512).saturating_add(size.saturating_add(511) / 512 * 512);
    }
    bytes.extend([0; 1024]);
    bytes
}

/// Compressed without being made smaller: one stored block after another.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let chunks = bytes.chunks(65_535);
    let last = chunks.len() - 1;
    for (at, chunk) in chunks.enumerate() {
        let length = u16::try_from(chunk.len()).expect("a chunk is small");
        out.push(u8::from(at == last));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(chunk);
    }
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        (0..8).for_each(|_| crc = crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg()));
    }
    out.extend((!crc).to_le_bytes());
    out.extend(u32::try_from(bytes.len()).expect("an input is small").to_le_bytes());
    out
}

/// One raw block after another.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    // A window of a megabyte, no checksum.
    let mut out = vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0x50];
    let chunks = bytes.chunks(100_000);
    let last = chunks.len() - 1;
    for (at, chunk) in chunks.enumerate() {
        let head =
            u32::try_from(chunk.len()).expect("a chunk is small") << 3 | u32::from(at == last);
        out.extend(&head.to_le_bytes()[..3]);
        out.extend(chunk);
    }
    out
}

/// An archive of files with these names and contents.
fn outer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in files {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
        header[156] = b'0';
        out.extend(header);
        out.extend(*content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    repaired(&out)
}

/// Opens an archive and looks at everything in it.
pub fn run(data: &[u8]) {
    let (pick, bytes) = chosen_bytes(data);
    let (how, pick) = one_of(pick, &[0, 1, 2, 3, 4, 5]);
    match how {
        // As it stands: what is compressed, too.
        0 => drop(seen(bytes, Source::Tar)),
        1 => {
            let tar = repaired(bytes);
            let plain = seen(&tar, Source::Tar);
            assert_eq!(seen(&gzip(&tar), Source::Tar), plain);
            assert_eq!(seen(&zstd(&tar), Source::Tar), plain);
        }
        // The same as two layers, and a manifest that is as it should be.
        2 => {
            let cut = bytes.len() / 512 / 2 * 512;
            let (below, above) = (repaired(&bytes[..cut]), repaired(&bytes[cut..]));
            let manifest = &br#"[{"Layers":["a","b"]}]"#[..];
            let files = [("a", &*below), ("b", &*above), ("manifest.json", manifest)];
            let image = outer(&files);
            let plain = seen(&image, |path| Source::Docker(path, None));
            let packed =
                [("a", &*gzip(&below)), ("b", &*zstd(&above)), ("manifest.json", manifest)];
            let packed = outer(&packed);
            assert_eq!(seen(&packed, |path| Source::Docker(path, None)), plain);
            assert_eq!(seen(&gzip(&image), |path| Source::Docker(path, None)), plain);
        }
        3 => {
            let layer = repaired(&[]);
            let image = outer(&[("a", &layer), ("manifest.json", bytes)]);
            drop(seen(&image, |path| Source::Docker(path, None)));
        }
        4 => {
            let image = outer(&[("index.json", bytes), ("oci-layout", b"{}")]);
            drop(seen(&image, |path| Source::Oci(path, None)));
        }
        _ => {
            let source: fn(PathBuf) -> Source = match pick % 2 {
                0 => |path| Source::Oci(path, Some("a".into())),
                _ => |path| Source::Docker(path, Some("a".into())),
            };
            drop(seen(&repaired(bytes), source));
        }
    }
}
