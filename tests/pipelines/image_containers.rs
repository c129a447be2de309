//! LUKS, LVM and RAID, as their own programs make them: refused by name, whether the system or a part of it
//! lies there.

use crate::image::Bench;
use crate::support::have;

/// Shell: `raid VERSION FILE` writes the superblock of a RAID as mdadm does, which needs the kernel's md
/// for it; `mdadm --examine` must know it again.
const RAID: &str = r#"
word() { printf "\\$(printf %03o $(($1 & 255)))\\$(printf %03o $(($1 >> 8 & 255)))\\$(printf %03o $(($1 >> 16 & 255)))\\$(printf %03o $(($1 >> 24 & 255)))"; }
# block AT: the standard input, at a sector of the file.
block() { dd of="$file" bs=512 seek="$1" conv=notrunc status=none; }
raid() {
    file=$2 sectors=$(($(stat -c %s "$2") / 512))
    case $1 in
    0.90)
        # Magic, 0.90, then as little as makes an array: creation, level 1, size, disks.
        { for w in 0xa92b4efc 0 90 0 992 1 1600000000 1 16000 2 2 0 0 1 2 3; do word $w; done; head -c 4032 /dev/zero; } >sb
        at=$((sectors / 128 * 128 - 128))
        ;;
    *)
        case $1 in 1.0) at=$(((sectors - 16) / 8 * 8)) ;; 1.1) at=0 ;; 1.2) at=8 ;; esac
        for sum in 0 1; do
            {
                for w in 0xa92b4efc 1 0 0 1 2 3 4; do word $w; done
                printf 'host:array'; head -c 22 /dev/zero
                # ctime, level, layout, size, chunk, disks, bitmap
                for w in 1600000000 0 1 0 32768 0 0 2 0; do word $w; done
                head -c 28 /dev/zero
                # data offset and size, super offset, recovery, number
                for w in 2048 0 32768 0 $at 0 0 0 0; do word $w; done
                head -c 28 /dev/zero
                # utime, events, resync, sum, most devices
                for w in 1600000000 0 1 0 -1 -1 $([ $sum = 0 ] && echo 0 || cat total) 2; do word $w; done
                head -c 32 /dev/zero; printf '\0\0\1\0'; head -c 252 /dev/zero
            } >sb
            od -A n -v -t u4 -w4 -N 260 sb | { n=0; while read -r w; do n=$((n + w)); done; echo $(((n & 0xffffffff) + (n >> 32))); } >total
        done
        ;;
    esac
    block "$at" <sb
    device=$(losetup -r -f --show "$file")
    mdadm --examine "$device" >&2 || { losetup -d "$device"; return 1; }
    losetup -d "$device"
}
"#;

/// Shell: `two FILE` puts a container behind a system whose fstab mounts it at /var.
const TWO: &str = r#"
two() {
    rm -f two.raw; truncate -s 160M two.raw
    printf 'label: gpt\nstart=2048,size=98304K\nstart=200704,size=32M\n' | sfdisk -q two.raw
    dd if=system of=two.raw bs=1M seek=1 conv=notrunc,sparse status=none
    dd if="$1" of=two.raw bs=512 seek=200704 conv=notrunc,sparse status=none
}
"#;

#[test]
fn what_other_programs_made_is_known_and_refused() {
    let test = "what_other_programs_made_is_known_and_refused";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; rm -f t/etc/fstab
        printf '/dev/vda1 / ext4\\n/dev/vda2 /var ext4\\n' >t/etc/fstab
        filesystem t system; mkdir -p tmp");
    let luks = |kind: &str| {
        format!(
            "echo secret >key; cryptsetup luksFormat -q --type {kind} --pbkdf pbkdf2 \
             --pbkdf-force-iterations 1000 made key >&2"
        )
    };
    let lvm = "device=$(losetup -f --show made); status=0
        DM_DISABLE_UDEV=1 pvcreate -q -y --config 'devices{use_devicesfile=0}' \"$device\" >&2 || status=$?
        losetup -d \"$device\"; exit $status";
    let raid = |version: &str| format!("{RAID}\nraid {version} made");
    for (name, tools, make, kind, why) in [
        ("LUKS1", "cryptsetup:cryptsetup-bin", luks("luks1"), "crypto_LUKS", "it is encrypted"),
        ("LUKS2", "cryptsetup:cryptsetup-bin", luks("luks2"), "crypto_LUKS", "it is encrypted"),
        ("LVM", "pvcreate:lvm2", lvm.to_owned(), "LVM2_member", "LVM volume group"),
        ("RAID 0.90", "mdadm:mdadm", raid("0.90"), "linux_raid_member", "a part of a RAID"),
        ("RAID 1.0", "mdadm:mdadm", raid("1.0"), "linux_raid_member", "a part of a RAID"),
        ("RAID 1.1", "mdadm:mdadm", raid("1.1"), "linux_raid_member", "a part of a RAID"),
        ("RAID 1.2", "mdadm:mdadm", raid("1.2"), "linux_raid_member", "a part of a RAID"),
    ] {
        if !have(test, &[tools]) {
            continue;
        }
        bench.sh("rm -f made; truncate -s 32M made");
        bench.sh(&make);
        let run = bench.harden("made", &[]);
        assert_eq!(run.status, Some(3), "{name}: {}", run.log);
        assert!(run.log.contains(&format!("0: {kind}")), "{name}: {}", run.log);
        let run = bench.harden("made", &[("GOKAKU_PARTITION", "0")]);
        assert_eq!(run.status, Some(3), "{name}: {}", run.log);
        assert!(run.log.contains(&format!("partition 0 holds {kind}")), "{name}: {}", run.log);

        bench.sh(&format!("{TWO}\ntwo made"));
        let sum = bench.sum("two.raw");
        let run = bench.harden("two.raw", &[]);
        assert_eq!(run.status, Some(3), "{name}: {}", run.log);
        let told = format!("/var: partition 2 ({kind}): {why}");
        assert!(
            run.log.contains("its fstab mounts ") && run.log.contains(why),
            "{name}: {}",
            run.log
        );
        assert!(run.log.contains(told.trim_end_matches(why)), "{name}: {}", run.log);
        assert_eq!(bench.sum("two.raw"), sum, "{name}");
    }
}
