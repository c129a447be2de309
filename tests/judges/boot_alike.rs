//! Made-up units, links and drop-ins: what the tree's own systemd would start at boot
//! (`systemd --test`), and our verdict about it.

use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, holds, service_states};
use crate::dice::{Dice, rounds};
use crate::support::skip;

const ETC: &str = "/etc/systemd/system";
const LIB: &str = "/lib/systemd/system";

const PLACES: &[&str] = &[
    "/etc/systemd/system/default.target",
    "/etc/systemd/system/judge.service",
    "/etc/systemd/system/judge.service.d",
    "/etc/systemd/system/judge-too.service",
    "/etc/systemd/system/multi-user.target.d",
    "/etc/systemd/system/multi-user.target.requires",
    "/etc/systemd/system/multi-user.target.wants/judge.service",
    "/etc/systemd/system/multi-user.target.wants/other.service",
    "/etc/systemd/system/other.service",
    "/etc/systemd/system/rescue.target.wants",
    "/etc/systemd/system/sysinit.target.wants/judge.service",
    "/etc/systemd/system/timers.target.wants/judge.service",
    "/lib/systemd/system/judge.service",
];

/// The targets of every Debian, as far as they decide here.
fn booting() -> MemoryRootfs {
    let unit =
        |root: MemoryRootfs, name: &str, text: &str| root.file(&format!("{LIB}/{name}"), text);
    let mut root = MemoryRootfs::new()
        .file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")
        .file_with("/lib/systemd/systemd", "x", 0o755, 0, 0)
        .link(&format!("{LIB}/default.target"), "graphical.target");
    for (name, text) in [
        ("graphical.target", "[Unit]\nRequires=multi-user.target\nConflicts=rescue.target\n"),
        ("multi-user.target", "[Unit]\nRequires=basic.target\nConflicts=rescue.target\n"),
        ("basic.target", "[Unit]\nRequires=sysinit.target\nWants=sockets.target timers.target\n"),
        ("sysinit.target", "[Unit]\nDescription=early\n"),
        ("sockets.target", "[Unit]\nDescription=sockets\n"),
        ("timers.target", "[Unit]\nDescription=timers\n"),
        ("rescue.target", "[Unit]\nRequires=sysinit.target\n"),
    ] {
        root = unit(root, name, text);
    }
    root
}

fn service(dice: &mut Dice) -> String {
    let mut text = dice
        .pick(&["[Unit]\nDescription=judge\n", "[Unit]\nDefaultDependencies=no\n", ""])
        .to_owned();
    text += dice.pick(&[
        "[Service]\nExecStart=/bin/true\n",
        "[Service]\nExecStart=/bin/true\n",
        "[Service]\nExecStart=/bin/true\n",
        "[Service]\nExecStart=/bin/true\nExecStart=/bin/false\n",
        "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=/bin/false\n",
        "[Service]\nExecStart=/bin/true\nExecStart=\n",
        "[Service]\nExecStart=/bin/true\nExecStart=\nExecStart=/bin/false\n",
        "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/true\n",
        "[Service]\nDescription=x\n",
        "garbage\n",
        "[Service\nExecStart=/bin/true\n",
    ]);
    text + "[Install]\nWantedBy=multi-user.target\n"
}

fn other(dice: &mut Dice) -> String {
    let asks = dice.pick(&[
        "Requires=judge.service",
        "Wants=judge.service",
        "BindsTo=judge.service",
        "Conflicts=judge.service",
        "Wants=judge-too.service",
        "After=judge.service",
        "PartOf=judge.service",
        "Wants=missing.service judge.service",
        "Requires=missing.service\nWants=judge.service",
        "Wants=judge.service\nWants=",
    ]);
    format!("[Unit]\n{asks}\n[Service]\nExecStart=/bin/true\n")
}

fn tree(dice: &mut Dice) -> MemoryRootfs {
    let mut tree = booting();
    let file =
        dice.pick(&["/etc/systemd/system/judge.service", "/lib/systemd/system/judge.service"]);
    tree = tree.file(file, service(dice));
    for _ in 0..=dice.below(3) {
        let wants = format!("{ETC}/multi-user.target.wants");
        tree = match dice.below(14) {
            0..=3 => tree.link(&format!("{wants}/judge.service"), file),
            4 => tree.link(&format!("{ETC}/sysinit.target.wants/judge.service"), file),
            5 => tree.link(&format!("{ETC}/timers.target.wants/judge.service"), file),
            6 => tree.link(&format!("{ETC}/rescue.target.wants/judge.service"), file),
            7 => tree
                .file(&format!("{ETC}/other.service"), other(dice))
                .link(&format!("{wants}/other.service"), &format!("{ETC}/other.service")),
            8 => tree.file(&format!("{ETC}/other.service"), other(dice)),
            9 => tree.file(
                &format!("{ETC}/judge.service.d/x.conf"),
                dice.pick(&[
                    "[Service]\nExecStart=/bin/false\n",
                    "[Service]\nExecStart=\nExecStart=/bin/false\n",
                    "[Service]\nExecStart=\n",
                    "[Unit]\nDefaultDependencies=no\n",
                    "[Service]\nType=oneshot\n",
                ])
                .as_bytes(),
            ),
            10 => tree.file(
                &format!("{ETC}/multi-user.target.d/x.conf"),
                dice.pick(&[
                    "[Unit]\nWants=judge.service\n",
                    "[Unit]\nConflicts=judge.service\n",
                    "[Unit]\nRequires=other.service\n",
                ])
                .as_bytes(),
            ),
            11 => tree.link(&format!("{ETC}/multi-user.target.requires/judge.service"), file),
            12 => tree.link(
                &format!("{ETC}/default.target"),
                dice.pick(&[
                    "/lib/systemd/system/rescue.target",
                    "/lib/systemd/system/multi-user.target",
                    "/lib/systemd/system/basic.target",
                ]),
            ),
            _ if file.starts_with("/lib") => {
                tree.link(&format!("{ETC}/judge.service"), "/dev/null")
            }
            _ => tree.link(&format!("{ETC}/judge-too.service"), "judge.service"),
        };
    }
    tree
}

#[test]
fn systemd_starts_what_we_say_it_starts() {
    let test = "systemd_starts_what_we_say_it_starts";
    let mut dice = Dice::new(test);
    let (states, rules) = service_states();
    let mut trials = Trials::new(PLACES);
    let mut wanted = Vec::new();
    for _ in 0..rounds(40) {
        let at = dice.below(2);
        trials.add(&[&rules[at]], &tree(&mut dice));
        wanted.push(states[at]);
    }
    let ask = r#"
if ! mountpoint -q /sys/fs/cgroup; then
    mount -t tmpfs sys /sys && mkdir -p /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup || { echo no cgroup; return; }
fi
setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_RUNTIME_DIR=/run \
    /lib/systemd/systemd --test --system --unit=default.target >/run/said 2>&1 </dev/null
if grep -q 'Action: judge.service -> start' /run/said; then echo start
elif grep -q 'Action: .* -> start' /run/said; then echo stays
elif grep -qi 'Failed to' /run/said; then echo nothing
else cat /run/said; fi"#;
    let programs = ["setpriv", "mountpoint"];
    let Some(answers) = trials.ask(test, &programs, "", "booted", ask) else { return };
    if answers.iter().all(|answer| answer.before == "no cgroup") {
        skip(test, "no control groups can be mounted here");
        return;
    }
    let starts = answers.iter().any(|a| a.before == "start" || a.after == "start");
    assert!(starts, "systemd starts it in none of the trees");
    let mut counts = [0; 3];
    for (answer, wanted) in answers.iter().zip(&wanted) {
        let (was, is) = (holds(answer.was.outcome), holds(answer.is.outcome));
        for (holds, said) in [(was, &answer.before), (is, &answer.after)] {
            match (*wanted, holds, said.as_str()) {
                (_, _, "start" | "stays" | "nothing") => {}
                _ => answer.wrong("systemd gives no answer"),
            }
            match (*wanted, holds, said.as_str()) {
                ("enabled", true, "stays" | "nothing") => {
                    answer.wrong("met, but it does not start")
                }
                ("disabled", true, "start") => answer.wrong("met, but it starts"),
                _ => {}
            }
        }
        counts[usize::from(was) + usize::from(is)] += 1;
    }
    println!("not mended, mended, right already: {counts:?}");
}
