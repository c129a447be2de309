//! Whose next SSH login a plan would block.
//!
//! A machine that builds an image logs in again: after a reboot, for the next provisioner, on the
//! next day. A plan that locks its account out must not be applied unnoticed. The guard compares the
//! tree as it will be with the tree as it is; it ignores accounts that could not log in before.
//! Invariant: it reads through `&dyn Rootfs` only.

pub(crate) mod messages;

use std::collections::BTreeSet;

use crate::check::accounts::people::{Groups, why_shut_out};
use crate::check::accounts::{AccountFile, ByName, Lock, clock};
use crate::check::sshd::login::{Door, Person, door};
use crate::check::{Audit, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat, escape, show_name};
use crate::text::accounts::{
    AccountLine, CHANGED, Days, HOME, INACTIVE, Layout, MAX, PASSWORD, PRIMARY_GID, UID, days,
};
use crate::text::lossless::{self, Raw};

/// A file of keys may be this large (bytes).
const FILE_LIMIT: u64 = 16 << 20;
/// The day of expiry in `shadow`.
const EXPIRE: usize = 7;
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
    let old = bars(before, account, today)?;
    let mut new = bars(after, account, today)?;
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

/// Everything that keeps `account` from logging in over SSH; nothing where there is no SSH server.
fn bars(audit: &Audit<'_>, account: &str, today: i64) -> Result<Vec<Bar>> {
    let root = audit.root();
    let own = || Subject::account(account.as_bytes());
    let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
    let entry = ByName::new(&passwd.table()).first(&account.raw());
    let groups = Groups::read(root)?;
    let gids = groups.of(&account.raw(), entry.map(|e| e.number(PRIMARY_GID)));
    let person = Person {
        name: account.to_owned(),
        is_root: entry.map_or(account == "root", |e| e.number(UID) == 0),
        groups: groups.names(&gids),
    };
    let Some(door) = door(audit, &person)? else { return Ok(Vec::new()) };
    let mut bars: Vec<Bar> = door
        .shut
        .iter()
        .map(|shut| Bar {
            says: shut.says.clone().with_texts(&mut |text| {
                lossless::holds(text).then(|| lossless::shown(text).into_owned())
            }),
            path: shut.path.clone(),
            line: shut.line,
            word: shut.directive,
            subject: shut.subject.clone(),
            passing: false,
        })
        .collect();
    let Some(entry) = entry else {
        bars.push(Bar {
            says: messages::no_account(escape(account.as_bytes())),
            path: passwd.path,
            line: 0,
            word: "account",
            subject: own(),
            passing: true,
        });
        return Ok(bars);
    };
    let shut = why_shut_out(root, &entry)?;
    bars.extend(shut.map(|says| Bar::of(&passwd, &entry, "shell", says)));
    let shadow = AccountFile::read_or_empty(root, Layout::Shadow)?;
    let secret = ByName::new(&shadow.table()).first(account.as_bytes());
    if let Some(secret) = secret {
        bars.extend(ageing(&shadow, secret, &door, today));
    }
    let nologin = ImagePath::parse("/etc/nologin")?;
    if !person.is_root && door.pam && root.locate(&nologin)?.stat.is_some() {
        let says = messages::only_root();
        let subject = Subject::path(&nologin);
        bars.push(Bar { says, path: nologin, line: 0, word: "nologin", subject, passing: false });
    }
    let hash = match secret {
        Some(secret) => secret.field(PASSWORD),
        // Without shadow the hash stands in passwd; an `x` there fits no password.
        None => entry.field(PASSWORD),
    };
    let password = door.passwords && has_password(hash, door.empty_passwords);
    if !password {
        bars.extend(no_key(root, entry, gids, &door)?);
    }
    Ok(bars)
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

fn has_password(hash: &[u8], empty_fits: bool) -> bool {
    match Lock::of(hash) {
        Lock::Empty => empty_fits,
        Lock::Locked => false,
        // What is shorter than any hash (`x`, `NP`) fits none.
        Lock::Password => hash.len() > 12,
    }
}

/// Why no key fits either; nothing where one may.
fn no_key(
    root: &dyn Rootfs,
    entry: AccountLine<'_>,
    gids: BTreeSet<u32>,
    door: &Door,
) -> Result<Option<Bar>> {
    let home = lossless::decode(entry.field(HOME));
    let name = lossless::decode(entry.name());
    let missing = |says: Message, path| {
        let subject = Subject::path(&path);
        Ok(Some(Bar { says, path, line: 0, word: "key", subject, passing: true }))
    };
    let home_path = ImagePath::parse(if home.starts_with('/') { &home } else { "/" })?;
    if !door.keys {
        let config = ImagePath::parse("/etc/ssh/sshd_config")?;
        return missing(messages::keys_not_accepted(show_name(entry.name())), config);
    }
    if door.keys_from_elsewhere {
        return Ok(None);
    }
    let who = Who { name: show_name(entry.name()), uid: entry.number(UID), gids };
    let mut refused = None;
    for pattern in &door.key_files {
        let text = pattern
            .replace("%%", "\0")
            .replace("%h", &home)
            .replace("%u", &name)
            .replace("%U", &who.uid.to_string())
            .replace('\0', "%");
        let text = if text.starts_with('/') { text } else { format!("{home}/{text}") };
        let Ok(path) = ImagePath::parse(&text) else { continue };
        let at = root.locate(&path)?;
        let Some(stat) = at.stat.filter(|s| s.kind == FileKind::File) else { continue };
        let keys = root.read_bytes(&at.path, FILE_LIMIT)?.unwrap_or_default();
        let is_key = |line: &[u8]| !matches!(line.trim_ascii().first(), None | Some(b'#'));
        if !keys.split(|b| *b == b'\n').any(is_key) {
            continue;
        }
        let home = root.locate(&home_path)?.path;
        match key_file_refusal(root, &at.path, &stat, &home, &who, door.strict)? {
            None => return Ok(None),
            // It is there, and it is refused: nothing that is still to come changes that.
            Some((says, path)) => {
                let subject = Subject::path(&path);
                refused.get_or_insert(Bar {
                    says,
                    path,
                    line: 0,
                    word: "modes",
                    subject,
                    passing: false,
                });
            }
        }
    }
    match refused {
        Some(bar) => Ok(Some(bar)),
        None => missing(messages::no_key_yet(show_name(entry.name())), home_path),
    }
}

/// An account as the kernel knows it.
struct Who {
    name: String,
    uid: u32,
    gids: BTreeSet<u32>,
}

impl Who {
    fn may(&self, stat: &Stat, bit: u32) -> bool {
        let shift = if self.uid == stat.uid {
            6
        } else if self.gids.contains(&stat.gid) {
            3
        } else {
            0
        };
        self.uid == 0 || stat.mode >> shift & bit != 0
    }
}

/// Why sshd does not take the keys of a file: it cannot read it as that account, or others could
/// write to it, or to a directory above it up to the home.
fn key_file_refusal(
    root: &dyn Rootfs,
    path: &ImagePath,
    stat: &Stat,
    home: &ImagePath,
    who: &Who,
    strict: bool,
) -> Result<Option<(Message, ImagePath)>> {
    let unsafe_ = |stat: &Stat| stat.mode & WRITABLE != 0 || ![0, who.uid].contains(&stat.uid);
    let name = who.name.as_str();
    let mode = |stat: &Stat| format!("{:04o}", stat.mode);
    if !who.may(stat, 4) {
        let says = messages::keys_unreadable(name, mode(stat), stat.uid);
        return Ok(Some((says, path.clone())));
    }
    if strict && unsafe_(stat) {
        return Ok(Some((messages::keys_writable(mode(stat), stat.uid), path.clone())));
    }
    let mut checked = strict;
    for dir in std::iter::successors(path.parent(), ImagePath::parent) {
        let Some(stat) = root.stat(&dir)? else { continue };
        if !who.may(&stat, 1) {
            return Ok(Some((messages::keys_unreachable(name, mode(&stat), stat.uid), dir)));
        }
        if checked && unsafe_(&stat) {
            return Ok(Some((messages::directory_writable(mode(&stat), stat.uid), dir)));
        }
        checked &= dir != *home;
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
