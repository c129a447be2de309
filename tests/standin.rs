//! The main job on a real root filesystem: apply, audit, apply again.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use support::{in_overlay, root, rows};

/// One run of everything; the assertions below look at what it left.
const MAIN_JOB: &str = r#"
listing before
gokaku audit --root "$GOKAKU_ROOT" --format json -o "$OUT/audit0.json" || echo $? >"$OUT/audit0.status"
gokaku plan --root "$GOKAKU_ROOT" --format json -o "$OUT/plan.json" || true
listing planned
gokaku apply --root "$GOKAKU_ROOT" --state-dir "$STATE" --format json -o "$OUT/apply1.json" || true
listing after1
gokaku audit --root "$GOKAKU_ROOT" --format json -o "$OUT/audit1.json" || true
gokaku apply --root "$GOKAKU_ROOT" --state-dir "$STATE" --format json -o "$OUT/apply2.json" || true
listing after2
"#;

fn valid(report: &serde_json::Value) {
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path = support::repository("docs/schema/report-1.schema.json");
    let index = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    if let Err(e) = schemas.validate(report, index) {
        panic!("{e:#}");
    }
}

#[test]
fn the_main_job_on_a_real_root() {
    let test = "the_main_job_on_a_real_root";
    let Some(root) = root(test) else { return };
    let Some(ran) = in_overlay(test, &root, MAIN_JOB) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    let stderr = String::from_utf8_lossy(&ran.output.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");

    let (audit0, plan) = (ran.json("audit0.json"), ran.json("plan.json"));
    let (apply1, audit1) = (ran.json("apply1.json"), ran.json("audit1.json"));
    let apply2 = ran.json("apply2.json");
    for report in [&audit0, &plan, &apply1, &audit1, &apply2] {
        valid(report);
    }

    // Audit and plan write nothing: not a byte, not a time.
    let before = ran.listing("before");
    assert_eq!(before, ran.listing("planned"));

    // Exactly the planned paths changed, and no other, not even a directory's time.
    let after = ran.listing("after1");
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed: BTreeSet<String> = paths
        .into_iter()
        .filter(|p| before.get(*p) != after.get(*p))
        .map(ToString::to_string)
        .collect();
    let planned: BTreeSet<String> = plan["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["path"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(changed, planned);
    assert!(planned.len() > 15, "it is the whole job: {planned:?}");

    // The second run changes nothing: content, mode, owner and time of every path.
    assert_eq!(after, ran.listing("after2"));
    assert_eq!(apply2["changes"].as_array().unwrap().len(), 0);

    // Every row that is to pass is met, or says why it is not.
    let rows = rows(&audit1);
    let mut wrong = Vec::new();
    for (id, row) in &rows {
        let outcome = row["outcome"].as_str().unwrap();
        let fine = match row["status"].as_str().unwrap() {
            "pass" => matches!(outcome, "met" | "met_vacuously" | "manual"),
            _ => row["drift"] == false,
        };
        let waiting = row["reason"]["id"] == "plan.not_implemented";
        if !fine && !waiting {
            wrong.push(format!("{id} {outcome}: {} {}", row["reason"], row["gaps"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        audit1["rules"],
        apply2["rules"].as_array().map_or_else(Default::default, |r| {
            // An apply also says how each row was before; the verdicts are the same.
            r.iter()
                .map(|row| {
                    let mut row = row.clone();
                    row["before"] = serde_json::Value::Null;
                    row
                })
                .collect::<serde_json::Value>()
        })
    );
}

#[test]
fn every_left_alone_row_is_observed_the_same_before_and_after() {
    let test = "every_left_alone_row_is_observed_the_same_before_and_after";
    let Some(root) = root(test) else { return };
    let script = r#"
audit() { gokaku audit --survey --root "$GOKAKU_ROOT" --format json -o "$OUT/$1" || true; }
audit before.json
gokaku apply --root "$GOKAKU_ROOT" --state-dir "$STATE" -o "$OUT/report" || true
audit after.json
"#;
    let Some(ran) = in_overlay(test, &root, script) else { return };
    let (before, after) = (ran.json("before.json"), ran.json("after.json"));
    let (before, after) = (rows(&before), rows(&after));
    let mut measured = 0;
    for (id, row) in before.iter().filter(|(_, row)| row["status"] != "pass") {
        let now = after[id];
        assert_eq!(row["outcome"], now["outcome"], "{id}");
        assert_eq!((&row["drift"], &now["drift"]), (&false.into(), &false.into()), "{id}");
        measured += usize::from(row["outcome"] != "unmeasured");
        assert_ne!(row["outcome"], "unknown", "{id}: {row:#}");
    }
    assert!(measured >= 50, "only {measured} of the left-alone rows are looked at");
}

/// What must never be written, whatever else is: the rows left alone because they break nodes.
const LEFT_ALONE: &[&str] = &[
    "/etc/ufw/ufw.conf",
    "/etc/default/ufw",
    "/etc/default/grub",
    "/etc/sudoers",
    "/etc/apt/sources.list",
    "/etc/pam.d/common-auth",
    "/etc/pam.d/common-account",
    "/etc/pam.d/su",
    "/etc/securetty",
    "/etc/login.access",
    "/etc/at.deny",
    "/etc/at.allow",
    "/etc/cron.allow",
    "/etc/cron.deny",
    "/etc/chrony/chrony.conf",
    "/etc/systemd/timesyncd.conf",
    "/etc/audit/auditd.conf",
];

#[test]
fn rows_that_are_left_alone_stay_as_found() {
    let test = "rows_that_are_left_alone_stay_as_found";
    let Some(root) = root(test) else { return };
    let script = r#"
listing before
gokaku apply --root "$GOKAKU_ROOT" --state-dir "$STATE" -o "$OUT/report" || true
listing after
cd "$GOKAKU_ROOT/etc"
grep -rsE '^[^#]*\b(udf|vfat|squashfs|overlay|sctp|dccp|rds|tipc)\b' modprobe.d >"$OUT/modules" || true
grep -rsE '^[^#]*(ip_forward|forwarding)' sysctl.d sysctl.conf ufw/sysctl.conf >"$OUT/forwarding" || true
cat fstab >"$OUT/fstab"
grep -rsn TMOUT profile profile.d bash.bashrc >"$OUT/tmout" || true
grep -rsE 'pam_(faillock|tally2|pwhistory|wheel)' pam.d | grep -v ':#' >"$OUT/pam" || true
grep -hs '^ENABLED' ufw/ufw.conf >"$OUT/ufw" || true
grep -isE '^ *(ClientAlive|MaxStartups|X11Forwarding|AllowTcpForwarding)' ssh/sshd_config >"$OUT/sshd" || true
"#;
    let Some(ran) = in_overlay(test, &root, script) else { return };
    let (before, after) = (ran.listing("before"), ran.listing("after"));
    for path in LEFT_ALONE {
        assert_eq!(before.get(*path), after.get(*path), "{path}");
    }
    assert_eq!(ran.file("modules"), "", "only what the table blocks is blocked");
    assert_eq!(ran.file("forwarding"), "");
    assert!(!ran.file("fstab").contains("/tmp"), "no mount is made");
    assert!(!ran.file("fstab").contains("noexec"), "containers run from /dev/shm");
    assert_eq!(ran.file("tmout"), "");
    assert_eq!(ran.file("pam"), "");
    assert_eq!(ran.file("ufw").trim(), "ENABLED=no");
    assert!(!ran.file("sshd").contains("ClientAlive") && !ran.file("sshd").contains("MaxStartups"));
}
