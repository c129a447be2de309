//! How a run on an image ends: without room, by a signal at any moment, killed; and one that only reads.

use std::process::Command;

use crate::image::{Bench, changed_paths, differing, wait_for};
use crate::support::repository;

/// A gokaku whose renames take a second each from the `$WHEN`th on.
const SLOW: &str = r#"cat >slow <<'END'
#!/bin/sh
case $1 in
apply) exec strace -f -o "$DIR/trace" -e trace=renameat2,renameat,rename \
    -e inject=renameat2,renameat,rename:delay_enter=1000000:when=$WHEN+ "$REAL" "$@" ;;
esac
exec "$REAL" "$@"
END
chmod +x slow
"#;

/// Starts a run and ends it by `signal` when its `when`th file of one kind (old or new) takes its place. The exit status.
fn ended(bench: &Bench, image: &str, signal: &str, group: bool, when: u32) -> Option<i32> {
    let _ = std::fs::remove_file(bench.path("trace"));
    let (slow, when) = (bench.path("slow"), when.to_string());
    let settings = [("GOKAKU_BINARY", slow.to_str().unwrap()), ("WHEN", &when)];
    let mut child = bench.start(image, &settings);
    wait_for("a file takes its place", || {
        std::fs::read_to_string(bench.path("trace")).is_ok_and(|t| t.contains("DELAYED"))
    });
    let target = format!("{}{}", if group { "-" } else { "" }, child.id());
    assert!(Command::new("kill").args(["-s", signal, "--", &target]).status().unwrap().success());
    let status = child.wait().unwrap();
    wait_for("the loop device is freed", || bench.loops(image).is_empty());
    wait_for("nothing is left beside it", || bench.sh("find . -name '.*.gokaku*'").is_empty());
    status.code()
}

#[test]
fn a_signal_at_any_moment_is_undone() {
    let test = "a_signal_at_any_moment_is_undone";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(&format!("{SLOW} tree t; filesystem t first.raw"));
    let before = bench.listing("first.raw", 0, "before");
    let signals =
        [("TERM", false, 143), ("INT", true, 130), ("HUP", true, 129), ("HUP", false, 129)];
    let mut undone = 0;
    for (round, when) in [1, 2, 3, 4, 6, 8].into_iter().enumerate() {
        let (signal, group, status) = signals[round % signals.len()];
        bench.sh("cp first.raw disk.raw");
        let found = ended(&bench, "disk.raw", signal, group, when);
        bench.fsck("disk.raw");
        assert_eq!(bench.sh("ls -A state"), "mount\n", "{signal} {when}");
        if found == Some(0) {
            continue; // It was done before the signal came.
        }
        let log = std::fs::read_to_string(bench.path("log")).unwrap();
        assert_eq!(found, Some(status), "{signal} {when}: {log}");
        assert!(log.contains("every change was undone"), "{signal} {when}: {log}");
        let other = differing(&bench.listing("disk.raw", 0, "after"), &before);
        assert_eq!(other, [].into(), "{signal} {when}");
        undone += 1;
    }
    assert!(undone > 2, "{undone} of 6 were in time");
}

#[test]
fn an_image_that_was_killed_half_way_is_put_right_wherever_it_is_by_then() {
    let test = "an_image_that_was_killed_half_way_is_put_right_wherever_it_is_by_then";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(&format!("{SLOW} tree t; filesystem t first.raw; cp first.raw straight.raw"));
    let epoch = [("SOURCE_DATE_EPOCH", "1700000000")];
    assert_eq!(bench.harden("straight.raw", &epoch).status, Some(0));
    let straight = bench.listing("straight.raw", 0, "straight");
    for when in [2, 5, 8] {
        bench.sh(
            "rm -f *copy.raw disk.raw moved.raw; cp first.raw disk.raw; cp first.raw clone.raw",
        );
        assert_eq!(ended(&bench, "disk.raw", "KILL", true, when), None);
        assert_ne!(bench.sh("ls -A state"), "mount\n", "{when}: there is a journal");
        // One that has nothing to do with it.
        let run = bench.harden("clone.raw", &epoch);
        assert_eq!(run.status, Some(0), "{when}: {}", run.log);
        assert!(!run.log.contains(" was cut off; "), "{when}: {}", run.log);

        let images = match when {
            2 => {
                bench.sh("cp disk.raw copy.raw; mv disk.raw moved.raw");
                vec!["copy.raw", "moved.raw"]
            }
            5 => {
                bench.sh("cp disk.raw copy.raw; rm disk.raw");
                vec!["copy.raw"]
            }
            _ => {
                bench.sh("mkdir -p other; mv disk.raw other/; cp other/disk.raw disk.raw");
                vec!["disk.raw", "other/disk.raw"]
            }
        };
        for image in images {
            let run = bench.harden(image, &epoch);
            assert_eq!(run.status, Some(0), "{when} {image}: {}", run.log);
            assert!(run.log.contains(" was cut off; "), "{when} {image}: {}", run.log);
            bench.fsck(image);
            let other = differing(&bench.listing(image, 0, "found"), &straight);
            assert_eq!(other, [].into(), "{when} {image}");
        }
        assert_eq!(bench.sh("ls -A state"), "mount\n", "{when}: no journal is left");
    }
}

#[test]
fn a_journal_stays_where_nobody_can_say_whether_it_is_done() {
    let test = "a_journal_stays_where_nobody_can_say_whether_it_is_done";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(r#"cat >dies <<'END'
#!/bin/sh
case "$*" in
apply*) exec strace -f -o "$DIR/trace" -e trace=renameat2,renameat,rename \
    -e inject=renameat2,renameat,rename:signal=KILL:when=7 "$REAL" "$@" ;;
*"image unfinished"*) exit 9 ;;
esac
exec "$REAL" "$@"
END
        chmod +x dies; tree t; filesystem t disk.raw"#);
    let before = bench.listing("disk.raw", 0, "before");
    let dies = bench.path("dies");
    let run = bench.harden("disk.raw", &[("GOKAKU_BINARY", dies.to_str().unwrap())]);
    assert_eq!(run.status, Some(137), "{}", run.log);
    assert_ne!(bench.listing("disk.raw", 0, "half"), before, "it was killed while it wrote");
    assert_ne!(bench.sh("ls -A state"), "mount\n", "the journal is there: {}", run.log);
    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(run.log.contains(" was cut off; "), "{}", run.log);
    assert_eq!(bench.sh("ls -A state"), "mount\n");
}

#[test]
fn without_room_nothing_is_written_and_what_was_is_taken_back() {
    let test = "without_room_nothing_is_written_and_what_was_is_taken_back";
    let Some(bench) = Bench::new(test) else { return };
    let script = repository("provision/harden-image.sh");
    bench.sh(
        r#"tree t; filesystem t plain.raw; qemu-img convert -O qcow2 plain.raw plain.qcow2; mkdir fs
        printf '#!/bin/sh\n[ "$1" != apply ] || fill\nexec "$REAL" "$@"\n' >fills
        sed -i 's,fill$,{ dd if=/dev/zero of=$DIR/fs/fill bs=1M; dd if=/dev/zero of=$DIR/fs/fill2 bs=1k; } 2>/dev/null; true,' fills
        chmod +x fills; truncate -s 150M host.img; mke2fs -q -F -t ext4 -m 0 host.img >&2"#,
    );
    let told = bench.sh(&format!(
        r#"unshare -m --propagation private sh -euc '
        fill() {{ dd if=/dev/zero of=fs/fill bs=1M 2>/dev/null || :; dd if=/dev/zero of=fs/fill2 bs=1k 2>/dev/null || :; }}
        harden() {{ status=0; "{0}" "$1" >log 2>&1 || status=$?; cat log >>logs; grep -o "no space" log | head -n 1; echo "$2 $status"; }}
        mount -o loop host.img fs
        cp --sparse=always plain.raw fs/d.raw; cp plain.qcow2 fs/d.qcow2; sync -f fs
        for image in d.raw d.qcow2; do
            fill
            sha256sum fs/$image >sum
            harden fs/$image "$image full"
            sha256sum -c --status sum && echo unchanged
            rm fs/fill*
        done
        ls -A fs | grep -c gokaku || :
        rm fs/d.qcow2
        GOKAKU_BINARY=$DIR/fills; export GOKAKU_BINARY; harden fs/d.raw meanwhile
        grep -c "guard refused" log || :
        rm fs/fill*
        GOKAKU_BINARY=$REAL; harden fs/d.raw again; e2fsck -fn fs/d.raw >&2
        cp fs/d.raw d.raw; umount fs'"#,
        script.display()
    ));
    let logs = std::fs::read_to_string(bench.path("logs")).unwrap();
    let want = "no space\nd.raw full 1\nunchanged\nno space\nd.qcow2 full 1\nunchanged\n0\n\
                no space\nmeanwhile 1\n0\nagain 0\n";
    assert_eq!(told, want, "{logs}");
    assert!(logs.contains("MiB are missing"), "{logs}");
    assert_eq!(bench.sh("ls -A state"), "mount\n");
    bench.sh("cp plain.raw straight.raw");
    assert_eq!(bench.harden("straight.raw", &[]).status, Some(0));
    let names =
        |image: &str| -> Vec<String> { bench.listing(image, 0, "names").into_keys().collect() };
    assert_eq!(names("d.raw"), names("straight.raw"), "nothing else is in it");
}

#[test]
fn an_image_that_is_only_read_does_not_change_in_anything() {
    let test = "an_image_that_is_only_read_does_not_change_in_anything";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; filesystem t disk.raw; qemu-img convert -O qcow2 disk.raw disk.qcow2
        chmod 400 disk.raw disk.qcow2; chattr +i disk.raw 2>/dev/null || :");
    let look = |image: &str| bench.sh(&format!("stat -c '%a %s %b %i %X %Y %Z' {image}"));
    for image in ["disk.raw", "disk.qcow2"] {
        let sum = bench.sum(image);
        // A time at which any look would be noted.
        bench.sh(&format!(
            "chattr -i {image} 2>/dev/null || :; touch -a -d 2001-01-01 {image}; chattr +i {image} 2>/dev/null || :"
        ));
        let before = look(image);
        for (verb, status) in [("audit", 2), ("plan", 0)] {
            let mut command = bench.command(repository("provision/harden-image.sh"));
            command.args(["--read-only", verb, image]).env("GOKAKU_REPORT", bench.path("report"));
            let out = command.output().unwrap();
            let log = String::from_utf8_lossy(&out.stderr).into_owned();
            assert_eq!(out.status.code(), Some(status), "{image} {verb}: {log}");
            assert!(String::from_utf8_lossy(&out.stdout).contains("135"), "{image} {verb}");
            assert_eq!(look(image), before, "{image} {verb}");
            bench.nothing_left(image);
            assert_eq!(bench.json("report")["mode"], verb);
        }
        assert!(changed_paths(&bench.json("report")).len() > 15);
        bench.sh(&format!("chattr -i {image} 2>/dev/null || :"));
        assert_eq!(bench.sum(image), sum);
    }
    assert_eq!(bench.sh("ls -A state"), "mount\n");
    let usage = bench
        .command(repository("provision/harden-image.sh"))
        .args(["--read-only", "apply", "disk.raw"])
        .output()
        .unwrap();
    assert_eq!(usage.status.code(), Some(64));
}

#[test]
fn two_runs_that_only_read_do_not_share_a_copy() {
    let test = "two_runs_that_only_read_do_not_share_a_copy";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(r#"tree t; filesystem t raw; qemu-img convert -O qcow2 raw disk.qcow2; : >wait
        cat >slow <<'END'
#!/bin/sh
case $1 in audit) : >"$DIR/auditing"; while [ -e "$DIR/wait" ]; do sleep 0.1; done ;; esac
exec "$REAL" "$@"
END
        chmod +x slow"#);
    let script = repository("provision/harden-image.sh");
    let audit = |binary: &str| {
        let mut command = bench.command(&script);
        command.args(["--read-only", "audit", "disk.qcow2"]).env("GOKAKU_BINARY", binary);
        command
    };
    let slow = bench.path("slow");
    let first = audit(slow.to_str().unwrap()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    wait_for("the first audit", || bench.path("auditing").exists());
    let copy = bench.sh("stat -c %i .disk.qcow2.gokaku-raw");
    let second = audit(env!("CARGO_BIN_EXE_gokaku")).output().unwrap();
    let log = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(3), "{log}");
    assert!(log.contains("another run is at work on it"), "{log}");
    assert_eq!(bench.sh("stat -c %i .disk.qcow2.gokaku-raw"), copy);
    std::fs::remove_file(bench.path("wait")).unwrap();
    let first = first.wait_with_output().unwrap();
    assert_eq!(first.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&first.stdout).contains("135"));
    bench.nothing_left("disk.qcow2");
}
