//! Reverting finished runs, and deleting their journals.
//!
//! A revert is itself a run: the current state is journalled, the previous state is written, and
//! after a failure or a kill in between the state at its beginning is restored. Invariant: nothing
//! is changed before every path has been found as the run had left it.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::entry::{is_no_directory, is_not_there};
use super::journal::{Entry, EntryChange, Journal, Purpose, Run, Saved, temporary};
use super::shape::Shape;
use super::{Executor, OpenDirs, Recovered, Stop, leftovers};
use crate::apply::messages;
use crate::error::{Error, Result, kind};
use crate::message::{Arg, Message, say};
use crate::rootfs::{DiskRootfs, FileKind, ImagePath};

/// What a revert did; also its JSON form.
#[derive(Debug, Serialize)]
pub struct Reverted {
    /// Always `gokaku.revert/1`.
    pub schema: &'static str,
    /// The root's path on this machine.
    pub root: String,
    /// The number of the run that was taken back; `null` when a run that was cut off was undone, or
    /// a revert that was cut off had already done everything.
    pub run: Option<u32>,
    /// Every path that was put back.
    pub paths: Vec<PutBack>,
    /// Paths left as they are, because an earlier `--force` accepted their later state.
    pub left: Vec<ImagePath>,
    /// What the run had done beyond the files in the journal, which is not undone.
    pub not_undone: Vec<Message>,
    /// How many earlier runs can still be taken back.
    pub remaining: usize,
}

/// One path that was put back.
#[derive(Debug, Serialize)]
pub struct PutBack {
    /// Inside the root.
    pub path: ImagePath,
    /// What that came to.
    pub how: How,
}

/// What putting a path back came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// It is as it was before the run.
    Restored,
    /// The run had made it; it is gone.
    Removed,
}

impl How {
    /// By whether something stands there again.
    pub(super) fn of(stands: bool) -> How {
        if stands { How::Restored } else { How::Removed }
    }
}

/// Takes the last finished run on a root back: content, modes, owners, attributes, times, links;
/// what it had made is gone. A run that was cut off is undone instead. Where `only` names a run, it
/// takes back that one, and only if it is the last. `wait` and `stop` are as in
/// [`Executor::lock_within`].
///
/// # Errors
/// [`Error::Guard`] when there is nothing to take back, when another run is the last, or when
/// something else changed a path since and it is not in `force`; as [`Executor::lock_within`],
/// [`Executor::recover`] and [`Executor::apply`].
pub fn revert_run(
    root: &DiskRootfs,
    state: &Path,
    only: Option<u32>,
    force: &[ImagePath],
    wait: Duration,
    stop: &Stop,
) -> Result<Reverted> {
    let executor = Executor::lock_within(root, state, wait, stop)?;
    // The run that a recovery takes back: its own, or the one that it was about to take back.
    let about = match executor.journals.runs()?.last() {
        Some(run) => run.load()?.and_then(|journal| journal.reverts).unwrap_or(run.number),
        None => 0,
    };
    let recovered = executor.recover()?;
    recovered.tell();
    leftovers::sweep(root, &executor.journals.packages())?;
    let meant = only.is_none_or(|only| only == about);
    match recovered {
        // The last run is what was cut off: it has been taken back now, and no other.
        Recovered::Apply(paths) if meant => executor.reverted(None, paths, Vec::new(), Vec::new()),
        Recovered::RevertDone if meant => {
            executor.reverted(None, Vec::new(), Vec::new(), Vec::new())
        }
        _ => executor.revert(only, force),
    }
}

/// [`revert_run`] of whichever run is the last.
///
/// # Errors
/// As [`revert_run`].
#[cfg(feature = "internals")]
pub fn revert(
    root: &DiskRootfs,
    state: &Path,
    force: &[ImagePath],
    wait: Duration,
    stop: &Stop,
) -> Result<Reverted> {
    revert_run(root, state, None, force, wait, stop)
}

/// Drops the journals of a root, and the state directories that are empty then. A run that was
/// cut off is undone first. Journals of another tree that stood at this path stay. `wait` and `stop`
/// are as in [`Executor::lock_within`]; what was dropped before `stop` asked to end stays dropped.
/// Returns how many runs were dropped.
///
/// # Errors
/// As [`Executor::lock_within`] and [`Executor::recover`]; a journal that cannot be removed.
pub fn forget(root: &DiskRootfs, state: &Path, wait: Duration, stop: &Stop) -> Result<usize> {
    let executor = Executor::lock_within(root, state, wait, stop)?;
    executor.recover()?.tell();
    leftovers::sweep(root, &executor.journals.packages())?;
    let runs = executor.journals.runs()?;
    let mut dropped = 0;
    // Oldest first: cut off here, what is left is still the end of the story.
    for run in &runs {
        stop.check()?;
        match run.load() {
            Ok(Some(journal)) if !executor.journals.is_of_this_tree(&journal) => say!(
                warn,
                messages::kept_for_other_tree(
                    run.path().display().to_string(),
                    root.host_path().display().to_string(),
                )
            ),
            // A journal that cannot be used is of no use to anybody.
            _ => {
                executor.journals.forget(run)?;
                dropped += 1;
            }
        }
    }
    executor.journals.tidy_all()?;
    Ok(dropped)
}

/// One entry of a journal, and the way back.
enum Back {
    /// It is as it was before the run.
    Nothing,
    /// It can be put back.
    Change(Box<EntryChange>),
    /// Its later state was accepted.
    Left,
    /// Something else changed it.
    Changed { how: Vec<Message>, forceable: bool },
}

impl Executor<'_> {
    fn revert(&self, only: Option<u32>, force: &[ImagePath]) -> Result<Reverted> {
        let runs = self.journals.runs()?;
        let root = || self.root.host_path().display().to_string();
        let Some((run, journal)) = self.last_of(&runs)? else {
            if let Some(other) = runs.last() {
                return Err(Error::Guard(messages::made_elsewhere(
                    root(),
                    other.path().display().to_string(),
                )));
            }
            self.journals.tidy()?;
            return Err(Error::Guard(messages::nothing_to_revert(
                root(),
                self.journals.dir().display().to_string(),
            )));
        };
        if let Some(only) = only.filter(|only| *only != run.number) {
            return Err(Error::Guard(messages::not_the_last(
                root(),
                format!("{only:06}"),
                format!("{:06}", run.number),
            )));
        }
        journal.is_whole(self.root)?;
        let mut dirs = OpenDirs::new(self.root);
        let (steps, left) = self.steps_back(run, &journal, force, &mut dirs)?;
        let put_back = |step: &EntryChange| -> Result<PutBack> {
            Ok(PutBack { path: step.entry.path()?, how: How::of(step.after.is_some()) })
        };
        let paths: Vec<PutBack> = steps.iter().map(put_back).collect::<Result<_>>()?;
        let _accounts = self.lock_accounts(paths.iter().map(|p| &p.path))?;
        let purpose = Purpose { reverts: Some(run.number), ..Purpose::default() };
        let own = self.carry_out(steps, dirs, purpose)?;
        // From here on the run counts as taken back; whoever comes next ends what fails now.
        if let Err(e) = self.journals.forget(run).and_then(|()| self.journals.forget(&own)) {
            say!(warn, messages::reverted_but(Message::from(&e)));
        }
        self.reverted(Some(run.number), paths, left, journal.beyond)
    }

    /// The newest run on this very tree, which is a finished apply once everything has been
    /// recovered. Other trees may have stood at its path since.
    fn last_of<'r>(&self, runs: &'r [Run]) -> Result<Option<(&'r Run, Journal)>> {
        for run in runs.iter().rev() {
            if let Some(journal) = run.load()?
                && self.journals.is_of_this_tree(&journal)
            {
                return Ok(Some((run, journal)));
            }
        }
        Ok(None)
    }

    /// Whether a run can still be taken back, here and now.
    fn can_be_reverted(&self, run: &Run) -> bool {
        let journal = run.load().ok().flatten();
        journal.is_some_and(|journal| self.journals.is_of_this_tree(&journal))
    }

    fn reverted(
        &self,
        run: Option<u32>,
        paths: Vec<PutBack>,
        left: Vec<ImagePath>,
        not_undone: Vec<Message>,
    ) -> Result<Reverted> {
        let remaining = match self.journals.runs() {
            Ok(runs) => {
                let earlier = runs.iter().filter(|r| run.is_none_or(|done| r.number < done));
                earlier.filter(|r| self.can_be_reverted(r)).count()
            }
            Err(e) => {
                say!(warn, messages::reverted_but(Message::from(&e)));
                0
            }
        };
        if let Err(e) = self.journals.tidy() {
            say!(warn, Message::from(&e));
        }
        Ok(Reverted {
            schema: "gokaku.revert/1",
            root: self.root.host_path().display().to_string(),
            run,
            paths,
            left,
            not_undone,
            remaining,
        })
    }

    /// The way back of every entry, last first, and the paths that stay. Refuses, with all of them,
    /// when something else changed a path.
    fn steps_back(
        &self,
        run: &Run,
        journal: &Journal,
        force: &[ImagePath],
        dirs: &mut OpenDirs<'_>,
    ) -> Result<(Vec<EntryChange>, Vec<ImagePath>)> {
        let known: BTreeSet<ImagePath> =
            journal.entries.iter().map(Entry::path).collect::<Result<_>>()?;
        if let Some(unknown) = force.iter().find(|path| !known.contains(path)) {
            return Err(Error::Guard(messages::not_of_this_run(
                unknown,
                run.path().display().to_string(),
            )));
        }
        let (mut steps, mut left, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        let mut removed = BTreeSet::new();
        for (index, entry) in journal.entries.iter().enumerate().rev() {
            let path = entry.path()?;
            let forced = force.contains(&path);
            match self.back(index, run, entry, forced, &removed, dirs)? {
                Back::Nothing => {}
                Back::Left => left.push(path),
                Back::Change(step) => {
                    if step.after.is_none() {
                        removed.insert(path);
                    }
                    steps.push(*step);
                }
                Back::Changed { how, forceable } => {
                    changed.push(match forceable {
                        true => messages::changed_path(path, how),
                        false => messages::changed_path_for_good(path, how),
                    });
                }
            }
        }
        if changed.is_empty() {
            return Ok((steps, left));
        }
        changed.reverse();
        let count = changed.len();
        let lines = changed.into_iter().reduce(messages::two_lines);
        Err(Error::Guard(messages::changed_since(
            self.root.host_path().display().to_string(),
            count,
            known.len(),
            format!("{:06}", run.number),
            lines.map_or_else(|| Arg::from(""), Arg::from),
        )))
    }

    /// The way back of one entry. `removed`: what is gone by then.
    fn back(
        &self,
        index: usize,
        run: &Run,
        entry: &Entry,
        forced: bool,
        removed: &BTreeSet<ImagePath>,
        dirs: &mut OpenDirs<'_>,
    ) -> Result<Back> {
        let path = entry.path()?;
        let name = path.file_name().unwrap_or_default();
        let now = match dirs.holding(&path) {
            Ok(dir) => dir.look(name, entry.content)?,
            Err(e) if is_not_there(&e) && entry.before.is_none() => return Ok(Back::Nothing),
            Err(e) if is_not_there(&e) || is_no_directory(&e) => {
                let how = match is_not_there(&e) {
                    true => messages::directory_gone(),
                    false => messages::directory_replaced(),
                };
                return Ok(Back::Changed { how: vec![how], forceable: false });
            }
            Err(e) => return Err(e),
        };
        let as_before = match &entry.before {
            None => now.is_none(),
            Some(before) => before.is_exactly(now.as_ref(), entry.content),
        };
        if as_before {
            return Ok(Back::Nothing);
        }
        // Put back by hand is no later change, though the times are not the old ones.
        let by_hand = match (&entry.before, &now) {
            (Some(before), Some(now)) => before.differences(now, entry.content).is_empty(),
            _ => false,
        };
        let how = if by_hand { Vec::new() } else { changes(entry, now.as_ref()) };
        let forceable = match (&now, &entry.before) {
            (None, before) => before.as_ref().is_some_and(|_| entry.content),
            // What could not be kept is not thrown away.
            (Some(now), _) if entry.content => {
                matches!(now.kind, FileKind::File | FileKind::Symlink) && now.content.is_some()
            }
            (Some(now), Some(before)) => now.kind == before.kind(),
            (Some(now), None) => now.kind == FileKind::Dir,
        };
        let overruled = forced && forceable;
        if !how.is_empty() && !overruled {
            return Ok(Back::Changed { how, forceable });
        }
        if let (None, Some(FileKind::Dir)) = (&entry.before, now.as_ref().map(|n| n.kind)) {
            let stays = others(&path, removed, dirs)?;
            if !stays.is_empty() && forced {
                return Ok(Back::Left);
            }
            if !stays.is_empty() {
                let how = vec![messages::not_empty(stays.join(" "))];
                return Ok(Back::Changed { how, forceable: true });
            }
        }
        let after = entry.before.as_ref().map(|before| run.shape(before)).transpose()?;
        let entry = Entry::new(&path, &temporary(index), entry.content);
        Ok(Back::Change(Box::new(EntryChange { entry, before: now, after, elsewhere: false })))
    }
}

/// How an entry is not what the run had left.
fn changes(entry: &Entry, now: Option<&Shape>) -> Vec<Message> {
    match (&entry.after, now) {
        (None, None) => Vec::new(),
        (None, Some(now)) => vec![messages::expected_nothing(kind(now.kind))],
        (Some(after), None) => vec![messages::found_nothing(kind(Saved::kind(after)))],
        (Some(after), Some(now)) => after.differences(now, entry.content),
    }
}

/// What stands in a directory and will still stand there.
fn others(
    dir: &ImagePath,
    removed: &BTreeSet<ImagePath>,
    dirs: &mut OpenDirs<'_>,
) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for name in dirs.at(dir)?.names()? {
        let path = dir.join(&name)?;
        if !removed.contains(&path) {
            out.push(path.to_string());
        }
    }
    out.sort();
    Ok(out)
}
