use super::*;
use crate::check::accounts::testing::{
    PASSWD, SHADOW, changed_lines, image, open, outcome, settle_lines, stage, try_want, want, with,
};
use crate::check::order::{self, Looser};
use crate::check::testing::Run;
use crate::check::{Check, Outcome};
use crate::rootfs::MemoryRootfs;
use crate::rootfs::Rootfs;

const TODAY: i64 = 20_000;
const MIN: &str = "account_ageing = { field = \"min\", min = 1, write = 1 }";
const MAX: &str = "account_ageing = { field = \"max\", min = 1, max = 365, write = 365 }";
const WARN: &str = "account_ageing = { field = \"warn\", min = 7, write = 7 }";
const INACTIVE: &str = "account_ageing = { field = \"inactive\", min = 0, max = 30, write = 30 }";

/// The want on a known day.
struct On(AccountAgeing, i64);

impl Primitive for On {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

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
