use super::*;
use crate::report::from_json;

const REPORT: &str = include_str!("../../../tests/data/formats/report-1.json");

fn report(change: impl FnOnce(&mut Report)) -> Report {
    let mut report = from_json(REPORT).expect("the sample is a report");
    change(&mut report);
    report
}

fn set(report: &mut Report, id: &str, outcome: Outcome) {
    let row = report.rules.iter_mut().find(|row| row.id.to_string() == id).expect(id);
    row.outcome = outcome;
}

#[test]
fn rows_that_fail_on_most_images_come_first() {
    let mut matrix = Matrix::new();
    for name in ["a", "b", "c"] {
        let report = report(|report| {
            for row in &mut report.rules {
                row.outcome = Outcome::Met;
                row.drift = false;
            }
            set(report, "5.3.10", Outcome::NotMet);
            if name == "b" {
                set(report, "1.7.2", Outcome::NotMet);
            }
        });
        matrix.add(name, &report).expect("one table");
    }
    let matrix = matrix.sorted();
    let order: Vec<String> = matrix.rows.iter().map(|row| row.id.to_string()).collect();
    assert_eq!(order[..2], ["5.3.10", "1.7.2"], "{order:?}");
    let row = &matrix.rows[1];
    assert_eq!(row.outcomes, [Some(Outcome::Met), Some(Outcome::NotMet), Some(Outcome::Met)]);
    assert!((row.failing, row.differs) == (1, true) && !matrix.rows[0].differs);
    let text = matrix.write(Format::Text, Style::default()).expect("text");
    assert!(text.contains("not met 1 (b), met 2"), "{text}");
    assert!(text.contains("not met 3\n"), "{text}");
}

#[test]
fn a_row_that_a_report_does_not_have_is_empty_there() {
    let mut matrix = Matrix::new();
    let all = report(|_| ());
    let one = report(|report| report.rules.retain(|row| row.id.to_string() == "5.3.10"));
    for (name, report) in [("one", &one), ("all", &all), ("again", &one)] {
        matrix.add(name, report).expect("one table");
    }
    let matrix = matrix.sorted();
    assert!(matrix.rows.iter().all(|row| row.outcomes.len() == 3));
    let other = matrix.rows.iter().find(|row| row.id.to_string() != "5.3.10").expect("more");
    assert!(other.outcomes[0].is_none() && other.outcomes[1].is_some(), "{other:?}");
}

#[test]
fn reports_of_different_tables_make_no_table() {
    let mut matrix = Matrix::new();
    matrix.add("a", &report(|_| ())).expect("the first");
    let other = report(|report| "site-x".clone_into(&mut report.profile.id));
    let e = matrix.add("b", &other).expect_err("another table").to_string();
    assert!(e.contains("site-x"), "{e}");
}
