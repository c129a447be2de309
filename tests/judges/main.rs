//! Judges that are not us: the programs that read the hardened files say what they mean.
//!
//! Each module asks one reader: sshd, modprobe, systemd, logrotate, PAM, a second parser of
//! configuration files, an auditor. The programs are the tree's own, run inside it (`bench`), so
//! that the words of the version that will read the files count, and nothing of this machine is
//! read or touched. The `*_alike` modules feed one made-up input to a program and to our reader of
//! the same format, and want the same answer; their seed is printed and can be given.
//!
//! A judge that is not here is said loudly and skipped.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod ageing_alike;
mod alike;
mod augeas;
mod bench;
mod boot_alike;
mod defaults_alike;
mod dice;
mod limits_alike;

mod logs;
mod modprobe;
mod modprobe_alike;
mod mounts;
mod mounts_alike;
mod never_looser;
mod openscap;
mod rsyslog_alike;
mod shells_alike;
mod sshd;
mod sshd_alike;
mod sshd_refuses;
mod stacks;
mod sysctl;
mod sysctl_alike;
mod units;
mod units_alike;
