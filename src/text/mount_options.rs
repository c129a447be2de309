//! Mount options: an ordered list of words, as in `defaults,nodev,user`.
//!
//! The list is read from left to right and the last word about a matter wins. Words such as
//! `user` switch flags on by the way; a flag that is only implied so is not *stated*.

use schemars::JsonSchema;
use serde::Deserialize;

/// A restriction a mount can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Flag {
    /// Device files on it are not devices.
    Nodev,
    /// Set-user-id and set-group-id bits on it do nothing.
    Nosuid,
    /// Programs on it cannot be started.
    Noexec,
}

impl Flag {
    /// The word that switches it on.
    pub fn word(self) -> &'static str {
        match self {
            Flag::Nodev => "nodev",
            Flag::Nosuid => "nosuid",
            Flag::Noexec => "noexec",
        }
    }

    /// The word that switches it off.
    pub fn opposite(self) -> &'static str {
        match self {
            Flag::Nodev => "dev",
            Flag::Nosuid => "suid",
            Flag::Noexec => "exec",
        }
    }

    /// The flag that a word is about.
    fn of(word: &str) -> Option<Flag> {
        let mut all = [Flag::Nodev, Flag::Nosuid, Flag::Noexec].into_iter();
        all.find(|flag| word == flag.word() || word == flag.opposite())
    }

    /// Whether `word`, which is about who may mount, switches it on by the way.
    fn implied_by(self, word: &str) -> bool {
        match word {
            "user" | "users" => true,
            "owner" | "group" => self != Flag::Noexec,
            _ => false,
        }
    }
}

/// The words between the commas, empty ones too. A comma in double quotes separates nothing.
fn words(options: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    options.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
}

/// Whether the options state the flag: of its own two words, the last one switches it on.
pub fn states(options: &str, flag: Flag) -> bool {
    let own = words(options).filter(|w| *w == flag.word() || *w == flag.opposite());
    own.last() == Some(flag.word())
}

/// The last word that implies the flag with no later word against it.
pub fn implied_by(options: &str, flag: Flag) -> Option<&str> {
    let about = words(options).filter(|w| *w == flag.opposite() || flag.implied_by(w));
    about.last().filter(|w| flag.implied_by(w))
}

/// Whether this is a second view of a tree that is mounted elsewhere.
pub fn is_bind(options: &str) -> bool {
    words(options).any(|w| matches!(w, "bind" | "rbind"))
}

/// Whether a word can be added: no quotation is left open and no blank stands inside.
pub fn is_sound(options: &str) -> bool {
    options.matches('"').count().is_multiple_of(2) && !options.contains(char::is_whitespace)
}

/// The options with the flag stated: words against it go, its own is added at the end if it is not
/// there, before later flags, so that flags required one by one come to the same in any order. Every
/// other word stays where it is; empty ones, which say nothing, go. Wants [`is_sound`] options.
pub fn require(options: &str, flag: Flag) -> String {
    if states(options, flag) {
        return options.to_owned();
    }
    let says = |w: &&str| !w.is_empty() && *w != flag.opposite();
    let mut kept: Vec<&str> = words(options).filter(says).collect();
    if !kept.contains(&flag.word()) {
        // A word against another flag may go when that one is required: it keeps nothing apart.
        let later =
            |w: &&&str| Flag::of(w).is_some_and(|other| other > flag || **w == other.opposite());
        let at = kept.len() - kept.iter().rev().take_while(later).count();
        kept.insert(at, flag.word());
    }
    kept.join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FLAGS: [Flag; 3] = [Flag::Nodev, Flag::Nosuid, Flag::Noexec];

    #[test]
    fn the_last_word_wins_and_the_rest_stays() {
        // options, flag, stated, after
        let table = [
            ("defaults", Flag::Nosuid, false, "defaults,nosuid"),
            ("", Flag::Nosuid, false, "nosuid"),
            ("nosuid", Flag::Nosuid, true, "nosuid"),
            ("nodev,dev", Flag::Nodev, false, "nodev"),
            ("dev,nodev", Flag::Nodev, true, "dev,nodev"),
            ("dev,rw", Flag::Nodev, false, "rw,nodev"),
            ("nodev,defaults", Flag::Nodev, true, "nodev,defaults"),
            ("user", Flag::Noexec, false, "user,noexec"),
            ("exec,user", Flag::Noexec, false, "user,noexec"),
            ("user,exec", Flag::Noexec, false, "user,noexec"),
            ("owner", Flag::Nodev, false, "owner,nodev"),
            ("noexec,user", Flag::Noexec, true, "noexec,user"),
            ("nosuidx", Flag::Nosuid, false, "nosuidx,nosuid"),
            ("nosuid=1", Flag::Nosuid, false, "nosuid=1,nosuid"),
            ("NOSUID", Flag::Nosuid, false, "NOSUID,nosuid"),
            ("rw,", Flag::Nosuid, false, "rw,nosuid"),
            ("rw,,ro", Flag::Nosuid, false, "rw,ro,nosuid"),
            ("dev", Flag::Nodev, false, "nodev"),
            ("rw,noexec", Flag::Nosuid, false, "rw,nosuid,noexec"),
            ("rw,exec", Flag::Nodev, false, "rw,nodev,exec"),
            ("errors=remount-ro", Flag::Nodev, false, "errors=remount-ro,nodev"),
            (
                r#"context="a,dev,nodev",rw"#,
                Flag::Nodev,
                false,
                r#"context="a,dev,nodev",rw,nodev"#,
            ),
        ];
        for (options, flag, stated, after) in table {
            assert_eq!(states(options, flag), stated, "{options} {flag:?}");
            assert_eq!(require(options, flag), after, "{options} {flag:?}");
        }
    }

    #[test]
    fn implied_flags_are_known_for_what_they_are() {
        assert_eq!(implied_by("rw,users", Flag::Noexec), Some("users"));
        assert_eq!(implied_by("group", Flag::Noexec), None);
        assert_eq!(implied_by("group", Flag::Nosuid), Some("group"));
        assert_eq!(implied_by("user,exec", Flag::Noexec), None);
        assert_eq!(implied_by("exec,user", Flag::Noexec), Some("user"));
    }

    #[test]
    fn a_word_that_goes_later_keeps_nothing_apart() {
        let both = |a, b| require(&require("noexec,dev", a), b);
        assert_eq!(both(Flag::Nodev, Flag::Nosuid), "nodev,nosuid,noexec");
        assert_eq!(both(Flag::Nosuid, Flag::Nodev), "nodev,nosuid,noexec");
    }

    #[test]
    fn bind_and_soundness_go_by_whole_words() {
        assert!(is_bind("rw,bind") && is_bind("rbind") && !is_bind("bindx,x=bind"));
        assert!(!is_sound("a\"b") && !is_sound("a, b") && is_sound("a=\"b,c\",d"));
    }

    proptest! {
        #[test]
        fn what_is_required_is_stated(options in "[a-z,\"=]{0,30}|((no)?(dev|exec|suid)|user|,){0,9}") {
            prop_assume!(is_sound(&options));
            for flag in FLAGS {
                let once = require(&options, flag);
                prop_assert!(states(&once, flag));
                prop_assert_eq!(require(&once, flag), once.clone());
                for other in FLAGS.into_iter().filter(|f| *f != flag) {
                    prop_assert_eq!(states(&once, other), states(&options, other));
                }
            }
        }

        #[test]
        fn the_order_of_what_is_required_says_nothing(
            options in "((no)?(dev|exec|suid)|user|rw|,){0,9}",
            order in Just(FLAGS.to_vec()).prop_shuffle(),
        ) {
            let all = |flags: &[Flag]| flags.iter().fold(options.clone(), |o, f| require(&o, *f));
            prop_assert_eq!(all(&order), all(&FLAGS));
        }

        #[test]
        fn any_text_can_be_asked(options in any::<String>()) {
            for flag in FLAGS {
                let _ = (states(&options, flag), implied_by(&options, flag), require(&options, flag));
            }
        }
    }
}
