//! What the mode does not say: an ACL lets somebody in, whom the kernel itself asks.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::process::Command;

use support::{gokaku_as_root, have, rows, skip};

/// A tree with one file open to an account of no other standing; prints what it may do there.
struct Bench {
    top: tempfile::TempDir,
    test: &'static str,
}

/// The account that the ACLs name.
const DAEMON: u32 = 1;

impl Bench {
    /// `None`: not possible on this machine, said loudly.
    fn new(test: &'static str) -> Option<Bench> {
        gokaku_as_root(test)?;
        if !have(test, &["setfacl", "getfacl", "setpriv"]) {
            return None;
        }
        let top = tempfile::tempdir().unwrap();
        let bench = Bench { top, test };
        let script = "
            chmod 755 .; mkdir -p R/etc/cron.d R/home/bob R/root; chmod 755 R R/etc R/home; cd R
            printf 'ID=ubuntu\\nVERSION_ID=\"18.04\"\\n' >etc/os-release
            printf 'root:x:0:0::/root:/bin/bash\\ndaemon:x:1:1::/usr/sbin:/usr/sbin/nologin\\nbob:x:1000:1000::/home/bob:/bin/bash\\n' >etc/passwd
            printf 'root:x:0:\\ndaemon:x:1:\\nshadow:x:42:\\nbob:x:1000:\\n' >etc/group
            printf '%s\\n' 'root:*:18000:0:99999:7:::' 'bob:$6$salt5678$0123456789012345678901234567890123456789012345678901234567890123456789012345678901234.:18000:0:99999:7:::' >etc/shadow
            printf 'x\\n' >etc/crontab; printf 'x\\n' >home/bob/.profile
            chown 0:42 etc/shadow; chmod 640 etc/shadow; chmod 600 etc/crontab; chmod 700 etc/cron.d
            chown -R 1000:1000 home/bob; chmod 750 home/bob; chmod 644 home/bob/.profile";
        assert!(bench.sh(script).0, "{}", bench.sh(script).1);
        let (supported, why) =
            bench.sh("setfacl -m u:1:r R/etc/crontab && setfacl -b R/etc/crontab");
        if !supported {
            skip(test, &format!("no ACLs here: {why}"));
            return None;
        }
        Some(bench)
    }

    fn sh(&self, script: &str) -> (bool, String) {
        let out = Command::new("sh").args(["-euc", script]).current_dir(self.top.path()).output();
        let out = out.unwrap();
        let text = [out.stdout, out.stderr].map(|o| String::from_utf8_lossy(&o).into_owned());
        (out.status.success(), text.concat())
    }

    /// Whether the kernel lets the account do this.
    fn may(&self, what: &str) -> bool {
        let own =
            format!("setpriv --reuid {DAEMON} --regid {DAEMON} --clear-groups sh -c '{what}'");
        self.sh(&own).0
    }

    fn run(&self, arguments: &[&str]) -> std::process::Output {
        let at = |name: &str| Path::join(self.top.path(), name);
        let mut command = gokaku_as_root(self.test).unwrap();
        command.args(arguments).arg("--root").arg(at("R"));
        if let ["apply" | "revert", ..] = arguments {
            command.arg("--state-dir").arg(at("state"));
        }
        command.output().unwrap()
    }

    /// All of it that an ACL or a mode says.
    fn seen(&self) -> String {
        self.sh("cd R; getfacl -Rnp . | sort; find . -printf '%p %m %U:%G %T@\\n' | sort").1
    }
}

/// What is given away, the row about it, and what the account can do with it.
const GIVEN: [(&str, &str, &str); 6] = [
    ("setfacl -m u:1:r R/etc/shadow", "6.1.6", "cat R/etc/shadow"),
    ("setfacl -m g:1:r R/etc/shadow", "6.1.6", "cat R/etc/shadow"),
    ("setfacl -m u:1:rw R/etc/crontab", "5.1.2", "echo >>R/etc/crontab"),
    ("setfacl -m u:1:rx R/etc/cron.d", "5.1.7", "ls R/etc/cron.d"),
    ("setfacl -m u:1:rwx R/home/bob", "6.2.6", "touch R/home/bob/x"),
    (
        "setfacl -m u:1:rw R/home/bob/.profile; chmod 755 R/home/bob",
        "6.2.7",
        "echo >>R/home/bob/.profile",
    ),
];

#[test]
fn what_an_acl_gives_away_is_found_closed_and_brought_back() {
    let test = "what_an_acl_gives_away_is_found_closed_and_brought_back";
    for (give, row, use_it) in GIVEN {
        let Some(bench) = Bench::new(test) else { return };
        assert!(bench.sh(give).0, "{give}");
        assert!(bench.may(use_it), "{give}: the kernel lets it");
        let before = bench.seen();
        let found = bench.run(&["audit", "--format", "json", "--rule", row]);
        let report = serde_json::from_slice(&found.stdout).unwrap();
        let found = rows(&report)[row];
        assert_eq!(found["outcome"], "not_met", "{give}: {found}");
        assert!(found.to_string().contains("an ACL grants more to"), "{give}: {found}");
        let plan = bench.run(&["plan", "--rule", row]);
        assert!(String::from_utf8_lossy(&plan.stdout).contains("(ACL: "), "{give}");
        let applied = bench.run(&["apply", "--rule", row]);
        assert_eq!(applied.status.code(), Some(0), "{give}: {applied:?}");
        assert!(!bench.may(use_it), "{give}: closed");
        let closed = bench.seen();
        assert_eq!(bench.run(&["apply", "--rule", row]).status.code(), Some(0));
        assert_eq!(bench.seen(), closed, "{give}: a second run writes nothing");
        assert_eq!(bench.run(&["revert"]).status.code(), Some(0));
        assert_eq!(bench.seen(), before, "{give}: all is as before");
        assert!(bench.may(use_it), "{give}: also the ACL");
    }
}

#[test]
fn what_a_row_allows_stays() {
    let Some(bench) = Bench::new("what_a_row_allows_stays") else { return };
    // Everybody may read it; daemon is shut out.
    assert!(bench.sh("chmod 644 R/etc/passwd; setfacl -m u:1:---,u:7:r R/etc/passwd").0);
    let before = bench.seen();
    let out = bench.run(&["apply", "--rule", "6.1.2", "--format", "json"]);
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(bench.seen(), before);
    // One entry goes too far; the others stay.
    assert!(bench.sh("setfacl -m u:8:rw R/etc/passwd").0);
    assert!(!bench.may("cat R/etc/passwd"));
    assert_eq!(bench.run(&["apply", "--rule", "6.1.2"]).status.code(), Some(0));
    let (_, acl) = bench.sh("getfacl -nps R/etc/passwd");
    assert!(
        acl.contains("user:1:---") && acl.contains("user:7:r--") && !acl.contains("user:8:"),
        "{acl}"
    );
    assert!(!bench.may("cat R/etc/passwd"), "who was shut out stays so");
}

#[test]
fn a_file_that_is_replaced_is_closed_under_its_other_name_too() {
    let Some(bench) = Bench::new("a_file_that_is_replaced_is_closed_under_its_other_name_too")
    else {
        return;
    };
    let link = "mkdir R/srv; ln R/etc/shadow R/srv/old; chmod 644 R/etc/shadow; setfacl -m u:7:r R/etc/shadow";
    assert!(bench.sh(link).0);
    // One row alone writes a new file, which is as open as the old one.
    assert_eq!(bench.run(&["apply", "--rule", "5.5.1.1"]).status.code(), Some(0));
    assert!(bench.may("cat R/srv/old") && bench.may("cat R/etc/shadow"));
    assert_eq!(bench.run(&["revert"]).status.code(), Some(0));
    assert!(bench.sh("ln -f R/etc/shadow R/srv/old").0);
    // Which names they are is known where the whole tree is walked.
    let named = |arguments: &[&str]| {
        let found = bench.run(arguments);
        let report = serde_json::from_slice(&found.stdout).unwrap();
        let row = rows(&report)["6.1.6"].to_string();
        assert!(row.contains("has 2 names"), "{row}");
        row.contains("/srv/old")
    };
    let audit = ["audit", "--format", "json", "--rule", "6.1.6"];
    assert!(!named(&audit) && named(&[&audit[..], &["--survey"]].concat()));
    // With the row about its mode, the old content is closed as well.
    let applied = bench.run(&["apply", "--rule", "5.5.1.1", "--rule", "6.1.6"]);
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    assert!(!bench.may("cat R/srv/old") && !bench.may("cat R/etc/shadow"));
    assert_eq!(bench.sh("stat -c '%a %u:%g' R/srv/old R/etc/shadow").1, "640 0:42\n640 0:42\n");
    assert!(!bench.sh("getfacl -nps R/srv/old").1.contains("user:7:"));
    let reverted = bench.run(&["revert"]);
    let log = String::from_utf8_lossy(&reverted.stderr).into_owned()
        + &String::from_utf8_lossy(&reverted.stdout);
    assert!(log.contains("under its other name"), "{log}");
    assert_eq!(bench.sh("stat -c '%a %u:%g' R/srv/old R/etc/shadow").1, "640 0:42\n644 0:42\n");
}
