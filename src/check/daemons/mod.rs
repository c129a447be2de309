//! Daemons with a file format of their own.

pub mod local_mta;
pub mod ntp_conf;
