//! The hidden files in the homes of accounts that may log in are nobody else's to write.
//!
//! Shells and other programs run what stands in them. Only files directly in a home count, and
//! only regular ones.

use std::cell::RefCell;
use std::os::unix::ffi::OsStrExt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Home, Scope, State, Survey, judge, messages};
use crate::check::accounts::Ledger;
use crate::check::common::openness::Openness;
use crate::check::order::{self, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::FileKind;

/// All but what group and others may not do: write.
const CEILING: u32 = 0o7755;

/// No hidden file in the home of an account with a login shell is writable by its group or by
/// others, nor through an ACL.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HomeDotFiles {}

impl Primitive for HomeDotFiles {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        judge(audit, false, &|survey, home, ledger| closed(survey, home, ledger))
    }
}

impl HomeDotFiles {
    /// What each hidden file is open to.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let levels = RefCell::new(Levels::default());
        judge(audit, false, &|survey, home, _| {
            let State::Directory { at: dir, .. } = &home.state else { return Ok(()) };
            let root = survey.root();
            for name in root.list(dir)?.unwrap_or_default().iter() {
                let at = dir.join(name)?;
                let stat = root.stat(&at)?.filter(|s| s.kind == FileKind::File);
                if let Some(stat) = stat.filter(|_| name.as_bytes().starts_with(b".")) {
                    Openness::read(root, &at, stat)?.levels(&at, &mut levels.borrow_mut());
                }
            }
            Ok(())
        })?;
        Ok(levels.into_inner())
    }
}

fn closed(survey: &Survey<'_>, home: &Home<'_>, ledger: &mut Ledger) -> Result<()> {
    let State::Directory { at: dir, .. } = &home.state else { return Ok(()) };
    let root = survey.root();
    let mut files = 0usize;
    let mut clean = true;
    for name in root.list(dir)?.unwrap_or_default().iter() {
        if !name.as_bytes().starts_with(b".") {
            continue;
        }
        let at = dir.join(name)?;
        let Some(stat) = root.stat(&at)?.filter(|s| s.kind == FileKind::File) else { continue };
        files += 1;
        let open = Openness::read(root, &at, stat)?;
        if open.is_within(CEILING) {
            continue;
        }
        clean = false;
        let evidence = Evidence::at(&at)
            .found(open.shown(root, CEILING, format!("{:04o}", stat.mode)))
            .want(format!("{:04o}", stat.mode & CEILING))
            .note(messages::in_home_of(home.owner()));
        let subject = Subject::path(&at);
        if let Some(exclusion) = survey.audit().excluded(&subject) {
            ledger.open(subject, evidence, exclusion.cause.clone());
            continue;
        }
        // A second name for somebody else's file must not let a home reach out of itself.
        let why = if stat.links != 1 {
            Some(messages::second_name())
        } else if stat.uid != home.uid() && stat.uid != 0 {
            Some(messages::file_of(survey.show_owner(stat.uid)))
        } else {
            survey.why_not(home, Scope { roots_home: false, below: None })?
        };
        match why {
            Some(why) => ledger.open(subject, evidence, messages::keeps_mode(&at, why)),
            None => {
                let change = open.closed(&at, CEILING, None, None);
                ledger.gap(Gap::fixed_by(evidence, change).about(subject));
            }
        }
    }
    if clean {
        ledger.holds(|| {
            Evidence::at(dir)
                .found(messages::none_writable(files))
                .note(messages::home_of(home.owner()))
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::accounts::testing::{
        PASSWD, Run, changed_lines, image, open, outcome, settle_lines, stage, want,
    };
    use crate::check::testing::path;
    use crate::check::{Outcome, Subject};
    use crate::rootfs::FileKind;

    #[test]
    fn hidden_files_are_closed_and_others_left() {
        let want = want("home_dot_files = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        let root = image()
            .file_with("/home/bob/.bashrc", "", 0o664, 1000, 1000)
            .file_with("/home/bob/.profile", "", 0o646, 0, 0)
            .file_with("/home/bob/.ok", "", 0o4755, 1000, 1000)
            .file_with("/home/bob/notes", "", 0o666, 1000, 1000)
            .file_with("/home/bob/.d/.x", "", 0o666, 1000, 1000)
            .dir("/home/bob/.d", 0o777, 1000, 1000)
            .link("/home/bob/.link", "/etc/passwd")
            .special("/home/bob/.pipe", FileKind::Fifo)
            .file_with("/home/eve/.bashrc", "", 0o666, 1000, 1000);
        assert_eq!(
            settle_lines(want, &root),
            ["/home/bob/.bashrc 0644 1000:1000", "/home/bob/.profile 0644 0:0"]
        );
    }

    #[test]
    fn what_is_left() {
        let want = want("home_dot_files = {}");
        let want = want.primitive();
        let file = |uid| image().file_with("/home/bob/.bashrc", "", 0o666, uid, 0);
        let cases = [
            ("a second name", file(1000).restat("/home/bob/.bashrc", |s| s.links = 2)),
            ("somebody else's", file(1001)),
            ("root's home", image().file_with("/root/.bashrc", "", 0o666, 0, 0)),
            (
                "shared",
                file(1000).file("/etc/passwd", format!("{PASSWD}eve:x:7:1::/home/bob:/bin/sh\n")),
            ),
        ];
        for (what, root) in cases {
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{what}");
            assert!(!open(want, &root).is_empty(), "{what}");
            assert_eq!(outcome(want, &root), Outcome::NotMet, "{what}");
        }
    }

    #[test]
    fn an_excluded_file_keeps_its_mode() {
        let want = want("home_dot_files = {}");
        let root = image()
            .file_with("/home/bob/.bashrc", "", 0o666, 1000, 1000)
            .file_with("/home/bob/.profile", "", 0o666, 1000, 1000)
            .excluding(Subject::path(&path("/home/bob/.bashrc")));
        assert_eq!(
            changed_lines(&stage(want.primitive(), &root)),
            ["/home/bob/.profile 0644 1000:1000"]
        );
        let left = open(want.primitive(), &root);
        assert!(left.len() == 1 && left[0].contains("/home/bob/.bashrc is protected"), "{left:?}");
    }
}
