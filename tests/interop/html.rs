//! The page, in a real browser: what a person, a keyboard, a printer and a reader of screens meet.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::bench::{Bench, HOSTILE};
use crate::{support, tools};

const BROWSER: &str = "/usr/bin/chromium";
const PACKAGES: [&str; 2] = ["playwright-core@1.65.1", "axe-core@4.14.1"];

/// What the script of the test says of a page.
pub fn look(test: &str, script: &str, page: &Path) -> Option<serde_json::Value> {
    if !support::have(test, &["node", "npm", BROWSER]) {
        return None;
    }
    let modules = tools::node(test, &PACKAGES)?;
    let out = Command::new("node")
        .arg(support::repository("tests/interop").join(script))
        .args([page.as_os_str(), BROWSER.as_ref()])
        .env("NODE_PATH", &modules)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
    Some(serde_json::from_slice(&out.stdout).unwrap())
}

/// A page of the tree that has one of everything, and the same report as data.
fn planned(bench: &Bench, lang: &str) -> (std::path::PathBuf, serde_json::Value) {
    // The page stays, to be looked at.
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("report-{lang}.html"));
    let data = bench.dir().join("r.json");
    // A member of the group shadow, which leaves it.
    let group = bench.root().join("etc/group");
    let text = fs::read_to_string(&group).unwrap();
    fs::write(group, text.replace("shadow:x:42:", "shadow:x:42:eve")).unwrap();
    let to = |path: &Path| path.to_str().unwrap().to_owned();
    bench.run(
        "plan",
        &[
            "--lang",
            lang,
            "--format",
            "html",
            "-o",
            &to(&page),
            "--format",
            "json",
            "-o",
            &to(&data),
        ],
    );
    (page, serde_json::from_str(&fs::read_to_string(data).unwrap()).unwrap())
}

fn count(report: &serde_json::Value, is: impl Fn(&serde_json::Value) -> bool) -> usize {
    report["rules"].as_array().unwrap().iter().filter(|row| is(row)).count()
}

fn is_enforced(row: &serde_json::Value) -> bool {
    row["disposition"] != "left_alone"
}

#[test]
fn a_browser_shows_the_page_and_runs_nothing_of_the_tree() {
    let test = "a_browser_shows_the_page_and_runs_nothing_of_the_tree";
    let bench = Bench::new();
    let (page, report) = planned(&bench, "en");
    let Some(seen) = look(test, "html.js", &page) else { return };

    let markup = fs::read_to_string(&page).unwrap();
    let (ends, first) = (markup.find("id=ends-h").unwrap(), markup.find("class=row").unwrap());
    assert!(ends < first, "what the changes end is on top");
    assert!(!report["consequences"].as_array().unwrap().is_empty());

    assert_eq!(seen["requests"], serde_json::json!([]), "the page asks nothing of a network");
    assert_eq!(seen["complaints"], serde_json::json!([]), "dialogs, errors, the console");
    let texts = seen["texts"].as_str().unwrap();
    assert!(texts.contains(HOSTILE), "the hostile text is shown as it is");
    assert_eq!(seen["foreign"], 0, "elements that a text would have made");

    each_row_says_what_the_report_has(texts, &report);

    let rows = report["rules"].as_array().unwrap().len();
    let not_met = |row: &serde_json::Value| is_enforced(row) && row["outcome"] == "not_met";
    let shown = &seen["shown"];
    assert_eq!(shown["all"], rows);
    assert_eq!(shown["notmet"], count(&report, not_met));
    let left = count(&report, |row| !is_enforced(row) && row["drift"] == false);
    assert_eq!(shown["left"], left);
    assert_eq!(shown["left or notmet"], left + count(&report, not_met));
    assert_eq!(shown["high"], count(&report, |row| row["severity"] == "high"));
    let in_five = |row: &serde_json::Value| row["id"].as_str().unwrap().starts_with("5.");
    assert_eq!(shown["five"], count(&report, in_five));
    assert_eq!(
        shown["five and high"],
        count(&report, |row| in_five(row) && row["severity"] == "high")
    );
    assert_eq!(shown["failed"], count(&report, |row| row["status"] == "fail"));
    assert_eq!(shown["changed"], count(&report, |row| row["changed"] == true));
    assert_eq!(shown["search"], 1, "one row has these words");
    assert_eq!(shown["search in Japanese"], 1);
    assert_eq!(shown["cleared"], rows);
    let met = count(&report, |row| is_enforced(row) && row["outcome"] == "met");
    assert_eq!(shown["by its tile"], met);
    assert_eq!(shown["by its bar"], shown["five"]);
    for (_, number) in shown.as_object().unwrap() {
        assert_ne!(*number, 0, "a filter that hides all proves nothing: {shown}");
    }
    assert_eq!(seen["said"], seen["counted"], "what the page says of how many it shows");

    // Every number of the picture, against the rows.
    let tiles = seen["tiles"].as_object().unwrap();
    assert_eq!(tiles.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), rows as u64);
    assert_eq!(tiles["met"], met);
    assert_eq!(tiles["notmet"], count(&report, not_met));
    assert_eq!(tiles["waived"], count(&report, |row| row["outcome"] == "waived"));
    assert_eq!(seen["bars"], true, "bars are as long as their numbers");
}

/// Every part of every row, in the language of the page.
fn each_row_says_what_the_report_has(shown: &str, report: &serde_json::Value) {
    let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = one_line(shown);
    let mut parts = 0;
    let mut has = |id: &serde_json::Value, what: &str, text: &serde_json::Value| {
        let text = text.as_str().or_else(|| text["en"].as_str());
        let Some(text) = text else { return };
        assert!(shown.contains(&one_line(text)), "{id} {what}: {text}");
        parts += 1;
    };
    let list = |of: &serde_json::Value| of.as_array().cloned().unwrap_or_default();
    for row in list(&report["rules"]) {
        let id = &row["id"];
        for what in ["id", "title", "rationale", "origin", "status_words", "reason"] {
            has(id, what, &row[what]);
        }
        has(id, "reason", &row["left_alone"]["reason_words"]);
        has(id, "note", &row["left_alone"]["note"]);
        has(
            id,
            "place",
            &format!("{}:{}", row["place"]["file"].as_str().unwrap(), row["place"]["line"]).into(),
        );
        for want in list(&row["wants"]) {
            has(id, "want", &want["want"]);
        }
        for name in list(&row["references"]["scap"]) {
            has(id, "reference", &name);
        }
        let gaps = list(&row["gaps"]).into_iter().chain(list(&row["beneath"]["gaps"]));
        for gap in gaps.clone() {
            has(id, "why not", &gap["reason"]);
        }
        let seen = gaps.map(|gap| gap["evidence"].clone());
        for evidence in seen.chain(list(&row["evidence"])) {
            for what in ["path", "found", "want", "note"] {
                has(id, what, &evidence[what]);
            }
        }
        for closed in list(&row["closed"]) {
            has(id, "found before", &closed["evidence"]["found"]);
            has(id, "what will be", &closed["after"]);
        }
        for waiver in list(&row["waivers"]) {
            for what in ["reason", "by", "until", "ticket"] {
                has(id, what, &waiver[what]);
            }
        }
    }
    let nobody = serde_json::Value::Null;
    for change in list(&report["changes"]) {
        has(&nobody, "path", &change["path"]);
        has(&nobody, "diff", &change["diff"]);
    }
    for consequence in list(&report["consequences"]) {
        has(&nobody, "consequence", &consequence["says"]);
    }
    assert!(parts > 2_000, "{parts}");
}

#[test]
fn the_page_is_for_every_reader() {
    let test = "the_page_is_for_every_reader";
    let bench = Bench::new();
    let (page, report) = planned(&bench, "ja");
    let Some(seen) = look(test, "html_readers.js", &page) else { return };

    assert_eq!(seen["violations"], serde_json::json!([]), "WCAG 2 AA, light and dark, rows open");
    for width in seen["widths"].as_array().unwrap() {
        assert_eq!(width["scroll"], width["window"], "nothing is wider than the window");
    }
    assert_eq!(seen["first"], serde_json::json!({ "lang": "ja", "en": 0, "pressed": "ja" }));
    assert_eq!(seen["switched"], serde_json::json!({ "lang": "en", "ja": 0, "pressed": "en" }));
    assert!(seen["title"].as_str().unwrap().starts_with("CIS "));

    let rows = report["rules"].as_array().unwrap().len();
    assert_eq!(seen["without script"], serde_json::json!({ "rows": rows, "en": 0, "controls": 0 }));
    assert_eq!(seen["keyboard filter"], true, "Tab to a filter, Space sets it");
    assert_eq!(seen["keyboard row"], true, "Tab to a row, Enter opens it");
    assert_eq!(seen["focus"], true, "where the keyboard is, is seen");
    assert_eq!(seen["link"], true, "a link to a row that a filter hides shows and opens it");
    assert_eq!(seen["print"], serde_json::json!({ "controls": 0, "closed": 0 }));
    assert_eq!(seen["pdf"], true, "the evidence of a closed row is on paper");
}

/// What one text of many rows costs, once.
#[test]
fn a_real_root_makes_a_page_that_a_mail_can_carry() {
    let test = "a_real_root_makes_a_page_that_a_mail_can_carry";
    let Some(root) = support::root(test) else { return };
    let plan = || {
        let out = support::gokaku()
            .args(["plan", "--quiet", "--format", "html", "--root"])
            .arg(&root)
            .output()
            .unwrap();
        assert_eq!(out.status.code(), Some(0));
        String::from_utf8(out.stdout).unwrap()
    };
    let page = plan();
    assert!(page.len() < 900_000, "{} bytes", page.len());
    assert_eq!(page.matches("+++ b/etc/ssh/sshd_config").count(), 1);
    assert_eq!(page, plan(), "same tree, same bytes");
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert!(!page.contains(&host), "no report names the machine unasked");
}
