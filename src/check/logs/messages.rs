//! What findings about logs say.

use crate::message::messages;

messages! { "logs";
    wants_configuration(program) {
        en: "the configuration of {program}",
        ja: "{program} の設定ファイル",
    }
    configuration_missing(path, package) {
        en: "{path} is missing; reinstall the package {package}",
        ja: "{path} がない。パッケージ {package} を再インストールすること",
    }
    correct_by_hand(why) {
        en: "{why}; correct it by hand",
        ja: "{why}。手動で修正すること",
    }
    mode(mode) {
        en: "mode {mode}",
        ja: "権限 {mode}",
    }

    // logrotate
    wants_include_target() {
        en: "the absolute path of a file or directory that exists",
        ja: "実在するファイルまたはディレクトリの絶対パス",
    }
    include_lost(path, line, value) {
        en: "{path}:{line} includes {value}, which does not exist, so logrotate ignores the whole file",
        ja: "{path}:{line} が読み込む {value} は存在せず、logrotate はこのファイル全体を無視する",
    }
    wants_period() {
        en: "a period (daily, weekly, …)",
        ja: "ローテーションの周期 (daily、weekly など)",
    }
    rotates_by_size(path, line) {
        en: "{path}:{line} rotates by size; set a period by hand, with maxsize beside it",
        ja: "{path}:{line} はサイズでローテーションする設定である。周期と maxsize を手動で設定すること",
    }
    wants_owner_and_mode() {
        en: "owner root, mode 0644",
        ja: "所有者 root、権限 0644",
    }
    owner_refused(uid) {
        en: "owner {uid} (logrotate reads only files of root)",
        ja: "所有者の UID が {uid} (logrotate は root のファイルしか読まない)",
    }
    mode_refused(mode) {
        en: "mode {mode} (logrotate reads only files of mode 0644 or tighter)",
        ja: "権限が {mode} (logrotate は 0644 より緩いファイルを読まない)",
    }
    file_refused(path, what) {
        en: "{path} has {what}",
        ja: "{path} は{what}",
    }
    malformed(path, line, said) {
        en: "{path}:{line} is malformed: {said}",
        ja: "{path}:{line} は書式が正しくない: {said}",
    }
    listed_twice(path, line, log) {
        en: "{path}:{line} lists {log} a second time, so logrotate ignores the rest of that file",
        ja: "{path}:{line} は {log} の記述が重複しており、logrotate はこのファイルの残りを無視する",
    }
    wants_accepted() {
        en: "what logrotate accepts",
        ja: "logrotate が受け付ける記述",
    }
    file_has_refused(path, line, said) {
        en: "logrotate refuses `{said}` in {path}:{line} and ignores the whole file",
        ja: "logrotate は {path}:{line} の `{said}` を受け付けず、このファイル全体を無視する",
    }
    file_names_nobody(path, line, said, name) {
        en: "`{said}` in {path}:{line} names {name}, which does not exist here, so logrotate ignores the \
             whole file",
        ja: "{path}:{line} の `{said}` にある {name} は存在せず、logrotate はこのファイル全体を無視する",
    }
    stanza_has_refused(path, line, said) {
        en: "logrotate refuses `{said}` in {path}:{line} and drops the stanza",
        ja: "logrotate は {path}:{line} の `{said}` を受け付けず、このローテーション設定を無視する",
    }
    stanza_names_nobody(path, line, said, name) {
        en: "`{said}` in {path}:{line} names {name}, which does not exist here, so logrotate drops the stanza",
        ja: "{path}:{line} の `{said}` にある {name} は存在せず、logrotate はこのローテーション設定を無視する",
    }
    no_old_dir(path, line, dir) {
        en: "the stanza in {path}:{line} moves old logs to {dir}, which does not exist, so logrotate ignores \
             the whole file",
        ja: "{path}:{line} の設定は古いログを {dir} に移すが、これは存在せず、logrotate はこのファイル全体を無視する",
    }
    insecure_directory(dir, mode, group) {
        en: "{dir} has mode {mode} and group {group}: without `su`, logrotate skips the logs there",
        ja: "{dir} はモード {mode}、グループ {group} であり、`su` がないと logrotate はその中のログを処理しない",
    }
    close_to_others(dir) {
        en: "everybody can write to {dir}; take that from others, or name with `su` who rotates there",
        ja: "{dir} には誰でも書き込める。その権限を外すか、ローテーションを行うユーザーを `su` で指定すること",
    }
    group_has_no_name(dir) {
        en: "the group of {dir} has no name to give to `su`; correct the group",
        ja: "{dir} のグループには名前がなく、`su` に指定できない。グループを修正すること",
    }
    wants_stanza(log) {
        en: "a stanza for {log}",
        ja: "{log} のローテーション設定",
    }
    wants_stanza_in_force(log) {
        en: "a stanza in force for {log}",
        ja: "有効な {log} のローテーション設定",
    }
    name_not_listable(log) {
        en: "the name {log} cannot be listed as it is; add a stanza by hand",
        ja: "ファイル名 {log} はそのままでは記述できない。ローテーション設定を手動で追加すること",
    }
    stanza_unused(log, file) {
        en: "logrotate would not use a stanza for {log} in {file}; add one by hand",
        ja: "{file} に {log} の設定を書いても logrotate は使わない。手動で追加すること",
    }

    // What starts logrotate
    wants_trigger() {
        en: "an executable job, or logrotate.timer enabled",
        ja: "実行可能なジョブ、または有効な logrotate.timer",
    }
    timer_enabled(timer, unit) {
        en: "{timer} is enabled ({unit})",
        ja: "{timer} は有効 ({unit})",
    }
    idle_triggers(why) {
        en: "does not start logrotate: {why}",
        ja: "logrotate を起動しない: {why}",
    }
    nothing_starts_logrotate() {
        en: "nothing starts logrotate: run `systemctl enable logrotate.timer` if the timer exists, or \
             `chmod 0755 /etc/cron.daily/logrotate`",
        ja: "logrotate を起動するものがない。タイマーがあれば `systemctl enable logrotate.timer`、なければ \
             `chmod 0755 /etc/cron.daily/logrotate` を実行すること",
    }
    job_not_regular(job) {
        en: "{job} is not a regular file",
        ja: "{job} は通常ファイルではない",
    }
    job_not_executable(job, mode) {
        en: "{job} is not executable (mode {mode})",
        ja: "{job} に実行権限がない (権限 {mode})",
    }
    job_empty(job) {
        en: "{job} is empty",
        ja: "{job} が空である",
    }
    job_calls_nothing(job) {
        en: "{job} does not call logrotate",
        ja: "{job} は logrotate を呼び出さない",
    }
    job_yields(job) {
        en: "{job} leaves the work to a timer where systemd runs",
        ja: "{job} は systemd の動作中は処理をタイマーに任せる",
    }
    link_enables_nothing(link) {
        en: "{link} enables nothing",
        ja: "{link} では何も有効にならない",
    }
    unit_masked(unit, by) {
        en: "{unit} is masked by {by}",
        ja: "{unit} が {by} でマスクされている",
    }
    unit_missing(unit) {
        en: "there is no {unit}",
        ja: "{unit} がない",
    }
    enabled_but(timer, why) {
        en: "{timer} is enabled, but {why}",
        ja: "{timer} は有効だが、{why}",
    }

    // rsyslog
    without_parameter(object, parameter) {
        en: "{object} without {parameter}: new files get 0644",
        ja: "{object} に {parameter} がない (新しいファイルの権限は 0644 になる)",
    }
    set_mode_by_hand(mode, place) {
        en: "set mode {mode} at {place} by hand",
        ja: "{place} で権限 {mode} を手動で設定すること",
    }
    not_below_etc(path) {
        en: "{path} is not below /etc and is not edited; correct it by hand",
        ja: "{path} は /etc の下にないため編集しない。手動で修正すること",
    }
    quote_open(path) {
        en: "{path}: a quote is not closed; correct the file by hand",
        ja: "{path}: 引用符が閉じていない。手動で修正すること",
    }
    mode_by_default() {
        en: "new files get 0644",
        ja: "新しいファイルの権限は 0644 になる",
    }
    mode_unset() {
        en: "set nowhere: new files get 0644",
        ja: "設定がない。新しいファイルの権限は 0644 になる",
    }
    put_before(statement, place) {
        en: "put `{statement}` before {place} by hand",
        ja: "{place} より前に `{statement}` を手動で書くこと",
    }
    put_into(statement, path) {
        en: "put `{statement}` into {path} by hand",
        ja: "{path} に `{statement}` を手動で書くこと",
    }
    to_file(selector) {
        en: "a file for messages of {selector}",
        ja: "{selector} のメッセージを記録するファイル",
    }
    to_this_file(selector, file) {
        en: "messages of {selector} in {file}",
        ja: "{selector} のメッセージを {file} に記録すること",
    }
    to_everybody(selector) {
        en: "messages of {selector} to everybody who is logged in",
        ja: "{selector} のメッセージをログイン中の全員に表示",
    }
    rsyslog_stops(path, line, what) {
        en: "this version of rsyslogd does not know `{what}` in {path}:{line} and reads nothing behind it; \
             correct that by hand",
        ja: "このバージョンの rsyslogd は {path}:{line} の `{what}` を解釈できず、それ以降を読まない。手動で修正すること",
    }
    unknown_statement(what) {
        en: "`{what}` is unknown before 8.33",
        ja: "8.33 より前のバージョンは `{what}` を解釈できない",
    }
    input_not_loaded(module) {
        en: "{module} is not loaded, or does not listen",
        ja: "{module} が読み込まれていないか、受信していない",
    }
    load_inputs(selector) {
        en: "rsyslogd takes in no messages of {selector}; load imuxsock and imklog, or imjournal",
        ja: "rsyslogd は {selector} のメッセージを受け取らない。imuxsock と imklog、または imjournal を読み込むこと",
    }
    action_names_nobody(name) {
        en: "names {name}, which does not exist here: rsyslogd drops the action",
        ja: "存在しない {name} を指定しているため、rsyslogd はこのアクションを無視する",
    }
    created_unwritable(mode) {
        en: "creates files of mode {mode}, which rsyslogd, without root's rights, cannot open again",
        ja: "権限 {mode} のファイルを作るが、root 権限を手放した rsyslogd はそれを再び開けない",
    }
    created_too_tight() {
        en: "without the owner's write bit rsyslogd cannot open its files again",
        ja: "所有者の書き込み権限がないと、rsyslogd は自分のファイルを再び開けない",
    }
    template_forgotten() {
        en: "disabled: $ResetConfigVariables has taken away the default template",
        ja: "$ResetConfigVariables が既定のテンプレートを取り消したため、無効になる",
    }
    leads_to_device(path) {
        en: "leads to {path}: nothing is kept",
        ja: "{path} を指しており、何も残らない",
    }
    route_useless(selector, target, file) {
        en: "`{selector} {target}` in {file} would keep nothing either; correct what is said of the other rules",
        ja: "{file} に `{selector} {target}` を書いても何も残らない。ほかの規則について示した点を修正すること",
    }
    directory_in_place(path) {
        en: "{path} is a directory: nothing is written there",
        ja: "{path} はディレクトリのため、何も書き込まれない",
    }
    route_unseen(selector, target, file, main) {
        en: "`{selector} {target}` in {file} would not see these messages: {main} does not include \
             the file, an earlier rule stops the messages, or a directory stands in place of the log \
             file; route them by hand",
        ja: "{file} に `{selector} {target}` を書いてもメッセージは届かない。{main} がこのファイルを読み込まない、\
             先行する規則がメッセージを破棄する、ログファイルの場所にディレクトリがある、のいずれかである。\
             手動で出力先を設定すること",
    }
}
