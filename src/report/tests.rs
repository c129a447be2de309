//! A report reads back what it wrote.

use super::*;
use crate::plan;
use crate::profile::{Profile, Rule};
use crate::rootfs::AccountDb;
use crate::rootfs::MemoryRootfs;

/// A report of a plan on a small tree: rows that hold, that do not, that cannot be judged.
fn report() -> Report {
    let profile = Profile::embedded().unwrap();
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let root = MemoryRootfs::new()
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n")
        .file("/etc/shadow", "root:*:1::::::\nbob:$6$salt$0123456789:1::::::\n")
        .file("/etc/ssh/sshd_config", "PermitRootLogin yes\n")
        .file("/etc/crontab", "");
    let plan = plan::plan(&rules, &root).unwrap();
    let target = TargetRef {
        root: "/mnt".to_owned(),
        os: "ubuntu".to_owned(),
        version: "18.04".to_owned(),
        live: false,
    };
    let names = AccountDb::read(&root).unwrap();
    let before = Some(plan.before.as_slice());
    Report::of(Facts {
        mode: Mode::Plan,
        profile: &profile,
        target,
        rules: &rules,
        before,
        judged: &plan.after,
        changes: plan.changes(),
        consequences: &plan.consequences,
        names: &names,
    })
}

#[test]
fn a_report_reads_back() {
    let report = report();
    let text = to_json(&report).unwrap();
    let read: Report = serde_json::from_str(&text).unwrap();
    assert_eq!(to_json(&read).unwrap(), text);
    let style = text::Style { all: true, ..text::Style::default() };
    assert_eq!(text::render(&read, style), text::render(&report, style));
    assert!(report.rules.iter().any(|row| row.gaps.iter().any(|g| g.reason.is_some())));
    assert!(report.changes.iter().all(|change| !change.serves.is_empty()), "for what");
    assert!(!text.contains("0123456789"), "a hash");
}

#[test]
fn a_reader_passes_over_what_a_later_version_adds() {
    let mut json = serde_json::to_value(report()).unwrap();
    json["added"] = 1.into();
    json["rules"][0]["added"] = serde_json::json!({"x": []});
    // What was added within version 1 may be missing.
    for field in ["gaps", "disposition", "status_words"] {
        json["rules"][0].as_object_mut().unwrap().remove(field);
    }
    let read: Report = serde_json::from_value(json).unwrap();
    assert_eq!(read.rules[0].disposition, Disposition::Enforced);
}

#[test]
fn equal_evidence_is_listed_once() {
    for row in report().rules {
        let all: Vec<String> =
            row.evidence.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
        let different: BTreeSet<&String> = all.iter().collect();
        assert_eq!(all.len(), different.len(), "{}: {all:#?}", row.id);
    }
}
