//! What findings of systemd's units and settings say.

use crate::message::messages;

messages! { "systemd";
    // services_review
    starting(count, sockets, masked) {
        en: "{count} {count:unit or script starts|units and scripts start} at boot, {sockets} of \
             them {sockets:a socket|sockets}; {masked} {masked:is|are} masked",
        ja: "起動時に開始されるユニットとスクリプトは {count} 個 (うちソケットは {sockets} 個)。マスクされて\
             いるものは {masked} 個",
    }
    init_script() {
        en: "init script",
        ja: "init スクリプト",
    }
    more(count) {
        en: "{count} more {count:is|are} not shown",
        ja: "ほかに {count} 個ある (表示は省略)",
    }
    always_started(units) {
        en: "always started by packages: {units}",
        ja: "パッケージの設定により常に開始されるもの: {units}",
    }

    // systemd_conf
    want_line() {
        en: "`[section]` or `key=value`",
        ja: "`[セクション]` または `キー=値`",
    }
    reading_may_stop() {
        en: "systemd may stop reading here",
        ja: "systemd がここで読み込みを打ち切る可能性がある",
    }
    hide_file(path, dir) {
        en: "{path} belongs to a package; hide it by a file of this name in {dir}",
        ja: "{path} はパッケージに属するファイルである。同名のファイルを {dir} に置いて無効にすること",
    }
    not_set(section, key) {
        en: "{key} is not set in [{section}]",
        ja: "[{section}] に {key} が設定されていない",
    }

    // time_sync
    start_together(units) {
        en: "{units} start together and disturb each other",
        ja: "{units} がいずれも開始され、互いに競合する",
    }
    no_time_client() {
        en: "there is no time client",
        ja: "時刻同期クライアントがない",
    }
    want_time_client() {
        en: "one that starts at boot",
        ja: "起動時に開始される時刻同期クライアント",
    }

    // service
    no_unit(unit) {
        en: "there is no unit {unit}",
        ja: "ユニット {unit} が存在しない",
    }
    reinstall(unit, package) {
        en: "there is no unit {unit}, although package {package} is there; reinstall the package",
        ja: "パッケージ {package} はあるが、ユニット {unit} が存在しない。パッケージを再インストールすること",
    }
    install(unit) {
        en: "there is no unit {unit}; install the package that provides it",
        ja: "ユニット {unit} が存在しない。提供元のパッケージをインストールすること",
    }
    enabled() {
        en: "enabled",
        ja: "有効 (enabled)",
    }
    want_started(unit) {
        en: "{unit} starts at boot",
        ja: "{unit} が起動時に開始されること",
    }
    correct_start(unit, spot) {
        en: "{unit} does not start at boot, although it is enabled; correct {spot} by hand",
        ja: "{unit} は有効だが、起動時に開始されない。{spot} を手作業で直すこと",
    }
    masked() {
        en: "masked",
        ja: "マスク済み (masked)",
    }
    not_masked() {
        en: "not masked",
        ja: "マスクされていない",
    }
    without_install() {
        en: "static",
        ja: "[Install] なし (static)",
    }
    empty_file() {
        en: "an empty file",
        ja: "空のファイル",
    }
    nothing() {
        en: "nothing",
        ja: "存在しない",
    }
    no_link() {
        en: "no link",
        ja: "リンクなし",
    }
    not_a_link() {
        en: "not a link",
        ja: "リンク以外",
    }
    broken_link() {
        en: "a link to nothing",
        ja: "リンク切れ",
    }
    want_unit_file() {
        en: "a unit file",
        ja: "ユニットファイル",
    }
    nothing_starts_it() {
        en: "nothing starts it",
        ja: "これを開始するものはない",
    }
    first_boot() {
        en: "the first boot enables every unit that is not masked",
        ja: "初回起動時に、マスクされていないユニットはすべて有効になる",
    }
    not_set_up() {
        en: "not set up",
        ja: "未設定",
    }
    no_room_for_mask(path) {
        en: "{path} stands where the mask would be; move it away",
        ja: "マスクを作成する位置に {path} が存在する。別の場所に移すこと",
    }
    starts_it() {
        en: "starts it",
        ja: "開始用のリンク",
    }
    want_stop_link() {
        en: "a link K..",
        ja: "K.. の形のリンク",
    }
    want_start_link(script) {
        en: "a link S..{script}",
        ja: "S..{script} の形のリンク",
    }
    other_name(name, unit) {
        en: "{name} is another name of {unit}",
        ja: "{name} は {unit} の別名である",
    }
    leads_to_nothing(path) {
        en: "{path} leads to nothing; remove it, or restore its target",
        ja: "{path} のリンク先が存在しない。削除するか、リンク先を復元すること",
    }
    no_unit_file(path, kind) {
        en: "{path} is a {kind}, want a unit file; move it away",
        ja: "{path} は{kind}であり、ユニットファイルではない。別の場所に移すこと",
    }
    masks_unit(path, unit, why) {
        en: "{path} masks {unit}; {why}",
        ja: "{path} が {unit} をマスクしている。{why}",
    }
    no_install_section(path, unit) {
        en: "{path} has no [Install] section that ties {unit} to a target; it starts only when \
             another unit asks for it",
        ja: "{path} には {unit} をターゲットに結び付ける [Install] セクションがない。ほかのユニットから\
             要求された場合にのみ開始される",
    }
    no_unit_name(name, path) {
        en: "`{name}` in [Install] of {path} is not the name of a unit",
        ja: "{path} の [Install] にある `{name}` はユニット名ではない",
    }
    link_is_none(path) {
        en: "{path} is not a link, so systemd ignores it; move it away",
        ja: "{path} はリンクではないため、systemd に無視される。別の場所に移すこと",
    }
    name_of_other(name, path) {
        en: "the name {name} belongs to {path}; decide which one is meant",
        ja: "{name} は {path} の名前である。どちらを使用するかを決めること",
    }
    want_link(path, kind) {
        en: "{path} is a {kind}, want a link; move it away",
        ja: "{path} は{kind}であり、リンクではない。別の場所に移すこと",
    }
    name_not_utf8(path) {
        en: "the name of {path} is not UTF-8; rename it by hand",
        ja: "{path} の名前は UTF-8 ではない。手動で変更すること",
    }
    header_without_level(path) {
        en: "the header of {path} does not want it in run level 5",
        ja: "{path} のヘッダーで、ランレベル 5 での開始が指定されていない",
    }
    not_under_etc(path) {
        en: "{path} is not under /etc, and is not ours to change",
        ja: "{path} は /etc の外にあるため、変更しない",
    }
    want_directory(path, kind) {
        en: "{path} is a {kind}, want a directory",
        ja: "{path} は{kind}であり、ディレクトリではない",
    }
    at_most(key, size) {
        en: "{key}={size} or less",
        ja: "{key}={size} 以下",
    }
    move_away(path, kind) {
        en: "{path} is a {kind}; move it away",
        ja: "{path} は{kind}である。別の場所に移すこと",
    }
}
