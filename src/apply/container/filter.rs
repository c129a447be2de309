//! The seccomp filter: what container runtimes deny is denied here.
//!
//! `seccompiler` writes the conditions for one kind of system calls; the few instructions around
//! them, which distinguish amd64 calls from the i386 calls that an amd64 kernel also accepts, are added here.

use std::collections::BTreeMap;

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, sock_filter,
};

use super::group::Bounded;
use super::job::Task;

/// The last system call that was looked at (`fchmodat2`, Linux 6.6); numbers from 424 on are the same
/// for all processors. Later ones, and those of another counting (x32), do not exist in here.
const LAST: u32 = 452;

/// Refused on every processor: mounts and namespaces, the clock, modules and programs of the
/// kernel, its log, its keys, other processes, file handles, names, swap, quotas.
const REFUSED: [i64; 47] = [
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_migrate_pages,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_move_pages,
    libc::SYS_nfsservctl,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    438, // pidfd_getfd
    libc::SYS_pivot_root,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    443, // quotactl_fd
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
];

/// Refused where there are such calls at all.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[i64] = &[
    libc::SYS__sysctl,
    libc::SYS_ioperm,
    libc::SYS_iopl,
    libc::SYS_kexec_file_load,
    libc::SYS_sysfs,
    libc::SYS_uselib,
    libc::SYS_userfaultfd,
    libc::SYS_ustat,
    libc::SYS_vhangup,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[i64] = &[
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    294, // kexec_file_load
];

/// The i386 numbers of all these (`asm/unistd_32.h`), and of `stime`, `umount`, `vm86`, `vm86old`.
const REFUSED_I386: [i64; 51] = [
    21, 22, 25, 26, 51, 52, 62, 74, 79, 86, 87, 88, 101, 103, 110, 111, 113, 115, 121, 127, 128,
    129, 130, 131, 135, 149, 166, 167, 169, 217, 253, 264, 283, 286, 287, 288, 294, 310, 317, 336,
    338, 342, 343, 346, 347, 348, 349, 350, 357, 374, 404,
];

/// Flags of `clone` that make namespaces. `clone3` keeps them in memory, which no filter sees: it does
/// not exist in here, and libraries fall back on `clone`.
const NAMESPACES: [i32; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Input typed into a terminal, by a process or by the console's clipboard.
const TYPING: [u64; 2] = [0x5412, 0x541c]; // TIOCSTI, TIOCLINUX
const NETLINK_AUDIT: u64 = 9;
const LIMIT_CORE: u64 = 4;

/// The numbers of the calls whose arguments matter.
struct Numbers {
    clone: i64,
    ioctl: i64,
    prlimit: i64,
    setrlimit: Option<i64>,
    socket: i64,
    memfd_create: i64,
    /// One call for all of the network, with its arguments in memory.
    socketcall: Option<i64>,
    refused: Vec<i64>,
}

fn native() -> Numbers {
    #[cfg(target_arch = "x86_64")]
    let setrlimit = Some(libc::SYS_setrlimit);
    #[cfg(not(target_arch = "x86_64"))]
    let setrlimit = Some(164);
    Numbers {
        clone: libc::SYS_clone,
        ioctl: libc::SYS_ioctl,
        prlimit: libc::SYS_prlimit64,
        setrlimit,
        socket: libc::SYS_socket,
        memfd_create: libc::SYS_memfd_create,
        socketcall: None,
        refused: REFUSED.iter().chain(REFUSED_HERE).copied().collect(),
    }
}

fn i386() -> Numbers {
    // From 424 on they are those of every processor.
    let common = REFUSED.iter().copied().filter(|n| *n >= 424);
    Numbers {
        clone: 120,
        ioctl: 54,
        prlimit: 340,
        setrlimit: Some(75),
        socket: 359,
        memfd_create: 356,
        socketcall: Some(102),
        refused: REFUSED_I386.into_iter().chain(common).collect(),
    }
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;
type Result<T> = std::result::Result<T, seccompiler::BackendError>;

/// All of these hold: an argument, by its number, compared as the `int` that it is.
fn when(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule> {
    let all = conditions.iter().map(|(argument, op, value)| {
        SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, op.clone(), *value)
    });
    SeccompRule::new(all.collect::<Result<Vec<_>>>()?)
}

/// Filters, each with the one answer it has for what it names; the kernel takes the strictest.
fn filters(numbers: &Numbers, kind: Task, bounded: Bounded) -> Result<Vec<(Rules, SeccompAction)>> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let errno = |e: nix::errno::Errno| SeccompAction::Errno(e as u32);
    let mut refused: Rules = numbers.refused.iter().map(|n| (*n, Vec::new())).collect();
    let flags = NAMESPACES.iter().map(|flag| {
        let flag = u64::from(flag.unsigned_abs());
        when(&[(0, MaskedEq(flag), flag)])
    });
    refused.insert(numbers.clone, flags.collect::<Result<_>>()?);
    let typing = TYPING.iter().map(|request| when(&[(1, Eq, *request)]));
    refused.insert(numbers.ioctl, typing.collect::<Result<_>>()?);

    // The audit log is the machine's; that there is none is what libraries take for an answer. So
    // are sockets that know no network namespaces. During a fetch, sockets with names would lead to
    // services of this machine.
    let (inet, inet6, netlink) = (2, 10, 16);
    let first = if kind == Task::Fetch { inet } else { 1 };
    let mut families = vec![(0, Ne, inet), (0, Ne, inet6), (0, Ne, netlink)];
    if first == 1 {
        families.push((0, Ne, first));
    }
    let socket = vec![when(&families)?, when(&[(0, Eq, netlink), (2, Eq, NETLINK_AUDIT)])?];
    let mut unsupported = Rules::from([(numbers.socket, socket)]);
    if let Some(call) = numbers.socketcall.filter(|_| kind == Task::Fetch) {
        unsupported.insert(call, Vec::new());
    }

    // The limit of core dumps stays what it is, and nobody fails for it.
    let sets = SeccompRule::new(vec![
        SeccompCondition::new(1, SeccompCmpArgLen::Dword, Eq, LIMIT_CORE)?,
        SeccompCondition::new(2, SeccompCmpArgLen::Qword, Ne, 0)?,
    ])?;
    let mut ignored = Rules::from([(numbers.prlimit, vec![sets])]);
    if let Some(call) = numbers.setrlimit {
        ignored.insert(call, vec![when(&[(0, Eq, LIMIT_CORE)])?]);
    }
    let mut all = vec![
        (refused, errno(nix::errno::Errno::EPERM)),
        (unsupported, errno(nix::errno::Errno::EAFNOSUPPORT)),
        (ignored, SeccompAction::Errno(0)),
    ];
    if !bounded.memory {
        // A file without a name, in memory that belongs to no process: nobody could count it.
        let none = Rules::from([(numbers.memfd_create, Vec::new())]);
        all.push((none, errno(nix::errno::Errno::ENOSYS)));
    }
    Ok(all)
}

/// The conditions alone, without the look at the processor.
fn body(rules: Rules, action: SeccompAction) -> Result<BpfProgram> {
    let arch = if cfg!(target_arch = "x86_64") { TargetArch::x86_64 } else { TargetArch::aarch64 };
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch)?;
    let mut program = BpfProgram::try_from(filter)?;
    Ok(program.split_off(ARCH_CHECK))
}

/// The instructions with which every program of `seccompiler` begins: load, compare, kill.
const ARCH_CHECK: usize = 3;
const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;
const AUDIT_ARCH_AARCH64: u32 = 0xc000_00b7;
const AUDIT_ARCH_I386: u32 = 0x4000_0003;
/// Of `clone3`, on every processor.
const CLONE3: u32 = 435;

// `linux/filter.h`, `linux/bpf_common.h`, `linux/seccomp.h`.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_IF_EQUAL: u16 = 0x15;
const JUMP_IF_GREATER: u16 = 0x25;
const RETURN: u16 = 0x06;
const ALLOW: u32 = 0x7fff_0000;
const NO_SUCH_CALL: u32 = 0x0005_0000 | libc::ENOSYS.unsigned_abs();
const NUMBER: u32 = 0;
const PROCESSOR: u32 = 4;

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> sock_filter {
    sock_filter { code, jt, jf, k }
}

/// One program: the body for the processor's own calls, and the one for i386 calls. Calls of any
/// other kind do not exist.
fn program(own: BpfProgram, i386: Option<BpfProgram>) -> BpfProgram {
    let arch = if cfg!(target_arch = "x86_64") { AUDIT_ARCH_X86_64 } else { AUDIT_ARCH_AARCH64 };
    let skip = u32::try_from(own.len()).unwrap_or(u32::MAX);
    let mut all = vec![
        instruction(LOAD, 0, 0, PROCESSOR),
        instruction(JUMP_IF_EQUAL, 1, 0, arch),
        instruction(JUMP, 0, 0, skip),
    ];
    all.extend(own);
    match i386 {
        Some(other) => {
            all.push(instruction(JUMP_IF_EQUAL, 1, 0, AUDIT_ARCH_I386));
            all.push(instruction(RETURN, 0, 0, NO_SUCH_CALL));
            all.extend(other);
        }
        None => all.push(instruction(RETURN, 0, 0, NO_SUCH_CALL)),
    }
    all
}

/// Calls that nobody has looked at do not exist, and neither does `clone3`.
fn known() -> BpfProgram {
    vec![
        instruction(LOAD, 0, 0, NUMBER),
        instruction(JUMP_IF_GREATER, 1, 0, LAST),
        instruction(JUMP_IF_EQUAL, 0, 1, CLONE3),
        instruction(RETURN, 0, 0, NO_SUCH_CALL),
        instruction(RETURN, 0, 0, ALLOW),
    ]
}

fn programs(kind: Task, bounded: Bounded) -> Result<Vec<BpfProgram>> {
    let mut all = vec![program(known(), Some(known()))];
    let with_i386 = cfg!(target_arch = "x86_64");
    let other = if with_i386 { filters(&i386(), kind, bounded)? } else { Vec::new() };
    let mut other = other.into_iter();
    for (rules, action) in filters(&native(), kind, bounded)? {
        let second = other.next().map(|(rules, action)| body(rules, action)).transpose()?;
        all.push(program(body(rules, action)?, second));
    }
    Ok(all)
}

/// Puts this process, and all that it starts, under the filter; `no_new_privs` comes with it.
pub(super) fn apply(kind: Task, bounded: Bounded) -> std::result::Result<(), String> {
    for program in programs(kind, bounded).map_err(|e| format!("the seccomp filter: {e}"))? {
        seccompiler::apply_filter(&program).map_err(|e| format!("the seccomp filter: {e}"))?;
    }
    Ok(())
}
