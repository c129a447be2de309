//! Images of several filesystems and formats: all of it is judged, written, and undone as one.

use std::collections::BTreeMap;

use crate::image::{Bench, changed_paths, differing};
use crate::image_room::kernel_has;
use crate::support::{have, skip};

/// Shell: `machine IMAGE` makes a disk with a GPT of EFI, /boot (ext2), / (ext4), /var (ext4), /home
/// ($KIND: xfs, btrfs or ext4) and /srv (ext4); AppArmor is off in /boot, and people's homes are open to all. `whole
/// IMAGE NAME` lists all of it.
const MACHINE: &str = r#"
# part SECTOR: puts the filesystem in the file f into its partition.
part() { dd if=f of="$made" bs=512 seek="$1" conv=notrunc,sparse status=none; rm f; }
machine() {
    made=$1
    rm -rf m; tree m; mkdir -p boot/grub homes/ann people/home/bob
    printf 'linux /vmlinuz root=LABEL=root ro quiet apparmor=0\n' >boot/grub/grub.cfg
    mv m/var var; rm -rf m/boot/*; mkdir -p m/var m/boot/efi m/home m/srv
    printf 'ann:x:1001:1001::/home/ann:/bin/bash\nbob:x:1002:1002::/srv/home/bob:/bin/bash\n' >>m/etc/passwd
    printf 'ann:!:18000:0:99999:7:::\nbob:!:18000:0:99999:7:::\n' >>m/etc/shadow
    printf 'ann:x:1001:\nbob:x:1002:\n' >>m/etc/group
    printf 'ann:!::\nbob:!::\n' >>m/etc/gshadow
    chown 1001:1001 homes/ann; chown 1002:1002 people/home/bob; chmod 777 homes/ann people/home/bob
    {
        echo '# made by the installer'
        echo 'LABEL=root / ext4 defaults 0 1'
        echo '/dev/disk/by-label/boot /boot auto defaults 0 2'
        echo 'LABEL=UEFI /boot/efi vfat umask=0077 0 1'
        echo 'PARTLABEL=var /var ext4 defaults 0 2'
        echo "/dev/vda5 /home $KIND defaults 0 2"
        echo '/dev/vda6 /srv ext4 defaults 0 2'
        echo '/dev/disk/cloud/azure_resource-part1 /mnt auto defaults,nofail 0 2'
    } >m/etc/fstab
    rm -f "$1"; truncate -s 680M "$1"
    sfdisk -q "$1" <<END
label: gpt
start=2048, size=16384, type=uefi
start=18432, size=32768
start=51200, size=262144
start=313344, size=196608, name=var
start=509952, size=655360
start=1165312, size=65536
END
    truncate -s 8M f; ! command -v mkfs.vfat >/dev/null || mkfs.vfat -n UEFI f >&2; part 2048
    mke2fs -q -F -t ext2 -L boot -d boot f 16M; part 18432
    mke2fs -q -F -t ext4 -L root -d m f 128M; part 51200
    mke2fs -q -F -t ext4 -d var f 96M; part 313344
    if [ "$KIND" = xfs ]; then
        truncate -s 320M f; mkfs.xfs -q f; mkdir -p mnt
        unshare -m --propagation private sh -euc 'mount -t xfs -o loop f mnt; cp -a homes/. mnt/; umount mnt'
    elif [ "$KIND" = btrfs ]; then
        truncate -s 320M f; mkfs.btrfs -q --rootdir homes f >&2
    else
        mke2fs -q -F -t ext4 -d homes f 320M
    fi
    part 509952
    mke2fs -q -F -t ext4 -d people f 32M; part 1165312
    rm -rf m boot var homes people
}
whole() {
    mkdir -p mnt
    unshare -m --propagation private sh -euc "$LISTING"'
        at() { mount -t "$1" -o "ro,loop,$4,offset=$(($2 * 512)),sizelimit=$3" "$IMAGE" "mnt$5"; }
        at ext4 51200 134217728 noload ""
        at ext2 18432 16777216 noatime /boot
        at ext4 313344 100663296 noload /var
        case $KIND in xfs) at xfs 509952 335544320 norecovery,nouuid /home ;;
        btrfs) at btrfs 509952 335544320 noatime /home ;;
        *) at ext4 509952 335544320 noload /home ;; esac
        at ext4 1165312 33554432 noload /srv
        for part in "" /boot /var /home /srv; do
            OUT=$DIR GOKAKU_ROOT=$DIR/mnt$part listing one
            sed "s,^,$part," one
        done | sort >"$1"' sh "$2"
}
sound() {
    for sector in 18432 51200 313344 1165312; do e2fsck -fn "$1?offset=$((sector * 512))" >&2; done
    dd if="$1" of=f bs=512 skip=509952 count=655360 conv=sparse status=none
    case $KIND in xfs) xfs_repair -n f >&2 ;; btrfs) btrfs check -q --readonly f >&2 ;; esac
    rm f
}
"#;

/// What /home can be of on this machine.
fn home_types(test: &str) -> Vec<&'static str> {
    let has = |(kind, tool): &(&'static str, &str)| {
        let known = kernel_has(kind);
        if !known {
            skip(
                test,
                &format!("the part about {kind}: the kernel here has none; ext4 stands for it"),
            );
        }
        known && have(test, &[tool])
    };
    let all = [("xfs", "mkfs.xfs:xfsprogs"), ("btrfs", "mkfs.btrfs:btrfs-progs")];
    let mut kinds: Vec<&str> = all.iter().filter(|one| has(one)).map(|(kind, _)| *kind).collect();
    if kinds.is_empty() {
        kinds.push("ext4");
    }
    kinds
}

/// The first of them.
fn home_type(test: &str) -> &'static str {
    home_types(test)[0]
}

fn machine(bench: &Bench, kind: &str) {
    sh(bench, kind, "machine disk.raw");
}

fn sh(bench: &Bench, kind: &str, script: &str) -> String {
    bench.sh(&format!("{MACHINE}\nexport KIND={kind}\n{script}"))
}

fn whole(bench: &Bench, kind: &str, name: &str) -> BTreeMap<String, String> {
    sh(bench, kind, &format!("export IMAGE=disk.raw; whole disk.raw {name}; sound disk.raw"));
    let text = std::fs::read_to_string(bench.path(name)).unwrap();
    text.lines().filter_map(|l| l.split_once('\t')).map(|(p, r)| (p.into(), r.into())).collect()
}

#[test]
fn a_machine_of_several_filesystems_is_judged_and_written_as_a_whole() {
    let test = "a_machine_of_several_filesystems_is_judged_and_written_as_a_whole";
    let Some(bench) = Bench::new(test) else { return };
    home_types(test).into_iter().for_each(|kind| is_one_machine(test, &bench, kind));
}

fn is_one_machine(test: &str, bench: &Bench, kind: &str) {
    machine(bench, kind);
    let before = whole(bench, kind, "before");
    let run = bench.harden("disk.raw", &[]);
    // What is wrong in /boot is seen, and is nothing that is put right.
    assert_eq!(run.status, Some(2), "{}", run.log);
    assert!(run.log.contains("gokaku: error: 1.6.1.3 not met"), "{}", run.log);
    assert!(run.log.contains("left: /mnt: "), "{}", run.log);
    if !kernel_has("vfat") || !have(test, &["mkfs.vfat:dosfstools"]) {
        skip(test, "the part about /boot/efi: the kernel here has no vfat; it is left");
        assert!(run.log.contains("left: /boot/efi: "), "{}", run.log);
    } else {
        assert!(!run.log.contains("left: /boot/efi: "), "{}", run.log);
    }
    let changed = changed_paths(&bench.json("disk.raw.gokaku.json"));
    for path in ["/etc/fstab", "/home/ann", "/srv/home/bob"] {
        assert!(changed.contains(path), "{path}: {changed:?}");
    }
    assert_eq!(differing(&before, &whole(bench, kind, "after")), changed);
    assert_eq!(bench.sh("ls -A state"), "mount\n", "no journal is left");

    let sum = bench.sum("disk.raw");
    let again = bench.harden("disk.raw", &[]);
    assert!(again.log.contains("not written to"), "{}", again.log);
    assert_eq!(bench.sum("disk.raw"), sum);
}

/// A gokaku whose renames or changes of mode fail from the `$WHEN`th on.
const FAILS: &str = r#"cat >fails <<'END'
#!/bin/sh
case $1 in
apply) exec strace -f -o "$DIR/trace" -e trace=renameat2,renameat,rename,fchmod,fchmodat \
    -e inject=renameat2,renameat,rename,fchmod,fchmodat:error=EIO:when=$WHEN "$REAL" "$@" ;;
esac
exec "$REAL" "$@"
END
chmod +x fails
"#;

#[test]
fn a_failure_in_one_filesystem_takes_the_others_back() {
    let test = "a_failure_in_one_filesystem_takes_the_others_back";
    let Some(bench) = Bench::new(test) else { return };
    let kind = home_type(test);
    machine(&bench, kind);
    bench.sh(FAILS);
    let before = whole(&bench, kind, "before");
    let fails = bench.path("fails");
    let mut failed = 0;
    for when in (3..60).step_by(5) {
        let when = when.to_string();
        let settings = [("GOKAKU_BINARY", fails.to_str().unwrap()), ("WHEN", &when)];
        let run = bench.harden("disk.raw", &settings);
        if run.status != Some(1) {
            break;
        }
        failed += 1;
        assert_eq!(
            differing(&before, &whole(&bench, kind, "after")),
            [].into(),
            "{when}: {}",
            run.log
        );
        assert_eq!(bench.sh("ls -A state"), "mount\n", "{when}");
    }
    assert!(failed > 2, "{failed}");
}

#[test]
fn a_filesystem_that_is_missing_when_a_run_is_undone_is_asked_for() {
    let test = "a_filesystem_that_is_missing_when_a_run_is_undone_is_asked_for";
    let Some(bench) = Bench::new(test) else { return };
    let kind = home_type(test);
    machine(&bench, kind);
    let told = bench.sh(r#"mkdir -p root; unshare -m --propagation private sh -euc '
            at() { mount -o "loop,offset=$(($1 * 512)),sizelimit=$2" disk.raw "root$3"; }
            at 51200 134217728 ""; at 313344 100663296 /var; at 509952 335544320 /home
            at 1165312 33554432 /srv
            status=0; "$REAL" apply -q --root root --state-dir journals -o /dev/null || status=$?
            echo "apply $status"
            umount root/home
            status=0; "$REAL" revert -q --root root --state-dir journals 2>why || status=$?
            echo "without $status"; cat why
            at 509952 335544320 /home
            "$REAL" revert --root root --state-dir journals >/dev/null; echo "with $?"
            stat -c %a root/home/ann root/srv/home/bob; umount -R root'"#);
    assert!(told.contains("without 3") && told.contains("not mounted at /home"), "{told}");
    assert!(told.ends_with("with 0\n777\n777\n"), "{told}");
}

#[test]
fn an_mbr_with_logical_partitions_is_one_machine() {
    let test = "an_mbr_with_logical_partitions_is_one_machine";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh(
        "tree t; mkdir -p homes/ann; chmod 777 homes/ann; chown 1001:1001 homes/ann
        echo 'ann:x:1001:1001::/home/ann:/bin/bash' >>t/etc/passwd
        echo 'ann:!:18000:0:99999:7:::' >>t/etc/shadow; echo 'ann:x:1001:' >>t/etc/group
        echo 'ann:!::' >>t/etc/gshadow
        printf '/dev/sda1 / ext4 defaults 0 1\\n/dev/sda6 /home ext3 defaults 0 2\\n' >t/etc/fstab
        mkdir -p t/home
        truncate -s 160M disk.raw
        sfdisk -q disk.raw <<END
label: dos
start=2048, size=196608
start=200704, size=122880, type=5
start=202752, size=8192, type=83
start=212992, size=65536, type=83
END
        filesystem t disk.raw offset=1048576
        mke2fs -q -F -t ext3 -d homes home 32M; dd if=home of=disk.raw bs=512 seek=212992 conv=notrunc status=none",
    );
    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    assert!(run.log.contains("2 filesystems, clean"), "{}", run.log);
    let changed = changed_paths(&bench.json("disk.raw.gokaku.json"));
    assert!(changed.contains("/home/ann") && changed.contains("/etc/fstab"), "{changed:?}");
    bench.fsck("disk.raw?offset=1048576");
    bench.fsck("disk.raw?offset=109051904");
    let mode =
        bench.sh("debugfs -R 'stat /ann' 'disk.raw?offset=109051904' | grep -o 'Mode: *[0-9]*'");
    assert!(mode.trim_end().ends_with("750"), "{mode}");
}

#[test]
fn what_cannot_be_mounted_is_refused_by_name() {
    let test = "what_cannot_be_mounted_is_refused_by_name";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; cp -a t/etc/fstab fstab");
    for (line, told) in [
        ("/dev/mapper/vg-var /var ext4 defaults 0 2", "/var: /dev/mapper/vg-var is of LVM"),
        ("/dev/md0 /home ext4 defaults 0 2", "/home: /dev/md0 is a RAID"),
        ("nas:/export /srv nfs defaults 0 0", "/srv: nas:/export is on the network"),
        ("LABEL=data /opt ext4 defaults 0 2", "/opt: LABEL=data is on another disk"),
        ("LABEL=cloudimg-rootfs /home btrfs subvol=@home 0 2", "/home: partition 0, a subvolume"),
        (
            "LABEL=cloudimg-rootfs /etc/alternatives/none ext4 defaults 0 2",
            "where no directory stands",
        ),
    ] {
        bench.sh(&format!("{{ cat fstab; echo '{line}'; }} >t/etc/fstab; filesystem t disk.raw"));
        let sum = bench.sum("disk.raw");
        let run = bench.harden("disk.raw", &[]);
        assert_eq!(run.status, Some(3), "{line}: {}", run.log);
        assert!(run.log.contains(told), "{line}: {}", run.log);
        assert_eq!(bench.sum("disk.raw"), sum);
    }
    // LVM and encryption where the system itself would be.
    bench.sh("cp disk.raw lvm.raw
        printf LABELONE | dd of=lvm.raw bs=512 seek=1 conv=notrunc status=none
        printf 'LVM2 001' | dd of=lvm.raw bs=1 seek=536 conv=notrunc status=none
        cp disk.raw luks.raw; printf 'LUKS\\272\\276' | dd of=luks.raw conv=notrunc status=none");
    for (image, told) in [("lvm.raw", "0: LVM2_member"), ("luks.raw", "0: crypto_LUKS")] {
        let run = bench.harden(image, &[]);
        assert_eq!(run.status, Some(3), "{image}: {}", run.log);
        assert!(run.log.contains(told), "{image}: {}", run.log);
    }
}

/// Shell: a system whose root, or whose /home, is a btrfs; `subvolume` puts a subvolume into one.
const BTRFS: &str = r#"
root() {
    rm -rf m disk.raw; cp -a t m; printf '/dev/vda / btrfs defaults 0 1\n' >m/etc/fstab
    truncate -s 256M disk.raw; mkfs.btrfs -q --rootdir m disk.raw >&2
}
subvolume() {
    mkdir -p mnt
    unshare -m --propagation private sh -euc 'mount -o loop disk.raw mnt
        btrfs subvolume create mnt/"$1" >&2; ${2:-:}; umount mnt' sh "$1" "${2:-}"
}
"#;

#[test]
fn a_btrfs_without_subvolumes_is_hardened_and_one_that_begins_in_a_subvolume_is_refused() {
    let test =
        "a_btrfs_without_subvolumes_is_hardened_and_one_that_begins_in_a_subvolume_is_refused";
    let Some(bench) = Bench::new(test) else { return };
    if !kernel_has("btrfs") {
        return skip(test, "the kernel here has no btrfs");
    }
    if !have(test, &["mkfs.btrfs:btrfs-progs"]) {
        return;
    }
    let btrfs = |script: &str| bench.sh(&format!("{BTRFS}\n{script}"));
    let listing = |name: &str| {
        bench.sh(&format!(
            r#"mkdir -p mnt; unshare -m --propagation private sh -euc "$LISTING"'
                mount -o ro,loop disk.raw mnt; OUT=$DIR GOKAKU_ROOT=$DIR/mnt listing {name}'"#
        ));
        let text = std::fs::read_to_string(bench.path(name)).unwrap();
        let pairs = text.lines().filter_map(|l| l.split_once('\t'));
        pairs.map(|(p, r)| (p.to_owned(), r.to_owned())).collect::<BTreeMap<_, _>>()
    };
    btrfs("tree t; root");
    let before = listing("before");
    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    let changed = changed_paths(&bench.json("disk.raw.gokaku.json"));
    assert!(changed.len() > 15, "{changed:?}");
    assert_eq!(differing(&before, &listing("after")), changed);
    bench.sh("btrfs check -q --readonly disk.raw >&2");
    let sum = bench.sum("disk.raw");
    let again = bench.harden("disk.raw", &[]);
    assert!(again.log.contains("not written to"), "{}", again.log);
    assert_eq!(bench.sum("disk.raw"), sum);

    // The root of this machine would be in a subvolume, whatever the fstab says: the system is not at the top.
    btrfs("root; subvolume @ 'mv mnt/etc mnt/usr mnt/lib mnt/var mnt/@/'");
    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(3), "{}", run.log);
    // Its fstab mounts a part of it elsewhere.
    btrfs(
        "printf '/dev/vda / btrfs\\n/dev/vda /home btrfs subvol=@home\\n' >fstab
        root; subvolume @home 'cp fstab mnt/etc/fstab'",
    );
    let sum = bench.sum("disk.raw");
    let run = bench.harden("disk.raw", &[]);
    assert_eq!(run.status, Some(3), "{}", run.log);
    assert!(run.log.contains("/home: partition 0, a subvolume"), "{}", run.log);
    assert_eq!(bench.sum("disk.raw"), sum);
}

#[test]
fn a_fixed_vhd_stays_one_and_others_are_refused() {
    let test = "a_fixed_vhd_stays_one_and_others_are_refused";
    let Some(bench) = Bench::new(test) else { return };
    bench.sh("tree t; partitioned t raw
        qemu-img convert -f raw -O vpc -o subformat=fixed,force_size raw disk.vhd
        qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size raw grows.vhd
        qemu-img convert -f raw -O vhdx raw disk.vhdx
        head -c 1000 raw >odd; cat odd >odd.vhd; tail -c 512 disk.vhd >>odd.vhd
        tail -c 512 disk.vhd >footer; stat -c %s disk.vhd >size");
    let before = bench.listing("disk.vhd", 4_194_304, "before");
    let run = bench.harden("disk.vhd", &[]);
    assert_eq!(run.status, Some(0), "{}", run.log);
    bench.fsck("disk.vhd?offset=4194304");
    let changed = changed_paths(&bench.json("disk.vhd.gokaku.json"));
    assert_eq!(differing(&before, &bench.listing("disk.vhd", 4_194_304, "after")), changed);
    assert!(changed.len() > 15);
    bench.sh("tail -c 512 disk.vhd | cmp - footer; [ $(stat -c %s disk.vhd) = $(cat size) ]
        [ $((($(cat size) - 512) % 1048576)) = 0 ]
        qemu-img info -f vpc disk.vhd | grep -q 'virtual size: 128 MiB'");
    for (image, told) in [
        ("grows.vhd", "qemu-img convert -f vpc -O raw"),
        ("disk.vhdx", "qemu-img convert -f vhdx -O raw"),
        ("odd.vhd", "footer says 134217728 bytes"),
    ] {
        let sum = bench.sum(image);
        let run = bench.harden(image, &[]);
        assert_eq!(run.status, Some(3), "{image}: {}", run.log);
        assert!(run.log.contains(told), "{image}: {}", run.log);
        assert_eq!(bench.sum(image), sum);
    }
}
