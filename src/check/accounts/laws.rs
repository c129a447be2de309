//! Laws that every rule about accounts keeps, on generated images: it never panics, its changes
//! close what they were made for, doing it twice is nothing, no change lets anybody in, and what is
//! excluded stays while the rest is changed as ever.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::testing::{Run, Scene, changed_lines, outcome, stage, want};
use crate::check::{Audit, Options, Outcome, Subject, SubjectKind};
use crate::message::Message;
use crate::plan::plan;
use crate::profile::{ProfileFiles, Rule};
use crate::rootfs::{
    Change, ImagePath, MemoryRootfs, NewFile, NodeBody, Rootfs, StagedRootfs, Stat,
};
use crate::text::accounts::{Layout, PASSWORD, SHELL, members, parse};

/// Every rule about accounts of the profile.
const WANTS: &[&str] = &[
    "account_ageing = { field = \"min\", min = 1, write = 1 }",
    "account_ageing = { field = \"max\", min = 1, max = 365, write = 365 }",
    "account_ageing = { field = \"warn\", min = 7, write = 7 }",
    "account_ageing = { field = \"inactive\", min = 0, max = 30, write = 30 }",
    "past_password_changes = {}",
    "system_accounts = { no_login_shells = ['/usr/sbin/nologin', '/bin/false'] }",
    "root_group = {}",
    "shadowed_passwords = {}",
    "no_empty_passwords = {}",
    "primary_groups = {}",
    "home_exists = {}",
    "home_owner = {}",
    "home_mode = { ceiling = \"0750\" }",
    "home_dot_files = {}",
    "home_file_absent = { name = \".netrc\" }",
    "root_only_superuser = {}",
    "account_unique = { field = \"uid\" }",
    "account_unique = { field = \"gid\" }",
    "account_unique = { field = \"user_name\" }",
    "account_unique = { field = \"group_name\" }",
    "empty_group = { name = \"shadow\" }",
];

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// Lines of fields, some of them odd.
fn lines(fields: Vec<BoxedStrategy<&'static str>>) -> impl Strategy<Value = String> {
    let odd =
        one_of(&["", "# note", "+::::::", "-x", "a", " root:x:0:0:::", "::::::", "b\u{0}:::"]);
    let line = fields.prop_map(|fields| fields.join(":"));
    let line = prop_oneof![8 => line, 1 => odd.prop_map(str::to_owned)];
    let end = one_of(&["\n", "\n", "\n", "\r\n", "\n\n"]);
    proptest::collection::vec((line, end), 0..9).prop_map(|lines| {
        let text: String = lines.into_iter().map(|(line, end)| line + end).collect();
        // Now and then without a line feed at the end.
        if text.len().is_multiple_of(3) { text.trim_end().to_owned() } else { text }
    })
}

fn name() -> BoxedStrategy<&'static str> {
    one_of(&["root", "bob", "eve", "daemon", "_apt", "shadow", "git"]).boxed()
}

fn password() -> BoxedStrategy<&'static str> {
    one_of(&["x", "x", "", "*", "!", "!$6$a", "$6$a", "$6$b"]).boxed()
}

fn id() -> BoxedStrategy<&'static str> {
    one_of(&["0", "00", "1", "42", "999", "1000", "1001", "60001", "", "-1"]).boxed()
}

fn passwd() -> impl Strategy<Value = String> {
    let homes = one_of(&[
        "/root",
        "/home/bob",
        "/home/eve",
        "/home",
        "/",
        "",
        "..",
        "/home/../x",
        "/home/bob/in",
        "/link",
        "/loop",
        "/mnt/x",
    ]);
    let shell = one_of(&["/bin/sh", "", "/usr/sbin/nologin", "/bin/false", "/bin/bash"]);
    let full_name = one_of(&["", "B"]).boxed();
    lines(vec![name(), password(), id(), id(), full_name, homes.boxed(), shell.boxed()])
}

fn shadow() -> impl Strategy<Value = String> {
    let days = || one_of(&["", "0", "1", "7", "90", "400", "99999", "-1", "a"]).boxed();
    let changed = one_of(&["", "0", "18000", "99999"]).boxed();
    let none = || Just("").boxed();
    lines(vec![name(), password(), changed, days(), days(), days(), days(), none(), none()])
}

fn group() -> impl Strategy<Value = String> {
    lines(vec![name(), password(), id(), one_of(&["", "bob", "bob,eve", ","]).boxed()])
}

fn gshadow() -> impl Strategy<Value = String> {
    let list = || one_of(&["", "bob", "bob,eve"]).boxed();
    lines(vec![name(), password(), list(), list()])
}

fn images() -> impl Strategy<Value = Scene> {
    let modes = proptest::sample::select(vec![0o700u32, 0o750, 0o755, 0o777]);
    let fstab = one_of(&["", "x /home ext4", "x /mnt nfs", "x /mnt ext4"]);
    (passwd(), shadow(), group(), gshadow(), modes, 0u32..3, fstab, any::<bool>()).prop_map(
        |(passwd, shadow, group, gshadow, mode, owner, fstab, protect)| {
            let root = MemoryRootfs::new()
                .file("/etc/passwd", passwd)
                .file("/etc/shadow", shadow)
                .file("/etc/group", group)
                .file("/etc/gshadow", gshadow)
                .file("/etc/fstab", fstab)
                .file_with("/usr/sbin/nologin", "", 0o755, 0, 0)
                .dir("/root", mode, 0, 0)
                .dir("/home/bob", mode, 999 + owner, 0)
                .file_with("/home/bob/.rc", "", 0o666, 999 + owner, 0)
                .link("/link", "/home/bob")
                .link("/loop", "loop");
            if protect { root.protecting("bob") } else { root.scene() }
        },
    )
}

/// The wants as rules of a profile, in the order of [`WANTS`].
fn rules() -> Vec<Rule> {
    let head = "id = \"t\"\ntitle = { en = \"t\", ja = \"t\" }\nsource = \"t\"\n\
        [benchmark]\nname = \"t\"\nversion = \"1\"\n[target]\nos = \"t\"\nversion = \"1\"\n\
        [[status]]\nkey = \"pass\"\nword = { en = \"p\", ja = \"p\" }\nenforced = true\n";
    let rule = |(at, words): (usize, &&str)| {
        format!(
            "[[rule]]\nid = \"6.2.{at}\"\ntitle = {{ en = \"t{at}\", ja = \"t{at}\" }}\n\
             rationale = {{ en = \"t\", ja = \"t\" }}\nlevel = 1\nstatus = \"pass\"\n\
             want = [{{ {words} }}]\n"
        )
    };
    let chapter: String = WANTS.iter().enumerate().map(rule).collect();
    let profile = ProfileFiles::from_files([("profile.toml", head), ("6.toml", &chapter)]).parse();
    profile.unwrap().rules
}

/// The names that may log in with a password, or without one.
fn who_gets_in(root: &dyn Rootfs) -> BTreeSet<(Vec<u8>, bool)> {
    let read = |path: &str| root.read_bytes(&ImagePath::parse(path).unwrap(), 1 << 20).unwrap();
    let (passwd, shadow) = (read("/etc/passwd").unwrap(), read("/etc/shadow").unwrap());
    let (users, secrets) = (parse(&passwd, Layout::Passwd), parse(&shadow, Layout::Shadow));
    let mut seen = BTreeSet::new();
    let mut open = BTreeSet::new();
    for user in &users.entries {
        if !seen.insert(user.name()) || user.field(SHELL).ends_with(b"nologin") {
            continue;
        }
        let secret = secrets.entries.iter().find(|s| s.name() == user.name());
        let field = match (user.field(PASSWORD), secret) {
            (b"x", Some(secret)) => secret.field(PASSWORD),
            (b"x", None) => b"!",
            (field, _) => field,
        };
        if !matches!(field.first(), Some(b'!' | b'*')) {
            open.insert((user.name().to_vec(), field.is_empty()));
        }
    }
    open
}

/// Subjects, each excluded of all rows or of one, by its place in [`WANTS`].
fn excluded() -> impl Strategy<Value = Vec<(Subject, Option<usize>)>> {
    let account = one_of(&["root", "bob", "eve", "daemon", "_apt", "git"])
        .prop_map(|name| Subject::account(name.as_bytes()));
    let place = one_of(&["/root", "/home/bob", "/home/bob/.rc", "/home/eve"])
        .prop_map(|path| Subject::new(SubjectKind::Path, path));
    let subject = prop_oneof![2 => account, 1 => place];
    let row = proptest::option::weighted(0.7, 0..WANTS.len());
    proptest::collection::vec((subject, row), 1..4)
}

/// Everything in a tree that a row could change about a subject.
fn about(root: &dyn Rootfs, subject: &Subject) -> Vec<String> {
    if subject.kind == SubjectKind::Path {
        let stat = root.stat(&ImagePath::parse(&subject.value).unwrap()).unwrap();
        return vec![format!("{:?}", stat.map(|s| (s.kind, s.mode, s.uid, s.gid)))];
    }
    let name = subject.value.as_bytes();
    let mut all = Vec::new();
    for file in ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow"] {
        let text = root.read_bytes(&ImagePath::parse(file).unwrap(), 1 << 20).unwrap().unwrap();
        for line in text.split(|b| *b == b'\n') {
            let fields: Vec<&[u8]> = line.split(|b| *b == b':').collect();
            let said = || String::from_utf8_lossy(line).into_owned();
            if !file.ends_with("group") && !file.ends_with("gshadow") {
                if fields[0] == name {
                    all.push(said());
                }
                continue;
            }
            let lists = fields.iter().enumerate().skip(2);
            let with_it = lists.filter(|(_, list)| members(list).any(|member| member == name));
            all.extend(with_it.map(|(field, _)| {
                format!("{file} {} {field}", String::from_utf8_lossy(fields[0]))
            }));
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Of all rows: what is about the subject stays. Of one row: it is as if that row were not
    /// there for the subject. Either way the rest is as if nothing were excluded.
    #[test]
    fn an_exclusion_spares_its_subject_and_nothing_else(
        scene in images(), excluded in excluded(),
    ) {
        let (root, all) = (&scene.root, rules());
        let planned = |without: &dyn Fn(usize) -> bool, options: &Options| {
            let rows: Vec<_> =
                all.iter().enumerate().filter(|(at, _)| !without(*at)).map(|(_, r)| r).collect();
            let plan = plan(&rows, Audit::new(root, options)).unwrap();
            StagedRootfs::with(root, plan.nodes())
        };
        let mut options = Options::default();
        for (subject, row) in &excluded {
            let cause = || Message::value("a test");
            match row {
                None => options.exclusions.exclude(subject.clone(), cause()),
                Some(at) => options.exclusions.exclude_of(&all[*at].id, subject.clone(), cause()),
            }
        }
        let spared = planned(&|_| false, &options);
        for (subject, _) in &excluded {
            let of_row = |at| {
                excluded.iter().any(|(s, row)| s == subject && row.is_none_or(|row| row == at))
            };
            let want = planned(&of_row, &Options::default());
            prop_assert_eq!(about(&spared, subject), about(&want, subject), "{}", subject);
        }
        let free = planned(&|_| false, &Options::default());
        for name in ["root", "bob", "eve", "daemon", "_apt", "git"] {
            let subject = Subject::account(name.as_bytes());
            if excluded.iter().all(|(s, _)| *s != subject) {
                prop_assert_eq!(about(&spared, &subject), about(&free, &subject), "{}", subject);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn changes_close_what_they_were_made_for_and_let_nobody_in(scene in images()) {
        let before = who_gets_in(&scene.root);
        for words in WANTS {
            let want = want(words);
            let want = want.primitive();
            let audit = Audit::from(&scene);
            // `stage` fails when a change does not close its gap, or asks for another one.
            let staged = stage(want, &scene);
            let after = who_gets_in(&staged);
            prop_assert!(after.is_subset(&before), "{}: {:?} after {:?}", words, after, before);
            let again = stage(want, audit.on(&staged));
            prop_assert!(changed_lines(&again).is_empty(), "{}: {:?}", words, changed_lines(&again));
            if outcome(want, audit) == Outcome::Met {
                prop_assert!(changed_lines(&staged).is_empty(), "{}", words);
            }
            let lines = changed_lines(&staged);
            let spared = lines.iter().filter_map(|line| line.strip_prefix("-bob:")).all(|rest| {
                lines.contains(&format!("+bob:{rest}")) // a line feed was missing
            });
            let protected = audit.excluded(&Subject::account(b"bob")).is_some();
            prop_assert!(spared || !protected, "{}: a protected account: {:?}", words, lines);
        }
    }

    #[test]
    fn all_together_settle_and_a_second_plan_is_empty(scene in images()) {
        let (root, audit) = (&scene.root, Audit::from(&scene));
        let rules = rules();
        let rules: Vec<_> = rules.iter().collect();
        let first = plan(&rules, audit).unwrap();
        let mut staged = StagedRootfs::new(root);
        for change in first.changes() {
            let Some(after) = &change.after else { continue };
            let path = change.path.clone();
            let Stat { mode, uid, gid, .. } = after.stat;
            let create = NewFile { mode, uid, gid };
            let step = match &after.body {
                NodeBody::File(Some(content)) => {
                    Change::Write { path, content: content.to_vec(), create }
                }
                NodeBody::Dir if change.before.is_none() => Change::MakeDir { path, create },
                _ => Change::set_stat(&path, Some(mode), Some(uid), Some(gid)),
            };
            staged.stage(&step, &[]).unwrap();
        }
        prop_assert!(who_gets_in(&staged).is_subset(&who_gets_in(root)));
        prop_assert!(plan(&rules, audit.on(&staged)).unwrap().changes().is_empty());
    }

    #[test]
    fn any_bytes_are_judged(
        passwd in any::<Vec<u8>>(), shadow in any::<Vec<u8>>(), group in any::<Vec<u8>>(),
        fstab in any::<Vec<u8>>(), defs in any::<Vec<u8>>(),
    ) {
        let root = MemoryRootfs::new()
            .file("/etc/passwd", passwd)
            .file("/etc/shadow", shadow)
            .file("/etc/group", group)
            .file("/etc/fstab", &fstab)
            .file("/etc/auto.master", &fstab)
            .file("/etc/systemd/system/a.mount", &fstab)
            .file("/etc/login.defs", defs);
        for words in WANTS {
            stage(want(words).primitive(), &root);
        }
    }
}
