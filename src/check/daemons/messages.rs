//! What findings about daemons with a file format of their own say.

use crate::message::messages;

messages! { "daemons";
    missing() {
        en: "the file is missing",
        ja: "ファイルがない",
    }
    wants_configuration(program) {
        en: "the configuration of {program}",
        ja: "{program} の設定ファイル",
    }
    configuration_missing(path, package) {
        en: "{path} is missing; reinstall the package {package}",
        ja: "{path} がない。パッケージ {package} を再インストールすること",
    }

    // Mail servers
    no_mail_server() {
        en: "no mail server is installed: neither postfix, exim4 nor sendmail",
        ja: "メールサーバーがインストールされていない (postfix、exim4、sendmail のいずれもない)",
    }
    look_at_mail_server(package) {
        en: "{package} is a mail server; check that it listens on loopback addresses only",
        ja: "{package} はメールサーバーである。ループバックアドレスだけで待ち受けていることを確認すること",
    }
    not_started(program) {
        en: "the file is missing, so {program} does not start",
        ja: "ファイルがないため {program} は起動しない",
    }
    all_addresses(key) {
        en: "no `{key}`, so all addresses",
        ja: "`{key}` の指定がないため、全アドレスで待ち受ける",
    }
    wants_loopback() {
        en: "a loopback address, or none",
        ja: "ループバックアドレス、または指定なし",
    }
    listens_on(path, line, host) {
        en: "{path}:{line} listens on {host}; remove the service or its address",
        ja: "{path}:{line} は {host} で待ち受ける。サービスまたはアドレスの指定を削除すること",
    }
    does_not_listen() {
        en: "nothing listens",
        ja: "待ち受けは行われない",
    }
    wants_ports() {
        en: "ports, or loopback addresses",
        ja: "ポート番号のみ、またはループバックアドレス",
    }
    exim_addresses(path, line) {
        en: "{path}:{line} makes exim listen beyond loopback; correct the options by hand",
        ja: "{path}:{line} により exim はループバック以外でも待ち受ける。オプションを手動で修正すること",
    }
    macro_set(path, line) {
        en: "{path}:{line} sets MAIN_LOCAL_INTERFACES; correct it by hand",
        ja: "{path}:{line} が MAIN_LOCAL_INTERFACES を設定している。手動で修正すること",
    }
    written_by_hand(path) {
        en: "{path} is written by hand; set local_interfaces in it",
        ja: "{path} は手書きの設定ファイルである。local_interfaces を手動で設定すること",
    }
    unclear(key) {
        en: "from this line on, {key} depends on more than the file",
        ja: "この行以降、{key} の値はファイルだけでは決まらない",
    }
    not_plain(path, assignment) {
        en: "{path} is not a list of plain assignments; set {assignment} in it by hand",
        ja: "{path} は単純な代入だけのファイルではない。{assignment} を手動で設定すること",
    }
    made_from_mc(path) {
        en: "{path} is made from sendmail.mc; set Addr=127.0.0.1 there and run make",
        ja: "{path} は sendmail.mc から生成される。sendmail.mc で Addr=127.0.0.1 を設定し、make を実行すること",
    }

    // ntpd
    no_restrict(family) {
        en: "no `restrict {family} default`",
        ja: "`restrict {family} default` がない",
    }
    no_server() {
        en: "no `server`, no `pool`",
        ja: "`server` も `pool` もない",
    }
    wants_time_source() {
        en: "a time source",
        ja: "時刻源",
    }
    no_time_source(path) {
        en: "{path} names no time source; add the site's `server` or `pool`",
        ja: "{path} に時刻源がない。サイトで使う `server` または `pool` を追加すること",
    }
    wants_user_option() {
        en: "no -u, or -u ntp",
        ja: "-u の指定なし、または -u ntp",
    }
    runs_as_root(path, line, user) {
        en: "{path}:{line} makes ntpd run as root; remove `-u {user}`",
        ja: "{path}:{line} により ntpd が root で動作する。`-u {user}` を削除すること",
    }
    runs_as(path, line, user) {
        en: "{path}:{line} runs ntpd as {user}; set RUNASUSER=ntp by hand",
        ja: "{path}:{line} は ntpd を {user} で実行する。RUNASUSER=ntp を手動で設定すること",
    }
}
