//! A comment on a pull request: short enough for GitHub whatever the report holds, and no text of a
//! tree is markup, a link, or calls anybody.

use super::messages;
use super::row::waiver;
use super::verdict::Verdict;
use crate::check::{Evidence, Outcome};
use crate::message::{Lang, Message};
use crate::report::compare::{self, Change};
use crate::report::matrix::{Image, Matrix, MatrixRow};
use crate::report::text::{evidence, outcome};
use crate::report::{Report, RuleReport, messages as words, summarize};

/// The limit of a comment (bytes); GitHub takes 65,536 characters.
const LARGEST: usize = 60_000;
/// What is kept for the ends of sections and for what says how much is left out.
const KEPT: usize = 4_000;
/// So many findings of a row are shown.
const FINDINGS: usize = 10;
/// So many subjects of a row that has changed are named.
const SUBJECTS: usize = 10;

/// The comment.
pub(super) fn render(report: &Report, lang: Lang) -> String {
    let mut page = Page { out: String::new(), lang };
    page.head(report);
    if let Some(comparison) = &report.comparison {
        page.comparison(comparison);
    }
    if !report.consequences.is_empty() {
        page.add(&format!("\n### {}\n\n", words::consequences().text(lang)));
        let lines: Vec<String> = report
            .consequences
            .iter()
            .map(|one| format!("- {}\n", text(&one.says.text(lang))))
            .collect();
        page.list(&lines);
    }
    page.chapters(report);
    for verdict in
        [Verdict::NotMet, Verdict::Unknown, Verdict::Manual, Verdict::Waived, Verdict::Drifted]
    {
        let rows: Vec<&RuleReport> =
            report.rules.iter().filter(|row| Verdict::of(row) == verdict).collect();
        page.section(verdict.words(), &rows, |row| findings(row, lang));
    }
    let changed: Vec<&RuleReport> = report.rules.iter().filter(|row| row.changed).collect();
    page.section(messages::changed_rows(), &changed, |row| {
        let paths = report.changes.iter().filter(|change| change.rules.contains(&row.id));
        paths.map(|change| code(&change.path.to_string())).collect()
    });
    page.out
}

/// Many images: how many hold what, then the rows in which they fail or differ, the worst first.
pub(in crate::report) fn matrix(matrix: &Matrix, lang: Lang) -> String {
    let mut page = Page { out: String::new(), lang };
    page.add(&format!("## gokaku: {}\n\n", text(&matrix.counts().text(lang))));
    let line =
        |image: &Image| format!("- {}: {}\n", code(&image.name), text(&image.counts().text(lang)));
    let images: Vec<String> = matrix.images.iter().map(line).collect();
    page.list(&images);
    page.add("\n");
    let group = |(found, images): (Outcome, Vec<usize>)| {
        let word = text(&outcome(found).text(lang));
        let names = images.iter().filter_map(|at| matrix.images.get(*at));
        let names: Vec<String> = names.map(|image| code(&image.name)).collect();
        match images.len() <= SUBJECTS && images.len() < matrix.images.len() {
            true => format!("{word} {} ({})", images.len(), names.join(", ")),
            false => format!("{word} {}", images.len()),
        }
    };
    let row = |row: &MatrixRow| {
        let groups: Vec<String> = row.groups().into_iter().map(group).collect();
        format!("- **{}** {}: {}\n", row.id, text(row.title.get(lang)), groups.join(", "))
    };
    let rows = matrix.worst_first().into_iter().filter(|row| row.is_of_interest());
    let rows: Vec<String> = rows.map(row).collect();
    page.list(&rows);
    page.out
}

struct Page {
    out: String,
    lang: Lang,
}

impl Page {
    /// Adds a text if there is room for it.
    fn add(&mut self, text: &str) -> bool {
        let fits = self.out.len() + text.len() + KEPT <= LARGEST;
        if fits {
            self.out.push_str(text);
        }
        fits
    }

    /// Adds as many lines as there is room for, and says how many are left out.
    fn list(&mut self, lines: &[String]) {
        let shown = lines.iter().take_while(|line| self.add(line)).count();
        self.left_out(lines.len() - shown);
    }

    fn left_out(&mut self, count: usize) {
        if count > 0 {
            let left = messages::left_out(count).text(self.lang);
            self.out.push_str(&format!("\n{}\n", text(&left)));
        }
    }

    fn head(&mut self, report: &Report) {
        let lang = self.lang;
        let pass = &report.summary.pass;
        let verdict = messages::holds(pass.met + pass.met_vacuously, pass.total).text(lang);
        let changes = match report.mode {
            crate::report::Mode::Audit => None,
            crate::report::Mode::Plan => Some(words::would_change(report.summary.changed_files)),
            crate::report::Mode::Apply => Some(words::changed(report.summary.changed_files)),
        };
        let changes = changes.map(|said| format!(", {}", said.text(lang))).unwrap_or_default();
        self.add(&format!("## gokaku: {}{}\n\n", text(&verdict), text(&changes)));
        let profile = &report.profile;
        let layers: Vec<String> =
            profile.layers.iter().map(|layer| format!(" + {}", code(layer))).collect();
        self.add(&format!(
            "{} {}, {}{}, {}\n",
            text(&profile.benchmark),
            text(&profile.version),
            code(&profile.id),
            layers.concat(),
            code(&report.target.root),
        ));
    }

    fn comparison(&mut self, comparison: &compare::Comparison) {
        let lang = self.lang;
        self.add(&format!("\n**{}**\n\n", text(&compare::text::summary(comparison).text(lang))));
        let mut lines: Vec<String> =
            comparison.notes.iter().map(|note| format!("- {}\n", text(&note.text(lang)))).collect();
        for change in Change::ALL {
            for row in comparison.of(change) {
                let title = row.title.as_ref().map_or("", |title| title.get(lang));
                let word = compare::text::word(change).text(lang);
                let what = compare::text::what(row, lang, SUBJECTS);
                lines.push(format!(
                    "- {} **{}** {}: {}\n",
                    text(&word),
                    row.id,
                    text(title),
                    code(&what)
                ));
            }
        }
        self.list(&lines);
    }

    fn chapters(&mut self, report: &Report) {
        let lang = self.lang;
        let chapters = report.by_chapter();
        let heads = [
            words::chapter(),
            words::rows(),
            words::met(),
            words::vacuous(),
            words::not_met(),
            words::manual(),
            words::unknown(),
            words::waived(),
            words::left_alone(words::drifted()),
        ];
        let heads: Vec<String> = heads.iter().map(|head| text(&head.text(lang))).collect();
        let line =
            format!("\n| {} |\n|---|{}\n", heads.join(" | "), "--:|".repeat(heads.len() - 1));
        let mut lines = vec![line];
        let all: Vec<&RuleReport> = report.rules.iter().collect();
        let whole = format!("**{}**", text(&words::all().text(lang)));
        let named =
            chapters.iter().map(|(chapter, rows)| (text(&report.chapter(chapter, lang)), rows));
        for (name, rows) in named.chain([(whole, &all)]) {
            let sum = summarize(rows.iter().copied());
            let (pass, left) = (sum.pass, sum.left_alone);
            lines.push(format!(
                "| {name} | {} | {} | {} | {} | {} | {} | {} | {} ({}) |\n",
                pass.total,
                pass.met,
                pass.met_vacuously,
                pass.not_met,
                pass.manual,
                pass.unknown,
                pass.waived,
                left.total,
                left.drifted,
            ));
        }
        self.list(&lines);
    }

    /// Rows behind a summary that opens.
    fn section(
        &mut self,
        name: Message,
        rows: &[&RuleReport],
        findings: impl Fn(&RuleReport) -> Vec<String>,
    ) {
        if rows.is_empty() {
            return;
        }
        let (lang, name) = (self.lang, name.text(self.lang));
        let head = format!("\n<details><summary>{}: {}</summary>\n\n", text(&name), rows.len());
        if !self.add(&head) {
            return self.left_out(rows.len());
        }
        let mut shown = 0;
        for row in rows {
            let mut line = format!("- **{}** {}\n", row.id, text(row.title.get(lang)));
            let found = findings(row);
            for finding in found.iter().take(FINDINGS) {
                line.push_str(&format!("  - {finding}\n"));
            }
            if let Some(more) = found.len().checked_sub(FINDINGS).filter(|more| *more > 0) {
                let more = words::and_more(more + row.more_gaps).text(lang);
                line.push_str(&format!("  - {}\n", text(&more)));
            }
            if !self.add(&line) {
                break;
            }
            shown += 1;
        }
        self.left_out(rows.len() - shown);
        self.out.push_str("\n</details>\n");
    }
}

/// What there is to say of a row: its findings, or what was seen, its waivers, and why.
fn findings(row: &RuleReport, lang: Lang) -> Vec<String> {
    let line = |seen: &Evidence| code(&evidence(seen, lang));
    let mut out: Vec<String> = Vec::new();
    out.extend(row.waivers.iter().map(|one| text(&waiver(one).text(lang))));
    if let Some(beneath) = &row.beneath {
        out.push(text(&messages::beneath(outcome(beneath.outcome)).text(lang)));
        out.extend(beneath.gaps.iter().map(|gap| line(&gap.evidence)));
    }
    out.extend(row.gaps.iter().map(|gap| line(&gap.evidence)));
    if row.gaps.is_empty() {
        out.extend(row.evidence.iter().take(FINDINGS).map(line));
    }
    // A waiver's reason is the row's.
    let why = row.reason.as_ref().filter(|_| row.waivers.is_empty());
    out.extend(why.map(|why| text(&crate::report::text::line_of(&why.text(lang)))));
    out
}

/// A text that is only a text: what could be markup is written as a number, and no name behind an `@`
/// is called.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in crate::rootfs::escape(text.as_bytes()).chars() {
        match c {
            '@' => out.push_str("&#64;&#8203;"),
            // Numbers behind it are references, and letters with dots and slashes become links.
            '#' => out.push_str("&#35;&#8203;"),
            '.' if ends_in_www(&out) => out.push_str("&#46;"),
            '.' | ' ' | ',' | '-' | '(' | ')' => out.push(c),
            ':' => out.push_str(":&#8203;"),
            c if c.is_ascii_punctuation() => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// The same in the letters of code, where nothing is markup or a reference.
fn code(text: &str) -> String {
    let text = crate::rootfs::escape(text.as_bytes());
    // The fence is longer than any run of its sign inside.
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A blank on both sides is not shown, and keeps signs at the ends apart from the fence.
    format!("{fence} {text} {fence}")
}

fn ends_in_www(text: &str) -> bool {
    let start = text.len().checked_sub(3);
    start.and_then(|start| text.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Outcome, Subject};
    use crate::report::{GapReport, from_json};

    const REPORT: &str = include_str!("../../../tests/data/formats/report-1.json");

    fn gap(found: &str) -> GapReport {
        GapReport {
            subject: Subject::key("k"),
            evidence: Evidence::note_only(Message::value(found)),
            remedy: None,
            reason: None,
            waived: false,
        }
    }

    #[test]
    fn no_text_of_a_tree_is_markup_or_calls_anybody() {
        let hostile = "</code><script>*a* _b_ [c](http://d) ![e](f) @user #12 `g` | h\n# i https://j.example www.k.example";
        let mut report = from_json(REPORT).expect("the sample is a report");
        let row = &mut report.rules[0];
        row.outcome = Outcome::NotMet;
        row.title.en = hostile.to_owned();
        row.gaps = vec![gap(hostile)];
        report.target.root = hostile.to_owned();
        let page = render(&report, Lang::En);
        // What stands in code is only shown.
        let fenced = format!("`` {} ``", crate::rootfs::escape(hostile.as_bytes()));
        assert!(page.contains(&fenced), "{page}");
        let ours = page.replace(&fenced, "").replace("&#", "&");
        for markup in [
            "<script", "*a*", "_b_", "[c]", "![", "@user", "#12", "`g`", "https:/", "http:/",
            "www.", "\n# i",
        ] {
            assert!(!ours.contains(markup), "{markup}: {page}");
        }
    }

    #[test]
    fn a_comment_has_a_bound_and_says_what_is_left_out() {
        let mut report = from_json(REPORT).expect("the sample is a report");
        let json = serde_json::to_string(&report.rules[0]).expect("a row");
        for number in 0..3_000 {
            let mut row: RuleReport = serde_json::from_str(&json).expect("a row");
            row.id = format!("9.{number}").parse().expect("an id");
            row.outcome = Outcome::NotMet;
            row.gaps = (0..20).map(|n| gap(&format!("<{}>", "x".repeat(100 + n)))).collect();
            report.rules.push(row);
        }
        for lang in [Lang::En, Lang::Ja] {
            let page = render(&report, lang);
            assert!(page.len() <= LARGEST && page.len() > LARGEST / 2, "{}", page.len());
            assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
            let said = if lang == Lang::En { " more left out here" } else { " 件は省略" };
            assert!(page.contains(said), "{page}");
        }
    }
}
