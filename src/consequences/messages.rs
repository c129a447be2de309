//! What consequences say.

use crate::message::messages;

messages! { "consequences";
    several_rows() {
        en: "several rows together",
        ja: "複数の項目の組み合わせ",
    }
    not_in_the_tree() {
        en: "the plan closes its way in",
        ja: "計画がログインの手段を閉ざす",
    }
    not_determined(why) {
        en: "what the plan ends cannot be determined: {why}",
        ja: "計画によって何が使えなくなるかを判断できない: {why}",
    }
    last_admin(rows) {
        en: "no account that can become root can log in over SSH any more: {rows}",
        ja: "root になれるアカウントが SSH でログインできなくなる: {rows}",
    }
    login_ends(account, why, rows) {
        en: "{account} can no longer log in over SSH: {why} ({rows})",
        ja: "{account} が SSH でログインできなくなる: {why} ({rows})",
    }
    empty_login_ends(account, rows) {
        en: "{account} can no longer log in over SSH with its empty password ({rows})",
        ja: "{account} が空のパスワードで SSH にログインできなくなる ({rows})",
    }
    no_longer_root(account, rows) {
        en: "{account} can no longer become root: sudo asks for a password that is locked ({rows})",
        ja: "{account} が root になれなくなる: sudo が求めるパスワードがロックされる ({rows})",
    }
    pam_not_known(why, place, rows) {
        en: "whether PAM lets everybody in as before is not known: {why} ({place}; {rows})",
        ja: "PAM がこれまでどおりログインを許すかは分からない: {why} ({place}、{rows})",
    }
    no_password_change(why, place, rows) {
        en: "users can no longer change their passwords: {why} ({place}; {rows})",
        ja: "ユーザーがパスワードを変更できなくなる: {why} ({place}、{rows})",
    }
    shell_lost(account, place, rows) {
        en: "{account} loses its login shell, and {place} uses the account ({rows})",
        ja: "{account} がログインシェルを失うが、{place} がこのアカウントを使用している ({rows})",
    }
    password_lost(account, place, rows) {
        en: "sudo asks {account} for its password ({place}), which is locked ({rows})",
        ja: "{place} で sudo が {account} にパスワードを求めるが、そのパスワードがロックされる ({rows})",
    }
    hidden_account(variable, place) {
        en: "which account {place} becomes is not known: {variable} is not set in the tree",
        ja: "{place} がどのアカウントになるかは分からない: {variable} の値がツリーにない",
    }
    hidden_path(text, place) {
        en: "which directory {place} serves is not known: {text}",
        ja: "{place} がどのディレクトリを公開するかは分からない: {text}",
    }
    home_closed(account, home, dir, rows) {
        en: "{account} can no longer enter its home {home}: {dir} is closed to it ({rows})",
        ja: "{account} が自分のホーム {home} に入れなくなる: {dir} が閉じられる ({rows})",
    }
    served_closed(path, server, place, dir, rows) {
        en: "{server} can no longer serve {path} ({place}): {dir} is closed to it ({rows})",
        ja: "{server} が {path} ({place}) を公開できなくなる: {dir} が閉じられる ({rows})",
    }
    no_incoming_mail(server, rows) {
        en: "mail from other hosts no longer comes in: {server} listens to the machine itself only ({rows})",
        ja: "ほかのホストからのメールが届かなくなる: {server} がこのマシン自身だけで待ち受ける ({rows})",
    }
    member_leaves(account, group, rows) {
        en: "{account} leaves the group {group} ({rows})",
        ja: "{account} がグループ {group} から外れる ({rows})",
    }
    used_member_leaves(account, group, place, rows) {
        en: "{account}, which {place} uses, leaves the group {group} ({rows})",
        ja: "{place} が使用する {account} がグループ {group} から外れる ({rows})",
    }
    program_not_started(program, mount, place, rows) {
        en: "{place} can no longer start {program}: nothing below {mount} is started ({rows})",
        ja: "{place} が {program} を起動できなくなる: {mount} 以下のプログラムは起動できない ({rows})",
    }
    not_mounted(target, module, place, rows) {
        en: "{target} ({place}) can no longer be mounted: the module {module} is not loaded ({rows})",
        ja: "{target} ({place}) をマウントできなくなる: モジュール {module} がロードされない ({rows})",
    }

    // Why something is left alone.
    withheld(what, advice) {
        en: "left alone, because otherwise {what}; {advice}",
        ja: "そのままにした。変更すると次のことが起きるため: {what}。{advice}",
    }
    advice_login() {
        en: "see first that the account gets in another way, or that it need not",
        ja: "先に別の手段でログインできるようにするか、不要なアカウントであることを確認すること",
    }
    advice_superuser() {
        en: "set a password for the account, or let sudo ask it for none",
        ja: "アカウントにパスワードを設定するか、sudo でパスワードを求めないようにすること",
    }
    advice_password_change() {
        en: "install the word list (package cracklib-runtime) first",
        ja: "先に単語リスト (パッケージ cracklib-runtime) を導入すること",
    }
    advice_service() {
        en: "let it run without a shell of the account (a unit's User=, setpriv) first",
        ja: "先に、このアカウントのシェルなしで動くようにすること (ユニットの User= や setpriv など)",
    }
    advice_home() {
        en: "give the directory to the account or to its group first",
        ja: "先に、ディレクトリの所有者かグループをこのアカウントのものにすること",
    }
    advice_served() {
        en: "move what is served out of it, or give the server's group access first",
        ja: "先に、公開するものを別の場所に移すか、サーバーのグループに権限を与えること",
    }
    advice_program() {
        en: "move the program first",
        ja: "先にプログラムを別の場所に移すこと",
    }
    advice_filesystem() {
        en: "take the line out of fstab first, if the filesystem is not needed",
        ja: "不要なファイルシステムであれば、先に fstab の行を削除すること",
    }
    advice_waive() {
        en: "decide by hand",
        ja: "手動で判断すること",
    }
}
