//! What systemd refuses to load.

use super::load::BootUnit;
use crate::check::chain::{Place, messages};
use crate::message::Message;
use crate::rootfs::ImagePath;
use crate::text::unit::{FaultKind, Unit};

const SECTIONS: [&str; 8] =
    ["Unit", "Service", "Socket", "Timer", "Path", "Mount", "Swap", "Install"];

/// Why a unit file is not loaded, by its lines alone.
pub(super) fn of_file(path: &ImagePath, unit: &Unit) -> Option<(Place, Message)> {
    let stops = |kind| matches!(kind, FaultKind::OpenHeader | FaultKind::NoEquals);
    let fault = unit.faults(&SECTIONS).into_iter().find(|fault| stops(fault.kind))?;
    Some((Place::line(path, fault.line), messages::odd_line(fault.kind.word())))
}

/// Why a unit is refused once all its files are read.
pub(super) fn of_unit(unit: &BootUnit, version: &[u32]) -> Option<(Place, Message)> {
    let suffix = unit.id.rsplit_once('.').map_or("", |(_, suffix)| suffix);
    let whole = || unit.fragment.as_ref().map_or_else(Place::nowhere, Place::file);
    match suffix {
        "service" => of_service(unit, version, whole()),
        "socket" => (!unit.said.iter().any(|(_, a)| {
            &*a.section == "Socket" && a.key.starts_with("Listen") && !a.value.is_empty()
        }))
        .then(|| (whole(), messages::nothing_to_listen_on())),
        "timer" => (!unit.said.iter().any(|(_, a)| {
            &*a.section == "Timer" && a.key.starts_with("On") && !a.value.is_empty()
        }))
        .then(|| (whole(), messages::no_time())),
        "path" => (!unit.said.iter().any(|(_, a)| {
            const KEYS: [&str; 5] = [
                "PathExists",
                "PathExistsGlob",
                "PathChanged",
                "PathModified",
                "DirectoryNotEmpty",
            ];
            &*a.section == "Path" && KEYS.contains(&a.key.as_str()) && !a.value.is_empty()
        }))
        .then(|| (whole(), messages::no_path())),
        _ => None,
    }
}

fn of_service(unit: &BootUnit, version: &[u32], whole: Place) -> Option<(Place, Message)> {
    const TYPES: [&str; 8] =
        ["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];
    let service =
        |key: &str| unit.said.iter().filter(move |(_, a)| a.is("Service", key)).collect::<Vec<_>>();
    let known = |(_, a): &&&(_, crate::text::unit::Assignment)| TYPES.contains(&a.value.as_str());
    let types = service("Type");
    let kind = types.iter().rfind(known).map_or("simple", |(_, a)| a.value.as_str());
    let oneshot = kind == "oneshot";
    let commands = super::command::lines(unit, "ExecStart");
    let stops = !super::command::lines(unit, "ExecStop").is_empty();
    // A path that is not absolute was a mistake before 239.
    if version < &[239] {
        let relative = commands.iter().find(|line| !line.program().starts_with('/'));
        if let Some(line) = relative.filter(|line| !line.ignored()) {
            return Some((line.at.clone(), messages::not_absolute(line.program())));
        }
    }
    if commands.is_empty() {
        let named = service("SuccessAction").len() + service("FailureAction").len();
        return match (stops, oneshot) {
            (false, _) if named == 0 => Some((whole, messages::no_command())),
            (true, false) => Some((whole, messages::no_start_command())),
            _ => None,
        };
    }
    if let Some(second) = commands.get(1).filter(|_| !oneshot) {
        return Some((second.at.clone(), messages::second_command()));
    }
    let said = |key: &str| unit.last("Service", key);
    if oneshot && let Some((place, value)) = said("Restart") {
        let refused = match version < &[244] {
            true => !["no", ""].contains(&value),
            false => ["always", "on-success"].contains(&value),
        };
        if refused {
            return Some((place, messages::restart_of_oneshot(value)));
        }
    }
    if kind == "dbus" && said("BusName").is_none_or(|(_, value)| value.is_empty()) {
        return Some((whole, messages::no_bus_name()));
    }
    None
}
