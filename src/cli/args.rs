//! What can be asked for. Help, completions and the man page come from these definitions.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use clap::builder::{BoolishValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Args as ClapArgs, Command, CommandFactory, Parser, Subcommand, ValueEnum};

use super::image::ImageVerb;
use crate::profile::{Lang, Profile, RuleId};
use crate::rootfs::ImagePath;

/// Brings a root filesystem to a declared CIS result table, and proves each row.
///
/// The embedded profile is the published table of AKS's Ubuntu 18.04 host image: every row that
/// passes there is made to hold, every other row is left exactly as found.
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
    /// Every row, and more log lines; twice for all. Where RUST_LOG is set, it decides what is
    /// logged.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Errors only on stderr: neither phases nor warnings.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// The form of the log on stderr. No line carries a time; the pipeline's log has its own clock.
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
    /// Judge every row; writes nothing, works on a read-only root.
    Audit(Judge),
    /// Judge, and show the exact difference that apply would make; writes nothing.
    Plan {
        /// What to judge.
        #[command(flatten)]
        judge: Judge,
        /// Exit with 2 when changes are pending.
        #[arg(long)]
        detailed_exitcode: bool,
    },
    /// Make every pass row hold, then judge again from the disk.
    Apply {
        /// What to judge.
        #[command(flatten)]
        judge: Judge,
        /// Where the journal goes.
        #[command(flatten)]
        state: State,
        /// What to do about rows that want packages purged or installed: only say so, or run the
        /// root's own apt-get (nothing of that can be undone).
        #[arg(long, value_name = "WHAT", env = "GOKAKU_PACKAGES", default_value = "plan")]
        packages: Packages,
        /// A package that is never removed, besides those that nodes need anyway; `*` stands for
        /// any characters; may be given again.
        #[arg(long, value_name = "NAME", env = "GOKAKU_PROTECT_PACKAGE", value_delimiter = ',')]
        protect_package: Vec<String>,
        /// So long each step of apt-get may take.
        #[arg(
            long,
            value_name = "SECONDS",
            env = "GOKAKU_PACKAGE_TIMEOUT",
            default_value_t = 3600,
            value_parser = clap::value_parser!(u64).range(1..)
        )]
        package_timeout: u64,
    },
    /// Take the last apply back: content, modes, owners, attributes, times, links.
    ///
    /// Given again, it takes back the run before (not with --run). A run that was cut off is undone instead. What is
    /// not a file in the journal (package operations) is not undone; where there was such, it is
    /// said.
    ///
    /// Exit status 3, nothing changed: another run is still at work on the root, there is nothing to
    /// revert (no journal of this root in the state directory), or something else has changed a path
    /// since; all such paths are named.
    Revert {
        /// The root filesystem. It has no default: `/` must be typed.
        #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
        root: PathBuf,
        /// Where apply left its journal.
        #[command(flatten)]
        state: State,
        /// Only this run (its number, as 2 for 000002), and only if it is the last one: so that a
        /// second try after an answer that got lost does not take back the run before.
        #[arg(long, value_name = "N")]
        run: Option<u32>,
        /// Put this path back though something else has changed it since; that change is lost. May
        /// be given again. A directory that holds something else by now stays.
        #[arg(long, value_name = "PATH")]
        force: Vec<ImagePath>,
        /// Answer in JSON (`gokaku.revert/1`).
        #[arg(long)]
        json: bool,
    },
    /// Drop the journals of a root and the state directories that are empty then.
    ///
    /// What was applied stays, and cannot be taken back any more. A run that was cut off is undone
    /// first. Where there is nothing to drop, nothing is said, and the exit status is 0. Stopped by a
    /// signal, it leaves the journals that it has not dropped yet.
    Forget {
        /// The root filesystem. It has no default: `/` must be typed.
        #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
        root: PathBuf,
        /// Where apply left its journal.
        #[command(flatten)]
        state: State,
    },
    /// The declared table, row by row.
    List(Select),
    /// One row: what it means, what is wanted, and (with --root) what would be done there.
    ///
    /// What would be done is what plan shows for this row with the same options.
    Explain {
        /// The row's id, as 5.3.10 or site.1.
        #[arg(value_parser = RowIds)]
        id: RuleId,
        /// A root to look at.
        #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
        root: Option<PathBuf>,
        /// Which profile and language.
        #[command(flatten)]
        table: Table,
        /// What the plan takes into account.
        #[command(flatten)]
        guard: Guard,
    },
    /// Disk images as files: what is in one, whether it is in use, whether there is room.
    ///
    /// Nothing is mounted or written; provision/harden-image.sh mounts and hardens one.
    #[command(subcommand)]
    Image(ImageVerb),
}

/// Where journals lie, and the wait for the root's lock: what every verb that writes needs.
#[derive(Debug, ClapArgs)]
pub struct State {
    /// Where the journal lies on this machine (it is what takes a run back, finished or cut off).
    #[arg(long, value_name = "DIR", env = "GOKAKU_STATE_DIR",
          default_value = crate::apply::STATE_DIR)]
    pub state_dir: PathBuf,
    /// How long to wait while another run is at work on the same root, in whole seconds; 0 does not
    /// wait. When it is still at work then, nothing is done (exit status 3).
    #[arg(long, value_name = "SECONDS", env = "GOKAKU_WAIT", value_parser = seconds,
          allow_negative_numbers = true, default_value = "5")]
    wait: u32,
}

impl State {
    /// How long another run on the root is given to end.
    pub fn wait(&self) -> Duration {
        Duration::from_secs(self.wait.into())
    }
}

/// Which profile, in which language.
#[derive(Debug, ClapArgs)]
pub struct Table {
    /// The profile: an embedded one's name, or a directory with a profile.toml.
    #[arg(
        long,
        value_name = "NAME|DIR",
        env = "GOKAKU_PROFILE",
        default_value = crate::profile::DEFAULT
    )]
    pub profile: PathBuf,
    /// The language of text; by default that of the locale.
    #[arg(long, value_name = "en|ja", env = "GOKAKU_LANG", value_parser = languages())]
    pub lang: Option<Lang>,
}

/// Which rows, of which profile, in which language.
#[derive(Debug, ClapArgs)]
pub struct Select {
    /// Which profile and language.
    #[command(flatten)]
    pub table: Table,
    /// Only these rows; an id of a section (5.3, site) stands for all rows below it.
    #[arg(long, value_name = "ID", env = "GOKAKU_RULE", value_delimiter = ',',
          value_parser = RowIds)]
    pub rule: Vec<RuleId>,
    /// Not these rows.
    #[arg(long, value_name = "ID", env = "GOKAKU_SKIP", value_delimiter = ',',
          value_parser = RowIds)]
    pub skip: Vec<RuleId>,
}

/// Which root, and what to tell about it.
#[derive(Debug, ClapArgs)]
pub struct Judge {
    /// The root filesystem. It has no default: `/` must be typed.
    #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
    pub root: PathBuf,
    /// Which rows.
    #[command(flatten)]
    pub select: Select,
    /// The form of the report; may be given again, each with its own -o.
    #[arg(long, value_name = "FORMAT", env = "GOKAKU_FORMAT", value_delimiter = ',')]
    pub format: Vec<Format>,
    /// Where the report goes, a file outside of the root; stdout where it is missing or `-`.
    #[arg(short, long, value_name = "FILE", env = "GOKAKU_OUTPUT")]
    pub output: Vec<PathBuf>,
    /// What is taken into account.
    #[command(flatten)]
    pub guard: Guard,
    /// Carry out a plan that ends the next SSH login of a protected account; it is still reported.
    #[arg(long, env = "GOKAKU_ALLOW_LOCKOUT", value_parser = switch())]
    pub allow_lockout: bool,
    /// Let the root's own programs judge what is planned before anything is written (sshd -t,
    /// visudo -c, rsyslogd -N1, modprobe -c): they run in a container of the root, in which nothing of
    /// this machine is in reach. Needs root rights.
    #[arg(long, env = "GOKAKU_VALIDATE", value_parser = switch())]
    pub validate: bool,
    /// Exit with 2 when a left-alone row has drifted, too.
    #[arg(long, env = "GOKAKU_STRICT", value_parser = switch())]
    pub strict: bool,
}

/// What a plan depends on besides the root and the rows.
#[derive(Debug, ClapArgs)]
pub struct Guard {
    /// Take a root whose os-release is not the profile's.
    #[arg(long, env = "GOKAKU_FORCE_TARGET", value_parser = switch())]
    pub force_target: bool,
    /// An account that is never locked, aged, denied or moved, and whose next SSH login must not end;
    /// may be given again. On the running system the account that logged in to run this is
    /// protected without being named.
    #[arg(long, value_name = "USER", env = "GOKAKU_PROTECT", value_delimiter = ',')]
    pub protect: Vec<String>,
    /// Put .netrc, .forward and .rhosts in people's homes out of use: renamed in place to
    /// NAME.quarantined-gokaku, mode 0600. Without it they are reported and not touched.
    #[arg(long, env = "GOKAKU_QUARANTINE", value_parser = switch())]
    pub quarantine: bool,
    /// Walk over every file for the left-alone rows about all of them (world-writable, ownerless,
    /// set-id …). --strict does so, too.
    #[arg(long, env = "GOKAKU_SURVEY", value_parser = switch())]
    pub survey: bool,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// `gokaku.report/1`.
    Json,
}

/// The forms of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `gokaku: LEVEL: MESSAGE`.
    Text,
    /// One JSON object on each line: level, phase, counts, message.
    Json,
}

/// What to do about packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Packages {
    /// Name the command; the row stays not met.
    Plan,
    /// Simulate, and when nothing protected would go, purge and install.
    Apply,
}

/// `en` and `ja`, offered by completions.
fn languages() -> impl TypedValueParser<Value = Lang> {
    PossibleValuesParser::new(["en", "ja"])
        .map(|word| if word == "ja" { Lang::Ja } else { Lang::En })
}

/// 1, true, yes, on and 0, false, no, off, as variables hold them.
fn switch() -> BoolishValueParser {
    BoolishValueParser::new()
}

/// The id of a row or section. Completions offer those of the embedded profile.
#[derive(Clone)]
struct RowIds;

impl TypedValueParser for RowIds {
    type Value = RuleId;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<RuleId, clap::Error> {
        let parser = |text: &str| text.parse::<RuleId>();
        TypedValueParser::parse_ref(&parser, command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        static IDS: LazyLock<Vec<String>> = LazyLock::new(|| {
            let rules = Profile::embedded().map(|profile| profile.rules).unwrap_or_default();
            rules.iter().map(|rule| rule.id.to_string()).collect()
        });
        let ids = OFFERS_ROWS.load(Ordering::Relaxed).then(|| IDS.iter())?;
        Some(Box::new(ids.map(|id| PossibleValue::new(id.as_str()))))
    }
}

/// Whether the definition lists every row's id: completions do, help would be drowned by them.
static OFFERS_ROWS: AtomicBool = AtomicBool::new(false);

fn seconds(text: &str) -> Result<u32, String> {
    // clap names the option and the value, but not the variable that may have held it.
    text.parse()
        .map_err(|_| format!("want whole seconds from 0 to {} (--wait, or GOKAKU_WAIT)", u32::MAX))
}

/// The command definition, for the man page.
pub fn command() -> Command {
    Args::command()
}

/// What `generate` makes of the command definition with the ids of all rows: completions.
pub fn with_rows<T>(generate: impl FnOnce(Command) -> T) -> T {
    OFFERS_ROWS.store(true, Ordering::Relaxed);
    let made = generate(Args::command());
    OFFERS_ROWS.store(false, Ordering::Relaxed);
    made
}
