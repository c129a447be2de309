//! A row: what it wants, what was found, what was decided about it.

use super::super::verdict::{Verdict, needs_attention};
use super::head::fact;
use super::messages;
use super::page::Page;
use crate::check::{Evidence, Outcome};
use crate::message::Message;
use crate::plan::{Remedy, WaiverState};
use crate::report::messages as report_messages;
use crate::report::text::outcome;
use crate::report::{
    ChangeReport, ClosedGap, DecisionKind, Disposition, GapReport, Report, RuleReport, WaiverReport,
};

/// So many things of a row are shown; a saved report has all.
const MOST: usize = 200;

/// A diff that serves one row alone is shown there when it is no longer (bytes).
const SHORT: usize = 4_000;

pub(super) fn write(p: &mut Page, report: &Report, row: &RuleReport) {
    let id = row.id.to_string();
    let kinds = match (needs_attention(row), row.changed) {
        (true, true) => "look changed",
        (true, false) => "look",
        (false, true) => "changed",
        (false, false) => "-",
    };
    let chapter = row.id.chapter().to_string();
    let attrs = [
        ("class", "row"),
        ("id", &format!("r-{id}")),
        ("data-v", Verdict::of(row).class()),
        ("data-s", &row.status),
        ("data-c", &chapter),
        ("data-g", row.severity.map_or("-", |s| s.word())),
        ("data-k", kinds),
    ];
    p.el("details", &attrs, |p| {
        p.el("summary", &[], |p| {
            p.el("span", &[("class", "id")], |p| p.text(&id));
            p.el("span", &[("class", "title")], |p| p.both(&row.title));
            p.el("span", &[("class", "marks")], |p| {
                severity(p, row);
                p.el("span", &[("class", "table")], |p| {
                    p.say(&messages::table());
                    p.text(" ");
                    status_words(p, row);
                });
                badge(p, row);
            });
        });
        p.el("div", &[("class", "body")], |p| body(p, report, row));
    });
    p.markup("\n");
}

/// The verdict, with what was before where that was another.
pub(super) fn badge(p: &mut Page, row: &RuleReport) {
    let verdict = Verdict::of(row);
    p.el("span", &[("class", &format!("badge {}", verdict.class()))], |p| {
        p.el("span", &[("class", "sign"), ("aria-hidden", "true")], |p| p.text(verdict.sign()));
        let before = row.before.filter(|before| *before != row.outcome);
        if let Some(before) = before.filter(|_| row.disposition.is_enforced()) {
            p.say(&outcome(before));
            p.text(" → ");
        }
        p.say(&match (verdict, &row.beneath) {
            (Verdict::Drifted, _) if row.drift_accepted => report_messages::drift_accepted(),
            // What is observed of a row that nothing is done about, and what a waiver covers.
            (Verdict::LeftAlone, _) => {
                report_messages::beneath(verdict.words(), outcome(row.outcome))
            }
            (Verdict::Waived, Some(beneath)) => {
                report_messages::beneath(verdict.words(), outcome(beneath.outcome))
            }
            _ => verdict.words(),
        });
    });
    if row.waiver_is_over() {
        p.el("span", &[("class", "badge notmet")], |p| p.say(&messages::waiver_over()));
    }
}

/// How grave it is.
pub(super) fn severity(p: &mut Page, row: &RuleReport) {
    if let Some(severity) = row.severity {
        p.el("span", &[("class", &format!("sev {}", severity.word()))], |p| {
            p.say(&Message::from(severity));
        });
    }
}

/// What the table declares, in words.
pub(super) fn status_words(p: &mut Page, row: &RuleReport) {
    match &row.status_words {
        Some(words) => p.both(words),
        None => p.text(&row.status),
    }
}

/// The first thing that is wrong, in a line.
pub(super) fn at_a_glance(p: &mut Page, row: &RuleReport) {
    let first = row.gaps.first().map(|gap| &gap.evidence);
    match (first, &row.reason) {
        (Some(evidence), _) => p.el("p", &[("class", "glance")], |p| {
            observation(p, evidence);
            if row.gaps.len() > 1 {
                p.text(" ");
                p.say(&report_messages::and_more(row.gaps.len() - 1));
            }
        }),
        (None, Some(reason)) => p.el("p", &[("class", "glance")], |p| p.say(reason)),
        (None, None) => {
            let seen = row.evidence.iter().find(|evidence| evidence.chain.is_none());
            if let Some(evidence) = seen {
                p.el("p", &[("class", "glance")], |p| observation(p, evidence));
            }
        }
    }
}

fn body(p: &mut Page, report: &Report, row: &RuleReport) {
    if let Some(rationale) = &row.rationale {
        p.el("p", &[("class", "why")], |p| p.both(rationale));
    }
    beside(p, row);
    p.el("dl", &[("class", "parts")], |p| {
        if !row.waivers.is_empty() {
            fact(p, &messages::waivers(), |p| row.waivers.iter().for_each(|w| waiver(p, w)));
        }
        if let Some(beneath) = &row.beneath {
            fact(p, &messages::beneath(), |p| {
                p.el("p", &[], |p| p.say(&outcome(beneath.outcome)));
                if let Some(reason) = &beneath.reason {
                    p.el("p", &[], |p| p.say(reason));
                }
                gaps(p, &beneath.gaps, false);
                observations(p, &beneath.evidence);
            });
        }
        if !row.gaps.is_empty() {
            fact(p, &messages::gaps(row.gaps.len()), |p| gaps(p, &row.gaps, true));
        }
        if let Some(reason) = &row.reason {
            fact(p, &messages::reason(), |p| p.say(reason));
        }
        if !row.closed.is_empty() {
            fact(p, &messages::closed(), |p| closed(p, row));
        }
        if !row.wants.is_empty() {
            fact(p, &messages::wanted_state(), |p| {
                p.el("ul", &[], |p| {
                    for want in &row.wants {
                        p.el("li", &[], |p| {
                            p.code(&want.want);
                            place(p, &want.place.to_string());
                        });
                    }
                });
            });
        }
        if !row.evidence.is_empty() {
            fact(p, &messages::seen(), |p| observations(p, &row.evidence));
        }
        served(p, report, row);
        if let Some(decision) = &row.decision {
            fact(p, &messages::decision(), |p| {
                p.say(&match decision.kind {
                    DecisionKind::Set => messages::decision_set(),
                    DecisionKind::Enforce => messages::decision_enforce(),
                    DecisionKind::Own => messages::decision_own(),
                });
                if let Some(reason) = &decision.reason {
                    p.el("p", &[], |p| p.both(reason));
                }
                place(p, &decision.place.to_string());
            });
        }
        if let Some(origin) = &row.origin {
            fact(p, &messages::origin(), |p| p.both(origin));
        }
        references(p, row);
        if let Some(at) = &row.place {
            fact(p, &messages::place(), |p| p.code(&at.to_string()));
        }
    });
}

/// The published table, and beside it this image.
fn beside(p: &mut Page, row: &RuleReport) {
    p.el("div", &[("class", "beside")], |p| {
        p.el("dl", &[], |p| {
            fact(p, &messages::published_table(), |p| {
                p.el("b", &[], |p| status_words(p, row));
                p.text(&format!(" · L{}", row.level));
                if let Some(left) = &row.left_alone {
                    p.el("p", &[], |p| match &left.reason_words {
                        Some(words) => p.both(words),
                        None => p.text(&left.reason),
                    });
                    if let Some(note) = &left.note {
                        p.el("p", &[], |p| p.both(note));
                    }
                }
            });
            fact(p, &messages::this_image(), |p| {
                let observed = |p: &mut Page, of: Outcome| p.say(&outcome(of));
                p.el("b", &[], |p| {
                    if let Some(before) = row.before.filter(|before| *before != row.outcome) {
                        observed(p, before);
                        p.text(" → ");
                    }
                    observed(p, row.outcome);
                    if let Some(beneath) = &row.beneath {
                        p.text(" (");
                        observed(p, beneath.outcome);
                        p.text(")");
                    }
                });
                p.el("p", &[], |p| {
                    p.say(&match row.disposition {
                        _ if row.outcome == Outcome::Waived => messages::is_waived(),
                        Disposition::Enforced => messages::is_enforced(),
                        Disposition::EnforcedBySite => messages::is_enforced_by_site(),
                        Disposition::LeftAlone => messages::is_left_alone(),
                    });
                });
                if row.drift {
                    p.el("p", &[], |p| {
                        p.say(&match row.drift_accepted {
                            true => messages::differs_accepted(),
                            false => messages::differs(),
                        });
                    });
                }
            });
        });
    });
}

fn place(p: &mut Page, at: &str) {
    p.el("div", &[("class", "place")], |p| p.text(at));
}

fn waiver(p: &mut Page, waiver: &WaiverReport) {
    p.el("div", &[("class", "waiver")], |p| {
        p.el("p", &[], |p| {
            p.el("b", &[], |p| {
                p.say(&match waiver.state {
                    WaiverState::InUse => messages::waiver_in_use(),
                    WaiverState::NotNeeded => messages::waiver_not_needed(),
                    WaiverState::Over => messages::waiver_over(),
                });
            });
            p.text(" ");
            p.say(&waiver.reason);
        });
        p.el("p", &[], |p| {
            p.say(&messages::waiver_by(waiver.by.as_str(), waiver.until.as_str()));
            if let Some(days) = waiver.ends_in {
                p.text(" ");
                p.say(&messages::ends_in(days));
            }
            if let Some(subject) = &waiver.subject {
                p.text(" ");
                p.code(&subject.to_string());
            }
            if let Some(ticket) = &waiver.ticket {
                p.text(" ");
                p.say(&messages::ticket(ticket.as_str()));
            }
        });
        place(p, &waiver.place.to_string());
    });
}

/// What does not hold. Of what a waiver covers nothing is said of `apply`, which leaves it.
fn gaps(p: &mut Page, gaps: &[GapReport], apply: bool) {
    list(p, gaps, |p, gap| {
        observation(p, &gap.evidence);
        let remedy = match (gap.waived, gap.remedy) {
            (true, _) => Some(report_messages::waived()),
            _ if !apply => None,
            (false, Some(Remedy::Available)) => Some(messages::can_close()),
            (false, Some(Remedy::None)) => Some(messages::cannot_close()),
            (false, None) => None,
        };
        if let Some(remedy) = remedy {
            p.el("span", &[("class", "tag")], |p| p.say(&remedy));
        }
        if let Some(reason) = &gap.reason {
            p.el("p", &[], |p| p.say(reason));
        }
        p.el("div", &[("class", "place")], |p| p.text(&gap.subject.to_string()));
    });
}

fn closed(p: &mut Page, row: &RuleReport) {
    list(p, &row.closed, |p: &mut Page, gap: &ClosedGap| {
        where_(p, &gap.evidence);
        match &gap.evidence.found {
            Some(found) => p.say(found),
            None => p.say(&report_messages::nothing()),
        }
        p.text(" → ");
        if let Some(after) = gap.after.as_ref().or(gap.evidence.want.as_ref()) {
            p.say(after);
        }
        note(p, &gap.evidence);
    });
    if row.more_closed > 0 {
        p.el("p", &[], |p| p.say(&report_messages::and_more(row.more_closed)));
    }
}

fn observations(p: &mut Page, seen: &[Evidence]) {
    if !seen.is_empty() {
        list(p, seen, observation);
    }
}

/// A list of as many things as a page takes.
fn list<T>(p: &mut Page, all: &[T], one: impl Fn(&mut Page, &T)) {
    p.el("ul", &[], |p| {
        for thing in all.iter().take(MOST) {
            p.el("li", &[], |p| one(p, thing));
        }
        if all.len() > MOST {
            p.el("li", &[], |p| p.say(&report_messages::and_more(all.len() - MOST)));
        }
    });
}

fn where_(p: &mut Page, e: &Evidence) {
    if let Some(path) = &e.path {
        let at = match e.line {
            Some(line) => format!("{path}:{line}"),
            None => path.to_string(),
        };
        p.el("code", &[("class", "at")], |p| p.text(&at));
        p.text(" ");
    }
}

fn note(p: &mut Page, e: &Evidence) {
    if let Some(note) = &e.note {
        p.el("span", &[("class", "note")], |p| p.say(note));
    }
}

/// Where, what was found, what was wanted.
fn observation(p: &mut Page, e: &Evidence) {
    where_(p, e);
    if e.found.is_some() || e.want.is_some() {
        part(p, &messages::found(), e.found.as_ref());
    }
    if e.want.is_some() {
        part(p, &messages::want(), e.want.as_ref());
    }
    note(p, e);
}

fn part(p: &mut Page, name: &Message, value: Option<&Message>) {
    p.el("span", &[("class", "part")], |p| {
        p.el("i", &[], |p| p.say(name));
        p.text(" ");
        match value {
            Some(value) => p.say(value),
            None => p.say(&report_messages::nothing()),
        }
    });
    p.text(" ");
}

/// The changes that serve the row. A text that serves others too stands once, among the changes.
fn served(p: &mut Page, report: &Report, row: &RuleReport) {
    let all: Vec<(usize, &ChangeReport)> =
        report.changes.iter().enumerate().filter(|(_, c)| c.rules.contains(&row.id)).collect();
    if all.is_empty() {
        return;
    }
    fact(p, &messages::changes(), |p| {
        p.el("ul", &[], |p| {
            for (at, change) in all {
                p.el("li", &[], |p| {
                    p.el("a", &[("href", &format!("#c-{at}"))], |p| super::tail::named(p, change));
                    let others = change.rules.iter().filter(|rule| **rule != row.id).count();
                    if others > 0 {
                        p.text(" ");
                        p.say(&messages::with_other_rows(others));
                    }
                    match &change.diff {
                        Some(diff) if others == 0 && diff.len() <= SHORT => {
                            super::tail::diff(p, diff)
                        }
                        _ => {}
                    }
                });
            }
        });
    });
}

fn references(p: &mut Page, row: &RuleReport) {
    let Some(references) = &row.references else { return };
    let lines: [(&str, Vec<String>); 3] = [
        ("SCAP", references.scap.iter().map(ToString::to_string).collect()),
        ("NIST SP 800-53", references.nist.iter().map(ToString::to_string).collect()),
        ("CIS Controls", references.cis_controls.iter().map(ToString::to_string).collect()),
    ];
    if lines.iter().all(|(_, ids)| ids.is_empty()) {
        return;
    }
    fact(p, &messages::references(), |p| {
        for (name, ids) in lines.iter().filter(|(_, ids)| !ids.is_empty()) {
            p.el("p", &[], |p| p.text(&format!("{name}: {}", ids.join(", "))));
        }
    });
}
