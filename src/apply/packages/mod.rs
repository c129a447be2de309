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
pub(crate) mod messages;
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
use crate::message::{Arg, Message, say};
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
    pub(crate) fn run(
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
                return Err(Error::Guard(messages::protected_purge(name, pattern)));
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
            say!(warn, messages::policy_taken_away(POLICY_PATH));
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

/// What may explain a failure later in the run.
struct Hint {
    /// What apt-get complained of when it fetched the lists.
    complaints: Vec<Arg>,
    is_i386: bool,
}

impl Hint {
    fn on(&self, mut failure: Message) -> Message {
        for line in &self.complaints {
            failure = messages::below(failure, line.clone());
        }
        match self.is_i386 {
            true => messages::below(failure, messages::no_network_for_i386()),
            false => failure,
        }
    }
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
            say!(warn, messages::runs_first(&what, &shown));
            self.change(step)?;
            self.notes.push(messages::has_finished(what, shown));
            wanted = plan::package_changes(rules, Audit::new(&root.reopen()?, audit));
        }
        let state = Packages::read(&root.reopen()?)?;
        for (name, word) in target::half_done(&state, &wanted) {
            say!(warn, messages::done_again(&name, word));
            self.notes.push(messages::left_by_dpkg(name, word));
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
            say!(info, messages::fetching_lists(install.names.join(" ")));
            fetched = Some(self.session.run(&apt::update(&self.session))?);
        }
        let hint = Hint {
            complaints: fetched.map(|f| f.complaints()).unwrap_or_default(),
            is_i386: online && self.session.is_container() && target::is_i386_here(root)?,
        };
        if stumps.is_empty() {
            self.guard_purge(root, &state, &purge)?;
            if online {
                self.guard_install(&install, &purge, &hint)?;
                self.fetch(&install, &hint)?;
            }
        } else {
            say!(info, messages::purging_by_dpkg(stumps.join(" ")));
            self.change(apt::purge_stumps(&stumps))?;
        }
        self.purge(root, &wanted)?;
        if online {
            // The purge may have changed what an install would do.
            self.guard_install(&install, &[], &hint)?;
            if !stumps.is_empty() {
                self.fetch(&install, &hint)?;
            }
            say!(info, messages::installing(install.names.join(" ")));
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
        say!(info, messages::purging(purge.join(" ")));
        self.change(apt::purge(&self.session, &purge))
    }

    /// Runs a step that changes the root.
    fn change(&mut self, step: Step) -> Result<(), Stop> {
        self.touched = true;
        self.must(step)
    }

    fn fetch(&mut self, install: &Install, hint: &Hint) -> Result<(), Stop> {
        self.must(apt::fetch(&self.session, install)).map_err(|stop| match stop {
            Stop::Failed(why) => Stop::Failed(hint.on(why)),
            other => other,
        })
    }

    /// Runs a step that has to succeed.
    fn must(&mut self, step: Step) -> Result<(), Stop> {
        let ran = self.session.run(&step)?;
        if ran.status == 0 { Ok(()) } else { Err(Stop::Failed(ran.failure(&step))) }
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
            return Err(Stop::Failed(ran.failure(&step)));
        }
        if ran.status != 0 {
            return Err(Stop::Refused(messages::nothing_changed(ran.failure(&step))));
        }
        let simulation = ran.simulation().map_err(Stop::Refused)?;
        let on_purpose = target::Marks::read(&root.reopen()?)?;
        protected::check_purge(&simulation, purge, state, &on_purpose, &self.runner.protect)
            .map_err(Stop::Refused)
    }

    fn guard_install(&self, install: &Install, going: &[String], hint: &Hint) -> Result<(), Stop> {
        let step = apt::simulate_install(&self.session, install);
        let ran = self.session.run(&step)?;
        if ran.status != 0 {
            return Err(Stop::Failed(hint.on(ran.failure(&step))));
        }
        let simulation = ran.simulation().map_err(Stop::Refused)?;
        protected::check_install(&simulation, &install.names, going).map_err(Stop::Refused)
    }
}
