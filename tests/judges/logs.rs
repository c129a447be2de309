//! The tree's own rsyslogd and logrotate read the hardened files.

use crate::bench::{implemented, judged};

/// The log files that rsyslog writes are there, as after a while of running.
const LOGS: &str = r#"
for log in syslog auth.log kern.log mail.log cron.log daemon.log messages debug user.log; do
    [ -e "$GOKAKU_ROOT/var/log/$log" ] || echo old >"$GOKAKU_ROOT/var/log/$log"
done
"#;

fn rotate(name: &str) -> String {
    format!(
        r#"
touch "$GOKAKU_ROOT/root/rotate.state"
inside logrotate -d -s /root/rotate.state /etc/logrotate.conf >"$OUT/{name}" 2>&1
"#
    )
}

fn complaints(text: &str) -> Vec<&str> {
    let said = |l: &&str| {
        let l = l.to_ascii_lowercase();
        l.contains("error") || l.contains("duplicate") || l.contains("insecure")
    };
    // A package's own directive that makes logrotate quiet about missing files is no complaint.
    text.lines().filter(said).filter(|l| !l.contains("/var/log/")).collect()
}

#[test]
fn logrotate_reads_every_stanza_without_a_complaint() {
    let test = "logrotate_reads_every_stanza_without_a_complaint";
    let prepare = LOGS.to_owned() + &rotate("before");
    let Some(ran) = judged(test, &["logrotate"], &prepare, &rotate("after")) else { return };
    let (before, after) = (ran.file("before"), ran.file("after"));
    assert_eq!(complaints(&before), Vec::<&str>::new());
    assert_eq!(complaints(&after), Vec::<&str>::new());
    let considered = |text: &str| -> Vec<String> {
        let lines = text.lines().filter_map(|l| l.strip_prefix("considering log "));
        lines.map(str::to_owned).collect()
    };
    for log in considered(&before) {
        assert!(considered(&after).contains(&log), "{log} is rotated no more");
    }
}

#[test]
fn rsyslogd_takes_the_configuration() {
    let test = "rsyslogd_takes_the_configuration";
    let look = r#"inside rsyslogd -N1 >"$OUT/said" 2>&1"#;
    let Some(ran) = judged(test, &["rsyslogd"], "", look) else { return };
    assert!(!ran.file("said").to_lowercase().contains("error"), "{}", ran.file("said"));
}

/// A running rsyslogd of the tree's: what it is told lands in a file that others cannot read. It
/// reads the socket only: there is no `/proc` with this machine's kernel messages.
#[test]
fn messages_land_in_files_that_are_closed_to_others() {
    let test = "messages_land_in_files_that_are_closed_to_others";
    let prepare = r#"
rm -f "$GOKAKU_ROOT"/var/log/syslog "$GOKAKU_ROOT"/var/log/*.log
for f in "$GOKAKU_ROOT/etc/rsyslog.conf" "$GOKAKU_ROOT"/etc/rsyslog.d/*.conf; do
    [ ! -f "$f" ] || sed -i 's/^\$FileCreateMode.*/$FileCreateMode 0644/; s/^\(module.*imklog.*\)/#\1/' "$f"
done
"#;
    let look = r#"
cat >"$GOKAKU_ROOT/root/log" <<'END'
rsyslogd -n -i /root/rsyslogd.pid &
i=0
until [ -S /dev/log ] || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.1; done
for p in auth.info authpriv.notice cron.info daemon.err kern.warning mail.err mail.info \
        news.crit news.notice local0.info local5.debug user.emerg; do
    logger -p $p "message of $p"
done
i=0
until grep -qs 'message of user.emerg' /var/log/* || [ $i -gt 100 ]; do i=$((i + 1)); sleep 0.1; done
kill %1
wait
END
inside bash /root/log >"$OUT/said" 2>&1 || true
cd "$GOKAKU_ROOT"
find var/log -type f -newer root/log -printf '%m %p\n' >"$OUT/files"
for p in auth.info authpriv.notice cron.info daemon.err kern.warning mail.err news.crit local0.info local5.debug; do
    echo "$p $(grep -rl "message of $p\$" var/log | sort | tr '\n' ' ')"
done >"$OUT/places"
"#;
    let Some(ran) = judged(test, &["rsyslogd", "logger", "bash"], prepare, look) else { return };
    let report = ran.json("apply.json");
    let (files, places) = (ran.file("files"), ran.file("places"));
    println!("{files}{places}{}", ran.file("said"));
    for line in places.lines() {
        let (of, place) = line.split_once(' ').unwrap();
        assert!(!place.trim().is_empty() || !implemented(test, &report, "4.2.1.3"), "{of} is lost");
    }
    assert!(files.lines().count() > 2, "{files}\n{}", ran.file("said"));
    if implemented(test, &report, "4.2.1.4") {
        for line in files.lines() {
            let (mode, path) = line.split_once(' ').unwrap();
            let mode = u32::from_str_radix(mode, 8).unwrap();
            assert_eq!(mode & !0o640, 0, "{path}: {mode:o}");
        }
    }
}
