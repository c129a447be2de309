//! How a filesystem of an image is mounted and checked: the arguments, as text for a script.

use std::path::Path;
use std::time::{Duration, Instant};

use super::messages;
use super::mounts::Mount;
use crate::error::{Error, Result};

/// For how long a btrfs that was just unmounted may still be known to the kernel.
const LINGERS: Duration = Duration::from_secs(5);

/// The program that checks a filesystem without writing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checker {
    /// The Debian package that holds it.
    pub package: &'static str,
    /// The command, to which the device is added.
    pub command: &'static str,
}

/// The checker of a kind of filesystem; `None` for what is not mounted.
pub fn checker(kind: &str) -> Option<Checker> {
    let (package, command) = match kind {
        "ext2" | "ext3" | "ext4" => ("e2fsprogs", "e2fsck -f -n"),
        "xfs" => ("xfsprogs", "xfs_repair -n"),
        "btrfs" => ("btrfs-progs", "btrfs check --readonly"),
        "vfat" => ("dosfstools", "fsck.fat -n"),
        _ => return None,
    };
    Some(Checker { package, command })
}

/// The arguments of `mount` for a filesystem that lies in a file. Nothing that its superblock says
/// about a mount counts, and a mount for reading writes nothing, not even a journal's recovery.
pub fn arguments(mount: &Mount, write: bool) -> String {
    let (driver, own, reading) = match mount.kind {
        // The driver of ext4 takes the older ones, too. It is not to fill the tables of inodes that mke2fs
        // has left empty: holes of the image, for which nobody has asked for room.
        "ext2" | "ext3" | "ext4" => {
            ("ext4", ",errors=remount-ro,nodiscard,nogrpid,noinit_itable", ",noload")
        }
        "xfs" => ("xfs", ",nouuid", ",norecovery"),
        "btrfs" => ("btrfs", ",subvolid=5,nodiscard", ""),
        other => (other, "", ""),
    };
    let (access, reading) = if write { ("rw", "") } else { ("ro", reading) };
    format!(
        "-t {driver} -o {access},loop,offset={},sizelimit={},noatime,nosuid,nodev,noexec{own}{reading}",
        mount.start, mount.size
    )
}

/// Makes sure that no btrfs of one of these UUIDs is mounted on this machine: the kernel takes two of
/// one UUID for parts of one filesystem.
///
/// # Errors
/// [`Error::Guard`] when one stays mounted.
pub(super) fn is_alone<'a>(known: &Path, uuids: impl Iterator<Item = &'a str>) -> Result<()> {
    let end = Instant::now() + LINGERS;
    for uuid in uuids {
        #[allow(clippy::disallowed_methods)] // a question to the running kernel
        while known.join(uuid).exists() {
            if Instant::now() > end {
                return Err(Error::Guard(messages::same_uuid(uuid)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: &'static str) -> Mount {
        Mount {
            path: "/".into(),
            partition: 1,
            start: 512,
            size: 4096,
            kind,
            journal: 0,
            clean: true,
            uuid: None,
        }
    }

    #[test]
    fn what_is_mounted_has_a_checker_and_safe_options() {
        for kind in ["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"] {
            assert!(checker(kind).is_some(), "{kind}");
            for (write, access) in [(false, "ro"), (true, "rw")] {
                let found = arguments(&of(kind), write);
                let options: Vec<&str> = found.rsplit(' ').next().unwrap().split(',').collect();
                for want in
                    [access, "loop", "offset=512", "sizelimit=4096", "nosuid", "nodev", "noexec"]
                {
                    assert!(options.contains(&want), "{kind}: {found}");
                }
            }
        }
        assert_eq!(checker("crypto_LUKS"), None);
    }

    #[test]
    fn a_mount_for_reading_does_not_recover_a_journal() {
        for (kind, option) in [("ext3", "noload"), ("ext4", "noload"), ("xfs", "norecovery")] {
            assert!(arguments(&of(kind), false).ends_with(option));
            assert!(!arguments(&of(kind), true).contains(option));
        }
        let old = arguments(&of("ext2"), true);
        assert!(old.starts_with("-t ext4 ") && old.contains("errors=remount-ro"), "{old}");
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn a_mounted_btrfs_of_the_same_name_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        is_alone(dir.path(), ["a"].into_iter()).unwrap();
        let why = is_alone(dir.path(), ["a", "b"].into_iter()).unwrap_err().to_string();
        assert!(why.contains("same UUID (b)"), "{why}");
    }
}
