//! ufw's own parameter file: when ufw is on, its start script loads the file over everything else.

use std::rc::Rc;

use super::{Dialect, Evidence, Gap, Key, Result, Rootfs, Sysctl, conf_dirs, foreign, sysctl};
use crate::error::Error;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath};
use crate::text::shell_assignments::assignments;

/// The two settings that its start script sources, in this order.
const SETTINGS: [&str; 2] = ["/etc/default/ufw", "/etc/ufw/ufw.conf"];

/// Adds a gap for a contrary line if ufw is on; tells of it if ufw is off.
pub(super) fn judge(
    want: &Sysctl,
    root: &dyn Rootfs,
    dialect: Dialect,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let settings = Settings::read(root)?;
    let Some(settings) = settings.as_ref() else { return Ok(()) };
    let Some(file) = settings.file()? else { return Ok(()) };
    let Some(entry) = conf_dirs::read_entry(root, &file)? else { return Ok(()) };
    let lines = sysctl::assignments(entry.text(), &Key::new(&want.key), dialect);
    let Some(last) = lines.last().filter(|l| !l.is(&want.value)) else { return Ok(()) };
    if let Some((says, path, line)) = &settings.enabled {
        foreign::judged(path, *line, says)?;
    }
    let mut evidence = Evidence::at(&file).line(last.line).want(&*want.value);
    evidence.found = last.value.as_deref().map(Message::value);
    if !settings.is_on() {
        holding.push(evidence.note("has no effect while ufw is off").aside());
        return Ok(());
    }
    let evidence = evidence.note("ufw loads this file when it starts");
    let new = sysctl::replace(entry.text(), &want.key, &want.value, &[dialect]);
    gaps.push(if !entry.is_editable() {
        let why = format!("{file} leads to {}; correct it there", entry.real);
        Gap::no_remedy(evidence, why)
    } else if new == entry.text() {
        Gap::no_remedy(evidence, format!("{file} cannot be edited safely; correct it by hand"))
    } else {
        Gap::fixed_by(evidence, Change::write(&entry.real, new))
    });
    Ok(())
}

struct Settings {
    /// What says whether it is on, and where.
    enabled: Option<(String, ImagePath, usize)>,
    /// The file to load, and where that is said.
    file: Option<(String, ImagePath, usize)>,
}

impl Settings {
    /// `None` when ufw's settings are not there: its start script gives up.
    fn read(root: &dyn Rootfs) -> Result<Rc<Option<Settings>>> {
        root.memo().derived(|| Settings::read_anew(root))
    }

    fn read_anew(root: &dyn Rootfs) -> Result<Option<Settings>> {
        let mut settings = Settings { enabled: None, file: None };
        for path in SETTINGS {
            let path = ImagePath::parse(path)?;
            let Some(text) = root.read(&path)?.filter(|text| !text.is_empty()) else {
                return Ok(None);
            };
            for variable in assignments(&text) {
                match variable.name.as_str() {
                    "ENABLED" => {
                        settings.enabled = Some((variable.value, path.clone(), variable.line));
                    }
                    "IPT_SYSCTL" => {
                        settings.file = Some((variable.value, path.clone(), variable.line));
                    }
                    _ => {}
                }
            }
        }
        Ok(Some(settings))
    }

    fn is_on(&self) -> bool {
        self.enabled.as_ref().is_some_and(|(says, ..)| matches!(says.as_str(), "yes" | "YES"))
    }

    /// The file to load, if one is named.
    fn file(&self) -> Result<Option<ImagePath>> {
        let Some((name, path, line)) = &self.file else { return Ok(None) };
        if name.is_empty() {
            return Ok(None);
        }
        match ImagePath::parse(name) {
            Ok(file) if !name.contains(['$', '`', ' ']) => Ok(Some(file)),
            _ if !self.is_on() => Ok(None),
            _ => Err(Error::Syntax {
                path: path.clone(),
                line: *line,
                found: format!("IPT_SYSCTL={name}"),
                want: "a plain path",
            }),
        }
    }
}
