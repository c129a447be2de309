//! What a rule can want. One primitive per file, one arm of [`Check`] per primitive.
//!
//! A primitive has one function, `audit`: it compares an image with what is wanted and returns
//! gaps; a gap carries the change that closes it. What would be done is derived from that, so
//! "holds" and "nothing to do" are one statement. Primitives read through [`Rootfs`] and never
//! write; they never use `apply/`.

pub mod accounts;
pub(in crate::check) mod common;
pub mod daemons;
pub mod files;
pub mod homes;
pub mod kernel;
pub mod logs;
pub mod packages;
pub mod pam;
pub mod shell;
pub mod sshd;
pub mod systemd;
#[cfg(test)]
mod testing;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs};

/// What a want, or a whole rule, comes out as. Spelled the same in JSON, code and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Met,
    /// It holds because what it is about is not there.
    MetVacuously,
    /// It does not hold.
    NotMet,
    /// A person must judge; the evidence is attached.
    Manual,
    /// It could not be told, with the cause.
    Unknown,
    /// It does not hold (or was not judged), and that was accepted in the site's own profile.
    Waived,
    /// A left-alone row without a measurement.
    Unmeasured,
}

impl Outcome {
    /// The spelling in reports.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::MetVacuously => "met_vacuously",
            Outcome::NotMet => "not_met",
            Outcome::Manual => "manual",
            Outcome::Unknown => "unknown",
            Outcome::Waived => "waived",
            Outcome::Unmeasured => "unmeasured",
        }
    }
}

/// One observation behind a verdict: where, what was found, what was wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The path inside the root, if it is about one.
    pub path: Option<ImagePath>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What stands there; absent when nothing does.
    pub found: Option<String>,
    /// What was wanted.
    pub want: Option<String>,
    /// Anything a reader should know.
    pub note: Option<String>,
}

impl Evidence {
    /// About a path.
    pub fn at(path: &ImagePath) -> Evidence {
        Evidence { path: Some(path.clone()), ..Evidence::default() }
    }

    /// About no path in particular.
    pub fn note_only(note: impl Into<String>) -> Evidence {
        Evidence { note: Some(note.into()), ..Evidence::default() }
    }

    /// Adds the line, from 1.
    #[must_use]
    pub fn line(mut self, line: usize) -> Evidence {
        self.line = Some(line);
        self
    }

    /// Adds what was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Evidence {
        self.found = Some(found.into());
        self
    }

    /// Adds what was wanted.
    #[must_use]
    pub fn want(mut self, want: impl Into<String>) -> Evidence {
        self.want = Some(want.into());
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Evidence {
        self.note = Some(note.into());
        self
    }
}

/// What would close a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// These changes, together. None at all: those of another gap of the finding close this one.
    Changes(Vec<Change>),
    /// The package manager's work, which nothing but the package manager can do.
    Package {
        /// All of these go, or each of these comes.
        names: Vec<String>,
        /// Which of the two.
        want: Presence,
        /// A program (with its arguments) to run in the root before the packages change.
        before: Vec<String>,
    },
    /// Nothing that is safe; why, and what a person can do.
    None(String),
}

/// Whether packages are to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// They are to go, configuration and all.
    Absent,
    /// They are to be installed.
    Present,
}

impl Fix {
    /// Why no change to a file closes the gap, and what a person can do; `None` when one does.
    pub fn reason(&self) -> Option<String> {
        match self {
            Fix::Changes(_) => None,
            Fix::None(reason) => Some(reason.clone()),
            Fix::Package { names, want, before } => {
                let verb = match want {
                    Presence::Absent => "purge",
                    Presence::Present => "install",
                };
                let mut command = String::new();
                if !before.is_empty() {
                    command = format!("chroot ROOT {} && ", before.join(" "));
                }
                command += &format!("chroot ROOT apt-get {verb} {}", names.join(" "));
                Some(format!("needs a package operation, run: {command}"))
            }
        }
    }
}

/// One difference between the image and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// What would close it.
    pub fix: Fix,
}

impl Gap {
    /// A gap that one change closes.
    pub fn fixed_by(evidence: Evidence, change: Change) -> Gap {
        Gap { evidence, fix: Fix::Changes(vec![change]) }
    }

    /// A gap that several changes close together.
    pub fn fixed_by_all(evidence: Evidence, changes: Vec<Change>) -> Gap {
        Gap { evidence, fix: Fix::Changes(changes) }
    }

    /// A gap that only the package manager can close.
    pub fn package(evidence: Evidence, names: Vec<String>, want: Presence) -> Gap {
        Gap { evidence, fix: Fix::Package { names, want, before: Vec::new() } }
    }

    /// Gaps that the same changes close together. The first gap carries them, so that whole new
    /// files are not held once per gap.
    pub fn closed_together(
        evidence: impl IntoIterator<Item = Evidence>,
        changes: Vec<Change>,
    ) -> Vec<Gap> {
        let mut changes = Some(changes);
        let gap =
            |evidence| Gap { evidence, fix: Fix::Changes(changes.take().unwrap_or_default()) };
        evidence.into_iter().map(gap).collect()
    }

    /// A gap without a safe remedy.
    pub fn no_remedy(evidence: Evidence, reason: impl Into<String>) -> Gap {
        Gap { evidence, fix: Fix::None(reason.into()) }
    }
}

/// What an audit of one want says. "Could not tell" is the error beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It holds, and this shows it.
    Met(Vec<Evidence>),
    /// It holds because its subject is not there.
    MetVacuously(Vec<Evidence>),
    /// It does not hold. Several gaps may name the same path; their changes are made one round at
    /// a time. `holding` is what was looked at beside them.
    NotMet {
        /// The differences; never empty.
        gaps: Vec<Gap>,
        /// Further evidence.
        holding: Vec<Evidence>,
    },
    /// A person must judge.
    Manual(Vec<Evidence>),
    /// It was not looked at, because the run does without; only for rows that are left alone.
    Unmeasured(Vec<Evidence>),
}

impl Finding {
    /// `NotMet` if there are gaps, else `Met`.
    pub fn from_gaps(gaps: Vec<Gap>, holding: Vec<Evidence>) -> Finding {
        if gaps.is_empty() { Finding::Met(holding) } else { Finding::NotMet { gaps, holding } }
    }

    /// The outcome in one word.
    pub fn outcome(&self) -> Outcome {
        match self {
            Finding::Met(_) => Outcome::Met,
            Finding::MetVacuously(_) => Outcome::MetVacuously,
            Finding::NotMet { .. } => Outcome::NotMet,
            Finding::Manual(_) => Outcome::Manual,
            Finding::Unmeasured(_) => Outcome::Unmeasured,
        }
    }
}

/// One kind of thing a rule can want; its fields are the rule's data.
pub trait Primitive {
    /// Compares the image with what is wanted.
    ///
    /// # Errors
    /// When it cannot be told: the rule is then `unknown`, with this cause.
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding>;
}

/// All primitives. The TOML key is the arm's name in snake case.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A login text gives nothing of the system away.
    Banner(files::banner::Banner),
    /// A file or directory is open to nobody beyond what is allowed.
    FileMode(files::file_mode::FileMode),
    /// A kernel module cannot be loaded.
    KernelModule(kernel::kernel_module::KernelModule),
    /// Some line of some files matches a pattern; observed only.
    Line(files::line::Line),
    /// A mount point is declared, or has an option where it is.
    Mount(files::mount::Mount),
    /// A directive of sshd's configuration has a value.
    Sshd(sshd::Sshd),
    /// Shells of the image start with a tight umask.
    DefaultUmask(shell::default_umask::DefaultUmask),
    /// Logs are rotated.
    LogRotation(logs::log_rotation::LogRotation),
    /// A new password is put to pam_pwquality before it is set.
    PamPwquality(pam::pam_pwquality::PamPwquality),
    /// New passwords are hashed with SHA-512.
    PamSha512(pam::pam_sha512::PamSha512),
    /// root's search path for programs is safe.
    RootPath(shell::root_path::RootPath),
    /// Files that rsyslogd creates are closed to others.
    RsyslogCreateMode(logs::rsyslog_create_mode::RsyslogCreateMode),
    /// Log messages are routed to files and to people.
    RsyslogRouting(logs::rsyslog_routing::RsyslogRouting),
    /// A kernel parameter has a value at boot.
    Sysctl(kernel::sysctl::Sysctl),
    /// No file of the whole image is of a kind; observed only.
    Tree(files::tree::Tree),
    /// Passwords of existing accounts age within bounds.
    AccountAgeing(accounts::account_ageing::AccountAgeing),
    /// No two lines of `passwd` or `group` share a name or a number.
    AccountUnique(accounts::account_unique::AccountUnique),
    /// A group has no members.
    EmptyGroup(accounts::empty_group::EmptyGroup),
    /// Hidden files in homes are nobody else's to write.
    HomeDotFiles(homes::home_dot_files::HomeDotFiles),
    /// Accounts that may log in have homes.
    HomeExists(homes::home_exists::HomeExists),
    /// A file is in nobody's home.
    HomeFileAbsent(homes::home_file_absent::HomeFileAbsent),
    /// Homes are closed to others.
    HomeMode(homes::home_mode::HomeMode),
    /// Homes are owned by their accounts.
    HomeOwner(homes::home_owner::HomeOwner),
    /// Nobody logs in without a password.
    NoEmptyPasswords(accounts::no_empty_passwords::NoEmptyPasswords),
    /// No password was changed in the future.
    PastPasswordChanges(accounts::past_password_changes::PastPasswordChanges),
    /// Every user's primary group exists.
    PrimaryGroups(accounts::primary_groups::PrimaryGroups),
    /// Root's primary group is group 0.
    RootGroup(accounts::root_group::RootGroup),
    /// Root alone has user number 0.
    RootOnlySuperuser(accounts::root_only_superuser::RootOnlySuperuser),
    /// Passwords are kept in `shadow`.
    ShadowedPasswords(accounts::shadowed_passwords::ShadowedPasswords),
    /// Accounts of the system let nobody in.
    SystemAccounts(accounts::system_accounts::SystemAccounts),
    /// A key of a key file has a value, or not one of certain values.
    Ini(files::ini::Ini),
    /// A resource has a hard limit for everybody.
    Limits(files::limits::Limits),
    /// A default for new accounts in `login.defs`.
    LoginDefs(accounts::login_defs::LoginDefs),
    /// What is asked of a new password.
    Pwquality(pam::pwquality::Pwquality),
    /// A file that a shell sources sets a variable.
    ShellVar(shell::shell_var::ShellVar),
    /// A daemon of systemd reads a setting from its configuration and drop-ins.
    SystemdConf(systemd::systemd_conf::SystemdConf),
    /// A default of `useradd` is in a range.
    UseraddDefault(accounts::useradd_default::UseraddDefault),
    /// Where apt takes packages from, for a person to judge.
    AptSources(packages::apt_sources::AptSources),
    /// What the boot loader tells the kernel about one thing.
    BootArgument(kernel::boot_argument::BootArgument),
    /// A mail server listens to the machine itself only.
    LocalMta(daemons::local_mta::LocalMta),
    /// ntpd lets nobody change or query it, has a source of time, and is not root.
    NtpConf(daemons::ntp_conf::NtpConf),
    /// Packages are there, or are not.
    Package(packages::package::Package),
    /// A unit starts at boot, or does not.
    Service(systemd::service::Service),
    /// What starts at boot, for a person to judge.
    ServicesReview(systemd::services_review::ServicesReview),
    /// A time client starts at boot.
    TimeSync(systemd::time_sync::TimeSync),
    /// Which packages have newer versions, for a person to judge.
    Updates(packages::updates::Updates),
}

impl Check {
    /// The primitive behind the arm.
    pub fn primitive(&self) -> &dyn Primitive {
        match self {
            Check::Banner(p) => p,
            Check::FileMode(p) => p,
            Check::KernelModule(p) => p,
            Check::Line(p) => p,
            Check::Mount(p) => p,
            Check::Sshd(p) => p,
            Check::DefaultUmask(p) => p,
            Check::LogRotation(p) => p,
            Check::PamPwquality(p) => p,
            Check::PamSha512(p) => p,
            Check::RootPath(p) => p,
            Check::RsyslogCreateMode(p) => p,
            Check::RsyslogRouting(p) => p,
            Check::Sysctl(p) => p,
            Check::Tree(p) => p,
            Check::AccountAgeing(p) => p,
            Check::AccountUnique(p) => p,
            Check::EmptyGroup(p) => p,
            Check::HomeDotFiles(p) => p,
            Check::HomeExists(p) => p,
            Check::HomeFileAbsent(p) => p,
            Check::HomeMode(p) => p,
            Check::HomeOwner(p) => p,
            Check::NoEmptyPasswords(p) => p,
            Check::PastPasswordChanges(p) => p,
            Check::PrimaryGroups(p) => p,
            Check::RootGroup(p) => p,
            Check::RootOnlySuperuser(p) => p,
            Check::ShadowedPasswords(p) => p,
            Check::SystemAccounts(p) => p,
            Check::Ini(p) => p,
            Check::Limits(p) => p,
            Check::LoginDefs(p) => p,
            Check::Pwquality(p) => p,
            Check::ShellVar(p) => p,
            Check::SystemdConf(p) => p,
            Check::UseraddDefault(p) => p,
            Check::AptSources(p) => p,
            Check::BootArgument(p) => p,
            Check::LocalMta(p) => p,
            Check::NtpConf(p) => p,
            Check::Package(p) => p,
            Check::Service(p) => p,
            Check::ServicesReview(p) => p,
            Check::TimeSync(p) => p,
            Check::Updates(p) => p,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_gap_names_the_command() {
        let names = vec!["talk".to_owned(), "ntalk".to_owned()];
        let gap = Gap::package(Evidence::default(), names.clone(), Presence::Absent);
        let reason = gap.fix.reason().unwrap();
        let want = "needs a package operation, run: chroot ROOT apt-get purge talk ntalk";
        assert_eq!(reason, want);
        let before = vec!["prelink".to_owned(), "-ua".to_owned()];
        let fix = Fix::Package { names, want: Presence::Present, before };
        assert!(
            fix.reason().unwrap().ends_with(
                "run: chroot ROOT prelink -ua && chroot ROOT apt-get install talk ntalk"
            )
        );
        assert_eq!(Fix::Changes(Vec::new()).reason(), None);
    }
}
