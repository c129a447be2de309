//! The state that `pam-auth-update` saves about its files, and whether it still treats a file as
//! its own.
//!
//! It keeps, per type, the rules it wrote last (`/var/lib/pam/<type>`). Before it writes again it
//! compares: every line of two stretches of the current file must be one of those rules, in their
//! order, with any arguments. One foreign line, be it a comment, and it leaves all files alone
//! from then on.

use super::super::Lines;

const PRIMARY: &str = "# here are the per-package modules (the \"Primary\" block)";
const FALLBACK: &str = "# here's the fallback if no module succeeds";
const ADDITIONAL: &str = "# and here are more per-package modules (the \"Additional\" block)";
const END: &str = "# end of pam-auth-update config";

/// A rule as it was written last, without its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedRule {
    /// The profile it came from.
    pub profile: String,
    /// The rule; a jump to behind the block is spelled `end`.
    pub rule: String,
}

/// The rules in a file of `/var/lib/pam`.
pub fn saved(text: &str) -> Vec<SavedRule> {
    let mut profile = String::new();
    let mut rules = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("Module: ") {
            Some(name) => name.clone_into(&mut profile),
            None => rules.push(SavedRule { profile: profile.clone(), rule: line.to_owned() }),
        }
    }
    rules
}

/// Whether `pam-auth-update` would take the file for its own, given what it remembers.
pub fn agrees(file: &str, saved: &[SavedRule], kind: &str) -> bool {
    let mut rules = saved.iter();
    let mut state = 0;
    for line in file.lines() {
        match state {
            0 | 2 => {
                let mark = if state == 0 { PRIMARY } else { ADDITIONAL };
                state += usize::from(line.starts_with(mark));
                continue;
            }
            1 if line.starts_with(FALLBACK) => {
                state = 2;
                continue;
            }
            3 if line.starts_with(END) => break,
            _ => {}
        }
        let rule = match line.strip_prefix(kind) {
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_whitespace()) => rest.trim_start(),
            _ => line,
        };
        let rule = without_number(rule);
        // A remembered rule that is not there was deselected.
        if !rules.any(|r| head(&without_target(&r.rule)).is_some_and(|h| rule.starts_with(h))) {
            return false;
        }
    }
    state == 3
}

/// The lines, from 1, between the marks of the first stretch; `None` without both marks.
pub fn primary(file: &str) -> Option<std::ops::Range<usize>> {
    let lines = || file.lines().enumerate().map(|(i, line)| (i + 1, line));
    let start = lines().find(|(_, line)| line.starts_with(PRIMARY))?.0 + 1;
    let end = lines().find(|(i, line)| *i >= start && line.starts_with(FALLBACK))?.0;
    Some(start..end)
}

/// What is remembered, with the rules of `profile` put before those of `before`, and `before`'s
/// own rules replaced. `None` when `before` is not there.
pub fn with_profile(
    text: &str,
    (profile, rules): (&str, &[String]),
    (before, its_rules): (&str, &[String]),
) -> Option<String> {
    let mut lines = Lines::new(text);
    let mark = format!("Module: {before}");
    let at = lines.iter().find(|(_, line)| *line == mark)?.0;
    let more = lines.iter().skip(at).take_while(|(_, l)| !l.starts_with("Module: ")).count();
    for _ in 0..more {
        lines.remove(at + 1);
    }
    let new = std::iter::once(format!("Module: {profile}"))
        .chain(rules.iter().cloned())
        .chain(std::iter::once(mark))
        .chain(its_rules.iter().cloned());
    lines.remove(at);
    for (i, line) in new.enumerate() {
        lines.insert(at + i, &line);
    }
    Some(lines.to_string())
}

/// The rules of one field of a profile (`/usr/share/pam-configs/<profile>`), `field` as
/// `Password` or `Password-Initial`.
pub fn profile_rules(profile: &str, field: &str) -> Vec<String> {
    let mut rules = Vec::new();
    let mut inside = false;
    for line in profile.lines() {
        let name = line.split_once(':').map(|(name, _)| name);
        let is_field = name.is_some_and(|n| !n.is_empty() && !n.contains(char::is_whitespace));
        if is_field {
            inside = name == Some(field);
        }
        let rule = match (is_field, line.split_once(':')) {
            (true, Some((_, value))) => value.trim(),
            _ => line.trim(),
        };
        if inside && !rule.is_empty() {
            rules.push(rule.to_owned());
        }
    }
    rules
}

/// Control and module of a remembered rule, as they stand there, blanks included.
fn head(rule: &str) -> Option<&str> {
    let control = if rule.starts_with('[') {
        rule.find(']')? + 1
    } else {
        rule.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?
    };
    let rest = rule.get(control..)?;
    let blanks = rest.len() - rest.trim_ascii_start().len();
    let module = rest.get(blanks..)?;
    let len = module.find(|c: char| c.is_ascii_whitespace()).unwrap_or(module.len());
    (control > 0 && blanks > 0 && len > 0).then(|| rule.get(..control + blanks + len))?
}

/// The rule without the first number in its brackets.
fn without_number(rule: &str) -> String {
    let number = || {
        let open = rule.find('[')?;
        let start = open + rule.get(open..)?.find(|c: char| c.is_ascii_digit())?;
        let rest = rule.get(start..)?;
        let len = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(len..)?.contains(']').then_some(start..start + len)
    };
    match number() {
        Some(at) => format!("{}{}", &rule[..at.start], &rule[at.end..]),
        None => rule.to_owned(),
    }
}

/// A remembered rule without what its jump leads to.
fn without_target(rule: &str) -> String {
    let rule = without_number(rule);
    let end = || {
        let (open, close) = (rule.find('[')?, rule.rfind(']')?);
        Some(open + rule.get(open..close)?.rfind("end")?)
    };
    match end() {
        Some(at) => format!("{}{}", &rule[..at], &rule[at + 3..]),
        None => rule,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SAVED: &str = "Module: pwquality\nrequisite\t\t\tpam_pwquality.so retry=3\nModule: unix\n\
                         [success=end default=ignore]\tpam_unix.so obscure use_authtok sha512\n";

    fn file(primary: &str, rest: &str) -> String {
        format!(
            "# top\n{PRIMARY}\n{primary}{FALLBACK}\npassword\trequisite\t\t\tpam_deny.so\n{rest}\
             {ADDITIONAL}\n{END}\n"
        )
    }

    const QUALITY: &str = "password\trequisite\t\t\tpam_pwquality.so retry=3\n";
    const UNIX: &str = "password\t[success=1 default=ignore]\tpam_unix.so obscure sha512\n";

    #[test]
    fn what_still_counts_as_its_own() {
        let rules = saved(SAVED);
        assert_eq!(rules[1].profile, "unix");
        for (primary, want) in [
            (format!("{QUALITY}{UNIX}"), true),
            (format!("{QUALITY}{}", UNIX.replace("obscure", "md5")), true),
            (format!("{}{UNIX}", QUALITY.replace("retry=3", "")), true),
            (UNIX.replace("=1", "=7"), true),
            (UNIX.to_owned(), true),
            (String::new(), true),
            (format!("{UNIX}{QUALITY}"), false),
            (format!("{QUALITY}# note\n{UNIX}"), false),
            (format!("{QUALITY}\n{UNIX}"), false),
            (format!("{}{UNIX}", QUALITY.replace("requisite", "required")), false),
            (format!("{}{UNIX}", QUALITY.replace("\t\t\t", " ")), false),
            (format!("{QUALITY}{}", UNIX.replace("ignore", "die")), false),
        ] {
            assert_eq!(agrees(&file(&primary, ""), &rules, "password"), want, "{primary}");
        }
        let whole = file(&format!("{QUALITY}{UNIX}"), "password required pam_x.so\n");
        assert!(agrees(&whole, &rules, "password"), "between the stretches anything may stand");
        assert!(!agrees(&whole.replace(ADDITIONAL, ""), &rules, "password"));
        assert!(!agrees("", &rules, "password"));
        assert_eq!(primary(&whole), Some(3..5));
        assert_eq!(primary(""), None);
    }

    #[test]
    fn profiles_and_what_is_remembered() {
        let profile = "Name: Unix authentication\nPriority: 256\nPassword-Type: Primary\nPassword:\n\
                       \t[success=end default=ignore]\tpam_unix.so obscure use_authtok sha512\n\
                       Password-Initial:\n\t[success=end default=ignore]\tpam_unix.so obscure sha512\n";
        let full = profile_rules(profile, "Password");
        assert_eq!(full, ["[success=end default=ignore]\tpam_unix.so obscure use_authtok sha512"]);
        let quality = ["requisite\t\t\tpam_pwquality.so retry=3".to_owned()];
        let old = "Module: unix\n[success=end default=ignore]\tpam_unix.so obscure sha512\nModule: x\nrule\n";
        let new = with_profile(old, ("pwquality", &quality), ("unix", &full)).unwrap();
        assert_eq!(new, format!("{SAVED}Module: x\nrule\n"));
        assert_eq!(with_profile("Module: x\n", ("a", &[]), ("unix", &full)), None);
        assert_eq!(with_profile(old, ("a", &[]), ("x", &[])).unwrap().matches("rule").count(), 0);
    }

    proptest! {
        #[test]
        fn nothing_panics(file in any::<String>(), text in any::<String>(), rule in "[\\[\\]a-z0-9= é]{0,20}") {
            let rules = saved(&text);
            agrees(&format!("{PRIMARY}\n{file}"), &rules, "password");
            primary(&file);
            profile_rules(&text, "Password");
            with_profile(&text, ("a", std::slice::from_ref(&rule)), ("unix", &[]));
            head(&rule);
            without_target(&rule);
        }
    }
}
