//! The guards: is this the right root, and can whoever builds here still log in?

use std::collections::BTreeSet;

use super::args::Guard;
use super::messages;
use crate::check::accounts::clock;
use crate::check::{Audit, Check};
use crate::error::{Error, Result};
use crate::lockout::{self, Bar, Outlook};
use crate::message::{Arg, Message, say};
use crate::plan::Plan;
use crate::profile::{Disposition, Identity, Profile, Rule, RuleId};
use crate::rootfs::{AccountDb, DiskRootfs, Rootfs, StagedRootfs};

/// Checks that `root` is the system that the profile is for, or that the operator accepts another one.
///
/// # Errors
/// [`Error::Guard`] when it is not, or is the running system under another name; an os-release that
/// cannot be read.
pub fn target(guard: &Guard, profile: &Profile, root: &DiskRootfs) -> Result<Identity> {
    let identity = match Identity::read(root) {
        Err(e) if guard.force_target => {
            say!(warn, messages::taken_all_the_same(Message::from(&e)));
            Identity::default()
        }
        other => other?,
    };
    if root.is_running_elsewhere() {
        let path = root.host_path().display().to_string();
        return Err(Error::Guard(messages::running_elsewhere(path)));
    }
    match profile.target.guard(&identity) {
        Err(e) if guard.force_target => {
            profile.target.guard_shape(root)?;
            say!(warn, messages::taken_all_the_same(Message::from(&e)));
        }
        other => other?,
    }
    Ok(identity)
}

/// The accounts that nothing may shut out: those named, and on the running system the one that the
/// build logs in with.
pub fn accounts(guard: &Guard, root: &DiskRootfs) -> Result<Vec<String>> {
    let mut names = guard.protect.clone();
    if root.is_live() {
        let environment = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let passwd = AccountDb::read(root)?;
        let name_of = |uid| passwd.name_of(uid);
        names.extend(builder(&environment, login_uid(), &name_of).filter(|n| !names.contains(n)));
    }
    Ok(names)
}

/// Whose login this process descends from, as the kernel has kept it.
fn login_uid() -> Option<u32> {
    #[allow(clippy::disallowed_methods)] // the running system, which is the root to be judged
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    text.trim().parse().ok().filter(|uid| *uid != u32::MAX)
}

/// The account that logged in to run this. Root counts only where the login came over the network:
/// a program of the system's own logs in nowhere.
fn builder(
    environment: &dyn Fn(&str) -> Option<String>,
    login_uid: Option<u32>,
    name_of: &dyn Fn(u32) -> Option<String>,
) -> Option<String> {
    let caller = ["SUDO_USER", "DOAS_USER"].into_iter().find_map(environment);
    if let Some(name) = caller.filter(|name| name != "root") {
        return Some(name);
    }
    if let Some(name) = login_uid.filter(|uid| *uid != 0).and_then(name_of) {
        return Some(name);
    }
    let remote =
        ["SSH_CONNECTION", "PACKER_BUILD_NAME"].into_iter().any(|n| environment(n).is_some());
    remote.then(|| {
        ["LOGNAME", "USER"].into_iter().find_map(environment).unwrap_or_else(|| "root".to_owned())
    })
}

/// Says that the clock is wrong, where rows that depend on it are judged.
pub fn clock(rules: &[&Rule], root: &DiskRootfs) {
    let depends = |check: &Check| matches!(check, Check::AccountAgeing(_));
    let ageing = rules.iter().any(|rule| match &rule.disposition {
        Disposition::Enforce(wants) => wants.iter().any(depends),
        _ => false,
    });
    if ageing && let Some(why) = clock::doubt(root, clock::today()) {
        say!(warn, messages::clock_in_doubt(why));
    }
}

/// Says whose next login the plan would end.
///
/// # Errors
/// [`Error::Guard`] when it would end one, unless that is `allowed` (`--allow-lockout`) or nothing is
/// to be written anyway.
pub fn lockout(
    allowed: bool,
    audit: &Audit<'_>,
    accounts: &[String],
    plan: &Plan,
    writes: bool,
) -> Result<()> {
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
    match ended.first() {
        Some(first) if writes && !allowed => Err(Error::Guard(lockout::messages::refused(first))),
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_builds() {
        let of = |pairs: &[(&str, &str)], uid| {
            let environment =
                |name: &str| pairs.iter().find(|p| p.0 == name).map(|p| p.1.to_owned());
            builder(&environment, uid, &|uid| (uid == 1000).then(|| "bob".to_owned()))
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(of(&[("SUDO_USER", "eve"), ("USER", "root")], Some(1000)), some("eve"));
        assert_eq!(of(&[("USER", "root")], Some(1000)), some("bob"), "su keeps the login");
        assert_eq!(of(&[("SUDO_USER", "root")], Some(0)), None, "root at the console");
        assert_eq!(of(&[("USER", "root")], None), None, "a service");
        let remote = ("SSH_CONNECTION", "10.0.0.2 5 10.0.0.1 22");
        assert_eq!(of(&[remote, ("LOGNAME", "root")], Some(0)), some("root"));
        assert_eq!(of(&[("PACKER_BUILD_NAME", "x")], None), some("root"));
        assert_eq!(of(&[remote, ("LOGNAME", "ann")], Some(7)), some("ann"), "not in passwd");
    }
}
