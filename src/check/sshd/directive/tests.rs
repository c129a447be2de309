use super::super::config::MAIN;
use super::super::testing::{
    BIONIC, BOOKWORM, BULLSEYE, KEPT, excluding, image, look, main_after, notes, outlook, reasons,
    repaired, settle_files, want,
};
use crate::check::{Check, Finding, Outcome, Subject};
use crate::rootfs::MemoryRootfs;
use crate::text::Lines;
use proptest::prelude::*;

const ROOT_LOGIN: &str = r#"directive = "PermitRootLogin", value = { one_of = ["no"] }"#;
const LOG_LEVEL: &str = r#"directive = "LogLevel", value = { one_of = ["INFO", "VERBOSE"] }"#;
const TRIES: &str =
    r#"directive = "MaxAuthTries", value = { number = { min = 1, max = 4, write = 4 } }"#;
const SESSIONS: &str =
    r#"directive = "MaxSessions", value = { number = { min = 0, max = 10, write = 10 } }"#;
const GRACE: &str =
    r#"directive = "LoginGraceTime", value = { seconds = { min = 1, max = 60, write = 60 } }"#;
const PAM: &str = r#"directive = "UsePAM", value = { one_of = ["yes"] }"#;
const BANNER: &str = r#"directive = "Banner", value = { existing_file = "/etc/issue.net" }"#;
const CIPHERS: &str = r#"directive = "Ciphers", value = { algorithms = ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr"] }"#;
const SIX: &str = "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr";
const MACS: &str = r#"directive = "MACs", value = { algorithms = ["hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512", "hmac-sha2-256"] }"#;
const KEX: &str = r#"directive = "KexAlgorithms", value = { algorithms = ["curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group14-sha256", "ecdh-sha2-nistp256"] }"#;

fn outcome(spec: &str, root: &MemoryRootfs) -> Outcome {
    look(&want(spec), root).outcome()
}

#[test]
fn no_file_is_nothing_to_judge() {
    let root = MemoryRootfs::new().file("/var/lib/dpkg/status", "");
    assert_eq!(outcome(ROOT_LOGIN, &root), Outcome::MetVacuously);
    assert!(notes(&look(&want(ROOT_LOGIN), &root)).contains("absent"));
}

#[test]
fn what_is_right_stays() {
    for (spec, line) in [
        (ROOT_LOGIN, "PermitRootLogin no"),
        (ROOT_LOGIN, "  permitrootlogin\t=\"No\" # why"),
        (ROOT_LOGIN, "PermitRootLogin no\r"),
        (LOG_LEVEL, "LogLevel VERBOSE"),
        (LOG_LEVEL, "LogLevel info"),
        (TRIES, "MaxAuthTries 2"),
        (TRIES, "MaxAuthTries 4x"),
        (SESSIONS, "MaxSessions 0"),
        (GRACE, "LoginGraceTime 30s"),
        (GRACE, "LoginGraceTime 1m"),
        (PAM, "UsePAM yes"),
        (BANNER, "Banner \"/etc//issue.net\""),
        (CIPHERS, "Ciphers aes256-ctr,aes128-ctr"),
        (CIPHERS, "Ciphers -aes192-ctr"),
        (CIPHERS, "Ciphers +aes192-ctr"),
        (MACS, "MACs -*sha1*,umac-*"),
    ] {
        for text in [format!("{line}\n"), line.to_owned(), format!("{line}\n{line}\n")] {
            let finding = look(&want(spec), &image(BIONIC, &text));
            let Finding::Met(evidence) = &finding else { panic!("{text}: {finding:?}") };
            assert_eq!(evidence[0].line, Some(1), "{text}");
            assert!(evidence[0].found.is_some() && evidence[0].want.is_some(), "{text}");
        }
    }
}

/// Text before, text after.
fn becomes(spec: &str, version: &str, before: &str, after: &str) {
    let got = main_after(&want(spec), &image(version, before));
    assert_eq!(got, after, "{spec} from {before:?}");
}

#[test]
fn what_is_wrong_is_put_right() {
    for (spec, before, after) in [
        (ROOT_LOGIN, "", "PermitRootLogin no\n"),
        (ROOT_LOGIN, "Port 22", "Port 22\nPermitRootLogin no\n"),
        (ROOT_LOGIN, "Port 22\r\n", "Port 22\r\nPermitRootLogin no\r\n"),
        (ROOT_LOGIN, "PermitRootLogin yes", "PermitRootLogin no"),
        (ROOT_LOGIN, "PermitRootLogin yes\r\n", "PermitRootLogin no\r\n"),
        (ROOT_LOGIN, "PermitRootLogin prohibit-password\n", "PermitRootLogin no\n"),
        (ROOT_LOGIN, " permitrootlogin = yes\n", " PermitRootLogin no\n"),
        (ROOT_LOGIN, "PermitRootLogin yes # why\n", "# why\nPermitRootLogin no\n"),
        (ROOT_LOGIN, "# PermitRootLogin no\n", "# PermitRootLogin no\nPermitRootLogin no\n"),
        (
            ROOT_LOGIN,
            "#PermitRootLogin yes\n#Other\n",
            "#PermitRootLogin yes\nPermitRootLogin no\n#Other\n",
        ),
        (
            ROOT_LOGIN,
            "PermitRootLogin yes\nPermitRootLogin yes\n",
            "PermitRootLogin no\n# gokaku: PermitRootLogin yes\n",
        ),
        (
            ROOT_LOGIN,
            "PermitRootLogin yes\nPermitRootLogin no\n",
            "# gokaku: PermitRootLogin yes\nPermitRootLogin no\n",
        ),
        (
            ROOT_LOGIN,
            "PermitRootLogin no\nPermitRootLogin yes\n",
            "PermitRootLogin no\n# gokaku: PermitRootLogin yes\n",
        ),
        (
            LOG_LEVEL,
            "LogLevel QUIET\nLogLevel VERBOSE\n",
            "# gokaku: LogLevel QUIET\nLogLevel VERBOSE\n",
        ),
        (TRIES, "MaxAuthTries 6\n", "MaxAuthTries 4\n"),
        (TRIES, "MaxAuthTries 0\n", "MaxAuthTries 4\n"),
        (TRIES, "MaxAuthTries abc\n", "MaxAuthTries 4\n"),
        (TRIES, "MaxAuthTries\n", "MaxAuthTries 4\n"),
        (TRIES, "MaxAuthTries 3 4\n", "MaxAuthTries 4\n"),
        (GRACE, "LoginGraceTime 0\n", "LoginGraceTime 60\n"),
        (GRACE, "LoginGraceTime 1m30s\n", "LoginGraceTime 60\n"),
        (GRACE, "LoginGraceTime none\n", "LoginGraceTime 60\n"),
        (PAM, "UsePAM YES\n", "UsePAM yes\n"),
        (BANNER, "Banner none\n", "Banner /etc/issue.net\n"),
        (BANNER, "Banner /etc/issue.network\n", "Banner /etc/issue.net\n"),
        (BANNER, "Banner /etc/issue.net#x\n", "Banner /etc/issue.net#x\n"),
    ] {
        becomes(spec, BIONIC, before, after);
    }
    becomes(BANNER, BOOKWORM, "Banner /etc/issue.net#x\n", "Banner /etc/issue.net\n");
    becomes(GRACE, BOOKWORM, "LoginGraceTime 59s1s\n", "LoginGraceTime 59s1s\n");
}

#[test]
fn new_lines_stand_above_all_blocks() {
    let block = "Match User x\n  X11Forwarding no\n";
    becomes(PAM, BIONIC, &format!("Port 22\n{block}"), &format!("Port 22\nUsePAM yes\n{block}"));
    // A sample below the block is not the place.
    let late = format!("{block}#UsePAM yes\n");
    becomes(PAM, BIONIC, &late, &format!("UsePAM yes\n{late}"));
    let stock = "# about\n\nInclude /etc/ssh/sshd_config.d/*.conf\n\n#LogLevel INFO\n";
    let want =
        "# about\n\nLogLevel INFO\nInclude /etc/ssh/sshd_config.d/*.conf\n\n#LogLevel INFO\n";
    becomes(LOG_LEVEL, BULLSEYE, stock, want);
}

#[test]
fn blocks_do_not_loosen() {
    becomes(
        ROOT_LOGIN,
        BIONIC,
        "PermitRootLogin no\nMatch User x\n\tPermitRootLogin yes\n\tPermitRootLogin yes\n",
        "PermitRootLogin no\nMatch User x\n\tPermitRootLogin no\n# gokaku: \tPermitRootLogin yes\n",
    );
    becomes(
        TRIES,
        BIONIC,
        "MaxAuthTries 4\nMatch User x\nMaxAuthTries 3\nMaxAuthTries 9\nMatch User y\nMaxAuthTries 1\n",
        "MaxAuthTries 4\nMatch User x\nMaxAuthTries 3\n# gokaku: MaxAuthTries 9\nMatch User y\nMaxAuthTries 1\n",
    );
    // `Match all` applies to all, and may hold what other blocks may not.
    becomes(
        PAM,
        BIONIC,
        "UsePAM yes\nMatch all\nUsePAM no\n",
        "UsePAM yes\nMatch all\nUsePAM yes\n",
    );
    becomes(
        ROOT_LOGIN,
        BIONIC,
        "Match User x\nPermitRootLogin no\nMatch all\nPermitRootLogin no\n",
        "Match User x\nPermitRootLogin no\nMatch all\nPermitRootLogin no\n",
    );
    // A wrong value there is put right in place, not outweighed from above.
    becomes(
        TRIES,
        BIONIC,
        "Match User x\nBanner none\nMatch all\nMaxAuthTries 9\nMaxAuthTries 2\n",
        "Match User x\nBanner none\nMatch all\n# gokaku: MaxAuthTries 9\nMaxAuthTries 2\n",
    );
    becomes(
        TRIES,
        BIONIC,
        "Match all\nMaxAuthTries 9\nMatch all\nMaxAuthTries 8\n",
        "Match all\nMaxAuthTries 4\nMatch all\nMaxAuthTries 4\n",
    );
    // Elsewhere it makes sshd refuse the file.
    becomes(
        PAM,
        BIONIC,
        "UsePAM yes\nMatch User x\nUsePAM yes\n",
        "UsePAM yes\nMatch User x\n# gokaku: UsePAM yes\n",
    );
    let finding = look(
        &want(ROOT_LOGIN),
        &image(BIONIC, "PermitRootLogin no\nMatch User x\nPermitRootLogin yes\n"),
    );
    let Finding::NotMet { gaps, holding } = finding else { panic!("{finding:?}") };
    assert_eq!((gaps.len(), gaps[0].evidence.line), (1, Some(3)));
    assert!(gaps[0].evidence.note.as_ref().unwrap().to_string().contains("overrides"));
    assert_eq!(holding[0].line, Some(1), "what is stated is shown too");
}

#[test]
fn included_files() {
    let main = "Include d/*\n#LogLevel x\nLogLevel INFO\n";
    let check = want(LOG_LEVEL);
    let root = image(BULLSEYE, main).file("/etc/ssh/d/a", "Port 22\nLogLevel DEBUG # x\n");
    let a = ("/etc/ssh/d/a".to_owned(), "Port 22\n# gokaku: LogLevel DEBUG # x\n".to_owned());
    assert_eq!(
        settle_files(&check, &root),
        std::slice::from_ref(&a),
        "the main file's own line is next"
    );
    let root =
        image(BULLSEYE, "Include d/*\n").file("/etc/ssh/d/a", "Port 22\nLogLevel DEBUG # x\n");
    let main = (MAIN.to_owned(), "LogLevel INFO\nInclude d/*\n".to_owned());
    assert_eq!(settle_files(&check, &root), [a, main]);
    // What is right there stays, also stricter; so does what follows and is wrong, as a comment.
    let root = image(BULLSEYE, "Include d/*\nLogLevel QUIET\n")
        .file("/etc/ssh/d/a", "LogLevel VERBOSE\nMatch User x\nLogLevel FATAL\n");
    let files = settle_files(&check, &root);
    assert_eq!(files[0].1, "LogLevel VERBOSE\nMatch User x\n# gokaku: LogLevel FATAL\n");
    assert_eq!(files[1].1, "Include d/*\n# gokaku: LogLevel QUIET\n");
    // A link inside /etc is followed.
    let root = image(BULLSEYE, "Include d/*\n")
        .link("/etc/ssh/d/a", "../real")
        .file("/etc/ssh/real", "LogLevel QUIET\n");
    assert_eq!(settle_files(&check, &root)[0].0, "/etc/ssh/real");
}

#[test]
fn what_lies_outside_etc_is_not_edited() {
    let check = want(LOG_LEVEL);
    let root = image(BULLSEYE, "Include /usr/share/x\nLogLevel INFO\n")
        .file("/usr/share/x", "LogLevel QUIET\n");
    let (files, finding) = repaired(&check, &root);
    assert_eq!(reasons(&finding).len(), 1, "{finding:?}");
    assert!(reasons(&finding)[0].contains("/usr/share/x:1 is outside /etc"));
    let main = "LogLevel INFO\nInclude /usr/share/x\n# gokaku: LogLevel INFO\n";
    assert_eq!(files, [(MAIN.to_owned(), main.to_owned())], "the right value wins all the same");

    let linked = MemoryRootfs::new()
        .link(MAIN, "/usr/share/sshd_config")
        .file("/usr/share/sshd_config", "LogLevel QUIET\n");
    let (files, finding) = repaired(&check, &linked);
    assert!(files.is_empty() && !reasons(&finding).is_empty(), "{finding:?}");
    let inside = image(BIONIC, "").without(MAIN).link(MAIN, "real").file("/etc/ssh/real", "");
    assert_eq!(settle_files(&check, &inside)[0].0, "/etc/ssh/real");
}

#[test]
fn a_file_that_sshd_refuses_meets_nothing() {
    let check = want(ROOT_LOGIN);
    // Somebody else's line: nothing is changed.
    let root = image(BIONIC, "PermitRootLogin yes\nNonsense 1\n");
    let (files, finding) = repaired(&check, &root);
    assert!(files.is_empty(), "{files:?}");
    let reasons_given = reasons(&finding).join("; ");
    assert!(reasons_given.contains("/etc/ssh/sshd_config:2 ("), "{reasons_given}");
    let right = image(BIONIC, "PermitRootLogin no\nInclude /etc/ssh/x\n");
    let finding = look(&check, &right);
    assert_eq!(reasons(&finding).len(), 1, "7.6 refuses an Include: {finding:?}");
    assert_eq!(
        outcome(ROOT_LOGIN, &image(BULLSEYE, "PermitRootLogin no\nInclude /etc/ssh/x\n")),
        Outcome::Met
    );
    // A line that another rule repairs: ours goes on, and holds once that is done.
    let root = image(BIONIC, "PermitRootLogin yes\nUsePAM maybe\n");
    let (files, finding) = repaired(&check, &root);
    assert_eq!(files[0].1, "PermitRootLogin no\nUsePAM maybe\n");
    assert!(reasons(&finding)[0].contains("the rule about UsePAM repairs it"), "{finding:?}");
    assert_eq!(
        main_after(&want(PAM), &image(BIONIC, &files[0].1)),
        "PermitRootLogin no\nUsePAM yes\n"
    );
}

#[test]
fn algorithms_keep_their_order() {
    becomes(CIPHERS, BIONIC, "", &format!("Ciphers {SIX}\n"));
    for (before, after) in [
        ("aes128-ctr,3des-cbc,aes256-ctr", "aes128-ctr,aes256-ctr"),
        ("aes128-ctr,arcfour", "aes128-ctr"),
        ("aes128-ctr, aes256-ctr", "aes128-ctr"),
        (
            "+3des-cbc",
            "chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com",
        ),
        ("3des-cbc", SIX),
        ("-*", SIX),
        ("AES128-CTR", SIX),
    ] {
        becomes(CIPHERS, BIONIC, &format!("Ciphers {before}\n"), &format!("Ciphers {after}\n"));
    }
    becomes(
        CIPHERS,
        BIONIC,
        "Ciphers ^aes256-ctr\n",
        "Ciphers aes256-ctr,chacha20-poly1305@openssh.com,aes128-ctr,aes192-ctr,aes128-gcm@openssh.com,aes256-gcm@openssh.com\n",
    );
    becomes(CIPHERS, BULLSEYE, "Ciphers ^aes256-ctr\n", "Ciphers ^aes256-ctr\n");
    becomes(KEX, BULLSEYE, "KexAlgorithms -*nistp*,*group*\n", "KexAlgorithms -*nistp*,*group*\n");
    becomes(
        KEX,
        BOOKWORM,
        "KexAlgorithms -*nistp*,*group*\n",
        "KexAlgorithms curve25519-sha256,curve25519-sha256@libssh.org\n",
    );
}

#[test]
fn the_fips_build_gets_what_it_takes() {
    let fips = "1:7.9p1-10~ubuntu18.04.fips.0.2";
    becomes(KEX, fips, "", "KexAlgorithms diffie-hellman-group14-sha256,ecdh-sha2-nistp256\n");
    becomes(CIPHERS, fips, &format!("Ciphers {SIX}\n"), &format!("Ciphers {}\n", &SIX[30..]));
    let only =
        want(r#"directive = "KexAlgorithms", value = { algorithms = ["curve25519-sha256"] }"#);
    let (files, finding) = repaired(&only, &image(fips, ""));
    assert!(files.is_empty());
    assert!(reasons(&finding)[0].contains("accepts none of the allowed values of KexAlgorithms"));
}

#[test]
fn remarks() {
    let said = |spec: &str, line: &str| notes(&look(&want(spec), &image(BIONIC, line)));
    assert!(said(CIPHERS, "Ciphers aes256-gcm@openssh.com\n").contains("Packer cannot connect"));
    assert!(!said(CIPHERS, "Ciphers aes256-ctr\n").contains("Packer"));
    assert!(said(SESSIONS, "MaxSessions 1\n").contains("Ansible"));
    assert!(said(SESSIONS, "MaxSessions 0\n").contains("no shell"));
    let unknown = MemoryRootfs::new().file(MAIN, "MaxSessions 5\n");
    assert!(notes(&look(&want(SESSIONS), &unknown)).contains("assumed"));
    let note = |spec: &str, text: &str| match look(&want(spec), &image(BIONIC, text)) {
        Finding::NotMet { gaps, .. } => {
            gaps[0].evidence.note.as_ref().map(ToString::to_string).unwrap_or_default()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(note(SESSIONS, ""), "not stated outside Match blocks; the default, 10, complies");
    assert!(note(MACS, "").to_string().ends_with("does not comply"));
    assert_eq!(note(GRACE, "LoginGraceTime 1m30s\n"), "sshd reads 1860");
    assert!(note(CIPHERS, "Ciphers +3des-cbc\n").to_string().starts_with("stands for chacha20"));
    assert_eq!(note(CIPHERS, "Ciphers -*\n"), "stands for nothing");
}

#[test]
fn the_banner_must_be_there() {
    let root = image(BIONIC, "Banner /etc/issue.net\n");
    assert_eq!(outcome(BANNER, &root), Outcome::Met);
    for root in [
        root.clone().without("/etc/issue.net"),
        root.clone().without("/etc/issue.net").dir("/etc/issue.net", 0o755, 0, 0),
        root.clone().without("/etc/issue.net").link("/etc/issue.net", "nowhere"),
    ] {
        let (files, finding) = repaired(&want(BANNER), &root);
        assert!(files.is_empty());
        assert!(reasons(&finding)[0].contains("no banner"), "{finding:?}");
    }
    let looped = root.without("/etc/issue.net").link("/etc/issue.net", "issue.net");
    assert!(want(BANNER).primitive().audit(&looped).is_err());
}

#[test]
fn the_command_line_comes_first() {
    let root = |opts: &str| {
        image(BIONIC, "PermitRootLogin no\n")
            .file("/etc/default/ssh", format!("SSHD_OPTS=\"{opts}\"\n"))
    };
    let found = |opts: &str| reasons(&look(&want(ROOT_LOGIN), &root(opts))).join("; ");
    assert_eq!(found(""), "");
    assert_eq!(found("-u0 -oPermitRootLogin=no -f /etc/ssh/sshd_config"), "");
    assert_eq!(found("-oUsePAM=no"), "");
    assert!(
        found("-o permitrootlogin=yes")
            .contains("`permitrootlogin=yes` from SSHD_OPTS in /etc/default/ssh:1")
    );
    assert!(found("-f /etc/other").contains("instead of /etc/ssh/sshd_config"));
}

#[test]
fn large_files_are_judged_in_time() {
    let lines = "PermitRootLogin yes # x\nMatch User a\nPermitRootLogin yes # y\n".repeat(10_000);
    let (files, finding) = repaired(&want(ROOT_LOGIN), &image(BULLSEYE, &lines));
    assert_eq!(finding.outcome(), Outcome::Met);
    assert_eq!(files.len(), 1);
    let wide = format!("Ciphers {}aes256-ctr\n", "x,".repeat(1 << 20));
    assert_eq!(main_after(&want(CIPHERS), &image(BULLSEYE, &wide)), "Ciphers aes256-ctr\n");
}

#[test]
fn gaps_are_about_what_they_name() {
    let subjects = |spec: &str, root: &MemoryRootfs| match look(&want(spec), root) {
        Finding::NotMet { gaps, .. } => gaps.iter().map(|gap| gap.subject.to_string()).collect(),
        other => panic!("{other:?}"),
    };
    let of = |spec: &str, text: &str| -> Vec<String> { subjects(spec, &image(BIONIC, text)) };
    assert_eq!(of(ROOT_LOGIN, ""), ["directive PermitRootLogin"]);
    assert_eq!(of(ROOT_LOGIN, "permitrootlogin yes\n"), ["directive PermitRootLogin"]);
    assert_eq!(
        of(ROOT_LOGIN, "PermitRootLogin no\nusepam maybe\nNonsense 1\n"),
        ["directive UsePAM", "directive Nonsense"]
    );
    let long = format!("#{}\nPermitRootLogin no\n", "x".repeat(5000));
    assert_eq!(of(ROOT_LOGIN, &long), ["line /etc/ssh/sshd_config:1"]);
    let no_banner = image(BIONIC, "Banner /etc/issue.net\n").without("/etc/issue.net");
    let given = no_banner.file("/etc/default/ssh", "SSHD_OPTS='-f /x -oBanner=none'\n");
    assert_eq!(
        subjects(BANNER, &given),
        ["path /etc/default/ssh", "directive Banner", "path /etc/issue.net"]
    );
}

#[test]
fn what_is_excluded_stays() {
    let text = "PermitRootLogin yes\nInclude d/*\nMaxAuthTries 9\n";
    let root = || {
        image(BULLSEYE, text)
            .file("/etc/ssh/d/a", "PermitRootLogin yes\n")
            .file("/etc/default/ssh", "SSHD_OPTS='-oPermitRootLogin=yes'\n")
    };
    let scene = excluding(root(), &[Subject::directive("PermitRootLogin")]);
    let (files, open) = outlook(ROOT_LOGIN, &scene);
    assert_eq!(files, []);
    assert_eq!(open, vec![format!("directive PermitRootLogin: {KEPT}"); 3]);
    // Another row still changes the same file, and a bad line that is kept is named.
    let (files, open) = outlook(TRIES, &scene);
    assert_eq!(files, [(MAIN.to_owned(), text.replace("MaxAuthTries 9", "MaxAuthTries 4"))]);
    assert_eq!(open, [""; 0]);
    let kept = excluding(image(BIONIC, "Nonsense\n"), &[Subject::directive("Nonsense")]);
    let (files, open) = outlook(TRIES, &kept);
    assert_eq!(files, []);
    assert_eq!(open[1], format!("directive Nonsense: {KEPT}"));
    assert!(open[0].contains("while /etc/ssh/sshd_config:1 keeps sshd from starting"), "{open:?}");
}

/// Lines that make up configurations, right and wrong.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("PermitRootLogin yes"),
        Just("permitrootlogin = no # note"),
        Just("\tPermitRootLogin no"),
        Just("PermitRootLogin"),
        Just("#PermitRootLogin no"),
        Just("Ciphers aes128-ctr,3des-cbc"),
        Just("Ciphers +aes128-cbc"),
        Just("Ciphers aes128-ctr"),
        Just("Ciphers \"x"),
        Just("LoginGraceTime 1m30s"),
        Just("LoginGraceTime 9"),
        Just("Include d/*"),
        Just("Match all"),
        Just("Match User x"),
        Just("# comment"),
        Just(""),
        Just("X11Forwarding no"),
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    (proptest::collection::vec(line, 0..9), end, any::<bool>())
        .prop_map(|(lines, end, last)| lines.join(end) + if last { end } else { "" })
}

proptest! {
    #[test]
    fn repairs_settle_and_leave_the_rest(
        main in lines(), a in lines(), b in lines(),
        version in prop_oneof![Just(BIONIC), Just(BULLSEYE), Just(BOOKWORM)],
    ) {
        // A file that includes itself cannot be judged.
        let (a, b) = (a.replace("Include", "#"), b.replace("Include", "#"));
        let root = image(version, &main).file("/etc/ssh/d/a", &a).file("/etc/ssh/d/b", &b);
        for spec in [ROOT_LOGIN, CIPHERS, GRACE] {
            let check: Check = want(spec);
            // All that may stay is what has no remedy.
            let (files, finding) = repaired(&check, &root);
            if let Finding::NotMet { gaps, .. } = &finding {
                prop_assert_eq!(reasons(&finding).len(), gaps.len(), "{:?}", finding);
            }
            for (path, text) in files {
                let old = match path.as_str() { MAIN => &main, "/etc/ssh/d/a" => &a, _ => &b };
                let name = check_name(spec);
                let others = |t: &str| -> Vec<String> {
                    let about = |l: &&str| !l.to_lowercase().contains(&name) && *l != "# note";
                    Lines::new(t).iter().map(|(_, l)| l).filter(about).map(String::from).collect()
                };
                prop_assert_eq!(others(old), others(&text), "{}", path);
            }
        }
    }

    #[test]
    fn any_file_is_judged(main in any::<String>()) {
        for version in [BIONIC, BOOKWORM] {
            let _ = want(ROOT_LOGIN).primitive().audit(&image(version, &main));
        }
    }
}

fn check_name(spec: &str) -> String {
    spec.split('"').nth(1).unwrap_or_default().to_lowercase()
}
