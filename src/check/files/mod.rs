//! Files and mounts: modes, lines, keys, options.

pub mod banner;
pub mod file_mode;
pub mod ini;
pub mod limits;
pub mod line;
pub(crate) mod messages;
pub mod mode;
pub mod mount;
pub mod tree;
