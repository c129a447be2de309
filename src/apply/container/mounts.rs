//! The mounts that came into the container with the root: partitions of the image stay, without
//! devices; what is this machine's does not.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::statvfs::{FsFlags, statvfs};

use super::job::Refusal;
use super::messages;

/// Directories over which the container has mounted its own.
const COVERED: [&str; 5] = ["/proc", "/sys", "/dev", "/run", "/tmp"];

/// One line of `/proc/self/mountinfo`.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    device: String,
    at: PathBuf,
}

/// The filesystem of this machine's `/`, before it is left.
pub(super) fn system() -> Option<String> {
    let all = read().ok()?;
    all.into_iter().rfind(|m| m.at == Path::new("/")).map(|m| m.device)
}

/// Looks at every mount below the new root, once the old one is gone: a directory of this machine that
/// somebody has bound there is refused, a file is taken away, and everything else loses its devices.
pub(super) fn settle(system: Option<&str>) -> Result<(), Refusal> {
    let all = read()?;
    let root = all.iter().rfind(|m| m.at == Path::new("/")).map(|m| m.device.clone());
    for Mount { device, at } in &all {
        let is_top = at == Path::new("/");
        if COVERED.iter().any(|dir| at.starts_with(dir)) {
            continue;
        }
        let is_dir = is_dir(at);
        let own = Some(device.as_str());
        let is_foreign = !is_top && (own == system || own == root.as_deref());
        if !is_top && !is_dir {
            umount2(at, MntFlags::MNT_DETACH).map_err(|e| {
                format!("{}: a file of this machine, mounted in the root: {e}", at.display())
            })?;
            continue;
        }
        if is_foreign {
            let at = at.display().to_string();
            return Err(Refusal::Explained(messages::directory_of_the_machine(at)));
        }
        without_devices(at).map_err(|e| format!("{}: without devices: {e}", at.display()))?;
    }
    Ok(())
}

/// Device nodes that lie in the tree open nothing: the container's `/dev` has those that it needs.
fn without_devices(at: &Path) -> nix::Result<()> {
    let has = statvfs(at)?.flags();
    // In a user namespace what is set must stay.
    let keep = [
        (FsFlags::ST_RDONLY, MsFlags::MS_RDONLY),
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ];
    let kept = keep.into_iter().filter(|(flag, _)| has.contains(*flag)).map(|(_, flag)| flag);
    let flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_NODEV;
    let none = None::<&str>;
    mount(none, at, none, kept.fold(flags, |all, flag| all | flag), none)
}

#[allow(clippy::disallowed_methods)] // the container's own path, or a mount point's name
fn is_dir(at: &Path) -> bool {
    std::fs::symlink_metadata(at).is_ok_and(|m| m.is_dir())
}

fn read() -> Result<Vec<Mount>, String> {
    #[allow(clippy::disallowed_methods)] // a question to the running kernel
    let text =
        std::fs::read("/proc/self/mountinfo").map_err(|e| format!("/proc/self/mountinfo: {e}"))?;
    parse(&text).ok_or_else(|| "/proc/self/mountinfo: cannot be understood".to_owned())
}

fn parse(text: &[u8]) -> Option<Vec<Mount>> {
    let lines = text.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    let mount = |line: &[u8]| {
        let mut words = line.split(|b| *b == b' ');
        let device = String::from_utf8(words.nth(2)?.to_vec()).ok()?;
        Some(Mount { device, at: unescape(words.nth(1)?) })
    };
    lines.map(mount).collect()
}

/// Blanks, line ends and backslashes stand in octal.
pub(super) fn unescape(word: &[u8]) -> PathBuf {
    let (mut out, mut rest) = (Vec::new(), word);
    while let Some((first, more)) = rest.split_first() {
        let octal = |digits: &[u8]| {
            let text = std::str::from_utf8(digits).ok()?;
            u8::from_str_radix(text, 8).ok()
        };
        match more.get(..3).filter(|_| *first == b'\\').and_then(octal) {
            Some(byte) => {
                out.push(byte);
                rest = &more[3..];
            }
            None => {
                out.push(*first);
                rest = more;
            }
        }
    }
    OsString::from_vec(out).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn mounts_are_read_with_their_odd_names() {
        let text = b"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
                     40 22 0:33 / /a\\040b\\134c rw - tmpfs x rw\n\
                     41 22 0:34 /etc/x /etc/\xff rw shared:1 - overlay y rw\n";
        let at = |bytes: &[u8]| PathBuf::from(std::ffi::OsStr::from_bytes(bytes));
        let want = [
            Mount { device: "254:0".into(), at: at(b"/") },
            Mount { device: "0:33".into(), at: at(b"/a b\\c") },
            Mount { device: "0:34".into(), at: at(b"/etc/\xff") },
        ];
        assert_eq!(parse(text).unwrap(), want);
        assert!(parse(b"22 1\n").is_none());
    }
}
