//! Configuration directories that are read together: `/etc` over `/run` over the vendor's.
//!
//! A file of the same name in a directory of higher rank hides the lower one; the rest is read in
//! the byte order of the names. Readers differ in which names count and in the ranks.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Rootfs};

/// One entry of such a directory.
#[derive(Debug)]
pub(in crate::check) struct ConfEntry {
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

impl ConfEntry {
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

/// A name in such a directory, and where it leads; nothing is read yet.
#[derive(Debug)]
pub(in crate::check) struct Listed {
    /// The name.
    pub name: OsString,
    /// Where the reader finds it.
    pub path: ImagePath,
    /// Where that leads, links followed.
    pub real: ImagePath,
    /// What stands there.
    pub what: What,
    is_link: bool,
}

/// What a name leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum What {
    /// A regular file.
    File,
    /// The null device.
    Null,
    /// Nothing: a link that leads nowhere.
    Dangling,
    /// A directory.
    Dir,
    /// A device, a pipe or the like.
    Special,
}

/// Has a name, by which the same in a directory of lower rank is hidden.
pub(in crate::check) trait Named {
    /// The name.
    fn name(&self) -> &[u8];
}

impl Named for Listed {
    fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

impl Named for ConfEntry {
    fn name(&self) -> &[u8] {
        self.name.as_bytes()
    }
}

/// The names in `dir` that `wanted` takes, sorted by bytes; none when it is no directory, which is
/// passed over by whoever reads it.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(in crate::check) fn list(
    root: &dyn Rootfs,
    dir: &ImagePath,
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<Listed>> {
    let names = match root.list(dir) {
        Err(Error::WrongKind { .. }) => return Ok(Vec::new()),
        names => names?.unwrap_or_default(),
    };
    let mut out = Vec::new();
    for name in names.iter().filter(|name| wanted(name.as_bytes())) {
        out.extend(listed(root, &dir.join(name)?)?);
    }
    Ok(out)
}

/// What stands at `path`; `None` when nothing does.
fn listed(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Listed>> {
    let (Some(name), Some(stat)) = (path.file_name(), root.stat(path)?) else { return Ok(None) };
    let at = root.locate(path)?;
    // `/dev` of an image may be empty or hold anything; at boot this is the null device.
    let what = if at.path.as_bytes() == b"/dev/null" {
        What::Null
    } else {
        match at.stat.map(|s| s.kind) {
            None => What::Dangling,
            Some(FileKind::File) => What::File,
            Some(FileKind::Dir) => What::Dir,
            Some(_) => What::Special,
        }
    };
    let (name, path, real) = (name.to_owned(), path.clone(), at.path);
    Ok(Some(Listed { name, path, real, what, is_link: stat.kind == FileKind::Symlink }))
}

/// The `*.conf` that systemd's programs read from directories given from the highest rank to the
/// lowest, in their order. Names with a dot in front do not count; a directory or a device under a
/// name hides nothing; a link to either, or to nothing, hides the name and says nothing.
///
/// # Errors
/// As [`list`].
pub(in crate::check) fn systemd(root: &dyn Rootfs, dirs: &[ImagePath]) -> Result<Vec<ImagePath>> {
    let wanted = |name: &[u8]| !name.starts_with(b".") && name.ends_with(b".conf");
    let all: Vec<_> = dirs.iter().map(|dir| list(root, dir, wanted)).collect::<Result<_>>()?;
    let ranks: Vec<&[Listed]> = all.iter().map(Vec::as_slice).collect();
    let files = layered(&ranks, |found| found.is_link || found.what == What::File);
    Ok(files.into_iter().filter(|f| f.what == What::File).map(|f| f.path.clone()).collect())
}

/// The entries of `dir` whose names `wanted` takes, read and sorted; none when there is no such
/// directory.
///
/// # Errors
/// `dir` is something else, or an entry cannot be read, is not text, or is neither file, directory
/// nor link to one.
pub(in crate::check) fn read_dir(
    root: &dyn Rootfs,
    dir: &str,
    wanted: impl Fn(&[u8]) -> bool,
) -> Result<Vec<ConfEntry>> {
    let dir = ImagePath::parse(dir)?;
    root.list(&dir)?;
    list(root, &dir, wanted)?.into_iter().map(|found| read(root, found)).collect()
}

/// The entry at `path`; `None` when nothing stands there.
///
/// # Errors
/// As [`read_dir`].
pub(in crate::check) fn read_entry(
    root: &dyn Rootfs,
    path: &ImagePath,
) -> Result<Option<ConfEntry>> {
    listed(root, path)?.map(|found| read(root, found)).transpose()
}

fn read(root: &dyn Rootfs, found: Listed) -> Result<ConfEntry> {
    let body = match found.what {
        What::Null => Body::Null,
        What::Dangling => Body::Dangling,
        What::Dir => Body::Dir,
        What::File | What::Special => match root.read(&found.path)? {
            Some(text) => Body::Text(text),
            None => Body::Dangling,
        },
    };
    Ok(ConfEntry { name: found.name, listed: found.path, real: found.real, body })
}

/// What a reader takes from directories given from the highest rank to the lowest, in the order in
/// which it reads. `counts`: which entries it sees at all.
pub(in crate::check) fn layered<'e, T: Named>(
    ranks: &[&'e [T]],
    counts: impl Fn(&T) -> bool,
) -> Vec<&'e T> {
    let mut by_name: BTreeMap<&[u8], &T> = BTreeMap::new();
    for entry in ranks.iter().copied().flatten().filter(|e| counts(e)) {
        by_name.entry(entry.name()).or_insert(entry);
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
        let shown = |files: Vec<&ConfEntry>| -> Vec<String> {
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
    fn what_systemds_programs_read() {
        let root = MemoryRootfs::new()
            .file("/etc/x.d/b.conf", "")
            .file("/etc/x.d/.a.conf", "")
            .file("/etc/x.d/b.confx", "")
            .link("/etc/x.d/c.conf", "/dev/null")
            .link("/etc/x.d/d.conf", "nowhere")
            .link("/etc/x.d/e.conf", "/srv")
            .dir("/etc/x.d/f.conf", 0o755, 0, 0)
            .special("/etc/x.d/g.conf", FileKind::Fifo)
            .link("/etc/x.d/h.conf", "/srv/h")
            .file("/srv/h", "")
            .file("/usr/local/lib/x.d", "no directory");
        let root = "abcdefgh"
            .chars()
            .fold(root, |root, c| root.file(&format!("/lib/x.d/{c}.conf"), b"\xff"));
        let dirs = ["/etc/x.d", "/run/x.d", "/usr/local/lib/x.d", "/lib/x.d"];
        let dirs = dirs.map(|dir| ImagePath::parse(dir).unwrap());
        let read: Vec<String> =
            systemd(&root, &dirs).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            read,
            [
                "/lib/x.d/a.conf",
                "/etc/x.d/b.conf",
                "/lib/x.d/f.conf",
                "/lib/x.d/g.conf",
                "/etc/x.d/h.conf"
            ]
        );
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
