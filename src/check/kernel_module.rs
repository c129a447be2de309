//! A kernel module cannot be loaded (modprobe's `install` policy).

use serde::Deserialize;

use super::{Finding, Primitive};
use crate::error::Result;
use crate::rootfs::Rootfs;

/// The module `name` answers a load request with `/bin/true`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelModule {
    /// The module's name; `-` and `_` are the same.
    pub name: String,
}

impl Primitive for KernelModule {
    fn audit(&self, _root: &dyn Rootfs) -> Result<Finding> {
        Err(crate::Error::Profile("this primitive is not written yet".into()))
    }
}
