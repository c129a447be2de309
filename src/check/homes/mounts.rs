//! Places of an image whose content is somewhere else: declared mounts that are not mounted, and
//! automatic or network mounts.
//!
//! What lies below such a place is not in the image: a missing home there may exist, and one that
//! were made there would hide the real one.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::os::unix::ffi::OsStrExt;

use super::messages;
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::unit::Unit;
use crate::text::{Lines, fstab};

/// Filesystems whose content is on another machine.
const NETWORK: &[&str] = &[
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "sshfs",
    "fuse.sshfs",
    "glusterfs",
    "fuse.glusterfs",
    "ceph",
    "fuse.ceph",
    "lustre",
    "afs",
    "9p",
    "beegfs",
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
        if let Some(text) = root.read(&ImagePath::parse("/etc/fstab")?)? {
            mounts.add_fstab(&text);
        }
        if let Some(text) = root.read(&ImagePath::parse("/etc/auto.master")?)? {
            mounts.add_auto_master(&text);
        }
        let masters = ImagePath::parse("/etc/auto.master.d")?;
        for path in files(root, &masters, b".autofs")? {
            mounts.add_auto_master(&root.read(&path)?.unwrap_or_default());
        }
        let units = ImagePath::parse("/etc/systemd/system")?;
        for (ending, section) in [(b".mount".as_slice(), "Mount"), (b".automount", "Automount")] {
            for path in files(root, &units, ending)? {
                mounts.add_unit(section, &root.read(&path)?.unwrap_or_default());
            }
        }
        Ok(mounts)
    }

    fn add(&mut self, place: &str, kind: MountKind) {
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

    fn add_fstab(&mut self, text: &str) {
        for mount in fstab::entries(text) {
            let Some(place) = mount.target_path() else { continue };
            let network = mount.kind.is_some_and(|kind| NETWORK.contains(&&*kind))
                || mount.options.is_some_and(|all| all.split(',').any(|o| o == "_netdev"));
            self.add(&place, if network { MountKind::Network } else { MountKind::Local });
        }
    }

    fn add_auto_master(&mut self, text: &str) {
        for (_, line) in Lines::new(text).iter() {
            // `/-` is the head of a map of whole paths, not a place.
            let Some(place) = line.split_ascii_whitespace().next() else { continue };
            if place.starts_with('/') && place != "/-" {
                self.add(place, MountKind::Automatic);
            }
        }
    }

    fn add_unit(&mut self, section: &str, text: &str) {
        if let Some(place) = Unit::parse(text).last(section, "Where") {
            self.add(&place.value, MountKind::Local);
        }
    }

    /// Why what is at `path` cannot be determined; `None` when the image itself holds it.
    ///
    /// # Errors
    /// A declared place cannot be looked at.
    pub fn hides(&self, root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Message>> {
        if self.declared.is_empty() {
            return Ok(None);
        }
        let mut place = Some(path.clone());
        while let Some(at) = place {
            match self.declared.get(&at) {
                None => {}
                Some(MountKind::Network) => {
                    return Ok(Some(messages::network_mount(&at)));
                }
                Some(MountKind::Automatic) => {
                    return Ok(Some(messages::automatic_mount(&at)));
                }
                Some(MountKind::Local) if self.is_absent(root, &at)? => {
                    return Ok(Some(messages::not_mounted(&at)));
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

/// The regular files of a directory (links followed) with this ending.
fn files(root: &dyn Rootfs, dir: &ImagePath, ending: &[u8]) -> Result<Vec<ImagePath>> {
    let mut found = Vec::new();
    for name in root.list(dir)?.unwrap_or_default().iter() {
        if name.as_bytes().ends_with(ending) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn hides(root: &MemoryRootfs, path: &str) -> Option<String> {
        let path = ImagePath::parse(path).unwrap();
        Mounts::read(root).unwrap().hides(root, &path).unwrap().map(|why| why.to_string())
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
            .file("/etc/systemd/system/w.mount", "[Mount]\nWhere=/first\nWhere = /w\n#Where=/v\n")
            .file("/etc/systemd/system/a.automount", "[Mount]\nWhere=/z\n[Automount]\nWhere=/a\n")
            .link("/etc/systemd/system/v.mount", "/dev/null")
            .special("/dev/null", crate::rootfs::FileKind::CharDevice)
            .dir("/home/bob", 0o755, 1000, 1000)
            .dir("/users/bob", 0o755, 1000, 1000);
        for path in ["/home/bob", "/data/bob", "/users/bob", "/more/bob", "/w/bob", "/w", "/a/bob"]
        {
            assert!(hides(&root, path).is_some(), "{path}");
        }
        for path in ["/no/bob", "/v/bob", "/z/bob", "/first/bob", "/-/bob", "/", "/root"] {
            assert_eq!(hides(&root, path), None, "{path}");
        }
    }
}
