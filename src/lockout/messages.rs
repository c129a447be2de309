//! What the guard against lockouts says.

use crate::message::messages;

messages! { "lockout";
    // What keeps an account out.
    no_account(account) {
        en: "there is no account {account}",
        ja: "アカウント {account} が存在しない",
    }
    only_root() {
        en: "only root may log in while this file is there",
        ja: "このファイルがある間は root しかログインできない",
    }
    chroot_refused(chroot, dir, mode, owner) {
        en: "sshd shuts the account into {chroot} and ends the session there: {dir} must be root's, \
             writable by root alone, and open to the account (mode {mode}, owner {owner})",
        ja: "sshd はこのアカウントを {chroot} に閉じ込めるが、{dir} は root が所有し、root だけが書き込め、\
             アカウントが入れる必要がある (モード {mode}、所有者 {owner})。満たさないとセッションは終了する",
    }
    expired(account, date) {
        en: "the account {account} expired on {date}",
        ja: "アカウント {account} は {date} に失効した",
    }
    locked(account) {
        en: "the account {account} is locked, and sshd does not use PAM",
        ja: "アカウント {account} はロックされており、sshd は PAM を使用しない",
    }
    change_at_next_login(account) {
        en: "the password of {account} must be changed at the next login",
        ja: "{account} は次回ログイン時にパスワードの変更が必要",
    }
    password_expired(account, days) {
        en: "the password of {account} expired {days} {days:day|days} ago and must be changed first",
        ja: "{account} のパスワードは {days} 日前に期限切れとなり、先に変更が必要",
    }
    inactive(account, days) {
        en: "the password of {account} expired {days} {days:day|days} ago, and the account with it",
        ja: "{account} のパスワードは {days} 日前に期限切れとなり、アカウントも無効になった",
    }
    keys_not_accepted(account) {
        en: "sshd accepts no password of {account}, and no key either",
        ja: "sshd は {account} のパスワードも鍵も受け付けない",
    }
    no_key_yet(account) {
        en: "sshd accepts no password of {account}, and there is no key yet",
        ja: "sshd は {account} のパスワードを受け付けず、鍵もまだない",
    }
    keys_unreadable(account, mode, owner) {
        en: "sshd cannot read the keys as {account}: mode {mode}, owner {owner}",
        ja: "sshd が {account} の権限で鍵を読み取れない: モード {mode}、所有者 {owner}",
    }
    keys_writable(mode, owner) {
        en: "sshd refuses keys that others may change: mode {mode}, owner {owner}",
        ja: "他者が変更できる鍵ファイルを sshd は受け付けない: モード {mode}、所有者 {owner}",
    }
    keys_unreachable(account, mode, owner) {
        en: "sshd cannot reach the keys as {account}: mode {mode}, owner {owner}",
        ja: "sshd が {account} の権限で鍵に到達できない: モード {mode}、所有者 {owner}",
    }
    directory_writable(mode, owner) {
        en: "sshd refuses keys below a directory that others may change: mode {mode}, owner {owner}",
        ja: "他者が変更できるディレクトリ配下の鍵を sshd は受け付けない: モード {mode}、所有者 {owner}",
    }

    // What the run says of it.
    not_yet(account, why, at) {
        en: "{account} cannot log in over SSH yet: {why} ({at})",
        ja: "{account} はまだ SSH でログインできない: {why} ({at})",
    }
    already_out(account, why, at) {
        en: "{account} cannot log in over SSH as it is: {why} ({at})",
        ja: "{account} は現状のままでは SSH でログインできない: {why} ({at})",
    }
    would_fail(account, why, at) {
        en: "the next SSH login of {account} would fail: {why} ({at})",
        ja: "{account} は次回の SSH ログインに失敗する: {why} ({at})",
    }
    would_fail_by(account, why, at, count, rows) {
        en: "the next SSH login of {account} would fail: {why} ({at}), {count:row|rows} {rows}",
        ja: "{account} は次回の SSH ログインに失敗する: {why} ({at})、該当する項目 {count} 件: {rows}",
    }
    not_determined(account, cause) {
        en: "whether {account} can still log in over SSH is not known: {cause}",
        ja: "{account} が引き続き SSH でログインできるかどうかを判定できない: {cause}",
    }
    refused(first) {
        en: "{first}; nothing was written: skip these rows (--skip), log in as another account, or give --allow-lockout if nobody needs that login",
        ja: "{first}。何も書き込んでいない。該当する項目を除外する (--skip) か、別のアカウントでログインするか、そのログインが不要であれば --allow-lockout を指定すること",
    }
}
