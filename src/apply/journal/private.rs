//! Files of this machine that only their owner can read or replace.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;

use crate::apply::messages;
use crate::apply::state;
use crate::error::{Error, Result, cannot};

/// Makes a directory only its owner can enter; one that others can write to is refused.
#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(in crate::apply) fn make_dir(dir: &Path) -> Result<()> {
    let missing: Vec<&Path> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| Error::host(cannot::make_the_journal_directory, dir, e))?;
    for above in missing.into_iter().filter_map(Path::parent) {
        sync_dir(if above.as_os_str().is_empty() { Path::new(".") } else { above })?;
    }
    own_dir(dir)
}

/// The names in a directory of ours; `None`: there is none. (The standard library's listing panics
/// when closing fails.)
pub(super) fn list(dir: &Path) -> Result<Option<Vec<OsString>>> {
    let fail = |e| Error::host(cannot::read_the_journal_directory, dir, e);
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mut opened = match Dir::open(dir, flags, Mode::empty()) {
        Ok(opened) => opened,
        Err(Errno::ENOENT) => return Ok(None),
        Err(e) => return Err(fail(e)),
    };
    let mut names = Vec::new();
    for entry in opened.iter() {
        let name = entry.map_err(fail)?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(Some(names))
}

/// Whether a directory stands there, not followed. What is gone meanwhile was one.
#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn is_dir(path: &Path) -> Result<bool> {
    match std::fs::symlink_metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
        answer => answer
            .map(|meta| meta.is_dir())
            .map_err(|e| Error::host(cannot::look_at_the_journal, path, e)),
    }
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn remove_file(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        answer => answer.map_err(|e| Error::host(cannot::remove_the_journal, file, e)),
    }
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn remove_empty(dir: &Path) -> Result<bool> {
    match std::fs::remove_dir(dir) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(e) => Err(Error::host(cannot::remove_the_journal_directory, dir, e)),
    }
}

/// Refuses a directory that is not ours alone.
#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn own_dir(dir: &Path) -> Result<()> {
    // Again, now that it is there: somebody may have been quicker with a directory above it.
    state::is_safe(dir)?;
    let meta = std::fs::symlink_metadata(dir)
        .map_err(|e| Error::host(cannot::look_at_the_journal_directory, dir, e))?;
    use std::os::unix::fs::MetadataExt;
    let mode = meta.permissions().mode() & 0o7777;
    if !meta.is_dir() || meta.uid() != users::get_effective_uid() || mode & 0o077 != 0 {
        return Err(Error::Journal {
            path: dir.display().to_string(),
            why: messages::open_journal_dir(
                format!("{mode:04o}"),
                meta.uid(),
                users::get_effective_uid(),
            ),
        });
    }
    Ok(())
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    // The directory says enough, and a long digest looks like a secret to whoever hides those.
    let shown = path.parent().unwrap_or(path);
    let fail = |e| Error::host(cannot::write_the_journal_in, shown, e);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).map_err(fail)?;
    file.write_all(content).map_err(fail)?;
    file.sync_all().map_err(fail)
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn sync_dir(dir: &Path) -> Result<()> {
    std::fs::File::open(dir)
        .and_then(|f| f.sync_all())
        .map_err(|e| Error::host(cannot::sync_the_journal_directory, dir, e))
}
