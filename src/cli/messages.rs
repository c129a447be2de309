//! What the command line says.

use crate::message::messages;

messages! { "cli";
    level_error() {
        en: "error",
        ja: "エラー",
    }
    level_warning() {
        en: "warning",
        ja: "警告",
    }
    level_info() {
        en: "info",
        ja: "情報",
    }
    level_debug() {
        en: "debug",
        ja: "デバッグ",
    }
    level_trace() {
        en: "trace",
        ja: "トレース",
    }
    again(warning) {
        en: "{warning}, again",
        ja: "{warning} (再掲)",
    }
    usage(cause) {
        en: "{cause}",
        ja: "使用方法の誤り: {cause}",
    }
    auto_profile(name) {
        en: "profile auto: {name} is for this root",
        ja: "プロファイル auto: このルートに対応する {name} を使う",
    }
    profile_warning(said) {
        en: "profile: {said}",
        ja: "プロファイルの注意点: {said}",
    }
    read_profile(profile, version, hold, left) {
        en: "profile {profile} {version}: {hold} {hold:row is|rows are} to hold, {left} {left:is|are} \
             left alone",
        ja: "プロファイル {profile} {version}: 適用対象 {hold} 項目、対象外 {left} 項目",
    }
    root_running(root, system) {
        en: "root {root}: {system}, the running system",
        ja: "ルート {root}: {system}、稼働中のシステム",
    }
    root_offline(root, system) {
        en: "root {root}: {system}, not running",
        ja: "ルート {root}: {system}、停止中",
    }
    unknown_system() {
        en: "unknown system",
        ja: "不明なシステム",
    }
    row(id, outcome, title, why) {
        en: "{id} {outcome}: {title}: {why}",
        ja: "{id} は{outcome}: {title}: {why}",
    }
    row_drifted() {
        en: "drifted",
        ja: "相違あり",
    }
    unknown_beneath(id, title, why) {
        en: "{id} is waived and could not be determined: {title}: {why}",
        ja: "{id} は免除されているが、判定できない: {title}: {why}",
    }
    waiver_ends(id, title, until, days, by, place) {
        en: "{id}: {title}: the waiver by {by} ends on {until}, in {days} {days:day|days} ({place})",
        ja: "{id}: {title}: {by} による免除はあと {days} 日で終了する ({until} まで、{place})",
    }
    rest_of_reason(why) {
        en: "{why} ... and more; the report has all of it",
        ja: "{why} … (以下略。全文はレポートに記載)",
    }
    more_rows(count) {
        en: "and {count} {count:row|rows} more; the report names them",
        ja: "ほかに {count} 項目ある (レポートに記載)",
    }
    rows_hold(hold, of) {
        en: "{hold} of {of} {of:row holds|rows hold}",
        ja: "{of} 項目中 {hold} 項目が適合",
    }
    rows_open(count) {
        en: "{count} {count:does|do} not",
        ja: "不適合 {count} 項目",
    }
    rows_unknown(count) {
        en: "{count} could not be determined",
        ja: "不明 {count} 項目",
    }
    rows_manual(count) {
        en: "{count} {count:needs|need} a person",
        ja: "要確認 {count} 項目",
    }
    rows_waived(count) {
        en: "{count} {count:is|are} waived",
        ja: "免除 {count} 項目",
    }
    rows_drifted(count) {
        en: "{count} of those left alone {count:has|have} drifted",
        ja: "対象外の項目のうち相違 {count} 項目",
    }
    after_planned(paths) {
        en: "all this after {paths} {paths:change that is|changes that are} only planned",
        ja: "以上は、計画した {paths} 件の変更を行った場合の判定",
    }
    changed(paths) {
        en: "{paths} {paths:path|paths} changed",
        ja: "変更したパス {paths} 件",
    }
    done(counts) {
        en: "done: {counts}",
        ja: "完了: {counts}",
    }
    not_as_declared(counts) {
        en: "not as declared: {counts}",
        ja: "宣言どおりでない: {counts}",
    }
    journals_dropped(root, count) {
        en: "{root}: {count} {count:journal|journals} dropped",
        ja: "{root}: ジャーナル {count} 件を削除した",
    }
    no_packages_changed(why) {
        en: "{why}\npackages could not be changed as wanted; no file was changed",
        ja: "{why}\nパッケージを要求どおりに変更できなかった。ファイルは変更していない",
    }
    hardened_unreported(root) {
        en: "{root}: hardened all the same; gokaku revert takes it back",
        ja: "{root}: 適用は完了している。gokaku revert で取り消せる",
    }
    hardened_unreported_in(root, run) {
        en: "{root}: run {run}: hardened all the same; gokaku revert takes it back",
        ja: "{root}: 実行 {run}: 適用は完了している。gokaku revert で取り消せる",
    }
    reverted_unreported(root, run, paths) {
        en: "{root}: run {run} was reverted all the same; {paths} {paths:path|paths} put back; another \
             revert would take back the run before",
        ja: "{root}: 実行 {run} の取り消しは完了している ({paths} 件のパスを元に戻した)。再度 revert すると、\
             その前の実行が取り消される",
    }
    undone_unreported(root, paths) {
        en: "{root}: a run that had been cut off was undone all the same; {paths} {paths:path|paths} put \
             back; another revert would take back the run before",
        ja: "{root}: 中断していた実行の取り消しは完了している ({paths} 件のパスを元に戻した)。再度 revert \
             すると、その前の実行が取り消される",
    }
    inside_root(path, root) {
        en: "{path}: lies inside the root {root}, where the report would stay in the image; name a file \
             outside with -o",
        ja: "{path}: ルート {root} の内側にあり、レポートがイメージに残る。-o でルートの外のファイルを指定\
             すること",
    }
    link_of_another(path, name, uid) {
        en: "{path}: {name} is a link of uid {uid}'s, which may lead anywhere; want a report's place to be \
             your own; remove the link or name another file with -o",
        ja: "{path}: {name} は uid {uid} が所有するリンクで、任意の場所を指しうる。レポートの出力先は自分の\
             所有でなければならない。リンクを削除するか、-o で別のファイルを指定すること",
    }
    signal_ends_at_once(signal, cause) {
        en: "signal {signal} will end the run at once: {cause}; the next run would undo it",
        ja: "シグナル {signal} を受けると実行は直ちに終了する: {cause}。その場合は次回の実行が取り消しを行う",
    }
    file_limit_ends_at_once(cause) {
        en: "a limit on file sizes will end the run at once: {cause}",
        ja: "ファイルサイズの制限に達すると実行は直ちに終了する: {cause}",
    }
    undone_on_copy(paths) {
        en: "a run on another copy of this image was cut off; {paths} {paths:path was|paths were} put back \
             here",
        ja: "このイメージの別のコピーでの実行が中断していた。ここでは {paths} 件のパスを元に戻した",
    }
    no_partition(number) {
        en: "found no partition {number}",
        ja: "パーティション {number} が見つからない",
    }
    only_read(root, unpack, apply) {
        en: "{root} is no directory but an archive, which is only read (audit, plan, explain); to harden it, unpack it as root: {unpack}; and then: {apply}",
        ja: "{root} はディレクトリではなく書庫であり、読み取ることしかできない (audit、plan、explain)。適用するには、root で展開し ({unpack})、続いて {apply} を実行すること",
    }
    over_the_archive(path) {
        en: "{path}: this is the archive itself; a report would replace it; name another file",
        ja: "{path} は書庫そのものであり、レポートで上書きされてしまう。別のファイルを指定すること",
    }
    of_file(path, why) {
        en: "{path}: {why}",
        ja: "{path}: {why}",
    }
    too_large(path, limit) {
        en: "{path}: larger than {limit} MiB; want a report or a baseline",
        ja: "{path} は {limit} MiB を超える。レポートまたはベースラインを指定すること",
    }
    row_worse(id, title, what) {
        en: "{id} worse than the baseline: {title}: {what}",
        ja: "{id} ベースラインより悪化: {title}: {what}",
    }
    row_not_told(id, title, what) {
        en: "{id} unknown, and it was known in the baseline: {title}: {what}",
        ja: "{id} ベースラインでは判定できたが今回は判定不能: {title}: {what}",
    }
}
