//! Init scripts: systemd makes a unit of each that has none, and starts it by its links in
//! `/etc/rcN.d`.

use super::units::names_or_none;
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};

const INIT_D: &str = "/etc/init.d";
/// The run levels a service is started in; 0, 1 and 6 stop services or rescue.
const LEVELS: [char; 5] = ['2', '3', '4', '5', 'S'];

/// An init script that systemd would make a unit of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Script {
    /// Its name in `/etc/init.d`.
    pub name: String,
    /// Where it stands.
    pub path: ImagePath,
}

/// A link in one of the `/etc/rcN.d`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct RcLink {
    /// Where it stands.
    pub path: ImagePath,
    /// The run level: `2` to `5` or `S`.
    pub level: char,
    /// Whether it starts the script (`S`); else it stops it (`K`).
    pub starts: bool,
}

impl Script {
    /// The script behind the unit `name`, as the generator matches them: `x` or `x.sh` for
    /// `x.service`, and executable.
    pub fn find(root: &dyn Rootfs, name: &str) -> Result<Option<Script>> {
        let Some(stem) = name.strip_suffix(".service") else { return Ok(None) };
        for name in [stem.to_owned(), format!("{stem}.sh")] {
            let path = ImagePath::parse(INIT_D)?.join(&name)?;
            let stat = root.locate(&path)?.stat;
            if stat.is_some_and(|s| s.kind == FileKind::File && s.mode & 0o100 != 0) {
                return Ok(Some(Script { name, path }));
            }
        }
        Ok(None)
    }

    /// The links to the script in the run levels that start services.
    pub fn links(&self, root: &dyn Rootfs) -> Result<Vec<RcLink>> {
        let all = rc_links(root)?;
        Ok(all.into_iter().filter(|(name, _)| *name == self.name).map(|(_, link)| link).collect())
    }

    /// The run levels the script's own header wants it started in; 2 to 5 without a header.
    pub fn default_start(&self, root: &dyn Rootfs) -> Result<Vec<char>> {
        let text = root.read(&self.path)?.unwrap_or_default();
        let header = text.lines().find_map(|l| l.strip_prefix("# Default-Start:"));
        let Some(header) = header else { return Ok(vec!['2', '3', '4', '5']) };
        Ok(header.chars().filter(|c| LEVELS.contains(c)).collect())
    }
}

impl RcLink {
    /// The same link with the other letter: starting becomes stopping and back.
    pub fn toggled(&self) -> Result<ImagePath> {
        let letter = if self.starts { "K" } else { "S" };
        let name = self.path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
        let rest: String = name.chars().skip(1).collect();
        rc_dir(self.level)?.join(format!("{letter}{rest}"))
    }
}

/// The directory of a run level.
pub(in crate::check) fn rc_dir(level: char) -> Result<ImagePath> {
    ImagePath::parse(format!("/etc/rc{level}.d"))
}

/// All links in the run levels that start services, with the names of their scripts.
pub(in crate::check) fn rc_links(root: &dyn Rootfs) -> Result<Vec<(String, RcLink)>> {
    let mut found = Vec::new();
    for level in LEVELS {
        let dir = rc_dir(level)?;
        for entry in names_or_none(root, &dir)?.iter() {
            let Some(name) = entry.to_str() else { continue };
            let bytes = name.as_bytes();
            let (Some(b'S' | b'K'), true) =
                (bytes.first(), bytes.get(1..3).is_some_and(|n| n.iter().all(u8::is_ascii_digit)))
            else {
                continue;
            };
            let starts = bytes.first() == Some(&b'S');
            let script = name.get(3..).unwrap_or_default().to_owned();
            found.push((script, RcLink { path: dir.join(name)?, level, starts }));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn scripts_and_links() {
        let root = MemoryRootfs::new()
            .file_with("/etc/init.d/a", "#!/bin/sh\n# Default-Start: 2 3 S 1\n", 0o755, 0, 0)
            .file_with("/etc/init.d/b", "", 0o644, 0, 0)
            .file_with("/etc/init.d/c.sh", "#!/bin/sh\n", 0o755, 0, 0)
            .link("/etc/rc2.d/S01a", "../init.d/a")
            .link("/etc/rc3.d/K99a", "../init.d/a")
            .link("/etc/rc3.d/S01ab", "../init.d/ab")
            .link("/etc/rc3.d/Sa", "../init.d/a")
            .link("/etc/rc6.d/S01a", "../init.d/a");
        let a = Script::find(&root, "a.service").unwrap().unwrap();
        let links = a.links(&root).unwrap();
        let shown: Vec<_> = links.iter().map(|l| (l.path.to_string(), l.starts)).collect();
        assert_eq!(shown, [("/etc/rc2.d/S01a".into(), true), ("/etc/rc3.d/K99a".into(), false)]);
        assert_eq!(links[1].toggled().unwrap().to_string(), "/etc/rc3.d/S99a");
        assert_eq!(a.default_start(&root).unwrap(), ['2', '3', 'S']);
        assert_eq!(Script::find(&root, "b.service").unwrap(), None, "not executable");
        let c = Script::find(&root, "c.service").unwrap().unwrap();
        assert_eq!((c.name.as_str(), c.default_start(&root).unwrap().len()), ("c.sh", 4));
        assert_eq!(Script::find(&root, "a.socket").unwrap(), None);
    }
}
