//! The write-ahead record of what a run does to a root.
//!
//! A journal is kept on the machine that runs gokaku, never in an offline target:
//! `<state>/<key of the root>/<number>/`, directories 0700, files 0600. It holds every replaced
//! entry completely (content, owner, mode, time, attributes) and its new state, so that an
//! interrupted run can be undone, and a finished one reverted. A revert is a run of its own,
//! `<number>.revert`. What is to be deleted is first renamed `<number>.gone`, atomically.

mod below;
mod entry;
mod private;
mod sealed;

use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{digest, is_no_directory, is_not_there};
use super::shape::Shape;
use crate::apply::messages;
use crate::error::{Error, Result, cannot};
use crate::message::{Message, say};
use crate::rootfs::{DiskRootfs, ImagePath, TreeId};

pub(super) use below::Below;
use entry::is_temporary;
pub(super) use entry::{Entry, FolderTime, Saved, is_left_over, temporary};
pub(super) use private::make_dir;
use private::{is_dir, list, own_dir, remove_empty, remove_file, sync_dir, write_file};
use sealed::Fault;

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

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Journal {
    /// The root's path on this machine, for people.
    root: String,
    /// Which tree it was: its filesystem and the inode of its top. Another one may be mounted at
    /// the same path by now.
    tree: (u64, u64),
    /// When the top of that tree was made, where that is known.
    #[serde(default)]
    born: Option<(i64, u32)>,
    pub phase: Phase,
    /// The run that this one takes back.
    pub reverts: Option<u32>,
    /// What the run did that is not written here and so is not undone, for people.
    #[serde(default)]
    pub beyond: Vec<Message>,
    /// The filesystems below the root that entries lie on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    below: Vec<Below>,
    /// Modification times of the directories that hold the entries, as they were before.
    pub folders: Vec<FolderTime>,
    pub entries: Vec<Entry>,
}

/// One path of a plan: the entry as it stands, and as it will stand.
pub(super) struct EntryChange {
    pub entry: Entry,
    pub before: Option<Shape>,
    pub after: Option<Shape>,
    /// Whether the file that is replaced is closed under its other names, too.
    pub elsewhere: bool,
}

/// The journals of one root.
pub(super) struct Journals {
    state: PathBuf,
    dir: PathBuf,
    root: String,
    tree: TreeId,
}

/// What a run is for.
#[derive(Debug, Clone, Default)]
pub(super) struct Purpose {
    /// The run it takes back.
    pub reverts: Option<u32>,
    /// What it does beyond the journal.
    pub beyond: Vec<Message>,
    /// The filesystems below the root that it writes to.
    pub below: Vec<Below>,
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
        steps: &[EntryChange],
        folders: Vec<FolderTime>,
        purpose: Purpose,
    ) -> Result<(Run, Journal)> {
        make_dir(&self.dir)?;
        let last = self.names()?.iter().map(|(n, _)| *n).max().unwrap_or(0);
        let number = last.checked_add(1).ok_or_else(|| {
            let why = messages::impossible_number(last);
            Error::Journal { path: self.dir.display().to_string(), why }
        })?;
        let suffix = if purpose.reverts.is_some() { REVERT } else { "" };
        let run = Run { dir: self.dir.join(format!("{number:06}{suffix}")), number };
        let journal = Journal {
            root: self.root.clone(),
            tree: (self.tree.filesystem, self.tree.top),
            born: self.tree.born,
            phase: Phase::Open,
            reverts: purpose.reverts,
            beyond: purpose.beyond,
            below: purpose.below,
            folders,
            entries: Vec::new(),
        };
        match self.fill(&run, journal, steps) {
            Ok(journal) => Ok((run, journal)),
            Err(e) => {
                if let Err(left) = self.forget(&run).and_then(|()| self.tidy()) {
                    say!(warn, Message::from(&left));
                }
                Err(e)
            }
        }
    }

    fn fill(&self, run: &Run, mut journal: Journal, steps: &[EntryChange]) -> Result<Journal> {
        make_dir(&run.dir)?;
        make_dir(&run.contents())?;
        for EntryChange { entry, before, .. } in steps {
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
            if !is_dir(&run.dir)? {
                say!(warn, messages::no_run(run.dir.display().to_string()));
                continue;
            }
            if name.ends_with(GONE) { run.remove()? } else { runs.push(run) }
        }
        Ok(runs)
    }

    /// Every entry that is a run's, by number.
    fn names(&self) -> Result<Vec<(u32, String)>> {
        let Some(entries) = list(&self.dir)? else { return Ok(Vec::new()) };
        // What is read here is written into the target: it must not belong to another user.
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
        let fail = |e| Error::host(cannot::remove_the_journal, &run.dir, e);
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

    /// Takes the state directory away, too, if it is empty and can be: it may be a link, a mount
    /// point, or somebody's working directory.
    pub fn tidy_all(&self) -> Result<()> {
        if remove_empty(&self.dir)?
            && let Err(e) = remove_empty(&self.state)
        {
            say!(debug, messages::empty_stays(Message::from(&e)));
        }
        Ok(())
    }

    /// Whether the journal is of the tree that stands here now.
    pub fn is_of_this_tree(&self, journal: &Journal) -> bool {
        let (filesystem, top) = journal.tree;
        self.tree.is(&TreeId { filesystem, top, born: journal.born })
    }
}

impl Journal {
    /// Whether nothing was ever made at a new path, given why its directory cannot be opened: it is
    /// not there; or the run was to make it, too, and met something else in its place.
    pub fn never_made(&self, path: &ImagePath, why: &Error) -> bool {
        let dir = path.parent();
        let ours = || self.entries.iter().any(|e| e.before.is_none() && e.path().ok() == dir);
        is_not_there(why) || is_no_directory(why) && ours()
    }

    /// Makes sure that every filesystem the run wrote to is mounted where it was.
    ///
    /// # Errors
    /// [`Error::Guard`] naming the places.
    pub fn is_whole(&self, root: &DiskRootfs) -> Result<()> {
        let missing: Vec<&str> = self.below.iter().filter_map(|b| b.is_missing(root)).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(Error::Guard(messages::not_mounted(
                root.host_path().display().to_string(),
                missing.join(" "),
            ))),
        }
    }

    /// Notes what the steps replace and what they make of it.
    pub fn tell(&mut self, steps: &[EntryChange]) {
        for (entry, EntryChange { before, after, .. }) in self.entries.iter_mut().zip(steps) {
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
        let fail = |e| Error::host(cannot::write_the_journal, &file, e);
        let mut temp = tempfile::NamedTempFile::new_in(&self.dir).map_err(fail)?;
        let mut out = std::io::BufWriter::new(temp.as_file_mut());
        sealed::write(journal, &mut out).and_then(|()| out.flush()).map_err(fail)?;
        drop(out);
        temp.as_file().sync_all().map_err(fail)?;
        temp.persist(&file).map_err(|e| fail(e.error))?;
        Ok(())
    }

    /// Marks the run as done. When this fails it is not; from the renaming on it is.
    pub fn finish(&self, journal: &mut Journal) -> Result<()> {
        journal.phase = Phase::Done;
        self.save(journal)?;
        if let Err(e) = sync_dir(&self.dir) {
            say!(warn, messages::not_on_disk(Message::from(&e)));
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
            Err(e) => return Err(Error::host(cannot::read_the_journal, &file, e)),
        };
        let journal = sealed::read(text).map_err(|fault| match fault {
            Fault::OfAnotherVersion { schema, version } => {
                self.of_another_version(&schema, version)
            }
            Fault::Broken(why) => self.broken(why),
        })?;
        // What stands under such a name is removed: it must be one of ours, beside its entry.
        for entry in &journal.entries {
            if !is_temporary(&entry.temp()) {
                let path = entry.path()?;
                return Err(self.broken(messages::odd_temporary(path)));
            }
        }
        Ok(Some(journal))
    }

    /// An error about a journal that is whole, and that this version does not read.
    fn of_another_version(&self, schema: &str, version: Option<String>) -> Error {
        let by = version.map_or_else(|| "gokaku".to_owned(), |version| format!("gokaku {version}"));
        let why = messages::of_another_version(schema, by, self.dir.display().to_string());
        Error::Journal { path: self.file().display().to_string(), why }
    }

    /// An error about this journal that only a person can help with.
    pub fn broken(&self, why: Message) -> Error {
        let path = self.file().display().to_string();
        Error::Journal { path, why: messages::broken(why, self.dir.display().to_string()) }
    }

    /// The whole shape of a saved entry.
    #[allow(clippy::disallowed_methods)] // the journal lies on the host
    pub fn shape(&self, saved: &Saved) -> Result<Shape> {
        let content = match saved.content() {
            None => None,
            Some(want) => {
                let file = self.contents().join(want);
                let content = std::fs::read(&file)
                    .map_err(|e| Error::host(cannot::read_the_journal, &file, e))?;
                let found = digest(&content);
                if found != want {
                    return Err(self.broken(messages::other_content(
                        file.display().to_string(),
                        format!("{found:.16}"),
                        format!("{want:.16}"),
                    )));
                }
                Some(content)
            }
        };
        let malformed = || self.broken(messages::malformed());
        saved.shape(content).ok_or_else(malformed)
    }

    /// Makes sure, before anything is put back, that everything can be.
    ///
    /// # Errors
    /// A saved content that is missing or damaged, with the path it was of.
    pub fn check_contents(&self, journal: &Journal) -> Result<()> {
        for entry in &journal.entries {
            let Some(saved) = &entry.before else { continue };
            self.shape(saved).map_err(|e| match e {
                Error::Journal { path, why } => {
                    Error::Journal { path, why: messages::what_it_held(entry.shown(), why) }
                }
                e => e,
            })?;
        }
        Ok(())
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
