//! The homes of the accounts that may log in, and which of them may be changed.
//!
//! The paths come from `passwd` and may be anything. It must stay true that a change is offered
//! only for a directory that is one person's home, below directories that are root's alone.

pub mod home_dot_files;
pub mod home_exists;
pub mod home_file_absent;
pub mod home_mode;
pub mod home_owner;
pub(crate) mod messages;
pub(in crate::check) mod mounts;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use self::mounts::Mounts;
use crate::check::accounts::people::{is_login, is_person, no_person};
use crate::check::accounts::{AccountFile, Ledger, UidRange};
use crate::check::common::openness::Openness;
use crate::check::{Audit, Evidence, Finding};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{AccountDb, FileKind, ImagePath, Rootfs, Stat, show_name};
use crate::text::accounts::{AccountLine, HOME, Layout, Table, UID, What};

/// A deeper path is not accepted as a home (components).
const MAX_DEPTH: usize = 64;

/// A longer path cannot be opened, nor what lies in it (bytes).
const MAX_LENGTH: usize = 3840;

/// A longer name cannot be that of a file (bytes).
const MAX_NAME: usize = 255;

/// Top directories in which nothing is anybody's home to change.
const SYSTEM: &[&[u8]] = &[
    b"bin",
    b"boot",
    b"dev",
    b"etc",
    b"lib",
    b"lib32",
    b"lib64",
    b"libx32",
    b"lost+found",
    b"nonexistent",
    b"proc",
    b"root",
    b"run",
    b"sbin",
    b"snap",
    b"sys",
    b"tmp",
    b"usr",
    b"var",
];

/// What stands where an account says that its home is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::check) enum State {
    /// The field names no place in a root.
    Unusable(Message),
    /// The image does not hold it.
    Hidden(Message),
    /// Nothing; `at` is where it would be made, links resolved.
    Missing { at: ImagePath },
    /// Something that is no directory.
    NotADirectory { kind: FileKind },
    /// A directory; `at` is where it is, links resolved.
    Directory { at: ImagePath, stat: Stat },
}

/// An account that may log in, and its home.
#[derive(Debug)]
pub(in crate::check) struct Home<'a> {
    /// The account's line.
    pub user: AccountLine<'a>,
    /// The path in its line, if it is one.
    pub path: Option<ImagePath>,
    /// What stands there.
    pub state: State,
}

impl Home<'_> {
    /// The account's name, for people.
    pub fn owner(&self) -> String {
        show_name(self.user.name())
    }

    /// The account's number.
    pub fn uid(&self) -> u32 {
        self.user.number(UID)
    }

    /// Whether this is root's own account with its usual home.
    fn is_roots(&self) -> bool {
        let home = self.path.as_ref().map(ImagePath::as_bytes);
        self.user.name() == b"root" && self.uid() == 0 && home == Some(b"/root")
    }
}

/// Where a change to a home is allowed, beside what is forbidden for all of them.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Scope<'s> {
    /// `/root` too, when it is root's.
    pub roots_home: bool,
    /// Only below these directories, if given.
    pub below: Option<&'s [ImagePath]>,
}

/// The homes of all login accounts of an image.
pub(in crate::check) struct Survey<'a> {
    audit: Audit<'a>,
    root: &'a dyn Rootfs,
    range: UidRange,
    homes: Vec<Home<'a>>,
    /// How many accounts (of any kind) have a place as their home, by what they say and by where
    /// that leads.
    users: HashMap<ImagePath, usize>,
    /// The same places, each with a slash at its end.
    places: BTreeSet<Vec<u8>>,
    names: Rc<AccountDb>,
    /// `passwd` holds all accounts there are, and every reader sees the same ones in it.
    complete: bool,
    /// Whether a directory above homes is root's alone; many homes have the same ones.
    roots_alone: RefCell<HashMap<ImagePath, bool>>,
}

impl<'a> Survey<'a> {
    /// Looks at every login account's home.
    ///
    /// # Errors
    /// `login.defs` or what declares mounts cannot be read.
    pub fn new(audit: Audit<'a>, passwd: &Table<'a>) -> Result<Survey<'a>> {
        let root = audit.root();
        let mounts = Mounts::read(root)?;
        let mut survey = Survey {
            audit,
            root,
            range: UidRange::read(root)?,
            homes: Vec::new(),
            users: HashMap::new(),
            places: BTreeSet::new(),
            names: AccountDb::read(root)?,
            complete: passwd.remote.is_empty()
                && passwd.faults.iter().all(|f| f.what == What::CarriageReturn),
            roots_alone: RefCell::default(),
        };
        for user in &passwd.entries {
            let path = parse(user.field(HOME));
            let real = real_place(root, &mounts, user.field(HOME));
            let said = path.as_ref().ok().filter(|path| real.as_ref() != Some(path)).cloned();
            for place in said.into_iter().chain(real) {
                survey.places.insert(with_slash(&place));
                *survey.users.entry(place).or_default() += 1;
            }
            if is_login(user) {
                let state = match &path {
                    Ok(path) => look(root, &mounts, user, path),
                    Err(why) => State::Unusable(why.clone()),
                };
                survey.homes.push(Home { user: *user, path: path.ok(), state });
            }
        }
        Ok(survey)
    }

    /// The audit that asks.
    pub fn audit(&self) -> &Audit<'a> {
        &self.audit
    }

    /// The tree as it is judged.
    pub fn root(&self) -> &'a dyn Rootfs {
        self.root
    }

    /// The homes, in the order of `passwd`.
    pub fn homes(&self) -> &[Home<'a>] {
        &self.homes
    }

    /// `name(number)` of an owner, or the bare number.
    pub fn show_owner(&self, uid: u32) -> String {
        self.names.show_user(uid)
    }

    /// Why a home is not changed; `None` when it may be.
    ///
    /// # Errors
    /// A directory above it cannot be looked at.
    pub fn why_not(&self, home: &Home<'_>, scope: Scope<'_>) -> Result<Option<Message>> {
        let Some(path) = &home.path else { return Ok(Some(messages::no_path())) };
        let at = match &home.state {
            State::Directory { at, .. } | State::Missing { at } => at,
            _ => return Ok(Some(messages::no_directory())),
        };
        let roots = scope.roots_home && home.is_roots();
        if !roots {
            if let Err(border) = self.range.require() {
                return Ok(Some(no_person(&border)));
            }
            if !is_person(&home.user, &self.range) {
                return Ok(Some(messages::not_a_person(home.owner())));
            }
            let top = path.components().next().map(OsStr::as_encoded_bytes);
            if path.components().count() < 2 || top.is_none_or(|top| SYSTEM.contains(&top)) {
                return Ok(Some(messages::system_directory()));
            }
        }
        if scope
            .below
            .is_some_and(|bases| !bases.iter().any(|base| path != base && path.starts_with(base)))
        {
            return Ok(Some(messages::not_below()));
        }
        if at != path {
            return Ok(Some(messages::behind_a_link()));
        }
        if !roots && let Some(why) = self.why_another_s(home) {
            return Ok(Some(why));
        }
        if self.users.get(path).is_none_or(|count| *count != 1) {
            return Ok(Some(messages::several_accounts()));
        }
        let own = with_slash(path);
        let below = self.places.range(own.clone()..).find(|place| **place != own);
        if below.is_some_and(|place| place.starts_with(&own)) {
            return Ok(Some(messages::another_inside()));
        }
        self.why_not_above(path, &home.state)
    }

    /// Why a directory may be somebody else's. Root's is not: nobody loses it. A number without an
    /// account is nobody's, as long as all accounts are known.
    fn why_another_s(&self, home: &Home<'_>) -> Option<Message> {
        let State::Directory { stat, .. } = &home.state else { return None };
        if stat.uid == 0 || stat.uid == home.uid() {
            return None;
        }
        let owner = self.show_owner(stat.uid);
        if self.names.has_uid(stat.uid) {
            Some(messages::another_s(owner))
        } else if !self.complete {
            Some(messages::perhaps_another_s(owner))
        } else {
            None
        }
    }

    /// Whether a directory is root's, and nobody else may write to it.
    fn is_roots_alone(&self, dir: &ImagePath, stat: Stat) -> Result<bool> {
        if let Some(known) = self.roots_alone.borrow().get(dir) {
            return Ok(*known);
        }
        let others = if stat.gid == 0 { 0o002 } else { 0o022 };
        let is = stat.kind == FileKind::Dir
            && stat.uid == 0
            && Openness::read(self.root, dir, stat)?.is_within(0o7777 & !others);
        self.roots_alone.borrow_mut().insert(dir.clone(), is);
        Ok(is)
    }

    fn why_not_above(&self, path: &ImagePath, state: &State) -> Result<Option<Message>> {
        let mut above = path.parent();
        let mut nearest = true;
        while let Some(dir) = above {
            let Some(stat) = self.root.stat(&dir)? else {
                return Ok(Some(messages::not_there(&dir)));
            };
            if !self.is_roots_alone(&dir, stat)? {
                return Ok(Some(messages::not_roots_alone(&dir)));
            }
            if let State::Directory { stat: own, .. } = state
                && nearest
                && own.device != 0
                && stat.device != 0
                && own.device != stat.device
            {
                return Ok(Some(messages::own_filesystem()));
            }
            nearest = false;
            above = dir.parent();
        }
        Ok(None)
    }
}

fn with_slash(path: &ImagePath) -> Vec<u8> {
    let mut bytes = path.as_bytes().to_vec();
    if !path.is_root() {
        bytes.push(b'/');
    }
    bytes
}

fn parse(field: &[u8]) -> Result<ImagePath, Message> {
    if field.is_empty() {
        return Err(messages::no_home_given());
    }
    if field.len() > MAX_LENGTH {
        return Err(messages::too_long());
    }
    let path = ImagePath::parse(field).map_err(|e| Message::from(&e))?;
    if path.components().count() > MAX_DEPTH {
        return Err(messages::too_deep());
    }
    if path.components().any(|name| name.len() > MAX_NAME) {
        return Err(messages::name_too_long());
    }
    Ok(path)
}

/// Where a field for the home leads: links and `..` as the kernel takes them, also through what is
/// not there. `None` for what leads nowhere, or is too long to be followed.
fn real_place(root: &dyn Rootfs, mounts: &Mounts, field: &[u8]) -> Option<ImagePath> {
    let mut parts = field.strip_prefix(b"/")?.split(|b| *b == b'/');
    if field.len() > MAX_LENGTH || parts.clone().count() > MAX_DEPTH {
        return None;
    }
    let follow = |path: ImagePath| -> Option<ImagePath> {
        // What the image does not hold is not looked at, which could mount it.
        match mounts.hides(root, &path) {
            Ok(None) => root.locate(&path).ok().map(|found| found.path),
            _ => Some(path),
        }
    };
    let end = parts.try_fold(ImagePath::root(), |at, part| match part {
        b"" | b"." => Some(at),
        b".." => follow(at).map(|at| at.parent().unwrap_or(at)),
        name => at.join(OsStr::from_bytes(name)).ok(),
    })?;
    follow(end)
}

/// A home that cannot be inspected becomes a state: the others are judged all the same.
fn look(root: &dyn Rootfs, mounts: &Mounts, user: &AccountLine<'_>, path: &ImagePath) -> State {
    look_or_fail(root, mounts, user, path).unwrap_or_else(|e| match e {
        Error::LinkLoop { .. } => State::Unusable(messages::link_loop()),
        other => State::Hidden(Message::from(&other)),
    })
}

fn look_or_fail(
    root: &dyn Rootfs,
    mounts: &Mounts,
    user: &AccountLine<'_>,
    path: &ImagePath,
) -> Result<State> {
    if let Some(why) = mounts.hides(root, path)? {
        return Ok(State::Hidden(why));
    }
    let found = root.locate(path)?;
    if found.path != *path
        && let Some(why) = mounts.hides(root, &found.path)?
    {
        return Ok(State::Hidden(why));
    }
    if is_encrypted(root, user, path)? {
        return Ok(State::Hidden(messages::encrypted(path)));
    }
    Ok(match found.stat {
        None => State::Missing { at: found.path },
        Some(stat) if stat.kind == FileKind::Dir => State::Directory { at: found.path, stat },
        Some(stat) => State::NotADirectory { kind: stat.kind },
    })
}

/// The store of an encrypted home stands beside it.
fn is_encrypted(root: &dyn Rootfs, user: &AccountLine<'_>, path: &ImagePath) -> Result<bool> {
    let Some(parent) = path.parent().filter(|_| user.name().len() <= MAX_NAME) else {
        return Ok(false);
    };
    let name = OsStr::from_bytes(user.name());
    let Ok(store) = parent.join(".ecryptfs").and_then(|p| p.join(name)) else { return Ok(false) };
    Ok(root.stat(&store)?.is_some())
}

/// Adds the verdict on one home to the ledger.
pub(in crate::check) type Judge<'j> =
    dyn Fn(&Survey<'_>, &Home<'_>, &mut Ledger) -> Result<()> + 'j;

/// Judges the home of every login account. Homes that are not there are left to the rule about
/// their existence when `judge_missing` is false.
///
/// # Errors
/// `passwd` is missing or cannot be read; or nothing is wrong, but some homes could not be seen.
pub(in crate::check) fn judge(
    audit: &Audit<'_>,
    judge_missing: bool,
    judge: &Judge<'_>,
) -> Result<Finding> {
    let passwd = AccountFile::require(audit.root(), Layout::Passwd)?;
    let table = passwd.table();
    let survey = Survey::new(*audit, &table)?;
    let mut ledger = Ledger::default();
    let mut unseen: Vec<(ImagePath, Message)> = Vec::new();
    let mut unseen_count = 0;
    let mut seen = 0;
    let mut hide = |home: &Home<'_>, why: Message| {
        unseen_count += 1;
        if unseen.len() < crate::check::accounts::SHOWN {
            unseen.push((home.path.clone().unwrap_or_else(ImagePath::root), why));
        }
    };
    for home in survey.homes() {
        if let State::Hidden(why) = &home.state {
            hide(home, why.clone());
        } else if judge_missing || matches!(home.state, State::Directory { .. }) {
            seen += 1;
            if let Err(e) = judge(&survey, home, &mut ledger) {
                hide(home, Message::from(&e));
            }
        } else {
            let at = home.path.as_ref().map_or_else(|| passwd.at(home.user.line), Evidence::at);
            ledger.holds(|| at.note(messages::no_such_directory(home.owner())));
        }
    }
    ledger.lines(&passwd, &table, |_| true);
    if let Some((path, why)) = unseen.first() {
        if !ledger.has_gaps() {
            let why = match unseen_count - 1 {
                0 => why.clone(),
                more => messages::more_not_judged(why, more),
            };
            return Err(Error::CannotTell { path: path.clone(), why });
        }
        for (path, why) in unseen {
            ledger.note(Evidence::at(&path).note(messages::not_judged(why)));
        }
    } else if seen == 0 && !ledger.has_gaps() {
        return Ok(Finding::MetVacuously(vec![passwd.whole().note(messages::no_homes())]));
    }
    Ok(ledger.finish(&[]))
}
