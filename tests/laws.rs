//! What must be true of all rows together, tried on every wrong tree of `tests/cases/`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use gokaku::check::Outcome;
use gokaku::plan::{self, Plan, Remedy};
use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::{FileKind, ImagePath, MemoryRootfs, Rootfs};

/// Reproducible disorder.
struct Shuffler(u64);

impl Shuffler {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound).unwrap()).unwrap()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

/// The rows that are made to hold.
fn enforced(profile: &Profile) -> Vec<&Rule> {
    profile.rules.iter().filter(|r| r.is_enforced()).collect()
}

/// Every tree that some row does not hold on and is mended in: the row, its name and the tree. What
/// can only be told changes nothing, so one of five such trees must do.
fn wrong_trees() -> Vec<(String, String, MemoryRootfs)> {
    let base = support::base();
    let (mut out, mut told) = (Vec::new(), 0_usize);
    for (id, cases) in support::all() {
        for case in cases.iter().filter(|c| c.outcome().starts_with("not_met")) {
            told += usize::from(case.outcome() == "not_met");
            if case.outcome() != "not_met" || told.is_multiple_of(5) {
                out.push((id.clone(), format!("{id}: {}", case.name), case.tree(&base)));
            }
        }
    }
    assert!(out.len() > 100, "only {} wrong trees", out.len());
    out
}

fn told_to_be_mended() -> BTreeSet<String> {
    let all = support::all();
    let cases = all.iter().flat_map(|(id, cases)| cases.iter().map(move |c| (id, c)));
    let mended = cases.filter(|(_, c)| c.outcome() == "not_met -> met");
    mended.map(|(id, c)| format!("{id}: {}", c.name)).collect()
}

fn plan_all(rules: &[&Rule], root: &MemoryRootfs, at: &str) -> Plan {
    plan::plan(rules, root).unwrap_or_else(|e| panic!("{at}: {e}"))
}

/// All entries of a tree: kind, mode, owner and content. Nothing here has links to elsewhere.
type Snapshot = BTreeMap<String, (FileKind, u32, u32, u32, String)>;

fn snapshot(root: &MemoryRootfs) -> Snapshot {
    let mut out = Snapshot::new();
    let mut todo = vec![ImagePath::root()];
    while let Some(dir) = todo.pop() {
        for name in root.list(&dir).unwrap().unwrap_or_default().iter() {
            let at = dir.join(name).unwrap();
            let stat = root.stat(&at).unwrap().unwrap();
            let content = match stat.kind {
                FileKind::File => root.read_bytes(&at, u64::MAX).unwrap().unwrap().to_vec(),
                FileKind::Symlink => root.read_link(&at).unwrap().unwrap(),
                FileKind::Dir => {
                    todo.push(at.clone());
                    Vec::new()
                }
                _ => Vec::new(),
            };
            let content = String::from_utf8(content).unwrap();
            out.insert(at.to_string(), (stat.kind, stat.mode, stat.uid, stat.gid, content));
        }
    }
    out
}

fn differences(left: &Snapshot, right: &Snapshot) -> Vec<String> {
    let paths: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
    let differs = paths.into_iter().filter(|p| left.get(*p) != right.get(*p));
    differs.map(|p| format!("{p}:\n{:?}\n{:?}", left.get(p), right.get(p))).collect()
}

/// What is wrong after all rows have been planned on a tree of row `id`.
fn faults_after_all(
    rules: &[&Rule],
    id: &str,
    name: &str,
    mended: bool,
    root: &MemoryRootfs,
) -> Vec<String> {
    let mut faults = Vec::new();
    let plan = plan_all(rules, root, name);
    let result = root.clone().changed(plan.nodes());
    for judged in &plan.after {
        if judged.remedy == Some(Remedy::Available) {
            faults.push(format!("{name}: {} could still be mended: {judged:?}", judged.id));
        }
        if mended && judged.id.to_string() == id && judged.outcome == Outcome::NotMet {
            faults.push(format!("{name}: not mended among all rows: {judged:?}"));
        }
    }
    for change in plan.changes() {
        let at = change.path.to_string();
        if NEVER.iter().any(|p| at.starts_with(p)) {
            faults.push(format!("{name}: {at} is not to be touched: {change:?}"));
        }
        let there = |root: &dyn Rootfs| {
            let kind = root.stat(&change.path).unwrap().map(|s| s.kind);
            (kind == Some(FileKind::File)).then(|| root.read_bytes(&change.path, u64::MAX).unwrap())
        };
        let own = OWN.iter().any(|p| at.starts_with(p));
        if !own && there(root) != there(&result) {
            faults.push(format!("{name}: {at} gets another content: {change:?}"));
        }
    }
    faults
}

/// What no plan touches in any way, whatever the tree is like.
const NEVER: [&str; 19] = [
    "/boot/",
    "/etc/apt/",
    "/etc/cron.allow",
    "/etc/cron.deny",
    "/etc/default/grub",
    "/etc/default/ufw",
    "/etc/fstab.",
    "/etc/machine-id",
    "/etc/pam.d/common-account",
    "/etc/pam.d/common-auth",
    "/etc/pam.d/common-session",
    "/etc/pam.d/su",
    "/etc/securetty",
    "/etc/sudoers",
    "/etc/ufw/ufw.conf",
    "/lib/",
    "/run/",
    "/usr/lib/",
    "/var/lib/dpkg/",
];

/// Content is changed here alone; elsewhere at most mode and owner.
const OWN: [&str; 3] = ["/etc/", "/var/lib/NetworkManager/", "/var/lib/pam/"];

#[test]
fn all_rows_together_hold_after_one_plan() {
    const THREADS: usize = 4;
    let some = |first: usize| {
        let profile = Profile::embedded().unwrap();
        let rules = enforced(&profile);
        let mended = told_to_be_mended();
        let trees = wrong_trees().into_iter().skip(first).step_by(THREADS);
        let faults = |(id, name, root): (String, String, MemoryRootfs)| {
            faults_after_all(&rules, &id, &name, mended.contains(&name), &root)
        };
        trees.flat_map(faults).collect::<Vec<_>>()
    };
    let faults = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || some(first))).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rows_that_are_left_alone_come_out_as_before() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let left: Vec<&Rule> = profile.rules.iter().filter(|r| !r.is_enforced()).collect();
    let mut trees = vec![(String::new(), "the stock tree".to_owned(), support::base())];
    trees.extend(wrong_trees().into_iter().step_by(30));
    for (_, name, root) in trees {
        let result = root.clone().changed(plan_all(&rules, &root, &name).nodes());
        for (before, after) in plan::audit(&left, &root).iter().zip(plan::audit(&left, &result)) {
            // A password that moves to shadow makes true of one what was true of none.
            let holds = |outcome| match outcome {
                Outcome::MetVacuously => Outcome::Met,
                other => other,
            };
            let (was, is) = (holds(before.outcome), holds(after.outcome));
            assert_eq!(was, is, "{name}: {before:#?}\n{after:#?}");
        }
    }
}

#[test]
fn a_second_plan_of_all_rows_finds_nothing() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    for (_, name, root) in wrong_trees().into_iter().step_by(10) {
        let result = root.clone().changed(plan_all(&rules, &root, &name).nodes());
        let again = plan_all(&rules, &result, &name);
        assert!(again.changes().is_empty(), "{name}: {:?}", again.changes());
    }
}

#[test]
fn the_order_of_the_rows_given_says_nothing() {
    let profile = Profile::embedded().unwrap();
    let mut rules = enforced(&profile);
    let mut shuffler = Shuffler(18_04);
    for (_, name, root) in wrong_trees().into_iter().step_by(23) {
        let straight = snapshot(&root.clone().changed(plan_all(&rules, &root, &name).nodes()));
        shuffler.shuffle(&mut rules);
        let shuffled = snapshot(&root.clone().changed(plan_all(&rules, &root, &name).nodes()));
        let differ = differences(&straight, &shuffled);
        assert!(differ.is_empty(), "{name}: {}", differ.join("\n"));
    }
}

/// Each row is planned and applied by itself, in any order, until none has anything to do.
fn one_at_a_time(rules: &[&Rule], mut root: MemoryRootfs, at: &str) -> MemoryRootfs {
    for _ in 0..8 {
        let mut moved = false;
        for rule in rules {
            let plan = plan_all(&[rule], &root, &format!("{at}: {}", rule.id));
            moved |= !plan.changes().is_empty();
            root = root.changed(plan.nodes());
        }
        if !moved {
            return root;
        }
    }
    panic!("{at}: the rows undo each other");
}

#[test]
fn rows_applied_one_at_a_time_in_any_order_come_to_the_same() {
    let profile = Profile::embedded().unwrap();
    let mut rules = enforced(&profile);
    let mut shuffler = Shuffler(2_1_0);
    let mut trees = wrong_trees();
    trees.push((String::new(), "the stock tree".to_owned(), support::base()));
    let mut failed = Vec::new();
    for (_, name, root) in trees.into_iter().rev().step_by(9) {
        let together = snapshot(&root.clone().changed(plan_all(&rules, &root, &name).nodes()));
        shuffler.shuffle(&mut rules);
        let apart = snapshot(&one_at_a_time(&rules, root, &name));
        let differ = differences(&together, &apart);
        if !differ.is_empty() {
            failed.push(format!("{name}: {}", differ.join("\n")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Files of the base tree in which a line that begins with `#` is a comment, wherever it stands.
fn takes_comments(at: &str) -> bool {
    let plain = [
        "/etc/fstab",
        "/etc/login.defs",
        "/etc/default/",
        "/etc/adduser.conf",
        "/etc/security/limits.conf",
        "/etc/profile",
        "/etc/bash.bashrc",
        "/etc/sudoers",
        "/etc/ssh/",
        "/etc/sysctl.conf",
        "/etc/sysctl.d/",
        "/usr/lib/sysctl.d/",
        "/etc/modprobe.d/",
        "/lib/modprobe.d/",
        "/etc/ufw/",
        "/etc/rsyslog.conf",
        "/etc/systemd/journald.conf",
        "/etc/systemd/system.conf",
        "/etc/logrotate.conf",
        "/etc/crontab",
        "/etc/cron.daily/",
        "/etc/apt/sources.list",
        "/etc/update-motd.d/",
        "/root/.",
        "/home/ubuntu/.profile",
        "/home/ubuntu/.bash",
        "/lib/systemd/system/",
    ];
    plain.iter().any(|p| at.starts_with(p))
}

/// The tree with a comment of its own above and below every line that takes one.
fn with_marks(root: MemoryRootfs) -> (MemoryRootfs, BTreeMap<String, Vec<String>>) {
    let mut marks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut out = root.clone();
    for (at, (kind, mode, uid, gid, text)) in snapshot(&root) {
        if kind != FileKind::File || !takes_comments(&at) {
            continue;
        }
        let own = marks.entry(at.clone()).or_default();
        let mut mark = || {
            own.push(format!("#  mark {} of {at}, 'umask' \"x\" PATH", own.len()));
            own.last().unwrap().clone() + "\n"
        };
        let shebang = text.starts_with("#!");
        let mut marked = if shebang { String::new() } else { mark() };
        for line in text.split_inclusive('\n') {
            marked.push_str(line);
            if line.ends_with('\n') && !line.ends_with("\\\n") {
                marked.push_str(&mark());
            }
        }
        out = out.file_with(&at, marked, mode, uid, gid);
    }
    (out, marks)
}

#[test]
fn comments_stay_where_they_are() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let (root, marks) = with_marks(support::base());
    let plan = plan_all(&rules, &root, "marked");
    let plain = plan_all(&rules, &support::base(), "stock");
    for (with, without) in plan.after.iter().zip(&plain.after) {
        assert_eq!(with.outcome, without.outcome, "comments change a verdict: {with:#?}");
    }
    let result = root.changed(plan.nodes());
    for (at, marks) in marks {
        let text = support::text_at(&result, &at);
        let left: Vec<&str> = text.lines().filter(|l| l.starts_with("#  mark ")).collect();
        assert_eq!(left, marks, "{at}");
    }
}

/// What of the stock tree is replaced: values that a row is about. Everything else is added to or
/// switched off; commented-out defaults stay.
const REPLACED: [(&str, &[&str]); 3] = [
    ("/etc/issue", &["Ubuntu 18.04.6 LTS \\n \\l", ""]),
    ("/etc/issue.net", &["Ubuntu 18.04.6 LTS"]),
    ("/etc/login.defs", &["UMASK\t\t022", "PASS_MAX_DAYS\t99999", "PASS_MIN_DAYS\t0"]),
];

#[test]
fn of_the_stock_tree_little_is_replaced() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let root = support::base();
    let plan = plan_all(&rules, &root, "stock");
    let result = snapshot(&root.clone().changed(plan.nodes()));
    let mut replaced: Vec<(String, Vec<String>)> = Vec::new();
    for (at, (kind, .., old)) in snapshot(&root) {
        let (new_kind, .., new) = result.get(&at).unwrap_or_else(|| panic!("{at} is gone"));
        assert_eq!(*new_kind, kind, "{at}");
        let mut kept = new.lines().peekable();
        let mut gone = Vec::new();
        for line in old.lines() {
            // In order, as it was or switched off.
            let mut rest = kept.clone();
            match rest.find(|l| *l == line || l.strip_prefix("# gokaku: ") == Some(line)) {
                Some(_) => kept = rest,
                None => gone.push(line.to_owned()),
            }
        }
        if !gone.is_empty() {
            replaced.push((at, gone));
        }
    }
    let told: Vec<(String, Vec<String>)> = REPLACED
        .iter()
        .map(|(at, lines)| ((*at).to_owned(), lines.iter().map(|l| (*l).to_owned()).collect()))
        .collect();
    assert_eq!(replaced, told);
}

#[test]
fn files_without_a_last_line_feed_come_to_the_same() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let mut root = support::base();
    for (at, (kind, mode, uid, gid, text)) in snapshot(&support::base()) {
        if kind == FileKind::File && at.starts_with("/etc/") {
            root = root.file_with(&at, text.trim_end_matches('\n'), mode, uid, gid);
        }
    }
    let plan = plan_all(&rules, &root, "unterminated");
    let result = root.changed(plan.nodes());
    assert!(plan_all(&rules, &result, "unterminated").changes().is_empty());
    let plain = plan_all(&rules, &support::base(), "stock");
    for (open, closed) in plan.after.iter().zip(&plain.after) {
        assert_eq!(open.outcome, closed.outcome, "{open:#?}");
    }
    let expected = snapshot(&support::base().changed(plain.nodes()));
    for change in plan.changes() {
        let at = change.path.to_string();
        let (.., got) = &snapshot(&result)[&at];
        let (.., want) = &expected[&at];
        assert_eq!(got.trim_end(), want.trim_end(), "{at}");
    }
}
