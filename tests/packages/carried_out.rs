//! What goes, what comes, what stays, and what a package script gets to see.

use std::process::Command;

use crate::bench::{ended, notes, operations, overlay, report};
use crate::support::{repository, root, rows, skip};

#[test]
fn real_forbidden_packages_go_and_missing_ones_come() {
    let test = "real_forbidden_packages_go_and_missing_ones_come";
    let Some(rootfs) = root(test) else { return };
    let out = Command::new(repository("tests/forbidden-debs.sh")).arg(rootfs).output().unwrap();
    if out.status.code() == Some(77) {
        return skip(test, String::from_utf8_lossy(&out.stderr).trim());
    }
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let debs = String::from_utf8(out.stdout).unwrap();
    let script = r#"
cp "$DEBS"/*.deb "$R/srv/repo/"
index
gone logrotate ufw
mount --rbind /dev "$R/dev"
printf '#!/bin/sh\nexit 101\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
chroot "$R" apt-get -q update >/dev/null
DEBIAN_FRONTEND=noninteractive chroot "$R" apt-get -q -y --no-install-recommends install $FORBIDDEN >"$OUT/prepared" 2>&1
rm "$R/usr/sbin/policy-rc.d"
umount -l "$R/dev"
rm -rf "$R"/var/lib/apt/lists/*_* "$R"/var/cache/apt/archives/*.deb
rm -rf "$R"/tmp/* "$R"/run/*
touch "$OUT/scripts"
RULES=1,2,3,4,5,6
gokaku audit --root "$R" --format json -o "$OUT/audit.json" || true
gokaku apply --root "$R" --state-dir "$STATE.plan" --rule 2,3.5,4.3 --format json -o "$OUT/planned.json" || echo $? >"$OUT/planned.status"
run first
cp "$R/var/lib/dpkg/status" "$OUT/dpkg"
chroot "$R" dpkg --audit >"$OUT/dpkg-audit" 2>&1 || true
ls -d "$R"/etc/avahi "$R"/etc/vsftpd.conf "$R"/etc/dhcp/dhcpd.conf 2>/dev/null >"$OUT/left" || true
listing after1
run second
listing after2
"#;
    let forbidden = "avahi-daemon cups iptables-persistent isc-dhcp-server ldap-utils nftables nis \
                     rsh-redone-client slapd talk vsftpd";
    let script = format!("DEBS={}\nFORBIDDEN='{forbidden}'\n{script}", debs.trim());
    let Some(ran) = overlay(test, &script) else { return };
    let forbidden: Vec<&str> = forbidden.split_ascii_whitespace().collect();

    // Without the option, all of them are told with the command and none is touched.
    let planned = ran.json("planned.json");
    assert_eq!(ran.file("planned.status").trim(), "2");
    let reasons = planned["rules"].to_string();
    for name in forbidden.iter().filter(|n| **n != "cups") {
        assert!(reasons.contains(&format!("apt-get purge {name}")), "{name}: {reasons}");
    }
    assert!(reasons.contains("apt-get install ufw"), "{reasons}");

    let (status, log) = ended(&ran, "first");
    let first = report(&ran, "first");
    assert_eq!(status, 0, "{log}\n{first:#}");
    let done = operations(&first).join("\n");
    for name in &forbidden {
        assert!(done.contains(&format!("purged {name} asked ")), "{name}: {done}");
        let record = ran.file("dpkg");
        assert!(!record.contains(&format!("\nPackage: {name}\n")), "{name}");
    }
    for name in ["ufw", "logrotate"] {
        assert!(done.contains(&format!("installed {name} asked ")), "{name}: {done}");
    }
    assert_eq!(first["summary"]["changed_packages"], done.lines().count());
    assert!(ran.file("first.txt").contains("packages: purged: "), "{}", ran.file("first.txt"));
    assert_eq!(ran.file("dpkg-audit"), "", "dpkg finds nothing half-done");
    assert_eq!(ran.file("left"), "", "configuration goes with the package");
    let audit = ran.json("audit.json");
    let (before, after) = (rows(&audit), rows(&first));
    for id in ["2.1.3", "2.1.4", "2.1.5", "2.1.6", "2.1.9", "2.1.17", "2.2.1", "2.2.2", "2.2.3"] {
        assert_eq!(
            (&before[id]["outcome"], &after[id]["outcome"]),
            (&"not_met".into(), &"met".into()),
            "{id}"
        );
        assert_eq!(
            (&after[id]["before"], &after[id]["changed"]),
            (&"not_met".into(), &true.into()),
            "{id}"
        );
    }
    // Files were planned on the tree that the packages left.
    assert_eq!(after["4.3"]["outcome"], "met");

    let (status, log) = ended(&ran, "second");
    assert_eq!(status, 0, "{log}");
    let second = report(&ran, "second");
    assert_eq!(second["changes"].as_array().unwrap().len(), 0, "{second:#}");
    assert_eq!(ran.listing("after1"), ran.listing("after2"), "the second run changes nothing");
}

#[test]
fn package_scripts_see_nothing_of_this_machine() {
    let test = "package_scripts_see_nothing_of_this_machine";
    let script = r#"
gone ufw
cat >"$W/ufw.postinst" <<'END'
exec 3>/srv/seen
env >&3
echo "policy $(/usr/sbin/policy-rc.d x start >/dev/null 2>&1; echo $?)" >&3
echo "devices $(ls /dev | tr '\n' ' ')" >&3
echo "network $(sed -n 's/^ *\([^:]*\):.*/\1/p' /proc/net/dev | tr '\n' ' ')" >&3
(echo 1 >/proc/sys/kernel/printk) 2>/dev/null && echo "kernel written" >&3
echo "first process $(cat /proc/1/comm), $(ls /proc | grep -c '^[0-9]') processes" >&3
echo "parent of the root $(ls -di / /..)" >&3
echo "mask $(umask)" >&3
date >/run/stray; date >/tmp/stray
# A daemon that holds on to everything it has.
sleep 100000 &
END
mkdir -p "$W/ufw.files/etc/ufw"
echo "the package's" >"$W/ufw.files/etc/ufw/made.conf"
pkg ufw 1
index
mkdir -p "$R/etc/ufw"; echo "the administrator's" >"$R/etc/ufw/made.conf"
printf '#!/bin/sh\nexit 0\n' >"$R/usr/sbin/policy-rc.d"; chmod 755 "$R/usr/sbin/policy-rc.d"
OWN_POLICY=yes
run first
cat "$R/usr/sbin/policy-rc.d" >"$OUT/policy"
cat "$R/etc/ufw/made.conf" >"$OUT/conffile"
cp "$R/srv/seen" "$OUT/seen"
"#;
    let Some(ran) = overlay(test, script) else { return };
    let (status, log) = ended(&ran, "first");
    assert_eq!(status, 0, "{log}");
    assert_eq!(operations(&report(&ran, "first")), ["installed ufw asked 3.5.1.1"]);
    let seen = ran.file("seen");
    for leak in ["LEAKED", "GOKAKU", "CARGO", "kernel written"] {
        assert!(!seen.contains(leak), "{leak}: {seen}");
    }
    for want in [
        "DEBIAN_FRONTEND=noninteractive",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin\n",
        "policy 101",
        "network lo \n",
        "first process gokaku,",
        "mask 0022",
    ] {
        assert!(seen.contains(want), "{want:?} in {seen}");
    }
    let devices = "devices fd full null ptmx pts random shm stderr stdin stdout tty urandom zero";
    assert!(seen.contains(devices), "{seen}");
    assert_eq!(ran.file("policy"), "#!/bin/sh\nexit 0\n", "the root's own policy stays");
    assert_eq!(ran.file("conffile"), "the administrator's\n");
}

#[test]
fn what_is_removed_but_configured_is_left_alone() {
    let test = "what_is_removed_but_configured_is_left_alone";
    let script = r#"
mkdir -p "$W/talk.files/etc"; echo x >"$W/talk.files/etc/talk.conf"
pkg talk 1; index; install talk
chroot "$R" dpkg --remove talk >/dev/null
status talk >"$OUT/talk"
listing before
RULES=2.2.3 run rc
listing after
# A package under a half-state of its own is purged like a whole one.
install talk
sed -i '/^Package: talk$/,/^$/s/^Status: .*/Status: install ok half-configured/' "$R/var/lib/dpkg/status"
RULES=2.2.3 run half
ls "$R/etc/talk.conf" 2>/dev/null >>"$OUT/traces" || true
"#;
    let Some(ran) = overlay(test, script) else { return };
    assert_eq!(ran.file("talk").trim(), "deinstall ok config-files");
    assert_eq!(ended(&ran, "rc").0, 0);
    assert_eq!(ran.listing("before"), ran.listing("after"));
    let (status, log) = ended(&ran, "half");
    assert_eq!(status, 0, "{log}");
    assert_eq!(operations(&report(&ran, "half")), ["purged talk asked 2.2.3"]);
    assert!(notes(&report(&ran, "half")).contains("talk (half-configured)"), "{log}");
}

/// On `/` itself, in a chroot (as in a container build) and as the root of the first process (as on
/// a running system), apt-get runs without being shut in.
#[test]
fn the_programs_own_root_is_changed_directly() {
    let test = "the_programs_own_root_is_changed_directly";
    let Some(gokaku) = std::env::var_os("GOKAKU_STATIC") else {
        return skip(test, "no static program: set GOKAKU_STATIC (tests/run.sh does)");
    };
    let script = r#"
cp "$STATIC" "$R/srv/gokaku"
echo 'echo "policy $(/usr/sbin/policy-rc.d x start >/dev/null 2>&1; echo $?)" >/srv/seen' >"$W/talk.prerm"
pkg talk 1; index
inside='exec env - PATH=/usr/sbin:/usr/bin:/sbin:/bin LEAKED=host SOURCE_DATE_EPOCH='$EPOCH' /srv/gokaku apply --root / --state-dir /srv/state --packages apply --rule 2.2.3 --format json -o /srv/report.json'
job() {
    name=$1; shift
    rm -f "$R/srv/seen"; install talk
    "$@" 2>"$OUT/$name.log" && echo 0 >"$OUT/$name.status" || echo $? >"$OUT/$name.status"
    cp "$R/srv/report.json" "$OUT/$name.json"; cp "$R/srv/seen" "$OUT/$name.seen"
    ls "$R/srv/state" >"$OUT/$name.state" 2>&1 || true
    traces >>"$OUT/traces"
}
touch "$R/srv/seen"
in_chroot() { mount -t proc proc "$R/proc"; chroot "$R" sh -c "$inside" && s=0 || s=$?; umount "$R/proc"; return $s; }
job chroot in_chroot
# The root of process 1 of a process namespace.
as_first() {
    unshare -mpf sh -c 'set -e; mount --bind "$1" "$1"; cd "$1"; pivot_root . mnt
        exec chroot . sh -c "mount -t proc proc /proc; umount -l /mnt; sh -c \"$2\"; exit \$?"' sh "$R" "$inside"
}
job live as_first
"#;
    let script = format!("STATIC={}\n{script}", gokaku.display());
    let Some(ran) = overlay(test, &script) else { return };
    for (name, live, policy) in [("chroot", false, "policy 101"), ("live", true, "policy 127")] {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 0, "{name}: {log}");
        let report = report(&ran, name);
        assert_eq!(report["target"]["live"], live, "{name}");
        assert_eq!(operations(&report), ["purged talk asked 2.2.3"], "{name}");
        assert_eq!(ran.file(&format!("{name}.seen")).trim(), policy, "{name}");
        assert!(ran.file(&format!("{name}.state")).contains("No such file"), "nothing stays there");
    }
}
