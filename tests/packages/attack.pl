# Tries every way out of a container that its author knows, as root inside it. Prints a line for each:
# `reached NAME` or `refused NAME: WHY`, and in the end `tried N`. Arguments: a directory of the
# machine outside, a process of it, its TCP port, its abstract socket, its System V key, its `/` as
# MAJOR:MINOR; then perhaps a pattern: nothing but the attempts of these names.
use strict;
use warnings;
use Socket;
use POSIX ();

my ($outside, $victim, $port, $abstract, $key, $disk, $only) = @ARGV;
my ($tried, $arch) = (0, (POSIX::uname())[4]);
my %nr = $arch eq 'x86_64'
    ? (ptrace => 101, syslog => 103, pivot_root => 155, settimeofday => 164, mount => 165, umount2 => 166,
       swapon => 167, reboot => 169, sethostname => 170, setdomainname => 171, iopl => 172, init_module => 175,
       acct => 163, quotactl => 179, kexec_load => 246, add_key => 248, keyctl => 250, unshare => 272,
       perf_event_open => 298, fanotify_init => 300, name_to_handle_at => 303, open_by_handle_at => 304,
       setns => 308, process_vm_readv => 310, finit_module => 313, bpf => 321, userfaultfd => 323, clone => 56,
       clock_settime => 227, mknod => 133, chroot => 161, prlimit64 => 302, open => 2, setpriority => 141,
       kexec_file_load => 320, request_key => 249, migrate_pages => 256, move_pages => 279, kcmp => 312,
       process_vm_writev => 311, clock_adjtime => 305, adjtimex => 159, delete_module => 176, swapoff => 168,
       vhangup => 153, ioperm => 173, uselib => 134, ustat => 136, sysfs => 139, _sysctl => 156,
       lookup_dcookie => 212, mq_open => 240, sched_setscheduler => 144, ioprio_set => 251, mlockall => 151)
    : (ptrace => 117, syslog => 116, pivot_root => 41, settimeofday => 170, mount => 40, umount2 => 39,
       swapon => 224, reboot => 142, sethostname => 161, setdomainname => 162, init_module => 105,
       acct => 89, quotactl => 60, kexec_load => 104, add_key => 217, keyctl => 219, unshare => 97,
       perf_event_open => 241, fanotify_init => 262, name_to_handle_at => 264, open_by_handle_at => 265,
       setns => 268, process_vm_readv => 270, finit_module => 273, bpf => 280, userfaultfd => 282, clone => 220,
       clock_settime => 112, chroot => 51, prlimit64 => 261, setpriority => 140,
       kexec_file_load => 294, request_key => 218, migrate_pages => 238, move_pages => 239, kcmp => 272,
       process_vm_writev => 271, clock_adjtime => 266, adjtimex => 171, delete_module => 106, swapoff => 225,
       vhangup => 58, lookup_dcookie => 18, mq_open => 180, sched_setscheduler => 119, ioprio_set => 30,
       mlockall => 230);
my %new = (io_uring_setup => 425, io_uring_enter => 426, io_uring_register => 427, open_tree => 428,
    move_mount => 429, fsopen => 430, fsconfig => 431, fsmount => 432, fspick => 433, pidfd_open => 434,
    clone3 => 435, pidfd_getfd => 438, process_madvise => 440, mount_setattr => 442, quotactl_fd => 443,
    statmount => 457, listmount => 458, open_tree_attr => 467, later => 500);
%nr = (%nr, %new);

sub say_line { print STDOUT "$_[0]\n" }
# The attempt is a function that is true when it reached something.
sub try {
    my ($name, $attempt) = @_;
    return if $only && $name !~ /^(?:$only)$/;
    $tried++;
    $! = 0;
    my $got = eval { $attempt->() };
    my $why = $@ ? $@ : "$!";
    $why =~ s/\s+/ /g;
    say_line($got ? "reached $name: $got" : "refused $name: $why");
}
# A system call that must fail; it succeeded, if it did not. Strings are copied: perl may write to them.
sub call { my ($name, @args) = @_; $nr{$name} // return 0; my $r = syscall($nr{$name}, map { my $c = $_; $c } @args); return $r >= 0 ? "$name = $r" : 0 }
sub opens { my ($path, $mode) = @_; open(my $f, $mode, $path) or return 0; return "$path opened" }
sub writes { my ($path, $text) = @_; open(my $f, '>', $path) or return 0; syswrite($f, $text) or return 0; return "$path written" }

$| = 1;
# Names, terminal, devices, the kernel's log.
try('host name', sub { call('sethostname', "evil-name\0", 9) });
try('domain name', sub { call('setdomainname', "evil-name\0", 9) });
try('host name by sysctl', sub { writes('/proc/sys/kernel/hostname', "evil-name\n") });
try('terminal of the session', sub { opens('/dev/tty', '+<') });
for my $tty ('/dev/tty', '/dev/console', '/dev/tty0', '/dev/tty1', glob('/dev/pts/[0-9]*'), map { "/proc/self/fd/$_" } 0 .. 9) {
    try("typing into $tty", sub {
        my $t;
        open($t, "+<", $tty) or open($t, "<", $tty) or return 0;
        my $c = 'x';
        return 'TIOCSTI' if ioctl($t, 0x5412, $c);
        # Paste the selection of the console.
        my $paste = chr(3);
        return ioctl($t, 0x541c, $paste) ? 'TIOCLINUX' : 0;
    });
}
for my $node (['kmsg', 'c', 1, 11], ['mem', 'c', 1, 1], ['port', 'c', 1, 4], ['disk', 'b', split(/:/, $disk)]) {
    my ($name, $kind, $major, $minor) = @$node;
    for my $dir ('/srv', '/tmp', '/run', '/dev', '/dev/shm') {
        try("mknod $name in $dir", sub { system("mknod $dir/n-$name $kind $major $minor 2>/dev/null") == 0 });
    }
    # The tree may have come with one.
    try("node $name of the tree", sub { opens("/srv/nodes/$name", '<') || opens("/srv/nodes/$name", '>') });
}
try('/dev/kmsg', sub { -c '/dev/kmsg' && writes('/dev/kmsg', "from-the-tree\n") });
try('/proc/kmsg', sub { opens('/proc/kmsg', '<') && (-s '/proc/kmsg' || -f _) });
try('kernel log', sub { my $b = ' ' x 4096; call('syslog', 3, $b, 4096) });
try('clearing the kernel log', sub { call('syslog', 5, 0, 0) });
for my $file ('kcore', 'kallsyms', 'keys', 'timer_list', 'sched_debug', 'kpageflags') {
    try("/proc/$file", sub { open(my $f, '<', "/proc/$file") or return 0; my $n = sysread($f, my $b, 512); return $n ? "$n bytes" : 0 });
}

# Kernel settings.
for my $file (qw(kernel/core_pattern kernel/modprobe kernel/printk kernel/sysrq kernel/pid_max vm/drop_caches fs/file-max)) {
    try("sysctl $file", sub { opens("/proc/sys/$file", '+<') });
}
for my $file (qw(fs/binfmt_misc/register fs/suid_dumpable kernel/core_pipe_limit kernel/hotplug kernel/yama/ptrace_scope
        net/ipv4/ip_forward user/max_user_namespaces kernel/shmmax fs/mqueue/queues_max)) {
    try("sysctl $file", sub { opens("/proc/sys/$file", '>') });
}
for my $file (glob('/proc/irq/*/smp_affinity /proc/bus/pci/*/* /proc/fs/*/* /sys/kernel/debug/* /sys/kernel/tracing/*
        /sys/fs/bpf /sys/kernel/mm/*/* /sys/class/net/*/mtu /sys/bus/*/drivers_probe /sys/kernel/profiling')) {
    try("$file", sub { -f $file && opens($file, '>') });
}
try('binfmt_misc', sub { call('mount', "x\0", "/mnt\0", "binfmt_misc\0", 0, 0) });
for my $fs (qw(debugfs tracefs bpf securityfs mqueue cgroup devtmpfs fuse overlay)) {
    try("mount $fs", sub { call('mount', "x\0", "/mnt\0", "$fs\0", 0, 0) });
}
try('a mount that spreads', sub { call('mount', "none\0", "/\0", "none\0", 1 << 20 | 16384, 0) });
try('a bind mount', sub { call('mount', "/proc\0", "/mnt\0", "none\0", 4096, 0) });
try('fsconfig', sub { call('fsconfig', 0, 6, 0, 0, 0) });
try('fsmount', sub { call('fsmount', 0, 0, 0) });
try('open_tree_attr', sub { my $a = "\0" x 32; call('open_tree_attr', -100, "/\0", 1, $a, 32) });
try('listmount', sub { my $a = pack('IIQQQ', 32, 0, 0xffffffffffffffff, 0, 0); my $b = "\0" x 64; call('listmount', $a, $b, 8, 0) });
try('sysrq', sub { opens('/proc/sysrq-trigger', '>') });
for my $file (glob('/sys/power/state /sys/kernel/uevent_helper /sys/module/*/parameters/* /sys/block/*/queue/scheduler')) {
    try("$file", sub { opens($file, '>') });
}
try('remount /proc/sys', sub { call('mount', "none\0", "/proc/sys\0", "none\0", 32 | 4096, 0) });
try('remount /', sub { call('mount', "none\0", "/\0", "none\0", 32 | 4096, 0) });
try('mount proc', sub { call('mount', "proc\0", "/mnt\0", "proc\0", 0, 0) });
try('mount sysfs', sub { call('mount', "sysfs\0", "/mnt\0", "sysfs\0", 0, 0) });
try('mount tmpfs', sub { call('mount', "x\0", "/mnt\0", "tmpfs\0", 0, 0) });
try('mount cgroup2', sub { call('mount', "x\0", "/mnt\0", "cgroup2\0", 0, 0) });
try('unmount /proc', sub { call('umount2', "/proc\0", 2) });
try('unmount /dev', sub { call('umount2', "/dev\0", 2) });
try('unmount /proc/sys', sub { call('umount2', "/proc/sys\0", 2) });
try('pivot_root', sub { call('pivot_root', "/mnt\0", "/mnt\0") });
try('fsopen', sub { call('fsopen', "tmpfs\0", 0) });
try('fspick', sub { call('fspick', -100, "/\0", 0) });
try('open_tree', sub { call('open_tree', -100, "/\0", 1) });
try('move_mount', sub { call('move_mount', -100, "/proc\0", -100, "/mnt\0", 0) });
try('mount_setattr', sub { my $a = "\0" x 32; call('mount_setattr', -100, "/\0", 0, $a, 32) });

# Namespaces.
for my $flag (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x80) {
    try(sprintf('unshare %x', $flag), sub { call('unshare', $flag) });
    next if $flag == 0x80;
    try(sprintf('clone %x', $flag), sub {
        my $pid = syscall($nr{clone}, $flag | 17, 0, 0, 0, 0);
        POSIX::_exit(0) if $pid == 0;
        return 0 if $pid < 0;
        waitpid($pid, 0);
        return 'a process';
    });
}
try('clone3', sub { my $a = pack('Q11', 0x10000000, (0) x 10); my $r = syscall($nr{clone3}, $a, 88); POSIX::_exit(0) if $r == 0; return $r > 0 });
for my $pid (1, $$, $victim) {
    for my $ns (qw(mnt net uts ipc cgroup pid user)) {
        try("setns $ns of $pid", sub { open(my $f, '<', "/proc/$pid/ns/$ns") or return 0; call('setns', fileno($f), 0) });
    }
}

try('namespaces by inherited descriptors', sub {
    for my $fd (0 .. 63) { my $r = syscall($nr{setns}, $fd, 0); return "descriptor $fd" if $r == 0 }
    return 0;
});

# The machine's files.
my $escaped = "$outside/ESCAPED";
try('escape by chroot', sub {
    my $child = fork() // return 0;
    if ($child == 0) {
        mkdir('/srv/jail');
        opendir(my $top, '/');
        my $entered = chroot('/srv/jail');
        chdir($top);
        chdir('..') for 1 .. 64;
        chroot('.');
        POSIX::_exit($entered || writes($escaped, 'x') ? 1 : 0);
    }
    waitpid($child, 0);
    return $? != 0;
});
try('dot-dot', sub { chdir('/'); chdir('..') for 1 .. 64; my $found = -e ".$outside"; chdir('/'); $found });
try('a path of the machine', sub { -e $outside });
for my $pid (glob('/proc/[0-9]*')) {
    for my $way ("root$outside", 'cwd', 'exe') {
        next if $pid eq "/proc/$$";
        try("$pid/$way", sub { my $to = readlink("$pid/$way"); (-e "$pid/root$outside") || (defined $to && $to =~ /gokaku|^\Q$outside\E/ ? $to : 0) });
    }
    try("$pid/mem", sub { $pid eq '/proc/1' or return 0; opens("$pid/mem", '+<') });
}
try('descriptors of the machine', sub {
    # 0 is /dev/null, 1 and 2 are pipes or ours; perl's own script and this directory come on top.
    my @odd = grep { my $to = readlink("/proc/self/fd/$_") // ''; $to =~ /^\Q$outside\E|tty|\/pts\/|console/ } map { m{(\d+)$} ? $1 : () } glob('/proc/self/fd/*');
    return @odd ? "@odd" : 0;
});
try('file handles', sub {
    my $handle = pack('I i', 128, 0) . ("\0" x 128);
    my $id = pack('i', 0);
    syscall($nr{name_to_handle_at}, -100, my $p = "/etc\0", $handle, $id, 0);
    # The root of most filesystems has number 2, whatever directory this one was entered by.
    for my $guess ($handle, pack('I i I I', 8, 1, 2, 0) . ("\0" x 128)) {
        opendir(my $top, '/');
        my $fd = syscall($nr{open_by_handle_at}, POSIX::dup2(0, 0), $guess, 0);
        return "descriptor $fd" if $fd >= 0;
    }
    return 0;
});

# Other processes, keys, parts of the kernel.
try('first process traced', sub { call('ptrace', 16, 1, 0, 0) });
try('other process traced', sub { call('ptrace', 0x4206, getppid(), 0, 0) });
try('memory of the first process', sub { my $v = pack('QQ', 0, 0); call('process_vm_readv', 1, $v, 1, $v, 1, 0) });
try('environment of the first process', sub { open(my $f, '<', '/proc/1/environ') or return 0; sysread($f, my $b, 100) });
try('a process of the machine', sub { $victim > 5000 && -d "/proc/$victim" });
kill('KILL', $victim) if $victim > 5000 && !$only;
try('descriptors of the first process', sub {
    my $p = syscall($nr{pidfd_open}, 1, 0);
    return $p >= 0 && call('pidfd_getfd', $p, 0, 0);
});
try('memory of the first process, written', sub { my $v = pack('QQ', 0, 0); call('process_vm_writev', 1, $v, 1, $v, 1, 0) });
try('comparison with the first process', sub { call('kcmp', 1, $$, 2, 0, 0) });
try('pages of the first process', sub { my $m = pack('Q', 1); call('migrate_pages', 1, 64, $m, $m) || call('move_pages', 1, 0, 0, 0, 0, 0) });
try('a process that is not ended when memory is short', sub { writes('/proc/self/oom_score_adj', "-1000\n") });
try('realtime', sub { my $p = pack('i', 1); call('sched_setscheduler', 0, 1, $p) });
try('realtime of the disk', sub { call('ioprio_set', 1, 0, 1 << 13) });
try('locked memory', sub { call('mlockall', 3) });
try('limits without end', sub {
    for my $which (0 .. 15) {
        next if $which == 4;
        my ($now, $none) = (pack('QQ', 0, 0), pack('QQ', ~0, ~0));
        syscall($nr{prlimit64}, 0, $which, 0, $now);
        next if (unpack('QQ', $now))[1] == ~0;
        return "limit $which" if syscall($nr{prlimit64}, 0, $which, $none, 0) == 0;
    }
    return 0;
});
try('request of a key', sub { call('request_key', "user\0", "gokaku-test\0", 0, -3) });
try('keyring', sub { call('add_key', "user\0", "gokaku-test\0", "x", 1, -3) });
try('keyctl', sub { call('keyctl', 0, -3, 1) });
try('bpf', sub { my $a = pack('I4', 1, 4, 4, 1) . ("\0" x 100); call('bpf', 0, $a, 116) });
try('perf', sub { my $a = pack('II', 1, 112) . ("\0" x 104); call('perf_event_open', $a, 0, -1, -1, 0) });
try('io_uring', sub { my $a = "\0" x 256; call('io_uring_setup', 4, $a) });
try('io_uring of another', sub { call('io_uring_enter', 0, 0, 0, 0, 0, 0) || call('io_uring_register', -1, 0, 0, 0) });
try('userfaultfd', sub { call('userfaultfd', 0) });
try('fanotify', sub { call('fanotify_init', 0, 0) });
try('module', sub { call('init_module', "x" x 64, 64, "\0") });
try('module by file', sub { call('finit_module', 0, "\0", 0) });
try('module away', sub { call('delete_module', "x\0", 0x800) });
try('kexec by file', sub { call('kexec_file_load', 0, 0, 0, 0, 8) });
try('swap away', sub { call('swapoff', "/srv/swap\0") });
try('quota by descriptor', sub { call('quotactl_fd', 0, 0x80000100, 0, 0) });
try('hanging up', sub { call('vhangup') });
try('old calls', sub { call('uselib', "/bin/sh\0") || call('sysfs', 3) || call('_sysctl', 0) || call('ioperm', 0x70, 1, 1) });
try('a clock that runs faster', sub { my $t = pack('i', 0x4000) . ("\0" x 252); call('adjtimex', $t) || call('clock_adjtime', 0, $t) });
try('kexec', sub { call('kexec_load', 0, 0, 0, 0) });
try('swap', sub { call('swapon', "/srv/swap\0", 0) });
try('accounting', sub { call('acct', 0) });
try('quota', sub { call('quotactl', 0x80000100, 0, 0, 0) });
try('iopl', sub { call('iopl', 3) });
# The command is a harmless one: whether ctrl-alt-del is a signal.
try('reboot', sub { call('reboot', 0xfee1dead, 672274793, 0, 0) });
try('clock', sub { my $t = pack('qq', time(), 0); call('settimeofday', $t, 0) });
try('clock by number', sub { my $t = pack('qq', time(), 0); call('clock_settime', 0, $t) });
try('calls that nobody knows', sub { call('later') || call('statmount', 0, 0, 0, 0) });
try('calls of x32', sub { $arch eq 'x86_64' or return 0; my $n = 0x40000000; my $r = syscall($n | 39); return $r >= 0 });
try('priority', sub { call('setpriority', 0, 0, -15) });
try('core dumps', sub {
    my $none = pack('QQ', 0, 0);
    my $now = pack('QQ', 7, 7);
    syscall($nr{prlimit64}, 0, 4, $none, 0);
    syscall($nr{prlimit64}, 0, 4, 0, $now);
    my ($soft, $hard) = unpack('QQ', $now);
    return "$soft $hard" ne '1 1' ? "limit $soft $hard" : 0;
});
try('set-id', sub {
    # no_new_privs
    open(my $f, '<', '/proc/self/status'); my $s = join('', <$f>);
    $s =~ /NoNewPrivs:\s*1/ && $s =~ /Seccomp:\s*2/ ? 0 : $s;
});
try('capabilities', sub {
    open(my $f, '<', '/proc/self/status'); my $s = join('', <$f>);
    my %cap = $s =~ /^Cap(\w+):\s*([0-9a-f]+)/mg;
    # chown, dac_override, fowner, fsetid, kill, setgid, setuid, setfcap
    my $most = 0x800000fb;
    my @more = grep { hex($cap{$_}) & ~$most } keys %cap;
    return @more ? "$s" : 0;
});

# The network, and what is shared without a name.
try('TCP', sub {
    socket(my $s, PF_INET, SOCK_STREAM, 0) or return 0;
    connect($s, sockaddr_in($port, INADDR_LOOPBACK));
});
try('abstract socket', sub {
    socket(my $s, PF_UNIX, SOCK_STREAM, 0) or return 0;
    connect($s, pack('S a*', AF_UNIX, "\0$abstract"));
});
try('raw socket', sub { socket(my $s, PF_INET, SOCK_RAW, 1) });
try('packet socket', sub { socket(my $s, 17, SOCK_RAW, 0x0300) });
try('vsock', sub { socket(my $s, 40, SOCK_STREAM, 0) });
for my $family (3 .. 9, 11 .. 15, 17 .. 50) {
    try("socket of family $family", sub { socket(my $s, $family, SOCK_RAW, 0) || socket(my $t, $family, SOCK_DGRAM, 0) || socket(my $u, $family, 5, 0) });
}
try('an address by netlink', sub {
    socket(my $s, 16, SOCK_RAW, 0) or return 0;
    # 127.54.32.1 on the first interface, with an answer.
    my $body = pack('C4 I', 2, 32, 0, 0, 1) . pack('S2 C4', 8, 2, 127, 54, 32, 1);
    send($s, pack('I S2 I2', 16 + length($body), 20, 0x605, 1, 0) . $body, 0) or return 0;
    recv($s, my $answer, 4096, 0) // return 0;
    my ($type, $error) = unpack('x4 S x10 i', $answer);
    $! = -$error if $type == 2;
    return $type == 2 && $error == 0;
});
try('an interface by ioctl', sub {
    socket(my $s, PF_INET, SOCK_DGRAM, 0) or return 0;
    my $request = pack('a16 s x22', 'lo', 0);
    ioctl($s, 0x8913, $request) or return 0;
    # What it is already.
    return ioctl($s, 0x8914, $request) ? 'SIOCSIFFLAGS' : 0;
});
try('crypto socket', sub { socket(my $s, 38, 5, 0) });
try('audit', sub { socket(my $s, 16, SOCK_RAW, 9) });
try('devices of the network', sub { open(my $f, '<', '/proc/net/dev'); my @all = grep { /:/ && !/^\s*lo:/ } <$f>; scalar @all });
try('shared memory', sub { $key && defined(shmget($key, 0, 0)) });
try('message queue', sub { call('mq_open', "$abstract\0", 0, 0, 0) });
try('control groups', sub { open(my $f, '<', '/proc/self/cgroup') or return 0; my @odd = grep { !m{:/$} } <$f>; "@odd" });
try('control groups below /sys', sub { opens('/sys/fs/cgroup/cgroup.procs', '>') });

# What it changes of its own must stay its own.
if (!$only) {
    chmod(0600, '/dev/null', '/dev/tty', '/dev/random');
    chown(54_321, 54_321, '/dev/null', '/dev/urandom');
    utime(1, 1, '/dev/zero');
}

# Bounds.
for my $at (['/tmp', 600], ['/run', 80], ['/dev', 10], ['/dev/shm', 80]) {
    my ($dir, $most) = @$at;
    try("size of $dir", sub { my ($k) = (split ' ', (split /\n/, `df -Pk $dir`)[1])[1]; $k > $most * 1024 ? "$k KiB" : 0 });
}
try('filling /dev/shm', sub {
    open(my $f, '>', '/dev/shm/fill') or return 0;
    my ($block, $n) = ('x' x (1 << 20), 0);
    while ($n < 100) { last if (syswrite($f, $block) // 0) < length($block); $n++ }
    unlink('/dev/shm/fill');
    return $n >= 100 ? "$n MiB" : 0;
});
try('shared memory without end', sub {
    my ($n, @all) = (0);
    while ($n < 32) { my $id = shmget(0, 4 << 20, 0600 | 01000) // last; push @all, $id; $n++ }
    shmctl($_, 0, 0) for @all;
    return $n > 16 || defined(shmget(0, 1 << 30, 0600 | 01000)) ? "$n segments" : 0;
});
try('processes without end', sub {
    my @all;
    my $reached = 0;
    while (1) {
        my $pid = fork();
        last unless defined $pid;
        if ($pid == 0) { sleep(600); POSIX::_exit(0) }
        push @all, $pid;
        if (@all > 5000) { $reached = scalar @all; last }
    }
    kill('KILL', @all);
    waitpid($_, 0) for @all;
    return $reached;
});

# One that nobody waits for, in a session of its own, with nothing open and no environment.
if (!$only && fork() == 0) {
    POSIX::setsid();
    if (fork() == 0) {
        %ENV = ();
        $0 = "hostile-daemon-$abstract";
        POSIX::close($_) for 0 .. 63;
        $SIG{$_} = 'IGNORE' for qw(HUP TERM INT);
        sleep(3000);
        POSIX::_exit(0);
    }
    POSIX::_exit(0);
}
say_line("tried $tried");
