//! What a rule can want: a folder per family of rules, a file per primitive, one line of the list
//! below.
//!
//! A primitive has one function, `audit`: it compares an image with what is wanted and returns
//! gaps; a gap carries the change that closes it. What would be done is derived from that, so
//! "holds" and "nothing to do" are one statement. Primitives read through `Rootfs` and never
//! write; they never use `apply/`.

pub mod accounts;
mod audit;
pub(crate) mod chain;
pub(crate) mod common;
pub mod daemons;
pub mod data;
mod exclusions;
pub mod files;
mod finding;
pub(in crate::check) mod foreign;
pub mod homes;
pub mod kernel;
mod kinds;
pub mod logs;
pub(crate) mod messages;
pub(in crate::check) mod order;
pub mod packages;
pub mod pam;
pub mod shell;
pub mod sshd;
mod subject;
pub mod systemd;
#[cfg(test)]
mod testing;
pub(crate) mod uses;

use schemars::JsonSchema;
use serde::Deserialize;

pub use audit::{Audit, Options};
#[cfg(feature = "internals")]
pub use chain::OtherFile;
#[cfg(feature = "internals")]
pub use chain::table::{self as consumer_table, Absence, Consumer, Starter};
pub use chain::{ChainLine, Consumes};
pub use data::BadData;
pub use exclusions::{Exclusion, Exclusions};
pub use finding::{Evidence, Finding, Fix, Gap, Outcome, Presence};
pub use order::Looser;
pub use subject::{Subject, SubjectKind};

use crate::error::Result;
#[cfg(feature = "internals")]
use crate::rootfs::Rootfs;

/// One kind of thing a rule can want; its fields are the rule's data.
pub trait Primitive {
    /// Finds what is wrong with the data although the types of the fields allow it. The loader of
    /// profiles asks, and shows the place of the field.
    ///
    /// # Errors
    /// The first field that is wrong, with what would be right.
    fn check_data(&self) -> Result<(), BadData> {
        Ok(())
    }

    /// The programs that read what is judged; none where the state of the tree itself is asked for.
    /// [`Check::find`] looks whether they start, and read it.
    fn consumers(&self) -> Vec<Consumes>;

    /// The effective values that are looser in `after` than in `before`, two states of a tree: the
    /// primitive's order of tightness. What was tighter than wanted before counts.
    ///
    /// # Errors
    /// When the values of a state cannot be determined.
    #[cfg_attr(not(feature = "internals"), allow(dead_code))] // the law that no plan loosens asks
    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>>;

    /// Compares the image with what is wanted.
    ///
    /// # Errors
    /// When it cannot be determined: the rule is then `unknown`, with this cause.
    fn find(&self, audit: &Audit<'_>) -> Result<Finding>;

    /// [`Primitive::find`] without options and exclusions.
    ///
    /// # Errors
    /// As [`Primitive::find`].
    #[cfg(feature = "internals")]
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        self.find(&Audit::plain(root))
    }
}

/// Makes [`Check`] from the list of primitives.
macro_rules! primitives {
    ($($name:ident: $($module:ident)::+,)+) => {
        /// All primitives. The TOML key is the arm's name in snake case.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Check {
            $(
                #[doc = concat!("The want `", stringify!($name), "`, by its TOML key.")]
                $name($($module)::+::$name),
            )+
        }

        /// The arms of [`Check`] in its order: name, and module inside `check` (`family::module`).
        #[cfg(feature = "internals")]
        pub const PRIMITIVES: &[(&str, &str)] =
            &[$((stringify!($name), stringify!($($module)::+)),)+];

        impl Check {
            /// What the primitive finds, for people and plans: [`Primitive::find`] with its
            /// consumers in view, and unknown where a statement that it judges holds a byte that
            /// is not UTF-8.
            ///
            /// # Errors
            /// As [`Primitive::find`], and [`Error::NotUtf8`](crate::error::Error::NotUtf8).
            pub fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
                let primitive = self.primitive();
                let found = primitive.find(audit)?;
                foreign::settled(chain::judged(audit, &primitive.consumers(), found)?)
            }

            /// The family of the primitive: the folder that it stands in.
            pub(crate) fn family(&self) -> &'static str {
                let module = match self {
                    $(Check::$name(_) => stringify!($($module)::+),)+
                };
                module.split(':').next().unwrap_or(module).trim()
            }

            /// The primitive behind the arm.
            pub fn primitive(&self) -> &dyn Primitive {
                match self {
                    $(Check::$name(primitive) => primitive,)+
                }
            }
        }
    };
}

// By family.
primitives! {
    AccountAgeing: accounts::account_ageing,
    AccountUnique: accounts::account_unique,
    EmptyGroup: accounts::empty_group,
    LoginDefs: accounts::login_defs,
    NoEmptyPasswords: accounts::no_empty_passwords,
    PastPasswordChanges: accounts::past_password_changes,
    PrimaryGroups: accounts::primary_groups,
    RootGroup: accounts::root_group,
    RootOnlySuperuser: accounts::root_only_superuser,
    ShadowedPasswords: accounts::shadowed_passwords,
    SystemAccounts: accounts::system_accounts,
    UseraddDefault: accounts::useradd_default,
    LocalMta: daemons::local_mta,
    NtpConf: daemons::ntp_conf,
    Banner: files::banner,
    FileMode: files::file_mode,
    Ini: files::ini,
    Limits: files::limits,
    Line: files::line,
    Mount: files::mount,
    Tree: files::tree,
    HomeDotFiles: homes::home_dot_files,
    HomeExists: homes::home_exists,
    HomeFileAbsent: homes::home_file_absent,
    HomeMode: homes::home_mode,
    HomeOwner: homes::home_owner,
    BootArgument: kernel::boot_argument,
    KernelModule: kernel::kernel_module,
    Sysctl: kernel::sysctl,
    LogRotation: logs::log_rotation,
    RsyslogCreateMode: logs::rsyslog_create_mode,
    RsyslogRouting: logs::rsyslog_routing,
    AptSources: packages::apt_sources,
    Package: packages::package,
    Updates: packages::updates,
    PamPwquality: pam::pam_pwquality,
    PamSha512: pam::pam_sha512,
    Pwquality: pam::pwquality,
    DefaultUmask: shell::default_umask,
    RootPath: shell::root_path,
    ShellVar: shell::shell_var,
    Sshd: sshd,
    Service: systemd::service,
    ServicesReview: systemd::services_review,
    SystemdConf: systemd::systemd_conf,
    TimeSync: systemd::time_sync,
}
