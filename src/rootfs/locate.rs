//! Following links by name, for images that are not (only) a directory on disk.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use super::{FileKind, ImagePath, Location, Stat};
use crate::error::{Error, Result};

/// As many links as Linux follows in one look-up.
pub(super) const MAX_LINKS: usize = 40;

/// The components of a link's text. A slash at its end is a `.`: what stands before it must be a
/// directory.
pub(super) fn components(target: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    let last: &[u8] = if target.ends_with(b"/") { b"." } else { b"" };
    target.split(|b| *b == b'/').chain([last]).filter(|part| !part.is_empty())
}

/// Resolves `path` with `stat` and `read_link`, which are only asked about paths without links.
pub(super) fn locate(
    path: &ImagePath,
    follow_last: bool,
    stat: impl Fn(&ImagePath) -> Result<Option<Stat>>,
    read_link: impl Fn(&ImagePath) -> Result<Vec<u8>>,
) -> Result<Location> {
    let mut todo: VecDeque<OsString> = path.components().map(OsString::from).collect();
    let mut at = ImagePath::root();
    let mut at_stat = None;
    let mut links = 0;
    // Below a missing entry or a non-directory nothing can exist; the rest is only a name.
    let mut nothing_below = false;
    while let Some(name) = todo.pop_front() {
        if name == ".." {
            // Below something missing `..` does not lead back: the kernel says ENOENT.
            at = at.parent().unwrap_or(at);
            at_stat = None;
            continue;
        }
        if name == "." {
            // `file/.` is nothing; the kernel says ENOTDIR.
            if nothing_below {
                at_stat = None;
            }
            continue;
        }
        let next = at.join(&name)?;
        let found = if nothing_below { None } else { stat(&next)? };
        match found {
            Some(s) if s.kind == FileKind::Symlink && (follow_last || !todo.is_empty()) => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Error::LinkLoop { path: path.clone() });
                }
                let target = read_link(&next)?;
                if target.first() == Some(&b'/') {
                    at = ImagePath::root();
                }
                at_stat = None;
                for part in components(&target).rev() {
                    todo.push_front(OsString::from_vec(part.to_vec()));
                }
            }
            other => {
                nothing_below = other.is_none_or(|s| s.kind != FileKind::Dir);
                at = next;
                at_stat = other;
            }
        }
    }
    if at_stat.is_none() && !nothing_below {
        at_stat = stat(&at)?;
    }
    debug_assert!(!at.as_bytes().is_empty() && at.relative().as_bytes() != b"..");
    Ok(Location { path: at, stat: at_stat })
}
