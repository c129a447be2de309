//! The words of the pages.

use crate::message::messages;

messages! { "html";
    page_title(benchmark, root) { en: "{benchmark}: {root}", ja: "{benchmark}: {root}" }
    to_the_rows() { en: "Skip to the rows", ja: "項目へ移動" }
    profile() { en: "Profile", ja: "プロファイル" }
    layers() { en: "Layers", ja: "レイヤー" }
    target() { en: "Target", ja: "対象" }
    live() { en: "running system", ja: "稼働中のシステム" }
    mode() { en: "Run", ja: "実行" }
    mode_audit() { en: "audit: nothing was changed", ja: "audit (変更なし)" }
    mode_plan() { en: "plan: outcomes after the changes, which are not made yet", ja: "plan (結果は変更後の見込み。変更は未実施)" }
    mode_apply() { en: "apply: outcomes after the changes", ja: "apply (結果は変更後)" }
    made() { en: "Made", ja: "作成" }
    as_declared(rows) {
        en: "As declared: none of the {rows} rows that are to hold is open",
        ja: "宣言どおり: 適合すべき {rows} 項目に未解決のものはない",
    }
    as_declared_after(open, total, changes) {
        en: "{open} of {total} rows do not hold yet; as declared after {changes} {changes:change|changes}",
        ja: "現在は {total} 項目のうち {open} 項目が不適合。変更 {changes} 件の適用後は宣言どおりになる",
    }
    not_determined(unknown, total) {
        en: "{unknown} of {total} rows could not be determined, or a step failed",
        ja: "{total} 項目のうち {unknown} 項目を判定できない、または処理が失敗した",
    }
    not_determined_and_open(unknown, open, total) {
        en: "Not as declared: {open} of {total} rows are open, {unknown} could not be determined",
        ja: "宣言どおりでない: {total} 項目のうち {open} 項目が未解決、{unknown} 項目は判定できない",
    }
    not_as_declared(open, total) {
        en: "Not as declared: {open} of {total} rows {open:is|are} open",
        ja: "宣言どおりでない: {total} 項目のうち {open} 項目が未解決",
    }
    would_stay_open(open, total) {
        en: "Not as declared: {open} of {total} rows would stay open",
        ja: "宣言どおりでない: 変更後も {total} 項目のうち {open} 項目が未解決",
    }
    packages_failed() { en: "The package manager could not complete:", ja: "パッケージ操作を完了できない:" }
    by_its_own_words() { en: "the row says so itself", ja: "項目自体がそう定めている" }
    needs_attention(rows) {
        en: "{rows} {rows:row needs|rows need} attention",
        ja: "確認が必要な {rows} 項目",
    }
    by_chapter() { en: "By chapter", ja: "章ごとの結果" }
    so_many_rows(rows) { en: "{rows} {rows:row|rows}", ja: "{rows} 項目" }
    chapter() { en: "Chapter", ja: "章" }
    rows() { en: "Rows", ja: "項目" }
    left_alone() { en: "left alone", ja: "対象外" }
    search() { en: "Search", ja: "検索" }
    outcome() { en: "Outcome", ja: "結果" }
    more_filters() { en: "More filters", ja: "その他の絞り込み" }
    what_is_to_do() { en: "Of interest", ja: "着目点" }
    attention() { en: "needs attention", ja: "要対応" }
    changed() { en: "changed by this run", ja: "この実行で変更" }
    published_status() { en: "Published status", ja: "公表結果" }
    severity() { en: "Severity", ja: "重大度" }
    rows_shown() { en: "Rows shown:", ja: "表示中の項目:" }
    show_all() { en: "Clear filters", ja: "絞り込みを解除" }
    table() { en: "table:", ja: "表:" }
    open_all() { en: "Open all shown", ja: "表示中をすべて開く" }
    close_all() { en: "Close all", ja: "すべて閉じる" }
    published_table() { en: "Published table", ja: "公表されている表" }
    this_image() { en: "This image", ja: "このイメージ" }
    is_enforced() { en: "made to hold, as the table says", ja: "表に従い適合させる" }
    is_enforced_by_site() { en: "made to hold by the site's own profile", ja: "サイト独自のプロファイルにより適合させる" }
    is_waived() { en: "the site accepts that it does not hold", ja: "適合しないことをサイトが承認している" }
    is_left_alone() { en: "left as it is; the outcome is what was observed", ja: "変更しない。結果は観測値" }
    differs() { en: "differs from the published image", ja: "公表されたイメージと異なる" }
    differs_accepted() { en: "differs from the published image; the site accepts that", ja: "公表されたイメージと異なる (サイトが承認済み)" }
    waivers() { en: "Waiver", ja: "免除" }
    waiver_in_use() { en: "in use:", ja: "有効:" }
    waiver_not_needed() { en: "not needed:", ja: "不要:" }
    waiver_over() { en: "waiver is over", ja: "免除は期限切れ" }
    waiver_by(by, until) { en: "decided by {by}, until {until}", ja: "決定者 {by}、期限 {until}" }
    ends_in(days) { en: "({days} {days:day|days} left)", ja: "(残り {days} 日)" }
    ticket(ticket) { en: "ticket {ticket}", ja: "チケット {ticket}" }
    beneath() { en: "Without the waiver", ja: "免除がない場合" }
    gaps(count) { en: "Does not hold ({count})", ja: "適合しない点 ({count})" }
    reason() { en: "Reason", ja: "理由" }
    closed() { en: "What the changes close", ja: "変更により解消する点" }
    wanted_state() { en: "Wanted state", ja: "求める状態" }
    seen() { en: "Evidence", ja: "根拠" }
    changes() { en: "Changes", ja: "変更" }
    with_other_rows(rows) { en: "(with {rows} other {rows:row|rows})", ja: "(ほか {rows} 項目と共通)" }
    decision() { en: "Decision of the site", ja: "サイトの決定" }
    decision_set() { en: "other wanted state than the table's", ja: "表とは別の状態を求める" }
    decision_enforce() { en: "a row that the table leaves alone is made to hold", ja: "表では対象外の項目を適合させる" }
    decision_own() { en: "a row of the site's own", ja: "サイト独自の項目" }
    origin() { en: "Origin", ja: "由来" }
    place() { en: "Place in the profile", ja: "プロファイル内の場所" }
    references() { en: "References", ja: "参照" }
    can_close() { en: "apply can close it", ja: "apply で解消できる" }
    cannot_close() { en: "apply cannot close it", ja: "apply では解消できない" }
    found() { en: "found", ja: "検出値" }
    want() { en: "want", ja: "期待値" }
    planned_changes(count) { en: "{count} planned {count:change|changes}", ja: "変更の予定 {count} 件" }
    made_changes(count) { en: "{count} {count:change|changes} made", ja: "実施した変更 {count} 件" }
    for_rows() { en: "For rows:", ja: "項目:" }
    kind_write() { en: "content", ja: "内容" }
    kind_stat() { en: "mode or owner", ja: "モードまたは所有者" }
    kind_symlink() { en: "link", ja: "リンク" }
    kind_mkdir() { en: "new directory", ja: "ディレクトリの作成" }
    kind_remove() { en: "removed", ja: "削除" }
    kind_package() { en: "package", ja: "パッケージ" }
    purged() { en: "purged", ja: "完全削除" }
    removed() { en: "removed", ja: "削除" }
    installed() { en: "installed", ja: "導入" }
    upgraded() { en: "upgraded", ja: "更新" }
    configured() { en: "configured", ja: "設定完了" }
    unfinished() { en: "unfinished", ja: "未完了" }
    about() { en: "About this report", ja: "このレポートについて" }
    program() { en: "Program", ja: "プログラム" }
    references_from() { en: "References are from", ja: "参照の出典" }
    packages() { en: "Packages", ja: "パッケージ" }
    variables() { en: "Variables", ja: "変数" }
}
