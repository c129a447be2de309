//! What reports say of the lines of a configuration, and of those that sshd refuses.

use super::config::{Config, DirectiveLine};
use super::keyword::{Keyword, shorten};
use super::messages;
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::message::Message;
use crate::text::lossless;

/// As many lines of one kind are shown in a report; more are counted.
pub(super) const SHOWN: usize = 16;

/// The gaps of lines that sshd refuses, other than those about `own`, and why they keep us from
/// editing, if they do: somebody else's line makes the file useless whatever we write, while a bad
/// value of a directive that has a rule of its own is that rule's to repair.
pub(super) fn refused(
    audit: &Audit<'_>,
    config: &Config,
    own: Option<&Keyword>,
) -> (Vec<Gap>, Option<Message>) {
    let repaired_by = |s: &DirectiveLine| {
        let open = config.sources.get(s.source).is_some_and(|f| !f.outside);
        s.keyword.filter(|keyword| open && keyword.is_repaired())
    };
    let sshd = config.release.name();
    let (mut gaps, mut held_back) = (Vec::new(), None);
    for line in config.settings.iter().filter(|s| !own.is_some_and(|own| s.is(own))) {
        let Some(why) = &line.refusal else { continue };
        let repaired_by = repaired_by(line);
        if repaired_by.is_none() && held_back.is_none() {
            held_back = Some(messages::held_back(spot(config, line)));
        }
        if gaps.len() == SHOWN {
            continue;
        }
        let evidence = at(config, line)
            .found(shorten(&format!("{} {}", line.said.keyword, line.shown())))
            .want(messages::accepted_line(&sshd))
            .note(why.clone());
        let spot = spot(config, line);
        let reason = match repaired_by {
            Some(keyword) => messages::refused_repaired(&sshd, spot, why, keyword.name),
            None => messages::refused_by_hand(&sshd, spot, why),
        };
        gaps.push(open(audit, subject(config, line), evidence, reason));
    }
    (gaps, held_back)
}

/// A gap that no change closes.
pub(super) fn open(
    audit: &Audit<'_>,
    subject: Subject,
    evidence: Evidence,
    reason: Message,
) -> Gap {
    let cause = audit.excluded(&subject).map(|exclusion| exclusion.cause.clone());
    Gap::no_remedy(evidence, cause.unwrap_or(reason)).about(subject)
}

/// What a line is about: its directive, or the line itself where it has no keyword.
pub(super) fn subject(config: &Config, line: &DirectiveLine) -> Subject {
    let said = line.said.keyword.as_str();
    match (line.keyword, config.sources.get(line.source)) {
        (Some(keyword), _) => Subject::directive(keyword.name),
        (None, Some(file)) if said.is_empty() => Subject::line(&file.path, line.line),
        (None, _) => Subject::directive(lossless::shown(&shorten(said))),
    }
}

/// A line, as messages name it.
pub(super) fn spot(config: &Config, line: &DirectiveLine) -> String {
    config.sources.get(line.source).map_or_else(String::new, |file| file.spot(line.line))
}

/// The place of a line, as evidence.
pub(super) fn at(config: &Config, line: &DirectiveLine) -> Evidence {
    let path = config.sources.get(line.source).map(|s| s.path.clone());
    Evidence { path, ..Evidence::default() }.line(line.line)
}
