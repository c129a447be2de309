//! A mail server listens to the machine itself only.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::common::rewrite;
use crate::check::foreign;
use crate::check::packages::dpkg::Packages;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
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
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let packages = Packages::read(root)?;
        let mut found = Found::default();
        let mut any = false;
        if packages.there("postfix") {
            any = true;
            postfix(root, "/etc/postfix", true, &mut found)?;
        }
        if EXIM.iter().any(|name| packages.there(name)) {
            any = true;
            exim(root, &mut found)?;
        }
        if packages.there("sendmail-bin") {
            any = true;
            sendmail(root, &mut found)?;
        }
        for name in OTHERS.into_iter().filter(|name| packages.there(name)) {
            any = true;
            let note = "a mail server; see that it listens on loopback addresses only";
            found.manual.push(packages.evidence(name).note(note));
        }
        if !any {
            let note = "no mail server is there: neither postfix, exim4 nor sendmail";
            return Ok(Finding::MetVacuously(vec![Evidence::note_only(note)]));
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

/// Whether a name or address, with or without brackets, is the machine itself.
fn is_loopback(host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// One instance of postfix, and those its configuration names.
fn postfix(root: &dyn Rootfs, dir: &str, first: bool, found: &mut Found) -> Result<()> {
    let path = ImagePath::parse(dir)?.join("main.cf")?;
    let Some(text) = root.read(&path)? else {
        let note = "not there, so this postfix does not start";
        found.holding.push(Evidence::at(&path).note(note));
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
        None => Evidence::at(&path).note("no `inet_interfaces`, so all of them"),
    };
    if local {
        found.holding.push(evidence);
    } else {
        let new = postfix::set(&text, "inet_interfaces", "loopback-only");
        let evidence = evidence.want("inet_interfaces = loopback-only");
        found.gaps.push(rewrite::gap(root, evidence, &path, new, 0o644)?);
    }
    let master = ImagePath::parse(dir)?.join("master.cf")?;
    if let Some(text) = root.read(&master)? {
        for listener in postfix::listeners(&text).iter().filter(|l| !is_loopback(&l.host)) {
            let evidence = Evidence::at(&master).line(listener.line).found(listener.host.as_str());
            let why = format!(
                "{master}:{} listens on {}; take the service or its address away",
                listener.line, listener.host
            );
            found.gaps.push(Gap::no_remedy(evidence.want("a loopback address, or none"), why));
        }
    }
    if first && let Some(more) = main.expanded("multi_instance_directories") {
        for dir in hosts(&more).iter().filter(|d| d.starts_with('/')) {
            postfix(root, dir, false, found)?;
        }
    }
    Ok(())
}

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

fn exim(root: &dyn Rootfs, found: &mut Found) -> Result<()> {
    let path = ImagePath::parse(EXIM_DEFAULTS)?;
    let defaults = root.read(&path)?.unwrap_or_default();
    if let Some(runner) = last_assignment(&defaults, "QUEUERUNNER")
        && ["nodaemon", "queueonly"].contains(&runner.value.as_str())
    {
        let says = format!("QUEUERUNNER={}: nothing listens", runner.value);
        found.holding.push(Evidence::at(&path).line(runner.line).found(says));
        return Ok(());
    }
    let listener = last_assignment(&defaults, "SMTPLISTENEROPTIONS");
    if let Some(options) = &listener {
        foreign::judged(&path, options.line, &options.value)?;
    }
    if let Some(options) = listener.filter(|o| !listens_locally(&o.value)) {
        let evidence = Evidence::at(&path).line(options.line).found(options.value);
        let why = format!("{path}:{} has exim listen on addresses of its own", options.line);
        found.gaps.push(Gap::no_remedy(evidence.want("ports, or loopback addresses"), why));
    }
    // A configuration by this name is used instead of the one Debian makes.
    let own = ImagePath::parse(EXIM_OWN)?;
    if let Some(text) = root.read(&own)? {
        exim_own(&own, &text, found);
        return Ok(());
    }
    for path in EXIM_MACROS {
        let path = ImagePath::parse(path)?;
        let text = root.read(&path)?.unwrap_or_default();
        for (line, value) in exim_assignments(&text, "MAIN_LOCAL_INTERFACES") {
            if !is_local_list(value) {
                let evidence = Evidence::at(&path).line(line).found(value);
                let why = format!("{path}:{line} sets MAIN_LOCAL_INTERFACES by hand; correct it");
                found.gaps.push(Gap::no_remedy(evidence.want(format!("<; {EXIM_LOCAL}")), why));
            }
        }
    }
    exim_debian(root, found)
}

fn exim_own(path: &ImagePath, text: &str, found: &mut Found) {
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
                None => Evidence::at(path).note("no `local_interfaces`, so all of them"),
            };
            let why = format!("{path} is written by hand; set local_interfaces in it");
            let want = format!("local_interfaces = <; {EXIM_LOCAL}");
            found.gaps.push(Gap::no_remedy(evidence.want(want), why));
        }
    }
}

fn exim_debian(root: &dyn Rootfs, found: &mut Found) -> Result<()> {
    let path = ImagePath::parse(EXIM_DEBIAN)?;
    let Some(text) = root.read(&path)? else {
        let evidence = Evidence::at(&path).note("not there").want("exim's configuration");
        let why = format!("{path} is not there; reinstall the package exim4-config");
        found.gaps.push(Gap::no_remedy(evidence, why));
        return Ok(());
    };
    const KEY: &str = "dc_local_interfaces";
    let set = shell_var::value(&text, KEY);
    let evidence = Evidence::at(&path);
    let (evidence, local) = match &set {
        // Unlike exim's own lists, this one is apart by `;` without saying so.
        Value::Known { value, line } => (
            evidence.line(*line).found(format!("{KEY}='{value}'")),
            is_local_list(value) || is_local_list(&format!("<;{value}")),
        ),
        Value::Unset => (evidence.note(format!("no `{KEY}`, so all of them")), false),
        Value::Unclear { line } => {
            (evidence.line(*line).note(format!("from here on {KEY} depends on more")), false)
        }
    };
    if local {
        found.holding.push(evidence);
        return Ok(());
    }
    let new = format!("{KEY}='{EXIM_LOCAL}'");
    found.gaps.push(match shell_var::set(&text, KEY, EXIM_LOCAL) {
        Some(text) => rewrite::gap(root, evidence.want(new), &path, text, 0o644)?,
        None => {
            let why = format!("{path} is not a list of plain assignments; set {new} in it");
            Gap::no_remedy(evidence.want(new), why)
        }
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

fn sendmail(root: &dyn Rootfs, found: &mut Found) -> Result<()> {
    let path = ImagePath::parse("/etc/mail/sendmail.cf")?;
    let Some(text) = root.read(&path)? else {
        found.holding.push(Evidence::at(&path).note("not there, so sendmail does not start"));
        return Ok(());
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
            found
                .gaps
                .push(Gap::no_remedy(evidence.want("Addr=127.0.0.1"), sendmail_advice(&path)));
        }
    }
    if !any {
        let evidence = Evidence::at(&path).note("no DaemonPortOptions, so all addresses");
        found.gaps.push(Gap::no_remedy(evidence.want("Addr=127.0.0.1"), sendmail_advice(&path)));
    }
    Ok(())
}

fn sendmail_advice(path: &ImagePath) -> String {
    format!("{path} is made from sendmail.mc; set Addr=127.0.0.1 there and run make")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{check, outcome, reasons_on, settle_entries};
    use crate::rootfs::MemoryRootfs;

    fn image(package: &str) -> MemoryRootfs {
        let status = format!("Package: {package}\nStatus: install ok installed\n");
        MemoryRootfs::new().file("/var/lib/dpkg/status", status)
    }

    fn audit(root: &MemoryRootfs) -> Outcome {
        outcome(check("local_mta = {}").primitive(), root)
    }

    fn settled(root: &MemoryRootfs) -> Vec<String> {
        settle_entries(check("local_mta = {}").primitive(), root)
    }

    fn why(root: &MemoryRootfs) -> String {
        reasons_on(check("local_mta = {}").primitive(), root).join(" ")
    }

    const MAIN: &str = "/etc/postfix/main.cf";

    #[test]
    fn no_server_nothing_asked() {
        for other in ["postfix-doc", "exim4-config", "exim4", "nullmailer", "sendmail-base"] {
            assert_eq!(audit(&image(other)), Outcome::MetVacuously, "{other}");
        }
        assert_eq!(audit(&MemoryRootfs::new()), Outcome::Unknown);
        assert_eq!(audit(&image("opensmtpd")), Outcome::Manual);
    }

    #[test]
    fn postfix_by_its_interfaces() {
        let root = |conf: &str| image("postfix").file(MAIN, conf);
        for conf in [
            "inet_interfaces = loopback-only\n",
            "inet_interfaces=localhost",
            "inet_interfaces = all\ninet_interfaces = 127.0.0.1, [::1]\n",
            "inet_interfaces = 127.0.0.1,\n# note\n  ::1\n",
            "a = localhost\ninet_interfaces = $a, ${a}\r\n",
            "inet_interfaces = 127.3.2.1\n#inet_interfaces = all\n",
        ] {
            assert_eq!(audit(&root(conf)), Outcome::Met, "{conf}");
        }
        let want = "inet_interfaces = loopback-only";
        for (conf, new) in [
            ("", format!("{want}\n")),
            ("inet_interfaces =\n", format!("{want}\n")),
            ("# inet_interfaces = loopback-only", format!("# {want}\n{want}\n")),
            ("inet_interfaces = all", want.to_owned()),
            ("inet_interfaces = loopback-only, all\n", format!("{want}\n")),
            ("inet_interfaces = 127.0.0.1, 10.0.0.1\n", format!("{want}\n")),
            ("inet_interfaces = $myhostname\n", format!("{want}\n")),
            (
                "inet_interfaces = loopback-only\ninet_interfaces = all\nx = 1\n",
                format!("{want}\n{want}\nx = 1\n"),
            ),
            (
                "inet_interfaces = loopback-only\n 10.0.0.1\n",
                format!("{want}\n# gokaku:  10.0.0.1\n"),
            ),
            ("inet_interfaces_x = localhost\n", format!("inet_interfaces_x = localhost\n{want}\n")),
        ] {
            assert_eq!(settled(&root(conf)), [format!("{MAIN}: {new}")], "{conf}");
        }
        assert_eq!(audit(&image("postfix")), Outcome::Met, "without main.cf it does not start");
        assert_eq!(audit(&root("").link(MAIN, "main.cf")), Outcome::Unknown);
        let foreign = |text: &[u8]| audit(&image("postfix").file(MAIN, text));
        assert_eq!(foreign(b"inet_interfaces = loopback-only\xfe\n"), Outcome::Unknown);
        assert_eq!(foreign(b"# \xfe\ninet_interfaces = loopback-only\nx = \xfe\n"), Outcome::Met);
        let out = root("").file("/usr/share/main.cf", "").link(MAIN, "/usr/share/main.cf");
        assert!(why(&out).contains("outside of /etc"));
        let inside = root("").file("/etc/m.cf", "").link(MAIN, "../m.cf");
        assert_eq!(settled(&inside), [format!("/etc/m.cf: {want}\n")]);
    }

    #[test]
    fn postfix_has_more_listeners_and_instances() {
        let root = image("postfix").file(MAIN, "inet_interfaces = loopback-only\n");
        let master = "/etc/postfix/master.cf";
        let good = root.clone().file(master, "smtp inet n\n127.0.0.1:26 inet n\n[::1]:27 inet n\n");
        assert_eq!(audit(&good), Outcome::Met);
        let open = root.clone().file(master, "0.0.0.0:26 inet n\n");
        assert!(why(&open).starts_with("/etc/postfix/master.cf:1 listens on 0.0.0.0"));
        let text = "inet_interfaces = localhost\nmulti_instance_directories = /etc/postfix-out\n";
        let two = root.file(MAIN, text).file("/etc/postfix-out/main.cf", "inet_interfaces = all\n");
        assert_eq!(settled(&two), ["/etc/postfix-out/main.cf: inet_interfaces = loopback-only\n"]);
    }

    fn exim(conf: &str) -> MemoryRootfs {
        image("exim4-daemon-light").file(EXIM_DEBIAN, conf)
    }

    #[test]
    fn exim_by_its_interfaces() {
        for conf in [
            "dc_local_interfaces='127.0.0.1 ; ::1'\n",
            "dc_local_interfaces='127.0.0.1'",
            "dc_local_interfaces=127.0.0.1\n",
            "dc_local_interfaces='<; 127.0.0.1.25 ; [::1]:25'\n",
            "dc_local_interfaces=''\ndc_local_interfaces=\"127.0.0.1;::1\"\n",
            "dc_eximconfig_configtype='smarthost'\ndc_local_interfaces='127.0.0.1 ; ::1'\n",
        ] {
            assert_eq!(audit(&exim(conf)), Outcome::Met, "{conf}");
        }
        let want = "dc_local_interfaces='127.0.0.1 ; ::1'";
        for (conf, new) in [
            ("", format!("{want}\n")),
            ("dc_local_interfaces=''\nb=1\n", format!("{want}\nb=1\n")),
            ("b=1\ndc_local_interfaces='10.0.0.1'", format!("b=1\n{want}")),
            (
                "#dc_local_interfaces='127.0.0.1'\n",
                format!("#dc_local_interfaces='127.0.0.1'\n{want}\n"),
            ),
            ("dc_local_interfaces='127.0.0.1 ; 10.0.0.1'\n", format!("{want}\n")),
            ("dc_local_interfaces='0.0.0.0' # all\n", format!("{want} # all\n")),
            ("dc_local_interfaces='a\nb'\n", format!("{want}\n")),
            (
                "if x; then dc_local_interfaces='127.0.0.1'; fi\n",
                format!("if x; then dc_local_interfaces='127.0.0.1'; fi\n{want}\n"),
            ),
        ] {
            assert_eq!(settled(&exim(conf)), [format!("{EXIM_DEBIAN}: {new}")], "{conf}");
        }
        assert!(why(&image("exim4-daemon-heavy")).contains("reinstall the package exim4-config"));
        assert!(why(&exim("a='unfinished\n")).contains("not a list of plain assignments"));
    }

    #[test]
    fn exim_by_other_files() {
        let local = "dc_local_interfaces='127.0.0.1 ; ::1'\n";
        let open = exim("dc_local_interfaces=''\n");
        for (runner, want) in
            [("nodaemon", Outcome::Met), ("queueonly", Outcome::Met), ("no", Outcome::NotMet)]
        {
            let root = open.clone().file(EXIM_DEFAULTS, format!("QUEUERUNNER='{runner}'\n"));
            assert_eq!(audit(&root), want, "{runner}");
        }
        for (options, met) in [
            ("", true),
            ("-oX 25:587 -oP /run/x", true),
            ("-oX smtp", true),
            ("-oX 127.0.0.1", true),
            ("-oX 0.0.0.0", false),
            ("-oX <;10.0.0.1;127.0.0.1", false),
        ] {
            let text = format!("QUEUERUNNER=combined\nSMTPLISTENEROPTIONS='{options}'\n");
            let want = if met { Outcome::Met } else { Outcome::NotMet };
            assert_eq!(audit(&exim(local).file(EXIM_DEFAULTS, text)), want, "{options}");
        }
        for (own, met) in [
            ("local_interfaces = <; 127.0.0.1 ; ::1\nbegin acl\n", true),
            ("local_interfaces = 127.0.0.1 : ::::1\n", true),
            ("begin acl\nlocal_interfaces = 127.0.0.1\n", false),
            ("local_interfaces = MACRO\n", false),
            ("#local_interfaces = 127.0.0.1\n", false),
        ] {
            let want = if met { Outcome::Met } else { Outcome::NotMet };
            assert_eq!(audit(&open.clone().file(EXIM_OWN, own)), want, "{own}");
        }
        let macros = "#MAIN_LOCAL_INTERFACES = 1\nMAIN_LOCAL_INTERFACES = <; 0.0.0.0\n";
        let root = exim(local).file(EXIM_MACROS[0], macros);
        assert!(why(&root).starts_with("/etc/exim4/exim4.conf.localmacros:2 sets"));
    }

    #[test]
    fn sendmail_is_reported() {
        let cf = "/etc/mail/sendmail.cf";
        let root = |text: &str| image("sendmail-bin").file(cf, text);
        let good = "O DaemonPortOptions=Family=inet,  Name=MTA-v4, Port=smtp, Addr=127.0.0.1\n\
            O DaemonPortOptions=Family=inet6, Addr=IPv6:::1\n";
        assert_eq!(audit(&root(good)), Outcome::Met);
        for bad in ["", "O DaemonPortOptions=Name=MTA\n", "#O DaemonPortOptions=Addr=127.0.0.1\n"] {
            assert!(why(&root(bad)).contains("made from sendmail.mc"), "{bad}");
        }
        assert_eq!(audit(&image("sendmail-bin")), Outcome::Met);
    }
}
