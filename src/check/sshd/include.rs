//! Which files an `Include` pattern names in the image, as `glob` would.

use std::os::unix::ffi::OsStrExt;

use crate::check::common::glob::Names;
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::fnmatch::{Dialect, matches};
use crate::text::lossless::Raw;

/// A pattern that names more entries than this is not followed.
const MOST: usize = 4096;

/// The entries that a pattern (an absolute path) names, sorted by bytes. A link that leads nowhere
/// is one of them.
///
/// # Errors
/// A directory that cannot be read, a loop of links, more than 4096 entries, or more names to look
/// at than a configuration has.
pub(super) fn expand(
    root: &dyn Rootfs,
    pattern: &str,
    looks: &mut Names,
) -> Result<Vec<ImagePath>> {
    let parts: Vec<&str> = pattern.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    let mut found = vec![ImagePath::root()];
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        let mut next = Vec::new();
        for dir in found {
            looks.look(pattern, 1)?;
            let at = root.locate(&dir)?;
            if at.stat.is_none_or(|s| s.kind != FileKind::Dir) {
                continue;
            }
            if *part == ".." {
                next.push(at.path.parent().unwrap_or(at.path));
            } else if part.contains(['*', '?', '[', '\\']) {
                let names = root.list(&dir)?.unwrap_or_default();
                looks.look(pattern, names.len())?;
                for name in names.iter().filter(|n| fits(&part.raw(), n.as_bytes())) {
                    next.push(dir.join(name)?);
                }
            } else {
                let entry = dir.join(part)?;
                if !last || root.stat(&entry)?.is_some() {
                    next.push(entry);
                }
            }
            if next.len() > MOST {
                return Err(looks.too_many(pattern, "name", MOST, "entries"));
            }
        }
        found = next;
    }
    found.sort();
    Ok(found)
}

/// Whether a name fits a pattern of one path component, as the `glob` sees it that sshd brings
/// along (the C library's differs). A dot at the front is matched by a dot only.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let hidden = name.first() == Some(&b'.') && pattern.first() != Some(&b'.');
    !hidden && matches(Dialect::Bsd, pattern, name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;
    use proptest::prelude::*;

    #[test]
    fn names() {
        for (pattern, name, want) in [
            ("*.conf", "10-a.conf", true),
            ("*.conf", ".conf", false),
            (".*", ".conf", true),
            ("*", "a", true),
            ("?", "ab", false),
            ("[0-9]*.conf", "10.conf", true),
            ("[!0-9]*.conf", "10.conf", false),
            ("[]a]", "]", true),
            ("[[:alpha:]]*.conf", "b.conf", true),
            ("[[:nope:]]*.conf", "b.conf", false),
            ("[^a]*.conf", "b.conf", false),
            ("[^a]*.conf", "a.conf", true),
            ("[\\b]*.conf", "b.conf", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-b-b-d", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), name.as_bytes()), want, "{pattern} {name}");
        }
    }

    fn looks() -> Names {
        Names::new(&ImagePath::root())
    }

    #[test]
    fn a_pattern_that_comes_by_many_names_is_an_error() {
        let mut root = MemoryRootfs::new().dir("/d/b0", 0o755, 0, 0);
        for i in 0..40 {
            root = root.dir(&format!("/d/a{i}"), 0o755, 0, 0);
        }
        for i in 0..1_000 {
            root = root.link(&format!("/d/{i}"), "nowhere");
        }
        assert_eq!(
            expand(&root, "/d/a*/../[b]0", &mut looks()).unwrap().len(),
            40,
            "as sshd reads"
        );
        let e = expand(&root, "/d/a*/../a*/../[b]0", &mut looks()).unwrap_err().to_string();
        assert!(e.contains("look at more than 200000 names, the last of them `/d/a*"), "{e}");
        let e = expand(&root, "/d/a*/../a*/../a*", &mut looks()).unwrap_err().to_string();
        assert!(e.contains("more than"), "{e}");
    }

    #[test]
    fn entries() {
        let root = MemoryRootfs::new()
            .file("/etc/ssh/d/b.conf", "")
            .file("/etc/ssh/d/a.conf", "")
            .file("/etc/ssh/d/.c.conf", "")
            .file("/etc/ssh/e/a.conf", "")
            .file("/etc/ssh/x", "")
            .link("/etc/ssh/d/z.conf", "nowhere")
            .link("/etc/ssh/f", "d");
        let list = |pattern| -> Vec<String> {
            expand(&root, pattern, &mut looks()).unwrap().iter().map(ToString::to_string).collect()
        };
        let d = ["/etc/ssh/d/a.conf", "/etc/ssh/d/b.conf", "/etc/ssh/d/z.conf"];
        assert_eq!(list("/etc/ssh/d/*.conf"), d);
        assert_eq!(list("/etc/ssh/d/../d//./*.conf"), d);
        assert_eq!(list("/etc/ssh/[de]/a.conf"), ["/etc/ssh/d/a.conf", "/etc/ssh/e/a.conf"]);
        assert_eq!(list("/etc/ssh/f/a.conf"), ["/etc/ssh/f/a.conf"]);
        assert_eq!(list("/etc/ssh/d/z.conf"), ["/etc/ssh/d/z.conf"]);
        assert!(list("/etc/ssh/x/*").is_empty() && list("/etc/none/*").is_empty());
        assert!(list("/../etc/ssh/y").is_empty());
    }

    proptest! {
        #[test]
        fn any_pattern_is_read(pattern in r"[\]a*?!^\\\[-]{0,12}", name in r"[\]a-]{0,8}") {
            fits(pattern.as_bytes(), name.as_bytes());
        }
    }
}
