//! Tests of `pam_pwquality`.

use super::placement::{SAVED, SEEN};
use super::*;
use crate::check::testing::{self, Run, changed, reasons_on, settled_text, stage};
use crate::check::{Outcome, SubjectKind};
use crate::rootfs::MemoryRootfs;

const WANT: PamPwquality = PamPwquality { retry: 3, minlen: 14, minclass: 4, credits: -1 };
const TOP: &str = "# password\n\n# here are the per-package modules (the \"Primary\" block)\n";
const QUALITY: &str = "password\trequisite\t\t\tpam_pwquality.so retry=3\n";
const UNIX_LINE: &str =
    "password\t[success=1 default=ignore]\tpam_unix.so obscure use_authtok try_first_pass sha512\n";
const REST: &str = "# here's the fallback if no module succeeds\n\
                        password\trequisite\t\t\tpam_deny.so\n\
                        # prime the stack\npassword\trequired\t\t\tpam_permit.so\n\
                        # and here are more per-package modules (the \"Additional\" block)\n\
                        # end of pam-auth-update config\n";
const SAVED_UNIX: &str = "Module: unix\n[success=end default=ignore]\tpam_unix.so obscure sha512\n";
const SAVED_BOTH: &str = "Module: pwquality\nrequisite\t\t\tpam_pwquality.so retry=3\nModule: unix\n\
         [success=end default=ignore]\tpam_unix.so obscure use_authtok try_first_pass sha512\n";

fn stock() -> String {
    format!("{TOP}{QUALITY}{UNIX_LINE}{REST}")
}

/// With the module, without a line for it: as installed when pam-auth-update did not run.
fn initial() -> String {
    format!("{TOP}{}{REST}", UNIX_LINE.replace(" use_authtok try_first_pass", ""))
}

fn root(text: &str) -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/var/lib/dpkg/status", "Package: libpam-pwquality\nStatus: install ok installed\n")
        .file("/lib/x86_64-linux-gnu/security/pam_pwquality.so", "\x7fELF")
        .file(COMMON_PASSWORD, text)
        .file(
            "/usr/share/pam-configs/pwquality",
            "Name: Pwquality\nPassword:\n\trequisite\t\t\tpam_pwquality.so retry=3\n\
                 Password-Initial:\n\trequisite\t\t\tpam_pwquality.so retry=3\n",
        )
        .file(
            "/usr/share/pam-configs/unix",
            "Name: Unix\nPassword:\n\t[success=end default=ignore]\tpam_unix.so obscure \
                 use_authtok try_first_pass sha512\nPassword-Initial:\n\t[success=end \
                 default=ignore]\tpam_unix.so obscure sha512\n",
        )
        .file(SAVED, SAVED_BOTH)
        .file(SEEN, "pwquality\nunix\n")
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    testing::outcome(&WANT, root)
}

fn why(root: &MemoryRootfs) -> String {
    testing::stuck(&WANT, root)
}

#[test]
fn verdicts() {
    for (from, to, want) in [
        ("", "", Outcome::Met),
        ("retry=3", "retry=1 minlen=16 dcredit=-2", Outcome::Met),
        ("requisite\t\t\tpam_pw", "required pam_pw", Outcome::Met),
        ("requisite\t\t\tpam_pw", "[success=ok default=die] pam_pw", Outcome::Met),
        ("retry=3", "retry=3 minclass=4 dcredit=0", Outcome::Met),
        ("retry=3", "retry=3 minclass=0 dcredit=-1 ucredit=-1 lcredit=-1 ocredit=-1", Outcome::Met),
        (" retry=3", "", Outcome::NotMet),
        ("retry=3", "retry=4", Outcome::NotMet),
        ("retry=3", "retry=3 retry=0", Outcome::NotMet),
        ("retry=3", "retry=x", Outcome::NotMet),
        ("retry=3", "# retry=3", Outcome::NotMet),
        ("retry=3", "Retry=3", Outcome::NotMet),
        ("retry=3", "retry=3 minlen=8", Outcome::NotMet),
        ("retry=3", "retry=3 MinLen=8", Outcome::NotMet),
        ("retry=3", "retry=3 minlen=8 minlen=x", Outcome::NotMet),
        ("retry=3", "retry=3 minlen=8 MINLEN=14", Outcome::Met),
        ("retry=3", "retry=3 ENFORCING=0", Outcome::NotMet),
        ("retry=3", "RETRY=3", Outcome::NotMet),
        ("retry=3", "retry=3 ucredit=0", Outcome::NotMet),
        ("retry=3", "retry=3 minclass=3", Outcome::NotMet),
        ("retry=3", "retry=3 enforcing=0", Outcome::NotMet),
        ("requisite\t\t\tpam_pw", "optional pam_pw", Outcome::NotMet),
        ("requisite\t\t\tpam_pw", "sufficient pam_pw", Outcome::NotMet),
        ("requisite\t\t\tpam_pw", "[default=die] pam_pw", Outcome::NotMet),
        ("requisite\t\t\tpam_pw", "[success=1 default=die] pam_pw", Outcome::NotMet),
        ("requisite\t\t\tpam_pw", "[success=ok authtok_err=die] pam_pw", Outcome::Met),
        (
            "requisite\t\t\tpam_pw",
            "[success=ok maxtries=ignore default=die] pam_pw",
            Outcome::NotMet,
        ),
        (" use_authtok", "", Outcome::NotMet),
        ("success=1", "success=3", Outcome::NotMet),
        ("success=1", "success=ok", Outcome::NotMet),
        ("password\trequisite\t\t\tpam_pw", "#password\trequisite\t\t\tpam_pw", Outcome::NotMet),
        ("pam_pwquality.so", "pam_cracklib.so", Outcome::NotMet),
        ("pam_unix.so", "pam_sss.so", Outcome::NotMet),
        (
            "password\trequisite\t\t\tpam_pw",
            "password [success=1 default=ignore] a.so\npassword requisite pam_pw",
            Outcome::NotMet,
        ),
        (
            "password\trequisite\t\t\tpam_pw",
            "password sufficient a.so\npassword requisite pam_pw",
            Outcome::Met,
        ),
        ("requisite\t\t\tpam_pw", "nonsense\t\t\tpam_pw", Outcome::Unknown),
    ] {
        let text = stock().replacen(from, to, 1);
        assert_eq!(outcome(&root(&text)), want, "{text}");
    }
    assert_eq!(outcome(&root(&stock().replace('\n', "\r\n"))), Outcome::Met);
    assert_eq!(outcome(&root("")), Outcome::NotMet);
    assert_eq!(outcome(&root("").without(COMMON_PASSWORD)), Outcome::MetVacuously);
    assert_eq!(outcome(&root("").link(COMMON_PASSWORD, "common-password")), Outcome::Unknown);
}

#[test]
fn words_are_put_right_in_place() {
    let after = |from: &str, to: &str| {
        let text = stock().replacen(from, to, 1);
        (settled_text(&WANT, &root(&text), COMMON_PASSWORD), stock())
    };
    for (from, to, want) in [
        (" retry=3", "", " retry=3"),
        ("retry=3", "retry=9", "retry=3"),
        ("retry=3", "retry=3 minlen=8 difok=2", "retry=3 minlen=14 difok=2"),
        ("retry=3", "retry=3 MINLEN=8 minlen=x", "retry=3 minlen=14 minlen=x"),
        ("retry=3", "retry=3 lcredit=1 enforcing=0", "retry=3 lcredit=-1 enforcing=1"),
        ("requisite\t\t\tpam_pw", "optional\t\t\tpam_pw", "requisite\t\t\tpam_pw"),
        (" use_authtok try_first_pass", "", " use_authtok try_first_pass"),
        (" use_authtok", "", " use_authtok"),
    ] {
        let (got, stock) = after(from, to);
        assert_eq!(got, stock.replacen(from, want, 1), "{to}");
    }
}

#[test]
fn without_the_module_nothing_is_written() {
    let gone = root(&initial()).without("/lib/x86_64-linux-gnu");
    assert_eq!(
        why(&gone),
        "needs package libpam-pwquality, run: chroot ROOT apt-get install libpam-pwquality"
    );
    let dangling = root(&stock()).without("/lib/x86_64-linux-gnu");
    assert!(why(&dangling).starts_with("needs package"));
    let half = root(&initial()).file("/var/lib/dpkg/status", "");
    assert!(why(&half).starts_with("needs package"));
    let merged = root(&stock())
        .without("/lib")
        .link("/lib", "usr/lib")
        .file("/usr/lib/aarch64-linux-gnu/security/pam_pwquality.so", "x");
    assert_eq!(outcome(&merged), Outcome::Met);
}

#[test]
fn the_line_is_put_back_as_pam_auth_update_had_it() {
    let deselected = root(&initial());
    assert_eq!(
        changed(&stage(&WANT, &deselected)),
        [(COMMON_PASSWORD.to_owned(), stock())],
        "it remembers the line"
    );
    let fresh = root(&initial()).file(SAVED, SAVED_UNIX).file(SEEN, "unix\n");
    assert_eq!(
        changed(&stage(&WANT, &fresh)),
        [
            (COMMON_PASSWORD.to_owned(), stock()),
            (SAVED.to_owned(), SAVED_BOTH.to_owned()),
            (SEEN.to_owned(), "unix\npwquality\n".to_owned()),
        ]
    );
    let krb = "password\t[success=2 default=ignore]\tpam_krb5.so\n";
    let text = initial().replace("password\t[success=1", &format!("{krb}password\t[success=1"));
    let saved = SAVED_BOTH.replace(
        "Module: unix",
        "Module: krb5\n[success=end default=ignore]\tpam_krb5.so\nModule: unix",
    );
    let after = settled_text(&WANT, &root(&text).file(SAVED, &saved), COMMON_PASSWORD);
    assert_eq!(
        after,
        stock().replace("password\t[success=1", &format!("{krb}password\t[success=1"))
    );
    let between = SAVED_UNIX.replace(
        "Module: unix",
        "Module: krb5\n[success=end default=ignore]\tpam_krb5.so\nModule: unix",
    );
    let after = settled_text(&WANT, &root(&text).file(SAVED, &between), COMMON_PASSWORD);
    assert!(after.contains(&format!("{}{QUALITY}", krb.replace("=2", "=3"))), "{after}");
}

#[test]
fn what_pam_auth_update_leaves_alone_gets_the_line_in_place() {
    let hand_made = |text: &str, files: &[(&str, &str)]| {
        let root = files.iter().fold(root(text).without(SAVED), |r, (p, t)| r.file(p, *t));
        changed(&stage(&WANT, &root))
    };
    let only = |text: &str| {
        let all = hand_made(text, &[]);
        assert_eq!((all.len(), all[0].0.as_str()), (1, COMMON_PASSWORD), "{text}");
        all[0].1.clone()
    };
    let line = "password\trequisite\t\t\tpam_pwquality.so retry=3\n";
    let vetted = |text: &str| text.replace("pam_unix.so", "pam_unix.so use_authtok try_first_pass");
    let bare = "# ours\npassword required pam_unix.so\n";
    assert_eq!(only(bare), vetted(bare).replace("password", &format!("{line}password")));
    // The marks are there, and a comment between them cut the file off.
    let text = initial().replace("password\t[success", "# note\npassword\t[success");
    let noted = root(&text);
    assert_eq!(
        settled_text(&WANT, &noted, COMMON_PASSWORD),
        stock().replace(QUALITY, &format!("# note\n{QUALITY}"))
    );
    let gap = &testing::gaps(&WANT, &noted)[0];
    let note = gap.evidence.note.as_ref().unwrap().to_string();
    assert!(note.contains("does not take /etc/pam.d/common-password for its own file"), "{note}");
    // Jumps from above skip what they skipped: pam_unix and the end of others.
    let two = "password [success=2 new_authtok_reqd=2 default=ignore] pam_krb5.so\n\
               password [success=1 default=ignore] pam_unix.so\npassword requisite pam_deny.so\n\
               password required pam_permit.so\n";
    let after = vetted(two).replace("success=2", "success=3").replace("reqd=2", "reqd=3");
    let at = after.find("password [success=1").unwrap();
    assert_eq!(only(two), format!("{}{line}{}", &after[..at], &after[at..]));
    // In a file of one's own that is included, with the jumps of the file around it.
    let around = "password [success=2 default=ignore] pam_krb5.so\n@include own\n\
                  password required pam_permit.so\n";
    let own = "password required pam_unix.so\n";
    assert_eq!(
        hand_made(around, &[("/etc/pam.d/own", own)]),
        [
            (COMMON_PASSWORD.to_owned(), around.replace("=2", "=3")),
            ("/etc/pam.d/own".to_owned(), format!("{line}{}", vetted(own))),
        ]
    );
    // A stack of its own counts as one for who jumps over it.
    let around = around.replace("@include", "password substack").replace("=2", "=1");
    assert_eq!(
        hand_made(&around, &[("/etc/pam.d/own", own)]),
        [("/etc/pam.d/own".to_owned(), format!("{line}{}", vetted(own)))]
    );
    let theirs = root("@include own\n")
        .file("/etc/pam.d/own", own)
        .file("/var/lib/dpkg/info/x.list", "/etc/pam.d/own\n");
    assert!(why(&theirs).contains("/etc/pam.d/own belongs to a package"));
}

#[test]
fn a_file_of_pam_auth_update_stays_its_own() {
    let unseen = root(&initial()).without(SEEN);
    assert_eq!(settled_text(&WANT, &unseen, COMMON_PASSWORD), stock());
    // Above the marks it compares nothing.
    let unknown = root(&initial()).file(SAVED, SAVED_UNIX).without("/usr/share/pam-configs");
    let text = settled_text(&WANT, &unknown, COMMON_PASSWORD);
    let block = "# here are the per-package";
    assert_eq!(text, stock().replace(QUALITY, "").replace(block, &format!("{QUALITY}{block}")));
    let linked =
        root("").link(COMMON_PASSWORD, "/usr/share/pam/c").file("/usr/share/pam/c", initial());
    assert!(why(&linked).contains("leads to /usr/share/pam/c"));
}

/// As on AKS's nodes of 18.04: the stack ends with a jump over a module that is not there.
#[test]
fn a_jump_to_nowhere_gets_a_goal() {
    let end = "password\trequisite\t\t\tpam_deny.so\npassword\trequired\t\t\tpam_permit.so\n";
    let aks = format!("{TOP}{QUALITY}{UNIX_LINE}");
    assert_eq!(settled_text(&WANT, &root(&aks), COMMON_PASSWORD), format!("{aks}{end}"));
    // Without vetting: both at once.
    let bare = "password [success=1 default=ignore] pam_unix.so use_authtok try_first_pass";
    assert_eq!(
        settled_text(&WANT, &root(bare), COMMON_PASSWORD),
        format!("{QUALITY}{bare}\n{end}")
    );
    // A denial that is there is not put twice, and a jump too far is shortened.
    let denied = "password requisite pam_deny.so\n";
    let text = format!("{QUALITY}{}{denied}", UNIX_LINE.replace("=1", "=4"));
    assert_eq!(
        settled_text(&WANT, &root(&text), COMMON_PASSWORD),
        format!("{QUALITY}{UNIX_LINE}{denied}{}", end.lines().nth(1).unwrap().to_owned() + "\n")
    );
    let krb = "password [success=2 default=ignore] pam_krb5.so\n";
    let text = format!("{krb}{UNIX_LINE}");
    assert_eq!(
        settled_text(&WANT, &root(&text), COMMON_PASSWORD),
        format!("{}{QUALITY}{UNIX_LINE}{end}", krb.replace("=2", "=3"))
    );
    // What failed is not let through.
    let failing = format!("{QUALITY}{}", UNIX_LINE.replace("default=ignore", "default=2"));
    assert!(why(&root(&failing)).contains("jumps over more modules than follow"));
}

/// Wrong arguments are put right wherever pam-auth-update stands to the file.
#[test]
fn arguments_of_a_diverged_stack_are_put_right() {
    let text = "password requisite pam_pwquality.so minlen=8\n# note\n\
                password required pam_unix.so obscure\n";
    assert_eq!(
        settled_text(&WANT, &root(text).without(SAVED), COMMON_PASSWORD),
        text.replace("minlen=8", "retry=3 minlen=14")
            .replace("obscure", "obscure use_authtok try_first_pass")
    );
}

#[test]
fn a_line_below_is_moved_above() {
    let below = format!("{TOP}{UNIX_LINE}{QUALITY}{REST}");
    assert_eq!(settled_text(&WANT, &root(&below), COMMON_PASSWORD), stock());
    let jumping = below.replace("success=1", "success=2");
    assert_eq!(settled_text(&WANT, &root(&jumping), COMMON_PASSWORD), stock());
    let last = format!("{TOP}{UNIX_LINE}{REST}{}", QUALITY.trim_end());
    assert_eq!(settled_text(&WANT, &root(&last), COMMON_PASSWORD), stock());
    let unknown = root(&last).file(SAVED, SAVED_UNIX);
    let text = settled_text(&WANT, &unknown, COMMON_PASSWORD);
    assert!(text.starts_with(&format!("# password\n\n{QUALITY}# here are")), "{text}");
    let plain =
        "password required pam_unix.so use_authtok\npassword requisite pam_pwquality.so retry=3";
    assert_eq!(
        settled_text(&WANT, &root(plain).without(SAVED), COMMON_PASSWORD),
        "password requisite pam_pwquality.so retry=3\npassword required pam_unix.so use_authtok\n"
    );
    let owned = root(&below).file("/var/lib/dpkg/info/x.list", "/etc/pam.d/common-password\n");
    assert!(why(&owned).contains("/etc/pam.d/common-password belongs to a package"));
    let elsewhere =
        root(&format!("{TOP}{UNIX_LINE}{REST}@include q\n")).file("/etc/pam.d/q", QUALITY);
    assert!(why(&elsewhere).contains("put `password requisite"));
}

#[test]
fn what_is_excluded_stays() {
    let subject =
        |module: &str| Subject::new(SubjectKind::PamModule, format!("common-password:{module}"));
    let (quality, unix) = (subject(MODULE), subject(UNIX));
    let changed_without = |root: &MemoryRootfs, subject: &Subject| {
        let held = root.clone().excluding(subject.clone());
        let texts = changed(&stage(&WANT, &held));
        assert!(reasons_on(&WANT, &held).iter().any(|why| why.contains("is protected in")));
        texts.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
    };
    // Two lines of one file, one text.
    let text = stock().replace("retry=3", "retry=9").replace(" use_authtok", "");
    let both = root(&text);
    assert_eq!(changed_without(&both, &quality), [text.replace("obscure", "obscure use_authtok")]);
    assert_eq!(changed_without(&both, &unix), [text.replace("retry=9", "retry=3")]);
    // A line is put or moved only where neither it nor what must change with it is excluded.
    for text in [initial(), format!("{TOP}{UNIX_LINE}{QUALITY}{REST}")] {
        assert!(changed_without(&root(&text), &quality).is_empty(), "{text}");
    }
    assert!(changed_without(&root(&initial()), &unix).is_empty());
    let krb = "password\t[success=2 default=ignore]\tpam_krb5.so\n";
    let below = format!("{TOP}{krb}{UNIX_LINE}{QUALITY}{REST}");
    let held = root(&below).excluding(subject("pam_krb5.so"));
    for (_, text) in changed(&stage(&WANT, &held)) {
        assert!(text.contains(krb), "{text}");
    }
    // A module that is broken, and mended by the line of another.
    let gone = root(&stock()).without("/lib/x86_64-linux-gnu").excluding(quality);
    assert_eq!(testing::held(&WANT, &gone), 1);
    let denied = root(&stock().replace("success=1", "success=ok")).excluding(unix);
    assert_eq!(testing::held(&WANT, &denied), 1);
}

#[test]
fn a_missing_word_list_is_told() {
    let told = |root: &MemoryRootfs| {
        let Finding::Met(holding) = WANT.audit(root).unwrap() else { panic!("not met") };
        holding.iter().filter(|e| e.path.as_ref().is_some_and(|p| p.to_string() == WORDS)).count()
    };
    let bare = root(&stock());
    assert_eq!(told(&bare), 1);
    assert_eq!(told(&bare.file(WORDS, "words")), 0);
}

#[test]
fn a_stack_that_fails_is_told() {
    let never = stock().replace(
        "password\trequisite\t\t\tpam_pw",
        "password [default=die] a.so\npassword requisite pam_pw",
    );
    assert!(why(&root(&never)).starts_with("the lines before /etc/pam.d/common-password:6 end or"));
    assert!(why(&root(&stock().replace("success=1", "success=ok"))).contains("leads to pam_deny"));
}
