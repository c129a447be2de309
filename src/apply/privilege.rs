//! What this process may set, determined before anything is written.
//!
//! A partial hardening is worse than none: files that root should own would have another owner, and
//! nobody would notice. So a run that cannot set owners does not begin.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::Range;

use crate::apply::messages;
use crate::error::{Error, Result};
use crate::message::{Arg, say};
use crate::plan::PathChange;
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

use super::entry::OpenDir;

/// As many paths as a message names.
const SHOWN: usize = 8;

/// What it takes to give any file any owner, mode and time: name and number of capabilities.
const WANTED: [(&str, u32); 4] =
    [("CAP_CHOWN", 0), ("CAP_DAC_OVERRIDE", 1), ("CAP_FOWNER", 3), ("CAP_FSETID", 4)];
/// Where the kernel describes this process.
const CAPABILITIES: &str = "/proc/self/status";

/// Refuses to begin without the right to give files to root: root, or root of a user namespace, with
/// the capabilities that go with it.
///
/// # Errors
/// [`Error::Guard`].
pub(super) fn require_root() -> Result<()> {
    match users::get_effective_uid() {
        0 => match missing(&read(CAPABILITIES).unwrap_or_default()).as_slice() {
            [] => Ok(()),
            some => Err(Error::Guard(messages::lacks_capabilities(Arg::names(some)))),
        },
        uid => Err(Error::Guard(messages::not_root(uid))),
    }
}

/// The capabilities that a process lacks, by the kernel's description of it. Where that cannot be
/// had, none.
fn missing(status: &str) -> Vec<&'static str> {
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let Some(held) = held.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()) else {
        return Vec::new();
    };
    WANTED.iter().filter(|(_, bit)| held & (1 << bit) == 0).map(|(name, _)| *name).collect()
}

/// The account numbers that a user namespace knows.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ids {
    known: Vec<Range<u64>>,
    /// What the kernel shows for all others.
    overflow: u32,
}

impl Ids {
    /// From a map of the kernel's (`inside outside count` a line). `None`: every number is known.
    fn parse(map: &str, overflow: u32) -> Option<Ids> {
        let known: Vec<Range<u64>> = map
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace().map(str::parse::<u64>);
                let (Some(Ok(start)), Some(Ok(_)), Some(Ok(count))) =
                    (words.next(), words.next(), words.next())
                else {
                    return None;
                };
                Some(start..start.saturating_add(count))
            })
            .collect();
        let all = known.iter().any(|r| r.start == 0 && r.end >= u64::from(u32::MAX));
        (!all && !known.is_empty()).then_some(Ids { known, overflow })
    }

    fn knows(&self, id: u32) -> bool {
        id != self.overflow && self.known.iter().any(|r| r.contains(&u64::from(id)))
    }
}

#[allow(clippy::disallowed_methods)] // a question to the running kernel
fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// Whether an ACL or default ACL among the attributes names somebody whom the user namespace does
/// not know: the kernel shows no number then, and takes none back.
fn names_a_stranger(attributes: &[(OsString, Vec<u8>)]) -> bool {
    const ACLS: [&str; 2] = ["system.posix_acl_access", "system.posix_acl_default"];
    // After four bytes of version: tag, permissions, number; 2 and 8 are named users and groups.
    let named = |entry: &[u8]| matches!(entry[..2], [2 | 8, 0]);
    let acls = attributes.iter().filter(|(name, _)| ACLS.iter().any(|acl| name == acl));
    acls.flat_map(|(_, acl)| acl.get(4..).unwrap_or_default().chunks_exact(8))
        .any(|entry| named(entry) && entry[4..] == [0xff; 4])
}

fn ids(map: &str, overflow: &str) -> Option<Ids> {
    let overflow = read(overflow).and_then(|n| n.trim().parse().ok()).unwrap_or(65_534);
    Ids::parse(&read(map)?, overflow)
}

/// In a user namespace, refuses changes to what belongs to an account that the namespace does not
/// know, or that would have to: the kernel would refuse them half-way. Says what cannot be kept.
///
/// # Errors
/// [`Error::Guard`] with the paths and the rows to leave out.
pub(super) fn can_set(root: &DiskRootfs, changes: &[PathChange]) -> Result<()> {
    let users = ids("/proc/self/uid_map", "/proc/sys/kernel/overflowuid");
    let groups = ids("/proc/self/gid_map", "/proc/sys/kernel/overflowgid");
    if changes.is_empty() || (users.is_none() && groups.is_none()) {
        return Ok(());
    }
    say!(warn, messages::trusted_attributes());
    let knows = |(uid, gid): (u32, u32)| {
        users.as_ref().is_none_or(|ids| ids.knows(uid))
            && groups.as_ref().is_none_or(|ids| ids.knows(gid))
    };
    let mut paths = Vec::new();
    let mut rows = BTreeSet::new();
    for change in changes {
        let holder = change.path.parent().and_then(|dir| root.stat(&dir).ok().flatten());
        let stats = [&change.before, &change.after].into_iter().flatten().map(|node| node.stat);
        let mut owners = stats.chain(holder).map(|stat| (stat.uid, stat.gid));
        if let Some((uid, gid)) = owners.find(|owner| !knows(*owner)) {
            paths.push(messages::owned(&change.path, uid, gid));
        } else if change.before.is_some() && names_a_stranger(&attributes(root, &change.path)?) {
            paths.push(messages::named_in_acl(&change.path));
        } else {
            continue;
        }
        rows.extend(change.rules().map(ToString::to_string));
    }
    let more = paths.len().saturating_sub(SHOWN);
    paths.truncate(SHOWN);
    if more > 0 {
        paths.push(messages::more_paths(more));
    }
    let Some(paths) = paths.into_iter().reduce(messages::then) else { return Ok(()) };
    let rows: Vec<String> = rows.into_iter().collect();
    Err(Error::Guard(messages::unknown_owners(paths, rows.join(","))))
}

fn attributes(root: &DiskRootfs, path: &ImagePath) -> Result<Vec<(OsString, Vec<u8>)>> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return Ok(Vec::new()) };
    let shape = OpenDir::of(root, dir)?.look(name, false)?;
    Ok(shape.map(|shape| shape.xattrs).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_without_its_capabilities_is_told() {
        let status = |held: &str| format!("Name:\tgokaku\nCapEff:\t{held}\nSeccomp:\t0\n");
        assert!(missing(&status("000001ffffffffff")).is_empty());
        assert_eq!(missing(&status("000001fffffffff6")), ["CAP_CHOWN", "CAP_FOWNER"]);
        assert!(missing("").is_empty(), "no kernel to ask");
    }

    #[test]
    fn an_acl_that_names_a_stranger_is_seen() {
        let acl = |tag: u8, id: u32| {
            let mut acl = vec![2, 0, 0, 0, 1, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, tag, 0, 4, 0];
            acl.extend(id.to_le_bytes());
            [("system.posix_acl_access".into(), acl)]
        };
        assert!(names_a_stranger(&acl(2, u32::MAX)) && names_a_stranger(&acl(8, u32::MAX)));
        assert!(!names_a_stranger(&acl(2, 5)), "somebody known");
        assert!(!names_a_stranger(&acl(16, u32::MAX)), "the mask is nobody");
        assert!(!names_a_stranger(&[("user.x".into(), vec![2; 40])]));
    }

    #[test]
    fn a_map_says_which_numbers_are_known() {
        assert_eq!(Ids::parse("         0          0 4294967295\n", 65_534), None);
        assert_eq!(Ids::parse("", 65_534), None);
        let one = Ids::parse("0 1000 1\n", 65_534).unwrap();
        assert!(one.knows(0) && !one.knows(42) && !one.knows(65_534));
        let auto = Ids::parse("0 1000 1\n1 100000 65536\n", 65_534).unwrap();
        assert!(auto.knows(42) && auto.knows(65_535) && !auto.knows(65_534));
    }
}
