//! Tests of the stage.

use super::*;
use crate::rootfs::MemoryRootfs;

fn path(p: &str) -> ImagePath {
    ImagePath::parse(p).unwrap()
}

#[test]
fn text_is_written_as_the_bytes_that_it_was_made_from() {
    let root = MemoryRootfs::new().file("/etc/a", b"caf\xe9 \xff\n");
    let text = root.read(&path("/etc/a")).unwrap().unwrap();
    let mut staged = StagedRootfs::new(&root);
    assert!(!staged.stage(&Change::write(&path("/etc/a"), &*text), &[7]).unwrap());
    let longer = Change::write(&path("/etc/a"), format!("{text}x\n"));
    assert!(staged.stage(&longer, &[7]).unwrap());
    let target = text.trim_end().to_owned();
    staged.stage(&Change::Symlink { path: path("/etc/l"), target }, &[7]).unwrap();
    let bytes = staged.read_bytes(&path("/etc/a"), 99).unwrap().unwrap();
    assert_eq!(&*bytes, b"caf\xe9 \xff\nx\n");
    assert_eq!(staged.read_link(&path("/etc/l")).unwrap().unwrap(), b"caf\xe9 \xff");
}

#[test]
fn a_write_through_a_link_lands_on_the_file_it_leads_to() {
    let base = MemoryRootfs::new()
        .file_with("/etc/sysctl.conf", "a = 1\n", 0o600, 0, 7)
        .link("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
    let mut staged = StagedRootfs::new(&base);
    let change = Change::write(&path("/etc/sysctl.d/99-sysctl.conf"), "a = 2\n");
    assert!(staged.stage(&change, &[7]).unwrap());
    assert!(!staged.stage(&change, &[7]).unwrap(), "the same again is no difference");
    assert_eq!(staged.read(&path("/etc/sysctl.conf")).unwrap().unwrap(), "a = 2\n");
    let changes = staged.changes().unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].path, path("/etc/sysctl.conf"));
    let after = changes[0].after.as_ref().unwrap();
    assert_eq!((after.stat.mode, after.stat.gid), (0o600, 7), "mode and owner stay");
}

#[test]
fn a_link_through_something_missing_does_not_replace_what_lies_behind() {
    let base = MemoryRootfs::new()
        .file("/etc/shadow", "precious")
        .link("/etc/modprobe.d/CIS.conf", "missing/../../shadow");
    let mut staged = StagedRootfs::new(&base);
    let link = path("/etc/modprobe.d/CIS.conf");
    assert_eq!(staged.read(&link).unwrap(), None, "as the kernel says");
    assert!(staged.stage(&Change::write(&link, "install x"), &[7]).is_err());
    assert!(staged.changes().unwrap().is_empty());
}

#[test]
fn a_directory_through_something_missing_does_not_lead_to_what_lies_behind() {
    let base = MemoryRootfs::new()
        .file("/etc/shadow", "precious")
        .file("/etc/own", "")
        .dir("/srv", 0o755, 0, 0)
        .link("/etc/way", "missing/../../etc")
        .link("/etc/srv", "missing/../../srv");
    let mut staged = StagedRootfs::new(&base);
    let behind = path("/etc/way/shadow");
    let create = crate::rootfs::NewFile { mode: 0o755, uid: 0, gid: 0 };
    for change in [
        Change::write(&behind, "x"),
        Change::Symlink { path: behind.clone(), target: "/dev/null".into() },
        Change::Rename { path: path("/etc/own"), to: behind },
        Change::MakeDir { path: path("/etc/srv"), create },
    ] {
        assert!(staged.stage(&change, &[7]).is_err(), "{change:?}");
        assert!(staged.changes().unwrap().is_empty(), "{change:?}");
    }
}

#[test]
fn nothing_special_is_replaced_or_removed() {
    let at = path("/etc/x");
    let create = crate::rootfs::NewFile { mode: 0o755, uid: 0, gid: 0 };
    for kind in [FileKind::Fifo, FileKind::Socket, FileKind::CharDevice, FileKind::BlockDevice] {
        let base = MemoryRootfs::new().special("/etc/x", kind).file("/etc/own", "");
        let mut staged = StagedRootfs::new(&base);
        for change in [
            Change::write(&at, "x"),
            Change::Symlink { path: at.clone(), target: "/dev/null".into() },
            Change::MakeDir { path: at.clone(), create },
            Change::Remove { path: at.clone() },
            Change::Rename { path: at.clone(), to: path("/etc/y") },
            Change::Rename { path: path("/etc/own"), to: at.clone() },
        ] {
            assert!(staged.stage(&change, &[7]).is_err(), "{kind}: {change:?}");
            assert!(staged.changes().unwrap().is_empty(), "{kind}: {change:?}");
        }
    }
}

#[test]
fn missing_parents_are_made_and_listed() {
    let base = MemoryRootfs::new().dir("/etc", 0o755, 0, 0);
    let mut staged = StagedRootfs::new(&base);
    staged.stage(&Change::write(&path("/etc/modprobe.d/CIS.conf"), "x"), &[7]).unwrap();
    assert_eq!(*staged.list(&path("/etc/modprobe.d")).unwrap().unwrap(), ["CIS.conf"]);
    let paths: Vec<String> = staged.changes().unwrap().iter().map(|c| c.path.to_string()).collect();
    assert_eq!(paths, ["/etc/modprobe.d", "/etc/modprobe.d/CIS.conf"]);
}

#[test]
fn a_listing_knows_its_own_entries_alone() {
    let base = MemoryRootfs::new().dir("/home/u1", 0o755, 0, 0).dir("/home/u10", 0o755, 0, 0);
    let mut staged = StagedRootfs::new(&base);
    for file in ["/home/u1/a", "/home/u1/d/deep", "/home/u10/b", "/home/u1.x", "/top"] {
        staged.stage(&Change::write(&path(file), "x"), &[7]).unwrap();
    }
    let list = |p: &str| staged.list(&path(p)).unwrap().unwrap();
    assert_eq!(*list("/home/u1"), ["a", "d"]);
    assert_eq!(*list("/home/u10"), ["b"]);
    assert_eq!(*list("/home"), ["u1", "u1.x", "u10"]);
    assert_eq!(*list("/"), ["home", "top"]);
}

#[test]
fn what_was_found_out_holds_until_something_changes() {
    struct Text(String);
    let base = MemoryRootfs::new().file("/etc/a", "1").file("/etc/b", "2");
    let mut staged = StagedRootfs::new(&base);
    let link = path("/etc/l");
    let derive = |staged: &StagedRootfs<'_>| {
        let text = || Ok(Text(staged.read(&link)?.unwrap_or_default()));
        staged.memo().derived(text).unwrap().0.clone()
    };
    let mut texts = vec![derive(&staged)];
    let checkpoint = staged.checkpoint();
    for to in ["a", "b", "b"] {
        let before = staged.revision();
        let change = Change::Symlink { path: link.clone(), target: to.to_owned() };
        let moved = staged.stage(&change, &[7]).unwrap();
        assert_eq!(moved, staged.revision() != before, "{to}");
        texts.push(derive(&staged));
    }
    staged.restore(checkpoint);
    texts.push(derive(&staged));
    assert_eq!(texts, ["", "1", "2", "2", ""]);
}

#[test]
fn a_detour_is_no_change() {
    let base = MemoryRootfs::new().file("/etc/a", "1");
    let mut staged = StagedRootfs::new(&base);
    staged.stage(&Change::write(&path("/etc/a"), "2"), &[7]).unwrap();
    staged.stage(&Change::write(&path("/etc/a"), "1"), &[7]).unwrap();
    assert!(staged.changes().unwrap().is_empty());
    let mode = |mode| Change::set_stat(&path("/etc/a"), mode, None, None);
    staged.stage(&mode(Some(0o600)), &[7]).unwrap();
    assert_eq!(staged.changes().unwrap().len(), 1);
    staged.stage(&mode(Some(0o644)), &[7]).unwrap();
    assert!(staged.changes().unwrap().is_empty());
}

#[test]
fn removed_and_linked_entries_are_seen() {
    let base = MemoryRootfs::new().file("/lib/u.service", "u").file("/etc/gone", "");
    let mut staged = StagedRootfs::new(&base);
    staged.stage(&Change::Remove { path: path("/etc/gone") }, &[7]).unwrap();
    assert_eq!(staged.stat(&path("/etc/gone")).unwrap(), None);
    let target = "/lib/u.service".to_owned();
    staged.stage(&Change::Symlink { path: path("/etc/w/u"), target }, &[7]).unwrap();
    assert_eq!(staged.read(&path("/etc/w/u")).unwrap().unwrap(), "u");
    assert_eq!(*staged.list(&path("/etc")).unwrap().unwrap(), ["w"]);
    let dir = Change::Remove { path: path("/etc") };
    assert!(staged.stage(&dir, &[7]).is_err(), "directories are not removed");
    let base = MemoryRootfs::new().special("/etc/device", FileKind::CharDevice);
    let device = Change::Remove { path: path("/etc/device") };
    assert!(StagedRootfs::new(&base).stage(&device, &[7]).is_err(), "nor devices");
}

/// What came since a checkpoint differs from what stood there then, not from the image.
#[test]
fn what_came_since_a_checkpoint_is_known() {
    let (a, b, c) = (path("/etc/a"), path("/etc/b"), path("/etc/c"));
    let base = MemoryRootfs::new().file("/etc/a", "0").file("/etc/b", "0").file("/etc/c", "0");
    let mut staged = StagedRootfs::new(&base);
    staged.stage(&Change::write(&a, "1"), &[1]).unwrap();
    // Its content is still that of the image.
    staged.stage(&Change::set_stat(&b, Some(0o600), None, None), &[1]).unwrap();
    staged.stage(&Change::Remove { path: c.clone() }, &[1]).unwrap();
    let checkpoint = staged.checkpoint();
    assert!(staged.since(&checkpoint).unwrap().is_empty());
    staged.stage(&Change::write(&a, "2"), &[2]).unwrap();
    staged.stage(&Change::write(&b, "2"), &[2]).unwrap();
    staged.stage(&Change::write(&c, "2"), &[2]).unwrap();
    let content = |node: &Option<Node>| match node.as_ref().map(|n| &n.body) {
        Some(NodeBody::File(Some(bytes))) => String::from_utf8(bytes.to_vec()).unwrap(),
        None => "none".to_owned(),
        other => panic!("{other:?}"),
    };
    let since = staged.since(&checkpoint).unwrap();
    let seen: Vec<(String, String)> =
        since.iter().map(|d| (content(&d.before), content(&d.after))).collect();
    let pair = |old: &str| (old.to_owned(), "2".to_owned());
    assert_eq!(seen, [pair("1"), pair("0"), pair("none")]);
    assert_eq!(since[1].before.as_ref().unwrap().stat.mode, 0o600);
    // And back again is nothing.
    staged.stage(&Change::write(&a, "1"), &[3]).unwrap();
    assert_eq!(staged.since(&checkpoint).unwrap().len(), 2);
}
