//! Who holds a lock: by the kernel's list of locks, and by what each process has open.
//!
//! The list names who took a lock. That process may have ended, and a child may still have the
//! descriptor; so the descriptors of every process are checked as well.

use std::collections::BTreeSet;
use std::ops::Range;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use xattr::FileExt;

use super::{MARK, record};
use crate::apply::messages;
use crate::message::Message;
use crate::rootfs::{DiskRootfs, ImagePath, Rootfs};

/// As much of a command is shown (characters).
const COMMAND: usize = 80;
/// As many holders are named.
const NAMED: usize = 3;
/// What it takes to write what is another account's: `CAP_CHOWN`, `CAP_DAC_OVERRIDE`, `CAP_FOWNER`.
const CAPABILITIES: u64 = 0b1011;

/// What decides who may write to a root.
#[derive(Debug, Default)]
pub(super) struct WriteAccess {
    /// The owners of the root directory and its `/etc`.
    owners: Vec<u32>,
    /// The group that may write to the root directory.
    group: Option<u32>,
    /// Anybody may, or it cannot be determined.
    open: bool,
}

impl WriteAccess {
    #[allow(clippy::disallowed_methods)] // about this process and the root's own descriptor
    pub fn of(root: &DiskRootfs, fd: &OwnedFd) -> WriteAccess {
        let file = fd.try_clone().map(std::fs::File::from);
        let top = file.and_then(|file| {
            let acl = file.get_xattr("system.posix_acl_access").unwrap_or_default().is_some();
            file.metadata().map(|meta| (meta, acl))
        });
        let Ok((top, acl)) = top else {
            return WriteAccess { open: true, ..WriteAccess::default() };
        };
        let mut owners = vec![0, top.uid()];
        let etc = ImagePath::parse("/etc").ok().and_then(|etc| root.stat(&etc).ok().flatten());
        owners.extend(etc.map(|etc| etc.uid));
        // In a user namespace that knows some numbers only, all others look the same.
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        WriteAccess {
            owners,
            group: (top.mode() & 0o020 != 0).then_some(top.gid()),
            open: top.mode() & 0o002 != 0 || acl || !is_total(&ranges(&map)),
        }
    }

    /// Whether a process may write there, by the kernel's description of it. Its real account
    /// decides: a set-user-id program that somebody started is still theirs.
    fn may_write(&self, status: &str, uid_map: &str) -> bool {
        let words = |key| {
            let line = status.lines().find_map(|line: &str| line.strip_prefix(key));
            line.map(|line| line.split_whitespace().collect::<Vec<_>>()).unwrap_or_default()
        };
        let number = |word: &&str| word.parse::<u32>().ok();
        let Some(uid) = words("Uid:").first().and_then(number) else { return true };
        let in_group = |group| {
            let all = words("Gid:").into_iter().chain(words("Groups:"));
            all.filter_map(|word| number(&word)).any(|gid| gid == group)
        };
        // Root of a user namespace, where that has the owner's files.
        let ranges = ranges(uid_map);
        let rules = || {
            let held = words("CapEff:").first().and_then(|hex| u64::from_str_radix(hex, 16).ok());
            held.is_none_or(|held| held & CAPABILITIES != 0)
                && self.owners.iter().any(|o| ranges.iter().any(|r| r.contains(&u64::from(*o))))
        };
        self.open
            || self.owners.contains(&uid)
            || self.group.is_some_and(in_group)
            || (!is_total(&ranges) && rules())
    }
}

/// The numbers outside that a map of a user namespace has (`inside outside count` a line).
fn ranges(map: &str) -> Vec<Range<u64>> {
    let range = |line: &str| {
        let mut words = line.split_whitespace().skip(1).map(str::parse::<u64>);
        let (Some(Ok(start)), Some(Ok(count))) = (words.next(), words.next()) else { return None };
        Some(start..start.saturating_add(count))
    };
    map.lines().filter_map(range).collect()
}

fn is_total(ranges: &[Range<u64>]) -> bool {
    ranges.iter().any(|r| r.start == 0 && r.end >= u64::from(u32::MAX))
}

/// A line of the kernel's about a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    kind: String,
    mode: String,
    /// Who took it; `-1` where the kernel does not report it.
    pid: String,
    /// Device and inode, as the kernel writes them.
    file: String,
    start: String,
}

impl Line {
    /// `1: FLOCK  ADVISORY  WRITE 4711 08:01:2 0 EOF`; `None` for those that only wait.
    fn parse(line: &str) -> Option<Line> {
        let words: Vec<&str> = line.trim_start_matches("lock:").split_whitespace().collect();
        let [_, kind, _, mode, pid, file, start, _] = words[..] else { return None };
        let [kind, mode, pid, file, start] = [kind, mode, pid, file, start].map(str::to_owned);
        Some(Line { kind, mode, pid, file, start })
    }

    /// Whether it is a lock of ours, or the mark of a run that has ignored it.
    fn matters(&self) -> bool {
        self.kind == "FLOCK" || (self.kind == "OFDLCK" && self.start == MARK.to_string())
    }
}

/// A process that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Holder {
    pid: u32,
    uid: String,
    command: String,
    may_write: bool,
}

/// All who hold a lock.
#[derive(Debug, Default)]
pub(super) struct Holders {
    seen: BTreeSet<Holder>,
    /// There is one that cannot be seen from here.
    unseen: bool,
}

impl Holders {
    /// Those of the first lock and of marks, but for the caller's descriptor. `refused`: the kernel
    /// has just refused the lock, so that there is somebody.
    pub fn find(fd: &OwnedFd, place: &WriteAccess, refused: bool) -> Holders {
        look(fd, place, refused).unwrap_or_else(Holders::unseen)
    }

    /// Those of the lock on a file of the host.
    pub fn of_file(file: &OwnedFd) -> Holders {
        Holders::find(file, &WriteAccess { open: true, ..WriteAccess::default() }, true)
    }

    /// Somebody of whom nothing is known.
    pub fn unseen() -> Holders {
        Holders { unseen: true, ..Holders::default() }
    }

    /// Whether one of them may be another run.
    pub fn count(&self) -> bool {
        self.unseen || self.seen.iter().any(|holder| holder.may_write)
    }
}

impl Holders {
    /// Who they are.
    pub fn message(&self) -> Message {
        let mut parts: Vec<Message> = self
            .seen
            .iter()
            .take(NAMED)
            .map(|h| messages::process(h.pid, &h.uid, &h.command))
            .collect();
        if self.seen.len() > NAMED {
            parts.push(messages::more_processes(self.seen.len() - NAMED));
        }
        if self.unseen {
            parts.push(messages::unseen_process());
        }
        parts.into_iter().reduce(messages::two).unwrap_or_else(messages::unseen_process)
    }
}

/// `None`: the kernel does not report it.
fn look(fd: &OwnedFd, place: &WriteAccess, refused: bool) -> Option<Holders> {
    let own = format!("/proc/self/fdinfo/{}", fd.as_raw_fd());
    // How the kernel calls this directory in its lists is not always what `stat` says: by a lock
    // of our own on a byte that nobody looks at.
    fcntl(fd, FcntlArg::F_OFD_SETLK(&record(libc::F_RDLCK, MARK + 1))).ok()?;
    let ours = read(&own);
    let _ = fcntl(fd, FcntlArg::F_OFD_SETLK(&record(libc::F_UNLCK, MARK + 1)));
    let ours: Vec<Line> = locks(&ours?);
    let file = ours.first()?.file.clone();
    let mut held: Vec<Line> = locks(&read("/proc/locks")?);
    held.retain(|line| line.file == file && line.matters());
    for line in ours.iter().filter(|line| line.matters()) {
        if let Some(at) = held.iter().position(|other| other == line) {
            held.swap_remove(at);
        }
    }
    let mut found = Holders::default();
    let mut explained: BTreeSet<Line> = BTreeSet::new();
    for pid in names("/proc").into_iter().filter_map(|name| name.parse::<u32>().ok()) {
        let infos = format!("/proc/{pid}/fdinfo");
        let mut lines = BTreeSet::new();
        let is_own = pid == std::process::id();
        for name in names(&infos) {
            if is_own && name == fd.as_raw_fd().to_string() {
                continue;
            }
            let Some(info) = read(&format!("{infos}/{name}")) else { continue };
            lines.extend(locks(&info).into_iter().filter(|l| held.contains(l)));
        }
        if !lines.is_empty() {
            explained.append(&mut lines);
            found.seen.extend(holder(pid, place));
        }
    }
    // One that is not in the list is of another process namespace.
    found.unseen = refused && held.is_empty() || held.iter().any(|l| !explained.contains(l));
    Some(found)
}

fn locks(text: &str) -> Vec<Line> {
    let is_lock = |line: &&str| line.starts_with("lock:") || !line.contains('\t');
    text.lines().filter(is_lock).filter_map(Line::parse).collect()
}

fn holder(pid: u32, place: &WriteAccess) -> Option<Holder> {
    let of = |name: &str| read(&format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = of("status");
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    // It has ended meanwhile.
    let uid = uid?.split_whitespace().next()?.to_owned();
    let words = of("cmdline").replace('\0', " ");
    let words = if words.trim().is_empty() { of("comm") } else { words };
    // Whoever holds it chooses the words.
    let mut shown: String = words.trim().escape_debug().take(COMMAND).collect();
    if words.trim().chars().count() > COMMAND {
        shown.push_str("...");
    }
    let may_write = place.may_write(&status, &of("uid_map"));
    Some(Holder { pid, uid, command: shown, may_write })
}

#[allow(clippy::disallowed_methods)] // a question to the running kernel
fn read(path: &str) -> Option<String> {
    std::fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

#[allow(clippy::disallowed_methods)] // a question to the running kernel
fn names(dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOTAL: &str = "         0          0 4294967295\n";

    fn status(uid: &str, groups: &str, capabilities: &str) -> String {
        format!(
            "Name:\tx\nUid:\t{uid}\nGid:\t7\t7\t7\t7\nGroups:\t{groups}\nCapEff:\t{capabilities}\n"
        )
    }

    #[test]
    fn who_may_write_to_a_root() {
        let place = WriteAccess { owners: vec![0, 1000], ..WriteAccess::default() };
        let none = "0000000000000000";
        let all = "000001ffffffffff";
        for (uid, map, capabilities, want, what) in [
            ("0\t0\t0\t0", TOTAL, all, true, "root"),
            ("65534\t65534\t65534\t65534", TOTAL, none, false, "nobody"),
            ("1000\t1000\t1000\t1000", TOTAL, none, true, "the owner"),
            ("65534\t0\t0\t0", TOTAL, all, false, "a set-user-id program of nobody's"),
            ("65534\t65534\t65534\t65534", "0 65534 1\n", all, false, "a namespace of its own"),
            ("5\t5\t5\t5", "0 5 1\n1 1000 10\n", all, true, "a namespace that has the owner"),
            ("5\t5\t5\t5", "0 5 1\n1 1000 10\n", none, false, "an ordinary user of that one"),
        ] {
            assert_eq!(place.may_write(&status(uid, "", capabilities), map), want, "{what}");
        }
        assert!(place.may_write("", TOTAL), "of whom nothing is known");
        let team = WriteAccess {
            group: Some(42),
            ..WriteAccess { owners: vec![0], ..WriteAccess::default() }
        };
        let (uid, in_it) = ("5\t5\t5\t5", "7 42 ");
        assert!(team.may_write(&status(uid, in_it, none), TOTAL));
        assert!(!team.may_write(&status(uid, "7 4 ", none), TOTAL));
        let open = WriteAccess { owners: vec![0], open: true, ..WriteAccess::default() };
        assert!(open.may_write(&status(uid, "", none), TOTAL));
    }

    #[test]
    fn a_line_about_a_lock() {
        let line = Line::parse("lock:\t1: FLOCK  ADVISORY  WRITE 4711 08:01:2 0 EOF").unwrap();
        assert_eq!((line.pid.as_str(), line.file.as_str()), ("4711", "08:01:2"));
        assert_eq!(Some(line), Line::parse("9: FLOCK  ADVISORY  WRITE 4711 08:01:2 0 EOF"));
        assert_eq!(Line::parse("9: -> FLOCK  ADVISORY  WRITE 4711 08:01:2 0 EOF"), None);
        let mark = Line::parse(&format!("3: OFDLCK ADVISORY  READ -1 00:2f:9 {MARK} {MARK}"));
        assert!(mark.unwrap().matters());
        assert!(!Line::parse("3: OFDLCK ADVISORY  READ -1 00:2f:9 5 5").unwrap().matters());
    }
}
