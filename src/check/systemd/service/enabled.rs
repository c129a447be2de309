//! A unit that is to start at boot: no mask stands in its way, and the links of its `[Install]`
//! section are there.

use super::{finding, shown};
use crate::check::chain;
use crate::check::chain::sysv::{RcLink, Script, rc_dir};
use crate::check::chain::units::{self, ETC, Pull, Unit, UnitEntry};
use crate::check::systemd::messages;
use crate::check::{Audit, Evidence, Finding, Fix, Gap};
use crate::error::Result;
use crate::error::kind;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::unit_install::is_unit_name;

/// Which links of a unit's `[Install]` section are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Links {
    /// Those that start it at boot and its other names, as `systemctl enable` makes them.
    All,
    /// Those that start it at boot.
    Starting,
}

/// Whether the unit starts at boot, and what would make it. `None` when there is no such unit.
pub(in crate::check) fn enabled(
    audit: &Audit<'_>,
    name: &str,
    links: Links,
) -> Result<Option<Finding>> {
    let root = audit.root();
    let unit = Unit::find(root, name)?;
    let mut gaps = Vec::new();
    let mut holding = Vec::new();
    match unit.unmasked() {
        // `unmasked` gives no mask.
        None | Some((_, UnitEntry::Mask)) => {
            let Some(script) = Script::find(root, name)? else { return Ok(None) };
            unmask(root, &unit, &mut gaps)?;
            start_script(root, &script, &mut gaps, &mut holding)?;
        }
        Some((path, UnitEntry::File(_))) => {
            unmask(root, &unit, &mut gaps)?;
            let original = unit.original(root)?;
            if let Some(original) = &original {
                let note = messages::other_name(&unit.name, &original.name);
                holding.push(Evidence::at(path).note(note));
                unmask(root, original, &mut gaps)?;
            }
            link(root, original.as_ref().unwrap_or(&unit), links, &mut gaps, &mut holding)?;
        }
        Some((path, UnitEntry::Dangling)) => {
            let evidence = Evidence::at(path).found(messages::broken_link());
            let evidence = evidence.want(messages::want_unit_file());
            gaps.push(Gap::no_remedy(evidence, messages::leads_to_nothing(path)));
        }
        Some((path, UnitEntry::Other(other))) => {
            let evidence = Evidence::at(path).found(kind(*other));
            let evidence = evidence.want(messages::want_unit_file());
            gaps.push(Gap::no_remedy(evidence, messages::no_unit_file(path, kind(*other))));
        }
    }
    // With all links in order, the boot may still pass it over.
    if gaps.is_empty()
        && let Some(cause) = chain::unit_stays(audit, name)?
    {
        let evidence = Evidence { line: cause.at.line, ..Evidence::at(&cause.at.path) };
        let evidence = evidence.found(cause.why).want(messages::want_started(name));
        gaps.push(Gap::no_remedy(evidence, messages::correct_start(name, cause.at.spot())));
    }
    Ok(Some(finding(audit, name, gaps, holding)))
}

/// One gap for each mask in force.
fn unmask(root: &dyn Rootfs, unit: &Unit, gaps: &mut Vec<Gap>) -> Result<()> {
    for path in unit.masks() {
        let evidence = Evidence::at(path).found(messages::masked()).want(messages::not_masked());
        gaps.push(match units::unwritable(root, path)? {
            None => Gap::fixed_by(evidence, Change::Remove { path: path.clone() }),
            Some(why) => Gap::no_remedy(evidence, messages::masks_unit(path, &unit.name, why)),
        });
    }
    Ok(())
}

/// One gap for each link of the unit's `[Install]` section that is asked for and not there.
fn link(
    root: &dyn Rootfs,
    unit: &Unit,
    links: Links,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let Some((fragment, real)) = unit.fragment() else { return Ok(()) };
    let install = unit.install(root)?;
    // An alias of another type, or the unit's own name, makes no link.
    let makes_link = |alias: &&String| {
        is_unit_name(alias) && **alias != unit.name && suffix(alias) == suffix(&unit.name)
    };
    let aliases: Vec<&String> = install.alias.iter().filter(makes_link).collect();
    let starts = !install.wanted_by.is_empty() || !install.required_by.is_empty();
    if !starts && aliases.is_empty() {
        match units::pulls(root, &unit.name)?.first() {
            Some(path) => holding.push(Evidence::at(path).found(shown(root, path)?)),
            None => {
                let evidence = Evidence::at(fragment).found(messages::without_install());
                let evidence = evidence.want(messages::enabled());
                let why = messages::no_install_section(fragment, &unit.name);
                gaps.push(Gap::no_remedy(evidence, why));
            }
        }
        return Ok(());
    }
    let etc = ImagePath::parse(ETC)?;
    let wanted = install.wanted_by.iter().map(|by| (by, "wants"));
    let required = install.required_by.iter().map(|by| (by, "requires"));
    for (by, suffix) in wanted.chain(required) {
        if !is_unit_name(by) {
            let why = messages::no_unit_name(by, fragment);
            gaps.push(Gap::no_remedy(Evidence::at(fragment).found(by.as_str()), why));
            continue;
        }
        let path = etc.join(format!("{by}.{suffix}"))?.join(&unit.name)?;
        let evidence = Evidence::at(&path).want(fragment.to_string());
        match units::pull(root, &path)? {
            Some(Pull::Link) => holding.push(Evidence::at(&path).found(shown(root, &path)?)),
            Some(Pull::NoLink) => {
                let evidence = evidence.found(messages::not_a_link());
                gaps.push(Gap::no_remedy(evidence, messages::link_is_none(&path)));
            }
            Some(Pull::Masked) => {
                let evidence = evidence.found(shown(root, &path)?);
                gaps.push(make_link(root, evidence, path, fragment)?);
            }
            None => gaps.push(make_link(root, evidence, path, fragment)?),
        }
    }
    // A unit that only has other names is started by them.
    let no_names = links == Links::Starting && starts;
    for alias in aliases.into_iter().filter(|_| !no_names) {
        let path = etc.join(alias)?;
        let named = Unit::find(root, alias)?;
        let evidence = Evidence::at(&path).want(fragment.to_string());
        match named.entries.first() {
            Some((at, UnitEntry::File(leads))) if leads == real => {
                holding.push(Evidence::at(at).found(shown(root, at)?));
            }
            Some((at, UnitEntry::File(leads))) => {
                let why = messages::name_of_other(alias, leads);
                let evidence = Evidence::at(at).found(leads.to_string());
                gaps.push(Gap::no_remedy(evidence.want(fragment.to_string()), why));
            }
            Some((at, UnitEntry::Other(other))) => {
                let why = messages::want_link(at, kind(*other));
                gaps.push(Gap::no_remedy(evidence.found(kind(*other)), why));
            }
            // Of a mask or a link to nothing, only one in the same place or a weaker one gives
            // way to the link.
            Some((at, _)) if *at == path => {
                let evidence = evidence.found(shown(root, at)?);
                let mut gap = make_link(root, evidence, path.clone(), fragment)?;
                if let Fix::Changes(changes) = &gap.fix
                    && root.read_link(&path)?.is_none()
                {
                    let first = std::iter::once(Change::Remove { path });
                    gap.fix = Fix::Changes(first.chain(changes.iter().cloned()).collect());
                }
                gaps.push(gap);
            }
            _ => gaps.push(make_link(root, evidence, path, fragment)?),
        }
    }
    Ok(())
}

fn suffix(unit: &str) -> Option<&str> {
    unit.rsplit_once('.').map(|(_, suffix)| suffix)
}

/// A link to a unit file, as systemctl makes it.
fn make_link(
    root: &dyn Rootfs,
    evidence: Evidence,
    path: ImagePath,
    fragment: &ImagePath,
) -> Result<Gap> {
    Ok(match units::unwritable(root, &path)? {
        Some(why) => Gap::no_remedy(evidence, why),
        None => match std::str::from_utf8(fragment.as_bytes()) {
            Ok(target) => {
                Gap::fixed_by(evidence, Change::Symlink { path, target: target.to_owned() })
            }
            Err(_) => Gap::no_remedy(evidence, messages::name_not_utf8(fragment)),
        },
    })
}

/// One gap if no link starts the script in run level 5, or before every run level.
fn start_script(
    root: &dyn Rootfs,
    script: &Script,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let links = script.links(root)?;
    if let Some(link) = links.iter().find(|l| l.starts && ['5', 'S'].contains(&l.level)) {
        holding.push(Evidence::at(&link.path).found(shown(root, &link.path)?));
        return Ok(());
    }
    let mut changes = Vec::new();
    for level in script.default_start(root)? {
        let starts = |l: &&RcLink| l.level == level && l.starts;
        let stops = |l: &&RcLink| l.level == level && !l.starts;
        if links.iter().any(|l| starts(&l)) {
            continue;
        }
        changes.push(match links.iter().find(stops) {
            Some(link) => Change::Rename { path: link.path.clone(), to: link.toggled()? },
            None => Change::Symlink {
                path: rc_dir(level)?.join(format!("S01{}", script.name))?,
                target: format!("../init.d/{}", script.name),
            },
        });
    }
    let path = rc_dir('5')?;
    let evidence = Evidence::at(&path).want(messages::want_start_link(&script.name));
    let fives = ["/etc/rc5.d/", "/etc/rcS.d/"];
    let helps = changes.iter().any(|c| fives.iter().any(|d| c.path().to_string().starts_with(d)));
    gaps.push(if helps {
        Gap::fixed_by_all(evidence, changes)
    } else {
        Gap::no_remedy(evidence, messages::header_without_level(&script.path))
    });
    Ok(())
}
