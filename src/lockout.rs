//! Whose next SSH login a plan would block.
//!
//! A machine that builds an image logs in again: after a reboot, for the next provisioner, on the
//! next day. A plan that locks its account out must not be applied unnoticed. The guard compares the
//! tree as it will be with the tree as it is; it ignores accounts that could not log in before.
//! Invariant: it reads through `&dyn Rootfs` only.

mod keys;
pub(crate) mod messages;

use std::collections::BTreeSet;

use crate::check::accounts::people::{Groups, why_shut_out};
use crate::check::accounts::{self, AccountFile, ByName, Lock, clock};
use crate::check::pam::account::{AccountStack, Said, Verdict, Who};
use crate::check::sshd::login::{Door, Person, door};
use crate::check::{Audit, Subject};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::visitor::{SEARCH, Visitor};
use crate::rootfs::{ImagePath, Rootfs, escape, show_name};
use crate::text::accounts::{
    AccountLine, CHANGED, Days, HOME, INACTIVE, Layout, MAX, PASSWORD, PRIMARY_GID, SHELL, Table,
    UID, days,
};
use crate::text::lossless::{self, Raw};

/// A file of keys may be this large (bytes).
const FILE_LIMIT: u64 = 16 << 20;
/// The day of expiry in `shadow`.
const EXPIRE: usize = 7;
/// While it is there, only root logs in.
const NOLOGIN: &str = "/etc/nologin";
/// The directive that gives PAM's account stack a say.
const USE_PAM: &str = "UsePAM";
/// Group and others may write.
const WRITABLE: u32 = 0o022;

/// Something that keeps an account out.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// What is wrong, for people.
    pub says: Message,
    /// The file that says so.
    pub path: ImagePath,
    /// The line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// A short name of it: a directive of sshd, or a field's name.
    pub word: &'static str,
    /// What a gap that is closed like this is about.
    pub subject: Subject,
    /// Something that the first start of an image may still bring: an account, a key.
    pub passing: bool,
}

impl Bar {
    fn of(file: &AccountFile, entry: &AccountLine<'_>, word: &'static str, says: Message) -> Bar {
        let subject = Subject::account(entry.name());
        Bar { says, path: file.path.clone(), line: entry.line, word, subject, passing: false }
    }

    /// The file and line that say so.
    pub fn place(&self) -> String {
        match self.line {
            0 => self.path.to_string(),
            line => format!("{}:{line}", self.path),
        }
    }
}

/// What a plan means for one account.
#[derive(Debug, Clone, PartialEq)]
pub enum Outlook {
    /// Its next login is as before.
    Open,
    /// It could not log in before, either; the first reason.
    ShutBefore(Bar),
    /// It could log in, and could not any more; why.
    Ends(Vec<Bar>),
}

/// Compares what keeps `account` out of the tree as it is and as it will be.
///
/// # Errors
/// A file that decides it cannot be read.
pub fn outlook(before: &Audit<'_>, after: &Audit<'_>, account: &str) -> Result<Outlook> {
    compare(before, after, account, clock::today().latest)
}

fn compare(before: &Audit<'_>, after: &Audit<'_>, account: &str, today: i64) -> Result<Outlook> {
    let bars = |audit: &Audit<'_>| -> Result<Vec<Bar>> {
        let files = Files::read(audit.root())?;
        let logins = Logins::new(audit, &files, today);
        Ok(logins.standing(&account.raw())?.bars)
    };
    let (old, mut new) = (bars(before)?, bars(after)?);
    if let Some(bar) = old.iter().find(|b| !b.passing) {
        return Ok(Outlook::ShutBefore(bar.clone()));
    }
    // A key that is added later may also be added to the tree as it will be.
    new.retain(|bar| !bar.passing || old.iter().all(|b| b.word != bar.word));
    match (new.is_empty(), old.into_iter().next()) {
        (false, _) => Ok(Outlook::Ends(new)),
        (true, Some(bar)) => Ok(Outlook::ShutBefore(bar)),
        (true, None) => Ok(Outlook::Open),
    }
}

/// The files of one tree that decide who logs in, read once for all accounts.
pub(crate) struct Files {
    passwd: AccountFile,
    shadow: AccountFile,
    groups: Groups,
    /// sshd's account stack, or why PAM cannot read it.
    stack: std::result::Result<Option<AccountStack>, Said>,
    nologin: bool,
}

impl Files {
    /// # Errors
    /// An account file cannot be read.
    pub fn read(root: &dyn Rootfs) -> Result<Files> {
        let service = ImagePath::parse("/etc/pam.d/sshd")?;
        let stack = AccountStack::read(root, "sshd");
        let broken = |e: Error| Said { says: Message::from(&e), path: service, line: 0 };
        Ok(Files {
            passwd: AccountFile::read_or_empty(root, Layout::Passwd)?,
            shadow: AccountFile::read_or_empty(root, Layout::Shadow)?,
            groups: Groups::read(root)?,
            stack: stack.map_err(broken),
            nologin: root.locate(&ImagePath::parse(NOLOGIN)?)?.stat.is_some(),
        })
    }

    /// The accounts.
    pub fn passwd(&self) -> Table<'_> {
        self.passwd.table()
    }
}

/// Who may log in to one tree.
pub(crate) struct Logins<'f> {
    audit: Audit<'f>,
    files: &'f Files,
    users: ByName<'f>,
    secrets: ByName<'f>,
    /// Days since the epoch.
    today: i64,
}

/// What keeps an account out, and what may.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// What keeps it out.
    pub bars: Vec<Bar>,
    /// What may, as far as the tree says; a change of the directive `UsePAM` brings it about.
    pub doubt: Option<Said>,
    /// It logs in with an empty password, and with nothing else.
    pub by_empty_password: bool,
}

impl<'f> Logins<'f> {
    /// `files` are those of the audit's tree.
    pub fn new(audit: &Audit<'f>, files: &'f Files, today: i64) -> Logins<'f> {
        let users = ByName::new(&files.passwd.table());
        let secrets = ByName::new(&files.shadow.table());
        Logins { audit: *audit, files, users, secrets, today }
    }

    /// The account's line in `passwd`.
    pub fn user(&self, account: &[u8]) -> Option<AccountLine<'f>> {
        self.users.first(account)
    }

    /// Its line in `shadow`.
    fn secret(&self, account: &[u8]) -> Option<AccountLine<'f>> {
        self.secrets.first(account)
    }

    /// Whether a password fits, an empty one included.
    pub fn has_password(&self, account: &[u8]) -> bool {
        self.user(account).is_some_and(|user| accounts::has_password(&user, &self.secrets))
    }

    /// The numbers of its groups.
    pub fn groups_of(&self, account: &[u8]) -> BTreeSet<u32> {
        let primary = self.user(account).map(|e| e.number(PRIMARY_GID));
        self.files.groups.of(account, primary)
    }

    /// The names of its groups.
    pub fn group_names_of(&self, account: &[u8]) -> Vec<String> {
        self.files.groups.names(&self.groups_of(account))
    }

    /// sshd's answer about the account; `None` where there is no sshd.
    ///
    /// # Errors
    /// As [`door`].
    pub fn door(&self, account: &[u8]) -> Result<Option<Door>> {
        let name = lossless::decode(account);
        let entry = self.user(account);
        let person = Person {
            is_root: entry.map_or(name == "root", |e| e.number(UID) == 0),
            name,
            groups: self.group_names_of(account),
        };
        door(&self.audit, &person)
    }

    /// Everything that keeps `account` from logging in over SSH; nothing where there is no SSH
    /// server.
    ///
    /// # Errors
    /// A file that decides it cannot be read.
    pub fn standing(&self, account: &[u8]) -> Result<Standing> {
        let root = self.audit.root();
        let own = || Subject::account(account);
        let entry = self.user(account);
        let is_root = entry.map_or(account == b"root", |e| e.number(UID) == 0);
        let gids = self.groups_of(account);
        let Some(door) = self.door(account)? else { return Ok(Standing::default()) };
        let mut bars: Vec<Bar> = door
            .shut
            .iter()
            .map(|shut| Bar {
                says: shown(&shut.says),
                path: shut.path.clone(),
                line: shut.line,
                word: shut.directive,
                subject: shut.subject.clone(),
                passing: false,
            })
            .collect();
        let passwd = &self.files.passwd;
        let Some(entry) = entry else {
            bars.push(Bar {
                says: messages::no_account(escape(account)),
                path: passwd.path.clone(),
                line: 0,
                word: "account",
                subject: own(),
                passing: true,
            });
            return Ok(Standing { bars, ..Standing::default() });
        };
        let shut = why_shut_out(root, &entry)?;
        bars.extend(shut.map(|says| Bar::of(passwd, &entry, "shell", says)));
        let secret = self.secret(account);
        if let Some(secret) = secret {
            bars.extend(ageing(&self.files.shadow, secret, &door, self.today));
        }
        let (refused, doubt) = self.account_stack(&door, &entry, is_root)?;
        bars.extend(refused);
        let hash = match secret {
            Some(secret) => secret.field(PASSWORD),
            // Without shadow the hash stands in passwd; an `x` there fits no password.
            None => entry.field(PASSWORD),
        };
        let password = door.passwords && is_fitted(hash, door.empty_passwords);
        let mut by_empty_password = false;
        if !password || hash.is_empty() {
            let no_key = keys::no_key(root, entry, gids.clone(), &door)?;
            match password {
                true => by_empty_password = no_key.is_some(),
                false => bars.extend(no_key),
            }
        }
        bars.extend(chroot(root, &door, &entry, &gids)?);
        Ok(Standing { bars, doubt, by_empty_password })
    }

    /// What PAM's account stack says, or sshd without it.
    fn account_stack(
        &self,
        door: &Door,
        entry: &AccountLine<'_>,
        is_root: bool,
    ) -> Result<(Option<Bar>, Option<Said>)> {
        let root = self.audit.root();
        let nologin = ImagePath::parse(NOLOGIN)?;
        let only_root = || {
            (self.files.nologin && !is_root).then(|| Bar {
                says: messages::only_root(),
                subject: Subject::path(&nologin),
                path: nologin.clone(),
                line: 0,
                word: "nologin",
                passing: false,
            })
        };
        let stack = match &self.files.stack {
            Ok(Some(stack)) if door.pam => stack,
            // sshd looks itself; so does the stack that Debian ships, which a part of an image lacks.
            Ok(_) => return Ok((only_root(), None)),
            Err(_) if !door.pam => return Ok((only_root(), None)),
            Err(said) => return Ok((None, Some(said.clone()))),
        };
        let groups = self.group_names_of(entry.name());
        let who = Who {
            name: lossless::decode(entry.name()),
            uid: entry.number(UID),
            gid: entry.number(PRIMARY_GID),
            groups: groups.into_iter().collect(),
            home: lossless::decode(entry.field(HOME)),
            shell: lossless::decode(entry.field(SHELL)),
        };
        Ok(match stack.verdict(root, &who) {
            Verdict::Lets => (None, None),
            Verdict::CannotTell(said) => (None, Some(said)),
            Verdict::Refuses(Said { says, path, line }) => {
                let word = if path == nologin { "nologin" } else { "pam" };
                let subject = Subject::directive(USE_PAM);
                let says = shown(&says);
                (Some(Bar { says, path, line, word, subject, passing: false }), None)
            }
        })
    }
}

/// A text without stand-ins for bytes that are not UTF-8.
fn shown(says: &Message) -> Message {
    let text = |text: &str| lossless::holds(text).then(|| lossless::shown(text).into_owned());
    says.clone().with_texts(&mut { text })
}

/// Why sshd ends the sessions that it shuts into a directory: each directory of the way must be
/// root's and nobody else's to write, and the account must be able to enter the last.
fn chroot(
    root: &dyn Rootfs,
    door: &Door,
    entry: &AccountLine<'_>,
    gids: &BTreeSet<u32>,
) -> Result<Option<Bar>> {
    let Some(pattern) = &door.chroot else { return Ok(None) };
    let text = expanded(pattern, entry);
    let Ok(path) = ImagePath::parse(&text) else { return Ok(None) };
    let at = root.locate(&path)?;
    let visitor = Visitor { uid: entry.number(UID), gids: gids.clone() };
    let dirs = std::iter::successors(Some(at.path.clone()), ImagePath::parent);
    for dir in dirs {
        let Some(stat) = root.stat(&dir)? else { return Ok(None) };
        let writable = stat.uid != 0 || stat.mode & WRITABLE != 0;
        let enters = dir != at.path || visitor.may(root, &dir, &stat, SEARCH)?;
        if writable || !enters {
            let mode = format!("{:04o}", stat.mode);
            let subject = Subject::path(&dir);
            let says = messages::chroot_refused(&at.path, &dir, mode, stat.uid);
            let word = "chroot";
            return Ok(Some(Bar { says, path: dir, line: 0, word, subject, passing: false }));
        }
    }
    Ok(None)
}

/// A path of sshd's with its `%h`, `%u`, `%U` and `%%`.
fn expanded(pattern: &str, entry: &AccountLine<'_>) -> String {
    pattern
        .replace("%%", "\0")
        .replace("%h", &lossless::decode(entry.field(HOME)))
        .replace("%u", &lossless::decode(entry.name()))
        .replace("%U", &entry.number(UID).to_string())
        .replace('\0', "%")
}

/// What the account's dates say today.
fn ageing(shadow: &AccountFile, entry: AccountLine<'_>, door: &Door, today: i64) -> Vec<Bar> {
    let field = |index| match days(entry.field(index)) {
        Days::Set(value) => Some(value),
        Days::Unset | Days::Invalid => None,
    };
    let name = show_name(entry.name());
    let mut bars = Vec::new();
    let mut bar = |word, says| bars.push(Bar::of(shadow, &entry, word, says));
    if let Some(day) = field(EXPIRE).filter(|day| today >= *day) {
        bar("expire", messages::expired(name.as_str(), clock::date(day)));
    }
    if !door.pam {
        // Without PAM sshd keeps out who is locked, keys or not.
        if entry.field(PASSWORD).first() == Some(&b'!') {
            bar("locked", messages::locked(name));
        }
        return bars;
    }
    match (field(CHANGED), field(MAX), field(INACTIVE)) {
        (Some(0), ..) => bar("age", messages::change_at_next_login(name)),
        (Some(changed), Some(max), inactive) if today - changed > max => {
            let over = today - changed - max;
            bar(
                "age",
                match inactive {
                    Some(inactive) if over > inactive => messages::inactive(name, over),
                    _ => messages::password_expired(name, over),
                },
            );
        }
        _ => {}
    }
    bars
}

/// Whether some password fits a hash.
fn is_fitted(hash: &[u8], empty_fits: bool) -> bool {
    match Lock::of(hash) {
        Lock::Empty => empty_fits,
        Lock::Locked => false,
        // What is shorter than any hash (`x`, `NP`) fits none.
        Lock::Password => hash.len() > 12,
    }
}

#[cfg(test)]
mod tests;
