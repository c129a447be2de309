use super::*;
use crate::check::Outcome;
use crate::check::testing::{self, Run, changed, reasons_on, stage};
use crate::rootfs::MemoryRootfs;

const LOGS: &str = "/etc/rsyslog.d/60-CIS.conf";
const FILE: &str = "/etc/logrotate.d/60-CIS";
const CONF: &str = "/etc/logrotate.conf";
const STOCK: &str = "weekly\nsu root syslog\nrotate 4\ncreate\ninclude /etc/logrotate.d\n";

fn want() -> LogRotation {
    LogRotation { logs_of: ImagePath::parse(LOGS).unwrap(), file: ImagePath::parse(FILE).unwrap() }
}

fn bare() -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/var/lib/dpkg/status", "Package: logrotate\nStatus: install ok installed\n")
        .file(CONF, STOCK)
        .dir(DIR, 0o755, 0, 0)
}

fn root() -> MemoryRootfs {
    bare().file_with("/etc/cron.daily/logrotate", "#!/bin/sh\n", 0o755, 0, 0)
}

fn outcome(root: &MemoryRootfs) -> Outcome {
    testing::outcome(&want(), root)
}

fn why(root: &MemoryRootfs) -> String {
    testing::stuck(&want(), root)
}

#[test]
fn the_main_file() {
    for (conf, want) in [
        (STOCK, Outcome::Met),
        ("daily\r\ninclude /etc/logrotate.d/\r\n", Outcome::Met),
        ("include = /etc/logrotate.d\nmonthly", Outcome::Met),
        ("", Outcome::NotMet),
        ("#weekly\ninclude /etc/logrotate.d\n", Outcome::NotMet),
        ("weeklyx\ninclude /etc/logrotate.d\n", Outcome::NotMet),
        ("Weekly\ninclude /etc/logrotate.d\n", Outcome::NotMet),
        ("/x {\nweekly\n}\ninclude /etc/logrotate.d\n", Outcome::NotMet),
        ("weekly\n#include /etc/logrotate.d\n", Outcome::NotMet),
        ("weekly\ninclude /etc/logrotate.d2\n", Outcome::NotMet),
        ("size 10M\ninclude /etc/logrotate.d\n", Outcome::NotMet),
        ("weekly\nsize 10M\ninclude /etc/logrotate.d\n", Outcome::NotMet),
        ("size 10M\nweekly\nmaxsize 10M\ninclude /etc/logrotate.d\n", Outcome::Met),
        ("weekly\n}\n", Outcome::Unknown),
    ] {
        assert_eq!(outcome(&root().file(CONF, conf)), want, "{conf:?}");
    }
    let after = |conf: &str| {
        let root = root().file(CONF, conf);
        changed(&stage(&want(), &root))[0].1.clone()
    };
    assert_eq!(after(""), "weekly\ninclude /etc/logrotate.d\n");
    assert_eq!(
        after("rotate 4\r\n/x {\r\n}"),
        "rotate 4\r\nweekly\r\n/x {\r\n}\r\ninclude /etc/logrotate.d\r\n"
    );
    assert!(why(&root().file(CONF, "size 1M\ninclude /etc/logrotate.d\n")).contains("by size"));
    assert_eq!(outcome(&root().without(CONF)), Outcome::NotMet);
    assert_eq!(outcome(&root().link(CONF, "logrotate.conf")), Outcome::Unknown);
    let absent = root().file("/var/lib/dpkg/status", "");
    assert_eq!(outcome(&absent), Outcome::MetVacuously);
}

#[test]
fn the_trigger() {
    let wants = "/etc/systemd/system/timers.target.wants/logrotate.timer";
    let unit = "/lib/systemd/system/logrotate.timer";
    let service = "/lib/systemd/system/logrotate.service";
    let timer = || bare().link(wants, unit).file(unit, "[Timer]\n").file(service, "[Service]\n");
    assert_eq!(outcome(&root()), Outcome::Met);
    assert_eq!(outcome(&timer()), Outcome::Met);
    let hourly = bare().file_with("/etc/cron.hourly/logrotate", "x", 0o700, 0, 0);
    assert_eq!(outcome(&hourly), Outcome::Met);
    let aks = bare()
        .link(
            "/etc/systemd/system/multi-user.target.wants/aks-logrotate.timer",
            "../aks-logrotate.timer",
        )
        .file("/etc/systemd/system/aks-logrotate.timer", "[Timer]\nUnit=logrotate.service\n")
        .file(service, "[Service]\n");
    assert_eq!(outcome(&aks), Outcome::Met);

    let advice = why(&bare());
    assert!(advice.starts_with("nothing starts logrotate"), "{advice}");
    for off in [
        bare().file("/etc/cron.daily/logrotate", "#!/bin/sh\n"),
        bare().link(wants, unit),
        bare().file(unit, "[Timer]\n"),
        timer().link("/etc/systemd/system/logrotate.timer", "/dev/null"),
        timer().file("/etc/systemd/system/logrotate.timer", ""),
        timer().without(wants).link(&wants.replace("logrotate", "fstrim"), unit),
        timer().without(wants).file(wants, "[Timer]\n"),
        timer().without(service),
        timer().link("/etc/systemd/system/logrotate.service", "/dev/null"),
        timer().file(unit, "[Timer]\nUnit=other.service\n"),
    ] {
        assert_eq!(outcome(&off), Outcome::NotMet);
    }
}

#[test]
fn a_job_that_yields_to_systemd_starts_nothing_there() {
    let job =
        "#!/bin/sh\n# skip\nif [ -d /run/systemd/system ]; then\n    exit 0\nfi\nlogrotate x\n";
    let yields = bare().file_with("/etc/cron.daily/logrotate", job, 0o755, 0, 0);
    assert_eq!(outcome(&yields), Outcome::Met, "without systemd it does the work");
    let booted = yields.clone().file_with("/lib/systemd/systemd", "x", 0o755, 0, 0);
    let advice = why(&booted);
    assert!(advice.contains("systemctl enable logrotate.timer"), "{advice}");
    let timer = "/lib/systemd/system/logrotate.timer";
    let both = booted
        .link("/etc/systemd/system/timers.target.wants/logrotate.timer", timer)
        .file(timer, "[Timer]\n")
        .file("/lib/systemd/system/logrotate.service", "[Service]\n");
    assert_eq!(outcome(&both), Outcome::Met);
    let old = root().file_with("/lib/systemd/systemd", "x", 0o755, 0, 0).file_with(
        "/etc/cron.daily/logrotate",
        "#!/bin/sh\n# not if /run/systemd/system is there\ntest -x /usr/sbin/logrotate || exit 0\n",
        0o755,
        0,
        0,
    );
    assert_eq!(outcome(&old), Outcome::Met, "a comment asks nothing");
}

#[test]
fn every_log_of_the_drop_in_is_listed_once() {
    let root = root()
        .file(
            LOGS,
            "mail.* -/var/log/mail\n*.crit /var/log/warn\nnews.* -/var/log/news/err\n\
                     *.emerg :omusrmsg:*\nuser.* /var/log/user.log\n*.=err /var/log/warn\n\
                     local0.* /var/log/dir\nlocal1.* /dev/console\n",
        )
        .dir("/var/log/dir", 0o755, 0, 0)
        .file("/etc/logrotate.d/rsyslog", "/var/log/user.log\n/var/log/news/*\n{\n}\n");
    let staged = stage(&want(), &root);
    let [(path, text)] = &changed(&staged)[..] else { panic!() };
    assert_eq!(path, FILE);
    assert!(text.contains(".\n/var/log/mail\n/var/log/warn\n{\n\tdaily\n"), "{text}");
    assert!(!text.contains("su root"), "no such group");
    let Finding::Met(evidence) = want().audit(&staged).unwrap() else { panic!() };
    assert_eq!(evidence.len(), 3 + 4);

    let grouped = root.clone().file("/etc/group", "root:x:0:\nsyslog:x:106:\n");
    assert!(changed(&stage(&want(), &grouped))[0].1.contains("{\n\tsu root syslog\n"));

    let more = root.file(FILE, "/var/log/mail {\nrotate 5\n}");
    let text = &changed(&stage(&want(), &more))[0].1;
    assert!(text.starts_with("/var/log/mail {\nrotate 5\n}\n# Log files"), "{text}");
    assert!(text.contains(".\n/var/log/warn\n{\n"), "{text}");
}

#[test]
fn stanzas_that_do_not_count() {
    let logs = root().file(LOGS, "mail.* /var/log/mail\n");
    let own = "/var/log/mail {\n}\n";
    for passed_over in ["old.dpkg-old", "old~", "x.disabled"] {
        let root = logs.clone().file(&format!("{DIR}/{passed_over}"), own);
        assert_eq!(changed(&stage(&want(), &root))[0].0, FILE, "{passed_over}");
    }
    let backup = logs.clone().file(&format!("{DIR}/x.bak"), own);
    assert_eq!(outcome(&backup), Outcome::Met, "it is read like any other");

    let loose = logs.clone().file_with(&format!("{DIR}/x"), own, 0o664, 0, 0);
    assert!(why(&loose).starts_with("/etc/logrotate.d/x has mode 0664 "));
    let foreign = logs.clone().file_with(&format!("{DIR}/x"), own, 0o644, 7, 0);
    assert!(why(&foreign).starts_with("/etc/logrotate.d/x has owner 7 "));
    let ours = logs.clone().file_with(FILE, own, 0o755, 0, 0);
    let stat = stage(&want(), &ours).stat(&ImagePath::parse(FILE).unwrap()).unwrap();
    assert_eq!(stat.unwrap().mode, 0o644);
    let conf = root().file_with(CONF, STOCK, 0o666, 0, 0);
    assert_eq!(stage(&want(), &conf).changes().unwrap().len(), 1);

    let twice = logs
        .clone()
        .file(&format!("{DIR}/a"), "/var/log/x {\n}\n")
        .file(&format!("{DIR}/b"), "/var/log/x {\n}\n/var/log/mail {\n}\n");
    assert!(why(&twice).starts_with("/etc/logrotate.d/b:1 lists /var/log/x a second time"));
    let broken = logs.clone().file(&format!("{DIR}/x"), "/var/log/mail {\n}\n}\n");
    assert!(why(&broken).contains("want no `}` outside of a stanza"));
    let odd = root().file(LOGS, "action(type=\"omfile\" file=\"/var/log/a b\")\n");
    assert!(why(&odd).contains("cannot be listed"));
    let linked = logs.link(FILE, "/usr/share/x");
    assert!(why(&linked).contains("leads to /usr/share/x"));
    let bad = root().file(LOGS, "action(\n");
    assert_eq!(outcome(&bad), Outcome::Unknown);
}

#[test]
fn includes_without_end() {
    let itself = root().file(CONF, format!("{STOCK}include {CONF}\n"));
    assert_eq!(outcome(&itself), Outcome::Unknown);
    for nowhere in ["relative", "/none", ""] {
        let nowhere = root().file(CONF, format!("{STOCK}include {nowhere}\n"));
        assert!(why(&nowhere).contains("ignores the whole file"));
    }
    let lost = root()
        .file(LOGS, "mail.* /var/log/mail\n")
        .file(&format!("{DIR}/x"), "/var/log/mail {\n}\ninclude /none\n");
    assert!(why(&lost).starts_with("/etc/logrotate.d/x:3 includes /none, which does not exist"));
    let unread = root()
        .file(CONF, "rotate 4\n")
        .file(LOGS, "mail.* /var/log/mail\nkern.* /var/log/kern.log\n")
        .file(&format!("{DIR}/rsyslog"), "/var/log/kern.log {\n}\n");
    let after = changed(&stage(&want(), &unread));
    assert_eq!(after[0].1, "rotate 4\nweekly\ninclude /etc/logrotate.d\n");
    assert!(after[1].1.contains(".\n/var/log/mail\n{\n"), "{}", after[1].1);
    assert_eq!(after[1].1.matches('{').count(), 1);
    let taboo = root()
        .file(LOGS, "mail.* /var/log/mail\n")
        .file(CONF, format!("tabooext + .mine, .other\n{STOCK}"))
        .file(&format!("{DIR}/x.mine"), "/var/log/mail {\n}\n");
    assert_eq!(outcome(&taboo), Outcome::NotMet);
    assert_eq!(changed(&stage(&want(), &taboo))[0].0, FILE);
}

#[test]
fn what_is_excluded_stays_and_the_rest_is_changed() {
    let logs = root().file(LOGS, "mail.* /var/log/mail\n*.crit /var/log/warn\n");
    let scene = logs.clone().excluding(log("/var/log/mail"));
    let [(path, text)] = &changed(&stage(&want(), &scene))[..] else { panic!() };
    assert_eq!(path, FILE);
    assert!(text.contains(".\n/var/log/warn\n{\n"), "{text}");
    assert_eq!(reasons_on(&want(), &scene).len(), 1);
    let nothing = logs.clone().excluding(Subject::path(&want().file));
    assert!(changed(&stage(&want(), &nothing)).is_empty());

    let include = "include /etc/logrotate.d";
    let conf = logs.file(CONF, "rotate 4\n");
    let scene = conf.clone().excluding(Subject::directive("weekly"));
    let after = changed(&stage(&want(), &scene));
    assert_eq!(after[0], (CONF.to_owned(), format!("rotate 4\n{include}\n")));
    assert_eq!(after[1].0, FILE);
    let scene = conf.clone().excluding(Subject::directive(include));
    let after = changed(&stage(&want(), &scene));
    assert_eq!(after, [(CONF.to_owned(), "rotate 4\nweekly\n".to_owned())], "nothing reads it");
    let scene = conf.excluding(Subject::path(&testing::path(CONF)));
    assert!(changed(&stage(&want(), &scene)).is_empty());

    let loose = root().file_with(CONF, "rotate 4\ninclude /etc/logrotate.d\n", 0o666, 0, 0);
    let scene = loose.excluding(Subject::directive("weekly"));
    let stat = stage(&want(), &scene).stat(&testing::path(CONF)).unwrap().unwrap();
    assert_eq!(stat.mode, 0o644, "another subject of the same file");
    let own = root().file(LOGS, "mail.* /var/log/mail\n");
    let own = own.file_with(FILE, "/var/log/mail {\n}\n", 0o755, 0, 0);
    let scene = own.excluding(log("/var/log/mail"));
    assert!(changed(&stage(&want(), &scene)).is_empty());
}

/// As logrotate 3.11.0 does.
#[test]
fn what_logrotate_refuses() {
    let accounts = root()
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        .file("/etc/group", "root:x:0:\nadm:x:4:\nsyslog:x:106:\n");
    let nobody = accounts.clone().file("/etc/group", "root:x:0:\n");
    assert!(why(&nobody).contains("`su root syslog` in /etc/logrotate.conf:2 names syslog"));
    assert_eq!(outcome(&accounts), Outcome::Met);
    let global = accounts.clone().file(CONF, format!("{STOCK}rotate many\n"));
    assert!(why(&global).contains("refuses `rotate many` in /etc/logrotate.conf:6"));

    let logs = accounts.file(LOGS, "mail.* /var/log/mail\n");
    let with = |stanza: &str| logs.clone().file(&format!("{DIR}/x"), stanza);
    for (stanza, reason) in [
        ("create 0640 nouser adm", "names nouser, which does not exist here, so logrotate drops"),
        ("create 0640 root nogroup", "names nogroup"),
        ("rotate -1", "refuses `rotate -1` in /etc/logrotate.d/x:2 and drops the stanza"),
        ("size 10X", "refuses `size 10X`"),
        ("/var/log/other", "refuses `/var/log/other`"),
        ("olddir old", "moves old logs to /var/log/old, which does not exist"),
    ] {
        let text = format!("/var/log/mail {{\n{stanza}\n}}\n");
        assert!(why(&with(&text)).contains(reason), "{stanza}: {}", why(&with(&text)));
        let text = format!("{text}/var/log/mail {{\n}}\n");
        let rest_counts = !stanza.starts_with("olddir");
        assert_eq!(outcome(&with(&text)) == Outcome::Met, rest_counts, "{stanza}");
    }
    for stanza in ["olddir old\ncreateolddir", "create 0640 root adm", "size 10k", "rotate"] {
        let text = format!("/var/log/mail {{\n{stanza}\n}}\n");
        assert_eq!(outcome(&with(&text)), Outcome::Met, "{stanza}");
    }
    let old = with("/var/log/mail {\nolddir old\n}\n").dir("/var/log/old", 0o755, 0, 0);
    assert_eq!(outcome(&old), Outcome::Met);
    assert_eq!(outcome(&with("/var/log/mail {\ndaily\n")), Outcome::Met, "it does not end");
}

#[test]
fn without_su_logs_in_an_open_directory_are_skipped() {
    let logs = |mode| {
        root()
            .dir("/var/log", mode, 0, 106)
            .file("/etc/group", "root:x:0:\nsyslog:x:106:\n")
            .file(&format!("{DIR}/rsyslog"), "/var/log/syslog\n{\n}\n")
    };
    let silent = STOCK.replace("su root syslog\n", "");
    let after = |root: &MemoryRootfs| changed(&stage(&want(), root));
    assert_eq!(outcome(&logs(0o775)), Outcome::Met);
    assert_eq!(outcome(&logs(0o755).file(CONF, &*silent)), Outcome::Met);
    let open = logs(0o775).file(CONF, &*silent);
    let with_su = "weekly\nrotate 4\ncreate\nsu root syslog\ninclude /etc/logrotate.d\n";
    assert_eq!(after(&open), [(CONF.to_owned(), with_su.to_owned())]);
    let own = open.clone().file(&format!("{DIR}/rsyslog"), "/var/log/syslog {\nsu root adm\n}\n");
    let own = own.file("/etc/group", "adm:x:4:\nsyslog:x:106:\n");
    assert_eq!(outcome(&own), Outcome::Met);
    assert!(why(&logs(0o777).file(CONF, &*silent)).starts_with("everybody can write to /var/log"));
    assert!(why(&open.clone().file("/etc/group", "root:x:0:\n")).contains("has no name"));
    let scene = open.excluding(Subject::path(&testing::path("/var/log")));
    assert!(changed(&stage(&want(), &scene)).is_empty());
}
