//! Who can no longer log in over SSH, or no longer become root.

use super::look::Look;
use super::{Consequence, Effect, messages};
use crate::check::accounts::clock;
use crate::check::accounts::people::is_login;
use crate::check::uses::Sudo;
use crate::check::{Check, Subject};
use crate::error::Result;
use crate::lockout::{Bar, Files, Logins, Standing};
use crate::message::Message;
use crate::plan::Serves;
use crate::rootfs::{Rootfs, show_name};
use crate::text::accounts::{AccountLine, UID};
use crate::text::lossless;

/// What decides about logins lies there; homes besides.
const DECIDES: [&str; 7] = [
    "/etc/ssh",
    "/etc/pam.d",
    "/etc/security",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/default/ssh",
];

/// One of the two states.
struct State<'f> {
    logins: Logins<'f>,
    root: &'f dyn Rootfs,
}

impl<'f> State<'f> {
    /// Whether an account becomes root by its own means: by its number, or by sudo. Who knows root's
    /// password besides is not in the tree.
    fn becomes_root(&self, name: &[u8]) -> Result<bool> {
        let uid = self.logins.user(name).map(|user| user.number(UID));
        if uid == Some(0) {
            return Ok(true);
        }
        let Some(uid) = uid else { return Ok(false) };
        let has_password = self.logins.has_password(name);
        let groups = self.logins.group_names_of(name);
        let text = lossless::decode(name);
        let sudo = Sudo::of(self.root)?;
        let mut rules = sudo.makes_root(&text, uid, &groups);
        Ok(rules.any(|rule| rule.no_password || has_password))
    }
}

pub(super) fn ended(look: &Look<'_>) -> Result<Vec<Consequence>> {
    let dirs = look.closed_dirs().next().is_some();
    if !dirs && !look.touches(&DECIDES) {
        return Ok(Vec::new());
    }
    let today = clock::today().latest;
    let (old_files, new_files) =
        (Files::read(look.before.root())?, Files::read(look.after.root())?);
    let state =
        |audit, files| State { logins: Logins::new(audit, files, today), root: audit.root() };
    let (old, new) = (state(&look.before, &old_files), state(&look.after, &new_files));
    let mut all = Vec::new();
    let (mut admins_before, mut admins_after) = (0, 0);
    let mut admins_ended: Vec<Serves> = Vec::new();
    let mut doubt = None;
    let table = old_files.passwd();
    for user in table.entries.iter().filter(|user| is_login(user)) {
        let name = user.name();
        // The first line with a name is the account.
        if old.logins.user(name).is_none_or(|first| first.line != user.line) {
            continue;
        }
        let after = new.logins.standing(name)?;
        if after.bars.is_empty() && after.doubt.is_none() {
            // As before, or open by now.
            let before = old.becomes_root(name)?;
            if !before {
                continue;
            }
        }
        let before = old.logins.standing(name)?;
        let named_at =
            || Ok::<_, crate::error::Error>(old.logins.door(name)?.and_then(|d| d.named_at));
        let expected = !before.bars.is_empty()
            && before.bars.iter().all(|bar| bar.passing)
            && named_at()?.is_some();
        let was_open = before.bars.is_empty() && old.logins.door(name)?.is_some();
        if !was_open && !expected {
            continue;
        }
        // Who only lacks a key yet is let in by name all the same.
        let was_admin = old.becomes_root(name)?;
        admins_before += usize::from(was_admin);
        let bars = new_bars(&before, after.bars);
        if !bars.is_empty() {
            let ended = ended_login(look, user, &before, &bars);
            if was_admin {
                admins_ended.extend(ended.by.iter().cloned());
            }
            all.push(ended);
            continue;
        }
        if before.doubt.is_none() && after.doubt.is_some() {
            doubt = doubt.or(after.doubt.clone());
        }
        if was_admin {
            match new.becomes_root(name)? {
                true => admins_after += 1,
                false => {
                    let ended = no_longer_root(look, user);
                    admins_ended.extend(ended.by.iter().cloned());
                    all.push(ended);
                }
            }
        }
    }
    if let Some(said) = doubt {
        let by = look.by_directive("UsePAM");
        let place = match said.line {
            0 => said.path.to_string(),
            line => format!("{}:{line}", said.path),
        };
        all.push(look.consequence(Effect::NotKnown, Subject::path(&said.path), by, |rows| {
            messages::pam_not_known(said.says, place, rows)
        }));
    }
    if admins_before > 0 && admins_after == 0 {
        admins_ended.sort_unstable();
        admins_ended.dedup();
        let named = all.iter().all(|c| c.named || c.effect == Effect::NotKnown);
        let subject = Subject::account(b"root");
        let last = look.consequence(Effect::LastAdmin, subject, admins_ended, messages::last_admin);
        all.push(Consequence { named, ..last });
    }
    Ok(all)
}

/// What keeps an account out now and did not before.
fn new_bars(before: &Standing, after: Vec<Bar>) -> Vec<Bar> {
    let known = |bar: &Bar| before.bars.iter().any(|old| old.word == bar.word);
    after.into_iter().filter(|bar| !known(bar)).collect()
}

fn ended_login(
    look: &Look<'_>,
    user: &AccountLine<'_>,
    before: &Standing,
    bars: &[Bar],
) -> Consequence {
    let subject = Subject::account(user.name());
    let name = show_name(user.name());
    let effect = match before.by_empty_password {
        true => Effect::EmptyPassword,
        false => Effect::SshLogin,
    };
    let mut all = bars.iter().map(|bar| (bar, culprits(look, bar, &subject)));
    // Where a row ends the login by its own words, the others end nothing more.
    let is_named = |(_, by): &(&Bar, Vec<Serves>)| {
        !by.is_empty() && by.iter().all(|s| look.names(&s.rule, effect))
    };
    let named = all.clone().find(is_named);
    let (bar, by) = match named {
        Some(named) => named,
        None => {
            let Some((first, mut by)) = all.next() else {
                return look.consequence(effect, subject, Vec::new(), |rows| {
                    messages::login_ends(name, messages::not_in_the_tree(), rows)
                });
            };
            by.extend(all.flat_map(|(_, by)| by));
            by.sort_unstable();
            by.dedup();
            (first, by)
        }
    };
    let why: Message = bar.says.clone();
    look.consequence(effect, subject, by, |rows| match effect {
        Effect::EmptyPassword => messages::empty_login_ends(name, rows),
        _ => messages::login_ends(name, why, rows),
    })
}

/// Whose changes bring a bar about.
fn culprits(look: &Look<'_>, bar: &Bar, account: &Subject) -> Vec<Serves> {
    let about_account = |is: fn(&Check) -> bool| look.of_kind(look.by_subject(account), is);
    let by = match bar.word {
        "shell" => about_account(is_closing),
        "locked" => about_account(is_locking),
        "age" | "expire" => about_account(is_ageing),
        // No password is taken any more: it was locked, or sshd takes none.
        "key" => {
            let mut by = about_account(is_locking);
            by.retain(|serves| look.wants(&serves.rule).any(is_locking));
            if !by.is_empty() {
                return by;
            }
            for name in ["PasswordAuthentication", "PermitEmptyPasswords", "PubkeyAuthentication"] {
                by.extend(look.by_directive(name));
            }
            by
        }
        "pam" | "nologin" => look.by_directive("UsePAM"),
        _ => look.by(&bar.path, &bar.subject),
    };
    if !by.is_empty() {
        return by;
    }
    let by = look.by_directive(bar.word);
    if !by.is_empty() {
        return by;
    }
    // Better too much is left alone than somebody shut out.
    let mut by = look.by_subject(account);
    by.extend(look.by_subject(&bar.subject));
    by
}

fn is_closing(check: &Check) -> bool {
    matches!(check, Check::SystemAccounts(_))
}

fn is_locking(check: &Check) -> bool {
    matches!(
        check,
        Check::SystemAccounts(_) | Check::NoEmptyPasswords(_) | Check::ShadowedPasswords(_)
    )
}

fn is_ageing(check: &Check) -> bool {
    matches!(check, Check::AccountAgeing(_) | Check::PastPasswordChanges(_))
}

fn no_longer_root(look: &Look<'_>, user: &AccountLine<'_>) -> Consequence {
    let subject = Subject::account(user.name());
    let by = look.of_kind(look.by_subject(&subject), is_locking);
    let name = show_name(user.name());
    look.consequence(Effect::Superuser, subject, by, |rows| messages::no_longer_root(name, rows))
}
