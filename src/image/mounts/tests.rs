//! What an fstab names, and what comes of it.

use super::*;
use crate::image::superblock::Filesystem;

fn filesystem(kind: &'static str, uuid: &str, label: &str) -> Filesystem {
    Filesystem {
        kind,
        uuid: Some(uuid.into()),
        label: Some(label.into()),
        journal: 0,
        clean: true,
        refused: (kind == "LVM2_member").then(messages::lvm),
    }
}

/// A disk of a root, /boot, /var, an LVM and two partitions of one label.
fn partitions() -> Vec<Partition> {
    let kinds = [
        filesystem("ext4", "aaaa-1", "cloudimg-rootfs"),
        filesystem("ext2", "bbbb-2", "boot"),
        filesystem("ext4", "cccc-3", "a b"),
        filesystem("LVM2_member", "dddd-4", "pv"),
        filesystem("ext4", "eeee-5", "twice"),
        filesystem("ext4", "ffff-6", "twice"),
    ];
    let partition = |(filesystem, number): (Filesystem, u32)| Partition {
        number,
        start: u64::from(number) << 20,
        size: 1 << 20,
        uuid: Some(format!("1234abcd-0{number}")),
        name: Some(format!("part{number}")),
        filesystem: Some(filesystem),
    };
    kinds.into_iter().zip(1..).map(partition).collect()
}

fn system(fstab: &str) -> System {
    let homes = ["/data/people/ann".to_owned()];
    System::of(&fstab::entries(fstab), &homes, &partitions(), 1, true)
}

fn mounted(fstab: &str) -> Vec<(String, u32)> {
    system(fstab).mounts.into_iter().map(|m| (m.path, m.partition)).collect()
}

#[test]
fn every_way_to_name_a_partition_is_known() {
    for source in [
        "UUID=BBBB-2",
        "UUID=\"bbbb-2\"",
        "LABEL=boot",
        "PARTUUID=1234ABCD-02",
        "PARTLABEL=part2",
        "/dev/disk/by-uuid/bbbb-2",
        "/dev/disk/by-label/boot",
        "/dev/sda2",
        "/dev/vda2",
        "/dev/nvme0n1p2",
        "/dev/mmcblk0p2",
        "/dev/xvda2",
    ] {
        let found = mounted(&format!("{source} /boot ext2 defaults"));
        assert_eq!(found, [("/".into(), 1), ("/boot".into(), 2)], "{source}");
    }
    let odd = mounted("/dev/disk/by-label/a\\x20b /var\nLABEL=a\\040b /var/log auto noauto");
    assert_eq!(odd, [("/".into(), 1), ("/var".into(), 3)]);
    // The disk is the one that holds the root.
    let second = system("/dev/vdb1 / ext4\n/dev/vdb2 /boot ext2\n/dev/vda3 /var ext4 nofail");
    assert_eq!((second.mounts.len(), second.names_itself), (2, true));
    assert_eq!(second.left[0].path, "/var");
    assert!(!system("LABEL=boot / ext4").names_itself);
    let twice = fstab::entries("LABEL=twice / ext4");
    let twice = |number| System::of(&twice, &[], &partitions(), number, true).names_itself;
    assert_eq!((twice(5), twice(6), twice(1)), (true, true, false));
}

#[test]
fn a_place_below_another_comes_after_it_and_the_last_line_counts() {
    let found = mounted("LABEL=boot /var/log ext2\nUUID=cccc-3 /var ext4");
    assert_eq!(found, [("/".into(), 1), ("/var".into(), 3), ("/var/log".into(), 2)]);
    let found = mounted("LABEL=pv /var ext4\nLABEL=boot /var/ ext2");
    assert_eq!(found, [("/".into(), 1), ("/var".into(), 2)]);
}

#[test]
fn what_cannot_be_mounted_is_named_with_its_reason() {
    for (line, why) in [
        ("/dev/mapper/vg-var /var ext4", "LVM or encrypted"),
        ("/dev/md0 /var ext4", "RAID"),
        ("/dev/vg/var /var ext4", "not known where"),
        ("LABEL=pv /var ext4 nofail", "LVM volume group"),
        ("LABEL=twice /var ext4", "two partitions"),
        ("UUID=none /var ext4", "another disk"),
        ("/dev/sdb1 /home ext4", "another disk"),
        ("/dev/sda9 /home ext4", "another disk"),
        ("nas:/home /home nfs nofail", "network"),
        ("//nas/home /home cifs", "network"),
        ("LABEL=boot /home/@ btrfs subvol=@home", "subvolume"),
        ("LABEL=boot /var/a\\040b ext4", "odd characters"),
        ("LABEL=boot /data ext4,subvol=x subvolid=5", "subvolume"),
        ("UUID=none /srv ext4 noauto,x-systemd.automount", "another disk"),
    ] {
        let found = system(line);
        assert_eq!((found.mounts.len(), found.left.len()), (1, 0), "{line}");
        assert!(found.refused[0].why.to_string().contains(why), "{line}: {:?}", found.refused);
    }
    assert_eq!(system("LABEL=x / btrfs subvol=@").refused[0].path, "/");
}

#[test]
fn what_no_row_looks_into_is_left() {
    for (line, why) in [
        ("UUID=none /var ext4 nofail", "another disk (nofail)"),
        (
            "/dev/disk/cloud/azure_resource-part1 /mnt auto defaults,nofail,x",
            "another disk (nofail)",
        ),
        ("LABEL=pv /boot/efi vfat", "no row looks into it"),
        ("UUID=none /mnt ext4", "no row looks into it"),
        ("tmpfs /tmp tmpfs", "before the system runs"),
        ("/var/tmp /tmp none bind", "bind"),
        ("LABEL=boot /var ext4 noauto", "noauto"),
    ] {
        let found = system(line);
        assert_eq!(
            (found.mounts.len(), found.refused.len()),
            (1, 0),
            "{line}: {:?}",
            found.refused
        );
        assert!(found.left[0].why.to_string().contains(why), "{line}: {:?}", found.left);
    }
    // Somebody lives there.
    assert_eq!(system("UUID=none /data ext4").refused.len(), 1);
    assert_eq!(system("LABEL=pv none swap sw\n# LABEL=pv /var ext4").left, []);
}

#[test]
fn an_fstab_without_end_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    #[allow(clippy::disallowed_methods)]
    let file = {
        std::fs::create_dir(dir.path().join("etc")).unwrap();
        std::fs::File::create(dir.path().join("etc/fstab")).unwrap()
    };
    file.set_len(2 << 30).unwrap();
    let root = DiskRootfs::open(dir.path()).unwrap();
    let why = System::read(&root, &partitions(), 1).unwrap_err();
    assert!(
        matches!(why, Error::Guard(_)) && why.to_string().contains("2147483648 bytes"),
        "{why}"
    );
    file.set_len(0).unwrap();
    let root = root.reopen().unwrap();
    assert!(!System::read(&root, &partitions(), 1).unwrap().is_system);
}
