//! What several families share: directories of drop-ins, globs, budgets of includes, where a file may
//! be written, how files of our own are named.

pub(in crate::check) mod conf_dirs;
pub(in crate::check) mod destination;
pub(in crate::check) mod glob;
pub(in crate::check) mod includes;
pub(crate) mod messages;
pub(in crate::check) mod openness;
pub(in crate::check) mod own_file;
pub(in crate::check) mod preview;
pub(in crate::check) mod remedy;
pub(in crate::check) mod rewrite;
