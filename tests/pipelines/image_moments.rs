//! A run on an image that is ended by each signal at many moments of its real length, and what a kill leaves.
//!
//! `GOKAKU_TEST_MOMENTS` is the number of moments for each signal (4).

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::image::{Bench, differing, wait_for};
use crate::support::{have, skip};

const EPOCH: (&str, &str) = ("SOURCE_DATE_EPOCH", "1700000000");

fn kill(signal: &str, target: &str) {
    // What has ended by itself is no failure.
    let _ = Command::new("kill").args(["-s", signal, "--", target]).status().unwrap();
}

/// The number that the kernel has for a signal, and the exit status that the README promises for it.
fn known(signal: &str) -> (i32, i32) {
    match signal {
        "HUP" => (1, 129),
        "INT" => (2, 130),
        "KILL" => (9, 137),
        _ => (15, 143),
    }
}

fn settle(bench: &Bench, image: &str) {
    wait_for("the loop device is freed", || bench.loops(image).is_empty());
    wait_for("nothing is left beside it", || bench.sh("find . -name '.*.gokaku*'").is_empty());
}

/// Runs on a copy of the first image and ends that after `delay`. Half of the signals go to the whole group, as
/// a terminal's do.
fn ended(bench: &Bench, image: &str, signal: &str, delay: Duration, group: bool) -> ExitStatus {
    bench.sh(&format!("cp --sparse=always first.{image} disk.{image}"));
    let image = format!("disk.{image}");
    let mut child = bench.start(&image, &[EPOCH]);
    std::thread::sleep(delay);
    kill(signal, &format!("{}{}", if group { "-" } else { "" }, child.id()));
    let status = child.wait().unwrap();
    settle(bench, &image);
    status
}

#[test]
fn each_signal_at_many_moments_leaves_an_image_old_or_new() {
    let test = "each_signal_at_many_moments_leaves_an_image_old_or_new";
    let Some(bench) = Bench::new(test) else { return };
    let moments = std::env::var("GOKAKU_TEST_MOMENTS").ok().map_or(4, |n| n.parse().unwrap());
    bench.sh("tree t; filesystem t first.raw; cp first.raw straight.raw");
    let old = bench.listing("first.raw", 0, "old");
    let start = Instant::now();
    assert_eq!(bench.harden("straight.raw", &[EPOCH]).status, Some(0));
    let length = start.elapsed();
    let new = bench.listing("straight.raw", 0, "new");
    let (mut undone, mut half) = (0, 0);
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        for moment in 0..moments {
            let at = format!("{signal} {moment}/{moments}");
            let group = moment % 2 == 0;
            // The last one comes when nearly all is done.
            let status =
                ended(&bench, "raw", signal, length * (2 * moment + 1) / (2 * moments), group);
            let log = std::fs::read_to_string(bench.path("log")).unwrap();
            bench.fsck("disk.raw");
            let found = bench.listing("disk.raw", 0, "found");
            let (number, code) = known(signal);
            if signal != "KILL" {
                let undone_now = status.code() == Some(code) || status.signal() == Some(number);
                assert!(undone_now || status.code() == Some(0), "{at}: {status}: {log}");
                let want = if undone_now { &old } else { &new };
                assert_eq!(differing(&found, want), [].into(), "{at}: {log}");
                assert_eq!(
                    bench.sh("ls -A state 2>/dev/null | grep -v '^mount$' || :"),
                    "",
                    "{at}: {log}"
                );
                undone += u32::from(undone_now);
            } else if found != old && found != new {
                half += 1;
            }
            // Whatever happened, the next run completes it.
            let next = bench.harden("disk.raw", &[EPOCH]);
            assert_eq!(next.status, Some(0), "{at}: {}", next.log);
            bench.fsck("disk.raw");
            assert_eq!(differing(&bench.listing("disk.raw", 0, "found"), &new), [].into(), "{at}");
            assert_eq!(bench.sh("ls -A state"), "mount\n", "{at}: no journal is left");
        }
    }
    assert!(undone > 0, "no signal was in time");
    println!("{test}: {length:?} a run; {undone} undone, {half} found half done after a kill");
}

#[test]
fn each_signal_at_many_moments_leaves_a_packed_image_old_or_new() {
    let test = "each_signal_at_many_moments_leaves_a_packed_image_old_or_new";
    let Some(bench) = Bench::new(test) else { return };
    let moments = std::env::var("GOKAKU_TEST_MOMENTS").ok().map_or(4, |n| n.parse().unwrap());
    bench.sh("tree t; filesystem t raw; qemu-img convert -O qcow2 raw first.qcow2; cp first.qcow2 straight.qcow2");
    let start = Instant::now();
    assert_eq!(bench.harden("straight.qcow2", &[EPOCH]).status, Some(0));
    let length = start.elapsed();
    let unpacked = |image: &str| {
        bench.sh(&format!("qemu-img check -q {image} >&2; qemu-img convert -O raw {image} back"));
        bench.fsck("back");
        bench.listing("back", 0, "found")
    };
    let (new, old) = (unpacked("straight.qcow2"), bench.sum("first.qcow2"));
    let mut kept = 0;
    for signal in ["INT", "TERM", "HUP", "KILL"] {
        for moment in 0..moments {
            let at = format!("{signal} {moment}/{moments}");
            let delay = length * (2 * moment + 1) / (2 * moments);
            let status = ended(&bench, "qcow2", signal, delay, moment % 2 == 0);
            let log = std::fs::read_to_string(bench.path("log")).unwrap();
            if bench.sum("disk.qcow2") == old {
                let (number, code) = known(signal);
                assert!(
                    status.code() == Some(code) || status.signal() == Some(number),
                    "{at}: {status}: {log}"
                );
                kept += 1;
            } else {
                assert_eq!(differing(&unpacked("disk.qcow2"), &new), [].into(), "{at}: {log}");
            }
            assert_eq!(
                bench.sh("ls -A state 2>/dev/null | grep -v '^mount$' || :"),
                "",
                "{at}: {log}"
            );
        }
    }
    assert!(kept > 0, "no signal was in time");
}

/// The processes whose command line and environment hold these words, of any session.
fn processes(words: [&str; 2]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let [line, environment] = ["cmdline", "environ"].map(|file| {
            let text = std::fs::read(entry.path().join(file)).unwrap_or_default();
            String::from_utf8_lossy(&text).into_owned()
        });
        let pid = entry.file_name().to_string_lossy().into_owned();
        if pid.parse::<u32>().is_ok() && line.contains(words[0]) && environment.contains(words[1]) {
            found.push(pid);
        }
    }
    found
}

/// Shell: a system whose /home is xfs and whose /srv is btrfs.
const CHECKED: &str = r#"
    tree t; rm t/etc/fstab; mkdir -p t/home t/srv empty
    printf '/dev/vda1 / ext4\n/dev/vda2 /home xfs\n/dev/vda3 /srv btrfs\n' >t/etc/fstab
    truncate -s 700M disk.raw
    printf 'label: gpt\nstart=2048,size=98304K\nstart=200704,size=320M\nstart=860160,size=160M\n' | sfdisk -q disk.raw
    filesystem t disk.raw offset=1048576
    truncate -s 320M f; mkfs.xfs -q f; dd if=f of=disk.raw bs=512 seek=200704 conv=notrunc,sparse status=none
    rm f; truncate -s 160M f; mkfs.btrfs -q f; dd if=f of=disk.raw bs=512 seek=860160 conv=notrunc,sparse status=none
    rm f
"#;

#[test]
fn a_loop_device_that_a_kill_has_left_is_taken_away_by_the_next_run() {
    let test = "a_loop_device_that_a_kill_has_left_is_taken_away_by_the_next_run";
    let Some(bench) = Bench::new(test) else { return };
    let kernel = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    for kind in ["xfs", "btrfs"] {
        if !kernel.lines().any(|l| l.ends_with(&format!("\t{kind}"))) {
            skip(test, &format!("the kernel here has no {kind}"));
            return;
        }
    }
    if !have(test, &["mkfs.xfs:xfsprogs", "mkfs.btrfs:btrfs-progs"]) {
        return;
    }
    bench.sh(CHECKED);
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}:/usr/sbin:/sbin", bench.path("bin").display());
    // In the check, and in the moment between a device's attachment and its release.
    for (name, when) in [
        ("xfs_repair", ": >\"$DIR/there\"; sleep 600"),
        ("btrfs", ": >\"$DIR/there\"; sleep 600"),
        (
            "losetup",
            "case $1 in -r) real=$(PATH=/usr/sbin:/sbin command -v losetup); $real \"$@\"; : >\"$DIR/there\"; sleep 600 ;; esac",
        ),
    ] {
        bench.sh(&format!(
            "rm -rf bin there; mkdir bin; cat >bin/{name} <<'END'\n#!/bin/sh\n{when}\n\
             PATH=/usr/sbin:/sbin:/usr/bin:/bin exec {name} \"$@\"\nEND\nchmod +x bin/{name}"
        ));
        let mut child = bench.start("disk.raw", &[("PATH", &path)]);
        wait_for(name, || bench.path("there").exists());
        assert_ne!(bench.loops("disk.raw"), "", "{name}: a device is attached");
        // Nobody is left who would take it away.
        let dir = bench.path("").display().to_string();
        for pid in processes(["janitor", dir.trim_end_matches('/')]) {
            kill("KILL", &pid);
        }
        kill("KILL", &format!("-{}", child.id()));
        child.wait().unwrap();
        if name == "losetup" {
            wait_for("the others are gone", || {
                processes(["--inside", dir.trim_end_matches('/')]).is_empty()
            });
            assert_ne!(bench.loops("disk.raw"), "", "{name}: a device is left");
        }
        let run = bench.harden("disk.raw", &[EPOCH]);
        assert_eq!(run.status, Some(0), "{name}: {}", run.log);
        assert!(run.log.contains("3 filesystems, clean"), "{name}: {}", run.log);
        bench.fsck("disk.raw?offset=1048576");
    }
    // One of somebody else stays, and is refused.
    let device = bench.sh("losetup -r -f --show disk.raw");
    let mut command = bench.command(crate::support::repository("provision/harden-image.sh"));
    let out = command.arg("disk.raw").output().unwrap();
    let log = String::from_utf8_lossy(&out.stderr).into_owned();
    let attached = bench.sh("losetup -n -O NAME -j disk.raw");
    bench.sh(&format!("losetup -d {device}"));
    assert_eq!((out.status.code(), attached.trim()), (Some(3), device.trim()), "{log}");
    assert!(log.contains("is attached to"), "{log}");
}
