//! What the findings about files and mounts say.

use crate::message::messages;

messages! { "files";
    // Login texts.
    text_made_at_boot() {
        en: "the text is made at boot; look at the running system",
        ja: "文面は起動時に生成される。稼働中のシステムで確認すること",
    }
    link_for_later() {
        en: "nothing is there; the link may be meant for a text made later",
        ja: "リンク先が存在しない。後で生成される文面へのリンクの可能性がある",
    }
    link_to(path) {
        en: "a link to {path}",
        ja: "{path} へのリンク",
    }
    empty_text() {
        en: "an empty text",
        ja: "空の文面",
    }
    empty_file() {
        en: "an empty file",
        ja: "空のファイル",
    }
    names_no_system() {
        en: "a text that does not name the system",
        ja: "システムを特定する語を含まない文面",
    }
    a_text_that_names_no_system() {
        en: "a text without the system's name and without escapes that show it",
        ja: "システム名も、それを表示するエスケープも含まない文面",
    }
    no_system_name() {
        en: "os-release has no ID; only the escapes were looked for",
        ja: "os-release に ID がないため、エスケープのみを確認した",
    }
    text_of_the_profile(path, token) {
        en: "the profile's text for {path} holds `{token}`, which names the system; change the profile",
        ja: "プロファイルにある {path} 用の文面に、システムを特定する `{token}` が含まれている。プロファイルを修正すること",
    }

    unread() {
        en: "it could not be read; nothing is known of what lies there",
        ja: "読み取れないため、そこに何があるか不明である",
    }
    unread_with_others(others) {
        en: "it could not be read, nor could {others} other {others:place|places}; nothing is known \
             of what lies there",
        ja: "ほか {others} か所とともに読み取れないため、そこに何があるか不明である",
    }

    // Keys of key files.
    kept_by_a_program(running, path) {
        en: "{running} exists: the program that keeps {path} is running and would overwrite it; stop \
             the program, or change the setting through it",
        ja: "{running} が存在する。{path} を管理するプログラムが動作中であり、変更は上書きされる。プログラムを停止するか、\
             プログラム経由で設定を変更すること",
    }
    some_text(key) {
        en: "{key}='some text'",
        ja: "{key}='任意の文字列'",
    }
    not_one_of(key, values) {
        en: "{key} not {values}",
        ja: "{key} が {values} 以外",
    }
    not_in_section(section, key) {
        en: "[{section}] does not set {key}",
        ja: "[{section}] に {key} の設定がない",
    }

    // Limits of resources.
    yields_to_soft_limits() {
        en: "has no effect for those to whom an earlier line gives a soft limit of their own",
        ja: "先行する行で個別の soft 制限が設定された対象には効かない",
    }
    limits_missing() {
        en: "does not exist; pam_limits then refuses every session",
        ja: "存在しない。この状態では pam_limits がすべてのセッションを拒否する",
    }
    limits_lead_nowhere() {
        en: "a link that leads nowhere; pam_limits then refuses every session",
        ja: "リンク先が存在しない。この状態では pam_limits がすべてのセッションを拒否する",
    }
    no_line_for_all() {
        en: "no line for everybody",
        ja: "全ユーザーを対象とする行がない",
    }
    more_such_lines(count) {
        en: "and {count} more such {count:line|lines}",
        ja: "同様の行がほかに {count} 行ある",
    }
    limit_of_a_package(path, line) {
        en: "{path} belongs to a package; if nobody needs line {line}, remove it by hand",
        ja: "{path} はパッケージのファイルである。{line} 行目が不要であれば手動で削除すること",
    }
    limit_perhaps_of_a_package(path, cause, line) {
        en: "{path} may belong to a package ({cause}); if nobody needs line {line}, remove it by hand",
        ja: "{path} はパッケージのファイルの可能性がある ({cause})。{line} 行目が不要であれば手動で削除すること",
    }

    // Lines.
    a_matching_line() {
        en: "a matching line",
        ja: "一致する行",
    }
    no_matching_line() {
        en: "no matching line",
        ja: "一致する行なし",
    }
    a_line_like(pattern) {
        en: "a line that matches {pattern}",
        ja: "{pattern} に一致する行",
    }
    only_observed() {
        en: "only observed; nothing is changed for this row",
        ja: "確認のみの項目であり、変更は行わない",
    }

    // Walks over the whole tree.
    needs_survey() {
        en: "needs a walk over all files; --survey makes one",
        ja: "全ファイルの走査が必要。--survey を指定すると走査する",
    }
    files_looked_at(count) {
        en: "{count} {count:file|files} looked at",
        ja: "{count} 個のファイルを確認",
    }
    not_read() {
        en: "could not be read",
        ja: "読み取れない",
    }
    more_such_files(count) {
        en: "and {count} more such {count:file|files}",
        ja: "同様のファイルがほかに {count} 個ある",
    }
    none() {
        en: "none",
        ja: "なし",
    }
    world_writable() {
        en: "writable for everybody",
        ja: "全ユーザーが書き込み可能",
    }
    open_directory() {
        en: "a directory that is writable for everybody, without the sticky bit",
        ja: "全ユーザーが書き込み可能で、スティッキービットのないディレクトリ",
    }
    ownerless() {
        en: "its owner is no user of the image",
        ja: "所有者がイメージのユーザーに存在しない",
    }
    groupless() {
        en: "its group is no group of the image",
        ja: "所有グループがイメージのグループに存在しない",
    }
    setuid() {
        en: "runs with the rights of its owner (setuid)",
        ja: "所有者の権限で実行される (setuid)",
    }
    setgid() {
        en: "runs with the rights of its group (setgid)",
        ja: "所有グループの権限で実行される (setgid)",
    }
    loose_log() {
        en: "a log that its group can write to, or that others can open",
        ja: "グループが書き込み可能、またはその他のユーザーがアクセス可能なログ",
    }

    // Modes and owners.
    made_at_boot() {
        en: "a link to nothing, or to what is made at boot; look at the running system",
        ja: "リンク先が存在しないか、起動時に生成される。稼働中のシステムで確認すること",
    }
    never_created(path) {
        en: "{path} does not exist and is never created; restore it from where it comes from",
        ja: "{path} は存在しない。作成はしないため、本来の提供元から復元すること",
    }
    nothing_fits() {
        en: "nothing fits this pattern",
        ja: "このパターンに一致するものがない",
    }
    another_kind(path, kind, want) {
        en: "{path} is a {kind}; it is not followed and not replaced: put a {want} there",
        ja: "{path} は{kind}のため、変更も置き換えも行わない。{want}を配置すること",
    }
    hard_links_at(count, names) {
        en: "has {count} names (hard links), which share mode and owner, among them {names}",
        ja: "ハードリンクが {count} 個あり、権限と所有者を共有している ({names} など)",
    }
    hard_links(count) {
        en: "has {count} names (hard links), which share mode and owner",
        ja: "ハードリンクが {count} 個あり、権限と所有者を共有している",
    }
    no_such_names(path, names) {
        en: "the image has none of the wanted owners or groups of {path} ({names}); add one first",
        ja: "{path} に設定すべき所有者またはグループ ({names}) がイメージに存在しない。先に追加すること",
    }
    mode(mode, owner, group) {
        en: "mode {mode}, owner {owner}, group {group}",
        ja: "権限 {mode}、所有者 {owner}、グループ {group}",
    }
    mode_at_most(mode, owner, group) {
        en: "mode {mode} or tighter, owner {owner}, group {group}",
        ja: "権限 {mode} またはより厳しい値、所有者 {owner}、グループ {group}",
    }
    either(first, second) {
        en: "{first} or {second}",
        ja: "{first} または {second}",
    }
    not_in_the_image(names) {
        en: "{names} (unknown in the image)",
        ja: "{names} (イメージに存在しない)",
    }
    host_key_kept(path, why) {
        en: "a HostKey line of sshd names {path}, which is not changed: {why}; have it name a private \
             key in /etc/ssh, or close this one by hand if it is one",
        ja: "sshd の HostKey 行が {path} を指定しているが、変更しない ({why})。/etc/ssh の秘密鍵を指定するか、\
             これが秘密鍵であれば手動で権限を制限すること",
    }
    not_below_etc() {
        en: "it is not below /etc",
        ja: "/etc の外にある",
    }
    a_program() {
        en: "it is a program, by its mode",
        ja: "権限から見て実行ファイルである",
    }
    another_name() {
        en: "it has another name elsewhere, which may be in use",
        ja: "ほかのハードリンクがあり、使用中の可能性がある",
    }
    no_private_key() {
        en: "it does not begin as a private key",
        ja: "先頭が秘密鍵の形式ではない",
    }
    larger_than_a_key() {
        en: "it is larger than any key",
        ja: "鍵としては大きすぎる",
    }
    unreadable() {
        en: "it cannot be read",
        ja: "読み取れない",
    }

    // Mounts.
    not_separate(target) {
        en: "{target} is not a separate mount",
        ja: "{target} は独立したマウントではない",
    }
    not_in_fstab_nor_unit(target, unit) {
        en: "{target} is not a separate mount: no line in fstab, no {unit}",
        ja: "{target} は独立したマウントではない (fstab に行がなく、{unit} も存在しない)",
    }
    masked(target, unit) {
        en: "{target} is not a separate mount: {unit} is masked",
        ja: "{target} は独立したマウントではない ({unit} がマスクされている)",
    }
    no_line(target) {
        en: "no line for {target}",
        ja: "{target} の行がない",
    }
    not_remounted(target) {
        en: "systemd remounts {target} only for a line that spells it so",
        ja: "systemd が {target} を再マウントするのは、この表記どおりの行がある場合だけである",
    }
    ignored_by_mount() {
        en: "mount passes over this line: it has no type, or its fifth or sixth field is no number",
        ja: "mount はこの行を無視する (型がないか、第 5 または第 6 フィールドが数値ではない)",
    }
    remounted_as_swap(path, line, target) {
        en: "{path}:{line} is a line of type swap, and systemd remounts {target} with its options; correct \
             the line",
        ja: "{path}:{line} は型が swap の行だが、systemd はそのオプションで {target} を再マウントする。\
             行を修正すること",
    }
    declared_mount() {
        en: "a declared mount",
        ja: "マウントの宣言",
    }
    declare_mount(target) {
        en: "no mount is ever created; declare {target} when the image is laid out",
        ja: "マウントは作成しない。イメージの設計時に {target} のマウントを宣言すること",
    }
    not_declared(target) {
        en: "no declared mount on {target}",
        ja: "{target} のマウントが宣言されていない",
    }
    declare_with_options(target) {
        en: "no mount is ever created; declare {target} with its options first",
        ja: "マウントは作成しない。先に {target} のマウントをオプション付きで宣言すること",
    }
    until_next_boot() {
        en: "in force until the next boot",
        ja: "次回起動までの現在の状態",
    }
    nothing_mounted(target) {
        en: "nothing is mounted on {target} now",
        ja: "現在 {target} には何もマウントされていない",
    }
    no_options() {
        en: "no options, which means `defaults`",
        ja: "オプションの指定なし (`defaults` と同じ)",
    }
    no_options_line() {
        en: "no Options=",
        ja: "Options= の指定なし",
    }
    decides(unit) {
        en: "this file decides about {unit}",
        ja: "{unit} の設定はこのファイルで決まる",
    }
    both(first, second) {
        en: "{first}; {second}",
        ja: "{first}。なお、{second}",
    }
    broken_options(place) {
        en: "{place}: the options hold a blank or an open quotation mark; correct them by hand",
        ja: "{place}: オプションに空白または閉じていない引用符がある。手動で修正すること",
    }
    bind_mount(place) {
        en: "{place}: a bind mount takes its options from the mount it shows; harden that one, or \
             declare a mount of its own",
        ja: "{place}: バインドマウントのオプションは元のマウントに従う。元のマウントを強化するか、\
             独立したマウントを宣言すること",
    }
    bind_needs_second_step() {
        en: "a bind mount: the option is applied by a second step only; look at the running system",
        ja: "バインドマウントのため、オプションは 2 段階目の再マウントでのみ適用される。稼働中のシステムで確認すること",
    }
    only_implied(word) {
        en: "only implied, by `{word}`",
        ja: "`{word}` による暗黙の指定のみ",
    }
    noexec_at_next_boot() {
        en: "takes effect at the next boot; a build that starts scripts from there after a reboot \
             needs another directory for them",
        ja: "次回起動時に有効になる。再起動後にここからスクリプトを実行するビルドでは、別のディレクトリを使う必要がある",
    }
}
