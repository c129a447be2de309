//! A run that writes: leftovers of an earlier run, packages, plan, files, and the final audit.

use std::path::PathBuf;

use super::{Guarded, Options};
use crate::apply::{self, Executor, messages, packages};
use crate::check::Audit;
use crate::error::Result;
use crate::message::say;
use crate::plan::{self, Plan};
use crate::profile::Profile;
use crate::report::{Mode, Report};
use crate::rootfs::DiskRootfs;

/// A plan that every guard has let pass, and the right to carry it out: the root is locked until
/// this is dropped or applied.
///
/// ```no_run
/// use gokaku::Profile;
/// use gokaku::rootfs::DiskRootfs;
/// use gokaku::run::{Hardening, Options};
///
/// let profile = Profile::embedded()?;
/// let root = DiskRootfs::open("/mnt/image")?;
/// let options = Options::new();
/// let hardening = Hardening::begin(&profile, &root, &options)?;
/// for change in hardening.plan().changes {
///     print!("{}", change.diff.unwrap_or_default());
/// }
/// let report = hardening.apply()?.report;
/// # drop(report);
/// # Ok::<(), gokaku::Error>(())
/// ```
///
/// A root that cannot be written, such as one in memory, is refused by the compiler:
///
/// ```compile_fail,E0308
/// # use gokaku::run::{self, Options};
/// # let profile = gokaku::Profile::embedded()?;
/// let root = gokaku::rootfs::MemoryRootfs::new();
/// run::harden(&profile, &root, &Options::new())?;
/// # Ok::<(), gokaku::Error>(())
/// ```
pub struct Hardening<'a> {
    guarded: Guarded<'a>,
    root: &'a DiskRootfs,
    executor: Executor<'a>,
    /// The root as it is since the lock is held.
    now: DiskRootfs,
    plan: Plan,
}

/// What hardening a root came to.
#[derive(Debug)]
pub struct Hardened {
    /// The verdicts from the disk after writing, and what was changed.
    pub report: Report,
    /// The directory of the journal that undoes the run, if any file changed.
    pub journal: Option<PathBuf>,
}

impl<'a> Hardening<'a> {
    /// Checks that `root` is the right one, locks it, undoes what an earlier run had left half done,
    /// plans, and lets the guards look at the plan.
    ///
    /// # Errors
    /// What a guard refuses (see [`run`](super)), when nothing was changed; a row that the profile
    /// does not have; a journal of an earlier run that cannot be used; rows that undo each other;
    /// what the root's own programs refuse, with [`Options::validate`];
    /// [`Error::Stopped`](crate::Error::Stopped) when the run was asked to end.
    pub fn begin(
        profile: &'a Profile,
        root: &'a DiskRootfs,
        options: &'a Options,
    ) -> Result<Hardening<'a>> {
        let guarded = Guarded::selected(profile, root, options)?;
        guarded.warn(true);
        Hardening::of(guarded, root)
    }

    /// The same of a root that is checked already.
    pub(crate) fn of(guarded: Guarded<'a>, root: &'a DiskRootfs) -> Result<Hardening<'a>> {
        let options = guarded.options;
        let mut executor =
            Executor::lock_within(root, &options.state_dir, options.wait, &options.stop)?;
        executor.set_mtime(options.mtime);
        executor.recover()?.tell();
        executor.sweep()?;
        // Whatever was read before the lock was held may be old.
        let now = root.reopen()?;
        let plan = guarded.planned(&now)?;
        may_begin(&guarded, &now, &plan)?;
        Ok(Hardening { guarded, root, executor, now, plan })
    }

    /// What [`Hardening::apply`] will write, and the verdicts before and after it. What changes with
    /// packages ([`Options::packages`]) shows only when they have changed.
    pub fn plan(&self) -> Report {
        self.guarded.report_of(Mode::Plan, &self.plan)
    }

    /// Changes packages if that is asked for, writes, and judges again from the disk.
    ///
    /// When a package operation fails, no file is written: [`Report::packages`] says why, and the
    /// verdicts are those of the disk.
    ///
    /// # Errors
    /// [`Error::RolledBack`](crate::Error::RolledBack) when something failed and the tree is as
    /// before; [`Error::Stuck`](crate::Error::Stuck) when undoing failed as well; what a guard
    /// refuses after packages have changed.
    pub fn apply(mut self) -> Result<Hardened> {
        let mut packages = packages::Outcome::default();
        let options = self.guarded.options;
        if let Some(wanted) = &options.packages {
            let runner = wanted.runner(self.guarded.profile);
            let (rules, audit) = (&self.guarded.rules, &self.guarded.audit);
            let scratch = self.executor.scratch();
            packages =
                runner.run(&self.now, rules, audit, &scratch, options.mtime, &options.stop)?;
            self.now = self.root.reopen()?;
            if packages.failure.is_some() {
                let after = plan::audit(rules, Audit::new(&self.now, audit));
                let plan = Plan::unchanged(self.plan.before, after);
                let report = self.guarded.report_of(Mode::Apply, &plan).with_packages(&packages);
                return Ok(Hardened { report, journal: None });
            }
            self.executor.beyond_undo(packages.operations.iter().map(|o| o.message()));
            let plan = self.guarded.planned(&self.now)?;
            let first = std::mem::replace(&mut self.plan, plan);
            if !packages.operations.is_empty() {
                self.plan.before = first.before;
            }
            if let Err(e) = may_begin(&self.guarded, &self.now, &self.plan) {
                for operation in &packages.operations {
                    say!(warn, messages::packages_changed(operation.message()));
                }
                return Err(e);
            }
        }
        let applied = self.executor.apply(&self.plan)?;
        match &applied.journal {
            None => say!(info, phase = "write", changed = 0; messages::nothing_to_write()),
            Some(journal) => {
                let journal = journal.display().to_string();
                say!(info, phase = "write", changed = applied.changed, journal = journal;
                    messages::wrote(applied.changed, &journal));
            }
        }
        // What was not written to is as it was judged.
        if applied.changed > 0 {
            let (now, rules) = (self.root.reopen()?, &self.guarded.rules);
            let options = self.plan.options(&self.guarded.audit);
            self.plan.after = plan::audit(rules, Audit::new(&now, options));
            plan::log_judged(rules, &self.plan.after, true);
        }
        let report = self.guarded.report_of(Mode::Apply, &self.plan).with_packages(&packages);
        Ok(Hardened { report, journal: applied.journal })
    }
}

/// Refuses a plan that cannot be carried out whole, or that a guard does not let pass.
fn may_begin(guarded: &Guarded<'_>, root: &DiskRootfs, plan: &Plan) -> Result<()> {
    apply::can_carry_out(root, plan.changes())?;
    match plan.changes() {
        [] => Ok(()),
        _ => guarded.review(root, plan),
    }
}
