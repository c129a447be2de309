//! What can be asked for. Help, completions and the man page come from these definitions.

use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::profile::{Lang, RuleId};

/// Brings a root filesystem to a declared CIS result table, and proves each row.
///
/// The embedded profile is the published table of AKS's Ubuntu 18.04 host image: every row that
/// passes there is made to hold, every other row is left exactly as found.
#[derive(Debug, Parser)]
#[command(
    name = "gokaku",
    version,
    max_term_width = 100,
    after_help = "Exit status: 0 as declared · 1 could not do or could not tell · 2 not as declared \
                  · 3 a guard refused, nothing was changed · 64 wrong usage"
)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Every row and more log lines; twice for debugging. RUST_LOG decides where it is set.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Errors only on stderr.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
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
    /// Make every 合格 row hold, then judge again from the disk.
    Apply {
        /// What to judge.
        #[command(flatten)]
        judge: Judge,
        /// Where the journal lies on this machine (it is what undoes a run that was cut off).
        #[arg(long, value_name = "DIR", env = "GOKAKU_STATE_DIR",
              default_value = crate::apply::STATE_DIR)]
        state_dir: PathBuf,
        /// What to do about rows that want packages purged or installed: only say so, or run the
        /// root's own apt-get (nothing of that can be undone).
        #[arg(long, value_name = "WHAT", env = "GOKAKU_PACKAGES", default_value = "plan")]
        packages: Packages,
        /// A package that is never removed, besides those that nodes need anyway; `*` stands for
        /// any characters; may be given again.
        #[arg(long, value_name = "NAME", env = "GOKAKU_PROTECT_PACKAGE", value_delimiter = ',')]
        protect_package: Vec<String>,
    },
    /// The declared table, row by row.
    List(Select),
    /// One row: what it means, what is wanted, and (with --root) what would be done there.
    Explain {
        /// The row's number, as 5.3.10.
        id: RuleId,
        /// A root to look at.
        #[arg(long, value_name = "DIR", env = "GOKAKU_ROOT")]
        root: Option<PathBuf>,
        /// Which profile and language.
        #[command(flatten)]
        select: Select,
    },
}

/// Which rows, of which profile, in which language.
#[derive(Debug, ClapArgs)]
pub struct Select {
    /// The profile: the embedded one's name, or a directory with a profile.toml.
    #[arg(
        long,
        value_name = "NAME|DIR",
        env = "GOKAKU_PROFILE",
        default_value = "aks-ubuntu-18.04"
    )]
    pub profile: PathBuf,
    /// Only these rows; an id of a section stands for all rows below it.
    #[arg(long, value_name = "ID", env = "GOKAKU_RULE", value_delimiter = ',')]
    pub rule: Vec<RuleId>,
    /// Not these rows.
    #[arg(long, value_name = "ID", env = "GOKAKU_SKIP", value_delimiter = ',')]
    pub skip: Vec<RuleId>,
    /// The language of text; by default that of the locale.
    #[arg(long, value_name = "en|ja", env = "GOKAKU_LANG", value_parser = lang)]
    pub lang: Option<Lang>,
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
    /// Where the report goes; stdout where it is missing or `-`.
    #[arg(short, long, value_name = "FILE", env = "GOKAKU_OUTPUT", value_delimiter = ',')]
    pub output: Vec<PathBuf>,
    /// Take a root whose os-release is not the profile's.
    #[arg(long, env = "GOKAKU_FORCE_TARGET")]
    pub force_target: bool,
    /// An account that is never locked, aged, denied or moved; may be given again. On the running
    /// system the account that called sudo is protected without being named.
    #[arg(long, value_name = "USER", env = "GOKAKU_PROTECT", value_delimiter = ',')]
    pub protect: Vec<String>,
    /// Walk over every file for the left-alone rows about all of them (world-writable, ownerless,
    /// set-id …). --strict does so, too.
    #[arg(long, env = "GOKAKU_SURVEY")]
    pub survey: bool,
    /// Exit with 2 when a left-alone row has drifted, too.
    #[arg(long, env = "GOKAKU_STRICT")]
    pub strict: bool,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// `gokaku.report/1`.
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

fn lang(text: &str) -> Result<Lang, String> {
    match text {
        "en" => Ok(Lang::En),
        "ja" => Ok(Lang::Ja),
        other => Err(format!("found {other}, want en or ja")),
    }
}

/// The command definition, for completions and the man page.
pub fn command() -> clap::Command {
    Args::command()
}
