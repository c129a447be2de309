//! Files of this machine that hold a profile.

use std::io::Read;
use std::path::{Path, PathBuf};

use nix::sys::stat::stat;

use crate::error::{Error, Result, cannot};
use crate::rootfs::{FileKind, Stat};

/// A file of a profile may be this large (bytes); the largest embedded one has a twentieth of it.
const FILE_LIMIT: u64 = 1 << 20;

/// The `*.toml` files of a directory, `profile.toml` first.
///
/// # Errors
/// [`Error::Host`] when it cannot be listed.
#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
pub(super) fn of_dir(dir: &Path) -> Result<Vec<PathBuf>> {
    let fail = |e| Error::host(cannot::read_the_profile, dir, e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            names.push(path);
        }
    }
    names.sort_by_key(|p| (p.file_name().is_none_or(|n| n != "profile.toml"), p.clone()));
    Ok(names)
}

/// Whether a path leads to a directory.
pub(super) fn is_dir(path: &Path) -> bool {
    stat(path).is_ok_and(|s| Stat::of(&s).kind == FileKind::Dir)
}

/// The path without links and dots, to know a file again; as it is when there is no such file.
#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
pub(super) fn real(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// The text of one file of a profile. Only a regular file is opened: a pipe would never end.
///
/// # Errors
/// [`Error::Host`] when it cannot be read, [`Error::Profile`] for what is no text file.
#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
pub(super) fn text(path: &Path) -> Result<String> {
    let fail = |e| Error::host(cannot::read_the_profile, path, e);
    let wrong = |what: String| Error::Profile(format!("{}{what}", path.display()));
    let kind = stat(path).map(|s| Stat::of(&s).kind).map_err(|e| fail(e.into()))?;
    if kind != FileKind::File {
        return Err(wrong(format!(": found a {kind}, want a regular file; move it away")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(wrong(format!(": found more than {FILE_LIMIT} bytes; want a smaller file")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let offset = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count();
        wrong(format!(":{line}: byte {offset} is not UTF-8; want a text file"))
    })
}
