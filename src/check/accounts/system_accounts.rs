//! Accounts of the system let nobody in.
//!
//! Programs that run as such an account may need its shell (`su - postgres -c …`). It must stay
//! true that an account which shows signs of being used is reported, not changed.

use crate::message::Message;
use std::collections::{BTreeSet, HashSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::people::{is_login, is_system};
use super::{AMBIGUOUS, AccountFile, ByName, Ledger, Lock, UidRange, passwd_field};
use crate::check::data::BadData;
use crate::check::systemd::unit_files::{Fragment, fragment, search_path, statements};
use crate::check::systemd::units::names_in;
use crate::check::{Audit, Finding, Primitive, Subject};
use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Rootfs, escape, show_name};
use crate::text::accounts::{AccountLine, Edits, HOME, Layout, PASSWORD, SHELL, UID};
use crate::text::unit_install::{is_unit_name, template_of};

/// What is wanted of a password.
const LOCKED: &str = "a locked password";

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
    fn check_data(&self) -> Result<(), BadData> {
        // Without any, every shell would be wrong and none could be written.
        match self.no_login_shells.is_empty() {
            true => Err(BadData::field("no_login_shells", "found none, want at least one")),
            false => Ok(()),
        }
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
            units: None,
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
                let note = format!("{} is exempt by the profile", show_name(user.name()));
                sorting.ledger.note(passwd.at(user.line).note(note));
            } else {
                sorting.account(user);
            }
        }
        let Sorting { mut ledger, in_passwd, in_shadow, .. } = sorting;
        ledger.lines(&passwd, &users, |_| true);
        ledger.lines(&shadow, &secrets, |_| true);
        if judged == 0 && !ledger.has_gaps() {
            let note = format!("no account but root has a number below {}", range.min);
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
    /// The accounts that units run as; read when first needed.
    units: Option<HashSet<Vec<u8>>>,
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
            let found = format!("{} of {shown}", passwd_field(user));
            let evidence = self.passwd.at(user.line).found(found).want(LOCKED);
            self.ledger.open(
                subject.clone(),
                evidence,
                "the password is not in /etc/shadow; move it there first",
            );
        }
        let secret = self.secret_names.first(name);
        let lock = secret.map(|s| Lock::of(s.field(PASSWORD)));
        if !open_shell && lock == Some(Lock::Locked) {
            if !elsewhere {
                let evidence = self.passwd.at(user.line);
                let found = format!("{shown}: no login shell, password locked");
                self.ledger.holds(|| evidence.found(found));
            }
            return;
        }
        let why_not = self.why_not(user).unwrap_or_else(|e| Some(e.to_string().into()));
        if open_shell {
            let shell = match user.field(SHELL) {
                b"" => "/bin/sh, as none is given".to_owned(),
                shell => escape(shell),
            };
            let evidence = self
                .passwd
                .at(user.line)
                .found(format!("{shown} with shell {shell}"))
                .want("a shell that lets nobody in, as /usr/sbin/nologin");
            match (&why_not, self.no_login) {
                (Some(why), _) => self.ledger.open(subject.clone(), evidence, why.clone()),
                (None, None) => {
                    self.ledger.open(
                        subject.clone(),
                        evidence,
                        "the image has none of the shells that are right",
                    );
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
            let evidence =
                self.passwd.at(user.line).found(format!("{shown} has no line in /etc/shadow"));
            let reason = "add the line by hand (pwconv), or remove the account";
            self.ledger.open(subject, evidence.want(LOCKED), reason);
            return;
        };
        let lock = Lock::of(secret.field(PASSWORD));
        if lock == Lock::Locked {
            return;
        }
        let evidence =
            self.shadow.at(secret.line).found(format!("{} of {shown}", lock.word())).want(LOCKED);
        match why_not {
            Some(why) => self.ledger.open(subject.clone(), evidence, why),
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
        let why = |text: &str| Ok(Some(text.into()));
        if let Some(exclusion) = self.audit.excluded(&Subject::account(name)) {
            return Ok(Some(exclusion.cause.clone()));
        }
        if user.number(UID) == 0 {
            return why("it is another name of root, and may be the only way in");
        }
        if is_login(user) && self.range.is_left_behind(user) {
            let min = self.range.min;
            return Ok(Some(format!(
                "its number and its home are a person's, and only UID_MIN {min} in /etc/login.defs \
                 says otherwise; lower that, or see to it by hand"
            )
            .into()));
        }
        if self.names.is_ambiguous(name) || self.secret_names.is_ambiguous(name) {
            return why(AMBIGUOUS);
        }
        if is_among(name, &self.want.needs_shell) {
            return why("its programs are known to need a shell; see to it by hand");
        }
        if has_crontab(self.root, name)? {
            return why("it has a crontab; see to it by hand");
        }
        if has_keys(self.root, user)? {
            return why("keys are authorised to log in as it; see to it by hand");
        }
        if self.units.is_none() {
            self.units = Some(unit_users(self.root)?);
        }
        let uid = user.number(UID).to_string();
        let runs =
            |users: &HashSet<Vec<u8>>| users.contains(name) || users.contains(uid.as_bytes());
        if self.units.as_ref().is_some_and(runs) {
            return why("a unit runs a program as it, which may need the shell; see to it by hand");
        }
        Ok(None)
    }
}

fn is_among(name: &[u8], names: &[String]) -> bool {
    names.iter().any(|known| known.as_bytes() == name)
}
fn has_crontab(root: &dyn Rootfs, name: &[u8]) -> Result<bool> {
    match ImagePath::parse("/var/spool/cron/crontabs")?.join(OsStr::from_bytes(name)) {
        Ok(path) => Ok(root.stat(&path)?.is_some()),
        Err(_) => Ok(false),
    }
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

/// The names and numbers that services run as.
fn unit_users(root: &dyn Rootfs) -> Result<HashSet<Vec<u8>>> {
    let mut services = BTreeSet::new();
    for dir in search_path(root)? {
        for name in names_in(root, &dir)?.iter().filter_map(|name| name.to_str()) {
            let name = name.strip_suffix(".d").unwrap_or(name);
            if name.ends_with(".service") && is_unit_name(name) {
                services.insert(name.to_owned());
            }
        }
    }
    let mut users = HashSet::new();
    for name in services {
        users.extend(service_user(root, &name)?);
    }
    Ok(users)
}

/// Whom the service runs as: the last `User=` counts, and an empty one is root.
fn service_user(root: &dyn Rootfs, name: &str) -> Result<Option<Vec<u8>>> {
    let mut file = None;
    for name in [Some(name.to_owned()), template_of(name)].into_iter().flatten() {
        match fragment(root, &name, false) {
            Ok(Fragment::File(path)) => file = file.or(Some(path)),
            // It never runs, whatever stands in its drop-ins.
            Ok(Fragment::Masked(_)) if file.is_none() => return Ok(None),
            // A generator may make it at boot.
            Ok(_) | Err(Error::WrongKind { .. }) => {}
            Err(e) => return Err(e),
        }
    }
    let said = statements(root, name, file.as_ref())?;
    let user = said.into_iter().rfind(|a| a.is("Service", "User"));
    Ok(user.map(|a| a.value.into_bytes()).filter(|user| !user.is_empty()))
}

#[cfg(test)]
mod tests;
