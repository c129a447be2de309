//! Whether a file that a `HostKey` line of sshd names is plainly a private key: the line may name
//! anything, and what is no key is not to be shut.

use crate::check::files::messages;
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs, Stat};

/// Bits that no key has: a program would not run any more.
const NO_KEYS: u32 = 0o6111;

/// A private key may be this large (bytes); the largest that anybody makes have a fifth of it.
const KEY_LIMIT: u64 = 64 << 10;

/// Why a file that `HostKey` names is not changed; `None` when it is a private key, and nothing
/// else.
pub(super) fn why_not_changed(
    root: &dyn Rootfs,
    path: &ImagePath,
    stat: Stat,
) -> Result<Option<Message>> {
    let why = if !path.starts_with(&ImagePath::parse("/etc")?) {
        messages::not_below_etc()
    } else if stat.mode & NO_KEYS != 0 {
        messages::a_program()
    } else if stat.links > 1 {
        messages::another_name()
    } else {
        match root.read_bytes(path, KEY_LIMIT) {
            Ok(Some(bytes)) if begins_as_a_key(&bytes) => return Ok(None),
            Ok(_) => messages::no_private_key(),
            Err(Error::TooLarge { .. }) => messages::larger_than_a_key(),
            Err(_) => messages::unreadable(),
        }
    };
    Ok(Some(messages::host_key_kept(path, why)))
}

/// Whether the first line opens a private key, in OpenSSH's own format or in PEM.
fn begins_as_a_key(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end();
    let label = line.strip_prefix(b"-----BEGIN ").and_then(|l| l.strip_suffix(b"PRIVATE KEY-----"));
    label.is_some_and(|l| l.iter().all(|b| b.is_ascii_uppercase() || *b == b' '))
}
