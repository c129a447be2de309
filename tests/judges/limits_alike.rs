//! Made-up limits: what pam_limits gives a session, and our verdict about it.

use gokaku::check::Outcome;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule};
use crate::dice::{Dice, rounds};

const WANT: &str =
    r#"limits = { item = "core", value = 0, path = "/etc/security/limits.d/60-CIS.conf" }"#;

fn line(dice: &mut Dice) -> String {
    let domain = dice.pick(&[
        "*",
        "*",
        "*",
        "*",
        "alice",
        "@alice",
        "bob",
        "@root",
        "root",
        "1000:",
        ":2000",
        "@1000:",
        "%alice",
        "@@alice",
        "1500:1600",
        "**",
        "ALICE",
    ]);
    let kind = dice.pick(&["hard", "hard", "hard", "-", "soft", "HARD", "Hard"]);
    let item = dice.pick(&["core", "core", "core", "core", "msgqueue", "CORE", "cores"]);
    let value =
        dice.pick(&["0", "0", "0", "unlimited", "1024", "-1", "infinity", "1", "00", "0x0"]);
    let gap = dice.pick(&[" ", "\t", "   "]);
    match dice.below(10) {
        0 => format!("#{domain} {kind} {item} {value}"),
        1 => String::new(),
        2 => format!("{domain} -"),
        3 => format!("  {domain}{gap}{kind}{gap}{item}{gap}{value}"),
        4 => format!("{domain} {kind} {item} {value} # note"),
        _ => format!("{domain}{gap}{kind}{gap}{item}{gap}{value}"),
    }
}

fn text(dice: &mut Dice) -> String {
    dice.some(3, line).join("\n") + dice.pick(&["\n", "\n", ""])
}

#[test]
fn sessions_and_we_agree_on_core_dumps() {
    let test = "sessions_and_we_agree_on_core_dumps";
    let mut dice = Dice::new(test);
    let want = rule(WANT);
    let mut trials = Trials::new(&["/etc/security/limits.conf", "/etc/security/limits.d"]);
    for _ in 0..rounds(100) {
        // What no package owns may be changed.
        let mut tree = MemoryRootfs::new()
            .file("/var/lib/dpkg/status", "")
            .file("/var/lib/dpkg/info/none.list", "/none\n")
            .dir("/etc/security/limits.d", 0o755, 0, 0)
            .file("/etc/security/limits.conf", text(&mut dice));
        for _ in 0..dice.below(3) {
            let name =
                dice.pick(&["10-a.conf", "60-CIS.conf", "90-z.conf", "note", "Z.conf", ".h.conf"]);
            tree = tree.file(&format!("/etc/security/limits.d/{name}"), text(&mut dice));
        }
        trials.add(&[&want], &tree);
    }
    let prepare =
        "inside useradd -M -u 1500 -s /bin/bash alice\nulimit -c unlimited 2>/dev/null || true";
    let ask = "su alice -s /bin/bash -c 'ulimit -H -c' 2>&1";
    let Some(answers) = trials.ask(test, &["su", "bash", "useradd"], prepare, "inside", ask) else {
        return;
    };
    let mut counts = [0; 3];
    for answer in &answers {
        let (was, is) = (answer.was.outcome == Outcome::Met, answer.is.outcome == Outcome::Met);
        if was && answer.before.trim() != "0" {
            answer.wrong("met, but a session may dump core");
        }
        if is && answer.after.trim() != "0" {
            answer.wrong("mended, but a session may dump core");
        }
        counts[usize::from(was) + usize::from(is)] += 1;
    }
    println!("not mended, mended, right already: {counts:?}");
}
