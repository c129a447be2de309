//! Which partition is the root, and what a script reads of it.
#![allow(clippy::disallowed_methods)]

use std::fs;

use super::*;
use crate::image::Table;
use crate::image::format::Format;

/// A partition of each kind, numbered from 1; what ends in `!` was not unmounted.
fn image(kinds: &[&'static str]) -> Inspection {
    let partition = |(kind, number): (&&'static str, u32)| {
        let plain = kind.trim_end_matches('!');
        let known = Filesystem {
            kind: plain,
            uuid: Some(format!("uuid-{number}")),
            label: None,
            journal: 0,
            clean: plain == *kind,
            refused: (plain == "crypto_LUKS").then(messages::luks),
        };
        Partition {
            number,
            start: u64::from(number) << 20,
            size: 1 << 20,
            uuid: None,
            name: None,
            filesystem: (plain != "none").then_some(known),
        }
    };
    Inspection {
        schema: "gokaku.image/1",
        image: "disk".into(),
        format: Format::Raw,
        size: 1 << 30,
        table: Some(Table::Gpt),
        partitions: kinds.iter().zip(1..).map(partition).collect(),
        system: None,
    }
}

/// Mount points of candidates: a system with this fstab, or none.
struct Tried(tempfile::TempDir);

impl Tried {
    fn new() -> Tried {
        Tried(tempfile::tempdir().unwrap())
    }

    fn system(self, number: u32, fstab: &str) -> Tried {
        let tried = self.empty(number);
        let etc = tried.0.path().join(number.to_string()).join("etc");
        fs::create_dir(&etc).unwrap();
        fs::write(etc.join("os-release"), "ID=ubuntu\n").unwrap();
        fs::write(etc.join("fstab"), fstab).unwrap();
        tried
    }

    fn empty(self, number: u32) -> Tried {
        fs::create_dir(self.0.path().join(number.to_string())).unwrap();
        self
    }

    fn failed(self, number: u32, why: &str) -> Tried {
        fs::write(self.0.path().join(format!("{number}.why")), why).unwrap();
        self
    }

    fn whole(
        &self,
        kinds: &[&'static str],
        wanted: Option<u32>,
    ) -> std::result::Result<Vec<u32>, String> {
        let found = Machine::whole(&image(kinds), wanted, false, self.0.path());
        let numbers = |m: Machine| m.mounts.iter().map(|m| m.partition).collect();
        found.map(numbers).map_err(|e| e.to_string())
    }
}

#[test]
fn what_may_be_the_root_is_tried() {
    let disk = image(&["vfat", "ext4", "swap", "xfs!", "crypto_LUKS", "none", "ext2", "ext3!"]);
    let tried = |wanted, half_done| {
        let found = Machine::candidates(&disk, wanted, half_done).map_err(|e| e.to_string());
        found.map(|m| m.mounts.iter().map(|m| m.partition).collect::<Vec<_>>())
    };
    let numbers = |wanted| tried(wanted, false);
    assert_eq!(numbers(None).unwrap(), [2, 7]);
    assert_eq!(numbers(Some(7)).unwrap(), [7]);
    // Only what e2fsck can mend, and only after a run of ours.
    assert_eq!(tried(None, true).unwrap(), [2, 7, 8]);
    assert_eq!(numbers(Some(8)).unwrap(), [0_u32; 0]);
    assert_eq!(numbers(Some(9)).unwrap(), [0_u32; 0], "the whole machine says that there is none");
    for (wanted, told) in [
        (1, "partition 1 holds vfat, want ext2, ext3, ext4, xfs or btrfs"),
        (
            5,
            "partition 5 holds crypto_LUKS, want ext2, ext3, ext4, xfs or btrfs (it is encrypted (LUKS))",
        ),
        (6, "partition 6 holds unknown"),
    ] {
        assert!(numbers(Some(wanted)).unwrap_err().starts_with(told));
    }
}

#[test]
fn the_one_system_is_the_root() {
    let kinds = ["ext4", "ext4"];
    let one = Tried::new().empty(1).system(2, "");
    assert_eq!(one.whole(&kinds, None), Ok(vec![2]));
    assert_eq!(one.whole(&kinds, Some(1)), Ok(vec![1]), "it was named");
    // Another one that could not be looked at does not matter then.
    let other = Tried::new().failed(1, "is not clean").system(2, "");
    assert_eq!(other.whole(&kinds, None), Ok(vec![2]));
    assert_eq!(other.whole(&["ext4!", "ext4"], None), Ok(vec![2]));
}

#[test]
fn of_two_systems_the_one_that_says_so_is_the_root() {
    let kinds = ["ext4", "ext4"];
    let none = Tried::new().system(1, "").system(2, "LABEL=other / ext4 defaults 0 1\n");
    let why = none.whole(&kinds, None).unwrap_err();
    assert_eq!(
        why,
        "found 0 partitions with a root filesystem, want one (partitions 1: ext4; 2: ext4); name it in \
         GOKAKU_PARTITION"
    );
    assert_eq!(none.whole(&kinds, Some(2)), Ok(vec![2]));
    let second = Tried::new().system(1, "").system(2, "UUID=uuid-2 / ext4 defaults 0 1\n");
    assert_eq!(second.whole(&kinds, None), Ok(vec![2]));
    let own = |n: u32| format!("UUID=uuid-{n} / ext4 defaults 0 1\n");
    let both = Tried::new().system(1, &own(1)).system(2, &own(2));
    assert!(both.whole(&kinds, None).unwrap_err().contains("found 2 partitions"));
    assert!(both.whole(&kinds, Some(7)).unwrap_err().contains("found 0 partitions"));
}

#[test]
fn without_a_system_the_reason_is_said() {
    let dirty = Tried::new().whole(&["ext4!"], None).unwrap_err();
    assert!(dirty.starts_with("partition 1 was not unmounted"), "{dirty}");
    let failed = Tried::new().empty(1).failed(2, "cannot be mounted (\x1b]0;)\n");
    let why = failed.whole(&["ext4", "xfs"], None).unwrap_err();
    assert_eq!(why, "partition 2 cannot be mounted (\\x1b]0;)");
    assert!(
        Tried::new().empty(1).whole(&["ext4"], None).unwrap_err().contains("found 0 partitions")
    );
}

#[test]
fn what_would_be_missed_is_refused_by_name() {
    let fstab = "/dev/md0 /home ext4 defaults 0 2\nnas:/x /srv nfs defaults 0 0\n";
    let why = Tried::new().system(1, fstab).whole(&["ext4"], None).unwrap_err();
    assert!(
        why.starts_with("its fstab mounts /home: /dev/md0 is a RAID; /srv: nas:/x is"),
        "{why}"
    );
    let endless = Tried::new().system(1, "");
    let file = fs::File::create(endless.0.path().join("1/etc/fstab")).unwrap();
    file.set_len(1 << 31).unwrap();
    assert!(endless.whole(&["ext4"], None).unwrap_err().contains("/etc/fstab: found 2147483648"));
}

#[test]
fn what_was_not_unmounted_is_refused() {
    let tried = Tried::new().system(1, "UUID=uuid-2 /var ext4 defaults 0 2\n");
    let why = tried.whole(&["ext4", "ext4!"], None).unwrap_err();
    assert!(why.starts_with("partition 2 (/var) was not unmounted"), "{why}");
}

#[test]
fn a_line_has_no_empty_field() {
    let fstab = "UUID=uuid-2 /var ext4 defaults 0 2\nLABEL=x\x1b /a\\040b auto nofail 0 0\n";
    let tried = Tried::new().system(1, fstab);
    let found = Machine::whole(&image(&["ext4", "ext3!"]), None, true, tried.0.path()).unwrap();
    let lines = found.lines(Lang::En);
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let fields: Vec<&str> = lines[1].split('\t').collect();
    assert_eq!(
        fields[..9],
        ["mount", "2", "/var", "mend", "ext3", "2097152", "1048576", "e2fsprogs", "e2fsck -f -n"]
    );
    assert!(fields[9].starts_with("-t ext4 -o ro,") && fields[10].starts_with("-t ext4 -o rw,"));
    assert!(lines[0].starts_with("mount\t1\t/\tclean\text4\t"), "{}", lines[0]);
    assert!(lines[2].starts_with("left\t/a b\tLABEL=x\\x1b is on another disk"), "{}", lines[2]);
    for line in lines {
        assert!(line.split('\t').all(|field| !field.is_empty()), "{line}");
    }
}
