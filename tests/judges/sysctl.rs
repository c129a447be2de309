//! The tree's own systemd-sysctl and procps say what the kernel would be told at boot.
//!
//! Both write into plain files that stand in for `/proc/sys`; the kernel of this machine is out of
//! reach (`booted`).

use crate::bench::{implemented, judged};
use crate::support::Ran;

/// Which row wants which value.
const WANTED: &[(&str, &str, &str)] = &[
    ("1.5.2", "kernel.randomize_va_space", "2"),
    ("1.5.4", "fs.suid_dumpable", "0"),
    ("3.2.1", "net.ipv4.conf.all.send_redirects", "0"),
    ("3.2.1", "net.ipv4.conf.default.send_redirects", "0"),
    ("3.3.1", "net.ipv4.conf.all.accept_source_route", "0"),
    ("3.3.1", "net.ipv4.conf.default.accept_source_route", "0"),
    ("3.3.1", "net.ipv6.conf.all.accept_source_route", "0"),
    ("3.3.1", "net.ipv6.conf.default.accept_source_route", "0"),
    ("3.3.2", "net.ipv4.conf.all.accept_redirects", "0"),
    ("3.3.2", "net.ipv4.conf.default.accept_redirects", "0"),
    ("3.3.2", "net.ipv6.conf.all.accept_redirects", "0"),
    ("3.3.2", "net.ipv6.conf.default.accept_redirects", "0"),
    ("3.3.3", "net.ipv4.conf.all.secure_redirects", "0"),
    ("3.3.3", "net.ipv4.conf.default.secure_redirects", "0"),
    ("3.3.4", "net.ipv4.conf.all.log_martians", "1"),
    ("3.3.4", "net.ipv4.conf.default.log_martians", "1"),
    ("3.3.5", "net.ipv4.icmp_echo_ignore_broadcasts", "1"),
    ("3.3.6", "net.ipv4.icmp_ignore_bogus_error_responses", "1"),
    ("3.3.7", "net.ipv4.conf.all.rp_filter", "1"),
    ("3.3.7", "net.ipv4.conf.default.rp_filter", "1"),
    ("3.3.8", "net.ipv4.tcp_syncookies", "1"),
    ("3.3.9", "net.ipv6.conf.all.accept_ra", "0"),
    ("3.3.9", "net.ipv6.conf.default.accept_ra", "0"),
];

/// What the table leaves: nodes need forwarding, and kubelet sets the others.
const LEFT_ALONE: &[&str] = &[
    "net.ipv4.ip_forward",
    "net.ipv4.conf.all.forwarding",
    "net.ipv6.conf.all.forwarding",
    "net.ipv6.conf.all.disable_ipv6",
    "net.bridge.bridge-nf-call-iptables",
    "vm.overcommit_memory",
    "kernel.panic",
];

/// What no file says: every key is contrary before anybody sets it.
const UNSET: &str = "7";

/// Lets one of the two set all keys, and leaves them in `$OUT/after.NAME/`.
fn look() -> String {
    let keys = WANTED.iter().map(|(_, key, _)| *key).chain(LEFT_ALONE.iter().copied());
    let pairs: Vec<String> = keys.map(|key| format!("{key}={UNSET}")).collect();
    format!(
        r#"
for tool in /lib/systemd/systemd-sysctl "sysctl --system"; do
    kernel_settings {}
    booted $tool >"$OUT/${{tool##*[/-]}}.said" 2>&1 || echo $? >"$OUT/${{tool##*[/-]}}.failed"
    mv "$OUT/sys" "$OUT/after.${{tool##*[/-]}}"
done
"#,
        pairs.join(" ")
    )
}

fn value(ran: &Ran, tool: &str, key: &str) -> String {
    ran.file(&format!("after.{tool}/{}", key.replace('.', "/"))).trim_end().to_owned()
}

fn all_wanted(test: &str, ran: &Ran) {
    let report = ran.json("apply.json");
    for tool in ["sysctl", "system"] {
        for (row, key, want) in WANTED {
            if implemented(test, &report, row) {
                assert_eq!(value(ran, tool, key), *want, "{row} {key} by {tool}");
            }
        }
        for key in LEFT_ALONE {
            assert_eq!(value(ran, tool, key), UNSET, "{key} by {tool}");
        }
    }
}

const PROGRAMS: &[&str] = &["systemd-sysctl", "sysctl"];

#[test]
fn both_readers_tell_the_kernel_what_the_rows_want() {
    let test = "both_readers_tell_the_kernel_what_the_rows_want";
    let Some(ran) = judged(test, PROGRAMS, "", &look()) else { return };
    all_wanted(test, &ran);
}

/// Values in every place that one of the two reads later than ours.
#[test]
fn later_files_and_other_spellings_do_not_win() {
    let test = "later_files_and_other_spellings_do_not_win";
    let prepare = r#"
cd "$GOKAKU_ROOT"
mkdir -p etc/sysctl.d usr/lib/sysctl.d usr/local/lib/sysctl.d
printf 'net.ipv4.conf.all.send_redirects=1\nnet/ipv4/tcp_syncookies = 0\n' >>etc/sysctl.conf
printf 'net.ipv4.conf.all.log_martians = 0\n; remark\n  kernel.randomize_va_space=0' >etc/sysctl.d/99-zz-site.conf
printf 'net.ipv6.conf.default.accept_ra = 2\n' >usr/lib/sysctl.d/99-vendor.conf
printf 'net.ipv4.conf.all.rp_filter=0\n' >usr/local/lib/sysctl.d/zz.conf
printf '# ours, looser\nnet.ipv4.conf.all.accept_redirects = 1\nvm.overcommit_memory = 7\n' >etc/sysctl.d/60-CIS.conf
printf 'fs.suid_dumpable = 2\n' >usr/lib/sysctl.d/70-core.conf
printf 'net.ipv4.conf.default.secure_redirects = 1\n' >etc/sysctl.d/.hidden.conf
cd - >/dev/null
"#;
    let Some(ran) = judged(test, PROGRAMS, prepare, &look()) else { return };
    all_wanted(test, &ran);
    assert!(ran.file("system.said").contains("60-CIS.conf"), "{}", ran.file("system.said"));
}
