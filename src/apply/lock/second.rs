//! The second lock: a file in `/run/gokaku`, named by device and number of the root directory.
//!
//! Only root can open it, so no other user can hold it. It is removed when it is released; after a
//! run was killed, the next one takes it over.

use std::fs::{DirBuilder, File};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag};
use nix::sys::stat::{Mode, fstat, fstatat};
use nix::unistd::UnlinkatFlags;
use rustix::fs::{FlockOperation, flock};

use super::holders::Holders;
use crate::apply::messages;
use crate::message::{Arg, Message};
use crate::rootfs::DiskRootfs;

/// Where it lies.
pub(super) const DIR: &str = "/run/gokaku";
/// So often it is tried again when another run takes the directory or the file away meanwhile.
const TRIES: usize = 100;

/// The lock, held until the value is dropped.
pub(super) struct Second {
    dir: OwnedFd,
    name: String,
    file: OwnedFd,
}

/// What came of asking for it.
pub(super) enum Answer {
    Taken(Second),
    /// Another run has it.
    Busy(Holders),
    /// There is no place for it here; why.
    NotHere(Message),
}

impl Second {
    /// Tries to take the lock for `root`; does not wait.
    #[allow(clippy::disallowed_methods)] // the lock lies on the host
    pub fn take(root: &DiskRootfs) -> Answer {
        let Some((device, number)) = root.identity() else {
            return Answer::NotHere(messages::root_not_seen());
        };
        let run = Path::new(DIR).parent().unwrap_or(Path::new("/"));
        match std::fs::metadata(run) {
            // A finished image shows no trace, be it the time of a directory.
            Ok(run) if root.is_own() && run.dev() == device => {
                return Answer::NotHere(messages::run_in_root());
            }
            Ok(_) => {}
            Err(e) => {
                return Answer::NotHere(messages::said_of(
                    run.display().to_string(),
                    Arg::cause(e),
                ));
            }
        }
        let name = format!("{device:x}-{number:x}");
        for _ in 0..TRIES {
            match try_once(&name) {
                Ok(Some(second)) => return Answer::Taken(second),
                // Taken away between two steps.
                Ok(None) | Err(Errno::ENOENT) => {}
                Err(Errno::EWOULDBLOCK) => return Answer::Busy(holder(&name)),
                Err(e) => {
                    return Answer::NotHere(messages::said_of(
                        DIR,
                        Arg::cause(std::io::Error::from(e)),
                    ));
                }
            }
        }
        Answer::Busy(holder(&name))
    }
}

#[allow(clippy::disallowed_methods)] // the lock lies on the host
fn holder(name: &str) -> Holders {
    let file = File::open(Path::new(DIR).join(name));
    file.map_or_else(|_| Holders::unseen(), |file| Holders::of_file(&file.into()))
}

/// `None`: the file was taken away before it was locked.
#[allow(clippy::disallowed_methods)] // the lock lies on the host
fn try_once(name: &str) -> nix::Result<Option<Second>> {
    match DirBuilder::new().mode(0o700).create(DIR) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => {
            return Err(Errno::from_raw(e.raw_os_error().unwrap_or(libc_eio())));
        }
        _ => {}
    }
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let dir = nix::fcntl::open(DIR, flags, Mode::empty())?;
    let stat = fstat(&dir)?;
    if stat.st_uid != users::get_effective_uid() || stat.st_mode & 0o077 != 0 {
        return Err(Errno::EPERM);
    }
    let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::from_bits_truncate(0o600);
    let file = nix::fcntl::openat(&dir, name, flags, mode)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(|e| Errno::from_raw(e.raw_os_error()))?;
    let (locked, named) = (fstat(&file)?, fstatat(&dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)?);
    let same = (locked.st_dev, locked.st_ino) == (named.st_dev, named.st_ino);
    Ok(same.then(|| Second { dir, name: name.to_owned(), file }))
}

fn libc_eio() -> i32 {
    Errno::EIO as i32
}

impl Drop for Second {
    #[allow(clippy::disallowed_methods)] // the lock lies on the host
    fn drop(&mut self) {
        // What cannot be taken away stays, and is taken over by the next run.
        let _ = nix::unistd::unlinkat(&self.dir, self.name.as_str(), UnlinkatFlags::NoRemoveDir);
        let _ = flock(&self.file, FlockOperation::Unlock);
        // Other roots may have theirs there.
        let _ = std::fs::remove_dir(DIR);
    }
}
