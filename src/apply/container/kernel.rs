//! The kernel's view in a container: its own processes and devices, and a read-only view of
//! everything that belongs to this machine.
#![allow(clippy::disallowed_methods)] // paths are the root's own once it has been entered

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};

/// The devices a program may use, with their numbers: none of them is this machine's own hardware.
pub(super) const DEVICES: [(&str, u64, u64); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// What cannot be written, as container runtimes have it.
const READ_ONLY: [&str; 5] =
    ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"];
/// What cannot even be read, as container runtimes have it, and the kernel's log and addresses.
const MASKED: [&str; 18] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kallsyms",
    "/proc/kcore",
    "/proc/keys",
    "/proc/key-users",
    "/proc/kmsg",
    "/proc/kpagecgroup",
    "/proc/kpagecount",
    "/proc/kpageflags",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

const NONE: Option<&str> = None;
pub(super) const QUIET: MsFlags =
    MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

pub(super) fn put(what: &str, on: &str, flags: MsFlags, data: Option<&str>) -> Result<(), String> {
    mount(Some(what), on, Some(what), flags, data).map_err(|e| format!("{on}: cannot mount: {e}"))
}

pub(super) fn bind(from: &str, on: &str) -> Result<(), String> {
    mount(Some(from), on, NONE, MsFlags::MS_BIND, NONE)
        .map_err(|e| format!("{on}: cannot mount: {e}"))
}

fn read_only(on: &str, flags: MsFlags) -> Result<(), String> {
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | flags;
    mount(NONE, on, NONE, flags, NONE).map_err(|e| format!("{on}: cannot be made read-only: {e}"))
}

/// A descriptor from outside, as a path. Only once `/proc` is mounted.
pub(super) fn outside(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

pub(super) fn make_dir(path: &str, mode: u32) -> Result<(), String> {
    match std::fs::DirBuilder::new().mode(mode).create(path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => {
            Err(format!("{path}: cannot make the directory: {e}"))
        }
        // The mask of modes takes bits away.
        _ => std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
            .map_err(|e| format!("{path}: cannot set the mode: {e}")),
    }
}

/// `/proc` of the own processes, and `/sys`.
pub(super) fn proc_and_sys() -> Result<(), String> {
    put("proc", "/proc", QUIET, None)?;
    match put("sysfs", "/sys", QUIET | MsFlags::MS_RDONLY, None) {
        // In a user namespace, /sys belongs to who owns the network; scripts can do without.
        Err(_) => put("tmpfs", "/sys", QUIET | MsFlags::MS_RDONLY, Some("size=0k,mode=755")),
        Ok(()) => Ok(()),
    }
}

/// Closes what of these is this machine's. The last thing before a program runs.
pub(super) fn mask() -> Result<(), String> {
    for path in READ_ONLY {
        if Path::new(path).exists() {
            bind(path, path)?;
            read_only(path, QUIET)?;
        }
    }
    for path in MASKED {
        let Ok(found) = std::fs::symlink_metadata(path) else { continue };
        if found.is_dir() {
            put("tmpfs", path, QUIET | MsFlags::MS_RDONLY, Some("size=0k,mode=755"))?;
        } else {
            bind("/dev/null", path)?;
        }
    }
    Ok(())
}

/// A `/dev` of its own, with nodes of its own where nodes can be made. Elsewhere this machine's are
/// bound there, and cannot be changed.
pub(super) fn dev(devices: &[(&str, OwnedFd)]) -> Result<(), String> {
    const FLAGS: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NOEXEC);
    put("tmpfs", "/dev", FLAGS, Some("mode=755,size=1m"))?;
    for ((name, major, minor), (_, fd)) in DEVICES.iter().zip(devices) {
        let path = format!("/dev/{name}");
        let everybody = Mode::from_bits_truncate(0o666);
        match mknod(path.as_str(), SFlag::S_IFCHR, everybody, makedev(*major, *minor)) {
            Ok(()) => std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666))
                .map_err(|e| format!("{path}: cannot set the mode: {e}"))?,
            Err(Errno::EPERM) => {
                File::create(&path).map_err(|e| format!("{path}: cannot make: {e}"))?;
                bind(&outside(fd), &path)?;
                read_only(&path, FLAGS)?;
            }
            Err(e) => return Err(format!("{path}: cannot make: {e}")),
        }
    }
    make_dir("/dev/pts", 0o755)?;
    put("devpts", "/dev/pts", FLAGS, Some("newinstance,ptmxmode=0666,mode=620,gid=5"))?;
    make_dir("/dev/shm", 0o1777)?;
    put("tmpfs", "/dev/shm", QUIET, Some("mode=1777,size=64m,nr_inodes=10k"))?;
    for (name, target) in LINKS {
        symlink(target, Path::new("/dev").join(name))
            .map_err(|e| format!("/dev/{name}: cannot make the link: {e}"))?;
    }
    Ok(())
}

/// `/run` and `/tmp` of its own, in memory, with a bound.
pub(super) fn run_and_tmp() -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    put("tmpfs", "/run", flags, Some("mode=755,size=64m,nr_inodes=20k"))?;
    make_dir("/run/lock", 0o1777)?;
    if std::fs::symlink_metadata("/tmp").is_ok_and(|m| m.is_dir()) {
        put("tmpfs", "/tmp", flags, Some("mode=1777,size=512m,nr_inodes=200k"))?;
    }
    Ok(())
}
