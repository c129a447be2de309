//! Made-up sysctl directories: what systemd-sysctl and procps would tell the kernel, and our
//! verdict about it.

use gokaku::check::Outcome;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule, stanza};
use crate::dice::{Dice, rounds};

/// The keys that are judged, with what is wanted.
const KEYS: &[(&str, &str)] = &[
    ("net.ipv4.conf.all.send_redirects", "0"),
    ("net.ipv4.tcp_syncookies", "1"),
    ("net.ipv6.conf.default.accept_ra", "0"),
];

const NAMES: &[&str] = &[
    "60-CIS.conf",
    "10-a.conf",
    "99-z.conf",
    "99-sysctl.conf",
    "zz.conf",
    "A.conf",
    ".hidden.conf",
    "x.conf.bak",
    "README",
    "99-cloudimg-ipv6.conf",
    "50-default.conf",
];

const DIRS: &[&str] =
    &["/etc/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"];

/// Every place that one of the two reads.
const PLACES: &[&str] = &[
    "/etc/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
    "/etc/sysctl.conf",
];

/// How the files of one tree may be spelled.
#[derive(Clone, Copy, PartialEq)]
enum Spelling {
    /// As every release of both reads it.
    Plain,
    /// With what later releases understand and 18.04's do not.
    New,
}

fn line(dice: &mut Dice, spelling: Spelling) -> String {
    let (key, want) = dice.pick(KEYS);
    let value = match dice.below(6) {
        0 => "2",
        1 | 2 => dice.pick(&["0", "1"]),
        _ => want,
    };
    let key = match dice.below(6) {
        0 => key.replace('.', "/"),
        1 => key.replacen('.', "/", 1).replacen("conf.", "conf/", 1).replace("ipv4.", "ipv4/"),
        _ => key.to_owned(),
    };
    let key = match (spelling, dice.below(6)) {
        (Spelling::New, 0) => format!("-{key}"),
        (Spelling::New, 1) => key.replace("all", "*").replace("default", "*"),
        (Spelling::New, 2) => format!("-{}", key.replace("default", "*")),
        _ => key,
    };
    let around = dice.pick(&[" = ", "=", " =", "= ", "\t=\t", " = "]);
    let indent = dice.pick(&["", "", "", " ", "\t"]);
    match dice.below(12) {
        0 => format!("#{key}{around}{value}"),
        1 => format!("; {key}{around}{value}"),
        2 => format!("  # {key}{around}{value}"),
        3 => String::new(),
        4 => "kernel.printk = 4 4 1 7".to_owned(),
        5 => "net.ipv4.tcp_syncookies_more=5".to_owned(),
        _ => format!("{indent}{key}{around}{value}{}", dice.pick(&["", "", "", " ", "\t"])),
    }
}

fn text(dice: &mut Dice, spelling: Spelling) -> String {
    let lines = dice.some(5, |d| line(d, spelling));
    lines.join("\n") + dice.pick(&["\n", "\n", "\n", ""])
}

fn tree(dice: &mut Dice, packages: &str, spelling: Spelling) -> MemoryRootfs {
    let mut tree = MemoryRootfs::new().file("/var/lib/dpkg/status", packages);
    for dir in DIRS {
        if dice.once_in(3) {
            continue;
        }
        tree = tree.dir(dir, 0o755, 0, 0);
        for _ in 0..dice.below(4) {
            let name = dice.pick(NAMES);
            let path = format!("{dir}/{name}");
            tree = match dice.below(14) {
                0 => tree.without(&path).link(&path, "/dev/null"),
                // A link to itself, which neither of us needs to read, is left out.
                1 if name != "10-a.conf" => tree.without(&path).link(&path, "10-a.conf"),
                _ => tree.without(&path).file(&path, text(dice, spelling)),
            };
        }
    }
    if !dice.once_in(4) {
        tree = tree.file("/etc/sysctl.conf", text(dice, spelling));
        if !dice.once_in(3) {
            tree = tree
                .without("/etc/sysctl.d/99-sysctl.conf")
                .link("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
        }
    }
    tree
}

fn agree(test: &str, spelling: Spelling) {
    let Some(packages) = stanza(test, "procps").zip(stanza(test, "systemd")) else { return };
    let packages = packages.0 + &packages.1;
    let mut dice = Dice::new(test);
    let mut trials = Trials::new(PLACES);
    let mut asked = Vec::new();
    for _ in 0..rounds(100) {
        let (key, want) = dice.pick(KEYS);
        let want = rule(&format!("sysctl = {{ key = \"{key}\", value = \"{want}\" }}"));
        trials.add(&[&want], &tree(&mut dice, &packages, spelling));
        asked.extend([key, key]);
    }
    // What no file says is `7`; both write to plain files.
    let settings: Vec<String> = KEYS.iter().map(|(key, _)| format!("{key}=7")).collect();
    let prepare = format!(
        "kernel_settings {} net.ipv4.conf.default.send_redirects=7 net.ipv6.conf.all.accept_ra=7",
        settings.join(" ")
    );
    let reset: Vec<String> = KEYS
        .iter()
        .map(|(key, _)| format!("echo 7 >/proc/sys/{}", key.replace('.', "/")))
        .collect();
    let cases: Vec<String> = asked
        .iter()
        .enumerate()
        .map(|(n, key)| format!("{n}) key={} ;;", key.replace('.', "/")))
        .collect();
    let ask = format!(
        "case $n in\n{}\nesac\n\
         for tool in /lib/systemd/systemd-sysctl 'sysctl --system'; do\n\
         {}\n\
         $tool >/dev/null 2>&1\n\
         cat /proc/sys/$key\n\
         done",
        cases.join("\n"),
        reset.join("\n")
    );
    let programs = ["systemd-sysctl", "sysctl"];
    let Some(answers) = trials.ask(test, &programs, &prepare, "booted", &ask) else { return };
    let mut counts = [0; 3];
    for (answer, key) in answers.iter().zip(asked.chunks(2)) {
        let want = KEYS.iter().find(|(k, _)| *k == key[0]).unwrap().1;
        let (met, mended) = (answer.was.outcome == Outcome::Met, answer.is.outcome == Outcome::Met);
        for (met, said) in [(met, &answer.before), (mended, &answer.after)] {
            let right = said.lines().map(str::trim).eq([want, want]);
            if met && !right {
                answer.wrong(&format!("{}: met, but the kernel is told something else", key[0]));
            }
            // 18.04's readers may see less in the new spellings.
            if right && !met && spelling == Spelling::Plain {
                answer.wrong(&format!("{}: right, but not met", key[0]));
            }
        }
        counts[usize::from(met) + usize::from(mended)] += 1;
    }
    println!("not mended, mended, right already: {counts:?}");
}

#[test]
fn both_readers_of_parameters_and_we_agree() {
    agree("both_readers_of_parameters_and_we_agree", Spelling::Plain);
}

#[test]
fn what_is_met_in_new_spellings_is_right_for_both_readers() {
    agree("what_is_met_in_new_spellings_is_right_for_both_readers", Spelling::New);
}
