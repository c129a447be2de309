//! A root without an init, such as a container image: what starts its programs is outside, so that
//! rows are judged by their files, whatever units and links are there.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod support;

use std::collections::BTreeMap;

use gokaku::check::Outcome;
use gokaku::plan::{self, Judged};
use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::MemoryRootfs;

const ETC: &str = "/etc/systemd/system";

fn judged(profile: &Profile, root: &MemoryRootfs) -> Vec<Judged> {
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    plan::audit(&rules, root)
}

fn outcomes(judged: &[Judged]) -> BTreeMap<String, Outcome> {
    judged.iter().map(|j| (j.id.to_string(), j.outcome)).collect()
}

/// Whether the chain is the reason of a gap.
fn by_the_chain(judged: &Judged) -> bool {
    judged.gaps.iter().any(|gap| {
        let found = gap.evidence.found.as_ref();
        found.is_some_and(|found| found.id().starts_with("chain."))
    })
}

/// What an image says about units must not matter without an init.
fn switched_off(root: MemoryRootfs) -> MemoryRootfs {
    let units = ["systemd-sysctl", "systemd-journald", "procps", "ssh", "systemd-modules-load"];
    units
        .iter()
        .fold(root, |root, unit| root.link(&format!("{ETC}/{unit}.service"), "/dev/null"))
        .link(&format!("{ETC}/default.target"), "/lib/systemd/system/rescue.target")
        .file(&format!("{ETC}/rsyslog.service.d/own.conf"), "[Unit]\nConditionPathExists=/nope\n")
        .file(&format!("{ETC}/cron.service.d/own.conf"), "[Service]\nExecStart=/bin/true\n")
}

#[test]
fn no_row_fails_by_the_chain() {
    let profile = Profile::embedded().unwrap();
    let base = support::base();
    let plain = judged(&profile, &base);
    assert!(plain.iter().all(|j| !by_the_chain(j)));
    let off = judged(&profile, &switched_off(base.clone()));
    for judged in &off {
        assert!(!by_the_chain(judged), "{judged:#?}");
        assert!(judged.outcome != Outcome::Unknown, "{judged:#?}");
    }
    assert_eq!(outcomes(&plain), outcomes(&off));
    // The note says so, on every row that something at boot would have to start.
    let rows: Vec<String> = off
        .iter()
        .filter(|j| j.evidence.iter().any(|e| e.chain.as_ref().is_some_and(|c| c.starts.is_none())))
        .map(|j| j.id.to_string())
        .collect();
    assert!(rows.contains(&"5.3.19".to_owned()), "{rows:?}");
    // The same tree with an init fails: the test can fail.
    let boots = switched_off(base).file_with("/sbin/init", "x", 0o755, 0, 0);
    assert!(judged(&profile, &boots).iter().any(by_the_chain));
}
