//! `apply --packages apply` with the real dpkg and apt-get of a root filesystem.
//!
//! Most packages here are tiny ones made on the spot under the names that rules look for, in a
//! repository of files inside the root; their scripts do what a test needs: look around, kill
//! dpkg, fill time. One test takes the real packages (`tests/forbidden-debs.sh`).
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../support/mod.rs"]
mod support;

mod bench;
mod bounds;
mod carried_out;
mod cut_short;
mod hostile;
mod killed;
mod limits;
mod ordinary;
