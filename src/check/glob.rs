//! The paths in an image that a pattern names, as the C library's `glob` lists them.

use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::path_glob;

/// A pattern names at most this many paths; real ones name dozens.
const MAX_PATHS: usize = 10_000;

/// The paths that `pattern` names and where something stands, sorted by bytes. A pattern that is
/// not absolute, or holds `..`, names nothing. Names that are not UTF-8 are not found.
///
/// # Errors
/// A loop of links, or the kernel's refusal.
pub(super) fn expand(root: &dyn Rootfs, pattern: &str) -> Result<Vec<ImagePath>> {
    if !pattern.starts_with('/') || path_glob::components(pattern).any(|c| c == "..") {
        return Ok(Vec::new());
    }
    let mut found = vec![ImagePath::root()];
    for component in path_glob::components(pattern).filter(|c| *c != ".") {
        let mut next = Vec::new();
        for dir in found {
            if path_glob::is_pattern(component) {
                next.extend(entries(root, &dir, component)?);
            } else {
                next.push(dir.join(component)?);
            }
        }
        next.truncate(MAX_PATHS);
        found = next;
    }
    let mut there = Vec::new();
    for path in found {
        if root.locate(&path)?.stat.is_some() {
            there.push(path);
        }
    }
    there.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(there)
}

/// The entries of a directory whose names fit a pattern; none if it is no directory.
pub(super) fn entries(root: &dyn Rootfs, dir: &ImagePath, pattern: &str) -> Result<Vec<ImagePath>> {
    if root.locate(dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
        return Ok(Vec::new());
    }
    let names = root.list(dir)?.unwrap_or_default();
    let fits = |name: &&str| path_glob::name_matches(pattern, name);
    names.iter().filter_map(|n| n.to_str()).filter(fits).map(|name| dir.join(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn table() {
        let root = MemoryRootfs::new()
            .file("/etc/r.d/20-b.conf", "")
            .file("/etc/r.d/10-a.conf", "")
            .file("/etc/r.d/.hidden.conf", "")
            .file("/etc/r.d/c.conf.bak", "")
            .link("/etc/r.d/30-gone.conf", "nowhere")
            .file("/etc/r-d/x.conf", "");
        let shown = |pattern: &str| -> Vec<String> {
            expand(&root, pattern).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown("/etc/r.d/*.conf"), ["/etc/r.d/10-a.conf", "/etc/r.d/20-b.conf"]);
        assert_eq!(shown("/etc/r?d/x.conf"), ["/etc/r-d/x.conf"]);
        assert_eq!(shown("/etc//./r.d"), ["/etc/r.d"]);
        for none in ["etc/*", "/etc/../etc/*", "/none/*", "/etc/r.d/10-a.conf/*", "/etc/r.d/none"] {
            assert!(shown(none).is_empty(), "{none}");
        }
    }
}
