//! Marked secrets wherever secrets are, and where they have slipped to; and every output of every
//! verb, on the good path and on every failure, searched for them.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Output;

use crate::support::gokaku_as_root;
use crate::trap::Trap;

/// In every planted secret. Letters and digits alone, so that it stands in hashes, in base64 and
/// in names alike.
const MARK: &str = "PLANTEDsecret";

fn hash(scheme: &str) -> String {
    format!("${scheme}$saltsalt${MARK}abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTU")
}

/// The tree with a secret in every place that has one by design.
fn tree() -> Trap {
    let trap = Trap::new();
    let h = hash("6");
    let add = |path: &str, text: &str| {
        let at = trap.root().join(path);
        let old = fs::read_to_string(&at).unwrap_or_default();
        trap.file(path, old + text);
    };
    add(
        "etc/passwd",
        "bob:x:1000:1000:Bob:/home/bob:/bin/bash\neve:x:1001:1001::/home/eve:/bin/sh\n",
    );
    // In passwd itself, as very old systems had it.
    add("etc/passwd", &format!("old:{h}:1002:1002::/home/old:/bin/sh\n"));
    add("etc/group", &format!("staff2:{h}:1000:bob\n"));
    add("etc/gshadow", &format!("staff2:{h}::bob\n"));
    add("etc/shadow", &format!("bob:{h}:17000:0:99999:7:::\neve:!{h}:17000:0:99999:0:::\n"));
    add("etc/shadow-", &format!("bob:{h}:17000:0:99999:7:::\n"));
    add("etc/security/opasswd", &format!("bob:1000:1:{h}\n"));
    let key = format!(
        "-----BEGIN OPENSSH PRIVATE KEY-----\n{MARK}{}\n-----END OPENSSH PRIVATE KEY-----\n",
        "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAAB"
    );
    for path in ["etc/ssh/ssh_host_rsa_key", "root/.ssh/id_rsa", "home/bob/.ssh/id_rsa"] {
        trap.file(path, &key);
    }
    trap.file("etc/ssh/ssh_host_rsa_key.pub", "ssh-rsa AAAA root@x\n");
    fs::set_permissions(
        trap.root().join("etc/ssh/ssh_host_rsa_key"),
        fs::Permissions::from_mode(0o644),
    )
    .unwrap();
    for name in [".netrc", ".forward", ".rhosts", ".bashrc", ".profile", "notes"] {
        for home in ["root", "home/bob", "home/eve"] {
            add(
                &format!("{home}/{name}"),
                &format!("machine x password {MARK}\nexport TOKEN={MARK}\n"),
            );
        }
    }
    fs::set_permissions(trap.root().join("home/bob/.bashrc"), fs::Permissions::from_mode(0o666))
        .unwrap();
    trap
}

/// What befalls a tree, and its name.
type Accident = (&'static str, fn(&Trap));

/// Mutations that make some rule fail, or a secret turn up where none belongs.
fn accidents() -> Vec<Accident> {
    fn shadow(trap: &Trap, line: &str) {
        let at = trap.root().join("etc/shadow");
        let text = fs::read_to_string(&at).unwrap() + line;
        fs::write(at, text).unwrap();
    }
    let mut out: Vec<Accident> = vec![
        ("nothing", |_| {}),
        ("a shadow line without its name", |t| {
            shadow(t, &format!("{}:1:0:99999:7:::\n", hash("6")))
        }),
        ("a name that is a hash", |t| shadow(t, &format!("{}:x:1:0:99999:7:::\n", hash("5")))),
        ("a hash among the days", |t| {
            shadow(t, &format!("joe:x:{}:0:{}:7:::\n", hash("1"), hash("6")))
        }),
        ("a hash for a warning period", |t| shadow(t, &format!("bob2:x:1:0:9:{MARK}:::\n"))),
        ("a shadow line with ten fields", |t| {
            shadow(t, &format!("joe:{}:1:0:99999:7::::\n", hash("y")))
        }),
        ("a shadow line of two fields", |t| shadow(t, &format!("joe:{MARK}\n"))),
        ("shadow in the old encoding", |t| {
            let at = t.root().join("etc/shadow");
            let mut text = fs::read(&at).unwrap();
            text.extend(b"m\xfcller:");
            text.extend(hash("6").into_bytes());
            text.extend(b":1:0:99999:7:::\n");
            fs::write(at, text).unwrap();
        }),
        ("passwd with a hash for a number", |t| {
            let at = t.root().join("etc/passwd");
            let text = fs::read_to_string(&at).unwrap();
            fs::write(
                at,
                format!("{text}joe:x:{}:1::/home/joe:/bin/sh\n{MARK}:{}\n", hash("6"), hash("6")),
            )
            .unwrap();
        }),
        ("a CRLF shadow", |t| {
            let at = t.root().join("etc/shadow");
            let text = fs::read_to_string(&at).unwrap();
            fs::write(at, text.replace('\n', "\r\n")).unwrap();
        }),
        ("shadow is a directory", |t| {
            fs::create_dir(t.instead("etc/shadow")).unwrap();
        }),
        ("shadow lies elsewhere", |t| {
            let at = t.root().join("etc/shadow");
            fs::rename(at, t.root().join("etc/shadow.real")).unwrap();
            symlink("shadow.real", t.root().join("etc/shadow")).unwrap();
        }),
    ];
    // shadow, and a private key, in place of what is parsed and told of line by line.
    macro_rules! stray {
        ($($path:literal),* $(,)?) => {
            $(
                out.push((concat!("shadow as ", $path), |t| {
                    symlink("/etc/shadow", t.instead($path)).unwrap();
                }));
                out.push((concat!("a key as ", $path), |t| {
                    symlink("/root/.ssh/id_rsa", t.instead($path)).unwrap();
                }));
            )*
        };
    }
    stray!(
        "etc/ssh/sshd_config",
        "etc/sysctl.d/10-x.conf",
        "etc/modprobe.d/x.conf",
        "etc/rsyslog.d/10-x.conf",
        "etc/rsyslog.conf",
        "etc/logrotate.d/x",
        "etc/security/limits.d/x.conf",
        "etc/security/pwquality.conf",
        "etc/pam.d/common-password",
        "etc/pam.d/su",
        "etc/profile.d/x.sh",
        "etc/bash.bashrc",
        "etc/login.defs",
        "etc/fstab",
        "etc/apt/sources.list.d/x.list",
        "etc/systemd/journald.conf",
        "etc/systemd/system/x.service",
        "etc/ntp.conf",
        "etc/default/useradd",
        "etc/issue",
        "etc/motd",
        "etc/sudoers.d/x",
        "etc/passwd-",
        "var/lib/dpkg/status",
        "etc/hosts.allow",
        "root/.profile",
    );
    out
}

fn search(told: &str, output: &Output, found: &mut BTreeSet<String>) {
    for (name, bytes) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines().filter(|line| line.contains(MARK)) {
            found.insert(format!("{told}: {name}: {line}"));
        }
    }
}

/// Everything that can be asked of a tree, and everything that it writes outside of it.
fn ask(trap: &Trap, accident: &str, test: &str, found: &mut BTreeSet<String>) -> Option<usize> {
    let root = trap.root();
    let run = |args: &[&str], more: &[&Path]| -> Option<Output> {
        let mut command = gokaku_as_root(test)?;
        command.env("RUST_LOG", "trace").args(["-v", "-v"]).args(args).args(more);
        command.args(["--root".as_ref(), root.as_os_str()]);
        Some(command.output().unwrap())
    };
    let state = trap.state();
    let text = trap.state().with_extension("txt");
    let json = trap.state().with_extension("json");
    let reports: &[&Path] = &["-o".as_ref(), &text, "-o".as_ref(), &json];
    let mut asked = 0;
    let mut verbs: Vec<(Vec<&str>, Vec<&Path>)> = vec![
        (vec!["audit", "--strict", "--format", "text,json"], reports.to_vec()),
        (vec!["plan", "--format", "text"], vec![]),
        (vec!["plan", "--format", "json", "--lang", "ja"], vec![]),
        // A failure on the way: what has been written is undone, and told.
        (vec!["apply", "--state-dir"], vec![&root]),
        (vec!["apply", "--format", "text,json", "--state-dir"], vec![&state]),
    ];
    verbs[4].1.extend(reports);
    if accident.contains(" as ") {
        // What is told of such a file comes from the rows, whichever verb asks them.
        verbs.remove(3);
        verbs.remove(2);
        verbs.remove(0);
    } else {
        let state = || vec![state.as_path()];
        verbs.push((vec!["plan", "--log-format", "json", "--format", "json"], vec![]));
        // Files of homes get other names, and what they hold goes with them.
        verbs.push((vec!["plan", "--quarantine"], vec![]));
        verbs.push((vec!["revert", "--state-dir"], state()));
        verbs.push((vec!["apply", "--log-format", "json", "--state-dir"], state()));
        verbs.push((vec!["revert", "--format", "json", "--state-dir"], state()));
        verbs.push((vec!["apply", "--state-dir"], state()));
    }
    for (args, more) in &verbs {
        let output = run(args, more)?;
        asked += 1;
        search(&format!("{accident}: {args:?}"), &output, found);
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("panicked"),
            "{accident} {args:?}"
        );
        for report in [&text, &json] {
            let saved = fs::read(report).unwrap_or_default();
            let output = Output { stdout: saved, stderr: Vec::new(), status: output.status };
            search(&format!("{accident}: {args:?} -o"), &output, found);
        }
    }
    // What people read of the journal. The contents that it must keep are nobody else's to read.
    for (path, is_file) in crate::trap::walk(&state) {
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, if is_file { 0o600 } else { 0o700 }, "{}", path.display());
        assert!(!path.to_string_lossy().contains(MARK));
        if is_file && path.extension().is_some_and(|e| e == "json") {
            let saved = fs::read(&path).unwrap();
            let status = std::process::ExitStatus::default();
            let output = Output { stdout: saved, stderr: Vec::new(), status };
            search(&format!("{accident}: {}", path.display()), &output, found);
        }
    }
    Some(asked)
}

#[test]
fn no_output_of_any_verb_shows_a_secret() {
    let test = "no_output_of_any_verb_shows_a_secret";
    let mut found = BTreeSet::new();
    let mut asked = 0;
    let accidents = accidents();
    for (name, accident) in &accidents {
        let trap = tree();
        accident(&trap);
        let Some(count) = ask(&trap, name, test, &mut found) else { return };
        asked += count;
    }
    assert!(found.is_empty(), "{} leaks: {found:#?}", found.len());
    println!("{} trees with marked secrets, {asked} runs, 0 leaks", accidents.len());
}

#[test]
fn explaining_a_row_on_a_tree_shows_no_secret() {
    let test = "explaining_a_row_on_a_tree_shows_no_secret";
    // As they lie by design, and where they have slipped to what is told of line by line.
    let slipped = tree();
    symlink("/root/.ssh/id_rsa", slipped.instead("etc/ssh/sshd_config")).unwrap();
    symlink("/etc/shadow", slipped.instead("etc/sysctl.d/10-x.conf")).unwrap();
    let trees = [tree(), slipped];
    let mut found = BTreeSet::new();
    for (rule, trap) in crate::trap::rules().iter().flat_map(|r| trees.iter().map(move |t| (r, t)))
    {
        let Some(mut command) = gokaku_as_root(test) else { return };
        let id = rule.id.to_string();
        let output =
            command.args(["explain", &id, "-v", "-v", "--root"]).arg(trap.root()).output().unwrap();
        search(&id, &output, &mut found);
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_changes_in_shadow_is_told_by_the_names_of_fields() {
    let test = "what_changes_in_shadow_is_told_by_the_names_of_fields";
    let trap = tree();
    let Some(mut command) = gokaku_as_root(test) else { return };
    let output =
        command.args(["plan", "--rule", "5.5.1", "--root"]).arg(trap.root()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("# bob: min 0 -> 1\n"), "{text}");
    assert!(!text.contains("bob:(hash)") && !text.contains("a/etc/shadow"), "{text}");
}
