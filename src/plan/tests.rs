//! Tests of the plan.

use std::cell::Cell;
use std::ffi::OsString;
use std::rc::Rc;

use super::*;
use crate::profile::{Profile, ProfileFiles};
use crate::rootfs::{Acl, Memo, MemoryRootfs, Stat};

fn profile(rules: &str) -> Profile {
    let head = "id = 't'\ntitle = { en = 't', ja = 't' }\nsource = 's'\n\
                    benchmark = { name = 'b', version = '1' }\n\
                    target = { os = 'ubuntu', version = '18.04' }\n\
                    status = [{ key = 'pass', word = { en = 'p', ja = 'p' }, enforced = true }]\n\
                    packages = { protected = [] }\n";
    ProfileFiles::from_files([("head", head), ("rules", rules)]).parse().unwrap()
}

fn rule(id: &str, want: &str) -> String {
    format!(
        "[[rule]]\nid = '{id}'\ntitle = {{ en = 'a', ja = 'a' }}\nlevel = 1\n\
             status = 'pass'\nrationale = {{ en = 'a', ja = 'a' }}\n[[rule.want]]\n{want}\n"
    )
}

const BANNER: &str = "banner = { path = '/etc/issue', missing = 'not-met', text = 'be good\\n' }";

#[test]
fn a_rule_that_cannot_be_staged_does_not_stop_the_others() {
    let mode = "file_mode = { path = '/etc/crontab', ceiling = '0600' }";
    let profile = profile(&format!("{}{}", rule("1.1", BANNER), rule("1.2", mode)));
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    // A file stands where the directory of the first rule's file would be.
    let root = MemoryRootfs::new().file("/etc/crontab", "").link("/etc/issue", "/etc/crontab/x");
    let plan = plan(&rules, &root).unwrap();
    assert_ne!(plan.after[0].outcome, Outcome::Met, "{:?}", plan.after[0]);
    assert_eq!(plan.after[1].outcome, Outcome::Met);
    assert_eq!(plan.changes().len(), 1);
}

/// Fails one look at `/etc/motd`, the one with this number.
struct Flaky(MemoryRootfs, Cell<usize>);

impl Rootfs for Flaky {
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
        self.0.stat(path)
    }
    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        self.0.read_link(path)
    }
    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
        self.0.acl(path)
    }
    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        if path.as_bytes() == b"/etc/motd" {
            let left = self.1.get();
            self.1.set(left.wrapping_sub(1));
            if left == 0 {
                return Err(Error::target(crate::error::cannot::read, path, nix::Error::EIO));
            }
        }
        self.0.read_bytes(path, limit)
    }
    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        self.0.list(path)
    }
    fn memo(&self) -> &Memo {
        self.0.memo()
    }
}

#[test]
fn a_look_that_failed_is_repeated() {
    let motd = BANNER.replace("issue", "motd");
    let profile = profile(&format!("{}{}", rule("1.1", BANNER), rule("1.2", &motd)));
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    // The audit's own look (with and without changes for other rows), and the one that stages.
    for (issue, failing, changes) in [("be good\n", 0, 1), ("", 0, 2), ("", 1, 2)] {
        let root = MemoryRootfs::new().file("/etc/issue", issue).file("/etc/motd", "");
        let plan = plan(&rules, &Flaky(root, Cell::new(failing))).unwrap();
        let unknown = plan.before[1].outcome == Outcome::Unknown;
        assert_eq!(unknown, failing == 0, "{:?}", plan.before[1]);
        assert_eq!(plan.after[1].outcome, Outcome::Met, "{failing}: {:?}", plan.after[1]);
        assert_eq!(plan.changes().len(), changes, "{failing}");
    }
}

#[test]
fn rules_with_one_id_are_planned_each_for_itself() {
    let motd = BANNER.replace("issue", "motd");
    let mut profile = profile(&format!("{}{}", rule("1.1", BANNER), rule("1.2", &motd)));
    profile.rules[1].id = profile.rules[0].id.clone();
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    for done in ["/etc/issue", "/etc/motd", "/etc/other"] {
        let root = MemoryRootfs::new().file(done, "be good\n");
        let plan = plan(&rules, &root).unwrap();
        let outcomes: Vec<Outcome> = plan.after.iter().map(|j| j.outcome).collect();
        assert_eq!(outcomes, [Outcome::Met; 2], "{done}: {:?}", plan.after);
        let left = if done == "/etc/other" { 2 } else { 1 };
        assert_eq!(plan.changes().len(), left, "{done}");
    }
}

#[test]
fn a_row_without_wants_never_comes_to_hold() {
    let nothing = rule("1.2", "").replace("[[rule.want]]\n", "");
    let profile = profile(&format!("{}{nothing}", rule("1.1", BANNER)));
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let plan = plan(&rules, &MemoryRootfs::new().file("/etc/issue", "")).unwrap();
    assert_eq!(plan.after[0].outcome, Outcome::Met);
    assert_eq!(plan.after[1].outcome, Outcome::Unknown, "{:?}", plan.after[1]);
}

#[test]
fn rules_that_undo_each_other_are_a_fault_of_the_profile() {
    let profile = profile(&format!(
        "{}{}",
        rule(
            "1.1",
            "login_defs = { key = 'PASS_WARN_AGE', number = { min = 1, max = 7, write = 7 } }"
        ),
        rule(
            "1.2",
            "login_defs = { key = 'PASS_WARN_AGE', number = { min = 9, max = 9, write = 9 } }"
        ),
    ));
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let root = MemoryRootfs::new().file("/etc/login.defs", "PASS_WARN_AGE 8\n");
    let e = plan(&rules, &root).unwrap_err().to_string();
    assert!(e.contains("1.1") && e.contains("1.2") && e.contains("undo each other"), "{e}");
}

#[test]
fn package_operations_are_collected_once_with_the_rules_that_ask() {
    let nis = "package = { absent = ['nis'] }";
    let profile = profile(&format!(
        "{}{}{}{}",
        rule("2.2.1", nis),
        rule("2.1.17", nis),
        rule("3.5.1.1", "package = { present = ['ufw'] }"),
        rule("1.5.3", "package = { absent = ['prelink'], before = ['prelink', '-ua'] }"),
    ));
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let status = "Package: nis\nStatus: install ok half-configured\n\n\
                      Package: prelink\nStatus: install ok installed\n";
    let root = MemoryRootfs::new().file("/var/lib/dpkg/status", status);
    let shown: Vec<String> = package_changes(&rules, &root)
        .iter()
        .map(|c| {
            let rules: Vec<String> = c.rules.iter().map(ToString::to_string).collect();
            format!("{:?} {:?} {:?} {rules:?}", c.want, c.names, c.before)
        })
        .collect();
    let want = [
        r#"Absent ["prelink"] ["prelink", "-ua"] ["1.5.3"]"#,
        r#"Absent ["nis"] [] ["2.1.17", "2.2.1"]"#,
        r#"Present ["ufw"] [] ["3.5.1.1"]"#,
    ];
    assert_eq!(shown, want);
    assert!(package_changes(&rules, &MemoryRootfs::new()).is_empty());
}

#[test]
fn the_order_of_the_rules_does_not_matter() {
    let mode = "file_mode = { path = '/etc/issue', ceiling = '0600' }";
    let profile = profile(&format!("{}{}", rule("1.2", BANNER), rule("1.1", mode)));
    let forward: Vec<&Rule> = profile.rules.iter().collect();
    let backward: Vec<&Rule> = profile.rules.iter().rev().collect();
    let root = MemoryRootfs::new().file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n");
    let result = |rules: &[&Rule]| {
        let plan = plan(rules, &root).unwrap();
        plan.changes().iter().map(|c| (c.path.clone(), c.after.clone())).collect::<Vec<_>>()
    };
    assert_eq!(result(&forward), result(&backward));
    assert_eq!(result(&forward).len(), 1, "one file, text and mode");
}
