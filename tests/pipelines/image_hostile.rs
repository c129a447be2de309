//! Images that others made, on a machine that others use: what is read, who can see it, who holds it.

use std::process::{Child, Command, Stdio};

use crate::image::{Bench, wait_for};
use crate::support::{have, repository, skip};

/// Shell: `host NAME` makes a file of this machine that no image may bring in.
const HOST: &str = r#"
host() {
    mkdir -p host in
    cp -a t other; mkdir -p other/root; echo SECRET-OF-THE-HOST >other/root/secret
    filesystem other "host/$1"; rm -rf other
    sha256sum "host/$1" >host/sums
}
traced() {
    status=0
    strace -f -q -o trace -e trace=openat,open,openat2 "$SCRIPT" "$1" >log 2>&1 || status=$?
    echo "exit $status"
    grep -c "$2" trace || :
    grep -c SECRET-OF "$1" || :
    sha256sum -c --status host/sums && echo unchanged
}
"#;

fn traced(bench: &Bench, image: &str, host: &str) -> String {
    let script = repository("provision/harden-image.sh");
    bench.sh(&format!("{HOST}\nSCRIPT='{}'; traced {image} {host}", script.display()))
}

#[test]
fn no_other_file_of_the_host_is_opened_for_an_image() {
    let test = "no_other_file_of_the_host_is_opened_for_an_image";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(&format!(
        r#"{HOST}
        tree t; host other.raw
        qemu-img create -q -f qcow2 -o "data_file=$DIR/host/other.raw,data_file_raw=on" in/data.qcow2 96M
        # create has made the file anew.
        rm -r host; host other.raw
        qemu-img create -q -f qcow2 -b "$DIR/host/other.raw" -F raw in/backed.qcow2
        qemu-img create -q -f qcow2 in/json.qcow2 96M
        qemu-img rebase -u -b "json:{{\"driver\":\"raw\",\"file\":{{\"driver\":\"file\",\"filename\":\"$DIR/host/other.raw\"}}}}" \
            -F raw in/json.qcow2
        # The feature is not set, and the name stands in the header all the same.
        cp in/data.qcow2 in/hidden.qcow2; printf '\0' | dd of=in/hidden.qcow2 bs=1 seek=79 conv=notrunc status=none"#
    ));
    for (image, why) in [
        ("data", "has a data file"),
        ("backed", "has a backing file"),
        ("json", "has a backing file"),
        ("hidden", "has a data file"),
    ] {
        let told = traced(&bench, &format!("in/{image}.qcow2"), "host/other");
        assert_eq!(told, "exit 3\n0\n0\nunchanged\n", "{image}");
        let log = std::fs::read_to_string(bench.path("log")).unwrap();
        assert!(log.contains(why), "{image}: {log}");
    }
    // A name that qemu would take for a protocol is a name.
    bench.sh("filesystem t plain; qemu-img convert -f raw -O qcow2 plain q; mv q 'nbd:x:1.qcow2'");
    let run = bench.harden("nbd:x:1.qcow2", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
}

#[test]
fn what_a_superblock_says_about_mounting_does_not_count() {
    let test = "what_a_superblock_says_about_mounting_does_not_count";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(
        r#"tree t; filesystem t panic.raw; cp panic.raw options.raw; cp panic.raw journal.raw
        tune2fs -e panic -o journal_data,discard panic.raw >&2
        debugfs -w -R 'ssv mount_opts journal_path=/dev/sda,data_err=abort' options.raw 2>&1 | cat >&2
        debugfs -w -R 'ssv journal_inum 0' journal.raw >&2; debugfs -w -R 'ssv journal_dev 0x801' journal.raw >&2
        printf '#!/bin/sh\n[ "$1" != apply ] || cat /proc/fs/ext4/loop*/options >"$DIR/seen"\nexec "$REAL" "$@"\n' >peek
        chmod +x peek"#,
    );
    let peek = bench.path("peek");
    let run = bench.harden("panic.raw", &[("GOKAKU_BINARY", peek.to_str().unwrap())]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    let seen = std::fs::read_to_string(bench.path("seen")).unwrap();
    assert!(seen.contains("errors=remount-ro") && !seen.contains("errors=panic"), "{seen}");
    assert!(seen.contains("nodiscard") || !seen.contains("discard"), "{seen}");
    for (image, why) in [
        ("options.raw", "gives mount options of its own"),
        ("journal.raw", "lies on another device"),
    ] {
        let sum = bench.sum(image);
        let run = bench.harden(image, &[("GOKAKU_PARTITION", "0")]);
        assert_eq!(run.status, Some(3), "{image}: {}", run.log);
        assert!(run.log.contains(why), "{image}: {}", run.log);
        assert_eq!(bench.sum(image), sum);
    }
}

#[test]
fn what_is_read_has_a_bound_and_no_text_is_code() {
    let test = "what_is_read_has_a_bound_and_no_text_is_code";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; cp -a t/etc/fstab fstab; rm t/etc/fstab; truncate -s 2G t/etc/fstab; filesystem t endless.raw");
    let sum = bench.sum("endless.raw");
    let run = bench.harden("endless.raw", &[]);
    assert_eq!(run.status, Some(3), "{}", run.log);
    assert!(run.log.contains("/etc/fstab: found 2147483648 bytes"), "{}", run.log);
    assert_eq!(bench.sum("endless.raw"), sum);

    // Names and places that a shell, awk or a terminal would take for orders.
    bench.sh(r#"rm t/etc/fstab
        {
            cat fstab
            echo 'LABEL=$(touch${IFS}PWNED) /home ext4 nofail 0 2'
            echo '`touch\040PWNED` /mnt/$(touch\040PWNED) ext4 nofail 0 2'
            printf 'LABEL="system(\\"touch\\040PWNED\\")" /media/\033]0;x\007 ext4 defaults 0 2\n'
            echo 'UUID=;touch\040PWNED;# /mnt/a;touch\040PWNED auto nofail'
        } >t/etc/fstab
        filesystem t disk; tune2fs -L '`touch PWNED`' disk >&2
        truncate -s 100M names.raw
        printf 'label: gpt\nstart=2048,size=98304K,name="$(touch PWNED)"\n' | sfdisk -q names.raw
        dd if=disk of=names.raw bs=1M seek=1 conv=notrunc status=none"#);
    let run = bench.harden("names.raw", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(run.log.contains("left: /media/\\x1b]0;x\\x07"), "{}", run.log);
    assert!(!run.log.contains('\x1b'), "{}", run.log);
    assert_eq!(bench.sh("find / -xdev -maxdepth 2 -name '*PWNED*'; find . -name '*PWNED*'"), "");

    // A program that does not end.
    bench.sh("cp names.raw slow.raw; printf '#!/bin/sh\ncase $1 in plan) sleep 600 ;; esac\nexec \"$REAL\" \"$@\"\n' >slow; chmod +x slow");
    let slow = bench.path("slow");
    let settings = [("GOKAKU_BINARY", slow.to_str().unwrap()), ("GOKAKU_TIME_LIMIT", "20")];
    let run = bench.harden("slow.raw", &settings);
    assert_eq!(run.status, Some(1), "{}", run.log);
    assert!(run.log.contains("more than 20 seconds"), "{}", run.log);
}

#[test]
fn no_program_that_hangs_holds_a_run_up() {
    let test = "no_program_that_hangs_holds_a_run_up";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; filesystem t raw; qemu-img convert -O qcow2 raw first.qcow2; mkdir hang
        printf '#!/bin/sh\nexec sleep 100000\n' >hang/it; chmod +x hang/it");
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}:/usr/sbin:/sbin", bench.path("hang").display());
    // What says whether the image is in use, what checks it, what carries its owner and mode over, and
    // what sees to it that all is on the disk.
    for program in ["losetup", "cp", "sync", "e2fsck"] {
        bench.sh(&format!("rm -f hang/[!i]*; ln -s it hang/{program}; cp first.qcow2 disk.qcow2"));
        let sum = bench.sum("disk.qcow2");
        let settings = [("PATH", path.as_str()), ("GOKAKU_TIME_LIMIT", "12")];
        let run = bench.harden("disk.qcow2", &settings);
        assert!(run.status.is_some_and(|status| status != 0), "{program}: {}", run.log);
        assert_eq!(bench.sum("disk.qcow2"), sum, "{program}: {}", run.log);
    }
}

#[test]
fn a_place_that_is_a_link_is_not_mounted_on() {
    let test = "a_place_that_is_a_link_is_not_mounted_on";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(
        r#"tree t; mkdir host boot; rm -rf t/boot
        printf 'LABEL=root / ext4 defaults 0 1\nLABEL=boot /boot ext4 defaults 0 2\n' >t/etc/fstab
        truncate -s 128M disk.raw
        printf 'label: gpt\nstart=2048,size=16384\nstart=20480,size=98304K\n' | sfdisk -q disk.raw
        mke2fs -q -F -t ext4 -L boot -d boot f 8M; dd if=f of=disk.raw bs=512 seek=2048 conv=notrunc status=none"#,
    );
    for place in ["/etc", "../../../../../../../../etc", "etc"] {
        bench.sh(&format!(
            "ln -sfn {place} t/boot; filesystem t f; e2label f root
            dd if=f of=disk.raw bs=512 seek=20480 conv=notrunc status=none"
        ));
        let sum = bench.sum("disk.raw");
        let run = bench.harden("disk.raw", &[]);
        assert_eq!(run.status, Some(3), "{place}: {}", run.log);
        assert!(run.log.contains("where no directory stands"), "{place}: {}", run.log);
        assert_eq!(bench.sum("disk.raw"), sum, "{place}");
    }
}

#[test]
fn a_copy_is_as_private_as_the_image_and_gone_whatever_happens() {
    let test = "a_copy_is_as_private_as_the_image_and_gone_whatever_happens";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(r#"tree t; filesystem t raw; qemu-img convert -O qcow2 raw p.qcow2; chmod 600 p.qcow2
        mkdir -m 777 work
        cat >wrapper <<'END'
#!/bin/sh
case $1 in apply) : >"$DIR/applying"; sleep 600 ;; esac
exec "$REAL" "$@"
END
        chmod +x wrapper"#);
    // Every copy is made new, by a shell that lets nobody else in; all else only opens it.
    for work in [".", "work"] {
        let made = bench.sh(&format!(
            r#"qemu-img convert -O qcow2 raw p.qcow2
            GOKAKU_WORK_DIR={work} strace -f -q -o trace -e trace=openat,open,umask '{}' p.qcow2 >&2
            sed -n 's/^[0-9]* *\(umask(077)\).*/\1/p' trace | sort -u
            for copy in raw new; do
                grep "gokaku-$copy" trace | grep O_CREAT | grep -v unfinished | head -n 1 |
                    sed 's,.*"\([^"]*\)".*\(O_EXCL\).*,\1 \2,'
            done"#,
            repository("provision/harden-image.sh").display()
        ));
        let lines: Vec<&str> = made.lines().collect();
        let dir = bench.path("");
        let raw = dir.join(work.trim_start_matches('.')).display().to_string();
        assert!(lines.len() == 3 && lines[0] == "umask(077)", "{made}");
        assert!(lines[1].starts_with(&raw) && lines[1].ends_with("gokaku-raw O_EXCL"), "{made}");
        let beside = dir.join(".p.qcow2.gokaku-new O_EXCL");
        assert_eq!(lines[2], beside.to_str().unwrap(), "{made}");
    }

    bench.sh("qemu-img convert -O qcow2 raw p.qcow2; chmod 600 p.qcow2");
    let wrapper = bench.path("wrapper");
    let work = bench.path("work");
    let settings =
        [("GOKAKU_BINARY", wrapper.to_str().unwrap()), ("GOKAKU_WORK_DIR", work.to_str().unwrap())];
    for work in [false, true] {
        let mut child = bench.start("p.qcow2", &settings[..1 + usize::from(work)]);
        wait_for("the apply", || bench.path("applying").exists());
        let copies = bench.sh("find . -name '.*gokaku-*' -printf '%m %u\\n'");
        assert_eq!(copies, "600 root\n");
        let owner = bench.sh("stat -c '%a %U' $(find . -name '.*gokaku-raw')");
        assert_eq!(owner, "600 root\n");
        // Nothing of the script's own can clean up: its whole group is killed.
        let group = format!("-{}", child.id());
        assert!(
            Command::new("kill").args(["-s", "KILL", "--", &group]).status().unwrap().success()
        );
        child.wait().unwrap();
        wait_for("the copy is gone", || bench.sh("find . -name '.*gokaku-*'").is_empty());
        wait_for("the device is free", || bench.loops("p.qcow2").is_empty());
        std::fs::remove_file(bench.path("applying")).unwrap();
    }
}

/// Ends with the test.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn refused(bench: &Bench, image: &str, why: &str) {
    let sum = bench.sum(image);
    let run = bench.harden(image, &[]);
    assert_eq!(run.status, Some(3), "{image}: {}", run.log);
    assert!(run.log.contains(why), "{image}: {why}: {}", run.log);
    assert_eq!(bench.sum(image), sum);
}

/// Device mapper holds an image by a loop device, also when that has been detached by name since.
fn mapped(test: &str, bench: &Bench, image: &str) {
    if !have(test, &["dmsetup:dmsetup"]) {
        return;
    }
    if !bench.try_sh("dmsetup version >&2").status.success() {
        return skip(test, "the part about device mapper: the kernel here has none");
    }
    let name = format!("gokaku-test-{}", std::process::id());
    let remove = || bench.sh(&format!("dmsetup remove --retry {name} 2>/dev/null || :"));
    bench.sh(&format!(
        r#"device=$(losetup -f --show {image})
        dmsetup create {name} --table "0 $(blockdev --getsz "$device") linear $device 0" || {{
            losetup -d "$device"; exit 1; }}
        losetup -d "$device""#
    ));
    let sum = bench.sum(image);
    let mut command = bench.command(repository("provision/harden-image.sh"));
    let out = command.arg(image).output().unwrap();
    let unchanged = bench.sum(image) == sum;
    remove();
    let log = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(3), "{image}: {log}");
    assert!(log.contains("is attached to loop"), "{image}: {log}");
    assert!(unchanged, "{image}");
}

#[test]
fn an_image_that_somebody_writes_to_is_refused() {
    let test = "an_image_that_somebody_writes_to_is_refused";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; filesystem t disk.raw; qemu-img convert -O qcow2 disk.raw disk.qcow2");
    for (image, format) in [("disk.raw", "raw"), ("disk.qcow2", "qcow2")] {
        // qemu-io is QEMU's own block layer with a command line.
        let mut io = bench.command("qemu-io");
        let io = io.args(["-f", format, image]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = Holder(io.spawn().unwrap());
        let mut prompt = [0; 8];
        std::io::Read::read_exact(holder.0.stdout.as_mut().unwrap(), &mut prompt).unwrap();
        refused(&bench, image, "holds its lock");
        drop(holder);

        if have(test, &["qemu-system-x86_64:qemu-system-x86"]) {
            let mut qemu = bench.command("qemu-system-x86_64");
            qemu.args(["-accel", "tcg", "-M", "pc", "-m", "64", "-nodefaults", "-display", "none"]);
            qemu.args(["-drive", &format!("file={image},if=virtio,format={format}")]);
            qemu.args(["-pidfile", "pid"]);
            let holder = Holder(qemu.stdin(Stdio::null()).spawn().unwrap());
            wait_for("QEMU", || bench.path("pid").exists());
            refused(&bench, image, "holds its lock");
            drop(holder);
            let _ = std::fs::remove_file(bench.path("pid"));
        }

        // Any program at all, also without the tools of QEMU.
        let mut any = bench.command("sh");
        any.args(["-c", &format!("exec 8<>{image}; echo here; read -r _")]);
        let mut holder = Holder(any.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        std::io::Read::read_exact(holder.0.stdout.as_mut().unwrap(), &mut prompt[..4]).unwrap();
        refused(&bench, image, "has it open for writing");
        drop(holder);
        let run = bench.harden(image, &[]);
        assert_eq!(run.status, Some(0), "{image}: {}", run.log);
    }

    for image in ["disk.raw", "disk.qcow2"] {
        mapped(test, &bench, image);
    }

    // And while a run is at work, QEMU does not get it.
    bench.sh("filesystem t disk.raw; printf '#!/bin/sh\n[ \"$1\" != apply ] || qemu-io -f raw -c quit disk.raw >\"$DIR/io\" 2>&1\nexec \"$REAL\" \"$@\"\n' >peek; chmod +x peek");
    let peek = bench.path("peek");
    bench.sh("sed -i \"s, disk.raw, $DIR/disk.raw,\" peek");
    let run = bench.harden("disk.raw", &[("GOKAKU_BINARY", peek.to_str().unwrap())]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    let io = std::fs::read_to_string(bench.path("io")).unwrap();
    assert!(io.contains("lock"), "{io}");
    if !have(test, &["qemu-system-x86_64:qemu-system-x86"]) {
        skip(test, "the part with a whole QEMU; qemu-io, its block layer, was tried");
    }
}
