//! Accounts of the system let nobody in.
//!
//! Programs that run as such an account may need its shell (`su - postgres -c …`). It must stay
//! true that an account which shows signs of being used is reported, not changed.

use schemars::JsonSchema;
use serde::Deserialize;

use super::people::{is_login, is_system};
use super::{AccountFile, ByName, Ledger, Lock, UidRange, messages};
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::uses::{Uses, Way};
use crate::check::{Audit, Consumes, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::{Arg, Message};
use crate::rootfs::{FileKind, ImagePath, Rootfs, escape, show_name};
use crate::text::accounts::{AccountLine, Edits, HOME, Layout, PASSWORD, SHELL, UID};
use crate::text::lossless;

/// Every account with a number below those of people, root aside, has a shell that lets nobody in
/// and a locked password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemAccounts {
    /// The shells that are right, and no others, whatever else lets nobody in. The first that the
    /// tree has is written.
    pub no_login_shells: Vec<ImagePath>,
    /// Names of accounts that may have a login shell and a usable password.
    #[serde(default)]
    pub exempt: Vec<String>,
    /// Names of accounts whose own shell is a program that does no harm; only their passwords must be
    /// locked.
    #[serde(default)]
    pub harmless_shell: Vec<String>,
    /// Names of accounts whose programs are known to need a shell: reported, never changed.
    #[serde(default)]
    pub needs_shell: Vec<String>,
}

impl Primitive for SystemAccounts {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        // Without any, every shell would be wrong and none could be written.
        match self.no_login_shells.is_empty() {
            true => Err(BadData::field("no_login_shells", "found none, want at least one")),
            false => Ok(()),
        }
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let shadow = AccountFile::require(root, Layout::Shadow)?;
        let (users, secrets) = (passwd.table(), shadow.table());
        let mut sorting = Sorting {
            want: self,
            audit,
            root,
            passwd: &passwd,
            shadow: &shadow,
            names: ByName::new(&users),
            secret_names: ByName::new(&secrets),
            no_login: self.shell_to_write(root)?,
            range: UidRange::read(root)?,
            ledger: Ledger::default(),
            in_passwd: Edits::new(),
            in_shadow: Edits::new(),
        };
        // A border above all numbers would make everybody an account of the system.
        sorting.range.require()?;
        let range = sorting.range.clone();
        let mut judged = 0;
        for user in users.entries.iter().filter(|u| is_system(u, &range)) {
            judged += 1;
            if is_among(user.name(), &self.exempt) {
                let note = messages::is_exempt(show_name(user.name()));
                sorting.ledger.note(passwd.at(user.line).note(note));
            } else {
                sorting.account(user);
            }
        }
        let Sorting { mut ledger, in_passwd, in_shadow, .. } = sorting;
        ledger.lines(&passwd, &users, |_| true);
        ledger.lines(&shadow, &secrets, |_| true);
        if judged == 0 && !ledger.has_gaps() {
            let note = messages::no_system_account(range.min);
            return Ok(Finding::MetVacuously(vec![passwd.whole().note(note)]));
        }
        Ok(ledger.finish(&[(&passwd, in_passwd), (&shadow, in_shadow)]))
    }
}

impl SystemAccounts {
    fn is_right(&self, shell: &[u8]) -> bool {
        self.no_login_shells.iter().any(|right| right.as_bytes() == shell)
    }

    /// The first of the shells that the tree has.
    fn shell_to_write(&self, root: &dyn Rootfs) -> Result<Option<&ImagePath>> {
        for shell in &self.no_login_shells {
            let found = root.locate(shell)?.stat;
            if found.is_some_and(|s| s.kind == FileKind::File && s.mode & 0o111 != 0) {
                return Ok(Some(shell));
            }
        }
        Ok(None)
    }
}

struct Sorting<'a> {
    want: &'a SystemAccounts,
    audit: &'a Audit<'a>,
    root: &'a dyn Rootfs,
    passwd: &'a AccountFile,
    shadow: &'a AccountFile,
    names: ByName<'a>,
    secret_names: ByName<'a>,
    no_login: Option<&'a ImagePath>,
    range: UidRange,
    ledger: Ledger,
    in_passwd: Edits,
    in_shadow: Edits,
}

impl<'a> Sorting<'a> {
    fn account(&mut self, user: &AccountLine<'a>) {
        let name = user.name();
        let shown = show_name(name);
        let subject = Subject::account(name);
        let open_shell =
            !self.want.is_right(user.field(SHELL)) && !is_among(name, &self.want.harmless_shell);
        let in_passwd = user.field(PASSWORD);
        let elsewhere = in_passwd != b"x" && Lock::of(in_passwd) != Lock::Locked;
        if elsewhere {
            let found = Lock::of(in_passwd).of_account(&shown);
            let want = messages::want_locked_password();
            let evidence = self.passwd.at(user.line).found(found).want(want);
            let advice = messages::password_outside_shadow(shown);
            self.ledger.open(subject.clone(), evidence, advice);
        }
        let secret = self.secret_names.first(name);
        let lock = secret.map(|s| Lock::of(s.field(PASSWORD)));
        if !open_shell && lock == Some(Lock::Locked) {
            if !elsewhere {
                let evidence = self.passwd.at(user.line);
                self.ledger.holds(|| evidence.found(messages::is_closed(show_name(name))));
            }
            return;
        }
        let why_not = self.why_not(user).unwrap_or_else(|e| Some(Message::from(&e)));
        if open_shell {
            let shell: Arg = match user.field(SHELL) {
                b"" => messages::no_shell_given().into(),
                shell => escape(shell).into(),
            };
            let evidence = self
                .passwd
                .at(user.line)
                .found(messages::has_shell(show_name(name), shell))
                .want(messages::want_no_login_shell());
            match (&why_not, self.no_login) {
                (Some(why), _) => self.ledger.open(subject, evidence, why.clone()),
                (None, None) => {
                    let advice = messages::no_right_shell(Arg::names(&self.want.no_login_shells));
                    self.ledger.open(subject, evidence, advice);
                }
                (None, Some(shell)) => {
                    self.in_passwd.set(user.line, SHELL, shell.as_bytes());
                    self.ledger.closable(subject, evidence);
                }
            }
        }
        self.password(user, secret, why_not);
    }

    fn password(
        &mut self,
        user: &AccountLine<'a>,
        secret: Option<AccountLine<'a>>,
        why_not: Option<Message>,
    ) {
        let shown = show_name(user.name());
        let subject = Subject::account(user.name());
        let Some(secret) = secret else {
            let evidence = self.passwd.at(user.line).found(messages::no_shadow_line(&shown));
            let evidence = evidence.want(messages::want_locked_password());
            self.ledger.open(subject, evidence, messages::add_shadow_line(shown));
            return;
        };
        let lock = Lock::of(secret.field(PASSWORD));
        if lock == Lock::Locked {
            return;
        }
        let (found, want) = (lock.of_account(shown), messages::want_locked_password());
        let evidence = self.shadow.at(secret.line).found(found).want(want);
        match why_not {
            Some(why) => self.ledger.open(subject, evidence, why),
            None => {
                let locked = [b"!", secret.field(PASSWORD)].concat();
                self.in_shadow.set(secret.line, PASSWORD, locked);
                self.ledger.closable(subject, evidence);
            }
        }
    }

    /// Why an account is not changed.
    fn why_not(&mut self, user: &AccountLine<'_>) -> Result<Option<Message>> {
        let name = user.name();
        let text = lossless::decode(name);
        let account = || show_name(name);
        if let Some(exclusion) = self.audit.excluded(&Subject::account(name)) {
            return Ok(Some(exclusion.cause.clone()));
        }
        if user.number(UID) == 0 {
            return Ok(Some(messages::alias_of_root(account())));
        }
        if is_login(user) && self.range.is_left_behind(user) {
            return Ok(Some(messages::may_be_a_person(account(), self.range.min)));
        }
        if self.names.is_ambiguous(name) || self.secret_names.is_ambiguous(name) {
            return Ok(Some(messages::ambiguous(account())));
        }
        if is_among(name, &self.want.needs_shell) {
            return Ok(Some(messages::needs_shell(account())));
        }
        // What else uses it is seen where the plan is made.
        let uses = Uses::of(self.root)?;
        let of = |way| uses.of_account(&text).iter().find(move |one| one.way == way);
        if of(Way::OwnTable).is_some() {
            return Ok(Some(messages::has_crontab(account())));
        }
        if has_keys(self.root, user)? {
            return Ok(Some(messages::has_keys(account())));
        }
        let unit = of(Way::Unit).and_then(|one| one.unit.as_deref());
        Ok(unit.map(|unit| messages::runs_a_unit(unit, account())))
    }
}

fn is_among(name: &[u8], names: &[String]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}

fn has_keys(root: &dyn Rootfs, user: &AccountLine<'_>) -> Result<bool> {
    // What is no path in a root is no home that sshd could use.
    let Ok(home) = ImagePath::parse(user.field(HOME)) else { return Ok(false) };
    let keys = home.join(".ssh")?;
    for name in ["authorized_keys", "authorized_keys2"] {
        if root.stat(&keys.join(name)?)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
