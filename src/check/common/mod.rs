//! What several families share: directories of drop-ins, globs, budgets of includes, where a file may be written.

pub(in crate::check) mod conf_dirs;
pub(in crate::check) mod destination;
pub(in crate::check) mod glob;
pub(in crate::check) mod includes;
pub(in crate::check) mod preview;
pub(in crate::check) mod rewrite;
