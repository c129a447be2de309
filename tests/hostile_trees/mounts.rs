//! Mounts inside the root: a partition belongs to the image, a bind mount of the host does not.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::{in_overlay, rows, skip};
use crate::trap::{CANARY, Trap, as_root};

/// Each bind mount of something of the host's, with the path at which it is refused.
const SCRIPT: &str = r#"
sums() { (cd "$HOST" && find . -type f -exec sha256sum {} + | sort; find . -printf '%p %m %U:%G %T@\n' | sort); }
sums >"$OUT/host.before"
try() { # NAME SOURCE PLACE
    if [ -d "$2" ]; then mkdir -p "$3"; else mkdir -p "${3%/*}"; [ -e "$3" ] || : >"$3"; fi
    if ! mount --bind "$2" "$3" 2>/dev/null; then echo cannot >"$OUT/$1.status"; return; fi
    status=0
    gokaku apply --root "$GOKAKU_ROOT" --state-dir "$STATE" >"$OUT/$1.stdout" 2>"$OUT/$1.stderr" || status=$?
    echo $status >"$OUT/$1.status"
    umount "$3"
}
# The host's files lie on the filesystem of the root here, as a directory on a build machine does.
cp -a "$GOKAKU_ROOT" "$OUT/root"
GOKAKU_ROOT=$OUT/root
try dir "$HOST/etc/ssh" "$GOKAKU_ROOT/etc/ssh"
try file "$HOST/etc/crontab" "$GOKAKU_ROOT/etc/crontab"
try etc "$HOST/etc" "$GOKAKU_ROOT/etc"
try sysctl "$HOST/etc/sysctl.d" "$GOKAKU_ROOT/etc/sysctl.d"
# A root on a filesystem of its own: what lies there beside it, and what lies on the machine's `/`;
# and a single file from elsewhere.
mkdir "$OUT/own"
mount -t tmpfs -o mode=755 tmpfs "$OUT/own"
cp -a "$GOKAKU_ROOT" "$OUT/own/root"
cp -a "$HOST" "$OUT/own/host"
both=$GOKAKU_ROOT
GOKAKU_ROOT=$OUT/own/root
try beside "$OUT/own/host/etc/ssh" "$GOKAKU_ROOT/etc/ssh"
if [ "$(stat -c %d "$HOST")" = "$(stat -c %d /)" ]; then
    try system "$HOST/etc/ssh" "$GOKAKU_ROOT/etc/ssh"
else
    echo cannot >"$OUT/system.status"
fi
GOKAKU_ROOT=$both
try lone "$OUT/own/host/etc/crontab" "$GOKAKU_ROOT/etc/crontab"
umount "$OUT/own"
sums >"$OUT/host.after"
# A link by way of the kernel's own files, which a chroot has mounted.
mkdir -p "$GOKAKU_ROOT/proc"
mount --rbind /proc "$GOKAKU_ROOT/proc"
rm -rf "$GOKAKU_ROOT/etc/modprobe.d"
ln -s "/proc/self/root$HOST/etc/modprobe.d" "$GOKAKU_ROOT/etc/modprobe.d"
ln -sf "/proc/self/cwd/canary" "$GOKAKU_ROOT/etc/motd"
# Partitions of the image.
for dir in var/log home; do
    cp -a "$GOKAKU_ROOT/$dir" "$OUT/kept"
    mount -t tmpfs -o mode=755 tmpfs "$GOKAKU_ROOT/$dir"
    cp -a "$OUT/kept/." "$GOKAKU_ROOT/$dir"
    rm -rf "$OUT/kept"
done
status=0
(cd "$HOST" && gokaku apply --format json --root "$GOKAKU_ROOT" --state-dir "$STATE") >"$OUT/good.stdout" 2>"$OUT/good.stderr" || status=$?
echo $status >"$OUT/good.status"
sums >"$OUT/host.last"
"#;

#[test]
fn a_bind_mount_of_the_host_is_refused_and_a_partition_is_not() {
    let test = "mounts::a_bind_mount_of_the_host_is_refused_and_a_partition_is_not";
    if !as_root(test) {
        return;
    }
    let trap = Trap::new();
    fs::write(trap.host().join("canary"), CANARY).unwrap();
    // Where the script can bind it, beside its copy of the root.
    let script = format!(
        "mkdir \"$OUT/host\" && cp -a '{}/.' \"$OUT/host\"\nHOST=$OUT/host\n{SCRIPT}",
        trap.host().display()
    );
    let Some(ran) = in_overlay(test, &trap.root(), &script) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    let before = ran.file("host.before");
    assert_eq!(before, ran.file("host.after"));
    for name in ["dir", "file", "etc", "sysctl", "beside", "system", "lone"] {
        let status = ran.file(&format!("{name}.status"));
        if status.trim() == "cannot" {
            skip(test, &format!("{name}: no bind mount here"));
            continue;
        }
        let stderr = ran.file(&format!("{name}.stderr"));
        assert_eq!(status.trim(), "3", "{name}: {stderr}");
        assert!(stderr.contains("bind mount inside the root"), "{name}: {stderr}");
    }
    assert_eq!(before, ran.file("host.last"), "by way of /proc");
    let good = ran.file("good.stderr");
    assert!(matches!(ran.file("good.status").trim(), "0" | "1" | "2"), "{good}");
    assert!(!good.contains("bind mount") && !good.contains("undone"), "{good}");
    let report = ran.file("good.stdout");
    assert!(report.contains("\"mode\": \"apply\"") && !report.contains(CANARY), "{good}");
}

/// Links from the image's files to the kernel's own, which a chroot has mounted.
const MADE_UP: &str = r#"
audit() { gokaku audit --root "$GOKAKU_ROOT" --format json -o "$OUT/$1.json" 2>"$OUT/$1.stderr" || true; }
mkdir -p "$GOKAKU_ROOT/proc" "$GOKAKU_ROOT/sys" "$GOKAKU_ROOT/dev"
audit without
mount --rbind /proc "$GOKAKU_ROOT/proc"
mount --rbind /sys "$GOKAKU_ROOT/sys"
mount --rbind /dev "$GOKAKU_ROOT/dev"
audit with
ln -sf /proc/self/mounts "$GOKAKU_ROOT/etc/fstab"
ln -sf /proc/version "$GOKAKU_ROOT/etc/motd"
rm -rf "$GOKAKU_ROOT/etc/sysctl.d"
ln -s /sys/kernel "$GOKAKU_ROOT/etc/sysctl.d"
audit linked
"#;

#[test]
fn what_the_kernel_makes_up_is_not_the_images() {
    let test = "mounts::what_the_kernel_makes_up_is_not_the_images";
    if !as_root(test) {
        return;
    }
    let trap = Trap::new();
    let Some(ran) = in_overlay(test, &trap.root(), MADE_UP) else { return };
    if !ran.output.status.success() {
        skip(test, &String::from_utf8_lossy(&ran.output.stderr));
        return;
    }
    let (without, with) = (ran.json("without.json"), ran.json("with.json"));
    assert_eq!(without["rules"], with["rules"], "a chroot's mounts make no difference");
    let linked = ran.json("linked.json");
    let (before, after) = (rows(&with), rows(&linked));
    for id in ["1.1.6", "1.7.1", "3.2.1"] {
        assert_eq!(after[id]["outcome"], "unknown", "{id}: {}", after[id]);
        assert!(after[id].to_string().contains("filesystem, which shows this machine"), "{id}");
    }
    for (id, row) in &after {
        let outcome = &row["outcome"];
        let good = outcome == "met" || outcome == "met_vacuously";
        assert!(!good || *outcome == before[id]["outcome"], "{id} became {outcome}: {row}");
    }
}

#[test]
fn the_walk_over_all_files_sees_every_layer_of_an_overlay() {
    let test = "mounts::the_walk_over_all_files_sees_every_layer_of_an_overlay";
    if !as_root(test) {
        return;
    }
    let trap = Trap::new();
    let open = trap.file("srv/open", "");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o666)).unwrap();
    let script = r#"
audit() { gokaku audit --survey --rule 6.1.10 --root "$1" --format json -o "$OUT/$2.json" || true; }
audit "$GOKAKU_LOWER" lower
audit "$GOKAKU_ROOT" view
"#;
    let Some(ran) = in_overlay(test, &trap.root(), script) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    let (lower, view) = (ran.json("lower.json"), ran.json("view.json"));
    assert_eq!(lower["rules"], view["rules"]);
    assert_eq!(rows(&view)["6.1.10"]["outcome"], "not_met", "{view}");
}
