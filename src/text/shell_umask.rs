//! Where a shell script sets the umask, and to what.

use super::script::{Command, commands};
use super::splice::Edit;

/// A command that sets the umask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Umask {
    /// The line it stands in, from 1.
    pub line: usize,
    /// The value as it stands there.
    pub shown: String,
    /// What it makes of the mask.
    pub effect: Effect,
    /// Whether it runs whenever the script does, and in the script's own shell.
    pub sure: bool,
    at: std::ops::Range<usize>,
    /// Whether a redirection follows without a blank: a number there would be its descriptor.
    redirected: bool,
}

/// What a value makes of the mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// These bits are set, these are cleared; others stay as they were.
    Bits {
        /// What is withheld from new files.
        set: u32,
        /// What is no longer withheld.
        cleared: u32,
    },
    /// The text alone does not determine it.
    Unknown,
}

impl Effect {
    /// Whether every bit of `mask` is set afterwards, whatever was before.
    pub fn sets(self, mask: u32) -> bool {
        matches!(self, Effect::Bits { set, .. } if set & mask == mask)
    }

    /// Whether some bit of `mask` is certainly not set afterwards.
    pub fn loosens(self, mask: u32) -> bool {
        matches!(self, Effect::Bits { cleared, .. } if cleared & mask != 0)
    }
}

impl Umask {
    /// What puts `value` in the place of the present one.
    pub fn set(&self, value: &str) -> Edit {
        let blank = if self.redirected { " " } else { "" };
        Edit::replace(self.at.clone(), format!("{value}{blank}"))
    }
}

/// Every command that sets the umask of the shell that reads the script, in the order of the text.
/// What runs in a shell of its own is not among them.
pub fn umasks(text: &str) -> Vec<Umask> {
    let mut found: Vec<Umask> =
        commands(text).iter().filter(|c| !c.aside).filter_map(umask).collect();
    for umask in &mut found {
        let rest = text.get(umask.at.end..).unwrap_or_default();
        umask.redirected = rest.starts_with(['<', '>']);
    }
    found
}

fn umask(command: &Command) -> Option<Umask> {
    let mut words = command.words.iter().skip_while(|w| w.assignment().is_some());
    let mut name = words.next()?.literal()?;
    while matches!(name.as_str(), "command" | "builtin" | "eval") {
        let word = words.next()?;
        let next = word.literal()?;
        if name == "eval" && next != "umask" && next.contains("umask") {
            // A text of its own that is run.
            let (line, sure) = (command.line, command.sure);
            let (shown, at) = (word.raw().to_owned(), word.at.clone());
            let effect = Effect::Unknown;
            return Some(Umask { line, shown, effect, sure, at, redirected: false });
        }
        name = next;
    }
    if name != "umask" {
        return None;
    }
    // Options print, or choose how to print; a value may follow them.
    let value = words.find(|w| !(w.raw().starts_with('-') && w.raw().len() <= 3))?;
    let effect = value.literal().map_or(Effect::Unknown, |value| effect(&value));
    Some(Umask {
        line: command.line,
        shown: value.raw().to_owned(),
        effect,
        sure: command.sure,
        at: value.at.clone(),
        redirected: false,
    })
}

/// What a value makes of the mask.
fn effect(value: &str) -> Effect {
    if value.starts_with(|c: char| c.is_ascii_digit()) {
        let good = value.len() <= 4 && value.bytes().all(|b| (b'0'..=b'7').contains(&b));
        return match u32::from_str_radix(value, 8) {
            Ok(mask) if good && mask <= 0o777 => Effect::Bits { set: mask, cleared: 0o777 & !mask },
            _ => Effect::Unknown,
        };
    }
    let (mut set, mut cleared) = (0, 0);
    for clause in value.split(',') {
        match symbolic(clause) {
            Some((more_set, more_cleared)) => {
                set = (set & !more_cleared) | more_set;
                cleared = (cleared & !more_set) | more_cleared;
            }
            None => return Effect::Unknown,
        }
    }
    Effect::Bits { set, cleared }
}

/// One clause as `g-w`: the bits it sets in the mask, and those it clears.
fn symbolic(clause: &str) -> Option<(u32, u32)> {
    let at = clause.find(['=', '+', '-'])?;
    let (who, rest) = clause.split_at(at);
    let mut whose = 0;
    for c in who.chars() {
        whose |= match c {
            'u' => 0o700,
            'g' => 0o070,
            'o' => 0o007,
            'a' => 0o777,
            _ => return None,
        };
    }
    if who.is_empty() {
        whose = 0o777;
    }
    let mut bits = 0;
    for c in rest.chars().skip(1) {
        bits |= match c {
            'r' => 0o444,
            'w' => 0o222,
            'x' | 'X' => 0o111,
            's' | 't' => 0,
            _ => return None,
        };
    }
    let bits = bits & whose;
    Some(match rest.chars().next()? {
        '+' => (0, bits),
        '-' => (bits, 0),
        _ => (whose & !bits, bits),
    })
}

#[cfg(test)]
mod tests {
    use super::super::splice::splice;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values() {
        for (value, sets, loosens) in [
            ("027", true, false),
            ("27", true, false),
            ("0027", true, false),
            ("077", true, false),
            ("0777", true, false),
            ("022", false, true),
            ("2", false, true),
            ("026", false, true),
            ("0", false, true),
            ("u=rwx,g=rx,o=", true, false),
            ("u=rwx,go=", true, false),
            ("g-w,o-rwx", true, false),
            ("a=rx,g-w", false, true),
            ("o-rwx", false, false),
            ("u=rwx", false, false),
            ("o+r", false, true),
            ("u=rwx,g=rwx,o=", false, true),
            ("o+r,o-r,o-wx,g-w", true, false),
            ("=rwx", false, true),
            ("028", false, false),
            ("00027", false, false),
            ("1777", false, false),
            ("g=u", false, false),
            ("nonsense", false, false),
        ] {
            let effect = effect(value);
            assert_eq!((effect.sets(0o27), effect.loosens(0o27)), (sets, loosens), "{value}");
        }
        assert_eq!(effect("028"), Effect::Unknown);
        assert_eq!(effect("g=u"), Effect::Unknown);
    }

    #[test]
    fn where_it_is_set() {
        let shown = |text: &str| -> Vec<String> {
            let show =
                |u: &Umask| format!("{}:{}{}", u.line, u.shown, if u.sure { "" } else { "?" });
            umasks(text).iter().map(show).collect()
        };
        assert_eq!(shown("umask 027\n"), ["1:027"]);
        assert_eq!(shown("command umask 022\neval umask 022"), ["1:022", "2:022"]);
        let run = umasks("eval 'umask 022'\neval 'x=1'\n");
        assert_eq!(run.len(), 1);
        assert_eq!(run[0].effect, Effect::Unknown);
        assert_eq!(shown("# umask 022\n x; umask 022; umask\numask -S\numask -p"), ["2:022"]);
        assert_eq!(shown("umask -S u=rwx,g=rx,o=\n'umask' 77"), ["1:u=rwx,g=rx,o=", "2:77"]);
        assert_eq!(
            shown("if [ $UID -gt 199 ]; then\n umask 002\nelse umask 022; fi"),
            ["2:002?", "3:022?"]
        );
        assert_eq!(shown("(umask 022; x)\ny=$(umask 0; z)\nx | umask 0"), Vec::<String>::new());
        assert_eq!(
            shown("echo umask 022\numasks 022\nx=umask\nmy-umask 022"),
            Vec::<String>::new()
        );
        assert_eq!(shown("cat <<E\numask 022\nE\necho 'umask 022\n'"), Vec::<String>::new());
        assert_eq!(shown("A=b umask 022; command umask $M"), ["1:022", "1:$M"]);
        assert_eq!(shown("[ x ] && umask 027"), ["1:027?"]);
        assert_eq!(umasks("umask $M")[0].effect, Effect::Unknown);
        assert_eq!(umasks("umask 027\r\n")[0].effect, Effect::Unknown, "as the shell takes it");
    }

    #[test]
    fn a_redirection_keeps_its_own_descriptor() {
        let text = "umask u=rwx,go=rx>/dev/null\n";
        let edits = umasks(text).iter().map(|u| u.set("027")).collect();
        assert_eq!(splice(text, edits), "umask 027 >/dev/null\n");
    }

    proptest! {
        #[test]
        fn what_was_set_is_read(
            before in "(# [a-z]{0,4}\n|x=1; |if a; then ){0,2}",
            old in "[0-7]{1,4}",
            new in "0[0-7]{2}",
            after in "( # c|;y|\n|)",
        ) {
            let text = format!("{before}umask {old}{after}");
            let edits = umasks(&text).iter().map(|u| u.set(&new)).collect();
            let once = splice(&text, edits);
            let found = umasks(&once);
            prop_assert_eq!(found.len(), 1);
            prop_assert_eq!(&found[0].shown, &new);
            let bounds = once.starts_with(&before) && once.ends_with(&after);
            prop_assert!(bounds);
            let twice = splice(&once, found.iter().map(|u| u.set(&new)).collect());
            prop_assert_eq!(once, twice);
        }

        #[test]
        fn nothing_panics(text in any::<String>()) {
            umasks(&text);
            effect(&text);
        }
    }
}
