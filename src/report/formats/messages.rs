//! What formats for programs say beside the words of the report.

use crate::message::messages;

messages! { "formats";
    no_patch() {
        en: "`patch` is a format of plans; want `gokaku plan --format patch`",
        ja: "`patch` は計画の形式である。`gokaku plan --format patch` とすること",
    }
    intoto_about_nothing() {
        en: "a statement is about files; name each with `--subject FILE` or `--subject sha256:HEX`",
        ja: "声明には対象のファイルが必要である。`--subject FILE` または `--subject sha256:HEX` で指定すること",
    }
    no_time(time) {
        en: "{time} stands for no time: the format asks for one, and the report has none, so that the same tree gives the same bytes; `--stamp` adds one",
        ja: "{time} は時刻を表さない。この形式には時刻が必要だが、同じツリーから同じ内容になるよう、レポートは時刻を持たない。`--stamp` で付けられる",
    }
    a_fix(row) {
        en: "What row {row} changes, on top of the rows before it: a script for `sh`, in the tree that $ROOT names, or `/`",
        ja: "項目 {row} による変更 (前の項目の変更を前提とする)。`sh` のスクリプトであり、$ROOT の示すツリー (なければ `/`) に対して実行する",
    }
    beneath(outcome) {
        en: "Without the waiver: {outcome}",
        ja: "免除がない場合: {outcome}",
    }
    left_alone(reason) {
        en: "Left alone by the table: {reason}",
        ja: "表の対象外: {reason}",
    }
    observed(outcome) {
        en: "Observed: {outcome}",
        ja: "観測結果: {outcome}",
    }
    would_be(outcome) {
        en: "With the plan carried out: {outcome}",
        ja: "計画を実行した場合: {outcome}",
    }
    was(outcome) {
        en: "Before the changes: {outcome}",
        ja: "変更前: {outcome}",
    }
    outcome(outcome) {
        en: "Outcome: {outcome}",
        ja: "判定: {outcome}",
    }
    no_fix(why) {
        en: "No script: {why}",
        ja: "スクリプトなし: {why}",
    }
    holds(hold, rows) {
        en: "{hold} of {rows} rows hold",
        ja: "{rows} 項目中 {hold} 項目が適合",
    }
    changed_rows() {
        en: "changed",
        ja: "変更した項目",
    }
    left_out(count) {
        en: "{count} more left out here; the whole report has them",
        ja: "ほか {count} 件は省略 (レポート全体に記載)",
    }
}
