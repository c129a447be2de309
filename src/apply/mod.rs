//! The only code that writes.
//!
//! A plan is applied in this order: journal (the current state, on disk, outside the target) →
//! every new file complete next to its destination → one rename each → directories synced →
//! journal marked done. A failure in between undoes everything; a run that was killed is undone by
//! the next one. Reverting a finished run is itself such a run. Invariant: each entry is old or new
//! at any instant.

pub(crate) mod container;
#[cfg(feature = "cli")]
mod copied;
mod entry;
mod journal;
mod leftovers;
mod lock;
pub(crate) mod messages;
mod mounts;
mod open_dirs;
mod other_names;
pub mod packages;
mod privilege;
mod revert;
mod shape;
mod state;
mod stop;
#[cfg(test)]
mod tests;
mod validate;

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::message::{Message, say};
use crate::plan::{PathChange, Plan};
use crate::rootfs::{DiskRootfs, FileKind, ImagePath, Rootfs};

#[cfg(feature = "cli")]
pub(crate) use entry::digest;
use entry::{NOW, OpenDir, is_no_directory, is_not_empty, is_not_there};
use journal::{
    Below, Entry, EntryChange, Journal, Journals, Phase, Purpose, Run, Saved, temporary,
};
use lock::Lock;
use open_dirs::OpenDirs;
use other_names::OtherNames;
use shape::{half_made, matches_plan, may_be_replaced, replaces_content, shape_of};

pub use container::serve;
#[cfg(feature = "cli")]
pub use copied::{is_unfinished, undo_copy};
pub use leftovers::left_behind;
#[cfg(feature = "internals")]
pub use revert::revert;
pub use revert::{How, PutBack, Reverted, forget, revert_run};
pub use stop::Stop;
pub use validate::validate;

/// Where journals lie unless the caller says otherwise.
pub const STATE_DIR: &str = "/var/lib/gokaku";

/// The right to change one root: the lock, and the place of its journals.
pub struct Executor<'a> {
    root: &'a DiskRootfs,
    journals: Journals,
    /// Modification time of written files, seconds since the epoch; `None`: now.
    mtime: Option<i64>,
    /// What this run did that its journal cannot undo.
    beyond: Vec<Message>,
    stop: Stop,
    _lock: Lock,
}

/// Refuses changes that cannot all be made: on another filesystem that is mounted in the root, or to
/// what belongs to an account that this process may not give files to.
///
/// # Errors
/// [`Error::Guard`].
pub(crate) fn can_carry_out(root: &DiskRootfs, changes: &[PathChange]) -> Result<()> {
    mounts::refuse_foreign(root, changes)?;
    privilege::can_set(root, changes)
}

/// What an earlier run had left behind, and what became of it.
#[derive(Debug)]
pub enum Recovered {
    /// Nothing.
    Nothing,
    /// An apply was cut off; these paths were put back.
    Apply(Vec<PutBack>),
    /// A revert was cut off; these paths were brought back to what they were before it.
    Revert(Vec<PutBack>),
    /// A revert was cut off when all was done; its journal is dropped now.
    RevertDone,
}

/// What an apply did.
#[derive(Debug, Default)]
pub struct Applied {
    /// How many paths changed.
    pub changed: usize,
    /// The journal directory, if anything changed.
    pub journal: Option<PathBuf>,
}

impl<'a> Executor<'a> {
    /// Takes the root's lock; does not wait for another run. The lock is on the root directory itself
    /// and leaves no trace.
    ///
    /// # Errors
    /// [`Error::Guard`] when another run holds it, when the process may not give files to root, or
    /// when `state` lies inside the root or where others can exchange it; the kernel's refusal.
    #[cfg(any(feature = "cli", feature = "internals"))]
    pub fn lock(root: &'a DiskRootfs, state: &Path) -> Result<Executor<'a>> {
        Executor::lock_within(root, state, Duration::ZERO, &Stop::default())
    }

    /// As [`Executor::lock`], but gives another run as long as `wait` to end. `stop` ends the wait,
    /// and later the run between two steps; what the run did is undone then.
    ///
    /// # Errors
    /// As [`Executor::lock`]; [`Error::Stopped`] when it was asked to end.
    pub fn lock_within(
        root: &'a DiskRootfs,
        state: &Path,
        wait: Duration,
        stop: &Stop,
    ) -> Result<Executor<'a>> {
        privilege::require_root()?;
        state::outside(state, root)?;
        state::is_safe(state)?;
        let lock = Lock::take(root, wait, stop)?;
        let journals = Journals::of(state, root)?;
        Ok(Executor {
            root,
            journals,
            mtime: None,
            beyond: Vec::new(),
            stop: stop.clone(),
            _lock: lock,
        })
    }

    /// Notes what this run does that its journal cannot undo (a package operation); a revert will
    /// say so.
    pub fn beyond_undo(&mut self, what: impl IntoIterator<Item = Message>) {
        self.beyond.extend(what);
    }

    /// Gives every written file this modification time (seconds since the epoch), for
    /// reproducible images.
    pub fn set_mtime(&mut self, mtime: Option<i64>) {
        self.mtime = mtime;
    }

    /// Clears away what a package step of an earlier run has left.
    pub(crate) fn sweep(&self) -> Result<()> {
        leftovers::sweep(self.root, &self.scratch())
    }

    /// The directory of this machine that the package runner works in.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.journals.packages()
    }

    /// Undoes a run that was cut off.
    ///
    /// # Errors
    /// A journal that cannot be used, or a path that cannot be put back; [`Error::Guard`] when the
    /// journal is of another tree that stood at this path.
    pub fn recover(&self) -> Result<Recovered> {
        let runs = self.journals.runs()?;
        let Some(run) = runs.last() else { return Ok(Recovered::Nothing) };
        let recovered = |paths| match run.is_revert() {
            true => Recovered::Revert(paths),
            false => Recovered::Apply(paths),
        };
        let Some(journal) = run.load()? else {
            // Cut off before its journal was complete, and so before the target was touched.
            self.journals.forget(run)?;
            return Ok(recovered(Vec::new()));
        };
        match (journal.phase, journal.reverts) {
            (Phase::Open, _) => {
                if !self.journals.is_of_this_tree(&journal) {
                    return Err(Error::Guard(messages::cut_off_elsewhere(
                        run.path().display().to_string(),
                        self.root.host_path().display().to_string(),
                    )));
                }
                journal.is_whole(self.root)?;
                let paths: Vec<ImagePath> =
                    journal.entries.iter().map(Entry::path).collect::<Result<_>>()?;
                let _accounts = self.lock_accounts(paths.iter())?;
                run.check_contents(&journal)?;
                let paths = self.undo(run, &journal, None)?;
                self.journals.forget(run)?;
                Ok(recovered(paths))
            }
            (Phase::Done, Some(number)) => {
                for taken_back in runs.iter().filter(|r| r.number == number) {
                    self.journals.forget(taken_back)?;
                }
                self.journals.forget(run)?;
                Ok(Recovered::RevertDone)
            }
            (Phase::Done, None) => Ok(Recovered::Nothing),
        }
    }

    /// Carries a plan out. A plan without changes touches nothing, on disk or in the journal.
    ///
    /// # Errors
    /// [`Error::RolledBack`] when something failed and the tree is as before;
    /// [`Error::Stuck`] when undoing failed as well.
    pub fn apply(&self, plan: &Plan) -> Result<Applied> {
        self.stop.check()?;
        let changes = plan.changes();
        if changes.is_empty() {
            return Ok(Applied { changed: 0, journal: None });
        }
        let _accounts = self.lock_accounts(changes.iter().map(|c| &c.path))?;
        let mut dirs = OpenDirs::new(self.root);
        let mut steps = Vec::with_capacity(changes.len());
        for (index, change) in changes.iter().enumerate() {
            steps.push(self.step(index, change, &mut dirs)?);
        }
        let elsewhere = other_names::beyond_undo(changes);
        let beyond = self.beyond.iter().cloned().chain(elsewhere).collect();
        let purpose = Purpose { beyond, ..Purpose::default() };
        let run = self.carry_out(steps, dirs, purpose)?;
        Ok(Applied { changed: changes.len(), journal: Some(run.path().to_owned()) })
    }

    /// Writes the journal, then the steps; undoes them all when one fails.
    fn carry_out(
        &self,
        mut steps: Vec<EntryChange>,
        dirs: OpenDirs<'_>,
        mut purpose: Purpose,
    ) -> Result<Run> {
        let paths: Vec<ImagePath> = steps.iter().map(|s| s.entry.path()).collect::<Result<_>>()?;
        purpose.below = Below::holding(self.root, &paths)?;
        let (run, mut journal) = self.journals.begin(&steps, dirs.times(), purpose)?;
        let done = self.write(&mut steps, dirs).and_then(|old| {
            journal.tell(&steps);
            old.close()?;
            run.finish(&mut journal).inspect_err(|_| old.reopen())
        });
        let Err(cause) = done else { return Ok(run) };
        let theirs = match &cause {
            Error::Raced { path } => Some(path),
            _ => None,
        };
        if let Err(undo) = self.undo(&run, &journal, theirs) {
            return Err(Error::Stuck { cause: Box::new(cause), undo: Box::new(undo) });
        }
        if let Err(left) = self.journals.forget(&run).and_then(|()| self.journals.tidy()) {
            say!(warn, messages::tidied_later(Message::from(&left)));
        }
        Err(Error::RolledBack { cause: Box::new(cause) })
    }

    /// On the running system, the account files are also edited by others.
    fn lock_accounts<'p>(
        &self,
        mut paths: impl Iterator<Item = &'p ImagePath>,
    ) -> Result<Option<OwnedFd>> {
        const FILES: [&[u8]; 4] = [b"/etc/passwd", b"/etc/shadow", b"/etc/group", b"/etc/gshadow"];
        if !self.root.is_live() {
            return Ok(None);
        }
        match paths.find(|p| FILES.contains(&p.as_bytes())).and_then(|p| p.parent()) {
            Some(dir) => OpenDir::of(self.root, dir)?.lock_accounts().map(Some),
            None => Ok(None),
        }
    }

    /// What one change means on disk: the entry as it stands, and as it will stand. Refuses when
    /// it is no longer what the plan was made from.
    fn step(
        &self,
        index: usize,
        change: &PathChange,
        dirs: &mut OpenDirs<'_>,
    ) -> Result<EntryChange> {
        let path = &change.path;
        let name = path.file_name().ok_or_else(|| Error::Raced { path: path.clone() })?;
        let temp = temporary(index);
        let content = replaces_content(change);
        let before = match &change.before {
            // Its directory may be one that this very run makes.
            None => {
                match dirs.holding(path) {
                    Err(e) if is_not_there(&e) || is_no_directory(&e) => {}
                    answer => drop(answer?),
                }
                None
            }
            Some(planned) => {
                let now = dirs.holding(path)?.look(name, content)?;
                Some(
                    now.filter(|now| matches_plan(now, planned, content))
                        .ok_or_else(|| Error::Raced { path: path.clone() })?,
                )
            }
        };
        let after = change.after.as_ref().map(|node| {
            let mut shape = shape_of(node, before.as_ref());
            if content {
                shape.mtime = self.mtime.map_or(NOW, |t| (t, 0));
            }
            shape
        });
        let elsewhere = other_names::concerns(change);
        Ok(EntryChange { entry: Entry::new(path, &temp, content), before, after, elsewhere })
    }

    /// Does the steps, and notes in each what really came of it. Returns the replaced files that are
    /// to be closed under other names.
    fn write(&self, steps: &mut [EntryChange], mut dirs: OpenDirs<'_>) -> Result<OtherNames> {
        let mut old = OtherNames::default();
        dirs.sweep()?;
        // Directories first and everything complete beside its place, then one step each.
        for EntryChange { entry, before, after, .. } in steps.iter_mut() {
            self.stop.check()?;
            let path = entry.path()?;
            let name = path.file_name().unwrap_or_default();
            let Some(after) = after else { continue };
            if after.kind == FileKind::Dir && before.is_none() {
                *after = dirs.holding(&path)?.make_dir(name, after)?;
                if let Some(time) = self.mtime {
                    dirs.expect(&path, (time, 0));
                    dirs.at(&path)?;
                }
            } else if entry.content {
                *after = dirs.holding(&path)?.prepare(&entry.temp(), name, after)?;
            }
        }
        for step in steps.iter_mut() {
            self.stop.check()?;
            let path = step.entry.path()?;
            let name = path.file_name().unwrap_or_default();
            let dir = dirs.holding(&path)?;
            if step.elsewhere {
                old.extend(&path, dir.with_other_names(name)?, step);
            }
            let EntryChange { entry, before, after, .. } = step;
            if let Some(before) = before.as_ref() {
                // The journal holds what stood there when it was looked at, and nothing newer.
                let now = dir.look(name, entry.content)?;
                if !now.is_some_and(|now| may_be_replaced(&now, before, after.as_ref())) {
                    return Err(Error::Raced { path });
                }
            }
            match (before, after) {
                (None, None) => {}
                (Some(before), None) => {
                    dir.remove(name, before.kind)?;
                    dirs.gone(&path);
                }
                (before, Some(_)) if entry.content => {
                    dir.commit(&entry.temp(), name, before.is_none())?;
                }
                (Some(_), Some(after)) => *after = dir.set_stat(name, after)?,
                (None, Some(_)) => {}
            }
        }
        dirs.close()?;
        Ok(old)
    }

    /// Puts every entry back that is not as it was, last first; one that cannot be put back does
    /// not keep the others from it. What somebody else made of `theirs` stays. Returns which were.
    fn undo(
        &self,
        run: &Run,
        journal: &Journal,
        theirs: Option<&ImagePath>,
    ) -> Result<Vec<PutBack>> {
        let mut dirs = OpenDirs::new(self.root);
        for dir in &journal.folders {
            dirs.expect(&dir.path()?, dir.mtime);
        }
        let (mut done, mut failed) = (Vec::new(), None);
        for entry in journal.entries.iter().rev() {
            let path = entry.path()?;
            let is_theirs = theirs == Some(&path);
            match self.undo_entry(run, journal, entry, &path, &mut dirs, is_theirs) {
                Ok(true) => done.push(PutBack { path, how: How::of(entry.before.is_some()) }),
                Ok(false) => {}
                // Everything of ours in it is gone by now.
                Err(e) if failed.is_none() && is_not_empty(&e) => {
                    say!(warn, messages::something_in_it(&path))
                }
                Err(e) if failed.is_none() => failed = Some(e),
                Err(e) => say!(error, Message::from(&e)),
            }
        }
        dirs.close()?;
        failed.map_or(Ok(done), Err)
    }

    fn undo_entry(
        &self,
        run: &Run,
        journal: &Journal,
        entry: &Entry,
        path: &ImagePath,
        dirs: &mut OpenDirs<'_>,
        is_theirs: bool,
    ) -> Result<bool> {
        let name = path.file_name().unwrap_or_default();
        let dir = match dirs.holding(path) {
            Ok(dir) => dir,
            Err(e) if entry.before.is_none() && journal.never_made(path, &e) => return Ok(false),
            Err(e) => return Err(e),
        };
        dir.discard(&entry.temp())?;
        let now = dir.look(name, entry.content)?;
        let is = |saved: &Option<Saved>| match saved {
            None => now.is_none(),
            Some(saved) => saved.is(now.as_ref(), entry.content),
        };
        let is_exactly = |saved: &Option<Saved>| match saved {
            None => now.is_none(),
            Some(saved) => saved.is_exactly(now.as_ref(), entry.content),
        };
        // Before and after may differ in nothing but attributes and time.
        if is_exactly(&entry.before) || is(&entry.before) && !is(&entry.after) {
            return Ok(false);
        }
        let is_ours = is(&entry.after) || now.as_ref().is_some_and(|now| half_made(entry, now));
        if !is_ours && entry.before.is_none() {
            // Nothing of ours stands there: somebody else's, which the run met or came upon.
            say!(warn, messages::made_by_others(path));
            return Ok(false);
        }
        if !is_ours && is_theirs {
            say!(warn, messages::changed_by_others(path));
            return Ok(false);
        }
        if !is_ours {
            return Err(Error::Journal {
                path: run.path().display().to_string(),
                why: messages::neither_old_nor_new(path),
            });
        }
        match (&entry.before, now) {
            (None, Some(now)) => dir.remove(name, now.kind)?,
            (None, None) => {}
            (Some(before), _) if entry.content => {
                let shape = run.shape(before)?;
                let temp = entry.temp();
                dir.prepare(&temp, name, &shape)?;
                dir.commit(&temp, name, false)?;
            }
            (Some(before), None) => {
                let shape = run.shape(before)?;
                dir.make_dir(name, &shape)?;
                dirs.expect(path, shape.mtime);
                dirs.at(path)?;
            }
            (Some(before), Some(_)) => drop(dir.set_stat(name, &run.shape(before)?)?),
        }
        Ok(true)
    }
}

impl Recovered {
    /// Says on the log what was found.
    pub(crate) fn tell(&self) {
        match self {
            Recovered::Apply(paths) => {
                say!(warn, messages::apply_was_cut_off(paths.len()));
            }
            Recovered::Revert(paths) => {
                say!(warn, messages::revert_was_cut_off(paths.len()));
            }
            Recovered::Nothing | Recovered::RevertDone => {}
        }
    }
}
