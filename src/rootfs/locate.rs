//! Following links by name, for images that are not (only) a directory on disk.

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt;

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
    // Walked up to `walked`: the path, then each link's text with the rest of the way behind it.
    let mut way = Cow::Borrowed(path.as_bytes());
    let mut walked = 0;
    let mut at = ImagePath::root();
    let mut at_stat = None;
    let mut links = 0;
    // Below a missing entry or a non-directory nothing can exist; the rest is only a name.
    let mut nothing_below = false;
    while let Some((name, end)) = component(&way, walked) {
        walked = end;
        if name == b".." {
            // Below something missing `..` does not lead back: the kernel says ENOENT.
            at.pop();
            at_stat = None;
            continue;
        }
        if name == b"." {
            // `file/.` is nothing; the kernel says ENOTDIR.
            if nothing_below {
                at_stat = None;
            }
            continue;
        }
        at.push(name)?;
        let found = if nothing_below { None } else { stat(&at)? };
        match found {
            Some(s)
                if s.kind == FileKind::Symlink
                    && (follow_last || component(&way, walked).is_some()) =>
            {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Error::LinkLoop { path: path.clone() });
                }
                let target = read_link(&at)?;
                at.pop();
                if target.first() == Some(&b'/') {
                    at = ImagePath::root();
                }
                at_stat = None;
                let directory: &[u8] = if target.ends_with(b"/") { b"." } else { b"" };
                way = Cow::Owned([&target, directory, b"/", &way[walked..]].concat());
                walked = 0;
            }
            other => {
                nothing_below = other.is_none_or(|s| s.kind != FileKind::Dir);
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

/// The first component of `way` from the byte `from` on, and where it ends.
fn component(way: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let start = from + way[from..].iter().position(|b| *b != b'/')?;
    let end = way[start..].iter().position(|b| *b == b'/').map_or(way.len(), |at| start + at);
    Some((&way[start..end], end))
}
