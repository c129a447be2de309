//! Whether the package manager of a root can be run at all, and in which state it is.

use std::collections::BTreeSet;

use nix::fcntl::OFlag;
use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::{messages, names};
use crate::check::Presence;
use crate::check::packages::dpkg::Packages;
use crate::error::{self, Error, Result, cannot};
use crate::message::Message;
use crate::plan::PackageChange;
use crate::rootfs::{DiskRootfs, FileKind, ImagePath, Links, Rootfs, escape};
use crate::text::dpkg::State;

const DPKG: &str = "/usr/bin/dpkg";
/// A program larger than this is not dpkg (bytes).
const PROGRAM_LIMIT: u64 = 64 << 20;
/// A record of what was installed automatically larger than this is not apt's (bytes).
const MARKS_LIMIT: u64 = 16 << 20;

/// What dpkg and apt lock while they work.
const LOCKS: [&str; 4] = [
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
];

/// Refuses a root whose package manager cannot do what is wanted. Nothing is touched.
pub(super) fn guard(
    root: &DiskRootfs,
    packages: &Packages,
    wanted: &[PackageChange],
) -> Result<()> {
    if users::get_effective_uid() != 0 {
        return refuse(messages::root_only());
    }
    for program in [DPKG, "/usr/bin/apt-get"] {
        if kind(root, program)? != Some(FileKind::File) {
            return refuse(messages::program_missing(program));
        }
    }
    architecture(root)?;
    if !root.is_own() {
        for dir in ["/proc", "/sys", "/dev", "/run"] {
            let found = root.stat(&ImagePath::parse(dir)?)?.map(|s| s.kind);
            if found != Some(FileKind::Dir) {
                return refuse(match found {
                    Some(found) => messages::other_than_directory(dir, error::kind(found)),
                    None => messages::no_directory(dir),
                });
            }
        }
    }
    locks(root)?;
    broken(packages, wanted)
}

fn refuse<T>(why: Message) -> Result<T> {
    Err(Error::Guard(messages::nothing_changed(why)))
}

fn kind(root: &DiskRootfs, path: &str) -> Result<Option<FileKind>> {
    Ok(root.locate(&ImagePath::parse(path)?)?.stat.map(|s| s.kind))
}

/// The part of a program's head that says on which machines it runs: width, byte order, processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Machine {
    class: u8,
    order: u8,
    processor: u16,
}

/// The number of its processor.
const I386: u16 = 3;

impl Machine {
    fn of(program: &[u8]) -> Option<Machine> {
        let class = *program.get(4).filter(|_| program.starts_with(b"\x7fELF"))?;
        let order = *program.get(5)?;
        let pair = [*program.get(18)?, *program.get(19)?];
        let processor =
            if order == 2 { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) };
        Some(Machine { class, order, processor })
    }

    /// Whether a machine that runs programs of `self` runs those of `other`, too.
    fn runs(self, other: Machine) -> bool {
        const AMD64: u16 = 62;
        self == other || (self.processor, other.processor) == (AMD64, I386)
    }

    fn name(self) -> Message {
        match (self.processor, self.class) {
            (3, _) => "i386".into(),
            (62, 1) => "x32".into(),
            (62, _) => "amd64".into(),
            (40, _) => "arm".into(),
            (183, _) => "arm64".into(),
            (21, _) => "ppc64".into(),
            (22, _) => "s390x".into(),
            (243, _) => "riscv".into(),
            (n, _) => messages::processor(n),
        }
    }
}

/// The kinds of this program and of the root's dpkg.
fn machines(root: &DiskRootfs) -> Result<(Option<Machine>, Option<Machine>)> {
    #[allow(clippy::disallowed_methods)] // what this machine runs is the question
    let own = std::fs::File::open("/proc/self/exe")
        .and_then(|mut file| {
            let mut head = [0; 20];
            std::io::Read::read_exact(&mut file, &mut head).map(|()| head)
        })
        .map_err(|e| Error::host(cannot::read_this_program, "/proc/self/exe", e))?;
    let program = root.read_bytes(&ImagePath::parse(DPKG)?, PROGRAM_LIMIT)?.unwrap_or_default();
    Ok((Machine::of(&own), Machine::of(&program)))
}

/// Whether the root's programs are for i386 and this one is not. Such a root cannot fetch: its C
/// library asks for every socket by one call (`socketcall`) with the arguments in memory, where no
/// filter can see that it is not one that leads to this machine's services; so the call is refused
/// while the network is there.
pub(super) fn is_i386_here(root: &DiskRootfs) -> Result<bool> {
    let (own, theirs) = machines(root)?;
    Ok(own != theirs && theirs.is_some_and(|m| m.processor == I386))
}

fn architecture(root: &DiskRootfs) -> Result<()> {
    match machines(root)? {
        (Some(own), Some(theirs)) if own.runs(theirs) => Ok(()),
        (Some(own), Some(theirs)) => {
            refuse(messages::other_machine(DPKG, theirs.name(), own.name()))
        }
        (_, None) => refuse(messages::no_program(DPKG)),
        (None, _) => Ok(()),
    }
}

fn locks(root: &DiskRootfs) -> Result<()> {
    for path in LOCKS {
        let path = ImagePath::parse(path)?;
        if root.locate(&path)?.stat.map(|s| s.kind) != Some(FileKind::File) {
            continue;
        }
        let fd = root
            .open_at(&path, OFlag::O_RDONLY | OFlag::O_NONBLOCK, Links::Follow)
            .map_err(|e| Error::target(cannot::open, &path, e))?;
        let held = fcntl_getlk(&fd, &Flock::from(FlockType::WriteLock))
            .map_err(|e| Error::target(cannot::ask_for_the_lock_of, &path, e))?;
        if let Some(holder) = held {
            let holder = match holder.pid {
                Some(pid) => messages::process(pid.as_raw_nonzero().get()),
                None => crate::apply::messages::unseen_process(),
            };
            return refuse(messages::locked(&path, holder));
        }
    }
    Ok(())
}

/// A package that was cut off while it was unpacked blocks everything, and only who knows what it
/// was to become can mend it. One that is itself to be purged or installed is no obstacle.
fn broken(packages: &Packages, wanted: &[PackageChange]) -> Result<()> {
    let known: BTreeSet<String> =
        [Presence::Absent, Presence::Present].iter().flat_map(|w| names(wanted, *w)).collect();
    let found = packages
        .all()
        .filter(|(_, r)| r.reinstall || r.state == State::HalfInstalled)
        .map(|(names, r)| (escape(names.name), r.state))
        .find(|(name, _)| !known.contains(name));
    match found {
        Some((name, state)) => refuse(messages::half_there(name, state.word())),
        None => Ok(()),
    }
}

/// What an earlier run of dpkg did not come to the end of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Interrupted {
    /// In words.
    pub what: Message,
    /// What is to be configured now; `None`: all of it. A package that is to go is not configured
    /// first: its own script may be what fails.
    pub others: Option<Vec<String>>,
}

/// What an earlier run of dpkg did not come to the end of, but for the packages that are to go.
pub(super) fn interrupted(packages: &Packages, going: &[String]) -> Option<Interrupted> {
    let own = architecture_of(packages, "dpkg");
    let (mut pending, mut others) = (BTreeSet::new(), BTreeSet::new());
    let mut some_go = false;
    for (names, record) in packages.all().filter(|(_, r)| is_pending(r.state) && !r.reinstall) {
        let name = escape(names.name);
        if going.contains(&name) {
            some_go = true;
            continue;
        }
        pending.insert(format!("{name} ({})", record.state.word()));
        others.insert(with_architecture(name, &escape(names.architecture), own.as_deref()));
    }
    if pending.is_empty() && !packages.is_unmerged() {
        return None;
    }
    let list = pending.into_iter().collect::<Vec<_>>().join(", ");
    let what = match list.is_empty() {
        true => messages::cut_off(),
        false => messages::cut_off_at(list),
    };
    Some(Interrupted { what, others: some_go.then(|| others.into_iter().collect()) })
}

/// A package as dpkg and apt-get take it: with its architecture where that is not the root's own.
fn with_architecture(name: String, architecture: &str, own: Option<&str>) -> String {
    let plain = architecture.is_empty()
        || architecture == "all"
        || own.is_none_or(|own| own == architecture);
    if plain { name } else { format!("{name}:{architecture}") }
}

/// The packages that rules ask for and that dpkg was cut off while unpacking or removing them, or, of
/// those that are to go, while configuring them; with dpkg's word for that.
pub(super) fn half_done(
    packages: &Packages,
    wanted: &[PackageChange],
) -> Vec<(String, &'static str)> {
    let is_wanted = |name: &String| wanted.iter().any(|c| c.names.contains(name));
    let going = names(wanted, Presence::Absent);
    packages
        .all()
        .map(|(names, r)| (escape(names.name), r))
        .filter(|(name, r)| {
            let begun = r.reinstall || r.state == State::HalfInstalled;
            (begun && is_wanted(name)) || (is_pending(r.state) && going.contains(name))
        })
        .map(|(name, r)| (name, r.state.word()))
        .collect()
}

/// Whether configuring is not done with.
fn is_pending(state: State) -> bool {
    use State::*;
    matches!(state, Unpacked | HalfConfigured | TriggersAwaited | TriggersPending)
}

/// Each name, with its architecture where that is not the root's own: those that are there.
pub(super) fn qualified(packages: &Packages, names: &[String]) -> Vec<String> {
    let own = architecture_of(packages, "dpkg");
    let mut all = Vec::new();
    for (known, record) in packages.all() {
        let name = escape(known.name);
        if !record.state.is_there() || !names.contains(&name) {
            continue;
        }
        all.push(with_architecture(name, &escape(known.architecture), own.as_deref()));
    }
    all
}

fn architecture_of(packages: &Packages, name: &str) -> Option<String> {
    packages
        .all()
        .find(|(known, r)| known.name == name.as_bytes() && r.state.is_there())
        .map(|(known, _)| escape(known.architecture))
}

/// Those of `purge` that dpkg was cut off while unpacking or removing: apt-get refuses to go on
/// beside them, or takes them away without their configuration.
pub(super) fn stumps(packages: &Packages, purge: &[String]) -> Vec<String> {
    let is_stump = |name: &&String| {
        let bare = name.split_once(':').map_or(name.as_str(), |(bare, _)| bare);
        packages.records(bare).iter().any(|r| r.reinstall || r.state == State::HalfInstalled)
    };
    purge.iter().filter(is_stump).cloned().collect()
}

/// Which packages apt has installed for the sake of others: name and architecture, which is empty
/// where apt did not write it.
#[derive(Debug, Default)]
pub(super) struct Marks(BTreeSet<(String, String)>);

impl Marks {
    pub fn read(root: &DiskRootfs) -> Result<Marks> {
        let path = ImagePath::parse("/var/lib/apt/extended_states")?;
        let text = root.read_bytes(&path, MARKS_LIMIT)?.unwrap_or_default();
        Ok(Marks::parse(&String::from_utf8_lossy(&text)))
    }

    pub fn parse(text: &str) -> Marks {
        let mut marks = BTreeSet::new();
        for stanza in text.split("\n\n") {
            let field = |wanted: &str| {
                stanza.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    name.eq_ignore_ascii_case(wanted).then(|| value.trim())
                })
            };
            if field("Auto-Installed") == Some("1")
                && let Some(name) = field("Package")
            {
                let architecture = field("Architecture").unwrap_or_default();
                marks.insert((name.to_owned(), architecture.to_owned()));
            }
        }
        Marks(marks)
    }

    /// Whether a package, as apt-get calls it (`NAME`, or `NAME:ARCHITECTURE`), came along. The same
    /// name of another architecture has a mark of its own.
    pub fn is_automatic(&self, shown: &str, packages: &Packages) -> bool {
        let (name, architecture) = match shown.split_once(':') {
            Some((name, architecture)) => (name, Some(architecture.to_owned())),
            None => (shown, architecture_of(packages, "dpkg")),
        };
        let marked = |a: &str| self.0.contains(&(name.to_owned(), a.to_owned()));
        marked("")
            || marked("all")
            || match architecture {
                Some(architecture) => marked(&architecture),
                // Without dpkg there is no own architecture, and nothing is known for sure.
                None => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn packages(list: &[(&str, &str, &str)]) -> Rc<Packages> {
        let stanza = |(name, architecture, status): &(&str, &str, &str)| {
            format!("Package: {name}\nStatus: {status}\nArchitecture: {architecture}\n\n")
        };
        let text: String = list.iter().map(stanza).collect();
        Packages::read(&MemoryRootfs::new().file("/var/lib/dpkg/status", text)).unwrap()
    }

    fn wanted(name: &str) -> PackageChange {
        let names = vec![name.to_owned()];
        let rules = BTreeSet::new();
        PackageChange { names, want: Presence::Absent, before: Vec::new(), rules }
    }

    #[cfg(target_arch = "x86_64")]
    #[test]
    #[allow(clippy::disallowed_methods)] // the test's own directory
    fn a_root_of_i386_is_known_by_its_dpkg() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(top.path().join("usr/bin")).unwrap();
        let dpkg = top.path().join("usr/bin/dpkg");
        let is_i386 = |head: &[u8]| {
            std::fs::write(&dpkg, head).unwrap();
            is_i386_here(&DiskRootfs::open(top.path()).unwrap()).unwrap()
        };
        let mut head = *b"\x7fELF\x01\x01............\x03\x00";
        assert!(is_i386(&head) && architecture(&DiskRootfs::open(top.path()).unwrap()).is_ok());
        (head[4], head[18]) = (2, 62);
        assert!(!is_i386(&head) && !is_i386(b"#!/bin/sh\nexit 0 # no program\n"));
    }

    #[test]
    fn programs_of_other_machines_are_told_apart() {
        let elf = |class: u8, order: u8, processor: u16| {
            let mut head = vec![0x7f, b'E', b'L', b'F', class, order];
            head.resize(18, 0);
            head.extend(if order == 2 { processor.to_be_bytes() } else { processor.to_le_bytes() });
            Machine::of(&head).unwrap()
        };
        let (amd64, i386, arm64) = (elf(2, 1, 62), elf(1, 1, 3), elf(2, 1, 183));
        let s390x = elf(2, 2, 22);
        assert!(amd64.runs(amd64) && amd64.runs(i386));
        assert!(!amd64.runs(arm64) && !arm64.runs(amd64) && !i386.runs(amd64));
        assert!(!amd64.runs(s390x) && s390x.name().to_string() == "s390x");
        assert_eq!(Machine::of(b"#!/bin/sh\nexec true # and more"), None);
        assert_eq!(Machine::of(b"\x7fELF"), None);
    }

    #[test]
    fn half_states_are_pending_or_broken() {
        let whole = ("bash", "amd64", "install ok installed");
        let cut_off = packages(&[whole, ("man-db", "amd64", "install ok triggers-pending")]);
        let e = interrupted(&cut_off, &[]).unwrap();
        assert!(e.what.to_string().ends_with("cut off: man-db (triggers-pending)"), "{e:?}");
        assert_eq!(e.others, None, "all of it");
        assert!(broken(&cut_off, &[]).is_ok());
        let stump = packages(&[whole, ("nis", "amd64", "install reinstreq half-installed")]);
        assert_eq!(interrupted(&stump, &[]), None, "dpkg cannot configure it");
        let e = broken(&stump, &[wanted("cups")]).unwrap_err();
        assert!(
            matches!(&e, Error::Guard(why) if why.to_string().contains("nis: found half-installed")),
            "{e}"
        );
        assert!(broken(&stump, &[wanted("nis")]).is_ok());
        assert_eq!(half_done(&stump, &[wanted("nis")]), [("nis".into(), "half-installed")]);
        assert_eq!(half_done(&stump, &[wanted("bash")]), []);
        assert_eq!(stumps(&stump, &["nis".into(), "bash".into()]), ["nis"]);
        assert_eq!(
            interrupted(&packages(&[whole, ("x", "all", "deinstall ok config-files")]), &[]),
            None
        );
    }

    #[test]
    fn another_architecture_is_named() {
        let all = packages(&[
            ("dpkg", "amd64", "install ok installed"),
            ("nis", "all", "install ok installed"),
            ("talk", "i386", "install ok installed"),
            ("cups", "amd64", "deinstall ok config-files"),
        ]);
        let names = ["nis", "talk", "cups", "more"].map(str::to_owned);
        assert_eq!(qualified(&all, &names), ["nis", "talk:i386"]);
    }

    #[test]
    fn what_is_to_go_is_not_configured_first() {
        let going = ["nis".to_owned()];
        let dpkg = ("dpkg", "amd64", "install ok installed");
        let nis = ("nis", "amd64", "install ok half-configured");
        assert_eq!(interrupted(&packages(&[dpkg, nis]), &going), None);
        let others = [
            dpkg,
            nis,
            ("man-db", "amd64", "install ok unpacked"),
            ("libx", "i386", "install ok triggers-awaited"),
        ];
        let e = interrupted(&packages(&others), &going).unwrap();
        assert_eq!(e.others.unwrap(), ["libx:i386", "man-db"]);
        assert!(!e.what.to_string().contains("nis"), "{}", e.what);
        let all = interrupted(&packages(&others), &[]).unwrap();
        assert_eq!(all.others, None);
        assert!(all.what.to_string().contains("nis (half-configured)"), "{}", all.what);
    }

    #[test]
    fn marks_say_what_came_along() {
        let state = packages(&[("dpkg", "amd64", "install ok installed")]);
        let marks = Marks::parse(
            "Package: a\nArchitecture: amd64\nAuto-Installed: 1\n\nPackage: b\nAuto-Installed: 0\n\n\
             Package: a\nArchitecture: i386\nAuto-Installed: 0\n\nPackage: c\nArchitecture: i386\n\
             Auto-Installed: 1\n\nPackage: old\nAuto-Installed: 1\n",
        );
        let is = |shown: &str| marks.is_automatic(shown, &state);
        assert!(is("a") && is("a:amd64") && !is("a:i386"), "each has its own");
        assert!(!is("b") && !is("d"));
        assert!(is("c:i386") && !is("c"));
        assert!(is("old") && is("old:i386"));
    }
}
