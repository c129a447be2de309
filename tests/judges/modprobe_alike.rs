//! `install` lines in made-up modprobe directories: modprobe and we agree on what is blocked.

use gokaku::check::Outcome;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule, stanza};
use crate::bench::here;
use crate::dice::{Dice, rounds};
use crate::modprobe::KERNEL;
use crate::support::skip;

/// The judged module. Its name is part of another's, and patterns can match it.
const MODULES: &[&str] = &["hfs", "usb-storage"];

const NAMES: &[&str] = &[
    "CIS.conf",
    "00-a.conf",
    "10-x.conf",
    "a.conf",
    "blacklist.conf",
    "Z.conf",
    "z.alias",
    ".hidden.conf",
    "x.conf.bak",
    "noext",
    "m.conf~",
    "-.conf",
    "_.conf",
];

const PATTERNS: &[&str] = &[
    "hfs",
    "hfs",
    "hfs",
    "usb-storage",
    "usb_storage",
    "hfsplus",
    "HFS",
    "hfs*",
    "h?s",
    "[gh]fs",
    "[!g]fs",
    "*",
    "usb[-_]storage",
    "usb*",
    "hfs\\*",
    "\\hfs",
    "hf",
    "fs-hfs",
    "{hfs,x}",
    "usb?storage",
];

const COMMANDS: &[&str] = &[
    "/bin/true",
    "/bin/true",
    "/bin/true",
    "/bin/false",
    "/usr/bin/true",
    "/usr/bin/false",
    "/bin/true # x",
    "/bin/true; /sbin/insmod x",
    "",
    "/sbin/modprobe -i hfs",
    "/bin/true\r",
    "true",
    "/bin/true ",
    "/bin/true\t",
    "/bin/truer",
    "/bin/true --x",
    "/BIN/TRUE",
    "\"/bin/true\"",
    "/bin/tr\\\nue",
    "\\\n/bin/true",
];

fn line(dice: &mut Dice) -> String {
    let pattern = dice.pick(PATTERNS);
    if dice.once_in(4) {
        return format!("install {} /bin/true", dice.pick(MODULES));
    }
    match dice.below(14) {
        0 => format!("blacklist {pattern}"),
        1 => format!("options {pattern} x=1"),
        2 => "# a remark".to_owned(),
        3 => "# a remark that goes on \\".to_owned(),
        4 => " # indented \\".to_owned(),
        5 => String::new(),
        6 => format!("#install {pattern} /bin/true"),
        // With the module's own name it would make the module known, and patterns would bind it.
        7 => "remove hfsx /bin/true".to_owned(),
        8 => format!("Install {pattern} /bin/true"),
        9 => format!("alias fs-{pattern} hfs"),
        _ => {
            let indent = dice.pick(&["", "", "", " ", "\t", "\u{c}", "\\\n"]);
            let between = dice.pick(&[" ", " ", "\t", "  ", " \\\n ", "\u{b}"]);
            let before = dice.pick(&[" ", " ", "\t", "   "]);
            format!("{indent}install{between}{pattern}{before}{}", dice.pick(COMMANDS))
        }
    }
}

fn text(dice: &mut Dice) -> String {
    let end = dice.pick(&["\n", "\n", "\n", "\n", "\r\n"]);
    let mut text = dice.some(5, line).join(end);
    if !dice.once_in(4) {
        text += end;
    }
    text
}

fn tree(dice: &mut Dice, packages: &str, on_disk: bool) -> MemoryRootfs {
    let mut tree = MemoryRootfs::new().file("/var/lib/dpkg/status", packages);
    if on_disk {
        let names = ["hfs", "hfsplus", "usb-storage"].map(|m| format!("kernel/fs/{m}.ko:\n"));
        tree = tree.file("/lib/modules/5.4.0-judge/modules.dep", names.concat());
    }
    for dir in
        ["/etc/modprobe.d", "/lib/modprobe.d", "/usr/lib/modprobe.d", "/usr/local/lib/modprobe.d"]
    {
        if dice.once_in(4) {
            continue;
        }
        tree = tree.dir(dir, 0o755, 0, 0);
        for _ in 0..dice.below(4) {
            let name = dice.pick(NAMES);
            let path = format!("{dir}/{name}");
            tree = match dice.below(12) {
                0 => tree.without(&path).link(&path, "/dev/null"),
                1 => tree.without(&path).link(&path, "nowhere"),
                // A link to itself, which neither of us needs to read, is left out.
                2 if name != "a.conf" => tree.without(&path).link(&path, "a.conf"),
                3 => tree.without(&path).dir(&path, 0o755, 0, 0),
                _ => tree.without(&path).file(&path, text(dice)),
            };
        }
    }
    tree
}

/// Whether what modprobe would do keeps the module out. `None`: it does, in words that only a
/// shell understands and that we need not.
fn blocks(said: &str) -> Option<bool> {
    let Some(command) = said.strip_prefix("install ") else { return Some(false) };
    let command = command.trim_matches([' ', '\t']);
    let good = ["/bin/true", "/bin/false", "/usr/bin/true", "/usr/bin/false"];
    if good.contains(&command) {
        return Some(true);
    }
    let first = command.split([' ', '\t']).next().unwrap_or_default().trim_matches('"');
    (!good.contains(&first) || command.contains(';')).then_some(false)
}

#[test]
fn modprobe_and_we_agree_on_what_is_blocked() {
    let test = "modprobe_and_we_agree_on_what_is_blocked";
    if !here(test, "gcc", "gcc") {
        return;
    }
    let Some(packages) = stanza(test, "kmod") else { return };
    let mut dice = Dice::new(test);
    let mut trials = Trials::new(&[
        "/etc/modprobe.d",
        "/lib/modprobe.d",
        "/usr/lib/modprobe.d",
        "/usr/local/lib/modprobe.d",
    ]);
    let mut asked = Vec::new();
    for _ in 0..rounds(150) {
        let (module, on_disk) = (dice.pick(MODULES), dice.once_in(2));
        let want = rule(&format!("kernel_module = {{ name = \"{module}\" }}"));
        trials.add(&[&want], &tree(&mut dice, &packages, on_disk));
        let release = if on_disk { "5.4.0-judge" } else { "none" };
        asked.extend([(module, release), (module, release)]);
    }
    // The modules stand beside the trials: made once, out of the way of those without a kernel.
    let cases = asked
        .iter()
        .enumerate()
        .map(|(n, (m, r))| format!("{n}) modprobe -S {r} -n -v {m} 2>/dev/null ;;"));
    let ask = format!("case $n in\n{}\nesac", cases.collect::<Vec<_>>().join("\n"));
    let Some(answers) = trials.ask(test, &["modprobe", "depmod"], KERNEL, "inside", &ask) else {
        return;
    };
    let mut counts = [0; 3];
    for answer in &answers {
        let (met, mended) = (answer.was.outcome == Outcome::Met, answer.is.outcome == Outcome::Met);
        if blocks(&answer.before).is_some_and(|b| b != met) {
            answer.wrong("we and modprobe differ");
        }
        if blocks(&answer.after).is_some_and(|b| b != mended) {
            answer.wrong("we and modprobe differ after mending");
        }
        counts[usize::from(met) + usize::from(mended)] += 1;
    }
    println!("not mended, mended, blocked already: {counts:?}");
    if counts.contains(&0) && answers.len() > 50 {
        skip(test, "the dice left a kind of case out");
    }
}
