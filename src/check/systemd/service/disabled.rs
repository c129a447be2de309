//! A unit that is to stay off at boot: it is masked, or nothing pulls it in.

use super::{finding, shown};
use crate::check::chain;
use crate::check::chain::Cause;
use crate::check::chain::sysv::{RcLink, Script};
use crate::check::chain::units::{self, ETC, Unit};
use crate::check::systemd::messages;
use crate::check::{Audit, Evidence, Finding, Fix, Gap};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::unit_install::is_unit_name;

/// Whether the unit stays off at boot, and what would make it. `None` when there is no such unit.
pub(in crate::check) fn disabled(audit: &Audit<'_>, name: &str) -> Result<Option<Finding>> {
    let root = audit.root();
    let unit = Unit::find(root, name)?;
    let script = Script::find(root, name)?;
    let has_file = unit.unmasked().is_some();
    if !has_file && script.is_none() {
        return Ok(None);
    }
    if let Some(mask) = unit.masks().next() {
        return Ok(Some(Finding::Met(vec![Evidence::at(mask).found(messages::masked())])));
    }
    let mask = mask(root, &unit)?;
    let mut gaps = unlink(root, &unit, &mask)?;
    // A script's links count only where no unit file stands in its way.
    if let Some(script) = script.as_ref().filter(|_| !has_file || !gaps.is_empty()) {
        let links = script.links(root)?;
        for link in links.iter().filter(|l| l.starts) {
            gaps.push(stop(root, link, &links)?);
        }
    }
    if gaps.is_empty()
        && let Some(start) = chain::unit_starts(audit, name)?
    {
        gaps.extend(pulled(root, start, &mask)?);
    }
    if gaps.is_empty() && first_boot(root)? && !unit.install(root)?.is_empty() {
        let evidence = Evidence::at(&ImagePath::parse(MACHINE_ID)?)
            .found(messages::not_set_up())
            .want(messages::masked())
            .note(messages::first_boot());
        gaps.push(closed_by(&mask, evidence));
    }
    if gaps.is_empty() {
        let at = unit.unmasked().map(|(path, _)| path);
        let at = at.or(script.as_ref().map(|s| &s.path));
        let evidence = at.map_or_else(Evidence::default, Evidence::at);
        return Ok(Some(Finding::Met(vec![evidence.found(messages::nothing_starts_it())])));
    }
    // An upgrade of the package would make the links again; a mask outlasts it.
    if let Ok(mask) = mask
        && !gaps.iter().any(|g| matches!(&g.fix, Fix::Changes(c) if c.contains(&mask)))
    {
        let evidence = Evidence::at(mask.path()).found(messages::not_masked());
        let evidence = evidence.want(messages::masked());
        gaps.push(Gap::fixed_by(evidence, mask));
    }
    Ok(Some(finding(audit, name, gaps, Vec::new())))
}

/// The change that masks a unit, or why there is none.
type Mask = std::result::Result<Change, Message>;

/// One gap for each link that enables the unit under one of its names. What is not ours to take
/// away needs the mask.
fn unlink(root: &dyn Rootfs, unit: &Unit, mask: &Mask) -> Result<Vec<Gap>> {
    let mut links = Vec::new();
    let mut names = vec![unit.name.clone()];
    for alias in unit.install(root)?.alias {
        if !is_unit_name(&alias) || alias == unit.name {
            continue;
        }
        let other = Unit::find(root, &alias)?;
        let same = other.fragment().map(|(_, real)| real) == unit.fragment().map(|(_, real)| real);
        if let Some((at, _)) = other.fragment().filter(|_| same && !other.is_masked()) {
            // By this link the unit can be asked for; the vendor's own alias is no matter.
            if root.read_link(at)?.is_some() && units::unwritable(root, at)?.is_none() {
                links.push(at.clone());
            }
            names.push(alias);
        }
    }
    for name in &names {
        links.extend(units::pulls(root, name)?);
    }
    let mut gaps = Vec::new();
    for path in links {
        let evidence = Evidence::at(&path).found(shown(root, &path)?).want(messages::no_link());
        gaps.push(match units::unwritable(root, &path)? {
            None => Gap::fixed_by(evidence, Change::Remove { path }),
            Some(_) => closed_by(mask, evidence),
        });
    }
    Ok(gaps)
}

/// The gap of a unit that something else asks for, in its own words or by a link of another name.
fn pulled(root: &dyn Rootfs, start: Cause, mask: &Mask) -> Result<Option<Gap>> {
    let Cause { at, why } = start;
    let evidence = Evidence { line: at.line, ..Evidence::at(&at.path) };
    let evidence = evidence.found(why).want(messages::nothing_starts_it());
    let is_link = root.read_link(&at.path)?.is_some() && at.line.is_none();
    // A link of another name leads to the unit's file in spite of the mask.
    if let (true, Ok(mask)) = (is_link, mask)
        && units::unwritable(root, &at.path)?.is_none()
    {
        let changes = vec![Change::Remove { path: at.path }, mask.clone()];
        return Ok(Some(Gap::fixed_by_all(evidence, changes)));
    }
    Ok(Some(closed_by(mask, evidence)))
}

fn closed_by(mask: &Mask, evidence: Evidence) -> Gap {
    match mask {
        Ok(mask) => Gap::fixed_by(evidence, mask.clone()),
        Err(why) => Gap::no_remedy(evidence, why.clone()),
    }
}

/// The mask of a unit, or why there can be none: something of somebody's own stands in its place.
fn mask(root: &dyn Rootfs, unit: &Unit) -> Result<Mask> {
    let path = ImagePath::parse(ETC)?.join(&unit.name)?;
    if root.stat(&path)?.is_some() {
        return Ok(Err(messages::no_room_for_mask(&path)));
    }
    if let Some(why) = units::unwritable(root, &path)? {
        return Ok(Err(why));
    }
    Ok(Ok(Change::Symlink { path, target: "/dev/null".to_owned() }))
}

/// A link that starts a script becomes one that stops it; where there is one, it just goes.
fn stop(root: &dyn Rootfs, link: &RcLink, links: &[RcLink]) -> Result<Gap> {
    let evidence =
        Evidence::at(&link.path).found(messages::starts_it()).want(messages::want_stop_link());
    if let Some(why) = units::unwritable(root, &link.path)? {
        return Ok(Gap::no_remedy(evidence, why));
    }
    let to = link.toggled()?;
    let path = link.path.clone();
    let stops = links.iter().any(|l| !l.starts && l.level == link.level);
    Ok(Gap::fixed_by(
        evidence,
        if stops { Change::Remove { path } } else { Change::Rename { path, to } },
    ))
}

const MACHINE_ID: &str = "/etc/machine-id";

/// Whether systemd will take the next boot for the first one, and preset all units.
fn first_boot(root: &dyn Rootfs) -> Result<bool> {
    let path = ImagePath::parse(MACHINE_ID)?;
    Ok(root.read(&path)?.is_none_or(|text| text.trim_end() == "uninitialized"))
}
