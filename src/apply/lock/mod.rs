//! The locks of a root: one run at a time.
//!
//! The first is on the root directory itself (`flock`): runs through other paths, bind mounts and
//! containers exclude each other, and nothing is left behind. But whoever can open a directory can lock it.
//! Where all who hold it are accounts that may not write there, a run ignores it and leaves a
//! mark instead (a record lock on the same directory), which every run checks. The second lock
//! ([`second`]) is root's alone, and held either way.

mod holders;
mod second;

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};

use super::Stop;
use crate::apply::messages;
use crate::error::{Error, Result, cannot};
use crate::message::{Message, say};
use crate::rootfs::{DiskRootfs, ImagePath, Links};

use holders::{Holders, WriteAccess};
use second::{Answer, Second};

/// The time between two tries. The kernel could wait for us, but would not return for a signal that
/// has a handler.
const PAUSE: Duration = Duration::from_millis(50);
/// While it waits, a run looks through all processes for holders once in so many tries.
const LOOK: u32 = 20;
/// The byte of the root directory that a run marks which has passed the first lock over.
const MARK: libc::off_t = 0x676f_6b61;

/// Both locks, held until the value is dropped.
pub(super) struct Lock {
    first: OwnedFd,
    _second: Option<Second>,
}

/// What came of one try.
enum Try {
    Taken(Option<Second>),
    /// Somebody else is at work; who, as far as that was looked for.
    Busy(Option<Holders>),
}

impl Lock {
    /// Takes the locks of `root`. While another run holds one, tries again until `wait` has passed
    /// or `stop` asks to end.
    ///
    /// # Errors
    /// [`Error::Guard`] when the other run still holds it; [`Error::Stopped`]; the kernel's refusal.
    pub fn take(root: &DiskRootfs, wait: Duration, stop: &Stop) -> Result<Lock> {
        let top = ImagePath::root();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let fd = root
            .open_at(&top, flags, Links::Refuse)
            .map_err(|e| Error::target(cannot::open_the_root_for_locking, &top, e))?;
        let place = WriteAccess::of(root, &fd);
        let shown = root.host_path().display().to_string();
        let begin = Instant::now();
        let mut announced = false;
        let mut name = Message::value(&*shown);
        for tries in 0_u32.. {
            let look = tries % LOOK == 0;
            let fail = |e: Errno| Error::target(cannot::lock_the_root, &top, e);
            match attempt(root, &fd, &place, look).map_err(fail)? {
                Try::Taken(second) => return Ok(Lock { first: fd, _second: second }),
                Try::Busy(Some(holders)) => {
                    name = messages::locked_by(&shown, holders.message());
                }
                Try::Busy(None) => {}
            }
            stop.check()?;
            let left = wait.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return Err(Error::Guard(match wait.is_zero() {
                    true => messages::busy(name),
                    false => messages::busy_still(name, format!("{wait:?}")),
                }));
            }
            if !announced {
                announced = true;
                say!(info, phase = "lock", seconds = wait.as_secs();
                    messages::waiting(&name, format!("{wait:?}")));
            }
            std::thread::sleep(left.min(PAUSE));
        }
        unreachable!("u32::MAX tries are years")
    }

    /// What is locked; whoever has a copy of it shares the lock.
    #[cfg(test)]
    pub fn descriptor(&self) -> &OwnedFd {
        &self.first
    }
}

impl Drop for Lock {
    /// Unlocks before closing. A child that another thread is starting has a copy of every
    /// descriptor until it executes its program; the lock would stay with that copy.
    fn drop(&mut self) {
        release(&self.first);
    }
}

/// One try for both locks. `look`: find out who holds them, and whether that counts.
fn attempt(root: &DiskRootfs, fd: &OwnedFd, place: &WriteAccess, look: bool) -> Result<Try, Errno> {
    let passed_over = match retry_on_intr(|| flock(fd, FlockOperation::NonBlockingLockExclusive)) {
        Ok(()) => {
            // Runs that have passed it over do not hold it.
            if is_marked(fd) {
                let holders = Holders::find(fd, place, false);
                if holders.count() {
                    release(fd);
                    return Ok(Try::Busy(Some(holders)));
                }
            }
            None
        }
        Err(Errno::WOULDBLOCK) if !look => return Ok(Try::Busy(None)),
        Err(Errno::WOULDBLOCK) => {
            let holders = Holders::find(fd, place, true);
            if holders.count() {
                return Ok(Try::Busy(Some(holders)));
            }
            Some(holders)
        }
        Err(e) => return Err(e),
    };
    let second = match Second::take(root) {
        Answer::Taken(second) => Some(second),
        Answer::Busy(holders) => {
            release(fd);
            return Ok(Try::Busy(look.then_some(holders)));
        }
        Answer::NotHere(why) => {
            say!(debug, messages::no_second_lock(why));
            None
        }
    };
    if let Some(holders) = passed_over {
        // Without the second lock, nothing would keep others out. Nor may a run have come between.
        let now = (second.is_some() && set_mark(fd, libc::F_RDLCK))
            .then(|| Holders::find(fd, place, true));
        if now.as_ref().is_none_or(Holders::count) {
            release(fd);
            return Ok(Try::Busy(Some(now.unwrap_or(holders))));
        }
        say!(
            warn,
            messages::lock_passed_over(
                root.host_path().display().to_string(),
                holders.message(),
                second::DIR,
            )
        );
    }
    Ok(Try::Taken(second))
}

/// Lets go of the first lock and the mark.
fn release(fd: &OwnedFd) {
    // When these fail, closing the descriptor is all that is left to do.
    set_mark(fd, libc::F_UNLCK);
    let _ = flock(fd, FlockOperation::Unlock);
}

fn record(kind: libc::c_int, at: libc::off_t) -> libc::flock {
    libc::flock {
        l_type: kind as _,
        l_whence: libc::SEEK_SET as _,
        l_start: at,
        l_len: 1,
        l_pid: 0,
    }
}

fn set_mark(fd: &OwnedFd, kind: libc::c_int) -> bool {
    fcntl(fd, FcntlArg::F_OFD_SETLK(&record(kind, MARK))).is_ok()
}

/// Whether another open file of the directory has the mark.
fn is_marked(fd: &OwnedFd) -> bool {
    let mut asked = record(libc::F_WRLCK, MARK);
    match fcntl(fd, FcntlArg::F_OFD_GETLK(&mut asked)) {
        Ok(_) => i32::from(asked.l_type) != libc::F_UNLCK,
        // No such locks here, and so no marks.
        Err(_) => false,
    }
}
