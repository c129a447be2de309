use super::*;
use crate::check::Subject;
use crate::consequences::{Consequence, Effect};
use crate::plan::{self, Judged, Serves};
use crate::profile::{Profile, ProfileFiles, Rule};
use crate::rootfs::{Change, MemoryRootfs, StagedRootfs};

fn profile(rules: &str) -> Profile {
    let head = "id = 't'\ntitle = { en = 't', ja = 't' }\nsource = 's'\n\
                benchmark = { name = 'b', version = '1' }\n\
                target = { os = 'ubuntu', version = '18.04' }\n\
                status = [{ key = 'pass', word = { en = 'p', ja = 'p' }, enforced = true }]\n\
                packages = { protected = [] }\n";
    ProfileFiles::from_files([("head", head), ("rules", rules)]).parse().unwrap()
}

fn rule(id: &str, want: &str) -> String {
    format!(
        "[[rule]]\nid = '{id}'\ntitle = {{ en = 'a', ja = 'a' }}\nlevel = 1\n\
         status = 'pass'\nrationale = {{ en = 'a', ja = 'a' }}\n[[rule.want]]\n{want}\n"
    )
}

fn path(text: &str) -> ImagePath {
    ImagePath::parse(text).unwrap()
}

fn id(text: &str) -> RuleId {
    text.parse().unwrap()
}

/// What a stage has more than before it.
fn part(staged: &mut StagedRootfs<'_>, row: &str, change: &Change) -> Part {
    let checkpoint = staged.checkpoint();
    staged.stage(change, &[]).unwrap();
    let since = staged.since(&checkpoint).unwrap();
    Part { rule: id(row), changes: since.into_iter().map(PathChange::of_test).collect() }
}

#[test]
fn a_row_has_what_it_adds_to_the_rows_before_it() {
    let sysctl = |key: &str| {
        format!(
            "sysctl = {{ key = 'net.ipv4.{key}', value = '0', file = '/etc/sysctl.d/x.conf', \
             late_file = '/etc/sysctl.d/zz.conf' }}"
        )
    };
    let rules = [
        rule("1.1", &sysctl("conf.all.send_redirects")),
        rule("1.2", &sysctl("conf.all.accept_redirects")),
        rule("1.3", "file_mode = { path = '/etc/crontab', ceiling = '0600' }"),
        rule("1.4", "file_mode = { path = '/etc/passwd', ceiling = '0644' }"),
    ];
    let profile = profile(&rules.concat());
    let rules: Vec<&Rule> = profile.rules.iter().collect();
    let root = MemoryRootfs::new().file("/etc/crontab", "").file("/etc/passwd", "root:x:0:0::/:\n");
    let plain = plan::plan(&rules, &root).unwrap();
    assert!(plain.parts.is_empty(), "only when it is asked for");
    let plan = plan::plan_in_parts(&rules, &root).unwrap();
    assert_eq!(plan.changes().len(), plain.changes().len());
    let fixes = Fixes::of(&plan, &[]);
    let script = |row: &str| fixes.row(&id(row)).and_then(|fix| fix.script.clone());
    let first = script("1.1").unwrap();
    assert!(first.contains("--- /dev/null\n+++ b/etc/sysctl.d/x.conf\n@@ -0,0 +1 @@\n"), "{first}");
    assert!(first.contains("mkdir -p \"$root\"/etc/sysctl.d\n"), "{first}");
    let second = script("1.2").unwrap();
    assert!(second.contains("--- a/etc/sysctl.d/x.conf\n"), "{second}");
    assert!(second.contains(" net.ipv4.conf.all.send_redirects = 0\n"), "{second}");
    assert!(!second.contains("mkdir") && !second.contains("chmod"), "{second}");
    let third = script("1.3").unwrap();
    let want = "(\nset -eu\nroot=\"${ROOT:-/}\"\nchmod 0600 \"$root\"/etc/crontab\n)\n";
    assert_eq!(third, want);
    assert_eq!(fixes.row(&id("1.4")), None, "it holds");
}

/// Scripts run in the order of rows, so no part may go before one that it was made upon.
#[test]
fn parts_stay_in_their_order() {
    let root = MemoryRootfs::new().file("/etc/x", "0\n");
    let mut staged = StagedRootfs::new(&root);
    let file = path("/etc/x");
    let parts = vec![
        part(&mut staged, "1.1", &Change::write(&file, "1\n")),
        part(&mut staged, "1.2", &Change::write(&file, "2\n")),
        // It held before 1.2 changed the file.
        part(&mut staged, "1.3", &Change::write(&file, "3\n")),
        // In the second pass.
        part(&mut staged, "1.1", &Change::write(&file, "4\n")),
        part(&mut staged, "1.4", &Change::write(&file, "5\n")),
    ];
    let judged = |row: &str, outcome| Judged::nothing(&id(row), outcome);
    let before = vec![
        judged("1.1", Outcome::NotMet),
        judged("1.2", Outcome::NotMet),
        judged("1.3", Outcome::Met),
        judged("1.4", Outcome::NotMet),
    ];
    let after = ["1.1", "1.2", "1.3", "1.4"].map(|row| judged(row, Outcome::Met)).to_vec();
    let mut plan = Plan::unchanged(before, after);
    plan.parts = parts;
    plan.consequences = vec![Consequence {
        effect: Effect::SshLogin,
        subject: Subject::account(b"root"),
        says: Message::value("bob ends, and $6$saltsalt$SECRETSECRET"),
        by: vec![Serves { rule: id("1.4"), subject: Subject::key("x") }],
        named: true,
    }];
    let fixes = Fixes::of(&plan, &[]);
    let steps = |row: &str| -> Vec<String> {
        let fix = fixes.row(&id(row)).and_then(|fix| fix.script.as_deref()).unwrap_or_default();
        fix.lines()
            .filter(|l| l.starts_with(['+', '-']) && l.len() == 2)
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(steps("1.1"), ["-0", "+1"]);
    assert_eq!(steps("1.2"), ["-1", "+2", "-2", "+3", "-3", "+4"]);
    assert_eq!(steps("1.3"), [""; 0]);
    assert_eq!(steps("1.4"), ["-4", "+5"]);
    let ends = |row: &str| fixes.row(&id(row)).map(|fix| fix.ends.clone()).unwrap_or_default();
    assert_eq!(ends("1.4")[0].to_string(), "bob ends, and (hash)");
    assert!(ends("1.1").is_empty());
}

#[test]
fn what_cannot_be_shown_makes_no_script_and_says_why() {
    let root = MemoryRootfs::new()
        .file("/etc/passwd", "a:$6$saltsalt$PLANTEDPLANTED:1:1::/:/bin/sh\n")
        .file("/etc/x", "x\n");
    let mut staged = StagedRootfs::new(&root);
    let passwd = Change::write(&path("/etc/passwd"), "a:x:1:1::/:/bin/sh\n");
    let mut one = part(&mut staged, "1.1", &passwd);
    one.changes.extend(part(&mut staged, "1.1", &Change::write(&path("/etc/x"), "y\n")).changes);
    let failed = vec![Judged::nothing(&id("1.1"), Outcome::NotMet)];
    let mut plan = Plan::unchanged(failed.clone(), failed);
    plan.parts = vec![one];
    let packages = PackageChange {
        names: vec!["telnet".to_owned()],
        want: Presence::Absent,
        before: vec!["prelink".to_owned(), "-ua".to_owned()],
        rules: [id("1.1"), id("1.2")].into(),
    };
    let fixes = Fixes::of(&plan, &[packages]);
    let fix = fixes.row(&id("1.1")).unwrap();
    assert_eq!(fix.script, None, "half of a row is no fix");
    assert!(fix.notes[0].to_string().starts_with("/etc/passwd: the change would show secrets"));
    assert!(!format!("{fixes:?}").contains("PLANTED"));
    let want = "(\nset -eu\nroot=\"${ROOT:-/}\"\nchroot \"$root\" prelink -ua\nchroot \"$root\" env \
                DEBIAN_FRONTEND=noninteractive apt-get --yes purge telnet\n)\n";
    assert_eq!(fixes.row(&id("1.2")).unwrap().script.as_deref(), Some(want));
}

#[test]
fn words_are_what_they_are() {
    assert_eq!(shell::quoted("etc/x.d/a-b_c"), "etc/x.d/a-b_c");
    for (text, want) in [("", "''"), ("a b", "'a b'"), ("$(x)`", "'$(x)`'"), ("it's", r"'it'\''s'")]
    {
        assert_eq!(shell::quoted(text), want);
    }
}

/// The commands that do exactly what changes in `shadow`, or none at all.
#[test]
fn ageing_is_commands() {
    let line = |name: &str, rest: &str| format!("{name}:{rest}\n");
    let old = line("root", "*:1::::::") + &line("bob", "$6$x$SECRET:1:0:99999:7:::");
    let with = |rest: &str| line("root", "*:1::::::") + &line("bob", rest);
    let commands = |new: &str| -> Option<Vec<String>> {
        let steps = shadow::of(old.as_bytes(), new.as_bytes())?;
        let said: Vec<String> = steps
            .iter()
            .map(|step| match step {
                Step::Run { words, .. } => in_the_root(words),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(!said.concat().contains("SECRET"));
        // Their backup is open to nobody to whom the file is not.
        let (backup, said) = said.split_last().unwrap();
        assert_eq!(backup, "chmod g-wx,o-rwx ./etc/shadow-");
        Some(said.to_vec())
    };
    let lock = "usermod -R \"$PWD\" -L bob".to_owned();
    for (new, want) in [
        (
            with("$6$x$SECRET:1:1:365:7:30::"),
            Some(vec!["chage -R \"$PWD\" -m 1 -M 365 -I 30 bob".into()]),
        ),
        (
            with("$6$x$SECRET:2:0::7::9:"),
            Some(vec!["chage -R \"$PWD\" -d 2 -M -1 -E 9 bob".into()]),
        ),
        (with("!$6$x$SECRET:1:0:99999:7:::"), Some(vec![lock.clone()])),
        (
            with("!$6$x$SECRET:1:0:99999:8:::"),
            Some(vec![lock, "chage -R \"$PWD\" -W 8 bob".into()]),
        ),
        // Another password, a field that no command sets, a line that comes or goes, no number.
        (with("!:1:0:99999:7:::"), None),
        (with("$6$x$SECRET:1:0:99999:7:::x"), None),
        (old.clone() + &line("new", "!:1::::::"), None),
        (line("root", "*:1::::::"), None),
        (with("$6$x$SECRET:1:0:x:7:::"), None),
        (old.trim_end().to_owned(), None),
    ] {
        assert_eq!(commands(&new), want, "{new}");
    }
    for name in ["-b", "b b", "b;b", ""] {
        let of = |max: &str| line(name, &format!("x:1:0:{max}:7:::"));
        assert_eq!(shadow::of(of("9").as_bytes(), of("8").as_bytes()), None, "{name}");
    }
    let twice = |max: &str| line("b", &format!("x:1:0:{max}:7:::")) + &line("b", "x:1:0:9:7:::");
    assert_eq!(shadow::of(twice("9").as_bytes(), twice("8").as_bytes()), None);
}

/// What is not asked for is not made; what is asked for changes no verdict.
#[test]
fn a_run_keeps_what_it_is_asked_for() {
    use crate::report::formats::{self, Format, Style};
    use crate::run::{self, Options};
    let profile = Profile::embedded().unwrap();
    let root = MemoryRootfs::new()
        .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
        .file("/etc/shadow", "root:*:1::::::\nbob:$6$salt$SECRETSECRET:1:0:99999:7:::\n")
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\n");
    let (plain, with) = (Options::new(), Options::new().fixes(true));
    let audit = |options| run::audit(&profile, &root, options).unwrap();
    let plan = |options| run::plan(&profile, &root, options).unwrap();
    let (without, audited, planned) = (audit(&plain), audit(&with), plan(&with));
    assert_eq!(without.attached.fixes, Fixes::default());
    assert!(plan(&plain).attached.patch.is_none() && audited.attached.patch.is_none());
    assert_eq!(audited.attached.fixes, planned.attached.fixes, "an audit plans for them");
    assert!(audited.attached.fixes.row(&id("1.1.1.1")).is_some_and(|fix| fix.script.is_some()));
    let json = |report| crate::report::to_json(report).unwrap();
    assert_eq!(json(&without), json(&audited));

    let write = |report, format| formats::write(report, format, Style::default());
    assert!(write(&planned, Format::Patch).is_ok());
    let none = write(&audited, Format::Patch).unwrap_err().to_string();
    assert!(none.contains("gokaku plan --format patch"), "{none}");
    assert!(write(&audited, Format::Intoto).unwrap_err().to_string().contains("--subject"));
    for format in Format::ALL {
        let text = write(&planned, format).unwrap_or_default();
        assert!(!text.contains("SECRET"), "{format:?}");
    }
}
