//! What formats call a row: one word each, so that filters and counts add up. A row that is left alone
//! is never one that passes.

use super::html::messages;
use crate::check::Outcome;
use crate::message::Message;
use crate::report::matrix::MatrixCell;
use crate::report::{Disposition, RuleReport};

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// It is to hold, and does not.
    NotMet,
    /// It is to hold, and cannot be told.
    Unknown,
    /// It is left alone, and differs from the published image.
    Drifted,
    /// A person must judge.
    Manual,
    /// It does not hold, and that is accepted.
    Waived,
    /// It holds because what it is about is not there.
    Vacuous,
    /// It holds.
    Met,
    /// It is left as it is.
    LeftAlone,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Verdict; 8] = [
        Verdict::NotMet,
        Verdict::Unknown,
        Verdict::Drifted,
        Verdict::Manual,
        Verdict::Waived,
        Verdict::Vacuous,
        Verdict::Met,
        Verdict::LeftAlone,
    ];

    pub fn of(row: &RuleReport) -> Verdict {
        Verdict::of_state(row.disposition, row.outcome, row.drift)
    }

    pub fn of_state(disposition: Disposition, outcome: Outcome, drift: bool) -> Verdict {
        match (disposition.is_enforced(), drift) {
            (true, _) => Verdict::of_enforced(outcome),
            (false, true) => Verdict::Drifted,
            (false, false) => Verdict::LeftAlone,
        }
    }

    /// Of a row that is to hold.
    pub fn of_enforced(outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Met => Verdict::Met,
            Outcome::MetVacuously => Verdict::Vacuous,
            Outcome::NotMet => Verdict::NotMet,
            Outcome::Manual => Verdict::Manual,
            Outcome::Unknown | Outcome::Unmeasured => Verdict::Unknown,
            Outcome::Waived => Verdict::Waived,
        }
    }

    /// Its class in the page.
    pub fn class(self) -> &'static str {
        match self {
            Verdict::NotMet => "notmet",
            Verdict::Unknown => "unknown",
            Verdict::Drifted => "drifted",
            Verdict::Manual => "manual",
            Verdict::Waived => "waived",
            Verdict::Vacuous => "vacuous",
            Verdict::Met => "met",
            Verdict::LeftAlone => "left",
        }
    }

    /// A sign beside the colour.
    pub fn sign(self) -> &'static str {
        match self {
            Verdict::NotMet => "✗",
            Verdict::Unknown => "?",
            Verdict::Drifted => "≠",
            Verdict::Manual => "!",
            Verdict::Waived => "~",
            Verdict::Vacuous => "∅",
            Verdict::Met => "✓",
            Verdict::LeftAlone => "–",
        }
    }

    pub fn words(self) -> Message {
        use crate::report::messages as report;
        match self {
            Verdict::NotMet => report::not_met(),
            Verdict::Unknown => report::unknown(),
            Verdict::Drifted => report::drifted(),
            Verdict::Manual => report::manual(),
            Verdict::Waived => report::waived(),
            Verdict::Vacuous => report::met_vacuously(),
            Verdict::Met => report::met(),
            Verdict::LeftAlone => messages::left_alone(),
        }
    }
}

impl MatrixCell {
    /// What became of the row in the image.
    pub(super) fn verdict(self) -> Verdict {
        Verdict::of_state(self.disposition, self.outcome, self.drift)
    }
}

/// Whether somebody has to look at the row.
pub(super) fn needs_attention(row: &RuleReport) -> bool {
    let open = matches!(Verdict::of(row), Verdict::NotMet | Verdict::Unknown | Verdict::Manual);
    open || row.waiver_is_over() || (row.drift && !row.drift_accepted)
}
