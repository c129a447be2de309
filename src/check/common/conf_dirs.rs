//! Configuration directories that are read together: `/etc` over `/run` over the vendor's.
//!
//! A file of the same name in a directory of higher rank hides the lower one; the rest is read in
//! the byte order of the names. Readers differ in which names count and in the ranks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};

/// One entry of such a directory.
#[derive(Debug)]
pub(in crate::check) struct Entry {
    /// Its name.
    pub name: OsString,
    /// Where the reader finds it.
    pub listed: ImagePath,
    /// Where that leads, links followed.
    pub real: ImagePath,
    /// What it holds.
    pub body: Body,
}

/// What an entry holds.
#[derive(Debug)]
pub(in crate::check) enum Body {
    /// A regular file.
    Text(String),
    /// A link to `/dev/null`: hides, and says nothing.
    Null,
    /// A link that leads nowhere: hides, and cannot be opened.
    Dangling,
    /// A directory.
    Dir,
}

impl Entry {
    /// The text; empty where there is none.
    pub fn text(&self) -> &str {
        match &self.body {
            Body::Text(text) => text,
            _ => "",
        }
    }

    /// Whether it can be edited: a regular file that is, links followed, below `/etc`.
    pub fn is_editable(&self) -> bool {
        matches!(self.body, Body::Text(_)) && in_etc(&self.real)
    }

    /// Whether the reader finds it in `dir`.
    pub fn is_listed_in(&self, dir: &str) -> bool {
        self.listed.as_bytes().starts_with(dir.as_bytes())
            && self.listed.as_bytes().get(dir.len()) == Some(&b'/')
    }

    /// Whether it belongs to the distribution: never edited, but hidden by the same name in `/etc`.
    pub fn is_vendor(&self) -> bool {
        ["/lib", "/usr/lib", "/usr/local/lib"].iter().any(|dir| self.is_listed_in(dir))
    }
}

/// Whether a resolved path lies below `/etc`.
fn in_etc(path: &ImagePath) -> bool {
    path.as_bytes().starts_with(b"/etc/")
}

/// The entries of `dir` whose names `wanted` takes, sorted; none when there is no such directory.
///
/// # Errors
/// An entry that cannot be read, is not text, or is neither file, directory nor link to one.
pub(in crate::check) fn read_dir(
    root: &dyn Rootfs,
    dir: &str,
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<Entry>> {
    let dir = ImagePath::parse(dir)?;
    let mut out = Vec::new();
    for name in root.list(&dir)?.unwrap_or_default().iter() {
        if wanted(name.as_bytes())
            && let Some(entry) = read_entry(root, &dir.join(name)?)?
        {
            out.push(entry);
        }
    }
    Ok(out)
}

/// The entry at `listed`; `None` when nothing stands there.
///
/// # Errors
/// As [`read_dir`].
pub(in crate::check) fn read_entry(root: &dyn Rootfs, listed: &ImagePath) -> Result<Option<Entry>> {
    let Some(name) = listed.file_name().map(OsString::from) else { return Ok(None) };
    if root.stat(listed)?.is_none() {
        return Ok(None);
    }
    let at = root.locate(listed)?;
    // `/dev` of an image may be empty or hold anything; at boot this is the null device.
    let body = if at.path.as_bytes() == b"/dev/null" {
        Body::Null
    } else {
        match at.stat.map(|s| s.kind) {
            None => Body::Dangling,
            Some(FileKind::Dir) => Body::Dir,
            Some(_) => match root.read(listed)? {
                Some(text) => Body::Text(text),
                None => Body::Dangling,
            },
        }
    };
    Ok(Some(Entry { name, listed: listed.clone(), real: at.path, body }))
}

/// What a reader takes from directories given from the highest rank to the lowest, in the order in
/// which it reads. `counts`: which entries it sees at all.
pub(in crate::check) fn layered<'e>(
    ranks: &[&'e [Entry]],
    counts: impl Fn(&Entry) -> bool,
) -> Vec<&'e Entry> {
    let mut by_name: BTreeMap<&[u8], &Entry> = BTreeMap::new();
    for entry in ranks.iter().copied().flatten().filter(|e| counts(e)) {
        by_name.entry(entry.name.as_bytes()).or_insert(entry);
    }
    by_name.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn a_higher_directory_hides_by_name() {
        let root = MemoryRootfs::new()
            .file("/etc/x.d/b.conf", "etc")
            .link("/etc/x.d/c.conf", "/dev/null")
            .link("/etc/x.d/d.conf", "nowhere")
            .dir("/etc/x.d/e.conf", 0o755, 0, 0)
            .file("/etc/x.d/z.bak", "")
            .file("/lib/x.d/a.conf", "lib")
            .file("/lib/x.d/b.conf", "hidden")
            .file("/lib/x.d/c.conf", "hidden")
            .file("/lib/x.d/d.conf", "hidden")
            .file("/lib/x.d/e.conf", "seen by some");
        let conf = |name: &[u8]| name.ends_with(b".conf");
        let etc = read_dir(&root, "/etc/x.d", conf).unwrap();
        let lib = read_dir(&root, "/lib/x.d", conf).unwrap();
        let none = read_dir(&root, "/run/x.d", conf).unwrap();
        let shown = |files: Vec<&Entry>| -> Vec<String> {
            files.iter().map(|e| format!("{}={}", e.listed, e.text())).collect()
        };
        assert_eq!(
            shown(layered(&[&etc, &none, &lib], |e| !matches!(e.body, Body::Dir))),
            [
                "/lib/x.d/a.conf=lib",
                "/etc/x.d/b.conf=etc",
                "/etc/x.d/c.conf=",
                "/etc/x.d/d.conf=",
                "/lib/x.d/e.conf=seen by some",
            ]
        );
        assert_eq!(shown(layered(&[&etc, &lib], |_| true))[4], "/etc/x.d/e.conf=");
        assert!(lib[0].is_vendor() && !lib[0].is_editable());
        assert!(!etc[0].is_vendor() && etc[0].is_editable() && !etc[1].is_editable());
    }

    #[test]
    fn what_cannot_be_judged_is_an_error() {
        let list = |root: MemoryRootfs| read_dir(&root, "/etc/x.d", |_| true).map(|_| ());
        assert!(list(MemoryRootfs::new().link("/etc/x.d/a", "a")).is_err());
        assert!(list(MemoryRootfs::new().special("/etc/x.d/a", FileKind::Fifo)).is_err());
        assert!(list(MemoryRootfs::new().file("/etc/x.d/a", b"\xff")).is_ok(), "whoever judges it");
        assert!(list(MemoryRootfs::new().file("/etc/x.d", "")).is_err());
    }
}
