//! Where the files of a run on an image lie: its copies and its journal.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::disk::Disk;
use super::note;
use super::table::Partition;
use crate::apply::{self, digest};
use crate::error::{Error, Result, cannot};

/// The places of the copies that a run makes, hidden and next to the image or in the work directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copies {
    /// The raw form of a packed image.
    pub raw: PathBuf,
    /// The new image that replaces the old one, on the same filesystem.
    pub new: PathBuf,
}

/// What an image keeps when it is renamed, as 16 hexadecimal digits.
pub fn identity(disk: &Disk) -> String {
    let (device, inode) = disk.id();
    short(&format!("{device}:{inode}\n"))
}

/// Where the copies of an image belong. `work` is a directory, or `None` for that of the image.
pub fn copies(disk: &Disk, work: Option<&Path>) -> Copies {
    let beside = disk.path().parent().unwrap_or(Path::new("/"));
    let hidden = |ending: &str| {
        let mut name = OsString::from(".");
        name.push(disk.path().file_name().unwrap_or_default());
        name.push(ending);
        beside.join(name)
    };
    let raw = match work.filter(|work| *work != beside) {
        // Images of one name meet in a directory for all.
        Some(work) => work.join(format!(".{}.gokaku-raw", identity(disk))),
        None => hidden(".gokaku-raw"),
    };
    Copies { raw, new: hidden(".gokaku-new") }
}

/// The state directory for the journals of an image whose root is partition `at`, below the one for
/// all images. What is copied with the image, the name of its root, is the end of its own.
pub fn state_dir(all: &Path, disk: &Disk, at: &Partition) -> PathBuf {
    all.join(format!("image-{}-{}", identity(disk), contents(at)))
}

fn contents(at: &Partition) -> String {
    let uuid = at.filesystem.as_ref().and_then(|f| f.uuid.as_deref()).unwrap_or("-");
    short(&format!("{uuid}\n{}\n", at.start))
}

fn short(text: &str) -> String {
    digest(text.as_bytes())[..16].to_owned()
}

/// Whether a run on this image, whatever its root, was cut off.
///
/// # Errors
/// The kernel's refusal.
pub fn is_half_done(all: &Path, disk: &Disk) -> Result<bool> {
    let own = format!("image-{}-", identity(disk));
    for dir in state_dirs(all)? {
        let name = dir.file_name().unwrap_or_default().as_bytes();
        let is_own = name.starts_with(own.as_bytes()) && !note::is_of_another(&dir, disk);
        if is_own && apply::is_unfinished(&dir)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// State directories with a run that was cut off, on an image that this one may be a copy of.
///
/// # Errors
/// The kernel's refusal.
pub fn of_copies(all: &Path, disk: &Disk, at: &Partition) -> Result<Vec<PathBuf>> {
    let (own, ending) = (state_dir(all, disk, at), format!("-{}", contents(at)));
    let mut found = Vec::new();
    for dir in state_dirs(all)? {
        let name = dir.file_name().unwrap_or_default().as_bytes();
        if dir != own && name.ends_with(ending.as_bytes()) && apply::is_unfinished(&dir)? {
            found.push(dir);
        }
    }
    Ok(found)
}

#[allow(clippy::disallowed_methods)] // a directory of the host, named by the user
fn state_dirs(all: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::host(cannot::list, all, e);
    let entries = match std::fs::read_dir(all) {
        // Who may not look there has no run of its own in it.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied) => {
            return Ok(Vec::new());
        }
        entries => entries.map_err(fail)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        if entry.file_name().as_bytes().starts_with(b"image-") {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::fs;

    fn root(start: u64) -> Partition {
        Partition { number: 1, start, size: 1, uuid: None, name: None, filesystem: None }
    }

    /// A state directory with the journal of a run in this phase.
    fn journal(dir: &Path, phase: &str) {
        fs::create_dir_all(dir.join("key/1")).unwrap();
        let text = serde_json::json!({"journal": {"phase": phase}}).to_string();
        fs::write(dir.join("key/1/journal.json"), text).unwrap();
    }

    #[test]
    fn copies_lie_beside_the_image_or_in_the_work_directory() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::made(dir.path(), "a b");
        let beside = copies(&disk, None);
        assert_eq!(beside.raw, dir.path().join(".a b.gokaku-raw"));
        assert_eq!(beside.new, dir.path().join(".a b.gokaku-new"));
        assert_eq!(copies(&disk, Some(dir.path())), beside);
        let work = copies(&disk, Some(Path::new("/work")));
        assert_eq!(work.raw, Path::new("/work").join(format!(".{}.gokaku-raw", identity(&disk))));
        assert_eq!(work.new, beside.new, "a rename replaces the image");
    }

    #[test]
    fn an_image_is_known_when_it_is_renamed_and_a_copy_by_its_root() {
        let (dir, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (first, copy) = (Disk::made(dir.path(), "first"), Disk::made(dir.path(), "copy"));
        let at = state_dir(all.path(), &first, &root(5));
        fs::rename(dir.path().join("first"), dir.path().join("moved")).unwrap();
        let moved = Disk::open(&dir.path().join("moved")).unwrap();
        assert_eq!(state_dir(all.path(), &moved, &root(5)), at);
        assert_ne!(state_dir(all.path(), &copy, &root(5)), at);

        assert!(!is_half_done(&all.path().join("none"), &moved).unwrap());
        journal(&at, "done");
        assert!(!is_half_done(all.path(), &moved).unwrap());
        assert!(of_copies(all.path(), &copy, &root(5)).unwrap().is_empty());
        journal(&at, "open");
        assert!(is_half_done(all.path(), &moved).unwrap());
        assert!(!is_half_done(all.path(), &copy).unwrap());
        assert_eq!(of_copies(all.path(), &copy, &root(5)).unwrap(), [at]);
        assert!(of_copies(all.path(), &copy, &root(6)).unwrap().is_empty(), "another root");
        assert!(of_copies(all.path(), &moved, &root(5)).unwrap().is_empty(), "its own");
    }
}
