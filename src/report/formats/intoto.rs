//! An in-toto Statement: that the named files were judged, or hardened, and what that came to. A
//! pipeline signs it; this program does not.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::report::compare::{Change, Comparison};
use crate::report::{Artifact, Mode, ProfileRef, Report, Stamp, Summary, TargetRef, Tool};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
/// What the predicate is. Its fields are those of [`Predicate`]; within a version, fields are added,
/// never renamed. `.invalid` is nobody's domain: the name cannot be another's.
const PREDICATE: &str = "https://gokaku.invalid/attestation/hardening/v1";

/// The statement.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Statement<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: Vec<Descriptor<'a>>,
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

/// What a statement is about.
#[derive(Serialize)]
struct Descriptor<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    digest: BTreeMap<&'static str, &'a str>,
}

/// What is said of the subjects, in the words of the JSON report.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Predicate<'a> {
    /// The program, and its version.
    tool: &'a Tool,
    /// `audit`: the tree was judged; `plan`: what would be; `apply`: it was hardened, and judged again.
    mode: Mode,
    /// The tree.
    target: &'a TargetRef,
    /// What it was judged by: the table, its layers and variables, the digest of all of it.
    profile: &'a ProfileRef,
    /// The counts of rows; of a plan or an apply, those after the changes.
    summary: &'a Summary,
    /// The exit status that these rows come to, without `--strict`: 0 as declared, 1 something is
    /// unknown, 2 something is not as declared.
    status: u8,
    /// What a gate said, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Gate>,
    /// The schema of the JSON report from which the words are.
    report_schema: &'a str,
    /// When and where, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stamp: Option<&'a Stamp>,
}

/// What a comparison with a baseline came to.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Gate {
    /// 0 passed, 1 a row is unknown that was known, 2 something is worse.
    status: u8,
    /// Rows that are worse.
    worse: usize,
    /// Rows that were known and are unknown.
    unknown: usize,
}

impl Gate {
    fn of(comparison: &Comparison) -> Gate {
        let count = |change| comparison.of(change).count();
        let (worse, unknown) = (count(Change::Worse), count(Change::Unknown));
        Gate { status: comparison.exit_status(), worse, unknown }
    }
}

pub(super) fn of(report: &Report) -> Statement<'_> {
    Statement {
        kind: STATEMENT,
        subject: report.attached.subjects.iter().map(about).collect(),
        predicate_type: PREDICATE,
        predicate: Predicate {
            tool: &report.tool,
            mode: report.mode,
            target: &report.target,
            profile: &report.profile,
            summary: &report.summary,
            status: report.own_status(false),
            gate: report.comparison.as_ref().map(Gate::of),
            report_schema: &report.schema,
            stamp: report.stamp.as_ref(),
        },
    }
}

fn about(artifact: &Artifact) -> Descriptor<'_> {
    Descriptor {
        name: artifact.name.as_deref(),
        digest: BTreeMap::from([("sha256", artifact.sha256.as_str())]),
    }
}
