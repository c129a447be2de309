//! Logs are rotated: a period, a trigger, and a stanza for every log file that hardening adds.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::unit_files::{Fragment, fragment};
use super::{Evidence, Finding, Fix, Gap, Primitive, dpkg, rewrite, trial};
use crate::error::{Error, Result};
use crate::rootfs::{AccountDb, Change, FileKind, ImagePath, Rootfs, Stat};
use crate::text::logrotate::{self, Item, TABOO};
use crate::text::rsyslog::{self, Target};
use crate::text::{Lines, fnmatch, path_glob};

/// logrotate has a period, reads `/etc/logrotate.d`, is started by itself, and knows every log
/// file that the rsyslog drop-in `logs_of` writes.
///
/// Log files that no stanza lists get one in `file`. A file that any stanza lists already is
/// never listed again: logrotate gives up the rest of the file that lists it a second time.
/// Whether the package is there is not asked here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogRotation {
    /// The rsyslog drop-in whose log files must be rotated.
    pub logs_of: ImagePath,
    /// The file below `/etc/logrotate.d` for stanzas of our own.
    pub file: ImagePath,
}

const CONF: &str = "/etc/logrotate.conf";
const DIR: &str = "/etc/logrotate.d";
/// Includes within includes; logrotate gives up there too.
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 2_000;
/// A drop-in writes at most this many log files; real ones a dozen.
const MAX_LOGS: usize = 500;

impl Primitive for LogRotation {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
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
        // A stanza of ours is of use once its directory is read.
        let mut pending = Vec::new();
        match reads_directory(root, &conf, &text, &items)? {
            Ok(evidence) => holding.push(evidence),
            Err(gap) => {
                if let Fix::Changes(changes) = &gap.fix {
                    pending.clone_from(changes);
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
        let soon = trial::with(root, &pending)?;
        let mut reader = Reader::new(&soon, &wanted);
        reader.path(&ImagePath::parse(CONF)?)?;
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
        let refuse = |why: &str, files: &[String]| -> Vec<Gap> {
            files.iter().map(|f| Gap::no_remedy(evidence(f), why)).collect()
        };
        let (plain, odd): (Vec<String>, Vec<String>) =
            files.into_iter().partition(|f| !f.contains(|c: char| " \t\"'\\*?[{}".contains(c)));
        let mut gaps = refuse("its name cannot be listed as it is; add a stanza by hand", &odd);
        if plain.is_empty() {
            return Ok(gaps);
        }
        let path = match rewrite::place(root, &self.file)? {
            rewrite::Place::At(path) => path,
            rewrite::Place::Refused(why) => {
                gaps.extend(refuse(&why, &plain));
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
        let helps = trial::with(root, &all).and_then(|staged| {
            let mut reader = Reader::new(&staged, &plain);
            reader.path(&ImagePath::parse(CONF)?)?;
            Ok(plain.iter().all(|f| reader.covered.contains_key(f)))
        });
        gaps.extend(if helps.unwrap_or(false) {
            Gap::closed_together(plain.iter().map(evidence), vec![change])
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
    // Where the directory of the logs is the group's too, logrotate wants to be told as whom.
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

/// Why logrotate passes over a configuration file, going by its owner and mode.
fn refused(stat: &Stat) -> Option<String> {
    if stat.uid != 0 {
        return Some(format!("owner {} (logrotate takes root's files alone)", stat.uid));
    }
    // Readable by root; not writable by others; not executable, and no special bits.
    (stat.mode & 0o7533 != 0o400)
        .then(|| format!("mode {:04o} (logrotate takes 0644 or tighter alone)", stat.mode))
}

fn restat(path: &ImagePath, stat: Stat) -> Change {
    let mode = (stat.mode & 0o644) | 0o400;
    Change::SetStat { path: path.clone(), mode: Some(mode), uid: Some(0), gid: None }
}

fn ignored_conf(root: &dyn Rootfs, conf: &ImagePath) -> Result<Option<Gap>> {
    let at = root.locate(conf)?;
    let Some((stat, why)) = at.stat.and_then(|s| Some((s, refused(&s)?))) else { return Ok(None) };
    let evidence = Evidence::at(&at.path).found(why).want("root's, mode 0644");
    Ok(Some(match rewrite::place(root, conf)? {
        rewrite::Place::At(path) => Gap::fixed_by(evidence, restat(&path, stat)),
        rewrite::Place::Refused(why) => Gap::no_remedy(evidence, why),
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
    if let Some(period) = globals().rfind(|d| d.is_period()) {
        let evidence = Evidence::at(conf).line(period.line).found(&period.name);
        return Ok(Ok(evidence.want("a period")));
    }
    let evidence = Evidence::at(conf).want("a period (daily, weekly, …)");
    if let Some(size) = globals().find(|d| d.name == "size") {
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

/// An include that names nothing: logrotate gives up the whole file that holds it.
fn lost_include(root: &dyn Rootfs, items: &[Item]) -> Result<Option<(usize, String)>> {
    for item in items {
        let Item::Global(directive) = item else { continue };
        let there = match ImagePath::parse(&directive.value) {
            _ if directive.name != "include" => true,
            Ok(path) => root.locate(&path)?.stat.is_some(),
            Err(_) => false,
        };
        if !there {
            return Ok(Some((directive.line, directive.value.clone())));
        }
    }
    Ok(None)
}

/// What starts logrotate, or the gap.
fn trigger(root: &dyn Rootfs) -> Result<Result<Evidence, Gap>> {
    let mut notes = Vec::new();
    for job in ["/etc/cron.daily/logrotate", "/etc/cron.hourly/logrotate"] {
        let path = ImagePath::parse(job)?;
        match root.locate(&path)?.stat {
            Some(s) if s.kind == FileKind::File && s.mode & 0o111 != 0 && s.size > 0 => {
                return Ok(Ok(Evidence::at(&path).found(format!("mode {:04o}", s.mode))));
            }
            Some(s) => notes.push(format!("{job} is a {} of mode {:04o}", s.kind, s.mode)),
            None => {}
        }
    }
    for dir in ["timers", "multi-user", "basic"] {
        let dir = ImagePath::parse(format!("/etc/systemd/system/{dir}.target.wants"))?;
        if root.locate(&dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
            continue;
        }
        for name in root.list(&dir)?.unwrap_or_default() {
            let Some(timer) = name.to_str().filter(|n| is_timer(n)) else { continue };
            match fragment(root, timer, false)? {
                Fragment::File(unit) => {
                    let link = dir.join(&name)?;
                    return Ok(Ok(Evidence::at(&link).found(format!("{timer} enabled ({unit})"))));
                }
                Fragment::Masked(by) => notes.push(format!("{timer} is masked by {by}")),
                Fragment::Missing | Fragment::Generated => {
                    notes.push(format!("{timer} is enabled, but there is no such unit"));
                }
            }
        }
    }
    let evidence = Evidence::at(&ImagePath::parse("/etc/cron.daily/logrotate")?)
        .want("an executable job there, or logrotate.timer enabled");
    let evidence = if notes.is_empty() { evidence } else { evidence.found(notes.join("; ")) };
    let advice = "nothing starts logrotate: run `chmod 0755 /etc/cron.daily/logrotate`, \
                  or `systemctl enable logrotate.timer` where there is one";
    Ok(Err(Gap::no_remedy(evidence, advice)))
}

/// `logrotate.timer`, or one of a product's own such as `aks-logrotate.timer`.
fn is_timer(name: &str) -> bool {
    name == "logrotate.timer" || name.ends_with("-logrotate.timer")
}

/// Why a stanza that lists a file does not count.
enum Idle {
    /// Its file has a wrong owner or mode.
    Refused(String),
    /// Its file is malformed, or logrotate has given it up before this stanza.
    Lost(String),
}

impl Idle {
    fn reason(&self) -> &str {
        match self {
            Idle::Refused(why) | Idle::Lost(why) => why,
        }
    }
}

/// Goes through the configuration as logrotate does, with an eye on some log files.
struct Reader<'a> {
    root: &'a dyn Rootfs,
    wanted: &'a [String],
    taboo: Vec<String>,
    /// Every path that a stanza in force lists, as far as that can be told without the log files.
    listed: BTreeSet<String>,
    covered: BTreeMap<String, Evidence>,
    idle: BTreeMap<String, (Evidence, Idle)>,
    depth: usize,
    files: usize,
}

impl<'a> Reader<'a> {
    fn new(root: &'a dyn Rootfs, wanted: &'a [String]) -> Reader<'a> {
        Reader {
            root,
            wanted,
            taboo: TABOO.iter().map(|t| format!("*{t}")).collect(),
            listed: BTreeSet::new(),
            covered: BTreeMap::new(),
            idle: BTreeMap::new(),
            depth: 0,
            files: 0,
        }
    }

    /// Reads a file, or the files of a directory.
    fn path(&mut self, path: &ImagePath) -> Result<()> {
        match self.root.locate(path)?.stat.map(|s| s.kind) {
            Some(FileKind::Dir) => {
                for name in self.root.list(path)?.unwrap_or_default() {
                    let passed_over = match name.to_str() {
                        Some(name) => self.taboo.iter().any(|t| fnmatch::fnmatch(t, name)),
                        None => true,
                    };
                    if !passed_over {
                        self.file(&path.join(&name)?)?;
                    }
                }
                Ok(())
            }
            _ => self.file(path),
        }
    }

    fn file(&mut self, path: &ImagePath) -> Result<()> {
        let at = self.root.locate(path)?;
        let Some(stat) = at.stat.filter(|s| s.kind == FileKind::File) else { return Ok(()) };
        self.files += 1;
        if self.depth >= MAX_DEPTH || self.files > MAX_FILES {
            return Err(Error::Syntax {
                path: at.path,
                line: 1,
                found: format!("more than {MAX_DEPTH} levels or {MAX_FILES} files of includes"),
                want: "includes that end",
            });
        }
        let Some(text) = self.root.read(&at.path)? else { return Ok(()) };
        let (items, mut idle) = match logrotate::parse(&text) {
            Ok(items) => (items, refused(&stat).map(Idle::Refused)),
            Err(bad) => {
                let why =
                    format!("{}:{}: found {}, want {}", at.path, bad.line, bad.found, bad.want);
                // What stands before the fault is passed over with the rest.
                let before: String =
                    text.split_inclusive('\n').take(bad.line.saturating_sub(1)).collect();
                (logrotate::parse(&before).unwrap_or_default(), Some(Idle::Lost(why)))
            }
        };
        if idle.is_none()
            && let Some((line, value)) = lost_include(self.root, &items)?
        {
            let why = format!("{}:{line} includes {value}, which is not there", at.path);
            idle = Some(Idle::Lost(why));
        }
        self.depth += 1;
        for item in items {
            match item {
                Item::Global(directive) if idle.is_none() => self.global(&directive)?,
                Item::Global(_) => {}
                Item::Stanza(stanza) => {
                    let evidence = Evidence::at(&at.path).line(stanza.line);
                    for pattern in &stanza.patterns {
                        self.pattern(pattern, &evidence, &mut idle);
                    }
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn global(&mut self, directive: &logrotate::Directive) -> Result<()> {
        match directive.name.as_str() {
            "include" => match ImagePath::parse(&directive.value) {
                Ok(path) => self.path(&path),
                Err(_) => Ok(()),
            },
            "tabooext" | "taboopat" => {
                let star = if directive.name == "tabooext" { "*" } else { "" };
                let value = match directive.value.strip_prefix('+') {
                    Some(more) => more,
                    None => {
                        self.taboo.clear();
                        &directive.value
                    }
                };
                let words = value.split(|c: char| c == ',' || c.is_ascii_whitespace());
                self.taboo
                    .extend(words.filter(|w| !w.is_empty()).map(|word| format!("{star}{word}")));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn pattern(&mut self, pattern: &str, evidence: &Evidence, idle: &mut Option<Idle>) {
        let mut names: Vec<&str> = self
            .wanted
            .iter()
            .map(String::as_str)
            .filter(|w| path_glob::matches(pattern, w))
            .collect();
        if names.is_empty() {
            names.push(pattern);
        }
        for name in names {
            if idle.is_none() && !self.listed.insert(name.to_owned()) {
                let at = evidence.path.as_ref().map(ToString::to_string).unwrap_or_default();
                *idle = Some(Idle::Lost(format!(
                    "{at}:{} lists {name} a second time, so logrotate gives up the rest of that file",
                    evidence.line.unwrap_or(0)
                )));
                continue;
            }
            let found = evidence.clone().found(pattern);
            match idle {
                None => {
                    self.covered.entry(name.to_owned()).or_insert(found);
                }
                Some(why) => {
                    let why = match why {
                        Idle::Refused(w) => Idle::Refused(w.clone()),
                        Idle::Lost(w) => Idle::Lost(w.clone()),
                    };
                    self.idle.entry(name.to_owned()).or_insert((found, why));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::settled::{changed, fixes, reasons, settle};
    use super::*;
    use crate::check::Outcome;
    use crate::rootfs::MemoryRootfs;

    const LOGS: &str = "/etc/rsyslog.d/60-CIS.conf";
    const FILE: &str = "/etc/logrotate.d/60-CIS";
    const STOCK: &str = "weekly\nsu root syslog\nrotate 4\ncreate\ninclude /etc/logrotate.d\n";

    fn want() -> LogRotation {
        LogRotation {
            logs_of: ImagePath::parse(LOGS).unwrap(),
            file: ImagePath::parse(FILE).unwrap(),
        }
    }

    fn bare() -> MemoryRootfs {
        MemoryRootfs::new()
            .file("/var/lib/dpkg/status", "Package: logrotate\nStatus: install ok installed\n")
            .file(CONF, STOCK)
            .dir(DIR, 0o755, 0, 0)
    }

    fn root() -> MemoryRootfs {
        bare().file_with("/etc/cron.daily/logrotate", "#!/bin/sh\n", 0o755, 0, 0)
    }

    fn outcome(root: &MemoryRootfs) -> Outcome {
        want().audit(root).map_or(Outcome::Unknown, |f| f.outcome())
    }

    fn why(root: &MemoryRootfs) -> String {
        let finding = want().audit(root).unwrap();
        assert!(fixes(&finding).is_empty(), "{finding:?}");
        reasons(&finding).join("; ")
    }

    #[test]
    fn the_main_file() {
        for (conf, want) in [
            (STOCK, Outcome::Met),
            ("daily\r\ninclude /etc/logrotate.d/\r\n", Outcome::Met),
            ("include = /etc/logrotate.d\nmonthly", Outcome::Met),
            ("", Outcome::NotMet),
            ("#weekly\ninclude /etc/logrotate.d\n", Outcome::NotMet),
            ("weeklyx\ninclude /etc/logrotate.d\n", Outcome::NotMet),
            ("Weekly\ninclude /etc/logrotate.d\n", Outcome::NotMet),
            ("/x {\nweekly\n}\ninclude /etc/logrotate.d\n", Outcome::NotMet),
            ("weekly\n#include /etc/logrotate.d\n", Outcome::NotMet),
            ("weekly\ninclude /etc/logrotate.d2\n", Outcome::NotMet),
            ("size 10M\ninclude /etc/logrotate.d\n", Outcome::NotMet),
            ("weekly\n}\n", Outcome::Unknown),
        ] {
            assert_eq!(outcome(&root().file(CONF, conf)), want, "{conf:?}");
        }
        let after = |conf: &str| {
            let root = root().file(CONF, conf);
            changed(&settle(&want(), &root))[0].1.clone()
        };
        assert_eq!(after(""), "weekly\ninclude /etc/logrotate.d\n");
        assert_eq!(
            after("rotate 4\r\n/x {\r\n}"),
            "rotate 4\r\nweekly\r\n/x {\r\n}\r\ninclude /etc/logrotate.d\r\n"
        );
        assert!(why(&root().file(CONF, "size 1M\ninclude /etc/logrotate.d\n")).contains("by size"));
        assert_eq!(outcome(&root().without(CONF)), Outcome::NotMet);
        assert_eq!(outcome(&root().link(CONF, "logrotate.conf")), Outcome::Unknown);
        let absent = root().file("/var/lib/dpkg/status", "");
        assert_eq!(outcome(&absent), Outcome::MetVacuously);
    }

    #[test]
    fn the_trigger() {
        let wants = "/etc/systemd/system/timers.target.wants/logrotate.timer";
        let unit = "/lib/systemd/system/logrotate.timer";
        let timer = || bare().link(wants, unit).file(unit, "[Timer]\n");
        assert_eq!(outcome(&root()), Outcome::Met);
        assert_eq!(outcome(&timer()), Outcome::Met);
        let hourly = bare().file_with("/etc/cron.hourly/logrotate", "x", 0o700, 0, 0);
        assert_eq!(outcome(&hourly), Outcome::Met);
        let aks = bare()
            .link(
                "/etc/systemd/system/multi-user.target.wants/aks-logrotate.timer",
                "../aks-logrotate.timer",
            )
            .file("/etc/systemd/system/aks-logrotate.timer", "[Timer]\n");
        assert_eq!(outcome(&aks), Outcome::Met);

        let advice = why(&bare());
        assert!(advice.starts_with("nothing starts logrotate"), "{advice}");
        for off in [
            bare().file("/etc/cron.daily/logrotate", "#!/bin/sh\n"),
            bare().link(wants, unit),
            bare().file(unit, "[Timer]\n"),
            timer().link("/etc/systemd/system/logrotate.timer", "/dev/null"),
            timer().file("/etc/systemd/system/logrotate.timer", ""),
            timer().without(wants).link(&wants.replace("logrotate", "fstrim"), unit),
        ] {
            assert_eq!(outcome(&off), Outcome::NotMet);
        }
    }

    #[test]
    fn every_log_of_the_drop_in_is_listed_once() {
        let root = root()
            .file(
                LOGS,
                "mail.* -/var/log/mail\n*.crit /var/log/warn\nnews.* -/var/log/news/err\n\
                         *.emerg :omusrmsg:*\nuser.* /var/log/user.log\n*.=err /var/log/warn\n\
                         local0.* /var/log/dir\nlocal1.* /dev/console\n",
            )
            .dir("/var/log/dir", 0o755, 0, 0)
            .file("/etc/logrotate.d/rsyslog", "/var/log/user.log\n/var/log/news/*\n{\n}\n");
        let staged = settle(&want(), &root);
        let [(path, text)] = &changed(&staged)[..] else { panic!() };
        assert_eq!(path, FILE);
        assert!(text.contains(".\n/var/log/mail\n/var/log/warn\n{\n\tdaily\n"), "{text}");
        assert!(!text.contains("su root"), "no such group");
        let Finding::Met(evidence) = want().audit(&staged).unwrap() else { panic!() };
        assert_eq!(evidence.len(), 3 + 4);

        let grouped = root.clone().file("/etc/group", "root:x:0:\nsyslog:x:106:\n");
        assert!(changed(&settle(&want(), &grouped))[0].1.contains("{\n\tsu root syslog\n"));

        let more = root.file(FILE, "/var/log/mail {\nrotate 5\n}");
        let text = &changed(&settle(&want(), &more))[0].1;
        assert!(text.starts_with("/var/log/mail {\nrotate 5\n}\n# Log files"), "{text}");
        assert!(text.contains(".\n/var/log/warn\n{\n"), "{text}");
    }

    #[test]
    fn stanzas_that_do_not_count() {
        let logs = root().file(LOGS, "mail.* /var/log/mail\n");
        let own = "/var/log/mail {\n}\n";
        for passed_over in ["old.dpkg-old", "old~", "x.disabled"] {
            let root = logs.clone().file(&format!("{DIR}/{passed_over}"), own);
            assert_eq!(changed(&settle(&want(), &root))[0].0, FILE, "{passed_over}");
        }
        let backup = logs.clone().file(&format!("{DIR}/x.bak"), own);
        assert_eq!(outcome(&backup), Outcome::Met, "it is read like any other");

        let loose = logs.clone().file_with(&format!("{DIR}/x"), own, 0o664, 0, 0);
        assert!(why(&loose).starts_with("mode 0664 "));
        let foreign = logs.clone().file_with(&format!("{DIR}/x"), own, 0o644, 7, 0);
        assert!(why(&foreign).starts_with("owner 7 "));
        let ours = logs.clone().file_with(FILE, own, 0o755, 0, 0);
        let stat = settle(&want(), &ours).stat(&ImagePath::parse(FILE).unwrap()).unwrap();
        assert_eq!(stat.unwrap().mode, 0o644);
        let conf = root().file_with(CONF, STOCK, 0o666, 0, 0);
        assert_eq!(settle(&want(), &conf).changes().unwrap().len(), 1);

        let twice = logs
            .clone()
            .file(&format!("{DIR}/a"), "/var/log/x {\n}\n")
            .file(&format!("{DIR}/b"), "/var/log/x {\n}\n/var/log/mail {\n}\n");
        assert!(why(&twice).starts_with("/etc/logrotate.d/b:1 lists /var/log/x a second time"));
        let broken = logs.clone().file(&format!("{DIR}/x"), "/var/log/mail {\n}\n}\n");
        assert!(why(&broken).contains("want no `}` outside of a stanza"));
        let odd = root().file(LOGS, "action(type=\"omfile\" file=\"/var/log/a b\")\n");
        assert!(why(&odd).contains("cannot be listed"));
        let linked = logs.link(FILE, "/usr/share/x");
        assert!(why(&linked).contains("leads to /usr/share/x"));
        let bad = root().file(LOGS, "action(\n");
        assert_eq!(outcome(&bad), Outcome::Unknown);
    }

    #[test]
    fn includes_without_end() {
        let itself = root().file(CONF, format!("{STOCK}include {CONF}\n"));
        assert_eq!(outcome(&itself), Outcome::Unknown);
        for nowhere in ["relative", "/none", ""] {
            let nowhere = root().file(CONF, format!("{STOCK}include {nowhere}\n"));
            assert!(why(&nowhere).contains("gives up the whole file"));
        }
        let lost = root()
            .file(LOGS, "mail.* /var/log/mail\n")
            .file(&format!("{DIR}/x"), "/var/log/mail {\n}\ninclude /none\n");
        assert!(why(&lost).starts_with("/etc/logrotate.d/x:3 includes /none, which is not there"));
        let unread = root()
            .file(CONF, "rotate 4\n")
            .file(LOGS, "mail.* /var/log/mail\nkern.* /var/log/kern.log\n")
            .file(&format!("{DIR}/rsyslog"), "/var/log/kern.log {\n}\n");
        let after = changed(&settle(&want(), &unread));
        assert_eq!(after[0].1, "rotate 4\nweekly\ninclude /etc/logrotate.d\n");
        assert!(after[1].1.contains(".\n/var/log/mail\n{\n"), "{}", after[1].1);
        assert_eq!(after[1].1.matches('{').count(), 1);
        let taboo = root()
            .file(LOGS, "mail.* /var/log/mail\n")
            .file(CONF, format!("tabooext + .mine, .other\n{STOCK}"))
            .file(&format!("{DIR}/x.mine"), "/var/log/mail {\n}\n");
        assert_eq!(outcome(&taboo), Outcome::NotMet);
        assert_eq!(changed(&settle(&want(), &taboo))[0].0, FILE);
    }
}
