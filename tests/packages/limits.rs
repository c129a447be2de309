//! What a package script may use up: memory, processes, time, files. With control groups the kernel
//! bounds a step as a whole; without them it is counted.

use crate::bench::{ended, failure, overlay, report};
use crate::support::skip;

/// A machine with less than this has no room for what is tried (MiB).
const ROOM: u64 = 8 << 10;

fn available() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap();
    let line = text.lines().find_map(|l| l.strip_prefix("MemAvailable:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() >> 10
}

#[test]
fn a_script_that_eats_memory_is_ended_with_and_without_control_groups() {
    let test = "a_script_that_eats_memory_is_ended_with_and_without_control_groups";
    if available() < ROOM {
        return skip(test, "less than 8 GiB of memory are free");
    }
    let script = r#"
# Six that have a gibibyte each, which none of them may not; and what belongs to no process.
eat='perl -e "my @all; for (1 .. 6) { next if fork; my \$x = q(x) x (1 << 30); sleep 5; exit } wait for 1 .. 6"'
hide='perl -e "my \$n = shift; my \$fd = syscall(\$n, qq(x\0), 0); exit(\$fd < 0)"'
case $(uname -m) in x86_64) memfd=319 ;; *) memfd=279 ;; esac
{
    echo "[ -e /srv/armed ] || exit 0"
    echo "$hide $memfd && echo made >/srv/memfd || echo none >/srv/memfd"
    echo "$eat; echo survived >>/srv/survived; exit 0"
} >"$W/talk.prerm"
pkg talk 1; index
eaten() { rm -f "$R/srv/armed"; install talk; : >"$R/srv/armed"; RULES=2.2.3 run "$1"; cp "$R/srv/memfd" "$OUT/$1.memfd"; }
eaten grouped
# Control groups that cannot be written.
for at in $(awk '$9 ~ /^cgroup/ || $8 ~ /^cgroup/ || $10 ~ /^cgroup/ { print $5 }' /proc/self/mountinfo); do
    mount -o remount,bind,ro "$at" 2>/dev/null || umount -l "$at"
done
eaten counted
# One alone: it is refused the memory, and nobody is ended.
echo 'perl -e "my \$x = q(x) x (6 << 30); print STDERR qq(has it\n)" || echo "alone: refused" >/srv/alone' >"$W/talk.prerm"
gone talk || true; rm -f "$R"/srv/repo/*.deb; pkg talk 2; index; gone talk || true
install talk; RULES=2.2.3 run alone
cp "$R/srv/alone" "$OUT/alone"
"#;
    let Some(ran) = overlay(test, script) else { return };
    for name in ["grouped", "counted"] {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 1, "{name}: {log}");
        let why = report(&ran, name);
        assert!(failure(&why).contains("MiB of memory; ended"), "{name}: {why:#}\n{log}");
    }
    assert_eq!(ran.file("counted.memfd").trim(), "none", "memory that nobody can count");
    let (status, log) = ended(&ran, "alone");
    assert_eq!((status, ran.file("alone").trim()), (0, "alone: refused"), "{log}");
}

#[test]
fn a_script_that_spins_forks_or_writes_without_end_is_ended() {
    let test = "a_script_that_spins_forks_or_writes_without_end_is_ended";
    let script = r#"
tried() { # NAME SCRIPT [OPTION…]
    tried=$1; echo "[ -e /srv/armed ] || exit 0; $2" >"$W/talk.prerm"; shift 2
    rm -f "$R/srv/armed" "$R"/srv/repo/*.deb; gone talk || true
    pkg talk 1; index; install talk; : >"$R/srv/armed"
    RULES=2.2.3 run "$tried" "$@"
}
tried spin 'while :; do :; done' --package-timeout 3
# Each gives birth and stays; the parent never ends.
tried fork 'perl -e "\$SIG{ALRM} = q(DEFAULT); while (1) { my \$p = fork(); if (!defined \$p) { open(my \$f, q(>), q(/srv/refused)); sleep 1 } elsif (!\$p) { sleep 600; exit } }"' --package-timeout 20
tried file 'dd if=/dev/zero of=/srv/big bs=1 seek=9G count=1 && exit 0; exit 1'
stat -c %s "$R/srv/big" >"$OUT/size" 2>/dev/null || echo 0 >"$OUT/size"
rm -f "$R/srv/big"
"#;
    let Some(ran) = overlay(test, script) else { return };
    for (name, words) in [
        ("spin", &["no end within 3 s"][..]),
        ("fork", &["more than 4096 processes; ended", "no end within 20 s"]),
        ("file", &["ended with status 100"]),
    ] {
        let (status, log) = ended(&ran, name);
        assert_eq!(status, 1, "{name}: {log}");
        let why = report(&ran, name);
        let why = failure(&why);
        assert!(words.iter().any(|w| why.contains(w)), "{name}: {why}\n{log}");
    }
    let size: u64 = ran.file("size").trim().parse().unwrap();
    assert!(size <= 8 << 30, "a file of {size} bytes");
}
