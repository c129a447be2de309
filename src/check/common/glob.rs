//! The paths in an image that a pattern names.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use super::includes::Budget;
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::lossless::Raw;
use crate::text::pattern::{Wildcards, components, is_pattern, name_matches};

/// A pattern names at most this many paths; real ones name dozens.
const MAX_PATHS: usize = 10_000;

/// The entries that `pattern` names, sorted by bytes; `..` is followed as the kernel does. A link
/// that leads nowhere is one of them, as for OpenSSH and for the C library from 2.27. A pattern
/// that is not absolute names nothing.
///
/// # Errors
/// A loop of links, the kernel's refusal, or more paths or names than a configuration has.
pub(in crate::check) fn expand(
    root: &dyn Rootfs,
    wildcards: Wildcards,
    pattern: &str,
    budget: &mut Budget,
) -> Result<Vec<ImagePath>> {
    if !pattern.starts_with('/') {
        return Ok(Vec::new());
    }
    let mut found = vec![ImagePath::root()];
    let mut parts = components(pattern).filter(|part| *part != ".").peekable();
    while let Some(part) = parts.next() {
        let mut next = Vec::new();
        for dir in found {
            budget.look(pattern, 1)?;
            let at = root.locate(&dir)?;
            if at.stat.is_none_or(|stat| stat.kind != FileKind::Dir) {
                continue;
            }
            if part == ".." {
                next.push(at.path.parent().unwrap_or(at.path));
            } else if is_pattern(wildcards, part) {
                budget.look(pattern, root.list(&dir)?.map_or(0, |names| names.len()))?;
                next.extend(entries(root, &dir, wildcards, part)?);
            } else {
                let entry = dir.join(part)?;
                if parts.peek().is_some() || root.stat(&entry)?.is_some() {
                    next.push(entry);
                }
            }
            if next.len() > MAX_PATHS {
                return Err(budget.too_many(pattern, "name", MAX_PATHS, "paths"));
            }
        }
        found = next;
    }
    found.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(found)
}

/// The entries of a directory whose names fit a pattern, sorted; none if it is no directory.
pub(in crate::check) fn entries(
    root: &dyn Rootfs,
    dir: &ImagePath,
    wildcards: Wildcards,
    pattern: &str,
) -> Result<Vec<ImagePath>> {
    if root.locate(dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
        return Ok(Vec::new());
    }
    let names = root.list(dir)?.unwrap_or_default();
    let fits = |name: &&OsString| name_matches(wildcards, &pattern.raw(), name.as_bytes());
    names.iter().filter(fits).map(|name| dir.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::common::includes::Limits;
    use crate::rootfs::MemoryRootfs;

    fn budget() -> Budget {
        Budget::new(Limits::NO_FILES, &ImagePath::root())
    }

    #[test]
    fn table() {
        let root = MemoryRootfs::new()
            .file("/etc/r.d/20-b.conf", "")
            .file("/etc/r.d/10-a.conf", "")
            .file("/etc/r.d/.hidden.conf", "")
            .file("/etc/r.d/c.conf.bak", "")
            .link("/etc/r.d/30-gone.conf", "nowhere")
            .file("/etc/r-d/x.conf", "")
            .dir("/srv/d", 0o755, 0, 0)
            .file("/srv/y.conf", "")
            .file("/srv/\u{10ffe9}.d/\u{10ffe9}.conf", "")
            .link("/etc/l", "/srv/d");
        let shown = |pattern: &str| -> Vec<String> {
            expand(&root, Wildcards::Libc, pattern, &mut budget())
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        let conf = ["/etc/r.d/10-a.conf", "/etc/r.d/20-b.conf", "/etc/r.d/30-gone.conf"];
        assert_eq!(shown("/etc/r.d/*.conf"), conf, "a link to nowhere is an entry");
        assert_eq!(shown("/etc/r.d/30-gone.conf"), ["/etc/r.d/30-gone.conf"]);
        assert_eq!(shown("/etc/r.d/1\\0-a.conf"), ["/etc/r.d/10-a.conf"], "escaped");
        assert_eq!(shown("/etc/r?d/x.conf"), ["/etc/r-d/x.conf"]);
        for latin in
            ["/srv/\u{10ffe9}.d/?.conf", "/srv/?.d/\u{10ffe9}.conf", "/srv/[\u{10ffe9}].d/*"]
        {
            assert_eq!(shown(latin), ["/srv/\\xe9.d/\\xe9.conf"], "a byte is one character");
        }
        assert_eq!(shown("/etc//./r.d"), ["/etc/r.d"]);
        assert_eq!(shown("/etc/r.d/../r-d/*"), ["/etc/r-d/x.conf"]);
        assert_eq!(shown("/etc/l/../*.conf"), ["/srv/y.conf"], "behind a link, of where it leads");
        for none in [
            "etc/*",
            "/none/*",
            "/none/../etc/*",
            "/etc/r.d/10-a.conf/*",
            "/etc/r.d/10-a.conf/../*",
            "/etc/r.d/none",
        ] {
            assert!(shown(none).is_empty(), "{none}");
        }
    }

    #[test]
    fn a_pattern_that_comes_by_many_names_is_an_error_and_says_where_it_stands() {
        let mut root = MemoryRootfs::new();
        for i in 0..40 {
            root = root.link(&format!("/etc/g/a{i}/u"), "..");
        }
        for i in 0..1_000 {
            root = root.link(&format!("/etc/g/{i}"), "nowhere");
        }
        let file = ImagePath::parse("/etc/x").unwrap();
        let fault = |pattern: &str, times: usize| {
            let mut budget = Budget::new(Limits::NO_FILES, &ImagePath::root());
            let all: Result<Vec<_>> = (0..times)
                .map(|i| expand(&root, Wildcards::Libc, pattern, budget.at(&file, 7 + i)))
                .collect();
            all.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(fault("/etc/g/a*/u/a*", 1), "");
        let e = fault("/etc/g/a*/u/a*/u/a*/u/a*", 1);
        let why = "found patterns that look at more than 200000 names, the last of them `/etc/g/a*";
        assert!(e.starts_with(&format!("/etc/x:7: {why}")), "{e}");
        let e = fault("/etc/g/a*/u/a*", 5);
        assert!(e.starts_with(&format!("/etc/x:11: {why}")), "all patterns together: {e}");
        let mut root = MemoryRootfs::new();
        for i in 0..=MAX_PATHS {
            root = root.link(&format!("/etc/{i}"), "nowhere");
        }
        let mut budget = Budget::new(Limits::NO_FILES, &file);
        let e = expand(&root, Wildcards::Libc, "/etc/*", &mut budget).unwrap_err().to_string();
        assert!(e.contains("name more than 10000 paths"), "none is passed over: {e}");
    }

    #[test]
    fn a_pattern_that_comes_by_many_names_through_dots_is_an_error() {
        let mut root = MemoryRootfs::new().dir("/d/b0", 0o755, 0, 0);
        for i in 0..40 {
            root = root.dir(&format!("/d/a{i}"), 0o755, 0, 0);
        }
        for i in 0..1_000 {
            root = root.link(&format!("/d/{i}"), "nowhere");
        }
        assert_eq!(
            expand(&root, Wildcards::Bsd, "/d/a*/../[b]0", &mut budget()).unwrap().len(),
            40,
            "as sshd reads"
        );
        let e = expand(&root, Wildcards::Bsd, "/d/a*/../a*/../[b]0", &mut budget())
            .unwrap_err()
            .to_string();
        assert!(e.contains("look at more than 200000 names, the last of them `/d/a*"), "{e}");
        let e = expand(&root, Wildcards::Bsd, "/d/a*/../a*/../a*", &mut budget())
            .unwrap_err()
            .to_string();
        assert!(e.contains("more than"), "{e}");
    }

    #[test]
    fn entries_as_openssh_finds_them() {
        let root = MemoryRootfs::new()
            .file("/etc/ssh/d/b.conf", "")
            .file("/etc/ssh/d/a.conf", "")
            .file("/etc/ssh/d/.c.conf", "")
            .file("/etc/ssh/e/a.conf", "")
            .file("/etc/ssh/x", "")
            .link("/etc/ssh/d/z.conf", "nowhere")
            .link("/etc/ssh/f", "d");
        let list = |pattern| -> Vec<String> {
            expand(&root, Wildcards::Bsd, pattern, &mut budget())
                .unwrap()
                .iter()
                .map(ToString::to_string)
                .collect()
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
}
