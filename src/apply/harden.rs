//! A complete run on a root: leftovers of an earlier run, packages, plan, files, and the final audit.

use std::path::Path;
use std::time::Duration;

use crate::apply::messages;
use crate::check::{self, Audit};
use crate::error::Result;
use crate::message::say;
use crate::plan::{self, Judged, Plan};
use crate::profile::Rule;
use crate::rootfs::DiskRootfs;

use super::{Applied, Executor, Stop, leftovers, mounts, packages, privilege};

/// Looks at a root and at a plan for it that is about to be carried out, and may refuse.
pub type Review<'a> = dyn Fn(&DiskRootfs, &Plan) -> Result<()> + 'a;

/// How a root is hardened, beyond the rules. By default nothing is asked, and packages stay.
#[derive(Default)]
pub struct Options<'a> {
    /// The options of the audits.
    pub audit: check::Options,
    /// As [`Executor::set_mtime`].
    pub mtime: Option<i64>,
    /// What must let a plan pass before it is carried out.
    pub review: Option<&'a Review<'a>>,
    /// What changes packages.
    pub runner: Option<&'a packages::Runner>,
    /// How long another run on the root is given to end; by default it is not waited for.
    pub wait: Duration,
    /// How the run is asked to end before it is done.
    pub stop: Stop,
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
/// if there is a runner, plans on what is there then, writes, and judges again from the disk.
///
/// When a package operation fails, no file is written: [`packages::Outcome::failure`] says why, and
/// the verdicts are those of the disk.
///
/// # Errors
/// As [`Executor::lock_within`], [`Executor::recover`], [`plan::plan`] and [`Executor::apply`]; what the
/// review or the package runner refuses, when nothing was changed; [`crate::Error::Stopped`] when it was
/// asked to end.
pub fn harden(
    root: &DiskRootfs,
    rules: &[&Rule],
    state: &Path,
    options: &Options<'_>,
) -> Result<Hardened> {
    let Options { ref audit, mtime, review, runner, wait, ref stop } = *options;
    let mut executor = Executor::lock_within(root, state, wait, stop)?;
    executor.set_mtime(mtime);
    executor.recover()?.tell();
    leftovers::sweep(root, &executor.journals.packages())?;
    // Whatever was read before the lock was held may be old.
    let mut now = root.reopen()?;
    let mut packages = packages::Outcome::default();
    let mut before = None;
    if let Some(runner) = runner {
        // What the guards refuse is refused before packages change, which nothing brings back.
        let planned = plan::plan(rules, Audit::new(&now, audit))?;
        may_begin(&now, &planned, review)?;
        packages = runner.run(&now, rules, audit, &executor.journals.packages(), mtime, stop)?;
        now = root.reopen()?;
        if packages.failure.is_some() {
            let after = plan::audit(rules, Audit::new(&now, audit));
            let plan = Plan::unchanged(planned.before, after.clone());
            return Ok(Hardened { plan, after, applied: Applied::default(), packages });
        }
        before = Some(planned.before).filter(|_| !packages.operations.is_empty());
        executor.beyond_undo(packages.operations.iter().map(ToString::to_string));
    }
    let mut plan = plan::plan(rules, Audit::new(&now, audit))?;
    if let Some(before) = before {
        plan.before = before;
    }
    if let Err(e) = may_begin(&now, &plan, review) {
        for operation in &packages.operations {
            say!(warn, messages::packages_changed(operation.to_string()));
        }
        return Err(e);
    }
    let applied = executor.apply(&plan)?;
    match &applied.journal {
        None => say!(info, phase = "write", changed = 0; messages::nothing_to_write()),
        Some(journal) => {
            let journal = journal.display().to_string();
            say!(info, phase = "write", changed = applied.changed, journal = journal;
                messages::wrote(applied.changed, &journal));
        }
    }
    // What was not written to is as it was judged.
    let after = match applied.changed {
        0 => plan.after.clone(),
        _ => {
            let after = plan::audit(rules, Audit::new(&root.reopen()?, audit));
            plan::log_judged(rules, &after, true);
            after
        }
    };
    Ok(Hardened { plan, after, applied, packages })
}

/// Refuses a plan that cannot be carried out whole, or that `review` does not let pass.
fn may_begin(root: &DiskRootfs, plan: &Plan, review: Option<&Review<'_>>) -> Result<()> {
    mounts::refuse_foreign(root, plan.changes())?;
    privilege::can_set(root, plan.changes())?;
    match review {
        Some(review) if !plan.changes().is_empty() => review(root, plan),
        _ => Ok(()),
    }
}
