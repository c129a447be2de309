//! What was about to happen to a root, written down before it happens.
//!
//! A journal lies on the machine that runs the tool, never in an offline target:
//! `<state>/<key of the root>/<number>/`, directories 0700, files 0600. It holds every replaced
//! entry whole (content, owner, mode, time, attributes) and what it was to become, so that a run
//! that was cut off can be undone, and a finished one taken back. Taking back is a run of its own,
//! `<number>.revert`. What is to be dropped is first named `<number>.gone`, in one step.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use serde::{Deserialize, Serialize};

use super::entry::{Shape, digest, hex};
use crate::error::{Error, Result};
use crate::rootfs::{DiskRootfs, FileKind, ImagePath};

const SCHEMA: &str = "gokaku.journal/2";
const TEMPORARY: &str = ".gokaku-";
const REVERT: &str = ".revert";
const GONE: &str = ".gone";

/// How far a run came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    /// Entries may be old or new.
    Open,
    /// Every entry is new.
    Done,
}

/// The file: the journal and its digest, so that damage shows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    schema: String,
    sha256: String,
    journal: serde_json::Value,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// The root's path on this machine, for people.
    root: String,
    /// Which tree it was: its filesystem and the inode of its top. Another one may be mounted at
    /// the same path by now.
    tree: (u64, u64),
    pub phase: Phase,
    /// The run that this one takes back.
    pub reverts: Option<u32>,
    /// What the run did that is not written here and so is not undone, for people.
    #[serde(default)]
    pub beyond: Vec<String>,
    /// Modification times of the directories that hold the entries, as they were before.
    pub folders: Vec<FolderTime>,
    pub entries: Vec<Entry>,
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

/// The name beside an entry under which its successor is made.
pub(super) fn temporary(index: usize) -> OsString {
    // Neither `.conf` nor hidden-but-read: logrotate, modprobe and procps all skip this one.
    OsString::from(format!("{TEMPORARY}{}-{index}.dpkg-new", std::process::id()))
}

fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(TEMPORARY.as_bytes()) && !name.contains(&b'/')
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

    /// Owner and group.
    pub fn owner(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// Permission bits; `None` when the journal holds none.
    pub fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok()
    }

    /// Whether what stands there now is this: kind, owner, mode and, if it counts, content.
    pub fn is(&self, now: Option<&Shape>, content: bool) -> bool {
        let Some(now) = now.and_then(Saved::of) else { return false };
        let link = self.kind == Kind::Symlink;
        (now.kind, now.owner()) == (self.kind, self.owner())
            && (link || now.mode == self.mode)
            && (!content || now.digest == self.digest)
    }

    /// As [`Saved::is`], and attributes too, and the time of what was replaced whole.
    pub fn is_exactly(&self, now: Option<&Shape>, content: bool) -> bool {
        let saved = now.and_then(Saved::of);
        self.is(now, content)
            && saved.is_some_and(|n| n.xattrs == self.xattrs && (!content || n.mtime == self.mtime))
    }

    /// Each way in which what stands there now is not this, as `what: expected …, found …`.
    pub fn differences(&self, now: &Shape, content: bool) -> Vec<String> {
        let mut out = Vec::new();
        let mut tell = |what: &str, want: &dyn std::fmt::Display, found: &dyn std::fmt::Display| {
            out.push(format!("{what}: expected {want}, found {found}"));
        };
        let Some(now) = Saved::of(now).filter(|n| n.kind == self.kind) else {
            tell("kind", &self.kind(), &now.kind);
            return out;
        };
        if content && now.digest != self.digest {
            let short = |digest: &Option<String>| {
                digest.as_deref().map_or("none".into(), |d| format!("{:.16}", d))
            };
            tell("content (sha256)", &short(&self.digest), &short(&now.digest));
        }
        if now.owner() != self.owner() {
            let shown = |(uid, gid): (u32, u32)| format!("{uid}:{gid}");
            tell("owner", &shown(self.owner()), &shown(now.owner()));
        }
        if self.kind != Kind::Symlink && now.mode != self.mode {
            tell("mode", &self.mode, &now.mode);
        }
        if now.xattrs != self.xattrs {
            let names = |saved: &Saved| {
                let known = saved.xattrs.iter().filter_map(|(name, _)| unhex(name));
                let names: Vec<String> =
                    known.map(|n| String::from_utf8_lossy(&n).into_owned()).collect();
                if names.is_empty() { "none".to_owned() } else { names.join(" ") }
            };
            let (want, found) = (names(self), names(&now));
            let found = if want == found { format!("{found} with other values") } else { found };
            tell("attributes and ACLs", &want, &found);
        }
        out
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
    state: PathBuf,
    dir: PathBuf,
    root: String,
    tree: (u64, u64),
}

/// What a run is for.
#[derive(Debug, Clone, Default)]
pub(super) struct Purpose {
    /// The run it takes back.
    pub reverts: Option<u32>,
    /// What it does beyond the journal.
    pub beyond: Vec<String>,
}

impl Journals {
    /// The place for `root` below the state directory. Nothing is made yet.
    pub fn of(state: &Path, root: &DiskRootfs) -> Result<Journals> {
        let path = root.host_path();
        let key = &digest(path.as_os_str().as_bytes())[..16];
        Ok(Journals {
            state: state.to_owned(),
            dir: state.join(key),
            root: path.display().to_string(),
            tree: root.tree()?,
        })
    }

    /// Where they lie.
    pub fn dir(&self) -> &Path {
        &self.dir
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
        purpose: Purpose,
    ) -> Result<(Run, Journal)> {
        make_dir(&self.dir)?;
        let number = self.names()?.iter().map(|(n, _)| *n).max().unwrap_or(0) + 1;
        let suffix = if purpose.reverts.is_some() { REVERT } else { "" };
        let run = Run { dir: self.dir.join(format!("{number:06}{suffix}")), number };
        let journal = Journal {
            root: self.root.clone(),
            tree: self.tree,
            phase: Phase::Open,
            reverts: purpose.reverts,
            beyond: purpose.beyond,
            folders,
            entries: Vec::new(),
        };
        match self.fill(&run, journal, steps) {
            Ok(journal) => Ok((run, journal)),
            Err(e) => {
                if let Err(left) = self.forget(&run).and_then(|()| self.tidy()) {
                    log::warn!("{left}");
                }
                Err(e)
            }
        }
    }

    fn fill(&self, run: &Run, mut journal: Journal, steps: &[Step]) -> Result<Journal> {
        make_dir(&run.dir)?;
        make_dir(&run.contents())?;
        for Step { entry, before, .. } in steps {
            if let Some(content) = before.as_ref().and_then(|b| b.content.as_deref()) {
                let file = run.contents().join(digest(content));
                write_file(&file, content)?;
            }
            journal.entries.push(entry.clone());
        }
        journal.tell(steps);
        sync_dir(&run.contents())?;
        run.save(&journal)?;
        sync_dir(&run.dir)?;
        sync_dir(&self.dir)?;
        Ok(journal)
    }

    /// The runs, oldest first. What was being dropped when a run was cut off is dropped now.
    pub fn runs(&self) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for (number, name) in self.names()? {
            let run = Run { dir: self.dir.join(&name), number };
            if name.ends_with(GONE) { run.remove()? } else { runs.push(run) }
        }
        Ok(runs)
    }

    /// Every entry that is a run's, by number.
    fn names(&self) -> Result<Vec<(u32, String)>> {
        let Some(entries) = list(&self.dir)? else { return Ok(Vec::new()) };
        // What is read here is written into the target: it must not be somebody else's.
        own_dir(&self.dir)?;
        let mut names = Vec::new();
        for entry in entries {
            let Ok(name) = entry.into_string() else { continue };
            let bare = name.strip_suffix(GONE).unwrap_or(&name);
            let bare = bare.strip_suffix(REVERT).unwrap_or(bare);
            if let Ok(number) = bare.parse::<u32>() {
                names.push((number, name));
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Drops the journal of a run. From the first step on it counts as dropped.
    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    pub fn forget(&self, run: &Run) -> Result<()> {
        let fail = |e| Error::host("remove the journal", &run.dir, e);
        let mut gone = run.dir.clone().into_os_string();
        gone.push(GONE);
        match std::fs::rename(&run.dir, &gone) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            answer => answer.map_err(fail)?,
        }
        sync_dir(&self.dir)?;
        Run { dir: gone.into(), number: run.number }.remove()
    }

    /// Takes the directory of this root away, if it is empty. Says whether it is gone.
    pub fn tidy(&self) -> Result<bool> {
        remove_empty(&self.dir)
    }

    /// Takes the state directory away, too, if it is empty.
    pub fn tidy_all(&self) -> Result<bool> {
        Ok(remove_empty(&self.dir)? && remove_empty(&self.state)?)
    }

    /// Whether the journal is of the tree that stands here now.
    pub fn is_of_this_tree(&self, journal: &Journal) -> bool {
        journal.tree == self.tree
    }
}

impl Journal {
    /// Notes what the steps replace and what they make of it.
    pub fn tell(&mut self, steps: &[Step]) {
        for (entry, Step { before, after, .. }) in self.entries.iter_mut().zip(steps) {
            entry.before = before.as_ref().and_then(Saved::of);
            entry.after = after.as_ref().and_then(Saved::of);
        }
    }
}

/// The journal of one run.
pub(super) struct Run {
    dir: PathBuf,
    /// Its number.
    pub number: u32,
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

    /// Whether it takes back another run.
    pub fn is_revert(&self) -> bool {
        self.dir.as_os_str().as_bytes().ends_with(REVERT.as_bytes())
    }

    /// Replaces the journal file in one step.
    fn save(&self, journal: &Journal) -> Result<()> {
        let file = self.file();
        let fail = |e| Error::host("write the journal", &file, e);
        let mut temp = tempfile::NamedTempFile::new_in(&self.dir).map_err(fail)?;
        let journal = serde_json::to_value(journal).map_err(|e| fail(e.into()))?;
        let sha256 = digest(journal.to_string().as_bytes());
        let sealed = Sealed { schema: SCHEMA.to_owned(), sha256, journal };
        let text = serde_json::to_vec_pretty(&sealed).map_err(|e| fail(e.into()))?;
        temp.write_all(&text).map_err(fail)?;
        temp.as_file().sync_all().map_err(fail)?;
        temp.persist(&file).map_err(|e| fail(e.error))?;
        Ok(())
    }

    /// Marks the run as done. When this fails it is not; from the renaming on it is.
    pub fn finish(&self, journal: &mut Journal) -> Result<()> {
        journal.phase = Phase::Done;
        self.save(journal)?;
        if let Err(e) = sync_dir(&self.dir) {
            log::warn!("{e}; should the machine fail now, the run may count as cut off");
        }
        Ok(())
    }

    /// The journal; `None` when the run was cut off before it was complete, and so before the
    /// target was touched.
    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    pub fn load(&self) -> Result<Option<Journal>> {
        let file = self.file();
        let text = match std::fs::read(&file) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::host("read the journal", &file, e)),
        };
        let broken = |e: serde_json::Error| self.broken(format!("cannot be understood: {e}"));
        let sealed: Sealed = serde_json::from_slice(&text).map_err(broken)?;
        if sealed.schema != SCHEMA {
            let found = &sealed.schema;
            return Err(self.broken(format!("found schema {found}, want {SCHEMA}")));
        }
        let found = digest(sealed.journal.to_string().as_bytes());
        if found != sealed.sha256 {
            let want = &sealed.sha256;
            return Err(self.broken(format!("found digest {found:.16}, expected {want:.16}")));
        }
        let journal: Journal = serde_json::from_value(sealed.journal).map_err(broken)?;
        // What stands under such a name is removed: it must be one of ours, beside its entry.
        for entry in &journal.entries {
            if !is_temporary(&entry.temp()) {
                let path = entry.path()?;
                return Err(
                    self.broken(format!("{path}: found a temporary name not of our making"))
                );
            }
        }
        Ok(Some(journal))
    }

    /// An error about this journal that only a person can help with.
    pub fn broken(&self, why: String) -> Error {
        let dir = self.dir.display();
        let path = self.file().display().to_string();
        let why =
            format!("{why}; nothing was changed; to go on without this journal, remove {dir}");
        Error::Journal { path, why }
    }

    /// The whole shape of a saved entry.
    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    pub fn shape(&self, saved: &Saved) -> Result<Shape> {
        let content = match &saved.digest {
            None => None,
            Some(want) => {
                let file = self.contents().join(want);
                let content =
                    std::fs::read(&file).map_err(|e| Error::host("read the journal", &file, e))?;
                let found = digest(&content);
                if found != *want {
                    return Err(self.broken(format!(
                        "{}: found content of digest {found:.16}, expected {want:.16}",
                        file.display()
                    )));
                }
                Some(content)
            }
        };
        let broken = || self.broken("holds a malformed mode or attribute".into());
        let mut xattrs = Vec::new();
        for (name, value) in &saved.xattrs {
            let name = unhex(name).ok_or_else(broken)?;
            xattrs.push((OsString::from_vec(name), unhex(value).ok_or_else(broken)?));
        }
        Ok(Shape {
            kind: saved.kind(),
            mode: saved.mode().ok_or_else(broken)?,
            uid: saved.uid,
            gid: saved.gid,
            mtime: saved.mtime,
            content,
            xattrs,
        })
    }

    /// Takes the files away that a run makes, and what was to become one.
    fn remove(&self) -> Result<()> {
        for dir in [&self.contents(), &self.dir] {
            for name in list(dir)?.unwrap_or_default() {
                let file = dir.join(name);
                if file != self.contents() {
                    remove_file(&file)?;
                }
            }
            remove_empty(dir)?;
        }
        Ok(())
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
    own_dir(dir)
}

/// The names in a directory of ours; `None`: there is none. (The standard library's listing panics
/// when closing fails.)
fn list(dir: &Path) -> Result<Option<Vec<OsString>>> {
    let fail = |e| Error::host("read the journal directory", dir, e);
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

#[allow(clippy::disallowed_methods)] // the journal lies on the host
fn remove_file(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        answer => answer.map_err(|e| Error::host("remove the journal", file, e)),
    }
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
fn remove_empty(dir: &Path) -> Result<bool> {
    match std::fs::remove_dir(dir) {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(true),
        Err(e) if e.kind() == std::io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(e) => Err(Error::host("remove the journal directory", dir, e)),
    }
}

/// Refuses a directory that is not ours alone.
#[allow(clippy::disallowed_methods)] // the journal lies on the host
fn own_dir(dir: &Path) -> Result<()> {
    // Again, now that it is there: somebody may have been quicker with a directory above it.
    super::state::is_safe(dir)?;
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
    // The directory says enough, and a long digest looks like a secret to whoever hides those.
    let shown = path.parent().unwrap_or(path);
    let fail = |e| Error::host("write the journal in", shown, e);
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
