//! The kinds of entries of a tree, in words.

use super::messages;
use crate::message::Message;
use crate::rootfs::FileKind;

/// The kind without an article, as "directory".
pub(in crate::check) fn kind(kind: FileKind) -> Message {
    match kind {
        FileKind::File => messages::regular_file(),
        FileKind::Dir => messages::directory(),
        FileKind::Symlink => messages::symbolic_link(),
        FileKind::Fifo => messages::named_pipe(),
        FileKind::Socket => messages::socket(),
        FileKind::BlockDevice => messages::block_device(),
        FileKind::CharDevice => messages::character_device(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_agree_with_those_of_errors() {
        for one in [
            FileKind::File,
            FileKind::Dir,
            FileKind::Symlink,
            FileKind::Fifo,
            FileKind::Socket,
            FileKind::BlockDevice,
            FileKind::CharDevice,
        ] {
            assert_eq!(kind(one).to_string(), one.to_string());
        }
    }
}
