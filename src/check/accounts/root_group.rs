//! Root's primary group is group 0.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountFile, Ledger, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::text::accounts::{Edits, GID, Layout, PRIMARY_GID};

/// The line of root in `passwd` names group 0. Files of the former group stay as they are.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootGroup {}

impl Primitive for RootGroup {
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
        let group = AccountFile::read(root, Layout::Group)?;
        let has_group_0 = group
            .as_ref()
            .is_some_and(|g| g.table().entries.iter().any(|entry| entry.number(GID) == 0));
        let mut ledger = Ledger::default();
        let mut edits = Edits::new();
        let mut lines = 0;
        for user in table.entries.iter().filter(|u| u.name() == b"root") {
            lines += 1;
            let gid = user.number(PRIMARY_GID);
            let (found, want) = (messages::group(gid), messages::group(0));
            let evidence = passwd.at(user.line).found(found).want(want);
            let subject = Subject::account(b"root");
            if gid == 0 {
                ledger.note(evidence);
            } else if let Some(exclusion) = audit.excluded(&subject) {
                ledger.open(subject, evidence, exclusion.cause.clone());
            } else if has_group_0 {
                edits.set(user.line, PRIMARY_GID, "0");
                ledger.closable(subject, evidence);
            } else {
                ledger.open(subject, evidence, messages::add_group_0());
            }
        }
        ledger.lines(&passwd, &table, |fault| fault.name == b"root");
        if lines == 0 && !ledger.has_gaps() {
            let (found, want) = (messages::no_root(), messages::want_root_in_group_0());
            let evidence = passwd.whole().found(found).want(want);
            ledger.open(Subject::account(b"root"), evidence, messages::add_root());
        }
        Ok(ledger.finish(&[(&passwd, edits)]))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        GROUP, PASSWD, Run, changed_lines, image, open, outcome, settle_lines, stage, want, with,
    };
    use crate::check::{Outcome, Subject};

    #[test]
    fn root_gets_group_0() {
        let want = want("root_group = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let zeros = with(PASSWD, "root:x:0:0:", "root:x:0:00:");
        assert!(settle_lines(want, &image().file("/etc/passwd", zeros)).is_empty());
        let wrong = with(PASSWD, "root:x:0:0:", "root:x:0:1000:");
        assert_eq!(
            settle_lines(want, &image().file("/etc/passwd", &wrong)),
            ["-root:x:0:1000:root:/root:/bin/bash", "+root:x:0:0:root:/root:/bin/bash"]
        );
        let other = image().file("/etc/passwd", format!("{PASSWD}cut\nroots:x:7:7:::\n"));
        assert!(settle_lines(want, &other).is_empty(), "other lines are not its business");
        let twice = image().file("/etc/passwd", format!("{PASSWD}root:x:0:7::/root:/bin/sh"));
        assert_eq!(settle_lines(want, &twice).len(), 2);
    }

    #[test]
    fn what_is_left() {
        let want = want("root_group = {}");
        let want = want.primitive();
        let wrong = with(PASSWD, "root:x:0:0:", "root:x:0:1000:");
        let root = image().file("/etc/passwd", &wrong);
        let cases = [
            root.clone().file("/etc/group", with(GROUP, "root:x:0:", "wheel:x:10:")),
            root.clone().without("/etc/group"),
            root.without("/etc/passwd").file("/d/p", wrong).link("/etc/passwd", "/d/p"),
            image().file("/etc/passwd", with(PASSWD, "root:", "#root:")),
            image().file("/etc/passwd", with(PASSWD, "root:x:0:0:", "root:x:0:a:")),
            image().file("/etc/passwd", format!("{PASSWD} root:x:0:5::/:/bin/sh\n")),
        ];
        for root in cases {
            assert!(changed_lines(&stage(want, &root)).is_empty());
            assert_eq!(open(want, &root).len(), 1);
        }
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
    }

    #[test]
    fn an_excluded_root_keeps_its_group() {
        let want = want("root_group = {}");
        let want = want.primitive();
        let wrong = || image().file("/etc/passwd", with(PASSWD, "root:x:0:0:", "root:x:0:1000:"));
        let root = wrong().excluding(Subject::account(b"root"));
        assert!(changed_lines(&stage(want, &root)).is_empty());
        assert!(open(want, &root)[0].contains("the account root is protected"));
        let other = wrong().excluding(Subject::account(b"bob"));
        assert_eq!(settle_lines(want, &other).len(), 2);
    }
}
