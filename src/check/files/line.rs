//! Some line of some files matches a pattern. For rows that are only observed: it has no remedy.

use regex::bytes::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::messages;
use crate::check::common::conf_dirs::{self, What};
use crate::check::common::remedy;
use crate::check::foreign;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
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
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

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
                        let found = if self.show {
                            Message::value(line.trim())
                        } else {
                            messages::a_matching_line()
                        };
                        let evidence = Evidence::at(&file).line(i + 1).found(found).aside();
                        hits.push((Subject::path(&file), evidence));
                    }
                    None => looked_at.push(Evidence::at(&file).note(messages::no_matching_line())),
                }
            }
        }
        if hits.is_empty() == self.absent {
            let hits = hits.into_iter().map(|(_, evidence)| evidence);
            return Ok(Finding::Met(if self.absent { looked_at } else { hits.collect() }));
        }
        let gaps = if self.absent {
            let gap = |(subject, evidence): (Subject, Evidence)| {
                let evidence = evidence.want(messages::no_matching_line());
                remedy::none(audit, subject, evidence, messages::only_observed())
            };
            hits.into_iter().map(gap).collect()
        } else {
            let want = Evidence {
                path: self.files.first().cloned(),
                want: Some(messages::a_line_like(self.pattern.0.as_str())),
                ..Evidence::default()
            };
            let path = self.files.first().cloned().unwrap_or_else(ImagePath::root);
            vec![remedy::none(audit, Subject::path(&path), want, messages::only_observed())]
        };
        Ok(Finding::NotMet { gaps, holding: looked_at })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{Run, gaps, parse_fields, path, reasons_on};
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
            Some("a matching line")
        );
        assert!(parse_fields::<Line>("files = []\npattern = '('").is_err());
    }

    #[test]
    fn an_excluded_file_says_why_it_stays() {
        let line: Line =
            parse_fields("files = ['/etc/a', '/etc/b']\npattern = 'x'\nabsent = true").unwrap();
        let scene = MemoryRootfs::new().file("/etc/a", "x\n").file("/etc/b", "x\n");
        let scene = scene.excluding(Subject::path(&path("/etc/b")));
        let subjects: Vec<String> =
            gaps(&line, &scene).iter().map(|gap| gap.subject.to_string()).collect();
        assert_eq!(subjects, ["path /etc/a", "path /etc/b"]);
        let reasons = reasons_on(&line, &scene);
        assert!(reasons[0].contains("only observed"), "{reasons:?}");
        assert!(reasons[1].contains("/etc/b is protected"), "{reasons:?}");
    }
}
