//! Which partition of an image holds the system, and what belongs to it.

use std::path::Path;

use super::attach::{arguments, checker, is_alone};
use super::mounts::{Apart, Mount, System};
use super::table::Partition;
use super::{Inspection, messages, superblock::Filesystem};
use crate::error::{Error, Result};
use crate::message::{Arg, Lang, Message};
use crate::rootfs::{DiskRootfs, escape};

/// Where the kernel lists the btrfs filesystems that are mounted.
const MOUNTED_BTRFS: &str = "/sys/fs/btrfs";

/// What a script mounts, in this order.
#[derive(Debug, Default, PartialEq)]
pub struct Machine {
    /// The filesystems.
    pub mounts: Vec<Mount>,
    /// Entries of the fstab that are left, and why nothing is missed.
    pub left: Vec<Apart>,
}

/// What became of a filesystem that may hold the system.
enum Tried {
    /// Its system could be looked at.
    Is(System),
    /// It could not, for this reason.
    Bad(Message),
}

impl Machine {
    /// The filesystems that may hold the system: those of the partition `wanted`, or of all. One that was
    /// not unmounted counts only when an interrupted run of ours may be the reason (`half_done`), and can
    /// be mended.
    ///
    /// # Errors
    /// [`Error::Guard`] when the wanted partition holds something else, or a btrfs of the image has the
    /// UUID of one that is mounted on this machine.
    pub fn candidates(image: &Inspection, wanted: Option<u32>, half_done: bool) -> Result<Machine> {
        let filesystems = || image.partitions.iter().filter_map(|p| p.filesystem.as_ref());
        let btrfs = filesystems().filter(|f| f.kind == "btrfs" && f.refused.is_none());
        is_alone(Path::new(MOUNTED_BTRFS), btrfs.filter_map(|f| f.uuid.as_deref()))?;
        let mut mounts = roots(image, wanted);
        match image.partitions.iter().find(|p| wanted == Some(p.number)) {
            Some(at) if mounts.is_empty() => Err(not_mountable(at)),
            _ => {
                mounts.retain(|m| m.clean || half_done && is_mendable(m));
                Ok(Machine { mounts, left: Vec::new() })
            }
        }
    }

    /// The whole machine. In the directory `tried` stand the mount points of the candidates, by number;
    /// or `NUMBER.why`, a file that says why there is none.
    ///
    /// # Errors
    /// [`Error::Guard`] when there is not exactly one system, for an fstab that cannot be read, and
    /// for what it mounts and cannot be mounted here.
    pub fn whole(
        image: &Inspection,
        wanted: Option<u32>,
        half_done: bool,
        tried: &Path,
    ) -> Result<Machine> {
        let mut found = Vec::new();
        for mount in roots(image, wanted) {
            let number = mount.partition;
            let dir = tried.join(number.to_string());
            let reason = tried.join(format!("{number}.why"));
            found.push((number, look(image, &mount, &dir, &reason)?));
        }
        let system = choose(image, wanted, found)?;
        if !system.refused.is_empty() {
            let all = system.refused.iter().map(|a| messages::place(&a.path, &a.why));
            return Err(Error::Guard(messages::would_miss(all.collect::<Vec<_>>())));
        }
        let dirty = system.mounts.iter().find(|m| !(m.clean || half_done && is_mendable(m)));
        match dirty {
            Some(m) => Err(Error::Guard(was_not_unmounted(m))),
            None => Ok(Machine { mounts: system.mounts, left: system.left }),
        }
    }

    /// One line for each filesystem, its fields separated by tabs: `mount`, the partition's number, the
    /// place, `clean` or `mend`, the type, the first byte, the size, the package and the
    /// command of its checker, the arguments of `mount` for reading and for writing. One for each entry
    /// that is left: `left`, the place, the reason. No field is empty or holds a control character.
    pub fn lines(&self, lang: Lang) -> String {
        let mut out = String::new();
        for m in &self.mounts {
            let Some(check) = checker(m.kind) else { continue };
            let fields = [
                "mount",
                &m.partition.to_string(),
                &m.path,
                if m.clean { "clean" } else { "mend" },
                m.kind,
                &m.start.to_string(),
                &m.size.to_string(),
                check.package,
                check.command,
                &arguments(m, false),
                &arguments(m, true),
            ];
            out.push_str(&fields.join("\t"));
            out.push('\n');
        }
        for Apart { path, why } in &self.left {
            out.push_str(&format!("left\t{path}\t{}\n", escape(why.text(lang).as_bytes())));
        }
        out
    }
}

/// What may be the root, of the wanted partition or of all.
fn roots(image: &Inspection, wanted: Option<u32>) -> Vec<Mount> {
    let known = image.partitions.iter().filter(|p| wanted.is_none_or(|n| n == p.number));
    known
        .filter_map(|p| Some((p, p.filesystem.as_ref()?)))
        .filter(|(_, f)| f.may_be_root() && f.refused.is_none())
        .map(|(p, f)| Mount::of("/", p, f))
        .collect()
}

fn not_mountable(at: &Partition) -> Error {
    let (kind, why) = named(at.filesystem.as_ref());
    let why = match why {
        None => messages::not_mountable(at.number, kind),
        Some(why) => messages::not_mountable_for(at.number, kind, why),
    };
    Error::Guard(why)
}

fn named(found: Option<&Filesystem>) -> (&str, Option<&Message>) {
    found.map_or(("unknown", None), |f| (f.kind, f.refused.as_ref()))
}

fn look(image: &Inspection, mount: &Mount, dir: &Path, reason: &Path) -> Result<Tried> {
    let number = mount.partition;
    if !mount.clean {
        return Ok(Tried::Bad(was_not_unmounted(mount)));
    }
    #[allow(clippy::disallowed_methods)] // files of the script that asks
    if let Ok(why) = std::fs::read(reason) {
        return Ok(Tried::Bad(messages::not_tried(number, Arg::cause(escape(why.trim_ascii())))));
    }
    let root = DiskRootfs::open(dir)?;
    Ok(Tried::Is(System::read(&root, &image.partitions, number)?))
}

/// Whether its journal can be carried through without a mount.
fn is_mendable(mount: &Mount) -> bool {
    matches!(mount.kind, "ext2" | "ext3" | "ext4")
}

fn was_not_unmounted(mount: &Mount) -> Message {
    match mount.path.as_str() {
        "/" => messages::not_unmounted(mount.partition),
        path => messages::not_unmounted_at(mount.partition, path),
    }
}

/// The one system: of several, the one whose own fstab says that its partition is the root.
fn choose(image: &Inspection, wanted: Option<u32>, tried: Vec<(u32, Tried)>) -> Result<System> {
    let (mut systems, mut bad) = (Vec::new(), None);
    for (number, found) in tried {
        match found {
            Tried::Is(system) if system.is_system || wanted == Some(number) => systems.push(system),
            Tried::Is(_) => {}
            Tried::Bad(why) => bad = Some(why),
        }
    }
    if systems.len() > 1 {
        systems.retain(|system| system.names_itself);
    }
    match (systems.pop(), systems.len(), bad) {
        (Some(one), 0, _) => Ok(one),
        (None, _, Some(why)) => Err(Error::Guard(why)),
        (last, others, _) => {
            let count = others + usize::from(last.is_some());
            let seen = image.partitions.iter().map(|p| {
                let (kind, _) = named(p.filesystem.as_ref());
                format!("{}: {kind}", p.number)
            });
            let seen = seen.collect::<Vec<_>>().join("; ");
            Err(Error::Guard(messages::roots(count, seen)))
        }
    }
}

#[cfg(test)]
mod tests;
