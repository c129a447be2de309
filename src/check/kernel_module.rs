//! A kernel module cannot be loaded (modprobe's `install` policy).
//!
//! The first `install` line that is about the module decides, over all directories together. Which
//! directories those are depends on kmod: 24 (Ubuntu 18.04) and 28 read `/etc`, `/run` and `/lib`;
//! 30 also `/usr/local/lib`, 31 also `/usr/lib`. Where the tree's kmod and 18.04's differ, both must
//! find the module blocked. A `blacklist` line alone is not enough: it does not stop a load by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::conf_dirs::{self, Entry};
use super::{Evidence, Finding, Gap, Primitive, versions};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::modprobe::{self, Install};

/// The file for our own lines.
const OWN: &str = "/etc/modprobe.d/CIS.conf";
const OWN_NAME: &str = "CIS.conf";
/// A kernel's list of modules is below a megabyte.
const LIST_LIMIT: u64 = 64 << 20;

/// A load request for the module `name` runs `/bin/true` (or `false`) instead.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelModule {
    /// The module's name; `-` and `_` are the same.
    #[serde(deserialize_with = "module_name")]
    pub name: String,
}

fn module_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if name.is_empty() || !name.bytes().all(good) {
        return Err(de::Error::custom(format!(
            "`{name}` is not a module's name; want letters, digits, `_` and `-`"
        )));
    }
    Ok(name)
}

impl Primitive for KernelModule {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        Audit::new(self, root)?.finding()
    }
}

/// What the installed kernels have of the module.
struct Kernels {
    /// Some kernel has it as a file: a pattern line binds it.
    on_disk: bool,
    /// Some kernel does not (or there is none yet): only a line with its name binds it.
    absent: bool,
    /// Kernels that hold it themselves, where no line can keep it out.
    built_in: Vec<Evidence>,
}

impl Kernels {
    fn of(root: &dyn Rootfs, module: &str) -> Result<Kernels> {
        let dir = ImagePath::parse("/lib/modules")?;
        let mut kernels = Kernels { on_disk: false, absent: false, built_in: Vec::new() };
        for release in root.list(&dir)?.unwrap_or_default() {
            let dir = dir.join(&release)?;
            if root.locate(&dir)?.stat.is_none_or(|s| s.kind != crate::rootfs::FileKind::Dir) {
                continue;
            }
            let built_in = dir.join("modules.builtin")?;
            if let Some(line) = line_of(root, &built_in, module)? {
                let found = Evidence::at(&built_in).line(line).found("built into the kernel");
                kernels.built_in.push(found.want("a loadable module or none"));
            }
            match line_of(root, &dir.join("modules.dep")?, module)? {
                Some(_) => kernels.on_disk = true,
                None => kernels.absent = true,
            }
        }
        kernels.absent |= !kernels.on_disk;
        Ok(kernels)
    }
}

/// The line of a kernel's list of module files that names `module`, from 1.
fn line_of(root: &dyn Rootfs, list: &ImagePath, module: &str) -> Result<Option<usize>> {
    let Some(bytes) = root.read_bytes(list, LIST_LIMIT)? else { return Ok(None) };
    let is_it = |line: &[u8]| {
        let file = line.split(|b| *b == b':').next().unwrap_or(line);
        let file = file.rsplit(|b| *b == b'/').next().unwrap_or(file);
        let Some(rest) = file.get(module.len()..) else { return false };
        let same = |(a, b): (&u8, u8)| *a == b || (*a == b'-' && b == b'_');
        // `.ko`, and what a compressed one has behind it.
        (rest == b".ko" || rest.starts_with(b".ko.")) && file.iter().zip(module.bytes()).all(same)
    };
    Ok(bytes.split(|b| *b == b'\n').position(is_it).map(|at| at + 1))
}

/// The directories that kmod reads, highest rank first.
fn ranks(version: &[u32], run: bool) -> Vec<&'static str> {
    let major = version.first().copied().unwrap_or(24);
    let mut dirs = vec!["/etc/modprobe.d"];
    dirs.extend(run.then_some("/run/modprobe.d"));
    dirs.extend((major >= 30).then_some("/usr/local/lib/modprobe.d"));
    dirs.extend((major >= 31).then_some("/usr/lib/modprobe.d"));
    dirs.push("/lib/modprobe.d");
    dirs
}

/// kmod's idea of a configuration file's name.
fn is_conf(name: &[u8]) -> bool {
    !name.starts_with(b".") && (name.ends_with(b".conf") || name.ends_with(b".alias"))
}

struct Audit<'a> {
    want: &'a KernelModule,
    root: &'a dyn Rootfs,
    module: String,
    kernels: Kernels,
    dirs: BTreeMap<&'static str, Vec<Entry>>,
    /// Every way in which the directories may be read: by 18.04's kmod and by the tree's own; of a
    /// running system now and, without `/run`, at the next boot.
    orders: Vec<Vec<&'static str>>,
}

/// One decisive or contrary line.
#[derive(Clone, Copy)]
struct Line<'e> {
    entry: &'e Entry,
    install: &'e Install,
}

impl Line<'_> {
    fn evidence(&self, name: &str) -> Evidence {
        let found = format!("install {} {}", self.install.spelled, self.install.command);
        let at = Evidence::at(&self.entry.listed).line(self.install.line);
        at.found(found).want(wanted(name))
    }
}

fn wanted(name: &str) -> String {
    format!("install {name} /bin/true")
}

impl<'a> Audit<'a> {
    fn new(want: &'a KernelModule, root: &'a dyn Rootfs) -> Result<Audit<'a>> {
        let module = modprobe::normal(&want.name);
        let kernels = Kernels::of(root, &module)?;
        let version = versions::installed(root, "kmod")?.unwrap_or_else(|| vec![24]);
        let mut orders = Vec::new();
        for version in [&[24], version.as_slice()] {
            for run in [root.is_live(), false] {
                let order = ranks(version, run);
                if !orders.contains(&order) {
                    orders.push(order);
                }
            }
        }
        let mut dirs = BTreeMap::new();
        for dir in orders.iter().flatten() {
            if !dirs.contains_key(dir) {
                dirs.insert(*dir, conf_dirs::read_dir(root, dir, is_conf)?);
            }
        }
        Ok(Audit { want, root, module, kernels, dirs, orders })
    }

    fn files(&self, order: &[&'static str]) -> Vec<&Entry> {
        let ranks: Vec<&[Entry]> =
            order.iter().filter_map(|dir| self.dirs.get(dir).map(Vec::as_slice)).collect();
        // kmod leaves directories out before it looks for names that are there already.
        conf_dirs::layered(&ranks, |e| !matches!(e.body, conf_dirs::Body::Dir))
    }

    fn finding(&self) -> Result<Finding> {
        let installs: BTreeMap<&ImagePath, Vec<Install>> = self
            .dirs
            .values()
            .flatten()
            .map(|e| {
                let mut found = modprobe::installs(e.text());
                found.retain(|i| i.matches(&self.module));
                (&e.listed, found)
            })
            .collect();
        let mut contrary: BTreeMap<&ImagePath, Line<'_>> = BTreeMap::new();
        let mut holding: Vec<Evidence> = Vec::new();
        let mut unstated = false;
        for order in &self.orders {
            let files = self.files(order);
            let lines = files.iter().flat_map(|entry| {
                installs[&entry.listed].iter().map(|install| Line { entry, install })
            });
            let lines: Vec<Line<'_>> = lines.collect();
            for (exists, by_pattern) in [(self.kernels.on_disk, true), (self.kernels.absent, false)]
            {
                let bound = |l: &&Line<'_>| by_pattern || l.install.names(&self.module);
                let mut bound = lines.iter().filter(bound);
                if !exists {
                    // The case may come: a kernel with the module may be installed later.
                    if let Some(line) = bound.next().filter(|l| !l.install.blocks()) {
                        let note = "would decide if the module came onto the disk";
                        push_new(&mut holding, line.evidence(&self.want.name).note(note));
                    }
                    continue;
                }
                let mut decided = false;
                for line in bound {
                    if line.install.blocks() {
                        push_new(&mut holding, line.evidence(&self.want.name));
                        decided = true;
                        break;
                    }
                    contrary.entry(&line.entry.real).or_insert(*line);
                }
                unstated |= !decided;
            }
        }
        if self.root.is_live() {
            let note = "whether the module is loaded at this moment is not judged";
            holding.push(Evidence::note_only(note));
        }
        let gaps = self.gaps(contrary.into_values().collect(), unstated)?;
        Ok(Finding::from_gaps(gaps, holding))
    }

    fn gaps(&self, contrary: Vec<Line<'_>>, unstated: bool) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        for evidence in &self.kernels.built_in {
            let why = "the module is part of the kernel and no modprobe policy applies; \
                       use a kernel that has it as a module";
            gaps.push(Gap::no_remedy(evidence.clone(), why));
        }
        let is_own = |l: &Line<'_>| l.entry.name == OWN_NAME && !l.entry.is_listed_in("/run");
        let own = contrary.iter().find(|l| is_own(l));
        if let Some(line) = own {
            gaps.push(self.own_gap(line.evidence(&self.want.name))?);
        } else if unstated {
            let evidence = Evidence::at(&ImagePath::parse(OWN)?).want(wanted(&self.want.name));
            gaps.push(self.own_gap(evidence.note("no install line keeps the module out"))?);
        }
        for line in contrary.iter().filter(|l| !is_own(l)) {
            gaps.push(self.foreign_gap(line)?);
        }
        Ok(gaps)
    }

    /// Our own file, which begins as what it would hide in a vendor's directory.
    fn own_gap(&self, evidence: Evidence) -> Result<Gap> {
        let path = ImagePath::parse(OWN)?;
        if let Some(why) = conf_dirs::why_not_writable(self.root, &path)? {
            return Ok(Gap::no_remedy(evidence, why));
        }
        let order = self.orders.iter().rev().find(|o| !o.contains(&"/run/modprobe.d"));
        let files = self.files(order.map_or(&[], Vec::as_slice));
        let old = files.iter().find(|e| e.name == OWN_NAME).map_or("", |e| e.text());
        let new = modprobe::block(old, &self.want.name);
        if new == old {
            let why = format!("{path} says so already and is hidden; remove what hides it");
            return Ok(Gap::no_remedy(evidence, why));
        }
        Ok(Gap::fixed_by(evidence, Change::write(&path, new)))
    }

    /// A line somewhere else that decides before ours.
    fn foreign_gap(&self, line: &Line<'_>) -> Result<Gap> {
        let entry = line.entry;
        let evidence = line.evidence(&self.want.name).note("an earlier line decides");
        let none = |why: String| Ok(Gap::no_remedy(evidence.clone(), why));
        let new = modprobe::repair(entry.text(), &self.want.name, self.kernels.on_disk);
        if new == entry.text() {
            return none(format!("{} cannot be edited safely; correct it by hand", entry.listed));
        }
        if entry.is_editable() {
            return Ok(Gap::fixed_by(evidence, Change::write(&entry.real, new)));
        }
        if !entry.is_vendor() {
            return none(format!("{} leads to {}; correct it there", entry.listed, entry.real));
        }
        let mask = ImagePath::parse("/etc/modprobe.d")?.join(&entry.name)?;
        match conf_dirs::why_not_writable(self.root, &mask)? {
            Some(why) => none(why),
            None => Ok(Gap::fixed_by(evidence, Change::write(&mask, new))),
        }
    }
}

fn push_new(list: &mut Vec<Evidence>, evidence: Evidence) {
    if !list.contains(&evidence) {
        list.push(evidence);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fix, Outcome};
    use super::*;
    use crate::check::testing::rounds::{changed, gaps, outcome, settle, stage_on};
    use crate::rootfs::{FileKind, MemoryRootfs, StagedRootfs};

    fn hfs() -> KernelModule {
        module("hfs")
    }

    fn module(name: &str) -> KernelModule {
        KernelModule { name: name.into() }
    }

    fn root(files: &[(&str, &str)]) -> MemoryRootfs {
        let empty = MemoryRootfs::new().dir("/etc", 0o755, 0, 0);
        files.iter().fold(empty, |root, (path, text)| root.file(path, text))
    }

    fn kmod(version: &str) -> String {
        format!("Package: kmod\nStatus: install ok installed\nVersion: {version}\n")
    }

    const DEP: (&str, &str) = ("/lib/modules/5.4/modules.dep", "kernel/fs/hfs/hfs.ko:\n");
    const BOTH: &str = "install hfs /bin/true\nblacklist hfs\n";

    #[test]
    fn what_is_met() {
        for (why, files) in [
            ("right value", vec![(OWN, BOTH)]),
            ("no blacklist, false", vec![(OWN, "install hfs /bin/false\n")]),
            ("other paths", vec![(OWN, "install hfs /usr/bin/true")]),
            ("another file", vec![("/etc/modprobe.d/z.conf", "install hfs /bin/true\n")]),
            ("the vendor's", vec![("/lib/modprobe.d/z.conf", "install hfs /bin/true\n")]),
            ("alias file", vec![("/etc/modprobe.d/z.alias", "install hfs /bin/true\n")]),
            ("odd spacing", vec![(OWN, "  install\thfs   /bin/true \n")]),
            ("joined", vec![(OWN, "install hfs \\\n /bin/true\n")]),
            ("duplicate", vec![(OWN, "install hfs /bin/true\ninstall hfs /bin/true\n")]),
            ("first wins", vec![(OWN, "install hfs /bin/true\ninstall hfs /sbin/x\n")]),
            (
                "contrary later",
                vec![(OWN, BOTH), ("/etc/modprobe.d/x.conf", "install hfs /sbin/x\n")],
            ),
            ("pattern, on disk", vec![(OWN, "install hfs* /bin/true\n"), DEP]),
            ("not a name", vec![(OWN, BOTH), ("/etc/modprobe.d/0.conf.bak", "install hfs x\n")]),
            ("a dot file", vec![(OWN, BOTH), ("/etc/modprobe.d/.0.conf", "install hfs x\n")]),
            (
                "hidden vendor file",
                vec![
                    (OWN, BOTH),
                    ("/etc/modprobe.d/0.conf", ""),
                    ("/lib/modprobe.d/0.conf", "install hfs x\n"),
                ],
            ),
            (
                "a directory that kmod 24 does not read",
                vec![(OWN, BOTH), ("/usr/lib/modprobe.d/0.conf", "install hfs x\n")],
            ),
            (
                "pattern, not on disk",
                vec![(OWN, BOTH), ("/etc/modprobe.d/0.conf", "install h* x\n")],
            ),
        ] {
            let root = root(&files);
            let finding = hfs().audit(&root).unwrap();
            let Finding::Met(evidence) = &finding else { panic!("{why}: {finding:?}") };
            assert!(evidence[0].path.is_some() && evidence[0].found.is_some(), "{why}");
            assert!(changed(&settle(&hfs(), &root)).is_empty(), "{why}");
        }
    }

    #[test]
    fn what_is_closed_in_our_file() {
        for (why, text, want) in [
            ("absent", None, BOTH),
            ("empty", Some(""), BOTH),
            (
                "comment only",
                Some("#install hfs /bin/true"),
                "#install hfs /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
            (
                "swallowed by a comment",
                Some("# x \\\ninstall hfs /bin/true\n"),
                "# x \\\ninstall hfs /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
            ("blacklist alone", Some("blacklist hfs\n"), BOTH),
            (
                "a name it begins",
                Some("install hfsplus /bin/true\n"),
                "install hfs /bin/true\nblacklist hfs\ninstall hfsplus /bin/true\n",
            ),
            ("wrong value", Some("install hfs /sbin/hfs\n"), BOTH),
            ("trailing text", Some("install hfs /bin/true # AKS\n"), BOTH),
            (
                "conflicting",
                Some("install hfs x\ninstall hfs /bin/true\n"),
                "install hfs /bin/true\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
            (
                "other case",
                Some("INSTALL hfs /bin/true\n"),
                "INSTALL hfs /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
            (
                "no final newline",
                Some("install cramfs /bin/true"),
                "install cramfs /bin/true\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
            ("carriage return", Some("install hfs /bin/true\r\n"), BOTH),
            (
                "open last line",
                Some("alias a b \\\n"),
                "alias a b \\\n\n\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
            (
                "pattern, not on disk",
                Some("install hfs* /bin/true\n"),
                "install hfs* /bin/true\n\ninstall hfs /bin/true\nblacklist hfs\n",
            ),
        ] {
            let root = text.map_or(root(&[]), |text| root(&[(OWN, text)]));
            let staged = settle(&hfs(), &root);
            assert_eq!(changed(&staged).get(OWN).map(String::as_str), Some(want), "{why}");
            assert_eq!(changed(&staged).len(), 1, "{why}");
        }
    }

    #[test]
    fn a_new_file_is_readable_by_all() {
        let root = root(&[]);
        let staged = settle(&hfs(), &root);
        let stat = staged.stat(&ImagePath::parse(OWN).unwrap()).unwrap().unwrap();
        assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));
    }

    #[test]
    fn dashes_and_underscores_are_one() {
        let usb = module("usb-storage");
        for text in ["install usb_storage /bin/true\n", "install usb-storage /bin/true\n"] {
            assert_eq!(outcome(&usb, &root(&[(OWN, text)])), Outcome::Met, "{text}");
        }
        let root = root(&[]);
        let staged = settle(&usb, &root);
        assert_eq!(changed(&staged)[OWN], "install usb-storage /bin/true\nblacklist usb-storage\n");
    }

    #[test]
    fn an_earlier_line_in_etc_is_switched_off() {
        let early = "/etc/modprobe.d/10-x.conf";
        let root = root(&[(early, "# a\ninstall hfs /sbin/x\ninstall b y"), (OWN, BOTH)]);
        let staged = settle(&hfs(), &root);
        let changes = changed(&staged);
        assert_eq!(changes[early], "# a\n# gokaku: install hfs /sbin/x\ninstall b y");
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn an_earlier_pattern_is_preceded() {
        let early = "/etc/modprobe.d/10-x.conf";
        let root = root(&[(early, "install h* /sbin/x\n"), DEP]);
        let changes = changed(&settle(&hfs(), &root));
        assert_eq!(changes[early], "install hfs /bin/true\ninstall h* /sbin/x\n");
    }

    #[test]
    fn an_earlier_line_of_the_vendor_is_masked() {
        let text = "alias a b\ninstall hfs /sbin/x\n";
        let root = root(&[("/lib/modprobe.d/10-x.conf", text)]);
        let changes = changed(&settle(&hfs(), &root));
        let masked = "alias a b\n# gokaku: install hfs /sbin/x\n";
        assert_eq!(changes["/etc/modprobe.d/10-x.conf"], masked);
        assert_eq!(changes[OWN], BOTH);
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn what_our_file_would_hide_is_kept() {
        let root = root(&[("/lib/modprobe.d/CIS.conf", "install cramfs /bin/true\n")]);
        let changes = changed(&settle(&hfs(), &root));
        assert_eq!(changes[OWN], format!("install cramfs /bin/true\n{BOTH}"));
    }

    #[test]
    fn the_trees_kmod_and_that_of_18_04_must_agree() {
        let status = "/var/lib/dpkg/status";
        let local = "/usr/local/lib/modprobe.d/0.conf";
        let usr = "/usr/lib/modprobe.d/0.conf";
        for (version, path, want) in [
            ("24-1ubuntu3", local, Outcome::Met),
            ("28-1", local, Outcome::Met),
            ("30+20221128-1", local, Outcome::NotMet),
            ("30+20221128-1", usr, Outcome::Met),
            ("34.2-2", usr, Outcome::NotMet),
        ] {
            let root = root(&[(status, &kmod(version)), (path, "install hfs x\n"), (OWN, BOTH)]);
            assert_eq!(outcome(&hfs(), &root), want, "{version} {path}");
            settle(&hfs(), &root);
        }
        // Only the newer one reads the blocking line: 18.04's does not.
        let files = [(status, &*kmod("34")), (usr, "install hfs /bin/true\n")];
        assert_eq!(outcome(&hfs(), &root(&files)), Outcome::NotMet);
        settle(&hfs(), &root(&files));
    }

    #[test]
    fn a_built_in_module_has_no_remedy() {
        let builtin = "/lib/modules/5.4/modules.builtin";
        let root = root(&[(builtin, "kernel/fs/x.ko\nkernel/fs/hfs/hfs.ko\n"), (OWN, BOTH)]);
        let gaps = gaps(&hfs(), &root);
        assert_eq!(gaps.len(), 1);
        assert_eq!(gaps[0].evidence.line, Some(2));
        assert!(matches!(&gaps[0].fix, Fix::None(why) if why.contains("part of the kernel")));
        assert_eq!(outcome(&module("fs"), &root), Outcome::NotMet, "a part of the name is no name");
        assert_eq!(crate::check::testing::rounds::gaps(&module("fs"), &root).len(), 1);
    }

    #[test]
    fn lists_of_modules() {
        for (text, want) in [
            ("kernel/drivers/usb/storage/usb-storage.ko.zst: a.ko\n", true),
            ("kernel/usb_storage.ko:\n", true),
            ("usb-storage.ko", true),
            ("kernel/uas.ko: kernel/usb-storage.ko\n", false),
            ("kernel/usb-storage.kot:\nkernel/xusb-storage.ko:\n", false),
            ("", false),
        ] {
            let list = "/lib/modules/5.4/modules.dep";
            let root = root(&[(list, text)]);
            let kernels = Kernels::of(&root, "usb_storage").unwrap();
            assert_eq!((kernels.on_disk, kernels.absent), (want, !want), "{text:?}");
        }
        let two = [DEP, ("/lib/modules/4.15/modules.dep", "")];
        let kernels = Kernels::of(&root(&two), "hfs").unwrap();
        assert!(kernels.on_disk && kernels.absent, "one kernel has it, one has not");
    }

    #[test]
    fn links() {
        let null = root(&[("/lib/modprobe.d/0.conf", "install hfs x\n"), (OWN, BOTH)])
            .link("/etc/modprobe.d/0.conf", "/dev/null");
        assert_eq!(outcome(&hfs(), &null), Outcome::Met, "a null link hides");
        let inside = root(&[("/etc/cis/modules", "install a b\n")]).link(OWN, "../cis/modules");
        let changes = changed(&settle(&hfs(), &inside));
        assert_eq!(changes["/etc/cis/modules"], format!("install a b\n{BOTH}"));
        assert_eq!(changes.len(), 1);
        for outside in [
            root(&[("/usr/share/x", "")]).link(OWN, "/usr/share/x"),
            root(&[]).link(OWN, "/dev/null"),
            root(&[]).link("/etc/modprobe.d", "/usr/share"),
            root(&[]).dir(OWN, 0o755, 0, 0),
            root(&[("/usr/x", "install hfs y\n"), (OWN, BOTH)])
                .link("/etc/modprobe.d/0.conf", "/usr/x"),
        ] {
            let gaps = gaps(&hfs(), &outside);
            assert_eq!(gaps.len(), 1, "{gaps:?}");
            assert!(matches!(gaps[0].fix, Fix::None(_)), "{gaps:?}");
        }
        let looped = root(&[]).link(OWN, "CIS.conf");
        assert_eq!(outcome(&hfs(), &looped), Outcome::Unknown);
    }

    #[test]
    fn what_cannot_be_told() {
        let fifo = root(&[]).special("/etc/modprobe.d/0.conf", FileKind::Fifo);
        assert_eq!(outcome(&hfs(), &fifo), Outcome::Unknown);
        let binary = MemoryRootfs::new().file("/etc/modprobe.d/0.conf", b"\xff\n");
        assert_eq!(outcome(&hfs(), &binary), Outcome::Unknown);
    }

    #[test]
    fn run_counts_on_a_running_system_only() {
        let files = [("/run/modprobe.d/0.conf", "install hfs x\n"), (OWN, BOTH)];
        assert_eq!(outcome(&hfs(), &root(&files)), Outcome::Met);
        let live = gaps(&hfs(), &root(&files).live());
        assert!(matches!(live[0].fix, Fix::None(_)), "{live:?}");
        // What /run says is gone at the next boot.
        let files = [("/run/modprobe.d/0.conf", "install hfs /bin/true\n")];
        assert_eq!(outcome(&hfs(), &root(&files).live()), Outcome::NotMet);
        let live = root(&files).live();
        let staged = settle(&hfs(), &live);
        assert_eq!(changed(&staged)[OWN], BOTH);
    }

    #[test]
    fn the_order_of_rules_does_not_matter() {
        let text = "# AKS\ninstall dccp /bin/true\ninstall cramfs /bin/true\n";
        let root = root(&[(OWN, text), ("/lib/modprobe.d/x.conf", "install hfs x\n")]);
        let names = ["cramfs", "freevxfs", "jffs2", "hfs", "hfsplus", "usb-storage"];
        let in_order = |names: &mut dyn Iterator<Item = &&str>| {
            let mut staged = StagedRootfs::new(&root);
            names.for_each(|name| stage_on(&module(name), &mut staged));
            for name in ["cramfs", "freevxfs", "jffs2", "hfs", "hfsplus", "usb-storage"] {
                assert_eq!(outcome(&module(name), &staged), Outcome::Met, "{name}");
            }
            changed(&staged)
        };
        let forward = in_order(&mut names.iter());
        assert_eq!(forward, in_order(&mut names.iter().rev()));
        assert_eq!(
            forward[OWN],
            format!(
                "{text}\ninstall freevxfs /bin/true\nblacklist freevxfs\n{BOTH}\
                 install hfsplus /bin/true\nblacklist hfsplus\n\
                 install jffs2 /bin/true\nblacklist jffs2\n\
                 install usb-storage /bin/true\nblacklist usb-storage\n"
            )
        );
    }

    #[test]
    fn only_a_name_is_a_name() {
        let parse = |name: &str| toml::from_str::<KernelModule>(&format!("name = {name:?}"));
        assert!(parse("usb-storage").is_ok());
        for bad in ["", "a b", "hfs*", "a\nb", "#a"] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
        assert!(toml::from_str::<KernelModule>("name = 'a'\nx = 1").is_err());
    }
}
