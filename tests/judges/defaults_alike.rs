//! Made-up defaults for new accounts: what useradd makes of them, and our verdict about it.

use gokaku::check::Outcome;
use gokaku::profile::Rule;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule};
use crate::dice::{Dice, rounds};

/// What is wanted; the field of `shadow` that shows it (none: the mode of the home), what is right.
type Judged = (&'static str, Option<usize>, fn(i64) -> bool);

const JUDGED: &[Judged] = &[
    (r#"login_defs = { key = "PASS_MIN_DAYS", number = { min = 1, write = 1 } }"#, Some(3), |n| {
        n >= 1
    }),
    (
        r#"login_defs = { key = "PASS_MAX_DAYS", number = { min = 1, max = 365, write = 365 } }"#,
        Some(4),
        |n| (1..=365).contains(&n),
    ),
    (r#"login_defs = { key = "PASS_WARN_AGE", number = { min = 7, write = 7 } }"#, Some(5), |n| {
        n >= 7
    }),
    (r#"useradd_default = { key = "INACTIVE", min = 0, max = 30, write = 30 }"#, Some(6), |n| {
        (0..=30).contains(&n)
    }),
    (r#"login_defs = { key = "UMASK", umask = "027" }"#, None, |mode| mode & 0o027 == 0),
];

fn login_defs(dice: &mut Dice) -> String {
    let lines = dice.some(8, |dice| {
        let key = dice.pick(&[
            "PASS_MIN_DAYS",
            "PASS_MAX_DAYS",
            "PASS_WARN_AGE",
            "UMASK",
            "pass_max_days",
        ]);
        let value = match key {
            "UMASK" => dice
                .pick(&["022", "027", "077", "27", "0027", "0x17", "\"027\"", "027 022", "0022"]),
            _ => dice.pick(&[
                "0", "1", "7", "14", "365", "366", "99999", "-1", "0x7", "010", "\"7\"", "7 # note",
            ]),
        };
        let gap = dice.pick(&[" ", "\t", "\t\t", "  ", " \t"]);
        match dice.below(9) {
            0 => format!("#{key}{gap}{value}"),
            1 => format!("  {key}{gap}{value}"),
            2 => format!("{key}{gap}{value}  "),
            3 => format!("{key}={value}"),
            4 => format!("{key}_X{gap}{value}"),
            _ => format!("{key}{gap}{value}"),
        }
    });
    lines.join("\n") + dice.pick(&["\n", "\n", ""])
}

fn useradd(dice: &mut Dice) -> String {
    let lines = dice.some(3, |dice| {
        let value =
            dice.pick(&["30", "0", "-1", "31", "7", "", "35", "\"30\"", " 30", "30 ", "030"]);
        match dice.below(6) {
            0 => format!("# INACTIVE={value}"),
            1 => format!(" INACTIVE={value}"),
            2 => "SHELL=/bin/sh".to_owned(),
            _ => format!("INACTIVE={value}"),
        }
    });
    lines.join("\n") + dice.pick(&["\n", "\n", ""])
}

#[test]
fn useradd_and_we_agree_on_defaults() {
    let test = "useradd_and_we_agree_on_defaults";
    let mut dice = Dice::new(test);
    let rules: Vec<Rule> = JUDGED.iter().map(|(want, _, _)| rule(want)).collect();
    let mut trials = Trials::new(&["/etc/login.defs", "/etc/default/useradd"]);
    let mut judged = Vec::new();
    for _ in 0..rounds(60) {
        let tree = MemoryRootfs::new()
            .file("/etc/login.defs", login_defs(&mut dice))
            .file("/etc/default/useradd", useradd(&mut dice));
        judged.push(trials.add(&rules.iter().collect::<Vec<_>>(), &tree));
    }
    let ask = "useradd -m -k /nonexistent -N judge 2>/dev/null\n\
               grep ^judge: /etc/shadow\n\
               stat -c %a /home/judge 2>/dev/null\n\
               userdel -r judge >/dev/null 2>&1";
    let programs = ["useradd", "userdel"];
    let Some(answers) = trials.ask(test, &programs, "", "inside", ask) else { return };
    let (mut met, mut mended) = (0, 0);
    for (answer, (before, after)) in answers.iter().zip(&judged) {
        for (at, (want, field, right)) in JUDGED.iter().enumerate() {
            let right = |said: &str| {
                let (account, mode) = said.split_once('\n').unwrap_or((said, ""));
                let value = match field {
                    // An empty field sets nothing.
                    Some(field) => account.split(':').nth(*field).map(|v| v.parse().unwrap_or(-1)),
                    None => i64::from_str_radix(mode.trim(), 8).ok(),
                };
                value.is_some_and(right)
            };
            let (was, is) = (before[at].outcome == Outcome::Met, after[at].outcome == Outcome::Met);
            if was && !right(&answer.before) {
                answer.wrong(&format!("{want}: met, but useradd does otherwise"));
            }
            if is && !right(&answer.after) {
                answer
                    .wrong(&format!("{want}: mended, but useradd does otherwise: {:?}", after[at]));
            }
            met += usize::from(was);
            mended += usize::from(is && !was);
        }
    }
    println!("met {met}, mended {mended}, of {}", JUDGED.len() * answers.len());
}
