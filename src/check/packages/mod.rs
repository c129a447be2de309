//! What is installed, by dpkg's own record, and where packages come from.

pub mod apt_sources;
pub mod dpkg;
pub(crate) mod messages;
pub(in crate::check) mod ownership;
pub mod package;
pub mod updates;
pub(in crate::check) mod versions;
