//! The chain: who starts a program, under which conditions, with which command line, and so which
//! file it reads.

pub(in crate::check) mod boot;
mod cron;
mod index;
pub(in crate::check) mod jobs;
mod judged;
pub(crate) mod messages;
pub(in crate::check) mod place;
mod resolve;
mod stacks;
pub(in crate::check) mod sysv;
pub mod table;
#[cfg(test)]
mod tests;
pub(in crate::check) mod unit_files;
pub(in crate::check) mod units;

pub(in crate::check) use place::Place;

pub(in crate::check) use index::Index;

pub(in crate::check) use boot::Cause;
pub(in crate::check) use boot::command::Word;
#[cfg(feature = "internals")]
pub use judged::OtherFile;
pub(in crate::check) use judged::judged;
pub use judged::{ChainLine, Consumes};
pub(in crate::check) use resolve::{
    Chain, followed_file, has_init, main_file, resolve, unit_starts, unit_stays,
};
