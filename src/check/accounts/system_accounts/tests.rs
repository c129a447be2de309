//! Tests of `system_accounts`.

use crate::check::accounts::testing::{
    PASSWD, SHADOW, changed_lines, image, open, outcome, settle_lines, stage, want, with,
};
use crate::check::testing::Run;
use crate::check::{Outcome, Subject};
use crate::rootfs::{FileKind, MemoryRootfs};

const WANT: &str = "system_accounts = { no_login_shells = [\"/usr/sbin/nologin\", \
    \"/bin/false\", \"/sbin/nologin\", \"/usr/bin/false\"] }";

/// The image with another shell (and password) of the system account `_apt`.
fn apt(shell: &str, password: &str) -> MemoryRootfs {
    let line = "_apt:x:104:65534::/nonexistent:";
    let passwd = with(PASSWD, &format!("{line}/usr/sbin/nologin"), &format!("{line}{shell}"));
    let shadow = with(SHADOW, "_apt:*:", &format!("_apt:{password}:"));
    image().file("/etc/passwd", passwd).file("/etc/shadow", shadow)
}

#[test]
fn a_row_names_at_least_one_shell() {
    let none = crate::check::testing::try_check("system_accounts = { no_login_shells = [] }");
    assert!(none.unwrap_err().contains("`no_login_shells`: found none"));
}

#[test]
fn shells_and_passwords_are_closed() {
    let want = want(WANT);
    let want = want.primitive();
    assert!(settle_lines(want, &image()).is_empty());
    for fine in ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false"] {
        for locked in ["*", "!", "!!", "!$6$a$b", "*LOCK*"] {
            assert!(settle_lines(want, &apt(fine, locked)).is_empty(), "{fine} {locked}");
        }
    }
    let line = "_apt:x:104:65534::/nonexistent:";
    for shell in ["/bin/bash", "", "/bin/nologin", "/usr/sbin/nologin2", "/BIN/FALSE", "/bin/sync"]
    {
        assert_eq!(
            settle_lines(want, &apt(shell, "*")),
            [format!("-{line}{shell}"), format!("+{line}/usr/sbin/nologin")]
        );
    }
    assert_eq!(
        settle_lines(want, &apt("/bin/false", "$6$a$b")),
        ["-_apt:$6$a$b:18000:0:99999:7:::", "+_apt:!$6$a$b:18000:0:99999:7:::"]
    );
    assert_eq!(
        settle_lines(want, &apt("/bin/false", "")).last().unwrap(),
        "+_apt:!:18000:0:99999:7:::"
    );
    assert_eq!(settle_lines(want, &apt("/bin/sh", "x")).len(), 4, "both files");
    let no_nologin =
        apt("/bin/sh", "*").without("/usr/sbin").file_with("/bin/false", "", 0o755, 0, 0);
    assert_eq!(settle_lines(want, &no_nologin).last().unwrap(), &format!("+{line}/bin/false"));
}

#[test]
fn who_is_meant() {
    let want = want(&WANT.replace(" }", ", exempt = [\"backup\"] }"));
    let want = want.primitive();
    let user = |line: &str, defs: &str| {
        let name = line.split(':').next().unwrap();
        image()
            .file("/etc/passwd", format!("{PASSWD}{line}\n"))
            .file("/etc/shadow", format!("{SHADOW}{name}:$6$a$b:1::::::\n"))
            .file("/etc/login.defs", defs)
    };
    for (line, defs, meant) in [
        ("eve:x:999:1::/:/bin/sh", "", true),
        ("eve:x:1000:1::/:/bin/sh", "", false),
        ("eve:x:999:1::/:/bin/sh", "UID_MIN 500\n", false),
        ("eve:x:999:1::/:/bin/sh", "SYS_UID_MIN 500\n#UID_MIN 500\n", true),
        ("eve:x:65534:1::/:/bin/sh", "", false),
        ("backup:x:34:1::/:/bin/sh", "", false),
        ("halt:x:7:1::/:/sbin/halt", "", true),
    ] {
        let lines = settle_lines(want, &user(line, defs)).len();
        let want = match (meant, line.starts_with("halt")) {
            (false, _) => 0,
            (true, true) => 2, // the password alone
            (true, false) => 4,
        };
        assert_eq!(lines, want, "{line} {defs}");
    }
    let nobody = image().file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n+::::::\n");
    assert_eq!(outcome(want, &nobody), Outcome::MetVacuously);
}

#[test]
fn a_border_that_makes_people_accounts_of_the_system_locks_nobody_out() {
    let want = want(WANT);
    let want = want.primitive();
    let people = |defs: &str| {
        image()
            .file("/etc/shadow", with(SHADOW, "bob:!:", "bob:$6$a$b:"))
            .file("/etc/login.defs", defs)
    };
    for defs in [
        "UID_MIN 4294967295\n",
        "UID_MIN 65000\n",
        "UID_MAX 999\n",
        "UID_MIN 65000\nUID_MAX 99999\n",
    ] {
        let message = want.audit(&people(defs)).unwrap_err().to_string();
        assert!(message.starts_with("/etc/login.defs:1: found UID_MIN "), "{message}");
        assert!(changed_lines(&stage(want, &people(defs))).is_empty());
    }
    let above = people("UID_MIN 5000\n");
    assert!(changed_lines(&stage(want, &above)).is_empty());
    let told = open(want, &above);
    assert_eq!(told.len(), 2, "the shell and the password");
    assert!(told.iter().all(|t| t.contains("only UID_MIN 5000")), "{told:?}");
    // Without the other signs the border is believed, as the benchmark does.
    let program = with(PASSWD, "/home/bob:", "/var/lib/bob:");
    assert_eq!(settle_lines(want, &above.clone().file("/etc/passwd", program)).len(), 4);
    let low = with(PASSWD, "bob:x:1000:", "bob:x:999:");
    assert_eq!(settle_lines(want, &people("").file("/etc/passwd", low)).len(), 4);
}

#[test]
fn what_is_in_use_is_left() {
    let want = want(WANT);
    let want = want.primitive();
    let sh = || apt("/bin/sh", "*");
    let unit = "[Service]\n User = _apt \n";
    let home = |shell: &str| {
        let line = "_apt:x:104:65534::/nonexistent:/usr/sbin/nologin";
        let text = with(PASSWD, line, &format!("_apt:x:104:65534::/var/apt:{shell}"));
        image().file("/etc/passwd", text)
    };
    let cases = [
        ("protected", sh().protecting("_apt")),
        ("crontab", sh().file("/var/spool/cron/crontabs/_apt", "").scene()),
        ("unit", sh().file("/lib/systemd/system/a.service", unit).scene()),
        (
            "unit by number",
            sh().file("/etc/systemd/system/a.service", "[Service]\nUser=104\n").scene(),
        ),
        ("unit of the machine", sh().file("/usr/local/lib/systemd/system/a.service", unit).scene()),
        ("drop-in", sh().file("/etc/systemd/system/a.service.d/u.conf", unit).scene()),
        ("keys", home("/bin/sh").file("/var/apt/.ssh/authorized_keys", "").scene()),
        ("no shell to give", sh().without("/usr/sbin").scene()),
        ("two lines", sh().file("/etc/shadow", format!("{SHADOW}_apt:*:1::::::\n")).scene()),
    ];
    for (what, root) in cases {
        assert!(changed_lines(&stage(want, &root)).is_empty(), "{what}");
        assert_eq!(open(want, &root).len(), 1, "{what}");
    }
    let toor = image()
        .file("/etc/passwd", format!("{PASSWD}toor:x:0:0::/root:/bin/sh\n"))
        .file("/etc/shadow", format!("{SHADOW}toor:$6$a$b:1::::::\n"));
    assert!(changed_lines(&stage(want, &toor)).is_empty());
    assert_eq!(open(want, &toor).len(), 2);
    let postgres = image()
        .file("/etc/passwd", format!("{PASSWD}postgres:x:113:1::/var/lib:/bin/bash\n"))
        .file("/etc/shadow", format!("{SHADOW}postgres:*:1::::::\n"));
    assert_eq!(open(want, &postgres).len(), 1);
    let other = sh()
        .file("/lib/systemd/system/a.service", "#User=_apt\nUser=_aptx\nUserX=_apt\n")
        .special("/dev/null", FileKind::CharDevice)
        .link("/etc/systemd/system/b.service", "/dev/null")
        .file("/etc/systemd/system/c.timer", unit);
    assert_eq!(settle_lines(want, &other).len(), 2);
}

#[test]
fn whom_a_unit_runs_as_is_systemds_answer() {
    let want = want(WANT);
    let want = want.primitive();
    let (lib, etc) = ("/lib/systemd/system/a.service", "/etc/systemd/system/a.service");
    let unit = |text: &str| apt("/bin/sh", "*").file(lib, text);
    let used = |root: &MemoryRootfs| stage(want, root).changes().unwrap().is_empty();
    for text in [
        "[Service]\nUser=\nUser=_apt\n",
        "[Service]\nUser=_a\\\npt\nUser=_apt\n",
        "[Service]\n[Unit]\nUser=root\n[Service]\nUser=_apt\n",
    ] {
        assert!(used(&unit(text)), "{text}");
    }
    for text in [
        "User=_apt\n",
        "[Unit]\nUser=_apt\n",
        "[Service]\nUser=_apt\nUser=\n",
        "[Service]\nUser=_apt\nUser=root\n",
        "[Service]\n# a \\\nUser=_apt\n",
        "[Service]\nExecStart=/x \\\nUser=_apt\n",
    ] {
        assert!(!used(&unit(text)), "{text}");
    }
    let runs = unit("[Service]\nUser=_apt\n");
    assert!(used(&runs));
    let drop_in = "/etc/systemd/system/a.service.d/b.conf";
    assert!(!used(&runs.clone().file(drop_in, "[Service]\nUser=root\n")));
    assert!(used(&runs.clone().file(drop_in, "User=root\n")));
    assert!(!used(&runs.clone().file(etc, "[Service]\n")), "the stronger file hides it");
    assert!(!used(&runs.clone().link(etc, "/dev/null")), "masked");
    let included = runs.file(etc, ".include /lib/systemd/system/a.service\n");
    assert!(used(&included));
}

#[test]
fn lines_that_are_missing_or_malformed() {
    let want = want(WANT);
    let want = want.primitive();
    let no_line = image().file("/etc/shadow", with(SHADOW, "_apt:*:18000:0:99999:7:::\n", ""));
    assert_eq!(open(want, &no_line).len(), 1);
    let cut = image().file("/etc/passwd", format!("{PASSWD}eve:x:7:7\n"));
    assert_eq!(open(want, &cut).len(), 1);
    let in_passwd = image().file("/etc/passwd", with(PASSWD, "_apt:x:", "_apt:$6$a$b:"));
    assert_eq!(open(want, &in_passwd).len(), 1);
    assert_eq!(outcome(want, &image().without("/etc/shadow")), Outcome::Unknown);
    let returns = PASSWD.replace('\n', "\r\n");
    let staged = image().file("/etc/passwd", &returns);
    let lines = changed_lines(&stage(want, &staged));
    assert!(lines.iter().all(|l| l.starts_with('-') || l.ends_with("nologin")), "{lines:?}");
    assert_eq!(outcome(want, &staged), Outcome::NotMet);
}

#[test]
fn an_excluded_account_keeps_shell_and_password() {
    let want = want(WANT);
    let root = apt("/bin/sh", "$6$a$b");
    let shadow = with(SHADOW, "_apt:*:", "_apt:$6$a$b:").replace("daemon:*:", "daemon:$6$a$b:");
    let root = root.file("/etc/shadow", shadow).excluding(Subject::account(b"_apt"));
    assert_eq!(
        changed_lines(&stage(want.primitive(), &root)),
        ["-daemon:$6$a$b:18000:0:99999:7:::", "+daemon:!$6$a$b:18000:0:99999:7:::"]
    );
    let left = open(want.primitive(), &root);
    assert_eq!(left.len(), 2, "the shell and the password: {left:?}");
    assert!(left.iter().all(|why| why.contains("the account _apt is protected")), "{left:?}");
}
