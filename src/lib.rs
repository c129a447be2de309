//! `gokaku` (合格, "pass") hardens a root filesystem to a *declared result table*, with evidence.
//!
//! The embedded profile is AKS's published table for the CIS Ubuntu 18.04 LTS benchmark v2.1.0:
//! every row that passes there is enforced, every other row is left exactly as found.
//!
//! - [`profile`]: rules are data: the required state, or the reason why a row is left alone.
//! - [`check`]: what a rule can require, one primitive per file: the audit and the changes that close a gap.
//! - [`text`]: pure editors of configuration text; no paths, no files.
//! - [`rootfs`]: reading an image, jailed; the stage on which changes are tried.
//! - [`plan`]: from rules and an image to a plan, audited again before anything is written.
//! - [`lockout`]: whose next login a plan would block.
//! - [`message`]: what people read, as data, in English and Japanese.
//! - [`apply`]: the only code that writes.
//! - [`image`]: disk images as files: their contents, and what their fstab mounts where.
//! - [`report`]: findings and changes, as data and as text.
//!
//! ```
//! use gokaku::profile::Profile;
//! use gokaku::rootfs::MemoryRootfs;
//!
//! let profile = Profile::embedded()?;
//! let root = MemoryRootfs::new().file("/etc/modprobe.d/CIS.conf", "install cramfs /bin/true\n");
//! let only = ["1.1.1.1".parse()?];
//! let rules: Vec<_> = profile.rules.iter().filter(|r| only.contains(&r.id)).collect();
//! let judged = gokaku::plan::audit(&rules, &root);
//! assert_eq!(judged[0].outcome, gokaku::check::Outcome::Met);
//! # Ok::<(), gokaku::Error>(())
//! ```

// Whoever can reach a type can name it: the data of every primitive, for one.
#![warn(unnameable_types)]

pub mod apply;
pub mod check;
pub mod cli;
pub mod error;
pub mod image;
pub mod lockout;
pub mod message;
pub mod plan;
pub mod profile;
pub mod report;
pub mod rootfs;
pub mod text;

pub use error::{Error, Result};
