//! Laws of the model, tried on wrong trees of `tests/cases/`: what is remembered changes no plan, and
//! what is excluded is not touched, and nothing else stays open for it.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod support;

use std::collections::BTreeSet;

use gokaku::check::{Audit, Options, Subject, SubjectKind};
use gokaku::message::Message;
use gokaku::plan::{self, Judged, Plan};
use gokaku::profile::{Profile, Rule, RuleId};
use gokaku::rootfs::{ImagePath, MemoryRootfs, Node, NodeBody};

/// A tree on which a row does not hold, and is made to.
struct Wrong {
    id: RuleId,
    at: String,
    root: MemoryRootfs,
}

/// Every such tree; each `step`th.
fn wrong_trees(step: usize) -> Vec<Wrong> {
    let base = support::base();
    let all = support::all();
    let cases = all.iter().flat_map(|(id, cases)| cases.iter().map(move |c| (id, c)));
    let wrong = cases.filter(|(_, c)| c.outcome() == "not_met -> met");
    let wrong = wrong.step_by(step).map(|(id, c)| Wrong {
        id: id.parse().unwrap(),
        at: format!("{id}: {}", c.name),
        root: c.tree(&base),
    });
    wrong.collect()
}

/// The row and its neighbours, which change the same files.
fn around<'p>(rules: &[&'p Rule], id: &RuleId) -> Vec<&'p Rule> {
    let part = |id: &RuleId| id.to_string().split('.').take(2).collect::<Vec<_>>().join(".");
    rules.iter().copied().filter(|rule| part(&rule.id) == part(id)).collect()
}

fn enforced(profile: &Profile) -> Vec<&Rule> {
    profile.rules.iter().filter(|r| r.is_enforced()).collect()
}

fn planned(rules: &[&Rule], root: &MemoryRootfs, options: &Options, at: &str) -> Plan {
    plan::plan(rules, Audit::new(root, options)).unwrap_or_else(|e| panic!("{at}: {e}"))
}

fn nodes(plan: &Plan) -> Vec<(ImagePath, Option<Node>)> {
    plan.nodes().collect()
}

type Pairs = BTreeSet<(RuleId, Subject)>;

/// What the changes are for.
fn served(plan: &Plan) -> Pairs {
    let all = plan.changes().iter().flat_map(|change| &change.serves);
    all.map(|p| (p.rule.clone(), p.subject.clone())).collect()
}

/// What stays open.
fn open(judged: &[Judged]) -> Pairs {
    let all = judged.iter().flat_map(|j| j.gaps.iter().map(|gap| (j.id.clone(), gap)));
    all.map(|(id, gap)| (id, gap.subject.clone())).collect()
}

/// Of these, one is enough.
fn is_time_client(subject: &Subject) -> bool {
    ["chrony.service", "ntp.service", "systemd-timesyncd.service"].contains(&&*subject.value)
}

/// Reproducible choices.
struct Picker(u64);

impl Picker {
    fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        &from[usize::try_from(self.0 >> 33).unwrap() % from.len()]
    }
}

fn cause() -> Message {
    Message::from("excluded by the test")
}

#[test]
fn a_plan_does_not_depend_on_what_is_remembered() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    for Wrong { at, root, .. } in wrong_trees(25) {
        let options = Options::default();
        let with = planned(&rules, &root, &options, &at);
        let without = planned(&rules, &root.clone().forgetful(), &options, &at);
        assert_eq!(nodes(&with), nodes(&without), "{at}");
        let outcomes = |list: &[Judged]| list.iter().map(|j| j.outcome).collect::<Vec<_>>();
        assert_eq!(outcomes(&with.after), outcomes(&without.after), "{at}");
    }
}

#[test]
fn what_all_rows_leave_alone_is_as_before() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let mut picker = Picker(14);
    for Wrong { id, at, root } in wrong_trees(2) {
        let rules = around(&rules, &id);
        let plain = planned(&rules, &root, &Options::default(), &at);
        let pairs: Vec<_> = served(&plain).into_iter().collect();
        let own: Vec<_> = pairs.iter().filter(|pair| pair.0 == id).cloned().collect();
        let mut options = Options::default();
        let mut chosen = BTreeSet::new();
        for from in [&own, &pairs, &pairs] {
            if from.is_empty() {
                continue;
            }
            let (_, subject) = picker.pick(from);
            options.exclusions.exclude(subject.clone(), cause());
            chosen.insert(subject.clone());
        }
        let plan = planned(&rules, &root, &options, &at);
        let touched: Vec<_> =
            served(&plan).into_iter().filter(|(_, s)| chosen.contains(s)).collect();
        assert!(touched.is_empty(), "{at}: {touched:?}");
        let before: Pairs =
            open(&plain.before).into_iter().filter(|p| chosen.contains(&p.1)).collect();
        let left = open(&plan.after);
        // What one setting makes needless is closed without being touched.
        let is_needless = |pair: &&(RuleId, Subject)| {
            served(&plan).iter().any(|other| {
                let does_as_well = other.1.value == "pwquality.conf:minclass"
                    && pair.1.value.ends_with("credit")
                    || is_time_client(&other.1) && is_time_client(&pair.1);
                pair.0 == other.0 && does_as_well
            })
        };
        // Stanzas that nothing includes rotate no log, and need no `su`.
        let is_unread = |pair: &&(RuleId, Subject)| {
            pair.1.value == "/var/log" && chosen.iter().any(|s| s.value.starts_with("include "))
        };
        let closed = before.difference(&left);
        let gone: Vec<_> = closed.filter(|pair| !is_needless(pair) && !is_unread(pair)).collect();
        assert!(gone.is_empty(), "{at}: closed all the same: {gone:?}");
        // What a file says behind a line that ends its reading stays open with that line.
        let is_behind = |pair: &&(RuleId, Subject)| {
            let (file, key) = pair.1.value.split_once(':').unwrap_or(("", ""));
            let named = |s: &Subject| s.value.rsplit('/').next() == Some(file);
            !key.is_empty() && chosen.iter().any(named)
        };
        // A log that may not be written to keeps nothing, whatever goes to it.
        let keeps_nothing = |pair: &&(RuleId, Subject)| {
            pair.1.kind == SubjectKind::Selector
                && chosen.iter().any(|subject| subject.value == "$FileCreateMode")
        };
        let new: Vec<_> = left
            .difference(&open(&plain.after))
            .filter(|p| !chosen.contains(&p.1) && !is_behind(p) && !keeps_nothing(p))
            .cloned()
            .collect();
        assert!(new.is_empty(), "{at}: excluded {chosen:?}, left open, too: {new:?}");
    }
}

#[test]
fn what_one_row_leaves_alone_others_still_change() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let mut picker = Picker(15);
    let mut compared = 0;
    for Wrong { id, at, root } in wrong_trees(2) {
        let rules = around(&rules, &id);
        let plain = planned(&rules, &root, &Options::default(), &at);
        let all = served(&plain);
        let pairs: Vec<_> = all.iter().filter(|pair| pair.0 == id).cloned().collect();
        if pairs.is_empty() {
            continue;
        }
        let (rule, subject) = picker.pick(&pairs).clone();
        let at = format!("{at}: {rule} without {subject}");
        let mut options = Options::default();
        options.exclusions.exclude_of(&rule, subject.clone(), cause());
        let plan = planned(&rules, &root, &options, &at);
        let pair = (rule.clone(), subject.clone());
        assert!(!served(&plan).contains(&pair), "{at}");
        // A row that wants nothing but this, and finds no other way: the plan is that of the profile
        // without the row.
        let own = all.iter().filter(|p| p.0 == rule).count();
        let other_way = served(&plan).iter().any(|p| p.0 == rule);
        let mut expected = open(&plain.after);
        if own == 1 && !other_way {
            compared += 1;
            let others: Vec<&Rule> = rules.iter().copied().filter(|r| r.id != rule).collect();
            let without = planned(&others, &root, &Options::default(), &at);
            assert_eq!(
                nodes(&plan),
                nodes(&without),
                "{at}: {:?} and {:?}",
                served(&plain),
                served(&plan)
            );
            // What others cannot do without this row they cannot do here.
            expected.extend(open(&without.after));
        }
        let file = pair.1.value.rsplit('/').next().unwrap_or_default().to_owned();
        let is_behind =
            |p: &&(RuleId, Subject)| p.1.value.split_once(':').is_some_and(|(f, _)| f == file);
        expected.insert(pair);
        let left = open(&plan.after);
        let new: Vec<_> = left.difference(&expected).filter(|p| !is_behind(p)).collect();
        assert!(new.is_empty(), "{at}: left open, too: {new:?}");
    }
    assert!(compared > 50, "only {compared} rows with one subject");
}

/// Two people whose passwords never age, a service that a row wants disabled, and little else.
fn two_people() -> MemoryRootfs {
    let passwd = "root:x:0:0::/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/bash\n\
                  eve:x:1001:1001::/home/eve:/bin/bash\n";
    let shadow = "root:*:18000:0:99999:7:::\nbob:$6$a$b:18000:0:99999:7:::\n\
                  eve:$6$c$d:18000:0:99999:7:::\n";
    MemoryRootfs::new()
        .file("/etc/passwd", passwd)
        .file("/etc/shadow", shadow)
        .file("/etc/group", "root:x:0:\nbob:x:1000:\neve:x:1001:\n")
        .file("/etc/login.defs", "PASS_MAX_DAYS 365\nPASS_MIN_DAYS 1\nUID_MIN 1000\n")
}

fn only<'p>(profile: &'p Profile, id: &str) -> Vec<&'p Rule> {
    vec![profile.rule(&id.parse().unwrap()).unwrap()]
}

/// What a site needs for a waiver of one account: the row is remedied for all others, and what is
/// left open is what was waived, with the site's reason.
#[test]
fn a_waiver_for_one_account_can_be_built() {
    let profile = Profile::embedded().unwrap();
    let rules = only(&profile, "5.5.1.1");
    let root = two_people();
    let bob = Subject::account(b"bob");
    let waived =
        Message::from("accepted until 2027-03-31: the robot changes its password every night");
    let mut options = Options::default();
    options.exclusions.exclude_of(&rules[0].id, bob.clone(), waived.clone());
    let plan = planned(&rules, &root, &options, "two people");
    let shadow = plan.nodes().find(|(path, _)| path.to_string() == "/etc/shadow").unwrap().1;
    let NodeBody::File(Some(bytes)) = shadow.unwrap().body else { panic!("a file") };
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains("bob:$6$a$b:18000:0:99999:7:::\n"), "bob's line stays: {text}");
    assert!(text.contains("eve:$6$c$d:18000:1:99999:7:::\n"), "eve's is changed: {text}");
    let left = &plan.after[0].gaps;
    assert!(left.iter().all(|gap| gap.subject == bob && gap.reason == Some(waived.clone())));
    assert_eq!(left.len(), 1);
}

/// What foreseeing a consequence needs: a remedy is held back for one account of a row, for every
/// row, and the plan is made anew.
#[test]
fn a_remedy_can_be_held_back() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let root = two_people();
    let mut options = Options::default();
    let held = Message::from("a unit runs as eve");
    let plan = planned(&rules, &root, &options, "two people");
    let eve = Subject::account(b"eve");
    assert!(served(&plan).iter().any(|(_, subject)| *subject == eve));
    options.exclusions.exclude(eve.clone(), held.clone());
    let plan = planned(&rules, &root, &options, "without eve");
    assert!(!served(&plan).iter().any(|(_, subject)| *subject == eve));
    assert!(served(&plan).iter().any(|(_, subject)| *subject == Subject::account(b"bob")));
    let reasons: Vec<_> = plan.after.iter().flat_map(|j| &j.gaps).collect();
    let of_eve: Vec<_> = reasons.iter().filter(|gap| gap.subject == eve).collect();
    assert!(!of_eve.is_empty() && of_eve.iter().all(|gap| gap.reason == Some(held.clone())));
}

/// What a baseline needs: what a gap is about has the same name when lines move.
#[test]
fn a_fingerprint_of_an_account_survives_other_changes() {
    let profile = Profile::embedded().unwrap();
    let rules = enforced(&profile);
    let options = Options::default();
    let fingerprints = |root: &MemoryRootfs| {
        let judged = plan::audit(&rules, Audit::new(root, &options));
        let of_bob = open(&judged).into_iter().filter(|p| p.1 == Subject::account(b"bob"));
        of_bob.map(|(id, subject)| format!("{id} {subject}")).collect::<BTreeSet<_>>()
    };
    let before = fingerprints(&two_people());
    let moved = two_people()
        .file(
            "/etc/passwd",
            "root:x:0:0::/root:/bin/bash\nann:x:999:999::/:/usr/sbin/nologin\n\
             eve:x:1001:1001::/home/eve:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/bash\n",
        )
        .file(
            "/etc/shadow",
            "root:*:18000:0:99999:7:::\nann:*:18000::::::\neve:*:18000::::::\n\
             bob:$6$a$b:18000:0:99999:7:::\n",
        );
    assert_eq!(fingerprints(&moved), before);
    assert!(before.iter().any(|f| f.starts_with("5.5.1.1 ")), "{before:?}");
}
