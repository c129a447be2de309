//! What a tree holds costs time and memory in proportion, and a report stays a report: each file that
//! is read, at its worst. With the built program.
//!
//! By default a sample of the files at sizes that take seconds; `GOKAKU_TEST_BOUNDS=full` takes all,
//! at their limits. Time is the processor's, and a ratio; an odd measurement is made again.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{gokaku, have, skip};

/// Every file that any primitive reads by name, with a line of its own format that makes work.
const FILES: [(&str, &str); 59] = [
    ("etc/sysctl.conf", "net.ipv4.conf.all.send_redirects = 1"),
    ("etc/sysctl.d/x.conf", "net.ipv4.conf.all.send_redirects = 1"),
    ("etc/modprobe.d/x.conf", "install cramfs /bin/false"),
    ("etc/login.defs", "UMASK 000"),
    ("etc/issue", "\\m \\r"),
    ("etc/issue.net", "\\m \\r"),
    ("etc/motd", "\\m \\r"),
    ("etc/profile", "umask 000"),
    ("etc/bash.bashrc", "umask 000"),
    ("etc/profile.d/x.sh", "umask 000"),
    ("root/.profile", "PATH=/x:$PATH"),
    ("etc/environment", "PATH=/x"),
    ("etc/rsyslog.conf", "$FileCreateMode 0644"),
    ("etc/rsyslog.d/x.conf", "*.* /var/log/x"),
    ("etc/logrotate.conf", "/var/log/x { daily }"),
    ("etc/logrotate.d/x", "/var/log/x { daily }"),
    ("etc/fstab", "tmpfs /dev/shm tmpfs rw 0 0"),
    ("etc/ssh/sshd_config", "HostKey /etc/ssh/ssh_host_rsa_key"),
    ("etc/passwd", "bob:x:1000:1000::/home/bob:/bin/sh"),
    ("etc/shadow", "bob:!:1:0:9:7:::"),
    ("etc/group", "bob:x:1000:"),
    ("etc/gshadow", "bob:!::"),
    ("etc/pam.d/common-password", "password required pam_unix.so md5"),
    ("etc/pam.d/sshd", "password required pam_unix.so md5"),
    ("etc/security/pwquality.conf", "minlen = 3"),
    ("etc/security/limits.conf", "* hard core 1"),
    ("etc/security/limits.d/x.conf", "* hard core 1"),
    ("etc/systemd/journald.conf", "Compress=no"),
    ("etc/systemd/coredump.conf", "Storage=external"),
    ("etc/systemd/system/rsyslog.service", "ExecStart=/bin/x"),
    ("etc/default/useradd", "INACTIVE=-1"),
    ("etc/default/grub", "GRUB_CMDLINE_LINUX=x"),
    ("etc/ntp.conf", "restrict default"),
    ("etc/postfix/main.cf", "inet_interfaces = all"),
    ("etc/apt/sources.list", "deb http://x y z"),
    ("etc/shells", "/bin/x"),
    ("var/lib/dpkg/status", "Package: x"),
    ("lib/systemd/system/cron.service", "ExecStart=/bin/x"),
    ("etc/default/ufw", "IPT_SYSCTL=/etc/ufw/sysctl.conf"),
    ("etc/ufw/ufw.conf", "ENABLED=yes"),
    ("etc/ufw/sysctl.conf", "net/ipv4/conf/all/send_redirects=1"),
    ("etc/default/ntp", "NTPD_OPTS=x"),
    ("etc/default/ssh", "SSHD_OPTS=x"),
    ("etc/init.d/ntp", "RUNASUSER=x"),
    ("etc/cron.daily/logrotate", "exit 0"),
    ("etc/logrotate.d/rsyslog", "/var/log/syslog { daily }"),
    ("etc/pam.d/common-account", "account required pam_unix.so"),
    ("etc/pam.d/common-auth", "auth required pam_unix.so nullok"),
    ("etc/pam.d/common-session", "session optional pam_umask.so umask=000"),
    ("etc/pam.d/su", "auth required pam_wheel.so"),
    ("etc/security/pwquality.conf.d/x.conf", "minlen = 3"),
    ("etc/systemd/journald.conf.d/x.conf", "Compress=no"),
    ("etc/systemd/system/tmp.mount", "Options=rw"),
    ("etc/profile.d/zz-cis.sh", "umask 000"),
    ("etc/modprobe.d/CIS.conf", "install cramfs /bin/false"),
    ("etc/sysctl.d/60-CIS.conf", "net.ipv4.conf.all.send_redirects = 1"),
    ("etc/rsyslog.d/60-CIS.conf", "*.* /var/log/x"),
    ("var/lib/dpkg/updates/0001", "Package: x"),
    ("var/lib/dpkg/info/x.list", "/etc/x"),
];
/// The sample: one of each way to read.
const SAMPLE: [&str; 10] = [
    "etc/default/ufw",
    "etc/profile",
    "etc/sysctl.conf",
    "etc/login.defs",
    "etc/issue",
    "etc/rsyslog.conf",
    "etc/fstab",
    "etc/ssh/sshd_config",
    "etc/pam.d/common-password",
    "var/lib/dpkg/status",
];
/// Bytes of data and heap that a run may have (SECURITY.md).
const MEMORY: usize = 150 << 20;
/// Bytes of a report (SECURITY.md).
const REPORT: u64 = 5_000_000;

/// What a file is filled with: `size` bytes, so that one at its limit is read.
fn worst(kind: &str, line: &str, size: usize) -> Vec<u8> {
    let mut out = match kind {
        "zeros" => return vec![0; size],
        "one line" => return vec![b'x'; size],
        "nonsense" => (0..size).map(|n| u8::try_from(n * n % 251).unwrap()).collect(),
        // What a shell, and most readers of settings, have most to keep of.
        "words" => "x = y\n".repeat(size / 6).into_bytes(),
        "equal lines" => format!("{line}\n").repeat(size / (line.len() + 1)).into_bytes(),
        _ => {
            let mut text = String::new();
            for n in 0.. {
                if text.len() >= size {
                    break;
                }
                text.push_str(&format!("{line}{n}\n"));
            }
            text.into_bytes()
        }
    };
    // No piece of a line at the end, which might be an error where the lines are none.
    out.truncate(size - 1);
    if kind != "one line" && kind != "nonsense" {
        let end = out.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        out[end..].fill(b'\n');
    }
    out.push(b'\n');
    out
}

const KINDS: [&str; 6] =
    ["zeros", "words", "one line", "nonsense", "equal lines", "different lines"];
/// As many of them are in the sample.
const SAMPLED: usize = 2;

struct Bench(tempfile::TempDir);

impl Bench {
    /// A small tree in which the daemons are that the rows are about.
    fn new() -> Bench {
        let bench = Bench(tempfile::tempdir().unwrap());
        let packages = [
            "openssh-server",
            "rsyslog",
            "systemd",
            "systemd-coredump",
            "procps",
            "ntp",
            "logrotate",
            "libpam-modules",
            "libpam-pwquality",
            "postfix",
            "ufw",
        ];
        let status: String = packages
            .iter()
            .map(|name| {
                format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:9.0-1\n\n")
            })
            .collect();
        for (name, text) in [
            ("etc/os-release", "ID=ubuntu\nVERSION_ID=18.04\n"),
            ("etc/passwd", "root:x:0:0::/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/bash\n"),
            ("etc/shadow", "root:*:18000:0:99999:7:::\nbob:!:18000:0:99999:7:::\n"),
            ("etc/group", "root:x:0:\nbob:x:1000:\n"),
            ("etc/gshadow", "root:*::\nbob:!::\n"),
            ("etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\n"),
            (
                "etc/pam.d/common-password",
                "password [success=1 default=ignore] pam_unix.so sha512\n",
            ),
            ("etc/ssh/sshd_config", "Port 22\n"),
            ("etc/rsyslog.conf", "$IncludeConfig /etc/rsyslog.d/*.conf\n"),
            ("etc/logrotate.conf", "include /etc/logrotate.d\n"),
            ("etc/default/ufw", "IPT_SYSCTL=/etc/ufw/sysctl.conf\n"),
            ("etc/ufw/ufw.conf", "ENABLED=yes\n"),
            ("etc/ufw/sysctl.conf", "net/ipv4/conf/all/send_redirects=1\n"),
            ("var/lib/dpkg/status", &status),
        ] {
            bench.write(name, text.as_bytes());
        }
        bench
    }

    fn root(&self) -> PathBuf {
        self.0.path().join("root")
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A run with a bound on memory: milliseconds of the processor, and the size of the report.
    fn run(&self, verb: &str, memory: usize) -> Result<(u64, u64), String> {
        let report = self.0.path().join("report.json");
        let command = gokaku();
        let script = r#""$@" >/dev/null 2>"$LOG"; echo $? >"$STATUS"; times"#;
        let log = self.0.path().join("log");
        let out = Command::new("prlimit")
            .arg(format!("--data={memory}"))
            .args(["sh", "-c", script, "sh"])
            .arg(command.get_program())
            .args([verb, "-q", "--format", "json", "--root"])
            .arg(self.root())
            .arg("-o")
            .arg(&report)
            .env("LOG", &log)
            .env("STATUS", self.0.path().join("status"))
            .env("LC_ALL", "C")
            .output()
            .unwrap();
        let told = |path: &Path| fs::read_to_string(path).unwrap_or_default();
        let status = told(&self.0.path().join("status"));
        if !["0", "1", "2"].contains(&status.trim()) {
            let log: String = told(&log).chars().take(2_000).collect();
            return Err(format!("ended with {}: {log}", status.trim()));
        }
        // The second line is of the children: `0m0.52s 0m0.03s`.
        let times = String::from_utf8_lossy(&out.stdout).into_owned();
        let children = times.lines().nth(1).unwrap_or_default();
        let milliseconds = children.split_whitespace().map(|time| {
            let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
            let (minutes, seconds): (f64, f64) =
                (minutes.parse().unwrap(), seconds.parse().unwrap());
            (minutes * 60_000.0 + seconds * 1_000.0) as u64
        });
        Ok((milliseconds.sum(), fs::metadata(report).map_or(0, |meta| meta.len())))
    }
}

fn is_full() -> bool {
    std::env::var("GOKAKU_TEST_BOUNDS").is_ok_and(|value| value == "full")
}

fn files() -> Vec<(&'static str, &'static str)> {
    FILES.into_iter().filter(|(name, _)| is_full() || SAMPLE.contains(name)).collect()
}

#[test]
fn a_megabyte_of_anything_in_any_file_needs_little_memory_and_makes_a_short_report() {
    let test = "a_megabyte_of_anything_in_any_file_needs_little_memory_and_makes_a_short_report";
    if !have(test, &["prlimit:util-linux"]) {
        return;
    }
    let mut wrong = Vec::new();
    for (name, line) in files() {
        for kind in KINDS.into_iter().take(if is_full() { KINDS.len() } else { SAMPLED }) {
            let bench = Bench::new();
            bench.write(name, &worst(kind, line, 1 << 20));
            for verb in ["audit", "plan"].into_iter().take(if is_full() { 2 } else { 1 }) {
                match bench.run(verb, MEMORY) {
                    Ok((_, report)) if (1_000..REPORT).contains(&report) => {}
                    Ok((_, report)) => {
                        wrong.push(format!("{verb}: {name}, {kind}: a report of {report} bytes"))
                    }
                    Err(why) => wrong.push(format!("{verb}: {name}, {kind}: {why}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn twice_as_much_takes_twice_as_long() {
    let test = "twice_as_much_takes_twice_as_long";
    if !is_full() {
        // Processor time on a busy machine is no ground for a verdict on a change.
        skip(test, "GOKAKU_TEST_BOUNDS=full asks for it, on an idle machine");
        return;
    }
    if !have(test, &["prlimit:util-linux"]) {
        return;
    }
    // Four times as much: 4 for what is linear, 16 for a square.
    const MORE: u64 = 4;
    const ALLOWED: u64 = 9;
    let small: usize = 1 << 20;
    let mut wrong = Vec::new();
    let unlimited = 4 << 30;
    let base = Bench::new().run("plan", unlimited).unwrap().0;
    for (name, line) in files() {
        for kind in ["words", "equal lines", "different lines"] {
            let bench = Bench::new();
            let measure = |size: usize| {
                bench.write(name, &worst(kind, line, size));
                let (time, _) =
                    bench.run("plan", unlimited).unwrap_or_else(|e| panic!("{name}: {e}"));
                time.saturating_sub(base)
            };
            // Other work on the machine makes a measurement longer, never shorter.
            let mut ratio = u64::MAX;
            for _ in 0..5 {
                let (one, four) = (measure(small).max(60), measure(small * MORE as usize));
                ratio = ratio.min(four / one);
                if ratio <= ALLOWED {
                    break;
                }
            }
            if ratio > ALLOWED {
                wrong.push(format!(
                    "{name}, {kind}: {ratio} times as long for {MORE} times as much"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_package_record_at_its_limit_of_64_mib_of_zeros_is_one_row_of_a_report() {
    let test = "a_package_record_at_its_limit_of_64_mib_of_zeros_is_one_row_of_a_report";
    if !have(test, &["prlimit:util-linux"]) {
        return;
    }
    if !is_full() {
        return skip(test, "GOKAKU_TEST_BOUNDS=full asks for it");
    }
    let bench = Bench::new();
    bench.write("var/lib/dpkg/status", &vec![0; 64 << 20]);
    let (_, report) = bench.run("audit", 400 << 20).unwrap();
    assert!(report < REPORT, "{report}");
}
