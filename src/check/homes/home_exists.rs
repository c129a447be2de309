//! Every account that may log in has a home directory.
//!
//! A home is made only for a person's account, and only where no other account could have put
//! something in its place. It is made empty.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Home, Scope, State, Survey, judge, messages};
use crate::check::accounts::Ledger;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::{self, Result};
use crate::rootfs::{Change, FileKind, ImagePath, NewFile};
use crate::text::accounts::PRIMARY_GID;

/// The mode of a home that is made here.
const NEW_MODE: u32 = 0o750;

/// The home of every account with a login shell is an existing directory.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeExists {}

impl Primitive for HomeExists {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit, true, &exists)
    }
}

fn exists(survey: &Survey<'_>, home: &Home<'_>, ledger: &mut Ledger) -> Result<()> {
    let evidence = || {
        let about = home.path.as_ref().map_or_else(
            || {
                let passwd = ImagePath::parse("/etc/passwd").unwrap_or_else(|_| ImagePath::root());
                Evidence::at(&passwd).line(home.user.line)
            },
            Evidence::at,
        );
        about.note(messages::home_of(home.owner()))
    };
    let subject =
        home.path.as_ref().map_or_else(|| Subject::account(home.user.name()), Subject::path);
    let want = messages::want_directory;
    match &home.state {
        State::Directory { .. } => {
            ledger.holds(|| evidence().found(messages::a(error::kind(FileKind::Dir))).want(want()));
        }
        State::NotADirectory { kind } => {
            let kind = error::kind(*kind);
            let evidence = evidence().found(messages::a(&kind)).want(want());
            let advice = messages::move_away(&subject.value, kind);
            ledger.open(subject, evidence, advice);
        }
        State::Unusable(why) | State::Hidden(why) => {
            let evidence = evidence().found(messages::no_usable_path(why)).want(want());
            ledger.open(subject, evidence, messages::change_home(home.owner()));
        }
        State::Missing { at } => {
            let found = evidence().want(want());
            if let Some(exclusion) = survey.audit().excluded(&subject) {
                ledger.open(subject, found, exclusion.cause.clone());
                return Ok(());
            }
            match survey.why_not(home, Scope { roots_home: false, below: None })? {
                Some(why) => ledger.open(subject, found, messages::not_made(at, why)),
                None => {
                    let gid = home.user.number(PRIMARY_GID);
                    let create = NewFile { mode: NEW_MODE, uid: home.uid(), gid };
                    let change = Change::MakeDir { path: at.clone(), create };
                    ledger.gap(Gap::fixed_by(found, change).about(subject));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        PASSWD, Run, changed_lines, image, open, outcome, settle_lines, stage, want, with,
    };
    use crate::check::testing::path;
    use crate::check::{Outcome, Subject};
    use crate::rootfs::MemoryRootfs;

    /// The image where bob's home is `home`, and nothing is there.
    fn at(home: &str) -> MemoryRootfs {
        let text = with(PASSWD, ":/home/bob:", &format!(":{home}:"));
        image().without("/home/bob").file("/etc/passwd", text)
    }

    #[test]
    fn a_persons_missing_home_is_made() {
        let want = want("home_exists = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        assert_eq!(settle_lines(want, &at("/home/bob")), ["/home/bob 0750 1000:1000"]);
        assert_eq!(settle_lines(want, &at("/home//./bob/")), ["/home/bob 0750 1000:1000"]);
        let deep = at("/srv/people/bob").dir("/srv/people", 0o755, 0, 0);
        assert_eq!(settle_lines(want, &deep), ["/srv/people/bob 0750 1000:1000"]);
        let protected = at("/home/bob").protecting("bob");
        assert_eq!(settle_lines(want, &protected).len(), 1, "a home locks nobody out");
        let linked =
            image().without("/home/bob").link("/home/bob", "/srv/bob").dir("/srv/bob", 0o755, 1, 1);
        assert!(settle_lines(want, &linked).is_empty(), "a link to a directory leads home");
        let nobody =
            image().file("/etc/passwd", with(PASSWD, "/home/bob:/bin/bash", "/x:/bin/false"));
        assert!(settle_lines(want, &nobody).is_empty());
    }

    #[test]
    fn hostile_and_odd_homes_are_reported() {
        let want = want("home_exists = {}");
        let want = want.primitive();
        let long = format!("/home/{}", "a".repeat(5000));
        let deep = "/a".repeat(200);
        let wide = format!("/home/{}", "a".repeat(300));
        let homes = [
            "",
            "bob",
            "/nonexistent",
            "/etc/bob",
            "/usr/local/bob",
            "/var/lib/bob",
            "/bob",
            "/home/../etc/bob",
            "/home/a\0b",
            "/home/none/bob",
            "/nonexistent/bob",
            &long,
            &deep,
            &wide,
        ];
        for home in homes {
            let root = at(home);
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{home:?}");
            assert_eq!(open(want, &root).len(), 1, "{home:?}");
        }
        let bob = || at("/home/bob");
        let twin = format!("{PASSWD}eve:x:999:1::/home/bob/:/bin/false\n");
        let inner = format!("{PASSWD}eve:x:999:1::/home/bob/eve:/bin/false\n");
        let roots = [
            ("shared", bob().file("/etc/passwd", twin)),
            ("holds another", bob().file("/etc/passwd", inner)),
            ("a file", bob().file("/home/bob", "")),
            ("a file above", bob().without("/home").file("/home", "")),
            ("a dangling link", bob().link("/home/bob", "/srv/none")),
            ("a loop", bob().link("/home/bob", "bob")),
            ("a link above", bob().without("/home").link("/home", "/srv").dir("/srv", 0o755, 0, 0)),
            ("above is a user's", bob().dir("/home", 0o755, 1000, 0)),
            ("above is a group's", bob().dir("/home", 0o2775, 0, 50)),
            ("above is everybody's", bob().dir("/home", 0o1777, 0, 0)),
        ];
        for (what, root) in roots {
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{what}");
            assert_eq!(outcome(want, &root), Outcome::NotMet, "{what}");
        }
        let system =
            image().file("/etc/passwd", format!("{PASSWD}git:x:120:120::/srv/git:/bin/sh\n"));
        assert_eq!(open(want, &system).len(), 1);
        assert!(changed_lines(&stage(want, &system)).is_empty());
        let no_root = image().without("/root");
        assert_eq!(open(want, &no_root).len(), 1);
    }

    #[test]
    fn what_the_image_does_not_hold_cannot_be_told() {
        let want = want("home_exists = {}");
        let want = want.primitive();
        let fstab = "UUID=1 / ext4 defaults 0 1\nUUID=2 /home ext4 defaults 0 2\n";
        let unmounted = at("/home/bob").file("/etc/fstab", fstab);
        assert_eq!(outcome(want, &unmounted), Outcome::Unknown);
        let message = want.audit(&unmounted).unwrap_err().to_string();
        assert!(message.starts_with("/home/bob: cannot be judged: /home is declared"), "{message}");
        let mounted = at("/home/bob").file("/etc/fstab", fstab).dir("/home/eve", 0o755, 1, 1);
        assert_eq!(settle_lines(want, &mounted), ["/home/bob 0750 1000:1000"]);
        let network =
            at("/home/bob").file("/etc/fstab", "s:/h /home nfs rw\n").dir("/home/eve", 0o755, 1, 1);
        assert_eq!(outcome(want, &network), Outcome::Unknown);
        let encrypted = image().dir("/home/.ecryptfs/bob/.Private", 0o700, 1000, 1000);
        assert_eq!(outcome(want, &encrypted), Outcome::Unknown);
        // A definite failure outweighs what is unknown.
        let both = unmounted.without("/root");
        assert_eq!(outcome(want, &both), Outcome::NotMet);
        assert!(format!("{:?}", want.audit(&both).unwrap()).contains("cannot be judged: /home"));
        assert_eq!(outcome(want, &image().without("/etc/passwd")), Outcome::Unknown);
    }

    #[test]
    fn nothing_to_judge() {
        let want = want("home_exists = {}");
        let want = want.primitive();
        let nobody = image().file("/etc/passwd", "a:x:1:1::/:/bin/false\n+::::::\n");
        assert_eq!(outcome(want, &nobody), Outcome::MetVacuously);
        let cut = image().file("/etc/passwd", format!("{PASSWD}eve:x:\n"));
        assert_eq!(open(want, &cut).len(), 1);
    }

    #[test]
    fn a_hundred_thousand_homes() {
        let mut passwd = String::from(PASSWD);
        for n in 0..100_000 {
            passwd += &format!("u{n}:x:{}:100::/home/u{n}:/bin/sh\n", 70_000 + n);
        }
        let root = image().file("/etc/passwd", passwd);
        let want = want("home_exists = {}");
        assert_eq!(open(want.primitive(), &root).len(), 100_000);
    }

    #[test]
    fn an_excluded_home_is_not_made() {
        let want = want("home_exists = {}");
        let root = at("/home/bob")
            .file("/etc/passwd", format!("{PASSWD}eve:x:1001:1001::/home/eve:/bin/sh\n"))
            .excluding(Subject::path(&path("/home/bob")));
        assert_eq!(changed_lines(&stage(want.primitive(), &root)), ["/home/eve 0750 1001:1001"]);
        let left = open(want.primitive(), &root);
        assert!(left.len() == 1 && left[0].contains("/home/bob is protected"), "{left:?}");
    }
}
