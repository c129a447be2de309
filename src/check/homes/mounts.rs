//! Places of an image whose content is somewhere else: declared mounts that are not mounted, and
//! automatic or network mounts.
//!
//! What lies below such a place is not in the image: a missing home there may exist, and one that
//! were made there would hide the real one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::unix::ffi::OsStrExt;

use crate::error::Result;
use crate::rootfs::{CONFIG_LIMIT, ImagePath, Rootfs};

/// Filesystems whose content is on another machine.
const NETWORK: &[&[u8]] = &[
    b"nfs",
    b"nfs4",
    b"cifs",
    b"smb3",
    b"smbfs",
    b"sshfs",
    b"fuse.sshfs",
    b"glusterfs",
    b"fuse.glusterfs",
    b"ceph",
    b"fuse.ceph",
    b"lustre",
    b"afs",
    b"9p",
    b"beegfs",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum MountKind {
    /// Something is mounted here at boot.
    Local,
    /// As `Local`, from another machine.
    Network,
    /// Directories appear here when they are asked for.
    Automatic,
}

/// The places where an image declares that something is mounted.
#[derive(Debug, Default)]
pub(in crate::check) struct Mounts {
    declared: HashMap<ImagePath, MountKind>,
    /// Whether a local one is not there. Looked at once each.
    absent: RefCell<HashMap<ImagePath, bool>>,
}

impl Mounts {
    /// What `fstab`, the automounter's masters and the administrator's mount units declare.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn read(root: &dyn Rootfs) -> Result<Mounts> {
        let mut mounts = Mounts::default();
        if let Some(text) = read(root, &ImagePath::parse("/etc/fstab")?)? {
            mounts.add_fstab(&text);
        }
        if let Some(text) = read(root, &ImagePath::parse("/etc/auto.master")?)? {
            mounts.add_auto_master(&text);
        }
        let masters = ImagePath::parse("/etc/auto.master.d")?;
        for path in files(root, &masters, &[b".autofs"])? {
            mounts.add_auto_master(&read(root, &path)?.unwrap_or_default());
        }
        let units = ImagePath::parse("/etc/systemd/system")?;
        for path in files(root, &units, &[b".mount", b".automount"])? {
            mounts.add_unit(&read(root, &path)?.unwrap_or_default());
        }
        Ok(mounts)
    }

    fn add(&mut self, place: &[u8], kind: MountKind) {
        let Ok(path) = ImagePath::parse(place) else { return };
        if path.is_root() {
            return;
        }
        match self.declared.entry(path) {
            Entry::Occupied(mut old) if *old.get() == MountKind::Local => {
                old.insert(kind);
            }
            Entry::Occupied(_) => {}
            Entry::Vacant(new) => {
                new.insert(kind);
            }
        }
    }

    fn add_fstab(&mut self, text: &[u8]) {
        for line in text.split(|b| *b == b'\n') {
            let mut fields = words(line);
            let (Some(source), Some(place)) = (fields.next(), fields.next()) else { continue };
            if source.starts_with(b"#") {
                continue;
            }
            let network = fields.next().is_some_and(|t| NETWORK.contains(&t))
                || fields.next().is_some_and(|o| o.split(|b| *b == b',').any(|o| o == b"_netdev"));
            self.add(&unescape(place), if network { MountKind::Network } else { MountKind::Local });
        }
    }

    fn add_auto_master(&mut self, text: &[u8]) {
        for line in text.split(|b| *b == b'\n') {
            // `/-` is the head of a map of whole paths, not a place.
            let Some(place) = words(line).next().filter(|w| *w != b"/-") else { continue };
            if place.starts_with(b"/") {
                self.add(place, MountKind::Automatic);
            }
        }
    }

    fn add_unit(&mut self, text: &[u8]) {
        for line in text.split(|b| *b == b'\n') {
            let mut parts = line.splitn(2, |b| *b == b'=');
            if parts.next().map(<[u8]>::trim_ascii) == Some(b"Where") {
                self.add(parts.next().unwrap_or_default().trim_ascii(), MountKind::Local);
            }
        }
    }

    /// Why what is at `path` cannot be determined; `None` when the image itself holds it.
    ///
    /// # Errors
    /// A declared place cannot be looked at.
    pub fn hides(&self, root: &dyn Rootfs, path: &ImagePath) -> Result<Option<String>> {
        if self.declared.is_empty() {
            return Ok(None);
        }
        let mut place = Some(path.clone());
        while let Some(at) = place {
            match self.declared.get(&at) {
                None => {}
                Some(MountKind::Network) => {
                    return Ok(Some(format!("{at} is declared as a network filesystem")));
                }
                Some(MountKind::Automatic) => {
                    return Ok(Some(format!("{at} is declared as an automatic mount")));
                }
                Some(MountKind::Local) if self.is_absent(root, &at)? => {
                    return Ok(Some(format!(
                        "{at} is declared as a mount and is empty here; mount it and run again"
                    )));
                }
                Some(MountKind::Local) => {}
            }
            place = at.parent();
        }
        Ok(None)
    }

    /// Nothing is in the directory, and it is not a filesystem of its own.
    fn is_absent(&self, root: &dyn Rootfs, place: &ImagePath) -> Result<bool> {
        if let Some(known) = self.absent.borrow().get(place) {
            return Ok(*known);
        }
        let device = |path: &ImagePath| Ok(root.locate(path)?.stat.map_or(0, |s| s.device));
        let (own, above) = (device(place)?, device(&ImagePath::root())?);
        let mounted = own != 0 && above != 0 && own != above;
        let absent = !mounted && root.list(place)?.is_none_or(|names| names.is_empty());
        self.absent.borrow_mut().insert(place.clone(), absent);
        Ok(absent)
    }
}

fn read(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Vec<u8>>> {
    Ok(root.read_bytes(path, CONFIG_LIMIT)?.map(|bytes| bytes.to_vec()))
}

/// The regular files of a directory (links followed) with one of these endings.
fn files(root: &dyn Rootfs, dir: &ImagePath, endings: &[&[u8]]) -> Result<Vec<ImagePath>> {
    let mut found = Vec::new();
    for name in root.list(dir)?.unwrap_or_default().iter() {
        if endings.iter().any(|e| name.as_bytes().ends_with(e)) {
            let path = dir.join(name)?;
            // Units are masked by links to a device.
            let stat = root.locate(&path)?.stat;
            if stat.is_some_and(|s| s.kind == crate::rootfs::FileKind::File) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty())
}

/// The four characters that `fstab` can only write as numbers.
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, used) = match rest.get(..4) {
            Some(b"\\040") => (b' ', 4),
            Some(b"\\011") => (b'\t', 4),
            Some(b"\\012") => (b'\n', 4),
            Some(b"\\134") => (b'\\', 4),
            _ => (*first, rest.len() - tail.len()),
        };
        out.push(byte);
        rest = &rest[used..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn hides(root: &MemoryRootfs, path: &str) -> Option<String> {
        let path = ImagePath::parse(path).unwrap();
        Mounts::read(root).unwrap().hides(root, &path).unwrap()
    }

    #[test]
    fn a_declared_mount_hides_while_it_is_empty() {
        let fstab = "# /srv\nUUID=1 / ext4\nUUID=2\t/home  ext4 defaults 0 2\nx /my\\040homes ext4\n\
            y none swap\nbroken\n#z /opt ext4\n";
        let root = MemoryRootfs::new().file("/etc/fstab", fstab).dir("/home", 0o755, 0, 0);
        assert!(hides(&root, "/home/bob").unwrap().contains("/home is declared as a mount"));
        assert!(hides(&root, "/my homes/bob").is_some(), "not even the place is there");
        assert_eq!(hides(&root, "/homes/bob"), None);
        assert_eq!(hides(&root, "/opt/bob"), None);
        assert_eq!(hides(&root, "/root"), None);
        let full = root.clone().dir("/home/alice", 0o755, 1, 1);
        assert_eq!(hides(&full, "/home/bob"), None, "somebody's home is there");
        let mounted = root
            .dir("/etc", 0o755, 0, 0)
            .dir("/", 0o755, 0, 0)
            .restat("/", |s| s.device = 1)
            .restat("/home", |s| s.device = 2);
        assert_eq!(hides(&mounted, "/home/bob"), None, "a filesystem of its own");
    }

    #[test]
    fn what_comes_from_elsewhere_always_hides() {
        let fstab = "server:/home /home nfs4 rw 0 0\nx /data ext4 rw,_netdev 0 0\n";
        let root = MemoryRootfs::new()
            .file("/etc/fstab", fstab)
            .file("/etc/auto.master", "# /no x\n/users /etc/auto.users\n/- auto.direct\n+auto.m\n")
            .file("/etc/auto.master.d/x.autofs", "/more /etc/auto.more")
            .file("/etc/systemd/system/w.mount", "[Mount]\nWhat=x\nWhere = /w\n#Where=/v\n")
            .link("/etc/systemd/system/v.mount", "/dev/null")
            .special("/dev/null", crate::rootfs::FileKind::CharDevice)
            .dir("/home/bob", 0o755, 1000, 1000)
            .dir("/users/bob", 0o755, 1000, 1000);
        for path in ["/home/bob", "/data/bob", "/users/bob", "/more/bob", "/w/bob", "/w"] {
            assert!(hides(&root, path).is_some(), "{path}");
        }
        for path in ["/no/bob", "/v/bob", "/-/bob", "/", "/root"] {
            assert_eq!(hides(&root, path), None, "{path}");
        }
    }

    #[test]
    fn escapes_are_four_characters() {
        assert_eq!(unescape(b"/a\\040b\\134c\\0\\1"), b"/a b\\c\\0\\1");
    }
}
