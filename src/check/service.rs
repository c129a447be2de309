//! A unit starts at boot, or does not: unit files, masks and links, as systemd reads them.
//!
//! Judged and changed are what is on disk for the next boot. What runs now is not looked at.

use serde::{Deserialize, Deserializer, de};

use super::sysv::{RcLink, Script, rc_dir};
use super::units::{self, ETC, Entry, Pull, Unit};
use super::{Evidence, Finding, Fix, Gap, Primitive, dpkg};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs, escape};
use crate::text::unit_install::is_unit_name;

/// The unit `unit` is enabled, or disabled. Holds vacuously when there is no such unit and its
/// package is not there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct Service {
    /// The unit's full name, as `cron.service`.
    pub unit: String,
    /// What it should be.
    pub state: State,
    /// The package that brings the unit.
    pub package: Option<String>,
}

/// What a unit should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every link of its own `[Install]` section is there, and it is not masked. For an init
    /// script: it is started in run level 5.
    Enabled,
    /// Nothing pulls it in, or it is masked.
    Disabled,
}

impl<'de> Deserialize<'de> for Service {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let service = Service::deserialize(deserializer)?;
        if !is_unit_name(&service.unit) || service.unit.contains("@.") {
            let message = format!("`{}` is not the name of a unit", service.unit);
            return Err(de::Error::custom(message));
        }
        Ok(service)
    }
}

impl Primitive for Service {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        let nothing = Evidence::note_only(format!("there is no unit {}", self.unit));
        // What a removed package leaves behind (masks, its init script) is no unit to judge.
        if let Some(package) = &self.package
            && Unit::find(root, &self.unit)?.unmasked().is_none()
            && let Some(absent) = dpkg::absent(root, package)?
        {
            return Ok(Finding::MetVacuously(vec![nothing, absent]));
        }
        let found = match self.state {
            State::Enabled => enabled(root, &self.unit, Links::All)?,
            State::Disabled => disabled(root, &self.unit)?,
        };
        Ok(match (found, self.state) {
            (Some(finding), _) => finding,
            (None, State::Disabled) => Finding::MetVacuously(vec![nothing]),
            (None, State::Enabled) => {
                let advice = match &self.package {
                    Some(p) => format!("package {p} is there without it; reinstall the package"),
                    None => "install what brings it".to_owned(),
                };
                let why = format!("there is no unit {}: {advice}", self.unit);
                Finding::from_gaps(vec![Gap::no_remedy(nothing.want("enabled"), why)], Vec::new())
            }
        })
    }
}

/// Which links of a unit's `[Install]` section are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    /// Those that start it at boot and its other names, as `systemctl enable` makes them.
    All,
    /// Those that start it at boot.
    Starting,
}

/// Whether the unit starts at boot, and what would make it. `None` when there is no such unit.
pub(super) fn enabled(root: &dyn Rootfs, name: &str, links: Links) -> Result<Option<Finding>> {
    let unit = Unit::find(root, name)?;
    let mut gaps = Vec::new();
    let mut holding = Vec::new();
    match unit.unmasked() {
        None => {
            let Some(script) = Script::find(root, name)? else { return Ok(None) };
            unmask(root, &unit, &mut gaps)?;
            start_script(root, &script, &mut gaps, &mut holding)?;
        }
        Some((path, Entry::File(_))) => {
            unmask(root, &unit, &mut gaps)?;
            let original = unit.original(root)?;
            if let Some(original) = &original {
                let note = format!("{} is another name of {}", unit.name, original.name);
                holding.push(Evidence::at(path).note(note));
                unmask(root, original, &mut gaps)?;
            }
            link(root, original.as_ref().unwrap_or(&unit), links, &mut gaps, &mut holding)?;
        }
        Some((path, Entry::Dangling)) => {
            let evidence = Evidence::at(path).found("a link to nothing").want("a unit file");
            let why = format!("{path} leads to nothing; remove it or bring back where it leads");
            gaps.push(Gap::no_remedy(evidence, why));
        }
        Some((path, entry)) => {
            let found = match entry {
                Entry::Other(kind) => kind.to_string(),
                _ => String::new(),
            };
            let why = format!("{path} is a {found}, want a unit file; move it away");
            gaps.push(Gap::no_remedy(Evidence::at(path).found(found).want("a unit file"), why));
        }
    }
    Ok(Some(Finding::from_gaps(gaps, holding)))
}

/// One gap for each mask in force.
fn unmask(root: &dyn Rootfs, unit: &Unit, gaps: &mut Vec<Gap>) -> Result<()> {
    for path in unit.masks() {
        let evidence = Evidence::at(path).found("masked").want("not masked");
        gaps.push(match units::unwritable(root, path)? {
            None => Gap::fixed_by(evidence, Change::Remove { path: path.clone() }),
            Some(why) => Gap::no_remedy(evidence, format!("{path} masks the unit; {why}")),
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
                let why = format!(
                    "{fragment} has no [Install] section that ties it to a target; \
                     it starts when another asks"
                );
                let evidence = Evidence::at(fragment).found("static").want("enabled");
                gaps.push(Gap::no_remedy(evidence, why));
            }
        }
        return Ok(());
    }
    let etc = ImagePath::parse(ETC)?;
    let wanted = install.wanted_by.iter().map(|by| (by, "wants"));
    let required = install.required_by.iter().map(|by| (by, "requires"));
    for (by, kind) in wanted.chain(required) {
        if !is_unit_name(by) {
            let why = format!("`{by}` in [Install] of {fragment} is not the name of a unit");
            gaps.push(Gap::no_remedy(Evidence::at(fragment).found(by.as_str()), why));
            continue;
        }
        let path = etc.join(format!("{by}.{kind}"))?.join(&unit.name)?;
        let evidence = Evidence::at(&path).want(fragment.to_string());
        match units::pull(root, &path)? {
            Some(Pull::Link) => holding.push(Evidence::at(&path).found(shown(root, &path)?)),
            Some(Pull::NoLink) => {
                let why = format!("{path} is no link, so systemd passes over it; move it away");
                gaps.push(Gap::no_remedy(evidence.found("no link"), why));
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
            Some((at, Entry::File(leads))) if leads == real => {
                holding.push(Evidence::at(at).found(shown(root, at)?));
            }
            Some((at, Entry::File(leads))) => {
                let why = format!("the name {alias} belongs to {leads}; decide which one is meant");
                let evidence = Evidence::at(at).found(leads.to_string());
                gaps.push(Gap::no_remedy(evidence.want(fragment.to_string()), why));
            }
            Some((at, Entry::Other(kind))) => {
                let why = format!("{at} is a {kind}, want a link; move it away");
                gaps.push(Gap::no_remedy(evidence.found(kind.to_string()), why));
            }
            // Of a mask or a link to nothing, only one in the same place or a weaker one gives
            // way to the link.
            Some((at, _)) if *at == path => {
                let evidence = evidence.found(shown(root, at)?);
                let mut gap = make_link(root, evidence, path.clone(), fragment)?;
                if let Fix::Changes(changes) = &mut gap.fix
                    && root.read_link(&path)?.is_none()
                {
                    changes.insert(0, Change::Remove { path });
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
            Err(_) => Gap::no_remedy(evidence, "the unit file's name is not text"),
        },
    })
}

/// What an entry is, in words: where a link leads.
fn shown(root: &dyn Rootfs, path: &ImagePath) -> Result<String> {
    Ok(match root.read_link(path)? {
        Some(target) => escape(&target),
        None => match root.stat(path)? {
            Some(stat) if stat.size == 0 => format!("an empty {}", stat.kind),
            Some(stat) => stat.kind.to_string(),
            None => "nothing".to_owned(),
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
    let evidence = Evidence::at(&path).want(format!("a link S..{}", script.name));
    let fives = ["/etc/rc5.d/", "/etc/rcS.d/"];
    let helps = changes.iter().any(|c| fives.iter().any(|d| c.path().to_string().starts_with(d)));
    gaps.push(if helps {
        Gap::fixed_by_all(evidence, changes)
    } else {
        let why = format!("the header of {} does not want it in run level 5", script.path);
        Gap::no_remedy(evidence, why)
    });
    Ok(())
}

/// Whether the unit stays off at boot, and what would make it. `None` when there is no such unit.
pub(super) fn disabled(root: &dyn Rootfs, name: &str) -> Result<Option<Finding>> {
    let unit = Unit::find(root, name)?;
    let script = Script::find(root, name)?;
    let has_file = unit.unmasked().is_some();
    if !has_file && script.is_none() {
        return Ok(None);
    }
    if let Some(mask) = unit.masks().next() {
        return Ok(Some(Finding::Met(vec![Evidence::at(mask).found("masked")])));
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
    if gaps.is_empty() && first_boot(root)? && !unit.install(root)?.is_empty() {
        let note = "the first boot enables every unit that is not masked";
        let path = ImagePath::parse(MACHINE_ID)?;
        let evidence = Evidence::at(&path).found("not set up").want("masked").note(note);
        gaps.push(closed_by(&mask, evidence));
    }
    if gaps.is_empty() {
        let at = unit.unmasked().map(|(path, _)| path);
        let at = at.or(script.as_ref().map(|s| &s.path));
        let evidence = at.map_or_else(Evidence::default, Evidence::at);
        return Ok(Some(Finding::Met(vec![evidence.found("nothing starts it")])));
    }
    // An upgrade of the package would make the links again; a mask outlasts it.
    if let Ok(mask) = mask
        && !gaps.iter().any(|g| matches!(&g.fix, Fix::Changes(c) if c.contains(&mask)))
    {
        let evidence = Evidence::at(mask.path()).found("not masked").want("masked");
        gaps.push(Gap::fixed_by(evidence, mask));
    }
    Ok(Some(Finding::from_gaps(gaps, Vec::new())))
}

/// The change that masks a unit, or why there is none.
type Mask = std::result::Result<Change, String>;

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
        let evidence = Evidence::at(&path).found(shown(root, &path)?).want("no link");
        gaps.push(match units::unwritable(root, &path)? {
            None => Gap::fixed_by(evidence, Change::Remove { path }),
            Some(_) => closed_by(mask, evidence),
        });
    }
    Ok(gaps)
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
        return Ok(Err(format!("{path} stands where the mask would be; move it away")));
    }
    if let Some(why) = units::unwritable(root, &path)? {
        return Ok(Err(why));
    }
    Ok(Ok(Change::Symlink { path, target: "/dev/null".to_owned() }))
}

/// A link that starts a script becomes one that stops it; where there is one, it just goes.
fn stop(root: &dyn Rootfs, link: &RcLink, links: &[RcLink]) -> Result<Gap> {
    let evidence = Evidence::at(&link.path).found("starts it").want("a link K..");
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

#[cfg(test)]
mod tests {
    use crate::check::testing::words::{check, outcome, reasons, settle_entries, try_check};
    use crate::check::{Check, Outcome};
    use crate::rootfs::{FileKind, MemoryRootfs};

    const CRON: &str = "/lib/systemd/system/cron.service";
    const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/cron.service";
    const MASK: &str = "/etc/systemd/system/cron.service";
    const UNIT: &str = "[Unit]\nDescription=x\n[Install]\nWantedBy=multi-user.target\n";

    fn status(package: &str, state: &str) -> String {
        format!("Package: {package}\nStatus: {state}\nArchitecture: amd64\n\n")
    }

    /// An image with cron's unit, not enabled.
    fn image() -> MemoryRootfs {
        MemoryRootfs::new()
            .file("/var/lib/dpkg/status", status("cron", "install ok installed"))
            .file("/etc/machine-id", "")
            .file(CRON, UNIT)
    }

    fn cron(state: &str) -> Check {
        check(&format!(
            "service = {{ unit = \"cron.service\", state = \"{state}\", package = \"cron\" }}"
        ))
    }

    fn settled(state: &str, root: &MemoryRootfs) -> Vec<String> {
        settle_entries(cron(state).primitive(), root)
    }

    #[test]
    fn what_is_enabled() {
        let enabled = cron("enabled");
        let met = |root: &MemoryRootfs| outcome(enabled.primitive(), root) == Outcome::Met;
        assert!(met(&image().link(WANTS, CRON)));
        assert!(met(&image().link(WANTS, "../../../../lib/systemd/system/cron.service")));
        assert!(met(&image().link(WANTS, "/nowhere/cron.service")), "only its name counts");
        assert!(met(&image()
            .link(WANTS, CRON)
            .link("/lib", "usr/lib")
            .file("/usr/lib/systemd/system/cron.service", UNIT)));
        assert!(!met(&image()));
        assert!(!met(&image().link(WANTS, "/dev/null")), "a masked dependency");
        assert!(!met(&image().file(WANTS, UNIT)), "a copy");
        assert!(!met(&image().link(WANTS, CRON).link(MASK, "/dev/null")));
        assert!(!met(&image().link(WANTS, CRON).file(MASK, "")));
        assert!(!met(&image()
            .link(WANTS, CRON)
            .file("/usr/local/lib/systemd/system/cron.service", "")));
        let elsewhere = "/etc/systemd/system/graphical.target.wants/cron.service";
        assert!(!met(&image().link(elsewhere, CRON)), "not what its [Install] says");
        let anacron = "/etc/systemd/system/multi-user.target.wants/anacron.service";
        assert!(!met(&image().link(anacron, CRON)), "another name");
    }

    #[test]
    fn a_unit_whose_install_section_makes_no_link_is_not_enabled() {
        for install in ["Alias=cron.socket", "Alias=cron.service", "Also=cron.timer"] {
            let text = format!("[Unit]\nDescription=x\n[Install]\n{install}\n");
            let root = image().file(CRON, text);
            assert_eq!(outcome(cron("enabled").primitive(), &root), Outcome::NotMet, "{install}");
            assert_eq!(reasons(cron("enabled").primitive(), &root).len(), 1, "{install}");
            let pulled =
                root.link("/lib/systemd/system/multi-user.target.wants/cron.service", CRON);
            assert_eq!(outcome(cron("enabled").primitive(), &pulled), Outcome::Met, "{install}");
        }
    }

    #[test]
    fn enabling_writes_what_systemctl_writes() {
        let want = [
            "/etc/systemd/system/multi-user.target.wants/".to_owned(),
            format!("{WANTS} -> {CRON}"),
        ];
        assert_eq!(settled("enabled", &image().dir("/etc/systemd/system", 0o755, 0, 0)), want);
        // Merged /usr: the shorter path is the one systemctl and the packages write.
        let merged = image().without("/lib").link("/lib", "usr/lib");
        let merged = merged.file("/usr/lib/systemd/system/cron.service", UNIT);
        let merged = merged.dir("/etc/systemd/system", 0o755, 0, 0);
        assert_eq!(settled("enabled", &merged), want);
        let only_usr = merged.without("/lib").dir("/etc/systemd/system", 0o755, 0, 0);
        let want = format!("{WANTS} -> /usr/lib/systemd/system/cron.service");
        assert_eq!(settled("enabled", &only_usr)[1], want);
        let own = image().file(MASK, UNIT);
        assert_eq!(settled("enabled", &own)[1], format!("{WANTS} -> {MASK}"));
    }

    #[test]
    fn masks_are_taken_away() {
        let linked = image().link(WANTS, CRON);
        for masked in [
            linked.clone().link(MASK, "/dev/null"),
            linked.clone().link(MASK, "../../../dev/null"),
            linked.clone().file(MASK, ""),
        ] {
            assert_eq!(settled("enabled", &masked), [format!("-{MASK}")]);
        }
        let control = "/etc/systemd/system.control/cron.service";
        let both = linked.clone().link(control, "/dev/null").link(MASK, "/dev/null");
        assert_eq!(settled("enabled", &both), [format!("-{control}"), format!("-{MASK}")]);
        let dependency = image().link(WANTS, "/dev/null");
        assert_eq!(settled("enabled", &dependency), [format!("{WANTS} -> {CRON}")]);
        // Not ours to take away: the vendor's, and what is gone at the next boot anyway.
        let vendor = linked.clone().file("/usr/local/lib/systemd/system/cron.service", "");
        let why = reasons(cron("enabled").primitive(), &vendor).join(" ");
        assert!(why.contains("not ours to change"), "{why}");
        let live = linked.link("/run/systemd/system/cron.service", "/dev/null").live();
        let why = reasons(cron("enabled").primitive(), &live).join(" ");
        assert!(why.starts_with("/run/systemd/system/cron.service masks the unit"), "{why}");
    }

    #[test]
    fn run_of_an_image_is_not_looked_at() {
        let root = image().link(WANTS, CRON).link("/run/systemd/system/cron.service", "/dev/null");
        assert_eq!(outcome(cron("enabled").primitive(), &root), Outcome::Met);
    }

    #[test]
    fn no_unit_to_enable() {
        let enabled = cron("enabled");
        let gone = image().without(CRON);
        let why = reasons(enabled.primitive(), &gone).join(" ");
        assert!(why.ends_with("package cron is there without it; reinstall the package"), "{why}");
        let absent = gone.clone().file("/var/lib/dpkg/status", "");
        assert_eq!(outcome(enabled.primitive(), &absent), Outcome::MetVacuously);
        // What a removed package leaves behind is not switched on again.
        let rc = gone
            .clone()
            .file("/var/lib/dpkg/status", status("cron", "deinstall ok config-files"))
            .file_with("/etc/init.d/cron", "#!/bin/sh\n", 0o755, 0, 0)
            .link(MASK, "/dev/null");
        assert_eq!(outcome(enabled.primitive(), &rc), Outcome::MetVacuously);
        assert_eq!(outcome(enabled.primitive(), &gone.without("/var/lib/dpkg")), Outcome::Unknown);
        // A unit of one's own counts without a package.
        let own = image().file("/var/lib/dpkg/status", "").link(WANTS, CRON);
        assert_eq!(outcome(enabled.primitive(), &own), Outcome::Met);
    }

    #[test]
    fn what_cannot_be_enabled_says_why() {
        for (root, want) in [
            (image().file(CRON, "[Service]\nExecStart=/bin/x\n"), "no [Install] section"),
            (image().link(MASK, "/nowhere"), "leads to nothing"),
            (image().dir(MASK, 0o755, 0, 0), "is a directory, want a unit file"),
            (image().special(MASK, FileKind::Fifo), "is a named pipe, want a unit file"),
            (image().file(WANTS, UNIT), "is no link"),
            (image().file(CRON, "[Install]\nWantedBy=%i.target\n"), "`%i.target` in [Install]"),
            (image().file(CRON, "[Install]\nWantedBy=../../x\n"), "`../../x` in [Install]"),
            (
                image().link("/etc/systemd/system/multi-user.target.wants", "/usr/share/wants"),
                "leads to /usr/share/wants/cron.service, outside of /etc",
            ),
        ] {
            let why = reasons(cron("enabled").primitive(), &root).join(" ");
            assert!(why.contains(want), "{want}: {why}");
        }
        let looped = image().link(MASK, MASK);
        assert_eq!(outcome(cron("enabled").primitive(), &looped), Outcome::Unknown);
        let vendor = "/lib/systemd/system/multi-user.target.wants/cron.service";
        let fixed = image().file(CRON, "[Service]\n").link(vendor, "../cron.service");
        assert_eq!(outcome(cron("enabled").primitive(), &fixed), Outcome::Met);
    }

    #[test]
    fn an_alias_is_part_of_it() {
        let check = check(
            "service = { unit = \"rsyslog.service\", state = \"enabled\", package = \"rsyslog\" }",
        );
        let check = check.primitive();
        let unit = "/lib/systemd/system/rsyslog.service";
        let wants = "/etc/systemd/system/multi-user.target.wants/rsyslog.service";
        let alias = "/etc/systemd/system/syslog.service";
        let base = MemoryRootfs::new()
            .file(unit, "[Install]\nWantedBy=multi-user.target\nAlias=syslog.service\n")
            .link(wants, unit);
        assert_eq!(outcome(check, &base.clone().link(alias, unit)), Outcome::Met);
        let link = [format!("{alias} -> {unit}")];
        assert_eq!(settle_entries(check, &base), link);
        for wrong in [
            base.clone().link(alias, "/dev/null"),
            base.clone().file(alias, ""),
            base.clone().link(alias, "/usr/lib/systemd/system/rsyslog.service"),
            base.clone().link("/lib/systemd/system/syslog.service", "/dev/null"),
        ] {
            assert_eq!(settle_entries(check, &wrong), link);
        }
        let merged = base.clone().without("/lib").link("/lib", "usr/lib").file(
            "/usr/lib/systemd/system/rsyslog.service",
            "[Install]\nWantedBy=multi-user.target\nAlias=syslog.service\n",
        );
        assert_eq!(settle_entries(check, &merged), link);
        let other = base.link(alias, "/lib/systemd/system/syslog-ng.service");
        let other = other.file("/lib/systemd/system/syslog-ng.service", UNIT);
        let why = reasons(check, &other).join(" ");
        assert!(why.starts_with("the name syslog.service belongs to"), "{why}");
    }

    #[test]
    fn the_name_may_be_an_alias_itself() {
        let own = "/usr/local/lib/systemd/system/fcron.service";
        let root = image().without(CRON).file(own, UNIT).link(MASK, own);
        let wants = "/etc/systemd/system/multi-user.target.wants/fcron.service";
        assert_eq!(settled("enabled", &root)[1], format!("{wants} -> {own}"));
    }

    fn script(root: MemoryRootfs) -> MemoryRootfs {
        let header = "#!/bin/sh\n# Default-Start: 2 3 4 5\n";
        root.without(CRON).file_with("/etc/init.d/cron", header, 0o755, 0, 0)
    }

    #[test]
    fn an_init_script_is_started_by_its_links() {
        let enabled = cron("enabled");
        let root = script(image());
        for (link, met) in [
            ("/etc/rc5.d/S01cron", true),
            ("/etc/rcS.d/S20cron", true),
            ("/etc/rc5.d/K01cron", false),
            ("/etc/rc2.d/S01cron", false),
            ("/etc/rc5.d/S01cron-x", false),
        ] {
            let root = root.clone().link(link, "../init.d/cron");
            let want = if met { Outcome::Met } else { Outcome::NotMet };
            assert_eq!(outcome(enabled.primitive(), &root), want, "{link}");
        }
        let stopped = root.clone().link("/etc/rc5.d/K15cron", "../init.d/cron");
        let stopped = stopped.link("/etc/rc2.d/S01cron", "../init.d/cron").link(MASK, "/dev/null");
        let changes = settled("enabled", &stopped);
        assert_eq!(
            changes.iter().filter(|c| !c.ends_with('/')).collect::<Vec<_>>(),
            [
                "/etc/rc3.d/S01cron -> ../init.d/cron",
                "/etc/rc4.d/S01cron -> ../init.d/cron",
                "-/etc/rc5.d/K15cron",
                "/etc/rc5.d/S15cron -> ../init.d/cron",
                "-/etc/systemd/system/cron.service",
            ]
        );
        let never = root.file_with("/etc/init.d/cron", "# Default-Start:\n", 0o755, 0, 0);
        let why = reasons(enabled.primitive(), &never).join(" ");
        assert!(why.contains("does not want it in run level 5"), "{why}");
    }

    #[test]
    fn disabling_removes_the_links_and_masks() {
        let disabled = cron("disabled");
        let root = script(image()).file(CRON, UNIT).link(WANTS, CRON);
        let root = root.link("/etc/rc2.d/S03cron", "../init.d/cron");
        let root = root.link("/etc/rc3.d/S03cron", "../init.d/cron");
        let root = root.link("/etc/rc3.d/K03cron", "../init.d/cron");
        let root = root.link("/etc/rc2.d/S03cronx", "../init.d/cronx");
        assert_eq!(
            settled("disabled", &root),
            [
                "/etc/rc2.d/K03cron -> ../init.d/cron",
                "-/etc/rc2.d/S03cron",
                "-/etc/rc3.d/S03cron",
                "/etc/systemd/system/cron.service -> /dev/null",
                "-/etc/systemd/system/multi-user.target.wants/cron.service",
            ]
        );
        // With a unit file, links of the script do nothing.
        let links = script(image()).file(CRON, UNIT).link("/etc/rc2.d/S03cron", "../init.d/cron");
        assert_eq!(outcome(disabled.primitive(), &links), Outcome::Met);
        // Without one, they do.
        let links = script(image()).link("/etc/rc2.d/S03cron", "../init.d/cron");
        assert_eq!(settled("disabled", &links)[0], "/etc/rc2.d/K03cron -> ../init.d/cron");
    }

    #[test]
    fn what_is_disabled() {
        let disabled = cron("disabled");
        let is = |root: &MemoryRootfs| outcome(disabled.primitive(), root);
        assert_eq!(is(&image()), Outcome::Met);
        assert_eq!(is(&image().link(WANTS, CRON).link(MASK, "/dev/null")), Outcome::Met);
        assert_eq!(is(&image().link(WANTS, CRON).file(MASK, "")), Outcome::Met);
        assert_eq!(is(&image().link(WANTS, "/dev/null")), Outcome::Met);
        assert_eq!(is(&image().link(WANTS, CRON)), Outcome::NotMet);
        let requires = "/etc/systemd/system/x.service.requires/cron.service";
        assert_eq!(is(&image().link(requires, CRON)), Outcome::NotMet);
        let gone = image().without(CRON);
        assert_eq!(is(&gone), Outcome::MetVacuously, "the package is there, the unit is not");
        let absent = gone.file("/var/lib/dpkg/status", "");
        assert_eq!(is(&absent), Outcome::MetVacuously);
        // A removed package's script and links are not touched.
        let rc = script(absent).link("/etc/rc2.d/S03cron", "../init.d/cron");
        assert_eq!(is(&rc), Outcome::MetVacuously);
    }

    #[test]
    fn disabling_against_a_vendor_needs_the_mask() {
        let vendor = "/lib/systemd/system/multi-user.target.wants/cron.service";
        let root = image().link(vendor, "../cron.service").dir("/etc/systemd/system", 0o755, 0, 0);
        assert_eq!(settled("disabled", &root), [format!("{MASK} -> /dev/null")]);
        let own = root.file(MASK, UNIT);
        let why = reasons(cron("disabled").primitive(), &own).join(" ");
        assert!(why.contains("stands where the mask would be"), "{why}");
        // A unit of one's own is not masked, its links go all the same.
        let own = image().file(MASK, UNIT).link(WANTS, MASK);
        assert_eq!(settled("disabled", &own), [format!("-{WANTS}")]);
    }

    #[test]
    fn a_first_boot_would_enable_it_again() {
        for root in
            [image().without("/etc/machine-id"), image().file("/etc/machine-id", "uninitialized\n")]
        {
            let root = root.dir("/etc/systemd/system", 0o755, 0, 0);
            assert_eq!(settled("disabled", &root), [format!("{MASK} -> /dev/null")]);
        }
        let fixed = image().without("/etc/machine-id").file(CRON, "[Service]\n");
        assert_eq!(outcome(cron("disabled").primitive(), &fixed), Outcome::Met);
    }

    #[test]
    fn an_alias_goes_with_the_unit() {
        let alias = "/etc/systemd/system/crond.service";
        let root = image().file(CRON, "[Install]\nWantedBy=a.target\nAlias=crond.service\n");
        let root = root.link(alias, CRON);
        assert_eq!(settled("disabled", &root)[1], format!("-{alias}"));
    }

    #[test]
    fn mistakes_in_a_profile_are_named() {
        for (want, word) in [
            ("service = { unit = \"cron\", state = \"enabled\" }", "`cron` is not the name"),
            ("service = { unit = \"../x.service\", state = \"enabled\" }", "is not the name"),
            ("service = { unit = \"x@.service\", state = \"enabled\" }", "is not the name"),
            ("service = { unit = \"x.service\", state = \"on\" }", "unknown variant `on`"),
            ("service = { unit = \"x.service\" }", "missing field `state`"),
        ] {
            let message = try_check(want).unwrap_err().to_string();
            assert!(message.contains(word), "{want}: {message}");
        }
    }
}
