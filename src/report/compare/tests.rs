use super::*;
use crate::message::Lang;
use crate::report::{from_json, to_json};

const REPORT: &str = include_str!("../../../tests/data/formats/report-1.json");

/// A report of one row, 5.3.10, with this outcome and subjects that do not hold.
fn report(outcome: Outcome, failing: &[&str]) -> Report {
    let mut report = from_json(REPORT).expect("the sample is a report");
    report.rules.retain(|row| row.id.to_string() == "5.3.10");
    report.profile.sha256 = Some("one".to_owned());
    let row = &mut report.rules[0];
    (row.outcome, row.drift, row.gaps) = (outcome, false, Vec::new());
    row.waivers = Vec::new();
    for name in failing {
        row.gaps.push(crate::report::GapReport {
            subject: Subject::account(name.as_bytes()),
            evidence: crate::check::Evidence::note_only(Message::value("seen")),
            remedy: None,
            reason: None,
            waived: false,
        });
    }
    report
}

fn left_alone(outcome: Outcome, drift: bool) -> Report {
    let mut report = report(outcome, &[]);
    report.rules[0].disposition = crate::report::Disposition::LeftAlone;
    report.rules[0].drift = drift;
    report
}

fn became(was: &Report, is: &Report) -> Option<RowChange> {
    is.compare(&Baseline::of(was), None).rows.pop()
}

/// The same, where the earlier state is known by its lines only.
fn became_by_lines(was: &Report, is: &Report) -> Option<Change> {
    let earlier = Baseline::read(&write(was, Lang::En), &is.profile).expect("our own lines");
    is.compare(&earlier, None).rows.pop().map(|row| row.change)
}

#[test]
fn what_becomes_of_a_row() {
    use Outcome::*;
    for (was, is, want) in [
        (Met, Met, None),
        (Met, NotMet, Some(Change::Worse)),
        (MetVacuously, NotMet, Some(Change::Worse)),
        (Manual, NotMet, Some(Change::Worse)),
        (Waived, NotMet, Some(Change::Worse)),
        (Unknown, NotMet, Some(Change::Worse)),
        (NotMet, NotMet, None),
        (Met, Unknown, Some(Change::Unknown)),
        (NotMet, Unknown, Some(Change::Unknown)),
        (Manual, Unknown, Some(Change::Unknown)),
        (Unknown, Unknown, None),
        (Met, Unmeasured, Some(Change::Unknown)),
        (NotMet, Met, Some(Change::Better)),
        (Unknown, Met, Some(Change::Better)),
        (Waived, Met, Some(Change::Better)),
        (Met, MetVacuously, Some(Change::MetVacuously)),
        (NotMet, Waived, Some(Change::Waived)),
        (Met, Waived, Some(Change::Waived)),
        (Met, Manual, Some(Change::Manual)),
    ] {
        let (was, is) = (report(was, &[]), report(is, &[]));
        let change = became(&was, &is);
        assert_eq!(change.as_ref().map(|row| row.change), want, "{change:?}");
        assert_eq!(became_by_lines(&was, &is), want, "by lines: {change:?}");
        let status = is.compare(&Baseline::of(&was), None).exit_status();
        let stops = match want {
            Some(Change::Worse) => 2,
            Some(Change::Unknown) => 1,
            _ => 0,
        };
        assert_eq!(status, stops, "{change:?}");
    }
}

#[test]
fn one_more_subject_in_a_failing_row_is_worse() {
    let was = report(Outcome::NotMet, &["eve", "bob"]);
    for (is, change, more, fewer) in [
        (&["eve", "bob"][..], None, "", ""),
        (&["eve"], Some(Change::Better), "", "bob"),
        (&["bob", "eve", "mallory"], Some(Change::Worse), "mallory", ""),
        (&["eve", "mallory"], Some(Change::Worse), "mallory", "bob"),
    ] {
        let found = became(&was, &report(Outcome::NotMet, is));
        assert_eq!(found.as_ref().map(|row| row.change), change, "{is:?}");
        let Some(found) = found else { continue };
        let names =
            |list: &[Subject]| list.iter().map(|s| s.value.clone()).collect::<Vec<_>>().join(" ");
        assert_eq!((names(&found.more).as_str(), names(&found.fewer).as_str()), (more, fewer));
    }
}

#[test]
fn a_list_that_is_cut_is_compared_by_its_length() {
    let cut = |more| {
        let mut report = report(Outcome::NotMet, &["a", "b"]);
        report.rules[0].more_gaps = more;
        report
    };
    assert_eq!(became(&cut(7), &cut(7)), None);
    let found = became(&cut(7), &cut(9)).expect("two more");
    assert_eq!((found.change, found.more_unlisted), (Change::Worse, 2));
    assert_eq!(became(&cut(7), &cut(5)).map(|row| row.change), Some(Change::Better));
    let whole = report(Outcome::NotMet, &["a", "b", "c"]);
    assert_eq!(became(&whole, &cut(7)).map(|row| row.more_unlisted), Some(6));
}

#[test]
fn a_waived_subject_is_no_regression_until_the_waiver_is_over() {
    let was = report(Outcome::NotMet, &["eve"]);
    let mut is = report(Outcome::NotMet, &["eve", "bob"]);
    is.rules[0].gaps[1].waived = true;
    assert_eq!(became(&was, &is), None);
    let waiver = serde_json::json!({
        "subject": null, "reason": "r", "by": "b", "until": "2026-01-01", "state": "over",
        "place": {"file": "site.toml", "line": 1}
    });
    is.rules[0].waivers.push(serde_json::from_value(waiver).expect("a waiver"));
    assert_eq!(became(&was, &is).map(|row| row.change), Some(Change::Worse));
}

#[test]
fn drift_is_worse_and_its_end_is_better() {
    use Outcome::{Met, NotMet};
    let (calm, drifted) = (left_alone(NotMet, false), left_alone(Met, true));
    let worse = became(&calm, &drifted).expect("it drifted");
    assert!(worse.drifted && worse.change == Change::Worse, "{worse:?}");
    assert_eq!(became(&drifted, &calm).map(|row| row.change), Some(Change::Better));
    assert_eq!(became(&drifted, &drifted), None);
    let mut accepted = left_alone(Met, true);
    accepted.rules[0].drift_accepted = true;
    assert_eq!(became(&calm, &accepted).map(|row| row.change), Some(Change::Waived));
    assert_eq!(became_by_lines(&calm, &drifted), Some(Change::Worse));
    // Partly there: lines do not tell whether it was before.
    assert_eq!(became_by_lines(&calm, &left_alone(NotMet, true)), None);
    let unseen = left_alone(Outcome::Unmeasured, false);
    assert_eq!(became(&calm, &unseen).map(|row| row.change), Some(Change::NotMeasured));
    assert_eq!(became(&unseen, &calm).map(|row| row.change), Some(Change::New));
}

#[test]
fn rows_come_and_go_without_a_regression() {
    let (mut none, one) = (report(Outcome::Met, &[]), report(Outcome::NotMet, &["eve"]));
    none.rules.clear();
    assert_eq!(became(&none, &one).map(|row| row.change), Some(Change::New));
    assert_eq!(one.compare(&Baseline::of(&none), None).exit_status(), 0);
    let untold = report(Outcome::Unknown, &[]);
    assert_eq!(untold.compare(&Baseline::of(&none), None).exit_status(), 1, "nobody knew");
    assert_eq!(became(&one, &none), None, "the same table: not selected");
    let ids: BTreeSet<RuleId> = [one.rules[0].id.clone()].into();
    let with = |table: &BTreeSet<RuleId>| none.compare(&Baseline::of(&one), Some(table));
    assert!(with(&ids).rows.is_empty());
    assert_eq!(with(&BTreeSet::new()).rows[0].change, Change::Gone);
    none.profile.sha256 = Some("two".to_owned());
    let compared = none.compare(&Baseline::of(&one), None);
    assert_eq!(compared.rows[0].change, Change::NotMeasured, "perhaps only not selected");
    assert!(compared.notes[0].to_string().ends_with("has changed since the baseline"));
}

#[test]
fn another_table_is_refused_and_another_edition_is_said() {
    let is = report(Outcome::Met, &[]);
    let mut was = report(Outcome::Met, &[]);
    "1.0.1".clone_into(&mut was.profile.version);
    let said = is.compare(&Baseline::of(&was), None).notes;
    assert_eq!(said[0].to_string(), "the baseline is of edition 1.0.1, this report of 2.1.0");
    "site-x".clone_into(&mut was.profile.id);
    let json = to_json(&was).expect("a report");
    let e = Baseline::read(&json, &is.profile).expect_err("another profile").to_string();
    assert!(e.contains("profile site-x, want one of aks-ubuntu-18.04"), "{e}");
}

#[test]
fn lines_of_another_program_are_read() {
    let is = report(Outcome::NotMet, &[]);
    let read = |text: &str| Baseline::read(text, &is.profile);
    for head in [
        "",
        "CIS Ubuntu Linux 18.04 LTS Benchmark\nEvaluation of: a-vm: 5.1\nEnded: 2026-02-05T17:27:42Z\n\n",
        "\u{feff}cis ubuntu linux  18.04 LTS Benchmark v2.1.0\r\n",
        "CIS Ubuntu Linux 18.04 LTS Benchmark (2.1.0), level 2\n",
        "made by hand\n",
    ] {
        let text = format!("{head}pass: 5.3.10 [L1] Any title: at all\r\nfail: 9.9 [L2] x\n\n");
        let earlier = read(&text).unwrap_or_else(|e| panic!("{head}: {e}"));
        let compared = is.compare(&earlier, None);
        assert_eq!(compared.rows[0].change, Change::Worse, "{head}");
        assert_eq!(compared.rows[1].change, Change::NotMeasured, "{head}");
    }
    for (text, want) in [
        (
            "CIS Ubuntu Linux 22.04 LTS Benchmark\npass: 1.1\n",
            "line 1 of the baseline: found `CIS Ubuntu Linux 22",
        ),
        (
            "CIS Ubuntu Linux 18.04 LTS Benchmark v2.0.1\npass: 1.1\n",
            "want CIS Ubuntu Linux 18.04 LTS Benchmark v2.1.0",
        ),
        (
            "pass: 1.1 [L1] a\n\nwarn: 1.2 [L1] b\n",
            "line 3 of the baseline: found `warn: 1.2 [L1] b`",
        ),
        (
            "pass: 1.1 [L1] a\nfail: 1.1 [L1] a\n",
            "line 2 of the baseline: row 1.1 stands there a second time",
        ),
        ("", "has no rows"),
        ("nothing\nof the kind\n", "has no rows"),
        ("{}", "it has no `schema`"),
    ] {
        let e = read(text).expect_err(text).to_string();
        assert!(e.contains(want), "{text}: {e}");
    }
}

#[test]
fn written_lines_say_what_a_word_cannot() {
    let line = |outcome| {
        let text = write(&report(outcome, &[]), Lang::En);
        let (head, rows) = text.split_once("\n\n").expect("a head");
        assert_eq!(head, "CIS Ubuntu Linux 18.04 LTS Benchmark v2.1.0");
        rows.to_owned()
    };
    let title = "5.3.10 [L1] root does not log in over SSH";
    for (outcome, want) in [
        (Outcome::Met, format!("pass: {title}\n")),
        (Outcome::MetVacuously, format!("pass: {title} (vacuous)\n")),
        (Outcome::NotMet, format!("fail: {title}\n")),
        (Outcome::Manual, format!("manual: {title}\n")),
        (Outcome::Unknown, format!("manual: {title} (unknown)\n")),
        (Outcome::Unmeasured, format!("manual: {title} (unmeasured)\n")),
        (Outcome::Waived, format!("fail: {title} (waived: )\n")),
    ] {
        assert_eq!(line(outcome), want);
    }
}

#[test]
fn a_comparison_as_text_names_what_is_worse_first() {
    let was = report(Outcome::NotMet, &["eve"]);
    let is = report(Outcome::NotMet, &["eve", "a\x1b[2J", "b", "c", "d", "e", "f"]);
    let text = text::render(&is.compare(&Baseline::of(&was), None), Default::default());
    assert!(text.starts_with(
        "Compared with the earlier state: 1 worse, 0 unknown, 0 better, 0 other, 0 held\n"
    ));
    assert!(text.contains("worse  5.3.10"), "{text}");
    assert!(text.contains("+account b") && text.contains("+… and 1 more"), "{text}");
    assert!(text.contains("(a name not shown)"), "no orders to a terminal: {text}");
}
