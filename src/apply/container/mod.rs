//! The container in which programs of a tree run: package scripts, and the validators.
//!
//! What runs here reaches the tree and nothing of the machine: not its files, processes, name,
//! terminal, devices, kernel log, or (except for a fetch) network. Each step has namespaces of its
//! own, a root entered by `pivot_root` with the old one detached, a small bounding set of
//! capabilities, `no_new_privs`, a seccomp filter and resource limits, and ends whole: the kernel
//! ends every process of it with its first one. If a protection cannot be set, the step is
//! refused.
//!
//! ```text
//! gokaku ── run.rs ──> keeper.rs (gokaku again; dies with gokaku) ──> init.rs (process 1 inside)
//!                      puts policy-rc.d, ends the step                enter.rs: namespaces, root
//!                                                                     kernel.rs: /proc /sys /dev
//!                                                                     confine.rs, filter.rs
//! ```
//!
//! On the program's own root there is nothing to enter: its scripts are the machine's own.

mod confine;
mod enter;
mod filter;
mod group;
mod init;
mod job;
mod keeper;
mod kernel;
pub(crate) mod messages;
mod mounts;
mod output;
mod policy;
mod run;
mod view;
mod words;

pub(super) use group::sweep as sweep_groups;
pub(super) use job::{Job, MISSING, NOT_STARTED, REFUSED, RunsIn, SCRATCH_INSIDE, Task};
pub use keeper::serve;
pub(super) use messages::ways_out;
pub(super) use policy::{PATH as POLICY_PATH, Policy};
pub(super) use run::{Request, run};
pub(super) use view::{Put, View};
pub(super) use words::{line, words};

/// The environment of every program in a container that is about the machine: none of it.
pub(super) const ENVIRONMENT: [(&str, &str); 2] =
    [("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), ("LC_ALL", "C")];
