//! One walk over a whole image, shared by every rule that asks about all files.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

use super::{FileKind, ImagePath, Stat};

/// Places below which files are not the image's own: kernel and run-time filesystems, and the
/// stores of container engines, whose layers legitimately hold anything.
const NOT_WALKED: [&[u8]; 9] = [
    b"/proc",
    b"/sys",
    b"/dev",
    b"/run",
    b"/snap",
    b"/var/lib/docker",
    b"/var/lib/containerd",
    b"/var/lib/containers",
    b"/var/lib/kubelet",
];

/// So many paths of a kind are remembered; of the others only the number.
const EXAMPLES: usize = 20;

/// The names of so many files that have several are remembered.
const LINKED: usize = 10_000;

/// Whether the walk goes below `path`.
pub(super) fn is_walked(path: &ImagePath) -> bool {
    !NOT_WALKED.contains(&path.as_bytes())
}

/// Paths of one kind: how many, and the first of them in the order of their bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How many there are.
    pub count: usize,
    /// The first of them.
    pub examples: Vec<ImagePath>,
}

impl Found {
    fn add(&mut self, path: &ImagePath) {
        self.count += 1;
        let at = self.examples.partition_point(|p| p < path);
        if at < EXAMPLES {
            self.examples.insert(at, path.clone());
            self.examples.truncate(EXAMPLES);
        }
    }

    fn merge(&mut self, other: Found) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.sort();
        self.examples.truncate(EXAMPLES);
    }
}

/// What a walk over all files, links and directories of an image's root filesystem found.
/// What could not be looked at is in `unread`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Regular files anybody can write to.
    pub world_writable_files: Found,
    /// Directories anybody can write to, in which anybody can remove another's files.
    pub open_dirs: Found,
    /// Regular files that run with their owner's rights.
    pub setuid: Found,
    /// Regular files that run with their group's rights.
    pub setgid: Found,
    /// Regular files below /var/log that the group can write to or others can touch at all.
    pub loose_logs: Found,
    /// Regular files with several names, by filesystem and inode; the first of them.
    pub linked: BTreeMap<(u64, u64), Found>,
    /// Every owner that occurs.
    pub uids: BTreeMap<u32, Found>,
    /// Every group that occurs.
    pub gids: BTreeMap<u32, Found>,
    /// Directories that could not be read, and entries that the kernel says nothing about.
    pub unread: Found,
    /// How many entries were seen.
    pub entries: usize,
}

impl Survey {
    /// Takes note of one entry.
    pub(super) fn add(&mut self, path: impl Fn() -> ImagePath, stat: &Stat, in_log: bool) {
        self.entries += 1;
        let mode = stat.mode;
        match stat.kind {
            FileKind::File => {
                for (hit, found) in [
                    (mode & 0o002 != 0, &mut self.world_writable_files),
                    (mode & 0o4000 != 0, &mut self.setuid),
                    (mode & 0o2000 != 0, &mut self.setgid),
                    (in_log && mode & 0o037 != 0, &mut self.loose_logs),
                ] {
                    if hit {
                        found.add(&path());
                    }
                }
                if stat.links > 1 && stat.inode != 0 {
                    self.linked((stat.device, stat.inode)).add(&path());
                }
            }
            FileKind::Dir if mode & 0o1002 == 0o002 => self.open_dirs.add(&path()),
            _ => {}
        }
        // Root owns nearly everything and always exists.
        if stat.uid != 0 {
            self.uids.entry(stat.uid).or_default().add(&path());
        }
        if stat.gid != 0 {
            self.gids.entry(stat.gid).or_default().add(&path());
        }
    }

    /// The names of a file; those that are too many are not kept.
    fn linked(&mut self, file: (u64, u64)) -> &mut Found {
        if self.linked.len() >= LINKED && !self.linked.contains_key(&file) {
            self.linked.pop_last();
        }
        self.linked.entry(file).or_default()
    }

    /// Takes note of a directory that could not be read, or an entry that could not be looked at.
    pub(super) fn add_unread(&mut self, path: &ImagePath) {
        self.unread.add(path);
    }

    /// Adds what another part of the walk found.
    pub(super) fn merge(&mut self, other: Survey) {
        self.world_writable_files.merge(other.world_writable_files);
        self.open_dirs.merge(other.open_dirs);
        self.setuid.merge(other.setuid);
        self.setgid.merge(other.setgid);
        self.loose_logs.merge(other.loose_logs);
        self.unread.merge(other.unread);
        for (file, found) in other.linked {
            self.linked(file).merge(found);
        }
        for (ours, theirs) in [(&mut self.uids, other.uids), (&mut self.gids, other.gids)] {
            for (id, found) in theirs {
                ours.entry(id).or_default().merge(found);
            }
        }
        self.entries += other.entries;
    }
}

/// Whether a path lies below /var/log.
pub(super) fn is_log(dir: &ImagePath) -> bool {
    let mut parts = dir.components().map(|c| c.as_bytes());
    parts.next() == Some(b"var") && parts.next() == Some(b"log")
}
