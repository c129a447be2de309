//! Accounts that something uses and that lose shell or password; users' password changes.

use super::look::Look;
use super::{Consequence, Effect, messages};
use crate::check::accounts::people::is_login;
use crate::check::accounts::{AccountFile, ByName, has_password};
use crate::check::pam::changes::refused_changes;
use crate::check::uses::{Sudo, Use, Uses};
use crate::check::{Check, Subject, SubjectKind};
use crate::error::Result;
use crate::rootfs::show_name;
use crate::text::accounts::Layout;
use crate::text::lossless;

pub(super) fn ended(look: &Look<'_>) -> Result<Vec<Consequence>> {
    let mut all = Vec::new();
    if look.touches(&["/etc/passwd", "/etc/shadow"]) {
        used_accounts(look, &mut all)?;
    }
    if look.touches(&["/etc/pam.d", "/etc/security"]) {
        password_changes(look, &mut all)?;
    }
    Ok(all)
}

/// The two account files of a state.
struct Secrets {
    passwd: AccountFile,
    shadow: AccountFile,
}

fn used_accounts(look: &Look<'_>, all: &mut Vec<Consequence>) -> Result<()> {
    let read = |root| -> Result<Secrets> {
        Ok(Secrets {
            passwd: AccountFile::read_or_empty(root, Layout::Passwd)?,
            shadow: AccountFile::read_or_empty(root, Layout::Shadow)?,
        })
    };
    let (old, new) = (read(look.before.root())?, read(look.after.root())?);
    let (new_users, new_secrets) =
        (ByName::new(&new.passwd.table()), ByName::new(&new.shadow.table()));
    let old_secrets = ByName::new(&old.shadow.table());
    let mut uses = None;
    let mut any_lost = false;
    for user in &old.passwd.table().entries {
        let name = user.name();
        let after = new_users.first(name);
        let shell = is_login(user) && after.is_some_and(|after| !is_login(&after));
        let password = has_password(user, &old_secrets)
            && after.is_none_or(|after| !has_password(&after, &new_secrets));
        if !shell && !password {
            continue;
        }
        any_lost |= shell;
        let uses = match &uses {
            Some(uses) => uses,
            None => uses.insert(Uses::of(look.before.root())?),
        };
        let text = lossless::decode(name);
        let used = match shell {
            true => uses.of_account(&text).first().map(Use::spot),
            // What root starts as somebody asks for no password; a rule of sudo's may.
            false => asking_rule(look, &text)?,
        };
        let Some(spot) = used else { continue };
        let subject = Subject::account(name);
        let by = look.of_kind(look.by_subject(&subject), |check| {
            matches!(check, Check::SystemAccounts(_) | Check::NoEmptyPasswords(_))
        });
        let name = show_name(name);
        all.push(match shell {
            true => look.consequence(Effect::ServiceAccount, subject, by, |rows| {
                messages::shell_lost(name, spot, rows)
            }),
            false => look.consequence(Effect::Superuser, subject, by, |rows| {
                messages::password_lost(name, spot, rows)
            }),
        });
    }
    if let Some(uses) = uses.filter(|_| any_lost) {
        for (variable, one) in &uses.hidden {
            let subject = Subject::path(&one.at.0);
            let says = messages::hidden_account(format!("${variable}"), one.spot());
            let (effect, by) = (Effect::NotKnown, Vec::new());
            all.push(Consequence { effect, subject, says, by, named: false });
        }
    }
    Ok(())
}

/// A rule of sudo's that asks the account for its password.
fn asking_rule(look: &Look<'_>, name: &str) -> Result<Option<String>> {
    // Nobody asks root.
    if name == "root" {
        return Ok(None);
    }
    let sudo = Sudo::of(look.before.root())?;
    let of = || sudo.rules.iter().filter(|rule| rule.who.iter().any(|who| who == name));
    // Where one asks for none, it is the rule for it.
    if of().any(|rule| rule.no_password) {
        return Ok(None);
    }
    Ok(of().next().map(|rule| format!("{}:{}", rule.path, rule.line)))
}

fn password_changes(look: &Look<'_>, all: &mut Vec<Consequence>) -> Result<()> {
    let Some(said) = refused_changes(look.after.root())? else { return Ok(()) };
    if refused_changes(look.before.root())?.is_some() {
        return Ok(());
    }
    let by = look.by_subjects(|subject| subject.kind == SubjectKind::PamModule);
    let by = look.of_kind(by, |check| matches!(check, Check::PamPwquality(_)));
    let subject = Subject::path(&said.path);
    let place = said.path.to_string();
    all.push(look.consequence(Effect::PasswordChange, subject, by, |rows| {
        messages::no_password_change(said.says, place, rows)
    }));
    Ok(())
}
