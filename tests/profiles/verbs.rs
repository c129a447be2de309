//! `gokaku profile` as a person uses it.

use serde_json::Value;

use crate::program::{Tree, answer};

const SITE: &str = "# Our own.\nextends = \"auto\"\n\n[vars]\nbanner = \"Go.\\n\" # short\n\n# The cron table.\n\
    [[waive]]\nrule = \"5.1.2\" # loose\nreason = \"r\"\nby = \"us\"\nuntil = 2999-01-31\n";

#[test]
fn check_says_all_at_once() {
    let tree = Tree::new(&[
        ("good.toml", SITE),
        ("bad.toml", "[[waive]]\nrule = \"9.9\"\n[vars]\nbaner = \"x\"\n"),
        ("over.toml", &SITE.replace("2999", "2020")),
        (
            "two.toml",
            "[[rule]]\nid = \"site.1\"\ntitle = \"t\"\nrationale = \"r\"\nwant = [\n  \
             { sysctl = { key = \"net.ipv4.conf.all.send_redirects\", value = \"1\" } },\n]\n",
        ),
        ("tab.toml", "[vars]\n\tbanner = \"x\"\n"),
    ]);
    let (status, out, err) = tree.run("profile check good.toml tab.toml");
    assert_eq!((status, out.as_str()), (0, ""), "{err}");
    assert!(err.contains("warning: profile: tab.toml:2:1: a tab"), "{err}");
    let (status, _, err) = tree.run("profile check good.toml bad.toml over.toml two.toml");
    assert_eq!(status, 1);
    for says in [
        "bad.toml:4:1: no var `baner`; did you mean `banner`?",
        "bad.toml:1:1: missing field `reason`",
        "over.toml:9:1: the decision about row 5.1.2 ended on 2020-01-31; extend it",
        "two.toml:6:3: row site.1 wants `value = \"1\"`, and row 3.2.1 (profiles/aks-ubuntu-18.04/3-network.toml:",
    ] {
        assert!(err.contains(says), "want {says} in\n{err}");
    }
    let soon =
        answer(tree.gokaku("profile check good.toml").env("SOURCE_DATE_EPOCH", "32472187200"));
    assert_eq!(soon.0, 0);
    assert!(
        soon.2
            .contains("good.toml:9:1: the decision about row 5.1.2 ends on 2999-01-31, in 30 days"),
        "{}",
        soon.2
    );
}

#[test]
fn show_has_places_and_is_a_profile() {
    let tree = Tree::new(&[("site.toml", SITE)]);
    let (status, out, err) =
        tree.run("profile show --profile site.toml --set password_max_days=90");
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("value = \"Go.\\n\"  # site.toml:5\n"), "{out}");
    assert!(out.contains("value = 90  # --set:1\n"), "{out}");
    tree.file("merged.toml", &out);
    let (_, plain, _) =
        tree.run("profile show --plain --profile site.toml --set password_max_days=90");
    let (_, again, err) = tree.run("profile show --plain --profile merged.toml");
    assert_eq!(plain, again, "{err}");
    // The digest of the reports is that of this text.
    let (_, report, _) =
        tree.run("audit --root root --rule 5.1.2 --profile merged.toml --format json");
    let report: Value = serde_json::from_str(&report).unwrap();
    tree.file("plain.toml", &plain);
    let mut sha = std::process::Command::new("sha256sum");
    let (_, sum, _) = answer(sha.arg("plain.toml").current_dir(tree.0.path()));
    assert_eq!(report["profile"]["sha256"], sum.split(' ').next().unwrap());
    assert_eq!(report["profile"]["format"], "gokaku.profile/1");
}

#[test]
fn diff_says_what_a_layer_changes() {
    let tree = Tree::new(&[("site.toml", SITE)]);
    let (status, out, _) = tree.run("profile diff auto site.toml");
    assert_eq!(status, 0);
    assert!(
        out.contains("\n+value = \"Go.\\n\"\n") && out.contains("\n+rule = \"5.1.2\"\n"),
        "{out}"
    );
    assert_eq!(tree.run("profile diff site.toml ./site.toml").1, "");
}

#[test]
fn waive_and_prune_keep_the_comments() {
    let tree = Tree::new(&[("site.toml", SITE), ("root/etc/crontab", ""), ("root/etc/motd", "")]);
    let waive = "profile waive 5.5.1.1 --file site.toml --only account:ann --only account:solr --reason r \
                 --by us --until never --ticket T-1";
    let (status, _, err) = tree.run(waive);
    assert_eq!(status, 0, "{err}");
    let text = tree.read("site.toml");
    let added = "\n[[waive]]\nrule = \"5.5.1.1\"\nonly = [\"account:ann\", \"account:solr\"]\nreason = \"r\"\n\
                 by = \"us\"\nuntil = \"never\"\nticket = \"T-1\"\n";
    assert_eq!(text, format!("{SITE}{added}"));
    // What is no good is not written.
    for (args, says) in [
        ("5.33.1 --reason r --by us --until never", "no row 5.33.1"),
        ("5.3.21 --reason r --by us --until never", "is left alone"),
        ("5.1.2 --reason r --by us --until never", "is waived already in this file"),
    ] {
        let (status, _, err) = tree.run(&format!("profile waive {args} --file site.toml"));
        assert_eq!(status, 1, "{err}");
        assert!(err.contains("site.toml:") && err.contains(says), "{err}");
        assert_eq!(tree.read("site.toml"), text);
    }
    assert_eq!(tree.run("profile waive 5.1.2 --file x.toml --reason r --by us --until soon").0, 64);

    tree.file("root/etc/passwd", "root:x:0:0::/root:/bin/bash\nsolr:x:1001:1001::/:/bin/bash\n");
    tree.file("root/etc/shadow", "root:*:18000:0:365:7:30::\nsolr:$6$a$b:18000:0:365:7:30::\n");
    tree.file("root/etc/login.defs", "PASS_MIN_DAYS 1\n");
    let audit =
        "audit --root root --rule 5.1.2 --rule 5.5.1.1 --profile site.toml --format json -o";
    assert_eq!(tree.run(&format!("{audit} one.json")).0, 0);
    let (status, out, err) = tree.run("profile prune site.toml --report one.json --dry-run");
    assert_eq!((status, out.as_str()), (0, "5.5.1.1 account:ann\n"), "{err}");
    assert_eq!(tree.read("site.toml"), text);
    let (_, out, _) = tree.run("profile prune site.toml --report one.json");
    assert_eq!(out, "5.5.1.1 account:ann\n");
    assert_eq!(tree.read("site.toml"), text.replace("\"account:ann\", ", ""));
    // On another image the cron table is tight, but one image needs the waiver.
    use std::os::unix::fs::PermissionsExt;
    let crontab = tree.0.path().join("root/etc/crontab");
    std::fs::set_permissions(&crontab, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(tree.run(&format!("{audit} two.json")).0, 0);
    assert_eq!(tree.run("profile prune site.toml --report one.json --report two.json").1, "");
    assert_eq!(tree.run("profile prune site.toml --report two.json").1, "5.1.2\n");
    assert!(
        tree.read("site.toml")
            .starts_with("# Our own.\nextends = \"auto\"\n\n[vars]\nbanner = \"Go.\\n\" # short\n")
    );
}

#[test]
fn a_machine_with_many_failing_rows_can_adopt_the_gate_today() {
    let tree = Tree::new(&[
        ("root/etc/crontab", ""),
        ("root/etc/motd", ""),
        ("root/etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/home/ann:/bin/bash\n"),
        ("root/etc/group", "root:x:0:\nann:x:1000:\n"),
        ("root/etc/shadow", "root:*:18000:0:99999:7:::\nann:$6$a$b:18000:0:99999:7:::\n"),
    ]);
    let audit = "audit --root root --format json -o";
    assert_ne!(tree.run(&format!("{audit} before.json")).0, 0);
    let before: Value = serde_json::from_str(&tree.read("before.json")).unwrap();
    let count = |outcome: &str| before["summary"]["pass"][outcome].as_u64().unwrap();
    assert!(count("not_met") + count("unknown") > 40, "{before:#}");
    let new = "profile new site.toml --waive-from before.json --until 2999-12-31 --by ops";
    let (status, _, err) = tree.run(new);
    assert_eq!(status, 0, "{err}");
    let text = tree.read("site.toml");
    assert!(
        text.contains("only = [\"account:ann\"]") && text.contains("until = 2999-12-31"),
        "{text}"
    );
    let (status, _, err) =
        tree.run("audit --root root --profile site.toml --format json -o after.json");
    assert_eq!(status, 0, "{err}");
    let after: Value = serde_json::from_str(&tree.read("after.json")).unwrap();
    assert_eq!(after["summary"]["pass"]["not_met"], 0);
    assert_eq!(tree.run("profile check site.toml").0, 0);
    assert_eq!(tree.run(new).0, 64, "a file that is there stays");
    // Without a report: a commented start, that is good as it stands.
    let (_, start, _) = tree.run("profile new");
    tree.file("start.toml", &start);
    assert_eq!(tree.run("profile check start.toml").0, 0);
    assert!(start.contains("# password_max_days = 365  # a number from 1 to 365\n"), "{start}");
    assert_eq!(tree.run("profile diff auto start.toml").1, "");
}

#[test]
fn embedded_profiles_are_listed() {
    let (status, out, _) = Tree::new(&[]).run("list --profiles");
    assert_eq!((status, out.as_str()), (0, "aks-ubuntu-18.04\naks-node\n"));
}
