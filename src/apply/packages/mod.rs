//! Purging and installing packages, with the target's own apt-get and dpkg.
//!
//! What rules ask for is simulated first; a simulation that would take anything protected, or
//! anything somebody installed on purpose, is refused before the first change. The programs run in
//! a container of the root (`apply/container/`), so that scripts reach nothing of this machine and
//! nothing of a run is left behind, however it ends. What was done is read from dpkg's record before
//! and after, never by an exit status.
//!
//! What the package manager did is not undone by a failure or by a later revert.

mod apt;
mod protected;
mod record;
mod session;
mod simulation;
mod target;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::container::{POLICY_PATH, Policy};
use crate::check::Presence;
use crate::check::packages::dpkg::Packages;
use crate::check::{self, Audit};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::plan::{self, PackageChange};
use crate::profile::Rule;
use crate::rootfs::DiskRootfs;

pub use record::{Action, Operation};

use apt::Install;
use session::{Session, Step};
use target::Interrupted;

/// Runs the package manager of a root.
#[derive(Debug, Clone)]
pub struct Runner {
    /// The gokaku program: it is started again as the keeper of each step. The program hands such a
    /// call to [`serve`](super::serve).
    pub program: PathBuf,
    /// Packages that are never removed: the profile's, and those named for this run; `*` stands for any characters.
    pub protect: Vec<String>,
    /// So long a step may take.
    pub time_limit: Duration,
}

/// What became of the packages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// Every package whose state changed, by dpkg's own record.
    pub operations: Vec<Operation>,
    /// What a reader should know besides: what was recovered first.
    pub notes: Vec<Message>,
    /// Why the run could not be carried out; what was completed by then is in `operations`.
    pub failure: Option<Message>,
}

/// Why a run stops.
enum Stop {
    /// Something refused, before anything was changed.
    Refused(Message),
    /// A step could not be carried out.
    Failed(Message),
    /// The library's own error.
    Error(Error),
}

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        match e {
            Error::Guard(why) => Stop::Refused(why),
            e => Stop::Error(e),
        }
    }
}

impl Runner {
    /// Purges and installs what `rules` ask for in `root`. `scratch` is a directory of this machine
    /// for package lists and fetched packages; it is made, and gone in the end. When `stop` says
    /// so, the step at work is ended, which is a failure like any other.
    ///
    /// # Errors
    /// [`Error::Guard`] when something refuses and nothing was changed. A step that fails is no
    /// error but [`Outcome::failure`], because earlier ones may have changed the root.
    pub(super) fn run(
        &self,
        root: &DiskRootfs,
        rules: &[&Rule],
        audit: &check::Options,
        scratch: &Path,
        epoch: Option<i64>,
        stop: &super::Stop,
    ) -> Result<Outcome> {
        let Ok(before) = Packages::read(root) else {
            // The rules say so, each for itself.
            return Ok(Outcome::default());
        };
        let wanted = plan::package_changes(rules, Audit::new(root, audit));
        let interrupted = target::interrupted(&before, &names(&wanted, Presence::Absent));
        if wanted.is_empty() && interrupted.is_none() {
            return Ok(Outcome::default());
        }
        target::guard(root, &before, &wanted)?;
        for name in names(&wanted, Presence::Absent) {
            if let Some(pattern) = protected::pattern(&name, &self.protect) {
                return Err(Error::Guard(format!(
                    "{name} is to be purged and is protected (`{pattern}`); skip the rule, or do \
                     not protect the package; nothing was changed"
                ).into()));
            }
        }
        let mut run = Run {
            runner: self,
            session: Session::new(root, self, scratch, epoch, stop)?,
            notes: Vec::new(),
            touched: false,
        };
        let stop = run.steps(root, (rules, audit), interrupted, &wanted).err();
        let (notes, touched) = (std::mem::take(&mut run.notes), run.touched);
        let is_own = root.is_own();
        drop(run);
        // A keeper that was killed alone has not taken it away.
        if !is_own && Policy::sweep(root)? {
            log::warn!("{POLICY_PATH}: left by a step whose keeper was killed; taken away");
        }
        let after = Packages::read(&root.reopen()?)?;
        let operations = record::difference(&before, &after, &wanted);
        let failure = match stop {
            None => None,
            Some(Stop::Refused(why)) if !touched => return Err(Error::Guard(why)),
            Some(Stop::Refused(why) | Stop::Failed(why)) => Some(why),
            Some(Stop::Error(e)) if !touched => return Err(e),
            Some(Stop::Error(e)) => Some(Message::from(&e)),
        };
        Ok(Outcome { operations, notes, failure })
    }
}

/// The names that are to come, or to go; each once.
fn names(wanted: &[PackageChange], want: Presence) -> Vec<String> {
    let all = wanted.iter().filter(|c| c.want == want).flat_map(|c| c.names.iter().cloned());
    all.collect::<BTreeSet<String>>().into_iter().collect()
}

/// One run in progress.
struct Run<'a> {
    runner: &'a Runner,
    session: Session<'a>,
    notes: Vec<Message>,
    /// Whether a step that changes the root was begun.
    touched: bool,
}

impl Run<'_> {
    fn steps(
        &mut self,
        root: &DiskRootfs,
        (rules, audit): (&[&Rule], &check::Options),
        interrupted: Option<Interrupted>,
        wanted: &[PackageChange],
    ) -> Result<(), Stop> {
        let mut wanted = wanted.to_vec();
        if let Some(Interrupted { what, others }) = interrupted {
            let (step, shown) = apt::configure(others.as_deref());
            log::warn!("{what}; `{shown}` runs first");
            self.change(step)?;
            self.notes.push(format!("{what}; `{shown}` has finished that").into());
            wanted = plan::package_changes(rules, Audit::new(&root.reopen()?, audit));
        }
        let state = Packages::read(&root.reopen()?)?;
        for (name, word) in target::half_done(&state, &wanted) {
            log::warn!("{name}: {word} by an earlier run of dpkg that was cut off; done again");
            self.notes.push(
                format!("{name} ({word}) had been left so by a dpkg that was cut off").into(),
            );
        }
        let purge = target::qualified(&state, &names(&wanted, Presence::Absent));
        let install = names(&wanted, Presence::Present);
        let again = install.iter().any(|name| state.there(name));
        let install = Install { names: install, again };
        // apt-get does not do these well, or not at all; dpkg does.
        let stumps = target::stumps(&state, &purge);
        let online = !install.names.is_empty();

        let mut fetched = None;
        if online {
            log::info!("fetching the package lists of {}", install.names.join(" "));
            fetched = Some(self.session.run(&apt::update(&self.session))?);
        }
        let mut hint = fetched.as_ref().map(|f| f.complaints()).unwrap_or_default();
        if online && self.session.is_container() && target::is_i386_here(root)? {
            hint.push_str(target::NO_NETWORK_FOR_I386);
        }
        if stumps.is_empty() {
            self.guard_purge(root, &state, &purge)?;
            if online {
                self.guard_install(&install, &purge, &hint)?;
                self.fetch(&install, &hint)?;
            }
        } else {
            log::info!("purging {} by dpkg alone", stumps.join(" "));
            self.change(apt::purge_stumps(&stumps))?;
        }
        self.purge(root, &wanted)?;
        if online {
            // The purge may have changed what an install would do.
            self.guard_install(&install, &[], &hint)?;
            if !stumps.is_empty() {
                self.fetch(&install, &hint)?;
            }
            log::info!("installing {}", install.names.join(" "));
            self.change(apt::install(&self.session, &install))?;
        }
        Ok(())
    }

    fn purge(&mut self, root: &DiskRootfs, wanted: &[PackageChange]) -> Result<(), Stop> {
        let state = Packages::read(&root.reopen()?)?;
        let purge = target::qualified(&state, &names(wanted, Presence::Absent));
        if purge.is_empty() {
            return Ok(());
        }
        self.guard_purge(root, &state, &purge)?;
        for change in wanted.iter().filter(|c| c.want == Presence::Absent) {
            if let Some((program, args)) = change.before.split_first() {
                self.change(Step::changing(program, args.iter().cloned()))?;
            }
        }
        log::info!("purging {}", purge.join(" "));
        self.change(apt::purge(&self.session, &purge))
    }

    /// Runs a step that changes the root.
    fn change(&mut self, step: Step) -> Result<(), Stop> {
        self.touched = true;
        self.must(step)
    }

    fn fetch(&mut self, install: &Install, hint: &str) -> Result<(), Stop> {
        self.must(apt::fetch(&self.session, install)).map_err(|stop| match stop {
            Stop::Failed(why) => Stop::Failed(format!("{why}{hint}").into()),
            other => other,
        })
    }

    /// Runs a step that has to succeed.
    fn must(&mut self, step: Step) -> Result<(), Stop> {
        let ran = self.session.run(&step)?;
        if ran.status == 0 { Ok(()) } else { Err(Stop::Failed(ran.failure(&step).into())) }
    }

    fn guard_purge(
        &self,
        root: &DiskRootfs,
        state: &Packages,
        purge: &[String],
    ) -> Result<(), Stop> {
        if purge.is_empty() {
            return Ok(());
        }
        let step = apt::simulate_purge(&self.session, purge);
        let ran = self.session.run(&step)?;
        if !ran.is_started() {
            return Err(Stop::Failed(ran.failure(&step).into()));
        }
        if ran.status != 0 {
            return Err(Stop::Refused(
                format!("{}; nothing was changed", ran.failure(&step)).into(),
            ));
        }
        let simulation = ran.simulation().map_err(|why| Stop::Refused(why.into()))?;
        let on_purpose = target::Marks::read(&root.reopen()?)?;
        protected::check_purge(&simulation, purge, state, &on_purpose, &self.runner.protect)
            .map_err(|why| Stop::Refused(why.into()))
    }

    fn guard_install(&self, install: &Install, going: &[String], hint: &str) -> Result<(), Stop> {
        let step = apt::simulate_install(&self.session, install);
        let ran = self.session.run(&step)?;
        if ran.status != 0 {
            return Err(Stop::Failed(format!("{}{hint}", ran.failure(&step)).into()));
        }
        let simulation = ran.simulation().map_err(|why| Stop::Refused(why.into()))?;
        protected::check_install(&simulation, &install.names, going)
            .map_err(|why| Stop::Refused(why.into()))
    }
}
