//! ufw's own parameter file: when ufw is on, its start script loads the file over everything else.

use std::rc::Rc;

use super::{Audit, Dialect, Evidence, Gap, Key, Result, Sysctl};
use super::{common, conf_dirs, foreign, messages, remedy, sysctl};
use crate::error::Error;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::shell_assignments::assignments;

/// The two settings that its start script sources, in this order.
const SETTINGS: [&str; 2] = ["/etc/default/ufw", "/etc/ufw/ufw.conf"];

/// Adds a gap for a contrary line if ufw is on; notes it if ufw is off.
pub(super) fn judge(
    want: &Sysctl,
    audit: &Audit<'_>,
    dialect: Dialect,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let root = audit.root();
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
    if let Some(value) = last.value.as_deref() {
        evidence = evidence.found(value);
    }
    if !settings.is_on() {
        holding.push(evidence.note(messages::ufw_is_off()).aside());
        return Ok(());
    }
    let evidence = evidence.note(messages::ufw_loads_it());
    gaps.push(remedy::gap(audit, want.subject(), evidence, || {
        let new = sysctl::replace(entry.text(), &want.key, &want.value, &[dialect]);
        Ok(if !entry.is_editable() {
            Err(common::messages::correct_there(&file, &entry.real))
        } else if new == entry.text() {
            Err(common::messages::correct_by_hand(&file))
        } else {
            Ok(Change::write(&entry.real, new))
        })
    })?);
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
