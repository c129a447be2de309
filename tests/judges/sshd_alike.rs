//! Made-up sshd configurations: what sshd takes from them, and our verdict about it.

use std::fmt::Write;

use gokaku::check::Outcome;
use gokaku::profile::Rule;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule, stanza};
use crate::dice::{Dice, rounds};

/// What is judged: the want, and whether a value that sshd shows is right.
struct Judged {
    key: &'static str,
    want: &'static str,
    /// A value that is wrong, to see whether another is stated before it.
    contrary: &'static str,
    right: fn(&str) -> bool,
}

const CIPHERS: [&str; 6] = [
    "chacha20-poly1305@openssh.com",
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
];

fn number(value: &str, min: i64, max: i64) -> bool {
    value.parse::<i64>().is_ok_and(|n| (min..=max).contains(&n))
}

const JUDGED: &[Judged] = &[
    Judged {
        key: "PermitRootLogin",
        want: r#"sshd = { directive = "PermitRootLogin", value = { one_of = ["no"] } }"#,
        contrary: "yes",
        right: |v| v == "no",
    },
    Judged {
        key: "LogLevel",
        want: r#"sshd = { directive = "LogLevel", value = { one_of = ["INFO", "VERBOSE"] } }"#,
        contrary: "QUIET",
        right: |v| v == "INFO" || v == "VERBOSE",
    },
    Judged {
        key: "MaxAuthTries",
        want: r#"sshd = { directive = "MaxAuthTries", value = { number = { min = 1, max = 4, write = 4 } } }"#,
        contrary: "77",
        right: |v| number(v, 1, 4),
    },
    Judged {
        key: "MaxSessions",
        want: r#"sshd = { directive = "MaxSessions", value = { number = { min = 0, max = 10, write = 10 } } }"#,
        contrary: "77",
        right: |v| number(v, 0, 10),
    },
    Judged {
        key: "LoginGraceTime",
        want: r#"sshd = { directive = "LoginGraceTime", value = { seconds = { min = 1, max = 60, write = 60 } } }"#,
        contrary: "777",
        right: |v| number(v, 1, 60),
    },
    Judged {
        key: "IgnoreRhosts",
        want: r#"sshd = { directive = "IgnoreRhosts", value = { one_of = ["yes"] } }"#,
        contrary: "no",
        right: |v| v == "yes",
    },
    Judged {
        key: "PermitUserEnvironment",
        want: r#"sshd = { directive = "PermitUserEnvironment", value = { one_of = ["no"] } }"#,
        contrary: "yes",
        right: |v| v == "no",
    },
    Judged {
        key: "PermitEmptyPasswords",
        want: r#"sshd = { directive = "PermitEmptyPasswords", value = { one_of = ["no"] } }"#,
        contrary: "yes",
        right: |v| v == "no",
    },
    Judged {
        key: "Banner",
        want: r#"sshd = { directive = "Banner", value = { existing_file = "/etc/issue.net" } }"#,
        contrary: "/other",
        right: |v| v == "/etc/issue.net",
    },
    Judged {
        key: "Ciphers",
        want: r#"sshd = { directive = "Ciphers", value = { algorithms = ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr"] } }"#,
        contrary: "aes128-cbc",
        right: |v| !v.is_empty() && v.split(',').all(|c| CIPHERS.contains(&c)),
    },
    Judged {
        key: "MACs",
        want: r#"sshd = { directive = "MACs", value = { algorithms = ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-256"] } }"#,
        contrary: "hmac-sha1",
        right: |v| !v.is_empty() && v.split(',').all(|c| c.starts_with("hmac-sha2-")),
    },
    Judged {
        key: "DenyUsers",
        want: r#"sshd = { directive = "DenyUsers", value = { access = ["root", "omsagent"] } }"#,
        contrary: "",
        right: |v| !v.is_empty(),
    },
];

const VALUES: &[&str] = &[
    "yes",
    "no",
    "NO",
    "Yes",
    "prohibit-password",
    "without-password",
    "INFO",
    "verbose",
    "SILENT",
    "3",
    "6",
    "0",
    "10x",
    "-1",
    "+3",
    "1m30s",
    "59s1s",
    "1m",
    "none",
    "60",
    "2w",
    "aes256-ctr,aes128-ctr",
    "+aes128-cbc",
    "-aes*",
    "^aes256-ctr",
    "aes256-ctr,",
    "aes256-ctr, aes128-ctr",
    "arcfour",
    "hmac-sha2-256",
    "-umac*,hmac-sha1*",
    "+hmac-md5",
    "/etc/issue.net",
    "\"/etc/issue.net\"",
    "/etc/a#b",
    "'no'",
    "root bob",
    "\"\"",
    "a \"\" b",
    "\"a b\"",
    "a=b",
    "\"unclosed",
    "no # note",
    "no #",
    "# only",
    "",
    "yes extra",
    "yes \"\"",
    "default",
    "yes\t ",
    "no\\",
    "a\\ b",
];

/// Directives beside those that are judged; `sshd_refuses` makes up values of theirs.
const OTHERS: &[&str] = &[
    "X11Forwarding no",
    "usepam=yes",
    "AllowGroups a b",
    "Compression no",
    "Port 2222",
    "AcceptEnv LANG LC_*",
    "ClientAliveInterval 30",
    "PasswordAuthentication no",
    "SyslogFacility AUTH",
    "Protocol 2",
    "UsePrivilegeSeparation sandbox",
    "RSAAuthentication yes",
    "Nonsense 1",
    "PermitRootLogin",
    "Subsystem sftp internal-sftp",
];

const GOOD: &[&str] = &[
    "PermitRootLogin no",
    "PermitRootLogin yes",
    "LogLevel DEBUG",
    "LogLevel VERBOSE",
    "LoginGraceTime 9",
    "MaxAuthTries 3",
    "UsePAM yes",
    "Ciphers aes128-ctr,3des-cbc",
    "Ciphers aes128-ctr",
    "MACs +hmac-md5",
    "MACs hmac-sha2-256",
    "KexAlgorithms -ecdh*",
    "Banner /etc/issue.net",
    "MaxSessions 2",
    "DenyUsers root x",
    "IgnoreRhosts no",
    "IgnoreRhosts yes",
    "PermitEmptyPasswords no",
    "PermitUserEnvironment no",
    "#PermitRootLogin no",
    "X11Forwarding no",
    "",
    "# a remark",
];

const BLOCKS: &[&str] = &[
    "Match all",
    "Match User bob",
    "match user=bob",
    "Match User bob Host *",
    "Match Address 10.0.0.0/8",
    "Match User bob,root",
    "Match Host h",
    "Match",
    "Match User",
    "Match all User x",
    "Match Foo x",
];

const INCLUDES: &[&str] = &[
    "Include d/*.conf",
    "Include /etc/ssh/d/a.conf",
    "Include none/* d/b.conf",
    "Include d/[b-z]*",
    "include \"d/a.conf\"",
    "Include",
];

/// Who logs in; each block of the above is about one of them.
const LOGINS: &[&str] = &[
    "",
    "-C user=bob,host=h,addr=10.1.2.3",
    "-C user=root,host=h,addr=10.1.2.3",
    "-C user=eve,host=x,addr=192.0.2.1",
];

fn line(dice: &mut Dice) -> String {
    match dice.below(36) {
        0 => dice.pick(BLOCKS).to_owned(),
        1 | 2 => dice.pick(INCLUDES).to_owned(),
        8 => dice.pick(OTHERS).to_owned(),
        3..=7 => {
            let key = JUDGED[dice.below(JUDGED.len())].key;
            let key = if dice.once_in(2) { key.to_lowercase() } else { key.to_owned() };
            let indent = dice.pick(&["", " ", "\t", "", "", "\u{c}", "="]);
            let between = dice.pick(&[" ", " ", " ", "=", " = ", "\t", "  ", " == ", "= "]);
            let end = dice.pick(&["", "", "", "", "\r", " ", "\u{c}"]);
            format!("{indent}{key}{between}{}{end}", dice.pick(VALUES))
        }
        _ => dice.pick(GOOD).to_owned(),
    }
}

fn text(dice: &mut Dice, most: usize, include: bool) -> String {
    let mut lines = dice.some(most, line);
    lines.retain(|l| include || !l.to_lowercase().starts_with("include"));
    let end = if dice.once_in(3) { "" } else { "\n" };
    lines.join("\n") + end
}

/// The configuration with a wrong value behind each that is stated for everybody.
fn with_contrary(main: &str) -> String {
    let is_block = |l: &&str| l.trim_start().to_lowercase().starts_with("match");
    let at = main.split_inclusive('\n').take_while(|l| !is_block(l)).map(str::len).sum::<usize>();
    let (head, rest) = main.split_at(at);
    let mut out = head.to_owned();
    if !head.is_empty() && !head.ends_with('\n') {
        out.push('\n');
    }
    for judged in JUDGED.iter().filter(|j| !j.contrary.is_empty()) {
        let _ = writeln!(out, "{} {}", judged.key, judged.contrary);
    }
    out + rest
}

/// What sshd printed for one login; `None`: it refused.
fn values(said: &str, key: &str) -> Option<String> {
    if said.trim_end().ends_with("refused") {
        return None;
    }
    let key = key.to_lowercase();
    // Any list of names limits who logs in.
    let lists = ["denyusers", "allowusers", "denygroups", "allowgroups"];
    let asked = |k: &str| k == key || lists.contains(&key.as_str()) && lists.contains(&k);
    let of_key = said.lines().filter_map(|l| l.split_once(' ')).filter(|(k, _)| asked(k));
    Some(of_key.map(|(_, v)| v).collect::<Vec<_>>().join(" "))
}

#[test]
fn sshd_and_we_agree_on_what_is_said() {
    let test = "sshd_and_we_agree_on_what_is_said";
    let Some(packages) = stanza(test, "openssh-server") else { return };
    let mut dice = Dice::new(test);
    let rules: Vec<Rule> = JUDGED.iter().map(|j| rule(j.want)).collect();
    let mut trials = Trials::new(&["/etc/ssh/sshd_config", "/etc/ssh/d", "/etc/ssh/contrary"]);
    let mut judged = Vec::new();
    let mut texts = Vec::new();
    for round in 0..rounds(70) {
        let main = text(&mut dice, if round % 2 == 0 { 5 } else { 25 }, true);
        let (a, b) = (text(&mut dice, 4, false), text(&mut dice, 4, false));
        let tree = MemoryRootfs::new()
            .file("/var/lib/dpkg/status", &packages)
            .file("/etc/issue.net", "x\n")
            .file("/etc/ssh/sshd_config", &main)
            .file("/etc/ssh/contrary", with_contrary(&main))
            .file("/etc/ssh/d/a.conf", &a)
            .file("/etc/ssh/d/b.conf", &b);
        texts.push([main, a, b].concat().to_lowercase());
        judged.push(trials.add(&rules.iter().collect::<Vec<_>>(), &tree));
    }
    let asks: Vec<String> = LOGINS
        .iter()
        .map(|login| format!("/usr/sbin/sshd -T {login} 2>/dev/null || echo refused\necho ===\n"))
        .collect();
    let ask = asks.concat() + "/usr/sbin/sshd -T -f /etc/ssh/contrary 2>/dev/null || echo refused";
    let prepare = r#"mkdir -p "$GOKAKU_ROOT/run/sshd""#;
    let Some(answers) = trials.ask(test, &["sshd"], prepare, "inside", &ask) else { return };
    let (mut met, mut mended, mut refused) = (0, 0, 0);
    for ((answer, (before, after)), text) in answers.iter().zip(&judged).zip(&texts) {
        let (was, is): (Vec<&str>, Vec<&str>) =
            (answer.before.split("===\n").collect(), answer.after.split("===\n").collect());
        refused += usize::from(values(was[0], "port").is_none());
        for (at, row) in JUDGED.iter().enumerate() {
            let right = |all: &[&str]| {
                let mut all = all[..LOGINS.len()].iter();
                all.all(|said| values(said, row.key).is_some_and(|v| (row.right)(&v)))
            };
            let holds = before[at].outcome == Outcome::Met;
            if holds && !right(&was) {
                answer.wrong(&format!("{}: met, but sshd does otherwise", row.key));
            }
            // The other way round only where it is said once, and for everybody: a contrary line
            // that sshd passes over is taken for a gap too.
            let once = text.matches(&row.key.to_lowercase()).count() == 1;
            let stated = values(was[LOGINS.len()], row.key).is_some_and(|v| (row.right)(&v));
            if !holds
                && once
                && !text.contains("match")
                && right(&was)
                && stated
                && !row.contrary.is_empty()
            {
                answer.wrong(&format!(
                    "{}: right and stated, but not met: {:?}",
                    row.key, before[at]
                ));
            }
            met += usize::from(holds);
            if after[at].outcome == Outcome::Met {
                mended += usize::from(!holds);
                if !right(&is) {
                    answer.wrong(&format!("{}: mended, but sshd does otherwise", row.key));
                }
            }
        }
        // What sshd took before the mending, it takes after it.
        if values(was[0], "port").is_some() && is.iter().any(|said| said.contains("refused\n")) {
            answer.wrong("sshd takes the mended file no more");
        }
    }
    println!("refused {refused}; of the directives met {met}, mended {mended}");
}
