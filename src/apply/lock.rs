//! The lock of a root: one run at a time.
//!
//! It is on the root directory itself (`flock`): runs through different paths meet, and nothing is
//! left behind.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use rustix::fs::{FlockOperation, flock};
use rustix::io::{Errno, retry_on_intr};

use super::Stop;
use crate::error::{Error, Result};
use crate::rootfs::{DiskRootfs, ImagePath, Links};

/// The time between two tries. The kernel could wait for us, but would not return for a signal that
/// has a handler.
const PAUSE: Duration = Duration::from_millis(50);

/// The lock, held until the value is dropped.
pub(super) struct Lock(OwnedFd);

impl Lock {
    /// Takes the lock of `root`. While another run holds it, tries again until `wait` has passed or
    /// `stop` asks to end.
    ///
    /// # Errors
    /// [`Error::Guard`] when the other run still holds it; [`Error::Stopped`]; the kernel's refusal.
    pub fn take(root: &DiskRootfs, wait: Duration, stop: &Stop) -> Result<Lock> {
        let top = ImagePath::root();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let fd = root
            .open_at(&top, flags, Links::Refuse)
            .map_err(|e| Error::target("open the root for locking", &top, e))?;
        let shown = root.host_path().display();
        let begin = Instant::now();
        let mut announced = false;
        loop {
            match retry_on_intr(|| flock(&fd, FlockOperation::NonBlockingLockExclusive)) {
                Ok(()) => return Ok(Lock(fd)),
                Err(Errno::WOULDBLOCK) => {}
                Err(e) => return Err(Error::target("lock the root", &top, e)),
            }
            stop.check()?;
            let left = wait.saturating_sub(begin.elapsed());
            if left.is_zero() {
                let waited = match wait.is_zero() {
                    true => String::new(),
                    false => format!(", or give a longer --wait (waited {wait:?})"),
                };
                return Err(Error::Guard(format!(
                    "{shown}: another run is at work on this root; wait until it has ended{waited}"
                )));
            }
            if !announced {
                announced = true;
                log::info!(
                    phase = "lock", seconds = wait.as_secs();
                    "{shown}: another run is at work on this root; waiting for it, at most {wait:?}"
                );
            }
            std::thread::sleep(left.min(PAUSE));
        }
    }

    /// What is locked; whoever has a copy of it shares the lock.
    #[cfg(test)]
    pub fn descriptor(&self) -> &OwnedFd {
        &self.0
    }
}

impl Drop for Lock {
    /// Unlocks before closing. A child that another thread is starting has a copy of every
    /// descriptor until it executes its program; the lock would stay with that copy.
    fn drop(&mut self) {
        // When this fails, closing the descriptor is all that is left to do.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}
