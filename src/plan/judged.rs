//! From findings to the verdict on a rule.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hash, RandomState};

use serde::Serialize;

use super::messages;
use super::waived::WaiverUse;
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
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct JudgedGap {
    /// What it is about.
    pub subject: Subject,
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// Why `apply` cannot close it; `None` when it can.
    pub reason: Option<Message>,
    /// Whether a waiver accepts it.
    pub waived: bool,
}

/// The verdict on one rule.
#[derive(Debug, Clone)]
pub struct Judged {
    /// Which rule.
    #[cfg_attr(not(feature = "internals"), allow(dead_code))]
    pub id: RuleId,
    /// Its outcome.
    pub outcome: Outcome,
    /// Whether any single want holds by itself (and not vacuously).
    pub any_met: bool,
    /// Whether `apply` can close it, for a rule that does not hold.
    pub remedy: Option<Remedy>,
    /// What does not hold; empty unless the outcome is `not_met`.
    pub gaps: Vec<JudgedGap>,
    /// How many more gaps there are, of too many to list.
    pub more_gaps: usize,
    /// What else was seen.
    pub evidence: Vec<Evidence>,
    /// Why it is `unknown`, or why there is no remedy.
    pub reason: Option<Message>,
    /// What is waived, of a rule whose outcome is `waived`.
    pub beneath: Option<Box<Judged>>,
    /// The site's waivers, and whether they have an effect.
    pub waivers: Vec<WaiverUse>,
}

impl Judged {
    /// A rule about which nothing was found out.
    pub(crate) fn nothing(id: &RuleId, outcome: Outcome) -> Judged {
        Judged {
            id: id.clone(),
            outcome,
            any_met: false,
            remedy: None,
            gaps: Vec::new(),
            more_gaps: 0,
            evidence: Vec::new(),
            reason: None,
            beneath: None,
            waivers: Vec::new(),
        }
    }

    /// The same verdict for a rule for which nothing is changed.
    pub(super) fn left_as_it_is(mut self) -> Judged {
        self.remedy = self.remedy.map(|_| Remedy::None);
        self
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

/// The limit of gaps, of observations and of reasons that a row shows …
const MOST: usize = 2_000;
/// … and of what each of these lists takes in a report (bytes of JSON without line breaks).
const LARGEST: usize = 512 << 10;
/// The reasons of a row are those of its gaps once more, in one sentence.
const LARGEST_REASON: usize = 128 << 10;
/// A list that is shorter takes little, as every text in it is bounded.
const FEW: usize = 100;

/// Cuts a list to what a row shows, and returns how many are left out.
fn shorten<T: Serialize>(list: &mut Vec<T>, largest: usize) -> usize {
    let all = list.len();
    if list.len() > FEW {
        let mut left = largest;
        let mut fits = |one: &T| {
            let size = serde_json::to_vec(one).map_or(0, |json| json.len());
            left.checked_sub(size).map(|rest| left = rest).is_some()
        };
        let end = list.iter().position(|one| !fits(one));
        list.truncate(end.unwrap_or(list.len()).max(FEW));
    }
    all - list.len()
}

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
    let (mut gaps, mut evidence) = (Kept::new(), Kept::new());
    let (mut causes, mut reasons) = (Vec::new(), Kept::new());
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
                    | Finding::Unmeasured(e) => e.into_iter().for_each(|e| evidence.push(e)),
                    Finding::NotMet { gaps: found, holding } => {
                        for Gap { subject, evidence, fix } in found {
                            let reason = fix.reason().map(bounded);
                            if let Some(reason) = &reason {
                                reasons.push(reason.clone());
                            }
                            gaps.push(JudgedGap { subject, evidence, reason, waived: false });
                        }
                        holding.into_iter().for_each(|e| evidence.push(e));
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
        (outcome == Outcome::NotMet).then_some(if reasons.list.is_empty() && causes.is_empty() {
            Remedy::Available
        } else {
            Remedy::None
        });
    causes.into_iter().for_each(|cause| reasons.push(cause));
    // A file of a million lines is not a report of a million lines.
    let (gaps, more_gaps) = gaps.shortened(LARGEST);
    let (mut evidence, more_evidence) = evidence.shortened(LARGEST);
    let (mut reasons, more_reasons) = reasons.shortened(LARGEST_REASON);
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
    let any_met = has(Outcome::Met);
    Judged { any_met, remedy, gaps, more_gaps, evidence, reason, ..Judged::nothing(id, outcome) }
}

/// The first of equal ones, as many as a row shows at most.
struct Kept<T> {
    list: Vec<T>,
    seen: HashSet<u64>,
    hashes: RandomState,
    left_out: usize,
}

impl<T: Hash + Serialize> Kept<T> {
    fn new() -> Kept<T> {
        let hashes = RandomState::new();
        Kept { list: Vec::new(), seen: HashSet::new(), hashes, left_out: 0 }
    }

    fn push(&mut self, one: T) {
        if !self.seen.insert(self.hashes.hash_one(&one)) {
            return;
        }
        if self.list.len() < MOST {
            self.list.push(one);
        } else {
            self.left_out += 1;
        }
    }

    /// What a row shows of it, and how many are left out.
    fn shortened(mut self, largest: usize) -> (Vec<T>, usize) {
        self.left_out += shorten(&mut self.list, largest);
        (self.list, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Fix;
    use crate::rootfs::ImagePath;

    #[test]
    fn a_row_shows_a_bounded_part_of_what_is_wrong() {
        let path = ImagePath::parse("/etc/x").unwrap();
        let gap = |n: usize, long: usize| Gap {
            subject: Subject::path(&path),
            evidence: Evidence::at(&path).line(n).found("f".repeat(long)),
            fix: Fix::None(Message::value(format!("{n} {}", "r".repeat(long)))),
        };
        for (count, long) in [(FEW, 1_900), (5_000, 10), (5_000, 1_900), (1_500, 100)] {
            let gaps = (0..count).map(|n| gap(n, long)).collect();
            let finding = Finding::NotMet { gaps, holding: Vec::new() };
            let judged = combine(&"1.1".parse().unwrap(), [Ok(finding)].into_iter());
            let size = serde_json::to_vec(&judged.gaps).unwrap().len();
            assert!(size <= LARGEST + 2 * MOST, "{count} {long}: {size}");
            let reason = judged.reason.unwrap().text(crate::message::Lang::En);
            let most = LARGEST_REASON.max(FEW * 2_000) + 200;
            assert!(reason.len() <= most, "{count} {long}: {}", reason.len());
            let shown = judged.gaps.len();
            assert!((FEW..=MOST).contains(&shown), "{count} {long}: {shown}");
            let note = judged.evidence.first().and_then(|e| e.note.as_ref());
            let note = note.map_or(String::new(), |note| note.text(crate::message::Lang::En));
            let left = note.split(' ').next().and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
            assert_eq!(shown + left, count, "{long}: {note}");
        }
    }
}
