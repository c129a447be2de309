//! A site's whole file, as a new user writes it, from the first audit to the end of its waivers.

use serde_json::Value;

use crate::program::{Tree, answer};
use crate::support::gokaku_as_root;

/// Another banner, longer passwords, two rows waived until a day and one account of a third, one row of its
/// own, and one that the table leaves alone.
const SITE: &str = r#"extends = "auto"

[vars]
banner = "For staff only.\n"
password_min_length = 16

[[waive]]
rule = "5.1.2"
reason = "the agent reads the table"
by = "ops"
until = 2999-03-31

[[waive]]
rule = "5.1.3"
reason = "as above"
by = "ops"
until = 2999-03-31

[[waive]]
rule = "5.5.1.1"
only = ["account:solr"]
reason = "a job changes its password"
by = "search"
until = 2999-03-31

[[rule]]
id = "site.1"
title = "/etc/motd is the owner's"
rationale = "Our agent shows it."
want = [{ file_mode = { path = "/etc/motd", ceiling = "0640" } }]

[[enforce]]
rule = "1.1.1.6"
accept = "operational-impact"
reason = "these nodes mount no UDF"
want = [{ kernel_module = { name = "udf" } }]
"#;

const ROWS: &str =
    "--rule 1.7.6 --rule 5.1.2 --rule 5.1.3 --rule 5.5.1.1 --rule site --rule 1.1.1.6";

fn tree() -> Tree {
    Tree::new(&[
        ("site.toml", SITE),
        ("root/etc/crontab", ""),
        ("root/etc/cron.hourly/x", ""),
        ("root/etc/motd", ""),
        ("root/etc/login.defs", "PASS_MIN_DAYS 1\n"),
        (
            "root/etc/passwd",
            "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/:/bin/bash\nsolr:x:1001:1001::/:/bin/bash\n",
        ),
        ("root/etc/group", "root:x:0:\nann:x:1000:\nsolr:x:1001:\n"),
        (
            "root/etc/shadow",
            "root:*:18000:0:365:7:30::\nann:$6$a$b:18000:0:365:7:30::\nsolr:$6$a$b:18000:0:365:7:30::\n",
        ),
    ])
}

#[test]
fn from_the_first_check_to_the_end_of_its_waivers() {
    let test = "from_the_first_check_to_the_end_of_its_waivers";
    let (Some(mut apply), Some(mut later)) = (gokaku_as_root(test), gokaku_as_root(test)) else {
        return;
    };
    let tree = tree();
    let (status, _, err) = tree.run("profile check site.toml");
    assert_eq!(status, 0, "{err}");
    let run =
        format!("apply --root root --profile site.toml --state-dir state --format json {ROWS}");
    let (status, out, err) = answer(apply.current_dir(tree.0.path()).args(run.split(' ')));
    assert_eq!(status, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let outcomes: Vec<(&str, &str)> = report["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["id"].as_str().unwrap(), row["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(
        outcomes,
        [
            ("1.1.1.6", "met"),
            ("1.7.6", "met"),
            ("5.1.2", "waived"),
            ("5.1.3", "waived"),
            ("5.5.1.1", "waived"),
            ("site.1", "met"),
        ]
    );
    assert_eq!(tree.read("root/etc/issue"), "For staff only.\n");
    let shadow = tree.read("root/etc/shadow");
    assert!(
        shadow.contains("ann:$6$a$b:18000:1:") && shadow.contains("solr:$6$a$b:18000:0:"),
        "{shadow}"
    );
    assert_eq!(report["profile"]["layers"], serde_json::json!(["site.toml"]));
    let waived = &report["rules"][2];
    assert_eq!(waived["waivers"][0]["place"], serde_json::json!({"file": "site.toml", "line": 8}));
    assert_eq!(waived["beneath"]["outcome"], "not_met");

    // The day after: the run fails by name, and writes nothing.
    let (status, out, err) = answer(
        later
            .current_dir(tree.0.path())
            .args(run.split(' '))
            .env("SOURCE_DATE_EPOCH", "32480000000"),
    );
    assert_eq!(status, 2, "{err}");
    for says in [
        "5.1.2 not met: /etc/crontab is open to root only: its waiver by ops ended on 2999-03-31 (site.toml:8)",
        "5.5.1.1",
        "the waiver of account solr by search ended on 2999-03-31 (site.toml:20)",
    ] {
        assert!(err.contains(says), "want {says} in\n{err}");
    }
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["changes"], serde_json::json!([]));
    assert_eq!(tree.read("root/etc/shadow"), shadow);
}
