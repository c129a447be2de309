//! What stands in the unit directories, and which file a name leads to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::rc::Rc;

use super::sysv::{RcLink, rc_links};
use super::unit_files::{BELOW_GENERATORS, UnitEntry, entry, search_path};
use super::units::{Pull, names_or_none, pull};
use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::unit_install::{is_unit_name, template_of};

/// Where a name leads.
pub(in crate::check::chain) enum Found {
    Missing,
    Masked(ImagePath),
    File { path: ImagePath, id: String },
    Odd(ImagePath),
}

/// What the links in a directory ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check::chain) enum LinkKind {
    /// `.wants`.
    Wants,
    /// `.requires`.
    Requires,
    /// `.upholds`, which older versions do not know.
    Upholds,
}

/// Which directories hold drop-ins and links of a name.
#[derive(Debug, Default, Clone)]
pub(in crate::check::chain) struct Folders {
    /// `.d`, the strongest first.
    pub drop_ins: Vec<ImagePath>,
    /// `.wants`, `.requires` and `.upholds`, the strongest first.
    pub links: Vec<(LinkKind, ImagePath)>,
}

/// A unit directory: its path, and where that leads.
#[derive(Debug, Clone)]
struct UnitDir {
    path: ImagePath,
    real: ImagePath,
}

/// What stands in the unit directories, by names.
#[derive(Debug, Default)]
pub(in crate::check) struct Index {
    dirs: Vec<UnitDir>,
    /// How many of these stand before what generators make.
    above_generators: usize,
    /// The directories that have an entry of a name, the strongest first.
    places: HashMap<String, Vec<usize>>,
    /// By the names of units.
    pub(in crate::check::chain) folders: BTreeMap<String, Folders>,
    /// All `.wants` and `.requires` there are, the strongest first.
    links: Vec<ImagePath>,
    /// Further names, of units by their own names.
    pub aliases: BTreeMap<String, BTreeSet<String>>,
    /// Links that start init scripts.
    pub scripts: Vec<(String, RcLink)>,
}

impl Index {
    /// The index of the tree as it is now.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn of(root: &dyn Rootfs) -> Result<Rc<Index>> {
        root.memo().derived(|| Index::read(root))
    }

    fn read(root: &dyn Rootfs) -> Result<Index> {
        let mut index = Index {
            scripts: rc_links(root)?.into_iter().filter(|(_, link)| link.starts).collect(),
            ..Index::default()
        };
        for path in search_path(root)? {
            let real = match root.locate(&path) {
                Err(Error::LinkLoop { .. }) => continue,
                at => at?.path,
            };
            // Of a merged /usr, /lib and /usr/lib are one place.
            if index.dirs.iter().any(|dir| dir.real == real) {
                continue;
            }
            let number = index.dirs.len();
            let below = BELOW_GENERATORS.iter().any(|dir| path.as_bytes() == dir.as_bytes());
            index.above_generators += usize::from(!below);
            for name in names_or_none(root, &path)?.iter() {
                let Some(name) = name.to_str() else { continue };
                let (stem, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
                let kind = match suffix {
                    "wants" => LinkKind::Wants,
                    "requires" => LinkKind::Requires,
                    "upholds" => LinkKind::Upholds,
                    "d" => {
                        let folders = index.folders.entry(stem.to_owned()).or_default();
                        folders.drop_ins.push(path.join(name)?);
                        continue;
                    }
                    _ => {
                        index.places.entry(name.to_owned()).or_default().push(number);
                        continue;
                    }
                };
                let folders = index.folders.entry(stem.to_owned()).or_default();
                let dir = path.join(name)?;
                if kind != LinkKind::Upholds {
                    index.links.push(dir.clone());
                }
                folders.links.push((kind, dir));
            }
            index.dirs.push(UnitDir { path, real });
        }
        let mut aliases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for name in index.folders.keys().filter(|n| is_unit_name(n)) {
            if let Found::File { id, .. } = index.find(root, name)?
                && id != *name
            {
                aliases.entry(id).or_default().insert(name.clone());
            }
        }
        index.aliases = aliases;
        Ok(index)
    }

    /// Where a name leads; an instance is looked for under its template's name, too.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub(in crate::check::chain) fn find(&self, root: &dyn Rootfs, name: &str) -> Result<Found> {
        for looked in [Some(name.to_owned()), template_of(name)].into_iter().flatten() {
            for dir in self.places.get(&looked).into_iter().flatten() {
                let Some(dir) = self.dirs.get(*dir) else { continue };
                let path = dir.path.join(&looked)?;
                // Most are plain files.
                if let Some(stat) = root.stat(&path)?
                    && stat.kind == FileKind::File
                    && stat.size > 0
                {
                    let real = dir.real.join(&looked)?;
                    return Ok(named(name, &looked, path, &real));
                }
                match entry(root, &path) {
                    Ok(None | Some(UnitEntry::Dangling)) => {}
                    Ok(Some(UnitEntry::Mask)) => return Ok(Found::Masked(path)),
                    Ok(Some(UnitEntry::File(real))) => {
                        return Ok(named(name, &looked, path, &real));
                    }
                    Ok(Some(UnitEntry::Other(_))) | Err(Error::LinkLoop { .. }) => {
                        return Ok(Found::Odd(path));
                    }
                    Err(e) => return Err(e),
                }
            }
        }
        Ok(Found::Missing)
    }

    /// Whether a unit directory has an entry of this name.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// The paths under which a name stands, the strongest first; `above_generators`: only those
    /// that count where a generator makes the unit.
    pub fn paths(&self, name: &str, above_generators: bool) -> Result<Vec<ImagePath>> {
        let most = if above_generators { self.above_generators } else { self.dirs.len() };
        let places = self.places.get(name).map_or(&[][..], Vec::as_slice);
        let dirs = places.iter().filter(|n| **n < most).filter_map(|n| self.dirs.get(*n));
        dirs.map(|dir| dir.path.join(name)).collect()
    }

    /// The names that have a file or drop-ins in unit directories.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let dropped = self.folders.iter().filter(|(_, folders)| !folders.drop_ins.is_empty());
        self.places.keys().chain(dropped.map(|(name, _)| name)).map(String::as_str)
    }

    /// The directories of the drop-ins of a name, the strongest first.
    pub fn drop_ins(&self, name: &str) -> &[ImagePath] {
        self.folders.get(name).map_or(&[], |folders| &folders.drop_ins)
    }

    /// Every entry of a `.wants` or `.requires` directory, the strongest first.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn linked(&self, root: &dyn Rootfs) -> Result<Vec<(OsString, ImagePath)>> {
        let mut all = Vec::new();
        for dir in &self.links {
            for name in names_or_none(root, dir)?.iter() {
                all.push((name.clone(), dir.join(name)?));
            }
        }
        Ok(all)
    }

    /// The entries of one name in `.wants` and `.requires` directories, the strongest first.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn links_of(&self, root: &dyn Rootfs, name: &str) -> Result<Vec<ImagePath>> {
        let mut all = Vec::new();
        for dir in &self.links {
            if names_or_none(root, dir)?.iter().any(|entry| entry == name) {
                all.push(dir.join(name)?);
            }
        }
        Ok(all)
    }

    /// Whether the link `name` in a directory of links pulls its unit in.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn pulls(&self, root: &dyn Rootfs, link: &ImagePath, name: &str) -> Result<bool> {
        let Some(text) = root.read_link(link)? else { return Ok(false) };
        // The usual link leads to the unit's own file, which is looked at when it is loaded.
        let plain = |number: &usize| {
            let Some(dir) = self.dirs.get(*number) else { return false };
            let leads = |to: &[u8]| {
                to.strip_suffix(name.as_bytes()).and_then(|to| to.strip_suffix(b"/"))
                    == Some(dir.path.as_bytes())
            };
            let beside = text.strip_prefix(b"../").is_some_and(|rest| rest == name.as_bytes())
                && link.parent().and_then(|dir| dir.parent()).as_ref() == Some(&dir.path);
            leads(&text) || beside
        };
        let places = self.places.get(name).map_or(&[][..], Vec::as_slice);
        // Its only file: were that a mask, the unit would not start either.
        if places.len() == 1 && places.iter().any(plain) {
            return Ok(true);
        }
        Ok(pull(root, link)? == Some(Pull::Link))
    }
}

/// What a file under the name `name`, found as `looked`, is the unit of.
pub(in crate::check::chain) fn named(
    name: &str,
    looked: &str,
    path: ImagePath,
    real: &ImagePath,
) -> Found {
    let own = |id: String| Found::File { path: path.clone(), id };
    let last = real.file_name().and_then(|n| n.to_str()).filter(|n| is_unit_name(n));
    let Some(last) =
        last.filter(|last| *last != looked && template_of(name).as_deref() != Some(*last))
    else {
        return own(name.to_owned());
    };
    let suffix = |name: &str| name.rsplit_once('.').map(|(_, suffix)| suffix.to_owned());
    if suffix(last) != suffix(name) {
        return Found::Odd(path);
    }
    match (last.split_once("@."), name.split_once('@')) {
        // Another template: the instance stays.
        (Some((stem, _)), Some((_, instance))) => own(format!("{stem}@{instance}")),
        _ => own(last.to_owned()),
    }
}
