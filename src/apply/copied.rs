//! A disk image that was copied or moved while a run on it was incomplete.

use std::path::Path;

use super::journal::{Journal, Phase, Saved};
use super::revert::PutBack;
use super::{Executor, OpenDirs, half_made};
use crate::error::{Error, Result, cannot};
use crate::rootfs::{DiskRootfs, ImagePath};

/// Undoes on `root` what a run had begun on another copy of this tree when it was cut off. Its
/// journal is in `state` and stays: the other copy also needs it.
///
/// `None`: the journal is of something else, or this copy is not half done; nothing was changed.
///
/// # Errors
/// As [`Executor::lock`] and [`Executor::recover`].
pub fn undo_copy(root: &DiskRootfs, state: &Path) -> Result<Option<Vec<PutBack>>> {
    let executor = Executor::lock(root, state)?;
    let runs = executor.journals.runs()?;
    let Some(run) = runs.last() else { return Ok(None) };
    let Some(journal) = run.load()? else { return Ok(None) };
    let same = executor.journals.is_of_this_tree(&journal) && journal.is_whole(root).is_ok();
    if journal.phase != Phase::Open || !same || !is_half_done(root, &journal)? {
        return Ok(None);
    }
    run.check_contents(&journal)?;
    executor.undo(run, &journal, None).map(Some)
}

/// Whether a state directory holds the journal of a run that was cut off, on whatever root.
///
/// # Errors
/// The kernel's refusal.
#[allow(clippy::disallowed_methods)] // the program's own directory on the host
pub fn is_unfinished(state: &Path) -> Result<bool> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let fail = |e| Error::host(cannot::read, state, e);
    let is_none = |e: &std::io::Error| matches!(e.kind(), NotADirectory | NotFound);
    let list = |dir: &Path| match std::fs::read_dir(dir) {
        Ok(entries) => entries.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<_>>>(),
        Err(e) if is_none(&e) => Ok(Vec::new()),
        Err(e) => Err(e),
    };
    for root in list(state).map_err(fail)? {
        for run in list(&root).map_err(fail)? {
            let text = match std::fs::read(run.join("journal.json")) {
                Ok(text) => text,
                // It had written nothing yet.
                Err(e) if is_none(&e) => continue,
                Err(e) => return Err(fail(e)),
            };
            // One that is not understood is not thrown away.
            let journal: Option<serde_json::Value> = serde_json::from_slice(&text).ok();
            if journal.is_none_or(|sealed| sealed["journal"]["phase"] == "open") {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether every entry is as it was or as the run would have left it, and there are both, or something
/// that the run had only begun.
fn is_half_done(root: &DiskRootfs, journal: &Journal) -> Result<bool> {
    let mut dirs = OpenDirs::new(root);
    let (mut old, mut new, mut begun) = (false, false, false);
    for entry in &journal.entries {
        let path: ImagePath = entry.path()?;
        let name = path.file_name().unwrap_or_default();
        let dir = match dirs.holding(&path) {
            Ok(dir) => dir,
            Err(e) if entry.before.is_none() && journal.never_made(&path, &e) => {
                old = true;
                continue;
            }
            Err(_) => return Ok(false),
        };
        begun |= dir.look(&entry.temp(), false)?.is_some();
        let now = dir.look(name, entry.content)?;
        let is = |saved: &Option<Saved>| match saved {
            None => now.is_none(),
            Some(saved) => saved.is(now.as_ref(), entry.content),
        };
        match (is(&entry.before), is(&entry.after)) {
            (true, true) => {}
            (true, false) => old = true,
            (false, true) => new = true,
            (false, false) if now.as_ref().is_some_and(|now| half_made(entry, now)) => begun = true,
            (false, false) => return Ok(false),
        }
    }
    Ok(begun || old && new)
}
