//! Whether a file that a `HostKey` line of sshd names is plainly a private key: the line may name
//! anything, and what is no key is not to be shut.

use crate::error::{Error, Result};
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
) -> Result<Option<String>> {
    let why = if !path.starts_with(&ImagePath::parse("/etc")?) {
        "it is not below /etc"
    } else if stat.mode & NO_KEYS != 0 {
        "it is a program, by its mode"
    } else if stat.links > 1 {
        "it has another name elsewhere, which may be in use"
    } else {
        match root.read_bytes(path, KEY_LIMIT) {
            Ok(Some(bytes)) if begins_as_a_key(&bytes) => return Ok(None),
            Ok(_) => "it does not begin as a private key",
            Err(Error::TooLarge { .. }) => "it is larger than any key",
            Err(_) => "it cannot be read",
        }
    };
    Ok(Some(format!(
        "a HostKey line of sshd names {path}, which is not changed: {why}; have it name a private \
         key in /etc/ssh, or close this one by hand if it is one"
    )))
}

/// Whether the first line opens a private key, in OpenSSH's own format or in PEM.
fn begins_as_a_key(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end();
    let label = line.strip_prefix(b"-----BEGIN ").and_then(|l| l.strip_suffix(b"PRIVATE KEY-----"));
    label.is_some_and(|l| l.iter().all(|b| b.is_ascii_uppercase() || *b == b' '))
}
