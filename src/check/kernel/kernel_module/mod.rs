//! A kernel module cannot be loaded (modprobe's `install` policy).
//!
//! The first `install` line that is about the module decides, over all directories together. Which
//! directories those are depends on kmod: 24 (Ubuntu 18.04) and 28 read `/etc`, `/run` and `/lib`;
//! 30 also `/usr/local/lib`, 31 also `/usr/lib`. Where the tree's kmod and that of the profile's
//! release differ, both must find the module blocked. A `blacklist` line alone is not enough: it does not stop a load by name.
//! A `softdep` line that loads something beside the module makes kmod pass over the `install` line.

mod kernels;
mod softdep;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use self::kernels::Kernels;
use self::softdep::Loading;
use super::messages;
use crate::check::common::conf_dirs::{self, ConfEntry};
use crate::check::common::destination::{self, Destination};
use crate::check::common::remedy::{self, Remedy};
use crate::check::common::{self, own_file};
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::packages::versions;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::modprobe::softdep::{Softdep, alone, softdeps};
use crate::text::modprobe::{self, Install};

/// The directory for files of our own.
const DIR: &str = "/etc/modprobe.d";

/// A load request for the module `name` runs `/bin/true` (or `false`) instead.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KernelModule {
    /// The module's name; `-` and `_` are the same.
    pub name: String,
    /// The file for our own lines, below `/etc/modprobe.d`.
    #[serde(deserialize_with = "own_file")]
    pub file: ImagePath,
}

fn own_file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ImagePath, D::Error> {
    own_file::conf_in(deserializer, DIR)
}

impl Primitive for KernelModule {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("modprobe")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        let name = &self.name;
        let good = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if name.is_empty() || !name.bytes().all(good) {
            let want = "want letters, digits, `_` and `-`";
            return Err(BadData::field("name", format!("`{name}` is not a module's name; {want}")));
        }
        Ok(())
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        Search::new(self, audit)?.finding()
    }
}

/// The oldest kmod whose reading is known here: supposed where neither the tree nor the profile says
/// which it has.
const OLDEST: [u32; 1] = [24];

/// The directories that kmod reads, highest rank first.
fn ranks(version: &[u32], run: bool) -> Vec<&'static str> {
    let major = version.first().copied().unwrap_or(OLDEST[0]);
    let mut dirs = vec![DIR];
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

/// What kmod reads.
struct Policy {
    dirs: BTreeMap<&'static str, Vec<ConfEntry>>,
    /// Every way in which the directories may be read: by the kmod of the profile's release and by the tree's own; of a
    /// running system now and, without `/run`, at the next boot.
    orders: Vec<Vec<&'static str>>,
    /// The `install` lines of each file.
    installs: BTreeMap<ImagePath, Vec<Install>>,
    /// The kernels' own lists of `softdep` lines.
    of_kernels: Vec<ConfEntry>,
    /// The `softdep` lines of each file, where it has any.
    softdeps: BTreeMap<ImagePath, Vec<Softdep>>,
}

impl Policy {
    fn read(audit: &Audit<'_>) -> Result<Policy> {
        let root = audit.root();
        let release = audit.supposed_version("kmod").unwrap_or(&OLDEST);
        let version = versions::installed(root, "kmod")?.unwrap_or_else(|| release.to_vec());
        let mut orders = Vec::new();
        for version in [release, version.as_slice()] {
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
        let lines = |e: &ConfEntry| (e.listed.clone(), modprobe::installs(e.text()));
        let installs = dirs.values().flatten().map(lines).collect();
        let of_kernels = softdep::of_kernels(root)?;
        let lines = |e: &ConfEntry| (e.listed.clone(), softdeps(e.text()));
        let softdeps = dirs.values().flatten().chain(&of_kernels).map(lines);
        let softdeps = softdeps.filter(|(_, lines)| !lines.is_empty()).collect();
        Ok(Policy { dirs, orders, installs, of_kernels, softdeps })
    }

    fn files(&self, order: &[&'static str]) -> Vec<&ConfEntry> {
        let ranks: Vec<&[ConfEntry]> =
            order.iter().filter_map(|dir| self.dirs.get(dir).map(Vec::as_slice)).collect();
        // kmod leaves directories out before it looks for names that are there already.
        conf_dirs::layered(&ranks, |e| !matches!(e.body, conf_dirs::Body::Dir))
    }
}

struct Search<'a> {
    want: &'a KernelModule,
    audit: Audit<'a>,
    root: &'a dyn Rootfs,
    module: String,
    kernels: Kernels,
    policy: Rc<Policy>,
}

/// One decisive or contrary line.
#[derive(Clone, Copy)]
struct Line<'e> {
    entry: &'e ConfEntry,
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

impl<'a> Search<'a> {
    fn new(want: &'a KernelModule, audit: &Audit<'a>) -> Result<Search<'a>> {
        let root = audit.root();
        let module = modprobe::normal(&want.name);
        let kernels = Kernels::of(root, &module)?;
        let supposed = format!("{:?}", audit.supposed_version("kmod"));
        let policy = root.memo().derived_for(supposed, || Policy::read(audit))?;
        Ok(Search { want, audit: *audit, root, module, kernels, policy })
    }

    fn finding(&self) -> Result<Finding> {
        let mut contrary: BTreeMap<&ImagePath, Line<'_>> = BTreeMap::new();
        let mut loading: BTreeMap<&ImagePath, Loading<'_>> = BTreeMap::new();
        let mut holding: Vec<Evidence> = Vec::new();
        let mut unstated = false;
        for order in &self.policy.orders {
            let files = self.policy.files(order);
            for line in softdep::loading(self.root, &self.policy, &files, &self.module)? {
                loading.entry(&line.entry.real).or_insert(line);
            }
            let lines = files.iter().flat_map(|entry| {
                let all = self.policy.installs[&entry.listed].iter();
                let ours = all.filter(|install| install.matches(&self.module));
                ours.map(|install| Line { entry, install })
            });
            let lines: Vec<Line<'_>> = lines.collect();
            for (exists, by_pattern) in [(self.kernels.on_disk, true), (self.kernels.absent, false)]
            {
                let bound = |l: &&Line<'_>| by_pattern || l.install.names(&self.module);
                let mut bound = lines.iter().filter(bound);
                if !exists {
                    // The case may come: a kernel with the module may be installed later.
                    if let Some(line) = bound.next().filter(|l| !l.install.blocks()) {
                        let note = messages::would_decide();
                        push_new(&mut holding, line.evidence(&self.want.name).note(note).aside());
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
            holding.push(Evidence::note_only(messages::loaded_now(&self.want.name)));
        }
        let mut gaps = self.gaps(contrary.into_values().collect(), unstated)?;
        for line in loading.into_values() {
            let evidence = line.evidence(&self.want.name);
            gaps.push(self.gap(evidence, || self.left_alone(&line))?);
        }
        Ok(Finding::from_gaps(gaps, holding))
    }

    fn gaps(&self, contrary: Vec<Line<'_>>, unstated: bool) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        for evidence in &self.kernels.built_in {
            let why = messages::part_of_the_kernel(&self.want.name);
            gaps.push(remedy::none(&self.audit, self.subject(), evidence.clone(), why));
        }
        let is_own = |l: &Line<'_>| self.is_named_as_ours(l.entry) && !l.entry.is_listed_in("/run");
        let own = contrary.iter().find(|l| is_own(l));
        if let Some(line) = own {
            gaps.push(self.gap(line.evidence(&self.want.name), || self.state())?);
        } else if unstated {
            let evidence = Evidence::at(&self.want.file).want(wanted(&self.want.name));
            let evidence = evidence.note(messages::nothing_blocks(&self.want.name));
            gaps.push(self.gap(evidence, || self.state())?);
        }
        for line in contrary.iter().filter(|l| !is_own(l)) {
            let evidence = line.evidence(&self.want.name).note(messages::earlier_line_decides());
            gaps.push(self.gap(evidence, || self.overrule(line.entry))?);
        }
        Ok(gaps)
    }

    /// What every gap is about: the module, by the kernel's spelling of its name.
    fn subject(&self) -> Subject {
        Subject::new(SubjectKind::Module, &self.module)
    }

    fn gap(&self, evidence: Evidence, remedy: impl FnOnce() -> Result<Remedy>) -> Result<Gap> {
        remedy::gap(&self.audit, self.subject(), evidence, remedy)
    }

    /// A line in our own file, which begins as what it would hide in a vendor's directory.
    fn state(&self) -> Result<Remedy> {
        let path = &self.want.file;
        if let Destination::Refused(why) = destination::file(self.root, path)? {
            return Ok(Err(why));
        }
        let order = self.policy.orders.iter().rev().find(|o| !o.contains(&"/run/modprobe.d"));
        let files = self.policy.files(order.map_or(&[], Vec::as_slice));
        let old = files.iter().find(|e| self.is_named_as_ours(e)).map_or("", |e| e.text());
        let new = modprobe::block(&alone(old, &self.want.name), &self.want.name);
        if new == old {
            return Ok(Err(messages::ours_is_hidden(path)));
        }
        Ok(Ok(Change::write(path, new)))
    }

    fn is_named_as_ours(&self, entry: &ConfEntry) -> bool {
        self.want.file.file_name() == Some(&entry.name)
    }

    /// Nothing is loaded beside the module.
    fn left_alone(&self, line: &Loading<'_>) -> Result<Remedy> {
        if line.is_of_kernel() {
            return Ok(Err(messages::softdep_of_kernel(&self.want.name, &self.want.file)));
        }
        if self.is_named_as_ours(line.entry) && !line.entry.is_listed_in("/run") {
            return self.state();
        }
        self.overrule(line.entry)
    }

    /// A file somewhere else, a line of which decides before ours, says nothing of the kind.
    fn overrule(&self, entry: &ConfEntry) -> Result<Remedy> {
        let name = &self.want.name;
        let new = alone(&modprobe::repair(entry.text(), name, self.kernels.on_disk), name);
        if new == entry.text() {
            return Ok(Err(common::messages::correct_by_hand(&entry.listed)));
        }
        if entry.is_editable() {
            return Ok(Ok(Change::write(&entry.real, new)));
        }
        if !entry.is_vendor() {
            return Ok(Err(common::messages::correct_there(&entry.listed, &entry.real)));
        }
        let mask = ImagePath::parse(DIR)?.join(&entry.name)?;
        Ok(match destination::file(self.root, &mask)? {
            Destination::Refused(why) => Err(why),
            Destination::At(_) => Ok(Change::write(&mask, new)),
        })
    }
}

fn push_new(list: &mut Vec<Evidence>, evidence: Evidence) {
    if !list.contains(&evidence) {
        list.push(evidence);
    }
}
