//! The law that no plan makes an effective value looser than it was, by the order of tightness that
//! each primitive states: on every tree of `tests/cases/` for its own row, and for all rows together on
//! some of these and on trees that are tighter than any row wants.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod support;

use std::collections::{BTreeMap, BTreeSet};

use gokaku::check::{Audit, Check, Options, PRIMITIVES};
use gokaku::plan;
use gokaku::profile::{Disposition, Profile, Rule};
use gokaku::rootfs::{FileKind, ImagePath, MemoryRootfs, Rootfs};

/// What a row wants, or what is observed of it.
fn wants(rule: &Rule) -> &[Check] {
    match rule.disposition() {
        Disposition::Enforce(wants) => wants,
        Disposition::LeaveAlone { observe, .. } => observe,
    }
}

/// The name of a want's primitive.
fn primitive(check: &Check) -> String {
    let shown = format!("{check:?}");
    let end = shown.find('(').unwrap();
    shown[..end].to_owned()
}

/// Whether both states can be judged; what cannot is not changed either.
fn is_known(check: &Check, audit: &Audit<'_>) -> bool {
    check.primitive().find(audit).is_ok()
}

/// The values of `rules` that are looser after a plan of `planned` rows.
fn looser(
    planned: &[&Rule],
    rules: &[&Rule],
    root: &MemoryRootfs,
    options: &Options,
) -> Vec<String> {
    let before = Audit::new(root, options);
    let plan = plan::plan(planned, before).unwrap();
    let result = root.clone().changed(plan.nodes());
    let after = before.on(&result);
    let mut out = Vec::new();
    for rule in rules {
        for want in wants(rule).iter().filter(|want| is_known(want, &before)) {
            let all = want.primitive().looser(&before, &after);
            out.extend(all.unwrap().into_iter().map(|l| format!("{}: {l:?}", rule.id)));
        }
    }
    out
}

#[test]
fn no_row_loosens_what_it_is_about() {
    let profile = Profile::embedded().unwrap();
    let base = support::base();
    let mut faults = Vec::new();
    for (id, cases) in support::all() {
        let rule = profile.rule(&id.parse().unwrap()).unwrap();
        for case in cases {
            let found = looser(&[rule], &[rule], &case.tree(&base), &case.options());
            faults.extend(found.into_iter().map(|f| format!("{id}: {}: {f}", case.name)));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A path, a mode and a text.
type TightFile = (&'static str, u32, &'static str);

/// Files that are tighter than rows want, where something else is to be changed or not.
const TIGHTER: &[(&str, &[TightFile])] = &[
    (
        "sshd, with a block for all connections",
        &[(
            "/etc/ssh/sshd_config",
            0o400,
            "UsePAM yes\nPermitRootLogin no\nMatch Group sftponly\n  ChrootDirectory /srv/sftp\n  \
             ForceCommand internal-sftp\nMatch all\nLogLevel VERBOSE\nLoginGraceTime 20\n\
             MaxSessions 2\nMaxAuthTries 2\nCiphers aes256-gcm@openssh.com\nAllowUsers ubuntu\n",
        )],
    ),
    (
        "sshd, some algorithms of which are weak, and a block",
        &[(
            "/etc/ssh/sshd_config",
            0o600,
            "Ciphers aes256-ctr,3des-cbc\nMACs hmac-sha1,hmac-sha2-512\nMaxAuthTries 9\n\
             KexAlgorithms curve25519-sha256\nDenyUsers root guest\nDenyGroups games\n\
             Match User ubuntu\n  MaxAuthTries 1\n  MaxSessions 1\n  PermitRootLogin yes\n",
        )],
    ),
    (
        "defaults of new accounts",
        &[
            (
                "/etc/login.defs",
                0o600,
                "PASS_MAX_DAYS 60\nPASS_MIN_DAYS 5\nPASS_WARN_AGE 14\nUMASK 077\nUSERGROUPS_ENAB yes\n\
                 UID_MIN 1000\nUID_MAX 60000\n",
            ),
            ("/etc/default/useradd", 0o600, "INACTIVE=7\n"),
        ],
    ),
    (
        "a umask of the site's own, in the main file",
        &[("/etc/profile", 0o644, "umask 077\nfor i in /etc/profile.d/*.sh; do . $i; done\n")],
    ),
    (
        "a umask of the site's own beside a loose one",
        &[
            ("/etc/profile", 0o644, "for i in /etc/profile.d/*.sh; do . $i; done\n"),
            ("/etc/profile.d/a.sh", 0o644, "umask 022\n"),
            ("/etc/profile.d/b.sh", 0o644, "umask 077\n"),
        ],
    ),
    (
        "passwords, by a drop-in",
        &[
            ("/etc/security/pwquality.conf", 0o600, "# minlen = 8\n"),
            ("/etc/security/pwquality.conf.d/site.conf", 0o600, "minlen = 24\ndcredit = -2\n"),
            (
                "/etc/pam.d/common-password",
                0o644,
                "password requisite pam_pwquality.so retry=1 minlen=24 ucredit=0\n\
                 password required pam_unix.so use_authtok\n",
            ),
            ("/lib/x86_64-linux-gnu/security/pam_pwquality.so", 0o644, "ELF"),
        ],
    ),
    (
        "logs",
        &[
            (
                "/etc/rsyslog.conf",
                0o600,
                "module(load=\"imuxsock\")\nmodule(load=\"imklog\")\n$FileCreateMode 0600\n\
                 *.*;mail.none -/var/log/all\n$FileCreateMode 0644\nmail.* /var/log/mail\n\
                 $IncludeConfig /etc/rsyslog.d/*.conf\n",
            ),
            ("/etc/rsyslog.d/50-default.conf", 0o600, ""),
        ],
    ),
    (
        "mounts",
        &[(
            "/etc/fstab",
            0o600,
            "LABEL=root / ext4 defaults 0 0\ntmpfs /dev/shm tmpfs nosuid,nodev,noexec 0 0\n\
             tmpfs /tmp tmpfs noexec 0 0\nLABEL=home /home ext4 nosuid 0 0\n",
        )],
    ),
    (
        "limits, of everybody and of some",
        &[(
            "/etc/security/limits.conf",
            0o600,
            "* hard core 0\nubuntu hard core 0\n@adm - core 9\n",
        )],
    ),
    (
        "time",
        &[
            (
                "/etc/ntp.conf",
                0o600,
                "driftfile /var/lib/ntp/ntp.drift\npool pool.example.org iburst\n\
                 restrict default ignore\nrestrict -6 default limited nomodify\nrestrict 127.0.0.1\n",
            ),
            (
                "/var/lib/dpkg/status",
                0o644,
                "Package: ntp\nStatus: install ok installed\nVersion: 1:4.2\nArchitecture: amd64\n\n\
                 Package: libpam-pwquality\nStatus: install ok installed\nVersion: 1.4.0-2\n\
                 Architecture: amd64\n",
            ),
        ],
    ),
    ("texts", &[("/etc/issue", 0o600, "Ours\n\\l\n"), ("/etc/issue.net", 0o400, "Ours\n")]),
];

/// The base tree with one of these; without its name, with all.
fn tighter(name: Option<&str>) -> MemoryRootfs {
    let mut root = support::base();
    for (_, files) in TIGHTER.iter().filter(|(n, _)| name.is_none_or(|name| name == *n)) {
        for (path, mode, text) in *files {
            root = root.file_with(path, *text, *mode, 0, 0);
        }
    }
    root
}

/// The same tree, all files and directories of /etc and all homes closed to everybody but their owner.
fn closed(root: MemoryRootfs) -> MemoryRootfs {
    let mut out = root.clone();
    let mut todo = vec!["/etc".to_owned(), "/home".to_owned(), "/root".to_owned()];
    while let Some(dir) = todo.pop() {
        let at = ImagePath::parse(&dir).unwrap();
        for name in root.list(&at).unwrap().unwrap_or_default().iter() {
            let path = at.join(name).unwrap();
            let stat = root.stat(&path).unwrap().unwrap();
            match stat.kind {
                FileKind::File => {
                    let text = root.read_bytes(&path, u64::MAX).unwrap().unwrap();
                    let (uid, gid) = (stat.uid, stat.gid);
                    out = out.file_with(&path.to_string(), &*text, stat.mode & 0o700, uid, gid);
                }
                FileKind::Dir => {
                    let mode = stat.mode & 0o700;
                    out = out.dir(&path.to_string(), mode, stat.uid, stat.gid);
                    todo.push(path.to_string());
                }
                _ => {}
            }
        }
    }
    out
}

#[test]
fn all_rows_together_loosen_nothing() {
    const THREADS: usize = 4;
    let some = |first: usize| {
        let profile = Profile::embedded().unwrap();
        let enforced: Vec<&Rule> = profile.rules.iter().filter(|r| r.is_enforced()).collect();
        let all: Vec<&Rule> = profile.rules.iter().collect();
        let base = support::base();
        let mut trees: Vec<(String, MemoryRootfs, Options)> = Vec::new();
        let mut add = |name: &str, root| trees.push((name.to_owned(), root, Options::default()));
        for (name, _) in TIGHTER {
            add(name, tighter(Some(name)));
        }
        add("all of them", tighter(None));
        add("closed", closed(support::base()));
        add("all of them, closed", closed(tighter(None)));
        let cases = support::all();
        let wrong = cases.iter().flat_map(|(id, cases)| cases.iter().map(move |c| (id, c)));
        let wrong = wrong.filter(|(_, c)| c.outcome() == "not_met -> met");
        for (id, case) in wrong.step_by(8) {
            trees.push((format!("{id}: {}", case.name), case.tree(&base), case.options()));
        }
        let found = |(name, root, options): &(String, MemoryRootfs, Options)| {
            let found = looser(&enforced, &all, root, options);
            found.into_iter().map(|f| format!("{name}: {f}")).collect::<Vec<_>>()
        };
        trees.iter().skip(first).step_by(THREADS).flat_map(found).collect::<Vec<_>>()
    };
    let faults = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || some(first))).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Primitives whose values are more or less tight, and not only right or wrong.
const LEVELS: [&str; 16] = [
    "AccountAgeing",
    "Banner",
    "DefaultUmask",
    "FileMode",
    "HomeDotFiles",
    "HomeMode",
    "Limits",
    "LoginDefs",
    "Mount",
    "NtpConf",
    "PamPwquality",
    "Pwquality",
    "RsyslogCreateMode",
    "RsyslogRouting",
    "Sshd",
    "UseraddDefault",
];

/// An order that sees nothing would break no law: the other way round, what a plan has tightened is
/// looser, for each primitive that a plan serves.
#[test]
fn each_order_sees_what_a_plan_tightens() {
    let profile = Profile::embedded().unwrap();
    let base = support::base();
    let (mut changed, mut seen, mut levels) =
        (BTreeMap::<String, usize>::new(), BTreeSet::new(), BTreeSet::new());
    for (id, cases) in support::all() {
        let rule = profile.rule(&id.parse().unwrap()).unwrap();
        for case in cases.iter().filter(|c| c.outcome() == "not_met -> met") {
            let (root, options) = (case.tree(&base), case.options());
            let before = Audit::new(&root, &options);
            let result = root.clone().changed(plan::plan(&[rule], before).unwrap().nodes());
            let after = before.on(&result);
            for want in wants(rule) {
                let name = primitive(want);
                if want.primitive().find(&before).unwrap() == want.primitive().find(&after).unwrap()
                {
                    continue;
                }
                let back = want.primitive().looser(&after, &before).unwrap();
                *changed.entry(name.clone()).or_default() += 1;
                if !back.is_empty() {
                    seen.insert(name.clone());
                }
                if back.iter().any(|l| l.before != "right") {
                    levels.insert(name);
                }
            }
        }
    }
    let known: BTreeSet<String> = PRIMITIVES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(changed.keys().all(|name| known.contains(name)) && changed.len() > 25, "{changed:?}");
    let blind: Vec<_> = changed.keys().filter(|name| !seen.contains(*name)).collect();
    assert!(blind.is_empty(), "they see nothing: {blind:?}");
    let told: BTreeSet<String> = LEVELS.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(levels, told);
}
