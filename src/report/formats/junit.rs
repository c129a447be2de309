//! JUnit XML: a row is a test case, a chapter a suite. A row that holds passes; what does not is a
//! failure, what cannot be told an error, and everything else is skipped, with the reason.

use std::io;

use super::row::said;
use super::verdict::Verdict;
use super::xml::Xml;
use crate::message::{Lang, Message};
use crate::profile::Part;
use crate::report::matrix::{Matrix, MatrixRow};
use crate::report::{Report, RuleReport};

/// Counts of a suite, or of all.
#[derive(Default, Clone, Copy)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
    skipped: usize,
}

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        self.tests += 1;
        match kind(verdict) {
            None => {}
            Some("failure") => self.failures += 1,
            Some("error") => self.errors += 1,
            Some(_) => self.skipped += 1,
        }
    }

    fn attributes(self) -> [(&'static str, String); 4] {
        [
            ("tests", self.tests.to_string()),
            ("failures", self.failures.to_string()),
            ("errors", self.errors.to_string()),
            ("skipped", self.skipped.to_string()),
        ]
    }
}

/// The element of a test case; a case without one has passed.
fn kind(verdict: Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Met => None,
        Verdict::NotMet => Some("failure"),
        Verdict::Unknown => Some("error"),
        Verdict::Drifted
        | Verdict::Manual
        | Verdict::Waived
        | Verdict::Vacuous
        | Verdict::LeftAlone => Some("skipped"),
    }
}

/// The report as JUnit XML. Rows of a plan are as they will be.
pub(super) fn render(report: &Report, lang: Lang) -> io::Result<String> {
    let mut all = Counts::default();
    // What could not be done is no row, and no success.
    let failure = report.packages.as_ref().and_then(|said| said.failure.as_ref());
    if failure.is_some() {
        all.add(Verdict::Unknown);
    }
    for row in &report.rules {
        all.add(Verdict::of(row));
    }
    let mut xml = Xml::new()?;
    let attributes = all.attributes();
    let mut attributes: Vec<(&str, &str)> = pairs(&attributes);
    attributes.insert(0, ("name", "gokaku"));
    xml.element("testsuites", &attributes, |xml| {
        for (chapter, rows) in &report.by_chapter() {
            suite(xml, report, chapter, rows, lang)?;
        }
        failure.map_or(Ok(()), |why| packages(xml, why, lang))
    })?;
    Ok(xml.finish())
}

fn pairs<'a>(attributes: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    attributes.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// A suite that says why packages could not be changed.
fn packages(xml: &mut Xml, why: &Message, lang: Lang) -> io::Result<()> {
    const NAME: &str = "packages";
    let mut counts = Counts::default();
    counts.add(Verdict::Unknown);
    let counts = counts.attributes();
    let mut attributes = pairs(&counts);
    attributes.insert(0, ("name", NAME));
    xml.element("testsuite", &attributes, |xml| {
        xml.element("testcase", &[("classname", NAME), ("name", NAME)], |xml| {
            xml.empty("error", &[("message", &why.text(lang)), ("type", "failed")])
        })
    })
}

fn suite(
    xml: &mut Xml,
    report: &Report,
    chapter: &Part,
    rows: &[&RuleReport],
    lang: Lang,
) -> io::Result<()> {
    let mut counts = Counts::default();
    rows.iter().for_each(|row| counts.add(Verdict::of(row)));
    let name = report.chapter(chapter, lang);
    let (counts, class) = (counts.attributes(), format!("{}.{chapter}", report.profile.id));
    let mut attributes = pairs(&counts);
    attributes.insert(0, ("name", name.as_str()));
    let time = report.stamp.as_ref().map(|stamp| stamp.text());
    // Its schema knows no zone.
    let time = time.as_deref().map(|time| time.trim_end_matches('Z'));
    attributes.extend(time.map(|time| ("timestamp", time)));
    let host = report.stamp.as_ref().and_then(|stamp| stamp.host.as_deref());
    attributes.extend(host.map(|host| ("hostname", host)));
    xml.element("testsuite", &attributes, |xml| {
        xml.element("properties", &[], |xml| {
            let root = report.target.root.as_str();
            let facts = [
                ("profile", report.profile.id.as_str()),
                ("benchmark", report.profile.benchmark.as_str()),
                ("version", report.profile.version.as_str()),
                ("root", root),
            ];
            facts.iter().try_for_each(|(name, value)| {
                xml.empty("property", &[("name", name), ("value", value)])
            })
        })?;
        rows.iter().try_for_each(|row| case(xml, report, row, &class, lang))
    })
}

fn case(
    xml: &mut Xml,
    report: &Report,
    row: &RuleReport,
    class: &str,
    lang: Lang,
) -> io::Result<()> {
    let name = format!("{} {}", row.id, row.title.get(lang));
    let attributes = [("classname", class), ("name", name.as_str())];
    let verdict = Verdict::of(row);
    let Some(kind) = kind(verdict) else { return xml.empty("testcase", &attributes) };
    let said = said(report, row, lang);
    let word = verdict.words().text(lang);
    // The first thing that was seen says most; of a waiver it is its reason.
    let first = match verdict {
        Verdict::NotMet | Verdict::Unknown | Verdict::Manual => said.get(1),
        Verdict::Waived | Verdict::Vacuous => said.get(1),
        _ => said.first(),
    };
    let message = first.map_or(word.clone(), |first| format!("{word}: {first}"));
    xml.element("testcase", &attributes, |xml| match kind {
        "skipped" => xml.empty(kind, &[("message", &message)]),
        _ => {
            let kind_of = row.outcome.word();
            xml.text(kind, &[("message", &message), ("type", kind_of)], &said.join("\n"))
        }
    })
}

/// Many images: a suite for each, with what became of its rows.
pub(in crate::report) fn matrix(matrix: &Matrix, lang: Lang) -> io::Result<String> {
    let verdicts = |at: usize| {
        let cell = move |row: &MatrixRow| row.cells.get(at).copied().flatten();
        matrix.rows.values().filter_map(move |row| Some((row, cell(row)?.verdict())))
    };
    let mut all = Counts::default();
    for at in 0..matrix.images.len() {
        verdicts(at).for_each(|(_, verdict)| all.add(verdict));
    }
    let mut xml = Xml::new()?;
    let attributes = all.attributes();
    let mut attributes = pairs(&attributes);
    attributes.insert(0, ("name", "gokaku"));
    xml.element("testsuites", &attributes, |xml| {
        for (at, image) in matrix.images.iter().enumerate() {
            let mut counts = Counts::default();
            verdicts(at).for_each(|(_, verdict)| counts.add(verdict));
            let counts = counts.attributes();
            let mut attributes = pairs(&counts);
            attributes.insert(0, ("name", &image.name));
            xml.element("testsuite", &attributes, |xml| {
                verdicts(at).try_for_each(|(row, verdict)| {
                    let name = format!("{} {}", row.id, row.title.get(lang));
                    let attributes = [("classname", image.name.as_str()), ("name", &name)];
                    let Some(kind) = kind(verdict) else {
                        return xml.empty("testcase", &attributes);
                    };
                    let word = verdict.words().text(lang);
                    xml.element("testcase", &attributes, |xml| {
                        xml.empty(kind, &[("message", &word)])
                    })
                })
            })?;
        }
        Ok(())
    })?;
    Ok(xml.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_row_that_holds_passes() {
        for verdict in Verdict::ALL {
            assert_eq!(kind(verdict).is_none(), verdict == Verdict::Met, "{verdict:?}");
        }
    }
}
