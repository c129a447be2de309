//! From findings to the verdict on a rule.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use super::messages;
use crate::check::{Evidence, Finding, Gap, Outcome, Subject};
use crate::error::{Error, Result, cut};
use crate::message::Message;
use crate::profile::RuleId;
use crate::text::lossless;

/// Whether `apply` can close the gaps of a rule that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Every gap has a change that closes it.
    Available,
    /// At least one gap has none; the reason says why.
    None,
}

/// One gap of a rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct JudgedGap {
    /// What it is about.
    pub subject: Subject,
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// Why `apply` cannot close it; `None` when it can.
    pub reason: Option<Message>,
}

/// The verdict on one rule.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Which rule.
    pub id: RuleId,
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether any single want holds by itself (and not vacuously).
    pub any_met: bool,
    /// Whether `apply` can close it, for a rule that does not hold.
    pub remedy: Option<Remedy>,
    /// What does not hold; empty unless the outcome is `not_met`.
    pub gaps: Vec<JudgedGap>,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Why it is `unknown`, or why there is no remedy.
    pub reason: Option<Message>,
}

impl Judged {
    /// A rule about which nothing was found out.
    pub(super) fn nothing(id: &RuleId, outcome: Outcome) -> Judged {
        Judged {
            id: id.clone(),
            outcome,
            any_met: false,
            remedy: None,
            gaps: Vec::new(),
            evidence: Vec::new(),
            reason: None,
        }
    }

    /// All that was seen: the evidence of the gaps, then the rest.
    pub fn seen(&self) -> impl Iterator<Item = &Evidence> {
        self.gaps.iter().map(|gap| &gap.evidence).chain(&self.evidence)
    }

    /// The same verdict without a word on how to close a gap.
    pub(super) fn without_advice(mut self) -> Judged {
        if self.outcome == Outcome::NotMet {
            self.remedy = None;
            self.reason = None;
            self.gaps.iter_mut().for_each(|gap| gap.reason = None);
        }
        self
    }
}

/// The limit of observations, and of reasons, per row.
const MOST: usize = 2_000;

/// The limit of one text in a reason, in bytes: a line of megabytes in a file must not end up in a
/// row.
fn bounded(reason: Message) -> Message {
    const LONG: usize = 2_000;
    reason.with_texts(&mut |text| (text.len() > LONG).then(|| cut(text, LONG).into_owned()))
}

/// The cause of a verdict that could not be reached, as people may see it.
fn cause(error: &Error) -> Message {
    let shown = |text: &str| lossless::holds(text).then(|| lossless::shown(text).into_owned());
    bounded(Message::from(error).with_texts(&mut { shown }))
}

/// All wants must hold. What definitely fails, fails; else what cannot be determined is unknown.
pub(super) fn combine(id: &RuleId, findings: impl Iterator<Item = Result<Finding>>) -> Judged {
    let (mut gaps, mut evidence) = (Few::new(), Few::new());
    let (mut causes, mut reasons) = (Vec::new(), Few::new());
    let mut outcomes = BTreeSet::new();
    for finding in findings {
        match finding {
            Err(e) => {
                outcomes.insert(Outcome::Unknown);
                causes.push(cause(&e));
            }
            Ok(finding) => {
                outcomes.insert(finding.outcome());
                match finding {
                    Finding::Met(e)
                    | Finding::MetVacuously(e)
                    | Finding::Manual(e)
                    | Finding::Unmeasured(e) => evidence.add_all(e),
                    Finding::NotMet { gaps: found, holding } => {
                        for Gap { subject, evidence, fix } in found {
                            let reason = fix.reason().map(bounded);
                            if let Some(reason) = &reason {
                                reasons.add(reason.clone());
                            }
                            gaps.add(JudgedGap { subject, evidence, reason });
                        }
                        evidence.add_all(holding);
                    }
                }
            }
        }
    }
    let has = |o| outcomes.contains(&o);
    let worst =
        [Outcome::NotMet, Outcome::Unknown, Outcome::Manual, Outcome::Unmeasured, Outcome::Met];
    let outcome = worst.into_iter().find(|o| has(*o)).unwrap_or(Outcome::MetVacuously);
    let remedy =
        (outcome == Outcome::NotMet).then_some(if reasons.first.is_empty() && causes.is_empty() {
            Remedy::Available
        } else {
            Remedy::None
        });
    reasons.add_all(causes);
    let (gaps, more_gaps) = gaps.done();
    let (mut evidence, more_evidence) = evidence.done();
    let (mut reasons, more_reasons) = reasons.done();
    if more_gaps > 0 {
        evidence.insert(0, Evidence::note_only(messages::more_gaps(more_gaps)));
    }
    if more_evidence > 0 {
        evidence.push(Evidence::note_only(messages::more_evidence(more_evidence)));
    }
    if more_reasons > 0 {
        reasons.push(messages::more_reasons(more_reasons));
    }
    let reason = match reasons.len() {
        0 | 1 => reasons.pop(),
        _ => Some(messages::reasons(reasons)),
    };
    Judged { id: id.clone(), outcome, any_met: has(Outcome::Met), remedy, gaps, evidence, reason }
}

/// The first [`MOST`] different ones, and how many more there were: a file of a million lines is not
/// a report of a million lines.
struct Few<T> {
    first: Vec<T>,
    more: usize,
    /// The digests of all of them. One in 2^64 pairs would be taken for equal, and only beyond the
    /// limit: up to it they are compared.
    seen: HashSet<u64>,
    hasher: RandomState,
}

impl<T: Eq + Hash> Few<T> {
    fn new() -> Few<T> {
        Few { first: Vec::new(), more: 0, seen: HashSet::new(), hasher: RandomState::new() }
    }

    fn add(&mut self, one: T) {
        let is_new = self.seen.insert(self.hasher.hash_one(&one));
        if self.first.len() >= MOST {
            self.more += usize::from(is_new);
        } else if is_new || !self.first.contains(&one) {
            self.first.push(one);
        }
    }

    fn add_all(&mut self, all: impl IntoIterator<Item = T>) {
        all.into_iter().for_each(|one| self.add(one));
    }

    /// Those that are kept, and the number of the others.
    fn done(self) -> (Vec<T>, usize) {
        (self.first, self.more)
    }
}
