//! What an administrator set tighter than any row wants: the daemons have it after hardening as before.

use std::collections::{BTreeMap, BTreeSet};

use crate::bench::scripted;

/// What sshd prints of itself, by keyword.
type Settings = BTreeMap<String, String>;

fn settings(printed: &str) -> Settings {
    let lines = printed.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// The settings of `after` that are looser than in `before`.
fn looser(before: &Settings, after: &Settings) -> Vec<String> {
    let mut out = Vec::new();
    let mut told = |key: &str| out.push(format!("{key}: {:?} -> {:?}", before[key], after[key]));
    for key in ["logingracetime", "maxauthtries", "maxsessions"] {
        let number = |all: &Settings| match all[key].parse::<u32>().unwrap() {
            0 if key == "logingracetime" => u32::MAX,
            number => number,
        };
        if number(after) > number(before) {
            told(key);
        }
    }
    for key in ["ciphers", "macs", "kexalgorithms"] {
        let names =
            |all: &Settings| all[key].split(',').map(str::to_owned).collect::<BTreeSet<_>>();
        if !names(after).is_subset(&names(before)) {
            told(key);
        }
    }
    for (key, tight) in [
        ("permitrootlogin", "no"),
        ("permitemptypasswords", "no"),
        ("permituserenvironment", "no"),
        ("hostbasedauthentication", "no"),
        ("ignorerhosts", "yes"),
        ("loglevel", "VERBOSE"),
    ] {
        if before[key] == tight && after[key] != tight {
            told(key);
        }
    }
    out
}

#[test]
fn sshd_keeps_what_was_tighter() {
    let test = "sshd_keeps_what_was_tighter";
    let configs = [
        // After a block for all connections everything is for all of them.
        "UsePAM yes\nPermitRootLogin no\nMatch Group sftponly\n  ChrootDirectory /srv/sftp\n  \
         ForceCommand internal-sftp\nMatch all\nLogLevel VERBOSE\nLoginGraceTime 20\nMaxSessions 2\n\
         MaxAuthTries 2\nCiphers aes256-gcm@openssh.com\n",
        "UsePAM yes\nCiphers aes256-ctr,aes128-cbc\nMACs hmac-sha2-512,hmac-sha1\n\
         KexAlgorithms curve25519-sha256\nMaxAuthTries 9\nMaxSessions 1\nLoginGraceTime 10\n\
         LogLevel VERBOSE\n",
        "MaxAuthTries 6\nMaxSessions 4\nMatch User root\n  MaxAuthTries 1\n  MaxSessions 1\n\
         Match User games\n  PermitRootLogin yes\n",
    ];
    for config in configs {
        let script = format!(
            r#"
cat >"$GOKAKU_ROOT/etc/ssh/sshd_config" <<'CONFIG'
{config}CONFIG
mkdir -p "$GOKAKU_ROOT/run/sshd"
ask() {{
    inside sshd -T >"$OUT/$1"
    inside sshd -T -C user=root,host=h,addr=192.0.2.1,laddr=192.0.2.2,lport=22 >"$OUT/$1.root"
}}
ask before
harden
ask after
"#
        );
        let Some(ran) = scripted(test, &["sshd"], &script) else { return };
        for (before, after) in [("before", "after"), ("before.root", "after.root")] {
            let (was, is) = (settings(&ran.file(before)), settings(&ran.file(after)));
            assert_eq!(looser(&was, &is), [""; 0], "{config}{after}");
        }
        // The test sees what is looser: the other way round, something is.
        let (was, is) = (settings(&ran.file("before")), settings(&ran.file("after")));
        assert_ne!(looser(&is, &was), [""; 0], "{config}");
    }
}

#[test]
fn new_accounts_and_shells_keep_what_was_tighter() {
    let test = "new_accounts_and_shells_keep_what_was_tighter";
    let script = r#"
cd "$GOKAKU_ROOT/etc"
sed -i -e 's/^PASS_MAX_DAYS.*/PASS_MAX_DAYS 60/' -e 's/^PASS_MIN_DAYS.*/PASS_MIN_DAYS 5/' \
    -e 's/^PASS_WARN_AGE.*/PASS_WARN_AGE 14/' -e 's/^UMASK.*/UMASK 077/' login.defs
echo 'INACTIVE=7' >>default/useradd
echo 'umask 077' >>profile
cd - >/dev/null
look() {
    inside useradd -m -s /bin/sh $1
    inside grep "^$1:" /etc/shadow | cut -d: -f4-7 >"$OUT/$1.ageing"
    inside stat -c %a /home/$1 >"$OUT/$1.home"
    inside sh -lc umask >"$OUT/$1.umask"
}
look early
harden
look late
"#;
    let Some(ran) = scripted(test, &["useradd", "sh"], script) else { return };
    for (what, want) in [("ageing", "5:60:14:7"), ("home", "700"), ("umask", "0077")] {
        for account in ["early", "late"] {
            assert_eq!(ran.file(&format!("{account}.{what}")).trim(), want, "{account}");
        }
    }
}
