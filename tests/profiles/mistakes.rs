//! What a person does wrong in a first profile, and what is said of it.

use std::fs;
use std::path::{Path, PathBuf};

use gokaku::profile::Request;

use crate::with;

/// A profile as a site writes it; every mistake below is one change of it.
const GOOD: &str = r#"extends = "auto"

[vars]
banner = "Go away.\n"
password_min_length = 16

[[waive]]
rule = "5.3.4"
reason = "access by SSSD groups"
by = "platform team"
until = 2999-03-31
ticket = "SEC-41"

[[waive]]
rule = "5.5.2"
only = ["account:solr"]
reason = "the search service needs its shell"
by = "platform team"
until = 2999-03-31

[[set]]
rule = "5.3.22"
reason = "our bastion opens more"
want = [{ sshd = { directive = "MaxSessions", value = { number = { min = 1, max = 8, write = 8 } } } }]

[[enforce]]
rule = "1.1.1.6"
accept = "operational-impact"
reason = "these nodes mount no UDF"
want = [{ kernel_module = { name = "udf" } }]

[[rule]]
id = "site.1"
title = "cron writes to its own log"
rationale = "Our collector reads it there."
want = [{ file_mode = { path = "/etc/motd", ceiling = "0644" } }]
"#;

#[test]
fn the_good_one_is_good() {
    let profile = with(GOOD).unwrap();
    assert_eq!(profile.warnings, [""; 0]);
}

/// What stands in the file in place of what, where the mistake is, and what is said.
type Case = (&'static str, &'static str, &'static str, &'static str);

const CASES: &[Case] = &[
    // A misspelt key.
    ("reason = \"access", "reson = \"access", "9:1", "unknown field `reson`"),
    ("reason = \"access", "reson = \"access", "9:1", "did you mean `reason`?"),
    ("[[waive]]\nrule = \"5.3.4\"", "[[waiver]]\nrule = \"5.3.4\"", "7:3", "did you mean `waive`"),
    ("[[waive]]\nrule = \"5.5.2\"", "[waive]\nrule = \"5.5.2\"", "14:2", "waive"),
    // A wrong type.
    ("ticket = \"SEC-41\"", "ticket = 41", "12:10", "write it in quotes"),
    (
        "password_min_length = 16",
        "password_min_length = \"16\"",
        "5:23",
        "found a text, want a number",
    ),
    // A row that there is not.
    ("rule = \"5.3.4\"", "rule = \"5.33.4\"", "8:8", "no row 5.33.4; did you mean 5.3.4?"),
    ("rule = \"5.3.4\"", "rule = \"5.3\"", "8:8", "it is a section; name a row, as 5.3.1"),
    ("rule = \"5.3.4\"", "rule = \"v.3.\"", "8:8", "`v.3.` is not a rule id"),
    // The same twice.
    (
        "rule = \"5.5.2\"\nonly = [\"account:solr\"]",
        "rule = \"5.3.4\"",
        "15:8",
        "row 5.3.4 is waived already in this file",
    ),
    (
        "[\"account:solr\"]",
        "[\"account:solr\", \"account:solr\"]",
        "16:25",
        "`account:solr` stands twice",
    ),
    ("password_min_length = 16", "banner = \"b\"", "5:1", "duplicate key"),
    // Without acceptance, or with another.
    ("accept = \"operational-impact\"\n", "", "26:1", "missing field `accept`"),
    (
        "\"operational-impact\"",
        "\"none-given\"",
        "28:10",
        "want `operational-impact`, for which the table leaves row 1.1.1.6 alone",
    ),
    (
        "[[enforce]]\nrule = \"1.1.1.6\"\naccept = \"operational-impact\"",
        "[[set]]\nrule = \"1.1.1.6\"",
        "27:8",
        "use [[enforce]] with accept = \"operational-impact\"",
    ),
    (
        "rule = \"1.1.1.6\"",
        "rule = \"1.1.1.1\"",
        "28:10",
        "row 1.1.1.1 is enforced by the table; use [[set]]",
    ),
    // A bad date.
    ("until = 2999-03-31\nticket", "until = 2999-02-30\nticket", "11:9", ""),
    (
        "until = 2999-03-31\nticket",
        "until = \"2999-03-31\"\nticket",
        "11:9",
        "write the day without quotes",
    ),
    (
        "until = 2999-03-31\nticket",
        "until = 2999-03-31T10:00:00Z\nticket",
        "11:9",
        "without a time",
    ),
    (
        "until = 2999-03-31\nticket",
        "until = \"soon\"\nticket",
        "11:9",
        "want a day, as 2027-03-31, \"never\" or \"withdrawn\"",
    ),
    ("until = 2999-03-31\nticket", "ticket", "7:1", "a waiver has an end: add `until`"),
    (
        "until = 2999-03-31\nticket",
        "until = \"withdrawn\"\nticket",
        "11:9",
        "no file below waives it",
    ),
    (
        "by = \"platform team\"\nuntil = 2999-03-31\nticket",
        "until = 2999-03-31\nticket",
        "7:1",
        "missing field `by`",
    ),
    // Variables.
    (
        "password_min_length",
        "password_min_len",
        "5:1",
        "no var `password_min_len`; did you mean `password_min_length`?",
    ),
    (
        "password_min_length = 16",
        "password_min_length = 8",
        "5:23",
        "found 8, want a number from 14 to 128; beyond that the row of the table does not hold: see [[set]]",
    ),
    ("password_min_length = 16", "x = { value = 1 }", "5:1", "nobody uses var `x`"),
    (
        "password_min_length = 16",
        "password_min_length = { value = 16 }",
        "5:1",
        "is declared already; give it a value alone",
    ),
    (
        "password_min_length = 16",
        "ssh_ciphers = [\"aes256-ctr\", \"3des-cbc\"]",
        "5:30",
        "found `3des-cbc`, want a list of",
    ),
    // A site's own row.
    ("id = \"site.1\"", "id = \"1.1.1.1\"", "33:6", "choose another id, or use [[set]]"),
    ("title = \"cron writes to its own log\"\n", "", "32:1", "missing field `title`"),
    ("ceiling = \"0644\"", "ceiling = \"0688\"", "36:55", "`0688` is not a mode"),
    ("file_mode =", "file_mod =", "36:11", "did you mean `file_mode`?"),
    // Waivers that say nothing.
    (
        "rule = \"5.3.4\"",
        "rule = \"5.3.21\"",
        "8:8",
        "row 5.3.21 is left alone, so that there is nothing to waive; `accept_drift = true`",
    ),
    ("ticket = \"SEC-41\"", "accept_drift = true", "12:16", "row 5.3.4 is enforced: remove it"),
    (
        "account:solr",
        "unit:solr",
        "16:9",
        "row 5.5.2 has no subject of kind `unit`; it has: account, line, path",
    ),
    ("account:solr", "user:solr", "16:9", "`user` is no kind of subject"),
    ("account:solr", "solr", "16:9", "want a kind and what it is, as account:solr"),
    ("[\"account:solr\"]", "[]", "16:8", "`only` is empty"),
    ("\"access by SSSD groups\"", "\" \"", "9:10", "`reason` is empty"),
    // Halves.
    (
        "reason = \"our bastion opens more\"",
        "reason = \"our bastion opens more\"\nby = \"us\"",
        "21:1",
        "`by` and `until` belong together",
    ),
    // The file itself.
    ("[vars]", "[vars", "3:", ""),
    ("extends = \"auto\"", "extends = 18.04", "1:11", "in quotes"),
    (
        "extends = \"auto\"",
        "format = \"gokaku.profile/2\"",
        "1:10",
        "it is newer: install a newer gokaku",
    ),
    ("extends = \"auto\"", "rules = 1", "1:1", "did you mean `rule`?"),
];

#[test]
fn each_says_where_it_is_and_what_to_change() {
    for (old, new, at, says) in CASES {
        assert_eq!(GOOD.matches(old).count(), 1, "{old}");
        let e = with(&GOOD.replace(old, new)).unwrap_err().to_string();
        let place = format!("site.toml:{at}");
        let mut here = e.lines().filter(|line| line.starts_with(&place));
        assert!(here.any(|line| line.contains(says)), "{new}: want {place} {says} in\n{e}");
        // The line, and a caret below the word.
        let (line, column) = at.split_once(':').unwrap();
        let shown = format!("\n{line} | ");
        assert!(e.contains(&shown), "{e}");
        if let Ok(column) = column.parse::<usize>() {
            let caret = format!("\n{} | {}^", " ".repeat(line.len()), " ".repeat(column - 1));
            assert!(e.contains(&caret), "{e}");
        }
    }
}

#[test]
fn one_hides_no_other() {
    let bad = GOOD
        .replace("ticket = \"SEC-41\"", "ticket = 41")
        .replace("reason = \"access", "reson = \"access")
        .replace("account:solr", "unit:solr")
        .replace("max = 8, write = 8", "max = 8, write = 9")
        .replace("password_min_length = 16", "password_min_length = 8")
        .replace("\"operational-impact\"", "\"none-given\"")
        .replace("ceiling = \"0644\"", "ceiling = \"0688\"");
    let e = with(&bad).unwrap_err().to_string();
    for place in ["5:23", "9:1", "12:10", "16:9", "24:", "28:10", "36:"] {
        assert!(e.contains(&format!("site.toml:{place}")), "{place} in\n{e}");
    }
    let places: Vec<&str> = e.lines().filter(|line| line.starts_with("site.toml:")).collect();
    assert_eq!(places.len(), 7, "{e}");
}

#[test]
fn a_line_that_cannot_be_read_hides_no_other_entry() {
    let bad = GOOD.replace(
        "by = \"platform team\"\nuntil = 2999-03-31\nticket",
        "by = platform team\nticket",
    );
    let bad = bad.replace("account:solr", "unit:solr");
    let e = with(&bad).unwrap_err().to_string();
    assert!(e.contains("site.toml:10:"), "{e}");
    assert!(e.contains("no subject of kind `unit`"), "{e}");
    assert!(!e.contains("missing field `by`"), "what could not be read is not missing: {e}");
}

#[test]
fn what_does_no_harm_is_a_warning() {
    let crlf = GOOD.replace('\n', "\r\n");
    let tabs = GOOD.replace("ticket = ", "\tticket = ");
    let bom = format!("\u{feff}{GOOD}");
    for (text, at, says) in [
        (crlf, "1:17", "save the file with LF"),
        (tabs, "12:1", "a tab; write blanks"),
        (bom, "1:1", "save it as UTF-8 without one"),
    ] {
        let warnings = with(&text).unwrap().warnings;
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.starts_with(&format!("site.toml:{at}: ")), "{warning}");
        assert!(warning.contains(says), "{warning}");
    }
}

fn files(dir: &Path, files: &[(&str, &str)]) -> Vec<PathBuf> {
    for (name, text) in files {
        fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        fs::write(dir.join(name), text).unwrap();
    }
    vec![dir.join(files[0].0)]
}

#[test]
fn files_that_do_not_go_together() {
    let head = include_str!("../../profiles/aks-ubuntu-18.04/profile.toml");
    for (set, at, says) in [
        (
            vec![
                ("a.toml", "extends = \"b.toml\""),
                ("b.toml", "extends = [\"c.toml\"]"),
                ("c.toml", "\nextends = \"a.toml\""),
            ],
            "c.toml:2:11",
            "extends itself",
        ),
        (vec![("a.toml", "extends = \"a.toml\"")], "a.toml:1:11", "extends itself"),
        (vec![("a.toml", "extends = [\"auto\", \"none.toml\"]")], "a.toml:1:20", "No such file"),
        (
            vec![
                ("a.toml", "extends = [\"auto\", \"d/b.toml\"]"),
                ("d/b.toml", "extends = \"c.toml\""),
            ],
            "d/b.toml:1:11",
            "d/c.toml",
        ),
        (
            vec![("a.toml", "extends = [\"auto\", \"t/\"]"), ("t/profile.toml", head)],
            "a.toml:1:20",
            "a profile has one table, and aks-ubuntu-18.04 is it already",
        ),
        (
            vec![("a.toml", "extends = \"aks\"")],
            "a.toml:1:11",
            "no profile `aks`; known are: auto, aks-ubuntu-18.04",
        ),
        (
            vec![("a.toml", "extends = \"aks-ubuntu-1804\"")],
            "a.toml:1:11",
            "did you mean `aks-ubuntu-18.04`?",
        ),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let request = Request { profiles: files(dir.path(), &set), ..Request::default() };
        let e = request.load().unwrap_err().to_string();
        let place = format!("{}/{at}: ", dir.path().display());
        let here = e.lines().find(|line| line.starts_with(&place));
        let here = here.unwrap_or_else(|| panic!("want {place} in\n{e}"));
        assert!(here.contains(says), "want {says} in\n{e}");
    }
}

#[test]
fn a_missing_file_hides_no_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let text = "extends = [\"auto\", \"none.toml\"]\n[vars]\nbaner = \"x\"\n";
    let request =
        Request { profiles: files(dir.path(), &[("a.toml", text)]), ..Request::default() };
    let e = request.load().unwrap_err().to_string();
    assert!(e.contains("No such file") && e.contains("did you mean `banner`?"), "{e}");
}
