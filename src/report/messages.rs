//! The words of a report as text.

use crate::message::messages;

messages! { "report";
    no_report(cause) {
        en: "not a report of gokaku: {cause}; want the output of `--format json`",
        ja: "gokaku のレポートではない: {cause}。`--format json` の出力を指定すること",
    }
    no_schema(want) {
        en: "not a report of gokaku: it has no `schema`; want {want}",
        ja: "gokaku のレポートではない (`schema` がない)。{want} の形式である必要がある",
    }
    report_of_another_schema(found, want) {
        en: "found schema {found}, want {want}; use the version of gokaku that wrote it, or audit the root again",
        ja: "スキーマは {want} であるべきところ {found} である。書き出したバージョンの gokaku を使うか、ルートを audit し直すこと",
    }
    source_of(source) { en: "Source: {source}", ja: "出典: {source}" }
    met() {
        en: "met",
        ja: "適合",
    }
    met_vacuously() {
        en: "met, vacuously",
        ja: "適合 (対象なし)",
    }
    not_met() {
        en: "not met",
        ja: "不適合",
    }
    manual() {
        en: "manual",
        ja: "要確認",
    }
    unknown() {
        en: "unknown",
        ja: "不明",
    }
    waived() {
        en: "waived",
        ja: "免除",
    }
    beneath(waived, outcome) {
        en: "{waived} ({outcome})",
        ja: "{waived} ({outcome})",
    }
    drift_accepted() {
        en: "drifted, accepted",
        ja: "相違 (承認済み)",
    }
    unmeasured() {
        en: "unmeasured",
        ja: "未測定",
    }
    drifted() {
        en: "drifted",
        ja: "相違",
    }
    rows() {
        en: "rows",
        ja: "項目数",
    }
    vacuous() {
        en: "vacuous",
        ja: "対象なし",
    }
    left_alone(drifted) {
        en: "left alone ({drifted})",
        ja: "対象外 ({drifted})",
    }
    chapter() {
        en: "chapter",
        ja: "章",
    }
    all() {
        en: "all",
        ja: "合計",
    }
    wanted() {
        en: "want",
        ja: "期待値",
    }
    why(reason) {
        en: "why: {reason}",
        ja: "理由: {reason}",
    }
    origin() {
        en: "origin",
        ja: "由来",
    }
    rated(severity) {
        en: "Severity: {severity}",
        ja: "重大度: {severity}",
    }
    rated_by_content(severity, content) {
        en: "Severity: {severity} (as rated by {content})",
        ja: "重大度: {severity} ({content} による)",
    }
    rated_without_content(severity, content) {
        en: "Severity: {severity} (the profile's own rating; {content} has no such rule)",
        ja: "重大度: {severity} (プロファイル独自の評価。{content} に該当する規則がない)",
    }
    rated_anew(severity, content) {
        en: "Severity: {severity} (the profile's own rating; {content} gives none)",
        ja: "重大度: {severity} (プロファイル独自の評価。{content} は重大度を示していない)",
    }
    none_named() { en: "none named", ja: "記載なし" }
    reference(catalogue, ids) { en: "{catalogue}: {ids}", ja: "{catalogue}: {ids}" }
    found_and_want(found, want) {
        en: "found {found}, want {want}",
        ja: "検出値 {found}、期待値 {want}",
    }
    nothing() {
        en: "nothing",
        ja: "なし",
    }
    would_change(paths) {
        en: "{paths} {paths:path|paths} would change",
        ja: "{paths} 件のパスを変更する予定",
    }
    changed(paths) {
        en: "{paths} {paths:path|paths} changed",
        ja: "{paths} 件のパスを変更した",
    }
    nothing_would_change() {
        en: "nothing would change",
        ja: "変更の予定なし",
    }
    nothing_changed() {
        en: "nothing changed",
        ja: "変更なし",
    }
    as_declared() {
        en: "as declared",
        ja: "宣言どおり",
    }
    packages(what) {
        en: "packages: {what}",
        ja: "パッケージ: {what}",
    }
    packages_purged(names) {
        en: "packages: purged: {names}",
        ja: "パッケージ: 完全削除: {names}",
    }
    packages_removed(names) {
        en: "packages: removed: {names}",
        ja: "パッケージ: 削除: {names}",
    }
    packages_installed(names) {
        en: "packages: installed: {names}",
        ja: "パッケージ: 導入: {names}",
    }
    packages_upgraded(names) {
        en: "packages: upgraded: {names}",
        ja: "パッケージ: 更新: {names}",
    }
    packages_configured(names) {
        en: "packages: configured: {names}",
        ja: "パッケージ: 設定完了: {names}",
    }
    packages_unfinished(names) {
        en: "packages: unfinished: {names}",
        ja: "パッケージ: 未完了: {names}",
    }
    put_back(path) {
        en: "restored  {path}",
        ja: "復元  {path}",
    }
    taken_away(path) {
        en: "removed  {path}",
        ja: "削除  {path}",
    }
    left(path) {
        en: "left  {path}: holds what the run did not make",
        ja: "維持  {path}: この実行で作成していないものを含む",
    }
    reverted(root, run, paths) {
        en: "{root}: run {run} reverted, {paths} {paths:path|paths}",
        ja: "{root}: 実行 {run} を取り消した ({paths} 件のパス)",
    }
    undone(root, paths) {
        en: "{root}: the last run was cut off; it is undone, {paths} {paths:path|paths} put back",
        ja: "{root}: 前回の実行は中断していた。取り消して {paths} 件のパスを元に戻した",
    }
    not_undone(what) {
        en: "not undone: {what}",
        ja: "取り消していない操作: {what}",
    }
    remaining(runs) {
        en: "{runs} earlier {runs:run|runs} can be reverted, too",
        ja: "さらに前の {runs} 回の実行も取り消せる",
    }

    consequences() {
        en: "Consequences",
        ja: "影響",
    }
    logins() { en: "Logins", ja: "ログイン" }
    homes() { en: "Homes", ja: "ホーム" }
    mail() { en: "Mail", ja: "メール" }
    services() { en: "Services", ja: "サービス" }
    files() { en: "Files", ja: "ファイル" }
    area_rows(area, rows) {
        en: "{area} ({rows} {rows:row|rows}):",
        ja: "{area} ({rows} 項目):",
    }
    more_rows(rows) {
        en: "… and {rows} more {rows:row|rows}; -v shows all",
        ja: "… ほか {rows} 項目 (-v ですべて表示)",
    }
    and_more(count) {
        en: "… and {count} more",
        ja: "… ほか {count} 件",
    }

    baseline_of_another_profile(found, want) {
        en: "a report of profile {found}, want one of {want}; reports of one table can be compared",
        ja: "プロファイル {found} のレポートである。比較には同じ表 {want} のレポートが必要",
    }
    baseline_of_another_benchmark(found, want) {
        en: "line 1 of the baseline: found `{found}`, want {want}; take the baseline of this benchmark and edition",
        ja: "ベースラインの 1 行目は `{found}` だが {want} が必要。このベンチマークと版のベースラインを使うこと",
    }
    not_a_row(line, found) {
        en: "line {line} of the baseline: found `{found}`, want `pass`, `fail` or `manual`, a colon and the id of a row",
        ja: "ベースラインの {line} 行目は `{found}` だが、`pass`、`fail`、`manual` のいずれかにコロンと項目の番号が続く必要がある",
    }
    row_twice(line, id) {
        en: "line {line} of the baseline: row {id} stands there a second time; remove one of the two",
        ja: "ベースラインの {line} 行目: 項目 {id} が重複している。どちらかを消すこと",
    }
    no_rows() {
        en: "the baseline has no rows; want a report (`--format json`) or lines as `pass: 1.1.1.1` (`--format baseline`)",
        ja: "ベースラインに項目がない。レポート (`--format json`) か `pass: 1.1.1.1` のような行 (`--format baseline`) が必要",
    }
    baseline_of_another_edition(was, is) {
        en: "the baseline is of edition {was}, this report of {is}",
        ja: "ベースラインは版 {was}、このレポートは版 {is} のもの",
    }
    baseline_of_other_layers(was, is) {
        en: "the layers were {was}; now they are {is}",
        ja: "レイヤーは {was} だったが、現在は {is}",
    }
    baseline_of_another_text(profile) {
        en: "profile {profile} has changed since the baseline",
        ja: "プロファイル {profile} はベースラインの後に変更されている",
    }
    no_layers() {
        en: "none",
        ja: "なし",
    }
    no_subjects_to_compare() {
        en: "the baseline has no subjects: of a row that did not hold, one more that fails is not seen; a JSON report has them",
        ja: "ベースラインには不適合の対象がないため、以前から不適合の項目で対象が増えても分からない (JSON レポートなら分かる)",
    }
    compared(worse, unknown, better, other, held) {
        en: "Compared with the earlier state: {worse} worse, {unknown} unknown, {better} better, {other} other, {held} held",
        ja: "以前の状態との比較: 悪化 {worse}、判定不能 {unknown}、改善 {better}、その他 {other}、変化なし {held}",
    }
    no_such_format(format, want) {
        en: "no such report as {format}; want {want}",
        ja: "{format} 形式では出力できない。使えるのは {want}",
    }
    image_counts(hold, rows, not_met, unknown, waived, drifted) {
        en: "{hold} of {rows} hold, {not_met} not met, {unknown} unknown, {waived} waived, {drifted} drifted",
        ja: "{rows} 項目中 {hold} 項目が適合、不適合 {not_met}、不明 {unknown}、免除 {waived}、相違 {drifted}",
    }
    matrix_counts(images, rows, failing, differ) {
        en: "{images} {images:image|images}, {rows} {rows:row|rows}: {failing} {failing:fails|fail} somewhere, \
             {differ} {differ:differs|differ}",
        ja: "{images} イメージ、{rows} 項目: いずれかで不適合 {failing} 項目、イメージ間で異なる {differ} 項目",
    }
    worse() { en: "worse", ja: "悪化" }
    better() { en: "better", ja: "改善" }
    not_told_any_more() { en: "unknown", ja: "判定不能" }
    not_measured() { en: "not looked at", ja: "今回は未測定" }
    new_row() { en: "new", ja: "新規" }
    gone() { en: "gone from the table", ja: "表から削除" }
    more_fail(count) {
        en: "{count} more fail",
        ja: "不適合が {count} 件増えた",
    }
    waiver(until, by, reason) {
        en: "Waived until {until} by {by}: {reason}",
        ja: "免除 ({until} まで、{by}): {reason}",
    }
    waiver_ticket(until, by, ticket, reason) {
        en: "Waived until {until} by {by} ({ticket}): {reason}",
        ja: "免除 ({until} まで、{by}、{ticket}): {reason}",
    }
    waiver_over(waiver) {
        en: "{waiver} (over)",
        ja: "{waiver} (期限切れ)",
    }
    waiver_not_needed(waiver) {
        en: "{waiver} (not needed: what it is for holds)",
        ja: "{waiver} (不要: 対象は適合している)",
    }
}
