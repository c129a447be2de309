//! Tests of `local_mta`.

use super::*;
use crate::check::Outcome;
use crate::check::testing::{
    Run, changed_entries, check, outcome, reasons_on, settle_entries, stage,
};
use crate::rootfs::MemoryRootfs;

fn image(package: &str) -> MemoryRootfs {
    let status = format!("Package: {package}\nStatus: install ok installed\n");
    MemoryRootfs::new().file("/var/lib/dpkg/status", status)
}

fn audit(root: &MemoryRootfs) -> Outcome {
    outcome(check("local_mta = {}").primitive(), root)
}

fn settled(root: &MemoryRootfs) -> Vec<String> {
    settle_entries(check("local_mta = {}").primitive(), root)
}

fn why(root: &MemoryRootfs) -> String {
    reasons_on(check("local_mta = {}").primitive(), root).join(" ")
}

const MAIN: &str = "/etc/postfix/main.cf";

#[test]
fn no_server_nothing_asked() {
    for other in ["postfix-doc", "exim4-config", "exim4", "nullmailer", "sendmail-base"] {
        assert_eq!(audit(&image(other)), Outcome::MetVacuously, "{other}");
    }
    assert_eq!(audit(&MemoryRootfs::new()), Outcome::Unknown);
    assert_eq!(audit(&image("opensmtpd")), Outcome::Manual);
}

#[test]
fn postfix_by_its_interfaces() {
    let root = |conf: &str| image("postfix").file(MAIN, conf);
    for conf in [
        "inet_interfaces = loopback-only\n",
        "inet_interfaces=localhost",
        "inet_interfaces = all\ninet_interfaces = 127.0.0.1, [::1]\n",
        "inet_interfaces = 127.0.0.1,\n# note\n  ::1\n",
        "a = localhost\ninet_interfaces = $a, ${a}\r\n",
        "inet_interfaces = 127.3.2.1\n#inet_interfaces = all\n",
    ] {
        assert_eq!(audit(&root(conf)), Outcome::Met, "{conf}");
    }
    let want = "inet_interfaces = loopback-only";
    for (conf, new) in [
        ("", format!("{want}\n")),
        ("inet_interfaces =\n", format!("{want}\n")),
        ("# inet_interfaces = loopback-only", format!("# {want}\n{want}\n")),
        ("inet_interfaces = all", want.to_owned()),
        ("inet_interfaces = loopback-only, all\n", format!("{want}\n")),
        ("inet_interfaces = 127.0.0.1, 10.0.0.1\n", format!("{want}\n")),
        ("inet_interfaces = $myhostname\n", format!("{want}\n")),
        (
            "inet_interfaces = loopback-only\ninet_interfaces = all\nx = 1\n",
            format!("{want}\n{want}\nx = 1\n"),
        ),
        ("inet_interfaces = loopback-only\n 10.0.0.1\n", format!("{want}\n# gokaku:  10.0.0.1\n")),
        ("inet_interfaces_x = localhost\n", format!("inet_interfaces_x = localhost\n{want}\n")),
    ] {
        assert_eq!(settled(&root(conf)), [format!("{MAIN}: {new}")], "{conf}");
    }
    assert_eq!(audit(&image("postfix")), Outcome::Met, "without main.cf it does not start");
    assert_eq!(audit(&root("").link(MAIN, "main.cf")), Outcome::Unknown);
    let foreign = |text: &[u8]| audit(&image("postfix").file(MAIN, text));
    assert_eq!(foreign(b"inet_interfaces = loopback-only\xfe\n"), Outcome::Unknown);
    assert_eq!(foreign(b"# \xfe\ninet_interfaces = loopback-only\nx = \xfe\n"), Outcome::Met);
    let out = root("").file("/usr/share/main.cf", "").link(MAIN, "/usr/share/main.cf");
    assert!(why(&out).contains("outside of /etc"));
    let inside = root("").file("/etc/m.cf", "").link(MAIN, "../m.cf");
    assert_eq!(settled(&inside), [format!("/etc/m.cf: {want}\n")]);
}

#[test]
fn postfix_has_more_listeners_and_instances() {
    let root = image("postfix").file(MAIN, "inet_interfaces = loopback-only\n");
    let master = "/etc/postfix/master.cf";
    let good = root.clone().file(master, "smtp inet n\n127.0.0.1:26 inet n\n[::1]:27 inet n\n");
    assert_eq!(audit(&good), Outcome::Met);
    let open = root.clone().file(master, "0.0.0.0:26 inet n\n");
    assert!(why(&open).starts_with("/etc/postfix/master.cf:1 listens on 0.0.0.0"));
    let text = "inet_interfaces = localhost\nmulti_instance_directories = /etc/postfix-out\n";
    let two = root.file(MAIN, text).file("/etc/postfix-out/main.cf", "inet_interfaces = all\n");
    assert_eq!(settled(&two), ["/etc/postfix-out/main.cf: inet_interfaces = loopback-only\n"]);
}

fn exim(conf: &str) -> MemoryRootfs {
    image("exim4-daemon-light").file(EXIM_DEBIAN, conf)
}

#[test]
fn exim_by_its_interfaces() {
    for conf in [
        "dc_local_interfaces='127.0.0.1 ; ::1'\n",
        "dc_local_interfaces='127.0.0.1'",
        "dc_local_interfaces=127.0.0.1\n",
        "dc_local_interfaces='<; 127.0.0.1.25 ; [::1]:25'\n",
        "dc_local_interfaces=''\ndc_local_interfaces=\"127.0.0.1;::1\"\n",
        "dc_eximconfig_configtype='smarthost'\ndc_local_interfaces='127.0.0.1 ; ::1'\n",
    ] {
        assert_eq!(audit(&exim(conf)), Outcome::Met, "{conf}");
    }
    let want = "dc_local_interfaces='127.0.0.1 ; ::1'";
    for (conf, new) in [
        ("", format!("{want}\n")),
        ("dc_local_interfaces=''\nb=1\n", format!("{want}\nb=1\n")),
        ("b=1\ndc_local_interfaces='10.0.0.1'", format!("b=1\n{want}")),
        (
            "#dc_local_interfaces='127.0.0.1'\n",
            format!("#dc_local_interfaces='127.0.0.1'\n{want}\n"),
        ),
        ("dc_local_interfaces='127.0.0.1 ; 10.0.0.1'\n", format!("{want}\n")),
        ("dc_local_interfaces='0.0.0.0' # all\n", format!("{want} # all\n")),
        ("dc_local_interfaces='a\nb'\n", format!("{want}\n")),
        (
            "if x; then dc_local_interfaces='127.0.0.1'; fi\n",
            format!("if x; then dc_local_interfaces='127.0.0.1'; fi\n{want}\n"),
        ),
    ] {
        assert_eq!(settled(&exim(conf)), [format!("{EXIM_DEBIAN}: {new}")], "{conf}");
    }
    assert!(why(&image("exim4-daemon-heavy")).contains("reinstall the package exim4-config"));
    assert!(why(&exim("a='unfinished\n")).contains("not a list of plain assignments"));
}

#[test]
fn exim_by_other_files() {
    let local = "dc_local_interfaces='127.0.0.1 ; ::1'\n";
    let open = exim("dc_local_interfaces=''\n");
    for (runner, want) in
        [("nodaemon", Outcome::Met), ("queueonly", Outcome::Met), ("no", Outcome::NotMet)]
    {
        let root = open.clone().file(EXIM_DEFAULTS, format!("QUEUERUNNER='{runner}'\n"));
        assert_eq!(audit(&root), want, "{runner}");
    }
    for (options, met) in [
        ("", true),
        ("-oX 25:587 -oP /run/x", true),
        ("-oX smtp", true),
        ("-oX 127.0.0.1", true),
        ("-oX 0.0.0.0", false),
        ("-oX <;10.0.0.1;127.0.0.1", false),
    ] {
        let text = format!("QUEUERUNNER=combined\nSMTPLISTENEROPTIONS='{options}'\n");
        let want = if met { Outcome::Met } else { Outcome::NotMet };
        assert_eq!(audit(&exim(local).file(EXIM_DEFAULTS, text)), want, "{options}");
    }
    for (own, met) in [
        ("local_interfaces = <; 127.0.0.1 ; ::1\nbegin acl\n", true),
        ("local_interfaces = 127.0.0.1 : ::::1\n", true),
        ("begin acl\nlocal_interfaces = 127.0.0.1\n", false),
        ("local_interfaces = MACRO\n", false),
        ("#local_interfaces = 127.0.0.1\n", false),
    ] {
        let want = if met { Outcome::Met } else { Outcome::NotMet };
        assert_eq!(audit(&open.clone().file(EXIM_OWN, own)), want, "{own}");
    }
    let macros = "#MAIN_LOCAL_INTERFACES = 1\nMAIN_LOCAL_INTERFACES = <; 0.0.0.0\n";
    let root = exim(local).file(EXIM_MACROS[0], macros);
    assert!(why(&root).starts_with("/etc/exim4/exim4.conf.localmacros:2 sets"));
}

#[test]
fn sendmail_is_reported() {
    let cf = "/etc/mail/sendmail.cf";
    let root = |text: &str| image("sendmail-bin").file(cf, text);
    let good = "O DaemonPortOptions=Family=inet,  Name=MTA-v4, Port=smtp, Addr=127.0.0.1\n\
        O DaemonPortOptions=Family=inet6, Addr=IPv6:::1\n";
    assert_eq!(audit(&root(good)), Outcome::Met);
    for bad in ["", "O DaemonPortOptions=Name=MTA\n", "#O DaemonPortOptions=Addr=127.0.0.1\n"] {
        assert!(why(&root(bad)).contains("made from sendmail.mc"), "{bad}");
    }
    assert_eq!(audit(&image("sendmail-bin")), Outcome::Met);
}

#[test]
fn an_excluded_server_stays_and_the_others_are_changed() {
    let stanza = |package| format!("Package: {package}\nStatus: install ok installed\n\n");
    let status = stanza("postfix") + &stanza("exim4-daemon-light");
    let two = "inet_interfaces = all\nmulti_instance_directories = /etc/postfix-out\n";
    let root = MemoryRootfs::new()
        .file("/var/lib/dpkg/status", status)
        .file(MAIN, two)
        .file("/etc/postfix-out/main.cf", "inet_interfaces = all\n")
        .file(EXIM_DEBIAN, "dc_local_interfaces=''\n");
    let check = check("local_mta = {}");
    let want = check.primitive();
    let after = |subject: Subject| -> Vec<String> {
        let scene = root.clone().excluding(subject);
        let entries = changed_entries(&stage(want, &scene));
        assert_eq!(reasons_on(want, &scene).len(), 3 - entries.len());
        let path = |entry: String| entry.split(':').next().unwrap().to_owned();
        entries.into_iter().map(path).collect()
    };
    assert_eq!(after(server("postfix")), [EXIM_DEBIAN, "/etc/postfix-out/main.cf"]);
    assert_eq!(after(server("postfix-out")), [EXIM_DEBIAN, MAIN]);
    assert_eq!(after(server(EXIM_NAME)), ["/etc/postfix-out/main.cf", MAIN]);
    let file = Subject::path(&ImagePath::parse(MAIN).unwrap());
    assert_eq!(after(file), [EXIM_DEBIAN, "/etc/postfix-out/main.cf"]);
}
