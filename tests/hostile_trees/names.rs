//! Names and texts that give orders: to a terminal, to a reader of JSON, to whoever reads a log.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use crate::support::gokaku_as_root;
use crate::trap::{Trap, profile};

/// Line feeds, an order to a terminal in seven bits and in eight, text that turns round, and bytes
/// that are no text.
const EVIL: &[&[u8]] = &[
    b"a\nb",
    b"a\x1b[2J\x1b]0;owned\x07",
    b"a\xc2\x9b2Jb",
    b"a\xe2\x80\xaegpj",
    b"a\xff\xfe",
    b"a\r\x08\x7f",
    b"a\"},{\"id\":\"1.1.1.1\",\"outcome\":\"met",
    b"'; $(touch x) `id`",
    b"-rf",
];

/// Where names of the tree's own are read.
const DIRS: &[(&str, &str)] = &[
    ("etc/sysctl.d", ".conf"),
    ("etc/modprobe.d", ".conf"),
    ("etc/ssh/sshd_config.d", ".conf"),
    ("etc/rsyslog.d", ".conf"),
    ("etc/logrotate.d", ""),
    ("etc/profile.d", ".sh"),
    ("etc/cron.d", ""),
    ("etc/security/limits.d", ".conf"),
    ("etc/security/pwquality.conf.d", ".conf"),
    ("etc/systemd/system", ".service"),
    ("etc/systemd/journald.conf.d", ".conf"),
    ("etc/apt/sources.list.d", ".list"),
    ("etc/update-motd.d", ""),
    ("etc/pam.d", ""),
    ("etc/sudoers.d", ""),
    ("home", ""),
    ("var/log", ".log"),
    ("root", ""),
];

fn tree() -> Trap {
    let trap = Trap::new();
    for (dir, end) in DIRS {
        for (number, evil) in EVIL.iter().enumerate() {
            let dir = trap.root().join(dir);
            fs::create_dir_all(&dir).unwrap();
            let name = [evil, end.as_bytes()].concat();
            let at = dir.join(OsStr::from_bytes(&name));
            // Text that the rows find wrong, and show.
            let line: &[&[u8]] = &[
                b"net.ipv4.conf.all.send_redirects = 1 ",
                evil,
                b"\nMaxAuthTries 9 ",
                evil,
                b"\ninstall cramfs ",
                evil,
                b"\n*.* /var/log/",
                evil,
                b"\n* hard core ",
                evil,
                b"\numask ",
                evil,
                b"\nPATH=/tmp:",
                evil,
                b"\n[Journal]\nStorage=",
                evil,
                b"\n",
            ];
            match number % 3 {
                0 | 1 => fs::write(at, line.concat()).unwrap(),
                _ => symlink(OsStr::from_bytes(evil), at).unwrap(),
            }
        }
    }
    let mut passwd = fs::read(trap.root().join("etc/passwd")).unwrap();
    for (number, evil) in EVIL.iter().enumerate().filter(|(_, e)| !e.contains(&b'\n')) {
        passwd.extend(evil.iter().filter(|b| **b != b':'));
        passwd.extend(format!(":y:{}:1:", 1100 + number).into_bytes());
        passwd.extend(evil.iter().filter(|b| **b != b':'));
        passwd.extend(b":/home/");
        passwd.extend(evil.iter().filter(|b| **b != b':'));
        passwd.extend(b":/bin/bash\n");
    }
    trap.file("etc/passwd", passwd);
    let sshd: &[&[u8]] = &[b"UsePAM yes\nLogLevel ", EVIL[1], b"\nMaxAuthTries ", EVIL[2], b"\n"];
    trap.file("etc/ssh/sshd_config", sshd.concat());
    trap.file("etc/issue", EVIL.concat());
    trap.file("etc/login.defs", [b"UMASK ", EVIL[1], b"\nPASS_MAX_DAYS ", EVIL[2], b"\n"].concat());
    trap
}

/// Text that only lies there: no control character but line feeds and tabs, nothing that turns.
fn assert_harmless(bytes: &[u8], at: &str) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|e| panic!("{at}: {e}"));
    for (number, line) in text.lines().enumerate() {
        let bad = line.chars().find(|c| {
            (c.is_control() && *c != '\t')
                || ('\u{202a}'..='\u{202e}').contains(c)
                || ('\u{2066}'..='\u{2069}').contains(c)
        });
        assert!(bad.is_none(), "{at}: line {}: {bad:?} in {line:?}", number + 1);
    }
}

#[test]
fn no_name_or_text_of_a_tree_gives_orders_to_a_terminal() {
    let test = "no_name_or_text_of_a_tree_gives_orders_to_a_terminal";
    let trap = tree();
    let state = trap.state();
    let runs: &[&[&str]] = &[
        &["audit", "-v", "-v", "--survey"],
        &["audit", "--format", "json", "--lang", "ja", "--survey"],
        &["plan", "-v"],
        &["plan", "--format", "json"],
        &["explain", "3.2.1"],
        &["explain", "5.2.3"],
        &["explain", "6.2.4"],
        &["apply", "-v", "-v", "--state-dir", state.to_str().unwrap()],
        &["revert", "--state-dir", state.to_str().unwrap()],
        &["apply", "--format", "json", "--state-dir", state.to_str().unwrap()],
        &["plan", "--format", "json", "--log-format", "json"],
    ];
    for args in runs {
        let Some(mut gokaku) = gokaku_as_root(test) else { return };
        gokaku.env("RUST_LOG", "trace").args(*args).arg("--root").arg(trap.root());
        let out = gokaku.output().unwrap();
        let at = format!("{args:?}");
        assert!(!out.stdout.is_empty(), "{at}: {}", String::from_utf8_lossy(&out.stderr));
        assert_harmless(&out.stdout, &format!("{at} stdout"));
        assert_harmless(&out.stderr, &format!("{at} stderr"));
        // A line of a log begins as our own do: nothing of the tree makes lines.
        for line in String::from_utf8_lossy(&out.stderr).lines() {
            let own = match args.contains(&"--log-format") {
                true => serde_json::from_str::<serde_json::Value>(line).is_ok(),
                false => line.starts_with("gokaku: "),
            };
            assert!(own, "{at}: {line}");
        }
        if args.contains(&"json") {
            let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
            let rows = report["rules"].as_array().unwrap().len();
            assert_eq!(rows, profile().rules.len(), "{at}: no row is made up");
        }
    }
    // The journal is read by people, too.
    for (path, _) in crate::trap::walk(&state) {
        if path.ends_with("journal.json") {
            assert_harmless(&fs::read(&path).unwrap(), "the journal");
        }
    }
    println!(
        "{} evil names in {} directories: no control character came out",
        EVIL.len(),
        DIRS.len()
    );
}
