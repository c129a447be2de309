//! ntpd lets nobody but itself change or query it, has a source of time, and is not root.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::chain::{Chain, resolve};
use crate::check::common::includes::{Budget, Limits};
use crate::check::common::remedy;
use crate::check::foreign;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::shell_assignments::{Assignment, assignments};
use crate::text::{Lines, ntp};

/// The configuration of ntpd, where the package `ntp` is there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NtpConf {}

/// What the default entries must carry, in the order it is written.
const FLAGS: [&str; 5] = ["kod", "nomodify", "notrap", "nopeer", "noquery"];
/// ntpd itself goes no deeper into `includefile`; more files than this are a mistake.
const LIMITS: Limits = Limits { levels: 6, files: 64 };
const DEFAULTS: &str = "/etc/default/ntp";
const INIT: &str = "/etc/init.d/ntp";
const WRAPPER: &str = "/usr/lib/ntp/ntp-systemd-wrapper";

impl Primitive for NtpConf {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::own("ntpd")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "ntp")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let options = Options::read(audit)?;
        let mut gaps = Vec::new();
        let mut holding = Vec::new();
        let (path, files) = options.files(root)?;
        if files.is_empty() {
            let evidence = Evidence::at(&path).note(messages::missing());
            let evidence = evidence.want(messages::wants_configuration("ntpd"));
            let why = messages::configuration_missing(&path, "ntp");
            gaps.push(remedy::none(audit, Subject::path(&path), evidence, why));
        } else {
            restrict(audit, &files, &mut gaps, &mut holding)?;
            sources(audit, &files, &mut gaps, &mut holding);
        }
        options.user(audit, &mut gaps);
        run_as(audit, &mut gaps, &mut holding)?;
        Ok(Finding::from_gaps(gaps, holding))
    }
}

/// All flags of an entry; `ignore` does what all others do, and more.
const ALL_FLAGS: [&str; 14] = [
    "ignore",
    "kod",
    "limited",
    "lowpriotrap",
    "mssntp",
    "nomodify",
    "nopeer",
    "noquery",
    "noserve",
    "notrap",
    "notrust",
    "ntpport",
    "flake",
    "version",
];

impl NtpConf {
    /// The flags of the default entry of each address family, and whom ntpd runs as.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let options = Options::read(audit)?;
        let (_, files) = options.files(audit.root())?;
        let entries: Vec<_> = files.iter().flat_map(|f| ntp::default_restricts(&f.text)).collect();
        for (family, is_v4) in [("-4", true), ("-6", false)] {
            let own = entries.iter().filter(|e| if is_v4 { e.v4 } else { e.v6 });
            let flags: Vec<&str> = own.flat_map(|e| e.flags.iter().map(AsRef::as_ref)).collect();
            let level = match flags.contains(&"ignore") {
                true => Level::asks(ALL_FLAGS),
                false => Level::asks(flags),
            };
            levels.only(default_entry(family), level);
        }
        let root = options.user.as_deref().is_some_and(is_root);
        levels.only(Subject::key("user"), Level::lets(root.then_some("root")));
        Ok(levels)
    }
}

struct File {
    path: ImagePath,
    text: String,
}

/// The file and those it includes, each once.
fn read_all(
    root: &dyn Rootfs,
    path: &ImagePath,
    budget: &mut Budget,
    files: &mut Vec<File>,
) -> Result<()> {
    if budget.is_deepest() || files.iter().any(|f| f.path == *path) {
        return Ok(());
    }
    let Some(text) = root.read(path)? else { return Ok(()) };
    budget.enter(path, text.len())?;
    let includes: Vec<(usize, String)> = Lines::new(&text)
        .iter()
        .filter_map(|(number, line)| match ntp::words(line).as_slice() {
            ["includefile", path, ..] => Some((number, path.trim_matches('"').to_owned())),
            _ => None,
        })
        .collect();
    files.push(File { path: path.clone(), text });
    for (line, include) in includes {
        // A relative path depends on ntpd's working directory, which is unknown here.
        if let Ok(included) = ImagePath::parse(&include) {
            read_all(root, &included, budget.at(path, line), files)?;
        }
    }
    budget.leave();
    Ok(())
}

/// The default entry for an address family.
fn default_entry(family: &str) -> Subject {
    Subject::directive(format!("restrict {family} default"))
}

/// One gap for each address family whose default entry lacks a flag.
fn restrict(
    audit: &Audit<'_>,
    files: &[File],
    gaps: &mut Vec<Gap>,
    holding: &mut Vec<Evidence>,
) -> Result<()> {
    let entries: Vec<_> = files
        .iter()
        .flat_map(|f| ntp::default_restricts(&f.text).into_iter().map(move |e| (f, e)))
        .collect();
    let Some(main) = files.first() else { return Ok(()) };
    for (family, other, is_v4) in [("-4", "-6", true), ("-6", "-4", false)] {
        let own: Vec<_> = entries.iter().filter(|(_, e)| if is_v4 { e.v4 } else { e.v6 }).collect();
        for (file, entry) in &own {
            foreign::judged(&file.path, entry.line, &entry.flags.join(" "))?;
        }
        // `ignore` drops every packet, queries included.
        let has = |flag: &&str| {
            own.iter().any(|(_, e)| e.flags.iter().any(|f| f == flag || f == "ignore"))
        };
        let missing: Vec<&str> = FLAGS.into_iter().filter(|f| !has(f)).collect();
        let want = format!("restrict {family} default {}", FLAGS.join(" "));
        // The line for this family alone is the one to add to, if there is one.
        let alone = own.iter().rev().find(|(_, e)| e.v4 != e.v6);
        let evidence = match alone.or(own.last()) {
            Some((file, entry)) => {
                let found = format!("restrict {family} default {}", entry.flags.join(" "));
                Evidence::at(&file.path).line(entry.line).found(found)
            }
            None => Evidence::at(&main.path).note(messages::no_restrict(family)),
        };
        if missing.is_empty() {
            holding.push(evidence);
            continue;
        }
        // A line for both families stays where the other one is excluded; a further line adds
        // flags for this family.
        let is_shared_free = audit.excluded(&default_entry(other)).is_none();
        let (file, mut new) = match alone.or(own.last().filter(|_| is_shared_free)) {
            Some((file, entry)) => (*file, ntp::add_flags(&file.text, entry.line, &missing)),
            None => (main, ntp::push(&main.text, &want)),
        };
        if missing.contains(&"nopeer") {
            new = open_pool(files, &file.path, new);
        }
        let (subject, evidence) = (default_entry(family), evidence.want(want));
        gaps.push(remedy::rewrite(audit, subject, evidence, &file.path, new, 0o644)?);
    }
    Ok(())
}

/// `nopeer` keeps the servers of a `pool` from being used, unless an entry for sources without it
/// is there: adds one to the new text of a file where that is so.
fn open_pool(files: &[File], path: &ImagePath, new: String) -> String {
    let command = |first: &str, second: Option<&str>| {
        files.iter().any(|f| {
            let text = if f.path == *path { &new } else { &f.text };
            Lines::new(text).iter().any(|(_, line)| {
                let words = ntp::words(line);
                words.first() == Some(&first)
                    && second.is_none_or(|second| words.get(1) == Some(&second))
            })
        })
    };
    if command("pool", None) && !command("restrict", Some("source")) {
        return ntp::push(&new, "restrict source notrap nomodify noquery");
    }
    new
}

/// ntpd needs a source of time; which one is the site's choice.
fn sources(audit: &Audit<'_>, files: &[File], gaps: &mut Vec<Gap>, holding: &mut Vec<Evidence>) {
    for file in files {
        for (number, line) in Lines::new(&file.text).iter() {
            let words = ntp::words(line);
            let [command @ ("server" | "pool"), rest @ ..] = words.as_slice() else { continue };
            let address = rest.iter().find(|w| !w.starts_with('-'));
            // The machine's own clock is no source.
            if address.is_some_and(|a| !a.starts_with("127.127.1.")) {
                let found = format!("{command} {}", address.unwrap_or(&""));
                holding.push(Evidence::at(&file.path).line(number).found(found));
                return;
            }
        }
    }
    let Some(file) = files.first() else { return };
    let evidence = Evidence::at(&file.path).note(messages::no_server());
    let evidence = evidence.want(messages::wants_time_source());
    let why = messages::no_time_source(&file.path);
    gaps.push(remedy::none(audit, Subject::directive("server"), evidence, why));
}

/// ntpd's options: those it is started with; where nothing starts it, in `/etc/default/ntp`.
struct Options {
    path: ImagePath,
    line: usize,
    /// The configuration they name.
    config: Option<String>,
    /// The user they name.
    user: Option<String>,
}

impl Options {
    fn read(audit: &Audit<'_>) -> Result<Options> {
        if let Chain::Runs(runs) = &*resolve(audit, "ntpd")?
            && let Some(run) = runs.first()
            && let Some(first) = run.args.first()
        {
            let words: Vec<&str> = run.args.iter().map(|word| word.text.as_str()).collect();
            let named = run.file.as_ref().filter(|file| file.text.starts_with('/'));
            let at = named.unwrap_or(first).at.clone();
            let user = option(&words, 'u', "user").map(str::to_owned);
            let (path, line) = (at.path, at.line.unwrap_or(0));
            foreign::judged(&path, line, user.as_deref().unwrap_or_default())?;
            let config = named.map(|file| file.text.clone());
            return Ok(Options { path, line, config, user });
        }
        let root = audit.root();
        let path = ImagePath::parse(DEFAULTS)?;
        let text = root.read(&path)?.unwrap_or_default();
        let last = last_assignment(&text, "NTPD_OPTS");
        let line = last.as_ref().map_or(0, |v| v.line);
        let words: Vec<&str> = last.iter().flat_map(|v| v.value.split_whitespace()).collect();
        let config = option(&words, 'c', "configfile").filter(|p| p.starts_with('/'));
        let user = option(&words, 'u', "user");
        foreign::judged(&path, line, user.unwrap_or_default())?;
        Ok(Options { path, line, config: config.map(str::to_owned), user: user.map(str::to_owned) })
    }

    /// The configuration, and the files that it is made of.
    fn files(&self, root: &dyn Rootfs) -> Result<(ImagePath, Vec<File>)> {
        let path = ImagePath::parse(self.config.as_deref().unwrap_or("/etc/ntp.conf"))?;
        let mut files = Vec::new();
        read_all(root, &path, &mut Budget::new(LIMITS, &path), &mut files)?;
        Ok((path, files))
    }

    fn user(&self, audit: &Audit<'_>, gaps: &mut Vec<Gap>) {
        let Some(user) = &self.user else { return };
        if is_root(user) {
            let evidence = Evidence::at(&self.path).line(self.line).found(format!("-u {user}"));
            let evidence = evidence.want(messages::wants_user_option());
            let why = messages::runs_as_root(&self.path, self.line, user);
            gaps.push(remedy::none(audit, variable(&self.path, "NTPD_OPTS"), evidence, why));
        }
    }
}

/// A variable of a file, by both names.
fn variable(path: &ImagePath, name: &str) -> Subject {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    Subject::key(format!("{file}:{name}"))
}

fn is_root(user: &str) -> bool {
    let name = user.split([':', '.']).next().unwrap_or_default();
    name == "root" || (!name.is_empty() && name.bytes().all(|b| b == b'0'))
}

/// The last value of an option, as getopt finds it: `-x v`, `-xv`, `-abx v`, `--long v`,
/// `--long=v`.
fn option<'a>(words: &[&'a str], short: char, long: &str) -> Option<&'a str> {
    /// ntpd's options without a value.
    const FLAGS: &str = "46aAbdgGLmMnNqwx";
    let mut found = None;
    for (i, word) in words.iter().enumerate() {
        let next = || words.get(i + 1).copied();
        let value = if let Some(rest) = word.strip_prefix("--") {
            match rest.strip_prefix(long) {
                Some("") => next(),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            }
        } else if let Some(rest) = word.strip_prefix('-') {
            match rest.trim_start_matches(|c| FLAGS.contains(c)).strip_prefix(short) {
                Some("") => next(),
                rest => rest,
            }
        } else {
            None
        };
        found = value.or(found);
    }
    found
}

fn last_assignment(text: &str, name: &str) -> Option<Assignment> {
    assignments(text).into_iter().rfind(|v| v.name == name)
}

/// The user the start scripts give ntpd.
fn run_as(audit: &Audit<'_>, gaps: &mut Vec<Gap>, holding: &mut Vec<Evidence>) -> Result<()> {
    let root = audit.root();
    for (path, ours) in [(INIT, true), (WRAPPER, false)] {
        let path = ImagePath::parse(path)?;
        let Some(text) = root.read(&path)? else { continue };
        let Some(user) = last_assignment(&text, "RUNASUSER") else { continue };
        let evidence =
            Evidence::at(&path).line(user.line).found(format!("RUNASUSER={}", user.value));
        if user.value == "ntp" {
            holding.push(evidence);
            continue;
        }
        let evidence = evidence.want("RUNASUSER=ntp");
        let mut lines = Lines::new(&text);
        let plain = lines.get(user.line).map(str::trim);
        let plain = plain.is_some_and(|l| l.starts_with("RUNASUSER=") && !l.contains([';', '&']));
        let subject = variable(&path, "RUNASUSER");
        gaps.push(if ours && is_root(&user.value) && plain {
            lines.set(user.line, "RUNASUSER=ntp");
            remedy::rewrite(audit, subject, evidence, &path, lines.to_string(), 0o644)?
        } else {
            let why = messages::runs_as(&path, user.line, &user.value);
            remedy::none(audit, subject, evidence, why)
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
