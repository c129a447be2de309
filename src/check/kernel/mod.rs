//! The kernel: parameters, modules and its command line.

pub mod boot_argument;
pub mod kernel_module;
pub(crate) mod messages;
pub mod sysctl;
