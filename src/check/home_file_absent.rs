//! A file that gives away a password or trust is in nobody's home.
//!
//! Such a file is never changed here: it is a leak that the owner of the image must know about,
//! and taking it away in silence would hide that. Its content is not read.

use serde::Deserialize;

use super::accounts::Ledger;
use super::accounts::homes::{Home, State, Survey, judge};
use super::{Evidence, Finding, Primitive};
use crate::error::Result;
use crate::rootfs::{FileKind, Rootfs, Stat};

/// No account with a login shell has this file, or a link of this name, in its home.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeFileAbsent {
    /// The name of the file, as `.netrc`.
    pub name: String,
    /// Names that are mentioned when they are found, and make no difference to the verdict.
    #[serde(default)]
    pub mention: Vec<String>,
}

impl Primitive for HomeFileAbsent {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        judge(root, false, &|survey, home, ledger| self.absent(root, survey, home, ledger))
    }
}

impl HomeFileAbsent {
    fn absent(
        &self,
        root: &dyn Rootfs,
        survey: &Survey<'_>,
        home: &Home<'_>,
        ledger: &mut Ledger,
    ) -> Result<()> {
        let State::Directory { at: dir, .. } = &home.state else { return Ok(()) };
        for name in &self.mention {
            let at = dir.join(name)?;
            if let Some(stat) = root.stat(&at)? {
                let note = format!("{} in the home of {}", show(survey, &stat), home.owner());
                ledger.note(Evidence::at(&at).note(note));
            }
        }
        let at = dir.join(&self.name)?;
        match root.stat(&at)? {
            Some(stat) if matches!(stat.kind, FileKind::File | FileKind::Symlink) => {
                let evidence = Evidence::at(&at)
                    .found(show(survey, &stat))
                    .want("no such file")
                    .note(format!("in the home of {}", home.owner()));
                let reason = format!(
                    "{at} may hold secrets or grant trust; find out how it came there, then \
                     remove it by hand"
                );
                ledger.open(evidence, reason);
            }
            Some(stat) => {
                let note = format!("a {} of that name, which no program reads", stat.kind);
                ledger.note(Evidence::at(&at).note(note));
            }
            None => ledger.holds(|| {
                Evidence::at(&at).want("no such file").note(format!("home of {}", home.owner()))
            }),
        }
        Ok(())
    }
}

fn show(survey: &Survey<'_>, stat: &Stat) -> String {
    format!(
        "{} {:04o} of {}, {} bytes",
        stat.kind,
        stat.mode,
        survey.show_owner(stat.uid),
        stat.size
    )
}

#[cfg(test)]
mod tests {
    use super::super::accounts::testing::{
        PASSWD, changed, image, open, outcome, settle, stage, want, with,
    };
    use crate::check::Outcome;

    #[test]
    fn a_file_or_link_is_told_and_not_touched() {
        let want = want("home_file_absent = { name = \".netrc\" }");
        let want = want.primitive();
        assert!(settle(want, &image()).is_empty());
        let file = image().file_with("/home/bob/.netrc", "machine x password $6$", 0o640, 1000, 7);
        let found = open(want, &file);
        assert_eq!(found.len(), 1);
        assert!(
            found[0].starts_with("/home/bob/.netrc: regular file 0640 of bob(1000), 22 bytes: "),
            "{found:?}"
        );
        assert!(changed(&stage(want, &file)).is_empty());
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
            assert!(settle(want, &root).is_empty());
        }
        let none = image()
            .file("/etc/passwd", with(PASSWD, ":/bin/bash\ndaemon", ":/bin/false\ndaemon"))
            .without("/home/bob");
        assert_eq!(outcome(want, &none), Outcome::MetVacuously);
    }

    #[test]
    fn a_mentioned_name_makes_no_difference() {
        let want = want("home_file_absent = { name = \".rhosts\", mention = [\".shosts\"] }");
        let root = image().file("/home/bob/.shosts", "");
        let finding = want.primitive().audit(&root).unwrap();
        assert_eq!(finding.outcome(), Outcome::Met);
        assert!(format!("{finding:?}").contains("/home/bob/.shosts"));
    }
}
