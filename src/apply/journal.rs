//! What was about to happen to a root, written down before it happens.
//!
//! A journal lies on the machine that runs the tool, never in an offline target:
//! `<state>/<key of the root>/<number>/`, directories 0700, files 0600. It holds every replaced
//! entry whole (content, owner, mode, time, attributes) and what it was to become, so that a run
//! that was cut off can be undone, and a finished one taken back.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{Shape, digest, hex};
use crate::error::{Error, Result};
use crate::rootfs::{DiskRootfs, FileKind, ImagePath};

const SCHEMA: &str = "gokaku.journal/1";

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Entries may be old or new.
    Open,
    /// Every entry is new.
    Done,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    schema: String,
    /// The root's path on this machine, for people.
    root: String,
    pub phase: Phase,
    /// Modification times of the directories that hold the entries, as they were before.
    pub folders: Vec<FolderTime>,
    pub entries: Vec<Entry>,
    /// What was done to packages before the entries were written, in words. It is not undone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

/// A directory of the target and its modification time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderTime {
    /// The path's bytes, in hexadecimal.
    path: String,
    pub mtime: (i64, i64),
}

impl FolderTime {
    pub fn new(path: &ImagePath, mtime: (i64, i64)) -> FolderTime {
        FolderTime { path: hex(path.as_bytes()), mtime }
    }

    pub fn path(&self) -> Result<ImagePath> {
        ImagePath::parse(unhex(&self.path).unwrap_or_default())
    }
}

/// One path of the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// The path as people read it.
    shown: String,
    /// Its bytes, in hexadecimal.
    path: String,
    /// The temporary name beside it, in hexadecimal.
    temp: String,
    pub before: Option<Saved>,
    pub after: Option<Saved>,
    /// Whether content is replaced; if not, only owner and mode are.
    pub content: bool,
}

/// An entry's shape. Content lies in a file of its own, named by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Saved {
    kind: Kind,
    mode: String,
    uid: u32,
    gid: u32,
    mtime: (i64, i64),
    digest: Option<String>,
    xattrs: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    File,
    Dir,
    Symlink,
}

impl Entry {
    pub fn new(path: &ImagePath, temp: &OsStr, content: bool) -> Entry {
        Entry {
            shown: path.to_string(),
            path: hex(path.as_bytes()),
            temp: hex(temp.as_bytes()),
            before: None,
            after: None,
            content,
        }
    }

    pub fn path(&self) -> Result<ImagePath> {
        ImagePath::parse(unhex(&self.path).unwrap_or_default())
    }

    pub fn temp(&self) -> OsString {
        OsString::from_vec(unhex(&self.temp).unwrap_or_default())
    }
}

impl Saved {
    fn of(shape: &Shape) -> Option<Saved> {
        let kind = match shape.kind {
            FileKind::File => Kind::File,
            FileKind::Dir => Kind::Dir,
            FileKind::Symlink => Kind::Symlink,
            _ => return None,
        };
        Some(Saved {
            kind,
            mode: format!("{:04o}", shape.mode),
            uid: shape.uid,
            gid: shape.gid,
            mtime: shape.mtime,
            digest: shape.content.as_deref().map(digest),
            xattrs: shape
                .xattrs
                .iter()
                .map(|(name, value)| (hex(name.as_bytes()), hex(value)))
                .collect(),
        })
    }

    pub fn kind(&self) -> FileKind {
        match self.kind {
            Kind::File => FileKind::File,
            Kind::Dir => FileKind::Dir,
            Kind::Symlink => FileKind::Symlink,
        }
    }

    /// Whether it is more than owner and mode.
    pub fn has_content(&self) -> bool {
        self.digest.is_some()
    }

    /// Whether what stands there now is this: kind, owner, mode and, if it counts, content.
    pub fn is(&self, now: Option<&Shape>, content: bool) -> bool {
        let Some(now) = now.and_then(Saved::of) else { return false };
        let link = self.kind == Kind::Symlink;
        (now.kind, now.uid, now.gid) == (self.kind, self.uid, self.gid)
            && (link || now.mode == self.mode)
            && (!content || now.digest == self.digest)
    }
}

/// One path of a plan: the entry as it stands, and as it will stand.
pub(super) struct Step {
    pub entry: Entry,
    pub before: Option<Shape>,
    pub after: Option<Shape>,
}

/// The journals of one root.
pub(super) struct Journals {
    dir: PathBuf,
    root: String,
}

impl Journals {
    /// The place for `root` below the state directory. Nothing is made yet.
    pub fn of(state: &Path, root: &DiskRootfs) -> Journals {
        let path = root.host_path();
        let key = &digest(path.as_os_str().as_bytes())[..16];
        Journals { dir: state.join(key), root: path.display().to_string() }
    }

    /// Where package lists and fetched packages lie while packages change.
    pub fn packages(&self) -> PathBuf {
        self.dir.join("packages")
    }

    /// Writes the journal of a run and the contents it needs, on disk when this returns.
    pub fn begin(
        &self,
        steps: &[Step],
        folders: Vec<FolderTime>,
        packages: &[String],
    ) -> Result<(Run, Journal)> {
        make_dir(&self.dir)?;
        let number = self.numbers()?.last().map_or(1, |n| n + 1);
        let run = Run { dir: self.dir.join(format!("{number:06}")) };
        let journal = Journal {
            schema: SCHEMA.to_owned(),
            root: self.root.clone(),
            phase: Phase::Open,
            folders,
            entries: Vec::new(),
            packages: packages.to_vec(),
        };
        match self.fill(&run, journal, steps) {
            Ok(journal) => Ok((run, journal)),
            Err(e) => {
                if let Err(left) = run.forget() {
                    log::warn!("{left}");
                }
                Err(e)
            }
        }
    }

    fn fill(&self, run: &Run, mut journal: Journal, steps: &[Step]) -> Result<Journal> {
        make_dir(&run.dir)?;
        make_dir(&run.contents())?;
        for Step { entry, before, after } in steps {
            if let Some(content) = before.as_ref().and_then(|b| b.content.as_deref()) {
                let file = run.contents().join(digest(content));
                write_file(&file, content)?;
            }
            journal.entries.push(Entry {
                before: before.as_ref().and_then(Saved::of),
                after: after.as_ref().and_then(Saved::of),
                ..entry.clone()
            });
        }
        sync_dir(&run.contents())?;
        run.save(&journal)?;
        sync_dir(&self.dir)?;
        Ok(journal)
    }

    /// The newest run, if there is one. A run that was cut off before its journal was complete
    /// had not touched the target; it is cleared away.
    pub fn latest(&self) -> Result<Option<(Run, Journal)>> {
        for number in self.numbers()?.into_iter().rev() {
            let run = Run { dir: self.dir.join(format!("{number:06}")) };
            match run.load()? {
                Some(journal) => return Ok(Some((run, journal))),
                None => run.forget()?,
            }
        }
        Ok(None)
    }

    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    fn numbers(&self) -> Result<Vec<u32>> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(Error::host("read the journal directory", &self.dir, e)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let entry =
                entry.map_err(|e| Error::host("read the journal directory", &self.dir, e))?;
            numbers.extend(entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

/// The journal of one run.
pub(super) struct Run {
    dir: PathBuf,
}

impl Run {
    fn contents(&self) -> PathBuf {
        self.dir.join("before")
    }

    fn file(&self) -> PathBuf {
        self.dir.join("journal.json")
    }

    /// The journal directory, for messages.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Replaces the journal file in one step.
    pub fn save(&self, journal: &Journal) -> Result<()> {
        let file = self.file();
        let fail = |e| Error::host("write the journal", &file, e);
        let mut temp = tempfile::NamedTempFile::new_in(&self.dir).map_err(fail)?;
        serde_json::to_writer_pretty(&mut temp, journal).map_err(|e| fail(e.into()))?;
        temp.as_file().sync_all().map_err(fail)?;
        temp.persist(&file).map_err(|e| fail(e.error))?;
        sync_dir(&self.dir)
    }

    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    fn load(&self) -> Result<Option<Journal>> {
        let file = self.file();
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::host("read the journal", &file, e)),
        };
        let broken = |why: String| Error::Journal { path: file.display().to_string(), why };
        let journal: Journal = serde_json::from_slice(&text).map_err(|e| {
            broken(format!("cannot be understood: {e}; it was written by something else"))
        })?;
        if journal.schema != SCHEMA {
            let found = &journal.schema;
            return Err(broken(format!("found schema {found}, want {SCHEMA}")));
        }
        Ok(Some(journal))
    }

    /// The whole shape of a saved entry.
    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    pub fn shape(&self, saved: &Saved) -> Result<Shape> {
        let content = match &saved.digest {
            None => None,
            Some(digest) => {
                let file = self.contents().join(digest);
                Some(std::fs::read(&file).map_err(|e| Error::host("read the journal", &file, e))?)
            }
        };
        let broken = || Error::Journal {
            path: self.file().display().to_string(),
            why: "holds a malformed mode or attribute; it was changed by something else".into(),
        };
        let mut xattrs = Vec::new();
        for (name, value) in &saved.xattrs {
            let name = unhex(name).ok_or_else(broken)?;
            xattrs.push((OsString::from_vec(name), unhex(value).ok_or_else(broken)?));
        }
        Ok(Shape {
            kind: saved.kind(),
            mode: u32::from_str_radix(&saved.mode, 8).map_err(|_| broken())?,
            uid: saved.uid,
            gid: saved.gid,
            mtime: saved.mtime,
            content,
            xattrs,
        })
    }

    /// Drops the journal of this run.
    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    pub fn forget(&self) -> Result<()> {
        std::fs::remove_dir_all(&self.dir)
            .map_err(|e| Error::host("remove the journal", &self.dir, e))
    }
}

/// Makes a directory only its owner can enter; one that others can write to is refused.
#[allow(clippy::disallowed_methods)] // the journal lies on the host
pub(super) fn make_dir(dir: &Path) -> Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| Error::host("make the journal directory", dir, e))?;
    let meta = std::fs::symlink_metadata(dir)
        .map_err(|e| Error::host("look at the journal directory", dir, e))?;
    use std::os::unix::fs::MetadataExt;
    let mode = meta.permissions().mode() & 0o7777;
    if !meta.is_dir() || meta.uid() != users::get_effective_uid() || mode & 0o077 != 0 {
        return Err(Error::Journal {
            path: dir.display().to_string(),
            why: format!(
                "found mode {mode:04o}, owner {}; want a directory of uid {}, 0700; remove it or \
                 name another with --state-dir",
                meta.uid(),
                users::get_effective_uid()
            ),
        });
    }
    Ok(())
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
fn write_file(path: &Path, content: &[u8]) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let fail = |e| Error::host("write the journal", path, e);
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).map_err(fail)?;
    file.write_all(content).map_err(fail)?;
    file.sync_all().map_err(fail)
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
fn sync_dir(dir: &Path) -> Result<()> {
    std::fs::File::open(dir)
        .and_then(|f| f.sync_all())
        .map_err(|e| Error::host("sync the journal directory", dir, e))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}
