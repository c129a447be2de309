//! systemd's units as an image has them: a unit under all its names, whether it is masked, and what
//! pulls it in. `unit_files` says where the files are.
//!
//! Everything is read from files and links; targets of links are paths of the image. What a
//! generator will make at boot is not known here, save for init scripts (see `sysv`).

use super::index::Index;
use super::unit_files::placed_statements;
pub(in crate::check) use super::unit_files::{UnitEntry, entry};
use crate::check::common::destination;
use crate::check::foreign;
use crate::check::systemd::messages;
use crate::error::{Error, Result, kind};
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::unit_install::{Install, is_unit_name, template_of};

/// Where systemctl writes.
pub(in crate::check) const ETC: &str = "/etc/systemd/system";

/// A unit by one of its names, in all the directories that know it.
#[derive(Debug, Clone)]
pub(in crate::check) struct Unit {
    /// The name it was looked for.
    pub name: String,
    /// What stands under it, the strongest first.
    pub entries: Vec<(ImagePath, UnitEntry)>,
}

impl Unit {
    /// Looks for the unit; an instance is looked for under its own name and its template's.
    pub fn find(root: &dyn Rootfs, name: &str) -> Result<Unit> {
        let index = Index::of(root)?;
        let mut entries = Vec::new();
        for name in [Some(name.to_owned()), template_of(name)].into_iter().flatten() {
            if !entries.is_empty() {
                break;
            }
            for path in index.paths(&name, false)? {
                if let Some(entry) = entry(root, &path)? {
                    entries.push((path, entry));
                }
            }
        }
        Ok(Unit { name: name.to_owned(), entries })
    }

    /// The masks that are in force: those before any other entry.
    pub fn masks(&self) -> impl Iterator<Item = &ImagePath> {
        self.entries.iter().take_while(|(_, e)| *e == UnitEntry::Mask).map(|(path, _)| path)
    }

    /// Whether a mask is in force.
    pub fn is_masked(&self) -> bool {
        self.masks().next().is_some()
    }

    /// What would be in force without the masks.
    pub fn unmasked(&self) -> Option<&(ImagePath, UnitEntry)> {
        self.entries.iter().find(|(_, e)| *e != UnitEntry::Mask)
    }

    /// The unit file without the masks: its path in a unit directory, and where that leads.
    pub fn fragment(&self) -> Option<(&ImagePath, &ImagePath)> {
        match self.unmasked()? {
            (path, UnitEntry::File(real)) => Some((path, real)),
            _ => None,
        }
    }

    /// The unit this name is only an alias of, if it is.
    pub fn original(&self, root: &dyn Rootfs) -> Result<Option<Unit>> {
        let Some((_, real)) = self.fragment() else { return Ok(None) };
        let name = real.file_name().and_then(|n| n.to_str()).filter(|n| is_unit_name(n));
        let own = [Some(self.name.clone()), template_of(&self.name)];
        let Some(name) = name.filter(|n| own.iter().flatten().all(|own| own != n)) else {
            return Ok(None);
        };
        let other = Unit::find(root, name)?;
        let same = other.fragment().is_some_and(|(_, at)| at == real);
        Ok(same.then_some(other))
    }

    /// The `[Install]` section: of the unit file, then of its drop-ins.
    pub fn install(&self, root: &dyn Rootfs) -> Result<Install> {
        let Some((fragment, _)) = self.fragment() else { return Ok(Install::default()) };
        let all = placed_statements(root, &self.name, Some(fragment))?;
        for (path, said) in &all {
            let makes_links = ["WantedBy", "RequiredBy", "Alias"].contains(&said.key.as_str());
            if makes_links && &*said.section == "Install" {
                foreign::judged(path, said.line, &said.value)?;
            }
        }
        let all: Vec<_> = all.into_iter().map(|(_, said)| said).collect();
        Ok(Install::read(&all))
    }
}

/// The names in a directory; none when there is no such directory.
pub(in crate::check) fn names_in(
    root: &dyn Rootfs,
    dir: &ImagePath,
) -> Result<std::rc::Rc<[std::ffi::OsString]>> {
    match root.locate(dir)?.stat {
        Some(stat) if stat.kind == FileKind::Dir => Ok(root.list(dir)?.unwrap_or_default()),
        _ => Ok(std::rc::Rc::default()),
    }
}

/// As [`names_in`]; whoever lists it at boot passes over a loop of links.
pub(super) fn names_or_none(
    root: &dyn Rootfs,
    dir: &ImagePath,
) -> Result<std::rc::Rc<[std::ffi::OsString]>> {
    match names_in(root, dir) {
        Err(Error::LinkLoop { .. }) => Ok(std::rc::Rc::default()),
        names => names,
    }
}

/// How an entry of a `.wants` or `.requires` directory counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Pull {
    /// It pulls the unit of its name in, wherever its text leads.
    Link,
    /// It leads to `/dev/null` or an empty file: it pulls nothing in.
    Masked,
    /// It is no link: systemd passes over it.
    NoLink,
}

/// What stands at a path in a `.wants` or `.requires` directory; `None` when nothing does.
pub(in crate::check) fn pull(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Pull>> {
    Ok(match root.stat(path)? {
        None => None,
        Some(stat) if stat.kind != FileKind::Symlink => Some(Pull::NoLink),
        // A loop of links, too, counts by its name alone.
        Some(_) => Some(match entry(root, path) {
            Ok(Some(UnitEntry::Mask)) => Pull::Masked,
            _ => Pull::Link,
        }),
    })
}

/// Every link that pulls `name` in, from any directory, the strongest first.
pub(in crate::check) fn pulls(root: &dyn Rootfs, name: &str) -> Result<Vec<ImagePath>> {
    let mut found = Vec::new();
    for path in Index::of(root)?.links_of(root, name)? {
        if pull(root, &path)? == Some(Pull::Link) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Why no entry can be made or taken away at `path`; `None` when it can: it stands under `/etc`, by
/// every link on the way, in a directory.
pub(in crate::check) fn unwritable(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Message>> {
    let Some(dir) = path.parent().filter(|_| path.as_bytes().starts_with(b"/etc/")) else {
        return Ok(Some(messages::not_under_etc(path)));
    };
    if let Some(why) = destination::entry_refusal(root, path)? {
        return Ok(Some(why));
    }
    if let Some(stat) = root.locate(&dir)?.stat.filter(|stat| stat.kind != FileKind::Dir) {
        return Ok(Some(messages::want_directory(&dir, kind(stat.kind))));
    }
    // Taken away, a device could not be brought back.
    Ok(root.stat(path)?.and_then(|stat| match stat.kind {
        FileKind::File | FileKind::Symlink => None,
        other => Some(messages::move_away(path, kind(other))),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    const LIB: &str = "/lib/systemd/system/x.service";

    fn find(root: &MemoryRootfs) -> Unit {
        Unit::find(root, "x.service").unwrap()
    }

    #[test]
    fn the_strongest_directory_wins() {
        let root = MemoryRootfs::new()
            .file("/usr/lib/systemd/system/x.service", "u")
            .file("/usr/local/lib/systemd/system/x.service", "l")
            .file(LIB, "v");
        let at = |root: &MemoryRootfs| find(root).fragment().unwrap().0.to_string();
        assert_eq!(at(&root), "/usr/local/lib/systemd/system/x.service");
        assert_eq!(at(&root.clone().without("/usr/local")), LIB);
        let root = root.file("/etc/systemd/system/x.service", "e");
        assert_eq!(at(&root), "/etc/systemd/system/x.service");
        let root = root.file("/run/systemd/transient/x.service", "r");
        assert_eq!(at(&root), "/etc/systemd/system/x.service");
        assert_eq!(at(&root.live()), "/run/systemd/transient/x.service");
    }

    #[test]
    fn forms_of_masks() {
        let base = MemoryRootfs::new().file(LIB, "v");
        assert!(!find(&base).is_masked());
        let etc = "/etc/systemd/system/x.service";
        for root in [
            base.clone().link(etc, "/dev/null"),
            base.clone().link(etc, "../../../dev/null"),
            base.clone().link(etc, "/dev/null").special("/dev/null", FileKind::CharDevice),
            base.clone().link(etc, "/dev/null").file("/dev/null", "not empty"),
            base.clone().file(etc, ""),
            base.clone().link(etc, "empty").file("/etc/systemd/system/empty", ""),
        ] {
            let unit = find(&root);
            assert!(unit.is_masked());
            assert_eq!(unit.masks().count(), 1);
            assert_eq!(unit.fragment().unwrap().0.to_string(), LIB);
        }
        let root = base.file("/usr/lib/systemd/system/x.service", "");
        assert!(!find(&root).is_masked(), "a weaker directory masks nothing");
    }

    #[test]
    fn aliases_and_other_entries() {
        let root = MemoryRootfs::new().file(LIB, "v");
        let alias = root.clone().link("/etc/systemd/system/y.service", LIB);
        let unit = Unit::find(&alias, "y.service").unwrap();
        assert_eq!(unit.original(&alias).unwrap().unwrap().name, "x.service");
        assert!(find(&alias).original(&alias).unwrap().is_none());
        let odd = root.clone().dir("/etc/systemd/system/x.service", 0o755, 0, 0);
        assert_eq!(find(&odd).unmasked().unwrap().1, UnitEntry::Other(FileKind::Dir));
        let gone = root.link("/etc/systemd/system/x.service", "/nowhere");
        assert_eq!(find(&gone).unmasked().unwrap().1, UnitEntry::Dangling);
        assert_eq!(find(&gone).fragment(), None);
    }

    #[test]
    fn instances_have_a_template() {
        let root = MemoryRootfs::new().file("/lib/systemd/system/getty@.service", "[Install]\n");
        let unit = Unit::find(&root, "getty@tty1.service").unwrap();
        assert!(unit.fragment().is_some());
        assert!(unit.original(&root).unwrap().is_none());
    }

    #[test]
    fn drop_ins_are_part_of_the_unit() {
        let root = MemoryRootfs::new()
            .file(LIB, "[Install]\nWantedBy=a.target\n")
            .file("/lib/systemd/system/x.service.d/10.conf", "[Install]\nWantedBy=b.target\n")
            .file("/lib/systemd/system/x.service.d/20.conf", "[Install]\nWantedBy=c.target\n")
            .link("/etc/systemd/system/x.service.d/20.conf", "/dev/null")
            .file("/etc/systemd/system/x.service.d/30.txt", "[Install]\nWantedBy=d.target\n");
        let wanted_by = |root: &MemoryRootfs| find(root).install(root).unwrap().wanted_by;
        assert_eq!(wanted_by(&root), ["a.target", "b.target"]);
        let root = root.file("/etc/systemd/system/x.service.d/05.conf", "[Install]\nWantedBy=\n");
        assert_eq!(wanted_by(&root), ["b.target"]);
    }

    #[test]
    fn what_pulls_in() {
        let wants = "/etc/systemd/system/m.target.wants/x.service";
        let root = MemoryRootfs::new().link(wants, "/nowhere/at/all");
        let pulls = |root: &MemoryRootfs| pulls(root, "x.service").unwrap().len();
        assert_eq!(pulls(&root), 1);
        assert_eq!(pulls(&root.clone().link(wants, wants)), 1);
        assert_eq!(pulls(&root.clone().link(wants, "/dev/null")), 0);
        assert_eq!(pulls(&root.clone().without(wants).file(wants, "copied")), 0);
        let root = root.link("/lib/systemd/system/n.target.requires/x.service", "../x.service");
        assert_eq!(pulls(&root.link("/etc/systemd/system/m.target/x.service", "x")), 2);
    }

    #[test]
    fn a_loop_of_links_is_no_directory() {
        let wants = "/etc/systemd/system/m.target.wants";
        for at in ["/etc/systemd/system", "/etc/rc2.d", wants] {
            let root = MemoryRootfs::new().file(LIB, "v").link(at, at);
            assert!(find(&root).fragment().is_some(), "{at}");
            assert!(pulls(&root, "x.service").unwrap().is_empty(), "{at}");
        }
    }

    #[test]
    fn only_places_under_etc_are_ours() {
        let path = ImagePath::parse("/etc/systemd/system/a.wants/x.service").unwrap();
        let root = MemoryRootfs::new().dir("/etc", 0o755, 0, 0);
        assert_eq!(unwritable(&root, &path).unwrap(), None);
        let out = root.clone().link("/etc/systemd/system/a.wants", "/lib/a.wants");
        assert!(
            unwritable(&out, &path)
                .unwrap()
                .unwrap()
                .to_string()
                .contains("leads to /lib/a.wants/x.service, outside")
        );
        let file = root.file("/etc/systemd/system/a.wants", "");
        assert!(
            unwritable(&file, &path).unwrap().unwrap().to_string().contains("is a regular file")
        );
    }
}
