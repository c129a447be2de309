//! The changes, each text once, and what the report rests on.

use super::head::{fact, link};
use super::messages;
use super::page::Page;
use crate::apply::packages::Action;
use crate::message::Message;
use crate::report::{ChangeKind, ChangeReport, Mode, Report};

pub(super) fn changes(p: &mut Page, report: &Report) {
    if report.changes.is_empty() {
        return;
    }
    p.el("section", &[("id", "changes"), ("aria-labelledby", "changes-h")], |p| {
        p.el("h2", &[("id", "changes-h")], |p| {
            p.say(&match report.mode {
                Mode::Plan => messages::planned_changes(report.changes.len()),
                Mode::Audit | Mode::Apply => messages::made_changes(report.changes.len()),
            });
        });
        for (at, change) in report.changes.iter().enumerate() {
            p.el("details", &[("class", "change"), ("id", &format!("c-{at}"))], |p| {
                p.el("summary", &[], |p| named(p, change));
                p.el("div", &[("class", "body")], |p| {
                    p.el("p", &[("class", "by")], |p| {
                        p.say(&messages::for_rows());
                        p.text(" ");
                        for rule in &change.rules {
                            link(p, report, &rule.to_string());
                        }
                    });
                    if let Some(text) = &change.diff {
                        diff(p, text);
                    }
                });
            });
            p.markup("\n");
        }
    });
}

/// What is changed, and how.
pub(super) fn named(p: &mut Page, change: &ChangeReport) {
    if let Some(package) = &change.package {
        p.code(&format!("{}:{}", package.name, package.architecture));
        p.text(" ");
        p.say(&match package.action {
            Action::Purged => messages::purged(),
            Action::Removed => messages::removed(),
            Action::Installed => messages::installed(),
            Action::Upgraded => messages::upgraded(),
            Action::Configured => messages::configured(),
            Action::Unfinished => messages::unfinished(),
        });
        let versions: Vec<&str> =
            [&package.from, &package.to].into_iter().flatten().map(String::as_str).collect();
        if !versions.is_empty() {
            p.text(&format!(" {}", versions.join(" → ")));
        }
        return;
    }
    p.code(&change.path.to_string());
    p.text(" ");
    p.el("span", &[("class", "tag")], |p| p.say(&kind(change.kind)));
}

fn kind(kind: ChangeKind) -> Message {
    match kind {
        ChangeKind::Write => messages::kind_write(),
        ChangeKind::Stat => messages::kind_stat(),
        ChangeKind::Symlink => messages::kind_symlink(),
        ChangeKind::Mkdir => messages::kind_mkdir(),
        ChangeKind::Remove => messages::kind_remove(),
        ChangeKind::Package => messages::kind_package(),
    }
}

/// A diff; its lines have their sign beside the colour.
pub(super) fn diff(p: &mut Page, text: &str) {
    p.el("pre", &[("class", "diff")], |p| {
        for line in text.trim_end().split_inclusive('\n') {
            match line.bytes().next() {
                Some(b'+') => p.el("ins", &[], |p| p.lines(line)),
                Some(b'-') => p.el("del", &[], |p| p.lines(line)),
                Some(b'#' | b'@') => p.el("i", &[], |p| p.lines(line)),
                _ => p.lines(line),
            }
        }
    });
}

/// Which program, which profile, which values.
pub(super) fn about(p: &mut Page, report: &Report) {
    p.el("section", &[("aria-labelledby", "about-h")], |p| {
        p.el("h2", &[("id", "about-h")], |p| p.say(&messages::about()));
        p.el("dl", &[("class", "parts")], |p| {
            let profile = &report.profile;
            fact(p, &messages::program(), |p| {
                p.text(&format!("{} {}", report.tool.name, report.tool.version));
            });
            fact(p, &messages::profile(), |p| {
                p.code(&profile.id);
                if let Some(format) = &profile.format {
                    p.text(&format!(" {format}"));
                }
                if let Some(digest) = &profile.sha256 {
                    place(p, &format!("sha256:{digest}"));
                }
            });
            if let Some(source) = &profile.references {
                fact(p, &messages::references_from(), |p| {
                    p.text(&format!("{} {} · {} · ", source.content, source.version, source.nist));
                    p.both(&source.cis_controls);
                });
            }
            if let Some(packages) = report.packages.as_ref().filter(|p| !p.notes.is_empty()) {
                fact(p, &messages::packages(), |p| {
                    packages.notes.iter().for_each(|note| p.el("p", &[], |p| p.say(note)));
                });
            }
            if !profile.vars.is_empty() {
                fact(p, &messages::variables(), |p| {
                    p.el("ul", &[], |p| {
                        for var in &profile.vars {
                            p.el("li", &[], |p| {
                                p.code(&format!("{} = {}", var.name, var.value));
                                place(p, &var.place.to_string());
                            });
                        }
                    });
                });
            }
        });
    });
}

fn place(p: &mut Page, at: &str) {
    p.el("div", &[("class", "place")], |p| p.text(at));
}
