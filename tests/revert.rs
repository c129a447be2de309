//! Taking back: exactly, run by run, and never over what somebody else did since.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use support::gokaku_as_root;
use support::rich::{Seen, difference, picture, plant};

struct Bench {
    top: tempfile::TempDir,
    before: BTreeMap<PathBuf, Seen>,
    test: &'static str,
}

struct Answer {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Bench {
    /// `None`: not possible on this machine, said loudly.
    fn new(test: &'static str) -> Option<Bench> {
        gokaku_as_root(test)?;
        let top = tempfile::tempdir().unwrap();
        fs::create_dir(top.path().join("root")).unwrap();
        let extras = plant(&top.path().join("root"));
        if !(extras.owners && extras.attributes && extras.acl) {
            support::skip(test, &format!("partly: this machine or caller has only {extras:?}"));
        }
        let before = picture(&top.path().join("root"));
        Some(Bench { top, before, test })
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    fn run(&self, args: &[&str]) -> Answer {
        let out = gokaku_as_root(self.test)
            .unwrap()
            .args(args)
            .arg("--root")
            .arg(self.root())
            .arg("--state-dir")
            .arg(self.state())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(out.stdout), text(out.stderr));
        Answer { status: out.status.code().unwrap_or(-1), stdout, stderr }
    }

    fn apply(&self, rules: &[&str]) {
        let args: Vec<&str> = ["apply"].iter().chain(rules).copied().collect();
        let answer = self.run(&args);
        // Rows that need what is not in this small tree do not hold; what can be done is done.
        assert!([0, 1, 2].contains(&answer.status), "{}", answer.stderr);
        assert!(answer.stdout.contains(" changed\n"), "{}", answer.stderr);
    }

    fn assert_as_before(&self) {
        let now = picture(&self.root());
        assert_eq!(now, self.before, "{:#?}", difference(&now, &self.before));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn everything_comes_back_exactly() {
    let Some(bench) = Bench::new("everything_comes_back_exactly") else { return };
    bench.apply(&[]);
    let after = picture(&bench.root());
    let kinds = |of: &BTreeMap<PathBuf, Seen>| of.len();
    assert_ne!(after, bench.before);
    assert_ne!(kinds(&after), kinds(&bench.before));
    assert!(bench.at("etc/sysctl.d/60-CIS.conf").exists(), "made in a directory made for it");
    assert!(!bench.at("etc/systemd/system/apparmor.service").is_symlink(), "a link removed");
    let answer = bench.run(&["revert", "-v"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("removed  /etc/sysctl.d/60-CIS.conf\n"), "{}", answer.stdout);
    assert!(answer.stdout.contains("restored  /etc/shadow\n"), "{}", answer.stdout);
    assert!(answer.stdout.contains("run 000001 reverted"), "{}", answer.stdout);
    bench.assert_as_before();
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 3, "nothing is left to revert: {}", answer.stderr);
    assert!(answer.stderr.contains("nothing to revert"), "{}", answer.stderr);
    bench.assert_as_before();
}

#[test]
fn repeated_reverts_walk_back() {
    let Some(bench) = Bench::new("repeated_reverts_walk_back") else { return };
    let mut pictures = vec![bench.before.clone()];
    for rules in [["--rule", "5.3"], ["--rule", "6.1"], ["--rule", "3"], ["--rule", "1"]] {
        bench.apply(&rules);
        pictures.push(picture(&bench.root()));
    }
    pictures.pop();
    while let Some(before) = pictures.pop() {
        let answer = bench.run(&["revert", "--json"]);
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        let told: serde_json::Value = serde_json::from_str(&answer.stdout).unwrap();
        assert_eq!(told["schema"], "gokaku.revert/1");
        assert_eq!(told["run"], pictures.len() + 1);
        assert_eq!(told["remaining"], pictures.len());
        assert!(!told["paths"].as_array().unwrap().is_empty());
        let now = picture(&bench.root());
        assert_eq!(now, before, "{:#?}", difference(&now, &before));
    }
    // A new run after that starts its own history.
    bench.apply(&["--rule", "5.3"]);
    assert_eq!(bench.run(&["revert"]).status, 0);
    bench.assert_as_before();
}

#[test]
fn what_something_else_changed_is_named_and_nothing_is_touched() {
    let test = "what_something_else_changed_is_named_and_nothing_is_touched";
    let Some(bench) = Bench::new(test) else { return };
    bench.apply(&[]);
    fs::write(bench.at("etc/ssh/sshd_config"), "Port 2222\n").unwrap();
    fs::set_permissions(bench.at("etc/crontab"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::remove_file(bench.at("etc/issue")).unwrap();
    fs::write(bench.at("etc/sysctl.d/99-site.conf"), "a = 1\n").unwrap();
    fs::remove_file(bench.at("etc/login.defs")).unwrap();
    fs::create_dir(bench.at("etc/login.defs")).unwrap();
    symlink("/elsewhere", bench.at("etc/systemd/system/apparmor.service")).unwrap();
    let owners = lchown(bench.at("etc/pam.d/common-password"), Some(4_242), None).is_ok();
    let count = |without: usize| format!("{} of ", without + usize::from(owners));
    let changed = picture(&bench.root());
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 3, "{}", answer.stderr);
    let wanted = [
        "/etc/ssh/sshd_config: content (sha256): expected ",
        "/etc/crontab: mode: expected 0600, found 0640",
        "/etc/issue: expected a regular file, found nothing",
        "/etc/sysctl.d: expected nothing else in it, found /etc/sysctl.d/99-site.conf",
        "/etc/login.defs: kind: expected regular file, found directory (--force cannot help)",
        "/etc/systemd/system/apparmor.service: expected nothing, found a symbolic link",
        "--force PATH",
    ];
    for line in wanted {
        assert!(answer.stderr.contains(line), "{line}: {}", answer.stderr);
    }
    assert!(answer.stderr.contains(&count(6)), "{}", answer.stderr);
    if owners {
        let line = "/etc/pam.d/common-password: owner: expected 0:0, found 4242:0";
        assert!(answer.stderr.contains(line), "{}", answer.stderr);
    }
    assert!(!answer.stderr.contains("Port 2222"), "no content in messages: {}", answer.stderr);
    assert_eq!(picture(&bench.root()), changed);

    // Some are forced, one is not: still nothing.
    let answer = bench.run(&["revert", "--force", "/etc/issue", "--force", "/etc/crontab"]);
    assert_eq!(answer.status, 3, "{}", answer.stderr);
    assert!(answer.stderr.contains(&count(4)) && !answer.stderr.contains("/etc/issue:"));
    assert_eq!(picture(&bench.root()), changed);
    let answer = bench.run(&["revert", "--force", "/etc/isue"]);
    assert_eq!(answer.status, 3, "{}", answer.stderr);
    assert!(answer.stderr.contains("/etc/isue: the run in"), "{}", answer.stderr);

    fs::remove_dir(bench.at("etc/login.defs")).unwrap();
    let force = "/etc/ssh/sshd_config,/etc/crontab,/etc/issue,/etc/sysctl.d,/etc/login.defs,\
                 /etc/pam.d/common-password,\
                 /etc/systemd/system/apparmor.service";
    let forced: Vec<&str> = force.split(',').flat_map(|path| ["--force", path]).collect();
    let answer = bench.run(&[&["revert"], &forced[..]].concat());
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("left  /etc/sysctl.d"), "{}", answer.stdout);
    // What is not ours stays, and so does the directory it lies in.
    fs::remove_dir_all(bench.at("etc/sysctl.d")).unwrap();
    let (mut now, mut before) = (picture(&bench.root()), bench.before.clone());
    for dir in ["etc", "etc/systemd/system"] {
        // Somebody else wrote there, at a later time, which is kept.
        now.remove(Path::new(dir));
        before.remove(Path::new(dir));
    }
    assert_eq!(now, before, "{:#?}", difference(&now, &before));
}

#[test]
fn what_somebody_put_back_by_hand_is_no_obstacle() {
    let test = "what_somebody_put_back_by_hand_is_no_obstacle";
    let Some(bench) = Bench::new(test) else { return };
    bench.apply(&[]);
    let old = &bench.before[Path::new("etc/issue")];
    fs::write(bench.at("etc/issue"), &old.content).unwrap();
    fs::remove_file(bench.at("etc/sysctl.d/60-CIS.conf")).unwrap();
    fs::remove_dir(bench.at("etc/sysctl.d")).unwrap();
    fs::write(bench.at("etc/unrelated"), "of somebody else\n").unwrap();
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert_eq!(fs::read_to_string(bench.at("etc/unrelated")).unwrap(), "of somebody else\n");
    fs::remove_file(bench.at("etc/unrelated")).unwrap();
    let (mut now, mut before) = (picture(&bench.root()), bench.before.clone());
    now.remove(Path::new("etc"));
    before.remove(Path::new("etc"));
    assert_eq!(now, before, "{:#?}", difference(&now, &before));
}

#[test]
fn a_journal_that_was_damaged_is_refused_and_named() {
    let test = "a_journal_that_was_damaged_is_refused_and_named";
    let Some(bench) = Bench::new(test) else { return };
    bench.apply(&["--rule", "5.3"]);
    let after = picture(&bench.root());
    let key = fs::read_dir(bench.state()).unwrap().next().unwrap().unwrap().path();
    let run = key.join("000001");
    assert_eq!((mode(&key), mode(&run), mode(&run.join("journal.json"))), (0o700, 0o700, 0o600));
    let content = fs::read_dir(run.join("before")).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read(&content).unwrap();
    let journal = fs::read(run.join("journal.json")).unwrap();
    let refused = |what: &str| {
        let answer = bench.run(&["revert"]);
        assert_eq!(answer.status, 1, "{what}: {}", answer.stderr);
        assert!(answer.stderr.contains(run.to_str().unwrap()), "{what}: {}", answer.stderr);
        assert!(answer.stderr.contains("nothing was changed"), "{what}: {}", answer.stderr);
        assert!(!answer.stderr.contains("panicked"), "{what}: {}", answer.stderr);
        assert_eq!(picture(&bench.root()), after, "{what}");
    };
    fs::write(&content, &whole[..whole.len() / 2]).unwrap();
    refused("content cut short");
    fs::write(&content, &whole).unwrap();
    for length in [0, 1, journal.len() / 2, journal.len() - 3] {
        fs::write(run.join("journal.json"), &journal[..length]).unwrap();
        refused("journal cut short");
        // Nor does any other verb go on over it.
        assert_eq!(bench.run(&["forget"]).status, 1);
        assert_eq!(bench.run(&["apply"]).status, 1);
    }
    let text = String::from_utf8(journal.clone()).unwrap();
    for (from, to) in [
        ("\"mode\":\"0", "\"mode\":\"9"),
        ("\"done\"", "\"dome\""),
        ("gokaku.journal/2", "gokaku.journal/9"),
        ("\"path\":\"2f", "\"path\":\"2e"),
        ("\"path\":\"2f", "\"path\":\"zz"),
        ("\"uid\":", "\"uid\":1"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(run.join("journal.json"), text.replacen(from, to, 1)).unwrap();
        refused(to);
    }
    fs::write(run.join("journal.json"), &journal).unwrap();
    assert_eq!(bench.run(&["revert"]).status, 0);
    bench.assert_as_before();
}

#[test]
fn forget_leaves_nothing_and_says_what_it_dropped() {
    let Some(bench) = Bench::new("forget_leaves_nothing_and_says_what_it_dropped") else { return };
    let quiet = |answer: Answer| {
        assert_eq!(answer.status, 0, "{}", answer.stderr);
        assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("", ""));
    };
    quiet(bench.run(&["forget"]));
    assert!(!bench.state().exists());
    bench.apply(&["--rule", "5.3"]);
    bench.apply(&["--rule", "6.1"]);
    let after = picture(&bench.root());
    let answer = bench.run(&["forget"]);
    assert!(answer.stderr.contains("2 journals dropped"), "{}", answer.stderr);
    assert!(!bench.state().exists(), "empty, so it is gone too");
    assert_eq!(picture(&bench.root()), after);
    assert_eq!(bench.run(&["revert"]).status, 3);
    // What is somebody else's stays.
    bench.apply(&["--rule", "1.7"]);
    fs::write(bench.state().join("note"), "").unwrap();
    assert_eq!(bench.run(&["forget"]).status, 0);
    assert_eq!(fs::read_dir(bench.state()).unwrap().count(), 1);
}

/// The run's directory, of the only root that the state directory knows.
fn run_dir(bench: &Bench, number: &str) -> PathBuf {
    fs::read_dir(bench.state()).unwrap().next().unwrap().unwrap().path().join(number)
}

#[test]
fn what_was_done_to_another_tree_at_the_same_path_is_not_reverted_here() {
    let test = "what_was_done_to_another_tree_at_the_same_path_is_not_reverted_here";
    let Some(bench) = Bench::new(test) else { return };
    let aside = bench.top.path().join("aside");
    bench.apply(&["--rule", "5.1"]);
    // Another image is mounted where the first one was.
    fs::rename(bench.root(), &aside).unwrap();
    fs::create_dir(bench.root()).unwrap();
    plant(&bench.root());
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 3, "{}", answer.stderr);
    assert!(answer.stderr.contains("made on another tree"), "{}", answer.stderr);
    fs::set_permissions(bench.at("etc/crontab"), fs::Permissions::from_mode(0o666)).unwrap();
    let other = picture(&bench.root());
    bench.apply(&["--rule", "5.1"]);
    assert!(run_dir(&bench, "000002").exists());
    // Back to the first: its own run is what is taken back, and the other's stays.
    let second = bench.top.path().join("second");
    fs::rename(bench.root(), &second).unwrap();
    fs::rename(&aside, bench.root()).unwrap();
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("run 000001 reverted"), "{}", answer.stdout);
    bench.assert_as_before();
    let answer = bench.run(&["forget"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("another tree that stood at"), "{}", answer.stderr);
    assert!(run_dir(&bench, "000002").exists());
    fs::remove_dir_all(bench.root()).unwrap();
    fs::rename(&second, bench.root()).unwrap();
    assert_eq!(bench.run(&["revert"]).status, 0);
    let now = picture(&bench.root());
    assert_eq!(now, other, "{:#?}", difference(&now, &other));
    assert!(fs::read_dir(bench.state()).unwrap().next().is_none());
}

#[test]
fn a_directory_exchanged_for_a_link_hides_nothing_from_a_revert() {
    let test = "a_directory_exchanged_for_a_link_hides_nothing_from_a_revert";
    let Some(bench) = Bench::new(test) else { return };
    fs::create_dir_all(bench.at("etc/modprobe.d")).unwrap();
    bench.apply(&["--rule", "1.1.1.1"]);
    let after = fs::read(bench.at("etc/modprobe.d/CIS.conf")).unwrap();
    fs::rename(bench.at("etc/modprobe.d"), bench.at("etc/modprobe.real")).unwrap();
    symlink("modprobe.real", bench.at("etc/modprobe.d")).unwrap();
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 3, "{}", answer.stderr);
    let says = "/etc/modprobe.d/CIS.conf: a directory above it is a link or something else by now";
    assert!(answer.stderr.contains(says), "{}", answer.stderr);
    assert_eq!(fs::read(bench.at("etc/modprobe.real/CIS.conf")).unwrap(), after);
    fs::remove_file(bench.at("etc/modprobe.d")).unwrap();
    fs::rename(bench.at("etc/modprobe.real"), bench.at("etc/modprobe.d")).unwrap();
    assert_eq!(bench.run(&["revert"]).status, 0);
    assert!(!bench.at("etc/modprobe.d/CIS.conf").exists());
}

#[test]
fn what_is_too_large_to_keep_is_not_read_and_not_thrown_away() {
    let test = "what_is_too_large_to_keep_is_not_read_and_not_thrown_away";
    let Some(bench) = Bench::new(test) else { return };
    bench.apply(&["--rule", "3.2.1"]);
    let file = fs::OpenOptions::new().write(true).open(bench.at("etc/sysctl.d/60-CIS.conf"));
    // A hole: the machine has not that much memory.
    file.unwrap().set_len(200 << 30).unwrap();
    for args in [&["revert"][..], &["revert", "--force", "/etc/sysctl.d/60-CIS.conf"]] {
        let answer = bench.run(args);
        assert_eq!(answer.status, 3, "{}", answer.stderr);
        assert!(answer.stderr.contains("found too much to read"), "{}", answer.stderr);
        assert!(answer.stderr.contains("(--force cannot help)"), "{}", answer.stderr);
    }
    fs::remove_file(bench.at("etc/sysctl.d/60-CIS.conf")).unwrap();
    assert_eq!(bench.run(&["revert"]).status, 0);
    bench.assert_as_before();
}

#[test]
fn a_state_directory_that_cannot_go_does_not_fail_forget() {
    let test = "a_state_directory_that_cannot_go_does_not_fail_forget";
    let Some(bench) = Bench::new(test) else { return };
    fs::create_dir(bench.top.path().join("real")).unwrap();
    symlink("real", bench.state()).unwrap();
    bench.apply(&["--rule", "3.2.1"]);
    let answer = bench.run(&["forget"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stderr.contains("1 journal dropped"), "{}", answer.stderr);
    assert_eq!(fs::read_dir(bench.state()).unwrap().count(), 0);
}

#[test]
fn what_lies_among_the_journals_and_is_none_is_no_obstacle() {
    let test = "what_lies_among_the_journals_and_is_none_is_no_obstacle";
    let Some(bench) = Bench::new(test) else { return };
    bench.apply(&["--rule", "3.2.1"]);
    fs::write(run_dir(&bench, "000009"), "").unwrap();
    bench.apply(&["--rule", "1.7"]);
    let answer = bench.run(&["revert"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("run 000010 reverted"), "{}", answer.stdout);
    assert!(answer.stderr.contains("000009: not a directory"), "{}", answer.stderr);
    assert_eq!(bench.run(&["revert"]).status, 0);
    bench.assert_as_before();
    fs::create_dir(run_dir(&bench, "4294967295")).unwrap();
    let answer = bench.run(&["apply", "--rule", "3.2.1"]);
    assert!(!answer.stderr.contains("panicked"), "{}", answer.stderr);
    assert_ne!(answer.status, 101);
}

#[test]
fn what_an_earlier_run_left_beside_its_places_is_swept() {
    let test = "what_an_earlier_run_left_beside_its_places_is_swept";
    let Some(bench) = Bench::new(test) else { return };
    for (name, stays) in
        [(".gokaku-77-3.dpkg-new", false), (".gokaku-77-x.dpkg-new", true), (".gokaku-notes", true)]
    {
        fs::write(bench.at("etc/ssh").join(name), "").unwrap();
        bench.apply(&["--rule", "5.3.7"]);
        assert_eq!(bench.at("etc/ssh").join(name).exists(), stays, "{name}");
        assert_eq!(bench.run(&["revert"]).status, 0);
    }
}

#[test]
fn a_capability_given_since_does_not_outlive_a_forced_revert() {
    let test = "a_capability_given_since_does_not_outlive_a_forced_revert";
    let Some(bench) = Bench::new(test) else { return };
    bench.apply(&["--rule", "5.1.2"]);
    let crontab = bench.at("etc/crontab");
    // Version 2, effective; CAP_CHOWN.
    let mut capability = 0x0200_0001_u32.to_le_bytes().to_vec();
    capability.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    if let Err(e) = xattr::set(&crontab, "security.capability", &capability) {
        support::skip(test, &format!("no file capabilities here: {e}"));
        return;
    }
    assert_eq!(bench.run(&["revert"]).status, 3, "somebody changed it since");
    assert_eq!(bench.run(&["revert", "--force", "/etc/crontab"]).status, 0);
    assert_eq!(xattr::get(&crontab, "security.capability").unwrap(), None);
    bench.assert_as_before();
}
