//! The home of every account that may log in is closed to others.

use std::cell::RefCell;

use schemars::JsonSchema;
use serde::Deserialize;

use super::home_owner::bases;
use super::{Home, Scope, State, Survey, judge, messages};
use crate::check::accounts::Ledger;
use crate::check::common::openness::Openness;
use crate::check::files::mode::Mode;
use crate::check::order::{self, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::shell_var::{self, Value};

/// The home directory of every account with a login shell has no permission beyond a ceiling, and an
/// ACL grants nobody what the ceiling does not allow others.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeMode {
    /// The permission bits that are allowed at most, as `"0750"`.
    pub ceiling: Mode,
    /// Only homes below these directories are closed, below those in which the tree's own tools make
    /// homes, and below any other that is called `home`: elsewhere a home is often what a daemon
    /// serves, or a program's own directory.
    #[serde(default = "bases")]
    pub below: Vec<ImagePath>,
}

impl Primitive for HomeMode {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit, false, &|survey, home, ledger| self.closed(survey, home, ledger))
    }
}

impl HomeMode {
    /// What each home is open to.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let levels = RefCell::new(Levels::default());
        judge(audit, false, &|survey, home, _| {
            if let State::Directory { at, stat } = &home.state {
                let open = Openness::read(survey.root(), at, *stat)?;
                open.levels(at, &mut levels.borrow_mut());
            }
            Ok(())
        })?;
        Ok(levels.into_inner())
    }

    fn closed(&self, survey: &Survey<'_>, home: &Home<'_>, ledger: &mut Ledger) -> Result<()> {
        let State::Directory { at, stat } = &home.state else { return Ok(()) };
        // Set-id and sticky bits are not meant.
        let ceiling = self.ceiling.0 | 0o7000;
        let open = Openness::read(survey.root(), at, *stat)?;
        let evidence = || {
            Evidence::at(home.path.as_ref().unwrap_or(at))
                .found(open.shown(survey.root(), ceiling, Mode(stat.mode).to_string()))
                .want(messages::want_mode(self.ceiling.to_string()))
                .note(messages::home_of(home.owner()))
        };
        if open.is_within(ceiling) {
            ledger.holds(evidence);
            return Ok(());
        }
        let subject = Subject::path(at);
        if let Some(exclusion) = survey.audit().excluded(&subject) {
            ledger.open(subject, evidence(), exclusion.cause.clone());
            return Ok(());
        }
        let is_called_home = |path: &ImagePath| {
            path.parent().is_some_and(|above| above.components().any(|name| name == "home"))
        };
        let mut below = self.below.clone();
        below.extend(places_of_homes(survey.root())?);
        let is_home = home.is_roots() || home.path.as_ref().is_some_and(is_called_home);
        let below = if is_home { None } else { Some(below.as_slice()) };
        match survey.why_not(home, Scope { roots_home: true, below })? {
            Some(why) => ledger.open(subject, evidence(), messages::keeps_mode(at, why)),
            None => {
                let change = open.closed(at, ceiling, None, None);
                ledger.gap(Gap::fixed_by(evidence(), change).about(subject));
            }
        }
        Ok(())
    }
}

/// Where the tree's own tools make homes.
fn places_of_homes(root: &dyn Rootfs) -> Result<Vec<ImagePath>> {
    let mut places = Vec::new();
    for (file, key) in [("/etc/default/useradd", "HOME"), ("/etc/adduser.conf", "DHOME")] {
        let text = root.read(&ImagePath::parse(file)?)?.unwrap_or_default();
        if let Value::Known { value, .. } = shell_var::value(&text, key)
            && let Ok(path) = ImagePath::parse(&value)
            && !path.is_root()
        {
            places.push(path);
        }
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        PASSWD, Run, changed_lines, image, open, outcome, settle_lines, stage, try_want, want, with,
    };
    use crate::check::testing::path;
    use crate::check::{Outcome, Subject};

    #[test]
    fn only_what_is_too_much_is_taken_away() {
        let want = want("home_mode = { ceiling = \"0750\" }");
        let want = want.primitive();
        for (mode, new) in [
            (0o750, None),
            (0o700, None),
            (0o500, None),
            (0o000, None),
            (0o1750, None),
            (0o755, Some("0750")),
            (0o770, Some("0750")),
            (0o777, Some("0750")),
            (0o2775, Some("2750")),
            (0o705, Some("0700")),
        ] {
            let new: Vec<String> = new.iter().map(|m| format!("/home/bob {m} 1000:1000")).collect();
            assert_eq!(
                settle_lines(want, &image().dir("/home/bob", mode, 1000, 1000)),
                new,
                "{mode:o}"
            );
        }
        let open_root = image().dir("/root", 0o755, 0, 0);
        assert_eq!(settle_lines(want, &open_root), ["/root 0750 0:0"]);
        assert!(settle_lines(want, &image().without("/home/bob")).is_empty());
    }

    #[test]
    fn what_is_left() {
        let want = want("home_mode = { ceiling = \"0750\" }");
        let want = want.primitive();
        let user = |line: &str| image().file("/etc/passwd", format!("{PASSWD}{line}\n"));
        let cases = [
            ("service", user("pg:x:113:1::/var/lib/pg:/bin/sh").dir("/var/lib/pg", 0o755, 113, 1)),
            (
                "a system directory",
                user("eve:x:1001:1::/usr/share:/bin/sh").dir("/usr/share", 0o755, 0, 0),
            ),
            ("the root", user("eve:x:1001:1::/:/bin/sh").dir("/", 0o755, 0, 0)),
            ("a top directory", user("eve:x:1001:1::/srv:/bin/sh").dir("/srv", 0o755, 0, 0)),
            ("shared root", user("toor:x:7:7::/root:/bin/false").dir("/root", 0o755, 0, 0)),
            (
                "root elsewhere",
                image().file("/etc/passwd", with(PASSWD, ":/root:", ":/home/root:")).dir(
                    "/home/root",
                    0o755,
                    0,
                    0,
                ),
            ),
            (
                "a link",
                image().without("/home/bob").link("/home/bob", "/srv/b").dir("/srv/b", 0o755, 0, 0),
            ),
            ("a program's", user("www:x:33:33::/:/bin/false").dir("/home/bob", 0o755, 33, 33)),
        ];
        for (what, root) in cases {
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{what}");
            assert_eq!(open(want, &root).len(), 1, "{what}");
        }
        // A name with a common beginning is not inside.
        let near = user("eve:x:1001:1001::/home/bob-2:/bin/sh").dir("/home/bob", 0o755, 1000, 1000);
        assert_eq!(settle_lines(want, &near), ["/home/bob 0750 1000:1000"]);
    }

    #[test]
    fn nothing_to_judge() {
        let want = want("home_mode = { ceiling = \"0750\" }");
        let want = want.primitive();
        let none = image().without("/home/bob").without("/root");
        assert_eq!(outcome(want, &none), Outcome::MetVacuously);
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
        let bad_unit = image().dir("/etc/fstab", 0o755, 0, 0);
        assert_eq!(outcome(want, &bad_unit), Outcome::Unknown);
        for bad in ["\"750\"", "\"0850\"", "\"u=rwx\"", "488"] {
            assert!(try_want(&format!("home_mode = {{ ceiling = {bad} }}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_excluded_home_keeps_its_mode() {
        let want = want("home_mode = { ceiling = \"0750\" }");
        let root = image()
            .file("/etc/passwd", format!("{PASSWD}eve:x:1001:1001::/home/eve:/bin/sh\n"))
            .dir("/home/bob", 0o755, 1000, 1000)
            .dir("/home/eve", 0o755, 1001, 1001)
            .excluding(Subject::path(&path("/home/bob")));
        assert_eq!(changed_lines(&stage(want.primitive(), &root)), ["/home/eve 0750 1001:1001"]);
        let left = open(want.primitive(), &root);
        assert!(left.len() == 1 && left[0].contains("/home/bob is protected"), "{left:?}");
    }
}
