//! Directives of one value: judged, and repaired.

#[cfg(test)]
mod tests;

use crate::message::Message;
use std::collections::BTreeSet;

use super::config::Config;
use super::judge::Judge;
use super::keyword::{Keyword, shorten, single};
use super::lines::{HELD_BACK, SHOWN, at, refused};
use super::options;
use super::repair::Repair;
use super::want::Value;
use crate::check::{Evidence, Finding, Gap};
use crate::error::Result;
use crate::rootfs::{Change, FileKind, Rootfs};
use crate::text::sshd_config::statement;

/// Judges one directive.
pub(super) fn audit(
    root: &dyn Rootfs,
    config: &Config,
    keyword: &'static Keyword,
    value: &Value,
) -> Result<Finding> {
    config.judged(config.about(keyword))?;
    let judge = Judge { config, keyword, value };
    let (refusals, held_back) = refused(config, Some(keyword));
    let repair = Repair::of(&judge);
    let (mut gaps, mut holding) = (Vec::new(), Vec::new());
    gaps_of(&judge, &repair, held_back, &mut gaps, &mut holding);
    gaps.extend(refusals);
    command_line(&judge, root, &mut gaps, &mut holding)?;
    if let Value::ExistingFile(path) = value {
        let there = root.locate(path)?.stat;
        let evidence = Evidence::at(path).want("a file");
        match there.map(|s| s.kind) {
            Some(FileKind::File) => {}
            other => {
                let found = other.map_or_else(|| "nothing".to_owned(), |kind| kind.to_string());
                let advice = format!("sshd shows no banner without {path}; put a file there");
                gaps.push(Gap::no_remedy(evidence.found(found), advice));
            }
        }
    }
    if let Some(stated) = repair.stated {
        let evidence = at(config, stated).found(stated.shown()).want(judge.wanted());
        let reading = judge.reading(stated);
        holding.insert(0, Evidence { note: reading.map(Message::value), ..evidence });
        holding.extend(judge.remarks(stated));
    }
    holding.extend(config.release.evidence());
    Ok(Finding::from_gaps(gaps, holding))
}

/// One gap for each file that changes, with the change; one for each wrong line that cannot be
/// edited.
fn gaps_of(
    judge: &Judge<'_>,
    repair: &Repair<'_>,
    held_back: bool,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) {
    let mut further = 0;
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for wrong in &repair.wrong {
        let Some(source) = judge.config.sources.get(wrong.source) else { continue };
        let first = seen.insert(wrong.source);
        if !first && gaps.len() + holding.len() >= SHOWN {
            further += 1;
            continue;
        }
        let evidence = judge.evidence(wrong);
        match &source.locked {
            Some(locked) => gaps.push(Gap::no_remedy(evidence, locked)),
            None if first => gaps.push(closed(judge, repair, wrong.source, evidence, held_back)),
            None => holding.push(evidence),
        }
    }
    if further > 0 {
        holding.push(Evidence::note_only(format!("{further} further lines are wrong")));
    }
    let Some(main) = judge.config.main() else { return };
    let missing = repair.insert.is_some() || repair.hopeless;
    if missing && (!seen.contains(&0) || main.locked.is_some()) {
        let evidence = Evidence::at(&main.path).want(judge.wanted()).note(judge.unstated());
        gaps.push(match &main.locked {
            Some(locked) => Gap::no_remedy(evidence, locked),
            None => closed(judge, repair, 0, evidence, held_back),
        });
    }
}

/// The gap that the new text of a file closes.
fn closed(
    judge: &Judge<'_>,
    repair: &Repair<'_>,
    source: usize,
    evidence: Evidence,
    held_back: bool,
) -> Gap {
    let reason = match judge.config.sources.get(source) {
        Some(file) if !held_back && !repair.hopeless => {
            let text = repair.text(judge, source, &file.text);
            return Gap::fixed_by(evidence, Change::write(&file.path, text));
        }
        _ if held_back => HELD_BACK.to_owned(),
        _ => format!("{} takes none of the allowed values", judge.config.release.name()),
    };
    Gap::no_remedy(evidence, reason)
}

/// A value on the command line comes before all files; another file replaces them.
fn command_line(
    judge: &Judge<'_>,
    root: &dyn Rootfs,
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let given = options::read(root)?;
    gaps.extend(given.other_file()?);
    let release = &judge.config.release;
    for text in &given.statements {
        let Some(said) = statement(text, release.style()) else { continue };
        if !said.keyword.eq_ignore_ascii_case(judge.keyword.name) {
            continue;
        }
        let right = judge.keyword.refusal(&said, release).is_none()
            && single(&said, release).is_ok_and(|v| judge.is_right_value(v));
        let evidence = Evidence::at(&options::path()?)
            .line(given.line)
            .found(shorten(text))
            .want(judge.wanted())
            .note("on sshd's command line, before every file");
        if right {
            holding.push(evidence);
        } else {
            gaps.push(Gap::no_remedy(evidence, "take the option out of SSHD_OPTS by hand"));
        }
    }
    Ok(())
}
