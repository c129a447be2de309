//! Trees that are large, or that go round in circles: every run ends, and twice as much takes about
//! twice as long. No clock is asserted: what is quadratic would take hours here.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use gokaku::check::Outcome;
use gokaku::plan;
use gokaku::rootfs::{DiskRootfs, Resolver};
use nix::fcntl::OFlag;
use nix::sys::stat::{Mode, mkdirat};

use crate::support;
use crate::trap::{self, Trap, amount, as_root, rules};

/// Directories of drop-ins, an end of the names there, and a harmless text.
const DIRS: &[(&str, &str, &str)] = &[
    ("etc/sysctl.d", ".conf", "kernel.domainname = x\n"),
    ("etc/modprobe.d", ".conf", "blacklist nothing\n"),
    ("etc/ssh/sshd_config.d", ".conf", "Compression no\n"),
    ("etc/rsyslog.d", ".conf", "local7.* /var/log/x\n"),
    ("etc/logrotate.d", "", "/var/log/x {\n weekly\n}\n"),
    ("etc/profile.d", ".sh", "X=1\n"),
    ("etc/security/limits.d", ".conf", "@x hard nproc 1\n"),
    ("etc/security/pwquality.conf.d", ".conf", "difok = 1\n"),
    ("etc/systemd/system", ".service", "[Unit]\nDescription=x\n"),
    ("etc/systemd/journald.conf.d", ".conf", "[Journal]\nMaxUse=1G\n"),
    ("etc/apt/sources.list.d", ".list", "# nothing\n"),
    ("etc/cron.d", "", "# nothing\n"),
    ("etc/pam.d", "", "auth required pam_unix.so\n"),
    ("var/log", ".log", ""),
    ("home", "", ""),
];

/// Files with a line that is made many times.
const FILES: &[(&str, &str)] = &[
    ("etc/passwd", "u%:x:%:100::/home/u%:/usr/sbin/nologin\n"),
    ("etc/passwd", "u%:x:%:100::/home/u%:/bin/bash\n"),
    ("etc/shadow", "u%:!:17000:0:99999:7:::\n"),
    ("etc/shadow", "u%:$6$salt$hash:17000:0:99999:7:::\n"),
    ("etc/group", "g%:x:%:u%\n"),
    ("etc/ssh/sshd_config", "# X%\nAcceptEnv X%\n"),
    ("etc/ssh/sshd_config", "Match User u%\nMaxAuthTries 9\n"),
    ("etc/sysctl.conf", "net.x.% = 1\n"),
    ("etc/fstab", "/dev/x% /mnt/% ext4 defaults 0 0\n"),
    ("etc/rsyslog.conf", "local7.* /var/log/x%\n"),
    ("etc/logrotate.conf", "/var/log/x% {\n weekly\n}\n"),
    ("etc/login.defs", "X% 1\n"),
    ("etc/bash.bashrc", "if true; then umask 022; fi # %\n"),
    ("etc/profile", "( ( ( X%=1\n"),
    ("etc/security/limits.conf", "u% hard core 1\n"),
    ("etc/pam.d/common-password", "password optional pam_x%.so\n"),
    ("etc/modprobe.d/x.conf", "install cramfs /bin/x%\n"),
    ("etc/apt/sources.list", "deb http://x%/ bionic main\n"),
    ("var/lib/dpkg/status", "Package: p%\nStatus: install ok installed\nVersion: 1\n\n"),
];

fn run(trap: &Trap) -> String {
    let rules = rules();
    let start = Instant::now();
    let root = DiskRootfs::open_with(&trap.root(), Resolver::detect()).unwrap();
    let judged = plan::audit(&rules, &root);
    let audit = start.elapsed();
    let told: usize = judged.iter().map(|row| row.seen().count()).sum();
    assert_eq!(judged.len(), rules.len());
    let result = trap::harden(&root, &trap.state());
    let result = match result {
        Ok(_) => "hardened".to_owned(),
        Err(e) => e.to_string().chars().take(120).collect(),
    };
    format!("audit {audit:.1?}, all {:.1?}, {told} observations, {result}", start.elapsed())
}

#[test]
fn a_hundred_thousand_drop_ins_are_read_in_bounded_time() {
    if !as_root("size::a_hundred_thousand_drop_ins_are_read_in_bounded_time") {
        return;
    }
    let count = amount("GOKAKU_TEST_DROP_INS", 4_000);
    let trap = Trap::new();
    for (dir, end, text) in DIRS {
        let dir = trap.root().join(dir);
        fs::create_dir_all(&dir).unwrap();
        for number in 0..count / DIRS.len() {
            fs::write(dir.join(format!("{number}-x{end}")), text).unwrap();
        }
    }
    println!("{count} drop-ins in {} directories: {}", DIRS.len(), run(&trap));
    // One directory with all of them.
    if count >= 100_000 {
        for (dir, end, text) in DIRS {
            let trap = Trap::new();
            let at = trap.root().join(dir);
            fs::create_dir_all(&at).unwrap();
            for number in 0..count {
                fs::write(at.join(format!("{number}-x{end}")), text).unwrap();
            }
            println!("{count} in {dir}: {}", run(&trap));
        }
    }
}

#[test]
fn files_of_a_hundred_thousand_lines_are_read_in_bounded_time() {
    if !as_root("size::files_of_a_hundred_thousand_lines_are_read_in_bounded_time") {
        return;
    }
    let count = amount("GOKAKU_TEST_LINES", 4_000);
    for (file, line) in FILES {
        let trap = Trap::new();
        let old = fs::read_to_string(trap.root().join(file)).unwrap_or_default();
        let mut text = String::with_capacity(count * line.len());
        for number in 0..count {
            // Numbers that people's accounts have, as long as there are some.
            text.push_str(&line.replace('%', &(2_000 + number).to_string()));
        }
        trap.file(file, old + &text);
        println!("{count} times {:?} in {file}: {}", line.trim_end(), run(&trap));
    }
}

#[test]
fn circles_of_includes_end() {
    if !as_root("size::circles_of_includes_end") {
        return;
    }
    let trap = Trap::new();
    let file = |path: &str, text: &str| drop(trap.file(path, text));
    file(
        "var/lib/dpkg/status",
        "Package: openssh-server\nStatus: install ok installed\nVersion: 1:8.4p1-5\n\n\
         Package: rsyslog\nStatus: install ok installed\nVersion: 8.2102.0-2\n\n\
         Package: logrotate\nStatus: install ok installed\nVersion: 3.18.0-2\n\n",
    );
    file("etc/ssh/sshd_config", "Include /etc/ssh/sshd_config\nInclude /etc/ssh/*\nUsePAM yes\n");
    file(
        "etc/ssh/sshd_config.d/a.conf",
        "Include sshd_config.d/*.conf\nInclude ../ssh/sshd_config\n",
    );
    file("etc/logrotate.conf", "include /etc/logrotate.d\ninclude /etc/logrotate.conf\n");
    file("etc/logrotate.d/a", "include /etc/logrotate.d\ninclude /etc/logrotate.conf\n");
    file("etc/rsyslog.conf", "$IncludeConfig /etc/rsyslog.conf\n$IncludeConfig /etc/rsyslog.d/*\n");
    file(
        "etc/rsyslog.d/a.conf",
        "$IncludeConfig /etc/rsyslog.d/*.conf\ninclude(file=\"/etc/rsyslog.conf\")\n",
    );
    for name in ["common-password", "common-auth", "common-account", "su", "login"] {
        file(
            &format!("etc/pam.d/{name}"),
            &format!(
                "@include {name}\n@include common-password\nauth include common-auth\npassword substack {name}\n"
            ),
        );
    }
    file(
        "etc/profile",
        ". /etc/profile\nfor f in /etc/profile.d/*.sh; do . $f; done\n. /etc/bash.bashrc\n",
    );
    file("etc/profile.d/a.sh", ". /etc/profile\n. /etc/profile.d/a.sh\nsource /etc/bash.bashrc\n");
    file("etc/bash.bashrc", ". /etc/bash.bashrc\n. /etc/profile\n");
    file("root/.profile", ". /root/.bashrc\n");
    file("root/.bashrc", ". /root/.profile\n. ~/.bashrc\n");
    file("etc/sudoers", "#include /etc/sudoers\n#includedir /etc/sudoers.d\n");
    file("etc/sudoers.d/a", "@includedir /etc/sudoers.d\n@include /etc/sudoers\n");
    file("etc/apt/apt.conf.d/x", "#include \"/etc/apt/apt.conf.d/x\"\n");
    file("etc/ld.so.conf", "include /etc/ld.so.conf\n");
    for (name, target) in [
        ("etc/sysctl.d/loop.conf", "loop.conf"),
        ("etc/sysctl.d/dir.conf", "../sysctl.d"),
        ("etc/modprobe.d/loop", "."),
        ("etc/systemd/system/a.service", "b.service"),
        ("etc/systemd/system/b.service", "a.service"),
        ("etc/systemd/system/a.service.d", "."),
        ("etc/systemd/system/x.target.wants", ".."),
        ("home/up", ".."),
        ("var/log/up", "."),
    ] {
        let _ = fs::create_dir_all(trap.root().join(name).parent().unwrap());
        std::os::unix::fs::symlink(target, trap.instead(name)).unwrap();
    }
    println!("circles: {}", run(&trap));
}

#[test]
fn deep_nesting_does_not_end_the_process() {
    if !as_root("size::deep_nesting_does_not_end_the_process") {
        return;
    }
    let deep = |open: &str, close: &str, count: usize| {
        format!("{}umask 027{}\n", open.repeat(count), close.repeat(count))
    };
    let texts = [
        ("etc/profile", deep("( ", " )", 200_000)),
        ("etc/profile", deep("{ ", "; }", 200_000)),
        ("etc/profile", deep("$(", ")", 200_000)),
        ("etc/bash.bashrc", deep("if true; then\n", "\nfi\n", 60_000)),
        ("etc/bash.bashrc", deep("\"$(", ")\"", 100_000)),
        ("etc/profile.d/x.sh", deep("case x in x) ", " ;; esac", 50_000)),
        ("etc/rsyslog.conf", deep("if ( ", " ) then {", 100_000)),
        ("etc/rsyslog.conf", format!("if {}1 then stop\n*.* /x\n", "( ".repeat(200_000))),
        ("etc/rsyslog.conf", format!("if {}1 then stop\n*.* /x\n", "not ".repeat(200_000))),
        ("etc/rsyslog.d/x.conf", deep("ruleset(name=\"", "\")", 100_000)),
        ("etc/logrotate.d/x", deep("/x {\n", "\n}\n", 100_000)),
        ("etc/pam.d/common-password", deep("password [", "]", 100_000)),
        ("root/.profile", deep("${X:-", "}", 200_000)),
    ];
    for (file, text) in &texts {
        let trap = Trap::new();
        trap.file(file, text);
        let mut told = String::new();
        write!(told, "{file}, {:?}…: {}", text.chars().take(8).collect::<String>(), run(&trap))
            .unwrap();
        println!("{told}");
    }
}

/// A nest of `depth` levels in the directory `top`, each with a directory before and behind the way
/// down, and at its end a file that anybody can write to.
fn nest(top: &Path, depth: usize) {
    fs::create_dir_all(top).unwrap();
    let dir = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let mut at = nix::fcntl::open(top, dir, Mode::empty()).unwrap();
    for _ in 0..depth {
        for name in ["a", "m", "z"] {
            mkdirat(&at, name, Mode::from_bits_truncate(0o755)).unwrap();
        }
        at = nix::fcntl::openat(&at, "m", dir, Mode::empty()).unwrap();
    }
    let create = OFlag::O_CREAT | OFlag::O_WRONLY;
    let file = nix::fcntl::openat(&at, "open", create, Mode::empty()).unwrap();
    fs::File::from(file).set_permissions(fs::Permissions::from_mode(0o666)).unwrap();
}

#[test]
fn a_deep_nest_does_not_blind_the_walk_over_all_files() {
    if !as_root("size::a_deep_nest_does_not_blind_the_walk_over_all_files") {
        return;
    }
    for (depth, want) in [(1_000, "not_met"), (2_300, "unknown")] {
        let trap = Trap::new();
        nest(&trap.root().join("srv/n"), depth);
        // With few descriptors, which a level each would use up; on one processor, so that nobody
        // comes from the side and takes up what is left open.
        let gokaku = support::gokaku();
        let mut command = Command::new("sh");
        let script = "ulimit -n 250; taskset -c -p \
                      $(sed -n 's/^Cpus_allowed_list:[^0-9]*\\([0-9]*\\).*/\\1/p' /proc/$$/status) \
                      $$ >/dev/null 2>&1; exec \"$@\"";
        command.args(["-c", script, "sh"]).arg(gokaku.get_program());
        command.args(["audit", "--survey", "--rule", "6.1.10", "--format", "json", "--root"]);
        let out = command.arg(trap.root()).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let row = &support::rows(&report)["6.1.10"];
        assert_eq!(row["outcome"], want, "{depth}: {row}");
        assert!(row.to_string().contains("/srv/n/m/m/m/"), "{depth}: {row}");
        // The standard library would take a descriptor a level to remove it.
        Command::new("rm").arg("-rf").arg(trap.root().join("srv/n")).status().unwrap();
    }
}

#[test]
fn many_large_files_are_not_all_kept() {
    if !as_root("size::many_large_files_are_not_all_kept") {
        return;
    }
    let count = amount("GOKAKU_TEST_LARGE_FILES", 100);
    let sparse = |at: &Path| fs::File::create(at).unwrap().set_len(4 << 20).unwrap();
    for linked in [false, true] {
        let trap = Trap::new();
        let dir = trap.root().join("etc/sysctl.d");
        fs::create_dir_all(&dir).unwrap();
        sparse(&dir.join("0.conf"));
        for number in 1..count {
            let at = dir.join(format!("{number}.conf"));
            if linked { fs::hard_link(dir.join("0.conf"), at).unwrap() } else { sparse(&at) }
        }
        // All of them would not fit into this memory once, let alone twice.
        let gokaku = support::gokaku();
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 600000; exec \"$@\"", "sh"]).arg(gokaku.get_program());
        command.args(["audit", "--rule", "3.2.1", "--rule", "5.1.2", "--format", "json", "--root"]);
        let out = command.arg(trap.root()).output().unwrap();
        let told = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(1), "{told}");
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let rows = support::rows(&report);
        assert_eq!(rows["3.2.1"]["outcome"], "unknown", "{told}");
        assert!(told.contains("and with what was read before more than"), "{told}");
        assert_ne!(rows["5.1.2"]["outcome"], "unknown", "a row that reads none of them: {told}");
    }
}

#[test]
fn patterns_of_includes_that_multiply_end() {
    if !as_root("size::patterns_of_includes_that_multiply_end") {
        return;
    }
    let count = amount("GOKAKU_TEST_NAMES", 3_000);
    let trap = Trap::new();
    trap.file(
        "var/lib/dpkg/status",
        "Package: openssh-server\nStatus: install ok installed\nVersion: 1:8.4p1-5\n\n\
         Package: rsyslog\nStatus: install ok installed\nVersion: 8.2102.0-2\n\n",
    );
    let turns = "/../[b]0".repeat(4);
    trap.file("etc/ssh/sshd_config", format!("Include /etc/ssh/x.d/a*/../a*{turns}\n"));
    trap.file("etc/rsyslog.conf", "*.* /x\n$IncludeConfig /etc/g/a*/u/a*/u/a*/u/a*/u/*.conf\n");
    for (dir, dirs) in [("etc/ssh/x.d", 64), ("etc/g", 100)] {
        let dir = trap.root().join(dir);
        fs::create_dir_all(dir.join("b0")).unwrap();
        for number in 1..=dirs {
            fs::create_dir(dir.join(format!("a{number}"))).unwrap();
            std::os::unix::fs::symlink("..", dir.join(format!("a{number}/u"))).unwrap();
        }
        for number in 0..count {
            fs::write(dir.join(number.to_string()), "").unwrap();
        }
    }
    println!("{count} names: {}", run(&trap));
    let root = DiskRootfs::open(trap.root()).unwrap();
    let judged = plan::audit(&rules(), &root);
    for (id, place) in
        [("5.3.8", "/etc/ssh/sshd_config:1: found"), ("4.2.1.3", "/etc/rsyslog.conf:2: found")]
    {
        let row = judged.iter().find(|row| row.id.to_string() == id).unwrap();
        assert_eq!(row.outcome, Outcome::Unknown, "{row:?}");
        let told = format!("{row:?}");
        assert!(told.contains(place) && told.contains("more than 200000 names"), "{told}");
    }
}
