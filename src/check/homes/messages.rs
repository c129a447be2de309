//! What the rules about homes say.

use crate::message::messages;

messages! { "homes";

    // Whose home.
    home_of(account) {
        en: "home of {account}",
        ja: "{account} のホーム",
    }
    in_home_of(account) {
        en: "in the home of {account}",
        ja: "{account} のホームにある",
    }

    // Why what an account has as its home is no usable path.
    no_home_given() {
        en: "no home is given",
        ja: "ホームが指定されていない",
    }
    too_long() {
        en: "it is longer than a path can be",
        ja: "パスが長すぎる",
    }
    too_deep() {
        en: "it is deeper than any home",
        ja: "パスの階層が深すぎる",
    }
    name_too_long() {
        en: "a name in it is longer than a name can be",
        ja: "パスに長すぎる名前が含まれる",
    }
    link_loop() {
        en: "it leads into a loop of symbolic links",
        ja: "シンボリックリンクがループしている",
    }

    // Why a home cannot be judged.
    encrypted(path) {
        en: "{path} is encrypted; log in to see what it holds",
        ja: "{path} は暗号化されている。ログインしないと内容を確認できない",
    }
    network_mount(path) {
        en: "{path} is declared as a network filesystem",
        ja: "{path} はネットワークファイルシステムとして定義されている",
    }
    automatic_mount(path) {
        en: "{path} is declared as an automatic mount",
        ja: "{path} は自動マウントとして定義されている",
    }
    not_mounted(path) {
        en: "{path} is declared as a mount and is empty here; mount it and run again",
        ja: "{path} はマウントポイントとして定義されているが、中が空である。マウントして再実行すること",
    }
    not_judged(why) {
        en: "cannot be judged: {why}",
        ja: "判定できない: {why}",
    }
    more_not_judged(why, count) {
        en: "{why}; nor can {count} other {count:home|homes} be",
        ja: "{why}。ほかに {count} 件のホームも判定できない",
    }
    no_such_directory(account) {
        en: "{account}: no such directory",
        ja: "{account}: ディレクトリが存在しない",
    }
    no_homes() {
        en: "no account that may log in has a home directory",
        ja: "ログインできるアカウントにホームディレクトリがない",
    }

    // Why a home stays as it is.
    no_path() {
        en: "it is not a path in a root",
        ja: "ルート内のパスでない",
    }
    no_directory() {
        en: "there is no directory that could be changed",
        ja: "変更できるディレクトリがない",
    }
    not_a_person(account) {
        en: "the account {account} is not a person's, and its home may serve a program",
        ja: "{account} は個人のアカウントではなく、ホームをプログラムが使っている可能性がある",
    }
    system_directory() {
        en: "it is a directory of the system",
        ja: "システムのディレクトリである",
    }
    not_below() {
        en: "it is not below a directory for homes",
        ja: "ホームを置くディレクトリの下にない",
    }
    behind_a_link() {
        en: "a symbolic link leads there",
        ja: "シンボリックリンクを経由している",
    }
    several_accounts() {
        en: "it is the home of several accounts",
        ja: "複数のアカウントのホームである",
    }
    another_inside() {
        en: "another account's home lies inside it",
        ja: "別のアカウントのホームを中に含む",
    }
    another_s(owner) {
        en: "it belongs to another account, {owner}",
        ja: "別のアカウント {owner} の所有である",
    }
    perhaps_another_s(owner) {
        en: "whose it is is not known: /etc/passwd may name {owner} elsewhere",
        ja: "所有者を特定できない。/etc/passwd が {owner} を別の行で定義している可能性がある",
    }
    not_there(path) {
        en: "{path} is not there",
        ja: "{path} が存在しない",
    }
    not_roots_alone(path) {
        en: "{path} is not root's alone to change",
        ja: "{path} を root 以外も変更できる",
    }
    own_filesystem() {
        en: "it is a filesystem of its own",
        ja: "独立したファイルシステムである",
    }

    // The directory.
    want_directory() {
        en: "an existing directory",
        ja: "ディレクトリが存在する",
    }
    a(kind) {
        en: "a {kind}",
        ja: "{kind}がある",
    }
    move_away(path, kind) {
        en: "{path} is a {kind}; move it away by hand",
        ja: "{path} は{kind}である。手動で移動すること",
    }
    no_usable_path(why) {
        en: "no usable path: {why}",
        ja: "使用できないパス: {why}",
    }
    change_home(account) {
        en: "give {account} another home, or a shell that lets nobody in",
        ja: "{account} のホームを変更するか、ログインできないシェルを設定すること",
    }
    not_made(path, why) {
        en: "{path} is not made: {why}",
        ja: "{path} は作成しない: {why}",
    }
    want_mode(mode) {
        en: "{mode} or tighter",
        ja: "{mode} またはそれより厳しい権限",
    }
    keeps_mode(path, why) {
        en: "{path} keeps its mode: {why}",
        ja: "{path} の権限は変更しない: {why}",
    }
    keeps_owner(path, why) {
        en: "{path} keeps its owner: {why}",
        ja: "{path} の所有者は変更しない: {why}",
    }

    // Files in it.
    second_name() {
        en: "the file has another name elsewhere",
        ja: "ほかの場所にも名前 (ハードリンク) がある",
    }
    file_of(owner) {
        en: "the file belongs to {owner}",
        ja: "ファイルが {owner} の所有である",
    }
    none_writable(count) {
        en: "{count} hidden {count:file|files}, none writable by others",
        ja: "隠しファイル {count} 件、他者が書き込めるものなし",
    }
    want_no_file() {
        en: "no such file",
        ja: "ファイルがない",
    }
    file(kind, mode, owner, size) {
        en: "{kind} {mode} of {owner}, {size} {size:byte|bytes}",
        ja: "{kind}、モード {mode}、所有者 {owner}、{size} バイト",
    }
    file_in_home(file, account) {
        en: "{file} in the home of {account}",
        ja: "{account} のホームにある ({file})",
    }
    no_file(kind) {
        en: "a {kind} of that name, which no program reads",
        ja: "同名の{kind}があるが、プログラムは読まない",
    }
    name_cannot_grow(path) {
        en: "the name of {path} is too long to be renamed",
        ja: "{path} は名前が長すぎて改名できない",
    }
    may_hold_secrets(path) {
        en: "{path} may hold secrets or grant trust; find out how it came there, then remove it by hand (or rename it with --quarantine)",
        ja: "{path} は秘密情報を含むか、信頼関係を設定している可能性がある。置かれた経緯を調べ、手動で削除すること (または --quarantine で改名する)",
    }
    new_name_is_taken(path, to) {
        en: "{path} stays: {to} is there already; see to both by hand",
        ja: "{path} は変更しない: {to} がすでに存在する。両方を手動で対処すること",
    }
    file_stays(path, why) {
        en: "{path} stays, because of its home: {why}; remove it by hand",
        ja: "{path} はホームの状態により変更しない: {why}。手動で削除すること",
    }
}
