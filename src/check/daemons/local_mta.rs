//! A mail server listens to the machine itself only.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::remedy;
use crate::check::foreign;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg::Packages;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::rootfs::ImagePath;
use crate::text::shell_assignments::{Assignment, assignments};
use crate::text::shell_var::{self, Value};
use crate::text::{Lines, postfix};

/// Every mail server that is there listens on loopback addresses only.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalMta {}

/// The packages that bring exim's daemon.
const EXIM: [&str; 3] = ["exim4-daemon-light", "exim4-daemon-heavy", "exim4-daemon-custom"];
/// Mail servers that listen, and whose configuration is not read here.
const OTHERS: [&str; 6] =
    ["opensmtpd", "courier-mta", "masqmail", "citadel-server", "qmail-run", "xmail"];

/// What was found out about the servers that are there.
#[derive(Default)]
struct Found {
    gaps: Vec<Gap>,
    holding: Vec<Evidence>,
    /// Servers a person must look at.
    manual: Vec<Evidence>,
}

impl Primitive for LocalMta {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("postfix"), Consumes::usual("exim")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let packages = Packages::read(root)?;
        let mut found = Found::default();
        let mut any = false;
        if packages.there("postfix") {
            any = true;
            postfix(audit, &ImagePath::parse("/etc/postfix")?, true, &mut found)?;
        }
        if EXIM.iter().any(|name| packages.there(name)) {
            any = true;
            exim(audit, &mut found)?;
        }
        if packages.there("sendmail-bin") {
            any = true;
            sendmail(audit, &mut found)?;
        }
        for name in OTHERS.into_iter().filter(|name| packages.there(name)) {
            any = true;
            let note = messages::look_at_mail_server(name);
            found.manual.push(packages.evidence(name).note(note));
        }
        if !any {
            let evidence = Evidence::note_only(messages::no_mail_server());
            return Ok(Finding::MetVacuously(vec![evidence]));
        }
        Ok(if !found.gaps.is_empty() || found.manual.is_empty() {
            found.holding.extend(found.manual);
            Finding::from_gaps(found.gaps, found.holding)
        } else {
            found.manual.extend(found.holding);
            Finding::Manual(found.manual)
        })
    }
}

/// The mail server that a gap is about.
fn server(name: impl Into<String>) -> Subject {
    Subject::new(SubjectKind::Service, name)
}

/// Whether a name or address, with or without brackets, is the machine itself.
fn is_loopback(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// One instance of postfix, and those its configuration names. The name of its directory is its own.
fn postfix(audit: &Audit<'_>, dir: &ImagePath, first: bool, found: &mut Found) -> Result<()> {
    let root = audit.root();
    let path = dir.join("main.cf")?;
    let name = dir.file_name().map_or_else(|| "postfix".into(), |name| name.to_string_lossy());
    let Some(text) = root.read(&path)? else {
        found.holding.push(Evidence::at(&path).note(messages::not_started(name)));
        return Ok(());
    };
    let main = postfix::Main::parse(&text);
    let value = main.expanded("inet_interfaces");
    let hosts = |value: &str| -> Vec<String> {
        let words = value.split([',', ' ', '\t']).filter(|w| !w.is_empty());
        words.map(str::to_owned).collect()
    };
    let local = value.as_deref().map(hosts).is_some_and(|hosts| {
        hosts == ["loopback-only"] || (!hosts.is_empty() && hosts.iter().all(|h| is_loopback(h)))
    });
    let evidence = match main.get("inet_interfaces") {
        Some(set) => Evidence::at(&path)
            .line(set.line)
            .found(format!("inet_interfaces = {}", value.as_deref().unwrap_or(&set.value))),
        None => Evidence::at(&path).note(messages::all_addresses("inet_interfaces")),
    };
    if local {
        found.holding.push(evidence);
    } else {
        let new = postfix::set(&text, "inet_interfaces", "loopback-only");
        let evidence = evidence.want("inet_interfaces = loopback-only");
        let subject = server(&*name);
        found.gaps.push(remedy::rewrite(audit, subject, evidence, &path, new, 0o644)?);
    }
    let master = dir.join("master.cf")?;
    if let Some(text) = root.read(&master)? {
        for listener in postfix::listeners(&text).iter().filter(|l| !is_loopback(&l.host)) {
            let evidence = Evidence::at(&master).line(listener.line).found(listener.host.as_str());
            let evidence = evidence.want(messages::wants_loopback());
            let why = messages::listens_on(&master, listener.line, &listener.host);
            found.gaps.push(remedy::none(audit, server(&*name), evidence, why));
        }
    }
    if first && let Some(more) = main.expanded("multi_instance_directories") {
        for dir in hosts(&more).iter().filter(|d| d.starts_with('/')) {
            postfix(audit, &ImagePath::parse(dir)?, false, found)?;
        }
    }
    Ok(())
}

/// exim, by its package.
const EXIM_NAME: &str = "exim4";
const EXIM_DEFAULTS: &str = "/etc/default/exim4";
const EXIM_OWN: &str = "/etc/exim4/exim4.conf";
const EXIM_DEBIAN: &str = "/etc/exim4/update-exim4.conf.conf";
/// Where a macro may stand that overrides what [`EXIM_DEBIAN`] says.
const EXIM_MACROS: [&str; 2] =
    ["/etc/exim4/exim4.conf.localmacros", "/etc/exim4/conf.d/main/000_localmacros"];
const EXIM_LOCAL: &str = "127.0.0.1 ; ::1";

fn last_assignment(text: &str, name: &str) -> Option<Assignment> {
    assignments(text).into_iter().rfind(|v| v.name == name)
}

fn exim(audit: &Audit<'_>, found: &mut Found) -> Result<()> {
    let root = audit.root();
    let path = ImagePath::parse(EXIM_DEFAULTS)?;
    let defaults = root.read(&path)?.unwrap_or_default();
    if let Some(runner) = last_assignment(&defaults, "QUEUERUNNER")
        && ["nodaemon", "queueonly"].contains(&runner.value.as_str())
    {
        let evidence = Evidence::at(&path).line(runner.line);
        let evidence = evidence.found(format!("QUEUERUNNER={}", runner.value));
        found.holding.push(evidence.note(messages::does_not_listen()));
        return Ok(());
    }
    let listener = last_assignment(&defaults, "SMTPLISTENEROPTIONS");
    if let Some(options) = &listener {
        foreign::judged(&path, options.line, &options.value)?;
    }
    if let Some(options) = listener.filter(|o| !listens_locally(&o.value)) {
        let evidence = Evidence::at(&path).line(options.line).found(options.value);
        let evidence = evidence.want(messages::wants_ports());
        let why = messages::exim_addresses(&path, options.line);
        found.gaps.push(remedy::none(audit, server(EXIM_NAME), evidence, why));
    }
    // A configuration by this name is used instead of the one Debian makes.
    let own = ImagePath::parse(EXIM_OWN)?;
    if let Some(text) = root.read(&own)? {
        exim_own(audit, &own, &text, found);
        return Ok(());
    }
    for path in EXIM_MACROS {
        let path = ImagePath::parse(path)?;
        let text = root.read(&path)?.unwrap_or_default();
        for (line, value) in exim_assignments(&text, "MAIN_LOCAL_INTERFACES") {
            if !is_local_list(value) {
                let evidence = Evidence::at(&path).line(line).found(value);
                let evidence = evidence.want(format!("<; {EXIM_LOCAL}"));
                let why = messages::macro_set(&path, line);
                found.gaps.push(remedy::none(audit, server(EXIM_NAME), evidence, why));
            }
        }
    }
    exim_debian(audit, found)
}

fn exim_own(audit: &Audit<'_>, path: &ImagePath, text: &str, found: &mut Found) {
    let main = text.lines().position(|l| l.trim_start().starts_with("begin "));
    let mut set = exim_assignments(text, "local_interfaces");
    set.retain(|(line, _)| main.is_none_or(|begin| *line <= begin));
    match set.last() {
        Some((line, value)) if is_local_list(value) => {
            found.holding.push(Evidence::at(path).line(*line).found(*value));
        }
        last => {
            let evidence = match last {
                Some((line, value)) => Evidence::at(path).line(*line).found(*value),
                None => Evidence::at(path).note(messages::all_addresses("local_interfaces")),
            };
            let evidence = evidence.want(format!("local_interfaces = <; {EXIM_LOCAL}"));
            let why = messages::written_by_hand(path);
            found.gaps.push(remedy::none(audit, server(EXIM_NAME), evidence, why));
        }
    }
}

fn exim_debian(audit: &Audit<'_>, found: &mut Found) -> Result<()> {
    let path = ImagePath::parse(EXIM_DEBIAN)?;
    let Some(text) = audit.root().read(&path)? else {
        let evidence = Evidence::at(&path).note(messages::missing());
        let evidence = evidence.want(messages::wants_configuration("exim"));
        let why = messages::configuration_missing(&path, "exim4-config");
        found.gaps.push(remedy::none(audit, server(EXIM_NAME), evidence, why));
        return Ok(());
    };
    const KEY: &str = "dc_local_interfaces";
    let set = shell_var::value(&text, KEY);
    let evidence = Evidence::at(&path);
    let (evidence, local) = match &set {
        // Unlike exim's own lists, this one is separated by `;` without declaring it.
        Value::Known { value, line } => (
            evidence.line(*line).found(format!("{KEY}='{value}'")),
            is_local_list(value) || is_local_list(&format!("<;{value}")),
        ),
        Value::Unset => (evidence.note(messages::all_addresses(KEY)), false),
        Value::Unclear { line } => (evidence.line(*line).note(messages::unclear(KEY)), false),
    };
    if local {
        found.holding.push(evidence);
        return Ok(());
    }
    let new = format!("{KEY}='{EXIM_LOCAL}'");
    let evidence = evidence.want(&new);
    let subject = server(EXIM_NAME);
    found.gaps.push(match shell_var::set(&text, KEY, EXIM_LOCAL) {
        Some(text) => remedy::rewrite(audit, subject, evidence, &path, text, 0o644)?,
        None => remedy::none(audit, subject, evidence, messages::not_plain(&path, new)),
    });
    Ok(())
}

/// The lines `name = value` of an exim configuration.
fn exim_assignments<'a>(text: &'a str, name: &str) -> Vec<(usize, &'a str)> {
    let read = |(i, line): (usize, &'a str)| {
        let value = line.trim().strip_prefix(name)?.trim_start().strip_prefix('=')?;
        Some((i + 1, value.trim()))
    };
    text.lines().enumerate().filter_map(read).collect()
}

/// Whether a list of exim's holds loopback addresses only, and at least one.
fn is_local_list(list: &str) -> bool {
    let list = list.trim();
    let mut rest = list.strip_prefix('<').unwrap_or_default().chars();
    let items: Vec<&str> = match rest.next() {
        Some(separator) => rest.as_str().split(separator).collect(),
        // Without a separator of its own, `::::1` is the way to write `::1`.
        None => list.split(" : ").collect(),
    };
    let local = |item: &str| {
        let item = item.trim();
        let host = match item.strip_prefix('[').and_then(|i| i.split_once(']')) {
            Some((host, _port)) => host,
            // A port may follow the address as one more part.
            None if item.split('.').count() == 5 => item.rsplit_once('.').unwrap_or_default().0,
            None => item,
        };
        host == "::::1" || (host != "localhost" && is_loopback(host))
    };
    !items.is_empty() && items.into_iter().all(local)
}

/// Whether options for exim's listener name no address but the machine's own.
fn listens_locally(options: &str) -> bool {
    let words: Vec<&str> = options.split_whitespace().collect();
    let lists = words.iter().enumerate().filter_map(|(i, w)| match w.strip_prefix("-oX")? {
        "" => words.get(i + 1).copied(),
        list => Some(list),
    });
    let is_port = |item: &str| item.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    lists.into_iter().all(|list| list.split(':').all(is_port) || is_local_list(list))
}

fn sendmail(audit: &Audit<'_>, found: &mut Found) -> Result<()> {
    let path = ImagePath::parse("/etc/mail/sendmail.cf")?;
    let Some(text) = audit.root().read(&path)? else {
        found.holding.push(Evidence::at(&path).note(messages::not_started("sendmail")));
        return Ok(());
    };
    let open = |evidence: Evidence| {
        let evidence = evidence.want("Addr=127.0.0.1");
        remedy::none(audit, server("sendmail"), evidence, messages::made_from_mc(&path))
    };
    let mut any = false;
    for (line, text) in Lines::new(&text).iter() {
        let Some(options) = text.strip_prefix("O DaemonPortOptions=") else { continue };
        any = true;
        let address = options
            .split(',')
            .filter_map(|o| o.trim().split_once('='))
            .find_map(|(key, value)| key.starts_with(['A', 'a']).then(|| value.trim().to_owned()));
        let evidence = Evidence::at(&path).line(line).found(options.trim());
        if address.is_some_and(|a| is_loopback(a.strip_prefix("IPv6:").unwrap_or(&a))) {
            found.holding.push(evidence);
        } else {
            found.gaps.push(open(evidence));
        }
    }
    if !any {
        let note = messages::all_addresses("DaemonPortOptions");
        found.gaps.push(open(Evidence::at(&path).note(note)));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
