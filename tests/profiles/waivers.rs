//! Waivers: judged and shown, never failing a run, never changed.

use gokaku::check::{Outcome, Subject, SubjectKind};
use gokaku::plan::{self, Judged, Plan, WaiverState};
use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::MemoryRootfs;
use serde_json::Value;

use crate::program::{Tree, answer};
use crate::support::gokaku_as_root;
use crate::with;

fn rules<'p>(profile: &'p Profile, ids: &[&str]) -> Vec<&'p Rule> {
    ids.iter().map(|id| crate::row(profile, id)).collect()
}

/// Two loose files: 5.1.2 and 6.1.2 do not hold.
fn loose() -> MemoryRootfs {
    MemoryRootfs::new().file("/etc/crontab", "").file_with("/etc/passwd", PASSWD, 0o666, 0, 0)
}

const PASSWD: &str = "root:x:0:0::/root:/bin/bash\n";

fn waive(rule: &str, more: &str) -> String {
    format!("[[waive]]\nrule = \"{rule}\"\nreason = \"because\"\nby = \"us\"\n{more}\n")
}

fn plan_of(layer: &str, ids: &[&str], root: &MemoryRootfs) -> Plan {
    let profile = with(layer).unwrap();
    plan::plan(&rules(&profile, ids), root).unwrap()
}

fn paths(plan: &Plan) -> Vec<String> {
    plan.changes().iter().map(|change| change.path.to_string()).collect()
}

fn state(judged: &Judged) -> Vec<WaiverState> {
    judged.waivers.iter().map(|used| used.state).collect()
}

#[test]
fn a_waived_row_is_judged_and_not_changed() {
    let plan = plan_of(&waive("5.1.2", "until = \"never\""), &["5.1.2", "6.1.2"], &loose());
    assert_eq!(paths(&plan), ["/etc/passwd"]);
    for judged in [&plan.before[0], &plan.after[0]] {
        assert_eq!(judged.outcome, Outcome::Waived);
        let beneath = judged.beneath.as_ref().unwrap();
        assert_eq!(beneath.outcome, Outcome::NotMet);
        assert_eq!(beneath.gaps[0].subject, Subject::new(SubjectKind::Path, "/etc/crontab"));
        assert_eq!(state(judged), [WaiverState::InUse]);
    }
    assert_eq!(plan.after[1].outcome, Outcome::Met);
}

#[test]
fn a_met_row_stays_met_and_says_so() {
    let root = MemoryRootfs::new().file_with("/etc/crontab", "", 0o600, 0, 0);
    let plan = plan_of(&waive("5.1.2", "until = 1999-01-01"), &["5.1.2"], &root);
    let judged = &plan.before[0];
    assert_eq!((judged.outcome, state(judged)), (Outcome::Met, vec![WaiverState::NotNeeded]));
    let notes: Vec<String> =
        judged.evidence.iter().filter_map(|e| Some(e.note.as_ref()?.to_string())).collect();
    assert!(notes.contains(&"waiver not needed (site.toml:2)".to_owned()), "{notes:?}");
}

#[test]
fn a_manual_and_an_unknown_row_are_waived() {
    let both = waive("2.3", "until = \"never\"") + &waive("5.2.1", "until = \"never\"");
    // Without dpkg's database, nobody knows what is installed.
    let root = loose();
    let plan = plan_of(&both, &["2.3", "5.2.1"], &root);
    let plain = plan_of("", &["2.3", "5.2.1"], &root);
    assert_eq!(plain.before[1].outcome, Outcome::Unknown, "{:?}", plain.before[1]);
    for (judged, plain) in plan.after.iter().zip(&plain.after) {
        assert_eq!(judged.outcome, Outcome::Waived, "{judged:?}");
        assert_eq!(judged.beneath.as_ref().unwrap().outcome, plain.outcome);
    }
}

#[test]
fn the_end_of_a_waiver_changes_nothing_on_the_root() {
    let plan = plan_of(&waive("5.1.2", "until = 1999-01-01"), &["5.1.2", "6.1.2"], &loose());
    assert_eq!(paths(&plan), ["/etc/passwd"]);
    let judged = &plan.after[0];
    assert_eq!((judged.outcome, state(judged)), (Outcome::NotMet, vec![WaiverState::Over]));
    let reason = judged.reason.as_ref().unwrap().to_string();
    assert!(reason.contains("its waiver by us ended on 1999-01-01 (site.toml:2)"), "{reason}");
}

/// Two accounts without a password of which 6.2.2 and others speak; here 5.5.1.1, the minimum age.
fn young() -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\nsolr:x:1001:1001::/home/solr:/bin/bash\n")
        .file("/etc/group", "root:x:0:\nann:x:1000:\nsolr:x:1001:\n")
        .file("/etc/shadow", "root:*:18000:0:365:7:30::\nann:$6$a$b:18000:0:365:7:30::\nsolr:$6$a$b:18000:0:365:7:30::\n")
        .file("/etc/login.defs", "PASS_MIN_DAYS 1\nPASS_MAX_DAYS 365\n")
}

#[test]
fn a_waived_subject_is_left_and_the_others_are_remedied() {
    let only = |name: &str, until: &str| {
        waive("5.5.1.1", &format!("only = [\"account:{name}\"]\nuntil = {until}"))
    };
    let shadow = |plan: &Plan| {
        let change = plan.changes().iter().find(|c| c.path.to_string() == "/etc/shadow");
        let Some(change) = change else { return String::new() };
        match &change.after.as_ref().unwrap().body {
            gokaku::rootfs::NodeBody::File(Some(text)) => String::from_utf8(text.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let before = plan_of("", &["5.5.1.1"], &young());
    assert!(shadow(&before).contains("solr:$6$a$b:18000:1:"), "{}", shadow(&before));

    let plan = plan_of(&only("solr", "\"never\""), &["5.5.1.1"], &young());
    assert!(shadow(&plan).contains("ann:$6$a$b:18000:1:"), "{}", shadow(&plan));
    assert!(shadow(&plan).contains("solr:$6$a$b:18000:0:"), "{}", shadow(&plan));
    // The other one fails: the row's own outcome, and the waived gap is marked.
    let judged = &plan.before[0];
    assert_eq!(judged.outcome, Outcome::NotMet);
    let gaps: Vec<(String, bool)> =
        judged.gaps.iter().map(|gap| (gap.subject.value.clone(), gap.waived)).collect();
    assert!(gaps.contains(&("ann".to_owned(), false)), "{gaps:?}");
    assert!(gaps.contains(&("solr".to_owned(), true)), "{gaps:?}");
    assert_eq!(judged.remedy, Some(plan::Remedy::Available));
    // When it is remedied, the row is waived, and never met.
    assert_eq!(plan.after[0].outcome, Outcome::Waived, "{:?}", plan.after[0]);
    assert_eq!(plan.after[0].beneath.as_ref().unwrap().outcome, Outcome::NotMet);

    let over = plan_of(&only("solr", "1999-01-01"), &["5.5.1.1"], &young());
    assert_eq!(shadow(&over), shadow(&plan), "the end changes nothing");
    assert_eq!(over.after[0].outcome, Outcome::NotMet);
    assert_eq!(state(&over.after[0]), [WaiverState::Over]);

    let unneeded = only("nobody-here", "\"never\"");
    let plan = plan_of(&unneeded, &["5.5.1.1"], &young());
    assert_eq!(
        (plan.after[0].outcome, state(&plan.after[0])),
        (Outcome::Met, vec![WaiverState::NotNeeded])
    );
}

#[test]
fn other_wants_may_stand_in_place_of_the_tables() {
    let set = |more: &str, ceiling: &str| {
        format!(
            "[[set]]\nrule = \"5.1.2\"\nreason = \"because\"\n{more}\
             want = [{{ file_mode = {{ path = \"/etc/crontab\", ceiling = \"{ceiling}\" }} }}]\n"
        )
    };
    let answered = "by = \"us\"\nuntil = \"never\"\n";
    let root = loose();
    let outcome = |layer: &str| {
        let plan = plan_of(layer, &["5.1.2"], &root);
        (plan.before[0].outcome, plan.after[0].outcome, plan.changes().len())
    };
    // Both must hold: the worse counts, and both are planned.
    assert_eq!(outcome(&set("", "0644")), (Outcome::NotMet, Outcome::Met, 1));
    // Answered for: the site's hold, the table's are shown beneath and not planned.
    assert_eq!(outcome(&set(answered, "0644")), (Outcome::Waived, Outcome::Waived, 0));
    let plan = plan_of(&set(answered, "0644"), &["5.1.2"], &root);
    assert_eq!(plan.after[0].beneath.as_ref().unwrap().outcome, Outcome::NotMet);
    // The site's own are not met: always so.
    assert_eq!(outcome(&set(answered, "0640")), (Outcome::NotMet, Outcome::Waived, 1));
    // Over: the table's outcome, and still no change for it.
    let over = set("by = \"us\"\nuntil = 1999-01-01\n", "0644");
    assert_eq!(outcome(&over), (Outcome::NotMet, Outcome::NotMet, 0));
    // The table's hold as well.
    let tight = MemoryRootfs::new().file_with("/etc/crontab", "", 0o600, 0, 0);
    let plan = plan_of(&set(answered, "0644"), &["5.1.2"], &tight);
    assert_eq!(
        (plan.after[0].outcome, state(&plan.after[0])),
        (Outcome::Met, vec![WaiverState::NotNeeded])
    );
}

#[test]
fn rows_that_undo_each_other_are_named_with_the_path_and_both_places() {
    let rule = |id: &str, days: u8| {
        format!(
            "[[rule]]\nid = \"{id}\"\ntitle = \"t\"\nrationale = \"r\"\nwant = [{{ login_defs = {{ key = \
             \"PASS_WARN_AGE\", number = {{ min = {days}, max = {days}, write = {days} }} }} }}]\n"
        )
    };
    let profile = crate::table()
        .with_layer("a.toml", rule("site.a", 8))
        .with_layer("b.toml", rule("site.b", 9))
        .parse()
        .unwrap();
    let root = young().file("/etc/login.defs", "PASS_WARN_AGE 7\n");
    let e = plan::plan(&rules(&profile, &["site.a", "site.b"]), &root).unwrap_err().to_string();
    assert!(e.contains("site.a (a.toml:2), site.b (b.toml:2)"), "{e}");
    assert!(e.contains("in /etc/login.defs"), "{e}");
}

const TREE: &[(&str, &str)] = &[("root/etc/crontab", ""), ("root/etc/modprobe.d/x.conf", "")];

fn report(out: &str) -> Value {
    serde_json::from_str(out).unwrap()
}

#[test]
fn a_waiver_ends_by_the_later_clock_and_the_run_fails_by_name() {
    let test = "a_waiver_ends_by_the_later_clock_and_the_run_fails_by_name";
    let tree = Tree::new(TREE);
    tree.file("site.toml", &waive("5.1.2", "until = 2999-01-01"));
    let audit = "audit --root root --rule 5.1.2 --profile site.toml";
    let (status, out, err) = tree.run(audit);
    assert_eq!(status, 0, "{err}");
    assert!(
        out.contains("waived (not met)") && out.contains("waived by us until 2999-01-01: because"),
        "{out}"
    );
    // The same day still holds; a pinned date of the past keeps none alive.
    let day = |seconds: &str| answer(tree.gokaku(audit).env("SOURCE_DATE_EPOCH", seconds));
    assert_eq!(day("32472187200").0, 0, "2999-01-02 in UTC is the day after");
    let (status, _, err) = day("32472230400");
    assert_eq!(status, 2, "{err}");
    assert!(
        err.contains("5.1.2") && err.contains("its waiver by us ended on 2999-01-01 (site.toml:2)"),
        "{err}"
    );
    tree.file("site.toml", &waive("5.1.2", "until = 2020-01-01"));
    assert_eq!(day("1000").0, 2);
    // 30 days before.
    tree.file("site.toml", &waive("5.1.2", "until = 2999-01-31"));
    let (status, _, err) = day("32472187200");
    assert_eq!(status, 0, "{err}");
    assert!(err.contains("the waiver by us ends on 2999-01-31, in 30 days (site.toml:2)"), "{err}");
    // apply writes nothing on behalf of its end.
    let Some(mut apply) = gokaku_as_root(test) else { return };
    tree.file("site.toml", &waive("5.1.2", "until = 2020-01-01"));
    apply.current_dir(tree.0.path()).args(
        "apply --root root --rule 5.1.2 --profile site.toml --state-dir state --format json"
            .split(' '),
    );
    let (status, out, err) = answer(&mut apply);
    assert_eq!(status, 2, "{err}");
    let report = report(&out);
    assert_eq!(report["changes"], serde_json::json!([]), "{report}");
    assert_eq!(report["rules"][0]["waivers"][0]["state"], "over");
}

#[test]
fn an_unknown_row_whose_waiver_is_over_is_2_and_another_makes_it_1() {
    let tree = Tree::new(TREE);
    tree.file("site.toml", &waive("5.2.1", "until = 2020-01-01"));
    let audit = "audit --root root --profile site.toml --format json";
    let (status, out, err) = tree.run(&format!("{audit} --rule 5.2.1"));
    assert_eq!(report(&out)["rules"][0]["outcome"], "unknown", "{out}");
    assert_eq!(status, 2, "{err}");
    let (status, ..) = tree.run(&format!("{audit} --rule 5.2.1 --rule 2.2.1"));
    assert_eq!(status, 1);
    // Waived, it is 0, and still a warning.
    tree.file("site.toml", &waive("5.2.1", "until = \"never\""));
    let (status, out, err) = tree.run(&format!("{audit} --rule 5.2.1"));
    assert_eq!(status, 0, "{err}");
    assert!(err.contains("warning: 5.2.1 is waived and could not be determined"), "{err}");
    assert_eq!(report(&out)["rules"][0]["beneath"]["outcome"], "unknown");
}

#[test]
fn accepted_drift_is_shown_and_not_strict() {
    let tree = Tree::new(&[("root/etc/modprobe.d/x.conf", "install udf /bin/true\n")]);
    let audit = "audit --root root --rule 1.1.1.6 --strict --profile site.toml --format json";
    tree.file("site.toml", "");
    let (status, out, _) = tree.run(audit);
    assert_eq!((status, &report(&out)["rules"][0]["drift"]), (2, &true.into()));
    tree.file("site.toml", &waive("1.1.1.6", "until = \"never\"\naccept_drift = true"));
    let (status, out, err) = tree.run(audit);
    assert_eq!(status, 0, "{err}");
    let row = &report(&out)["rules"][0];
    assert_eq!((&row["drift"], &row["drift_accepted"]), (&true.into(), &true.into()));
    tree.file("site.toml", &waive("1.1.1.6", "until = 2020-01-01\naccept_drift = true"));
    assert_eq!(tree.run(audit).0, 2);
}

#[test]
fn an_enforced_row_is_told_with_status_and_disposition() {
    let tree = Tree::new(TREE);
    tree.file(
        "site.toml",
        "[[enforce]]\nrule = \"1.1.1.6\"\naccept = \"operational-impact\"\nreason = \"none mounts it\"\n\
         want = [{ kernel_module = { name = \"udf\" } }]\n",
    );
    let (_, out, err) =
        tree.run("plan --root root --rule 1.1.1.6 --profile site.toml --format json");
    let report = report(&out);
    let row = &report["rules"][0];
    assert_eq!(
        (&row["status"], &row["disposition"]),
        (&"fail".into(), &"enforced_by_site".into()),
        "{err}"
    );
    assert_eq!((&row["outcome"], &row["changed"]), (&"met".into(), &true.into()));
    assert_eq!(row["decision"]["kind"], "enforce");
    assert_eq!(row["decision"]["reason"]["en"], "none mounts it");
    assert_eq!(row["decision"]["place"], serde_json::json!({"file": "site.toml", "line": 2}));
    assert_eq!(row["wants"][0]["place"]["file"], "site.toml");
}

#[test]
fn a_layer_that_makes_a_left_alone_row_drift_is_refused() {
    let tree = Tree::new(TREE);
    let own = "[[rule]]\nid = \"site.1\"\ntitle = \"no UDF\"\nrationale = \"r\"\n\
               want = [{ kernel_module = { name = \"udf\", file = \"/etc/modprobe.d/site.conf\" } }]\n";
    tree.file("site.toml", own);
    for args in [
        "plan --root root --rule site.1 --profile site.toml",
        "plan --root root --rule site,1.1 --profile site.toml",
    ] {
        let (status, _, err) = tree.run(args);
        assert_eq!(status, 3, "{err}");
        assert!(
            err.contains("row 1.1.1.6 is left alone by the table, and row site.1 (site.toml:2)"),
            "{err}"
        );
    }
    let enforce = "[[enforce]]\nrule = \"1.1.1.6\"\naccept = \"operational-impact\"\nreason = \"none\"\n\
                   want = [{ kernel_module = { name = \"udf\" } }]\n";
    tree.file("site.toml", &format!("{own}{enforce}"));
    let (status, _, err) = tree.run("plan --root root --rule site.1 --profile site.toml");
    assert_eq!(status, 0, "{err}");
}
