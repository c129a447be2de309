//! The filters. They are of use with the script alone, which shows them.

use std::collections::BTreeMap;

use super::super::verdict::{Verdict, needs_attention};
use super::page::Page;
use super::{chapter_title, messages};
use crate::message::Message;
use crate::profile::Severity;
use crate::report::{Report, RuleReport};

pub(super) fn write(p: &mut Page, report: &Report) {
    let rows = &report.rules;
    let count = |is: &dyn Fn(&RuleReport) -> bool| rows.iter().filter(|row| is(row)).count();
    p.el("form", &[("id", "filters"), ("hidden", "")], |p| {
        p.el("p", &[("class", "find")], |p| {
            p.el("label", &[("for", "find")], |p| p.say(&messages::search()));
            p.markup(
                "<input type=\"search\" id=\"find\" autocomplete=\"off\" spellcheck=\"false\">",
            );
        });
        group(p, "v", &messages::outcome(), |p| {
            for verdict in Verdict::ALL {
                let here = count(&|row| Verdict::of(row) == verdict);
                choice(p, "v", verdict.class(), here, |p| {
                    p.el("span", &[("class", "sign"), ("aria-hidden", "true")], |p| {
                        p.text(verdict.sign())
                    });
                    p.say(&verdict.words());
                });
            }
        });
        p.el("details", &[("class", "more")], |p| {
            p.el("summary", &[], |p| p.say(&messages::more_filters()));
            others(p, report);
        });
        p.el("p", &[("class", "shown")], |p| {
            p.el("span", &[("role", "status")], |p| {
                p.say(&messages::rows_shown());
                p.text(" ");
                p.el("output", &[("id", "shown")], |p| p.number(rows.len()));
                p.text(" / ");
                p.number(rows.len());
            });
            for (id, words) in [
                ("all-shown", messages::show_all()),
                ("open-all", messages::open_all()),
                ("close-all", messages::close_all()),
            ] {
                p.el("button", &[("type", "button"), ("id", id)], |p| p.say(&words));
            }
        });
    });
}

fn others(p: &mut Page, report: &Report) {
    let rows = &report.rules;
    let count = |is: &dyn Fn(&RuleReport) -> bool| rows.iter().filter(|row| is(row)).count();
    group(p, "k", &messages::what_is_to_do(), |p| {
        choice(p, "k", "look", count(&needs_attention), |p| p.say(&messages::attention()));
        choice(p, "k", "changed", count(&|row| row.changed), |p| p.say(&messages::changed()));
    });
    let mut statuses: BTreeMap<&str, &RuleReport> = BTreeMap::new();
    for row in rows {
        statuses.entry(&row.status).or_insert(row);
    }
    group(p, "s", &messages::published_status(), |p| {
        for (status, first) in &statuses {
            let here = count(&|row| row.status == *status);
            choice(p, "s", status, here, |p| super::row::status_words(p, first));
        }
    });
    group(p, "g", &messages::severity(), |p| {
        for severity in Severity::ALL.into_iter().rev() {
            let here = count(&|row| row.severity == Some(severity));
            choice(p, "g", severity.word(), here, |p| p.say(&Message::from(severity)));
        }
    });
    group(p, "c", &messages::chapter(), |p| {
        for (chapter, rows) in report.by_chapter() {
            let word = chapter.to_string();
            choice(p, "c", &word, rows.len(), |p| chapter_title(p, report, chapter));
        }
    });
}

fn group(p: &mut Page, of: &'static str, name: &Message, inside: impl FnOnce(&mut Page)) {
    p.el("fieldset", &[("data-of", of)], |p| {
        p.el("legend", &[], |p| p.say(name));
        inside(p);
    });
}

/// A choice, where there is something to choose.
fn choice(p: &mut Page, of: &'static str, value: &str, here: usize, words: impl FnOnce(&mut Page)) {
    if here == 0 {
        return;
    }
    let class = if of == "v" { value } else { "plain" };
    p.el("label", &[("class", class)], |p| {
        p.empty("input", &[("type", "checkbox"), ("name", of), ("value", value)]);
        words(p);
        p.text(" ");
        p.el("b", &[], |p| p.number(here));
    });
}
