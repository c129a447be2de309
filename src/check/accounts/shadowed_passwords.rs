//! Passwords are kept in `shadow`, which is not for everybody to read.
//!
//! An `x` in `passwd` sends readers to `shadow`. It must stay true that writing one never lets
//! anybody in who was kept out, and that a password that works is never lost.

use schemars::JsonSchema;
use serde::Deserialize;

use super::clock::{self, Today};
use super::{AccountFile, ByName, Ledger, Lock, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::show_name;
use crate::text::accounts::{AccountLine, Edits, Layout, PASSWORD};

/// The password field of every line of `passwd` is `x`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShadowedPasswords {}

impl Primitive for ShadowedPasswords {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit, clock::today())
    }
}

/// What becomes of an account whose `passwd` field is not `x`.
enum Move {
    /// `x`; `shadow` says the same already, or says something stricter.
    Point,
    /// `x`, and this in the `shadow` line.
    PointAndSet(Vec<u8>),
    /// `x`, and a new `shadow` line with this.
    PointAndAdd(Vec<u8>),
    /// Nothing, because.
    Leave(Message),
}

fn judge(audit: &Audit<'_>, today: Today) -> Result<Finding> {
    let root = audit.root();
    let passwd = AccountFile::require(root, Layout::Passwd)?;
    let shadow = AccountFile::read(root, Layout::Shadow)?;
    let users = passwd.table();
    let secrets = shadow.as_ref().map(AccountFile::table).unwrap_or_default();
    let (names, secret_names) = (ByName::new(&users), ByName::new(&secrets));
    let mut ledger = Ledger::default();
    let (mut in_passwd, mut in_shadow) = (Edits::new(), Edits::new());
    // A day that is not known is left out; the first one of all would ask for a new password.
    let known = today.written > 0 && clock::doubt(root, today).is_none();
    let unsure: std::collections::HashSet<&[u8]> =
        secrets.faults.iter().map(|fault| fault.name).collect();
    for user in users.entries.iter().filter(|u| u.field(PASSWORD) != b"x") {
        let name = user.name();
        let account = show_name(name);
        let evidence = passwd
            .at(user.line)
            .found(Lock::of(user.field(PASSWORD)).of_account(&account))
            .want(messages::want_shadowed());
        let secret = secret_names.first(name);
        let subject = Subject::account(name);
        let step = if let Some(exclusion) = audit.excluded(&subject) {
            Move::Leave(exclusion.cause.clone())
        } else if shadow.is_none() {
            Move::Leave(messages::no_shadow())
        } else if names.is_ambiguous(name) || secret_names.is_ambiguous(name) {
            Move::Leave(messages::ambiguous(account))
        } else if unsure.contains(name) {
            Move::Leave(messages::shadow_line_malformed(account))
        } else {
            step(&account, user.field(PASSWORD), secret.map(|s| s.field(PASSWORD)))
        };
        match step {
            Move::Leave(why) => {
                ledger.open(subject, evidence, why);
                continue;
            }
            Move::Point => {}
            Move::PointAndSet(field) => {
                if let Some(AccountLine { line, .. }) = secret {
                    in_shadow.set(line, PASSWORD, field);
                }
            }
            Move::PointAndAdd(field) => {
                let day = if known { today.written.to_string() } else { String::new() };
                in_shadow.add(&[name, &field, day.as_bytes(), b"", b"", b"", b"", b"", b""]);
            }
        }
        in_passwd.set(user.line, PASSWORD, "x");
        ledger.closable(subject, evidence);
    }
    ledger.lines(&passwd, &users, |_| true);
    if users.entries.is_empty() && !ledger.has_gaps() {
        return Ok(Finding::MetVacuously(vec![passwd.whole().note(messages::no_account_line())]));
    }
    if !ledger.has_gaps() {
        ledger.note(passwd.whole().found(messages::all_shadowed(users.entries.len())));
    }
    let mut files = vec![(&passwd, in_passwd)];
    files.extend(shadow.as_ref().map(|file| (file, in_shadow)));
    Ok(ledger.finish(&files))
}

/// What is safe, given the fields of `passwd` and of the line in `shadow`.
fn step(account: &str, open: &[u8], secret: Option<&[u8]>) -> Move {
    let Some(secret) = secret else {
        return Move::PointAndAdd(if open.is_empty() { b"!".to_vec() } else { open.to_vec() });
    };
    match (Lock::of(open), Lock::of(secret)) {
        _ if open == secret && !open.is_empty() => Move::Point,
        (Lock::Empty | Lock::Locked, Lock::Locked) => Move::Point,
        // An `x` would make the other file's password work, or no password at all.
        (Lock::Empty | Lock::Locked, Lock::Password | Lock::Empty) => {
            Move::PointAndSet([b"!", secret].concat())
        }
        (Lock::Password, _) => Move::Leave(messages::two_passwords(account)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::accounts::testing::{
        PASSWD, SHADOW, changed_lines, image, open, outcome, settle_lines, stage, with,
    };
    use crate::check::testing::Run;
    use crate::check::{Fix, Outcome};
    use crate::rootfs::Rootfs;
    use crate::rootfs::{ImagePath, MemoryRootfs, StagedRootfs};

    const HASH: &str = "$6$salt$0123456789";
    const BOB: &str = "bob:x:1000:1000:Bob,,,:/home/bob:/bin/bash\n";

    /// The want on a known day.
    struct On(Today);

    impl Primitive for On {
        fn consumers(&self) -> Vec<Consumes> {
            Vec::new()
        }

        fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
            order::right_or_wrong(self, before, after)
        }

        fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
            judge(audit, self.0)
        }
    }

    const WANT: On = On(Today { written: 17_000, latest: 20_000 });

    /// The image with other password fields of bob; `None`: no line in `shadow`.
    fn bob(in_passwd: &str, in_shadow: Option<&str>) -> MemoryRootfs {
        let shadow = match in_shadow {
            Some(field) => {
                with(SHADOW, "bob:!:18000:0:99999:7:::\n", &format!("bob:{field}:18000::::::\n"))
            }
            None => with(SHADOW, "bob:!:18000:0:99999:7:::\n", ""),
        };
        image().file("/etc/passwd", with(PASSWD, "bob:x:", &format!("bob:{in_passwd}:"))).file_with(
            "/etc/shadow",
            shadow,
            0o640,
            0,
            42,
        )
    }

    #[test]
    fn a_stock_image_holds_and_is_not_touched() {
        assert!(settle_lines(&WANT, &image()).is_empty());
        let odd = image().file("/etc/passwd", format!("\n# note\n{PASSWD}+nis::::::\n"));
        assert!(settle_lines(&WANT, &odd).is_empty(), "lines of a network are no failure");
    }

    #[test]
    fn nobody_who_was_kept_out_is_let_in() {
        let passwd = |field: &str| {
            let line = with(BOB, "bob:x:", &format!("bob:{field}:"));
            [format!("-{}", line.trim_end()), format!("+{}", BOB.trim_end())]
        };
        let shadow = |old: &str, new: &str| {
            [format!("-bob:{old}:18000::::::"), format!("+bob:{new}:18000::::::")]
        };
        let locked_hash = format!("!{HASH}");
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("*", "!", None),
            ("!", "!!", None),
            ("*", HASH, Some(&locked_hash)),
            ("!x", "", Some("!")),
            ("", "", Some("!")),
            ("", "!", None),
            ("", HASH, Some(&locked_hash)),
            (HASH, HASH, None),
        ];
        for (open, secret, new) in cases {
            let mut want = passwd(open).to_vec();
            want.extend(new.iter().flat_map(|new| shadow(secret, new)));
            assert_eq!(settle_lines(&WANT, &bob(open, Some(secret))), want, "{open} {secret}");
        }
    }

    #[test]
    fn an_account_without_a_shadow_line_gets_one_with_the_day_of_the_build() {
        for (open, secret) in [(HASH, HASH), ("*", "*"), ("!x", "!x"), ("", "!")] {
            let lines = settle_lines(&WANT, &bob(open, None));
            assert_eq!(lines.last().unwrap(), &format!("+bob:{secret}:17000::::::"), "{open}");
        }
    }

    #[test]
    fn what_cannot_be_known_is_left() {
        let shadow = SHADOW.replace("bob:", "#bob:");
        let cases = [
            ("protected", bob("", Some("!")).protecting("bob")),
            ("two passwords", bob(HASH, Some("$6$other")).scene()),
            ("a password here, none there", bob(HASH, Some("!")).scene()),
            ("no shadow", bob("*", None).without("/etc/shadow").scene()),
            (
                "a cut line",
                bob("*", None).file("/etc/shadow", format!("{shadow}bob:!:1\n")).scene(),
            ),
            (
                "two lines",
                bob("*", Some("!")).file("/etc/shadow", format!("{SHADOW}{SHADOW}")).scene(),
            ),
            (
                "a linked file",
                bob("*", Some("!"))
                    .file("/d/p", with(PASSWD, "bob:x", "bob:*"))
                    .without("/etc/passwd")
                    .link("/etc/passwd", "/d/p")
                    .scene(),
            ),
        ];
        for (what, root) in cases {
            let staged = stage(&WANT, &root);
            assert!(changed_lines(&staged).is_empty(), "{what}");
            assert_eq!(outcome(&WANT, &root), Outcome::NotMet, "{what}");
            assert_eq!(open(&WANT, &root).len(), 1, "{what}: {:?}", open(&WANT, &root));
        }
    }

    #[test]
    fn a_malformed_line_is_told_and_the_rest_is_repaired() {
        let root = bob("*", Some("!"));
        let text = with(PASSWD, "bob:x:", "bob:*:") + "toor::0:0\n";
        let root = root.file("/etc/passwd", text);
        assert_eq!(
            open(&WANT, &root),
            ["/etc/passwd:7: a malformed line: 4 fields instead of 7: line 7 of /etc/passwd \
                 is malformed; correct it by hand"]
        );
        assert_eq!(changed_lines(&stage(&WANT, &root)).len(), 2);
    }

    #[test]
    fn bytes_and_endings_stay() {
        let passwd = b"root:x:0:0::/root:/bin/sh\nb\xfc:*:1000:1000:\xff:/home/b:/bin/sh";
        let root = image()
            .file("/etc/passwd", passwd)
            .file("/etc/shadow", b"root:*:1::::::\nb\xfc:!:1::::::");
        let staged = stage(&WANT, &root);
        let path = ImagePath::parse("/etc/passwd").unwrap();
        assert_eq!(
            &*staged.read_bytes(&path, 1 << 20).unwrap().unwrap(),
            b"root:x:0:0::/root:/bin/sh\nb\xfc:x:1000:1000:\xff:/home/b:/bin/sh"
        );
    }

    #[test]
    fn nothing_to_judge() {
        assert_eq!(outcome(&WANT, &image().without("/etc/passwd")), Outcome::Unknown);
        assert_eq!(outcome(&WANT, &image().file("/etc/passwd", "")), Outcome::MetVacuously);
        let link_loop = image().without("/etc/passwd").link("/etc/passwd", "passwd");
        assert_eq!(outcome(&WANT, &link_loop), Outcome::Unknown);
        let dir = image().without("/etc/passwd").dir("/etc/passwd", 0o755, 0, 0);
        assert_eq!(outcome(&WANT, &dir), Outcome::Unknown);
    }

    #[test]
    fn a_hundred_thousand_accounts_take_one_round() {
        let (mut passwd, mut shadow) = (String::from(PASSWD), String::from(SHADOW));
        for n in 0..100_000 {
            passwd += &format!("u{n}:*:{}:100::/:/bin/false\n", 100_000 + n);
            shadow += &format!("u{n}:{HASH}:1::::::\n");
        }
        let root = image().file("/etc/passwd", passwd).file("/etc/shadow", shadow);
        let Finding::NotMet { gaps, .. } = WANT.audit(&root).unwrap() else { panic!() };
        assert_eq!(gaps.len(), 100_000);
        let changes = gaps.iter().filter_map(|gap| match &gap.fix {
            Fix::Changes(changes) => Some(changes),
            _ => None,
        });
        let mut staged = StagedRootfs::new(&root);
        for change in changes.flat_map(|changes| changes.iter()) {
            staged.stage(change, &[]).unwrap();
        }
        assert_eq!(WANT.audit(&staged).unwrap().outcome(), Outcome::Met);
    }

    #[test]
    fn an_excluded_account_keeps_both_fields() {
        let passwd = with(PASSWD, "bob:x:", "bob::").replace("sync:x:", "sync:*:");
        let root = image()
            .file("/etc/passwd", passwd)
            .file("/etc/shadow", with(SHADOW, "bob:!:", "bob:$6$a:"))
            .excluding(Subject::account(b"bob"));
        assert_eq!(
            changed_lines(&stage(&WANT, &root)),
            ["-sync:*:4:65534:sync:/bin:/bin/sync", "+sync:x:4:65534:sync:/bin:/bin/sync"]
        );
        let left = open(&WANT, &root);
        assert!(left.len() == 1 && left[0].contains("the account bob is protected"), "{left:?}");
    }
}
