//! The reports, read by the programs that they are written for.
//!
//! Readers that come by name from the package registries are installed below `target/interop`; where
//! they cannot be had, the test says so loudly and is skipped.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod bench;
mod csv;
mod hdf;
mod html;
mod intoto;
mod junit;
mod markdown;
mod matrix;
mod patch;
mod sarif;
#[path = "../support/mod.rs"]
mod support;
mod tools;
mod xccdf;
