//! Whether, where and with which options a mount point is declared.
//!
//! systemd mounts what its own unit says; a unit under `/etc` outranks the line in `fstab`, the
//! line outranks a package's unit, and a drop-in that names options replaces all of them. What
//! systemd mounts before that, it has `mount` remount with the options of `fstab`; both read the
//! table in their own way.

use crate::check::Evidence;
use crate::check::chain::unit_files::{self, Fragment};
use crate::check::common;
use crate::check::files::messages;
use crate::check::foreign;
use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::Lines;
use crate::text::fstab::{self, FstabLine};
use crate::text::lossless::byte_len;
use crate::text::unit::{FaultKind, Unit, escape_path};

/// Mounted by systemd itself before it reads any unit. `fstab` can change their options; units
/// cannot.
const EARLY: [&str; 7] = ["/dev", "/dev/pts", "/dev/shm", "/proc", "/run", "/run/lock", "/sys"];

/// What systemd reads of a mount's unit.
const SECTIONS: [&str; 3] = ["Unit", "Mount", "Install"];

/// Bytes in a path, as the kernel limits it; nothing can be mounted on a longer one.
const PATH_MAX: usize = 4096;

/// What is declared for one mount point.
#[derive(Debug)]
pub(super) enum Declared {
    /// Nothing, and what was looked at.
    Not(Vec<Evidence>),
    /// These lines of `fstab`; never empty.
    Lines(Vec<FstabLine>),
    /// A unit of systemd's.
    Unit(UnitMount),
}

/// A mount as systemd would make it.
#[derive(Debug)]
pub(super) struct UnitMount {
    /// The unit's name.
    pub name: String,
    /// The options that count, as they are written.
    pub options: String,
    /// The file that has the last word on options, or could have it.
    pub path: ImagePath,
    /// The line there that says so; `None` when no file names options.
    pub line: Option<usize>,
    /// Whether that file is a drop-in.
    pub drop_in: bool,
}

impl Declared {
    /// What is declared as a mount: a line of type swap only gives options to one that is there.
    pub(super) fn into_mount(self, target: &ImagePath) -> Result<Declared> {
        let Declared::Lines(mut lines) = self else { return Ok(self) };
        lines.retain(|line| !line.is_swap());
        Ok(match lines.is_empty() {
            true => Declared::Not(vec![no_line(target)?]),
            false => Declared::Lines(lines),
        })
    }
}

/// Whether `target` is one of the mounts that systemd makes early, by itself.
pub(super) fn is_early(target: &ImagePath) -> bool {
    EARLY.iter().any(|path| target.as_bytes() == path.as_bytes())
}

/// What is declared for `target`; `text` is the text of `fstab`, if there is one.
///
/// # Errors
/// A unit file that cannot be read, that systemd would refuse, or that its versions read
/// differently.
pub(super) fn resolve(
    root: &dyn Rootfs,
    target: &ImagePath,
    text: Option<&str>,
) -> Result<Declared> {
    let mut lines = Vec::new();
    let written = Lines::new(text.unwrap_or_default());
    let early = is_early(target);
    let mut passed_over = Vec::new();
    for entry in text.map(fstab::entries).unwrap_or_default() {
        let remounts = early && entry.remounts(&target.to_string());
        if !remounts && (entry.is_swap() || !leads_to(root, &entry, target)?) {
            continue;
        }
        // A mount unit is made of all four fields; systemd passes over what is not UTF-8.
        let said = written.get(entry.line).unwrap_or_default();
        foreign::judged(&super::fstab_path()?, entry.line, fstab::statement(said))?;
        let why = match () {
            () if early && !remounts => messages::not_remounted(target),
            () if early && !fstab::is_taken_by_mount(said) => messages::ignored_by_mount(),
            () => {
                lines.push(entry);
                continue;
            }
        };
        passed_over.push(Evidence::at(&super::fstab_path()?).line(entry.line).note(why));
    }
    if early {
        return Ok(match (lines.is_empty(), text) {
            (false, _) => Declared::Lines(lines),
            (true, None) => Declared::Not(vec![no_fstab()?]),
            (true, Some(_)) if passed_over.is_empty() => Declared::Not(vec![no_line(target)?]),
            (true, Some(_)) => Declared::Not(passed_over),
        });
    }
    let name = format!("{}.mount", escape_path(target.as_bytes()));
    let fragment = match unit_files::fragment(root, &name, !lines.is_empty())? {
        Fragment::Missing => {
            let place = if text.is_some() { no_line(target)? } else { no_fstab()? };
            let note = messages::not_in_fstab_nor_unit(target, name);
            return Ok(Declared::Not(vec![Evidence::note_only(note), place]));
        }
        Fragment::Masked(path) => {
            let note = messages::masked(target, name);
            return Ok(Declared::Not(vec![Evidence::at(&path).note(note)]));
        }
        Fragment::Generated => None,
        Fragment::File(path) => Some(path),
    };
    Ok(match unit_mount(root, target, name, fragment)? {
        Some(unit) => Declared::Unit(unit),
        None => Declared::Lines(lines),
    })
}

/// The mount of a unit with this fragment (`None`: made from `fstab`) and its drop-ins. `None` when
/// neither says anything about options that `fstab` does not.
fn unit_mount(
    root: &dyn Rootfs,
    target: &ImagePath,
    name: String,
    fragment: Option<ImagePath>,
) -> Result<Option<UnitMount>> {
    let drop_ins = unit_files::drop_ins(root, &name)?;
    let paths = fragment.iter().map(|p| (p, false)).chain(drop_ins.iter().map(|p| (p, true)));
    let mut files = Vec::new();
    for (path, drop_in) in paths {
        files.push((path, drop_in, read_unit(root, path, drop_in)?));
    }
    if fragment.is_some() {
        accepted(target, &files)?;
    }
    for (path, drop_in, unit) in files.iter().rev() {
        if let Some(found) = unit.last("Mount", "Options") {
            let (path, drop_in) = ((*path).clone(), *drop_in);
            let (options, line) = (found.value.clone(), Some(found.line));
            return Ok(Some(UnitMount { name, options, path, line, drop_in }));
        }
    }
    let silent =
        |path| UnitMount { name, options: String::new(), path, line: None, drop_in: false };
    Ok(fragment.map(silent))
}

/// A target may be spelled through links; systemd resolves them when it reads the line.
fn leads_to(root: &dyn Rootfs, entry: &FstabLine, target: &ImagePath) -> Result<bool> {
    let Some(path) = entry.target_path() else { return Ok(false) };
    if path.as_bytes() == target.as_bytes() {
        return Ok(true);
    }
    if byte_len(&path) >= PATH_MAX {
        return Ok(false);
    }
    let Ok(path) = ImagePath::parse(&path) else { return Ok(false) };
    match root.locate(&path) {
        Ok(at) => Ok(at.path == *target),
        // Nothing can be mounted at the end of a loop.
        Err(Error::LinkLoop { .. }) => Ok(false),
        Err(e) => Err(e),
    }
}

fn read_unit(root: &dyn Rootfs, path: &ImagePath, drop_in: bool) -> Result<Unit> {
    let unit = Unit::parse(&root.read(path)?.unwrap_or_default());
    // In a drop-in `.include` says nothing to any version.
    let matters = |kind| !drop_in || kind != FaultKind::Include;
    match unit.faults(&SECTIONS).into_iter().find(|fault| matters(fault.kind)) {
        None => Ok(unit),
        Some(fault) => Err(Error::Syntax {
            path: path.clone(),
            line: fault.line,
            found: fault.kind.word().to_owned(),
            want: "lines that every version of systemd reads alike",
        }),
    }
}

/// Whether systemd would load the unit: it must name what to mount, and no other place.
fn accepted(target: &ImagePath, files: &[(&ImagePath, bool, Unit)]) -> Result<()> {
    let last = |key| {
        let found = files.iter().rev().find_map(|(p, _, u)| Some((*p, u.last("Mount", key)?)));
        found.map(|(path, a)| (path.clone(), a.line, a.value.clone()))
    };
    let refused = |path, line, found: &str, want| {
        Err(Error::Syntax { path, line, found: format!("`{found}`"), want })
    };
    if let Some((path, line, place)) = last("Where") {
        // A `%` stands for something that only the running systemd knows.
        let same = ImagePath::parse(&place).is_ok_and(|p| p == *target) || place.contains('%');
        if !same && !place.is_empty() {
            let found = format!("Where={place}");
            return refused(path, line, &found, "the place the unit is named after");
        }
    }
    match last("What") {
        Some((_, _, what)) if !what.is_empty() => Ok(()),
        Some((path, line, _)) => refused(path, line, "What=", "what is to be mounted"),
        None => {
            let path = files.first().map_or_else(ImagePath::root, |f| f.0.clone());
            refused(path, 1, "no What=", "what is to be mounted")
        }
    }
}

fn no_line(target: &ImagePath) -> Result<Evidence> {
    Ok(Evidence::at(&super::fstab_path()?).note(messages::no_line(target)))
}

fn no_fstab() -> Result<Evidence> {
    Ok(Evidence::at(&super::fstab_path()?).note(common::messages::not_there()))
}
