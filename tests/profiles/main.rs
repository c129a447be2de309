//! A site's own profile: layers over the table, their mistakes, and what they make of a root.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "../support/cases.rs"]
mod cases;
mod laws;
mod layers;
mod merged;
mod mistakes;
mod page;
mod program;
mod schema;
#[path = "../support/mod.rs"]
mod support;
mod tailoring;
mod verbs;
mod waivers;

use gokaku::profile::{Profile, ProfileFiles, Rule};

/// The files of the embedded table.
pub fn table() -> ProfileFiles {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/aks-ubuntu-18.04");
    ProfileFiles::from_dir(dir.as_ref()).unwrap()
}

/// The embedded table with one layer over it.
pub fn with(layer: &str) -> gokaku::Result<Profile> {
    table().with_layer("site.toml", layer).parse()
}

/// A row of a profile.
pub fn row<'p>(profile: &'p Profile, id: &str) -> &'p Rule {
    profile.rule(&id.parse().unwrap()).unwrap()
}

/// The value of a variable.
pub fn var<'p>(profile: &'p Profile, name: &str) -> &'p str {
    &profile.vars.iter().find(|var| var.name == name).unwrap().value
}
