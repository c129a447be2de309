//! A file that gives away a password or trust is in nobody's home.
//!
//! Such a file is a leak that the owner of the image must know about, and taking it away in silence
//! would hide that: it is reported and left alone. In a run that was asked for it
//! ([`Options::quarantine`](crate::check::Options)) it gets another name, under which no program
//! reads it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Home, Scope, State, Survey, judge, messages};
use crate::check::accounts::Ledger;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::{self, Result};
use crate::message::Message;
use crate::rootfs::{Change, FileKind, ImagePath, Stat};

/// What a name ends with that no program reads any more.
pub const QUARANTINED: &str = ".quarantined-gokaku";

/// No account with a login shell has this file, or a link of this name, in its home.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeFileAbsent {
    /// The name of the file, as `.netrc`.
    pub name: String,
    /// Names that are reported when they are found, without an effect on the verdict.
    #[serde(default)]
    pub mention: Vec<String>,
}

impl Primitive for HomeFileAbsent {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit, false, &|survey, home, ledger| self.absent(survey, home, ledger))
    }
}

impl HomeFileAbsent {
    fn absent(&self, survey: &Survey<'_>, home: &Home<'_>, ledger: &mut Ledger) -> Result<()> {
        let State::Directory { at: dir, .. } = &home.state else { return Ok(()) };
        let root = survey.root();
        for name in &self.mention {
            let at = dir.join(name)?;
            if let Some(stat) = root.stat(&at)? {
                let note = messages::file_in_home(show(survey, &stat), home.owner());
                ledger.note(Evidence::at(&at).note(note));
            }
        }
        let at = dir.join(&self.name)?;
        match root.stat(&at)? {
            Some(stat) if matches!(stat.kind, FileKind::File | FileKind::Symlink) => {
                let evidence = Evidence::at(&at)
                    .found(show(survey, &stat))
                    .want(messages::want_no_file())
                    .note(messages::in_home_of(home.owner()));
                let subject = Subject::path(&at);
                let Ok(to) = dir.join(format!("{}{QUARANTINED}", self.name)) else {
                    ledger.open(subject, evidence, messages::name_cannot_grow(&at));
                    return Ok(());
                };
                match why_not(survey, home, &at, &to)? {
                    Some(why) => ledger.open(subject, evidence, why),
                    None => {
                        ledger.gap(Gap::fixed_by_all(evidence, away(at, to, &stat)).about(subject))
                    }
                }
            }
            Some(stat) => {
                let note = messages::no_file(error::kind(stat.kind));
                ledger.note(Evidence::at(&at).note(note));
            }
            None => ledger.holds(|| {
                let note = messages::home_of(home.owner());
                Evidence::at(&at).want(messages::want_no_file()).note(note)
            }),
        }
        Ok(())
    }
}

/// Why the file keeps its name; `None` when it may be put out of use.
fn why_not(
    survey: &Survey<'_>,
    home: &Home<'_>,
    at: &ImagePath,
    to: &ImagePath,
) -> Result<Option<Message>> {
    let audit = survey.audit();
    if !audit.options().quarantine {
        return Ok(Some(messages::may_hold_secrets(at)));
    }
    let account = Subject::account(home.user.name());
    let excluded = audit.excluded(&account).or_else(|| audit.excluded(&Subject::path(at)));
    if let Some(exclusion) = excluded {
        return Ok(Some(exclusion.cause.clone()));
    }
    if survey.root().stat(to)?.is_some() {
        return Ok(Some(messages::new_name_is_taken(at, to)));
    }
    let why = survey.why_not(home, Scope { roots_home: true, below: None })?;
    Ok(why.map(|why| messages::file_stays(at, why)))
}

/// Another name, closed to others. A link has no mode.
fn away(at: ImagePath, to: ImagePath, stat: &Stat) -> Vec<Change> {
    let mut changes = vec![Change::Rename { path: at, to: to.clone() }];
    if stat.kind == FileKind::File && stat.mode != 0o600 {
        changes.push(Change::set_stat(&to, Some(0o600), None, None));
    }
    changes
}

fn show(survey: &Survey<'_>, stat: &Stat) -> Message {
    let (kind, mode) = (error::kind(stat.kind), format!("{:04o}", stat.mode));
    messages::file(kind, mode, survey.show_owner(stat.uid), stat.size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::accounts::testing::{
        PASSWD, changed_lines, image, open, outcome, settle_lines, stage, want, with,
    };
    use crate::check::testing::Run;
    use crate::rootfs::Rootfs;
    use crate::rootfs::StagedRootfs;

    #[test]
    fn a_file_or_link_is_told_and_not_touched() {
        let want = want("home_file_absent = { name = \".netrc\" }");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let file = image().file_with("/home/bob/.netrc", "machine x password $6$", 0o640, 1000, 7);
        let found = open(want, &file);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("/home/bob/.netrc: regular file 0640 of bob(1000), 22 bytes: "),
            "{found:?}"
        );
        assert!(changed_lines(&stage(want, &file)).is_empty());
        for root in [image().link("/home/bob/.netrc", "nowhere"), image().file("/root/.netrc", "")]
        {
            assert_eq!(outcome(want, &root), Outcome::NotMet);
        }
        for root in [
            image().dir("/home/bob/.netrc", 0o755, 0, 0),
            image().file("/home/bob/.netrc2", "").file("/home/bob/d/.netrc", ""),
            image().file("/home/bob/.forward", ""),
            image().file("/usr/sbin/.netrc", ""),
        ] {
            assert!(settle_lines(want, &root).is_empty());
        }
        let none = image()
            .file("/etc/passwd", with(PASSWD, ":/bin/bash\ndaemon", ":/bin/false\ndaemon"))
            .without("/home/bob");
        assert_eq!(outcome(want, &none), Outcome::MetVacuously);
    }

    fn moved(staged: &StagedRootfs<'_>) -> Vec<String> {
        staged.changes().unwrap().iter().map(|c| c.path.to_string()).collect()
    }

    #[test]
    fn a_run_that_was_asked_for_it_gives_another_name() {
        let want = want("home_file_absent = { name = \".netrc\" }");
        let want = want.primitive();
        let file = |mode| image().file_with("/home/bob/.netrc", "password x", mode, 1000, 7);
        for mode in [0o640, 0o600] {
            let root = file(mode).quarantining();
            let staged = stage(want, &root);
            assert_eq!(outcome(want, crate::check::Audit::from(&root).on(&staged)), Outcome::Met);
            let old = "/home/bob/.netrc";
            assert_eq!(moved(&staged), [old.to_owned(), format!("{old}{QUARANTINED}")]);
            let to = ImagePath::parse("/home/bob/.netrc.quarantined-gokaku").unwrap();
            let stat = staged.stat(&to).unwrap().unwrap();
            assert_eq!((stat.mode, stat.uid, stat.gid), (0o600, 1000, 7));
            assert_eq!(staged.read(&to).unwrap().unwrap(), "password x");
        }
        let link = image().link("/home/bob/.netrc", "/etc/shadow").quarantining();
        assert_eq!(moved(&stage(want, &link)).len(), 2, "the link, not what it leads to");
        let roots = image().file("/root/.netrc", "").quarantining();
        assert_eq!(moved(&stage(want, &roots)).len(), 2);
        for (root, why) in [
            (file(0o600).scene(), "with --quarantine"),
            (file(0o600).quarantining().protecting("bob"), "protected"),
            (
                file(0o600).file("/home/bob/.netrc.quarantined-gokaku", "").quarantining(),
                "there already",
            ),
            (
                file(0o600)
                    .file("/etc/passwd", format!("{PASSWD}eve:x:1001:1::/home/bob:/bin/sh\n"))
                    .quarantining(),
                "several accounts",
            ),
        ] {
            let found = open(want, &root);
            assert!(found[0].contains(why), "{found:?} lacks {why}");
            assert!(changed_lines(&stage(want, &root)).is_empty());
        }
    }

    #[test]
    fn a_mentioned_name_makes_no_difference() {
        let want = want("home_file_absent = { name = \".rhosts\", mention = [\".shosts\"] }");
        let root = image().file("/home/bob/.shosts", "");
        let finding = want.primitive().audit(&root).unwrap();
        assert_eq!(finding.outcome(), Outcome::Met);
        assert!(format!("{finding:?}").contains("/home/bob/.shosts"));
    }

    #[test]
    fn an_excluded_file_keeps_its_name() {
        let want = want("home_file_absent = { name = \".netrc\" }");
        let root = image()
            .file_with("/home/bob/.netrc", "", 0o600, 1000, 1000)
            .file_with("/root/.netrc", "", 0o600, 0, 0)
            .quarantining();
        let file = ImagePath::parse("/home/bob/.netrc").unwrap();
        for subject in [Subject::path(&file), Subject::account(b"bob")] {
            let root = root.clone().excluding(subject);
            let new = format!("/root/.netrc{QUARANTINED}");
            assert_eq!(moved(&stage(want.primitive(), &root)), ["/root/.netrc", new.as_str()]);
            let left = open(want.primitive(), &root);
            assert!(left.len() == 1 && left[0].contains("is protected"), "{left:?}");
        }
    }
}
