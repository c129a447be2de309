//! `su`: without it logrotate skips every log in a directory that a group other than root's can write
//! to, as 18.04's `/var/log`.

use crate::check::common::remedy;
use crate::check::logs::messages;
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::error::Result;
use crate::rootfs::{AccountDb, ImagePath, Stat};
use crate::text::Lines;
use crate::text::logrotate::Item;

/// The gap about a directory where logs are skipped: the main file names its group, as 18.04's does.
pub(super) fn gap(
    audit: &Audit<'_>,
    conf: &ImagePath,
    text: &str,
    items: &[Item],
    dir: &ImagePath,
    (evidence, stat): (&Evidence, &Stat),
) -> Result<Gap> {
    let accounts = AccountDb::read(audit.root())?;
    let mode = format!("{:04o}", stat.mode);
    let note = messages::insecure_directory(dir, mode, accounts.show_group(stat.gid));
    let evidence = evidence.clone().note(note);
    let subject = Subject::path(dir);
    if stat.mode & 0o002 != 0 {
        let why = messages::close_to_others(dir);
        return Ok(remedy::none(audit, subject, evidence, why));
    }
    let Some(group) = accounts.group_name_of(stat.gid) else {
        return Ok(remedy::none(audit, subject, evidence, messages::group_has_no_name(dir)));
    };
    let su = format!("su root {group}");
    let first = items.iter().find(|item| match item {
        Item::Global(directive) => directive.name == "include",
        Item::Stanza(_) => true,
    });
    let mut lines = Lines::new(text);
    lines.insert(first.map_or(lines.len() + 1, Item::line), &su);
    remedy::rewrite(audit, subject, evidence.want(su), conf, lines.to_string(), 0o644)
}
