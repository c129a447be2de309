//! Where the files of a run on an image lie: its copies and its journal.

use std::ffi::OsString;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::disk::Disk;
use super::table::Partition;
use crate::apply::{self, digest};
use crate::error::{Error, Result, cannot};

/// In the directory of a journal: the image's number and path.
const NOTE: &str = ".image";
/// For how long a filesystem is searched for an image that was moved.
const SEARCH: Duration = Duration::from_secs(600);

/// The places of the copies that a run makes, hidden and next to the image or in the work directory.
#[derive(Debug, PartialEq, Eq)]
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
        if name.starts_with(own.as_bytes()) && apply::is_unfinished(&dir)? {
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

/// Makes the state directory and notes in it which image it is for, at `path`.
///
/// # Errors
/// The kernel's refusal.
#[allow(clippy::disallowed_methods)] // the program's own directory on the host
pub fn note(dir: &Path, disk: &Disk, path: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| Error::host(cannot::make, dir, e))?;
    let (device, inode) = disk.id();
    let mut text = format!("{device} {inode}\n").into_bytes();
    text.extend(path.as_os_str().as_bytes());
    text.push(b'\n');
    let file = dir.join(NOTE);
    std::fs::write(&file, text).map_err(|e| Error::host(cannot::write, &file, e))
}

/// Removes a state directory that nobody has a use for any more: the image that it is for is nowhere on
/// its filesystem. Where that cannot be found out, it stays.
///
/// # Errors
/// The kernel's refusal to remove it.
#[allow(clippy::disallowed_methods)] // the program's own directory on the host
pub fn drop_if_gone(dir: &Path) -> Result<()> {
    let Ok(noted) = std::fs::read(dir.join(NOTE)) else { return Ok(()) };
    let Some((id, path)) = parse(&noted) else { return Ok(()) };
    if !is_gone(id, &path, Instant::now() + SEARCH) {
        return Ok(());
    }
    std::fs::remove_dir_all(dir).map_err(|e| Error::host(cannot::remove, dir, e))
}

fn parse(noted: &[u8]) -> Option<((u64, u64), PathBuf)> {
    let at = noted.iter().position(|b| *b == b'\n')?;
    let (device, inode) = std::str::from_utf8(&noted[..at]).ok()?.split_once(' ')?;
    let path = noted[at + 1..].strip_suffix(b"\n")?;
    let path = PathBuf::from(OsString::from_vec(path.to_vec()));
    Some(((device.parse().ok()?, inode.parse().ok()?), path))
}

fn id(meta: &Metadata) -> (u64, u64) {
    (meta.dev(), meta.ino())
}

/// Whether the file of this number, once at `path`, is nowhere on its filesystem.
#[allow(clippy::disallowed_methods)] // files of the host
fn is_gone(file: (u64, u64), path: &Path, end: Instant) -> bool {
    if std::fs::metadata(path).is_ok_and(|meta| id(&meta) == file) {
        return false;
    }
    let on_it = |dir: &Path| std::fs::metadata(dir).is_ok_and(|meta| meta.dev() == file.0);
    // Its top: what is above lies on another filesystem, or there is nothing above.
    let above = path.ancestors().skip(1).take_while(|dir| on_it(dir));
    let Some(top) = above.last() else { return false };
    let mut left = vec![top.to_owned()];
    while let Some(dir) = left.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { return false };
        for entry in entries {
            let Some(meta) = entry.ok().and_then(|e| Some((e.metadata().ok()?, e.path()))) else {
                continue;
            };
            if Instant::now() > end || id(&meta.0) == file {
                return false;
            }
            if meta.0.is_dir() && meta.0.dev() == file.0 {
                left.push(meta.1);
            }
        }
    }
    true
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use super::*;
    use std::fs;

    fn image(dir: &Path, name: &str) -> Disk {
        fs::write(dir.join(name), b"x").unwrap();
        Disk::open(&dir.join(name)).unwrap()
    }

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
        let disk = image(dir.path(), "a b");
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
        let (first, copy) = (image(dir.path(), "first"), image(dir.path(), "copy"));
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

    #[test]
    fn a_journal_goes_with_the_last_copy_of_its_image() {
        let (dir, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let disk = image(dir.path(), "disk");
        let own = all.path().join("own");
        let path = dir.path().join("disk");
        note(&own, &disk, &path).unwrap();
        let is_there = || {
            drop_if_gone(&own).unwrap();
            own.exists()
        };
        assert!(is_there(), "the image is where it was");
        fs::create_dir(dir.path().join("deep")).unwrap();
        fs::rename(&path, dir.path().join("deep/other")).unwrap();
        let (id, noted) = parse(&fs::read(own.join(NOTE)).unwrap()).unwrap();
        assert_eq!(noted, path);
        assert!(!is_gone(id, &path, Instant::now() + SEARCH), "it has another name");
        // Another filesystem has that number as well.
        assert!(!is_gone((id.0 + 1, 1), &path, Instant::now() + SEARCH));
        fs::remove_file(dir.path().join("deep/other")).unwrap();
        assert!(!is_gone((id.0, u64::MAX), &path, Instant::now()), "not found out in time");
        drop(disk);
        assert!(parse(b"1 2").is_none() && parse(b"x y\n/a\n").is_none());
    }
}
