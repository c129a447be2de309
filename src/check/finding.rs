//! What an audit says: the outcome, what was seen, what is missing, and what would close the gap.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::chain::ChainLine;
use super::{Subject, messages};
use crate::error::{QUOTED, cut};
use crate::message::Message;
use crate::rootfs::{Change, ImagePath};

/// The outcome of a want, or of a whole rule. Spelled the same in JSON, code and text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Met,
    /// It holds because what it is about is not there.
    MetVacuously,
    /// It does not hold.
    NotMet,
    /// A person must judge; the evidence is attached.
    Manual,
    /// It could not be determined, with the cause.
    Unknown,
    /// It does not hold (or was not judged), and that was accepted in the site's own profile.
    Waived,
    /// A left-alone row without a measurement.
    Unmeasured,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Outcome; 7] = [
        Outcome::Met,
        Outcome::MetVacuously,
        Outcome::NotMet,
        Outcome::Manual,
        Outcome::Unknown,
        Outcome::Waived,
        Outcome::Unmeasured,
    ];

    /// The spelling in reports.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Met => "met",
            Outcome::MetVacuously => "met_vacuously",
            Outcome::NotMet => "not_met",
            Outcome::Manual => "manual",
            Outcome::Unknown => "unknown",
            Outcome::Waived => "waived",
            Outcome::Unmeasured => "unmeasured",
        }
    }
}

/// One observation behind a verdict: where, what was found, what was wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Evidence {
    /// The path inside the root, if it is about one.
    pub path: Option<ImagePath>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What stands there; absent when nothing does.
    pub found: Option<Message>,
    /// What was wanted.
    pub want: Option<Message>,
    /// Anything a reader should know.
    pub note: Option<Message>,
    /// Who starts the program that reads what was judged, if it is about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Box<ChainLine>>,
    /// Whether it is only seen, and the verdict does not rest on it.
    #[serde(skip)]
    pub aside: bool,
}

impl Evidence {
    /// About a path.
    pub(crate) fn at(path: &ImagePath) -> Evidence {
        Evidence { path: Some(path.clone()), ..Evidence::default() }
    }

    /// About no path in particular.
    pub(crate) fn note_only(note: impl Into<Message>) -> Evidence {
        Evidence { note: Some(note.into()), ..Evidence::default() }
    }

    /// Adds the line, from 1.
    #[must_use]
    pub(crate) fn line(mut self, line: usize) -> Evidence {
        self.line = Some(line);
        self
    }

    /// Adds what was found.
    #[must_use]
    pub(crate) fn found(mut self, found: impl Into<Message>) -> Evidence {
        self.found = Some(shown(found.into()));
        self
    }

    /// Adds what was wanted.
    #[must_use]
    pub(crate) fn want(mut self, want: impl Into<Message>) -> Evidence {
        self.want = Some(want.into());
        self
    }

    /// Says that the verdict does not rest on it.
    #[must_use]
    pub(crate) fn aside(mut self) -> Evidence {
        self.aside = true;
        self
    }

    /// Adds a remark.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<Message>) -> Evidence {
        self.note = Some(shown(note.into()));
        self
    }
}

/// As much of what was found is evidence (bytes): a value may be a line of megabytes.
const SHOWN: usize = 2_000;

fn shown(message: Message) -> Message {
    message.with_texts(&mut |text| (text.len() > SHOWN).then(|| cut(text, QUOTED).into_owned()))
}

/// What would close a gap.
#[derive(Debug, Clone, PartialEq)]
pub enum Fix {
    /// These changes, together. Gaps that the same changes close share them.
    Changes(Rc<[Change]>),
    /// The package manager's work, which nothing but the package manager can do.
    Package {
        /// All of these go, or each of these comes.
        names: Vec<String>,
        /// Which of the two.
        want: Presence,
        /// A program (with its arguments) to run in the root before the packages change.
        before: Vec<String>,
    },
    /// Nothing that is safe; why, and what a person can do.
    None(Message),
}

/// Whether packages are to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// They are to go, configuration and all.
    Absent,
    /// They are to be installed.
    Present,
}

impl Fix {
    /// Why no change to a file closes the gap, and what a person can do; `None` when one does.
    pub fn reason(&self) -> Option<Message> {
        match self {
            Fix::Changes(_) => None,
            Fix::None(reason) => Some(reason.clone()),
            Fix::Package { names, want, before } => {
                let verb = match want {
                    Presence::Absent => "purge",
                    Presence::Present => "install",
                };
                let mut command = String::new();
                if !before.is_empty() {
                    command = format!("chroot ROOT {} && ", before.join(" "));
                }
                command += &format!("chroot ROOT apt-get {verb} {}", names.join(" "));
                Some(messages::needs_packages(command))
            }
        }
    }
}

/// One difference between the image and what is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Gap {
    /// What it is about.
    pub subject: Subject,
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// What would close it.
    pub fix: Fix,
}

impl Gap {
    /// A gap about the path of its evidence.
    fn new(evidence: Evidence, fix: Fix) -> Gap {
        let path = evidence.path.clone().unwrap_or_else(ImagePath::root);
        Gap { subject: Subject::path(&path), evidence, fix }
    }

    /// A gap that one change closes.
    pub fn fixed_by(evidence: Evidence, change: Change) -> Gap {
        Gap::fixed_by_all(evidence, vec![change])
    }

    /// A gap that several changes close together.
    pub fn fixed_by_all(evidence: Evidence, changes: Vec<Change>) -> Gap {
        Gap::new(evidence, Fix::Changes(changes.into()))
    }

    /// A gap that only the package manager can close.
    pub fn package(evidence: Evidence, names: Vec<String>, want: Presence) -> Gap {
        Gap::new(evidence, Fix::Package { names, want, before: Vec::new() })
    }

    /// Gaps that the same changes close together.
    pub fn closed_together(
        gaps: impl IntoIterator<Item = (Subject, Evidence)>,
        changes: Vec<Change>,
    ) -> Vec<Gap> {
        let changes: Rc<[Change]> = changes.into();
        let gap = |(subject, evidence)| {
            let fix = Fix::Changes(Rc::clone(&changes));
            Gap { subject, evidence, fix }
        };
        gaps.into_iter().map(gap).collect()
    }

    /// A gap without a safe remedy.
    pub fn no_remedy(evidence: Evidence, reason: impl Into<Message>) -> Gap {
        Gap::new(evidence, Fix::None(reason.into()))
    }

    /// The same gap about this subject. Without it, it is about the path of its evidence.
    #[must_use]
    pub fn about(self, subject: Subject) -> Gap {
        Gap { subject, ..self }
    }
}

/// What an audit of one want says. "Could not tell" is the error beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It holds, and this shows it.
    Met(Vec<Evidence>),
    /// It holds because its subject is not there.
    MetVacuously(Vec<Evidence>),
    /// It does not hold. Several gaps may name the same path; their changes are made one round at
    /// a time. `holding` is what was looked at beside them.
    NotMet {
        /// The differences; never empty.
        gaps: Vec<Gap>,
        /// Further evidence.
        holding: Vec<Evidence>,
    },
    /// A person must judge.
    Manual(Vec<Evidence>),
    /// It was not looked at, because the run does without; only for rows that are left alone.
    Unmeasured(Vec<Evidence>),
}

impl Finding {
    /// `NotMet` if there are gaps, else `Met`.
    pub fn from_gaps(gaps: Vec<Gap>, holding: Vec<Evidence>) -> Finding {
        if gaps.is_empty() { Finding::Met(holding) } else { Finding::NotMet { gaps, holding } }
    }

    /// The outcome in one word.
    pub fn outcome(&self) -> Outcome {
        match self {
            Finding::Met(_) => Outcome::Met,
            Finding::MetVacuously(_) => Outcome::MetVacuously,
            Finding::NotMet { .. } => Outcome::NotMet,
            Finding::Manual(_) => Outcome::Manual,
            Finding::Unmeasured(_) => Outcome::Unmeasured,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_holds_no_endless_line() {
        let long = |n: usize| Evidence::default().found("x".repeat(n)).note("y".repeat(n));
        assert_eq!(long(SHOWN).found.unwrap().to_string().len(), SHOWN);
        let cut = long(1 << 20);
        assert!(cut.found.unwrap().to_string().len() < 300);
        assert!(cut.note.unwrap().to_string().ends_with("(1048576 bytes)"));
    }

    #[test]
    fn a_package_gap_names_the_command() {
        let names = vec!["talk".to_owned(), "ntalk".to_owned()];
        let gap = Gap::package(Evidence::default(), names.clone(), Presence::Absent);
        let reason = gap.fix.reason().unwrap().to_string();
        let want = "needs a package operation, run: chroot ROOT apt-get purge talk ntalk";
        assert_eq!(reason, want);
        let before = vec!["prelink".to_owned(), "-ua".to_owned()];
        let fix = Fix::Package { names, want: Presence::Present, before };
        assert!(
            fix.reason().unwrap().to_string().ends_with(
                "run: chroot ROOT prelink -ua && chroot ROOT apt-get install talk ntalk"
            )
        );
        assert_eq!(Fix::Changes(Rc::from([])).reason(), None);
    }
}
