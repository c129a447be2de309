//! Daemons with a file format of their own.

pub mod local_mta;
pub(crate) mod messages;
pub mod ntp_conf;
