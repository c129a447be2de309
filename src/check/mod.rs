//! What a rule can want. One primitive per file, one arm of [`Check`] per primitive.
//!
//! A primitive has one function, `audit`: it compares an image with what is wanted and returns
//! gaps; a gap carries the change that closes it. What would be done is derived from that, so
//! "holds" and "nothing to do" are one statement. Primitives read through [`Rootfs`] and never
//! write; they never use `apply/`.

mod conf_dirs;
mod kernel_cmdline;
mod kernel_module;
mod sysctl;
#[cfg(test)]
pub(crate) mod testing;
mod versions;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::rootfs::{Change, ImagePath, Rootfs};

/// What a want, or a whole rule, comes out as. Spelled the same in JSON, code and text.
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
    /// It could not be told, with the cause.
    Unknown,
    /// It does not hold (or was not judged), and that was accepted in the site's own profile.
    Waived,
    /// A left-alone row without a measurement.
    Unmeasured,
}

impl Outcome {
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The path inside the root, if it is about one.
    pub path: Option<ImagePath>,
    /// The line, from 1.
    pub line: Option<usize>,
    /// What stands there; absent when nothing does.
    pub found: Option<String>,
    /// What was wanted.
    pub want: Option<String>,
    /// Anything a reader should know.
    pub note: Option<String>,
}

impl Evidence {
    /// About a path.
    pub fn at(path: &ImagePath) -> Evidence {
        Evidence { path: Some(path.clone()), ..Evidence::default() }
    }

    /// About no path in particular.
    pub fn note_only(note: impl Into<String>) -> Evidence {
        Evidence { note: Some(note.into()), ..Evidence::default() }
    }

    /// Adds the line, from 1.
    #[must_use]
    pub fn line(mut self, line: usize) -> Evidence {
        self.line = Some(line);
        self
    }

    /// Adds what was found.
    #[must_use]
    pub fn found(mut self, found: impl Into<String>) -> Evidence {
        self.found = Some(found.into());
        self
    }

    /// Adds what was wanted.
    #[must_use]
    pub fn want(mut self, want: impl Into<String>) -> Evidence {
        self.want = Some(want.into());
        self
    }

    /// Adds a remark.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Evidence {
        self.note = Some(note.into());
        self
    }
}

/// What would close a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fix {
    /// These changes, together.
    Changes(Vec<Change>),
    /// Nothing that is safe; why, and what a person can do.
    None(String),
}

/// One difference between the image and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// Where, found, wanted.
    pub evidence: Evidence,
    /// What would close it.
    pub fix: Fix,
}

impl Gap {
    /// A gap that one change closes.
    pub fn fixed_by(evidence: Evidence, change: Change) -> Gap {
        Gap { evidence, fix: Fix::Changes(vec![change]) }
    }

    /// A gap that several changes close together.
    pub fn fixed_by_all(evidence: Evidence, changes: Vec<Change>) -> Gap {
        Gap { evidence, fix: Fix::Changes(changes) }
    }

    /// A gap without a safe remedy.
    pub fn no_remedy(evidence: Evidence, reason: impl Into<String>) -> Gap {
        Gap { evidence, fix: Fix::None(reason.into()) }
    }
}

/// What an audit of one want says. "Could not tell" is the error beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        }
    }
}

/// One kind of thing a rule can want; its fields are the rule's data.
pub trait Primitive {
    /// Compares the image with what is wanted.
    ///
    /// # Errors
    /// When it cannot be told: the rule is then `unknown`, with this cause.
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding>;
}

/// All primitives. The TOML key is the arm's name in snake case.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A word is not among the kernel's arguments.
    KernelCmdline(kernel_cmdline::KernelCmdline),
    /// A kernel module cannot be loaded.
    KernelModule(kernel_module::KernelModule),
    /// A kernel parameter has a value at boot.
    Sysctl(sysctl::Sysctl),
}

impl Check {
    /// The primitive behind the arm.
    pub fn primitive(&self) -> &dyn Primitive {
        match self {
            Check::KernelCmdline(p) => p,
            Check::KernelModule(p) => p,
            Check::Sysctl(p) => p,
        }
    }
}
