//! What starts at boot: shown to a person, never judged.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::chain::boot::Boot;
use crate::check::chain::sysv::{Script, rc_links};
use crate::check::chain::units;
use crate::check::chain::units::{ETC, Pull, Unit, entry, names_in, pull};
use crate::check::chain::{self, Index};
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::unit_install::is_unit_name;

/// Shows the units, sockets and init scripts that start at boot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServicesReview {}

/// More units than this are counted, not shown.
const SHOWN: usize = 256;
/// What runs or makes something run. Targets, mounts and the like do not serve anybody.
const TYPES: [&str; 4] = [".service", ".socket", ".timer", ".path"];

impl Primitive for ServicesReview {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let etc = ImagePath::parse(ETC)?;
        let mut masked = 0usize;
        for name in names_in(root, &etc)?.iter() {
            let is_unit = name.to_str().is_some_and(is_shown);
            if is_unit && matches!(entry(root, &etc.join(name)?), Ok(Some(units::UnitEntry::Mask)))
            {
                masked += 1;
            }
        }
        let starting = match chain::has_init(root)? {
            true => at_boot(audit)?,
            false => by_links(root)?,
        };
        let sockets = starting.keys().filter(|n| n.ends_with(".socket")).count();
        let note = messages::starting(starting.len(), sockets, masked);
        let mut evidence = vec![Evidence::note_only(note)];
        let always: Vec<_> =
            starting.iter().filter(|(_, e)| e.is_none()).map(|(n, _)| n.as_str()).collect();
        let always = always.iter().take(SHOWN).copied().collect::<Vec<_>>().join(" ");
        let mut chosen: Vec<_> = starting.into_values().flatten().collect();
        let more = chosen.len().saturating_sub(SHOWN);
        chosen.truncate(SHOWN);
        evidence.append(&mut chosen);
        if more > 0 {
            evidence.push(Evidence::note_only(messages::more(more)));
        }
        if !always.is_empty() {
            evidence.push(Evidence::note_only(messages::always_started(always)));
        }
        Ok(Finding::Manual(evidence))
    }
}

/// The units that start, each with what makes it start. What packages start by links of their own
/// is much and seldom chosen by anybody: it is named, not pointed at.
type Starting = BTreeMap<String, Option<Evidence>>;

/// What the boot starts.
fn at_boot(audit: &Audit<'_>) -> Result<Starting> {
    let mut starting = Starting::new();
    for (unit, start) in Boot::of(audit)?.at_boot().filter(|(unit, _)| is_shown(&unit.id)) {
        let chosen = start.at.as_ref().filter(|at| !is_vendor(&at.path));
        let note = match unit.script {
            Some(_) => messages::init_script(),
            None => messages::enabled(),
        };
        let evidence = chosen.map(|at| {
            let evidence = Evidence { line: at.line, ..Evidence::at(&at.path) };
            evidence.found(unit.id.as_str()).note(note)
        });
        starting.insert(unit.id.clone(), evidence);
    }
    Ok(starting)
}

/// Without an init: what a link pulls in, from wherever.
fn by_links(root: &dyn Rootfs) -> Result<Starting> {
    // A unit is shown once, with the strongest link to it. What packages start by links of
    // their own is much and seldom chosen by anybody: it is named, not pointed at.
    let mut starting: BTreeMap<String, Option<Evidence>> = BTreeMap::new();
    for (name, path) in Index::of(root)?.linked(root)? {
        let Some(name) = name.to_str().filter(|n| is_shown(n)) else { continue };
        if starting.contains_key(name) || pull(root, &path)? != Some(Pull::Link) {
            continue;
        }
        // What cannot be followed (a loop of links) is no mask.
        if Unit::find(root, name).is_ok_and(|unit| unit.is_masked()) {
            continue;
        }
        let evidence =
            (!is_vendor(&path)).then(|| Evidence::at(&path).found(name).note(messages::enabled()));
        starting.insert(name.to_owned(), evidence);
    }
    for (script, link) in rc_links(root)?.into_iter().filter(|(_, link)| link.starts) {
        let unit = format!("{}.service", script.trim_end_matches(".sh"));
        // systemd makes no unit of a script that has one, or whose name is masked.
        if starting.contains_key(&script)
            || !is_unit_name(&unit)
            || !Unit::find(root, &unit).is_ok_and(|unit| unit.entries.is_empty())
            || Script::find(root, &unit)?.is_none()
        {
            continue;
        }
        let evidence =
            Evidence::at(&link.path).found(script.as_str()).note(messages::init_script());
        starting.insert(script, Some(evidence));
    }
    Ok(starting)
}

fn is_vendor(dir: &ImagePath) -> bool {
    [&b"/usr/"[..], b"/lib/"].iter().any(|place| dir.as_bytes().starts_with(place))
}

fn is_shown(name: &str) -> bool {
    is_unit_name(name) && TYPES.iter().any(|t| name.ends_with(t))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::check;
    use crate::rootfs::MemoryRootfs;

    fn look(root: &MemoryRootfs) -> Vec<String> {
        match check("services_review = {}").primitive().audit(root).unwrap() {
            Finding::Manual(evidence) => evidence
                .into_iter()
                .map(|e| match e.found {
                    Some(found) => {
                        format!("{found}: {}", e.note.map(|m| m.to_string()).unwrap_or_default())
                    }
                    None => e.note.map(|m| m.to_string()).unwrap_or_default(),
                })
                .collect(),
            finding => panic!("{finding:?}"),
        }
    }

    #[test]
    fn what_starts_is_shown() {
        let etc = "/etc/systemd/system";
        let lib = "/lib/systemd/system";
        let script = |root: MemoryRootfs, name: &str| {
            root.file_with(&format!("/etc/init.d/{name}"), "#!/bin/sh\n", 0o755, 0, 0)
                .link(&format!("/etc/rc2.d/S01{name}"), &format!("../init.d/{name}"))
                .link(&format!("/etc/rc3.d/S01{name}"), &format!("../init.d/{name}"))
        };
        let root = MemoryRootfs::new()
            .file(&format!("{lib}/cron.service"), "x")
            .link(&format!("{etc}/multi-user.target.wants/cron.service"), "x")
            .link(&format!("{etc}/multi-user.target.wants/off.service"), "/dev/null")
            .link(&format!("{etc}/multi-user.target.wants/masked.service"), "x")
            .link(&format!("{etc}/masked.service"), "/dev/null")
            .link(&format!("{etc}/multi-user.target.wants/remote-fs.target"), "x")
            .link(&format!("{etc}/sockets.target.wants/rpcbind.socket"), "x")
            .link(&format!("{lib}/sockets.target.wants/dbus.socket"), "x")
            .link(&format!("{lib}/sockets.target.wants/rpcbind.socket"), "x")
            .link("/etc/rc2.d/S01nowhere", "../init.d/nowhere")
            .link("/etc/rc2.d/K01stopped", "../init.d/stopped");
        let root = script(script(script(root, "cron"), "old"), "masked");
        assert_eq!(
            look(&root),
            [
                "4 units and scripts start at boot, 2 of them sockets; 1 is masked",
                "cron.service: enabled",
                "old: init script",
                "rpcbind.socket: enabled",
                "always started by packages: dbus.socket",
            ]
        );
    }

    #[test]
    fn odd_images() {
        let none = "0 units and scripts start at boot, 0 of them sockets; 0 are masked";
        assert_eq!(look(&MemoryRootfs::new()), [none]);
        let root = MemoryRootfs::new().file("/etc/systemd/system", "").link("/etc/rc2.d", "x");
        assert_eq!(look(&root), [none]);
        let looped = "/etc/systemd/system/loop.service";
        let root = MemoryRootfs::new().link(looped, looped);
        let root = root.link("/etc/systemd/system/m.target.wants/loop.service", looped);
        assert_eq!(look(&root)[1], "loop.service: enabled");
        let many = (0..600).fold(MemoryRootfs::new(), |root, i| {
            root.link(&format!("/etc/systemd/system/m.target.wants/u{i}.service"), "x")
        });
        assert_eq!(look(&many).len(), SHOWN + 2);
    }
}
