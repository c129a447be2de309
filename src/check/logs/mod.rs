//! System logs: what is written where, with which mode, and that it is rotated.

mod keeping;
pub mod log_rotation;
pub(crate) mod messages;
mod nobody;
mod route;
pub(in crate::check) mod rsyslog;
pub mod rsyslog_create_mode;
pub mod rsyslog_routing;
