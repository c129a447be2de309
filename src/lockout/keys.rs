//! Whether sshd takes a key of an account.

use std::collections::BTreeSet;

use super::{Bar, FILE_LIMIT, WRITABLE, expanded, messages};
use crate::check::Subject;
use crate::check::sshd::login::Door;
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::visitor::{READ, SEARCH, Visitor};
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat, show_name};
use crate::text::accounts::{AccountLine, HOME, UID};
use crate::text::lossless;

/// Why no key fits either; nothing where one may.
pub(super) fn no_key(
    root: &dyn Rootfs,
    entry: AccountLine<'_>,
    gids: BTreeSet<u32>,
    door: &Door,
) -> Result<Option<Bar>> {
    let home = lossless::decode(entry.field(HOME));
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
    let who = Visitor { uid: entry.number(UID), gids };
    let shown = show_name(entry.name());
    let mut refused = None;
    for pattern in &door.key_files {
        let text = expanded(pattern, &entry);
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
        match key_file_refusal(root, (&at.path, &stat), &home, (&shown, &who), door.strict)? {
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

/// Why sshd does not take the keys of a file: it cannot read it as that account, or others could
/// write to it, or to a directory above it up to the home.
fn key_file_refusal(
    root: &dyn Rootfs,
    (path, stat): (&ImagePath, &Stat),
    home: &ImagePath,
    (name, who): (&str, &Visitor),
    strict: bool,
) -> Result<Option<(Message, ImagePath)>> {
    let unsafe_ = |stat: &Stat| stat.mode & WRITABLE != 0 || ![0, who.uid].contains(&stat.uid);
    let mode = |stat: &Stat| format!("{:04o}", stat.mode);
    if !who.may(root, path, stat, READ)? {
        let says = messages::keys_unreadable(name, mode(stat), stat.uid);
        return Ok(Some((says, path.clone())));
    }
    if strict && unsafe_(stat) {
        return Ok(Some((messages::keys_writable(mode(stat), stat.uid), path.clone())));
    }
    let mut checked = strict;
    for dir in std::iter::successors(path.parent(), ImagePath::parent) {
        let Some(stat) = root.stat(&dir)? else { continue };
        if !who.may(root, &dir, &stat, SEARCH)? {
            return Ok(Some((messages::keys_unreachable(name, mode(&stat), stat.uid), dir)));
        }
        if checked && unsafe_(&stat) {
            return Ok(Some((messages::directory_writable(mode(&stat), stat.uid), dir)));
        }
        checked &= dir != *home;
    }
    Ok(None)
}
