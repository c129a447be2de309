//! Logs are rotated: a period, a trigger, and a stanza for every log file that hardening adds.
//!
//! `reader` goes through the configuration as logrotate does, `refusals` says what it refuses there,
//! `su` whether it may write where the logs are, `trigger` looks for what starts it;
//! the main file's own settings and stanzas of our own are here.

mod reader;
mod refusals;
mod su;
#[cfg(test)]
mod tests;
mod trigger;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use self::reader::{Idle, RotationReader, lost_include, refused};
use self::trigger::trigger;
use crate::check::chain;
use crate::check::common::destination::{self, Destination};
use crate::check::common::{preview, remedy};
use crate::check::logs::messages;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Fix, Gap, Primitive};
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

const DIR: &str = "/etc/logrotate.d";
/// A drop-in writes at most this many log files; real ones a dozen.
const MAX_LOGS: usize = 500;

impl Primitive for LogRotation {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::followed("logrotate")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "logrotate")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let conf = chain::main_file(audit, "logrotate")?;
        let Some(text) = root.read(&conf)? else {
            let evidence = Evidence::at(&conf).want(messages::wants_configuration("logrotate"));
            let advice = messages::configuration_missing(&conf, "logrotate");
            let gap = remedy::none(audit, Subject::path(&conf), evidence, advice);
            return Ok(Finding::from_gaps(vec![gap], Vec::new()));
        };
        let items = parse(&conf, &text)?;
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        if let Some(gap) = ignored_conf(audit, &conf)? {
            gaps.push(gap);
        }
        if let Some((line, value)) = lost_include(root, &items)? {
            let evidence = Evidence::at(&conf).line(line).found(format!("include {value}"));
            let evidence = evidence.want(messages::wants_include_target());
            let subject = Subject::directive(format!("include {value}"));
            let why = messages::include_lost(&conf, line, value);
            gaps.push(remedy::none(audit, subject, evidence, messages::correct_by_hand(why)));
        }
        if let Some((directive, why)) = refusals::refused_global(root, &conf, &items)? {
            let found = format!("{} {}", directive.name, directive.value);
            let evidence = Evidence::at(&conf).line(directive.line).found(&found);
            let evidence = evidence.want(messages::wants_accepted());
            let why = messages::correct_by_hand(why);
            gaps.push(remedy::none(audit, Subject::directive(found), evidence, why));
        }
        match period(audit, &conf, &text, &items)? {
            Ok(evidence) => holding.push(evidence),
            Err(gap) => gaps.push(gap),
        }
        // A stanza of ours has an effect only where its directory is read.
        let mut pending = Vec::new();
        match reads_directory(audit, &conf, &text, &items)? {
            Ok(evidence) => holding.push(evidence),
            Err(gap) => {
                if let Fix::Changes(changes) = &gap.fix {
                    pending = changes.to_vec();
                }
                gaps.push(gap);
            }
        }
        match trigger(audit)? {
            Some(Ok(evidence)) => holding.push(evidence),
            Some(Err(gap)) => gaps.push(gap),
            None => {}
        }
        self.coverage(audit, (&conf, &text, &items), pending, &mut gaps, &mut holding)?;
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
        audit: &Audit<'_>,
        (conf, text, items): (&ImagePath, &str, &[Item]),
        pending: Vec<Change>,
        gaps: &mut Vec<Gap>,
        holding: &mut Vec<Evidence>,
    ) -> Result<()> {
        let root = audit.root();
        let wanted = self.wanted(root)?;
        // What the directory lists already must not be listed again, though it is not read yet.
        let soon = preview::with(root, &pending)?;
        let reader = RotationReader::read(&soon, &wanted, conf)?;
        for (dir, (evidence, stat)) in &reader.insecure {
            gaps.push(su::gap(audit, conf, text, items, dir, (evidence, stat))?);
        }
        for (evidence, why, names) in reader.dropped() {
            let evidence = evidence.clone().found(names.join(" "));
            let evidence = evidence.want(messages::wants_accepted());
            let subject = names.first().map_or_else(|| Subject::path(conf), |name| log(name));
            let why = messages::correct_by_hand(why.clone());
            gaps.push(remedy::none(audit, subject, evidence, why));
        }
        let mut unlisted = Vec::new();
        for file in &wanted {
            if let Some(evidence) = reader.covered.get(file) {
                holding.push(evidence.clone().want(messages::wants_stanza(file)));
                continue;
            }
            let Some((evidence, why)) = reader.idle.get(file) else {
                unlisted.push(file.clone());
                continue;
            };
            let evidence = evidence.clone().want(messages::wants_stanza_in_force(file));
            let ours = root.locate(&self.file)?;
            gaps.push(match (why, ours.stat) {
                (Idle::Refused(_), Some(stat)) if evidence.path.as_ref() == Some(&ours.path) => {
                    remedy::change(audit, log(file), evidence, restat(&ours.path, stat))
                }
                (why, _) => {
                    let advice = messages::correct_by_hand(why.reason());
                    remedy::none(audit, log(file), evidence, advice)
                }
            });
        }
        if !unlisted.is_empty() {
            gaps.extend(self.new_stanza(audit, pending, unlisted)?);
        }
        Ok(())
    }

    /// The gaps that a stanza of our own closes.
    fn new_stanza(
        &self,
        audit: &Audit<'_>,
        pending: Vec<Change>,
        files: Vec<String>,
    ) -> Result<Vec<Gap>> {
        let root = audit.root();
        let mut gaps = Vec::new();
        let mut plain = Vec::new();
        let evidence = |file: &String| Evidence::at(&self.file).want(messages::wants_stanza(file));
        for file in files {
            let why = if let Some(exclusion) = audit.excluded_in(&log(&file), &self.file) {
                exclusion.cause.clone()
            } else if file.contains(|c: char| " \t\"'\\*?[{}".contains(c)) {
                messages::name_not_listable(&file)
            } else {
                plain.push(file);
                continue;
            };
            gaps.push(Gap::no_remedy(evidence(&file), why).about(log(&file)));
        }
        if plain.is_empty() {
            return Ok(gaps);
        }
        let path = match destination::file(root, &self.file)? {
            Destination::At(path) => path,
            Destination::Refused(why) => {
                let refused = |f: &String| Gap::no_remedy(evidence(f), why.clone()).about(log(f));
                gaps.extend(plain.iter().map(refused));
                return Ok(gaps);
            }
        };
        let mut lines = Lines::new(&root.read(&path)?.unwrap_or_default());
        let group = AccountDb::read(root)?.gid("syslog").is_some();
        for line in stanza(&plain, group) {
            lines.push(&line);
        }
        let change = Change::write(&path, lines.to_string());
        let conf = chain::main_file(audit, "logrotate")?;
        let all: Vec<Change> = pending.into_iter().chain([change.clone()]).collect();
        let helps = preview::with(root, &all).and_then(|staged| {
            let reader = RotationReader::read(&staged, &plain, &conf)?;
            Ok(plain.iter().all(|f| reader.covered.contains_key(f)))
        });
        gaps.extend(if helps.unwrap_or(false) {
            Gap::closed_together(plain.iter().map(|f| (log(f), evidence(f))), vec![change])
        } else {
            let unused = |f: &String| {
                let why = messages::stanza_unused(f, &self.file);
                Gap::no_remedy(evidence(f), why).about(log(f))
            };
            plain.iter().map(unused).collect()
        });
        Ok(gaps)
    }
}

/// A log file that must be rotated.
fn log(file: &str) -> Subject {
    Subject::new(SubjectKind::Path, file)
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
    Change::set_stat(path, Some(mode), Some(0), None)
}

fn ignored_conf(audit: &Audit<'_>, conf: &ImagePath) -> Result<Option<Gap>> {
    let root = audit.root();
    let at = root.locate(conf)?;
    let Some((stat, why)) = at.stat.and_then(|s| Some((s, refused(&s)?))) else { return Ok(None) };
    let evidence = Evidence::at(&at.path).found(why).want(messages::wants_owner_and_mode());
    let subject = Subject::path(conf);
    Ok(Some(match destination::file(root, conf)? {
        Destination::At(path) => remedy::change(audit, subject, evidence, restat(&path, stat)),
        Destination::Refused(why) => remedy::none(audit, subject, evidence, why),
    }))
}

/// The period that is in force at the end of the main file, or the gap.
fn period(
    audit: &Audit<'_>,
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
        return Ok(Ok(evidence.want(messages::wants_period())));
    }
    let evidence = Evidence::at(conf).want(messages::wants_period());
    let subject = Subject::directive("weekly");
    if let Some(size) = last {
        let evidence = evidence.line(size.line).found(format!("size {}", size.value));
        let why = messages::rotates_by_size(conf, size.line);
        return Ok(Err(remedy::none(audit, subject, evidence, why)));
    }
    // It must stand before whatever it is to hold for.
    let first = items.iter().find(|item| match item {
        Item::Global(directive) => directive.name == "include",
        Item::Stanza(_) => true,
    });
    let mut lines = Lines::new(text);
    lines.insert(first.map_or(lines.len() + 1, Item::line), "weekly");
    Ok(Err(remedy::rewrite(audit, subject, evidence, conf, lines.to_string(), 0o644)?))
}

/// Where the main file includes the directory, or the gap.
fn reads_directory(
    audit: &Audit<'_>,
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
    let include = format!("include {DIR}");
    let evidence = Evidence::at(conf).want(&include);
    let mut lines = Lines::new(text);
    lines.push(&include);
    let subject = Subject::directive(include);
    Ok(Err(remedy::rewrite(audit, subject, evidence, conf, lines.to_string(), 0o644)?))
}
