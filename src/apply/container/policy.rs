//! `policy-rc.d`: the answer to package scripts that ask whether they may start a service.
//!
//! In an image no service may start. A root without such a file gets one while packages change; an
//! existing one is kept. Ours is recognized by its bytes, and gets its name only when it is complete,
//! so that the next run can remove one that a run left when it was killed together with its keeper.

use std::ffi::OsStr;
use std::io::Write;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fchmod, fstat, fstatat, futimens};
use nix::sys::time::TimeSpec;
use nix::unistd::{UnlinkatFlags, linkat, unlinkat};

use super::{messages, words};
use crate::error::{Error, Result, cannot};
use crate::message::Arg;
use crate::rootfs::{DiskRootfs, ImagePath, Links, Rootfs};

/// Where package scripts look for it.
pub(in super::super) const PATH: &str = "/usr/sbin/policy-rc.d";
const NAME: &str = "policy-rc.d";
/// Its name while it is written.
const NEW: &str = ".policy-rc.d.gokaku-new";

/// 101 is "not allowed".
pub(super) const TEXT: &str = "#!/bin/sh\n\
     # gokaku is changing packages: no service starts meanwhile. This file goes with it.\n\
     exit 101\n";

/// Our file in a root, gone when this is dropped.
pub(in super::super) struct Policy {
    dir: OwnedFd,
    /// The directory's time before our file came, and with it.
    times: [(i64, i64); 2],
}

fn time_of(dir: &OwnedFd) -> nix::Result<(i64, i64)> {
    fstat(dir).map(|s| (s.st_mtime, s.st_mtime_nsec))
}

impl Policy {
    /// Puts our file in place; `None` where the root has one of its own, or no place for one.
    pub fn place(root: &DiskRootfs) -> Result<Option<Policy>> {
        let path = ImagePath::parse(PATH)?;
        let fail = |op| {
            let path = path.clone();
            move |e: Errno| Error::target(op, &path, e)
        };
        let Some(dir) = open_dir(root, &path)? else { return Ok(None) };
        match fstatat(&dir, NAME, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Ok(_) => return Ok(None),
            Err(Errno::ENOENT) => {}
            Err(e) => return Err(fail(cannot::stat)(e)),
        }
        let before = time_of(&dir).map_err(fail(cannot::stat_the_directory_of))?;
        let made = complete(&dir);
        let gone = remove(&dir, NEW);
        match made {
            // Somebody was faster; theirs stays.
            Err(Errno::EEXIST) => return Ok(None),
            made => made.map_err(fail(cannot::make))?,
        }
        let policy = Policy { times: [before, time_of(&dir).unwrap_or(before)], dir };
        gone.map_err(fail(cannot::remove_the_other_name_of))?;
        Ok(Some(policy))
    }

    /// Whether a file of ours lies there: while a run is at work, or after one that was killed.
    pub fn is_there(root: &DiskRootfs) -> Result<bool> {
        let path = ImagePath::parse(PATH)?;
        let found = match root.read_bytes(&path, 4096) {
            Ok(found) => found,
            Err(Error::WrongKind { .. } | Error::TooLarge { .. }) => None,
            Err(e) => return Err(e),
        };
        Ok(found.as_deref() == Some(TEXT.as_bytes()))
    }

    /// Removes a file of ours that an earlier run has left behind. Returns whether there was one.
    pub fn sweep(root: &DiskRootfs) -> Result<bool> {
        let path = ImagePath::parse(PATH)?;
        let is_there = Policy::is_there(root)?;
        let Some(dir) = open_dir(root, &path)? else { return Ok(false) };
        let fail = |op| {
            let path = path.clone();
            move |e: Errno| Error::target(op, &path, e)
        };
        let begun = fstatat(&dir, NEW, AtFlags::AT_SYMLINK_NOFOLLOW).is_ok();
        if !is_there && !begun {
            return Ok(false);
        }
        let now = time_of(&dir).map_err(fail(cannot::stat_the_directory_of))?;
        if begun {
            remove(&dir, NEW).map_err(fail(cannot::remove_what_was_left_of))?;
        }
        if is_there {
            remove(&dir, NAME).map_err(fail(cannot::remove))?;
        }
        set_time(&dir, now);
        Ok(true)
    }
}

/// Writes ours under its other name, and gives it the one that counts if nothing has it.
#[allow(clippy::disallowed_methods)] // a name in a directory that was opened inside the root
fn complete(dir: &OwnedFd) -> nix::Result<()> {
    remove(dir, NEW)?;
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    let fd = nix::fcntl::openat(dir, NEW, flags | OFlag::O_CLOEXEC, Mode::S_IRWXU)?;
    let mut file = std::fs::File::from(fd);
    file.write_all(TEXT.as_bytes())
        .map_err(|e| e.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    fchmod(&file, Mode::from_bits_truncate(0o755))?;
    linkat(dir, NEW, dir, NAME, AtFlags::empty())
}

/// Takes a name out of a directory of the root; none is fine.
#[allow(clippy::disallowed_methods)] // a name in a directory that was opened inside the root
fn remove(dir: &OwnedFd, name: &str) -> nix::Result<()> {
    match unlinkat(dir, OsStr::new(name), UnlinkatFlags::NoRemoveDir) {
        Err(Errno::ENOENT) => Ok(()),
        gone => gone,
    }
}

/// Our coming and going is no news.
fn set_time(dir: &OwnedFd, (seconds, nanos): (i64, i64)) {
    let _ = futimens(dir, &TimeSpec::UTIME_OMIT, &TimeSpec::new(seconds, nanos));
}

#[allow(clippy::disallowed_methods)] // opened inside the root
fn open_dir(root: &DiskRootfs, path: &ImagePath) -> Result<Option<OwnedFd>> {
    let dir = path.parent().unwrap_or_else(ImagePath::root);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
    match root.open_at(&dir, flags, Links::Follow) {
        Ok(fd) => Ok(Some(fd)),
        Err(Errno::ENOENT | Errno::ENOTDIR) => Ok(None),
        Err(e) => Err(Error::target(cannot::open_the_directory, &dir, e)),
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        let alone = time_of(&self.dir).is_ok_and(|now| now == self.times[1]);
        let gone = remove(&self.dir, NEW).and_then(|()| remove(&self.dir, NAME));
        match gone {
            // Whatever packages did to the directory is news.
            Ok(()) if alone => set_time(&self.dir, self.times[0]),
            Ok(()) => {}
            Err(e) => words::say(&messages::policy_stays(PATH, Arg::cause(e))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    #[test]
    fn ours_comes_and_goes_without_a_trace_and_theirs_stays() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("usr/sbin");
        std::fs::create_dir_all(&dir).unwrap();
        let root = DiskRootfs::open(top.path()).unwrap();
        let before = std::fs::metadata(&dir).unwrap().mtime_nsec();
        let policy = Policy::place(&root).unwrap().unwrap();
        let file = dir.join("policy-rc.d");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o755);
        assert!(Policy::place(&root).unwrap().is_none(), "there is one now");
        drop(policy);
        assert!(!file.exists());
        assert_eq!(std::fs::metadata(&dir).unwrap().mtime_nsec(), before);

        std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
        assert!(Policy::place(&root).unwrap().is_none());
        assert!(!Policy::sweep(&root.reopen().unwrap()).unwrap());
        assert!(file.exists(), "somebody else's");

        std::fs::write(&file, TEXT).unwrap();
        assert!(Policy::sweep(&root.reopen().unwrap()).unwrap());
        assert!(!file.exists(), "left by a run that was killed");
        assert!(!Policy::sweep(&root.reopen().unwrap()).unwrap());

        let new = dir.join(NEW);
        std::fs::write(&new, "").unwrap();
        std::fs::write(&file, "#!/bin/sh\nexit 0\n").unwrap();
        assert!(!Policy::is_there(&root.reopen().unwrap()).unwrap());
        assert!(Policy::sweep(&root.reopen().unwrap()).unwrap());
        assert!(!new.exists() && file.exists(), "cut off while it was written; theirs stays");
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&new, "#!").unwrap();
        drop(Policy::place(&root.reopen().unwrap()).unwrap().unwrap());
        assert!(!new.exists() && !file.exists());
    }
}
