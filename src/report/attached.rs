//! What a run knows beside its report, for the formats that need it.

use super::fixes::{Fixes, Patch};

/// What a run knows beside its report. It is in no saved report: a diff there is without secrets, so
/// nothing can be made of it.
#[derive(Debug, Default)]
pub struct Attached {
    /// All that a plan changes; of a plan that was made with
    /// [`Options::fixes`](crate::run::Options::fixes).
    pub patch: Option<Patch>,
    /// What each row changes; of a run with the same option.
    pub fixes: Fixes,
    /// What the report is about, for a statement about it.
    pub subjects: Vec<Artifact>,
}

/// A file that a statement is about: an image, an archive, a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its name, without its directory; `None` where only the digest is known.
    pub name: Option<String>,
    /// SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}
