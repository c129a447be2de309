//! Trees, users and places that mean harm: nothing outside is read or written, nothing inside is
//! lost, no secret shows, and every run ends.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../support/cases.rs"]
mod cases;
#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod broken;
mod keys;
mod mounts;
mod names;
mod paths;
mod privileges;
mod races;
mod secrets;
mod size;
mod state;
mod trap;
