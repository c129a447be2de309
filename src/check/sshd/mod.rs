//! What sshd's configuration says, for every connection.
//!
//! The verdict is sshd's own: the first value counts, `Match` blocks override it, included files
//! are read where they stand, the lists of users and groups add up. A row wants its directive
//! stated outside all `Match` blocks, and no active line anywhere that says otherwise. A file that
//! the tree's sshd would refuse meets nothing.

mod access;
mod algorithms;
mod config;
mod directive;
mod host_key;
mod include;
mod judge;
mod keyword;
pub(crate) mod login;
mod options;
mod release;
mod repair;
#[cfg(test)]
mod testing;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::data::{self, BadData};
use super::{Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use config::{Config, MAIN, Setting};
pub(super) use host_key::host_key_paths;
use keyword::{Keyword, Takes, shorten};

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

/// A directive of sshd's, by its name.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String")]
pub struct Directive(&'static Keyword);

impl<'de> Deserialize<'de> for Directive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Directive, D::Error> {
        let name = String::deserialize(deserializer)?;
        keyword::find(&name).map(Directive).ok_or_else(|| {
            de::Error::custom(format!("`{name}` is no directive of sshd, as PermitRootLogin"))
        })
    }
}

/// Which values are right, and which one is written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// One of these words; the first is written.
    OneOf(Vec<String>),
    /// A number in a range.
    Number(Range),
    /// A time in a range, in seconds.
    Seconds(Range),
    /// Algorithms out of these, in any order.
    Algorithms(Vec<String>),
    /// This path, and a file is there.
    ExistingFile(ImagePath),
    /// Any of `AllowUsers`, `AllowGroups`, `DenyUsers` and `DenyGroups` with at least one name;
    /// these names of the directive are written.
    Access(Vec<String>),
}

/// The numbers that are right.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The smallest value that is right.
    #[schemars(extend("x-unit" = "seconds, or a count"))]
    pub min: u32,
    /// The largest value that is right.
    #[schemars(extend("x-unit" = "seconds, or a count"))]
    pub max: u32,
    /// What is written where the value is not right.
    #[schemars(extend("x-unit" = "seconds, or a count"))]
    pub write: u32,
}

impl Value {
    /// Its key, as in a profile.
    fn key(&self) -> &'static str {
        match self {
            Value::OneOf(_) => "one_of",
            Value::Number(_) => "number",
            Value::Seconds(_) => "seconds",
            Value::Algorithms(_) => "algorithms",
            Value::ExistingFile(_) => "existing_file",
            Value::Access(_) => "access",
        }
    }
}

/// Whether a word can stand in the file as it is.
fn is_plain(word: &str) -> bool {
    let special =
        |c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '\'' | '\\' | '#' | '=');
    !word.is_empty() && !word.contains(special)
}

impl Primitive for Sshd {
    fn check_data(&self) -> Result<(), BadData> {
        let Directive(keyword) = self.directive;
        let key = self.value.key();
        let wrong = |what: String| Err(BadData::field(format!("value.{key}"), what));
        let does_not_go = |what: &str| wrong(format!("{} does not take {what}", keyword.name));
        match (&self.value, keyword.takes) {
            (Value::OneOf(words), takes) => match words.iter().find(|w| !takes.is_word(w)) {
                Some(word) => does_not_go(&format!("`{word}`")),
                None if words.is_empty() => wrong("want at least one value".to_owned()),
                None => Ok(()),
            },
            (Value::Number(Range { min, max, write }), Takes::Number)
            | (Value::Seconds(Range { min, max, write }), Takes::Time) => {
                let field = format!("value.{key}.write");
                data::within(&field, (*write).into(), (*min).into(), Some((*max).into()))
            }
            (Value::Algorithms(names), Takes::Algorithms(kind)) => {
                match names.iter().find(|n| !kind.is_name(n)) {
                    Some(name) => does_not_go(&format!("`{name}`")),
                    None if names.is_empty() => wrong("want at least one name".to_owned()),
                    None => Ok(()),
                }
            }
            (Value::ExistingFile(path), Takes::One) if !is_plain(&path.to_string()) => {
                wrong(format!("`{path}` cannot be written without quotes"))
            }
            (Value::Access(names), Takes::Names)
                if names.is_empty() || !names.iter().all(|n| is_plain(n)) =>
            {
                wrong("want at least one name, without blanks and quotes".to_owned())
            }
            (Value::ExistingFile(_), Takes::One) | (Value::Access(_), Takes::Names) => Ok(()),
            _ => does_not_go("this kind of value"),
        }
    }

    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        let Some(config) = Config::read(root)? else {
            let absent = Evidence::at(&ImagePath::parse(MAIN)?)
                .note("absent: this tree configures no SSH server");
            return Ok(Finding::MetVacuously(vec![absent]));
        };
        match &self.value {
            Value::Access(names) => access::audit(root, &config, self.directive.0, names),
            value => directive::audit(root, &config, self.directive.0, value),
        }
    }
}

/// As many lines of one kind are shown in a report; more are counted.
const SHOWN: usize = 16;

/// The gaps of lines that sshd refuses, other than those about `own`, and whether they keep us
/// from editing: somebody else's line makes the file useless whatever we write, while a bad value
/// of a directive that has a rule of its own is that rule's to repair.
fn refused(config: &Config, own: Option<&Keyword>) -> (Vec<Gap>, bool) {
    let repaired = |s: &Setting| {
        let open = config.sources.get(s.source).is_some_and(|f| f.locked.is_none());
        open && s.keyword.is_some_and(|k| directive::DIRECTIVES.contains(&k.name))
    };
    let others: Vec<&Setting> = config
        .settings
        .iter()
        .filter(|s| s.refusal.is_some() && !own.is_some_and(|own| s.is(own)))
        .collect();
    let sshd = config.release.name();
    let gap = |s: &&Setting| {
        let why = s.refusal.clone().unwrap_or_default();
        let evidence = at(config, s)
            .found(shorten(&format!("{} {}", s.said.keyword, s.shown())))
            .want(format!("a line that {sshd} takes"))
            .note(why.clone());
        let advice = if repaired(s) { "its own rule repairs it" } else { "correct it by hand" };
        let line = format!("{}:{}", place(config, s), s.line);
        Gap::no_remedy(
            evidence,
            format!("{sshd} refuses {line} ({why}) and does not start; {advice}"),
        )
    };
    let gaps = others.iter().take(SHOWN).map(gap).collect();
    (gaps, !others.iter().all(|s| repaired(s)))
}

/// Said of every change that is held back.
const HELD_BACK: &str = "nothing is changed while other lines keep sshd from starting";

fn place(config: &Config, setting: &Setting) -> String {
    config.sources.get(setting.source).map_or_else(String::new, |s| s.path.to_string())
}

/// The place of a line, as evidence.
fn at(config: &Config, setting: &Setting) -> Evidence {
    let path = config.sources.get(setting.source).map(|s| s.path.clone());
    Evidence { path, ..Evidence::default() }.line(setting.line)
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
