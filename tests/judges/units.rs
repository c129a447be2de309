//! The tree's own systemctl says what starts at boot.

use std::collections::BTreeMap;

use crate::bench::{implemented, judged};
use crate::support::{Ran, rows};

/// Everything that systemctl knows, and its state.
fn states(ran: &Ran, name: &str) -> BTreeMap<String, String> {
    ran.file(name)
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?.to_owned(), words.next()?.to_owned()))
        })
        .collect()
}

fn list(name: &str) -> String {
    format!("inside systemctl list-unit-files --no-legend --no-pager >\"$OUT/{name}\"\n")
}

#[test]
fn what_starts_at_boot_is_as_before_on_a_good_tree() {
    let test = "what_starts_at_boot_is_as_before_on_a_good_tree";
    let Some(ran) = judged(test, &["systemctl"], &list("before"), &list("after")) else { return };
    let (before, after) = (states(&ran, "before"), states(&ran, "after"));
    assert!(before.len() > 20, "{before:?}");
    assert_eq!(before, after);
    for unit in ["rsyslog", "cron", "ssh", "apparmor"] {
        assert_eq!(after[&format!("{unit}.service")], "enabled", "{unit}");
    }
}

#[test]
fn what_was_switched_off_starts_again_and_the_automounter_does_not() {
    let test = "what_was_switched_off_starts_again_and_the_automounter_does_not";
    let prepare = r#"
inside systemctl disable rsyslog ntp >/dev/null 2>&1
inside systemctl mask cron >/dev/null 2>&1
mkdir -p "$GOKAKU_ROOT/lib/systemd/system"
cat >"$GOKAKU_ROOT/lib/systemd/system/autofs.service" <<'END'
[Unit]
Description=automounter
[Service]
ExecStart=/bin/true
[Install]
WantedBy=multi-user.target
Alias=automount.service
END
cat >>"$GOKAKU_ROOT/var/lib/dpkg/status" <<'END'

Package: autofs
Status: install ok installed
Architecture: amd64
Version: 5.1.2-1ubuntu3
Maintainer: nobody
Description: automounter
END
inside systemctl enable autofs >/dev/null 2>&1
"#
    .to_owned()
        + &list("before");
    let look = list("after")
        + "for u in rsyslog cron autofs ntp ufw ssh apparmor; do
            echo \"$u.service $(inside systemctl is-enabled $u 2>/dev/null)\"
        done >\"$OUT/enabled\"
        inside systemctl --root=/ get-default >\"$OUT/default\"
        inside sh -c 'cd /etc/systemd/system && find . -name autofs.service -o -name automount.service' >\"$OUT/links\"";
    let Some(ran) = judged(test, &["systemctl"], &prepare, &look) else { return };
    let report = ran.json("apply.json");
    let (before, after) = (states(&ran, "before"), states(&ran, "after"));
    let enabled = states(&ran, "enabled");
    assert_eq!(before["autofs.service"], "enabled");
    assert_eq!(before["cron.service"], "masked");
    for (row, unit, want) in [
        ("4.2.1.2", "rsyslog.service", "enabled"),
        ("5.1.1", "cron.service", "enabled"),
        ("2.1.1.1", "ntp.service", "enabled"),
    ] {
        if implemented(test, &report, row) {
            let why = &rows(&report)[row]["reason"];
            assert_eq!(after[unit], want, "{row} {unit} {why}");
            assert_eq!(enabled[unit], want, "{row} {unit} {why}");
        }
    }
    if implemented(test, &report, "1.1.23") {
        assert!(["disabled", "masked"].contains(&after["autofs.service"].as_str()), "{after:?}");
        let links = ran.file("links");
        assert!(after["autofs.service"] == "masked" || links.is_empty(), "{links}");
    }
    for unit in ["ufw.service", "ssh.service", "apparmor.service"] {
        assert_eq!(enabled[unit], before[unit], "{unit}");
    }
}
