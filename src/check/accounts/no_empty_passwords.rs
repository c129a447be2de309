//! Nobody logs in without a password.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountFile, ByName, Ledger, Lock, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{ImagePath, show_name};
use crate::text::accounts::{Edits, Layout, PASSWORD};

/// No password field is empty, and every account has its line in `shadow`. An empty field is
/// locked: keys and `sudo` rules go on working, a password can be set later.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoEmptyPasswords {}

impl Primitive for NoEmptyPasswords {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let users = passwd.table();
        let mut ledger = Ledger::default();
        for user in &users.entries {
            if Lock::of(user.field(PASSWORD)) == Lock::Empty {
                let account = show_name(user.name());
                let found = messages::empty_password(&account);
                let evidence = passwd.at(user.line).found(found).want("x");
                let subject = Subject::account(user.name());
                ledger.open(subject, evidence, messages::set_x(account));
            }
        }
        ledger.lines(&passwd, &users, |_| true);
        let Some(shadow) = AccountFile::read(root, Layout::Shadow)? else {
            if users.entries.is_empty() && !ledger.has_gaps() {
                let note = messages::no_account_line();
                return Ok(Finding::MetVacuously(vec![passwd.whole().note(note)]));
            }
            let path = ImagePath::parse("/etc/shadow")?;
            let evidence = Evidence::at(&path).want(messages::want_every_account());
            ledger.open(Subject::path(&path), evidence, messages::no_shadow());
            return Ok(ledger.finish(&[]));
        };
        let secrets = shadow.table();
        let mut edits = Edits::new();
        for secret in &secrets.entries {
            if Lock::of(secret.field(PASSWORD)) != Lock::Empty {
                continue;
            }
            let name = secret.name();
            let evidence = shadow
                .at(secret.line)
                .found(messages::empty_password(show_name(name)))
                .want(messages::want_no_empty_password());
            let subject = Subject::account(name);
            if let Some(exclusion) = audit.excluded(&subject) {
                ledger.open(subject, evidence, exclusion.cause.clone());
                continue;
            }
            edits.set(secret.line, PASSWORD, "!");
            let evidence = match name {
                b"root" => evidence.note(messages::root_is_locked()),
                _ => evidence,
            };
            ledger.closable(subject, evidence);
        }
        let names = ByName::new(&secrets);
        for user in users.entries.iter().filter(|u| names.first(u.name()).is_none()) {
            let account = show_name(user.name());
            let evidence = passwd
                .at(user.line)
                .found(messages::no_shadow_line(&account))
                .want(messages::want_both_lines());
            let subject = Subject::account(user.name());
            ledger.open(subject, evidence, messages::add_shadow_line(account));
        }
        ledger.lines(&shadow, &secrets, |_| true);
        if !ledger.has_gaps() {
            let found = messages::no_empty_passwords(secrets.entries.len());
            ledger.note(shadow.whole().found(found));
        }
        Ok(ledger.finish(&[(&shadow, edits)]))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        PASSWD, SHADOW, changed_lines, image, open, outcome, settle_lines, stage, want, with,
    };
    use crate::check::testing::Run;
    use crate::check::{Outcome, Subject};

    #[test]
    fn an_empty_field_is_locked_and_nothing_else_changes() {
        let want = want("no_empty_passwords = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let cases: &[(String, &[&str])] = &[
            (
                with(SHADOW, "bob:!:", "bob::"),
                &["-bob::18000:0:99999:7:::", "+bob:!:18000:0:99999:7:::"],
            ),
            (
                with(SHADOW, "root:*:", "root::"),
                &["-root::18000:0:99999:7:::", "+root:!:18000:0:99999:7:::"],
            ),
            (format!("{SHADOW}gone::::::::"), &["-gone::::::::", "+gone:!:::::::"]),
            (format!("{SHADOW}bob::1::::::\n"), &["-bob::1::::::", "+bob:!:1::::::"]),
        ];
        for (shadow, lines) in cases {
            assert_eq!(settle_lines(want, &image().file("/etc/shadow", shadow)), *lines);
        }
        for fine in ["bob:$6$a$b:", "bob:!$6$a$b:", "bob:*LOCK*:", "bob:x:"] {
            let root = image().file("/etc/shadow", with(SHADOW, "bob:!:", fine));
            assert!(settle_lines(want, &root).is_empty(), "{fine}");
        }
        let nis = image().file("/etc/shadow", format!("# bob::::::::\n{SHADOW}+::::::::\n"));
        assert!(settle_lines(want, &nis).is_empty());
    }

    #[test]
    fn root_without_a_password_is_told_loudly() {
        let want = want("no_empty_passwords = {}");
        let root = image().file("/etc/shadow", with(SHADOW, "root:*:", "root::"));
        let finding = want.primitive().audit(&root).unwrap();
        assert!(format!("{finding:?}").contains("another way to become root"));
    }

    #[test]
    fn what_is_left() {
        let want = want("no_empty_passwords = {}");
        let want = want.primitive();
        let empty = with(SHADOW, "bob:!:", "bob::");
        let cases = [
            (image().file("/etc/shadow", &empty).protecting("bob"), "/etc/shadow:6"),
            (
                image().file("/etc/shadow", with(SHADOW, "bob:!:18000:0:99999:7:::\n", "")).scene(),
                "/etc/passwd:6",
            ),
            (image().file("/etc/shadow", format!("{SHADOW}eve::\n")).scene(), "/etc/shadow:7"),
            (image().file("/etc/passwd", with(PASSWD, "bob:x:", "bob::")).scene(), "/etc/passwd:6"),
            (image().without("/etc/shadow").scene(), "/etc/shadow:"),
            (
                image()
                    .without("/etc/shadow")
                    .file("/d/s", empty)
                    .link("/etc/shadow", "../d/s")
                    .scene(),
                "/etc/shadow:6",
            ),
        ];
        for (root, place) in cases {
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{place}");
            let open = open(want, &root);
            assert!(open.len() == 1 && open[0].starts_with(place), "want {place} in {open:?}");
        }
        let none = image().file("/etc/passwd", "").without("/etc/shadow");
        assert_eq!(outcome(want, &none), Outcome::MetVacuously);
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
    }

    #[test]
    fn an_excluded_account_keeps_its_field() {
        let want = want("no_empty_passwords = {}");
        let shadow = with(SHADOW, "bob:!:", "bob::").replace("sync:*:", "sync::");
        let root = image().file("/etc/shadow", shadow).excluding(Subject::account(b"bob"));
        assert_eq!(
            changed_lines(&stage(want.primitive(), &root)),
            ["-sync::18000:0:99999:7:::", "+sync:!:18000:0:99999:7:::"]
        );
        let left = open(want.primitive(), &root);
        assert!(left.len() == 1 && left[0].contains("the account bob is protected"), "{left:?}");
    }
}
