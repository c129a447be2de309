//! Mistakes are found where they stand, and what is right is taken as written.

use std::path::Path;

use super::*;
use crate::check::Check;
use crate::profile::Disposition;

const HEAD: &str = r#"
id = "t"
title = { en = "t", ja = "t" }
source = "test"
[benchmark]
name = "b"
version = "1"
[target]
os = "ubuntu"
version = "18.04"
[[status]]
key = "pass"
word = { en = "pass", ja = "合格" }
enforced = true
[[status]]
key = "fail"
word = { en = "fail", ja = "失敗" }
[[reason]]
key = "none-given"
word = { en = "none given", ja = "記載なし" }
[vars]
asked = "0"
[defaults.sysctl]
file = "/etc/sysctl.d/60-site.conf"
late_file = "/etc/sysctl.d/99-site.conf"
[defaults.mount]
drop_in = "60-site.conf"
"#;

fn load(chapter: &str) -> Result<Profile> {
    ProfileFiles::from_files([("profile.toml", HEAD), ("1.toml", chapter)]).parse()
}

fn rule(extra: &str) -> String {
    format!(
        "[[rule]]\nid = \"3.2.1\"\ntitle = {{ en = \"a\", ja = \"あ\" }}\nlevel = 1\n\
         rationale = {{ en = \"r\", ja = \"理\" }}\n{extra}"
    )
}

#[test]
fn the_embedded_profile_is_well_formed() {
    Profile::embedded().unwrap();
}

#[test]
fn mistakes_name_file_line_and_word() {
    let pass = rule("status = \"pass\"\n");
    let cases = [
        (
            rule("status = \"fail\"\n"),
            "1.toml:6:10: rule 3.2.1 is not enforced (`fail`) and has no `reason`",
        ),
        (
            rule("status = \"pass\"\nseverity = \"critical\"\n"),
            "unknown variant `critical`, expected one of `low`, `medium`, `high`",
        ),
        (
            rule("status = \"pass\"\nrated_by = \"own\"\n"),
            "1.toml:7:12: rule 3.2.1 has `rated_by` and no `severity`; add it",
        ),
        (
            rule("status = \"pass\"\nseverity = \"low\"\nrated_by = \"scap\"\n"),
            "1.toml:8:12: rule 3.2.1 is rated by the SCAP content and names no rule of it",
        ),
        (
            rule("status = \"pass\"\nreferences = { nist = [\"AC-6\", \"AC-6 (1)\"] }\n"),
            "`AC-6 (1)` is not a control of NIST SP 800-53; want AC-6, AC-6(1) or",
        ),
        (
            rule("status = \"pass\"\nreferences = { cis_controls = [21] }\n"),
            "21 is not the number of a CIS Control; want 1 to 20",
        ),
        (
            rule("status = \"pass\"\nreferences = { scap = [\"a b\"] }\n"),
            "`a b` is not the name of a SCAP rule",
        ),
        (rule("status = \"pass\"\nreferences = { iso = [] }\n"), "unknown field `iso`"),
        (format!("{pass}{pass}"), "1.toml:8:6: rule 3.2.1 is there already, at 1.toml:2:6"),
        (
            rule(
                "status = \"fail\"\nreason = \"none-given\"\nwant = [{ sysctl = { key = \"a.b\", value = \"0\" } }]",
            ),
            "such a row is never enforced",
        ),
        (
            rule("status = \"pass\"\nwant = [{ sysctl = { kee = \"a\", value = \"0\" } }]"),
            "unknown field `kee`",
        ),
        (rule("status = \"pass\"\nwant = [{ sysctel = {} }]"), "1.toml:7:11"),
        (
            rule("status = \"passs\"\n"),
            "1.toml:6:10: rule 3.2.1: no status `passs`; `[[status]]` declares: pass, fail",
        ),
        (
            rule("status = \"fail\"\nreason = \"no\"\n"),
            "1.toml:7:10: rule 3.2.1: no reason `no`; `[[reason]]` declares: none-given",
        ),
        (
            rule("status = \"pass\"\norigin = { en = \"o\", ja = \" \" }\n"),
            "1.toml:6:10: rule 3.2.1 has an empty origin; want both languages",
        ),
        (
            rule("status = \"pass\"\nwant = [{ sysctl = { key = \"a\", value = \"${nope}\" } }]"),
            "no var `nope`; the profile has: asked",
        ),
    ];
    for (text, want) in cases {
        let message = load(&text).unwrap_err().to_string();
        assert!(message.contains(want), "want {want:?} in {message}");
    }
}

#[test]
fn a_mistake_in_the_data_of_a_want_has_the_place_of_its_field() {
    let pass = rule("status = \"pass\"\n");
    let wants = |fields: &str| format!("{pass}[[rule.want]]\n{fields}\n");
    let cases = [
        // What the type of a field refuses.
        (
            wants("file_mode = { path = \"/a\", ceiling = \"0688\" }"),
            "1.toml:8:38: ",
            "`0688` is not a mode",
        ),
        (wants("line = { files = [], pattern = \"(\" }"), "1.toml:8:32: ", "unclosed group"),
        // What only several fields together can say.
        (
            wants("account_ageing = { field = \"max\", min = 1,\n  max = 9, write = 10 }"),
            "1.toml:9:20: rule 3.2.1: ",
            "`write`: found 10, want `min` to `max`, 1 to 9",
        ),
        (
            wants("[rule.want.login_defs]\nkey = \"K\"\nnumber = { min = 1, write = 0 }"),
            "1.toml:10:29: rule 3.2.1: ",
            "`number.write`: found 0, want `min` or more, 1",
        ),
        (
            format!(
                "{}{pass}want = [{{ sysctl = {{ key = \"a.b\", value = \"0\" }} }},\n\
                 {{ package = {{ present = [\"a b\"] }} }}]\n",
                rule("status = \"pass\"\n").replace("3.2.1", "1.1")
            ),
            "1.toml:14:25: rule 3.2.1: ",
            "`present`: `a b` is not the name of a package",
        ),
        // No one field is wrong.
        (
            rule(
                "status = \"fail\"\nreason = \"none-given\"\n\
                 observe = [{ mount = { target = \"/tmp\" } }]\n",
            ),
            "1.toml:8:22: rule 3.2.1: ",
            "want one of `option`, `line` and `declared = true`",
        ),
    ];
    for (text, at, want) in cases {
        let message = load(&text).unwrap_err().to_string();
        assert!(message.starts_with(at), "want {at:?} in {message}\n{text}");
        assert!(message.contains(want), "want {want:?} in {message}");
    }
}

/// What is wrong with the embedded profile's head and one more file, `9.toml`, made by `put`.
#[allow(clippy::disallowed_methods)]
fn from_dir_with(put: impl Fn(&Path)) -> String {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("profile.toml"), HEAD).unwrap();
    let at = dir.path().join("9.toml");
    put(&at);
    let message = Profile::from_dir(dir.path()).unwrap_err().to_string();
    message.strip_prefix(&at.display().to_string()).expect("the file is named").to_owned()
}

#[test]
#[allow(clippy::disallowed_methods)]
fn what_is_no_text_file_is_named_and_not_read() {
    use nix::sys::stat::Mode;
    let pipe = from_dir_with(|at| nix::unistd::mkfifo(at, Mode::S_IRWXU).unwrap());
    assert_eq!(pipe, ": found a named pipe, want a regular file; move it away");
    let dir = from_dir_with(|at| std::fs::create_dir(at).unwrap());
    assert_eq!(dir, ": found a directory, want a regular file; move it away");
    let device = from_dir_with(|at| std::os::unix::fs::symlink("/dev/zero", at).unwrap());
    assert_eq!(device, ": found a character device, want a regular file; move it away");
    let gone = from_dir_with(|at| std::os::unix::fs::symlink("nowhere", at).unwrap());
    assert!(gone.starts_with(": cannot read the profile: "), "{gone}");
    let large = from_dir_with(|at| std::fs::write(at, "#".repeat((1 << 20) + 1)).unwrap());
    assert_eq!(large, ": found more than 1048576 bytes; want a smaller file");
    let latin = from_dir_with(|at| std::fs::write(at, b"# a\n# \xe9t\xe9\n").unwrap());
    assert_eq!(latin, ":2: byte 6 is not UTF-8; want a text file");
}

#[test]
fn a_key_of_too_many_parts_is_found() {
    let deep = format!("# 1.2\na{} = 1\n", ".a".repeat(200));
    let message = load(&deep).unwrap_err().to_string();
    let want = "1.toml: recursion limit: a key has too many parts, as perhaps the one in line 2";
    assert!(message.starts_with(want), "{message}");
}

#[test]
fn a_want_is_shown_with_its_defaults_and_without_what_follows_it() {
    let wants = "[[rule.want]]\nsysctl = { key = \"a.b\",\n  file = \"/etc/sysctl.d/x.conf\", value = \"0\" }\n\n# next\n\n";
    let profile = load(&rule(&format!("status = \"pass\"\n{wants}"))).unwrap();
    assert_eq!(
        profile.rules[0].wants,
        ["sysctl = { key = \"a.b\", file = \"/etc/sysctl.d/x.conf\", value = \"0\", \
          late_file = \"/etc/sysctl.d/99-site.conf\" }"]
    );
}

#[test]
fn variables_are_filled_in() {
    let want = "want = [{ sysctl = { key = \"a.b\", value = \"${asked}\" } }]";
    let profile = load(&rule(&format!("status = \"pass\"\n{want}"))).unwrap();
    let Disposition::Enforce(checks) = &profile.rules[0].disposition else { panic!() };
    assert_eq!(format!("{checks:?}").matches("\"0\"").count(), 1, "{checks:?}");
}

#[test]
fn a_want_takes_from_the_defaults_what_it_does_not_say() {
    let sysctl = |fields: &str| {
        let want = format!("want = [{{ sysctl = {{ key = \"a.b\", value = \"0\"{fields} }} }}]");
        let profile = load(&rule(&format!("status = \"pass\"\n{want}"))).unwrap();
        match &profile.rules[0].disposition {
            Disposition::Enforce(checks) => match &checks[..] {
                [Check::Sysctl(want)] => (want.file.to_string(), want.late_file.to_string()),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    };
    let late = "/etc/sysctl.d/99-site.conf".to_owned();
    assert_eq!(sysctl(""), ("/etc/sysctl.d/60-site.conf".to_owned(), late.clone()));
    let own = ", file = \"/etc/sysctl.d/own.conf\"";
    assert_eq!(sysctl(own), ("/etc/sysctl.d/own.conf".to_owned(), late));
}

#[test]
fn mistakes_of_the_head_are_found_where_they_stand() {
    for (old, new, want) in [
        ("late_file", "late_fil", "profile.toml:25:1: unknown field `late_fil`"),
        ("late_file", "late_fil", "unknown field `late_fil`"),
        ("[defaults.sysctl]", "[defaults.sysctel]", "unknown variant `sysctel`"),
        ("/etc/sysctl.d/60-site.conf", "60-site.conf", "profile.toml:24:8: "),
        ("key = \"none-given\"", "key = \"no ne\"", "profile.toml:19:7: `no ne` is not the key"),
        (
            "key = \"fail\"",
            "key = \"pass\"",
            "profile.toml:16:7: status `pass` is declared already",
        ),
        ("ja = \"失敗\"", "ja = \" \"", "profile.toml:16:7: status `fail` has an empty word"),
        (
            "enforced = true",
            "enforce = true",
            "profile.toml:14:1: unknown field `enforce`, expected one of `key`, `word`, `enforced`; did you mean `enforced`?",
        ),
        (
            "[vars]",
            "[chapters]\n1a = { en = \"x\", ja = \"x\" }\n[vars]",
            "`1a` is not a component",
        ),
        (
            "[vars]",
            "[packages]\nprotected = [\"A\"]\n[vars]",
            "profile.toml:22:14: `A` is not a pat",
        ),
        ("[vars]", "[target.versions]\nsystem = \"1\"\n[vars]", "nothing asks for `system`"),
        (
            "[vars]",
            "[target.versions]\nsystemd = \"v1\"\n[vars]",
            "`v1` is not an upstream version",
        ),
    ] {
        assert!(HEAD.contains(old), "{old}");
        let head = HEAD.replacen(old, new, 1);
        let e = ProfileFiles::from_files([("profile.toml", head.as_str())]).parse().unwrap_err();
        assert!(e.to_string().contains(want), "want {want:?} in {e}");
    }
}

#[test]
fn what_a_default_cannot_say_alone_is_found_in_the_head() {
    let mistake = |defaults: &str, want: &str| {
        let head = format!("{HEAD}{defaults}\n");
        let want = rule(&format!("status = \"pass\"\nwant = [{{ {want} }}]"));
        let files = [("profile.toml", head.as_str()), ("1.toml", want.as_str())];
        ProfileFiles::from_files(files).parse().unwrap_err().to_string()
    };
    // Only together with the want's own fields is it wrong.
    let e = mistake("line = \"x /tmp\"", "mount = { target = \"/tmp\" }");
    assert!(e.starts_with("profile.toml:28:8: rule 3.2.1: `line`: "), "{e}");
    assert!(e.contains("is not one line of fstab"), "{e}");
    // A field of a field.
    let e = mistake(
        "[defaults.login_defs]\nnumber = { min = 1, write = 0 }",
        "login_defs = { key = \"K\" }",
    );
    assert!(e.starts_with("profile.toml:29:29: rule 3.2.1: `number.write`: found 0"), "{e}");
    // The want's own field beside a good default.
    let e = mistake("", "mount = { target = \"/tmp\", line = \"x /tmp\" }");
    assert!(e.starts_with("1.toml:7:45: rule 3.2.1: `line`: "), "{e}");
}

#[test]
fn packages_are_not_removed_where_nothing_says_which_are_protected() {
    let want = rule("status = \"pass\"\nwant = [{ package = { absent = [\"nis\"] } }]");
    let e = load(&want).unwrap_err().to_string();
    assert!(e.contains("1.toml:2:6: rule 3.2.1 wants packages away"), "{e}");
    let head = format!("{HEAD}[packages]\nprotected = [\"linux-*\"]\n");
    let files = [("profile.toml", head.as_str()), ("1.toml", want.as_str())];
    let profile = ProfileFiles::from_files(files).parse().unwrap();
    assert_eq!(profile.protected_packages, ["linux-*"]);
}
