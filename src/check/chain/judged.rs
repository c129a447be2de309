//! What a finding about a file is worth, with the chain in view.

use serde::{Deserialize, Serialize};

use super::boot::command::Word;
use super::resolve::{Chain, Run, consumer, main_file, resolve};
use super::table::{Absence, Consumer, Starter};
use super::{Place, messages};
use crate::check::common::remedy;
use crate::check::{Audit, Evidence, Finding, Gap, Subject, SubjectKind};
use crate::error::{Error, Result};
use crate::message::{Arg, Message};

/// A consumer of what a primitive judges, by its name in `profiles/consumers.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumes {
    /// Its name.
    pub name: &'static str,
    /// What the primitive makes of a consumer that reads another file.
    pub other_file: OtherFile,
}

/// What a primitive makes of a consumer that reads another file than the usual one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherFile {
    /// It judges the usual one, so another is a gap.
    Refused,
    /// It judges what `main_file` says; a file that is not judged is a gap.
    Followed,
    /// It says so itself.
    Own,
}

impl Consumes {
    /// A consumer that must read its usual file.
    pub const fn usual(name: &'static str) -> Consumes {
        Consumes { name, other_file: OtherFile::Refused }
    }

    /// A consumer whose file is judged where it is an ordinary one under `/etc`.
    pub const fn followed(name: &'static str) -> Consumes {
        Consumes { name, other_file: OtherFile::Followed }
    }

    /// A consumer of whose command line the primitive itself makes its findings.
    pub const fn own(name: &'static str) -> Consumes {
        Consumes { name, other_file: OtherFile::Own }
    }
}

/// The chain as data: who starts which program, and what it reads.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChainLine {
    /// The consumer, by its name in the table.
    pub consumer: String,
    /// The program or module.
    pub program: String,
    /// The unit, job or service that starts it; `null` when none has to.
    pub starter: Option<String>,
    /// The link, statement or job that makes that one start, as `path` or `path:line`.
    pub asked_by: Option<String>,
    /// Whether it starts; `null` when the root has no init.
    pub starts: Option<bool>,
    /// What it reads.
    pub reads: Vec<String>,
}

/// The finding of a primitive, seen with the consumers of what it judged: what nothing reads is
/// not met, or says so.
///
/// # Errors
/// A row that would be met, whose consumer's command line cannot be known.
pub(in crate::check) fn judged(
    audit: &Audit<'_>,
    consumes: &[Consumes],
    mut finding: Finding,
) -> Result<Finding> {
    if !matches!(finding, Finding::Met(_) | Finding::NotMet { .. }) {
        return Ok(finding);
    }
    for one in consumes {
        let consumer = consumer(one.name)?;
        let chain = resolve(audit, one.name)?;
        finding = with(audit, *one, consumer, &chain, finding)?;
    }
    Ok(finding)
}

fn with(
    audit: &Audit<'_>,
    one: Consumes,
    consumer: &Consumer,
    chain: &Chain,
    finding: Finding,
) -> Result<Finding> {
    let program = consumer.program();
    let line = |starter: Option<&str>, starts: Option<bool>, reads: Vec<String>| ChainLine {
        consumer: one.name.to_owned(),
        program: program.to_owned(),
        starter: starter.map(str::to_owned),
        asked_by: None,
        starts,
        reads,
    };
    let usual = || consumer.reads.clone();
    Ok(match chain {
        Chain::Absent => finding,
        Chain::Outside => {
            let note = messages::outside(program);
            note_of(finding, Evidence::note_only(note), line(None, None, usual()))
        }
        Chain::OnDemand => {
            let file = Arg::names(&consumer.reads);
            let (note, starter) = match consumer.starter {
                Starter::Kernel => (messages::kernel_starts(program, file), Some("kernel")),
                Starter::Services if consumer.module.is_some() => {
                    let services = Arg::names(&consumer.services);
                    (messages::services_ask(services, program, file), None)
                }
                _ => (messages::people_start(program, file), None),
            };
            note_of(finding, Evidence::note_only(note), line(starter, Some(true), usual()))
        }
        Chain::Runs(runs) => {
            let judged = match one.other_file {
                OtherFile::Followed => Some(main_file(audit, one.name)?.to_string()),
                OtherFile::Refused | OtherFile::Own => None,
            };
            let unseen = |word: &&Word| judged.as_ref() != Some(&word.text);
            // Each of the jobs reads its own file; one that reads the usual one comes first.
            let counting = match consumer.starter {
                Starter::Jobs => runs.get(..1).unwrap_or_default(),
                _ => runs.as_slice(),
            };
            let elsewhere = counting.iter().filter_map(|run| run.other_file(consumer)).find(unseen);
            let mut finding = finding;
            if let Some(word) = elsewhere.filter(|_| one.other_file != OtherFile::Own) {
                let why = messages::other_file(program, word.text.as_str());
                let usual = Arg::names(&consumer.reads);
                let advice = messages::correct_file(program, word.at.spot(), usual);
                finding = not_met(audit, consumer, &word.at, why, advice, finding);
            }
            for run in runs {
                let reads = match run.other_file(consumer) {
                    Some(word) => vec![word.text.clone()],
                    None => usual(),
                };
                let asked_by = Some(run.at.spot());
                let line = ChainLine { asked_by, ..line(Some(&run.unit), Some(true), reads) };
                finding = note_of(finding, Evidence::note_only(run.line(consumer)), line);
            }
            finding
        }
        Chain::Stays(cause) => match consumer.absence {
            Absence::Needed => {
                let advice = match consumer.starter {
                    Starter::Services => {
                        messages::correct_stack(Arg::names(&consumer.reads), cause.at.spot())
                    }
                    _ => messages::correct_start(program, cause.at.spot()),
                };
                not_met(audit, consumer, &cause.at, cause.why.clone(), advice, finding)
            }
            Absence::Guarded => {
                let note = messages::nothing_starts(program, cause.why.clone());
                let evidence = Evidence { line: cause.at.line, ..Evidence::at(&cause.at.path) };
                note_of(finding, evidence.note(note), line(None, Some(false), usual()))
            }
        },
        Chain::Unclear(cause) => match finding {
            // What definitely fails, fails.
            Finding::NotMet { .. } => finding,
            _ => {
                let (path, why) = (cause.at.path.clone(), cause.why.clone());
                return Err(Error::CannotTell { path, why });
            }
        },
    })
}

impl Run {
    /// The file that it reads in place of the usual one.
    pub fn other_file(&self, consumer: &Consumer) -> Option<&Word> {
        // One of several usual ones, named alone, is another: the rest is not read.
        self.file.as_ref().filter(|file| consumer.reads != [file.text.as_str()])
    }

    /// In one line: who starts it, and what it reads.
    fn line(&self, consumer: &Consumer) -> Message {
        let (unit, program) = (self.unit.as_str(), self.program.as_str());
        let usual = Arg::names(&consumer.reads);
        let line = match self.other_file(consumer) {
            Some(word) if consumer.module.is_some() => {
                messages::asks_instead(unit, program, word.text.as_str(), usual)
            }
            Some(word) => messages::reads_instead(unit, program, word.text.as_str(), usual),
            None => messages::reads(unit, program, usual),
        };
        if self.supposed.is_empty() {
            return line;
        }
        let conditions = self.supposed.iter().map(|condition| &condition.text);
        messages::reads_supposing(line, Arg::names(conditions))
    }
}

/// Adds what was seen to a finding that holds.
fn note_of(finding: Finding, evidence: Evidence, line: ChainLine) -> Finding {
    match finding {
        Finding::Met(mut all) => {
            all.push(Evidence { chain: Some(Box::new(line)), aside: true, ..evidence });
            Finding::Met(all)
        }
        other => other,
    }
}

fn not_met(
    audit: &Audit<'_>,
    consumer: &Consumer,
    at: &Place,
    why: Message,
    advice: Message,
    finding: Finding,
) -> Finding {
    let (program, file) = (consumer.program(), Arg::names(&consumer.reads));
    let evidence = Evidence { line: at.line, ..Evidence::at(&at.path) };
    let want = match consumer.starter {
        Starter::Services => messages::want_asked(program, file),
        _ => messages::want_started(program, file),
    };
    let evidence = evidence.found(why).want(want);
    let subject = match consumer.units.first() {
        Some(unit) => Subject::new(SubjectKind::Unit, unit),
        None => Subject::path(&at.path),
    };
    let gap: Gap = remedy::none(audit, subject, evidence, advice);
    match finding {
        Finding::Met(holding) => Finding::NotMet { gaps: vec![gap], holding },
        Finding::NotMet { mut gaps, holding } => {
            gaps.push(gap);
            Finding::NotMet { gaps, holding }
        }
        other => other,
    }
}
