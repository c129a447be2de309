//! What shells start with: umask, search path and variables.

pub mod default_umask;
pub(crate) mod messages;
pub mod root_path;
pub mod shell_var;
