//! No two lines of `passwd` or `group` share a name or a number.
//!
//! Which of two lines is the right one, nobody but the owner of the image can say: this is only
//! ever reported.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountFile, Ledger, messages};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::{Arg, Message};
use crate::rootfs::show_name;
use crate::text::accounts::{AccountLine, GID, Layout, UID};

/// Every value of a field occurs once.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountUnique {
    /// The field whose values must differ.
    pub field: UniqueField,
}

/// A field that tells accounts or groups apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UniqueField {
    /// Users' numbers in `passwd`.
    Uid,
    /// Groups' numbers in `group`.
    Gid,
    /// Users' names in `passwd`.
    UserName,
    /// Groups' names in `group`.
    GroupName,
}

/// Numbers are compared as numbers: `0` and `00` are one.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Name(&'a [u8]),
    Number(u32),
}

impl UniqueField {
    fn layout(self) -> Layout {
        match self {
            UniqueField::Uid | UniqueField::UserName => Layout::Passwd,
            UniqueField::Gid | UniqueField::GroupName => Layout::Group,
        }
    }

    fn word(self) -> Message {
        match self {
            UniqueField::Uid => messages::user_number(),
            UniqueField::Gid => messages::group_number(),
            UniqueField::UserName => messages::user_name(),
            UniqueField::GroupName => messages::group_name(),
        }
    }

    fn key<'a>(self, entry: &AccountLine<'a>) -> Key<'a> {
        match self {
            UniqueField::Uid => Key::Number(entry.number(UID)),
            UniqueField::Gid => Key::Number(entry.number(GID)),
            UniqueField::UserName | UniqueField::GroupName => Key::Name(entry.name()),
        }
    }
}

impl Primitive for AccountUnique {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let file = AccountFile::require(root, self.field.layout())?;
        let table = file.table();
        let mut ledger = Ledger::default();
        let mut first: HashMap<Key<'_>, &AccountLine<'_>> =
            HashMap::with_capacity(table.entries.len());
        // Shared by what is said of each line, of which there may be a hundred thousand.
        let word = Arg::from(self.field.word());
        let path = Arg::from(&file.path);
        let want = messages::want_once(word.clone());
        for entry in &table.entries {
            let earlier = *first.entry(self.field.key(entry)).or_insert(entry);
            if earlier.line == entry.line {
                continue;
            }
            let name = show_name(entry.name());
            let found = match self.field.key(entry) {
                Key::Number(number) => {
                    let other = show_name(earlier.name());
                    messages::same_number(word.clone(), number, name, other, earlier.line)
                }
                Key::Name(_) => messages::same_name(word.clone(), name, earlier.line),
            };
            let subject = match self.field.layout() {
                Layout::Group => Subject::group(entry.name()),
                _ => Subject::account(entry.name()),
            };
            ledger.open(
                subject,
                file.at(entry.line).found(found).want(want.clone()),
                messages::decide_line(word.clone(), path.clone(), earlier.line, entry.line),
            );
        }
        ledger.lines(&file, &table, |_| true);
        let count = table.entries.len();
        if count == 0 && !ledger.has_gaps() {
            let note = match self.field.layout() {
                Layout::Group => messages::no_group_line(),
                _ => messages::no_account_line(),
            };
            return Ok(Finding::MetVacuously(vec![file.whole().note(note)]));
        }
        if !ledger.has_gaps() {
            ledger.note(file.whole().found(messages::all_differ(count, word)));
        }
        Ok(ledger.finish(&[]))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::Outcome;
    use crate::check::accounts::testing::{
        GROUP, PASSWD, image, open, outcome, settle_lines, try_want, want,
    };

    const FIELDS: [&str; 4] = ["uid", "gid", "user_name", "group_name"];

    fn unique(field: &str) -> crate::check::Check {
        want(&format!("account_unique = {{ field = \"{field}\" }}"))
    }

    #[test]
    fn numbers_and_names_that_occur_twice() {
        let user = |line: &str| image().file("/etc/passwd", format!("{PASSWD}{line}"));
        let group = |line: &str| image().file("/etc/group", format!("{GROUP}{line}"));
        let all = "";
        let cases = [
            (image(), all),
            (user("\n# bob:x:1000:1:::\n+bob::::::\n-bob::::::\n+::::::\n"), all),
            (user("eve:x:1001:1000::/:/bin/sh"), all),
            (user("Bob:x:1001:1000::/:/bin/sh"), all),
            (user("bo:x:10000:1000::/:/bin/sh"), all),
            (user("eve:x:1000:1000::/:/bin/sh"), "uid"),
            (user("toor:x:0000:0::/:/bin/sh"), "uid"),
            (user("bob:x:1001:1000::/:/bin/sh"), "user_name"),
            (group("+bob:::\n# bob:x:1000:\n"), all),
            (group("eve:x:01000:"), "gid"),
            (group("bob:x:1001:"), "group_name"),
        ];
        for (root, wrong) in cases {
            for field in FIELDS {
                let want = unique(field);
                let want = want.primitive();
                if field == wrong {
                    let open = open(want, &root);
                    assert_eq!(open.len(), 1, "{field}");
                    assert!(open[0].contains("on line"), "{open:?}");
                } else {
                    assert!(settle_lines(want, &root).is_empty(), "{field}, {wrong} is wrong");
                }
            }
        }
    }

    #[test]
    fn the_evidence_names_both_lines() {
        let root = image().file("/etc/passwd", format!("{PASSWD}eve:x:01000:1000::/:/bin/sh"));
        assert_eq!(
            open(unique("uid").primitive(), &root),
            [
                "/etc/passwd:7: user number 1000 of eve, which is also that of bob on line 6: decide \
              which of the lines 6 and 7 of /etc/passwd keeps its user number, and change or remove \
              the other"
            ]
        );
    }

    #[test]
    fn malformed_lines_do_not_pass_in_silence() {
        for line in ["toor::0:0", " bob:x:1:1:::", "eve:x:-1:1:::", "eve:x:1001:1::/:/bin/sh\r"] {
            let root = image().file("/etc/passwd", format!("{PASSWD}{line}\n"));
            let open = open(unique("uid").primitive(), &root);
            assert!(
                open.len() == 1 && open[0].starts_with("/etc/passwd:7: a malformed"),
                "{open:?}"
            );
            assert_eq!(outcome(unique("gid").primitive(), &root), Outcome::Met, "another file");
        }
        let many = image().file("/etc/passwd", "x\n".repeat(1000));
        let open = open(unique("uid").primitive(), &many);
        assert!(open.len() == 21 && open[20].contains("980 more malformed lines"), "{open:?}");
    }

    #[test]
    fn nothing_to_judge() {
        for field in FIELDS {
            let want = unique(field);
            let none = image().file("/etc/passwd", "\n").file("/etc/group", "# none");
            assert_eq!(outcome(want.primitive(), &none), Outcome::MetVacuously);
            let gone = image().without("/etc/passwd").without("/etc/group");
            assert_eq!(outcome(want.primitive(), &gone), Outcome::Unknown);
        }
        assert!(try_want("account_unique = { field = \"shell\" }").is_err());
        assert!(try_want("account_unique = {}").is_err());
    }
}
