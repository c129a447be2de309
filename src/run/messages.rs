//! What the guards say. The family is that of the command line, where they were first: ids stay.

use crate::message::messages;

messages! { "cli";
    protected(account) {
        en: "the account {account} is protected in this run; see to it when it is no longer needed",
        ja: "アカウント {account} はこの実行では保護されている。不要になった時点で対処すること",
    }
    taken_all_the_same(why) {
        en: "{why}; taken all the same (--force-target)",
        ja: "{why}。--force-target により続行する",
    }
    running_elsewhere(root) {
        en: "{root}: this is the running system's own root under another name; an offline run would not \
             see what runs there: run there, with --root /",
        ja: "{root}: 稼働中のシステム自身のルートの別名である。オフラインの実行では稼働状態を確認できない。\
             そのシステム上で --root / を指定して実行すること",
    }
    clock_in_doubt(why) {
        en: "{why}; nothing about the age of passwords is changed",
        ja: "{why}。パスワードの有効期限に関する設定は変更しない",
    }
    nothing_runs(root) {
        en: "{root} is an archive: no program of it can run for --validate; unpack it, or leave --validate out",
        ja: "{root} は書庫であり、--validate でその中のプログラムを実行することはできない。展開するか、--validate を外すこと",
    }
    would_drift(row, path, by) {
        en: "row {row} is left alone by the table, and {by} would make it drift by a change of {path}; leave \
             that out, or enforce the row with [[enforce]]",
        ja: "項目 {row} は表の対象外だが、{by} による {path} の変更で相違が生じる。変更をやめるか、[[enforce]] で\
             項目を適用対象にすること",
    }
    row_of_layer(row, place) {
        en: "row {row} ({place})",
        ja: "項目 {row} ({place})",
    }
    no_fixes(cause) {
        en: "no fixes: {cause}",
        ja: "修正方法は作成できない: {cause}",
    }
}
