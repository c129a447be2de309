//! What findings of PAM's stacks and of `pwquality.conf` say.

use crate::message::messages;

messages! { "pam";
    want_stack() {
        en: "the password stack",
        ja: "password スタックの定義",
    }
    no_common_password(path) {
        en: "{path} is missing; run `pam-auth-update --force --package` in the image",
        ja: "{path} がない。イメージ内で `pam-auth-update --force --package` を実行すること",
    }

    // pam_sha512
    want_sha512_line() {
        en: "a line with pam_unix.so … sha512",
        ja: "pam_unix.so … sha512 を指定する行",
    }
    no_unix_hashing(path) {
        en: "no line of {path} sets passwords with pam_unix.so; set the hash scheme by hand where \
             this stack sets them",
        ja: "{path} には pam_unix.so でパスワードを設定する行がない。このスタックでパスワードを設定して\
             いる箇所のハッシュ方式を手動で設定すること",
    }
    want_only_sha512() {
        en: "sha512, and no other scheme",
        ja: "sha512 のみ (ほかの方式は不可)",
    }
    write_sha512(path, line) {
        en: "set sha512 in {path}:{line} by hand",
        ja: "{path}:{line} に sha512 を手動で設定すること",
    }
    other_tools_scheme() {
        en: "tools that do not go through PAM use this scheme",
        ja: "PAM を経由しないツールはこの方式を使用する",
    }
    old_hashes() {
        en: "these accounts keep a hash of another scheme until their password is changed",
        ja: "これらのアカウントは、パスワードを変更するまで別方式のハッシュのままとなる",
    }

    // pam_pwquality
    want_unix_line() {
        en: "a line with pam_unix.so",
        ja: "pam_unix.so を指定する行",
    }
    no_unix_vetting(path) {
        en: "no line of {path} sets passwords with pam_unix.so; make sure by hand that this stack \
             checks new passwords",
        ja: "{path} には pam_unix.so でパスワードを設定する行がない。このスタックで新しいパスワードが\
             検査されることを手動で確認すること",
    }
    no_such_module(module) {
        en: "the image has no {module}, so PAM fails",
        ja: "イメージに {module} がないため、PAM が失敗する",
    }
    needs_package(package, command) {
        en: "needs package {package}, run: {command}",
        ja: "パッケージ {package} が必要。実行するコマンド: `{command}`",
    }
    want_above(module) {
        en: "{module} above pam_unix",
        ja: "pam_unix より前に {module}",
    }
    module_without_line(path) {
        en: "{path} is there, but no line names it",
        ja: "{path} は存在するが、どの行にも指定されていない",
    }
    want_before(module) {
        en: "{module} before it",
        ja: "この行より前に {module}",
    }
    module_there() {
        en: "the module is there",
        ja: "モジュールは存在する",
    }
    no_word_list() {
        en: "the word list is not there, so every new password of an ordinary user is refused \
             unless pwquality.conf has dictcheck = 0; install cracklib-runtime",
        ja: "辞書ファイルがないため、pwquality.conf で dictcheck = 0 としない限り、一般ユーザーの新しい\
             パスワードはすべて拒否される。cracklib-runtime をインストールすること",
    }
    want_jump() {
        en: "a jump to a module that is there",
        ja: "実在するモジュールへのジャンプ",
    }
    bad_jump(path, line) {
        en: "{path}:{line} jumps over more modules than follow, which PAM takes for a failure; end \
             the stack with `password required pam_permit.so` by hand",
        ja: "{path}:{line} は後続のモジュール数を超えてジャンプするため、PAM は失敗として扱う。スタックの\
             末尾に `password required pam_permit.so` を手動で追加すること",
    }
    want_reached() {
        en: "a module that is reached",
        ja: "到達可能なモジュール",
    }
    unreached(path, line) {
        en: "the lines before {path}:{line} end or jump in every case; correct them by hand",
        ja: "{path}:{line} より前の行で必ず終了またはジャンプする。手動で修正すること",
    }
    want_success() {
        en: "a stack that succeeds when this module does",
        ja: "このモジュールが成功した場合にスタックが成功すること",
    }
    leads_to_deny(path, line) {
        en: "the success of {path}:{line} leads to pam_deny; correct its jump by hand",
        ja: "{path}:{line} が成功すると pam_deny に至る。ジャンプを手動で修正すること",
    }
    want_control(control) {
        en: "control {control}",
        ja: "制御フラグ {control}",
    }
    correct_line(path, line) {
        en: "correct {path}:{line} by hand",
        ja: "{path}:{line} を手動で修正すること",
    }
    put_line(path, line) {
        en: "in {path}, put `{line}` above pam_unix by hand",
        ja: "{path} の pam_unix の行より前に `{line}` を手動で追加すること",
    }
    foreign_to_pam_auth_update(path, advice) {
        en: "pam-auth-update takes {path} for its own file, and with one more line it no longer \
             would; {advice}",
        ja: "{path} は pam-auth-update の管理対象であり、行を追加すると管理対象から外れる。{advice}",
    }
    hand_made(path, module) {
        en: "{module} is there, but no line names it; pam-auth-update does not take {path} for its \
             own file and leaves it alone",
        ja: "{module} は存在するが、どの行にも指定されていない。{path} は pam-auth-update の管理対象では\
             なく、同ツールはこのファイルを変更しない",
    }
    file_of_package(path, advice) {
        en: "{path} belongs to a package; {advice}",
        ja: "{path} はパッケージに属するファイルである。{advice}",
    }

    // pwquality
    not_set(key) {
        en: "{key} is not set",
        ja: "{key} が設定されていない",
    }
    at_least(key, value) {
        en: "{key} = {value} or more",
        ja: "{key} = {value} 以上",
    }
    at_most(key, value) {
        en: "{key} = {value} or less",
        ja: "{key} = {value} 以下",
    }
    looser(main) {
        en: "looser, but {main} is read later and overrides it",
        ja: "より緩い値だが、後に読み込まれる {main} が優先される",
    }
    want_number() {
        en: "a key of pwquality.conf, with a number",
        ja: "pwquality.conf のキーと数値",
    }
    reading_stops() {
        en: "libpwquality stops reading at this line, and reads no later file",
        ja: "libpwquality はこの行で読み込みを打ち切り、以降のファイルも読み込まない",
    }
    line_of_package(path, line) {
        en: "{path} belongs to a package; correct line {line} by hand",
        ja: "{path} はパッケージに属するファイルである。{line} 行目を手動で修正すること",
    }
    line_of_package_perhaps(path, line, why) {
        en: "{path} may belong to a package ({why}); correct line {line} by hand",
        ja: "{path} はパッケージに属するファイルの可能性がある ({why})。{line} 行目を手動で修正すること",
    }

    set_without_words() {
        en: "the word list is not there, so dictcheck = 0 goes into pwquality.conf with the line: users could \
             change no password otherwise; install cracklib-runtime, and take dictcheck out again",
        ja: "単語リストがないため、この行とともに pwquality.conf に dictcheck = 0 を設定する (設定しないとユーザーは\
             パスワードを変更できない)。cracklib-runtime を導入したうえで dictcheck を削除すること",
    }
    refuses_without_words() {
        en: "the module that vets passwords refuses all of them without its word list",
        ja: "パスワードを検査するモジュールは、単語リストがないとすべてのパスワードを拒否する",
    }

    // account
    denies_everybody() {
        en: "PAM's account stack lets nobody in",
        ja: "PAM の account スタックがすべてのアカウントを拒否する",
    }
    only_root_logs_in() {
        en: "only root may log in while this file is there",
        ja: "このファイルがある間は root しかログインできない",
    }
    access_refuses(users) {
        en: "pam_access lets these in from nowhere: {users}",
        ja: "pam_access がどこからのログインも拒否する対象: {users}",
    }
    list_is_missing(path) {
        en: "pam_listfile refuses everybody while {path} is missing",
        ja: "{path} がない間、pam_listfile はすべてのアカウントを拒否する",
    }
    listed(account) {
        en: "pam_listfile refuses {account}, whom this file lists",
        ja: "pam_listfile はこのファイルに載っている {account} を拒否する",
    }
    not_listed(account) {
        en: "pam_listfile refuses {account}, whom this file does not list",
        ja: "pam_listfile はこのファイルに載っていない {account} を拒否する",
    }
    does_not_hold(condition) {
        en: "pam_succeed_if asks for `{condition}`, which does not hold",
        ja: "pam_succeed_if の条件 `{condition}` が成り立たない",
    }
    depends_on_the_hour() {
        en: "pam_time lets the account in at some hours only",
        ja: "pam_time はこのアカウントのログインを特定の時間帯に限る",
    }
    answer_not_in_the_tree(module) {
        en: "the answer of {module} is not in the tree",
        ja: "{module} の判定はツリーの内容からは分からない",
    }
}
