//! Running the programs of a hardened tree inside it.

use std::path::Path;

use crate::support::{Ran, in_overlay, root, rows, skip};

/// Shell functions for scripts in an overlay.
///
/// - `harden`: `gokaku apply`, its report in `$OUT/apply.json`. Rows that cannot be met are no
///   reason to stop.
/// - `inside COMMAND…`: a program of the tree, with the tree as its root, and without this
///   machine's processes, network, environment and devices (save the harmless ones). There is no
///   `/proc` there, so it cannot reach a kernel setting.
/// - `booted COMMAND…`: the same with what a program finds after boot: a `/proc` of its own, whose
///   `/proc/sys` is a copy made of plain files (`kernel_settings` fills it; empty without), and a
///   fresh `/run`. Each of these sees none of the others' mounts.
const FUNCTIONS: &str = r#"
harden() {
    gokaku apply --root "$GOKAKU_ROOT" --state-dir "$STATE" --format json -o "$OUT/apply.json" "$@" ||
        [ $? -le 2 ]
}
clean="env -i HOME=/root LC_ALL=C TZ=UTC PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
devices() {
    mountpoint -q "$GOKAKU_ROOT/dev" && return
    mount -t tmpfs -o mode=0755 dev "$GOKAKU_ROOT/dev"
    for d in null zero full random urandom; do
        : >"$GOKAKU_ROOT/dev/$d"
        mount --bind "/dev/$d" "$GOKAKU_ROOT/dev/$d"
    done
    mkdir "$GOKAKU_ROOT/dev/shm" "$GOKAKU_ROOT/dev/pts"
    ln -s /proc/self/fd "$GOKAKU_ROOT/dev/fd"
}
inside() {
    devices
    unshare -nuip -f --kill-child chroot "$GOKAKU_ROOT" $clean "$@"
}
booted() {
    devices
    unshare -nuipm -f --kill-child sh -euc '
        root=$1 sys=$2 clean=$3
        shift 3
        mount -t proc proc "$root/proc"
        mount -t tmpfs -o mode=0755 run "$root/run"
        mkdir "$root/run/lock" "$root/run/sshd"
        # Never the settings of this machine.
        mount --bind "$sys" "$root/proc/sys"
        exec chroot "$root" $clean "$@"' booted "$GOKAKU_ROOT" "$(settings)" "$clean" "$@"
}
settings() {
    mkdir -p "$OUT/sys"
    echo "$OUT/sys"
}
# kernel_settings KEY=VALUE…: what the kernel holds before anybody sets anything.
kernel_settings() {
    for pair; do
        file=$(settings)/$(echo "${pair%%=*}" | tr . /)
        mkdir -p "${file%/*}"
        echo "${pair#*=}" >"$file"
    done
}
"#;

/// What a script left, after `prepare`, `harden` and `look` on a fresh overlay. `None`: said loudly
/// why not. `programs` are those of the tree that `look` runs.
pub fn judged(test: &str, programs: &[&str], prepare: &str, look: &str) -> Option<Ran> {
    scripted(test, programs, &format!("{prepare}\nharden\n{look}"))
}

/// The same without hardening in between.
pub fn scripted(test: &str, programs: &[&str], script: &str) -> Option<Ran> {
    let root = root(test)?;
    for program in programs {
        if !has(&root, program) {
            skip(test, &format!("the root has no {program}"));
            return None;
        }
    }
    let ran = in_overlay(test, &root, &format!("{FUNCTIONS}\n{script}"))?;
    assert!(
        ran.output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&ran.output.stdout),
        String::from_utf8_lossy(&ran.output.stderr)
    );
    Some(ran)
}

/// Whether the tree has a program of this name. It may be a link that holds only inside.
fn has(root: &Path, program: &str) -> bool {
    ["usr/sbin", "usr/bin", "sbin", "bin", "lib/systemd", "usr/lib/systemd"]
        .iter()
        .any(|dir| root.join(dir).join(program).symlink_metadata().is_ok())
}

/// Whether a program of this machine is there; said loudly if not.
pub fn here(test: &str, program: &str, package: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).exists()));
    if !found {
        skip(test, &format!("no {program} here (Debian package {package})"));
    }
    found
}

/// Whether the row has an implementation to be judged; said loudly if not.
pub fn implemented(test: &str, report: &serde_json::Value, id: &str) -> bool {
    let rows = rows(report);
    let row = rows.get(id).unwrap_or_else(|| panic!("no row {id}"));
    let waiting = row["reason"]["id"] == "plan.not_implemented";
    if waiting {
        skip(test, &format!("row {id} is not implemented"));
    }
    !waiting
}
