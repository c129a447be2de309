//! The answers of today against the two lists, and the lists written anew.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, PoisonError};

use super::{At, Compared, lists, place};

const WRONG: &str = "known-wrong.txt";
const STRICTER: &str = "stricter.txt";

/// A failure shows this many answers of a kind, and the number of the others.
const SHOWN: usize = 15;

/// The tests of the areas share the files.
static FILES: Mutex<()> = Mutex::new(());

/// What the environment variable `BLESS` asks for.
#[derive(Clone, Copy, PartialEq)]
enum Bless {
    /// Not set: nothing is written.
    No,
    /// Any text: answers that have become right leave the lists.
    Shrink,
    /// `stricter`: new stricter answers go into their list, too.
    Stricter,
}

impl Bless {
    fn from_env() -> Bless {
        match std::env::var_os("BLESS") {
            None => Bless::No,
            Some(word) if word == "stricter" => Bless::Stricter,
            Some(_) => Bless::Shrink,
        }
    }
}

/// Compares an area's answers with the lists, or writes the lists anew where `BLESS` asks for it.
///
/// # Errors
/// What is not as listed, and what to do.
pub fn check(seen: &Compared) -> Result<(), String> {
    let _one_at_a_time = FILES.lock().unwrap_or_else(PoisonError::into_inner);
    let read = |name| fs::read_to_string(place(name)).map_err(|e| format!("{name}: {e}"));
    let (wrong, stricter) = (read(WRONG)?, read(STRICTER)?);
    let Some((new_wrong, new_stricter)) = judge(seen, &wrong, &stricter, Bless::from_env())? else {
        return Ok(());
    };
    let write = |name, text| fs::write(place(name), text).map_err(|e| format!("{name}: {e}"));
    write(WRONG, new_wrong)?;
    write(STRICTER, new_stricter)
}

/// The texts of both lists as they are to be written; `None`: they are current.
fn judge(
    seen: &Compared,
    wrong: &str,
    stricter: &str,
    bless: Bless,
) -> Result<Option<(String, String)>, String> {
    let area = &seen.area;
    let listed = lists::listed_wrong(wrong, area).map_err(|e| format!("{WRONG}: {e}"))?;
    let section = lists::find(stricter, area);
    let allowed = lists::listed_stricter(section, seen);
    let allowed = allowed.map_err(|e| format!("{STRICTER}: {area}: {e}"))?;
    let (now_wrong, now_stricter) = (seen.wrong(), seen.stricter());
    let less = |a: &BTreeSet<At>, b: &BTreeSet<At>| -> BTreeSet<At> { a - b };

    let mut grown = String::new();
    grown += &show(
        seen,
        &less(&now_wrong, &listed),
        &format!(
            "wrong, and not in {WRONG}: the audit says that the row holds, the program's answer is that \
         it does not. Correct the audit; the list only shrinks"
        ),
    );
    if bless != Bless::Stricter {
        grown += &show(
            seen,
            &less(&now_stricter, &allowed),
            &format!(
                "stricter, and not in {STRICTER}: the row holds, and the audit does not say so any more. \
             Correct the audit; where the loss is meant, BLESS=stricter cargo test --test oracle \
             lists it"
            ),
        );
    }
    let (gone_wrong, gone_stricter) = (less(&listed, &now_wrong), less(&allowed, &now_stricter));
    let mut shrunk = String::new();
    shrunk += &show(seen, &gone_wrong, &format!("not wrong any more, and still in {WRONG}"));
    shrunk +=
        &show(seen, &gone_stricter, &format!("not stricter any more, and still in {STRICTER}"));
    let current = lists::section(seen);
    if grown.is_empty() && shrunk.is_empty() && section != current {
        let line = |text: &str, at| text.lines().nth(at).unwrap_or("(the end)").to_owned();
        let same = section.lines().zip(current.lines()).take_while(|(a, b)| a == b).count();
        let (found, want) = (line(section, same), line(&current, same));
        shrunk += &format!("\n{STRICTER} is not current: found `{found}`, want `{want}`\n");
    }
    if grown.is_empty() && shrunk.is_empty() {
        return Ok(None);
    }
    if grown.is_empty() && bless != Bless::No {
        let wrong = lists::without(wrong, area, &gone_wrong);
        return Ok(Some((wrong, lists::replace(stricter, area, &current))));
    }
    if !shrunk.is_empty() {
        shrunk += match grown.is_empty() {
            true => "  Write the lists anew: BLESS=1 cargo test --test oracle\n",
            false => "  Nothing is written while another answer is worse than listed.\n",
        };
    }
    Err(format!(
        "{area}: the audit's answers are not as listed in tests/oracle/.\n{grown}{shrunk}\
         \nAn input and its answer: zgrep '\"{area}-NNNN\"' tests/oracle/{area}.jsonl.gz"
    ))
}

/// A heading and the answers below it; nothing where there are none.
fn show(seen: &Compared, answers: &BTreeSet<At>, heading: &str) -> String {
    if answers.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{} {heading}:\n", answers.len());
    for at in answers.iter().take(SHOWN) {
        let line = format!("  {}-{} {}  {}", seen.area, at.1, at.0, seen.why(at));
        text.push_str(line.trim_end());
        text.push('\n');
    }
    if answers.len() > SHOWN {
        text += &format!("  and {} more\n", answers.len() - SHOWN);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Verdict;

    /// Of row 5.3.9: a letter for each input. `+` and `-`: agreed, holds or not; `s`, `w`.
    fn seen(letters: &str) -> Compared {
        let verdict = |letter| match letter {
            '+' => Verdict::Agrees(true),
            '-' => Verdict::Agrees(false),
            's' => Verdict::Stricter("why".into()),
            'w' => Verdict::Wrong("why".into()),
            other => panic!("{other}"),
        };
        let at = |number| ("5.3.9".parse().unwrap(), format!("{number:04}"));
        let verdicts = letters.chars().zip(1..).map(|(l, n)| (at(n), verdict(l))).collect();
        Compared { area: "sshd".into(), inputs: letters.len(), verdicts }
    }

    const LISTED: &str = "# Head.\n\n== one\nsshd-0001 5.3.9\n\n== two\nunits-0001 5.1.1\n";

    fn stricter(letters: &str) -> String {
        format!("# Head.\n{}== units: rest\n", lists::section(&seen(letters)))
    }

    #[test]
    fn what_is_listed_passes() {
        let letters = "ws-s+ss";
        let text = stricter(letters);
        assert!(text.contains("7 answers: 2 agree, 4 stricter, 1 wrong"), "{text}");
        assert!(text.contains("\n5.3.9: 0002-0004 0006-0007\n"), "{text}");
        for bless in [Bless::No, Bless::Shrink, Bless::Stricter] {
            assert_eq!(judge(&seen(letters), LISTED, &text, bless), Ok(None));
        }
    }

    #[test]
    fn a_new_wrong_answer_is_never_written() {
        for bless in [Bless::No, Bless::Shrink, Bless::Stricter] {
            let why = judge(&seen("ww"), LISTED, &stricter("w-"), bless).unwrap_err();
            assert!(why.contains("\n1 wrong, and not in"), "{why}");
            assert!(why.contains("\n  sshd-0002 5.3.9  why\n"), "{why}");
        }
    }

    #[test]
    fn an_answer_that_is_right_again_leaves_the_list_and_its_reason_with_it() {
        let (now, text) = (seen("-+"), stricter("w+"));
        let why = judge(&now, LISTED, &text, Bless::No).unwrap_err();
        assert!(why.contains("\n1 not wrong any more, and still in"), "{why}");
        let (wrong, strict) = judge(&now, LISTED, &text, Bless::Shrink).unwrap().unwrap();
        assert_eq!(wrong, "# Head.\n\n== two\nunits-0001 5.1.1\n");
        assert_eq!(strict, stricter("-+"));
        assert_eq!(judge(&now, &wrong, &strict, Bless::No), Ok(None));
    }

    #[test]
    fn a_stricter_answer_is_written_only_when_asked_for_by_name() {
        let (now, text) = (seen("wss"), stricter("w+s"));
        for bless in [Bless::No, Bless::Shrink] {
            let why = judge(&now, LISTED, &text, bless).unwrap_err();
            assert!(why.contains("\n1 stricter, and not in"), "{why}");
        }
        let (wrong, strict) = judge(&now, LISTED, &text, Bless::Stricter).unwrap().unwrap();
        assert_eq!((wrong.as_str(), strict), (LISTED, stricter("wss")));
    }

    #[test]
    fn one_that_is_better_does_not_pay_for_one_that_is_worse() {
        let why = judge(&seen("ws+"), LISTED, &stricter("w+s"), Bless::Shrink).unwrap_err();
        assert!(why.contains("\n1 stricter, and not in"), "{why}");
        assert!(why.contains("\n1 not stricter any more"), "{why}");
        assert!(why.contains("Nothing is written"), "{why}");
    }

    #[test]
    fn lost_inputs_show() {
        let why = judge(&seen("w"), LISTED, &stricter("w+"), Bless::No).unwrap_err();
        assert!(why.contains("2 inputs, 2 answers"), "{why}");
        assert!(why.contains("1 inputs, 1 answers"), "{why}");
    }

    #[test]
    fn a_line_of_the_wrong_form_is_an_error() {
        for (text, fault) in [
            ("sshd-0001 5.3.9\n", "line 1: `sshd-0001 5.3.9`: no `== reason`"),
            ("== a\nssh-0001 5.3.9\n", "line 2: `ssh-0001 5.3.9`: want AREA-NNNN"),
            ("== a\nsshd-0001 5.?\n", "want AREA-NNNN and rows"),
            ("== a\nsshd-0001 5.3.9 5.3.9\n", "listed twice"),
        ] {
            let why = judge(&seen("w"), text, &stricter("w"), Bless::No).unwrap_err();
            assert!(why.contains(fault), "{why}");
        }
    }

    #[test]
    fn a_long_list_goes_on_over_lines() {
        let letters = "s+".repeat(60);
        let text = lists::section(&seen(&letters));
        assert!(text.lines().count() > 3 && text.lines().all(|l| l.len() <= 100), "{text}");
        let listed = lists::listed_stricter(&text, &seen(&letters));
        assert_eq!(listed, Ok(seen(&letters).stricter()));
    }
}
