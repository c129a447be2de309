//! Root alone has user number 0.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountFile, Ledger, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::show_name;
use crate::text::accounts::{Layout, UID};

/// The accounts with number 0 in `passwd` are root and no other. Only ever reported: another name
/// for root may be the only way in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootOnlySuperuser {}

impl Primitive for RootOnlySuperuser {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let table = passwd.table();
        let mut ledger = Ledger::default();
        let mut roots = 0;
        for user in table.entries.iter().filter(|u| u.number(UID) == 0) {
            let account = show_name(user.name());
            let evidence = passwd.at(user.line).found(messages::has_number_0(&account));
            if user.name() == b"root" {
                roots += 1;
                ledger.note(evidence);
            } else {
                ledger.open(
                    Subject::account(user.name()),
                    evidence.want(messages::want_number_0_for_root()),
                    messages::another_root(account),
                );
            }
        }
        if roots == 0 {
            let (found, want) =
                (messages::no_root_with_number_0(), messages::want_root_with_number_0());
            let evidence = passwd.whole().found(found).want(want);
            ledger.open(Subject::account(b"root"), evidence, messages::add_root());
        }
        ledger.lines(&passwd, &table, |_| true);
        Ok(ledger.finish(&[]))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::Outcome;
    use crate::check::accounts::testing::{PASSWD, image, open, outcome, settle_lines, want, with};

    #[test]
    fn another_name_of_root_is_reported() {
        let want = want("root_only_superuser = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let zeros = image().file("/etc/passwd", with(PASSWD, "root:x:0:", "root:x:000:"));
        assert!(settle_lines(want, &zeros).is_empty());
        let nis = image().file("/etc/passwd", format!("{PASSWD}+toor:x:0:0:::\n#a:x:0:0:::\n"));
        assert!(settle_lines(want, &nis).is_empty());
        for line in ["toor:x:0:0::/:/bin/sh", "Root:x:00:0::/:/bin/sh", "toor::0:0", "a:x:+0:0:::"]
        {
            let root = image().file("/etc/passwd", format!("{PASSWD}{line}\n"));
            let open = open(want, &root);
            assert!(open.len() == 1 && open[0].starts_with("/etc/passwd:7"), "{open:?}");
        }
    }

    #[test]
    fn root_must_be_there() {
        let want = want("root_only_superuser = {}");
        let want = want.primitive();
        for text in [String::new(), with(PASSWD, "root:x:0:", "root:x:5:")] {
            assert_eq!(outcome(want, &image().file("/etc/passwd", text)), Outcome::NotMet);
        }
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
    }
}
