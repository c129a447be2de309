//! The top of a page: what was judged, whether it is as declared, what ends, what needs a person.

use super::super::verdict::{Verdict, needs_attention};
use super::page::Page;
use super::row::{at_a_glance, badge, severity};
use super::{chapter_title, messages};
use crate::check::Outcome;
use crate::consequences::Effect;
use crate::message::Message;
use crate::report::{Mode, Report, RuleReport};

/// So many rows are listed before the rest is folded.
const LISTED: usize = 10;

/// What was judged, and the verdict in one sentence.
pub(super) fn header(p: &mut Page, report: &Report) {
    p.el("header", &[], |p| {
        p.el("div", &[("class", "bar")], |p| {
            p.el("p", &[("class", "tool")], |p| {
                p.text(&format!("{} {}", report.tool.name, report.tool.version));
            });
            super::document::language(p);
        });
        p.el("h1", &[], |p| {
            p.text(&format!("{} {}", report.profile.benchmark, report.profile.version));
        });
        p.el("dl", &[("class", "facts")], |p| facts(p, report));
        let (class, sentence) = sentence(report);
        p.el("p", &[("class", class), ("id", "verdict")], |p| {
            let sign = match class {
                "good" => "✓ ",
                "todo" => "→ ",
                _ => "✗ ",
            };
            p.el("span", &[("aria-hidden", "true")], |p| p.text(sign));
            p.say(&sentence);
        });
        p.el("ul", &[("class", "tiles")], |p| {
            let rows: Vec<&RuleReport> = report.rules.iter().collect();
            tallies(p, &rows, Some("#rows"));
        });
        if let Some(line) = changed(report) {
            p.el("p", &[], |p| match report.changes.is_empty() {
                true => p.say(&line),
                false => p.el("a", &[("href", "#changes")], |p| p.say(&line)),
            });
        }
        if let Some(failure) = report.packages.as_ref().and_then(|p| p.failure.as_ref()) {
            p.el("p", &[("class", "bad")], |p| {
                p.say(&messages::packages_failed());
                p.text(" ");
                p.say(failure);
            });
        }
    });
}

fn facts(p: &mut Page, report: &Report) {
    fact(p, &messages::profile(), |p| p.text(&report.profile.id));
    if !report.profile.layers.is_empty() {
        fact(p, &messages::layers(), |p| p.text(&report.profile.layers.join(", ")));
    }
    fact(p, &messages::target(), |p| {
        p.code(&report.target.root);
        p.text(&format!(" ({} {})", report.target.os, report.target.version));
        if report.target.live {
            p.text(" ");
            p.say(&messages::live());
        }
    });
    fact(p, &messages::mode(), |p| {
        p.say(&match report.mode {
            Mode::Audit => messages::mode_audit(),
            Mode::Plan => messages::mode_plan(),
            Mode::Apply => messages::mode_apply(),
        });
    });
    if let Some(stamp) = &report.stamp {
        fact(p, &messages::made(), |p| {
            p.text(&stamp.text());
            if let Some(host) = &stamp.host {
                p.text(" ");
                p.code(host);
            }
        });
    }
}

/// A name and what it stands for.
pub(super) fn fact(p: &mut Page, name: &Message, inside: impl FnOnce(&mut Page)) {
    p.el("div", &[], |p| {
        p.el("dt", &[], |p| p.say(name));
        p.el("dd", &[], inside);
    });
}

/// The verdict: whether the root is as declared, by the rule of the exit status.
fn sentence(report: &Report) -> (&'static str, Message) {
    let count =
        |is: &dyn Fn(&RuleReport) -> bool| report.rules.iter().filter(|row| is(row)).count();
    let total = report.summary.pass.total;
    let open = |row: &RuleReport| {
        row.disposition.is_enforced()
            && (Verdict::of(row) == Verdict::NotMet || row.waiver_is_over())
    };
    let open = count(&open);
    let unknown = count(&|row| Verdict::of(row) == Verdict::Unknown && !row.waiver_is_over());
    match (report.own_status(false), open, report.mode) {
        (0, _, Mode::Plan) if !report.changes.is_empty() => {
            let before = |row: &RuleReport| {
                row.disposition.is_enforced() && row.before == Some(Outcome::NotMet)
            };
            ("todo", messages::as_declared_after(count(&before), total, report.changes.len()))
        }
        (0, ..) => ("good", messages::as_declared(total)),
        (1, 0, _) => ("bad", messages::not_determined(unknown, total)),
        (1, ..) => ("bad", messages::not_determined_and_open(unknown, open, total)),
        (_, _, Mode::Plan) => ("bad", messages::would_stay_open(open, total)),
        _ => ("bad", messages::not_as_declared(open, total)),
    }
}

fn changed(report: &Report) -> Option<Message> {
    use crate::report::messages as report_messages;
    match (report.mode, report.summary.changed_files) {
        (Mode::Audit, _) => None,
        (Mode::Plan, 0) => Some(report_messages::nothing_would_change()),
        (Mode::Plan, paths) => Some(report_messages::would_change(paths)),
        (Mode::Apply, 0) => Some(report_messages::nothing_changed()),
        (Mode::Apply, paths) => Some(report_messages::changed(paths)),
    }
}

/// What the changes end.
pub(super) fn consequences(p: &mut Page, report: &Report) {
    if report.consequences.is_empty() {
        return;
    }
    p.el("section", &[("class", "alarm"), ("aria-labelledby", "ends-h")], |p| {
        p.el("h2", &[("id", "ends-h")], |p| p.say(&crate::report::messages::consequences()));
        p.el("ul", &[], |p| {
            for one in &report.consequences {
                p.el("li", &[], |p| {
                    let sign = if one.effect == Effect::NotKnown { "? " } else { "⚠ " };
                    p.el("span", &[("aria-hidden", "true")], |p| p.text(sign));
                    p.say(&one.says);
                    p.text(" ");
                    p.el("span", &[("class", "by")], |p| {
                        for rule in &one.rules {
                            link(p, report, &rule.to_string());
                        }
                    });
                    if one.named {
                        p.el("span", &[("class", "tag")], |p| p.say(&messages::by_its_own_words()));
                    }
                });
            }
        });
    });
}

/// A link to a row, where the page has it.
pub(super) fn link(p: &mut Page, report: &Report, id: &str) {
    match report.rules.iter().any(|row| row.id.to_string() == id) {
        true => p.el("a", &[("href", &format!("#r-{id}"))], |p| p.text(id)),
        false => p.text(id),
    }
    p.text(" ");
}

/// The rows that somebody has to look at, the worst first.
pub(super) fn attention(p: &mut Page, report: &Report) {
    let mut rows: Vec<&RuleReport> =
        report.rules.iter().filter(|row| needs_attention(row)).collect();
    if rows.is_empty() {
        return;
    }
    rows.sort_by_key(|row| (Verdict::of(row), std::cmp::Reverse(row.severity), &row.id));
    p.el("section", &[("aria-labelledby", "look-h")], |p| {
        p.el("h2", &[("id", "look-h")], |p| p.say(&messages::needs_attention(rows.len())));
        let (first, rest) = rows.split_at(rows.len().min(LISTED));
        p.el("ul", &[("class", "look")], |p| first.iter().for_each(|row| look(p, row)));
        if !rest.is_empty() {
            p.el("details", &[], |p| {
                p.el("summary", &[], |p| p.say(&crate::report::messages::and_more(rest.len())));
                p.el("ul", &[("class", "look")], |p| rest.iter().for_each(|row| look(p, row)));
            });
        }
    });
}

fn look(p: &mut Page, row: &RuleReport) {
    p.el("li", &[], |p| {
        badge(p, row);
        severity(p, row);
        p.el("a", &[("href", &format!("#r-{}", row.id))], |p| {
            p.text(&format!("{} ", row.id));
            p.both(&row.title);
        });
        at_a_glance(p, row);
    });
}

/// The counts by chapter, as stacked bars with their numbers.
pub(super) fn summary(p: &mut Page, report: &Report) {
    p.el("section", &[("aria-labelledby", "sum-h")], |p| {
        p.el("h2", &[("id", "sum-h")], |p| p.say(&messages::by_chapter()));
        p.el("ul", &[("class", "chapters")], |p| {
            for (chapter, rows) in report.by_chapter() {
                p.el("li", &[], |p| {
                    p.el("p", &[("class", "name")], |p| {
                        let attrs = [("href", "#rows"), ("data-c", &chapter.to_string())];
                        p.el("a", &attrs, |p| chapter_title(p, report, chapter));
                        p.text(" ");
                        p.say(&messages::so_many_rows(rows.len()));
                    });
                    bar(p, &rows);
                    p.el("ul", &[("class", "counts")], |p| tallies(p, &rows, None));
                });
            }
        });
    });
}

fn count(rows: &[&RuleReport], verdict: Verdict) -> usize {
    rows.iter().filter(|row| Verdict::of(row) == verdict).count()
}

/// A bar; the counts beside it say the same in words.
fn bar(p: &mut Page, rows: &[&RuleReport]) {
    let all = rows.len().max(1);
    let size = [("viewBox", "0 0 1000 10"), ("preserveAspectRatio", "none"), ("class", "stack")];
    let attrs = [&size[..], &[("aria-hidden", "true"), ("focusable", "false")]].concat();
    p.el("svg", &attrs, |p| {
        let mut before = 0;
        for verdict in Verdict::ALL {
            let here = count(rows, verdict);
            if here == 0 {
                continue;
            }
            let (from, to) = (before * 1000 / all, (before + here) * 1000 / all);
            before += here;
            let gap = if before == all { 0 } else { 2 };
            let (x, width) = (from.to_string(), (to - from).saturating_sub(gap).to_string());
            let attrs =
                [("class", verdict.class()), ("x", &x), ("width", &width), ("height", "10")];
            p.el("rect", &attrs, |_| {});
        }
    });
}

/// Each verdict that there is, with its number; a link, where there is one, leads to its rows.
fn tallies(p: &mut Page, rows: &[&RuleReport], link: Option<&str>) {
    let inside = |p: &mut Page, verdict: Verdict, here: usize| {
        p.el("span", &[("class", "sign"), ("aria-hidden", "true")], |p| p.text(verdict.sign()));
        p.el("b", &[], |p| p.number(here));
        p.text(" ");
        p.say(&verdict.words());
    };
    for verdict in Verdict::ALL {
        let here = count(rows, verdict);
        if here == 0 {
            continue;
        }
        p.el("li", &[("class", verdict.class())], |p| match link {
            // The script sets the filter, too.
            Some(to) => p.el("a", &[("href", to), ("data-v", verdict.class())], |p| {
                inside(p, verdict, here);
            }),
            None => inside(p, verdict, here),
        });
    }
}
