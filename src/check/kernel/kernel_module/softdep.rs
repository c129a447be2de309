//! Lines that make kmod pass over `install` lines: `softdep` of `modprobe.d` and of the kernels.

use std::os::unix::ffi::OsStrExt;

use super::kernels::Kernels;
use super::{ConfEntry, Policy};
use crate::check::Evidence;
use crate::check::common::conf_dirs;
use crate::check::kernel::messages;
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::lossless;
use crate::text::modprobe::softdep::{self, Softdep};

/// A kernel's own list; kmod reads it in the place that its name has among those of `modprobe.d`.
const OF_KERNEL: &str = "modules.softdep";

/// A line that has something to load beside the module.
pub(super) struct Loading<'p> {
    pub entry: &'p ConfEntry,
    pub softdep: &'p Softdep,
}

impl Loading<'_> {
    pub(super) fn evidence(&self, name: &str) -> Evidence {
        let found = format!("softdep {} {}", self.softdep.spelled, self.softdep.rest);
        let at = Evidence::at(&self.entry.listed).line(self.softdep.line).found(found);
        at.want(messages::no_softdep(name)).note(messages::softdep_overrides(name))
    }

    /// Whether it is of a kernel, whose list is made by depmod.
    pub(super) fn is_of_kernel(&self) -> bool {
        self.entry.name.as_bytes() == OF_KERNEL.as_bytes()
    }
}

/// The lists of all kernels.
pub(super) fn of_kernels(root: &dyn Rootfs) -> Result<Vec<ConfEntry>> {
    let mut lists = Vec::new();
    for kernel in kernels(root)? {
        lists.extend(conf_dirs::read_entry(root, &kernel.join(OF_KERNEL)?)?);
    }
    Ok(lists)
}

/// The first lines about the module, where they load something: one for each kernel with a list.
/// `files`: those of `modprobe.d`, in order.
pub(super) fn loading<'p>(
    root: &dyn Rootfs,
    policy: &'p Policy,
    files: &[&'p ConfEntry],
    module: &str,
) -> Result<Vec<Loading<'p>>> {
    let first = |entry: &'p ConfEntry| {
        let found = policy.softdeps.get(&entry.listed)?.iter().find(|s| s.matches(module))?;
        Some(Loading { entry, softdep: found })
    };
    let before = files.iter().filter(|e| e.name.as_bytes() < OF_KERNEL.as_bytes());
    let behind = files.iter().filter(|e| e.name.as_bytes() >= OF_KERNEL.as_bytes());
    let behind = || behind.clone().find_map(|e| first(e));
    let mut found: Vec<Loading<'p>> = match before.clone().find_map(|e| first(e)) {
        Some(found) => vec![found],
        None if policy.of_kernels.is_empty() => behind().into_iter().collect(),
        None => policy.of_kernels.iter().filter_map(|e| first(e).or_else(behind)).collect(),
    };
    let mut failed = None;
    found.retain(|l| {
        loads_something(root, files, l.softdep).unwrap_or_else(|e| {
            failed.get_or_insert(e);
            true
        })
    });
    match failed {
        Some(e) => Err(e),
        None => Ok(found),
    }
}

/// Whether one of the names behind `pre:` or `post:` is a module's, or an alias of one.
fn loads_something(root: &dyn Rootfs, files: &[&ConfEntry], softdep: &Softdep) -> Result<bool> {
    let kernels = kernels(root)?;
    for name in softdep.loads() {
        let known = |e: &&ConfEntry| softdep::is_known(e.text(), &name);
        // Which modules there will be is not known before there is a kernel; what a foreign byte
        // stands for never is.
        if kernels.is_empty() || lossless::holds(&name) || files.iter().any(known) {
            return Ok(true);
        }
        let of = Kernels::of(root, &name)?;
        if of.on_disk || !of.built_in.is_empty() {
            return Ok(true);
        }
        for list in ["modules.alias", "modules.symbols"] {
            for kernel in &kernels {
                let text = root.read(&kernel.join(list)?)?.unwrap_or_default();
                if softdep::is_known(&text, &name) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// The directories of the installed kernels.
fn kernels(root: &dyn Rootfs) -> Result<Vec<ImagePath>> {
    let dir = ImagePath::parse("/lib/modules")?;
    let mut out = Vec::new();
    for release in root.list(&dir)?.unwrap_or_default().iter() {
        let dir = dir.join(release)?;
        if root.locate(&dir)?.stat.is_some_and(|s| s.kind == FileKind::Dir) {
            out.push(dir);
        }
    }
    Ok(out)
}
