//! What one walk over the whole image shows. For rows that are only observed: it has no remedy.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::remedy;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{AccountDb, Found, ImagePath, Survey};

/// No file of the image is of this kind.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tree {
    /// The kind of file that must not be found.
    pub without: Counted,
}

/// Kinds of files that a walk counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Counted {
    /// Regular files anybody can write to.
    WorldWritable,
    /// Directories anybody can write to, without the sticky bit.
    OpenDirectories,
    /// Files whose owner is no user of the image.
    Ownerless,
    /// Files whose group is no group of the image.
    Groupless,
    /// Files that run with their owner's rights. A person reviews the list.
    Setuid,
    /// Files that run with their group's rights. A person reviews the list.
    Setgid,
    /// Files below /var/log that the group can write to or others can touch.
    LooseLogs,
}

impl Primitive for Tree {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let Some(survey) = audit.survey()? else {
            let note = Evidence::note_only(messages::needs_survey());
            return Ok(Finding::Unmeasured(vec![note]));
        };
        let unknown = |found: &std::collections::BTreeMap<u32, Found>,
                       known: &dyn Fn(u32) -> bool| {
            let mut all = Found::default();
            for (_, found) in found.iter().filter(|(id, _)| !known(**id)) {
                all.count += found.count;
                all.examples.extend(found.examples.iter().cloned());
            }
            all
        };
        let found = match self.without {
            Counted::WorldWritable => survey.world_writable_files.clone(),
            Counted::OpenDirectories => survey.open_dirs.clone(),
            Counted::Setuid => survey.setuid.clone(),
            Counted::Setgid => survey.setgid.clone(),
            Counted::LooseLogs => survey.loose_logs.clone(),
            Counted::Ownerless => {
                let names = AccountDb::read(root)?;
                unknown(&survey.uids, &|id| names.has_uid(id))
            }
            Counted::Groupless => {
                let names = AccountDb::read(root)?;
                unknown(&survey.gids, &|id| names.has_gid(id))
            }
        };
        let mut evidence = seen(&survey);
        let shown = |path: &ImagePath| Evidence::at(path).found(self.without.what());
        let hidden = found.count.saturating_sub(found.examples.len());
        let more = (hidden > 0).then(|| Evidence::note_only(messages::more_such_files(hidden)));
        if matches!(self.without, Counted::Setuid | Counted::Setgid) {
            evidence.extend(found.examples.iter().map(shown).chain(more));
            return Ok(Finding::Manual(evidence));
        }
        if found.count == 0 {
            return match unread(&survey) {
                Some(unread) => Err(unread),
                None => Ok(Finding::Met(evidence)),
            };
        }
        let gap = |path: &ImagePath, evidence: Evidence| -> Gap {
            let evidence = evidence.want(messages::none());
            remedy::none(audit, Subject::path(path), evidence, messages::only_observed())
        };
        let mut gaps: Vec<Gap> = found.examples.iter().map(|path| gap(path, shown(path))).collect();
        gaps.extend(more.map(|more| gap(&ImagePath::root(), more)));
        Ok(Finding::NotMet { gaps, holding: evidence })
    }
}

impl Counted {
    fn what(self) -> Message {
        match self {
            Counted::WorldWritable => messages::world_writable(),
            Counted::OpenDirectories => messages::open_directory(),
            Counted::Ownerless => messages::ownerless(),
            Counted::Groupless => messages::groupless(),
            Counted::Setuid => messages::setuid(),
            Counted::Setgid => messages::setgid(),
            Counted::LooseLogs => messages::loose_log(),
        }
    }
}

fn seen(survey: &Survey) -> Vec<Evidence> {
    let mut out = vec![Evidence::note_only(messages::files_looked_at(survey.entries))];
    out.extend(survey.unread.examples.iter().map(|p| Evidence::at(p).note(messages::not_read())));
    out
}

/// Why nothing can be said about all files, if so.
fn unread(survey: &Survey) -> Option<Error> {
    let first = survey.unread.examples.first()?;
    let why = match survey.unread.count - 1 {
        0 => messages::unread(),
        others => messages::unread_with_others(others),
    };
    Some(Error::CannotTell { path: first.clone(), why })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::rc::Rc;

    use super::*;
    use crate::check::testing::{Run, gaps, path, reasons_on};
    use crate::check::{Options, Outcome};
    use crate::rootfs::{Acl, ImagePath, Memo, MemoryRootfs, Rootfs, Stat};

    /// An image with one directory that cannot be listed.
    struct Blind(MemoryRootfs);

    impl Rootfs for Blind {
        fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
            self.0.stat(path)
        }
        fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
            self.0.read_link(path)
        }
        fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
            self.0.acl(path)
        }
        fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
            self.0.read_bytes(path, limit)
        }
        fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
            if path.file_name().is_some_and(|name| name == "blind") {
                return Err(Error::target(crate::error::cannot::list, path, nix::Error::EMFILE));
            }
            self.0.list(path)
        }
        fn memo(&self) -> &Memo {
            self.0.memo()
        }
    }

    /// What is found by a walk.
    fn surveyed(want: Tree, root: &dyn Rootfs) -> Result<Finding> {
        let options = Options { survey: true, ..Options::default() };
        want.find(&Audit::new(root, &options))
    }

    #[test]
    fn what_was_not_read_is_not_taken_for_empty() {
        let tree = MemoryRootfs::new()
            .file("/etc/passwd", "root:x:0:0::/:/bin/sh\n")
            .file("/etc/group", "root:x:0:\n")
            .file("/srv/blind/x", "");
        let kinds = [
            Counted::WorldWritable,
            Counted::OpenDirectories,
            Counted::Ownerless,
            Counted::Groupless,
            Counted::LooseLogs,
        ];
        for without in kinds {
            let e = surveyed(Tree { without }, &Blind(tree.clone())).unwrap_err().to_string();
            assert!(e.starts_with("/srv/blind: cannot be judged: it could not be read; "), "{e}");
            let bad = tree.clone().file_with("/var/log/x", "", 0o666, 7, 7).dir("/x", 0o777, 0, 0);
            let finding = surveyed(Tree { without }, &Blind(bad)).unwrap();
            assert_eq!(finding.outcome(), Outcome::NotMet, "what was seen counts: {without:?}");
        }
        let finding = surveyed(Tree { without: Counted::Setgid }, &Blind(tree.clone())).unwrap();
        assert_eq!(finding.outcome(), Outcome::Manual);
        let two = tree.file("/a/blind/x", "");
        let e =
            surveyed(Tree { without: Counted::Ownerless }, &Blind(two)).unwrap_err().to_string();
        assert!(e.starts_with("/a/blind: ") && e.contains(", nor could 1 other place;"), "{e}");
    }

    #[test]
    fn each_file_is_a_gap_of_its_own_up_to_a_number() {
        let want = Tree { without: Counted::WorldWritable };
        let tree = |count: usize| {
            (0..count).fold(MemoryRootfs::new(), |root, i| {
                root.file_with(&format!("/srv/{i:02}"), "", 0o666, 0, 0)
            })
        };
        let scene = tree(2).surveyed().excluding(Subject::path(&path("/srv/01")));
        let subjects: Vec<String> =
            gaps(&want, &scene).iter().map(|gap| gap.subject.to_string()).collect();
        assert_eq!(subjects, ["path /srv/00", "path /srv/01"]);
        let reasons = reasons_on(&want, &scene);
        assert!(reasons[0].contains("only observed"), "{reasons:?}");
        assert!(reasons[1].contains("/srv/01 is protected"), "{reasons:?}");
        let many = gaps(&want, &tree(23).surveyed());
        assert_eq!(many.len(), 21);
        let rest = many.last().unwrap();
        let note = rest.evidence.note.as_ref().map(ToString::to_string);
        assert_eq!(rest.subject, Subject::path(&ImagePath::root()));
        assert_eq!(note.as_deref(), Some("and 3 more such files"));
    }

    #[test]
    fn each_kind_is_found() {
        let clean = MemoryRootfs::new()
            .file("/etc/passwd", "root:x:0:0::/:/bin/sh\na:x:7:7::/:/bin/sh\n")
            .file("/etc/group", "root:x:0:\na:x:7:\n")
            .dir("/tmp", 0o1777, 0, 0)
            .file_with("/home/a/f", "", 0o600, 7, 7)
            .file_with("/var/log/x", "", 0o640, 0, 7)
            .file_with("/proc/1/x", "", 0o666, 9, 9);
        let broken = [
            (Counted::WorldWritable, clean.clone().file_with("/x", "", 0o666, 0, 0)),
            (Counted::OpenDirectories, clean.clone().dir("/open", 0o777, 0, 0)),
            (Counted::Ownerless, clean.clone().file_with("/x", "", 0o600, 8, 0)),
            (Counted::Groupless, clean.clone().file_with("/x", "", 0o600, 0, 8)),
            (Counted::LooseLogs, clean.clone().file_with("/var/log/y/z", "", 0o660, 0, 0)),
        ];
        for (without, tree) in broken {
            let judge = |root: &MemoryRootfs| surveyed(Tree { without }, root).unwrap().outcome();
            assert_eq!(judge(&clean), Outcome::Met, "{without:?}");
            assert_eq!(judge(&tree), Outcome::NotMet, "{without:?}");
        }
        let tree = clean.file_with("/bin/su", "", 0o4755, 0, 0);
        let finding = surveyed(Tree { without: Counted::Setuid }, &tree).unwrap();
        assert_eq!(finding.outcome(), Outcome::Manual, "a person reviews the list");
    }
}
