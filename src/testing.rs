//! Assertions on reports, for a test suite of one's own. A failure names row, file, line, what was
//! found and what is wanted.
//!
//! ```should_panic
//! use gokaku::rootfs::MemoryRootfs;
//! use gokaku::run::{self, Options};
//! use gokaku::{Profile, testing};
//!
//! let profile = Profile::embedded().expect("the embedded profile");
//! let root = MemoryRootfs::new()
//!     .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
//!     .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\n");
//! let report = run::audit(&profile, &root, &Options::new()).expect("a root that can be judged");
//! testing::assert_rows_hold(&report, &["6.2.2"]);
//! ```

use std::fmt::Write;

use crate::message::Lang;
use crate::profile::RuleId;
use crate::report::text::{evidence, outcome};
use crate::report::{Mode, Outcome, Report, RuleReport};

/// Each of these rows holds: it is met, or its subject is not there. A section (`5.3`) stands for the
/// rows below it.
///
/// # Panics
/// When one does not, with every one that does not; when the report has no such row.
#[track_caller]
pub fn assert_rows_hold(report: &Report, rows: &[&str]) {
    let rows = select(report, rows);
    let bad = rows.iter().copied().filter(|row| !holds(row));
    refuse(report, rows.len(), "do not hold", bad.map(|row| told(row, &open(row))));
}

/// Every row that the profile wants to hold does so, or is waived. Rows that a person must judge
/// (`manual`) do not count.
///
/// # Panics
/// When one does not hold, with every one that does not.
#[track_caller]
pub fn assert_as_declared(report: &Report) {
    let rows = || report.rules.iter().filter(|row| row.disposition.is_enforced());
    let good =
        |row: &&RuleReport| holds(row) || matches!(row.outcome, Outcome::Manual | Outcome::Waived);
    let bad = rows().filter(|row| !good(row)).map(|row| told(row, &open(row)));
    refuse(report, rows().count(), "do not hold", bad);
}

/// No row that is left alone has drifted from what the profile leaves.
///
/// # Panics
/// When one has, with every one that has.
#[track_caller]
pub fn assert_nothing_drifted(report: &Report) {
    let rows = || report.rules.iter().filter(|row| !row.disposition.is_enforced());
    let bad = rows().filter(|row| row.drift).map(|row| told(row, &open(row)));
    refuse(report, rows().count(), "have drifted", bad);
}

/// None of these rows changes anything. The report is one of a plan or of a run that wrote; a
/// section (`5.3`) stands for the rows below it.
///
/// # Panics
/// When one does, with every one that does and the changes; when the report has no such row, or is
/// of an audit, which changes nothing in any case.
#[track_caller]
pub fn assert_rows_unchanged(report: &Report, rows: &[&str]) {
    assert!(report.mode != Mode::Audit, "an audit changes nothing; want the report of a plan");
    let rows = select(report, rows);
    let bad = rows.iter().copied().filter(|row| row.changed);
    refuse(report, rows.len(), "change something", bad.map(|row| told(row, &diffs(report, row))));
}

fn holds(row: &RuleReport) -> bool {
    matches!(row.outcome, Outcome::Met | Outcome::MetVacuously)
}

/// The rows with these ids, or below these sections.
#[track_caller]
fn select<'r>(report: &'r Report, wanted: &[&str]) -> Vec<&'r RuleReport> {
    let mut ids = Vec::new();
    for text in wanted {
        let id: RuleId = text.parse().unwrap_or_else(|e| panic!("{e}"));
        let known = report.rules.iter().any(|row| row.id.is_within(&id));
        assert!(known, "no row {id} in the report on {}", report.target.root);
        ids.push(id);
    }
    report.rules.iter().filter(|row| ids.iter().any(|id| row.id.is_within(id))).collect()
}

/// Id, title and outcome of a row, then the lines of `because`.
fn told(row: &RuleReport, because: &str) -> String {
    let (title, outcome) = (row.title.get(Lang::En), outcome(row.outcome).text(Lang::En));
    format!("{} {title}: {outcome}\n{because}", row.id)
}

/// What does not hold, an observation a line.
fn open(row: &RuleReport) -> String {
    let mut out = String::new();
    let gaps = row.gaps.iter().map(|gap| &gap.evidence);
    for one in gaps.chain(row.evidence.iter().filter(|_| row.gaps.is_empty())) {
        let _ = writeln!(out, "    {}", evidence(one, Lang::En));
    }
    if let Some(reason) = &row.reason {
        let _ = writeln!(out, "    {}", reason.text(Lang::En));
    }
    out
}

/// What changes for a row.
fn diffs(report: &Report, row: &RuleReport) -> String {
    let mut out = String::new();
    for change in report.changes.iter().filter(|change| change.rules.contains(&row.id)) {
        let _ = writeln!(out, "    {}", change.path);
        for line in change.diff.as_deref().unwrap_or_default().lines() {
            let _ = writeln!(out, "    {line}");
        }
    }
    out
}

#[track_caller]
fn refuse(report: &Report, all: usize, what: &str, bad: impl Iterator<Item = String>) {
    let bad: Vec<String> = bad.collect();
    if !bad.is_empty() {
        let root = match report.target.root.as_str() {
            "" => "the root",
            root => root,
        };
        panic!("{} of {all} rows {what} in {root}:\n\n{}", bad.len(), bad.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;
    use crate::rootfs::MemoryRootfs;
    use crate::run::{self, Options};

    fn panics(what: impl FnOnce() + std::panic::UnwindSafe) -> String {
        let cause = std::panic::catch_unwind(what).expect_err("it panics");
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned())).expect("text")
    }

    fn plan(sshd: &str) -> Report {
        let profile = Profile::embedded().unwrap();
        let root = MemoryRootfs::new()
            .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
            .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
            .file("/etc/ssh/sshd_config", sshd);
        run::plan(&profile, &root, &Options::new()).unwrap()
    }

    #[test]
    fn a_failure_names_row_file_line_found_and_wanted() {
        let report = plan("PermitRootLogin yes\n");
        // The plan would close it, and the verdicts of a plan are those after it.
        assert_rows_hold(&report, &["5.3.10"]);
        assert_rows_unchanged(&report, &["6.2.2"]);
        let said = panics(|| assert_rows_unchanged(&plan("PermitRootLogin yes\n"), &["5.3.10"]));
        for part in [
            "1 of 1 rows change something",
            "5.3.10 ",
            "/etc/ssh/sshd_config",
            "-PermitRootLogin yes",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        let audit = || {
            let profile = Profile::embedded().unwrap();
            let root = MemoryRootfs::new()
                .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
                .file("/etc/ssh/sshd_config", "# as we like it\nPermitRootLogin yes\n");
            run::audit(&profile, &root, &Options::new()).unwrap()
        };
        let said = panics(move || assert_rows_hold(&audit(), &["5.3.10", "6.2.2"]));
        for part in ["5.3.10 ", "not met", "/etc/ssh/sshd_config:2: found yes, want no"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(panics(move || assert_as_declared(&audit())).contains("5.3.10 "));
        assert!(panics(move || assert_rows_unchanged(&audit(), &["5.3.10"])).contains("of a plan"));
        assert!(panics(move || assert_rows_hold(&audit(), &["5.33"])).contains("no row 5.33"));
    }

    #[test]
    fn drift_is_named() {
        let root = MemoryRootfs::new()
            .file("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n")
            .file("/etc/modprobe.d/udf.conf", "install udf /bin/true\n");
        let profile = Profile::embedded().unwrap();
        let report = run::audit(&profile, &root, &Options::new()).unwrap();
        let said = panics(std::panic::AssertUnwindSafe(|| assert_nothing_drifted(&report)));
        assert!(said.contains("1.1.1.7") || said.contains("1.1.1.6"), "{said}");
        assert_nothing_drifted(&plan(""));
    }
}
