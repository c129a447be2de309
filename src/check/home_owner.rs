//! The home of every account that may log in is its own.

use serde::Deserialize;

use super::accounts::Ledger;
use super::accounts::homes::{Home, Scope, State, Survey, judge};
use super::{Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs};

/// The home directory of every account with a login shell is owned by that account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeOwner {
    /// Only homes below these directories are given to their accounts; `/home` if not said.
    #[serde(default = "bases")]
    pub below: Vec<ImagePath>,
}

fn bases() -> Vec<ImagePath> {
    ImagePath::parse("/home").into_iter().collect()
}

impl Primitive for HomeOwner {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        judge(root, false, &|survey, home, ledger| self.owned(survey, home, ledger))
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
        match survey.why_not(home, Scope { roots_home: false, below: Some(&self.below) })? {
            Some(why) => ledger.open(evidence(), format!("{at} keeps its owner: {why}")),
            None => {
                let uid = Some(home.uid());
                let change = Change::SetStat { path: at.clone(), mode: None, uid, gid: None };
                ledger.gap(Gap::fixed_by(evidence(), change));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::accounts::testing::{
        PASSWD, changed, image, open, outcome, settle, stage, try_want, want, with,
    };
    use crate::check::Outcome;

    #[test]
    fn a_persons_home_is_given_to_them() {
        let want = want("home_owner = {}");
        let want = want.primitive();
        assert!(settle(want, &image()).is_empty());
        let root =
            image().dir("/home/bob", 0o2755, 0, 50).file_with("/home/bob/.x", "", 0o644, 0, 0);
        assert_eq!(settle(want, &root), ["/home/bob 2755 1000:50"], "the directory alone");
        let missing = image().without("/home/bob");
        assert!(settle(want, &missing).is_empty(), "another rule's business");
    }

    #[test]
    fn homes_elsewhere_only_where_that_is_said() {
        let passwd = with(PASSWD, ":/home/bob:", ":/srv/people/bob:");
        let root = image().file("/etc/passwd", passwd).dir("/srv/people/bob", 0o755, 0, 0);
        let default = want("home_owner = {}");
        assert!(changed(&stage(default.primitive(), &root)).is_empty());
        assert_eq!(open(default.primitive(), &root).len(), 1);
        let more = want("home_owner = { below = [\"/home\", \"/srv/people\"] }");
        assert_eq!(settle(more.primitive(), &root), ["/srv/people/bob 0755 1000:0"]);
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
            assert!(changed(&stage(want, &root)).is_empty(), "{what}");
            assert_eq!(open(want, &root).len(), 1, "{what}");
        }
        let shown = open(want, &image().dir("/root", 0o700, 1000, 0));
        assert!(shown[0].starts_with("/root: bob(1000): "), "{shown:?}");
        let service = image()
            .file("/etc/passwd", format!("{PASSWD}git:x:120:1::/home/git:/bin/sh\n"))
            .dir("/home/git", 0o755, 0, 0);
        assert!(changed(&stage(want, &service)).is_empty());
        assert_eq!(outcome(want, &service), Outcome::NotMet);
    }
}
