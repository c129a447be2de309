//! The page of many images, in a real browser.

use std::path::Path;

use gokaku::report::formats::{Format, Style};
use gokaku::report::matrix::Matrix;
use gokaku::report::{Outcome, from_json};

use crate::bench::{Bench, HOSTILE};
use crate::html::look;

const IMAGES: usize = 200;

#[test]
fn two_hundred_images_stand_on_one_page() {
    let test = "two_hundred_images_stand_on_one_page";
    let bench = Bench::new();
    let mut report = from_json(&bench.report("audit", "json")).unwrap();
    let mut matrix = Matrix::new();
    for image in 0..IMAGES {
        // Of image 7 two rows are worse than elsewhere.
        let met = |outcome: Outcome| if image == 7 { Outcome::NotMet } else { outcome };
        for row in report
            .rules
            .iter_mut()
            .filter(|row| ["2.1.2", "3.5.2.1"].contains(&row.id.to_string().as_str()))
        {
            row.outcome = met(Outcome::Met);
        }
        matrix.add(format!("build-{image:03} {HOSTILE}"), &report).unwrap();
    }
    let write = || matrix.write(Format::Html, Style::default()).unwrap();
    let page = write();
    assert!(page.len() < 3_000_000, "{} bytes", page.len());
    assert_eq!(page, write(), "same reports, same bytes");

    // It stays, to be looked at.
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("matrix.html");
    std::fs::write(&path, page).unwrap();
    let Some(seen) = look(test, "matrix.js", &path) else { return };
    assert_eq!(seen["complaints"], serde_json::json!([]), "requests, dialogs, errors, the console");
    assert_eq!(seen["violations"], serde_json::json!([]));
    let rows = report.rules.len();
    let differ = matrix.rows.values().filter(|row| row.differs()).count();
    assert_eq!(differ, 2);
    let open = matrix.rows.values().filter(|row| row.open() > 0).count();
    let both = matrix.rows.values().filter(|row| row.open() > 0 && row.differs()).count();
    assert!(open > differ && differ > both && both > 0, "what is left alone is never open");
    assert_eq!(seen["rows"], serde_json::json!([rows, open, both, differ, 1, rows]));
    assert_eq!(seen["cells"], rows * IMAGES);
    // The worst is a row that every image has open; the image that is worse says so.
    assert_eq!(seen["first"], IMAGES.to_string());
    assert_eq!(seen["worse"], serde_json::json!([7]));
    assert!(seen["at"].as_str().unwrap().contains(HOSTILE), "{}", seen["at"]);
    assert_eq!(seen["sticky"], true, "names of rows and images stay in sight");
    for width in seen["widths"].as_array().unwrap() {
        assert_eq!(width["scroll"], width["window"], "the table scrolls, the page does not");
    }
}
