//! logrotate's way through its configuration: which stanzas are in force, and which log files they
//! list.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;

use super::refusals::{OldDir, refused_global, refused_in};
use crate::check::Evidence;
use crate::check::common::includes::{Budget, Limits};
use crate::check::logs::messages;
use crate::error::Result;
use crate::message::{Arg, Message};
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat};
use crate::text::logrotate::{self, Directive, Item, TABOO};
use crate::text::lossless::Raw;
use crate::text::pattern::{Wildcards, matches, path_matches};

/// logrotate itself gives up at this depth.
const LIMITS: Limits = Limits { levels: 16, files: 2_000 };

/// Why a stanza that lists a file does not count.
#[derive(Clone)]
pub(super) enum Idle {
    /// Its file has a wrong owner or mode.
    Refused(Message),
    /// Its file is malformed, logrotate has given it up before this stanza, or it drops the stanza.
    Lost(Message),
}

impl Idle {
    pub fn reason(&self) -> &Message {
        match self {
            Idle::Refused(why) | Idle::Lost(why) => why,
        }
    }
}

/// Reads the configuration as logrotate does, and notes what it says about some log files.
pub(super) struct RotationReader<'a> {
    root: &'a dyn Rootfs,
    wanted: &'a [String],
    taboo: Vec<String>,
    /// Every path that a stanza in force lists, as far as that can be determined without the log files.
    listed: BTreeSet<String>,
    /// The wanted ones that a stanza in force lists.
    pub covered: BTreeMap<String, Evidence>,
    /// Those that only stanzas list that do not count, and why not.
    pub idle: BTreeMap<String, (Evidence, Idle)>,
    /// Stanzas that logrotate drops, with the names that they list.
    dropped: Vec<(Evidence, Message, Vec<String>)>,
    /// Directories where logrotate skips logs for want of `su`, and the first stanza for one of them.
    pub insecure: BTreeMap<ImagePath, (Evidence, Stat)>,
    globals: Globals,
    budget: Budget,
}

/// What holds from where it stands on, for every stanza behind it.
#[derive(Default)]
struct Globals {
    su: bool,
    old_dir: OldDir,
}

impl<'a> RotationReader<'a> {
    /// Reads the configuration that begins in `main`, with an eye on `wanted`.
    ///
    /// # Errors
    /// A file that cannot be read, or an endless chain of includes.
    pub fn read(
        root: &'a dyn Rootfs,
        wanted: &'a [String],
        main: &ImagePath,
    ) -> Result<RotationReader<'a>> {
        let mut reader = RotationReader {
            root,
            wanted,
            taboo: TABOO.iter().map(|t| format!("*{t}")).collect(),
            listed: BTreeSet::new(),
            covered: BTreeMap::new(),
            idle: BTreeMap::new(),
            dropped: Vec::new(),
            insecure: BTreeMap::new(),
            globals: Globals::default(),
            budget: Budget::new(LIMITS, main),
        };
        reader.path(main)?;
        Ok(reader)
    }

    /// Reads a file, or the files of a directory.
    fn path(&mut self, path: &ImagePath) -> Result<()> {
        match self.root.locate(path)?.stat.map(|s| s.kind) {
            Some(FileKind::Dir) => {
                for name in self.root.list(path)?.unwrap_or_default().iter() {
                    let fits = |t: &String| matches(Wildcards::Libc, &t.raw(), name.as_bytes());
                    if !self.taboo.iter().any(fits) {
                        self.file(&path.join(name)?)?;
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
        let Some(text) = self.root.read(&at.path)? else { return Ok(()) };
        self.budget.enter(&at.path, text.len())?;
        let (items, mut idle) = match logrotate::parse(&text) {
            Ok(items) => {
                let why = |what| Idle::Refused(messages::file_refused(&at.path, what));
                (items, refused(&stat).map(why))
            }
            Err(bad) => {
                let said = Arg::cause(format!("found {}, want {}", bad.found, bad.want));
                let why = messages::malformed(&at.path, bad.line, said);
                // What stands before the fault is passed over with the rest.
                let before: String =
                    text.split_inclusive('\n').take(bad.line.saturating_sub(1)).collect();
                (logrotate::parse(&before).unwrap_or_default(), Some(Idle::Lost(why)))
            }
        };
        if idle.is_none()
            && let Some((line, value)) = lost_include(self.root, &items)?
        {
            idle = Some(Idle::Lost(messages::include_lost(&at.path, line, value)));
        }
        if idle.is_none() {
            let lost = match refused_global(self.root, &at.path, &items)? {
                Some((_, why)) => Some(why),
                None => self.globals.old_dir.clone().lost(self.root, &at.path, &items)?,
            };
            idle = lost.map(Idle::Lost);
        }
        for item in items {
            match item {
                Item::Global(directive) if idle.is_none() => {
                    self.budget.at(&at.path, directive.line);
                    self.global(&directive)?;
                }
                Item::Global(_) => {}
                Item::Stanza(stanza) => {
                    let evidence = Evidence::at(&at.path).line(stanza.line);
                    let counts = idle.is_none();
                    if counts && let Some(why) = refused_in(self.root, &at.path, &stanza)? {
                        let mut lost = Some(Idle::Lost(why.clone()));
                        for pattern in &stanza.patterns {
                            self.pattern(pattern, &evidence, &mut lost);
                        }
                        self.dropped.push((evidence, why, stanza.patterns));
                        continue;
                    }
                    for pattern in &stanza.patterns {
                        self.pattern(pattern, &evidence, &mut idle);
                    }
                    let switches = |d: &&Directive| d.name == "su" || d.name == "nosu";
                    let su = stanza.directives.iter().rfind(switches).map(|d| d.name == "su");
                    if counts && !su.unwrap_or(self.globals.su) {
                        for pattern in &stanza.patterns {
                            self.place(pattern, &evidence)?;
                        }
                    }
                }
            }
        }
        self.budget.leave();
        Ok(())
    }

    /// The stanzas that logrotate drops, where nothing else lists what they do.
    pub fn dropped(&self) -> impl Iterator<Item = &(Evidence, Message, Vec<String>)> {
        let rotated = |name: &String| self.listed.contains(name) || self.wanted.contains(name);
        self.dropped.iter().filter(move |(_, _, names)| !names.iter().all(rotated))
    }

    /// Without `su`, logrotate skips a log in a directory that others can write to, or a group
    /// other than root's.
    fn place(&mut self, pattern: &str, evidence: &Evidence) -> Result<()> {
        let Some((dir, _)) = pattern.rsplit_once('/') else { return Ok(()) };
        let dir = if dir.is_empty() { "/" } else { dir };
        let Ok(dir) = ImagePath::parse(dir) else { return Ok(()) };
        let at = self.root.locate(&dir)?;
        let Some(stat) = at.stat.filter(|s| s.kind == FileKind::Dir) else { return Ok(()) };
        if stat.mode & 0o002 != 0 || stat.mode & 0o020 != 0 && stat.gid != 0 {
            let found = evidence.clone().found(pattern);
            self.insecure.entry(at.path).or_insert((found, stat));
        }
        Ok(())
    }

    fn global(&mut self, directive: &Directive) -> Result<()> {
        self.globals.old_dir.read(directive);
        match directive.name.as_str() {
            "su" | "nosu" => {
                self.globals.su = directive.name == "su";
                Ok(())
            }
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
            .filter(|w| path_matches(Wildcards::Libc, pattern, w))
            .collect();
        if names.is_empty() {
            names.push(pattern);
        }
        for name in names {
            if idle.is_none() && !self.listed.insert(name.to_owned()) {
                let at = evidence.path.as_ref().map(ToString::to_string).unwrap_or_default();
                let line = evidence.line.unwrap_or(0);
                *idle = Some(Idle::Lost(messages::listed_twice(at, line, name)));
                continue;
            }
            let found = evidence.clone().found(pattern);
            match idle {
                None => {
                    self.covered.entry(name.to_owned()).or_insert(found);
                }
                Some(why) => {
                    self.idle.entry(name.to_owned()).or_insert_with(|| (found, why.clone()));
                }
            }
        }
    }
}

/// Why logrotate passes over a configuration file, going by its owner and mode.
pub(super) fn refused(stat: &Stat) -> Option<Message> {
    if stat.uid != 0 {
        return Some(messages::owner_refused(stat.uid));
    }
    // Readable by root; not writable by others; not executable, and no special bits.
    (stat.mode & 0o7533 != 0o400).then(|| messages::mode_refused(format!("{:04o}", stat.mode)))
}

/// An include that names nothing: logrotate gives up the whole file that holds it.
pub(super) fn lost_include(root: &dyn Rootfs, items: &[Item]) -> Result<Option<(usize, String)>> {
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
