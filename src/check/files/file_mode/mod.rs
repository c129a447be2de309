//! A file or directory is open to nobody beyond what is allowed.
//!
//! Bits and entries of an ACL are only ever taken away: what is tighter than asked for stays. The entry itself is meant,
//! never what a link leads to, and never what lies below a directory.

mod host_key;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::messages;
use super::mode::Mode;
use crate::check::common::openness::Openness;
use crate::check::common::{self, destination, glob, remedy};
use crate::check::data::BadData;
use crate::check::order::{self, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::error::kind;
use crate::message::{Arg, Message};
use crate::rootfs::{AccountDb, FileKind, ImagePath, Rootfs, Stat};
use crate::text::pattern::{Wildcards, is_pattern};

/// What stands at `path` has no permission bits beyond `ceiling`, an owner among `owner` and a
/// group among `group`. An ACL grants nobody what `ceiling` does not allow others.
///
/// The last component of `path` may hold `*` and `?`. A wrong owner or group becomes the first of
/// the names that the image knows.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileMode {
    /// The path; its last component may hold `*` and `?`.
    pub path: ImagePath,
    /// The permission bits that are allowed at most.
    pub ceiling: Mode,
    /// What must stand at the path.
    #[serde(default)]
    pub kind: FileType,
    /// The users that may own it. A wrong owner becomes the first one that the image knows.
    #[serde(default = "root_only")]
    pub owner: Vec<String>,
    /// The groups that it may have. A wrong group becomes the first one that the image knows.
    #[serde(default = "root_only")]
    pub group: Vec<String>,
    /// What it means that nothing is there.
    #[serde(default)]
    pub missing: Missing,
    /// What it means that a link leads nowhere, or to a place that is filled at boot.
    #[serde(default)]
    pub dangling: Dangling,
    /// Also the private host keys that `sshd_config` names. They are changed only where they are
    /// plainly keys: the line may name anything.
    #[serde(default)]
    pub also_host_keys: bool,
}

/// The kind of entry that is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FileType {
    /// A regular file.
    #[default]
    File,
    /// A directory.
    Dir,
}

/// What it means that nothing is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// The want holds vacuously.
    #[default]
    Vacuous,
    /// The want is not met; nothing is created.
    NotMet,
}

/// What it means that a link leads nowhere, or to a place that is filled at boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dangling {
    /// The want is not met, as for any other link.
    #[default]
    NotMet,
    /// A person must judge.
    Manual,
}

fn root_only() -> Vec<String> {
    vec!["root".to_owned()]
}

impl Primitive for FileMode {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        let path = &self.path;
        let special = |name: &[u8], chars: &[u8]| name.iter().any(|b| chars.contains(b));
        let wrong = |want| Err(BadData::field("path", format!("found {path}, want {want}")));
        if path.parent().is_none_or(|dir| special(dir.as_bytes(), b"*?[")) {
            return wrong("`*` and `?` in the last component only");
        }
        if path.file_name().is_some_and(|name| special(name.as_bytes(), b"[")) {
            return wrong("no pattern but `*` and `?`");
        }
        for (field, names) in [("owner", &self.owner), ("group", &self.group)] {
            if names.is_empty() || names.iter().any(String::is_empty) {
                return Err(BadData::field(field, "is empty; want names, as [\"root\"]"));
            }
        }
        Ok(())
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let ids = Ids::read(root, &self.owner, &self.group)?;
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        let (mut seen, mut unsure) = (Vec::new(), Vec::new());
        for (path, named) in self.paths(audit, &mut seen)? {
            let Some(stat) = root.stat(&path)? else {
                seen.push(Evidence::at(&path).note(common::messages::not_there()));
                continue;
            };
            if self.dangling == Dangling::Manual
                && stat.kind == FileKind::Symlink
                && leads_nowhere_yet(root, &path)?
            {
                unsure.push(Evidence::at(&path).note(messages::made_at_boot()));
                continue;
            }
            match self.judge(audit, (&path, named), stat, &ids)? {
                Ok(evidence) => holding.push(evidence),
                Err(gap) => gaps.push(gap),
            }
        }
        if gaps.is_empty() && !unsure.is_empty() {
            unsure.extend(holding);
            return Ok(Finding::Manual(unsure));
        }
        if !gaps.is_empty() || !holding.is_empty() {
            holding.extend(unsure);
            return Ok(Finding::from_gaps(gaps, holding));
        }
        Ok(match self.missing {
            Missing::Vacuous => Finding::MetVacuously(seen),
            Missing::NotMet => {
                let evidence = Evidence::at(&self.path).want(self.wanted(&ids));
                let why = messages::never_created(&self.path);
                let gap = remedy::none(audit, Subject::path(&self.path), evidence, why);
                Finding::from_gaps(vec![gap], Vec::new())
            }
        })
    }
}

impl FileMode {
    /// What each entry is open to.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let root = audit.root();
        let mut levels = Levels::default();
        for path in self.paths(audit, &mut Vec::new())?.into_keys() {
            if let Some(stat) = root.stat(&path)?.filter(|stat| stat.kind != FileKind::Symlink) {
                Openness::read(root, &path, stat)?.levels(&path, &mut levels);
            }
        }
        Ok(levels)
    }

    /// The entries that are meant, and who says so. `seen` takes what was looked at when a pattern
    /// fits nothing.
    fn paths(
        &self,
        audit: &Audit<'_>,
        seen: &mut Vec<Evidence>,
    ) -> Result<BTreeMap<ImagePath, Named>> {
        let root = audit.root();
        let mut out = BTreeMap::new();
        let name = self.path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let parent = self.path.parent().unwrap_or_else(ImagePath::root);
        if is_pattern(Wildcards::Stars, name) {
            let fitting = glob::entries(root, &parent, Wildcards::Stars, name)?;
            out.extend(fitting.into_iter().map(|path| (path, Named::ByTheRule)));
            if out.is_empty() {
                seen.push(Evidence::at(&self.path).note(messages::nothing_fits()));
            }
        } else {
            out.insert(self.path.clone(), Named::ByTheRule);
        }
        if self.also_host_keys {
            // With an agent, public keys are named there; they are no secret.
            let keys = crate::check::sshd::host_key_paths(audit)?;
            for key in keys.into_iter().filter(|p| !p.as_bytes().ends_with(b".pub")) {
                out.entry(key).or_insert(Named::ByTheImage);
            }
        }
        Ok(out)
    }

    fn judge(
        &self,
        audit: &Audit<'_>,
        (path, named): (&ImagePath, Named),
        stat: Stat,
        ids: &Ids,
    ) -> Result<Result<Evidence, Gap>> {
        let evidence = Evidence::at(path);
        let want = match self.kind {
            FileType::File => FileKind::File,
            FileType::Dir => FileKind::Dir,
        };
        if stat.kind != want {
            let evidence = evidence.found(kind(stat.kind)).want(kind(want));
            let why = messages::another_kind(path, kind(stat.kind), kind(want));
            return Ok(Err(remedy::none(audit, Subject::path(path), evidence, why)));
        }
        let open = Openness::read(audit.root(), path, stat)?;
        let found = open.shown(audit.root(), self.ceiling.0, ids.show(stat));
        let mut evidence = evidence.found(found);
        if stat.kind == FileKind::File && stat.links > 1 {
            evidence = evidence.note(names_of(audit, stat)?);
        }
        let uid = pick(stat.uid, &ids.owners);
        let gid = pick(stat.gid, &ids.groups);
        if open.is_within(self.ceiling.0) && (uid, gid) == (Pick::Fine, Pick::Fine) {
            return Ok(Ok(evidence));
        }
        let evidence = evidence.want(self.wanted(ids));
        let gap = remedy::gap(audit, Subject::path(path), evidence, || {
            let (Ok(uid), Ok(gid)) = (uid.change(), gid.change()) else {
                let lacking = [(uid, &self.owner), (gid, &self.group)];
                let lacking = lacking.into_iter().filter(|(pick, _)| *pick == Pick::Nobody);
                let names = Arg::names(lacking.flat_map(|(_, names)| names));
                return Ok(Err(messages::no_such_names(path, names)));
            };
            let root = audit.root();
            let refusal = match destination::entry_refusal(root, path)? {
                None if named == Named::ByTheImage => host_key::why_not_changed(root, path, stat)?,
                refusal => refusal,
            };
            Ok(refusal.map_or_else(|| Ok(open.closed(path, self.ceiling.0, uid, gid)), Err))
        })?;
        Ok(Err(gap))
    }

    fn wanted(&self, ids: &Ids) -> Message {
        let names = |names: &[String], ids: &[u32]| {
            let either = names.iter().map(Message::value).reduce(messages::either);
            let either = either.unwrap_or_else(|| Message::value(""));
            if ids.is_empty() { messages::not_in_the_image(either) } else { either }
        };
        let (owner, group) = (names(&self.owner, &ids.owners), names(&self.group, &ids.groups));
        messages::mode_at_most(self.ceiling.to_string(), owner, group)
    }
}

/// Who says that an entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    ByTheRule,
    /// A line of the image, which may name what is no such thing.
    ByTheImage,
}

/// How many names a file has; which, where the whole tree was walked.
fn names_of(audit: &Audit<'_>, stat: Stat) -> Result<Message> {
    let survey = audit.survey()?;
    let found = survey.as_ref().and_then(|s| s.linked.get(&(stat.device, stat.inode)));
    Ok(match found {
        Some(found) => messages::hard_links_at(stat.links, Arg::names(&found.examples)),
        None => messages::hard_links(stat.links),
    })
}

fn leads_nowhere_yet(root: &dyn Rootfs, path: &ImagePath) -> Result<bool> {
    let at = root.locate(path)?;
    let made_at_boot = !root.is_live() && at.path.starts_with(&ImagePath::parse("/run")?);
    Ok(at.stat.is_none() || made_at_boot)
}

/// The numbers that are right, in the order of the names.
struct Ids {
    db: Rc<AccountDb>,
    owners: Vec<u32>,
    groups: Vec<u32>,
}

impl Ids {
    fn read(root: &dyn Rootfs, owner: &[String], group: &[String]) -> Result<Ids> {
        // Root is 0 by the kernel's law; the account files are needed for other names only.
        let others = owner.iter().chain(group).any(|name| name != "root");
        let db = match AccountDb::read(root) {
            Ok(db) => db,
            Err(_) if !others => Rc::default(),
            Err(e) => return Err(e),
        };
        let number =
            |name: &String, found: Option<u32>| if name == "root" { Some(0) } else { found };
        let owners = owner.iter().filter_map(|n| number(n, db.uid(n))).collect();
        let groups = group.iter().filter_map(|n| number(n, db.gid(n))).collect();
        Ok(Ids { db, owners, groups })
    }

    fn show(&self, stat: Stat) -> Message {
        let (owner, group) = (self.db.show_user(stat.uid), self.db.show_group(stat.gid));
        messages::mode(Mode(stat.mode).to_string(), owner, group)
    }
}

/// What is to become of an owner or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    Fine,
    Becomes(u32),
    /// It is wrong, and the image knows no right one.
    Nobody,
}

fn pick(found: u32, right: &[u32]) -> Pick {
    match right.first() {
        _ if right.contains(&found) => Pick::Fine,
        Some(first) => Pick::Becomes(*first),
        None => Pick::Nobody,
    }
}

impl Pick {
    fn change(self) -> Result<Option<u32>, ()> {
        match self {
            Pick::Fine => Ok(None),
            Pick::Becomes(id) => Ok(Some(id)),
            Pick::Nobody => Err(()),
        }
    }
}
