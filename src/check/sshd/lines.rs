//! What reports say of the lines of a configuration, and of those that sshd refuses.

use super::config::{Config, DirectiveLine};
use super::keyword::{Keyword, shorten};
use crate::check::{Evidence, Gap};

/// As many lines of one kind are shown in a report; more are counted.
pub(super) const SHOWN: usize = 16;

/// The gaps of lines that sshd refuses, other than those about `own`, and whether they keep us
/// from editing: somebody else's line makes the file useless whatever we write, while a bad value
/// of a directive that has a rule of its own is that rule's to repair.
pub(super) fn refused(config: &Config, own: Option<&Keyword>) -> (Vec<Gap>, bool) {
    let repaired = |s: &DirectiveLine| {
        let open = config.sources.get(s.source).is_some_and(|f| f.locked.is_none());
        open && s.keyword.is_some_and(Keyword::is_repaired)
    };
    let others: Vec<&DirectiveLine> = config
        .settings
        .iter()
        .filter(|s| s.refusal.is_some() && !own.is_some_and(|own| s.is(own)))
        .collect();
    let sshd = config.release.name();
    let gap = |s: &&DirectiveLine| {
        let why = s.refusal.clone().unwrap_or_default();
        let evidence = at(config, s)
            .found(shorten(&format!("{} {}", s.said.keyword, s.shown())))
            .want(format!("a line that {sshd} takes"))
            .note(why.clone());
        let advice = if repaired(s) { "its own rule repairs it" } else { "correct it by hand" };
        let line = format!("{}:{}", place(config, s), s.line);
        Gap::no_remedy(
            evidence,
            format!("{sshd} refuses {line} ({why}) and does not start; {advice}"),
        )
    };
    let gaps = others.iter().take(SHOWN).map(gap).collect();
    (gaps, !others.iter().all(|s| repaired(s)))
}

/// Said of every change that is held back.
pub(super) const HELD_BACK: &str = "nothing is changed while other lines keep sshd from starting";

fn place(config: &Config, setting: &DirectiveLine) -> String {
    config.sources.get(setting.source).map_or_else(String::new, |s| s.path.to_string())
}

/// The place of a line, as evidence.
pub(super) fn at(config: &Config, setting: &DirectiveLine) -> Evidence {
    let path = config.sources.get(setting.source).map(|s| s.path.clone());
    Evidence { path, ..Evidence::default() }.line(setting.line)
}
