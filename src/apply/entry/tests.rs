//! What took the place of an entry.
#![allow(clippy::disallowed_methods)]

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use super::*;

/// What stands there instead, and what puts it there.
type Other = (&'static str, fn(&Path));

#[test]
fn what_took_an_entrys_place_is_neither_used_nor_opened() {
    let others: [Other; 3] = [
        ("another file", |at| fs::write(at, "").unwrap()),
        ("a link to the old one", |at| symlink("old", at).unwrap()),
        // Opening it would be another error.
        ("a socket", |at| drop(UnixListener::bind(at).unwrap())),
    ];
    for (what, make) in others {
        let top = tempfile::tempdir().unwrap();
        let (entry, old) = (top.path().join("entry"), top.path().join("old"));
        fs::write(&entry, "").unwrap();
        let disk = DiskRootfs::open(top.path()).unwrap();
        let dir = OpenDir::of(&disk, ImagePath::root()).unwrap();
        let name = OsStr::new("entry");
        let path = ImagePath::root().join(name).unwrap();
        let seen = fstatat(&dir.fd, name, AtFlags::AT_SYMLINK_NOFOLLOW).unwrap();
        assert!(dir.open(name, &path, &seen).is_ok());
        fs::rename(&entry, &old).unwrap();
        make(&entry);
        let e = dir.open(name, &path, &seen).err().unwrap();
        assert!(matches!(e, Error::Raced { .. }), "{what}: {e}");
    }
}
