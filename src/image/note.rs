//! In the directory of a journal: which image it is for, and whether that image still exists.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, statx};

use super::disk::Disk;
use crate::error::{Error, Result, cannot};

/// The file's name in the directory.
const NOTE: &str = ".image";
/// For how long a filesystem is searched for an image that was moved.
const SEARCH: Duration = Duration::from_secs(600);

/// What distinguishes an image file from every other, also from one that gets its number later.
/// Times that a write changes are not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sign {
    /// Device and inode.
    id: (u64, u64),
    /// Bytes; `None` in a note of an older version, which has only `id`.
    size: Option<u64>,
    /// When it was made: seconds and nanoseconds; `None` where the filesystem does not keep it.
    born: Option<(i64, u32)>,
}

impl Sign {
    fn of(found: &Statx) -> Sign {
        let device = rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor);
        let has_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
        Sign {
            id: (device, found.stx_ino),
            size: Some(found.stx_size),
            born: has_birth.then_some((found.stx_btime.tv_sec, found.stx_btime.tv_nsec)),
        }
    }

    /// Of what stands at a path, followed or not, and whether it is a directory.
    fn at(path: &Path, flags: AtFlags) -> Option<(Sign, bool)> {
        let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
        let found = statx(CWD, path, flags, wanted).ok()?;
        let kind = FileType::from_raw_mode(found.stx_mode.into());
        Some((Sign::of(&found), kind == FileType::Directory))
    }

    /// Whether a file may be the one that was noted. An image that was resized is still the same; only
    /// where no time of birth is known, its size has to do.
    fn may_be(self, noted: Sign) -> bool {
        self.id == noted.id
            && match (self.born, noted.born, noted.size) {
                (Some(born), Some(noted), _) => born == noted,
                (.., Some(size)) => self.size == Some(size),
                (.., None) => true,
            }
    }

    fn text(self) -> String {
        let (device, inode) = self.id;
        let size = self.size.unwrap_or(0);
        let born = self.born.map_or_else(|| "-".into(), |(s, ns)| format!("{s}.{ns}"));
        format!("{device} {inode} {size} {born}\n")
    }

    fn parse(line: &str) -> Option<Sign> {
        let mut words = line.split(' ');
        let id = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let (size, born) = match (words.next(), words.next(), words.next()) {
            (None, ..) => (None, None),
            (Some(size), Some("-"), None) => (Some(size.parse().ok()?), None),
            (Some(size), Some(born), None) => {
                let (seconds, nanoseconds) = born.split_once('.')?;
                let born = (seconds.parse().ok()?, nanoseconds.parse().ok()?);
                (Some(size.parse().ok()?), Some(born))
            }
            _ => return None,
        };
        Some(Sign { id, size, born })
    }
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
    let sign = of_disk(disk).map_err(|e| Error::host(cannot::look_at, disk.path(), e))?;
    let mut text = sign.text().into_bytes();
    text.extend(path.as_os_str().as_bytes());
    text.push(b'\n');
    let file = dir.join(NOTE);
    std::fs::write(&file, text).map_err(|e| Error::host(cannot::write, &file, e))
}

fn of_disk(disk: &Disk) -> rustix::io::Result<Sign> {
    let wanted = StatxFlags::BASIC_STATS | StatxFlags::BTIME;
    statx(disk.fd(), "", AtFlags::EMPTY_PATH, wanted).map(|found| Sign::of(&found))
}

/// Whether the directory says that it is for a file that had this one's number before.
#[allow(clippy::disallowed_methods)] // the program's own directory on the host
pub(super) fn is_of_another(dir: &Path, disk: &Disk) -> bool {
    let noted = std::fs::read(dir.join(NOTE)).ok();
    match (noted.and_then(|noted| parse(&noted)), of_disk(disk)) {
        (Some((noted, _)), Ok(sign)) => !sign.may_be(noted),
        _ => false,
    }
}

/// Removes a state directory that nobody has a use for any more: the image that it is for is nowhere on
/// its filesystem. Where that cannot be found out, it stays.
///
/// # Errors
/// The kernel's refusal to remove it.
#[allow(clippy::disallowed_methods)] // the program's own directory on the host
pub fn drop_if_gone(dir: &Path) -> Result<()> {
    let Ok(noted) = std::fs::read(dir.join(NOTE)) else { return Ok(()) };
    let Some((sign, path)) = parse(&noted) else { return Ok(()) };
    if !is_gone(sign, &path, Instant::now() + SEARCH) {
        return Ok(());
    }
    std::fs::remove_dir_all(dir).map_err(|e| Error::host(cannot::remove, dir, e))
}

fn parse(noted: &[u8]) -> Option<(Sign, PathBuf)> {
    let at = noted.iter().position(|b| *b == b'\n')?;
    let sign = Sign::parse(std::str::from_utf8(&noted[..at]).ok()?)?;
    let path = noted[at + 1..].strip_suffix(b"\n")?;
    Some((sign, PathBuf::from(OsString::from_vec(path.to_vec()))))
}

/// Whether the file of this sign, once at `path`, is nowhere on its filesystem.
fn is_gone(noted: Sign, path: &Path, end: Instant) -> bool {
    if Sign::at(path, AtFlags::empty()).is_some_and(|(sign, _)| sign.may_be(noted)) {
        return false;
    }
    let on_it = |dir: &Path| {
        Sign::at(dir, AtFlags::empty()).is_some_and(|(sign, _)| sign.id.0 == noted.id.0)
    };
    // Its top: what is above lies on another filesystem, or there is nothing above.
    let above = path.ancestors().skip(1).take_while(|dir| on_it(dir));
    above.last().is_some_and(|top| is_nowhere_below(top, noted, end))
}

#[allow(clippy::disallowed_methods)] // files of the host
fn is_nowhere_below(top: &Path, noted: Sign, end: Instant) -> bool {
    let mut left = vec![top.to_owned()];
    while let Some(dir) = left.pop() {
        let entries = match std::fs::read_dir(&dir) {
            Ok(entries) => entries,
            // On a busy machine something is always being removed.
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            Err(_) => return false,
        };
        for entry in entries {
            let Ok(entry) = entry else { return false };
            let path = entry.path();
            let Some((sign, is_dir)) = Sign::at(&path, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if Instant::now() > end || sign.may_be(noted) {
                return false;
            }
            if is_dir && sign.id.0 == noted.id.0 {
                left.push(path);
            }
        }
    }
    true
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;

    use super::*;

    fn later() -> Instant {
        Instant::now() + SEARCH
    }

    #[test]
    fn a_journal_goes_with_the_last_copy_of_its_image() {
        let (dir, all) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let disk = Disk::made(dir.path(), "disk");
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
        let (sign, noted) = parse(&fs::read(own.join(NOTE)).unwrap()).unwrap();
        assert_eq!(noted, path);
        assert!(!is_gone(sign, &path, later()), "it has another name");
        // Another filesystem has that number as well.
        let elsewhere = Sign { id: (sign.id.0 + 1, 1), ..sign };
        assert!(!is_gone(elsewhere, &path, later()));
        fs::remove_file(dir.path().join("deep/other")).unwrap();
        let nowhere = Sign { id: (sign.id.0, u64::MAX), ..sign };
        assert!(!is_gone(nowhere, &path, Instant::now()), "not found out in time");
        drop(disk);
    }

    #[test]
    fn a_file_that_got_the_number_of_the_image_is_not_the_image() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Disk::made(dir.path(), "disk");
        let path = dir.path().join("disk");
        let now = of_disk(&disk).unwrap();
        let own = dir.path().join("state/own");
        note(&own, &disk, &path).unwrap();
        assert!(!is_of_another(&own, &disk));
        // As a note would be whose image has gone and whose number the present file has.
        let (seconds, nanoseconds) = now.born.unwrap_or((5, 5));
        let earlier = Sign { born: Some((seconds - 1, nanoseconds)), ..now };
        let unborn = Sign { born: None, ..now };
        let larger = Sign { size: Some(7), ..now };
        for (noted, is_it) in [
            (now, true),
            (earlier, now.born.is_none()),
            (unborn, true),
            (Sign { size: Some(7), ..unborn }, false),
            // Who enlarges an image has still the same one.
            (larger, now.born.is_some()),
            (Sign { size: None, ..unborn }, true),
        ] {
            let text = [noted.text().as_bytes(), path.as_os_str().as_bytes(), b"\n"].concat();
            fs::write(own.join(NOTE), text).unwrap();
            if noted.size.is_some() {
                assert_eq!(is_of_another(&own, &disk), !is_it, "{noted:?}");
            }
            assert_eq!(is_nowhere_below(dir.path(), noted, later()), !is_it, "{noted:?}");
            assert!(!is_it || !is_gone(noted, &path, later()), "{noted:?}");
        }
    }

    #[test]
    fn notes_of_older_versions_are_read_and_broken_ones_are_not() {
        let old = parse(b"5 7\n/a b\n").unwrap();
        assert_eq!(old, (Sign { id: (5, 7), size: None, born: None }, "/a b".into()));
        for sign in [
            Sign { id: (5, 7), size: Some(9), born: None },
            Sign { id: (5, 7), size: Some(9), born: Some((-3, 999_999_999)) },
        ] {
            assert_eq!(Sign::parse(sign.text().trim_end()), Some(sign));
        }
        for broken in ["1 2", "x y\n/a\n", "1 2 3\n/a\n", "1 2 3 4\n/a\n", "1 2 3 - 5\n/a\n"] {
            assert!(parse(broken.as_bytes()).is_none(), "{broken:?}");
        }
    }
}
