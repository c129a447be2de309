//! A run on a root, with its guards: what a program that uses the library calls.
//!
//! [`audit`] and [`plan`] only read, on any [`Rootfs`]. [`harden`] writes, on a directory; between
//! planning and writing, [`Hardening`] shows what would change. Each takes a profile, a root and
//! [`Options`], and each looks first whether this is the right root: there is no way to a report or
//! a change around the guards.
//!
//! | guard | refuses | except with |
//! |---|---|---|
//! | target | a root that is not the system of the profile ([`Error::OtherSystem`]) | [`Options::force_target`] |
//! | running elsewhere | the running system's root under another name ([`Error::RunningElsewhere`]) | |
//! | lock-out | a plan that ends the next SSH login of a protected account ([`Error::Lockout`]) | [`Options::allow_lockout`] |
//! | the run's own | another run at work, too few rights, a mount in the way … ([`Error::Guard`]) | |
//!
//! Invariant: everything that reaches `apply` from here has passed all of them.
//!
//! ```
//! use gokaku::Profile;
//! use gokaku::rootfs::MemoryRootfs;
//! use gokaku::run::{self, Options};
//!
//! let profile = Profile::embedded()?;
//! let root = MemoryRootfs::new()
//!     .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
//!     .file("/etc/modprobe.d/cramfs.conf", "install cramfs /bin/true\n");
//! let options = Options::new().only(["1.1.1".parse()?]);
//! let report = run::audit(&profile, &root, &options)?;
//! let row = report.row(&"1.1.1.1".parse()?).expect("a row of the profile");
//! assert_eq!(row.outcome, gokaku::report::Outcome::Met);
//! assert_eq!(report.exit_status(false), 2, "other rows do not hold");
//! # Ok::<(), gokaku::Error>(())
//! ```
//!
//! [`Error::OtherSystem`]: crate::Error::OtherSystem
//! [`Error::RunningElsewhere`]: crate::Error::RunningElsewhere
//! [`Error::Lockout`]: crate::Error::Lockout
//! [`Error::Guard`]: crate::Error::Guard

mod builder;
mod guarded;
mod guards;
mod hardening;
pub(crate) mod messages;
mod options;
mod steps;

pub(crate) use guarded::Guarded;
pub use hardening::{Hardened, Hardening};
pub use options::{Options, Packages};
pub use steps::Steps;

pub use crate::apply::{How, PutBack, Reverted, Stop};

use crate::apply;
use crate::error::Result;
use crate::profile::Profile;
use crate::report::Report;
use crate::rootfs::{DiskRootfs, Rootfs};

/// Judges every row on `root`. Writes nothing.
///
/// # Errors
/// What a guard refuses; a row that the profile does not have; accounts that cannot be read. A row
/// that cannot be judged is no error but `unknown`, with its cause.
pub fn audit(profile: &Profile, root: &dyn Rootfs, options: &Options) -> Result<Report> {
    let guarded = Guarded::selected(profile, root, options)?;
    guarded.warn(false);
    Ok(guarded.audit())
}

/// Plans what [`harden`] would change on `root`. Writes nothing. A plan that ends a login is a
/// warning here, and refused by [`harden`].
///
/// # Errors
/// As [`audit`]; rows that undo each other; what the root's own programs refuse, with
/// [`Options::validate`].
pub fn plan(profile: &Profile, root: &dyn Rootfs, options: &Options) -> Result<Report> {
    let guarded = Guarded::selected(profile, root, options)?;
    guarded.warn(false);
    guarded.plan()
}

/// Brings `root` to what the profile declares, and judges it again from the disk. Takes the right
/// to give files to any owner: root, or root of a user namespace.
///
/// # Errors
/// As [`Hardening::begin`] and [`Hardening::apply`].
pub fn harden(profile: &Profile, root: &DiskRootfs, options: &Options) -> Result<Hardened> {
    Hardening::begin(profile, root, options)?.apply()
}

/// Takes the last run on `root` back: content, modes, owners, attributes, times, links. Repeated, it
/// takes back the run before; a run that was cut off is undone instead. Of `options`, the state
/// directory, the wait and the stop count.
///
/// # Errors
/// [`Error::Guard`](crate::Error::Guard) when there is nothing to take back, when something else has
/// changed a path since, or when another run is at work; a journal that cannot be used.
pub fn revert(root: &DiskRootfs, options: &Options) -> Result<Reverted> {
    let Options { state_dir, wait, stop, .. } = options;
    apply::revert_run(root, state_dir, None, &[], *wait, stop)
}

/// Deletes the journals of `root`, so that no run on it can be taken back any more; a run that was
/// cut off is undone first. Returns how many runs there were. Of `options`, the state directory,
/// the wait and the stop count.
///
/// # Errors
/// [`Error::Guard`](crate::Error::Guard) when another run is at work; a journal that cannot be used
/// or deleted.
pub fn forget(root: &DiskRootfs, options: &Options) -> Result<usize> {
    let Options { state_dir, wait, stop, .. } = options;
    apply::forget(root, state_dir, *wait, stop)
}
