//! Whether the machine has enough free space for what a run will write, checked before it writes.

use std::io;
use std::path::Path;

use serde_json::Value;

use super::disk::Disk;
use super::messages;
use super::mounts::Mount;
use crate::error::{Error, Result, cannot};
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

const MIB: u64 = 1 << 20;
/// For each filesystem, beyond its journal: bitmaps, tables of inodes, directories …
const SLACK: u64 = 16 * MIB;
/// … and of a small one at most this part, which is what mke2fs gives to its tables of inodes: where a
/// filesystem of 96 MiB lies on a nearly full disk, 16 MiB that it cannot use would refuse the run.
const PART: u64 = 16;
/// For each file, beyond its size: what is added to it, and its last block.
const EACH: u64 = 20 << 10;

/// What a run needs.
#[derive(Debug, Default)]
pub struct Need {
    /// How many paths a plan changes.
    pub changes: usize,
    /// Bytes written into the image.
    pub inside: u64,
    /// Bytes of a copy that is made in the work directory.
    pub copy: u64,
    /// Bytes of a new image that is made beside the old one.
    pub replacement: u64,
}

impl Need {
    /// Of a raw image: the files that `plan` (a report of `gokaku plan`) changes in `root`, and what
    /// each filesystem writes besides.
    ///
    /// # Errors
    /// [`Error::Host`] for a plan that is none.
    pub fn of_plan(root: &DiskRootfs, plan: &Value, mounts: &[Mount]) -> Result<Need> {
        let changes = plan["changes"].as_array().ok_or_else(|| {
            let why = io::Error::new(io::ErrorKind::InvalidData, "no list");
            Error::host(cannot::read_the_plan_of, root.host_path(), why)
        })?;
        let mut inside = 0_u64;
        for path in changes.iter().filter_map(|change| change["path"].as_str()) {
            // What is new, or cannot be looked at, is as large as such files are.
            let size = ImagePath::parse(path).and_then(|path| root.stat(&path));
            let size = size.ok().flatten().map_or(0, |stat| stat.size);
            inside = inside.saturating_add(size).saturating_add(EACH);
        }
        for mount in mounts {
            let tables = SLACK.min(mount.size / PART);
            inside = inside.saturating_add(mount.journal).saturating_add(tables);
        }
        Ok(Need { changes: changes.len(), inside, ..Need::default() })
    }

    /// Of a packed image: its raw copy, by the output of `qemu-img map --output=json`, and itself
    /// once more.
    ///
    /// # Errors
    /// [`Error::Host`] for a map that is none.
    pub fn of_map(disk: &Disk, map: &Value) -> Result<Need> {
        let pieces = map.as_array().ok_or_else(|| {
            let why = io::Error::new(io::ErrorKind::InvalidData, "no list");
            Error::host(cannot::read_the_map_of, disk.path(), why)
        })?;
        let data = pieces.iter().filter(|piece| piece["data"] == true && piece["zero"] != true);
        let copy = data.filter_map(|piece| piece["length"].as_u64());
        let copy = copy.fold(0, u64::saturating_add);
        Ok(Need { copy, replacement: disk.size(), ..Need::default() })
    }

    /// What a script reads: `changes` and the number of paths, `needed` and the bytes, with tabs between.
    pub fn lines(&self) -> String {
        let bytes = self.inside.saturating_add(self.copy).saturating_add(self.replacement);
        format!("changes\t{}\nneeded\t{bytes}\n", self.changes)
    }
}

/// Makes sure that there is room: where the image lies, and in the work directory.
///
/// # Errors
/// [`Error::Host`], saying how much is missing where.
pub fn check(disk: &Disk, work: &Path, need: &Need) -> Result<()> {
    let (holes, copying) = disk.holes()?;
    // What has its place on the disk needs no other.
    let inside = if copying { need.inside } else { need.inside.min(holes) };
    let beside = disk.path().parent().filter(|p| !p.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    let at_image = inside.saturating_add(need.replacement);
    let wanted = match device(beside)? == device(work)? {
        true => vec![(beside, at_image.saturating_add(need.copy))],
        false => vec![(beside, at_image), (work, need.copy)],
    };
    for (place, wanted) in wanted {
        let free = free(place)?;
        if wanted > free {
            let mib = |bytes: u64| bytes.div_ceil(MIB);
            let why = messages::room_missing(mib(wanted - free), mib(wanted), free / MIB);
            return Err(Error::NoSpace { path: place.display().to_string(), why });
        }
    }
    Ok(())
}

/// Whether there is any room at all where the image lies, which a failed run may have lacked.
///
/// # Errors
/// [`Error::NoSpace`], with what to do, when there is none.
pub fn any(disk: &Disk) -> Result<()> {
    let beside = disk.path().parent().filter(|p| !p.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    if free(beside)? >= MIB {
        return Ok(());
    }
    Err(Error::NoSpace { path: beside.display().to_string(), why: messages::no_room_at_all() })
}

fn free(place: &Path) -> Result<u64> {
    let found = nix::sys::statvfs::statvfs(place)
        .map_err(|e| Error::host(cannot::ask_for_the_room_in, place, e))?;
    #[allow(clippy::useless_conversion)] // 32 bits on some architectures
    Ok(u64::from(found.blocks_available()) * u64::from(found.fragment_size()))
}

#[allow(clippy::disallowed_methods)] // directories of the host, named by the user
fn device(dir: &Path) -> Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let meta = std::fs::metadata(dir).map_err(|e| Error::host(cannot::look_at, dir, e))?;
    Ok(meta.dev())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_run_writes_is_added_up() {
        let dir = tempfile::tempdir().unwrap();
        #[allow(clippy::disallowed_methods)]
        std::fs::write(dir.path().join("a"), vec![0; 100_000]).unwrap();
        let root = DiskRootfs::open(dir.path()).unwrap();
        let plan = json!({"changes": [{"path": "/a"}, {"path": "/new"}, {"path": 1}]});
        let mount = |size: u64, journal: u64| Mount {
            path: "/".into(),
            partition: 1,
            start: 0,
            size,
            kind: "ext4",
            journal,
            clean: true,
            uuid: None,
        };
        let both = [mount(1 << 40, MIB), mount(32 * MIB, 0)];
        let need = Need::of_plan(&root, &plan, &both).unwrap();
        assert_eq!(need.inside, 100_000 + 2 * EACH + MIB + SLACK + 2 * MIB);
        assert_eq!(need.lines(), format!("changes\t3\nneeded\t{}\n", need.inside));
        assert!(Need::of_plan(&root, &json!({}), &[]).is_err());
    }

    #[test]
    fn a_file_with_holes_needs_room_and_one_without_does_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("disk");
        #[allow(clippy::disallowed_methods)]
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 43).unwrap();
        let disk = Disk::open(&path).unwrap();
        let map = json!([{"data": true, "length": 5}, {"data": false, "length": 1_u64 << 40},
            {"data": true, "zero": true, "length": 7}]);
        let need = Need::of_map(&disk, &map).unwrap();
        assert_eq!((need.copy, need.replacement), (5, 1 << 43));
        let told = check(&disk, dir.path(), &need).unwrap_err().to_string();
        assert!(told.contains("no space") && told.contains("MiB are missing"), "{told}");
        let sparse = Need { inside: 1 << 43, ..Need::default() };
        assert!(check(&disk, dir.path(), &sparse).is_err());
        file.set_len(0).unwrap();
        let full = Disk::open(&path).unwrap();
        if !full.holes().unwrap().1 {
            check(&full, dir.path(), &sparse).unwrap();
        }
    }
}
