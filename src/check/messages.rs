//! What findings of every family say.

use crate::message::{Message, messages};
use crate::rootfs::FileKind;

messages! { "check";
    needs_packages(command) {
        en: "needs a package operation, run: {command}",
        ja: "パッケージの操作が必要。実行するコマンド: {command}",
    }
    kind_file() { en: "regular file", ja: "通常ファイル" }
    kind_dir() { en: "directory", ja: "ディレクトリ" }
    kind_symlink() { en: "symbolic link", ja: "シンボリックリンク" }
    kind_fifo() { en: "named pipe", ja: "名前付きパイプ" }
    kind_socket() { en: "socket", ja: "ソケット" }
    kind_block_device() { en: "block device", ja: "ブロックデバイス" }
    kind_char_device() { en: "character device", ja: "キャラクターデバイス" }
}

/// What an entry is.
pub(crate) fn kind(kind: FileKind) -> Message {
    match kind {
        FileKind::File => kind_file(),
        FileKind::Dir => kind_dir(),
        FileKind::Symlink => kind_symlink(),
        FileKind::Fifo => kind_fifo(),
        FileKind::Socket => kind_socket(),
        FileKind::BlockDevice => kind_block_device(),
        FileKind::CharDevice => kind_char_device(),
    }
}
