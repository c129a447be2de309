//! Directives of one value: judged, and repaired.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use super::config::{Config, SshdFile};
use super::judge::Judge;
use super::keyword::{Keyword, shorten, single};
use super::lines::{SHOWN, at, open, refused};
use super::messages;
use super::options;
use super::repair::Repair;
use super::want::Value;
use crate::check::{Audit, Evidence, Finding, Gap, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, FileKind, ImagePath};
use crate::text::sshd_config::statement;

/// Judges one directive.
pub(super) fn audit(
    audit: &Audit<'_>,
    config: &Config,
    keyword: &'static Keyword,
    value: &Value,
) -> Result<Finding> {
    config.judged(config.about(keyword))?;
    let judge = Judge { config, keyword, value };
    let (refusals, held_back) = refused(audit, config, Some(keyword));
    let repair = Repair::of(&judge);
    let excluded = audit.excluded(&Subject::directive(keyword.name));
    let withheld = excluded.map(|exclusion| exclusion.cause.clone());
    let (mut gaps, mut holding) = (Vec::new(), Vec::new());
    Gaps { judge: &judge, repair: &repair, withheld, held_back }.find(&mut gaps, &mut holding);
    gaps.extend(refusals);
    gaps.extend(options::refused(audit, config, Some(keyword))?);
    command_line(audit, &judge, &mut gaps, &mut holding)?;
    if let Value::ExistingFile(path) = value {
        gaps.extend(no_file(audit, path)?);
    }
    if let Some(stated) = repair.stated {
        let evidence = at(config, stated).found(stated.shown()).want(judge.wanted());
        holding.insert(0, Evidence { note: judge.reading(stated), ..evidence });
        holding.extend(judge.remarks(stated));
    }
    holding.extend(config.release.evidence());
    Ok(Finding::from_gaps(gaps, holding))
}

/// What keeps a file from being there, if anything does.
fn no_file(audit: &Audit<'_>, path: &ImagePath) -> Result<Option<Gap>> {
    let found = match audit.root().locate(path)?.stat.map(|stat| stat.kind) {
        Some(FileKind::File) => return Ok(None),
        Some(FileKind::Dir) => messages::a_directory(),
        Some(_) => messages::no_regular_file(),
        None => messages::nothing(),
    };
    let evidence = Evidence::at(path).found(found).want(messages::a_file());
    Ok(Some(open(audit, Subject::path(path), evidence, messages::no_banner(path))))
}

/// What the gaps of a directive are made from.
struct Gaps<'a> {
    judge: &'a Judge<'a>,
    repair: &'a Repair<'a>,
    /// Why no change may touch the directive.
    withheld: Option<Message>,
    /// The line that keeps sshd from starting whatever is written.
    held_back: Option<Message>,
}

impl Gaps<'_> {
    /// One gap for each file that changes, with the change; one for each wrong line that cannot be
    /// edited.
    fn find(&self, gaps: &mut Vec<Gap>, holding: &mut Vec<Evidence>) {
        let Gaps { judge, repair, .. } = self;
        let mut further = 0;
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        for wrong in &repair.wrong {
            let Some(file) = judge.config.sources.get(wrong.source) else { continue };
            let first = seen.insert(wrong.source);
            if !first && gaps.len() + holding.len() >= SHOWN {
                further += 1;
                continue;
            }
            let evidence = judge.evidence(wrong);
            if first || file.outside {
                gaps.push(self.gap(wrong.source, file, evidence, Some(wrong.line)));
            } else {
                holding.push(evidence);
            }
        }
        if further > 0 {
            let more = messages::more_wrong_lines(further, judge.keyword.name);
            holding.push(Evidence::note_only(more));
        }
        let Some(main) = judge.config.main() else { return };
        let missing = repair.insert.is_some() || repair.hopeless;
        if missing && (!seen.contains(&0) || main.outside) {
            let evidence = Evidence::at(&main.path).want(judge.wanted()).note(judge.unstated());
            gaps.push(self.gap(0, main, evidence, None));
        }
    }

    /// The gap that the new text of a file closes, or that nothing closes. `line` is the wrong one,
    /// if there is one.
    fn gap(&self, source: usize, file: &SshdFile, evidence: Evidence, line: Option<usize>) -> Gap {
        let Gaps { judge, repair, withheld, held_back } = self;
        let gap = if let Some(cause) = withheld {
            Gap::no_remedy(evidence, cause.clone())
        } else if file.outside {
            Gap::no_remedy(evidence, messages::outside_etc(file.spot(line)))
        } else if let Some(line) = held_back {
            Gap::no_remedy(evidence, line.clone())
        } else if repair.hopeless {
            let sshd = judge.config.release.name();
            Gap::no_remedy(evidence, messages::none_accepted(sshd, judge.keyword.name))
        } else {
            let text = repair.text(judge, source, &file.text);
            Gap::fixed_by(evidence, Change::write(&file.path, text))
        };
        gap.about(Subject::directive(judge.keyword.name))
    }
}

/// A value on the command line comes before all files; another file replaces them.
fn command_line(
    audit: &Audit<'_>,
    judge: &Judge<'_>,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let given = options::read(audit)?;
    gaps.extend(given.other_file(audit)?);
    let release = &judge.config.release;
    for word in &given.statements {
        let text = &word.text;
        let Some(said) = statement(text, release.style()) else { continue };
        if !said.keyword.eq_ignore_ascii_case(judge.keyword.name) {
            continue;
        }
        let right = judge.keyword.refusal(&said, release).is_none()
            && single(&said, release).is_ok_and(|v| judge.is_right_value(v));
        let at = &word.at;
        let evidence = Evidence { line: at.line, ..Evidence::at(&at.path) }
            .found(shorten(text))
            .want(judge.wanted())
            .note(messages::on_command_line());
        if right {
            holding.push(evidence);
        } else {
            let subject = Subject::directive(judge.keyword.name);
            let advice = messages::remove_option(shorten(text), at.spot());
            gaps.push(open(audit, subject, evidence, advice));
        }
    }
    Ok(())
}
