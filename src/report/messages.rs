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
}
