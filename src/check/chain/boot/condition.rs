//! `Condition…=` and `Assert…=`: whether a unit that is started runs.
//!
//! What only a running machine can answer takes the answer of a virtual machine that boots
//! normally, and is named.

use super::load::BootUnit;
use crate::check::chain::Place;
use crate::check::common::glob;
use crate::check::common::includes::{Budget, Limits};
use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat};
use crate::text::pattern::Wildcards;

/// One condition, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Condition {
    /// The statement, as `ConditionPathExists=!/x`.
    pub text: String,
    /// Where.
    pub at: Place,
}

/// What the conditions of a unit say.
#[derive(Debug, Default)]
pub(in crate::check) struct Conditions {
    /// The first that does not hold.
    pub failed: Option<Condition>,
    /// Those whose answer was taken from a machine that boots normally.
    pub supposed: Vec<Condition>,
}

struct Asked<'a> {
    key: &'a str,
    value: &'a str,
    /// One of these is enough.
    any: bool,
    not: bool,
    condition: Condition,
}

/// Whether the unit runs once it is started.
///
/// # Errors
/// A file that cannot be looked at.
pub(in crate::check) fn of(root: &dyn Rootfs, unit: &BootUnit) -> Result<Conditions> {
    let mut found = Conditions::default();
    for family in ["Condition", "Assert"] {
        let asked = asked(unit, family);
        let (mut any, mut first_any) = (None, None);
        for one in &asked {
            let (answer, supposed) = answer(root, one)?;
            let holds = answer != one.not;
            if supposed {
                found.supposed.push(one.condition.clone());
            }
            if one.any {
                any = Some(any.unwrap_or(false) || holds);
                first_any.get_or_insert(&one.condition);
            } else if !holds && found.failed.is_none() {
                found.failed = Some(one.condition.clone());
            }
        }
        if any == Some(false) && found.failed.is_none() {
            found.failed = first_any.cloned();
        }
    }
    Ok(found)
}

/// The conditions that count; an empty assignment forgets those before it.
fn asked<'a>(unit: &'a BootUnit, family: &str) -> Vec<Asked<'a>> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    for (path, said) in unit.said.iter().filter(|(_, a)| &*a.section == "Unit") {
        let Some(key) = said.key.strip_prefix(family) else { continue };
        if said.value.is_empty() {
            all.clear();
            continue;
        }
        let (any, rest) = match said.value.strip_prefix('|') {
            Some(rest) => (true, rest),
            None => (false, said.value.as_str()),
        };
        let (not, value) = match rest.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let condition = Condition {
            text: format!("{}={}", said.key, said.value),
            at: Place::line(path, said.line),
        };
        all.push(Asked { key, value: value.trim(), any, not, condition });
    }
    all
}

/// The answer without the negation, and whether it is only supposed.
fn answer(root: &dyn Rootfs, asked: &Asked<'_>) -> Result<(bool, bool)> {
    let value = asked.value;
    let machine = |answer: bool| Ok((answer, true));
    match asked.key {
        "PathExists" | "PathIsDirectory" | "PathIsSymbolicLink" | "DirectoryNotEmpty"
        | "FileNotEmpty" | "FileIsExecutable" | "PathExistsGlob" => {
            // systemd passes over a path that is not absolute.
            let Ok(path) = ImagePath::parse(value) else { return Ok((!asked.not, false)) };
            if !root.is_live() && is_machines(value) {
                return machine(there_at_runtime(value));
            }
            Ok((of_path(root, asked.key, value, &path)?, false))
        }
        "PathIsReadWrite" => match ImagePath::parse(value) {
            Ok(_) if is_machines(value) => machine(there_at_runtime(value)),
            Ok(path) => machine(there(root, &path)?.is_some()),
            Err(_) => Ok((!asked.not, false)),
        },
        "PathIsMountPoint" => {
            machine(["/", "/dev", "/proc", "/run", "/sys", "/dev/shm"].contains(&value))
        }
        "Virtualization" => machine(match value {
            "yes" | "true" | "1" | "on" | "vm" => true,
            "no" | "false" | "0" | "off" => false,
            // Which hypervisor it is cannot be known; a container it is not.
            _ => false,
        }),
        "Security" => machine(["apparmor", "audit"].contains(&value)),
        "KernelCommandLine" => {
            let word = value.split('=').next().unwrap_or(value);
            machine(["root", "ro"].contains(&word) && !value.contains('='))
        }
        "FirstBoot" => machine(super::is_no(value)),
        "ACPower" => machine(super::is_yes(value)),
        "NeedsUpdate" => machine(false),
        "Null" => Ok((super::is_yes(value), false)),
        "User" => Ok((["root", "0", "@system"].contains(&value), false)),
        "Group" => Ok((["root", "0"].contains(&value), false)),
        "Host" => {
            let name = root.read(&ImagePath::parse("/etc/hostname")?)?.unwrap_or_default();
            machine(name.trim() == value)
        }
        // Capabilities, architecture, versions, memory: what the unit asks for is there, else it
        // would not be on this machine.
        _ => machine(!asked.not),
    }
}

fn there(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Stat>> {
    match root.locate(path) {
        Ok(at) => Ok(at.stat),
        Err(Error::LinkLoop { .. }) => Ok(None),
        Err(e) => Err(e),
    }
}

fn of_path(root: &dyn Rootfs, key: &str, value: &str, path: &ImagePath) -> Result<bool> {
    if key == "PathIsSymbolicLink" {
        return Ok(root.stat(path)?.is_some_and(|stat| stat.kind == FileKind::Symlink));
    }
    if key == "PathExistsGlob" {
        let mut budget = Budget::new(Limits::NO_FILES, path);
        return Ok(!glob::expand(root, Wildcards::Bsd, value, &mut budget)?.is_empty());
    }
    let Some(stat) = there(root, path)? else { return Ok(false) };
    Ok(match key {
        "PathIsDirectory" => stat.kind == FileKind::Dir,
        "DirectoryNotEmpty" => {
            stat.kind == FileKind::Dir && root.list(path)?.is_some_and(|names| !names.is_empty())
        }
        "FileNotEmpty" => stat.kind == FileKind::File && stat.size > 0,
        "FileIsExecutable" => stat.kind == FileKind::File && stat.mode & 0o111 != 0,
        _ => true,
    })
}

/// Whether the path is made while the system runs.
fn is_machines(path: &str) -> bool {
    const MADE: [&str; 6] = ["/run", "/proc", "/sys", "/dev", "/tmp", "/var/run"];
    let below = |dir: &str| {
        path.strip_prefix(dir).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    MADE.iter().any(|dir| below(dir))
}

/// Whether a virtual machine that has booted normally has this path.
fn there_at_runtime(path: &str) -> bool {
    let path = path.strip_prefix("/var").filter(|rest| rest.starts_with("/run")).unwrap_or(path);
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (Some(top), second, third) = (parts.next(), parts.next(), parts.next()) else {
        return true;
    };
    let Some(second) = second else { return true };
    match top {
        "proc" => !["vz", "xen", "bc", "driver"].contains(&second),
        "sys" => match (second, third) {
            ("firmware", _) | ("hypervisor", _) => false,
            ("module", Some(module)) => module == "apparmor",
            ("fs", Some(fs)) => !["selinux", "smackfs"].contains(&fs),
            ("kernel", Some("security")) => parts.next().is_none_or(|module| module == "apparmor"),
            _ => true,
        },
        "dev" => {
            const KNOWN: [&str; 13] = [
                "null",
                "zero",
                "full",
                "random",
                "urandom",
                "console",
                "shm",
                "pts",
                "mqueue",
                "hugepages",
                "kmsg",
                "ptmx",
                "fuse",
            ];
            KNOWN.contains(&second) || second.starts_with("tty") || second.starts_with("rtc")
        }
        "run" => {
            let rest = third.unwrap_or_default();
            second == "udev"
                || second == "lock"
                || second == "systemd" && ["", "system"].contains(&rest)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_running_machine() {
        for there in [
            "/proc/sys/net/",
            "/run/systemd/system",
            "/var/run/systemd/system",
            "/sys/kernel/security/apparmor/.load",
            "/dev/tty0",
            "/sys/fs/fuse/connections",
            "/tmp",
        ] {
            assert!(is_machines(there) && there_at_runtime(there), "{there}");
        }
        for not in ["/proc/vz", "/run/live/overlay/work", "/dev/vboxguest", "/sys/firmware/efi"] {
            assert!(is_machines(not) && !there_at_runtime(not), "{not}");
        }
        assert!(!is_machines("/runner/x") && !is_machines("/var/running"));
    }
}
