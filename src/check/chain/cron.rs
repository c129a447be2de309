//! The system tables that cron runs, and those that it ignores.

use super::boot::Cause;
use super::{Place, messages, units};
use crate::check::accounts::AccountFile;
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat};
use crate::text::accounts::{AccountLine, Layout};
use crate::text::crontab::{Refusal, entries};

/// The usual table.
pub(super) const TABLE: &str = "/etc/crontab";
const DIRECTORY: &str = "/etc/cron.d";

/// A line of one of cron's tables.
pub(super) struct TableLine {
    pub at: Place,
    pub command: String,
}

/// All tables.
pub(super) struct Tables {
    /// What is run.
    pub lines: Vec<TableLine>,
    /// Those that cron ignores.
    pub ignored: Vec<Ignored>,
}

/// A table of which cron runs nothing.
pub(super) struct Ignored {
    /// Why.
    pub cause: Cause,
    text: String,
}

impl Tables {
    /// Why what names `word` in a table is not run, where cron ignores such a table.
    pub fn ignored_with(&self, word: &str) -> Option<Cause> {
        let table = self.ignored.iter().find(|table| table.text.contains(word))?;
        Some(table.cause.clone())
    }
}

/// What cron's tables say.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn tables(root: &dyn Rootfs) -> Result<Tables> {
    let dir = ImagePath::parse(DIRECTORY)?;
    let mut files = vec![ImagePath::parse(TABLE)?];
    for name in units::names_in(root, &dir)?.iter() {
        // cron passes over names with other signs.
        let good = |b: &u8| b.is_ascii_alphanumeric() || b"-_".contains(b);
        if name.as_encoded_bytes().iter().all(good) {
            files.push(dir.join(name)?);
        }
    }
    let mut tables = Tables { lines: Vec::new(), ignored: Vec::new() };
    for file in files {
        let Some(stat) = root.locate(&file)?.stat else { continue };
        // Directories are no tables for anybody.
        if stat.kind == FileKind::Dir {
            continue;
        }
        let text = match stat.kind {
            FileKind::File => root.read(&file)?.unwrap_or_default(),
            _ => String::new(),
        };
        let read = match unfit(root, &file, stat)? {
            Some(why) => Err(Cause { at: Place::file(&file), why }),
            None => read(root, &file, &text)?,
        };
        match read {
            Ok(lines) => tables.lines.extend(lines),
            Err(cause) => tables.ignored.push(Ignored { cause, text }),
        }
    }
    Ok(tables)
}

/// Why cron does not open a table: a link and what it leads to are root's, and nobody else may write.
fn unfit(root: &dyn Rootfs, file: &ImagePath, stat: Stat) -> Result<Option<Message>> {
    let link = root.stat(file)?.filter(|stat| stat.kind == FileKind::Symlink);
    if let Some(link) = link.filter(|link| link.uid != 0) {
        return Ok(Some(messages::table_owner(file, link.uid)));
    }
    Ok(if stat.mode & 0o022 != 0 {
        Some(messages::table_mode(file, format!("{:04o}", stat.mode)))
    } else if stat.uid != 0 {
        Some(messages::table_owner(file, stat.uid))
    } else if stat.links > 1 {
        Some(messages::table_links(file, stat.links))
    } else if stat.kind != FileKind::File {
        Some(messages::table_not_regular(file))
    } else {
        None
    })
}

/// The lines of a table, or why cron ignores all of it.
fn read(
    root: &dyn Rootfs,
    file: &ImagePath,
    text: &str,
) -> Result<std::result::Result<Vec<TableLine>, Cause>> {
    let spoilt = |line: usize, why: fn(&ImagePath, &str) -> Message| {
        let said = text.split('\n').nth(line - 1).unwrap_or_default().trim();
        Err(Cause { at: Place::line(file, line), why: why(file, said) })
    };
    let entries = match entries(text) {
        Ok(entries) => entries,
        Err(Refusal::Line(line)) => return Ok(spoilt(line, |f, s| messages::table_line(f, s))),
        Err(Refusal::NoEnd(line)) => return Ok(spoilt(line, |f, s| messages::table_end(f, s))),
    };
    // A part of a tree has no accounts at all.
    let passwd = AccountFile::read(root, Layout::Passwd)?;
    let accounts = passwd.as_ref().map(|passwd| passwd.table().entries);
    let is_there = |name: &str| {
        let named = |all: &Vec<AccountLine>| all.iter().any(|a| a.name() == name.as_bytes());
        accounts.as_ref().is_none_or(named)
    };
    if let Some(entry) = entries.iter().find(|entry| !is_there(&entry.account)) {
        let why = messages::table_account(file, &entry.account);
        return Ok(Err(Cause { at: Place::line(file, entry.line), why }));
    }
    let line = |entry: crate::text::crontab::Entry| TableLine {
        at: Place::line(file, entry.line),
        command: entry.command,
    };
    Ok(Ok(entries.into_iter().map(line).collect()))
}
