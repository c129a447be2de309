//! What ships in `provision/` for image pipelines, driven by the real programs: Packer over ssh to
//! an sshd in a test root, disk images on loop devices, and the commands of `docs/pipelines.md`.
//!
//! A program that is not here is named loudly and its test skipped. The build of a virtual machine
//! by Packer takes longer and is `vm-tests/packer.sh`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "../support/mod.rs"]
mod support;

mod ci;
mod image;
mod image_containers;
mod image_ends;
mod image_hostile;
mod image_layouts;
mod image_moments;
mod image_room;
mod image_schema;
mod machine;
mod packer;
mod recipes;
