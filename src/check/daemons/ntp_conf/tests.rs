//! Tests of `ntp_conf`.

use super::*;
use crate::check::Outcome;
use crate::check::testing::{
    Run, changed_entries, check, outcome, reasons_on, settle_entries, stage,
};
use crate::rootfs::MemoryRootfs;

const GOOD: &str = "driftfile /d\npool a iburst\n\
    restrict -4 default kod notrap nomodify nopeer noquery limited\n\
    restrict -6 default kod notrap nomodify nopeer noquery limited\n\
    restrict 127.0.0.1\nrestrict source notrap nomodify noquery\n";

fn image(conf: &str) -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/var/lib/dpkg/status", "Package: ntp\nStatus: install ok installed\n")
        .file("/etc/ntp.conf", conf)
        .file(INIT, "#!/bin/sh\nRUNASUSER=ntp\nUGID=$(getent passwd $RUNASUSER)\n")
        .file(DEFAULTS, "NTPD_OPTS='-g'\n")
}

fn audit(root: &MemoryRootfs) -> Outcome {
    outcome(check("ntp_conf = {}").primitive(), root)
}

fn settled(conf: &str) -> String {
    let changes = settle_entries(check("ntp_conf = {}").primitive(), &image(conf));
    assert_eq!(changes.len(), 1);
    changes[0].strip_prefix("/etc/ntp.conf: ").unwrap().to_owned()
}

const FIVE: &str = "kod nomodify notrap nopeer noquery";

#[test]
fn what_holds() {
    assert_eq!(audit(&image(GOOD)), Outcome::Met);
    for conf in [
        format!("server a\nrestrict default {FIVE}\n"),
        format!("server a\r\nrestrict\tdefault  {FIVE} # x\r\n"),
        format!("server a\nrestrict 0.0.0.0 mask 0.0.0.0 {FIVE}\nrestrict :: mask :: {FIVE}"),
        "server a\nrestrict default kod nomodify\nrestrict default notrap nopeer noquery".into(),
        format!("server 127.127.20.0\nrestrict default ignore {FIVE}\n"),
        format!("server -4 a\nrestrict default {FIVE}\nrestrict default {FIVE}\n"),
    ] {
        assert_eq!(audit(&image(&conf)), Outcome::Met, "{conf}");
    }
}

#[test]
fn what_does_not() {
    for conf in [
        String::new(),
        GOOD.replace("noquery", "noquer"),
        GOOD.replace("-6 default kod", "-6 default"),
        GOOD.replace("restrict -4", "# restrict -4"),
        GOOD.replace("restrict -4", "Restrict -4"),
        GOOD.replace("-4 default", "-6 default"),
        GOOD.replace("pool a", "#pool a"),
        GOOD.replace("pool a", "server 127.127.1.0"),
    ] {
        assert_eq!(audit(&image(&conf)), Outcome::NotMet, "{conf}");
    }
    assert_eq!(audit(&image(GOOD).without("/etc/ntp.conf")), Outcome::NotMet);
    let looped = image(GOOD).link("/etc/ntp.conf", "ntp.conf");
    assert_eq!(audit(&looped), Outcome::Unknown);
    let with = |line: &[u8]| {
        audit(&image(GOOD).file("/etc/ntp.conf", [line, b"\n", GOOD.as_bytes()].concat()))
    };
    for judged in [&b"restrict default \xff"[..], b"server \xff"] {
        assert_eq!(with(judged), Outcome::Unknown);
    }
    for elsewhere in [&b"# \xff"[..], b"leapfile /\xff", b"\xff"] {
        assert_eq!(with(elsewhere), Outcome::Met);
    }
}

#[test]
fn without_the_package_nothing_is_asked() {
    let status = "Package: ntp\nStatus: deinstall ok config-files\n\nPackage: ntpdate\n\
        Status: install ok installed\n";
    let root = image("").file("/var/lib/dpkg/status", status);
    assert_eq!(audit(&root), Outcome::MetVacuously);
    assert_eq!(audit(&root.without("/var/lib/dpkg")), Outcome::Unknown);
}

#[test]
fn flags_are_added_where_they_are_missing() {
    let four = "server a\nrestrict -4 default kod # v4\nrestrict -6 default kod notrap";
    assert_eq!(
        settled(four),
        "server a\nrestrict -4 default kod nomodify notrap nopeer noquery # v4\n\
         restrict -6 default kod notrap nomodify nopeer noquery"
    );
    let bare = "server a\r\nrestrict default noquery\r\n";
    assert_eq!(
        settled(bare),
        "server a\r\nrestrict default noquery kod nomodify notrap nopeer\r\n"
    );
    // Of two kinds of lines, the one for the family alone is added to.
    let both = "server a\nrestrict default kod nomodify notrap nopeer\nrestrict -4 default\n";
    assert_eq!(
        settled(both),
        "server a\nrestrict default kod nomodify notrap nopeer noquery\n\
         restrict -4 default noquery\n"
    );
    assert_eq!(
        settled("server a"),
        format!("server a\nrestrict -4 default {FIVE}\nrestrict -6 default {FIVE}\n")
    );
}

#[test]
fn a_pool_stays_usable() {
    let source = "restrict source notrap nomodify noquery\n";
    let new = settled("pool a\nrestrict default kod nomodify notrap noquery\n");
    assert_eq!(
        new,
        format!("pool a\nrestrict default kod nomodify notrap noquery nopeer\n{source}")
    );
    let new = settled("pool a\n");
    assert_eq!(new.matches(source).count(), 1, "{new}");
    let new = settled(&GOOD.replace("nopeer", ""));
    assert_eq!(new.matches("restrict source").count(), 1, "{new}");
}

#[test]
fn included_files_count() {
    let root = image(&format!("server a\nincludefile /etc/ntp.d/r\nrestrict -4 default {FIVE}\n"))
        .file("/etc/ntp.d/r", "includefile \"/etc/ntp.conf\"\nrestrict -6 default kod\n");
    let changes = settle_entries(check("ntp_conf = {}").primitive(), &root);
    assert_eq!(
        changes,
        [format!("/etc/ntp.d/r: includefile \"/etc/ntp.conf\"\nrestrict -6 default {FIVE}\n")]
    );
}

#[test]
fn includes_end_where_ntpd_ends_them_and_no_file_is_left_out_silently() {
    let chain = |holder: usize| {
        let next = |i: usize| format!("includefile /etc/ntp.d/{}\n", i + 1);
        let main = format!("server a\nrestrict -4 default {FIVE}\n{}", next(0));
        let mut root = image(&main);
        for i in 1..=6 {
            let rule = format!("restrict -6 default {FIVE}\n");
            let rule = if i == holder { rule } else { next(i) };
            root = root.file(&format!("/etc/ntp.d/{i}"), rule);
        }
        root
    };
    let want = check("ntp_conf = {}");
    assert_eq!(audit(&chain(5)), Outcome::Met);
    assert_eq!(audit(&chain(6)), Outcome::NotMet, "ntpd does not read it");
    let includes: String = (0..64).map(|i| format!("includefile /etc/ntp.d/{i}\n")).collect();
    let mut many = image(&includes);
    for i in 0..64 {
        many = many.file(&format!("/etc/ntp.d/{i}"), "");
    }
    let e = want.primitive().audit(&many).unwrap_err().to_string();
    assert!(e.starts_with("/etc/ntp.conf:64: found more than 64 files"), "{e}");
}

#[test]
fn a_file_outside_etc_is_not_written() {
    let root = image("server a\n").file("/usr/share/ntp.conf", "server a\n");
    let root = root.link("/etc/ntp.conf", "/usr/share/ntp.conf");
    let why = reasons_on(check("ntp_conf = {}").primitive(), &root);
    assert!(why[0].contains("leads to /usr/share/ntp.conf"), "{why:?}");
    let inside = image("").file("/etc/time.conf", GOOD).link("/etc/ntp.conf", "time.conf");
    assert_eq!(audit(&inside), Outcome::Met);
}

#[test]
fn options_may_name_another_file() {
    let other = image("").file("/etc/other.conf", GOOD);
    for options in ["-g -c /etc/other.conf", "-gc/etc/other.conf", "--configfile=/etc/other.conf"] {
        let root = other.clone().file(DEFAULTS, format!("NTPD_OPTS=\"{options}\"\n"));
        assert_eq!(audit(&root), Outcome::Met, "{options}");
    }
    assert_eq!(audit(&other), Outcome::NotMet);
}

#[test]
fn ntpd_is_not_root() {
    for options in ["-u root", "-g -uroot:root", "--user 0", "--user=root", "-gu 0:0"] {
        let root = image(GOOD).file(DEFAULTS, format!("NTPD_OPTS='{options}'\n"));
        let why = reasons_on(check("ntp_conf = {}").primitive(), &root).join(" ");
        assert!(why.starts_with("/etc/default/ntp:1 makes ntpd run as root"), "{options}: {why}");
    }
    for options in ["-u ntp", "-u rooty", "-g # -u root"] {
        let root = image(GOOD).file(DEFAULTS, format!("#-u root\nNTPD_OPTS='{options}'\n"));
        let want = if options.contains('#') { Outcome::NotMet } else { Outcome::Met };
        assert_eq!(audit(&root), want, "{options}");
    }
    let check = check("ntp_conf = {}");
    let root = image(GOOD).file(INIT, "#!/bin/sh\nRUNASUSER=root\nx\n");
    assert_eq!(
        settle_entries(check.primitive(), &root),
        [format!("{INIT}: #!/bin/sh\nRUNASUSER=ntp\nx\n")]
    );
    let root = image(GOOD).file(INIT, "RUNASUSER=other\n");
    assert_eq!(
        reasons_on(check.primitive(), &root),
        ["/etc/init.d/ntp:1 runs ntpd as other; set RUNASUSER=ntp by hand"]
    );
    let root = image(GOOD).file(WRAPPER, "RUNASUSER=root\n");
    assert_eq!(reasons_on(check.primitive(), &root).len(), 1, "the vendor's is not edited");
}

#[test]
fn what_is_excluded_stays_and_the_rest_is_changed() {
    let check = check("ntp_conf = {}");
    let want = check.primitive();
    let after = |conf: &str, subject: Subject| {
        let root = image(conf).file(INIT, "RUNASUSER=root\n").excluding(subject);
        assert_eq!(reasons_on(want, &root).len(), 1);
        changed_entries(&stage(want, &root))
    };
    let init = format!("{INIT}: RUNASUSER=ntp\n");
    let two = "server a\nrestrict -4 default kod\nrestrict -6 default kod\n";
    assert_eq!(
        after(two, default_entry("-4")),
        [
            init.clone(),
            format!(
                "/etc/ntp.conf: server a\nrestrict -4 default kod\nrestrict -6 default {FIVE}\n"
            )
        ]
    );
    let both = "server a\nrestrict default kod\n";
    assert_eq!(
        after(both, default_entry("-6")),
        [init, format!("/etc/ntp.conf: {both}restrict -4 default {FIVE}\n")],
        "the line for both families stays"
    );
    assert_eq!(
        after(both, Subject::key("ntp:RUNASUSER")),
        [format!("/etc/ntp.conf: server a\nrestrict default {FIVE}\n")]
    );
}
