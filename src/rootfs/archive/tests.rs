//! Archives that programs write, and archives that nobody honest writes.
#![allow(clippy::disallowed_methods)]

mod build;
mod hostile;
mod images;

use std::io::Write;

use build::Tar;

use super::*;

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text).unwrap()
}

/// The root that an archive of these bytes is.
fn open_within(bytes: &[u8], limits: Limits) -> Result<ArchiveRootfs> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    // The archive stays open, and needs no name.
    ArchiveRootfs::open_within(&Source::Tar(file.path().into()), limits)
}

fn opened(bytes: &[u8]) -> ArchiveRootfs {
    open_within(bytes, Limits::default()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Two frames with one to be skipped between them, as parallel compressors write.
fn zstd(bytes: &[u8]) -> Vec<u8> {
    let (first, second) = bytes.split_at(bytes.len() / 2);
    let pack = |bytes: &[u8]| {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    };
    let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
    [pack(first), skipped, pack(second)].concat()
}

fn text(root: &ArchiveRootfs, at: &str) -> Option<String> {
    root.read(&path(at)).unwrap()
}

#[test]
fn what_an_archive_says_is_what_is_found() {
    let tar = Tar::new()
        .dir("./", |h| h.set_mode(0o751))
        .dir("./etc/", |h| h.set_mode(0o750))
        .file_with("./etc/passwd", b"root:x:0:0::/:/bin/sh\n", |h| {
            h.set_uid(5);
            h.set_gid(3_000_000_000);
            h.set_mode(0o104_755);
            h.set_mtime(77);
        })
        .symlink("./etc/mtab", "../etc/passwd")
        .hard("./etc/passwd-", "./etc/passwd")
        .special("./dev/null", b'3')
        .special("./dev/sda", b'4')
        .special("./run/initctl", b'6')
        .end();
    let large = vec![7; 100_000];
    let more = Tar::new().file("./var/large", &large).end();
    for pack in [|bytes: &[u8]| bytes.to_vec(), gzip, zstd] {
        let root = opened(&pack(&tar));
        let of = |at: &str| root.stat(&path(at)).unwrap().unwrap();
        assert_eq!((of("/").mode, of("/etc").mode), (0o751, 0o750));
        let stat = of("/etc/passwd");
        assert_eq!((stat.kind, stat.mode, stat.uid), (FileKind::File, 0o4755, 5));
        assert_eq!((stat.gid, stat.mtime, stat.size, stat.links), (3_000_000_000, 77, 22, 2));
        assert_eq!(of("/etc/passwd-").inode, stat.inode);
        assert_eq!(text(&root, "/etc/mtab").as_deref(), Some("root:x:0:0::/:/bin/sh\n"));
        assert_eq!(root.read_link(&path("/etc/mtab")).unwrap().unwrap(), b"../etc/passwd");
        assert_eq!(of("/dev/null").kind, FileKind::CharDevice);
        assert_eq!(of("/dev/sda").kind, FileKind::BlockDevice);
        assert_eq!(of("/run/initctl").kind, FileKind::Fifo);
        assert!(matches!(root.read(&path("/dev/null")), Err(Error::WrongKind { .. })));
        assert_eq!(of("/dev").mode, 0o755, "made where the archive has none");
        let names = root.list(&path("/etc")).unwrap().unwrap();
        assert_eq!(*names, ["mtab", "passwd", "passwd-"]);
        let survey = root.survey().unwrap();
        assert_eq!((survey.setuid.count, survey.entries), (2, 6), "not below /dev and /run");
        assert_eq!(survey.linked[&(stat.device, stat.inode)].count, 2);
        // Beyond the bounds of what is kept, it is unpacked once more.
        let few = Limits { spooled_file: 10, ..Limits::default() };
        let root = open_within(&pack(&more), few).unwrap();
        assert!(matches!(
            root.read_bytes(&path("/var/large"), 99),
            Err(Error::TooLarge { size: 100_000, limit: 99, .. })
        ));
        assert_eq!(*root.read_bytes(&path("/var/large"), 1 << 20).unwrap().unwrap(), *large);
    }
}

#[test]
fn long_names_of_all_kinds_are_read() {
    let long = format!("usr/{}/{}", "d".repeat(150), "f".repeat(200));
    let target = "t".repeat(300);
    let gnu = {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(1);
        header.set_mode(0o644);
        builder.append_data(&mut header, &long, &b"x"[..]).unwrap();
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        header.set_mode(0o777);
        builder.append_link(&mut header, "l", &target).unwrap();
        builder.into_inner().unwrap()
    };
    let pax = Tar::new()
        .pax(&[("path", long.as_bytes())])
        .file("short", b"x")
        .pax(&[("linkpath", target.as_bytes()), ("mtime", b"12.5"), ("uid", b"4000000000")])
        .symlink("l", "short")
        .end();
    for bytes in [gnu, pax] {
        let root = opened(&bytes);
        assert_eq!(text(&root, &format!("/{long}")).as_deref(), Some("x"));
        assert_eq!(root.read_link(&path("/l")).unwrap().unwrap(), target.as_bytes());
    }
}

#[test]
fn an_entry_that_comes_again_replaces_the_first() {
    let root = opened(
        &Tar::new()
            .file("a", b"1")
            .hard("b", "a")
            .file("a", b"22")
            .dir("d", |h| h.set_mode(0o700))
            .file("d/x", b"x")
            .dir("d", |h| h.set_mode(0o711))
            .symlink("l", "d")
            .file("l/y", b"y")
            .dir("l", |_| {})
            .end(),
    );
    assert_eq!((text(&root, "/a").unwrap(), text(&root, "/b").unwrap()), ("22".into(), "1".into()));
    let links = |at: &str| root.stat(&path(at)).unwrap().unwrap().links;
    assert_eq!((links("/a"), links("/b")), (1, 1));
    assert_eq!(root.stat(&path("/d")).unwrap().unwrap().mode, 0o711);
    assert_eq!(text(&root, "/d/x").as_deref(), Some("x"), "a directory keeps what is in it");
    assert_eq!(text(&root, "/d/y").as_deref(), Some("y"), "an entry below a link");
    assert_eq!(root.stat(&path("/l")).unwrap().unwrap().kind, FileKind::Dir);
    assert_eq!(*root.list(&path("/l")).unwrap().unwrap(), [] as [OsString; 0]);
}

#[test]
fn links_are_followed_inside_the_root_alone() {
    let root = opened(
        &Tar::new()
            .file("etc/shadow", b"inside")
            .symlink("up", "../../../../etc")
            .symlink("abs", "/etc/shadow")
            .symlink("loop", "loop/x")
            .file("up/made", b"made")
            .end(),
    );
    assert_eq!(text(&root, "/up/shadow").as_deref(), Some("inside"));
    assert_eq!(text(&root, "/abs").as_deref(), Some("inside"));
    assert_eq!(text(&root, "/etc/made").as_deref(), Some("made"));
    assert!(matches!(root.stat(&path("/loop/y")), Err(Error::LinkLoop { .. })));
    let long = format!("/etc{}", "/x".repeat(3000));
    assert_eq!(root.stat(&path(&long)).unwrap(), None);
}

#[test]
fn sparse_files_have_their_holes() {
    let mut want = vec![0; 3000];
    want[1000..1004].copy_from_slice(b"head");
    want[2996..].copy_from_slice(b"tail");
    let map = b"2\n1000\n4\n2996\n4\n";
    let stored = [&map[..], &vec![0; 512 - map.len()], b"headtail"].concat();
    let pax = Tar::new()
        .pax(&[
            ("GNU.sparse.major", b"1"),
            ("GNU.sparse.minor", b"0"),
            ("GNU.sparse.name", b"s"),
            ("GNU.sparse.realsize", b"3000"),
        ])
        .file("GNUSparseFile.1/s", &stored)
        .end();
    let first = Tar::new()
        .pax(&[("GNU.sparse.size", b"3000"), ("GNU.sparse.map", b"1000,4,2996,4")])
        .file("s", b"headtail")
        .end();
    let old = Tar::new().sparse("s", 3000, &[(1000, 4), (2996, 4)], b"headtail").end();
    let many: Vec<(u64, u64)> = (0..100).map(|n| (n * 30, 1)).collect();
    let mut dots = vec![0; 3000];
    (0..100).for_each(|n| dots[n * 30] = b'.');
    let extended = Tar::new().sparse("s", 3000, &many, &[b'.'; 100]).file("next", b"n").end();
    for (bytes, want) in [(pax, &want), (first, &want), (old, &want), (extended, &dots)] {
        for bytes in [bytes.clone(), gzip(&bytes)] {
            let root = opened(&bytes);
            assert_eq!(&*root.read_bytes(&path("/s"), 4000).unwrap().unwrap(), &want[..]);
            assert_eq!(root.stat(&path("/s")).unwrap().unwrap().size, 3000);
        }
    }
}

#[test]
fn acls_are_those_of_the_unpacked_tree() {
    use crate::rootfs::acl::{GROUP_OBJ, MASK, OTHER, USER, USER_OBJ};
    let none = u32::MAX;
    let acl = Acl::of_entries([
        (USER_OBJ, 6, none),
        (USER, 6, 1000),
        (GROUP_OBJ, 4, none),
        (MASK, 6, none),
        (OTHER, 0, none),
    ]);
    let plain = Acl::of_entries([(USER_OBJ, 6, none), (GROUP_OBJ, 4, none), (OTHER, 4, none)]);
    let kernel = "SCHILY.xattr.system.posix_acl_access";
    let root = opened(
        &Tar::new()
            .file("etc/passwd", b"bob:x:1000:1000::/:/bin/sh\n")
            .pax(&[(kernel, acl.bytes())])
            .file("a", b"")
            .pax(&[(
                "SCHILY.acl.access",
                b"user::rw-,user:bob:rw-,group::r--,mask::rw-,other::---",
            )])
            .file("b", b"")
            .pax(&[(kernel, plain.bytes())])
            .file_with("c", b"", |h| h.set_mode(0o4755))
            .pax(&[(
                "SCHILY.acl.access",
                b"user::rw-,user:eve:rw-,group::r--,mask::rw-,other::---",
            )])
            .file("d", b"")
            .end(),
    );
    for name in ["/a", "/b"] {
        assert_eq!(root.acl(&path(name)).unwrap(), Some(acl.clone()), "{name}");
        assert_eq!(root.stat(&path(name)).unwrap().unwrap().mode, 0o660, "{name}");
    }
    assert_eq!(root.acl(&path("/c")).unwrap(), None, "the mode says everything");
    assert_eq!(root.stat(&path("/c")).unwrap().unwrap().mode, 0o4644);
    let unknown = root.acl(&path("/d")).unwrap_err().to_string();
    assert!(unknown.contains("names eve"), "{unknown}");
}
