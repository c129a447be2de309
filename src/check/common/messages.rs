//! What several families say.

use crate::message::messages;

messages! { "common";
    not_a_file(path, kind) {
        en: "{path} is a {kind}; move it away",
        ja: "{path} は{kind}である。別の場所に移すこと",
    }
    leads_out(path, real, top) {
        en: "{path} leads to {real}, outside of /{top}, and is not changed through a link; replace the \
             link with a file of your own",
        ja: "{path} のリンク先 {real} は /{top} の外にあるため変更しない。リンクを独自のファイルに置き換えること",
    }
    of_a_package(path) {
        en: "{path} belongs to a package and is not changed; make the change by hand, or in the \
             package",
        ja: "{path} はパッケージのファイルのため変更しない。手動で、またはパッケージ側で変更すること",
    }
    with_acl(found, names) {
        en: "{found}; an ACL grants more to {names}",
        ja: "{found}。ACL が次に追加の権限を与えている: {names}",
    }
    no_such_file() {
        en: "no such file",
        ja: "ファイルが存在しない",
    }
    not_there() {
        en: "does not exist",
        ja: "存在しない",
    }
    correct_by_hand(path) {
        en: "{path} cannot be edited safely; correct it by hand",
        ja: "{path} は安全に編集できない。手動で修正すること",
    }
    correct_there(path, real) {
        en: "{path} leads to {real}; correct the setting there",
        ja: "{path} は {real} へのリンクである。リンク先で修正すること",
    }
}
