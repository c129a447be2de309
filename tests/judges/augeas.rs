//! A second parser of configuration files reads the hardened tree: what it understands is what was
//! wanted, and nothing else changed.

use std::collections::BTreeMap;

use crate::bench::{here, judged};
use crate::support::Ran;

/// Values as the parser shows them: below `/files/etc/`.
const WANTED: &[(&str, &str)] = &[
    ("default/useradd/INACTIVE", "30"),
    ("login.defs/PASS_MAX_DAYS", "365"),
    ("login.defs/PASS_MIN_DAYS", "1"),
    ("login.defs/PASS_WARN_AGE", "7"),
    ("login.defs/UMASK", "027"),
    ("passwd/root/uid", "0"),
    ("passwd/root/gid", "0"),
    ("passwd/root/password", "x"),
    ("profile.d/zz-cis.sh/@command", "umask"),
    ("profile.d/zz-cis.sh/@command/@arg", "027"),
    ("security/limits.d/60-CIS.conf/domain", "*"),
    ("security/limits.d/60-CIS.conf/domain/type", "hard"),
    ("security/limits.d/60-CIS.conf/domain/item", "core"),
    ("security/limits.d/60-CIS.conf/domain/value", "0"),
    ("security/pwquality.conf/minlen", "14"),
    ("security/pwquality.conf/minclass", "4"),
    ("security/pwquality.conf/dcredit", "-1"),
    ("security/pwquality.conf/ucredit", "-1"),
    ("security/pwquality.conf/lcredit", "-1"),
    ("security/pwquality.conf/ocredit", "-1"),
    ("ssh/sshd_config/Banner", "/etc/issue.net"),
    ("ssh/sshd_config/HostbasedAuthentication", "no"),
    ("ssh/sshd_config/IgnoreRhosts", "yes"),
    ("ssh/sshd_config/LogLevel", "INFO"),
    ("ssh/sshd_config/LoginGraceTime", "60"),
    ("ssh/sshd_config/MaxAuthTries", "4"),
    ("ssh/sshd_config/MaxSessions", "10"),
    ("ssh/sshd_config/PermitEmptyPasswords", "no"),
    ("ssh/sshd_config/PermitRootLogin", "no"),
    ("ssh/sshd_config/PermitUserEnvironment", "no"),
    ("ssh/sshd_config/UsePAM", "yes"),
    ("ssh/sshd_config/DenyUsers/1", "root"),
    ("sysctl.d/60-CIS.conf/fs.suid_dumpable", "0"),
    ("sysctl.d/60-CIS.conf/kernel.randomize_va_space", "2"),
    ("sysctl.d/60-CIS.conf/net.ipv4.conf.all.log_martians", "1"),
    ("sysctl.d/60-CIS.conf/net.ipv4.conf.all.rp_filter", "1"),
    ("sysctl.d/60-CIS.conf/net.ipv4.conf.default.send_redirects", "0"),
    ("sysctl.d/60-CIS.conf/net.ipv4.tcp_syncookies", "1"),
    ("sysctl.d/60-CIS.conf/net.ipv6.conf.default.accept_ra", "0"),
    ("systemd/journald.conf/Journal/ForwardToSyslog/value", "yes"),
    ("systemd/journald.conf/Journal/Storage/value", "persistent"),
];

/// The only nodes that may differ from before.
const TOUCHED: &[&str] = &[
    "default/useradd/INACTIVE",
    "fstab/",
    "login.defs/PASS_",
    "login.defs/UMASK",
    "modprobe.d/CIS.conf",
    "pam.d/common-password/",
    "profile.d/zz-cis.sh",
    "security/limits.d",
    "security/pwquality.conf/",
    "ssh/sshd_config/",
    "sysctl.d/60-CIS.conf",
    "systemd/journald.conf/",
];

/// `print` of the whole tree, and of what could not be parsed.
fn look(name: &str) -> String {
    format!(
        r#"
print_all() {{
    printf 'transform Simplevars incl /etc/security/pwquality.conf\ntransform Systemd incl /etc/systemd/journald.conf\nload\nprint %s\n' "$1" |
        augtool --noload -r "$GOKAKU_ROOT" 2>&1
}}
print_all /files/etc >"$OUT/{name}"
print_all /augeas//error >"$OUT/{name}.errors"
"#
    )
}

/// Every node with a value, without comments.
fn nodes(ran: &Ran, name: &str) -> BTreeMap<String, String> {
    ran.file(name)
        .lines()
        .filter(|l| !l.contains("#comment"))
        .filter_map(|l| l.strip_prefix("/files/etc/"))
        .map(|l| l.split_once(" = ").unwrap_or((l, "")))
        .map(|(path, value)| (path.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

#[test]
fn a_second_parser_reads_what_was_wanted_and_nothing_else_changed() {
    let test = "a_second_parser_reads_what_was_wanted_and_nothing_else_changed";
    if !here(test, "augtool", "augeas-tools") {
        return;
    }
    let Some(ran) = judged(test, &[], &look("before"), &look("after")) else { return };
    let errors = |name: &str| {
        let text = ran.file(&format!("{name}.errors"));
        text.lines().filter(|l| l.starts_with("/augeas/")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(errors("before"), errors("after"), "it parses what it parsed");
    let (before, after) = (nodes(&ran, "before"), nodes(&ran, "after"));
    assert!(before.len() > 500, "{}", before.len());
    for (path, want) in WANTED {
        assert_eq!(after.get(*path).map(String::as_str), Some(*want), "{path}");
    }
    for path in before.keys().chain(after.keys()) {
        let same = before.get(path) == after.get(path);
        assert!(
            same || TOUCHED.iter().any(|t| path.starts_with(t) || t.starts_with(path.as_str())),
            "{path}: was {:?}, is {:?}",
            before.get(path),
            after.get(path)
        );
    }
    // In lists the place is a number.
    let beside = |list: &str, key: &str, value: &str| -> BTreeMap<&str, &str> {
        let is_it = |(path, found): &(&String, &String)| {
            path.starts_with(list) && path.ends_with(key) && *found == value
        };
        let (path, _) = after.iter().find(is_it).unwrap_or_else(|| panic!("{list} {key} {value}"));
        let entry = path.strip_suffix(key).unwrap();
        let below = after.iter().filter_map(|(p, v)| Some((p.strip_prefix(entry)?, v.as_str())));
        below.collect()
    };
    let mount = beside("fstab/", "file", "/dev/shm");
    let options: Vec<&str> =
        mount.iter().filter(|(k, _)| k.starts_with("opt")).map(|(_, v)| *v).collect();
    assert!(options.contains(&"nodev") && options.contains(&"nosuid"), "{options:?}");
    assert!(!options.contains(&"noexec"), "{options:?}");
    let unix = beside("pam.d/common-password/", "module", "pam_unix.so");
    assert!(unix.values().any(|v| *v == "sha512"), "{unix:?}");
    assert!(!unix.values().any(|v| *v == "yescrypt" || *v == "md5"), "{unix:?}");
    for module in ["cramfs", "freevxfs", "jffs2", "hfs", "hfsplus", "usb-storage"] {
        let install: Vec<&String> = after
            .iter()
            .filter(|(p, v)| p.starts_with("modprobe.d/CIS.conf/install") && *v == module)
            .filter_map(|(p, _)| after.get(&format!("{p}/command")))
            .collect();
        assert_eq!(install, ["/bin/true"], "{module}");
    }
}
