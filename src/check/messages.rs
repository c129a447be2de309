//! What findings of every family say.

use crate::message::messages;

messages! { "check";
    needs_packages(command) {
        en: "needs a package operation, run: {command}",
        ja: "パッケージの操作が必要。実行するコマンド: `{command}`",
    }
}
