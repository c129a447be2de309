//! Filesystems that show a running kernel, and so the machine that runs gokaku: a chroot has them
//! mounted, but their contents are not part of an image.

use std::os::fd::AsFd;

use nix::sys::statfs::fstatfs;

/// Their names, and the numbers by which the kernel distinguishes them.
const PSEUDO: [(u32, &str); 18] = [
    (0x0000_9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6462_6720, "debugfs"),
    (0x7472_6163, "tracefs"),
    (0x7363_6673, "securityfs"),
    (0x0000_1cd1, "devpts"),
    (0x0027_e0eb, "cgroup"),
    (0x6367_7270, "cgroup2"),
    (0x6265_6570, "configfs"),
    (0xf97c_ff8c, "selinuxfs"),
    (0x4341_5d53, "smackfs"),
    (0xcafe_4a11, "bpf"),
    (0x1980_0202, "mqueue"),
    (0x6165_676c, "pstore"),
    (0xde5e_81e4, "efivarfs"),
    (0x4249_4e4d, "binfmt_misc"),
    (0x6573_5543, "fusectl"),
    (0x6e73_6673, "nsfs"),
];

/// The name of the filesystem that a descriptor is on, if it is one of these. Asking neither opens
/// nor reads anything: a descriptor that only names a path is enough.
pub(super) fn name_of(fd: impl AsFd) -> nix::Result<Option<&'static str>> {
    // All of them fit into 32 bits; the type differs by architecture and C library.
    #[allow(clippy::unnecessary_cast)]
    let found = fstatfs(fd)?.filesystem_type().0 as u32;
    Ok(PSEUDO.iter().find(|(number, _)| *number == found).map(|(_, name)| *name))
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn the_kernels_own_files_are_told_from_others() {
        let top = tempfile::tempdir().unwrap();
        assert_eq!(name_of(File::open(top.path()).unwrap()), Ok(None));
        let places = [("/proc", "proc"), ("/proc/self/mounts", "proc"), ("/sys", "sysfs")];
        for (place, want) in places {
            // A sandbox may have something else there, or nothing.
            let found = File::open(place).map(name_of);
            assert!(matches!(found, Err(_) | Ok(Ok(None))) || found.unwrap() == Ok(Some(want)));
        }
        assert_eq!(name_of(File::open("/dev").unwrap()), Ok(None), "devices are no such files");
    }
}
