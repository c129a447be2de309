//! A report as one page that needs nothing else: no network, no other file. Its policy lets run and
//! colour only what is in the page by its digest, so that no text of a tree could, even as markup.
//!
//! Both languages are in it; the script switches between them and filters. Without it the page is in
//! the language that was asked for, and every row is there.

mod filters;
mod head;
pub(crate) mod messages;
mod page;
mod row;
mod tail;

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::Style;
use crate::message::{Lang, Message};
use crate::profile::Part;
use crate::report::{Report, RuleReport};
use page::Page;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

/// The page of a report.
pub(super) fn render(report: &Report, style: Style) -> String {
    let title =
        messages::page_title(report.profile.benchmark.as_str(), report.target.root.as_str());
    document(&title, style.lang, STYLE, SCRIPT, |p| {
        p.markup("<a class=\"skip\" href=\"#rows\">");
        p.say(&messages::to_the_rows());
        p.markup("</a>");
        head::header(p, report);
        p.el("main", &[], |p| {
            head::consequences(p, report);
            p.el("div", &[("class", "over")], |p| {
                head::attention(p, report);
                head::summary(p, report);
            });
            p.el("section", &[("id", "rows"), ("aria-labelledby", "rows-h")], |p| {
                p.el("h2", &[("id", "rows-h")], |p| p.say(&messages::rows()));
                filters::write(p, report);
                for (chapter, rows) in chapters(report) {
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

/// The rows by chapter.
fn chapters(report: &Report) -> BTreeMap<&Part, Vec<&RuleReport>> {
    let mut chapters: BTreeMap<&Part, Vec<&RuleReport>> = BTreeMap::new();
    for row in &report.rules {
        chapters.entry(row.id.chapter()).or_default().push(row);
    }
    chapters
}

fn chapter_title(p: &mut Page, report: &Report, chapter: &Part) {
    p.text(&chapter.to_string());
    if let Some(title) = report.chapters.get(chapter) {
        p.text(" ");
        p.both(title);
    }
}

/// A document with its one style and its one script, and the policy that allows these alone.
fn document(
    title: &Message,
    lang: Lang,
    style: &'static str,
    script: &'static str,
    body: impl FnOnce(&mut Page),
) -> String {
    let mut p = Page::new();
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(style),
        digest(script),
    );
    p.markup("<!DOCTYPE html>\n");
    let word = match lang {
        Lang::En => "en",
        Lang::Ja => "ja",
    };
    p.el("html", &[("lang", word)], |p| {
        p.el("head", &[], |p| {
            p.markup("<meta charset=\"utf-8\">");
            p.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
            p.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
            p.markup("<meta name=\"color-scheme\" content=\"light dark\">");
            p.markup("<meta name=\"referrer\" content=\"no-referrer\">");
            let (en, ja) = (title.text(Lang::En), title.text(Lang::Ja));
            let attrs = [("data-en", en.as_str()), ("data-ja", ja.as_str())];
            p.el("title", &attrs, |p| p.text(&title.text(lang)));
            p.el("style", &[], |p| p.markup(style));
        });
        p.markup("\n");
        p.el("body", &[], |p| {
            body(p);
            p.el("script", &[], |p| p.markup(script));
        });
    });
    p.markup("\n");
    p.done()
}

#[cfg(test)]
mod tests;
