//! `gokaku` (合格, "pass") hardens a root filesystem to a *declared result table*, with evidence.
//!
//! The embedded profile is AKS's published table for the CIS Ubuntu 18.04 LTS benchmark v2.1.0:
//! every row that passes there is enforced, every other row is left exactly as found.
//!
//! A program that uses the library calls [`run`]: it judges, plans and hardens, with the guards in it.
//!
//! ```no_run
//! use gokaku::report::text::{Style, render};
//! use gokaku::rootfs::DiskRootfs;
//! use gokaku::run::{Hardening, Options};
//!
//! let profile = gokaku::Profile::embedded()?;
//! let root = DiskRootfs::open("/mnt/image")?;
//! let options = Options::new().protect("deploy");
//! let hardening = Hardening::begin(&profile, &root, &options)?; // every guard has looked
//! for change in hardening.plan().changes {
//!     print!("{}", change.diff.unwrap_or_default());
//! }
//! let done = hardening.apply()?;
//! print!("{}", render(&done.report, Style::default()));
//! # Ok::<(), gokaku::Error>(())
//! ```
//!
//! - [`run`]: a run on a root: audit, plan, harden, revert.
//! - [`rootfs`]: roots, and reading them, jailed.
//! - [`profile`]: the declared table.
//! - [`report`]: what a run found and changed, as data, as JSON and as text.
//! - [`testing`]: assertions on reports, for `cargo test`.
//! - [`message`]: what people read, as data, in English and Japanese.
//! - [`error`]: what a run can fail with.
//!
//! With `default-features = false`, the command line and its dependencies are left out. The feature
//! `internals` is for gokaku's own tests.

// Whoever can reach a type can name it: the data of every primitive, for one.
#![warn(unnameable_types)]

#[cfg(feature = "internals")]
pub mod apply;
#[cfg(not(feature = "internals"))]
mod apply;
#[cfg(feature = "internals")]
pub mod check;
#[cfg(not(feature = "internals"))]
mod check;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "internals")]
pub mod consequences;
#[cfg(not(feature = "internals"))]
mod consequences;
pub mod error;
#[cfg(feature = "cli")]
mod image;
mod lockout;
pub mod message;
#[cfg(feature = "internals")]
pub mod plan;
#[cfg(not(feature = "internals"))]
mod plan;
pub mod profile;
pub mod report;
pub mod rootfs;
pub mod run;
pub mod testing;
#[cfg(feature = "internals")]
pub mod text;
#[cfg(not(feature = "internals"))]
mod text;

pub use error::{Error, Result};
pub use profile::Profile;
pub use report::Report;
