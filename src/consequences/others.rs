//! Incoming mail, members of groups, programs and filesystems.

use std::collections::{BTreeSet, HashMap};

use super::look::Look;
use super::{Consequence, Effect, messages};
use crate::check::accounts::AccountFile;
use crate::check::uses::Uses;
use crate::check::{Audit, Check, Finding, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::plan::Serves;
use crate::rootfs::{ImagePath, show_name};
use crate::text::accounts::{Layout, MEMBERS, members};
use crate::text::mount_options::Flag;
use crate::text::{fstab, lossless};

const FSTAB: &str = "/etc/fstab";

pub(super) fn ended(look: &Look<'_>) -> Result<Vec<Consequence>> {
    let mut all = Vec::new();
    mail(look, &mut all)?;
    if look.touches(&["/etc/group"]) {
        group_members(look, &mut all)?;
    }
    programs(look, &mut all)?;
    filesystems(look, &mut all)?;
    Ok(all)
}

/// All pairs of the plan, each once.
fn pairs(look: &Look<'_>) -> BTreeSet<Serves> {
    let all = look.changes.iter().flat_map(|change| change.serves.iter());
    all.map(|serves| (**serves).clone()).collect()
}

/// Mail servers that listened to other hosts, and listen to the machine itself alone afterwards.
fn mail(look: &Look<'_>, all: &mut Vec<Consequence>) -> Result<()> {
    for pair in pairs(look).into_iter().filter(|p| p.subject.kind == SubjectKind::Service) {
        for check in look.wants(&pair.rule) {
            let Check::LocalMta(want) = check else { continue };
            let listens = |audit: &Audit<'_>| -> Result<bool> {
                Ok(match want.find(&audit.of_rule(&pair.rule))? {
                    Finding::NotMet { gaps, .. } => gaps.iter().any(|g| g.subject == pair.subject),
                    _ => false,
                })
            };
            if listens(&look.before)? && !listens(&look.after)? {
                let server = pair.subject.value.clone();
                let (subject, by) = (pair.subject.clone(), vec![pair.clone()]);
                all.push(look.consequence(Effect::IncomingMail, subject, by, |rows| {
                    messages::no_incoming_mail(server, rows)
                }));
            }
        }
    }
    Ok(())
}

/// Who leaves a group.
fn group_members(look: &Look<'_>, all: &mut Vec<Consequence>) -> Result<()> {
    let read = |audit: &Audit<'_>| AccountFile::read_or_empty(audit.root(), Layout::Group);
    let (old, new) = (read(&look.before)?, read(&look.after)?);
    // Several lines with one name are one group to whoever asks by its name.
    let mut left: HashMap<&[u8], BTreeSet<&[u8]>> = HashMap::new();
    for group in &new.table().entries {
        left.entry(group.name()).or_default().extend(members(group.field(MEMBERS)));
    }
    let none = BTreeSet::new();
    let mut uses = None;
    for group in &old.table().entries {
        let after = left.get(group.name()).unwrap_or(&none);
        for member in members(group.field(MEMBERS)).filter(|member| !after.contains(member)) {
            let uses = match &uses {
                Some(uses) => uses,
                None => uses.insert(Uses::of(look.before.root())?),
            };
            let used = uses.of_account(&lossless::decode(member)).first().map(|one| one.spot());
            let subject = Subject::account(member);
            let by = look.by(&old.path, &subject);
            let (member, group) = (show_name(member), show_name(group.name()));
            all.push(look.consequence(Effect::GroupMember, subject, by, |rows| match used {
                Some(spot) => messages::used_member_leaves(member, group, spot, rows),
                None => messages::member_leaves(member, group, rows),
            }));
        }
    }
    Ok(())
}

/// Programs of jobs and units below a mount that starts none any more.
fn programs(look: &Look<'_>, all: &mut Vec<Consequence>) -> Result<()> {
    for pair in pairs(look).into_iter().filter(|p| p.subject.kind == SubjectKind::Mount) {
        let is_noexec = |check: &Check| matches!(check, Check::Mount(mount) if mount.option == Some(Flag::Noexec));
        if !look.wants(&pair.rule).any(is_noexec) {
            continue;
        }
        let Ok(mount) = ImagePath::parse(&pair.subject.value) else { continue };
        for (program, one) in &Uses::of(look.before.root())?.programs {
            if !program.starts_with(&mount) {
                continue;
            }
            let (subject, by) = (Subject::path(program), vec![pair.clone()]);
            all.push(look.consequence(Effect::Program, subject, by, |rows| {
                messages::program_not_started(program, &mount, one.spot(), rows)
            }));
        }
    }
    Ok(())
}

/// Filesystems that fstab mounts, and whose module is kept from loading.
fn filesystems(look: &Look<'_>, all: &mut Vec<Consequence>) -> Result<()> {
    for pair in pairs(look).into_iter().filter(|p| p.subject.kind == SubjectKind::Module) {
        let path = ImagePath::parse(FSTAB)?;
        let Some(text) = look.before.root().read(&path)? else { continue };
        for line in fstab::entries(&text) {
            let kinds = line.kind.as_deref().unwrap_or_default();
            let same = |kind: &str| kind.replace('-', "_") == pair.subject.value.replace('-', "_");
            if !kinds.split(',').any(same) {
                continue;
            }
            let target = line.target_path().unwrap_or_else(|| line.target.clone());
            let subject = Subject::new(SubjectKind::Mount, target.clone());
            let (place, by) = (format!("{path}:{}", line.line), vec![pair.clone()]);
            all.push(look.consequence(Effect::Filesystem, subject, by, |rows| {
                messages::not_mounted(target, pair.subject.value.clone(), place, rows)
            }));
        }
    }
    Ok(())
}
