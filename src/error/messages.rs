//! The messages of errors, beside those of the kernel's refusals ([`super::cannot`]).

use crate::message::messages;

messages! { "error";
    wrong_kind(path, found, want) {
        en: "{path}: found a {found}, want a {want}; move it away and run again",
        ja: "{path}: {want}であるべきところに{found}がある。別の場所に移してから再実行すること",
    }
    too_large(path, size, limit) {
        en: "{path}: found {size} bytes, want at most {limit}; not read",
        ja: "{path}: サイズが {size} バイトあり、上限の {limit} バイトを超えるため読み取らない",
    }
    too_much(path, size, limit) {
        en: "{path}: {size} bytes, and with what was read before more than {limit} together; not read",
        ja: "{path}: サイズが {size} バイトあり、読み取り済みの分との合計が上限の {limit} バイトを超えるため読み取らない",
    }
    not_utf8(place, found) {
        en: "{place}: found the byte {found}, which is not UTF-8, in a statement that is judged; want UTF-8 there; correct it by hand",
        ja: "{place}: 判定の対象となる設定に UTF-8 ではないバイト {found} がある。UTF-8 に手動で修正すること",
    }
    link_loop(path) {
        en: "{path}: too many symbolic links; a loop of links, or a hostile tree",
        ja: "{path}: シンボリックリンクが多すぎる (循環しているか、不正なツリー)",
    }
    bad_path(path, why) {
        en: "`{path}` is not a path inside a root: {why}",
        ja: "`{path}` はルート内のパスではない: {why}",
    }
    syntax(path, line, found, want) {
        en: "{path}:{line}: found {found}, want {want}",
        ja: "{path}:{line}: {want}が必要だが、{found}がある",
    }
    cannot_tell(path, why) {
        en: "{path}: cannot be judged: {why}",
        ja: "{path}: 判定できない: {why}",
    }
    shows_the_machine(filesystem) {
        en: "it leads to a {filesystem} filesystem, which shows this machine and not the image",
        ja: "{filesystem} ファイルシステムを指しており、そこに見えるのはイメージではなくこのマシンの状態である",
    }
    profile(said) {
        en: "{said}",
        ja: "プロファイルの誤り: {said}",
    }
    invalid(paths, program, words) {
        en: "{paths}: {program} of this root refuses what is planned: {words}; nothing was written",
        ja: "{paths}: 書き込む予定の内容を、このルートの {program} が受け付けない: {words}。何も書き込んでいない",
    }
    no_such_row(id, profile) {
        en: "no rule {id} in {profile}; `gokaku list` shows them all",
        ja: "{profile} に項目 {id} はない。一覧は `gokaku list` で表示できる",
    }
    no_such_row_but(id, profile, nearest) {
        en: "no rule {id} in {profile}; `gokaku list` shows them all (nearest: {nearest})",
        ja: "{profile} に項目 {id} はない。一覧は `gokaku list` で表示できる (近い項目: {nearest})",
    }
    unsettled(rules, paths) {
        en: "the rules do not settle: rules {rules} undo each other in {paths}; this is a fault of the profile, nothing was written",
        ja: "ルール {rules} が {paths} で互いの変更を打ち消し合い、結果が定まらない。プロファイルの誤りであり、何も書き込んでいない",
    }
    raced(path) {
        en: "{path}: changed while the run was going on; nothing lost, run again",
        ja: "{path}: 実行中に変更された。失われたものはないので再実行すること",
    }
    archive(archive, why) {
        en: "{archive}: {why}",
        ja: "書庫 {archive}: {why}",
    }
    archive_entry(archive, entry, why) {
        en: "{archive}: the entry {entry}: {why}",
        ja: "書庫 {archive} のエントリー {entry}: {why}",
    }
    journal(path, why) {
        en: "{path}: {why}",
        ja: "ジャーナル {path}: {why}",
    }
    no_space(path, why) { en: "{path}: no space: {why}", ja: "{path} の空き容量が足りない: {why}" }
    stopped(signal, name) {
        en: "stopped by signal {signal} ({name})",
        ja: "シグナル {signal} ({name}) により停止した",
    }
    rolled_back(cause) {
        en: "{cause}; every change of this run was undone",
        ja: "{cause}。この実行による変更はすべて元に戻した",
    }
    stuck(cause, undo) {
        en: "{cause}; undoing failed too: {undo}; run `gokaku apply` again to recover",
        ja: "{cause}。元に戻す処理も失敗した: {undo}。`gokaku apply` を再実行して復旧すること",
    }
    file() { en: "regular file", ja: "通常ファイル" }
    dir() { en: "directory", ja: "ディレクトリ" }
    symlink() { en: "symbolic link", ja: "シンボリックリンク" }
    fifo() { en: "named pipe", ja: "名前付きパイプ" }
    socket() { en: "socket", ja: "ソケット" }
    block_device() { en: "block device", ja: "ブロックデバイス" }
    char_device() { en: "character device", ja: "キャラクタデバイス" }
}
