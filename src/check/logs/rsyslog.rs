//! The image's rsyslog configuration as one sequence: included files stand where they are
//! included, as rsyslogd reads them.

use std::borrow::Cow;
use std::rc::Rc;

use super::messages;
use crate::check::chain;
use crate::check::common::includes::{Budget, Limits};
use crate::check::common::{glob, remedy};
use crate::check::packages::versions;
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::lossless;
use crate::text::pattern::Wildcards;
use crate::text::rsyslog::{self, FilteredAction, Target, Token, TokenKind};

/// The main file if rsyslogd's command line does not name another.
pub(in crate::check) const MAIN: &str = "/etc/rsyslog.conf";
/// More than this is a hostile tree or an endless chain of includes.
const LIMITS: Limits = Limits { levels: 32, files: 2_000 };

/// One file of the configuration.
#[derive(Debug)]
pub(in crate::check) struct RsyslogFile {
    /// Its path, links resolved.
    pub path: ImagePath,
    /// Its text.
    pub text: String,
    /// Where its lines begin.
    lines: Vec<usize>,
}

impl RsyslogFile {
    /// A line, from 1, with single blanks between its words.
    fn line(&self, number: usize) -> String {
        let start = self.lines.get(number.saturating_sub(1)).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// The whole configuration.
#[derive(Debug)]
pub(in crate::check) struct Config {
    sources: Vec<RsyslogFile>,
    tokens: Vec<(usize, Token)>,
    /// Where this version of rsyslogd stops reading, and at what; what stands behind is not here.
    stopped: Option<(Evidence, Message)>,
}

impl Config {
    /// Reads the main file and everything it includes; `None` when there is no main file.
    ///
    /// # Errors
    /// A file cannot be read or is malformed, or there is no end of includes.
    pub fn read(audit: &Audit<'_>) -> Result<Option<Rc<Config>>> {
        let (root, main) = (audit.root(), chain::main_file(audit, "rsyslogd")?);
        let read = || Ok(Config::read_anew(root, &main, is_old(audit)?)?.map(Rc::new));
        let config = root.memo().derived_for(main.to_string(), read)?;
        Ok(Option::clone(&config))
    }

    fn read_anew(root: &dyn Rootfs, main: &ImagePath, is_old: bool) -> Result<Option<Config>> {
        let mut reader = RsyslogLoader {
            root,
            is_old,
            config: Config { sources: Vec::new(), tokens: Vec::new(), stopped: None },
            budget: Budget::new(LIMITS, main),
        };
        if root.locate(main)?.stat.is_none() {
            return Ok(None);
        }
        reader.file(main)?;
        Ok(Some(reader.config))
    }

    /// Where rsyslogd stops reading, and why, if it does.
    pub fn stopped(&self) -> Option<&(Evidence, Message)> {
        self.stopped.as_ref()
    }

    /// What the tokens are, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &TokenKind> {
        self.tokens.iter().map(|(_, token)| &token.kind)
    }

    /// The tokens in order, each with its index.
    pub fn tokens(&self) -> impl Iterator<Item = (usize, &Token)> {
        self.tokens.iter().map(|(_, token)| token).enumerate()
    }

    /// Under which filter each action stands; tokens by index.
    pub fn actions(&self) -> Vec<FilteredAction> {
        rsyslog::actions(self.kinds())
    }

    /// The file that holds the token with this index.
    pub fn source(&self, token: usize) -> Option<&RsyslogFile> {
        self.sources.get(self.tokens.get(token)?.0)
    }

    /// The main file.
    pub fn main(&self) -> Option<&RsyslogFile> {
        self.sources.first()
    }

    /// The line that holds the token with this index, as evidence.
    pub fn evidence(&self, token: usize) -> Evidence {
        let (Some(source), Some((_, token))) = (self.source(token), self.tokens.get(token)) else {
            return Evidence::default();
        };
        let evidence = Evidence::at(&source.path).line(token.line);
        // The line may be one of several, and may have a comment.
        let said = said(&token.kind);
        if lossless::holds(&said) {
            return evidence.found(said);
        }
        evidence.found(source.line(token.line)).aside()
    }
}

/// The gap of a tree without the main file.
pub(super) fn no_configuration(audit: &Audit<'_>) -> Result<Gap> {
    let main = ImagePath::parse(MAIN)?;
    let evidence = Evidence::at(&main).want(messages::wants_configuration("rsyslog"));
    let why = messages::configuration_missing(&main, "rsyslog");
    Ok(remedy::none(audit, Subject::path(&main), evidence, why))
}

/// What a statement says that a rule may judge.
fn said(kind: &TokenKind) -> Cow<'_, str> {
    match kind {
        // What follows the value is passed over.
        TokenKind::Directive(directive) => directive.value.split_whitespace().next(),
        TokenKind::Object(object) => {
            let mut values = object.parameters.iter().map(|p| p.value.as_str());
            values.find(|value| lossless::holds(value))
        }
        TokenKind::Action(text) => match Target::of(kind) {
            Some(Target::File(path)) => return path.into(),
            _ => text.split_whitespace().next(),
        },
        _ => None,
    }
    .unwrap_or_default()
    .into()
}

/// Whether the tree's rsyslogd is older than 8.33. Where no version is known, nothing is refused.
fn is_old(audit: &Audit<'_>) -> Result<bool> {
    let version = versions::installed_or_supposed(audit, "rsyslog")?;
    Ok(version.is_some_and(|version| version < vec![8, 33]))
}

struct RsyslogLoader<'a> {
    root: &'a dyn Rootfs,
    is_old: bool,
    config: Config,
    budget: Budget,
}

impl RsyslogLoader<'_> {
    fn file(&mut self, path: &ImagePath) -> Result<()> {
        let real = self.root.locate(path)?.path;
        // rsyslogd passes over a file that it is reading already.
        if self.budget.is_open(&real) {
            return Ok(());
        }
        let Some(text) = self.root.read(&real)? else { return Ok(()) };
        self.budget.enter(&real, text.len())?;
        let tokens = rsyslog::tokens(&text).map_err(|bad| Error::Syntax {
            path: real.clone(),
            line: bad.line,
            found: bad.found,
            want: bad.want,
        })?;
        let source = self.config.sources.len();
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        let lines = std::iter::once(0).chain(starts).collect();
        self.config.sources.push(RsyslogFile { path: real.clone(), text, lines });
        self.config.tokens.reserve(tokens.len());
        let mut before = None;
        for token in tokens {
            if self.config.stopped.is_some() {
                break;
            }
            let unknown = rsyslog::unknown_to_8_32(before.as_ref(), &token.kind);
            if let Some(what) = unknown.filter(|_| self.is_old) {
                let why = messages::rsyslog_stops(&real, token.line, what);
                let evidence = Evidence::at(&real).line(token.line);
                let evidence = evidence.note(messages::unknown_statement(what));
                self.config.stopped = Some((evidence, why));
                break;
            }
            let pattern = match &token.kind {
                TokenKind::Include { pattern, .. } => pattern.clone(),
                _ => String::new(),
            };
            before = matches!(token.kind, TokenKind::Open).then_some(TokenKind::Open);
            let line = token.line;
            self.config.tokens.push((source, token));
            if pattern.is_empty() {
                continue;
            }
            for path in
                glob::expand(self.root, Wildcards::Libc, &pattern, self.budget.at(&real, line))?
            {
                self.budget.at(&real, line);
                self.included(&path)?;
            }
        }
        self.budget.leave();
        Ok(())
    }

    /// A directory stands for its files; one within it for its own.
    fn included(&mut self, path: &ImagePath) -> Result<()> {
        let mut todo = vec![path.clone()];
        while let Some(path) = todo.pop() {
            match self.root.locate(&path)?.stat.map(|s| s.kind) {
                Some(FileKind::File) => self.file(&path)?,
                Some(FileKind::Dir) => {
                    self.budget.count()?;
                    let mut entries = glob::entries(self.root, &path, Wildcards::Libc, "*")?;
                    self.budget.look("*", entries.len())?;
                    entries.reverse();
                    todo.extend(entries);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn shown(root: &MemoryRootfs) -> Vec<String> {
        let config = Config::read(&root.into()).unwrap().unwrap();
        config
            .tokens()
            .filter(|(_, t)| matches!(t.kind, TokenKind::Action(_)))
            .map(|(i, _)| {
                let e = config.evidence(i);
                format!("{}:{} {}", e.path.unwrap(), e.line.unwrap(), e.found.unwrap())
            })
            .collect()
    }

    #[test]
    fn included_files_stand_where_they_are_included() {
        let root = MemoryRootfs::new()
            .file(MAIN, "*.* /1\n$IncludeConfig /etc/rsyslog.d/*.conf\n*.*\t/4\ninclude(file=\"/etc/more\")\n")
            .file("/etc/rsyslog.d/b.conf", "*.* /3\n")
            .file("/etc/rsyslog.d/a.conf", "\n*.* /2\n")
            .file("/etc/rsyslog.d/c.conf.off", "*.* /no\n")
            .file("/etc/more/sub/x", "*.* /5\n")
            .file("/etc/more/z", "*.* /6\n");
        assert_eq!(
            shown(&root),
            [
                "/etc/rsyslog.conf:1 *.* /1",
                "/etc/rsyslog.d/a.conf:2 *.* /2",
                "/etc/rsyslog.d/b.conf:1 *.* /3",
                "/etc/rsyslog.conf:3 *.* /4",
                "/etc/more/sub/x:1 *.* /5",
                "/etc/more/z:1 *.* /6",
            ]
        );
        assert!(Config::read(&(&MemoryRootfs::new()).into()).unwrap().is_none());
    }

    #[test]
    fn includes_without_end() {
        let itself = MemoryRootfs::new().file(MAIN, "$IncludeConfig /etc/rsyslog.conf\n*.* /1\n");
        assert_eq!(shown(&itself), ["/etc/rsyslog.conf:2 *.* /1"]);
        let link = MemoryRootfs::new()
            .file(MAIN, "$IncludeConfig /etc/l\n*.* /1\n")
            .link("/etc/l", "rsyslog.conf");
        assert_eq!(shown(&link).len(), 1);

        let mut many = MemoryRootfs::new().file(MAIN, "$IncludeConfig /etc/0\n");
        for i in 0..20 {
            let twice = format!("$IncludeConfig /etc/{0}\n$IncludeConfig /etc/{0}\n", i + 1);
            many = many.file(&format!("/etc/{i}"), twice);
        }
        let many = many.file("/etc/20", "");
        let e = Config::read(&(&many).into()).unwrap_err().to_string();
        assert!(e.contains("want includes that end"), "{e}");

        let large = "$IncludeConfig /etc/large\n".repeat(5);
        let large = MemoryRootfs::new().file(MAIN, large).file("/etc/large", "#".repeat(4 << 20));
        let e = Config::read(&(&large).into()).unwrap_err().to_string();
        assert!(e.starts_with("/etc/rsyslog.conf:4: found /etc/large, and more than"), "{e}");
        assert!(e.contains("bytes"), "{e}");

        let looping = MemoryRootfs::new().file(MAIN, "$IncludeConfig /etc/l\n").link("/etc/l", "l");
        assert!(Config::read(&(&looping).into()).is_err());
        let bad = MemoryRootfs::new().file(MAIN, "*.* /1\naction(\n");
        let e = Config::read(&(&bad).into()).unwrap_err().to_string();
        assert_eq!(e, "/etc/rsyslog.conf:2: found `action(`, want an object that ends with `)`");
    }
}
