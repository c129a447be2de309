//! Entering the container: namespaces, the new root, and the old root detached.
//!
//! Mounts on directories of the tree are made after the change of root, so that a link in the tree
//! leads nowhere else. All of them end with the process.
#![allow(clippy::disallowed_methods)] // paths are the root's own once it has been entered

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{chdir, fchdir, pivot_root, sethostname};

use super::init::MAX_PROCESSES;
use super::job::{Job, Refusal, SCRATCH_INSIDE, Task, another_root};
use super::kernel::{self, DEVICES, bind, make_dir, outside, put};
use super::view::View;
use super::{confine, messages, mounts, policy};

/// Where the new root is put together: a directory of every machine, covered in this mount namespace
/// alone. A name without colons, commas and backslashes, which overlays do not take.
const STAGE: &str = "/proc";
const NEW_ROOT: &str = "/proc/root";
const NONE: Option<&str> = None;

/// Makes the container and enters it: from here on `/` is the root, and nothing leads out. Says whether
/// the kernel bounds the number of processes in it.
pub(super) fn enter(job: &Job, view: Option<&View>) -> Result<bool, Refusal> {
    apart(job.kind)?;
    // What was opened before belongs to the old mounts, on which nothing can be mounted from here.
    let open = |path: &Path, flags| {
        nix::fcntl::open(path, flags | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|e| format!("{}: cannot open: {e}", path.display()))
    };
    let root = open(&job.root, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?;
    if fstat(&root).ok().map(|s| (s.st_dev, s.st_ino)) != Some(job.identity) {
        return Err(another_root(&job.root));
    }
    let mut devices = Vec::new();
    for (name, _, _) in DEVICES {
        devices.push((name, open(&Path::new("/dev").join(name), OFlag::O_PATH)?));
    }
    let scratch = match job.scratch.as_os_str().is_empty() {
        true => None,
        false => Some(open(&job.scratch, OFlag::O_RDONLY | OFlag::O_DIRECTORY)?),
    };
    let resolver =
        (job.kind == Task::Fetch).then(|| std::fs::read("/etc/resolv.conf").ok()).flatten();
    let system = mounts::system();

    let size =
        if view.is_some() { "mode=755,size=256m,nr_inodes=50k" } else { "mode=755,size=128m" };
    put("tmpfs", STAGE, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(size))?;
    make_dir(NEW_ROOT, 0o755)?;
    let scratch = match scratch {
        // What scripts write there is gone with them.
        Some(dir) if job.kind == Task::Scripts => {
            let on = format!("{STAGE}/scratch");
            overlay(&dir, "scratch", &on).map_err(|e| format!("fetched packages: {e}"))?;
            Some(open(Path::new(&on), OFlag::O_PATH | OFlag::O_DIRECTORY)?)
        }
        other => other,
    };
    match view {
        Some(_) => overlay(&root, "view", NEW_ROOT)?,
        None => {
            fchdir(&root).map_err(|e| format!("the root: {e}"))?;
            mount(Some("."), NEW_ROOT, NONE, MsFlags::MS_BIND | MsFlags::MS_REC, NONE)
                .map_err(|e| format!("the root as a mount of its own: {e}"))?;
        }
    }
    drop(root);
    // The old root lies on the new one until it is taken away; what is opened leads into it.
    chdir(NEW_ROOT)
        .and_then(|()| pivot_root(".", "."))
        .and_then(|()| chdir("/"))
        .map_err(|e| format!("a change of root (pivot_root): {e}"))?;
    if let Some(view) = view {
        for dir in ["/proc", "/sys", "/dev", "/run"] {
            let _ = std::fs::create_dir(dir);
        }
        view.write()?;
    }
    kernel::proc_and_sys()?;
    kernel::dev(&devices)?;
    drop(devices);
    kernel::run_and_tmp()?;
    make_dir(SCRATCH_INSIDE, 0o755)?;
    if let Some(fd) = scratch {
        bind(&outside(&fd), SCRATCH_INSIDE)?;
    }
    umount2(".", MntFlags::MNT_DETACH).map_err(|e| format!("the old root stays: {e}"))?;
    chdir("/").map_err(|e| format!("the new root: {e}"))?;
    mounts::settle(system.as_deref())?;
    sethostname(host_name()).map_err(|e| format!("a host name: {e}"))?;
    if view.is_some() {
        // sshd wants its empty directory.
        make_dir("/run/sshd", 0o755)?;
    }
    if let Some(text) = resolver {
        resolv_conf(&text);
    }
    if job.kind == Task::Scripts {
        no_services()?;
    }
    confine::limit_shared_memory();
    let is_bounded = confine::limit_processes(MAX_PROCESSES);
    kernel::mask()?;
    Ok(is_bounded)
}

/// Namespaces of its own. The process namespace is the keeper's work.
fn apart(kind: Task) -> Result<(), Refusal> {
    let all = [
        (CloneFlags::CLONE_NEWNS, "a mount namespace"),
        (CloneFlags::CLONE_NEWUTS, "a namespace of names"),
        (CloneFlags::CLONE_NEWIPC, "a namespace of IPC"),
        (CloneFlags::CLONE_NEWCGROUP, "a namespace of control groups"),
        (CloneFlags::CLONE_NEWNET, "a network namespace"),
    ];
    for (flag, what) in all {
        if flag == CloneFlags::CLONE_NEWNET && kind == Task::Fetch {
            continue;
        }
        unshare(flag)
            .map_err(|e| format!("{what}: {e} (CAP_SYS_ADMIN is needed, and a kernel with it)"))?;
    }
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE).map_err(|e| match e {
        Errno::EINVAL => Refusal::Explained(messages::in_a_chroot()),
        e => format!("mounts of its own: {e}").into(),
    })
}

/// The directory below, memory on top. Its path may hold any character, so it is the working
/// directory.
fn overlay(lower: &OwnedFd, name: &str, on: &str) -> Result<(), String> {
    let (upper, work) = (format!("{STAGE}/{name}.upper"), format!("{STAGE}/{name}.work"));
    for dir in [&upper, &work, on] {
        make_dir(dir, 0o755)?;
    }
    let top = fstat(lower).map_err(|e| format!("{on}: {e}"))?;
    // The view's own top directory is the upper one.
    std::fs::set_permissions(&upper, PermissionsExt::from_mode(top.st_mode & 0o7777))
        .map_err(|e| format!("{upper}: {e}"))?;
    fchdir(lower).map_err(|e| format!("cannot be entered: {e}"))?;
    let layers = format!("lowerdir=.,upperdir={upper},workdir={work}");
    // In a user namespace attributes of overlays are users' own.
    let mut last = Errno::EINVAL;
    for options in [layers.clone(), format!("{layers},userxattr")] {
        let flags = MsFlags::MS_NODEV;
        match mount(Some("gokaku"), on, Some("overlay"), flags, Some(options.as_str())) {
            Ok(()) => return Ok(()),
            Err(e) => last = e,
        }
    }
    Err(format!("no view of it can be made (overlayfs): {last}"))
}

/// The tree's own name; this machine's is nothing for an image.
fn host_name() -> String {
    const PLAIN: &str = "localhost";
    let flags = OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let opened =
        std::fs::OpenOptions::new().read(true).custom_flags(flags.bits()).open("/etc/hostname");
    let Ok(file) = opened else { return PLAIN.to_owned() };
    if !file.metadata().is_ok_and(|m| m.is_file()) {
        return PLAIN.to_owned();
    }
    let mut text = Vec::new();
    let _ = file.take(256).read_to_end(&mut text);
    name_in(&text).unwrap_or(PLAIN).to_owned()
}

/// The first line of `/etc/hostname` that is none of comments and blanks, if it is a name.
fn name_in(text: &[u8]) -> Option<&str> {
    let lines = std::str::from_utf8(text).ok()?.lines().map(str::trim);
    let name = lines.into_iter().find(|l| !l.is_empty() && !l.starts_with('#'))?;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
    (name.len() <= 64 && name.chars().all(fine)).then_some(name)
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
    let mut plain = PathBuf::new();
    for part in target.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    let Some(dir) = plain.parent().filter(|_| plain.starts_with("/run")) else { return };
    let mut make = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o755);
    if make.recursive(true).create(dir).is_ok() {
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
        .and_then(|()| std::fs::set_permissions(OVER, PermissionsExt::from_mode(0o755)))
        .map_err(|e| format!("{OVER}: cannot write: {e}"))?;
    bind(OVER, policy::PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_is_taken_for_a_name() {
        let name = |text: &[u8]| name_in(text).map(str::to_owned);
        assert_eq!(name(b"node-1.example\n").as_deref(), Some("node-1.example"));
        assert_eq!(name(b"# made\n\n web \n").as_deref(), Some("web"));
        for bad in [&b""[..], b"\n", b"a b\n", b"\x1b[2J\n", b"\xff\n", &[b'x'; 65]] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
    }
}
