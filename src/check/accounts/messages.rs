//! What the rules about accounts say.

use crate::message::messages;

messages! { "accounts";
    // The account files themselves.
    no_file() {
        en: "the file is not there; an image without it has no accounts to judge",
        ja: "ファイルがない。このファイルのないイメージには、判定するアカウントがない",
    }
    ambiguous(account) {
        en: "the name {account} stands on several lines, so a change could hit another account; make it unique",
        ja: "{account} という名前の行が複数あり、変更が別のアカウントに及ぶおそれがある。名前の重複を手動で解消すること",
    }
    remote_lines(count) {
        en: "{count} {count:line takes|lines take} accounts from a network directory; not judged",
        ja: "ネットワークのディレクトリサービスからアカウントを取り込む行が {count} 行ある (判定の対象外)",
    }
    malformed(what) {
        en: "a malformed line: {what}",
        ja: "形式の正しくない行: {what}",
    }
    wrong_fields(found, want) {
        en: "{found} {found:field|fields} instead of {want}",
        ja: "フィールドが {found} 個 (正しくは {want} 個)",
    }
    no_name() {
        en: "an empty name",
        ja: "名前が空",
    }
    blank_before_name() {
        en: "a blank before the name",
        ja: "名前の前に空白がある",
    }
    bad_user_number() {
        en: "a user number that is not a number",
        ja: "uid が数値でない",
    }
    bad_group_number() {
        en: "a group number that is not a number",
        ja: "gid が数値でない",
    }
    nul_byte() {
        en: "a NUL byte",
        ja: "NUL バイトを含む",
    }
    carriage_return() {
        en: "a carriage return at its end",
        ja: "行末に復帰文字 (CR) がある",
    }
    well_formed() {
        en: "a line that every program reads alike",
        ja: "どのプログラムも同じように解釈する行",
    }
    correct_line(path, line) {
        en: "line {line} of {path} is malformed; correct it by hand",
        ja: "{path} の {line} 行目の形式が正しくない。手動で修正すること",
    }
    more_malformed(count) {
        en: "{count} more malformed {count:line|lines}",
        ja: "形式の正しくない行がほかに {count} 行ある",
    }
    correct_lines(path) {
        en: "correct the malformed lines of {path} by hand",
        ja: "{path} の形式の正しくない行を手動で修正すること",
    }
    linked_file(path) {
        en: "{path} is a symbolic link and is not followed; put the file itself there",
        ja: "{path} はシンボリックリンクであり、リンク先は変更しない。リンクではなくファイル本体を置くこと",
    }
    more_hold(count) {
        en: "{count} more {count:is as it|are as they} should be",
        ja: "ほかに {count} 件が適合 (表示は省略)",
    }
    no_account_line() {
        en: "no line names an account",
        ja: "アカウントの行がない",
    }
    no_group_line() {
        en: "no line names a group",
        ja: "グループの行がない",
    }

    // Password fields.
    empty_password(account) {
        en: "an empty password field of {account}",
        ja: "{account} のパスワード欄が空",
    }
    locked_password(account) {
        en: "a locked password field of {account}",
        ja: "{account} のパスワード欄がロックされている",
    }
    password_hash(account) {
        en: "a password hash of {account}",
        ja: "{account} のパスワード欄にハッシュがある",
    }
    want_no_empty_password() {
        en: "no empty password field",
        ja: "空でないパスワード欄",
    }
    want_locked_password() {
        en: "a locked password",
        ja: "ロックされたパスワード",
    }
    set_x(account) {
        en: "with an empty field in /etc/passwd no program looks into /etc/shadow; set the password field of {account} to x",
        ja: "/etc/passwd のパスワード欄が空だと /etc/shadow は参照されない。{account} のパスワード欄を x にすること",
    }
    root_is_locked() {
        en: "root can log in without a password; once it is locked, no password of root works, so make sure that there is another way to become root",
        ja: "root がパスワードなしでログインできる。ロックすると root のパスワードは使えなくなるため、root になる別の手段があることを確認すること",
    }
    no_empty_passwords(count) {
        en: "{count} {count:line|lines}, none with an empty password",
        ja: "{count} 行のうち、パスワードが空のものはない",
    }

    // passwd and shadow side by side.
    no_shadow() {
        en: "there is no /etc/shadow; make it by hand (pwconv)",
        ja: "/etc/shadow がない。pwconv などで手動で作成すること",
    }
    no_shadow_line(account) {
        en: "no line of {account} in /etc/shadow",
        ja: "/etc/shadow に {account} の行がない",
    }
    add_shadow_line(account) {
        en: "add the line of {account} to /etc/shadow by hand (pwconv), or remove the account",
        ja: "/etc/shadow に {account} の行を手動 (pwconv など) で追加するか、アカウントを削除すること",
    }
    want_every_account() {
        en: "a line for every account",
        ja: "すべてのアカウントの行がある",
    }
    want_both_lines() {
        en: "a line in both files",
        ja: "両方のファイルに行がある",
    }
    want_shadowed() {
        en: "x, and the password in /etc/shadow",
        ja: "x (パスワードは /etc/shadow に置く)",
    }
    shadow_line_malformed(account) {
        en: "the line of {account} in /etc/shadow is malformed; correct it by hand",
        ja: "/etc/shadow の {account} の行の形式が正しくない。手動で修正すること",
    }
    two_passwords(account) {
        en: "/etc/passwd and /etc/shadow hold different passwords of {account}; decide which one is right and set it with passwd",
        ja: "{account} のパスワードが /etc/passwd と /etc/shadow で異なる。どちらが正しいかを判断し、passwd コマンドで設定すること",
    }
    all_shadowed(count) {
        en: "{count} {count:account|accounts}, every password field is x",
        ja: "{count} アカウントのパスワード欄がすべて x",
    }

    // The age of passwords.
    minimum_age() {
        en: "minimum age",
        ja: "最短変更間隔",
    }
    maximum_age() {
        en: "maximum age",
        ja: "最長有効期間",
    }
    warning_period() {
        en: "warning period",
        ja: "失効前の警告期間",
    }
    inactivity_period() {
        en: "inactivity period",
        ja: "失効後の猶予期間",
    }
    want_days_between(limit, min, max) {
        en: "{limit} of {min} to {max} days",
        ja: "{limit}が {min} 日以上 {max} 日以下",
    }
    want_days_at_least(limit, min) {
        en: "{limit} of at least {min} {min:day|days}",
        ja: "{limit}が {min} 日以上",
    }
    limit_unset(limit, account) {
        en: "no {limit} of {account}",
        ja: "{account} の{limit}が未設定",
    }
    limit_set(limit, days, account) {
        en: "{limit} {days} of {account}",
        ja: "{account} の{limit}が {days} 日",
    }
    limit_invalid(limit, account) {
        en: "{limit} of {account} that is not a number",
        ja: "{account} の{limit}が数値でない",
    }
    minimum_above_maximum(min, max, account) {
        en: "minimum age {min} above maximum age {max} of {account}",
        ja: "{account} の最短変更間隔 {min} 日が最長有効期間 {max} 日を超えている",
    }
    root_is_not_aged() {
        en: "root is not aged, whatever its line says",
        ja: "root の値にかかわらず、root のパスワードには期限を設定しない",
    }
    no_room(account) {
        en: "the maximum age of {account} leaves no room for it; set both by hand",
        ja: "{account} の最長有効期間が短く、最短変更間隔を設定できない。両方を手動で設定すること",
    }
    not_aged(account) {
        en: "the account {account} is not a person's; lock its password, or set the limit by hand",
        ja: "{account} は個人のアカウントではない。パスワードをロックするか、値を手動で設定すること",
    }
    would_expire_at_once(account) {
        en: "the day of the last change of {account}'s password is not known, so a maximum age would expire it at once; set a new password",
        ja: "{account} のパスワードの最終変更日が不明なため、最長有効期間を設定すると直ちに失効する。新しいパスワードを設定すること",
    }
    would_lock_out(account) {
        en: "the password of {account} is so old that this would lock the account out within a week; set a new password",
        ja: "{account} のパスワードは古く、この値を設定すると 1 週間以内にログインできなくなる。新しいパスワードを設定すること",
    }
    no_password_but_roots() {
        en: "no account but perhaps root has a password",
        ja: "root 以外にパスワードを持つアカウントがない",
    }

    // The day of the last change.
    no_change_day(account) {
        en: "no day of change, password of {account}",
        ja: "{account} のパスワードの変更日が未設定",
    }
    changed_on(day, account) {
        en: "changed on day {day}, password of {account}",
        ja: "{account} のパスワードの変更日が {day} (1970-01-01 からの日数)",
    }
    bad_change_day(account) {
        en: "a day of change that is not a number, password of {account}",
        ja: "{account} のパスワードの変更日が数値でない",
    }
    want_past_day(day) {
        en: "day {day} (today) or before",
        ja: "{day} (今日) 以前",
    }
    future_change(account) {
        en: "find out which clock is wrong; set a new password of {account}",
        ja: "どの時計が誤っているかを調べ、{account} に新しいパスワードを設定すること",
    }
    set_new_password(account) {
        en: "set a new password of {account}",
        ja: "{account} に新しいパスワードを設定すること",
    }
    no_passwords() {
        en: "no account has a password",
        ja: "パスワードを持つアカウントがない",
    }

    // The clock.
    clock_is_behind(date, proof) {
        en: "the clock says {date}, but {proof}; set the clock and run again",
        ja: "時計は {date} を示しているが、{proof}。時計を合わせて再実行すること",
    }
    changed_later(path, line, day, date) {
        en: "{path}, line {line}, has a change on day {day} ({date})",
        ja: "{path} の {line} 行目に変更日 {day} ({date}) がある",
    }
    written_later(path, date) {
        en: "{path} was written on {date}",
        ja: "{path} の更新日は {date} である",
    }
    far_day(day) {
        en: "day {day}",
        ja: "1970-01-01 から {day} 日後",
    }

    // Names and numbers that must differ.
    user_number() {
        en: "user number",
        ja: "ユーザー番号",
    }
    group_number() {
        en: "group number",
        ja: "グループ番号",
    }
    user_name() {
        en: "user name",
        ja: "ユーザー名",
    }
    group_name() {
        en: "group name",
        ja: "グループ名",
    }
    same_number(field, number, name, other, line) {
        en: "{field} {number} of {name}, which is also that of {other} on line {line}",
        ja: "{name} の{field} {number} が {line} 行目の {other} と重複",
    }
    same_name(field, name, line) {
        en: "{field} {name}, which is also on line {line}",
        ja: "{field} {name} が {line} 行目と重複",
    }
    want_once(field) {
        en: "every {field} once",
        ja: "{field}の重複なし",
    }
    decide_line(field, path, first, second) {
        en: "decide which of the lines {first} and {second} of {path} keeps its {field}, and change or remove the other",
        ja: "{path} の {first} 行目と {second} 行目のどちらの{field}を残すかを判断し、もう一方を変更または削除すること",
    }
    all_differ(count, field) {
        en: "{count} {count:line|lines}, every {field} once",
        ja: "{count} 行、{field}の重複なし",
    }

    // Groups.
    member(account) {
        en: "member {account}",
        ja: "構成員 {account}",
    }
    no_members() {
        en: "no members",
        ja: "構成員なし",
    }
    administrator(account) {
        en: "administrator {account}",
        ja: "グループ管理者 {account}",
    }
    no_administrators() {
        en: "no administrators",
        ja: "グループ管理者なし",
    }
    is_primary_group(group, account) {
        en: "{group} as the primary group of {account}",
        ja: "{account} の主グループが {group}",
    }
    want_nobody_in(group) {
        en: "nobody in {group}",
        ja: "{group} に誰も属さない",
    }
    change_primary_group(account) {
        en: "give {account} another primary group, by hand",
        ja: "{account} の主グループを手動で変更すること",
    }
    no_group(group) {
        en: "there is no group {group}",
        ja: "グループ {group} がない",
    }
    missing_group(gid, account) {
        en: "group {gid} of {account}, which /etc/group does not have",
        ja: "{account} の主グループ {gid} が /etc/group にない",
    }
    want_group() {
        en: "a group that exists",
        ja: "存在するグループ",
    }
    add_group(gid, account) {
        en: "add a group with number {gid}, or give {account} another primary group",
        ja: "gid {gid} のグループを追加するか、{account} の主グループを変更すること",
    }
    all_groups_exist(count) {
        en: "{count} {count:account|accounts}, every primary group exists",
        ja: "{count} アカウントの主グループがすべて存在する",
    }
    group(gid) {
        en: "group {gid}",
        ja: "グループ {gid}",
    }
    add_group_0() {
        en: "/etc/group has no group 0; add it by hand first",
        ja: "/etc/group にグループ 0 がない。先に手動で追加すること",
    }

    // Root.
    no_root() {
        en: "no root",
        ja: "root の行がない",
    }
    want_root_in_group_0() {
        en: "root with group 0",
        ja: "グループ 0 の root",
    }
    add_root() {
        en: "add the line of root to /etc/passwd again, by hand",
        ja: "/etc/passwd に root の行を手動で追加し直すこと",
    }
    has_number_0(account) {
        en: "number 0 of {account}",
        ja: "{account} の uid が 0",
    }
    want_number_0_for_root() {
        en: "number 0 for root alone",
        ja: "uid 0 は root だけ",
    }
    another_root(account) {
        en: "find out who uses the account {account}; give it another number or remove it",
        ja: "アカウント {account} の利用者を調べ、uid を変更するか削除すること",
    }
    no_root_with_number_0() {
        en: "no root with number 0",
        ja: "uid 0 の root がない",
    }
    want_root_with_number_0() {
        en: "root with number 0",
        ja: "root の uid が 0",
    }

    // Accounts of the system.
    is_exempt(account) {
        en: "{account} is exempt by the profile",
        ja: "{account} はプロファイルで除外されている",
    }
    no_system_account(min) {
        en: "no account but root has a number below {min}",
        ja: "root 以外に uid が {min} 未満のアカウントがない",
    }
    password_outside_shadow(account) {
        en: "the password of {account} is not in /etc/shadow; move it there first",
        ja: "{account} のパスワードが /etc/shadow にない。先に /etc/shadow へ移すこと",
    }
    is_closed(account) {
        en: "{account}: no login shell, password locked",
        ja: "{account}: ログインシェルなし、パスワードはロック済み",
    }
    has_shell(account, shell) {
        en: "{account} with shell {shell}",
        ja: "{account} のシェルが {shell}",
    }
    no_shell_given() {
        en: "/bin/sh, as none is given",
        ja: "/bin/sh (シェルの指定がない)",
    }
    want_no_login_shell() {
        en: "a shell that lets nobody in, as /usr/sbin/nologin",
        ja: "ログインできないシェル (/usr/sbin/nologin など)",
    }
    no_right_shell(shells) {
        en: "the image has none of the shells that are right: {shells}",
        ja: "適切なシェルがイメージにない: {shells}",
    }
    alias_of_root(account) {
        en: "{account} is another name of root, and may be the only way in",
        ja: "{account} は root の別名であり、唯一のログイン手段の可能性がある",
    }
    may_be_a_person(account, min) {
        en: "the number and the home of {account} are a person's, and only UID_MIN {min} in /etc/login.defs says otherwise; lower that, or see to it by hand",
        ja: "{account} の uid とホームは個人のものと考えられ、システムのアカウントとする根拠は /etc/login.defs の UID_MIN {min} だけである。UID_MIN を下げるか、手動で対処すること",
    }
    needs_shell(account) {
        en: "the programs of {account} are known to need a shell; see to it by hand",
        ja: "{account} のプログラムはシェルを必要とすることが知られている。手動で対処すること",
    }
    has_crontab(account) {
        en: "{account} has a crontab; see to it by hand",
        ja: "{account} の crontab がある。手動で対処すること",
    }
    has_keys(account) {
        en: "keys are authorised to log in as {account}; see to it by hand",
        ja: "{account} へのログインに使える公開鍵が登録されている。手動で対処すること",
    }
    runs_a_unit(unit, account) {
        en: "{unit} runs as {account} and may need the shell; see to it by hand",
        ja: "{unit} が {account} で動作し、シェルを必要とする可能性がある。手動で対処すること",
    }

    // Who gets in.
    shell_shuts_out(shell) {
        en: "the login shell is {shell}",
        ja: "ログインシェルが {shell} である",
    }
    shell_is_no_path(shell) {
        en: "the login shell {shell} is not a path",
        ja: "ログインシェル {shell} はパスでない",
    }
    shell_cannot_start(shell) {
        en: "the login shell {shell} cannot be started",
        ja: "ログインシェル {shell} を起動できない",
    }
    shell_is_missing(shell) {
        en: "the login shell {shell} is not there",
        ja: "ログインシェル {shell} が存在しない",
    }
    no_person(border) {
        en: "people cannot be distinguished from programs: {border}",
        ja: "個人のアカウントとプログラムのアカウントを区別できない: {border}",
    }

    // Defaults for new accounts.
    want_between(key, min, max) {
        en: "{key} {min} to {max}",
        ja: "{key} が {min} 以上 {max} 以下",
    }
    want_at_least(key, min) {
        en: "{key} {min} or more",
        ja: "{key} が {min} 以上",
    }
    want_umask(key, mask) {
        en: "{key} {mask} or tighter",
        ja: "{key} が {mask} またはそれより厳しい値",
    }
    file_is_missing() {
        en: "not there",
        ja: "ファイルがない",
    }
    not_stated(key) {
        en: "does not state {key}",
        ja: "{key} の記述がない",
    }
    several_lines(count) {
        en: "one of {count} active lines; programs differ about which one counts",
        ja: "有効な行が {count} 行あり、どの行を使うかはプログラムにより異なる",
    }
    not_a_number() {
        en: "not a number; the shadow tools use a default of their own",
        ja: "数値でないため、shadow のツールは独自の既定値を使う",
    }
}
