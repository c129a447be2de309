//! The paths in an image that a pattern names, as the C library's `glob` lists them.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use crate::error::{Error, Result};
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::{lossless, path_glob};

/// A pattern names at most this many paths; real ones name dozens.
const MAX_PATHS: usize = 10_000;
/// All patterns of one configuration look at most at this many names, each counted as often as it
/// is looked at: through links and `..` a short pattern comes by a directory thousands of times.
const MAX_NAMES: usize = 200_000;

/// How many names the patterns of one configuration may still look at, and where the pattern stands
/// whose turn it is.
pub(in crate::check) struct Names {
    left: usize,
    file: ImagePath,
    line: usize,
}

impl Names {
    /// For the patterns of the configuration that begins in `file`.
    pub fn new(file: &ImagePath) -> Names {
        Names { left: MAX_NAMES, file: file.clone(), line: 1 }
    }

    /// For a pattern in this line.
    pub fn asked_in(&mut self, file: &ImagePath, line: usize) -> &mut Names {
        if self.file != *file {
            self.file = file.clone();
        }
        self.line = line;
        self
    }

    /// Takes account of `count` more names.
    ///
    /// # Errors
    /// They are too many.
    pub fn look(&mut self, pattern: &str, count: usize) -> Result<()> {
        match self.left.checked_sub(count) {
            Some(left) => self.left = left,
            None => {
                return Err(self.too_many(pattern, "look at", MAX_NAMES, "names"));
            }
        }
        Ok(())
    }

    /// The complaint about a pattern and those before it.
    pub fn too_many(&self, pattern: &str, verb: &str, most: usize, what: &str) -> Error {
        // A word of the tree: as long as the tree likes.
        let shown: String = pattern.chars().take(80).collect();
        Error::Syntax {
            path: self.file.clone(),
            line: self.line,
            found: format!(
                "patterns that {verb} more than {most} {what}, the last of them `{shown}`"
            ),
            want: "fewer",
        }
    }
}

/// The paths that `pattern` names and where something stands, sorted by bytes; `..` is followed as
/// the kernel does. A pattern that is not absolute names nothing.
///
/// # Errors
/// A loop of links, the kernel's refusal, or more paths or names than a configuration has.
pub(in crate::check) fn expand(
    root: &dyn Rootfs,
    pattern: &str,
    names: &mut Names,
) -> Result<Vec<ImagePath>> {
    if !pattern.starts_with('/') {
        return Ok(Vec::new());
    }
    let mut found = vec![ImagePath::root()];
    for component in path_glob::components(pattern).filter(|c| *c != ".") {
        let mut next = Vec::new();
        for dir in found {
            names.look(pattern, 1)?;
            if path_glob::is_pattern(component) {
                names.look(pattern, count(root, &dir)?)?;
                next.extend(entries(root, &dir, component)?);
            } else if component == ".." {
                next.extend(above(root, &dir)?);
            } else {
                next.push(dir.join(component)?);
            }
            if next.len() > MAX_PATHS {
                return Err(names.too_many(pattern, "name", MAX_PATHS, "paths"));
            }
        }
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

/// The directory above the one that a path leads to; `None` if it leads to none.
fn above(root: &dyn Rootfs, dir: &ImagePath) -> Result<Option<ImagePath>> {
    let at = root.locate(dir)?;
    let is_dir = at.stat.is_some_and(|stat| stat.kind == FileKind::Dir);
    Ok(is_dir.then(|| at.path.parent().unwrap_or(at.path)))
}

/// How many entries a directory has; none if it is no directory.
pub(in crate::check) fn count(root: &dyn Rootfs, dir: &ImagePath) -> Result<usize> {
    match root.locate(dir)?.stat {
        Some(stat) if stat.kind == FileKind::Dir => Ok(root.list(dir)?.map_or(0, |n| n.len())),
        _ => Ok(0),
    }
}

/// The entries of a directory whose names fit a pattern; none if it is no directory.
pub(in crate::check) fn entries(
    root: &dyn Rootfs,
    dir: &ImagePath,
    pattern: &str,
) -> Result<Vec<ImagePath>> {
    if root.locate(dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
        return Ok(Vec::new());
    }
    let names = root.list(dir)?.unwrap_or_default();
    let fits =
        |name: &&OsString| path_glob::name_matches(pattern, &lossless::decode(name.as_bytes()));
    names.iter().filter(fits).map(|name| dir.join(name)).collect()
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
            .file("/etc/r-d/x.conf", "")
            .dir("/srv/d", 0o755, 0, 0)
            .file("/srv/y.conf", "")
            .file("/srv/\u{10ffe9}.d/\u{10ffe9}.conf", "")
            .link("/etc/l", "/srv/d");
        let shown = |pattern: &str| -> Vec<String> {
            let mut names = Names::new(&ImagePath::root());
            expand(&root, pattern, &mut names).unwrap().iter().map(ToString::to_string).collect()
        };
        assert_eq!(shown("/etc/r.d/*.conf"), ["/etc/r.d/10-a.conf", "/etc/r.d/20-b.conf"]);
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
        let told = |pattern: &str, times: usize| {
            let mut names = Names::new(&ImagePath::root());
            let all: Result<Vec<_>> =
                (0..times).map(|i| expand(&root, pattern, names.asked_in(&file, 7 + i))).collect();
            all.err().map(|e| e.to_string()).unwrap_or_default()
        };
        assert_eq!(told("/etc/g/a*/u/a*", 1), "");
        let e = told("/etc/g/a*/u/a*/u/a*/u/a*", 1);
        let why = "found patterns that look at more than 200000 names, the last of them `/etc/g/a*";
        assert!(e.starts_with(&format!("/etc/x:7: {why}")), "{e}");
        let e = told("/etc/g/a*/u/a*", 5);
        assert!(e.starts_with(&format!("/etc/x:11: {why}")), "all patterns together: {e}");
        let mut root = MemoryRootfs::new();
        for i in 0..=MAX_PATHS {
            root = root.link(&format!("/etc/{i}"), "nowhere");
        }
        let e = expand(&root, "/etc/*", &mut Names::new(&file)).unwrap_err().to_string();
        assert!(e.contains("name more than 10000 paths"), "none is passed over: {e}");
    }
}
