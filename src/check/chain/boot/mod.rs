//! What starts when the tree boots: systemd's first transaction, and what its sockets, timers and
//! paths start later.
//!
//! `load` reads units, `refusal` says what systemd does not take, `transaction` what starts,
//! `condition` what a started unit waits for in vain, `command` what it runs. Built once for each
//! state of the tree. Not followed: orders that form a ring (systemd drops one job of it), generators
//! other than those for init scripts, and D-Bus.

pub(in crate::check) mod command;
pub(in crate::check) mod condition;
mod load;
mod refusal;
#[cfg(test)]
mod tests;
mod transaction;

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use self::command::Command;
use self::load::Loader;
pub(in crate::check) use self::load::{BootUnit, Load};
pub(in crate::check) use self::transaction::Cause;
use crate::check::Audit;
use crate::check::chain::index::Index;
use crate::check::chain::{Place, messages};
use crate::check::packages::versions;
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};

/// What makes a unit start.
#[derive(Debug, Clone)]
pub(in crate::check) struct Start {
    /// The socket, timer or path that starts it; `None` when the boot does.
    pub by: Option<String>,
    /// The link or statement that asks for it.
    pub at: Option<Place>,
}

/// What starts at boot.
#[derive(Debug, Default)]
pub(in crate::check) struct Boot {
    index: Rc<Index>,
    version: Vec<u32>,
    units: BTreeMap<String, Rc<BootUnit>>,
    ids: HashMap<String, String>,
    started: BTreeMap<String, Start>,
    lost: BTreeMap<String, Cause>,
    /// Why the default target does not start.
    pub failed: Option<Cause>,
}

impl Boot {
    /// What starts in the tree as it is now.
    ///
    /// # Errors
    /// A file that cannot be read; a tree of more units than anybody boots.
    pub fn of(audit: &Audit<'_>) -> Result<Rc<Boot>> {
        let root = audit.root();
        let version = versions::installed_or_supposed(audit, "systemd")?.unwrap_or_default();
        root.memo().derived_for(format!("{version:?}"), || Boot::read(root, &version))
    }

    fn read(root: &dyn Rootfs, version: &[u32]) -> Result<Boot> {
        let index = Index::of(root)?;
        let loader = Loader::new(root, &index, version);
        let first = transaction::boot(&loader)?;
        let mut started: BTreeMap<String, Start> =
            first.started.into_iter().map(|(id, at)| (id, Start { by: None, at })).collect();
        // What a socket, timer or path starts, and what that asks for.
        let mut todo: Vec<String> = started.keys().cloned().collect();
        while let Some(id) = todo.pop() {
            let unit = loader.load(&id)?;
            let Some((name, at)) = triggers(&unit) else { continue };
            // What runs against it would have to end first.
            let known = |id: &str| started.contains_key(id) || first.lost.contains_key(id);
            for (id, asked) in transaction::later(&loader, &name, known)? {
                let at = asked.or_else(|| Some(at.clone()));
                started.insert(id.clone(), Start { by: Some(unit.id.clone()), at });
                todo.push(id);
            }
        }
        let (units, ids) = loader.into_loaded();
        let version = version.to_vec();
        Ok(Boot { index, version, units, ids, started, lost: first.lost, failed: first.failed })
    }

    /// The unit of a name, where it was looked for.
    pub fn unit(&self, name: &str) -> Option<&BootUnit> {
        self.units.get(self.ids.get(name).map_or(name, String::as_str)).map(|unit| &**unit)
    }

    /// All services that start.
    pub fn services(&self) -> impl Iterator<Item = (&BootUnit, &Start)> {
        let services = self.started.iter().filter(|(id, _)| id.ends_with(".service"));
        services.filter_map(|(id, start)| Some((&**self.units.get(id)?, start)))
    }

    /// All units that the boot itself starts.
    pub fn at_boot(&self) -> impl Iterator<Item = (&BootUnit, &Start)> {
        let started = self.started.iter().filter(|(_, start)| start.by.is_none());
        started.filter_map(|(id, start)| Some((&**self.units.get(id)?, start)))
    }

    /// What makes the unit start, by any of its names.
    pub fn start(&self, name: &str) -> Option<&Start> {
        self.started.get(self.ids.get(name).map_or(name, String::as_str))
    }

    /// Why a unit does not start; `None` when it does.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn why_not(&self, audit: &Audit<'_>, name: &str) -> Result<Option<Cause>> {
        if self.start(name).is_some() {
            return Ok(None);
        }
        // A unit that nothing asks for was never looked at.
        let unit = match self.unit(name) {
            Some(unit) => Rc::new(unit.clone()),
            None => Loader::new(audit.root(), &self.index, &self.version).load(name)?,
        };
        if let Some(cause) = self.lost.get(&unit.id) {
            return Ok(Some(cause.clone()));
        }
        Ok(Some(match &unit.load {
            Load::Missing => {
                let at = ImagePath::parse(super::units::ETC)?.join(name)?;
                Cause { at: Place::file(&at), why: messages::no_unit(name) }
            }
            Load::Masked(path) => {
                Cause { at: Place::file(path), why: messages::unit_is_masked(name) }
            }
            Load::Refused(at, why) => {
                Cause { at: at.clone(), why: messages::unit_is_refused(name, why.clone()) }
            }
            Load::Ready => match &self.failed {
                Some(failed) => failed.clone(),
                None => {
                    // A link that pulls it in, of something that does not start itself.
                    let link = super::units::pulls(audit.root(), &unit.id)?.into_iter().next();
                    let by = link.as_ref().and_then(|link| {
                        let dir = link.parent()?;
                        let (by, _) = dir.file_name()?.to_str()?.rsplit_once('.')?;
                        Some(by.to_owned())
                    });
                    if let (Some(link), Some(by)) = (link, by) {
                        let why = messages::asked_in_vain(by, name);
                        return Ok(Some(Cause { at: Place::file(&link), why }));
                    }
                    let at = unit.file().map_or_else(Place::nowhere, Place::file);
                    Cause { at, why: messages::nothing_asks_for(name) }
                }
            },
        }))
    }
}

/// What the services run that start.
#[derive(Debug)]
pub(in crate::check) struct Programs(BTreeMap<String, Ran>);

/// The commands of a service, or the file of variables without which it does not start.
pub(in crate::check) type Ran = std::result::Result<Vec<Command>, (Place, ImagePath)>;

impl Programs {
    /// Of the services that start in the tree as it is now, as far as they are `asked` for.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(audit: &Audit<'_>, asked: impl Fn(&BootUnit, &str) -> bool) -> Result<Rc<Programs>> {
        let root = audit.root();
        let boot = Boot::of(audit)?;
        root.memo().derived(|| {
            let asked = |unit: &BootUnit| {
                let lines = command::lines(unit, "ExecStart");
                lines.iter().any(|line| asked(unit, line.program()))
            };
            let services = boot.services().map(|(unit, _)| unit).filter(|unit| asked(unit));
            let run = |unit: &BootUnit| Ok((unit.id.clone(), command::commands(root, unit)?));
            Ok(Programs(services.map(run).collect::<Result<_>>()?))
        })
    }

    /// What a service runs.
    pub fn run_by(&self, unit: &str) -> Option<&Ran> {
        self.0.get(unit)
    }
}

/// What a socket, timer or path starts.
fn triggers(unit: &BootUnit) -> Option<(String, Place)> {
    let (stem, suffix) = unit.id.rsplit_once('.')?;
    let (section, key) = match suffix {
        "socket" => ("Socket", "Service"),
        "timer" => ("Timer", "Unit"),
        "path" => ("Path", "Unit"),
        _ => return None,
    };
    let whole = unit.file().map_or_else(Place::nowhere, Place::file);
    let accepts = unit.last("Socket", "Accept").is_some_and(|(_, value)| is_yes(value));
    if suffix == "socket" && accepts {
        // One instance for each connection.
        return Some((format!("{stem}@0.service"), whole));
    }
    match unit.last(section, key).filter(|(_, value)| !value.is_empty()) {
        Some((at, value)) => Some((specifiers(value, &unit.id), at)),
        None => Some((format!("{stem}.service"), whole)),
    }
}

/// A boolean that is no.
fn is_no(value: &str) -> bool {
    ["no", "n", "false", "f", "off", "0"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

/// A boolean that is yes.
fn is_yes(value: &str) -> bool {
    ["yes", "y", "true", "t", "on", "1"].iter().any(|yes| value.eq_ignore_ascii_case(yes))
}

/// Puts the name of the unit and its parts in for `%n`, `%p`, `%i` and the like.
fn specifiers(text: &str, id: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let stem = id.rsplit_once('.').map_or(id, |(stem, _)| stem);
    let (prefix, instance) = stem.split_once('@').unwrap_or((stem, ""));
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push_str(id),
            Some('N') => out.push_str(stem),
            Some('p' | 'P') => out.push_str(prefix),
            Some('i' | 'I') => out.push_str(instance),
            Some('j' | 'J') => out.push_str(prefix.rsplit('-').next().unwrap_or_default()),
            Some('%') | None => out.push('%'),
            Some(other) => {
                out.push('%');
                out.push(other);
            }
        }
    }
    out
}
