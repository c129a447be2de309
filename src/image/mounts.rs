//! What the fstab of an image mounts: from which partition of the same disk, where; what cannot be
//! mounted; what need not be.

use serde::Serialize;

use super::messages;
use super::superblock::Filesystem;
use super::table::Partition;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs, escape};
use crate::text::accounts::{HOME, lookup};
use crate::text::fstab::{self, FstabLine};
use crate::text::lossless;
use crate::text::os_release;

/// No fstab is larger (bytes).
const LARGEST: u64 = 1 << 20;

/// Where rows look, homes aside.
const LOOKED_INTO: [&str; 15] = [
    "/bin", "/boot", "/etc", "/home", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/root",
    "/sbin", "/snap", "/srv", "/usr", "/var",
];
/// … but not into the firmware's own files.
const FIRMWARE: &str = "/boot/efi";

const NETWORK: [&str; 13] = [
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "ceph",
    "glusterfs",
    "9p",
    "virtiofs",
    "afs",
    "ncpfs",
    "fuse.sshfs",
    "davfs",
];
const MADE_UP: [&str; 22] = [
    "proc",
    "sysfs",
    "tmpfs",
    "ramfs",
    "devtmpfs",
    "devpts",
    "cgroup",
    "cgroup2",
    "securityfs",
    "debugfs",
    "tracefs",
    "configfs",
    "fusectl",
    "pstore",
    "efivarfs",
    "hugetlbfs",
    "mqueue",
    "bpf",
    "binfmt_misc",
    "overlay",
    "autofs",
    "nfsd",
];
/// The first disk, as the kernel calls it by its driver.
const FIRST_DISKS: [&str; 6] = ["sda", "vda", "xvda", "hda", "nvme0n1", "mmcblk0"];

/// What one system in an image says of itself.
#[derive(Debug, Serialize)]
pub struct System {
    /// The partition of its root.
    pub partition: u32,
    /// Whether it has an os-release.
    pub is_system: bool,
    /// Whether its fstab says that this partition is `/`.
    pub names_itself: bool,
    /// What is mounted, in this order; its root first.
    pub mounts: Vec<Mount>,
    /// What is left unmounted, and why nothing is missed.
    pub left: Vec<Apart>,
    /// What would be missed and cannot be mounted.
    pub refused: Vec<Apart>,
}

/// A filesystem of the image, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mount {
    /// Inside the root.
    pub path: String,
    /// Its partition.
    pub partition: u32,
    /// The partition's first byte.
    pub start: u64,
    /// The partition's size in bytes.
    pub size: u64,
    /// As `mount -t` takes it.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The size of its journal in bytes.
    pub journal: u64,
    /// Whether its journal is empty and it was unmounted.
    pub clean: bool,
    /// What `UUID=` names.
    pub uuid: Option<String>,
}

/// An entry of an fstab that is not mounted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Apart {
    /// Where the fstab mounts it.
    pub path: String,
    /// What it is, and why it is not mounted.
    #[serde(serialize_with = "messages::in_english")]
    pub why: Message,
}

/// Where what the first field names is found.
enum DeviceLocation<'a> {
    Here(&'a Partition),
    /// On no partition of this disk.
    Elsewhere(Message),
    Cannot(Message),
    /// No filesystem of a disk.
    Nowhere(Message),
}

impl System {
    /// Reads what lies in `root`, which is partition `number`.
    ///
    /// # Errors
    /// [`Error::Guard`] for an fstab that is too large or no text.
    pub(super) fn read(root: &DiskRootfs, partitions: &[Partition], number: u32) -> Result<System> {
        let text = match read(root, "/etc/fstab")? {
            None => String::new(),
            Some(bytes) => {
                String::from_utf8(bytes).map_err(|_| Error::Guard(messages::fstab_not_utf8()))?
            }
        };
        let id = |path: &str| -> Result<bool> {
            let text = read(root, path)?;
            Ok(text.is_some_and(|t| os_release::value(&t, "ID").is_some_and(|id| !id.is_empty())))
        };
        let is_system = id("/etc/os-release")? || id("/usr/lib/os-release")?;
        let homes = read(root, "/etc/passwd")?.unwrap_or_default();
        let homes: Vec<String> =
            lookup(&homes).map(|(user, _)| lossless::decode(user.field(HOME))).collect();
        Ok(System::of(&fstab::entries(&text), &homes, partitions, number, is_system))
    }

    fn of(
        entries: &[FstabLine],
        homes: &[String],
        partitions: &[Partition],
        number: u32,
        is_system: bool,
    ) -> System {
        let own = entries.iter().find(|e| e.target_path().as_deref() == Some("/"));
        // Where the root is called /dev/sdb1, this disk is sdb.
        let disk = own.and_then(|e| device_number(&e.source)).map(|(disk, _)| disk);
        // Of two systems with one label each says so.
        let root = partitions.iter().find(|p| p.number == number);
        let is_root = |at: &Partition, e: &FstabLine| {
            matches!(find(e, std::slice::from_ref(at), disk), DeviceLocation::Here(_))
        };
        let names_itself = root.is_some_and(|at| own.is_some_and(|e| is_root(at, e)));
        let find = |entry: &FstabLine| find(entry, partitions, disk);
        let mut system = System {
            partition: number,
            is_system,
            names_itself,
            mounts: Vec::new(),
            left: Vec::new(),
            refused: Vec::new(),
        };
        system.mounts.extend(root.and_then(|at| mount("/", at).ok()));
        if own.is_some_and(|e| has(e, "subvol") || has(e, "subvolid")) {
            system.refused.push(Apart { path: "/".into(), why: messages::subvolume() });
        }
        for entry in entries {
            let Some(path) = entry.target_path().filter(|p| p != "/" && !entry.is_swap()) else {
                continue;
            };
            let shown = escape(path.as_bytes());
            // The last line for a place is the one that shows.
            for all in [&mut system.left, &mut system.refused] {
                all.retain(|apart| apart.path != shown);
            }
            system.mounts.retain(|mount| mount.path != path);
            let apart = |why: Message| Apart { path: shown.clone(), why };
            let looked_into = is_looked_into(&path, homes);
            let (place, nofail) = (find(entry), has(entry, "nofail"));
            if has(entry, "noauto") && !has(entry, "x-systemd.automount") {
                system.left.push(apart(messages::noauto()));
                continue;
            }
            let why = match place {
                DeviceLocation::Nowhere(what) => {
                    system.left.push(apart(what));
                    continue;
                }
                DeviceLocation::Here(partition) => match mountable(entry, &path, partition) {
                    Ok(mount) => {
                        system.mounts.push(mount);
                        continue;
                    }
                    Err(why) => why,
                },
                DeviceLocation::Elsewhere(why) if nofail => {
                    system.left.push(apart(messages::nofail(why)));
                    continue;
                }
                DeviceLocation::Elsewhere(why) | DeviceLocation::Cannot(why) => why,
            };
            if looked_into {
                system.refused.push(apart(why));
            } else {
                system.left.push(apart(messages::not_looked_into(why)));
            }
        }
        // A place below another one comes after it.
        system.mounts.sort_by_key(|m| if m.path == "/" { 0 } else { m.path.matches('/').count() });
        system
    }
}

/// A file of the image, as long as it is a regular one of a sensible size.
fn read(root: &DiskRootfs, path: &str) -> Result<Option<Vec<u8>>> {
    let found = root.read_bytes(&ImagePath::parse(path)?, LARGEST);
    match found {
        Ok(found) => Ok(found.map(|bytes| bytes.to_vec())),
        Err(e @ (Error::TooLarge { .. } | Error::WrongKind { .. } | Error::LinkLoop { .. })) => {
            Err(Error::Guard(messages::own_file(Message::from(&e))))
        }
        Err(e) => Err(e),
    }
}

fn has(entry: &FstabLine, option: &str) -> bool {
    let options = entry.options.as_deref().unwrap_or_default();
    options
        .split(',')
        .any(|o| o == option || o.strip_prefix(option).is_some_and(|v| v.starts_with('=')))
}

fn is_looked_into(path: &str, homes: &[String]) -> bool {
    let below = |path: &str, top: &str| {
        path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let own = LOOKED_INTO.iter().any(|top| below(path, top)) && !below(path, FIRMWARE);
    own || homes.iter().any(|home| below(home, path))
}

fn find<'a>(
    entry: &FstabLine,
    partitions: &'a [Partition],
    disk: Option<&str>,
) -> DeviceLocation<'a> {
    let kind = entry.kind.as_deref().unwrap_or("auto");
    let source = entry.source.trim_matches('"');
    let shown = escape(source.as_bytes());
    if NETWORK.contains(&kind) || has(entry, "_netdev") || source.starts_with("//") {
        return DeviceLocation::Cannot(messages::on_network(shown));
    }
    if has(entry, "bind") || has(entry, "rbind") {
        return DeviceLocation::Nowhere(messages::bind());
    }
    if MADE_UP.contains(&kind) {
        return DeviceLocation::Nowhere(messages::made_at_boot());
    }
    let Some(key) = key(source) else {
        if let Some((name, number)) = device_number(source) {
            let same = disk.map_or(FIRST_DISKS.contains(&name), |own| own == name);
            let found = partitions.iter().find(|p| same && p.number == number);
            let elsewhere = || DeviceLocation::Elsewhere(messages::on_another_disk(shown));
            return found.map_or_else(elsewhere, DeviceLocation::Here);
        }
        return if source.starts_with("/dev/mapper/") || source.starts_with("/dev/dm-") {
            DeviceLocation::Cannot(messages::device_mapper(shown))
        } else if source.starts_with("/dev/md") {
            DeviceLocation::Cannot(messages::raid(shown))
        } else if source.starts_with("/dev/disk/cloud/") || source.starts_with("/dev/disk/azure/") {
            DeviceLocation::Elsewhere(messages::on_another_disk(shown))
        } else if source.starts_with("/dev/") {
            DeviceLocation::Cannot(messages::unknown_place(shown))
        } else if source.contains(':') {
            DeviceLocation::Cannot(messages::on_network(shown))
        } else {
            DeviceLocation::Cannot(messages::unknown_device(shown))
        };
    };
    let (tag, wanted) = key;
    let same = |found: Option<&str>, any_case: bool| {
        found.is_some_and(|f| f == wanted || any_case && f.eq_ignore_ascii_case(&wanted))
    };
    let mut matching = partitions.iter().filter(|p| {
        let filesystem = p.filesystem.as_ref();
        match tag {
            "uuid" => same(filesystem.and_then(|f| f.uuid.as_deref()), true),
            "label" => same(filesystem.and_then(|f| f.label.as_deref()), false),
            "partuuid" => same(p.uuid.as_deref(), true),
            _ => same(p.name.as_deref(), false),
        }
    });
    match (matching.next(), matching.next()) {
        (Some(one), None) => DeviceLocation::Here(one),
        (None, _) => DeviceLocation::Elsewhere(messages::on_another_disk(shown)),
        (Some(_), Some(_)) => DeviceLocation::Cannot(messages::two_partitions(shown)),
    }
}

/// A name that udev gives, and what it is the name of.
fn key(source: &str) -> Option<(&'static str, String)> {
    let tags = [
        ("UUID=", "uuid"),
        ("LABEL=", "label"),
        ("PARTUUID=", "partuuid"),
        ("PARTLABEL=", "partlabel"),
    ];
    for (prefix, tag) in tags {
        if let Some(value) = source.strip_prefix(prefix) {
            return Some((tag, value.trim_matches('"').to_owned()));
        }
        if let Some(value) = source.strip_prefix(&format!("/dev/disk/by-{tag}/")) {
            return Some((tag, unescape(value)));
        }
    }
    None
}

/// udev writes what is odd in a name as `\xNN`.
fn unescape(name: &str) -> String {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code =
            rest.strip_prefix(b"\\x").and_then(|hex| std::str::from_utf8(hex.get(..2)?).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &rest[4..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Disk and partition of a device's name; the whole disk is partition 0.
fn device_number(source: &str) -> Option<(&str, u32)> {
    let name = source.strip_prefix("/dev/")?;
    let numbered = name.starts_with("nvme") || name.starts_with("mmcblk");
    if numbered {
        return match name.rsplit_once('p') {
            Some((disk, number)) if !disk.ends_with('p') => Some((disk, number.parse().ok()?)),
            _ => Some((name, 0)),
        };
    }
    let disk = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let letters = ["sd", "vd", "xvd", "hd"].iter().find_map(|kind| disk.strip_prefix(kind))?;
    let number = if disk.len() == name.len() { 0 } else { name[disk.len()..].parse().ok()? };
    let plain = !letters.is_empty() && letters.bytes().all(|b| b.is_ascii_lowercase());
    plain.then_some((disk, number))
}

/// The mount that an entry stands for, or why it cannot be.
fn mountable(entry: &FstabLine, path: &str, at: &Partition) -> std::result::Result<Mount, Message> {
    let number = at.number;
    if has(entry, "subvol") || has(entry, "subvolid") {
        return Err(messages::subvolume_of(number));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@%".contains(&b);
    if !path.bytes().all(plain) {
        return Err(messages::odd_place(number));
    }
    mount(path, at)
}

fn mount(path: &str, at: &Partition) -> std::result::Result<Mount, Message> {
    let number = at.number;
    let Some(found) = &at.filesystem else {
        return Err(messages::nothing_known(number));
    };
    if let Some(why) = &found.refused {
        return Err(messages::cannot_mount(number, found.kind, why));
    }
    if !kernel_has(found.kind) {
        return Err(messages::no_driver(number, found.kind));
    }
    Ok(Mount::of(path, at, found))
}

impl Mount {
    pub(super) fn of(path: &str, at: &Partition, found: &Filesystem) -> Mount {
        Mount {
            path: path.to_owned(),
            partition: at.number,
            start: at.start,
            size: at.size,
            kind: found.kind,
            journal: found.journal,
            clean: found.clean,
            uuid: found.uuid.clone(),
        }
    }
}

/// Whether the running kernel mounts filesystems of this kind. One that is a module counts once it is
/// loaded.
fn kernel_has(kind: &str) -> bool {
    #[allow(clippy::disallowed_methods)] // a question to the running kernel
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    known.lines().any(|line| line.split('\t').next_back() == Some(kind))
        || known.is_empty()
        // The ext4 driver also mounts the older ones.
        || matches!(kind, "ext2" | "ext3" if known.contains("\text4"))
}

#[cfg(test)]
mod tests;
