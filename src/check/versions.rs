//! The version of a program in the tree, by dpkg's own record: readers of configuration change
//! their precedence from version to version, and a tree need not be what its os-release says.

use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};

/// dpkg's record of a large system is some megabytes.
const STATUS_LIMIT: u64 = 64 << 20;

/// The upstream version of an installed package, as its numbers (`[3, 3, 12]`); `None` when the
/// package is not installed or there is no record.
///
/// # Errors
/// The record cannot be read.
pub(super) fn installed(root: &dyn Rootfs, package: &str) -> Result<Option<Vec<u32>>> {
    let status = ImagePath::parse("/var/lib/dpkg/status")?;
    let Some(bytes) = root.read_bytes(&status, STATUS_LIMIT)? else { return Ok(None) };
    Ok(find(&String::from_utf8_lossy(&bytes), package))
}

fn find(status: &str, package: &str) -> Option<Vec<u32>> {
    let head = format!("Package: {package}\n");
    let start = if status.starts_with(&head) { 0 } else { status.find(&format!("\n{head}"))? + 1 };
    let stanza = &status[start..];
    let stanza = &stanza[..stanza.find("\n\n").unwrap_or(stanza.len())];
    let field = |name: &str| stanza.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
    let state = field("Status:")?.split_whitespace().nth(2)?;
    if matches!(state, "not-installed" | "config-files") {
        return None;
    }
    upstream(field("Version:")?)
}

/// `2:3.3.12-3ubuntu1` is `[3, 3, 12]`.
fn upstream(version: &str) -> Option<Vec<u32>> {
    let version = version.split_once(':').map_or(version, |(_, v)| v);
    let numbers = version.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
    let numbers: Vec<u32> = numbers.split('.').map_while(|n| n.parse().ok()).collect();
    (!numbers.is_empty()).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn versions() {
        let status = "Package: kmod\nStatus: install ok installed\nVersion: 24-1ubuntu3\n\n\
                      Package: procps\nStatus: hold ok half-installed\nVersion: 2:3.3.12-3ubuntu1\n\n\
                      Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n\
                      Package: systemd\nDescription: x\n Package: odd\nStatus: install ok installed\n\
                      Version: 247.3-7+deb11u5";
        for (package, want) in [
            ("kmod", Some(vec![24])),
            ("procps", Some(vec![3, 3, 12])),
            ("systemd", Some(vec![247, 3])),
            ("gone", None),
            ("odd", None),
            ("mod", None),
        ] {
            assert_eq!(find(status, package), want, "{package}");
        }
        assert_eq!(upstream("30+20221128-1"), Some(vec![30]));
        assert_eq!(upstream("4.0.2~rc1"), Some(vec![4, 0, 2]));
        assert_eq!(upstream("x"), None);
        assert_eq!(installed(&MemoryRootfs::new(), "kmod").unwrap(), None);
    }
}
