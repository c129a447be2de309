//! What `--root` names: a directory, or an archive, which is only read.

use std::path::Path;

use super::messages;
use crate::error::{Error, Result};
use crate::rootfs::{ArchiveRootfs, DiskRootfs, Rootfs, Source};

/// An open root.
pub(super) struct Root {
    pub rootfs: Box<dyn Rootfs>,
    /// The directory of a layout.
    layout: Option<DiskRootfs>,
    /// The file that no report may be written over, by device and number.
    pub file: Option<(u64, u64)>,
}

impl Root {
    /// Opens what `path` names.
    ///
    /// # Errors
    /// [`Error::Guard`] for an archive that is to be written; those of [`DiskRootfs::open`] and
    /// [`ArchiveRootfs::open`].
    pub fn open(path: &Path, writes: bool) -> Result<Root> {
        let source = match Source::of(path) {
            Some(source) if !writes => source,
            _ => {
                let root = to_write(path)?;
                return Ok(Root { rootfs: Box::new(root), layout: None, file: None });
            }
        };
        let archive = ArchiveRootfs::open(&source)?;
        let (layout, file) = match identity(source.path()) {
            Some(file) => (None, Some(file)),
            None => (Some(DiskRootfs::open(source.path())?), None),
        };
        Ok(Root { rootfs: Box::new(archive), layout, file })
    }

    /// The directory that no report may lie in: the root, or that of a layout.
    pub fn directory(&self) -> Option<&DiskRootfs> {
        self.rootfs.on_disk().or(self.layout.as_ref())
    }
}

/// Opens a directory for a verb that writes.
///
/// # Errors
/// [`Error::Guard`] for an archive, with what does it instead; those of [`DiskRootfs::open`].
pub(super) fn to_write(path: &Path) -> Result<DiskRootfs> {
    match Source::of(path) {
        None => DiskRootfs::open(path),
        Some(source) => {
            Err(Error::Guard(messages::only_read(source.to_string(), unpack(&source), APPLY)))
        }
    }
}

/// What is done with the directory that [`unpack`] makes.
const APPLY: &str = "gokaku apply --root \"$root\"";

/// The command that makes a directory, `$root`, of an archive.
fn unpack(source: &Source) -> String {
    let quoted = |text: String| format!("'{}'", text.replace('\'', "'\\''"));
    match source {
        Source::Tar(path) => {
            let path = quoted(path.display().to_string());
            format!(
                "root=$(mktemp -d) && tar -C \"$root\" --numeric-owner --acls --xattrs \
                 --xattrs-include='*' -xpf {path}"
            )
        }
        image => {
            let image = quoted(image.for_buildah());
            format!("root=$(buildah mount \"$(buildah from {image})\")")
        }
    }
}

/// Device and number of a regular file; `None`: it is none.
pub(super) fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    #[allow(clippy::disallowed_methods)] // the archive itself is a path of the host
    let meta = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some((meta.dev(), meta.ino()))
}
