//! What findings about packages say.

use crate::message::messages;

messages! { "packages";
    not_there(name) {
        en: "package {name} is not there",
        ja: "パッケージ {name} はインストールされていない",
    }
    none_matches(pattern) {
        en: "no package matching {pattern} is there",
        ja: "{pattern} に一致するパッケージはインストールされていない",
    }
    wants_absent() {
        en: "absent",
        ja: "インストールされていないこと",
    }
    wants_installed() {
        en: "installed",
        ja: "インストール済み",
    }
    only_reported() {
        en: "not part of this row, left alone",
        ja: "この項目の対象外のため変更しない",
    }
    used(path, line, word) {
        en: "{path}:{line} uses `{word}`",
        ja: "{path}:{line} が `{word}` を使っている",
    }
    too_large_to_search(path, word) {
        en: "{path}: too many files to search for `{word}`",
        ja: "{path}: ファイルが多すぎて `{word}` を検索できない",
    }
    maybe_in_use(why, package) {
        en: "{why}; find out whether {package} is needed before it is purged",
        ja: "{why}。{package} が不要であることを確認してから削除すること",
    }

    // Where packages come from
    no_sources() {
        en: "apt has no source of packages",
        ja: "apt にパッケージの取得元がない",
    }
    sources(count) {
        en: "{count} {count:source|sources} of packages {count:is|are} enabled",
        ja: "有効なパッケージ取得元は {count} 件",
    }
    sources_of_suites(count, suites) {
        en: "{count} {count:source|sources} of packages {count:is|are} enabled: {suites}",
        ja: "有効なパッケージ取得元は {count} 件。{suites}",
    }
    suite_listed(suite) {
        en: "one is for {suite}",
        ja: "{suite} の取得元あり",
    }
    suite_not_listed(suite) {
        en: "none is for {suite}",
        ja: "{suite} の取得元なし",
    }
    trusted() {
        en: "trusted whatever its signature",
        ja: "署名にかかわらず信頼する設定",
    }
    more_not_shown(count) {
        en: "{count} more {count:is|are} not shown",
        ja: "ほか {count} 件は省略",
    }

    // Newer versions
    no_record() {
        en: "there is no record of what is installed",
        ja: "インストール済みパッケージの記録がない",
    }
    lists_compressed(count) {
        en: "{count} package {count:list is|lists are} compressed and {count:was|were} not read",
        ja: "圧縮されたパッケージリスト {count} 件は読んでいない",
    }
    no_lists() {
        en: "the image holds no package lists, so newer versions cannot be counted; apt-get update \
             fetches them",
        ja: "イメージにパッケージリストがなく、新しいバージョンの数は不明である。リストは apt-get update で取得できる",
    }
    newer_versions(newer, packages, security) {
        en: "{newer} of {packages} {packages:package|packages} {newer:has|have} a newer version in \
             the image's lists, {security} of them in a security list",
        ja: "{packages} 個中 {newer} 個のパッケージについて、イメージのリストに新しいバージョンがある \
             (うち {security} 個はセキュリティ更新のリスト)",
    }
    date_of_list() {
        en: "when the list was made",
        ja: "リストの作成日時",
    }
    reboot_pending() {
        en: "updates wait for a reboot",
        ja: "更新の反映に再起動が必要",
    }
}
