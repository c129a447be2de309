//! A kernel parameter has a value at boot.

use serde::Deserialize;

use super::{Finding, Primitive};
use crate::error::Result;
use crate::rootfs::Rootfs;

/// The parameter `key` has `value` after boot, by every reader.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// The key with dots.
    pub key: String,
    /// The wanted value.
    pub value: String,
}

impl Primitive for Sysctl {
    fn audit(&self, _root: &dyn Rootfs) -> Result<Finding> {
        Err(crate::Error::Profile("this primitive is not written yet".into()))
    }
}
