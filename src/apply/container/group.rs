//! A control group for a step: the kernel bounds its memory and its processes together.
//!
//! In version 2 only a group without processes of its own may give controllers to groups below, so
//! the step's group is made below the closest group above this process that does so already; what
//! limits this process on the way there must be wider than the step's own. In version 1 it is made
//! below this process's own group. No setting of any other group is changed. Where no such group can
//! be made (no right to, `/sys/fs/cgroup` read-only, no controllers), `init.rs` counts instead.
#![allow(clippy::disallowed_methods)] // the running kernel's own files, none of a target

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::init::{MAX_PROCESSES, max_memory};
use super::job::KEEPER;
use super::messages;
use super::mounts::unescape;
use crate::message::Message;

/// The name of a step's group: this, and the number of its keeper.
const NAME: &str = "gokaku-step-";
/// How often, and after which pauses, the removal of a group is tried: the kernel may still be
/// clearing its last process away.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// What the kernel bounds for a step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bounded {
    pub memory: bool,
    pub processes: bool,
}

/// One limit: a file of a group, and its value.
type Limit = (&'static str, u64);

/// A directory in which groups for steps can be made.
#[derive(Debug, PartialEq, Eq)]
struct GroupDir {
    dir: PathBuf,
    bounds: Bounded,
    version: u8,
}

/// The groups of one step; gone when this is dropped.
pub(super) struct Group {
    dirs: Vec<PathBuf>,
}

impl Group {
    /// Makes the groups of the step whose keeper has this number. What cannot be made is left out.
    pub fn make(keeper: u32) -> Group {
        let mut group = Group { dirs: Vec::new() };
        for place in places() {
            let dir = place.dir.join(format!("{NAME}{keeper}"));
            // An older one of this number is nobody's: the number is this keeper's.
            let _ = std::fs::remove_dir(&dir);
            if std::fs::create_dir(&dir).is_err() {
                continue;
            }
            group.dirs.push(dir.clone());
            if !set(&dir, &limits(&place)) {
                group.dirs.pop();
                let _ = std::fs::remove_dir(&dir);
            }
        }
        group
    }

    /// What the kernel says it ended a program of the step for.
    pub fn last_word(&self) -> Option<Message> {
        let files = ["memory.events", "memory.oom_control"];
        let all = self.dirs.iter().flat_map(|dir| files.map(|file| dir.join(file)));
        let texts = all.filter_map(|path| std::fs::read_to_string(path).ok());
        let killed: u64 = texts.map(|text| killed(&text)).sum();
        (killed > 0).then(too_much_memory)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.dirs.iter().for_each(|dir| remove(dir));
    }
}

/// Removes a group once its last process is gone.
fn remove(dir: &Path) {
    for _ in 0..TRIES {
        match std::fs::remove_dir(dir) {
            Err(e) if e.kind() == std::io::ErrorKind::ResourceBusy => std::thread::sleep(PAUSE),
            _ => break,
        }
    }
}

/// The last word about a step that needs too much memory.
pub(super) fn too_much_memory() -> Message {
    messages::too_much_memory(max_memory() >> 20)
}

/// Puts this process, and so all that it starts, into the groups that its keeper has made.
pub(super) fn enter(keeper: u32) -> Bounded {
    let mut bounded = Bounded::default();
    for place in places() {
        let procs = place.dir.join(format!("{NAME}{keeper}")).join("cgroup.procs");
        // No such file: the keeper could not make the group.
        if procs.exists() && std::fs::write(procs, "0").is_ok() {
            bounded.memory |= place.bounds.memory;
            bounded.processes |= place.bounds.processes;
        }
    }
    bounded
}

/// Removes the groups of steps whose keepers were killed.
pub(in super::super) fn sweep() {
    let mut dirs: Vec<PathBuf> = Vec::new();
    for (own, top, _) in owned() {
        dirs.extend(own.ancestors().take_while(|d| d.starts_with(&top)).map(Path::to_owned));
    }
    for entry in dirs.iter().filter_map(|dir| std::fs::read_dir(dir).ok()).flatten().flatten() {
        let name = entry.file_name();
        let keeper = name.to_str().and_then(|n| n.strip_prefix(NAME));
        if keeper.is_some_and(|number| !is_keeper(number)) {
            remove(&entry.path());
        }
    }
}

/// Whether a keeper of this number is at work. One that has ended and is not buried yet has no command
/// line, and another program that has got its number has another one.
fn is_keeper(number: &str) -> bool {
    let line = std::fs::read(Path::new("/proc").join(number).join("cmdline")).unwrap_or_default();
    line.split(|b| *b == 0).any(|word| word == KEEPER.as_bytes())
}

fn limits(place: &GroupDir) -> Vec<Limit> {
    let mut all = Vec::new();
    if place.bounds.memory {
        all.push((if place.version == 2 { "memory.max" } else { LIMIT_V1 }, max_memory()));
    }
    if place.bounds.processes {
        all.push(("pids.max", u64::try_from(MAX_PROCESSES).unwrap_or(u64::MAX)));
    }
    all
}

const LIMIT_V1: &str = "memory.limit_in_bytes";
/// Swap is memory, too: none in version 2, none beyond the limit in version 1. Not every kernel counts it.
const SWAP: [(&str, Option<u64>); 2] =
    [("memory.swap.max", Some(0)), ("memory.memsw.limit_in_bytes", None)];

fn set(dir: &Path, limits: &[Limit]) -> bool {
    let written = |file: &str, value: u64| {
        let path = dir.join(file);
        path.exists() && std::fs::write(path, value.to_string()).is_ok()
    };
    let is_set = limits.iter().all(|(file, value)| written(file, *value));
    for (file, value) in SWAP {
        written(file, value.unwrap_or_else(max_memory));
    }
    // The step ends as a whole, not program by program.
    written("memory.oom.group", 1);
    is_set
}

/// How many programs the kernel has ended, by one of its tables.
fn killed(text: &str) -> u64 {
    let count = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    count.and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

/// Where groups can be made from here.
fn places() -> Vec<GroupDir> {
    owned().into_iter().filter_map(|(own, top, kind)| kind.place(&own, &top)).collect()
}

/// A hierarchy of control groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hierarchy {
    Unified,
    Memory,
    Processes,
}

impl Hierarchy {
    fn place(self, own: &Path, top: &Path) -> Option<GroupDir> {
        let one = |memory| Bounded { memory, processes: !memory };
        match self {
            Hierarchy::Unified => unified(own, top),
            Hierarchy::Memory => {
                // Without it, the limits of this process's own group would not hold below.
                let hierarchical = std::fs::read_to_string(own.join("memory.use_hierarchy"));
                let holds = hierarchical.map_or(true, |text| text.trim() != "0");
                holds.then(|| GroupDir { dir: own.to_owned(), bounds: one(true), version: 1 })
            }
            Hierarchy::Processes => {
                Some(GroupDir { dir: own.to_owned(), bounds: one(false), version: 1 })
            }
        }
    }
}

/// The closest group at or above `own` that gives memory and processes to those below, if nothing on
/// the way there is limited more than a step is.
fn unified(own: &Path, top: &Path) -> Option<GroupDir> {
    for dir in own.ancestors().take_while(|dir| dir.starts_with(top)) {
        let given = std::fs::read_to_string(dir.join("cgroup.subtree_control")).unwrap_or_default();
        let gives = |controller| given.split_ascii_whitespace().any(|word| word == controller);
        if gives("memory") && gives("pids") {
            let bounds = Bounded { memory: true, processes: true };
            return Some(GroupDir { dir: dir.to_owned(), bounds, version: 2 });
        }
        let is_wide = |file, least: u64| match std::fs::read_to_string(dir.join(file)) {
            // The topmost group has no limits, and no files for them.
            Err(_) => true,
            Ok(text) => {
                let first = text.split_ascii_whitespace().next().unwrap_or_default();
                first == "max" || first.parse::<u64>().is_ok_and(|n| n >= least)
            }
        };
        let processes = u64::try_from(MAX_PROCESSES).unwrap_or(u64::MAX);
        let wide = is_wide("memory.max", max_memory())
            && is_wide("memory.high", max_memory())
            && is_wide("pids.max", processes)
            && is_wide("cpu.max", u64::MAX);
        if !wide {
            return None;
        }
    }
    None
}

/// This process's own group in each hierarchy that is mounted here, and the topmost one.
fn owned() -> Vec<(PathBuf, PathBuf, Hierarchy)> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    parse(&groups, &mounts)
}

fn parse(groups: &str, mounts: &[u8]) -> Vec<(PathBuf, PathBuf, Hierarchy)> {
    let mut all = Vec::new();
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { continue };
        let has = |name| controllers.split(',').any(|c| c == name);
        let kinds = [
            (controllers.is_empty(), Hierarchy::Unified, None),
            (has("memory"), Hierarchy::Memory, Some("memory")),
            (has("pids"), Hierarchy::Processes, Some("pids")),
        ];
        for (_, kind, controller) in kinds.into_iter().filter(|(fits, ..)| *fits) {
            let place = mounts.split(|b| *b == b'\n').find_map(|m| mounted(m, controller));
            let Some((root, top)) = place else { continue };
            // Outside of what is mounted here there is nothing to reach.
            let Ok(below) = Path::new(path).strip_prefix(&root) else { continue };
            if below.components().all(|c| matches!(c, std::path::Component::Normal(_))) {
                all.push((top.join(below), top, kind));
            }
        }
    }
    all
}

/// The root and the place of a mount, if it is of this hierarchy (`None`: of version 2).
fn mounted(line: &[u8], controller: Option<&str>) -> Option<(PathBuf, PathBuf)> {
    let mut words = line.split(|b| *b == b' ');
    let (root, at) = (unescape(words.nth(3)?), unescape(words.next()?));
    let mut rest = words.skip_while(|w| *w != b"-").skip(1);
    let (kind, options) = (rest.next()?, rest.nth(1)?);
    let fits = match controller {
        None => kind == b"cgroup2",
        Some(name) => {
            kind == b"cgroup" && options.split(|b| *b == b',').any(|o| o == name.as_bytes())
        }
    };
    fits.then_some((root, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_groups_are_found_where_they_are_mounted() {
        let mounts =
            b"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory\n\
            40 31 0:37 /docker/a /sys/fs/cgroup/pids\\040x rw - cgroup cgroup rw,pids\n\
            41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
        let groups =
            "9:name=systemd:/x\n8:pids:/docker/a/b\n4:cpu,memory:/jobs/7\n0::/user.slice\n";
        let found = parse(groups, mounts);
        let want = |own: &str, top: &str, kind| (own.into(), top.into(), kind);
        let top = "/sys/fs/cgroup";
        assert_eq!(
            found,
            [
                want(&format!("{top}/pids x/b"), &format!("{top}/pids x"), Hierarchy::Processes),
                want(&format!("{top}/memory/jobs/7"), &format!("{top}/memory"), Hierarchy::Memory),
                want(
                    &format!("{top}/unified/user.slice"),
                    &format!("{top}/unified"),
                    Hierarchy::Unified
                ),
            ]
        );
        assert!(parse("8:pids:/elsewhere\n0::/../up\n", mounts).is_empty());
    }

    #[test]
    fn a_place_is_the_closest_that_gives_controllers_if_nothing_is_wider_there() {
        let top = tempfile::tempdir().unwrap();
        let own = top.path().join("system.slice/job.service");
        std::fs::create_dir_all(&own).unwrap();
        let write = |path: &str, text: &str| std::fs::write(top.path().join(path), text).unwrap();
        assert_eq!(unified(&own, top.path()), None, "nobody gives any");
        write("cgroup.subtree_control", "cpu memory pids\n");
        assert_eq!(unified(&own, top.path()).unwrap().dir, top.path());
        write("system.slice/cgroup.subtree_control", "memory pids\n");
        assert_eq!(unified(&own, top.path()).unwrap().dir, top.path().join("system.slice"));
        let file = "system.slice/job.service";
        for (name, narrow, wide) in [
            ("memory.max", "1048576\n", "max\n"),
            ("memory.high", "1048576\n", "max\n"),
            ("pids.max", "100\n", "100000\n"),
            ("cpu.max", "50000 100000\n", "max 100000\n"),
        ] {
            write(&format!("{file}/{name}"), narrow);
            assert_eq!(unified(&own, top.path()), None, "{name}: the step would escape it");
            write(&format!("{file}/{name}"), wide);
            assert!(unified(&own, top.path()).is_some(), "{name}");
        }
        // One that gives them itself keeps its limits for all below.
        write(&format!("{file}/memory.max"), "1048576\n");
        write(&format!("{file}/cgroup.subtree_control"), "memory pids\n");
        assert_eq!(unified(&own, top.path()).unwrap().dir, own);
    }

    #[test]
    fn what_the_kernel_has_ended_is_counted() {
        assert_eq!(killed("low 0\nmax 7\noom 2\noom_kill 3\noom_group_kill 1\n"), 3);
        assert_eq!(killed("oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"), 1);
        assert_eq!(killed(""), 0);
    }
}
