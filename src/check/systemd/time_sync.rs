//! A time client starts at boot: chrony, ntpd or systemd-timesyncd.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::messages;
use super::service;
use super::service::Links;
use crate::check::chain::sysv::Script;
use crate::check::chain::units::Unit;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg;
use crate::check::{
    Audit, Consumes, Evidence, Finding, Gap, Presence, Primitive, Subject, SubjectKind,
};
use crate::error::Result;
use crate::message::Arg;

/// A time client starts at boot.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TimeSync {
    /// The client that must start.
    #[serde(default)]
    pub client: Client,
}

/// Which time client is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Client {
    /// Whichever starts already. If none does, the first of chrony, ntpd and timesyncd that is
    /// there.
    #[default]
    Keep,
    /// chrony.
    Chrony,
    /// ntpd.
    Ntp,
    /// systemd's own, systemd-timesyncd.
    Timesyncd,
}

impl Client {
    /// The unit and the package; timesyncd came with systemd itself for a long time.
    fn parts(self) -> (&'static str, &'static str) {
        match self {
            Client::Keep | Client::Chrony => ("chrony.service", "chrony"),
            Client::Ntp => ("ntp.service", "ntp"),
            Client::Timesyncd => ("systemd-timesyncd.service", "systemd-timesyncd"),
        }
    }
}

impl Primitive for TimeSync {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let wanted: &[Client] = match &self.client {
            Client::Keep => &[Client::Chrony, Client::Ntp, Client::Timesyncd],
            one => std::slice::from_ref(one),
        };
        let mut running = Vec::new();
        let mut others = Vec::new();
        for client in [Client::Chrony, Client::Ntp, Client::Timesyncd] {
            match look(audit, client)? {
                Some(Finding::Met(evidence)) if wanted.contains(&client) => {
                    running.push((client, evidence));
                }
                Some(Finding::NotMet { gaps, holding }) if wanted.contains(&client) => {
                    others.push((gaps, holding));
                }
                _ => {}
            }
        }
        if !running.is_empty() {
            let mut evidence = Vec::new();
            if running.len() > 1 {
                let units = running.iter().map(|(client, _)| client.parts().0);
                evidence.push(Evidence::note_only(messages::start_together(Arg::names(units))));
            }
            evidence.extend(running.into_iter().flat_map(|(_, e)| e));
            return Ok(Finding::Met(evidence));
        }
        let closable = |(gaps, _): &(Vec<Gap>, _)| gaps.iter().all(|g| g.fix.reason().is_none());
        let best = others.iter().position(closable).unwrap_or(0);
        if let Some((gaps, holding)) = others.into_iter().nth(best) {
            return Ok(Finding::NotMet { gaps, holding });
        }
        let package = wanted.first().unwrap_or(&Client::Chrony).parts().1.to_owned();
        let evidence =
            Evidence::note_only(messages::no_time_client()).want(messages::want_time_client());
        let subject = Subject::new(SubjectKind::Package, &package);
        let gap = match audit.excluded(&subject) {
            Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
            None => Gap::package(evidence, vec![package], Presence::Present),
        };
        Ok(Finding::from_gaps(vec![gap.about(subject)], Vec::new()))
    }
}

/// Whether the client starts at boot; `None` when it is not there.
fn look(audit: &Audit<'_>, client: Client) -> Result<Option<Finding>> {
    let root = audit.root();
    let (unit, package) = client.parts();
    if Unit::find(root, unit)?.unmasked().is_none() {
        // An init script stays behind when its package is removed; it starts nothing then.
        if Script::find(root, unit)?.is_none() || !dpkg::there(root, package)? {
            return Ok(None);
        }
    }
    // A client that starts keeps the time, whether or not all its names are linked.
    match service::enabled(audit, unit, Links::Starting)? {
        Some(Finding::NotMet { .. }) => service::enabled(audit, unit, Links::All),
        finding => Ok(finding),
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{self, Run, check, outcome, reasons_on, settle_entries, stage};
    use crate::check::{Finding, Outcome, Subject, SubjectKind};
    use crate::rootfs::MemoryRootfs;

    const TIMESYNCD: &str = "/lib/systemd/system/systemd-timesyncd.service";
    const SYSINIT: &str = "/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service";
    const WANTS: &str = "/etc/systemd/system/multi-user.target.wants";

    fn image(clients: &[&str]) -> MemoryRootfs {
        let root = MemoryRootfs::new()
            .dir("/etc/systemd/system", 0o755, 0, 0)
            .dir(WANTS, 0o755, 0, 0)
            .file(TIMESYNCD, "[Install]\nWantedBy=sysinit.target\n");
        clients.iter().fold(root, |root, client| {
            let unit = format!("/lib/systemd/system/{client}.service");
            root.file(&unit, "[Install]\nWantedBy=multi-user.target\n")
        })
    }

    fn enable(root: MemoryRootfs, client: &str) -> MemoryRootfs {
        let unit = format!("/lib/systemd/system/{client}.service");
        root.link(&format!("{WANTS}/{client}.service"), &unit)
    }

    #[test]
    fn any_client_that_starts_is_kept() {
        let keep = check("time_sync = {}");
        for root in [
            enable(image(&["chrony"]), "chrony"),
            enable(image(&["ntp", "chrony"]), "ntp"),
            image(&["chrony"]).link(SYSINIT, TIMESYNCD),
        ] {
            assert_eq!(outcome(keep.primitive(), &root), Outcome::Met);
        }
        let both = enable(image(&["chrony"]), "chrony").link(SYSINIT, TIMESYNCD);
        let Finding::Met(evidence) = keep.primitive().audit(&both).unwrap() else { panic!() };
        assert!(
            evidence[0]
                .note
                .as_ref()
                .unwrap()
                .to_string()
                .starts_with("chrony.service, systemd-tim")
        );
    }

    #[test]
    fn what_is_there_is_started() {
        let keep = check("time_sync = {}");
        let enabled = |root| settle_entries(keep.primitive(), &root).pop().unwrap();
        assert!(enabled(image(&["ntp", "chrony"])).starts_with(&format!("{WANTS}/chrony.service")));
        assert!(enabled(image(&["ntp"])).starts_with(&format!("{WANTS}/ntp.service")));
        assert_eq!(enabled(image(&[])), format!("{SYSINIT} -> {TIMESYNCD}"));
        let masked = image(&[]).link(SYSINIT, TIMESYNCD);
        let mask = "/etc/systemd/system/systemd-timesyncd.service";
        assert_eq!(enabled(masked.link(mask, "/dev/null")), format!("-{mask}"));
        // One that cannot be started does not keep another from being.
        let vendor = image(&["chrony"]).file("/usr/local/lib/systemd/system/chrony.service", "");
        assert_eq!(enabled(vendor), format!("{SYSINIT} -> {TIMESYNCD}"));
    }

    #[test]
    fn a_wanted_client_must_be_the_one() {
        let ntp = check("time_sync = { client = \"ntp\" }");
        let root = enable(image(&["chrony"]), "chrony");
        let why = reasons_on(ntp.primitive(), &root);
        assert_eq!(why, ["needs a package operation, run: chroot ROOT apt-get install ntp"]);
        let root = enable(image(&["chrony", "ntp"]), "chrony");
        let changes = settle_entries(ntp.primitive(), &root);
        assert_eq!(changes, [format!("{WANTS}/ntp.service -> /lib/systemd/system/ntp.service")]);
    }

    #[test]
    fn an_excluded_client_is_not_started() {
        let unit = |name: &str| Subject::new(SubjectKind::Unit, format!("{name}.service"));
        let keep = check("time_sync = {}");
        let held = image(&["chrony"]).excluding(unit("chrony"));
        let enabled = settle_entries(keep.primitive(), &held).pop().unwrap();
        assert_eq!(enabled, format!("{SYSINIT} -> {TIMESYNCD}"), "another one will do");
        let held = held.excluding(unit("systemd-timesyncd"));
        assert!(stage(keep.primitive(), &held).changes().unwrap().is_empty());
        assert_eq!(testing::held(keep.primitive(), &held), 1);
        let package = Subject::new(SubjectKind::Package, "chrony");
        let held = image(&[]).without("/lib").excluding(package);
        assert_eq!(testing::held(keep.primitive(), &held), 1);
    }

    #[test]
    fn nothing_there() {
        let keep = check("time_sync = {}");
        let why = reasons_on(keep.primitive(), &image(&[]).without("/lib"));
        assert_eq!(why, ["needs a package operation, run: chroot ROOT apt-get install chrony"]);
        // The script of a removed package keeps no time, even where its links remain.
        let rest = image(&[])
            .without("/lib")
            .file("/var/lib/dpkg/status", "Package: ntp\nStatus: deinstall ok config-files\n")
            .file_with("/etc/init.d/ntp", "#!/bin/sh\n", 0o755, 0, 0)
            .link("/etc/rc5.d/S01ntp", "../init.d/ntp");
        assert_eq!(outcome(keep.primitive(), &rest), Outcome::NotMet);
        let there =
            rest.file("/var/lib/dpkg/status", "Package: ntp\nStatus: install ok installed\n");
        assert_eq!(outcome(keep.primitive(), &there), Outcome::Met);
    }
}
