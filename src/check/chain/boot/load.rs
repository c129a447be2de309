//! Units as systemd loads them: under which name, from which files, with what they say and ask for.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

use super::refusal;
use crate::check::chain::index::{Found, Index, LinkKind, named};
use crate::check::chain::sysv::Script;
use crate::check::chain::unit_files::{self, UnitEntry, entry};
use crate::check::chain::{Place, messages};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::unit::{Assignment, Unit};
use crate::text::unit_install::{is_unit_name, template_of};

/// More units than this are no tree that somebody boots.
const MAX_UNITS: usize = 8192;

/// What one unit asks of another when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Asks {
    /// It fails without.
    Requires,
    /// It goes on without.
    Wants,
    /// They do not run together.
    Conflicts,
}

/// One dependency, and the statement or link that makes it.
#[derive(Debug, Clone)]
pub(in crate::check) struct Dependency {
    /// What is asked.
    pub asks: Asks,
    /// Of which unit.
    pub of: String,
    /// Where it is said; `None` where systemd adds it by itself.
    pub at: Option<Place>,
    /// The file that the link leads to, for a unit that is in no unit directory.
    file: Option<ImagePath>,
}

/// How loading ended.
#[derive(Debug, Clone)]
pub(in crate::check) enum Load {
    /// It can be started.
    Ready,
    /// No file is its.
    Missing,
    /// It is masked here.
    Masked(ImagePath),
    /// systemd refuses it.
    Refused(Place, Message),
}

/// A unit, loaded.
#[derive(Debug, Clone)]
pub(in crate::check) struct BootUnit {
    /// Its name; others are aliases.
    pub id: String,
    /// Its names that something in the tree uses.
    pub names: BTreeSet<String>,
    /// How loading ended.
    pub load: Load,
    /// Its file.
    pub fragment: Option<ImagePath>,
    /// The init script that it is made from.
    pub script: Option<ImagePath>,
    /// What its files say, in order.
    pub said: Vec<(Rc<ImagePath>, Assignment)>,
    /// What it asks for.
    pub asks: Vec<Dependency>,
}

impl BootUnit {
    /// The last value of a key and where it stands; an empty one counts.
    pub fn last(&self, section: &str, key: &str) -> Option<(Place, &str)> {
        let (path, said) = self.said.iter().rfind(|(_, said)| said.is(section, key))?;
        Some((Place::line(path, said.line), &said.value))
    }

    /// A file that is its own, for messages: its file, or the script.
    pub fn file(&self) -> Option<&ImagePath> {
        self.fragment.as_ref().or(self.script.as_ref())
    }
}

/// Loads units, each once.
pub(super) struct Loader<'a> {
    root: &'a dyn Rootfs,
    index: &'a Index,
    /// The version of systemd, as its numbers.
    version: &'a [u32],
    loaded: RefCell<BTreeMap<String, Rc<BootUnit>>>,
    ids: RefCell<HashMap<String, String>>,
}

impl<'a> Loader<'a> {
    /// Loads units of this index.
    pub fn new(root: &'a dyn Rootfs, index: &'a Index, version: &'a [u32]) -> Loader<'a> {
        Loader { root, index, version, loaded: RefCell::default(), ids: RefCell::default() }
    }

    /// The units that were loaded, by their own names.
    pub fn into_loaded(self) -> (BTreeMap<String, Rc<BootUnit>>, HashMap<String, String>) {
        (self.loaded.into_inner(), self.ids.into_inner())
    }

    /// The unit of a name.
    ///
    /// # Errors
    /// A file that cannot be read, or too many units.
    pub fn load(&self, name: &str) -> Result<Rc<BootUnit>> {
        self.load_from(name, None)
    }

    /// As [`Loader::load`]; without a file of its own, `link` leads to it.
    pub fn load_asked(&self, asked: &Dependency) -> Result<Rc<BootUnit>> {
        self.load_from(&asked.of, asked.file.as_ref())
    }

    fn load_from(&self, name: &str, link: Option<&ImagePath>) -> Result<Rc<BootUnit>> {
        if let Some(known) = self.ids.borrow().get(name).and_then(|id| self.known(id)) {
            return Ok(known);
        }
        let mut found = self.index.find(self.root, name)?;
        if let (Found::Missing, Some(link)) = (&found, link) {
            found = self.linked(name, link)?;
        }
        let id = match &found {
            Found::File { id, .. } => id.clone(),
            _ => name.to_owned(),
        };
        self.ids.borrow_mut().insert(name.to_owned(), id.clone());
        if let Some(known) = self.known(&id) {
            return Ok(known);
        }
        if self.loaded.borrow().len() >= MAX_UNITS {
            let path = ImagePath::parse(super::super::units::ETC)?;
            let why = messages::too_many_units(MAX_UNITS);
            return Err(Error::CannotTell { path, why });
        }
        // The unit's own name has the first word on its file; before 246, the name it was first
        // looked for.
        if id != name && self.is_since(246) {
            found = match self.index.find(self.root, &id)? {
                Found::Missing => found,
                own => own,
            };
        }
        let unit = Rc::new(self.read(&id, found)?);
        self.ids.borrow_mut().insert(id.clone(), id.clone());
        self.loaded.borrow_mut().insert(id, Rc::clone(&unit));
        Ok(unit)
    }

    /// Whether systemd is this version or a newer one.
    fn is_since(&self, major: u32) -> bool {
        self.version.first().is_some_and(|version| *version >= major)
    }

    fn known(&self, id: &str) -> Option<Rc<BootUnit>> {
        self.loaded.borrow().get(id).cloned()
    }

    /// The unit of a link whose name no unit directory has.
    fn linked(&self, name: &str, link: &ImagePath) -> Result<Found> {
        Ok(match entry(self.root, link) {
            Ok(Some(UnitEntry::File(real))) => named(name, name, link.clone(), &real),
            _ => Found::Missing,
        })
    }

    fn read(&self, id: &str, found: Found) -> Result<BootUnit> {
        let mut names: BTreeSet<String> = self.index.aliases.get(id).cloned().unwrap_or_default();
        names.insert(id.to_owned());
        let mut unit = BootUnit {
            id: id.to_owned(),
            names,
            load: Load::Ready,
            fragment: None,
            script: None,
            said: Vec::new(),
            asks: Vec::new(),
        };
        let file = match found {
            Found::Masked(path) => {
                unit.load = Load::Masked(path);
                return Ok(unit);
            }
            Found::Odd(path) => {
                let why = messages::not_a_unit(&path);
                unit.load = Load::Refused(Place::file(&path), why);
                return Ok(unit);
            }
            Found::Missing => {
                let Some(script) = self.script(id)? else {
                    if !stands_alone(id) {
                        unit.load = Load::Missing;
                        return Ok(unit);
                    }
                    self.add_links(&mut unit)?;
                    return Ok(unit);
                };
                unit.script = Some(script);
                None
            }
            // A package's slice asks for nothing.
            Found::File { path, .. } if id.ends_with(".slice") && !is_etc(&path) => {
                unit.fragment = Some(path);
                None
            }
            Found::File { path, .. } => Some(path),
        };
        if let Some(path) = file {
            let text = self.root.read(&path)?.unwrap_or_default();
            let read = Unit::parse(&text);
            unit.load = match refusal::of_file(&path, &read) {
                Some((place, why)) => Load::Refused(place, why),
                None => Load::Ready,
            };
            unit.said = match read.includes.is_empty() {
                true => {
                    let here = Rc::new(path.clone());
                    read.assignments.into_iter().map(|a| (Rc::clone(&here), a)).collect()
                }
                false => unit_files::fragment_statements(self.root, &path)?,
            };
            unit.fragment = Some(path);
        }
        let of_template = template_of(id);
        for name in of_template.iter().chain(&unit.names) {
            if let Some(folders) = self.index.folders.get(name)
                && !folders.drop_ins.is_empty()
            {
                let said = unit_files::statements_of_dirs(self.root, &folders.drop_ins)?;
                unit.said.extend(said);
            }
        }
        if matches!(unit.load, Load::Ready)
            && unit.script.is_none()
            && let Some((place, why)) = refusal::of_unit(&unit, self.version)
        {
            unit.load = Load::Refused(place, why);
        }
        if matches!(unit.load, Load::Ready) {
            self.add_statements(&mut unit);
            self.add_links(&mut unit)?;
        }
        Ok(unit)
    }

    /// The init script that a generator makes the unit from.
    fn script(&self, id: &str) -> Result<Option<ImagePath>> {
        Ok(Script::find(self.root, id)?.map(|script| script.path))
    }

    fn add_statements(&self, unit: &mut BootUnit) {
        let mut asks = Vec::new();
        for (path, said) in &unit.said {
            let (kind, value) = match (&*said.section, said.key.as_str()) {
                ("Unit", "Requires" | "RequiresOverridable" | "BindsTo" | "BindTo") => {
                    (Asks::Requires, &said.value)
                }
                ("Unit", "Wants") => (Asks::Wants, &said.value),
                ("Unit", "Upholds") if self.is_since(249) => (Asks::Wants, &said.value),
                ("Unit", "Conflicts") => (Asks::Conflicts, &said.value),
                ("Service", "Sockets") => (Asks::Wants, &said.value),
                _ => continue,
            };
            for word in value.split_whitespace() {
                let of = super::specifiers(word.trim_matches(['"', '\'']), &unit.id);
                if is_unit_name(&of) {
                    let at = Some(Place::line(path, said.line));
                    asks.push(Dependency { asks: kind, of, at, file: None });
                }
            }
        }
        let suffix = unit.id.rsplit_once('.').map_or("", |(_, suffix)| suffix);
        let starts_early = ["service", "socket", "timer", "path"].contains(&suffix);
        let defaults = unit.last("Unit", "DefaultDependencies");
        if starts_early && !defaults.is_some_and(|(_, value)| super::is_no(value)) {
            let of = "sysinit.target".to_owned();
            asks.push(Dependency { asks: Asks::Requires, of, at: None, file: None });
        }
        unit.asks = asks;
    }

    /// What the links in `.wants` and `.requires` directories of its names add.
    fn add_links(&self, unit: &mut BootUnit) -> Result<()> {
        let of_template = template_of(&unit.id);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for name in unit.names.iter().chain(&of_template) {
            let Some(folders) = self.index.folders.get(name) else { continue };
            for (kind, dir) in &folders.links {
                let asks = match kind {
                    LinkKind::Requires => Asks::Requires,
                    LinkKind::Wants => Asks::Wants,
                    LinkKind::Upholds if self.is_since(249) => Asks::Wants,
                    LinkKind::Upholds => continue,
                };
                let names = match self.root.list(dir) {
                    Err(Error::WrongKind { .. } | Error::LinkLoop { .. }) => None,
                    names => names?,
                };
                for entry in names.iter().flat_map(|names| names.iter()) {
                    let Some(of) = entry.to_str().filter(|n| is_unit_name(n)) else { continue };
                    // Hidden files are passed over.
                    if of.starts_with('.') {
                        continue;
                    }
                    let link = dir.join(of)?;
                    // The strongest directory has the word on a name.
                    if !seen.insert((asks == Asks::Requires, of.to_owned())) {
                        continue;
                    }
                    if !self.index.pulls(self.root, &link, of)? {
                        continue;
                    }
                    let at = Some(Place::file(&link));
                    found.push(Dependency { asks, of: of.to_owned(), at, file: Some(link) });
                }
            }
        }
        unit.asks.extend(found);
        for (script, link) in &self.index.scripts {
            let target = match link.level {
                '2' | '3' | '4' => "multi-user.target",
                '5' => "graphical.target",
                _ => "sysinit.target",
            };
            if unit.id != target {
                continue;
            }
            let of = format!("{}.service", script.trim_end_matches(".sh"));
            // A unit file, a mask too, stands before the script.
            if is_unit_name(&of) && !self.index.has(&of) {
                let at = Some(Place::file(&link.path));
                unit.asks.push(Dependency { asks: Asks::Wants, of, at, file: None });
            }
        }
        Ok(())
    }
}

/// systemd knows these without a file, or a generator makes them of `fstab`.
fn stands_alone(id: &str) -> bool {
    let suffix = id.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    ["slice", "scope", "device", "mount", "swap"].contains(&suffix)
}

fn is_etc(path: &ImagePath) -> bool {
    path.as_bytes().starts_with(b"/etc/")
}
