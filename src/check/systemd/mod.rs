//! systemd: which units start, and what its daemons read.

pub(crate) mod messages;
pub mod service;
pub mod services_review;
pub mod systemd_conf;
pub mod time_sync;
