//! What a run writes into an image has room before it begins, and takes no more than that.

use crate::image::Bench;
use crate::support::{have, skip};

/// Shell: `keeps`, a gokaku that keeps what `image room` says of a plan.
const KEEPS: &str = r#"cat >keeps <<'END'
#!/bin/sh
case "$*" in
*"image room"*"--plan"*) rm -f "$DIR/need"; "$REAL" "$@" >"$DIR/need"; status=$?; cat "$DIR/need"; exit $status ;;
esac
exec "$REAL" "$@"
END
chmod +x keeps
"#;

/// What the kernel here can mount.
pub fn kernel_has(kind: &str) -> bool {
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    known.lines().any(|line| line.ends_with(&format!("\t{kind}")))
}

#[test]
fn a_run_takes_no_more_room_than_it_asked_for() {
    let test = "a_run_takes_no_more_room_than_it_asked_for";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(&format!("{KEEPS} tree t; printf '/dev/vda / auto defaults 0 1\\n' >t/etc/fstab"));
    let ext = |options: &str, size: &str| format!("mke2fs -q -F {options} -d t disk.raw {size}");
    let cases = [
        ("ext4", "small", ext("-t ext4", "96M")),
        ("ext4", "with empty tables", ext("-t ext4 -E lazy_itable_init=1", "2G")),
        ("ext4", "large", ext("-t ext4 -E lazy_itable_init=0", "2G")),
        ("ext2", "without a journal", ext("-t ext2", "96M")),
        ("ext3", "with its large journal", ext("-t ext3", "1G")),
        ("btrfs", "of two copies", "truncate -s 1G disk.raw; mkfs.btrfs -q --rootdir t disk.raw".into()),
        (
            "xfs",
            "",
            "truncate -s 1G disk.raw; mkfs.xfs -q disk.raw; mkdir -p mnt
            unshare -m --propagation private sh -euc 'mount -o loop disk.raw mnt; cp -a t/. mnt/; umount mnt'"
                .into(),
        ),
    ];
    for (kind, what, make) in cases {
        let tool = match kind {
            "btrfs" => "mkfs.btrfs:btrfs-progs",
            "xfs" => "mkfs.xfs:xfsprogs",
            _ => "mke2fs:e2fsprogs",
        };
        // The driver of ext4 takes the older ones.
        if !(kind.starts_with("ext") || kernel_has(kind)) {
            skip(test, &format!("{kind}: the kernel here has none"));
            continue;
        }
        if !have(test, &[tool]) {
            continue;
        }
        bench.sh(&format!(
            "rm -f disk.raw; {make} >&2; fallocate --dig-holes disk.raw; sync disk.raw"
        ));
        let blocks =
            || bench.sh("sync disk.raw; stat -c %b disk.raw").trim().parse::<u64>().unwrap();
        let before = blocks();
        let keeps = bench.path("keeps");
        let run = bench.harden("disk.raw", &[("GOKAKU_BINARY", keeps.to_str().unwrap())]);
        assert_eq!(run.status, Some(0), "{kind} {what}: {}", run.log);
        assert!(run.log.contains("written, clean"), "{kind} {what}: {}", run.log);
        let taken = (blocks().saturating_sub(before)) * 512;
        let need = bench.sh("cat need");
        let number = |key: &str| {
            let value = need.lines().find_map(|line| line.strip_prefix(key));
            value.and_then(|value| value.trim().parse::<u64>().ok()).unwrap()
        };
        let (changes, needed) = (number("changes\t"), number("needed\t"));
        println!("{kind} {what}: {changes} changes, {taken} bytes taken, {needed} needed");
        assert!(changes > 15 && taken > 0, "{kind} {what}: {changes} changes, {taken} bytes");
        assert!(taken <= needed, "{kind} {what}: {taken} bytes taken, {needed} asked for");
    }
}
