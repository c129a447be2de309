//! Files of `/etc/pam.d`, and what pam-auth-update remembers of them.

use gokaku::text::pam::saved::{agrees, primary, profile_rules, saved, with_profile};
use gokaku::text::pam::{PamLine, Rule, entries};
use gokaku::text::splice::{Edit, splice};

use super::support::{chosen, kept_around, lines};

fn shape(entry: &PamLine) -> String {
    match entry {
        PamLine::Rule(r) => {
            let arguments: Vec<&str> = r.arguments.iter().map(|a| a.text.as_str()).collect();
            format!("{} {} {:?} {} {arguments:?}", r.kind, r.quiet, r.control, r.module)
        }
        PamLine::Include { file, .. } => format!("@{file}"),
        PamLine::Malformed { text, .. } => format!("?{text}"),
    }
}

/// A vertical tab belongs to a word, except at the end of a line.
fn words(rule: &Rule) -> Vec<String> {
    rule.arguments.iter().map(|a| a.text.trim_end().to_owned()).collect()
}

/// The entry `at` after an edit of it, all others being as they were.
fn edited(text: &str, found: &[PamLine], at: usize, edits: Vec<Edit>) -> (String, Rule) {
    let new = splice(text, edits);
    let mut after = entries(&new);
    assert_eq!(after.len(), found.len(), "{text:?}\n{new:?}");
    for (i, (old, new)) in found.iter().zip(&after).enumerate().filter(|(i, _)| *i != at) {
        assert_eq!(shape(old), shape(new), "entry {i}");
    }
    match after.swap_remove(at) {
        PamLine::Rule(rule) => (new, rule),
        other => panic!("became {other:?}: {text:?}\n{new:?}"),
    }
}

/// One word of one rule changes, and nothing else does.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    if pick % 6 == 5 {
        return memory(&text);
    }
    let (what, pick) = (pick % 6, pick / 6);
    let found = entries(&text);
    if found.is_empty() {
        return;
    }
    let at = pick % found.len();
    let PamLine::Rule(rule) = &found[at] else { return };
    let last = rule.line + lines(&text[rule.span.clone()]).len().max(1) - 1;
    let place = pick / found.len() % (rule.arguments.len() + 1);
    rule.value("retry");

    if what == 0
        && let Some(edit) = rule.insert_argument(place, "sha512")
    {
        let (new, now) = edited(&text, &found, at, vec![edit]);
        let mut want = words(rule);
        want.insert(place, "sha512".to_owned());
        assert_eq!(words(&now), want, "{text:?}\n{new:?}");
        kept_around(&text, &new, rule.line, last);
    }
    if what == 1
        && let Some(edit) = rule.set_argument(place, "retry=3")
    {
        let (new, now) = edited(&text, &found, at, vec![edit]);
        let mut want = words(rule);
        want[place] = "retry=3".to_owned();
        assert_eq!(words(&now), want, "{text:?}\n{new:?}");
        kept_around(&text, &new, rule.line, last);
    }
    if what == 2
        && let Some(edit) = rule.remove_argument(place)
    {
        let (new, now) = edited(&text, &found, at, vec![edit]);
        let mut want = words(rule);
        want.remove(place);
        assert_eq!(words(&now), want, "{text:?}\n{new:?}");
    }
    if what == 3
        && let Some(edit) = rule.set_control("requisite")
    {
        let (new, now) = edited(&text, &found, at, vec![edit]);
        assert_eq!(words(&now), words(rule), "{text:?}\n{new:?}");
        assert_eq!(now.module, rule.module);
    }
    if what == 4 {
        edited(&text, &found, at, rule.shift_jumps(|_| 1));
    }
}

/// The text as each of the files of pam-auth-update.
fn memory(text: &str) {
    let rules = saved(text);
    agrees(text, &rules, "password");
    if let Some(range) = primary(text) {
        assert!(range.start <= range.end && range.end <= lines(text).len() + 1);
    }
    profile_rules(text, "Password");
    let new = ["requisite\t\t\tpam_pwquality.so retry=3".to_owned()];
    let unix = ["[success=end default=ignore]\tpam_unix.so sha512".to_owned()];
    if let Some(new) = with_profile(text, ("pwquality", &new), ("unix", &unix)) {
        let again = saved(&new);
        let of = |name: &str| again.iter().filter(|r| r.profile == name).count();
        assert!(of("pwquality") >= 1 && of("unix") >= 1, "{text:?}\n{new:?}");
    }
}
