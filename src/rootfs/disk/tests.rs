//! Tests of the root on disk.

use super::*;

#[test]
fn a_name_too_long_for_the_kernel_is_not_there() {
    let top = tempfile::tempdir().unwrap();
    for resolver in [Resolver::detect(), Resolver::Walk] {
        let root = DiskRootfs::open_with(top.path(), resolver).unwrap();
        for text in [format!("/{}", "a".repeat(300)), "/a".repeat(4000)] {
            let path = ImagePath::parse(&text).unwrap();
            assert_eq!(root.stat(&path).unwrap(), None);
            assert_eq!(root.read(&path).unwrap(), None);
            assert_eq!(root.list(&path).unwrap(), None);
            assert_eq!(root.locate(&path).unwrap().stat, None);
        }
    }
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text).unwrap()
}

#[test]
#[allow(clippy::disallowed_methods)]
fn names_of_one_file_share_its_content_until_it_changes() {
    let top = tempfile::tempdir().unwrap();
    std::fs::write(top.path().join("a"), "one").unwrap();
    std::fs::hard_link(top.path().join("a"), top.path().join("b")).unwrap();
    std::os::unix::fs::symlink("a", top.path().join("c")).unwrap();
    std::os::unix::fs::symlink("a", top.path().join("d")).unwrap();
    std::fs::write(top.path().join("e"), "one").unwrap();
    let root = DiskRootfs::open(top.path()).unwrap();
    let read = |name: &str| root.read_bytes(&path(name), 9).unwrap().unwrap();
    let first = read("/a");
    assert!(Rc::ptr_eq(&first, &read("/b")) && Rc::ptr_eq(&first, &read("/c")));
    assert!(!Rc::ptr_eq(&first, &read("/e")), "another file");
    assert!(root.read_bytes(&path("/d"), 2).is_err(), "a limit is one for known content, too");
    std::fs::write(top.path().join("a"), "other").unwrap();
    assert_eq!(&*read("/d"), b"other", "not what it was");
    assert_eq!(&*read("/a"), b"one", "the answers for one path do not change");
}

#[test]
#[allow(clippy::disallowed_methods)]
fn all_files_together_have_a_limit() {
    let top = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        std::fs::write(top.path().join(name), "12345").unwrap();
    }
    std::fs::hard_link(top.path().join("a"), top.path().join("d")).unwrap();
    std::fs::write(top.path().join("small"), "1").unwrap();
    let mut root = DiskRootfs::open(top.path()).unwrap();
    root.read = Contents::with_room(12, 7);
    for name in ["/a", "/b", "/a", "/a"] {
        assert_eq!(root.read(&path(name)).unwrap().unwrap(), "12345");
    }
    for name in ["/c", "/d"] {
        let e = root.read(&path(name)).unwrap_err().to_string();
        let why = "5 bytes, and with what was read before more than 12 together; not read";
        assert_eq!(e, format!("{name}: {why}"), "every name counts");
    }
    assert!(root.read(&path("/small")).unwrap().is_some(), "it fits in");
    let list = |name| root.read_bytes(&path(name), crate::rootfs::contents::SMALL + 1);
    assert!(list("/c").unwrap().is_some(), "lists of packages have a limit of their own");
    let e = list("/d").unwrap_err().to_string();
    assert!(e.contains("more than 7 together; not read"), "{e}");
    assert!(root.reopen().unwrap().read(&path("/c")).unwrap().is_some());
}
