//! How a run judges and hardens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Steps;
use crate::apply::{STATE_DIR, Stop, packages};
use crate::profile::{Profile, RuleId};

/// How a root is judged and hardened. By default every row counts, nothing but files changes, and
/// every guard is on.
///
/// ```
/// use gokaku::run::Options;
///
/// let options = Options::new()
///     .only(["5".parse()?])
///     .skip(["5.3.10".parse()?])
///     .protect("deploy")
///     .state_dir("/tmp/gokaku-state");
/// # Ok::<(), gokaku::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    pub(super) only: Vec<RuleId>,
    pub(super) skip: Vec<RuleId>,
    pub(super) force_target: bool,
    pub(super) protect: Vec<String>,
    pub(super) allow_lockout: bool,
    pub(super) survey: bool,
    pub(super) quarantine: bool,
    pub(super) validate: Option<Steps>,
    pub(super) packages: Option<Packages>,
    pub(super) mtime: Option<i64>,
    pub(super) state_dir: PathBuf,
    pub(super) wait: Duration,
    pub(super) stop: Stop,
    pub(super) fixes: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            only: Vec::new(),
            skip: Vec::new(),
            force_target: false,
            protect: Vec::new(),
            allow_lockout: false,
            survey: false,
            quarantine: false,
            validate: None,
            packages: None,
            mtime: None,
            state_dir: STATE_DIR.into(),
            wait: Duration::from_secs(5),
            stop: Stop::default(),
            fixes: false,
        }
    }
}

impl Options {
    /// The default.
    pub fn new() -> Options {
        Options::default()
    }

    /// Only these rows; a section (`5.3`) stands for all rows below it. Nothing given: all rows.
    #[must_use]
    pub fn only(mut self, rows: impl IntoIterator<Item = RuleId>) -> Options {
        self.only.extend(rows);
        self
    }

    /// Not these rows; a section stands for all rows below it.
    #[must_use]
    pub fn skip(mut self, rows: impl IntoIterator<Item = RuleId>) -> Options {
        self.skip.extend(rows);
        self
    }

    /// Accepts a root whose `os-release` does not match the profile.
    #[must_use]
    pub fn force_target(mut self, force: bool) -> Options {
        self.force_target = force;
        self
    }

    /// An account that is never locked, aged, denied or moved, and whose next SSH login no plan may
    /// end. On the running system, the account that logged in to run this is always one.
    #[must_use]
    pub fn protect(mut self, account: impl Into<String>) -> Options {
        self.protect.push(account.into());
        self
    }

    /// Carries a plan out even if it ends the next SSH login of a protected account.
    #[must_use]
    pub fn allow_lockout(mut self, allow: bool) -> Options {
        self.allow_lockout = allow;
        self
    }

    /// Walks the whole tree for the left-alone rows about every file. A walk costs more than
    /// everything else together.
    #[must_use]
    pub fn survey(mut self, survey: bool) -> Options {
        self.survey = survey;
        self
    }

    /// Renames `.netrc`, `.forward` and `.rhosts` in users' homes; without it they are reported.
    #[must_use]
    pub fn quarantine(mut self, quarantine: bool) -> Options {
        self.quarantine = quarantine;
        self
    }

    /// Asks the root's own programs (`sshd -t`, `visudo -c` …) about the planned files before
    /// anything is written. They run in a container of the root, as `steps` of this program.
    #[must_use]
    pub fn validate(mut self, steps: Steps) -> Options {
        self.validate = Some(steps);
        self
    }

    /// Purges and installs what rows require, with the root's own apt-get; it runs in a container of
    /// the root. What it did is not undone by a failure or a revert.
    #[must_use]
    pub fn packages(mut self, packages: Packages) -> Options {
        self.packages = Some(packages);
        self
    }

    /// Gives every written file this modification time (seconds since the epoch), for images that
    /// must be reproducible.
    #[must_use]
    pub fn mtime(mut self, seconds: i64) -> Options {
        self.mtime = Some(seconds);
        self
    }

    /// Where the journal goes that undoes the run: a directory of this machine, outside the root. By
    /// default `/var/lib/gokaku`.
    #[must_use]
    pub fn state_dir(mut self, dir: impl AsRef<Path>) -> Options {
        dir.as_ref().clone_into(&mut self.state_dir);
        self
    }

    /// How long another run on the root is given to end; by default 5 seconds.
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Options {
        self.wait = wait;
        self
    }

    /// Also keeps what the formats `xccdf` and `patch` are made of: each row's part of the plan as a
    /// script, and the plan as a patch. An audit makes a plan for that, and writes nothing.
    #[must_use]
    pub fn fixes(mut self, fixes: bool) -> Options {
        self.fixes = fixes;
        self
    }

    /// How the run is asked to end before it is done. It undoes what it did then.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Options {
        self.stop = stop;
        self
    }
}

/// How packages are changed.
#[derive(Debug, Clone)]
pub struct Packages {
    steps: Steps,
    protect: Vec<String>,
    time_limit: Duration,
}

impl Packages {
    /// With the steps of this program; an hour for each.
    pub fn new(steps: Steps) -> Packages {
        Packages { steps, protect: Vec::new(), time_limit: Duration::from_secs(3600) }
    }

    /// A package that is never removed, besides those that the profile protects; `*` stands for any
    /// characters.
    #[must_use]
    pub fn protect(mut self, name: impl Into<String>) -> Packages {
        self.protect.push(name.into());
        self
    }

    /// How long each step of apt-get may take.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Packages {
        self.time_limit = limit;
        self
    }

    /// What does it.
    pub(super) fn runner(&self, profile: &Profile) -> packages::Runner {
        packages::Runner {
            program: self.steps.program().to_owned(),
            protect: [profile.protected_packages.as_slice(), &self.protect].concat(),
            time_limit: self.time_limit,
        }
    }
}
