//! Made-up units and links: what systemctl says of them, and our verdict about it.

use std::fmt::Write;

use gokaku::rootfs::{ImagePath, MemoryRootfs, Rootfs};

use crate::alike::{Trials, holds, service_states};
use crate::dice::{Dice, rounds};

const PLACES: &[&str] = &[
    "/etc/systemd/system/judge.service",
    "/etc/systemd/system/judge-too.service",
    "/etc/systemd/system/multi-user.target.wants/judge.service",
    "/etc/systemd/system/multi-user.target.requires/judge.service",
    "/etc/systemd/system/timers.target.wants/judge.service",
    "/lib/systemd/system/judge.service",
    "/lib/systemd/system/multi-user.target.wants/judge.service",
    "/usr/lib/systemd/system/judge.service",
    "/usr/local/lib/systemd/system/judge.service",
];

const FRAGMENTS: &[&str] = &[
    "/etc/systemd/system/judge.service",
    "/lib/systemd/system/judge.service",
    "/lib/systemd/system/judge.service",
    "/usr/lib/systemd/system/judge.service",
    "/usr/local/lib/systemd/system/judge.service",
];

const LINKS: &[&str] = &[
    "/etc/systemd/system/multi-user.target.wants/judge.service",
    "/etc/systemd/system/multi-user.target.wants/judge.service",
    "/etc/systemd/system/multi-user.target.requires/judge.service",
    "/etc/systemd/system/timers.target.wants/judge.service",
    "/etc/systemd/system/judge-too.service",
    "/lib/systemd/system/multi-user.target.wants/judge.service",
];

fn unit(dice: &mut Dice) -> String {
    let mut text = "[Unit]\nDescription=judge\n[Service]\nExecStart=/bin/true\n".to_owned();
    if dice.once_in(6) {
        return text;
    }
    text +=
        dice.pick(&["[Install]\n", "[Install]\n", "[Install]\n", " [Install] \n", "# [Install]\n"]);
    for _ in 0..=dice.below(3) {
        let line = dice.pick(&[
            "WantedBy=multi-user.target",
            "WantedBy=multi-user.target",
            "WantedBy = multi-user.target timers.target",
            "WantedBy=\\\n  multi-user.target",
            "#WantedBy=timers.target",
            "; WantedBy=timers.target",
            "RequiredBy=multi-user.target",
            "Alias=judge-too.service",
            "Alias=judge.socket",
            "WantedBy=",
            "wantedby=timers.target",
            "DefaultInstance=x",
            "WantedBy=\"multi-user.target\"",
        ]);
        let _ = writeln!(text, "{line}");
    }
    text
}

/// `other_name`: with a link of the unit's other name. It starts nothing by itself, yet systemctl
/// calls the unit enabled for it.
fn tree(dice: &mut Dice, other_name: bool) -> MemoryRootfs {
    // Set up already: the first boot would set all units anew.
    let mut tree =
        MemoryRootfs::new().file("/etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    for _ in 0..dice.below(3) {
        let path = dice.pick(FRAGMENTS);
        tree = tree.without(path);
        tree = match dice.below(12) {
            0 if path.starts_with("/etc") => tree.link(path, "/dev/null"),
            1 if path.starts_with("/etc") => tree.file(path, ""),
            2 if path.starts_with("/etc") => tree.link(path, "/lib/systemd/system/judge.service"),
            _ => tree.file(path, unit(dice)),
        };
    }
    for _ in 0..dice.below(4) {
        let path = dice.pick(LINKS);
        if path.ends_with("too.service") && !other_name {
            continue;
        }
        tree = tree.without(path);
        tree = match dice.below(10) {
            // In a `.wants` it takes the link of a weaker place away, which systemctl does not tell.
            0 if !path.contains(".target.") => tree.link(path, "/dev/null"),
            1 => tree.link(path, "/lib/systemd/system/none.service"),
            2 => tree.file(path, unit(dice)),
            3 if path.starts_with("/etc") => {
                let up = if path.contains(".target.") { "../" } else { "" };
                tree.link(path, &format!("{up}judge.service"))
            }
            _ => tree.link(path, dice.pick(&FRAGMENTS[1..])),
        };
    }
    tree
}

#[test]
fn systemctl_and_we_agree_on_what_starts() {
    let test = "systemctl_and_we_agree_on_what_starts";
    let mut dice = Dice::new(test);
    let (states, rules) = service_states();
    let mut trials = Trials::new(PLACES);
    let mut wanted = Vec::new();
    let vendors = ImagePath::parse("/lib/systemd/system/multi-user.target.wants/judge.service");
    let vendors = vendors.unwrap();
    for _ in 0..rounds(150) {
        let at = dice.below(2);
        let tree = tree(&mut dice, at == 0);
        trials.add(&[&rules[at]], &tree);
        wanted.push((states[at], tree.stat(&vendors).unwrap().is_some()));
    }
    let ask = "systemctl --root=/ is-enabled judge.service 2>/dev/null || true";
    let Some(answers) = trials.ask(test, &["systemctl"], "", "inside", ask) else { return };
    let mut counts = [0; 3];
    for (answer, (wanted, by_vendor)) in answers.iter().zip(&wanted) {
        let (was, is) = (holds(answer.was.outcome), holds(answer.is.outcome));
        for (holds, said) in [(was, &answer.before), (is, &answer.after)] {
            let starts = said.starts_with("enabled");
            match (*wanted, holds, said.as_str()) {
                // A unit that no [Install] ties to a target starts when something pulls it in.
                ("enabled", true, "static" | "indirect") => {}
                // Of a vendor's link systemctl says nothing.
                ("enabled", true, "disabled") if *by_vendor => {}
                ("enabled", true, _) if !starts => answer.wrong("met, but it does not start"),
                ("disabled", true, _) if starts => answer.wrong("met, but it starts"),
                ("disabled", false, "masked") => answer.wrong("masked, but not met"),
                _ => {}
            }
        }
        counts[usize::from(was) + usize::from(is)] += 1;
    }
    println!("not mended, mended, right already: {counts:?}");
}
