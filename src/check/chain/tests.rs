//! Every consumer that something at boot starts, in every state that it can be in.

use super::*;
use crate::check::chain::table::{Absence, Consumer, Starter, consumers};
use crate::check::testing::path;
use crate::check::{Audit, Evidence, Finding};
use crate::rootfs::MemoryRootfs;

const ETC: &str = "/etc/systemd/system";
const LIB: &str = "/lib/systemd/system";

/// A tree that systemd boots; nothing but targets starts.
fn booting() -> MemoryRootfs {
    MemoryRootfs::new()
        .file_with("/lib/systemd/systemd", "x", 0o755, 0, 0)
        .link("/sbin/init", "/lib/systemd/systemd")
        .link(&format!("{LIB}/default.target"), "multi-user.target")
        .file(&format!("{LIB}/multi-user.target"), "[Unit]\nRequires=basic.target\n")
        .file(
            &format!("{LIB}/basic.target"),
            "[Unit]\nRequires=sysinit.target\nWants=timers.target sockets.target\n",
        )
        .file(&format!("{LIB}/sysinit.target"), "[Unit]\nDescription=early\n")
        .file(&format!("{LIB}/timers.target"), "[Unit]\nDescription=timers\n")
        .file(&format!("{LIB}/sockets.target"), "[Unit]\nDescription=sockets\n")
        .file(&format!("{LIB}/rescue.target"), "[Unit]\nDescription=rescue\n")
        .file_with("/etc/machine-id", "0123456789abcdef0123456789abcdef\n", 0o444, 0, 0)
}

/// What a consumer's first program is called with.
fn command(consumer: &Consumer) -> String {
    let program = &consumer.programs[0];
    match &program.needs {
        Some(needs) => format!("{} {needs}", program.path),
        None => program.path.clone(),
    }
}

fn wants(unit: &str) -> String {
    format!("{ETC}/multi-user.target.wants/{unit}")
}

/// The tree in which the consumer's usual unit is enabled; `extra` are lines of its service.
fn enabled(consumer: &Consumer, extra: &str) -> MemoryRootfs {
    let (unit, command) = (consumer.unit(), command(consumer));
    let file = format!("{LIB}/{unit}");
    booting()
        .file_with(&consumer.programs[0].path, "x", 0o755, 0, 0)
        .file(&file, format!("[Service]\nExecStart={command}\n{extra}"))
        .link(&wants(unit), &file)
}

/// `runs UNIT [FILE]`, `stays PLACE`, `unclear PLACE`, `absent` or `outside`.
fn state(root: &MemoryRootfs, name: &str) -> String {
    let chain = resolve(&Audit::from(root), name).unwrap();
    let consumer = resolve::consumer(name).unwrap();
    match &*chain {
        Chain::Outside => "outside".to_owned(),
        Chain::OnDemand => "on demand".to_owned(),
        Chain::Absent => "absent".to_owned(),
        Chain::Stays(cause) => format!("stays {}", cause.at.spot()),
        Chain::Unclear(cause) => format!("unclear {}", cause.at.spot()),
        Chain::Runs(runs) => {
            let run = &runs[0];
            let file = run.other_file(consumer).map(|word| format!(" {}", word.text));
            let supposed = if run.supposed.is_empty() { "" } else { " supposing" };
            format!("runs {}{}{supposed}", run.unit, file.unwrap_or_default())
        }
    }
}

/// The consumers that a service of the init starts.
fn started() -> impl Iterator<Item = (&'static str, &'static Consumer)> {
    let all = consumers().unwrap().iter().map(|(name, consumer)| (name.as_str(), consumer));
    all.filter(|(_, c)| c.starter == Starter::Init && c.unit().ends_with(".service"))
}

#[test]
fn every_state_of_every_consumer() {
    let mut seen = 0;
    for (name, consumer) in started() {
        seen += 1;
        let (unit, command) = (consumer.unit(), command(consumer));
        let (file, mask) = (format!("{LIB}/{unit}"), format!("{ETC}/{unit}"));
        let drop_in = format!("{ETC}/{unit}.d/own.conf");
        let with = |text: &str| enabled(consumer, "").file(&drop_in, text);
        let stock = enabled(consumer, "");
        let runs = format!("runs {unit}");
        let is = |root: &MemoryRootfs, want: &str| {
            assert_eq!(state(root, name), want, "{name}");
        };
        is(&stock, &runs);
        // The unit.
        is(&stock.clone().link(&mask, "/dev/null"), &format!("stays {mask}"));
        is(&stock.clone().file(&mask, ""), &format!("stays {mask}"));
        is(&stock.clone().without(&wants(unit)), &format!("stays {file}"));
        is(&stock.clone().link(&wants(unit), "/dev/null"), &format!("stays {file}"));
        is(
            &stock
                .clone()
                .link(&format!("{ETC}/rescue.target.wants/{unit}"), &file)
                .without(&wants(unit)),
            &format!("stays {ETC}/rescue.target.wants/{unit}"),
        );
        let rescue =
            stock.clone().link(&format!("{ETC}/default.target"), &format!("{LIB}/rescue.target"));
        is(&rescue, &format!("stays {}", wants(unit)));
        // What it waits for.
        is(&with("[Unit]\nConditionPathExists=/nope\n"), &format!("stays {drop_in}:2"));
        is(&with("[Unit]\nConditionPathExists=!/nope\n"), &runs);
        is(&with("[Unit]\nConditionPathExists=|/nope\nConditionPathExists=|/etc\n"), &runs);
        is(&with("[Unit]\nConditionVirtualization=container\n"), &format!("stays {drop_in}:2"));
        is(&with("[Unit]\nConditionVirtualization=!container\n"), &format!("{runs} supposing"));
        is(&with("[Unit]\nConditionPathExists=/nope\nConditionPathExists=\n"), &runs);
        is(
            &with("[Unit]\nAssertFileIsExecutable=/etc/machine-id\n"),
            &format!("stays {drop_in}:2"),
        );
        is(&with("[Service]\nEnvironmentFile=/nope\n"), &format!("stays {drop_in}:2"));
        is(&with("[Service]\nEnvironmentFile=-/nope\n"), &runs);
        // What it runs.
        let second = format!("[Service]\nExecStart={command}\n");
        is(&with(&second), &format!("stays {drop_in}:2"));
        is(&with(&format!("[Service]\nExecStart=\nExecStart={command}\n")), &runs);
        is(&with("[Service]\nExecStart=\n"), &format!("stays {file}"));
        is(
            &with("[Service]\nExecStart=\nExecStart=/usr/local/bin/start\n"),
            &format!("unclear {drop_in}:3"),
        );
        // Its names.
        let own = format!("{ETC}/own.service");
        let alias = booting()
            .file(&own, format!("[Service]\nExecStart={command}\n"))
            .link(&mask, "own.service")
            .link(&wants("own.service"), &own);
        is(&alias, "runs own.service");
        let instance = booting()
            .file(&format!("{LIB}/own@.service"), format!("[Service]\nExecStart={command}\n"))
            .link(&wants("own@a.service"), &format!("{LIB}/own@.service"));
        is(&instance, "runs own@a.service");
        // An init script, by its link alone.
        let script = format!("/etc/init.d/{}", unit.trim_end_matches(".service"));
        let stem = unit.trim_end_matches(".service");
        let sysv = booting().file_with(&consumer.programs[0].path, "x", 0o755, 0, 0).file_with(
            &script,
            "#!/bin/sh\n",
            0o755,
            0,
            0,
        );
        is(&sysv, &format!("stays {script}"));
        is(&sysv.clone().link(&format!("/etc/rc2.d/S01{stem}"), &script), &runs);
        is(
            &sysv.link(&format!("/etc/rc2.d/S01{stem}"), &script).link(&mask, "/dev/null"),
            &format!("stays {mask}"),
        );
        // Another unit.
        let conflict = with("").file(
            &own,
            "[Unit]\nConflicts=".to_owned() + unit + "\n[Service]\nExecStart=/bin/true\n",
        );
        is(&conflict.link(&wants("own.service"), &own), &format!("stays {own}:2"));
        let asking = stock.clone().without(&wants(unit)).file(
            &own,
            "[Unit]\nRequires=".to_owned() + unit + "\n[Service]\nExecStart=/bin/true\n",
        );
        is(&asking.link(&wants("own.service"), &own), &runs);
        let socket = stock
            .clone()
            .without(&wants(unit))
            .file(
                &format!("{LIB}/own.socket"),
                format!("[Socket]\nListenStream=1\nService={unit}\n"),
            )
            .link(&format!("{ETC}/sockets.target.wants/own.socket"), &format!("{LIB}/own.socket"));
        is(&socket, &runs);
        let timer = stock
            .clone()
            .without(&wants(unit))
            .file(&format!("{LIB}/own.timer"), format!("[Timer]\nOnBootSec=1\nUnit={unit}\n"))
            .link(&format!("{ETC}/timers.target.wants/own.timer"), &format!("{LIB}/own.timer"));
        is(&timer, &runs);
        // No init, whatever units there are.
        let outside = stock.without("/sbin/init").without("/lib/systemd/systemd");
        is(&outside.link(&mask, "/dev/null"), "outside");
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn another_file_by_option_and_by_a_file_of_variables() {
    let mut seen = 0;
    for (name, consumer) in started() {
        let program = &consumer.programs[0];
        let options: Vec<String> = match (program.file, program.plain) {
            (Some(letter), _) => vec![format!("-{letter} /etc/own"), format!("-{letter}/etc/own")],
            (None, true) => vec!["/etc/own".to_owned()],
            (None, false) => continue,
        };
        seen += 1;
        let unit = consumer.unit();
        let drop_in = format!("{ETC}/{unit}.d/own.conf");
        let want = format!("runs {unit} /etc/own");
        let command = command(consumer);
        for option in options {
            let told = format!("[Service]\nExecStart=\nExecStart={command} {option}\n");
            assert_eq!(state(&enabled(consumer, "").file(&drop_in, told), name), want, "{option}");
            let by_file = format!(
                "[Service]\nEnvironmentFile=/etc/own.env\nExecStart=\nExecStart={command} $OPTS\n"
            );
            let root = enabled(consumer, "").file(&drop_in, by_file);
            let root = root.file("/etc/own.env", format!("# x\nOPTS=\"{option}\"\n"));
            assert_eq!(state(&root, name), want, "{option}");
            let plain = root.file("/etc/own.env", "OPTS=\n");
            assert_eq!(state(&plain, name), format!("runs {unit}"));
        }
    }
    assert!(seen > 4, "{seen}");
}

#[test]
fn an_init_script_takes_options_from_its_file() {
    let mut seen = 0;
    for (name, consumer) in started() {
        let (Some(defaults), Some(letter)) = (&consumer.defaults, consumer.programs[0].file) else {
            continue;
        };
        seen += 1;
        let unit = consumer.unit();
        let stem = unit.trim_end_matches(".service");
        let script = format!("/etc/init.d/{stem}");
        let root = booting()
            .file_with(&consumer.programs[0].path, "x", 0o755, 0, 0)
            .file_with(&script, "#!/bin/sh\n", 0o755, 0, 0)
            .link(&format!("/etc/rc2.d/S01{stem}"), &script);
        let with = |text: String| root.clone().file(&defaults.file, text);
        let variable = &defaults.variable;
        let told = with(format!("{variable}=\"-{letter} /etc/own\"\n"));
        assert_eq!(state(&told, name), format!("runs {unit} /etc/own"));
        let commented = with(format!("#{variable}=\"-{letter} /etc/own\"\n"));
        assert_eq!(state(&commented, name), format!("runs {unit}"));
    }
    assert!(seen > 3, "{seen}");
}

#[test]
fn what_a_finding_is_worth() {
    for (name, consumer) in started() {
        let consumes = [Consumes::usual(leaked(name))];
        let met = || Finding::Met(vec![Evidence::note_only("right")]);
        let worth = |root: &MemoryRootfs| judged(&Audit::from(root), &consumes, met());
        let stock = enabled(consumer, "");
        let Finding::Met(evidence) = worth(&stock).unwrap() else { panic!("{name}") };
        let line = evidence[1].chain.as_ref().unwrap();
        assert_eq!((line.starts, line.starter.as_deref()), (Some(true), Some(consumer.unit())));
        let shown = evidence[1].note.as_ref().unwrap().to_string();
        assert!(shown.starts_with(&format!("{} starts /", consumer.unit())), "{shown}");
        // Nothing starts it.
        let masked = stock.clone().link(&format!("{ETC}/{}", consumer.unit()), "/dev/null");
        match (consumer.absence, worth(&masked).unwrap()) {
            (Absence::Needed, Finding::NotMet { gaps, holding }) => {
                assert_eq!(holding.len(), 1);
                let at = gaps[0].evidence.path.as_ref().unwrap();
                assert_eq!(*at, path(&format!("{ETC}/{}", consumer.unit())));
                assert!(gaps[0].fix.reason().is_some(), "no unit is unmasked for a file");
            }
            (Absence::Guarded, Finding::Met(evidence)) => {
                assert_eq!(evidence[1].chain.as_ref().unwrap().starts, Some(false));
                let note = evidence[1].note.as_ref().unwrap().to_string();
                assert!(note.contains("nothing starts") && note.contains("is masked"), "{note}");
            }
            (absence, other) => panic!("{name} {absence:?} {other:?}"),
        }
        // What cannot be told.
        let drop_in = format!("{ETC}/{}.d/own.conf", consumer.unit());
        let script = "[Service]\nExecStart=\nExecStart=/usr/local/bin/start\n";
        assert!(worth(&stock.clone().file(&drop_in, script)).is_err(), "{name}");
        // A root without an init.
        let container = masked.without("/sbin/init").without("/lib/systemd/systemd");
        let Finding::Met(evidence) = worth(&container).unwrap() else { panic!("{name}") };
        assert_eq!(evidence[1].chain.as_ref().unwrap().starts, None);
    }
}

/// Names of the table live as long as the program.
fn leaked(name: &str) -> &'static str {
    consumers().unwrap().get_key_value(name).unwrap().0
}

#[test]
fn what_starts_logrotate() {
    let cron = &consumers().unwrap()["cron"];
    let job = "#!/bin/sh\n/usr/sbin/logrotate /etc/logrotate.conf\n";
    let table = "25 6 * * * root test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )\n";
    let by_cron = enabled(cron, "")
        .file_with("/etc/cron.daily/logrotate", job, 0o755, 0, 0)
        .file("/etc/crontab", table);
    let is = |root: &MemoryRootfs, want: &str| assert_eq!(state(root, "logrotate"), want);
    is(&by_cron, "runs cron.service");
    is(&by_cron.clone().file("/etc/crontab", "#".to_owned() + table), "stays /etc/crontab");
    let off = by_cron.clone().without(&wants("cron.service"));
    is(&off, &format!("stays {LIB}/cron.service"));
    is(&off.file("/etc/cron.daily/logrotate", job), "stays /etc/cron.daily/logrotate");
    let direct = by_cron
        .clone()
        .without("/etc/cron.daily")
        .file("/etc/cron.d/logrotate", "@daily root /usr/sbin/logrotate /etc/logrotate.conf\n");
    is(&direct, "runs cron.service");
    // cron ignores the whole table.
    let table = |text: &str, mode, uid| {
        direct.clone().file_with("/etc/cron.d/logrotate", text, mode, uid, 0)
    };
    let good = "@daily root /usr/sbin/logrotate /etc/logrotate.conf\n";
    is(&table(&format!("{good}*/5 * * * root /x\n"), 0o644, 0), "stays /etc/cron.d/logrotate:2");
    is(&table(&format!("MAILTO=\n{good}"), 0o644, 0), "stays /etc/cron.d/logrotate:1");
    is(&table(good.trim_end(), 0o644, 0), "stays /etc/cron.d/logrotate:1");
    is(&table(good, 0o664, 0), "stays /etc/cron.d/logrotate");
    is(&table(good, 0o644, 1), "stays /etc/cron.d/logrotate");
    is(&table(good, 0o600, 0), "runs cron.service");
    let people = table(good, 0o644, 0).file("/etc/passwd", "web:x:5:5::/:/bin/sh\n");
    is(&people, "stays /etc/cron.d/logrotate:1");
    is(&people.file("/etc/passwd", "root:x:0:0::/:/bin/sh\n"), "runs cron.service");
    // A link is root's, and so is what it leads to.
    let led = direct.clone().file("/srv/logs", good).link("/etc/cron.d/logrotate", "/srv/logs");
    is(&led, "runs cron.service");
    is(&led.file_with("/srv/logs", good, 0o644, 1, 0), "stays /etc/cron.d/logrotate");
    // anacron takes the work over, and must do it.
    let anacron = by_cron.clone().file_with("/usr/sbin/anacron", "x", 0o755, 0, 0);
    is(&anacron, "stays /etc/anacrontab");
    let listed =
        anacron.file("/etc/anacrontab", "1 5 cron.daily run-parts --report /etc/cron.daily\n");
    is(&listed, &format!("stays {ETC}/anacron.timer"));
    let called =
        listed.clone().file("/etc/cron.d/anacron", "30 7 * * * root /usr/sbin/anacron -s\n");
    is(&called, "runs cron.service");
    let timed = listed
        .file(&format!("{LIB}/anacron.service"), "[Service]\nExecStart=/usr/sbin/anacron -d\n")
        .file(&format!("{LIB}/anacron.timer"), "[Timer]\nOnCalendar=hourly\n")
        .link(&format!("{ETC}/timers.target.wants/anacron.timer"), &format!("{LIB}/anacron.timer"));
    is(&timed, "runs cron.service");
    // A timer.
    let timer = booting()
        .file(
            &format!("{LIB}/logrotate.service"),
            "[Service]\nType=oneshot\nExecStart=/usr/sbin/logrotate /etc/logrotate.conf\n",
        )
        .file(&format!("{LIB}/logrotate.timer"), "[Timer]\nOnCalendar=daily\n")
        .link(
            &format!("{ETC}/timers.target.wants/logrotate.timer"),
            &format!("{LIB}/logrotate.timer"),
        );
    is(&timer, "runs logrotate.timer");
    is(
        &timer.clone().link(&format!("{ETC}/logrotate.service"), "/dev/null"),
        &format!("stays {ETC}/logrotate.service"),
    );
    is(
        &timer.clone().file(&format!("{LIB}/logrotate.timer"), "[Timer]\n"),
        &format!("stays {LIB}/logrotate.timer"),
    );
    // One that waits in vain takes nothing from another.
    let held = timer
        .clone()
        .file(&format!("{ETC}/logrotate.timer.d/own.conf"), "[Unit]\nConditionPathExists=/nope\n");
    is(&held, &format!("stays {ETC}/logrotate.timer.d/own.conf:2"));
    let other = held
        .file(&format!("{ETC}/x-logrotate.timer"), "[Timer]\nOnCalendar=daily\nUnit=x.service\n")
        .file(&format!("{ETC}/x.service"), "[Service]\nExecStart=/usr/sbin/logrotate /etc/x\n")
        .link(
            &format!("{ETC}/timers.target.wants/x-logrotate.timer"),
            &format!("{ETC}/x-logrotate.timer"),
        );
    is(&other, "runs x-logrotate.timer /etc/x");
    is(&timer.without("/sbin/init").without("/lib/systemd/systemd"), "outside");
}

#[test]
fn what_is_true_of_some_versions_only() {
    let table: toml::Table =
        toml::from_str("package = \"x\"\nsince = [3, 3]\nuntil = [4]").unwrap();
    let versions: table::Versions = table.try_into().unwrap();
    for (version, holds) in [
        (&[3, 2, 9][..], false),
        (&[3, 3], true),
        (&[3, 10], true),
        (&[4], false),
        (&[4, 1], false),
    ] {
        assert_eq!(versions.hold(version), holds, "{version:?}");
    }
    let sysctl = "/sbin/sysctl --system";
    let unit = format!("{LIB}/own.service");
    let root = |version: &str| {
        booting()
            .file(&unit, format!("[Service]\nExecStart={sysctl}\n"))
            .link(&wants("own.service"), &unit)
            .file_with("/sbin/sysctl", "x", 0o755, 0, 0)
            .file(
                "/var/lib/dpkg/status",
                format!("Package: procps\nStatus: install ok installed\nVersion: {version}\n"),
            )
    };
    assert_eq!(state(&root("2:3.3.12-3ubuntu1"), "sysctl"), "runs own.service");
    assert_ne!(state(&root("1:3.2.8-9"), "sysctl"), "runs own.service");
}

#[test]
fn services_ask_the_module() {
    let asks = "session required pam_limits.so\n";
    let root = MemoryRootfs::new()
        .file("/etc/pam.d/login", asks)
        .file("/etc/pam.d/su", "@include common-session\n")
        .file("/etc/pam.d/common-session", asks);
    let is = |root: &MemoryRootfs, want: &str| assert_eq!(state(root, "pam_limits"), want);
    is(&root, "on demand");
    is(&root.clone().file("/etc/pam.d/su", "session include common-session\n"), "on demand");
    is(
        &root.clone().file("/etc/pam.d/common-session", "#".to_owned() + asks),
        "stays /etc/pam.d/su",
    );
    is(
        &root.clone().file("/etc/pam.d/login", "auth required pam_limits.so\n"),
        "stays /etc/pam.d/login",
    );
    let other = "session required pam_limits.so conf=/etc/own\n";
    let one = root.clone().file("/etc/pam.d/login", other);
    is(&one, "stays /etc/pam.d/login:1");
    is(&one.file("/etc/pam.d/common-session", other), "runs login /etc/own");
    is(&root.without("/etc/pam.d"), "absent");
}

#[test]
fn services_include_the_file_that_is_judged() {
    let unix =
        "password [success=1 default=ignore] pam_unix.so sha512\npassword requisite pam_deny.so\n";
    let root = MemoryRootfs::new()
        .file("/etc/pam.d/common-password", unix)
        .file("/etc/pam.d/passwd", "@include common-password\n")
        .file("/etc/pam.d/chpasswd", "password substack common-password\n");
    let is = |root: &MemoryRootfs, want: &str| assert_eq!(state(root, "passwd"), want);
    let passwd = |text: &str| root.clone().file("/etc/pam.d/passwd", text);
    is(&root, "on demand");
    is(&passwd("password include common-password\n"), "on demand");
    is(&passwd("password required pam_unix.so md5\n"), "stays /etc/pam.d/passwd:1");
    is(&passwd("password optional pam_cracklib.so\n"), "stays /etc/pam.d/passwd");
    let bare = passwd("#@include common-password\n");
    is(&bare, "on demand");
    is(&bare.clone().file("/etc/pam.d/other", "@include common-password\n"), "on demand");
    is(&bare.clone().file("/etc/pam.d/other", "password required pam_deny.so\n"), "on demand");
    is(
        &bare.file("/etc/pam.d/other", "password required pam_unix.so\n"),
        "stays /etc/pam.d/other:1",
    );
    // Before the stack that is judged, one of its own that ends the way.
    is(
        &passwd("password sufficient pam_unix.so md5\n@include common-password\n"),
        "stays /etc/pam.d/passwd:1",
    );
    is(
        &passwd(
            "password [success=1 default=1] pam_x.so\npassword required pam_unix.so md5\n@include common-password\n",
        ),
        "on demand",
    );
    is(&passwd("password what\n"), "on demand");
    is(&passwd("@include own\n").file("/etc/pam.d/own", "@include common-password\n"), "on demand");
    is(
        &root
            .clone()
            .file("/etc/pam.d/common-password", "@include more\n")
            .file("/etc/pam.d/more", unix),
        "on demand",
    );
    is(&root.without("/etc/pam.d/passwd").without("/etc/pam.d/chpasswd"), "absent");
}

#[test]
fn the_table_is_whole() {
    for (name, consumer) in consumers().unwrap() {
        assert!(!consumer.program().is_empty() && !consumer.reads.is_empty(), "{name}");
        let needs_units = matches!(consumer.starter, Starter::Init | Starter::Jobs);
        assert!(!needs_units || !consumer.units.is_empty(), "{name}");
        let by_services = consumer.module.is_some() || consumer.stack.is_some();
        assert_eq!(consumer.starter == Starter::Services, by_services, "{name}");
        for program in &consumer.programs {
            assert!(program.path.starts_with('/'), "{name}");
            assert!(program.file.is_none_or(|file| program.values.contains(file)), "{name}");
        }
    }
}
