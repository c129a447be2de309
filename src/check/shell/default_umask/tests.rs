use super::*;
use crate::check::testing::{self, Run, changed, fixes, gaps, parse, stage};
use crate::check::{Outcome, SubjectKind};
use crate::rootfs::MemoryRootfs;

const FILE: &str = "/etc/profile.d/zz-cis.sh";
const STOCK: &str = "# umask 022\nif [ -d /etc/profile.d ]; then\n  for i in /etc/profile.d/*.sh; do\n\
                     \x20   if [ -r $i ]; then\n      . $i\n    fi\n  done\n  unset i\nfi\n";

fn want() -> DefaultUmask {
    parse(&format!("{{ umask = \"027\", file = \"{FILE}\" }}")).unwrap()
}

fn root(profile: &str) -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/var/lib/dpkg/status", "")
        .dir(DIR, 0o755, 0, 0)
        .file(PROFILE, profile)
        .file(BASHRC, "[ -z \"$PS1\" ] && return\nshopt -s checkwinsize\n")
}

fn stock() -> MemoryRootfs {
    root(STOCK)
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    testing::outcome(&want(), root)
}

fn why(root: &MemoryRootfs) -> String {
    testing::stuck(&want(), root)
}

#[test]
fn profile_fields() {
    for bad in [
        "umask = \"27\", file = \"/etc/profile.d/zz-cis.sh\"",
        "umask = \"028\", file = \"/etc/profile.d/zz-cis.sh\"",
        "umask = \"01777\", file = \"/etc/profile.d/zz-cis.sh\"",
        "umask = \"027\", file = \"/etc/profile.d/umask.sh\"",
        "umask = \"027\", file = \"/etc/profile.d/zz-cis\"",
        "umask = \"027\", file = \"/etc/zz-cis.sh\"",
        "umask = \"027\"",
    ] {
        assert!(parse::<DefaultUmask>(&format!("{{ {bad} }}")).is_err(), "{bad}");
    }
}

#[test]
fn verdicts() {
    let snippet = |text: &str| stock().file("/etc/profile.d/x.sh", text);
    for (text, want) in [
        ("umask 027\n", Outcome::Met),
        ("umask 077", Outcome::Met),
        ("umask u=rwx,g=rx,o=\n", Outcome::Met),
        ("  umask\t0027 # tight\n", Outcome::Met),
        ("umask 027\numask 077\n", Outcome::Met),
        ("(umask 022; x)\numask 027\n", Outcome::Met),
        ("", Outcome::NotMet),
        ("# umask 027\n", Outcome::NotMet),
        ("umasks 027\n", Outcome::NotMet),
        ("UMASK 027\n", Outcome::NotMet),
        ("umask 022\n", Outcome::NotMet),
        ("umask 022\numask 027\n", Outcome::NotMet),
        ("umask 027\numask 022\n", Outcome::NotMet),
        ("[ x ] && umask 027\n", Outcome::NotMet),
        ("umask 027\nif x; then umask 002; fi\n", Outcome::NotMet),
        ("umask $M\n", Outcome::NotMet),
        ("umask 027\numask $M\n", Outcome::Unknown),
        ("umask 027\r\n", Outcome::NotMet),
    ] {
        assert_eq!(outcome(&snippet(text)), want, "{text:?}");
    }
    assert_eq!(outcome(&root(&format!("umask 027\n{STOCK}"))), Outcome::Met);
    assert_eq!(
        outcome(&root(&format!("umask 022\n{STOCK}")).file(FILE, "umask 027\n")),
        Outcome::NotMet
    );
    // A script that may end before it reads the others: theirs holds in some shells only.
    for before in ["[ -z \"$PS1\" ] && return\n", "if x; then\n  return\nfi\n", "exec sh\n"] {
        let early = root(&format!("{before}{STOCK}")).file(FILE, "umask 027\n");
        assert_eq!(outcome(&early), Outcome::NotMet, "{before:?}");
        assert!(why(&early).contains("might not be reached"));
    }
    let late = root(&format!("{STOCK}[ -z \"$PS1\" ] && return\n"));
    assert_eq!(outcome(&late.file(FILE, "umask 027\n")), Outcome::Met);
    let function = root(&format!("f() {{ return; }}\n{STOCK}"));
    assert_eq!(outcome(&function.file(FILE, "umask 027\n")), Outcome::Met);
    assert_eq!(outcome(&stock().file("/etc/profile.d/x.csh", "umask 027\n")), Outcome::NotMet);
    assert_eq!(outcome(&stock().file("/etc/profile.d/.x.sh", "umask 027\n")), Outcome::NotMet);
    assert_eq!(outcome(&stock().file(BASHRC, "umask 027\n")), Outcome::NotMet, "bash's alone");
    assert_eq!(outcome(&stock().link(PROFILE, "profile")), Outcome::Unknown);
    assert_eq!(outcome(&stock().file(FILE, b"umask 027\numask \xff\n")), Outcome::Unknown);
    let elsewhere = b"# \xff\nX=\xff\numask 027 # \xff\n";
    assert_eq!(outcome(&stock().file(FILE, elsewhere)), Outcome::Met);
}

#[test]
fn our_script_is_written_when_nothing_sets_it() {
    let staged = stock();
    let staged = stage(&want(), &staged);
    assert_eq!(changed(&staged), [(FILE.to_owned(), "umask 027\n".to_owned())]);
    let stat = staged.stat(&ImagePath::parse(FILE).unwrap()).unwrap().unwrap();
    assert_eq!((stat.mode, stat.uid, stat.gid), (0o644, 0, 0));

    let there = stock().file(FILE, "# ours\nexport A=b");
    assert_eq!(changed(&stage(&want(), &there))[0].1, "# ours\nexport A=b\numask 027\n");
    assert!(why(&stock().file(FILE, "return\n")).contains("might not be reached"));
    assert!(why(&stock().link(FILE, "/usr/share/x")).contains("leads to /usr/share/x"));

    let plain = root("PATH=/bin\n");
    assert_eq!(
        changed(&stage(&want(), &plain)),
        [(PROFILE.to_owned(), "PATH=/bin\numask 027\n".to_owned())]
    );
    assert!(why(&stock().without(PROFILE)).contains("restore it"));
}

#[test]
fn looser_values_are_replaced_where_they_stand() {
    let branches = "if [ $UID -gt 199 ]; then\n    umask 002 # group\nelse\n    umask 022\nfi\n";
    let tight = branches.replace("002", "027").replace("022", "027");
    let all = root(&format!("{branches}{STOCK}"))
        .file(BASHRC, branches)
        .file("/etc/profile.d/site.sh", branches);
    assert_eq!(
        changed(&stage(&want(), &all)),
        [
            (BASHRC.to_owned(), tight.clone()),
            (PROFILE.to_owned(), format!("{tight}{STOCK}")),
            ("/etc/profile.d/site.sh".to_owned(), tight),
            (FILE.to_owned(), "umask 027\n".to_owned()),
        ]
    );
    let once = stock().file("/etc/profile.d/a.sh", "umask 022\n");
    assert_eq!(
        changed(&stage(&want(), &once)),
        [("/etc/profile.d/a.sh".to_owned(), "umask 027\n".to_owned())]
    );
    let owned = stock()
        .file("/etc/profile.d/a.sh", "umask 022\n")
        .file(FILE, "umask 027\n")
        .file("/var/lib/dpkg/info/a.list", "/etc/profile.d/a.sh\n");
    assert!(why(&owned).starts_with("/etc/profile.d/a.sh belongs to a package"));
    let linked = stock()
        .file(FILE, "umask 027\n")
        .file("/usr/share/a.sh", "umask 022\n")
        .link("/etc/profile.d/a.sh", "/usr/share/a.sh");
    assert!(why(&linked).contains("leads to /usr/share/a.sh"));
    let many = stock().file(FILE, "umask 022\n".repeat(50_000));
    assert_eq!(fixes(&want().audit(&many).unwrap()).len(), 1);
}

#[test]
fn what_is_excluded_stays() {
    let path = |path: &str| Subject::path(&ImagePath::parse(path).unwrap());
    let loose = stock()
        .file("/etc/profile.d/a.sh", "umask 022\numask 002\n")
        .file("/etc/profile.d/b.sh", "umask 022\n");
    let changed = |scene: &testing::Scene| changed(&stage(&want(), scene));
    let held = loose.clone().excluding(path("/etc/profile.d/a.sh"));
    assert_eq!(changed(&held), [("/etc/profile.d/b.sh".to_owned(), "umask 027\n".to_owned())]);
    assert_eq!(testing::held(&want(), &held), 2);
    // What an excluded script does not set, another one must.
    let held = held.excluding(path("/etc/profile.d/b.sh"));
    assert_eq!(changed(&held), [(FILE.to_owned(), "umask 027\n".to_owned())]);
    let umask = Subject::key("umask");
    for subject in [umask.clone(), path(FILE)] {
        let held = stock().excluding(subject);
        assert!(changed(&held).is_empty());
        assert_eq!(testing::held(&want(), &held), 1);
        assert_eq!(gaps(&want(), &held)[0].subject, umask);
    }
    let held = root("PATH=/bin\n").excluding(path(PROFILE));
    assert!(changed(&held).is_empty());
    assert_eq!(testing::held(&want(), &stock().without(PROFILE).excluding(umask)), 1);
    let session = stock()
        .file(FILE, "umask 027\n")
        .file(SESSIONS[1], "session optional pam_umask.so umask=022\n")
        .excluding(Subject::new(
            SubjectKind::PamModule,
            "common-session-noninteractive:pam_umask.so",
        ));
    assert_eq!(testing::held(&want(), &session), 1);
}

#[test]
fn login_defs_will_do_where_pam_takes_it_as_it_is() {
    const TIGHT: &str = "UMASK 027\nUSERGROUPS_ENAB no\n";
    const LINE: &str = "session optional pam_umask.so\n";
    let root = |defs: &str, line: &str| stock().file(LOGIN_DEFS, defs).file(SESSIONS[0], line);
    for (defs, line, want) in [
        (TIGHT, LINE, Outcome::Met),
        ("UMASK\t077\nUSERGROUPS_ENAB\tno\n", LINE, Outcome::Met),
        ("UMASK 022\nUSERGROUPS_ENAB no\n", LINE, Outcome::NotMet),
        ("UMASK 027\nUMASK 022\nUSERGROUPS_ENAB no\n", LINE, Outcome::NotMet),
        ("UMASK 027\nUSERGROUPS_ENAB yes\n", LINE, Outcome::NotMet),
        ("UMASK 027\n", LINE, Outcome::NotMet),
        ("UMASK 027 # x\nUSERGROUPS_ENAB no # x\n", LINE, Outcome::NotMet),
        (TIGHT, "", Outcome::NotMet),
        (TIGHT, "# session optional pam_umask.so\n", Outcome::NotMet),
        (TIGHT, "session optional pam_umask.so usergroups\n", Outcome::NotMet),
        (TIGHT, "session optional pam_umask.so umask=027\n", Outcome::NotMet),
    ] {
        assert_eq!(outcome(&root(defs, line)), want, "{defs}{line}");
    }
    // Sessions that do not ask it, or ask for a value of their own.
    for (service, want) in [
        ("session include common-session\n", Outcome::Met),
        ("auth required pam_unix.so\n", Outcome::NotMet),
        (
            "session include common-session\nsession optional pam_umask.so umask=022\n",
            Outcome::NotMet,
        ),
        ("session [default=done] pam_permit.so\nsession include common-session\n", Outcome::NotMet),
    ] {
        let root = root(TIGHT, LINE).file(LOGINS[1], service);
        assert_eq!(outcome(&root), want, "{service}");
    }
    // An account's own.
    for (comment, want) in [
        ("Bob,,,", Outcome::Met),
        ("Bob,umask=077", Outcome::Met),
        ("Bob,UMASK=022", Outcome::NotMet),
        ("umask=0", Outcome::NotMet),
        ("noumask=0", Outcome::Met),
    ] {
        let account = format!("bob:x:1000:1000:{comment}:/home/bob:/bin/sh\n");
        let root = root(TIGHT, LINE).file("/etc/passwd", account);
        assert_eq!(outcome(&root), want, "{comment}");
    }
    let loosened = root(TIGHT, LINE).file("/etc/profile.d/x.sh", "umask 022\n");
    assert_eq!(outcome(&loosened), Outcome::NotMet, "a shell may still loosen it");
}

#[test]
fn what_pam_sets() {
    let good = stock().file(FILE, "umask 027\n");
    let session = |line: &str| {
        good.clone().file(SESSIONS[0], format!("session optional pam_umask.so {line}\n"))
    };
    for (line, want) in [
        ("", Outcome::Met),
        ("umask=0027 usergroups", Outcome::Met),
        ("umask=077", Outcome::Met),
        ("umask=x", Outcome::Met),
        ("umask=022", Outcome::NotMet),
        ("# umask=022", Outcome::Met),
    ] {
        assert_eq!(outcome(&session(line)), want, "{line}");
    }
    assert!(why(&session("umask=022")).contains("overrides /etc/login.defs"));
    let Finding::Met(evidence) = want().audit(&session("")).unwrap() else { panic!() };
    assert_eq!(
        evidence[1].found.as_ref().map(ToString::to_string).as_deref(),
        Some("session optional pam_umask.so")
    );
    assert_eq!(outcome(&good.file(SESSIONS[1], "session what\n")), Outcome::Unknown);
}
