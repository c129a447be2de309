//! The home of every account that may log in is its own.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Home, Scope, State, Survey, judge, messages};
use crate::check::accounts::Ledger;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath};

/// The home directory of every account with a login shell is owned by that account. One that is
/// another account's stays: only what is root's, or no account's, is given.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeOwner {
    /// Only homes below these directories are given to their accounts.
    #[serde(default = "bases")]
    pub below: Vec<ImagePath>,
}

/// Where homes are by default.
pub(super) fn bases() -> Vec<ImagePath> {
    ImagePath::parse("/home").into_iter().collect()
}

impl Primitive for HomeOwner {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit, false, &|survey, home, ledger| self.owned(survey, home, ledger))
    }
}

impl HomeOwner {
    fn owned(&self, survey: &Survey<'_>, home: &Home<'_>, ledger: &mut Ledger) -> Result<()> {
        let State::Directory { at, stat } = &home.state else { return Ok(()) };
        let evidence = || {
            Evidence::at(home.path.as_ref().unwrap_or(at))
                .found(survey.show_owner(stat.uid))
                .want(format!("{}({})", home.owner(), home.uid()))
        };
        if stat.uid == home.uid() {
            ledger.holds(evidence);
            return Ok(());
        }
        let subject = Subject::path(at);
        if let Some(exclusion) = survey.audit().excluded(&subject) {
            ledger.open(subject, evidence(), exclusion.cause.clone());
            return Ok(());
        }
        match survey.why_not(home, Scope { roots_home: false, below: Some(&self.below) })? {
            Some(why) => ledger.open(subject, evidence(), messages::keeps_owner(at, why)),
            None => {
                let uid = Some(home.uid());
                let change = Change::set_stat(at, None, uid, None);
                ledger.gap(Gap::fixed_by(evidence(), change).about(subject));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        PASSWD, Run, changed_lines, image, open, outcome, settle_lines, stage, try_want, want, with,
    };
    use crate::check::testing::path;
    use crate::check::{Outcome, Subject};
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn a_persons_home_is_given_to_them() {
        let want = want("home_owner = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let root =
            image().dir("/home/bob", 0o2755, 0, 50).file_with("/home/bob/.x", "", 0o644, 0, 0);
        assert_eq!(settle_lines(want, &root), ["/home/bob 2755 1000:50"], "the directory alone");
        let missing = image().without("/home/bob");
        assert!(settle_lines(want, &missing).is_empty(), "another rule's business");
    }

    #[test]
    fn homes_elsewhere_only_where_that_is_said() {
        let passwd = with(PASSWD, ":/home/bob:", ":/srv/people/bob:");
        let root = image().file("/etc/passwd", passwd).dir("/srv/people/bob", 0o755, 0, 0);
        let default = want("home_owner = {}");
        assert!(changed_lines(&stage(default.primitive(), &root)).is_empty());
        assert_eq!(open(default.primitive(), &root).len(), 1);
        let more = want("home_owner = { below = [\"/home\", \"/srv/people\"] }");
        assert_eq!(settle_lines(more.primitive(), &root), ["/srv/people/bob 0755 1000:0"]);
        assert!(try_want("home_owner = { below = [\"home\"] }").is_err());
    }

    #[test]
    fn what_is_left() {
        let want = want("home_owner = {}");
        let want = want.primitive();
        let bob = || image().dir("/home/bob", 0o755, 0, 0);
        let cases = [
            ("root's", image().dir("/root", 0o700, 1000, 0)),
            (
                "shared",
                bob().file("/etc/passwd", format!("{PASSWD}eve:x:7:1::/home/bob:/bin/false\n")),
            ),
            (
                "a link",
                image().without("/home/bob").link("/home/bob", "/srv/b").dir("/srv/b", 0o755, 0, 0),
            ),
            (
                "another filesystem",
                bob().restat("/home", |s| s.device = 1).restat("/home/bob", |s| s.device = 2),
            ),
            ("the base itself", image().file("/etc/passwd", with(PASSWD, "/home/bob", "/home"))),
        ];
        for (what, root) in cases {
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{what}");
            assert_eq!(open(want, &root).len(), 1, "{what}");
        }
        let shown = open(want, &image().dir("/root", 0o700, 1000, 0));
        assert!(shown[0].starts_with("/root: bob(1000): "), "{shown:?}");
        let border = bob().file("/etc/login.defs", "UID_MIN 1000\nUID_MAX 999\n");
        assert!(changed_lines(&stage(want, &border)).is_empty());
        let shown = open(want, &border);
        assert!(shown[0].contains("/etc/login.defs:1: found UID_MIN 1000 and UID_MAX 999"));
        let service = image()
            .file("/etc/passwd", format!("{PASSWD}git:x:120:1::/home/git:/bin/sh\n"))
            .dir("/home/git", 0o755, 0, 0);
        assert!(changed_lines(&stage(want, &service)).is_empty());
        assert_eq!(outcome(want, &service), Outcome::NotMet);
    }
    /// The image where bob's home is `home`, and `/home/bob`, which is `owner`'s, eve's as well.
    fn eve_names_bobs(home: &str, owner: u32) -> MemoryRootfs {
        let passwd = with(PASSWD, ":/home/bob:", &format!(":{home}:"));
        let eve = "eve:x:1001:1001::/home/bob/:/bin/bash\n";
        image()
            .file("/etc/passwd", format!("{passwd}{eve}"))
            .dir("/home/bob", 0o700, owner, 1000)
            .dir("/home/a", 0o755, 0, 0)
            .dir("/home/elsewhere", 0o700, 1000, 1000)
            .link("/home/b", "bob")
            .link("/home/links", "/home/a")
    }

    #[test]
    fn what_is_another_accounts_stays_theirs() {
        let want = want("home_owner = {}");
        let want = want.primitive();
        for home in ["/home/bob", "/home/b", "/home/a/../bob", "/home/elsewhere", "", "bob"] {
            let root = eve_names_bobs(home, 1000);
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{home}");
            let told = open(want, &root);
            let why = "keeps its owner: it belongs to another account, bob(1000)";
            assert!(told.iter().any(|t| t.contains(why)), "{home}: {told:?}");
        }
        let of_a_program = eve_names_bobs("/home/elsewhere", 1);
        assert!(changed_lines(&stage(want, &of_a_program)).is_empty());
        for nobodys in [0, 1_234] {
            let root = eve_names_bobs("/home/elsewhere", nobodys);
            assert_eq!(
                changed_lines(&stage(want, &root)),
                ["/home/bob 0700 1001:1000"],
                "{nobodys}"
            );
        }
    }

    #[test]
    fn two_ways_to_one_place_are_one_home() {
        let want = want("home_owner = {}");
        let want = want.primitive();
        for home in [
            "/home/b",
            "/home/b/",
            "/home/a/../bob",
            "/home/links/../bob",
            "/home/missing/../bob",
            "/../home/bob",
            "/home/b/inside",
            "/home/bob/missing/../inside",
        ] {
            let root = eve_names_bobs(home, 0);
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{home}");
        }
        // What `..` behind a link leads to is beside what the link leads to.
        let beside = eve_names_bobs("/home/b/../../srv", 0);
        assert_eq!(changed_lines(&stage(want, &beside)), ["/home/bob 0700 1001:1000"]);
        let steps = format!("/home{}/bob", "/a/..".repeat(5_000));
        assert_eq!(
            changed_lines(&stage(want, &eve_names_bobs(&steps, 0))).len(),
            1,
            "too long for any"
        );
    }

    #[test]
    fn a_number_is_nobodys_only_where_all_accounts_are_known() {
        let want = want("home_owner = {}");
        let want = want.primitive();
        let with_line = |line: &str, owner| {
            image().file("/etc/passwd", format!("{PASSWD}{line}\n")).dir(
                "/home/bob",
                0o700,
                owner,
                0,
            )
        };
        for line in ["ann:x: 1234:1::/home/ann:/bin/sh", "ann:x:1234:1::/:/bin/sh:", "+::::::"] {
            assert!(changed_lines(&stage(want, &with_line(line, 1_234))).is_empty(), "{line}");
            assert_eq!(changed_lines(&stage(want, &with_line(line, 0))).len(), 1, "{line}");
        }
        let good = with_line("ann:x:1235:1::/home/ann:/bin/sh\r", 1_234);
        assert_eq!(changed_lines(&stage(want, &good)), ["/home/bob 0700 1000:0"]);
    }

    #[test]
    fn an_excluded_home_keeps_its_owner() {
        let want = want("home_owner = {}");
        let root = image()
            .file("/etc/passwd", format!("{PASSWD}eve:x:1001:1001::/home/eve:/bin/sh\n"))
            .dir("/home/bob", 0o750, 0, 1000)
            .dir("/home/eve", 0o750, 0, 1001)
            .excluding(Subject::path(&path("/home/bob")));
        assert_eq!(changed_lines(&stage(want.primitive(), &root)), ["/home/eve 0750 1001:1001"]);
        let left = open(want.primitive(), &root);
        assert!(left.len() == 1 && left[0].contains("/home/bob is protected"), "{left:?}");
    }
}
