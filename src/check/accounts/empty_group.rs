//! A group has no members.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountFile, Ledger, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::show_name;
use crate::text::accounts::{
    ADMINISTRATORS, AccountLine, Edits, GID, Layout, MEMBERS, PRIMARY_GID, members,
};

/// Nobody is in the group: no member or administrator in `group` and `gshadow`, and no user whose
/// primary group it is. Members are taken out; a primary group is only reported.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmptyGroup {
    /// The group's name.
    pub name: String,
}

impl Primitive for EmptyGroup {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let name = self.name.as_bytes();
        let group = AccountFile::require(root, Layout::Group)?;
        let gshadow = AccountFile::read(root, Layout::Gshadow)?;
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let (groups, users) = (group.table(), passwd.table());
        let mut ledger = Ledger::default();
        let mut edits = [Edits::new(), Edits::new()];
        let mut gids = HashSet::new();
        for entry in groups.entries.iter().filter(|g| g.name() == name) {
            gids.insert(entry.number(GID));
            let clean = empty(audit, &group, entry, Role::Member, &mut edits[0], &mut ledger);
            if clean {
                let (found, want) = (messages::no_members(), messages::no_members());
                ledger.note(group.at(entry.line).found(found).want(want));
            }
        }
        let secrets = gshadow.as_ref().map(AccountFile::table);
        if let (Some(file), Some(table)) = (&gshadow, &secrets) {
            for entry in table.entries.iter().filter(|g| g.name() == name) {
                for role in [Role::Administrator, Role::Member] {
                    empty(audit, file, entry, role, &mut edits[1], &mut ledger);
                }
            }
            ledger.lines(file, table, |fault| fault.name == name);
        }
        for user in users.entries.iter().filter(|u| gids.contains(&u.number(PRIMARY_GID))) {
            let account = show_name(user.name());
            let evidence = passwd
                .at(user.line)
                .found(messages::is_primary_group(&self.name, &account))
                .want(messages::want_nobody_in(&self.name));
            let subject = Subject::account(user.name());
            ledger.open(subject, evidence, messages::change_primary_group(account));
        }
        ledger.lines(&group, &groups, |fault| fault.name == name);
        ledger.lines(&passwd, &users, |_| true);
        if gids.is_empty() && !ledger.has_gaps() {
            let note = messages::no_group(&self.name);
            return Ok(Finding::MetVacuously(vec![group.whole().note(note)]));
        }
        let [in_group, in_gshadow] = edits;
        let mut files = vec![(&group, in_group)];
        files.extend(gshadow.as_ref().map(|file| (file, in_gshadow)));
        Ok(ledger.finish(&files))
    }
}

/// What an account is in a group.
#[derive(Clone, Copy)]
enum Role {
    Member,
    Administrator,
}

impl Role {
    fn field(self) -> usize {
        match self {
            Role::Member => MEMBERS,
            Role::Administrator => ADMINISTRATORS,
        }
    }

    fn of(self, account: String) -> Message {
        match self {
            Role::Member => messages::member(account),
            Role::Administrator => messages::administrator(account),
        }
    }

    fn nobody(self) -> Message {
        match self {
            Role::Member => messages::no_members(),
            Role::Administrator => messages::no_administrators(),
        }
    }
}

/// Takes everybody out of a list but those who are protected. Says whether it was empty.
fn empty(
    audit: &Audit<'_>,
    file: &AccountFile,
    entry: &AccountLine<'_>,
    role: Role,
    edits: &mut Edits,
    ledger: &mut Ledger,
) -> bool {
    let (mut kept, mut all) = (Vec::new(), 0);
    for member in members(entry.field(role.field())) {
        all += 1;
        let subject = Subject::account(member);
        let found = role.of(show_name(member));
        let evidence = file.at(entry.line).found(found).want(role.nobody());
        match audit.excluded(&subject) {
            Some(exclusion) => {
                kept.push(member);
                ledger.open(subject, evidence, exclusion.cause.clone());
            }
            None => ledger.closable(subject, evidence),
        }
    }
    if all > kept.len() {
        edits.set(entry.line, role.field(), kept.join(&b','));
    }
    all == 0
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        GROUP, GSHADOW, PASSWD, changed_lines, image, open, outcome, settle_lines, stage, want,
        with,
    };
    use crate::check::testing::Run;
    use crate::check::{Check, Outcome, Subject};

    fn shadow() -> Check {
        want("empty_group = { name = \"shadow\" }")
    }

    #[test]
    fn members_are_taken_out_of_both_files() {
        let want = shadow();
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let group = with(GROUP, "shadow:x:42:", "shadow:x:42:bob,daemon");
        let gshadow = with(GSHADOW, "shadow:*::", "shadow:*:bob:daemon");
        assert_eq!(
            settle_lines(want, &image().file("/etc/group", &group).file("/etc/gshadow", &gshadow)),
            ["-shadow:x:42:bob,daemon", "+shadow:x:42:", "-shadow:*:bob:daemon", "+shadow:*::"]
        );
        let no_gshadow = image().file("/etc/group", &group).without("/etc/gshadow");
        assert_eq!(settle_lines(want, &no_gshadow).len(), 2);
        let only_gshadow = image().file("/etc/gshadow", &gshadow);
        assert_eq!(settle_lines(want, &only_gshadow), ["-shadow:*:bob:daemon", "+shadow:*::"]);
        let odd = image().file("/etc/group", with(GROUP, "shadow:x:42:", "shadow:x:42: ,"));
        assert!(settle_lines(want, &odd).is_empty(), "nobody is in it");
        let others =
            image().file("/etc/group", format!("{GROUP}shadows:x:43:bob\n+shadow:x::bob\n"));
        assert!(settle_lines(want, &others).is_empty());
        let bare = image().file("/etc/group", "root:x:0:\nbob:x:1000:\nshadow:x:42:bob");
        assert_eq!(settle_lines(want, &bare).last().unwrap(), "+shadow:x:42:");
    }

    #[test]
    fn what_is_left() {
        let want = shadow();
        let want = want.primitive();
        let primary =
            image().file("/etc/passwd", with(PASSWD, "bob:x:1000:1000:", "bob:x:1000:42:"));
        assert_eq!(open(want, &primary).len(), 1);
        assert!(changed_lines(&stage(want, &primary)).is_empty());
        let members = with(GROUP, "shadow:x:42:", "shadow:x:42:bob,eve");
        let protected = image().file("/etc/group", &members).protecting("bob");
        assert_eq!(open(want, &protected).len(), 1);
        assert_eq!(
            changed_lines(&stage(want, &protected)),
            ["-shadow:x:42:bob,eve", "+shadow:x:42:bob"]
        );
        let cut = image().file("/etc/group", with(GROUP, "shadow:x:42:", "shadow:x:42"));
        assert_eq!(outcome(want, &cut), Outcome::NotMet);
        let linked = image().without("/etc/group").file("/d/g", members).link("/etc/group", "/d/g");
        assert_eq!(open(want, &linked).len(), 2, "one gap for each member");
    }

    #[test]
    fn nothing_to_judge() {
        let want = shadow();
        let want = want.primitive();
        let none = image().file("/etc/group", with(GROUP, "shadow:x:42:\n", ""));
        assert_eq!(outcome(want, &none), Outcome::MetVacuously);
        assert_eq!(outcome(want, &image().without("/etc/group")), Outcome::Unknown);
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
    }

    #[test]
    fn an_excluded_account_stays_in_both_files() {
        let want = shadow();
        let root = image()
            .file("/etc/group", with(GROUP, "shadow:x:42:", "shadow:x:42:bob,eve"))
            .file("/etc/gshadow", with(GSHADOW, "shadow:*::", "shadow:*:eve,bob:bob"))
            .excluding(Subject::account(b"bob"));
        assert_eq!(
            changed_lines(&stage(want.primitive(), &root)),
            [
                "-shadow:x:42:bob,eve",
                "+shadow:x:42:bob",
                "-shadow:*:eve,bob:bob",
                "+shadow:*:bob:bob"
            ]
        );
        assert_eq!(open(want.primitive(), &root).len(), 3);
    }
}
