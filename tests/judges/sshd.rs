//! The tree's own sshd says what it took from the hardened configuration.

use std::collections::BTreeMap;

use crate::bench::judged;
use crate::support::Ran;

/// What each row of section 5.3 wants, in the words of `sshd -T`.
const WANTED: &[(&str, &str, &str)] = &[
    ("5.3.4", "denyusers", "root omsagent nxautomation"),
    ("5.3.5", "loglevel", "INFO"),
    ("5.3.7", "maxauthtries", "4"),
    ("5.3.8", "ignorerhosts", "yes"),
    ("5.3.9", "hostbasedauthentication", "no"),
    ("5.3.10", "permitrootlogin", "no"),
    ("5.3.11", "permitemptypasswords", "no"),
    ("5.3.12", "permituserenvironment", "no"),
    (
        "5.3.13",
        "ciphers",
        "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,\
         aes256-ctr,aes192-ctr,aes128-ctr",
    ),
    (
        "5.3.14",
        "macs",
        "hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512,hmac-sha2-256",
    ),
    (
        "5.3.15",
        "kexalgorithms",
        "curve25519-sha256,curve25519-sha256@libssh.org,diffie-hellman-group14-sha256,\
         diffie-hellman-group16-sha512,diffie-hellman-group18-sha512,ecdh-sha2-nistp521,\
         ecdh-sha2-nistp384,ecdh-sha2-nistp256,diffie-hellman-group-exchange-sha256",
    ),
    ("5.3.17", "logingracetime", "60"),
    ("5.3.18", "banner", "/etc/issue.net"),
    ("5.3.19", "usepam", "yes"),
    ("5.3.22", "maxsessions", "10"),
];

/// What the rows that are left alone are about; none of it may change.
const LEFT_ALONE: &[&str] = &[
    "clientaliveinterval",
    "clientalivecountmax",
    "maxstartups",
    "x11forwarding",
    "allowtcpforwarding",
    "passwordauthentication",
    "pubkeyauthentication",
    "subsystem",
    "port",
];

/// Who asks: nobody in particular, and logins that blocks are made for.
const LOGINS: &[(&str, &str)] = &[
    ("main", ""),
    ("root", "-C user=root,host=node,addr=10.1.2.3"),
    ("alice", "-C user=alice,host=example.org,addr=203.0.113.9"),
];

/// Asks sshd for every login, before and after.
fn look(name: &str) -> String {
    let asks = LOGINS.iter().map(|(login, args)| {
        format!("inside sshd -T {args} >\"$OUT/{name}.{login}\" 2>\"$OUT/{name}.{login}.err\"\n")
    });
    format!("mkdir -p \"$GOKAKU_ROOT/run/sshd\"\ninside sshd -t\n{}", asks.collect::<String>())
}

/// What sshd printed; the words of a directive that stands several times in a row.
fn settings(ran: &Ran, name: &str) -> BTreeMap<String, String> {
    let mut settings = BTreeMap::new();
    for line in ran.file(name).lines() {
        let (key, value) = line.split_once(' ').unwrap_or((line, ""));
        settings
            .entry(key.to_owned())
            .and_modify(|v: &mut String| *v += &format!(" {value}"))
            .or_insert_with(|| value.to_owned());
    }
    settings
}

/// `users`: what stands in for our list of names.
fn all_wanted(ran: &Ran, users: Option<&str>) {
    for (login, _) in LOGINS {
        let found = settings(ran, &format!("after.{login}"));
        for (row, key, want) in WANTED {
            let want = users.filter(|_| *key == "denyusers").unwrap_or(want);
            assert_eq!(found.get(*key).map(String::as_str), Some(want), "{row} {key} for {login}");
        }
        assert_eq!(ran.file(&format!("after.{login}.err")), "", "sshd has nothing to remark");
    }
}

#[test]
fn sshd_takes_every_wanted_value_and_keeps_the_others() {
    let test = "sshd_takes_every_wanted_value_and_keeps_the_others";
    let Some(ran) = judged(test, &["sshd"], &look("before"), &look("after")) else { return };
    all_wanted(&ran, None);
    for (login, _) in LOGINS {
        let (before, after) =
            (settings(&ran, &format!("before.{login}")), settings(&ran, &format!("after.{login}")));
        for key in LEFT_ALONE {
            assert_eq!(before.get(*key), after.get(*key), "{key} for {login}");
        }
        let changed: Vec<&String> =
            before.keys().chain(after.keys()).filter(|k| before.get(*k) != after.get(*k)).collect();
        for key in changed {
            assert!(WANTED.iter().any(|(_, k, _)| k == key), "{key} changed for {login}");
        }
    }
}

/// Each of these, put before the hardening, loosens something for somebody.
const LOOSENED: &[(&str, &str)] = &[
    (
        "blocks at the end",
        r#"cat >>"$GOKAKU_ROOT/etc/ssh/sshd_config" <<'END'
Match User root
    PermitRootLogin yes
    PermitEmptyPasswords yes
    MaxAuthTries 9
Match Address 10.0.0.0/8
    permitrootlogin=without-password
    Banner none
    HostbasedAuthentication yes
    MaxSessions 99
    IgnoreRhosts no
Match all
    PermitEmptyPasswords yes
    LogLevel QUIET
    X11Forwarding no
END"#,
    ),
    (
        "a contrary file that is included first",
        r#"mkdir -p "$GOKAKU_ROOT/etc/ssh/sshd_config.d"
cat >"$GOKAKU_ROOT/etc/ssh/sshd_config.d/10-cloud.conf" <<'END'
PermitRootLogin yes
Ciphers +aes128-cbc
MACs hmac-sha1
KexAlgorithms diffie-hellman-group1-sha1
LoginGraceTime 0
UsePAM no
Match User root,alice
    PermitRootLogin yes
    PermitEmptyPasswords yes
END
grep -q '^Include' "$GOKAKU_ROOT/etc/ssh/sshd_config" ||
    sed -i 's,^Ciphers,#Ciphers,;/^UsePAM/d' "$GOKAKU_ROOT/etc/ssh/sshd_config""#,
    ),
    (
        "the first value in the main file, in odd spelling",
        r#"{ printf 'permitrootlogin="yes"\r\nPERMITEMPTYPASSWORDS\tyes\n  MaxAuthTries = 9\nBanner none\n'
cat "$GOKAKU_ROOT/etc/ssh/sshd_config"; } >"$GOKAKU_ROOT/etc/ssh/new"
tr -d '\r' <"$GOKAKU_ROOT/etc/ssh/new" >"$GOKAKU_ROOT/etc/ssh/sshd_config"
rm "$GOKAKU_ROOT/etc/ssh/new""#,
    ),
    (
        "a file without a final newline that ends inside a block",
        r#"printf 'DenyUsers mallory\nUsePAM yes\nMatch User alice\n    ForceCommand internal-sftp\n    MaxAuthTries 6' \
    >"$GOKAKU_ROOT/etc/ssh/sshd_config""#,
    ),
];

#[test]
fn blocks_and_included_files_that_loosen_are_closed() {
    let test = "blocks_and_included_files_that_loosen_are_closed";
    for (what, prepare) in LOOSENED {
        println!("{what}");
        let Some(ran) = judged(test, &["sshd"], prepare, &look("after")) else { return };
        // A list that is there already limits who logs in; it is not added to.
        all_wanted(&ran, prepare.contains("mallory").then_some("mallory"));
    }
}

#[test]
fn a_stricter_configuration_stays_as_it_is() {
    let test = "a_stricter_configuration_stays_as_it_is";
    let prepare = r#"{ cat <<'END'
LogLevel VERBOSE
MaxAuthTries 2
MaxSessions 1
LoginGraceTime 20s
Ciphers aes256-gcm@openssh.com
MACs hmac-sha2-512-etm@openssh.com
KexAlgorithms curve25519-sha256
AllowGroups wheel
END
cat "$GOKAKU_ROOT/etc/ssh/sshd_config"; } >"$GOKAKU_ROOT/etc/ssh/new"
mv "$GOKAKU_ROOT/etc/ssh/new" "$GOKAKU_ROOT/etc/ssh/sshd_config""#;
    let Some(ran) = judged(test, &["sshd"], prepare, &look("after")) else { return };
    let found = settings(&ran, "after.main");
    for (key, want) in [
        ("loglevel", "VERBOSE"),
        ("maxauthtries", "2"),
        ("maxsessions", "1"),
        ("logingracetime", "20"),
        ("ciphers", "aes256-gcm@openssh.com"),
        ("macs", "hmac-sha2-512-etm@openssh.com"),
        ("kexalgorithms", "curve25519-sha256"),
        ("allowgroups", "wheel"),
        ("permitrootlogin", "no"),
    ] {
        assert_eq!(found.get(key).map(String::as_str), Some(want), "{key}");
    }
}

/// The daemon itself, and a client: who is let how far.
#[test]
fn a_client_meets_the_banner_and_the_strong_algorithms() {
    let test = "a_client_meets_the_banner_and_the_strong_algorithms";
    let look = r#"
cat >"$GOKAKU_ROOT/root/talk" <<'END'
ip link set lo up
rm -f /run/sshd.pid
/usr/sbin/sshd -E /root/sshd.log
# It goes into the background before it listens, and writes this after.
tries=0
until [ -s /run/sshd.pid ] || [ $((tries += 1)) -gt 600 ]; do sleep 0.1; done
ask() { ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "$@" 127.0.0.1 true; }
ask -l bob >/root/plain 2>&1
ask -l bob -o Ciphers=aes128-cbc >/root/cbc 2>&1
ask -l bob -o MACs=hmac-sha1 -o Ciphers=aes128-ctr >/root/sha1 2>&1
ask -l bob -o KexAlgorithms=diffie-hellman-group14-sha1 >/root/kex 2>&1
kill "$(cat /run/sshd.pid)"
END
booted sh /root/talk
cp "$GOKAKU_ROOT"/root/plain "$GOKAKU_ROOT"/root/cbc "$GOKAKU_ROOT"/root/sha1 "$GOKAKU_ROOT"/root/kex "$OUT"
cp "$GOKAKU_ROOT/etc/issue.net" "$OUT"
"#;
    let Some(ran) = judged(test, &["sshd", "ssh", "ip"], "", look) else { return };
    let plain = ran.file("plain");
    assert!(plain.contains(ran.file("issue.net").trim_end()), "{plain}");
    assert!(plain.contains("Permission denied"), "it got as far as asking who: {plain}");
    for name in ["cbc", "sha1", "kex"] {
        let said = ran.file(name);
        assert!(said.contains("no matching"), "{name}: {said}");
    }
}
