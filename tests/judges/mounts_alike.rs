//! Made-up fstabs: what the tree's own mount makes of them, and our verdict about it.

use gokaku::check::Outcome;
use gokaku::profile::Rule;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule};
use crate::dice::{Dice, rounds};

const TARGET: &str = "/var/tmp";
const OPTIONS: &[&str] = &["nodev", "nosuid", "noexec"];

const WORDS: &[&str] = &[
    "defaults",
    "rw",
    "ro",
    "nodev",
    "nodev",
    "dev",
    "nosuid",
    "nosuid",
    "suid",
    "noexec",
    "noexec",
    "exec",
    "user",
    "users",
    "owner",
    "group",
    "nouser",
    "auto",
    "size=1m",
    "mode=1777",
    "relatime",
    "comment=nodev",
    "x-systemd.automount",
    "nofail",
    "_netdev",
    "NODEV",
    "nodev=1",
];

/// No other escapes than those of blanks: mount decodes more of them than systemd of 18.04 does.
fn line(dice: &mut Dice) -> String {
    let target = dice.pick(&[
        "/var/tmp",
        "/var/tmp",
        "/var/tmp",
        "/var/tmp",
        "/var/tmp/",
        "/var//tmp",
        "/var/tmp\\040",
        "/tmp",
        "/var/tmp2",
        "/var",
        "/VAR/TMP",
        "none",
    ]);
    let mut options = dice.some(6, |d| d.pick(WORDS)).join(",");
    if options.is_empty() || dice.once_in(20) {
        options = dice.pick(&["defaults", "rw,", ",nodev", "nodev,,nosuid"]).to_owned();
    }
    let gap = dice.pick(&[" ", "\t", "  ", " \t "]);
    let indent = dice.pick(&["", "", "", "", " ", "\t"]);
    let end = dice.pick(&[" 0 0", "\t0\t0", "", " 0", " 0 0 ", " 0 0 # a remark"]);
    match dice.below(10) {
        0 => format!("#tmpfs {target} tmpfs {options} 0 0"),
        1 => String::new(),
        _ => format!("{indent}tmpfs{gap}{target}{gap}tmpfs{gap}{options}{end}"),
    }
}

#[test]
fn mount_and_we_agree_on_options() {
    let test = "mount_and_we_agree_on_options";
    let mut dice = Dice::new(test);
    let rules: Vec<Rule> = OPTIONS
        .iter()
        .map(|o| rule(&format!("mount = {{ target = \"{TARGET}\", option = \"{o}\" }}")))
        .collect();
    let mut trials = Trials::new(&["/etc/fstab"]);
    let mut judged = Vec::new();
    let mut counts = Vec::new();
    for _ in 0..rounds(120) {
        let lines: Vec<String> = (0..=dice.below(3)).map(|_| line(&mut dice)).collect();
        let text = lines.join("\n") + dice.pick(&["\n", "\n", ""]);
        let tree = MemoryRootfs::new().file("/etc/fstab", &text);
        judged.push(trials.add(&rules.iter().collect::<Vec<_>>(), &tree));
        let about =
            lines.iter().filter(|l| !l.starts_with('#') && l.contains("var") && l.contains("tmp"));
        counts.push(about.count());
    }
    // What findmnt reads, and the mount itself.
    let ask = "findmnt --fstab --tab-file /etc/fstab -n -r -o OPTIONS /var/tmp | tail -n 1\n\
               echo ===\n\
               mount /var/tmp && { findmnt -n -r -o VFS-OPTIONS /var/tmp; umount /var/tmp; }";
    let Some(answers) = trials.ask(test, &["mount", "findmnt"], "", "booted", ask) else { return };
    let (mut met, mut mended, mut vacuous) = (0, 0, 0);
    for ((answer, (before, after)), lines) in answers.iter().zip(&judged).zip(&counts) {
        for (at, option) in OPTIONS.iter().enumerate() {
            for (said, row) in [(&answer.before, &before[at]), (&answer.after, &after[at])] {
                let (read, mounted) = said.split_once("===").unwrap();
                let has = |text: &str| text.trim().split(',').any(|w| w == *option);
                // It refuses some lines: what does not mount is no trouble.
                let refused = mounted.lines().any(|l| l.starts_with("mount:"));
                match row.outcome {
                    Outcome::Met if !refused && !has(mounted) => {
                        answer.wrong(&format!("{option}: met, but it is mounted without"));
                    }
                    Outcome::MetVacuously if !mounted.contains("can't find in") => {
                        answer.wrong(&format!("{option}: no such mount, but it can be mounted"));
                    }
                    // Written, in force, not contradicted, and the only line: it must do.
                    Outcome::NotMet
                        if !refused
                            && has(mounted)
                            && has(read)
                            && !read.trim().split(',').any(|w| w == &option[2..])
                            && *lines == 1 =>
                    {
                        answer.wrong(&format!(
                            "{option}: written and in force, but not met: {row:?}"
                        ));
                    }
                    _ => {}
                }
            }
            match (before[at].outcome, after[at].outcome) {
                (Outcome::Met, _) => met += 1,
                (Outcome::MetVacuously, _) => vacuous += 1,
                (_, Outcome::Met) => mended += 1,
                _ => {}
            }
        }
    }
    println!("met {met}, mended {mended}, no such mount {vacuous}, of {}", 3 * answers.len());
}
