//! What is said last counts.

use std::fs;

use gokaku::check::{Subject, SubjectKind};
use gokaku::profile::{Disposition, Identity, Profile, Request, Until};
use proptest::prelude::*;

use crate::{row, table, var, with};

#[test]
fn a_site_changes_what_it_names() {
    let profile = with(
        "[vars]\nbanner = \"Go away.\\n\"\npassword_min_length = 16\nssh_ciphers = [\"aes256-ctr\"]\n\
         [[rule]]\nid = \"site.1\"\ntitle = \"t\"\nrationale = \"r\"\n\
         want = [{ login_defs = { key = \"UMASK\", number = { min = 1, write = \"${mask}\" } } }]\n\
         [vars.mask]\nvalue = 27\nmin = 1\n",
    )
    .unwrap();
    assert!(row(&profile, "1.7.6").wants()[0].contains("Go away."));
    assert!(row(&profile, "5.4.1").wants().iter().any(|want| want.contains("minlen = 16")));
    let ciphers = &row(&profile, "5.3.13").wants()[0];
    assert!(ciphers.contains("algorithms = [\"aes256-ctr\"]"), "{ciphers}");
    let own = row(&profile, "site.1");
    assert!(own.site.own && own.is_enforced() && own.level == 1);
    assert_eq!((own.title.en.as_str(), own.title.ja.as_str()), ("t", "t"));
    assert!(own.wants()[0].contains("write = 27"), "{:?}", own.wants());
    assert_eq!(own.place.to_string(), "site.toml:6");
    assert_eq!(profile.rules.last().unwrap().id.to_string(), "site.1");
    let banner = profile.vars.iter().find(|var| var.name == "banner").unwrap();
    assert_eq!(banner.place.to_string(), "site.toml:2");
    let min = profile.vars.iter().find(|var| var.name == "password_min_days").unwrap();
    assert!(min.place.file.ends_with("profile.toml"), "{}", min.place);
}

#[test]
fn both_wants_hold_unless_somebody_answers_for_it() {
    let set = |more: &str| {
        let text = format!(
            "[[set]]\nrule = \"5.3.22\"\nreason = \"r\"\n{more}want = [{{ sshd = {{ directive = \
             \"MaxSessions\", value = {{ number = {{ min = 1, max = 20, write = 20 }} }} }} }}]\n"
        );
        with(&text).unwrap()
    };
    let count = |profile: &Profile| match row(profile, "5.3.22").disposition() {
        Disposition::Enforce(wants) => wants.len(),
        other => panic!("{other:?}"),
    };
    let both = set("");
    assert_eq!(count(&both), 2);
    assert!(row(&both, "5.3.22").site.replaced.as_ref().unwrap().accepted.is_none());
    let alone = set("by = \"us\"\nuntil = 2999-01-01\n");
    assert_eq!(count(&alone), 1);
    let replaced = row(&alone, "5.3.22").site.replaced.clone().unwrap();
    assert_eq!(replaced.table().len(), 1);
    assert_eq!(replaced.accepted.unwrap().1.to_string(), "2999-01-01");
}

#[test]
fn an_enforced_row_keeps_its_published_status() {
    let profile = with(
        "[[enforce]]\nrule = \"1.1.1.6\"\naccept = \"operational-impact\"\nreason = \"none mounts it\"\n\
         want = [{ kernel_module = { name = \"udf\" } }]\n",
    )
    .unwrap();
    let udf = row(&profile, "1.1.1.6");
    assert!(udf.is_enforced());
    assert_eq!(udf.status.key(), "fail");
    assert_eq!(udf.site.enforced.as_ref().unwrap().reason.en, "none mounts it");
}

#[test]
fn the_last_waiver_of_a_subject_counts_whole() {
    let waive = |only: &str, reason: &str, until: &str| {
        format!(
            "[[waive]]\nrule = \"5.5.2\"\n{only}reason = \"{reason}\"\nby = \"w\"\nuntil = {until}\n"
        )
    };
    let (solr, both) =
        ("only = [\"account:solr\"]\n", "only = [\"account:solr\", \"account:jenkins\"]\n");
    let files = table()
        .with_layer("a.toml", waive(both, "a", "\"never\"") + &waive("", "all", "2999-01-01"))
        .with_layer("b.toml", waive(solr, "b", "2999-01-01"))
        .with_layer("c.toml", waive("", "c", "\"withdrawn\""));
    let profile = files.parse().unwrap();
    let got: Vec<_> = row(&profile, "5.5.2")
        .site
        .waivers
        .iter()
        .map(|w| {
            (w.subject.clone(), w.reason.en.as_str(), w.until == Until::Never, w.place.to_string())
        })
        .collect();
    let account = |name: &str| Some(Subject::new(SubjectKind::Account, name));
    assert_eq!(
        got,
        [
            (account("jenkins"), "a", true, "a.toml:2".to_owned()),
            (account("solr"), "b", false, "b.toml:2".to_owned()),
        ]
    );
}

#[test]
fn files_are_read_in_the_order_of_extends() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
    let days = |extends: &str, days: usize| {
        format!("extends = {extends}\n[vars]\npassword_max_days = {days}\n")
    };
    put("base.toml", &days("\"aks-ubuntu-18.04\"", 10));
    put("left.toml", &days("\"base.toml\"", 20));
    put("right.toml", &days("[\"base.toml\"]", 30));
    put("site.toml", &days("[\"left.toml\", \"right.toml\"]", 40));
    put("none.toml", "extends = [\"right.toml\", \"left.toml\"]\n");
    let load = |profiles: &[&str], values: &[&str], environment: Option<&str>| {
        Request {
            profiles: profiles.iter().map(|name| dir.path().join(name)).collect(),
            values: values.iter().map(|value| (*value).to_owned()).collect(),
            environment: environment.map(str::to_owned),
            root: None,
        }
        .load()
        .unwrap()
        .profile
    };
    let is = |profile: &Profile, days: &str| assert_eq!(var(profile, "password_max_days"), days);
    let names = |profile: &Profile| -> Vec<String> {
        let name = |path: &String| path.rsplit('/').next().unwrap().to_owned();
        profile.layers.iter().map(name).collect()
    };
    let site = load(&["site.toml"], &[], None);
    is(&site, "40");
    assert_eq!(names(&site), ["base.toml", "left.toml", "right.toml", "site.toml"]);
    is(&load(&["none.toml"], &[], None), "20");
    let more = load(&["site.toml", "left.toml", "none.toml"], &[], None);
    is(&more, "40");
    assert_eq!(names(&more).last().unwrap(), "none.toml", "a file counts once, at its first place");
    is(&load(&["right.toml", "left.toml"], &[], None), "20");
    is(&load(&["site.toml"], &[], Some("password_max_days=50")), "50");
    is(&load(&["site.toml"], &["password_max_days=60"], Some("password_max_days=50")), "60");
    let twice = load(&["site.toml"], &["password_max_days=60", "password_max_days=70"], None);
    is(&twice, "70");
    let place = &twice.vars.iter().find(|var| var.name == "password_max_days").unwrap().place;
    assert_eq!(place.to_string(), "--set:2");
    // A banner with a comma, from a variable.
    let text = load(&[], &[], Some("banner=Go, now,password_max_days=90"));
    assert_eq!((var(&text, "banner"), var(&text, "password_max_days")), ("\"Go, now\"", "90"));
}

#[test]
fn auto_is_the_table_of_the_root() {
    let root = |os: &str, version: &str| Identity { os: os.into(), version: version.into() };
    let auto = |root| Request { root, ..Request::default() }.load().unwrap().auto;
    assert_eq!(auto(Some(root("ubuntu", "18.04"))), Some("aks-ubuntu-18.04"));
    let named = Request { profiles: vec!["aks-ubuntu-18.04".into()], ..Request::default() };
    assert_eq!(named.load().unwrap().auto, None);
}

#[test]
fn values_of_the_command_line_have_the_types_of_their_variables() {
    let set = |pairs: &str| table().with_values("--set", pairs).parse();
    let profile = set("ssh_ciphers=aes256-ctr,aes128-ctr\nbanner=a\\nb").unwrap();
    assert_eq!(var(&profile, "ssh_ciphers"), "[\"aes256-ctr\", \"aes128-ctr\"]");
    assert_eq!(var(&profile, "banner"), "\"a\\nb\"");
    for (pairs, says) in [
        (
            "password_max_days=x",
            "--set:1:19: var `password_max_days`: found `x`, want a number from 1",
        ),
        (
            "a=1\npassword_max_days=400",
            "--set:2:19: var `password_max_days`: found 400, want a number",
        ),
        ("baner=x", "--set:1:1: no var `baner`; did you mean `banner`?"),
    ] {
        let e = set(pairs).unwrap_err().to_string();
        assert!(e.contains(says), "{e}");
    }
}

#[test]
fn a_declared_variable_has_its_type() {
    let declared = |var: &str| {
        with(&format!(
            "[vars]\nx = {var}\n[[rule]]\nid = \"site.1\"\ntitle = \"t\"\nrationale = \"r\"\n\
             want = [{{ sysctl = {{ key = \"a.b\", value = \"${{x}}\" }} }}]\n"
        ))
    };
    declared("{ value = \"a\", one_of = [\"a\", \"b\"] }").unwrap();
    declared("{ value = \"90s\", type = \"duration\", min = \"1min\", max = \"2h\" }").unwrap();
    for (var, says) in [
        ("{ value = \"c\", one_of = [\"a\", \"b\"] }", "found `c`, want one of a, b"),
        (
            "{ value = \"9s\", type = \"duration\", min = \"1min\" }",
            "found `9s`, want a time, 1min or more",
        ),
        ("{ value = \"9\", type = \"duration\" }", "want a time, as 90s"),
        (
            "{ value = \"abc\", most = 2 }",
            "found 3 characters, want a text of at most 2 characters",
        ),
        ("{ value = \"a\", min = 2 }", "`min` says nothing of a text; remove it"),
        ("{ value = 1, typ = \"text\" }", "did you mean `type`?"),
        ("{ min = 1 }", "missing field `value`"),
    ] {
        let e = declared(var).unwrap_err().to_string();
        assert!(e.contains(says), "{var}: {e}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    /// The order of entries in a file, and of the rows, does not matter; that of the layers does.
    #[test]
    fn the_merged_profile_depends_on_the_documented_order_alone(
        order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle(),
        days in proptest::collection::vec(1_u32..300, 3),
    ) {
        let entries = [
            "[[waive]]\nrule = \"5.3.4\"\nreason = \"r\"\nby = \"b\"\nuntil = \"never\"\n".to_owned(),
            "[[set]]\nrule = \"5.3.22\"\nreason = \"s\"\nwant = [{ sshd = { directive = \"MaxSessions\", \
             value = { number = { min = 1, max = 8, write = 8 } } } }]\n".to_owned(),
            format!("[vars]\npassword_max_days = {}\n", days[0]),
            "[[rule]]\nid = \"site.1\"\ntitle = \"t\"\nrationale = \"r\"\nwant = []\n".to_owned(),
        ];
        let shown = |profile: &Profile| {
            let mut text = String::new();
            for rule in &profile.rules {
                text += &format!("{} {:?} {:?} {:?}\n", rule.id, rule.wants(), rule.disposition(), rule.site.own);
                for waiver in &rule.site.waivers {
                    text += &format!("{:?} {:?} {}\n", waiver.subject, waiver.reason, waiver.until);
                }
            }
            for var in &profile.vars {
                text += &format!("{} {}\n", var.name, var.value);
            }
            text
        };
        let one: String = entries.concat();
        let other: String = order.iter().map(|n| entries[*n].as_str()).collect();
        prop_assert_eq!(shown(&with(&one).unwrap()), shown(&with(&other).unwrap()));
        // As many layers: the last one counts.
        let mut files = table();
        for (number, days) in days.iter().enumerate() {
            let text = format!("[vars]\npassword_max_days = {days}\n");
            files = files.with_layer(format!("{number}.toml"), text);
        }
        let profile = files.parse().unwrap();
        let last = days[2].to_string();
        prop_assert_eq!(var(&profile, "password_max_days"), last.as_str());
    }
}
