//! What the tests about sshd share.

use super::config::MAIN;
pub(super) use crate::check::testing::reasons;
use crate::check::testing::{Run, Scene, changed, stage, try_check};
use crate::check::{Audit, Check, Finding, Subject};
use crate::message::Message;
use crate::rootfs::{ImagePath, MemoryRootfs, Rootfs};

/// Ubuntu 18.04's openssh-server.
pub(super) const BIONIC: &str = "1:7.6p1-4ubuntu0.7";
/// Debian 11's: it reads `Include`.
pub(super) const BULLSEYE: &str = "1:8.4p1-5+deb11u3";
/// Debian 12's: it takes arguments apart as a shell does.
pub(super) const BOOKWORM: &str = "1:9.2p1-2+deb12u10";

/// An image with that version of openssh-server and that main file.
pub(super) fn image(version: &str, sshd_config: &str) -> MemoryRootfs {
    let status =
        format!("Package: openssh-server\nStatus: install ok installed\nVersion: {version}\n");
    MemoryRootfs::new()
        .file("/var/lib/dpkg/status", status)
        .file_with(MAIN, sshd_config, 0o600, 0, 0)
        .file("/etc/issue.net", "Authorized use only\n")
}

/// A check from what stands between the braces in a profile, or what is wrong with it.
pub(super) fn check(spec: &str) -> Result<Check, String> {
    try_check(&format!("sshd = {{ {spec} }}"))
}

/// As [`check`], for what is right.
pub(super) fn want(spec: &str) -> Check {
    check(spec).unwrap_or_else(|e| panic!("{spec}: {e}"))
}

/// The same image in a run in which no row may touch these.
pub(super) fn excluding(root: impl Run, subjects: &[Subject]) -> Scene {
    let mut scene = root.scene();
    for subject in subjects {
        scene.options.exclusions.exclude(subject.clone(), Message::value(KEPT));
    }
    scene
}

/// Why nothing may touch what [`excluding`] names.
pub(super) const KEPT: &str = "kept as it is";

/// The texts of the files that a plan changes, by path, and what is left open: subject and reason.
pub(super) fn outlook(spec: &str, scene: &Scene) -> (Vec<(String, String)>, Vec<String>) {
    let check = want(spec);
    let staged = stage(check.primitive(), scene);
    let audit = Audit::new(&staged, &scene.options);
    let gaps = crate::check::testing::gaps(check.primitive(), audit);
    let open = gaps.iter().map(|gap| {
        let reason = gap.fix.reason().map(|reason| reason.to_string()).unwrap_or_default();
        format!("{}: {reason}", gap.subject)
    });
    (changed(&staged), open.collect())
}

/// One look.
pub(super) fn look(check: &Check, root: &dyn Rootfs) -> Finding {
    check.primitive().audit(root).unwrap_or_else(|e| panic!("{e}"))
}

/// Stages what closes the gaps until nothing changes; the texts of the files that changed then, by
/// path, and the last finding.
pub(super) fn repaired(check: &Check, root: &dyn Rootfs) -> (Vec<(String, String)>, Finding) {
    let staged = stage(check.primitive(), root);
    (changed(&staged), look(check, &staged))
}

/// As [`repaired`], for gaps that all have a remedy: the last look is met and shows why.
pub(super) fn settle_files(check: &Check, root: &dyn Rootfs) -> Vec<(String, String)> {
    let (files, finding) = repaired(check, root);
    match finding {
        Finding::Met(evidence) => assert!(!evidence.is_empty(), "what is met shows why"),
        other => panic!("not met: {other:?} after {files:?}"),
    }
    files
}

/// As [`settle_files`], for a change of the main file alone: its text before, if nothing changed.
pub(super) fn main_after(check: &Check, root: &dyn Rootfs) -> String {
    match settle_files(check, root).as_slice() {
        [] => root.read(&ImagePath::parse(MAIN).unwrap()).unwrap().unwrap(),
        [(path, text)] if path == MAIN => text.clone(),
        more => panic!("{more:?}"),
    }
}

/// All notes of a finding that is met.
pub(super) fn notes(finding: &Finding) -> String {
    let (Finding::Met(evidence) | Finding::MetVacuously(evidence)) = finding else {
        panic!("not met: {finding:?}")
    };
    evidence
        .iter()
        .filter_map(|e| e.note.as_ref().map(ToString::to_string))
        .collect::<Vec<_>>()
        .join("; ")
}
