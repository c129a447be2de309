//! Restrictions of every process of the tree: capabilities, new privileges, limits.

use std::collections::BTreeSet;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CapabilitySet, CapabilitySets};

use super::filter;
use super::group::Bounded;
use super::init::{MAX_PROCESSES, max_memory};
use super::job::Task;

/// What dpkg, apt-get and maintainer scripts need: files of any owner and mode, other users for a
/// while, file capabilities (`setcap` in a postinst), and an end for their own children. Not among
/// them: devices (MKNOD), mounts and names (SYS_ADMIN), the log (SYSLOG), other processes
/// (SYS_PTRACE), file handles (DAC_READ_SEARCH), a root of another kind (SYS_CHROOT), any network.
const PACKAGES: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP);

/// Validators read files of any owner and mode.
const VALIDATORS: CapabilitySet = CapabilitySet::DAC_OVERRIDE;

const GIB: u64 = 1 << 30;

/// Closes every descriptor but the standard three: one that was inherited may lead anywhere on this
/// machine, to its terminal too.
pub(super) fn close_inherited() -> Result<(), String> {
    let fail = |e: std::io::Error| format!("inherited descriptors: /proc/self/fd: {e}");
    #[allow(clippy::disallowed_methods)] // a question to the running kernel
    let all = std::fs::read_dir("/proc/self/fd").map_err(fail)?;
    let mut open = BTreeSet::new();
    for entry in all {
        let name = entry.map_err(fail)?.file_name();
        open.extend(name.to_str().and_then(|n| n.parse::<i32>().ok()).filter(|n| *n > 2));
    }
    for fd in open {
        // The one that listed them is closed already.
        let _ = nix::unistd::close(fd);
    }
    Ok(())
}

/// Lets the process namespace hold so many processes, where the kernel can (Linux 6.14); says
/// whether it does. Before `/proc/sys` is made read-only.
pub(super) fn limit_processes(most: usize) -> bool {
    // An older kernel would take it for the whole machine.
    #[allow(clippy::disallowed_methods)] // a question to the running kernel
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let own = has_own_limit(&release);
    #[allow(clippy::disallowed_methods)] // of the container's own namespace
    let set = own && std::fs::write("/proc/sys/kernel/pid_max", most.to_string()).is_ok();
    set
}

/// Bounds what programs may keep in the memory of System V's and POSIX's IPC, which belongs to no
/// process: 64 MiB of shared memory, and 2 MiB of messages. Before `/proc/sys` is made read-only; in a
/// user namespace of an older kernel it cannot be set.
pub(super) fn limit_shared_memory() {
    let all = [
        ("kernel/shmmni", "16"),
        ("kernel/shmmax", "4194304"),
        ("kernel/msgmni", "128"),
        ("kernel/sem", "250 32000 100 128"),
        ("fs/mqueue/queues_max", "64"),
    ];
    for (name, value) in all {
        #[allow(clippy::disallowed_methods)] // of the container's own namespace
        let _ = std::fs::write(format!("/proc/sys/{name}"), value);
    }
}

/// Whether a kernel of this release keeps `pid_max` for each process namespace.
fn has_own_limit(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 14),
        _ => false,
    }
}

/// Takes everything from this process that a step of this kind does not need. What it starts has no
/// more.
pub(super) fn confine(kind: Task, bounded: Bounded) -> Result<(), String> {
    limits(kind)?;
    let keep = if kind == Task::View { VALIDATORS } else { PACKAGES };
    let fail = |what: &str, e: rustix::io::Errno| format!("{what}: {e}");
    for number in 0..u64::BITS {
        let one = CapabilitySet::from_bits_retain(1 << number);
        match rustix::thread::capability_is_in_bounding_set(one) {
            // The kernel knows no more.
            Err(_) => break,
            Ok(true) if !keep.contains(one) => {
                rustix::thread::remove_capability_from_bounding_set(one)
                    .map_err(|e| fail("the bounding set of capabilities", e))?;
            }
            Ok(_) => {}
        }
    }
    // Before Linux 4.3 there is no ambient set.
    let _ = rustix::thread::clear_ambient_capability_set();
    let has = rustix::thread::capabilities(None).map_err(|e| fail("capabilities", e))?;
    let some = has.permitted & keep;
    let sets =
        CapabilitySets { effective: some, permitted: some, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets).map_err(|e| fail("capabilities", e))?;
    // The first process is this program: nobody inside looks into it.
    nix::sys::prctl::set_dumpable(false).map_err(|e| format!("a closed first process: {e}"))?;
    rustix::thread::set_no_new_privs(true).map_err(|e| fail("no_new_privs", e))?;
    filter::apply(kind, bounded)
}

fn limits(kind: Task) -> Result<(), String> {
    let processes = u64::try_from(MAX_PROCESSES).unwrap_or(u64::MAX);
    let file = if kind == Task::Scripts { 8 * GIB } else { 2 * GIB };
    let all = [
        // 1: neither a file nor the machine's own handler of core dumps, which runs as its root.
        (Resource::Core, 1, 1),
        // Of one process; those of all together have another bound.
        (Resource::Data, max_memory(), max_memory()),
        (Resource::Fsize, file, file),
        (Resource::Memlock, 64 << 10, 64 << 10),
        (Resource::Msgqueue, 800 << 10, 800 << 10),
        (Resource::Nofile, 1024, 4096),
        (Resource::Nproc, processes, processes),
    ];
    for (resource, soft, hard) in all {
        let now = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some(soft.min(now)), maximum: Some(hard.min(now)) };
        setrlimit(resource, limit).map_err(|e| format!("the limit of {resource:?}: {e}"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_of_processes_is_set_only_where_it_is_the_namespaces_own() {
        for (release, own) in [
            ("6.14.0-15-generic\n", true),
            ("6.18.44-fc", true),
            ("7.0", true),
            ("6.13.9", false),
            ("5.15.0-1", false),
            ("4.15.0-213-generic", false),
            ("6", false),
            ("", false),
            ("next-6.20", false),
        ] {
            assert_eq!(has_own_limit(release), own, "{release}");
        }
    }
}
