//! What sshd's configuration says, for every connection.
//!
//! The verdict is sshd's own: the first value counts, `Match` blocks override it, included files
//! are read where they stand, the lists of users and groups add up. A row wants its directive
//! stated outside all `Match` blocks, and no active line anywhere that says otherwise. A file that
//! the tree's sshd would refuse meets nothing.
//!
//! From a profile to a change, each module using those named before it: `release`, `algorithms`,
//! `forms`, `keyword` and `keywords` are sshd's language; `whole`, `config` and `options` what this
//! tree says in it; `want` what a row wants; `lines`, `layout` and `levels` serve both kinds of rows. A directive
//! of one value goes through `judge`, `repair` and `directive`, the lists of names through `access`.

mod access;
mod algorithms;
mod config;
mod directive;
mod forms;
mod host_key;
mod judge;
mod keyword;
mod keywords;
mod layout;
mod levels;
mod lines;
pub(crate) mod login;
pub(crate) mod messages;
mod options;
mod release;
mod repair;
#[cfg(test)]
mod testing;
mod want;
mod whole;

use schemars::JsonSchema;
use serde::Deserialize;

use super::data::BadData;
use super::order::{self, Looser};
use super::{Audit, Consumes, Evidence, Finding, Primitive};
use crate::error::Result;
use crate::rootfs::ImagePath;
use config::{Config, MAIN};
pub(super) use host_key::host_key_paths;
#[cfg(feature = "internals")]
pub use want::Range;
pub use want::{Directive, Value};

/// A directive of `/etc/ssh/sshd_config` has a value, stated for all connections and loosened for
/// none.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sshd {
    /// The directive, as `PermitRootLogin`; case does not count.
    pub directive: Directive,
    /// Which values are right, and which one is written.
    pub value: Value,
}

impl Primitive for Sshd {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::own("sshd")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        self.value.check(self.directive.0)
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let Some(config) = Config::read(audit)? else {
            if let Some(gap) = options::read(audit)?.other_file(audit)? {
                return Ok(Finding::from_gaps(vec![gap], Vec::new()));
            }
            let absent = Evidence::at(&ImagePath::parse(MAIN)?).note(messages::absent());
            return Ok(Finding::MetVacuously(vec![absent]));
        };
        match &self.value {
            Value::Access(names) => access::audit(audit, &config, self.directive.0, names),
            value => directive::audit(audit, &config, self.directive.0, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::config::MAIN;
    use super::testing::{BIONIC, BOOKWORM, BULLSEYE, check, image, look, settle_files, want};
    use crate::check::Outcome;

    /// All directives together, as a profile has them.
    const ALL: &[&str] = &[
        r#"directive = "DenyUsers", value = { access = ["root", "omsagent", "nxautomation"] }"#,
        r#"directive = "LogLevel", value = { one_of = ["INFO", "VERBOSE"] }"#,
        r#"directive = "MaxAuthTries", value = { number = { min = 1, max = 4, write = 4 } }"#,
        r#"directive = "IgnoreRhosts", value = { one_of = ["yes"] }"#,
        r#"directive = "HostbasedAuthentication", value = { one_of = ["no"] }"#,
        r#"directive = "PermitRootLogin", value = { one_of = ["no"] }"#,
        r#"directive = "PermitEmptyPasswords", value = { one_of = ["no"] }"#,
        r#"directive = "PermitUserEnvironment", value = { one_of = ["no"] }"#,
        r#"directive = "Ciphers", value = { algorithms = ["aes256-gcm@openssh.com", "aes256-ctr"] }"#,
        r#"directive = "MACs", value = { algorithms = ["hmac-sha2-512", "hmac-sha2-256"] }"#,
        r#"directive = "KexAlgorithms", value = { algorithms = ["curve25519-sha256"] }"#,
        r#"directive = "LoginGraceTime", value = { seconds = { min = 1, max = 60, write = 60 } }"#,
        r#"directive = "Banner", value = { existing_file = "/etc/issue.net" }"#,
        r#"directive = "UsePAM", value = { one_of = ["yes"] }"#,
        r#"directive = "MaxSessions", value = { number = { min = 0, max = 10, write = 10 } }"#,
    ];

    /// The main file when all directives have been seen to.
    fn hardened(version: &str, text: &str) -> String {
        let text = ALL.iter().fold(text.to_owned(), |text, spec| {
            let files = settle_files(&want(spec), &image(version, &text));
            files.into_iter().find(|(path, _)| path == MAIN).map_or(text, |(_, text)| text)
        });
        for spec in ALL {
            let finding = look(&want(spec), &image(version, &text));
            assert_eq!(finding.outcome(), Outcome::Met, "{spec}: {finding:?}\n{text}");
        }
        text
    }

    #[test]
    fn all_rows_agree_on_one_tidy_file() {
        let stock = "# About this file.\n\n#Port 22\n\n# Ciphers and keying\n#RekeyLimit none\n\n\
                     #LogLevel INFO\n\n#LoginGraceTime 2m\n#PermitRootLogin yes\n#MaxAuthTries 6\n\
                     #MaxSessions 10\n\nUsePAM yes\nX11Forwarding yes\n";
        let tidy = "# About this file.\n\n#Port 22\n\n# Ciphers and keying\n#RekeyLimit none\n\n\
                    #LogLevel INFO\nLogLevel INFO\n\n#LoginGraceTime 2m\nLoginGraceTime 60\n\
                    #PermitRootLogin yes\nPermitRootLogin no\n#MaxAuthTries 6\nMaxAuthTries 4\n\
                    #MaxSessions 10\nMaxSessions 10\n\nUsePAM yes\nX11Forwarding yes\nIgnoreRhosts yes\n\
                    HostbasedAuthentication no\nPermitEmptyPasswords no\nPermitUserEnvironment no\n\
                    Ciphers aes256-gcm@openssh.com,aes256-ctr\nMACs hmac-sha2-512,hmac-sha2-256\n\
                    KexAlgorithms curve25519-sha256\nBanner /etc/issue.net\n\
                    DenyUsers root omsagent nxautomation\n";
        assert_eq!(hardened(BIONIC, stock), tidy);
        let including = format!("# About.\n\nInclude /etc/ssh/sshd_config.d/*.conf\n\n{stock}");
        let got = hardened(BULLSEYE, &including);
        let above = "# About.\n\nLogLevel INFO\nMaxAuthTries 4\nIgnoreRhosts yes\n";
        assert!(got.starts_with(above), "{got}");
        assert!(
            got.ends_with(&format!("Include /etc/ssh/sshd_config.d/*.conf\n\n{stock}")),
            "{got}"
        );
    }

    #[test]
    fn several_bad_lines_of_ours_are_all_repaired() {
        let bad = "UsePAM maybe\nMaxAuthTries four\nCiphers none\nMatch User x\nMACs none\n";
        for version in [BULLSEYE, BOOKWORM] {
            let mut text = bad.to_owned();
            // Each row alone is met only when the last of them is repaired.
            for spec in ALL {
                let (files, _) = super::testing::repaired(&want(spec), &image(version, &text));
                text = files.into_iter().find(|(path, _)| path == MAIN).map_or(text, |f| f.1);
            }
            assert_eq!(hardened(version, &text), text);
        }
    }

    #[test]
    fn profiles_say_what_goes() {
        for good in [
            r#"directive = "PermitRootLogin", value = { one_of = ["no"] }"#,
            r#"directive = "LogLevel", value = { one_of = ["INFO", "VERBOSE"] }"#,
            r#"directive = "maxauthtries", value = { number = { min = 1, max = 4, write = 4 } }"#,
            r#"directive = "LoginGraceTime", value = { seconds = { min = 1, max = 60, write = 60 } }"#,
            r#"directive = "Ciphers", value = { algorithms = ["aes256-ctr"] }"#,
            r#"directive = "Banner", value = { existing_file = "/etc/issue.net" }"#,
            r#"directive = "DenyUsers", value = { access = ["root"] }"#,
        ] {
            assert!(check(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            (r#"directive = "PermitRoot", value = { one_of = ["no"] }"#, "no directive"),
            (r#"directive = "PermitRootLogin", value = { one_of = ["off"] }"#, "`off`"),
            (r#"directive = "PermitRootLogin", value = { one_of = [] }"#, "at least one"),
            (r#"directive = "MaxAuthTries", value = { one_of = ["4"] }"#, "`4`"),
            (
                r#"directive = "MaxAuthTries", value = { number = { min = 1, max = 4, write = 5 } }"#,
                "`value.number.write`: found 5, want `min` to `max`, 1 to 4",
            ),
            (
                r#"directive = "MaxAuthTries", value = { seconds = { min = 1, max = 4, write = 4 } }"#,
                "this kind",
            ),
            (r#"directive = "Ciphers", value = { algorithms = ["aes512-ctr"] }"#, "aes512"),
            (r#"directive = "Ciphers", value = { algorithms = [] }"#, "at least one"),
            (r#"directive = "Banner", value = { existing_file = "/etc/a b" }"#, "quotes"),
            (r#"directive = "DenyUsers", value = { access = ["a b"] }"#, "blanks"),
            (r#"directive = "DenyUsers", value = { access = ["a"] }, more = 1"#, "more"),
            (r#"directive = "DenyUsers", value = { acess = ["a"] }"#, "acess"),
        ] {
            let error = check(bad).err().unwrap_or_default();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }
}
