//! A table for spreadsheets: a line for each finding, and one for each row without any.

use std::io;

use crate::check::Evidence;
use crate::message::{Lang, Message};
use crate::plan::Remedy;
use crate::report::{Disposition, GapReport, Report, RuleReport};

/// The columns.
const HEAD: [&str; 23] = [
    "row",
    "level",
    "severity",
    "status",
    "disposition",
    "outcome",
    "before",
    "changed",
    "remedy",
    "drift",
    "title",
    "subject_kind",
    "subject",
    "path",
    "line",
    "found",
    "want",
    "note",
    "reason",
    "waived_until",
    "waived_by",
    "waiver_reason",
    "nist",
];

/// The report as CSV (RFC 4180).
pub(super) fn render(report: &Report, lang: Lang) -> io::Result<String> {
    let mut lines: Vec<Vec<String>> = vec![HEAD.iter().map(|name| (*name).to_owned()).collect()];
    for row in &report.rules {
        let beneath = row.beneath.as_ref();
        let gaps = row.gaps.iter().chain(beneath.iter().flat_map(|beneath| &beneath.gaps));
        let gaps: Vec<&GapReport> = gaps.collect();
        if gaps.is_empty() {
            lines.push(record(row, None, row.evidence.first(), lang));
        }
        for gap in gaps {
            lines.push(record(row, Some(gap), Some(&gap.evidence), lang));
        }
    }
    table(&lines)
}

/// Lines of cells as CSV; no cell is a formula.
pub(in crate::report) fn table(lines: &[Vec<String>]) -> io::Result<String> {
    let ends = csv::Terminator::CRLF;
    let mut out = csv::WriterBuilder::new().terminator(ends).from_writer(Vec::new());
    for line in lines {
        out.write_record(line.iter().map(|cell| harmless(cell)))?;
    }
    let bytes = out.into_inner().map_err(|e| e.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn record(
    row: &RuleReport,
    gap: Option<&GapReport>,
    seen: Option<&Evidence>,
    lang: Lang,
) -> Vec<String> {
    let text = |message: Option<&Message>| message.map(|m| m.text(lang)).unwrap_or_default();
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let disposition = match row.disposition {
        Disposition::Enforced => "enforced",
        Disposition::EnforcedBySite => "enforced_by_site",
        Disposition::LeftAlone => "left_alone",
    };
    let remedy = gap.map_or(row.remedy, |gap| gap.remedy).map_or("", |remedy| match remedy {
        Remedy::Available => "available",
        Remedy::None => "none",
    });
    // Of several waivers, the one that is for this.
    let waiver = row
        .waivers
        .iter()
        .find(|waiver| gap.is_some_and(|gap| waiver.subject.as_ref() == Some(&gap.subject)))
        .or_else(|| row.waivers.iter().find(|waiver| waiver.subject.is_none()));
    let references = row.references.as_ref();
    let nist = references.iter().flat_map(|named| &named.nist);
    let nist: Vec<String> = nist.map(ToString::to_string).collect();
    vec![
        row.id.to_string(),
        row.level.to_string(),
        row.severity.map_or("", |severity| severity.word()).to_owned(),
        row.status.clone(),
        disposition.to_owned(),
        row.outcome.word().to_owned(),
        row.before.map_or("", |before| before.word()).to_owned(),
        yes(row.changed),
        remedy.to_owned(),
        yes(row.drift),
        row.title.get(lang).to_owned(),
        gap.map_or("", |gap| gap.subject.kind.word()).to_owned(),
        gap.map_or(String::new(), |gap| gap.subject.value.clone()),
        seen.and_then(|seen| seen.path.as_ref()).map(ToString::to_string).unwrap_or_default(),
        seen.and_then(|seen| seen.line).map(|line| line.to_string()).unwrap_or_default(),
        text(seen.and_then(|seen| seen.found.as_ref())),
        text(seen.and_then(|seen| seen.want.as_ref())),
        text(seen.and_then(|seen| seen.note.as_ref())),
        text(gap.and_then(|gap| gap.reason.as_ref()).or(row.reason.as_ref())),
        waiver.map_or(String::new(), |waiver| waiver.until.clone()),
        waiver.map_or(String::new(), |waiver| waiver.by.clone()),
        text(waiver.map(|waiver| &waiver.reason)),
        nist.join(" "),
    ]
}

/// A cell that is no formula: what a spreadsheet would run stands behind an apostrophe.
fn harmless(cell: &str) -> String {
    let cell = crate::rootfs::escape(cell.as_bytes());
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠') => format!("'{cell}"),
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for (cell, want) in [
            ("=cmd|'/c calc'!A0", "'=cmd|'/c calc'!A0"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "\\x09=1"),
            ("\r=1", "\\x0d=1"),
            ("＝1", "'＝1"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(cell), want);
        }
    }
}
