//! A report as one page that needs nothing else: no network, no other file. Its policy lets run and
//! colour only what is in the page by its digest, so that no text of a tree could, even as markup.
//!
//! Both languages are in it; the script switches between them and filters. Without it the page is in
//! the language that was asked for, and every row is there.

mod compared;
pub(in crate::report::formats) mod document;
mod filters;
mod head;
pub(crate) mod messages;
pub(in crate::report::formats) mod page;
mod row;
mod tail;

use super::Style;
use crate::profile::Part;
use crate::report::Report;
use page::Page;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = concat!(include_str!("language.js"), include_str!("script.js"));

/// The page of a report.
pub(super) fn render(report: &Report, style: Style) -> String {
    let title =
        messages::page_title(report.profile.benchmark.as_str(), report.target.root.as_str());
    document::write(&title, style.lang, STYLE, SCRIPT, |p| {
        p.markup("<a class=\"skip\" href=\"#rows\">");
        p.say(&messages::to_the_rows());
        p.markup("</a>");
        head::header(p, report);
        p.el("main", &[], |p| {
            compared::write(p, report);
            head::consequences(p, report);
            p.el("div", &[("class", "over")], |p| {
                head::attention(p, report);
                head::summary(p, report);
            });
            p.el("section", &[("id", "rows"), ("aria-labelledby", "rows-h")], |p| {
                p.el("h2", &[("id", "rows-h")], |p| p.say(&messages::rows()));
                filters::write(p, report);
                for (chapter, rows) in report.by_chapter() {
                    p.el("section", &[("class", "chapter")], |p| {
                        p.el("h3", &[], |p| chapter_title(p, report, chapter));
                        for one in rows {
                            row::write(p, report, one);
                        }
                    });
                }
            });
            tail::changes(p, report);
            tail::about(p, report);
        });
    })
}

fn chapter_title(p: &mut Page, report: &Report, chapter: &Part) {
    p.text(&chapter.to_string());
    if let Some(title) = report.chapters.get(chapter) {
        p.text(" ");
        p.both(title);
    }
}

#[cfg(test)]
mod tests;
