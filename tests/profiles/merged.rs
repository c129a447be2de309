//! A merged profile as one text.

use gokaku::profile::{Profile, ProfileFiles};

use crate::{table, with};

const SITE: &str = r#"
[vars]
banner = 'Go away. \q'
password_max_days = 90
ssh_ciphers = ["aes256-ctr"]
level = { value = "a", one_of = ["a", "b"] }
time = { value = "90s", type = "duration", max = "2h" }
[[waive]]
rule = "5.3.4"
reason = "r"
by = "b"
until = 2999-03-31
ticket = "T-1"
[[waive]]
rule = "5.5.2"
only = ["account:solr", "account:ann"]
reason = { en = "r", ja = "理由" }
by = "b"
until = "never"
[[waive]]
rule = "5.3.21"
accept_drift = true
reason = "r"
by = "b"
until = "never"
[[set]]
rule = "5.3.22"
reason = "r"
by = "b"
until = 2999-03-31
want = [{ sshd = { directive = "MaxSessions", value = { number = { min = 1, max = 20, write = 20 } } } }]
[[enforce]]
rule = "1.1.1.6"
accept = "operational-impact"
reason = "r"
want = [{ kernel_module = { name = "udf" } }]
[[rule]]
id = "site.1"
title = "t"
rationale = "r"
want = [{ sysctl = { key = "a.b", value = "${level}" } }, { sysctl = { key = "a.c", value = "${time}" } }]
"#;

fn site() -> Profile {
    with(SITE).unwrap()
}

/// One file that is the whole table.
fn again(text: &str) -> Profile {
    ProfileFiles::from_files([("merged.toml", text)]).parse().unwrap()
}

fn shown(profile: &Profile) -> Vec<String> {
    let mut rows = Vec::new();
    for rule in &profile.rules {
        let waivers: Vec<_> = rule
            .site
            .waivers
            .iter()
            .map(|w| (&w.subject, &w.reason, &w.by, w.until, &w.ticket))
            .collect();
        let replaced = rule
            .site
            .replaced
            .as_ref()
            .map(|r| (&r.reason, &r.accepted, format!("{:?}", r.table())));
        let enforced = rule.site.enforced.as_ref().map(|e| &e.reason);
        rows.push(format!(
            "{} {} {:?} {:?} {:?} {waivers:?} {replaced:?} {enforced:?}",
            rule.id,
            rule.status.key(),
            rule.title,
            rule.wants().len(),
            rule.disposition()
        ));
    }
    rows.extend(profile.vars.iter().map(|var| format!("{} {} {}", var.name, var.value, var.range)));
    rows.push(format!("{:?} {:?}", profile.target, profile.protected_packages));
    rows
}

#[test]
fn it_parses_back_to_itself() {
    for profile in [table().parse().unwrap(), site()] {
        let back = again(&profile.text());
        assert_eq!(back.text(), profile.text());
        assert_eq!(back.sha256(), profile.sha256());
        let (one, other) = (shown(&profile), shown(&back));
        for (a, b) in one.iter().zip(&other) {
            assert_eq!(a, b);
        }
        assert_eq!(one.len(), other.len());
    }
}

#[test]
fn its_digest_is_one_of_the_values_alone() {
    let plain = table().parse().unwrap();
    assert_eq!(with("# nothing\n").unwrap().sha256(), plain.sha256());
    assert_eq!(with("[vars]\npassword_max_days = 365\n").unwrap().sha256(), plain.sha256());
    assert_ne!(with("[vars]\npassword_max_days = 364\n").unwrap().sha256(), plain.sha256());
    // Another order of entries and fields, other quotes, a comment.
    let one = "[[waive]]\nrule = \"5.3.4\"\nreason = \"r\"\nby = \"b\"\nuntil = 2999-01-01\n[vars]\nbanner = \"x\"\n";
    let other = "[vars]\nbanner = 'x' # a\n[[waive]]\nuntil = 2999-01-01\nby = 'b'\nreason = 'r'\nrule = '5.3.4'\n";
    assert_eq!(with(one).unwrap().sha256(), with(other).unwrap().sha256());
}

#[test]
fn every_value_has_its_place() {
    let profile = site();
    let place = |text: &str| {
        let mut found = profile.merged.iter().filter(|line| line.text.trim() == text);
        let line = found.next().unwrap_or_else(|| panic!("{text}"));
        line.place.as_ref().unwrap().to_string()
    };
    assert_eq!(place("value = 90"), "site.toml:4");
    assert_eq!(
        place("until = 2999-03-31"),
        "site.toml:30",
        "the set's: they stand before the waivers"
    );
    assert_eq!(place("{ sysctl = { key = \"a.b\", value = \"${level}\" } },"), "site.toml:41");
    assert!(place("value = 7").contains("profiles/aks-ubuntu-18.04/profile.toml:"));
    let without: Vec<&str> = profile
        .merged
        .iter()
        .filter(|line| line.place.is_none())
        .map(|line| line.text.as_str())
        .filter(|text| !text.is_empty() && *text != "]" && !text.starts_with('['))
        .collect();
    assert_eq!(without, ["format = \"gokaku.profile/1\""]);
}
