//! Some line of some files matches a pattern. For rows that are only observed: it has no remedy.

use std::os::unix::ffi::OsStrExt;

use serde::{Deserialize, Deserializer, de};

use super::{Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::glob;

/// A line of one of `files` matches `pattern`. Comments count only if the pattern allows them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The files; the last component may be a glob. Files that are not there hold no line.
    pub files: Vec<ImagePath>,
    /// A regular expression that matches within one line; anchor it.
    #[serde(deserialize_with = "regex")]
    pub pattern: regex::Regex,
}

fn regex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<regex::Regex, D::Error> {
    regex::Regex::new(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

impl Line {
    /// The regular files that a path, perhaps a glob, stands for.
    fn expand(root: &dyn Rootfs, path: &ImagePath) -> Result<Vec<ImagePath>> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Vec::new());
        };
        let Some(pattern) = name.to_str().filter(|n| n.contains(['*', '?'])) else {
            return Ok(vec![path.clone()]);
        };
        let mut out = Vec::new();
        for name in root.list(&dir)?.unwrap_or_default() {
            let fits = glob::matches(pattern.as_bytes(), name.as_bytes());
            let path = dir.join(&name)?;
            let kind = root.locate(&path)?.stat.map(|s| s.kind);
            if fits && kind == Some(FileKind::File) {
                out.push(path);
            }
        }
        Ok(out)
    }
}

impl Primitive for Line {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        let mut looked_at = Vec::new();
        for path in &self.files {
            for file in Line::expand(root, path)? {
                let Some(text) = root.read(&file)? else { continue };
                let mut lines = text.lines().enumerate();
                if let Some((i, line)) = lines.find(|(_, l)| self.pattern.is_match(l)) {
                    let line = Evidence::at(&file).line(i + 1).found(line.trim());
                    return Ok(Finding::Met(vec![line]));
                }
                looked_at.push(Evidence::at(&file).note("no such line"));
            }
        }
        let want = Evidence {
            path: self.files.first().cloned(),
            want: Some(format!("a line like {}", self.pattern)),
            ..Evidence::default()
        };
        let gap = Gap::no_remedy(want, "left alone");
        Ok(Finding::NotMet { gaps: vec![gap], holding: looked_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn globs_comments_and_missing_files() {
        let line: Line = toml::from_str(
            "files = ['/etc/sudoers', '/etc/sudoers.d/*']\n\
             pattern = '^\\s*Defaults\\s.*\\buse_pty\\b'",
        )
        .unwrap();
        let judge = |root: &MemoryRootfs| line.audit(root).unwrap().outcome();
        let root = MemoryRootfs::new();
        assert_eq!(judge(&root), Outcome::NotMet);
        let root = root.file("/etc/sudoers", "# Defaults use_pty\nDefaults env_reset\n");
        assert_eq!(judge(&root), Outcome::NotMet, "a comment is no setting");
        let root = root.file("/etc/sudoers.d/a", "Defaults env_reset, use_pty\n");
        let Finding::Met(evidence) = line.audit(&root).unwrap() else { panic!() };
        assert_eq!(evidence[0].path.as_ref().unwrap().to_string(), "/etc/sudoers.d/a");
        assert!(toml::from_str::<Line>("files = []\npattern = '('").is_err());
    }
}
