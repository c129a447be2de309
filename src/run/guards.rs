//! The guards: is this the right root, and can whoever builds here still log in?

use std::collections::BTreeSet;

use super::builder::{builder, login_uid};
use super::messages;
use crate::check::accounts::clock;
use crate::check::{Audit, Check};
use crate::error::{Error, Result};
use crate::lockout::{self, Bar, Outlook};
use crate::message::{Arg, Message, say};
use crate::plan::{self, Plan};
use crate::profile::{Disposition, Identity, Profile, Rule, RuleId};
use crate::rootfs::{AccountDb, DiskRootfs, Rootfs, StagedRootfs};

/// Checks that `root` is the system that the profile is for, or that another one is to be taken
/// (`force`).
///
/// # Errors
/// [`Error::OtherSystem`] when it is not, [`Error::RunningElsewhere`] when it is the running system
/// under another name; an os-release that cannot be read.
pub(super) fn target(force: bool, profile: &Profile, root: &dyn Rootfs) -> Result<Identity> {
    let identity = match Identity::read(root) {
        Err(e) if force => {
            say!(warn, messages::taken_all_the_same(Message::from(&e)));
            Identity::default()
        }
        other => other?,
    };
    if root.on_disk().is_some_and(DiskRootfs::is_running_elsewhere) {
        return Err(Error::RunningElsewhere(messages::running_elsewhere(root.name())));
    }
    match profile.target.guard(&identity) {
        Err(e) if force => {
            profile.target.guard_shape(root)?;
            say!(warn, messages::taken_all_the_same(Message::from(&e)));
        }
        other => other?,
    }
    Ok(identity)
}

/// The accounts that nothing may shut out: those named, and on the running system the one that the
/// build logs in with.
pub(super) fn accounts(named: &[String], root: &dyn Rootfs) -> Result<Vec<String>> {
    let mut names = named.to_vec();
    if root.is_live() {
        let environment = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let passwd = AccountDb::read(root)?;
        let name_of = |uid| passwd.name_of(uid);
        names.extend(builder(&environment, login_uid(), &name_of).filter(|n| !names.contains(n)));
    }
    Ok(names)
}

/// Says that the clock is wrong, where rows that depend on it are judged.
pub(super) fn clock(rules: &[&Rule], root: &dyn Rootfs) {
    let depends = |check: &Check| matches!(check, Check::AccountAgeing(_));
    let ageing = rules.iter().any(|rule| match &rule.disposition {
        Disposition::Enforce(wants) => wants.iter().any(depends),
        _ => false,
    });
    if ageing && let Some(why) = clock::doubt(root, clock::today()) {
        say!(warn, messages::clock_in_doubt(why));
    }
}

/// Says whose next login the plan would end, and returns it.
pub(super) fn lockout(audit: &Audit<'_>, accounts: &[String], plan: &Plan) -> Vec<Message> {
    let staged = StagedRootfs::with(audit.root(), plan.nodes());
    let after = audit.on(&staged);
    let mut ended = Vec::new();
    for account in accounts {
        match lockout::outlook(audit, &after, account) {
            Ok(Outlook::Open) => {}
            Ok(Outlook::ShutBefore(bar)) if bar.passing => {
                say!(info, lockout::messages::not_yet(account, &bar.says, bar.place()));
            }
            Ok(Outlook::ShutBefore(bar)) => {
                say!(warn, lockout::messages::already_out(account, &bar.says, bar.place()));
            }
            Ok(Outlook::Ends(bars)) => {
                for bar in &bars {
                    let says = would_fail(account, bar, plan);
                    say!(warn, says.clone());
                    ended.push(says);
                }
            }
            Err(e) => {
                say!(warn, lockout::messages::not_determined(account, Message::from(&e)));
            }
        }
    }
    ended
}

/// Checks that no layer makes a row drift that the table leaves alone.
///
/// # Errors
/// [`Error::Guard`] when one would, naming the row, the path, and the layer's rows.
pub(super) fn drift(profile: &Profile, audit: &Audit<'_>, plan: &Plan) -> Result<()> {
    let Some(found) = plan::drifts(&profile.rules, audit, plan).into_iter().next() else {
        return Ok(());
    };
    let by =
        found.by.into_iter().map(|(row, place)| messages::row_of_layer(&row, place.to_string()));
    let by: Vec<Message> = by.collect();
    Err(Error::Guard(messages::would_drift(&found.row, &found.path, by)))
}

/// What ends the next login, with the rows that bring it about: those that change the path for this
/// subject, else all that change the path.
fn would_fail(account: &str, bar: &Bar, plan: &Plan) -> Message {
    let Some(change) = plan.changes().iter().find(|c| c.path == bar.path) else {
        return lockout::messages::would_fail(account, &bar.says, bar.place());
    };
    let about = change.serves.iter().filter(|purpose| purpose.subject == bar.subject);
    let some: BTreeSet<&RuleId> = about.map(|purpose| &purpose.rule).collect();
    let rows = if some.is_empty() { change.rules().collect() } else { some };
    let (count, rows) = (rows.len(), Arg::names(rows));
    lockout::messages::would_fail_by(account, &bar.says, bar.place(), count, rows)
}
