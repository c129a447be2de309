//! The words of the page of many images.

use crate::message::messages;

messages! { "matrix";
    title(images, rows) {
        en: "{images} {images:image|images}, {rows} {rows:row|rows}",
        ja: "{images} 個のイメージ、{rows} 項目",
    }
    verdict(open, images, differ) {
        en: "{open} of {images} images have open rows; in {differ} {differ:row|rows} images differ",
        ja: "{images} 個のイメージのうち {open} 個に未解決の項目がある。イメージ間で異なる項目: {differ}",
    }
    absent() { en: "not in the report", ja: "レポートにない" }
    observed() {
        en: "Beside the sign of a row that is left alone stands what was observed.",
        ja: "対象外の項目では、記号の横に観測した結果を示す。",
    }
    search() { en: "Search rows", ja: "項目を検索" }
    only() { en: "Only rows", ja: "表示する項目" }
    that_differ() { en: "that differ between images", ja: "イメージ間で異なる" }
    that_are_open() { en: "that are open in an image", ja: "未解決のイメージがある" }
    rows_shown() { en: "Rows shown:", ja: "表示中の項目:" }
    caption() { en: "Rows by image, the worst first", ja: "項目とイメージ (問題の多い順)" }
    row() { en: "Row", ja: "項目" }
    images_open() { en: "Images open", ja: "未解決の数" }
}
