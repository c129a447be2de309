//! What has become of the rows since a baseline, the worst first.

use super::head::link;
use super::page::Page;
use crate::message::{Lang, Message};
use crate::report::Report;
use crate::report::compare::{Change, text};

/// So many subjects of a row are named.
const SUBJECTS: usize = 20;

/// The section; nothing without a baseline.
pub(super) fn write(p: &mut Page, report: &Report) {
    let Some(comparison) = &report.comparison else { return };
    let class = if comparison.exit_status() == 0 { "calm" } else { "alarm" };
    p.el("section", &[("class", class), ("aria-labelledby", "gate-h")], |p| {
        p.el("h2", &[("id", "gate-h")], |p| p.say(&text::summary(comparison)));
        for note in &comparison.notes {
            p.el("p", &[], |p| p.say(note));
        }
        p.el("ul", &[], |p| {
            for row in Change::ALL.into_iter().flat_map(|change| comparison.of(change)) {
                p.el("li", &[], |p| {
                    p.el("strong", &[], |p| p.say(&text::word(row.change)));
                    p.text(" ");
                    link(p, report, &row.id.to_string());
                    if let Some(title) = &row.title {
                        p.both(title);
                        p.text(": ");
                    }
                    let what = |lang| text::what(row, lang, SUBJECTS);
                    p.say(&Message::both("report.change", what(Lang::En), what(Lang::Ja)));
                });
            }
        });
    });
}
