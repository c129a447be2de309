//! Logs are rotated: a period, a trigger, and a stanza for every log file that hardening adds.
//!
//! `reader` goes through the configuration as logrotate does, `trigger` looks for what starts it;
//! the main file's own settings and stanzas of our own are here.

mod reader;
#[cfg(test)]
mod tests;
mod trigger;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use self::reader::{Idle, RotationReader, lost_include, refused};
use self::trigger::trigger;
use crate::check::common::destination::{self, Destination};
use crate::check::common::{preview, rewrite};
use crate::check::packages::dpkg;
use crate::check::{Audit, Evidence, Finding, Fix, Gap, Primitive};
use crate::check::{Subject, SubjectKind, foreign};
use crate::error::{Error, Result};
use crate::rootfs::{AccountDb, Change, FileKind, ImagePath, Rootfs, Stat};
use crate::text::Lines;
use crate::text::logrotate::{self, Item};
use crate::text::rsyslog::{self, Target};

/// logrotate has a period, reads `/etc/logrotate.d`, is started automatically, and knows every log
/// file that the rsyslog drop-in `logs_of` writes.
///
/// Log files that no stanza lists get one in `file`. A file that any stanza lists already is
/// never listed again: logrotate gives up the rest of the file that lists it a second time.
/// Whether the package is there is not asked here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogRotation {
    /// The rsyslog drop-in whose log files must be rotated.
    pub logs_of: ImagePath,
    /// The file below `/etc/logrotate.d` for stanzas of our own.
    pub file: ImagePath,
}

const CONF: &str = "/etc/logrotate.conf";
const DIR: &str = "/etc/logrotate.d";
/// A drop-in writes at most this many log files; real ones a dozen.
const MAX_LOGS: usize = 500;

impl Primitive for LogRotation {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "logrotate")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let conf = ImagePath::parse(CONF)?;
        let Some(text) = root.read(&conf)? else {
            let evidence = Evidence::at(&conf).want("logrotate's configuration");
            let advice = "the file is missing; install logrotate anew";
            return Ok(Finding::from_gaps(vec![Gap::no_remedy(evidence, advice)], Vec::new()));
        };
        let items = parse(&conf, &text)?;
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        if let Some(gap) = ignored_conf(root, &conf)? {
            gaps.push(gap);
        }
        if let Some((line, value)) = lost_include(root, &items)? {
            let evidence = Evidence::at(&conf).line(line).found(format!("include {value}"));
            let evidence = evidence.want("an absolute path where something stands");
            let advice = "logrotate gives up the whole file there; take the line out by hand";
            gaps.push(Gap::no_remedy(evidence, advice));
        }
        match period(root, &conf, &text, &items)? {
            Ok(evidence) => holding.push(evidence),
            Err(gap) => gaps.push(gap),
        }
        // A stanza of ours has an effect only where its directory is read.
        let mut pending = Vec::new();
        match reads_directory(root, &conf, &text, &items)? {
            Ok(evidence) => holding.push(evidence),
            Err(gap) => {
                if let Fix::Changes(changes) = &gap.fix {
                    pending = changes.to_vec();
                }
                gaps.push(gap);
            }
        }
        match trigger(root)? {
            Ok(evidence) => holding.push(evidence),
            Err(gap) => gaps.push(gap),
        }
        self.coverage(root, pending, &mut gaps, &mut holding)?;
        Ok(Finding::from_gaps(gaps, holding))
    }
}

impl LogRotation {
    /// The files that the drop-in writes, each once, in its order.
    fn wanted(&self, root: &dyn Rootfs) -> Result<Vec<String>> {
        let Some(text) = root.read(&self.logs_of)? else { return Ok(Vec::new()) };
        let tokens = rsyslog::tokens(&text).map_err(|bad| Error::Syntax {
            path: self.logs_of.clone(),
            line: bad.line,
            found: bad.found,
            want: bad.want,
        })?;
        let (mut wanted, mut seen) = (Vec::new(), BTreeSet::new());
        for token in tokens {
            let Some(Target::File(file)) = Target::of(&token.kind) else { continue };
            let Ok(path) = ImagePath::parse(&file) else { continue };
            // Nothing is written into a directory, and a device does not grow.
            let there = root.locate(&path)?.stat;
            let grows = there.is_none_or(|s| s.kind == FileKind::File);
            if grows && !file.starts_with("/dev/") && seen.insert(file.clone()) {
                wanted.push(file);
            }
            if wanted.len() > MAX_LOGS {
                return Err(Error::Syntax {
                    path: self.logs_of.clone(),
                    line: token.line,
                    found: format!("more than {MAX_LOGS} log files"),
                    want: "as many as somebody looks at",
                });
            }
        }
        Ok(wanted)
    }

    fn coverage(
        &self,
        root: &dyn Rootfs,
        pending: Vec<Change>,
        gaps: &mut Vec<Gap>,
        holding: &mut Vec<Evidence>,
    ) -> Result<()> {
        let wanted = self.wanted(root)?;
        // What the directory lists already must not be listed again, though it is not read yet.
        let soon = preview::with(root, &pending)?;
        let reader = RotationReader::read(&soon, &wanted, &ImagePath::parse(CONF)?)?;
        let mut unlisted = Vec::new();
        for file in &wanted {
            if let Some(evidence) = reader.covered.get(file) {
                holding.push(evidence.clone().want(format!("a stanza for {file}")));
                continue;
            }
            let Some((evidence, why)) = reader.idle.get(file) else {
                unlisted.push(file.clone());
                continue;
            };
            let evidence = evidence.clone().want(format!("a stanza in force for {file}"));
            let ours = root.locate(&self.file)?;
            gaps.push(match (why, ours.stat) {
                (Idle::Refused(_), Some(stat)) if evidence.path.as_ref() == Some(&ours.path) => {
                    Gap::fixed_by(evidence, restat(&ours.path, stat))
                }
                (why, _) => {
                    let advice = format!("{}; correct that by hand", why.reason());
                    Gap::no_remedy(evidence, advice)
                }
            });
        }
        if !unlisted.is_empty() {
            gaps.extend(self.new_stanza(root, pending, unlisted)?);
        }
        Ok(())
    }

    /// The gaps that a stanza of our own closes.
    fn new_stanza(
        &self,
        root: &dyn Rootfs,
        pending: Vec<Change>,
        files: Vec<String>,
    ) -> Result<Vec<Gap>> {
        let evidence =
            |file: &String| Evidence::at(&self.file).want(format!("a stanza for {file}"));
        let log = |file: &String| Subject::new(SubjectKind::Path, file);
        let refuse = |why: &str, files: &[String]| -> Vec<Gap> {
            files.iter().map(|f| Gap::no_remedy(evidence(f), why).about(log(f))).collect()
        };
        let (plain, odd): (Vec<String>, Vec<String>) =
            files.into_iter().partition(|f| !f.contains(|c: char| " \t\"'\\*?[{}".contains(c)));
        let mut gaps = refuse("its name cannot be listed as it is; add a stanza by hand", &odd);
        if plain.is_empty() {
            return Ok(gaps);
        }
        let path = match destination::file(root, &self.file)? {
            Destination::At(path) => path,
            Destination::Refused(why) => {
                gaps.extend(refuse(&why.to_string(), &plain));
                return Ok(gaps);
            }
        };
        let mut lines = Lines::new(&root.read(&path)?.unwrap_or_default());
        let group = AccountDb::read(root)?.gid("syslog").is_some();
        for line in stanza(&plain, group) {
            lines.push(&line);
        }
        let change = Change::write(&path, lines.to_string());
        let all: Vec<Change> = pending.into_iter().chain([change.clone()]).collect();
        let helps = preview::with(root, &all).and_then(|staged| {
            let reader = RotationReader::read(&staged, &plain, &ImagePath::parse(CONF)?)?;
            Ok(plain.iter().all(|f| reader.covered.contains_key(f)))
        });
        gaps.extend(if helps.unwrap_or(false) {
            Gap::closed_together(plain.iter().map(|f| (log(f), evidence(f))), vec![change])
        } else {
            let why = format!("logrotate would not use a stanza in {}; add one by hand", self.file);
            refuse(&why, &plain)
        });
        Ok(gaps)
    }
}

fn stanza(files: &[String], syslog_group: bool) -> Vec<String> {
    let mut lines = vec!["# Log files of the drop-in in /etc/rsyslog.d.".to_owned()];
    lines.extend(files.iter().cloned());
    lines.push("{".to_owned());
    // logrotate needs `su` where the group may write to the directory of the logs.
    if syslog_group {
        lines.push("\tsu root syslog".to_owned());
    }
    for line in [
        "daily",
        "rotate 7",
        "maxsize 50M",
        "missingok",
        "notifempty",
        "compress",
        "delaycompress",
        "sharedscripts",
        "postrotate",
        "\tsystemctl kill -s HUP rsyslog.service >/dev/null 2>&1 || true",
        "endscript",
    ] {
        lines.push(format!("\t{line}"));
    }
    lines.push("}".to_owned());
    lines
}

fn parse(path: &ImagePath, text: &str) -> Result<Vec<Item>> {
    logrotate::parse(text).map_err(|bad| Error::Syntax {
        path: path.clone(),
        line: bad.line,
        found: bad.found,
        want: bad.want,
    })
}

fn restat(path: &ImagePath, stat: Stat) -> Change {
    let mode = (stat.mode & 0o644) | 0o400;
    Change::SetStat { path: path.clone(), mode: Some(mode), uid: Some(0), gid: None }
}

fn ignored_conf(root: &dyn Rootfs, conf: &ImagePath) -> Result<Option<Gap>> {
    let at = root.locate(conf)?;
    let Some((stat, why)) = at.stat.and_then(|s| Some((s, refused(&s)?))) else { return Ok(None) };
    let evidence = Evidence::at(&at.path).found(why).want("root's, mode 0644");
    Ok(Some(match destination::file(root, conf)? {
        Destination::At(path) => Gap::fixed_by(evidence, restat(&path, stat)),
        Destination::Refused(why) => Gap::no_remedy(evidence, why),
    }))
}

/// The period that is in force at the end of the main file, or the gap.
fn period(
    root: &dyn Rootfs,
    conf: &ImagePath,
    text: &str,
    items: &[Item],
) -> Result<Result<Evidence, Gap>> {
    let globals = || {
        items.iter().filter_map(|item| match item {
            Item::Global(directive) => Some(directive),
            Item::Stanza(_) => None,
        })
    };
    // Each of them takes the place of the one before.
    let last = globals().rfind(|d| d.is_period() || d.name == "size");
    if let Some(period) = last.filter(|d| d.is_period()) {
        foreign::judged(conf, period.line, &period.value)?;
        let evidence = Evidence::at(conf).line(period.line).found(&period.name);
        return Ok(Ok(evidence.want("a period")));
    }
    let evidence = Evidence::at(conf).want("a period (daily, weekly, …)");
    if let Some(size) = last {
        let evidence = evidence.line(size.line).found(format!("size {}", size.value));
        let why = "rotation goes by size here; state a period by hand, with maxsize beside it";
        return Ok(Err(Gap::no_remedy(evidence, why)));
    }
    // It must stand before whatever it is to hold for.
    let first = items.iter().find(|item| match item {
        Item::Global(directive) => directive.name == "include",
        Item::Stanza(_) => true,
    });
    let mut lines = Lines::new(text);
    lines.insert(first.map_or(lines.len() + 1, Item::line), "weekly");
    Ok(Err(rewrite::gap(root, evidence, conf, lines.to_string(), 0o644)?))
}

/// Where the main file includes the directory, or the gap.
fn reads_directory(
    root: &dyn Rootfs,
    conf: &ImagePath,
    text: &str,
    items: &[Item],
) -> Result<Result<Evidence, Gap>> {
    let dir = ImagePath::parse(DIR)?;
    for item in items {
        if let Item::Global(directive) = item
            && directive.name == "include"
            && ImagePath::parse(&directive.value).is_ok_and(|p| p == dir)
        {
            let found = format!("include {}", directive.value);
            return Ok(Ok(Evidence::at(conf).line(directive.line).found(found)));
        }
    }
    let evidence = Evidence::at(conf).want(format!("include {DIR}"));
    let mut lines = Lines::new(text);
    lines.push(&format!("include {DIR}"));
    Ok(Err(rewrite::gap(root, evidence, conf, lines.to_string(), 0o644)?))
}
