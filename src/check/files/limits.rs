//! The hard limit of a resource for everybody, in `limits.conf` and `limits.d`.
//!
//! pam_limits reads the main file, then `limits.d/*.conf` in the order of their names; among equal
//! domains the last line counts, and a user, a group or a range outranks `*` wherever it stands.
//! `*` never means root. A missing main file or a link to nowhere in `limits.d` ends every session,
//! so nothing is ever removed here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::chain;
use crate::check::common::conf_dirs::{self, Listed, What};
use crate::check::common::{remedy, rewrite};
use crate::check::foreign;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::packages::ownership::owned_by_package;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::limits::{self, Domain, Limit, Rule};
use crate::text::lossless::Raw;

const MAIN: &str = "/etc/security/limits.conf";
const DIR: &str = "/etc/security/limits.d";

/// `* hard item` is at most `value`, and no line lifts it for anybody but root.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The item, as `core`; one of which less is stricter.
    pub item: String,
    /// The highest limit that is right; also what is written.
    #[schemars(extend("x-unit" = "the item's own; KiB for core"))]
    pub value: u32,
    /// The file in `limits.d` that gets the line.
    pub path: ImagePath,
}

/// A line and where it stands.
struct Found {
    file: usize,
    limit: Limit,
}

/// A file that pam_limits reads.
struct File {
    path: ImagePath,
    text: String,
}

impl Primitive for Limits {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::followed("pam_limits")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let mut holding = Vec::new();
        // Where the services name a file, no other is read, and the line belongs there.
        if let Some(path) = chain::followed_file(audit, "pam_limits")? {
            let text = audit.root().read(&path)?.unwrap_or_default();
            let own = Limits { path: path.clone(), ..self.clone() };
            return own.judge(audit, &[File { path, text }], holding);
        }
        let files = self.files(audit.root(), &mut holding)?;
        self.judge(audit, &files, holding)
    }
}

impl Limits {
    /// The hard limit that counts for everybody, and for each user, group or range that has one. One
    /// that is no right one is none.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let files = match chain::followed_file(audit, "pam_limits")? {
            Some(path) => {
                let text = audit.root().read(&path)?.unwrap_or_default();
                vec![File { path, text }]
            }
            None => self.files(audit.root(), &mut Vec::new())?,
        };
        let mut levels = Levels::default();
        levels.only(self.subject(&Domain::Everybody), Level::AtMost(None));
        for limit in files.iter().flat_map(|file| limits::limits(&file.text)) {
            let value = match &limit.rule {
                Rule::Hard { item, value, .. } if *item == self.item => value.filter(|v| *v >= 0),
                Rule::Exempt if limit.domain != Domain::Everybody => None,
                Rule::Hard { .. } | Rule::Soft { .. } | Rule::Exempt => continue,
            };
            if limit.domain != Domain::LoginCount {
                levels.only(self.subject(&limit.domain), Level::AtMost(value));
            }
        }
        Ok(levels)
    }

    fn judge(
        &self,
        audit: &Audit<'_>,
        files: &[File],
        mut holding: Vec<Evidence>,
    ) -> Result<Finding> {
        let mut everybody = Vec::new();
        // The last line of each user, group or range counts; an exemption always does.
        let mut others: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        let mut lifting = Vec::new();
        // Whether some user, group or range has a soft limit so far.
        let mut soft = false;
        for (file, File { text, .. }) in files.iter().enumerate() {
            for limit in limits::limits(text) {
                let found = Found { file, limit };
                match (&found.limit.domain, &found.limit.rule) {
                    (Domain::LoginCount, _) | (Domain::Everybody, Rule::Exempt) => {}
                    (_, Rule::Hard { item, .. } | Rule::Soft { item }) if *item != self.item => {}
                    (Domain::Everybody, Rule::Soft { .. }) => {}
                    (Domain::Everybody, Rule::Hard { soft_too: true, .. })
                        if soft && self.complies(&found) =>
                    {
                        let note = messages::yields_to_soft_limits();
                        holding.push(self.evidence(files, &found).note(note));
                    }
                    (Domain::Everybody, _) => everybody.push(found),
                    (Domain::User(name), _) if name == "root" => {}
                    (Domain::User(_) | Domain::Many(_), Rule::Exempt) => lifting.push(found),
                    (Domain::User(_) | Domain::Many(_), Rule::Soft { .. }) => soft = true,
                    (Domain::User(name) | Domain::Many(name), Rule::Hard { soft_too, .. }) => {
                        soft |= soft_too;
                        others.entry(name.clone()).or_default().push(found);
                    }
                }
            }
        }
        judged(
            files,
            everybody.last().into_iter().chain(others.values().filter_map(|l| l.last())),
        )?;
        let mut gaps = Vec::new();
        match everybody.last() {
            Some(found) if self.complies(found) => holding.push(self.evidence(files, found)),
            Some(found) if !self.is_before_ours(files, found) => {
                // Ours would not have the last word.
                let after = everybody.into_iter().filter(|f| !self.is_before_ours(files, f));
                lifting.extend(after.filter(|f| !self.complies(f)));
            }
            found => gaps.push(self.state(audit, files, found)?),
        }
        for lines in others.into_values() {
            if lines.last().is_some_and(|found| !self.complies(found)) {
                lifting.extend(lines.into_iter().filter(|found| !self.complies(found)));
            }
        }
        judged(files, &lifting)?;
        let mut by_file: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
        for found in lifting {
            by_file.entry(found.file).or_default().push(found);
        }
        for lines in by_file.into_values() {
            gaps.extend(self.switch_off(audit, files, lines)?);
        }
        Ok(Finding::from_gaps(gaps, holding))
    }
}

/// The lines count. In evidence they are shown with their comments.
fn judged<'f>(files: &[File], lines: impl IntoIterator<Item = &'f Found>) -> Result<()> {
    for found in lines {
        if let Some(file) = files.get(found.file) {
            let said = found.limit.text.split('#').next().unwrap_or_default();
            foreign::judged(&file.path, found.limit.line, said)?;
        }
    }
    Ok(())
}

impl Limits {
    /// The files in pam_limits' order. What would end every session is noted.
    fn files(&self, root: &dyn Rootfs, notes: &mut Vec<Evidence>) -> Result<Vec<File>> {
        let mut files = Vec::new();
        let main = ImagePath::parse(MAIN)?;
        match root.read(&main)? {
            Some(text) => files.push(File { path: main, text }),
            None => notes.push(Evidence::at(&main).note(messages::limits_missing())),
        }
        let wanted = |name: &[u8]| !name.starts_with(b".") && name.ends_with(b".conf");
        for Listed { path, what, .. } in conf_dirs::list(root, &ImagePath::parse(DIR)?, wanted)? {
            match what {
                What::File => {
                    let text = root.read(&path)?.unwrap_or_default();
                    files.push(File { path, text });
                }
                What::Null | What::Dir | What::Special => {}
                What::Dangling => {
                    notes.push(Evidence::at(&path).note(messages::limits_lead_nowhere()));
                }
            }
        }
        Ok(files)
    }

    fn complies(&self, found: &Found) -> bool {
        match &found.limit.rule {
            Rule::Hard { value: Some(value), .. } => (0..=i64::from(self.value)).contains(value),
            Rule::Hard { value: None, .. } | Rule::Soft { .. } | Rule::Exempt => false,
        }
    }

    /// Whether a line in our file is read after this one, or takes its place.
    fn is_before_ours(&self, files: &[File], found: &Found) -> bool {
        let path = files.get(found.file).map(|file| &file.path);
        path.is_none_or(|path| path.as_bytes() == MAIN.as_bytes() || *path <= self.path)
    }

    /// The gap of a missing, or of a wrong last, line for everybody, closed by ours.
    fn state(&self, audit: &Audit<'_>, files: &[File], found: Option<&Found>) -> Result<Gap> {
        let ours = files.iter().position(|f| f.path == self.path);
        let text = ours.and_then(|i| files.get(i)).map_or("", |f| f.text.as_str());
        let evidence = match found {
            Some(found) => self.evidence(files, found),
            None => Evidence::at(&self.path).want(self.wanted()).note(messages::no_line_for_all()),
        };
        remedy::gap(audit, self.subject(&Domain::Everybody), evidence, || {
            let in_place = found.filter(|f| Some(f.file) == ours).map(|f| f.limit.line);
            let text = limits::set(text, in_place, &self.item, self.value);
            rewrite::change(audit.root(), &self.path, text, 0o644)
        })
    }

    /// The gaps of the lines of one file that lift the limit, one for each of those for whom they
    /// do; made comments where the file is nobody's.
    fn switch_off(
        &self,
        audit: &Audit<'_>,
        files: &[File],
        mut lines: Vec<Found>,
    ) -> Result<Vec<Gap>> {
        lines.sort_by_key(|found| found.limit.line);
        let Some(file) = lines.first().and_then(|found| files.get(found.file)) else {
            return Ok(Vec::new());
        };
        let mut by_subject: BTreeMap<Subject, Vec<&Found>> = BTreeMap::new();
        for found in &lines {
            by_subject.entry(self.subject(&found.limit.domain)).or_default().push(found);
        }
        let owned = owned_by_package(audit.root(), &file.path);
        let (mut gaps, mut closed, mut disabled) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, lines) in by_subject {
            let Some(first) = lines.first() else { continue };
            let mut evidence = self.evidence(files, first);
            if lines.len() > 1 {
                evidence = evidence.note(messages::more_such_lines(lines.len() - 1));
            }
            let line = first.limit.line;
            let why = match (audit.excluded(&subject), &owned) {
                (Some(exclusion), _) => exclusion.cause.clone(),
                (None, Ok(true)) => messages::limit_of_a_package(&file.path, line),
                (None, Err(e)) => {
                    messages::limit_perhaps_of_a_package(&file.path, Message::from(e), line)
                }
                (None, Ok(false)) => {
                    disabled.extend(lines.iter().map(|found| found.limit.line));
                    closed.push((subject, evidence));
                    continue;
                }
            };
            gaps.push(Gap::no_remedy(evidence, why).about(subject));
        }
        if !closed.is_empty() {
            disabled.sort_unstable();
            let text = limits::disable(&file.text, disabled);
            gaps.extend(rewrite::gaps(audit.root(), closed, &file.path, text)?);
        }
        gaps.sort_by_key(|gap| gap.evidence.line);
        Ok(gaps)
    }

    /// For whom a line says something: an account, a group, or the item itself for everybody and,
    /// with the range, for a range of numbers.
    fn subject(&self, domain: &Domain) -> Subject {
        match domain {
            Domain::Everybody | Domain::LoginCount => Subject::key(&self.item),
            Domain::User(name) => Subject::account(&name.raw()),
            Domain::Many(name) => match name.strip_prefix('@').filter(|n| !n.contains(':')) {
                Some(group) => Subject::group(&group.raw()),
                None => Subject::key(format!("{name} {}", self.item)),
            },
        }
    }

    fn wanted(&self) -> String {
        format!("* hard {} {}", self.item, self.value)
    }

    fn evidence(&self, files: &[File], found: &Found) -> Evidence {
        let path = files.get(found.file).map(|f| f.path.clone());
        Evidence { path, ..Evidence::default() }
            .line(found.limit.line)
            .found(&found.limit.text)
            .aside()
            .want(self.wanted())
    }
}

#[cfg(test)]
mod tests;
