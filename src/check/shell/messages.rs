//! What findings of shells' start-up files, search paths and variables say.

use crate::message::messages;

messages! { "shell";
    // default_umask
    value_unclear() {
        en: "the text alone does not determine the value",
        ja: "記述だけでは値が定まらない",
    }
    not_always() {
        en: "not set in every case",
        ja: "条件によっては設定されない",
    }
    pam_sets_it() {
        en: "pam_umask applies it to every session",
        ja: "pam_umask がすべてのセッションに適用する",
    }
    want_umask(setting) {
        en: "{setting} or tighter",
        ja: "{setting} またはより厳しい値",
    }
    script_of_package(path, line, umask) {
        en: "{path} belongs to a package; set umask {umask} in line {line} by hand, or remove the \
             package",
        ja: "{path} はパッケージに属するファイルである。{line} 行目の umask を手動で {umask} に変更するか、\
             パッケージを削除すること",
    }
    no_profile(path) {
        en: "login shells read nothing without {path}; restore it (package base-files)",
        ja: "{path} がないとログインシェルは何も読み込まない。復元すること (パッケージ base-files)",
    }
    nothing_sets_it() {
        en: "nothing sets it for all login shells",
        ja: "すべてのログインシェルに適用される設定がない",
    }
    perhaps_unreached(setting, path) {
        en: "`{setting}` at the end of {path} might not be reached; put it there by hand",
        ja: "{path} の末尾に `{setting}` を追加しても実行されない可能性がある。手動で追加すること",
    }
    overrides_login_defs(path, line) {
        en: "umask= in {path}:{line} overrides /etc/login.defs; remove the argument by hand",
        ja: "{path}:{line} の umask= は /etc/login.defs より優先される。引数を手動で削除すること",
    }

    // root_path
    no_search_path() {
        en: "no file sets a search path for root",
        ja: "root の検索パスを設定するファイルがない",
    }
    unclear_element(element) {
        en: "check by hand what {element} is for root",
        ja: "root にとって {element} が何を指すかを手動で確認すること",
    }
    empty_element() {
        en: "an empty element stands for the current directory",
        ja: "空の要素はカレントディレクトリを意味する",
    }
    relative_element(element) {
        en: "`{element}` is relative",
        ja: "`{element}` は相対パスである",
    }
    want_absolute() {
        en: "absolute directories",
        ja: "絶対パスのディレクトリ",
    }
    remove_element(place) {
        en: "remove the element from {place} by hand",
        ja: "{place} からこの要素を手動で削除すること",
    }
    only_with_snapd(path) {
        en: "{path} exists only where snapd is",
        ja: "{path} は snapd がある環境にのみ存在する",
    }
    missing(path) {
        en: "{path} is not there",
        ja: "{path} が存在しない",
    }
    want_existing() {
        en: "existing directories",
        ja: "実在するディレクトリ",
    }
    create_or_remove(path, place) {
        en: "create {path} with owner root and mode 0755, or remove it from {place} by hand",
        ja: "{path} を所有者 root、権限 0755 で作成するか、{place} から手動で削除すること",
    }
    is_kind(path, kind) {
        en: "{path} is a {kind}",
        ja: "{path} は{kind}である",
    }
    want_directories() {
        en: "directories",
        ja: "ディレクトリ",
    }
    remove_path(path, place) {
        en: "remove {path} from {place} by hand",
        ja: "{place} から {path} を手動で削除すること",
    }
    want_roots() {
        en: "owned by root, and writable by nobody else",
        ja: "所有者は root、ほかのユーザーによる書き込みは不可",
    }
    named_by(place) {
        en: "named by {place}",
        ja: "{place} で指定されている",
    }
    no_system_directory(path, place) {
        en: "{path} is no directory of the system; correct its owner and mode, or remove it from \
             {place}, by hand",
        ja: "{path} はシステムのディレクトリではない。所有者と権限を手動で修正するか、{place} から手動で\
             削除すること",
    }
    for_services() {
        en: "for services; not judged",
        ja: "サービス向けの値 (判定の対象外)",
    }

    // shell_var
    want_other(key, values) {
        en: "{key} not {values}",
        ja: "{key} が {values} 以外",
    }
    unclear_end(path, setting) {
        en: "a line at the end of {path} might not be reached; set {setting} in it by hand",
        ja: "{path} の末尾の行は実行されない可能性がある。{setting} を手動で設定すること",
    }
    depends(key) {
        en: "from here on, the value of {key} depends on conditions",
        ja: "この行以降、{key} の値は条件によって変わる",
    }
    not_set(key) {
        en: "{key} is not set",
        ja: "{key} が設定されていない",
    }
}
