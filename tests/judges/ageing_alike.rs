//! Made-up lines of `shadow`: what chage reads in them, and our verdict about it.

use std::fmt::Write;

use gokaku::check::Outcome;
use gokaku::profile::Rule;
use gokaku::rootfs::MemoryRootfs;

use crate::alike::{Trials, rule};
use crate::dice::{Dice, rounds};

/// A field by name, the label `chage` gives it, and whether a value is right.
type Field = (&'static str, &'static str, fn(i64) -> bool);

/// The field, as chage names it, and what is right.
const FIELDS: &[Field] = &[
    (r#"account_ageing = { field = "min", min = 1, write = 1 }"#, "Minimum number of days", |n| {
        n >= 1
    }),
    (
        r#"account_ageing = { field = "max", min = 1, max = 365, write = 365 }"#,
        "Maximum number of days",
        |n| (1..=365).contains(&n),
    ),
    (
        r#"account_ageing = { field = "warn", min = 7, write = 7 }"#,
        "Number of days of warning",
        |n| n >= 7,
    ),
];

/// Never below 0: chage then passes over the whole line, while each row mends its own field.
fn number(dice: &mut Dice) -> &'static str {
    dice.pick(&["", "0", "1", "1", "7", "7", "14", "90", "365", "365", "366", "99999"])
}

#[test]
fn chage_and_we_agree_on_ageing() {
    let test = "chage_and_we_agree_on_ageing";
    let mut dice = Dice::new(test);
    let rules: Vec<Rule> = FIELDS.iter().map(|(want, _, _)| rule(want)).collect();
    let mut trials = Trials::new(&["/etc/passwd", "/etc/group", "/etc/shadow"]);
    let mut judged = Vec::new();
    // Changed lately, so that no account is near its expiry.
    let today =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
            / 86400;
    let root = "root:x:0:0:root:/root:/bin/sh\n";
    for _ in 0..rounds(120) {
        let hash =
            dice.pick(&["$6$a$b", "$6$a$b", "$6$a$b", "$y$j9T$a$b", "!", "*", "!$6$a$b", "!!"]);
        let changed = today - dice.below(3) as u64;
        let mut line = format!("alice:{hash}:{changed}");
        for _ in 0..3 {
            let _ = write!(line, ":{}", number(&mut dice));
        }
        let inactive = dice.pick(&["", "30"]);
        let _ = write!(line, ":{inactive}::");
        let tree = MemoryRootfs::new()
            .file("/etc/passwd", format!("{root}alice:x:1000:1000::/home/alice:/bin/sh\n"))
            .file("/etc/group", "root:x:0:\nalice:x:1000:\n")
            .file("/etc/shadow", format!("root:*:18000:0:99999:7:::\n{line}\n"));
        let in_use = hash.starts_with('$');
        judged.push((in_use, trials.add(&rules.iter().collect::<Vec<_>>(), &tree)));
    }
    let Some(answers) = trials.ask(test, &["chage"], "", "inside", "chage -l alice") else {
        return;
    };
    let mut counts = [0; 3];
    for (answer, (in_use, (before, after))) in answers.iter().zip(&judged) {
        for (at, (_, name, right)) in FIELDS.iter().enumerate() {
            let field = |said: &str, name: &str| {
                let line = said.lines().find(|l| l.starts_with(name));
                let value = line.and_then(|l| l.rsplit(':').next()).map(str::trim);
                let value = value.and_then(|v| v.parse::<i64>().ok());
                value.unwrap_or_else(|| answer.wrong("chage says nothing"))
            };
            let value = |said: &str| field(said, name);
            // With a minimum above the maximum nobody can change a password; either row may say so.
            let at_odds = |said: &str| {
                let (min, max) = (field(said, FIELDS[0].1), field(said, FIELDS[1].1));
                max >= 0 && min > max
            };
            let (was, is) = (before[at].outcome == Outcome::Met, after[at].outcome == Outcome::Met);
            let differ = was != right(value(&answer.before));
            if *in_use && differ && (was || !at_odds(&answer.before)) {
                answer.wrong(&format!("{name}: we and chage differ: {:?}", before[at]));
            }
            if *in_use && is && (!right(value(&answer.after)) || at_odds(&answer.after)) {
                answer.wrong(&format!("{name}: mended, but chage sees it otherwise"));
            }
            // Nobody is aged who has no password to change.
            if !in_use && value(&answer.before) != value(&answer.after) {
                answer.wrong(&format!("{name}: changed for an account without a password"));
            }
            counts[usize::from(was) + usize::from(is)] += 1;
        }
    }
    println!("not mended, mended, right already: {counts:?}");
}
