//! What scripts and patches say.

use crate::message::messages;

messages! { "fixes";
    secret_by_hand(path) {
        en: "{path}: the change would show secrets, so it must be made by hand",
        ja: "{path}: 変更を書くと秘密が見えるため、手作業で変更すること",
    }
    unprintable_by_hand(path) {
        en: "{path}: the change is not plain text, so it must be made by hand",
        ja: "{path}: 変更がテキストとして書けないため、手作業で変更すること",
    }
    too_long_by_hand(path) {
        en: "{path}: the change is too long to be shown, so it must be made by hand",
        ja: "{path}: 変更が長すぎて示せないため、手作業で変更すること",
    }
    name_by_hand(path) {
        en: "{path}: a script cannot spell this name, so the change must be made by hand",
        ja: "{path}: スクリプトに書けない名前のため、手作業で変更すること",
    }
    kind_by_hand(path) {
        en: "{path}: something of another kind takes its place, which must be done by hand",
        ja: "{path}: 種類の異なるものに置き換わるため、手作業で変更すること",
    }
    leaves_open() {
        en: "The script closes a part of the row; the row does not hold afterwards",
        ja: "このスクリプトは項目の一部だけを直す。実行後も項目は適合しない",
    }
    patch_head() {
        en: "In the root: `patch -p1 < FILE`; then the commands behind `# $`, which a patch cannot hold",
        ja: "ルートの中で `patch -p1 < FILE` を実行し、続いて `# $` の後のコマンド (パッチに含められないもの) を実行すること",
    }
    patch_left(why) {
        en: "Left out: {why} (`gokaku apply` makes it, too)",
        ja: "含まないもの: {why} (`gokaku apply` でも変更できる)",
    }
    patch_nothing() {
        en: "Nothing would change",
        ja: "変更なし",
    }
}
