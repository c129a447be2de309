//! Who can no longer enter a directory: an account its home, a server what it serves.

use std::collections::HashSet;

use super::look::Look;
use super::{Consequence, Effect, messages};
use crate::check::accounts::AccountFile;
use crate::check::accounts::people::Groups;
use crate::check::uses::served::AllServed;
use crate::check::{Audit, Subject};
use crate::error::Result;
use crate::rootfs::visitor::{READ, SEARCH, Visitor};
use crate::rootfs::{ImagePath, Rootfs, show_name};
use crate::text::accounts::{HOME, Layout, PRIMARY_GID, UID};
use crate::text::lossless;

pub(super) fn ended(look: &Look<'_>) -> Result<Vec<Consequence>> {
    let dirs: HashSet<&ImagePath> = look.closed_dirs().map(|change| &change.path).collect();
    if dirs.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = Vec::new();
    own_homes(look, &dirs, &mut all)?;
    served(look, &dirs, &mut all)?;
    Ok(all)
}

fn is_on_the_way(dirs: &HashSet<&ImagePath>, path: &ImagePath) -> bool {
    std::iter::successors(Some(path.clone()), ImagePath::parent).any(|dir| dirs.contains(&dir))
}

/// The directory that is closed now and was not before.
fn closed(
    look: &Look<'_>,
    who: (&Visitor, &Visitor),
    path: &ImagePath,
    last: u32,
) -> Result<Option<ImagePath>> {
    let Some(dir) = who.1.stopped_at(look.after.root(), path, last)? else { return Ok(None) };
    Ok(match who.0.stopped_at(look.before.root(), path, last)? {
        Some(_) => None,
        None => Some(dir),
    })
}

fn own_homes(
    look: &Look<'_>,
    dirs: &HashSet<&ImagePath>,
    all: &mut Vec<Consequence>,
) -> Result<()> {
    let root = look.before.root();
    let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
    let (old_groups, new_groups) = (Groups::read(root)?, Groups::read(look.after.root())?);
    for user in &passwd.table().entries {
        let Ok(home) = ImagePath::parse(user.field(HOME)) else { continue };
        let Ok(at) = root.locate(&home) else { continue };
        if !is_on_the_way(dirs, &at.path) {
            continue;
        }
        let visitor = |groups: &Groups| Visitor {
            uid: user.number(UID),
            gids: groups.of(user.name(), Some(user.number(PRIMARY_GID))),
        };
        let who = (&visitor(&old_groups), &visitor(&new_groups));
        let Some(dir) = closed(look, who, &at.path, SEARCH)? else { continue };
        let by = look.by(&dir, &Subject::path(&dir));
        let name = show_name(user.name());
        all.push(look.consequence(Effect::Home, Subject::account(user.name()), by, |rows| {
            messages::home_closed(name, &at.path, &dir, rows)
        }));
    }
    Ok(())
}

fn served(look: &Look<'_>, dirs: &HashSet<&ImagePath>, all: &mut Vec<Consequence>) -> Result<()> {
    let root = look.before.root();
    let served = AllServed::of(root)?;
    for one in &served.dirs {
        let Ok(at) = root.locate(&one.path) else { continue };
        if at.stat.is_none() || !is_on_the_way(dirs, &at.path) {
            continue;
        }
        let who = |audit: &Audit<'_>| -> Result<Visitor> {
            match &one.account {
                Some(name) => visitor(audit.root(), name),
                None => Ok(Visitor::nobody()),
            }
        };
        let (old, new) = (who(&look.before)?, who(&look.after)?);
        let dir = match closed(look, (&old, &new), &at.path, SEARCH)? {
            Some(dir) => Some(dir),
            None => closed(look, (&old, &new), &at.path, SEARCH | READ)?,
        };
        let Some(dir) = dir else { continue };
        let by = look.by(&dir, &Subject::path(&dir));
        let place = format!("{}:{}", one.at.0, one.at.1);
        all.push(look.consequence(Effect::Served, Subject::path(&at.path), by, |rows| {
            messages::served_closed(&at.path, one.server, place, &dir, rows)
        }));
    }
    for (text, path, line) in &served.hidden {
        let says =
            messages::hidden_path(lossless::shown(text).into_owned(), format!("{path}:{line}"));
        let subject = Subject::line(path, *line);
        let effect = Effect::NotKnown;
        all.push(Consequence { effect, subject, says, by: Vec::new(), named: false });
    }
    Ok(())
}

fn visitor(root: &dyn Rootfs, name: &str) -> Result<Visitor> {
    let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
    let table = passwd.table();
    let Some(user) = table.entries.iter().find(|user| user.name() == name.as_bytes()) else {
        return Ok(Visitor::nobody());
    };
    let gids = Groups::read(root)?.of(user.name(), Some(user.number(PRIMARY_GID)));
    Ok(Visitor { uid: user.number(UID), gids })
}
