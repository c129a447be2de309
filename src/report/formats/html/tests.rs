use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::*;
use crate::message::Lang;

#[test]
fn the_policy_has_the_digests_of_what_stands_in_the_page() {
    let page = document::write(&messages::rows(), Lang::En, STYLE, SCRIPT, |_| {});
    for (open, close, name) in
        [("<style>", "</style>", "style-src"), ("<script>", "</script>", "script-src")]
    {
        let (_, inside) = page.split_once(open).unwrap();
        let (inside, _) = inside.split_once(close).unwrap();
        let digest = BASE64_STANDARD.encode(Sha256::digest(inside.as_bytes()));
        let want = format!("{name} &#39;sha256-{digest}&#39;");
        assert!(page.contains(&want), "{want}");
    }
    assert!(!page.contains("unsafe"));
    assert!(page.starts_with(
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=\"utf-8\"><meta http-equiv"
    ));
}

/// Neither asks anything of a network.
#[test]
fn style_and_script_name_no_other_file() {
    for text in [STYLE, SCRIPT] {
        for word in
            ["http:", "https:", "//", "url(", "@import", "fetch", "XMLHttp", "import(", "innerHTML"]
        {
            let bare: String = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
            assert!(!bare.contains(word), "{word}");
        }
        assert!(!text.contains("</"), "it would end its element");
    }
}

#[test]
fn a_page_beside_a_baseline_says_what_is_worse_and_never_that_all_is_well() {
    use crate::report::{Baseline, from_json};
    let json = include_str!("../../../../tests/data/formats/report-1.json");
    let mut report = from_json(json).expect("the sample is a report");
    let baseline = Baseline::of(&report);
    let row = report.rules.iter_mut().find(|row| row.id.to_string() == "1.7.2").expect("1.7.2");
    row.outcome = crate::check::Outcome::NotMet;
    report.comparison = Some(report.compare(&baseline, None));
    let page = render(&report, Style::default());
    assert!(page.contains("1 worse, 0 unknown") && page.contains("class=alarm"), "{page}");
    // The gate passes what it knows; the page still says that a row is open.
    let known = Baseline::of(&report);
    report.comparison = Some(report.compare(&known, None));
    let page = render(&report, Style::default());
    assert!(page.contains("0 worse, 0 unknown") && page.contains("class=calm"), "{page}");
    assert!(page.contains("Not as declared: 1 of"), "{page}");
}
