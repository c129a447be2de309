//! Some line of some files matches a pattern. For rows that are only observed: it has no remedy.

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use crate::check::common::conf_dirs::{self, What};
use crate::check::foreign;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::lossless::{self, Raw};
use crate::text::pattern::{Wildcards, is_pattern, matches};

/// A line of one of `files` matches `pattern`. Comments count only if the pattern allows them.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The files; the last component may hold `*` and `?`, which take a dot at the front of a name,
    /// too. Files that are not there hold no line.
    pub files: Vec<ImagePath>,
    /// A regular expression that matches within one line; anchor it.
    pub pattern: Pattern,
    /// Whether no line may match; otherwise one must.
    #[serde(default)]
    pub absent: bool,
    /// Whether evidence may show the line; `false` where it holds a secret.
    #[serde(default = "yes")]
    pub show: bool,
}

fn yes() -> bool {
    true
}

/// A regular expression for one line. Classes such as `\s` mean ASCII: configuration keywords are,
/// and the automata stay small.
#[derive(Debug, Clone, JsonSchema)]
#[schemars(with = "String", extend("x-type" = "regular expression (crate regex, ASCII classes)"))]
pub struct Pattern(Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        let pattern = String::deserialize(deserializer)?;
        let regex = RegexBuilder::new(&pattern).unicode(false).build();
        regex.map(Pattern).map_err(de::Error::custom)
    }
}

impl Line {
    /// The regular files that a path, perhaps a glob, stands for.
    fn expand(root: &dyn Rootfs, path: &ImagePath) -> Result<Vec<ImagePath>> {
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(Vec::new());
        };
        let Some(pattern) = name.to_str().filter(|n| is_pattern(Wildcards::Stars, n)) else {
            return Ok(vec![path.clone()]);
        };
        // Many readers take names with a dot in front, too (logrotate does).
        let fits = |name: &[u8]| matches(Wildcards::Stars, pattern.as_bytes(), name);
        let found = conf_dirs::list(root, &dir, fits)?;
        Ok(found.into_iter().filter(|f| f.what == What::File).map(|f| f.path).collect())
    }
}

impl Primitive for Line {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let mut hits = Vec::new();
        let mut looked_at = Vec::new();
        for path in &self.files {
            for file in Line::expand(root, path)? {
                let Some(text) = root.read(&file)? else { continue };
                let mut lines = text.lines().enumerate();
                match lines.find(|(_, l)| self.pattern.0.is_match(&l.raw())) {
                    Some((i, line)) => {
                        // What the pattern does not match, such as a comment behind it, is not judged.
                        let asked = self
                            .pattern
                            .0
                            .find(&line.raw())
                            .map(|m| lossless::decode(m.as_bytes()));
                        foreign::judged(&file, i + 1, &asked.unwrap_or_default())?;
                        let found = if self.show { line.trim() } else { "such a line" };
                        hits.push(Evidence::at(&file).line(i + 1).found(found).aside());
                    }
                    None => looked_at.push(Evidence::at(&file).note("no such line")),
                }
            }
        }
        if hits.is_empty() == self.absent {
            return Ok(Finding::Met(if self.absent { looked_at } else { hits }));
        }
        let gaps = if self.absent {
            let gap = |e: Evidence| Gap::no_remedy(e.want("no such line"), "left alone");
            hits.into_iter().map(gap).collect()
        } else {
            let want = Evidence {
                path: self.files.first().cloned(),
                want: Some(format!("a line like {}", self.pattern.0).into()),
                ..Evidence::default()
            };
            vec![Gap::no_remedy(want, "left alone")]
        };
        Ok(Finding::NotMet { gaps, holding: looked_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::parse_fields;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn globs_comments_and_missing_files() {
        let line: Line = parse_fields(
            "files = ['/etc/sudoers', '/etc/sudoers.d/*']\n\
             pattern = '^\\s*Defaults\\s.*\\buse_pty\\b'",
        )
        .unwrap();
        let judge = |root: &MemoryRootfs| line.audit(root).unwrap().outcome();
        let root = MemoryRootfs::new();
        assert_eq!(judge(&root), Outcome::NotMet);
        let root = root.file("/etc/sudoers", "# Defaults use_pty\nDefaults env_reset\n");
        assert_eq!(judge(&root), Outcome::NotMet, "a comment is no setting");
        let dotted = root.clone().file("/etc/sudoers.d/.a", "Defaults use_pty\n");
        assert_eq!(judge(&dotted), Outcome::Met, "a reader like logrotate takes it");
        let root = root.file("/etc/sudoers.d/a", "Defaults env_reset, use_pty\n");
        let Finding::Met(evidence) = line.audit(&root).unwrap() else { panic!() };
        assert_eq!(evidence[0].path.as_ref().unwrap().to_string(), "/etc/sudoers.d/a");
        let hidden = Line { show: false, absent: true, ..line };
        let Finding::NotMet { gaps, .. } = hidden.audit(&root).unwrap() else { panic!() };
        assert_eq!(
            gaps[0].evidence.found.as_ref().map(ToString::to_string).as_deref(),
            Some("such a line")
        );
        assert!(parse_fields::<Line>("files = []\npattern = '('").is_err());
    }
}
