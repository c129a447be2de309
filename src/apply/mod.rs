//! The only code that writes.
//!
//! A plan is carried out in this order: journal (what stands there now, on disk, outside the
//! target) → every new file complete beside its place → one rename each → directories synced →
//! journal marked done. A failure on the way undoes everything; a run that was killed is undone by
//! the next one. It must stay true that each entry is old or new at any instant.

mod entry;
mod journal;
pub mod packages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::fcntl::{Flock, FlockArg, OFlag};

use crate::error::{Error, Result};
use crate::plan::{self, Judged, Plan};
use crate::profile::Rule;
use crate::rootfs::{DiskRootfs, FileKind, ImagePath, Links, Node, NodeBody, PathChange, Rootfs};

use entry::{Folder, NOW, Shape};
use journal::{Entry, FolderTime, Journal, Journals, Phase, Run, Step};

/// Where journals lie unless the caller says otherwise.
pub const STATE_DIR: &str = "/var/lib/gokaku";

/// The right to change one root: the lock, and the place of its journals.
pub struct Executor<'a> {
    root: &'a DiskRootfs,
    journals: Journals,
    /// Modification time of written files, seconds since the epoch; `None`: now.
    mtime: Option<i64>,
    /// What was done to packages before, for the journal: nothing brings it back.
    packages: Vec<String>,
    _lock: Flock<OwnedFd>,
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
    /// Takes the root's lock. The lock is on the root directory itself and leaves no trace.
    ///
    /// # Errors
    /// [`Error::Guard`] when another run holds it; the kernel's refusal.
    pub fn lock(root: &'a DiskRootfs, state: &Path) -> Result<Executor<'a>> {
        let top = ImagePath::root();
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
        let fd = root
            .open_at(&top, flags, Links::Refuse)
            .map_err(|e| Error::target("open the root for locking", &top, e))?;
        let lock = Flock::lock(fd, FlockArg::LockExclusiveNonblock).map_err(|(_, e)| match e {
            nix::errno::Errno::EWOULDBLOCK => Error::Guard(format!(
                "{}: another run is at work on this root; wait until it has ended",
                root.host_path().display()
            )),
            e => Error::target("lock the root", &top, e),
        })?;
        let journals = Journals::of(state, root);
        Ok(Executor { root, journals, mtime: None, packages: Vec::new(), _lock: lock })
    }

    /// Gives every written file this modification time (seconds since the epoch), for
    /// reproducible images.
    pub fn set_mtime(&mut self, mtime: Option<i64>) {
        self.mtime = mtime;
    }

    /// Undoes a run that was cut off. Returns how many paths were put back.
    ///
    /// # Errors
    /// A journal that cannot be used, or a path that cannot be put back.
    pub fn recover(&self) -> Result<usize> {
        match self.journals.latest()? {
            Some((run, journal)) if journal.phase == Phase::Open => {
                let count = self.undo(&run, &journal)?;
                run.forget()?;
                Ok(count)
            }
            _ => Ok(0),
        }
    }

    /// Carries a plan out. A plan without changes touches nothing, on disk or in the journal.
    ///
    /// # Errors
    /// [`Error::RolledBack`] when something failed and the tree is as before;
    /// [`Error::Stuck`] when undoing failed as well.
    pub fn apply(&self, plan: &Plan) -> Result<Applied> {
        let changes = plan.changes();
        if changes.is_empty() {
            return Ok(Applied { changed: 0, journal: None });
        }
        let _accounts = self.lock_accounts(changes)?;
        let mut folders = Folders::new(self.root);
        let mut steps = Vec::new();
        for (index, change) in changes.iter().enumerate() {
            steps.push(self.step(index, change, &mut folders)?);
        }
        let (run, mut journal) = self.journals.begin(&steps, folders.times(), &self.packages)?;
        let done = self.write(&steps, folders).and_then(|()| {
            journal.phase = Phase::Done;
            run.save(&journal)
        });
        match done {
            Ok(()) => Ok(Applied { changed: changes.len(), journal: Some(run.path().to_owned()) }),
            Err(cause) => match self.recover() {
                Ok(_) => Err(Error::RolledBack { cause: Box::new(cause) }),
                Err(undo) => Err(Error::Stuck { cause: Box::new(cause), undo: Box::new(undo) }),
            },
        }
    }

    /// On the running system, the account files are also edited by others.
    fn lock_accounts(&self, changes: &[PathChange]) -> Result<Option<OwnedFd>> {
        const FILES: [&[u8]; 4] = [b"/etc/passwd", b"/etc/shadow", b"/etc/group", b"/etc/gshadow"];
        let account = changes.iter().find(|c| FILES.contains(&c.path.as_bytes()));
        match account.filter(|_| self.root.is_live()) {
            Some(change) => Folder::holding(self.root, &change.path)?.lock_accounts().map(Some),
            None => Ok(None),
        }
    }

    /// What one change means on disk: the entry as it stands, and as it will stand. Refuses when
    /// it is no longer what the plan was made from.
    fn step(&self, index: usize, change: &PathChange, folders: &mut Folders<'_>) -> Result<Step> {
        let path = &change.path;
        let name = path.file_name().ok_or_else(|| Error::Raced { path: path.clone() })?;
        // Neither `.conf` nor hidden-but-read: logrotate, modprobe and procps all skip this one.
        let temp = OsString::from(format!(".gokaku-{}-{index}.dpkg-new", std::process::id()));
        let content = replaces_content(change);
        let before = match &change.before {
            // Its directory may be one that this very run makes.
            None => {
                folders.holding(path).ok();
                None
            }
            Some(planned) => {
                let now = folders.holding(path)?.look(name, content)?;
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
        Ok(Step { entry: Entry::new(path, &temp, content), before, after })
    }

    fn write(&self, steps: &[Step], mut folders: Folders<'_>) -> Result<()> {
        // Directories first and everything complete beside its place, then one step each.
        for Step { entry, before, after } in steps {
            let path = entry.path()?;
            let Some(after) = after else { continue };
            if after.kind == FileKind::Dir && before.is_none() {
                folders.holding(&path)?.make_dir(path.file_name().unwrap_or_default(), after)?;
            } else if entry.content {
                let name = path.file_name().unwrap_or_default();
                folders.holding(&path)?.prepare(&entry.temp(), name, after)?;
            }
        }
        for Step { entry, before, after } in steps {
            let path = entry.path()?;
            let name = path.file_name().unwrap_or_default();
            let folder = folders.holding(&path)?;
            match (before, after) {
                (None, None) => {}
                (Some(before), None) => folder.remove(name, before.kind)?,
                (_, Some(_)) if entry.content => {
                    folder.commit(&entry.temp(), name, before.is_none())?;
                }
                (Some(_), Some(after)) => folder.set_stat(name, after)?,
                (None, Some(_)) => {}
            }
        }
        folders.close()
    }

    /// Puts every entry back that is not as it was, last first.
    fn undo(&self, run: &Run, journal: &Journal) -> Result<usize> {
        let mut folders = Folders::new(self.root);
        for folder in &journal.folders {
            folders.expect(&folder.path()?, folder.mtime);
        }
        let mut count = 0;
        for entry in journal.entries.iter().rev() {
            let path = entry.path()?;
            let name = path.file_name().unwrap_or_default();
            // A directory this run was to make may never have been made.
            let folder = match folders.holding(&path) {
                Ok(folder) => folder,
                Err(_) if entry.before.is_none() => continue,
                Err(e) => return Err(e),
            };
            folder.discard(&entry.temp());
            let now = folder.look(name, entry.content)?;
            let same = match &entry.before {
                None => now.is_none(),
                Some(before) => before.is(now.as_ref(), entry.content),
            };
            if same {
                continue;
            }
            let is_ours = match &entry.after {
                None => now.is_none(),
                Some(after) => after.is(now.as_ref(), entry.content) || half_made(after, &now),
            };
            if !is_ours && entry.before.is_none() {
                // Nothing of ours stands there: somebody else's, which the run met or came upon.
                log::warn!("{path}: made by something else while a run was going on; left alone");
                continue;
            }
            if !is_ours {
                return Err(Error::Journal {
                    path: run.path().display().to_string(),
                    why: format!(
                        "{path} is neither as it was before the run that was cut off nor as that \
                         run would have left it; put it right by hand, then remove this journal"
                    ),
                });
            }
            match (&entry.before, now) {
                (None, Some(now)) => folder.remove(name, now.kind)?,
                (None, None) => {}
                (Some(before), _) if entry.content => {
                    let shape = run.shape(before)?;
                    let temp = entry.temp();
                    folder.prepare(&temp, name, &shape)?;
                    folder.commit(&temp, name, false)?;
                }
                (Some(before), _) => folder.set_stat(name, &run.shape(before)?)?,
            }
            count += 1;
        }
        folders.close()?;
        Ok(count)
    }
}

/// What hardening a root came to.
#[derive(Debug)]
pub struct Hardened {
    /// The plan that was carried out.
    pub plan: Plan,
    /// The verdicts from the disk, after writing.
    pub after: Vec<Judged>,
    /// What was written.
    pub applied: Applied,
    /// What became of the packages.
    pub packages: packages::Outcome,
}

/// Brings a root to what `rules` declare: recovers what an earlier run left behind, changes packages
/// if there is a `runner`, plans on what is there then, writes, and judges again from the disk.
///
/// When a package operation fails, no file is written: [`packages::Outcome::failure`] says why, and
/// the verdicts are those of the disk.
///
/// # Errors
/// As [`Executor::lock`], [`Executor::recover`], [`plan::plan`] and [`Executor::apply`]; a refusal
/// of the package runner, when nothing was changed.
pub fn harden(
    root: &DiskRootfs,
    rules: &[&Rule],
    state: &Path,
    mtime: Option<i64>,
    runner: Option<&packages::Runner>,
) -> Result<Hardened> {
    let mut executor = Executor::lock(root, state)?;
    executor.set_mtime(mtime);
    let recovered = executor.recover()?;
    if recovered > 0 {
        log::warn!("an earlier run was cut off; {recovered} paths were put back first");
    }
    // Whatever was read before the lock was held may be old.
    let mut now = root.reopen()?;
    let mut packages = packages::Outcome::default();
    let mut before = None;
    if let Some(runner) = runner {
        packages::sweep(root)?;
        let judged = plan::audit(rules, &now);
        packages = runner.run(&now, rules, &executor.journals.packages(), mtime)?;
        now = root.reopen()?;
        if packages.failure.is_some() {
            let after = plan::audit(rules, &now);
            let plan = Plan::unchanged(judged, after.clone());
            return Ok(Hardened { plan, after, applied: Applied::default(), packages });
        }
        before = Some(judged).filter(|_| !packages.operations.is_empty());
        executor.packages = packages.operations.iter().map(ToString::to_string).collect();
    }
    let mut plan = plan::plan(rules, &now)?;
    if let Some(before) = before {
        plan.before = before;
    }
    let applied = executor.apply(&plan)?;
    // What was not written to is as it was judged.
    let after = match applied.changed {
        0 => plan.after.clone(),
        _ => plan::audit(rules, &root.reopen()?),
    };
    Ok(Hardened { plan, after, applied, packages })
}

/// Owner and mode are set in two steps; between them an entry is neither old nor new, but ours.
fn half_made(after: &journal::Saved, now: &Option<Shape>) -> bool {
    let dir_or_stat = matches!(after.kind(), FileKind::Dir | FileKind::File);
    dir_or_stat && now.as_ref().is_some_and(|n| n.kind == after.kind()) && !after.has_content()
}

fn replaces_content(change: &PathChange) -> bool {
    match (&change.before, &change.after) {
        (_, Some(Node { body: NodeBody::File(Some(_)) | NodeBody::Symlink(_), .. })) => {
            change.before.as_ref().map(|n| &n.body) != change.after.as_ref().map(|n| &n.body)
                || matches!(change.after, Some(Node { body: NodeBody::Symlink(_), .. }))
        }
        // A removed file must be kept whole for the undo.
        (Some(Node { body: NodeBody::File(_) | NodeBody::Symlink(_), .. }), None) => true,
        _ => false,
    }
}

fn matches_plan(now: &Shape, planned: &Node, content: bool) -> bool {
    let stat = &planned.stat;
    (now.kind, now.mode, now.uid, now.gid) == (stat.kind, stat.mode, stat.uid, stat.gid)
        && match &planned.body {
            NodeBody::File(Some(bytes)) if content => now.content.as_deref() == Some(bytes),
            NodeBody::Symlink(target) => now.content.as_ref() == Some(target),
            _ => true,
        }
}

fn shape_of(node: &Node, before: Option<&Shape>) -> Shape {
    let content = match &node.body {
        NodeBody::File(Some(bytes)) => Some(Rc::as_ref(bytes).to_vec()),
        NodeBody::Symlink(target) => Some(target.clone()),
        _ => None,
    };
    Shape {
        kind: node.stat.kind,
        mode: node.stat.mode,
        uid: node.stat.uid,
        gid: node.stat.gid,
        mtime: before.map_or(NOW, |b| b.mtime),
        content,
        xattrs: before.map(|b| b.xattrs.clone()).unwrap_or_default(),
    }
}

/// The directories a run works in, each opened once, and the times to put back.
struct Folders<'a> {
    root: &'a DiskRootfs,
    open: BTreeMap<ImagePath, Folder>,
    mtimes: BTreeMap<ImagePath, (i64, i64)>,
}

impl<'a> Folders<'a> {
    fn new(root: &'a DiskRootfs) -> Folders<'a> {
        Folders { root, open: BTreeMap::new(), mtimes: BTreeMap::new() }
    }

    /// The time a directory is to have in the end, where it is not the one found on opening it.
    fn expect(&mut self, dir: &ImagePath, mtime: (i64, i64)) {
        self.mtimes.insert(dir.clone(), mtime);
    }

    /// The directory that holds `path`.
    fn holding(&mut self, path: &ImagePath) -> Result<&Folder> {
        let dir = path.parent().unwrap_or_else(ImagePath::root);
        let folder = match self.open.entry(dir) {
            std::collections::btree_map::Entry::Occupied(o) => o.into_mut(),
            std::collections::btree_map::Entry::Vacant(v) => {
                let folder = Folder::holding(self.root, path)?;
                let found = folder.mtime()?;
                self.mtimes.entry(v.key().clone()).or_insert(found);
                v.insert(folder)
            }
        };
        Ok(folder)
    }

    /// The directories opened so far, for the journal.
    fn times(&self) -> Vec<FolderTime> {
        self.mtimes.iter().map(|(path, mtime)| FolderTime::new(path, *mtime)).collect()
    }

    /// Puts the directories' times back (a finished image shows no trace beyond the hardening; on
    /// the running system the times are news to daemons and stay) and waits for the disk.
    fn close(self) -> Result<()> {
        for (path, folder) in self.open.iter().rev() {
            if let Some(mtime) = self.mtimes.get(path)
                && !self.root.is_live()
                && folder.mtime()? != *mtime
            {
                folder.set_mtime(*mtime)?;
            }
            folder.sync()?;
        }
        Ok(())
    }
}
