//! What the command line says.

use crate::message::messages;

messages! { "cli";
    protected(account) {
        en: "the account {account} is protected in this run; see to it when it is no longer needed",
        ja: "アカウント {account} はこの実行では保護されている。不要になった時点で対処すること",
    }
}
