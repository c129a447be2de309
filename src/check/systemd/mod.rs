//! systemd: which units start, and what its daemons read.

pub(crate) mod messages;
pub mod service;
pub mod services_review;
pub mod systemd_conf;
pub(in crate::check) mod sysv;
pub mod time_sync;
pub(in crate::check) mod unit_files;
pub(in crate::check) mod units;
