//! What is refused, by name.

use super::*;
use crate::message::Message;

/// The message that an archive is refused with, and the entry that it names.
fn refusal(bytes: &[u8], limits: Limits) -> (String, Option<String>) {
    match open_within(bytes, limits) {
        Err(Error::Archive { entry, why, .. }) => (Message::id(&why).to_owned(), entry),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    }
}

fn refused(bytes: &[u8], id: &str, entry: Option<&str>) {
    let found = refusal(bytes, Limits::default());
    assert_eq!((found.0.as_str(), found.1.as_deref()), (format!("archive.{id}").as_str(), entry));
}

/// What makes a stream of bytes.
type Packs = fn(&[u8]) -> Vec<u8>;

#[test]
fn what_lies_outside_is_refused_and_named() {
    let of = |name: &str| Tar::new().file(name, b"x").end();
    for name in ["../x", "etc/../../x", "a/..", "/../x"] {
        refused(&of(name), "outside", Some(name));
    }
    let root = opened(&of("/etc/x"));
    assert!(root.stat(&path("/etc/x")).unwrap().is_some(), "below the root, as runtimes take it");
    let hard = |target: &str| Tar::new().file("a", b"").hard("b", target).end();
    for target in ["../a", "b", "c", "a/x", "/", ""] {
        refused(&hard(target), "no_link_target", Some("b"));
    }
    let circle = Tar::new().hard("a", "b").hard("b", "a").end();
    refused(&circle, "no_link_target", Some("a"));
    let inside = Tar::new().file("d/x", b"").hard("d", "d/x").end();
    refused(&inside, "no_link_target", Some("d"));
    let dir = Tar::new().dir("d", |_| {}).hard("e", "d").end();
    refused(&dir, "no_link_target", Some("e"));
}

#[test]
fn what_has_no_place_is_refused() {
    let below = Tar::new().file("a", b"").file("a/b", b"").end();
    refused(&below, "below_no_directory", Some("a/b"));
    let dangling = Tar::new().symlink("l", "missing").file("l/x", b"").end();
    refused(&dangling, "through_nothing", Some("l/x"));
    let round = Tar::new().symlink("l", "m").symlink("m", "l").file("l/x", b"").end();
    refused(&round, "link_loop", Some("l/x"));
    refused(&Tar::new().file(".", b"").end(), "root_no_directory", Some("."));
    refused(&Tar::new().symlink("l", "").end(), "empty_link", Some("l"));
    let long = vec![b'x'; 256];
    for name in [&long[..], &b"a/".repeat(3000)] {
        let shown = crate::rootfs::quote(name);
        refused(&Tar::new().pax(&[("path", name)]).file("x", b"").end(), "bad_name", Some(&shown));
    }
    let nul = Tar::new().pax(&[("path", b"a\0b")]).file("x", b"").end();
    refused(&nul, "bad_name", Some("a\\x00b"));
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for kind in *b"23456" {
        let hidden = Tar::new().head(b"x", kind, 512, |h| h.set_link_name("y").unwrap());
        refused(&hidden.file("hidden", b"").end(), "unwanted_content", Some("x"));
    }
    let zeros = Tar::new().file("a", b"").0;
    let lone = [&zeros[..], &[0; 512], &Tar::new().file("b", b"").end()].concat();
    refused(&lone, "lone_zeros", None);
    refused(&Tar::new().special("x", b'Z').end(), "unknown_type", Some("x"));
    refused(&Tar::new().special("x", b'M').end(), "unknown_type", Some("x"));
    let odd = Tar::new().file_with("x", b"", |h| h.set_uid(u64::from(u32::MAX))).end();
    refused(&odd, "bad_header", Some("x"));
    let map = |map: &'static [u8]| {
        let records: [(&str, &[u8]); 2] = [("GNU.sparse.size", b"100"), ("GNU.sparse.map", map)];
        Tar::new().pax(&records).file("x", b"12345678").end()
    };
    for bad in [&b"0,4"[..], b"4,4,0,4", b"0,8,1", b"96,8", b"0,18446744073709551615,1,9"] {
        refused(&map(bad), "bad_sparse", Some("x"));
    }
    assert!(open_within(&map(b"92,8"), Limits::default()).is_ok());
}

#[test]
fn what_is_cut_off_or_damaged_is_refused() {
    let whole = Tar::new().file("a", b"text").file("b", &[b'x'; 3000]).end();
    let packed: [Packs; 3] = [<[u8]>::to_vec, gzip, zstd];
    for pack in packed {
        let bytes = pack(&whole);
        assert!(open_within(&bytes, Limits::default()).is_ok());
        // The last block of zeros is not needed.
        let needed = if bytes == whole { whole.len() - 512 } else { bytes.len() };
        for end in (0..needed).step_by(7).chain([needed - 1]) {
            assert!(open_within(&bytes[..end], Limits::default()).is_err(), "{end}");
        }
    }
    let packed: [Packs; 2] = [gzip, zstd];
    for pack in packed {
        let mut bytes = pack(&whole);
        // In the checksum.
        let last = bytes.len() - if bytes[0] == 0x1f { 8 } else { 1 };
        bytes[last] ^= 1;
        assert_eq!(refusal(&bytes, Limits::default()).0, "archive.corrupt");
    }
    let mut changed = whole.clone();
    changed[1024] ^= 1;
    refused(&changed, "bad_header", None);
    refused(b"", "no_tar", None);
    refused(&[b'x'; 512], "no_tar", None);
    for (magic, name) in [(&b"\xfd7zXZ\0"[..], "xz"), (b"BZh91AY", "bzip2"), (b"PK\x03\x04", "zip")]
    {
        let error = open_within(magic, Limits::default()).err().unwrap().to_string();
        assert!(error.contains(&format!("compressed with {name}")), "{error}");
    }
}

#[test]
fn bombs_end_at_a_bound_that_is_named() {
    let usual = Limits::default();
    let of = |bytes: &[u8], limits| refusal(bytes, limits).0;
    let zeros = Tar::new().file("zeros", &vec![0; 1 << 20]).end();
    for bytes in [gzip(&zeros), zstd(&zeros)] {
        assert!(bytes.len() < 20_000);
        assert_eq!(of(&bytes, Limits { unpacked: 1 << 20, ..usual }), "archive.bomb");
        // Without room for it, it is unpacked again when it is asked for.
        let root = open_within(&bytes, Limits { unpacked: 1_100_000, spooled: 0, ..usual });
        let root = root.unwrap();
        assert!(root.read_bytes(&path("/zeros"), 1 << 20).is_ok());
    }
    // Behind the end of the archive.
    let headers = Tar::new().pax(&[("comment", &[b'x'; 900_000])]).file("x", b"").end();
    assert_eq!(of(&headers, Limits { unpacked: 900_000, ..usual }), "archive.bomb");
    let behind = gzip(&[Tar::new().end(), vec![0; 1 << 20]].concat());
    assert_eq!(of(&behind, Limits { unpacked: 1 << 20, ..usual }), "archive.bomb");
    let mut many = Tar::new();
    for n in 0..1000 {
        many = many.file(&format!("d/{n}"), b"");
    }
    let many = many.end();
    assert_eq!(of(&many, Limits { entries: 999, ..usual }), "archive.too_many_entries");
    assert_eq!(of(&many, Limits { metadata: 100_000, ..usual }), "archive.too_much_metadata");
    assert_eq!(of(&many, Limits { steps: 999, ..usual }), "archive.too_many_steps");
    // The same name again and again takes no more room.
    let mut same = Tar::new();
    for n in 0..1000 {
        same = same.file("d/x", b"").symlink("d/y", &"t".repeat(n % 90 + 1)).hard("d/z", "d/x");
    }
    let small = Limits { metadata: 4000, ..usual };
    assert!(open_within(&same.end(), small).is_ok());
    let long = Tar::new().head(b"././@LongLink", b'L', 1 << 30, |_| {}).end();
    refused(&long, "header_too_large", None);
    let pieces = Tar::new().pax(&[("GNU.sparse.major", b"1"), ("GNU.sparse.realsize", b"9")]);
    refused(&pieces.file("x", b"99999999\n").end(), "bad_sparse", Some("x"));
    // A file of exabytes takes nothing until it is read, and then it is too large.
    let size = (1_u64 << 62).to_string();
    let huge = Tar::new()
        .pax(&[("GNU.sparse.size", size.as_bytes()), ("GNU.sparse.map", b"0,1")])
        .file("x", b"1");
    let root = opened(&huge.end());
    assert!(matches!(root.read(&path("/x")), Err(Error::TooLarge { .. })));
}

#[test]
fn links_upon_links_do_not_hold_a_run_up() {
    // Forty links that each lead through two thousand directories, for every entry.
    let up = "a/../".repeat(800);
    let mut tar = Tar::new().dir("a", |_| {});
    for n in 0..39 {
        let target = format!("{up}l{}", n + 1);
        tar = tar.pax(&[("linkpath", target.as_bytes())]).symlink(&format!("l{n}"), "x");
    }
    tar = tar.symlink("l39", "a");
    for n in 0..1000 {
        tar = tar.file(&format!("l0/{n}"), b"");
    }
    let limits = Limits { steps: 10_000_000, ..Limits::default() };
    assert_eq!(refusal(&tar.end(), limits).0, "archive.too_many_steps");
}

#[test]
fn an_archive_that_changes_is_not_read_on() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&Tar::new().file("a", b"1").file("b", b"2").end()).unwrap();
    let root = ArchiveRootfs::open(&Source::Tar(file.path().into())).unwrap();
    assert_eq!(text(&root, "/a").as_deref(), Some("1"));
    std::fs::OpenOptions::new().write(true).open(file.path()).unwrap().set_len(2048).unwrap();
    let error = root.read(&path("/b")).unwrap_err().to_string();
    assert!(error.contains("written to the file since"), "{error}");
}
