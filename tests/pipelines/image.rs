//! `provision/harden-image.sh` on disk images: what changes, what is refused, what is left.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{self, LISTING, have, is_root, repository, skip};

/// Shell: `tree DIR` copies from `$ROOTFS` what the rules look at.
pub const TREE: &str = r#"
tree() {
    mkdir "$1"
    tar -C "$ROOTFS" -c --exclude=./var/cache --exclude=./usr/lib/x86_64-linux-gnu \
        --exclude='./lib/x86_64-linux-gnu/lib*' --exclude=./usr/share \
        --exclude=./usr/lib/python3* --exclude='./usr/lib/gcc*' --exclude='./usr/bin/*' \
        --exclude='./bin/*' --exclude='./sbin/*' --exclude='./dev/*' . | tar -C "$1" -x
}
"#;

/// Shell: `filesystem DIR IMAGE [OPTION]` makes an ext4 of a tree, `partitioned DIR IMAGE` a disk with
/// an empty first partition and the filesystem in the second.
const MAKE: &str = r#"
filesystem() {
    from=$1 image=$2
    shift 2
    mke2fs -q -F -t ext4 -E "lazy_itable_init=1,lazy_journal_init=1${1:+,$1}" -L cloudimg-rootfs \
        -d "$from" "$image" 96M 2>"$DIR/mke2fs" || { cat "$DIR/mke2fs" >&2; exit 1; }
}
partitioned() {
    rm -f "$2"
    truncate -s 128M "$2"
    printf 'label: gpt\nstart=2048,size=4096\nstart=8192,size=98304K\n' | sfdisk -q "$2"
    filesystem "$1" "$2" offset=4194304
}
listing_of() {
    unshare -m --propagation private sh -euc "$LISTING"'
        mkdir -p "$DIR/mnt"
        mount -o "ro,loop,noload,offset=$2" "$1" "$DIR/mnt"
        OUT=$DIR GOKAKU_ROOT=$DIR/mnt listing "$3"' sh "$1" "$2" "$3"
}
"#;

pub(super) struct Bench {
    dir: tempfile::TempDir,
    rootfs: std::path::PathBuf,
}

/// What one run of the script came to.
pub(super) struct Run {
    pub status: Option<i32>,
    pub log: String,
}

impl Bench {
    /// `None`: not possible here, said loudly.
    pub fn new(test: &str) -> Option<Bench> {
        let programs = [
            "mke2fs:e2fsprogs",
            "e2fsck:e2fsprogs",
            "losetup:mount",
            "sfdisk:fdisk",
            "qemu-img:qemu-utils",
            "strace:strace",
        ];
        if !is_root(test, "mount an image on a loop device") || !have(test, &programs) {
            return None;
        }
        let rootfs = support::root(test)?;
        let dir = tempfile::tempdir().unwrap();
        let bench = Bench { dir, rootfs };
        let try_loop =
            "truncate -s 1M \"$DIR/none\" && losetup -d \"$(losetup -f --show \"$DIR/none\")\"";
        if !bench.try_sh(try_loop).status.success() {
            skip(test, "this machine has no loop devices");
            return None;
        }
        Some(bench)
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = support::bare_command(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(self.dir.path())
            .env("DIR", self.dir.path())
            .env("ROOTFS", &self.rootfs)
            .env("LISTING", LISTING)
            .env("PATH", format!("{path}:/usr/sbin:/sbin"))
            .env("LC_ALL", "C.UTF-8")
            .env("REAL", env!("CARGO_BIN_EXE_gokaku"))
            .env("GOKAKU_BINARY", env!("CARGO_BIN_EXE_gokaku"))
            .env("GOKAKU_STATE_DIR", self.path("state"));
        command
    }

    pub fn try_sh(&self, script: &str) -> Output {
        self.command("sh").args(["-euc", &format!("{TREE}\n{MAKE}\n{script}")]).output().unwrap()
    }

    pub fn sh(&self, script: &str) -> String {
        let out = self.try_sh(script);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(out.status.success(), "{script}\n{stderr}");
        String::from_utf8(out.stdout).unwrap()
    }

    pub fn harden(&self, image: &str, settings: &[(&str, &str)]) -> Run {
        let mut command = self.command(repository("provision/harden-image.sh"));
        let out = command.arg(image).envs(settings.iter().copied()).output().unwrap();
        let log = [out.stdout, out.stderr].map(|o| String::from_utf8_lossy(&o).into_owned());
        self.nothing_left(image);
        Run { status: out.status.code(), log: log.concat() }
    }

    /// No loop device, nothing beside the image, no state; and the filesystem is clean.
    pub fn nothing_left(&self, image: &str) {
        assert_eq!(self.loops(image), "", "a loop device is left");
        let hidden = self.sh("find . -name '.*.gokaku*'");
        assert_eq!(hidden, "", "temporary files are left");
    }

    pub fn loops(&self, image: &str) -> String {
        self.sh(&format!(
            "losetup -n -O NAME,BACK-FILE | grep -F \"$DIR\" || :; losetup -j {image}"
        ))
    }

    pub fn sum(&self, image: &str) -> String {
        self.sh(&format!("sha256sum <{image}"))
    }

    pub fn fsck(&self, image: &str) {
        self.sh(&format!("e2fsck -f -n '{image}' >&2"));
    }

    pub fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&std::fs::read(self.path(name)).unwrap()).unwrap()
    }

    pub fn listing(&self, image: &str, offset: u64, name: &str) -> BTreeMap<String, String> {
        self.sh(&format!("listing_of {image} {offset} {name}"));
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        text.lines()
            .filter_map(|l| l.split_once('\t'))
            .map(|(path, rest)| (path.to_owned(), rest.to_owned()))
            .collect()
    }

    /// The run in a process group of its own, as a terminal's foreground job.
    pub fn start(&self, image: &str, settings: &[(&str, &str)]) -> Child {
        // A shell does not trap a signal that it was started with ignored, as background jobs are.
        let mut command = self.command("env");
        command.arg("--default-signal=INT").arg(repository("provision/harden-image.sh"));
        let log = std::fs::File::create(self.path("log")).unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
        command.arg(image).envs(settings.iter().copied()).process_group(0).spawn().unwrap()
    }
}

pub(super) fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

pub(super) fn changed_paths(report: &Value) -> BTreeSet<String> {
    let changes = report["changes"].as_array().unwrap();
    changes.iter().map(|c| c["path"].as_str().unwrap().to_owned()).collect()
}

pub(super) fn differing(
    a: &BTreeMap<String, String>,
    b: &BTreeMap<String, String>,
) -> BTreeSet<String> {
    a.keys().chain(b.keys()).filter(|p| a.get(*p) != b.get(*p)).cloned().collect()
}

#[test]
fn a_whole_ext4_image_gets_what_was_planned_and_nothing_else() {
    let test = "a_whole_ext4_image_gets_what_was_planned_and_nothing_else";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(
        "tree t; filesystem t disk.raw; $REAL plan --root t --format json -o plan.json >&2 || :",
    );
    bench.fsck("disk.raw");
    let before = bench.listing("disk.raw", 0, "before");

    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    bench.fsck("disk.raw");
    let after = bench.listing("disk.raw", 0, "after");
    let (plan, report) = (bench.json("plan.json"), bench.json("disk.raw.gokaku.json"));
    assert_eq!(changed_paths(&report), changed_paths(&plan));
    assert_eq!(differing(&before, &after), changed_paths(&plan));
    assert!(changed_paths(&plan).len() > 15);
    assert_eq!(bench.sh("ls -A state"), "mount\n", "no journal is left");

    // What needs nothing is not even mounted for writing.
    let sum = bench.sum("disk.raw");
    let again = bench.harden("disk.raw", &[]);
    assert_eq!(again.status, Some(0), "{}", again.log);
    assert!(again.log.contains("not written to"), "{}", again.log);
    assert_eq!(bench.sum("disk.raw"), sum);
    assert!(changed_paths(&bench.json("disk.raw.gokaku.json")).is_empty());
}

#[test]
fn the_root_partition_is_found_or_named() {
    let test = "the_root_partition_is_found_or_named";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(
        "tree t; partitioned t disk.raw; dd if=disk.raw of=first bs=1M count=1 skip=1 status=none",
    );
    let start = 4_194_304;
    let before = bench.listing("disk.raw", start, "before");
    let run = bench.harden("disk.raw", &[("GOKAKU_REPORT", "elsewhere.json")]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    bench.fsck("disk.raw?offset=4194304");
    let after = bench.listing("disk.raw", start, "after");
    let report = bench.json("elsewhere.json");
    assert_eq!(differing(&before, &after), changed_paths(&report));
    assert!(!changed_paths(&report).is_empty());
    bench.sh("dd if=disk.raw bs=1M count=1 skip=1 status=none | cmp - first");

    // Two systems in one image: the one whose own fstab says that it is the root.
    bench.sh(
        "truncate -s 224M two.raw
        printf 'label: dos\\nstart=8192,size=98304K\\nstart=212992,size=98304K\\n' | sfdisk -q two.raw
        filesystem t two.raw offset=4194304
        rm t/etc/fstab; filesystem t two.raw offset=109051904",
    );
    let run = bench.harden("two.raw", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(run.log.contains("partition 1, ext4"), "{}", run.log);
    bench.fsck("two.raw?offset=4194304");
    bench.fsck("two.raw?offset=109051904");

    // Neither says so, or both.
    bench.sh("filesystem t two.raw offset=4194304");
    let sum = bench.sum("two.raw");
    let run = bench.harden("two.raw", &[]);
    assert_eq!(run.status, Some(3), "{}", run.log);
    assert!(run.log.contains("found 0 partitions") && run.log.contains("GOKAKU_PARTITION"));
    let run = bench.harden("two.raw", &[("GOKAKU_PARTITION", "7")]);
    assert_eq!(run.status, Some(3), "{}", run.log);
    assert_eq!(bench.sum("two.raw"), sum);
    let run = bench.harden("two.raw", &[("GOKAKU_PARTITION", "2")]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(run.log.contains("partition 2, ext4"), "{}", run.log);
}

#[test]
fn a_qcow2_image_is_replaced_as_a_whole() {
    let test = "a_qcow2_image_is_replaced_as_a_whole";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; partitioned t raw
        qemu-img convert -c -O qcow2 -o cluster_size=131072 raw disk.qcow2
        chmod 640 disk.qcow2; chown 7:8 disk.qcow2");
    let run = bench.harden("disk.qcow2", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    bench.sh("qemu-img check -q disk.qcow2; qemu-img convert -O raw disk.qcow2 back");
    bench.fsck("back?offset=4194304");
    let (before, after) =
        (bench.listing("raw", 4_194_304, "before"), bench.listing("back", 4_194_304, "after"));
    let planned = changed_paths(&bench.json("disk.qcow2.gokaku.json"));
    assert_eq!(differing(&before, &after), planned);
    assert!(planned.len() > 15);
    // What the image was, it still is.
    assert_eq!(bench.sh("stat -c '%a %u:%g' disk.qcow2"), "640 7:8\n");
    let info = bench.sh("qemu-img info disk.qcow2; qemu-img check disk.qcow2");
    assert!(info.contains("cluster_size: 131072"), "{info}");
    assert!(!info.contains(" 0.00% compressed"), "{info}");

    let inode = bench.sh("stat -c '%i %Y' disk.qcow2");
    let again = bench.harden("disk.qcow2", &[]);
    assert_eq!(again.status, Some(0), "{}", again.log);
    assert_eq!(bench.sh("stat -c '%i %Y' disk.qcow2"), inode, "not replaced for nothing");
}

#[test]
fn progress_shows_on_a_terminal_and_nowhere_else() {
    let test = "progress_shows_on_a_terminal_and_nowhere_else";
    let Some(bench) = Bench::new(test) else { return };
    if !have(test, &["script:bsdutils"]) {
        return;
    }
    bench.sh("tree t; filesystem t raw; qemu-img convert -O qcow2 raw disk.qcow2; cp disk.qcow2 other.qcow2");
    let script = repository("provision/harden-image.sh");
    // A percentage that qemu-img writes over with the next one.
    let percent = |text: &str| text.matches("/100%)").count();
    let command = format!("{} disk.qcow2", script.display());
    let seen = bench.command("script").args(["-qec", &command, "/dev/null"]).output().unwrap();
    let seen_text = String::from_utf8_lossy(&seen.stdout).into_owned();
    assert_eq!(seen.status.code(), Some(0), "{seen_text}");
    for step in ["unpacking qcow2", "packing qcow2"] {
        let after = seen_text.split_once(step).map_or("", |(_, after)| after);
        assert!(percent(after) > 1, "{step}: {seen_text}");
    }
    assert!(seen_text.contains("(100.00/100%)\r"), "{seen_text}");
    bench.nothing_left("disk.qcow2");
    let run = bench.harden("other.qcow2", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert_eq!(percent(&run.log), 0, "{}", run.log);
}

#[test]
fn what_is_in_use_not_clean_or_not_ours_is_refused_and_not_touched() {
    let test = "what_is_in_use_not_clean_or_not_ours_is_refused_and_not_touched";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(r#"tree t; filesystem t disk.raw
        # Copied while it was mounted and written to: its journal is not empty.
        cp disk.raw live.raw
        unshare -m --propagation private sh -euc '
            mkdir m; mount -o loop live.raw m; echo >m/etc/new; sync m/etc/new
            cp live.raw dirty.raw; umount m'
        cp disk.raw broken.raw; debugfs -w -R 'clri /etc/passwd' broken.raw >&2
        echo 'no image' >text.raw
        cp -a t other; sed -i s/18.04/22.04/ other/usr/lib/os-release; filesystem other other.raw
        echo 'LABEL=data /var ext4 defaults 0 2' >>t/etc/fstab; filesystem t apart.raw
        qemu-img convert -O qcow2 disk.raw disk.qcow2
        qemu-img create -q -f qcow2 -b disk.qcow2 -F qcow2 child.qcow2
        cp disk.qcow2 snap.qcow2; qemu-img snapshot -c first snap.qcow2
        qemu-img convert -O vmdk disk.raw disk.vmdk"#);
    for (image, told) in [
        ("dirty.raw", "was not unmounted"),
        ("broken.raw", "is not clean"),
        ("text.raw", "found 0 partitions"),
        ("other.raw", "the plan was refused (exit status 3)"),
        ("apart.raw", "its fstab mounts /var: LABEL=data is on another disk"),
        ("child.qcow2", "has a backing file"),
        ("snap.qcow2", "has snapshots"),
        ("disk.vmdk", "want raw, qcow2 or a VHD of fixed size"),
    ] {
        let sum = bench.sum(image);
        let run = bench.harden(image, &[]);
        assert_eq!(run.status, Some(3), "{image}: {}", run.log);
        assert!(run.log.contains(told), "{image}: {}", run.log);
        assert_eq!(bench.sum(image), sum, "{image} was touched");
        assert!(!bench.path(&format!("{image}.gokaku.json")).exists());
    }
    let run = bench.harden("nothing.raw", &[]);
    assert_eq!(run.status, Some(64), "{}", run.log);

    // Mounted, attached, or at work in another process.
    let script = repository("provision/harden-image.sh");
    let told = bench.sh(&format!(
        r#"unshare -m --propagation private sh -euc '
            mkdir -p m; mount -o loop disk.raw m; status=0
            "{0}" disk.raw >&2 || status=$?; umount m; echo mounted $status'
        device=$(losetup -r -f --show disk.raw); status=0
        "{0}" disk.raw >&2 || status=$?; losetup -d "$device"; echo attached $status
        flock disk.raw sh -c '"{0}" disk.raw >&2 || echo locked $?'"#,
        script.display()
    ));
    assert_eq!(told, "mounted 3\nattached 3\nlocked 3\n");
    bench.nothing_left("disk.raw");
}

#[test]
fn a_row_that_does_not_hold_is_told_and_everything_is_freed() {
    let test = "a_row_that_does_not_hold_is_told_and_everything_is_freed";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; mkdir -p t/lib/modules/4.15.0-1-azure
        echo kernel/fs/cramfs/cramfs.ko >t/lib/modules/4.15.0-1-azure/modules.builtin
        filesystem t disk.raw");
    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(2), "{}", run.log);
    assert!(run.log.contains("gokaku: error: 1.1.1.1 not met"), "{}", run.log);
    bench.fsck("disk.raw");
    assert!(!changed_paths(&bench.json("disk.raw.gokaku.json")).is_empty());
    assert_eq!(bench.sh("ls -A state"), "mount\n");
}

/// A gokaku that stops before it applies, and says so by a file.
const SLOW: &str = r#"cat >slow <<'END'
#!/bin/sh
case $1 in apply) : >"$DIR/applying"; sleep 600 ;; esac
exec "$REAL" "$@"
END
chmod +x slow
"#;

#[test]
fn a_signal_at_any_time_frees_everything_and_the_next_run_completes() {
    let test = "a_signal_at_any_time_frees_everything_and_the_next_run_completes";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(&format!(
        "{SLOW} tree t; filesystem t disk.raw; qemu-img convert -O qcow2 disk.raw disk.qcow2"
    ));
    for (image, signal, group, status) in [
        ("disk.raw", "INT", true, Some(130)),
        ("disk.raw", "TERM", false, Some(143)),
        ("disk.raw", "KILL", false, None),
        ("disk.qcow2", "TERM", false, Some(143)),
    ] {
        let sum = bench.sum(image);
        let slow = bench.path("slow");
        let mut child = bench.start(image, &[("GOKAKU_BINARY", slow.to_str().unwrap())]);
        wait_for("the apply", || bench.path("applying").exists());
        assert_ne!(bench.loops(image), "", "it is mounted now");
        let target = format!("{}{}", if group { "-" } else { "" }, child.id());
        let mut kill = Command::new("kill");
        assert!(kill.args(["-s", signal, "--", &target]).status().unwrap().success());
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), status, "{signal}");
        // A shell that is killed cannot wait for the kernel; nobody else needs to either.
        wait_for("the loop device is freed", || bench.loops(image).is_empty());
        std::fs::remove_file(bench.path("applying")).unwrap();
        if image == "disk.raw" {
            bench.fsck(image);
        } else {
            assert_eq!(bench.sum(image), sum, "{signal}: the original is as it was");
        }
    }
    for image in ["disk.raw", "disk.qcow2"] {
        let run = bench.harden(image, &[]);
        assert_eq!(run.status, Some(0), "{image}: {}", run.log);
    }
    bench.fsck("disk.raw");
}

#[test]
fn a_run_that_was_killed_while_it_wrote_is_undone_by_the_next() {
    let test = "a_run_that_was_killed_while_it_wrote_is_undone_by_the_next";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(r#"cat >dies <<'END'
#!/bin/sh
case $1 in
apply) exec strace -f -o "$DIR/trace" -e trace=renameat2,renameat,rename \
    -e inject=renameat2,renameat,rename:signal=KILL:when=7 "$REAL" "$@" ;;
esac
exec "$REAL" "$@"
END
        chmod +x dies; tree t; filesystem t disk.raw; cp disk.raw straight.raw"#);
    let straight = bench.harden("straight.raw", &[("SOURCE_DATE_EPOCH", "1700000000")]);
    assert_eq!(straight.status, Some(0), "{}", straight.log);
    let before = bench.listing("disk.raw", 0, "before");
    let dies = bench.path("dies");
    let run = bench.harden("disk.raw", &[("GOKAKU_BINARY", dies.to_str().unwrap())]);
    assert_eq!(run.status, Some(137), "{}", run.log);
    bench.fsck("disk.raw");
    assert_ne!(bench.listing("disk.raw", 0, "half"), before, "it was killed while it wrote");

    let run = bench.harden("disk.raw", &[("SOURCE_DATE_EPOCH", "1700000000")]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(run.log.contains(" was cut off; "), "{}", run.log);
    bench.fsck("disk.raw");
    let after = bench.listing("disk.raw", 0, "after");
    assert_eq!(after, bench.listing("straight.raw", 0, "straight"), "as if nothing had happened");
    assert_eq!(bench.sh("ls -A state"), "mount\n");
}

#[test]
fn packer_hardens_an_image_without_starting_it() {
    let test = "packer_hardens_an_image_without_starting_it";
    let Some(bench) = Bench::new(test) else { return };
    if !have(test, &["packer:packer"]) {
        return;
    }
    bench.sh("tree t; filesystem t disk.raw");
    let set = |name: &str, value: &Path| format!("{name}={}", value.display());
    let mut packer = bench.command("packer");
    packer.args(["build", "-color=false", "-var", &set("image", &bench.path("disk.raw"))]);
    packer.args(["-var", &set("binary", Path::new(env!("CARGO_BIN_EXE_gokaku")))]);
    packer.args(["-var", &set("evidence", &bench.path("evidence.json"))]);
    packer.args([
        "-var",
        &format!("environment=[\"GOKAKU_STATE_DIR={}/state\"]", bench.dir.path().display()),
    ]);
    packer.arg(repository("provision/packer/image/build.pkr.hcl"));
    let out = packer.env("CHECKPOINT_DISABLE", "1").env("HOME", bench.dir.path()).output().unwrap();
    let log = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{log}{}", String::from_utf8_lossy(&out.stderr));
    assert!(log.contains("gokaku: as declared"), "{log}");
    assert!(!changed_paths(&bench.json("evidence.json")).is_empty());
    bench.nothing_left("disk.raw");
    bench.fsck("disk.raw");
}
