//! The control field: what a module's result leads to.

use std::ops::Range;

/// What an answer does to the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Nothing; the next module runs.
    Ignore,
    /// Counts as success unless something failed before; the next module runs.
    Ok,
    /// As `Ok`, and the stack ends.
    Done,
    /// Counts as failure; the next module runs.
    Bad,
    /// As `Bad`, and the stack ends.
    Die,
    /// Forgets everything so far; the next module runs.
    Reset,
    /// Skips this many modules.
    Jump(u32),
}

/// How a module's answer is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// The rules of another file stand here.
    Include,
    /// The rules of another file form a stack of their own here.
    Substack,
    /// What each answer does. The last entry is for every answer not named.
    Answers(Vec<(String, Action)>),
}

/// A number in brackets and where it stands there.
type Number = (u32, Range<usize>);

impl Control {
    /// Reads a control word, or what stands between brackets; also where its jumps' numbers stand
    /// in `text`. `None` when PAM does not know it.
    pub(super) fn parse(text: &str, bracketed: bool) -> Option<(Control, Vec<Number>)> {
        if bracketed {
            return answers(text);
        }
        let good = ["success", "new_authtok_reqd"];
        let answers = |good_action, ignore, default| {
            let mut all: Vec<(String, Action)> =
                good.iter().map(|name| ((*name).to_owned(), good_action)).collect();
            if ignore {
                all.push(("ignore".to_owned(), Action::Ignore));
            }
            all.push(("default".to_owned(), default));
            Control::Answers(all)
        };
        let control = match text.to_ascii_lowercase().as_str() {
            "required" => answers(Action::Ok, true, Action::Bad),
            "requisite" => answers(Action::Ok, true, Action::Die),
            "sufficient" => answers(Action::Done, false, Action::Ignore),
            "optional" => answers(Action::Ok, false, Action::Ignore),
            "include" => Control::Include,
            "substack" => Control::Substack,
            _ => return None,
        };
        Some((control, Vec::new()))
    }

    /// What the answer `name` does; failure for one that is not named.
    pub fn action(&self, name: &str) -> Action {
        let Control::Answers(answers) = self else { return Action::Ignore };
        let of = |name: &str| answers.iter().find(|(n, _)| n == name).map(|(_, action)| *action);
        of(name).or_else(|| of("default")).unwrap_or(Action::Bad)
    }

    /// Every action that some answer has.
    pub fn actions(&self) -> Vec<Action> {
        let Control::Answers(answers) = self else { return Vec::new() };
        let mut all: Vec<Action> = answers.iter().map(|(_, action)| *action).collect();
        all.push(self.action("default"));
        all
    }
}

fn answers(text: &str) -> Option<(Control, Vec<Number>)> {
    let (mut all, mut numbers) = (Vec::new(), Vec::new());
    let mut at = 0;
    loop {
        at += blanks(text.get(at..)?);
        let rest = text.get(at..)?;
        if rest.is_empty() {
            return Some((Control::Answers(all), numbers));
        }
        let len = rest.find(|c: char| c == '=' || c.is_ascii_whitespace())?;
        let name = rest.get(..len)?.to_ascii_lowercase();
        at += len;
        at += blanks(text.get(at..)?);
        text.get(at..)?.strip_prefix('=')?;
        at += 1;
        at += blanks(text.get(at..)?);
        let rest = text.get(at..)?;
        let len = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let word = rest.get(..len)?;
        let action = match word.to_ascii_lowercase().as_str() {
            "ignore" => Action::Ignore,
            "ok" => Action::Ok,
            "done" => Action::Done,
            "bad" => Action::Bad,
            "die" => Action::Die,
            "reset" => Action::Reset,
            number => {
                let n = number.parse().ok().filter(|n| *n > 0)?;
                numbers.push((n, at..at + len));
                Action::Jump(n)
            }
        };
        at += len;
        all.push((name, action));
    }
}

fn blanks(text: &str) -> usize {
    text.len() - text.trim_ascii_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_brackets() {
        let of = |text: &str| Control::parse(text, false).unwrap().0;
        assert_eq!(of("Requisite").action("authtok_err"), Action::Die);
        assert_eq!(of("required").action("authtok_err"), Action::Bad);
        assert_eq!(of("required").action("ignore"), Action::Ignore);
        assert_eq!(of("sufficient").action("success"), Action::Done);
        assert_eq!(of("optional").action("authtok_err"), Action::Ignore);
        assert_eq!(of("include").actions(), []);
        assert_eq!(Control::parse("needed", false), None);

        let (control, numbers) = Control::parse("success=12 default = ignore", true).unwrap();
        assert_eq!(control.action("success"), Action::Jump(12));
        assert_eq!(control.action("perm_denied"), Action::Ignore);
        assert_eq!(numbers, [(12, 8..10)]);
        let (control, _) = Control::parse("success=ok", true).unwrap();
        assert_eq!(control.action("auth_err"), Action::Bad, "what is not named fails");
        for bad in ["success", "success=", "success=0", "success=-1", "success=fine", "=ok x"] {
            assert_eq!(Control::parse(bad, true), None, "{bad}");
        }
    }
}
