//! Packer's null builder over ssh, and `provision/harden.sh` by itself.

use std::process::Command;

use crate::machine::beside_machine;
use crate::support::{Ran, have, repository, rows};

/// The end of a log, where a person looks first.
fn tail(log: &str, lines: usize) -> String {
    let all: Vec<&str> = log.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn done(ran: &Ran) {
    let stderr = String::from_utf8_lossy(&ran.output.stderr);
    assert!(ran.output.status.success(), "{}\n{stderr}", ran.output.status);
}

#[test]
fn a_build_hardens_the_machine_and_the_next_one_gets_in_and_changes_nothing() {
    let test = "a_build_hardens_the_machine_and_the_next_one_gets_in_and_changes_nothing";
    let script = r#"
login() {
    ssh -i "$OUT/key" -p "$1" -o BatchMode=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null "$2@127.0.0.1" true 2>&1 && echo in || echo refused
}
sshd_start 2201
build first 2201 -var user=builder -var "evidence=$OUT/first.json"
login 2201 root >"$OUT/root.before"
sshd_stop
gokaku audit --root "$r" --format json -o "$OUT/audit.json" || echo $? >"$OUT/audit.status"
find "$r/var/lib/gokaku" "$r/var/tmp" "$r/root" "$r/opt" -name '*gokaku*' >"$OUT/left" 2>/dev/null || :

# Everything a fresh sshd reads is hardened now, and uploads cannot be executed where they land.
sshd_start 2202 ,noexec
build second 2202 -var user=builder -var "evidence=$OUT/second.json"
login 2202 root >"$OUT/root.after"
login 2202 builder >"$OUT/builder.after"
sshd_stop
"#;
    let Some(ran) = beside_machine(test, script) else { return };
    done(&ran);
    let (first, second) = (ran.file("first"), ran.file("second"));
    assert_eq!(ran.file("first.status").trim(), "0", "{first}");
    assert_eq!(ran.file("second.status").trim(), "0", "{second}\n{}", ran.file("sshd.log"));
    assert!(tail(&first, 12).contains("gokaku: as declared"), "{first}");

    // The plan was shown before it was carried out, and the evidence is here.
    let shown = first.find("+++ b/etc/ssh/sshd_config").expect("a diff in the log");
    assert!(shown < first.find("gokaku: apply to /").unwrap());
    let (report, again) = (ran.json("first.json"), ran.json("second.json"));
    assert_eq!(report["mode"], "apply");
    assert!(report["changes"].as_array().unwrap().len() > 15, "{}", report["changes"]);
    assert_eq!(again["changes"].as_array().unwrap().len(), 0, "{}", again["changes"]);

    // Seen from outside, it is what the report says.
    let audit = ran.json("audit.json");
    for (id, row) in rows(&audit) {
        let outcome = row["outcome"].as_str().unwrap();
        let fine = row["status"] != "pass" || matches!(outcome, "met" | "met_vacuously" | "manual");
        assert!(fine, "{id}: {row:#}");
        assert_eq!(rows(&report)[&id]["outcome"], row["outcome"], "{id}");
    }
    assert_eq!(ran.file("left"), "", "neither binary nor state is left");

    // sshd was not restarted by the build; restarted, it lets Packer in and root no more.
    assert!(ran.file("root.before").contains("in\n"), "{}", ran.file("root.before"));
    assert!(ran.file("root.after").ends_with("refused\n"), "{}", ran.file("root.after"));
    assert!(ran.file("builder.after").ends_with("in\n"), "{}", ran.file("builder.after"));
}

#[test]
fn a_row_that_does_not_hold_fails_the_build_and_is_named_last() {
    let test = "a_row_that_does_not_hold_fails_the_build_and_is_named_last";
    let script = r#"
# No edit keeps a module out that is part of the kernel.
mkdir -p "$r/lib/modules/4.15.0-1-azure"
echo kernel/fs/cramfs/cramfs.ko >"$r/lib/modules/4.15.0-1-azure/modules.builtin"
sshd_start 2203
build fails 2203 -var user=builder -var "evidence=$OUT/fails.json"
find "$r/var/lib/gokaku" >"$OUT/left" 2>/dev/null || :
"#;
    let Some(ran) = beside_machine(test, script) else { return };
    done(&ran);
    let log = ran.file("fails");
    assert_eq!(ran.file("fails.status").trim(), "1", "{log}");
    let end = tail(&log, 20);
    let at = |what: &str| end.find(what).unwrap_or_else(|| panic!("no {what:?} in\n{end}"));
    let row =
        "gokaku: error: 1.1.1.1 not met: cramfs cannot be loaded: cramfs is part of the kernel";
    assert!(at(row) < at("gokaku: FAILED with exit status 2"));
    at("Script exited with non-zero exit status: 2");
    // The evidence of a failure is here, too, and nothing is left there.
    let report = ran.json("fails.json");
    assert_eq!(rows(&report)["1.1.1.1"]["outcome"], "not_met");
    assert_eq!(ran.file("left"), "");
}

#[test]
fn root_needs_no_sudo_and_who_has_neither_is_told() {
    let test = "root_needs_no_sudo_and_who_has_neither_is_told";
    let script = r#"
sshd_start 2204
rm "$r/etc/sudoers.d/90-builder"
build no-right 2204 -var user=builder
rm "$r/usr/bin/sudo"
build no-sudo 2204 -var user=builder
build shut-out 2204 -var user=root
build root 2204 -var user=root -var "evidence=$OUT/root.json" \
    -var 'environment=["GOKAKU_ALLOW_LOCKOUT=true"]'
# Asked for, sshd is hardened from here on: the same build is let in no more.
build reload 2204 -var user=root -var "evidence=$OUT/reload.json" \
    -var 'environment=["GOKAKU_RELOAD_SSHD=1"]'
! ssh -i "$OUT/key" -p 2204 -o BatchMode=yes -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null root@127.0.0.1 true 2>"$OUT/refused"
"#;
    let Some(ran) = beside_machine(test, script) else { return };
    done(&ran);
    let (no_right, no_sudo, root) = (ran.file("no-right"), ran.file("no-sudo"), ran.file("root"));
    assert_eq!(ran.file("no-right.status").trim(), "1");
    assert!(
        tail(&no_right, 20).contains("gokaku: error: builder cannot become root"),
        "{no_right}"
    );
    assert_eq!(ran.file("no-sudo.status").trim(), "1");
    assert!(tail(&no_sudo, 20).contains("is not root and there is no sudo here"), "{no_sudo}");
    // Root's own build would be its last one.
    let shut_out = ran.file("shut-out");
    assert_eq!(ran.file("shut-out.status").trim(), "1", "{shut_out}");
    assert!(
        shut_out.contains("PermitRootLogin") && shut_out.contains("--allow-lockout"),
        "{shut_out}"
    );
    assert_eq!(ran.file("root.status").trim(), "0", "{root}");
    assert!(root.contains("warning: this build logs in as root"), "{root}");
    let reload = ran.file("reload");
    assert_eq!(ran.file("reload.status").trim(), "0", "{reload}");
    assert!(reload.contains("gokaku: sshd reads its new configuration"), "{reload}");
    assert!(ran.file("refused").contains("Permission denied"), "{}", ran.file("refused"));
    assert!(!ran.json("root.json")["changes"].as_array().unwrap().is_empty());
}

#[test]
fn the_script_alone_survives_noexec_a_lost_connection_and_a_second_run() {
    let test = "the_script_alone_survives_noexec_a_lost_connection_and_a_second_run";
    let script = r#"
cp "$HARDEN" "$r/root/harden.sh"
cp "$GOKAKU_STATIC" "$r/root/gokaku"
in_root() {
    log=$1
    shift
    status=0
    (inside ,noexec env -u GOKAKU_ROOT GOKAKU_REPORT=/root/report.json "$@") >"$OUT/$log" 2>&1 || status=$?
    echo "$status" >"$OUT/$log.status"
}
in_root nowhere GOKAKU_BINARY=/root/gokaku GOKAKU_EXEC_DIR=/tmp sh /root/harden.sh
echo no program >"$r/root/text"
in_root text GOKAKU_BINARY=/root/text sh /root/harden.sh
in_root absent GOKAKU_BINARY=/root/absent sh /root/harden.sh
in_root early GOKAKU_STEP=verdict sh /root/harden.sh
in_root typing GOKAKU_STEP=verdcit sh /root/harden.sh
in_root refused GOKAKU_BINARY=/root/gokaku sh -c '
    sed -i s/18.04/20.04/ /etc/os-release; status=0
    sh /root/harden.sh || status=$?
    sed -i s/20.04/18.04/ /etc/os-release; exit $status'
# An sshd that has a mind of its own about what is in its file now.
mv "$r/usr/sbin/sshd" "$r/usr/sbin/sshd.real"
cat >"$r/usr/sbin/sshd" <<'END'
#!/bin/sh
! grep -q ^DenyUsers /etc/ssh/sshd_config || { echo "sshd: I will not" >&2; exit 255; }
exec /usr/sbin/sshd.real "$@"
END
chmod 755 "$r/usr/sbin/sshd"
in_root stubborn GOKAKU_BINARY=/root/gokaku sh /root/harden.sh
mv "$r/usr/sbin/sshd.real" "$r/usr/sbin/sshd"
gokaku plan --root "$r" --format json -o "$OUT/untouched.json" || :

# What a killed run leaves, and a connection that is gone before the first word.
mkdir -p -m 700 "$r/var/lib/gokaku/.harden/gokaku.killed"
cp "$GOKAKU_STATIC" "$r/var/lib/gokaku/.harden/gokaku.killed/gokaku"
in_root lost GOKAKU_BINARY=/root/gokaku sh -c 'sh /root/harden.sh | true'
cp "$r/root/report.json" "$OUT/lost.json"
find "$r/var/lib/gokaku" "$r/root/gokaku" >"$OUT/left" 2>/dev/null || :

cp "$GOKAKU_STATIC" "$r/root/gokaku"
in_root again GOKAKU_BINARY=/root/gokaku SOURCE_DATE_EPOCH=1 sh /root/harden.sh
cp "$r/root/report.json" "$OUT/again.json"
"#;
    let Some(ran) = beside_machine(test, script) else { return };
    done(&ran);
    for (log, status, told) in [
        ("nowhere", "1", "does not run from anywhere; /tmp: Permission denied."),
        ("text", "1", "it is not a static binary for"),
        ("absent", "1", "no gokaku at /root/absent: the file provisioner puts it there"),
        ("early", "1", "the step harden has not been run"),
        ("typing", "64", "GOKAKU_STEP: found verdcit, want all, harden or verdict"),
        ("refused", "3", "the plan was refused (exit status 3)"),
        ("stubborn", "1", "so everything was taken back: sshd: I will not"),
    ] {
        let text = ran.file(log);
        assert!(tail(&text, 5).contains(told), "{log}: {text}");
        assert_eq!(ran.file(&format!("{log}.status")).trim(), status, "{log}: {text}");
    }
    let untouched = ran.json("untouched.json");
    assert!(untouched["changes"].as_array().unwrap().len() > 15, "none of those did anything");

    let (lost, again) = (ran.json("lost.json"), ran.json("again.json"));
    assert!(lost["changes"].as_array().unwrap().len() > 15, "it was carried through");
    assert_eq!(ran.file("left"), "", "binary and state are gone");
    assert_eq!(again["changes"].as_array().unwrap().len(), 0);
    assert_eq!(ran.file("again.status").trim(), "0");
    assert!(tail(&ran.file("again"), 1).contains("gokaku: as declared"));
}

#[test]
fn every_template_is_valid() {
    let test = "every_template_is_valid";
    if !have(test, &["packer:packer", "ssh-keygen:openssh-client"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key);
    assert!(keygen.status().unwrap().success());
    let key = format!("key={}", key.display());
    let packer = |arguments: &[&str]| {
        let mut command = Command::new("packer");
        command.args(arguments).env("CHECKPOINT_DISABLE", "1").env("HOME", dir.path());
        let out = command.current_dir(repository("provision/packer")).output().unwrap();
        let text = [out.stdout, out.stderr].map(|o| String::from_utf8_lossy(&o).into_owned());
        (out.status.success(), text.concat())
    };
    let azure = ["resource_group=g", "image_name=n", "subscription_id=s", "binary=/bin/true"];
    let image = format!("image={}", repository("Cargo.toml").display());
    for (name, variables) in [
        ("null", &["host=localhost", &key, "binary=/bin/true"][..]),
        ("qemu", &[&image, &key, "binary=/bin/true"]),
        ("azure-arm", &azure),
        ("image", &["image=disk.raw", "binary=/bin/true"]),
    ] {
        let template = format!("{name}/build.pkr.hcl");
        let mut arguments = vec!["validate"];
        arguments.extend(variables.iter().flat_map(|v| ["-var", v]));
        arguments.push(&template);
        let (valid, text) = packer(&arguments);
        assert!(valid, "{name}: {text}");
        // A missing variable is told, so the check does look.
        assert!(!packer(&["validate", &template]).0, "{name} asks for nothing");
        for file in [template, format!("{name}/plugins.pkr.hcl")] {
            if repository("provision/packer").join(&file).exists() {
                let (formatted, text) = packer(&["fmt", "-check", &file]);
                assert!(formatted, "packer fmt {file}: {text}");
            }
        }
    }
}
