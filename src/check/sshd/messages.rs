//! What the rows about sshd say.

use crate::message::messages;

messages! { "sshd";
    reads_another_file(usual) {
        en: "sshd reads another file than {usual}",
        ja: "sshd は {usual} ではない別のファイルを読み込む",
    }
    // The release that reads the file.
    assumed(sshd) {
        en: "{sshd} (assumed: no openssh-server is recorded as installed)",
        ja: "{sshd} (openssh-server のインストール記録がないため仮定)",
    }
    judged_as(sshd) {
        en: "judged as {sshd}",
        ja: "{sshd} として判定",
    }
    absent() {
        en: "absent: this tree configures no SSH server",
        ja: "ファイルなし: このツリーでは SSH サーバーが設定されていない",
    }

    // Why sshd refuses a line.
    quote_open() {
        en: "a quote is not closed",
        ja: "引用符が閉じていない",
    }
    no_value() {
        en: "no value",
        ja: "値がない",
    }
    several_values() {
        en: "more than one value",
        ja: "値が複数ある",
    }
    words_after_empty() {
        en: "an empty word is not the last one",
        ja: "空の語の後に語が続いている",
    }
    empty_word() {
        en: "an empty word",
        ja: "空の語がある",
    }
    not_a_value(value, keyword) {
        en: "`{value}` is not a value of {keyword}",
        ja: "`{value}` は {keyword} の値として無効",
    }
    empty_list() {
        en: "the list is empty",
        ja: "リストが空",
    }
    unknown_algorithm(name) {
        en: "the algorithm `{name}` is not known",
        ja: "アルゴリズム `{name}` は未対応",
    }
    no_file_named() {
        en: "no file is named",
        ja: "ファイルの指定がない",
    }
    half_a_subsystem() {
        en: "a subsystem needs a name and a command",
        ja: "サブシステムには名前とコマンドが必要",
    }
    subsystem_twice(name) {
        en: "the subsystem `{name}` is defined twice",
        ja: "サブシステム `{name}` の定義が重複している",
    }
    no_condition() {
        en: "no condition",
        ja: "条件がない",
    }
    any_with_others() {
        en: "`any` does not stand alone",
        ja: "`any` がほかの値と併記されている",
    }
    relative_command() {
        en: "the command is not an absolute path",
        ja: "コマンドが絶対パスではない",
    }
    command_without_user(user) {
        en: "{user} is not stated",
        ja: "{user} の指定がない",
    }
    methods_disabled() {
        en: "each of these lists has a method that is switched off",
        ja: "どのリストにも無効にされた認証方式が含まれている",
    }
    no_service(name) {
        en: "`{name}` is no service in /etc/services",
        ja: "`{name}` は /etc/services にないサービス",
    }
    all_with_others() {
        en: "`all` is combined with other conditions",
        ja: "`all` がほかの条件と併記されている",
    }
    not_a_condition(name) {
        en: "`{name}` is not a condition of Match",
        ja: "`{name}` は Match の条件として無効",
    }
    condition_without_value(name) {
        en: "the condition `{name}` has no value",
        ja: "条件 `{name}` に値がない",
    }
    line_too_long(bytes) {
        en: "{bytes} bytes are too long for a line",
        ja: "行が長すぎる ({bytes} バイト)",
    }
    not_a_keyword(word) {
        en: "`{word}` is not a keyword",
        ja: "`{word}` はキーワードとして無効",
    }
    not_in_match(keyword) {
        en: "{keyword} is not allowed inside a Match block",
        ja: "{keyword} は Match ブロック内では使えない",
    }
    too_many_names(limit) {
        en: "more than {limit} names",
        ja: "名前が {limit} 個を超えている",
    }
    dangling(path) {
        en: "{path} is a link to nothing and cannot be opened",
        ja: "{path} はリンク切れで開けない",
    }

    // Lines that sshd refuses.
    accepted_line(sshd) {
        en: "a line that {sshd} accepts",
        ja: "{sshd} が受け付ける行",
    }
    refused_by_hand(sshd, at, why) {
        en: "{sshd} refuses {at} ({why}) and does not start; correct it by hand",
        ja: "{sshd} は {at} を受け付けず、起動しない ({why})。手動で修正すること",
    }
    refused_repaired(sshd, at, why, keyword) {
        en: "{sshd} refuses {at} ({why}) and does not start; the rule about {keyword} repairs it",
        ja: "{sshd} は {at} を受け付けず、起動しない ({why})。{keyword} の項目で修正される",
    }
    does_not_start(sshd, why) {
        en: "{sshd} does not start: {why}",
        ja: "{sshd} が起動しない: {why}",
    }
    held_back(at) {
        en: "nothing is changed while {at} keeps sshd from starting; correct that line first",
        ja: "{at} のために sshd が起動しない間は変更しない。先にその行を修正すること",
    }
    outside_etc(at) {
        en: "{at} is outside /etc and not edited; correct it by hand where it comes from",
        ja: "{at} は /etc の外にあるため編集しない。提供元で手動で修正すること",
    }
    keeps_from_starting(line, why) {
        en: "`{line}` keeps sshd from starting: {why}",
        ja: "`{line}` のために sshd が起動しない: {why}",
    }

    // Directives of one value.
    one_of(words) {
        en: "one of {words}",
        ja: "{words} のいずれか",
    }
    range(min, max) {
        en: "{min} to {max}",
        ja: "{min} 以上 {max} 以下",
    }
    range_of_seconds(min, max) {
        en: "{min} to {max} s",
        ja: "{min} 秒以上 {max} 秒以下",
    }
    only(names) {
        en: "only {names}",
        ja: "{names} のみ",
    }
    in_match() {
        en: "in a Match block: overrides the value for its connections",
        ja: "Match ブロック内: 該当する接続ではこの値が優先される",
    }
    in_match_all() {
        en: "in a block for all connections: overrides the value",
        ja: "すべての接続に対するブロック内: この値が優先される",
    }
    reads_number(number) {
        en: "sshd reads {number}",
        ja: "sshd は {number} と解釈する",
    }
    stands_for(names) {
        en: "stands for {names}",
        ja: "{names} を表す",
    }
    stands_for_nothing() {
        en: "stands for nothing",
        ja: "該当するアルゴリズムがない",
    }
    not_stated() {
        en: "not stated outside Match blocks",
        ja: "Match ブロックの外に指定がない",
    }
    default_complies(default) {
        en: "not stated outside Match blocks; the default, {default}, complies",
        ja: "Match ブロックの外に指定がない。既定値 {default} は適合",
    }
    default_does_not_comply(default) {
        en: "not stated outside Match blocks; the default, {default}, does not comply",
        ja: "Match ブロックの外に指定がない。既定値 {default} は不適合",
    }
    more_wrong_lines(count, keyword) {
        en: "{count} more {count:line|lines} of {keyword} {count:is|are} wrong",
        ja: "ほかに {count} 行の {keyword} が不適合",
    }
    none_accepted(sshd, keyword) {
        en: "{sshd} accepts none of the allowed values of {keyword}",
        ja: "{keyword} に許可された値は、どれも {sshd} が受け付けない",
    }
    packer_fails(names) {
        en: "Packer cannot connect: its SSH client (1.6.6) needs one of {names}",
        ja: "Packer から接続できない: Packer 1.6.6 の SSH クライアントは {names} のいずれかを必要とする",
    }
    no_sessions() {
        en: "MaxSessions 0 allows no shell and no file transfer, only forwarding",
        ja: "MaxSessions 0 ではシェルもファイル転送も使えず、ポート転送などのフォワーディングのみ可能",
    }
    one_session() {
        en: "MaxSessions 1 hinders clients that share a connection, such as Ansible",
        ja: "MaxSessions 1 では Ansible のように接続を共有するクライアントに支障が出る",
    }
    a_file() {
        en: "a regular file",
        ja: "通常のファイル",
    }
    nothing() {
        en: "nothing",
        ja: "存在しない",
    }
    a_directory() {
        en: "a directory",
        ja: "ディレクトリ",
    }
    no_regular_file() {
        en: "not a regular file",
        ja: "通常のファイルではない",
    }
    no_banner(path) {
        en: "sshd shows no banner without {path}; put a file there",
        ja: "{path} がなければ sshd はバナーを表示しない。ファイルを配置すること",
    }

    // sshd's command line.
    on_command_line() {
        en: "on sshd's command line, which takes precedence over every file",
        ja: "sshd のコマンドラインでの指定。どのファイルよりも優先される",
    }
    remove_option(option, at) {
        en: "remove the option `{option}` from SSHD_OPTS in {at} by hand",
        ja: "{at} の SSHD_OPTS からオプション `{option}` を手動で削除すること",
    }
    usual_file() {
        en: "no other configuration file",
        ja: "別の設定ファイルを指定しない",
    }
    other_file(file, main, at) {
        en: "sshd reads {file} instead of {main}; remove -f from SSHD_OPTS in {at} by hand",
        ja: "sshd は {main} ではなく {file} を読む。{at} の SSHD_OPTS から -f を手動で削除すること",
    }

    // Who may log in.
    a_list() {
        en: "AllowUsers, AllowGroups, DenyUsers or DenyGroups with a name",
        ja: "名前を指定した AllowUsers、AllowGroups、DenyUsers、DenyGroups のいずれか",
    }
    replaces_list() {
        en: "in a Match block: replaces the list for its connections",
        ja: "Match ブロック内: 該当する接続ではこのリストに置き換わる",
    }
    not_everybody() {
        en: "a list that does not deny everybody",
        ja: "全員を拒否することのないリスト",
    }
    denies_everybody(pattern, at) {
        en: "`{pattern}` in {at} locks everybody out; name only those who are to stay out",
        ja: "{at} の `{pattern}` は全員を締め出す。拒否する対象だけを指定すること",
    }
    nobody_allowed(min, max) {
        en: "no account of this image with a number from {min} to {max} and a shell that lets it in is allowed; whoever is to log in must be added later",
        ja: "UID が {min} から {max} でシェルを使えるアカウントは、このイメージではどれも許可されていない。ログインさせるアカウントは後から追加する必要がある",
    }
}
