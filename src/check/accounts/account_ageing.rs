//! The ageing of the passwords of accounts that exist.
//!
//! Only people's accounts that have a password are changed, and never root's or a protected one.
//! It must stay true that a change neither expires a password nor locks an account on the day of
//! the run or in the week after it: an image that nobody can log in to helps nobody.

use schemars::JsonSchema;
use serde::Deserialize;

use super::clock::{self, Today};
use super::people::{is_person, no_person};
use super::{AccountFile, ByName, Ledger, Lock, UidRange, messages};
use crate::check::data::{self, BadData};
use crate::check::{Audit, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::show_name;
use crate::text::accounts::{
    AccountLine, CHANGED, Days, Edits, INACTIVE, Layout, MAX, MIN, PASSWORD, WARN, days,
};

/// So many days after the run an account must still work.
const GRACE: i64 = 7;

/// Every account with a password has an ageing limit within bounds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountAgeing {
    /// The limit that is judged.
    pub field: Limit,
    /// The smallest value that is right.
    #[schemars(extend("x-unit" = "days"))]
    pub min: u32,
    /// The largest value that is right; without it there is no upper bound.
    #[schemars(extend("x-unit" = "days"))]
    pub max: Option<u32>,
    /// What is written where the value is not right.
    #[schemars(extend("x-unit" = "days"))]
    pub write: u32,
}

/// A limit on the age of a password, in `shadow`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Days before a password may be changed again. One above `max` is never right.
    Min,
    /// Days after which a password must be changed. One below `min` is never right.
    Max,
    /// Days of warning before the password ends.
    Warn,
    /// Days from the end of the password to the lock of the account.
    Inactive,
}

impl Limit {
    fn index(self) -> usize {
        match self {
            Limit::Min => MIN,
            Limit::Max => MAX,
            Limit::Warn => WARN,
            Limit::Inactive => INACTIVE,
        }
    }

    fn word(self) -> Message {
        match self {
            Limit::Min => messages::minimum_age(),
            Limit::Max => messages::maximum_age(),
            Limit::Warn => messages::warning_period(),
            Limit::Inactive => messages::inactivity_period(),
        }
    }
}

impl Primitive for AccountAgeing {
    fn check_data(&self) -> Result<(), BadData> {
        data::within("write", self.write.into(), self.min.into(), self.max.map(i64::from))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        self.audit_on(audit, clock::today())
    }
}

/// A difference in one line, and the edit that would close it.
struct Wrong {
    field: Limit,
    found: Message,
    /// `None`: no value would be right.
    write: Option<u32>,
}

impl AccountAgeing {
    fn audit_on(&self, audit: &Audit<'_>, today: Today) -> Result<Finding> {
        let root = audit.root();
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let shadow = AccountFile::require(root, Layout::Shadow)?;
        let (users, secrets) = (passwd.table(), shadow.table());
        let (names, secret_names) = (ByName::new(&users), ByName::new(&secrets));
        let range = UidRange::read(root)?;
        let border = range.require().map_err(|e| no_person(&e));
        let doubt = clock::doubt(root, today);
        let mut ledger = Ledger::default();
        let mut edits = Edits::new();
        let mut judged = 0;
        let with_password =
            secrets.entries.iter().filter(|s| Lock::of(s.field(PASSWORD)) == Lock::Password);
        for secret in with_password {
            let name = secret.name();
            let wrong = self.wrong(secret);
            let shown = show_name(name);
            let evidence = |found: Message| shadow.at(secret.line).found(found).want(self.want());
            if name == b"root" {
                let found = wrong.map_or_else(|| self.show(secret), |w| w.found);
                ledger.note(evidence(found).note(messages::root_is_not_aged()));
                continue;
            }
            judged += 1;
            let Some(wrong) = wrong else {
                ledger.holds(|| evidence(self.show(secret)));
                continue;
            };
            let user = names.first(name);
            let subject = Subject::account(name);
            let edit = if let Some(exclusion) = audit.excluded(&subject) {
                Err(exclusion.cause.clone())
            } else if names.is_ambiguous(name) || secret_names.is_ambiguous(name) {
                Err(messages::ambiguous(&shown))
            } else if let Err(why) = &border {
                Err(why.clone())
            } else if !user.is_some_and(|u| is_person(&u, &range)) {
                Err(messages::not_aged(&shown))
            } else if let Some(why) = &doubt {
                Err(why.clone())
            } else {
                match wrong.write {
                    None => Err(messages::no_room(&shown)),
                    Some(write) => {
                        wrong.would_lock_out(secret, write, today).map_or(Ok(write), Err)
                    }
                }
            };
            match edit {
                Err(why) => ledger.open(subject, evidence(wrong.found), why),
                Ok(write) => {
                    edits.set(secret.line, wrong.field.index(), write.to_string());
                    ledger.closable(subject, evidence(wrong.found));
                }
            }
        }
        ledger.lines(&shadow, &secrets, |_| true);
        ledger.lines(&passwd, &users, |_| true);
        if judged == 0 && !ledger.has_gaps() {
            let mut evidence = vec![shadow.whole().note(messages::no_password_but_roots())];
            if let Finding::Met(notes) = ledger.finish(&[]) {
                evidence.extend(notes);
            }
            return Ok(Finding::MetVacuously(evidence));
        }
        Ok(ledger.finish(&[(&shadow, edits)]))
    }

    fn want(&self) -> Message {
        match self.max {
            Some(max) => messages::want_days_between(self.field.word(), self.min, max),
            None => messages::want_days_at_least(self.field.word(), self.min),
        }
    }

    fn show(&self, secret: &AccountLine<'_>) -> Message {
        let (word, account) = (self.field.word(), show_name(secret.name()));
        match days(secret.field(self.field.index())) {
            Days::Unset => messages::limit_unset(word, account),
            Days::Set(days) => messages::limit_set(word, days, account),
            // What is there may have slipped in from the password field: not shown.
            Days::Invalid => messages::limit_invalid(word, account),
        }
    }

    /// What is wrong in a line.
    fn wrong(&self, secret: &AccountLine<'_>) -> Option<Wrong> {
        let is_right = |value: i64| {
            value >= i64::from(self.min) && self.max.is_none_or(|max| value <= i64::from(max))
        };
        let own_max = match days(secret.field(MAX)) {
            Days::Set(max) if max >= 1 => max,
            _ => i64::MAX,
        };
        let value = days(secret.field(self.field.index()));
        if !matches!(value, Days::Set(value) if is_right(value)) {
            let write = match self.field {
                Limit::Min => [self.write, self.min].into_iter().find(|w| i64::from(*w) <= own_max),
                Limit::Max | Limit::Warn | Limit::Inactive => Some(self.write),
            };
            return Some(Wrong { field: self.field, found: self.show(secret), write });
        }
        // A password that may be changed only after it had to be can never be changed.
        let least = match self.field {
            Limit::Min => self.min.max(1),
            Limit::Max => 1,
            Limit::Warn | Limit::Inactive => return None,
        };
        match days(secret.field(MIN)) {
            Days::Set(min) if min > own_max => Some(Wrong {
                field: Limit::Min,
                found: messages::minimum_above_maximum(min, own_max, show_name(secret.name())),
                write: Some(least).filter(|w| i64::from(*w) <= own_max),
            }),
            _ => None,
        }
    }
}

impl Wrong {
    /// Why the edit would keep somebody out, now or within days.
    fn would_lock_out(
        &self,
        secret: &AccountLine<'_>,
        write: u32,
        today: Today,
    ) -> Option<Message> {
        let account = || show_name(secret.name());
        let day = |index| match days(secret.field(index)) {
            Days::Set(days) => Some(days),
            Days::Unset | Days::Invalid => None,
        };
        let write = i64::from(write);
        // Without a date, readers count from before the first day there is.
        let changed = day(CHANGED).unwrap_or(-1);
        let last_good_day = match self.field {
            Limit::Min | Limit::Warn => return None,
            Limit::Max if changed <= 0 => {
                return Some(messages::would_expire_at_once(account()));
            }
            Limit::Max => changed + write,
            // Without a maximum age nothing ever becomes inactive.
            Limit::Inactive => changed + day(MAX)? + write,
        };
        (last_good_day < today.latest + GRACE).then(|| messages::would_lock_out(account()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::accounts::testing::{
        PASSWD, SHADOW, changed_lines, image, open, outcome, settle_lines, stage, try_want, want,
        with,
    };
    use crate::check::testing::Run;
    use crate::check::{Check, Outcome};
    use crate::rootfs::MemoryRootfs;
    use crate::rootfs::Rootfs;

    const TODAY: i64 = 20_000;
    const MIN: &str = "account_ageing = { field = \"min\", min = 1, write = 1 }";
    const MAX: &str = "account_ageing = { field = \"max\", min = 1, max = 365, write = 365 }";
    const WARN: &str = "account_ageing = { field = \"warn\", min = 7, write = 7 }";
    const INACTIVE: &str =
        "account_ageing = { field = \"inactive\", min = 0, max = 30, write = 30 }";

    /// The want on a known day.
    struct On(AccountAgeing, i64);

    impl Primitive for On {
        fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
            self.0.audit_on(audit, Today::on(self.1))
        }
    }

    fn on(words: &str, day: i64) -> On {
        match want(words) {
            Check::AccountAgeing(want) => On(want, day),
            other => panic!("{other:?}"),
        }
    }

    /// The image where bob has a password, changed on `changed`, and these four limits.
    fn bob(changed: &str, limits: &str) -> MemoryRootfs {
        let line = format!("bob:$6$a$b:{changed}:{limits}::\n");
        image().file("/etc/shadow", with(SHADOW, "bob:!:18000:0:99999:7:::\n", &line))
    }

    fn limits(words: &str, changed_day: i64, limits: &str) -> Option<String> {
        let want = on(words, TODAY);
        let root = bob(&changed_day.to_string(), limits);
        let staged = stage(&want, &root);
        match changed_lines(&staged).last() {
            Some(line) => {
                let start = format!("+bob:$6$a$b:{changed_day}:");
                Some(line.strip_prefix(&start)?.strip_suffix("::")?.to_owned())
            }
            None if outcome(&want, &root) == Outcome::Met => Some("met".into()),
            None => None,
        }
    }

    #[test]
    fn only_the_field_that_is_out_of_bounds_is_written() {
        let met = Some("met");
        let cases: &[(&str, &str, Option<&str>)] = &[
            (MIN, "0:99999:7:", Some("1:99999:7:")),
            (MIN, "::7:", Some("1::7:")),
            (MIN, "1:99999:7:", met),
            (MIN, "7:90:7:", met),
            (MIN, "abc:90:7:", Some("1:90:7:")),
            (MIN, "99:90:7:", Some("1:90:7:")),
            (MAX, "0:99999:7:", Some("0:365:7:")),
            (MAX, "0::7:", Some("0:365:7:")),
            (MAX, "0:-1:7:", Some("0:365:7:")),
            (MAX, "0:366:7:", Some("0:365:7:")),
            (MAX, "0:0:7:", Some("0:365:7:")),
            (MAX, "0:90:7:", met),
            (MAX, "99:90:7:", Some("1:90:7:")),
            (MAX, "400:99999:7:", Some("1:365:7:")),
            (WARN, "0:99999:6:", Some("0:99999:7:")),
            (WARN, "0:99999::", Some("0:99999:7:")),
            (WARN, "0:99999:14:", met),
            (INACTIVE, "0:99999:7:", Some("0:99999:7:30")),
            (INACTIVE, "0:365:7:31", Some("0:365:7:30")),
            (INACTIVE, "0:365:7:0", met),
            (INACTIVE, "0:365:7:30", met),
            (INACTIVE, "0::7:-1", Some("0::7:30")),
        ];
        for (words, old, new) in cases {
            assert_eq!(limits(words, TODAY - 10, old).as_deref(), *new, "{words} {old}");
        }
    }

    #[test]
    fn nobody_is_kept_out_within_a_week() {
        // A maximum of 365: good until the 365th day, which must be at least a week away.
        assert_eq!(limits(MAX, TODAY - 358, "0:99999:7:").as_deref(), Some("0:365:7:"));
        assert_eq!(limits(MAX, TODAY - 359, "0:99999:7:"), None);
        assert_eq!(limits(MAX, TODAY - 5000, "0:99999:7:"), None);
        assert_eq!(limits(MAX, 0, "0:99999:7:"), None, "a change was asked for");
        assert_eq!(limits(MAX, TODAY + 1, "0:99999:7:").as_deref(), Some("0:365:7:"));
        // The lock comes 30 days after the maximum age that the account has.
        assert_eq!(limits(INACTIVE, TODAY - 113, "0:90:7:").as_deref(), Some("0:90:7:30"));
        assert_eq!(limits(INACTIVE, TODAY - 114, "0:90:7:"), None);
        assert_eq!(limits(INACTIVE, TODAY - 5000, "0::7:").as_deref(), Some("0::7:30"));
        assert_eq!(limits(INACTIVE, 0, "0:90:7:"), None);
        let want = on(MAX, TODAY);
        for unknown in ["", "-1", "soon"] {
            let root = bob(unknown, "0:99999:7:");
            assert!(changed_lines(&stage(&want, &root)).is_empty(), "{unknown}");
            assert_eq!(outcome(&want, &root), Outcome::NotMet);
        }
        // Neither of these keeps anybody out.
        assert_eq!(limits(MIN, 1, "0:90:7:").as_deref(), Some("1:90:7:"));
        assert_eq!(limits(WARN, 1, "0:90:0:").as_deref(), Some("0:90:7:"));
    }

    #[test]
    fn nothing_is_written_by_a_clock_that_is_behind_the_tree() {
        for words in [MIN, MAX, WARN, INACTIVE] {
            let want = on(words, TODAY);
            let root = bob(&(TODAY + 5).to_string(), "0:99999:0:");
            assert!(stage(&want, &root).changes().unwrap().is_empty(), "{words}");
            let gaps = open(&want, &root).join("\n");
            assert!(gaps.contains("the clock says 2024-10-04, but /etc/shadow"), "{gaps}");
            let holds = bob(&(TODAY + 5).to_string(), "1:365:7:30");
            assert_eq!(outcome(&want, &holds), Outcome::Met, "{words}: no clock is needed");
        }
    }

    #[test]
    fn a_minimum_that_leaves_no_room_is_not_written() {
        let week = "account_ageing = { field = \"min\", min = 7, write = 9 }";
        assert_eq!(limits(week, TODAY, "0:90:7:").as_deref(), Some("9:90:7:"));
        assert_eq!(limits(week, TODAY, "0:8:7:").as_deref(), Some("7:8:7:"));
        assert_eq!(limits(week, TODAY, "0:5:7:"), None);
        assert_eq!(limits(week, TODAY, "99:90:7:").as_deref(), Some("7:90:7:"));
        assert_eq!(limits(week, TODAY, "99:5:7:"), None);
    }

    #[test]
    fn only_people_with_passwords_are_aged() {
        let want = on(MAX, TODAY);
        let no_password = image();
        assert_eq!(outcome(&want, &no_password), Outcome::MetVacuously);
        for locked in ["!$6$a$b", "*LOCK*", ""] {
            let line = format!("bob:{locked}:18000:0:99999:7:::\n");
            let text = with(SHADOW, "bob:!:18000:0:99999:7:::\n", &line);
            let root = image().file("/etc/shadow", text);
            assert_eq!(outcome(&want, &root), Outcome::MetVacuously, "{locked}");
        }
        let root_has_one = image().file("/etc/shadow", with(SHADOW, "root:*:", "root:$6$a$b:"));
        assert_eq!(outcome(&want, &root_has_one), Outcome::MetVacuously);
        let finding = format!("{:?}", want.audit(&root_has_one).unwrap());
        assert!(finding.contains("root is not aged"), "{finding}");
        let recent = |text: &str| text.replace("18000", "19990");
        let cases = [
            ("daemon", recent(&with(SHADOW, "daemon:*:", "daemon:$6$a$b:")), PASSWD.to_owned()),
            ("nobody", recent(&with(SHADOW, "nobody:*:", "nobody:$6$a$b:")), PASSWD.to_owned()),
            ("gone", format!("{SHADOW}gone:$6$a$b:19990:0:99999:7:::\n"), PASSWD.to_owned()),
            (
                "alias of root",
                format!("{SHADOW}toor:$6$a$b:19990:0:99999:7:::\n"),
                format!("{PASSWD}toor:x:0:0::/root:/bin/sh\n"),
            ),
            (
                "two lines",
                recent(&with(SHADOW, "bob:!:", "bob:$6$a$b:")),
                format!("{PASSWD}bob:x:1001:1001::/home/b:/bin/sh\n"),
            ),
        ];
        for (what, shadow, passwd) in cases {
            let root = image().file("/etc/shadow", shadow).file("/etc/passwd", passwd);
            assert!(changed_lines(&stage(&want, &root)).is_empty(), "{what}");
            assert_eq!(open(&want, &root).len(), 1, "{what}");
        }
        let protected = bob("19990", "0:99999:7:").protecting("bob");
        assert!(changed_lines(&stage(&want, &protected)).is_empty());
        assert_eq!(outcome(&want, &protected), Outcome::NotMet);
    }

    #[test]
    fn nobody_is_aged_where_the_border_is_nonsense() {
        let want = on(MAX, TODAY);
        for defs in ["UID_MIN 65000\n", "UID_MAX 10\n"] {
            let root = bob("19990", "0:99999:7:").file("/etc/login.defs", defs);
            assert!(changed_lines(&stage(&want, &root)).is_empty(), "{defs}");
            let told = open(&want, &root);
            assert!(told[0].contains("/etc/login.defs:1: found UID_MIN"), "{told:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_judged() {
        let want = on(MAX, TODAY);
        assert_eq!(outcome(&want, &image().without("/etc/shadow")), Outcome::Unknown);
        assert_eq!(outcome(&want, &image().without("/etc/passwd")), Outcome::Unknown);
        let cut = image().file("/etc/shadow", format!("{SHADOW}eve:$6$a$b:1\n"));
        assert_eq!(
            open(&want, &cut),
            ["/etc/shadow:7: a malformed line: 3 fields instead of 9: line 7 of /etc/shadow \
                 is malformed; correct it by hand"]
        );
        let empty = image().file("/etc/shadow", "");
        assert_eq!(outcome(&want, &empty), Outcome::MetVacuously);
    }

    #[test]
    fn all_four_settle_together_and_leave_the_rest_alone() {
        let root = bob("19990", "400:99999:0:99");
        let mut image = root.clone();
        for words in [MIN, MAX, WARN, INACTIVE, MIN, MAX] {
            let want = on(words, TODAY);
            let staged = stage(&want, &image);
            let path = crate::rootfs::ImagePath::parse("/etc/shadow").unwrap();
            let text = staged.read(&path).unwrap().unwrap();
            image = image.clone().file("/etc/shadow", text);
        }
        for words in [MIN, MAX, WARN, INACTIVE] {
            assert!(settle_lines(&on(words, TODAY), &image).is_empty());
        }
        let path = crate::rootfs::ImagePath::parse("/etc/shadow").unwrap();
        let text = image.read(&path).unwrap().unwrap();
        assert!(text.ends_with("bob:$6$a$b:19990:1:365:7:30::\n"), "{text}");
        assert!(text.starts_with("root:*:18000:0:99999:7:::\ndaemon:*:18000:0:99999:7:::\n"));
    }

    #[test]
    fn a_value_that_would_never_do_is_a_mistake_in_the_profile() {
        let words = "account_ageing = { field = \"max\", min = 1, max = 365, write = 400 }";
        assert!(try_want(words).unwrap_err().contains("`write`: found 400, want `min` to `max`, "));
        assert!(try_want("account_ageing = { field = \"max\", min = 1, writ = 4 }").is_err());
        assert!(try_want("account_ageing = { field = \"expire\", min = 1, write = 4 }").is_err());
    }

    #[test]
    fn an_excluded_account_keeps_its_limits() {
        let shadow = with(SHADOW, "bob:!:18000:", "bob:$6$a$b:19990:");
        let root = image()
            .file("/etc/passwd", format!("{PASSWD}eve:x:1001:1001::/home/eve:/bin/sh\n"))
            .file("/etc/shadow", format!("{shadow}eve:$6$a$b:19990:0:99999:7:::\n"))
            .excluding(Subject::account(b"bob"));
        let want = on(MAX, TODAY);
        assert_eq!(
            changed_lines(&stage(&want, &root)),
            ["-eve:$6$a$b:19990:0:99999:7:::", "+eve:$6$a$b:19990:0:365:7:::"]
        );
        let left = open(&want, &root);
        assert!(left.len() == 1 && left[0].contains("the account bob is protected"), "{left:?}");
    }
}
