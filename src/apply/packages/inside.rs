//! The step itself: into the root, then the root's own program.
//!
//! On an offline root, mounts and processes are its own, and so is the network unless something is
//! to be fetched: a package script can reach nothing of this machine. Every mount is made after the
//! change of root, so a link in the tree cannot lead one out; and all of them end with the process.
#![allow(clippy::disallowed_methods)] // paths are the root's own once it has been entered

use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Command;

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{chroot, fchdir};

use super::job::{Job, NOT_STARTED, Place, SCRATCH_INSIDE, die_with_parent};
use super::policy;

/// The devices a package script may use: none of them is this machine's own hardware.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("ptmx", "pts/ptmx"),
];

/// Runs the step's program and returns its exit status; on the program's own root, becomes it.
///
/// # Errors
/// Why it could not be started.
pub(super) fn run(job: &Job) -> Result<u8, String> {
    prepare(job)?;
    let (program, args) = job.command.split_first().ok_or("wrong arguments")?;
    let fail = |e| format!("{}: cannot be run: {e}", program.display());
    let mut command = Command::new(program);
    command.args(args);
    if job.place != Place::Chroot {
        return Err(fail(command.exec()));
    }
    // This process stays the first of its namespace. apt-get changes its user for a moment, and the
    // kernel then forgets that it was to end with its keeper; this one it does not forget.
    let status = command.status().map_err(fail)?;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    Ok(u8::try_from(code).unwrap_or(NOT_STARTED))
}

fn prepare(job: &Job) -> Result<(), String> {
    match job.place {
        // The keeper cannot be seen from inside the new namespace.
        Place::Chroot => set_pdeathsig(Signal::SIGKILL)
            .map_err(|e| format!("cannot be tied to its keeper: {e}"))?,
        Place::Live | Place::Own => die_with_parent(Signal::SIGTERM, job.parent)?,
    }
    SigSet::all().thread_unblock().map_err(|e| format!("cannot unblock signals: {e}"))?;
    if job.place == Place::Chroot {
        enter(job)?;
    }
    Ok(())
}

fn enter(job: &Job) -> Result<(), String> {
    let mut apart = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    apart.set(CloneFlags::CLONE_NEWNET, !job.online);
    unshare(apart).map_err(|e| {
        format!(
            "cannot keep the root's programs apart (a mount namespace): {e}; in a container this \
             needs CAP_SYS_ADMIN (--privileged)"
        )
    })?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(|e| match e {
        Errno::EINVAL => "cannot keep mounts apart in a chroot; name this root as `--root /` from \
                          inside it, or run outside of the chroot"
            .to_owned(),
        e => format!("cannot keep mounts apart: {e}"),
    })?;
    // What was opened before belongs to the old mounts, on which nothing can be mounted from here.
    let open = |path: &Path, flags| {
        nix::fcntl::open(path, flags | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|e| format!("{}: cannot open: {e}", path.display()))
    };
    let root = open(&job.root, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    if fstat(&root).ok().map(|s| (s.st_dev, s.st_ino)) != Some(job.identity) {
        return Err(format!("{}: another directory than at the beginning", job.root.display()));
    }
    let scratch = open(&job.scratch, OFlag::O_PATH | OFlag::O_DIRECTORY)?;
    let mut devices = Vec::new();
    for name in DEVICES {
        devices.push((name, open(&Path::new("/dev").join(name), OFlag::O_PATH)?));
    }
    let resolver = job.online.then(|| std::fs::read("/etc/resolv.conf").ok()).flatten();
    fchdir(&root)
        .and_then(|()| chroot("."))
        .and_then(|()| nix::unistd::chdir("/"))
        .map_err(|e| format!("cannot enter the root: {e}"))?;
    drop(root);
    kernel()?;
    dev(&devices)?;
    run_and_tmp(&scratch)?;
    if let Some(text) = resolver {
        resolv_conf(&text);
    }
    if job.scripts {
        no_services()?;
    }
    Ok(())
}

fn put(what: &str, on: &str, flags: MsFlags, data: Option<&str>) -> Result<(), String> {
    mount(Some(what), on, Some(what), flags, data).map_err(|e| format!("{on}: cannot mount: {e}"))
}

fn bind(from: &str, on: &str) -> Result<(), String> {
    let none = None::<&str>;
    mount(Some(from), on, none, MsFlags::MS_BIND, none)
        .map_err(|e| format!("{on}: cannot mount: {e}"))
}

/// A descriptor from outside, as a path. Only once `/proc` is mounted.
fn outside(fd: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", fd.as_raw_fd())
}

fn make_dir(path: &str, mode: u32) -> Result<(), String> {
    match std::fs::DirBuilder::new().mode(mode).create(path) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists => {
            Err(format!("{path}: cannot make the directory: {e}"))
        }
        // The mask of modes takes bits away.
        _ => std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .map_err(|e| format!("{path}: cannot set the mode: {e}")),
    }
}

const QUIET: MsFlags = MsFlags::MS_NOSUID.union(MsFlags::MS_NODEV).union(MsFlags::MS_NOEXEC);

/// `/proc` of the own processes, and `/sys`; what of them is this machine's cannot be written.
fn kernel() -> Result<(), String> {
    put("proc", "/proc", QUIET, None)?;
    for path in ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs"] {
        if !Path::new(path).exists() {
            continue;
        }
        bind(path, path)?;
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | QUIET;
        let none = None::<&str>;
        mount(none, path, none, flags, none)
            .map_err(|e| format!("{path}: cannot be made read-only: {e}"))?;
    }
    match put("sysfs", "/sys", QUIET | MsFlags::MS_RDONLY, None) {
        // In a user namespace, /sys belongs to who owns the network; scripts can do without.
        Err(_) if !Path::new("/sys/kernel").exists() => Ok(()),
        other => other,
    }
}

fn dev(devices: &[(&str, OwnedFd)]) -> Result<(), String> {
    put("tmpfs", "/dev", MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, Some("mode=755,size=1m"))?;
    for (name, fd) in devices {
        let path = format!("/dev/{name}");
        File::create(&path).map_err(|e| format!("{path}: cannot make: {e}"))?;
        bind(&outside(fd), &path)?;
    }
    make_dir("/dev/pts", 0o755)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    put("devpts", "/dev/pts", flags, Some("newinstance,ptmxmode=0666,mode=620,gid=5"))?;
    make_dir("/dev/shm", 0o1777)?;
    for (name, target) in LINKS {
        symlink(target, Path::new("/dev").join(name))
            .map_err(|e| format!("/dev/{name}: cannot make the link: {e}"))?;
    }
    Ok(())
}

fn run_and_tmp(scratch: &OwnedFd) -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    put("tmpfs", "/run", flags, Some("mode=755"))?;
    make_dir("/run/lock", 0o1777)?;
    make_dir(SCRATCH_INSIDE, 0o755)?;
    bind(&outside(scratch), SCRATCH_INSIDE)?;
    if std::fs::symlink_metadata("/tmp").is_ok_and(|m| m.is_dir()) {
        put("tmpfs", "/tmp", flags, Some("mode=1777"))?;
    }
    Ok(())
}

/// Gives the root this machine's way to look up names, for as long as something is fetched: where
/// its own file is a link into `/run`, there; else over it. Without, names may still be found.
fn resolv_conf(text: &[u8]) {
    const OWN: &str = "/etc/resolv.conf";
    const OVER: &str = "/run/gokaku-resolv.conf";
    let Ok(found) = std::fs::symlink_metadata(OWN) else { return };
    if found.is_file() {
        if std::fs::write(OVER, text).is_ok() {
            let _ = bind(OVER, OWN);
        }
        return;
    }
    let Ok(target) = std::fs::read_link(OWN) else { return };
    let target = Path::new("/etc").join(target);
    // `..` of a link's text, without asking the tree: only plain paths into /run are served.
    let mut plain = std::path::PathBuf::new();
    for part in target.components() {
        match part {
            std::path::Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    let Some(dir) = plain.parent().filter(|_| plain.starts_with("/run")) else { return };
    if std::fs::DirBuilder::new().recursive(true).mode(0o755).create(dir).is_ok() {
        let _ = std::fs::write(&plain, text);
    }
}

/// Nothing starts, whatever the root's own answer would be. Where it has none, the keeper has put
/// ours there.
fn no_services() -> Result<(), String> {
    const OVER: &str = "/run/gokaku-policy-rc.d";
    match std::fs::metadata(policy::PATH) {
        Ok(found) if found.is_file() => {}
        _ => return Ok(()),
    }
    std::fs::write(OVER, policy::TEXT)
        .and_then(|()| {
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(OVER, mode)
        })
        .map_err(|e| format!("{OVER}: cannot write: {e}"))?;
    bind(OVER, policy::PATH)
}
