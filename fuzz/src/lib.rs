//! Fuzz targets: parsers and editors on any text, and whole rules on small trees of any texts.
//!
//! A target is a plain function of bytes that panics when a promise is broken, so that three things
//! run the same code: libFuzzer (`fuzz_targets/`), `tests/fuzz.rs` on a stable toolchain, and a
//! crash found once, for ever after.

mod support;

pub mod accounts;
pub mod archive;
pub mod daemons;
pub mod disorder;
pub mod fstab;
pub mod ini;
pub mod journal;
pub mod limits;
pub mod login_defs;
pub mod logrotate;
pub mod modprobe;
pub mod packages;
pub mod pam;
pub mod pieces;
pub mod profile;
pub mod rsyslog;
pub mod rules;
pub mod shell;
pub mod sshd_config;
pub mod sysctl;
pub mod unit;

/// A promise put to the test on any bytes.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("sysctl", sysctl::run),
    ("modprobe", modprobe::run),
    ("rsyslog", rsyslog::run),
    ("logrotate", logrotate::run),
    ("fstab", fstab::run),
    ("pam", pam::run),
    ("login_defs", login_defs::run),
    ("shell", shell::run),
    ("ini", ini::run),
    ("unit", unit::run),
    ("limits", limits::run),
    ("daemons", daemons::run),
    ("sshd_config", sshd_config::run),
    ("accounts", accounts::run),
    ("packages", packages::run),
    ("pieces", pieces::run),
    ("profile", profile::run),
    ("journal", journal::run),
    ("archive", archive::run),
    ("rules_sysctl", rules::rules_sysctl),
    ("rules_modprobe", rules::rules_modprobe),
    ("rules_sshd", rules::rules_sshd),
    ("rules_sshd_include", rules::rules_sshd_include),
    ("rules_rsyslog", rules::rules_rsyslog),
    ("rules_pam", rules::rules_pam),
    ("rules_accounts", rules::rules_accounts),
    ("rules_homes", rules::rules_homes),
    ("rules_mount", rules::rules_mount),
    ("rules_umask", rules::rules_umask),
    ("rules_settings", rules::rules_settings),
    ("rules_daemons", rules::rules_daemons),
    ("rules_packages", rules::rules_packages),
];
