//! Every user's primary group exists.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountFile, Ledger, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::show_name;
use crate::text::accounts::{GID, Layout, PRIMARY_GID};

/// Every primary group in `passwd` is a group in `group`. Only ever reported: a group that is made
/// up, or a user who is moved, guesses at what was meant.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrimaryGroups {}

impl Primitive for PrimaryGroups {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let group = AccountFile::require(root, Layout::Group)?;
        let (users, groups) = (passwd.table(), group.table());
        let known: HashSet<u32> = groups.entries.iter().map(|g| g.number(GID)).collect();
        let mut ledger = Ledger::default();
        for user in &users.entries {
            let gid = user.number(PRIMARY_GID);
            if !known.contains(&gid) {
                let account = show_name(user.name());
                let evidence = passwd
                    .at(user.line)
                    .found(messages::missing_group(gid, &account))
                    .want(messages::want_group());
                let subject = Subject::account(user.name());
                ledger.open(subject, evidence, messages::add_group(gid, account));
            }
        }
        ledger.lines(&passwd, &users, |_| true);
        ledger.lines(&group, &groups, |_| true);
        let count = users.entries.len();
        if count == 0 && !ledger.has_gaps() {
            return Ok(Finding::MetVacuously(vec![
                passwd.whole().note(messages::no_account_line()),
            ]));
        }
        if !ledger.has_gaps() {
            ledger.note(passwd.whole().found(messages::all_groups_exist(count)));
        }
        Ok(ledger.finish(&[]))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::Outcome;
    use crate::check::accounts::testing::{
        GROUP, PASSWD, image, open, outcome, settle_lines, try_want, want, with,
    };

    #[test]
    fn a_group_that_is_nowhere_is_reported() {
        let want = want("primary_groups = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let zeros = image().file("/etc/group", with(GROUP, "bob:x:1000:", "people:x:01000:a,b"));
        assert!(settle_lines(want, &zeros).is_empty(), "numbers are compared as numbers");
        for (text, line) in [
            (with(GROUP, "bob:x:1000:", "bob:x:100:"), "/etc/passwd:6"),
            (with(GROUP, "bob:x:1000:", "#bob:x:1000:"), "/etc/passwd:6"),
            (with(GROUP, "bob:x:1000:", "+bob:x:1000:"), "/etc/passwd:6"),
        ] {
            let open = open(want, &image().file("/etc/group", text));
            assert!(open.len() == 1 && open[0].starts_with(line), "{open:?}");
        }
        let cut = image().file("/etc/group", with(GROUP, "bob:x:1000:", "bob:x:1000"));
        assert_eq!(open(want, &cut).len(), 2, "the user and the malformed line");
        let cut = image().file("/etc/passwd", format!("{PASSWD}toor::0:0\n"));
        assert_eq!(open(want, &cut).len(), 1);
    }

    #[test]
    fn nothing_to_judge() {
        let want = want("primary_groups = {}");
        let want = want.primitive();
        assert_eq!(outcome(want, &image().file("/etc/passwd", "")), Outcome::MetVacuously);
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
        assert_eq!(outcome(want, &image().without("/etc/group")), Outcome::Unknown);
        assert!(try_want("primary_groups = { exist = true }").is_err());
    }
}
