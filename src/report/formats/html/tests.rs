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
