//! All that sshd reads: the main file and what it includes, line by line, with the place of each
//! line and whether sshd would refuse it.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::keyword::{Keyword, Takes, conditions, shorten, words};
use super::keywords;
use super::messages;
use super::options;
use super::release::{NEWEST, Release};
use super::whole::{self, Whole};
use crate::check::common::glob;
use crate::check::common::includes::{Budget, Limits};
use crate::check::{Audit, foreign};
use crate::error::{Error, Result, cannot};
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::lossless::byte_len;
use crate::text::pattern::Wildcards;
use crate::text::sshd_config::{Statement, statement};

/// Where sshd begins to read if its command line does not say otherwise.
pub(super) const MAIN: &str = "/etc/ssh/sshd_config";
/// sshd follows includes 16 deep.
const LIMITS: Limits = Limits { levels: 17, files: 1024 };

/// Where a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MatchScope {
    /// Outside all `Match` blocks.
    Global,
    /// In a block for some connections.
    Match {
        /// Numbers the blocks.
        block: usize,
    },
    /// In a block for all connections (`Match all`): as good as outside, and it comes before what
    /// stands there.
    MatchAll {
        /// Numbers the blocks.
        block: usize,
    },
}

impl MatchScope {
    /// Whether sshd takes the line into account when it starts.
    pub fn is_active(self) -> bool {
        !matches!(self, MatchScope::Match { .. })
    }
}

/// A file that sshd reads.
#[derive(Debug)]
pub(super) struct SshdFile {
    /// Where it is, links resolved.
    pub path: ImagePath,
    /// What it holds.
    pub text: String,
    /// Whether it is outside /etc, and so not to be edited.
    pub outside: bool,
}

impl SshdFile {
    /// A line of it, or the whole file, as messages name it.
    pub fn spot(&self, line: impl Into<Option<usize>>) -> String {
        match line.into() {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.to_string(),
        }
    }
}

/// A line that says something.
#[derive(Debug)]
pub(super) struct DirectiveLine {
    /// Which of the sources.
    pub source: usize,
    /// The line, from 1.
    pub line: usize,
    /// Its words.
    pub said: Statement,
    /// Its keyword, if any release knows it.
    pub keyword: Option<&'static Keyword>,
    /// Where it stands.
    pub place: MatchScope,
    /// Why sshd refuses the line and so the file.
    pub refusal: Option<Message>,
}

impl DirectiveLine {
    /// Whether it is about `keyword`.
    pub fn is(&self, keyword: &Keyword) -> bool {
        self.keyword.is_some_and(|k| std::ptr::eq(k, keyword))
    }

    /// Its values, as shown in reports.
    pub fn shown(&self) -> String {
        shorten(&self.said.args.join(" "))
    }
}

/// Everything sshd reads, in the order in which it reads.
#[derive(Debug)]
pub(super) struct Config {
    /// Who reads it.
    pub release: Release,
    /// The files; the main one is the first.
    pub sources: Vec<SshdFile>,
    /// The lines.
    pub settings: Vec<DirectiveLine>,
    /// The line of the first `Include` or `Match` in the main file: what is to apply everywhere
    /// and before everything stands above it.
    pub first_block: Option<usize>,
}

impl Config {
    /// Reads the configuration; `None` when there is none.
    ///
    /// # Errors
    /// What cannot be read or holds a NUL byte, a link that leads nowhere, files that include
    /// themselves or are nested too deep.
    pub fn read(audit: &Audit<'_>) -> Result<Option<Rc<Config>>> {
        let main = options::main_file(audit)?;
        let supposed = format!("{main} {:?}", audit.supposed_version("openssh-server"));
        let memo = audit.root().memo();
        let read = || Ok(Config::read_anew(audit, main)?.map(Rc::new));
        let config = memo.derived_for(supposed, read)?;
        Ok(Option::clone(&config))
    }

    fn read_anew(audit: &Audit<'_>, main: ImagePath) -> Result<Option<Config>> {
        let root = audit.root();
        let at = root.locate(&main)?;
        if at.stat.is_none() {
            // A link to something that only boot brings about cannot be judged.
            return match root.stat(&main)? {
                Some(_) => Err(Error::target(cannot::read, &main, nix::Error::ENOENT)),
                None => Ok(None),
            };
        }
        let Some(text) = root.read(&main)? else { return Ok(None) };
        let release = Release::of(audit, &text)?;
        let mut reader = SshdLoader::new(root, release, &main);
        reader.file(at.path, text, MatchScope::Global)?;
        let mut config = reader.config;
        whole::finish(audit, &mut config)?;
        Ok(Some(config))
    }

    /// The lines about `keyword`, in order.
    pub fn about<'a>(&'a self, keyword: &'a Keyword) -> impl Iterator<Item = &'a DirectiveLine> {
        self.settings.iter().filter(move |s| s.is(keyword))
    }

    /// For lines that are judged, whatever of them is shown.
    ///
    /// # Errors
    /// One holds a byte that is not UTF-8.
    pub fn judged<'a>(&self, lines: impl IntoIterator<Item = &'a DirectiveLine>) -> Result<()> {
        for line in lines {
            if let Some(source) = self.sources.get(line.source) {
                foreign::judged(&source.path, line.line, &line.said.args.join(" "))?;
            }
        }
        Ok(())
    }

    /// The main file.
    pub fn main(&self) -> Option<&SshdFile> {
        self.sources.first()
    }
}

struct SshdLoader<'a> {
    root: &'a dyn Rootfs,
    config: Config,
    known: BTreeMap<ImagePath, usize>,
    budget: Budget,
    blocks: usize,
    whole: Whole<'a>,
}

impl<'a> SshdLoader<'a> {
    fn new(root: &'a dyn Rootfs, release: Release, main: &ImagePath) -> SshdLoader<'a> {
        SshdLoader {
            root,
            config: Config {
                release,
                sources: Vec::new(),
                settings: Vec::new(),
                first_block: None,
            },
            known: BTreeMap::new(),
            budget: Budget::new(LIMITS, main),
            blocks: 0,
            whole: Whole::new(root, release),
        }
    }

    /// Reads a file, whose lines stand at `place` up to its first `Match`. What it opens ends with
    /// it.
    fn file(&mut self, path: ImagePath, text: String, mut place: MatchScope) -> Result<()> {
        self.budget.enter(&path, text.len())?;
        if let Some(at) = text.find('\0') {
            let line = 1 + text[..at].matches('\n').count();
            return Err(syntax(&path, line, "a NUL byte".to_owned(), "text"));
        }
        let whole = place;
        let source = self.source(&path, &text);
        for (i, line) in text.split('\n').enumerate() {
            let length = byte_len(line);
            let too_long = length + 1 >= self.config.release.line_limit();
            let said = statement(line, self.config.release.style());
            let said = match said {
                Some(said) => said,
                // Comments are too long for sshd, too.
                None if too_long => Statement {
                    keyword: String::new(),
                    args: Vec::new(),
                    closed: true,
                    comment: None,
                },
                None => continue,
            };
            let keyword = keywords::find(&said.keyword);
            let refusal = if too_long {
                Some(messages::line_too_long(length))
            } else {
                self.refusal(line, &said, keyword, place)?
            };
            self.config.settings.push(DirectiveLine {
                source,
                line: i + 1,
                said,
                keyword,
                place,
                refusal,
            });
            let takes = keyword.filter(|k| k.exists_in(&self.config.release)).map(|k| k.takes);
            if matches!(takes, Some(Takes::Match | Takes::Include)) && source == 0 {
                self.config.first_block.get_or_insert(i + 1);
            }
            match takes {
                Some(Takes::Match) => place = self.block(whole),
                Some(Takes::Include) => self.include(place)?,
                _ => {}
            }
        }
        self.budget.leave();
        Ok(())
    }

    fn source(&mut self, path: &ImagePath, text: &str) -> usize {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        let inside = ImagePath::parse("/etc").is_ok_and(|etc| path.starts_with(&etc));
        let number = self.config.sources.len();
        self.config.sources.push(SshdFile {
            path: path.clone(),
            text: text.to_owned(),
            outside: !inside,
        });
        self.known.insert(path.clone(), number);
        number
    }

    /// The place below a `Match` line, the latest setting, in a file that begins at `whole`.
    fn block(&mut self, whole: MatchScope) -> MatchScope {
        self.blocks += 1;
        let block = self.blocks;
        let all = self.config.settings.last().is_some_and(|s| {
            let conditions = conditions(&s.said, &self.config.release);
            matches!(conditions.as_slice(), [only] if only.eq_ignore_ascii_case("all"))
        });
        // In a file that applies to some connections only, `all` means all of those.
        if all && whole.is_active() {
            MatchScope::MatchAll { block }
        } else {
            MatchScope::Match { block }
        }
    }

    /// Why sshd refuses a line of usual length.
    fn refusal(
        &mut self,
        line: &str,
        said: &Statement,
        keyword: Option<&'static Keyword>,
        place: MatchScope,
    ) -> Result<Option<Message>> {
        let release = self.config.release;
        let Some(keyword) = keyword.filter(|k| k.exists_in(&release)) else {
            let known = release.version <= NEWEST;
            return Ok(known.then(|| messages::not_a_keyword(shorten(&said.keyword))));
        };
        if !place.is_active() && !keyword.goes_in_match(&release) {
            return Ok(Some(messages::not_in_match(keyword.name)));
        }
        self.whole.refusal(line, said, keyword, place)
    }

    /// Reads what the `Include` line, the latest setting, names.
    fn include(&mut self, place: MatchScope) -> Result<()> {
        let Some(setting) = self.config.settings.last_mut() else { return Ok(()) };
        let line = setting.line;
        let patterns: Vec<String> = words(&setting.said, &self.config.release)
            .unwrap_or_default()
            .into_iter()
            .map(|file| match file.as_bytes().first() {
                Some(b'/') => file.to_owned(),
                // A tilde is not expanded; sshd is started in the root directory.
                Some(b'~') => format!("/{file}"),
                _ => format!("/etc/ssh/{file}"),
            })
            .collect();
        let Some(here) = self.budget.here().cloned() else { return Ok(()) };
        self.budget.at(&here, line);
        let mut files = Vec::new();
        for pattern in &patterns {
            for file in glob::expand(self.root, Wildcards::Bsd, pattern, &mut self.budget)? {
                let at = self.root.locate(&file)?;
                match at.stat {
                    Some(stat) if stat.kind == FileKind::Dir => {}
                    Some(_) => files.push((file, at.path)),
                    None => {
                        setting.refusal.get_or_insert_with(|| messages::dangling(&file));
                    }
                }
            }
        }
        for (file, path) in files {
            self.budget.at(&here, line);
            let Some(text) = self.root.read(&file)? else { continue };
            self.file(path, text, place)?;
        }
        Ok(())
    }
}

fn syntax(path: &ImagePath, line: usize, found: String, want: &'static str) -> Error {
    Error::Syntax { path: path.clone(), line, found, want }
}

#[cfg(test)]
mod tests;
