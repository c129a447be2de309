//! The command line. Help, completions and the man page come from these definitions.

mod values;

use std::path::PathBuf;
#[cfg(feature = "internals")]
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
#[cfg(feature = "internals")]
use clap::{Command, CommandFactory};

use super::image::ImageVerb;
use super::profile::ProfileVerb;
use super::subjects::StatedSubject;
use crate::check::Outcome;
use crate::message::Lang;
use crate::profile::{Part, RuleId, Severity};
use crate::report::formats::Format;
use crate::rootfs::ImagePath;

#[cfg(feature = "internals")]
use values::OFFERS_ROWS;
pub(super) use values::{RowIds, subject, until};
use values::{chapter, formats, languages, outcomes, pair, seconds, severities, switch};

/// Harden a root filesystem to a declared CIS result table, with evidence for each row.
///
/// The embedded profile is the published table of AKS's Ubuntu 18.04 host image: every row that
/// passes there is enforced, every other row is left exactly as found.
#[derive(Debug, Parser)]
#[command(
    name = "gokaku",
    version = env!("GOKAKU_VERSION"),
    max_term_width = 100,
    after_help = super::status::help()
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// The language of the output and of the log; by default the locale's.
    #[arg(
        long,
        global = true,
        value_name = "en|ja",
        env = "GOKAKU_LANG",
        value_parser = languages()
    )]
    pub lang: Option<Lang>,
    /// Print every row and log more; given twice, log everything. RUST_LOG takes precedence for the
    /// log.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only, no phases and no warnings.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// The format of the log on stderr. Lines have no timestamp; the pipeline's log adds its own.
    #[arg(
        long,
        global = true,
        value_name = "FORMAT",
        env = "GOKAKU_LOG_FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Audit every row; writes nothing, works on a read-only root.
    Audit(Judge),
    /// Show the exact changes that apply would make; writes nothing.
    Plan {
        /// What to judge.
        #[command(flatten)]
        judge: Judge,
        /// Exit with status 2 if changes are pending.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Change the root so that every pass row holds, then audit again from disk.
    Apply {
        /// What to judge.
        #[command(flatten)]
        judge: Judge,
        /// Where the journal goes.
        #[command(flatten)]
        state: State,
        /// What to do about rows that require packages to be purged or installed: only report them,
        /// or run the root's own apt-get (package operations cannot be undone).
        #[arg(long, value_name = "WHAT", env = "GOKAKU_PACKAGES", default_value = "plan")]
        packages: Packages,
        /// A package that is never removed, in addition to those that the profile protects; `*`
        /// matches any characters; may be repeated.
        #[arg(long, value_name = "NAME", env = "GOKAKU_PROTECT_PACKAGE", value_delimiter = ',')]
        protect_package: Vec<String>,
        /// The time limit of each apt-get step, in seconds.
        #[arg(
            long,
            value_name = "SECONDS",
            env = "GOKAKU_PACKAGE_TIMEOUT",
            default_value_t = 3600,
            value_parser = clap::value_parser!(u64).range(1..)
        )]
        package_timeout: u64,
    },
    /// Undo the last apply: content, modes, owners, attributes, times, links.
    ///
    /// Repeated, it undoes the run before (not with --run). If a run was interrupted, that one is undone
    /// instead. Package operations are not undone; if the run had any, they are reported.
    ///
    /// Exit status 3, nothing changed: another run still holds the lock of the root, there is nothing to
    /// revert (no journal of this root in the state directory), or something else has changed a path
    /// since; all such paths are named.
    Revert {
        /// The root filesystem. It has no default: `/` must be typed.
        #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
        root: PathBuf,
        /// Where apply left its journal.
        #[command(flatten)]
        state: State,
        /// Undo only this run (its number, as 2 for 000002), and only if it is the last one, so that a
        /// retry after a lost answer does not undo the run before.
        #[arg(long, value_name = "N")]
        run: Option<u32>,
        /// Restore this path although something else has changed it since; that change is lost. May
        /// be repeated. A directory that now holds something else stays.
        #[arg(long, value_name = "PATH")]
        force: Vec<ImagePath>,
        /// Print the answer as JSON (`gokaku.revert/1`).
        #[arg(long)]
        json: bool,
    },
    /// Delete the journals of a root, and state directories that become empty.
    ///
    /// What was applied stays and can no longer be reverted. A run that was interrupted is undone
    /// first. If there is nothing to delete, nothing is printed and the exit status is 0. If a signal
    /// stops it, the journals that are not yet deleted stay.
    Forget {
        /// The root filesystem. It has no default: `/` must be typed.
        #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
        root: PathBuf,
        /// Where apply left its journal.
        #[command(flatten)]
        state: State,
    },
    /// Print the declared table, row by row; with --root, also what each row comes to there.
    ///
    /// A row is printed if it fits every option that is given. An option takes several values, separated
    /// by commas, of which a row must have one.
    List(List),
    /// Explain one row: its meaning, what it requires, and (with --root) what apply would change.
    ///
    /// The changes are those that plan shows for this row with the same options.
    Explain {
        /// The row's id, as 5.3.10 or site.1.
        #[arg(value_parser = RowIds)]
        id: RuleId,
        /// The root filesystem to audit this row on; a directory or an archive.
        #[arg(long, value_name = "DIR|ARCHIVE", env = "GOKAKU_ROOT")]
        root: Option<PathBuf>,
        /// Which profile.
        #[command(flatten)]
        table: Table,
        /// What the plan takes into account.
        #[command(flatten)]
        guard: Guard,
    },
    /// Render saved reports: one in any format, several as one table of images, or two as what changed.
    ///
    /// Exit status 0, whatever the reports say; with --baseline, 2 on a regression, 1 if a row was known
    /// and is unknown.
    Report(Saved),
    /// Inspect disk image files: their contents, whether they are in use, whether there is enough space.
    ///
    /// Nothing is mounted or written; provision/harden-image.sh mounts and hardens one.
    #[command(subcommand)]
    Image(ImageVerb),
    /// A site's own profile: check, show, compare and begin its files, add and remove waivers.
    ///
    /// docs/profiles.md explains what can stand in them.
    #[command(subcommand)]
    Profile(ProfileVerb),
}

impl Verb {
    /// What a verb that judges is given.
    pub fn judge(&mut self) -> Option<&mut Judge> {
        match self {
            Verb::Audit(judge) | Verb::Plan { judge, .. } | Verb::Apply { judge, .. } => {
                Some(judge)
            }
            _ => None,
        }
    }

    /// The reports of a verb that makes some.
    pub fn wanted(&mut self) -> Option<&mut Wanted> {
        match self {
            Verb::Report(saved) => Some(&mut saved.wanted),
            verb => verb.judge().map(|judge| &mut judge.wanted),
        }
    }

    /// The profile of a verb that has one.
    pub fn table(&mut self) -> Option<&mut Table> {
        match self {
            Verb::List(list) => Some(&mut list.select.table),
            Verb::Explain { table, .. } | Verb::Profile(ProfileVerb::Show { table, .. }) => {
                Some(table)
            }
            verb => verb.judge().map(|judge| &mut judge.select.table),
        }
    }
}

/// The options of every verb that writes: where journals are, and the wait for the root's lock.
#[derive(Debug, ClapArgs)]
pub struct State {
    /// The directory of the undo journal on this machine. It undoes a run, finished or interrupted.
    #[arg(long, value_name = "DIR", env = "GOKAKU_STATE_DIR",
          default_value = crate::apply::STATE_DIR)]
    pub state_dir: PathBuf,
    /// How long to wait for the lock of the root while another run holds it, in whole seconds; 0 does
    /// not wait. If the lock is still held then, nothing is done (exit status 3).
    #[arg(long, value_name = "SECONDS", env = "GOKAKU_WAIT", value_parser = seconds,
          allow_negative_numbers = true, default_value = "5")]
    wait: u32,
}

impl State {
    /// How long to wait for another run on the root.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait.into())
    }
}

/// Which profile.
#[derive(Debug, ClapArgs)]
pub struct Table {
    /// The profile: `auto` (the embedded table for the system that the root says it is; without a root,
    /// the newest), the name of an embedded profile, a file, or a directory with a profile.toml. May be
    /// repeated: one of all is the table, the others are layers over it, each over those before it.
    #[arg(long, value_name = "NAME|FILE", env = "GOKAKU_PROFILE", default_value = "auto")]
    pub profile: Vec<PathBuf>,
    /// A value of a variable of the profile, over all that files give it; may be repeated. GOKAKU_SET
    /// holds such pairs with commas between them, and counts less.
    #[arg(long, value_name = "VAR=VALUE", value_parser = pair)]
    pub set: Vec<String>,
}

/// Which rows, of which profile.
#[derive(Debug, ClapArgs)]
pub struct Select {
    /// Which profile.
    #[command(flatten)]
    pub table: Table,
    /// Select only these rows; a section (5.3, site) selects all rows below it.
    #[arg(long, value_name = "ID", env = "GOKAKU_RULE", value_delimiter = ',',
          value_parser = RowIds)]
    pub rule: Vec<RuleId>,
    /// Skip these rows.
    #[arg(long, value_name = "ID", env = "GOKAKU_SKIP", value_delimiter = ',',
          value_parser = RowIds)]
    pub skip: Vec<RuleId>,
    /// Select only rows of this level of the benchmark.
    #[arg(long, value_name = "1|2", env = "GOKAKU_LEVEL", value_delimiter = ',',
          value_parser = clap::value_parser!(u8).range(1..=2))]
    pub level: Vec<u8>,
}

impl Select {
    /// The options that choose rows, as they are typed.
    pub fn given(&self) -> Vec<String> {
        let ids = |ids: &[RuleId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let levels = self.level.iter().map(ToString::to_string).collect();
        [("--rule", ids(&self.rule)), ("--skip", ids(&self.skip)), ("--level", levels)]
            .into_iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| format!("{name} {}", values.join(",")))
            .collect()
    }
}

/// Which rows of the table, and how they are printed. Each option takes several values, separated by
/// commas; a row is printed if every option that is given has one of the row's.
#[derive(Debug, ClapArgs)]
pub struct List {
    /// Which rows.
    #[command(flatten)]
    pub select: Select,
    /// Select only rows with this status, by the profile's key (pass, fail, not-applicable …).
    #[arg(long, value_name = "STATUS", value_delimiter = ',')]
    pub status: Vec<String>,
    /// Print only rows with this outcome on the root; prints nothing if no row has it. Needs --root (or
    /// GOKAKU_ROOT).
    #[arg(long, value_name = "OUTCOME", value_delimiter = ',', value_parser = outcomes())]
    pub outcome: Vec<Outcome>,
    /// Select only rows of this chapter, the first component of their ids.
    #[arg(long, value_name = "CHAPTER", value_delimiter = ',', value_parser = chapter)]
    pub chapter: Vec<Part>,
    /// Select only rows with this severity.
    #[arg(long, value_name = "SEVERITY", value_delimiter = ',', value_parser = severities())]
    pub severity: Vec<Severity>,
    /// Print the names of the embedded profiles instead: tables, then layers.
    #[arg(long)]
    pub profiles: bool,
    /// The format.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TableFormat,
    /// The root filesystem to audit the rows on; their outcomes are printed, too. Unlike for other verbs,
    /// GOKAKU_ROOT counts only with --outcome.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// What the audit takes into account.
    #[command(flatten)]
    pub guard: Guard,
}

/// Which root, and what to report about it.
#[derive(Debug, ClapArgs)]
pub struct Judge {
    /// The root filesystem. It has no default: `/` must be typed. audit and plan also take an archive:
    /// a tar (.gz, .zst), `oci:PATH[:TAG]` or `docker-archive:PATH[:TAG]`.
    #[arg(long, value_name = "DIR|ARCHIVE", env = "GOKAKU_ROOT")]
    pub root: PathBuf,
    /// Which rows.
    #[command(flatten)]
    pub select: Select,
    /// Which reports, and where each goes.
    #[command(flatten)]
    pub wanted: Wanted,
    /// What is taken into account.
    #[command(flatten)]
    pub guard: Guard,
    /// Apply a plan even if it blocks the next SSH login of a protected account; it is still reported.
    #[arg(long, env = "GOKAKU_ALLOW_LOCKOUT", value_parser = switch())]
    pub allow_lockout: bool,
    /// Check the planned files with the root's own programs before anything is written (sshd -t,
    /// visudo -c, rsyslogd -N1, modprobe -c). They run in a container of the root that cannot reach
    /// this machine. Needs root rights.
    #[arg(long, env = "GOKAKU_VALIDATE", value_parser = switch())]
    pub validate: bool,
    /// Write the time and the name of this machine into the report; with SOURCE_DATE_EPOCH, that time
    /// alone. Without it, the same tree, profile and day give the same bytes.
    #[arg(long, env = "GOKAKU_STAMP", value_parser = switch())]
    pub stamp: bool,
    /// Compare with an earlier state: a report (--format json) or lines (--format baseline). Then only
    /// what is worse than that counts: exit status 2, or 1 for a row that was known and is unknown.
    #[arg(long, value_name = "FILE", env = "GOKAKU_BASELINE")]
    pub baseline: Option<PathBuf>,
    /// Also exit with status 2 if a left-alone row has drifted.
    #[arg(long, env = "GOKAKU_STRICT", value_parser = switch())]
    pub strict: bool,
}

/// Which reports, and where each goes.
#[derive(Debug, ClapArgs)]
pub struct Wanted {
    /// The format of the report; may be repeated, each with its own -o.
    #[arg(long, value_name = "FORMAT", env = "GOKAKU_FORMAT", value_delimiter = ',',
          value_parser = formats())]
    pub format: Vec<Format>,
    /// The file for the report, outside the root; stdout if it is missing or `-`.
    #[arg(short, long, value_name = "FILE", env = "GOKAKU_OUTPUT")]
    pub output: Vec<PathBuf>,
    /// The file that an in-toto statement is about: its path on this machine, or its digest as
    /// sha256:HEX; may be repeated. A file is read when the run is done.
    #[arg(long, value_name = "FILE|sha256:HEX")]
    pub subject: Vec<StatedSubject>,
}

/// Which saved reports, and what becomes of them.
#[derive(Debug, ClapArgs)]
pub struct Saved {
    /// The reports (--format json); `-` is stdin.
    #[arg(value_name = "FILE", required_unless_present = "compare")]
    pub files: Vec<PathBuf>,
    /// Compare two states of one image instead: which rows held, were lost, were gained, with their
    /// subjects.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["files", "baseline"])]
    pub compare: Vec<PathBuf>,
    /// Compare each report with an earlier state, as audit does; the exit status is that of the worst.
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
    /// Which formats, and where each goes.
    #[command(flatten)]
    pub wanted: Wanted,
}

/// What a plan depends on besides the root and the rows.
#[derive(Debug, ClapArgs)]
pub struct Guard {
    /// Accept a root whose os-release does not match the profile.
    #[arg(long, env = "GOKAKU_FORCE_TARGET", value_parser = switch())]
    pub force_target: bool,
    /// An account that is never locked, aged, denied or moved, and whose next SSH login must not be
    /// blocked; may be repeated. On the running system, the account that logged in to run gokaku is
    /// always protected.
    #[arg(long, value_name = "USER", env = "GOKAKU_PROTECT", value_delimiter = ',')]
    pub protect: Vec<String>,
    /// Quarantine .netrc, .forward and .rhosts in users' homes: rename them in place to
    /// NAME.quarantined-gokaku, mode 0600. Without it they are reported and not touched.
    #[arg(long, env = "GOKAKU_QUARANTINE", value_parser = switch())]
    pub quarantine: bool,
    /// Walk the whole tree for the left-alone rows about every file (world-writable, ownerless,
    /// set-id …). --strict implies it.
    #[arg(long, env = "GOKAKU_SURVEY", value_parser = switch())]
    pub survey: bool,
}

/// The formats of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TableFormat {
    /// For people.
    Text,
    /// `gokaku.list/1`.
    Json,
}

/// The formats of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `gokaku: LEVEL: MESSAGE`.
    Text,
    /// One JSON object per line: level, phase, counts, message (in English), its id and arguments.
    Json,
}

/// What to do about packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Packages {
    /// Report the command; the row stays not met.
    Plan,
    /// Simulate, and if nothing protected would be removed, purge and install.
    Apply,
}

/// The command definition, for the man page.
#[cfg(feature = "internals")]
pub fn command() -> Command {
    Args::command()
}

/// What `generate` makes of the command definition with the ids of all rows: completions.
#[cfg(feature = "internals")]
pub fn with_rows<T>(generate: impl FnOnce(Command) -> T) -> T {
    OFFERS_ROWS.store(true, Ordering::Relaxed);
    let made = generate(Args::command());
    OFFERS_ROWS.store(false, Ordering::Relaxed);
    made
}
